#include "cmd/rule_explain.h"

#include "archive/reader.h"
#include "base/arena.h"
#include "base/buf.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "event/normalise.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/rule_folder.h"
#include "rule/correlate.h"
#include "rule/explain.h"

#include <stdio.h>
#include <string.h>

#define RULES_MEMORY ((size_t)1 << 30)
#define MEMORY       ((size_t)256 << 20)
#define TEXT_MAX     ((size_t)64 << 20)
#define MATCHES_MAX  1024u

struct explaining {
    struct rules *rules;
    struct names *names;
    struct mapping *mapping;
    struct normaliser *normaliser;
    struct rule_set *set;
    struct matcher *matcher;
    struct arena *arena;
    const struct rule *rule;
    bool json;
    struct buf out;
    uint32_t open; /* JSON: levels of children that are open */
    bool first;    /* no step was told yet */
    size_t events; /* that the record gave */
    bool held;
    enum rc rc;
    struct err *err;
};

/* ---- which rule ---- */

static enum rc rule_find(struct explaining *x, const char *named, struct err *err)
{
    size_t found = 0;
    x->rule = rules_find(x->rules, str_of(named));
    for (size_t i = 0; !x->rule && i < rules_count(x->rules); i++)
        found += str_search(rules_at(x->rules, i)->title, str_of(named)) < rules_at(x->rules, i)->title.n;
    for (size_t i = 0; !x->rule && found == 1 && i < rules_count(x->rules); i++)
        if (str_search(rules_at(x->rules, i)->title, str_of(named)) < rules_at(x->rules, i)->title.n)
            x->rule = rules_at(x->rules, i);
    for (size_t i = 0; !x->rule && i < rules_outcome_count(x->rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(x->rules, i);
        if (!outcome->loaded && str_is(outcome->id, named))
            return err_set(err, RC_INVALID, "the rule was refused: %.*s", STR_ARG(outcome->reason));
    }
    if (x->rule)
        return RC_OK;
    return err_set(err, RC_NOT_FOUND, found ? "\"%s\" stands in the titles of %zu rules" : "there is no rule \"%s\"",
                   named, found);
}

static enum rc load(struct explaining *x, const struct options *options, struct err *err)
{
    struct buf path;
    const char *folder;
    buf_init(&path, 4096);
    x->rules = rules_new(RULES_MEMORY);
    x->names = names_new(random_u64());
    x->arena = arena_new(MEMORY);
    enum rc rc = x->rules && x->names && x->arena ? data_folder(&path, err) : err_set(err, RC_LIMIT, "no memory");
    rc = rc == RC_OK ? mapping_load(buf_z(&path), x->names, &x->mapping, err) : rc;
    for (size_t i = 0; rc == RC_OK && (folder = options_list(options, "rules", i)); i++)
        rc = rule_folder_read(&io_kernel, folder, x->rules, err);
    if (rc == RC_OK && !options_list(options, "rules", 0)) {
        buf_text(&path, "/rules");
        rc = rule_folder_read(&io_kernel, buf_z(&path), x->rules, err);
    }
    rc = rc == RC_OK ? rules_finish(x->rules, err) : rc;
    rc = rc == RC_OK ? rule_find(x, options->operands[1], err) : rc;
    rc = rc == RC_OK ? rule_set_compile(x->rules, x->names, &x->set, err) : rc;
    if (rc == RC_OK) {
        x->matcher = matcher_new(x->set);
        x->normaliser = normaliser_new(x->mapping, x->names);
    }
    buf_done(&path);
    return rc == RC_OK && (!x->matcher || !x->normaliser) ? err_set(err, RC_LIMIT, "no memory") : rc;
}

/* ---- the tree ---- */

/* What a terminal would obey is shown as U+FFFD. */
static void put_safe(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool control = c < ' ' || c == 0x7f || (c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0);
        if (control)
            buf_text(out, "\xef\xbf\xbd");
        else
            buf_char(out, text.p[i]);
        i += control && c == 0xc2;
    }
}

static const char *const kind_names[] = {
    [EXPLAIN_TEST] = "test", [EXPLAIN_ALL] = "all", [EXPLAIN_ANY] = "any", [EXPLAIN_NOT] = "not"};

