#include "agent/spool.h"

#include "agent/spool_state.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "os/file.h"
#include "wal/wal.h"
#include "wal/wal_reader.h"
#include "wire/delivery.h"
#include "wire/delivery_batch.h"

#include <errno.h>
#include <string.h>

#define UUID          "qorgan-agent spl" /* of the files: a spool outlives the agent's identity */
#define PAIRS_MAX     64
#define RETRY_NS      UINT64_C(1000000000) /* after a full disk */
#define GROUP_HEAD    64u                  /* more than a group's or a record's numbers take */
#define PENDING_LIMIT (WAL_FRAME_HEADER + SPOOL_BATCH + DELIVERY_RECORD_MAX + DELIVERY_NAME_MAX + 4096)

/* What the server said: records below `number` are among the first `size` of the archive. Both only grow. */
struct pair {
    uint64_t number;
    uint64_t size;
};

struct spool {
    const struct io *io;
    int folder;
    struct spool_options options;
    struct wal *wal;
    struct spool_state state; /* number, covered and durable are kept here as they grow */
    const char *loss;
    struct map *positions; /* of frames that were appended */

    struct buf pending; /* room for a frame's header, then the batch */
    struct delivery_writer writer;
    struct delivery_group group; /* the open one; count 0 = none */
    char group_name[DELIVERY_NAME_MAX];
    uint64_t pending_since_ns;

    size_t batch_max;
    size_t unsynced; /* bytes */
    uint64_t synced_ns;
    uint64_t full_ns; /* when the disk was found full; 0 = it is not */

    struct wal_reader *reader;
    uint64_t files_given; /* the reader has the files that begin below it */
    struct wal_frame held;
    bool holding;

    struct pair pairs[PAIRS_MAX];
    size_t pair_count;
};

/* ---- positions ---- */

/* A map that is full forgets the older half of its files: such a file is sent again and dropped by the archive. */
static bool positions_thin(struct spool *spool)
{
    struct map *fewer = map_new(SPOOL_POSITIONS_MAX, spool->options.number);
    size_t passed = 0;
    for (size_t i = 0; fewer && i < map_end(spool->positions); i++) {
        struct str key;
        uint64_t sequence;
        if (!map_at(spool->positions, i, &key, &sequence))
            continue;
        bool old = (uint8_t)key.p[0] == DELIVERY_FILE && passed++ < SPOOL_POSITIONS_MAX / 2;
        uint64_t *place = old ? NULL : map_put(fewer, key);
        if (place)
            *place = sequence;
    }
    if (!fewer)
        return false;
    map_free(spool->positions);
    spool->positions = fewer;
    return true;
}

/* Only what can be read again has a position that matters, and gaps are no part of what was read. */
static bool has_position(const struct delivery_group *group)
{
    return (group->stream == DELIVERY_FILE || group->stream == DELIVERY_JOURNAL ||
            group->stream == DELIVERY_ACCOUNTING) &&
           !(group->flags & DELIVERY_GAP);
}

static void position_take(struct spool *spool, const struct delivery_group *group)
{
    uint64_t last = group->sequence + group->count - 1;
    if (!spool_position_put(spool->positions, group->stream, group->epoch, group->name, last) && positions_thin(spool))
        IGNORE(spool_position_put(spool->positions, group->stream, group->epoch, group->name, last));
}

static void batch_walk(struct str batch, void (*each)(struct spool *spool, const struct delivery_group *group),
                       struct spool *spool)
{
    struct reader reader = reader_of(batch);
    struct delivery_group group;
    struct str bytes;
    while (delivery_read_group(&reader, &group)) {
        for (uint32_t i = 0; i < group.count; i++)
            if (!delivery_read_record(&reader, &bytes))
                return;
        if (has_position(&group))
            each(spool, &group);
    }
}

static enum rc frame_found(void *context, const struct wal_frame *frame, struct err *err)
{
    (void)err;
    batch_walk(frame->payload, position_take, context);
    return RC_OK;
}

/* ---- opening ---- */

struct listing {
    uint64_t least;
    size_t count;
};

static bool list_file(void *context, const char *name)
{
    struct listing *listing = context;
    uint64_t first = 0;
    if (!wal_file_name_parse(str_of(name), &first))
        return true;
    listing->least = listing->count == 0 ? first : MIN(listing->least, first);
    listing->count++;
    return true;
}

static void positions_forget(struct spool *spool)
{
    map_free(spool->positions);
    spool->positions = map_new(SPOOL_POSITIONS_MAX, spool->options.number);
}

