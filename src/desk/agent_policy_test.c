/* What agents collect: texts that are no policy, signatures, who is told when, old texts again, other groups. */
#include "desk/agent_testing.h"

static bool policy_save(const char *group, const char *text)
{
    return stand_ask(&stand, stand_format(&stand,
                                          "{'ask':'policy.save','who':'admin','group':'%s','text':'%s',"
                                          "'reason':'as agreed'}",
                                          group, text));
}

/* The signer does what it was asked, "NOTE n" for version n. */
static void policy_signed(int64_t version)
{
    struct err err;
    CHECK_INT(out.order, DESK_AGENT_SIGN);
    CHECK_INT(out.id, version);
    CHECK_INT(desk_agent_policy_signed(stand.desk, out.id, true,
                                       str_of(stand_format(&stand, "NOTE %lld", (long long)version)), stand.now, &err),
              RC_OK);
}

static void policies_are_checked(void)
{
    static const char *const refused[] = {
        "", "x", "[]", "1", "{} {}", "{\\\"a\\\":}", "{\\\"a\\\":1", "{\\\"a\\\":\\\"\\\\u007f\x7f\\\"}"};
    opened();
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        test_row("%s", refused[i]);
        CHECK(!policy_save("g", refused[i]));
        CHECK_TEXT(stand_error(&stand), "invalid");
        CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), "text");
    }
    test_row("-");
    CHECK(!policy_save("a\\nb", "{}"));
    CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), "group");
    CHECK(!stand_ask(&stand, "{'ask':'policy.save','who':'admin','group':'g','text':'{}','reason':'x'}"));
    CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), "reason");
    watch(S(1));
    silence_out();
    CHECK_INT(kept("policy.changed"), 0);
}

static void policies_are_signed_and_told(void)
{
    struct err err;
    enrolled(",'group':'g'");
    connected(1);
    CHECK(policy_save("g", "{ \\\"files\\\" : [ \\\"/var/log\\\", \\\"a \\\\\\\" b\\\" ],\\n \\\"journal\\\": true }"));
    CHECK_INT(json_int(json_get(stand.json, "version"), 0), 1);
    silence_out(); /* it is looked at with the next tick */
    watch(S(1));
    CHECK(next());
    CHECK_TEXT(out.text, "qorgan agent policy\nsite/0123456789abcdef0123456789abcdef\ng\n1\n"
                         "{\"files\":[\"/var/log\",\"a \\\" b\"],\"journal\":true}\n");
    uint64_t id = out.id;
    watch(S(1));
    silence_out();
    watch(S(61)); /* it was not answered */
    CHECK(next() && out.order == DESK_AGENT_SIGN && out.id == id);
    desk_agents_signer_down(stand.desk);
    watch(S(1));
    CHECK(next() && out.id == id);
    CHECK_INT(desk_agent_policy_signed(stand.desk, id, false, STR("no"), stand.now, &err), RC_OK);
    CHECK(stand_ask(&stand, "{'ask':'policy.list','who':'admin'}"));
    const struct json_value *group = json_first(json_get(stand.json, "groups"));
    CHECK_TEXT(json_str(json_get(group, "error"), STR("")), "no");
    CHECK_INT(json_int(json_get(group, "in_force"), -1), 0);
    CHECK_INT(json_int(json_get(group, "newest"), -1), 1);
    CHECK_INT(desk_agent_policy_signed(stand.desk, id, true, STR("NOTE 1"), stand.now, &err), RC_OK);
    watch(S(1));
    CHECK(says(1, "policy"));
    CHECK_INT(json_int(json_get(said, "version"), 0), 1);
    CHECK_TEXT(word("note"), "NOTE 1");
    watch(S(70));
    silence_out(); /* once */
    CHECK_INT(desk_agent_policy_signed(stand.desk, id, true, STR("NOTE X"), stand.now, &err), RC_OK);
    CHECK_INT(hear(1, hello_of(SPOOL, BOOT, "")), RC_OK);
    CHECK(says(1, "welcome"));
    CHECK_INT(json_int(json_get(said, "policy"), 0), 1);
    CHECK_TEXT(word("note"), "NOTE 1"); /* the first signature stands */
    CHECK_INT(kept("policy.changed"), 1);
    CHECK_INT(json_int(json_get(shown(), "policy_wanted"), 0), 1);
}

