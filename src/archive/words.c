#include "archive/words.h"

#include "archive/block.h"
#include "base/arena.h"
#include "base/bytes.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define BLOCK_WORDS   8 /* of 32 bits */
#define BLOCK_BYTES   32
#define SHORT_DECIMAL 5
#define SLOTS_FIRST   4096

static const uint32_t salts[BLOCK_WORDS] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                            0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

/* 1 = stands in a word. Bytes over 127 are letters of other scripts. */
bool word_char(char c)
{
    return char_is_alnum(c) || c == '_' || (unsigned char)c > 127;
}

/* Second bytes of two-byte letters: Cyrillic with the Kazakh letters, U+0400 to U+04FF. */
static void fold_pair(unsigned char lead, unsigned char trail, char *ret_pair)
{
    bool even = trail % 2 == 0;
    if (lead == 0xd0 && trail >= 0x80 && trail <= 0x8f) {
        lead = 0xd1;
        trail = (unsigned char)(trail + 0x10);
    } else if (lead == 0xd0 && trail >= 0x90 && trail <= 0x9f) {
        trail = (unsigned char)(trail + 0x20);
    } else if (lead == 0xd0 && trail >= 0xa0 && trail <= 0xaf) {
        lead = 0xd1;
        trail = (unsigned char)(trail - 0x20);
    } else if ((lead == 0xd2 && trail >= 0x8a && trail <= 0xbe && even) ||
               (lead == 0xd3 && trail >= 0x90 && trail <= 0xbe && even) ||
               (lead == 0xd3 && trail >= 0x81 && trail <= 0x8d && !even)) {
        trail++;
    }
    ret_pair[0] = (char)lead;
    ret_pair[1] = (char)trail;
}

void word_fold_text(struct str text, char *ret_text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c == 0xd0 || c == 0xd2 || c == 0xd3) && i + 1 < text.n) {
            fold_pair(c, (unsigned char)text.p[i + 1], ret_text + i);
            i++;
        } else {
            ret_text[i] = char_lower((char)c);
        }
    }
}

/* Four decimals of up to three digits with single dots between, at word borders: its length, or 0. */
static size_t quad_at(struct str text, size_t at)
{
    size_t i = at;
    if (at > 0 && word_char(text.p[at - 1]))
        return 0;
    for (int part = 0; part < 4; part++) {
        size_t start = i;
        while (i < text.n && i - start < 4 && char_is_digit(text.p[i]))
            i++;
        if (i == start || i - start > 3 || (part < 3 && (i == text.n || text.p[i++] != '.')))
            return 0;
    }
    return i == text.n || !word_char(text.p[i]) ? i - at : 0;
}

bool word_next(struct str text, size_t *at, char ret_word[WORD_MAX], size_t *ret_length)
{
    size_t i = *at;
    while (i < text.n) {
        while (i < text.n && !word_char(text.p[i]))
            i++;
        size_t start = i;
        bool decimal = true;
        while (i < text.n && word_char(text.p[i])) {
            decimal = decimal && char_is_digit(text.p[i]);
            i++;
        }
        size_t n = i - start;
        size_t quad = decimal && n <= 3 ? quad_at(text, start) : 0;
        if (quad)
            n = quad; /* an address is a word; its second part may begin another */
        else if (n < 2 || (decimal && n <= SHORT_DECIMAL))
            continue;
        n = MIN(n, (size_t)WORD_MAX); /* longer ones are known by their beginning */
        word_fold_text(str_at(text.p + start, n), ret_word);
        *ret_length = n;
        *at = i;
        return true;
    }
    *at = i;
    return false;
}

void words_init(struct words *words, const uint64_t key[2])
{
    *words = (struct words){.key = {key[0], key[1]}, .max = WORDS_MAX};
}

void words_done(struct words *words)
{
    memory_free(words->slots);
    memory_free(words->seen);
    words->slots = NULL;
    words->seen = NULL;
    words->slot_count = 0;
}

