#include "archive/mirror_store.h"

#include "archive/path.h"
#include "archive/reader_state.h"
#include "archive/segment_format.h"
#include "archive/tombstone.h"
#include "archive/verify.h"
#include "base/assert.h"
#include "os/file.h"
#include "wal/wal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PART_PIECE     (UINT64_C(1) << 20)
#define STONE_SUFFIX   ".stone"
#define PART_NAME_SIZE 21 /* "<16 hex>.part", which fits SEGMENT_NAME_MAX */

struct mirror_store {
    const struct io *io;   /* the table of `sealed` once the archive is open */
    const struct io *base; /* what it stands on */
    struct sealed_io *sealed;
    const struct vault *vault;
    int folder;
    int lock;
    struct folders folders; /* -1 while the store is empty */
    struct instance instance;
    struct archive_reader *reader; /* NULL while the store is empty */
    struct wal *wal;               /* NULL until the log is written */
    int64_t wal_file_size;         /* of the files that it makes */
    uint64_t retained;             /* size of the newest retained note */
    uint64_t stamped;              /* and of the newest with a time stamp */
    bool paths_due;                /* a retained note may lack its path */

    int part; /* -1: none */
    struct mirror_row row;
    char part_name[SEGMENT_NAME_MAX];

    struct tlog_frontier buried; /* the tree behind the tombstones that wait; size 0: none does */
    struct tlog_frontier stone;  /* and behind the one that was checked last; size 0: none was */

    struct buf frame; /* a frame header's room, then the records that were checked */
    struct mirror_log log;
    bool log_checked;

    bool damaged;                    /* what is held did not read back */
    struct tlog_hasher *part_hasher; /* of the part's bytes as they came */
    uint64_t part_hashed;            /* bytes in it; they came in one piece from the first, or UINT64_MAX */
};

/* The outcome of reading what is held here. */
static enum rc own(struct mirror_store *s, enum rc rc)
{
    s->damaged = s->damaged || rc == RC_CORRUPT;
    return rc;
}

/* ---- opening ---- */

static enum rc take_lock(struct mirror_store *s, struct err *err)
{
    s->lock = s->io->open(s->io->self, s->folder, NAME_LOCK, IO_READ | IO_WRITE | IO_CREATE);
    if (s->lock < 0)
        return err_errno(err, -s->lock, "could not open the archive's lock file");
    int result = s->io->lock(s->io->self, s->lock);
    if (result == -EWOULDBLOCK)
        return err_set(err, RC_EXISTS, "a server or another mirror is using this archive; stop it first");
    return result < 0 ? err_errno(err, -result, "could not lock the archive") : RC_OK;
}

static enum rc log_unlink(struct mirror_store *s, uint64_t first, struct err *err)
{
    char name[WAL_NAME_MAX];
    wal_file_name(first, name);
    int result = s->io->unlink(s->io->self, s->folders.wal, name);
    return result < 0 && result != -ENOENT ? err_errno(err, -result, "could not remove log file \"%s\"", name) : RC_OK;
}

/* Log files whose records stand in the segments, which end at `sealed`. A reader that has one of them open would wait
 * in it for records that will never come: remove them before it looks. */
static enum rc log_drop_covered(struct mirror_store *s, uint64_t sealed, bool *ret_dropped, struct err *err)
{
    struct numbers names;
    enum rc rc = numbers_list(s->io, s->folders.wal, wal_file_name_parse, &names, err);
    bool nothing_behind = s->reader->size <= sealed;
    *ret_dropped = false;
    for (size_t i = 0; i < names.count && rc == RC_OK; i++) {
        bool followed = i + 1 < names.count && names.list[i + 1] <= sealed;
        if (names.list[i] >= sealed || (!followed && !nothing_behind))
            continue;
        rc = log_unlink(s, names.list[i], err);
        *ret_dropped = true;
    }
    numbers_done(&names);
    return rc;
}

/* What was held once must be held still. */
static enum rc compare_latest(const struct mirror_store *s, struct archive_reader *reader, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(4 * (size_t)NOTE_SIZE_MAX);
    struct checkpoint checkpoint;
    struct tlog_hash root;
    struct str note;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to open the mirror");
    enum rc rc = checkpoint_latest(s->io, s->folders.checkpoints, arena, &note, &checkpoint, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc != RC_OK)
        return rc;
    if (checkpoint.head.size > reader->size)
        return err_set(err, RC_CORRUPT, "this mirror's newest checkpoint names %llu records, it holds %llu",
                       (unsigned long long)checkpoint.head.size, (unsigned long long)reader->size);
    rc = archive_reader_root(reader, checkpoint.head.size, &root, err);
    if (rc == RC_OK && !tlog_hash_eq(&root, &checkpoint.head.root))
        rc = err_set(err, RC_CORRUPT, "this mirror's records are not those that its newest checkpoint names");
    return rc;
}

/* A stop between a segment's rename and the removal of the log that it covers left the log. */
static enum rc open_reader(struct mirror_store *s, struct err *err)
{
    struct archive_reader_options options = {.vault = s->vault};
    bool dropped = false;
    enum rc rc = archive_reader_open(s->base, s->folder, &options, &s->reader, err);
    rc = rc == RC_OK ? log_drop_covered(s, s->reader->catalog.end, &dropped, err) : rc;
    if (rc != RC_OK || !dropped)
        return rc;
    archive_reader_close(s->reader);
    s->reader = NULL;
    return archive_reader_open(s->base, s->folder, &options, &s->reader, err);
}

