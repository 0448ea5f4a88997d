#include "role/parse_counts.h"

#include "base/assert.h"
#include "base/civil.h"
#include "base/macros.h"
#include "codec/utf8.h"
#include "role/count_table.h"

#include <string.h>

#define DAY_NS (INT64_C(86400) * INT64_C(1000000000))

struct parse_counts {
    const struct mapping *mapping;
    struct count_table *table; /* struct parse_count; rest: day << 32 | parser << 16 | outcome, families first */
    int64_t day_begin_ns;      /* of the record counted last */
    uint32_t day;
    char format[PARSE_COUNTS_FORMATS][PARSE_PARSER_MAX];
    size_t format_count;
    const char *format_last; /* as the event named it last: names live as long as the program */
    uint16_t format_number;
    uint64_t lost;
};

/* --- life --- */

struct parse_counts *parse_counts_new(const struct mapping *mapping, size_t limit, uint64_t seed)
{
    struct parse_counts *counts = memory_new(sizeof *counts);
    ASSERT(limit > 0 && limit <= PARSE_COUNTS_MOST);
    if (!counts)
        return NULL;
    counts->mapping = mapping;
    counts->day_begin_ns = INT64_MIN;
    counts->table = count_table_new(sizeof(struct parse_count), limit, seed);
    if (!counts->table) {
        memory_free(counts);
        return NULL;
    }
    return counts;
}

void parse_counts_free(struct parse_counts *counts)
{
    if (!counts)
        return;
    count_table_free(counts->table);
    memory_free(counts);
}

void parse_counts_remap(struct parse_counts *counts, const struct mapping *mapping)
{
    ASSERT(mapping->family_count == counts->mapping->family_count); /* rows have their numbers */
    counts->mapping = mapping;
}

/* --- what a record is --- */

static uint16_t format_of(struct parse_counts *counts, const char *name)
{
    if (name && name == counts->format_last)
        return counts->format_number;
    struct str text = str_slice(str_of(name ? name : "none"), 0, PARSE_PARSER_MAX - 1);
    size_t i = 0;
    while (i < counts->format_count && !str_is(text, counts->format[i]))
        i++;
    i = MIN(i, (size_t)PARSE_COUNTS_FORMATS - 1);
    if (i == counts->format_count) {
        struct str kept = i == PARSE_COUNTS_FORMATS - 1 ? STR("other") : text;
        IGNORE(str_copy_z(kept, counts->format[i], PARSE_PARSER_MAX)); /* it was cut to fit */
        counts->format_count++;
    }
    counts->format_last = name;
    counts->format_number = (uint16_t)(counts->mapping->family_count + i);
    return counts->format_number;
}

static uint16_t parser_of(struct parse_counts *counts, const struct parse_record *record)
{
    if (record->pattern && record->grasp == GRASP_PATTERN)
        return (uint16_t)(record->pattern->family - counts->mapping->family);
    return format_of(counts, record->parser);
}

enum parse_outcome parse_record_outcome(const struct parse_record *record)
{
    if (record->grasp == GRASP_PATTERN)
        return PARSE_PATTERN;
    if (record->grasp == GRASP_FIELDS)
        return PARSE_FIELDS;
    if (!utf8_valid(record->raw))
        return PARSE_ENCODING;
    if (record->raw.n > PATTERN_TEXT_MAX)
        return PARSE_LONG;
    return record->grasp == GRASP_HEADER ? PARSE_HEADER : PARSE_NONE;
}

static uint32_t day_of(struct parse_counts *counts, int64_t ns)
{
    if (counts->day_begin_ns == INT64_MIN || ns < counts->day_begin_ns || ns - counts->day_begin_ns >= DAY_NS) {
        counts->day = (uint32_t)(MAX(ns, INT64_C(0)) / DAY_NS);
        counts->day_begin_ns = (int64_t)counts->day * DAY_NS;
    }
    return counts->day;
}

void parse_counts_record(struct parse_counts *counts, const struct parse_record *record)
{
    struct count_key key = {.rest = (uint64_t)day_of(counts, record->received_ns) << 32 |
                                    (uint64_t)parser_of(counts, record) << 16 | (uint64_t)parse_record_outcome(record)};
    memcpy(key.source, record->source, sizeof key.source);
    struct parse_count *count = count_table_row(counts->table, &key);
    if (!count) {
        counts->lost++;
        return;
    }
    count->records++;
    count->last_ns = MAX(count->last_ns, record->received_ns);
    count->last_record = MAX(count->last_record, record->number);
    if (record->durable_ns <= 0)
        return;
    int64_t wait_us = MAX((record->durable_ns - record->received_ns) / 1000, INT64_C(0));
    count->durable++;
    count->wait_us += (uint64_t)wait_us;
    count->wait_max_us = MAX(count->wait_max_us, (uint64_t)wait_us);
}

/* --- what was counted --- */

size_t parse_counts_size(const struct parse_counts *counts)
{
    return count_table_size(counts->table);
}

struct parse_counts_row parse_counts_at(const struct parse_counts *counts, size_t i)
{
    struct count_key key;
    const struct parse_count *count = count_table_at(counts->table, i, &key);
    const struct mapping *mapping = counts->mapping;
    uint16_t parser = (uint16_t)(key.rest >> 16);
    struct parse_counts_row row = {
        .day = (uint32_t)(key.rest >> 32), .outcome = (enum parse_outcome)(key.rest & 0xffff), .count = *count};
    row.parser = parser < mapping->family_count ? mapping->family[parser].name
                                                : str_of(counts->format[parser - mapping->family_count]);
    memcpy(row.source, key.source, sizeof row.source);
    return row;
}

uint64_t parse_counts_lost(const struct parse_counts *counts)
{
    return counts->lost;
}

bool parse_counts_are_many(const struct parse_counts *counts)
{
    return count_table_is_half_full(counts->table);
}

void parse_counts_told(struct parse_counts *counts, size_t n)
{
    count_table_forget(counts->table, n);
}
