#include "base/macros.h"
#include "base/str.h"
#include "cmd/qorgan_verify.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMN 26

static const char *const texts[TEXT_COUNT][LANGUAGE_COUNT] = {
#define X(id, en, ru, kk) {en, ru, kk},
#include "cmd/qorgan_verify_texts.h"
#undef X
};

enum language text_language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || value[0] == '\0')
            continue;
        if (str_starts(str_of(value), STR("ru")))
            return LANGUAGE_RU;
        return str_starts(str_of(value), STR("kk")) ? LANGUAGE_KK : LANGUAGE_EN;
    }
    return LANGUAGE_EN;
}

const char *text_of(enum language language, enum text text)
{
    return texts[text][language];
}

void text_fill(struct buf *out, enum language language, enum text text, const char *first, const char *second)
{
    struct str rest = str_of(text_of(language, text));
    while (rest.n > 0) {
        if (str_starts(rest, STR("{1}")))
            buf_text(out, first);
        else if (str_starts(rest, STR("{2}")))
            buf_text(out, second);
        else
            buf_char(out, rest.p[0]);
        rest = str_skip(rest, rest.p[0] == '{' ? 3 : 1);
    }
}

/* Length of the UTF-8 sequence at the front, 0 when there is none. */
static size_t sequence(struct str s)
{
    unsigned char first = (unsigned char)s.p[0];
    size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
    }
    unsigned char second = n > 1 ? (unsigned char)s.p[1] : 0;
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool surrogate = first == 0xed && second > 0x9f;
    return overlong || surrogate || (first == 0xf4 && second > 0x8f) ? 0 : n;
}

static void print_labelled(struct str text, const char *value)
{
    size_t width = 0;
    for (struct str rest = text; rest.n > 0; width++)
        rest = str_skip(rest, MAX(sequence(rest), 1));
    printf("  %.*s%*s%s\n", STR_ARG(text), (int)(width < COLUMN ? COLUMN - width : 1), "", value);
}

void print_row(enum language language, enum text label, const char *value)
{
    print_labelled(str_of(text_of(language, label)), value);
}

void print_paper_row(enum language language, enum paper_text label, const char *value)
{
    static const enum paper_language languages[LANGUAGE_COUNT] = {
        [LANGUAGE_EN] = PAPER_EN, [LANGUAGE_RU] = PAPER_RU, [LANGUAGE_KK] = PAPER_KK};
    print_labelled(str_of(paper_text_of(languages[language], label)), value);
}

void json_string(struct buf *out, struct str text)
{
    buf_char(out, '"');
    while (text.n > 0) {
        size_t n = sequence(text);
        char c = text.p[0];
        if (n == 0)
            buf_text(out, "\\ufffd");
        else if (c == '"' || c == '\\')
            buf_format(out, "\\%c", c);
        else if (n == 1 && ((unsigned char)c < 0x20 || c == 0x7f))
            buf_format(out, "\\u%04x", (unsigned)c);
        else
            buf_put(out, text.p, n);
        text = str_skip(text, MAX(n, 1));
    }
    buf_char(out, '"');
}

/* C1 controls (U+0080 to U+009F, in UTF-8 c2 80 to c2 9f) and the marks that turn the direction of text (U+200E,
 * U+200F, U+202A to U+202E, U+2066 to U+2069) would let a record paint over what the program says. */
static bool harmless(struct str s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (n == 1)
        return p[0] >= 0x20 && p[0] != 0x7f;
    if (n == 2)
        return p[0] != 0xc2 || p[1] >= 0xa0;
    if (n == 3 && p[0] == 0xe2 && p[1] == 0x80)
        return !(p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae));
    return !(n == 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

void safe_text(struct buf *out, struct str bytes)
{
    while (bytes.n > 0) {
        size_t n = sequence(bytes);
        if (n > 0 && harmless(bytes, n)) {
            buf_put(out, bytes.p, n);
        } else {
            n = MAX(n, 1);
            for (size_t i = 0; i < n; i++)
                buf_format(out, "\\x%02x", (unsigned)(unsigned char)bytes.p[i]);
        }
        bytes = str_skip(bytes, n);
    }
}
