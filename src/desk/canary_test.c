/* Canaries at the desk: which count, what is measured, where one stops, and that what is told of it begins and ends
 * once. Time is simulated. */
#include "codec/canary_text.h"
#include "desk/agent_testing.h"
#include "desk/canary_inside.h"

#define EVERY 300

static int64_t number = 1;
static int64_t record = 100;
static int64_t shift_ns; /* made so much later than received */
static uint64_t own_judged[2];

static const struct desk_rule rules[] = {
    {.id = STR_INIT(CANARY_RULE),
     .title = STR_INIT("Canary"),
     .level = DESK_INFORMATIONAL,
     .path = STR_INIT("q/c.yml"),
     .hash = 1},
    {.id = STR_INIT("other"), .title = STR_INIT("Other"), .level = DESK_HIGH, .path = STR_INIT("q/o.yml"), .hash = 2},
};

static void rules_told(size_t first)
{
    struct err err;
    const struct desk_rules told = {.rule = rules + first, .count = ARRAY_LEN(rules) - first};
    CHECK_INT(desk_set_rules(stand.desk, &told, stand.now, &err), RC_OK);
}

static void begun(void)
{
    opened();
    rules_told(0);
    kept("");
}

static struct desk_canary canary_of(const char *agent, unsigned engine)
{
    struct desk_canary canary = {.engine = engine,
                                 .record = record++,
                                 .number = number++,
                                 .every_s = EVERY,
                                 .made_ns = stand.now - S(1) + shift_ns,
                                 .error_us = 500,
                                 .received_ns = stand.now - S(1) + 4000000,
                                 .durable_ns = stand.now - S(1) + 10000000,
                                 .matched_ns = stand.now - S(1) + 30000000};
    snprintf(canary.agent, sizeof canary.agent, "%s", agent);
    snprintf(canary.nonce, sizeof canary.nonce, "00112233445566778899aabbccddeeff");
    return canary;
}

static void came(const struct desk_canary *canaries, size_t n)
{
    struct err err;
    const struct desk_batch batch = {.clock_ns = stand.now, .canaries = canaries, .canary_count = n};
    CHECK_INT(desk_match_batch(stand.desk, &batch, stand.now, NULL, &err), RC_OK);
}

static void comes(const char *agent, unsigned engine)
{
    struct desk_canary canary = canary_of(agent, engine);
    came(&canary, 1);
}

/* Seconds go by; engines of these bits say that they have read all. */
static void pass(int64_t seconds, unsigned engines)
{
    struct err err;
    for (int64_t i = 0; i < seconds; i++) {
        stand.now += S(1);
        desk_set_totals(stand.desk, &(struct desk_totals){.durable = 1000 + (uint64_t)(stand.now / S(1) % 100000)});
        for (unsigned k = 0; k < 2; k++)
            if (engines & (1u << k))
                desk_canary_engine(
                    stand.desk, k,
                    (struct desk_canary_engine){1000 + (uint64_t)(stand.now / S(1) % 100000), own_judged[k]},
                    stand.now);
        CHECK_INT(desk_watch_canaries(stand.desk, stand.now, &err), RC_OK);
    }
}

static const struct json_value *list(void)
{
    CHECK(stand_ask(&stand, "{'ask':'canary.list','who':'admin'}"));
    return stand.json;
}

static const struct json_value *nth(const struct json_value *array, size_t i)
{
    const struct json_value *value = json_first(array);
    while (value && i--)
        value = value->next;
    return value;
}

static struct str lane_hop(size_t lane)
{
    return stand_text(nth(json_get(list(), "service"), lane), "hop");
}

static int64_t hour_number(const char *of, const char *stage, const char *name)
{
    for (const struct json_value *h = json_first(json_get(list(), "hours")); h; h = h->next)
        if (str_is(stand_text(h, "of"), of))
            return stand_number(stage ? json_get(h, stage) : h, name);
    return -1;
}

/* ---- times ---- */

static void buckets_are_in_order(void)
{
    for (uint64_t us = 0; us <= UINT32_MAX; us = us < 4096 ? us + 1 : us + us / 13) {
        unsigned bucket = canary_bucket((uint32_t)us);
        CHECK(bucket < CANARY_BUCKETS);
        CHECK(canary_bucket_most(bucket) >= us && (!bucket || canary_bucket_most(bucket - 1) < us));
        CHECK(us < 16 || canary_bucket_most(bucket) - us <= us / 8);
    }
    CHECK(canary_bucket(UINT32_MAX) < CANARY_BUCKETS);
    CHECK_INT(canary_bucket_most(canary_bucket(UINT32_MAX)), UINT32_MAX);
}

