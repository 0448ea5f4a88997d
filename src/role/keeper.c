/* keeper.c - the only writer of the archive: records in, one sync for many batches, then acknowledgements.
 *
 *   BATCH, RECORD ──► archive_append ──► (1 MiB, or 5 ms old, or nothing more waits) archive_commit
 *        ──► ACK, RECORD_KEPT ──► DURABLE to engines ──► once a second SIGN ──► checkpoint stored
 *   BLOCK ──► archive_block ──► archive_seal_step, ten milliseconds at a time ──► DROP to the reaper
 *
 * A failed write or sync ends the process: the parent starts it anew and opening is recovery. */
#include "archive/block.h"
#include "archive/writer.h"
#include "base/assert.h"
#include "codec/json.h"
#include "msg/batch.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "role/keep.h"
#include "role/log.h"
#include "role/outside.h"
#include "role/retire.h"
#include "role/roles.h"
#include "tlog/checkpoint.h"
#include "tlog/signer.h"
#include "wal/lock.h"
#include "wal/wal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT_AGE_NS   UINT64_C(5000000)
#define COMMIT_BYTES    ((size_t)1 << 20)
#define HEARTBEAT_NS    UINT64_C(10000000000)
#define CHECKPOINT_NS   UINT64_C(1000000000)
#define SIGN_PATIENCE   UINT64_C(10000000000)
#define LAST_WORDS_NS   UINT64_C(2000000000)
#define RETAIN_NS       UINT64_C(60000000000)
#define WAITING_MAX     4096
#define RECORDS_AT_ONCE 4096
#define ENGINES_MAX     64
#define CRASHES_MAX     2
#define RESUME_NS       UINT64_C(500000000) /* before blocks are asked for again, doubled each time */
#define CLOCK_STEP_NS   INT64_C(100000000)
#define DESK_EPOCH      1

static const uint8_t desk_source[16] = "qorgan desk";

enum waiting_kind { WAIT_BATCH, WAIT_RECORD };

/* Something to be told once the present frame is durable. */
struct waiting {
    enum waiting_kind kind;
    enum role role;
    unsigned instance;
    uint64_t id;
    uint64_t added;
    uint64_t known;
    uint64_t record;
};

/* An engine's share: what it was handed, and the record it worked on when it died. */
struct share {
    uint64_t log_sent; /* first number of the newest log file it was handed + 1; 0 = none */
    size_t sources_sent;
    uint64_t *progress; /* shared memory: the record it works on, plus one */
    int progress_fd;
    uint64_t died_at;                  /* the same, when it died last */
    unsigned deaths;                   /* in a row at that record */
    uint64_t set_aside[MSG_ASIDE_MAX]; /* a ring: one record must not bring back another that killed before it */
    size_t set_aside_count;            /* ever */
};

struct keeper {
    uint64_t filter_key[2]; /* random, of the segments made until the next start */
    struct process *process;
    int folder;
    struct archive *archive;
    struct vault *vault; /* master keys; NULL: encryption is off */
    struct arena *scratch;
    struct archive_record *records;
    struct waiting waiting[WAITING_MAX];
    size_t waiting_count;
    uint64_t dirty_ns; /* when the oldest uncommitted record came; 0 = clean */
    size_t dirty_bytes;
    uint64_t heartbeat_ns;
    uint64_t sign_asked_ns; /* 0 = no answer awaited */
    uint64_t signed_ns;
    uint64_t retained_ns;
    uint64_t rotated_ns;
    uint64_t signed_size;
    int64_t checkpoint_real_ns;
    uint8_t own_source[16];
    uint64_t epoch;
    uint64_t sequence;
    struct outside *outside; /* witnesses and time stamps */
    struct keep keep;        /* how long records are kept */
    char keep_error[ERR_TEXT_MAX];
    struct retire *retire; /* segments that go */
    struct share shares[ENGINES_MAX];
    unsigned share_count;
    struct buf text;
    bool sealing;
    uint64_t generation;     /* of the blocks that are collected: raised when they are thrown away */
    uint64_t plain_until;    /* records below are to come uncut: their segment was refused */
    unsigned refused;        /* in a row */
    uint64_t resume_ns;      /* when engines are to send again what was thrown away; 0 = nothing was */
    bool sources_full;       /* told once */
    int64_t clock_offset_ns; /* wall clock less boot clock, a second ago */
    char wanted_drop[WAITING_MAX / 64][WAL_NAME_MAX];
    size_t wanted_drop_count;
};

_Noreturn static void give_up(const char *what, const struct err *err)
{
    log_error("%s: %s; the process stops, the next start recovers", what, err->text);
    /* No clean-up: after a failed write the only safe state is the one on disk. */
    _Exit(EXIT_FAILURE);
}

/* A record of the archive itself: start, stop, heartbeat... It is durable with the next commit. */
static void own_record(struct keeper *keeper, uint32_t type, struct str body)
{
    struct archive_record record = {
        .type = type,
        .transport = TRANSPORT_INTERNAL,
        .epoch = keeper->epoch,
        .sequence = ++keeper->sequence,
        .received_ns = clock_real_ns(),
        .received_boot_ns = clock_boot_ns(),
        .raw = body,
    };
    record.time_ns = record.received_ns;
    memcpy(record.source, keeper->own_source, sizeof record.source);
    struct archive_appended appended = {0};
    struct err err = {0};
    enum rc rc = archive_append(keeper->archive, &record, 1, &appended, &err);
    if (rc == RC_IO)
        give_up("could not append", &err);
    if (rc != RC_OK)
        log_error("a lifecycle record was refused: %s", err.text);
    if (!keeper->dirty_ns)
        keeper->dirty_ns = clock_boot_ns();
}

