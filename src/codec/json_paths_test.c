/* Flattening with remembered paths gives what flattening without gives, which goes through the reader token by token;
 * a memo never changes its path. All of it for each width of the look at a text. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"
#include "codec/json.h"
#include "codec/json_reader.h"

#include <string.h>

#define MEMORY ((size_t)16 << 20)
#define MEMOS  100000u

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

/* Paths by memo. */
static struct str memos[MEMOS];
static uint32_t memo_count;
static struct arena *memo_arena;
static uint64_t memos_known;

static enum json_width width; /* of the test that runs */

static struct json_paths *paths_new(void)
{
    struct json_paths *paths = json_paths_new(7);
    CHECK(paths != NULL);
    paths->width = width;
    return paths;
}

/* What was given: values are looked at when all are there, so that one which is written over is seen. */
struct shown {
    struct buf paths;
    struct str values[JSON_LEAVES_MAX];
    size_t count;
};

static void show(void *context, struct str path, enum json_kind kind, struct str value)
{
    struct shown *shown = context;
    buf_format(&shown->paths, "%zu %.*s %d\n", path.n, STR_ARG(path), (int)kind);
    CHECK(shown->count < JSON_LEAVES_MAX);
    shown->values[shown->count++] = value;
}

static void show_at(void *context, struct json_path *path, enum json_kind kind, struct str value)
{
    CHECK(path->memo <= memo_count);
    if (path->memo) {
        memos_known++;
        CHECK_STR(path->text, memos[path->memo]);
    } else if (memo_count + 1 < MEMOS) {
        path->memo = ++memo_count;
        memos[memo_count] = arena_str(memo_arena, path->text);
    }
    show(context, path->text, kind, value);
}

static void show_leaves(void *context, const struct json_flat *leaves, size_t count)
{
    CHECK(count > 0);
    for (size_t i = 0; i < count; i++)
        show_at(context, leaves[i].path, leaves[i].kind, leaves[i].value);
}

static void compare(struct json_paths *paths, struct arena *arena, struct str text)
{
    static struct shown plain;
    static struct shown quick;
    uint32_t plain_lost = 0;
    uint32_t quick_lost = 0;
    buf_init(&plain.paths, MEMORY);
    buf_init(&quick.paths, MEMORY);
    plain.count = 0;
    quick.count = 0;
    test_row("%.*s", (int)MIN(text.n, (size_t)300), text.p);
    enum rc want = json_flatten(arena, text, show, &plain, &plain_lost, NULL);
    enum rc got = json_flatten_at(paths, arena, text, show_leaves, &quick, &quick_lost);
    CHECK_INT(got, want);
    CHECK_INT(quick_lost, plain_lost);
    CHECK_STR(buf_view(&quick.paths), buf_view(&plain.paths));
    for (size_t i = 0; i < MIN(plain.count, quick.count); i++)
        CHECK_STR(quick.values[i], plain.values[i]);
    buf_done(&plain.paths);
    buf_done(&quick.paths);
    arena_reset(arena);
}

/* --- random texts --- */

static void put_blank(struct buf *out)
{
    static const char *const blanks[] = {"", "", "", "", " ", "  ", "\n", "\t "};
    buf_text(out, blanks[draw(ARRAY_LEN(blanks))]);
}

static void put_string(struct buf *out, uint32_t most)
{
    static const char *const pieces[] = {
        "a",       "b",   "\\\\",     "\\n", "\\r\\n",        "\\u0041", "\\ud83d\\ude00",
        "\\ud83d", "\\/", "\xd0\x96", " ",   "C:\\\\Windows", "\xff",    "0123456789abcdef",
        "\\\"",    "}",   ",",        ":"};
    static const char *const broken[] = {"\x01", "\\x", "\\u00g0", "\\"};
    buf_char(out, '"');
    for (uint32_t n = draw(most); n > 0; n--)
        buf_text(out, draw(400) ? pieces[draw(ARRAY_LEN(pieces))] : broken[draw(ARRAY_LEN(broken))]);
    buf_char(out, '"');
}

static void put_key(struct buf *out)
{
    static const char *const keys[] = {"a",      "b", "ab", "EventID", "System", "", "a.b", "Long name of a member",
                                       "\\u0061"};
    if (draw(12) == 0) {
        put_string(out, 4);
        return;
    }
    buf_format(out, "\"%s\"", keys[draw(ARRAY_LEN(keys))]);
}

