#include "tlog/witness.h"

#include "base/bytes.h"
#include "base/test.h"

#include <string.h>

#define SIZE 40

static struct tlog_hasher *hasher;
static struct tlog_hash leaves[SIZE];
static struct signing_key *log_key;
static struct signing_key *other_key;
static struct signing_key *own_key;
static struct witness_request request;

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

static const struct tlog_source source = {NULL, hash_at};

static void begin(void)
{
    if (hasher != NULL)
        return;
    hasher = tlog_hasher_new();
    log_key = key_of("qorgan.test/log", NOTE_ED25519, 1);
    other_key = key_of("qorgan.test/other", NOTE_ED25519, 2);
    own_key = key_of("w1.test", NOTE_COSIGNATURE, 11);
    for (uint8_t i = 0; i < SIZE; i++)
        tlog_hash_leaf(hasher, STR_NONE, str_at(&i, 1), &leaves[i]);
}

static struct tlog_head head_of(uint64_t size)
{
    struct tlog_head head = {.size = size};
    CHECK(tlog_root(hasher, &source, size, &head.root, NULL) == RC_OK);
    return head;
}

/* "old <claimed>", the proof from `from` to `size`, the checkpoint of `size` signed by the key. */
static void body_of(uint64_t claimed, uint64_t from, uint64_t size, const struct signing_key *key, struct buf *body)
{
    struct tlog_path path = {0};
    struct tlog_head head = head_of(size);
    struct buf note CLEANUP(buf_done);
    buf_init(&note, NOTE_SIZE_MAX);
    if (from > 0 && from <= size)
        CHECK(tlog_consistency(hasher, &source, from, size, &path, NULL) == RC_OK);
    CHECK(checkpoint_sign(key, str_of(signing_key_public(key)->name), &head, &note, NULL) == RC_OK);
    buf_clear(body);
    witness_request_write(claimed, &path, buf_view(&note), body);
}

/* The status for a witness that saw the tree of `seen` records and knows the log's key. */
static int status_of(struct str body, const struct tlog_head *seen)
{
    struct err err = {0};
    if (witness_request_parse(body, &request, &err) != RC_OK)
        return WITNESS_BAD;
    enum witness_status status = witness_signed(&request, signing_key_public(log_key), 1, &err);
    if (status == WITNESS_COSIGN)
        status = witness_judge(hasher, seen, &request, &err);
    CHECK((status == WITNESS_COSIGN) == (err.text[0] == '\0'));
    return (int)status;
}

static void judges_as_the_specification_says(void)
{
    static const struct {
        uint64_t claimed, from, size, seen;
        int status;
    } rows[] = {
        {0, 0, 0, 0, 200},     {0, 0, 1, 0, 200},     {0, 0, 20, 0, 200},
        {20, 20, 33, 20, 200}, {32, 32, 33, 32, 200}, {33, 33, 33, 33, 200}, /* nothing grew: cosigned anew */
        {21, 21, 20, 20, 400},                                               /* the old size is above the new one */
        {33, 20, 20, 33, 400},                                               /* a smaller tree */
        {0, 0, 33, 20, 409},   {19, 19, 33, 20, 409}, {21, 21, 33, 20, 409},
        {20, 20, 20, 33, 409}, {1, 1, 33, 0, 409},    {20, 21, 33, 20, 422}, /* a proof from elsewhere */
        {20, 0, 33, 20, 422},                                                /* none */
        {0, 5, 33, 0, 422},                                                  /* one where none belongs */
        {33, 20, 33, 33, 422},
    };
    struct buf body CLEANUP(buf_done);
    begin();
    buf_init(&body, WITNESS_REQUEST_MAX);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tlog_head seen = head_of(rows[i].seen);
        test_row("row %zu", i);
        body_of(rows[i].claimed, rows[i].from, rows[i].size, log_key, &body);
        CHECK_INT(status_of(buf_view(&body), &seen), rows[i].status);
    }
    test_row("-");
}

