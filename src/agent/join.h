/* join.h - which lines of a followed file are one record: how a record begins, and its limits. Pure.
 *
 *   PATH NAME|pattern=PATTERN [wait=SECONDS] [lines=NUMBER] [bytes=NUMBER]          rules with ';' between them
 *
 * PATH is one of follow.h; the first rule that holds a file is its rule. NAME is one of
 *   timestamp   a line that begins with a date or a time of day, in brackets or not
 *   indent      a line that does not begin with a blank or a tab
 *   java        as indent, and not "Caused by:", "Suppressed:", "... 12 more", "a.b.SomeException", "a.b.SomeError"
 *   postgresql  a line with a date that does not bring DETAIL, HINT, CONTEXT, STATEMENT or QUERY of the one before
 * An empty line begins no record.
 *
 * PATTERN is held against the beginning of a line: bytes, '.', [a-z], [^a-z], \d \w \s and their opposites \D \W \S,
 * \t, \xHH, '\' in front of any other sign, each once or with ?, *, +, {n}, {n,m} behind; '|' between alternatives.
 * There are no groups, so that all alternatives are followed at once in the bits of one word: 64 places, 256 bytes of
 * a line, a step a byte, whatever is written into pattern or line. Blank and ';' are written \x20 and \x3b. */
#ifndef AGENT_JOIN_H
#define AGENT_JOIN_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOIN_RULES_MAX   16u
#define JOIN_TEXT_MAX    4000u /* bytes of all rules */
#define JOIN_PATH_MAX    1024u
#define JOIN_PATTERN_MAX 512u
#define JOIN_LOOK        256u                  /* bytes of a line that a pattern sees */
#define JOIN_WAIT_S      2u                    /* 1 to 10: so long a record is waited for */
#define JOIN_LINES       500u                  /* 2 to 10,000 */
#define JOIN_BYTES       (UINT32_C(256) << 10) /* 1,024 to 1 MiB; a line that is longer stands alone */

struct join_pattern {
    uint64_t accepts[256]; /* places that take this byte */
    uint64_t first;        /* first places of the alternatives */
    uint64_t skipped;      /* places that may be passed over */
    uint64_t again;        /* and taken more than once */
    uint64_t ends;         /* places behind the alternatives: there it holds */
};

struct join_rule {
    char path[JOIN_PATH_MAX];
    struct join_pattern begins;
    struct join_pattern except; /* of those, what begins no record; ends 0: none */
    uint64_t wait_ns;
    uint32_t lines;
    uint32_t bytes;
};

struct join_rules {
    size_t count;
    struct join_rule rule[JOIN_RULES_MAX];
};

enum rc join_pattern_parse(struct str text, struct join_pattern *ret_pattern, struct err *err) MUST_USE;
/* Whether the beginning of `line` is as the pattern says. */
bool join_pattern_holds(const struct join_pattern *pattern, struct str line);

/* The whole list; empty text: no rules. RC_INVALID names the rule. About 84 KiB: not for the stack. */
enum rc join_rules_parse(struct str text, struct join_rules *ret_rules, struct err *err) MUST_USE;
/* Whether a line, without its line end, begins a record. */
bool join_begins(const struct join_rule *rule, struct str line);

#endif
