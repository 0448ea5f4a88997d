/* Agents at the desk: tokens, who may connect, copies, silence, revocation; every act in every state. */
#include "desk/agent_testing.h"

/* ---- tokens ---- */

static void tokens_are_made(void)
{
    static const struct {
        const char *members, *error, *field;
    } rows[] = {
        {",'name':'web:1'", "invalid", "name"},
        {",'name':'a\\nb'", "invalid", "name"},
        {",'name':'01234567890123456789012345678901234567890123456789012345678901234'", "invalid", "name"},
        {",'group':''", "invalid", "group"},
        {",'group':'a:b'", "invalid", "group"},
        {",'object':77", "invalid", "object"},
        {",'object':0", "invalid", "object"},
        {",'servers':'a b:1'", "invalid", "servers"},
        {",'servers':'a\\\";b'", "invalid", "servers"},
        {",'servers':'$(x)'", "invalid", "servers"},
    };
    opened();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'agent.token','who':'admin'%s}", rows[i].members)));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
        CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), rows[i].field);
    }
    test_row("-");
    CHECK_INT(kept("agent.token"), 0);
    CHECK(stand_ask(&stand, "{'ask':'agent.token','who':'admin','name':'web','group':'servers','object':1}"));
    struct str token = json_str(json_get(stand.json, "token"), STR(""));
    CHECK(str_starts(token, STR("qorgan1.qorgan.example:6515.00112233445566778899aabbccddeeff00112233445566778899aabb"
                                "ccddeeff.")));
    CHECK_INT(token.n, strlen("qorgan1.qorgan.example:6515.") + 64 + 1 + 32);
    CHECK_INT(json_int(json_get(stand.json, "until_ns"), 0), stand.now + M(30));
    CHECK(stand_ask(&stand, "{'ask':'agent.token','who':'admin','servers':'a:1,[::1]:2'}"));
    CHECK(str_starts(json_str(json_get(stand.json, "token"), STR("")), STR("qorgan1.a:1,[::1]:2.")));
    CHECK_INT(kept("agent.token"), 2);
}

