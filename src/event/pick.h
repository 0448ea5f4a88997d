/* pick.h - the best of a program's patterns that a message fits, looked for among all of them at once.
 *
 * Which one is the best is a total order, the rank: patterns that begin with a literal before those that begin with a
 * capture; then those with more literal bytes; then by table and row. Of the patterns that fit by template_match, the
 * one of least rank is taken. program_pick_plain says the same by trying one after another; the tests compare the two.
 *
 * At load the patterns of a program become one tree: literals share their beginnings, captures of one kind behind the
 * same beginning share one gap.
 *
 *   Failed {how} for invalid user {account+} from {src}      "Failed "(any)" for "┬"invalid user "(any)" from "(word)
 *   Failed {how} for {account+} from {src}                                        └(any)" from "(word)
 *
 * A walk visits each gap of the tree once for each stretch of the message that the gap may take: what begins later in
 * the same stretch ends nowhere else (so it need not be visited again), and what cannot beat the best pattern found is
 * left out. Hence at most gaps × message bytes steps, whatever the bytes; real lines take a few gaps. A pattern whose
 * literals and kinds fit is then matched alone, for its values; where but one is left, it is matched at once, and once
 * a message, since what lies between would be walked twice. Names of captures and `+` are no matter for the tree:
 * two patterns of one program that differ in nothing else are refused at load.
 *
 * Limits: PICK_DEPTH_MAX literals and gaps one behind another. The tree lives in the mapping's arena and is not
 * changed; a picker belongs to one thread. */
#ifndef EVENT_PICK_H
#define EVENT_PICK_H

#include "event/mapping.h"

#define PICK_DEPTH_MAX 128
#define PICK_NONE      UINT32_MAX /* a rank that no pattern has */

struct pick_gap;

/* A literal, or the part of it up to which several patterns are alike, and what may follow at once. */
struct pick_node {
    struct str label;
    uint32_t rank;   /* the least below */
    uint32_t ends;   /* rank of the pattern that ends behind the label, or PICK_NONE */
    uint32_t number; /* of all nodes and gaps of the mapping */
    uint32_t only;   /* rank of the pattern below when there is but one, else PICK_NONE */
    uint32_t kid_count;
    uint32_t gap_count;
    bool once; /* a second place of the label can give nothing that the first does not */
    const struct pick_node *kid;
    const uint16_t *kid_at; /* by first byte, from 1; NULL: few kids, by rank */
    const struct pick_gap *gap;
};

/* A capture, and the literals that may end it. */
struct pick_gap {
    enum capture_kind kind; /* CAPTURE_PAIRS counts as CAPTURE_ANY */
    uint32_t number;        /* of all nodes and gaps of the mapping */
    uint32_t rank;
    uint32_t ends;                 /* rank of the pattern that ends with it, or PICK_NONE */
    const struct pick_node *after; /* a capture follows at once; NULL: none does */
    uint32_t kid_count;
    const struct pick_node *kid;
    const uint16_t *kid_at;
};

struct picker {
    uint32_t stamp; /* of the present walk */
    uint32_t state_count;
    struct pick_state {
        uint32_t stamp; /* of the walk that came here last */
        uint32_t end;   /* of the stretch that was visited */
    } * state;          /* by number */
};

/* Adds a pattern behind those that rank before it or as it does; `program->pattern` has room. */
void program_place(struct program *program, const struct pattern *pattern);
/* Makes the tree of patterns that stand by rank. RC_LIMIT; RC_INVALID when two fit the same texts. *state_count counts
 * on. */
enum rc program_plant(struct program *program, struct arena *arena, uint32_t *state_count, struct err *err) MUST_USE;

bool picker_init(struct picker *picker, const struct mapping *mapping) MUST_USE;
void picker_done(struct picker *picker);
/* NULL when none fits; else ret_value holds its captures, borrowed from the message. */
const struct pattern *program_pick(const struct program *program, struct picker *picker, struct str message,
                                   struct str ret_value[TEMPLATE_CAPTURES]);
/* The same, found by trying each in turn. */
const struct pattern *program_pick_plain(const struct program *program, struct str message,
                                         struct str ret_value[TEMPLATE_CAPTURES]);

#endif
