#include "role/rule_stats.h"

#include "base/test.h"
#include "role/rule_states.h"

#include <stdio.h>
#include <string.h>

#define MEMORY ((size_t)32 << 20)

static struct arena *arena;

static enum rc read_text(const char *text, struct rule_stats *ret_stats)
{
    struct err err;
    arena_reset(arena);
    return rule_stats_read(str_of(text), arena, ret_stats, &err);
}

static void what_is_written_reads_back(void)
{
    static const struct rule_stats_rule rule = {
        .id = STR_INIT("a-\"1\""), .hits = 2, .runs = 3, .ns = 640, .last_ns = INT64_MAX};
    static const struct rule_stats_source source = {
        .product = STR_INIT("windows"), .category = STR_INIT("registry_event,registry_add"), .events = 9, .covered = 9};
    struct rule_stats stats;
    struct buf out;
    struct err err;
    buf_init(&out, RULE_STATS_BYTES);
    rule_stats_begin(&out, 12, 10);
    CHECK(rule_stats_add(&out, &rule));
    rule_stats_sources(&out);
    CHECK(rule_stats_source(&out, &source));
    CHECK(rule_stats_source(&out, &(struct rule_stats_source){.events = 1}));
    rule_stats_fields(&out);
    CHECK(rule_stats_field(&out, STR("CommandLine")));
    CHECK(rule_stats_field(&out, STR("\xd0\x96")));
    rule_stats_end(&out);
    arena_reset(arena);
    CHECK_INT(rule_stats_read(buf_view(&out), arena, &stats, &err), RC_OK);
    CHECK_INT(stats.upto, 12);
    CHECK_INT(stats.events, 10);
    CHECK_INT(stats.rule_count, 1);
    CHECK_TEXT(stats.rules[0].id, "a-\"1\"");
    CHECK_INT(stats.rules[0].hits, 2);
    CHECK_INT(stats.rules[0].runs, 3);
    CHECK_INT(stats.rules[0].ns, 640);
    CHECK_INT(stats.rules[0].last_ns, INT64_MAX);
    CHECK_INT(stats.source_count, 2);
    CHECK_TEXT(stats.sources[0].product, "windows");
    CHECK_TEXT(stats.sources[0].category, "registry_event,registry_add");
    CHECK_TEXT(stats.sources[0].service, "");
    CHECK_INT(stats.sources[0].covered, 9);
    CHECK_INT(stats.field_count, 2);
    CHECK_TEXT(stats.fields[1], "\xd0\x96");
    for (size_t cut = 0; cut < out.n; cut++) {
        test_row("cut at %zu", cut);
        CHECK(rule_stats_read(str_slice(buf_view(&out), 0, cut), arena, &stats, &err) != RC_OK);
    }
    buf_done(&out);
}

#define AROUND(rules, sources, fields)                                                                                 \
    "{\"upto\":1,\"events\":1,\"rules\":[" rules "],\"sources\":[" sources "],\"fields\":[" fields "]}"

