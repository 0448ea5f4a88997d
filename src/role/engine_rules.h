/* engine_rules.h - under engine: which rules run here, which of their matches the desk wants, and what is counted of
 * them on its way to the desk. Carries rule_states.h to the matcher and the matcher's counters to rule_stats.h.
 *
 *   MSG_RULE_STATES ──► engine_rules_take ──► matcher_switch, engine_rules_wants
 *   each record ──► engine_rules_record ──► matcher counts, or not ──► engine_rules_write ──► MSG_RULE_STATS
 *
 * Until the desk told for the first time every rule is as it was written, and nothing is counted: how far an engine
 * before this one counted is not known. */
#ifndef ROLE_ENGINE_RULES_H
#define ROLE_ENGINE_RULES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "event/event.h"
#include "event/names.h"
#include "role/annex_counts.h"
#include "role/loss_counts.h"
#include "role/parse_counts.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

struct engine_rules;

/* All three are borrowed. NULL without memory. */
struct engine_rules *engine_rules_new(const struct rules *rules, struct matcher *matcher, const struct names *names);
void engine_rules_free(struct engine_rules *self); /* NULL is fine */

/* MSG_RULE_STATES. The desk hears of all fields again. After an error what was told before stands. */
enum rc engine_rules_take(struct engine_rules *self, struct str body, struct arena *scratch, struct err *err) MUST_USE;
/* Whether the desk told since the start. */
bool engine_rules_known(const struct engine_rules *self);
/* A match that opens no incident and that no correlation counts has its place in the archive, as the record's hit. */
bool engine_rules_wants(const struct engine_rules *self, const struct rule *rule);

/* Fields that events get here when something is found in them, before rules see them (lists of indicators): they count
 * as seen, though nothing was found yet. Before anything is written; borrowed. */
void engine_rules_given(struct engine_rules *self, const char *const *names, size_t count);

/* The record whose events come now. Records below one that was counted before, here or by an engine before this one,
 * are not counted again. */
void engine_rules_record(struct engine_rules *self, uint64_t record);
/* Whether that record is to be counted. */
bool engine_rules_counting(const struct engine_rules *self);
/* What sources sent is counted here, by the rule above, and told with the rest. Borrowed; NULL: nothing is. */
void engine_rules_annex(struct engine_rules *self, struct annex_counts *annex);
/* The same of how it was parsed. */
void engine_rules_parses(struct engine_rules *self, struct parse_counts *parses);
/* Losses, the same way. */
void engine_rules_losses(struct engine_rules *self, struct loss_counts *losses);
/* An event that comes by itself, because time went by. */
void engine_rules_late(struct engine_rules *self, const struct event *event);
/* `self` goes on where `before` is, which told all that it counted and goes now. */
void engine_rules_follow(struct engine_rules *self, const struct engine_rules *before);
/* The log is read again from an earlier record: what was counted is not counted twice. */
void engine_rules_resumed(struct engine_rules *self);

/* The body of the next MSG_RULE_STATS; false when there is nothing to tell. `out` is cleared, its limit is
 * RULE_STATS_BYTES. */
bool engine_rules_write(struct engine_rules *self, struct buf *out) MUST_USE;
/* What was just written is under way: it is not told again. There may be more. */
void engine_rules_sent(struct engine_rules *self);
/* A new desk: it hears of all fields again. */
void engine_rules_desk_up(struct engine_rules *self);

#endif
