/* archive_client.h - how the command line brings records into an archive: through the running service, or, while none
 * runs, as the archive's writer itself. Both acknowledge only what is durable. */
#ifndef CMD_ARCHIVE_CLIENT_H
#define CMD_ARCHIVE_CLIENT_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct archive_client;

/* `data` is the data folder. */
enum rc archive_client_open(const char *data, struct archive_client **ret_client, struct err *err) MUST_USE;
/* Only through the running service; RC_NOT_FOUND when there is none. */
enum rc archive_client_open_service(const char *data, struct archive_client **ret_client, struct err *err) MUST_USE;
/* As archive_client_record, of a service: a lifecycle record, whose body begins as batch_paper_begins (msg/batch.h)
 * says */
enum rc archive_client_paper(struct archive_client *client, struct str body, struct err *err) MUST_USE;
/* Begins the records of one source, whose content is named by the epoch. Gives the highest sequence that is kept. */
enum rc archive_client_begin(struct archive_client *client, const char *name, uint64_t epoch, uint64_t *ret_highest,
                             struct err *err) MUST_USE;
/* The next record; sequences rise by one from highest + 1. */
enum rc archive_client_record(struct archive_client *client, struct str bytes, struct err *err) MUST_USE;
/* Waits until every record of this source is durable. */
enum rc archive_client_end(struct archive_client *client, struct err *err) MUST_USE;
/* What was added without a service is signed by the service at its next start: the signer's state has one owner. */
void archive_client_close(struct archive_client *client);

#endif
