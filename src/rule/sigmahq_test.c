#include "base/map.h"
#include "event/normalise.h"
#include "rule/case.h"

#include <stdio.h>

static const char *const folders[] = {
    "sigma/rules",
    "sigma/rules-compliance",
    "sigma/rules-emerging-threats",
    "sigma/rules-placeholder",
    "sigma/rules-threat-hunting",
};

/* Prints each reason but for its place once, with how often it came. */
static size_t print_refusals(const struct rules *rules)
{
    size_t refused = 0;
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        if (outcome->loaded)
            continue;
        refused++;
        CHECK(outcome->reason.n > 0);
        printf("# refused: %.*s: %.*s\n", STR_ARG(outcome->title), STR_ARG(outcome->reason));
    }
    return refused;
}

static void loads_and_compiles(void)
{
    const char *shared = test_shared_data();
    struct err err;
    struct rule_set *set = NULL;
    if (!shared) {
        test_skip("no shared data");
        return;
    }
    struct rules *rules = rules_new(CASE_MEMORY);
    struct names *names = names_new(1);
    double begun = case_seconds();
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        case_walk(rules, shared, folders[i]);
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    double read = case_seconds();
    size_t refused = print_refusals(rules);
    CHECK_INT(rule_set_compile(rules, names, &set, &err), RC_OK);
    double compiled = case_seconds();
    struct rule_set_stats stats = rule_set_stats(set);
    printf("# %zu documents, %zu loaded, %zu refused; read %.2f s, compiled %.2f s\n", rules_outcome_count(rules),
           rules_count(rules), refused, read - begun, compiled - read);
    printf("# %zu predicates, %zu direct, %zu fields, %zu databases of %zu KiB, %zu regexes (%zu slow)\n",
           stats.predicates, stats.literals, stats.fields, stats.databases, stats.database_bytes / 1024, stats.regexes,
           stats.regexes_slow);
    printf("# %zu rules always run, %zu by the presence of a field\n", stats.always, stats.presence);
    CHECK_INT(rules_outcome_count(rules), 3780);
    CHECK_INT(rules_count(rules) + refused, 3780);
    CHECK(refused <= 25); /* those with placeholders */
    struct matcher *matcher = matcher_new(set);
    CHECK(matcher != NULL);
    matcher_free(matcher);
    rule_set_free(set);
    names_free(names);
    rules_free(rules);
}

#define MATCHES_MAX 64u

/* What the project's own regression events make all of its rules fire, counted. */
struct regression {
    const char *shared;
    struct rules *rules;
    struct names *names;
    struct mapping *mapping;
    struct rule_set *set;
    struct matcher *matcher;
    struct map *counts; /* rule id -> matches in the file looked at */
    size_t total;
};

static void on_event(void *context, const struct event *event)
{
    struct regression *regression = context;
    struct rule_match matches[MATCHES_MAX];
    size_t count = 0;
    if (!(event->flags & EVENT_MATCH))
        return;
    CHECK_INT(matcher_event(regression->matcher, event, matches, MATCHES_MAX, &count), RC_OK);
    CHECK(count <= MATCHES_MAX);
    /* The second time all of its values are known. */
    struct rule_match again[MATCHES_MAX];
    size_t again_count = 0;
    CHECK_INT(matcher_event(regression->matcher, event, again, MATCHES_MAX, &again_count), RC_OK);
    CHECK_INT(again_count, count);
    for (size_t i = 0; i < count; i++) {
        CHECK(again[i].rule == matches[i].rule);
        CHECK(naive_match(matches[i].rule, regression->names, event));
        (*map_put(regression->counts, matches[i].rule->id))++;
    }
    regression->total += count;
}

/* Bytes of the JSON object at the beginning. */
static size_t object_length(struct str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '}')) {
            depth += c == '{' ? 1u : SIZE_MAX;
            if (depth == 0)
                return i + 1;
        }
    }
    return text.n;
}

