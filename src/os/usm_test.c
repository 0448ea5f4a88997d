#include "os/usm.h"

#include "base/bytes.h"
#include "base/test.h"

#include <string.h>

/* RFC 3414 A.3.2. */
#define ENGINE STR("\0\0\0\0\0\0\0\0\0\0\0\x02")

static void keys_of_the_standard(void)
{
    struct usm_key key;
    struct usm_key local;
    char text[2 * USM_KEY_MAX];
    CHECK(usm_key_make(USM_SHA1, STR("maplesyrup"), &key));
    CHECK_TEXT(str_at(text, hex_encode(key.bytes, key.n, text)), "9fb5cc0381497b3793528939ff788d5d79145211");
    CHECK(usm_key_localize(USM_SHA1, &key, ENGINE, &local));
    CHECK_TEXT(str_at(text, hex_encode(local.bytes, local.n, text)), "6695febc9288e36282235fc7151f128497b38f3f");
    CHECK(!usm_key_make(USM_SHA1, STR("1234567"), &key));
    CHECK(!usm_key_make(USM_SHA1, STR(""), &key));
}

static void names(void)
{
    static const struct {
        const char *name;
        bool good;
        size_t key;
        size_t mac;
    } rows[] = {
        {"sha1", true, 20, 12},   {"sha224", true, 28, 16}, {"sha256", true, 32, 24}, {"sha384", true, 48, 32},
        {"sha512", true, 64, 48}, {"md5", false, 0, 0},     {"SHA1", false, 0, 0},    {"", false, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum usm_hash hash;
        struct usm_key key;
        struct usm_key local;
        test_row("%s", rows[i].name);
        CHECK_INT(usm_hash_find(str_of(rows[i].name), &hash), rows[i].good);
        if (!rows[i].good)
            continue;
        CHECK_INT(usm_mac_size(hash), rows[i].mac);
        CHECK(usm_key_make(hash, STR("password"), &key));
        CHECK(usm_key_localize(hash, &key, ENGINE, &local));
        CHECK_INT(key.n, rows[i].key);
        CHECK_INT(local.n, rows[i].key);
    }
}

/* A MAC holds for these bytes and no others; its own field counts as zeroes. RFC 2202 3, test case 1, has the key and
 * the text; the field stands where the text ends. */
static void macs(void)
{
    struct usm_key key = {.n = 20};
    uint8_t mac[USM_MAC_MAX];
    char message[64];
    memset(key.bytes, 0x0b, key.n);
    for (enum usm_hash hash = USM_SHA1; hash <= USM_SHA512; hash++) {
        size_t size = usm_mac_size(hash);
        struct str bytes = str_at(message, 8 + size);
        test_row("hash %d", (int)hash);
        memcpy(message, "Hi There", 8);
        memset(message + 8, 'x', size);
        CHECK(usm_mac(hash, &key, bytes, 8, mac));
        CHECK(!usm_mac_holds(hash, &key, bytes, 8));
        memcpy(message + 8, mac, size);
        CHECK(usm_mac_holds(hash, &key, bytes, 8));
        for (size_t i = 0; i < bytes.n; i++) {
            message[i] ^= 1;
            CHECK(!usm_mac_holds(hash, &key, bytes, 8));
            message[i] ^= 1;
        }
        CHECK(!usm_mac_holds(hash, &key, bytes, 9)); /* past the end */
        CHECK(!usm_mac_holds(hash, &key, bytes, 100));
        key.bytes[0] ^= 1;
        CHECK(!usm_mac_holds(hash, &key, bytes, 8));
        key.bytes[0] ^= 1;
    }
}

/* NIST SP 800-38A F.3.13: CFB128 with AES-128. */
static void cfb_of_the_standard(void)
{
    struct usm_key key = {.n = 20};
    struct usm_vector vector = {.boots = 0x00010203, .time = 0x04050607};
    uint8_t plain[32];
    uint8_t bytes[32];
    char text[64];
    CHECK(hex_decode(STR("2b7e151628aed2a6abf7158809cf4f3c"), key.bytes, 16));
    CHECK(hex_decode(STR("08090a0b0c0d0e0f"), vector.salt, USM_SALT_SIZE));
    CHECK(hex_decode(STR("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"), plain, sizeof plain));
    CHECK(usm_encrypt(&key, &vector, str_at(plain, sizeof plain), bytes));
    CHECK_TEXT(str_at(text, hex_encode(bytes, sizeof bytes, text)),
               "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b");
    for (size_t n = 0; n <= sizeof bytes; n++) { /* no block needs to be whole */
        uint8_t back[32] = {0};
        test_row("%zu bytes", n);
        CHECK(usm_decrypt(&key, &vector, str_at(bytes, n), back));
        CHECK(memcmp(back, plain, n) == 0);
    }
    key.n = 15;
    CHECK(!usm_decrypt(&key, &vector, str_at(bytes, sizeof bytes), plain));
}

static const struct test tests[] = {
    {"keys of the standard", keys_of_the_standard},
    {"names", names},
    {"macs", macs},
    {"CFB of the standard", cfb_of_the_standard},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
