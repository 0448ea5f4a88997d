/* Counts by source, class, kind and parser against a slow twin; what was told goes and nothing else; bounds. */
#include "role/annex_counts.h"

#include "base/test.h"
#include "codec/utf8.h"

#include <stdio.h>
#include <string.h>

#define RECORDS 20000
#define TWINS   4096

static struct annex_tables tables;
static struct arena *tables_arena;

static const struct annex_tables *tables_of(void)
{
    char folder[1024];
    struct err err = {0};
    if (tables_arena)
        return &tables;
    const char *root = test_source_dir();
    snprintf(folder, sizeof folder, "%s/data", root ? root : ".");
    tables_arena = arena_new((size_t)8 << 20);
    if (!CHECK_INT(annex_tables_load(folder, tables_arena, &tables, &err), RC_OK))
        printf("# %s\n", err.text);
    return &tables;
}

static uint64_t seed = 88172645463325252u;
static uint32_t pick(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 24) % n;
}

/* --- records that are made up --- */

static const char *const parsers[] = {"syslog3164", "syslog5424", "json", "windows", "weblog", "none", "audit"};
static const char *const services[] = {
    "sshd",     "nginx",    "postgres", "",
    "iptables", "Suricata", "cron",     "a-service-whose-name-is-longer-than-what-is-remembered-of-one"};
static const char *const kinds[] = {"sign_in", "", "object_open", "db_session", "not a kind", "web_request"};
static const char *const source_kinds[] = {"udp", "tcp", "file"};
static const char *const raws[] = {"plain text\twith a tab\n",
                                   "\xd2\x9b\xd0\xb0\xd0\xb7\xd0\xb0\xd2\x9b",
                                   "bad \xff utf-8",
                                   "a \x01 control",
                                   "\xc3",
                                   "a long line whose last byte is one \x1f",
                                   "\x02",
                                   "tabs\tand\r\nends, more bytes than a word has",
                                   ""};

static void event_make(struct event *event, struct event_source *source)
{
    memset(event, 0, sizeof *event);
    uint32_t who = pick(7);
    memset(source->id, (int)who, sizeof source->id);
    source->kind = str_of(source_kinds[who % ARRAY_LEN(source_kinds)]);
    event->parser = parsers[pick(ARRAY_LEN(parsers))];
    event->received_ns = 1000 + pick(1000);
    event->time_ns = event->received_ns - (int64_t)pick(2);
    event->raw = str_of(raws[pick(ARRAY_LEN(raws))]);
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        event->statutory[i] = pick(2) ? STR("x") : STR_NONE;
    event->statutory[STATUTORY_SERVICE] = str_of(services[pick(ARRAY_LEN(services))]);
    event->statutory[STATUTORY_KIND] = str_of(kinds[pick(ARRAY_LEN(kinds))]);
    event->statutory[STATUTORY_OUTCOME] = pick(3) ? STR("success") : STR("failure");
}

/* --- the twin: a list, looked through for every record --- */

static struct annex_counts_row twin[TWINS];
static size_t twins;

static enum annex_class twin_class(const struct event_source *source, const struct event *event)
{
    return annex_class_find(export_class_find(&tables_of()->classes, source->kind, str_of(event->parser),
                                              event->statutory[STATUTORY_SERVICE]));
}

static void twin_record(const struct event_source *source, const struct event *event)
{
    static const char *const fields[] = {"",    "host",   "service", "account", "user_address", "src",
                                         "dst", "object", "start",   "end",     "description"};
    struct annex_counts_row row = {.class = twin_class(source, event),
                                   .kind = annex_kind_find(&tables_of()->annex, event->statutory[STATUTORY_KIND]),
                                   .parser = str_of(event->parser)};
    size_t at = 0;
    while (at < twins && (memcmp(twin[at].source, source->id, 16) != 0 || twin[at].class != row.class ||
                          twin[at].kind != row.kind || !str_eq(twin[at].parser, row.parser)))
        at++;
    if (at == twins) {
        memcpy(row.source, source->id, 16);
        twin[twins++] = row;
    }
    struct annex_count one = {.records = 1, .first_ns = event->received_ns, .last_ns = event->received_ns};
    one.failed = str_is(event->statutory[STATUTORY_OUTCOME], "failure");
    one.failed_ns = one.failed ? event->received_ns : 0;
    one.field[0] = event->time_ns != event->received_ns;
    for (size_t i = 1; i < ANNEX_FIELD_COUNT; i++) {
        CHECK_TEXT(str_of(annex_field_key((enum annex_field)i)), fields[i]);
        one.field[i] = event->statutory[statutory_find(str_of(fields[i]))].n > 0;
    }
    one.not_utf8 = !utf8_valid(event->raw);
    for (size_t i = 0; i < event->raw.n; i++)
        one.not_text |= event->raw.p[i] > 0 && event->raw.p[i] < 32 && !memchr("\t\n\r", event->raw.p[i], 3);
    annex_count_add(&twin[at].count, &one);
}

static bool rows_equal(const struct annex_counts_row *a, const struct annex_counts_row *b)
{
    return memcmp(a->source, b->source, 16) == 0 && a->class == b->class && a->kind == b->kind &&
           str_eq(a->parser, b->parser);
}