/* Members come between, into the returned text. */
static struct buf *own_event_begin(struct keeper *keeper, const char *event)
{
    buf_clear(&keeper->text);
    json_write_object(&keeper->text);
    json_put_text(&keeper->text, "event", event);
    return &keeper->text;
}

static void own_event_end(struct keeper *keeper)
{
    json_write_object_end(&keeper->text);
    own_record(keeper, LEAF_LIFECYCLE, buf_view(&keeper->text));
}

static void own_event(struct keeper *keeper, const char *event)
{
    json_put_u64(own_event_begin(keeper, event), "size", archive_size(keeper->archive));
    own_event_end(keeper);
}

static void recovery_record(struct keeper *keeper, const struct archive_recovered *recovered)
{
    struct buf *text = own_event_begin(keeper, "recovery");
    json_put_text(text, "origin", archive_origin(keeper->archive));
    json_put_bool(text, "created", recovered->created);
    json_put_bool(text, "new_instance", recovered->new_instance);
    json_put_u64(text, "size", recovered->size);
    json_put_u64(text, "sealed", recovered->sealed);
    json_put_u64(text, "torn_bytes", recovered->torn_bytes);
    json_put_u64(text, "checkpoint_size", recovered->checkpoint_size);
    json_put_int(text, "last_ns", recovered->last_ns);
    own_event_end(keeper);
}

/* The wall clock against the one that never steps: what moved by more than CLOCK_STEP_NS was set by someone. */
static void clock_watch(struct keeper *keeper, int64_t real_ns, uint64_t boot_ns)
{
    int64_t offset = real_ns - (int64_t)boot_ns;
    int64_t step = keeper->clock_offset_ns ? offset - keeper->clock_offset_ns : 0;
    keeper->clock_offset_ns = offset;
    if (step > -CLOCK_STEP_NS && step < CLOCK_STEP_NS)
        return;
    log_warning("the clock was set by %lld ms", (long long)(step / 1000000));
    struct buf *text = own_event_begin(keeper, "clock.step");
    json_put_int(text, "step_ns", step);
    own_event_end(keeper);
}

static uint64_t outside_record(void *context, struct str body)
{
    struct keeper *keeper = context;
    uint64_t number = archive_size(keeper->archive);
    own_record(keeper, LEAF_LIFECYCLE, body);
    return number;
}

static uint64_t retire_record(void *context, uint32_t type, struct str body)
{
    struct keeper *keeper = context;
    uint64_t number = archive_size(keeper->archive);
    own_record(keeper, type, body);
    return archive_size(keeper->archive) > number ? number : 0;
}

static bool retire_send(void *context, enum role to, enum msg_type type, uint64_t id, struct str body)
{
    (void)context;
    struct channel *peer = process_peer(to, 0);
    return peer && channel_send(peer, type, id, body);
}

static enum rc retire_open(struct keeper *keeper, struct err *err)
{
    struct retire_options options = {
        .archive = keeper->archive,
        .keep = &keeper->keep,
        .pending_max = (size_t)4 * RETIRE_SEGMENTS_MAX,
        .witnesses = outside_has_witnesses(keeper->outside),
        .send = retire_send,
        .record = retire_record,
        .give_up = give_up,
        .context = keeper,
    };
    struct err reason = {0};
    /* Whoever set too few days was refused at the start; without the table nothing is deleted, and all else goes on. */
    if (keep_parse(&keeper->process->config, process_secret("retention-law"), clock_real_ns(), &keeper->keep, &reason))
        snprintf(keeper->keep_error, sizeof keeper->keep_error, "%s", reason.text);
    options.keep_error = str_of(keeper->keep_error);
    keeper->retire = retire_new(&options);
    return keeper->retire ? RC_OK : err_set(err, RC_LIMIT, "no memory");
}

static enum rc outside_open(struct keeper *keeper, struct err *err)
{
    struct outside_options options = {
        .process = keeper->process,
        .archive = keeper->archive,
        .record = outside_record,
        .give_up = give_up,
        .context = keeper,
    };
    return outside_new(&options, &keeper->outside, err);
}

