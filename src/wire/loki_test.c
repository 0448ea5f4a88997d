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

static void binary_bodies(void)
{
    static const struct {
        struct str bytes;
        const char *want; /* records, or the refusal behind '!' */
    } all[] = {
        {STR_INIT(""), ""},
        {STR_INIT("\x0a\x04\x0a\x02{}"), ""},
        {STR_INIT("\x0a\x14\x0a\x07{a=\"b\"}\x12\x09\x0a\x04\x08\x02\x10\x03\x12\x01x"),
         "[{\"ts\":\"2000000003\",\"message\":\"x\",\"labels\":{\"a\":\"b\"}}]"},
        {STR_INIT("\x0a\x19\x12\x0c\x1a\x06\x0a\x01t\x12\x01v\x12\x02yz\x0a\x09{ a=\"\\\"\"}"),
         "[{\"ts\":\"0\",\"message\":\"yz\",\"labels\":{\"a\":\"\\\"\"},\"metadata\":{\"t\":\"v\"}}]"},
        {STR_INIT("\x0a\x18\x0a\x10{a=\"b\", c=\"\\n\",}\x12\x04\x12\x02yz"),
         "[{\"ts\":\"0\",\"message\":\"yz\",\"labels\":{\"a\":\"b\",\"c\":\"\\n\"}}]"},
        {STR_INIT("\x0a\x05"), "!the body is no protobuf message"},
        {STR_INIT("\x0a\x02\x0a\x05"), "!the body is no protobuf message"},
        {STR_INIT("{\"streams\":[]}"), "!the body is no protobuf message"},
        {STR_INIT("\x0a\x03\x0a\x01{"), "!labels of a stream do not read"},
        {STR_INIT("\x0a\x03\x0a\x01x"), "!labels of a stream do not read"},
        {STR_INIT("\x0a\x06\x0a\x04{a=}"), "!labels of a stream do not read"},
        {STR_INIT("\x0a\x08\x0a\x06{a=\"b}"), "!labels of a stream do not read"},
        {STR_INIT("\x0a\x0a\x0a\x08{a=\"b\"}x"), "!labels of a stream do not read"},
        {STR_INIT("\x0a\x0d\x0a\x0b{a=\"b\"c=\"\"}"), "!labels of a stream do not read"},
        {STR_INIT("\x0a\x04\x12\x02\x12\x05"), "!an entry does not read"},
        {STR_INIT("\x0a\x05\x12\x03\x0a\x01\x08"), "!an entry does not read"},
        {STR_INIT("\x0a\x06\x12\x04\x1a\x02\x0a\x05"), "!an entry does not read"},
        {STR_INIT("\x0a\x0a\x12\x08\x0a\x06\x10\x80\xa8\xd6\xb9\x07"), "!an entry does not read"},
    };
    struct buf list;
    struct buf got;
    buf_init(&list, 4096);
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct err err = {0};
        struct str record;
        test_row("%zu", i);
        buf_clear(&list);
        buf_clear(&got);
        if (loki_binary_read(all[i].bytes, &list, &err) != RC_OK)
            buf_format(&got, "!%s", err.text);
        for (struct str rest = got.n ? STR_NONE : buf_view(&list); record_list_next(&rest, &record);) {
            buf_char(&got, '[');
            buf_str(&got, record);
            buf_char(&got, ']');
        }
        CHECK_TEXT(buf_view(&got), all[i].want);
    }
    buf_done(&got);
    buf_done(&list);
}

static const struct test tests[] = {
    {"bodies", bodies},
    {"truncations", truncations},
    {"binary bodies", binary_bodies},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
