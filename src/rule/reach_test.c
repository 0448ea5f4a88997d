#include "base/test.h"
#include "rule/rule.h"

#include <stdio.h>

/* `seen`: names between blanks. */
static bool seen_in(void *context, struct str field)
{
    struct str rest = str_of(context);
    while (rest.p)
        if (str_eq(str_cut(&rest, ' '), field))
            return true;
    return false;
}

static struct rules *rules_of(const char *detection)
{
    char text[1024];
    struct err err = {0};
    struct rules *rules = rules_new((size_t)16 << 20);
    int n = snprintf(text, sizeof text, "title: t\nlogsource: {product: x}\ndetection:\n%s\n", detection);
    CHECK_INT(rules_add(rules, STR("a.yml"), str_at(text, (size_t)n), &err), RC_OK);
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    if (!CHECK_INT(rules_count(rules), 1))
        printf("# %.*s\n", STR_ARG(rules_outcome_at(rules, 0)->reason));
    return rules;
}

static void reaches(void)
{
    static const struct {
        const char *detection;
        const char *seen;
        bool can;
    } rows[] = {
        {" s: {a: 1}\n condition: s", "a", true},
        {" s: {a: 1}\n condition: s", "b", false},
        {" s: {a: 1, b: 2}\n condition: s", "a", false},
        {" s: {a: 1, b: 2}\n condition: s", "b a", true},
        {" s: [{a: 1}, {b: 2}]\n condition: s", "b", true},
        {" s: [{a: 1}, {b: 2}]\n condition: s", "c", false},
        {" s: {a: 1}\n f: {b: 2}\n condition: s and not f", "a", true}, /* not on an absent field holds */
        {" s: {a: 1}\n condition: not s", "", true},
        {" s: {a: null}\n condition: s", "", true},
        {" s: {a: null}\n condition: not s", "", false},
        {" s: {a: null}\n condition: not s", "a", true},
        {" s: {a|exists: true}\n condition: s", "", true},
        {" s: {a|contains: x, b|re: y}\n condition: s", "a", false},
        {" s: [word]\n condition: s", "", true},
        {" s: [word]\n t: {a: 1}\n condition: s and t", "", false},
        {" s: {a: 1}\n t: {b: 1}\n condition: 1 of them", "b", true},
        {" s: {a: 1}\n t: {b: 1}\n condition: all of them", "b", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char seen[64];
        struct rules *rules = rules_of(rows[i].detection);
        IGNORE(str_copy_z(str_of(rows[i].seen), seen, sizeof seen));
        test_row("%s with \"%s\"", rows[i].detection, seen);
        if (rules_count(rules))
            CHECK_INT(rule_can_hold(rules_at(rules, 0), seen_in, seen), rows[i].can);
        rules_free(rules);
    }
}

static void fields(void)
{
    struct str list[8];
    struct rules *rules =
        rules_of(" s: {a: [1, 2], b|contains: x}\n t: [word]\n u: {c: null, a: 3}\n condition: 1 of them");
    CHECK_INT(rule_fields(rules_at(rules, 0), list, 2), 2);
    CHECK_INT(rule_fields(rules_at(rules, 0), list, ARRAY_LEN(list)), 3);
    CHECK_TEXT(list[0], "a");
    CHECK_TEXT(list[1], "b");
    CHECK_TEXT(list[2], "c");
    rules_free(rules);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"a rule can hold only where the fields come that it needs", reaches},
        {"the fields of a rule, each once", fields},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
