/* scan.h - loops over bytes that are worth sixteen at a time: x86-64 has SSE2 always, others take the plain loop.
 * Each returns a position in [0, n]; reads only [p, p + n). */
#ifndef CODEC_SCAN_H
#define CODEC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>

static inline __m128i scan_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* A bit a byte: '"', '\\' and control characters. */
static inline unsigned scan_quoted_bits(__m128i v)
{
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash)));
}
#endif

/* The same of one byte. */
static inline bool scan_is_quoted(char c)
{
    return (uint8_t)c < 0x20 || c == '"' || c == '\\';
}

/* First byte above 0x7f. */
static inline size_t scan_ascii(const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    while (i + 64 <= n) {
        __m128i first = _mm_or_si128(scan_load(p + i), scan_load(p + i + 16));
        __m128i second = _mm_or_si128(scan_load(p + i + 32), scan_load(p + i + 48));
        if (_mm_movemask_epi8(_mm_or_si128(first, second)) != 0)
            break;
        i += 64;
    }
    for (; i + 16 <= n; i += 16) {
        unsigned high = (unsigned)_mm_movemask_epi8(scan_load(p + i));
        if (high != 0)
            return i + (size_t)__builtin_ctz(high);
    }
#endif
    while (i < n && (uint8_t)p[i] < 0x80)
        i++;
    return i;
}

/* First byte that is `a` or `b`. */
static inline size_t scan_either(const char *p, size_t n, char a, char b)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i va = _mm_set1_epi8(a);
    const __m128i vb = _mm_set1_epi8(b);
    for (; i + 16 <= n; i += 16) {
        __m128i v = scan_load(p + i);
        unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)));
        if (hit != 0)
            return i + (size_t)__builtin_ctz(hit);
    }
#endif
    while (i < n && p[i] != a && p[i] != b)
        i++;
    return i;
}

/* First byte that is '"', '\\' or a control character; *ret_non_ascii is set (never cleared) when a byte before it is
 * above 0x7f. */
static inline size_t scan_quoted(const char *p, size_t n, bool *ret_non_ascii)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= n; i += 16) {
        __m128i v = scan_load(p + i);
        unsigned hit = scan_quoted_bits(v);
        unsigned high = (unsigned)_mm_movemask_epi8(v);
        if (hit != 0) {
            unsigned at = (unsigned)__builtin_ctz(hit);
            if ((high & ((1u << at) - 1)) != 0)
                *ret_non_ascii = true;
            return i + at;
        }
        if (high != 0)
            *ret_non_ascii = true;
    }
#endif
    for (; i < n && !scan_is_quoted(p[i]); i++)
        *ret_non_ascii = *ret_non_ascii || (uint8_t)p[i] >= 0x80;
    return i;
}

#define SCAN_SPARE 16u

/* The same, and copies the bytes before it; `out` has room for SCAN_SPARE more than n. *ret_high is made not 0 when one
 * is above 0x7f, and perhaps when one of those behind is. */
static inline size_t scan_quoted_copy(const char *p, size_t n, char *out, unsigned *ret_high)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= n; i += 16) {
        __m128i v = scan_load(p + i);
        unsigned hit = scan_quoted_bits(v);
        _mm_storeu_si128((__m128i *)(void *)(out + i), v);
        *ret_high |= (unsigned)_mm_movemask_epi8(v);
        if (hit != 0)
            return i + (size_t)__builtin_ctz(hit);
    }
#endif
    for (; i < n && !scan_is_quoted(p[i]); i++) {
        *ret_high |= (uint8_t)p[i] & 0x80u;
        out[i] = p[i];
    }
    return i;
}

/* First byte that is 'A'..'Z' or above 0x7f. */
static inline size_t scan_lower(const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i before = _mm_set1_epi8('A' - 1);
    const __m128i after = _mm_set1_epi8('Z' + 1);
    for (; i + 16 <= n; i += 16) {
        __m128i v = scan_load(p + i);
        __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(v, before), _mm_cmplt_epi8(v, after));
        unsigned hit = (unsigned)(_mm_movemask_epi8(upper) | _mm_movemask_epi8(v));
        if (hit != 0)
            return i + (size_t)__builtin_ctz(hit);
    }
#endif
    while (i < n && (uint8_t)p[i] < 0x80 && (p[i] < 'A' || p[i] > 'Z'))
        i++;
    return i;
}

#endif
