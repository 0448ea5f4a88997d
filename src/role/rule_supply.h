/* rule_supply.h - under desk: the rules in force, put together of files and of the desk's own texts, and given to
 * engines and query.
 *
 *   parent ─ files ─┐
 *   room desk ─ texts ─┴► bundle ─► rules here (the desk's own use) ─► MSG_RULES ─► engines, others ─► MSG_RULES_TAKEN
 *
 * Other rules come in one step, while events go on: rule_supply_make, and when the desk has what it keeps of the old
 * ones in order, rule_supply_set. The old ones are kept, for matches that are under way, until every engine has the
 * new ones (rule_supply_settle); until then no further step is made. */
#ifndef ROLE_RULE_SUPPLY_H
#define ROLE_RULE_SUPPLY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "desk/desk.h"
#include "msg/msg.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

#define RULE_SUPPLY_ENGINES 64u

struct rule_supply;

/* `files` is the parent's bundle; a copy of the descriptor is kept. Desk is borrowed. No rules are there yet. */
enum rc rule_supply_new(int files, struct desk *desk, struct rule_supply **ret_self, struct err *err) MUST_USE;
void rule_supply_free(struct rule_supply *self); /* the rules too; NULL is fine */
/* MSG_RULE_FILES. */
void rule_supply_files(struct rule_supply *self, int files);
/* Nothing is due, and no step is under way. Cheap. */
bool rule_supply_is_at_rest(const struct rule_supply *self);
/* Something changed since the rules were made last, and no step is under way. Cheap. */
bool rule_supply_is_due(const struct rule_supply *self);
/* The rules as they are now, finished, the caller's until rule_supply_set; NULL: they are the same as before. After an
 * error, which is told once a change, those in force stay. */
enum rc rule_supply_make(struct rule_supply *self, struct rules **ret_rules, struct err *err) MUST_USE;
void rule_supply_set(struct rule_supply *self, struct rules *rules);

/* The text of a file, one of the desk's own too, as it is in force; false: there is none, or no room in the arena. */
bool rule_supply_text(const struct rule_supply *self, struct str path, struct arena *arena, struct str *ret_text);
const struct rules *rule_supply_rules(const struct rule_supply *self); /* in force; NULL before the first */
/* The rule of a match. *ret_old: it is not in force any more, engines did not know yet. NULL: it is neither. */
const struct rule *rule_supply_find(const struct rule_supply *self, uint64_t hash, bool *ret_old);

/* Gives the rules to every engine, to query and to hunter that do not have them. Cheap when all have. */
void rule_supply_send(struct rule_supply *self);
void rule_supply_peer_up(struct rule_supply *self, enum role role, unsigned instance);
/* Under which number room desk knows a peer; false: it is no engine that it knows. */
bool rule_supply_taker(const struct channel *channel, size_t *ret_who);
/* MSG_RULES_TAKEN: an engine, query or the hunter works with them, or not: why. */
void rule_supply_taken(struct rule_supply *self, const struct channel *channel, const struct msg *msg);
/* MSG_LISTS_TAKEN: the same of the lists of indicators. */
void rule_supply_lists_taken(struct rule_supply *self, const struct channel *channel, const struct msg *msg);
/* Forgets the old rules once nobody needs them; nothing of the caller may point at them then. */
void rule_supply_settle(struct rule_supply *self);

#endif