static void tokens_are_listed_and_end(void)
{
    CHECK(stand_ask(&stand, "{'ask':'agent.list','who':'admin'}"));
    const struct json_value *tokens = json_get(stand.json, "tokens");
    CHECK_INT(tokens->count, 2);
    CHECK(str_search(tokens->text, STR("secret")) == tokens->text.n);
    const struct json_value *first = json_first(tokens)->next; /* the newest comes first */
    CHECK_TEXT(json_str(json_get(first, "name"), STR("")), "web");
    CHECK_TEXT(json_str(json_get(first, "group"), STR("")), "servers");
    CHECK_TEXT(json_str(json_get(first, "who"), STR("")), "admin");
    int64_t id = json_int(json_get(first, "id"), 0);
    const char *end = stand_format(&stand, "{'ask':'agent.token_end','who':'admin','id':%lld}", (long long)id);
    CHECK(stand_ask(&stand, end));
    CHECK(!stand_ask(&stand, end));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK_INT(kept("agent.token-ended"), 1);
    stand.now += M(31);
    CHECK(stand_ask(&stand, "{'ask':'agent.list','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "tokens")->count, 0);
}

static void only_administrators_change_agents(void)
{
    static const char *const may[] = {"{'ask':'agent.list','who':'%s'}", "{'ask':'policy.list','who':'%s'}",
                                      "{'ask':'policy.get','who':'%s','group':'g'}"};
    static const char *const may_not[] = {
        "{'ask':'agent.token','who':'%s'}",
        "{'ask':'agent.token_end','who':'%s','id':1}",
        "{'ask':'agent.revoke','who':'%s','agent':'x','reason':'because'}",
        "{'ask':'agent.save','who':'%s','agent':'x'}",
        "{'ask':'policy.save','who':'%s','group':'g','text':'{}','reason':'because'}",
        "{'ask':'policy.roll_back','who':'%s','group':'g','version':1,'reason':'because'}",
    };
    static const char *const roles[] = {"analyst", "officer", "auditor"};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        CHECK(stand_ask(&stand, stand_format(&stand,
                                             "{'ask':'user.save','who':'admin','user':{'name':'%s','role':'%s',"
                                             "'password':'tulip garden 77','enabled':true}}",
                                             roles[i], roles[i])));
        stand_ask(&stand, stand_format(&stand,
                                       "{'ask':'session.open','user':'%s','password':'tulip garden 77',"
                                       "'address':'::1'}",
                                       roles[i]));
        const char *token = arena_strz(stand.arena, json_str(json_get(stand.json, "token"), STR("")));
        CHECK(stand_ask(&stand, stand_format(&stand,
                                             "{'ask':'password.change','token':'%s','old':'tulip garden 77',"
                                             "'new':'another garden 78'}",
                                             token)));
        for (size_t k = 0; k < ARRAY_LEN(may); k++) {
            char text[256];
            test_row("%s %zu", roles[i], k);
            snprintf(text, sizeof text, "%.*s%s%s", (int)(strstr(may[k], "%s") - may[k]), may[k], roles[i],
                     strstr(may[k], "%s") + 2);
            CHECK(stand_ask(&stand, text));
            CHECK(!json_bool(json_get(stand.json, "may_change"), true));
        }
        for (size_t k = 0; k < ARRAY_LEN(may_not); k++) {
            char text[256];
            test_row("%s not %zu", roles[i], k);
            snprintf(text, sizeof text, "%.*s%s%s", (int)(strstr(may_not[k], "%s") - may_not[k]), may_not[k], roles[i],
                     strstr(may_not[k], "%s") + 2);
            CHECK(!stand_ask(&stand, text));
            CHECK_TEXT(stand_error(&stand), "denied");
        }
    }
    test_row("-");
    stand_close(&stand);
}

/* ---- enrolment ---- */

static void an_agent_is_enrolled(void)
{
    opened();
    const char *digest = token_make(",'group':'servers'");
    CHECK_INT(hear(1, enrolment(digest, KEY)), RC_OK);
    CHECK(next());
    CHECK_INT(out.order, DESK_AGENT_ISSUE);
    CHECK_INT(out.text.n, 16 + 2 + 27);
    CHECK_INT(get_be16(out.text.p + 16), 30);
    silence_out();
    CHECK_INT(kept("agent.enrolled"), 0);
    CHECK_INT(issued("0a0b", "the certificate"), RC_OK);
    CHECK(says(1, "enrolled"));
    CHECK_TEXT(word("certificate"), "the certificate");
    CHECK_TEXT(word("authority"), "the authority's certificate");
    CHECK(str_copy_z(word("agent"), uuid, sizeof uuid));
    CHECK_INT(strlen(uuid), 36);
    CHECK_INT(issued("0a0c", "once more"), RC_OK); /* nobody waits for it */
    silence_out();
    CHECK_INT(kept("agent.enrolled"), 1);
    CHECK_TEXT(json_str(json_get(shown(), "name"), STR("")), "web-1"); /* of the host; a colon is no name's */
    CHECK_TEXT(json_str(json_get(shown(), "group"), STR("")), "servers");
    CHECK_TEXT(json_str(json_get(shown(), "serial"), STR("")), "0a0b");
    CHECK_TEXT(json_str(json_get(shown(), "enrolled_by"), STR("")), "admin");
    CHECK_TEXT(state(), "away");
    enrolled("");
    CHECK_TEXT(json_str(json_get(shown(), "name"), STR("")), "web-1 2");
    enrolled(",'name':'kitchen'");
    CHECK_TEXT(json_str(json_get(shown(), "name"), STR("")), "kitchen");
}

static void a_token_serves_one_key(void)
{
    const char *digest = token_make("");
    char first[64];
    CHECK_INT(hear(5, enrolment(digest, KEY)), RC_OK);
    CHECK(next());
    CHECK_INT(out.order, DESK_AGENT_ISSUE);
    CHECK_INT(issued("", "too many"), RC_OK);
    CHECK(refuses(5, 1));
    /* Its answer was lost: the same agent. */
    for (int i = 0; i < 2; i++) {
        CHECK_INT(hear(6, enrolment(digest, KEY)), RC_OK);
        CHECK(next());
        CHECK_INT(issued("0a0d", "PEM"), RC_OK);
        CHECK(says(6, "enrolled"));
        CHECK(str_copy_z(word("agent"), i ? uuid : first, sizeof first));
    }
    CHECK_TEXT(str_of(uuid), first);
    kept("");
    CHECK_INT(incidents("qorgan-agent-token"), 0);
    CHECK_INT(hear(7, enrolment(digest, OTHER)), RC_OK);
    CHECK(refuses(7, 8));
    silence_out();
    CHECK_INT(incidents("qorgan-agent-token"), 0); /* the record that tells of it is not kept yet */
    CHECK_INT(kept("agent.token-used"), 1);
    CHECK_INT(incidents("qorgan-agent-token"), 1);
    stand.now += M(31);
    CHECK_INT(hear(8, enrolment(digest, KEY)), RC_OK);
    CHECK(refuses(8, 8));
    CHECK_INT(hear(8, enrolment(digest, OTHER)), RC_OK);
    CHECK(refuses(8, 8));
    CHECK_INT(kept("agent.token-used"), 1); /* not of the agent's own key */
}

static void what_does_not_enrol_is_refused(void)
{
    const char *digest = token_make("");
    const char *ended = token_make("");
    const struct {
        const char *digest, *key;
        int reason;
    } rows[] = {
        {"", KEY, 7}, {"00", KEY, 7}, {digest, "", 6}, {digest, "!", 6}, {digest, "====", 6}, {"' OR 1=1 --", KEY, 6},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(hear(9, enrolment(rows[i].digest, rows[i].key)), RC_OK);
        CHECK(refuses(9, rows[i].reason));
        silence_out();
    }
    test_row("-");
    stand.now += M(30) + 1;
    CHECK_INT(hear(9, enrolment(ended, KEY)), RC_OK);
    CHECK(refuses(9, 9));
    CHECK_INT(kept("agent.enrolled"), 0);
    CHECK(stand_ask(&stand, "{'ask':'agent.list','who':'admin','state':'all'}"));
    CHECK_INT(json_int(json_get(stand.json, "total"), 0), 4);
}

static void nobody_is_enrolled_while_the_signer_is_away(void)
{
    struct err err;
    CHECK_INT(hear(11, enrolment(token_make(""), KEY)), RC_OK);
    CHECK(next());
    uint64_t id = out.id;
    desk_agents_signer_down(stand.desk);
    CHECK(refuses(11, 1));
    CHECK_INT(desk_agent_issued(stand.desk, id, STR("0a"), STR("PEM"), stand.now, &err), RC_OK);
    silence_out();
    const char *digest = token_make("");
    CHECK_INT(hear(12, enrolment(digest, KEY)), RC_OK);
    CHECK(next());
    CHECK_INT(desk_agents_intake_down(stand.desk, 3, &err), RC_OK);
    CHECK_INT(issued("0a", "PEM"), RC_OK);
    silence_out();
    CHECK_INT(hear(13, enrolment(digest, KEY)), RC_OK); /* it comes again */
    CHECK(next());
    CHECK_INT(issued("0a", "PEM"), RC_OK);
    CHECK(says(13, "enrolled"));
    for (int i = 0; i < 1024; i++) {
        CHECK_INT(hear(14, enrolment(digest, KEY)), RC_OK);
        CHECK(next() && out.order == DESK_AGENT_ISSUE);
    }
    CHECK_INT(hear(15, enrolment(digest, KEY)), RC_OK);
    CHECK(refuses(15, 1));
    stand_close(&stand);
}

/* ---- connections ---- */

static void who_may_connect(void)
{
    opened();
    enrolled("");
    const char *good = hello_of(SPOOL, BOOT, "");
    const char *expired =
        stand_format(&stand, "{'ask':'hello','agent':'%s','serial':'0a0b','until':%lld,'spool':'1','boot':'2'}", uuid,
                     (long long)(stand.now / SECOND_NS - 1));
    const struct {
        const char *text;
        int reason;
    } rows[] = {
        {"", 6},
        {"{}", 6},
        {"[]", 6},
        {"{'ask':'hello'", 6},
        {"{'ask':'welcome'}", 6},
        {"{'ask':'hello'}", 2},
        {"{'ask':'hello','agent':'0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1','until':9999999999}", 2},
        {"{'ask':'hello','agent':'x\\u0000y'}", 2},
        {expired, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(hear(20 + i, rows[i].text), RC_OK);
        CHECK(refuses(20 + i, rows[i].reason));
        silence_out();
    }
    test_row("-");
    CHECK_INT(kept("agent.refused"), 1); /* the others are counted in the next */
    CHECK_TEXT(state(), "away");
    CHECK_INT(hear(40, good), RC_OK);
    CHECK(says(40, "welcome"));
    CHECK_TEXT(word("name"), "web-1");
    CHECK_INT(json_int(json_get(said, "policy"), -1), 0);
    CHECK_TEXT(word("note"), "");
    CHECK_TEXT(state(), "connected");
    CHECK_INT(kept("agent.connected"), 1);
    /* The desk was started anew, and the intake says it again. */
    CHECK_INT(hear(40, good), RC_OK);
    CHECK(says(40, "welcome"));
    CHECK_INT(kept("agent.connected"), 0);
    stand.now += M(11);
    CHECK_INT(hear(50, "{'ask':'hello','agent':'nobody'}"), RC_OK);
    CHECK(refuses(50, 2));
    CHECK_INT(kept("agent.refused"), 1);
}

static void a_newer_connection_takes_the_place(void)
{
    connected(40);
    kept("");
    CHECK_INT(hear(41, hello_of(SPOOL, BOOT, "")), RC_OK);
    CHECK(refuses(40, 1));
    CHECK(says(41, "welcome"));
    CHECK_INT(hear(40, stand_format(&stand, "{'ask':'closed','agent':'%s','why':'x'}", uuid)), RC_OK);
    CHECK_TEXT(state(), "connected"); /* that was the other one */
    CHECK_INT(hear(41, stand_format(&stand, "{'ask':'closed','agent':'%s','why':'the peer closed'}", uuid)), RC_OK);
    CHECK_TEXT(state(), "away");
    CHECK_INT(kept("agent.disconnected"), 1);
    connected(42);
    CHECK_INT(hear(42, stand_format(&stand, "{'ask':'closed','agent':'%s','why':'y'}", uuid)), RC_OK);
    CHECK_INT(kept("agent.disconnected"), 0); /* once a minute */
    connected(43);
    struct err err;
    CHECK_INT(desk_agents_intake_down(stand.desk, 4, &err), RC_OK);
    CHECK_TEXT(state(), "connected");
    CHECK_INT(desk_agents_intake_down(stand.desk, 3, &err), RC_OK);
    CHECK_TEXT(state(), "away");
    silence_out();
}

static void copies_are_found(void)
{
    connected(50);
    kept("");
    /* Another spool while it is connected. */
    CHECK_INT(hear(51, hello_of("00000000000000bb", BOOT, "")), RC_OK);
    CHECK(refuses(51, 5));
    silence_out();
    CHECK_TEXT(state(), "connected");
    CHECK_INT(kept("agent.copied"), 1);
    CHECK_INT(incidents("qorgan-agent-copied"), 1);
    /* A new spool when it is not: it was lost, which is told and is no copy... */
    CHECK_INT(hear(50, stand_format(&stand, "{'ask':'closed','agent':'%s','why':'x'}", uuid)), RC_OK);
    CHECK_INT(hear(52, hello_of("00000000000000bb", BOOT, "")), RC_OK);
    CHECK(says(52, "welcome"));
    CHECK_INT(kept("agent.spool-changed"), 1);
    CHECK_INT(kept("agent.copied"), 0);
    /* ... until the old one comes back. */
    CHECK_INT(hear(53, hello_of(SPOOL, BOOT, "")), RC_OK);
    CHECK(refuses(53, 5));
    CHECK_INT(kept("agent.copied"), 1);
    CHECK_INT(hear(52, stand_format(&stand, "{'ask':'closed','agent':'%s','why':'x'}", uuid)), RC_OK);
    CHECK_INT(hear(54, hello_of(SPOOL, BOOT, "")), RC_OK);
    CHECK(says(54, "welcome")); /* nobody else is connected: it is let in, and told */
    CHECK_INT(kept("agent.copied"), 1);
    /* Another boot may be the same machine started anew, also before its old connection was given up... */
    CHECK_INT(hear(55, hello_of(SPOOL, "b2", "")), RC_OK);
    CHECK(refuses(54, 1));
    CHECK(says(55, "welcome"));
    CHECK_INT(kept("agent.copied"), 0);
    /* ... but a boot does not come back. */
    CHECK_INT(hear(56, hello_of(SPOOL, BOOT, "")), RC_OK);
    CHECK(refuses(56, 5));
    CHECK_INT(kept("agent.copied"), 1);
    CHECK_TEXT(state(), "connected");
    for (int i = 0; i < 20; i++) { /* what is remembered has a bound */
        CHECK_INT(hear((uint64_t)(60 + i), hello_of(SPOOL, stand_format(&stand, "c%d", i), "")), RC_OK);
        CHECK(next() && next());
    }
    CHECK_INT(kept("agent.copied"), 0);
    CHECK_INT(hear(90, hello_of(SPOOL, "c12", "")), RC_OK);
    CHECK(refuses(90, 5));
    silence_out();
}

static void contradictions_are_found(void)
{
    char first[64];
    struct desk_totals totals = {.checkpoint_size = 500};
    desk_set_totals(stand.desk, &totals);
    memcpy(first, uuid, sizeof first);
    CHECK_INT(hear(100, hello_of(SPOOL, "c19", ",'seen_size':400,'seen_root':'AAAA'")), RC_OK);
    CHECK(next() && next());
    enrolled(",'name':'second'");
    CHECK_INT(hear(101, hello_of(SPOOL, BOOT, ",'seen_size':400,'seen_root':'AAAA'")), RC_OK);
    CHECK(says(101, "welcome"));
    watch(S(120));
    kept("");
    CHECK_INT(incidents("qorgan-agent-contradicts"), 0);
    CHECK_INT(hear(102, hello_of(SPOOL, BOOT, ",'seen_size':400,'seen_root':'BBBB'")), RC_OK);
    CHECK(refuses(101, 1));
    CHECK(says(102, "welcome")); /* what it brings is wanted all the same */
    CHECK_TEXT(state(), "contradicts");
    CHECK_INT(kept("agent.contradicts"), 1);
    CHECK_INT(incidents("qorgan-agent-contradicts"), 1);
    CHECK_INT(hear(102, hello_of(SPOOL, BOOT, ",'seen_size':400,'seen_root':'CCCC'")), RC_OK);
    CHECK(says(102, "welcome"));
    CHECK_INT(kept("agent.contradicts"), 0); /* once */
    /* More than there is: the archive's size comes here a little late. */
    enrolled(",'name':'third'");
    CHECK_INT(hear(103, hello_of(SPOOL, BOOT, ",'seen_size':501,'seen_root':'DDDD'")), RC_OK);
    CHECK(says(103, "welcome"));
    watch(S(30));
    CHECK_INT(kept("agent.contradicts"), 0);
    totals.checkpoint_size = 501;
    desk_set_totals(stand.desk, &totals);
    watch(S(60));
    CHECK_INT(kept("agent.contradicts"), 0);
    totals.checkpoint_size = 400;
    desk_set_totals(stand.desk, &totals);
    watch(S(20));
    CHECK_INT(kept("agent.contradicts"), 1);
    watch(S(20));
    CHECK_INT(kept("agent.contradicts"), 0);
    stand_close(&stand);
}

static void an_agent_may_trust_again(void)
{
    struct desk_totals totals = {.checkpoint_size = 500};
    opened();
    desk_set_totals(stand.desk, &totals);
    enrolled(",'name':'first'");
    CHECK_INT(hear(103, hello_of(SPOOL, BOOT, ",'seen_size':400,'seen_root':'AAAA'")), RC_OK);
    CHECK(says(103, "welcome"));
    enrolled(",'name':'fourth'");
    connected(104);
    CHECK_INT(hear(104, stand_format(&stand, "{'ask':'status','agent':'%s','status':{'trouble':'it lost what I saw'}}",
                                     uuid)),
              RC_OK);
    CHECK_INT(kept("agent.contradicts"), 1);
    CHECK_TEXT(state(), "contradicts");
    const char *rows[] = {"", ",'status':{'trouble':'and once more'}", ",'status':[]"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(hear(104, stand_format(&stand, "{'ask':'status','agent':'%s'%s}", uuid, rows[i])), RC_OK);
        CHECK(!next()); /* nothing is said, and nothing told: a second time or without a status */
        CHECK_INT(kept(i % 2 ? "agent.contradicts" : "agent.trusts"), 0);
        CHECK_TEXT(state(), "contradicts");
    }
    /* Which it may take back, and say again. */
    CHECK_INT(hear(104, stand_format(&stand, "{'ask':'status','agent':'%s','status':{}}", uuid)), RC_OK);
    CHECK_INT(kept("agent.trusts"), 1);
    CHECK_TEXT(state(), "connected");
    CHECK_INT(hear(104, stand_format(&stand, "{'ask':'status','agent':'%s','status':{}}", uuid)), RC_OK);
    CHECK_INT(kept("agent.trusts"), 0);
    CHECK_INT(hear(104, stand_format(&stand, "{'ask':'status','agent':'%s','status':{'trouble':'t'}}", uuid)), RC_OK);
    CHECK_INT(kept("agent.contradicts"), 1);
    /* But not what was found here, be it before its own word or after. */
    CHECK_INT(hear(105, hello_of(SPOOL, BOOT, ",'seen_size':400,'seen_root':'EEEE'")), RC_OK);
    CHECK(refuses(104, 1));
    CHECK(says(105, "welcome"));
    CHECK_INT(kept("agent.contradicts"), 0); /* it is known already */
    CHECK_INT(hear(105, stand_format(&stand, "{'ask':'status','agent':'%s','status':{'trouble':'t'}}", uuid)), RC_OK);
    CHECK_INT(hear(105, stand_format(&stand, "{'ask':'status','agent':'%s','status':{}}", uuid)), RC_OK);
    CHECK_INT(kept("agent.trusts"), 0);
    CHECK_TEXT(state(), "contradicts");
    stand_close(&stand);
}

static void relays_are_shown(void)
{
    opened();
    enrolled(",'name':'far'");
    CHECK_INT(hear(7, hello_of(SPOOL, BOOT, ",'relay':'10.9.0.1, 10.0.0.5'")), RC_OK);
    CHECK(says(7, "welcome"));
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'agent.show','who':'admin','agent':'%s'}", uuid)));
    CHECK_TEXT(json_str(json_get(json_get(stand.json, "agent"), "address"), STR_NONE), "10.0.0.9");
    CHECK_TEXT(json_str(json_get(json_get(stand.json, "agent"), "relay"), STR_NONE), "10.9.0.1, 10.0.0.5");
    CHECK_INT(kept("agent.connected"), 1);
    CHECK_INT(hear(8, hello_of(SPOOL, BOOT, ",'relay':'10.0.0.6'")), RC_OK);
    CHECK(refuses(7, 1));
    CHECK(says(8, "welcome"));
    CHECK_INT(kept("agent.connected"), 1); /* another way is news */
    CHECK_INT(hear(9, hello_of(SPOOL, BOOT, "")), RC_OK);
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'agent.show','who':'admin','agent':'%s'}", uuid)));
    CHECK_TEXT(json_str(json_get(json_get(stand.json, "agent"), "relay"), STR_NONE), "");
    stand_close(&stand);
}

