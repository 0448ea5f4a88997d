#include "archive/tombstone.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BIT(section) (1u << (section))
#define ALWAYS       (BIT(SECTION_HEADER) | BIT(SECTION_GROUPS) | BIT(SECTION_EDGES) | BIT(SECTION_FRONTIERS))
#define OPEN_ARENA   ((size_t)1 << 30)

void tombstone_name(uint64_t first, char ret_name[SEGMENT_NAME_MAX])
{
    seg_name(first, TOMBSTONE_SUFFIX, ret_name);
}

bool tombstone_name_parse(struct str name, uint64_t *ret_first)
{
    return seg_name_parse(name, TOMBSTONE_SUFFIX, ret_first);
}

static enum rc damaged(struct err *err, const char *what)
{
    return err_set(err, RC_CORRUPT, "%s", what);
}

/* ---- the mark ---- */

struct mark {
    uint32_t sections; /* a bit each */
    uint64_t record;
    uint64_t first;
};

static void mark_write(const struct mark *mark, char ret_bytes[TOMBSTONE_MARK])
{
    struct buf out;
    memset(ret_bytes, 0, TOMBSTONE_MARK);
    buf_init_fixed(&out, ret_bytes, TOMBSTONE_MARK);
    buf_put(&out, TOMBSTONE_MAGIC, 8);
    buf_be16(&out, TOMBSTONE_VERSION);
    buf_be16(&out, 0);
    buf_be32(&out, mark->sections);
    buf_be64(&out, mark->record);
    buf_be64(&out, mark->first);
    ASSERT(!out.overflow && out.n <= TOMBSTONE_MARK - 4);
    put_be32(ret_bytes + TOMBSTONE_MARK - 4, crc32c(0, ret_bytes, TOMBSTONE_MARK - 4));
}

static enum rc mark_read(struct str bytes, struct mark *ret_mark, struct err *err)
{
    char canonical[TOMBSTONE_MARK];
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, 8);
    uint16_t version = read_be16(&in);
    read_be16(&in);
    ret_mark->sections = read_be32(&in);
    ret_mark->record = read_be64(&in);
    ret_mark->first = read_be64(&in);
    if (in.failed || !str_eq(magic, str_at(TOMBSTONE_MAGIC, 8)) ||
        get_be32(bytes.p + TOMBSTONE_MARK - 4) != crc32c(0, bytes.p, TOMBSTONE_MARK - 4))
        return damaged(err, "its mark is damaged");
    if (version != TOMBSTONE_VERSION)
        return err_set(err, RC_INVALID, "it needs a newer program (version %u)", version);
    mark_write(ret_mark, canonical);
    if (memcmp(canonical, bytes.p, TOMBSTONE_MARK) != 0)
        return damaged(err, "its mark is damaged");
    if (ret_mark->sections != ALWAYS && ret_mark->sections != (ALWAYS | BIT(SECTION_SOURCES)))
        return damaged(err, "its mark names other sections than a tombstone has");
    return RC_OK;
}

/* ---- reading ---- */

/* What the segment's file measured, by its footer: 0 when the lengths are not to be believed. */
static uint64_t footer_file_size(struct str footer)
{
    uint64_t size = SEGMENT_FOOTER;
    for (uint32_t i = 0; i < SECTION_END - 1; i++) {
        uint64_t length = get_be64(footer.p + SEGMENT_ROWS + i * SEGMENT_ROW + SEGMENT_ROW_LENGTH);
        if (length > (uint64_t)INT64_MAX - size)
            return 0;
        size += length;
    }
    return size;
}

/* Gives the sections that are there the offsets they have here, the others none. */
static enum rc sections_place(struct segment *segment, uint32_t sections, uint64_t size, struct err *err)
{
    uint64_t at = TOMBSTONE_MARK;
    for (uint32_t i = SECTION_HEADER; i < SECTION_END; i++) {
        struct segment_part *part = &segment->part[i];
        bool kept = (sections & BIT(i)) != 0;
        if (kept && part->length > size - at)
            return damaged(err, "it is cut short");
        part->offset = kept ? at : 0;
        at += kept ? part->length : 0;
    }
    return at + SEGMENT_FOOTER == size ? RC_OK : damaged(err, "its length is wrong");
}

