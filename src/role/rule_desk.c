#include "role/rule_desk.h"

#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "role/log.h"
#include "role/process.h"
#include "role/rule_states.h"
#include "role/rule_stats.h"
#include "rule/correlate.h"

#include <string.h>

#define LIST_MEMORY  ((size_t)256 << 20)
#define STATS_MEMORY ((size_t)48 << 20)

struct rule_desk {
    struct desk *desk;
    const struct rules *rules;
    struct arena *arena;                   /* the lists told to the desk */
    struct arena *scratch;                 /* one message */
    uint64_t version;                      /* of the desk, as it was read last */
    uint64_t told[RULE_DESK_ENGINES];      /* the version that each engine has; 0: none */
    struct buf waiting[RULE_DESK_ENGINES]; /* of each the oldest message that the database did not take; empty: none */
};

/* --- from the engines --- */

static struct desk_loss loss_of(const struct loss_row *row)
{
    struct desk_loss loss = {.cause = row->cause,
                             .unit = row->unit,
                             .unknown = row->unknown,
                             .count = row->count,
                             .from_ns = row->from_ns,
                             .to_ns = row->to_ns,
                             .first = row->first,
                             .last = row->last};
    memcpy(loss.source, row->source, sizeof loss.source);
    memcpy(loss.sender, row->sender, sizeof loss.sender);
    return loss;
}

static enum rc counts_store(struct rule_desk *self, const struct rule_stats *stats, struct desk_rule_counts *counts,
                            int64_t now_ns, struct err *err)
{
    struct desk_rule_count *rules = arena_alloc_array(self->scratch, stats->rule_count + 1, sizeof *rules);
    struct desk_log_source *sources = arena_alloc_array(self->scratch, stats->source_count + 1, sizeof *sources);
    struct desk_annex_count *annex = arena_alloc_array(self->scratch, stats->annex_count + 1, sizeof *annex);
    struct desk_parse_count *parses = arena_alloc_array(self->scratch, stats->parse_count + 1, sizeof *parses);
    if (!rules || !sources || !annex || !parses) /* of the arena: it would be so each time */
        return err_set(err, RC_INVALID, "it does not fit the memory for one message");
    for (size_t i = 0; i < stats->rule_count; i++) {
        const struct rule_stats_rule *rule = &stats->rules[i];
        rules[i] = (struct desk_rule_count){
            .id = rule->id, .hits = rule->hits, .runs = rule->runs, .ns = rule->ns, .last_ns = rule->last_ns};
    }
    for (size_t i = 0; i < stats->source_count; i++) {
        const struct rule_stats_source *source = &stats->sources[i];
        sources[i] = (struct desk_log_source){source->product, source->category, source->service, source->events,
                                              source->covered};
    }
    for (size_t i = 0; i < stats->annex_count; i++) {
        const struct rule_stats_annex *row = &stats->annex[i];
        annex[i] = (struct desk_annex_count){.class = row->class, .kind = row->kind, .parser = row->parser};
        memcpy(annex[i].source, row->source, sizeof annex[i].source);
        annex[i].count = row->count;
    }
    for (size_t i = 0; i < stats->parse_count; i++) {
        const struct rule_stats_parse *row = &stats->parses[i];
        parses[i] = (struct desk_parse_count){
            .day = row->day, .parser = row->parser, .outcome = row->outcome, .count = row->count};
        memcpy(parses[i].source, row->source, sizeof parses[i].source);
    }
    counts->parses = parses;
    counts->parse_count = stats->parse_count;
    struct desk_loss *losses = arena_alloc_array(self->scratch, stats->loss_count + 1, sizeof *losses);
    if (!losses)
        return err_set(err, RC_INVALID, "it does not fit the memory for one message");
    for (size_t i = 0; i < stats->loss_count; i++)
        losses[i] = loss_of(&stats->losses[i]);
    counts->losses = losses;
    counts->loss_count = stats->loss_count;
    counts->annex = annex;
    counts->annex_count = stats->annex_count;
    counts->upto = stats->upto;
    counts->events = stats->events;
    counts->rules = rules;
    counts->rule_count = stats->rule_count;
    counts->sources = sources;
    counts->source_count = stats->source_count;
    counts->fields = stats->fields;
    counts->field_count = stats->field_count;
    return desk_count_rules(self->desk, counts, now_ns, err);
}

