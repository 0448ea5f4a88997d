/* collector.c - this machine's own logs: files below collect-files and the journal. Reads only, has no network.
 *
 * Not in the founding table of processes: intake may not open files and interprets nothing, so what opens files has a
 * process of its own (doc/architecture.md). */
#include "agent/follow.h"
#include "agent/journal.h"
#include "archive/leaf.h"
#include "base/assert.h"
#include "codec/gap.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/canary.h"
#include "role/import.h"
#include "role/log.h"
#include "role/roles.h"
#include "role/sender.h"

#include <stdlib.h>
#include <string.h>

#define SAVE_NS          UINT64_C(10000000000)
#define JOURNAL_RETRY_NS UINT64_C(5000000000)
#define JOURNAL_AT_ONCE  2000
#define QUESTION_JOURNAL UINT64_MAX

enum journal_state { JOURNAL_OFF, JOURNAL_ASK, JOURNAL_ASKED, JOURNAL_READING };

struct collector {
    struct process *process;
    struct sender *sender;
    struct follower *follower;
    struct journal *journal;
    struct canary_maker *canaries; /* NULL: none are made */
    const char *journal_folder;    /* NULL: the machine's own */
    enum journal_state journal_state;
    uint64_t journal_epoch;
    uint64_t journal_high;
    uint64_t journal_tried_ns;
    uint8_t journal_source[16];
    char last_path[FOLLOW_PATH_MAX];
    uint8_t last_source[16];
    uint64_t gap_sequence;
    uint64_t epoch;
    uint64_t tag;
    uint64_t saved_ns;
    uint64_t now_ns;
    bool more;
};

/* ---- files ---- */

static bool on_room(void *context)
{
    const struct collector *collector = context;
    return !sender_full(collector->sender);
}

static const uint8_t *source_of(struct collector *collector, struct str path)
{
    if (!str_is(path, collector->last_path)) {
        source_id_make(STR("file"), path, collector->last_source);
        bool fits = str_copy_z(path, collector->last_path, sizeof collector->last_path);
        ASSERT(fits);
    }
    return collector->last_source;
}

static bool on_line(void *context, struct str path, uint64_t epoch, uint64_t sequence, struct str bytes, bool cut)
{
    struct collector *collector = context;
    struct batch_group group = {
        .epoch = epoch,
        .sequence = sequence,
        .received_real_ns = clock_real_ns(),
        .received_boot_ns = collector->now_ns,
        .transport = TRANSPORT_FILE,
        .flags = cut ? BATCH_TRUNCATED : 0,
        .kind = STR("file"),
        .name = path,
    };
    memcpy(group.source_id, source_of(collector, path), sizeof group.source_id);
    if (sender_full(collector->sender) || !sender_record(collector->sender, &group, bytes, collector->tag + 1))
        return false;
    collector->tag++;
    return true;
}

static void on_gap(void *context, struct str path, uint64_t epoch, uint64_t bytes, const char *reason)
{
    struct collector *collector = context;
    struct buf body;
    (void)epoch;
    buf_init(&body, 1024);
    gap_write(&body, reason, GAP_BYTES, bytes);
    struct batch_group group = {
        .epoch = collector->epoch,
        .sequence = ++collector->gap_sequence,
        .received_real_ns = clock_real_ns(),
        .received_boot_ns = collector->now_ns,
        .transport = TRANSPORT_FILE,
        .flags = BATCH_GAP,
        .kind = STR("file"),
        .name = path,
    };
    memcpy(group.source_id, source_of(collector, path), sizeof group.source_id);
    if (!sender_record(collector->sender, &group, buf_view(&body), collector->tag + 1))
        log_warning("a gap in %s could not be recorded", collector->last_path);
    else
        collector->tag++;
    buf_done(&body);
}

static void high_ask(const uint8_t source[16], uint64_t epoch, uint64_t question)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    uint8_t body[24];
    memcpy(body, source, 16);
    put_be64(body + 16, epoch);
    if (keeper)
        IGNORE(
            channel_send(keeper, MSG_HIGH_ASK, question, str_at(body, sizeof body))); /* a new keeper is asked again */
}

static void on_ask(void *context, uint64_t question, struct str path, uint64_t epoch)
{
    high_ask(source_of(context, path), epoch, question);
}

static uint64_t on_mark(void *context)
{
    const struct collector *collector = context;
    return collector->tag;
}

