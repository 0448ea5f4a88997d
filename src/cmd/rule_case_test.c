#include "cmd/rule_case.h"

#include "base/bytes.h"
#include "base/test.h"

#define PART_BYTES 512u

static const struct rule_case good[] = {
    {.file = "a/b.must.log", .rule = STR_INIT("id"), .title = STR_INIT("T"), .why = "", .took_ns = 7},
    {.file = "info.yml", .verdict = CASE_FAILED, .why = "it held no event"},
    {.file = "r.yml",
     .rule = STR_INIT("0"),
     .title = STR_INIT("\xd2\x9b\x1b"),
     .verdict = CASE_SKIPPED,
     .why = "no samples",
     .took_ns = UINT64_MAX},
};

static void comes_back(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char storage[PART_BYTES];
        struct buf part;
        struct rule_case back;
        struct err err = {0};
        test_row("row %zu", i);
        buf_init_fixed(&part, storage, sizeof storage);
        rule_case_put(&part, &good[i]);
        if (!CHECK_INT(rule_case_take(arena, buf_view(&part), &back, &err), RC_OK))
            continue;
        CHECK_TEXT(str_of(back.file), good[i].file);
        CHECK_STR(back.rule, good[i].rule);
        CHECK_STR(back.title, good[i].title);
        CHECK_TEXT(str_of(back.why), good[i].why);
        CHECK_INT(back.verdict, good[i].verdict);
        CHECK(back.took_ns == good[i].took_ns);
    }
}

static void refuses(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 16);
    char storage[PART_BYTES];
    struct buf part;
    struct rule_case back;
    struct err err = {0};
    buf_init_fixed(&part, storage, sizeof storage);
    rule_case_put(&part, &good[2]);
    for (size_t n = 0; n < part.n; n++) {
        test_row("cut at %zu", n);
        CHECK_INT(rule_case_take(arena, str_at(storage, n), &back, &err), RC_CORRUPT);
    }
    test_row("one byte more");
    CHECK_INT(rule_case_take(arena, str_at(storage, part.n + 1), &back, &err), RC_CORRUPT);
    test_row("another verdict");
    storage[0] = CASE_SKIPPED + 1;
    CHECK_INT(rule_case_take(arena, buf_view(&part), &back, &err), RC_CORRUPT);
    storage[0] = CASE_SKIPPED;
    for (size_t at = 9; at < part.n;) {
        uint32_t n = get_be32(storage + at);
        test_row("a length at %zu", at);
        put_be32(storage + at, UINT32_MAX);
        CHECK_INT(rule_case_take(arena, buf_view(&part), &back, &err), RC_CORRUPT);
        put_be32(storage + at, n);
        at += 4 + n;
    }
    test_row("no room");
    struct arena *small CLEANUP(arena_cleanup) = arena_new(8);
    CHECK_INT(rule_case_take(small, buf_view(&part), &back, &err), RC_LIMIT);
}

static const struct test tests[] = {
    {"a case comes back as it was put", comes_back},
    {"what is no case is refused", refuses},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
