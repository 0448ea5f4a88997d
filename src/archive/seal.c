/* Blocks from engines, and the sealing of log files into segments. */
#include "archive/state.h"
#include "archive/writer.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

void archive_blocks_drop(struct archive *archive)
{
    for (size_t i = 0; i < archive->open_count; i++)
        segment_writer_free(archive->open[i]);
    archive->open_count = 0;
    memset(archive->share_next, 0, sizeof archive->share_next);
}

uint64_t archive_share_next(const struct archive *archive, uint32_t share)
{
    ASSERT(share < ARCHIVE_SHARES_MAX);
    return MAX(archive->share_next[share], archive->catalog.end);
}

/* The mark whose log file holds the record; the record is not sealed. */
static size_t mark_find(const struct archive *archive, uint64_t number)
{
    size_t i = archive->mark_count;
    while (i > 0 && archive->marks[i - 1].first > number)
        i--;
    ASSERT(i > 0);
    return i - 1;
}

static enum rc writer_find(struct archive *a, uint64_t first, struct segment_writer **ret_writer, struct err *err)
{
    for (size_t i = 0; i < a->open_count; i++)
        if (segment_writer_first(a->open[i]) == first) {
            *ret_writer = a->open[i];
            return RC_OK;
        }
    struct segment_writer **open = memory_resize(a->open, (a->open_count + 1) * sizeof *open);
    if (!open)
        return err_set(err, RC_LIMIT, "no memory for a segment");
    a->open = open;
    enum rc rc = segment_writer_new(a->io, a->folders.seg, a->instance.uuid, first, ret_writer, err);
    if (rc == RC_OK)
        a->open[a->open_count++] = *ret_writer;
    return rc;
}

enum rc archive_block(struct archive *archive, uint32_t share, struct str block, struct err *err)
{
    struct block_info info;
    if (share >= ARCHIVE_SHARES_MAX)
        return err_set(err, RC_INVALID, "there is no engine %u", share);
    enum rc rc = block_info_read(block, &info, err);
    struct block_trailer trailer;
    if (rc != RC_OK || info.size > block.n || block_trailer_read(block, &info, &trailer, NULL) != RC_OK ||
        crc32c(0, block.p + BLOCK_HEADER, info.size - BLOCK_HEADER) != get_be32(block.p + BLOCK_HEADER - 8))
        return err_set(err, RC_INVALID, "engine %u sent a damaged block", share);
    if (info.last < archive->catalog.end)
        return RC_OK;
    if (info.first < archive->catalog.end || info.last >= archive->durable.size)
        return err_set(err, RC_INVALID, "engine %u sent a block of records %llu to %llu; %llu to %llu are due", share,
                       (unsigned long long)info.first, (unsigned long long)info.last,
                       (unsigned long long)archive->catalog.end, (unsigned long long)archive->durable.size);
    size_t i = mark_find(archive, info.first);
    if (i + 1 < archive->mark_count && info.last >= archive->marks[i + 1].first)
        return err_set(err, RC_INVALID, "engine %u sent a block that spans two log files", share);
    if (info.first < archive->share_next[share])
        return err_set(err, RC_INVALID, "engine %u sent records again: %llu was due", share,
                       (unsigned long long)archive->share_next[share]);
    struct segment_writer *writer;
    rc = writer_find(archive, archive->marks[i].first, &writer, err);
    rc = rc == RC_OK ? segment_writer_add(writer, block, &info, err) : rc;
    if (rc == RC_OK)
        archive->share_next[share] = info.last + 1;
    return rc;
}

static void sealed(struct archive *a, size_t position)
{
    segment_writer_free(a->open[position]);
    a->open_count--;
    memmove(a->open + position, a->open + position + 1, (a->open_count - position) * sizeof *a->open);
    buf_done(&a->marks[0].sources);
    a->mark_count--;
    memmove(a->marks, a->marks + 1, a->mark_count * sizeof *a->marks);
}

enum rc archive_seal_step(struct archive *archive, void (*release)(void *context, const char *name), void *context,
                          struct err *err)
{
    wal_release(archive->wal, archive->catalog.end, release, context); /* left over from before a start */
    if (archive->mark_count < 2)
        return RC_NOT_FOUND;
    const struct mark *mark = &archive->marks[0];
    const struct mark *next = &archive->marks[1];
    size_t i = 0;
    while (i < archive->open_count && segment_writer_first(archive->open[i]) != mark->first)
        i++;
    if (i == archive->open_count || next->first > archive->durable.size ||
        segment_writer_records(archive->open[i]) < next->first - mark->first)
        return RC_NOT_FOUND;
    struct segment_seal seal = {.end = next->first,
                                .frontier_in = &mark->frontier,
                                .frontier_out = &next->frontier,
                                .groups = archive->groups,
                                .sources = buf_view(&next->sources)};
    enum rc rc = RC_OK;
    if (segment_writer_records(archive->open[i]) > next->first - mark->first)
        rc = err_set(err, RC_CORRUPT, "engines sent more records than log file %llu has",
                     (unsigned long long)mark->first);
    rc = rc == RC_OK ? segment_seal_step(archive->open[i], &seal, err) : rc;
    if (rc == RC_AGAIN)
        return rc;
    if (rc == RC_OK)
        rc = catalog_load(archive->io, archive->folders.seg, archive->instance.uuid, &archive->catalog, err);
    if (rc != RC_OK) {
        archive_blocks_drop(archive);
        return rc == RC_NOT_FOUND ? RC_IO : rc; /* not found says that there is nothing to do */
    }
    sealed(archive, i);
    ASSERT(archive->catalog.end == archive->marks[0].first);
    wal_release(archive->wal, archive->catalog.end, release, context);
    return RC_OK;
}
