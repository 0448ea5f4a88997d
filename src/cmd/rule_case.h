/* rule_case.h - one case of `rules test`, and how it goes from the process that judged it to the one that prints it. */
#ifndef CMD_RULE_CASE_H
#define CMD_RULE_CASE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum rule_case_verdict { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

struct rule_case {
    const char *file; /* the sample, or info.yml */
    struct str rule;  /* its id; empty when not known */
    struct str title;
    enum rule_case_verdict verdict;
    const char *why;  /* not passed; "" else */
    uint64_t took_ns; /* to judge it */
};

void rule_case_put(struct buf *out, const struct rule_case *taken);
/* Texts are in the arena or in `bytes`. Whoever put them may be a stranger: RC_CORRUPT when they do not read, RC_LIMIT
 * when the arena is full. */
enum rc rule_case_take(struct arena *arena, struct str bytes, struct rule_case *ret_case, struct err *err) MUST_USE;

#endif
