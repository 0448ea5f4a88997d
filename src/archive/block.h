/* block.h - up to 16,384 records as columns, checked by crc: what an engine sends to the keeper.
 *
 * The leaf's parts and raw bytes come back exactly; beside them stand what the normaliser made of each record
 * (statutory columns, fields) and the rules it hit, so that search never parses. Record numbers rise but may have gaps:
 * several engines share one log by source. A record is a form (what records of its kind share) and the contents of the
 * form's slots, kept column by column; what blocks of one engine and segment share lies in their chain's dictionary.
 * A split-block Bloom filter over lower-cased words says which blocks cannot hold a word. Format:
 * doc/format/segment.md. */
#ifndef ARCHIVE_BLOCK_H
#define ARCHIVE_BLOCK_H

#include "archive/leaf.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/event.h"
#include "event/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_RECORDS_MAX 16384
#define BLOCK_RAW_MAX     (2u << 20)  /* one record alone may be larger */
#define BLOCK_WORDS_MAX   (1u << 20)  /* distinct words; past it a block has no filter */
#define BLOCK_SIZE_MAX    (24u << 20) /* encoded */
#define BLOCK_PLAIN_MAX   (64u << 20) /* all columns decoded */
#define BLOCK_HEADER      128

/* ---- building (engine) ---- */

struct block_builder;

/* `names` is what event fields' ids mean. `key` keys the word filter: random, the same for all blocks of a segment.
 * NULL without memory. */
struct block_builder *block_builder_new(const struct names *names, const uint64_t key[2]);
void block_builder_free(struct block_builder *builder);
/* The next block belongs to another segment. Only while the builder is empty. */
void block_builder_segment(struct block_builder *builder, const uint64_t key[2]);
/* Hot: quick. Cold: as small as it gets, several times the work. */
enum block_tier { BLOCK_HOT, BLOCK_COLD };
void block_builder_tier(struct block_builder *builder, enum block_tier tier);

/* How plainly records are kept from here on, for those whose segment did not read back: whole, not cut into forms,
 * which is larger and needs nothing of the encoder's art; or alone, whole and without what was derived. */
enum block_plain { BLOCK_PLAIN_NOT, BLOCK_PLAIN_WHOLE, BLOCK_PLAIN_ALONE };
void block_builder_plain(struct block_builder *builder, enum block_plain plain);

/* Adds a record; everything is copied. `event` may be NULL (nothing derived); `rules` are ids of rules that the record
 * hit. RC_LIMIT: the block is full: finish it and add the record again. Numbers must rise (RC_INVALID). */
enum rc block_builder_add(struct block_builder *builder, const struct leaf *leaf, struct str raw,
                          const struct event *event, const struct str *rules, size_t rule_count) MUST_USE;
/* A rule hit a record that was added before, with later ones in one event. RC_NOT_FOUND: it is not in the block at
 * work. RC_LIMIT: the record has as many hits as it may, or there is no memory. */
enum rc block_builder_hit(struct block_builder *builder, uint64_t record, struct str rule) MUST_USE;
size_t block_builder_count(const struct block_builder *builder);
/* A few hundred records fit still: it may be finished where that suits better than when it is full. */
bool block_builder_is_nearly_full(const struct block_builder *builder);
/* First and last number added; 0 when empty. */
uint64_t block_builder_first(const struct block_builder *builder);
/* Encodes what was added behind `out`'s bytes and empties the builder: the block, and behind it the trailer with what
 * it adds to the chain's dictionary and the hashes of its words. RC_NOT_FOUND when empty; RC_LIMIT. */
enum rc block_builder_finish(struct block_builder *builder, struct buf *out, struct err *err) MUST_USE;

/* What a rule hit in a block that is finished. */
struct block_hit {
    uint64_t record;
    struct str rule;
};
/* The hot block that block_builder_finish made, trailer included, with hits that came to it afterwards: behind `out`'s
 * bytes. What they do not concern stays byte for byte. A hit of a record that is not in it, or that has as many as it
 * may, is left out and not counted in *ret_added. RC_CORRUPT: it is no such block; RC_LIMIT: too large, or no memory.
 */
enum rc block_hits_add(struct str bytes, const struct block_hit *hits, size_t count, struct buf *out, size_t *ret_added,
                       struct err *err) MUST_USE;

/* ---- reading ---- */

