#include "role/plain_words.h"

#include "base/test.h"

#include <stdio.h>
#include <string.h>

static void what_is_shown(void)
{
    static const struct {
        const char *text;
        size_t most;
        const char *want;
    } rows[] = {
        {"", 9, ""},
        {"plain words, 100 %", 99, "plain words, 100 %"},
        {"\xd2\x9a\xd0\xb0\xd1\x82\xd0\xb5", 99, "\xd2\x9a\xd0\xb0\xd1\x82\xd0\xb5"},
        {"a\nb\rc\td", 99, "a?b?c?d"},
        {"\x1b[31mred\x7f", 99, "?[31mred?"},
        {"\xc2\x9b"
         "31m",
         99, "?31m"}, /* CSI of C1 */
        {"\x9b"
         "31m\xff",
         99, "?31m?"}, /* and as a byte alone */
        {"a\xe2\x80\xae"
         "b",
         99, "a?b"}, /* right to left from here */
        {"a\xe2\x80\xa8"
         "b\xef\xbb\xbf",
         99, "a?b?"}, /* another line */
        {"\xef\xbf\xbd", 99, "\xef\xbf\xbd"},
        {"\xe2\x82", 99, "?"},
        {"abcdef", 3, "abc"},
        {"ab\xd2\x9a", 3, "ab"}, /* not within a character */
        {"\n\n\n\n", 2, "??"},
        {"abc", 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", rows[i].text);
        plain_words(text, rows[i].most);
        test_row("%zu", i);
        CHECK_TEXT(str_of(text), rows[i].want);
    }
}

/* Whatever the bytes: no more of them, none that is not plain, and a second time changes nothing. */
static void any_bytes(void)
{
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char text[40];
        char again[40];
        for (size_t i = 0; i < sizeof text; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            text[i] = (char)(seed >> 40);
        }
        text[sizeof text - 1] = '\0';
        size_t before = strlen(text);
        plain_words(text, 32);
        CHECK(strlen(text) <= MIN(before, (size_t)32));
        for (struct str rest = str_of(text); rest.n;) {
            bool plain = false;
            size_t n = plain_next(rest, &plain);
            if (!CHECK(plain && n > 0))
                return;
            rest = str_skip(rest, n);
        }
        memcpy(again, text, sizeof again);
        plain_words(again, 32);
        CHECK_TEXT(str_of(again), text);
    }
}

static const struct test tests[] = {
    {"what is shown", what_is_shown},
    {"any bytes", any_bytes},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
