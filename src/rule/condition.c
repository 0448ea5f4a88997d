#include "rule/condition.h"

#include "base/assert.h"
#include "rule/rule.h"

/* `( not ( not` ... a nesting costs up to three operators. */
#define STACK_MAX (4u * RULE_DEPTH_MAX)

enum operator{ OPERATOR_PARENTHESIS, OPERATOR_OR, OPERATOR_AND, OPERATOR_NOT }; /* by how tightly they bind */

struct parser {
    struct ast_builder *builder;
    struct str rest;
    enum operator operators[STACK_MAX];
    size_t operator_count;
    uint32_t operands[STACK_MAX];
    size_t operand_count;
};

/* The next word or parenthesis; empty at the end. */
static struct str token(struct str *rest)
{
    while (rest->n && char_is_space(rest->p[0]))
        *rest = str_skip(*rest, 1);
    size_t n = 0;
    if (rest->n && (rest->p[0] == '(' || rest->p[0] == ')')) {
        n = 1;
    } else {
        while (n < rest->n && !char_is_space(rest->p[n]) && rest->p[n] != '(' && rest->p[n] != ')')
            n++;
    }
    struct str word = str_slice(*rest, 0, n);
    *rest = str_skip(*rest, n);
    return word;
}

static bool glob(struct str pattern, struct str name)
{
    size_t star = 0; /* behind the last star; 0 = none yet */
    size_t tried = 0;
    size_t p = 0;
    size_t n = 0;
    while (n < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = ++p;
            tried = n;
        } else if (p < pattern.n && pattern.p[p] == name.p[n]) {
            p++;
            n++;
        } else if (star > 0) {
            p = star;
            n = ++tried;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool names(struct str pattern, struct str name)
{
    if (str_eq_nocase(pattern, STR("them")))
        return !str_starts(name, STR("_"));
    return glob(pattern, name);
}

static enum rc quantified(struct parser *parser, struct str pattern, enum node_kind kind, uint32_t *ret_node,
                          struct err *err)
{
    const struct rule_ast *ast = &parser->builder->ast;
    if (pattern.n == 0 || str_is(pattern, "(") || str_is(pattern, ")"))
        return err_set(err, RC_INVALID, "condition wants a name, a pattern or \"them\" after \"of\"");
    uint32_t *kids = arena_alloc_array(parser->builder->arena, ast->identifier_count + 1, sizeof(*kids));
    if (!kids)
        return err_set(err, RC_LIMIT, "no memory for rules");
    size_t count = 0;
    for (uint32_t i = 0; i < ast->identifier_count; i++) {
        if (names(pattern, ast->identifiers[i].name))
            kids[count++] = ast->identifiers[i].root;
    }
    if (count == 0)
        return err_set(err, RC_INVALID, "condition names nothing: no detection is called \"%.*s\"",
                       STR_ARG(str_slice(pattern, 0, 64)));
    *ret_node = ast_join(parser->builder, kind, kids, count);
    return RC_OK;
}

static enum rc named(struct parser *parser, struct str name, uint32_t *ret_node, struct err *err)
{
    const struct rule_ast *ast = &parser->builder->ast;
    for (uint32_t i = 0; i < ast->identifier_count; i++) {
        if (str_eq(ast->identifiers[i].name, name)) {
            *ret_node = ast->identifiers[i].root;
            return RC_OK;
        }
    }
    uint64_t number;
    struct str rest = parser->rest;
    if (str_to_u64(name, &number) && str_eq_nocase(token(&rest), STR("of")))
        return err_set(err, RC_INVALID, "condition: only \"1 of\", \"any of\" and \"all of\" exist, not \"%.*s of\"",
                       STR_ARG(str_slice(name, 0, 20)));
    return err_set(err, RC_INVALID, "condition names nothing: no detection is called \"%.*s\"",
                   STR_ARG(str_slice(name, 0, 64)));
}

static enum rc operand(struct parser *parser, struct str word, struct err *err)
{
    struct str rest = parser->rest;
    bool one = str_is(word, "1") || str_eq_nocase(word, STR("any"));
    bool all = str_eq_nocase(word, STR("all"));
    uint32_t node = 0;
    enum rc rc;
    if ((one || all) && str_eq_nocase(token(&rest), STR("of"))) {
        struct str pattern = token(&rest);
        parser->rest = rest;
        rc = quantified(parser, pattern, one ? NODE_OR : NODE_AND, &node, err);
    } else {
        rc = named(parser, word, &node, err);
    }
    if (rc != RC_OK)
        return rc;
    if (parser->operand_count == STACK_MAX)
        return err_set(err, RC_INVALID, "condition is nested too deeply");
    parser->operands[parser->operand_count++] = node;
    return RC_OK;
}

/* Joins the operands of the operator on top. */
static void reduce(struct parser *parser)
{
    ASSERT(parser->operator_count > 0);
    enum operator operator= parser->operators[--parser->operator_count];
    uint32_t *top = &parser->operands[parser->operand_count];
    if (operator== OPERATOR_NOT) {
        ASSERT(parser->operand_count >= 1);
        top[-1] = ast_not(parser->builder, top[-1]);
        return;
    }
    ASSERT(parser->operand_count >= 2 && operator!= OPERATOR_PARENTHESIS);
    top[-2] = ast_join(parser->builder, operator== OPERATOR_AND ? NODE_AND : NODE_OR, &top[-2], 2);
    parser->operand_count--;
}

static enum rc push(struct parser *parser, enum operator operator, struct err * err)
{
    while (parser->operator_count && operator!= OPERATOR_NOT && operator!= OPERATOR_PARENTHESIS &&
                                     parser->operators[parser->operator_count - 1] >=
                                     operator)
        reduce(parser);
    if (parser->operator_count == STACK_MAX)
        return err_set(err, RC_INVALID, "condition is nested too deeply");
    parser->operators[parser->operator_count++] = operator;
    return RC_OK;
}

static enum rc close(struct parser *parser, struct err *err)
{
    while (parser->operator_count && parser->operators[parser->operator_count - 1] != OPERATOR_PARENTHESIS)
        reduce(parser);
    if (parser->operator_count == 0)
        return err_set(err, RC_INVALID, "condition has a \")\" too many");
    parser->operator_count--;
    return RC_OK;
}

/* Where an operand must begin. */
static enum rc before_operand(struct parser *parser, struct str word, bool *ret_operand, struct err *err)
{
    *ret_operand = false;
    if (str_is(word, "("))
        return push(parser, OPERATOR_PARENTHESIS, err);
    if (str_eq_nocase(word, STR("not")))
        return push(parser, OPERATOR_NOT, err);
    if (word.n == 0 || str_is(word, ")") || str_eq_nocase(word, STR("and")) || str_eq_nocase(word, STR("or")))
        return err_set(err, RC_INVALID, "condition wants a name, not \"%.*s\"", STR_ARG(word));
    *ret_operand = true;
    return operand(parser, word, err);
}

/* Behind an operand. */
static enum rc after_operand(struct parser *parser, struct str word, bool *ret_operand, struct err *err)
{
    *ret_operand = true;
    if (str_is(word, ")"))
        return close(parser, err);
    *ret_operand = false;
    if (str_eq_nocase(word, STR("and")))
        return push(parser, OPERATOR_AND, err);
    if (str_eq_nocase(word, STR("or")))
        return push(parser, OPERATOR_OR, err);
    return err_set(err, RC_INVALID, "condition wants \"and\" or \"or\", not \"%.*s\"", STR_ARG(str_slice(word, 0, 64)));
}

static enum rc finish(struct parser *parser, uint32_t *ret_root, struct err *err)
{
    while (parser->operator_count) {
        if (parser->operators[parser->operator_count - 1] == OPERATOR_PARENTHESIS)
            return err_set(err, RC_INVALID, "condition has a \"(\" without \")\"");
        reduce(parser);
    }
    ASSERT(parser->operand_count == 1);
    *ret_root = parser->operands[0];
    return parser->builder->rc == RC_OK ? RC_OK : err_set(err, RC_LIMIT, "rule is too large");
}

enum rc condition_parse(struct ast_builder *builder, struct str text, uint32_t *ret_root, struct err *err)
{
    struct parser parser = {.builder = builder, .rest = text};
    if (text.n > CONDITION_MAX)
        return err_set(err, RC_INVALID, "condition is longer than %u bytes", CONDITION_MAX);
    if (str_find(text, '|') < text.n)
        return err_set(err, RC_INVALID, "condition has an aggregation (\"|\"): write a correlation instead");
    bool have_operand = false;
    for (;;) {
        struct str word = token(&parser.rest);
        if (word.n == 0 && have_operand)
            return finish(&parser, ret_root, err);
        enum rc rc = have_operand ? after_operand(&parser, word, &have_operand, err)
                                  : before_operand(&parser, word, &have_operand, err);
        if (rc != RC_OK)
            return rc;
        if (builder->rc != RC_OK)
            return err_set(err, RC_LIMIT, "rule is too large");
    }
}
