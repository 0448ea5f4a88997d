/* factor_reset.h - a second factor taken away from who lost the phone (factor.h): by an administrator, or by who owns
 * the machine, with the service stopped and no session at all. Either way it is a record, the person's sessions end and
 * he is told when he signs in next. */
#ifndef DESK_FACTOR_RESET_H
#define DESK_FACTOR_RESET_H

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

#include <stdint.h>

struct desk;

#define FACTOR_RESET_REASON_MAX 1000u /* bytes */
#define FACTOR_RESET_REASON_MIN 10u   /* characters that say why; fewer say nothing */

struct factor_reset {
    int64_t id; /* of the person */
    struct str user;
    struct str who;
    struct str reason;
};

/* In a transaction of the desk. */
void factor_reset_store(struct desk *desk, const struct factor_reset *reset, int64_t now_ns);
/* The reason as it is kept; false: it says nothing. */
bool factor_reset_reason(struct str text, struct str *ret_reason);

/* In a database that no desk has open, in a transaction of its own. RC_NOT_FOUND: no such person, or none is on.
 * RC_INVALID: the reason says nothing. RC_CORRUPT: the database is of a newer program. */
enum rc desk_factor_reset(struct db *db, struct str user, struct str reason, int64_t now_ns, struct err *err) MUST_USE;

#endif
