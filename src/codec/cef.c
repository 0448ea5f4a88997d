#include "codec/cef.h"

#include <string.h>

/* Position of the first '|' that no backslash escapes, or s.n. */
static size_t find_pipe(struct str s)
{
    size_t at = 0;
    while (at < s.n && s.p[at] != '|')
        at += s.p[at] == '\\' && at + 1 < s.n ? 2 : 1;
    return at;
}

size_t cef_find(struct str s)
{
    size_t at = str_search(s, STR("CEF:"));
    return at + 4 < s.n && char_is_digit(s.p[at + 4]) ? at : s.n;
}

bool cef_parse(struct str text, struct cef *ret_cef)
{
    memset(ret_cef, 0, sizeof *ret_cef);
    if (!str_starts(text, STR("CEF:")))
        return false;
    struct str rest = str_skip(text, 4);
    struct str *const fields[] = {&ret_cef->vendor, &ret_cef->product, &ret_cef->device_version, &ret_cef->class_id,
                                  &ret_cef->name};
    uint64_t version = 0;
    size_t pipe = find_pipe(rest);
    if (pipe == rest.n || !str_to_u64(str_slice(rest, 0, pipe), &version) || version > 1)
        return false;
    ret_cef->version = (uint32_t)version;
    rest = str_skip(rest, pipe + 1);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        pipe = find_pipe(rest);
        if (pipe == rest.n)
            return false;
        *fields[i] = str_slice(rest, 0, pipe);
        rest = str_skip(rest, pipe + 1);
    }
    pipe = find_pipe(rest); /* the last one is sometimes left out when there is no extension */
    ret_cef->severity = str_trim(str_slice(rest, 0, pipe));
    ret_cef->extension = str_trim(str_skip(rest, pipe + 1));
    return ret_cef->severity.n <= 16;
}

static bool is_key_char(char c)
{
    return char_is_alnum(c) || c == '_' || c == '.' || c == '-' || c == '[' || c == ']';
}

/* Length of a key that '=' follows, or 0. */
static size_t key_at(struct str s)
{
    size_t at = 0;
    while (at < s.n && is_key_char(s.p[at]))
        at++;
    return at < s.n && s.p[at] == '=' ? at : 0;
}

/* Where the value ends: the blank before the next key=, or the end. */
static size_t value_length(struct str s)
{
    size_t at = 0;
    for (;;) {
        const char *equals = at < s.n ? memchr(s.p + at, '=', s.n - at) : NULL;
        if (equals == NULL)
            return s.n;
        size_t end = (size_t)(equals - s.p);
        size_t key = end;
        while (key > at && is_key_char(s.p[key - 1]))
            key--;
        if (key < end && key > 0 && s.p[key - 1] == ' ')
            return key - 1;
        at = end + 1; /* escaped, or part of the value */
    }
}

bool cef_next(struct str *rest, struct str *ret_key, struct str *ret_value)
{
    while (rest->n > 0) {
        size_t key = key_at(*rest);
        if (key == 0) { /* text that belongs to no key */
            size_t blank = str_find(*rest, ' ');
            *rest = str_skip(*rest, blank + 1);
            continue;
        }
        *ret_key = str_slice(*rest, 0, key);
        struct str value = str_skip(*rest, key + 1);
        size_t n = value_length(value);
        *ret_value = str_trim_end(str_slice(value, 0, n), ' ');
        *rest = str_skip(value, n + 1);
        return true;
    }
    return false;
}

struct str cef_text(struct arena *arena, struct str value)
{
    if (value.n == 0 || memchr(value.p, '\\', value.n) == NULL)
        return value;
    char *text = arena_alloc_raw(arena, value.n);
    if (text == NULL)
        return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        char next = value.p[i] == '\\' && i + 1 < value.n ? value.p[i + 1] : '\0';
        if (next == 'n' || next == 'r') {
            text[n++] = next == 'n' ? '\n' : '\r';
            i++;
            continue;
        }
        if (next == '\\' || next == '=' || next == '|')
            i++;
        text[n++] = value.p[i];
    }
    return str_at(text, n);
}