static void times_are_kept(void)
{
    begun();
    stand.now += H(1) - stand.now % H(1);
    for (int i = 0; i < 30; i++) {
        pass(60, 3);
        comes("", 0);
        comes("", 1);
    }
    CHECK_INT(hour_number("service", NULL, "count"), 60);
    CHECK_INT(hour_number("service", "total", "max_us"), 1000000);
    CHECK_INT(hour_number("service", "total", "p50_us"), 1000000);
    CHECK_INT(hour_number("service", "receive", "max_us"), 4000);
    CHECK_INT(hour_number("service", "store", "max_us"), 6000);
    CHECK_INT(hour_number("service", "judge", "p99_us"), 20000);
    CHECK_INT(hour_number("service", "deliver", "max_us"), 970000);
    CHECK_INT(hour_number("agents", NULL, "count"), -1);
    CHECK_INT(stand_number(nth(json_get(list(), "service"), 1), "total_us"), 1000000);
    struct desk_canary slow = canary_of("", 0);
    slow.made_ns -= S(2);
    slow.received_ns -= S(2);
    slow.durable_ns = 0; /* not known: the engine has it all */
    came(&slow, 1);
    CHECK_INT(hour_number("service", "total", "max_us"), 3000000);
    CHECK(hour_number("service", "total", "p50_us") <= 1125000);
    CHECK_INT(hour_number("service", "judge", "max_us"), 2026000);
    pass(H(3) / S(1), 0);
    CHECK(json_first(json_get(list(), "hours")) != NULL);
    CHECK_INT(stand_ask(&stand, "{'ask':'canary.list','who':'admin','hours':1}"), true);
    CHECK(json_first(json_get(stand.json, "hours")) == NULL);
    stand_close(&stand);
}

/* A maker's clock is known with an error: made after it came is made when it came, and the parts make up the whole. */
static void the_parts_make_the_whole(void)
{
    begun();
    stand.now += H(1) - stand.now % H(1);
    struct desk_canary early = canary_of("", 0);
    early.made_ns = early.received_ns + 16000000;
    came(&early, 1);
    int64_t parts = 0;
    for (size_t i = 0; i < 4; i++)
        parts += hour_number("service", (const char *[]){"receive", "store", "judge", "deliver"}[i], "max_us");
    CHECK_INT(hour_number("service", "receive", "max_us"), 0);
    CHECK_INT(hour_number("service", "total", "max_us"), parts);
    stand_close(&stand);
}

static void what_does_not_count(void)
{
    begun();
    enrolled("");
    struct desk_canary canary = canary_of(uuid, 0);
    came(&canary, 1);
    came(&canary, 1); /* an engine that begins anew tells it again */
    CHECK_INT(hour_number("agents", NULL, "count"), 1);
    canary.record--;
    came(&canary, 1);
    comes("00000000-0000-0000-0000-000000000000", 0); /* no agent */
    comes("", 2);                                     /* no engine */
    CHECK_INT(hour_number("agents", NULL, "count"), 1);
    CHECK_INT(hour_number("service", NULL, "count"), -1);
    canary = canary_of(uuid, 0); /* waited in the spool */
    canary.made_ns -= S(EVERY);
    came(&canary, 1);
    CHECK_INT(hour_number("agents", NULL, "count"), 1);
    CHECK_INT(hour_number("agents", NULL, "waited"), 1);
    CHECK(shown() != NULL);
    const struct json_value *mine = json_get(stand.json, "canary");
    CHECK_INT(json_get(mine, "recent")->count, 2);
    CHECK_INT(stand_number(json_first(json_get(mine, "recent")), "record"), canary.record);
    CHECK_INT(stand_number(json_first(json_get(mine, "recent")), "receive_us"), EVERY * 1000000 + 4000);
    CHECK_TEXT(stand_text(mine, "nonce"), "00112233445566778899aabbccddeeff");
    for (int i = 0; i < 30; i++)
        comes(uuid, 0);
    CHECK(shown() != NULL);
    CHECK_INT(json_get(json_get(stand.json, "canary"), "recent")->count, CANARY_RECENT);
    CHECK_INT(kept("canary.late"), 0);
    stand_close(&stand);
}

/* ---- where one stops ---- */

