#include "role/query_filter.h"

#include "base/assert.h"
#include "role/query_job.h"

#define RULES_MEMORY ((size_t)16 << 20)
#define WORK_NS      UINT64_C(1000000000)
#define SHOWN_MAX    20u

struct trial {
    const struct filter_try *how;
    const struct rule *rule;
    const struct rule *filter;
    /* of the record at work */
    bool matches; /* the rule's own condition, whatever filters stand on it */
    bool held;    /* one of its events is held back by this filter, none passes it */
    bool passes;
    /* of all */
    uint64_t looked, missing, matched, held_back;
    uint64_t shown[SHOWN_MAX];
    size_t shown_count;
};

/* The one filter that the text is; NULL when it was refused into `out`. */
static const struct rule *filter_read(const struct filter_try *how, struct str text, struct rules *rules,
                                      struct buf *out)
{
    struct err err = {0};
    enum rc rc = text.n <= FILTER_TEXT_MAX ? rules_add(rules, STR("filter"), text, &err)
                                           : err_set(&err, RC_INVALID, "the filter is longer than 64 KiB");
    if (rc == RC_OK) {
        rules_part_of(rules, how->rules);
        rc = rules_finish(rules, &err);
    }
    if (rc == RC_OK && rules_outcome_count(rules) != 1)
        rc = err_set(&err, RC_INVALID, "the text is not one document");
    if (rc == RC_OK && !rules_outcome_at(rules, 0)->loaded)
        rc = err_set(&err, RC_INVALID, "%.*s", STR_ARG(rules_outcome_at(rules, 0)->reason));
    if (rc == RC_OK && rules_at(rules, 0)->kind != RULE_FILTER)
        rc = err_set(&err, RC_INVALID, "the text is no filter");
    if (rc == RC_OK)
        return rules_at(rules, 0);
    query_refuse(out, "filter_refused", &err);
    return NULL;
}

static void on_event(void *context, const struct event *event)
{
    struct trial *t = context;
    const struct rule *stands[1];
    const struct names *names = t->how->how->names;
    if (!rule_explain_holds(t->rule, names, event) &&
        rule_explain_held_back(t->rule, names, event, stands, ARRAY_LEN(stands)) == 0)
        return;
    bool passes = rule_explain_passes(t->filter, names, event);
    t->matches = true;
    t->passes = t->passes || passes;
    t->held = t->held || !passes;
}

static enum rc record_try(struct trial *t, uint64_t number, struct err *err)
{
    struct arena *arena = t->how->arena;
    struct archive_hit *hit = arena_alloc(arena, sizeof *hit);
    const struct explainer_target target = {
        .reader = t->how->reader, .hit = hit, .arena = arena, .sink = on_event, .context = t};
    enum rc rc = hit ? archive_reader_record(t->how->reader, number, arena, hit, err)
                     : err_set(err, RC_LIMIT, "no memory for a record");
    if (rc == RC_NOT_FOUND) { /* deleted, or not yet there */
        t->missing++;
        return RC_OK;
    }
    t->matches = t->held = t->passes = false;
    rc = rc == RC_OK ? explainer_events(t->how->how, &target, err) : rc;
    if (rc != RC_OK)
        return rc;
    bool held = t->held && !t->passes;
    t->looked++;
    t->matched += t->matches;
    t->held_back += held;
    if (held && t->shown_count < SHOWN_MAX)
        t->shown[t->shown_count++] = number;
    return RC_OK;
}

static void answer_write(const struct trial *t, uint64_t asked, struct buf *out)
{
    json_write_object(out);
    json_put_bool(out, "ok", true);
    json_put_u64(out, "asked", asked);
    json_put_u64(out, "looked", t->looked);
    json_put_u64(out, "missing", t->missing);
    json_put_u64(out, "matched", t->matched);
    json_put_u64(out, "held", t->held_back);
    json_put_bool(out, "concerns", rule_filter_concerns(t->filter, t->rule));
    json_write_key(out, "records");
    json_write_array(out);
    for (size_t i = 0; i < t->shown_count; i++)
        json_write_u64(out, t->shown[i]);
    json_write_array_end(out);
    json_write_object_end(out);
}

static enum rc records_try(struct trial *t, const struct json_value *records, struct buf *out, struct err *err)
{
    uint64_t began = t->how->clock_ns();
    uint64_t asked = 0;
    enum rc rc = RC_OK;
    struct arena_mark mark = arena_mark(t->how->arena);
    for (const struct json_value *row = json_first(records); row && rc == RC_OK; row = row->next) {
        int64_t number = json_int(row, -1);
        if (asked++ >= FILTER_RECORDS_MAX || number < 0 || t->how->clock_ns() - began > WORK_NS)
            continue;
        rc = record_try(t, (uint64_t)number, err);
        arena_rewind(t->how->arena, mark);
    }
    if (rc == RC_OK)
        answer_write(t, asked, out);
    return rc;
}

enum rc query_filter_try(const struct filter_try *how, const struct json_value *question, struct buf *out,
                         struct err *err)
{
    struct trial trial = {.how = how};
    struct err refused = {0};
    ASSERT(how->arena && how->clock_ns && out->n == 0);
    trial.rule = rules_find(how->rules, json_str(json_get(question, "rule"), STR("")));
    if (!trial.rule || trial.rule->kind != RULE_DETECTION) {
        IGNORE(err_set(&refused, RC_NOT_FOUND, "there is no such detection")); /* told here */
        query_refuse(out, "rule_not_found", &refused);
        return RC_OK;
    }
    struct rules *rules = rules_new(RULES_MEMORY);
    if (!rules)
        return err_set(err, RC_LIMIT, "no memory for a filter");
    trial.filter = filter_read(how, json_str(json_get(question, "text"), STR("")), rules, out);
    enum rc rc = trial.filter ? records_try(&trial, json_get(question, "records"), out, err) : RC_OK;
    rules_free(rules);
    return rc;
}
