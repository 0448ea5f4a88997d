#include "agent/collect.h"

#include "agent/accounting.h"
#include "agent/follow.h"
#include "agent/inventory.h"
#include "agent/journal.h"
#include "agent/runner.h"
#include "agent/tell.h"
#include "base/arena.h"
#include "base/assert.h"
#include "codec/audit.h"
#include "codec/canary_text.h"
#include "codec/gap.h"
#include "codec/json.h"
#include "os/audit_stream.h"
#include "os/clock.h"
#include "os/random.h"
#include "wire/delivery_batch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JOURNAL_NAME     STR("") /* there is one a host */
#define JOURNAL_RETRY_NS UINT64_C(5000000000)
#define AUDIT_RETRY_NS   UINT64_C(60000000000)
#define AT_ONCE          2000u
#define ACCOUNTING_NS    UINT64_C(1000000000) /* between looks at the file of process accounting */
#define SAVE_NS          UINT64_C(10000000000)
#define FILES_NS         UINT64_C(200000000) /* between looks at files that do not grow */

/* A stream that cannot be read again: its epoch is of this run, or of this policy. What the spool did not take is
 * counted, and the count follows as a gap when there is room. */
struct outlet {
    uint8_t stream;
    struct str name;
    uint64_t epoch;
    uint64_t sequence;
    uint64_t lost;
    const char *reason;
};

struct schedule {
    uint64_t due_ns;
    struct outlet outlet;
};

struct collect {
    struct collect_options options;
    uint64_t epoch; /* of this run */
    uint64_t now_ns;
    uint64_t records;
    uint64_t lost;
    const struct agent_policy *policy; /* NULL = nothing is collected */

    struct follower *follower;
    char files[POLICY_PATHS_MAX];
    struct str join; /* the policy's */
    uint64_t gap_sequence;
    uint64_t saved_ns;
    uint64_t files_ns;
    bool files_grow;

    struct journal *journal;
    uint64_t journal_epoch;
    uint64_t journal_high;
    uint64_t journal_tried_ns;

    struct accounting *accounting;
    uint64_t accounting_ns;
    struct outlet accounting_outlet; /* of records that cannot be read */

    int audit; /* descriptor; -1 = none */
    uint64_t audit_tried_ns;
    struct outlet audit_outlet;
    bool audit_refused; /* said once */

    struct outlet own;
    struct inventory *inventory; /* NULL: none is taken here */
    struct outlet canary;

    struct buf requests; /* to the runner */
    struct buf replies;
    uint32_t next_id;
    uint32_t running_id; /* 0 = none */
    size_t running;      /* which command */
    struct schedule schedule[POLICY_COMMANDS_MAX];
};

/* ---- streams that cannot wait ---- */

static bool outlet_record(struct collect *collect, struct outlet *outlet, uint8_t flags, struct str bytes)
{
    const struct spool_record record = {.stream = outlet->stream,
                                        .flags = flags,
                                        .epoch = outlet->epoch,
                                        .sequence = outlet->sequence + 1,
                                        .read_ns = clock_real_ns(),
                                        .name = outlet->name,
                                        .bytes = str_slice(bytes, 0, DELIVERY_RECORD_MAX)};
    if (!spool_put(collect->options.spool, &record, SPOOL_PUSH, collect->now_ns))
        return false;
    outlet->sequence++;
    collect->records++;
    return true;
}

/* The gap before, if there is one, has its place in front of what follows. */
static bool outlet_catch_up(struct collect *collect, struct outlet *outlet)
{
    char storage[512];
    struct buf json;
    if (outlet->lost == 0)
        return true;
    buf_init_fixed(&json, storage, sizeof storage);
    gap_write(&json, outlet->reason, GAP_RECORDS, outlet->lost);
    if (!outlet_record(collect, outlet, DELIVERY_GAP, buf_view(&json)))
        return false;
    outlet->lost = 0;
    return true;
}

static void outlet_lose(struct collect *collect, struct outlet *outlet, const char *reason)
{
    outlet->reason = reason;
    outlet->lost++;
    collect->lost++;
}

