#include "codec/canary_text.h"

#include "base/test.h"

#include <string.h>

#define UUID  "01234567-89ab-cdef-0123-456789abcdef"
#define NONCE "00112233445566778899aabbccddeeff"

static struct arena *arena;

static enum rc read_text(struct str text, struct canary *canary)
{
    struct err err;
    arena_reset(arena);
    return canary_read(text, arena, canary, &err);
}

static void what_is_written_reads_back(void)
{
    struct canary rows[] = {
        {.agent = UUID,
         .number = 1,
         .made_ns = INT64_C(1795215000123456789),
         .every_s = 300,
         .measured = true,
         .offset_us = -250,
         .error_us = 900},
        {.number = INT64_MAX, .made_ns = 0, .every_s = CANARY_EVERY_MAX},
        {.number = 7, .made_ns = INT64_MAX, .every_s = 1, .measured = true, .error_us = UINT32_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char storage[CANARY_BYTES_MAX];
        struct canary got;
        struct buf out;
        memset(rows[i].nonce, (int)i + 1, sizeof rows[i].nonce);
        buf_init_fixed(&out, storage, sizeof storage);
        canary_write(&out, &rows[i]);
        test_row("%zu", i);
        CHECK(!out.overflow);
        CHECK_INT(read_text(buf_view(&out), &got), RC_OK);
        CHECK(strcmp(got.agent, rows[i].agent) == 0 && memcmp(got.nonce, rows[i].nonce, CANARY_NONCE) == 0);
        CHECK_INT(got.number, rows[i].number);
        CHECK_INT(got.made_ns, rows[i].made_ns);
        CHECK_INT(got.every_s, rows[i].every_s);
        CHECK_INT(got.measured, rows[i].measured);
        CHECK_INT(got.offset_us, rows[i].offset_us);
        CHECK_INT(got.error_us, rows[i].error_us);
        for (size_t cut = 0; cut < out.n; cut++)
            CHECK(read_text(str_slice(buf_view(&out), 0, cut), &got) != RC_OK);
    }
}

#define BODY(event, agent, number, nonce, made, every, more)                                                           \
    "{\"event\":\"" event "\",\"agent\":\"" agent "\",\"number\":" number ",\"nonce\":\"" nonce "\",\"made_ns\":" made \
    ",\"every_s\":" every more "}"

static void what_is_no_canary(void)
{
    static const char *const rows[] = {
        "",
        "[]",
        "\"qorgan.canary\"",
        "{}",
        "{\"event\":\"qorgan.canary\"}",
        BODY("agent.start", UUID, "1", NONCE, "5", "300", ""),
        BODY("qorgan.canary", "somebody", "1", NONCE, "5", "300", ""),
        BODY("qorgan.canary", "0123456789ab-cdef-0123-456789abcdef-", "1", NONCE, "5", "300", ""),
        BODY("qorgan.canary", "01234567-89AB-CDEF-0123-456789ABCDEF", "1", NONCE, "5", "300", ""),
        BODY("qorgan.canary", UUID, "0", NONCE, "5", "300", ""),
        BODY("qorgan.canary", UUID, "-1", NONCE, "5", "300", ""),
        BODY("qorgan.canary", UUID, "1.5", NONCE, "5", "300", ""),
        BODY("qorgan.canary", UUID, "\"1\"", NONCE, "5", "300", ""),
        BODY("qorgan.canary", UUID, "9223372036854775808", NONCE, "5", "300", ""),
        BODY("qorgan.canary", UUID, "1", "0011", "5", "300", ""),
        BODY("qorgan.canary", UUID, "1", NONCE "00", "5", "300", ""),
        BODY("qorgan.canary", UUID, "1", NONCE, "-5", "300", ""),
        BODY("qorgan.canary", UUID, "1", NONCE, "null", "300", ""),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "0", ""),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "86401", ""),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "300", ",\"offset_us\":1"),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "300", ",\"offset_us\":1,\"error_us\":-1"),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "300", ",\"offset_us\":1,\"error_us\":4294967296"),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "300", ",\"offset_us\":9223372036854775807,\"error_us\":1"),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "300", ",\"offset_us\":\"1\",\"error_us\":1"),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "300",
             ",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1"),
        BODY("qorgan.canary", UUID, "1", NONCE, "5", "300", ",\"a\":[[[[1]]]]"),
    };
    static char large[CANARY_BYTES_MAX + 2];
    struct canary canary;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i]);
        CHECK(read_text(str_of(rows[i]), &canary) != RC_OK);
    }
    memset(large, ' ', sizeof large - 1);
    memcpy(large, BODY("qorgan.canary", UUID, "1", NONCE, "5", "300", ""),
           strlen(BODY("qorgan.canary", UUID, "1", NONCE, "5", "300", "")));
    CHECK_INT(read_text(str_at(large, CANARY_BYTES_MAX), &canary), RC_OK);
    CHECK_INT(read_text(str_at(large, CANARY_BYTES_MAX + 1), &canary), RC_INVALID);
}

static void pauses_are_near_the_interval(void)
{
    for (uint64_t random = 0; random < 1000; random++) {
        uint64_t many = random * UINT64_C(0x9e3779b97f4a7c15);
        uint64_t pause = canary_pause_ns(300, many), first = canary_first_ns(300, many);
        CHECK(pause >= UINT64_C(270000000000) && pause <= UINT64_C(330000000000));
        CHECK(first >= UINT64_C(30000000000) && first <= UINT64_C(60000000000));
    }
    CHECK(canary_pause_ns(300, 0) != canary_pause_ns(300, 1));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is written reads back, no part of it does", what_is_written_reads_back},
        {"what is no canary", what_is_no_canary},
        {"pauses are near the interval", pauses_are_near_the_interval},
    };
    arena = arena_new((size_t)1 << 20);
    int failed = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return failed;
}
