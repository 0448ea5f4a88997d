#include "role/engine_rules.h"

#include "base/test.h"
#include "role/rule_states.h"
#include "role/rule_stats.h"

#include <stdio.h>

#define MEMORY ((size_t)64 << 20)

static const char text[] =
    "title: A\nid: rule-a\nname: shared\nlevel: high\nlogsource: {product: linux, service: sshd}\n"
    "detection: {s: {user: root}, condition: s}\n"
    "---\n"
    "title: B\nid: rule-b\nlevel: low\nlogsource: {product: linux}\n"
    "detection: {s: {user: root}, condition: s}\n"
    "---\n"
    "title: C\nid: rule-c\nname: fed\nlevel: low\nlogsource: {product: linux}\n"
    "detection: {s: {host|re: '^(?:one|two)'}, condition: s}\n"
    "---\n"
    "title: D\nid: rule-d\nlevel: high\n"
    "correlation: {type: event_count, rules: [fed], timespan: 1m, group-by: [user], "
    "condition: {gte: 2}}\n"
    "---\n"
    "title: E\nlevel: high\nlogsource: {product: linux}\n"
    "detection: {s: {user: root}, condition: s}\n"
    "---\n"
    "title: G\nid: rule-g\nlevel: high\nlogsource: {product: linux}\n"
    "detection: {s: {user: [held, other]}, condition: s}\n"
    "---\n"
    "title: F\nid: rule-f\nlogsource: {product: linux}\n"
    "filter: {rules: [rule-g], s: {user: held}, condition: not s}\n";

/* An engine's rules, and what it says. */
static struct {
    struct rules *rules;
    struct names *names;
    struct rule_set *set;
    struct matcher *matcher;
    struct engine_rules *self;
    struct arena *arena;
    struct buf out;
    struct rule_stats stats;
} engine;

static void begin(void)
{
    struct err err;
    engine.rules = rules_new(MEMORY);
    engine.names = names_new(1);
    engine.arena = arena_new(MEMORY);
    buf_init(&engine.out, RULE_STATS_BYTES);
    CHECK_INT(rules_add(engine.rules, STR("rules.yml"), str_of(text), &err), RC_OK);
    CHECK_INT(rules_finish(engine.rules, &err), RC_OK);
    CHECK_INT(rules_count(engine.rules), 7);
    CHECK_INT(rule_set_compile(engine.rules, engine.names, &engine.set, &err), RC_OK);
    engine.matcher = matcher_new(engine.set);
    engine.self = engine_rules_new(engine.rules, engine.matcher, engine.names);
    CHECK(engine.matcher && engine.self);
}

static void end(void)
{
    engine_rules_free(engine.self);
    matcher_free(engine.matcher);
    rule_set_free(engine.set);
    names_free(engine.names);
    rules_free(engine.rules);
    arena_free(engine.arena);
    buf_done(&engine.out);
}

static enum rc tell(const char *states)
{
    struct err err;
    arena_reset(engine.arena);
    return engine_rules_take(engine.self, str_of(states), engine.arena, &err);
}

/* Letters of the rules that an event of the user on host "one" matches. */
static const char *show_event(uint64_t record, uint32_t service, const char *user)
{
    static char letters[8];
    struct event_field fields[] = {
        {names_put(engine.names, STR("user")), EVENT_STRING, str_of(user)},
        {names_put(engine.names, STR("host")), EVENT_STRING, STR("one")},
    };
    struct event event = {.fields = fields,
                          .field_count = ARRAY_LEN(fields),
                          .record = record,
                          .record_count = 1,
                          .records = {record},
                          .time_ns = (int64_t)record * 10,
                          .parser = "json"};
    struct rule_match matches[8];
    size_t count = 0;
    event.logsource.product = names_put(engine.names, STR("linux"));
    event.logsource.service = service;
    event.logsource.category[0] = names_put(engine.names, STR("c1"));
    event.logsource.category[1] = names_put(engine.names, STR("c2"));
    CHECK_INT(matcher_event(engine.matcher, &event, matches, ARRAY_LEN(matches), &count), RC_OK);
    for (size_t i = 0; i < count; i++)
        letters[i] = matches[i].rule->title.p[0];
    letters[count] = '\0';
    return letters;
}

static const char *show(uint64_t record, uint32_t service)
{
    return show_event(record, service, "root");
}

static void show_user(uint64_t number, const char *user)
{
    engine_rules_record(engine.self, number);
    IGNORE(*show_event(number, names_put(engine.names, STR("sshd")), user));
}

