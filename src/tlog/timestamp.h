/* timestamp.h - RFC 3161 time stamps of a checkpoint: the request, and the response judged, through OpenSSL. No I/O.
 *
 * What is stamped is the text of the checkpoint, three lines with their newlines, without signature lines: cosignatures
 * may still join the note. `openssl ts -verify` agrees with it: doc/format/tlog.md. Revocation is not looked at: it
 * would need a network. The authority's certificate must have been valid at the time the stamp names. */
#ifndef TLOG_TIMESTAMP_H
#define TLOG_TIMESTAMP_H

#include "base/buf.h"
#include "base/err.h"
#include "tlog/hash.h"

#include <stdint.h>

#define TIMESTAMP_REQUEST_MAX  512
#define TIMESTAMP_RESPONSE_MAX 16384 /* bytes of a TimeStampResp that are looked at */

/* TimeStampReq, DER, over SHA-256; asks for the authority's certificate. RC_LIMIT without memory. */
enum rc timestamp_request(const struct tlog_hash *imprint, uint64_t nonce, struct buf *ret_der,
                          struct err *err) MUST_USE;
/* A TimeStampResp, DER: granted, over that imprint, signed by an authority that a certificate of `ca_pem` vouches for.
 * nonce: what was asked with, NULL when it is not known any more (an offline check). RC_INVALID: not a response.
 * RC_DENIED: it does not prove it; the text says why. */
enum rc timestamp_verify(struct str response, const struct tlog_hash *imprint, const uint64_t *nonce, struct str ca_pem,
                         int64_t *ret_time_s, struct err *err) MUST_USE;

#endif
