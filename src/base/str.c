#include "base/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct str str_of(const char *zero_terminated)
{
    return zero_terminated ? (struct str){zero_terminated, strlen(zero_terminated)} : STR_NONE;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (char_lower(a.p[i]) != char_lower(b.p[i]))
            return false;
    return true;
}

bool str_is(struct str s, const char *zero_terminated)
{
    return str_eq(s, str_of(zero_terminated));
}

int str_compare(struct str a, struct str b)
{
    size_t n = MIN(a.n, b.n);
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_slice(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase(str_slice(s, 0, prefix.n), prefix);
}

size_t str_find(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_search(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    const char *hit = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

struct str str_cut(struct str *rest, char separator)
{
    size_t at = str_find(*rest, separator);
    struct str part = str_slice(*rest, 0, at);
    *rest = at < rest->n ? str_skip(*rest, at + 1) : STR_NONE;
    return part;
}

struct str str_trim(struct str s)
{
    while (s.n && char_is_space(s.p[0]))
        s = str_skip(s, 1);
    while (s.n && char_is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_trim_end(struct str s, char c)
{
    while (s.n && s.p[s.n - 1] == c)
        s.n--;
    return s;
}

bool str_to_u64(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!char_is_digit(s.p[i]))
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return false;
    }
    *ret_value = value;
    return true;
}

bool str_to_i64(struct str s, int64_t *ret_value)
{
    bool negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_skip(s, 1);
    uint64_t magnitude = 0;
    if (!str_to_u64(s, &magnitude) || magnitude > (uint64_t)INT64_MAX + (negative ? 1u : 0u))
        return false;
    *ret_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static int hex_digit(char c)
{
    if (char_is_digit(c))
        return c - '0';
    c = char_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool str_hex_to_u64(struct str s, uint64_t *ret_value)
{
    if (str_starts_nocase(s, STR("0x")))
        s = str_skip(s, 2);
    uint64_t value = 0;
    if (s.n == 0 || s.n > 16)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        int digit = hex_digit(s.p[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *ret_value = value;
    return true;
}

bool str_to_double(struct str s, double *ret_value)
{
    char text[64];
    if (s.n == 0 || char_is_space(s.p[0]) || !str_copy_z(s, text, sizeof text))
        return false;
    char *end = NULL;
    double value = strtod(text, &end);
    if (end != text + s.n || !isfinite(value))
        return false;
    *ret_value = value;
    return true;
}

bool str_copy_z(struct str s, char *ret_buffer, size_t size)
{
    if (size == 0)
        return false;
    ret_buffer[0] = '\0';
    if (s.n >= size)
        return false;
    if (s.n)
        memcpy(ret_buffer, s.p, s.n);
    ret_buffer[s.n] = '\0';
    return true;
}