struct block_info {
    uint32_t size; /* of the block in bytes, without trailer */
    uint32_t count;
    uint64_t raw_bytes;
    uint64_t first; /* lowest and highest number */
    uint64_t last;
    int64_t received_min_ns;
    int64_t received_max_ns;
    int64_t time_min_ns; /* event time */
    int64_t time_max_ns;
    uint64_t key[2];
    uint32_t filter_offset; /* in the block */
    uint32_t filter_size;
    uint64_t chain;
    uint32_t chain_forms; /* of the chain's dictionary that the block may name */
    uint32_t chain_values;
};

/* Reads the header (BLOCK_HEADER bytes suffice), checked by its own crc. */
enum rc block_info_read(struct str bytes, struct block_info *ret_info, struct err *err) MUST_USE;

/* What follows the block when an engine sends it. */
struct block_trailer {
    struct str delta;  /* to the chain's dictionary: dictionary.h, packed */
    struct str hashes; /* of its words, 8 bytes each; none when they were too many */
};
/* `bytes`: the block and its trailer. RC_CORRUPT. */
enum rc block_trailer_read(struct str bytes, const struct block_info *info, struct block_trailer *ret_trailer,
                           struct err *err) MUST_USE;

struct block;
struct dictionary;
/* Lazy: columns are decoded when they are asked for; block_open then gives what getters need. Leaves: all that the leaf
 * hashes need. */
enum block_parts { BLOCK_LAZY = 0, BLOCK_LEAVES = 1, BLOCK_EVENTS = 2, BLOCK_ALL = 3 };

/* An arena for decoding block after block, to be reset before each. NULL without memory. */
struct arena *block_arena_new(size_t limit);
/* What is decoded. `dictionary` is the block's chain, outliving it; NULL when the block names nothing of it, as a
 * chain's first block does. A trailer behind the block is passed over. `names` receives the names of fields (may be
 * NULL without events), the same that the dictionary has. */
struct block_bytes {
    struct str bytes;
    const struct dictionary *dictionary;
    struct names *names;
};
/* Checks the crc and decodes into the arena, which must outlive the block; the bytes may go. Never trusts the bytes. */
enum rc block_decode(const struct block_bytes *from, unsigned parts, struct arena *arena, struct block **ret_block,
                     struct err *err) MUST_USE;
/* More parts of a block that was opened with fewer. */
enum rc block_open(struct block *block, unsigned parts, struct err *err) MUST_USE;
/* Whether the header's times are those of the records: searches pass blocks over by them. Needs BLOCK_ALL. RC_CORRUPT.
 */
enum rc block_check_times(const struct block *block, struct err *err) MUST_USE;
/* All of one record, for the getters: cheaper than the whole block where few are wanted. */
enum rc block_row_open(struct block *block, uint32_t position, struct err *err) MUST_USE;
/* The numbers of its records can be asked for. */
enum rc block_heads(struct block *block, struct err *err) MUST_USE;
uint32_t block_count(const struct block *block);
uint64_t block_number(const struct block *block, uint32_t position);
/* The position of a record number; false when the block has it not. */
bool block_find(const struct block *block, uint64_t number, uint32_t *ret_position);
void block_leaf(const struct block *block, uint32_t position, struct leaf *ret_leaf, struct str *ret_raw);
/* The leaf hashes of `count` records from this position on. Needs BLOCK_LEAVES. */
void block_leaf_hashes(const struct block *block, uint32_t position, uint32_t count, struct tlog_hasher *hasher,
                       struct tlog_hash *ret_hashes);
/* The derived event: `fields` is the caller's room for EVENT_FIELDS_MAX; values that are no part of raw come into the
 * block's arena. Needs BLOCK_EVENTS. */
void block_event(struct block *block, uint32_t position, struct event_field *fields, struct event *ret_event);
size_t block_rules(const struct block *block, uint32_t position, struct str *ret_rules, size_t size);
/* Values were left out since it was decoded, for want of memory in its arena: what getters gave is not to be used. */
bool block_spent(const struct block *block);
/* What the ids of field names mean: the names it was decoded with. */
const struct names *block_names(const struct block *block);

/* ---- words ---- */

/* Cuts text into the words that filters hold: runs of letters, digits, _ and bytes over 127, 2 to 64 bytes, lower-cased
 * into `ret_word`; decimals of up to five digits are left out. False at the end. `*at` begins at 0. */
#define WORD_MAX 64
bool word_next(struct str text, size_t *at, char ret_word[WORD_MAX], size_t *ret_length);
/* Whether the filter may hold the word. An empty or damaged filter may hold everything. */
bool filter_may_hold(struct str filter, const uint64_t key[2], struct str word);

#endif