static bool stone_name_parse(struct str name, uint64_t *ret_first)
{
    return seg_name_parse(name, STONE_SUFFIX, ret_first);
}

static enum rc seg_unlink(struct mirror_store *s, uint64_t first, const char *suffix, struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    seg_name(first, suffix, name);
    int result = s->io->unlink(s->io->self, s->folders.seg, name);
    return result < 0 && result != -ENOENT ? err_errno(err, -result, "could not remove \"%s\"", name) : RC_OK;
}

/* Tombstones that waited, under either name: a stop came before the segment behind them had its own. No archive ends
 * with a tombstone, and they can be fetched again. */
static enum rc stones_clear(struct mirror_store *s, struct err *err)
{
    struct numbers stones = {0};
    struct numbers gone = {0};
    struct numbers segments = {0};
    enum rc rc = numbers_list(s->io, s->folders.seg, stone_name_parse, &stones, err);
    rc = rc == RC_OK ? numbers_list(s->io, s->folders.seg, tombstone_name_parse, &gone, err) : rc;
    rc = rc == RC_OK ? numbers_list(s->io, s->folders.seg, segment_name_parse, &segments, err) : rc;
    for (size_t i = 0; i < stones.count && rc == RC_OK; i++)
        rc = seg_unlink(s, stones.list[i], STONE_SUFFIX, err);
    for (size_t i = gone.count; i > 0 && rc == RC_OK; i--) {
        if (segments.count && gone.list[i - 1] < segments.list[segments.count - 1])
            break;
        rc = seg_unlink(s, gone.list[i - 1], TOMBSTONE_SUFFIX, err);
    }
    numbers_done(&stones);
    numbers_done(&gone);
    numbers_done(&segments);
    return rc;
}

static enum rc open_archive(struct mirror_store *s, struct err *err)
{
    struct numbers sizes;
    enum rc rc = folders_open(s->io, s->folder, true, &s->folders, err);
    if (rc == RC_OK)
        rc = sealed_io_new(s->base, s->folders.seg, s->vault, s->instance.uuid, &s->sealed, err);
    if (rc == RC_OK)
        s->io = sealed_io_table(s->sealed);
    rc = rc == RC_OK ? stones_clear(s, err) : rc;
    rc = rc == RC_OK ? open_reader(s, err) : rc;
    rc = rc == RC_OK ? compare_latest(s, s->reader, err) : rc;
    rc = rc == RC_OK ? numbers_list(s->io, s->folders.checkpoints, checkpoint_name_parse, &sizes, err) : rc;
    if (rc != RC_OK)
        return rc;
    s->retained = sizes.count ? sizes.list[sizes.count - 1] : 0;
    s->paths_due = sizes.count != 0;
    numbers_done(&sizes);
    rc = numbers_list(s->io, s->folders.checkpoints, stamp_name_parse, &sizes, err);
    s->stamped = rc == RC_OK && sizes.count ? sizes.list[sizes.count - 1] : 0;
    numbers_done(&sizes);
    return rc;
}

_Static_assert(MIRROR_STONE_MAX == TOMBSTONE_SIZE_MAX, "a tombstone that can be written can be fetched");

enum rc mirror_store_open(const struct io *io, int folder, const struct vault *vault, struct mirror_store **ret_store,
                          struct err *err)
{
    struct mirror_store *s = memory_new(sizeof *s);
    if (!s)
        return err_set(err, RC_LIMIT, "no memory to open the mirror");
    *s = (struct mirror_store){.io = io, .base = io, .vault = vault, .folder = folder, .lock = -1, .part = -1};
    s->folders = (struct folders){-1, -1, -1};
    buf_init(&s->frame, WAL_FRAME_HEADER + MIRROR_LOG_MAX);
    s->part_hasher = tlog_hasher_new();
    enum rc rc = s->part_hasher ? take_lock(s, err) : err_set(err, RC_LIMIT, "no memory to open the mirror");
    if (rc == RC_OK) {
        rc = instance_load(io, folder, &s->instance, err);
        rc = rc == RC_OK ? open_archive(s, err) : rc == RC_NOT_FOUND ? RC_OK : rc;
    }
    if (rc != RC_OK) {
        mirror_store_close(s);
        return rc;
    }
    *ret_store = s;
    return RC_OK;
}

static void part_close(struct mirror_store *s)
{
    if (s->part >= 0)
        IGNORE(s->io->close(s->io->self, s->part)); /* what counts was synced */
    s->part = -1;
}

void mirror_store_close(struct mirror_store *store)
{
    if (!store)
        return;
    part_close(store);
    wal_close(store->wal);
    archive_reader_close(store->reader);
    folders_close(store->io, &store->folders);
    buf_done(&store->frame);
    tlog_hasher_free(store->part_hasher);
    if (store->lock >= 0)
        IGNORE(store->io->close(store->io->self, store->lock)); /* gives the lock back */
    sealed_io_free(store->sealed);
    memory_free(store);
}

static enum rc instance_given(struct str text, struct instance *ret_instance, struct err *err)
{
    enum rc rc = instance_parse(text, ret_instance, err);
    if (rc != RC_OK)
        return rc == RC_CORRUPT ? RC_INVALID : rc;
    return note_name_check(str_of(ret_instance->origin), err);
}

