/* detect.c - `qorgan detect --rules DIR... FILE...`: what the rules find in files, as the service would find it. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/options.h"
#include "cmd/records.h"
#include "codec/evtx.h"
#include "codec/json.h"
#include "event/normalise.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "role/rule_folder.h"
#include "rule/correlate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define RULES_MEMORY ((size_t)1 << 30)
#define FILE_MEMORY  ((size_t)8 << 30)
#define EVENT_MEMORY ((size_t)256 << 20)
#define LINE_BYTES   ((size_t)1 << 20)
#define MATCHES_MAX  1024u
#define FLUSH_NS     (INT64_C(3600) * 1000000000)
#define CLOSE_NS     (INT64_C(2 * 400 * 86400) * 1000000000) /* longer than any time span */

struct detect {
    const char *file;
    bool json;
    struct rules *rules;
    struct names *names;
    struct rule_set *set;
    struct matcher *matcher;
    struct correlator *correlator; /* of one file */
    struct mapping *mapping;
    struct normaliser *normaliser;
    struct arena *events;
    struct rule_match matches[MATCHES_MAX];
    int64_t latest_ns; /* event time */
    uint64_t too_large;
    enum rc rc;
};

static void print_match(const struct detect *detect, const struct rule *rule, uint64_t record)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    if (detect->json) {
        json_write_object(&line);
        json_put_text(&line, "file", detect->file);
        json_put_u64(&line, "record", record);
        json_put_str(&line, "rule_id", rule->id);
        json_put_str(&line, "title", rule->title);
        json_put_text(&line, "level", rule_level_name(rule->level));
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%s:%llu: %s: %.*s (%.*s)", detect->file, (unsigned long long)record,
                   rule_level_name(rule->level), STR_ARG(rule->title), STR_ARG(rule->id));
    }
    printf("%s\n", buf_z(&line));
    buf_done(&line);
}

static void on_firing(void *context, const struct correlation_firing *firing)
{
    const struct detect *detect = context;
    if (firing->rule->alerts)
        print_match(detect, firing->rule, firing->record_count ? firing->records[firing->record_count - 1] : 0);
}

static void correlate(struct detect *detect, const struct rule *rule, const struct event *event)
{
    struct rule_value values[RULE_CARRY_MAX];
    struct correlator_hit hit = {.rule = rule, .time_ns = event->time_ns, .record = event->record, .values = values};
    hit.value_count = matcher_carry(detect->matcher, rule, event, values);
    enum rc rc = correlator_match(detect->correlator, &hit, on_firing, detect);
    if (rc != RC_OK)
        detect->rc = rc;
}

static void on_event(void *context, const struct event *event)
{
    struct detect *detect = context;
    size_t count = 0;
    if (!(event->flags & EVENT_MATCH))
        return;
    if (matcher_event(detect->matcher, event, detect->matches, MATCHES_MAX, &count) != RC_OK) {
        detect->too_large++;
        return;
    }
    for (size_t i = 0; i < (count < MATCHES_MAX ? count : MATCHES_MAX); i++) {
        const struct rule *rule = detect->matches[i].rule;
        if (rule->alerts)
            print_match(detect, rule, event->record);
        correlate(detect, rule, event);
    }
    if (event->time_ns > detect->latest_ns) {
        detect->latest_ns = event->time_ns;
        enum rc rc = correlator_advance(detect->correlator, event->time_ns, on_firing, detect);
        if (rc != RC_OK)
            detect->rc = rc;
    }
}

/* What is open when the file ends is closed as if time went on. */
static void finish_file(struct detect *detect, int64_t now_ns)
{
    arena_reset(detect->events);
    normaliser_flush(detect->normaliser, now_ns + FLUSH_NS, detect->events, on_event, detect);
    if (detect->rc == RC_OK && detect->latest_ns != INT64_MIN)
        detect->rc = correlator_advance(detect->correlator, detect->latest_ns + CLOSE_NS, on_firing, detect);
}

/* The events of an EVTX file, one line of XML each; those that cannot be read are told. */
static enum rc evtx_load(const char *path, struct arena *memory, struct str *ret_text, struct err *err)
{
    struct evtx *evtx = NULL;
    struct buf text;
    struct buf event;
    struct err why;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum rc rc = fd >= 0 ? evtx_open(fd, &evtx, err) : err_errno(err, errno, "could not open \"%s\"", path);
    buf_init(&text, FILE_MEMORY / 2);
    buf_init(&event, EVTX_RECORD_MAX);
    for (uint64_t i = 0; rc == RC_OK && i < evtx_count(evtx); i++) {
        if (evtx_event(evtx, i, &event, &why) == RC_OK) {
            buf_str(&text, buf_view(&event));
            buf_char(&text, '\n');
        } else {
            fprintf(stderr, "qorgan detect: \"%s\", event %llu: %s\n", path, (unsigned long long)i + 1, why.text);
        }
    }
    if (rc == RC_OK && evtx_is_damaged(evtx))
        fprintf(stderr, "qorgan detect: \"%s\" is damaged: there may have been more events\n", path);
    *ret_text = rc == RC_OK ? arena_str(memory, buf_view(&text)) : STR_NONE;
    if (rc == RC_OK && (text.overflow || (text.n && !ret_text->p)))
        rc = err_set(err, RC_LIMIT, "no memory for \"%s\"", path);
    buf_done(&event);
    buf_done(&text);
    evtx_free(evtx);
    if (fd >= 0)
        close(fd);
    return rc;
}

