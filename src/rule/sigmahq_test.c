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
    printf("# %zu predicates, %zu direct, %zu fields, %zu databases of %zu KiB, %zu regexes (%zu slow), %zu always\n",
           stats.predicates, stats.literals, stats.fields, stats.databases, stats.database_bytes / 1024, stats.regexes,
           stats.regexes_slow, stats.always);
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

static const struct test tests[] = {
    {"the public rule set loads and compiles, each refusal with its reason", loads_and_compiles},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
