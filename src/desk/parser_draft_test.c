/* Patterns that people wrote: what is refused, versions, the record of each change, the end. */
#include "desk/desk_testing.h"

#include <string.h>

static struct stand stand;

#define GOOD                                                                                                           \
    "'ask':'parser.save','who':'admin','name':'door','program':'zzyzx','pattern':'door {n:num}','kind':'sign_in',"     \
    "'outcome':'success','set':'','sample':'door 7','reason':'our own doors'"

static size_t standing(void)
{
    CHECK(stand_ask(&stand, "{'ask':'parser.drafts','who':'admin'}"));
    return json_get(stand.json, "drafts")->count;
}

static void refusals(void)
{
    static const char *const bad[] = {
        "'name':'do or'", "'name':''",         "'name':'\\u0431'",  "'name':'a/b'",          "'program':''",
        "'pattern':''",   "'pattern':'a\\tb'", "'pattern':'a\\nb'", "'kind':'no_such'",      "'outcome':'maybe'",
        "'set':'a\\nb'",  "'reason':''",       "'who':'nobody'",    "'program':'a\\u0000b'",
    };
    struct err err;
    char question[1024];
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        snprintf(question, sizeof question, "{%s," GOOD "}", bad[i]); /* the first of a name counts */
        CHECK(!stand_ask(&stand, question));
        CHECK_INT(standing(), 0);
    }
    CHECK(!stand_ask(&stand, "{'ask':'parser.end','who':'admin','name':'door','reason':'not there'}"));
    CHECK(stand_ask(&stand, "{" GOOD "}"));
    CHECK(!stand_ask(&stand, "{'ask':'parser.end','who':'admin','name':'door','reason':''}"));
    CHECK_INT(standing(), 1);
    stand_close(&stand);
}

static enum rc no_such_set(const struct desk_pattern *pattern, const char **ret_cell, struct err *err)
{
    CHECK_TEXT(pattern->name, "door");
    CHECK_TEXT(pattern->program, "zzyzx");
    CHECK_TEXT(pattern->pattern, "door {n:num}");
    *ret_cell = "set";
    return str_is(pattern->set, "@none=1") ? err_set(err, RC_INVALID, "unknown statutory field") : RC_OK;
}

/* What the service would not load is refused, with the cell and why; nothing is kept of it. */
static void what_would_not_load(void)
{
    struct err err;
    stand_rules.pattern = no_such_set;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    CHECK(!stand_ask(&stand, "{'set':'@none=1'," GOOD "}"));
    CHECK_TEXT(stand_error(&stand), "invalid");
    CHECK_TEXT(json_str(json_get(stand.json, "field"), STR_NONE), "set");
    CHECK_TEXT(json_str(json_get(stand.json, "text"), STR_NONE), "unknown statutory field");
    CHECK_INT(standing(), 0);
    CHECK(stand_ask(&stand, "{'set':'action=1'," GOOD "}"));
    CHECK_INT(standing(), 1);
    stand_close(&stand);
    stand_rules.pattern = NULL;
}

static void versions(void)
{
    struct err err;
    struct json_value *record = NULL;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    CHECK(stand_ask(&stand, "{" GOOD "}"));
    CHECK_INT(json_int(json_get(stand.json, "version"), -1), 1);
    CHECK_INT(stand_records(&stand, "parser.draft", &record), 1);
    CHECK_TEXT(json_str(json_get(record, "pattern"), STR_NONE), "door {n:num}");
    CHECK_TEXT(json_str(json_get(record, "detail"), STR_NONE), "our own doors");
    CHECK(stand_ask(&stand, "{'pattern':'door {d:num}'," GOOD "}"));
    CHECK_INT(json_int(json_get(stand.json, "version"), -1), 2);
    CHECK_INT(standing(), 1);
    CHECK_TEXT(json_str(json_get(json_first(json_get(stand.json, "drafts")), "pattern"), STR_NONE), "door {d:num}");
    CHECK_TEXT(json_str(json_get(json_first(json_get(stand.json, "drafts")), "sample"), STR_NONE), "door 7");
    CHECK(stand_ask(&stand, "{'name':'gate'," GOOD "}"));
    CHECK_INT(standing(), 2);
    CHECK(stand_ask(&stand, "{'ask':'parser.end','who':'admin','name':'door','reason':'never used'}"));
    CHECK_INT(stand_records(&stand, "parser.ended", &record), 1);
    CHECK_INT(json_int(json_get(record, "version"), -1), 2);
    CHECK_INT(standing(), 1);
    CHECK(stand_ask(&stand, "{" GOOD "}")); /* versions go on */
    CHECK_INT(json_int(json_get(stand.json, "version"), -1), 3);
    CHECK_INT(stand_records(&stand, "parser.draft", &record), 4);
    stand_close(&stand);
}

/* All that stand are one answer, whatever their samples are. */
static void they_fit_into_an_answer(void)
{
    static char question[16384];
    char sample[8001];
    struct err err;
    size_t saved = 0;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    memset(sample, 'x', sizeof sample - 1);
    sample[sizeof sample - 1] = '\0';
    for (; saved < 1000; saved++) {
        snprintf(question, sizeof question, "{'name':'door-%zu','sample':'%s'," GOOD "}", saved, sample);
        if (!stand_ask(&stand, question))
            break;
    }
    CHECK_TEXT(stand_error(&stand), "too_large");
    CHECK(saved > 60 && saved < 70);
    CHECK_INT(standing(), saved);
    snprintf(question, sizeof question, "{'name':'door-0','sample':'%s'," GOOD "}", sample);
    CHECK(stand_ask(&stand, question)); /* in place of one that stands */
    CHECK(stand_ask(&stand, "{'ask':'parser.end','who':'admin','name':'door-1','reason':'never used'}"));
    snprintf(question, sizeof question, "{'name':'door-1','sample':'%s'," GOOD "}", sample);
    CHECK(stand_ask(&stand, question));
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"they fit into an answer", they_fit_into_an_answer},
        {"refusals", refusals},
        {"what would not load", what_would_not_load},
        {"versions", versions},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
