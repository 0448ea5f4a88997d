#include "archive/folder.h"

#include "archive/pack.h"
#include "archive/tombstone.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTANCE_MAX 4096
#define HEAD_LINE    "qorgan archive 1"

enum rc instance_parse(struct str text, struct instance *ret_instance, struct err *err)
{
    struct str rest = text;
    struct str head = str_cut(&rest, '\n');
    struct str uuid = str_cut(&rest, '\n');
    struct str origin = str_cut(&rest, '\n');
    memset(ret_instance, 0, sizeof *ret_instance);
    if (!str_is(head, HEAD_LINE) || !str_starts(uuid, STR("uuid ")) || !str_starts(origin, STR("origin ")) ||
        !hex_decode(str_skip(uuid, 5), ret_instance->uuid, sizeof ret_instance->uuid) || origin.n <= 7 ||
        !str_copy_z(str_skip(origin, 7), ret_instance->origin, sizeof ret_instance->origin) || rest.n)
        return err_set(err, RC_CORRUPT, "the archive's file \"" NAME_INSTANCE "\" is damaged");
    return RC_OK;
}

enum rc instance_load(const struct io *io, int folder, struct instance *ret_instance, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(4 * (size_t)INSTANCE_MAX);
    struct str text;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = file_load(io, folder, NAME_INSTANCE, INSTANCE_MAX, arena, &text, err);
    return rc == RC_OK ? instance_parse(text, ret_instance, err) : rc;
}

void instance_write(const struct instance *instance, struct buf *out)
{
    buf_text(out, HEAD_LINE "\nuuid ");
    buf_hex(out, instance->uuid, sizeof instance->uuid);
    buf_text(out, "\norigin ");
    buf_text(out, instance->origin);
    buf_char(out, '\n');
}

enum rc instance_store(const struct io *io, int folder, const struct instance *instance, struct err *err)
{
    char bytes[INSTANCE_MAX];
    struct buf out;
    buf_init_fixed(&out, bytes, sizeof bytes);
    instance_write(instance, &out);
    ASSERT(!out.overflow);
    return file_replace(io, folder, NAME_INSTANCE, buf_view(&out), err);
}

enum rc instance_make(struct instance *ret_instance, const char *site, const uint8_t uuid[16], struct err *err)
{
    struct buf out;
    memcpy(ret_instance->uuid, uuid, sizeof ret_instance->uuid);
    buf_init_fixed(&out, ret_instance->origin, sizeof ret_instance->origin - 1);
    buf_text(&out, site && site[0] ? site : "qorgan");
    buf_char(&out, '/');
    buf_hex(&out, uuid, 16);
    if (out.overflow)
        return err_set(err, RC_LIMIT, "the site's name is longer than %d bytes", ARCHIVE_ORIGIN_MAX - 34);
    ret_instance->origin[out.n] = '\0';
    return note_name_check(str_of(ret_instance->origin), err);
}

enum rc folders_open(const struct io *io, int folder, bool create, struct folders *ret_folders, struct err *err)
{
    *ret_folders = (struct folders){-1, -1, -1};
    enum rc rc = folder_open(io, folder, NAME_WAL, create, &ret_folders->wal, err);
    rc = rc == RC_OK ? folder_open(io, folder, NAME_SEG, create, &ret_folders->seg, err) : rc;
    return rc == RC_OK ? folder_open(io, folder, NAME_CHECKPOINTS, create, &ret_folders->checkpoints, err) : rc;
}

void folders_close(const struct io *io, struct folders *folders)
{
    const int fds[] = {folders->wal, folders->seg, folders->checkpoints};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] > 0)
            IGNORE(io->close(io->self, fds[i])); /* folders */
    *folders = (struct folders){-1, -1, -1};
}

/* ---- lists ---- */

struct listing {
    struct numbers *numbers;
    bool (*parse)(struct str name, uint64_t *ret_number);
    bool failed;
};

