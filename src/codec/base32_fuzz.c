#include "codec/base32.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is read comes back the same when it is written and read again; all bytes can be written and read. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t first[64], again[64];
    size_t n = 0, m = 0;
    char storage[256];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    if (base32_read(str_at(bytes, size), first, sizeof first, &n)) {
        base32_write(&text, first, n, 4);
        ASSERT(!text.overflow && base32_read(buf_view(&text), again, sizeof again, &m));
        ASSERT(n == m && memcmp(first, again, n) == 0);
    }
    buf_clear(&text);
    n = size < sizeof first ? size : sizeof first;
    base32_write(&text, bytes, n, 0);
    ASSERT(!text.overflow && base32_read(buf_view(&text), again, sizeof again, &m));
    ASSERT(n == m && memcmp(bytes, again, n) == 0);
    return 0;
}
