/* What the desk asks of the signer for agents: whatever it is, no checkpoint is signed. */
#include "role/agent_signer.h"

#include "os/authority.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct agent_signer *signer_make(void)
{
    static const uint8_t seed[32] = {1};
    struct agent_signer *signer = NULL;
    struct signing_key *key = NULL;
    struct buf authority CLEANUP(buf_done) = {0};
    struct buf secret CLEANUP(buf_done) = {0};
    buf_init(&authority, 8192);
    buf_init(&secret, 8192);
    if (signing_key_from_seed(STR("fuzz/1"), NOTE_ED25519, seed, &key, NULL) != RC_OK ||
        authority_make(STR("fuzz"), 1800000000, &authority, &secret, NULL) != RC_OK ||
        agent_signer_new(buf_view(&authority), buf_view(&secret), key, &signer, NULL) != RC_OK)
        __builtin_trap();
    return signer;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct agent_signer *signer;
    static struct buf answer;
    static int64_t now_ns = INT64_C(1800000000000000000);
    struct str input = str_at(bytes, size);
    if (!signer) {
        signer = signer_make();
        buf_init(&answer, (size_t)1 << 17);
    }
    now_ns += INT64_C(60000000000);
    if (agent_signer_policy(signer, input, now_ns, &answer) && !str_starts(input, STR(POLICY_FIRST_LINE "\nfuzz/1\n")))
        __builtin_trap();
    IGNORE(agent_signer_issue(signer, input, now_ns, &answer));
    return answer.n > 0 ? 0 : -1;
}
