#include "role/explainer.h"

#include "archive/search.h"
#include "base/assert.h"
#include "codec/json.h"
#include "rule/correlate.h"

#include <string.h>

/* ---- which rule ---- */

static bool title_holds(struct str title, struct str part)
{
    for (size_t at = 0; part.n && at + part.n <= title.n; at++)
        if (str_eq_nocase(str_slice(title, at, at + part.n), part))
            return true;
    return false;
}

enum rc explainer_find(const struct rules *rules, struct str named, const struct rule **ret_rule, struct err *err)
{
    struct str shown = str_slice(named, 0, 100);
    size_t found = 0;
    *ret_rule = named.n ? rules_find(rules, named) : NULL;
    if (*ret_rule && (*ret_rule)->kind == RULE_FILTER)
        return err_set(err, RC_INVALID, "\"%.*s\" is a filter: the rules that it narrows are explained with it",
                       STR_ARG(shown));
    if (*ret_rule)
        return RC_OK;
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);
        if (rule->kind == RULE_FILTER || !title_holds(rule->title, named))
            continue;
        *ret_rule = rule;
        found++;
        if (!str_eq_nocase(rule->title, named))
            continue;
        return RC_OK; /* the whole title, though it be a part of others */
    }
    if (found == 1)
        return RC_OK;
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        if (!outcome->loaded && outcome->id.n && str_eq(outcome->id, named))
            return err_set(err, RC_INVALID, "the rule was refused: %.*s", STR_ARG(outcome->reason));
    }
    return found ? err_set(err, RC_LIMIT, "\"%.*s\" stands in the titles of %zu rules", STR_ARG(shown), found)
                 : err_set(err, RC_NOT_FOUND, "there is no rule \"%.*s\"", STR_ARG(shown));
}

bool explainer_wants(const struct rule *asked, const struct rule *rule)
{
    return rule->kind == RULE_DETECTION && (asked == rule || (asked->correlation && correlation_names(asked, rule)));
}

/* ---- the events of a record ---- */

struct gathering {
    const struct explainer_target *target;
    struct indicator_matcher *indicators;
    struct normaliser *normaliser;
    struct normaliser *normaliser_own; /* of the record alone */
    uint64_t number;
    bool done;    /* the joined event was given */
    bool headed;  /* the columns that its source named were looked for, or need not be */
    bool unclear; /* the record says little without them */
    struct str head;
    uint64_t head_record;
    int64_t head_ns;
};

/* With what is known of its indicators, as the matcher of an engine is given it. */
static void give(const struct gathering *g, const struct event *event)
{
    g->target->sink(g->target->context, g->indicators ? indicator_matcher_event(g->indicators, event) : event);
}

/* The record's own event. What its source said before decides how some records are read (#Fields: of W3C): when the
 * archive knows better, its fields are those that the rule saw. It knows nothing yet of what is still in the log: then
 * that line is looked for. */
static void on_own(void *context, const struct event *event)
{
    struct gathering *g = context;
    const struct archive_hit *hit = g->target->hit;
    if ((event->flags & (EVENT_ARCHIVE | EVENT_MATCH)) != (EVENT_ARCHIVE | EVENT_MATCH))
        return;
    bool known = hit->event.parser && hit->event.field_count && event->parser;
    bool same = !known || g->head.n || str_eq(str_of(hit->event.parser), str_of(event->parser));
    g->unclear = same && hit->in_log && !g->headed && normaliser_grasp(g->normaliser_own) < GRASP_FIELDS;
    if (g->unclear)
        return;
    if (same) {
        give(g, event);
        return;
    }
    struct event *stored = arena_alloc(g->target->arena, sizeof *stored);
    if (!stored)
        return;
    event_copy(&hit->event, stored);
    stored->logsource = event->logsource;
    stored->raw = event->raw;
    give(g, stored);
}

static void on_joined(void *context, const struct event *event)
{
    struct gathering *g = context;
    if (event->flags & EVENT_ARCHIVE || !(event->flags & EVENT_MATCH) || g->done)
        return;
    for (uint32_t i = 0; i < event->record_count && !g->done; i++)
        g->done = event->records[i] == g->number;
    if (g->done)
        give(g, event);
}

/* ---- the columns that its source named last ---- */