static void put_value(struct buf *out, uint32_t depth)
{
    static const char *const plain[] = {"0",    "-1",    "12345", "1.5", "1e9", "01", "-",    "1.",
                                        "true", "false", "null",  "nul", "5",   "7 ", "\"\"", "\"x\""};
    uint32_t kind = draw(depth < 5 ? 8 : 6);
    if (kind < 4) {
        put_string(out, 6);
    } else if (kind < 6) {
        buf_text(out, plain[draw(8) ? draw(5) : draw(ARRAY_LEN(plain))]);
    } else {
        bool object = kind == 6;
        buf_char(out, object ? '{' : '[');
        for (uint32_t n = draw(6), i = 0; i < n; i++) {
            buf_text(out, i ? "," : "");
            put_blank(out);
            if (object) {
                put_key(out);
                put_blank(out);
                buf_char(out, ':');
                put_blank(out);
            }
            put_value(out, depth + 1);
            put_blank(out);
        }
        buf_char(out, object ? '}' : ']');
    }
}

static void random_texts(void)
{
    struct arena *arena = arena_new(MEMORY);
    struct json_paths *paths = paths_new();
    struct buf text;
    buf_init(&text, MEMORY);
    state = 4;
    for (size_t round = 0; round < 30000; round++) {
        buf_clear(&text);
        buf_char(&text, '{');
        for (uint32_t n = draw(8), i = 0; i < n; i++) {
            buf_text(&text, i ? "," : "");
            put_key(&text);
            buf_char(&text, ':');
            put_value(&text, 1);
        }
        buf_char(&text, '}');
        compare(paths, arena, buf_view(&text));
        if (draw(3) == 0)
            compare(paths, arena, str_slice(buf_view(&text), 0, draw((uint32_t)text.n)));
    }
    CHECK(memos_known > 50000);
    buf_done(&text);
    json_paths_free(paths);
    arena_free(arena);
}

/* --- texts that are alike, and broken --- */

static const struct str sample = STR_INIT(
    "{\"EventID\":10,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Image\":\"C:\\\\Windows\\\\explorer.exe\","
    "\"Message\":\"Process accessed:\\r\\nRuleName: -\\r\\nSourceImage: C:\\\\Windows\\\\System32\\\\svchost.exe\","
    "\"data\":{\"User\":\"NT AUTHORITY\\\\SYSTEM\",\"n\": -4, \"tags\":[\"windows\",{\"User\":1}]},\"Task\":10}");

static void cuts_and_flips(void)
{
    struct arena *arena = arena_new(MEMORY);
    struct json_paths *paths = paths_new();
    for (size_t i = 0; i <= sample.n; i++)
        compare(paths, arena, str_slice(sample, 0, i));
    for (size_t i = 0; i < sample.n * 8; i++) {
        char copy[512];
        memcpy(copy, sample.p, sample.n);
        copy[i / 8] ^= (char)(1u << i % 8);
        compare(paths, arena, str_at(copy, sample.n));
        compare(paths, arena, sample);
    }
    json_paths_free(paths);
    arena_free(arena);
}

/* More paths than there is room for, long and deep ones: they are forgotten, and nothing else is different. */
static void too_many(void)
{
    struct arena *arena = arena_new(MEMORY);
    struct json_paths *paths = paths_new();
    struct buf text;
    buf_init(&text, MEMORY);
    state = 9;
    memo_count = 0;
    for (uint32_t round = 0; round < 400; round++) {
        buf_clear(&text);
        buf_char(&text, '{');
        for (uint32_t i = 0; i < 40; i++) {
            buf_format(&text, "%s\"key %u %0*u\":", i ? "," : "", draw(100000), (int)draw(i % 8 ? 20 : 300), i);
            put_value(&text, 4);
        }
        buf_char(&text, '}');
        compare(paths, arena, buf_view(&text));
        compare(paths, arena, sample);
    }
    buf_clear(&text);
    for (size_t i = 0; i < 70; i++)
        buf_text(&text, "{\"deep\":");
    compare(paths, arena, buf_view(&text));
    buf_clear(&text);
    for (size_t i = 0; i < 2 * JSON_LEAVES_MAX; i++)
        buf_format(&text, "%s\"a%zu\":%zu", i ? "," : "{", i % 7, i);
    buf_char(&text, '}');
    compare(paths, arena, buf_view(&text));
    buf_done(&text);
    json_paths_free(paths);
    arena_free(arena);
}

