/* Opening an archive: always a recovery.
 *
 *     lock -> instance -> segments -> log, record by record -> compare with the last checkpoint
 *
 * The tree is never trusted from memory: groups come from segments, the rest is hashed anew from the log. When the tree
 * is smaller than the last checkpoint or has another root there, the archive does not open; with options.new_instance
 * it goes on under a new origin, and its first new record tells the incident and carries the old checkpoint. */
#include "archive/state.h"
#include "archive/tombstone.h"
#include "archive/writer.h"
#include "base/assert.h"
#include "base/civil.h"
#include "codec/json.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OPEN_ARENA ((size_t)256 << 20)
#define REASON_MAX 160

struct opening {
    struct archive *archive;
    struct archive_recovered *found;
    struct arena *arena;
    struct str note;
    struct checkpoint checkpoint; /* size 0: none of this origin */
    uint64_t cosigned_size;       /* 0: none */
    struct tlog_hash root;        /* at the checkpoint's size */
    bool root_known;
    bool wal_damaged;
};

static enum rc take_lock(struct archive *a, struct err *err)
{
    a->lock = a->io->open(a->io->self, a->folder, NAME_LOCK, IO_READ | IO_WRITE | IO_CREATE);
    if (a->lock < 0)
        return err_errno(err, -a->lock, "could not open the archive's lock file");
    int result = a->io->lock(a->io->self, a->lock);
    if (result == -EWOULDBLOCK)
        return err_set(err, RC_EXISTS, "another server is using this archive; stop it first");
    return result < 0 ? err_errno(err, -result, "could not lock the archive") : RC_OK;
}

static bool any_name(struct str name, uint64_t *ret_number)
{
    return wal_file_name_parse(name, ret_number) || segment_name_parse(name, ret_number) ||
           tombstone_name_parse(name, ret_number);
}

static enum rc make_instance(struct archive *a, struct err *err)
{
    struct numbers logs;
    struct numbers segments = {0};
    enum rc rc = numbers_list(a->io, a->folders.wal, any_name, &logs, err);
    rc = rc == RC_OK ? numbers_list(a->io, a->folders.seg, any_name, &segments, err) : rc;
    size_t count = logs.count + segments.count;
    numbers_done(&logs);
    numbers_done(&segments);
    if (rc == RC_OK && count)
        return err_set(err, RC_CORRUPT, "the archive has records but its file \"" NAME_INSTANCE "\" is missing");
    rc = rc == RC_OK ? instance_make(&a->instance, a->options.site, a->options.new_uuid, err) : rc;
    return rc == RC_OK ? instance_store(a->io, a->folder, &a->instance, err) : rc;
}

static enum rc load_segments(struct opening *o, struct err *err)
{
    struct archive *a = o->archive;
    enum rc rc = catalog_load(a->io, a->folders.seg, a->instance.uuid, &a->catalog, err);
    for (size_t i = 0; i < a->catalog.count && rc == RC_OK; i++) {
        const struct segment *segment = a->catalog.segments[i];
        ASSERT(segment->group_first == tlog_groups_count(a->groups));
        for (uint64_t g = 0; g < segment->group_count && rc == RC_OK; g++)
            rc = tlog_groups_append(a->groups, a->hasher, &segment->groups[g], err);
    }
    struct catalog_last last;
    rc = rc == RC_OK ? catalog_last(a->io, a->folders.seg, &a->catalog, o->arena, &last, err) : rc;
    if (rc != RC_OK)
        return rc;
    a->frontier = last.frontier;
    return last.sources.n ? sources_parse(a->sources, last.sources, err) : RC_OK;
}