static bool list_one(void *context, const char *name)
{
    struct listing *l = context;
    struct numbers *n = l->numbers;
    uint64_t number;
    if (!l->parse(str_of(name), &number))
        return true;
    if (n->count == n->room) {
        size_t room = n->room ? n->room * 2 : 64;
        uint64_t *list = memory_resize(n->list, room * sizeof *list);
        if (!list) {
            l->failed = true;
            return false;
        }
        n->list = list;
        n->room = room;
    }
    n->list[n->count++] = number;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

enum rc numbers_list(const struct io *io, int folder, bool (*parse)(struct str name, uint64_t *ret_number),
                     struct numbers *ret_numbers, struct err *err)
{
    struct listing listing = {.numbers = ret_numbers, .parse = parse};
    *ret_numbers = (struct numbers){0};
    int result = io->list(io->self, folder, list_one, &listing);
    if (result < 0 || listing.failed) {
        numbers_done(ret_numbers);
        return result < 0 ? err_errno(err, -result, "could not list a folder of the archive")
                          : err_set(err, RC_LIMIT, "no memory to list a folder of the archive");
    }
    numbers_sort(ret_numbers);
    return RC_OK;
}

void numbers_sort(struct numbers *numbers)
{
    if (numbers->count)
        qsort(numbers->list, numbers->count, sizeof *numbers->list, compare_numbers);
}

void numbers_done(struct numbers *numbers)
{
    memory_free(numbers->list);
    *numbers = (struct numbers){0};
}

bool checkpoint_name_parse(struct str name, uint64_t *ret_size)
{
    char canonical[48];
    if (name.n != 16 || !str_hex_to_u64(name, ret_size))
        return false;
    checkpoint_name(*ret_size, "", canonical);
    return str_is(name, canonical);
}

static bool suffixed_name_parse(struct str name, struct str suffix, uint64_t *ret_size)
{
    return str_ends(name, suffix) && checkpoint_name_parse(str_slice(name, 0, name.n - suffix.n), ret_size);
}

bool stamp_name_parse(struct str name, uint64_t *ret_size)
{
    return suffixed_name_parse(name, STR(STAMP_SUFFIX), ret_size);
}

bool path_name_parse(struct str name, uint64_t *ret_size)
{
    return suffixed_name_parse(name, STR(PATH_SUFFIX), ret_size);
}

void checkpoint_name(uint64_t size, const char *suffix, char ret_name[48])
{
    int n = snprintf(ret_name, 48, "%016llx%s", (unsigned long long)size, suffix);
    ASSERT(n >= 16 && n < 48);
}

/* ---- segments ---- */

static enum rc catalog_add(struct catalog *catalog, struct segment *segment, struct err *err)
{
    if (catalog->count == catalog->room) {
        size_t room = catalog->room ? catalog->room * 2 : 64;
        struct segment **segments = memory_resize(catalog->segments, room * sizeof *segments);
        if (!segments)
            return err_set(err, RC_LIMIT, "no memory for the list of segments");
        catalog->segments = segments;
        catalog->room = room;
    }
    catalog->segments[catalog->count++] = segment;
    catalog->end = segment->end;
    return RC_OK;
}

bool numbers_have(const struct numbers *numbers, uint64_t number)
{
    return numbers->count &&
           bsearch(&number, numbers->list, numbers->count, sizeof *numbers->list, compare_numbers) != NULL;
}

/* What stands in seg/. */
struct seg_names {
    const struct io *io;
    int folder;
    const uint8_t *uuid;
    struct numbers segments;
    struct numbers tombstones;
};

/* A tombstone beside its segment: the deletion was begun. One that cannot be read is made anew by who goes on with it,
 * and told by archive_verify. */
static void catalog_mark(const struct seg_names *names, struct segment *segment)
{
    bool there = !segment->record && numbers_have(&names->tombstones, segment->first);
    if (there && tombstone_record(names->io, names->folder, segment->first, &segment->record, NULL) != RC_OK)
        segment->record = 0;
}

/* The entries stay allocated: a search may be in the middle of them. */
static enum rc catalog_bury(const struct seg_names *names, struct segment *segment, struct err *err)
{
    struct segment *tombstone = NULL;
    enum rc rc = tombstone_open(names->io, names->folder, segment->first, names->uuid, &tombstone, err);
    if (rc != RC_OK)
        return rc;
    if (tombstone->end != segment->end)
        rc = err_set(err, RC_CORRUPT, "the tombstone of record %llu is of another segment",
                     (unsigned long long)segment->first);
    if (rc == RC_OK) {
        segment->gone = true;
        segment->record = tombstone->record;
        segment->entry_count = 0;
        segment->bytes_stored = tombstone->bytes_stored;
        memcpy(segment->part, tombstone->part, sizeof segment->part);
    }
    segment_free(tombstone);
    return rc;
}

/* Segments that are known: whether they are still there. */
static enum rc catalog_known(const struct seg_names *names, struct catalog *catalog, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; i < catalog->count && rc == RC_OK && names->tombstones.count; i++) {
        struct segment *segment = catalog->segments[i];
        if (segment->gone || !numbers_have(&names->tombstones, segment->first))
            continue;
        if (numbers_have(&names->segments, segment->first))
            catalog_mark(names, segment);
        else
            rc = catalog_bury(names, segment, err);
    }
    return rc;
}