static enum rc keeper_open(struct keeper *keeper, struct err *err)
{
    struct config *config = &keeper->process->config;
    struct archive_options options = {
        .site = config->site.p,
        .wal_file_size = config->log_file_mib << 20,
        .seed = random_u64(),
        .now_ns = clock_real_ns(),
        .now_boot_ns = clock_boot_ns(),
        .vault = keeper->vault,
        .new_instance = process_handle(keeper->process, "new-instance", -1) >= 0,
    };
    if (!hex_decode(process_secret("origin-uuid"), options.new_uuid, sizeof options.new_uuid))
        return err_set(err, RC_INVALID, "the parent gave no origin");
    struct signer_state last = {0};
    if (process_secret("signed-last").n) {
        enum rc parsed = signer_state_parse(process_secret("signed-last"), &last, err);
        if (parsed != RC_OK)
            return parsed;
        options.signed_origin = str_of(last.origin);
        options.signed_head = last.head;
    }
    struct archive_recovered recovered = {0};
    enum rc rc = archive_open(&io_kernel, keeper->folder, &options, &keeper->archive, &recovered, err);
    if (rc != RC_OK)
        return rc;
    log_info("archive \"%s\": %llu records, %llu sealed, %llu torn bytes cut", archive_origin(keeper->archive),
             (unsigned long long)recovered.size, (unsigned long long)recovered.sealed,
             (unsigned long long)recovered.torn_bytes);
    if (recovered.new_instance)
        log_error("a new instance of the archive began: \"%s\"; its incident record says why",
                  archive_origin(keeper->archive));
    keeper->signed_size = recovered.checkpoint_size;
    keeper->epoch = random_u64();
    /* The archive's own source; all others are introduced by their first batch. */
    struct event_source own = {.kind = STR("internal"), .name = STR("qorgan")};
    rc = archive_source(keeper->archive, &own, options.now_ns, options.now_boot_ns, err);
    if (rc == RC_OK)
        recovery_record(keeper, &recovered);
    rc = rc == RC_OK ? outside_open(keeper, err) : rc;
    return rc == RC_OK ? retire_open(keeper, err) : rc;
}

static enum rc keeper_start(struct process *process, void **ret_self, struct err *err)
{
    struct keeper *keeper = memory_new(sizeof *keeper);
    if (!keeper)
        return err_set(err, RC_LIMIT, "no memory");
    keeper->process = process;
    keeper->filter_key[0] = random_u64();
    keeper->filter_key[1] = random_u64();
    keeper->folder = process_handle(process, "archive", -1);
    keeper->scratch = arena_new((size_t)64 << 20);
    keeper->records = memory_new(RECORDS_AT_ONCE * sizeof *keeper->records);
    buf_init(&keeper->text, 65536);
    ASSERT(keeper->folder >= 0 && keeper->scratch && keeper->records);
    memset(keeper->own_source, 0, sizeof keeper->own_source);
    keeper->share_count = process->config.engines > 0 ? (unsigned)MIN(process->config.engines, ENGINES_MAX) : 1;
    for (unsigned i = 0; i < keeper->share_count; i++) {
        keeper->shares[i].progress_fd = proc_memory_fd("qorgan-progress", 4096);
        keeper->shares[i].progress =
            keeper->shares[i].progress_fd < 0 ? NULL : proc_map(keeper->shares[i].progress_fd, 4096);
        if (!keeper->shares[i].progress)
            return err_set(err, RC_IO, "could not share memory with the engines");
    }
    *ret_self = keeper;
    return process_vault(&keeper->vault, err);
}

static void keeper_begin(void *self)
{
    struct keeper *keeper = self;
    struct err err = {0};
    if (keeper_open(keeper, &err) != RC_OK) {
        log_error("could not open the archive: %s", err.text);
        process_stop(EXIT_FAILURE);
        return;
    }
    keeper->rotated_ns = clock_boot_ns();
    own_event(keeper, "start");
}

/* ---- telling what is durable ---- */

static void tell(const struct waiting *waiting, uint64_t durable)
{
    struct channel *channel = process_peer(waiting->role, waiting->instance);
    if (!channel)
        return; /* it will send again, and the archive will know the records */
    char storage[32];
    struct buf body;
    buf_init_fixed(&body, storage, sizeof storage);
    bool sent;
    if (waiting->kind == WAIT_BATCH) {
        buf_be64(&body, durable);
        buf_be64(&body, waiting->added);
        buf_be64(&body, waiting->known);
        sent = channel_send(channel, MSG_ACK, waiting->id, buf_view(&body));
    } else {
        buf_be64(&body, waiting->record);
        sent = channel_send(channel, MSG_RECORD_KEPT, waiting->id, buf_view(&body));
    }
    if (!sent)
        log_warning("%s %u does not take its acknowledgements", msg_role_name(waiting->role), waiting->instance);
}

static void share_feed(struct keeper *keeper, unsigned i);

static void commit(struct keeper *keeper)
{
    if (!keeper->dirty_ns && !keeper->waiting_count)
        return;
    uint64_t durable = 0;
    struct err err = {0};
    if (archive_commit(keeper->archive, &durable, &err) != RC_OK)
        give_up("could not make records durable", &err);
    for (size_t i = 0; i < keeper->waiting_count; i++)
        tell(&keeper->waiting[i], durable);
    keeper->waiting_count = 0;
    keeper->dirty_ns = 0;
    keeper->dirty_bytes = 0;
    for (unsigned i = 0; i < keeper->share_count; i++)
        share_feed(keeper, i);
}

static void wait_for_commit(struct keeper *keeper, const struct waiting *waiting)
{
    if (keeper->waiting_count == WAITING_MAX)
        commit(keeper);
    keeper->waiting[keeper->waiting_count++] = *waiting;
}

/* ---- records in ---- */