/* The leaves of the group that the last segment ends in: the log goes on inside it. */
static enum rc load_edge(struct opening *o, struct err *err)
{
    struct archive *a = o->archive;
    uint64_t inside = a->frontier.size % TLOG_GROUP;
    if (!inside)
        return RC_OK;
    size_t count = 0;
    enum rc rc = archive_virtual_leaves(a, a->frontier.size / TLOG_GROUP, a->group, &count, err);
    if (rc == RC_OK && count < inside)
        return err_set(err, RC_CORRUPT, "the last segment does not give back its last records");
    return rc;
}

/* The tree passes the sizes that the signer and the witnesses saw last: they will ask for proofs from there. */
static void note_root(struct opening *o)
{
    struct archive *a = o->archive;
    uint64_t size = a->frontier.size;
    if (size != o->checkpoint.head.size && size != o->cosigned_size)
        return;
    if (size == o->checkpoint.head.size) {
        tlog_frontier_root(&a->frontier, a->hasher, &o->root);
        o->root_known = true;
        archive_remember_signed(a, size);
    }
    a->group_marked = size % TLOG_GROUP != 0;
    archive_shown(a, size);
}

static enum rc replay(void *context, const struct wal_frame *frame, struct err *err)
{
    struct opening *o = context;
    struct archive *a = o->archive;
    struct reader in = reader_of(frame->payload);
    if (!a->mark_count || a->marks[a->mark_count - 1].first != frame->file_first) {
        if (frame->file_first != a->frontier.size)
            return err_set(err, RC_CORRUPT, "a log file begins at record %llu, %llu was due",
                           (unsigned long long)frame->file_first, (unsigned long long)a->frontier.size);
        enum rc rc = archive_mark(a, frame->file_first, err);
        if (rc != RC_OK)
            return rc;
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        enum rc rc = record_read(&in, a->hasher, &leaf, &bytes, &raw, err);
        if (rc == RC_OK && leaf.index != a->frontier.size)
            rc = err_set(err, RC_CORRUPT, "record %llu stands where %llu is due", (unsigned long long)leaf.index,
                         (unsigned long long)a->frontier.size);
        rc = rc == RC_OK ? archive_grow(a, &(struct tlog_leaf){STR_NONE, bytes}, 1, err) : rc;
        if (rc != RC_OK)
            return rc;
        (void)sources_saw(a->sources, &leaf, raw);
        note_root(o);
    }
    return reader_done(&in) ? RC_OK : err_set(err, RC_CORRUPT, "a frame of the log has bytes behind its records");
}

static enum rc open_log(struct opening *o, struct err *err)
{
    struct archive *a = o->archive;
    struct wal_options options = {.file_size = a->options.wal_file_size,
                                  .first = a->catalog.end,
                                  .known_size = o->checkpoint.head.size,
                                  .keep_damaged = a->options.new_instance,
                                  .vault = a->options.vault,
                                  .each = replay,
                                  .context = o};
    memcpy(options.uuid, a->instance.uuid, sizeof options.uuid);
    enum rc rc = wal_open(a->io, a->folders.wal, &options, &a->wal, err);
    if (rc == RC_INVALID) /* a whole frame that makes no sense */
        rc = err ? (err->code = RC_CORRUPT) : RC_CORRUPT;
    if (rc != RC_OK)
        return rc;
    struct wal_recovered found = wal_recovered(a->wal);
    o->found->torn_bytes = found.torn_bytes;
    o->wal_damaged = found.damaged;
    ASSERT(wal_end(a->wal) == a->frontier.size);
    struct wal_file last = wal_file_at(a->wal, wal_file_count(a->wal) - 1);
    if (!a->mark_count || a->marks[a->mark_count - 1].first != last.first)
        rc = archive_mark(a, last.first, err);
    return rc;
}

/* ---- the last checkpoint ---- */

static enum rc set_aside(struct opening *o, struct err *err)
{
    struct archive *a = o->archive;
    char name[48];
    checkpoint_name(o->checkpoint.head.size, ".old", name);
    int result = a->io->rename(a->io->self, a->folders.checkpoints, NAME_LATEST, name);
    if (result >= 0)
        result = a->io->sync(a->io->self, a->folders.checkpoints);
    if (result < 0)
        return err_errno(err, -result, "could not set aside the checkpoint of the instance before");
    o->checkpoint = (struct checkpoint){0};
    return RC_OK;
}

