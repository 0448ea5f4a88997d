/* witness.h - the server of `qorgan witness` (C2SP tlog-witness v1.0.0): one path, POST /add-checkpoint.
 *
 * A folder holds one file a log, named by the hexadecimal SHA-256 of its origin (tlog/witness.h). It is replaced
 * (write, sync, rename, sync of the folder) before the answer leaves; all requests are judged by one thread against
 * what was stored last, so checking and storing are one step. A failed write ends the process: the next start reads
 * what is there.
 *
 * Limits: below. A peer past a limit is refused or closed. */
#ifndef ROLE_WITNESS_H
#define ROLE_WITNESS_H

#include "base/arena.h"
#include "base/err.h"
#include "tlog/witness.h"

#include <stdbool.h>
#include <stdint.h>

#define WITNESS_LOGS_MAX        256 /* keys of logs */
#define WITNESS_CONNECTIONS_MAX 128
#define WITNESS_PER_ADDRESS_MAX 32
#define WITNESS_IDLE_S          15

struct witness_config {
    int folder;                    /* of the memories; borrowed */
    int listen_fd;                 /* bound and listening, non-blocking; the server's from a successful start on */
    struct str cert_pem;           /* empty: plain HTTP */
    struct str key_pem;            /* with cert_pem */
    const struct signing_key *key; /* of type NOTE_COSIGNATURE; borrowed */
    const struct note_key *logs;   /* borrowed */
    size_t log_count;
    int64_t silent_s; /* a log that has not grown for so long is told once in the log, and when it grows again */
};

struct witness;

enum rc witness_start(const struct witness_config *config, struct witness **ret_witness, struct err *err) MUST_USE;
void witness_stop(struct witness *witness); /* NULL is fine */
int witness_fd(const struct witness *witness);
int witness_timeout_ms(const struct witness *witness); /* at most a second */
void witness_run(struct witness *witness);

/* What the folder remembers of a log; RC_NOT_FOUND: never cosigned. RC_CORRUPT names the file. */
enum rc witness_load(int folder, struct str origin, const struct note_key *own, struct witness_memory *ret_memory,
                     struct err *err) MUST_USE;

#endif
