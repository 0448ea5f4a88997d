/* spool.h - what was collected and is not yet safe elsewhere: a ring of log files (wal/wal.h), one frame a batch.
 *
 *   put ──► batch in memory ──append──► frames ──► sent ──► durable on the server ──► covered by a checkpoint ──► freed
 *           (256 KiB or 100 ms)         (synced at most once a second or every 256 KiB)
 *
 * Promises, each held by spool_test.c and sim/spool_power_test.c over power cuts and failing calls:
 * - what is not covered is never freed, never overwritten, and never forgotten: a position is at most as high as what
 *   is on this disk or on the server's;
 * - near its limit (90 %) the spool takes no more of what can wait in its source, at the limit nothing: who cannot wait
 *   counts what he loses;
 * - a spool that was lost or damaged gets a new number and forgets its positions: what is left of it is sent, files and
 *   journal are read again from their beginning, and the archive drops what it has.
 *
 * Frames are sent before they are synced here: after a power cut a source that can be read again is, under the same
 * identities. Single-threaded. After RC_IO of spool_step the process must stop; the next start recovers. */
#ifndef AGENT_SPOOL_H
#define AGENT_SPOOL_H

#include "base/err.h"
#include "base/str.h"
#include "os/io.h"

#include <stdbool.h>
#include <stdint.h>

#define SPOOL_SIZE       (UINT64_C(1) << 30) /* default limit of all files */
#define SPOOL_FILE_SIZE  (INT64_C(16) << 20)
#define SPOOL_SIZE_MIN   (UINT64_C(4) << 20)
#define SPOOL_BATCH      ((size_t)256 << 10)
#define SPOOL_BATCH_NS   UINT64_C(100000000)
#define SPOOL_SYNC_NS    UINT64_C(1000000000)
#define SPOOL_PULL_LIMIT 90u /* per cent */
#define SPOOL_STATE_NAME "state"

struct spool;

struct spool_options {
    uint64_t size_max; /* bytes of all files; 0 = SPOOL_SIZE */
    int64_t file_size; /* 0 = SPOOL_FILE_SIZE; at least a batch of the largest record */
    uint64_t number;   /* for a new spool: random, not 0 */
    uint64_t known; /* the spool that the agent had; 0 = none under this enrolment: all that is not covered is sent */
};

/* `folder` (borrowed) holds nothing else. */
enum rc spool_open(const struct io *io, int folder, const struct spool_options *options, struct spool **ret_spool,
                   struct err *err) MUST_USE;
void spool_close(struct spool *spool); /* NULL is fine; what is in memory is gone: spool_save first */
/* Why this spool has a new number; NULL when it has not, or is the agent's first. Constant text. */
const char *spool_loss(const struct spool *spool);

enum spool_class {
    SPOOL_PULL, /* its source keeps it as long as we do not read */
    SPOOL_PUSH, /* lost when not taken */
};

struct spool_record {
    uint8_t stream; /* enum delivery_stream */
    uint8_t flags;  /* enum delivery_group_flags */
    uint64_t epoch;
    uint64_t sequence;
    int64_t read_ns;
    struct str name;  /* at most DELIVERY_NAME_MAX bytes */
    struct str bytes; /* at most DELIVERY_RECORD_MAX */
};

bool spool_takes(const struct spool *spool, enum spool_class class);
/* False: no room, nothing has changed. */
bool spool_put(struct spool *spool, const struct spool_record *record, enum spool_class class, uint64_t now_boot_ns);
/* The highest sequence of a file or the journal that was put, over restarts. */
uint64_t spool_high(struct spool *spool, uint8_t stream, uint64_t epoch, struct str name);
/* Appends and syncs what is due; `urgent`: everything. RC_IO: the process must stop. A full disk is no failure. */
enum rc spool_step(struct spool *spool, uint64_t now_boot_ns, bool urgent, struct err *err) MUST_USE;
/* Milliseconds until something is due; -1: nothing waits. */
int spool_timeout_ms(const struct spool *spool, uint64_t now_boot_ns);
/* Everything on the disk, with positions: at the end, and now and then. RC_AGAIN: not now, the disk is full. */
enum rc spool_save(struct spool *spool, struct err *err) MUST_USE;

/* ---- sending ---- */

struct spool_frame {
    uint64_t number; /* of its first record */
    uint32_t count;
    struct str batch; /* borrowed until spool_pass, spool_rewind or spool_covered */
};

/* Begins anew at the first frame that is not known to be durable. */
enum rc spool_rewind(struct spool *spool, struct err *err) MUST_USE;
/* The next frame, the same until spool_pass. RC_AGAIN: there is none yet. RC_CORRUPT: the process must stop. */
enum rc spool_peek(struct spool *spool, struct spool_frame *ret_frame, struct err *err) MUST_USE;
void spool_pass(struct spool *spool);
/* The number of the frame that spool_peek gives or will give. */
uint64_t spool_next(const struct spool *spool);

/* The server has the records below `number` on its disk, among the first `size` of its archive. False when they were
 * never sent. */
bool spool_durable(struct spool *spool, uint64_t number, uint64_t size) MUST_USE;
/* The first `size` records of the archive are covered: files that hold nothing else are freed. */
enum rc spool_covered(struct spool *spool, uint64_t size, struct err *err) MUST_USE;

struct spool_facts {
    uint64_t number; /* of the spool */
    uint64_t taken;  /* records below it were put */
    uint64_t end;    /* and appended */
    uint64_t synced; /* and are on this disk */
    uint64_t durable;
    uint64_t covered;
    uint64_t bytes;
    uint64_t size_max;
    bool disk_full;
};
struct spool_facts spool_facts(const struct spool *spool);

#endif
