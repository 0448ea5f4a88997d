/* factor.h - the second factor of people: a code of their phone's (TOTP, RFC 6238: SHA-1, 6 digits, 30 s) behind the
 * password, and ten codes for the day when there is no phone.
 *
 *              begin: password                      confirm: a right code
 *   none ──────────────────────► a secret waits ──────────────────────────► on ──┐ begin: password and code; the old
 *    ▲                           15 minutes                                 │ ▲  │ one holds until the new one is
 *    ├── off: password and code, where the role need not have one ──────────┤ └──┘ confirmed
 *    └── reset: an administrator, never his own; or who owns the machine ───┘
 *
 * A secret is 160 random bits (RFC 4226 section 4, R6), shown once, when it is made. It is kept in the desk's database
 * as the secrets of channels are, for the desk must reckon with it: mode 0600, of the desk's own user, and what is
 * deleted is overwritten (room db). It stands in no record, log, history or answer.
 *
 * A code is taken of the step that is now, the one before or the one after (RFC 6238 section 5.2 and 6), and only of a
 * step above that of the code taken last (RFC 6238 section 5.2: each once). That holds whatever the clock does: where
 * it is put back, codes are refused until it is past the last step again; the recovery codes go on. All three steps are
 * reckoned whichever fits, so that time tells nothing. Of a new factor the confirming code counts as taken.
 *
 * A recovery code is 80 random bits, of which only the SHA-256 is stored: as with tokens there is nothing to guess
 * that a slower digest would protect. New ones void the old ones.
 *
 * Wrong codes are failures of signing in, on the same count (session.c). But not those that confirm: whoever may try
 * has the secret before his eyes.
 *
 * Roles may have to have one (factor.policy; none at first). Who has none then may do nothing but set one up: the desk
 * refuses what he asks, as it does while a password must be changed. Tokens of programs go on: they have no phone, and
 * what they may was said by somebody who was signed in. */
#ifndef DESK_FACTOR_H
#define DESK_FACTOR_H

#include "desk/session.h"

#define FACTOR_CODES 10 /* recovery codes made at a time */

bool factor_is_on(struct desk *desk, int64_t user);
/* The role must have one, and there is none. */
bool factor_is_lacking(struct desk *desk, int64_t user);
/* Members of the answer to a sign-in: "must_enrol", "factor_reset" (which the person does not know of yet). */
void factor_sign_in_put(struct ask *ask, const struct person *person);
/* Member "factor_roles". */
void factor_roles_put(struct desk *desk, struct buf *out);

/* Takes "code" or "recovery" of the question, once: "code" or "recovery". NULL: it was refused, counted and recorded.
 */
const char *factor_take(struct ask *ask, const struct person *person);
/* The step of the code when the secret gives it near now and above `after`; 0: it does not. */
int64_t factor_step(struct desk *desk, struct str secret, struct str code, int64_t after, int64_t now_ns);
/* Ten recovery codes in the place of those that were: member "recovery", the only time. */
void factor_codes_make(struct ask *ask, int64_t user);
int64_t factor_codes_left(struct desk *desk, int64_t user);
/* None is on and none waits. */
void factor_remove(struct desk *desk, int64_t user);

void ask_factor_get(struct ask *ask); /* factor_ask.c, as the next seven */
void ask_factor_begin(struct ask *ask);
void ask_factor_confirm(struct ask *ask);
void ask_factor_codes(struct ask *ask);
void ask_factor_off(struct ask *ask);
void ask_factor_seen(struct ask *ask);
void ask_factor_policy(struct ask *ask);
void ask_factor_reset(struct ask *ask);

#endif