static enum rc load_checkpoint(struct opening *o, struct err *err)
{
    struct archive *a = o->archive;
    enum rc rc = checkpoint_latest(a->io, a->folders.checkpoints, o->arena, &o->note, &o->checkpoint, err);
    if (rc == RC_NOT_FOUND) {
        o->checkpoint = (struct checkpoint){0};
        return RC_OK;
    }
    if (rc == RC_OK && !str_is(o->checkpoint.origin, a->instance.origin))
        return set_aside(o, err); /* a new instance was begun and the power went */
    struct checkpoint cosigned;
    struct str note;
    struct err inner = {0}; /* without it, or when it is damaged, a proof takes longer */
    if (rc == RC_OK && checkpoint_cosigned(a->io, a->folders.checkpoints, o->arena, &note, &cosigned, &inner) == RC_OK)
        o->cosigned_size = cosigned.head.size;
    return rc;
}

static enum rc incident(struct opening *o, const char *reason, struct err *err)
{
    struct archive *a = o->archive;
    struct instance next = a->instance;
    struct buf body CLEANUP(buf_done) = {0};
    enum rc rc = instance_make(&next, a->options.site, a->options.new_uuid, err);
    if (rc != RC_OK)
        return rc;
    memcpy(next.uuid, a->instance.uuid, sizeof next.uuid); /* files keep theirs; only the origin is new */
    buf_init(&body, LEAF_RAW_MAX);
    json_write_object(&body);
    json_put_text(&body, "event", "incident");
    json_put_text(&body, "reason", reason);
    json_put_text(&body, "old_origin", a->instance.origin);
    json_put_text(&body, "new_origin", next.origin);
    json_put_u64(&body, "checkpoint_size", o->checkpoint.head.size);
    json_put_u64(&body, "size", a->frontier.size);
    json_put_str(&body, "checkpoint", str_slice(o->note, 0, LEAF_RAW_MAX / 8));
    json_write_object_end(&body);
    if (body.overflow)
        return err_set(err, RC_LIMIT, "the incident's record is too long");
    uint64_t durable;
    rc = archive_lifecycle(a, buf_view(&body), a->options.now_ns, a->options.now_boot_ns, err);
    rc = rc == RC_OK ? archive_commit(a, &durable, err) : rc;
    rc = rc == RC_OK ? instance_store(a->io, a->folder, &next, err) : rc;
    if (rc != RC_OK)
        return rc;
    a->instance = next;
    o->found->new_instance = true;
    if (o->note.n)
        rc = set_aside(o, err);
    o->note = STR_NONE;
    return rc;
}

/* The stored checkpoints may have been put back together with the records: the signer's own state was not. */
static enum rc compare_signed(struct opening *o, char reason[REASON_MAX], struct err *err)
{
    struct archive *a = o->archive;
    const struct tlog_head *head = &a->options.signed_head;
    struct tlog_hash root = o->checkpoint.head.root;
    if (head->size > a->frontier.size) {
        snprintf(reason, REASON_MAX,
                 "the archive is behind its last signed checkpoint: it has %llu records, %llu were signed",
                 (unsigned long long)a->frontier.size, (unsigned long long)head->size);
        return RC_OK;
    }
    enum rc rc = head->size && head->size != o->checkpoint.head.size ? archive_root(a, head->size, &root, err) : RC_OK;
    if (rc == RC_OK && head->size && !tlog_hash_eq(&root, &head->root))
        snprintf(reason, REASON_MAX, "the archive's first %llu records are not those that were signed",
                 (unsigned long long)head->size);
    return rc;
}