/* Shows the objects of one file to the rules. */
static void show_file(struct regression *regression, struct str text)
{
    struct event_source source = {.kind = STR_INIT("import"), .name = STR_INIT("regression")};
    struct normaliser *normaliser = normaliser_new(regression->mapping, regression->names);
    struct arena *arena = arena_new((size_t)16 << 20);
    uint64_t record = 0;
    regression->counts = map_new(1024, 1);
    regression->total = 0;
    for (text = str_skip(text, str_find(text, '{')); text.n; text = str_skip(text, str_find(text, '{'))) {
        size_t n = object_length(text);
        normaliser_record(normaliser, &source, ++record, 1, str_slice(text, 0, n), arena, on_event, regression);
        text = str_skip(text, n);
    }
    arena_free(arena);
    normaliser_free(normaliser);
}

/* 1 when the file fires exactly what the golden file says, 0 when not, -1 when there is no such file. */
static int check_file(struct regression *regression, const struct json_value *want, struct arena *arena)
{
    struct buf path;
    size_t total = 0;
    bool same = true;
    buf_init(&path, 4096);
    buf_format(&path, "sigma/%.*s.json", STR_ARG(str_slice(want->key, 0, want->key.n - 5)));
    struct str text = case_file(arena, regression->shared, buf_z(&path));
    buf_done(&path);
    if (!text.p)
        return -1;
    show_file(regression, text);
    for (const struct json_value *one = json_first(want); one; one = one->next) {
        const uint64_t *count = map_get(regression->counts, one->key);
        same = same && count && (int64_t)*count == json_int(one, 0);
        total += (size_t)json_int(one, 0);
    }
    same = same && total == regression->total;
    if (!same)
        printf("# differs: %.*s\n", STR_ARG(want->key));
    map_free(regression->counts);
    return same;
}

static void regression_run(struct regression *regression, struct arena *arena)
{
    struct json_value *golden = NULL;
    struct err err;
    size_t cases = 0;
    size_t same = 0;
    struct str text = case_file(arena, regression->shared, "sigma/regression_all_rules.json");
    CHECK_INT(json_parse(arena, text, 8, &golden, &err), RC_OK);
    for (const struct json_value *one = json_first(golden); one; one = one->next) {
        int result = check_file(regression, one, arena);
        cases += result >= 0;
        same += result > 0;
    }
    printf("# %zu of %zu regression files fire exactly what is expected\n", same, cases);
    CHECK(cases > 90);
    CHECK_INT(same, cases);
}

static void regression_events_fire(void)
{
    struct regression regression = {.shared = test_shared_data()};
    struct buf data;
    struct err err;
    if (!regression.shared) {
        test_skip("no shared data");
        return;
    }
    struct arena *arena = arena_new(CASE_MEMORY);
    buf_init(&data, 4096);
    buf_format(&data, "%s/data", test_source_dir());
    regression.rules = rules_new(CASE_MEMORY);
    regression.names = names_new(1);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        case_walk(regression.rules, regression.shared, folders[i]);
    CHECK_INT(rules_finish(regression.rules, &err), RC_OK);
    if (CHECK_INT(mapping_load(buf_z(&data), regression.names, &regression.mapping, &err), RC_OK) &&
        CHECK_INT(rule_set_compile(regression.rules, regression.names, &regression.set, &err), RC_OK)) {
        regression.matcher = matcher_new(regression.set);
        regression_run(&regression, arena);
    }
    matcher_free(regression.matcher);
    rule_set_free(regression.set);
    mapping_free(regression.mapping);
    names_free(regression.names);
    rules_free(regression.rules);
    arena_free(arena);
    buf_done(&data);
}

static const struct test tests[] = {
    {"the public rule set loads and compiles, each refusal with its reason", loads_and_compiles},
    {"the project's regression events fire what is expected", regression_events_fire},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
