#include "cmd/rule_explain.h"

#include "archive/reader.h"
#include "base/arena.h"
#include "base/buf.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/detector.h"
#include "codec/json.h"
#include "os/clock.h"
#include "paper/visible.h"
#include "rule/correlate.h"
#include "rule/explain.h"

#include <stdio.h>

#define MEMORY   ((size_t)256 << 20)
#define TEXT_MAX ((size_t)64 << 20)

struct explaining {
    struct detector *detector;
    const struct rule *rule;
    bool json;
    struct buf out;
    uint32_t open; /* JSON: levels of children that are open */
    size_t events; /* that the record gave */
    enum rc rc;
    struct err *err;
};

/* ---- which rule ---- */

static enum rc rule_find(struct explaining *x, const char *named, struct err *err)
{
    const struct rules *rules = detector_loaded(x->detector);
    size_t found = 0;
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *rule = rules_at(rules, i);
        if (str_search(rule->title, str_of(named)) == rule->title.n)
            continue;
        x->rule = rule;
        found++;
    }
    const struct rule *exact = rules_find(rules, str_of(named));
    if (exact || found == 1) {
        x->rule = exact ? exact : x->rule;
        return RC_OK;
    }
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        if (!outcome->loaded && str_is(outcome->id, named))
            return err_set(err, RC_INVALID, "the rule was refused: %.*s", STR_ARG(outcome->reason));
    }
    return found ? err_set(err, RC_NOT_FOUND, "\"%s\" stands in the titles of %zu rules", named, found)
                 : err_set(err, RC_NOT_FOUND, "there is no rule \"%s\"", named);
}

/* Those that come with the program, unless others are named. */
static enum rc load(struct explaining *x, const struct options *options, struct err *err)
{
    struct buf own CLEANUP(buf_done) = {0};
    const char *folder;
    enum rc rc = x->detector ? RC_OK : err_set(err, RC_LIMIT, "no memory for rules");
    buf_init(&own, 4096);
    for (size_t i = 0; rc == RC_OK && (folder = options_list(options, "rules", i)); i++)
        rc = detector_rules(x->detector, folder, err);
    if (rc == RC_OK && !options_list(options, "rules", 0)) {
        rc = data_folder(&own, err);
        buf_text(&own, "/rules");
        rc = rc == RC_OK ? detector_rules(x->detector, buf_z(&own), err) : rc;
    }
    rc = rc == RC_OK ? detector_ready(x->detector, err) : rc;
    return rc == RC_OK ? rule_find(x, options->operands[1], err) : rc;
}

/* ---- the tree ---- */

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
        visible_show(out, step->field.n ? step->field : STR("(anywhere)"));
        buf_format(out, " %s", step->verb);
        if (step->wanted.n) {
            buf_text(out, " '");
            visible_show(out, step->wanted);
            buf_char(out, '\'');
        }
        if (step->found.p) {
            buf_text(out, step->miss == EXPLAIN_CASE ? "; the same but for case: '" : "; the event has '");
            visible_show(out, step->found);
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

static void source_put(struct explaining *x, const struct rule *rule, const struct event *event)
{
    struct explain_source source = rule_explain_source(rule, detector_names(x->detector), event);
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

static void detection_put(struct explaining *x, const struct rule *rule, const struct event *event, bool matches)
{
    const struct explain_sink sink = {.take = on_step, .context = x};
    bool held = false;
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
    x->rc = rule_explain_tree(rule, detector_names(x->detector), event, &sink, &held, x->err);
    levels_close(x, 0);
    if (x->json)
        json_write_object_end(&x->out);
    if (x->rc == RC_OK && held != matches)
        x->rc = err_set(x->err, RC_CORRUPT,
                        "the engine and the plain evaluator differ about \"%.*s\": that is a fault of this program",
                        STR_ARG(rule->title));
}

static void on_event(void *context, const struct event *event, const struct rule_match *matches, size_t count)
{
    struct explaining *x = context;
    const struct rules *rules = detector_loaded(x->detector);
    x->events++;
    for (size_t i = 0; i < rules_count(rules) && x->rc == RC_OK; i++) {
        const struct rule *rule = rules_at(rules, i);
        bool wanted = x->rule == rule || (x->rule->correlation && correlation_names(x->rule, rule));
        bool found = false;
        if (!wanted || rule->kind != RULE_DETECTION)
            continue;
        for (size_t k = 0; k < count; k++)
            found = found || matches[k].rule == rule;
        detection_put(x, rule, event, found);
    }
}

/* ---- which record ---- */

static enum rc show(struct explaining *x, const struct detector_record *record, struct err *err)
{
    const struct detector_sink sink = {.event = on_event, .context = x};
    return detector_record(x->detector, record, &sink, err);
}

static enum rc show_record(struct explaining *x, const struct options *options, struct err *err)
{
    struct reading reading;
    static struct archive_hit hit;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(MEMORY);
    uint64_t number = 0;
    if (!str_to_u64(str_of(options->operands[2]), &number))
        return err_set(err, RC_INVALID, "\"%s\" is not a record number", options->operands[2]);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for a record");
    enum rc rc = reading_open(&reading, options_text(options, "data"), false, err);
    rc = rc == RC_OK ? archive_reader_record(reading.reader, number, arena, &hit, err) : rc;
    if (rc == RC_OK) { /* before the reader goes, which has the name of its source */
        const struct detector_record record = {
            .source = hit.source, .number = number, .received_ns = hit.leaf.received_ns, .raw = hit.raw};
        rc = show(x, &record, err);
    }
    reading_close(&reading);
    return rc;
}

static enum rc show_line(struct explaining *x, const char *line, struct err *err)
{
    const struct detector_record record = {.source = {.kind = STR_INIT("import"), .name = STR_INIT("line")},
                                           .received_ns = clock_real_ns(),
                                           .raw = str_of(line)};
    return show(x, &record, err);
}

int rule_explain_command(const struct options *options)
{
    struct err err = {0};
    const char *line = options_text(options, "line");
    struct explaining x = {.detector = detector_new(), .json = options_flag(options, "json"), .err = &err};
    if (options->operand_count != (line ? 2 : 3)) {
        detector_free(x.detector);
        return cmd_usage("rules", "explain takes a rule and a record number, or a rule and --line");
    }
    buf_init(&x.out, TEXT_MAX);
    if (x.json)
        json_write_array(&x.out);
    enum rc rc = load(&x, options, &err);
    if (rc == RC_OK)
        rc = line ? show_line(&x, line, &err) : show_record(&x, options, &err);
    rc = rc == RC_OK ? x.rc : rc;
    if (rc == RC_OK && !x.events)
        rc = err_set(&err, RC_NOT_FOUND, "nothing of this record is shown to rules");
    if (x.json) {
        json_write_array_end(&x.out);
        buf_char(&x.out, '\n');
    }
    if (rc == RC_OK && x.out.overflow)
        rc = err_set(&err, RC_LIMIT, "the explanation is too long");
    if (rc == RC_OK)
        fwrite(x.out.p, 1, x.out.n, stdout);
    int status = rc == RC_OK ? CMD_OK : cmd_fail("rules", &err);
    detector_free(x.detector);
    buf_done(&x.out);
    return status;
}