/* The origin asked for is there: the switch happened, what follows is a restart. */
static bool origin_is_new(const struct archive *a)
{
    char uuid[33] = "";
    hex_encode(a->options.new_uuid, sizeof a->options.new_uuid, uuid);
    return str_ends(str_of(a->instance.origin), str_of(uuid));
}

static enum rc compare_checkpoint(struct opening *o, struct err *err)
{
    struct archive *a = o->archive;
    uint64_t size = o->checkpoint.head.size;
    char reason[REASON_MAX] = "";
    if (size > a->frontier.size)
        snprintf(reason, sizeof reason, "the archive has %llu records, its last checkpoint %llu",
                 (unsigned long long)a->frontier.size, (unsigned long long)size);
    else if (size && !o->root_known) {
        enum rc rc = archive_root(a, size, &o->root, err);
        if (rc != RC_OK)
            return rc;
    }
    if (!reason[0] && size && !tlog_hash_eq(&o->root, &o->checkpoint.head.root))
        snprintf(reason, sizeof reason, "the archive's first %llu records are not those that its last checkpoint names",
                 (unsigned long long)size);
    if (!reason[0] && o->wal_damaged)
        snprintf(reason, sizeof reason, "the log was damaged and was cut at record %llu",
                 (unsigned long long)a->frontier.size);
    if (!reason[0] && str_eq(a->options.signed_origin, str_of(a->instance.origin))) {
        enum rc rc = compare_signed(o, reason, err);
        if (rc != RC_OK)
            return rc;
    }
    if (!reason[0] && a->options.new_instance && !origin_is_new(a))
        snprintf(reason, sizeof reason, "a new instance was asked for");
    if (!reason[0])
        return RC_OK;
    if (a->options.new_instance)
        return incident(o, reason, err);
    return err_set(err, RC_CORRUPT, "%s; restore it from a copy, or begin a new instance (qorgan serve --new-instance)",
                   reason);
}

/* ---- all of it ---- */

static enum rc allocate(struct archive *a, struct err *err)
{
    a->hasher = tlog_hasher_new();
    a->groups = tlog_groups_new(GROUPS_LIMIT);
    a->sources = sources_new(a->options.seed);
    a->memos = memory_resize(NULL, MEMO_MAX * sizeof *a->memos); /* not cleared: their groups say which are filled */
    a->shown = memory_resize(NULL, (SHOWN_MAX + 1) * sizeof *a->shown);
    a->proofs = memory_new(sizeof *a->proofs);
    buf_init(&a->frame, ARCHIVE_FRAME_TARGET + 2 * (size_t)RECORD_RAW_MAX);
    buf_init(&a->note, NOTE_SIZE_MAX);
    if (!a->hasher || !a->groups || !a->sources || !a->memos || !a->shown || !a->proofs)
        return err_set(err, RC_LIMIT, "no memory to open the archive");
    for (size_t i = 0; i < MEMO_MAX; i++)
        a->memo_group[i] = GROUP_NONE;
    for (size_t i = 0; i <= SHOWN_MAX; i++)
        a->shown_group[i] = GROUP_NONE;
    a->proofs->hasher = a->hasher;
    a->proofs->groups = a->groups;
    a->proofs->context = a;
    a->proofs->leaves = archive_virtual_leaves;
    static const char room[WAL_FRAME_HEADER] = {0};
    buf_put(&a->frame, room, sizeof room);
    return a->frame.overflow ? err_set(err, RC_LIMIT, "no memory to open the archive") : RC_OK;
}

