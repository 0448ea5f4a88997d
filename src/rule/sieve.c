#include "rule/sieve.h"

#include "base/assert.h"

#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define BLOCK      16u /* places looked at together; each is two bytes */
#define BLOCK_WIDE 32u /* the same where there is AVX2 */

/* A literal that has the pair at `offset`. */
struct held {
    struct str text;
    size_t offset;
};

struct pair {
    unsigned char first; /* both with LETTER set */
    unsigned char second;
    uint32_t begin; /* in sieve->held */
    uint32_t count;
};

struct sieve {
    struct pair pairs[SIEVE_PAIRS]; /* the last one again where there are fewer */
    uint32_t pair_count;
    bool wide;  /* there is AVX2 */
    bool other; /* some literal is not ASCII: only what is no ASCII can hold it */
    struct held held[SIEVE_LITERALS_MAX];
};

/* With this bit a letter is lower case; other bytes meet some that they are not, and are compared again. */
#define LETTER 0x20u

/* How common a byte is in logs, roughly. */
static unsigned common(unsigned char c)
{
    static const char letters[] = "zqjxkvbywgpfmucdlhrsnioate"; /* rare ones first */
    const char *at = c >= 'a' && c <= 'z' ? strchr(letters, c) : NULL;
    if (at)
        return (unsigned)(at - letters) + 1;
    return c == '"' || c == ' ' || c == ',' ? 24 : c == '\\' || c == '.' ? 14 : c >= '0' && c <= '9' ? 12 : 4;
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80)
            return false;
    }
    return true;
}

/* Where the literal has the pair, or its length. */
static size_t pair_at(struct str text, unsigned char first, unsigned char second)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (((unsigned char)text.p[i] | LETTER) == first && ((unsigned char)text.p[i + 1] | LETTER) == second)
            return i;
    }
    return text.n;
}

/* The pair that is worth most for the literals that have none: one more costs as much as some matches that are none. */
static void pair_choose(const struct literal *literals, size_t count, const bool *done, struct pair *ret_pair)
{
    double best = -1;
    for (size_t l = 0; l < count; l++) {
        struct str text = literals[l].text;
        for (size_t i = 0; i + 1 < text.n && !done[l]; i++) {
            unsigned char first = (unsigned char)text.p[i] | LETTER;
            unsigned char second = (unsigned char)text.p[i + 1] | LETTER;
            size_t holders = 0;
            for (size_t other = 0; other < count; other++)
                holders += !done[other] && pair_at(literals[other].text, first, second) < literals[other].text.n;
            double worth =
                (double)holders / (150 + common((unsigned char)text.p[i]) * common((unsigned char)text.p[i + 1]));
            if (worth > best) {
                best = worth;
                *ret_pair = (struct pair){first, second, 0, 0};
            }
        }
    }
}

static void pair_take(struct sieve *sieve, struct pair *pair, const struct literal *literals, size_t count, bool *done,
                      size_t *left)
{
    pair->begin =
        sieve->pair_count ? sieve->pairs[sieve->pair_count - 1].begin + sieve->pairs[sieve->pair_count - 1].count : 0;
    for (size_t l = 0; l < count; l++) {
        size_t offset = pair_at(literals[l].text, pair->first, pair->second);
        if (done[l] || offset == literals[l].text.n)
            continue;
        sieve->held[pair->begin + pair->count++] = (struct held){literals[l].text, offset};
        done[l] = true;
        (*left)--;
    }
    ASSERT(pair->count > 0);
    sieve->pairs[sieve->pair_count++] = *pair;
}

struct sieve *sieve_new(struct arena *arena, const struct literal *literals, size_t count)
{
    bool done[SIEVE_LITERALS_MAX];
    size_t left = 0;
    struct sieve *sieve = count <= SIEVE_LITERALS_MAX ? arena_alloc(arena, sizeof(*sieve)) : NULL;
    if (!sieve)
        return NULL;
#if defined(__SSE2__)
    sieve->wide = __builtin_cpu_supports("avx2");
#endif
    for (size_t l = 0; l < count; l++) {
        done[l] = !is_ascii(literals[l].text);
        sieve->other = sieve->other || done[l];
        left += !done[l];
        if (literals[l].text.n < 2)
            return NULL;
    }
    while (left) {
        struct pair pair = {0};
        if (sieve->pair_count == SIEVE_PAIRS)
            return NULL;
        pair_choose(literals, count, done, &pair);
        pair_take(sieve, &pair, literals, count, done, &left);
    }
    if (sieve->pair_count == 0)
        return NULL;
    for (size_t i = sieve->pair_count; i < SIEVE_PAIRS; i++)
        sieve->pairs[i] = sieve->pairs[sieve->pair_count - 1];
    return sieve;
}

void sieve_narrow(struct sieve *sieve)
{
    sieve->wide = false;
}

static bool stands_at(struct str text, size_t at, const struct held *held)
{
    if (at < held->offset || text.n - (at - held->offset) < held->text.n)
        return false;
    const char *p = text.p + (at - held->offset);
    for (size_t i = 0; i < held->text.n; i++) {
        if (char_lower(p[i]) != held->text.p[i])
            return false;
    }
    return true;
}

