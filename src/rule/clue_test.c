/* What rules must find in an event, and that they find it: clues against the plain evaluator on random events. */
#include "rule/clue.h"

#include "base/arena.h"
#include "base/test.h"
#include "codec/utf8.h"
#include "rule/naive.h"

#include <stdio.h>
#include <string.h>

static double by_length(void *context, const struct rule_clue *clue)
{
    (void)context;
    return clue->text.n < 2 ? -1 : 100.0 / (double)clue->text.n;
}

#define HEAD "title: t\nid: 5c1f6c1e-0d3f-4c0a-9a53-1f2b7c1d8e90\nlogsource:\n    product: linux\ndetection:\n"

static struct rules *load(const char *detection)
{
    char text[4096];
    struct err err = {0};
    struct rules *rules = rules_new((size_t)64 << 20);
    int n = snprintf(text, sizeof text, HEAD "%s", detection);
    CHECK_INT(rules_add(rules, STR("t.yml"), str_at(text, (size_t)n), &err), RC_OK);
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    CHECK_INT(rules_count(rules), 1);
    return rules;
}

static void table(void)
{
    static const struct {
        const char *detection;
        const char *want; /* with ^ and $ where the value begins and ends; "" = none */
    } rows[] = {
        {"    a:\n        f: Abc\n    condition: a\n", "^abc$"},
        {"    a:\n        f|contains: Abc\n    condition: a\n", "abc"},
        {"    a:\n        f|startswith: Abc\n    condition: a\n", "^abc"},
        {"    a:\n        f|endswith: Abc\n    condition: a\n", "abc$"},
        {"    a:\n        f: 'ab*longer*c'\n    condition: a\n", "longer"},
        {"    a:\n        f: [one, three]\n    condition: a\n", "^three$ ^one$"},
        {"    a:\n        f: [one, '*']\n    condition: a\n", ""},
        {"    a:\n        f: one\n        g: three\n    condition: a\n", "^three$"},
        {"    a:\n        f: one\n    b:\n        g: three\n    condition: a and not b\n", "^one$"},
        {"    a:\n        f: one\n    b:\n        g: three\n    condition: a or not b\n", ""},
        {"    a:\n        f: one\n    b:\n        g: three\n    condition: 1 of them\n", "^three$ ^one$"},
        {"    a:\n        f: null\n    condition: a\n", ""},
        {"    a:\n        f: 4625\n    condition: a\n", ""},
        {"    a:\n        f|re: 'ab+cdef'\n    condition: a\n", "cdef"},
        {"    a:\n        f|re: 'ab|cd'\n    condition: a\n", ""},
        {"    a:\n        f|cidr: 10.0.0.0/8\n    condition: a\n", ""},
        {"    a:\n        - Hello there\n    condition: a\n", "hello there"},
        {"    a:\n        f|contains|all: [ab, abcd]\n    condition: a\n", "abcd"},
        {"    a:\n        f|contains|cased: Abcd\n    condition: a\n", "Abcd"},
        {"    a:\n        f|contains: x\n    condition: a\n", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rule_clue clues[8];
        size_t count = 0;
        char got[256] = "";
        size_t n = 0;
        test_row("%s", rows[i].detection);
        struct rules *rules = load(rows[i].detection);
        bool found = rule_clues(rules_at(rules, 0), by_length, NULL, clues, ARRAY_LEN(clues), &count);
        for (size_t k = 0; found && k < count; k++)
            n += (size_t)snprintf(got + n, sizeof got - n, "%s%s%.*s%s", k ? " " : "", clues[k].begins ? "^" : "",
                                  STR_ARG(clues[k].text), clues[k].ends ? "$" : "");
        CHECK_TEXT(str_at(got, n), rows[i].want);
        rules_free(rules);
    }
}

static void too_many(void)
{
    struct rule_clue clues[2];
    size_t count;
    struct rules *rules = load("    a:\n        f: [one, two, three]\n    condition: a\n");
    CHECK(!rule_clues(rules_at(rules, 0), by_length, NULL, clues, 2, &count));
    rules_free(rules);
}

static uint64_t state = 11;

static uint64_t dice(uint64_t sides)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % sides;
}

static const char *word(void)
{
    static const char *const words[] = {"one", "two", "three", "Four", "fi ve", "six.exe", "\\seven", "eight"};
    return words[dice(ARRAY_LEN(words))];
}

static size_t make_detection(char *out, size_t size)
{
    static const char *const modifiers[] = {"", "|contains", "|startswith", "|endswith", "|contains|all"};
    static const char *const conditions[] = {"a and b",   "a or b",      "a and not b",  "not a", "a or (b and not a)",
                                             "1 of them", "all of them", "not (a and b)"};
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        n += (size_t)snprintf(out + n, size - n, "    %c:\n", (char)('a' + i));
        for (size_t k = 0; k <= dice(2); k++)
            n += (size_t)snprintf(out + n, size - n, "        f%zu%s: ['%s', '%s']\n", k,
                                  modifiers[dice(ARRAY_LEN(modifiers))], word(), word());
    }
    return n + (size_t)snprintf(out + n, size - n, "    condition: %s\n", conditions[dice(ARRAY_LEN(conditions))]);
}

static bool holds(const struct rule_clue *clue, struct str folded)
{
    if (clue->begins && clue->ends)
        return str_eq(folded, clue->text);
    return clue->begins ? str_starts(folded, clue->text)
           : clue->ends ? str_ends(folded, clue->text)
                        : str_search(folded, clue->text) < folded.n;
}

static void check_event(const struct rule *rule, const struct rule_clue *clues, size_t count, struct names *names)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
    char values[3][64];
    struct event_field fields[3];
    struct event event = {.parser = "json", .fields = fields, .field_count = (uint32_t)dice(4)};
    for (size_t i = 0; i < event.field_count; i++) {
        char name[8];
        int n = snprintf(name, sizeof name, "f%u", (unsigned)dice(2));
        int length = dice(2) ? snprintf(values[i], sizeof values[i], "%s", word())
                             : snprintf(values[i], sizeof values[i], "%s%s%s", word(), dice(2) ? " " : "", word());
        fields[i] = (struct event_field){.name = names_put(names, str_at(name, (size_t)n)),
                                         .value = str_at(values[i], (size_t)length)};
    }
    if (!naive_match(rule, names, &event))
        return;
    bool held = false;
    for (size_t i = 0; i < event.field_count; i++)
        for (size_t k = 0; k < count; k++)
            held = held || holds(&clues[k], utf8_fold(arena, fields[i].value));
    CHECK(held);
}

static void random_rules(void)
{
    size_t with = 0;
    for (size_t i = 0; i < 400; i++) {
        char text[2048];
        struct rule_clue clues[16];
        size_t count;
        struct names *names = names_new(1);
        make_detection(text, sizeof text);
        test_row("%s", text);
        struct rules *rules = load(text);
        if (rule_clues(rules_at(rules, 0), by_length, NULL, clues, ARRAY_LEN(clues), &count)) {
            with++;
            for (size_t k = 0; k < 200; k++)
                check_event(rules_at(rules, 0), clues, count, names);
        }
        rules_free(rules);
        names_free(names);
    }
    CHECK(with > 100);
}

static const struct test tests[] = {{"table", table}, {"too many", too_many}, {"random rules", random_rules}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
