/* words.h - the set of words of a block, as a split-block Bloom filter (Apache Parquet, BloomFilter.md: salts, masks).
 * Internal to the room; word_next and filter_may_hold stand in block.h. */
#ifndef ARCHIVE_WORDS_H
#define ARCHIVE_WORDS_H

#include "archive/block.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define WORDS_BITS_BLOCK   10
#define WORDS_BITS_COLD    7 /* one of thirty words seems to be there that is not; a segment's filter is asked before */
#define WORDS_BITS_SEGMENT 16
#define WORDS_MAX          BLOCK_WORDS_MAX
#define WORDS_MAX_SEGMENT  (1u << 23)

/* Words lately seen in this block, whole and exact, so that only new ones are folded and hashed: zero-padded. */
#define WORDS_SEEN_SHORT 4096
#define WORDS_SEEN_LONG  2048
struct words_seen {
    uint64_t shorter[WORDS_SEEN_SHORT][2]; /* to 16 bytes */
    uint64_t longer[WORDS_SEEN_LONG][4];   /* to 32 bytes */
};

struct words {
    uint64_t key[2];
    uint64_t *slots; /* distinct hashes, open addressing, 0 = empty */
    size_t slot_count;
    size_t count;
    size_t max; /* distinct ones; past it there is no filter */
    bool overflow;
    struct words_seen *seen; /* NULL until needed, and without memory */
};

bool word_char(char c);
/* Lower case of ASCII and Cyrillic letters (UTF-8), the same length. */
void word_fold_text(struct str text, char *ret_text);
void words_init(struct words *words, const uint64_t key[2]);
void words_done(struct words *words);
void words_clear(struct words *words);
void words_add_text(struct words *words, struct str text);
/* The same, quicker where `room` bytes, 64 of them, may be read: what is behind the text does not matter. */
void words_add_room(struct words *words, struct str text, size_t room);
/* Where the FILTER_PART bytes of a filter stand that a word is asked of; filter_may_hold takes them for the whole.
 * False when the filter is empty or damaged: it may hold everything. */
#define FILTER_PART 32
bool filter_place(size_t filter_size, const uint64_t key[2], struct str word, size_t *ret_offset);
/* The filter's bytes; none when the words were too many. */
void words_filter(const struct words *words, struct buf *out);
/* The words' hashes, 8 bytes each; none when they were too many. */
void words_hashes(const struct words *words, struct buf *out);
/* A filter over hashes of the same key: what a segment has of its blocks. */
void words_add_hashes(struct words *words, struct str hashes);
void words_filter_bits(const struct words *words, unsigned bits_per_word, struct buf *out);
uint64_t words_hash(const uint64_t key[2], struct str word);
/* filter_place of a word's hash. */
bool words_filter_place(size_t filter_size, uint64_t hash, size_t *ret_offset);
/* Whether the filter may hold the word of this hash, of which only the FILTER_PART bytes at its place are given. */
bool words_filter_block(const char block[32], uint64_t hash);

#endif
