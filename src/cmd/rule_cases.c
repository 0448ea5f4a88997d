#include "cmd/rule_cases.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/civil.h"
#include "codec/yaml.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES RULE_SAMPLE_PATH_MAX
#define WHY_BYTES  1024u
#define NAMED_MAX  5u /* records that a failure names */

/* One sample file shown to the rules, and what one rule made of it. */
struct showing {
    const struct rule *rule;
    uint8_t *fired; /* by record, from 0 */
    uint64_t room;
    uint64_t hits;
    char trouble[WHY_BYTES];
};

struct run {
    struct rule_cases *cases;
    struct arena *arena; /* of one info.yml */
    int64_t received_ns; /* of all samples */
    bool *had;           /* by the rule's index */
    enum rc rc;
    struct err *err;
};

static void record_fired(struct showing *showing, uint64_t record)
{
    if (record > showing->room) {
        uint64_t room = MAX(2 * showing->room, record + 1023);
        uint8_t *grown = memory_resize(showing->fired, room);
        if (!grown) {
            snprintf(showing->trouble, sizeof showing->trouble, "there is no memory for its records");
            return;
        }
        memset(grown + showing->room, 0, room - showing->room);
        showing->fired = grown;
        showing->room = room;
    }
    if (record)
        showing->fired[record - 1] = 1;
}

static void on_hit(void *context, const struct detector_hit *hit)
{
    struct showing *showing = context;
    if (hit->rule != showing->rule)
        return;
    showing->hits++;
    for (size_t i = 0; i < hit->record_count; i++)
        record_fired(showing, hit->records[i]);
}

static void on_trouble(void *context, const char *text)
{
    struct showing *showing = context;
    if (!showing->trouble[0])
        snprintf(showing->trouble, sizeof showing->trouble, "%s", text);
}

/* Nothing is wrong and nothing is tested. */
static void skip(struct run *run, const char *file, const struct rule *rule, const char *why)
{
    struct rule_case taken = {
        .file = file, .rule = rule->id, .title = rule->title, .verdict = CASE_SKIPPED, .why = why};
    run->had[rule->index] = true;
    run->cases->took(run->cases->context, &taken);
}

static void give(struct run *run, const char *file, const struct rule *rule, const char *why, int64_t begun_ns)
{
    struct rule_case taken = {.file = file, .why = why, .verdict = why[0] ? CASE_FAILED : CASE_PASSED};
    if (rule) {
        taken.rule = rule->id;
        taken.title = rule->title;
        run->had[rule->index] = true;
    }
    taken.took_ns = (uint64_t)MAX(clock_real_ns() - begun_ns, INT64_C(0)); /* the clock may be set meanwhile */
    run->cases->took(run->cases->context, &taken);
}

/* Names the first records that are not as they should be; "" when all are. */
static void judge_records(const struct showing *showing, uint64_t records, bool must, struct buf *why)
{
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < records; i++) {
        bool has = i < showing->room && showing->fired[i];
        if (has == must || wrong++ >= NAMED_MAX)
            continue;
        buf_format(why, "%s %llu", wrong == 1 ? (must ? "it did not fire on record" : "it fired on record") : ",",
                   (unsigned long long)i + 1);
    }
    if (wrong > NAMED_MAX)
        buf_format(why, " and %llu more", (unsigned long long)(wrong - NAMED_MAX));
}

static void judge(const struct showing *showing, uint64_t records, bool must, struct buf *why)
{
    if (showing->rule->kind != RULE_CORRELATION)
        judge_records(showing, records, must, why);
    else if (must && !showing->hits)
        buf_text(why, "the correlation did not fire");
    else if (!must && showing->hits)
        buf_text(why, "the correlation fired");
}

/* What a file must do with a rule. */
enum expected { EXPECT_EACH, EXPECT_NONE, EXPECT_COUNT };

