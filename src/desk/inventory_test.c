/* What machines are made of: told by their agents, kept, searched, and healed by snapshots. */
#include "desk/inventory.h"

#include "desk/agent_testing.h"
#include "tlog/hash.h"

static uint8_t source[16];
static uint64_t number = 100;

static void source_make(const char *agent)
{
    struct tlog_hasher *hasher = tlog_hasher_new();
    struct tlog_hash hash;
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, str_at("agent", 6));
    tlog_hash_add(hasher, str_at(agent, 37));
    tlog_hash_add(hasher, str_at("agent", 6));
    tlog_hash_end(hasher, &hash);
    memcpy(source, &hash, 16);
    tlog_hasher_free(hasher);
}

static void opened_with_agent(void)
{
    opened();
    enrolled(",'name':'srv-1'");
    source_make(uuid);
}

static enum rc take_at(uint64_t record, const char *text)
{
    const struct desk_inventory_record one = {
        .record = record, .received_ns = stand.now, .source = source, .json = str_of(quoted(text))};
    struct err err = {0};
    return desk_inventory_take(stand.desk, &one, 1, &err);
}

static void take(const char *text)
{
    CHECK_INT(take_at(++number, text), RC_OK);
}

static bool ask(const char *text)
{
    return stand_ask(&stand, text);
}

static int64_t total(const char *question)
{
    CHECK(ask(question));
    return json_int(json_get(stand.json, "total"), -1);
}

static size_t count_of(const char *list)
{
    const struct json_value *value = json_get(stand.json, list);
    return value ? value->count : 999;
}

static size_t changes(void)
{
    CHECK(ask("{'ask':'inventory.changes','who':'admin'}"));
    return count_of("changes");
}

#define FIRST                                                                                                          \
    "{'event':'inventory.snapshot','kind':'package','snapshot':5,'part':1,'last':true,'count':3,'items':["             \
    "['libssl3:amd64',{'name':'libssl3','version':'3.0.11-1','source':'openssl'}],"                                    \
    "['openssl:amd64',{'name':'openssl','version':'3.0.15-1'}],['zlib1g:amd64',{'name':'zlib1g','version':'1'}]]}"

static void a_snapshot_is_kept_and_changes_are_history(void)
{
    opened_with_agent();
    take(FIRST);
    CHECK_INT(total("{'ask':'inventory.show','who':'admin','agent':'srv-1'}"), 3);
    CHECK_INT(changes(), 0); /* what is told the first time did not change */
    take("{'event':'inventory.changed','kind':'package','key':'zlib1g:amd64','value':{'name':'zlib1g','version':'2'},"
         "'before':{'name':'zlib1g','version':'1'}}");
    take("{'event':'inventory.added','kind':'package','key':'b:all','value':{'name':'b','version':'1'},'now':{'x':1}}");
    take("{'event':'inventory.removed','kind':'package','key':'libssl3:amd64','before':{}}");
    CHECK_INT(changes(), 3);
    const struct json_value *row = json_first(json_get(stand.json, "changes"));
    CHECK_TEXT(json_str(json_get(row, "change"), STR("")), "removed");
    CHECK_TEXT(json_str(json_get(row, "key"), STR("")), "libssl3:amd64");
    CHECK_TEXT(json_str(json_get(json_get(row, "before"), "version"), STR("")), "3.0.11-1");
    row = row->next->next;
    CHECK_TEXT(json_str(json_get(row, "change"), STR("")), "changed");
    CHECK_TEXT(json_str(json_get(json_get(row, "before"), "version"), STR("")), "1");
    CHECK_TEXT(json_str(json_get(json_get(row, "value"), "version"), STR("")), "2");
    CHECK_INT(json_int(json_get(row, "record"), 0), (int64_t)number - 2);
    CHECK_INT(total("{'ask':'inventory.show','who':'admin','agent':'srv-1','text':'B:ALL'}"), 1);
    CHECK_INT(total("{'ask':'inventory.show','who':'admin','agent':'srv-1','kind':'port'}"), 0);
    CHECK_INT(total("{'ask':'inventory.list','who':'admin'}"), 1);
    CHECK(!ask("{'ask':'inventory.show','who':'admin','agent':'nobody'}"));
    stand_close(&stand);
}

