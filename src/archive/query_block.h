/* query_block.h - a query against a whole block at once: bits over record positions, from columns where they say it
 * and from one scan of the raw bytes where a text is sought. Says of each record exactly what query_matches says of its
 * row. Internal to the room. */
#ifndef ARCHIVE_QUERY_BLOCK_H
#define ARCHIVE_QUERY_BLOCK_H

#include "archive/block_values.h"
#include "archive/query_state.h"
#include "archive/reader.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- bits, position by position; those behind the last are 0 ---- */

#define BITS_WORDS (BLOCK_RECORDS_MAX / 64)

uint32_t bits_count(const uint64_t *bits, uint32_t count);
/* The next set one at or behind `from`; `count` when there is none. */
uint32_t bits_next(const uint64_t *bits, uint32_t from, uint32_t count);
/* Sets those from `from` on (up to `to`, exclusive) to 0. */
void bits_clear(uint64_t *bits, uint32_t from, uint32_t to);

/* ---- the raw bytes of a block, folded once ---- */

struct block_scan {
    struct str raw;
    struct str folded;
    const uint32_t *offset;
    uint32_t count;
    bool has_long; /* a record over QUERY_WINDOW bytes */
    bool open;
};
enum rc block_scan_open(struct block *block, struct arena *arena, struct block_scan *ret_scan,
                        struct err *err) MUST_USE;
/* Sets the bits of the records that hold the needle; only those of `mask` matter when it is given. */
void block_scan_find(const struct block_scan *scan, const struct query_needle *needle, const uint64_t *mask,
                     uint64_t *bits);

/* Leaves, of the bits that are set, those of records that may hold the needle in their raw bytes. */
enum rc block_candidates(struct block *block, const struct query_needle *needle, struct arena *arena, uint64_t *bits,
                         struct err *err) MUST_USE;

/* ---- a block under search; zero it, set the first part ---- */

struct block_search {
    struct block *block;
    const struct archive_reader *reader; /* knows the sources */
    const struct names *names;
    struct arena *arena;
    struct event_field *fields; /* room for EVENT_FIELDS_MAX */
    struct archive_hit *hit;
    uint64_t *bits; /* of the term under work */
    /* what it took */
    bool used_forms; /* forms and distinct values were asked which records may hold a text */
    bool used_raw;
    bool used_rows;
    struct block_scan scan;
    const struct str *derived; /* texts that raw does not hold */
    size_t derived_count;
    bool has_derived;
};

/* The bits of the records that match, in the arena. */
enum rc block_search_run(struct block_search *search, const struct query *query, uint64_t **ret_bits,
                         struct err *err) MUST_USE;
/* A key of each record, as query_key_text says it (not of KEY_TIME and KEY_RECEIVED). */
enum rc block_search_key(struct block_search *search, const struct query_key *key, struct block_values *ret,
                         struct err *err) MUST_USE;

#endif
