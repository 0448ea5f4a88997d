/* Planned changes of event logging: what may be announced, the term of the acts, what an announcement keeps from being
 * an incident, and changes that nobody announced. Time is simulated. */
#include "desk/announce.h"

#include "desk/desk_testing.h"
#include "desk/loss.h"
#include "desk/parse_rate.h"

#define SOURCE "01010101010101010101010101010101"
#define OTHER  "02020202020202020202020202020202"

static struct stand stand;

static void source_seen(uint8_t digit)
{
    struct desk_annex_count row = {.class = ANNEX_OS, .kind = STR_INIT("sign_in"), .parser = STR_INIT("syslog3164")};
    struct desk_source source = {.kind = STR("udp"),
                                 .name = STR("192.0.2.7"),
                                 .host = digit == 1 ? STR("gw") : STR("gw2"),
                                 .last_ns = stand.now,
                                 .records = 1};
    static uint64_t upto = 10;
    struct err err;
    memset(row.source, digit, sizeof row.source);
    memset(source.id, digit, sizeof source.id);
    row.count = (struct annex_count){.records = 1, .first_ns = stand.now, .last_ns = stand.now};
    const struct desk_rule_counts counts = {.engine = 1, .upto = upto++, .annex = &row, .annex_count = 1};
    CHECK_INT(desk_source_stats(stand.desk, &source, 1, stand.now, &err), RC_OK);
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

static void open_it(void)
{
    struct err err;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    source_seen(1);
    source_seen(2);
}

static bool announce(const char *source, int64_t from_ns, int64_t to_ns)
{
    return stand_ask(&stand, stand_format(&stand,
                                          "{'ask':'announce.save','who':'admin','source':'%s','from_ns':%lld,"
                                          "'to_ns':%lld,'what':'auditd instead of rsyslog','before':'a','after':'b'}",
                                          source, (long long)from_ns, (long long)to_ns));
}

static const struct json_value *list(const char *member)
{
    CHECK(stand_ask(&stand, "{'ask':'announce.list','who':'admin'}"));
    return json_get(stand.json, member);
}

static void what_may_not_be(void)
{
    static const struct {
        const char *members, *field;
    } rows[] = {
        {"'source':'01','from_ns':5,'to_ns':9,'what':'more'", "source"},
        {"'source':'09090909090909090909090909090909','from_ns':5,'to_ns':9,'what':'more'", "source"},
        {"'source':'" SOURCE "','from_ns':0,'to_ns':9,'what':'more'", "from_ns"},
        {"'source':'" SOURCE "','from_ns':-5,'to_ns':9,'what':'more'", "from_ns"},
        {"'source':'" SOURCE "','from_ns':9223372036854775807,'to_ns':9,'what':'more'", "from_ns"},
        {"'source':'" SOURCE "','from_ns':9,'to_ns':9,'what':'more'", "to_ns"},
        {"'source':'" SOURCE "','from_ns':9,'to_ns':31622400000000010,'what':'more'", "to_ns"},
        {"'source':'" SOURCE "','from_ns':5,'to_ns':9,'what':' x '", "what"},
        {"'source':'" SOURCE "','from_ns':5,'to_ns':9", "what"},
    };
    open_it();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'announce.save','who':'admin',%s}", rows[i].members)));
        CHECK_TEXT(stand_error(&stand), "invalid");
        CHECK_TEXT(stand_text(stand.json, "field"), rows[i].field);
    }
    CHECK(!stand_ask(&stand, "{'ask':'announce.end','who':'admin','id':1,'reason':'because'}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK(!stand_ask(&stand, "{'ask':'announce.save','who':'nobody'}"));
    CHECK_INT(list("announcements")->count, 0);
    stand_close(&stand);
}

/* Five working days before: 2026-11-20 is a Friday. */
static void the_term_of_the_acts(void)
{
    struct json_value *record = NULL;
    open_it();
    CHECK(announce(SOURCE, stand.now + 14 * H(24), stand.now + 15 * H(24)));
    CHECK(json_bool(json_get(stand.json, "in_time"), false));
    int64_t due_ns = stand_number(stand.json, "due_ns");
    CHECK(due_ns > stand.now && due_ns <= stand.now + 9 * H(24));
    CHECK_INT(stand_records(&stand, "logging.announced", &record), 1);
    CHECK_TEXT(stand_text(record, "what"), "auditd instead of rsyslog");
    CHECK_TEXT(stand_text(record, "before"), "a");
    CHECK_TEXT(stand_text(record, "name"), "192.0.2.7");
    CHECK_INT(stand_number(record, "due_ns"), due_ns);
    CHECK(announce(SOURCE, stand.now + 2 * H(24), stand.now + 3 * H(24)));
    CHECK(!json_bool(json_get(stand.json, "in_time"), true));
    const struct json_value *late = json_first(list("announcements"));
    CHECK(!json_bool(json_get(late, "in_time"), true) && json_bool(json_get(late->next, "in_time"), false));
    CHECK_TEXT(stand_text(late, "state"), "planned");
    static const char *const languages[] = {"kk", "ru", "en"};
    for (size_t i = 0; i < ARRAY_LEN(languages); i++)
        CHECK(stand_text(json_get(late, "explanation"), languages[i]).n > 40);
    stand.now += 2 * H(24) + H(1);
    CHECK_TEXT(stand_text(json_first(list("announcements")), "state"), "now");
    CHECK(stand_ask(&stand, "{'ask':'announce.end','who':'admin','id':2,'reason':'put off'}"));
    CHECK(!stand_ask(&stand, "{'ask':'announce.end','who':'admin','id':2,'reason':'put off'}"));
    CHECK_TEXT(stand_text(json_first(list("announcements")), "state"), "withdrawn");
    CHECK_INT(stand_records(&stand, "logging.withdrawn", &record), 1);
    CHECK_TEXT(stand_text(record, "detail"), "put off");
    stand_close(&stand);
}

static int64_t incidents(const char *rule)
{
    static uint64_t number = 1000;
    struct desk_record record;
    struct err err;
    int64_t found = 0;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK)
        CHECK_INT(desk_record_kept(stand.desk, record.local_id, number++, &err), RC_OK);
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','state':'all','limit':200}"));
    for (const struct json_value *v = json_first(json_get(stand.json, "incidents")); v; v = v->next)
        found += str_is(stand_text(v, "rule_id"), rule);
    return found;
}

