#include "codec/kv.h"

#include <string.h>

enum { KEY = 1, SEPARATOR = 2, OPENER = 4, CLOSER = 8 };

/* clang-format off */
static const uint8_t classes[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 2, 0, 0, /* 00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
    2, 0, 0, 1, 1, 1, 0, 0, 4, 8, 1, 1, 2, 1, 1, 1, /* 20 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 0, 8, 0, /* 30 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 40 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1, 8, 1, 1, /* 50 */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 60 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 0, 8, 1, 0, /* 70 */
};
/* clang-format on */

static uint8_t class_of(char c)
{
    return (uint8_t)c >= 128 ? KEY : classes[(uint8_t)c];
}

static size_t key_length(struct str s)
{
    size_t at = 0;
    while (at < s.n && (class_of(s.p[at]) & KEY) != 0)
        at++;
    return at;
}

struct kv kv_of(struct str line)
{
    return (struct kv){.rest = line};
}

/* Position of the closing quote, or s.n. */
static size_t quoted_length(struct str s, char quote, bool *ret_escaped)
{
    size_t at = 0;
    while (at < s.n && s.p[at] != quote) {
        bool escape = s.p[at] == '\\' && at + 1 < s.n && (s.p[at + 1] == quote || s.p[at + 1] == '\\');
        *ret_escaped = *ret_escaped || escape;
        at += escape ? 2 : 1;
    }
    if (at < s.n)
        return at;
    *ret_escaped = false; /* "C:\dir\" reads as an escape up to the end: then the first quote closes */
    return str_find(s, quote);
}

static char closer_of(char opener)
{
    switch (opener) {
    case '(':
        return ')';
    case '[':
        return ']';
    case '{':
        return '}';
    case '<':
        return '>';
    default:
        return '\0';
    }
}

/* A comma or semicolon ends a bare value only when a blank, the end or another key= follows. */
static bool comma_ends(struct str behind)
{
    if (behind.n == 0 || (class_of(behind.p[0]) & SEPARATOR) != 0)
        return true;
    size_t key = key_length(behind);
    return key > 0 && key < behind.n && behind.p[key] == '=';
}

static size_t bare_length(struct str s, char closer)
{
    size_t at = 0;
    for (; at < s.n; at++) {
        char c = s.p[at];
        if (c == closer && closer != '\0')
            break;
        if ((class_of(c) & SEPARATOR) == 0)
            continue;
        if ((c != ',' && c != ';') || comma_ends(str_skip(s, at + 1)))
            break;
    }
    return at;
}

/* The value behind '='; `before` is the character before the key. */
static void take_value(struct kv *kv, struct str s, char before, struct kv_pair *pair)
{
    size_t taken = 0;
    pair->quote = s.n > 0 && (s.p[0] == '"' || s.p[0] == '\'') ? s.p[0] : '\0';
    if (pair->quote != '\0') {
        struct str inner = str_skip(s, 1);
        size_t n = quoted_length(inner, pair->quote, &pair->escaped);
        pair->value = str_slice(inner, 0, n); /* without a closing quote the line was cut: all of it */
        taken = n + 2;
    } else {
        taken = bare_length(s, closer_of(before));
        pair->value = str_slice(s, 0, taken);
    }
    kv->rest = str_skip(s, taken);
    kv->pairs++;
}

/* Length of a word that is no pair: to the next separator or opener; a quoted text is one word. */
static size_t word_length(struct str s, size_t from)
{
    if (from == 0 && s.p[0] == '"') {
        size_t close = str_find(str_skip(s, 1), '"');
        if (close + 1 < s.n)
            return close + 2;
    }
    size_t at = MAX(from, (size_t)1);
    while (at < s.n && (class_of(s.p[at]) & (SEPARATOR | OPENER)) == 0)
        at++;
    return at;
}

bool kv_next(struct kv *kv, struct kv_pair *ret_pair)
{
    memset(ret_pair, 0, sizeof *ret_pair);
    struct str s = kv->rest;
    char before = ' ';
    bool in_word = false;
    while (s.n > 0) {
        uint8_t class = class_of(s.p[0]);
        if ((class & (SEPARATOR | OPENER)) != 0) {
            in_word = in_word && (class & SEPARATOR) == 0;
            before = s.p[0];
            s = str_skip(s, 1);
            continue;
        }
        if ((class & CLOSER) != 0) {
            s = str_skip(s, 1);
            continue;
        }
        size_t key = key_length(s);
        if (key > 0 && key < s.n && s.p[key] == '=') {
            ret_pair->key = str_slice(s, 0, key);
            take_value(kv, str_skip(s, key + 1), before, ret_pair);
            return true;
        }
        kv->words += !in_word;
        in_word = true;
        s = str_skip(s, word_length(s, key));
    }
    kv->rest = s;
    return false;
}

/* Whether every backslash can be meant as an escape; Windows paths mostly cannot, and must stay as they are. */
static bool all_escapes(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\')
            continue;
        if (i + 1 == s.n || memchr("\\\"'nrt/", s.p[i + 1], 7) == NULL)
            return false;
        i++;
    }
    return true;
}

struct str kv_text(struct arena *arena, const struct kv_pair *pair)
{
    if (!pair->escaped)
        return pair->value;
    struct str s = pair->value;
    bool all = all_escapes(s);
    char *text = arena_alloc_raw(arena, s.n);
    if (text == NULL)
        return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char next = i + 1 < s.n ? s.p[i + 1] : '\0';
        if (s.p[i] == '\\' && (next == '"' || next == '\'' || (all && next == '\\')))
            i++;
        text[n++] = s.p[i];
    }
    return str_at(text, n);
}