static void what_is_none_is_refused(void)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"upto\":1,\"events\":1,\"rules\":[],\"sources\":[]}",
        "{\"upto\":1,\"events\":-1,\"rules\":[],\"sources\":[],\"fields\":[]}",
        "{\"upto\":9223372036854775808,\"events\":1,\"rules\":[],\"sources\":[],\"fields\":[]}",
        "{\"upto\":1,\"events\":1,\"rules\":{},\"sources\":[],\"fields\":[]}",
        AROUND("1", "", ""),
        AROUND("{\"id\":\"\",\"hits\":0,\"runs\":1,\"ns\":0,\"last_ns\":0}", "", ""),
        AROUND("{\"id\":7,\"hits\":0,\"runs\":1,\"ns\":0,\"last_ns\":0}", "", ""),
        AROUND("{\"id\":\"a\",\"hits\":2,\"runs\":1,\"ns\":0,\"last_ns\":0}", "", ""),
        AROUND("{\"id\":\"a\",\"hits\":1,\"runs\":1,\"ns\":-1,\"last_ns\":0}", "", ""),
        AROUND("{\"id\":\"a\",\"hits\":1,\"runs\":1,\"ns\":0}", "", ""),
        AROUND("", "{\"product\":\"p\",\"category\":\"\",\"service\":\"\",\"events\":1,\"covered\":2}", ""),
        AROUND("", "{\"product\":\"p\",\"category\":\"\",\"events\":1,\"covered\":0}", ""),
        AROUND("", "{\"product\":null,\"category\":\"\",\"service\":\"\",\"events\":1,\"covered\":0}", ""),
        AROUND("", "", "\"\""),
        AROUND("", "", "1"),
        AROUND("", "", "[\"a\"]"),
        AROUND("", "", "[[[[[1]]]]]"),
    };
    struct rule_stats stats = {.upto = 5};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(read_text(bad[i], &stats) != RC_OK);
        CHECK_INT(stats.upto, 5); /* nothing of it was taken */
    }
    CHECK_INT(read_text(AROUND("", "", ""), &stats), RC_OK);
    CHECK_INT(stats.upto, 1);
}

static void what_sources_sent_reads_back(void)
{
    struct rule_stats_annex row = {.source = {0xab, 1},
                                   .class = ANNEX_NETWORK,
                                   .kind = STR_INIT("link_up"),
                                   .parser = STR_INIT("syslog3164"),
                                   .count = {.records = 5, .failed = 2}};
    struct rule_stats stats;
    struct buf out;
    struct err err;
    row.count.first_ns = 7;
    row.count.last_ns = row.count.failed_ns = INT64_MAX;
    row.count.not_utf8 = row.count.field[ANNEX_HOST] = 5;
    row.count.not_text = row.count.field[ANNEX_DESCRIPTION] = 1;
    buf_init(&out, RULE_STATS_BYTES);
    rule_stats_begin(&out, 12, 10);
    rule_stats_sources(&out);
    rule_stats_fields(&out);
    rule_stats_annexes(&out);
    CHECK(rule_stats_annex(&out, &row));
    rule_stats_end(&out);
    arena_reset(arena);
    CHECK_INT(rule_stats_read(buf_view(&out), arena, &stats, &err), RC_OK);
    CHECK_INT(stats.annex_count, 1);
    CHECK_INT(stats.annex[0].class, ANNEX_NETWORK);
    CHECK_TEXT(stats.annex[0].kind, "link_up");
    CHECK_TEXT(stats.annex[0].parser, "syslog3164");
    CHECK(memcmp(stats.annex[0].source, row.source, sizeof row.source) == 0);
    CHECK(memcmp(&stats.annex[0].count, &row.count, sizeof row.count) == 0);
    for (size_t cut = 0; cut < out.n; cut++) {
        test_row("cut at %zu", cut);
        CHECK(rule_stats_read(str_slice(buf_view(&out), 0, cut), arena, &stats, &err) != RC_OK);
    }
    buf_done(&out);
}

#define SOURCE "\"source\":\"00000000000000000000000000000001\","
#define NAMED  SOURCE "\"class\":\"os\",\"kind\":\"\",\"parser\":\"json\","
#define TIMES  "\"first_ns\":1,\"last_ns\":2,\"failed_ns\":0,"
#define BAD    "\"not_utf8\":0,\"not_text\":0,"
#define FIELDS "\"fields\":[0,1,0,0,0,0,0,0,0,0,1]"

