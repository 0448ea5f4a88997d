#include "rule/case.h"
#include "rule/explain.h"

#include <stdio.h>

/* The engine against the plain evaluator on random rules and events over a small alphabet, so that much matches. */

#define ROUNDS      400u
#define RULES       12u
#define EVENTS      60u
#define MATCHES_MAX 64u

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

static const char *const letters[] = {
    "a", "b", "A", "B", "1", "0", "-", "/", " ", "\xc3\xa9", "\xc3\x89", "\xe2\x84\xaa", "k"};
static const char *const marks[] = {"*", "?", "\\\\\\\\", "\\\\*", "\\\\?", "\\\\"};
static const char *const fields[] = {"f", "g", "F", "h.i", "EventID"};

static void put_text(struct buf *out, uint32_t most, bool with_marks)
{
    buf_char(out, '"');
    for (uint32_t n = draw(most); n > 0; n--)
        buf_text(out, with_marks && draw(4) == 0 ? marks[draw(ARRAY_LEN(marks))] : letters[draw(ARRAY_LEN(letters))]);
    buf_char(out, '"');
}

static void put_value(struct buf *out, bool plain_only)
{
    static const char *const plain[] = {"1", "10", "0", "null", "true", "-1", "01", "1.0"};
    if (!plain_only && draw(4) == 0)
        buf_text(out, plain[draw(ARRAY_LEN(plain))]);
    else
        put_text(out, 6, true);
}

static void put_values(struct buf *out, bool texts_only)
{
    if (draw(2)) {
        put_value(out, texts_only);
        return;
    }
    buf_char(out, '[');
    for (uint32_t n = 1 + draw(4); n > 0; n--) {
        put_value(out, texts_only);
        buf_text(out, n > 1 ? ", " : "");
    }
    buf_char(out, ']');
}

static void put_item(struct buf *out)
{
    static const struct {
        const char *modifiers;
        const char *value; /* NULL: drawn */
    } kinds[] = {
        {"", NULL},
        {"", NULL},
        {"|contains", NULL},
        {"|contains", NULL},
        {"|startswith", NULL},
        {"|endswith", NULL},
        {"|contains|all", NULL},
        {"|cased", NULL},
        {"|contains|cased", NULL},
        {"|windash|contains", "\" -a\""},
        {"|windash|contains", "\" -a\""},
        {"|exists", "true"},
        {"|exists", "false"},
        {"|gt", "1"},
        {"|lte", "1"},
        {"|fieldref", "g"},
        {"|fieldref|contains", "F"},
        {"|re", "\"a.*b\""},
        {"|re", "\"(?i)^a\""},
        {"|re", "\"(?=a)a\""},
        {"|re|i", "[\"k$\", \"^.$\"]"},
        {"|neq", "\"a\""},
        {"|cidr", "\"10.0.0.0/8\""},
        {"", "null"},
        {"", "\"\""},
        {"", "\"*\""},
    };
    uint32_t kind = draw(ARRAY_LEN(kinds));
    buf_format(out, "\"%s%s\": ", fields[draw(ARRAY_LEN(fields))], kinds[kind].modifiers);
    if (kinds[kind].value)
        buf_text(out, kinds[kind].value);
    else
        put_values(out, kinds[kind].modifiers[0] != '\0');
}

/* Keys of one mapping must differ: one item a mapping, several mappings a rule. */
static void put_rule(struct buf *out)
{
    static const char *const conditions[] = {
        "s1",
        "not s1",
        "s1 and s2",
        "s1 or s2",
        "s1 and not s2",
        "1 of s*",
        "all of s*",
        "s1 and not (s2 or s3)",
        "not (s1 and s2) or s3",
        "(s1 or s2) and (s2 or s3)",
        "not s1 and not 1 of s*",
        "1 of them and not s3",
        "not not s1 and (s3 or not (s2 and not s1))",
    };
    static const char *const sources[] = {"product: p", "product: q", "category: c", "service: s",
                                          "product: p, service: s"};
    buf_format(out, "---\ntitle: r\nlogsource: {%s}\ndetection:\n", sources[draw(ARRAY_LEN(sources))]);
    for (uint32_t i = 1; i <= 3; i++) {
        if (draw(6) == 0) {
            buf_format(out, "  s%u: [", i);
            put_text(out, 4, true);
            buf_text(out, "]\n");
            continue;
        }
        buf_format(out, "  s%u: {", i);
        put_item(out);
        buf_text(out, "}\n");
    }
    buf_format(out, "  condition: %s\n", conditions[draw(ARRAY_LEN(conditions))]);
}

