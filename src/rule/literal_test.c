#include "rule/literal.h"

#include "base/test.h"
#include "rule/regex.h"

#include <string.h>

static void literals(void)
{
    static const struct {
        const char *pattern;
        const char *want;
    } rows[] = {
        {"abc", "abc"},
        {"\\bCOPY\\b[^;]*\\b(TO|FROM) PROGRAM\\b", " PROGRAM"},
        {"ab|cd", ""},
        {"(ab|cd)ef", "ef"},
        {"abc?", "ab"},
        {"abc*de", "ab"},
        {"abc+de", "abc"},
        {"ab{2}cde", "cde"},
        {"a.b^cd$", "cd"},
        {"[abc]de[]x]fgh", "fgh"},
        {"[^]x]ab", "ab"},
        {"[[:alpha:]]+xyz", "xyz"},
        {"(a[)]b)cd", "cd"},
        {"(a\\)b)cd", "cd"},
        {"a\\.bc", "bc"},
        {"ab\\dcde", "cde"},
        {"(?i)abc", ""},
        {"(?:abc)de", "de"},
        {"a(?=b)cd", "cd"},
        {"(?x) a b", ""},
        {"\\Qabc|\\E", ""},
        {"(?#|)abc", ""},
        {"абв", ""},
        {"abвcde", "cde"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].pattern);
        CHECK_TEXT(regex_literal(str_of(rows[i].pattern)), rows[i].want);
    }
}

static uint64_t random_state = 7;

static uint64_t dice(uint64_t sides)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % sides;
}

static bool holds(struct str value, struct str literal)
{
    for (size_t i = 0; i + literal.n <= value.n; i++)
        if (str_eq_nocase(str_slice(value, i, i + literal.n), literal))
            return true;
    return literal.n == 0;
}

/* No value that a random expression matches lacks its literal. */
static void matches_hold_it(void)
{
    static const char *const parts[] = {"a",    "b",   "c",   "ab",   "A",     "|",  "(",    ")",    "[ab]",
                                        "[^a]", "?",   "*",   "+",    "{2}",   "{",  "}",    "\\.",  "\\b",
                                        "(?:",  "(?=", "\\d", ".",    "]",     "[",  "^",    "$",    " ",
                                        "-",    "\\|", "\\(", "{0,}", "(?!c)", "x?", "[]a]", "[^]b]"};
    size_t matched = 0;
    for (size_t round = 0; round < 200000; round++) {
        char pattern[64] = "";
        char value[16];
        size_t n = 0;
        struct regex *regex = NULL;
        struct err err = {0};
        for (size_t i = 0; i < 1 + dice(9); i++) {
            const char *part = parts[dice(ARRAY_LEN(parts))];
            memcpy(pattern + n, part, strlen(part) + 1);
            n += strlen(part);
        }
        if (regex_new(str_of(pattern), dice(2) ? REGEX_CASELESS : 0, &regex, &err) != RC_OK)
            continue;
        struct str literal = regex_literal(str_of(pattern));
        for (size_t try = 0; try < 8; try++) {
            size_t length = dice(sizeof value);
            for (size_t i = 0; i < length; i++)
                value[i] = "abcAB1 .-|("[dice(11)];
            if (!regex_search_slow(regex, str_at(value, length)))
                continue;
            matched += literal.n > 0;
            test_row("/%s/ on \"%.*s\"", pattern, (int)length, value);
            CHECK(holds(str_at(value, length), literal));
        }
        regex_free(regex);
    }
    CHECK(matched > 10000);
}

static const struct test tests[] = {
    {"literals", literals},
    {"matches hold it", matches_hold_it},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
