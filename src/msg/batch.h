/* batch.h - records on their way from intake or collector to the keeper.
 *
 * A batch is groups; a group is consecutive records of one source that share everything but their bytes:
 *   source id 16 | u64 epoch | u64 first sequence | i64 received real ns | u64 received boot ns | i64 source time ns
 *   | u32 clock error us | u16 transport | u8 flags | u8 kind length | u16 name length | u32 count | kind | name |
 *   count x (u32 length, bytes)
 * Sequences run on by one. Numbers are big-endian. A gap group carries one record: the JSON text of the gap
 * leaf. */
#ifndef MSG_BATCH_H
#define MSG_BATCH_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define BATCH_RECORD_MAX (UINT32_C(1) << 20) /* bytes of one record */

#define BATCH_PAPER_BEGIN    "{\"event\":\"paper."
#define BATCH_VERIFIED_BEGIN "{\"event\":\"archive.verified\","

enum batch_flags {
    BATCH_GAP = 1,       /* a gap leaf: what was lost before it was acknowledged */
    BATCH_TRUNCATED = 2, /* the record was cut at the limit; the loss is counted in a gap */
    BATCH_PAPER = 4,     /* a lifecycle leaf of a paper; its body must pass batch_paper_begins */
};

struct batch_group {
    uint8_t source_id[16];
    uint64_t epoch;
    uint64_t sequence; /* of the first record */
    int64_t received_real_ns;
    uint64_t received_boot_ns;
    int64_t source_time_ns;
    uint32_t clock_error_us; /* how far that is off at most, as measured; 0: not measured */
    uint16_t transport;      /* enum of archive/leaf.h */
    uint8_t flags;
    struct str kind; /* of the source, for the source table */
    struct str name;
    uint32_t count;
};

/* Writing: a group is begun, records are added, the next begin (or end) closes it. */
struct batch_writer {
    struct buf *out;
    size_t count_at; /* place of the open group's count; 0 = none open */
    uint32_t count;
    uint32_t records; /* of the whole batch */
};

/* Whether a command may have the archive keep this body as a lifecycle record. */
bool batch_paper_begins(struct str body);

void batch_begin(struct batch_writer *writer, struct buf *out);
void batch_group_begin(struct batch_writer *writer, const struct batch_group *group);
void batch_record(struct batch_writer *writer, struct str bytes);
void batch_end(struct batch_writer *writer);

/* Reading: groups one after the other, each followed by its records; sticky failure in the reader. */
bool batch_read_group(struct reader *reader,
                      struct batch_group *ret_group) MUST_USE; /* false at the end or when broken */
bool batch_read_record(struct reader *reader, struct str *ret_bytes) MUST_USE;

#endif
