#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"
#include "tlog/signer.h"

#include <string.h>

/* Published example of golang.org/x/mod/sumdb/note. */
#define PETER_TEXT                                                                                                     \
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define PETER_LINE                                                                                                     \
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define PETER_VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETER_SKEY "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define ENOCH_LINE                                                                                                     \
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

static struct signing_key *key_of(const char *name, enum note_type type, uint8_t first)
{
    uint8_t seed[32] = {first};
    struct signing_key *key = NULL;
    CHECK(signing_key_from_seed(str_of(name), type, seed, &key, NULL) == RC_OK);
    return key;
}

static void published_example(void)
{
    struct note_key vkey;
    struct signing_key *skey = NULL;
    struct note note;
    struct err err;
    CHECK(note_key_parse(STR(PETER_VKEY), &vkey, &err) == RC_OK);
    CHECK(note_parse(STR(PETER_TEXT "\n" PETER_LINE), &note, &err) == RC_OK);
    CHECK_TEXT(note.text, PETER_TEXT);
    CHECK_INT(note.count, 1);
    CHECK_TEXT(note.signature[0].name, "PeterNeumann");
    CHECK_TEXT(note.signature[0].line, PETER_LINE);
    CHECK(note_verify(&note, &vkey, NULL, &err) == RC_OK);
    CHECK(note_parse(STR(PETER_TEXT "\n" PETER_LINE ENOCH_LINE), &note, &err) == RC_OK);
    CHECK_INT(note.count, 2);
    CHECK_TEXT(note.signature[1].line, ENOCH_LINE);
    CHECK(note_verify(&note, &vkey, NULL, &err) == RC_OK);

    CHECK(signing_key_parse(STR(PETER_SKEY "\n"), &skey, &err) == RC_OK);
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 4096);
    CHECK(signing_key_sign(skey, STR(PETER_TEXT), 0, &out, &err) == RC_OK);
    CHECK_TEXT(buf_view(&out), PETER_LINE);
    buf_clear(&out);
    note_key_write(signing_key_public(skey), &out);
    CHECK_TEXT(buf_view(&out), PETER_VKEY);
    buf_clear(&out);
    signing_key_write(skey, &out);
    CHECK_TEXT(buf_view(&out), PETER_SKEY);
    signing_key_free(skey);
}

static void any_flip_is_noticed(void)
{
    static const char good[] = PETER_TEXT "\n" PETER_LINE;
    struct note_key vkey;
    struct note note;
    char bytes[sizeof(good)];
    CHECK(note_key_parse(STR(PETER_VKEY), &vkey, NULL) == RC_OK);
    for (size_t at = 0; at < sizeof(good) - 1; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bytes, good, sizeof(good));
            bytes[at] = (char)(bytes[at] ^ (1 << bit));
            test_row("byte %zu bit %u", at, bit);
            enum rc rc = note_parse(str_at(bytes, sizeof(good) - 1), &note, NULL);
            if (rc == RC_OK)
                rc = note_verify(&note, &vkey, NULL, NULL);
            CHECK(rc != RC_OK);
        }
    }
    for (size_t n = 0; n < sizeof(good) - 1; n++)
        CHECK(note_parse(str_at(good, n), &note, NULL) == RC_INVALID);
}