static void trouble(uint8_t digit, enum own_trouble which, int64_t now_ns)
{
    struct err err;
    uint8_t id[16];
    memset(id, digit, sizeof id);
    CHECK_INT(desk_begin(stand.desk, &err), RC_OK);
    source_trouble(stand.desk, &(struct source_trouble){id, which, "source.low", STR("far less"), now_ns});
    CHECK_INT(desk_end(stand.desk, true, &err), RC_OK);
}

static void what_is_announced_is_no_incident(void)
{
    struct json_value *record = NULL;
    struct desk_loss loss = {.cause = GAP_CUT, .unit = GAP_RECORDS, .count = 1, .first = 5, .last = 5};
    open_it();
    CHECK(announce(SOURCE, stand.now, stand.now + H(10)));
    trouble(1, SOURCE_LOW, stand.now + H(1));
    trouble(2, SOURCE_LOW, stand.now + H(1));
    CHECK_INT(stand_records(&stand, "source.low", &record), 2);
    CHECK_INT(incidents("qorgan-source-low"), 1); /* of the other */
    trouble(1, SOURCE_BURST, stand.now + H(12));  /* past it */
    CHECK_INT(incidents("qorgan-source-burst"), 1);
    trouble(1, SOURCE_TIME, stand.now + H(2)); /* clocks are not what is announced */
    CHECK_INT(incidents("qorgan-source-time"), 1);
    for (int i = 0; i < 2; i++) {
        const struct desk_rule_counts counts = {
            .engine = 2, .upto = 20 + (uint64_t)i, .losses = &loss, .loss_count = 1};
        struct err err;
        memset(loss.source, 1 + i, sizeof loss.source);
        loss.from_ns = loss.to_ns = stand.now + H(3);
        CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
    }
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin','source':'" SOURCE "'}"));
    CHECK_INT(stand_number(json_first(json_get(stand.json, "losses")), "announcement"), 1);
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin','source':'" OTHER "'}"));
    CHECK_INT(stand_number(json_first(json_get(stand.json, "losses")), "announcement"), 0);
    CHECK(stand_ask(&stand, "{'ask':'announce.end','who':'admin','id':1,'reason':'put off'}"));
    loss.from_ns = loss.to_ns = stand.now + H(4);
    memset(loss.source, 1, sizeof loss.source);
    const struct desk_rule_counts counts = {.engine = 2, .upto = 40, .losses = &loss, .loss_count = 1};
    struct err err;
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin','source':'" SOURCE "'}"));
    CHECK_INT(stand_number(json_first(json_get(stand.json, "losses")), "announcement"), 0);
    stand_close(&stand);
}

