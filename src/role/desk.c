/* desk.c - the database and its clocks: matches become incidents, questions get answers, records go to the archive,
 * notices go out. What the desk decides is in room desk; here messages are carried to and from it. */
#include "desk/desk.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/canary_text.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "role/agent_desk.h"
#include "role/archive_alarms.h"
#include "role/canary.h"
#include "role/correlation_counts.h"
#include "role/correlations.h"
#include "role/desk_data.h"
#include "role/desk_totals.h"
#include "role/document_desk.h"
#include "role/hunt_desk.h"
#include "role/indicator_folder.h"
#include "role/inventory_desk.h"
#include "role/keep.h"
#include "role/log.h"
#include "role/match.h"
#include "role/notice_desk.h"
#include "role/object_desk.h"
#include "role/own_lists.h"
#include "role/pattern_supply.h"
#include "role/roles.h"
#include "role/rule_desk.h"
#include "role/rule_reader.h"
#include "role/rule_supply.h"
#include "role/upload_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH          ((size_t)64 << 20)
#define RECORDS_FLYING   256 /* sent to the keeper, not yet kept */
#define STATS_MAX        2000
#define ENGINES_MAX      64
#define MATCHES_AT_ONCE  512
#define CANARIES_AT_ONCE 64
#define GATHER_NS        UINT64_C(25000000)  /* matches and kept records wait so long for company: one sync for all */
#define COUNTED_NS       UINT64_C(250000000) /* the same where nothing but correlations waits for it */
#define HEARD_MAX        768                 /* an engine waits when a thousand are not acknowledged */
#define LOOK_NS          UINT64_C(150000000) /* between two looks at what nobody told of: records, notices */
#define STUCK_RETRY_NS   UINT64_C(1000000000)
#define FIRINGS_MAX      32 /* room for what one match can cause */
#define KEEPER_SILENCE   (60 * SECOND_NS)

struct desk_role {
    struct process *process;
    struct arena *data_arena; /* until the desk is open */
    struct keep keep;         /* what the acts and settings ask for */
    struct object_desk told;  /* of objects */
    char host[256];           /* this machine's name */
    struct desk_data data;
    struct db *db;
    struct desk *desk;
    int rule_files;             /* the parent's, until the desk is open */
    struct rule_supply *supply; /* these once it is */
    struct pattern_supply *patterns;
    struct rule_desk *rule_desk;
    struct hunt_desk *hunts;
    struct agent_desk *agents;
    struct inventory_desk *inventories;
    struct own_lists *lists;
    struct upload_desk *uploads;
    struct document_desk *documents;
    struct str authority;     /* of agents, PEM, until the desk is open */
    struct str signer_public; /* the same */
    struct correlations *correlations;
    struct arena *scratch;
    struct buf answer;
    size_t records_flying;
    bool records_waiting;
    struct desk_kept kept[RECORDS_FLYING]; /* what the keeper acknowledged, not yet marked */
    size_t kept_count;
    uint64_t kept_failed_ns; /* boot time when they could not be marked; 0 = they could */
    uint64_t gathered_ns; /* when the oldest of what waits for one transaction came, by the boot clock; 0 = nothing */
    uint64_t looked_ns;
    struct desk_totals totals;
    struct desk_source stats[STATS_MAX];
    struct desk_match *matches; /* gathered, MATCHES_AT_ONCE */
    size_t match_count;
    struct desk_canary canaries[CANARIES_AT_ONCE]; /* that came through, gathered */
    size_t canary_count;
    struct correlation_counts fired; /* what correlations did since the last batch */
    size_t heard;                    /* matches not yet acknowledged */
    struct arena *match_arena;
    uint64_t acknowledge[ENGINES_MAX]; /* the newest match gathered of each engine; 0 = none */
    bool stuck;                        /* matches could not be stored: they are kept and tried again */
    uint64_t stuck_ns;
    struct notice_desk notices;
    struct archive_alarms alarms;
    uint64_t heard_ns;     /* boot time of the keeper's last totals; 0 = never, or its silence is told */
    int64_t heard_real_ns; /* the same by the wall clock */
};

/* The parent refused to start with what does not read: should it be so now, no object is given a term. */
static void keep_read(struct desk_role *role, struct arena *arena)
{
    struct str table;
    struct err err = {0};
    enum rc rc = keep_load(role->process->config.share, arena, &table, &err);
    rc = rc == RC_OK ? keep_parse(&role->process->config, table, clock_real_ns(), &role->keep, &err) : rc;
    if (rc != RC_OK)
        log_warning("how long event logs must be kept is not known: %s", err.text);
}

static enum rc term_check(void *context, uint32_t days, int64_t now_ns, struct err *err)
{
    const struct desk_role *role = context;
    return keep_term_check(&role->keep, days, now_ns, err);
}