static enum rc state_save(struct spool *spool, struct err *err)
{
    struct buf bytes;
    spool->state.end = wal_durable(spool->wal);
    struct spool_state state = spool->state;
    state.durable = MIN(state.durable, state.end);
    ASSERT(state.covered <= state.end);
    buf_init(&bytes, SPOOL_STATE_MAX);
    spool_state_write(&state, spool->positions, &bytes);
    enum rc rc = bytes.overflow ? err_set(err, RC_LIMIT, "no memory for the spool's state")
                                : file_replace(spool->io, spool->folder, SPOOL_STATE_NAME, buf_view(&bytes), err);
    buf_done(&bytes);
    return rc;
}

/* RC_NOT_FOUND, RC_CORRUPT: there is none to be believed. */
static enum rc state_load(struct spool *spool, struct err *err)
{
    struct str bytes;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(SPOOL_STATE_MAX + 65536);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for the spool's state");
    enum rc rc = file_load(spool->io, spool->folder, SPOOL_STATE_NAME, SPOOL_STATE_MAX, arena, &bytes, err);
    if (rc == RC_OK)
        rc = spool_state_read(bytes, &spool->state, spool->positions, err);
    if (rc == RC_CORRUPT) {
        spool->state = (struct spool_state){0};
        positions_forget(spool);
    }
    return rc;
}

static enum rc frames_open(struct spool *spool, uint64_t first, struct err *err)
{
    struct wal_options options = {
        .file_size = spool->options.file_size,
        .first = first,
        .known_size = spool->state.end,
        .keep_damaged = true,
        .each = frame_found,
        .context = spool,
    };
    memcpy(options.uuid, UUID, sizeof options.uuid);
    return wal_open(spool->io, spool->folder, &options, &spool->wal, err);
}

static void unlink_file(void *context, const char *name)
{
    struct spool *spool = context;
    IGNORE(spool->io->unlink(spool->io->self, spool->folder, name) < 0); /* the next start tries again */
}

/* Judges what is there. `first` is where the frames begin to matter. */
static const char *loss_judge(const struct spool *spool, enum rc loaded, const struct listing *files,
                              uint64_t *ret_first)
{
    *ret_first = spool->state.covered;
    if (loaded != RC_OK) {
        *ret_first = files->least; /* 0 without files */
        if (loaded == RC_NOT_FOUND && spool->options.known == 0)
            return NULL; /* the first start, or the first was cut short */
        return files->count ? "the spool's state is gone" : "the spool is gone";
    }
    if (files->count == 0) {
        *ret_first = spool->state.end;
        return "the spool's files are gone";
    }
    if (files->least > spool->state.covered) {
        *ret_first = files->least;
        return "the spool's first files are gone";
    }
    return NULL;
}

/* A position may be of records that are gone, before the frames that are left or behind them: all are forgotten. */
static enum rc loss_take(struct spool *spool, const char *loss, uint64_t first, struct err *err)
{
    wal_close(spool->wal);
    spool->wal = NULL;
    spool->state = (struct spool_state){.spool = spool->options.number, .covered = first};
    spool->loss = loss;
    enum rc rc = frames_open(spool, first, err);
    positions_forget(spool);
    if (rc == RC_OK && !spool->positions)
        rc = err_set(err, RC_LIMIT, "no memory for the spool");
    spool->state.durable = first;
    if (rc == RC_OK)
        rc = wal_sync(spool->wal, err);
    return rc == RC_OK ? state_save(spool, err) : rc;
}

static enum rc spool_recover(struct spool *spool, struct err *err)
{
    struct listing files = {0};
    uint64_t first = 0;
    enum rc loaded = state_load(spool, err);
    if (loaded != RC_OK && loaded != RC_NOT_FOUND && loaded != RC_CORRUPT)
        return loaded;
    if (!spool->positions)
        return err_set(err, RC_LIMIT, "no memory for the spool");
    int result = spool->io->list(spool->io->self, spool->folder, list_file, &files);
    if (result < 0)
        return err_errno(err, -result, "could not list the spool's folder");
    const char *loss = loss_judge(spool, loaded, &files, &first);
    if (loss || loaded != RC_OK) /* lost, or the first of this agent */
        return loss_take(spool, loss, first, err);
    enum rc rc = frames_open(spool, first, err);
    if (rc != RC_OK)
        return rc;
    if (wal_recovered(spool->wal).damaged || wal_end(spool->wal) < spool->state.end)
        return loss_take(spool, "the spool was damaged", first, err);
    /* Numbers of frames that a power cut took are given anew. */
    spool->state.durable = MIN(spool->state.durable, wal_end(spool->wal));
    spool->state.durable = MAX(spool->options.known ? spool->state.durable : 0, spool->state.covered);
    if (spool->state.durable > spool->state.covered)
        spool->pairs[spool->pair_count++] = (struct pair){spool->state.durable, spool->state.size};
    wal_release(spool->wal, spool->state.covered, unlink_file, spool);
    return RC_OK;
}