/* --- hostile texts --- */

static const struct str hostile[] = {
    STR_INIT(""),
    STR_INIT(" "),
    STR_INIT("\xef\xbb\xbf{\"a\":1}"),
    STR_INIT("{}"),
    STR_INIT("{,}"),
    STR_INIT("{\"a\":1,}"),
    STR_INIT("{\"a\":1,,\"b\":2}"),
    STR_INIT("{\"a\":1 ,\"b\": 2 , \"c\" :3}"),
    STR_INIT("{\"a\":1}{\"a\":1}"),
    STR_INIT("{\"a\":1]"),
    STR_INIT("[{\"a\":1},{\"a\":2}]"),
    STR_INIT("{\"a\":1,\"a\":2,\"a\":\"3\",\"a\":{\"a\":4,\"a\":5}}"),
    STR_INIT("{\"\":\"\",\"\":{\"\":\"\"}}"),
    STR_INIT("{\"a\":\"\\u0000\",\"b\":\"x\\u0000y\"}"),
    STR_INIT("{\"a\":\"x\0y\",\"b\":1}"),
    STR_INIT("{\"a\0\":1}"),
    STR_INIT("{\"a\":\"\t\"}"),
    STR_INIT("{\"a\":\"line\nfeed\"}"),
    STR_INIT("{\"a\":\"\x7f\"}"),
    STR_INIT("{\"a\":\"\\ud83d\\ude00\",\"b\":\"\\ud83d\",\"c\":\"\\ude00\\ud83d\",\"d\":\"\\ud83dx\"}"),
    STR_INIT("{\"a\":\"\\ud83d\\u0041\",\"b\":\"\\uD83D\\uDE00\\uABcd\\uffff\"}"),
    STR_INIT("{\"a\":\"\\ud83d\\udCG0\"}"),
    STR_INIT("{\"a\":\"\\u12\"}"),
    STR_INIT("{\"a\":\"\\u12g4\"}"),
    STR_INIT("{\"a\":\"\\U0041\"}"),
    STR_INIT("{\"a\":\"\\x41\",\"b\":1}"),
    STR_INIT("{\"a\":\"\\\"}"),
    STR_INIT("{\"a\":\"\\\\\",\"b\":\"\\\\\\\"\"}"),
    STR_INIT("{\"a\":\"\xff\xfe\",\"\xc3\x28\":\"\xe2\x82\",\"b\":\"\xed\xa0\x80\\n\xf0\x9f\x98\"}"),
    STR_INIT("{\"\xd0\x96\":{\"a\":1,\"b\":\"\xd0\x96\\r\\n\xd0\"},\"a\":1}"),
    STR_INIT("{\"\\u0061\":1,\"a\":2,\"\\ud800\":{\"a\":3}}"),
    STR_INIT("{\"a\":1e999999,\"b\":-0,\"c\":-0.0,\"d\":0e0,\"e\":1E+2}"),
    STR_INIT("{\"a\":123456789012345678901234567890123456789012345678901234567890}"),
    STR_INIT("{\"a\":01}"),
    STR_INIT("{\"a\":-}"),
    STR_INIT("{\"a\":-01}"),
    STR_INIT("{\"a\":+1}"),
    STR_INIT("{\"a\":.5}"),
    STR_INIT("{\"a\":5.}"),
    STR_INIT("{\"a\":1 }"),
    STR_INIT("{\"a\":1\n}"),
    STR_INIT("{\"a\":1x}"),
    STR_INIT("{\"a\":NaN}"),
    STR_INIT("{\"a\":tru,\"b\":1}"),
    STR_INIT("{\"a\":true,\"b\":false,\"c\":null,\"d\":[],\"e\":{},\"f\":[[]],\"g\":1}"),
    STR_INIT("{\"a\":[1,\"x\",{\"b\":2},[3,{\"b\":4}],null],\"b\":5}"),
    STR_INIT("{a:1}"),
    STR_INIT("{'a':1}"),
    STR_INIT("{\"a\"}"),
    STR_INIT("{\"a\":}"),
    STR_INIT("{\"a\"::1}"),
    STR_INIT("{\"a\":1,\"b\"}"),
    STR_INIT("{\"a\":1,\"b\":"),
    STR_INIT("{\"a\":1,\"b\": "),
    STR_INIT("{\"a\":1,\"b"),
};