/* In the sandbox and as the desk's own user, who owns the database's files. */
static enum rc database_open(struct desk_role *role, struct err *err)
{
    struct desk_options options = {
        .data = role->data,
        .random = random_bytes,
        .party = role->process->config.party,
        .zone_offset_s = (int32_t)role->process->config.zone_offset_s,
        .mirror_silent = role->process->config.mirror_silent,
        .documents_bytes = role->process->config.documents_mib << 20,
        .lists_minutes = role->process->config.indicator_hunt_minutes,
        .receiver_late_s = role->process->config.receiver_late_s,
        .coverage_days = role->process->config.coverage_days,
        .canary_s = role->process->config.canary_s,
        .engines = (unsigned)role->process->config.engines,
        .term_check = term_check,
        .term_context = role,
        .pattern_check = pattern_supply_row_check,
        .patterns_check = pattern_supply_check,
        .patterns_context = role->patterns,
        .rule_read = rule_reader_ask,
        .rule_file = rule_reader_file,
        .rule_context = &role->supply,
        .default_object = role->process->config.object.n ? role->process->config.object : str_of(role->host),
    };
    struct desk_first first = {0};
    enum rc rc = agent_desk_options(&role->process->config, role->authority, role->signer_public, role->data_arena,
                                    &options, err);
    if (rc == RC_OK)
        rc = db_open("desk.db", &role->db, err);
    if (rc == RC_OK)
        rc = desk_open(role->db, &options, clock_real_ns(), &role->desk, &first, err);
    role->notices = (struct notice_desk){role->desk, role->scratch, &role->answer, false};
    if (rc == RC_OK && first.made)
        process_say("first-account: %s %s", first.user, first.password);
    explicit_bzero(&first, sizeof first);
    return rc;
}

static void rules_told(struct desk_role *role, const struct rules *rules)
{
    role->totals.rules_loaded = rules_count(rules);
    role->totals.rules_refused = 0;
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        if (outcome->loaded)
            continue;
        role->totals.rules_refused++;
        log_warning("rule refused: %.*s line %u: %.*s", STR_ARG(outcome->path), outcome->line,
                    STR_ARG(outcome->reason));
    }
    desk_set_totals(role->desk, &role->totals);
}

/* The first rules, when the desk is open. */
static enum rc rules_open(struct desk_role *role, struct err *err)
{
    struct rules *rules = NULL;
    struct err trouble = {0};
    enum rc rc = rule_supply_new(role->rule_files, role->desk, &role->supply, err);
    if (rc == RC_OK)
        rc = rule_supply_make(role->supply, &rules, err);
    if (rc == RC_OK)
        rc = correlation_counts_make(&role->fired, rules, err);
    if (rc == RC_OK)
        rc = rule_desk_new(role->desk, rules, clock_real_ns(), &role->rule_desk, err);
    if (rc != RC_OK)
        return rc;
    rule_supply_set(role->supply, rules);
    role->correlations = correlations_new(rules, random_u64());
    role->hunts = hunt_desk_new(role->desk);
    role->agents = agent_desk_new(role->desk);
    role->inventories = inventory_desk_new(role->desk);
    role->lists = own_lists_new(role->desk, process_handle(role->process, OWN_LISTS_FOLDER, -1));
    role->uploads = upload_desk_new(role->desk, role->lists, process_handle(role->process, "desk", -1));
    role->documents = document_desk_new(role->desk, role->uploads, process_handle(role->process, "documents", -1));
    if (!role->correlations || !role->hunts || !role->agents || !role->inventories || !role->lists || !role->uploads ||
        !role->documents)
        return err_set(err, RC_LIMIT, "no memory for correlations");
    if (correlations_open(role->correlations, role->desk, &trouble) != RC_OK)
        log_error("what correlations were told before the start does not read: %s", trouble.text);
    rules_told(role, rules);
    return RC_OK;
}

static void desk_begin(void *self)
{
    struct desk_role *role = self;
    struct err err = {0};
    enum rc rc = database_open(role, &err);
    if (rc == RC_OK)
        rc = rules_open(role, &err);
    arena_free(role->data_arena);
    role->data_arena = NULL;
    if (rc != RC_OK) {
        log_error("could not open the desk: %s", err.text);
        process_stop(EXIT_FAILURE);
        return;
    }
    role->records_waiting = true;
}

static enum rc desk_start(struct process *process, void **ret_self, struct err *err)
{
    struct desk_role *role = memory_new(sizeof *role);
    if (!role)
        return err_set(err, RC_LIMIT, "no memory");
    role->process = process;
    role->scratch = arena_new(SCRATCH);
    role->match_arena = arena_new(SCRATCH);
    role->matches = memory_new(MATCHES_AT_ONCE * sizeof *role->matches);
    buf_init(&role->answer, DESK_QUESTION_MAX * 4);
    ASSERT(role->scratch && role->match_arena && role->matches);
    role->rule_files = process_handle(process, "rules", -1);
    /* The database is opened by a name in its folder: the folders above may be closed to the desk's user. */
    enum rc rc = proc_enter_folder(process_handle(process, "desk", -1), err);
    if (rc != RC_OK)
        return rc;
    if (gethostname(role->host, sizeof role->host - 1) != 0)
        role->host[0] = '\0'; /* the desk then has a name of its own */
    role->data_arena = arena_new((size_t)64 << 20);
    ASSERT(role->data_arena != NULL);
    keep_read(role, role->data_arena);
    role->authority = arena_str(role->data_arena, process_secret("authority-certificate"));
    role->signer_public = arena_str(role->data_arena, process_secret("signer-public"));
    process_forget_secrets();
    rc = desk_data_load(process->config.share, role->data_arena, &role->data, err);
    if (rc == RC_OK)
        rc = pattern_supply_new(&process->config, &role->patterns, err);
    *ret_self = role;
    return rc;
}

