#include "rule/clue.h"

#include "base/arena.h"
#include "base/assert.h"
#include "rule/ast.h"
#include "rule/literal.h"

#define NEVER 1e18

struct choice {
    double cost;
    uint32_t kid;          /* of an `and`: the child that speaks for it */
    struct rule_clue clue; /* of a test */
};

struct chooser {
    const struct rule_ast *ast;
    rule_clue_cost cost;
    void *context;
    struct choice *choices;
};

static void offer(const struct chooser *c, struct choice *choice, struct rule_clue clue)
{
    double cost = clue.text.n ? c->cost(c->context, &clue) : -1;
    if (cost < 0 || cost >= choice->cost)
        return;
    choice->cost = cost;
    choice->clue = clue;
}

/* The one text that each match of an expression holds, where the expression spells it out: a part of it, as clues last
 * as long as their rule. */
static struct str literal_in(struct str pattern)
{
    struct literals literals;
    regex_literals(pattern, LITERAL_LEAST, &literals);
    struct str text = literals.count == 1 ? literals_at(&literals, 0) : STR_NONE;
    for (size_t at = 0; text.n && at + text.n <= pattern.n; at++)
        if (str_starts_nocase(str_skip(pattern, at), text))
            return str_slice(pattern, at, at + text.n);
    return STR_NONE;
}

static void choose_test(const struct chooser *c, const struct predicate *predicate, struct choice *choice)
{
    if (predicate->kind == PREDICATE_REGEX) {
        offer(c, choice, (struct rule_clue){.text = literal_in(regex_text(predicate->regex))});
        return;
    }
    if (predicate->kind != PREDICATE_STRING)
        return; /* numbers, addresses and what is absent have no text of their own */
    for (size_t i = 0; i < predicate->pattern.count; i++) {
        const struct part *part = &predicate->pattern.parts[i];
        if (part->kind == PART_TEXT)
            offer(c, choice,
                  (struct rule_clue){.text = part->text, .begins = i == 0, .ends = i + 1 == predicate->pattern.count});
    }
}

/* Children stand before their parents. */
static void choose(const struct chooser *c)
{
    for (uint32_t i = 0; i < c->ast->node_count; i++) {
        const struct node *node = &c->ast->nodes[i];
        struct choice *choice = &c->choices[i];
        *choice = (struct choice){.cost = node->kind == NODE_OR ? 0 : NEVER};
        if (node->kind == NODE_TEST)
            choose_test(c, &c->ast->predicates[node->first], choice);
        for (uint32_t k = 0; k < node->count && (node->kind == NODE_AND || node->kind == NODE_OR); k++) {
            uint32_t kid = c->ast->kids[node->first + k];
            if (node->kind == NODE_OR) {
                choice->cost = MIN(choice->cost + c->choices[kid].cost, NEVER);
            } else if (c->choices[kid].cost < choice->cost) {
                choice->cost = c->choices[kid].cost;
                choice->kid = kid;
            }
        }
    }
}

static bool add(struct rule_clue *clues, size_t cap, size_t *count, struct rule_clue clue)
{
    for (size_t i = 0; i < *count; i++)
        if (str_eq(clues[i].text, clue.text) && clues[i].begins == clue.begins && clues[i].ends == clue.ends)
            return true;
    if (*count == cap)
        return false;
    clues[(*count)++] = clue;
    return true;
}

/* From the root down; `stack` has room for every child of every node. */
static bool collect(const struct chooser *c, uint32_t *stack, struct rule_clue *clues, size_t cap, size_t *count)
{
    size_t depth = 0;
    if (c->choices[c->ast->root].cost >= NEVER)
        return false;
    stack[depth++] = c->ast->root;
    while (depth > 0) {
        uint32_t i = stack[--depth];
        const struct node *node = &c->ast->nodes[i];
        ASSERT(node->kind != NODE_NOT);
        if (node->kind == NODE_TEST) {
            if (!add(clues, cap, count, c->choices[i].clue))
                return false;
        } else if (node->kind == NODE_AND) {
            stack[depth++] = c->choices[i].kid;
        } else {
            for (uint32_t k = 0; k < node->count; k++)
                stack[depth++] = c->ast->kids[node->first + k];
        }
    }
    return *count > 0;
}

bool rule_clues(const struct rule *rule, rule_clue_cost cost, void *context, struct rule_clue *ret_clues, size_t cap,
                size_t *ret_count)
{
    struct chooser c = {.ast = rule->ast, .cost = cost, .context = context};
    *ret_count = 0;
    if (rule->kind != RULE_DETECTION || !rule->ast || rule->ast->node_count == 0)
        return false;
    /* A node that several share is walked once for each: `size` counts it so. */
    size_t room = (size_t)rule->ast->nodes[rule->ast->root].size + 1;
    uint32_t *stack = memory_new(room * sizeof *stack);
    c.choices = memory_new(rule->ast->node_count * sizeof *c.choices);
    bool found = false;
    if (stack && c.choices) {
        choose(&c);
        found = collect(&c, stack, ret_clues, cap, ret_count);
    }
    memory_free(stack);
    memory_free(c.choices);
    return found;
}
