#include "archive/reader.h"

#include "archive/reader_state.h"
#include "archive/tombstone.h"
#include "base/assert.h"
#include "base/civil.h"
#include "os/file.h"
#include "tlog/proof.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_ARENA      ((size_t)512 << 20)
#define DICTIONARIES_MAX ((size_t)96 << 20)
#define LATEST_TRIES     8
#define FRAME_ARENA      ((size_t)WAL_PAYLOAD_MAX + (1u << 20))
#define GROUPS_LIMIT     (UINT64_C(1) << 32)

/* ---- the log's tail ---- */

static void tail_file_done(const struct archive_reader *r, struct tail_file *file)
{
    IGNORE(r->io->close(r->io->self, file->fd)); /* only read */
    wal_lock_free(file->lock);
}

static void tail_forget(struct archive_reader *r)
{
    wal_reader_free(r->log);
    r->log = NULL;
    for (size_t i = 0; i < r->file_count; i++)
        tail_file_done(r, &r->files[i]);
    r->file_count = 0;
    r->frame_count = 0;
}

/* What has been sealed since is read from segments. */
static void tail_drop_sealed(struct archive_reader *r)
{
    size_t frames = 0;
    while (frames < r->frame_count && r->frames[frames].first + r->frames[frames].count <= r->catalog.end)
        frames++;
    r->frame_count -= frames;
    if (frames)
        memmove(r->frames, r->frames + frames, r->frame_count * sizeof *r->frames);
    size_t files = 0;
    while (files + 1 < r->file_count && r->files[files + 1].first <= r->catalog.end)
        tail_file_done(r, &r->files[files++]);
    r->file_count -= files;
    if (files)
        memmove(r->files, r->files + files, r->file_count * sizeof *r->files);
}

static enum rc tail_open(struct archive_reader *r, uint64_t first, struct err *err)
{
    char name[WAL_NAME_MAX];
    wal_file_name(first, name);
    int log = r->io->open(r->io->self, r->folders.wal, name, IO_READ);
    int own = log < 0 ? log : r->io->open(r->io->self, r->folders.wal, name, IO_READ);
    if (own < 0) {
        if (log >= 0)
            IGNORE(r->io->close(r->io->self, log)); /* only read */
        return own == -ENOENT ? RC_AGAIN : err_errno(err, -own, "could not open log file \"%s\"", name);
    }
    struct tail_file *files = memory_resize(r->files, (r->file_count + 1) * sizeof *files);
    if (!files) {
        IGNORE(r->io->close(r->io->self, log));
        IGNORE(r->io->close(r->io->self, own));
        return err_set(err, RC_LIMIT, "no memory for the list of log files");
    }
    r->files = files;
    r->files[r->file_count++] = (struct tail_file){.first = first, .fd = own};
    struct tail_file *file = &r->files[r->file_count - 1];
    enum rc rc = wal_reader_add(r->log, log, err);
    rc = rc == RC_OK ? wal_lock_find(r->io, own, r->options.vault, &file->lock, err) : rc;
    if (rc != RC_OK) {
        IGNORE(err_wrap(err, "log file \"%s\"", name)); /* the code stays rc */
        return rc == RC_INVALID ? RC_CORRUPT : rc;
    }
    return RC_OK;
}

/* RC_AGAIN: a file was sealed and removed in between: look again. */
static enum rc tail_files(struct archive_reader *r, struct err *err)
{
    struct numbers names;
    enum rc rc = numbers_list(r->io, r->folders.wal, wal_file_name_parse, &names, err);
    size_t start = 0;
    while (start + 1 < names.count && names.list[start + 1] <= r->catalog.end)
        start++;
    for (size_t i = start; i < names.count && rc == RC_OK; i++)
        if (!r->file_count || names.list[i] > r->files[r->file_count - 1].first)
            rc = tail_open(r, names.list[i], err);
    numbers_done(&names);
    return rc;
}

static enum rc tail_frame_add(struct archive_reader *r, const struct wal_frame *frame, struct err *err)
{
    if (r->frame_count == r->frame_room) {
        size_t room = r->frame_room ? r->frame_room * 2 : 256;
        struct tail_frame *frames = memory_resize(r->frames, room * sizeof *frames);
        if (!frames)
            return err_set(err, RC_LIMIT, "no memory for the log's tail");
        r->frames = frames;
        r->frame_room = room;
    }
    struct tail_frame out = {.first = frame->first,
                             .count = frame->count,
                             .size = (uint32_t)frame->payload.n,
                             .file_first = frame->file_first,
                             .offset = frame->offset,
                             .time_min_ns = INT64_MAX,
                             .time_max_ns = INT64_MIN};
    struct reader in = reader_of(frame->payload);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        enum rc rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
        if (rc == RC_OK && leaf.index != frame->first + i)
            rc = err_set(err, RC_CORRUPT, "record %llu stands where %llu is due", (unsigned long long)leaf.index,
                         (unsigned long long)frame->first + i);
        if (rc != RC_OK)
            return rc;
        out.time_min_ns = MIN(out.time_min_ns, leaf.received_ns);
        out.time_max_ns = MAX(out.time_max_ns, leaf.received_ns);
        if (leaf.type == LEAF_LIFECYCLE)
            (void)sources_saw(r->sources, &leaf, raw);
    }
    if (!reader_done(&in))
        return err_set(err, RC_CORRUPT, "a frame of the log has bytes behind its records");
    r->frames[r->frame_count++] = out;
    return RC_OK;
}

