/* A .creds file: what is taken has the form that it must have, and lies in the text; a complaint has nothing of it. */
#include "role/nats_creds.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = str_at(bytes, size);
    struct nats_creds creds;
    struct err err = {.text = ""};
    if (nats_creds_parse(text, &creds, &err) != RC_OK) {
        ASSERT(!creds.jwt.p && !creds.seed.p && err.text[0]);
        return 0;
    }
    ASSERT(creds.jwt.p >= text.p && creds.jwt.p + creds.jwt.n <= text.p + text.n && creds.jwt.n <= NATS_JWT_MAX);
    ASSERT(creds.seed.p >= text.p && creds.seed.p + creds.seed.n <= text.p + text.n && creds.seed.n == NATS_SEED_N);
    ASSERT(memchr(creds.jwt.p, '\n', creds.jwt.n) == NULL && memchr(creds.jwt.p, '\0', creds.jwt.n) == NULL);
    return 0;
}