/* ---- matches ---- */

static struct desk_match desk_match_of(const struct rule *rule, enum desk_level level, const struct match *match)
{
    return (struct desk_match){
        .record = match->record,
        .rule_id = rule->id,
        .title = rule->title,
        .level = level,
        .tags = rule->tags,
        .tag_count = rule->tag_count,
        .kind = rule->incident_kind,
        .time_ns = match->time_ns,
        .source = match->source,
        .host = match->host,
        .account = match->account,
        .address = match->address,
        .description = match->description,
    };
}

struct firing_context {
    struct desk_role *role;
    const struct match *match;
};

/* Tried again is only what is not stored: nothing fires or is counted twice. */
static enum rc batch_store(struct desk_role *role, const struct desk_batch *batch, int64_t now_ns, struct err *err)
{
    enum rc rc = desk_match_batch(role->desk, batch, now_ns, NULL, err);
    if (rc != RC_OK)
        return rc;
    correlations_stored(role->correlations);
    role->fired.count = role->canary_count = 0;
    return RC_OK;
}

static enum rc matches_store(struct desk_role *role, struct err *err)
{
    int64_t now_ns = clock_real_ns();
    struct desk_trail trails[CORRELATIONS_TRAILS];
    struct desk_batch batch = {.matches = role->matches,
                               .count = role->match_count,
                               .trails = trails,
                               .fired = role->fired.rows,
                               .fired_count = role->fired.count,
                               .canaries = role->canaries,
                               .canary_count = role->canary_count};
    batch.trail_count = correlations_trails(role->correlations, trails, &batch.clock_ns);
    if (batch.count == 0 && batch.trail_count == 0 && batch.fired_count == 0 && batch.canary_count == 0)
        return RC_OK;
    enum rc rc = batch_store(role, &batch, now_ns, err);
    if (rc != RC_INVALID)
        return rc;
    /* One that can never be stored must not keep back the others. */
    log_error("a match is left out: %s", err->text);
    batch.count = 0;
    rc = batch_store(role, &batch, now_ns, err);
    for (size_t i = 0; i < role->match_count && rc == RC_OK; i++) {
        rc = desk_match(role->desk, &role->matches[i], 1, now_ns, NULL, err);
        rc = rc == RC_INVALID ? RC_OK : rc;
    }
    return rc;
}

/* While matches cannot be stored (the disk is full, too much waits for the archive) engines keep theirs. */
static void engines_pause(struct desk_role *role, bool paused)
{
    for (unsigned i = 0; i < ENGINES_MAX && role->stuck != paused; i++)
        if (process_peer(ROLE_ENGINE, i))
            channel_pause(process_peer(ROLE_ENGINE, i), paused);
    role->stuck = paused;
}

/* Everything gathered goes into one transaction; then each engine learns how far its matches are kept. */
static void matches_flush(struct desk_role *role)
{
    struct err err = {0};
    uint64_t now = clock_boot_ns();
    if (role->stuck && now - role->stuck_ns < STUCK_RETRY_NS)
        return;
    enum rc rc = matches_store(role, &err);
    rc = rc == RC_OK ? inventory_desk_store(role->inventories, &err) : rc;
    engines_pause(role, rc != RC_OK);
    if (rc != RC_OK) {
        role->stuck_ns = now;
        log_error("matches could not be stored: %s; they wait, with the engines behind them", err.text);
        return;
    }
    role->records_waiting = role->records_waiting || role->match_count;
    for (unsigned i = 0; i < ENGINES_MAX; i++) {
        struct channel *engine = role->acknowledge[i] ? process_peer(ROLE_ENGINE, i) : NULL;
        if (engine)
            IGNORE(
                channel_send(engine, MSG_MATCH_DONE, role->acknowledge[i], STR_NONE)); /* gone: it sends them again */
        role->acknowledge[i] = 0;
    }
    role->match_count = 0;
    role->heard = 0;
    arena_reset(role->match_arena);
}

static void gathered(struct desk_role *role)
{
    if (!role->gathered_ns)
        role->gathered_ns = clock_boot_ns();
}