static enum rc tail_read(struct archive_reader *r, struct err *err)
{
    struct wal_frame frame;
    for (;;) {
        enum rc rc = wal_reader_next(r->log, UINT64_MAX, &frame, err);
        /* A frame that is being written looks damaged until it is whole; archive_verify tells the difference. */
        if (rc == RC_AGAIN || rc == RC_END || rc == RC_CORRUPT)
            return RC_OK;
        rc = rc == RC_OK ? tail_frame_add(r, &frame, err) : rc;
        if (rc != RC_OK)
            return rc;
    }
}

static enum rc tail_begin(struct archive_reader *r, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * SOURCES_PLAIN_MAX);
    struct catalog_last last;
    tail_forget(r);
    if (!arena || !sources_reset(r->sources))
        return err_set(err, RC_LIMIT, "no memory to read the archive");
    enum rc rc = catalog_last(r->io, r->folders.seg, &r->catalog, arena, &last, err);
    if (rc == RC_OK && last.sources.n)
        rc = sources_parse(r->sources, last.sources, err);
    if (rc != RC_OK)
        return rc;
    r->log = wal_reader_new(r->io, r->instance.uuid, r->catalog.end);
    if (r->log)
        wal_reader_unlock(r->log, r->options.vault);
    return r->log ? RC_OK : err_set(err, RC_LIMIT, "no memory to read the archive");
}

static enum rc load_note(struct archive_reader *r, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 20);
    struct checkpoint checkpoint;
    struct str note;
    struct err inner = {0};
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to read the archive");
    buf_clear(&r->note);
    buf_clear(&r->cosigned);
    enum rc rc = checkpoint_latest(r->io, r->folders.checkpoints, arena, &note, &checkpoint, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc == RC_OK && str_is(checkpoint.origin, r->instance.origin))
        buf_put(&r->note, note.p, note.n);
    if (rc != RC_OK)
        return rc;
    /* Records are read without it. Damage is the affair of archive_verify. */
    rc = checkpoint_cosigned(r->io, r->folders.checkpoints, arena, &note, &checkpoint, &inner);
    r->cosigned_damaged = rc == RC_CORRUPT || rc == RC_LIMIT;
    if (rc == RC_OK && str_is(checkpoint.origin, r->instance.origin))
        buf_put(&r->cosigned, note.p, note.n);
    if (rc == RC_OK || rc == RC_NOT_FOUND || r->cosigned_damaged)
        return RC_OK;
    *err = inner;
    return rc;
}

static void cached_drop(struct reader_cached *cached)
{
    dictionary_free(cached->dictionary);
    cached->dictionary = NULL;
    cached->block = NULL;
    if (cached->arena)
        arena_reset(cached->arena);
}

static void cached_done(struct archive_reader *r)
{
    for (size_t i = 0; i < READER_BLOCKS; i++) {
        cached_drop(&r->cached[i]);
        arena_free(r->cached[i].arena);
    }
}

/* Segments that were packed anew have forgotten theirs. */
static void dictionaries_count(struct archive_reader *r)
{
    r->dictionaries = 0;
    for (size_t i = 0; i < r->catalog.count; i++)
        r->dictionaries += segment_memory(r->catalog.segments[i]);
}

enum rc archive_reader_refresh(struct archive_reader *reader, struct err *err)
{
    struct archive_reader *r = reader;
    enum rc rc = RC_AGAIN;
    for (int i = 0; i < LATEST_TRIES && (rc == RC_AGAIN || rc == RC_CORRUPT); i++) {
        /* A log file that was sealed and dropped between two looks makes what follows it seem out of place: look anew.
         * What is damaged stays so. */
        if (rc == RC_CORRUPT)
            tail_forget(r);
        /* The note first: it must not be newer than the records. */
        rc = load_note(r, err);
        rc = rc == RC_OK ? catalog_load(r->io, r->folders.seg, r->instance.uuid, &r->catalog, err) : rc;
        if (rc == RC_OK && (!r->log || wal_reader_position(r->log) < r->catalog.end))
            rc = tail_begin(r, err);
        rc = rc == RC_OK ? tail_files(r, err) : rc;
    }
    if (rc == RC_AGAIN)
        return err_set(err, RC_IO, "the archive changes too fast to be read");
    if (rc != RC_OK)
        return rc;
    dictionaries_count(r);
    rc = tail_read(r, err);
    tail_drop_sealed(r);
    r->size = MAX(r->catalog.end, wal_reader_position(r->log));
    return rc;
}