static void text_step(struct explaining *x, const struct explain_step *step)
{
    static const char *const heads[] = {
        [EXPLAIN_TEST] = "", [EXPLAIN_ALL] = "all of:", [EXPLAIN_ANY] = "one of:", [EXPLAIN_NOT] = "not:"};
    struct buf *out = &x->out;
    buf_format(out, "%s %*s", step->held ? "yes" : "no ", (int)(2 * step->depth), "");
    if (step->name.n)
        buf_format(out, "%.*s%s", STR_ARG(step->name), step->kind == EXPLAIN_TEST ? ": " : ", ");
    buf_text(out, heads[step->kind]);
    if (step->kind == EXPLAIN_TEST) {
        put_safe(out, step->field.n ? step->field : STR("(anywhere)"));
        buf_format(out, " %s", step->verb);
        if (step->wanted.n) {
            buf_text(out, " '");
            put_safe(out, step->wanted);
            buf_char(out, '\'');
        }
        if (step->found.p) {
            buf_text(out, step->miss == EXPLAIN_CASE ? "; the same but for case: '" : "; the event has '");
            put_safe(out, step->found);
            buf_char(out, '\'');
            if (step->found_count > 1)
                buf_format(out, " and %u more", step->found_count - 1);
        } else if (step->miss == EXPLAIN_ABSENT) {
            buf_text(out, "; the event has no such field");
        } else if (step->miss == EXPLAIN_NULL) {
            buf_text(out, "; it is null in the event");
        } else if (step->miss == EXPLAIN_CASE) {
            buf_text(out, "; the same is there but for case");
        }
    }
    buf_char(out, '\n');
}

static void levels_close(struct explaining *x, uint32_t depth)
{
    for (; x->open > depth; x->open--) {
        json_write_array_end(&x->out);
        json_write_object_end(&x->out);
    }
}

/* A node that has children stays open until a step of its depth, or above, comes. */
static void json_step(struct explaining *x, const struct explain_step *step)
{
    struct buf *out = &x->out;
    levels_close(x, step->depth);
    json_write_object(out);
    json_put_text(out, "kind", kind_names[step->kind]);
    json_put_bool(out, "held", step->held);
    if (step->name.n)
        json_put_str(out, "name", step->name);
    if (step->kind != EXPLAIN_TEST) {
        json_write_key(out, "of");
        json_write_array(out);
        x->open++;
        return;
    }
    json_put_str(out, "field", step->field);
    json_put_text(out, "test", step->verb);
    json_put_str(out, "wanted", step->wanted);
    if (!step->held)
        json_put_text(out, "miss", explain_miss_name(step->miss));
    if (step->found.p)
        json_put_str(out, "found", step->found);
    json_put_u64(out, "values", step->found_count);
    json_write_object_end(out);
}

static void on_step(void *context, const struct explain_step *step)
{
    struct explaining *x = context;
    if (x->json)
        json_step(x, step);
    else
        text_step(x, step);
}

static bool engine_matches(struct explaining *x, const struct rule *rule, const struct event *event)
{
    static struct rule_match matches[MATCHES_MAX];
    size_t count = 0;
    bool found = false;
    if (matcher_event(x->matcher, event, matches, MATCHES_MAX, &count) != RC_OK)
        return false;
    for (size_t i = 0; i < MIN(count, MATCHES_MAX); i++)
        found = found || matches[i].rule == rule;
    return found;
}

static void source_put(struct explaining *x, const struct rule *rule, const struct event *event)
{
    struct explain_source source = rule_explain_source(rule, x->names, event);
    if (!source.conflict)
        return;
    if (x->json) {
        json_write_key(&x->out, "log_source");
        json_write_object(&x->out);
        json_put_text(&x->out, "part", source.part);
        json_put_str(&x->out, "wanted", source.wanted);
        json_put_str(&x->out, "said", source.said);
        json_write_object_end(&x->out);
    } else {
        buf_format(&x->out, "no  log source: the rule wants the %s '%.*s', the event is of '%.*s'\n", source.part,
                   STR_ARG(source.wanted), STR_ARG(source.said));
    }
}