static void another_root(void)
{
    struct buf body CLEANUP(buf_done);
    begin();
    buf_init(&body, WITNESS_REQUEST_MAX);
    struct tlog_head seen = head_of(20);
    seen.root.bytes[0] ^= 1;
    body_of(20, 20, 20, log_key, &body);
    CHECK_INT(status_of(buf_view(&body), &seen), 409);
    body_of(20, 20, 33, log_key, &body);
    CHECK_INT(status_of(buf_view(&body), &seen), 422);
    seen = head_of(0);
    seen.root.bytes[0] ^= 1;
    body_of(0, 0, 0, log_key, &body);
    CHECK_INT(status_of(buf_view(&body), &seen), 409);
}

static void who_signed(void)
{
    struct buf body CLEANUP(buf_done);
    struct tlog_head seen;
    begin();
    buf_init(&body, WITNESS_REQUEST_MAX);
    seen = head_of(0);
    body_of(0, 0, 20, other_key, &body);
    CHECK_INT(status_of(buf_view(&body), &seen), 404);
    /* The right name, another key. */
    struct signing_key *impostor = key_of("qorgan.test/log", NOTE_ED25519, 77);
    body_of(0, 0, 20, impostor, &body);
    CHECK_INT(status_of(buf_view(&body), &seen), 403);
    signing_key_free(impostor);
    /* One key of two is enough; a line that does not verify spoils only itself. */
    body_of(0, 0, 20, log_key, &body);
    struct str at = buf_view(&body);
    body.p[at.n - 6] = body.p[at.n - 6] == 'A' ? 'B' : 'A';
    CHECK_INT(status_of(buf_view(&body), &seen), 403);
}

