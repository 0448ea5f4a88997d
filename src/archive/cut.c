#include "archive/cut.h"

#include "archive/words.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define CLOCK_SIZE     8 /* HH:MM:SS */
#define FRACTION_MAX   9
#define JOINED_MAX     256 /* of a quoted value with blanks in it that becomes one slot */
#define HAS_BIT(m, i)  ((m)[(i) / 64] >> ((i) % 64) & 1)
#define SET_BIT(m, i)  ((m)[(i) / 64] |= UINT64_C(1) << ((i) % 64))
#define DROP_BIT(m, i) ((m)[(i) / 64] &= ~(UINT64_C(1) << ((i) % 64)))

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

static inline void look(struct cut *cut, size_t w, const char *p, uint64_t *ret_dots)
{
    uint64_t word = 0;
    uint64_t apart = 0;
    uint64_t digits = 0;
    uint64_t slashes = 0;
    uint64_t blanks = 0;
    uint64_t dots = 0;
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
        word |= bits_at(_mm_or_si128(_mm_or_si128(digit, letter), _mm_or_si128(is(x, '_'), x)), at);
        apart |= bits_at(apart16, at);
        digits |= bits_at(digit, at);
        slashes |= bits_at(slash, at);
        blanks |= bits_at(is(x, ' '), at);
        dots |= bits_at(is(x, '.'), at);
    }
    cut->word[w] = word;
    cut->token[w] = ~apart;
    cut->digit[w] = digits;
    cut->slash[w] = slashes;
    cut->blank[w] = blanks;
    *ret_dots = dots;
}
#else
static bool is_separator(char c)
{
    return (unsigned char)c <= ' ' || strchr("\"'()[]<>,;={|}\x7f", c) != NULL;
}

static void look(struct cut *cut, size_t w, const char *p, uint64_t *ret_dots)
{
    cut->word[w] = cut->token[w] = cut->digit[w] = cut->slash[w] = cut->blank[w] = *ret_dots = 0;
    for (unsigned i = 0; i < 64; i++) {
        cut->word[w] |= (uint64_t)word_char(p[i]) << i;
        cut->token[w] |= (uint64_t)!is_separator(p[i]) << i;
        cut->digit[w] |= (uint64_t)char_is_digit(p[i]) << i;
        cut->slash[w] |= (uint64_t)(p[i] == '\\') << i;
        cut->blank[w] |= (uint64_t)(p[i] == ' ') << i;
        *ret_dots |= (uint64_t)(p[i] == '.') << i;
    }
}
#endif

size_t cut_next(const uint64_t *map, size_t words, size_t at)
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

/* \n, \r, \t and \" of JSON strings stand between words; a doubled backslash stands in a path. */
static void look_at_escapes(struct cut *cut)
{
    size_t i = cut_next(cut->slash, cut->words, 0);
    while (i != SIZE_MAX && i + 1 < cut->raw.n) {
        char c = cut->raw.p[i + 1];
        if (c == '\\') {
            SET_BIT(cut->digit, i);
        } else if (c == 'n' || c == 'r' || c == 't' || c == '"') {
            DROP_BIT(cut->token, i);
            DROP_BIT(cut->token, i + 1);
        }
        i = cut_next(cut->slash, cut->words, i + 2);
    }
}

/* The last bits of the 64 bytes before. */
struct before {
    uint64_t word;
    uint64_t digit;
    uint64_t dot;
};

static inline void look_on(struct cut *cut, size_t w, const char *p, struct before *before)
{
    uint64_t dots;
    look(cut, w, p, &dots);
    uint64_t word = cut->word[w];
    uint64_t digit = cut->digit[w];
    cut->inside[w] = word & (word << 1 | before->word);
    cut->joined[w] = cut->inside[w] | (dots & (digit << 1 | before->digit)) | (digit & (dots << 1 | before->dot));
    *before = (struct before){word >> 63, digit >> 63, dots >> 63};
}

