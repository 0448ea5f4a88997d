/* Which records of a block may hold a text in their raw bytes, told by forms and distinct values, so that the raw bytes
 * of the others are never put together.
 *
 * Each word of the text must stand, as a part at least, in a piece of the record's form or in the content of one of its
 * slots: words are cut nowhere else than at a slot's glued border, and there the whole form is let through. */
#include "archive/block_view.h"
#include "archive/query_block.h"
#include "archive/words.h"
#include "base/assert.h"

#include <string.h>

#define FOLDED_MAX 2048 /* longer contents are let through */

/* One word of the text and what is known of it in this block. */
struct word_search {
    struct block *block;
    struct arena *arena;
    struct str word; /* folded */
    bool has_digit;
    bool is_number;
    uint8_t *of_code; /* CODE_* of each code of the block */
};

enum { CODE_UNKNOWN = 0, CODE_NO, CODE_YES };

/* What one form says: all of its records may hold the word, or those whose rows are marked. */
struct form_verdict {
    bool all;
    uint8_t *rows; /* NULL: none */
};

static bool text_has(const struct word_search *w, struct str text)
{
    UNINITIALISED char folded[FOLDED_MAX];
    if (text.n < w->word.n)
        return false;
    if (text.n > sizeof folded)
        return true;
    word_fold_text(text, folded);
    return memmem(folded, text.n, w->word.p, w->word.n) != NULL;
}

/* Whether the word can begin with an end of `run` and go on behind it. `whole`: what stands before the run is not known
 * to end the word. */
static bool ends_into(struct str word, struct str run, bool whole)
{
    for (size_t k = 1; k < word.n; k++) {
        size_t n = MIN(k, run.n);
        if ((k <= run.n || whole) && memcmp(word.p + k - n, run.p + run.n - n, n) == 0)
            return true;
    }
    return false;
}

static bool begins_from(struct str word, struct str run, bool whole)
{
    for (size_t k = 1; k < word.n; k++) {
        size_t n = MIN(k, run.n);
        if ((k <= run.n || whole) && memcmp(word.p + word.n - k, run.p, n) == 0)
            return true;
    }
    return false;
}

/* The word characters at an end of the text, folded into `room`. `whole`: there are no others. */
static struct str run_at(struct str text, bool at_end, char room[FOLDED_MAX], bool *ret_whole)
{
    text = at_end ? str_slice(text, text.n - MIN(text.n, FOLDED_MAX), text.n) : str_slice(text, 0, FOLDED_MAX);
    size_t n = 0;
    while (n < text.n && word_char(text.p[at_end ? text.n - 1 - n : n]))
        n++;
    *ret_whole = n == text.n;
    word_fold_text(at_end ? str_slice(text, text.n - n, text.n) : str_slice(text, 0, n), room);
    return str_at(room, n);
}

static bool text_ends_into(const struct word_search *w, struct str text)
{
    UNINITIALISED char room[FOLDED_MAX];
    bool whole;
    struct str run = run_at(text, true, room, &whole);
    return (run.n || whole) && ends_into(w->word, run, whole);
}

static bool text_begins_from(const struct word_search *w, struct str text)
{
    UNINITIALISED char room[FOLDED_MAX];
    bool whole;
    struct str run = run_at(text, false, room, &whole);
    return (run.n || whole) && begins_from(w->word, run, whole);
}

/* Whether some content of the slot may be where the word goes on over the slot's end, or its beginning. */
static bool slot_may_straddle(const struct word_search *w, const struct slot_column *c, bool end)
{
    bool may = false;
    switch (c->how) {
    case HOW_CONST:
    case HOW_INDEX:
        for (uint32_t i = 0; i < (c->how == HOW_CONST ? 1 : c->value_count) && !may; i++)
            may = end ? text_ends_into(w, c->values[i]) : text_begins_from(w, c->values[i]);
        return may;
    case HOW_CODES:
        for (uint32_t row = 0; row < c->count && !may; row++) {
            struct str text = block_value(w->block, c->codes[row]);
            may = end ? text_ends_into(w, text) : text_begins_from(w, text);
        }
        return may;
    case HOW_CLOCK: /* HH: at its beginning, :SS or a fraction at its end */
    case HOW_CLOCK_NUMBERS:
    case HOW_NUMBERS:
    case HOW_DELTAS:
        return w->has_digit;
    case HOW_TEXTS:
    case HOW_FIXED:
    case HOW_COUNT:
        break;
    }
    return true;
}

/* Whether the word may stand across a border of piece `i` and a slot beside it. */
static enum rc may_straddle(const struct word_search *w, uint32_t form, uint32_t i, bool *ret_may, struct err *err)
{
    const struct form *f = w->block->forms[form].form;
    struct str piece = f->pieces[i];
    bool before = i > 0;
    bool behind = i < f->raw_slots;
    struct slot_column *left;
    struct slot_column *right;
    *ret_may = piece.n > 0 && ((behind && text_ends_into(w, piece)) || (before && text_begins_from(w, piece)));
    if (piece.n || !before || !behind)
        return RC_OK;
    /* Two slots side by side: one of them is a time of day, which begins and ends with a digit. */
    if (!w->has_digit && (f->kinds[i - 1] >= SLOT_CLOCK || f->kinds[i] >= SLOT_CLOCK))
        return RC_OK;
    enum rc rc = block_slot(w->block, form, i - 1, &left, err);
    rc = rc == RC_OK ? block_slot(w->block, form, i, &right, err) : rc;
    *ret_may = rc == RC_OK && slot_may_straddle(w, left, true) && slot_may_straddle(w, right, false);
    return rc;
}