enum rc spool_open(const struct io *io, int folder, const struct spool_options *options, struct spool **ret_spool,
                   struct err *err)
{
    ASSERT(options->number != 0);
    struct spool *spool = memory_new(sizeof *spool);
    if (!spool)
        return err_set(err, RC_LIMIT, "no memory for the spool");
    spool->io = io;
    spool->folder = folder;
    spool->options = *options;
    spool->options.size_max = options->size_max ? options->size_max : SPOOL_SIZE;
    spool->options.file_size = options->file_size ? options->file_size : SPOOL_FILE_SIZE;
    spool->batch_max = MIN(SPOOL_BATCH, (size_t)spool->options.file_size / 4);
    spool->positions = map_new(SPOOL_POSITIONS_MAX, options->number);
    buf_init(&spool->pending, PENDING_LIMIT);
    enum rc rc = spool->positions ? spool_recover(spool, err) : err_set(err, RC_LIMIT, "no memory for the spool");
    if (rc == RC_OK)
        *ret_spool = spool;
    else
        spool_close(spool);
    return rc;
}

void spool_close(struct spool *spool)
{
    if (!spool)
        return;
    wal_reader_free(spool->reader);
    wal_close(spool->wal);
    map_free(spool->positions);
    buf_done(&spool->pending);
    memory_free(spool);
}

const char *spool_loss(const struct spool *spool)
{
    return spool->loss;
}

/* ---- putting ---- */

static uint64_t bytes_used(const struct spool *spool)
{
    uint64_t file_size = (uint64_t)spool->options.file_size;
    return (wal_file_count(spool->wal) - 1) * file_size + file_size - MIN(file_size, wal_room(spool->wal));
}

/* Whether a frame with so many bytes of payload may still be appended. */
static bool frame_fits(const struct spool *spool, size_t payload)
{
    uint64_t files_max = MAX(spool->options.size_max / (uint64_t)spool->options.file_size, UINT64_C(2));
    return payload <= wal_room(spool->wal) || (wal_file_count(spool->wal) < files_max && spool->full_ns == 0);
}

bool spool_takes(const struct spool *spool, enum spool_class class)
{
    size_t pending = spool->pending.n;
    if (pending >= spool->batch_max && !frame_fits(spool, pending))
        return false;
    if (class == SPOOL_PUSH)
        return frame_fits(spool, pending + 4096);
    uint64_t limit = spool->options.size_max / 100 * SPOOL_PULL_LIMIT;
    return bytes_used(spool) + pending < limit && frame_fits(spool, pending + spool->batch_max);
}

static void group_forget(struct spool *spool)
{
    delivery_batch_end(&spool->writer);
    spool->group.count = 0;
}

/* RC_AGAIN: the disk or the ring is full. RC_IO: the log is dead. */
static enum rc pending_append(struct spool *spool, struct err *err)
{
    if (spool->writer.records == 0)
        return RC_OK;
    group_forget(spool);
    ASSERT(!spool->pending.overflow);
    struct str batch = str_skip(buf_view(&spool->pending), WAL_FRAME_HEADER);
    if (!frame_fits(spool, batch.n))
        return RC_AGAIN;
    enum rc rc =
        wal_append(spool->wal, wal_end(spool->wal), spool->writer.records, spool->pending.p, spool->pending.n, err);
    if (rc != RC_OK && wal_sync(spool->wal, err) == RC_OK) {
        spool->full_ns = MAX(spool->pending_since_ns, UINT64_C(1));
        return RC_AGAIN;
    }
    if (rc != RC_OK)
        return RC_IO;
    batch_walk(batch, position_take, spool);
    spool->unsynced += batch.n;
    spool->writer.records = 0;
    buf_clear(&spool->pending);
    return RC_OK;
}

static bool continues(const struct spool *spool, const struct spool_record *record)
{
    const struct delivery_group *group = &spool->group;
    return group->count > 0 && !record->flags && !group->flags && group->stream == record->stream &&
           group->epoch == record->epoch && group->sequence + group->count == record->sequence &&
           str_eq(str_at(spool->group_name, group->name.n), record->name);
}

static void batch_begin(struct spool *spool, uint64_t now_boot_ns)
{
    static const char header[WAL_FRAME_HEADER];
    buf_clear(&spool->pending);
    buf_put(&spool->pending, header, sizeof header);
    delivery_batch_begin(&spool->writer, &spool->pending);
    spool->group.count = 0;
    spool->pending_since_ns = now_boot_ns;
}

