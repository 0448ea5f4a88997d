#include "codec/tsv.h"
#include "event/normalise.h"
#include "rule/case.h"
#include "rule/correlate.h"
#include "rule/indicator_match.h"
#include "rule/indicator_read.h"

#include <stdio.h>

/* Every rule of data/rules against the lines beside it: each line of NAME.must.log fires it (all lines together, when
 * it is a correlation), no line of NAME.not.log does. Through the normaliser, as in the service, with the list of
 * indicators NAME.indicators.csv, when there is one. And against data/i18n/rules.tsv: its title and description stand
 * there in three languages. */

#define LINES_MAX          512u
#define MATCHES_MAX        256u
#define NOW_NS             (INT64_C(1795158000) * 1000000000) /* 2026-11-20: syslog lines carry no year */
#define OWN_RULES_MAX      1024u
#define RULES_LEAST        150u
#define CORRELATIONS_LEAST 20u

struct starter {
    struct rules *rules;
    struct names *names;
    struct mapping *mapping;
    struct rule_set *set;
    struct matcher *matcher;
    struct correlator *correlator;
    struct indicator_fields *fields;
    struct indicator_matcher *indicator_matcher; /* NULL: no list */
    const struct rule *rule;                     /* the one looked at */
    bool fired[LINES_MAX + 1];
    size_t firings;
};

static void on_firing(void *context, const struct correlation_firing *firing)
{
    struct starter *starter = context;
    starter->firings += firing->rule == starter->rule;
}

static void on_event(void *context, const struct event *event)
{
    struct starter *starter = context;
    struct rule_match matches[MATCHES_MAX];
    size_t count = 0;
    if (!(event->flags & EVENT_MATCH))
        return;
    if (starter->indicator_matcher)
        event = indicator_matcher_event(starter->indicator_matcher, event);
    CHECK_INT(matcher_event(starter->matcher, event, matches, MATCHES_MAX, &count), RC_OK);
    for (size_t i = 0; i < count; i++) {
        struct rule_value values[RULE_CARRY_MAX];
        struct correlator_hit hit = {matches[i].rule, event->time_ns, event->record, values, 0};
        hit.value_count = matcher_carry(starter->matcher, matches[i].rule, event, values);
        CHECK_INT(correlator_match(starter->correlator, &hit, on_firing, starter), RC_OK);
        for (uint32_t r = 0; r < event->record_count && matches[i].rule == starter->rule; r++)
            starter->fired[event->records[r]] = true;
        CHECK(naive_match(matches[i].rule, starter->names, event));
    }
}

/* Shows the lines to all rules; returns how many lines there are. */
static size_t show(struct starter *starter, struct str text, struct str lines[LINES_MAX + 1])
{
    struct event_source source = {.kind = STR_INIT("import"), .name = STR_INIT("sample")};
    struct normaliser *normaliser = normaliser_new(starter->mapping, starter->names);
    struct arena *arena = arena_new((size_t)64 << 20);
    size_t count = 0;
    memset(starter->fired, 0, sizeof(starter->fired));
    starter->firings = 0;
    starter->correlator = correlator_new(starter->rules, NULL, 1);
    while (text.p && text.n) {
        struct str line = str_cut(&text, '\n');
        if (!line.n)
            continue;
        if (!CHECK(count < LINES_MAX))
            break;
        lines[++count] = line;
        normaliser_record(normaliser, &source, count, NOW_NS, line, arena, on_event, starter);
    }
    normaliser_flush(normaliser, NOW_NS + 3600 * INT64_C(1000000000), arena, on_event, starter);
    correlator_free(starter->correlator);
    normaliser_free(normaliser);
    arena_free(arena);
    return count;
}

/* What the records of one audit event share, "msg=audit(TIME:SERIAL"; nothing for another line. */
static struct str audit_event_of(struct str line)
{
    if (!str_starts(line, STR("type=")))
        return STR_NONE;
    str_cut(&line, ' ');
    return str_cut(&line, ')');
}

/* A line fires by itself, or, when it is a further record of an audit event, with the record before it. */
static bool is_fired(const struct starter *starter, const struct str *lines, size_t line)
{
    while (line > 1 && !starter->fired[line]) {
        struct str event = audit_event_of(lines[line]);
        if (!event.n || !str_eq(event, audit_event_of(lines[line - 1])))
            return false;
        line--;
    }
    return starter->fired[line];
}

