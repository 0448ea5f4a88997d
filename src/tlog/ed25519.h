/* ed25519.h - RFC 8032 through OpenSSL, and the message that a cosigner signs. Inside the room. */
#ifndef TLOG_ED25519_H
#define TLOG_ED25519_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* False for a bad signature, a bad key, no memory. */
bool ed25519_verify(const uint8_t public_key[32], struct str message, const uint8_t signature[64]) MUST_USE;
/* "cosignature/v1\ntime <t>\n" and the text (C2SP tlog-cosignature). */
void cosignature_message(uint64_t time_s, struct str text, struct buf *ret_message);

#endif
