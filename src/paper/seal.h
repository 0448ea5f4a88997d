/* seal.h - how a paper or an export's proof is bound to the log: a record of the archive (a lifecycle leaf whose event
 * begins with "paper.") holds the SHA-256 of everything above the seal, and the seal proves that record.
 *
 *     <body>
 *     -----BEGIN QORGAN SEAL-----
 *     proof 812
 *     <C2SP tlog-proof of that record>
 *     -----END QORGAN SEAL-----
 *
 * Who can write a paper's record can state what they like; that they stated it, and before which moment, is proven. */
#ifndef PAPER_SEAL_H
#define PAPER_SEAL_H

#include "paper/evidence.h"

/* The record's body: {"event":"paper.KIND","sha256":"…","about":"…"}; `about` is for people. */
void seal_record(struct buf *out, const char *kind, const struct tlog_hash *body, struct str about);
void seal_write(struct buf *out, struct str proof);
/* Cuts the seal off; ret_proof is empty when there is none. RC_INVALID: it is broken. */
enum rc seal_split(struct str text, struct str *ret_body, struct str *ret_proof, struct err *err) MUST_USE;
/* RC_DENIED unless the proven record is a paper's and names this SHA-256. */
enum rc seal_check(const struct proven *proven, const struct tlog_hash *body, struct err *err) MUST_USE;

#endif