static void outlet_put(struct collect *collect, struct outlet *outlet, struct str bytes)
{
    if (!outlet_catch_up(collect, outlet) || !outlet_record(collect, outlet, 0, bytes))
        outlet_lose(collect, outlet, "the spool is full");
}

void collect_event(struct collect *collect, struct str json, uint64_t now_boot_ns)
{
    struct buf object;
    collect->now_ns = now_boot_ns;
    buf_init(&object, DELIVERY_RECORD_MAX);
    buf_char(&object, '{');
    buf_str(&object, json);
    buf_char(&object, '}');
    outlet_put(collect, &collect->own, buf_view(&object));
    buf_done(&object);
}

void collect_canary(struct collect *collect, struct str json, uint64_t now_boot_ns)
{
    collect->now_ns = now_boot_ns;
    outlet_put(collect, &collect->canary, json);
}

/* ---- files ---- */

static bool on_room(void *context)
{
    const struct collect *collect = context;
    return spool_takes(collect->options.spool, SPOOL_PULL);
}

static bool on_line(void *context, struct str path, uint64_t epoch, uint64_t sequence, struct str bytes, bool cut)
{
    struct collect *collect = context;
    const struct spool_record record = {.stream = DELIVERY_FILE,
                                        .flags = cut || bytes.n >= DELIVERY_RECORD_MAX ? DELIVERY_TRUNCATED : 0,
                                        .epoch = epoch,
                                        .sequence = sequence,
                                        .read_ns = clock_real_ns(),
                                        .name = path,
                                        .bytes = bytes};
    bool taken = spool_put(collect->options.spool, &record, SPOOL_PULL, collect->now_ns);
    collect->records += taken;
    return taken;
}

static void on_gap(void *context, struct str path, uint64_t epoch, uint64_t bytes, const char *reason)
{
    struct collect *collect = context;
    char storage[512];
    struct buf json;
    (void)epoch;
    buf_init_fixed(&json, storage, sizeof storage);
    gap_write(&json, reason, GAP_BYTES, bytes);
    const struct spool_record record = {.stream = DELIVERY_FILE,
                                        .flags = DELIVERY_GAP,
                                        .epoch = collect->epoch,
                                        .sequence = ++collect->gap_sequence,
                                        .read_ns = clock_real_ns(),
                                        .name = path,
                                        .bytes = buf_view(&json)};
    if (!spool_put(collect->options.spool, &record, SPOOL_PUSH, collect->now_ns))
        outlet_lose(collect, &collect->own, "a gap of a file could not be recorded");
}

static void on_ask(void *context, uint64_t question, struct str path, uint64_t epoch)
{
    struct collect *collect = context;
    follower_high(collect->follower, question, spool_high(collect->options.spool, DELIVERY_FILE, epoch, path));
}

static uint64_t on_mark(void *context)
{
    const struct collect *collect = context;
    return spool_facts(collect->options.spool).taken;
}

static bool on_kept(void *context, uint64_t mark)
{
    const struct collect *collect = context;
    return spool_facts(collect->options.spool).synced >= mark;
}

static enum rc files_begin(struct collect *collect, struct err *err)
{
    const struct follow_options options = {
        .paths = str_of(collect->files),
        .state_folder = collect->options.folder,
        .seed = random_u64(),
        .join = collect->join,
        .sink = {collect, on_room, on_line, on_gap, on_ask, on_mark, on_kept},
    };
    collect->follower = follower_new(&options, err);
    return collect->follower ? RC_OK : err->code;
}

void collect_save(struct collect *collect)
{
    struct err err = {0};
    collect->saved_ns = collect->now_ns;
    if (collect->follower && follower_save(collect->follower, &err) != RC_OK)
        tell(TELL_WARNING, "positions of files could not be saved: %s", err.text);
}

/* Files that grow are read on at once; the others are looked at now and then. */
static bool files_step(struct collect *collect)
{
    if (!collect->follower || (!collect->files_grow && collect->now_ns - collect->files_ns < FILES_NS))
        return false;
    collect->files_ns = collect->now_ns;
    collect->files_grow = follower_step(collect->follower, collect->now_ns) && on_room(collect);
    if (collect->now_ns - collect->saved_ns >= SAVE_NS)
        collect_save(collect);
    return collect->files_grow;
}

