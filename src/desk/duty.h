/* duty.h - which terms run for an event or incident: whose duties this installation has (setting party), and how the
 * event or incident became known. Inside the room, in a transaction.
 *
 *                              found by our monitoring   told by STS         told by the object's own unit
 *   owner     object           M-14, M-15                M-16, then M-17     -
 *             critical object  M-31, M-32                M-16, then M-17     -
 *   centre    object           M-14, M-15                M-16, then M-17     M-14, M-15
 *             critical object  M-28, M-29                M-16, then M-17     M-32
 *   national  any object       M-04, M-05                -                   M-05
 *
 * Two starts of 72 hours differ on purpose: M-15, M-29 and M-32 run from the confirmation, M-16 and M-17 from the
 * moment STS told. M-16 asks for the results of the analysis of an event; once it is confirmed as an incident M-17
 * takes its place, with the same start. M-05 is no answer that somebody owes within 72 hours but a condition: the owner
 * did not eliminate causes and consequences in them; it is met when the national security committee was told, and never
 * begins to be late when they were eliminated in time. M-33 (severity not determined) is everybody's and not kept here.
 * Source: order 52/НҚ, p.10(1), 12, 22, 24. */
#ifndef DESK_DUTY_H
#define DESK_DUTY_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct desk;
struct incident;
struct buf;

enum duty_party { PARTY_OWNER, PARTY_CENTRE, PARTY_NATIONAL, PARTY_COUNT };
/* The setting's words: "owner", "centre", "national". Empty is the first. */
bool duty_party_find(struct str name, enum duty_party *ret_party);
const char *duty_party_name(enum duty_party party);

/* Stored: new ones stand at the end. */
enum duty_origin { ORIGIN_OWN, ORIGIN_STS, ORIGIN_UNIT, ORIGIN_COUNT };
bool duty_origin_find(struct str name, enum duty_origin *ret_origin); /* "own", "sts", "unit" */
const char *duty_origin_name(enum duty_origin origin);
bool duty_origin_fits(enum duty_party party, enum duty_origin origin);

/* What the terms of an incident follow from. */
struct duty_facts {
    enum duty_party party;
    enum duty_origin origin;
    bool critical;                              /* the object is one of АКИАМО (КВОИКИ) */
    int64_t detected_ns, told_ns, confirmed_ns; /* 0: not so far */
};
/* When what this word starts (data/clocks.tsv) began to run; 0: it does not. Pure. */
int64_t duty_trigger(const struct duty_facts *facts, struct str start);

/* Starts what is to run by now and cancels what is not, after a change of the incident. A term is not begun anew when
 * what it asks for was done since the confirmation. */
void duties_settle(struct desk *desk, const struct incident *incident, struct str who, int64_t now_ns);
/* Members "party", "origin", "told_ns". */
void duties_put(const struct desk *desk, struct buf *json, const struct incident *incident);
/* Member "origins": those that an incident can have here. */
void duties_put_origins(const struct desk *desk, struct buf *json);

#endif