static void what_no_source_sent_is_refused(void)
{
    static const char *const bad[] = {
        NAMED "\"records\":0,\"failed\":0," TIMES BAD FIELDS,
        NAMED "\"records\":1,\"failed\":2," TIMES BAD FIELDS,
        NAMED "\"records\":1," TIMES BAD FIELDS,
        NAMED "\"records\":1,\"failed\":0," TIMES FIELDS,
        NAMED "\"records\":1,\"failed\":0,\"first_ns\":3,\"last_ns\":2,\"failed_ns\":0," BAD FIELDS,
        NAMED "\"records\":1,\"failed\":0," TIMES "\"not_utf8\":2,\"not_text\":0," FIELDS,
        NAMED "\"records\":1,\"failed\":0," TIMES BAD "\"fields\":[0,2,0,0,0,0,0,0,0,0,1]",
        NAMED "\"records\":1,\"failed\":0," TIMES BAD "\"fields\":[0,1]",
        NAMED "\"records\":1,\"failed\":0," TIMES BAD "\"fields\":[0,1,0,0,0,0,0,0,0,0,1,0]",
        NAMED "\"records\":1,\"failed\":0," TIMES BAD "\"fields\":7",
        "\"source\":\"01\",\"class\":\"os\",\"kind\":\"\",\"parser\":\"\",\"records\":1,\"failed\":0," TIMES BAD FIELDS,
        SOURCE "\"class\":\"dos\",\"kind\":\"\",\"parser\":\"\",\"records\":1,\"failed\":0," TIMES BAD FIELDS,
        SOURCE "\"class\":\"os\",\"kind\":\"\",\"records\":1,\"failed\":0," TIMES BAD FIELDS,
        SOURCE
        "\"class\":\"os\",\"kind\":\"\",\"parser\":\"a-name-that-is-longer-than-any\",\"records\":1,\"failed\":0," TIMES
            BAD FIELDS,
    };
    char text[1024];
    struct rule_stats stats;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        snprintf(text, sizeof text,
                 "{\"upto\":1,\"events\":1,\"rules\":[],\"sources\":[],\"fields\":[],\"annex\":[{%s}]}", bad[i]);
        CHECK(read_text(text, &stats) != RC_OK);
    }
    snprintf(text, sizeof text, "{\"upto\":1,\"events\":1,\"rules\":[],\"sources\":[],\"fields\":[],\"annex\":[{%s}]}",
             NAMED "\"records\":1,\"failed\":1," TIMES BAD FIELDS);
    CHECK_INT(read_text(text, &stats), RC_OK);
    CHECK_INT(read_text("{\"upto\":1,\"events\":1,\"rules\":[],\"sources\":[],\"fields\":[],\"annex\":1}", &stats),
              RC_INVALID);
}

/* However many and odd the rows, what was said to be in the message is, and nothing else. */
static void rows_without_room_are_told(void)
{
    static char id[RULE_ID_MAX];
    static char name[RULE_STATS_WORD];
    struct rule_stats stats;
    struct buf out;
    struct err err;
    size_t rules = 0;
    size_t fields = 0;
    memset(id, 1, sizeof id); /* six bytes each */
    memset(name, 1, sizeof name);
    buf_init(&out, RULE_STATS_BYTES);
    rule_stats_begin(&out, UINT32_MAX, UINT32_MAX);
    while (out.n < RULE_STATS_BYTES / 2) {
        CHECK(rule_stats_add(&out, &(struct rule_stats_rule){.id = str_at(id, sizeof id), .runs = rules}));
        rules++;
    }
    rule_stats_sources(&out);
    CHECK(rule_stats_source(&out, &(struct rule_stats_source){.product = str_at(name, sizeof name),
                                                              .category = str_at(name, sizeof name),
                                                              .service = str_at(name, sizeof name)}));
    rule_stats_fields(&out);
    while (rule_stats_field(&out, str_at(name, sizeof name)))
        fields++;
    CHECK(!rule_stats_field(&out, STR("x")));
    rule_stats_end(&out);
    CHECK(!out.overflow && fields > 10);
    arena_reset(arena);
    CHECK_INT(rule_stats_read(buf_view(&out), arena, &stats, &err), RC_OK);
    CHECK_INT(stats.rule_count, rules);
    CHECK_INT(stats.source_count, 1);
    CHECK_INT(stats.field_count, fields);
    buf_done(&out);
}