/* ---- how agents are ---- */

static void statuses_are_shown(void)
{
    opened();
    enrolled("");
    connected(1);
    CHECK_INT(hear(1, stand_format(&stand,
                                   "{'ask':'status','agent':'%s','offset_us':-1500,'error_us':20,'records':7,"
                                   "'bytes':900,'status':{'policy':3,'spool_bytes':10,'spool_limit':100,'note':'x'}}",
                                   uuid)),
              RC_OK);
    CHECK_INT(json_int(json_get(shown(), "offset_us"), 0), -1500);
    CHECK_INT(json_int(json_get(shown(), "error_us"), 0), 20);
    CHECK_INT(json_int(json_get(shown(), "records"), 0), 7);
    CHECK_INT(json_int(json_get(shown(), "policy"), 0), 3);
    CHECK_INT(json_int(json_get(shown(), "spool_bytes"), 0), 10);
    CHECK_TEXT(json_str(json_get(json_get(shown(), "status"), "note"), STR("")), "x");
    /* Without an object what was said before stays; one that is no object, too. */
    CHECK_INT(hear(1, stand_format(&stand, "{'ask':'status','agent':'%s','offset_us':9,'status':[1]}", uuid)), RC_OK);
    CHECK_INT(json_int(json_get(shown(), "offset_us"), 0), 9);
    CHECK_INT(json_int(json_get(shown(), "policy"), 0), 3);
    CHECK_TEXT(json_str(json_get(json_get(shown(), "status"), "note"), STR("")), "x");
    /* Not of this connection. */
    CHECK_INT(hear(2, stand_format(&stand, "{'ask':'status','agent':'%s','offset_us':11}", uuid)), RC_OK);
    CHECK_INT(json_int(json_get(shown(), "offset_us"), 0), 9);
    silence_out();
}

