/* Patterns that people wrote come to an engine at work: taken, the same again, refused, without memory. */
#include "role/engine_patterns.h"

#include "base/test.h"
#include "event/mapping.h"

#include <stdio.h>
#include <string.h>

#define HEAD "id\tprogram\tpattern\tkind\toutcome\tset\n"
#define DOOR HEAD "door\tzzyzx\tdoor {n:num}\tsign_in\t\t\n"

struct bed {
    struct names *names;
    struct arena *arena;
    struct engine_counts counts;
    struct engine_patterns patterns;
    bool changed;
    uint64_t number;
    enum grasp grasp;
};

static bool bed_begin(struct bed *bed)
{
    char data[4096];
    struct err err = {0};
    static struct config config;
    memset(bed, 0, sizeof *bed);
    config_defaults(&config);
    config.share = str_of(test_source_dir());
    bed->names = names_new(1);
    bed->arena = arena_new((size_t)64 << 20);
    engine_patterns_init(&bed->patterns);
    CHECK(snprintf(data, sizeof data, "%s/data", test_source_dir()) > 0);
    CHECK_INT(parsers_open(&config, bed->names, &bed->patterns.parsers, &err), RC_OK);
    CHECK_TEXT(str_of(err.text), "");
    if (!bed->patterns.parsers)
        return false;
    bed->patterns.normaliser = normaliser_new(parsers_mapping(bed->patterns.parsers), bed->names);
    bed->patterns.counts = &bed->counts;
    CHECK_INT(engine_counts_init(&bed->counts, data, parsers_mapping(bed->patterns.parsers), bed->arena, &err), RC_OK);
    return CHECK(bed->patterns.normaliser != NULL);
}

static void bed_end(struct bed *bed)
{
    parse_counts_free(bed->counts.parses);
    annex_counts_free(bed->counts.annex);
    loss_counts_free(bed->counts.losses);
    normaliser_free(bed->patterns.normaliser);
    buf_done(&bed->patterns.record);
    parsers_free(bed->patterns.parsers);
    names_free(bed->names);
    arena_free(bed->arena);
}

static void on_event(void *context, const struct event *event)
{
    struct bed *bed = context;
    (void)event;
    engine_counts_event(&bed->counts, bed->patterns.normaliser);
    bed->grasp = bed->counts.grasp;
}

/* How far a line is understood; it is counted. */
static enum grasp grasp_of(struct bed *bed)
{
    static const struct event_source source = {.id = {1}, .kind = STR_INIT("file"), .name = STR_INIT("a")};
    struct str raw = STR("<38>Nov 21 11:59:58 gw1 zzyzx[8]: door 7");
    struct arena *arena = arena_new((size_t)8 << 20);
    normaliser_record(bed->patterns.normaliser, &source, bed->number, 1, raw, arena, on_event, bed);
    parse_counts_record(bed->counts.parses, &(struct parse_record){.source = source.id,
                                                                   .raw = raw,
                                                                   .number = bed->number++,
                                                                   .received_ns = 1,
                                                                   .grasp = bed->counts.grasp,
                                                                   .pattern = bed->counts.pattern,
                                                                   .parser = "syslog3164"});
    arena_free(arena);
    return bed->grasp;
}

static enum rc take(struct bed *bed, const char *table, struct err *err)
{
    return engine_patterns_take(&bed->patterns, str_of(table), &bed->changed, err);
}