/* RC_INVALID: it can never be stored. */
static enum rc body_store(struct rule_desk *self, uint32_t instance, struct str body, int64_t now_ns)
{
    struct desk_rule_counts counts = {.engine = instance};
    struct rule_stats stats = {0};
    struct err err = {0};
    arena_reset(self->scratch);
    enum rc rc = rule_stats_read(body, self->scratch, &stats, &err);
    bool read = rc == RC_OK;
    if (read)
        rc = counts_store(self, &stats, &counts, now_ns, &err);
    if (rc != RC_OK)
        log_error("what engine %u counted of its rules could not be stored: %s", instance, err.text);
    return read ? rc : RC_INVALID;
}

/* What could not be stored before, if anything. */
static enum rc waiting_store(struct rule_desk *self, uint32_t instance, int64_t now_ns)
{
    struct buf *waiting = &self->waiting[instance];
    if (waiting->n == 0)
        return RC_OK;
    enum rc rc = body_store(self, instance, buf_view(waiting), now_ns);
    if (rc == RC_OK || rc == RC_INVALID)
        buf_done(waiting);
    return rc == RC_INVALID ? RC_OK : rc;
}

static void waiting_keep(struct rule_desk *self, uint32_t instance, struct str body)
{
    struct buf *waiting = &self->waiting[instance];
    buf_init(waiting, RULE_STATS_BYTES);
    buf_str(waiting, body);
    if (waiting->overflow) {
        buf_done(waiting);
        self->told[instance] = 0; /* at least its fields come again */
    }
}

/* --- what is loaded --- */

static enum desk_level level_of(enum rule_level level)
{
    static const enum desk_level levels[] = {
        [RULE_INFORMATIONAL] = DESK_INFORMATIONAL,
        [RULE_LOW] = DESK_LOW,
        [RULE_MEDIUM] = DESK_MEDIUM,
        [RULE_HIGH] = DESK_HIGH,
        [RULE_CRITICAL] = DESK_CRITICAL,
    };
    return levels[level];
}

static bool fields_put(struct arena *arena, const struct rule *rule, struct desk_rule *out)
{
    struct str fields[DESK_RULE_FIELDS_MAX];
    out->field_count = rule_fields(rule, fields, ARRAY_LEN(fields));
    struct str *kept = arena_alloc_array(arena, out->field_count + 1, sizeof *kept);
    if (!kept)
        return false;
    for (size_t i = 0; i < out->field_count; i++)
        kept[i] = fields[i];
    out->fields = kept;
    return true;
}

static bool feeds_put(struct arena *arena, const struct rules *rules, const struct rule *rule, struct desk_rule *out)
{
    size_t count = 0;
    for (size_t i = 0; i < rules_count(rules); i++)
        count += correlation_names(rule, rules_at(rules, i));
    uint32_t *feeds = arena_alloc_array(arena, count + 1, sizeof *feeds);
    if (!feeds)
        return false;
    for (size_t i = 0; i < rules_count(rules) && out->feed_count < count; i++)
        if (correlation_names(rule, rules_at(rules, i)))
            feeds[out->feed_count++] = (uint32_t)i;
    out->feeds = feeds;
    return true;
}

static bool filters_put(struct arena *arena, const struct rule *rule, struct desk_rule *out)
{
    uint32_t *filters = arena_alloc_array(arena, rule->filter_count + 1, sizeof *filters);
    if (!filters)
        return false;
    for (; out->filter_count < rule->filter_count; out->filter_count++)
        filters[out->filter_count] = rule->filters[out->filter_count]->index;
    out->filters = filters;
    return true;
}

