#include "role/query_explain.h"

#include "base/assert.h"
#include "codec/json.h"
#include "role/log.h"
#include "role/query_job.h"
#include "role/rule_bundle.h"

#include <unistd.h>

/* So that the answer stays far below what a message and a page can hold: some 6,000 tests. */
#define TREES_MAX ((size_t)1 << 20)
#define DEPTH_MAX 27u /* two levels of JSON each, five around them; web reads 64 */

struct query_explain {
    struct explainer how;
    int bundle;          /* as the desk gave it, -1 = not yet */
    struct rules *rules; /* of it; NULL: nobody asked */
    char trouble[QUERY_EXPLAIN_TROUBLE];
    /* of the record at work */
    const struct archive_hit *hit;
    const struct rule *asked;
    struct explainer_json json;
    size_t events;
    bool match;
    enum rc rc;
    struct err *err;
};

struct query_explain *query_explain_new(const struct explainer *explainer)
{
    struct query_explain *x = memory_new(sizeof *x);
    if (!x)
        return NULL;
    x->how = *explainer;
    x->bundle = -1;
    return x;
}

void query_explain_remap(struct query_explain *explain, const struct mapping *mapping)
{
    explain->how.mapping = mapping;
}

static void trouble_keep(struct query_explain *explain, const char *text)
{
    log_error("rules: %s", text);
    IGNORE(!str_copy_z(str_slice(str_of(text), 0, sizeof explain->trouble - 1), explain->trouble,
                       sizeof explain->trouble)); /* it was cut */
}

const char *query_explain_trouble(const struct query_explain *explain)
{
    return explain->trouble;
}

void query_explain_take(struct query_explain *explain, int bundle)
{
    int fd = bundle >= 0 ? dup(bundle) : -1;
    explain->trouble[0] = '\0';
    if (fd < 0) {
        trouble_keep(explain, bundle >= 0 ? "no descriptor for the rules that the desk gave" : "no rules came with it");
        return;
    }
    if (explain->bundle >= 0)
        close(explain->bundle);
    explain->bundle = fd;
    rules_free(explain->rules);
    explain->rules = NULL;
}

enum rc query_explain_rules(struct query_explain *explain, const struct rules **ret_rules, struct err *err)
{
    enum rc rc = RC_OK;
    if (!explain->rules && explain->bundle < 0)
        rc = err_set(err, RC_NOT_FOUND, "the desk has not given the rules yet");
    else if (!explain->rules)
        rc = rule_bundle_load(explain->bundle, &explain->rules, err);
    if (rc != RC_OK && explain->bundle >= 0)
        trouble_keep(explain, err->text);
    else if (explain->rules)
        explain->trouble[0] = '\0';
    *ret_rules = explain->rules;
    return rc;
}

const struct rule *query_explain_rule(struct query_explain *explain, struct str named, struct buf *out)
{
    const struct rules *rules = NULL;
    const struct rule *rule = NULL;
    struct err err = {0};
    enum rc rc = query_explain_rules(explain, &rules, &err);
    if (rc != RC_OK) {
        query_refuse(out, "rules_unread", &err);
        return NULL;
    }
    rc = explainer_find(rules, named, &rule, &err);
    if (rc == RC_OK)
        return rule;
    query_refuse(out, rc == RC_NOT_FOUND ? "rule_not_found" : rc == RC_LIMIT ? "rule_many" : "rule_refused", &err);
    return NULL;
}

const struct explainer *query_explain_how(const struct query_explain *explain)
{
    return &explain->how;
}

static void on_event(void *context, const struct event *event)
{
    struct query_explain *x = context;
    x->events++;
    for (size_t i = 0; i < rules_count(x->rules) && x->rc == RC_OK; i++) {
        const struct rule *rule = rules_at(x->rules, i);
        bool match = false;
        if (!explainer_wants(x->asked, rule))
            continue;
        x->rc = explainer_write(&x->json, x->asked, rule, event, &match, x->err);
        x->match = x->match || match;
    }
}

/* The archive's own word: the rule's hit stands beside the record. Of records that are still in the log it is not
 * known. */
static bool is_recorded(const struct query_explain *x)
{
    for (size_t i = 0; i < x->hit->rule_count; i++)
        if (str_eq(x->hit->rules[i], x->asked->id))
            return true;
    return false;
}

static void answer_write(struct query_explain *x, struct buf *explained, struct buf *out)
{
    json_write_object(out);
    json_put_bool(out, "ok", true);
    json_put_u64(out, "record", x->hit->leaf.index);
    explainer_write_rule(out, x->asked);
    json_put_bool(out, "match", x->match);
    json_put_bool(out, "recorded", is_recorded(x));
    json_put_bool(out, "shortened", x->json.shortened);
    json_write_key(out, "explained");
    json_write_raw(out, buf_view(explained));
    json_write_object_end(out);
}

enum rc query_explain_record(struct query_explain *explain, const struct query_explain_question *question,
                             struct buf *out, struct err *err)
{
    struct query_explain *x = explain;
    struct archive_hit *hit = arena_alloc(question->arena, sizeof *hit);
    struct buf explained CLEANUP(buf_done) = {0};
    enum rc rc = hit ? archive_reader_record(question->reader, question->record, question->arena, hit, err)
                     : err_set(err, RC_LIMIT, "no memory for a record");
    if (rc != RC_OK)
        return rc;
    ASSERT(question->rule && out->n == 0);
    buf_init(&explained, 2 * TREES_MAX);
    x->hit = hit;
    x->asked = question->rule;
    x->json = (struct explainer_json){
        .out = &explained, .names = x->how.names, .bytes_max = TREES_MAX, .depth_max = DEPTH_MAX};
    x->events = 0;
    x->match = false;
    x->rc = RC_OK;
    x->err = err;
    json_write_array(&explained);
    const struct explainer_target target = {
        .reader = question->reader, .hit = hit, .arena = question->arena, .sink = on_event, .context = x};
    rc = explainer_events(&x->how, &target, err);
    json_write_array_end(&explained);
    rc = rc == RC_OK ? x->rc : rc;
    if (rc == RC_OK && explained.overflow)
        rc = err_set(err, RC_LIMIT, "the explanation is too long");
    if (rc == RC_OK && !x->events) {
        IGNORE(err_set(err, RC_INVALID, "the archive wrote the record itself: rules do not see it")); /* told here */
        query_refuse(out, "not_judged", err);
    } else if (rc == RC_OK) {
        answer_write(x, &explained, out);
    }
    return rc;
}
