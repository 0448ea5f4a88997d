#include "msg/batch.h"

#include "base/assert.h"

#include <string.h>

void batch_begin(struct batch_writer *writer, struct buf *out)
{
    *writer = (struct batch_writer){.out = out};
}

static void group_close(struct batch_writer *writer)
{
    if (writer->count_at && !writer->out->overflow)
        put_be32(writer->out->p + writer->count_at, writer->count);
    writer->count_at = 0;
}

void batch_group_begin(struct batch_writer *writer, const struct batch_group *group)
{
    ASSERT(group->kind.n <= UINT8_MAX && group->name.n <= UINT16_MAX);
    group_close(writer);
    struct buf *out = writer->out;
    buf_put(out, group->source_id, sizeof group->source_id);
    buf_be64(out, group->epoch);
    buf_be64(out, group->sequence);
    buf_be64(out, (uint64_t)group->received_real_ns);
    buf_be64(out, group->received_boot_ns);
    buf_be64(out, (uint64_t)group->source_time_ns);
    buf_be32(out, group->clock_error_us);
    buf_be16(out, group->transport);
    buf_u8(out, group->flags);
    buf_u8(out, (uint8_t)group->kind.n);
    buf_be16(out, (uint16_t)group->name.n);
    writer->count_at = out->n;
    writer->count = 0;
    buf_be32(out, 0);
    buf_str(out, group->kind);
    buf_str(out, group->name);
}

void batch_record(struct batch_writer *writer, struct str bytes)
{
    ASSERT(writer->count_at && bytes.n <= BATCH_RECORD_MAX);
    buf_be32(writer->out, (uint32_t)bytes.n);
    buf_str(writer->out, bytes);
    writer->count++;
    writer->records++;
}

void batch_end(struct batch_writer *writer)
{
    group_close(writer);
}

bool batch_paper_begins(struct str body)
{
    return str_starts(body, STR(BATCH_PAPER_BEGIN)) || str_starts(body, STR(BATCH_VERIFIED_BEGIN));
}

bool batch_read_group(struct reader *reader, struct batch_group *ret_group)
{
    if (reader_done(reader))
        return false;
    read_copy(reader, ret_group->source_id, sizeof ret_group->source_id);
    ret_group->epoch = read_be64(reader);
    ret_group->sequence = read_be64(reader);
    ret_group->received_real_ns = (int64_t)read_be64(reader);
    ret_group->received_boot_ns = read_be64(reader);
    ret_group->source_time_ns = (int64_t)read_be64(reader);
    ret_group->clock_error_us = read_be32(reader);
    ret_group->transport = read_be16(reader);
    ret_group->flags = read_u8(reader);
    size_t kind_n = read_u8(reader);
    size_t name_n = read_be16(reader);
    ret_group->count = read_be32(reader);
    ret_group->kind = read_bytes(reader, kind_n);
    ret_group->name = read_bytes(reader, name_n);
    return !reader->failed;
}

bool batch_read_record(struct reader *reader, struct str *ret_bytes)
{
    uint32_t size = read_be32(reader);
    if (size > BATCH_RECORD_MAX)
        reader->failed = true;
    *ret_bytes = read_bytes(reader, size);
    return !reader->failed;
}