static void taken(void)
{
    static struct bed bed;
    struct err err = {0};
    if (!bed_begin(&bed))
        return;
    CHECK_INT(take(&bed, "", &err), RC_OK); /* as it began: nothing to tell */
    CHECK(bed.patterns.known && !bed.changed && bed.patterns.record.n == 0);
    CHECK_INT(grasp_of(&bed), GRASP_HEADER);
    CHECK_INT(take(&bed, DOOR, &err), RC_OK);
    CHECK_STR(str_slice(buf_view(&bed.patterns.record), 0, 41),
              STR("{\"event\":\"patterns\",\"loaded\":1,\"sha256\":\""));
    CHECK_INT(grasp_of(&bed), GRASP_PATTERN);
    CHECK_INT(take(&bed, DOOR, &err), RC_OK);
    CHECK(!bed.changed);
    CHECK_INT(take(&bed, "", &err), RC_OK);
    CHECK_STR(str_slice(buf_view(&bed.patterns.record), 0, 31), STR("{\"event\":\"patterns\",\"loaded\":0,"));
    CHECK_INT(grasp_of(&bed), GRASP_HEADER);
    /* what was counted has the names that it had */
    CHECK_INT(parse_counts_size(bed.counts.parses), 2);
    CHECK_STR(parse_counts_at(bed.counts.parses, 0).parser, STR("syslog3164"));
    CHECK_INT(parse_counts_at(bed.counts.parses, 0).count.records, 2);
    CHECK_STR(parse_counts_at(bed.counts.parses, 1).parser, STR(MAPPING_OWN));
    bed_end(&bed);
}

static void refused(void)
{
    static const char *const tables[] = {
        HEAD "door\tzzyzx\tdoor {n:nun}\t\t\t\n",
        HEAD "x\tsshd\tInvalid user {a+} from {b:word}\t\t\t\n",
        "nonsense",
    };
    static struct bed bed;
    struct err err = {0};
    if (!bed_begin(&bed))
        return;
    CHECK_INT(take(&bed, DOOR, &err), RC_OK);
    const struct mapping *before = parsers_mapping(bed.patterns.parsers);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        const char *column = NULL;
        test_row("%zu", i);
        CHECK_INT(take(&bed, tables[i], &err), RC_INVALID);
        CHECK(err.text[0] != '\0' && !bed.changed);
        CHECK(parsers_mapping(bed.patterns.parsers) == before);
        CHECK_INT(grasp_of(&bed), GRASP_PATTERN);
        CHECK_INT(parsers_check(bed.patterns.parsers, str_of(tables[i]), &column, &err), RC_INVALID);
    }
    CHECK_INT(take(&bed, DOOR, &err), RC_OK); /* as in force, whatever was tried between */
    CHECK(!bed.changed);
    struct buf large;
    buf_init(&large, 2 * PARSERS_OWN_MAX);
    while (large.n <= PARSERS_OWN_MAX)
        buf_text(&large, "# a comment of some length\n");
    CHECK_INT(engine_patterns_take(&bed.patterns, buf_view(&large), &bed.changed, &err), RC_LIMIT);
    buf_done(&large);
    CHECK_INT(grasp_of(&bed), GRASP_PATTERN);
    bed_end(&bed);
}