static enum rc run_file(struct detect *detect, const char *path, struct err *err)
{
    struct records records;
    struct str text;
    struct str record;
    uint64_t number = 0;
    struct event_source source = {.kind = STR_INIT("import"), .name = str_of(path)};
    struct arena *memory = arena_new(FILE_MEMORY);
    int64_t now_ns = clock_real_ns();
    if (!memory)
        return err_set(err, RC_LIMIT, "no memory for \"%s\"", path);
    enum rc rc = file_load_path(path, FILE_MEMORY / 2, memory, &text, err);
    if (rc == RC_OK && evtx_begins(text))
        rc = evtx_load(path, memory, &text, err);
    detect->file = path;
    detect->latest_ns = INT64_MIN;
    detect->rc = RC_OK;
    detect->correlator = correlator_new(detect->rules, NULL, random_u64());
    detect->normaliser = normaliser_new(detect->mapping, detect->names);
    if (rc == RC_OK && (!detect->correlator || !detect->normaliser))
        rc = err_set(err, RC_LIMIT, "no memory for \"%s\"", path);
    if (rc == RC_OK) {
        records_init(&records, text);
        while (records_next(&records, &record) && detect->rc == RC_OK) {
            arena_reset(detect->events);
            normaliser_record(detect->normaliser, &source, ++number, now_ns, record, detect->events, on_event, detect);
        }
        finish_file(detect, now_ns);
        if (detect->rc != RC_OK)
            rc = err_set(err, detect->rc, "no memory for the correlations of \"%s\"", path);
    }
    correlator_free(detect->correlator);
    normaliser_free(detect->normaliser);
    detect->correlator = NULL;
    detect->normaliser = NULL;
    arena_free(memory);
    return rc;
}

static void say_refusals(const struct rules *rules)
{
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        if (!outcome->loaded)
            fprintf(stderr, "qorgan detect: refused rule %.*s: %.*s\n", STR_ARG(outcome->path),
                    STR_ARG(outcome->reason));
    }
}

static enum rc prepare(struct detect *detect, const struct options *options, struct err *err)
{
    struct buf path;
    const char *folder;
    detect->rules = rules_new(RULES_MEMORY);
    detect->names = names_new(random_u64());
    detect->events = arena_new(EVENT_MEMORY);
    if (!detect->rules || !detect->names || !detect->events)
        return err_set(err, RC_LIMIT, "no memory for rules");
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && (folder = options_list(options, "rules", i)); i++)
        rc = rule_folder_read(&io_kernel, folder, detect->rules, err);
    if (rc == RC_OK)
        rc = rules_finish(detect->rules, err);
    if (rc == RC_OK)
        rc = rule_set_compile(detect->rules, detect->names, &detect->set, err);
    if (rc != RC_OK)
        return rc;
    say_refusals(detect->rules);
    detect->matcher = matcher_new(detect->set);
    if (!detect->matcher)
        return err_set(err, RC_LIMIT, "no memory for matching");
    buf_init(&path, 4096);
    rc = data_folder(&path, err);
    if (rc == RC_OK)
        rc = mapping_load(buf_z(&path), detect->names, &detect->mapping, err);
    buf_done(&path);
    return rc;
}

static void done(struct detect *detect)
{
    matcher_free(detect->matcher);
    rule_set_free(detect->set);
    mapping_free(detect->mapping);
    names_free(detect->names);
    rules_free(detect->rules);
    arena_free(detect->events);
}

int cmd_detect(int argc, char **argv)
{
    static struct detect detect;
    struct options options;
    struct err err;
    int status = options_parse("detect", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    detect = (struct detect){.json = options_flag(&options, "json")};
    enum rc rc = prepare(&detect, &options, &err);
    status = rc == RC_OK ? CMD_OK : cmd_fail("detect", &err);
    for (int i = 0; rc == RC_OK && i < options.operand_count; i++) {
        if (run_file(&detect, options.operands[i], &err) != RC_OK)
            status = cmd_fail("detect", &err); /* the other files are read all the same */
    }
    if (detect.too_large)
        fprintf(stderr, "qorgan detect: %llu events were too large to be matched\n",
                (unsigned long long)detect.too_large);
    done(&detect);
    return status;
}