enum rc archive_reader_follow(struct archive_reader *reader, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; i < reader->catalog.count && rc == RC_OK; i++) {
        struct segment *segment = reader->catalog.segments[i];
        int fd = -1;
        if (segment->gone || segment->cold)
            continue;
        rc = segment_fd(reader->io, reader->folders.seg, segment, &fd, err);
        if (rc == RC_OK)
            IGNORE(reader->io->close(reader->io->self, fd)); /* only looked at */
        if (rc == RC_NOT_FOUND)                              /* deleted in between */
            rc = RC_OK;
    }
    dictionaries_count(reader);
    return rc;
}

/* ---- opening ---- */

static enum rc open_all(struct archive_reader *r, int folder, struct err *err)
{
    r->hasher = tlog_hasher_new();
    r->groups = tlog_groups_new(GROUPS_LIMIT);
    r->sources = sources_new(0x51a7c0ffee5eed01u);
    r->proofs = memory_new(sizeof *r->proofs);
    buf_init(&r->note, NOTE_SIZE_MAX);
    buf_init(&r->cosigned, NOTE_SIZE_MAX);
    if (!r->hasher || !r->groups || !r->sources || !r->proofs)
        return err_set(err, RC_LIMIT, "no memory to read the archive");
    enum rc rc = instance_load(r->io, folder, &r->instance, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, RC_NOT_FOUND, "there is no archive in this folder");
    rc = rc == RC_OK ? folders_open(r->io, folder, false, &r->folders, err) : rc;
    rc = rc == RC_OK ? sealed_io_new(r->io, r->folders.seg, r->options.vault, r->instance.uuid, &r->sealed, err) : rc;
    if (rc == RC_OK)
        r->io = sealed_io_table(r->sealed);
    return rc == RC_OK ? archive_reader_refresh(r, err) : rc;
}

static enum rc reader_leaves(void *context, uint64_t group, struct tlog_hash ret_hashes[TLOG_GROUP], size_t *ret_count,
                             struct err *err)
{
    return archive_reader_leaves(context, group, ret_hashes, ret_count, err);
}

enum rc archive_reader_open(const struct io *io, int folder, const struct archive_reader_options *options,
                            struct archive_reader **ret_reader, struct err *err)
{
    struct archive_reader *r = memory_new(sizeof *r);
    if (!r)
        return err_set(err, RC_LIMIT, "no memory to read the archive");
    r->io = io;
    r->options = *options;
    r->folders = (struct folders){-1, -1, -1};
    tlog_frontier_init(&r->frontier);
    enum rc rc = open_all(r, folder, err);
    if (rc != RC_OK) {
        archive_reader_close(r);
        return rc;
    }
    r->proofs->hasher = r->hasher;
    r->proofs->groups = r->groups;
    r->proofs->context = r;
    r->proofs->leaves = reader_leaves;
    *ret_reader = r;
    return RC_OK;
}

void archive_reader_close(struct archive_reader *reader)
{
    if (!reader)
        return;
    tail_forget(reader);
    catalog_done(&reader->catalog);
    sources_free(reader->sources);
    tlog_hasher_free(reader->hasher);
    tlog_groups_free(reader->groups);
    folders_close(reader->io, &reader->folders);
    buf_done(&reader->note);
    buf_done(&reader->cosigned);
    cached_done(reader);
    memory_free(reader->proofs);
    memory_free(reader->files);
    memory_free(reader->frames);
    sealed_io_free(reader->sealed);
    memory_free(reader);
}

void archive_reader_cleanup(struct archive_reader **reader)
{
    archive_reader_close(*reader);
}

uint64_t archive_reader_first(const struct archive_reader *reader)
{
    for (size_t i = 0; i < reader->catalog.count; i++)
        if (!reader->catalog.segments[i]->gone)
            return reader->catalog.segments[i]->first;
    return reader->frame_count ? reader->frames[0].first : reader->size;
}

uint64_t archive_reader_size(const struct archive_reader *reader)
{
    return reader->size;
}

const char *archive_reader_origin(const struct archive_reader *reader)
{
    return reader->instance.origin;
}

struct str archive_reader_checkpoint(const struct archive_reader *reader)
{
    return buf_view(&reader->note);
}

struct str archive_reader_cosigned(const struct archive_reader *reader)
{
    return buf_view(&reader->cosigned);
}

bool archive_reader_cosigned_damaged(const struct archive_reader *reader)
{
    return reader->cosigned_damaged;
}

