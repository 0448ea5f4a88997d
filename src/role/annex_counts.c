#include "role/annex_counts.h"

#include "base/assert.h"
#include "base/map.h"
#include "codec/utf8.h"
#include "os/file.h"
#include "role/count_table.h"

#include <stdio.h>
#include <string.h>

#define TABLE_BYTES ((size_t)1 << 20)
#define SERVICE_MAX 48u

_Static_assert(ANNEX_FIELD_COUNT == 11, "the table below names every field");
static const enum statutory statutory_of[ANNEX_FIELD_COUNT] = {
    [ANNEX_TIME] = STATUTORY_COUNT, /* none: the record's own time */
    [ANNEX_HOST] = STATUTORY_HOST,
    [ANNEX_SERVICE] = STATUTORY_SERVICE,
    [ANNEX_ACCOUNT] = STATUTORY_ACCOUNT,
    [ANNEX_USER_ADDRESS] = STATUTORY_USER_ADDRESS,
    [ANNEX_SRC] = STATUTORY_SOURCE_ADDRESS,
    [ANNEX_DST] = STATUTORY_DESTINATION_ADDRESS,
    [ANNEX_OBJECT] = STATUTORY_OBJECT,
    [ANNEX_START] = STATUTORY_START,
    [ANNEX_END] = STATUTORY_END,
    [ANNEX_DESCRIPTION] = STATUTORY_DESCRIPTION,
};

#define KINDS_KNOWN 64u

/* The class of a service that was met: the rows of data/export_classes.tsv are many. */
struct known {
    char kind[16];
    char service[SERVICE_MAX];
    uint8_t kind_n;
    uint8_t service_n;
    uint8_t parser;
    uint8_t class;
    bool is_there;
};

struct annex_counts {
    const struct annex_tables *tables;
    struct count_table *table;        /* struct annex_count; rest: class << 24 | parser << 16 | kind */
    struct map *kinds;                /* key -> number */
    uint16_t kind_known[KINDS_KNOWN]; /* by quick_hash: the number met last; 0: none */
    char parser[ANNEX_COUNTS_PARSERS][ANNEX_PARSER_MAX];
    uint8_t parser_last; /* met last */
    size_t parser_count;
    struct known known[ANNEX_COUNTS_SERVICES];
    uint64_t lost;
};

/* --- tables --- */

static enum rc classes_resolve(struct annex_tables *tables, struct err *err)
{
    for (size_t i = 0; i < tables->classes.count; i++) {
        tables->row_class[i] = annex_class_find(tables->classes.row[i].class);
        if (tables->row_class[i] == ANNEX_CLASS_COUNT)
            return err_set(err, RC_INVALID, "export_classes.tsv: class \"%.*s\" is not one of Annex 4",
                           STR_ARG(tables->classes.row[i].class));
    }
    return RC_OK;
}

enum rc annex_tables_load(const char *folder, struct arena *arena, struct annex_tables *ret_tables, struct err *err)
{
    static const char *const names[] = {"event_kinds.tsv", "annex4.tsv", "export_classes.tsv"};
    struct str text[ARRAY_LEN(names)];
    enum rc rc = RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(names) && rc == RC_OK; i++) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (n < 0 || (size_t)n >= sizeof path)
            return err_set(err, RC_LIMIT, "the name of the data folder is too long");
        rc = file_load_path(path, TABLE_BYTES, arena, &text[i], err);
    }
    rc = rc == RC_OK ? annex_read(text[0], text[1], arena, &ret_tables->annex, err) : rc;
    rc = rc == RC_OK ? export_classes_read(&ret_tables->classes, text[2], err) : rc;
    return rc == RC_OK ? classes_resolve(ret_tables, err) : rc;
}

/* --- life --- */

static bool kinds_fill(struct annex_counts *counts)
{
    const struct annex *annex = &counts->tables->annex;
    for (size_t i = 1; i < annex->kind_count; i++) {
        uint64_t *place = map_put(counts->kinds, annex->kind[i].key);
        if (!place)
            return false;
        *place = i;
    }
    return true;
}

struct annex_counts *annex_counts_new(const struct annex_tables *tables, size_t limit, uint64_t seed)
{
    struct annex_counts *counts = memory_new(sizeof *counts);
    ASSERT(limit > 0 && limit <= ANNEX_COUNTS_MOST);
    if (!counts)
        return NULL;
    counts->tables = tables;
    counts->table = count_table_new(sizeof(struct annex_count), limit, seed);
    counts->kinds = map_new(ANNEX_KINDS_MAX + 1, seed);
    if (!counts->table || !counts->kinds || !kinds_fill(counts)) {
        annex_counts_free(counts);
        return NULL;
    }
    return counts;
}

void annex_counts_free(struct annex_counts *counts)
{
    if (!counts)
        return;
    map_free(counts->kinds);
    count_table_free(counts->table);
    memory_free(counts);
}

/* --- what a record is --- */

static uint8_t parser_of(struct annex_counts *counts, const char *name)
{
    struct str text = str_slice(str_of(name ? name : "none"), 0, ANNEX_PARSER_MAX - 1);
    if (counts->parser_count && str_is(text, counts->parser[counts->parser_last]))
        return counts->parser_last;
    size_t i = 0;
    while (i < counts->parser_count && !str_is(text, counts->parser[i]))
        i++;
    if (i == ANNEX_COUNTS_PARSERS)
        i = ANNEX_COUNTS_PARSERS - 1;
    if (i == counts->parser_count) {
        struct str kept = i == ANNEX_COUNTS_PARSERS - 1 ? STR("other") : text;
        IGNORE(str_copy_z(kept, counts->parser[i], ANNEX_PARSER_MAX)); /* it was cut to fit */
        counts->parser_count++;
    }
    counts->parser_last = (uint8_t)i;
    return counts->parser_last;
}