static void what_comes_again_changes_nothing(void)
{
    opened_with_agent();
    take(FIRST);
    take("{'event':'inventory.removed','kind':'package','key':'zlib1g:amd64','before':{}}");
    CHECK_INT(take_at(number, "{'event':'inventory.added','kind':'package','key':'x','value':{}}"), RC_OK);
    CHECK_INT(take_at(number - 1, FIRST), RC_OK);
    CHECK_INT(total("{'ask':'inventory.show','who':'admin','agent':'srv-1'}"), 2);
    CHECK_INT(changes(), 1);
    take("{'event':'inventory.removed','kind':'package','key':'zlib1g:amd64','before':{}}"); /* gone already */
    take("{'event':'inventory.changed','kind':'package','key':'openssl:amd64','value':{'name':'openssl','version':"
         "'3.0.15-1'}}"); /* nothing that was not known */
    CHECK_INT(changes(), 1);
    stand_close(&stand);
}

/* A change that was lost on its way is found by the next snapshot. */
static void a_snapshot_heals(void)
{
    opened_with_agent();
    take(FIRST);
    take("{'event':'inventory.snapshot','kind':'package','snapshot':4,'part':1,'last':false,'items':["
         "['openssl:amd64',{'name':'openssl','version':'3.0.16-1'}]]}"); /* the agent's clock went back */
    take("{'event':'inventory.snapshot','kind':'package','snapshot':4,'part':2,'last':true,'count':2,'items':["
         "['new:all',{'name':'new','version':'1'}]]}");
    CHECK_INT(total("{'ask':'inventory.show','who':'admin','agent':'srv-1'}"), 2);
    CHECK_INT(changes(), 4); /* changed, added, two removed */
    CHECK(json_bool(json_get(json_first(json_get(stand.json, "changes")), "found"), false));
    stand_close(&stand);
}

/* One that is not whole adds and removes nothing that it does not name. */
static void a_snapshot_that_is_not_whole_removes_nothing(void)
{
    static const char *const rows[] = {
        /* the first part is missing; a wrong count; no last one */
        "{'event':'inventory.snapshot','kind':'package','snapshot':9,'part':2,'last':true,'count':0,'items':[]}",
        "{'event':'inventory.snapshot','kind':'package','snapshot':9,'part':1,'last':true,'count':1,'items':[]}",
        "{'event':'inventory.snapshot','kind':'package','snapshot':9,'part':1,'last':true,'items':[]}",
        "{'event':'inventory.snapshot','kind':'package','snapshot':9,'part':1,'last':false,'items':[]}",
        "{'event':'inventory.snapshot','kind':'package','part':1,'last':true,'count':0,'items':[]}",
        "{'event':'inventory.snapshot','kind':'package','snapshot':9,'part':1,'last':true,'count':0,'items':{}}",
        "{'event':'inventory.snapshot','kind':'port','snapshot':9,'part':1,'last':true,'count':0,'items':[]}",
        "{'event':'inventory.snapshot','kind':'Package','snapshot':9,'part':1,'last':true,'count':0,'items':[]}",
        "{'event':'inventory.snapshot','kind':'','snapshot':9,'part':1,'last':true,'count':0,'items':[]}",
        "{'event':'inventory.added','kind':'package','key':'','value':{}}",
        "{'event':'inventory.added','kind':'package','key':'a','value':'x'}",
        "{'event':'inventory.added','kind':'package','key':'a'}",
        "{'event':'inventory.removed','kind':'package','key':'openssl:amd64','value':{}}",
        "{'event':'inventory.else','kind':'package','key':'openssl:amd64'}",
        "{'event':'inventory.added'",
        "[]",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i]);
        opened_with_agent();
        take(FIRST);
        take(rows[i]);
        CHECK_INT(total("{'ask':'inventory.show','who':'admin','agent':'srv-1'}"), 3);
        CHECK_INT(changes(), 0);
        stand_close(&stand);
    }
}

static void nobody_else_tells_of_a_machine(void)
{
    opened_with_agent();
    source[0] ^= 1; /* no agent's */
    take(FIRST);
    CHECK_INT(total("{'ask':'inventory.list','who':'admin'}"), 0);
    CHECK_INT(total("{'ask':'inventory.search','who':'admin','name':'openssl'}"), 0);
    stand_close(&stand);
}

