#include "archive/writer.h"

#include "archive/state.h"
#include "base/assert.h"
#include "codec/json.h"

#include <string.h>

#define RESERVE ((size_t)64 << 10) /* of each log file, for lifecycle and gap leaves */

const char *archive_origin(const struct archive *archive)
{
    return archive->instance.origin;
}

const uint8_t *archive_uuid(const struct archive *archive)
{
    return archive->instance.uuid;
}

uint64_t archive_size(const struct archive *archive)
{
    return archive->frontier.size;
}

uint64_t archive_durable(const struct archive *archive)
{
    return archive->durable.size;
}

uint64_t archive_sealed(const struct archive *archive)
{
    return archive->catalog.end;
}

struct archive_totals archive_totals(const struct archive *archive)
{
    return catalog_totals(&archive->catalog);
}

size_t archive_source_count(const struct archive *archive)
{
    return sources_count(archive->sources);
}

struct archive_source_row archive_source_at(const struct archive *archive, size_t position)
{
    return sources_at(archive->sources, position);
}

bool archive_source_known(const struct archive *archive, const uint8_t id[16])
{
    size_t position;
    return sources_find(archive->sources, id, &position);
}

bool archive_highest(const struct archive *archive, const uint8_t source[16], uint64_t epoch, uint64_t *ret_sequence)
{
    return sources_highest(archive->sources, source, epoch, ret_sequence);
}

/* ---- growing ---- */

enum rc archive_grow(struct archive *archive, const struct tlog_leaf *leaves, size_t count, struct err *err)
{
    UNINITIALISED struct tlog_hash hash[GROWN_TOGETHER];
    ASSERT(count <= GROWN_TOGETHER);
    tlog_hash_leaves(archive->hasher, leaves, count, hash);
    for (size_t i = 0; i < count;) {
        struct tlog_hash group;
        size_t at = (size_t)(archive->frontier.size % TLOG_GROUP);
        size_t n = MIN(count - i, TLOG_GROUP - at);
        memcpy(archive->group + at, hash + i, n * sizeof *hash);
        if (tlog_frontier_append_leaves(&archive->frontier, archive->hasher, hash + i, n, &group)) {
            enum rc rc = tlog_groups_append(archive->groups, archive->hasher, &group, err);
            if (rc != RC_OK)
                return rc;
            if (archive->group_marked)
                archive_remember_group(archive);
        }
        i += n;
    }
    return RC_OK;
}

/* The records of the frame that the tree does not have yet. */
static enum rc grow_pending(struct archive *archive, struct err *err)
{
    UNINITIALISED struct tlog_leaf leaves[GROWN_TOGETHER];
    for (size_t i = 0; i < archive->pending; i++)
        leaves[i] = (struct tlog_leaf){
            STR_NONE, str_at(archive->frame.p + archive->pending_leaf[i].at, archive->pending_leaf[i].size)};
    enum rc rc = archive_grow(archive, leaves, archive->pending, err);
    archive->pending = 0;
    archive->failed = archive->failed || rc != RC_OK;
    return rc;
}

enum rc archive_mark(struct archive *archive, uint64_t first, struct err *err)
{
    ASSERT(first == archive->frontier.size);
    if (archive->mark_count == MARKS_MAX)
        return err_set(err, RC_LIMIT, "more than %d log files are not sealed", MARKS_MAX);
    struct mark *marks = memory_resize(archive->marks, (archive->mark_count + 1) * sizeof *marks);
    if (!marks)
        return err_set(err, RC_LIMIT, "no memory to begin a log file");
    archive->marks = marks;
    struct mark *mark = &marks[archive->mark_count];
    *mark = (struct mark){.first = first, .frontier = archive->frontier};
    buf_init(&mark->sources, SOURCES_PLAIN_MAX);
    sources_write(archive->sources, &mark->sources);
    if (mark->sources.overflow)
        return err_set(err, RC_LIMIT, "no memory to begin a log file");
    archive->mark_count++;
    return RC_OK;
}

/* ---- the frame ---- */

static size_t frame_payload(const struct archive *archive)
{
    return archive->frame.n - WAL_FRAME_HEADER;
}