static void bad_notes(void)
{
    static const char *const rows[] = {
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        "text\n\n— x",
        "text\n" PETER_LINE,                      /* no empty line */
        "text\n\n" PETER_LINE "\n",               /* ends in an empty line */
        "text\n\n" PETER_LINE "— x\n",            /* no signature */
        "text\n\n— a b AAAAAAA=\n",               /* space in the name */
        "text\n\n— a+b AAAAAAA=\n",               /* plus */
        "text\n\n—  AAAAAAA=\n",                  /* no name */
        "text\n\n- a AAAAAAA=\n",                 /* no dash */
        "text\n\n— a AAAAAAA\n",                  /* base64 without padding */
        "text\n\n— a AAAA\n",                     /* shorter than a key id */
        "text\n\n— a AAAAAA==\n",                 /* key id alone */
        "text\n\n— a\xc2\xa0z AAAAAAA=\n",        /* no-break space */
        "te\x01xt\n\n— a AAAAAAA=\n",             /* control character */
        "te\rxt\n\n— a AAAAAAA=\n",               /* carriage return */
        "te\xffxt\n\n— a AAAAAAA=\n",             /* not UTF-8 */
        "te\xc0\x80xt\n\n— a AAAAAAA=\n",         /* overlong */
        "te\xed\xa0\x80xt\n\n— a AAAAAAA=\n",     /* surrogate */
        "te\xf4\x90\x80\x80xt\n\n— a AAAAAAA=\n", /* past U+10FFFF */
        "te\xe2\x80\n\n— a AAAAAAA=\n",           /* cut sequence */
        "text\n\n— a AAAAAAA=\n\t— b AAAAAAA=\n", /* tab */
        "text\n\n— a AAAAAAA=\nmore\n",           /* not a signature */
    };
    struct note note;
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(note_parse(str_of(rows[i]), &note, &err), RC_INVALID);
    }
    CHECK(note_parse(STR("тіркеу\n\n— журнал AAAAAAA=\n"), &note, &err) == RC_OK);
    CHECK(note_parse(STR("a\n\nb\n\n— x AAAAAAA=\n"), &note, &err) == RC_OK);
    CHECK_TEXT(note.text, "a\n\nb\n");
    CHECK(note_parse(STR("\n\n— x AAAAAAA=\n"), &note, &err) == RC_OK); /* an empty line is a text */
}

static void limits_of_notes(void)
{
    struct buf bytes CLEANUP(buf_done);
    struct note note;
    buf_init(&bytes, 2 * NOTE_SIZE_MAX);
    buf_text(&bytes, PETER_TEXT "\n");
    for (size_t i = 0; i < NOTE_SIGNATURES_MAX - 1; i++)
        buf_format(&bytes, "— witness%zu AAAAAAA=\n", i);
    buf_text(&bytes, PETER_LINE);
    struct note_key vkey;
    CHECK(note_key_parse(STR(PETER_VKEY), &vkey, NULL) == RC_OK);
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_OK);
    CHECK_INT(note.count, NOTE_SIGNATURES_MAX);
    CHECK(note_verify(&note, &vkey, NULL, NULL) == RC_OK);
    buf_text(&bytes, PETER_LINE);
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_LIMIT);

    /* A post-quantum line of 0x06: 4 + 8 + 2420 bytes, read and ignored. */
    static uint8_t big[4 + 8 + 2420];
    static char base64[4096];
    buf_clear(&bytes);
    buf_text(&bytes, PETER_TEXT "\n— mldsa.example ");
    buf_put(&bytes, base64, base64_encode(big, sizeof(big), base64));
    buf_text(&bytes, "\n" PETER_LINE);
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_OK);
    CHECK(note_verify(&note, &vkey, NULL, NULL) == RC_OK);

    buf_clear(&bytes);
    for (size_t i = 0; i < NOTE_SIZE_MAX; i++)
        buf_char(&bytes, 'x');
    buf_text(&bytes, "\n\n" PETER_LINE);
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_LIMIT);
}