void cut_begin(struct cut *cut, struct str raw)
{
    ASSERT(raw.n <= CUT_RAW_MAX);
    char part[64];
    size_t whole = raw.n / 64;
    cut->raw = raw;
    cut->words = whole + 1;
    cut->slot_count = 0;
    struct before before = {0, 0, 0};
    for (size_t w = 0; w < whole; w++)
        look_on(cut, w, raw.p + 64 * w, &before);
    memset(part, ' ', sizeof part);
    if (raw.n % 64)
        memcpy(part, raw.p + 64 * whole, raw.n % 64);
    look_on(cut, whole, part, &before);
    memset(cut->edge, 0, cut->words * sizeof *cut->edge);
    memset(cut->forced, 0, cut->words * sizeof *cut->forced);
    memset(cut->ends, 0, cut->words * sizeof *cut->ends);
    cut->has_backslash = cut_next(cut->slash, cut->words, 0) != SIZE_MAX;
    if (cut->has_backslash)
        look_at_escapes(cut);
}

static bool is_quoted(const struct cut *cut, size_t from, size_t to)
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

/* Whether a value of `n` bytes becomes a slot by being a field. */
static inline bool is_forced(const struct cut *cut, size_t from, size_t n, bool blank)
{
    return blank ? is_quoted(cut, from, from + n) : n <= CUT_FORCED_MAX;
}

static void span_long(struct cut *cut, size_t from, size_t to)
{
    uint64_t blank = 0;
    uint64_t slash = 0;
    for (size_t w = from / 64; w <= (to - 1) / 64; w++) {
        blank |= cut->blank[w] & bits_in(w, from, to);
        slash |= cut->slash[w] & bits_in(w, from, to);
    }
    if (!is_forced(cut, from, to - from, blank != 0))
        return;
    for (size_t w = from / 64; w <= (to - 1) / 64; w++) {
        cut->forced[w] |= bits_in(w, from, to);
        cut->token[w] |= slash ? 0 : bits_in(w, from, to);
    }
}

void cut_span(struct cut *cut, size_t from, size_t to)
{
    if (from >= to || to > cut->raw.n)
        return;
    SET_BIT(cut->edge, from);
    SET_BIT(cut->edge, to); /* a map has a bit more than there are bytes */
    size_t n = to - from;
    size_t w = from / 64;
    if (from % 64 + n > 64) {
        if (n <= JOINED_MAX)
            span_long(cut, from, to);
        return;
    }
    uint64_t bits = UINT64_MAX >> (64 - n) << from % 64;
    if (!is_forced(cut, from, n, (cut->blank[w] & bits) != 0))
        return;
    cut->forced[w] |= bits;
    if (!(cut->slash[w] & bits))
        cut->token[w] |= bits;
}

/* The last set bit at or before `at`; at least one is set there: bit 0. */
static size_t last_bit(const uint64_t *map, size_t at)
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

static bool clock_at(struct str text, size_t at)
{
    const char *p = text.p + at;
    return at + CLOCK_SIZE <= text.n && p[2] == ':' && p[5] == ':' && digits_at(p, 0) && digits_at(p, 3) &&
           digits_at(p, 6) && p[0] <= '2' && (p[0] < '2' || p[1] <= '3') && p[3] <= '5' && p[6] <= '5' &&
           (at + CLOCK_SIZE == text.n || (!char_is_digit(p[CLOCK_SIZE]) && p[CLOCK_SIZE] != ':'));
}

static bool slot_add(struct cut *cut, size_t from, size_t to, uint8_t kind)
{
    if (from >= to)
        return true;
    if (cut->slot_count == CUT_SLOTS_MAX)
        return false;
    cut->slots[cut->slot_count++] = (struct cut_slot){.at = (uint32_t)from, .n = (uint32_t)(to - from), .kind = kind};
    SET_BIT(cut->ends, to);
    return true;
}