/* ---- the journal ---- */

static void journal_end(struct collect *collect)
{
    journal_close(collect->journal);
    collect->journal = NULL;
}

static void journal_begin(struct collect *collect)
{
    struct err err = {0};
    if (collect->journal || !collect->policy || !collect->policy->journal ||
        (collect->journal_tried_ns && collect->now_ns - collect->journal_tried_ns < JOURNAL_RETRY_NS))
        return;
    collect->journal_tried_ns = collect->now_ns;
    enum rc rc = journal_open(collect->options.journal, &collect->journal, &err);
    if (rc == RC_OK)
        rc = journal_first(collect->journal, &collect->journal_epoch, &err);
    if (rc == RC_OK) {
        collect->journal_high =
            spool_high(collect->options.spool, DELIVERY_JOURNAL, collect->journal_epoch, JOURNAL_NAME);
        rc = journal_seek(collect->journal, collect->journal_high, &err);
    }
    if (rc == RC_OK)
        return;
    journal_end(collect);
    if (rc != RC_NOT_FOUND && rc != RC_END)
        tell(TELL_WARNING, "%s", err.text);
}

static bool journal_entry_put(struct collect *collect, const struct journal_entry *entry)
{
    const struct spool_record record = {.stream = DELIVERY_JOURNAL,
                                        .epoch = entry->epoch,
                                        .sequence = entry->sequence,
                                        .read_ns = clock_real_ns(),
                                        .name = JOURNAL_NAME,
                                        .bytes = str_slice(entry->json, 0, DELIVERY_RECORD_MAX)};
    bool taken = spool_put(collect->options.spool, &record, SPOOL_PULL, collect->now_ns);
    collect->records += taken;
    return taken;
}

static bool journal_step(struct collect *collect)
{
    struct journal_entry entry;
    struct err err = {0};
    journal_begin(collect);
    for (unsigned i = 0; i < AT_ONCE && collect->journal; i++) {
        if (!spool_takes(collect->options.spool, SPOOL_PULL))
            return false;
        enum rc rc = journal_next(collect->journal, &entry, &err);
        if (rc == RC_END)
            return false;
        if (rc != RC_OK) {
            tell(TELL_WARNING, "%s; it is opened anew", err.text);
            journal_end(collect);
            return false;
        }
        if (entry.epoch == collect->journal_epoch && entry.sequence <= collect->journal_high)
            continue;
        if (!journal_entry_put(collect, &entry)) { /* read again when there is room */
            journal_end(collect);
            return false;
        }
    }
    return collect->journal != NULL;
}

/* ---- process accounting ---- */

static uint64_t on_accounting_high(void *context, uint64_t epoch)
{
    const struct collect *collect = context;
    return spool_high(collect->options.spool, DELIVERY_ACCOUNTING, epoch, STR(ACCOUNTING_PATH));
}

static bool on_accounting_record(void *context, uint64_t epoch, uint64_t sequence, struct str json)
{
    struct collect *collect = context;
    const struct spool_record record = {.stream = DELIVERY_ACCOUNTING,
                                        .epoch = epoch,
                                        .sequence = sequence,
                                        .read_ns = clock_real_ns(),
                                        .name = STR(ACCOUNTING_PATH),
                                        .bytes = json};
    bool taken = spool_takes(collect->options.spool, SPOOL_PULL) &&
                 spool_put(collect->options.spool, &record, SPOOL_PULL, collect->now_ns);
    collect->records += taken;
    return taken;
}

static void on_accounting_lost(void *context, uint64_t count)
{
    struct collect *collect = context;
    for (uint64_t i = 0; i < count; i++)
        outlet_lose(collect, &collect->accounting_outlet, "a record of process accounting is of another version");
}

static void accounting_apply(struct collect *collect, const struct agent_policy *policy, struct buf *refused)
{
    const struct accounting_sink sink = {collect, on_accounting_high, on_accounting_record, on_accounting_lost};
    accounting_free(collect->accounting);
    collect->accounting = NULL;
    if (!policy || !policy->accounting)
        return;
    if (agent_path_allowed(collect->options.config, STR(ACCOUNTING_PATH)))
        collect->accounting = accounting_new(ACCOUNTING_PATH, &sink);
    if (!collect->accounting)
        json_write_text(refused, "accounting");
}

