/* Roots, consistency proofs and stored checkpoints of the writer. */
#include "archive/path.h"
#include "archive/reader_state.h"
#include "archive/state.h"
#include "archive/writer.h"
#include "base/assert.h"
#include "os/file.h"

#include <string.h>

/* ---- leaf hashes of groups that proofs begin or end in ---- */

/* Where the group is among so many, or their count. */
static size_t place_of(uint64_t group, const uint64_t *groups, size_t count)
{
    size_t at = 0;
    while (at < count && groups[at] != group)
        at++;
    return at;
}

static const struct memo *memo_of(const struct archive *a, uint64_t group)
{
    size_t at = place_of(group, a->memo_group, MEMO_MAX);
    return at < MEMO_MAX ? &a->memos[at] : NULL;
}

static void shown_set(struct archive *a, size_t at, uint64_t group, const struct tlog_hash hashes[TLOG_GROUP])
{
    a->shown_group[at] = group;
    memcpy(a->shown[at].hashes, hashes, sizeof a->shown[at].hashes);
}

/* Takes the place of the one that was not used for the longest time. */
static void shown_put(struct archive *a, uint64_t group, const struct tlog_hash hashes[TLOG_GROUP])
{
    size_t oldest = 0;
    for (size_t i = 1; i < SHOWN_MAX; i++)
        oldest = a->shown_used[i] < a->shown_used[oldest] ? i : oldest;
    shown_set(a, oldest, group, hashes);
    a->shown_used[oldest] = ++a->shown_clock;
}

static const struct memo *memo_find(struct archive *a, uint64_t group)
{
    size_t at = place_of(group, a->shown_group, SHOWN_MAX + 1);
    if (at < SHOWN_MAX)
        a->shown_used[at] = ++a->shown_clock;
    return at <= SHOWN_MAX ? &a->shown[at] : memo_of(a, group);
}

void archive_remember_group(struct archive *archive)
{
    size_t at = archive->memo_next++ % MEMO_MAX;
    uint64_t group = archive->frontier.size / TLOG_GROUP - 1;
    archive->memo_group[at] = group;
    memcpy(archive->memos[at].hashes, archive->group, sizeof archive->memos[at].hashes);
    if (archive->shown_growing)
        shown_put(archive, group, archive->group);
    if (archive->signed_growing)
        shown_set(archive, SHOWN_MAX, group, archive->group);
    archive->group_marked = archive->shown_growing = archive->signed_growing = false;
}

void archive_shown(struct archive *archive, uint64_t size)
{
    uint64_t group = size / TLOG_GROUP;
    ASSERT(size <= archive->frontier.size);
    if (size % TLOG_GROUP == 0 || place_of(group, archive->shown_group, SHOWN_MAX) < SHOWN_MAX)
        return;
    const struct memo *memo = memo_of(archive, group);
    if (group == archive->frontier.size / TLOG_GROUP)
        archive->shown_growing = true;
    else if (memo)
        shown_put(archive, group, memo->hashes);
}

void archive_remember_signed(struct archive *archive, uint64_t size)
{
    uint64_t group = size / TLOG_GROUP;
    const struct memo *memo = memo_of(archive, group);
    archive->signed_growing = group == archive->frontier.size / TLOG_GROUP;
    if (memo && !archive->signed_growing)
        shown_set(archive, SHOWN_MAX, group, memo->hashes);
}

enum rc archive_virtual_leaves(void *context, uint64_t group, struct tlog_hash ret_hashes[TLOG_GROUP],
                               size_t *ret_count, struct err *err)
{
    struct archive *a = context;
    uint64_t growing = a->frontier.size / TLOG_GROUP;
    if (group == growing && a->wal) {
        *ret_count = (size_t)(a->frontier.size % TLOG_GROUP);
        memcpy(ret_hashes, a->group, *ret_count * sizeof *ret_hashes);
        return RC_OK;
    }
    const struct memo *memo = memo_find(a, group);
    if (memo) {
        *ret_count = TLOG_GROUP;
        memcpy(ret_hashes, memo->hashes, sizeof memo->hashes);
        return RC_OK;
    }
    /* Long ago: from the files, and not again at the next question. */
    struct archive_reader_options none = {.vault = a->options.vault};
    enum rc rc = a->reader ? archive_reader_refresh(a->reader, err)
                           : archive_reader_open(a->io, a->folder, &none, &a->reader, err);
    rc = rc == RC_OK ? archive_reader_leaves(a->reader, group, ret_hashes, ret_count, err) : rc;
    if (rc == RC_OK && *ret_count == TLOG_GROUP)
        shown_put(a, group, ret_hashes);
    return rc;
}