enum rc mirror_store_instance(const struct mirror_store *store, struct str text, struct err *err)
{
    struct instance given;
    enum rc rc = instance_given(text, &given, err);
    if (rc != RC_OK)
        return rc;
    if (!store->reader)
        return err_set(err, RC_AGAIN, "the mirror begins with archive \"%s\"", given.origin);
    if (memcmp(given.uuid, store->instance.uuid, sizeof given.uuid) != 0)
        return err_set(err, RC_DENIED, "the server's archive is another one than this mirror holds");
    return strcmp(given.origin, store->instance.origin) == 0
               ? RC_OK
               : err_set(err, RC_AGAIN, "the server's archive goes on under a new origin, \"%s\"", given.origin);
}

enum rc mirror_store_take(struct mirror_store *store, struct str text, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(4 * (size_t)NOTE_SIZE_MAX);
    struct instance given;
    struct checkpoint checkpoint;
    struct str note;
    enum rc rc = arena ? instance_given(text, &given, err) : err_set(err, RC_LIMIT, "no memory");
    if (rc == RC_OK && !store->reader) {
        rc = instance_store(store->io, store->folder, &given, err);
        store->instance = given;
        return rc == RC_OK ? open_archive(store, err) : rc;
    }
    rc = rc == RC_OK ? checkpoint_latest(store->io, store->folders.checkpoints, arena, &note, &checkpoint, err) : rc;
    if (rc == RC_OK) { /* the last note of the instance before keeps standing, as the server's own does */
        char name[48];
        checkpoint_name(checkpoint.head.size, ".old", name);
        rc = file_replace(store->io, store->folders.checkpoints, name, note, err);
    }
    if (rc != RC_OK && rc != RC_NOT_FOUND)
        return rc;
    rc = instance_store(store->io, store->folder, &given, err);
    store->instance = given;
    store->reader->instance = given;
    return rc;
}

const char *mirror_store_origin(const struct mirror_store *store)
{
    return store->instance.origin;
}

uint64_t mirror_store_sealed(const struct mirror_store *store)
{
    return store->reader ? store->reader->catalog.end : 0;
}

uint64_t mirror_store_size(const struct mirror_store *store)
{
    return store->reader ? store->reader->size : 0;
}

uint64_t mirror_store_bytes(const struct mirror_store *store)
{
    return store->reader ? catalog_totals(&store->reader->catalog).bytes_stored : 0;
}

enum rc mirror_store_root(struct mirror_store *store, uint64_t size, struct tlog_hash *ret_root, struct err *err)
{
    ASSERT(store->reader != NULL);
    return own(store, archive_reader_root(store->reader, size, ret_root, err));
}

bool mirror_store_damaged(const struct mirror_store *store)
{
    return store->damaged;
}

enum rc mirror_store_sound(struct mirror_store *store, uint64_t size, struct err *err)
{
    struct archive_reader_options options = {.vault = store->vault};
    struct archive_reader *fresh CLEANUP(archive_reader_cleanup) = NULL;
    struct tlog_hash held;
    struct tlog_hash read;
    bool sound = true;
    if (!store->reader)
        return RC_OK;
    uint64_t end = store->reader->size;
    enum rc rc = archive_reader_open(store->base, store->folder, &options, &fresh, err);
    if (rc == RC_OK && fresh->size < end)
        rc = err_set(err, RC_CORRUPT, "%llu of its %llu records do not read back",
                     (unsigned long long)(end - fresh->size), (unsigned long long)end);
    rc = rc == RC_OK ? compare_latest(store, fresh, err) : rc;
    rc = rc == RC_OK ? archive_reader_root(fresh, end, &read, err) : rc;
    rc = rc == RC_OK ? archive_reader_root(store->reader, end, &held, err) : rc;
    if (rc == RC_OK && !tlog_hash_eq(&held, &read))
        rc = err_set(err, RC_CORRUPT, "its records do not read back as they were kept");
    if (rc == RC_OK && size < end)
        rc = archive_reader_group_sound(fresh, size, &sound, err);
    if (rc == RC_OK && !sound)
        rc = err_set(err, RC_CORRUPT, "records from %llu on are not those that were kept",
                     (unsigned long long)(size / TLOG_GROUP * TLOG_GROUP));
    return own(store, rc);
}

/* ---- segments ---- */

enum rc mirror_store_row(struct mirror_store *store, uint64_t first, struct mirror_row *ret_row, struct err *err)
{
    size_t count = 0;
    enum rc rc = own(store, archive_mirror_rows(store->reader, first, ret_row, 1, &count, err));
    if (rc == RC_OK && (!count || ret_row->first != first))
        rc = err_set(err, RC_NOT_FOUND, "this mirror has no segment from record %llu", (unsigned long long)first);
    return rc;
}