struct archive_totals archive_reader_totals(const struct archive_reader *reader)
{
    struct archive_totals totals = catalog_totals(&reader->catalog);
    if (!reader->catalog.count && reader->frame_count)
        totals.oldest_ns = reader->frames[0].time_min_ns;
    return totals;
}

struct event_source archive_reader_source(const struct archive_reader *reader, const uint8_t id[16])
{
    struct event_source source = {0};
    size_t position;
    memcpy(source.id, id, sizeof source.id);
    if (sources_find(reader->sources, id, &position)) {
        struct archive_source_row row = sources_at(reader->sources, position);
        source.kind = row.kind;
        source.name = row.name;
    }
    return source;
}

/* ---- records ---- */

enum rc archive_reader_frame(struct archive_reader *reader, const struct tail_frame *frame, struct arena *arena,
                             struct str *ret_payload, struct err *err)
{
    for (size_t i = 0; i < reader->file_count; i++) {
        if (reader->files[i].first != frame->file_first)
            continue;
        struct wal_lock *lock = reader->files[i].lock;
        size_t stored = (size_t)frame->size + (lock ? WAL_LOCK_ROOM : 0);
        char *bytes = arena_alloc_raw(arena, stored + 1);
        if (!bytes)
            return err_set(err, RC_LIMIT, "no memory to read the log");
        enum rc rc =
            file_read_at(reader->io, reader->files[i].fd, bytes, stored, frame->offset + WAL_FRAME_HEADER, err);
        struct wal_lock_frame place = {.offset = frame->offset, .first = frame->first, .count = frame->count};
        if (rc == RC_OK && lock)
            rc = wal_lock_open(lock, &place, str_at(bytes, stored), bytes, err);
        *ret_payload = str_at(bytes, frame->size);
        return rc == RC_END ? err_set(err, RC_CORRUPT, "a log file was cut while it was read") : rc;
    }
    return err_set(err, RC_NOT_FOUND, "record %llu is no longer in the log", (unsigned long long)frame->first);
}

/* Dictionaries of the segments read lately are kept, up to DICTIONARIES_MAX bytes; who reads a block holds its own. */
static enum rc dictionary_of(struct archive_reader *r, struct segment *segment, int fd, uint64_t chain,
                             struct dictionary **ret_dictionary, struct err *err)
{
    bool fresh = segment->chains == NULL;
    enum rc rc =
        segment_dictionary(&(struct segment_file){r->io, fd}, segment, chain, r->options.names, ret_dictionary, err);
    if (rc == RC_OK)
        dictionary_hold(*ret_dictionary);
    if (rc != RC_OK || !fresh)
        return rc;
    r->dictionaries += segment_memory(segment);
    for (size_t i = 0; i < r->catalog.count && r->dictionaries > DICTIONARIES_MAX; i++) {
        struct segment *other = r->catalog.segments[i];
        if (other == segment)
            continue;
        r->dictionaries -= MIN(segment_memory(other), r->dictionaries);
        segment_forget(other);
    }
    return RC_OK;
}

enum rc archive_reader_block(struct archive_reader *reader, struct reader_block *wanted, struct arena *arena,
                             struct block **ret_block, struct err *err)
{
    struct segment *segment = wanted->segment;
    wanted->dictionary = NULL;
    const struct segment_entry *e = &segment->entries[wanted->entry];
    const struct io *io = reader->io;
    struct str bytes;
    int fd = -1;
    if (segment->gone)
        return err_set(err, RC_NOT_FOUND, "the segment of record %llu was deleted", (unsigned long long)e->first);
    enum rc rc = segment_fd(io, reader->folders.seg, segment, &fd, err);
    if (rc != RC_OK)
        return rc;
    rc = segment_read(&(struct segment_file){io, fd}, e->offset, e->size, arena, &bytes, err);
    struct block_info info;
    rc = rc == RC_OK ? block_info_read(bytes, &info, err) : rc;
    rc = rc == RC_OK ? dictionary_of(reader, segment, fd, info.chain, &wanted->dictionary, err) : rc;
    IGNORE(io->close(io->self, fd)); /* only read */
    rc = rc == RC_OK ? block_decode(&(struct block_bytes){bytes, wanted->dictionary, reader->options.names},
                                    wanted->parts, arena, ret_block, err)
                     : rc;
    if (rc != RC_OK) {
        char name[SEGMENT_NAME_MAX];
        segment_name(segment->first, name);
        IGNORE(err_wrap(err, "segment \"%s\" at offset %llu", name, (unsigned long long)e->offset));
    }
    return rc;
}