static void hostile_texts(void)
{
    struct arena *arena = arena_new(MEMORY);
    struct json_paths *paths = paths_new();
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        for (size_t n = 0; n <= hostile[i].n; n++)
            compare(paths, arena, str_slice(hostile[i], 0, n));
        compare(paths, arena, hostile[i]);
    }
    json_paths_free(paths);
    arena_free(arena);
}

/* Levels about the most that are followed. */
static void deep_texts(void)
{
    struct arena *arena = arena_new(MEMORY);
    struct json_paths *paths = paths_new();
    struct buf text;
    buf_init(&text, MEMORY);
    for (uint32_t depth = JSON_DEPTH - 2; depth < JSON_DEPTH + 3; depth++) {
        for (uint32_t arrays = 0; arrays < 2; arrays++) {
            buf_clear(&text);
            for (uint32_t i = 0; i < depth; i++)
                buf_text(&text, arrays && i % 2 ? "[" : i ? "{\"k\":1,\"d\":" : "{\"d\":");
            buf_text(&text, "\"x\"");
            for (uint32_t i = depth; i-- > 0;)
                buf_text(&text, arrays && i % 2 ? "]" : ",\"k\":2}");
            compare(paths, arena, buf_view(&text));
        }
    }
    buf_done(&text);
    json_paths_free(paths);
    arena_free(arena);
}

/* Strings, escapes and keys at every place about the end of a part that is looked at together. */
static void long_texts(void)
{
    static const char *const tails[] = {"\"",    "\\\"\"", "\\r\\n\\t\"", "\\u0416\"", "\xd0\x96\xd0\"", "\x01\"",
                                        "\\x\"", "",       "\\",          "\\u04"};
    struct arena *arena = arena_new(MEMORY);
    struct json_paths *paths = paths_new();
    struct buf text;
    buf_init(&text, MEMORY);
    for (uint32_t n = JSON_STOPS_BYTES - 80; n < JSON_STOPS_BYTES + 8; n++) {
        for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
            buf_clear(&text);
            buf_format(&text, "{\"key\":\"%0*d%s,\"b\":\"x\\\\y\",\"c\":12,\"key\":\"z\"}", (int)n, 0, tails[i]);
            compare(paths, arena, buf_view(&text));
            buf_clear(&text);
            buf_format(&text, "{\"key\":\"a\\n%0*d%s,\"b\":\"%0*d\\\\y\",\"c\":12}", (int)n, 0, tails[i],
                       (int)JSON_STOPS_BYTES, 0);
            compare(paths, arena, buf_view(&text));
        }
    }
    buf_done(&text);
    json_paths_free(paths);
    arena_free(arena);
}

/* Whatever memory there is: the same is refused or given, but for what the reader needs more. */
static void little_memory(void)
{
    struct json_paths *paths = paths_new();
    for (size_t limit = 0; limit < 2048; limit += 16) {
        static struct shown shown;
        struct arena *arena = arena_new(limit);
        uint32_t lost = 0;
        buf_init(&shown.paths, MEMORY);
        shown.count = 0;
        enum rc rc = json_flatten_at(paths, arena, sample, show_leaves, &shown, &lost);
        CHECK(rc == RC_OK || (rc == RC_LIMIT && limit < 1024));
        buf_done(&shown.paths);
        arena_free(arena);
    }
    json_paths_free(paths);
}

/* --- each width --- */

static void (*const parts[])(void) = {random_texts, cuts_and_flips, too_many,     hostile_texts,
                                      deep_texts,   long_texts,     little_memory};

static void all_of(enum json_width one)
{
    if (one > json_width_best()) {
        test_skip("this processor does not have it");
        return;
    }
    width = one;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        parts[i]();
}

static void byte_by_byte(void)
{
    all_of(JSON_WIDTH_1);
}

static void sixteen(void)
{
    all_of(JSON_WIDTH_16);
}

static void thirty_two(void)
{
    all_of(JSON_WIDTH_32);
}

static void sixty_four(void)
{
    all_of(JSON_WIDTH_64);
}

static const struct test tests[] = {
    {"one byte at a time", byte_by_byte},
    {"sixteen bytes at a time", sixteen},
    {"thirty-two bytes at a time", thirty_two},
    {"sixty-four bytes at a time", sixty_four},
};

int main(int argc, char **argv)
{
    memo_arena = arena_new(MEMORY * 4);
    int failed = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(memo_arena);
    return failed;
}
