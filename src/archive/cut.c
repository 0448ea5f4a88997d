#include "archive/cut.h"

#include "archive/words.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define FRACTION_MAX   9
#define JOINED_MAX     256 /* of a quoted value with blanks in it that becomes one slot */
#define SEPARATORS     "\"'()[]<>,;={|}\x7f"
#define HAS_BIT(m, i)  ((m)[(i) / 64] >> ((i) % 64) & 1)
#define SET_BIT(m, i)  ((m)[(i) / 64] |= UINT64_C(1) << ((i) % 64))
#define DROP_BIT(m, i) ((m)[(i) / 64] &= ~(UINT64_C(1) << ((i) % 64)))

/* What stands where in 64 bytes, a bit a byte. */
struct sight {
    uint64_t word;
    uint64_t token;
    uint64_t digit;
    uint64_t slash;
    uint64_t blank;
    uint64_t dot;
};

#if defined(__SSE2__)
/* 1 where x is one of the `last` + 1 characters from `first`. */
static inline __m128i in_range(__m128i x, char first, char last)
{
    __m128i from = _mm_sub_epi8(x, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8((char)(last - first))), from);
}

static inline __m128i is(__m128i x, char c)
{
    return _mm_cmpeq_epi8(x, _mm_set1_epi8(c));
}

static inline uint64_t bits_at(__m128i x, unsigned at)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(x) << at;
}

static inline struct sight look(const char *p)
{
    struct sight s = {0};
    uint64_t apart = 0;
    for (unsigned at = 0; at < 64; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
        __m128i digit = in_range(x, '0', '9');
        __m128i letter = in_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z');
        __m128i slash = is(x, '\\');
        /* [ \ ] and { | } differ in one bit */
        __m128i bracket = in_range(_mm_and_si128(x, _mm_set1_epi8((char)0xdf)), '[', ']');
        __m128i apart16 = _mm_or_si128(_mm_or_si128(in_range(x, 0, ' '), in_range(x, '\'', ')')),
                                       _mm_or_si128(in_range(x, ';', '>'), _mm_andnot_si128(slash, bracket)));
        apart16 = _mm_or_si128(apart16, _mm_or_si128(_mm_or_si128(is(x, '"'), is(x, ',')), is(x, 0x7f)));
        s.word |= bits_at(_mm_or_si128(_mm_or_si128(digit, letter), _mm_or_si128(is(x, '_'), x)), at);
        apart |= bits_at(apart16, at);
        s.digit |= bits_at(digit, at);
        s.slash |= bits_at(slash, at);
        s.blank |= bits_at(is(x, ' '), at);
        s.dot |= bits_at(is(x, '.'), at);
    }
    s.token = ~apart;
    return s;
}

#define WIDE        __attribute__((target("avx2"))) static
#define WIDE_INLINE __attribute__((target("avx2"), always_inline)) static inline

WIDE_INLINE __m256i in_range_wide(__m256i x, char first, char last)
{
    __m256i from = _mm256_sub_epi8(x, _mm256_set1_epi8(first));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8((char)(last - first))), from);
}

WIDE_INLINE __m256i is_wide(__m256i x, char c)
{
    return _mm256_cmpeq_epi8(x, _mm256_set1_epi8(c));
}

WIDE_INLINE uint64_t bits_wide(__m256i x, unsigned at)
{
    return (uint64_t)(unsigned)_mm256_movemask_epi8(x) << at;
}

/* Not 0 where a separator stands: a bit a group of them with the same upper half, found in both tables; bytes over 127
 * find nothing in the first. */
WIDE_INLINE __m256i apart_wide(__m256i x)
{
    const __m128i lower = _mm_setr_epi8(3, 1, 3, 1, 1, 1, 1, 3, 3, 3, 1, 29, 23, 29, 5, 17);
    const __m128i upper = _mm_setr_epi8(1, 1, 2, 4, 0, 8, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0);
    __m256i half = _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(0x0f));
    return _mm256_and_si256(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(lower), x),
                            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(upper), half));
}