static const char *record(uint64_t number)
{
    engine_rules_record(engine.self, number);
    return show(number, names_put(engine.names, STR("sshd")));
}

static bool write_and_read(void)
{
    struct err err;
    bool any = engine_rules_write(engine.self, &engine.out);
    arena_reset(engine.arena);
    if (any)
        CHECK_INT(rule_stats_read(buf_view(&engine.out), engine.arena, &engine.stats, &err), RC_OK);
    return any;
}

static const struct rule_stats_rule *of(const char *id)
{
    static const struct rule_stats_rule none;
    for (size_t i = 0; i < engine.stats.rule_count; i++)
        if (str_is(engine.stats.rules[i].id, id))
            return &engine.stats.rules[i];
    return &none;
}

static const struct rule *titled(const char *title)
{
    size_t i = 0;
    while (!str_is(rules_at(engine.rules, i)->title, title))
        i++;
    return rules_at(engine.rules, i);
}

static bool wants(const char *id)
{
    return engine_rules_wants(engine.self, rules_find(engine.rules, str_of(id)));
}

static void states_decide(void)
{
    static const struct {
        const char *states;
        const char *matches;
        bool a, b, c; /* what the desk wants: high, low, and low but fed to a correlation */
    } rows[] = {
        {"[]", "ABCE", true, false, true},
        {"[[\"rule-a\",\"off\",\"\"]]", "BCE", false, false, true},
        {"[[\"rule-a\",\"draft\",\"\"],[\"rule-c\",\"off\",\"\"]]", "BE", false, false, false},
        {"[[\"rule-a\",\"test\",\"\"],[\"rule-c\",\"test\",\"\"]]", "ABCE", false, false, false},
        {"[[\"rule-b\",\"active\",\"medium\"],[\"rule-a\",\"active\",\"low\"]]", "ABCE", false, true, true},
        {"[[\"rule-b\",\"test\",\"critical\"]]", "ABCE", true, false, true},
        {"[[\"rule-a\",\"off\",\"\"],[\"rule-a\",\"active\",\"\"]]", "ABCE", true, false, true},
        {"[[\"rule-x\",\"off\",\"\"],[\"shared\",\"off\",\"\"],[\"rule-d\",\"off\",\"\"]]", "ABCE", true, false, true},
        {"[]", "ABCE", true, false, true}, /* what was told before is replaced */
    };
    char body[256];
    begin();
    CHECK(!engine_rules_known(engine.self));
    CHECK_TEXT(str_of(record(1)), "ABCE"); /* nothing was told: as the rules were written */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(body, sizeof body, "{\"counted\":0,\"rules\":%s}", rows[i].states);
        test_row("%s", body);
        CHECK_INT(tell(body), RC_OK);
        CHECK(engine_rules_known(engine.self));
        CHECK_TEXT(str_of(record(2 + i)), rows[i].matches);
        CHECK_INT(wants("rule-a"), rows[i].a);
        CHECK_INT(wants("rule-b"), rows[i].b);
        CHECK_INT(wants("rule-c"), rows[i].c);
    }
    test_row("what cannot be read changes nothing");
    CHECK_INT(tell("{\"counted\":0,\"rules\":[[\"rule-a\",\"off\",\"\"]]}"), RC_OK);
    CHECK_INT(tell("{\"counted\":0,\"rules\":[[\"rule-b\",\"off\",\"\"],[\"rule-c\",\"of\",\"\"]]}"), RC_INVALID);
    CHECK_TEXT(str_of(record(99)), "BCE");
    end();
}