/* A file that cannot be read is a failure of its case. */
static void file_run(struct run *run, const char *path, const struct rule *rule, enum expected expected, uint64_t least)
{
    struct err err = {0};
    struct showing showing = {.rule = rule};
    char memory[WHY_BYTES];
    struct buf why;
    int64_t begun_ns = clock_real_ns();
    struct detector_file file = {
        .path = path,
        .received_ns = run->received_ns,
        .sink = {.hit = on_hit, .trouble = on_trouble, .context = &showing},
    };
    buf_init_fixed(&why, memory, sizeof memory);
    const struct rule_sample *sample = rule_samples_find(run->cases->samples, path);
    if (!sample)
        buf_format(&why, "there is no file \"%s\"", path);
    else if (sample->why)
        buf_text(&why, sample->why);
    else if (detector_text(run->cases->detector, &file, sample->text, &err) != RC_OK)
        buf_text(&why, err.text);
    else if (showing.trouble[0])
        buf_text(&why, showing.trouble);
    else if (!file.records)
        buf_text(&why, "it held no event");
    else if (expected != EXPECT_COUNT)
        judge(&showing, file.records, expected == EXPECT_EACH, &why);
    else if (showing.hits < least)
        buf_format(&why, "it fired %llu times, %llu wanted", (unsigned long long)showing.hits,
                   (unsigned long long)least);
    give(run, path, rule, buf_z(&why), begun_ns);
    memory_free(showing.fired);
}

/* The lists for all samples again, and those beside a rule; NULL: none. */
static enum rc lists_take(struct run *run, const struct rule_sample *beside, struct err *err)
{
    struct detector *detector = run->cases->detector;
    detector_lists_forget(detector);
    enum rc rc = detector_indicator_texts(detector, run->cases->lists, err);
    if (rc == RC_OK && beside)
        rc = beside->why ? err_set(err, RC_IO, "%s", beside->why)
                         : detector_indicator_texts(detector, &beside->lists, err);
    const struct indicators *lists = detector_lists(detector);
    if (rc != RC_OK || !beside || !lists || !indicators_list_count(lists))
        return rc;
    struct indicator_list list = indicators_list_at(lists, indicators_list_count(lists) - 1);
    return list.refused ? err_set(err, RC_INVALID, "line %u: %s", list.reasons[0].line, list.reasons[0].text) : RC_OK;
}

static void samples_run(struct run *run, const struct rule *rule)
{
    char name[PATH_BYTES];
    for (enum rule_sample_kind kind = 0; kind < RULE_SAMPLE_KINDS; kind++)
        for (size_t i = 0; i < RULE_SAMPLE_ENDINGS; i++)
            if (rule_sample_name(rule->path, kind, i, name) && rule_samples_find(run->cases->samples, name))
                file_run(run, name, rule, kind == RULE_SAMPLE_MUST ? EXPECT_EACH : EXPECT_NONE, 0);
}

static void beside_rule(struct run *run, const struct rule *rule)
{
    struct err err = {0};
    char list[PATH_BYTES];
    const struct rule_sample *beside =
        rule_sample_list_name(rule->path, list) ? rule_samples_find(run->cases->samples, list) : NULL;
    if (beside && lists_take(run, beside, &err) != RC_OK)
        give(run, list, rule, err.text, clock_real_ns());
    else
        samples_run(run, rule);
    if (beside && lists_take(run, NULL, &err) != RC_OK)
        run->rc = err_set(run->err, RC_LIMIT, "%s", err.text);
}

/* ---- info.yml ---- */

/* Why the rule is not there. */
static void absent(const struct rules *rules, struct str id, struct buf *why)
{
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        if (!outcome->loaded && str_eq(outcome->id, id)) {
            buf_format(why, "its rule was refused: %.*s", STR_ARG(outcome->reason));
            return;
        }
    }
    buf_format(why, "there is no rule %.*s", STR_ARG(id));
}

/* A sample lies beside its info.yml, whatever folder `path` names. */
static void info_sample(struct run *run, const char *info, const struct yaml_node *test, const struct rule *rule)
{
    char path[PATH_BYTES];
    struct str named = yaml_get_text(test, "path", STR_NONE);
    const char *slash = named.n ? memrchr(named.p, '/', named.n) : NULL;
    struct str name = slash ? str_skip(named, (size_t)(slash - named.p) + 1) : named;
    struct str folder = str_of(info);
    int64_t least = 1;
    folder.n -= strlen("info.yml");
    const struct yaml_node *count = yaml_get(test, "match_count");
    if (!name.n || (count && (!yaml_to_i64(count, &least) || least < 1))) {
        give(run, info, rule, "a test of it needs a path, and a match_count from 1", clock_real_ns());
        return;
    }
    int n = snprintf(path, sizeof path, "%.*s%.*s", STR_ARG(folder), STR_ARG(name));
    if (n > 0 && (size_t)n < sizeof path)
        file_run(run, path, rule, EXPECT_COUNT, (uint64_t)least);
}

