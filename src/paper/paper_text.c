#include "paper/paper_text.h"

#include "base/civil.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const texts[PAPER_TEXTS][PAPER_LANGUAGES] = {
#define X(id, kk, ru, en) {kk, ru, en},
#include "paper/paper_texts.h"
#undef X
};

static const char *const codes[PAPER_LANGUAGES] = {"kk", "ru", "en"};

const char *paper_language_code(enum paper_language language)
{
    return codes[language];
}

bool paper_language_find(struct str code, enum paper_language *ret_language)
{
    for (unsigned i = 0; i < PAPER_LANGUAGES; i++) {
        if (str_is(code, codes[i])) {
            *ret_language = (enum paper_language)i;
            return true;
        }
    }
    return false;
}

const char *paper_text_of(enum paper_language language, enum paper_text text)
{
    return texts[text][language];
}

void paper_line(const struct paper *paper, enum paper_text text, const char *first, const char *second)
{
    struct str rest = str_of(paper_text_of(paper->language, text));
    while (rest.n > 0) {
        bool place = str_starts(rest, STR("{1}")) || str_starts(rest, STR("{2}"));
        const char *value = place && rest.p[1] == '1' ? first : second;
        if (place)
            buf_text(paper->out, value ? value : "");
        else
            buf_char(paper->out, rest.p[0]);
        rest = str_skip(rest, place ? 3 : 1);
    }
    buf_char(paper->out, '\n');
}

void paper_row(const struct paper *paper, enum paper_text label, struct str value)
{
    buf_text(paper->out, "    ");
    buf_text(paper->out, paper_text_of(paper->language, label));
    buf_text(paper->out, ": ");
    buf_str(paper->out, value);
    buf_char(paper->out, '\n');
}

void paper_row_number(const struct paper *paper, enum paper_text label, uint64_t value)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%" PRIu64, value);
    paper_row(paper, label, str_at(text, (size_t)n));
}

void paper_row_time(const struct paper *paper, enum paper_text label, int64_t time_ns)
{
    char text[2 * CIVIL_TEXT_MAX + 16];
    char local[CIVIL_TEXT_MAX];
    char utc[CIVIL_TEXT_MAX];
    civil_format(time_ns, paper->zone_s, 9, local);
    civil_format(time_ns, 0, 9, utc);
    int n = snprintf(text, sizeof text, "%s (UTC %s)", local, utc);
    paper_row(paper, label, str_at(text, (size_t)n));
}