/* One of the pairs may stand at `at`: does one of its literals? */
static bool place_holds(const struct sieve *sieve, struct str text, size_t at)
{
    for (uint32_t i = 0; i < sieve->pair_count; i++) {
        const struct pair *pair = &sieve->pairs[i];
        if (((unsigned char)text.p[at] | LETTER) != pair->first ||
            ((unsigned char)text.p[at + 1] | LETTER) != pair->second)
            continue;
        for (uint32_t h = 0; h < pair->count; h++) {
            if (stands_at(text, at, &sieve->held[pair->begin + h]))
                return true;
        }
    }
    return false;
}

/* Of what is not ASCII only the Kelvin sign (U+212A) and the long s (U+017F) fold to letters that are. */
static bool folds_to_ascii(struct str text)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        unsigned char next = (unsigned char)text.p[i + 1];
        if ((c == 0xc5 && next == 0xbf) || (c == 0xe2 && next == 0x84))
            return true;
    }
    return false;
}

#if defined(__SSE2__)
static __m128i block_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static __m128i pair_hits(const struct pair *pair, __m128i first, __m128i second)
{
    return _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8((char)pair->first)),
                         _mm_cmpeq_epi8(second, _mm_set1_epi8((char)pair->second)));
}

/* text.n > BLOCK. The last places may be looked at twice. */
static bool places_hold(const struct sieve *sieve, struct str text, bool *ret_high)
{
    const __m128i letter = _mm_set1_epi8((char)LETTER);
    const struct pair *pairs = sieve->pairs;
    __m128i high = block_load(text.p + text.n - BLOCK);
    for (size_t at = 0;; at = MIN(at + BLOCK, text.n - BLOCK - 1)) {
        __m128i bytes = block_load(text.p + at);
        __m128i first = _mm_or_si128(bytes, letter);
        __m128i second = _mm_or_si128(block_load(text.p + at + 1), letter);
        __m128i hits =
            _mm_or_si128(_mm_or_si128(pair_hits(&pairs[0], first, second), pair_hits(&pairs[1], first, second)),
                         _mm_or_si128(pair_hits(&pairs[2], first, second), pair_hits(&pairs[3], first, second)));
        high = _mm_or_si128(high, bytes);
        for (unsigned places = (unsigned)_mm_movemask_epi8(hits); places; places &= places - 1) {
            if (place_holds(sieve, text, at + (size_t)__builtin_ctz(places)))
                return true;
        }
        if (at == text.n - BLOCK - 1)
            break;
    }
    *ret_high = _mm_movemask_epi8(high) != 0;
    return false;
}

#define WIDE __attribute__((target("avx2")))

WIDE static __m256i wide_load(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

WIDE static __m256i wide_hits(const struct pair *pair, __m256i first, __m256i second)
{
    return _mm256_and_si256(_mm256_cmpeq_epi8(first, _mm256_set1_epi8((char)pair->first)),
                            _mm256_cmpeq_epi8(second, _mm256_set1_epi8((char)pair->second)));
}

/* The same for text.n > BLOCK_WIDE. */
WIDE static bool places_hold_wide(const struct sieve *sieve, struct str text, bool *ret_high)
{
    const __m256i letter = _mm256_set1_epi8((char)LETTER);
    const struct pair *pairs = sieve->pairs;
    __m256i high = wide_load(text.p + text.n - BLOCK_WIDE);
    for (size_t at = 0;; at = MIN(at + BLOCK_WIDE, text.n - BLOCK_WIDE - 1)) {
        __m256i bytes = wide_load(text.p + at);
        __m256i first = _mm256_or_si256(bytes, letter);
        __m256i second = _mm256_or_si256(wide_load(text.p + at + 1), letter);
        __m256i hits =
            _mm256_or_si256(_mm256_or_si256(wide_hits(&pairs[0], first, second), wide_hits(&pairs[1], first, second)),
                            _mm256_or_si256(wide_hits(&pairs[2], first, second), wide_hits(&pairs[3], first, second)));
        high = _mm256_or_si256(high, bytes);
        for (unsigned places = (unsigned)_mm256_movemask_epi8(hits); places; places &= places - 1) {
            if (place_holds(sieve, text, at + (size_t)__builtin_ctz(places)))
                return true;
        }
        if (at == text.n - BLOCK_WIDE - 1)
            break;
    }
    *ret_high = _mm256_movemask_epi8(high) != 0;
    return false;
}
#else
static bool places_hold(const struct sieve *sieve, struct str text, bool *ret_high)
{
    *ret_high = !is_ascii(text);
    for (size_t at = 0; at + 1 < text.n; at++) {
        if (place_holds(sieve, text, at))
            return true;
    }
    return false;
}
#endif

bool sieve_may_hold(const struct sieve *sieve, struct str text)
{
    bool high = false;
    if (text.n <= BLOCK)
        return true;
#if defined(__SSE2__)
    bool may =
        sieve->wide && text.n > BLOCK_WIDE ? places_hold_wide(sieve, text, &high) : places_hold(sieve, text, &high);
#else
    bool may = places_hold(sieve, text, &high);
#endif
    if (may)
        return true;
    return high && (sieve->other || folds_to_ascii(text));
}