static struct str sample(struct arena *arena, struct str rule_path, const char *ending)
{
    struct buf path;
    buf_init(&path, 4096);
    buf_str(&path, str_slice(rule_path, 0, rule_path.n - 4));
    buf_text(&path, ending);
    struct str text = case_file(arena, "", buf_z(&path));
    buf_done(&path);
    return text;
}

/* The list beside the rule; NULL when there is none. */
static struct indicators *list_open(struct starter *starter, struct str text)
{
    struct err err;
    struct indicators *indicators = text.n ? indicators_new(1) : NULL;
    struct indicator_reading reading = {.indicators = indicators};
    if (!indicators)
        return NULL;
    CHECK_INT(indicators_list(indicators, STR("list"), &err), RC_OK);
    CHECK_INT(indicator_read(&reading, text, &err), RC_OK);
    CHECK(indicators_count(indicators) > 0 && indicators_list_at(indicators, 0).refused == 0);
    starter->indicator_matcher = indicator_matcher_new(indicators, starter->fields, starter->names);
    CHECK(starter->indicator_matcher != NULL);
    return indicators;
}

static void list_close(struct starter *starter, struct indicators *indicators)
{
    indicator_matcher_free(starter->indicator_matcher);
    starter->indicator_matcher = NULL;
    indicators_free(indicators);
}

static void check_rule(struct starter *starter, struct arena *arena)
{
    struct str lines[LINES_MAX + 1];
    const struct rule *rule = starter->rule;
    struct str must = sample(arena, rule->path, ".must.log");
    struct str never = sample(arena, rule->path, ".not.log");
    test_row("%.*s", STR_ARG(rule->path));
    CHECK(rule->id.n == 36 && rule->description.n > 0 && rule->tag_count > 0 && rule->falsepositive_count > 0);
    CHECK(rule->incident_kind.n > 0);
    if (!CHECK(must.n > 0) || !CHECK(never.n > 0))
        return;
    struct indicators *list = list_open(starter, sample(arena, rule->path, ".indicators.csv"));
    size_t count = show(starter, must, lines);
    if (rule->kind == RULE_CORRELATION)
        CHECK(starter->firings > 0);
    for (size_t i = 1; i <= count && rule->kind == RULE_DETECTION; i++) {
        if (!CHECK(is_fired(starter, lines, i)))
            printf("# must fire: %.*s\n", STR_ARG(lines[i]));
    }
    count = show(starter, never, lines);
    CHECK_INT(starter->firings, 0);
    for (size_t i = 1; i <= count && rule->kind == RULE_DETECTION; i++) {
        if (!CHECK(!starter->fired[i]))
            printf("# must not fire: %.*s\n", STR_ARG(lines[i]));
    }
    list_close(starter, list);
}