/* One row that cannot be had takes nobody else with it: of two that fit the same texts the first stays. */
static void in_part(void)
{
    static const struct {
        const char *table, *text;
    } cases[] = {
        {DOOR "gate\tzzyzx\tdoor {m:num}\t\t\t\n", "1 of 2 patterns are left out (gate): "},
        {HEAD "x\tsshd\tInvalid user {a+} from {b:word}\t\t\t\ndoor\tzzyzx\tdoor {n:num}\t\t\t\n",
         "1 of 2 patterns are left out (x): "},
        {HEAD "a\tzzyzx\ta {n:nun}\t\t\t\nb\tzzyzx\tb {n:num}\t\t\t\nc\tzzyzx\tc {n:nun}\t\t\t\n"
              "door\tzzyzx\tdoor {n:num}\t\t\t\ne\tzzyzx\tdoor {n:num}\t\t\t\n",
         "3 of 5 patterns are left out (a, c, e): "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static struct bed bed;
        struct err err = {0};
        test_row("%zu", i);
        if (!bed_begin(&bed))
            return;
        CHECK_INT(take(&bed, cases[i].table, &err), RC_INVALID);
        CHECK(bed.changed && strlen(err.text) > strlen(cases[i].text));
        CHECK_STR(str_slice(str_of(err.text), 0, strlen(cases[i].text)), str_of(cases[i].text));
        CHECK_INT(grasp_of(&bed), GRASP_PATTERN);
        err = (struct err){0};
        CHECK_INT(take(&bed, cases[i].table, &err), RC_INVALID); /* the same again is told again */
        CHECK(!bed.changed && strstr(err.text, "left out"));
        CHECK_INT(take(&bed, DOOR, &err), RC_OK);
        CHECK(bed.changed);
        bed_end(&bed);
    }
}

/* Of a thousand rows the bad ones are found, however they lie; past the bound of tries the rest is left out. */
static void in_part_of_many(void)
{
    static struct bed bed;
    struct buf table;
    struct err err = {0};
    if (!bed_begin(&bed))
        return;
    buf_init(&table, PARSERS_OWN_MAX);
    buf_text(&table, HEAD "door\tzzyzx\tdoor {n:num}\t\t\t\n");
    for (int i = 0; i < 500; i++)
        buf_format(&table, "n%d\tzzyzx\tnumber %d is {n:%s}\t\t\t\n", i, i, i == 77 || i == 300 ? "nun" : "num");
    CHECK_INT(engine_patterns_take(&bed.patterns, buf_view(&table), &bed.changed, &err), RC_INVALID);
    CHECK(bed.changed && strstr(err.text, "2 of 501 patterns are left out (n77, n300)"));
    CHECK_INT(grasp_of(&bed), GRASP_PATTERN);
    buf_clear(&table);
    buf_text(&table, HEAD "door\tzzyzx\tdoor {n:num}\t\t\t\n");
    for (int i = 0; i < 500; i++)
        buf_format(&table, "n%d\tzzyzx\tnumber %d is {n:%s}\t\t\t\n", i, i, i % 2 ? "nun" : "num");
    CHECK_INT(engine_patterns_take(&bed.patterns, buf_view(&table), &bed.changed, &err), RC_INVALID);
    CHECK(bed.changed && strstr(err.text, " of 501 patterns are left out (n"));
    CHECK_INT(grasp_of(&bed), GRASP_PATTERN);
    buf_done(&table);
    bed_end(&bed);
}

/* A check changes nothing, and leaves no names behind. */
static void checked(void)
{
    static struct bed bed;
    struct err err = {0};
    const char *column = "unset";
    if (!bed_begin(&bed))
        return;
    uint32_t names = names_end(bed.names);
    CHECK_INT(parsers_check(bed.patterns.parsers, STR(HEAD "a\tzzyzx\tdoor {brand_new}\t\t\t\n"), &column, &err),
              RC_OK);
    CHECK(column == NULL && names_end(bed.names) == names);
    CHECK_INT(parsers_check(bed.patterns.parsers, STR(HEAD "a\tzzyzx\tdoor {b\t\t\t\n"), &column, &err), RC_INVALID);
    CHECK_TEXT(str_of(column ? column : ""), "pattern");
    CHECK_INT(grasp_of(&bed), GRASP_HEADER);
    bed_end(&bed);
}

static void without_memory(void)
{
    static struct bed bed;
    struct err err = {0};
    enum rc rc = RC_LIMIT;
    if (!bed_begin(&bed))
        return;
    for (uint64_t fail = 1; fail < 200000 && rc != RC_OK; fail += fail < 60 ? 1 : 499) {
        memory_fail_at(fail);
        rc = take(&bed, DOOR, &err);
        memory_fail_at(0);
        CHECK_INT(grasp_of(&bed), rc == RC_OK ? GRASP_PATTERN : GRASP_HEADER);
    }
    CHECK_INT(rc, RC_OK);
    bed_end(&bed);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"taken", taken},
        {"refused", refused},
        {"a part of them", in_part},
        {"a part of many", in_part_of_many},
        {"checked", checked},
        {"without memory", without_memory},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