static void match_gather(struct desk_role *role, const struct desk_match *match)
{
    gathered(role);
    if (role->match_count == MATCHES_AT_ONCE) {
        log_error("one match made more correlations fire than fit: rule %.*s is passed over", STR_ARG(match->rule_id));
        return;
    }
    struct desk_match *out = &role->matches[role->match_count++];
    *out = *match;
    out->source = arena_str(role->match_arena, match->source);
    out->host = arena_str(role->match_arena, match->host);
    out->account = arena_str(role->match_arena, match->account);
    out->address = arena_str(role->match_arena, match->address);
    out->description = arena_str(role->match_arena, match->description);
}

static void on_losses(void *context, const struct rule *rule, const struct correlation_losses *losses)
{
    struct desk_role *role = context;
    correlation_counts_losses(&role->fired, rule, losses);
    gathered(role);
}

/* A clock may close many windows; what cannot be stored now stays one of them. */
static bool firing_has_room(void *context)
{
    struct desk_role *role = context;
    if (role->match_count + FIRINGS_MAX >= MATCHES_AT_ONCE)
        matches_flush(role);
    return role->match_count + FIRINGS_MAX < MATCHES_AT_ONCE;
}

static void on_firing(void *context, const struct correlation_firing *firing)
{
    struct firing_context *cause = context;
    struct match about;
    enum desk_level level;
    char storage[1024];
    struct buf text;
    if (rule_desk_runs(cause->role->desk, firing->rule)) {
        correlation_counts_firing(&cause->role->fired, firing);
        gathered(cause->role);
    }
    if (!firing->rule->alerts || !rule_desk_active(cause->role->desk, firing->rule, &level))
        return;
    if (!cause->match) {
        buf_init_fixed(&text, storage, sizeof storage);
        correlation_about(firing, &text, &about);
    }
    struct desk_match match = desk_match_of(firing->rule, level, cause->match ? cause->match : &about);
    match.time_ns = firing->time_ns;
    if (firing->record_count)
        match.record = firing->records[firing->record_count - 1];
    match_gather(cause->role, &match);
}

static void canary_gather(struct desk_role *role, const struct match *match, unsigned engine)
{
    arena_reset(role->scratch);
    if (role->canary_count < CANARIES_AT_ONCE && /* past it they are late, which is what there is to tell then */
        canary_of_match(match, engine, role->scratch, &role->canaries[role->canary_count]))
        role->canary_count++;
}

/* Matches below the threshold feed correlations; their hits stand in the archive and need no place in the desk. */
static void on_match(struct desk_role *role, struct channel *channel, const struct msg *msg)
{
    struct match match;
    enum desk_level level;
    if (!match_read(msg->body, &match) || channel_instance(channel) >= ENGINES_MAX) {
        log_error("a match of engine %u is damaged and dropped", channel_instance(channel));
        if (channel_instance(channel) < ENGINES_MAX)
            role->acknowledge[channel_instance(channel)] = msg->id; /* sending it again would not mend it */
        gathered(role);
        return;
    }
    if (role->match_count + FIRINGS_MAX >= MATCHES_AT_ONCE || ++role->heard >= HEARD_MAX ||
        role->canary_count == CANARIES_AT_ONCE || correlations_are_full(role->correlations))
        matches_flush(role);
    bool old = false;
    const struct rule *rule = rule_supply_find(role->supply, match.rule_hash, &old);
    role->acknowledge[channel_instance(channel)] = msg->id;
    gathered(role);
    if (!rule || !rule_desk_active(role->desk, rule, &level)) /* it may have been under way when it was switched off */
        return;
    if (str_is(rule->id, CANARY_RULE)) {
        canary_gather(role, &match, channel_instance(channel));
        return;
    }
    struct desk_match direct = desk_match_of(rule, level, &match);
    if (rule->alerts && direct.level >= DESK_MEDIUM)
        match_gather(role, &direct);
    struct firing_context cause = {role, &match};
    if (rule->correlated && !old) { /* windows know only what is in force */
        correlations_set_sink(role->correlations, on_firing, &cause);
        correlations_match(role->correlations, rule, &match, msg->body, clock_real_ns());
    }
}

/* In the same line as matches, and acknowledged with them. */
static void on_inventory(struct desk_role *role, unsigned engine, const struct msg *msg)
{
    if (++role->heard >= HEARD_MAX || inventory_desk_is_full(role->inventories))
        matches_flush(role);
    inventory_desk_gather(role->inventories, msg->body);
    role->acknowledge[MIN(engine, ENGINES_MAX - 1u)] = msg->id;
    gathered(role);
}

/* ---- records for the archive ---- */

static void records_send(struct desk_role *role)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    while (keeper && role->records_waiting && role->records_flying + role->kept_count < RECORDS_FLYING) {
        struct desk_record record;
        struct err err = {0};
        arena_reset(role->scratch);
        enum rc rc = desk_take_record(role->desk, role->scratch, &record, &err);
        if (rc != RC_OK) {
            role->records_waiting = false;
            if (rc != RC_END)
                log_error("records for the archive could not be read: %s", err.text);
            return;
        }
        if (!channel_send(keeper, MSG_RECORD, (uint64_t)record.local_id, record.body)) {
            desk_records_rewind(role->desk);
            desk_retire_rewind(role->desk);
            return;
        }
        role->records_flying++;
    }
}