static void found_by_name_version_port_and_program(void)
{
    static const struct {
        const char *question;
        int64_t total; /* -1: refused */
    } rows[] = {
        {"'name':'openssl','op':'lt','version':'3.0.15'", 1}, /* libssl3, by its source */
        {"'name':'openssl','op':'<','version':'3.0.16'", 2},
        {"'name':'openssl','op':'<=','version':'3.0.15-1'", 2},
        {"'name':'openssl','op':'ge','version':'3.0.15-1'", 1},
        {"'name':'openssl','op':'eq','version':'3.0.15-1'", 1},
        {"'name':'openssl','op':'gt','version':'3.0.15-1'", 0},
        {"'name':'openss','op':'lt','version':'9'", 0}, /* versions of another package */
        {"'name':'open'", 2},
        {"'name':'open','exact':true", 0},
        {"'name':'openssl','exact':true", 2},
        {"'name':'zsh','op':'lt','version':'5.8.1'", 1}, /* of rpm: '^' is before any other segment */
        {"'name':'zsh','op':'eq','version':'1:5.8^1'", 0},
        {"'name':'zsh','op':'eq','version':'5.8^1'", 1},
        {"'kind':'port','name':'22','exact':true", 1},
        {"'kind':'port','name':'sshd'", 1},
        {"'kind':'port','name':'2222'", 0},
        {"'kind':'user','name':'openssl'", 0},
        {"'kind':'port','name':'22','object':99", 0},
        {"'name':''", -1},
        {"'name':'a','op':'lt'", -1},
        {"'name':'a','version':'1'", -1},
        {"'name':'a','op':'like','version':'1'", -1},
    };
    opened_with_agent();
    take(FIRST);
    take("{'event':'inventory.added','kind':'port','key':'tcp 0.0.0.0:22','value':{'protocol':'tcp','port':22,"
         "'program':'sshd'}}");
    take("{'event':'inventory.added','kind':'package','key':'zsh:x86_64','value':{'name':'zsh','version':'5.8^1-2.el9',"
         "'tool':'rpm'}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char question[256];
        test_row("%s", rows[i].question);
        snprintf(question, sizeof question, "{'ask':'inventory.search','who':'admin',%s}", rows[i].question);
        bool answered = ask(question);
        CHECK(answered == (rows[i].total >= 0));
        if (answered)
            CHECK_INT(json_int(json_get(stand.json, "total"), -1), rows[i].total);
    }
    CHECK_INT(total("{'ask':'inventory.search','who':'admin','name':'open','limit':1,'offset':1}"), 2);
    CHECK_INT(count_of("found"), 1);
    stand_close(&stand);
}

static void an_object_is_told_by_its_machines(void)
{
    opened_with_agent();
    take("{'event':'inventory.snapshot','kind':'system','snapshot':5,'part':1,'last':true,'count':3,'items':["
         "['os',{'name':'Debian 12'}],['hardware',{'vendor':'QEMU','serial':'S-1'}],['memory',{'bytes':77}]]}");
    take(
        "{'event':'inventory.snapshot','kind':'interface','snapshot':5,'part':1,'last':true,'count':2,'items':["
        "['eth0',{'type':'ethernet','addresses':['192.0.2.1/24']}],['lo',{'type':'loopback','addresses':['127.0.0.1/8']"
        "}]]}");
    take("{'event':'inventory.snapshot','kind':'port','snapshot':5,'part':1,'last':true,'count':2,'items':["
         "['tcp 0.0.0.0:443',{'port':443,'program':'nginx'}],['tcp 127.0.0.1:5432',{'port':5432}]]}");
    CHECK(ask("{'ask':'inventory.object','who':'admin','object':1}"));
    CHECK_INT(json_int(json_get(stand.json, "agents"), 0), 1);
    const struct json_value *host = json_first(json_get(stand.json, "hosts"));
    CHECK_TEXT(json_str(json_get(host, "os"), STR("")), "Debian 12");
    CHECK_TEXT(json_str(json_get(host, "serial"), STR("")), "S-1");
    CHECK_INT(json_int(json_get(host, "memory"), 0), 77);
    CHECK_INT(json_get(host, "addresses")->count, 1);
    CHECK_INT(json_get(host, "listens")->count, 1);
    CHECK_TEXT(json_str(json_first(json_get(host, "listens")), STR("")), "tcp 0.0.0.0:443 nginx");
    CHECK(!ask("{'ask':'inventory.object','who':'admin','object':99}"));
    stand_close(&stand);
}

