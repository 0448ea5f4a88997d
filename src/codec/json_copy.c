#include "codec/json_walk.h"

#if defined(__SSE2__)
#include <immintrin.h>

#define WIDEST __attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vbmi2,bmi,popcnt")))

/* What stands in 64 bytes that do not begin in the middle of an escape. */
struct block {
    uint64_t begins;  /* backslashes that begin an escape */
    uint64_t escaped; /* the bytes behind these, the first one of the next block left out */
    uint64_t stops;   /* quotes that close, control characters, what is no escape of two bytes */
};

/* A backslash begins an escape when an even number of others stand before it without a gap: the first, third, fifth of
 * a run. One subtraction tells for all runs, since a carry goes through each: see simdjson, Langdale and Lemire 2019.
 */
static inline uint64_t escapes_begin(uint64_t backslashes)
{
    const uint64_t odd = UINT64_C(0xaaaaaaaaaaaaaaaa);
    uint64_t behind = backslashes << 1;
    return (((behind | odd) - backslashes) ^ odd) & backslashes;
}

WIDEST static struct block block_of(__m512i bytes, __m512i meant)
{
    uint64_t backslashes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\'));
    uint64_t quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"'));
    uint64_t controls = _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20));
    uint64_t nothing = _mm512_testn_epi8_mask(meant, meant) | _mm512_movepi8_mask(bytes);
    struct block block;
    block.begins = escapes_begin(backslashes);
    block.escaped = block.begins << 1;
    block.stops = (quotes & ~block.escaped) | controls;
    block.stops |= (nothing & block.escaped) >> 1; /* at the backslash */
    block.stops |= block.begins & UINT64_C(1) << 63;
    return block;
}

WIDEST static struct json_copy blocks_copy(struct json_copy copy)
{
    const __m512i low = _mm512_loadu_si512(json_escapes);
    const __m512i high = _mm512_loadu_si512(json_escapes + 64);
    uint64_t non_ascii = 0;
    while (copy.end - copy.p >= 64) {
        __m512i bytes = _mm512_loadu_si512(copy.p);
        __m512i meant = _mm512_permutex2var_epi8(low, bytes, high); /* by seven bits of each */
        struct block block = block_of(bytes, meant);
        uint64_t taken = block.stops != 0 ? (block.stops & -block.stops) - 1 : UINT64_MAX; /* bits before the first */
        uint64_t kept = taken & ~block.begins;
        bytes = _mm512_mask_mov_epi8(bytes, block.escaped, meant);
        _mm512_storeu_si512(copy.out, _mm512_maskz_compress_epi8(kept, bytes));
        non_ascii |= _mm512_movepi8_mask(bytes);
        copy.out += __builtin_popcountll(kept);
        copy.p += __builtin_popcountll(taken);
        if (block.stops != 0 && taken != UINT64_MAX >> 1) /* a backslash at the end begins the next block */
            break;
    }
    copy.high |= non_ascii != 0;
    return copy;
}
#else
#define blocks_copy(copy) (copy)
#endif

struct json_copy json_copy_64(struct json_copy copy)
{
    return blocks_copy(copy);
}
