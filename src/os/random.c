#include "os/random.h"

#include "base/assert.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *ret_bytes, size_t n)
{
    char *out = ret_bytes;
    while (n) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        ASSERT(got > 0);
        out += got;
        n -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof value);
    return value;
}