static void source_know(struct keeper *keeper, const struct batch_group *group)
{
    struct err err = {0};
    struct event_source source = {.kind = group->kind, .name = group->name};
    memcpy(source.id, group->source_id, sizeof source.id);
    /* Past the bound nothing is remembered: an introduction would be written again with every batch. */
    if (archive_source_count(keeper->archive) >= ARCHIVE_SOURCES_MAX &&
        !archive_source_known(keeper->archive, group->source_id)) {
        if (!keeper->sources_full)
            log_warning("the archive knows %d sources: further ones stay without a name", ARCHIVE_SOURCES_MAX);
        keeper->sources_full = true;
        return;
    }
    enum rc rc = archive_source(keeper->archive, &source, group->received_real_ns, group->received_boot_ns, &err);
    if (rc == RC_IO)
        give_up("could not append", &err);
    if (rc != RC_OK)
        log_warning("source \"%.*s\" could not be introduced: %s", STR_ARG(group->name), err.text);
}

/* What only the archive itself and the desk may write as: a record of theirs under a high sequence would make the
 * archive take all their later ones for known. */
static bool source_reserved(const uint8_t source[16])
{
    static const uint8_t own[16];
    return memcmp(source, own, sizeof own) == 0 || memcmp(source, desk_source, sizeof desk_source) == 0;
}

/* Appends what is gathered. A full disk is waited for by the peer: the keeper stops and is started again. */
static void append(struct keeper *keeper, size_t count, struct waiting *waiting)
{
    struct archive_appended appended = {0};
    struct err err = {0};
    enum rc rc = archive_append(keeper->archive, keeper->records, count, &appended, &err);
    /* Acknowledging what was not taken would lose it. */
    if (rc != RC_OK)
        give_up("could not append", &err);
    waiting->added += appended.taken;
    waiting->known += appended.duplicates;
    waiting->record = appended.first;
    if (!keeper->dirty_ns)
        keeper->dirty_ns = clock_boot_ns();
}

static bool group_append(struct keeper *keeper, struct reader *reader, const struct batch_group *group,
                         struct waiting *waiting)
{
    size_t n = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        struct archive_record *record = &keeper->records[n];
        *record = (struct archive_record){
            .type = (group->flags & BATCH_GAP) ? LEAF_GAP : LEAF_RAW,
            .transport = group->transport,
            .epoch = group->epoch,
            .sequence = group->sequence + i,
            .received_ns = group->received_real_ns,
            .received_boot_ns = group->received_boot_ns,
            .time_ns = group->source_time_ns,
            .clock_error_us = group->clock_error_us,
        };
        memcpy(record->source, group->source_id, sizeof record->source);
        if (!batch_read_record(reader, &record->raw))
            return false;
        /* Who listens may tell of papers and verifications, and of nothing else that the archive would tell itself. */
        if ((group->flags & BATCH_PAPER) && batch_paper_begins(record->raw))
            record->type = LEAF_LIFECYCLE;
        if (++n == RECORDS_AT_ONCE) {
            append(keeper, n, waiting);
            n = 0;
        }
    }
    if (n)
        append(keeper, n, waiting);
    return true;
}

static void on_batch(struct keeper *keeper, struct channel *channel, const struct msg *msg)
{
    struct reader reader = reader_of(msg->body);
    struct waiting waiting = {
        .kind = WAIT_BATCH, .role = channel_peer(channel), .instance = channel_instance(channel), .id = msg->id};
    struct batch_group group;
    while (batch_read_group(&reader, &group)) {
        if (source_reserved(group.source_id)) {
            reader.failed = true;
            break;
        }
        source_know(keeper, &group);
        if (!group_append(keeper, &reader, &group, &waiting))
            break;
    }
    if (!reader_done(&reader)) {
        log_error("a batch of %s %u is damaged", msg_role_name(waiting.role), waiting.instance);
        return; /* not acknowledged */
    }
    wait_for_commit(keeper, &waiting);
    keeper->dirty_bytes += msg->body.n;
    if (keeper->dirty_bytes >= COMMIT_BYTES)
        commit(keeper);
}

static void on_high_ask(struct keeper *keeper, struct channel *channel, const struct msg *msg)
{
    struct reader reader = reader_of(msg->body);
    uint8_t source[16];
    read_copy(&reader, source, sizeof source);
    uint64_t epoch = read_be64(&reader);
    uint64_t sequence = 0;
    /* Who asks begins behind the answer: what it names must be durable. */
    commit(keeper);
    if (!reader_done(&reader) || !archive_highest(keeper->archive, source, epoch, &sequence))
        sequence = 0;
    uint8_t body[8];
    put_be64(body, sequence);
    IGNORE(channel_send(channel, MSG_HIGH, msg->id, str_at(body, 8))); /* gone: it will ask again */
}

/* What the desk, the collector, an engine or the parent tells: a lifecycle record. The desk's carry its own numbers as
 * sequence, so that one sent twice is kept once. */
