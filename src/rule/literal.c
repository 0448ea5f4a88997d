#include "rule/literal.h"

#include <string.h>

/* Behind the class that begins at `at`: "[]a]" and "[^]a]" hold a bracket. */
static size_t class_end(struct str p, size_t at)
{
    at++;
    at += at < p.n && p.p[at] == '^';
    at += at < p.n && p.p[at] == ']';
    while (at < p.n && p.p[at] != ']') {
        if (p.p[at] == '[' && at + 1 < p.n && p.p[at + 1] == ':') { /* [:alpha:] */
            size_t end = at + 2 + str_search(str_skip(p, at + 2), STR(":]"));
            at = end < p.n ? end + 2 : at + 1;
            continue;
        }
        at += p.p[at] == '\\' ? 2 : 1;
    }
    return at + 1;
}

/* Behind the group that begins at `at`. */
static size_t group_end(struct str p, size_t at)
{
    size_t depth = 0;
    while (at < p.n) {
        char c = p.p[at];
        if (c == '[') {
            at = class_end(p, at);
            continue;
        }
        if (c == '\\') {
            at += 2;
            continue;
        }
        depth += c == '(';
        depth -= c == ')';
        at++;
        if (depth == 0)
            break;
    }
    return at;
}

/* Options and conditions change what stands behind them; so do quoted parts. */
static bool is_plain(struct str p)
{
    if (str_search(p, STR("\\Q")) < p.n || str_search(p, STR("(*")) < p.n || str_search(p, STR("(?#")) < p.n)
        return false;
    for (size_t at = str_search(p, STR("(?")); at < p.n; at += 2 + str_search(str_skip(p, at + 2), STR("(?"))) {
        char next = at + 2 < p.n ? p.p[at + 2] : 0;
        if (next == 0 || !strchr(":=!<>", next))
            return false;
    }
    return true;
}

/* How long the unit at `at` is, and whether it is one character that stands for itself. */
static size_t unit_of(struct str p, size_t at, char *ret_char)
{
    char c = p.p[at];
    *ret_char = 0;
    if (c == '(')
        return group_end(p, at) - at;
    if (c == '[')
        return class_end(p, at) - at;
    if (c == '\\') {
        char next = at + 1 < p.n ? p.p[at + 1] : 0;
        if (next > 0 && !char_is_alnum(next))
            *ret_char = next;
        return 2;
    }
    if (c == '{') { /* a repeat, or a brace that stands for itself */
        size_t end = at + 1;
        while (end < p.n && (char_is_digit(p.p[end]) || p.p[end] == ','))
            end++;
        return end < p.n && p.p[end] == '}' ? end + 1 - at : 1;
    }
    if (c > 0 && !strchr(".^$)]{}*+?|", c))
        *ret_char = c;
    return 1;
}

struct str regex_literal(struct str pattern)
{
    struct str p = pattern;
    struct str best = STR_NONE;
    size_t from = 0; /* of the run: it has no escape within, so that it is a part of the pattern */
    size_t n = 0;
    if (!is_plain(p))
        return STR_NONE;
    for (size_t at = 0; at < p.n;) {
        char c;
        size_t length = unit_of(p, at, &c);
        if (p.p[at] == '|')
            return STR_NONE;
        char next = at + length < p.n ? p.p[at + length] : 0;
        bool optional = next == '?' || next == '*' || next == '{';
        bool one = c && length == 1 && !optional; /* an escaped character ends the run that it does not begin */
        if (one && n == 0)
            from = at;
        n = one ? n + 1 : 0;
        if (n > best.n)
            best = str_slice(p, from, from + n);
        at += length;
        if (next == '+' || optional)
            n = 0;
    }
    return best;
}