WIDE_INLINE struct sight look_wide(const char *p)
{
    struct sight s = {0};
    for (unsigned at = 0; at < 64; at += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + at));
        __m256i digit = in_range_wide(x, '0', '9');
        __m256i letter = in_range_wide(_mm256_or_si256(x, _mm256_set1_epi8(0x20)), 'a', 'z');
        __m256i word = _mm256_or_si256(_mm256_or_si256(digit, letter), _mm256_or_si256(is_wide(x, '_'), x));
        s.word |= bits_wide(word, at);
        s.token |= bits_wide(_mm256_cmpeq_epi8(apart_wide(x), _mm256_setzero_si256()), at);
        s.digit |= bits_wide(digit, at);
        s.slash |= bits_wide(is_wide(x, '\\'), at);
        s.blank |= bits_wide(is_wide(x, ' '), at);
        s.dot |= bits_wide(is_wide(x, '.'), at);
    }
    return s;
}
#else
static bool is_separator(char c)
{
    return (unsigned char)c <= ' ' || strchr(SEPARATORS, c) != NULL;
}

static struct sight look(const char *p)
{
    struct sight s = {0};
    for (unsigned i = 0; i < 64; i++) {
        s.word |= (uint64_t)word_char(p[i]) << i;
        s.token |= (uint64_t)!is_separator(p[i]) << i;
        s.digit |= (uint64_t)char_is_digit(p[i]) << i;
        s.slash |= (uint64_t)(p[i] == '\\') << i;
        s.blank |= (uint64_t)(p[i] == ' ') << i;
        s.dot |= (uint64_t)(p[i] == '.') << i;
    }
    return s;
}
#endif

static inline size_t next_bit(const uint64_t *map, size_t words, size_t at)
{
    size_t w = at / 64;
    if (w >= words)
        return SIZE_MAX;
    uint64_t left = map[w] & UINT64_MAX << (at % 64);
    while (!left) {
        if (++w == words)
            return SIZE_MAX;
        left = map[w];
    }
    return w * 64 + (size_t)__builtin_ctzll(left);
}

size_t cut_next(const uint64_t *map, size_t words, size_t at)
{
    return next_bit(map, words, at);
}

/* \n, \r, \t and \" of JSON strings stand between words; a doubled backslash stands in a path. */
static void look_at_escapes(struct cut *cut)
{
    size_t i = next_bit(cut->slash, cut->words, 0);
    while (i != SIZE_MAX && i + 1 < cut->raw.n) {
        char c = cut->raw.p[i + 1];
        if (c == '\\') {
            SET_BIT(cut->digit, i);
        } else if (c == 'n' || c == 'r' || c == 't' || c == '"') {
            DROP_BIT(cut->token, i);
            DROP_BIT(cut->token, i + 1);
        }
        i = next_bit(cut->slash, cut->words, i + 2);
    }
}

/* The last bits of the 64 bytes before. */
struct before {
    uint64_t word;
    uint64_t digit;
    uint64_t dot;
};

/* `shown`: the bits of bytes that are of raw. */
static inline void see(struct cut *cut, size_t w, struct sight s, uint64_t shown, struct before *before)
{
    uint64_t word = s.word & shown;
    uint64_t digit = s.digit & shown;
    uint64_t dot = s.dot & shown;
    cut->word[w] = word;
    cut->token[w] = s.token & shown;
    cut->digit[w] = digit;
    cut->slash[w] = s.slash & shown;
    cut->blank[w] = s.blank;
    cut->inside[w] = word & (word << 1 | before->word);
    cut->joined[w] = cut->inside[w] | (dot & (digit << 1 | before->digit)) | (digit & (dot << 1 | before->dot));
    cut->edge[w] = cut->forced[w] = 0;
    *before = (struct before){word >> 63, digit >> 63, dot >> 63};
}