static void on_record(struct keeper *keeper, struct channel *channel, const struct msg *msg)
{
    if (msg->type == MSG_LIFECYCLE) {
        /* An engine reads what strangers send: of all events it may tell only which rules and patterns it has. */
        if (channel_peer(channel) != ROLE_ENGINE || str_starts(msg->body, STR("{\"event\":\"rules\",")) ||
            str_starts(msg->body, STR("{\"event\":\"patterns\",")))
            own_record(keeper, LEAF_LIFECYCLE, msg->body);
        return;
    }
    static const struct str kind = STR_INIT("desk");
    struct batch_group group = {
        .kind = kind, .name = STR("desk"), .received_real_ns = clock_real_ns(), .received_boot_ns = clock_boot_ns()};
    memcpy(group.source_id, desk_source, sizeof desk_source);
    source_know(keeper, &group);
    struct waiting waiting = {
        .kind = WAIT_RECORD, .role = channel_peer(channel), .instance = channel_instance(channel), .id = msg->id};
    keeper->records[0] = (struct archive_record){
        .type = LEAF_LIFECYCLE,
        .transport = TRANSPORT_INTERNAL,
        .epoch = DESK_EPOCH,
        .sequence = msg->id,
        .received_ns = group.received_real_ns,
        .received_boot_ns = group.received_boot_ns,
        .time_ns = group.received_real_ns,
        .raw = msg->body,
    };
    memcpy(keeper->records[0].source, desk_source, sizeof desk_source);
    append(keeper, 1, &waiting);
    wait_for_commit(keeper, &waiting);
}

/* ---- engines ---- */

/* A file of the log and, when it is encrypted, the key of that file alone: engines hold no master key. */
static bool log_send(const struct keeper *keeper, struct channel *channel, const struct archive_log *log)
{
    uint8_t body[8 + WAL_LOCK_KEY];
    struct wal_lock *lock = NULL;
    struct err err = {0};
    size_t n = 8;
    put_be64(body, log->first);
    if (wal_lock_find(&io_kernel, log->fd, keeper->vault, &lock, &err) != RC_OK) {
        log_error("the log file of record %llu cannot be given to an engine: %s", (unsigned long long)log->first,
                  err.text);
        return false;
    }
    if (lock) {
        wal_lock_key(lock, body + n);
        n = sizeof body;
        wal_lock_free(lock);
    }
    bool sent = channel_send_fd(channel, MSG_LOG_FILE, 0, str_at(body, n), log->fd);
    secret_wipe(body, sizeof body);
    return sent;
}

static void share_feed(struct keeper *keeper, unsigned i)
{
    struct channel *channel = process_peer(ROLE_ENGINE, i);
    struct share *share = &keeper->shares[i];
    if (!channel)
        return;
    uint8_t body[16];
    size_t sources = archive_source_count(keeper->archive);
    for (; share->sources_sent < sources; share->sources_sent++) {
        struct archive_source_row row = archive_source_at(keeper->archive, share->sources_sent);
        buf_clear(&keeper->text);
        buf_put(&keeper->text, row.id, sizeof row.id);
        buf_be64(&keeper->text, (uint64_t)row.last_received_ns);
        buf_str(&keeper->text, row.kind);
        buf_char(&keeper->text, '\0');
        buf_str(&keeper->text, str_slice(row.name, 0, 7 * MSG_KIB));
        if (!channel_send(channel, MSG_SOURCE, 0, buf_view(&keeper->text)))
            return;
    }
    for (size_t k = 0; k < archive_log_count(keeper->archive); k++) {
        struct archive_log log = archive_log_at(keeper->archive, k);
        bool known = log.first < share->log_sent;
        if (!known && !log_send(keeper, channel, &log))
            return;
        share->log_sent = MAX(share->log_sent, log.first + 1);
    }
    put_be64(body, archive_durable(keeper->archive));
    put_be64(body + 8, (uint64_t)clock_real_ns());
    IGNORE(channel_send(channel, MSG_DURABLE, 0, str_at(body, sizeof body))); /* the next one says more */
}

/* A record that killed an engine twice is passed over from now on; the archive says so. */
static void share_set_aside(struct keeper *keeper, unsigned i)
{
    struct share *share = &keeper->shares[i];
    if (share->deaths < CRASHES_MAX)
        return;
    uint64_t record = share->died_at - 1;
    share->deaths = 0;
    share->set_aside[share->set_aside_count++ % MSG_ASIDE_MAX] = record;
    keeper->plain_until = MAX(keeper->plain_until, record + 1); /* it may be the encoder that died on it */
    log_error("record %llu killed engine %u twice and is set aside unparsed", (unsigned long long)record, i);
    struct buf *text = own_event_begin(keeper, "record.set_aside");
    json_put_u64(text, "record", record);
    json_put_text(text, "reason", "an engine died on it twice");
    own_event_end(keeper);
}

static void share_resume(struct keeper *keeper, unsigned i, struct channel *channel)
{
    struct share *share = &keeper->shares[i];
    share->log_sent = 0;
    share->sources_sent = 0;
    share_set_aside(keeper, i);
    char storage[60 + 8 * MSG_ASIDE_MAX];
    struct buf body;
    buf_init_fixed(&body, storage, sizeof storage);
    buf_put(&body, archive_uuid(keeper->archive), 16);
    buf_be64(&body, archive_share_next(keeper->archive, i));
    buf_be32(&body, i);
    buf_be32(&body, keeper->share_count);
    buf_be64(&body, keeper->filter_key[0]);
    buf_be64(&body, keeper->filter_key[1]);
    buf_be64(&body, keeper->plain_until);
    buf_be32(&body, keeper->refused > 1 ? BLOCK_PLAIN_ALONE : BLOCK_PLAIN_WHOLE);
    for (size_t k = 0; k < MIN(share->set_aside_count, (size_t)MSG_ASIDE_MAX); k++)
        buf_be64(&body, share->set_aside[k]);
    if (!channel_send_fd(channel, MSG_RESUME, keeper->generation, buf_view(&body), share->progress_fd))
        return;
    share_feed(keeper, i);
}

