#include "cmd/rule_explain.h"

#include "archive/reader.h"
#include "base/arena.h"
#include "base/buf.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/data.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/random.h"
#include "paper/visible.h"
#include "role/explainer.h"
#include "role/indicator_folder.h"

#include <stdio.h>

#define RULES_MEMORY ((size_t)1 << 30)
#define MEMORY       ((size_t)256 << 20)
#define COPY_MEMORY  ((uint64_t)8 << 30) /* address space: the texts, the rules and their compiled form */
#define TEXT_MAX     ((size_t)64 << 20)
#define MATCHES_MAX  1024u

struct explaining {
    struct rules *rules;
    struct rule_set *set;
    struct matcher *matcher;
    struct indicators *indicators; /* NULL: no list was given */
    struct indicator_fields *indicator_fields;
    struct explainer how;
    struct rule_texts texts;
    struct indicator_texts lists;
    const char *named;
    const struct rule *rule;
    struct arena *arena; /* of the record */
    const char *line;    /* NULL: a record of the archive */
    const char *record;  /* as it was typed */
    const char *data;    /* where the archive is */
    struct reading reading;
    enum rc unready; /* why the archive cannot be read; said once the rules are known */
    struct err unready_why;
    bool json;
    struct explainer_json writer;
    struct buf out;
    size_t events; /* that the record gave */
    enum rc rc;
    struct err *err;
};

/* ---- the rules ---- */

/* Those that come with the program, unless others are named. Nothing is made of what they say. */
static enum rc texts_read(struct explaining *x, const struct options *options, struct err *err)
{
    struct buf own CLEANUP(buf_done) = {0};
    const char *folder;
    enum rc rc = rule_texts_init(&x->texts, err);
    buf_init(&own, 4096);
    for (size_t i = 0; rc == RC_OK && (folder = options_list(options, "rules", i)); i++)
        rc = rule_texts_read(&x->texts, folder, err);
    if (rc == RC_OK && !options_list(options, "rules", 0)) {
        rc = data_folder(&own, err);
        buf_text(&own, "/rules");
        rc = rc == RC_OK ? rule_texts_read(&x->texts, buf_z(&own), err) : rc;
    }
    return rc;
}

static enum rc rules_load(struct explaining *x, struct err *err)
{
    x->rules = rules_new(RULES_MEMORY);
    enum rc rc = x->rules ? rule_texts_give(&x->texts, x->rules, err) : err_set(err, RC_LIMIT, "no memory for rules");
    rc = rc == RC_OK ? rules_finish(x->rules, err) : rc;
    return rc == RC_OK ? explainer_find(x->rules, str_of(x->named), &x->rule, err) : rc;
}

static enum rc rules_compile(struct explaining *x, struct err *err)
{
    enum rc rc = rule_set_compile(x->rules, x->how.names, &x->set, err);
    if (rc != RC_OK)
        return rc;
    x->matcher = matcher_new(x->set);
    return x->matcher ? RC_OK : err_set(err, RC_LIMIT, "no memory for matching");
}

/* Lists as `detect` takes them. Nothing is made of what they say. */
static enum rc lists_read(struct explaining *x, const struct options *options, struct err *err)
{
    struct buf folder CLEANUP(buf_done) = {0};
    const char *path;
    enum rc rc = RC_OK;
    x->lists.arena = x->arena;
    for (size_t i = 0; rc == RC_OK && (path = options_list(options, "indicators", i)); i++)
        rc = indicator_texts_read(&x->lists, path, err);
    if (rc != RC_OK || !options_list(options, "indicators", 0))
        return rc;
    buf_init(&folder, 4096);
    rc = data_folder(&folder, err);
    return rc == RC_OK ? indicator_fields_read(buf_z(&folder), &x->indicator_fields, err) : rc;
}

static enum rc indicators_start(struct explaining *x, struct err *err)
{
    if (!x->indicator_fields)
        return RC_OK;
    x->indicators = indicators_new(random_u64());
    enum rc rc = x->indicators ? indicator_texts_give(&x->lists, x->indicators, err)
                               : err_set(err, RC_LIMIT, "no memory for indicators");
    if (rc != RC_OK)
        return rc;
    indicators_finish(x->indicators);
    x->how.indicators = indicator_matcher_new(x->indicators, x->indicator_fields, x->how.names);
    return x->how.indicators ? RC_OK : err_set(err, RC_LIMIT, "no memory for indicators");
}

/* ---- the tree ---- */