static void an_engine_that_stands_is_named(void)
{
    begun();
    for (int i = 0; i < 4; i++) {
        comes("", 0);
        comes("", 1);
        pass(EVERY, 3);
    }
    CHECK_TEXT(lane_hop(1), "fine");
    comes("", 0);
    pass(EVERY, 1); /* engine 1 stands */
    comes("", 0);
    pass(EVERY, 1);
    CHECK_TEXT(lane_hop(0), "fine");
    CHECK_TEXT(lane_hop(1), "engine");
    CHECK_INT(json_get(list(), "troubles")->count, 1);
    CHECK_INT(stand_number(json_first(json_get(list(), "troubles")), "engine"), 1);
    struct json_value *told = NULL;
    CHECK_INT(stand_records(&stand, "canary.late", &told), 1);
    CHECK_TEXT(stand_text(told, "hop"), "engine");
    CHECK_INT(stand_number(told, "engine"), 1);
    CHECK_TEXT(stand_text(told, "detail"), "engine 1 does not judge records");
    CHECK_INT(kept("canary.late"), 1);
    CHECK_INT(incidents("qorgan-canary-lost"), 1);
    comes("", 0);
    pass(EVERY, 1);
    CHECK_INT(kept("canary.late"), 0); /* once */
    comes("", 0);
    comes("", 1);
    pass(4, 3);
    CHECK_TEXT(lane_hop(1), "fine");
    CHECK_INT(kept("canary.calm"), 1);
    CHECK_INT(json_get(list(), "troubles")->count, 0);
    stand_close(&stand);
}

static void other_hops_of_the_service(void)
{
    begun();
    comes("", 0);
    comes("", 1);
    pass(2 * EVERY + CANARY_SLACK_S + 3, 3); /* engines are well and judged none */
    CHECK_TEXT(lane_hop(0), "collector");
    CHECK_INT(kept("canary.late"), 1); /* of both */
    own_judged[1] = (uint64_t)record + 50;
    pass(3, 3);
    CHECK_TEXT(lane_hop(0), "collector");
    CHECK_TEXT(lane_hop(1), "hit");
    CHECK_INT(kept("canary.late"), 1);
    rules_told(1);
    pass(3, 3);
    CHECK_TEXT(lane_hop(0), "rule");
    CHECK_TEXT(lane_hop(1), "rule");
    own_judged[1] = 0;
    rules_told(0);
    CHECK(stand_ask(&stand, "{'ask':'rule.save','who':'admin','id':'" CANARY_RULE
                            "','state':'off','reason':'to see what happens'}"));
    kept("");
    pass(3, 3);
    CHECK_TEXT(lane_hop(0), "rule");
    CHECK_INT(incidents("qorgan-canary-lost"), 1);
    stand_close(&stand);
}

static void status(const char *members)
{
    CHECK_INT(hear(1, stand_format(&stand, "{'ask':'status','agent':'%s','status':{%s}}", uuid, members)), RC_OK);
}

static struct str agent_hop(void)
{
    return arena_str(stand.arena, stand_text(shown(), "canary_hop"));
}