static bool rule_put(struct arena *arena, const struct rules *rules, const struct rule *rule, struct desk_rule *out)
{
    static const enum desk_rule_kind kinds[] = {
        [RULE_DETECTION] = DESK_RULE_DETECTION,
        [RULE_CORRELATION] = DESK_RULE_CORRELATION,
        [RULE_FILTER] = DESK_RULE_FILTER,
    };
    *out = (struct desk_rule){
        .id = rule->id,
        .title = rule->title,
        .description = rule->description,
        .status = rule->status,
        .kind = kinds[rule->kind],
        .level = level_of(rule->level),
        .tags = rule->tags,
        .tag_count = rule->tag_count,
        .product = rule->logsource.product,
        .category = rule->logsource.category,
        .service = rule->logsource.service,
        .path = rule->path,
        .line = rule->line,
        .hash = rule->hash,
        .incident_kind = rule->incident_kind,
    };
    return fields_put(arena, rule, out) && filters_put(arena, rule, out) &&
           (rule->kind != RULE_CORRELATION || feeds_put(arena, rules, rule, out));
}

static bool can_hold(void *context, size_t place, desk_field_seen seen, void *seen_context)
{
    const struct rule_desk *self = context;
    return rule_can_hold(rules_at(self->rules, place), seen, seen_context);
}

static enum rc rules_tell(struct rule_desk *self, int64_t now_ns, struct err *err)
{
    size_t count = rules_count(self->rules);
    size_t outcomes = rules_outcome_count(self->rules);
    struct desk_rule *list = arena_alloc_array(self->arena, count + 1, sizeof *list);
    struct desk_rule_outcome *odd = arena_alloc_array(self->arena, outcomes + 1, sizeof *odd);
    bool fits = list && odd;
    struct desk_rules told = {.rule = list, .outcome = odd, .can_hold = can_hold, .context = self};
    for (; told.count < count && fits; told.count++)
        fits = rule_put(self->arena, self->rules, rules_at(self->rules, told.count), &list[told.count]);
    if (!fits)
        return err_set(err, RC_LIMIT, "no memory for the list of rules");
    for (size_t i = 0; i < outcomes; i++) {
        const struct rule_outcome *outcome = rules_outcome_at(self->rules, i);
        if (outcome->loaded && outcome->warning.n == 0)
            continue;
        odd[told.outcome_count++] = (struct desk_rule_outcome){
            .path = outcome->path,
            .line = outcome->line,
            .id = outcome->id,
            .title = outcome->title,
            .loaded = outcome->loaded,
            .text = outcome->loaded ? outcome->warning : outcome->reason,
        };
    }
    return desk_set_rules(self->desk, &told, now_ns, err);
}

enum rc rule_desk_new(struct desk *desk, const struct rules *rules, int64_t now_ns, struct rule_desk **ret_self,
                      struct err *err)
{
    struct rule_desk *self = memory_new(sizeof *self);
    if (!self)
        return err_set(err, RC_LIMIT, "no memory for the list of rules");
    *self = (struct rule_desk){.desk = desk, .rules = rules};
    self->arena = arena_new(LIST_MEMORY);
    self->scratch = arena_new(STATS_MEMORY);
    enum rc rc = self->arena && self->scratch ? rules_tell(self, now_ns, err)
                                              : err_set(err, RC_LIMIT, "no memory for the list of rules");
    self->version = desk_rules_version(desk);
    if (rc == RC_OK)
        *ret_self = self;
    else
        rule_desk_free(self);
    return rc;
}

enum rc rule_desk_renew(struct rule_desk *self, const struct rules *rules, int64_t now_ns, struct err *err)
{
    struct arena *arena = self->arena;
    const struct rules *before = self->rules;
    self->rules = rules;
    self->arena = arena_new(LIST_MEMORY);
    enum rc rc =
        self->arena ? rules_tell(self, now_ns, err) : err_set(err, RC_LIMIT, "no memory for the list of rules");
    if (rc != RC_OK) {
        arena_free(self->arena);
        self->arena = arena;
        self->rules = before;
        return rc;
    }
    arena_free(arena);
    return RC_OK;
}

