/* A header of rpm, from any bytes: in pieces of any size it says the same, and never more than its fields hold. */
#include "agent/rpm_header.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool taken(struct rpm_header *header, struct str input, size_t piece, bool brief)
{
    bool more = true;
    rpm_header_begin(header, input.n, brief);
    for (struct str rest = input; more && rest.n; rest = str_skip(rest, piece))
        more = rpm_header_take(header, str_slice(rest, 0, piece));
    return rpm_header_end(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct rpm_header whole, parts;
    struct str input = str_at(bytes, size);
    size_t piece = size ? (size_t)bytes[size - 1] + 1 : 1;
    for (int brief = 0; brief < 2; brief++) {
        bool good = taken(&whole, input, MAX(size, (size_t)1), brief);
        ASSERT(taken(&parts, input, piece, brief) == good);
        ASSERT(!good || memcmp(&whole.package, &parts.package, sizeof whole.package) == 0);
        ASSERT(strnlen(whole.package.name, sizeof whole.package.name) < sizeof whole.package.name);
        ASSERT(strnlen(whole.package.source, sizeof whole.package.source) < sizeof whole.package.source);
    }
    return 0;
}