static void samples_fire_and_do_not(void)
{
    struct starter starter = {.rules = rules_new(CASE_MEMORY), .names = names_new(1)};
    struct arena *arena = arena_new((size_t)64 << 20);
    struct buf data;
    struct err err;
    size_t correlations = 0;
    buf_init(&data, 4096);
    buf_format(&data, "%s/data", test_source_dir());
    case_walk(starter.rules, buf_z(&data), "rules");
    struct str table = case_file(arena, buf_z(&data), "indicators.tsv");
    CHECK_INT(indicator_fields_load(table, &starter.fields, &err), RC_OK);
    arena_reset(arena);
    CHECK_INT(rules_finish(starter.rules, &err), RC_OK);
    for (size_t i = 0; i < rules_outcome_count(starter.rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(starter.rules, i);
        if (!CHECK(outcome->loaded) || !CHECK(outcome->warning.n == 0))
            printf("# %.*s: %.*s%.*s\n", STR_ARG(outcome->path), STR_ARG(outcome->reason), STR_ARG(outcome->warning));
    }
    CHECK(rules_count(starter.rules) >= RULES_LEAST);
    if (CHECK_INT(mapping_load(buf_z(&data), starter.names, &starter.mapping, &err), RC_OK) &&
        CHECK_INT(rule_set_compile(starter.rules, starter.names, &starter.set, &err), RC_OK)) {
        starter.matcher = matcher_new(starter.set);
        for (size_t i = 0; i < rules_count(starter.rules); i++) {
            starter.rule = rules_at(starter.rules, i);
            correlations += starter.rule->kind == RULE_CORRELATION;
            check_rule(&starter, arena);
            arena_reset(arena);
        }
        struct rule_set_stats stats = rule_set_stats(starter.set);
        printf("# %zu rules, %zu of them correlations; %zu always run, %zu by the presence of a field\n",
               rules_count(starter.rules), correlations, stats.always, stats.presence);
        CHECK(correlations >= CORRELATIONS_LEAST);
    }
    indicator_fields_free(starter.fields);
    matcher_free(starter.matcher);
    rule_set_free(starter.set);
    mapping_free(starter.mapping);
    names_free(starter.names);
    rules_free(starter.rules);
    arena_free(arena);
    buf_done(&data);
}

/* --- texts --- */

enum { TEXT_TITLE = 1, TEXT_DESCRIPTION = 2 };

/* Each run of spaces and line ends as one space, none at the ends. */
static struct str folded(struct arena *arena, struct str text)
{
    struct buf out;
    buf_init_fixed(&out, arena_alloc_raw(arena, text.n + 1), text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        if (!strchr(" \t\r\n", text.p[i]))
            buf_char(&out, text.p[i]);
        else if (out.n > 0 && out.p[out.n - 1] != ' ')
            buf_char(&out, ' ');
    }
    return str_trim(buf_view(&out));
}

/* A row of rules.tsv: belongs to a rule, says what the rule says; marks in `seen` which text of which rule it is. */
static void check_text(const struct rules *rules, const struct tsv *row, struct arena *arena, unsigned *seen)
{
    struct str id = row->cell[0];
    test_row("%.*s", STR_ARG(row->cell[0]));
    if (!CHECK(str_starts(id, STR("rule."))))
        return;
    id = str_skip(id, 5);
    if (str_starts(id, STR("qorgan-")))
        return; /* what the archive says of itself: role/desk.c */
    unsigned kind = str_ends(id, STR(".description")) ? TEXT_DESCRIPTION : TEXT_TITLE;
    if (kind == TEXT_DESCRIPTION)
        id = str_slice(id, 0, id.n - strlen(".description"));
    const struct rule *rule = rules_find(rules, id);
    if (!CHECK(rule) || !CHECK(str_eq(rule->id, id)) || !CHECK(rule->index < OWN_RULES_MAX))
        return;
    CHECK(!(seen[rule->index] & kind));
    seen[rule->index] |= kind;
    for (size_t i = 1; i < row->columns; i++)
        CHECK(row->cell[i].n > 0);
    CHECK_STR(row->cell[3], folded(arena, kind == TEXT_TITLE ? rule->title : rule->description));
}

static void texts_say_what_rules_say(void)
{
    struct rules *rules = rules_new(CASE_MEMORY);
    struct arena *arena = arena_new((size_t)16 << 20);
    unsigned seen[OWN_RULES_MAX] = {0};
    struct buf data;
    struct tsv tsv;
    struct err err;
    buf_init(&data, 4096);
    buf_format(&data, "%s/data", test_source_dir());
    case_walk(rules, buf_z(&data), "rules");
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    struct str file = case_file(arena, buf_z(&data), "i18n/rules.tsv");
    enum rc rc = RC_INVALID;
    if (CHECK_INT(tsv_open(&tsv, file, &err), RC_OK) && CHECK_INT(tsv.columns, 4) && CHECK_TEXT(tsv.name[0], "key") &&
        CHECK_TEXT(tsv.name[3], "en"))
        while ((rc = tsv_next(&tsv, &err)) == RC_OK)
            check_text(rules, &tsv, arena, seen);
    CHECK_INT(rc, RC_END);
    for (size_t i = 0; i < rules_count(rules) && CHECK(i < OWN_RULES_MAX); i++) {
        test_row("%.*s", STR_ARG(rules_at(rules, i)->path));
        CHECK_INT(seen[i], TEXT_TITLE | TEXT_DESCRIPTION);
    }
    rules_free(rules);
    arena_free(arena);
    buf_done(&data);
}

static const struct test tests[] = {
    {"each starter rule fires on its samples and on no other", samples_fire_and_do_not},
    {"each starter rule has its texts in three languages", texts_say_what_rules_say},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
