/* Words: the filter is filled with exactly the words that searches look for, however the text is cut and cased. */
#include "archive/words.h"

#include "archive/block.h"
#include "base/arena.h"
#include "base/test.h"

#include <string.h>

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* The set that word_next gives, hashed the slow way. */
static size_t plain_words(const struct words *words, struct str text, uint64_t *ret_hashes, size_t size)
{
    char word[WORD_MAX];
    size_t count = 0;
    size_t n;
    size_t at = 0;
    while (word_next(text, &at, word, &n) && count < size)
        ret_hashes[count++] = siphash(words->key, word, n);
    return count;
}

static bool holds(const struct words *words, uint64_t hash)
{
    for (size_t i = 0; i < words->slot_count; i++)
        if (words->slots[i] == hash)
            return true;
    return false;
}

/* Each hash is in the set, and the set has no others. */
static void check_same(const struct words *words, const uint64_t *hashes, size_t count)
{
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < i && hashes[k] != hashes[i])
            k++;
        distinct += k == i;
        CHECK(holds(words, hashes[i]));
    }
    CHECK_INT(words->count, distinct);
}

static const struct {
    const char *text;
    size_t words;
} samples[] = {
    {"", 0},
    {"a b c", 0},
    {"12 12345 9999", 0},
    {"123456 12345a", 2},
    {"Root root ROOT rOOt", 1},
    {"_ __ a_b A_B", 2},
    {"Ж ж", 1},
    {"ПРИВЕТ привет Привет", 1},
    {"ҚАЗАҚСТАН қазақстан Ғылым ғылым", 2},
    {"Straßeneck straßeneck", 1},
    {"0123456789abcdef 0123456789ABCDEF 0123456789abcdefg", 2},
    {"0123456789abcdef0123456789abcdef 0123456789ABCDEF0123456789ABCDEF 0123456789abcdef0123456789abcdeg", 2},
    {"a\x7f"
     "b ab a_",
     2},
    {"10.0.0.5 port 22 10.0.0.5", 2},
    {"1.2.3.4.5 a1.2.3.4 1.2.3.4b 1.2.3 1234.1.1.1 300.300.300.300.", 5},
    {"-----------------------------------------------------------Word-goes-over-the-end-of-sixty-four", 8},
};

static void known_texts(void)
{
    const uint64_t key[2] = {5, 6};
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct words words;
        uint64_t hashes[64];
        test_row("%s", samples[i].text);
        words_init(&words, key);
        for (int round = 0; round < 3; round++)
            words_add_text(&words, str_of(samples[i].text));
        check_same(&words, hashes, plain_words(&words, str_of(samples[i].text), hashes, ARRAY_LEN(hashes)));
        CHECK_INT(words.count, samples[i].words);
        words_clear(&words);
        CHECK_INT(words.count, 0);
        words_add_text(&words, str_of(samples[i].text)); /* what was seen before the clearing counts no more */
        CHECK_INT(words.count, samples[i].words);
        words_done(&words);
    }
}

/* Random texts of few characters, so that words meet, at every alignment and of lengths about the limits; a text stands
 * at the very end of its memory, so that reading past it is seen, or others stand behind it that it must not hold. */
static void random_texts(void)
{
    static const char letters[] = "aAbB0129_  ...-\xd0\x90\xd0\xb0\xd1\x8f\xd2\x9a\x80\xff";
    const uint64_t key[2] = {7, 8};
    static uint64_t hashes[4096];
    for (int round = 0; round < 4000; round++) {
        struct words words;
        size_t length = next_random() % (round % 3 ? 90 : 700);
        size_t spread = round % 2 ? sizeof letters - 1 : 9; /* without separators words become long */
        size_t behind = round % 5 < 2 ? 64 : 0;
        char *text = memory_new(length + 1 + behind);
        size_t count = 0;
        test_row("text %d", round);
        words_init(&words, key);
        for (int again = 0; again < 3; again++) {
            for (size_t i = 0; i < length + behind; i++)
                text[1 + i] = letters[next_random() % spread];
            struct str whole = str_at(text + 1, length);
            words_add_room(&words, whole, length + behind);
            count += plain_words(&words, whole, hashes + count, ARRAY_LEN(hashes) - count);
        }
        check_same(&words, hashes, count);
        words_done(&words);
        memory_free(text);
    }
}

/* Words that differ in their last bytes alone, so many that they meet in every slot of those seen lately. */
static void alike(void)
{
    static const size_t lengths[] = {8, 16, 24, 32};
    const uint64_t key[2] = {11, 12};
    char text[33] = "abcdefghijklmnopqrstuvwxyzabcdef";
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct words words;
        test_row("%zu bytes", lengths[i]);
        words_init(&words, key);
        for (uint32_t k = 0; k < 60000; k++) {
            for (size_t digit = 0; digit < 4; digit++)
                text[lengths[i] - 1 - digit] = (char)('a' + (k >> 4 * digit & 15));
            words_add_text(&words, str_at(text, lengths[i]));
        }
        CHECK_INT(words.count, 60000);
        words_done(&words);
    }
}

/* Past the limit there is no filter: every word may be there. */
static void too_many(void)
{
    const uint64_t key[2] = {9, 10};
    struct words words;
    struct buf filter CLEANUP(buf_done) = {0};
    char text[16];
    words_init(&words, key);
    for (uint32_t i = 0; i <= WORDS_MAX; i++) {
        for (size_t k = 0; k < 8; k++)
            text[k] = (char)('a' + (i >> 4 * k & 15));
        words_add_text(&words, str_at(text, 8));
    }
    CHECK(words.overflow);
    buf_init(&filter, (size_t)64 << 20);
    words_filter(&words, &filter);
    CHECK_INT(filter.n, 0);
    CHECK(filter_may_hold(buf_view(&filter), key, STR("never")));
    words_clear(&words);
    words_add_text(&words, STR("again"));
    words_filter(&words, &filter);
    CHECK(filter_may_hold(buf_view(&filter), key, STR("again")));
    words_done(&words);
}

static const struct test tests[] = {
    {"known texts", known_texts},
    {"random texts", random_texts},
    {"words alike", alike},
    {"too many words", too_many},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
