/* Proofs, policies, frontiers, leaf headers: what is accepted must write back to the same bytes. */
#include "tlog/proof.h"

#include "base/assert.h"
#include "tlog/leaf.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void run_proof(struct str in, struct buf *out)
{
    static struct tlog_proof proof;
    static struct policy policy;
    struct checkpoint checkpoint;
    struct policy_result result;
    struct tlog_hash leaf = {{0}};
    struct arena *arena = arena_new(1 << 20);
    if (arena != NULL && proof_parse(in, arena, &proof, NULL) == RC_OK) {
        proof_write(&proof, out);
        ASSERT(str_eq(buf_view(out), in));
        memset(&policy, 0, sizeof(policy));
        policy.no_quorum = true;
        ASSERT(proof_verify(&proof, &policy, &leaf, &checkpoint, &result, NULL) != RC_OK);
    }
    arena_free(arena);
    IGNORE(policy_parse(in, &policy, NULL) != RC_OK); /* whatever it says */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str in = str_at(bytes, size);
    struct tlog_frontier frontier;
    struct leaf leaf;
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 1 << 20);
    run_proof(in, &out);
    buf_clear(&out);
    if (tlog_frontier_parse(in, &frontier, NULL) == RC_OK) {
        tlog_frontier_write(&frontier, &out);
        ASSERT(str_eq(buf_view(&out), in));
    }
    if (leaf_parse(in, &leaf, NULL) == RC_OK) {
        uint8_t header[LEAF_HEADER_SIZE];
        leaf_write(&leaf, header);
        ASSERT(memcmp(header, bytes, LEAF_HEADER_SIZE) == 0);
    }
    return 0;
}
