#include "cmd/parse_sources.h"

#include "archive/sweep.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/map.h"
#include "cmd/archive_open.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/random.h"
#include "paper/visible.h"
#include "role/parse_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS       (INT64_C(86400) * INT64_C(1000000000))
#define EVENT_MEMORY ((size_t)256 << 20)
#define SITES_MAX    ((size_t)1 << 20)

struct site {
    uint8_t id[16];
    uint64_t by[PARSE_OUTCOME_COUNT];
    uint64_t records;
    uint64_t last_missed; /* number of the newest record that is not parsed */
    bool missed;
};

struct counting {
    const struct parse_sources *asked;
    struct reading reading;
    struct parse_counts *counts;
    struct arena *arena;
    int64_t since_ns;
    const struct sweep_record *record; /* at work */
    struct site *site;
    size_t sites;
    struct map *index; /* source -> number of its site, from 1 */
    struct buf line;
};

/* ---- counting ---- */

static void on_event(void *context, const struct event *event)
{
    struct counting *c = context;
    const struct leaf *leaf = c->record->leaf;
    if (!(event->flags & EVENT_ARCHIVE) || leaf->received_ns < c->since_ns)
        return;
    parse_counts_record(c->counts, &(struct parse_record){.source = leaf->source,
                                                          .raw = c->record->raw,
                                                          .number = leaf->index,
                                                          .received_ns = leaf->received_ns,
                                                          .grasp = normaliser_grasp(c->asked->normaliser),
                                                          .pattern = normaliser_pattern(c->asked->normaliser),
                                                          .parser = event->parser});
}

/* Older records are read as well: one of them may name the columns of those that count. */
static bool take(void *context, const struct sweep_record *record)
{
    struct counting *c = context;
    const struct leaf *leaf = record->leaf;
    bool data = leaf->type == LEAF_RAW || leaf->type == LEAF_DIGEST;
    if (!data || (leaf->received_ns < c->since_ns && !normaliser_heads(record->raw)))
        return true;
    struct event_source source = record->source;
    memcpy(source.id, leaf->source, sizeof source.id);
    c->record = record;
    normaliser_record(c->asked->normaliser, &source, leaf->index, leaf->received_ns, record->raw, c->arena, on_event,
                      c);
    arena_reset(c->arena);
    return true;
}

static enum rc count(struct counting *c, struct err *err)
{
    const struct sweep_options all = {.from_ns = 0};
    struct sweep *sweep = NULL;
    int64_t passed_ns = 0;
    enum rc rc = sweep_open(c->reading.reader, &all, &sweep, err);
    for (size_t i = 0; rc == RC_OK && i < sweep_units(sweep); i++) {
        rc = sweep_run(sweep, i, take, c, &passed_ns, err);
        rc = rc == RC_NOT_FOUND ? RC_OK : rc; /* deleted since */
    }
    if (rc == RC_OK)
        reading_tell_gone(&c->reading, "parse", sweep_result(sweep));
    sweep_close(sweep);
    if (rc == RC_OK && parse_counts_lost(c->counts))
        rc = err_set(err, RC_LIMIT, "more than %zu different counts", PARSE_COUNTS_MOST);
    return rc;
}

static bool sites_fill(struct counting *c)
{
    for (size_t i = 0; i < parse_counts_size(c->counts); i++) {
        struct parse_counts_row row = parse_counts_at(c->counts, i);
        uint64_t *place = map_put(c->index, str_at(row.source, sizeof row.source));
        if (!place)
            return false;
        if (*place == 0) {
            memcpy(c->site[c->sites].id, row.source, sizeof row.source);
            *place = ++c->sites;
        }
        struct site *site = &c->site[*place - 1];
        site->by[row.outcome] += row.count.records;
        site->records += row.count.records;
        if (parse_outcome_is_parsed(row.outcome))
            continue;
        site->missed = true;
        site->last_missed = MAX(site->last_missed, row.count.last_record);
    }
    return true;
}

/* ---- printing ---- */

static double rate_of(const struct site *site)
{
    uint64_t parsed = site->by[PARSE_PATTERN] + site->by[PARSE_FIELDS];
    return site->records ? 100.0 * (double)parsed / (double)site->records : 100.0;
}

static int by_records(const void *a, const void *b)
{
    const struct site *x = a;
    const struct site *y = b;
    if (x->records != y->records)
        return x->records > y->records ? -1 : 1;
    return memcmp(x->id, y->id, sizeof x->id);
}

