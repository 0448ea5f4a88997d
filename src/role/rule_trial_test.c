/* A text tried over records: what matches, which fields never came, what correlations find, what is bounded. */
#include "role/rule_trial.h"

#include "base/test.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define FAILED                                                                                                         \
    "title: Failed\nid: 11111111-0000-4000-8000-000000000001\nname: failed\nlogsource:\n    product: linux\n"          \
    "detection:\n    s:\n        message|contains: Failed password\n        never|contains: x\n    t:\n"               \
    "        message|contains: Failed password\n    condition: s or t\n"
#define MANY                                                                                                           \
    "---\ntitle: Many\nid: 11111111-0000-4000-8000-000000000002\ncorrelation:\n    type: event_count\n    rules:\n"    \
    "        - failed\n    group-by:\n        - host\n    timespan: 5m\n    condition:\n        gte: 3\n"
#define WINDOWS                                                                                                        \
    "---\ntitle: Windows\nlogsource:\n    product: windows\ndetection:\n    s:\n        message|contains: Failed\n"    \
    "    condition: s\n"

static struct names *names;
static struct mapping *mapping;
static struct explainer how;
static struct rule_trial *trial;

static bool begin(const char *text, const struct rules *whole)
{
    char path[1024];
    struct err err = {0};
    const char *root = test_source_dir();
    snprintf(path, sizeof path, "%s/data", root ? root : ".");
    names = names_new(1);
    if (!CHECK_INT(mapping_load(path, names, &mapping, &err), RC_OK))
        return false;
    how = (struct explainer){mapping, names, 0, NULL};
    bool ok = CHECK_INT(rule_trial_new(&how, whole, str_of(text), &trial, &err), RC_OK);
    if (!ok)
        printf("# %s\n", err.text);
    return ok;
}

static void end(void)
{
    rule_trial_free(trial);
    trial = NULL;
    mapping_free(mapping);
    names_free(names);
}

/* A line of sshd at so many seconds, from a host. */
static void line(uint64_t number, int seconds, const char *host, const char *text)
{
    char raw[256];
    snprintf(raw, sizeof raw, "<38>1 2026-11-20T10:%02d:%02dZ %s sshd 7 - - %s", seconds / 60, seconds % 60, host,
             text);
    rule_trial_record(trial, &(struct rule_trial_record){.source = {.kind = STR("tcp"), .name = STR("a")},
                                                         .number = number,
                                                         .received_ns = INT64_C(1795215600000000000),
                                                         .raw = str_of(raw)});
}

static const struct rule *of(const char *title)
{
    const struct rules *rules = rule_trial_rules(trial);
    for (size_t i = 0; i < rules_count(rules); i++)
        if (str_is(rules_at(rules, i)->title, title))
            return rules_at(rules, i);
    return NULL;
}

static void matches_are_counted_and_told(void)
{
    struct rule_trial_hit hit;
    struct err err;
    if (!begin(FAILED MANY WINDOWS, NULL) || !CHECK(rule_trial_ready(trial)))
        return;
    line(5, 0, "web1", "Failed password for ann");
    line(6, 1, "web1", "Accepted password for ann");
    line(7, 2, "web2", "Failed password for bob");
    CHECK_INT(rule_trial_finish(trial, &err), RC_OK);
    struct rule_trial_result result = rule_trial_result(trial);
    CHECK_INT(result.records, 3);
    CHECK_INT(result.events, 3);
    CHECK_INT(result.matched, 2);
    CHECK_INT(result.fired, 0);
    CHECK_TEXT(result.firings, "[]");
    CHECK_INT(result.last_ns - result.first_ns, INT64_C(2000000000));
    CHECK_INT(rule_trial_hits(trial, of("Failed")), 2);
    CHECK_INT(rule_trial_concerned(trial, of("Failed")), 3);
    CHECK_INT(rule_trial_concerned(trial, of("Windows")), 0);
    CHECK(rule_trial_field_seen(trial, STR("message")) && !rule_trial_field_seen(trial, STR("never")));
    CHECK(rule_trial_hit(trial, 0, &hit));
    CHECK_INT(hit.record, 7);
    CHECK(rule_trial_hit(trial, 1, &hit));
    CHECK_INT(hit.record, 5);
    CHECK(hit.rule == of("Failed") && !rule_trial_hit(trial, 2, &hit));
    end();
}