static void bad_keys(void)
{
    static const char *const rows[] = {
        "",
        "+",
        "++",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a3+",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW+",
    };
    struct note_key vkey;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(note_key_parse(str_of(rows[i]), &vkey, NULL), RC_INVALID);
    }
    static const char *const private_rows[] = {
        "",
        "PRIVATE+KEY+",
        "PRIVATE+KEY+a+b",
        PETER_VKEY,
        ("PRIVATE+KEY+" PETER_VKEY),
        "PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
        "PRIVATE+KEY+PeterNeumann+c74f20a3+A4EKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
    };
    struct signing_key *key = NULL;
    for (size_t i = 0; i < ARRAY_LEN(private_rows); i++) {
        test_row("private row %zu", i);
        CHECK_INT(signing_key_parse(str_of(private_rows[i]), &key, NULL), RC_INVALID);
        CHECK(key == NULL);
    }
    char name[NOTE_NAME_MAX + 2];
    memset(name, 'n', sizeof(name));
    CHECK(note_name_check(str_at(name, NOTE_NAME_MAX), NULL) == RC_OK);
    CHECK(note_name_check(str_at(name, NOTE_NAME_MAX + 1), NULL) == RC_INVALID);
}

static void signatures_of_others(void)
{
    struct note_key vkey;
    struct note note;
    struct signing_key *other = key_of("PeterNeumann", NOTE_ED25519, 1);
    CHECK(note_key_parse(STR(PETER_VKEY), &vkey, NULL) == RC_OK);
    struct buf bytes CLEANUP(buf_done);
    buf_init(&bytes, 4096);
    buf_text(&bytes, PETER_TEXT "\n");
    CHECK(signing_key_sign(other, STR(PETER_TEXT), 0, &bytes, NULL) == RC_OK);
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_OK);
    CHECK(note_verify(&note, &vkey, NULL, NULL) == RC_NOT_FOUND); /* same name, another key */
    buf_text(&bytes, PETER_LINE);
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_OK);
    CHECK(note_verify(&note, &vkey, NULL, NULL) == RC_OK);
    /* A second line of the known key that does not verify spoils the note. */
    buf_text(&bytes,
             "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ry"
             "yBwJnAA=\n");
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_OK);
    CHECK(note_verify(&note, &vkey, NULL, NULL) == RC_DENIED);
    signing_key_free(other);
}

static void cosignature_carries_time(void)
{
    static const char text[] = "example.com/log\n4\n1Lc0NTt0lKTzVmwNzhHXPkDzWlDXmY+D3jKpOg7Zm4c=\n";
    struct signing_key *witness = key_of("witness.example/w1", NOTE_COSIGNATURE, 9);
    struct note note;
    uint64_t time_s = 0;
    struct buf bytes CLEANUP(buf_done);
    buf_init(&bytes, 4096);
    buf_text(&bytes, text);
    buf_char(&bytes, '\n');
    CHECK(signing_key_sign(witness, str_of(text), 1679315147, &bytes, NULL) == RC_OK);
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_OK);
    CHECK(note_verify(&note, signing_key_public(witness), &time_s, NULL) == RC_OK);
    CHECK_INT(time_s, 1679315147);
    /* The same seed as a plain key is another key. */
    struct signing_key *plain = key_of("witness.example/w1", NOTE_ED25519, 9);
    CHECK(signing_key_public(plain)->id != signing_key_public(witness)->id);
    CHECK(note_verify(&note, signing_key_public(plain), NULL, NULL) == RC_NOT_FOUND);
    /* Time is signed: change a bit of it. */
    uint8_t raw[76];
    size_t n = 0;
    CHECK(base64_decode(note.signature[0].base64, raw, sizeof(raw), &n) && n == 76);
    raw[11] ^= 1;
    char base64[104];
    buf_clear(&bytes);
    buf_text(&bytes, text);
    buf_text(&bytes, "\n— witness.example/w1 ");
    buf_put(&bytes, base64, base64_encode(raw, sizeof(raw), base64));
    buf_char(&bytes, '\n');
    CHECK(note_parse(buf_view(&bytes), &note, NULL) == RC_OK);
    CHECK(note_verify(&note, signing_key_public(witness), NULL, NULL) == RC_DENIED);
    CHECK(signing_key_sign(witness, str_of(text), UINT64_MAX, &bytes, NULL) == RC_INVALID);
    CHECK(signing_key_sign(witness, STR("no newline"), 1, &bytes, NULL) == RC_INVALID);
    signing_key_free(plain);
    signing_key_free(witness);
}

