/* nats_creds.h - a .creds file of NATS: who a user is (a JWT) and the seed of the key that proves it. Pure; both are
 * secrets, and no error text says anything of them.
 *
 *   -----BEGIN NATS USER JWT-----            any words around; at least three dashes; one value behind each beginning
 *   eyJ0eX...
 *   ------END NATS USER JWT------
 *   -----BEGIN USER NKEY SEED-----
 *   SU...
 *   ------END USER NKEY SEED------
 *
 * Source: NATS documentation, "Decentralized JWT Authentication"; nkeys: base32 of prefix, seed, CRC-16. */
#ifndef ROLE_NATS_CREDS_H
#define ROLE_NATS_CREDS_H

#include "base/err.h"
#include "base/str.h"

#define NATS_JWT_MAX ((size_t)16 << 10)
#define NATS_SEED_N  58u /* characters of a user's seed */

struct nats_creds {
    struct str jwt;  /* into the text */
    struct str seed; /* its form is right; whether its sum is, the library says */
};

/* RC_INVALID: one of the two is missing or has not its form. RC_LIMIT: the JWT is longer than any. */
enum rc nats_creds_parse(struct str text, struct nats_creds *ret_creds, struct err *err) MUST_USE;

#endif
