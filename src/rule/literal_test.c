#include "rule/literal.h"

#include "base/buf.h"
#include "base/test.h"
#include "rule/regex.h"

#include <stdio.h>
#include <string.h>

/* All of them, each between bars. */
static void show(struct str pattern, size_t least, struct buf *out)
{
    struct literals literals;
    regex_literals(pattern, least, &literals);
    buf_clear(out);
    for (size_t i = 0; i < literals.count; i++)
        buf_format(out, "%s%.*s", i ? "|" : "", STR_ARG(literals_at(&literals, i)));
}

static const struct {
    const char *pattern;
    const char *want;
} all_rows[] = {
    /* one run */
    {"abc", "abc"},
    {"AbC", "abc"},
    {"\\bCOPY\\b[^;]*\\b(TO|FROM) PROGRAM\\b", "to program|from program"},
    {"abc?", "ab"},
    {"abc*de", "ab"},
    {"abc+de", "abc"},
    {"abc+defg", "defg"},
    {"ab{2}cde", "cde"},
    {"ab{1}cde", "abcde"},
    {"ab{0,2}cde", "cde"},
    {"ab{,2}cde", "cde"},
    {"a.b^cd$", "bcd"},
    {"a\\.bc", "a.bc"},
    {"a\\tb", "a\tb"},
    {"ab\\dcde", "cde"},
    {"ab\\x41cde", "cde"},
    {"ab\\x{e9}cde", "cde"},
    {"abвcde", "cde"},
    {"абв", ""},
    {"0123456789012345678901234567890123456789", "01234567890123456789012345678901"},
    /* classes */
    {"[abc]de", "ade|bde|cde"},
    {"[Ii]ex", "iex"},
    {"[\\\\/]tmp", "\\tmp|/tmp"},
    {"[abc]de[]x]fgh", "ade]fgh|adexfgh|bde]fgh|bdexfgh|cde]fgh|cdexfgh"},
    {"[a-c]de", "de"},
    {"[-c]de", "-de|cde"},
    {"[\\\\-c]de", "de"},
    {"[abcde]fgh", "fgh"},
    {"[^]x]ab", "ab"},
    {"[[:alpha:]]+xyz", "xyz"},
    {"[\\da]xyz", "xyz"},
    /* alternatives */
    {"ab|cd", "ab|cd"},
    {"(foo|bar|baz)qux", "fooqux|barqux|bazqux"},
    {"^(?:a|b)", "a|b"},
    {"(ab|cd)ef", "abef|cdef"},
    {"(?:ab|cd)?ef", "ef"},
    {"(?:ab|cd)?efghi", "efghi"},
    {"(ab|cd)+ef", "ef"},
    {"(ab|cd)*ef", "ef"},
    {"https?://", "http://|https://"},
    {"(abc|a.*defg).+", "abc|defg"},
    {"(abc|)d", "d"},
    {"(abc|.)x", "x"},
    {"(abcd|bc)", "bc"},
    {"(a1|a2|a3|a4|a5|a6|a7|a8|a9|b1|b2|b3|b4|b5|b6|b7|b8)", ""},
    /* groups */
    {"(a[)]b)cd", "a)bcd"},
    {"(a\\)b)cd", "a)bcd"},
    {"(?:abc)de", "abcde"},
    {"(?<n>abc)de", "abcde"},
    {"(?>abc)de", "abcde"},
    {"a(?=b)cd", "acd"},
    {"a(?<!b)cd", "acd"},
    {"a(?!b|c)?cd", "acd"},
    {"(?i)abc", "abc"},
    {"(?i:abc|def)", "abc|def"},
    {"((((((((((((a))))))))))))b", "ab"},
    {"(((((((((((((a)))))))))))))b", ""},
    /* not looked into */
    {"(?x) a b", ""},
    {"(?i-x)abc", ""},
    {"\\Qabc|\\E", ""},
    {"abc\\E*d", ""},
    {"(?#|)abc", ""},
    {"(?|ab|cd)", ""},
    {"(ab)\\1c", ""},
    {"(?<n>a)xyz\\g<n>", ""},
    {"(?<n>a)xyz\\k{n}", ""},
    {"\\p{Greek}", ""},
    {"\\101bc", ""},
    {"\\cAbc", ""},
    {"\\N{U+41}bc", ""},
    {"(a)?(?(1)b|c)", ""},
    {"a(?R)?bc", ""},
    {"(*UTF)abc", ""},
    {"", ""},
    {"\\", ""},
    {"(", ""},
    {")", ""},
    {"[", ""},
    {"abc[", "abc"},
};