/* Parsers of a source as "name": records. */
static void parsers_json(struct counting *c, const struct site *site)
{
    json_write_key(&c->line, "parsers");
    json_write_array(&c->line);
    for (size_t i = 0; i < parse_counts_size(c->counts); i++) {
        struct parse_counts_row row = parse_counts_at(c->counts, i);
        if (memcmp(row.source, site->id, sizeof row.source) != 0)
            continue;
        json_write_object(&c->line);
        json_put_str(&c->line, "parser", row.parser);
        json_put_text(&c->line, "outcome", parse_outcome_key(row.outcome));
        json_put_u64(&c->line, "day", row.day);
        json_put_u64(&c->line, "records", row.count.records);
        json_write_object_end(&c->line);
    }
    json_write_array_end(&c->line);
}

static void site_json(struct counting *c, const struct site *site)
{
    struct event_source source = archive_reader_source(c->reading.reader, site->id);
    struct buf *out = &c->line;
    char id[32];
    json_write_object(out);
    json_put_str(out, "id", str_at(id, hex_encode(site->id, sizeof site->id, id)));
    json_put_str(out, "source", source.name.n ? source.name : STR(""));
    json_put_str(out, "kind", source.kind.n ? source.kind : STR(""));
    json_put_u64(out, "records", site->records);
    for (unsigned i = 0; i < PARSE_OUTCOME_COUNT; i++)
        json_put_u64(out, parse_outcome_key((enum parse_outcome)i), site->by[i]);
    if (site->missed)
        json_put_u64(out, "last_not_parsed", site->last_missed);
    parsers_json(c, site);
    json_write_object_end(out);
}

static void site_text(struct counting *c, const struct site *site, const char *name)
{
    struct event_source source = archive_reader_source(c->reading.reader, site->id);
    struct buf *out = &c->line;
    visible_show(out, name ? str_of(name) : source.name.n ? source.name : STR("-"));
    printf("%-31s", buf_z(out));
    buf_clear(out);
    buf_format(out, " %10llu", (unsigned long long)site->records);
    for (unsigned i = 0; i < PARSE_OUTCOME_COUNT; i++)
        buf_format(out, " %10llu", (unsigned long long)site->by[i]);
    buf_format(out, "  %5.1f %%", rate_of(site));
    if (site->missed)
        buf_format(out, " %12llu", (unsigned long long)site->last_missed);
}

static void heads_print(void)
{
    printf("%-31s %10s", "source", "records");
    for (unsigned i = 0; i < PARSE_OUTCOME_COUNT; i++)
        printf(" %10s", parse_outcome_key((enum parse_outcome)i));
    printf("  %7s %12s\n", "parsed", "last not");
}

static enum rc print_all(struct counting *c, double *ret_rate, struct err *err)
{
    struct site all = {.missed = false};
    qsort(c->site, c->sites, sizeof *c->site, by_records);
    if (!c->asked->json)
        heads_print();
    for (size_t i = 0; i < c->sites; i++) {
        for (unsigned k = 0; k < PARSE_OUTCOME_COUNT; k++)
            all.by[k] += c->site[i].by[k];
        all.records += c->site[i].records;
        buf_clear(&c->line);
        if (c->asked->json)
            site_json(c, &c->site[i]);
        else
            site_text(c, &c->site[i], NULL);
        printf("%s\n", buf_z(&c->line));
    }
    buf_clear(&c->line);
    if (!c->asked->json) {
        site_text(c, &all, "(all)");
        printf("%s\n", buf_z(&c->line));
    }
    *ret_rate = rate_of(&all);
    return fflush(stdout) == 0 ? RC_OK : err_set(err, RC_IO, "could not write to standard output");
}

enum rc parse_sources_print(const struct parse_sources *asked, double *ret_rate, struct err *err)
{
    struct counting c = {.asked = asked, .reading.folder = -1};
    buf_init(&c.line, (size_t)64 << 20);
    c.arena = arena_new(EVENT_MEMORY);
    c.counts = parse_counts_new(asked->mapping, PARSE_COUNTS_MOST, random_u64());
    c.index = map_new(SITES_MAX, random_u64());
    c.since_ns = asked->days ? clock_real_ns() - asked->days * DAY_NS : INT64_MIN;
    enum rc rc = c.arena && c.counts && c.index ? RC_OK : err_set(err, RC_LIMIT, "no memory");
    rc = rc == RC_OK ? reading_open(&c.reading, asked->data, false, err) : rc;
    rc = rc == RC_OK ? count(&c, err) : rc;
    if (rc == RC_OK) {
        c.site = memory_new((parse_counts_size(c.counts) + 1) * sizeof *c.site);
        rc = c.site && sites_fill(&c) ? RC_OK : err_set(err, RC_LIMIT, "no memory for the sources");
    }
    rc = rc == RC_OK ? print_all(&c, ret_rate, err) : rc;
    reading_close(&c.reading);
    parse_counts_free(c.counts);
    map_free(c.index);
    memory_free(c.site);
    arena_free(c.arena);
    buf_done(&c.line);
    return rc;
}