enum rc archive_root(struct archive *archive, uint64_t size, struct tlog_hash *ret_root, struct err *err)
{
    if (size > archive->durable.size)
        return err_set(err, RC_INVALID, "the archive has %llu durable records, not %llu",
                       (unsigned long long)archive->durable.size, (unsigned long long)size);
    if (size == archive->durable.size) {
        tlog_frontier_root(&archive->durable, archive->hasher, ret_root);
        return RC_OK;
    }
    tlog_virtual_forget(archive->proofs);
    struct tlog_source source = tlog_virtual_source(archive->proofs);
    return tlog_root(archive->hasher, &source, size, ret_root, err);
}

enum rc archive_consistency(struct archive *archive, uint64_t old_size, uint64_t new_size, struct tlog_path *ret_path,
                            struct err *err)
{
    if (old_size > new_size || new_size > archive->durable.size)
        return err_set(err, RC_INVALID, "there is no proof from %llu to %llu records: %llu are durable",
                       (unsigned long long)old_size, (unsigned long long)new_size,
                       (unsigned long long)archive->durable.size);
    tlog_virtual_forget(archive->proofs);
    struct tlog_source source = tlog_virtual_source(archive->proofs);
    return tlog_consistency(archive->hasher, &source, old_size, new_size, ret_path, err);
}

struct str archive_checkpoint(const struct archive *archive)
{
    return buf_view(&archive->note);
}

/* ---- paths inside a group: with them a checkpoint stays provable when the group's records are deleted ---- */