void words_clear(struct words *words)
{
    if (words->slots)
        memset(words->slots, 0, words->slot_count * sizeof *words->slots);
    if (words->seen)
        memset(words->seen, 0, sizeof *words->seen);
    words->count = 0;
    words->overflow = false;
}

static void slot_put(uint64_t *slots, size_t count, uint64_t hash)
{
    size_t i = (size_t)hash & (count - 1);
    while (slots[i])
        i = (i + 1) & (count - 1);
    slots[i] = hash;
}

static bool slots_grow(struct words *words)
{
    size_t count = words->slot_count ? words->slot_count * 2 : SLOTS_FIRST;
    uint64_t *slots = count > 2 * words->max ? NULL : memory_new(count * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < words->slot_count; i++)
        if (words->slots[i])
            slot_put(slots, count, words->slots[i]);
    memory_free(words->slots);
    words->slots = slots;
    words->slot_count = count;
    return true;
}

static void add_hash(struct words *words, uint64_t hash)
{
    hash += hash == 0;
    if (words->count * 2 >= words->slot_count && !slots_grow(words)) {
        words->overflow = true;
        return;
    }
    size_t i = (size_t)hash & (words->slot_count - 1);
    while (words->slots[i]) {
        if (words->slots[i] == hash)
            return;
        i = (i + 1) & (words->slot_count - 1);
    }
    words->slots[i] = hash;
    words->count++;
}

/* What stands where in the next up to 64 bytes, a bit a byte. */
struct spans {
    uint64_t word;
    uint64_t digit;
    uint64_t high; /* over 127 */
    bool dot;
};

#if defined(__SSE2__)
/* 1 where x is one of the `last` + 1 characters from `first`. */
static inline __m128i in_range(__m128i x, char first, char last)
{
    __m128i from = _mm_sub_epi8(x, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(from, _mm_set1_epi8((char)(last - first))), from);
}

static inline uint64_t bits_at(__m128i x, unsigned at)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(x) << at;
}

static inline void spans_whole(const char *p, size_t n, struct spans *ret_spans)
{
    struct spans s = {0, 0, 0, false};
    uint64_t dots = 0;
    for (unsigned at = 0; at < n; at += 16) { /* what is behind n is seen, too, and left out below */
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
        __m128i digit = in_range(x, '0', '9');
        __m128i letter = in_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z');
        __m128i other = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('_')), x);
        s.digit |= bits_at(digit, at);
        s.high |= bits_at(x, at);
        s.word |= bits_at(_mm_or_si128(_mm_or_si128(digit, letter), other), at);
        dots |= bits_at(_mm_cmpeq_epi8(x, _mm_set1_epi8('.')), at);
    }
    s.dot = dots != 0;
    *ret_spans = s;
}
#else
static void spans_whole(const char *p, size_t n, struct spans *ret_spans)
{
    struct spans s = {0, 0, 0, false};
    for (unsigned at = 0; at < n; at++) {
        s.word |= (uint64_t)word_char(p[at]) << at;
        s.digit |= (uint64_t)char_is_digit(p[at]) << at;
        s.high |= (uint64_t)((unsigned char)p[at] > 127) << at;
        s.dot = s.dot || p[at] == '.';
    }
    *ret_spans = s;
}
#endif

/* `room`: bytes that may be read. */
static inline void spans_find(struct str text, size_t room, struct spans *ret_spans)
{
    char part[64];
    if (room >= sizeof part) {
        spans_whole(text.p, MIN(text.n, sizeof part), ret_spans);
        ret_spans->word &= text.n < sizeof part ? ~(UINT64_MAX << text.n) : UINT64_MAX;
        return;
    }
    memset(part, 0, sizeof part);
    memcpy(part, text.p, text.n);
    spans_whole(part, text.n, ret_spans);
}

