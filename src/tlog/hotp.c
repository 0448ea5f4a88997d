#include "tlog/hotp.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SHA1_SIZE 20

bool hotp_value(struct str secret, uint64_t counter, uint32_t *ret_value)
{
    uint8_t text[8], mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    ASSERT(secret.n > 0 && secret.n <= INT32_MAX);
    put_be64(text, counter);
    *ret_value = 0;
    bool made = HMAC(EVP_sha1(), secret.p, (int)secret.n, text, sizeof text, mac, &n) != NULL && n == SHA1_SIZE;
    if (made)
        *ret_value = get_be32(mac + (mac[SHA1_SIZE - 1] & 15)) & 0x7fffffff;
    OPENSSL_cleanse(mac, sizeof mac);
    return made;
}
