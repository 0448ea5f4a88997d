#include "codec/json.h"

#include "base/test.h"

#include <string.h>

#define MEMORY ((size_t)8 << 20)

/* --- what is accepted, what is refused --- */

static enum rc parse_rc(struct str text, uint32_t depth)
{
    struct arena *arena = arena_new(MEMORY);
    struct json_value *value = NULL;
    if (arena == NULL)
        return RC_LIMIT;
    enum rc rc = json_parse(arena, text, depth, &value, NULL);
    CHECK((rc == RC_OK) == (value != NULL));
    arena_free(arena);
    return rc;
}

static void accepts(void)
{
    static const char *const rows[] = {
        "0",
        "-0",
        "-1.5e+10",
        "1E5",
        "\"\"",
        "null",
        " true ",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":1,\"a\":2}",
        "\t{\r\n\"a\" : [ 1 , 2 ] }\n",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\x7f\"",
        "\xef\xbb\xbf[1]",
        "\"\xff\"",
        "\"a string longer than sixteen bytes so that blocks are used\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu %s", i, rows[i]);
        CHECK_INT(parse_rc(str_of(rows[i]), 8), RC_OK);
    }
}

static void refuses(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", "invalid JSON at byte 0: the text ends too early"},
        {" ", "invalid JSON at byte 1: the text ends too early"},
        {"[", "invalid JSON at byte 1: the text ends too early"},
        {"[1", "invalid JSON at byte 2: the text ends too early"},
        {"[1,", "invalid JSON at byte 3: the text ends too early"},
        {"[1,]", "invalid JSON at byte 3: not a value"},
        {"[,1]", "invalid JSON at byte 1: not a value"},
        {"[1 2]", "invalid JSON at byte 3: a comma or closing bracket is missing"},
        {"[1}", "invalid JSON at byte 2: bracket closes nothing"},
        {"{]", "invalid JSON at byte 1: a key in quotes is missing"},
        {"{\"a\"", "invalid JSON at byte 4: the text ends too early"},
        {"{\"a\":", "invalid JSON at byte 5: the text ends too early"},
        {"{\"a\" 1}", "invalid JSON at byte 5: a colon is missing behind the key"},
        {"{\"a\":1,}", "invalid JSON at byte 7: a key in quotes is missing"},
        {"{a:1}", "invalid JSON at byte 1: a key in quotes is missing"},
        {"{1:1}", "invalid JSON at byte 1: a key in quotes is missing"},
        {"{\"a\":1 \"b\":2}", "invalid JSON at byte 7: a comma or closing bracket is missing"},
        {"]", "invalid JSON at byte 0: not a value"},
        {"1 2", "invalid JSON at byte 2: more text behind the value"},
        {"{}}", "invalid JSON at byte 2: more text behind the value"},
        {"01", "invalid JSON at byte 2: not a number"},
        {"-", "invalid JSON at byte 1: not a number"},
        {"1.", "invalid JSON at byte 2: not a number"},
        {".5", "invalid JSON at byte 0: not a value"},
        {"1e", "invalid JSON at byte 2: not a number"},
        {"1e+", "invalid JSON at byte 3: not a number"},
        {"+1", "invalid JSON at byte 0: not a value"},
        {"NaN", "invalid JSON at byte 0: not a value"},
        {"tru", "invalid JSON at byte 0: not a value"},
        {"nulll", "invalid JSON at byte 4: more text behind the value"},
        {"'a'", "invalid JSON at byte 0: not a value"},
        {"\"a", "invalid JSON at byte 2: the text ends inside a string"},
        {"\"\\\"", "invalid JSON at byte 3: the text ends inside a string"},
        {"\"a\nb\"", "invalid JSON at byte 2: control character inside a string"},
        {"\"a long text with a tab\there\"", "invalid JSON at byte 23: control character inside a string"},
        {"\"\\x41\"", "invalid JSON at byte 1: unknown or cut escape"},
        {"\"\\u12g4\"", "invalid JSON at byte 1: unknown or cut escape"},
        {"\"\\u12", "invalid JSON at byte 1: unknown or cut escape"},
        {"\"\\", "invalid JSON at byte 1: unknown or cut escape"},
        {"[[[[[[[[[1]]]]]]]]]", "invalid JSON at byte 8: nested too deeply"},
        {"/* */1", "invalid JSON at byte 0: not a value"},
        {"\xff", "invalid JSON at byte 0: not a value"},
    };
    struct arena *arena = arena_new(MEMORY);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct json_value *value = NULL;
        test_row("%zu %s", i, rows[i].text);
        CHECK(json_parse(arena, str_of(rows[i].text), 8, &value, &err) != RC_OK);
        CHECK_TEXT(str_of(err.text), rows[i].want);
    }
    CHECK_INT(parse_rc(str_at("\"a\0b\"", 5), 8), RC_INVALID);
    CHECK_INT(parse_rc(str_at("1\0", 2), 8), RC_INVALID);
    arena_free(arena);
}