/* A run of token characters becomes a slot, or up to three around a time of day. */
static bool slots_add(struct cut *cut, size_t from, size_t to)
{
    /* 00:28:21, 2026:00:28:21, 2026-11-20T00:28:21, 20/Nov/2026:00:28:21 */
    static const uint8_t places[] = {0, 5, 11, 12};
    struct str text = str_slice(cut->raw, from, to);
    for (size_t i = 0; i < ARRAY_LEN(places) && text.n >= (size_t)places[i] + CLOCK_SIZE; i++) {
        if (!clock_at(text, places[i]))
            continue;
        size_t end = (size_t)places[i] + CLOCK_SIZE;
        size_t digits = 0;
        while (end < text.n && text.p[end] == '.' && end + 1 + digits < text.n && digits < FRACTION_MAX &&
               char_is_digit(text.p[end + 1 + digits]))
            digits++;
        if (digits && (end + 1 + digits == text.n || !char_is_digit(text.p[end + 1 + digits])))
            end += 1 + digits;
        else
            digits = 0;
        return slot_add(cut, from, from + places[i], SLOT_TEXT) &&
               slot_add(cut, from + places[i], from + end, (uint8_t)(SLOT_CLOCK + digits)) &&
               slot_add(cut, from + end, to, SLOT_TEXT);
    }
    return slot_add(cut, from, to, SLOT_TEXT);
}

static void ranks(struct cut *cut)
{
    uint32_t count = 0;
    for (size_t w = 0; w < cut->words; w++) {
        cut->rank[w] = count;
        count += popcount64(cut->ends[w]);
    }
    for (size_t i = 0; i < cut->slot_count; i++) {
        struct cut_slot *slot = &cut->slots[i];
        slot->glued = HAS_BIT(cut->joined, slot->at) || HAS_BIT(cut->joined, slot->at + slot->n);
    }
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

bool cut_finish(struct cut *cut)
{
    uint64_t *borders = cut->borders;
    uint64_t *begins = cut->begins;
    uint64_t token_before = 0;
    size_t n = cut->raw.n;
    for (size_t w = 0; w < cut->words; w++) {
        uint64_t edge = cut->edge[w] & ~cut->inside[w];
        borders[w] = edge | (cut->token[w] ^ (cut->token[w] << 1 | token_before));
        begins[w] = cut->token[w] & (cut->digit[w] | cut->forced[w]);
        token_before = cut->token[w] >> 63;
    }
    ASSERT(cut->words > 0);
    borders[0] |= 1;
    for (size_t at = cut_next(begins, cut->words, 0); at < n;) {
        size_t from = last_bit(borders, at);
        size_t end = MIN(cut_next(borders, cut->words, at + 1), n);
        size_t to = end;
        while (from < at && !HAS_BIT(cut->word, from) && !HAS_BIT(cut->forced, from) && !HAS_BIT(cut->digit, from))
            from++;
        while (to > at + 1 && !HAS_BIT(cut->word, to - 1) && !HAS_BIT(cut->forced, to - 1))
            to--;
        if (!is_between(cut, from, to) && !slots_add(cut, from, to))
            return false;
        at = cut_next(begins, cut->words, end);
    }
    ranks(cut);
    return true;
}

bool cut_place(const struct cut *cut, size_t at, uint16_t *ret_piece, uint16_t *ret_offset)
{
    uint64_t below = UINT64_MAX >> (63 - at % 64);
    size_t piece = cut->rank[at / 64] + popcount64(cut->ends[at / 64] & below);
    size_t start = piece ? cut->slots[piece - 1].at + cut->slots[piece - 1].n : 0;
    if (piece < cut->slot_count && at > cut->slots[piece].at)
        return false;
    *ret_piece = (uint16_t)piece;
    *ret_offset = (uint16_t)(at - start);
    return true;
}

struct str cut_piece(const struct cut *cut, size_t i)
{
    size_t from = i ? cut->slots[i - 1].at + cut->slots[i - 1].n : 0;
    size_t to = i < cut->slot_count ? cut->slots[i].at : cut->raw.n;
    return str_slice(cut->raw, from, to);
}
