/* pattern_supply.h - under desk: the patterns that people put into use there, checked, and given to all who parse.
 *
 *   room desk ─ table ─► MSG_PATTERNS ─► engines, query, hunter ─► MSG_PATTERNS_TAKEN ─► room desk: who could not
 *
 * Whoever begins is given them before the rules: no record is parsed without them. */
#ifndef ROLE_PATTERN_SUPPLY_H
#define ROLE_PATTERN_SUPPLY_H

#include "base/err.h"
#include "desk/desk.h"
#include "msg/msg.h"
#include "role/config.h"

struct pattern_supply;

/* Reads the tables of patterns, against which those of people are checked; before the process closes itself in. */
enum rc pattern_supply_new(const struct config *config, struct pattern_supply **ret_self, struct err *err) MUST_USE;
void pattern_supply_free(struct pattern_supply *self); /* NULL is fine */

/* desk_options.pattern_check and patterns_check; the context of the second is the supply. */
enum rc pattern_supply_row_check(const struct desk_pattern *pattern, const char **ret_cell, struct err *err);
enum rc pattern_supply_check(void *self, struct str table, const char **ret_cell, struct err *err);

/* Gives the patterns to all that do not have them. Cheap when all have. */
void pattern_supply_send(struct pattern_supply *self, struct desk *desk);
void pattern_supply_peer_up(struct pattern_supply *self, struct desk *desk, const struct channel *channel);
/* MSG_PATTERNS_TAKEN. */
void pattern_supply_taken(struct desk *desk, const struct channel *channel, const struct msg *msg);

#endif
