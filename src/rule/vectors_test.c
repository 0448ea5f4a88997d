#include "base/buf.h"
#include "codec/json.h"
#include "rule/case.h"

#include <stdio.h>

static bool vector_passes(const struct json_value *vector, struct arena *arena)
{
    struct err err;
    struct buf text;
    struct rule_match matches[4];
    size_t count = 0;
    struct rule_set *set = NULL;
    static struct case_event made;
    struct names *names = names_new(1);
    bool want = json_bool(json_get(vector, "expect"), false);
    buf_init(&text, 1u << 20);
    buf_text(&text, "{\"title\": \"v\", \"logsource\": {\"product\": \"x\"}, \"detection\": ");
    buf_str(&text, json_get(vector, "detection")->text);
    buf_char(&text, '}');
    struct rules *rules = case_rules(buf_view(&text));
    bool passes = false;
    if (CHECK_INT(rules_count(rules), 1)) {
        CHECK(case_event_of(&made, arena, names, json_get(vector, "event")->text));
        CHECK_INT(rule_set_compile(rules, names, &set, &err), RC_OK);
        struct matcher *matcher = matcher_new(set);
        CHECK_INT(matcher_event(matcher, &made.event, matches, ARRAY_LEN(matches), &count), RC_OK);
        passes = CHECK_INT(count, want);
        passes &= CHECK_INT(naive_match(rules_at(rules, 0), names, &made.event), want);
        matcher_free(matcher);
        rule_set_free(set);
    } else {
        struct str reason = rules_outcome_at(rules, 0)->reason;
        printf("# refused: %.*s\n", STR_ARG(reason));
    }
    rules_free(rules);
    names_free(names);
    buf_done(&text);
    return passes;
}

static void detection_vectors(void)
{
    const char *shared = test_shared_data();
    struct arena *arena = arena_new(CASE_MEMORY);
    struct json_value *all = NULL;
    struct err err;
    if (!shared) {
        test_skip("no shared data");
        arena_free(arena);
        return;
    }
    struct str text = case_file(arena, shared, "sigma/vectors.json");
    if (!text.p) {
        test_skip("no Sigma vectors");
        arena_free(arena);
        return;
    }
    CHECK_INT(json_parse(arena, text, 64, &all, &err), RC_OK);
    size_t passed = 0;
    size_t count = 0;
    for (const struct json_value *vector = json_first(json_get(all, "detection")); vector; vector = vector->next) {
        struct str id = json_str(json_get(vector, "id"), STR("?"));
        test_row("%.*s", STR_ARG(id));
        passed += vector_passes(vector, arena);
        count++;
    }
    printf("# %zu of %zu detection vectors pass\n", passed, count);
    CHECK(count > 100);
    CHECK_INT(passed, count);
    arena_free(arena);
}

static const struct test tests[] = {
    {"the conformance vectors hold in the engine and in the plain evaluator", detection_vectors},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
