/* Papers and proofs of exports: nothing that was not signed is accepted; visible text reads back to one form. */
#include "base/assert.h"
#include "paper/certificate.h"
#include "paper/export_proof.h"
#include "paper/seal.h"
#include "paper/sheet.h"
#include "paper/visible.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void run_export(struct str in, const struct policy *policy, struct arena *arena)
{
    static struct export_check check;
    if (export_check_begin(&check, in, policy, arena, NULL) == RC_OK)
        IGNORE(export_check_end(&check, NULL) ==
               RC_OK); /* without a policy a checkpoint passes: only memory is at stake */
    export_check_done(&check);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct policy policy;
    static struct sheet sheet;
    static struct certificate certificate;
    struct policy_result result;
    struct str in = str_at(bytes, size);
    struct str body;
    struct str proof;
    struct str plain;
    struct arena *arena = arena_new((size_t)256 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    if (!arena)
        return 0;
    memset(&policy, 0, sizeof policy);
    policy.no_quorum = true;
    IGNORE(seal_split(in, &body, &proof, NULL) == RC_OK); /* whatever it says */
    memset(&sheet, 0, sizeof sheet);
    ASSERT(sheet_check(in, &policy, arena, &sheet, &result, NULL) != RC_OK);
    arena_reset(arena);
    ASSERT(certificate_check(in, &policy, arena, &certificate, &result, NULL) != RC_OK);
    run_export(in, &policy, arena);
    buf_init(&out, 4 * size + 16);
    visible_put(&out, in);
    ASSERT(visible_read(buf_view(&out), arena, &plain) && str_eq(plain, in));
    arena_free(arena);
    return 0;
}