enum rc mirror_store_part_open(struct mirror_store *store, const struct mirror_row *row, uint64_t *ret_have,
                               struct err *err)
{
    struct mirror_store *s = store;
    int64_t size = 0;
    ASSERT(s->reader != NULL);
    bool same = s->part >= 0 && s->row.first == row->first && s->row.size == row->size &&
                tlog_hash_eq(&s->row.footer, &row->footer);
    s->row = *row;
    if (same) { /* a question failed in between */
        int result = s->io->size(s->io->self, s->part, &size);
        *ret_have = (uint64_t)size;
        return result < 0 ? err_errno(err, -result, "could not read the size of \"%s\"", s->part_name) : RC_OK;
    }
    part_close(s);
    int n = snprintf(s->part_name, sizeof s->part_name, "%016llx.part", (unsigned long long)row->first);
    ASSERT(n == PART_NAME_SIZE);
    s->part = s->io->open(s->io->self, s->folders.seg, s->part_name, IO_READ | IO_WRITE | IO_CREATE);
    if (s->part == -EACCES) { /* power was cut while it got its name: read-only already, and still a part */
        IGNORE(s->io->unlink(s->io->self, s->folders.seg, s->part_name)); /* then the next call says why */
        s->part = s->io->open(s->io->self, s->folders.seg, s->part_name, IO_READ | IO_WRITE | IO_CREATE);
    }
    int result = s->part < 0 ? s->part : s->io->size(s->io->self, s->part, &size);
    if (result >= 0 && (uint64_t)size > row->size) { /* of another packing of the same records */
        result = s->io->truncate(s->io->self, s->part, 0);
        size = 0;
    }
    *ret_have = (uint64_t)size;
    s->part_hashed = 0;
    tlog_hash_begin(s->part_hasher);
    return result < 0 ? err_errno(err, -result, "could not open \"%s\"", s->part_name) : RC_OK;
}

enum rc mirror_store_part_write(struct mirror_store *store, uint64_t offset, struct str bytes, struct err *err)
{
    ASSERT(store->part >= 0);
    if (offset > store->row.size || bytes.n > store->row.size - offset)
        return err_set(err, RC_INVALID, "the server gave more of a segment than it has");
    if (offset == store->part_hashed) {
        tlog_hash_add(store->part_hasher, bytes);
        store->part_hashed += bytes.n;
    } else {
        store->part_hashed = UINT64_MAX; /* not in one piece */
    }
    return file_write_at(store->io, store->part, bytes, (int64_t)offset, err);
}

void mirror_store_part_drop(struct mirror_store *store)
{
    if (store->part < 0)
        return;
    part_close(store);
    IGNORE(store->io->unlink(store->io->self, store->folders.seg, store->part_name)); /* it means nothing */
}

/* The tree before a record at which a segment that is held begins, or at which they all end. */
static enum rc frontier_at(struct mirror_store *s, uint64_t first, struct tlog_frontier *ret_frontier, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * SOURCES_PLAIN_MAX);
    struct catalog_last last;
    struct str bytes;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to check a segment");
    if (first == s->buried.size && first) {
        *ret_frontier = s->buried;
        return RC_OK;
    }
    if (first == s->reader->catalog.end) {
        enum rc rc = catalog_last(s->io, s->folders.seg, &s->reader->catalog, arena, &last, err);
        *ret_frontier = last.frontier;
        return own(s, rc);
    }
    struct segment *segment = catalog_find(&s->reader->catalog, first);
    if (!segment || segment->first != first)
        return err_set(err, RC_INVALID, "the server's segment from record %llu begins inside one that is held",
                       (unsigned long long)first);
    const struct segment_wanted wanted = {segment, SECTION_FRONTIERS};
    enum rc rc = segment_section_load(s->io, s->folders.seg, &wanted, arena, &bytes, err);
    return own(s, rc == RC_OK ? segment_frontiers(bytes, ret_frontier, NULL, err) : rc);
}

/* Whether the part reads back as it came. RC_NOT_FOUND: not known, because its beginning was there before. RC_CORRUPT,
 * RC_IO: it does not. */
static enum rc part_read_back(struct mirror_store *s, struct err *err)
{
    struct tlog_hash came;
    struct tlog_hash read;
    if (s->part_hashed != s->row.size)
        return RC_NOT_FOUND;
    char *bytes = memory_new(PART_PIECE);
    if (!bytes)
        return err_set(err, RC_LIMIT, "no memory to check a segment");
    s->part_hashed = UINT64_MAX;
    tlog_hash_end(s->part_hasher, &came);
    tlog_hash_begin(s->part_hasher);
    enum rc rc = RC_OK;
    for (uint64_t at = 0; at < s->row.size && rc == RC_OK; at += PART_PIECE) {
        size_t n = (size_t)MIN(PART_PIECE, s->row.size - at);
        rc = file_read_at(s->io, s->part, bytes, n, (int64_t)at, err);
        tlog_hash_add(s->part_hasher, str_at(bytes, n));
    }
    memory_free(bytes);
    tlog_hash_end(s->part_hasher, &read);
    if (rc == RC_END || (rc == RC_OK && !tlog_hash_eq(&came, &read)))
        rc = err_set(err, RC_CORRUPT, "the disk gives back other bytes than were written to \"%s\"", s->part_name);
    return rc;
}