static enum rc sections_check(struct str bytes, struct segment *segment, uint32_t sections, const uint8_t uuid[16],
                              struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_frontier in;
    struct tlog_frontier out;
    struct segment_edges edges;
    struct str part[SECTION_END] = {{NULL, 0}};
    if (!hasher)
        return err_set(err, RC_LIMIT, "no memory to check it");
    for (uint32_t i = SECTION_HEADER; i < SECTION_END; i++) {
        struct tlog_hash digest;
        if (!(sections & BIT(i)))
            continue;
        part[i] = str_slice(bytes, segment->part[i].offset, segment->part[i].offset + segment->part[i].length);
        tlog_hash_bytes(hasher, part[i], &digest);
        if (!tlog_hash_eq(&digest, &segment->part[i].digest))
            return err_set(err, RC_CORRUPT, "its section %u at offset %llu is damaged", i,
                           (unsigned long long)segment->part[i].offset);
    }
    enum rc rc = segment_header_read(part[SECTION_HEADER], uuid, segment, err);
    rc = rc == RC_OK ? segment_groups_read(part[SECTION_GROUPS], segment, err) : rc;
    rc = rc == RC_OK ? segment_edges_read(part[SECTION_EDGES], segment, &edges, err) : rc;
    rc = rc == RC_OK ? segment_frontiers(part[SECTION_FRONTIERS], &in, &out, err) : rc;
    if (rc == RC_OK && (in.size != segment->first || out.size != segment->end))
        return damaged(err, "its frontiers are of another range");
    return rc;
}

static enum rc parse(struct str bytes, const uint8_t uuid[16], struct segment *segment, struct err *err)
{
    struct mark mark;
    if (bytes.n < TOMBSTONE_MARK + SEGMENT_HEADER + SEGMENT_FOOTER)
        return damaged(err, "it is cut short");
    struct str footer = str_skip(bytes, bytes.n - SEGMENT_FOOTER);
    enum rc rc = mark_read(str_slice(bytes, 0, TOMBSTONE_MARK), &mark, err);
    segment->bytes_stored = footer_file_size(footer);
    rc = rc == RC_OK ? segment_footer_read(footer, segment, err) : rc;
    if (rc != RC_OK)
        return rc;
    if (mark.first != segment->first || mark.record < segment->end)
        return damaged(err, "its mark is that of another segment");
    segment->gone = true;
    segment->record = mark.record;
    segment->entry_count = 0;
    segment->bytes_stored = bytes.n;
    rc = sections_place(segment, mark.sections, bytes.n, err);
    return rc == RC_OK ? sections_check(bytes, segment, mark.sections, uuid, err) : rc;
}

enum rc tombstone_open_named(const struct io *io, int folder, const struct segment_id *id, struct segment **ret_segment,
                             struct err *err)
{
    struct str bytes;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(OPEN_ARENA);
    struct segment *segment = memory_new(sizeof *segment);
    enum rc rc = arena && segment ? RC_OK : err_set(err, RC_LIMIT, "no memory");
    rc = rc == RC_OK ? file_load(io, folder, id->name, TOMBSTONE_SIZE_MAX, arena, &bytes, err) : rc;
    if (rc == RC_OK) {
        segment->first = id->first;
        rc = parse(bytes, id->uuid, segment, err);
        if (rc != RC_OK)
            IGNORE(err_wrap(err, "tombstone \"%s\"", id->name)); /* the code stays rc */
    }
    if (rc != RC_OK) {
        segment_free(segment);
        return rc;
    }
    *ret_segment = segment;
    return RC_OK;
}

enum rc tombstone_open(const struct io *io, int folder, uint64_t first, const uint8_t uuid[16],
                       struct segment **ret_segment, struct err *err)
{
    struct segment_id id = {.uuid = uuid, .first = first};
    tombstone_name(first, id.name);
    return tombstone_open_named(io, folder, &id, ret_segment, err);
}