/* Every record has its own tag, so that they are counted alike. */
static bool on_kept(void *context, uint64_t mark)
{
    const struct collector *collector = context;
    return sender_counters(collector->sender).records >= mark;
}

/* ---- journal ---- */

static void journal_try(struct collector *collector)
{
    struct err err = {0};
    if (!collector->process->config.collect_journal || collector->journal_state != JOURNAL_OFF ||
        (collector->journal_tried_ns && collector->now_ns - collector->journal_tried_ns < JOURNAL_RETRY_NS))
        return;
    collector->journal_tried_ns = collector->now_ns;
    enum rc rc = journal_open(collector->journal_folder, &collector->journal, &err);
    if (rc == RC_OK)
        rc = journal_first(collector->journal, &collector->journal_epoch, &err);
    if (rc == RC_OK)
        collector->journal_state = JOURNAL_ASK;
    else if (rc != RC_NOT_FOUND && rc != RC_END)
        log_warning("%s", err.text);
}

static void journal_ask(struct collector *collector)
{
    if (collector->journal_state != JOURNAL_ASK || !process_peer(ROLE_KEEPER, 0))
        return;
    collector->journal_state = JOURNAL_ASKED;
    high_ask(collector->journal_source, collector->journal_epoch, QUESTION_JOURNAL);
}

static void journal_high(struct collector *collector, uint64_t sequence)
{
    struct err err = {0};
    if (collector->journal_state != JOURNAL_ASKED)
        return;
    collector->journal_high = sequence;
    if (journal_seek(collector->journal, sequence, &err) != RC_OK)
        log_warning("%s; it is read from its beginning", err.text);
    collector->journal_state = JOURNAL_READING;
}

static void journal_read(struct collector *collector)
{
    struct journal_entry entry;
    struct err err = {0};
    for (unsigned i = 0; i < JOURNAL_AT_ONCE && collector->journal_state == JOURNAL_READING; i++) {
        if (sender_full(collector->sender))
            return;
        enum rc rc = journal_next(collector->journal, &entry, &err);
        if (rc == RC_END)
            return;
        if (rc != RC_OK) {
            log_warning("%s; it is opened anew", err.text);
            journal_close(collector->journal);
            collector->journal = NULL;
            collector->journal_state = JOURNAL_OFF;
            return;
        }
        if (entry.epoch == collector->journal_epoch && entry.sequence <= collector->journal_high)
            continue;
        struct batch_group group = {
            .epoch = entry.epoch,
            .sequence = entry.sequence,
            .received_real_ns = clock_real_ns(),
            .received_boot_ns = collector->now_ns,
            .source_time_ns = entry.time_ns,
            .transport = TRANSPORT_JOURNAL,
            .kind = STR("journal"),
            .name = STR("journal"),
        };
        memcpy(group.source_id, collector->journal_source, sizeof group.source_id);
        if (!sender_record(collector->sender, &group, entry.json, collector->tag + 1))
            return;
        collector->tag++;
    }
    collector->more = collector->more || collector->journal_state == JOURNAL_READING;
}

/* ---- the role ---- */

static enum rc collector_start(struct process *process, void **ret_self, struct err *err)
{
    struct collector *collector = memory_new(sizeof *collector);
    if (!collector)
        return err_set(err, RC_LIMIT, "no memory");
    collector->process = process;
    journal_prepare();
    if (process->config.collect_journal_folder.n) {
        collector->journal_folder = arena_strz(process->arena, process->config.collect_journal_folder);
        if (!collector->journal_folder)
            return err_set(err, RC_LIMIT, "no memory");
    }
    collector->sender = sender_new(NULL, NULL);
    collector->epoch = random_u64();
    ASSERT(collector->sender != NULL);
    collector->canaries = canary_maker_new((unsigned)process->config.engines, (uint32_t)process->config.canary_s,
                                           collector->epoch, clock_boot_ns());
    source_id_make(STR("journal"), STR("journal"), collector->journal_source);
    *ret_self = collector;
    return RC_OK;
}