static void the_agent_is_asked_when_it_can_answer(void)
{
    char question[128];
    opened_with_agent();
    snprintf(question, sizeof question, "{'ask':'inventory.ask','who':'admin','agent':'%s'}", uuid);
    CHECK(!ask(question)); /* it is not connected */
    connected(7);
    silence_out();
    CHECK(!ask(question)); /* and did not say that it takes one */
    CHECK_INT(hear(7, stand_format(&stand, "{'ask':'status','agent':'%s','status':{'inventory':true}}", uuid)), RC_OK);
    silence_out();
    CHECK(ask(question));
    CHECK(says(7, "inventory"));
    CHECK(!ask("{'ask':'inventory.ask','who':'admin','agent':'x'}"));
    CHECK_INT(kept("agent.inventory-asked"), 1);
    stand_close(&stand);
}

static void a_machine_has_its_limits(void)
{
    static char text[64 << 10];
    opened_with_agent();
    int64_t id = 0;
    for (int64_t part = 1; id <= INVENTORY_ITEMS_MAX; part++) {
        struct buf json;
        buf_init_fixed(&json, text, sizeof text);
        buf_format(&json,
                   "{\"event\":\"inventory.snapshot\",\"kind\":\"user\",\"snapshot\":5,\"part\":%lld,\"last\":false,"
                   "\"items\":[",
                   (long long)part);
        for (unsigned i = 0; i < 1000; i++)
            buf_format(&json, "%s[\"u%lld\",{}]", i ? "," : "", (long long)id++);
        buf_text(&json, "]}");
        CHECK(!json.overflow);
        const struct desk_inventory_record one = {
            .record = ++number, .received_ns = stand.now, .source = source, .json = buf_view(&json)};
        CHECK_INT(desk_inventory_take(stand.desk, &one, 1, NULL), RC_OK);
    }
    CHECK(ask("{'ask':'inventory.list','who':'admin'}"));
    const struct json_value *host = json_first(json_get(stand.json, "hosts"));
    CHECK_INT(json_int(json_get(host, "items"), 0), INVENTORY_ITEMS_MAX);
    CHECK_INT(json_int(json_get(host, "full"), 0), id - INVENTORY_ITEMS_MAX);
    for (int64_t i = 0; i < INVENTORY_CHANGES_MAX + 10; i++) {
        snprintf(text, sizeof text, "{'event':'inventory.changed','kind':'user','key':'u1','value':{'n':%lld}}",
                 (long long)i);
        take(text);
    }
    CHECK_INT(db_begin(stand.db, DB_READ, NULL), RC_OK);
    struct db_query q = db_query(stand.db, "SELECT count(*) FROM inventory_change");
    int64_t kept_rows = db_one_i64(&q, 0);
    CHECK_INT(db_end(stand.db, true, NULL), RC_OK);
    CHECK(kept_rows <= INVENTORY_CHANGES_MAX && kept_rows > INVENTORY_CHANGES_MAX - 600);
    stand_close(&stand);
}