static void bombs(void)
{
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 10000; i++)
        buf_text(&buf, i % 2 ? "{\"a\":" : "[");
    CHECK_INT(parse_rc(buf_view(&buf), JSON_DEPTH), RC_LIMIT);
    CHECK_INT(parse_rc(buf_view(&buf), UINT32_MAX), RC_LIMIT);
    buf_clear(&buf);
    for (uint32_t i = 0; i < JSON_DEPTH_MAX; i++)
        buf_char(&buf, '[');
    for (uint32_t i = 0; i < JSON_DEPTH_MAX; i++)
        buf_char(&buf, ']');
    CHECK_INT(parse_rc(buf_view(&buf), JSON_DEPTH_MAX), RC_OK);
    CHECK_INT(parse_rc(buf_view(&buf), JSON_DEPTH_MAX - 1), RC_LIMIT);
    buf_done(&buf);
}

/* --- strings --- */

static void strings(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u0416\\u20ac\"", "A\xc3\xa9\xd0\x96\xe2\x82\xac"},
        {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!"},
        {"\"\\udbff\\udfff\\ud800\\udc00\"", "\xf4\x8f\xbf\xbf\xf0\x90\x80\x80"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n"},
        {"\"\xd0\x96\xff\"", "\xd0\x96\xef\xbf\xbd"},
        {"\"\\n\xff\\n\"", "\n\xef\xbf\xbd\n"},
        {"\"C:\\\\Windows\\\\System32\\\\config\\\\systemprofile\\\\x.exe\"",
         "C:\\Windows\\System32\\config\\systemprofile\\x.exe"},
        {"\"0123456789abcde\\n0123456789abcdef\\n\"", "0123456789abcde\n0123456789abcdef\n"},
    };
    struct arena *arena = arena_new(MEMORY);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_value *value = NULL;
        test_row("%zu %s", i, rows[i].text);
        if (CHECK_INT(json_parse(arena, str_of(rows[i].text), 8, &value, NULL), RC_OK))
            CHECK_TEXT(json_str(value, STR("?")), rows[i].want);
    }
    arena_free(arena);
}

static void accessors(void)
{
    static const char text[] =
        "{\"a\":{\"b\":[1,2,3]},\"s\":\"x\",\"n\":-5,\"f\":1.5,\"t\":true,\"z\":null,\"s\":\"y\",\"big\":"
        "99999999999999999999}";
    struct arena *arena = arena_new(MEMORY);
    struct json_value *root = NULL;
    CHECK_INT(json_parse(arena, str_of(text), 8, &root, NULL), RC_OK);
    CHECK_INT(root->count, 8);
    CHECK_TEXT(json_str(json_get(root, "s"), STR("")), "x");
    CHECK_TEXT(json_str(json_get(root, "n"), STR("none")), "none");
    CHECK_INT(json_int(json_get(root, "n"), 0), -5);
    CHECK_INT(json_int(json_get(root, "f"), 7), 7);
    CHECK_INT(json_int(json_get(root, "big"), 7), 7);
    CHECK_INT(json_int(json_get(root, "absent"), 7), 7);
    CHECK(json_double(json_get(root, "f"), 0) > 1.4);
    CHECK(json_bool(json_get(root, "t"), false) && json_bool(json_get(root, "z"), true));
    const struct json_value *a = json_get(root, "a");
    CHECK_TEXT(a->text, "{\"b\":[1,2,3]}");
    const struct json_value *item = json_first(json_get(a, "b"));
    CHECK_INT(json_int(item, 0), 1);
    CHECK_INT(json_int(item->next->next, 0), 3);
    CHECK(item->next->next->next == NULL);
    CHECK(json_get(item, "x") == NULL && json_get(NULL, "x") == NULL && json_first(NULL) == NULL);
    arena_free(arena);
}

/* --- flattening --- */

static void show_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    static const char letters[] = "0ftnsao";
    buf_format(context, "%.*s %c %.*s\n", STR_ARG(path), letters[kind], STR_ARG(value));
}

