#include "rule/ast.h"

#include "base/assert.h"
#include "rule/rule.h"

#include <string.h>

void ast_builder_init(struct ast_builder *builder, struct arena *arena)
{
    *builder = (struct ast_builder){.arena = arena, .rc = RC_OK};
}

/* Room for `more` elements; *items moves. False past the limit, and the builder has failed. */
static bool grow(struct ast_builder *builder, void **items, size_t *size, size_t count, size_t more, size_t element)
{
    if (builder->rc != RC_OK)
        return false;
    if (count + more <= *size)
        return true;
    size_t wanted = MAX(*size * 2, MAX(count + more, (size_t)8));
    void *grown =
        count + more > RULE_NODES_MAX ? NULL : arena_grow(builder->arena, *items, *size * element, wanted * element);
    if (!grown) {
        builder->rc = RC_LIMIT;
        return false;
    }
    *items = grown;
    *size = wanted;
    return true;
}

static uint32_t node_add(struct ast_builder *builder, struct node node)
{
    struct rule_ast *ast = &builder->ast;
    void *items = ast->nodes;
    if (!grow(builder, &items, &builder->nodes_size, ast->node_count, 1, sizeof(struct node)))
        return 0;
    ast->nodes = items;
    if (node.size > AST_SIZE_MAX) {
        builder->rc = RC_LIMIT;
        return 0;
    }
    ast->nodes[ast->node_count] = node;
    return ast->node_count++;
}

uint32_t ast_test(struct ast_builder *builder, const struct predicate *predicate)
{
    struct rule_ast *ast = &builder->ast;
    void *items = ast->predicates;
    if (!grow(builder, &items, &builder->predicates_size, ast->predicate_count, 1, sizeof(struct predicate)))
        return 0;
    ast->predicates = items;
    ast->predicates[ast->predicate_count] = *predicate;
    return node_add(builder, (struct node){.kind = NODE_TEST, .first = ast->predicate_count++, .size = 1});
}

uint32_t ast_join(struct ast_builder *builder, enum node_kind kind, const uint32_t *kids, size_t count)
{
    ASSERT(count > 0 && kind != NODE_TEST);
    if (builder->rc != RC_OK)
        return 0;
    if (count == 1 && kind != NODE_NOT)
        return kids[0];
    struct rule_ast *ast = &builder->ast;
    void *items = ast->kids;
    if (!grow(builder, &items, &builder->kids_size, ast->kid_count, count, sizeof(uint32_t)))
        return 0;
    ast->kids = items;
    struct node node = {.kind = kind, .first = ast->kid_count, .count = (uint32_t)count, .size = 1};
    for (size_t i = 0; i < count; i++) {
        ASSERT(kids[i] < ast->node_count);
        ast->kids[ast->kid_count++] = kids[i];
        node.size = MIN(node.size + ast->nodes[kids[i]].size, AST_SIZE_MAX + 1);
    }
    return node_add(builder, node);
}

uint32_t ast_not(struct ast_builder *builder, uint32_t kid)
{
    return ast_join(builder, NODE_NOT, &kid, 1);
}

void ast_identifier(struct ast_builder *builder, struct str name, uint32_t root, uint32_t line)
{
    struct rule_ast *ast = &builder->ast;
    void *items = ast->identifiers;
    if (!grow(builder, &items, &builder->identifiers_size, ast->identifier_count, 1, sizeof(struct identifier)))
        return;
    ast->identifiers = items;
    ast->identifiers[ast->identifier_count++] = (struct identifier){.name = name, .root = root, .line = line};
}

/* Copies all of `ast` behind what is there; returns where its root came to stand. */
static uint32_t append(struct ast_builder *builder, const struct rule_ast *ast)
{
    uint32_t base = builder->ast.node_count;
    for (uint32_t i = 0; i < ast->node_count && builder->rc == RC_OK; i++) {
        const struct node *node = &ast->nodes[i];
        if (node->kind == NODE_TEST) {
            IGNORE(ast_test(builder, &ast->predicates[node->first])); /* stands at base + i */
            continue;
        }
        uint32_t *kids = arena_alloc_array(builder->arena, node->count, sizeof(uint32_t));
        if (!kids) {
            builder->rc = RC_LIMIT;
            return 0;
        }
        for (uint32_t k = 0; k < node->count; k++)
            kids[k] = base + ast->kids[node->first + k];
        IGNORE(ast_join(builder, node->kind, kids, node->count));
    }
    return base + ast->root;
}

enum rc ast_filter(struct arena *arena, const struct rule_ast *own, const struct rule *const *filters, size_t count,
                   const struct rule_ast **ret_ast)
{
    struct ast_builder builder;
    ASSERT(count > 0 && own->filter_count == 0);
    ast_builder_init(&builder, arena);
    uint32_t *roots = arena_alloc_array(arena, count + 1, sizeof(*roots));
    struct ast_filter *all = arena_alloc_array(arena, count, sizeof(*all));
    struct rule_ast *ast = arena_alloc(arena, sizeof(*ast));
    if (!roots || !all || !ast)
        return RC_LIMIT;
    roots[0] = append(&builder, own); /* first: what stands there keeps its number */
    for (size_t i = 0; i < count; i++) {
        roots[i + 1] = append(&builder, filters[i]->ast);
        all[i] = (struct ast_filter){filters[i], roots[i + 1]};
    }
    for (uint32_t i = 0; i < own->identifier_count; i++)
        ast_identifier(&builder, own->identifiers[i].name, own->identifiers[i].root, own->identifiers[i].line);
    if (builder.rc == RC_OK)
        builder.ast.root = ast_join(&builder, NODE_AND, roots, count + 1);
    if (builder.rc != RC_OK)
        return builder.rc;
    *ast = builder.ast;
    ast->own = roots[0];
    ast->filters = all;
    ast->filter_count = (uint32_t)count;
    ast->condition = own->condition;
    *ret_ast = ast;
    return RC_OK;
}
