/* sweep_words.h - words, or parts of words, of which a record that is sought holds one. Pure.
 *
 * Filters of blocks know whole words only, and archives fold only ASCII and Cyrillic letters (block.h). From a text
 * that is sought without regard to case, a word counts as whole only where it surely stands so in each value that holds
 * the text; and with each come the two ways to write it that simple Unicode folding lets pass: U+212A for k, U+017F for
 * s. */
#ifndef ARCHIVE_SWEEP_WORDS_H
#define ARCHIVE_SWEEP_WORDS_H

#include "archive/block.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define SWEEP_WORDS_MAX 120u /* ways to write them counted */

struct sweep_word {
    char text[3 * WORD_MAX]; /* as word_fold_text has it; letters, digits and _ only */
    size_t n;
    bool open_start; /* letters may stand before it */
    bool open_end;
};

struct sweep_words {
    struct sweep_word word[SWEEP_WORDS_MAX];
    size_t count;
};

/* What of a text says most, a whole word if there is one; the text stands at the beginning, at the end of a value, or
 * not known where. `n` is 0 when there is nothing that could be asked for. */
struct sweep_word sweep_word_of(struct str text, bool begins, bool ends);
bool sweep_word_is_whole(const struct sweep_word *word);
/* False when there is no room: then nothing may be passed over for want of words. */
bool sweep_words_add(struct sweep_words *words, const struct sweep_word *word);
/* Whether all are whole, so that filters can be asked. */
bool sweep_words_are_whole(const struct sweep_words *words);

#endif
