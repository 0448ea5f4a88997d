/* evidence.h - the part of a paper that a program reads: lines "name value", and blocks of bytes with their length.
 *
 *     -----BEGIN QORGAN EVIDENCE-----
 *     name value
 *     proof 812
 *     <812 bytes: C2SP tlog-proof with the leaf in `extra`, verbatim>
 *     -----END QORGAN EVIDENCE-----
 *
 * Above it stands what people read. A paper is checked by reading this part, verifying its proofs, writing the whole
 * paper anew and comparing: nothing can stand in it that does not follow from what is proven. */
#ifndef PAPER_EVIDENCE_H
#define PAPER_EVIDENCE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tlog/leaf.h"
#include "tlog/policy.h"
#include "tlog/proof.h"

#include <stdbool.h>

#define PAPER_SIZE_MAX    ((size_t)256 << 20)
#define EVIDENCE_BEGIN    "-----BEGIN QORGAN EVIDENCE-----"
#define EVIDENCE_END      "-----END QORGAN EVIDENCE-----"
#define EVIDENCE_SEAL     "-----BEGIN QORGAN SEAL-----"
#define EVIDENCE_SEAL_END "-----END QORGAN SEAL-----"
#define EVIDENCE_NAME_MAX 32
#define EVIDENCE_ZONE_MAX (18 * 3600)
#define EVIDENCE_LINE_MAX 65536 /* of "name value" */

/* Reading, with sticky failure. `line` counts from 1 within the whole paper. */
struct evidence {
    struct str rest;
    size_t line;
    bool failed;
};

/* At the line behind EVIDENCE_BEGIN; failed when there is none. */
struct evidence evidence_of(struct str paper);
/* The value of the next line, which must have that name; "" and failed otherwise. */
struct str evidence_value(struct evidence *evidence, const char *name);
/* Whether the next line has that name. */
bool evidence_next_is(const struct evidence *evidence, const char *name);
uint64_t evidence_number(struct evidence *evidence, const char *name);
/* One number of a value with several, cut at blanks. */
uint64_t evidence_cut(struct evidence *evidence, struct str *value);
/* "name <length>" and that many bytes, which end in a line feed. */
struct str evidence_block(struct evidence *evidence, const char *name);
/* The END line, and nothing behind it. */
bool evidence_end(struct evidence *evidence, const char *end);
void evidence_put_block(struct buf *out, const char *name, struct str bytes);

/* RC_DENIED naming the first line where `paper` is not `again`. */
enum rc evidence_compare(struct str paper, struct str again, struct err *err) MUST_USE;

/* One record with its proof, taken apart; borrowed from the proof's text and the arena. */
struct proven {
    struct tlog_proof proof;
    struct note note;
    struct checkpoint checkpoint;
    struct leaf leaf;
    struct str raw; /* of a LEAF_DIGEST the 32 bytes of the digest */
    struct tlog_hash hash;
};

/* Takes a proof apart: the leaf is carried, its length is the header's and its number the proof's. Proves nothing. */
enum rc proven_read(struct str text, struct tlog_hasher *hasher, struct arena *arena, struct proven *ret_proven,
                    struct err *err) MUST_USE;
/* RC_DENIED unless policy and path hold. */
enum rc proven_verify(const struct proven *proven, const struct policy *policy, struct policy_result *ret_result,
                      struct err *err) MUST_USE;

/* Whether kind and name are those that the source's number was made of: SHA-256 of kind, NUL, name, cut. */
bool evidence_source_is(struct tlog_hasher *hasher, const uint8_t id[16], struct str kind, struct str name);

#endif
