/* Clocks and what they follow: which servers are accepted; a loss is told once when it lasts, and its end. */
#include "desk/time_source.h"

#include "desk/agent_testing.h"

static void which_are_accepted(void)
{
    static const struct {
        const char *accepted, *servers;
        enum time_choice choice;
    } rows[] = {
        {"", "", TIME_ACCEPTED},
        {" ", "pool.example", TIME_ACCEPTED},
        {"ntp.example", "", TIME_NONE_SAID},
        {"ntp.example", "ntp.example", TIME_ACCEPTED},
        {"ntp.example", "NTP.Example", TIME_ACCEPTED},
        {"ntp.example  192.0.2.1", "192.0.2.1 ntp.example", TIME_ACCEPTED},
        {"ntp.example", "ntp.example other", TIME_FOREIGN},
        {"ntp.example", "xntp.example", TIME_FOREIGN},
        {"ntp.example", "a.ntp.example", TIME_FOREIGN},
        {".example", "a.example b.c.example", TIME_ACCEPTED},
        {".example", "example", TIME_FOREIGN},
        {".example", "aexample", TIME_FOREIGN},
        {".", "a", TIME_FOREIGN},
        {"192.0.2.1", "192.0.2.10", TIME_FOREIGN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s: %s", rows[i].accepted, rows[i].servers);
        CHECK_INT(time_choice_of(str_of(rows[i].accepted), str_of(rows[i].servers)), rows[i].choice);
    }
}

static void says_time(const char *time)
{
    CHECK_INT(hear(1, stand_format(&stand, "{'ask':'status','agent':'%s','status':{%s}}", uuid, time)), RC_OK);
}

static const struct json_value *agent_time(void)
{
    CHECK(shown() != NULL);
    return json_get(stand.json, "time");
}

static void a_loss_is_told_once(void)
{
    struct json_value *record = NULL;
    opened();
    enrolled("");
    connected(1);
    kept("");
    says_time("'x':1"); /* an older agent, or a kernel that does not say */
    CHECK(agent_time() == NULL);
    says_time("'time':{'synced':true,'lost_s':0,'error_us':400,'daemon':'chrony','servers':'a b'}");
    CHECK_INT(stand_number(agent_time(), "lost_ns"), 0);
    CHECK_TEXT(stand_text(agent_time(), "servers"), "a b");
    CHECK_TEXT(stand_text(agent_time(), "choice"), "accepted");
    stand.now += M(1);
    says_time("'time':{'synced':false,'lost_s':60,'error_us':2500000,'daemon':'chrony','servers':'a b'}");
    CHECK_INT(stand_number(agent_time(), "lost_ns"), stand.now - S(60));
    CHECK_INT(kept("time.lost"), 0);
    stand.now += M(14);
    says_time("'time':{'synced':false,'lost_s':900,'error_us':2900000,'daemon':'chrony','servers':'a b'}");
    CHECK_INT(stand_records(&stand, "time.lost", &record), 1);
    CHECK_TEXT(stand_text(record, "host"), "web1");
    CHECK_TEXT(stand_text(record, "servers"), "a b");
    CHECK_INT(kept("time.lost"), 1);
    CHECK_INT(incidents("qorgan-time-lost"), 1);
    CHECK(stand_ask(&stand, "{'ask':'agent.list','who':'admin'}"));
    CHECK_INT(stand_number(json_get(stand.json, "totals"), "time_lost"), 1);
    stand.now += M(30);
    says_time("'time':{'synced':false,'lost_s':2700,'error_us':4900000,'daemon':'chrony','servers':'a b'}");
    CHECK_INT(kept("time.lost"), 0);
    says_time("'time':{'synced':true,'error_us':300,'daemon':'chrony','servers':'a b'}");
    CHECK_INT(kept("time.back"), 1);
    CHECK(!json_bool(json_get(agent_time(), "lost"), true));
    says_time("'time':{'synced':false,'lost_s':86400,'error_us':4900000}"); /* it was away meanwhile */
    CHECK_INT(kept("time.lost"), 1);
    says_time("'time':[]");
    says_time("'time':{'synced':false,'lost_s':-5,'error_us':-9,'daemon':'a\\nb','servers':7}");
    CHECK_TEXT(stand_text(agent_time(), "daemon"), "");
    CHECK_INT(stand_number(agent_time(), "error_us"), 0);
    stand_close(&stand);
}

static void of_this_machine(const char *time)
{
    struct err err;
    CHECK_INT(desk_time_said(stand.desk, str_of(quoted(time)), stand.now, &err), RC_OK);
}

static void this_machine_and_what_it_may_ask(void)
{
    opened();
    stand.desk->time_servers = STR("ntp.example .kz");
    kept("");
    of_this_machine("{'time':{'synced':true,'error_us':3,'daemon':'chrony','servers':'time.example.kz'}}");
    CHECK_INT(kept("time.foreign"), 0);
    of_this_machine("{'time':{'synced':true,'error_us':3,'daemon':'chrony','servers':'pool.example'}}");
    CHECK_INT(kept("time.foreign"), 1);
    of_this_machine("{'time':{'synced':true,'error_us':3,'daemon':'chrony','servers':'pool.example'}}");
    CHECK_INT(kept("time.foreign"), 0);
    CHECK(stand_ask(&stand, "{'ask':'source.list','who':'admin'}"));
    CHECK_TEXT(stand_text(json_get(json_get(stand.json, "totals"), "time"), "choice"), "foreign");
    of_this_machine("{'time':{'synced':false,'lost_s':1000,'error_us':3,'daemon':'chrony','servers':'ntp.example'}}");
    CHECK_INT(stand_records(&stand, "time.accepted", &said), 1);
    CHECK_INT(kept("time.lost"), 1);
    CHECK_INT(incidents("qorgan-time-lost"), 1);
    CHECK(stand_ask(&stand, "{'ask':'agent.list','who':'admin'}"));
    CHECK_INT(stand_number(json_get(stand.json, "totals"), "time_lost"), 0); /* it is no agent */
    of_this_machine("{}");
    of_this_machine("{");
    of_this_machine("");
    CHECK_INT(kept("time.back"), 0);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"which servers are accepted", which_are_accepted},
        {"a loss is told once, when it lasts, and its end", a_loss_is_told_once},
        {"this machine, and what it may ask", this_machine_and_what_it_may_ask},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
