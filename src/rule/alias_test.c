#include "base/buf.h"
#include "rule/case.h"
#include "rule/correlate.h"
#include "rule/explain.h"

#include <stdio.h>

/* One name for several fields: `qorgan: {aliases: {peer: [src, IpAddress, missing]}}`. */

#define HEAD "title: t\nname: base\nlogsource: {product: x}\nqorgan: {aliases: {peer: [src, IpAddress], who: user}}\n"

static const struct {
    const char *detection;
    const char *event;
    bool match;
} vectors[] = {
    {"s: {peer: a}", "{\"src\": \"a\"}", true},
    {"s: {peer: a}", "{\"IpAddress\": \"A\"}", true},
    {"s: {peer: a}", "{\"ipaddress\": \"a\"}", true},
    {"s: {peer: a}", "{\"src\": \"b\", \"IpAddress\": \"a\"}", true},
    {"s: {peer: a}", "{\"peer\": \"a\"}", false},
    {"s: {peer: a}", "{\"src\": \"b\"}", false},
    {"s: {Peer: a}", "{\"src\": \"a\"}", false},
    {"s: {Peer: a}", "{\"peer\": \"a\"}", true},
    {"s: {peer: [x, a]}", "{\"IpAddress\": \"a\"}", true},
    {"s: {peer|contains|all: [x, y]}", "{\"src\": \"xay\"}", true},
    {"s: {peer|contains|all: [x, y]}", "{\"src\": \"x\"}", false},
    {"s: {peer|neq: a}", "{\"src\": \"b\"}", true},
    {"s: {peer|neq: a}", "{\"src\": \"b\", \"IpAddress\": \"a\"}", false},
    {"s: {peer|neq: a}", "{}", true},
    {"s: {peer: null}", "{\"src\": null}", true},
    {"s: {peer: null}", "{\"src\": \"a\"}", false},
    {"s: {peer: null}", "{}", true},
    {"s: {peer: [null, b]}", "{\"src\": \"a\", \"IpAddress\": \"b\"}", true},
    {"s: {peer|exists: true}", "{\"IpAddress\": null}", true},
    {"s: {peer|exists: true}", "{\"z\": 1}", false},
    {"s: {peer|exists: false}", "{\"IpAddress\": \"a\"}", false},
    {"s: {peer|exists: false}", "{\"z\": 1}", true},
    {"s: {peer: ''}", "{\"src\": \"\"}", true},
    {"s: {peer|cidr: 10.0.0.0/8}", "{\"IpAddress\": \"10.1.1.1\"}", true},
    {"s: {peer|re: '^a+$'}", "{\"src\": \"aaa\"}", true},
    {"s: {peer|gt: 5}", "{\"IpAddress\": 6}", true},
    {"s: {peer|fieldref: who2}", "{\"IpAddress\": \"q\", \"who2\": \"Q\"}", true},
    {"s: {who: ann, peer|startswith: a}", "{\"user\": \"ann\", \"src\": \"abc\"}", true},
    {"s: {who: ann, peer|startswith: a}", "{\"user\": \"bob\", \"src\": \"abc\"}", false},
};

static void vector_check(const char *detection, const char *json, bool want)
{
    static struct case_event made;
    struct err err;
    struct buf text;
    struct rule_match matches[4];
    struct rule_set *set = NULL;
    size_t count = 0;
    struct arena *arena = arena_new(CASE_MEMORY);
    struct names *names = names_new(1);
    buf_init(&text, 4096);
    buf_format(&text, HEAD "detection:\n  %s\n  condition: s\n", detection);
    struct rules *rules = case_rules(buf_view(&text));
    if (CHECK_INT(rules_count(rules), 1)) {
        CHECK(case_event_of(&made, arena, names, str_of(json)));
        CHECK_INT(rule_set_compile(rules, names, &set, &err), RC_OK);
        struct matcher *matcher = matcher_new(set);
        CHECK_INT(matcher_event(matcher, &made.event, matches, ARRAY_LEN(matches), &count), RC_OK);
        CHECK_INT(count, want);
        CHECK_INT(naive_match(rules_at(rules, 0), names, &made.event), want);
        matcher_free(matcher);
        rule_set_free(set);
    }
    rules_free(rules);
    names_free(names);
    arena_free(arena);
    buf_done(&text);
}

static void one_name_for_fields(void)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        test_row("%s on %s", vectors[i].detection, vectors[i].event);
        vector_check(vectors[i].detection, vectors[i].event, vectors[i].match);
    }
}

/* What a correlation groups by comes under the alias, from the first field that is there. */
static void correlations_group_by_it(void)
{
    static const struct {
        const char *json;
        const char *peer;
        const char *field; /* that it comes from */
    } rows[] = {
        {"{\"f\": 1, \"src\": \"a\", \"IpAddress\": \"b\"}", "a", "src"},
        {"{\"f\": 1, \"IPADDRESS\": \"b\"}", "b", "IpAddress"},
        {"{\"f\": 1, \"src\": null, \"IpAddress\": \"b\"}", "b", "IpAddress"},
        {"{\"f\": 1, \"peer\": \"c\"}", "c", "peer"},
        {"{\"f\": 1}", "", "peer"},
    };
    static const char text[] = HEAD "detection: {s: {f: 1}, condition: s}\n"
                                    "---\ntitle: many\ncorrelation: {type: event_count, rules: [base], group-by: "
                                    "[peer], timespan: 1m, condition: {gte: 2}}\n";
    static struct case_event made;
    struct err err;
    struct rule_set *set = NULL;
    struct names *names = names_new(1);
    struct rules *rules = case_rules(str_of(text));
    CHECK_INT(rules_count(rules), 2);
    CHECK_INT(rule_set_compile(rules, names, &set, &err), RC_OK);
    struct matcher *matcher = matcher_new(set);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *arena = arena_new(CASE_MEMORY);
        struct rule_match matches[4];
        struct rule_value values[RULE_CARRY_MAX];
        size_t count = 0;
        test_row("%s", rows[i].json);
        CHECK(case_event_of(&made, arena, names, str_of(rows[i].json)));
        CHECK_INT(matcher_event(matcher, &made.event, matches, ARRAY_LEN(matches), &count), RC_OK);
        if (CHECK_INT(count, 1)) {
            count = matcher_carry(matcher, matches[0].rule, &made.event, values);
            CHECK_INT(count, rows[i].peer[0] != '\0');
            CHECK_TEXT(count ? values[0].value : STR(""), rows[i].peer);
            CHECK_TEXT(count ? values[0].name : STR("peer"), "peer");
            struct str field = STR_NONE;
            struct str told = rule_explain_group(rules_at(rules, 1), 0, 0, names, &made.event, &field);
            CHECK(!told.p == !count);
            CHECK_TEXT(told, rows[i].peer);
            CHECK_TEXT(field, rows[i].field);
        }
        arena_free(arena);
    }
    matcher_free(matcher);
    rule_set_free(set);
    rules_free(rules);
    names_free(names);
}

static const struct test tests[] = {
    {"a rule's alias stands for its fields, in the engine and in the plain evaluator", one_name_for_fields},
    {"correlations group by an alias of the rule", correlations_group_by_it},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