static void put_event(struct buf *out)
{
    static const char *const plain[] = {"1",  "\"01\"",         "1.0",         "0", "null", "true",
                                        "10", "[\"a\", \"b\"]", "\"10.1.1.1\""};
    buf_char(out, '{');
    for (uint32_t n = draw(5), i = 0; i < n; i++) {
        buf_format(out, "%s\"%s\": ", i ? ", " : "", fields[draw(ARRAY_LEN(fields))]);
        if (draw(3) == 0)
            buf_text(out, plain[draw(ARRAY_LEN(plain))]);
        else
            put_text(out, 8, false);
    }
    buf_char(out, '}');
}

/* What the steps of an explanation say must follow from each other. */
struct explained {
    struct explain_step root;
    uint32_t steps;
    uint32_t tests_held;
};

static void on_step(void *context, const struct explain_step *step)
{
    struct explained *explained = context;
    if (explained->steps++ == 0)
        explained->root = *step;
    CHECK((step->depth == 0) == (explained->steps == 1));
    if (step->kind != EXPLAIN_TEST)
        return;
    explained->tests_held += step->held;
    CHECK((step->miss == EXPLAIN_HOLDS) == step->held);
    CHECK(step->miss != EXPLAIN_ABSENT || step->found_count == 0);
    CHECK(step->miss != EXPLAIN_CASE || step->found.p || !step->field.n);
}

static void check_explanation(const struct rule *rule, const struct names *names, const struct event *event, bool match)
{
    struct explained explained = {.steps = 0};
    struct err err = {0};
    bool held = !match;
    if (rule->kind != RULE_DETECTION)
        return;
    CHECK_INT(rule_explain_tree(rule, names, event, &(struct explain_sink){on_step, &explained}, &held, &err), RC_OK);
    CHECK_INT(held, match);
    CHECK_INT(explained.root.held && !rule_explain_source(rule, names, event).conflict, match);
    CHECK(explained.steps > 0);
}

static size_t compare(const struct rules *rules, struct matcher *matcher, const struct names *names,
                      const struct event *event)
{
    struct rule_match matches[MATCHES_MAX];
    size_t count = 0;
    size_t at = 0;
    CHECK_INT(matcher_event(matcher, event, matches, ARRAY_LEN(matches), &count), RC_OK);
    for (size_t i = 0; i < rules_count(rules); i++) {
        bool engine = at < count && matches[at].rule == rules_at(rules, i);
        at += engine;
        if (!CHECK_INT(engine, naive_match(rules_at(rules, i), names, event)))
            printf("# line %u, event %.*s\n", rules_at(rules, i)->line, STR_ARG(event->raw));
        check_explanation(rules_at(rules, i), names, event, engine);
    }
    CHECK_INT(at, count);
    return count;
}

static size_t round_run(uint64_t seed)
{
    static struct case_event made;
    static const char *const words[] = {"", "p", "q", "P"};
    struct err err;
    struct buf text;
    struct rule_set *set = NULL;
    size_t matched = 0;
    state = seed * 0x9e3779b97f4a7c15u + 1;
    buf_init(&text, 1u << 20);
    for (uint32_t i = 0; i < RULES; i++)
        put_rule(&text);
    struct rules *rules = case_rules(buf_view(&text));
    struct names *names = names_new(1);
    struct arena *arena = arena_new((size_t)4 << 20);
    CHECK(rules_count(rules) > 0);
    CHECK_INT(rule_set_compile(rules, names, &set, &err), RC_OK);
    struct matcher *matcher = matcher_new(set);
    for (uint32_t i = 0; i < EVENTS; i++) {
        test_row("seed %llu event %u", (unsigned long long)seed, i);
        buf_clear(&text);
        put_event(&text);
        CHECK(case_event_of(&made, arena, names, buf_view(&text)));
        made.event.logsource.product = names_put(names, str_of(words[draw(4)]));
        made.event.logsource.category[0] = draw(2) ? names_put(names, STR("c")) : 0;
        made.event.logsource.service = draw(3) ? 0 : names_put(names, STR("t"));
        made.event.parser = draw(2) ? "json" : "syslog3164";
        matched += compare(rules, matcher, names, &made.event);
        arena_reset(arena);
    }
    matcher_free(matcher);
    rule_set_free(set);
    names_free(names);
    arena_free(arena);
    rules_free(rules);
    buf_done(&text);
    return matched;
}

static void engine_and_twin_agree(void)
{
    size_t matched = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        matched += round_run(seed);
    printf("# %zu matches in %u events\n", matched, ROUNDS * EVENTS);
    CHECK(matched > ROUNDS * EVENTS);
}

static const struct test tests[] = {
    {"engine and plain evaluator agree on random rules and events", engine_and_twin_agree},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
