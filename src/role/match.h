/* match.h - body of MSG_MATCH: what an engine tells the desk of one match. Sticky reader, strings u16-counted. */
#ifndef ROLE_MATCH_H
#define ROLE_MATCH_H

#include "base/buf.h"
#include "base/str.h"
#include "event/event.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

#define MATCH_TEXT_MAX 4096 /* bytes kept of one value; (5 + 2 * RULE_CARRY_MAX) of them fit MSG_MATCH */

struct match {
    uint64_t record;
    int64_t time_ns;
    uint64_t rule_hash; /* struct rule: the desk has the same rules loaded */
    struct str source;
    struct str host;
    struct str account;
    struct str address;
    struct str description;
    struct rule_value values[RULE_CARRY_MAX];
    size_t value_count;
};

void match_write(const struct match *match, struct buf *out);
bool match_read(struct str body, struct match *ret_match) MUST_USE;

#endif