static bool on_head(void *context, const struct archive_hit *hit)
{
    struct gathering *g = context;
    const struct leaf *leaf = &g->target->hit->leaf;
    if (memcmp(hit->leaf.source, leaf->source, sizeof leaf->source) != 0 || !normaliser_heads(hit->raw))
        return true;
    g->head = arena_str(g->target->arena, hit->raw);
    g->head_record = hit->leaf.index;
    g->head_ns = hit->leaf.received_ns;
    return false;
}

static void on_none(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

/* Newest first, from the record on; one that is too far away is not found, and the record is read without it. */
static enum rc head_find(struct gathering *g, struct err *err)
{
    const struct explainer_target *t = g->target;
    const struct search_options options = {.hit = on_head, .context = g, .before = g->number};
    struct search *search CLEANUP(search_cleanup) = NULL;
    struct query *query = NULL;
    enum rc rc = query_parse(STR("\"#fields:\""), 0, 0, t->arena, &query, err);
    rc = rc == RC_OK ? search_open(t->reader, query, &options, &search, err) : rc;
    if (rc != RC_OK)
        return rc;
    for (unsigned i = 0; i < EXPLAINER_HEAD_STEPS && !g->head.n; i++) {
        rc = search_step(search, err);
        if (rc != RC_AGAIN)
            break;
    }
    return rc == RC_AGAIN ? RC_OK : rc;
}

static enum rc own_read_again(struct gathering *g, struct err *err)
{
    const struct explainer_target *t = g->target;
    const struct archive_hit *hit = t->hit;
    enum rc rc = t->reader && g->number ? head_find(g, err) : RC_OK;
    g->headed = true;
    if (rc != RC_OK)
        return rc;
    if (g->head.n)
        normaliser_record(g->normaliser_own, &hit->source, g->head_record, g->head_ns, g->head, t->arena, on_none,
                          NULL);
    normaliser_record(g->normaliser_own, &hit->source, g->number, hit->leaf.received_ns, hit->raw, t->arena, on_own, g);
    return RC_OK;
}

/* ---- the event that it is a part of ---- */

static bool is_near(const struct archive_hit *a, const struct archive_hit *b)
{
    int64_t apart = 0;
    return !__builtin_sub_overflow(a->leaf.received_ns, b->leaf.received_ns, &apart) && apart <= EXPLAINER_APART_NS &&
           apart >= -EXPLAINER_APART_NS;
}

/* Into the arena; *ret_same says whether it is data of the same source. RC_END: too far away in time. */
static enum rc neighbour(const struct gathering *g, uint64_t number, struct archive_hit *ret_hit, bool *ret_same,
                         struct err *err)
{
    const struct archive_hit *hit = g->target->hit;
    enum rc rc = archive_reader_record(g->target->reader, number, g->target->arena, ret_hit, err);
    *ret_same = false;
    if (rc == RC_NOT_FOUND)
        return RC_OK; /* deleted: what is left of the event is joined */
    if (rc != RC_OK)
        return rc;
    *ret_same = memcmp(ret_hit->leaf.source, hit->leaf.source, sizeof hit->leaf.source) == 0 &&
                (ret_hit->leaf.type == LEAF_RAW || ret_hit->leaf.type == LEAF_DIGEST);
    return is_near(ret_hit, hit) ? RC_OK : RC_END;
}

/* From the neighbours before the record, in order, until the event that it is a part of comes. */
static enum rc join(struct gathering *g, struct err *err)
{
    const struct explainer_target *t = g->target;
    struct archive_hit *near = arena_alloc(t->arena, sizeof *near);
    enum rc rc = near ? RC_OK : err_set(err, RC_LIMIT, "no memory for a record");
    struct arena_mark mark = arena_mark(t->arena);
    uint64_t first = g->number;
    bool same = false;
    for (uint32_t k = 0, of_source = 0; rc == RC_OK && first && k < EXPLAINER_NUMBERS_MAX; k++) {
        rc = neighbour(g, first - 1, near, &same, err);
        arena_rewind(t->arena, mark);
        of_source += same;
        if (rc != RC_OK || of_source > EXPLAINER_SAME_MAX)
            break;
        first--;
    }
    rc = rc == RC_END ? RC_OK : rc;
    uint64_t end = MIN(archive_reader_size(t->reader), g->number + EXPLAINER_NUMBERS_MAX);
    uint32_t after = 0;
    for (uint64_t i = first; rc == RC_OK && i < end && !g->done && after <= EXPLAINER_SAME_MAX; i++) {
        rc = neighbour(g, i, near, &same, err);
        after += same && i > g->number;
        if (rc == RC_OK && same)
            normaliser_record(g->normaliser, &near->source, i, near->leaf.received_ns, near->raw, t->arena, on_joined,
                              g);
        arena_rewind(t->arena, mark);
    }
    if (rc != RC_OK && rc != RC_END)
        return rc;
    normaliser_flush(g->normaliser, INT64_MAX, t->arena, on_joined, g);
    return RC_OK;
}

enum rc explainer_events(const struct explainer *explainer, const struct explainer_target *target, struct err *err)
{
    const struct archive_hit *hit = target->hit;
    struct gathering g = {.target = target, .indicators = explainer->indicators, .number = hit->leaf.index};
    g.head = target->head;
    g.headed = target->head.n > 0;
    ASSERT(target->arena && target->sink);
    if (hit->leaf.type != LEAF_RAW && hit->leaf.type != LEAF_DIGEST)
        return RC_OK;
    struct normaliser *own = normaliser_new(explainer->mapping, explainer->names);
    g.normaliser = normaliser_new(explainer->mapping, explainer->names);
    enum rc rc = own && g.normaliser ? RC_OK : err_set(err, RC_LIMIT, "no memory for a record's events");
    g.normaliser_own = own;
    if (rc == RC_OK) {
        normaliser_set_zone(own, explainer->zone_s);
        normaliser_set_zone(g.normaliser, explainer->zone_s);
        if (target->head.n)
            normaliser_record(own, &hit->source, g.number, hit->leaf.received_ns, target->head, target->arena, on_none,
                              NULL);
        normaliser_record(own, &hit->source, g.number, hit->leaf.received_ns, hit->raw, target->arena, on_own, &g);
        rc = g.unclear ? own_read_again(&g, err) : RC_OK;
        bool part = normaliser_pending(own) != UINT64_MAX || str_search(hit->raw, STR("audit(")) < hit->raw.n;
        rc = rc == RC_OK && part && target->reader ? join(&g, err) : rc;
    }
    normaliser_free(own);
    normaliser_free(g.normaliser);
    return rc;
}

/* ---- as JSON ---- */

static const char *const kind_names[] = {
    [EXPLAIN_TEST] = "test", [EXPLAIN_ALL] = "all", [EXPLAIN_ANY] = "any", [EXPLAIN_NOT] = "not"};

static void levels_close(struct explainer_json *json, uint32_t depth)
{
    for (; json->open > depth; json->open--) {
        json_write_array_end(json->out);
        json_write_object_end(json->out);
    }
}

/* A node that has children stays open until a node of its depth, or above, comes. */
static void on_step(void *context, const struct explain_step *step)
{
    struct explainer_json *json = context;
    struct buf *out = json->out;
    levels_close(json, MIN(step->depth, json->open));
    bool much = out->n >= json->bytes_max || step->depth > json->depth_max;
    if (step->depth && (much || step->depth > json->open)) { /* or its parent was left out */
        json->shortened = true;
        return;
    }
    json_write_object(out);
    json_put_text(out, "kind", kind_names[step->kind]);
    json_put_bool(out, "held", step->held);
    if (step->name.n)
        json_put_str(out, "name", step->name);
    if (step->filter)
        json_put_str(out, "filter", step->filter->title);
    if (step->kind != EXPLAIN_TEST) {
        json_write_key(out, "of");
        json_write_array(out);
        json->open++;
        return;
    }
    json_put_str(out, "field", step->field);
    json_put_text(out, "how", step->how);
    json_put_text(out, "test", step->verb);
    json_put_str(out, "wanted", step->wanted);
    if (!step->held)
        json_put_text(out, "miss", explain_miss_name(step->miss));
    if (step->found.p)
        json_put_str(out, "found", step->found);
    json_put_u64(out, "values", step->found_count);
    json_write_object_end(out);
}

/* Title and id of filters that kept the match from being one. */
static void held_back_write(struct explainer_json *json, const struct rule *rule, const struct event *event)
{
    const struct rule *filters[EXPLAINER_FILTERS_MAX];
    size_t count = rule_explain_held_back(rule, json->names, event, filters, ARRAY_LEN(filters));
    if (!count)
        return;
    json_write_key(json->out, "held_back");
    json_write_array(json->out);
    for (size_t i = 0; i < MIN(count, ARRAY_LEN(filters)); i++) {
        json_write_object(json->out);
        json_put_str(json->out, "id", filters[i]->id);
        json_put_str(json->out, "title", filters[i]->title);
        json_write_object_end(json->out);
    }
    json_write_array_end(json->out);
}

static void source_write(struct explainer_json *json, const struct rule *rule, const struct event *event)
{
    struct explain_source source = rule_explain_source(rule, json->names, event);
    if (!source.conflict)
        return;
    json_write_key(json->out, "log_source");
    json_write_object(json->out);
    json_put_text(json->out, "part", source.part);
    json_put_str(json->out, "wanted", source.wanted);
    json_put_str(json->out, "said", source.said);
    json_write_object_end(json->out);
}

/* What a correlation groups this event's match by; of the rules that it names itself. */
static void group_write(struct explainer_json *json, const struct rule *asked, const struct rule *rule,
                        const struct event *event)
{
    struct explain_correlation c;
    size_t position = 0;
    if (!rule_explain_correlation(asked, &c) || !c.group_count)
        return;
    while (position < c.rule_count && c.rules[position] != rule)
        position++;
    if (position == c.rule_count)
        return;
    json_write_key(json->out, "group");
    json_write_array(json->out);
    for (size_t i = 0; i < c.group_count; i++) {
        struct str field = STR_NONE;
        struct str value = rule_explain_group(asked, position, i, json->names, event, &field);
        json_write_object(json->out);
        json_put_str(json->out, "by", c.group_by[i]);
        json_put_str(json->out, "field", field);
        if (value.p)
            json_put_str(json->out, "value", value);
        json_write_object_end(json->out);
    }
    json_write_array_end(json->out);
}

enum rc explainer_write(struct explainer_json *json, const struct rule *asked, const struct rule *rule,
                        const struct event *event, bool *ret_match, struct err *err)
{
    const struct explain_sink sink = {.take = on_step, .context = json};
    struct buf *out = json->out;
    bool held = false;
    *ret_match = rule_explain_holds(rule, json->names, event);
    json_write_object(out);
    json_put_str(out, "rule_id", rule->id);
    json_put_str(out, "title", rule->title);
    json_put_bool(out, "match", *ret_match);
    if (event->record_count > 1) {
        json_write_key(out, "records");
        json_write_array(out);
        for (uint32_t i = 0; i < event->record_count; i++)
            json_write_u64(out, event->records[i]);
        json_write_array_end(out);
    }
    source_write(json, rule, event);
    held_back_write(json, rule, event);
    if (asked != rule)
        group_write(json, asked, rule, event);
    json->open = 0;
    if (out->n >= json->bytes_max) {
        json->shortened = true;
        json_write_object_end(out);
        return RC_OK;
    }
    json_write_key(out, "tree");
    enum rc rc = rule_explain_tree(rule, json->names, event, &sink, &held, err);
    levels_close(json, 0);
    json_write_object_end(out);
    ASSERT(rc != RC_OK || held == *ret_match);
    return rc;
}

static void named_write(struct buf *out, const struct rule *rule)
{
    json_write_object(out);
    json_put_str(out, "id", rule->id);
    json_put_str(out, "title", rule->title);
    json_put_text(out, "kind", rule->kind == RULE_CORRELATION ? "correlation" : "detection");
    json_put_text(out, "level", rule_level_name(rule->level));
    json_write_object_end(out);
}

static void texts_write(struct buf *out, const char *key, const struct str *texts, size_t count)
{
    json_write_key(out, key);
    json_write_array(out);
    for (size_t i = 0; i < count; i++)
        json_write_str(out, texts[i]);
    json_write_array_end(out);
}

void explainer_write_rule(struct buf *out, const struct rule *rule)
{
    struct explain_correlation c;
    json_write_key(out, "rule");
    named_write(out, rule);
    if (!rule_explain_correlation(rule, &c))
        return;
    json_write_key(out, "correlation");
    json_write_object(out);
    json_put_text(out, "type", c.type);
    json_put_int(out, "timespan_s", c.timespan_ns / INT64_C(1000000000));
    json_write_key(out, "rules");
    json_write_array(out);
    for (size_t i = 0; i < c.rule_count; i++)
        named_write(out, c.rules[i]);
    json_write_array_end(out);
    texts_write(out, "group_by", c.group_by, c.group_count);
    texts_write(out, "fields", c.fields, c.field_count);
    json_write_key(out, "condition");
    json_write_array(out);
    for (size_t i = 0; i < c.criterion_count; i++) {
        json_write_object(out);
        json_put_text(out, "sign", c.criteria[i].sign);
        json_write_key(out, "number");
        json_write_double(out, c.criteria[i].number);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
}
