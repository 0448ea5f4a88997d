/* parse_counts.h - what became of each record as it was parsed, by source, day, parser and outcome (desk/parse_rate.h).
 * An engine keeps what came since it told the desk last; `qorgan parse --sources` all that it reads.
 *
 * Bounded: `limit` rows; what would need one more is counted in `lost`. One thread. */
#ifndef ROLE_PARSE_COUNTS_H
#define ROLE_PARSE_COUNTS_H

#include "base/str.h"
#include "desk/parse_rate.h"
#include "event/mapping.h"
#include "event/normalise.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARSE_COUNTS_ENGINE  16384u
#define PARSE_COUNTS_MOST    ((size_t)1 << 20)
#define PARSE_COUNTS_FORMATS 64u /* names of formats; further ones are counted as "other" */

struct parse_counts;

/* The mapping is borrowed: families are its. NULL without memory. */
struct parse_counts *parse_counts_new(const struct mapping *mapping, size_t limit, uint64_t seed);
void parse_counts_free(struct parse_counts *counts); /* NULL is fine */
/* Another mapping of the same families, before the one of before is gone. */
void parse_counts_remap(struct parse_counts *counts, const struct mapping *mapping);

/* A record that a source sent, and what the normaliser said of the event that describes it. */
struct parse_record {
    const uint8_t *source; /* 16 bytes */
    struct str raw;
    uint64_t number;
    int64_t received_ns;
    enum grasp grasp;
    const struct pattern *pattern; /* NULL: none took it */
    const char *parser;            /* of the event; NULL: none */
    int64_t durable_ns;            /* when it was on the disk; 0: it is not known */
};
void parse_counts_record(struct parse_counts *counts, const struct parse_record *record);
enum parse_outcome parse_record_outcome(const struct parse_record *record);

struct parse_counts_row {
    uint8_t source[16];
    uint32_t day; /* since 1970-01-01, UTC */
    struct str parser;
    enum parse_outcome outcome;
    struct parse_count count;
};
size_t parse_counts_size(const struct parse_counts *counts);
struct parse_counts_row parse_counts_at(const struct parse_counts *counts, size_t i);
uint64_t parse_counts_lost(const struct parse_counts *counts); /* records, ever */
bool parse_counts_are_many(const struct parse_counts *counts); /* half of the room is taken */
/* Forgets the first n rows: they were told. */
void parse_counts_told(struct parse_counts *counts, size_t n);

#endif
