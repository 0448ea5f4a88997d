#include "tlog/proof.h"

#include "base/bytes.h"
#include "base/test.h"
#include "tlog/leaf.h"

#include <string.h>

#define SIZE 100

static struct tlog_hasher *hasher;
static struct tlog_hash leaves[SIZE];
static struct signing_key *log_key;
static struct signing_key *witness_key[3];
static struct arena *arena;
static struct policy policy; /* large */

static struct signing_key *key_of(const char *name, enum note_type type, uint8_t first)
{
    uint8_t seed[32] = {first};
    struct signing_key *key = NULL;
    CHECK(signing_key_from_seed(str_of(name), type, seed, &key, NULL) == RC_OK);
    return key;
}

static enum rc hash_at(void *context, unsigned height, uint64_t index, struct tlog_hash *ret_hash, struct err *err)
{
    (void)context;
    (void)err;
    tlog_group_node(hasher, leaves, SIZE, height, index, ret_hash);
    return RC_OK;
}

static struct str leaf_text(uint64_t index, char text[32])
{
    struct buf buf;
    buf_init_fixed(&buf, text, 32);
    buf_format(&buf, "record %llu", (unsigned long long)index);
    return buf_view(&buf);
}

static void begin(void)
{
    if (hasher != NULL)
        return;
    hasher = tlog_hasher_new();
    arena = arena_new(1 << 20);
    log_key = key_of("qorgan.test/log", NOTE_ED25519, 1);
    witness_key[0] = key_of("w1.test", NOTE_COSIGNATURE, 11);
    witness_key[1] = key_of("w2.test", NOTE_COSIGNATURE, 12);
    witness_key[2] = key_of("w3.test", NOTE_COSIGNATURE, 13);
    for (uint64_t i = 0; i < SIZE; i++) {
        char text[32];
        tlog_hash_leaf(hasher, STR_NONE, leaf_text(i, text), &leaves[i]);
    }
}

/* The checkpoint of all leaves, cosigned by the witnesses in the mask. */
static void note_of(unsigned witnesses, struct buf *note)
{
    struct tlog_source source = {NULL, hash_at};
    struct tlog_head head = {.size = SIZE};
    struct buf text CLEANUP(buf_done);
    buf_init(&text, 4096);
    CHECK(tlog_root(hasher, &source, SIZE, &head.root, NULL) == RC_OK);
    checkpoint_write(STR("qorgan.test/log"), &head, &text);
    buf_clear(note);
    CHECK(checkpoint_sign(log_key, STR("qorgan.test/log"), &head, note, NULL) == RC_OK);
    for (unsigned i = 0; i < 3; i++) {
        if ((witnesses >> i) & 1)
            CHECK(signing_key_sign(witness_key[i], buf_view(&text), 1700000000 + i, note, NULL) == RC_OK);
    }
}

static void proof_of(uint64_t index, struct str note, struct str extra, struct buf *text)
{
    static struct tlog_proof proof;
    struct tlog_source source = {NULL, hash_at};
    proof = (struct tlog_proof){.index = index, .has_extra = extra.p != NULL, .extra = extra, .note = note};
    CHECK(tlog_inclusion(hasher, &source, index, SIZE, &proof.path, NULL) == RC_OK);
    buf_clear(text);
    proof_write(&proof, text);
    CHECK(!text->overflow);
}

static void key_text(const struct signing_key *key, struct buf *text)
{
    note_key_write(signing_key_public(key), text);
}

/* log, w1..w3, then what the test adds. */
static void policy_text(const char *rest, struct buf *text)
{
    buf_clear(text);
    buf_text(text, "# whom to believe\nlog ");
    key_text(log_key, text);
    buf_text(text, " https://qorgan.test/\n\n");
    for (unsigned i = 0; i < 3; i++) {
        buf_format(text, " witness\tW%u ", i + 1);
        key_text(witness_key[i], text);
        buf_char(text, '\n');
    }
    buf_text(text, rest);
}

