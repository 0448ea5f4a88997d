/* rule_states.h - body of MSG_RULE_STATES: what people decided about single rules. The desk tells it to every engine
 * when that engine appears and after every change; it replaces what was told before.
 *
 *   {"counted":<record>,"rules":[["<rule id>","<state>","<level>"], ...]}
 *
 * Only rules that differ from the default stand in it: state `active`, level "" = the rule's own. A rule that is named
 * twice is what its last row says; one that the engine does not have is passed over.
 *
 *   draft, off   the rule is not run at all
 *   test         it is run and counted, its hit stands in the archive, but nothing goes to the desk
 *   active       all of this
 *
 * `counted` is the `upto` of the newest MSG_RULE_STATS that the desk stored of this engine (the one with the instance
 * of the channel), 0 when there is none: after a restart an engine reads the end of the log again, and what was counted
 * before is not counted twice (rule_stats.h). 65,000 rules with ids as Sigma has them fit the message. */
#ifndef ROLE_RULE_STATES_H
#define ROLE_RULE_STATES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_STATES_BYTES ((size_t)4 << 20) /* of the whole body */
#define RULE_ID_MAX       256u              /* bytes of an id in messages; a rule with a longer one is in none */

enum rule_state {
    RULE_ACTIVE,
    RULE_TEST,
    RULE_OFF,
    RULE_DRAFT,
    RULE_STATE_COUNT,
};
/* "active", "test", "off", "draft"; constant. */
const char *rule_state_name(enum rule_state state);
bool rule_state_parse(struct str text, enum rule_state *ret_state) MUST_USE; /* exactly so written */

struct rule_state_row {
    struct str id;
    enum rule_state state;
    bool has_level; /* else the rule's own holds */
    enum rule_level level;
};

/* Begin, a row a rule, end; `out` has the limit RULE_STATES_BYTES and is looked at for overflow in the end. */
void rule_states_begin(struct buf *out, uint64_t counted);
void rule_states_add(struct buf *out, const struct rule_state_row *row);
void rule_states_end(struct buf *out);

struct rule_states {
    uint64_t counted;
    struct rule_state_row *rows;
    size_t count;
};

/* All or nothing. In the arena, ids too; 32 MiB hold the largest body that makes sense. RC_INVALID, or RC_LIMIT past
 * RULES_MAX rows, RULE_STATES_BYTES or the arena. */
enum rc rule_states_read(struct str body, struct arena *arena, struct rule_states *ret_states,
                         struct err *err) MUST_USE;

#endif
