/* str.h - a borrowed slice of bytes: pointer and length, never NUL-terminated by promise.
 * A slice owns nothing; it lives as long as the bytes it points at. {NULL, 0} is the empty slice. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

/* A slice over a string literal, usable in initialisers as STR_INIT. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)                                                                                              \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }
#define STR_NONE ((struct str){NULL, 0})

/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).n, (s).p

struct str str_of(const char *zero_terminated);
static inline struct str str_at(const void *p, size_t n)
{
    return (struct str){p, n};
}
/* The part [from, to); both are clamped to the slice. */
static inline struct str str_slice(struct str s, size_t from, size_t to)
{
    to = MIN(to, s.n);
    from = MIN(from, to);
    return (struct str){from > 0 ? s.p + from : s.p, to - from}; /* nothing is added to the NULL of an empty slice */
}
static inline struct str str_skip(struct str s, size_t n)
{
    return str_slice(s, n, s.n);
}

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII case only */
bool str_is(struct str s, const char *zero_terminated);
int str_compare(struct str a, struct str b); /* as memcmp, the shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_starts_nocase(struct str s, struct str prefix);

/* Position of the first `c`, or s.n when there is none. */
size_t str_find(struct str s, char c);
/* Position of the first occurrence of `needle`, or s.n. */
size_t str_search(struct str s, struct str needle);
/* Cuts `*rest` at the first `separator`: returns what stood before it and leaves what follows; without a separator
 * returns everything and leaves the empty slice with p == NULL, so `while (rest.p)` walks all parts. */
struct str str_cut(struct str *rest, char separator);

struct str str_trim(struct str s); /* ASCII blanks, tabs, CR, LF at both ends */
struct str str_trim_end(struct str s, char c);

/* Decimal numbers, the whole slice, no sign for u64, no blanks, no overflow. */
bool str_to_u64(struct str s, uint64_t *ret_value) MUST_USE;
bool str_to_i64(struct str s, int64_t *ret_value) MUST_USE;
/* Hexadecimal, with or without 0x. */
bool str_hex_to_u64(struct str s, uint64_t *ret_value) MUST_USE;
bool str_to_double(struct str s, double *ret_value) MUST_USE;

/* Copies into a caller's buffer and terminates it; false when it does not fit (the buffer is then ""). */
bool str_copy_z(struct str s, char *ret_buffer, size_t size) MUST_USE;

/* ASCII. Here because parsers and filters call them for every byte. */
static inline bool char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool char_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool char_is_alnum(char c)
{
    return char_is_alpha(c) || char_is_digit(c);
}

static inline bool char_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline char char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#endif
