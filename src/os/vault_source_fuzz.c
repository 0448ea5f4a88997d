/* The file that holds a ring which a token sealed. */
#include "os/vault_source.h"

#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t sealed[VAULT_SEALED_MAX];
    static char text[2 * VAULT_SEALED_MAX];
    struct str input = str_at(bytes, size);
    size_t n = 0;
    if (!vault_sealed_read(input, sealed, &n))
        return 0;
    if (n > sizeof sealed)
        __builtin_trap();
    /* There is one way to write them. */
    struct str again = str_at(text, base64_encode(sealed, n, text));
    if (!str_ends(str_trim(input), again))
        __builtin_trap();
    return 0;
}