/* Bits of the last word of the maps; at least one is no byte of raw. */
static inline uint64_t shown_last(struct str raw)
{
    return (UINT64_C(1) << (raw.n % 64)) - 1;
}

static void see_all(struct cut *cut)
{
    struct before before = {0, 0, 0};
    size_t last = cut->words - 1;
    for (size_t w = 0; w < last; w++)
        see(cut, w, look(cut->raw.p + 64 * w), UINT64_MAX, &before);
    see(cut, last, look(cut->raw.p + 64 * last), shown_last(cut->raw), &before);
}

#if defined(__SSE2__)
WIDE void see_all_wide(struct cut *cut)
{
    struct before before = {0, 0, 0};
    size_t last = cut->words - 1;
    for (size_t w = 0; w < last; w++)
        see(cut, w, look_wide(cut->raw.p + 64 * w), UINT64_MAX, &before);
    see(cut, last, look_wide(cut->raw.p + 64 * last), shown_last(cut->raw), &before);
}
#endif

void cut_begin(struct cut *cut, struct str raw)
{
    ASSERT(raw.n <= CUT_RAW_MAX);
    cut->raw = raw;
    cut->slot_count = 0;
    cut->starts[0] = 0;
    cut->words = raw.n / 64 + 1;
    cut->has_backslash = memchr(raw.p, '\\', raw.n) != NULL;
}

void cut_look(struct cut *cut)
{
#if defined(__SSE2__)
    if (!cut->narrow && __builtin_cpu_supports("avx2"))
        see_all_wide(cut);
    else
        see_all(cut);
#else
    see_all(cut);
#endif
    if (cut->has_backslash)
        look_at_escapes(cut);
}

bool cut_is_quoted(const struct cut *cut, size_t from, size_t to)
{
    return from > 0 && to < cut->raw.n && cut->raw.p[from - 1] == '"' && cut->raw.p[to] == '"' && cut->raw.p[0] != '{';
}

/* The bits of word w that stand for [from, to), which reaches into it. */
static inline uint64_t bits_in(size_t w, size_t from, size_t to)
{
    size_t begin = MAX(from, w * 64) % 64;
    size_t n = MIN(to, w * 64 + 64) - (w * 64 + begin);
    return UINT64_MAX >> (64 - n) << begin;
}

void cut_span_long(struct cut *cut, size_t from, size_t to)
{
    uint64_t blank = 0;
    uint64_t slash = 0;
    size_t n = to - from;
    if (n > JOINED_MAX)
        return;
    for (size_t w = from / 64; w <= (to - 1) / 64; w++) {
        blank |= cut->blank[w] & bits_in(w, from, to);
        slash |= cut->slash[w] & bits_in(w, from, to);
    }
    if (blank ? !cut_is_quoted(cut, from, to) : n > CUT_FORCED_MAX)
        return;
    for (size_t w = from / 64; w <= (to - 1) / 64; w++) {
        cut->forced[w] |= bits_in(w, from, to);
        cut->token[w] |= slash ? 0 : bits_in(w, from, to);
    }
}

/* The last set bit at or before `at`; at least one is set there: bit 0. */
static inline size_t last_bit(const uint64_t *map, size_t at)
{
    size_t w = at / 64;
    uint64_t left = map[w] << (63 - at % 64);
    if (left)
        return at - (size_t)__builtin_clzll(left);
    while (w > 0)
        if (map[--w])
            return w * 64 + 63 - (size_t)__builtin_clzll(map[w]);
    return 0;
}

static bool digits_at(const char *p, size_t at)
{
    return char_is_digit(p[at]) && char_is_digit(p[at + 1]);
}

