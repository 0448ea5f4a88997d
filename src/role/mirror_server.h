/* mirror_server.h - the questions "mirror.*" that web asks query for a mirror: doc/format/mirror.md, doc/api.md.
 *
 * Each carries the bearer token that came with the request; it is looked at before anything is read. A token may take
 * so many bytes a second (setting mirror-rate-mib); past that the answer is `mirror_busy` and when to come back, so
 * that a mirror slows neither searches nor, through the disk, the intake. One answer is one small read. */
#ifndef ROLE_MIRROR_SERVER_H
#define ROLE_MIRROR_SERVER_H

#include "archive/reader.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

#include <stdbool.h>
#include <stdint.h>

#define MIRROR_PART_MAX   ((size_t)1 << 20)    /* bytes of one answer */
#define MIRROR_RECORD_MAX ((size_t)3 << 20)    /* a longer record comes with its segment */
#define MIRROR_ANSWER_MAX ((size_t)3500 << 10) /* with what stands around it; below MSG_ANSWER's 4 MiB */
#define MIRROR_ROWS_MAX   256
#define MIRROR_NOTES_MAX  32

struct mirror_server;

struct mirror_server_options {
    int folder;              /* DATA/mirror, with the file of tokens; borrowed */
    uint64_t rate_bytes;     /* a second, each token */
    uint64_t log_file_bytes; /* of this server's log files: a mirror's are as long */
};

struct mirror_server *mirror_server_new(const struct mirror_server_options *options); /* NULL without memory */
void mirror_server_free(struct mirror_server *server);                                /* NULL is fine */

/* Whose token came? False: the refusal is in `answer`, nothing was read. */
bool mirror_server_enter(struct mirror_server *server, const struct json_value *question, int64_t now_ns,
                         struct buf *answer);
/* Answers the question of whoever entered last. */
void mirror_server_answer(struct mirror_server *server, struct archive_reader *reader,
                          const struct json_value *question, struct buf *answer);

#endif
