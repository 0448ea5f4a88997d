#include "os/cipher.h"

#include "base/bytes.h"
#include "base/test.h"

#include <string.h>

#define TEXT_MAX 128

static size_t hex(const char *text, void *ret_bytes)
{
    size_t n = strlen(text) / 2;
    CHECK(hex_decode(str_of(text), ret_bytes, n));
    return n;
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test cases 13, 14, 16. */
struct gcm_row {
    const char *key;
    uint32_t section; /* the nonce's first four bytes */
    uint64_t counter;
    const char *associated;
    const char *plain;
    const char *stored; /* ciphertext and tag */
};

static const struct gcm_row gcm_rows[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", 0, 0, "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", 0, 0, "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", 0xcafebabe, UINT64_C(0xfacedbaddecaf888),
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657b"
     "a"
     "637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0ab"
     "c"
     "c9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

static void gcm_vectors(void)
{
    for (size_t i = 0; i < ARRAY_LEN(gcm_rows); i++) {
        const struct gcm_row *row = &gcm_rows[i];
        uint8_t key[CIPHER_KEY_SIZE];
        char plain[TEXT_MAX];
        char want[TEXT_MAX];
        char associated[TEXT_MAX];
        char got[TEXT_MAX];
        char back[TEXT_MAX];
        struct cipher *cipher = NULL;
        test_row("vector %zu", i);
        hex(row->key, key);
        size_t n = hex(row->plain, plain);
        size_t stored = hex(row->stored, want);
        struct cipher_place place = {row->section, row->counter, str_at(associated, hex(row->associated, associated))};
        CHECK_INT(cipher_new(CIPHER_AES_256_GCM, key, &cipher, NULL), RC_OK);
        CHECK_INT(cipher_seal(cipher, &place, str_at(plain, n), got, NULL), RC_OK);
        CHECK_STR(str_at(got, n + CIPHER_TAG_SIZE), str_at(want, stored));
        CHECK(cipher_open(cipher, &place, str_at(got, stored), back));
        CHECK_STR(str_at(back, n), str_at(plain, n));
        cipher_free(cipher);
    }
}

/* What was sealed opens only whole, unchanged, and at its place; in place too. */
static void only_here(void)
{
    uint8_t key[CIPHER_KEY_SIZE] = {7};
    char bytes[64 + CIPHER_TAG_SIZE] = "the bytes that stand at one place and at no other";
    char sealed[sizeof bytes];
    char back[sizeof bytes];
    struct cipher *cipher = NULL;
    struct cipher *stranger = NULL;
    const struct cipher_place place = {3, 17, STR("uuid and more")};
    CHECK_INT(cipher_new(CIPHER_AES_256_GCM, key, &cipher, NULL), RC_OK);
    key[31] ^= 1;
    CHECK_INT(cipher_new(CIPHER_AES_256_GCM, key, &stranger, NULL), RC_OK);
    CHECK_INT(cipher_seal(cipher, &place, str_at(bytes, 64), sealed, NULL), RC_OK);
    CHECK_INT(cipher_seal(cipher, &place, str_at(bytes, 64), bytes, NULL), RC_OK);
    CHECK_STR(str_at(bytes, sizeof bytes), str_at(sealed, sizeof sealed));
    CHECK(!cipher_open(stranger, &place, str_at(sealed, sizeof sealed), back));
    for (size_t i = 0; i < sizeof sealed; i++) {
        test_row("byte %zu", i);
        memcpy(back, sealed, sizeof back);
        back[i] ^= 1;
        CHECK(!cipher_open(cipher, &place, str_at(back, sizeof back), back));
        CHECK(back[0] == 0 && back[63] == 0); /* wiped */
        CHECK(!cipher_open(cipher, &place, str_at(sealed, i), back));
    }
    const struct cipher_place wrong[] = {{2, 17, place.associated}, {3, 18, place.associated}, {3, 17, STR("other")}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        CHECK(!cipher_open(cipher, &wrong[i], str_at(sealed, sizeof sealed), back));
    CHECK(cipher_open(cipher, &place, str_at(sealed, sizeof sealed), sealed));
    CHECK(str_starts(str_at(sealed, 64), STR("the bytes that stand")));
    cipher_free(cipher);
    cipher_free(stranger);
}

/* RFC 3394, 4.6: 256 bits of key data with a 256-bit key. */
static void wrap_vector(void)
{
    uint8_t with[CIPHER_KEY_SIZE];
    uint8_t key[CIPHER_KEY_SIZE];
    uint8_t want[CIPHER_WRAPPED_SIZE];
    uint8_t got[CIPHER_WRAPPED_SIZE];
    uint8_t back[CIPHER_KEY_SIZE];
    hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", with);
    hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f", key);
    hex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21", want);
    CHECK_INT(cipher_wrap(with, key, got, NULL), RC_OK);
    CHECK_STR(str_at(got, sizeof got), str_at(want, sizeof want));
    CHECK(cipher_unwrap(with, got, back));
    CHECK_STR(str_at(back, sizeof back), str_at(key, sizeof key));
    for (size_t i = 0; i < sizeof got; i++) {
        test_row("byte %zu", i);
        got[i] ^= 0x40;
        CHECK(!cipher_unwrap(with, got, back));
        got[i] ^= 0x40;
    }
    with[0] ^= 1;
    CHECK(!cipher_unwrap(with, got, back));
}

/* Computed with HMAC-SHA256 by hand, RFC 5869 without salt. */
static void derive(void)
{
    uint8_t key[CIPHER_KEY_SIZE];
    uint8_t want[40];
    uint8_t got[40];
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    hex("9550dc1182ccf4515d448a78a3d65a3f4a2a0ab845f632bf1a2f9ef82c15438336ebf7f69b01fe1d", want);
    CHECK_INT(cipher_derive(key, STR("qorgan test"), got, sizeof got, NULL), RC_OK);
    CHECK_STR(str_at(got, sizeof got), str_at(want, sizeof want));
    CHECK_INT(cipher_derive(key, STR("qorgan tesT"), got, sizeof got, NULL), RC_OK);
    CHECK(memcmp(got, want, sizeof got) != 0);
}

static void unknown_algorithm(void)
{
    uint8_t key[CIPHER_KEY_SIZE] = {0};
    struct cipher *cipher = NULL;
    struct err err = {0};
    CHECK_TEXT(str_of(cipher_name(CIPHER_AES_256_GCM)), "AES-256-GCM");
    CHECK(!cipher_name(0) && !cipher_name(2));
    CHECK_INT(cipher_new(2, key, &cipher, &err), RC_INVALID);
    CHECK_TEXT(str_of(err.text), "encryption algorithm 2 needs a newer program");
    cipher_free(NULL);
}

static void secret_memory(void)
{
    uint8_t *secret = secret_new(5000);
    CHECK(secret != NULL);
    for (size_t i = 0; i < 5000; i++)
        CHECK(secret[i] == 0);
    memset(secret, 9, 5000);
    secret_wipe(secret, 4000);
    CHECK(secret[0] == 0 && secret[3999] == 0 && secret[4000] == 9);
    secret_free(secret, 5000);
    secret_free(NULL, 1);
}

static const struct test tests[] = {
    {"gcm vectors", gcm_vectors}, {"only here", only_here},       {"wrap vector", wrap_vector},
    {"derive", derive},           {"unknown", unknown_algorithm}, {"secret memory", secret_memory},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