static enum rc check(const struct tlog_proof *proof, const struct tlog_hash *leaf)
{
    struct checkpoint checkpoint;
    struct policy_result result;
    return proof_verify(proof, &policy, leaf, &checkpoint, &result, NULL);
}

static void proof_round(void)
{
    begin();
    struct buf note CLEANUP(buf_done);
    struct buf text CLEANUP(buf_done);
    buf_init(&note, 65536);
    buf_init(&text, 65536);
    note_of(0, &note);
    policy_of_key(signing_key_public(log_key), &policy);
    for (uint64_t i = 0; i < SIZE; i++) {
        char leaf[32];
        static struct tlog_proof back;
        test_row("record %llu", (unsigned long long)i);
        proof_of(i, buf_view(&note), i % 2 ? leaf_text(i, leaf) : STR_NONE, &text);
        CHECK(proof_parse(buf_view(&text), arena, &back, NULL) == RC_OK);
        CHECK_INT(back.index, i);
        CHECK_INT(back.has_extra, i % 2);
        if (back.has_extra)
            CHECK_STR(back.extra, leaf_text(i, leaf));
        CHECK_STR(back.note, buf_view(&note));
        CHECK_INT(check(&back, &leaves[i]), RC_OK);
        CHECK_INT(check(&back, &leaves[(i + 1) % SIZE]), RC_DENIED);
        back.index = (i + 1) % SIZE;
        CHECK_INT(check(&back, &leaves[i]), RC_DENIED);
        struct buf again CLEANUP(buf_done);
        buf_init(&again, 65536);
        back.index = i;
        proof_write(&back, &again);
        CHECK_STR(buf_view(&again), buf_view(&text));
    }
}

/* No change of a proof's text proves anything else than it did: it is refused, or it says the same. */
static void proof_any_flip(void)
{
    begin();
    struct buf note CLEANUP(buf_done);
    struct buf text CLEANUP(buf_done);
    char leaf[32];
    static struct tlog_proof back;
    buf_init(&note, 65536);
    buf_init(&text, 65536);
    note_of(0, &note);
    policy_of_key(signing_key_public(log_key), &policy);
    proof_of(37, buf_view(&note), leaf_text(37, leaf), &text);
    size_t extra_end = str_search(buf_view(&text), STR("\nindex"));
    for (size_t at = 0; at < text.n; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text.p[at] = (char)(text.p[at] ^ (1 << bit));
            test_row("byte %zu bit %u", at, bit);
            arena_reset(arena);
            enum rc rc = proof_parse(buf_view(&text), arena, &back, NULL);
            if (rc == RC_OK && at > 23 && at < extra_end)
                CHECK(!str_eq(back.extra, leaf_text(37, leaf)));
            else if (rc == RC_OK)
                CHECK(check(&back, &leaves[37]) != RC_OK);
            text.p[at] = (char)(text.p[at] ^ (1 << bit));
        }
    }
    for (size_t n = 0; n < text.n; n++) {
        arena_reset(arena);
        enum rc rc = proof_parse(str_at(text.p, n), arena, &back, NULL);
        CHECK(rc != RC_OK || check(&back, &leaves[37]) != RC_OK);
    }
}

static void proof_refused(void)
{
#define HASH "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    begin();
    static const char *const rows[] = {
        "",
        "\n",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v2\nindex 1\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex\n\n",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 1",
        ("c2sp.org/tlog-proof@v1\nindex 1\n" HASH),
        "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx\n",
        "c2sp.org/tlog-proof@v1\nextra %\nindex 1\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 1\nextra AAAA\n\nx\n",
        "c2sp.org/tlog-proof@v1\r\nindex 1\n\nx\n",
    };
    static struct tlog_proof proof;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(proof_parse(str_of(rows[i]), arena, &proof, NULL), RC_INVALID);
    }
    CHECK(proof_parse(STR("c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx\n"), arena, &proof, NULL) == RC_OK);
    CHECK(proof.has_extra && proof.extra.n == 0);
    struct buf text CLEANUP(buf_done);
    buf_init(&text, 1 << 20);
    buf_text(&text, "c2sp.org/tlog-proof@v1\nindex 1\n");
    for (unsigned i = 0; i < 65; i++)
        buf_text(&text, HASH);
    buf_text(&text, "\nx\n");
    CHECK(proof_parse(buf_view(&text), arena, &proof, NULL) == RC_LIMIT);
    for (unsigned i = 0; i < 6000; i++)
        buf_text(&text, HASH);
    CHECK(proof_parse(buf_view(&text), arena, &proof, NULL) == RC_LIMIT);
    struct arena *small = arena_new(16);
    CHECK(proof_parse(STR("c2sp.org/tlog-proof@v1\nextra AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nindex 0\n\nx\n"), small,
                      &proof, NULL) == RC_LIMIT);
    arena_free(small);
}

