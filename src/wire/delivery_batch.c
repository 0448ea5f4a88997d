#include "wire/delivery_batch.h"

#include "base/assert.h"
#include "base/macros.h"

const char *delivery_stream_kind(uint8_t stream)
{
    static const char *const kinds[] = {
        [DELIVERY_FILE] = "file",       [DELIVERY_JOURNAL] = "journal", [DELIVERY_AUDIT] = "audit",
        [DELIVERY_COMMAND] = "command", [DELIVERY_AGENT] = "agent",     [DELIVERY_ACCOUNTING] = "accounting",
    };
    return stream < ARRAY_LEN(kinds) ? kinds[stream] : NULL;
}

void delivery_batch_begin(struct delivery_writer *writer, struct buf *out)
{
    *writer = (struct delivery_writer){.out = out};
}

static void group_close(struct delivery_writer *writer)
{
    if (writer->count_at && !writer->out->overflow)
        put_be32(writer->out->p + writer->count_at, writer->count);
    writer->count_at = 0;
    writer->count = 0;
}

void delivery_group_begin(struct delivery_writer *writer, const struct delivery_group *group)
{
    ASSERT(delivery_stream_kind(group->stream) && group->sequence > 0 && group->name.n <= DELIVERY_NAME_MAX);
    group_close(writer);
    buf_u8(writer->out, group->stream);
    buf_u8(writer->out, group->flags);
    buf_be64(writer->out, group->epoch);
    buf_be64(writer->out, group->sequence);
    buf_be64(writer->out, (uint64_t)group->read_ns);
    buf_be16(writer->out, (uint16_t)group->name.n);
    writer->count_at = writer->out->n;
    buf_be32(writer->out, 0);
    buf_str(writer->out, group->name);
}

void delivery_record(struct delivery_writer *writer, struct str bytes)
{
    ASSERT(writer->count_at && bytes.n <= DELIVERY_RECORD_MAX);
    buf_be32(writer->out, (uint32_t)bytes.n);
    buf_str(writer->out, bytes);
    writer->count++;
    writer->records++;
}

void delivery_batch_end(struct delivery_writer *writer)
{
    group_close(writer);
}

bool delivery_read_group(struct reader *reader, struct delivery_group *ret_group)
{
    if (reader->failed || reader_left(reader) == 0)
        return false;
    ret_group->stream = read_u8(reader);
    ret_group->flags = read_u8(reader);
    ret_group->epoch = read_be64(reader);
    ret_group->sequence = read_be64(reader);
    ret_group->read_ns = (int64_t)read_be64(reader);
    uint16_t name = read_be16(reader);
    ret_group->count = read_be32(reader);
    ret_group->name = read_bytes(reader, name);
    bool gap = ret_group->flags & DELIVERY_GAP;
    if (!delivery_stream_kind(ret_group->stream) || (ret_group->flags & ~(DELIVERY_GAP | DELIVERY_TRUNCATED)) ||
        ret_group->sequence == 0 || ret_group->count == 0 || ret_group->sequence > UINT64_MAX - ret_group->count ||
        name > DELIVERY_NAME_MAX || (gap && ret_group->count != 1))
        reader->failed = true;
    return !reader->failed;
}

bool delivery_read_record(struct reader *reader, struct str *ret_bytes)
{
    uint32_t n = read_be32(reader);
    if (n > DELIVERY_RECORD_MAX)
        reader->failed = true;
    *ret_bytes = read_bytes(reader, n);
    return !reader->failed;
}

bool delivery_batch_check(struct str batch, uint32_t count)
{
    struct reader reader = reader_of(batch);
    struct delivery_group group;
    struct str bytes;
    uint64_t records = 0;
    while (delivery_read_group(&reader, &group))
        for (uint32_t i = 0; i < group.count; i++, records++)
            if (!delivery_read_record(&reader, &bytes))
                return false;
    return reader_done(&reader) && records == count;
}