static enum rc mark_load(const struct io *io, int folder, uint64_t first, struct mark *ret_mark, struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    char bytes[TOMBSTONE_MARK];
    tombstone_name(first, name);
    int fd = io->open(io->self, folder, name, IO_READ);
    if (fd == -ENOENT)
        return err_set(err, RC_NOT_FOUND, "there is no tombstone \"%s\"", name);
    if (fd < 0)
        return io_error(io, err, -fd, "could not open tombstone \"%s\"", name);
    enum rc rc = file_read_at(io, fd, bytes, sizeof bytes, 0, err);
    IGNORE(io->close(io->self, fd)); /* only read */
    if (rc == RC_END)
        rc = damaged(err, "it is cut short");
    rc = rc == RC_OK ? mark_read(str_at(bytes, sizeof bytes), ret_mark, err) : rc;
    if (rc == RC_OK && ret_mark->first != first)
        rc = damaged(err, "its mark is that of another segment");
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "tombstone \"%s\"", name)); /* the code stays rc */
    return rc;
}

enum rc tombstone_record(const struct io *io, int folder, uint64_t first, uint64_t *ret_record, struct err *err)
{
    struct mark mark;
    enum rc rc = mark_load(io, folder, first, &mark, err);
    if (rc == RC_OK)
        *ret_record = mark.record;
    return rc;
}

enum rc tombstone_vanished(const struct io *io, int folder, uint64_t first, uint64_t *ret_record, struct err *err)
{
    enum rc rc = tombstone_record(io, folder, first, ret_record, err);
    if (rc != RC_NOT_FOUND)
        return rc;
    return err_set(err, RC_CORRUPT, "the segment of record %llu is not there, and nothing says that it was deleted",
                   (unsigned long long)first);
}

/* ---- deriving ---- */

/* Exactly `length` bytes of the file behind the output's. */
static enum rc copy_part(const struct segment_file *file, uint64_t offset, uint64_t length, struct buf *out,
                         struct err *err)
{
    char *room = length <= TOMBSTONE_SIZE_MAX ? buf_reserve(out, (size_t)length) : NULL;
    if (!room && length)
        return err_set(err, RC_LIMIT, "no memory for a tombstone");
    enum rc rc = length ? file_read_at(file->io, file->fd, room, (size_t)length, (int64_t)offset, err) : RC_OK;
    if (rc == RC_OK)
        buf_grew(out, (size_t)length);
    return rc == RC_END ? damaged(err, "the segment is cut short") : rc;
}

static enum rc derive(const struct io *io, int folder, struct segment *segment, const struct mark *mark,
                      struct buf *out, struct err *err)
{
    char bytes[TOMBSTONE_MARK];
    ASSERT(!segment->gone && mark->first == segment->first);
    if (mark->record < segment->end)
        return err_set(err, RC_INVALID, "record %llu is not behind the segment", (unsigned long long)mark->record);
    mark_write(mark, bytes);
    buf_put(out, bytes, sizeof bytes);
    struct segment_file file = {.io = io};
    enum rc rc = segment_fd(io, folder, segment, &file.fd, err);
    if (rc != RC_OK)
        return rc;
    for (uint32_t i = SECTION_HEADER; i < SECTION_END && rc == RC_OK; i++)
        if (mark->sections & BIT(i))
            rc = copy_part(&file, segment->part[i].offset, segment->part[i].length, out, err);
    rc = rc == RC_OK ? copy_part(&file, segment->bytes_stored - SEGMENT_FOOTER, SEGMENT_FOOTER, out, err) : rc;
    IGNORE(io->close(io->self, file.fd)); /* only read */
    return rc == RC_OK && out->overflow ? err_set(err, RC_LIMIT, "no memory for a tombstone") : rc;
}

/* Whether what was derived reads: a segment can be damaged since it was opened, and no tombstone may stand for it. */
static enum rc derived_check(struct str bytes, uint64_t first, struct err *err)
{
    struct segment *segment = memory_new(sizeof *segment);
    if (!segment)
        return err_set(err, RC_LIMIT, "no memory for a tombstone");
    segment->first = first;
    enum rc rc = parse(bytes, (const uint8_t *)bytes.p + TOMBSTONE_MARK + SEGMENT_OWNER, segment, err);
    segment_free(segment);
    return rc;
}

