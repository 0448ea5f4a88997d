#include "role/engine_rules.h"

#include "base/assert.h"
#include "codec/canary_text.h"
#include "role/rule_states.h"
#include "role/rule_stats.h"

#include <string.h>

struct duty {
    enum rule_state state;
    enum rule_level level;
};

struct engine_rules {
    const struct rules *rules;
    struct matcher *matcher;
    const struct names *names;
    struct duty *duties; /* by rule */
    bool known;
    uint64_t counted;         /* records below were counted before */
    uint64_t next;            /* behind the newest record at work */
    const char *const *given; /* names of fields, told before those that the matcher saw */
    size_t given_count;
    size_t fields_told;
    bool counting;               /* the record at work is to be counted */
    struct annex_counts *annex;  /* or NULL */
    struct loss_counts *losses;  /* or NULL */
    struct parse_counts *parses; /* or NULL */
    /* of what was written last: it reaches up to these */
    size_t rules_written;
    size_t sources_written;
    size_t fields_written;
    size_t annex_written;
    size_t losses_written;
    size_t parses_written;
};

static void duties_begin(struct engine_rules *self)
{
    for (size_t i = 0; i < rules_count(self->rules); i++)
        self->duties[i] = (struct duty){RULE_ACTIVE, rules_at(self->rules, i)->level};
}

struct engine_rules *engine_rules_new(const struct rules *rules, struct matcher *matcher, const struct names *names)
{
    struct engine_rules *self = memory_new(sizeof *self);
    if (!self)
        return NULL;
    self->rules = rules;
    self->matcher = matcher;
    self->names = names;
    self->duties = memory_new((rules_count(rules) + 1) * sizeof *self->duties);
    if (!self->duties) {
        engine_rules_free(self);
        return NULL;
    }
    duties_begin(self);
    matcher_count(matcher, false);
    return self;
}

void engine_rules_free(struct engine_rules *self)
{
    if (!self)
        return;
    memory_free(self->duties);
    memory_free(self);
}

void engine_rules_given(struct engine_rules *self, const char *const *names, size_t count)
{
    ASSERT(self->fields_told == 0 && self->given_count == 0);
    self->given = names;
    self->given_count = count;
}

/* ---- states ---- */

static bool runs(enum rule_state state)
{
    return state == RULE_ACTIVE || state == RULE_TEST;
}

enum rc engine_rules_take(struct engine_rules *self, struct str body, struct arena *scratch, struct err *err)
{
    struct rule_states states;
    enum rc rc = rule_states_read(body, scratch, &states, err);
    if (rc != RC_OK)
        return rc;
    duties_begin(self);
    for (size_t i = 0; i < states.count; i++) {
        const struct rule_state_row *row = &states.rows[i];
        const struct rule *rule = rules_find(self->rules, row->id);
        if (rule && str_eq(rule->id, row->id))
            self->duties[rule->index] = (struct duty){row->state, row->has_level ? row->level : rule->level};
    }
    for (size_t i = 0; i < rules_count(self->rules); i++)
        matcher_switch(self->matcher, rules_at(self->rules, i), runs(self->duties[i].state));
    if (!self->known)
        self->counted = MAX(MAX(self->counted, self->next), states.counted);
    self->known = true;
    self->fields_told = 0; /* a desk that lost what it was told tells the states again to hear it */
    return RC_OK;
}

bool engine_rules_known(const struct engine_rules *self)
{
    return self->known;
}

bool engine_rules_wants(const struct engine_rules *self, const struct rule *rule)
{
    const struct duty *duty = &self->duties[rule->index];
    ASSERT(rules_at(self->rules, rule->index) == rule);
    return duty->state == RULE_ACTIVE &&
           (rule->correlated || (rule->alerts && duty->level >= RULE_MEDIUM) || str_is(rule->id, CANARY_RULE));
}

/* ---- counters ---- */

void engine_rules_record(struct engine_rules *self, uint64_t record)
{
    self->next = MAX(self->next, record + 1);
    self->counting = self->known && record >= self->counted;
    matcher_count(self->matcher, self->counting);
}

bool engine_rules_counting(const struct engine_rules *self)
{
    return self->counting;
}

void engine_rules_annex(struct engine_rules *self, struct annex_counts *annex)
{
    self->annex = annex;
}

void engine_rules_parses(struct engine_rules *self, struct parse_counts *parses)
{
    self->parses = parses;
}

void engine_rules_losses(struct engine_rules *self, struct loss_counts *losses)
{
    self->losses = losses;
}

void engine_rules_late(struct engine_rules *self, const struct event *event)
{
    uint64_t last = event->record_count ? event->records[event->record_count - 1] : event->record;
    matcher_count(self->matcher, self->known && last >= self->counted);
}

void engine_rules_resumed(struct engine_rules *self)
{
    self->counted = MAX(self->counted, self->next);
}

void engine_rules_follow(struct engine_rules *self, const struct engine_rules *before)
{
    self->known = before->known;
    self->counted = before->counted;
    self->next = before->next;
}

/* ---- what is told ---- */

/* A rule with an id that is too long can be named to nobody. */
static bool is_told(const struct rule *rule, const struct matcher_counts *counts)
{
    return (counts->runs || counts->hits) && rule->id.n > 0 && rule->id.n <= RULE_ID_MAX;
}