/* What cannot be marked waits and is tried again: the keeper tells a number once. Records go out only as long as there
 * is room for theirs. */
static void kept_store(struct desk_role *role)
{
    struct err err = {0};
    uint64_t now = clock_boot_ns();
    if (!role->kept_count || (role->kept_failed_ns && now - role->kept_failed_ns < STUCK_RETRY_NS))
        return;
    if (desk_records_kept(role->desk, role->kept, role->kept_count, &err) != RC_OK) {
        role->kept_failed_ns = now;
        log_error("numbers of records could not be stored: %s; they wait", err.text);
        return;
    }
    role->kept_failed_ns = 0;
    role->kept_count = 0;
}

static void on_record_kept(struct desk_role *role, const struct msg *msg)
{
    role->records_flying -= role->records_flying > 0;
    role->records_waiting = true;
    if (msg->body.n != 8 || get_be64(msg->body.p) > INT64_MAX) {
        log_error("the keeper's answer about record %llu is damaged", (unsigned long long)msg->id);
        return;
    }
    if (role->kept_count == ARRAY_LEN(role->kept)) {
        log_error("the keeper answers more than it was sent");
        return;
    }
    role->kept[role->kept_count++] = (struct desk_kept){(int64_t)msg->id, get_be64(msg->body.p)};
    gathered(role);
}

/* ---- questions and counters ---- */

/* What mirrors brought. A keeper that is away misses it: they come again. */
static void cosignatures_send(struct desk_role *role)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    buf_clear(&role->answer);
    while (keeper && desk_take_cosignature(role->desk, &role->answer)) {
        IGNORE(channel_send(keeper, MSG_MIRROR_COSIGNED, 0, buf_view(&role->answer))); /* as above */
        buf_clear(&role->answer);
    }
}

static void on_ask(struct desk_role *role, struct channel *channel, const struct msg *msg)
{
    struct err err = {0};
    arena_reset(role->scratch);
    buf_clear(&role->answer);
    if (desk_ask(role->desk, msg->body, clock_real_ns(), role->scratch, &role->answer, &err) != RC_OK)
        log_error("a question failed: %s", err.text);
    if (!document_desk_answer(role->documents, channel, msg->id, buf_view(&role->answer)))
        log_warning("web does not take its answers");
    cosignatures_send(role);
    rule_desk_send(role->rule_desk);
    agent_desk_look(role->agents, clock_real_ns()); /* one that was revoked is dropped now */
    role->records_waiting = true;
    records_send(role);
}

static void on_stats(struct desk_role *role, struct channel *channel, const struct msg *msg)
{
    struct json_value *value = NULL;
    struct err err = {0};
    arena_reset(role->scratch);
    if (json_parse(role->scratch, msg->body, 8, &value, &err) != RC_OK)
        return;
    uint64_t position = (uint64_t)json_int(json_get(value, "position"), 0);
    uint64_t own = (uint64_t)json_int(json_get(value, "canary"), 0);
    correlations_engine(role->correlations, channel_instance(channel), position);
    desk_canary_engine(role->desk, channel_instance(channel), (struct desk_canary_engine){position, own},
                       clock_real_ns());
    size_t n = desk_stats_read(value, role->stats, STATS_MAX);
    if (n && desk_source_stats(role->desk, role->stats, n, clock_real_ns(), &err) != RC_OK)
        log_warning("%s", err.text);
}

static void alarm_take(struct desk_role *role, const struct archive_alarm *alarm)
{
    struct desk_match match;
    if (!archive_alarm_match(&role->alarms, alarm, &match))
        return;
    if (role->match_count + FIRINGS_MAX >= MATCHES_AT_ONCE)
        matches_flush(role);
    match_gather(role, &match);
}

/* What two people agreed to delete, to the keeper, which must know the objects' terms before. */
static void retire_send(struct desk_role *role)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    struct err err = {0};
    int64_t id = 0;
    if (!keeper || role->told.terms != desk_objects_version(role->desk))
        return;
    buf_clear(&role->answer);
    enum rc rc = desk_take_retire(role->desk, &role->answer, &id, &err);
    if (rc == RC_OK && !channel_send(keeper, MSG_RETIRE, (uint64_t)id, buf_view(&role->answer)))
        desk_retire_rewind(role->desk);
    if (rc != RC_OK && rc != RC_END)
        log_error("what is to be deleted could not be read: %s", err.text);
}

