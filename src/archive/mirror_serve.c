#include "archive/mirror_serve.h"

#include "archive/reader_state.h"
#include "base/assert.h"
#include "os/file.h"
#include "tlog/timestamp.h"

#include <string.h>

/* ---- segments ---- */

struct rows {
    struct mirror_row *list;
    size_t size;
    size_t count;
};

static enum rc rows_of(struct archive_reader *reader, uint64_t from, bool gone, struct rows *rows, struct err *err)
{
    const struct catalog *catalog = &reader->catalog;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < catalog->count && rows->count < rows->size && rc == RC_OK; i++) {
        struct segment *segment = catalog->segments[i];
        if (segment->end <= from || segment->gone != gone)
            continue;
        struct mirror_row *row = &rows->list[rows->count];
        *row = (struct mirror_row){.first = segment->first, .end = segment->end, .record = gone ? segment->record : 0};
        rc = segment_footer_digest(reader->io, reader->folders.seg, segment, &row->footer, err);
        row->size = segment->bytes_stored; /* of that same file */
        rows->count += rc == RC_OK;
    }
    return rc;
}

enum rc archive_mirror_rows(struct archive_reader *reader, uint64_t from, struct mirror_row *ret_rows, size_t size,
                            size_t *ret_count, struct err *err)
{
    struct rows rows = {.list = ret_rows, .size = size};
    enum rc rc = rows_of(reader, from, false, &rows, err);
    *ret_count = rows.count;
    return rc;
}

enum rc archive_mirror_tombstones(struct archive_reader *reader, uint64_t from, struct mirror_row *ret_rows,
                                  size_t size, size_t *ret_count, struct err *err)
{
    struct rows rows = {.list = ret_rows, .size = size};
    enum rc rc = rows_of(reader, from, true, &rows, err);
    *ret_count = rows.count;
    return rc;
}

enum rc archive_mirror_part(struct archive_reader *reader, const struct mirror_part *part, struct buf *out,
                            struct err *err)
{
    struct segment *segment = catalog_find(&reader->catalog, part->first);
    if (!segment || segment->first != part->first || segment->gone != part->tombstone)
        return err_set(err, RC_NOT_FOUND, "no %s begins at record %llu",
                       part->tombstone ? "deleted segment" : "segment", (unsigned long long)part->first);
    int fd = -1;
    enum rc rc = segment_fd(reader->io, reader->folders.seg, segment, &fd, err); /* first: its length may change */
    if (rc != RC_OK)
        return rc;
    uint64_t left = segment->bytes_stored - MIN(part->offset, segment->bytes_stored);
    size_t size = (size_t)MIN(part->size, left);
    char *room = buf_reserve(out, size);
    rc = room ? RC_OK : err_set(err, RC_LIMIT, "no memory for a part of a segment");
    rc = rc == RC_OK && size ? file_read_at(reader->io, fd, room, size, (int64_t)part->offset, err) : rc;
    IGNORE(reader->io->close(reader->io->self, fd)); /* only read */
    if (rc == RC_OK)
        buf_grew(out, size);
    return rc == RC_END ? err_set(err, RC_CORRUPT, "a segment is cut short") : rc;
}

/* ---- the log's tail ---- */

/* The frame that holds a record; the frames' numbers rise without a gap. */
static size_t frame_of(const struct archive_reader *r, uint64_t number)
{
    size_t low = 0;
    size_t high = r->frame_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->frames[middle].first + r->frames[middle].count <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Records of one frame that are wanted and fit; *ret_full when one did not. */
static enum rc frame_copy(struct str payload, const struct mirror_span *span, struct mirror_log *log, struct buf *out,
                          bool *ret_full, struct err *err)
{
    struct reader in = reader_of(payload);
    while (reader_left(&in) && !*ret_full) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        size_t start = in.at;
        enum rc rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
        if (rc != RC_OK)
            return rc;
        if (leaf.index < span->from)
            continue;
        size_t size = in.at - start;
        *ret_full = leaf.index >= span->to || out->n + size > span->size;
        if (*ret_full)
            return log->count || leaf.index >= span->to
                       ? RC_OK
                       : err_set(err, RC_LIMIT, "record %llu has %zu bytes: it comes with its segment",
                                 (unsigned long long)leaf.index, size);
        buf_put(out, payload.p + start, size);
        log->count++;
    }
    return RC_OK;
}

static int64_t file_bytes(const struct archive_reader *r, uint64_t first)
{
    int64_t size = 0;
    for (size_t i = 0; i < r->file_count; i++)
        if (r->files[i].first == first && r->io->size(r->io->self, r->files[i].fd, &size) < 0)
            return 0; /* the setting will do */
    return size;
}

