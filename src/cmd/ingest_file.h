/* ingest_file.h - a file's contents as records of one source: each line a record, or each event of a file of Windows
 * events (EVTX or XML). Lines and events are cut at 1 MiB. */
#ifndef CMD_INGEST_FILE_H
#define CMD_INGEST_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "cmd/archive_client.h"

#include <stdbool.h>
#include <stdint.h>

struct ingest_file {
    int fd;           /* the caller's */
    const char *path; /* for messages */
    bool progress;    /* shown on standard error */
};

struct ingest_result {
    uint64_t records;
    uint64_t known;      /* of these, kept by an earlier run */
    uint64_t cut;        /* at 1 MiB */
    uint64_t unreadable; /* events of a damaged EVTX file */
    bool damaged;        /* there may have been more events */
};

/* Gives the client, begun for this source, every record past `highest`; archive_client_end is the caller's. RC_INVALID:
 * no file, or one that says it is EVTX and is not; other errors are the connection's or the disk's. */
enum rc ingest_file_take(struct archive_client *client, const struct ingest_file *file, uint64_t highest,
                         struct ingest_result *ret_result, struct err *err) MUST_USE;
/* What came of a file as one line without its end: for people, or as a JSON object. */
void ingest_result_put(const char *path, const struct ingest_result *result, bool json, struct buf *out);

#endif