static void silence_is_told_once(void)
{
    kept("");
    watch(M(4));
    CHECK_TEXT(state(), "connected");
    CHECK_INT(kept("agent.silent"), 0);
    watch(M(2));
    CHECK_TEXT(state(), "silent");
    CHECK_INT(kept("agent.silent"), 1);
    CHECK_INT(incidents("qorgan-agent-silent"), 1);
    watch(M(60));
    CHECK_INT(kept("agent.silent"), 0);
    CHECK_INT(hear(1, stand_format(&stand, "{'ask':'status','agent':'%s'}", uuid)), RC_OK);
    CHECK_INT(kept("agent.heard"), 1);
    CHECK_TEXT(state(), "connected");
    watch(M(6));
    CHECK_INT(kept("agent.silent"), 1);
    CHECK_INT(incidents("qorgan-agent-silent"), 1); /* joined, as long as it is open */
    connected(1);
    CHECK_INT(kept("agent.heard"), 1);
    stand_close(&stand);
}

static void renewal_needs_the_enrolled_key(void)
{
    opened();
    enrolled("");
    const char *good = stand_format(&stand, "{'ask':'renew','agent':'%s','key':'" KEY "'}", uuid);
    CHECK_INT(hear(1, good), RC_OK);
    silence_out(); /* it is not connected */
    connected(1);
    kept("");
    CHECK_INT(hear(2, good), RC_OK);
    silence_out();
    CHECK_INT(hear(1, stand_format(&stand, "{'ask':'renew','agent':'%s','key':'" OTHER "'}", uuid)), RC_OK);
    CHECK(refuses(1, 6));
    CHECK_INT(hear(1, stand_format(&stand, "{'ask':'renew','agent':'%s'}", uuid)), RC_OK);
    CHECK(refuses(1, 6));
    CHECK_INT(hear(1, good), RC_OK);
    CHECK(next() && out.order == DESK_AGENT_ISSUE);
    CHECK_INT(issued("0c", "PEM 2"), RC_OK);
    CHECK(says(1, "certificate"));
    CHECK_TEXT(word("certificate"), "PEM 2");
    CHECK_TEXT(json_str(json_get(shown(), "serial"), STR("")), "0c");
    CHECK_INT(kept("agent.renewed"), 1);
    CHECK_INT(hear(1, good), RC_OK);
    CHECK(next());
    CHECK_INT(issued("", "not now"), RC_OK);
    silence_out(); /* it asks again */
    CHECK_INT(hear(1, good), RC_OK);
    CHECK(next());
    CHECK(stand_ask(&stand,
                    stand_format(&stand, "{'ask':'agent.revoke','who':'admin','agent':'%s','reason':'stolen'}", uuid)));
    CHECK(refuses(1, 3));
    CHECK_INT(hear(1, good), RC_OK);
    silence_out();
    stand_close(&stand);
}

