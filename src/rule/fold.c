#include "rule/fold.h"

#include "codec/utf8.h"

#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static size_t fold_slow(struct str text, char *out)
{
    size_t n = 0;
    while (text.n) {
        uint32_t code;
        size_t length = utf8_decode(text, &code);
        uint32_t folded = utf8_fold_code(code);
        if (folded == code) { /* also what is no UTF-8 */
            memcpy(out + n, text.p, length);
            n += length;
        } else {
            n += utf8_encode(folded, out + n);
        }
        text = str_skip(text, length);
    }
    return n;
}

/* Lower case of ASCII bytes; those past 0x7f stay. True when there is one of these. */
static bool fold_short(const char *from, size_t n, char *to)
{
    unsigned char high = 0;
    for (size_t i = 0; i < n; i++) {
        high |= (unsigned char)from[i];
        to[i] = char_lower(from[i]);
    }
    return high >> 7;
}

#if defined(__SSE2__)
static inline __m128i lower16(__m128i bytes)
{
    __m128i from_a = _mm_sub_epi8(bytes, _mm_set1_epi8('A'));
    __m128i upper = _mm_cmpeq_epi8(_mm_min_epu8(from_a, _mm_set1_epi8('Z' - 'A')), from_a);
    return _mm_or_si128(bytes, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
}

/* The same, 16 bytes at a time; n >= 16. The last ones may be done twice. */
static bool fold_long(const char *from, size_t n, char *to)
{
    __m128i high = _mm_setzero_si128();
    for (size_t i = 0;; i = i + 32 <= n ? i + 16 : n - 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        high = _mm_or_si128(high, bytes);
        _mm_storeu_si128((__m128i *)(void *)(to + i), lower16(bytes));
        if (i + 16 == n)
            return _mm_movemask_epi8(high) != 0;
    }
}
#else
#define fold_long fold_short
#endif

size_t fold_text(struct str text, char *ret_text)
{
    bool high = text.n >= 16 ? fold_long(text.p, text.n, ret_text) : fold_short(text.p, text.n, ret_text);
    return high ? fold_slow(text, ret_text) : text.n;
}
