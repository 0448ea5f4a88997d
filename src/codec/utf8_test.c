#include "codec/utf8.h"

#include "base/test.h"

#include <string.h>

#define R "\xef\xbf\xbd"

static void repairs(void)
{
    static const struct {
        const char *text;
        const char *want; /* NULL: valid as it is */
    } rows[] = {
        {"", NULL},
        {"plain ASCII of more than sixteen bytes", NULL},
        {"\xd0\x96\xe2\x82\xac\xf0\x9f\x98\x80", NULL},
        {"\xf4\x8f\xbf\xbf\xef\xbf\xbf\xee\x80\x80\xed\x9f\xbf", NULL},
        {"\x80", R},
        {"a\xff"
         "b",
         "a" R "b"},
        {"\xc0\xaf", R R},
        {"\xc1\xbf", R R},
        {"\xe0\x9f\xbf", R R R},
        {"\xed\xa0\x80", R R R},
        {"\xf0\x8f\xbf\xbf", R R R R},
        {"\xf4\x90\x80\x80", R R R R},
        {"\xf5\x80\x80\x80", R R R R},
        {"\xe2\x82", R},
        {"\xe2\x82x", R "x"},
        {"\xf0\x9f\x98", R},
        {"\xf0\x9f\x98\xd0\x96", R "\xd0\x96"},
        {"\xd0", R},
        {"0123456789abcdef\xd0", "0123456789abcdef" R},
        {"0123456789abcdef0123456789abcdef\xff"
         "0123456789abcdef",
         "0123456789abcdef0123456789abcdef" R "0123456789abcdef"},
    };
    struct arena *arena = arena_new(1 << 16);
    struct arena *none = arena_new(0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_of(rows[i].text);
        test_row("%zu", i);
        CHECK_INT(utf8_valid(text), rows[i].want == NULL);
        struct str good = utf8_make_valid(arena, text);
        CHECK_TEXT(good, rows[i].want != NULL ? rows[i].want : rows[i].text);
        CHECK((good.p == text.p) == (rows[i].want == NULL));
        CHECK(utf8_valid(good));
        if (rows[i].want != NULL)
            CHECK(utf8_make_valid(none, text).p == NULL);
    }
    arena_free(none);
    arena_free(arena);
}

/* Against the plainest decoder there is: every code there and back, every pair of bytes. */
static void every_code(void)
{
    size_t wrong = 0;
    for (uint32_t code = 0; code < 0x110100; code++) {
        char text[4];
        uint32_t back = 0;
        bool scalar = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
        size_t n = utf8_encode(code, text);
        size_t want = !scalar ? 3 : code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        bool same = n == want && utf8_decode(str_at(text, n), &back) == n && back == (scalar ? code : UTF8_REPLACEMENT);
        for (size_t cut = 1; cut < n && same; cut++)
            same = utf8_decode(str_at(text, cut), &back) == cut && back == UTF8_REPLACEMENT;
        wrong += !same || !utf8_valid(str_at(text, n));
    }
    CHECK_INT(wrong, 0);
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char text[2] = {(char)(pair >> 8), (char)pair};
        bool first = pair >> 8 < 0x80;
        bool want = first ? (pair & 0xff) < 0x80 : pair >> 8 >= 0xc2 && pair >> 8 < 0xe0 && (pair & 0xc0) == 0x80;
        wrong += utf8_valid(str_at(text, 2)) != want;
    }
    CHECK_INT(wrong, 0);
}

static void folds(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", ""},
        {"already lower 123 [\\]^_`{", "already lower 123 [\\]^_`{"},
        {"ABC XYZ @[", "abc xyz @["},
        {"A LONG TEXT OF MORE THAN 16 BYTES", "a long text of more than 16 bytes"},
        {"ӘҒҚҢӨҰҮҺІ", "әғқңөұүһі"},
        {"ЁЖЯ ёжя", "ёжя ёжя"},
        {"ÀÉÞ ß ÿ Ÿ", "àéþ ß ÿ ÿ"},
        {"ĀŁŊŐŽ ſ", "āłŋőž s"},
        {"İ ı", "İ ı"},
        {"ΑΣς Ω", "ασσ ω"},
        {"ԱՖ", "աֆ"},
        {"ＡＺ", "ａｚ"},
        {"K Å Ω", "k å ω"},
        {"Ə ƏÄÜ", "ə əäü"},
        {"Ⱥ", "ⱥ"},
        {"日本 😀", "日本 😀"},
        {"A\xff"
         "B\xd0",
         "a\xff"
         "b\xd0"},
    };
    struct arena *arena = arena_new(1 << 16);
    struct arena *none = arena_new(0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_of(rows[i].text);
        test_row("%zu %s", i, rows[i].text);
        struct str folded = utf8_fold(arena, text);
        CHECK_TEXT(folded, rows[i].want);
        CHECK((folded.p == text.p) == (strcmp(rows[i].text, rows[i].want) == 0));
        CHECK(utf8_eq_folded(text, str_of(rows[i].want)));
        CHECK(!utf8_eq_folded(text, STR("something else")));
        if (folded.p != text.p)
            CHECK(utf8_fold(none, text).p == NULL);
    }
    CHECK(!utf8_eq_folded(STR("ab"), STR("a")) && !utf8_eq_folded(STR(""), STR("a")));
    CHECK(utf8_eq_folded(STR("ҚАЗАҚСТАН"), STR("қазақстан")));
    arena_free(none);
    arena_free(arena);
}

static void folding_is_stable(void)
{
    size_t changed = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        uint32_t folded = utf8_fold_code(code);
        CHECK(utf8_fold_code(folded) == folded || test_check_int(code, 0, "folds twice", __FILE__, __LINE__));
        changed += folded != code;
    }
    CHECK_INT(changed, 26 + 1428); /* ASCII, and what the table was made from */
}

static const struct test tests[] = {
    {"repairs", repairs}, {"every code", every_code}, {"folds", folds}, {"folding is stable", folding_is_stable}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
