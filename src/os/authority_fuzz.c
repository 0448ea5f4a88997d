/* Certificates that peers show. */
#include "os/authority.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct buf authority;
    static struct buf secret;
    struct str input = str_at(bytes, size);
    struct authority_identity identity;
    char storage[256];
    char digest[AUTHORITY_DIGEST_TEXT];
    struct buf key;
    if (!authority.n) {
        buf_init(&authority, 8192);
        buf_init(&secret, 8192);
        if (authority_make(STR("fuzz"), 1800000000, &authority, &secret, NULL) != RC_OK)
            __builtin_trap();
    }
    buf_init_fixed(&key, storage, sizeof storage);
    /* Nobody finds a certificate of a key that is made anew in each process. */
    if (authority_check(buf_view(&authority), input, 1800000000, &identity, NULL) == RC_OK)
        __builtin_trap();
    if (authority_public_key(input, &key, NULL) == RC_OK && (key.overflow || key.n > AUTHORITY_KEY_MAX))
        __builtin_trap();
    IGNORE(authority_spki_digest(input, digest, NULL));
    IGNORE(authority_server_check(buf_view(&authority), input, 1800000000, NULL));
    return 0;
}
