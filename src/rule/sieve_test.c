/* The sieve never holds back a text that has one of the literals, and lets hardly any other through. */
#include "rule/sieve.h"

#include "base/buf.h"
#include "base/test.h"
#include "codec/utf8.h"
#include "rule/fold.h"

#include <string.h>

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

static const struct literal words[] = {
    {STR_INIT("dpapi::masterkey"), 1}, {STR_INIT("kiwi legit printer"), 2}, {STR_INIT("mimidrv.sys"), 3},
    {STR_INIT("\\mimilib.dll"), 4},    {STR_INIT("sekurlsa::"), 5},         {STR_INIT("eo.oe.kiwi"), 6},
};
static const struct literal few[] = {{STR_INIT("aab"), 1}, {STR_INIT("b1k"), 2}};
static const struct literal other[] = {{STR_INIT("\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c"), 1},
                                       {STR_INIT("s3cret"), 2}};

static bool holds(const struct literal *literals, size_t count, struct str text)
{
    char room[4096];
    struct str folded = str_at(room, fold_text(text, room));
    for (size_t i = 0; i < count; i++) {
        if (str_search(folded, literals[i].text) < folded.n)
            return true;
    }
    return false;
}

/* Random text with parts of the literals in it, in any case. */
static struct str text_make(char room[1024], const struct literal *literals, size_t count, bool ascii)
{
    static const char *const odd[] = {"\xe2\x84\xaa", "\xc5\xbf", "\xd0\x9f\xd0\x90", "\xff", "\xe2\x80\x93", "\xc5"};
    struct buf text;
    buf_init_fixed(&text, room, 1024);
    for (size_t n = draw(400); text.n < n;) {
        uint32_t kind = draw(ascii ? 12 : 14);
        if (kind >= 12) {
            buf_text(&text, odd[draw(ARRAY_LEN(odd))]);
        } else if (kind < 2) {
            struct str literal = literals[draw((uint32_t)count)].text;
            size_t from = draw(3) ? 0 : draw((uint32_t)literal.n);
            literal = str_slice(literal, from, draw(3) ? literal.n : draw((uint32_t)literal.n + 1));
            for (size_t i = 0; i < literal.n; i++) {
                bool upper = draw(3) == 0 && literal.p[i] >= 'a' && literal.p[i] <= 'z';
                buf_char(&text, upper ? (char)(literal.p[i] - 32) : literal.p[i]);
            }
        } else {
            buf_char(&text, kind < 6 ? (char)draw(128) : "abk1:K \\"[draw(8)]);
        }
    }
    return str_slice(buf_view(&text), draw(3), text.n);
}

static void check(const struct literal *literals, size_t count, bool ascii)
{
    char room[1024];
    struct arena *arena = arena_new((size_t)1 << 20);
    struct sieve *sieve = sieve_new(arena, literals, count);
    size_t held = 0;
    size_t passed = 0;
    if (!CHECK(sieve != NULL))
        return;
    for (size_t i = 0; i < 60000; i++) {
        struct str text = text_make(room, literals, count, ascii);
        bool is = holds(literals, count, text);
        if (i == 30000)
            sieve_narrow(sieve);
        bool may = sieve_may_hold(sieve, text);
        held += is;
        passed += may;
        test_row("%.*s", STR_ARG(text));
        CHECK(may || !is);
        CHECK(!ascii || is || !may || text.n < 17); /* of ASCII it knows */
    }
    CHECK(held > 1000 && passed < 60000);
    arena_free(arena);
}

static void never_holds_back(void)
{
    state = 52;
    check(words, ARRAY_LEN(words), true);
    check(words, ARRAY_LEN(words), false);
    check(few, ARRAY_LEN(few), true);
    check(few, ARRAY_LEN(few), false);
    check(other, ARRAY_LEN(other), false);
}

/* What sieve.c takes for granted of folding. */
static void folds_to_ascii(void)
{
    for (uint32_t code = 0x80; code < 0x110000; code++)
        CHECK(utf8_fold_code(code) >= 0x80 || code == 0x212a || code == 0x17f);
}

static void refuses(void)
{
    const struct literal many[] = {
        {STR_INIT("abc"), 1}, {STR_INIT("def"), 2}, {STR_INIT("ghi"), 3}, {STR_INIT("jkl"), 4}, {STR_INIT("mno"), 5}};
    const struct literal shorts[] = {{STR_INIT("a"), 1}};
    const struct literal foreign[] = {{STR_INIT("\xd0\xbf\xd0\xb0"), 1}};
    struct arena *arena = arena_new((size_t)1 << 20);
    CHECK(sieve_new(arena, many, 4) != NULL);
    CHECK(sieve_new(arena, many, ARRAY_LEN(many)) == NULL);
    CHECK(sieve_new(arena, shorts, 1) == NULL);
    CHECK(sieve_new(arena, foreign, 1) == NULL);
    arena_free(arena);
}

static const struct test tests[] = {
    {"never holds back what has a literal", never_holds_back},
    {"two codes fold to ASCII", folds_to_ascii},
    {"refuses what has no few pairs", refuses},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