static void on_retired(struct desk_role *role, const struct msg *msg)
{
    struct json_value *value = NULL;
    struct err err = {0};
    arena_reset(role->scratch);
    if (json_parse(role->scratch, msg->body, 2, &value, &err) != RC_OK)
        return;
    struct desk_retired retired = {
        .first = (uint64_t)json_int(json_get(value, "first"), -1),
        .end = (uint64_t)json_int(json_get(value, "end"), 0),
        .state = json_str(json_get(value, "state"), STR_NONE),
        .record = (uint64_t)json_int(json_get(value, "record"), 0),
        .reason = json_str(json_get(value, "reason"), STR_NONE),
    };
    if (desk_retired(role->desk, (int64_t)msg->id, &retired, clock_real_ns(), &err) != RC_OK)
        log_error("what became of a segment could not be stored: %s", err.text);
    role->records_waiting = true;
}

static void outside_take(struct desk_role *role, const struct json_value *value)
{
    for (const struct json_value *row = json_first(json_get(value, "alarms")); row; row = row->next) {
        struct str host = json_str(json_get(row, "host"), STR_NONE);
        struct str text = json_str(json_get(row, "text"), STR_NONE);
        alarm_take(role, &(struct archive_alarm){.rule = json_str(json_get(row, "rule"), STR_NONE),
                                                 .record = (uint64_t)json_int(json_get(row, "record"), 0),
                                                 .host = host,
                                                 .text = text.n ? text : host,
                                                 .time_ns = clock_real_ns()});
    }
    role->heard_ns = clock_boot_ns();
    role->heard_real_ns = clock_real_ns();
}

/* A keeper that says nothing keeps nothing, the record of its silence neither: the evidence is the newest record that
 * it said was durable, and when it said so. */
static void keeper_listen(struct desk_role *role)
{
    char text[96] = "";
    char time[CIVIL_TEXT_MAX];
    if (!role->heard_ns || clock_boot_ns() - role->heard_ns < KEEPER_SILENCE)
        return;
    role->heard_ns = 0;
    civil_format(role->heard_real_ns, 0, 0, time);
    snprintf(text, sizeof text, "the keeper was heard last at %s", time);
    alarm_take(role, &(struct archive_alarm){.rule = STR("qorgan-archive-stalled"),
                                             .record = role->totals.durable ? role->totals.durable - 1 : 0,
                                             .text = str_of(text),
                                             .time_ns = role->heard_real_ns});
}

static void on_totals(struct desk_role *role, const struct msg *msg)
{
    struct json_value *value = NULL;
    struct err err = {0};
    arena_reset(role->scratch);
    if (json_parse(role->scratch, msg->body, 4, &value, &err) != RC_OK)
        return;
    desk_totals_take(role->desk, value, role->scratch, &role->totals);
    correlations_durable(role->correlations, role->totals.durable, clock_real_ns());
    outside_take(role, value);
}

/* ---- other rules ---- */

/* All or nothing. What was gathered names the old ones: it is stored before, with the trail of their windows. */
static enum rc rules_replace(struct desk_role *role, struct rules *rules, struct err *err)
{
    const struct rules *before = rule_supply_rules(role->supply);
    enum rc rc = correlation_counts_make(&role->fired, rules, err);
    if (rc == RC_OK)
        rc = correlations_renew(role->correlations, rules, err);
    if (rc != RC_OK)
        return rc;
    rc = rule_desk_renew(role->rule_desk, rules, clock_real_ns(), err);
    if (rc == RC_OK) {
        rule_supply_set(role->supply, rules);
        rule_desk_send(role->rule_desk);
        return RC_OK;
    }
    struct err again = {0};
    if (correlations_renew(role->correlations, before, &again) != RC_OK) {
        log_error("the windows of correlations could not be made again: %s", again.text);
        process_stop(EXIT_FAILURE); /* the next desk makes them of what is stored */
    }
    return rc;
}

static bool is_idle(const struct desk_role *role)
{
    /* an inventory names no rule */
    return !role->stuck && role->match_count == 0 && role->fired.count == 0 && role->canary_count == 0;
}

static void rules_look(struct desk_role *role)
{
    struct rules *rules = NULL;
    struct err err = {0};
    if (rule_supply_is_at_rest(role->supply))
        return;
    correlations_losses(role->correlations, on_losses, role); /* with other rules they would be forgotten */
    matches_flush(role);                                      /* under load there is always something gathered */
    if (!is_idle(role))
        return;
    rule_supply_settle(role->supply);
    if (!rule_supply_is_due(role->supply))
        return;
    enum rc rc = rule_supply_make(role->supply, &rules, &err);
    if (rc == RC_OK && rules) {
        rc = rules_replace(role, rules, &err);
        if (rc != RC_OK)
            rules_free(rules);
        else
            rules_told(role, rules);
    }
    struct str reason = rc == RC_OK ? STR("") : str_of(err.text);
    struct err untold = {0};
    if (rc != RC_OK)
        log_error("other rules cannot be had, those in force stay: %s", err.text);
    if (desk_rules_taken(role->desk, DESK_RULES_SELF, reason, clock_real_ns(), &untold) != RC_OK)
        log_error("how it went with the rules could not be stored: %s", untold.text);
}

