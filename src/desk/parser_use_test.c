/* Patterns that people put into use: the table, versions, what is refused, records, who could not take them. */
#include "desk/desk_testing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct stand stand;

#define HEAD "id\tprogram\tpattern\tkind\toutcome\tset\n"
#define SAVE(name, pattern)                                                                                            \
    "{'ask':'parser.save','who':'admin','name':'" name "','program':'zzyzx','pattern':'" pattern                       \
    "','kind':'sign_in','outcome':'success','set':'','reason':'our own'}"
#define USE(name, more) "{'ask':'parser.use','who':'admin','name':'" name "'," more "'reason':'it was tried'}"
#define STOP(name)      "{'ask':'parser.stop','who':'admin','name':'" name "','reason':'not needed'}"

static bool opened_at(const char *path)
{
    struct err err = {0};
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    CHECK_TEXT(str_of(err.text), "");
    if (!stand.desk)
        return false;
    if (stand.first.made)
        stand_sign_in(&stand);
    return true;
}

static void table_is(const char *wanted)
{
    struct buf out;
    struct err err = {0};
    buf_init(&out, (size_t)1 << 20);
    CHECK_INT(desk_patterns_write(stand.desk, &out, &err), RC_OK);
    CHECK_STR(buf_view(&out), str_of(wanted));
    buf_done(&out);
}

/* That of the list by name; NULL: it is not there. */
static const struct json_value *listed(const char *name)
{
    CHECK(stand_ask(&stand, "{'ask':'parser.drafts','who':'admin'}"));
    for (const struct json_value *d = json_first(json_get(stand.json, "drafts")); d; d = d->next)
        if (str_is(stand_text(d, "name"), name))
            return d;
    return NULL;
}

/* version of the draft, in use, in use before */
static void listed_is(const char *name, int64_t version, int64_t used, int64_t before)
{
    const struct json_value *d = listed(name);
    if (!CHECK(d != NULL))
        return;
    CHECK_INT(stand_number(d, "version"), version);
    CHECK_INT(stand_number(d, "used_version"), used);
    CHECK_INT(stand_number(d, "before_version"), before);
}

static void versions(void)
{
    struct json_value *record = NULL;
    if (!opened_at(":memory:"))
        return;
    uint64_t version = desk_patterns_version(stand.desk);
    CHECK(version > 0);
    CHECK(stand_ask(&stand, SAVE("door", "door {n:num}")));
    listed_is("door", 1, 0, 0);
    table_is("");
    CHECK_INT(desk_patterns_version(stand.desk), version); /* a draft is nothing to who parses */
    CHECK(stand_ask(&stand, USE("door", "")));
    CHECK_INT(desk_patterns_version(stand.desk), version + 1);
    table_is(HEAD "door\tzzyzx\tdoor {n:num}\tsign_in\tsuccess\t\n");
    CHECK_INT(stand_records(&stand, "parser.used", &record), 1);
    CHECK_TEXT(stand_text(record, "pattern"), "door {n:num}");
    CHECK_TEXT(stand_text(record, "detail"), "it was tried");
    CHECK_TEXT(stand_text(record, "who"), "admin");
    CHECK_INT(stand_number(record, "was_version"), -1);
    CHECK(stand_ask(&stand, SAVE("door", "door {d:num}")));
    listed_is("door", 2, 1, 0);
    table_is(HEAD "door\tzzyzx\tdoor {n:num}\tsign_in\tsuccess\t\n");
    CHECK(stand_ask(&stand, USE("door", "")));
    listed_is("door", 2, 2, 1);
    CHECK(stand_ask(&stand, USE("door", "'version':1,")));
    CHECK_INT(stand_records(&stand, "parser.used", &record), 3);
    CHECK_INT(stand_number(record, "version"), 1);
    CHECK_INT(stand_number(record, "was_version"), 2);
    listed_is("door", 2, 1, 2);
    CHECK(stand_ask(&stand, SAVE("arch", "arch {n:num}")) && stand_ask(&stand, USE("arch", "'version':1,")));
    table_is(HEAD "arch\tzzyzx\tarch {n:num}\tsign_in\tsuccess\t\ndoor\tzzyzx\tdoor {n:num}\tsign_in\tsuccess\t\n");
    CHECK(stand_ask(&stand, "{'ask':'parser.versions','who':'admin','name':'door'}"));
    CHECK_INT(json_get(stand.json, "versions")->count, 2);
    CHECK_INT(json_get(stand.json, "uses")->count, 3);
    CHECK_INT(stand_number(json_first(json_get(stand.json, "uses")), "version"), 1);
    CHECK_INT(stand_number(stand.json, "used_version"), 1);
    CHECK(stand_ask(&stand, STOP("door")));
    listed_is("door", 2, 0, 1);
    table_is(HEAD "arch\tzzyzx\tarch {n:num}\tsign_in\tsuccess\t\n");
    CHECK_INT(stand_records(&stand, "parser.stopped", &record), 1);
    CHECK_INT(stand_number(record, "version"), 1);
    CHECK_INT(desk_patterns_version(stand.desk), version + 5);
    stand_close(&stand);
}