#define CASE_BIT UINT64_C(0x2020202020202020)
#define ONES_16  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1

/* Bytes to and past the end of a word: shows `n` of 32. */
static const char shown[64] = {ONES_16, ONES_16};

static inline uint64_t load(const char *p, const char *mask, uint64_t fold)
{
    return (get_le64(p) | fold) & get_le64(mask);
}

static inline size_t mix(uint64_t a, uint64_t b)
{
    return (size_t)((a * UINT64_C(0x9e3779b97f4a7c15) ^ (b + (a >> 32)) * UINT64_C(0xc2b2ae3d27d4eb4f)) >> 40);
}

/* Whether the word of up to 32 bytes was added to this block lately; it is remembered. Its bytes are compared as
 * numbers, zeros behind them. Words of ASCII alone get the case bit everywhere: among the characters of words only the
 * two cases of a letter then look alike. Others stand as they are. `room`: bytes that may be read. */
static inline bool seen_lately(struct words_seen *seen, struct str word, size_t room, bool ascii)
{
    char part[32];
    const char *p = word.p;
    const char *mask = shown + 32 - word.n;
    uint64_t fold = ascii ? CASE_BIT : 0;
    if (room < sizeof part) {
        memset(part, 0, sizeof part);
        memcpy(part, p, word.n);
        p = part;
    }
    uint64_t a = load(p, mask, fold);
    uint64_t b = load(p + 8, mask + 8, fold);
    if (word.n <= 16) {
        uint64_t *slot = seen->shorter[mix(a, b) % WORDS_SEEN_SHORT];
        bool same = slot[0] == a && slot[1] == b;
        slot[0] = a;
        slot[1] = b;
        return same;
    }
    uint64_t c = load(p + 16, mask + 16, fold);
    uint64_t d = load(p + 24, mask + 24, fold);
    uint64_t *slot = seen->longer[mix(a ^ c, b + d) % WORDS_SEEN_LONG];
    bool same = slot[0] == a && slot[1] == b && slot[2] == c && slot[3] == d;
    slot[0] = a;
    slot[1] = b;
    slot[2] = c;
    slot[3] = d;
    return same;
}

static void add_word(struct words *words, struct str word, size_t room, bool ascii)
{
    UNINITIALISED char folded[WORD_MAX];
    if (words->seen && word.n <= sizeof words->seen->longer[0] && seen_lately(words->seen, word, room, ascii))
        return;
    word_fold_text(word, folded);
    add_hash(words, siphash(words->key, folded, word.n));
}

/* n ones from bit `at` on; n is 1 to 64. */
static inline uint64_t run(size_t at, size_t n)
{
    return UINT64_MAX >> (64 - n) << at;
}

/* Addresses: what stands around each dot. */
static void add_quads(struct words *words, struct str text)
{
    for (size_t dot = str_find(text, '.'); dot + 5 < text.n; dot += 1 + str_find(str_skip(text, dot + 1), '.')) {
        size_t at = dot;
        while (at > 0 && dot - at < 3 && char_is_digit(text.p[at - 1]))
            at--;
        size_t n = at < dot ? quad_at(text, at) : 0;
        if (n)
            add_word(words, str_at(text.p + at, n), text.n - at, true);
    }
}

/* The words of the next up to 64 bytes; returns how far it came: past them, or to a word that may go on behind them.
 * `all`: they are the whole text, whose addresses are added, too. */
static size_t add_words(struct words *words, struct str text, size_t room, bool all)
{
    struct spans s;
    spans_find(text, room, &s);
    if (all && s.dot)
        add_quads(words, text);
    for (uint64_t left = s.word; left;) {
        size_t from = (size_t)__builtin_ctzll(left);
        uint64_t behind = ~(left >> from);
        size_t n = behind ? (size_t)__builtin_ctzll(behind) : 64;
        n = MIN(n, 64 - from);
        uint64_t bits = run(from, n);
        left &= ~bits;
        if (from + n == 64 && from && text.n > 64)
            return from;
        if (n >= 2 && (n > SHORT_DECIMAL || (bits & ~s.digit)))
            add_word(words, str_at(text.p + from, n), room - from, !(bits & s.high));
    }
    size_t n = MIN(text.n, (size_t)64);
    if (s.word >> 63)
        while (n < text.n && word_char(text.p[n])) /* longer ones are known by their beginning */
            n++;
    return n;
}