static void flattens(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"1", " n 1\n"},
        {"{}", ""},
        {"[]", ""},
        {"{\"a\":1,\"b\":\"x\"}", "a n 1\nb s x\n"},
        {"{\"a\":{\"b\":true},\"c\":null}", "a.b t true\na o {\"b\":true}\nc 0 null\n"},
        {"{\"a\":[1,[2,{\"b\":3}],4]}", "a n 1\na n 2\na.b n 3\na o {\"b\":3}\na n 4\n"},
        {"{\"a\":{},\"b\":[]}", "a o {}\n"},
        {"[{\"a\":1},{\"a\":2}]", "a n 1\na n 2\n"},
        {"{\"a.b\":{\"\":1}}", "a.b. n 1\na.b o {\"\":1}\n"},
        {"{\"\\u0061\":\"\\n\"}", "a s \n\n"},
        {"{\"a\":1}x", "a n 1\ninvalid"},
    };
    struct arena *arena = arena_new(MEMORY);
    struct buf buf;
    buf_init(&buf, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu %s", i, rows[i].text);
        buf_clear(&buf);
        enum rc rc = json_flatten(arena, str_of(rows[i].text), show_leaf, &buf, NULL, NULL);
        buf_text(&buf, rc == RC_OK ? "" : rc_name(rc));
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    buf_done(&buf);
    arena_free(arena);
}

static void count_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    CHECK(path.n <= JSON_PATH_MAX && kind <= JSON_OBJECT && value.p != NULL);
    (*(uint32_t *)context)++;
}

static void flatten_limits(void)
{
    struct arena *arena = arena_new(MEMORY);
    struct buf buf;
    uint32_t leaves = 0;
    uint32_t lost = 0;
    buf_init(&buf, 1 << 20);
    json_write_array(&buf);
    for (int i = 0; i < 600; i++)
        json_write_int(&buf, i);
    json_write_array_end(&buf);
    CHECK_INT(json_flatten(arena, buf_view(&buf), count_leaf, &leaves, &lost, NULL), RC_OK);
    CHECK_INT(leaves, 512);
    CHECK_INT(lost, 88);

    buf_clear(&buf); /* {"k...k":{"k...k":1}}: the inner path is too long, by one byte */
    for (int level = 0; level < 2; level++) {
        buf_text(&buf, "{\"");
        for (int i = 0; i < 512; i++)
            buf_char(&buf, 'k');
        buf_text(&buf, "\":");
    }
    buf_text(&buf, "1},\"b\":2}");
    buf_text(&buf, "");
    leaves = 0;
    CHECK_INT(json_flatten(arena, buf_view(&buf), count_leaf, &leaves, &lost, NULL), RC_OK);
    CHECK_INT(leaves, 2);
    CHECK_INT(lost, 1);

    buf_clear(&buf);
    for (int i = 0; i < 10000; i++)
        buf_text(&buf, "{\"a\":");
    CHECK_INT(json_flatten(arena, buf_view(&buf), count_leaf, &leaves, &lost, NULL), RC_LIMIT);
    buf_done(&buf);
    arena_free(arena);
}

/* --- writing --- */

static void writes(void)
{
    char memory[512];
    struct buf buf;
    buf_init_fixed(&buf, memory, sizeof memory);
    json_write_object(&buf);
    json_put_text(&buf, "a", "x\"\\\n\x01\x7f/</script>");
    json_put_text(&buf, "none", NULL);
    json_write_key(&buf, "list");
    json_write_array(&buf);
    json_write_int(&buf, -1);
    json_write_u64(&buf, UINT64_MAX);
    json_write_double(&buf, 0.1);
    json_write_double(&buf, 1.0 / 3);
    json_write_double(&buf, __builtin_inf());
    json_write_bool(&buf, true);
    json_write_object(&buf);
    json_write_object_end(&buf);
    json_write_array(&buf);
    json_write_array_end(&buf);
    json_write_raw(&buf, STR("{\"r\":1}"));
    json_write_hex(&buf, STR("\0\xfe"));
    json_write_hex(&buf, STR_NONE);
    json_write_address(&buf, STR("\xc0\0\2\1"));
    json_write_address(&buf, STR("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"));
    json_write_array_end(&buf);
    json_put_str(&buf, "\xd0\x96\xff", STR("\xe2\x80\xa8\xf0\x9f\x98\x80\xc3"));
    json_put_int(&buf, "i", INT64_MIN);
    json_put_u64(&buf, "u", 7);
    json_put_bool(&buf, "b", false);
    json_write_object_end(&buf);
    buf_char(&buf, '\n');
    json_write_object(&buf);
    json_write_object_end(&buf);
    CHECK_TEXT(buf_view(&buf),
               "{\"a\":\"x\\\"\\\\\\n\\u0001\x7f/<\\/script>\",\"none\":null,\"list\":[-1,18446744073709551615,0.1,"
               "0.3333333333333333,null,true,{},[],{\"r\":1},\"0x00fe\",\"0x\",\"192.0.2.1\",\"2001:db8::1\"],"
               "\"\xd0\x96\xef\xbf\xbd\":"
               "\"\\u2028\xf0\x9f\x98\x80\xef\xbf\xbd\",\"i\":-9223372036854775808,\"u\":7,\"b\":false}\n{}");
}