static void watch(int64_t span_ns)
{
    struct err err;
    for (int64_t end = stand.now + span_ns; stand.now < end;) {
        stand.now += M(10);
        CHECK_INT(desk_watch_losses(stand.desk, stand.now, stand.now, &err), RC_OK);
    }
}

static void parsed(uint8_t digit, int64_t day, uint64_t parsed_count, uint64_t other)
{
    static uint64_t upto = 100;
    struct err err;
    struct desk_parse_count rows[2] = {
        {.day = (uint32_t)day, .parser = STR_INIT("syslog3164"), .outcome = PARSE_PATTERN},
        {.day = (uint32_t)day, .parser = STR_INIT("syslog3164"), .outcome = PARSE_OUTCOME_COUNT - 1}};
    for (size_t i = 0; i < 2; i++) {
        memset(rows[i].source, digit, sizeof rows[i].source);
        rows[i].count = (struct parse_count){.records = i ? other : parsed_count, .last_ns = stand.now};
    }
    CHECK(!parse_outcome_is_parsed(rows[1].outcome));
    const struct desk_rule_counts counts = {.engine = 3, .upto = upto++, .parses = rows, .parse_count = 2};
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

static void a_format_that_changes(void)
{
    struct json_value *record = NULL;
    open_it();
    stand.now += H(24) - stand.now % H(24);
    int64_t today = stand.now / H(24);
    for (int64_t day = today - 6; day < today; day++) {
        parsed(1, day, 95, 5);
        parsed(2, day, 95, 5);
    }
    CHECK(announce(OTHER, stand.now + H(3), stand.now + H(4)));
    parsed(1, today, 60, 40);
    parsed(2, today, 60, 40);
    watch(H(24));
    CHECK_INT(list("changes")->count, 0); /* engines may still tell of that day */
    watch(H(2));
    CHECK_INT(list("changes")->count, 2);
    CHECK_INT(stand_records(&stand, "logging.changed", &record), 2);
    for (const struct json_value *c = json_first(list("changes")); c; c = c->next) {
        CHECK_TEXT(stand_text(c, "change"), "format");
        CHECK_INT(stand_number(c, "was_permille"), 950);
        CHECK_INT(stand_number(c, "now_permille"), 600);
        CHECK_INT(stand_number(c, "announcement"), str_is(stand_text(c, "source"), OTHER) ? 1 : 0);
        CHECK_INT(stand_number(c, "from_ns"), today * H(24));
    }
    parsed(1, today + 1, 60, 40);
    watch(H(48));
    CHECK_INT(list("changes")->count, 2); /* once */
    stand_close(&stand);
}

static void what_is_no_change_of_format(void)
{
    open_it();
    stand.now += H(24) - stand.now % H(24);
    int64_t today = stand.now / H(24);
    parsed(1, today - 1, 95, 5);
    parsed(1, today, 76, 24); /* not by as much */
    parsed(2, today - 1, 95, 5);
    parsed(2, today, 20, 70); /* too few to say */
    watch(H(26));
    CHECK_INT(list("changes")->count, 0);
    stand_close(&stand);
}

static void a_rhythm_that_stays_other(void)
{
    open_it();
    trouble(1, SOURCE_LOW, stand.now);
    for (int i = 0; i < 23; i++) {
        watch(H(1));
        trouble(1, SOURCE_LOW, stand.now);
    }
    CHECK_INT(list("changes")->count, 0);
    watch(H(2));
    trouble(1, SOURCE_LOW, stand.now);
    watch(H(2));
    CHECK_INT(list("changes")->count, 1);
    CHECK_TEXT(stand_text(json_first(list("changes")), "change"), "rhythm");
    CHECK_INT(stand_number(json_first(list("changes")), "announcement"), 0);
    watch(H(20));
    CHECK_INT(list("changes")->count, 1);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what may not be announced", what_may_not_be},
        {"the term of the acts, and withdrawal", the_term_of_the_acts},
        {"what is announced is no incident", what_is_announced_is_no_incident},
        {"a format that changes, announced and not", a_format_that_changes},
        {"what is no change of format", what_is_no_change_of_format},
        {"a rhythm that stays other", a_rhythm_that_stays_other},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