static void detection_put(struct explaining *x, const struct rule *rule, const struct event *event)
{
    bool held = false;
    bool matches = engine_matches(x, rule, event);
    if (x->json) {
        json_write_object(&x->out);
        json_put_str(&x->out, "rule_id", rule->id);
        json_put_str(&x->out, "title", rule->title);
        json_put_bool(&x->out, "match", matches);
        source_put(x, rule, event);
        json_write_key(&x->out, "tree");
    } else {
        buf_format(&x->out, "%s  %.*s (%.*s)\n", matches ? "match" : "no match", STR_ARG(rule->title),
                   STR_ARG(rule->id));
        source_put(x, rule, event);
    }
    x->open = 0;
    enum rc rc = rule_explain_tree(rule, x->names, event, &(struct explain_sink){on_step, x}, &held, x->err);
    levels_close(x, 0);
    if (x->json)
        json_write_object_end(&x->out);
    if (rc == RC_OK && held != matches)
        rc = err_set(x->err, RC_CORRUPT, "the engine and the plain evaluator differ: that is a fault of this program");
    x->held = x->held || matches;
    x->rc = rc;
}

static void on_event(void *context, const struct event *event)
{
    struct explaining *x = context;
    if (!(event->flags & EVENT_MATCH) || x->rc != RC_OK)
        return;
    x->events++;
    if (x->rule->kind == RULE_DETECTION) {
        detection_put(x, x->rule, event);
        return;
    }
    for (size_t i = 0; i < rules_count(x->rules) && x->rc == RC_OK; i++)
        if (rules_at(x->rules, i)->kind == RULE_DETECTION && correlation_names(x->rule, rules_at(x->rules, i)))
            detection_put(x, rules_at(x->rules, i), event);
}

/* ---- which record ---- */

static void show(struct explaining *x, const struct event_source *source, uint64_t record, int64_t received_ns,
                 struct str raw)
{
    normaliser_record(x->normaliser, source, record, received_ns, raw, x->arena, on_event, x);
}

static enum rc show_record(struct explaining *x, const struct options *options, struct err *err)
{
    struct reading reading;
    static struct archive_hit hit;
    uint64_t record = 0;
    if (!str_to_u64(str_of(options->operands[2]), &record))
        return err_set(err, RC_INVALID, "\"%s\" is not a record number", options->operands[2]);
    enum rc rc = reading_open(&reading, options_text(options, "data"), false, err);
    rc = rc == RC_OK ? archive_reader_record(reading.reader, record, x->arena, &hit, err) : rc;
    if (rc == RC_OK)
        show(x, &hit.source, record, hit.leaf.received_ns, hit.raw);
    reading_close(&reading);
    return rc;
}

static void done(struct explaining *x)
{
    matcher_free(x->matcher);
    rule_set_free(x->set);
    normaliser_free(x->normaliser);
    mapping_free(x->mapping);
    names_free(x->names);
    rules_free(x->rules);
    arena_free(x->arena);
    buf_done(&x->out);
}

int rule_explain_command(const struct options *options)
{
    struct err err = {0};
    const char *line = options_text(options, "line");
    struct explaining x = {.json = options_flag(options, "json"), .err = &err};
    if (options->operand_count != (line ? 2 : 3))
        return cmd_usage("rules", "explain takes a rule and a record number, or a rule and --line");
    buf_init(&x.out, TEXT_MAX);
    enum rc rc = load(&x, options, &err);
    if (x.json)
        json_write_array(&x.out);
    if (rc == RC_OK && line) {
        const struct event_source source = {.kind = STR_INIT("import"), .name = STR_INIT("line")};
        show(&x, &source, 0, clock_real_ns(), str_of(line));
    } else if (rc == RC_OK) {
        rc = show_record(&x, options, &err);
    }
    rc = rc == RC_OK ? x.rc : rc;
    if (rc == RC_OK && !x.events)
        rc = err_set(&err, RC_NOT_FOUND, "nothing of this record is shown to rules");
    if (rc == RC_OK && x.out.overflow)
        rc = err_set(&err, RC_LIMIT, "the explanation is too long");
    if (rc == RC_OK) {
        if (x.json) {
            json_write_array_end(&x.out);
            buf_char(&x.out, '\n');
        }
        fwrite(x.out.p, 1, x.out.n, stdout);
    }
    int status = rc == RC_OK ? CMD_OK : cmd_fail("rules", &err);
    done(&x);
    return status;
}