static void counters_are_told_once(void)
{
    begin();
    record(0);
    CHECK(!write_and_read()); /* nothing is counted that may have been before */
    CHECK_INT(tell("{\"counted\":0,\"rules\":[[\"rule-b\",\"off\",\"\"]]}"), RC_OK);
    record(1);
    record(2);
    show(2, 0); /* of another log source */
    CHECK(write_and_read());
    CHECK_INT(engine.stats.upto, 3);
    CHECK_INT(engine.stats.events, 3);
    CHECK_INT(engine.stats.rule_count, 3); /* E goes by the id that it was given; D does not run here */
    CHECK_INT(of(arena_strz(engine.arena, titled("E")->id))->hits, 3);
    CHECK_INT(of("rule-a")->hits, 3);
    CHECK_INT(of("rule-a")->runs, 3);
    CHECK_INT(of("rule-a")->last_ns, 20);
    CHECK_INT(of("rule-b")->runs, 0);
    CHECK_INT(of("rule-c")->hits, 3);
    CHECK_INT(engine.stats.source_count, 2);
    CHECK_TEXT(engine.stats.sources[0].product, "linux");
    CHECK_TEXT(engine.stats.sources[0].category, "c1,c2");
    CHECK_TEXT(engine.stats.sources[0].service, "sshd");
    CHECK_INT(engine.stats.sources[0].events, 2);
    CHECK_INT(engine.stats.sources[0].covered, 2);
    CHECK_TEXT(engine.stats.sources[1].service, "");
    CHECK_INT(engine.stats.sources[1].events, 1);
    CHECK_INT(engine.stats.field_count, 2);
    CHECK(write_and_read()); /* it could not be sent: the same again, and more */
    CHECK_INT(engine.stats.events, 3);
    engine_rules_sent(engine.self);
    CHECK(!write_and_read());
    record(3);
    CHECK(write_and_read());
    CHECK_INT(engine.stats.events, 1);
    CHECK_INT(of("rule-a")->hits, 1);
    CHECK_INT(engine.stats.source_count, 1);
    CHECK_INT(engine.stats.field_count, 0);
    engine_rules_sent(engine.self);
    engine_rules_desk_up(engine.self);
    CHECK(write_and_read());
    CHECK_INT(engine.stats.events, 0);
    CHECK_INT(engine.stats.field_count, 2);
    engine_rules_sent(engine.self);
    CHECK(!write_and_read());
    CHECK_INT(tell("{\"counted\":0,\"rules\":[]}"), RC_OK); /* a desk that lost what it was told */
    CHECK(write_and_read());
    CHECK_INT(engine.stats.field_count, 2);
    end();
}

/* A source of which only a rule that is off asks is not covered. */
static void what_is_off_covers_nothing(void)
{
    begin();
    CHECK_INT(tell("{\"counted\":0,\"rules\":[[\"rule-b\",\"off\",\"\"],[\"rule-c\",\"draft\",\"\"]]}"), RC_OK);
    record(1);
    CHECK(write_and_read());
    CHECK_INT(engine.stats.sources[0].covered, 1); /* E names the product */
    end();
}

/* As hits of the filter; a rule that is off has nothing to hold back. */
static void what_filters_hold_back_is_told(void)
{
    begin();
    CHECK_INT(tell("{\"counted\":0,\"rules\":[]}"), RC_OK);
    CHECK_TEXT(str_of(record(1)), "ABCE");
    show_user(2, "held");
    show_user(3, "root");
    CHECK(write_and_read());
    CHECK_INT(of("rule-f")->hits, 1);
    CHECK_INT(of("rule-f")->runs, 1);
    CHECK_INT(of("rule-f")->last_ns, 20);
    CHECK_INT(of("rule-g")->hits, 0);
    CHECK_INT(of("rule-g")->runs, 1);
    engine_rules_sent(engine.self);
    CHECK_INT(tell("{\"counted\":0,\"rules\":[[\"rule-g\",\"off\",\"\"]]}"), RC_OK);
    show_user(4, "held");
    CHECK(write_and_read());
    CHECK_INT(of("rule-f")->hits, 0);
    end();
}

/* What lists would give to an event counts as seen while they are quiet. */
static void given_fields_are_seen(void)
{
    static const char *const given[] = {"indicator.type", "indicator.value"};
    begin();
    engine_rules_given(engine.self, given, ARRAY_LEN(given));
    CHECK_INT(tell("{\"counted\":0,\"rules\":[]}"), RC_OK);
    CHECK(write_and_read()); /* before the first event */
    if (CHECK_INT(engine.stats.field_count, 2))
        CHECK_TEXT(engine.stats.fields[1], "indicator.value");
    engine_rules_sent(engine.self);
    CHECK(!write_and_read());
    record(1);
    CHECK(write_and_read());
    if (CHECK_INT(engine.stats.field_count, 2))
        CHECK_TEXT(engine.stats.fields[0], "user");
    engine_rules_sent(engine.self);
    engine_rules_desk_up(engine.self);
    CHECK(write_and_read());
    CHECK_INT(engine.stats.field_count, 4);
    end();
}

