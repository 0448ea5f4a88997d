#include "codec/json_stops.h"

#include "base/assert.h"
#include "codec/scan.h"

#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define BLOCK 64u

/* Bits of one block, and whether all of it is ASCII. */
struct block {
    uint64_t stops;
    bool non_ascii;
};

static struct block block_1(const char *p)
{
    struct block block = {0, false};
    for (unsigned i = 0; i < BLOCK; i++) {
        block.stops |= (uint64_t)scan_is_quoted(p[i]) << i;
        block.non_ascii |= (uint8_t)p[i] >= 0x80;
    }
    return block;
}

static bool mark_1(const char *p, size_t blocks, uint64_t *ret_bits)
{
    bool non_ascii = false;
    for (size_t i = 0; i < blocks; i++) {
        struct block block = block_1(p + i * BLOCK);
        ret_bits[i] = block.stops;
        non_ascii |= block.non_ascii;
    }
    return non_ascii;
}

#if defined(__SSE2__)
static uint64_t stops_16(__m128i v)
{
    return scan_quoted_bits(v);
}

static bool mark_16(const char *p, size_t blocks, uint64_t *ret_bits)
{
    __m128i high = _mm_setzero_si128();
    for (size_t i = 0; i < blocks; i++, p += BLOCK) {
        __m128i a = scan_load(p);
        __m128i b = scan_load(p + 16);
        __m128i c = scan_load(p + 32);
        __m128i d = scan_load(p + 48);
        high = _mm_or_si128(high, _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
        ret_bits[i] = stops_16(a) | stops_16(b) << 16 | stops_16(c) << 32 | stops_16(d) << 48;
    }
    return _mm_movemask_epi8(high) != 0;
}

#define WIDE __attribute__((target("avx2")))

WIDE static __m256i load_32(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

WIDE static uint64_t stops_32(__m256i v)
{
    __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
    __m256i quote = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
    __m256i backslash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, _mm256_or_si256(quote, backslash)));
}

WIDE static bool mark_32(const char *p, size_t blocks, uint64_t *ret_bits)
{
    __m256i high = _mm256_setzero_si256();
    for (size_t i = 0; i < blocks; i++, p += BLOCK) {
        __m256i a = load_32(p);
        __m256i b = load_32(p + 32);
        high = _mm256_or_si256(high, _mm256_or_si256(a, b));
        ret_bits[i] = stops_32(a) | stops_32(b) << 32;
    }
    return _mm256_movemask_epi8(high) != 0;
}

#define WIDEST __attribute__((target("avx512f,avx512bw")))

WIDEST static bool mark_64(const char *p, size_t blocks, uint64_t *ret_bits)
{
    uint64_t high = 0;
    for (size_t i = 0; i < blocks; i++, p += BLOCK) {
        __m512i v = _mm512_loadu_si512(p);
        high |= _mm512_movepi8_mask(v);
        ret_bits[i] = _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(0x20)) |
                      _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')) |
                      _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
    }
    return high != 0;
}
#else
#define mark_16 mark_1
#define mark_32 mark_1
#define mark_64 mark_1
#endif

enum json_width json_width_best(void)
{
#if defined(__SSE2__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2"))
        return JSON_WIDTH_64;
    return __builtin_cpu_supports("avx2") ? JSON_WIDTH_32 : JSON_WIDTH_16;
#else
    return JSON_WIDTH_1;
#endif
}

void json_stops_begin(struct json_stops *stops, struct str text, enum json_width width)
{
    ASSERT(width < JSON_WIDTHS && width <= json_width_best());
    stops->text = text;
    stops->begin = 0;
    stops->size = 0;
    stops->non_ascii = false;
    stops->width = width;
}

void json_stops_fill(struct json_stops *stops, size_t at)
{
    static bool (*const mark[])(const char *, size_t, uint64_t *) = {mark_1, mark_16, mark_32, mark_64};
    ASSERT(at <= stops->text.n);
    stops->begin = at - at % BLOCK;
    const char *p = stops->text.p + stops->begin;
    size_t left = stops->text.n - stops->begin;
    size_t blocks = MIN(left, (size_t)JSON_STOPS_BYTES) / BLOCK;
    if (blocks > 0 && mark[stops->width](p, blocks, stops->bits))
        stops->non_ascii = true;
    if (blocks < ARRAY_LEN(stops->bits)) { /* the text ends in the block behind */
        char last[BLOCK];
        size_t n = left - blocks * BLOCK;
        memset(last, ' ', sizeof last);
        if (n > 0)
            memcpy(last, p + blocks * BLOCK, n);
        struct block block = {0, false};
        block.non_ascii = mark[stops->width](last, 1, &block.stops);
        stops->non_ascii |= block.non_ascii;
        stops->bits[blocks++] = block.stops | UINT64_MAX << n;
    }
    stops->size = blocks * BLOCK;
}
