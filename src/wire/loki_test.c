#include "wire/loki.h"

#include "base/test.h"
#include "wire/record_list.h"

#define PUSH(values) "{\"streams\":[{\"stream\":{\"job\":\"j\"},\"values\":[" values "]}]}"

static const struct {
    const char *body;
    const char *want; /* records, or the refusal behind '!' */
} rows[] = {
    {PUSH("[\"1\",\"a \\\"b\\\"\"]"), "[{\"ts\":\"1\",\"message\":\"a \\\"b\\\"\",\"labels\":{\"job\":\"j\"}}]"},
    {PUSH("[\"1\",\"a\",{\"t\":\"x\"}],[\"2\",\"b\"]"),
     "[{\"ts\":\"1\",\"message\":\"a\",\"labels\":{\"job\":\"j\"},\"metadata\":{\"t\":\"x\"}}]"
     "[{\"ts\":\"2\",\"message\":\"b\",\"labels\":{\"job\":\"j\"}}]"},
    {"{\"streams\":[]}", ""},
    {PUSH(""), ""},
    {"{}", "!the body has no array \"streams\""},
    {"{\"streams\":{}}", "!the body has no array \"streams\""},
    {"[]", "!the body has no array \"streams\""},
    {"{\"streams\":[1]}", "!a stream lacks \"stream\" or \"values\""},
    {"{\"streams\":[{\"stream\":{}}]}", "!a stream lacks \"stream\" or \"values\""},
    {"{\"streams\":[{\"stream\":\"{}\",\"values\":[]}]}", "!a stream lacks \"stream\" or \"values\""},
    {PUSH("[1,\"a\"]"), "!value 0 is not [\"nanoseconds\", \"line\"]"},
    {PUSH("[\"x\",\"a\"]"), "!value 0 is not [\"nanoseconds\", \"line\"]"},
    {PUSH("[\"1\",\"a\"],[\"2\"]"), "!value 1 is not [\"nanoseconds\", \"line\"]"},
    {PUSH("[\"1\",2]"), "!value 0 is not [\"nanoseconds\", \"line\"]"},
    {PUSH("[\"1\",\"a\",\"b\"]"), "!value 0 is not [\"nanoseconds\", \"line\"]"},
    {PUSH("[\"1\",\"a\",{},{}]"), "!value 0 is not [\"nanoseconds\", \"line\"]"},
    {PUSH("[]"), "!value 0 is not [\"nanoseconds\", \"line\"]"},
    {PUSH("7"), "!value 0 is not [\"nanoseconds\", \"line\"]"},
};

static void bodies(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf list;
    struct buf got;
    buf_init(&list, 4096);
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct str record;
        test_row("%zu", i);
        buf_clear(&list);
        buf_clear(&got);
        arena_reset(arena);
        if (loki_push_read(arena, str_of(rows[i].body), &list, &err) != RC_OK)
            buf_format(&got, "!%s", err.text);
        for (struct str rest = got.n ? STR_NONE : buf_view(&list); record_list_next(&rest, &record);) {
            buf_char(&got, '[');
            buf_str(&got, record);
            buf_char(&got, ']');
        }
        CHECK_TEXT(buf_view(&got), rows[i].want);
    }
    buf_done(&got);
    buf_done(&list);
    arena_free(arena);
}

/* Every beginning of a good body is refused. */
static void truncations(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct str body = STR(PUSH("[\"1\",\"a\",{\"t\":\"x\"}],[\"2\",\"b\"]"));
    struct buf list;
    buf_init(&list, 4096);
    for (size_t n = 0; n < body.n; n++) {
        test_row("%zu", n);
        arena_reset(arena);
        CHECK_INT(loki_push_read(arena, str_slice(body, 0, n), &list, NULL), RC_INVALID);
    }
    buf_done(&list);
    char storage[32];
    buf_init_fixed(&list, storage, sizeof storage);
    arena_reset(arena);
    CHECK_INT(loki_push_read(arena, body, &list, NULL), RC_LIMIT);
    arena_free(arena);
}

static const struct test tests[] = {
    {"bodies", bodies},
    {"truncations", truncations},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
