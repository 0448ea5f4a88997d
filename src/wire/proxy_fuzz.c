#include "wire/proxy.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What reads is bounded, needs all of its bytes, and reads the same again from what is written of it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char storage[PROXY_MAX];
    struct buf out;
    struct proxy_header header;
    struct proxy_header again;
    size_t need = 0;
    size_t n = 0;
    enum rc rc = proxy_read(str_at(bytes, size), &header, &need);
    ASSERT(need <= PROXY_MAX && header.hop_count <= PROXY_HOPS_MAX);
    ASSERT(rc != RC_AGAIN || size < need);
    if (rc != RC_OK)
        return 0;
    ASSERT(need <= size);
    ASSERT(need == PROXY_HEAD || proxy_read(str_at(bytes, need - 1), &again, &n) == RC_AGAIN);
    buf_init_fixed(&out, storage, sizeof storage);
    proxy_put(&out, &header);
    ASSERT(!out.overflow && proxy_read(buf_view(&out), &again, &n) == RC_OK && n == out.n);
    ASSERT(again.is_local == header.is_local && again.hop_count == header.hop_count);
    ASSERT(memcmp(&again.from.address, &header.from.address, 16) == 0 && again.from.port == header.from.port);
    ASSERT(memcmp(again.hops, header.hops, sizeof header.hops) == 0);
    return 0;
}
