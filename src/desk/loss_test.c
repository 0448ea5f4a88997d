/* The ledger of losses: what engines count is in it once, folded; silences end; a person explains one and what comes
 * later is another. Clocks and rhythms of sources: alarms begin once, end with their cause, and get over a restart.
 * Time is simulated. */
#include "desk/loss.h"

#include "desk/desk_testing.h"
#include "desk/rhythm_desk.h"

#include <string.h>
#include <unistd.h>

#define SOURCE "01010101010101010101010101010101"

static struct stand stand;
static int64_t unread_ns; /* how far engines are behind */
static int64_t told_ns;   /* of how long they tell the records at once */

static void open_it(void)
{
    struct err err;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
}

static struct desk_loss loss_of(enum gap_cause cause, uint64_t count, int64_t at_ns, uint64_t record)
{
    struct desk_loss loss = {.cause = cause,
                             .unit = GAP_RECORDS,
                             .count = count,
                             .unknown = count == 0,
                             .from_ns = at_ns,
                             .to_ns = at_ns,
                             .first = record,
                             .last = record};
    memset(loss.source, 1, sizeof loss.source);
    return loss;
}

static void count(uint64_t upto, const struct desk_loss *losses, size_t n)
{
    const struct desk_rule_counts counts = {.engine = 1, .upto = upto, .losses = losses, .loss_count = n};
    struct err err;
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

static int64_t total(const char *name)
{
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin'}"));
    return json_int(json_get(json_get(stand.json, "totals"), name), -1);
}

static const struct json_value *row(size_t i)
{
    const struct json_value *value = json_first(json_get(stand.json, "losses"));
    while (value && i--)
        value = value->next;
    return value;
}

static void watch(int64_t span_ns, int64_t step_ns)
{
    struct err err;
    for (int64_t end = stand.now + span_ns; stand.now < end;) {
        stand.now += step_ns;
        CHECK_INT(desk_watch_losses(stand.desk, stand.now, stand.now - unread_ns, &err), RC_OK);
    }
}

/* Every record that waits is kept, as the archive would; how many there were of an event. */
static int64_t kept(const char *event)
{
    static uint64_t number = 1000;
    struct desk_record record;
    struct err err;
    int64_t found = 0;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK) {
        char want[64];
        snprintf(want, sizeof want, "{\"event\":\"%s\",", event);
        found += str_starts(record.body, str_of(want));
        CHECK_INT(desk_record_kept(stand.desk, record.local_id, number++, &err), RC_OK);
    }
    return found;
}

static int64_t incidents(const char *rule)
{
    int64_t found = 0;
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','state':'all','limit':200}"));
    for (const struct json_value *v = json_first(json_get(stand.json, "incidents")); v; v = v->next)
        found += str_is(json_str(json_get(v, "rule_id"), STR("")), rule);
    return found;
}

static void once_and_folded(void)
{
    struct desk_loss losses[] = {loss_of(GAP_QUEUE, 5, T0, 10), loss_of(GAP_QUEUE, 2, T0 + S(1), 11),
                                 loss_of(GAP_CUT, 1, T0, 12), loss_of(GAP_QUEUE, 1, T0 + M(2), 13)};
    open_it();
    count(20, losses, 3);
    count(10, losses, 3); /* below what is counted: it came again */
    CHECK_INT(total("listed"), 2);
    CHECK_INT(total("records"), 8);
    count(30, losses + 3, 1);
    CHECK_INT(total("listed"), 3);
    CHECK_INT(total("records"), 9);
    CHECK_INT(total("open"), 3);
    CHECK_TEXT(json_str(json_get(row(0), "cause"), STR("")), "queue");
    CHECK_INT(json_int(json_get(row(0), "first"), 0), 13);
    CHECK_TEXT(json_str(json_get(row(0), "source"), STR("")), SOURCE);
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin','cause':'cut'}"));
    CHECK_INT(json_int(json_get(json_get(stand.json, "totals"), "listed"), -1), 1);
    CHECK(!stand_ask(&stand, "{'ask':'loss.list','who':'admin','cause':'gone'}"));
    CHECK(!stand_ask(&stand, "{'ask':'loss.list','who':'admin','source':'01'}"));
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin','source':'" SOURCE "','object':1,'state':'open'}"));
    CHECK_INT(json_int(json_get(json_get(stand.json, "totals"), "listed"), -1), 3);
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin','source':'02020202020202020202020202020202'}"));
    CHECK_INT(json_int(json_get(json_get(stand.json, "totals"), "listed"), -1), 0);
    CHECK(stand_ask(&stand,
                    stand_format(&stand, "{'ask':'loss.list','who':'admin','from_ns':%lld}", (long long)(T0 + M(1)))));
    CHECK_INT(json_int(json_get(json_get(stand.json, "totals"), "listed"), -1), 1);
    stand_close(&stand);
}

