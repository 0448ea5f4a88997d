#include "rule/program.h"

#include "base/assert.h"

#define CODE_MAX      (1u << 26)
#define WITNESSES_MAX (1u << 26)

/* One node whose children are being written, the last one first: what comes after must exist to be jumped to. */
struct frame {
    uint32_t node;
    uint32_t left; /* children not yet written */
    uint32_t yes;
    uint32_t no;
};

static bool emit(struct program *program, struct instruction instruction, uint32_t *ret_place)
{
    if (program->code_count == program->code_size) {
        size_t size = MAX(program->code_size * 2, (size_t)1024);
        struct instruction *grown = size > CODE_MAX ? NULL : memory_resize(program->code, size * sizeof(*grown));
        if (!grown)
            return false;
        program->code = grown;
        program->code_size = size;
    }
    *ret_place = (uint32_t)program->code_count;
    program->code[program->code_count++] = instruction;
    return true;
}

bool program_write(struct program *program, const struct program_part *part, const uint32_t *numbers,
                   struct arena *scratch, uint32_t *ret_entry)
{
    const struct rule_ast *ast = part->ast;
    struct frame *frames = arena_alloc_array(scratch, ast->node_count + 1, sizeof(*frames));
    size_t depth = 0;
    uint32_t entry = 0; /* of what was written last */
    if (!frames)
        return false;
    frames[depth++] = (struct frame){part->node, ast->nodes[part->node].count, part->yes, part->no};
    while (depth > 0) {
        struct frame *frame = &frames[depth - 1];
        const struct node *node = &ast->nodes[frame->node];
        if (node->kind == NODE_TEST) {
            if (!emit(program, (struct instruction){numbers[node->first], frame->yes, frame->no}, &entry))
                return false;
            depth--;
            continue;
        }
        if (frame->left < node->count) { /* a child was written: the one before it leads there */
            if (node->kind == NODE_AND)
                frame->yes = entry;
            else
                frame->no = entry;
        }
        if (frame->left == 0) {
            depth--;
            continue;
        }
        uint32_t kid = ast->kids[node->first + --frame->left];
        struct frame next = {kid, ast->nodes[kid].count, frame->yes, frame->no};
        if (node->kind == NODE_NOT)
            next = (struct frame){kid, ast->nodes[kid].count, frame->no, frame->yes};
        ASSERT(depth < ast->node_count + 1);
        frames[depth++] = next;
    }
    *ret_entry = entry;
    return true;
}

bool program_witness(struct program *program, uint32_t predicate, uint32_t rule)
{
    if (program->witness_count == program->witness_size) {
        size_t size = MAX(program->witness_size * 2, (size_t)1024);
        struct witness *grown = size > WITNESSES_MAX ? NULL : memory_resize(program->witnesses, size * sizeof(*grown));
        if (!grown)
            return false;
        program->witnesses = grown;
        program->witness_size = size;
    }
    ASSERT(predicate != 0);
    program->witnesses[program->witness_count++] = (struct witness){predicate, rule};
    return true;
}

bool program_link(struct program *program, struct rule_set *set)
{
    set->witnesses = memory_new((program->witness_count + 1) * sizeof(uint32_t));
    if (!set->witnesses)
        return false;
    for (size_t i = 0; i < program->witness_count; i++)
        set->predicates[program->witnesses[i].predicate].rule_count++;
    uint32_t at = 0;
    for (uint32_t i = 1; i < set->predicate_count; i++) {
        set->predicates[i].first_rule = at;
        at += set->predicates[i].rule_count;
        set->predicates[i].rule_count = 0;
    }
    for (size_t i = 0; i < program->witness_count; i++) {
        struct set_predicate *predicate = &set->predicates[program->witnesses[i].predicate];
        set->witnesses[predicate->first_rule + predicate->rule_count++] = program->witnesses[i].rule;
    }
    for (size_t i = 0; i < program->code_count; i++) {
        if (set->predicates[program->code[i].predicate].direct == DIRECT_NOT)
            program->code[i].predicate |= CODE_DEMAND;
    }
    set->code = program->code;
    set->code_count = (uint32_t)program->code_count;
    program->code = NULL;
    return true;
}

void program_done(struct program *program)
{
    memory_free(program->code);
    memory_free(program->witnesses);
}