/* Decodes a block, or gives one that is kept; the one used longest ago gives way. Valid until the next call. */
static enum rc block_at(struct archive_reader *r, struct segment *segment, uint32_t entry, struct block **ret_block,
                        struct err *err)
{
    struct reader_cached *place = &r->cached[0];
    for (size_t i = 0; i < READER_BLOCKS; i++) {
        struct reader_cached *cached = &r->cached[i];
        if (cached->block && cached->segment == segment && cached->entry == entry) {
            cached->used = ++r->cached_uses;
            *ret_block = cached->block;
            return RC_OK;
        }
        if (cached->used < place->used)
            place = cached;
    }
    cached_drop(place);
    place->arena = place->arena ? place->arena : block_arena_new(BLOCK_ARENA);
    if (!place->arena)
        return err_set(err, RC_LIMIT, "no memory to read the archive");
    struct reader_block wanted = {.segment = segment, .entry = entry, .parts = BLOCK_ALL};
    enum rc rc = archive_reader_block(r, &wanted, place->arena, ret_block, err);
    place->dictionary = wanted.dictionary;
    place->segment = segment;
    place->entry = entry;
    place->block = rc == RC_OK ? *ret_block : NULL;
    place->used = ++r->cached_uses;
    return rc;
}

static enum rc sealed_leaves(struct archive_reader *r, uint64_t from, uint64_t to, struct tlog_hash *hashes,
                             uint64_t *found, struct err *err)
{
    for (size_t s = 0; s < r->catalog.count; s++) {
        struct segment *segment = r->catalog.segments[s];
        if (segment->end <= from || segment->first >= to)
            continue;
        struct tombstone_range range = {.from = from, .to = to, .hashes = hashes};
        enum rc gone = segment->gone ? tombstone_leaves(r->io, r->folders.seg, segment, &range, err) : RC_OK;
        if (gone != RC_OK)
            return gone;
        *found += range.found;
        for (uint32_t i = 0; i < segment->entry_count; i++) {
            if (segment->entries[i].last < from || segment->entries[i].first >= to)
                continue;
            struct block *block;
            enum rc rc = block_at(r, segment, i, &block, err);
            if (rc != RC_OK)
                return rc;
            uint32_t at;
            IGNORE(block_find(block, from, &at)); /* where it would stand is enough */
            for (; at < block_count(block) && block_number(block, at) < to; at++) {
                struct leaf leaf;
                struct str raw;
                block_leaf(block, at, &leaf, &raw);
                leaf_hash(&leaf, raw, r->hasher, &hashes[leaf.index - from]);
                ++*found;
            }
        }
    }
    return RC_OK;
}

