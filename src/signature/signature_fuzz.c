#include "signature/signature.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The first byte says what the rest is: a document, or something to be believed. A document that brings all that
 * is to be believed is bad or unknown: its roots are not trusted. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct err err = {0};
    static struct signature_report report;
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = signature_trust_new();
    if (!trust || size == 0)
        return 0;
    struct str rest = str_at(bytes + 1, size - 1);
    if (bytes[0] < SIGNATURE_RESPONSES + 1) {
        enum rc rc = signature_trust_add(trust, (enum signature_kind)bytes[0], rest, &err);
        ASSERT(rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT);
        return 0;
    }
    struct str beside = STR("beside");
    enum rc rc = signature_verify(trust, rest, bytes[0] & 1 ? &beside : NULL, INT64_C(1782777600), &report, &err);
    ASSERT(rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT);
    ASSERT(report.verdict != SIGNATURE_GOOD && report.signer_count <= SIGNATURE_SIGNERS_MAX);
    ASSERT((rc == RC_OK) == (report.signer_count > 0));
    return 0;
}