static void on_step(void *context, const struct explain_step *step)
{
    struct explaining *x = context;
    static const char *const heads[] = {
        [EXPLAIN_TEST] = "", [EXPLAIN_ALL] = "all of:", [EXPLAIN_ANY] = "one of:", [EXPLAIN_NOT] = "not:"};
    struct buf *out = &x->out;
    buf_format(out, "%s %*s", step->held ? "yes" : "no ", (int)(2 * step->depth), "");
    if (step->filter) {
        buf_text(out, "filter '");
        visible_show(out, step->filter->title);
        buf_text(out, step->kind == EXPLAIN_TEST ? "': " : "', ");
    }
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

static void held_back_say(struct explaining *x, const struct rule *rule, const struct event *event)
{
    const struct rule *filters[EXPLAINER_FILTERS_MAX];
    size_t count = rule_explain_held_back(rule, x->how.names, event, filters, ARRAY_LEN(filters));
    for (size_t i = 0; i < MIN(count, ARRAY_LEN(filters)); i++) {
        buf_text(&x->out, "no  held back by the filter '");
        visible_show(&x->out, filters[i]->title);
        buf_format(&x->out, "' (%.*s)\n", STR_ARG(filters[i]->id));
    }
}

static enum rc detection_say(struct explaining *x, const struct rule *rule, const struct event *event, bool *ret_match)
{
    const struct explain_sink sink = {.take = on_step, .context = x};
    struct explain_source source = rule_explain_source(rule, x->how.names, event);
    *ret_match = rule_explain_holds(rule, x->how.names, event);
    buf_format(&x->out, "%s  %.*s (%.*s)\n", *ret_match ? "match" : "no match", STR_ARG(rule->title),
               STR_ARG(rule->id));
    if (source.conflict)
        buf_format(&x->out, "no  log source: the rule wants the %s '%.*s', the event is of '%.*s'\n", source.part,
                   STR_ARG(source.wanted), STR_ARG(source.said));
    held_back_say(x, rule, event);
    bool held = false;
    return rule_explain_tree(rule, x->how.names, event, &sink, &held, x->err);
}

/* Both the explanation and the engine's verdict, which must be one. */
static void detection_put(struct explaining *x, const struct rule *rule, const struct event *event, bool engine)
{
    bool match = false;
    x->rc = x->json ? explainer_write(&x->writer, x->rule, rule, event, &match, x->err)
                    : detection_say(x, rule, event, &match);
    if (x->rc == RC_OK && match != engine)
        x->rc = err_set(x->err, RC_CORRUPT,
                        "the engine and the plain evaluator differ about \"%.*s\": that is a fault of this program",
                        STR_ARG(rule->title));
}

static void on_event(void *context, const struct event *event)
{
    struct explaining *x = context;
    static struct rule_match matches[MATCHES_MAX];
    size_t count = 0;
    x->events++;
    if (x->rc == RC_OK && matcher_event(x->matcher, event, matches, MATCHES_MAX, &count) != RC_OK)
        x->rc = err_set(x->err, RC_LIMIT, "the event is too large to be matched");
    if (!x->json && event->record_count > 1)
        buf_format(&x->out, "the event that records %llu to %llu make together:\n",
                   (unsigned long long)event->records[0], (unsigned long long)event->records[event->record_count - 1]);
    for (size_t i = 0; i < rules_count(x->rules) && x->rc == RC_OK; i++) {
        const struct rule *rule = rules_at(x->rules, i);
        bool found = false;
        if (!explainer_wants(x->rule, rule))
            continue;
        for (size_t k = 0; k < MIN(count, (size_t)MATCHES_MAX); k++)
            found = found || matches[k].rule == rule;
        detection_put(x, rule, event, found);
    }
}

/* What was found, all of it or nothing. */
static enum rc print(struct explaining *x, struct err *err)
{
    if (x->rc != RC_OK)
        return x->rc;
    if (!x->events)
        return err_set(err, RC_NOT_FOUND, "nothing of this record is shown to rules");
    if (x->json) {
        json_write_array_end(&x->out);
        buf_char(&x->out, '\n');
    }
    if (x->out.overflow)
        return err_set(err, RC_LIMIT, "the explanation is too long");
    fwrite(x->out.p, 1, x->out.n, stdout);
    return RC_OK;
}

/* ---- which record ---- */

static enum rc show(struct explaining *x, struct archive_reader *reader, const struct archive_hit *hit,
                    struct arena *arena, struct err *err)
{
    const struct explainer_target target = {
        .reader = reader, .hit = hit, .arena = arena, .sink = on_event, .context = x};
    enum rc rc = rules_compile(x, err);
    x->writer = (struct explainer_json){
        .out = &x->out, .names = x->how.names, .bytes_max = TEXT_MAX, .depth_max = EXPLAIN_DEPTH_MAX};
    rc = rc == RC_OK ? indicators_start(x, err) : rc;
    rc = rc == RC_OK ? explainer_events(&x->how, &target, err) : rc;
    indicator_matcher_free(x->how.indicators);
    matcher_free(x->matcher);
    rule_set_free(x->set); /* they borrow the names, which go with the archive */
    return rc;
}

static enum rc printed(struct explaining *x, struct err *err)
{
    enum rc rc = print(x, err);
    return rc == RC_OK && fflush(stdout) != 0 ? err_set(err, RC_IO, "could not write to standard output") : rc;
}

/* In the copy: strangers wrote the rules, and what the record says. */
static enum rc record_work(void *context, struct buf *answer, struct err *err)
{
    struct explaining *x = context;
    static struct archive_hit hit;
    uint64_t number = 0;
    (void)answer;
    x->err = err;
    enum rc rc = rules_load(x, err);
    if (rc == RC_OK && !str_to_u64(str_of(x->record), &number))
        rc = err_set(err, RC_INVALID, "\"%s\" is not a record number", x->record);
    if (rc == RC_OK && x->unready != RC_OK)
        rc = err_set(err, x->unready, "%s", x->unready_why.text);
    rc = rc == RC_OK ? reading_start(&x->reading, x->data, err) : rc;
    rc = rc == RC_OK ? archive_reader_record(x->reading.reader, number, x->arena, &hit, err) : rc;
    rc = rc == RC_OK ? show(x, x->reading.reader, &hit, x->arena, err) : rc;
    return rc == RC_OK ? printed(x, err) : rc;
}

static enum rc show_record(struct explaining *x, struct err *err)
{
    char archive[ARCHIVE_PATH_MAX];
    struct buf answer CLEANUP(buf_done) = {0};
    const struct confined confined = {.work = record_work,
                                      .context = x,
                                      .memory_max = COPY_MEMORY + x->lists.bytes,
                                      .readable = {archive},
                                      .readable_count = 1};
    buf_init(&answer, 1);
    enum rc rc = archive_folder_path(x->data, archive, err);
    if (rc != RC_OK)
        return rc;
    x->unready = reading_prepare(&x->reading, x->data, true, &x->unready_why);
    x->how = (struct explainer){.mapping = x->reading.mapping, .names = x->reading.names};
    rc = confined_command(&confined, "rules: the explanation", &answer, err);
    reading_close(&x->reading);
    return rc;
}

/* In the copy: strangers wrote the rules, and perhaps the line. */
static enum rc line_work(void *context, struct buf *answer, struct err *err)
{
    struct explaining *x = context;
    static struct archive_hit hit;
    (void)answer;
    hit = (struct archive_hit){.leaf = {.type = LEAF_RAW, .received_ns = clock_real_ns()},
                               .source = {.kind = STR_INIT("import"), .name = STR_INIT("line")},
                               .raw = str_of(x->line)};
    x->err = err;
    enum rc rc = rules_load(x, err);
    rc = rc == RC_OK ? show(x, NULL, &hit, x->arena, err) : rc;
    return rc == RC_OK ? printed(x, err) : rc;
}

static enum rc show_line(struct explaining *x, struct err *err)
{
    struct mapping *mapping = NULL;
    struct buf folder CLEANUP(buf_done) = {0};
    struct buf answer CLEANUP(buf_done) = {0};
    const struct confined confined = {.work = line_work, .context = x, .memory_max = COPY_MEMORY + x->lists.bytes};
    x->how.names = names_new(random_u64());
    buf_init(&folder, 4096);
    buf_init(&answer, 1);
    enum rc rc = x->how.names ? data_folder(&folder, err) : err_set(err, RC_LIMIT, "no memory for names");
    rc = rc == RC_OK ? mapping_load(buf_z(&folder), x->how.names, &mapping, err) : rc;
    x->how.mapping = mapping;
    rc = rc == RC_OK ? confined_command(&confined, "rules: the explanation", &answer, err) : rc;
    mapping_free(mapping);
    names_free(x->how.names);
    return rc;
}

int rule_explain_command(const struct options *options)
{
    struct err err = {0};
    const char *line = options_text(options, "line");
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(MEMORY);
    struct explaining x = {.json = options_flag(options, "json"),
                           .err = &err,
                           .named = options->operands[1],
                           .arena = arena,
                           .line = line,
                           .record = options->operand_count > 2 ? options->operands[2] : NULL,
                           .data = options_text(options, "data"),
                           .reading.folder = -1};
    if (options->operand_count != (line ? 2 : 3))
        return cmd_usage("rules", "explain takes a rule and a record number, or a rule and --line");
    buf_init(&x.out, TEXT_MAX);
    if (x.json)
        json_write_array(&x.out);
    enum rc rc = arena ? texts_read(&x, options, &err) : err_set(&err, RC_LIMIT, "no memory for a record");
    rc = rc == RC_OK ? lists_read(&x, options, &err) : rc;
    if (rc == RC_OK)
        rc = line ? show_line(&x, &err) : show_record(&x, &err);
    int status = rc == RC_OK ? CMD_OK : cmd_fail("rules", &err);
    indicator_fields_free(x.indicator_fields);
    indicators_free(x.indicators);
    rules_free(x.rules);
    rule_texts_done(&x.texts);
    buf_done(&x.out);
    return status;
}