static void literals(void)
{
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(all_rows); i++) {
        test_row("%s", all_rows[i].pattern);
        show(str_of(all_rows[i].pattern), 1, &out);
        CHECK_TEXT(buf_view(&out), all_rows[i].want);
    }
    buf_done(&out);
}

#define FOUR "aceg|aceh|acfg|acfh|adeg|adeh|adfg|adfh|bceg|bceh|bcfg|bcfh|bdeg|bdeh|bdfg|bdfh"

static void short_ones_are_left_out(void)
{
    static const struct {
        const char *pattern;
        const char *want;
    } rows[] = {
        {"ab", ""},
        {"abc", "abc"},
        {"ab|abc", ""},
        {"abc|de.fgh", "abc|fgh"},
        {"(a|bc)d", ""},
        {"(a|bc)de", "ade|bcde"},
        {"^(?:a|b)$", ""},
        {"(ab|cd)?efg", "efg"},
        {"x(ab|cde)?.fgh", "fgh"},
        {"(abc|a.*defg)hi", "abc|defg"},
        {"a(b(c|d)|e)f", "abcf|abdf|aef"},
        {"(a|b)(c|d)(e|f)(g|h)", FOUR},
        {"(a|b)(c|d)(e|f)(g|h)(ij|kl)", FOUR},
        {"(ab|cd)+efg", "efg"},
        {"(abcdefg|hijklmn)+opq", "abcdefg|hijklmn"},
    };
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].pattern);
        show(str_of(rows[i].pattern), LITERAL_LEAST, &out);
        CHECK_TEXT(buf_view(&out), rows[i].want);
    }
    buf_done(&out);
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

static bool holds_one(struct str value, const struct literals *literals)
{
    bool one = literals->count == 0;
    for (size_t i = 0; i < literals->count && !one; i++)
        one = holds(value, literals_at(literals, i));
    return one;
}

static void put_pattern(char pattern[128])
{
    static const char *const parts[] = {
        "a",      "b",       "c",     "ab",    "A",     "|",         "(",           ")",      "[ab]",
        "[^a]",   "?",       "*",     "+",     "{2}",   "{",         "}",           "\\.",    "\\b",
        "(?:",    "(?=",     "\\d",   ".",     "]",     "[",         "^",           "$",      " ",
        "-",      "\\|",     "\\(",   "{0,}",  "(?!c)", "x?",        "[]a]",        "[^]b]",  "(a|b)",
        "(ab|c)", "(a|)",    "|",     "|",     "(",     ")",         "(?i)",        "(?i:",   "(?>",
        "(?<n>",  "{1}",     "{,2}",  "{0,1}", "+?",    "??",        "*+",          "{2}{0}", "\\E",
        "\\x61",  "\\x{62}", "\\1",   "[a-c]", "[-a]",  "[a.]",      "[\\-a]",      "(?<=a)", "(?<!b)",
        "\\p{L}", "\\Q",     "\\141", "\\K",   "(c|.)", "(?:a|bc)?", "[[:alpha:]]", "\\N",    "(?s)",
    };
    size_t n = 0;
    for (size_t i = 0, most = 1 + dice(9); i < most; i++) {
        const char *part = parts[dice(ARRAY_LEN(parts))];
        memcpy(pattern + n, part, strlen(part) + 1);
        n += strlen(part);
    }
}

/* No value that a random expression matches lacks all of its literals. */
static void matches_hold_one(void)
{
    size_t matched = 0;
    size_t several = 0;
    for (size_t round = 0; round < 200000; round++) {
        char pattern[128] = "";
        char value[16];
        struct regex *regex = NULL;
        struct literals literals;
        struct err err = {0};
        put_pattern(pattern);
        if (regex_new(str_of(pattern), dice(2) ? REGEX_CASELESS : 0, &regex, &err) != RC_OK)
            continue;
        regex_literals(str_of(pattern), 1 + dice(3), &literals);
        for (size_t try = 0; try < 8; try++) {
            size_t length = dice(sizeof value);
            for (size_t i = 0; i < length; i++)
                value[i] = "abcAB1 .-|("[dice(11)];
            if (!regex_search_slow(regex, str_at(value, length)))
                continue;
            matched += literals.count > 0;
            several += literals.count > 1;
            test_row("/%s/ on \"%.*s\"", pattern, (int)length, value);
            CHECK(holds_one(str_at(value, length), &literals));
        }
        regex_free(regex);
    }
    printf("# %zu matches of expressions with literals, %zu with several\n", matched, several);
    CHECK(matched > 10000);
    CHECK(several > 2000);
}

static const struct test tests[] = {
    {"literals", literals},
    {"short ones are left out", short_ones_are_left_out},
    {"matches hold one", matches_hold_one},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