static bool code_has(struct word_search *w, uint32_t code)
{
    if (w->of_code[code] == CODE_UNKNOWN)
        w->of_code[code] = text_has(w, block_value(w->block, code)) ? CODE_YES : CODE_NO;
    return w->of_code[code] == CODE_YES;
}

/* Marks the rows whose content in this column has the word. */
static void column_rows(struct word_search *w, const struct slot_column *c, uint8_t *rows)
{
    uint8_t has[256] = {0};
    UNINITIALISED char room[CELL_TEXT];
    switch (c->how) {
    case HOW_INDEX:
        for (uint32_t i = 0; i < c->value_count; i++)
            has[i] = text_has(w, c->values[i]);
        for (uint32_t row = 0; row < c->count; row++)
            rows[row] |= has[(uint8_t)c->bytes.p[row]];
        break;
    case HOW_CODES:
        for (uint32_t row = 0; row < c->count; row++)
            rows[row] |= code_has(w, c->codes[row]);
        break;
    case HOW_NUMBERS:
    case HOW_DELTAS:
    case HOW_TEXTS:
    case HOW_FIXED:
        for (uint32_t row = 0; row < c->count; row++)
            rows[row] |= text_has(w, slot_text(w->block, c, row, 0, room));
        break;
    case HOW_CONST:
    case HOW_CLOCK:
    case HOW_CLOCK_NUMBERS:
    case HOW_COUNT:
        break;
    }
}

static enum rc slot_judge(struct word_search *w, uint32_t form, uint32_t slot, struct form_verdict *verdict,
                          struct err *err)
{
    struct slot_column *c;
    enum rc rc = block_slot(w->block, form, slot, &c, err);
    if (rc != RC_OK)
        return rc;
    bool number = c->how == HOW_NUMBERS || c->how == HOW_DELTAS;
    bool clock = c->how == HOW_CLOCK || c->how == HOW_CLOCK_NUMBERS;
    if ((number || clock) && !w->is_number)
        return RC_OK;
    verdict->all = verdict->all || clock || (c->how == HOW_CONST && text_has(w, c->values[0]));
    if (verdict->all || c->how == HOW_CONST)
        return RC_OK;
    if (!verdict->rows)
        verdict->rows = arena_alloc(w->arena, c->count);
    if (!verdict->rows)
        return err_set(err, RC_LIMIT, "no memory to search a block");
    column_rows(w, c, verdict->rows);
    return RC_OK;
}

static enum rc form_judge(struct word_search *w, uint32_t form, struct form_verdict *verdict, struct err *err)
{
    const struct form *f = w->block->forms[form].form;
    enum rc rc = RC_OK;
    for (uint32_t i = 0; i <= f->raw_slots && !verdict->all && rc == RC_OK; i++) {
        verdict->all = text_has(w, f->pieces[i]);
        if (!verdict->all)
            rc = may_straddle(w, form, i, &verdict->all, err);
    }
    for (uint32_t s = 0; s < f->raw_slots && rc == RC_OK && !verdict->all; s++)
        rc = slot_judge(w, form, s, verdict, err);
    return rc;
}

/* Leaves the bits of the records that may hold the word. */
static enum rc word_judge(struct word_search *w, uint64_t *bits, struct err *err)
{
    struct block *b = w->block;
    struct form_verdict *verdicts = arena_alloc_array(w->arena, b->form_count, sizeof *verdicts);
    w->of_code = arena_alloc(w->arena, (size_t)block_codes(b) + 1);
    if (!verdicts || !w->of_code)
        return err_set(err, RC_LIMIT, "no memory to search a block");
    for (uint32_t f = 0; f < b->form_count; f++) {
        enum rc rc = form_judge(w, f, &verdicts[f], err);
        if (rc != RC_OK)
            return rc;
    }
    for (uint32_t i = bits_next(bits, 0, b->info.count); i < b->info.count; i = bits_next(bits, i + 1, b->info.count)) {
        const struct form_verdict *v = &verdicts[b->form_of[i]];
        if (!v->all && !(v->rows && v->rows[b->row_of[i]]))
            bits_clear(bits, i, i + 1);
    }
    return RC_OK;
}

enum rc block_candidates(struct block *block, const struct query_needle *needle, struct arena *arena, uint64_t *bits,
                         struct err *err)
{
    struct str text = needle->text;
    enum rc rc = block_values_open(block, err);
    for (size_t at = 0; at < text.n && rc == RC_OK;) {
        struct word_search w = {.block = block, .arena = arena, .is_number = true};
        size_t n = 0;
        while (at + n < text.n && word_char(text.p[at + n])) {
            bool digit = char_is_digit(text.p[at + n++]);
            w.has_digit = w.has_digit || digit;
            w.is_number = w.is_number && digit;
        }
        w.word = str_at(text.p + at, n);
        at += n + 1;
        if (n > 1)
            rc = word_judge(&w, bits, err);
    }
    return rc;
}