static void policy_quorums(void)
{
    static const struct {
        const char *rest;
        unsigned needs; /* one bit for each of the 8 sets of witnesses that reaches the quorum */
    } rows[] = {
        {"quorum none\n", 0xff},
        {"quorum W1\n", 0xaa},
        {"quorum W3\n", 0xf0},
        {"group all all W1 W2 W3\nquorum all\n", 0x80},
        {"group x any W1 W2 W3\nquorum x\n", 0xfe},
        {"group x 2 W1 W2 W3\nquorum x\n", 0xe8},
        {"group x 1 W2\nquorum x\n", 0xcc},
        {"group x any W1 W2\ngroup y all x W3\nquorum y\n", 0xe0},
        {"group x all W1 W2\ngroup y any x W3\nquorum y\n", 0xf8},
        {"group x all W1 W2\ngroup y any W3\nquorum x\n", 0x88},
    };
    begin();
    struct buf note CLEANUP(buf_done);
    struct buf text CLEANUP(buf_done);
    buf_init(&note, 65536);
    buf_init(&text, 65536);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        policy_text(rows[i].rest, &text);
        CHECK_INT(policy_parse(buf_view(&text), &policy, NULL), RC_OK);
        CHECK_TEXT(policy.log_url[0], "https://qorgan.test/");
        CHECK_INT(policy.witness[0].url.n, 0);
        for (unsigned set = 0; set < 8; set++) {
            struct note parsed;
            struct checkpoint checkpoint;
            struct policy_result result = {0};
            test_row("policy %zu, witnesses %u", i, set);
            note_of(set, &note);
            CHECK(note_parse(buf_view(&note), &parsed, NULL) == RC_OK);
            CHECK(checkpoint_parse(parsed.text, &checkpoint, NULL) == RC_OK);
            enum rc rc = policy_check(&policy, &parsed, &checkpoint, &result, NULL);
            CHECK_INT(rc, (rows[i].needs >> set) & 1 ? RC_OK : RC_DENIED);
            if (rc == RC_OK)
                CHECK_INT(result.witnesses, set);
            if (rc == RC_OK && (set & 4))
                CHECK_INT(result.time_s[2], 1700000002);
        }
    }
}

