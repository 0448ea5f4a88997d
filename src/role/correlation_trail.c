#include "role/correlation_trail.h"

#include "base/assert.h"

#define VERSION 1u

enum {
    TRAIL_EMPTIED = 1,
    TRAIL_HIT = 2,
    TRAIL_SILENT = 4,
    TRAIL_FINGERPRINT = 8,
};

void trail_row_begin(struct buf *row, uint64_t seed)
{
    ASSERT(row->n == 0);
    buf_u8(row, VERSION);
    buf_be64(row, seed);
}

bool trail_row_put(struct buf *row, const struct correlator_change *change, uint64_t fingerprint)
{
    size_t before = row->n;
    bool silent = change->silent_until_ns != INT64_MIN;
    ASSERT(change->key.n <= UINT16_MAX && before > 0);
    buf_u8(row, (uint8_t)((change->emptied ? TRAIL_EMPTIED : 0) | (change->is_hit ? TRAIL_HIT : 0) |
                          (silent ? TRAIL_SILENT : 0) | (fingerprint ? TRAIL_FINGERPRINT : 0)));
    buf_be64(row, change->correlation);
    buf_be16(row, (uint16_t)change->key.n);
    buf_str(row, change->key);
    buf_be32(row, change->delay_s);
    if (silent)
        buf_be64(row, (uint64_t)change->silent_until_ns);
    if (change->is_hit) {
        buf_be64(row, (uint64_t)change->time_ns);
        buf_be64(row, change->record);
        buf_be64(row, change->what);
    }
    if (fingerprint)
        buf_be64(row, fingerprint);
    if (!row->overflow)
        return true;
    row->n = before;
    row->overflow = false;
    return false;
}

bool trail_row_open(struct reader *reader, uint64_t *ret_seed)
{
    uint8_t version = read_u8(reader);
    *ret_seed = read_be64(reader);
    return version == VERSION && !reader->failed;
}

bool trail_row_next(struct reader *reader, struct correlator_change *ret_change, uint64_t *ret_fingerprint)
{
    if (reader->failed || reader_left(reader) == 0)
        return false;
    uint8_t flags = read_u8(reader);
    *ret_change = (struct correlator_change){
        .emptied = flags & TRAIL_EMPTIED, .is_hit = flags & TRAIL_HIT, .silent_until_ns = INT64_MIN};
    ret_change->correlation = read_be64(reader);
    ret_change->key = read_bytes(reader, read_be16(reader));
    ret_change->delay_s = read_be32(reader);
    if (flags & TRAIL_SILENT)
        ret_change->silent_until_ns = (int64_t)read_be64(reader);
    if (flags & TRAIL_HIT) {
        ret_change->time_ns = (int64_t)read_be64(reader);
        ret_change->record = read_be64(reader);
        ret_change->what = read_be64(reader);
    }
    *ret_fingerprint = flags & TRAIL_FINGERPRINT ? read_be64(reader) : 0;
    return !reader->failed;
}