static void keeper_peer_up(void *self, struct channel *channel)
{
    struct keeper *keeper = self;
    if (channel_peer(channel) == ROLE_ENGINE && channel_instance(channel) < keeper->share_count && keeper->archive)
        share_resume(keeper, channel_instance(channel), channel);
    if (channel_peer(channel) == ROLE_SIGNER)
        keeper->sign_asked_ns = 0;
    for (size_t i = 0; i < keeper->wanted_drop_count && channel_peer(channel) == ROLE_REAPER; i++)
        IGNORE(channel_send(channel, MSG_DROP, 0, str_of(keeper->wanted_drop[i]))); /* asked again at its next start */
    if (channel_peer(channel) == ROLE_REAPER && keeper->retire)
        retire_reaper_up(keeper->retire);
    if (channel_peer(channel) == ROLE_PACKER && keeper->retire)
        retire_packer_up(keeper->retire);
}

static void keeper_peer_down(void *self, enum role role, unsigned instance)
{
    struct keeper *keeper = self;
    /* Its successor counts from one again: it must not be told what its predecessor sent. */
    size_t kept = 0;
    for (size_t i = 0; i < keeper->waiting_count; i++)
        if (keeper->waiting[i].role != role || keeper->waiting[i].instance != instance)
            keeper->waiting[kept++] = keeper->waiting[i];
    keeper->waiting_count = kept;
    if (role == ROLE_OUT && keeper->outside)
        outside_peer_down(keeper->outside);
    if (role != ROLE_ENGINE || instance >= keeper->share_count)
        return;
    struct share *share = &keeper->shares[instance];
    uint64_t at = *(volatile uint64_t *)share->progress;
    share->deaths = at && at == share->died_at ? share->deaths + 1 : (at ? 1u : 0u);
    share->died_at = at;
    *share->progress = 0;
}

/* What was collected is thrown away and asked for anew, uncut, a while later the more often it happens: nothing is lost
 * by it but time and size, for the records stay in the log. */
static void blocks_refuse(struct keeper *keeper)
{
    archive_blocks_drop(keeper->archive);
    keeper->generation++;
    keeper->plain_until = archive_durable(keeper->archive);
    keeper->refused++;
    uint64_t wait = RESUME_NS << MIN(keeper->refused, 12u);
    keeper->resume_ns = clock_boot_ns() + wait;
    struct buf *text = own_event_begin(keeper, "segment.refused");
    json_put_u64(text, "size", archive_size(keeper->archive));
    json_put_u64(text, "from", archive_sealed(keeper->archive));
    json_put_u64(text, "times", keeper->refused);
    own_event_end(keeper);
}

static void engines_resume(struct keeper *keeper)
{
    keeper->resume_ns = 0;
    keeper->generation++; /* one that began anew in the meantime sends its blocks again, too */
    for (unsigned i = 0; i < keeper->share_count; i++)
        if (process_peer(ROLE_ENGINE, i))
            share_resume(keeper, i, process_peer(ROLE_ENGINE, i));
}

static void on_block(struct keeper *keeper, struct channel *channel, const struct msg *msg)
{
    struct err err = {0};
    if (msg->id != keeper->generation || keeper->resume_ns)
        return; /* on its way when what was collected was thrown away, or before all are asked again */
    enum rc rc = archive_block(keeper->archive, channel_instance(channel), msg->body, &err);
    if (rc == RC_IO)
        give_up("could not store a block", &err);
    if (rc != RC_OK) {
        log_error("a block of engine %u was refused: %s; all are asked for again", channel_instance(channel), err.text);
        blocks_refuse(keeper);
    }
    keeper->sealing = true;
}

/* ---- sealing ---- */

static void on_release(void *context, const char *name)
{
    struct keeper *keeper = context;
    if (keeper->wanted_drop_count == ARRAY_LEN(keeper->wanted_drop)) {
        log_warning("the reaper is away: log file \"%s\" stays until the next start", name);
        return;
    }
    char *slot = keeper->wanted_drop[keeper->wanted_drop_count];
    if (!str_copy_z(str_of(name), slot, WAL_NAME_MAX))
        return;
    keeper->wanted_drop_count++;
    struct channel *reaper = process_peer(ROLE_REAPER, 0);
    if (reaper)
        IGNORE(channel_send(reaper, MSG_DROP, 0, str_of(name))); /* asked again when it comes back */
}

static void on_dropped(struct keeper *keeper, const struct msg *msg)
{
    struct str rest = msg->body;
    struct str name = str_cut(&rest, '\0');
    if (rest.n)
        log_warning("log file \"%.*s\" stays: %.*s", STR_ARG(name), STR_ARG(rest));
    for (size_t i = 0; i < keeper->wanted_drop_count; i++) {
        if (!str_is(name, keeper->wanted_drop[i]))
            continue;
        keeper->wanted_drop_count--;
        memmove(keeper->wanted_drop[i], keeper->wanted_drop[keeper->wanted_drop_count], WAL_NAME_MAX);
        return;
    }
}