/* For what is remembered of few texts: whoever makes them collide makes them be looked up again, no more. Of a short
 * text fewer bytes: copies of a length known beforehand cost nothing. */
static size_t quick_hash(struct str text)
{
    uint64_t head = 0;
    if (text.n >= 8)
        memcpy(&head, text.p, 8);
    else if (text.n >= 4)
        memcpy(&head, text.p, 4);
    else if (text.n)
        memcpy(&head, text.p, 1);
    head = (head ^ text.n) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(head >> 32);
}

static uint16_t kind_of(struct annex_counts *counts, struct str kind)
{
    if (kind.n == 0)
        return 0;
    uint16_t *known = &counts->kind_known[quick_hash(kind) % KINDS_KNOWN];
    if (*known && str_eq(counts->tables->annex.kind[*known].key, kind))
        return *known;
    const uint64_t *number = map_get(counts->kinds, kind);
    if (number)
        *known = (uint16_t)*number;
    return number ? *known : 0;
}

static uint8_t class_find(const struct annex_tables *tables, struct str kind, struct str parser, struct str service)
{
    return (uint8_t)annex_class_find(export_class_find(&tables->classes, kind, parser, service));
}

static uint8_t class_of(struct annex_counts *counts, struct str kind, uint8_t parser, struct str service)
{
    struct str name = str_of(counts->parser[parser]);
    if (service.n > SERVICE_MAX || kind.n > sizeof counts->known[0].kind)
        return class_find(counts->tables, kind, name, service);
    struct known *known = &counts->known[(quick_hash(service) + parser * 31u + kind.n) % ANNEX_COUNTS_SERVICES];
    if (known->is_there && known->parser == parser && str_eq(str_at(known->service, known->service_n), service) &&
        str_eq(str_at(known->kind, known->kind_n), kind))
        return known->class;
    *known = (struct known){.kind_n = (uint8_t)kind.n,
                            .service_n = (uint8_t)service.n,
                            .parser = parser,
                            .class = class_find(counts->tables, kind, name, service),
                            .is_there = true};
    if (kind.n)
        memcpy(known->kind, kind.p, kind.n);
    if (service.n)
        memcpy(known->service, service.p, service.n);
    return known->class;
}

static bool is_control(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/* Tabs and line ends are text; other control characters are not. Eight bytes at a time: some byte is below 0x20 where
 * subtracting that borrows from its top bit and the bit was not set. */
static bool is_text(struct str raw)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (; i + 8 <= raw.n; i += 8) {
        uint64_t word;
        memcpy(&word, raw.p + i, sizeof word);
        if (!((word - ones * 0x20) & ~word & ones * 0x80))
            continue;
        for (size_t k = i; k < i + 8; k++)
            if (is_control(raw.p[k]))
                return false;
    }
    for (; i < raw.n; i++)
        if (is_control(raw.p[i]))
            return false;
    return true;
}

static void count_event(struct annex_count *count, const struct annex_record *record)
{
    const struct event *event = record->event;
    bool failed = str_is(event->statutory[STATUTORY_OUTCOME], "failure");
    int64_t now = record->received_ns;
    count->first_ns = count->records ? MIN(count->first_ns, now) : now;
    count->last_ns = MAX(count->last_ns, now);
    count->records++;
    count->failed += failed;
    count->failed_ns = failed ? MAX(count->failed_ns, now) : count->failed_ns;
    count->field[ANNEX_TIME] += event->time_ns != now;
    for (size_t i = 1; i < ANNEX_FIELD_COUNT; i++)
        count->field[i] += event->statutory[statutory_of[i]].n > 0;
    count->not_utf8 += !utf8_valid(record->raw);
    count->not_text += !is_text(record->raw);
}

void annex_counts_record(struct annex_counts *counts, const struct annex_record *record)
{
    const struct event *event = record->event;
    const struct event_source *source = record->source;
    uint8_t parser = parser_of(counts, event->parser);
    uint8_t class = class_of(counts, source->kind, parser, event->statutory[STATUTORY_SERVICE]);
    struct count_key key = {.rest = (uint64_t) class << 24 | (uint64_t)parser << 16 |
                                    kind_of(counts, event->statutory[STATUTORY_KIND])};
    memcpy(key.source, source->id, sizeof key.source);
    struct annex_count *count = count_table_row(counts->table, &key);
    if (count)
        count_event(count, record);
    else
        counts->lost++;
}

/* --- what was counted --- */

size_t annex_counts_size(const struct annex_counts *counts)
{
    return count_table_size(counts->table);
}

struct annex_counts_row annex_counts_at(const struct annex_counts *counts, size_t i)
{
    struct count_key key;
    const struct annex_count *count = count_table_at(counts->table, i, &key);
    struct annex_counts_row row = {.class = (enum annex_class)(key.rest >> 24),
                                   .kind = (uint16_t)(key.rest & 0xffff),
                                   .parser = str_of(counts->parser[key.rest >> 16 & 0xff]),
                                   .count = *count};
    memcpy(row.source, key.source, sizeof row.source);
    return row;
}

uint64_t annex_counts_lost(const struct annex_counts *counts)
{
    return counts->lost;
}

bool annex_counts_are_many(const struct annex_counts *counts)
{
    return count_table_is_half_full(counts->table);
}

void annex_counts_told(struct annex_counts *counts, size_t n)
{
    count_table_forget(counts->table, n);
}

const struct annex *annex_counts_annex(const struct annex_counts *counts)
{
    return &counts->tables->annex;
}