static void generated_keys_differ(void)
{
    struct signing_key *a = NULL;
    struct signing_key *b = NULL;
    CHECK(signing_key_generate(STR("a"), NOTE_ED25519, &a, NULL) == RC_OK);
    CHECK(signing_key_generate(STR("a"), NOTE_ED25519, &b, NULL) == RC_OK);
    CHECK(memcmp(signing_key_public(a)->public_key, signing_key_public(b)->public_key, 32) != 0);
    struct signing_key *none = NULL;
    CHECK(signing_key_generate(STR("a b"), NOTE_ED25519, &none, NULL) == RC_INVALID);
    memory_fail_at(1);
    CHECK(signing_key_generate(STR("a"), NOTE_ED25519, &none, NULL) == RC_LIMIT);
    memory_fail_at(0);
    CHECK(none == NULL);
    signing_key_free(a);
    signing_key_free(b);
    signing_key_free(NULL);
}

static void checkpoints(void)
{
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    struct checkpoint checkpoint;
    CHECK(checkpoint_parse(STR("example.com/behind-the-sofa\n20852163\n" ROOT "\n"), &checkpoint, NULL) == RC_OK);
    CHECK_TEXT(checkpoint.origin, "example.com/behind-the-sofa");
    CHECK_INT(checkpoint.head.size, 20852163);
    CHECK_INT(checkpoint.head.root.bytes[0], 0x0a);
    CHECK_INT(checkpoint.extensions.n, 0);
    struct buf text CLEANUP(buf_done);
    buf_init(&text, 4096);
    checkpoint_write(checkpoint.origin, &checkpoint.head, &text);
    CHECK_TEXT(buf_view(&text), "example.com/behind-the-sofa\n20852163\n" ROOT "\n");
    CHECK(checkpoint_parse(STR("o\n0\n" ROOT "\nextension one\ntwo\n"), &checkpoint, NULL) == RC_OK);
    CHECK_TEXT(checkpoint.extensions, "extension one\ntwo\n");
    static const char *const rows[] = {
        "",
        "\n",
        "o\n1\n",
        "o\n1\n" ROOT,
        "\n1\n" ROOT "\n",
        "o\n01\n" ROOT "\n",
        "o\n+1\n" ROOT "\n",
        "o\n1 \n" ROOT "\n",
        "o\n-1\n" ROOT "\n",
        "o\n18446744073709551616\n" ROOT "\n",
        "o\n18446744073709551615\n" ROOT "\n",
        "o\n\n" ROOT "\n",
        "o\n1\n" ROOT "A\n",
        "o\n1\nAAAA\n",
        "o\n1\n" ROOT "\n\n",
        "o\n1\n" ROOT "\nx\n\ny\n",
        "o\n1\n" ROOT " \n",
        "o\n1\n\n" ROOT "\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(checkpoint_parse(str_of(rows[i]), &checkpoint, NULL), RC_INVALID);
    }
}

static void opened_checkpoint_is_of_the_key(void)
{
    struct signing_key *key = key_of("qorgan.test/a", NOTE_ED25519, 1);
    struct signing_key *other = key_of("qorgan.test/b", NOTE_ED25519, 2);
    struct tlog_head head = {7, {{1, 2, 3}}};
    struct note note;
    struct checkpoint checkpoint;
    struct buf bytes CLEANUP(buf_done);
    buf_init(&bytes, 4096);
    CHECK(checkpoint_sign(key, STR("qorgan.test/b"), &head, &bytes, NULL) == RC_INVALID);
    CHECK(checkpoint_sign(key, STR("qorgan.test/a"), &head, &bytes, NULL) == RC_OK);
    CHECK(checkpoint_open(buf_view(&bytes), signing_key_public(key), &note, &checkpoint, NULL) == RC_OK);
    CHECK_INT(checkpoint.head.size, 7);
    CHECK(checkpoint_open(buf_view(&bytes), signing_key_public(other), &note, &checkpoint, NULL) == RC_NOT_FOUND);
    /* Key b signs a text whose origin is a. */
    buf_clear(&bytes);
    checkpoint_write(STR("qorgan.test/a"), &head, &bytes);
    char text[256];
    CHECK(str_copy_z(buf_view(&bytes), text, sizeof(text)));
    buf_char(&bytes, '\n');
    CHECK(signing_key_sign(other, str_of(text), 0, &bytes, NULL) == RC_OK);
    CHECK(checkpoint_open(buf_view(&bytes), signing_key_public(other), &note, &checkpoint, NULL) == RC_DENIED);
    signing_key_free(key);
    signing_key_free(other);
}

