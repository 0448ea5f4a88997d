/* How records were parsed, counted: against a slow twin, told in pieces, bounded, and each outcome told apart. */
#include "role/parse_counts.h"

#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define DAY_NS  (INT64_C(86400) * INT64_C(1000000000))
#define RECORDS 20000
#define TWINS   4096

static struct family families[3] = {{.name = STR_INIT("sshd")}, {.name = STR_INIT("sudo")}, {.name = STR_INIT("cron")}};
static const struct mapping mapping = {.family_count = ARRAY_LEN(families), .family = families};
static const struct pattern patterns[3] = {
    {.family = &families[0]}, {.family = &families[1]}, {.family = &families[2]}};
static const char *const formats[] = {"syslog3164", "json", "cef", "none"};

static uint64_t seed = 88172645463325252u;
static uint32_t pick(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 24) % n;
}

static uint8_t ids[40][16];

static struct parse_record record_make(uint64_t number)
{
    struct parse_record record = {.number = number, .raw = STR("a line"), .parser = formats[pick(4)]};
    record.source = ids[pick(ARRAY_LEN(ids))];
    record.received_ns = pick(4) * DAY_NS + pick(1000);
    record.grasp = (enum grasp)pick(4);
    record.pattern = record.grasp == GRASP_PATTERN ? &patterns[pick(3)] : NULL;
    if (pick(5) == 0)
        record.raw = STR("no \xff text");
    return record;
}

/* --- the twin: a list, looked through for every record --- */

static struct parse_counts_row twin[TWINS];
static size_t twins;

static void twin_add(const uint8_t source[16], uint32_t day, struct str parser, enum parse_outcome outcome,
                     struct parse_count count)
{
    size_t i = 0;
    while (i < twins && !(memcmp(twin[i].source, source, 16) == 0 && twin[i].day == day &&
                          str_eq(twin[i].parser, parser) && twin[i].outcome == outcome))
        i++;
    if (i == twins) {
        twin[twins] = (struct parse_counts_row){.day = day, .parser = parser, .outcome = outcome};
        memcpy(twin[twins++].source, source, 16);
    }
    twin[i].count.records += count.records;
    twin[i].count.last_ns = MAX(twin[i].count.last_ns, count.last_ns);
    twin[i].count.last_record = MAX(twin[i].count.last_record, count.last_record);
}

static void twin_record(const struct parse_record *record)
{
    struct str parser = record->grasp == GRASP_PATTERN ? record->pattern->family->name : str_of(record->parser);
    twin_add(record->source, (uint32_t)(record->received_ns / DAY_NS), parser, parse_record_outcome(record),
             (struct parse_count){.records = 1, .last_ns = record->received_ns, .last_record = record->number});
}

static bool twin_has(const struct parse_counts_row *row)
{
    for (size_t i = 0; i < twins; i++)
        if (memcmp(twin[i].source, row->source, 16) == 0 && twin[i].day == row->day &&
            str_eq(twin[i].parser, row->parser) && twin[i].outcome == row->outcome)
            return memcmp(&twin[i].count, &row->count, sizeof row->count) == 0;
    return false;
}

static void sources_make(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        for (size_t k = 0; k < 16; k++)
            ids[i][k] = (uint8_t)pick(256);
}

static void slow_twin(void)
{
    struct parse_counts *counts = parse_counts_new(&mapping, 10000, 7);
    twins = 0;
    sources_make();
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct parse_record record = record_make(i);
        parse_counts_record(counts, &record);
        twin_record(&record);
    }
    CHECK_INT(parse_counts_size(counts), twins);
    CHECK(twins > 1000);
    for (size_t i = 0; i < parse_counts_size(counts); i++) {
        struct parse_counts_row row = parse_counts_at(counts, i);
        CHECK(twin_has(&row));
    }
    parse_counts_free(counts);
}

/* As an engine does: some rows go, more records come, and nothing is lost or told twice. */
static void told_in_pieces(void)
{
    struct parse_counts *counts = parse_counts_new(&mapping, 10000, 7);
    static struct parse_counts_row direct[TWINS];
    size_t directs;
    twins = 0;
    sources_make();
    uint64_t begin = seed;
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct parse_record record = record_make(i);
        twin_record(&record);
    }
    memcpy(direct, twin, sizeof direct);
    directs = twins;
    twins = 0;
    seed = begin;
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct parse_record record = record_make(i);
        parse_counts_record(counts, &record);
        if (i % 777 != 0 && i + 1 != RECORDS)
            continue;
        size_t n = i + 1 == RECORDS ? parse_counts_size(counts) : parse_counts_size(counts) / 2;
        for (size_t k = 0; k < n; k++) {
            struct parse_counts_row row = parse_counts_at(counts, k);
            twin_add(row.source, row.day, row.parser, row.outcome, row.count);
        }
        parse_counts_told(counts, n);
    }
    CHECK_INT(parse_counts_size(counts), 0);
    CHECK_INT(twins, directs);
    for (size_t i = 0; i < directs; i++)
        CHECK(twin_has(&direct[i]));
    parse_counts_free(counts);
}