static void desk_message(void *self, struct channel *channel, struct msg *msg)
{
    struct desk_role *role = self;
    switch ((int)msg->type) {
    case MSG_MATCH:
        on_match(role, channel, msg);
        break;
    case MSG_INVENTORY:
        on_inventory(role, channel_instance(channel), msg);
        break;
    case MSG_ASK:
        on_ask(role, channel, msg);
        break;
    case MSG_RECORD_KEPT:
        on_record_kept(role, msg);
        break;
    case MSG_NOTICE_RESULT:
        notice_desk_result(&role->notices, msg);
        role->records_waiting = true;
        break;
    case MSG_STATS:
        on_stats(role, channel, msg);
        break;
    case MSG_TOTALS:
        on_totals(role, msg);
        break;
    case MSG_RULE_STATS:
        rule_desk_count(role->rule_desk, channel_instance(channel), msg->body, clock_real_ns());
        break;
    case MSG_RULE_FILES:
        if (msg->fd_count == 1)
            rule_supply_files(role->supply, msg->fds[0]);
        break;
    case MSG_RECEIVERS:
        desk_set_receivers(role->desk, msg->body);
        break;
    case MSG_RULES_TAKEN:
        rule_supply_taken(role->supply, channel, msg);
        role->records_waiting = true;
        break;
    case MSG_LISTS_TAKEN:
        if (channel_peer(channel) == ROLE_ENGINE)
            hunt_desk_lists_told(role->hunts, channel_instance(channel), msg->id);
        rule_supply_lists_taken(role->supply, channel, msg);
        role->records_waiting = true;
        break;
    case MSG_PATTERNS_TAKEN:
        pattern_supply_taken(role->desk, channel, msg);
        role->records_waiting = true;
        break;
    case MSG_HUNT_LISTS:
    case MSG_HUNT_PROGRESS:
        hunt_desk_message(role->hunts, msg, clock_real_ns());
        role->records_waiting = true;
        break;
    case MSG_RETIRED:
        on_retired(role, msg);
        break;
    case MSG_HEARD:
        if (msg->body.n == 16)
            desk_source_heard(role->desk, (const uint8_t *)msg->body.p, clock_real_ns());
        break;
    default:
        if (!upload_desk_message(role->uploads, channel, msg, clock_real_ns()) &&
            !document_desk_message(role->documents, channel, msg, clock_real_ns()))
            role->records_waiting |= agent_desk_message(role->agents, channel, msg, clock_real_ns());
        break;
    }
}

static void desk_peer_up(void *self, struct channel *channel)
{
    struct desk_role *role = self;
    if (channel_peer(channel) == ROLE_KEEPER) {
        kept_store(role);
        desk_records_rewind(role->desk);
        desk_retire_rewind(role->desk);
        role->told.terms = 0;
        role->records_flying = 0;
        role->records_waiting = true;
    }
    if (channel_peer(channel) == ROLE_PACKER)
        role->told.rules = 0;
    pattern_supply_peer_up(role->patterns, role->desk, channel);
    rule_supply_peer_up(role->supply, channel_peer(channel), channel_instance(channel));
    if (channel_peer(channel) == ROLE_HUNTER)
        hunt_desk_up(role->hunts);
    if (channel_peer(channel) != ROLE_ENGINE)
        return;
    rule_desk_engine_up(role->rule_desk, channel_instance(channel)); /* behind the rules that these are states of */
    hunt_desk_engine(role->hunts, channel_instance(channel));
    correlations_engine_away(role->correlations, channel_instance(channel)); /* until it says how far it is */
    channel_pause(channel, role->stuck);
}

static void desk_peer_down(void *self, enum role peer, unsigned instance)
{
    struct desk_role *role = self;
    if (peer == ROLE_ENGINE) {
        hunt_desk_engine(role->hunts, instance);
        correlations_engine_away(role->correlations, instance);
    }
    if (peer == ROLE_ENGINE && instance < ENGINES_MAX)
        role->acknowledge[instance] = 0; /* its successor numbers its matches anew */
    if (peer == ROLE_HUNTER)
        hunt_desk_down(role->hunts);
    upload_desk_down(role->uploads, peer, clock_real_ns());
    document_desk_down(role->documents, peer, clock_real_ns());
    agent_desk_peer_down(role->agents, peer, instance);
    if (peer == ROLE_OUT)
        role->notices.flying = false;
}

/* Nobody waits for a match that is only counted, but its engine's block: fewer syncs where sign-ins are counted all
 * day. */
static uint64_t gather_ns(const struct desk_role *role)
{
    return role->match_count || role->kept_count || role->canary_count ? GATHER_NS : COUNTED_NS;
}