static enum rc catalog_next(const struct seg_names *names, struct catalog *catalog, uint64_t first, struct err *err)
{
    struct segment *segment = NULL;
    if (first != catalog->end)
        return err_set(err, RC_CORRUPT,
                       first > catalog->end ? "records %llu to %llu are missing: a segment is not there"
                                            : "records %llu to %llu stand in two segments",
                       (unsigned long long)MIN(catalog->end, first), (unsigned long long)MAX(catalog->end, first) - 1);
    bool there = numbers_have(&names->segments, first);
    enum rc rc = there ? segment_open(names->io, names->folder, first, names->uuid, &segment, err)
                       : tombstone_open(names->io, names->folder, first, names->uuid, &segment, err);
    if (there && rc == RC_NOT_FOUND && numbers_have(&names->tombstones, first)) /* it went in between */
        rc = tombstone_open(names->io, names->folder, first, names->uuid, &segment, err);
    if (rc != RC_OK)
        return rc;
    if (!segment->gone)
        catalog_mark(names, segment);
    rc = catalog_add(catalog, segment, err);
    if (rc != RC_OK)
        segment_free(segment);
    return rc;
}

enum rc catalog_load(const struct io *io, int folder, const uint8_t uuid[16], struct catalog *catalog, struct err *err)
{
    struct seg_names names = {.io = io, .folder = folder, .uuid = uuid};
    /* Tombstones last: a segment that goes in between is in one of the lists. */
    enum rc rc = numbers_list(io, folder, segment_name_parse, &names.segments, err);
    rc = rc == RC_OK ? numbers_list(io, folder, tombstone_name_parse, &names.tombstones, err) : rc;
    rc = rc == RC_OK ? catalog_known(&names, catalog, err) : rc;
    size_t i = 0;
    size_t k = 0;
    while ((i < names.segments.count || k < names.tombstones.count) && rc == RC_OK) {
        uint64_t segment = i < names.segments.count ? names.segments.list[i] : UINT64_MAX;
        uint64_t tombstone = k < names.tombstones.count ? names.tombstones.list[k] : UINT64_MAX;
        uint64_t first = MIN(segment, tombstone);
        i += segment == first;
        k += tombstone == first;
        if (first < catalog->end && (catalog->count == 0 || first <= catalog->segments[catalog->count - 1]->first))
            continue; /* already known */
        rc = catalog_next(&names, catalog, first, err);
    }
    numbers_done(&names.segments);
    numbers_done(&names.tombstones);
    return rc;
}

void catalog_done(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++)
        segment_free(catalog->segments[i]);
    memory_free(catalog->segments);
    *catalog = (struct catalog){0};
}

