#include "role/import.h"

#include "base/assert.h"
#include "role/match.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str input = str_at(bytes, n);
    enum import_type type;
    struct str body;
    while (import_next(&input, &type, &body) == RC_OK)
        ASSERT(body.n <= n);
    struct match match;
    if (match_read(str_at(bytes, n), &match))
        ASSERT(match.value_count <= RULE_CARRY_MAX);
    return 0;
}
