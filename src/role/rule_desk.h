/* rule_desk.h - under desk: the loaded rules told to room desk, its decisions told to the engines, their counts brought
 * back. What is decided and counted is in room desk (rule.c, rule_stats.c); bodies of messages in rule_states.h and
 * rule_stats.h. */
#ifndef ROLE_RULE_DESK_H
#define ROLE_RULE_DESK_H

#include "base/err.h"
#include "desk/desk.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

#define RULE_DESK_ENGINES 64u

struct rule_desk;

/* Tells the desk what is loaded. Desk and rules are borrowed until rule_desk_free. */
enum rc rule_desk_new(struct desk *desk, const struct rules *rules, int64_t now_ns, struct rule_desk **ret_self,
                      struct err *err) MUST_USE;
void rule_desk_free(struct rule_desk *self); /* NULL is fine */
/* Other rules are loaded, borrowed in place of those before; engines hear their states again. After an error all is as
 * before. */
enum rc rule_desk_renew(struct rule_desk *self, const struct rules *rules, int64_t now_ns, struct err *err) MUST_USE;
/* An engine appeared: it waits for its states. What the one before it counted is stored before, or given up. */
void rule_desk_engine_up(struct rule_desk *self, uint32_t instance);
/* Tells every engine what was decided since it was told last. Cheap when that is nothing. */
void rule_desk_send(struct rule_desk *self);
/* Takes a MSG_RULE_STATS. One that the database does not take is kept, one an engine, and stored before the next. */
void rule_desk_count(struct rule_desk *self, uint32_t instance, struct str body, int64_t now_ns);
/* Whether matches of a rule open something now; *ret_level is the level that holds. */
bool rule_desk_active(const struct desk *desk, const struct rule *rule, enum desk_level *ret_level);
/* Whether it is counted: active or in test. */
bool rule_desk_runs(const struct desk *desk, const struct rule *rule);

#endif
