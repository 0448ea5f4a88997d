#include "archive/repack.h"

#include "archive/block.h"
#include "archive/dictionary.h"
#include "archive/pack.h"
#include "archive/reader_state.h"
#include "archive/segment_format.h"
#include "base/assert.h"
#include "os/file.h"
#include "os/random.h"

#include <errno.h>

#define DECODE_ARENA ((size_t)256 << 20)

struct repack {
    struct archive_reader *reader;
    struct sealed_io *staging; /* encrypts what is made, beside the reader's own */
    int folder;
    struct segment *segment;
    struct segment_writer *writer;
    struct block_builder *builder;
    struct event_field *fields;
    struct str rules[REPACK_RULES_MAX];
    struct arena *block; /* what is decoded */
    struct arena *kept;  /* `fields`, and what the seal borrows */
    struct buf bytes;
    uint32_t next; /* entry */
    struct tlog_frontier before;
    struct tlog_frontier after;
    struct segment_seal seal;
    struct repack_sizes sizes;
};

/* In doubt it waits. */
static bool waits(const struct archive_reader *r, int staging, uint64_t first)
{
    const int folders[] = {staging, r->folders.seg}; /* in this order: it moves from the one into the other */
    char name[SEGMENT_NAME_MAX];
    segment_cold_name(first, name);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        int fd = r->io->open(r->io->self, folders[i], name, IO_READ);
        if (fd >= 0)
            IGNORE(r->io->close(r->io->self, fd)); /* only looked at */
        if (fd != -ENOENT)
            return true;
    }
    return false;
}

enum rc archive_repack_next(struct archive_reader *reader, int staging, uint64_t from, const struct repack_age *age,
                            uint64_t *ret_first, struct err *err)
{
    const struct catalog *catalog = &reader->catalog;
    for (size_t i = 0; i + 1 < catalog->count; i++) {
        const struct segment *segment = catalog->segments[i];
        if (segment->first < from || segment->cold || segment->gone || segment->record ||
            segment->received_max_ns >= age->before_ns || segment->received_max_ns <= age->after_ns ||
            waits(reader, staging, segment->first))
            continue;
        *ret_first = segment->first;
        return RC_OK;
    }
    return err_set(err, RC_NOT_FOUND, "no segment is to be packed");
}

enum rc repack_lock(const struct io *io, int archive, int *ret_lock, struct err *err)
{
    int fd = -1;
    enum rc rc = folder_open(io, archive, NAME_SEG, false, &fd, err);
    if (rc != RC_OK)
        return rc;
    int result = io->lock(io->self, fd);
    if (result == 0) {
        *ret_lock = fd;
        return RC_OK;
    }
    IGNORE(io->close(io->self, fd)); /* only a folder */
    return result == -EWOULDBLOCK ? err_set(err, RC_AGAIN, "a segment is just being replaced")
                                  : err_errno(err, -result, "could not lock the folder of segments");
}

/* ---- what the tree and the table of sources are around it ---- */

static enum rc surroundings(struct repack *p, struct err *err)
{
    const struct archive_reader *r = p->reader;
    struct segment_wanted wanted = {p->segment, SECTION_FRONTIERS};
    struct str bytes;
    enum rc rc = segment_section_load(r->io, r->folders.seg, &wanted, p->kept, &bytes, err);
    rc = rc == RC_OK ? segment_frontiers(bytes, &p->before, &p->after, err) : rc;
    wanted.section = SECTION_SOURCES;
    rc = rc == RC_OK ? segment_section_load(r->io, r->folders.seg, &wanted, p->kept, &bytes, err) : rc;
    rc = rc == RC_OK ? unpack(bytes, SOURCES_PLAIN_MAX, p->kept, &p->seal.sources, err) : rc;
    p->seal.end = p->segment->end;
    p->seal.frontier_in = &p->before;
    p->seal.frontier_out = &p->after;
    p->seal.like = p->segment;
    return rc;
}

