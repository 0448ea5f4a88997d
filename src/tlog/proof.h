/* proof.h - C2SP tlog-proof v1: one record's place in a signed tree as text that verifies offline.
 *
 * c2sp.org/tlog-proof@v1
 * extra <base64>          optional; here it carries the leaf: header and raw bytes
 * index <number>
 * <base64 hash>           the path, leaf's sibling first
 *
 * <checkpoint note>       with its signatures and cosignatures */
#ifndef TLOG_PROOF_H
#define TLOG_PROOF_H

#include "base/arena.h"
#include "tlog/policy.h"

#define PROOF_EXTRA_MAX 65536
#define PROOF_SIZE_MAX  (256 * 1024)

struct tlog_proof {
    uint64_t index;
    struct tlog_path path;
    bool has_extra;
    struct str extra; /* not authenticated until it hashes to the leaf that was proven */
    struct str note;  /* the checkpoint, whole */
};

void proof_write(const struct tlog_proof *proof, struct buf *ret_text);
/* extra is decoded into the arena; note is borrowed from the text. */
enum rc proof_parse(struct str text, struct arena *arena, struct tlog_proof *ret_proof, struct err *err) MUST_USE;
/* The checkpoint satisfies the policy and the leaf hash stands at the index in its tree. RC_DENIED: it does not.
 * ret_checkpoint borrows from proof->note. */
enum rc proof_verify(const struct tlog_proof *proof, const struct policy *policy, const struct tlog_hash *leaf,
                     struct checkpoint *ret_checkpoint, struct policy_result *ret_result, struct err *err) MUST_USE;

#endif