static inline bool clock_at(struct str text, size_t at)
{
    const char *p = text.p + at;
    return p[2] == ':' && p[5] == ':' && digits_at(p, 0) && digits_at(p, 3) && digits_at(p, 6) && p[0] <= '2' &&
           (p[0] < '2' || p[1] <= '3') && p[3] <= '5' && p[6] <= '5' &&
           (at + CLOCK_SIZE == text.n || (!char_is_digit(p[CLOCK_SIZE]) && p[CLOCK_SIZE] != ':'));
}

static inline bool slot_add(struct cut *cut, size_t from, size_t to, uint8_t kind)
{
    size_t i = cut->slot_count;
    if (from >= to)
        return true;
    if (i == CUT_SLOTS_MAX)
        return false;
    cut->slots[i] = (struct cut_slot){.at = (uint32_t)from,
                                      .n = (uint32_t)(to - from),
                                      .kind = kind,
                                      .glued = HAS_BIT(cut->joined, from) | HAS_BIT(cut->joined, to)};
    cut->starts[i + 1] = (uint32_t)to;
    cut->slot_count = i + 1;
    return true;
}

unsigned cut_parts(struct str run, uint32_t ret_ends[CUT_PARTS], uint8_t ret_kinds[CUT_PARTS])
{
    /* 00:28:21, 2026:00:28:21, 2026-11-20T00:28:21, 20/Nov/2026:00:28:21 */
    static const uint8_t places[] = {0, 5, 11, 12};
    unsigned parts = 0;
    for (size_t i = 0; i < ARRAY_LEN(places) && run.n >= (size_t)places[i] + CLOCK_SIZE && !parts; i++) {
        if (!clock_at(run, places[i]))
            continue;
        size_t end = (size_t)places[i] + CLOCK_SIZE;
        size_t digits = 0;
        while (end < run.n && run.p[end] == '.' && end + 1 + digits < run.n && digits < FRACTION_MAX &&
               char_is_digit(run.p[end + 1 + digits]))
            digits++;
        if (digits && (end + 1 + digits == run.n || !char_is_digit(run.p[end + 1 + digits])))
            end += 1 + digits;
        else
            digits = 0;
        if (i) {
            ret_ends[parts] = places[i];
            ret_kinds[parts++] = SLOT_TEXT;
        }
        ret_ends[parts] = (uint32_t)end;
        ret_kinds[parts++] = (uint8_t)(SLOT_CLOCK + digits);
    }
    if (!parts || ret_ends[parts - 1] < run.n) {
        ret_ends[parts] = (uint32_t)run.n;
        ret_kinds[parts++] = SLOT_TEXT;
    }
    return parts;
}

/* A run of token characters becomes a slot, or up to three around a time of day. */
static bool slots_add_long(struct cut *cut, size_t from, size_t to)
{
    uint32_t ends[CUT_PARTS];
    uint8_t kinds[CUT_PARTS];
    unsigned parts = cut_parts(str_slice(cut->raw, from, to), ends, kinds);
    bool fits = true;
    size_t at = from;
    for (unsigned i = 0; i < parts && fits; at = from + ends[i++])
        fits = slot_add(cut, at, from + ends[i], kinds[i]);
    return fits;
}

static inline bool slots_add(struct cut *cut, size_t from, size_t to)
{
    return to - from < CLOCK_SIZE ? slot_add(cut, from, to, SLOT_TEXT) : slots_add_long(cut, from, to);
}

/* What only stands between two fields, blanks of a quoted value or one sign inside of a word, is no content. */
static bool is_between(const struct cut *cut, size_t from, size_t to)
{
    size_t i = from;
    while (i < to && cut->raw.p[i] == ' ')
        i++;
    return i == to || (to - from == 1 && !HAS_BIT(cut->word, from) && from > 0 && to < cut->raw.n &&
                       HAS_BIT(cut->token, from - 1) && HAS_BIT(cut->token, to));
}

