#include "archive/words.h"

#include "archive/block.h"
#include "base/arena.h"
#include "base/bytes.h"

#include <string.h>

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
        if (n < 2 || (decimal && n <= SHORT_DECIMAL))
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
    *words = (struct words){.key = {key[0], key[1]}};
}

void words_done(struct words *words)
{
    memory_free(words->slots);
    words->slots = NULL;
    words->slot_count = 0;
}

void words_clear(struct words *words)
{
    if (words->slots)
        memset(words->slots, 0, words->slot_count * sizeof *words->slots);
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
    uint64_t *slots = count > 2 * (size_t)WORDS_MAX ? NULL : memory_new(count * sizeof *slots);
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

void words_add_text(struct words *words, struct str text)
{
    char word[WORD_MAX];
    size_t n;
    size_t at = 0;
    while (!words->overflow && word_next(text, &at, word, &n))
        add_hash(words, siphash(words->key, word, n));
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
    if (words->overflow || !words->count)
        return;
    size_t blocks = words->count * WORDS_BITS_PER_WORD / (8 * BLOCK_BYTES) + 1;
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

bool filter_may_hold(struct str filter, const uint64_t key[2], struct str word)
{
    size_t blocks = filter.n / BLOCK_BYTES;
    if (!blocks || filter.n % BLOCK_BYTES)
        return true;
    uint64_t hash = siphash(key, word.p, MIN(word.n, (size_t)WORD_MAX));
    hash += hash == 0;
    const char *block = filter.p + filter_block(hash, blocks) * BLOCK_BYTES;
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        if (!(get_be32(block + 4 * i) & filter_bit(hash, i)))
            return false;
    return true;
}