static enum rc part_judge(struct mirror_store *s, struct tlog_head *ret_head, struct err *err)
{
    struct tlog_frontier before;
    struct tlog_frontier after;
    struct tlog_hash footer;
    char bytes[SEGMENT_FOOTER];
    ASSERT(s->part >= 0);
    if (s->row.size < SEGMENT_HEADER + SEGMENT_FOOTER)
        return err_set(err, RC_CORRUPT, "a segment of %llu bytes is none", (unsigned long long)s->row.size);
    enum rc rc = file_read_at(s->io, s->part, bytes, sizeof bytes, (int64_t)s->row.size - SEGMENT_FOOTER, err);
    if (rc != RC_OK)
        return rc == RC_END ? err_set(err, RC_CORRUPT, "a segment came cut short") : rc;
    tlog_hash_bytes(s->reader->hasher, str_at(bytes, sizeof bytes), &footer);
    if (!tlog_hash_eq(&footer, &s->row.footer))
        return err_set(err, RC_CORRUPT, "the footer is not the one that the server listed");
    struct verify_segment which = {
        .io = s->io, .folder = s->folders.seg, .name = s->part_name, .uuid = s->instance.uuid, .first = s->row.first};
    rc = frontier_at(s, s->row.first, &before, err);
    rc = rc == RC_OK ? archive_verify_segment(&which, &before, &after, err) : rc;
    if (rc != RC_OK)
        return rc;
    if (after.size != s->row.end)
        return err_set(err, RC_CORRUPT, "a segment ends at another record than the server listed");
    ret_head->size = after.size;
    tlog_frontier_root(&after, s->reader->hasher, &ret_head->root);
    return RC_OK;
}

enum rc mirror_store_part_check(struct mirror_store *store, struct tlog_head *ret_head, struct err *err)
{
    int result = store->io->sync(store->io->self, store->part); /* an encrypted one can be read from now on */
    if (result < 0)
        return err_errno(err, -result, "could not sync \"%s\"", store->part_name);
    enum rc rc = part_judge(store, ret_head, err);
    if (rc != RC_CORRUPT || store->damaged)
        return rc;
    struct err why;
    enum rc back = part_read_back(store, &why);
    if (back == RC_NOT_FOUND)
        return rc;
    if (back == RC_OK) /* once more: the disk may have failed in between, and that is not what came */
        return part_judge(store, ret_head, err);
    *err = why;
    return own(store, back);
}

static void release(void *context, const char *name)
{
    const struct mirror_store *s = context;
    IGNORE(s->io->unlink(s->io->self, s->folders.wal, name)); /* covered: the next opening removes it */
}

/* The log behind a new segment: files that it covers go, a file that ends inside it too. */
static enum rc log_follow(struct mirror_store *s, struct err *err)
{
    uint64_t sealed = s->row.end;
    bool dropped;
    if (s->wal && wal_end(s->wal) >= sealed) {
        enum rc rc = wal_end(s->wal) == sealed ? wal_rotate(s->wal, err) : RC_OK;
        if (rc == RC_OK)
            wal_release(s->wal, sealed, release, s);
        return rc;
    }
    wal_close(s->wal);
    s->wal = NULL;
    return log_drop_covered(s, sealed, &dropped, err);
}

/* Those that wait get their names, on disk before the segment behind them has its own. */
static enum rc stones_keep(struct mirror_store *s, struct err *err)
{
    struct numbers stones;
    int result = 0;
    if (!s->buried.size)
        return RC_OK;
    enum rc rc = numbers_list(s->io, s->folders.seg, stone_name_parse, &stones, err);
    for (size_t i = 0; rc == RC_OK && result >= 0 && i < stones.count; i++) {
        char from[SEGMENT_NAME_MAX];
        char to[SEGMENT_NAME_MAX];
        seg_name(stones.list[i], STONE_SUFFIX, from);
        tombstone_name(stones.list[i], to);
        result = s->io->rename(s->io->self, s->folders.seg, from, to);
    }
    numbers_done(&stones);
    if (rc == RC_OK && result >= 0)
        result = s->io->sync(s->io->self, s->folders.seg);
    s->buried.size = 0;
    return rc == RC_OK && result < 0 ? err_errno(err, -result, "could not keep tombstones") : rc;
}

enum rc mirror_store_part_keep(struct mirror_store *store, struct err *err)
{
    struct mirror_store *s = store;
    char name[SEGMENT_NAME_MAX];
    ASSERT(s->part >= 0 && s->row.first == mirror_store_due(s));
    segment_name(s->row.first, name);
    int result = s->io->sync(s->io->self, s->part);
    if (result >= 0) {
        enum rc stones = stones_keep(s, err);
        if (stones != RC_OK)
            return stones;
    }
    if (result >= 0)
        result = s->io->rename(s->io->self, s->folders.seg, s->part_name, name);
    if (result >= 0) /* not before: a part must stay writable */
        result = s->io->read_only(s->io->self, s->part);
    if (result >= 0)
        result = s->io->sync(s->io->self, s->folders.seg);
    if (result < 0)
        return err_errno(err, -result, "could not keep segment \"%s\"", name);
    part_close(s);
    s->log_checked = false;
    enum rc rc = log_follow(s, err);
    rc = own(s, rc == RC_OK ? archive_reader_refresh(s->reader, err) : rc);
    ASSERT(rc != RC_OK || s->reader->catalog.end == s->row.end);
    return rc;
}

/* ---- tombstones ---- */

uint64_t mirror_store_due(const struct mirror_store *store)
{
    return store->buried.size ? store->buried.size : mirror_store_sealed(store);
}

void mirror_store_stones_drop(struct mirror_store *store)
{
    struct numbers stones;
    store->buried.size = 0;
    store->stone.size = 0;
    if (numbers_list(store->io, store->folders.seg, stone_name_parse, &stones, NULL) == RC_OK)
        for (size_t i = 0; i < stones.count; i++)
            IGNORE(seg_unlink(store, stones.list[i], STONE_SUFFIX, NULL)); /* they mean nothing */
    numbers_done(&stones);
}