/* A draft ends beside what is in use, but not the version that is. */
static void drafts_end(void)
{
    if (!opened_at(":memory:"))
        return;
    CHECK(stand_ask(&stand, SAVE("door", "door {n:num}")) && stand_ask(&stand, USE("door", "")));
    CHECK(!stand_ask(&stand, "{'ask':'parser.end','who':'admin','name':'door','reason':'away'}"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK(stand_ask(&stand, SAVE("door", "door {d:num}")));
    CHECK(stand_ask(&stand, "{'ask':'parser.end','who':'admin','name':'door','reason':'away'}"));
    listed_is("door", 1, 1, 0);
    CHECK(!json_bool(json_get(listed("door"), "stands"), true));
    table_is(HEAD "door\tzzyzx\tdoor {n:num}\tsign_in\tsuccess\t\n");
    CHECK(!stand_ask(&stand, USE("door", ""))); /* none stands */
    CHECK(stand_ask(&stand, USE("door", "'version':2,")));
    CHECK(stand_ask(&stand, STOP("door")));
    CHECK(listed("door") == NULL);
    table_is("");
    stand_close(&stand);
}

static enum rc no_gates(void *context, struct str table, const char **ret_cell, struct err *err)
{
    (void)context;
    *ret_cell = "set";
    return str_search(table, STR("gate")) < table.n ? err_set(err, RC_INVALID, "line 3: it is a gate") : RC_OK;
}

static void refusals(void)
{
    static const struct {
        const char *question, *error;
    } rows[] = {
        {USE("none", ""), "not_found"},
        {USE("door", "'version':3,"), "not_found"},
        {USE("door", "'version':-1,"), "invalid"},
        {USE("door", ""), "state_refuses"},
        {USE("gate", ""), "invalid"},
        {USE("gate", "'version':1,"), "invalid"},
        {STOP("gate"), "not_found"},
        {STOP("none"), "not_found"},
        {"{'ask':'parser.use','who':'admin','name':'arch','reason':''}", "invalid"},
        {"{'ask':'parser.use','who':'nobody','name':'arch','reason':'it was tried'}", "denied"},
        {"{'ask':'parser.stop','who':'admin','name':'door','reason':' '}", "invalid"},
        {"{'ask':'parser.stop','who':'nobody','name':'door','reason':'it was tried'}", "denied"},
        {"{'ask':'parser.versions','who':'admin','name':'none'}", "not_found"},
    };
    struct json_value *record = NULL;
    stand_rules.patterns = no_gates;
    if (!opened_at(":memory:"))
        return;
    CHECK(stand_ask(&stand, SAVE("door", "door {n:num}")) && stand_ask(&stand, USE("door", "")));
    CHECK(stand_ask(&stand, SAVE("gate", "gate {n:num}")) && stand_ask(&stand, SAVE("arch", "arch {n:num}")));
    uint64_t version = desk_patterns_version(stand.desk);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu: %s", i, rows[i].error);
        CHECK(!stand_ask(&stand, rows[i].question));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
        CHECK_INT(desk_patterns_version(stand.desk), version);
        CHECK_INT(stand_records(&stand, "parser.used", &record), 1);
        CHECK_INT(stand_records(&stand, "parser.stopped", &record), 0);
        table_is(HEAD "door\tzzyzx\tdoor {n:num}\tsign_in\tsuccess\t\n");
    }
    CHECK(!stand_ask(&stand, USE("gate", "")));
    CHECK_TEXT(stand_text(stand.json, "field"), "set");
    CHECK_TEXT(stand_text(stand.json, "text"), "line 3: it is a gate");
    listed_is("gate", 1, 0, 0);
    stand_close(&stand);
    stand_rules.patterns = NULL;
}

/* What is in use when the desk closes is when it opens, and the record of each step is known once it is kept. */
static void restart(void)
{
    char folder[] = "/tmp/qorgan-use-XXXXXX";
    char path[64];
    struct desk_record record;
    struct err err = {0};
    if (!CHECK(mkdtemp(folder) != NULL) || !CHECK(snprintf(path, sizeof path, "%s/desk.db", folder) > 0))
        return;
    if (!opened_at(path))
        return;
    CHECK(stand_ask(&stand, SAVE("door", "door {n:num}")) && stand_ask(&stand, USE("door", "")));
    for (uint64_t n = 100; desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK; n++)
        CHECK_INT(desk_record_kept(stand.desk, record.local_id, n, &err), RC_OK);
    CHECK(stand_ask(&stand, "{'ask':'parser.versions','who':'admin','name':'door'}"));
    CHECK(stand_number(json_first(json_get(stand.json, "uses")), "record") > 100);
    stand_close(&stand);
    if (!opened_at(path))
        return;
    table_is(HEAD "door\tzzyzx\tdoor {n:num}\tsign_in\tsuccess\t\n");
    listed_is("door", 1, 1, 0);
    stand_close(&stand);
    for (size_t i = 0; i < 3; i++) {
        static const char *const ends[] = {"", "-wal", "-shm"};
        CHECK(snprintf(path, sizeof path, "%s/desk.db%s", folder, ends[i]) > 0);
        IGNORE(unlink(path) != 0); /* the last two may be gone */
    }
    CHECK_INT(rmdir(folder), 0);
}

static void who_could_not(void)
{
    struct json_value *record = NULL;
    struct err err = {0};
    if (!opened_at(":memory:"))
        return;
    CHECK_INT(desk_patterns_taken(stand.desk, 0, STR(""), stand.now, &err), RC_OK);
    CHECK_INT(stand_records(&stand, "parsers.taken", &record), 0);
    CHECK_INT(desk_patterns_taken(stand.desk, 0, STR("they fit the same texts"), stand.now, &err), RC_OK);
    CHECK_INT(desk_patterns_taken(stand.desk, DESK_RULES_QUERY, STR("no memory"), stand.now, &err), RC_OK);
    CHECK_INT(stand_records(&stand, "parsers.not_taken", &record), 2);
    CHECK_TEXT(stand_text(record, "process"), "query");
    CHECK_TEXT(stand_text(record, "detail"), "no memory");
    CHECK(stand_ask(&stand, "{'ask':'parser.drafts','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "patterns_behind")->count, 2);
    CHECK(stand_ask(&stand, "{'ask':'source.list','who':'admin'}"));
    CHECK_INT(stand_number(json_get(stand.json, "totals"), "patterns_behind"), 2);
    CHECK_INT(stand_number(json_get(stand.json, "totals"), "rules_behind"), 0);
    CHECK_INT(desk_patterns_taken(stand.desk, 0, STR(""), stand.now, &err), RC_OK);
    CHECK_INT(stand_records(&stand, "parsers.taken", &record), 1);
    CHECK(stand_ask(&stand, "{'ask':'parser.drafts','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "patterns_behind")->count, 1);
    stand_close(&stand);
}

/* All in use are one message: past its room none more is taken. */
static void there_is_room_for_so_many(void)
{
    static char question[8192];
    char cell[1001];
    size_t used = 0;
    if (!opened_at(":memory:"))
        return;
    memset(cell, 'x', sizeof cell - 1);
    cell[sizeof cell - 1] = '\0';
    for (; used < 1000; used++) {
        snprintf(question, sizeof question,
                 "{'ask':'parser.save','who':'admin','name':'door-%zu','program':'%s','pattern':'%s','set':'%s',"
                 "'reason':'our own'}",
                 used, cell, cell, cell);
        if (!stand_ask(&stand, question))
            break;
        snprintf(question, sizeof question, USE("door-%zu", ""), used);
        if (!stand_ask(&stand, question))
            break;
    }
    CHECK_TEXT(stand_error(&stand), "too_large");
    CHECK(used > 150 && used < 180);
    snprintf(question, sizeof question, STOP("door-%d"), 0);
    CHECK(stand_ask(&stand, question));
    stand_close(&stand);
}

/* As many as may stand can be in use, too: none of them is one more. */
static void as_many_as_may_stand(void)
{
    int kept = 0;
    if (!opened_at(":memory:"))
        return;
    while (kept <= 1000 && stand_ask(&stand, stand_format(&stand, SAVE("door-%d", "door-%d {n:num}"), kept, kept)))
        kept++;
    CHECK_INT(kept, 1000);
    CHECK_TEXT(stand_error(&stand), "too_large");
    CHECK(stand_ask(&stand, USE("door-999", "")));
    listed_is("door-999", 1, 1, 0);
    CHECK(stand_ask(&stand, SAVE("door-999", "door-999 {d:num}")) && stand_ask(&stand, USE("door-999", "")));
    CHECK(stand_ask(&stand, SAVE("door-999", "door-999 {e:num}")));
    CHECK(!stand_ask(&stand, USE("door-0", ""))); /* the one in use is none of those that stand: one too many */
    CHECK_TEXT(stand_error(&stand), "too_large");
    CHECK(stand_ask(&stand, STOP("door-999")) && stand_ask(&stand, USE("door-0", "")));
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"versions", versions},
        {"drafts end", drafts_end},
        {"refusals", refusals},
        {"a restart", restart},
        {"who could not take them", who_could_not},
        {"there is room for so many", there_is_room_for_so_many},
        {"as many as may stand", as_many_as_may_stand},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