static void frame_clear(struct archive *archive)
{
    static const char room[WAL_FRAME_HEADER] = {0};
    buf_clear(&archive->frame);
    buf_put(&archive->frame, room, sizeof room);
    archive->frame_first = archive->frontier.size;
}

static enum rc frame_flush(struct archive *archive, struct err *err)
{
    enum rc rc = grow_pending(archive, err);
    uint64_t count = archive->frontier.size - archive->frame_first;
    if (rc != RC_OK || !count)
        return rc;
    ASSERT(count <= UINT32_MAX && archive->frame_first == wal_end(archive->wal));
    rc = wal_append(archive->wal, archive->frame_first, (uint32_t)count, archive->frame.p, archive->frame.n, err);
    if (rc != RC_OK) {
        archive->failed = true; /* the tree is ahead of the log */
        return rc;
    }
    frame_clear(archive);
    return RC_OK;
}

static enum rc refuse(struct err *err)
{
    return err_set(err, RC_IO, "the archive failed before: the process must stop and recover");
}

enum rc archive_rotate(struct archive *archive, struct err *err)
{
    if (archive->failed)
        return refuse(err);
    enum rc rc = frame_flush(archive, err);
    if (rc != RC_OK)
        return rc;
    size_t files = wal_file_count(archive->wal);
    rc = wal_rotate(archive->wal, err);
    if (rc != RC_OK || wal_file_count(archive->wal) == files)
        return rc;
    rc = archive_mark(archive, wal_end(archive->wal), err);
    archive->failed = archive->failed || rc != RC_OK;
    return rc;
}

/* Room for one more record in the log, by a new file if need be. Nothing of the record has been done yet. */
static enum rc make_room(struct archive *archive, size_t size, bool data, struct err *err)
{
    size_t room = wal_room(archive->wal);
    size_t taken = frame_payload(archive) + size;
    size_t reserve = data ? MIN(RESERVE, (size_t)archive->options.wal_file_size / 16) : 0;
    if (taken + reserve <= room && taken <= WAL_PAYLOAD_MAX)
        return frame_payload(archive) >= ARCHIVE_FRAME_TARGET ? frame_flush(archive, err) : RC_OK;
    enum rc rc = archive_rotate(archive, err);
    if (rc == RC_IO && !archive->failed && !data && taken <= room)
        return RC_OK;
    if (rc != RC_OK)
        return rc;
    return size <= wal_room(archive->wal)
               ? RC_OK
               : err_set(err, RC_LIMIT, "a record of %zu bytes does not fit a log file", size);
}

static enum rc append_one(struct archive *archive, const struct archive_record *record, struct err *err)
{
    struct leaf leaf = {.type = (enum leaf_type)record->type,
                        .received_ns = record->received_ns,
                        .received_boot_ns = record->received_boot_ns,
                        .epoch = record->epoch,
                        .sequence = record->sequence,
                        .source_ns = record->time_ns,
                        .clock_error_us = record->clock_error_us,
                        .transport = (uint16_t)record->transport,
                        .raw_length = (uint32_t)record->raw.n};
    memcpy(leaf.source, record->source, sizeof leaf.source);
    bool data = record->type == LEAF_RAW || record->type == LEAF_DIGEST;
    if (record->raw.n > (data ? RECORD_RAW_MAX : (size_t)LEAF_RAW_MAX))
        return err_set(err, RC_LIMIT, "a record has %zu bytes; at most %u are taken", record->raw.n,
                       data ? RECORD_RAW_MAX : (unsigned)LEAF_RAW_MAX);
    if (leaf.type == LEAF_RAW && record->raw.n > LEAF_RAW_MAX)
        leaf.type = LEAF_DIGEST;
    enum rc rc = make_room(archive, record_stored_size(&leaf), data, err);
    if (rc != RC_OK)
        return rc;
    if (frame_payload(archive) == 0)
        archive->frame_first = archive->frontier.size;
    leaf.index = archive->frontier.size + archive->pending;
    size_t start = archive->frame.n;
    record_write(&leaf, record->raw, archive->hasher, &archive->frame);
    if (archive->frame.overflow) {
        archive->failed = true;
        return err_set(err, RC_LIMIT, "no memory for a batch");
    }
    (void)sources_saw(archive->sources, &leaf, record->raw); /* whether it is new was asked before */
    struct leaf_place *place = &archive->pending_leaf[archive->pending++];
    place->at = start;
    place->size = leaf.type == LEAF_DIGEST ? LEAF_HEADER_SIZE + TLOG_HASH_SIZE : archive->frame.n - start;
    return archive->pending == GROWN_TOGETHER ? grow_pending(archive, err) : RC_OK;
}

