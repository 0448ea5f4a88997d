/* reach.c - what a rule needs of the events at all: its fields, and whether it can hold where some of them never come.
 *
 * Each node of the condition is given two answers at once: can it be true, can it be false. A test of a field that
 * never comes has but one, that of an absent field; every other test has both. What cannot be true at the root never
 * will. */
#include "base/arena.h"
#include "rule/ast.h"
#include "rule/rule.h"

#define CAN_HOLD 1u
#define CAN_FAIL 2u

size_t rule_fields(const struct rule *rule, struct str *ret_fields, size_t cap)
{
    const struct rule_ast *ast = rule->kind == RULE_DETECTION ? rule->ast : NULL;
    size_t count = 0;
    for (uint32_t i = 0; ast && i < ast->predicate_count && count < cap; i++) {
        struct str field = ast->predicates[i].field;
        size_t at = 0;
        while (at < count && !str_eq(ret_fields[at], field))
            at++;
        if (field.n > 0 && at == count)
            ret_fields[count++] = field;
    }
    return count;
}

static uint8_t test_answers(const struct predicate *test, rule_field_seen seen, void *context)
{
    /* A field without a value may still stand there, empty. */
    if (test->field.n == 0 || test->kind == PREDICATE_EXISTS || seen(context, test->field))
        return CAN_HOLD | CAN_FAIL;
    return test->kind == PREDICATE_NULL ? CAN_HOLD : CAN_FAIL;
}

static uint8_t node_answers(const struct rule_ast *ast, const struct node *node, const uint8_t *answers)
{
    const uint32_t *kids = &ast->kids[node->first];
    if (node->kind == NODE_NOT) {
        uint8_t kid = answers[kids[0]];
        return (uint8_t)((kid & CAN_HOLD ? CAN_FAIL : 0) | (kid & CAN_FAIL ? CAN_HOLD : 0));
    }
    bool all = node->kind == NODE_AND;
    uint8_t every = CAN_HOLD | CAN_FAIL;
    uint8_t some = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        every &= answers[kids[i]];
        some |= answers[kids[i]];
    }
    return all ? (every & CAN_HOLD) | (some & CAN_FAIL) : (some & CAN_HOLD) | (every & CAN_FAIL);
}

bool rule_can_hold(const struct rule *rule, rule_field_seen seen, void *context)
{
    const struct rule_ast *ast = rule->kind == RULE_DETECTION ? rule->ast : NULL;
    uint8_t *answers = ast ? memory_new(ast->node_count + 1) : NULL;
    if (!answers)
        return true;
    for (uint32_t i = 0; i < ast->node_count; i++) { /* children stand before their parents */
        const struct node *node = &ast->nodes[i];
        answers[i] = node->kind == NODE_TEST ? test_answers(&ast->predicates[node->first], seen, context)
                                             : node_answers(ast, node, answers);
    }
    bool holds = answers[ast->root] & CAN_HOLD;
    memory_free(answers);
    return holds;
}