enum rc archive_mirror_log(struct archive_reader *reader, const struct mirror_span *span, struct mirror_log *ret_log,
                           struct buf *out, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)WAL_PAYLOAD_MAX + (1u << 20));
    struct archive_reader *r = reader;
    bool full = false;
    *ret_log = (struct mirror_log){.first = span->from, .file_first = span->from};
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to read the log");
    if (span->from < r->catalog.end)
        return err_set(err, RC_NOT_FOUND, "record %llu is sealed", (unsigned long long)span->from);
    size_t at = frame_of(r, span->from);
    if (at < r->frame_count)
        ret_log->file_first = r->frames[at].file_first;
    ret_log->file_bytes = file_bytes(r, ret_log->file_first);
    for (; at < r->frame_count && !full && r->frames[at].file_first == ret_log->file_first; at++) {
        struct str payload;
        arena_reset(arena);
        enum rc rc = archive_reader_frame(r, &r->frames[at], arena, &payload, err);
        rc = rc == RC_OK ? frame_copy(payload, span, ret_log, out, &full, err) : rc;
        if (rc != RC_OK)
            return rc;
    }
    return out->overflow ? err_set(err, RC_LIMIT, "no memory for the log's tail") : RC_OK;
}

/* ---- proofs and checkpoints ---- */

enum rc archive_mirror_consistency(struct archive_reader *reader, uint64_t old_size, uint64_t new_size,
                                   struct tlog_path *ret_path, struct err *err)
{
    struct tlog_hash root;
    if (old_size > new_size || new_size > reader->size)
        return err_set(err, RC_INVALID, "there is no proof from %llu to %llu records: the archive has %llu",
                       (unsigned long long)old_size, (unsigned long long)new_size, (unsigned long long)reader->size);
    enum rc rc = archive_reader_root(reader, new_size, &root, err); /* brings the tree up to the records */
    struct tlog_source source = tlog_virtual_source(reader->proofs);
    return rc == RC_OK ? tlog_consistency(reader->hasher, &source, old_size, new_size, ret_path, err) : rc;
}

enum rc archive_mirror_retention(struct archive_reader *reader, uint64_t number, uint64_t size,
                                 struct tlog_path *ret_path, struct buf *out, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)512 << 20);
    struct archive_hit *hit = arena ? arena_alloc(arena, sizeof *hit) : NULL;
    if (!hit)
        return err_set(err, RC_LIMIT, "no memory for a record");
    enum rc rc = archive_reader_inclusion(reader, number, size, ret_path, err);
    rc = rc == RC_OK ? archive_reader_record(reader, number, arena, hit, err) : rc;
    if (rc != RC_OK)
        return rc;
    if (hit->leaf.type != LEAF_RETENTION)
        return err_set(err, RC_INVALID, "record %llu is no retention record", (unsigned long long)number);
    record_write(&hit->leaf, hit->raw, reader->hasher, out);
    return out->overflow ? err_set(err, RC_LIMIT, "no memory for a record") : RC_OK;
}

struct papers_kind {
    bool (*parse)(struct str name, uint64_t *ret_size);
    const char *suffix;
    size_t limit;
    bool (*each)(void *context, uint64_t size, struct str bytes);
    void *context;
};

/* Files of the folder of checkpoints above a size. */
static enum rc each_above(struct archive_reader *reader, uint64_t above, const struct papers_kind *kind,
                          struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(4 * (size_t)NOTE_SIZE_MAX);
    struct numbers sizes;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to read checkpoints");
    enum rc rc = numbers_list(reader->io, reader->folders.checkpoints, kind->parse, &sizes, err);
    for (size_t i = 0; i < sizes.count && rc == RC_OK; i++) {
        char name[48];
        struct str bytes;
        if (sizes.list[i] <= above)
            continue;
        arena_reset(arena);
        checkpoint_name(sizes.list[i], kind->suffix, name);
        rc = file_load(reader->io, reader->folders.checkpoints, name, kind->limit, arena, &bytes, err);
        if (rc == RC_OK && !kind->each(kind->context, sizes.list[i], bytes))
            break;
    }
    numbers_done(&sizes);
    return rc;
}

enum rc archive_mirror_notes(struct archive_reader *reader, uint64_t above,
                             bool (*each)(void *context, uint64_t size, struct str note), void *context,
                             struct err *err)
{
    const struct papers_kind kind = {checkpoint_name_parse, "", NOTE_SIZE_MAX, each, context};
    return each_above(reader, above, &kind, err);
}

enum rc archive_mirror_path(struct archive_reader *reader, uint64_t size, struct tlog_path *ret_path, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    const struct segment *segment = catalog_find(&reader->catalog, size);
    char name[48];
    struct str bytes;
    ret_path->count = 0;
    if (!segment || !segment->gone)
        return RC_OK;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to read checkpoints");
    checkpoint_name(size, PATH_SUFFIX, name);
    enum rc rc = file_load(reader->io, reader->folders.checkpoints, name, sizeof ret_path->hash, arena, &bytes, err);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    if (bytes.n % TLOG_HASH_SIZE)
        return err_set(err, RC_CORRUPT, "file \"" NAME_CHECKPOINTS "/%s\" is damaged", name);
    ret_path->count = bytes.n / TLOG_HASH_SIZE;
    memcpy(ret_path->hash, bytes.p, bytes.n);
    return RC_OK;
}

enum rc archive_mirror_stamps(struct archive_reader *reader, uint64_t above,
                              bool (*each)(void *context, uint64_t size, struct str stamp), void *context,
                              struct err *err)
{
    const struct papers_kind kind = {stamp_name_parse, STAMP_SUFFIX, TIMESTAMP_RESPONSE_MAX, each, context};
    return each_above(reader, above, &kind, err);
}

void archive_mirror_instance(const struct archive_reader *reader, struct buf *out)
{
    instance_write(&reader->instance, out);
}