static enum rc tail_leaves(struct archive_reader *r, uint64_t from, uint64_t to, struct tlog_hash *hashes,
                           uint64_t *found, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(FRAME_ARENA);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to read the log");
    for (size_t i = 0; i < r->frame_count; i++) {
        const struct tail_frame *frame = &r->frames[i];
        if (frame->first + frame->count <= from || frame->first >= to)
            continue;
        struct str payload;
        arena_reset(arena);
        enum rc rc = archive_reader_frame(r, frame, arena, &payload, err);
        struct reader in = reader_of(payload);
        for (uint32_t k = 0; k < frame->count && rc == RC_OK; k++) {
            struct leaf leaf;
            struct str bytes;
            struct str raw;
            rc = record_read(&in, r->hasher, &leaf, &bytes, &raw, err);
            if (rc == RC_OK && leaf.index >= MAX(from, r->catalog.end) && leaf.index < to) {
                tlog_hash_leaf(r->hasher, STR_NONE, bytes, &hashes[leaf.index - from]);
                ++*found;
            }
        }
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

enum rc archive_reader_leaves(struct archive_reader *reader, uint64_t group, struct tlog_hash ret_hashes[TLOG_GROUP],
                              size_t *ret_count, struct err *err)
{
    uint64_t from = group * TLOG_GROUP;
    uint64_t to = MIN(from + TLOG_GROUP, reader->size);
    uint64_t found = 0;
    if (from >= to)
        return err_set(err, RC_NOT_FOUND, "the archive does not have record %llu yet", (unsigned long long)from);
    enum rc rc = sealed_leaves(reader, from, to, ret_hashes, &found, err);
    rc = rc == RC_OK ? tail_leaves(reader, from, to, ret_hashes, &found, err) : rc;
    for (size_t i = 0; rc == RC_OK && found != to - from && i < reader->catalog.count; i++) {
        const struct segment *segment = reader->catalog.segments[i];
        if (segment->gone && segment->end > from && segment->first < to)
            return archive_reader_deleted(reader, segment, err);
    }
    if (rc == RC_OK && found != to - from)
        return err_set(err, RC_CORRUPT, "some of records %llu to %llu are missing", (unsigned long long)from,
                       (unsigned long long)to - 1);
    *ret_count = (size_t)(to - from);
    return rc;
}

enum rc archive_reader_group_sound(struct archive_reader *reader, uint64_t size, bool *ret_sound, struct err *err)
{
    struct tlog_hash leaves[TLOG_GROUP];
    struct tlog_hash held;
    struct tlog_hash read;
    size_t count = 0;
    *ret_sound = true;
    if (size % TLOG_GROUP == 0)
        return RC_OK;
    enum rc rc = archive_reader_leaves(reader, size / TLOG_GROUP, leaves, &count, err);
    if (rc != RC_OK || count < TLOG_GROUP)
        return rc;
    tlog_group_node(reader->hasher, leaves, TLOG_GROUP, TLOG_GROUP_HEIGHT, 0, &read);
    rc = tlog_groups_get(reader->groups, size / TLOG_GROUP, &held, err);
    *ret_sound = rc == RC_OK && tlog_hash_eq(&read, &held);
    return rc;
}

enum rc archive_reader_fill_block(const struct archive_reader *reader, struct block *block, uint32_t position,
                                  struct event_field *fields, struct archive_hit *ret_hit)
{
    block_leaf(block, position, &ret_hit->leaf, &ret_hit->raw);
    block_event(block, position, fields, &ret_hit->event);
    ret_hit->rule_count = block_rules(block, position, ret_hit->rules, ARRAY_LEN(ret_hit->rules));
    ret_hit->source = archive_reader_source(reader, ret_hit->leaf.source);
    return block_spent(block) ? RC_LIMIT : RC_OK;
}

void archive_reader_fill_tail(const struct archive_reader *reader, const struct leaf *leaf, struct str raw,
                              struct arena *arena, struct archive_hit *ret_hit)
{
    struct archive_hit *hit = ret_hit;
    const struct archive_reader_options *options = &reader->options;
    hit->leaf = *leaf;
    hit->raw = raw;
    hit->rule_count = 0;
    hit->source = archive_reader_source(reader, leaf->source);
    memset(&hit->event, 0, sizeof hit->event);
    if (!options->derive || !options->derive(options->derive_context, &hit->source, leaf, raw, arena, &hit->event)) {
        memset(&hit->event, 0, sizeof hit->event);
        hit->event.time_ns = leaf->received_ns;
        hit->event.parser = "";
    }
    hit->event.raw = raw;
    hit->event.record = leaf->index;
    hit->event.received_ns = leaf->received_ns;
}

static bool copy_str(struct arena *arena, struct str *text)
{
    struct str copy = arena_str(arena, *text);
    bool ok = copy.p || !text->n;
    *text = copy;
    return ok;
}

/* What a hit borrows from a block that will go: into the arena. */
static enum rc hit_copy(struct archive_hit *hit, struct arena *arena, struct err *err)
{
    bool ok = copy_str(arena, &hit->raw) && copy_str(arena, &hit->source.kind) && copy_str(arena, &hit->source.name);
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        ok = ok && copy_str(arena, &hit->event.statutory[i]);
    for (uint32_t i = 0; i < hit->event.field_count; i++)
        ok = ok && copy_str(arena, &hit->event.fields[i].value);
    for (size_t i = 0; i < hit->rule_count; i++)
        ok = ok && copy_str(arena, &hit->rules[i]);
    char *parser = arena_strz(arena, str_of(hit->event.parser));
    if (!ok || !parser)
        return err_set(err, RC_LIMIT, "no memory for a record");
    hit->event.parser = parser;
    hit->event.raw = hit->raw;
    return RC_OK;
}

static enum rc not_there(uint64_t number, struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "the archive has no record %llu", (unsigned long long)number);
}

static enum rc record_sealed(struct archive_reader *r, uint64_t number, struct arena *arena,
                             struct archive_hit *ret_hit, struct err *err)
{
    struct segment *segment = catalog_find(&r->catalog, number);
    if (segment && segment->gone) {
        enum rc rc = archive_reader_deleted(r, segment, err);
        IGNORE(err_wrap(err, "record %llu is gone", (unsigned long long)number)); /* the code stays rc */
        return rc;
    }
    for (uint32_t i = 0; segment && i < segment->entry_count; i++) {
        uint32_t position;
        if (segment->entries[i].first > number || segment->entries[i].last < number)
            continue;
        struct block *block;
        enum rc rc = block_at(r, segment, i, &block, err);
        if (rc != RC_OK)
            return rc;
        if (!block_find(block, number, &position))
            continue;
        struct event_field *fields = arena_alloc_raw(arena, EVENT_FIELDS_MAX * sizeof *fields);
        if (!fields)
            return err_set(err, RC_LIMIT, "no memory for a record's fields");
        if (archive_reader_fill_block(r, block, position, fields, ret_hit) != RC_OK)
            return err_set(err, RC_LIMIT, "no memory for a record's values");
        return hit_copy(ret_hit, arena, err);
    }
    return not_there(number, err);
}

static enum rc record_tail(struct archive_reader *r, uint64_t number, struct arena *arena, struct archive_hit *ret_hit,
                           struct err *err)
{
    for (size_t i = 0; i < r->frame_count; i++) {
        const struct tail_frame *frame = &r->frames[i];
        struct str payload;
        if (number < frame->first || number >= frame->first + frame->count)
            continue;
        enum rc rc = archive_reader_frame(r, frame, arena, &payload, err);
        struct reader in = reader_of(payload);
        while (rc == RC_OK) {
            struct leaf leaf;
            struct str bytes;
            struct str raw;
            rc = record_read(&in, r->hasher, &leaf, &bytes, &raw, err);
            if (rc == RC_OK && leaf.index == number) {
                archive_reader_fill_tail(r, &leaf, raw, arena, ret_hit);
                return RC_OK;
            }
        }
        return rc;
    }
    return not_there(number, err);
}

enum rc archive_reader_record(struct archive_reader *reader, uint64_t number, struct arena *arena,
                              struct archive_hit *ret_hit, struct err *err)
{
    if (number >= reader->size)
        return not_there(number, err);
    return number < reader->catalog.end ? record_sealed(reader, number, arena, ret_hit, err)
                                        : record_tail(reader, number, arena, ret_hit, err);
}

enum rc archive_reader_leaf(struct archive_reader *reader, uint64_t number, struct buf *ret_leaf,
                            struct tlog_hash *ret_hash, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(BLOCK_ARENA);
    struct archive_hit *hit = arena ? arena_alloc(arena, sizeof *hit) : NULL;
    if (!hit)
        return err_set(err, RC_LIMIT, "no memory for a record");
    enum rc rc = archive_reader_record(reader, number, arena, hit, err);
    if (rc != RC_OK)
        return rc;
    leaf_rebuild(&hit->leaf, hit->raw, reader->hasher, ret_leaf);
    leaf_hash(&hit->leaf, hit->raw, reader->hasher, ret_hash);
    return ret_leaf->overflow ? err_set(err, RC_LIMIT, "no memory for a leaf") : RC_OK;
}

/* ---- deleted records ---- */

static struct archive_gone gone_of(const struct segment *segment)
{
    return (struct archive_gone){.first = segment->first,
                                 .end = segment->end,
                                 .record = segment->record,
                                 .received_min_ns = segment->received_min_ns,
                                 .received_max_ns = segment->received_max_ns};
}

bool archive_reader_gone(const struct archive_reader *reader, uint64_t number, struct archive_gone *ret_gone)
{
    for (size_t i = 0; i < reader->catalog.count; i++) {
        const struct segment *segment = reader->catalog.segments[i];
        if (!segment->gone || segment->end <= number)
            continue;
        *ret_gone = gone_of(segment);
        return true;
    }
    return false;
}

void archive_reader_gone_say(struct archive_reader *reader, const struct archive_gone *gone,
                             char ret_text[ARCHIVE_GONE_TEXT])
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(BLOCK_ARENA);
    struct archive_hit *hit = arena ? arena_alloc(arena, sizeof *hit) : NULL;
    char day[32] = "";
    const struct segment *holder = catalog_find(&reader->catalog, gone->record);
    if (hit && !(holder && holder->gone) && archive_reader_record(reader, gone->record, arena, hit, NULL) == RC_OK) {
        struct civil civil = civil_from_ns(hit->leaf.received_ns, 0);
        snprintf(day, sizeof day, "on %04d-%02d-%02d ", civil.year, civil.month, civil.day);
    }
    snprintf(ret_text, ARCHIVE_GONE_TEXT, "records %llu to %llu were deleted %sunder record %llu",
             (unsigned long long)gone->first, (unsigned long long)gone->end - 1, day, (unsigned long long)gone->record);
}