void words_add_room(struct words *words, struct str text, size_t room)
{
    if (!words->seen)
        words->seen = memory_new(sizeof *words->seen);
    bool all = text.n <= 64;
    if (!all)
        add_quads(words, text);
    while (!words->overflow && text.n) {
        size_t n = add_words(words, text, room, all);
        text = str_skip(text, n);
        room -= n;
    }
}

/* The same words as word_next's. */
void words_add_text(struct words *words, struct str text)
{
    words_add_room(words, text, text.n);
}

static size_t filter_block(uint64_t hash, size_t blocks)
{
    return (size_t)(((hash >> 32) * (uint64_t)blocks) >> 32);
}

static uint32_t filter_bit(uint64_t hash, size_t i)
{
    return 1u << (((uint32_t)hash * salts[i]) >> 27);
}

void words_filter(const struct words *words, struct buf *out)
{
    words_filter_bits(words, WORDS_BITS_BLOCK, out);
}

void words_hashes(const struct words *words, struct buf *out)
{
    for (size_t i = 0; i < words->slot_count && !words->overflow; i++)
        if (words->slots[i])
            buf_be64(out, words->slots[i]);
}

void words_add_hashes(struct words *words, struct str hashes)
{
    for (size_t i = 0; i + 8 <= hashes.n && !words->overflow; i += 8)
        add_hash(words, get_be64(hashes.p + i));
}

void words_filter_bits(const struct words *words, unsigned bits_per_word, struct buf *out)
{
    if (words->overflow || !words->count)
        return;
    size_t blocks = words->count * bits_per_word / (8 * BLOCK_BYTES) + 1;
    char *bytes = buf_reserve(out, blocks * BLOCK_BYTES);
    if (!bytes)
        return;
    memset(bytes, 0, blocks * BLOCK_BYTES);
    for (size_t s = 0; s < words->slot_count; s++) {
        uint64_t hash = words->slots[s];
        if (!hash)
            continue;
        char *block = bytes + filter_block(hash, blocks) * BLOCK_BYTES;
        for (size_t i = 0; i < BLOCK_WORDS; i++)
            put_be32(block + 4 * i, get_be32(block + 4 * i) | filter_bit(hash, i));
    }
    buf_grew(out, blocks * BLOCK_BYTES);
}

uint64_t words_hash(const uint64_t key[2], struct str word)
{
    uint64_t hash = siphash(key, word.p, MIN(word.n, (size_t)WORD_MAX));
    return hash + (hash == 0);
}

bool words_filter_place(size_t filter_size, uint64_t hash, size_t *ret_offset)
{
    if (!filter_size || filter_size % BLOCK_BYTES)
        return false;
    *ret_offset = filter_block(hash, filter_size / BLOCK_BYTES) * BLOCK_BYTES;
    return true;
}

bool words_filter_block(const char block[32], uint64_t hash)
{
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        if (!(get_be32(block + 4 * i) & filter_bit(hash, i)))
            return false;
    return true;
}

bool filter_place(size_t filter_size, const uint64_t key[2], struct str word, size_t *ret_offset)
{
    return words_filter_place(filter_size, words_hash(key, word), ret_offset);
}

bool filter_may_hold(struct str filter, const uint64_t key[2], struct str word)
{
    uint64_t hash = words_hash(key, word);
    size_t at;
    return !words_filter_place(filter.n, hash, &at) || words_filter_block(filter.p + at, hash);
}