enum rc tombstone_write(const struct io *io, int folder, struct segment *segment, uint64_t record, bool named,
                        struct err *err)
{
    struct buf bytes CLEANUP(buf_done) = {0};
    char name[SEGMENT_NAME_MAX];
    struct mark mark = {
        .sections = ALWAYS | (named ? BIT(SECTION_SOURCES) : 0), .record = record, .first = segment->first};
    buf_init(&bytes, TOMBSTONE_SIZE_MAX);
    tombstone_name(segment->first, name);
    enum rc rc = derive(io, folder, segment, &mark, &bytes, err);
    rc = rc == RC_OK ? derived_check(buf_view(&bytes), segment->first, err) : rc;
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "the segment of record %llu", (unsigned long long)segment->first)); /* the code stays rc */
    if (rc == RC_IO)
        rc = RC_CORRUPT; /* RC_IO is for what was begun to be written */
    return rc == RC_OK ? file_replace(io, folder, name, buf_view(&bytes), err) : rc;
}

enum rc tombstone_same(const struct io *io, int folder, struct segment *segment, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(OPEN_ARENA);
    struct buf want CLEANUP(buf_done) = {0};
    char name[SEGMENT_NAME_MAX];
    struct mark mark;
    struct str have;
    buf_init(&want, TOMBSTONE_SIZE_MAX);
    tombstone_name(segment->first, name);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to check a tombstone");
    enum rc rc = mark_load(io, folder, segment->first, &mark, err);
    rc = rc == RC_OK ? derive(io, folder, segment, &mark, &want, err) : rc;
    rc = rc == RC_OK ? file_load(io, folder, name, TOMBSTONE_SIZE_MAX, arena, &have, err) : rc;
    if (rc == RC_INVALID)
        return err_set(err, RC_CORRUPT, "tombstone \"%s\" names a record that is not behind it", name);
    if (rc == RC_OK && !str_eq(have, buf_view(&want)))
        return err_set(err, RC_CORRUPT, "tombstone \"%s\" is not that of its segment", name);
    return rc;
}

/* ---- edges ---- */

enum rc segment_edges_read(struct str section, const struct segment *segment, struct segment_edges *ret_edges,
                           struct err *err)
{
    struct reader in = reader_of(section);
    uint64_t records = segment->end - segment->first;
    uint64_t head = MIN((TLOG_GROUP - segment->first % TLOG_GROUP) % TLOG_GROUP, records);
    uint64_t tail = MIN(segment->end % TLOG_GROUP, records - head);
    uint16_t head_count = read_be16(&in);
    struct str head_bytes = read_bytes(&in, (size_t)head_count * TLOG_HASH_SIZE);
    uint16_t tail_count = read_be16(&in);
    struct str tail_bytes = read_bytes(&in, (size_t)tail_count * TLOG_HASH_SIZE);
    if (!reader_done(&in) || head_count != head || tail_count != tail)
        return damaged(err, "its edges do not match its range");
    ret_edges->head = (const struct tlog_hash *)(const void *)head_bytes.p;
    ret_edges->tail = (const struct tlog_hash *)(const void *)tail_bytes.p;
    ret_edges->head_count = (size_t)head;
    ret_edges->tail_count = (size_t)tail;
    return RC_OK;
}

enum rc tombstone_leaves(const struct io *io, int folder, struct segment *segment, struct tombstone_range *range,
                         struct err *err)
{
    const struct segment_wanted wanted = {segment, SECTION_EDGES};
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct segment_edges edges;
    struct str bytes;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for leaf hashes");
    enum rc rc = segment_section_load(io, folder, &wanted, arena, &bytes, err);
    rc = rc == RC_OK ? segment_edges_read(bytes, segment, &edges, err) : rc;
    for (size_t i = 0; rc == RC_OK && i < edges.head_count + edges.tail_count; i++) {
        bool head = i < edges.head_count;
        uint64_t number = head ? segment->first + i : segment->end - edges.tail_count + (i - edges.head_count);
        if (number < range->from || number >= range->to)
            continue;
        range->hashes[number - range->from] = head ? edges.head[i] : edges.tail[i - edges.head_count];
        range->found++;
    }
    return rc;
}
