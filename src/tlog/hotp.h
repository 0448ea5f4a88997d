/* hotp.h - one-time passwords: HOTP (RFC 4226), and with a time step for a counter TOTP (RFC 6238). HMAC-SHA-1 of
 * libcrypto, which stands behind this room alone.
 *
 * SHA-1 is what the authenticators of people's phones reckon with; that collisions of it can be made says nothing
 * against HMAC (RFC 6194 section 3). Pure: whose counter it is, and that a code counts once, is the caller's. */
#ifndef TLOG_HOTP_H
#define TLOG_HOTP_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define HOTP_SECRET_BYTES 20      /* RFC 4226 section 4, R6: 160 bits */
#define HOTP_DIGITS       6       /* of a code */
#define HOTP_CODES        1000000 /* how many there are */
#define TOTP_STEP_S       30      /* RFC 6238 section 5.2 */

/* The 31 bits of RFC 4226 section 5.3, of which a code is the last digits: value % HOTP_CODES. False without memory, or
 * without SHA-1 in the library; no value then. */
bool hotp_value(struct str secret, uint64_t counter, uint32_t *ret_value) MUST_USE;

#endif