enum rc archive_reader_deleted(struct archive_reader *reader, const struct segment *segment, struct err *err)
{
    const struct archive_gone gone = gone_of(segment);
    char text[ARCHIVE_GONE_TEXT];
    archive_reader_gone_say(reader, &gone, text);
    return err_set(err, RC_NOT_FOUND, "%s", text);
}

/* ---- the tree ---- */

static enum rc tree_segments(struct archive_reader *r, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * SOURCES_PLAIN_MAX);
    struct catalog_last last;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for the tree");
    for (size_t i = 0; i < r->catalog.count; i++) {
        const struct segment *segment = r->catalog.segments[i];
        for (uint64_t g = 0; g < segment->group_count; g++) {
            if (segment->group_first + g < tlog_groups_count(r->groups))
                continue;
            enum rc rc = tlog_groups_append(r->groups, r->hasher, &segment->groups[g], err);
            if (rc != RC_OK)
                return rc;
        }
    }
    enum rc rc = catalog_last(r->io, r->folders.seg, &r->catalog, arena, &last, err);
    if (rc == RC_OK)
        r->frontier = last.frontier;
    return rc;
}

static enum rc tree_frame(struct archive_reader *r, const struct tail_frame *frame, struct arena *arena,
                          struct err *err)
{
    struct str payload;
    arena_reset(arena);
    enum rc rc = archive_reader_frame(r, frame, arena, &payload, err);
    struct reader in = reader_of(payload);
    for (uint32_t k = 0; k < frame->count && rc == RC_OK; k++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        struct tlog_hash hash;
        struct tlog_hash group;
        rc = record_read(&in, r->hasher, &leaf, &bytes, &raw, err);
        if (rc != RC_OK || leaf.index != r->frontier.size)
            continue;
        tlog_hash_leaf(r->hasher, STR_NONE, bytes, &hash);
        if (tlog_frontier_append_leaves(&r->frontier, r->hasher, &hash, 1, &group))
            rc = tlog_groups_append(r->groups, r->hasher, &group, err);
    }
    return rc;
}