/* ---- acts ---- */

static void revoked_agents_are_dropped(void)
{
    opened();
    enrolled("");
    connected(1);
    kept("");
    CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'agent.revoke','who':'admin','agent':'%s'}", uuid)));
    CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), "reason");
    silence_out();
    const char *revoke =
        stand_format(&stand, "{'ask':'agent.revoke','who':'admin','agent':'%s','reason':'stolen'}", uuid);
    CHECK(stand_ask(&stand, revoke));
    CHECK(refuses(1, 3));
    CHECK_TEXT(state(), "revoked");
    CHECK_TEXT(json_str(json_get(shown(), "revoked_why"), STR("")), "stolen");
    CHECK_INT(kept("agent.revoked"), 1);
    CHECK_INT(hear(2, hello_of(SPOOL, BOOT, "")), RC_OK);
    CHECK(refuses(2, 3));
    CHECK(!stand_ask(&stand, revoke));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK(!stand_ask(&stand, "{'ask':'agent.revoke','who':'admin','agent':'x','reason':'stolen'}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    watch(M(60));
    CHECK_INT(kept("agent.silent"), 0);
    enrolled(""); /* its name is free again */
    CHECK_TEXT(json_str(json_get(shown(), "name"), STR("")), "web-1");
}

static void agents_are_renamed(void)
{
    static const struct {
        const char *members, *error;
    } rows[] = {
        {",'name':''", "invalid"},   {",'name':'a:b'", "invalid"},   {",'group':' '", "invalid"},
        {",'object':99", "invalid"}, {",'name':'taken'", "invalid"}, {",'name':'\\u0007'", "invalid"},
    };
    char first[64];
    enrolled(",'name':'taken'");
    enrolled(",'name':'mine'");
    memcpy(first, uuid, sizeof first);
    kept("");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(!stand_ask(
            &stand, stand_format(&stand, "{'ask':'agent.save','who':'admin','agent':'%s'%s}", uuid, rows[i].members)));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
    }
    test_row("-");
    CHECK_INT(kept("agent.changed"), 0);
    CHECK(stand_ask(
        &stand, stand_format(&stand,
                             "{'ask':'agent.save','who':'admin','agent':'%s','name':'\xd1\x81\xd0\xb2\xd0\xb5\xd1\x82',"
                             "'group':'g'}",
                             uuid)));
    CHECK_INT(kept("agent.changed"), 1);
    CHECK_TEXT(json_str(json_get(shown(), "group"), STR("")), "g");
    CHECK(
        stand_ask(&stand, stand_format(&stand, "{'ask':'agent.save','who':'admin','agent':'%s','name':'mine'}", uuid)));
    CHECK_TEXT(json_str(json_get(shown(), "group"), STR("")), "g");
}