static void group_begin(struct spool *spool, const struct spool_record *record)
{
    spool->group = (struct delivery_group){.stream = record->stream,
                                           .flags = record->flags,
                                           .epoch = record->epoch,
                                           .sequence = record->sequence,
                                           .read_ns = record->read_ns,
                                           .name = record->name};
    if (record->name.n)
        memcpy(spool->group_name, record->name.p, record->name.n);
    delivery_group_begin(&spool->writer, &spool->group);
}

bool spool_put(struct spool *spool, const struct spool_record *record, enum spool_class class, uint64_t now_boot_ns)
{
    size_t need = GROUP_HEAD + record->name.n + record->bytes.n;
    ASSERT(record->name.n <= DELIVERY_NAME_MAX && record->bytes.n <= DELIVERY_RECORD_MAX && record->sequence > 0);
    if (!spool_takes(spool, class))
        return false;
    bool full = spool->pending.n + need > spool->batch_max || spool->writer.records == DELIVERY_RECORDS_MAX;
    if (spool->writer.records > 0 && full && pending_append(spool, NULL) != RC_OK)
        return false; /* a dead log is met by spool_step */
    if (!frame_fits(spool, spool->pending.n + need))
        return false;
    if (spool->writer.records == 0)
        batch_begin(spool, now_boot_ns);
    if (!continues(spool, record))
        group_begin(spool, record);
    delivery_record(&spool->writer, record->bytes);
    spool->group.count++;
    ASSERT(!spool->pending.overflow);
    return true;
}

uint64_t spool_high(struct spool *spool, uint8_t stream, uint64_t epoch, struct str name)
{
    uint64_t high = spool_position_get(spool->positions, stream, epoch, name);
    struct delivery_group group;
    struct str bytes;
    if (spool->writer.records == 0)
        return high;
    group_forget(spool); /* so that its count stands in the batch; the next record begins another */
    struct reader reader = reader_of(str_skip(buf_view(&spool->pending), WAL_FRAME_HEADER));
    while (delivery_read_group(&reader, &group)) {
        if (has_position(&group) && group.stream == stream && group.epoch == epoch && str_eq(group.name, name))
            high = MAX(high, group.sequence + group.count - 1);
        for (uint32_t i = 0; i < group.count; i++)
            IGNORE(delivery_read_record(&reader, &bytes)); /* ours: it reads */
    }
    return high;
}

enum rc spool_step(struct spool *spool, uint64_t now_boot_ns, bool urgent, struct err *err)
{
    if (spool->full_ns && now_boot_ns - spool->full_ns >= RETRY_NS)
        spool->full_ns = 0;
    bool due =
        urgent || spool->pending.n >= spool->batch_max || now_boot_ns - spool->pending_since_ns >= SPOOL_BATCH_NS;
    if (spool->writer.records > 0 && due) {
        enum rc rc = pending_append(spool, err);
        if (rc == RC_IO)
            return rc;
        if (rc == RC_AGAIN && spool->full_ns)
            spool->full_ns = MAX(now_boot_ns, UINT64_C(1));
    }
    due = urgent || spool->unsynced >= SPOOL_BATCH || now_boot_ns - spool->synced_ns >= SPOOL_SYNC_NS;
    if (wal_end(spool->wal) == wal_durable(spool->wal) || !due)
        return RC_OK;
    spool->synced_ns = now_boot_ns;
    spool->unsynced = 0;
    return wal_sync(spool->wal, err);
}

int spool_timeout_ms(const struct spool *spool, uint64_t now_boot_ns)
{
    uint64_t at_ns = UINT64_MAX;
    if (spool->writer.records > 0)
        at_ns = frame_fits(spool, spool->pending.n) ? spool->pending_since_ns + SPOOL_BATCH_NS : now_boot_ns + RETRY_NS;
    if (wal_end(spool->wal) != wal_durable(spool->wal))
        at_ns = MIN(at_ns, spool->synced_ns + SPOOL_SYNC_NS);
    if (at_ns == UINT64_MAX)
        return -1;
    return at_ns <= now_boot_ns ? 0 : (int)MIN((at_ns - now_boot_ns) / 1000000 + 1, UINT64_C(60000));
}

enum rc spool_save(struct spool *spool, struct err *err)
{
    enum rc rc = pending_append(spool, err);
    if (rc == RC_IO)
        return rc;
    rc = wal_sync(spool->wal, err); /* positions are of appended frames: they must be on the disk first */
    if (rc != RC_OK)
        return rc;
    return state_save(spool, err) == RC_OK ? RC_OK : RC_AGAIN; /* the old state is whole */
}