static void seal(struct keeper *keeper)
{
    struct err err = {0};
    enum rc rc = archive_seal_step(keeper->archive, on_release, keeper, &err);
    if (rc == RC_OK) {
        log_info("a segment is sealed: %llu records are in segments",
                 (unsigned long long)archive_sealed(keeper->archive));
        keeper->refused = 0;
        own_event(keeper, "segment.sealed");
    } else if (rc == RC_NOT_FOUND) {
        keeper->sealing = false;
    } else if (rc != RC_AGAIN) {
        log_error("a segment %s: %s; its records stay in the log, it is made again",
                  rc == RC_CORRUPT ? "did not read back" : "could not be sealed", err.text);
        keeper->sealing = false;
        blocks_refuse(keeper);
    }
}

/* ---- checkpoints ---- */

static void sign_ask(struct keeper *keeper, uint64_t from)
{
    struct channel *signer = process_peer(ROLE_SIGNER, 0);
    uint64_t size = archive_durable(keeper->archive);
    if (!signer || size == 0 || from > size)
        return;
    struct tlog_hash root;
    struct tlog_path path = {0};
    struct err err = {0};
    enum rc rc = archive_root(keeper->archive, size, &root, &err);
    if (rc == RC_OK && from > 0)
        rc = archive_consistency(keeper->archive, from, size, &path, &err);
    if (rc != RC_OK) {
        log_error("no proof could be made for a checkpoint: %s", err.text);
        return;
    }
    const char *origin = archive_origin(keeper->archive);
    buf_clear(&keeper->text);
    buf_be64(&keeper->text, size);
    buf_put(&keeper->text, &root, sizeof root);
    buf_be16(&keeper->text, (uint16_t)strlen(origin));
    buf_text(&keeper->text, origin);
    buf_put(&keeper->text, path.hash, path.count * sizeof path.hash[0]);
    if (channel_send(signer, MSG_SIGN, size, buf_view(&keeper->text)))
        keeper->sign_asked_ns = clock_boot_ns();
}

static void on_signed(struct keeper *keeper, const struct msg *msg)
{
    uint64_t now = clock_boot_ns();
    bool retain = keeper->retained_ns == 0 || now - keeper->retained_ns >= RETAIN_NS;
    /* With a size like this its path does not prove it when its records are deleted (doc/format/folder.md). */
    uint64_t inside = msg->id % TLOG_GROUP;
    retain = retain && (inside == 0 || (inside & (inside - 1)) != 0);
    /* Those that are kept for ever are those that were shown outside. */
    retain = retain && (!outside_has_witnesses(keeper->outside) || outside_due(keeper->outside, now));
    struct err err = {0};
    enum rc rc = archive_checkpoint_store(keeper->archive, msg->body, retain, &err);
    keeper->sign_asked_ns = 0;
    if (rc == RC_IO)
        give_up("could not store a checkpoint", &err);
    if (rc != RC_OK) {
        log_error("a checkpoint was refused: %s", err.text);
        return;
    }
    keeper->signed_ns = now;
    keeper->signed_size = msg->id;
    keeper->checkpoint_real_ns = clock_real_ns();
    keeper->retained_ns = retain ? now : keeper->retained_ns;
    outside_signed(keeper->outside, msg->body, msg->id, retain, now);
    retire_signed(keeper->retire, msg->id, keeper->checkpoint_real_ns);
}

static void on_refused(struct keeper *keeper, const struct msg *msg)
{
    struct reader reader = reader_of(msg->body);
    uint64_t size = read_be64(&reader);
    keeper->sign_asked_ns = 0;
    /* It may have signed what a crash kept us from storing: prove from there. */
    if (size != keeper->signed_size && size <= archive_durable(keeper->archive)) {
        keeper->signed_size = size;
        sign_ask(keeper, size);
        return;
    }
    log_error(
        "the signer refuses, nothing is signed: %.*s; if the key or the archive was replaced, begin a new instance "
        "(qorgan serve --new-instance)",
        STR_ARG(str_skip(msg->body, 8)));
    keeper->sign_asked_ns = clock_boot_ns(); /* not more often than its patience */
}

/* ---- the pump ---- */

static void totals_send(struct keeper *keeper)
{
    struct channel *desk = process_peer(ROLE_DESK, 0);
    if (!desk)
        return;
    buf_clear(&keeper->text);
    json_write_object(&keeper->text);
    json_put_u64(&keeper->text, "durable", archive_durable(keeper->archive));
    json_put_u64(&keeper->text, "checkpoint_size", keeper->signed_size);
    json_put_int(&keeper->text, "checkpoint_ns", keeper->checkpoint_real_ns);
    json_put_u64(&keeper->text, "disk_free", proc_disk_free(keeper->folder));
    outside_write(keeper->outside, &keeper->text);
    retire_write(keeper->retire, &keeper->text);
    json_write_object_end(&keeper->text);
    if (!keeper->text.overflow)
        IGNORE(channel_send(desk, MSG_TOTALS, 0, buf_view(&keeper->text))); /* the next one comes in a second */
}