static bool processes_step(struct collect *collect)
{
    if (!collect->accounting || collect->now_ns - collect->accounting_ns < ACCOUNTING_NS)
        return false;
    bool more = accounting_step(collect->accounting) && spool_takes(collect->options.spool, SPOOL_PULL);
    collect->accounting_ns = more ? 0 : collect->now_ns;
    return more;
}

/* ---- the kernel's audit messages ---- */

static void audit_end(struct collect *collect)
{
    if (collect->audit >= 0)
        close(collect->audit);
    collect->audit = -1;
}

static void audit_begin(struct collect *collect)
{
    struct err err = {0};
    if (collect->audit >= 0 || !collect->policy || !collect->policy->audit ||
        (collect->audit_tried_ns && collect->now_ns - collect->audit_tried_ns < AUDIT_RETRY_NS))
        return;
    collect->audit_tried_ns = collect->now_ns;
    if (audit_stream_open(&collect->audit, &err) == RC_OK) {
        collect->audit_refused = false;
        return;
    }
    collect->audit = -1;
    if (!collect->audit_refused)
        tell(TELL_WARNING, "%s", err.text);
    collect->audit_refused = true;
}

/* In the form of audit.log. */
static void audit_put(struct collect *collect, const struct audit_message *message)
{
    char storage[AUDIT_STREAM_MAX + 64];
    struct buf line;
    const char *name = audit_type_name(message->type);
    buf_init_fixed(&line, storage, sizeof storage);
    if (name)
        buf_format(&line, "type=%s msg=", name);
    else
        buf_format(&line, "type=UNKNOWN[%u] msg=", message->type);
    buf_str(&line, message->text);
    outlet_put(collect, &collect->audit_outlet, buf_view(&line));
}

static bool audit_step(struct collect *collect)
{
    static char bytes[AUDIT_STREAM_MAX]; /* one agent a process */
    struct audit_message message;
    struct err err = {0};
    audit_begin(collect);
    for (unsigned i = 0; i < AT_ONCE && collect->audit >= 0; i++) {
        enum rc rc = audit_stream_next(collect->audit, bytes, &message, &err);
        if (rc == RC_AGAIN)
            return false;
        if (rc != RC_OK) {
            tell(TELL_WARNING, "%s; it is opened anew", err.text);
            audit_end(collect);
        } else if (message.lost) {
            outlet_lose(collect, &collect->audit_outlet, "the kernel dropped audit messages, at least");
        } else {
            audit_put(collect, &message);
        }
    }
    return collect->audit >= 0;
}

/* ---- commands ---- */

static void command_event(struct collect *collect, const struct agent_command *command,
                          const struct runner_reply *reply)
{
    static const char *const words[] = {[RUNNER_EXIT] = "exit",
                                        [RUNNER_SIGNAL] = "signal",
                                        [RUNNER_TIMEOUT] = "timeout",
                                        [RUNNER_LIMIT] = "limit",
                                        [RUNNER_FAILED] = "failed"};
    char storage[512];
    struct buf json;
    buf_init_fixed(&json, storage, sizeof storage);
    json_write_object(&json);
    json_put_text(&json, "event", "agent.command");
    json_put_str(&json, "command", command->name);
    json_put_text(&json, "end", words[reply->end]);
    json_put_u64(&json, "value", reply->value);
    json_write_object_end(&json);
    outlet_put(collect, &collect->own, buf_view(&json));
}

/* Each line of the output is a record, as of a file. */
static void reply_take(struct collect *collect, const struct runner_reply *reply)
{
    struct str rest = reply->output;
    const struct agent_policy *policy = collect->policy;
    if (reply->id != collect->running_id)
        return;
    collect->running_id = 0;
    if (!policy || collect->running >= policy->command_count)
        return; /* of a policy that is no more */
    while (rest.n) {
        struct str line = str_trim_end(str_cut(&rest, '\n'), '\r');
        if (line.n)
            outlet_put(collect, &collect->schedule[collect->running].outlet, line);
    }
    if (reply->end != RUNNER_EXIT || reply->value != 0)
        command_event(collect, &policy->commands[collect->running], reply);
}