bool mirror_store_deleted(const struct mirror_store *store, uint64_t first, uint64_t end)
{
    const struct segment *segment = store->reader ? catalog_find(&store->reader->catalog, first) : NULL;
    return segment && segment->gone && segment->first == first && segment->end == end;
}

static enum rc stone_judge(struct mirror_store *s, const struct mirror_stone *stone, const struct tlog_frontier *before,
                           struct verify_tombstone_found *ret_found, struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    const struct mirror_row *row = &stone->row;
    const struct verify_tombstone which = {.io = s->io,
                                           .folder = s->folders.seg,
                                           .name = name,
                                           .uuid = s->instance.uuid,
                                           .first = row->first,
                                           .record = stone->record};
    seg_name(row->first, STONE_SUFFIX, name);
    enum rc rc = archive_verify_tombstone(&which, before, ret_found, err);
    if (rc == RC_OK && (ret_found->after.size != row->end || ret_found->record != row->record ||
                        !tlog_hash_eq(&ret_found->footer, &row->footer)))
        rc = err_set(err, RC_CORRUPT, "the tombstone of record %llu is not the one that the server listed",
                     (unsigned long long)row->first);
    return rc;
}

/* Whether it reads back as it came. RC_CORRUPT, RC_IO: it does not, and nothing is said of what came. */
static enum rc stone_read_back(struct mirror_store *s, const struct mirror_stone *stone, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * MIRROR_STONE_MAX);
    char name[SEGMENT_NAME_MAX];
    struct str bytes;
    seg_name(stone->row.first, STONE_SUFFIX, name);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to check a tombstone");
    enum rc rc = file_load(s->io, s->folders.seg, name, MIRROR_STONE_MAX, arena, &bytes, err);
    if (rc == RC_OK && !str_eq(bytes, stone->bytes))
        rc = err_set(err, RC_CORRUPT, "the disk gives back other bytes than were written to \"%s\"", name);
    return own(s, rc);
}

enum rc mirror_store_stone_check(struct mirror_store *store, const struct mirror_stone *stone,
                                 struct tlog_head *ret_head, struct tlog_hash *ret_leaf, struct err *err)
{
    struct mirror_store *s = store;
    char name[SEGMENT_NAME_MAX];
    struct verify_tombstone_found found;
    struct tlog_frontier before;
    const struct mirror_row *row = &stone->row;
    s->stone.size = 0;
    seg_name(row->first, STONE_SUFFIX, name);
    if (row->first != mirror_store_due(s))
        return err_set(err, RC_INVALID, "the tombstone of record %llu came where %llu is due",
                       (unsigned long long)row->first, (unsigned long long)mirror_store_due(s));
    if (mirror_store_size(s) > row->first) /* no deletion takes from a mirror what it has */
        return err_set(err, RC_EXISTS, "of the deleted records %llu to %llu some are held here",
                       (unsigned long long)row->first, (unsigned long long)row->end - 1);
    enum rc rc = frontier_at(s, row->first, &before, err);
    rc = rc == RC_OK ? file_replace(s->io, s->folders.seg, name, stone->bytes, err) : rc;
    if (rc != RC_OK)
        return rc;
    rc = stone_judge(s, stone, &before, &found, err);
    if (rc == RC_CORRUPT) { /* once more, when it reads: the disk may have failed in between */
        rc = stone_read_back(s, stone, err);
        rc = rc == RC_OK ? stone_judge(s, stone, &before, &found, err) : rc;
    }
    if (rc != RC_OK) {
        IGNORE(seg_unlink(s, row->first, STONE_SUFFIX, NULL)); /* the next opening removes it */
        return rc;
    }
    s->stone = found.after;
    ret_head->size = found.after.size;
    tlog_frontier_root(&found.after, s->reader->hasher, &ret_head->root);
    *ret_leaf = found.leaf;
    return RC_OK;
}

void mirror_store_stone_wait(struct mirror_store *store)
{
    ASSERT(store->stone.size > mirror_store_due(store));
    store->buried = store->stone;
    store->stone.size = 0;
}

/* ---- log ---- */

enum rc mirror_store_log_check(struct mirror_store *store, const struct mirror_log *log, struct str records,
                               struct tlog_head *ret_head, struct err *err)
{
    static const char room[WAL_FRAME_HEADER] = {0};
    struct mirror_store *s = store;
    struct tlog_hasher *hasher = s->reader->hasher;
    struct tlog_hash root;
    s->log_checked = false;
    /* Also brings the reader's frontier up to what is held. */
    enum rc rc = own(s, archive_reader_root(s->reader, s->reader->size, &root, err));
    if (rc != RC_OK)
        return rc;
    struct tlog_frontier frontier = s->reader->frontier;
    ASSERT(frontier.size == s->reader->size);
    if (log->first != frontier.size || !log->count || log->file_first > log->first)
        return err_set(err, RC_INVALID, "the server gave records from %llu, %llu is due",
                       (unsigned long long)log->first, (unsigned long long)frontier.size);
    struct reader in = reader_of(records);
    for (uint32_t i = 0; i < log->count; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        struct tlog_hash hash;
        rc = record_read(&in, hasher, &leaf, &bytes, &raw, err);
        if (rc == RC_OK && leaf.index != frontier.size)
            rc = err_set(err, RC_CORRUPT, "record %llu stands where %llu is due", (unsigned long long)leaf.index,
                         (unsigned long long)frontier.size);
        if (rc != RC_OK)
            return rc;
        tlog_hash_leaf(hasher, STR_NONE, bytes, &hash);
        tlog_frontier_append(&frontier, hasher, &hash);
    }
    if (!reader_done(&in))
        return err_set(err, RC_CORRUPT, "the log's tail has bytes behind its records");
    buf_clear(&s->frame);
    buf_put(&s->frame, room, sizeof room);
    buf_put(&s->frame, records.p, records.n);
    if (s->frame.overflow)
        return err_set(err, RC_LIMIT, "the log's tail came in too large a part");
    s->log = *log;
    s->log_checked = true;
    ret_head->size = frontier.size;
    tlog_frontier_root(&frontier, hasher, &ret_head->root);
    return RC_OK;
}