/* Also when newer records come before older ones, as blocks of two engines do. */
static void correlations_are_run(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new((size_t)1 << 20);
    struct json_value *firings = NULL;
    struct err err;
    if (!begin(FAILED MANY, NULL))
        return;
    line(16, 700, "web1", "Failed password for ann"); /* before it those of long ago would be too late */
    line(12, 20, "web1", "Failed password for ann");
    line(14, 30, "web1", "Failed password for ann");
    line(11, 10, "web1", "Failed password for ann");
    line(13, 10, "web2", "Failed password for ann");
    line(15, 599, "web2", "Failed password for ann");
    CHECK_INT(rule_trial_finish(trial, &err), RC_OK);
    CHECK_INT(rule_trial_result(trial).fired, 1);
    CHECK_INT(json_parse(arena, rule_trial_result(trial).firings, 16, &firings, &err), RC_OK);
    const struct json_value *f = json_first(firings);
    CHECK_TEXT(json_str(json_get(f, "title"), STR("")), "Many");
    CHECK_TEXT(json_str(json_get(json_first(json_get(f, "group")), "value"), STR("")), "web1");
    CHECK_INT(json_get(f, "records")->count, 3);
    end();
}

static void the_newest_are_told_and_the_rest_counted(void)
{
    struct rule_trial_hit hit;
    struct err err;
    if (!begin(FAILED MANY, NULL))
        return;
    for (unsigned i = 0; i < RULE_TRIAL_MATCHES + 5; i++)
        line(i, 0, "web1", "Failed password for ann");
    CHECK_INT(rule_trial_finish(trial, &err), RC_OK);
    CHECK_INT(rule_trial_result(trial).matched, RULE_TRIAL_MATCHES + 5);
    CHECK_INT(rule_trial_result(trial).uncorrelated, 5);
    CHECK(rule_trial_result(trial).fired > RULE_TRIAL_FIRINGS);
    CHECK(rule_trial_hit(trial, RULE_TRIAL_HITS - 1, &hit) && !rule_trial_hit(trial, RULE_TRIAL_HITS, &hit));
    CHECK_INT(hit.record, RULE_TRIAL_MATCHES + 5 - RULE_TRIAL_HITS);
    end();
}

static void what_does_not_load_is_not_tried(void)
{
    static const char *const texts[] = {
        "",     "title: A\n", FAILED "---\ntitle: B\n",
        "a: [", MANY,         "title: F\nfilter: {rules: any, s: {a: b}, condition: not s}\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        test_row("%s", texts[i]);
        if (!begin(texts[i], NULL))
            return;
        CHECK(!rule_trial_ready(trial));
        CHECK(rules_outcome_count(rule_trial_rules(trial)) > 0);
        end();
    }
    static char large[RULE_TRIAL_TEXT + 1];
    struct err err;
    memset(large, 'a', sizeof large);
    CHECK_INT(rule_trial_new(&how, NULL, str_at(large, sizeof large), &trial, &err), RC_LIMIT);
}

/* A correlation over rules in force is right, and is said not to be tried; the detections beside it are. */
static void what_counts_rules_of_the_whole(void)
{
    struct rules *whole = rules_new((size_t)16 << 20);
    struct err err;
    CHECK_INT(rules_add(whole, STR("a.yml"), STR(FAILED), &err), RC_OK);
    CHECK_INT(rules_finish(whole, &err), RC_OK);
    if (!begin("title: Own\nlogsource:\n    product: linux\ndetection:\n    s:\n        message|contains: word\n"
               "    condition: s\n" MANY,
               whole))
        return;
    CHECK(rule_trial_ready(trial));
    CHECK(of("Own") && !of("Many"));
    const struct rule_outcome *many = rules_outcome_at(rule_trial_rules(trial), 1);
    CHECK(many->loaded && many->warning.n > 0);
    line(1, 0, "web1", "Failed password for ann");
    CHECK_INT(rule_trial_finish(trial, &err), RC_OK);
    CHECK_INT(rule_trial_result(trial).matched, 1);
    end();
    rules_free(whole);
}

static const struct test tests[] = {
    {"matches are counted and told, the newest first", matches_are_counted_and_told},
    {"correlations are run in the order of records", correlations_are_run},
    {"the newest matches are told, all are counted", the_newest_are_told_and_the_rest_counted},
    {"what does not load is not tried", what_does_not_load_is_not_tried},
    {"correlations over rules in force", what_counts_rules_of_the_whole},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
