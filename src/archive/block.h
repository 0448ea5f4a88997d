/* block.h - up to 16,384 records as columns, self-contained, checked by crc: what an engine sends to the keeper.
 *
 * The leaf's parts and raw bytes come back exactly; beside them stand what the normaliser made of each record
 * (statutory columns, fields) and the rules it hit, so that search never parses. Record numbers rise but may have gaps:
 * several engines share one log by source. Every column is compressed by zstd. A split-block Bloom filter over
 * lower-cased words says which blocks cannot hold a word. Format: doc/format/segment.md. */
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
#define BLOCK_SIZE_MAX    (24u << 20) /* encoded */
#define BLOCK_PLAIN_MAX   (64u << 20) /* all columns decoded */
#define BLOCK_HEADER      128

/* ---- building (engine) ---- */

struct block_builder;

/* `names` is what event fields' ids mean. `key` keys the word filter: random. NULL without memory. */
struct block_builder *block_builder_new(const struct names *names, const uint64_t key[2]);
void block_builder_free(struct block_builder *builder);

/* Adds a record; everything is copied. `event` may be NULL (nothing derived); `rules` are ids of rules that the record
 * hit. RC_LIMIT: the block is full: finish it and add the record again. Numbers must rise (RC_INVALID). */
enum rc block_builder_add(struct block_builder *builder, const struct leaf *leaf, struct str raw,
                          const struct event *event, const struct str *rules, size_t rule_count) MUST_USE;
size_t block_builder_count(const struct block_builder *builder);
/* First and last number added; 0 when empty. */
uint64_t block_builder_first(const struct block_builder *builder);
/* Encodes what was added behind `out`'s bytes and empties the builder. RC_NOT_FOUND when empty; RC_LIMIT. */
enum rc block_builder_finish(struct block_builder *builder, struct buf *out, struct err *err) MUST_USE;

/* ---- reading ---- */

struct block_info {
    uint32_t size; /* of the whole block in bytes */
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
};

/* Reads the header (BLOCK_HEADER bytes suffice), checked by its own crc. */
enum rc block_info_read(struct str bytes, struct block_info *ret_info, struct err *err) MUST_USE;

struct block;
/* BLOCK_LAZY: each column when it is first asked for; everything can be asked for, as of BLOCK_ALL. */
enum block_parts { BLOCK_LAZY = 0, BLOCK_LEAVES = 1, BLOCK_EVENTS = 2, BLOCK_ALL = 3 };

/* An arena for decoding block after block, to be reset before each. NULL without memory. */
struct arena *block_arena_new(size_t limit);
/* Checks the crc and decodes into the arena, which must outlive it; `bytes` may go. Never trusts the bytes.
 * `names` receives the field names (may be NULL without BLOCK_EVENTS). */
enum rc block_decode(struct str bytes, unsigned parts, struct names *names, struct arena *arena,
                     struct block **ret_block, struct err *err) MUST_USE;
uint32_t block_count(const struct block *block);
uint64_t block_number(const struct block *block, uint32_t position);
/* The position of a record number; false when the block has it not. */
bool block_find(const struct block *block, uint64_t number, uint32_t *ret_position);
void block_leaf(const struct block *block, uint32_t position, struct leaf *ret_leaf, struct str *ret_raw);
/* The derived event: `fields` is the caller's room for EVENT_FIELDS_MAX. Needs BLOCK_EVENTS. */
void block_event(const struct block *block, uint32_t position, struct event_field *fields, struct event *ret_event);
size_t block_rules(const struct block *block, uint32_t position, struct str *ret_rules, size_t size);
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