static bool rules_write(struct engine_rules *self, struct buf *out)
{
    bool any = false;
    size_t i = 0;
    for (; i < rules_count(self->rules); i++) {
        const struct rule *rule = rules_at(self->rules, i);
        const struct matcher_counts *counts = matcher_counts(self->matcher, rule);
        if (!is_told(rule, counts))
            continue;
        if (!rule_stats_add(out, &(struct rule_stats_rule){.id = rule->id,
                                                           .hits = counts->hits,
                                                           .runs = counts->runs,
                                                           .ns = counts->ns,
                                                           .last_ns = MAX(counts->last_ns, 0)}))
            break;
        any = true;
    }
    self->rules_written = i;
    return any;
}

static bool sources_write(struct engine_rules *self, struct buf *out)
{
    bool any = false;
    size_t i = 0;
    for (; i < matcher_source_count(self->matcher); i++) {
        struct matcher_source source = matcher_source_at(self->matcher, i);
        const struct event_logsource *said = &source.logsource;
        char storage[RULE_STATS_WORD];
        struct buf category;
        if (!source.events)
            continue;
        buf_init_fixed(&category, storage, sizeof storage);
        for (size_t c = 0; c < EVENT_CATEGORIES_MAX && said->category[c]; c++) {
            buf_text(&category, c ? "," : "");
            buf_str(&category, names_text(self->names, said->category[c]));
        }
        if (!rule_stats_source(out, &(struct rule_stats_source){.product = names_text(self->names, said->product),
                                                                .category = buf_view(&category),
                                                                .service = names_text(self->names, said->service),
                                                                .events = source.events,
                                                                .covered = source.covered}))
            break;
        any = true;
    }
    self->sources_written = i;
    return any;
}

static struct str field_at(const struct engine_rules *self, size_t i)
{
    return i < self->given_count ? str_of(self->given[i]) : matcher_field_at(self->matcher, i - self->given_count);
}

static bool fields_write(struct engine_rules *self, struct buf *out)
{
    size_t i = self->fields_told;
    while (i < self->given_count + matcher_field_count(self->matcher) && rule_stats_field(out, field_at(self, i)))
        i++;
    self->fields_written = i;
    return i > self->fields_told;
}

static bool annex_write(struct engine_rules *self, struct buf *out)
{
    size_t i = 0;
    for (; i < annex_counts_size(self->annex); i++) {
        struct annex_counts_row row = annex_counts_at(self->annex, i);
        struct rule_stats_annex told = {.class = row.class,
                                        .kind = annex_counts_annex(self->annex)->kind[row.kind].key,
                                        .parser = row.parser,
                                        .count = row.count};
        memcpy(told.source, row.source, sizeof told.source);
        if (!rule_stats_annex(out, &told))
            break;
    }
    self->annex_written = i;
    return i > 0;
}

static bool parses_write(struct engine_rules *self, struct buf *out)
{
    size_t i = 0;
    for (; i < parse_counts_size(self->parses); i++) {
        struct parse_counts_row row = parse_counts_at(self->parses, i);
        struct rule_stats_parse told = {
            .day = row.day, .parser = row.parser, .outcome = row.outcome, .count = row.count};
        memcpy(told.source, row.source, sizeof told.source);
        if (!rule_stats_parse(out, &told))
            break;
    }
    self->parses_written = i;
    return i > 0;
}

static bool losses_write(struct engine_rules *self, struct buf *out)
{
    size_t i = 0;
    for (; i < loss_counts_size(self->losses); i++) {
        struct loss_row loss = loss_counts_at(self->losses, i);
        if (!rule_stats_loss(out, &loss))
            break;
    }
    self->losses_written = i;
    return i > 0;
}

bool engine_rules_write(struct engine_rules *self, struct buf *out)
{
    uint64_t events = matcher_events(self->matcher);
    if (!self->known)
        return false;
    buf_clear(out);
    rule_stats_begin(out, MAX(self->next, self->counted), events);
    bool any = rules_write(self, out);
    rule_stats_sources(out);
    any = sources_write(self, out) || any;
    rule_stats_fields(out);
    any = fields_write(self, out) || any;
    if (self->annex) {
        rule_stats_annexes(out);
        any = annex_write(self, out) || any;
    }
    if (self->parses) {
        rule_stats_parses(out);
        any = parses_write(self, out) || any;
    }
    if (self->losses) {
        rule_stats_losses(out);
        any = losses_write(self, out) || any;
    }
    rule_stats_end(out);
    ASSERT(!out->overflow);
    return any || events;
}

void engine_rules_sent(struct engine_rules *self)
{
    for (size_t i = 0; i < self->rules_written; i++)
        matcher_counts_clear(self->matcher, rules_at(self->rules, i));
    for (size_t i = 0; i < self->sources_written; i++)
        matcher_source_clear(self->matcher, i);
    self->fields_told = self->fields_written;
    if (self->annex)
        annex_counts_told(self->annex, self->annex_written);
    if (self->losses)
        loss_counts_told(self->losses, self->losses_written);
    if (self->parses)
        parse_counts_told(self->parses, self->parses_written);
    matcher_events_clear(self->matcher);
}

void engine_rules_desk_up(struct engine_rules *self)
{
    self->fields_told = 0;
}