static enum rc log_open(struct mirror_store *s, int64_t file_size, struct err *err)
{
    struct wal_options options = {.file_size = MIN(MAX(file_size, WAL_FILE_SIZE_MIN), WAL_FILE_SIZE_MAX),
                                  .first = s->reader->catalog.end,
                                  .known_size = s->reader->size,
                                  .vault = s->vault};
    if (s->wal && options.file_size <= s->wal_file_size)
        return RC_OK;
    wal_close(s->wal); /* the server's files have become longer: all that was appended is synced */
    s->wal = NULL;
    s->wal_file_size = options.file_size;
    memcpy(options.uuid, s->instance.uuid, sizeof options.uuid);
    enum rc rc = wal_open(s->io, s->folders.wal, &options, &s->wal, err);
    if (rc == RC_OK && wal_end(s->wal) != s->reader->size)
        rc = err_set(err, RC_CORRUPT, "the mirror's log ends at record %llu, %llu was read",
                     (unsigned long long)wal_end(s->wal), (unsigned long long)s->reader->size);
    return rc;
}

enum rc mirror_store_log_keep(struct mirror_store *store, int64_t file_size, struct err *err)
{
    struct mirror_store *s = store;
    ASSERT(s->log_checked);
    s->log_checked = false;
    enum rc rc = log_open(s, file_size, err);
    if (rc != RC_OK)
        return own(s, rc);
    /* File by file as at the server: each becomes one segment, and a server that takes over counts on it. */
    uint64_t present = wal_file_at(s->wal, wal_file_count(s->wal) - 1).first;
    if (s->log.file_first != present && s->log.file_first == s->log.first)
        rc = wal_rotate(s->wal, err);
    else if (s->log.file_first != present)
        return err_set(err, RC_LIMIT,
                       "the server's log file begins at record %llu, the mirror's at %llu: what is in it comes as a "
                       "segment",
                       (unsigned long long)s->log.file_first, (unsigned long long)present);
    rc = rc == RC_OK ? wal_append(s->wal, s->log.first, s->log.count, s->frame.p, s->frame.n, err) : rc;
    rc = rc == RC_OK ? wal_sync(s->wal, err) : rc;
    rc = rc == RC_OK ? archive_reader_refresh(s->reader, err) : rc;
    if (rc == RC_OK && s->reader->size != s->log.first + s->log.count)
        rc = err_set(err, RC_CORRUPT, "the mirror's log does not give back what was written");
    return own(s, rc);
}

/* ---- checkpoints ---- */

/* The root at a size inside a group of which only the hash is left, and at whose beginning the tree is known. */
static enum rc path_root(struct mirror_store *s, uint64_t size, const struct tlog_path *path,
                         struct tlog_hash *ret_root, struct err *err)
{
    struct archive_reader *r = s->reader;
    struct tlog_head group = {.size = TLOG_GROUP};
    enum rc rc = tlog_groups_get(r->groups, size / TLOG_GROUP, &group.root, err);
    if (rc == RC_OK && !tlog_consistency_root(r->hasher, size % TLOG_GROUP, path, &group, ret_root))
        rc = err_set(err, RC_INVALID, "the path of the checkpoint of %llu records is not theirs",
                     (unsigned long long)size);
    for (unsigned height = TLOG_GROUP_HEIGHT; rc == RC_OK && height < TLOG_HEIGHT_MAX; height++) {
        struct tlog_hash node;
        if (!(size >> height & 1))
            continue;
        rc = tlog_groups_hash(r->groups, r->hasher, height, (size >> height) - 1, &node, err);
        tlog_hash_node(r->hasher, &node, ret_root, ret_root);
    }
    return rc;
}

/* *ret_buried: it lies inside deleted records, and was compared by its path. */
static enum rc note_check_by(struct mirror_store *s, struct str note, const struct tlog_path *path,
                             struct checkpoint *ret_checkpoint, bool *ret_buried, struct err *err)
{
    struct note *parsed = memory_new(sizeof *parsed);
    struct tlog_hash root;
    *ret_buried = false;
    if (!parsed)
        return err_set(err, RC_LIMIT, "no memory to keep a checkpoint");
    enum rc rc = note_parse(note, parsed, err);
    rc = rc == RC_OK ? checkpoint_parse(parsed->text, ret_checkpoint, err) : rc;
    memory_free(parsed);
    if (rc != RC_OK)
        return rc;
    if (!str_is(ret_checkpoint->origin, s->instance.origin))
        return err_set(err, RC_INVALID, "a checkpoint is of another origin");
    if (ret_checkpoint->head.size > s->reader->size)
        return err_set(err, RC_INVALID, "a checkpoint names more records than are held");
    rc = own(s, archive_reader_root(s->reader, ret_checkpoint->head.size, &root, err));
    uint64_t inside = ret_checkpoint->head.size % TLOG_GROUP; /* the path of a power of two does not hold the root */
    *ret_buried = rc == RC_NOT_FOUND && path && path->count && (inside & (inside - 1)) != 0;
    if (*ret_buried)
        rc = path_root(s, ret_checkpoint->head.size, path, &root, err);
    if (rc == RC_OK && !tlog_hash_eq(&root, &ret_checkpoint->head.root))
        rc = err_set(err, RC_INVALID, "the checkpoint of %llu records does not name those that are held",
                     (unsigned long long)ret_checkpoint->head.size);
    return rc;
}

