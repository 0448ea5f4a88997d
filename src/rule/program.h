/* program.h - conditions as tests with jumps, and the list of who wakes whom, while a set is compiled. */
#ifndef RULE_PROGRAM_H
#define RULE_PROGRAM_H

#include "base/arena.h"
#include "rule/set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct witness {
    uint32_t predicate;
    uint32_t rule;
};

struct program {
    struct instruction *code;
    size_t code_count;
    size_t code_size;
    struct witness *witnesses;
    size_t witness_count;
    size_t witness_size;
};

/* All return false without memory. */

/* One node of a rule, and where it leads to when it holds and when it does not. */
struct program_part {
    const struct rule_ast *ast;
    uint32_t node;
    uint32_t yes;
    uint32_t no;
};
/* Appends its code: `numbers` maps the rule's predicates to the set's. */
bool program_write(struct program *program, const struct program_part *part, const uint32_t *numbers,
                   struct arena *scratch, uint32_t *ret_entry) MUST_USE;
bool program_witness(struct program *program, uint32_t predicate, uint32_t rule) MUST_USE;
/* Gives the code to the set and sorts the witnesses by predicate. */
bool program_link(struct program *program, struct rule_set *set) MUST_USE;
void program_done(struct program *program);

#endif