/* ---- signer ---- */

static struct tlog_hasher *hasher;
static struct tlog_hash leaves[64];

static enum rc hash_at(void *context, unsigned height, uint64_t index, struct tlog_hash *ret_hash, struct err *err)
{
    (void)context;
    (void)err;
    tlog_group_node(hasher, leaves, ARRAY_LEN(leaves), height, index, ret_hash);
    return RC_OK;
}

static struct signer_request request_of(uint64_t old_size, uint64_t size, struct tlog_path *path)
{
    struct tlog_source source = {NULL, hash_at};
    struct signer_request request = {STR("qorgan.test/a"), {.size = size}, path, 1000 + (int64_t)size};
    CHECK(tlog_root(hasher, &source, size, &request.head.root, NULL) == RC_OK);
    CHECK(tlog_consistency(hasher, &source, MIN(old_size, size), size, path, NULL) == RC_OK);
    return request;
}

static void signer_begin(struct signer_state *state)
{
    if (hasher == NULL)
        hasher = tlog_hasher_new();
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
        memset(leaves[i].bytes, (int)i, 32);
    CHECK(signer_state_init(state, STR("qorgan.test/a"), NULL) == RC_OK);
}

static void signer_never_forks(void)
{
    struct signer_state state;
    struct tlog_path path;
    struct signing_key *key = key_of("qorgan.test/a", NOTE_ED25519, 1);
    struct buf note CLEANUP(buf_done);
    buf_init(&note, 65536);
    signer_begin(&state);
    struct signer_request request = request_of(0, 0, &path);
    CHECK(signer_sign(&state, key, &request, &state, &note, NULL) == RC_OK);
    static const uint64_t sizes[] = {1, 3, 3, 8, 9, 31, 64};
    uint64_t before = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        test_row("size %llu", (unsigned long long)sizes[i]);
        request = request_of(before, sizes[i], &path);
        buf_clear(&note);
        CHECK(signer_sign(&state, key, &request, &state, &note, NULL) == RC_OK);
        struct note parsed;
        struct checkpoint checkpoint;
        CHECK(checkpoint_open(buf_view(&note), signing_key_public(key), &parsed, &checkpoint, NULL) == RC_OK);
        CHECK_INT(checkpoint.head.size, sizes[i]);
        CHECK_INT(state.head.size, sizes[i]);
        CHECK_INT(state.signed_ns, 1000 + (int64_t)sizes[i]);
        before = sizes[i];
    }
    signing_key_free(key);
}