#define PARSED "\"day\":20000,\"parser\":\"sshd\",\"outcome\":\"pattern\","
#define LASTS  "\"last_ns\":7,\"last_record\":9"

static void how_records_were_parsed_reads_back(void)
{
    static const char *const bad[] = {
        SOURCE PARSED "\"records\":0," LASTS,
        SOURCE PARSED LASTS,
        SOURCE PARSED "\"records\":1,\"last_ns\":7",
        SOURCE PARSED "\"records\":1,\"last_ns\":-7,\"last_record\":9",
        SOURCE PARSED "\"records\":1," LASTS ",\"durable\":2,\"wait_us\":5,\"wait_max_us\":5",
        SOURCE PARSED "\"records\":1," LASTS ",\"durable\":0,\"wait_us\":5,\"wait_max_us\":5",
        SOURCE PARSED "\"records\":1," LASTS ",\"durable\":1,\"wait_us\":5,\"wait_max_us\":6",
        SOURCE PARSED "\"records\":1," LASTS ",\"durable\":1,\"wait_us\":5",
        SOURCE PARSED "\"records\":1," LASTS ",\"durable\":1,\"wait_us\":-5,\"wait_max_us\":-6",
        PARSED "\"records\":1," LASTS,
        SOURCE "\"day\":4294967296,\"parser\":\"sshd\",\"outcome\":\"pattern\",\"records\":1," LASTS,
        SOURCE "\"day\":1,\"parser\":\"\",\"outcome\":\"pattern\",\"records\":1," LASTS,
        SOURCE "\"day\":1,\"parser\":\"sshd\",\"outcome\":\"well\",\"records\":1," LASTS,
        SOURCE "\"day\":1,\"parser\":\"a-name-that-is-much-longer-than-any-family-of-patterns-may-have-here\","
               "\"outcome\":\"pattern\",\"records\":1," LASTS,
    };
    struct rule_stats_parse row = {.source = {0xab, 1}, .day = 20000, .parser = STR_INIT("sshd")};
    struct rule_stats stats;
    char text[1024];
    struct buf out CLEANUP(buf_done) = {0};
    row.outcome = PARSE_HEADER;
    row.count = (struct parse_count){
        .records = 5, .last_ns = INT64_MAX, .last_record = 17, .durable = 4, .wait_us = 900, .wait_max_us = 300};
    buf_init(&out, RULE_STATS_BYTES);
    rule_stats_begin(&out, 12, 10);
    rule_stats_sources(&out);
    rule_stats_fields(&out);
    rule_stats_annexes(&out);
    rule_stats_parses(&out);
    CHECK(rule_stats_parse(&out, &row));
    rule_stats_end(&out);
    CHECK_INT(read_text(buf_z(&out), &stats), RC_OK);
    CHECK_INT(stats.parse_count, 1);
    CHECK_INT(stats.parses[0].day, 20000);
    CHECK_INT(stats.parses[0].outcome, PARSE_HEADER);
    CHECK_TEXT(stats.parses[0].parser, "sshd");
    CHECK(memcmp(stats.parses[0].source, row.source, sizeof row.source) == 0);
    CHECK(stats.parses[0].count.records == 5 && stats.parses[0].count.last_ns == INT64_MAX);
    CHECK_INT(stats.parses[0].count.last_record, 17);
    CHECK(stats.parses[0].count.durable == 4 && stats.parses[0].count.wait_us == 900);
    CHECK_INT(stats.parses[0].count.wait_max_us, 300);
    for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
        const char *row_text = i < ARRAY_LEN(bad) ? bad[i] : SOURCE PARSED "\"records\":1," LASTS;
        test_row("%s", row_text);
        snprintf(text, sizeof text,
                 "{\"upto\":1,\"events\":1,\"rules\":[],\"sources\":[],\"fields\":[],\"parses\":[{%s}]}", row_text);
        CHECK_INT(read_text(text, &stats), i < ARRAY_LEN(bad) ? RC_INVALID : RC_OK);
    }
}