static enum rc repack_begin(struct repack *p, struct err *err)
{
    const struct archive_reader *r = p->reader;
    uint64_t key[2] = {random_u64(), random_u64()};
    p->block = block_arena_new(DECODE_ARENA);
    p->kept = arena_new(2 * SOURCES_PLAIN_MAX);
    p->fields = p->kept ? arena_alloc_array(p->kept, EVENT_FIELDS_MAX, sizeof *p->fields) : NULL;
    p->builder = block_builder_new(r->options.names, key);
    if (!p->block || !p->fields || !p->builder)
        return err_set(err, RC_LIMIT, "no memory to pack a segment");
    block_builder_tier(p->builder, BLOCK_COLD);
    buf_init(&p->bytes, 2 * BLOCK_SIZE_MAX); /* a block and its trailer */
    enum rc rc = surroundings(p, err);
    if (rc == RC_OK && p->segment->cold) /* since it was chosen */
        rc = err_set(err, RC_NOT_FOUND, "it is packed already");
    rc = rc == RC_OK ? sealed_io_new(r->io, p->folder, r->options.vault, r->instance.uuid, &p->staging, err) : rc;
    return rc == RC_OK ? segment_writer_new_cold(sealed_io_table(p->staging), p->folder, r->instance.uuid,
                                                 p->segment->first, &p->writer, err)
                       : rc;
}

enum rc repack_new(struct archive_reader *reader, int staging, uint64_t first, struct repack **ret_repack,
                   struct err *err)
{
    ASSERT(reader->options.names != NULL);
    struct segment *segment = catalog_find(&reader->catalog, first);
    if (!segment || segment->first != first || segment->gone)
        return err_set(err, RC_NOT_FOUND, "no segment begins at record %llu", (unsigned long long)first);
    struct repack *p = memory_new(sizeof *p);
    if (!p)
        return err_set(err, RC_LIMIT, "no memory to pack a segment");
    p->reader = reader;
    p->folder = staging;
    p->segment = segment;
    p->sizes.hot = segment->bytes_stored;
    enum rc rc = repack_begin(p, err);
    if (rc == RC_OK)
        *ret_repack = p;
    else
        repack_free(p);
    return rc;
}

void repack_free(struct repack *repack)
{
    if (!repack)
        return;
    segment_writer_free(repack->writer);
    sealed_io_free(repack->staging);
    block_builder_free(repack->builder);
    arena_free(repack->block);
    arena_free(repack->kept);
    buf_done(&repack->bytes);
    memory_free(repack);
}

/* ---- blocks ---- */

/* Past NAMES_MAX names the reader gives a field none: it would be lost. */
static bool all_named(const struct event *event)
{
    for (uint32_t i = 0; i < event->field_count; i++)
        if (!event->fields[i].name)
            return false;
    return true;
}

static enum rc add_records(struct repack *p, struct block *block, struct err *err)
{
    struct archive_hit hit = {0};
    enum rc rc = RC_OK;
    for (uint32_t i = 0; i < block_count(block) && rc == RC_OK; i++) {
        rc = archive_reader_fill_block(p->reader, block, i, p->fields, &hit);
        if (rc != RC_OK)
            return err_set(err, rc, "no memory for a record's values");
        if (!all_named(&hit.event))
            return err_set(err, RC_LIMIT, "it has more names of fields than are kept apart");
        bool derived = hit.event.flags || hit.event.parser[0];
        size_t count = block_rules(block, i, p->rules, REPACK_RULES_MAX);
        rc = block_builder_add(p->builder, &hit.leaf, hit.raw, derived ? &hit.event : NULL, p->rules, count);
        if (rc != RC_OK)
            return err_set(err, rc, "record %llu does not go into the block that it was in",
                           (unsigned long long)hit.leaf.index);
    }
    return rc;
}

static enum rc pack_block(struct repack *p, struct err *err)
{
    struct reader_block wanted = {.segment = p->segment, .entry = p->next, .parts = BLOCK_ALL};
    struct block_info info;
    struct block *block;
    arena_reset(p->block);
    buf_clear(&p->bytes);
    enum rc rc = archive_reader_block(p->reader, &wanted, p->block, &block, err);
    rc = rc == RC_OK ? add_records(p, block, err) : rc;
    dictionary_free(wanted.dictionary);
    rc = rc == RC_OK ? block_builder_finish(p->builder, &p->bytes, err) : rc;
    rc = rc == RC_OK ? block_info_read(buf_view(&p->bytes), &info, err) : rc;
    rc = rc == RC_OK ? segment_writer_add(p->writer, buf_view(&p->bytes), &info, err) : rc;
    p->next += rc == RC_OK;
    return rc;
}

enum rc repack_step(struct repack *repack, struct err *err)
{
    struct repack *p = repack;
    if (p->next < p->segment->entry_count) {
        enum rc rc = pack_block(p, err);
        return rc == RC_OK ? RC_AGAIN : rc;
    }
    enum rc rc = segment_seal_step(p->writer, &p->seal, err);
    if (rc == RC_OK)
        p->sizes.cold = segment_writer_size(p->writer);
    return rc;
}

struct repack_sizes repack_sizes(const struct repack *repack)
{
    return repack->sizes;
}