static void signer_refuses(void)
{
    struct signer_state state;
    struct tlog_path path;
    struct err err;
    struct signing_key *key = key_of("qorgan.test/a", NOTE_ED25519, 1);
    struct buf note CLEANUP(buf_done);
    buf_init(&note, 65536);
    signer_begin(&state);
    struct signer_request request = request_of(0, 20, &path);
    CHECK(signer_sign(&state, key, &request, &state, &note, &err) == RC_OK);
    struct signer_state kept = state;
    buf_clear(&note);

    request = request_of(20, 19, &path); /* smaller */
    CHECK(signer_sign(&state, key, &request, &state, &note, &err) == RC_DENIED);
    request = request_of(20, 20, &path); /* another root */
    request.head.root.bytes[31] ^= 1;
    CHECK(signer_sign(&state, key, &request, &state, &note, &err) == RC_DENIED);
    request = request_of(19, 30, &path); /* a proof from elsewhere */
    CHECK(signer_sign(&state, key, &request, &state, &note, &err) == RC_DENIED);
    request = request_of(20, 30, &path); /* no proof */
    path.count = 0;
    CHECK(signer_sign(&state, key, &request, &state, &note, &err) == RC_DENIED);
    request = request_of(20, 30, &path);
    request.head.size = 33; /* no path of that shape; 31 has the same shape, and a root names no size */
    CHECK(signer_sign(&state, key, &request, &state, &note, &err) == RC_DENIED);
    request = request_of(20, 30, &path);
    request.origin = STR("qorgan.test/b");
    CHECK(signer_sign(&state, key, &request, &state, &note, &err) == RC_DENIED);
    leaves[3].bytes[5] ^= 1; /* history rewritten, and an honest proof of the rewritten one */
    request = request_of(20, 30, &path);
    CHECK(signer_sign(&state, key, &request, &state, &note, &err) == RC_DENIED);
    CHECK_INT(note.n, 0);
    CHECK(memcmp(&kept, &state, sizeof(state)) == 0);

    signer_begin(&kept); /* the leaves as they were */
    for (uint64_t n = 1; n < 8; n++) {
        request = request_of(20, 30, &path);
        memory_fail_at(n);
        buf_done(&note);
        buf_init(&note, 65536);
        enum rc rc = signer_sign(&state, key, &request, &kept, &note, &err);
        memory_fail_at(0);
        CHECK(rc == RC_OK || rc == RC_LIMIT);
    }
    signing_key_free(key);
}

static void signer_state_survives_writing(void)
{
    struct signer_state state;
    struct signer_state back;
    struct tlog_path path;
    struct signing_key *key = key_of("qorgan.test/a", NOTE_ED25519, 1);
    struct buf note CLEANUP(buf_done);
    struct buf text CLEANUP(buf_done);
    buf_init(&note, 65536);
    buf_init(&text, 65536);
    signer_begin(&state);
    for (uint64_t size = 0; size < 60; size += 59) {
        struct signer_request request = request_of(0, size, &path);
        CHECK(signer_sign(&state, key, &request, &state, &note, NULL) == RC_OK);
        buf_clear(&text);
        signer_state_write(&state, &text);
        CHECK(signer_state_parse(buf_view(&text), &back, NULL) == RC_OK);
        CHECK(memcmp(&back, &state, sizeof(state)) == 0);
        for (size_t n = 0; n < text.n - 1; n++)
            CHECK(n == text.n - 2 || signer_state_parse(str_at(text.p, n), &back, NULL) != RC_OK);
    }
    CHECK(signer_state_parse(STR("qorgan signer state v2\na\n0\n"), &back, NULL) == RC_CORRUPT);
    CHECK(signer_state_init(&back, STR("a b"), NULL) == RC_INVALID);
    signing_key_free(key);
}

static const struct test tests[] = {
    {"published example", published_example},
    {"any flip is noticed", any_flip_is_noticed},
    {"bad notes", bad_notes},
    {"limits of notes", limits_of_notes},
    {"bad keys", bad_keys},
    {"signatures of others", signatures_of_others},
    {"cosignature carries time", cosignature_carries_time},
    {"generated keys differ", generated_keys_differ},
    {"checkpoints", checkpoints},
    {"opened checkpoint is of the key", opened_checkpoint_is_of_the_key},
    {"signer never forks", signer_never_forks},
    {"signer refuses", signer_refuses},
    {"signer state survives writing", signer_state_survives_writing},
};

int main(int argc, char **argv)
{
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    tlog_hasher_free(hasher);
    return status;
}