static void collector_begin(void *self)
{
    struct collector *collector = self;
    struct err err = {0};
    struct follow_options options = {
        .paths = collector->process->config.collect_files,
        .state_folder = process_handle(collector->process, "collect", -1),
        .seed = random_u64(),
        .join = collector->process->config.collect_join,
        .sink = {collector, on_room, on_line, on_gap, on_ask, on_mark, on_kept},
    };
    collector->follower = follower_new(&options, &err);
    if (!collector->follower) {
        log_error("could not follow files: %s", err.text);
        process_stop(EXIT_FAILURE);
    }
}

static void collector_message(void *self, struct channel *channel, struct msg *msg)
{
    struct collector *collector = self;
    (void)channel;
    if (msg->type == MSG_ACK) {
        sender_ack(collector->sender, msg);
        collector->more = true;
    } else if (msg->type == MSG_HIGH && msg->body.n == 8) {
        if (msg->id == QUESTION_JOURNAL)
            journal_high(collector, get_be64(msg->body.p));
        else
            follower_high(collector->follower, msg->id, get_be64(msg->body.p));
        collector->more = true;
    }
}

static void collector_peer_up(void *self, struct channel *channel)
{
    struct collector *collector = self;
    if (channel_peer(channel) != ROLE_KEEPER)
        return;
    sender_connect(collector->sender, channel);
    follower_ask_again(collector->follower);
    if (collector->journal_state == JOURNAL_ASKED)
        collector->journal_state = JOURNAL_ASK;
}

static void collector_peer_down(void *self, enum role role, unsigned instance)
{
    struct collector *collector = self;
    (void)instance;
    if (role == ROLE_KEEPER)
        sender_connect(collector->sender, NULL);
}

static void collector_tick(void *self, int64_t now_real_ns)
{
    struct collector *collector = self;
    (void)now_real_ns;
    struct err err = {0};
    collector->now_ns = clock_boot_ns();
    collector->more = process_peer(ROLE_KEEPER, 0) && follower_step(collector->follower, collector->now_ns) &&
                      !sender_full(collector->sender);
    canary_maker_step(collector->canaries, collector->sender, &collector->tag, collector->now_ns);
    journal_try(collector);
    journal_ask(collector);
    journal_read(collector);
    sender_pump(collector->sender, collector->now_ns, !collector->more);
    if (collector->now_ns - collector->saved_ns >= SAVE_NS) {
        collector->saved_ns = collector->now_ns;
        if (follower_save(collector->follower, &err) != RC_OK)
            log_warning("positions could not be saved: %s", err.text);
    }
}

static int collector_timeout_ms(void *self)
{
    const struct collector *collector = self;
    return collector->more ? 0 : sender_timeout_ms(collector->sender, clock_boot_ns());
}

static void collector_stop(void *self)
{
    struct collector *collector = self;
    struct err err = {0};
    sender_pump(collector->sender, clock_boot_ns(), true);
    if (collector->follower && follower_save(collector->follower, &err) != RC_OK)
        log_warning("positions could not be saved: %s", err.text);
}

static size_t collector_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    static const char *const always[] = {"/var/log/journal", "/run/log/journal", "/etc/machine-id"};
    ASSERT(size >= ARRAY_LEN(always) + 3);
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        ret[n++] = (struct sandbox_path){.path = always[i], .access = SANDBOX_READ};
    struct buf path;
    buf_init(&path, 4096);
    buf_format(&path, "%.*s/collect", STR_ARG(config->data));
    ret[n++] =
        (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ | SANDBOX_WRITE};
    buf_done(&path);
    if (config->collect_journal_folder.n)
        ret[n++] =
            (struct sandbox_path){.path = arena_strz(arena, config->collect_journal_folder), .access = SANDBOX_READ};
    for (struct str rest = config->collect_files; rest.p && rest.n && n < size;) {
        struct str one = str_cut(&rest, ' ');
        if (one.n)
            ret[n++] = (struct sandbox_path){.path = arena_strz(arena, follow_root(one)), .access = SANDBOX_READ};
    }
    return n;
}

const struct role_driver collector_driver = {
    .role = ROLE_COLLECTOR,
    .calls = SANDBOX_OPEN | SANDBOX_CHANGE,
    .files_max = 8192,
    .read_everything = true,
    .tick_ms = 250,
    .paths = collector_paths,
    .start = collector_start,
    .begin = collector_begin,
    .message = collector_message,
    .peer_up = collector_peer_up,
    .peer_down = collector_peer_down,
    .tick = collector_tick,
    .timeout_ms = collector_timeout_ms,
    .stop = collector_stop,
};