static void policy_refused(void)
{
    static const char *const rows[] = {
        "", /* no quorum */
        "quorum\n",
        "quorum W4\n",
        "quorum none",
        "quorum none\nquorum none\n",
        "quorum none none\n",
        "quorum x\ngroup x any W1\n", /* defined later */
        "group x W1\nquorum x\n",
        "group x 0 W1\nquorum x\n",
        "group x 2 W1\nquorum x\n",
        "group x any\nquorum x\n",
        "group x any W1 W1\nquorum x\n",
        "group x any x\nquorum x\n",
        "group x any none\nquorum x\n",
        "group none any W1\nquorum none\n",
        "group W1 any W2\nquorum W1\n",
        "group x any W1\ngroup x any W2\nquorum x\n",
        "group x any W1\ngroup y any W1 W2\nquorum y\n", /* W1 would count twice */
        "group x any W1\ngroup y any x\ngroup z any x\nquorum z\n",
        "logs x\nquorum none\n",
        "log x\nquorum none\n",
        "witness W9\nquorum none\n",
        "quorum none\r\n",
        "quorum none\n\x01\n",
        "log qorgan.test/log\nquorum none\n",
    };
    begin();
    struct err err;
    struct buf text CLEANUP(buf_done);
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        policy_text(rows[i], &text);
        CHECK_INT(policy_parse(buf_view(&text), &policy, &err), RC_INVALID);
    }
    static const char *const twice[] = {"log ", "witness other "};
    for (size_t i = 0; i < 2; i++) {
        policy_text(twice[i], &text);
        key_text(i == 0 ? log_key : witness_key[0], &text);
        buf_text(&text, "\nquorum none\n");
        CHECK_INT(policy_parse(buf_view(&text), &policy, &err), RC_INVALID);
        policy_text(twice[i], &text); /* a key of the wrong kind */
        struct signing_key *wrong = key_of("wrong.test", i == 0 ? NOTE_COSIGNATURE : NOTE_ED25519, 99);
        key_text(wrong, &text);
        signing_key_free(wrong);
        buf_text(&text, "\nquorum none\n");
        CHECK_INT(policy_parse(buf_view(&text), &policy, &err), RC_INVALID);
    }
    CHECK(str_starts(str_of(err.text), STR("policy line 7: ")));
    policy_text("", &text);
    for (unsigned i = 0; i <= POLICY_GROUPS_MAX; i++)
        buf_format(&text, "group g%u any %s%u\n", i, i == 0 ? "W" : "g", i == 0 ? 1 : i - 1);
    buf_text(&text, "quorum none\n");
    CHECK_INT(policy_parse(buf_view(&text), &policy, &err), RC_LIMIT);
    while (text.n <= POLICY_SIZE_MAX)
        buf_text(&text, "# filling\n");
    CHECK_INT(policy_parse(buf_view(&text), &policy, &err), RC_LIMIT);
}

static void policy_wants_the_origin(void)
{
    begin();
    struct buf note CLEANUP(buf_done);
    buf_init(&note, 65536);
    struct note parsed;
    struct checkpoint checkpoint;
    struct policy_result result;
    note_of(0, &note);
    CHECK(note_parse(buf_view(&note), &parsed, NULL) == RC_OK);
    CHECK(checkpoint_parse(parsed.text, &checkpoint, NULL) == RC_OK);
    policy_of_key(signing_key_public(log_key), &policy);
    CHECK(policy_check(&policy, &parsed, &checkpoint, &result, NULL) == RC_OK);
    checkpoint.origin = STR("qorgan.test/other");
    CHECK(policy_check(&policy, &parsed, &checkpoint, &result, NULL) == RC_DENIED);
    policy.log_count = 0;
    CHECK(policy_check(&policy, &parsed, &checkpoint, &result, NULL) == RC_DENIED);
    /* A witness whose line is there but wrong spoils the note although nobody asks for witnesses. */
    struct buf text CLEANUP(buf_done);
    buf_init(&text, 65536);
    policy_text("quorum none\n", &text);
    CHECK_INT(policy_parse(buf_view(&text), &policy, NULL), RC_OK);
    note_of(1, &note);
    size_t last = note.n - 8;
    note.p[last] = note.p[last] == 'A' ? 'B' : 'A';
    CHECK(note_parse(buf_view(&note), &parsed, NULL) == RC_OK);
    CHECK(checkpoint_parse(parsed.text, &checkpoint, NULL) == RC_OK);
    CHECK(policy_check(&policy, &parsed, &checkpoint, &result, NULL) == RC_DENIED);
}

static const struct test tests[] = {
    {"proof there and back", proof_round}, {"proof with any flip", proof_any_flip},
    {"proof refused", proof_refused},      {"policy quorums", policy_quorums},
    {"policy refused", policy_refused},    {"policy wants the origin", policy_wants_the_origin},
};

int main(int argc, char **argv)
{
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    signing_key_free(log_key);
    for (size_t i = 0; i < 3; i++)
        signing_key_free(witness_key[i]);
    arena_free(arena);
    tlog_hasher_free(hasher);
    return status;
}