static void versions_of_dpkg(void)
{
    static const struct {
        const char *a;
        const char *b;
        int order;
    } rows[] = {
        {"1", "1", 0},
        {"1", "2", -1},
        {"1.10", "1.9", 1},
        {"1.0", "1", 1},
        {"1.0~rc1", "1.0", -1},
        {"1.0~", "1.0~~", 1},
        {"1:1", "2", 1},
        {"0:1", "1", 0},
        {"1-1", "1", 1},
        {"1-0", "1", 0},
        {"1-1", "1-2", -1},
        {"3.0.11-1~deb12u2", "3.0.15", -1},
        {"3.0.15-1", "3.0.15", 1},
        {"a", "b", -1},
        {"1a", "1+", -1},
        {"1.2+dfsg-1", "1.2-1", 1},
        {"001", "1", 0},
        {"", "", 0},
        {"", "1", -1},
        {"~", "", -1},
        {"99999999999999999999", "100000000000000000000", -1},
        {"1-2-3", "1-2-4", -1},
        {"2.30-1", "2.4-9", 1},
        {"1:", "1:0", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s %s", rows[i].a, rows[i].b);
        CHECK_INT(inventory_version_compare(STR(""), str_of(rows[i].a), str_of(rows[i].b)), rows[i].order);
        CHECK_INT(inventory_version_compare(STR(""), str_of(rows[i].b), str_of(rows[i].a)), -rows[i].order);
    }
}

/* What rpm 4.18 said of each (rpm.vercmp of its Lua; of whole labels its own comparison of dependencies);
 * tests/inventory.py asks the rpm that is there. */
static void versions_of_rpm(void)
{
    static const struct {
        const char *a;
        const char *b;
        int order;
    } rows[] = {
        {"", "", 0},
        {"", "1", -1},
        {"", "~", 1},
        {"", "^", -1},
        {"...", "", 0},
        {"1", "1", 0},
        {"1", "2", -1},
        {"1.10", "1.9", 1},
        {"1.0", "1", 1},
        {"1.0", "1_0", 0},
        {"1.0", "1..0.", 0},
        {"1.0", "10", -1},
        {"001", "1", 0},
        {"0", "00", 0},
        {"a", "b", -1},
        {"a", "A", 1},
        {"a", "aa", -1},
        {"1", "a", 1},
        {"1a", "1", 1},
        {"1a", "1.a", 0},
        {"1a2", "1b1", -1},
        {"1.a", "1.0", -1},
        {"1.0~rc1", "1.0", -1},
        {"1.0~rc1", "1.0~rc2", -1},
        {"1.0~", "1.0~~", 1},
        {"1~1", "1.1", -1},
        {"1.0^", "1.0", 1},
        {"1.0^git1", "1.0", 1},
        {"1.0^git1", "1.0^git2", -1},
        {"1.0^git1", "1.0.1", -1},
        {"1.0^git1", "1.01", -1},
        {"1.0^git1~pre", "1.0^git1", -1},
        {"1.0~rc1^git1", "1.0~rc1", 1},
        {"1.0~rc1^git1", "1.0", -1},
        {"1.0^~", "1.0^", -1},
        {"1^", "1~", 1},
        {"1^2", "1a", -1},
        {"1\xc3\xa4", "1", 0},
        {"99999999999999999999", "100000000000000000000", -1},
        {"00000000000000000000002", "1", 1},
        {"1:1", "2", 1},
        {"0:1", "1", 0},
        {":1", "1", 0},
        {"x:1", "x.1", 0}, /* no epoch: it is no number */
        {"01:1", "1:1", 0},
        {"3.0.7-24.el9", "3.0.7-25.el9_3", -1},
        {"3.0.7-25.el9", "3.0.7-25.el9_3", -1},
        {"1:3.0.7-24.el9", "3.0.8-1.el9", 1},
        {"3.0.7-24.el9", "3.0.7", 0}, /* any release */
        {"3.0.7-24.el9", "3.0.8", -1},
        {"3.0.7-", "3.0.7-1", -1},
        {"1-2-3", "1.2-3", 0}, /* the release is what follows the last one */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s %s", rows[i].a, rows[i].b);
        CHECK_INT(inventory_version_compare(STR("rpm"), str_of(rows[i].a), str_of(rows[i].b)), rows[i].order);
        CHECK_INT(inventory_version_compare(STR("rpm"), str_of(rows[i].b), str_of(rows[i].a)), -rows[i].order);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"a snapshot is kept and changes are history", a_snapshot_is_kept_and_changes_are_history},
        {"what comes again changes nothing", what_comes_again_changes_nothing},
        {"a snapshot heals", a_snapshot_heals},
        {"a snapshot that is not whole removes nothing", a_snapshot_that_is_not_whole_removes_nothing},
        {"nobody else tells of a machine", nobody_else_tells_of_a_machine},
        {"found by name, version, port and program", found_by_name_version_port_and_program},
        {"an object is told by its machines", an_object_is_told_by_its_machines},
        {"the agent is asked when it can answer", the_agent_is_asked_when_it_can_answer},
        {"a machine has its limits", a_machine_has_its_limits},
        {"versions of dpkg", versions_of_dpkg},
        {"versions of rpm", versions_of_rpm},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