static void runner_lost(struct collect *collect)
{
    tell(TELL_ERROR, "the process that runs commands is gone: no more are run until the next start");
    close(collect->options.runner);
    collect->options.runner = -1;
    collect->running_id = 0;
}

static void runner_talk(struct collect *collect)
{
    char bytes[4096];
    struct runner_reply reply;
    ssize_t n;
    while (collect->requests.n &&
           (n = send(collect->options.runner, collect->requests.p, collect->requests.n, MSG_DONTWAIT)) > 0)
        buf_consume(&collect->requests, (size_t)n);
    while ((n = recv(collect->options.runner, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        buf_put(&collect->replies, bytes, (size_t)n);
    struct str rest = buf_view(&collect->replies);
    enum rc rc;
    while ((rc = runner_reply_next(&rest, &reply)) == RC_OK)
        reply_take(collect, &reply);
    buf_consume(&collect->replies, collect->replies.n - rest.n);
    if (n == 0 || (n < 0 && errno != EAGAIN) || rc == RC_INVALID || collect->replies.overflow)
        runner_lost(collect);
}

static void commands_step(struct collect *collect)
{
    const struct agent_policy *policy = collect->policy;
    if (collect->options.runner < 0)
        return;
    runner_talk(collect);
    for (size_t i = 0; policy && i < policy->command_count && !collect->running_id; i++) {
        struct schedule *schedule = &collect->schedule[i];
        if (collect->now_ns < schedule->due_ns)
            continue;
        schedule->due_ns = collect->now_ns + policy->commands[i].every_s * UINT64_C(1000000000);
        collect->running = i;
        collect->running_id = ++collect->next_id ? collect->next_id : ++collect->next_id;
        runner_request(&collect->requests, collect->running_id, &policy->commands[i]);
    }
}

/* ---- the inventory ---- */

static void inventory_tell(void *context, struct str json)
{
    struct collect *collect = context;
    collect_event(collect, json, collect->now_ns);
}

static enum rc inventory_begin(struct collect *collect, struct err *err)
{
    const struct collect_options *options = &collect->options;
    const struct inventory_options inventory = {.io = &io_kernel,
                                                .folder = options->folder,
                                                .origin = options->origin,
                                                .host = options->host,
                                                .machine = options->machine,
                                                .loop = options->loop,
                                                .spool = options->spool,
                                                .tell = inventory_tell,
                                                .context = collect};
    if (options->machine.root < 0)
        return RC_OK;
    collect->inventory = inventory_new(&inventory, err);
    return collect->inventory ? RC_OK : err->code;
}

static void inventory_apply(struct collect *collect, const struct agent_policy *policy, struct buf *refused)
{
    bool wanted = policy && policy->inventory;
    if (collect->inventory)
        inventory_switch(collect->inventory, wanted);
    else if (wanted && policy->inventory_named) /* what it did not ask for is not refused */
        json_write_text(refused, "inventory");
}

void collect_inventory_ask(struct collect *collect)
{
    if (collect->inventory)
        inventory_ask(collect->inventory);
}

void collect_end(struct collect *collect)
{
    if (collect->inventory)
        inventory_save(collect->inventory);
}

/* ---- the whole ---- */

struct collect *collect_new(const struct collect_options *options, struct err *err)
{
    struct collect *collect = memory_new(sizeof *collect);
    if (!collect) {
        IGNORE(err_set(err, RC_LIMIT, "no memory")); /* NULL says it */
        return NULL;
    }
    collect->options = *options;
    collect->epoch = random_u64() | 1;
    collect->audit = -1;
    collect->audit_outlet = (struct outlet){.stream = DELIVERY_AUDIT, .epoch = collect->epoch};
    collect->accounting_outlet =
        (struct outlet){.stream = DELIVERY_ACCOUNTING, .name = STR(ACCOUNTING_PATH), .epoch = collect->epoch};
    collect->own = (struct outlet){.stream = DELIVERY_AGENT, .epoch = collect->epoch};
    collect->canary =
        (struct outlet){.stream = DELIVERY_AGENT, .name = STR_INIT(CANARY_STREAM), .epoch = collect->epoch};
    buf_init(&collect->requests, 65536);
    buf_init(&collect->replies, RUNNER_MESSAGE_MAX + 4096);
    if (inventory_begin(collect, err) != RC_OK) {
        collect_free(collect);
        return NULL;
    }
    return collect;
}

void collect_free(struct collect *collect)
{
    if (!collect)
        return;
    inventory_free(collect->inventory);
    follower_free(collect->follower);
    journal_close(collect->journal);
    accounting_free(collect->accounting);
    audit_end(collect);
    buf_done(&collect->requests);
    buf_done(&collect->replies);
    memory_free(collect);
}

/* The paths that this host allows; the others are named in `refused`. */
static void files_choose(struct collect *collect, const struct agent_policy *policy, struct buf *refused)
{
    struct buf paths;
    struct str rest = policy ? policy->files : STR_NONE;
    buf_init_fixed(&paths, collect->files, sizeof collect->files - 1);
    while (rest.n) {
        struct str path = str_cut(&rest, ' ');
        if (!agent_path_allowed(collect->options.config, path)) {
            json_write_str(refused, path);
            continue;
        }
        if (paths.n)
            buf_char(&paths, ' ');
        buf_str(&paths, path);
    }
    ASSERT(!paths.overflow); /* a part of what a policy holds */
    collect->files[paths.n] = '\0';
}

static void files_apply(struct collect *collect, const struct agent_policy *policy, struct buf *refused)
{
    struct err err = {0};
    if (collect->follower) {
        collect_save(collect);
        follower_free(collect->follower);
        collect->follower = NULL;
    }
    collect->join = policy ? policy->join : STR_NONE;
    files_choose(collect, policy, refused);
    if (collect->files[0] && files_begin(collect, &err) != RC_OK) {
        tell(TELL_ERROR, "files cannot be followed: %s", err.text);
        json_write_text(refused, "files");
    }
    collect->files_grow = true;
}

void collect_apply(struct collect *collect, const struct agent_policy *policy, struct buf *refused)
{
    files_apply(collect, policy, refused);
    accounting_apply(collect, policy, refused);
    inventory_apply(collect, policy, refused);
    collect->policy = policy;
    collect->journal_tried_ns = 0;
    collect->audit_tried_ns = 0;
    collect->running_id = 0;
    if (!policy || !policy->journal)
        journal_end(collect);
    if (!policy || !policy->audit)
        audit_end(collect);
    memset(collect->schedule, 0, sizeof collect->schedule);
    for (size_t i = 0; policy && i < policy->command_count; i++)
        collect->schedule[i].outlet =
            (struct outlet){.stream = DELIVERY_COMMAND, .name = policy->commands[i].name, .epoch = random_u64() | 1};
    if (policy && policy->command_count && collect->options.runner < 0)
        json_write_text(refused, "commands");
}

bool collect_step(struct collect *collect, uint64_t now_boot_ns)
{
    collect->now_ns = now_boot_ns;
    bool more = audit_step(collect);
    commands_step(collect);
    more = files_step(collect) || more;
    more = journal_step(collect) || more;
    more = processes_step(collect) || more;
    more = (collect->inventory && inventory_step(collect->inventory, now_boot_ns)) || more;
    IGNORE(outlet_catch_up(collect, &collect->own)); /* gaps at the end of a stream, too, when there is room */
    IGNORE(outlet_catch_up(collect, &collect->audit_outlet));
    IGNORE(outlet_catch_up(collect, &collect->accounting_outlet));
    IGNORE(outlet_catch_up(collect, &collect->canary));
    return more;
}

struct collect_facts collect_facts(const struct collect *collect)
{
    return (struct collect_facts){.files = collect->follower ? follower_count(collect->follower) : 0,
                                  .records = collect->records,
                                  .lost = collect->lost,
                                  .journal = collect->journal != NULL,
                                  .audit = collect->audit >= 0,
                                  .inventory = collect->inventory && inventory_is_on(collect->inventory),
                                  .inventory_trouble = collect->inventory ? inventory_trouble(collect->inventory) : ""};
}