enum rc archive_append(struct archive *archive, const struct archive_record *records, size_t count,
                       struct archive_appended *ret_appended, struct err *err)
{
    *ret_appended = (struct archive_appended){.first = archive->frontier.size};
    if (archive->failed)
        return refuse(err);
    enum rc rc = RC_OK;
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        const struct archive_record *record = &records[i];
        ASSERT(record->type >= LEAF_RAW && record->type <= LEAF_KEY_CHANGE);
        if (!record->keep_duplicate &&
            !sources_is_new(archive->sources, record->source, record->epoch, record->sequence)) {
            ret_appended->duplicates++;
            continue;
        }
        rc = append_one(archive, record, err);
        ret_appended->taken += rc == RC_OK;
    }
    enum rc grown = archive->failed ? RC_OK : grow_pending(archive, rc == RC_OK ? err : NULL);
    return rc == RC_OK ? grown : rc;
}

enum rc archive_commit(struct archive *archive, uint64_t *ret_durable, struct err *err)
{
    if (archive->failed)
        return refuse(err);
    enum rc rc = frame_flush(archive, err);
    rc = rc == RC_OK ? wal_sync(archive->wal, err) : rc;
    if (rc != RC_OK) {
        archive->failed = true;
        return rc;
    }
    if (archive->durable.size != archive->frontier.size) {
        archive->durable = archive->frontier;
        archive->group_marked = archive->group_marked || archive->frontier.size % TLOG_GROUP != 0;
    }
    *ret_durable = archive->durable.size;
    return archive->due.count ? archive_paths(archive, err) : RC_OK;
}

/* ---- the archive's own records ---- */

enum rc archive_lifecycle(struct archive *archive, struct str body, int64_t now_ns, uint64_t now_boot_ns,
                          struct err *err)
{
    struct archive_appended appended;
    struct archive_record record = {.type = LEAF_LIFECYCLE,
                                    .transport = TRANSPORT_INTERNAL,
                                    .sequence = archive->frontier.size,
                                    .received_ns = now_ns,
                                    .received_boot_ns = now_boot_ns,
                                    .keep_duplicate = true,
                                    .raw = body};
    return archive_append(archive, &record, 1, &appended, err);
}

enum rc archive_source(struct archive *archive, const struct event_source *source, int64_t now_ns, uint64_t now_boot_ns,
                       struct err *err)
{
    struct buf body CLEANUP(buf_done) = {0};
    struct buf known CLEANUP(buf_done) = {0};
    size_t position;
    buf_init(&body, LEAF_RAW_MAX);
    buf_init(&known, LEAF_RAW_MAX);
    sources_leaf(source, &body);
    if (sources_find(archive->sources, source->id, &position)) {
        struct archive_source_row row = sources_at(archive->sources, position);
        struct event_source old = {.kind = row.kind, .name = row.name};
        memcpy(old.id, source->id, sizeof old.id);
        sources_leaf(&old, &known);
        if (str_eq(buf_view(&known), buf_view(&body)))
            return RC_OK;
    }
    if (body.overflow || known.overflow)
        return err_set(err, RC_LIMIT, "a source's name is too long");
    return archive_lifecycle(archive, buf_view(&body), now_ns, now_boot_ns, err);
}

/* ---- log files ---- */

size_t archive_log_count(const struct archive *archive)
{
    return archive->mark_count;
}

struct archive_log archive_log_at(const struct archive *archive, size_t position)
{
    ASSERT(position < archive->mark_count);
    /* marks are the log's last files */
    size_t files = wal_file_count(archive->wal);
    ASSERT(files >= archive->mark_count);
    struct wal_file file = wal_file_at(archive->wal, files - archive->mark_count + position);
    ASSERT(file.first == archive->marks[position].first && file.fd >= 0);
    return (struct archive_log){
        .first = file.first, .end = file.end, .fd = file.fd, .closed = position + 1 < archive->mark_count};
}