struct segment *catalog_find(const struct catalog *catalog, uint64_t number)
{
    size_t low = 0;
    size_t high = catalog->count;
    if (number >= catalog->end)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalog->segments[middle]->end <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < catalog->count && catalog->segments[low]->first <= number ? catalog->segments[low] : NULL;
}

enum rc catalog_last(const struct io *io, int folder, const struct catalog *catalog, struct arena *arena,
                     struct catalog_last *ret_last, struct err *err)
{
    ret_last->sources = STR_NONE;
    tlog_frontier_init(&ret_last->frontier);
    if (!catalog->count)
        return RC_OK;
    struct segment *last = catalog->segments[catalog->count - 1];
    if (last->gone)
        return err_set(err, RC_CORRUPT, "of the last segment, from record %llu on, only the tombstone is there",
                       (unsigned long long)last->first);
    const struct segment_part *frontiers = &last->part[SECTION_FRONTIERS];
    const struct segment_part *sources = &last->part[SECTION_SOURCES];
    struct str bytes;
    int fd = -1;
    enum rc rc = segment_fd(io, folder, last, &fd, err);
    if (rc != RC_OK)
        return rc;
    rc = segment_read(&(struct segment_file){io, fd}, frontiers->offset, frontiers->length, arena, &bytes, err);
    rc = rc == RC_OK ? segment_frontiers(bytes, NULL, &ret_last->frontier, err) : rc;
    rc = rc == RC_OK
             ? segment_read(&(struct segment_file){io, fd}, sources->offset, sources->length, arena, &bytes, err)
             : rc;
    rc = rc == RC_OK ? unpack(bytes, SOURCES_PLAIN_MAX, arena, &ret_last->sources, err) : rc;
    IGNORE(io->close(io->self, fd)); /* only read */
    return rc;
}

struct archive_totals catalog_totals(const struct catalog *catalog)
{
    struct archive_totals totals = {0};
    for (size_t i = 0; i < catalog->count; i++) {
        const struct segment *segment = catalog->segments[i];
        totals.bytes_stored += segment->bytes_stored;
        if (segment->gone) {
            totals.gone_segments++;
            totals.gone_records += segment->end - segment->first;
            continue;
        }
        if (totals.segments++ == 0) {
            totals.oldest_ns = segment->received_min_ns;
            totals.oldest_max_ns = segment->received_max_ns;
        }
        totals.cold_segments += segment->cold;
        totals.bytes_raw += segment->bytes_raw;
    }
    return totals;
}

/* ---- checkpoints ---- */

static enum rc stored_parse(struct str bytes, const char *name, struct arena *arena, struct checkpoint *ret_checkpoint,
                            struct err *err)
{
    struct note *note = arena_alloc(arena, sizeof *note);
    if (!note)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = note_parse(bytes, note, err);
    rc = rc == RC_OK ? checkpoint_parse(note->text, ret_checkpoint, err) : rc;
    if (rc == RC_INVALID)
        return err_set(err, RC_CORRUPT, "file \"" NAME_CHECKPOINTS "/%s\" is damaged", name);
    return rc;
}

enum rc checkpoint_latest(const struct io *io, int checkpoints, struct arena *arena, struct str *ret_note,
                          struct checkpoint *ret_checkpoint, struct err *err)
{
    enum rc rc = file_load(io, checkpoints, NAME_LATEST, NOTE_SIZE_MAX, arena, ret_note, err);
    return rc == RC_OK ? stored_parse(*ret_note, NAME_LATEST, arena, ret_checkpoint, err) : rc;
}

enum rc checkpoint_cosigned(const struct io *io, int checkpoints, struct arena *arena, struct str *ret_note,
                            struct checkpoint *ret_checkpoint, struct err *err)
{
    enum rc rc = file_load(io, checkpoints, NAME_COSIGNED, NOTE_SIZE_MAX, arena, ret_note, err);
    return rc == RC_OK ? stored_parse(*ret_note, NAME_COSIGNED, arena, ret_checkpoint, err) : rc;
}
