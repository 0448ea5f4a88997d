/* canary.h - canaries (codec/canary_text.h) on the server: whose they are, the service's own, and what an engine and
 * the desk tell each other of them.
 *
 *   agent ─ stream "canary" ─► intake ─┐
 *   collector ─ one an engine ─────────┴─► keeper ─► engine ─ rule CANARY_RULE ─► MSG_MATCH ─► desk (desk/canary.h)
 *
 * The rule matches the text, whoever wrote it; only of a source of kind CANARY_KIND the desk is told. That kind is
 * given by intake and collector alone: of an agent's certificate, or to the service's own. */
#ifndef ROLE_CANARY_H
#define ROLE_CANARY_H

#include "base/arena.h"
#include "base/buf.h"
#include "desk/canary.h"
#include "event/event.h"
#include "role/match.h"
#include "role/sender.h"
#include "tlog/leaf.h"

#include <stdbool.h>
#include <stdint.h>

#define CANARY_NAME_MAX 40u
#define CANARY_TIMES    24u
#define CANARY_MARKS    64u /* commits that an engine remembers: many more than are made while one record is judged */

/* The service's own source for that engine, of so many: such that this engine judges it. */
void canary_own_source(unsigned engine, unsigned engines, char ret_name[CANARY_NAME_MAX], uint8_t ret_id[16]);

/* --- under collector --- */

struct canary_maker;
/* NULL without memory, or when every_s is 0. */
struct canary_maker *canary_maker_new(unsigned engines, uint32_t every_s, uint64_t epoch, uint64_t now_boot_ns);
void canary_maker_free(struct canary_maker *maker); /* NULL is fine */
/* Puts what is due; raises *tag for each. */
void canary_maker_step(struct canary_maker *maker, struct sender *sender, uint64_t *tag, uint64_t now_boot_ns);

/* --- under engine --- */

struct engine_canary {
    struct {
        uint64_t records;
        int64_t ns;
    } marks[CANARY_MARKS]; /* what was durable when; a ring */
    size_t count;          /* ever, since the log was resumed */
    struct {
        uint64_t from, to;
        int64_t ns;
    } last;                   /* what was asked last: records of one commit come one after another */
    uint64_t own;             /* behind the newest of the service's own that was judged here */
    char times[CANARY_TIMES]; /* of the match being told: i64 received, durable, judged */
};
/* MSG_DURABLE: how many records are durable; `durable` when the body is damaged. */
uint64_t engine_canary_durable(struct engine_canary *canary, struct str body, uint64_t durable);
/* When a record was durable; 0: it is not known. */
int64_t engine_canary_durable_ns(struct engine_canary *canary, uint64_t record);
void engine_canary_resumed(struct engine_canary *canary);
bool canary_is_of(struct str source_kind);
void engine_canary_record(struct engine_canary *canary, const struct leaf *leaf);
/* Completes the match of the canaries' rule. False: another source wrote it, the desk is not told. */
bool engine_canary_match(struct engine_canary *canary, const uint8_t source[16], struct str kind,
                         const struct event *event, struct match *match);

/* --- under desk --- */

/* What such a match says; false: it is none that counts. */
bool canary_of_match(const struct match *match, unsigned engine, struct arena *arena, struct desk_canary *ret_canary);

#endif