static void policies_are_rolled_back(void)
{
    CHECK(policy_save("g", "{\\\"files\\\":[]}"));
    watch(S(1));
    CHECK(next());
    policy_signed(2);
    watch(S(1));
    CHECK(says(1, "policy"));
    CHECK(!stand_ask(&stand, "{'ask':'policy.roll_back','who':'admin','group':'h','version':1,'reason':'why'}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK(!stand_ask(&stand, "{'ask':'policy.roll_back','who':'admin','group':'g','version':9,'reason':'why'}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK(!stand_ask(&stand, "{'ask':'policy.roll_back','who':'admin','group':'g','version':1,'reason':''}"));
    CHECK(stand_ask(&stand, "{'ask':'policy.roll_back','who':'admin','group':'g','version':1,'reason':'too little'}"));
    CHECK_INT(json_int(json_get(stand.json, "version"), 0), 3);
    watch(S(1));
    CHECK(next());
    CHECK(str_ends(out.text, STR("\n3\n{\"files\":[\"/var/log\",\"a \\\" b\"],\"journal\":true}\n")));
    policy_signed(3);
    watch(S(1));
    CHECK(says(1, "policy"));
    CHECK_TEXT(word("note"), "NOTE 3");
    CHECK_INT(kept("policy.changed"), 2);
    CHECK(stand_ask(&stand, "{'ask':'policy.get','who':'admin','group':'g'}"));
    CHECK_INT(json_int(json_get(stand.json, "version"), 0), 3);
    CHECK_INT(json_int(json_get(stand.json, "in_force"), 0), 3);
    CHECK_INT(json_int(json_get(stand.json, "before"), 0), 2);
    CHECK_TEXT(json_str(json_get(stand.json, "before_text"), STR("")), "{\"files\":[]}");
    const struct json_value *versions = json_get(stand.json, "versions");
    CHECK_INT(versions->count, 3);
    CHECK_INT(json_int(json_get(json_first(versions), "was"), 0), 1);
    CHECK(json_int(json_get(json_first(versions), "record"), 0) >= 1000);
    CHECK(stand_ask(&stand, "{'ask':'policy.get','who':'admin','group':'g','version':1}"));
    CHECK_INT(json_int(json_get(stand.json, "before"), -1), 0);
    CHECK(!stand_ask(&stand, "{'ask':'policy.get','who':'admin','group':'g','version':8}"));
    CHECK(stand_ask(&stand, "{'ask':'policy.get','who':'admin','group':'new'}"));
    CHECK_INT(json_int(json_get(stand.json, "version"), -1), 0);
}

/* An agent believes only numbers above its own: one that comes from another group needs a new one. */
static void agents_go_to_other_groups(void)
{
    CHECK(
        !stand_ask(&stand, stand_format(&stand, "{'ask':'agent.save','who':'admin','agent':'%s','group':'h'}", uuid)));
    CHECK_TEXT(stand_error(&stand), "agent_group_empty");
    CHECK(policy_save("h", "{}"));
    watch(S(1));
    CHECK(next());
    policy_signed(4);
    CHECK(policy_save("g", "{\\\"x\\\":1}"));
    watch(S(1));
    CHECK(next());
    policy_signed(5);
    watch(S(1));
    CHECK(says(1, "policy"));
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'agent.save','who':'admin','agent':'%s','group':'h'}", uuid)));
    watch(S(1));
    CHECK(next());
    CHECK(str_ends(out.text, STR("\nh\n6\n{}\n")));
    policy_signed(6);
    watch(S(1));
    CHECK(says(1, "policy"));
    CHECK_INT(json_int(json_get(said, "version"), 0), 6);
    silence_out();
    /* Back again, where the number is lower. */
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'agent.save','who':'admin','agent':'%s','group':'g'}", uuid)));
    watch(S(1));
    CHECK(next());
    CHECK(str_ends(out.text, STR("\ng\n7\n{\"x\":1}\n")));
    for (int i = 0; i < 210; i++)
        CHECK(policy_save("many", "{}"));
    CHECK(stand_ask(&stand, "{'ask':'policy.get','who':'admin','group':'many','version':217}"));
    CHECK(!stand_ask(&stand, "{'ask':'policy.get','who':'admin','group':'many','version':8}") ||
          json_int(json_get(stand.json, "in_force"), -1) == 0);
    stand_close(&stand);
}

/* As the role reads it: here nothing may be called "bad". */
static enum rc reader(struct str text, struct arena *arena, struct err *err)
{
    (void)arena;
    CHECK(str_starts(text, STR("qorgan agent policy\nsite/0123456789abcdef0123456789abcdef\ng\n1\n{")));
    return str_search(text, STR("\"bad\"")) < text.n ? err_set(err, RC_INVALID, "bad is bad") : RC_OK;
}

static void what_agents_would_refuse_is_not_saved(void)
{
    struct err err;
    struct str calendars[3];
    stand = (struct stand){.now = T0, .arena = arena_new((size_t)64 << 20)};
    buf_init(&stand.answer, DESK_QUESTION_MAX);
    struct desk_options options = stand_options(stand.arena, calendars);
    options.policy_check = reader;
    CHECK_INT(db_open(":memory:", &stand.db, &err), RC_OK);
    CHECK_INT(desk_open(stand.db, &options, stand.now, &stand.desk, &stand.first, &err), RC_OK);
    stand_sign_in(&stand);
    CHECK(!policy_save("g", "{\\\"bad\\\":1}"));
    CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), "text");
    CHECK_TEXT(json_str(json_get(stand.json, "text"), STR("")), "bad is bad");
    CHECK(policy_save("g", "{\\\"good\\\":1}"));
    stand_close(&stand);
}

static const struct test tests[] = {
    {"policies are checked", policies_are_checked},
    {"policies are signed and told", policies_are_signed_and_told},
    {"policies are rolled back", policies_are_rolled_back},
    {"agents go to other groups", agents_go_to_other_groups},
    {"what agents would refuse is not saved", what_agents_would_refuse_is_not_saved},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