static void nothing_counts_twice(void)
{
    begin();
    CHECK_INT(tell("{\"counted\":10,\"rules\":[]}"), RC_OK);
    for (uint64_t i = 7; i < 12; i++)
        CHECK_TEXT(str_of(record(i)), "ABCE"); /* judged they are */
    CHECK(write_and_read());
    CHECK_INT(engine.stats.events, 2);
    CHECK_INT(engine.stats.upto, 12);
    CHECK_INT(of("rule-a")->runs, 2);
    engine_rules_sent(engine.self);
    engine_rules_resumed(engine.self); /* from record 5 */
    for (uint64_t i = 5; i < 13; i++)
        record(i);
    CHECK(write_and_read());
    CHECK_INT(engine.stats.events, 1);
    CHECK_INT(engine.stats.upto, 13);
    engine_rules_sent(engine.self);
    CHECK_INT(tell("{\"counted\":40,\"rules\":[]}"), RC_OK); /* later ones say nothing new of this engine */
    record(13);
    struct event event = {.record = 3, .record_count = 2, .records = {3, 9}};
    engine_rules_late(engine.self, &event);
    show(3, 0);
    event.records[1] = 13;
    engine_rules_late(engine.self, &event);
    show(3, 0);
    CHECK(write_and_read());
    CHECK_INT(engine.stats.events, 2);
    CHECK_INT(engine.stats.upto, 14);
    end();
}

static struct parse_counts *parses;

static void sent(struct annex_counts *counts, uint64_t number, uint8_t source)
{
    struct event event = {.parser = "json", .record = number};
    struct event_source from = {.id = {source}, .kind = STR_INIT("tcp"), .name = STR_INIT("x")};
    engine_rules_record(engine.self, number);
    if (!engine_rules_counting(engine.self))
        return;
    annex_counts_record(counts, &(struct annex_record){&from, &event, STR("x"), (int64_t)number});
    parse_counts_record(parses, &(struct parse_record){.source = from.id,
                                                       .raw = STR("x"),
                                                       .number = number,
                                                       .received_ns = (int64_t)number,
                                                       .grasp = GRASP_FIELDS,
                                                       .parser = "json"});
}

/* Records that were counted before are not counted again, and what is under way is not told again. */
static void what_sources_send_is_told_once(void)
{
    static struct annex_tables tables;
    char folder[1024];
    struct err err;
    const char *root = test_source_dir();
    struct arena *arena = arena_new((size_t)8 << 20);
    snprintf(folder, sizeof folder, "%s/data", root ? root : ".");
    CHECK_INT(annex_tables_load(folder, arena, &tables, &err), RC_OK);
    struct annex_counts *counts = annex_counts_new(&tables, 1000, 7);
    begin();
    static const struct mapping no_families = {.family_count = 0};
    parses = parse_counts_new(&no_families, 1000, 7);
    engine_rules_annex(engine.self, counts);
    engine_rules_parses(engine.self, parses);
    sent(counts, 1, 1); /* before the desk told: not known whether it was counted */
    CHECK_INT(annex_counts_size(counts), 0);
    CHECK_INT(tell("{\"counted\":10,\"rules\":[]}"), RC_OK);
    for (uint64_t i = 7; i < 12; i++)
        sent(counts, i, (uint8_t)(i % 2));
    CHECK(write_and_read());
    CHECK_INT(engine.stats.upto, 12);
    CHECK_INT(engine.stats.annex_count, 2);
    CHECK_INT(engine.stats.annex[0].count.records + engine.stats.annex[1].count.records, 2);
    CHECK_INT(engine.stats.parse_count, 2);
    CHECK_INT(engine.stats.parses[0].count.records + engine.stats.parses[1].count.records, 2);
    sent(counts, 12, 0); /* not under way yet: told with the next */
    CHECK(write_and_read());
    engine_rules_sent(engine.self);
    CHECK(!write_and_read());
    sent(counts, 13, 9);
    CHECK(write_and_read());
    CHECK_INT(engine.stats.annex_count, 1);
    CHECK_INT(engine.stats.annex[0].source[0], 9);
    CHECK_INT(engine.stats.parse_count, 1);
    CHECK_INT(engine.stats.parses[0].source[0], 9);
    CHECK_INT(engine.stats.parses[0].count.last_record, 13);
    end();
    annex_counts_free(counts);
    parse_counts_free(parses);
    arena_free(arena);
}

static const struct test tests[] = {
    {"states decide", states_decide},
    {"counters are told once", counters_are_told_once},
    {"what is off covers nothing", what_is_off_covers_nothing},
    {"what filters hold back is told", what_filters_hold_back_is_told},
    {"fields that lists give are seen", given_fields_are_seen},
    {"nothing counts twice", nothing_counts_twice},
    {"what sources send is told once", what_sources_send_is_told_once},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
