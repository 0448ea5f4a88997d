/* engine_set.h - under engine: the compiled rules at work, and the next ones, made beside it by a thread.
 *
 *   MSG_RULES ─► set_maker_want ─► thread: read, compile ─► set_maker_take ─► the engine swaps between two records
 *
 * The thread shares nothing with the engine. Events, their pieces that wait to be joined, and what mapping and
 * normaliser know stay as they are: only what judges them is exchanged. */
#ifndef ROLE_ENGINE_SET_H
#define ROLE_ENGINE_SET_H

#include "base/buf.h"
#include "base/err.h"
#include "event/names.h"
#include "role/engine_rules.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stdint.h>

struct engine_set {
    struct rules *rules;
    struct rule_set *compiled;
    struct matcher *matcher;
    struct engine_rules *duties;
    size_t refused;   /* documents */
    uint64_t version; /* as the desk counts; 0: it has not told yet */
    uint64_t digest;  /* rule_bundle_digest */
};

/* Made at once, of a bundle in sealed memory. All or nothing. */
enum rc engine_set_make(int bundle, const struct names *names, struct engine_set *ret_set, struct err *err) MUST_USE;
void engine_set_done(struct engine_set *set); /* an empty one is fine */

/* Members of the record that tells of it: "event", how many rules, and a digest of their meaning. False: no memory. */
bool engine_set_write(const struct engine_set *set, struct buf *out);

struct set_maker;

/* NULL without memory. `names` is borrowed. */
struct set_maker *set_maker_new(const struct names *names);
void set_maker_free(struct set_maker *maker); /* waits for its thread; NULL is fine */
/* A copy of the descriptor is kept. It waits for set_maker_take; the newest wish counts, older ones are forgotten. */
enum rc set_maker_want(struct set_maker *maker, int bundle, uint64_t version, struct err *err) MUST_USE;
bool set_maker_is_at_work(const struct set_maker *maker);
bool set_maker_is_ready(const struct set_maker *maker); /* set_maker_take has something to do */
/* Begins with what is wanted, and gives what is made. RC_AGAIN: nothing is ready. RC_OK: *ret_set is the caller's. Else
 * those rules cannot be had, err says why; ret_set->version is which. */
enum rc set_maker_take(struct set_maker *maker, struct engine_set *ret_set, struct err *err) MUST_USE;

#endif