/* RFC 8785, 3.2.2.2; its own example is the first row. */
static void writes_canonically(void)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        {STR_INIT("\xe2\x82\xac$\x0f\nA'B\"\\\\\"/"), "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""},
        {STR_INIT(""), "\"\""},
        {STR_INIT("</script>"), "\"</script>\""},
        {STR_INIT("\xe2\x80\xa8\xe2\x80\xa9\x7f"), "\"\xe2\x80\xa8\xe2\x80\xa9\x7f\""},
        {STR_INIT("\b\t\f\r\x1f\0"), "\"\\b\\t\\f\\r\\u001f\\u0000\""},
        {STR_INIT("\xd3\x99\xff\xf0\x9f\x98"), "\"\xd3\x99\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    CLEANUP(buf_done) struct buf buf;
    buf_init(&buf, 1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        buf_clear(&buf);
        json_write_canonical(&buf, rows[i].text);
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    json_write_canonical(&buf, STR("x")); /* a comma by itself, as of other values */
    CHECK(str_ends(buf_view(&buf), STR("\",\"x\"")));
}

static void write_overflow(void)
{
    char memory[8];
    struct buf buf;
    buf_init_fixed(&buf, memory, sizeof memory);
    json_write_object(&buf);
    json_put_text(&buf, "key", "value");
    CHECK(buf.overflow);
}

/* --- cuts, flips, failing memory --- */

static const struct str sample = STR_INIT(
    "{\"System\":{\"EventID\":4625,\"Time\":\"2026-11-20T23:15:00.123Z\"},\"Data\":[\"a\\u0416\\n\",-1.5e3,true,"
    "null,{}],\"\\ud83d\\ude00\":\"\xd0\x96 long enough for blocks of sixteen\"}");

static void cuts_and_flips(void)
{
    struct arena *arena = arena_new(MEMORY);
    uint64_t random = 42;
    CHECK_INT(parse_rc(sample, 8), RC_OK);
    for (size_t i = 0; i < sample.n; i++) {
        test_row("cut at %zu", i);
        CHECK_INT(parse_rc(str_slice(sample, 0, i), 8), RC_INVALID);
    }
    for (int i = 0; i < 20000; i++) {
        char copy[512];
        struct json_value *value = NULL;
        uint32_t leaves = 0;
        memcpy(copy, sample.p, sample.n);
        random = random * 6364136223846793005u + 1442695040888963407u;
        copy[(random >> 33) % sample.n] ^= (char)(1u << (random >> 60 & 7));
        struct str text = str_at(copy, sample.n);
        test_row("flip %d", i);
        CHECK_INT(json_parse(arena, text, JSON_DEPTH, &value, NULL),
                  json_flatten(arena, text, count_leaf, &leaves, NULL, NULL));
        arena_reset(arena);
    }
    arena_free(arena);
}

static void failing_memory(void)
{
    int passed = 0;
    for (size_t limit = 0; limit < 1600; limit += 16) {
        struct arena *arena = arena_new(limit);
        struct json_value *value = NULL;
        enum rc rc = json_parse(arena, sample, 8, &value, NULL);
        CHECK((rc == RC_OK || rc == RC_LIMIT) && (rc == RC_OK) == (value != NULL));
        passed += rc == RC_OK;
        arena_free(arena);
    }
    CHECK(passed > 0 && passed < 100);
    memory_fail_at(2); /* the first is the arena itself */
    CHECK_INT(parse_rc(sample, 8), RC_LIMIT);
    memory_fail_at(0);
}

static const struct test tests[] = {
    {"accepts", accepts},
    {"refuses", refuses},
    {"bombs", bombs},
    {"strings", strings},
    {"accessors", accessors},
    {"flattens", flattens},
    {"flatten limits", flatten_limits},
    {"writes", writes},
    {"writes canonically", writes_canonically},
    {"write overflow", write_overflow},
    {"cuts and flips", cuts_and_flips},
    {"failing memory", failing_memory},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