static enum rc note_check(struct mirror_store *s, struct str note, struct checkpoint *ret_checkpoint, struct err *err)
{
    bool buried;
    return note_check_by(s, note, NULL, ret_checkpoint, &buried, err);
}

static enum rc path_write(struct mirror_store *s, uint64_t size, struct err *err)
{
    struct tlog_hash leaves[TLOG_GROUP];
    struct tlog_path path;
    size_t count = 0;
    enum rc rc = own(s, archive_reader_leaves(s->reader, size / TLOG_GROUP, leaves, &count, err));
    if (rc != RC_OK)
        return rc;
    ASSERT(count == TLOG_GROUP);
    rc = path_make(s->reader->hasher, leaves, size, &path, err);
    return rc == RC_OK ? path_store(s->io, s->folders.checkpoints, &path, size, err) : rc;
}

/* Paths of retained notes whose group has become complete since. */
static enum rc paths_write(struct mirror_store *s, struct err *err)
{
    struct numbers notes = {0};
    struct numbers paths = {0};
    bool due = false;
    if (!s->paths_due)
        return RC_OK;
    enum rc rc = numbers_list(s->io, s->folders.checkpoints, checkpoint_name_parse, &notes, err);
    rc = rc == RC_OK ? numbers_list(s->io, s->folders.checkpoints, path_name_parse, &paths, err) : rc;
    for (size_t i = 0, k = 0; i < notes.count && rc == RC_OK; i++) {
        uint64_t size = notes.list[i];
        while (k < paths.count && paths.list[k] < size)
            k++;
        if (size % TLOG_GROUP == 0 || (k < paths.count && paths.list[k] == size))
            continue;
        bool complete = size / TLOG_GROUP < s->reader->size / TLOG_GROUP;
        rc = complete ? path_write(s, size, err) : RC_OK;
        due = due || !complete;
    }
    s->paths_due = due || rc != RC_OK;
    numbers_done(&notes);
    numbers_done(&paths);
    return rc;
}

enum rc mirror_store_note_latest(struct mirror_store *store, struct str note, struct err *err)
{
    struct checkpoint checkpoint;
    enum rc rc = note_check(store, note, &checkpoint, err);
    if (rc == RC_OK && checkpoint.head.size != store->reader->size)
        rc = err_set(err, RC_INVALID, "the newest checkpoint names fewer records than are held");
    rc = rc == RC_OK ? file_replace(store->io, store->folders.checkpoints, NAME_LATEST, note, err) : rc;
    return rc == RC_OK ? paths_write(store, err) : rc;
}

enum rc mirror_store_note_retain(struct mirror_store *store, struct str note, const struct tlog_path *path,
                                 struct err *err)
{
    struct checkpoint checkpoint;
    char name[48];
    bool buried;
    enum rc rc = note_check_by(store, note, path, &checkpoint, &buried, err);
    if (rc == RC_OK && buried)
        rc = path_store(store->io, store->folders.checkpoints, path, checkpoint.head.size, err);
    if (rc != RC_OK || checkpoint.head.size == 0)
        return rc;
    checkpoint_name(checkpoint.head.size, "", name);
    rc = file_replace(store->io, store->folders.checkpoints, name, note, err);
    store->retained = MAX(store->retained, checkpoint.head.size);
    store->paths_due = true;
    return rc;
}

enum rc mirror_store_note_cosigned(struct mirror_store *store, struct str note, struct err *err)
{
    struct checkpoint checkpoint;
    if (str_eq(note, archive_reader_cosigned(store->reader)))
        return RC_OK;
    enum rc rc = note_check(store, note, &checkpoint, err);
    rc = rc == RC_OK ? file_replace(store->io, store->folders.checkpoints, NAME_COSIGNED, note, err) : rc;
    if (rc != RC_OK)
        return rc;
    buf_clear(&store->reader->cosigned);
    buf_str(&store->reader->cosigned, note);
    return RC_OK;
}

enum rc mirror_store_stamp(struct mirror_store *store, uint64_t size, struct str response, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * (size_t)NOTE_SIZE_MAX);
    char name[48];
    struct str note;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to keep a time stamp");
    checkpoint_name(size, "", name);
    enum rc rc = file_load(store->io, store->folders.checkpoints, name, NOTE_SIZE_MAX, arena, &note, err);
    if (rc != RC_OK)
        return rc;
    checkpoint_name(size, STAMP_SUFFIX, name);
    rc = file_replace(store->io, store->folders.checkpoints, name, response, err);
    store->stamped = rc == RC_OK ? MAX(store->stamped, size) : store->stamped;
    return rc;
}

uint64_t mirror_store_stamped(const struct mirror_store *store)
{
    return store->stamped;
}

uint64_t mirror_store_retained(const struct mirror_store *store)
{
    return store->retained;
}
