/* delivery_batch.h - a batch: records as an agent read them. One frame of its spool, and what DATA carries.
 *
 * Groups one behind the other; a group is consecutive records of one stream: u8 stream | u8 flags | u64 epoch |
 * u64 sequence | i64 read ns | u16 name length | u32 count | name | count x (u32 length, bytes). Big-endian. */
#ifndef WIRE_DELIVERY_BATCH_H
#define WIRE_DELIVERY_BATCH_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define DELIVERY_NAME_MAX   1024u
#define DELIVERY_RECORD_MAX (UINT32_C(1) << 20)

enum delivery_stream {
    DELIVERY_FILE = 1,    /* name: path; epoch: of the content; sequence: line, of joined ones the last */
    DELIVERY_JOURNAL = 2, /* epoch and sequence are the journal's own */
    DELIVERY_AUDIT = 3,   /* the kernel's audit messages; epoch: of this run */
    DELIVERY_COMMAND = 4, /* name: of the command in the policy */
    DELIVERY_AGENT = 5,   /* what the agent says of itself: JSON; name: empty, or CANARY_STREAM (codec/canary_text.h) */
    DELIVERY_ACCOUNTING = 6, /* processes that ended: JSON (codec/acct.h); epoch: of the file's content */
};
const char *delivery_stream_kind(uint8_t stream); /* "file"...; NULL for none */

enum delivery_group_flags {
    DELIVERY_GAP = 1,       /* one record: the JSON text of a gap (fields event, reason, count or bytes) */
    DELIVERY_TRUNCATED = 2, /* the record was cut at the limit */
};

struct delivery_group {
    uint8_t stream;
    uint8_t flags;
    uint64_t epoch;
    uint64_t sequence; /* of the first; they run on by one; never 0 */
    int64_t read_ns;   /* the agent's clock, UTC, when it read the first */
    uint32_t count;
    struct str name;
};

struct delivery_writer {
    struct buf *out;
    size_t count_at; /* place of the open group's count; 0 = none open */
    uint32_t count;
    uint32_t records;
};
void delivery_batch_begin(struct delivery_writer *writer, struct buf *out);
void delivery_group_begin(struct delivery_writer *writer, const struct delivery_group *group);
void delivery_record(struct delivery_writer *writer, struct str bytes);
void delivery_batch_end(struct delivery_writer *writer);
/* Groups one after the other, each followed by its records. Sticky failure in the reader; false at the end too. */
bool delivery_read_group(struct reader *reader, struct delivery_group *ret_group) MUST_USE;
bool delivery_read_record(struct reader *reader, struct str *ret_bytes) MUST_USE;
/* Whether a batch is whole and right, and holds `count` records. */
bool delivery_batch_check(struct str batch, uint32_t count) MUST_USE;

#endif