static void hops_of_an_agent(void)
{
    static const struct {
        const char *told; /* beside the number of its last one */
        int64_t ahead;    /* made since the one that came; -1: it names none */
        unsigned engines;
        const char *hop;
        const char *incident;
    } rows[] = {
        {"'canary_s':300,'canary_durable':true", 0, 3, "idle", "qorgan-canary-agent"},
        {"'canary_s':300", -1, 3, "idle", "qorgan-canary-agent"},
        {"'canary_s':300,'canary_durable':false", 2, 3, "delivery", "qorgan-canary-agent"},
        {"'canary_s':300,'canary_durable':true", 2, 3, "hit", "qorgan-canary-lost"},
        {"'canary_s':300,'canary_durable':true", 2, 0, "engine", "qorgan-canary-lost"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        begun();
        enrolled("");
        connected(1);
        int64_t last = number;
        comes(uuid, 0);
        kept("");
        for (int k = 0; k < 7; k++) {
            comes("", 0);
            comes("", 1);
            pass(100, rows[i].engines);
            status(rows[i].ahead < 0
                       ? rows[i].told
                       : stand_format(&stand, "%s,'canary':%lld", rows[i].told, (long long)(last + rows[i].ahead)));
        }
        test_row("%zu", i);
        CHECK_TEXT(agent_hop(), rows[i].hop);
        CHECK_INT(kept("canary.late"), 1);
        CHECK_INT(incidents(rows[i].incident), 1);
        comes(uuid, 0);
        pass(4, 3);
        CHECK_TEXT(agent_hop(), "fine");
        CHECK_INT(kept("canary.calm"), 1);
        stand_close(&stand);
    }
}

static void an_agent_that_is_away_has_its_own_alarm(void)
{
    begun();
    enrolled("");
    connected(1);
    comes(uuid, 0);
    CHECK_INT(hear(1, stand_format(&stand, "{'ask':'closed','agent':'%s','why':'x'}", uuid)), RC_OK);
    kept("");
    for (int k = 0; k < 6; k++) {
        comes("", 0);
        comes("", 1);
        pass(100, 3);
    }
    comes("", 0);
    comes("", 1);
    pass(20, 3); /* it is overdue, and nothing more of it is waited for */
    CHECK_TEXT(agent_hop(), "silent");
    CHECK_INT(kept("canary.late"), 1);
    CHECK_INT(incidents("qorgan-canary-agent") + incidents("qorgan-canary-lost"), 0);
    CHECK(stand_ask(&stand,
                    stand_format(&stand, "{'ask':'agent.revoke','who':'admin','agent':'%s','reason':'gone'}", uuid)));
    comes(uuid, 0);
    CHECK_TEXT(agent_hop(), "silent"); /* a revoked one's counts no more */
    stand_close(&stand);
}

static void what_agents_say_of_their_canaries(void)
{
    begun();
    enrolled("");
    connected(1);
    status("'x':1"); /* an older agent */
    pass(2 * EVERY + 200, 3);
    CHECK_TEXT(agent_hop(), "fine");
    CHECK_INT(stand_number(shown(), "canary_ns"), -1);
    status("'canary_s':-1");
    status("'canary_s':86401");
    CHECK_INT(stand_number(shown(), "canary_ns"), -1);
    status("'canary_s':300");
    CHECK_INT(stand_number(shown(), "canary_ns"), 0); /* awaited */
    status("'canary_s':3600");                        /* more seldom now */
    pass(2 * EVERY + 200, 3);
    CHECK_TEXT(agent_hop(), "fine");
    status("'canary_s':0");
    CHECK_INT(stand_number(shown(), "canary_ns"), -1);
    stand_close(&stand);
}

static void clocks_that_are_wrong(void)
{
    begun();
    enrolled("");
    connected(1);
    shift_ns = S(1) / 2; /* within what is not known */
    comes(uuid, 0);
    CHECK_TEXT(agent_hop(), "fine");
    shift_ns = S(2);
    comes(uuid, 0);
    CHECK_TEXT(agent_hop(), "clock");
    CHECK_INT(kept("canary.late"), 1);
    CHECK_INT(incidents("qorgan-canary-agent"), 1);
    comes(uuid, 0);
    pass(4, 3);
    CHECK_INT(kept("canary.late"), 0);
    shift_ns = 0;
    comes(uuid, 0);
    pass(4, 3);
    CHECK_TEXT(agent_hop(), "fine");
    CHECK_INT(kept("canary.calm"), 1);
    struct desk_canary unmeasured = canary_of(uuid, 0);
    unmeasured.error_us = -1;
    unmeasured.made_ns += S(30);
    came(&unmeasured, 1);
    CHECK_TEXT(agent_hop(), "fine");
    stand_close(&stand);
}

/* Nobody is late for what was due while the desk did not run, or by a clock that leapt. */
static void a_leap_is_forgiven(void)
{
    begun();
    comes("", 0);
    comes("", 1);
    pass(10, 3);
    stand.now += H(5);
    pass(EVERY, 3);
    CHECK_INT(kept("canary.late"), 0);
    stand.now -= H(9);
    pass(EVERY, 3);
    CHECK_INT(kept("canary.late"), 0);
    pass(H(10) / S(1), 3);
    CHECK_INT(kept("canary.late"), 1);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"buckets of times are in order and narrow", buckets_are_in_order},
        {"times are kept by hour and stage", times_are_kept},
        {"what does not count", what_does_not_count},
        {"the parts make the whole", the_parts_make_the_whole},
        {"an engine that stands is named, once, and ends", an_engine_that_stands_is_named},
        {"other hops of the service", other_hops_of_the_service},
        {"hops of an agent", hops_of_an_agent},
        {"an agent that is away has its own alarm", an_agent_that_is_away_has_its_own_alarm},
        {"what agents say of their canaries", what_agents_say_of_their_canaries},
        {"clocks that are wrong", clocks_that_are_wrong},
        {"a leap of time is forgiven", a_leap_is_forgiven},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