/* A segment between two borders, which holds what makes a slot at `at`: signs at its ends are none of it. */
static inline bool segment_add(struct cut *cut, size_t from, size_t at, size_t to)
{
    while (from < at && !HAS_BIT(cut->kept, from))
        from++;
    while (to > at + 1 && !HAS_BIT(cut->held, to - 1))
        to--;
    bool may_be_between = to - from == 1 || cut->raw.p[from] == ' ';
    return (may_be_between && is_between(cut, from, to)) || slots_add(cut, from, to);
}

/* Mostly a segment lies in one word of the maps, and is found by looking at that one. */
bool cut_finish(struct cut *cut)
{
    uint64_t token_before = 0;
    size_t words = cut->words;
    uint64_t split = 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t token = cut->token[w];
        uint64_t forced = cut->forced[w];
        split |= cut->edge[w] & cut->inside[w];
        cut->borders[w] = (cut->edge[w] & ~cut->inside[w]) | (token ^ (token << 1 | token_before));
        cut->begins[w] = token & (cut->digit[w] | forced);
        cut->held[w] = cut->word[w] | forced;
        cut->kept[w] = cut->held[w] | cut->digit[w];
        token_before = token >> 63;
    }
    ASSERT(words > 0);
    cut->borders[0] |= 1;
    cut->has_split_words = split != 0;
    for (size_t w = 0; w < words;) {
        uint64_t borders = cut->borders[w];
        uint64_t left = cut->begins[w];
        size_t next = w + 1;
        while (left) {
            size_t bit = (size_t)__builtin_ctzll(left);
            size_t at = w * 64 + bit;
            uint64_t before = borders << (63 - bit);
            uint64_t behind = borders & UINT64_MAX << 1 << bit;
            size_t from = before ? at - (size_t)__builtin_clzll(before) : last_bit(cut->borders, at);
            size_t to = behind ? w * 64 + (size_t)__builtin_ctzll(behind) : next_bit(cut->borders, words, at + 1);
            to = MIN(to, cut->raw.n);
            if (!segment_add(cut, from, at, to))
                return false;
            left = behind ? left & UINT64_MAX << (to % 64) : 0;
            next = behind ? next : to / 64;
            if (!behind && next < words)
                cut->begins[next] &= UINT64_MAX << (to % 64);
        }
        w = next;
    }
    return true;
}

bool cut_is_forced(const struct cut *cut, size_t from, size_t to)
{
    size_t n = to - from;
    bool blank = memchr(cut->raw.p + from, ' ', MIN(n, (size_t)JOINED_MAX)) != NULL;
    return blank ? n <= JOINED_MAX && cut_is_quoted(cut, from, to) : n <= CUT_FORCED_MAX;
}

uint8_t cut_sign(char c)
{
    bool digit = char_is_digit(c);
    bool token = (unsigned char)c > ' ' && !strchr(SEPARATORS, c);
    return (uint8_t)((word_char(c) ? SIGN_WORD : 0) | (digit ? SIGN_DIGIT : 0) | (c == '.' ? SIGN_DOT : 0) |
                     (token ? SIGN_TOKEN : 0));
}

bool cut_place(const struct cut *cut, size_t at, uint16_t *ret_piece, uint16_t *ret_offset)
{
    size_t piece = 0; /* the last one that begins at or before `at` */
    size_t behind = cut->slot_count + 1;
    while (behind - piece > 1) {
        size_t middle = piece + (behind - piece) / 2;
        if (cut->starts[middle] <= at)
            piece = middle;
        else
            behind = middle;
    }
    if (piece < cut->slot_count && at > cut->slots[piece].at)
        return false;
    *ret_piece = (uint16_t)piece;
    *ret_offset = (uint16_t)(at - cut->starts[piece]);
    return true;
}

struct str cut_piece(const struct cut *cut, size_t i)
{
    size_t to = i < cut->slot_count ? cut->slots[i].at : cut->raw.n;
    return str_slice(cut->raw, cut->starts[i], to);
}
