#include "rule/case.h"
#include "rule/clue.h"
#include "rule/correlate.h"

/* Rule files: read, finished, compiled; the engine against the plain evaluator. The event stands behind a line of five
 * equals signs, else it is a fixed one; before it, behind a line of five number signs, the values of placeholders. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void ignore_firing(void *context, const struct correlation_firing *firing)
{
    (void)context;
    (void)firing;
}

static double any_clue(void *context, const struct rule_clue *clue)
{
    (void)context;
    return clue->text.n ? 1 : -1;
}

/* What a rule that matched must hold is there: in some value, whose letters may be folded, so by length at least. */
static void clues_hold(const struct rule *rule, const struct event *event)
{
    struct rule_clue clues[256];
    size_t count;
    size_t longest = event->raw.n;
    for (uint32_t i = 0; i < event->field_count; i++)
        longest = MAX(longest, event->fields[i].value.n);
    bool held = !rule_clues(rule, any_clue, NULL, clues, ARRAY_LEN(clues), &count);
    for (size_t i = 0; !held && i < count; i++)
        held = clues[i].text.n <= 4 * longest;
    if (!held)
        __builtin_trap();
}

static void match_all(const struct rules *rules, struct names *names, const struct rule_set *set,
                      const struct event *event)
{
    struct rule_match matches[64];
    size_t count = 0;
    size_t at = 0;
    struct matcher *matcher = matcher_new(set);
    struct correlator *correlator = correlator_new(rules, NULL, 1);
    if (matcher && correlator && matcher_event(matcher, event, matches, 64, &count) == RC_OK) {
        for (size_t i = 0; i < rules_count(rules); i++) {
            bool engine = at < count && at < 64 && matches[at].rule == rules_at(rules, i);
            at += engine;
            if (at < 64 && engine != naive_match(rules_at(rules, i), names, event))
                __builtin_trap();
            struct rule_value values[RULE_CARRY_MAX];
            struct correlator_hit hit = {rules_at(rules, i), 1, 1, values, 0};
            if (engine && rules_at(rules, i)->kind == RULE_DETECTION)
                clues_hold(rules_at(rules, i), event);
            if (engine) {
                hit.value_count = matcher_carry(matcher, hit.rule, event, values);
                IGNORE(correlator_match(correlator, &hit, ignore_firing, NULL));
            }
        }
    }
    correlator_free(correlator);
    matcher_free(matcher);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct case_event made;
    struct err err;
    struct rule_set *set = NULL;
    struct str text = str_at(bytes, size);
    struct str event = STR("{\"f\": \"a1 -b\", \"g\": [1, \"A\"], \"h\": null, \"i\": \"10.1.2.3\"}");
    struct rules *rules = rules_new((size_t)16 << 20);
    struct names *names = names_new(1);
    struct arena *arena = arena_new((size_t)1 << 20);
    size_t cut = str_search(text, STR("\n=====\n"));
    if (cut < text.n) {
        event = str_skip(text, cut + 7);
        text = str_slice(text, 0, cut);
    }
    struct str vars = STR("vars: {a: [a1, 'b*'], b: '%a%', n: [1, 2]}");
    cut = str_search(text, STR("\n#####\n"));
    if (cut < text.n) {
        vars = str_skip(text, cut + 7);
        text = str_slice(text, 0, cut);
    }
    if (rules && names && arena && rules_add(rules, STR("f.yml"), text, &err) == RC_OK &&
        rules_add(rules, STR("placeholders.yml"), vars, &err) == RC_OK && rules_finish(rules, &err) == RC_OK &&
        rule_set_compile(rules, names, &set, &err) == RC_OK && case_event_of(&made, arena, names, event))
        match_all(rules, names, set, &made.event);
    rule_set_free(set);
    arena_free(arena);
    names_free(names);
    rules_free(rules);
    return 0;
}