/* Brings the tree up to the records that are seen. */
static enum rc tree_grow(struct archive_reader *r, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(FRAME_ARENA);
    enum rc rc = arena ? RC_OK : err_set(err, RC_LIMIT, "no memory for the tree");
    if (rc == RC_OK && r->frontier.size < r->catalog.end)
        rc = tree_segments(r, err);
    for (size_t i = 0; i < r->frame_count && rc == RC_OK; i++)
        if (r->frames[i].first + r->frames[i].count > r->frontier.size)
            rc = tree_frame(r, &r->frames[i], arena, err);
    tlog_virtual_forget(r->proofs);
    return rc;
}

enum rc archive_reader_root(struct archive_reader *reader, uint64_t size, struct tlog_hash *ret_root, struct err *err)
{
    if (size > reader->size)
        return err_set(err, RC_INVALID, "the archive has %llu records, not %llu", (unsigned long long)reader->size,
                       (unsigned long long)size);
    enum rc rc = tree_grow(reader, err);
    struct tlog_source source = tlog_virtual_source(reader->proofs);
    return rc == RC_OK ? tlog_root(reader->hasher, &source, size, ret_root, err) : rc;
}

enum rc archive_reader_inclusion(struct archive_reader *reader, uint64_t number, uint64_t size,
                                 struct tlog_path *ret_path, struct err *err)
{
    if (number >= size || size > reader->size)
        return err_set(err, RC_INVALID, "record %llu is not in a tree of %llu records", (unsigned long long)number,
                       (unsigned long long)size);
    enum rc rc = tree_grow(reader, err);
    struct tlog_source source = tlog_virtual_source(reader->proofs);
    return rc == RC_OK ? tlog_inclusion(reader->hasher, &source, number, size, ret_path, err) : rc;
}

static enum rc note_size(struct str bytes, uint64_t *ret_size, struct err *err)
{
    struct note note;
    struct checkpoint checkpoint;
    *ret_size = 0;
    if (!bytes.n)
        return RC_OK;
    enum rc rc = note_parse(bytes, &note, err);
    rc = rc == RC_OK ? checkpoint_parse(note.text, &checkpoint, err) : rc;
    if (rc == RC_OK)
        *ret_size = checkpoint.head.size;
    return rc;
}

enum rc archive_reader_proof(struct archive_reader *reader, uint64_t number, struct buf *ret_proof, struct err *err)
{
    struct tlog_proof proof = {.index = number, .note = buf_view(&reader->note)};
    struct buf leaf CLEANUP(buf_done) = {0};
    struct tlog_hash hash;
    uint64_t size = 0;
    if (number >= reader->size)
        return not_there(number, err);
    /* A record that witnesses vouch for is proven by what they cosigned, though it is not the newest. */
    enum rc rc = note_size(buf_view(&reader->cosigned), &size, err);
    if (rc == RC_OK && number < size)
        proof.note = buf_view(&reader->cosigned);
    else if (rc == RC_OK)
        rc = note_size(proof.note, &size, err);
    if (rc == RC_OK && number >= size)
        return err_set(err, RC_NOT_FOUND,
                       "no signed checkpoint covers record %llu yet (the newest covers %llu records)",
                       (unsigned long long)number, (unsigned long long)size);
    buf_init(&leaf, 2 * (size_t)LEAF_RAW_MAX);
    rc = rc == RC_OK ? archive_reader_inclusion(reader, number, size, &proof.path, err) : rc;
    rc = rc == RC_OK ? archive_reader_leaf(reader, number, &leaf, &hash, err) : rc;
    if (rc != RC_OK)
        return rc;
    proof.has_extra = leaf.n <= PROOF_EXTRA_MAX;
    proof.extra = buf_view(&leaf);
    proof_write(&proof, ret_proof);
    return ret_proof->overflow ? err_set(err, RC_LIMIT, "no memory for the proof") : RC_OK;
}