static enum rc open_all(struct opening *o, struct err *err)
{
    struct archive *a = o->archive;
    enum rc rc = allocate(a, err);
    rc = rc == RC_OK ? take_lock(a, err) : rc;
    rc = rc == RC_OK ? folders_open(a->io, a->folder, true, &a->folders, err) : rc;
    rc = rc == RC_OK ? instance_load(a->io, a->folder, &a->instance, err) : rc;
    if (rc == RC_NOT_FOUND) {
        rc = make_instance(a, err);
        o->found->created = true;
    }
    rc = rc == RC_OK ? sealed_io_new(a->io, a->folders.seg, a->options.vault, a->instance.uuid, &a->sealed, err) : rc;
    if (rc == RC_OK)
        a->io = sealed_io_table(a->sealed);
    rc = rc == RC_OK ? load_checkpoint(o, err) : rc;
    rc = rc == RC_OK ? load_segments(o, err) : rc;
    rc = rc == RC_OK ? load_edge(o, err) : rc;
    if (rc != RC_OK)
        return rc;
    note_root(o);
    rc = open_log(o, err);
    if (rc != RC_OK)
        return rc;
    a->durable = a->frontier;
    a->frame_first = a->frontier.size;
    a->group_marked = a->group_marked || a->frontier.size % TLOG_GROUP != 0;
    rc = compare_checkpoint(o, err);
    if (rc == RC_OK && o->note.n && o->checkpoint.head.size) {
        buf_put(&a->note, o->note.p, o->note.n);
        a->note_size = o->checkpoint.head.size;
    }
    rc = rc == RC_OK ? archive_paths_find(a, err) : rc;
    return rc == RC_OK ? archive_paths(a, err) : rc;
}

enum rc archive_open(const struct io *io, int folder, const struct archive_options *options,
                     struct archive **ret_archive, struct archive_recovered *ret_recovered, struct err *err)
{
    struct opening *o = memory_new(sizeof *o);
    struct archive *archive = memory_new(sizeof *archive);
    struct arena *arena = arena_new(OPEN_ARENA);
    *ret_recovered = (struct archive_recovered){0};
    enum rc rc = RC_OK;
    if (archive) {
        archive->io = io;
        archive->lock = -1;
        archive->folders = (struct folders){-1, -1, -1};
    }
    if (!o || !archive || !arena)
        rc = err_set(err, RC_LIMIT, "no memory to open the archive");
    if (rc == RC_OK) {
        archive->folder = folder;
        archive->options = *options;
        if (archive->options.wal_file_size == 0)
            archive->options.wal_file_size = WAL_FILE_SIZE;
        o->archive = archive;
        o->found = ret_recovered;
        o->arena = arena;
        rc = open_all(o, err);
        ret_recovered->size = archive->frontier.size;
        ret_recovered->sealed = archive->catalog.end;
        ret_recovered->checkpoint_size = archive->note_size;
        for (size_t i = 0; rc == RC_OK && i < sources_count(archive->sources); i++)
            ret_recovered->last_ns = MAX(ret_recovered->last_ns, sources_at(archive->sources, i).last_received_ns);
    }
    memory_free(o);
    arena_free(arena);
    if (rc != RC_OK) {
        archive_close(archive);
        return rc;
    }
    *ret_archive = archive;
    return RC_OK;
}

void archive_close(struct archive *archive)
{
    if (!archive)
        return;
    archive_blocks_drop(archive);
    archive_reader_close(archive->reader);
    wal_close(archive->wal);
    catalog_done(&archive->catalog);
    sources_free(archive->sources);
    tlog_groups_free(archive->groups);
    tlog_hasher_free(archive->hasher);
    for (size_t i = 0; i < archive->mark_count; i++)
        buf_done(&archive->marks[i].sources);
    memory_free(archive->marks);
    memory_free(archive->memos);
    memory_free(archive->shown);
    memory_free(archive->proofs);
    memory_free(archive->open);
    numbers_done(&archive->due);
    buf_done(&archive->frame);
    buf_done(&archive->note);
    folders_close(archive->io, &archive->folders);
    if (archive->lock >= 0)
        IGNORE(archive->io->close(archive->io->self, archive->lock)); /* gives the lock back */
    sealed_io_free(archive->sealed);
    memory_free(archive);
}

void archive_cleanup(struct archive **archive)
{
    archive_close(*archive);
}
