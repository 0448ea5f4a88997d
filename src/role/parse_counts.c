#include "role/parse_counts.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/macros.h"
#include "codec/utf8.h"

#include <string.h>

#define DAY_NS     (INT64_C(86400) * INT64_C(1000000000))
#define RECENT_MAX 4096u /* rows that are found without a look into the index */

/* Families come first, formats behind them. In words, since each record's is compared with one that is known. */
struct key {
    uint64_t source[2];
    uint64_t rest; /* day << 32 | parser << 16 | outcome */
};

struct slot {
    struct key key;
    struct parse_count count;
};

struct parse_counts {
    const struct mapping *mapping;
    uint64_t seed[2];
    size_t limit;
    struct slot *slot; /* dense; room grows up to `limit` */
    size_t count;
    size_t room;
    uint32_t *index; /* open addressing: slot + 1, 0 = empty */
    size_t index_size;
    uint32_t recent[RECENT_MAX]; /* slot + 1 by quick_hash; 0: none */
    int64_t day_begin_ns;        /* of the record counted last */
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
    counts->seed[0] = seed;
    counts->seed[1] = ~seed;
    counts->limit = limit;
    counts->day_begin_ns = INT64_MIN;
    for (counts->index_size = 1024; counts->index_size < 2 * limit;)
        counts->index_size *= 2;
    counts->index = memory_new(counts->index_size * sizeof *counts->index);
    if (!counts->index) {
        parse_counts_free(counts);
        return NULL;
    }
    return counts;
}

void parse_counts_free(struct parse_counts *counts)
{
    if (!counts)
        return;
    memory_free(counts->index);
    memory_free(counts->slot);
    memory_free(counts);
}

/* --- finding a row --- */

static bool key_is(const struct key *a, const struct key *b)
{
    return a->source[0] == b->source[0] && a->source[1] == b->source[1] && a->rest == b->rest;
}

static size_t place_of(const struct parse_counts *counts, const struct key *key)
{
    size_t at = siphash(counts->seed, key, sizeof *key) & (counts->index_size - 1);
    while (counts->index[at] && !key_is(&counts->slot[counts->index[at] - 1].key, key))
        at = (at + 1) & (counts->index_size - 1);
    return at;
}

static uint32_t slot_add(struct parse_counts *counts, const struct key *key, size_t place)
{
    if (counts->count == counts->limit)
        return 0;
    if (counts->count == counts->room) {
        size_t room = MIN(MAX(counts->room * 2, (size_t)256), counts->limit);
        struct slot *grown = memory_resize(counts->slot, room * sizeof *grown);
        if (!grown)
            return 0;
        counts->slot = grown;
        counts->room = room;
    }
    struct slot *slot = &counts->slot[counts->count++];
    *slot = (struct slot){.key = *key};
    counts->index[place] = (uint32_t)counts->count;
    return (uint32_t)counts->count;
}

/* Whoever makes keys collide makes them be looked up again, no more. */
static size_t quick_hash(const struct key *key)
{
    return (size_t)(((key->source[0] ^ key->rest) * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
}

static struct slot *slot_of(struct parse_counts *counts, const struct key *key)
{
    uint32_t *recent = &counts->recent[quick_hash(key) % RECENT_MAX];
    if (*recent && key_is(&counts->slot[*recent - 1].key, key))
        return &counts->slot[*recent - 1];
    size_t place = place_of(counts, key);
    uint32_t found = counts->index[place] ? counts->index[place] : slot_add(counts, key, place);
    if (!found)
        return NULL;
    *recent = found;
    return &counts->slot[found - 1];
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
    struct key key = {.rest = (uint64_t)day_of(counts, record->received_ns) << 32 |
                              (uint64_t)parser_of(counts, record) << 16 | (uint64_t)parse_record_outcome(record)};
    memcpy(key.source, record->source, sizeof key.source);
    struct slot *slot = slot_of(counts, &key);
    if (!slot) {
        counts->lost++;
        return;
    }
    slot->count.records++;
    slot->count.last_ns = MAX(slot->count.last_ns, record->received_ns);
    slot->count.last_record = MAX(slot->count.last_record, record->number);
}

/* --- what was counted --- */

size_t parse_counts_size(const struct parse_counts *counts)
{
    return counts->count;
}

struct parse_counts_row parse_counts_at(const struct parse_counts *counts, size_t i)
{
    ASSERT(i < counts->count);
    const struct slot *slot = &counts->slot[i];
    const struct mapping *mapping = counts->mapping;
    uint16_t parser = (uint16_t)(slot->key.rest >> 16);
    struct parse_counts_row row = {.day = (uint32_t)(slot->key.rest >> 32),
                                   .outcome = (enum parse_outcome)(slot->key.rest & 0xffff),
                                   .count = slot->count};
    row.parser = parser < mapping->family_count ? mapping->family[parser].name
                                                : str_of(counts->format[parser - mapping->family_count]);
    memcpy(row.source, slot->key.source, sizeof row.source);
    return row;
}

uint64_t parse_counts_lost(const struct parse_counts *counts)
{
    return counts->lost;
}

bool parse_counts_are_many(const struct parse_counts *counts)
{
    return counts->count >= counts->limit / 2;
}

void parse_counts_told(struct parse_counts *counts, size_t n)
{
    ASSERT(n <= counts->count);
    if (n == 0)
        return;
    memset(counts->index, 0, counts->index_size * sizeof *counts->index);
    memset(counts->recent, 0, sizeof counts->recent);
    memmove(counts->slot, counts->slot + n, (counts->count - n) * sizeof *counts->slot);
    counts->count -= n;
    for (size_t i = 0; i < counts->count; i++)
        counts->index[place_of(counts, &counts->slot[i].key)] = (uint32_t)i + 1;
}
