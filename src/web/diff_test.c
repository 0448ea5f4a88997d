#include "web/diff.h"

#include "base/buf.h"
#include "base/test.h"

#include <string.h>

static struct arena *arena;

/* "-a" gone, "+b" new, " c" the same, one after the other with bars between. */
static struct str shown(struct str before, struct str after)
{
    struct buf text CLEANUP(buf_done) = {0};
    size_t count = 0;
    buf_init(&text, (size_t)1 << 20);
    const struct diff_line *lines = diff_lines(arena, before, after, &count);
    CHECK(lines != NULL);
    for (size_t i = 0; i < count; i++) {
        buf_char(&text, " -+"[lines[i].kind]);
        buf_str(&text, lines[i].text);
        buf_char(&text, '|');
    }
    return arena_str(arena, buf_view(&text));
}

static void lines_are_compared(void)
{
    static const struct {
        const char *before, *after, *shown;
    } rows[] = {
        {"", "", ""},
        {"a", "", "-a|"},
        {"", "a", "+a|"},
        {"a", "a", " a|"},
        {"a\n", "a", " a|"},
        {"a", "b", "-a|+b|"},
        {"a\nb\nc", "a\nc", " a|-b| c|"},
        {"a\nc", "a\nb\nc", " a|+b| c|"},
        {"a\nb\nc\nd", "b\nx\nd", "-a| b|-c|+x| d|"},
        {"a\na\na", "a\na", " a| a|-a|"},
        {"x\ny", "y\nx", "-x| y|+x|"},
        {"a\n\nb", "a\nb", " a|-| b|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_TEXT(shown(str_of(rows[i].before), str_of(rows[i].after)), rows[i].shown);
    }
}

/* Up to 30 lines of four kinds, one of them empty. */
static void text_make(uint64_t *seed, struct buf *out)
{
    static const char *const lines[] = {"a\n", "b\n", "\n", "a b\n"};
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    for (unsigned n = (unsigned)(*seed >> 40) % 30; n > 0; n--) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        buf_text(out, lines[*seed >> 62]);
    }
}

/* Whatever the texts are: what is not new makes the first, what is not gone makes the second. */
static void both_texts_are_in_it(void)
{
    uint64_t seed = 88172645463325252u;
    struct buf text[2], made[2];
    for (int t = 0; t < 2; t++) {
        buf_init(&text[t], 4096);
        buf_init(&made[t], 4096);
    }
    for (int round = 0; round < 2000; round++) {
        size_t count = 0;
        test_row("round %d", round);
        for (int t = 0; t < 2; t++) {
            buf_clear(&text[t]);
            buf_clear(&made[t]);
            text_make(&seed, &text[t]);
        }
        arena_reset(arena);
        const struct diff_line *lines = diff_lines(arena, buf_view(&text[0]), buf_view(&text[1]), &count);
        CHECK(lines != NULL);
        for (size_t i = 0; lines && i < count; i++)
            for (int t = 0; t < 2; t++)
                if (lines[i].kind != (t ? DIFF_GONE : DIFF_NEW)) {
                    buf_str(&made[t], lines[i].text);
                    buf_char(&made[t], '\n');
                }
        for (int t = 0; t < 2; t++)
            CHECK_STR(buf_view(&made[t]), buf_view(&text[t]));
    }
    test_row("-");
    for (int t = 0; t < 2; t++) {
        buf_done(&text[t]);
        buf_done(&made[t]);
    }
}

static void large_texts_have_a_bound(void)
{
    struct buf a CLEANUP(buf_done) = {0}, b CLEANUP(buf_done) = {0};
    size_t count = 0, same = 0;
    buf_init(&a, (size_t)1 << 20);
    buf_init(&b, (size_t)1 << 20);
    for (int i = 0; i < 6000; i++) {
        buf_format(&a, "a%d\n", i);
        buf_format(&b, "b%d\n", i);
    }
    arena_reset(arena);
    const struct diff_line *lines = diff_lines(arena, buf_view(&a), buf_view(&b), &count);
    CHECK(lines != NULL);
    CHECK_INT(count, 2 * DIFF_LINES_MAX);
    for (size_t i = 0; i < count; i++)
        same += lines[i].kind == DIFF_SAME;
    CHECK_INT(same, 0);
    struct arena *small = arena_new(4096);
    CHECK(diff_lines(small, STR("a"), STR("b"), &count) == NULL);
    arena_free(small);
}

static void json_is_laid_out(void)
{
    static const struct {
        const char *json, *lines;
    } rows[] = {
        {"", ""},
        {"words", "words"},
        {"{}", "{}"},
        {"[ ]", "[]"},
        {"{\"a\":1}", "{\n  \"a\": 1\n}"},
        {"{\"a\":[1,2],\"b\":{}}", "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"},
        {"{\"a, b\":\"{[:\\\"\"}", "{\n  \"a, b\": \"{[:\\\"\"\n}"},
        {"{\"a", "{\n  \"a"},
        {"{\"a\\", "{\n  \"a\\"},
        {"]}", "]}"},
        {"[}}}", "[\n  \n}\n}\n}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].json);
        CHECK_TEXT(json_laid_out(arena, str_of(rows[i].json)), rows[i].lines);
    }
}

static const struct test tests[] = {
    {"lines are compared", lines_are_compared},
    {"both texts are in it", both_texts_are_in_it},
    {"large texts have a bound", large_texts_have_a_bound},
    {"json is laid out", json_is_laid_out},
};

int main(int argc, char **argv)
{
    arena = arena_new((size_t)32 << 20);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return status;
}