static void role_tick(void *self, int64_t now_ns)
{
    struct desk_role *role = self;
    struct err err = {0};
    struct firing_context cause = {role, NULL};
    if (!role->stuck) {
        correlations_set_sink(role->correlations, on_firing, &cause);
        correlations_set_room(role->correlations, firing_has_room, role);
        correlations_tick(role->correlations, now_ns);
        correlations_losses(role->correlations, on_losses, role);
    }
    if (now_ns >= desk_next_ns(role->desk)) {
        if (desk_tick(role->desk, now_ns, &err) != RC_OK)
            log_error("the clocks could not be brought up to date: %s", err.text);
        role->records_waiting = true;
    }
    if (desk_listen(role->desk, now_ns, &err) != RC_OK)
        log_error("silent sources could not be recorded: %s", err.text);
    keeper_listen(role);
    if (desk_watch_losses(role->desk, now_ns, correlations_clock(role->correlations), &err) != RC_OK)
        log_error("the ledger of losses could not be looked at: %s", err.text);
    if (desk_watch_canaries(role->desk, now_ns, &err) != RC_OK)
        log_error("canaries could not be looked at: %s", err.text);
    if (desk_watch_annex(role->desk, now_ns, &err) != RC_OK)
        log_error("coverage of Annex 4 could not be looked at: %s", err.text);
    if (desk_watch_mirrors(role->desk, now_ns, &err) != RC_OK)
        log_error("silent mirrors could not be recorded: %s", err.text);
    if (desk_watch_receivers(role->desk, now_ns, &err) != RC_OK)
        log_error("late receivers could not be recorded: %s", err.text);
    if (desk_watch_retention(role->desk, now_ns, &err) != RC_OK)
        log_error("proposals of deletion could not be looked at: %s", err.text);
    object_desk_send(role->desk, &role->told);
    retire_send(role);
    rules_look(role);
    pattern_supply_send(role->patterns, role->desk);
    rule_supply_send(role->supply);
    rule_desk_send(role->rule_desk);
    hunt_desk_look(role->hunts, now_ns);
    agent_desk_look(role->agents, now_ns);
    role->records_waiting |= own_lists_look(role->lists, now_ns);
    role->records_waiting |= upload_desk_look(role->uploads, now_ns);
    role->records_waiting |= document_desk_look(role->documents, now_ns);
    uint64_t boot_ns = clock_boot_ns();
    bool due = (role->gathered_ns && boot_ns - role->gathered_ns >= gather_ns(role)) ||
               (role->kept_count >= RECORDS_FLYING / 2 && !role->kept_failed_ns);
    if (due || role->stuck || role->kept_failed_ns) {
        role->gathered_ns = 0;
        kept_store(role);
        matches_flush(role);
    }
    if (due || boot_ns - role->looked_ns >= LOOK_NS) { /* after every message it would cost more than the matches */
        role->looked_ns = boot_ns;
        role->records_waiting = true;
        notice_desk_send(&role->notices);
    }
    records_send(role);
}

static int role_timeout_ms(void *self)
{
    const struct desk_role *role = self;
    if (upload_desk_timeout_ms(role->uploads) == 0 || own_lists_timeout_ms(role->lists) == 0 ||
        document_desk_timeout_ms(role->documents) == 0)
        return 0;
    if (role->stuck || !role->gathered_ns)
        return agent_desk_timeout_ms(role->agents);
    uint64_t age = clock_boot_ns() - role->gathered_ns;
    int own = age >= gather_ns(role) ? 0 : (int)((gather_ns(role) - age) / 1000000) + 1;
    int agents = agent_desk_timeout_ms(role->agents);
    return agents >= 0 ? MIN(agents, own) : own;
}

static void desk_stop(void *self)
{
    struct desk_role *role = self;
    role->kept_failed_ns = 0; /* once more */
    if (role->desk)
        kept_store(role);
    document_desk_free(role->documents);
    upload_desk_free(role->uploads);
    own_lists_free(role->lists);
    inventory_desk_free(role->inventories);
    agent_desk_free(role->agents);
    hunt_desk_free(role->hunts);
    rule_desk_free(role->rule_desk);
    rule_supply_free(role->supply);
    pattern_supply_free(role->patterns);
    desk_close(role->desk);
    db_close(role->db);
}

static size_t desk_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    static const char *const names[] = {"desk", OWN_LISTS_FOLDER};
    ASSERT(size >= ARRAY_LEN(names));
    struct buf path;
    buf_init(&path, 4096);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_clear(&path);
        buf_format(&path, "%.*s/%s", STR_ARG(config->data), names[i]);
        ret[i] =
            (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ | SANDBOX_WRITE};
    }
    buf_done(&path);
    return ARRAY_LEN(names);
}

const struct role_driver desk_driver = {
    .role = ROLE_DESK,
    /* SQLite removes its journal; Argon2 works in one thread here but its library may ask for more. */
    .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_UNLINK | SANDBOX_THREADS,
    .files_max = 256,
    .tick_ms = 200,
    .paths = desk_paths,
    .start = desk_start,
    .begin = desk_begin,
    .message = desk_message,
    .peer_up = desk_peer_up,
    .peer_down = desk_peer_down,
    .tick = role_tick,
    .timeout_ms = role_timeout_ms,
    .stop = desk_stop,
};
