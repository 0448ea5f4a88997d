#include "archive/sweep_words.h"

#include "archive/words.h"

#include <string.h>

#define WHOLE_WORTH 1000u /* a filter can be asked for it: no part of a word is as good */
#define PART_LEAST  3u    /* shorter parts of words stand everywhere */
#define OTHERS_MAX  3u    /* letters of a word that have another form: the ways to write it double with each */

static bool has_other(char c)
{
    return c == 'k' || c == 's';
}

/* How much a word says; 0: it cannot be asked for. */
static size_t worth(struct str word, bool whole)
{
    size_t others = 0;
    bool letter = false;
    if (word.n < (whole ? 2u : PART_LEAST) || word.n >= WORD_MAX) /* longer ones are known by their beginning only */
        return 0;
    for (size_t i = 0; i < word.n; i++) {
        char c = char_lower(word.p[i]);
        if ((unsigned char)c > 127)
            return 0; /* other scripts fold otherwise here than there */
        letter = letter || char_is_alpha(c) || c == '_';
        others += has_other(c);
    }
    if (!letter || others > OTHERS_MAX)
        return 0; /* short decimals are in no filter, addresses are words of their own */
    return 4 * word.n + 8 * (OTHERS_MAX - others) + (whole ? WHOLE_WORTH : 0);
}

struct sweep_word sweep_word_of(struct str text, bool begins, bool ends)
{
    struct sweep_word best = {.n = 0};
    size_t most = 0;
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        while (i < text.n && word_char(text.p[i]))
            i++;
        struct str word = str_slice(text, from, i);
        bool open_start = from == 0 && !begins;
        bool open_end = i == text.n && !ends;
        size_t value = worth(word, !open_start && !open_end);
        if (value > most) {
            most = value;
            best = (struct sweep_word){.n = word.n, .open_start = open_start, .open_end = open_end};
            word_fold_text(word, best.text);
        }
        i += i < text.n;
    }
    return best;
}

bool sweep_word_is_whole(const struct sweep_word *word)
{
    return !word->open_start && !word->open_end;
}

static bool put(struct sweep_words *words, const struct sweep_word *word)
{
    for (size_t i = 0; i < words->count; i++) {
        const struct sweep_word *have = &words->word[i];
        if (str_eq(str_at(have->text, have->n), str_at(word->text, word->n)) && have->open_start == word->open_start &&
            have->open_end == word->open_end)
            return true;
    }
    if (words->count == SWEEP_WORDS_MAX)
        return false;
    words->word[words->count++] = *word;
    return true;
}

bool sweep_words_add(struct sweep_words *words, const struct sweep_word *word)
{
    unsigned others = 0;
    for (size_t i = 0; i < word->n; i++)
        others += has_other(word->text[i]);
    if (word->n == 0 || word->n > WORD_MAX || others > OTHERS_MAX)
        return false;
    for (unsigned way = 0; way < 1u << others; way++) {
        struct sweep_word made = {.open_start = word->open_start, .open_end = word->open_end};
        unsigned letter = 0;
        for (size_t i = 0; i < word->n; i++) {
            const char *other = word->text[i] == 'k' ? "\xe2\x84\xaa" : "\xc5\xbf";
            if (has_other(word->text[i]) && (way >> letter++ & 1)) {
                memcpy(made.text + made.n, other, strlen(other));
                made.n += strlen(other);
            } else {
                made.text[made.n++] = word->text[i];
            }
        }
        if (!put(words, &made))
            return false;
    }
    return true;
}

bool sweep_words_are_whole(const struct sweep_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (!sweep_word_is_whole(&words->word[i]))
            return false;
    return true;
}