static void outcomes(void)
{
    static char long_text[PATTERN_TEXT_MAX + 1];
    memset(long_text, 'x', sizeof long_text);
    struct str longer = str_at(long_text, sizeof long_text);
    static const struct str bad = STR_INIT("\xc3(");
    const struct {
        enum grasp grasp;
        struct str raw;
        enum parse_outcome outcome;
    } cases[] = {
        {GRASP_PATTERN, STR("x"), PARSE_PATTERN},
        {GRASP_PATTERN, bad, PARSE_PATTERN},
        {GRASP_FIELDS, longer, PARSE_FIELDS},
        {GRASP_FIELDS, bad, PARSE_FIELDS},
        {GRASP_HEADER, STR("x"), PARSE_HEADER},
        {GRASP_HEADER, longer, PARSE_LONG},
        {GRASP_HEADER, bad, PARSE_ENCODING},
        {GRASP_NONE, STR(""), PARSE_NONE},
        {GRASP_NONE, longer, PARSE_LONG},
        {GRASP_NONE, bad, PARSE_ENCODING},
        {GRASP_NONE, str_slice(longer, 0, PATTERN_TEXT_MAX), PARSE_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct parse_record record = {.grasp = cases[i].grasp, .raw = cases[i].raw};
        test_row("case %zu", i);
        CHECK_INT(parse_record_outcome(&record), cases[i].outcome);
    }
    for (unsigned i = 0; i < PARSE_OUTCOME_COUNT; i++)
        CHECK_INT(parse_outcome_find(str_of(parse_outcome_key((enum parse_outcome)i))), i);
    CHECK_INT(parse_outcome_find(STR("")), PARSE_OUTCOME_COUNT);
    CHECK_INT(parse_outcome_find(STR("patterns")), PARSE_OUTCOME_COUNT);
}

static void bounds(void)
{
    struct parse_counts *counts = parse_counts_new(&mapping, 2, 7);
    uint8_t id[16] = {0};
    char name[128][8];
    struct parse_record record = {.source = id, .raw = STR("x"), .grasp = GRASP_FIELDS, .parser = "json"};
    for (id[0] = 0; id[0] < 5; id[0]++)
        parse_counts_record(counts, &record);
    CHECK_INT(parse_counts_size(counts), 2);
    CHECK_INT(parse_counts_lost(counts), 3);
    CHECK(parse_counts_are_many(counts));
    parse_counts_free(counts);

    counts = parse_counts_new(&mapping, 1000, 7);
    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        snprintf(name[i], sizeof name[i], "f%zu", i);
        record.parser = name[i];
        parse_counts_record(counts, &record);
    }
    CHECK_INT(parse_counts_size(counts), PARSE_COUNTS_FORMATS);
    struct parse_counts_row last = parse_counts_at(counts, PARSE_COUNTS_FORMATS - 1);
    CHECK(str_is(last.parser, "other"));
    CHECK_INT(last.count.records, ARRAY_LEN(name) - PARSE_COUNTS_FORMATS + 1);
    parse_counts_free(counts);
}

static void no_memory(void)
{
    for (long at = 1; at < 3; at++) {
        memory_fail_at((uint64_t)at);
        struct parse_counts *counts = parse_counts_new(&mapping, 100, 7);
        memory_fail_at(0);
        CHECK((at < 3) == !counts);
        parse_counts_free(counts);
    }
    struct parse_counts *counts = parse_counts_new(&mapping, 100, 7);
    struct parse_record record = record_make(1);
    memory_fail_at(1);
    parse_counts_record(counts, &record);
    memory_fail_at(0);
    CHECK_INT(parse_counts_lost(counts), 1);
    parse_counts_record(counts, &record);
    CHECK_INT(parse_counts_size(counts), 1);
    parse_counts_free(counts);
    parse_counts_free(NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"counts are those of the slow twin", slow_twin},
        {"told in pieces they add up", told_in_pieces},
        {"outcomes", outcomes},
        {"past the limits", bounds},
        {"without memory", no_memory},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
