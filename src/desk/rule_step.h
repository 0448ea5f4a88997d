/* rule_step.h - one decision about many rules. Inside this room. */
#ifndef DESK_RULE_STEP_H
#define DESK_RULE_STEP_H

#include "desk/rulebook.h"

struct rule_move {
    struct rule_entry *entry;
    enum desk_rule_state to;
};

/* Rules that go to the same state stand side by side. */
struct rule_step {
    const char *event;
    struct str pack; /* whose rules; empty: any */
    struct str version;
    struct str who;
    struct str reason;
    struct rule_move *move;
    size_t count;
    const char *level;  /* chosen; NULL: none was, as the next */
    const char *status; /* the author's */
    struct str from;    /* states that were chosen, with commas; empty: none were */
    int64_t act;        /* of rule_act; 0: nobody's */
    int64_t undoes;     /* the act whose opposite it is; 0: none */
};

/* Stores all of it, with its records, in a transaction. */
void rule_step_take(struct desk *desk, const struct rule_step *step, int64_t now_ns);
/* The same as an act of who asks, which can be taken back as a whole; of one rule at least. */
void rule_step_act(struct ask *ask, struct rule_step *step);

#endif