static void losses_read_back(void)
{
    static const struct loss_row row = {.source = {0xab},
                                        .cause = GAP_QUEUE,
                                        .unit = GAP_MESSAGES,
                                        .unknown = true,
                                        .count = INT64_MAX,
                                        .from_ns = 5,
                                        .to_ns = 6,
                                        .first = 7,
                                        .last = 8,
                                        .sender = "192.0.2.1"};
    struct rule_stats stats;
    struct buf out;
    struct err err;
    buf_init(&out, RULE_STATS_BYTES);
    rule_stats_begin(&out, 12, 10);
    rule_stats_sources(&out);
    rule_stats_fields(&out);
    rule_stats_losses(&out);
    CHECK(rule_stats_loss(&out, &row));
    rule_stats_end(&out);
    arena_reset(arena);
    CHECK_INT(rule_stats_read(buf_view(&out), arena, &stats, &err), RC_OK);
    CHECK_INT(stats.loss_count, 1);
    CHECK(memcmp(&stats.losses[0], &row, sizeof row) == 0);
    for (size_t cut = 0; cut < out.n; cut++)
        CHECK(rule_stats_read(str_slice(buf_view(&out), 0, cut), arena, &stats, &err) != RC_OK);
    buf_done(&out);
}

static void what_is_no_loss_is_refused(void)
{
#define LOSS(source, cause, unit, numbers)                                                                             \
    "{\"upto\":1,\"events\":1,\"rules\":[],\"sources\":[],\"fields\":[],\"losses\":[{\"source\":\"" source             \
    "\",\"cause\":\"" cause "\",\"unit\":\"" unit "\"," numbers "}]}"
#define ID   "01010101010101010101010101010101"
#define GOOD "\"count\":1,\"from_ns\":1,\"to_ns\":1,\"first\":1,\"last\":1"
    static const char *const bad[] = {
        LOSS("01", "queue", "records", GOOD),
        LOSS(ID, "gone", "records", GOOD),
        LOSS(ID, "queue", "", GOOD),
        LOSS(ID, "queue", "records", "\"count\":0,\"from_ns\":1,\"to_ns\":1,\"first\":1,\"last\":1"),
        LOSS(ID, "queue", "records", "\"count\":-1,\"from_ns\":1,\"to_ns\":1,\"first\":1,\"last\":1"),
        LOSS(ID, "queue", "records", "\"count\":1,\"from_ns\":2,\"to_ns\":1,\"first\":1,\"last\":1"),
        LOSS(ID, "queue", "records", "\"count\":1,\"from_ns\":1,\"to_ns\":1,\"first\":2,\"last\":1"),
        LOSS(ID, "queue", "records", "\"count\":1,\"from_ns\":1,\"to_ns\":1,\"first\":2"),
        "{\"upto\":1,\"events\":1,\"rules\":[],\"sources\":[],\"fields\":[],\"losses\":{}}",
        "{\"upto\":1,\"events\":1,\"rules\":[],\"sources\":[],\"fields\":[],\"losses\":[1]}",
    };
    struct rule_stats stats = {.upto = 5};
    CHECK_INT(read_text(LOSS(ID, "queue", "records", GOOD), &stats), RC_OK);
    stats.upto = 5;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(read_text(bad[i], &stats) != RC_OK);
        CHECK_INT(stats.upto, 5);
    }
}

static const struct test tests[] = {
    {"how records were parsed reads back", how_records_were_parsed_reads_back},
    {"what is written reads back", what_is_written_reads_back},
    {"what is none is refused", what_is_none_is_refused},
    {"what sources sent reads back", what_sources_sent_reads_back},
    {"what no source sent is refused", what_no_source_sent_is_refused},
    {"rows without room are told", rows_without_room_are_told},
    {"losses read back", losses_read_back},
    {"what is no loss is refused", what_is_no_loss_is_refused},
};

int main(int argc, char **argv)
{
    arena = arena_new(MEMORY);
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