static void lists_are_filtered(void)
{
    static const struct {
        const char *members;
        int64_t total;
    } rows[] = {
        {"", 3},
        {",'state':'all'", 4},
        {",'state':'revoked'", 1},
        {",'state':'connected'", 0},
        {",'state':'silent'", 0},
        {",'group':'g'", 1},
        {",'text':'WEB'", 3},
        {",'text':'mine'", 1},
        {",'text':'10.0.0'", 3},
        {",'text':'%'", 0},
        {",'group':'nothing'", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'agent.list','who':'admin'%s}", rows[i].members)));
        CHECK_INT(json_int(json_get(stand.json, "total"), -1), rows[i].total);
        CHECK_INT(json_get(stand.json, "agents")->count, rows[i].total);
    }
    test_row("-");
    CHECK(stand_ask(&stand, "{'ask':'agent.list','who':'admin','limit':1,'offset':1}"));
    CHECK_INT(json_int(json_get(stand.json, "total"), -1), 3);
    CHECK_INT(json_get(stand.json, "agents")->count, 1);
    const struct json_value *totals = json_get(stand.json, "totals");
    CHECK_INT(json_int(json_get(totals, "agents"), -1), 3);
    CHECK_INT(json_int(json_get(totals, "revoked"), -1), 1);
    CHECK(!stand_ask(&stand, "{'ask':'agent.show','who':'admin','agent':'x'}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    stand_close(&stand);
}

/* ---- every act in every state ---- */

enum being { ENROLLING, AWAY, CONNECTED, SILENT, REVOKED, BEINGS };

static void bring(enum being being)
{
    opened();
    if (being == ENROLLING) {
        CHECK_INT(hear(1, enrolment(token_make(""), KEY)), RC_OK);
        CHECK(next());
        CHECK(stand_ask(&stand, "{'ask':'agent.list','who':'admin'}"));
        CHECK(str_copy_z(json_str(json_get(json_first(json_get(stand.json, "agents")), "agent"), STR("")), uuid,
                         sizeof uuid));
        return;
    }
    enrolled("");
    if (being != AWAY)
        connected(1);
    if (being == SILENT)
        watch(M(10));
    if (being == REVOKED) {
        CHECK(stand_ask(
            &stand, stand_format(&stand, "{'ask':'agent.revoke','who':'admin','agent':'%s','reason':'stolen'}", uuid)));
        CHECK(refuses(1, 3));
    }
    kept("");
}

static void every_act_in_every_state(void)
{
    static const char *const names[BEINGS] = {"enrolling", "away", "connected", "silent", "revoked"};
    /* what is given out first: w welcome, i ISSUE, 1..9 refused with that reason, - nothing; then the state */
    static const struct {
        const char *act;
        const char *out[BEINGS];
        enum being becomes[BEINGS];
    } rows[] = {
        {"hello", {"w", "w", "1w", "1w", "3"}, {CONNECTED, CONNECTED, CONNECTED, CONNECTED, REVOKED}},
        {"hello again", {"w", "w", "w", "w", "3"}, {CONNECTED, CONNECTED, CONNECTED, CONNECTED, REVOKED}},
        {"renew", {"-", "-", "i", "i", "-"}, {ENROLLING, AWAY, CONNECTED, SILENT, REVOKED}},
        {"status", {"-", "-", "-", "-", "-"}, {ENROLLING, AWAY, CONNECTED, CONNECTED, REVOKED}},
        {"closed", {"-", "-", "-", "-", "-"}, {ENROLLING, AWAY, AWAY, SILENT, REVOKED}},
        {"revoke", {"-", "-", "3", "3", "-"}, {REVOKED, REVOKED, REVOKED, REVOKED, REVOKED}},
        {"save", {"-", "-", "-", "-", "-"}, {ENROLLING, AWAY, CONNECTED, SILENT, REVOKED}},
        {"intake down", {"-", "-", "-", "-", "-"}, {ENROLLING, AWAY, AWAY, SILENT, REVOKED}},
        {"watch", {"-", "-", "-", "-", "-"}, {ENROLLING, AWAY, CONNECTED, SILENT, REVOKED}},
    };
    for (size_t r = 0; r < ARRAY_LEN(rows); r++)
        for (enum being being = 0; being < BEINGS; being++) {
            struct err err;
            char got[8] = "";
            size_t n = 0;
            test_row("%s of one that is %s", rows[r].act, names[being]);
            bring(being);
            CHECK_TEXT(state(), names[being]);
            if (strcmp(rows[r].act, "hello") == 0)
                CHECK_INT(hear(7, hello_of(SPOOL, BOOT, "")), RC_OK);
            else if (strcmp(rows[r].act, "hello again") == 0)
                CHECK_INT(hear(1, hello_of(SPOOL, BOOT, "")), RC_OK);
            else if (strcmp(rows[r].act, "revoke") == 0)
                stand_ask(
                    &stand,
                    stand_format(&stand, "{'ask':'agent.revoke','who':'admin','agent':'%s','reason':'old'}", uuid));
            else if (strcmp(rows[r].act, "save") == 0)
                CHECK_INT(
                    stand_ask(&stand,
                              stand_format(&stand, "{'ask':'agent.save','who':'admin','agent':'%s','name':'n'}", uuid)),
                    being != REVOKED);
            else if (strcmp(rows[r].act, "intake down") == 0)
                CHECK_INT(desk_agents_intake_down(stand.desk, 3, &err), RC_OK);
            else if (strcmp(rows[r].act, "watch") == 0)
                watch(S(20));
            else
                CHECK_INT(hear(1, stand_format(&stand, "{'ask':'%s','agent':'%s','key':'" KEY "'}", rows[r].act, uuid)),
                          RC_OK);
            while (next() && n + 1 < sizeof got)
                got[n++] = out.order == DESK_AGENT_ISSUE    ? 'i'
                           : str_is(word("say"), "welcome") ? 'w'
                                                            : (char)('0' + json_int(json_get(said, "reason"), 0));
            CHECK_TEXT(str_of(n ? got : "-"), rows[r].out[being]);
            CHECK_TEXT(state(), names[rows[r].becomes[being]]);
            stand_close(&stand);
        }
    test_row("-");
}

/* ---- nothing half done ---- */

static void failures_give_nothing_out(void)
{
    opened();
    enrolled(",'group':'g'");
    const char *hello = hello_of(SPOOL, BOOT, ",'seen_size':4,'seen_root':'AAAA'");
    for (uint64_t n = 1; n < 200; n++) {
        test_row("query %llu", (unsigned long long)n);
        db_fail_at(stand.db, n);
        enum rc rc = hear(n, hello);
        bool reached = db_fail_at(stand.db, 0);
        CHECK_INT(rc == RC_OK, !reached);
        if (!reached) {
            CHECK(says(n, "welcome"));
            break;
        }
        silence_out();
        CHECK_TEXT(state(), "away");
    }
    test_row("behind others");
    CHECK_INT(hear(501, hello), RC_OK);
    for (uint64_t n = 1; n < 200; n++) {
        db_fail_at(stand.db, n);
        enum rc rc = hear(502, hello);
        if (!db_fail_at(stand.db, 0)) {
            CHECK_INT(rc, RC_OK);
            break;
        }
    }
    CHECK(next() && next()); /* the place of the first, and the first itself */
    CHECK(refuses(501, 1));
    CHECK(says(502, "welcome"));
    silence_out();
    const char *digest = token_make("");
    for (uint64_t n = 1; n < 200; n++) {
        test_row("enrolment %llu", (unsigned long long)n);
        db_fail_at(stand.db, n);
        enum rc rc = hear(n, enrolment(digest, OTHER));
        bool reached = db_fail_at(stand.db, 0);
        CHECK_INT(rc == RC_OK, !reached);
        if (!reached) {
            CHECK(next() && out.order == DESK_AGENT_ISSUE);
            break;
        }
        silence_out();
    }
    test_row("-");
    stand_close(&stand);
}

static void agents_can_be_off(void)
{
    struct err err;
    struct str calendars[3];
    stand = (struct stand){.now = T0, .arena = arena_new((size_t)64 << 20)};
    buf_init(&stand.answer, DESK_QUESTION_MAX);
    struct desk_options options = stand_options(stand.arena, calendars);
    options.agent_authority = options.agent_digest = STR_NONE;
    CHECK_INT(db_open(":memory:", &stand.db, &err), RC_OK);
    CHECK_INT(desk_open(stand.db, &options, stand.now, &stand.desk, &stand.first, &err), RC_OK);
    stand_sign_in(&stand);
    CHECK(!stand_ask(&stand, "{'ask':'agent.token','who':'admin'}"));
    CHECK_TEXT(stand_error(&stand), "agents_off");
    CHECK(stand_ask(&stand, "{'ask':'agent.list','who':'admin'}"));
    CHECK(!json_bool(json_get(stand.json, "on"), true));
    stand_close(&stand);
}

static const struct test tests[] = {
    {"tokens are made", tokens_are_made},
    {"tokens are listed and end", tokens_are_listed_and_end},
    {"only administrators change agents", only_administrators_change_agents},
    {"an agent is enrolled", an_agent_is_enrolled},
    {"a token serves one key", a_token_serves_one_key},
    {"what does not enrol is refused", what_does_not_enrol_is_refused},
    {"nobody is enrolled while the signer is away", nobody_is_enrolled_while_the_signer_is_away},
    {"who may connect", who_may_connect},
    {"a newer connection takes the place", a_newer_connection_takes_the_place},
    {"copies are found", copies_are_found},
    {"contradictions are found", contradictions_are_found},
    {"an agent may trust again", an_agent_may_trust_again},
    {"relays are shown", relays_are_shown},
    {"statuses are shown", statuses_are_shown},
    {"silence is told once", silence_is_told_once},
    {"renewal needs the enrolled key", renewal_needs_the_enrolled_key},
    {"revoked agents are dropped", revoked_agents_are_dropped},
    {"agents are renamed", agents_are_renamed},
    {"lists are filtered", lists_are_filtered},
    {"every act in every state", every_act_in_every_state},
    {"failures give nothing out", failures_give_nothing_out},
    {"agents can be off", agents_can_be_off},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