/* Two that one receiver refused in a minute are two rows, and each grows by itself. */
static void refused_by_sender(void)
{
    struct desk_loss losses[3];
    for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
        losses[i] = loss_of(GAP_STRANGER, 2, T0 + S(1), 10 + i);
        losses[i].unit = GAP_REQUESTS;
        memcpy(losses[i].sender, i == 1 ? "192.0.2.2" : "192.0.2.1", sizeof "192.0.2.1");
    }
    open_it();
    count(20, losses, 3);
    CHECK_INT(total("listed"), 2);
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin','cause':'stranger'}"));
    CHECK_TEXT(json_str(json_get(row(0), "unit"), STR("")), "requests");
    CHECK_TEXT(json_str(json_get(row(0), "sender"), STR("")), "192.0.2.2");
    CHECK_INT(json_int(json_get(row(0), "count"), 0), 2);
    CHECK_TEXT(json_str(json_get(row(1), "sender"), STR("")), "192.0.2.1");
    CHECK_INT(json_int(json_get(row(1), "count"), 0), 4);
    stand_close(&stand);
}

static void explained(void)
{
    struct desk_loss loss = loss_of(GAP_QUEUE, 5, T0, 10);
    struct json_value *record = NULL;
    open_it();
    count(20, &loss, 1);
    CHECK(!stand_ask(&stand, "{'ask':'loss.explain','who':'admin','id':1,'explanation':'  x '}"));
    CHECK_TEXT(stand_error(&stand), "invalid");
    CHECK(!stand_ask(&stand, "{'ask':'loss.explain','who':'admin','id':7,'explanation':'a load test'}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK(!stand_ask(&stand, "{'ask':'loss.explain','who':'nobody','id':1,'explanation':'a load test'}"));
    CHECK(stand_ask(&stand, "{'ask':'loss.explain','who':'admin','id':1,'explanation':'a load test'}"));
    CHECK(!stand_ask(&stand, "{'ask':'loss.explain','who':'admin','id':1,'explanation':'a load test'}"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK_INT(stand_records(&stand, "loss.explained", &record), 1);
    CHECK_TEXT(json_str(json_get(record, "detail"), STR("")), "a load test");
    CHECK_TEXT(json_str(json_get(record, "cause"), STR("")), "queue");
    CHECK_INT(total("open"), 0);
    count(30, &loss, 1); /* what was explained does not grow */
    CHECK_INT(total("listed"), 2);
    CHECK_INT(total("open"), 1);
    CHECK_INT(total("records"), 10);
    stand_close(&stand);
}

static void heard(int64_t last_ns)
{
    struct desk_source source = {
        .kind = STR("udp"), .name = STR("192.0.2.7"), .host = STR("gw"), .last_ns = last_ns, .records = 1};
    struct err err;
    memset(source.id, 1, sizeof source.id);
    CHECK_INT(desk_source_stats(stand.desk, &source, 1, stand.now, &err), RC_OK);
    CHECK_INT(desk_listen(stand.desk, stand.now, &err), RC_OK);
}

static void silence(void)
{
    open_it();
    heard(stand.now);
    stand.now += M(11);
    heard(T0);
    CHECK_INT(kept("source.silent"), 1);
    CHECK_INT(total("going_on"), 1);
    CHECK_TEXT(json_str(json_get(row(0), "cause"), STR("")), "silent");
    CHECK_TEXT(json_str(json_get(row(0), "name"), STR("")), "192.0.2.7");
    CHECK_INT(json_int(json_get(row(0), "from_ns"), 0), T0);
    CHECK(!stand_ask(&stand, "{'ask':'loss.explain','who':'admin','id':1,'explanation':'switched off'}"));
    watch(M(30), M(1));
    CHECK_INT(total("going_on"), 1);
    heard(stand.now);
    watch(M(1), S(20));
    CHECK_INT(total("going_on"), 0);
    CHECK_INT(total("listed"), 1);
    CHECK(json_int(json_get(row(0), "to_ns"), 0) > T0);
    stand_close(&stand);
}

static void restart(const char *path)
{
    struct err err;
    struct stand before = stand;
    desk_close(stand.desk);
    db_close(stand.db);
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    stand.now = before.now;
    arena_free(before.arena);
    buf_done(&before.answer);
}

/* At the beginning of a day. */
static void open_at(char path[64])
{
    struct err err;
    snprintf(path, 64, "/tmp/qorgan-loss-test-%d.db", (int)getpid());
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    stand_sign_in(&stand);
    stand.now = T0 - T0 % H(24) + H(24);
    watch(S(1), S(1));
    stand.now -= S(1);
}

/* As engines tell of it after a start: when it was heard last. */
static void listen(int64_t last_ns, int64_t span_ns)
{
    for (int64_t end = stand.now + span_ns; stand.now < end;) {
        heard(last_ns);
        watch(M(1), M(1));
    }
}

/* What fell silent while nothing ran that could say so is in the ledger, too, when it does not speak again. */
static void silence_over_a_restart(void)
{
    char path[64];
    open_at(path);
    int64_t last_ns = stand.now;
    listen(last_ns, M(5));
    restart(path);
    stand.now += H(1);
    listen(last_ns, M(10));
    CHECK_INT(total("going_on"), 0); /* that hour says nothing of it */
    listen(last_ns, M(3));
    CHECK_INT(total("going_on"), 1);
    CHECK_INT(json_int(json_get(row(0), "from_ns"), 0), last_ns);
    CHECK_INT(kept("source.silent"), 0);
    restart(path);
    listen(last_ns, M(15));
    CHECK_INT(total("listed"), 1); /* it goes on */
    last_ns = stand.now;
    listen(last_ns, M(2));
    CHECK_INT(total("going_on"), 0);
    restart(path);
    stand.now += H(1);
    listen(last_ns, M(5));
    last_ns = stand.now;
    listen(last_ns, M(9)); /* it spoke in time */
    CHECK_INT(total("listed"), 1);
    restart(path);
    stand.now += H(24) * 8;
    listen(last_ns, M(15)); /* nobody misses it */
    CHECK_INT(total("listed"), 1);
    stand_close(&stand);
    unlink(path);
}

static void clocks(void)
{
    open_it();
    struct desk_loss back = loss_of(GAP_TIME_BACK, 0, stand.now, 10);
    count(20, &back, 1);
    CHECK_INT(kept("source.time"), 1);
    CHECK_INT(incidents("qorgan-source-time"), 1);
    watch(M(10), M(1));
    back.to_ns = back.from_ns = stand.now;
    count(30, &back, 1); /* it goes on */
    CHECK_INT(kept("source.time"), 0);
    watch(M(10), M(1));
    CHECK_INT(kept("source.calm"), 0);
    watch(M(10), M(1));
    CHECK_INT(kept("source.calm"), 1);
    watch(M(60), M(1));
    CHECK_INT(kept("source.calm"), 0);
    back.to_ns = back.from_ns = stand.now;
    count(40, &back, 1);
    CHECK_INT(kept("source.time"), 1);
    struct desk_loss hole = loss_of(GAP_SEQUENCE, 4, stand.now, 50);
    count(50, &hole, 1);
    CHECK_INT(kept("loss.found"), 1);
    stand_close(&stand);
}

/* --- rhythm --- */

static void sent_by(uint16_t source, uint64_t records)
{
    static uint64_t upto = 1000;
    struct desk_annex_count row = {.class = ANNEX_OS, .kind = STR_INIT("sign_in"), .parser = STR_INIT("syslog3164")};
    struct err err;
    memset(row.source, 1, sizeof row.source);
    memcpy(row.source, &source, sizeof source);
    row.count = (struct annex_count){.records = records, .first_ns = stand.now - told_ns, .last_ns = stand.now};
    const struct desk_rule_counts counts = {.engine = 1, .upto = upto++, .annex = &row, .annex_count = 1};
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

static void sent(uint64_t records)
{
    sent_by(0x0101, records);
}

/* An hour by the clock, from its beginning, with that many records in its first half. */
static void hour(uint64_t records)
{
    for (int i = 0; i < 6 && records; i++) {
        if (i < 3)
            sent(records / 3);
        watch(M(10), M(5));
    }
    if (!records)
        watch(H(1), M(5));
}

static void week(unsigned weeks)
{
    for (unsigned i = 0; i < weeks * 168; i++)
        hour(i % 24 < 8 ? 30 : 600);
}

static int64_t stored(const char *sql)
{
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(stand.db, sql);
    int64_t value = db_one_i64(&q, -1);
    CHECK_INT(db_end(stand.db, false, &err), RC_OK);
    return value;
}

/* A desk that dies while it closes an hour learns the hour of no source twice. */
static void an_hour_is_learned_once(void)
{
    char path[64];
    const uint16_t sources = 700;
    open_at(path);
    for (unsigned hours = 0; hours < 2; hours++) {
        watch(M(10), M(5));
        for (uint16_t i = 0; i < sources; i++)
            sent_by(i, 9);
        watch(M(50), M(5));
    }
    int64_t closed = 0;
    for (int i = 0; i < 20 && closed < sources; i++) {
        watch(M(1), M(1));
        closed = stored("SELECT count(*) FROM rhythm");
        if (closed > 0)
            restart(path);
    }
    watch(H(2), M(1));
    CHECK_INT(stored("SELECT count(*) FROM rhythm GROUP BY slot ORDER BY slot LIMIT 1"), sources);
    CHECK_INT(stored("SELECT max(length(counts)) FROM rhythm"), 4);
    stand_close(&stand);
    unlink(path);
}

static void rhythm(void)
{
    char path[64];
    open_at(path);
    hour(0);
    week(4);
    CHECK_INT(kept("source.low") + kept("source.burst") + kept("source.calm"), 0);
    for (int i = 0; i < 9; i++) /* as every night, and the morning */
        hour(i < 8 ? 30 : 600);
    hour(60);
    hour(60); /* the one before is over for an hour */
    CHECK_INT(kept("source.low"), 1);
    CHECK_INT(incidents("qorgan-source-low"), 1);
    hour(0);
    CHECK_INT(kept("source.low"), 0); /* it goes on */
    restart(path);
    watch(M(5), M(5));
    sent(200);
    watch(M(5), M(5));
    CHECK_INT(kept("source.low"), 0); /* nor after a restart is it another */
    watch(M(50), M(5));
    CHECK_INT(kept("source.calm"), 0); /* 200 are not so few, but the hour is not over */
    hour(600);
    CHECK_INT(kept("source.calm"), 1);
    sent(2000);
    CHECK_INT(kept("source.burst"), 0);
    sent(2000);
    CHECK_INT(kept("source.burst"), 1); /* at once */
    sent(2000);
    CHECK_INT(kept("source.burst"), 0);
    CHECK_INT(incidents("qorgan-source-burst"), 1);
    watch(H(1), M(5));
    hour(600);
    hour(600);
    CHECK_INT(kept("source.calm"), 1);
    stand.now += H(30); /* the desk did not run: nothing is said of that time */
    for (int i = 0; i < 3; i++)
        hour(600);
    CHECK_INT(kept("source.low"), 0);
    stand_close(&stand);
    unlink(path);
}

/* What engines have not read yet was not left unsent. */
static void engines_lag(void)
{
    open_it();
    stand.now = T0 - T0 % H(24) + H(24);
    watch(S(1), S(1));
    stand.now -= S(1);
    hour(0);
    week(4);
    for (int i = 0; i < 9; i++)
        hour(i < 8 ? 30 : 600);
    unread_ns = M(30);
    hour(0);
    watch(M(25), M(5));
    CHECK_INT(kept("source.low"), 0); /* it is over for 25 minutes, and may be whole */
    watch(M(35), M(5));
    CHECK_INT(kept("source.low"), 1);
    unread_ns = 0;
    hour(600);
    hour(600);
    CHECK_INT(kept("source.low"), 0);
    unread_ns = H(5);
    for (int i = 0; i < 3; i++)
        hour(0);
    CHECK_INT(kept("source.low"), 0);
    unread_ns = 0;
    told_ns = M(190);
    sent(4000); /* all of them, and now */
    told_ns = 0;
    CHECK_INT(kept("source.burst"), 0);
    watch(M(60), M(5));
    CHECK_INT(kept("source.low"), 0);
    hour(600);
    CHECK_INT(kept("source.low"), 0); /* of the hour before nobody knows how many were of it */
    hour(0);
    hour(0);
    CHECK_INT(kept("source.low"), 1);
    stand_close(&stand);
}

static void learning_is_said(void)
{
    open_it();
    stand.now = T0 - T0 % H(24) + H(24);
    watch(S(1), S(1));
    stand.now -= S(1);
    hour(0);
    for (int i = 0; i < 24 * 4; i++)
        hour(600);
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin'}"));
    CHECK_INT(json_int(json_get(json_get(stand.json, "rhythm"), "sources"), -1), 1);
    CHECK_INT(json_int(json_get(json_get(stand.json, "rhythm"), "learning"), -1), 1);
    hour(0);
    hour(0);
    hour(0);
    CHECK_INT(kept("source.low"), 0); /* nothing is usual yet */
    for (int i = 0; i < 24 * 3; i++)
        hour(600);
    CHECK(stand_ask(&stand, "{'ask':'loss.list','who':'admin'}"));
    CHECK_INT(json_int(json_get(json_get(stand.json, "rhythm"), "learning"), -1), 0);
    hour(0);
    hour(0);
    hour(0);
    CHECK_INT(kept("source.low"), 1); /* by the hour of the day */
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"losses are in the ledger once, and folded", once_and_folded},
        {"who was refused by a receiver stands apart", refused_by_sender},
        {"a person explains a loss", explained},
        {"a silence begins and ends", silence},
        {"a silence from before a restart", silence_over_a_restart},
        {"clocks of sources", clocks},
        {"learning is said", learning_is_said},
        {"an hour is learned once", an_hour_is_learned_once},
        {"rhythms", rhythm},
        {"engines lag", engines_lag},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