static void keeper_message(void *self, struct channel *channel, struct msg *msg)
{
    struct keeper *keeper = self;
    if (!keeper->archive)
        return;
    switch ((int)msg->type) {
    case MSG_RECORDS:
        on_batch(keeper, channel, msg);
        break;
    case MSG_HIGH_ASK:
        on_high_ask(keeper, channel, msg);
        break;
    case MSG_RECORD:
    case MSG_LIFECYCLE:
        on_record(keeper, channel, msg);
        break;
    case MSG_BLOCK:
        on_block(keeper, channel, msg);
        break;
    case MSG_SIGNED:
        on_signed(keeper, msg);
        break;
    case MSG_REFUSED:
        on_refused(keeper, msg);
        break;
    case MSG_DROPPED:
        on_dropped(keeper, msg);
        break;
    case MSG_RETIRE:
    case MSG_DELETED:
    case MSG_OBJECT_TERMS:
    case MSG_OBJECTS_FOUND:
        retire_message(keeper->retire, msg, clock_real_ns());
        break;
    case MSG_COSIGNED:
    case MSG_STAMPED:
    case MSG_MIRROR_COSIGNED:
    case MSG_PROVE:
        outside_message(keeper->outside, msg, clock_boot_ns());
        break;
    default:
        break;
    }
}

static void once_a_second(struct keeper *keeper, uint64_t now)
{
    struct err err = {0};
    if (now - keeper->rotated_ns >= (uint64_t)keeper->process->config.log_rotate_s * 1000000000) {
        keeper->rotated_ns = now;
        if (archive_rotate(keeper->archive, &err) != RC_OK)
            give_up("could not begin a new log file", &err);
        for (unsigned i = 0; i < keeper->share_count; i++)
            share_feed(keeper, i);
    }
    if (keeper->resume_ns && now >= keeper->resume_ns)
        engines_resume(keeper);
    clock_watch(keeper, clock_real_ns(), now);
    outside_tick(keeper->outside, keeper->signed_ns, now);
    retire_tick(keeper->retire, clock_real_ns());
    totals_send(keeper);
    keeper->sealing = true;
}

static void keeper_tick(void *self, int64_t now_real_ns)
{
    (void)now_real_ns;
    struct keeper *keeper = self;
    if (!keeper->archive)
        return;
    uint64_t now = clock_boot_ns();
    if (now - keeper->heartbeat_ns >= HEARTBEAT_NS) {
        keeper->heartbeat_ns = now;
        own_event(keeper, "heartbeat");
    }
    if (keeper->dirty_ns && now - keeper->dirty_ns >= COMMIT_AGE_NS)
        commit(keeper);
    bool patient = keeper->sign_asked_ns && now - keeper->sign_asked_ns < SIGN_PATIENCE;
    static uint64_t second_ns;
    if (now - second_ns >= CHECKPOINT_NS) {
        second_ns = now;
        once_a_second(keeper, now);
        if (!patient && archive_durable(keeper->archive) > keeper->signed_size)
            sign_ask(keeper, keeper->signed_size);
    }
    if (!keeper->signed_size && !keeper->sign_asked_ns)
        sign_ask(keeper, 0); /* the first one at once: until it is there nothing can be proven */
    if (keeper->sealing)
        seal(keeper);
}

static int keeper_timeout_ms(void *self)
{
    const struct keeper *keeper = self;
    if (keeper->sealing)
        return 0;
    return keeper->dirty_ns ? (int)(COMMIT_AGE_NS / 1000000) : -1;
}

/* A last signature over everything, so that what was kept until the stop can be proven. The signer stops after us. */
static void last_checkpoint(struct keeper *keeper)
{
    uint64_t until = clock_boot_ns() + LAST_WORDS_NS;
    while (keeper->sign_asked_ns && clock_boot_ns() < until)
        loop_wait(keeper->process->loop, 50); /* an earlier question */
    sign_ask(keeper, keeper->signed_size);
    while (keeper->sign_asked_ns && clock_boot_ns() < until)
        loop_wait(keeper->process->loop, 50);
}

static void keeper_stop(void *self)
{
    struct keeper *keeper = self;
    if (!keeper->archive)
        return;
    own_event(keeper, "stop");
    commit(keeper);
    last_checkpoint(keeper);
    retire_free(keeper->retire);
    archive_close(keeper->archive);
    vault_free(keeper->vault);
}

static size_t keeper_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    ASSERT(size >= 1);
    struct buf path;
    buf_init(&path, 4096);
    buf_str(&path, config->data);
    buf_text(&path, "/archive");
    ret[0] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ | SANDBOX_WRITE};
    buf_done(&path);
    return ret[0].path ? 1 : 0;
}

const struct role_driver keeper_driver = {
    .role = ROLE_KEEPER,
    .calls = SANDBOX_OPEN | SANDBOX_CHANGE,
    .files_max = 4096,
    .tick_ms = 100,
    .paths = keeper_paths,
    .start = keeper_start,
    .begin = keeper_begin,
    .message = keeper_message,
    .peer_up = keeper_peer_up,
    .peer_down = keeper_peer_down,
    .tick = keeper_tick,
    .timeout_ms = keeper_timeout_ms,
    .stop = keeper_stop,
};
