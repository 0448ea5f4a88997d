/* agent_testing.h - what the tests about agents share: an intake and a signer that a test plays. Only tests include it.
 */
#ifndef DESK_AGENT_TESTING_H
#define DESK_AGENT_TESTING_H

#include "base/bytes.h"
#include "desk/agents.h"
#include "desk/desk_testing.h"
#include "tlog/hash.h"

#define KEY   "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"
#define OTHER "MCowBQYDK2VwAyEA"
#define SPOOL "00000000000000aa"
#define BOOT  "000000000000000000000000000000b1"

static struct stand stand;
static struct json_value *said; /* the last answer of the desk to an intake */
static struct desk_agent_out out;
static char uuid[64]; /* of the agent that was enrolled last */
static uint64_t record_number = 1000;

__attribute__((unused)) static void opened(void)
{
    struct err err;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        printf("# %s\n", err.text);
    stand_sign_in(&stand);
}

__attribute__((unused)) static const char *quoted(const char *text)
{
    char *copy = arena_strz(stand.arena, str_of(text));
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return copy;
}

__attribute__((unused)) static enum rc hear(uint64_t connection, const char *text)
{
    struct err err;
    const struct desk_agent_word word = {.from = {3, connection}, .text = str_of(quoted(text))};
    return desk_agents_hear(stand.desk, &word, 1, stand.now, &err);
}

/* What is given out next; false: nothing. A saying is parsed. */
__attribute__((unused)) static bool next(void)
{
    struct err err;
    said = NULL;
    if (!desk_agents_take(stand.desk, &out))
        return false;
    out.text = arena_str(stand.arena, out.text);
    if (out.order == DESK_AGENT_SAY && !CHECK_INT(json_parse(stand.arena, out.text, 16, &said, &err), RC_OK))
        printf("# %.*s\n", STR_ARG(out.text));
    return true;
}

__attribute__((unused)) static struct str word(const char *member)
{
    return json_str(json_get(said, member), STR("-"));
}

/* The next thing given out is a word to this connection. */
__attribute__((unused)) static bool says(uint64_t connection, const char *what)
{
    if (!CHECK(next()))
        return false;
    CHECK_INT(out.order, DESK_AGENT_SAY);
    CHECK_INT(out.to.intake, 3);
    CHECK_INT(out.to.connection, connection);
    return CHECK_TEXT(word("say"), what);
}

__attribute__((unused)) static bool refuses(uint64_t connection, int reason)
{
    return says(connection, "refused") && CHECK_INT(json_int(json_get(said, "reason"), 0), reason) &&
           CHECK(word("text").n > 10);
}

__attribute__((unused)) static void silence_out(void)
{
    CHECK(!next());
}

/* How many records of an event wait; those that wait are kept, so that incidents open. */
__attribute__((unused)) static size_t kept(const char *event)
{
    struct desk_record record;
    struct err err;
    size_t count = 0;
    struct json_value *json;
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK) {
        if (CHECK_INT(json_parse(stand.arena, record.body, 16, &json, &err), RC_OK))
            count += str_is(json_str(json_get(json, "event"), STR("")), event);
        CHECK_INT(desk_record_kept(stand.desk, record.local_id, record_number++, &err), RC_OK);
    }
    return count;
}

/* Open incidents of a rule. */
__attribute__((unused)) static int64_t incidents(const char *rule)
{
    int64_t count = 0;
    CHECK(stand_ask(&stand, "{'ask':'incident.list','who':'admin','state':'open','limit':200}"));
    for (const struct json_value *row = json_first(json_get(stand.json, "incidents")); row; row = row->next)
        count += str_is(json_str(json_get(row, "rule_id"), STR("")), rule);
    return count;
}

/* A token's digest, as an intake would say it. */
__attribute__((unused)) static const char *token_make(const char *members)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash hash;
    uint8_t secret[16];
    char hex[65] = "";
    if (!CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'agent.token','who':'admin'%s}", members))))
        return "";
    struct str token = json_str(json_get(stand.json, "token"), STR(""));
    CHECK(hex_decode(str_slice(token, token.n - 32, token.n), secret, sizeof secret));
    tlog_hash_bytes(hasher, str_at(secret, sizeof secret), &hash);
    hex_encode(&hash, sizeof hash, hex);
    return arena_strz(stand.arena, str_of(hex));
}

__attribute__((unused)) static const char *enrolment(const char *digest, const char *key)
{
    return stand_format(&stand,
                        "{'ask':'enrol','digest':'%s','key':'%s','address':'10.0.0.9','host':'web:1',"
                        "'program':'qorgan-agent 1'}",
                        digest, key);
}

__attribute__((unused)) static enum rc issued(const char *serial, const char *text)
{
    struct err err;
    return desk_agent_issued(stand.desk, out.id, str_of(serial), str_of(text), stand.now, &err);
}

/* One agent more, named; its uuid is in `uuid`. */
__attribute__((unused)) static void enrolled(const char *members)
{
    CHECK_INT(hear(1, enrolment(token_make(members), KEY)), RC_OK);
    CHECK(next());
    CHECK_INT(out.order, DESK_AGENT_ISSUE);
    CHECK_INT(issued("0a0b", "PEM"), RC_OK);
    if (says(1, "enrolled"))
        CHECK(str_copy_z(word("agent"), uuid, sizeof uuid));
}

__attribute__((unused)) static const char *hello_of(const char *spool, const char *boot, const char *more)
{
    return stand_format(&stand,
                        "{'ask':'hello','agent':'%s','serial':'0a0b','until':%lld,'address':'10.0.0.9','spool':'%s',"
                        "'boot':'%s','host':'web1','program':'qorgan-agent 1'%s}",
                        uuid, (long long)(stand.now / SECOND_NS + 86400), spool, boot, more);
}

__attribute__((unused)) static void connected(uint64_t connection)
{
    CHECK_INT(hear(connection, hello_of(SPOOL, BOOT, "")), RC_OK);
    says(connection, "welcome");
}

/* Of the one agent that was enrolled last. */
__attribute__((unused)) static const struct json_value *shown(void)
{
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'agent.show','who':'admin','agent':'%s'}", uuid)));
    return json_get(stand.json, "agent");
}

__attribute__((unused)) static struct str state(void)
{
    return json_str(json_get(shown(), "state"), STR(""));
}

__attribute__((unused)) static void watch(int64_t after_ns)
{
    struct err err;
    stand.now += after_ns;
    CHECK_INT(desk_agents_watch(stand.desk, stand.now, &err), RC_OK);
}

#endif
