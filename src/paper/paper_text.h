/* paper_text.h - what papers say, in Kazakh, Russian and English: the rows of data/i18n/paper.tsv, built in.
 *
 * A paper is checked by writing it anew and comparing bytes, so its words are a part of its format: a changed text is a
 * new version of the paper's first line. {1} and {2} are filled in. */
#ifndef PAPER_PAPER_TEXT_H
#define PAPER_PAPER_TEXT_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum paper_language { PAPER_KK, PAPER_RU, PAPER_EN, PAPER_LANGUAGES };

enum paper_text {
#define X(id, kk, ru, en) PAPER_##id,
#include "paper/paper_texts.h"
#undef X
    PAPER_TEXTS
};

/* "kk", "ru", "en"; constant. */
const char *paper_language_code(enum paper_language language);
bool paper_language_find(struct str code, enum paper_language *ret_language) MUST_USE;
const char *paper_text_of(enum paper_language language, enum paper_text text);

/* One language's lines behind `out`. */
struct paper {
    struct buf *out;
    enum paper_language language;
    int32_t zone_s;
};

/* The text with {1} and {2} filled in, and a line end. NULL fills nothing. */
void paper_line(const struct paper *paper, enum paper_text text, const char *first, const char *second);
/* "    label: value" */
void paper_row(const struct paper *paper, enum paper_text label, struct str value);
void paper_row_number(const struct paper *paper, enum paper_text label, uint64_t value);
/* A moment in the paper's zone and in UTC. */
void paper_row_time(const struct paper *paper, enum paper_text label, int64_t time_ns);

#endif