void rule_desk_free(struct rule_desk *self)
{
    if (!self)
        return;
    for (uint32_t i = 0; i < RULE_DESK_ENGINES && self->scratch; i++) {
        IGNORE(waiting_store(self, i, clock_real_ns())); /* once more; it says what failed */
        buf_done(&self->waiting[i]);
    }
    arena_free(self->arena);
    arena_free(self->scratch);
    memory_free(self);
}

/* --- to the engines --- */

static enum rule_state state_of(enum desk_rule_state state)
{
    static const enum rule_state states[] = {
        [DESK_RULE_ACTIVE] = RULE_ACTIVE,
        [DESK_RULE_TEST] = RULE_TEST,
        [DESK_RULE_DRAFT] = RULE_DRAFT,
        [DESK_RULE_OFF] = RULE_OFF,
    };
    return states[state];
}

static void states_write(const struct rule_desk *self, uint64_t counted, struct buf *out)
{
    struct desk_rule_standing standing;
    struct str id;
    size_t at = 0;
    rule_states_begin(out, counted);
    while (desk_rule_decided(self->desk, &at, &id, &standing)) {
        const struct rule_state_row row = {id, state_of(standing.state), standing.level_decided,
                                           (enum rule_level)standing.level};
        rule_states_add(out, &row);
    }
    rule_states_end(out);
}

static void engine_tell(struct rule_desk *self, uint32_t instance, struct channel *engine)
{
    struct buf body CLEANUP(buf_done) = {0};
    struct err err = {0};
    uint64_t counted = 0;
    if (desk_rules_counted(self->desk, instance, &counted, &err) != RC_OK) {
        log_error("how far engine %u counted could not be read: %s", instance, err.text);
        return; /* it waits, and is told a moment later */
    }
    buf_init(&body, RULE_STATES_BYTES);
    states_write(self, counted, &body);
    if (body.overflow) {
        log_error("the states of the rules do not fit their message");
        self->told[instance] = self->version;
    } else if (channel_send(engine, MSG_RULE_STATES, 0, buf_view(&body))) {
        self->told[instance] = self->version;
    }
}

void rule_desk_send(struct rule_desk *self)
{
    struct err err = {0};
    if (self->version != desk_rules_version(self->desk)) {
        if (desk_rules_refresh(self->desk, &err) != RC_OK) {
            log_error("the states of the rules could not be read: %s", err.text);
            return;
        }
        self->version = desk_rules_version(self->desk);
    }
    for (uint32_t i = 0; i < RULE_DESK_ENGINES; i++) {
        struct channel *engine = self->told[i] == self->version ? NULL : process_peer(ROLE_ENGINE, i);
        if (engine)
            engine_tell(self, i, engine);
    }
}

void rule_desk_engine_up(struct rule_desk *self, uint32_t instance)
{
    if (instance >= RULE_DESK_ENGINES)
        return;
    if (waiting_store(self, instance, clock_real_ns()) != RC_OK)
        buf_done(&self->waiting[instance]); /* this one may read these records again, and count them */
    self->told[instance] = 0;
    rule_desk_send(self);
}

/* --- what comes --- */

/* While the database takes nothing one message an engine waits. What comes behind it is lost, but for the fields: these
 * the engine tells again with the next states. */
void rule_desk_count(struct rule_desk *self, uint32_t instance, struct str body, int64_t now_ns)
{
    if (instance >= RULE_DESK_ENGINES)
        return;
    if (waiting_store(self, instance, now_ns) != RC_OK) {
        self->told[instance] = 0;
        return;
    }
    enum rc rc = body_store(self, instance, body, now_ns);
    if (rc != RC_OK && rc != RC_INVALID)
        waiting_keep(self, instance, body);
}

bool rule_desk_active(const struct desk *desk, const struct rule *rule, enum desk_level *ret_level)
{
    struct desk_rule_standing standing = desk_rule_standing(desk, rule->id, level_of(rule->level));
    *ret_level = standing.level;
    return standing.state == DESK_RULE_ACTIVE;
}

bool rule_desk_runs(const struct desk *desk, const struct rule *rule)
{
    enum desk_rule_state state = desk_rule_standing(desk, rule->id, level_of(rule->level)).state;
    return state == DESK_RULE_ACTIVE || state == DESK_RULE_TEST;
}