/* ---- sending ---- */

enum rc spool_rewind(struct spool *spool, struct err *err)
{
    wal_reader_free(spool->reader);
    spool->holding = false;
    spool->files_given = 0;
    uint64_t from = MAX(spool->state.durable, spool->state.covered);
    spool->reader = wal_reader_new(spool->io, (const uint8_t *)UUID, from);
    return spool->reader ? RC_OK : err_set(err, RC_LIMIT, "no memory to read the spool");
}

/* Gives the reader the files that it has not got, opened anew: it closes them by itself. */
static enum rc files_give(struct spool *spool, struct err *err)
{
    size_t count = wal_file_count(spool->wal);
    uint64_t from = wal_reader_position(spool->reader);
    for (size_t i = 0; i < count; i++) {
        struct wal_file file = wal_file_at(spool->wal, i);
        bool read = i + 1 < count && file.end <= from;
        if (file.first < spool->files_given || read)
            continue;
        int fd = spool->io->open(spool->io->self, spool->folder, file.name, IO_READ);
        if (fd < 0)
            return err_errno(err, -fd, "could not open spool file \"%s\"", file.name);
        enum rc rc = wal_reader_add(spool->reader, fd, err);
        if (rc != RC_OK)
            return rc;
        spool->files_given = file.first + 1;
    }
    return RC_OK;
}

enum rc spool_peek(struct spool *spool, struct spool_frame *ret_frame, struct err *err)
{
    ASSERT(spool->reader != NULL);
    if (!spool->holding) {
        enum rc rc = files_give(spool, err);
        if (rc == RC_OK)
            rc = wal_reader_next(spool->reader, wal_end(spool->wal), &spool->held, err);
        if (rc == RC_END)
            return RC_AGAIN;
        if (rc != RC_OK)
            return rc;
        spool->holding = true;
    }
    *ret_frame = (struct spool_frame){spool->held.first, spool->held.count, spool->held.payload};
    return RC_OK;
}

void spool_pass(struct spool *spool)
{
    ASSERT(spool->holding);
    spool->holding = false;
}

uint64_t spool_next(const struct spool *spool)
{
    ASSERT(spool->reader != NULL);
    return spool->holding ? spool->held.first : wal_reader_position(spool->reader);
}

bool spool_durable(struct spool *spool, uint64_t number, uint64_t size)
{
    if (number > spool_next(spool))
        return false;
    if (number <= spool->state.durable)
        return true;
    struct pair *last = spool->pair_count ? &spool->pairs[spool->pair_count - 1] : NULL;
    size = MAX(size, last ? last->size : spool->state.size); /* of an archive that was cut the later size is believed */
    if (spool->pair_count == PAIRS_MAX)
        *last = (struct pair){number, size}; /* the later promise holds for the earlier records too */
    else
        spool->pairs[spool->pair_count++] = (struct pair){number, size};
    spool->state.durable = number;
    spool->state.size = size;
    return true;
}

enum rc spool_covered(struct spool *spool, uint64_t size, struct err *err)
{
    size_t passed = 0;
    uint64_t covered = spool->state.covered;
    while (passed < spool->pair_count && spool->pairs[passed].size <= size)
        covered = spool->pairs[passed++].number;
    memmove(spool->pairs, spool->pairs + passed, (spool->pair_count - passed) * sizeof *spool->pairs);
    spool->pair_count -= passed;
    bool frees = wal_file_count(spool->wal) > 1 && wal_file_at(spool->wal, 0).end <= covered;
    if (!frees) {
        spool->state.covered = covered;
        return RC_OK;
    }
    enum rc rc = wal_sync(spool->wal, err);
    if (rc != RC_OK)
        return rc;
    spool->state.covered = covered;
    rc = state_save(spool, err);
    if (rc != RC_OK)
        return RC_AGAIN; /* the old state is whole; tried again when more is covered */
    wal_release(spool->wal, covered, unlink_file, spool);
    return RC_OK;
}

struct spool_facts spool_facts(const struct spool *spool)
{
    return (struct spool_facts){
        .number = spool->state.spool,
        .taken = wal_end(spool->wal) + spool->writer.records,
        .end = wal_end(spool->wal),
        .synced = wal_durable(spool->wal),
        .durable = MAX(spool->state.durable, spool->state.covered),
        .covered = spool->state.covered,
        .bytes = bytes_used(spool),
        .size_max = spool->options.size_max,
        .disk_full = spool->full_ns != 0,
    };
}