static void bad_requests(void)
{
    static const char *const rows[] = {
        "",
        "\n",
        "old 0",
        "old 0\n",
        "old 0\n\n",
        "old 00\n\nx",
        "old 01\n\nx",
        "old -1\n\nx",
        "old +1\n\nx",
        "old\n\nx",
        "old  1\n\nx",
        "Old 1\n\nx",
        "old 1 \n\nx",
        "old 1\r\n\nx",
        "new 1\n\nx",
        "old 18446744073709551616\n\nx",
        "old 0\nAAAA\n\nx",
        "old 0\n====\n\nx",
        "old 1\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw\n\nx",
        "old 1\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw= \n\nx",
        "old 1\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=",
    };
    struct buf body CLEANUP(buf_done);
    struct buf text CLEANUP(buf_done);
    begin();
    buf_init(&body, WITNESS_REQUEST_MAX);
    buf_init(&text, WITNESS_REQUEST_MAX);
    struct tlog_head seen = head_of(20);
    body_of(20, 20, 33, log_key, &body);
    size_t split = str_search(buf_view(&body), STR("\n\n"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(status_of(str_of(rows[i]), &seen), 400);
        if (!str_ends(str_of(rows[i]), STR("\n\nx")))
            continue;
        buf_clear(&text); /* before a good checkpoint */
        buf_put(&text, rows[i], strlen(rows[i]) - 1);
        buf_str(&text, str_skip(buf_view(&body), split + 2));
        CHECK_INT(status_of(buf_view(&text), &seen), 400);
    }
    test_row("-");
    buf_clear(&text);
    buf_text(&text, "old 20\n");
    for (int i = 0; i < WITNESS_PROOF_MAX + 1; i++)
        buf_text(&text, "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n");
    buf_str(&text, str_skip(buf_view(&body), split + 1));
    CHECK_INT(status_of(buf_view(&text), &seen), 400);
    for (size_t n = 0; n < body.n; n++)
        CHECK_INT(status_of(str_at(body.p, n), &seen), 400);
}

/* Whatever bit of a good request is turned: it is never cosigned, unless what it says is the same. */
static void any_flip_is_refused(void)
{
    struct buf body CLEANUP(buf_done);
    begin();
    buf_init(&body, WITNESS_REQUEST_MAX);
    struct tlog_head seen = head_of(20);
    body_of(20, 20, 33, log_key, &body);
    for (size_t i = 0; i < body.n; i++) {
        body.p[i] = (char)(body.p[i] ^ 1);
        test_row("byte %zu", i);
        CHECK(status_of(buf_view(&body), &seen) != 200);
        body.p[i] = (char)(body.p[i] ^ 1);
    }
    test_row("-");
    CHECK_INT(status_of(buf_view(&body), &seen), 200);
}

/* A log's growth as a witness remembers it, through the text. */
static void remembers(void)
{
    struct buf body CLEANUP(buf_done);
    struct buf line CLEANUP(buf_done);
    struct buf text CLEANUP(buf_done);
    struct witness_memory memory;
    struct witness_memory back;
    begin();
    buf_init(&body, WITNESS_REQUEST_MAX);
    buf_init(&line, 4096);
    buf_init(&text, NOTE_SIZE_MAX);
    CHECK(witness_memory_init(&memory, STR("a b"), NULL) == RC_INVALID);
    CHECK(witness_memory_init(&memory, STR("qorgan.test/log"), NULL) == RC_OK);
    static const struct {
        uint64_t size, now_s, grown_s;
    } rows[] = {{20, 1000, 1000}, {20, 1010, 1000}, {33, 1020, 1020}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        body_of(memory.head.size, memory.head.size, rows[i].size, log_key, &body);
        CHECK_INT(status_of(buf_view(&body), &memory.head), 200);
        witness_memory_take(&memory, &request, rows[i].now_s);
        buf_clear(&line);
        buf_clear(&text);
        CHECK(signing_key_sign(own_key, request.note.text, rows[i].now_s, &line, NULL) == RC_OK);
        witness_memory_write(&memory, &request, signing_key_public(log_key), 1, buf_view(&line), &text);
        CHECK(witness_memory_parse(buf_view(&text), signing_key_public(own_key), &back, NULL) == RC_OK);
        CHECK(memcmp(&back, &memory, sizeof back) == 0);
        CHECK_INT(back.grown_s, rows[i].grown_s);
        CHECK_INT(back.head.size, rows[i].size);
    }
    for (size_t n = 0; n < text.n; n++)
        CHECK(witness_memory_parse(str_at(text.p, n), signing_key_public(own_key), &back, NULL) == RC_CORRUPT);
    for (size_t i = 0; i < text.n; i++) {
        text.p[i] = (char)(text.p[i] ^ 1);
        test_row("byte %zu", i);
        bool told = witness_memory_parse(buf_view(&text), signing_key_public(own_key), &back, NULL) != RC_OK;
        /* The line of the log is not the witness's to prove, nor is when the tree grew. */
        size_t log_line = str_search(buf_view(&text), STR("\xe2\x80\x94 qorgan.test"));
        bool guarded = i < 23 || (i > 40 && i < log_line) || i >= text.n - line.n;
        CHECK(told || !guarded || str_search(str_at(text.p, 70), STR("grown")) < 70);
        text.p[i] = (char)(text.p[i] ^ 1);
    }
    test_row("-");
}

/* A log that repeats its own line thirty times does not spoil the memory. */
static void repeated_lines(void)
{
    struct buf body CLEANUP(buf_done);
    struct buf many CLEANUP(buf_done);
    struct buf line CLEANUP(buf_done);
    struct buf text CLEANUP(buf_done);
    struct witness_memory memory;
    begin();
    buf_init(&body, WITNESS_REQUEST_MAX);
    buf_init(&many, WITNESS_REQUEST_MAX);
    buf_init(&line, 4096);
    buf_init(&text, NOTE_SIZE_MAX);
    CHECK(witness_memory_init(&memory, STR("qorgan.test/log"), NULL) == RC_OK);
    body_of(0, 0, 20, log_key, &body);
    CHECK_INT(status_of(buf_view(&body), &memory.head), 200);
    buf_str(&many, buf_view(&body));
    for (int i = 1; i < NOTE_SIGNATURES_MAX; i++)
        buf_str(&many, request.note.signature[0].line);
    CHECK_INT(status_of(buf_view(&many), &memory.head), 200);
    witness_memory_take(&memory, &request, 5);
    CHECK(signing_key_sign(own_key, request.note.text, 5, &line, NULL) == RC_OK);
    witness_memory_write(&memory, &request, signing_key_public(log_key), 1, buf_view(&line), &text);
    CHECK(witness_memory_parse(buf_view(&text), signing_key_public(own_key), &memory, NULL) == RC_OK);
}

/* "old 0" and a checkpoint note of n bytes: the text is padded with an extension line. */
static void body_of_length(size_t n, struct buf *body)
{
    struct buf note CLEANUP(buf_done);
    struct tlog_head head = head_of(20);
    const struct tlog_path none = {0};
    size_t padding = 0;
    buf_init(&note, NOTE_SIZE_MAX);
    while (note.n != n) { /* once without padding to see what the rest takes */
        buf_clear(&note);
        checkpoint_write(STR("qorgan.test/log"), &head, &note);
        for (size_t i = 0; i < padding; i++)
            buf_char(&note, i + 1 < padding ? 'x' : '\n');
        struct str text = str_of(buf_z(&note));
        struct buf line CLEANUP(buf_done);
        buf_init(&line, 4096);
        CHECK(signing_key_sign(log_key, text, 0, &line, NULL) == RC_OK);
        buf_char(&note, '\n');
        buf_str(&note, buf_view(&line));
        CHECK(!note.overflow && (padding == 0 || note.n == n));
        padding = n - note.n;
    }
    buf_clear(body);
    witness_request_write(0, &none, buf_view(&note), body);
}

/* What a log may send at most is remembered as a note that parses; a byte more is no request. */
static void longest_checkpoint(void)
{
    struct buf body CLEANUP(buf_done);
    struct buf line CLEANUP(buf_done);
    struct buf text CLEANUP(buf_done);
    struct witness_memory memory;
    struct err err = {0};
    char name[NOTE_NAME_MAX + 1] = {0};
    begin();
    memset(name, 'w', NOTE_NAME_MAX);
    struct signing_key *long_key = key_of(name, NOTE_COSIGNATURE, 12);
    buf_init(&body, WITNESS_REQUEST_MAX);
    buf_init(&line, 4096);
    buf_init(&text, (size_t)2 * NOTE_SIZE_MAX);
    struct tlog_head seen = head_of(0);
    CHECK(witness_memory_init(&memory, STR("qorgan.test/log"), NULL) == RC_OK);
    body_of_length(WITNESS_NOTE_MAX, &body);
    CHECK_INT(status_of(buf_view(&body), &seen), 200);
    witness_memory_take(&memory, &request, TLOG_SIZE_MAX);
    CHECK(signing_key_sign(long_key, request.note.text, TLOG_SIZE_MAX, &line, NULL) == RC_OK);
    witness_memory_write(&memory, &request, signing_key_public(log_key), 1, buf_view(&line), &text);
    CHECK(text.n <= NOTE_SIZE_MAX);
    CHECK(witness_memory_parse(buf_view(&text), signing_key_public(long_key), &memory, NULL) == RC_OK);
    body_of_length(WITNESS_NOTE_MAX + 1, &body);
    CHECK(witness_request_parse(buf_view(&body), &request, &err) == RC_INVALID);
    CHECK(str_starts(str_of(err.text), STR("the checkpoint has 64513 bytes")));
    signing_key_free(long_key);
}

static const struct test tests[] = {
    {"judges as the specification says", judges_as_the_specification_says},
    {"another root", another_root},
    {"who signed", who_signed},
    {"bad requests", bad_requests},
    {"any flip is refused", any_flip_is_refused},
    {"remembers", remembers},
    {"repeated lines", repeated_lines},
    {"longest checkpoint", longest_checkpoint},
};

int main(int argc, char **argv)
{
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    tlog_hasher_free(hasher);
    signing_key_free(log_key);
    signing_key_free(other_key);
    signing_key_free(own_key);
    return status;
}