static void info_rule(struct run *run, const char *info, const struct yaml_node *document, struct str id)
{
    const struct rules *rules = detector_loaded(run->cases->detector);
    const struct rule *rule = id.n ? rules_find(rules, id) : NULL;
    const struct yaml_node *tests = yaml_get(document, "regression_tests_info");
    if (!rule) {
        char memory[WHY_BYTES];
        struct buf why;
        buf_init_fixed(&why, memory, sizeof memory);
        absent(rules, id, &why);
        give(run, info, NULL, buf_z(&why), clock_real_ns());
        return;
    }
    if (!tests || tests->kind != YAML_SEQUENCE || !tests->first)
        skip(run, info, rule, "it names no test");
    for (const struct yaml_node *test = tests ? tests->first : NULL; test; test = test->next)
        info_sample(run, info, test, rule);
}

static void info_read(struct run *run, const struct rule_info *info)
{
    struct err err = {0};
    struct yaml_node *document = NULL;
    size_t count = 0;
    arena_reset(run->arena);
    enum rc rc =
        info->why ? err_set(&err, RC_IO, "%s", info->why) : yaml_parse(run->arena, info->text, &document, &count, &err);
    const struct yaml_node *rules = rc == RC_OK ? yaml_get(document, "rule_metadata") : NULL;
    if (rc != RC_OK)
        give(run, info->path, NULL, err.text, clock_real_ns());
    else if (!rules || rules->kind != YAML_SEQUENCE || !rules->first)
        give(run, info->path, NULL, "it names no rule", clock_real_ns());
    for (const struct yaml_node *rule = rules ? rules->first : NULL; rule; rule = rule->next)
        info_rule(run, info->path, document, yaml_get_text(rule, "id", STR_NONE));
}

/* The end of this year: what the lines of a sample have of the year is then the same for all of them, on whatever day
 * they are shown. Of a line dated tomorrow and one of the day after, one would else lie a year before the other. */
static int64_t samples_received(void)
{
    int32_t year, month, day;
    civil_from_days(clock_real_ns() / (DAY_S * SECOND_NS), &year, &month, &day);
    return civil_to_days(year + 1, 1, 1) * DAY_S * SECOND_NS - SECOND_NS;
}

static void bare_skip(struct run *run, const struct rule *rule)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%.*s", STR_ARG(rule->path));
    const struct rule_case bare = {
        .file = path, .rule = rule->id, .title = rule->title, .verdict = CASE_SKIPPED, .why = "no samples"};
    run->cases->bare++;
    run->cases->took(run->cases->context, &bare);
}

enum rc rule_cases_run(struct rule_cases *cases, struct err *err)
{
    const struct rules *rules = detector_loaded(cases->detector);
    const struct rule_samples *samples = cases->samples;
    size_t count = rules_count(rules);
    struct run run = {
        .cases = cases, .arena = arena_new((size_t)64 << 20), .received_ns = samples_received(), .err = err};
    run.had = memory_new(count + 1);
    if (!run.arena || !run.had)
        run.rc = err_set(err, RC_LIMIT, "no memory for the cases");
    for (size_t i = 0; i < count && run.rc == RC_OK; i++)
        if (rules_at(rules, i)->kind != RULE_FILTER)
            beside_rule(&run, rules_at(rules, i));
    for (const struct rule_info *info = samples->infos; info && run.rc == RC_OK; info = info->next)
        info_read(&run, info);
    if (run.rc == RC_OK && samples->broken)
        run.rc = err_set(err, RC_IO, "%s", samples->broken);
    for (size_t i = 0; i < count && run.rc == RC_OK; i++) {
        const struct rule *rule = rules_at(rules, i);
        if (!run.had[rule->index] && rule->kind != RULE_FILTER)
            bare_skip(&run, rule);
    }
    memory_free(run.had);
    arena_free(run.arena);
    return run.rc;
}