static void twin_compare(const struct annex_counts *counts)
{
    CHECK_INT(annex_counts_size(counts), twins);
    for (size_t i = 0; i < annex_counts_size(counts); i++) {
        struct annex_counts_row row = annex_counts_at(counts, i);
        size_t at = 0;
        while (at < twins && !rows_equal(&twin[at], &row))
            at++;
        CHECK(at < twins && memcmp(&twin[at].count, &row.count, sizeof row.count) == 0);
    }
}

static void record(struct annex_counts *counts, const struct event_source *source, const struct event *event)
{
    annex_counts_record(counts, &(struct annex_record){source, event, event->raw, event->received_ns});
}

static void slow_twin(void)
{
    struct annex_counts *counts = annex_counts_new(tables_of(), TWINS, 7);
    struct event event;
    struct event_source source = {.name = STR_INIT("s")};
    twins = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        event_make(&event, &source);
        record(counts, &source, &event);
        twin_record(&source, &event);
    }
    CHECK(twins > 500);
    CHECK_INT(annex_counts_lost(counts), 0);
    twin_compare(counts);
    annex_counts_free(counts);
}

/* Told in pieces, at any moment: the pieces add up to all. */
static void told_in_pieces(void)
{
    struct annex_counts *counts = annex_counts_new(tables_of(), TWINS, 7);
    struct annex_counts *sum = annex_counts_new(tables_of(), TWINS, 9);
    struct event event;
    struct event_source source = {.name = STR_INIT("s")};
    uint64_t records = 0;
    twins = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        event_make(&event, &source);
        record(counts, &source, &event);
        record(sum, &source, &event);
        if (pick(50))
            continue;
        size_t n = pick((uint32_t)annex_counts_size(counts) + 1);
        for (size_t k = 0; k < n; k++)
            records += annex_counts_at(counts, k).count.records;
        annex_counts_told(counts, n);
        size_t before = pick(8) ? 0 : annex_counts_size(counts); /* every pair takes long */
        for (size_t k = 0; k < before; k++)
            for (size_t j = 0; j < k; j++) {
                struct annex_counts_row a = annex_counts_at(counts, k), b = annex_counts_at(counts, j);
                if (rows_equal(&a, &b))
                    CHECK(false); /* a key twice */
            }
    }
    for (size_t k = 0; k < annex_counts_size(counts); k++)
        records += annex_counts_at(counts, k).count.records;
    CHECK_INT(records, RECORDS);
    annex_counts_told(counts, annex_counts_size(counts));
    CHECK_INT(annex_counts_size(counts), 0);
    annex_counts_free(counts);
    annex_counts_free(sum);
}

static void bounds(void)
{
    struct annex_counts *counts = annex_counts_new(tables_of(), 4, 7);
    struct event event = {.parser = "json", .received_ns = 1, .raw = STR_INIT("x")};
    struct event_source source = {.kind = STR_INIT("udp"), .name = STR_INIT("s")};
    for (uint8_t i = 0; i < 10; i++) {
        source.id[0] = i;
        record(counts, &source, &event);
        record(counts, &source, &event);
    }
    CHECK_INT(annex_counts_size(counts), 4);
    CHECK_INT(annex_counts_lost(counts), 12);
    CHECK(annex_counts_are_many(counts));
    annex_counts_told(counts, 4);
    record(counts, &source, &event);
    CHECK_INT(annex_counts_size(counts), 1);
    annex_counts_free(counts);
}

static void many_parsers(void)
{
    struct annex_counts *counts = annex_counts_new(tables_of(), 1000, 7);
    struct event event = {.received_ns = 1, .raw = STR_INIT("x")};
    struct event_source source = {.kind = STR_INIT("udp"), .name = STR_INIT("s")};
    char name[64];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "a-parser-with-a-long-name-%d", i);
        event.parser = i % 2 ? name : NULL;
        record(counts, &source, &event);
        snprintf(name, sizeof name, "p%d", i);
        event.parser = name;
        record(counts, &source, &event);
    }
    CHECK(annex_counts_size(counts) <= ANNEX_COUNTS_PARSERS);
    uint64_t records = 0;
    for (size_t i = 0; i < annex_counts_size(counts); i++)
        records += annex_counts_at(counts, i).count.records;
    CHECK_INT(records, 400);
    annex_counts_free(counts);
}

/* Every allocation fails once: NULL, or a row that is missing and counted. */
static void no_memory(void)
{
    struct event event = {.parser = "json", .received_ns = 1, .raw = STR_INIT("x")};
    struct event_source source = {.kind = STR_INIT("udp"), .name = STR_INIT("s")};
    const struct annex_tables *t = tables_of();
    for (uint64_t n = 1; n < 12; n++) {
        memory_fail_at(n);
        struct annex_counts *counts = annex_counts_new(t, 1000, 7);
        if (counts)
            record(counts, &source, &event);
        memory_fail_at(0);
        CHECK(!counts || annex_counts_size(counts) + annex_counts_lost(counts) == 1);
        annex_counts_free(counts);
    }
}

static void bad_tables(void)
{
    struct arena *arena = arena_new((size_t)1 << 20);
    static struct annex_tables none;
    struct err err;
    CHECK_INT(annex_tables_load("/nonexistent", arena, &none, &err), RC_NOT_FOUND);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"counts are those of the slow twin", slow_twin},
        {"told in pieces they add up", told_in_pieces},
        {"past the limit records are counted as lost", bounds},
        {"names of parsers have a bound", many_parsers},
        {"without memory", no_memory},
        {"tables that are not there", bad_tables},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