static enum rc path_write(struct archive *a, uint64_t size, struct err *err)
{
    struct tlog_hash hashes[TLOG_GROUP];
    struct tlog_path path;
    size_t count = 0;
    enum rc rc = archive_virtual_leaves(a, size / TLOG_GROUP, hashes, &count, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(count == TLOG_GROUP);
    rc = path_make(a->hasher, hashes, size, &path, err);
    return rc == RC_OK ? path_store(a->io, a->folders.checkpoints, &path, size, err) : rc;
}

enum rc archive_paths(struct archive *archive, struct err *err)
{
    struct numbers *due = &archive->due;
    size_t done = 0;
    enum rc rc = RC_OK;
    /* The due ones rise: the first that waits ends the walk. */
    while (done < due->count && due->list[done] / TLOG_GROUP < archive->durable.size / TLOG_GROUP && rc == RC_OK) {
        rc = path_write(archive, due->list[done], err);
        if (rc == RC_NOT_FOUND)
            rc = RC_OK; /* of records that were deleted: too late */
        done += rc == RC_OK;
    }
    due->count -= done;
    if (done)
        memmove(due->list, due->list + done, due->count * sizeof *due->list);
    return rc;
}

enum rc archive_paths_find(struct archive *archive, struct err *err)
{
    struct numbers paths = {0};
    struct numbers *due = &archive->due;
    enum rc rc = numbers_list(archive->io, archive->folders.checkpoints, checkpoint_name_parse, due, err);
    rc = rc == RC_OK ? numbers_list(archive->io, archive->folders.checkpoints, path_name_parse, &paths, err) : rc;
    size_t kept = 0;
    for (size_t i = 0, k = 0; i < due->count && rc == RC_OK; i++) {
        while (k < paths.count && paths.list[k] < due->list[i])
            k++;
        bool has = k < paths.count && paths.list[k] == due->list[i];
        if (!has && due->list[i] % TLOG_GROUP && due->list[i] <= archive->durable.size)
            due->list[kept++] = due->list[i];
    }
    due->count = kept;
    numbers_done(&paths);
    return rc;
}

static enum rc due_add(struct archive *archive, uint64_t size, struct err *err)
{
    struct numbers *due = &archive->due;
    if (size % TLOG_GROUP == 0 || (due->count && due->list[due->count - 1] >= size))
        return RC_OK;
    if (due->count == due->room) {
        size_t room = due->room ? due->room * 2 : 64;
        uint64_t *list = memory_resize(due->list, room * sizeof *list);
        if (!list)
            return err_set(err, RC_LIMIT, "no memory to keep a checkpoint");
        due->list = list;
        due->room = room;
    }
    due->list[due->count++] = size;
    return archive_paths(archive, err);
}

/* ---- storing ---- */

/* Whether the note is of this archive's tree. */
static enum rc note_fits(struct archive *archive, struct str note, uint64_t *ret_size, struct err *err)
{
    struct note parsed;
    struct checkpoint checkpoint;
    struct tlog_hash root;
    enum rc rc = note_parse(note, &parsed, err);
    rc = rc == RC_OK ? checkpoint_parse(parsed.text, &checkpoint, err) : rc;
    if (rc != RC_OK)
        return rc;
    if (!str_is(checkpoint.origin, archive->instance.origin))
        return err_set(err, RC_INVALID, "the checkpoint is of another archive");
    rc = archive_root(archive, checkpoint.head.size, &root, err);
    if (rc == RC_OK && !tlog_hash_eq(&root, &checkpoint.head.root))
        rc = err_set(err, RC_INVALID, "the checkpoint's root is not that of this archive");
    *ret_size = checkpoint.head.size;
    return rc;
}

static enum rc latest_store(struct archive *archive, struct str note, uint64_t size, struct err *err)
{
    enum rc rc = file_replace(archive->io, archive->folders.checkpoints, NAME_LATEST, note, err);
    if (rc != RC_OK)
        return rc;
    buf_clear(&archive->note);
    buf_put(&archive->note, note.p, note.n);
    archive->note_size = size;
    archive_remember_signed(archive, size);
    return RC_OK;
}

enum rc archive_checkpoint_store(struct archive *archive, struct str note, bool retain, struct err *err)
{
    uint64_t size = 0;
    enum rc rc = note_fits(archive, note, &size, err);
    if (rc == RC_OK && size < archive->note_size)
        rc = err_set(err, RC_INVALID, "the checkpoint is older than the one that is stored");
    rc = rc == RC_OK ? latest_store(archive, note, size, err) : rc;
    if (rc != RC_OK || !retain || size == 0)
        return rc;
    char name[48];
    checkpoint_name(size, "", name);
    rc = file_replace(archive->io, archive->folders.checkpoints, name, note, err);
    return rc == RC_OK ? due_add(archive, size, err) : rc;
}

enum rc archive_cosigned_store(struct archive *archive, struct str note, bool retained, bool quorum, struct err *err)
{
    uint64_t size = 0;
    char name[48];
    enum rc rc = note_fits(archive, note, &size, err);
    checkpoint_name(size, "", name);
    if (rc == RC_OK && quorum)
        rc = file_replace(archive->io, archive->folders.checkpoints, NAME_COSIGNED, note, err);
    if (rc == RC_OK && retained)
        rc = file_replace(archive->io, archive->folders.checkpoints, name, note, err);
    if (rc == RC_OK && size == archive->note_size)
        rc = latest_store(archive, note, size, err);
    return rc;
}

enum rc archive_stamp_store(struct archive *archive, uint64_t size, struct str response, struct err *err)
{
    char name[48];
    ASSERT(size > 0);
    checkpoint_name(size, STAMP_SUFFIX, name);
    return file_replace(archive->io, archive->folders.checkpoints, name, response, err);
}

enum rc archive_stamp_last(struct archive *archive, uint64_t *ret_size, int64_t *ret_time_ns, struct err *err)
{
    const struct io *io = archive->io;
    struct numbers stamps = {0};
    char name[48];
    enum rc rc = numbers_list(io, archive->folders.checkpoints, stamp_name_parse, &stamps, err);
    size_t count = stamps.count;
    while (count > 0 && stamps.list[count - 1] > archive->durable.size) /* of a longer instance before this one */
        count--;
    *ret_size = rc == RC_OK && count > 0 ? stamps.list[count - 1] : 0;
    numbers_done(&stamps);
    if (rc != RC_OK || *ret_size == 0)
        return rc == RC_OK ? err_set(err, RC_NOT_FOUND, "there is no time stamp yet") : rc;
    checkpoint_name(*ret_size, STAMP_SUFFIX, name);
    int fd = io->open(io->self, archive->folders.checkpoints, name, IO_READ);
    int result = fd < 0 ? fd : io->modified(io->self, fd, ret_time_ns);
    if (fd >= 0)
        IGNORE(io->close(io->self, fd)); /* only read */
    return result < 0 ? err_errno(err, -result, "could not look at \"%s\"", name) : RC_OK;
}
