#include "wal/frame.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"

#include <string.h>

/* File header, 64 bytes: magic 8 | version u16 | zero u16 | compatible flags u32 | incompatible flags u32 | uuid 16 |
 * first u64 | previous crc u32 | zero 12 | crc32c u32 of the 60 bytes before. */
static const char magic[8] = {'Q', 'O', 'R', 'G', 'W', 'A', 'L', '\n'};
#define HEADER_VERSION 1
#define FEATURE_LOCKED 1 /* incompatible: frames are encrypted, and begin at WAL_LOCK_HEADER */
#define HEADER_CRC_AT  (WAL_FILE_HEADER - 4)
#define LENGTH_AT      4
#define CRC_AT         8
#define FIRST_AT       12

void wal_header_encode(const struct wal_header *header, char ret_bytes[WAL_FILE_HEADER])
{
    struct buf out;
    memset(ret_bytes, 0, WAL_FILE_HEADER);
    buf_init_fixed(&out, ret_bytes, WAL_FILE_HEADER);
    buf_put(&out, magic, sizeof magic);
    buf_be16(&out, HEADER_VERSION);
    buf_be16(&out, 0);
    buf_be32(&out, 0);
    buf_be32(&out, header->locked ? FEATURE_LOCKED : 0);
    buf_put(&out, header->uuid, sizeof header->uuid);
    buf_be64(&out, header->first);
    buf_be32(&out, header->previous_crc);
    ASSERT(!out.overflow && out.n <= HEADER_CRC_AT);
    put_be32(ret_bytes + HEADER_CRC_AT, crc32c(0, ret_bytes, HEADER_CRC_AT));
}

enum rc wal_header_decode(struct str bytes, struct wal_header *ret_header, struct err *err)
{
    struct reader in = reader_of(bytes);
    struct str got = read_bytes(&in, sizeof magic);
    uint16_t version = read_be16(&in);
    uint16_t zero = read_be16(&in);
    uint32_t compatible = read_be32(&in);
    uint32_t incompatible = read_be32(&in);
    read_copy(&in, ret_header->uuid, sizeof ret_header->uuid);
    ret_header->first = read_be64(&in);
    ret_header->previous_crc = read_be32(&in);
    (void)zero;
    (void)compatible; /* unknown ones may be passed over: that is what they mean */
    if (in.failed || bytes.n < WAL_FILE_HEADER || !str_eq(got, str_at(magic, sizeof magic)))
        return err_set(err, RC_CORRUPT, "this is not the header of a log file");
    if (get_be32(bytes.p + HEADER_CRC_AT) != crc32c(0, bytes.p, HEADER_CRC_AT))
        return err_set(err, RC_CORRUPT, "the header of the log file is damaged");
    ret_header->locked = (incompatible & FEATURE_LOCKED) != 0;
    if (version != HEADER_VERSION || (incompatible & ~(uint32_t)FEATURE_LOCKED))
        return err_set(err, RC_INVALID, "the log file needs a newer program (version %u, features 0x%x)", version,
                       incompatible);
    return RC_OK;
}

static uint32_t frame_crc(const char *frame, size_t size)
{
    uint32_t crc = crc32c(0, frame + LENGTH_AT, CRC_AT - LENGTH_AT);
    return crc32c(crc, frame + FIRST_AT, size - FIRST_AT);
}

uint32_t frame_seal(char *frame, size_t size, uint64_t first, uint32_t count, uint32_t previous_crc)
{
    ASSERT(size > WAL_FRAME_HEADER && size - WAL_FRAME_HEADER <= WAL_PAYLOAD_MAX);
    ASSERT(count > 0);
    put_be32(frame, WAL_FRAME_MAGIC);
    put_be32(frame + LENGTH_AT, (uint32_t)(size - WAL_FRAME_HEADER));
    put_be64(frame + FIRST_AT, first);
    put_be32(frame + 20, count);
    put_be32(frame + 24, previous_crc);
    uint32_t crc = frame_crc(frame, size);
    put_be32(frame + CRC_AT, crc);
    return crc;
}

static bool all_zero(struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        if (bytes.p[i])
            return false;
    return true;
}

enum rc frame_decode(struct str bytes, struct frame_header *ret_header, struct str *ret_payload)
{
    *ret_header = (struct frame_header){0};
    *ret_payload = STR_NONE;
    if (all_zero(str_slice(bytes, 0, WAL_FRAME_HEADER)))
        return RC_END;
    if (bytes.n < WAL_FRAME_HEADER)
        return RC_AGAIN;
    struct reader in = reader_of(bytes);
    uint32_t mark = read_be32(&in);
    ret_header->length = read_be32(&in);
    ret_header->crc = read_be32(&in);
    ret_header->first = read_be64(&in);
    ret_header->count = read_be32(&in);
    ret_header->previous_crc = read_be32(&in);
    if (mark != WAL_FRAME_MAGIC || ret_header->length == 0 || ret_header->length > WAL_PAYLOAD_MAX ||
        ret_header->count == 0 || ret_header->first > UINT64_MAX - ret_header->count)
        return RC_CORRUPT;
    if (reader_left(&in) < ret_header->length)
        return RC_AGAIN;
    *ret_payload = read_bytes(&in, ret_header->length);
    return frame_crc(bytes.p, WAL_FRAME_HEADER + ret_header->length) == ret_header->crc ? RC_OK : RC_CORRUPT;
}
