/* Uploads: how a file comes to be a report, whoever dies in between, and what the desk believes of who read it. */
#include "desk/upload.h"

#include "desk/desk_testing.h"

#define SHA      "abababababababababababababababababababababababababababababababab"
#define FIRST    "{\"address\":\"192.0.2.1\",\"title\":\"Old server\",\"severity\":3,\"scanner\":\"nmap\"}"
#define SECOND   "{\"host\":\"db\",\"title\":\"Weak key\",\"severity\":2,\"scanner\":\"nmap\"}"
#define DECIDED  "{\"host\":\"db\",\"title\":\"Gone\",\"severity\":2,\"verdict\":\"fixed\"}"
#define ADD_MORE "'object':1,'name':'scan.xml'"

static struct stand stand;

static bool ask(const char *question)
{
    return stand_ask(&stand, question);
}

static int64_t add(const char *more)
{
    CHECK(ask(stand_format(
        &stand, "{'ask':'upload.add','who':'admin'," ADD_MORE ",'bytes':9,'file':77,'sha256':'" SHA "'%s}", more)));
    return stand_number(stand.json, "id");
}

static bool act(const char *what, int64_t id)
{
    return ask(stand_format(&stand, "{'ask':'upload.%s','who':'admin','id':%lld}", what, (long long)id));
}

static const struct json_value *upload(int64_t id)
{
    CHECK(act("get", id));
    return json_get(stand.json, "upload");
}

static struct str state(int64_t id)
{
    return stand_text(upload(id), "state");
}

static int64_t count(int64_t id, const char *fate)
{
    int64_t total = 0;
    for (const struct json_value *row = json_first(json_get(upload(id), "counts")); row; row = row->next)
        if (str_is(stand_text(row, "fate"), fate))
            total += stand_number(row, "count");
    return total;
}

/* What the reader hands over, in parts of one list each, and its end. */
static void read_it(int64_t id, const char *const *lists, const uint32_t *counts, size_t n)
{
    struct err err = {0};
    int64_t next, file;
    const struct desk_upload_end end = {.format = STR("nmap"), .scanner = STR("nmap"), .hosts = 2, .passed = 1};
    CHECK_INT(desk_upload_next(stand.desk, &next, &file, &err), RC_OK);
    CHECK(next == id && file == 77 && desk_upload_wanted(stand.desk, id));
    for (size_t i = 0; i < n; i++)
        if (!CHECK_INT(desk_upload_part(stand.desk, id, counts[i], str_of(lists[i]), &err), RC_OK))
            printf("# %s\n", err.text);
    CHECK_INT(desk_upload_end(stand.desk, id, &end, stand.now, &err), RC_OK);
    CHECK(!desk_upload_wanted(stand.desk, id));
}

static void read_two(int64_t id)
{
    static const char *const lists[] = {"[" FIRST "," FIRST "]", "[" SECOND "," DECIDED "]"};
    read_it(id, lists, (const uint32_t[]){2, 2}, 2);
}

static enum rc step(void)
{
    struct err err = {0};
    arena_reset(stand.arena);
    return desk_upload_step(stand.desk, stand.now, stand.arena, &err);
}

static void work(void)
{
    for (int i = 0; desk_upload_works(stand.desk) && CHECK(i < 1000); i++)
        if (!CHECK_INT(step(), RC_OK))
            break;
}

static int64_t rows(const char *sql)
{
    struct err err = {0};
    int64_t n = -1;
    if (CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK)) {
        struct db_query q = db_query(stand.db, sql);
        n = db_one_i64(&q, 0);
        CHECK_INT(db_end(stand.db, false, &err), RC_OK);
    }
    return n;
}

static int64_t vulnerabilities(void)
{
    CHECK(ask("{'ask':'vulnerability.list','who':'admin','state':'all'}"));
    return stand_number(stand.json, "total");
}

static void from_file_to_report(void)
{
    struct json_value *record = NULL;
    stand_ready(&stand);
    CHECK(ask("{'ask':'upload.check','who':'admin'," ADD_MORE ",'origin':'survey'}"));
    int64_t id = add(",'origin':'survey'");
    CHECK_TEXT(state(id), "reading");
    CHECK_INT(stand_records(&stand, "upload.added", &record), 1);
    CHECK_TEXT(stand_text(record, "sha256"), SHA);
    read_two(id);
    CHECK_TEXT(state(id), "counting");
    work();
    CHECK_TEXT(state(id), "ready");
    CHECK(count(id, "fresh") == 2 && count(id, "known") == 0 && count(id, "closed") == 0);
    const struct json_value *u = upload(id);
    CHECK(stand_number(u, "repeated") == 1 && stand_number(u, "decided") == 1 && stand_number(u, "findings") == 4);
    CHECK(stand_number(u, "places") == 2 && stand_number(u, "strangers_total") == 2); /* it has no asset */
    CHECK_TEXT(stand_text(json_first(json_get(u, "terms")), "clock"), "M-18");
    int64_t due = stand_number(json_first(json_get(u, "terms")), "due_ns");
    CHECK_INT(vulnerabilities(), 0);
    CHECK(act("accept", id));
    int64_t report = stand_number(stand.json, "id");
    CHECK_TEXT(state(id), "taking");
    CHECK(!act("drop", id) && !act("accept", id));
    CHECK(!ask(stand_format(&stand, "{'ask':'findings.end','who':'admin','id':%lld}", (long long)report)));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    work();
    CHECK_TEXT(state(id), "done");
    CHECK_INT(vulnerabilities(), 2);
    CHECK(ask(stand_format(&stand, "{'ask':'findings.get','who':'admin','id':%lld}", (long long)report)));
    const struct json_value *f = json_get(stand.json, "report");
    CHECK(stand_number(f, "fresh") == 2 && stand_number(f, "known") == 0 && stand_number(f, "ended_ns") > 0);
    CHECK_INT(stand_number(json_first(json_get(f, "clocks")), "due_ns"), due); /* as it was shown */
    CHECK_INT(stand_records(&stand, "findings.ended", &record), 1);
    CHECK_TEXT(stand_text(record, "sha256"), SHA);
    CHECK_INT(rows("SELECT (SELECT count(*) FROM upload_part) + (SELECT count(*) FROM upload_print)"), 0);
    stand_close(&stand);
}

/* What another report changed is not taken unseen. */
static void numbers_that_hold(void)
{
    stand_ready(&stand);
    int64_t one = add(",'origin':'own'");
    read_two(one);
    int64_t two = add(",'origin':'own'");
    read_two(two);
    work();
    CHECK(count(one, "fresh") == 2 && count(two, "fresh") == 2);
    CHECK(act("accept", one));
    work();
    CHECK(json_bool(json_get(upload(two), "stale"), false));
    CHECK(!act("accept", two));
    CHECK_TEXT(stand_error(&stand), "upload_stale");
    CHECK_TEXT(state(two), "counting");
    work();
    CHECK(count(two, "fresh") == 0 && count(two, "known") == 2);
    CHECK(!json_first(json_get(upload(two), "terms")) && stand_number(upload(two), "twin") > 0);
    CHECK(act("accept", two));
    work();
    CHECK_INT(vulnerabilities(), 2);
    stand_close(&stand);
}

static void what_a_control_survey_would_close(void)
{
    static const char *const seen[] = {"[" SECOND "]"};
    stand_ready(&stand);
    int64_t id = add(",'origin':'survey'");
    read_two(id);
    work();
    CHECK(act("accept", id));
    work();
    CHECK(ask("{'ask':'vulnerability.act','who':'admin','ids':[1,2],'act':'fix','reason':'updated'}"));
    id = add(",'origin':'survey','control':true");
    read_it(id, seen, (const uint32_t[]){1}, 1);
    work();
    CHECK(count(id, "closed") == 1 && count(id, "returned") == 1 && count(id, "fresh") == 0);
    CHECK(act("accept", id));
    work();
    CHECK(ask("{'ask':'vulnerability.list','who':'admin','state':'closed'}"));
    CHECK_INT(stand_number(stand.json, "total"), 1);
    stand_close(&stand);
}

/* Every query of a step fails once: nothing is counted or taken twice, or left out. */
static void every_query_fails_once(void)
{
    stand_ready(&stand);
    int64_t id = add(",'origin':'survey'");
    read_two(id);
    for (int round = 0; round < 2; round++) {
        for (uint64_t n = 1; desk_upload_works(stand.desk) && CHECK(n < 2000); n++) {
            db_fail_at(stand.db, n % 60 + 1);
            enum rc rc = step();
            bool reached = db_fail_at(stand.db, 0);
            CHECK(reached ? rc != RC_OK : rc == RC_OK);
        }
        test_row("round %d", round);
        if (round == 0) {
            CHECK(count(id, "fresh") == 2 && stand_number(upload(id), "repeated") == 1);
            CHECK(act("accept", id));
        }
    }
    CHECK_TEXT(state(id), "done");
    CHECK_INT(vulnerabilities(), 2);
    CHECK_INT(rows("SELECT fresh * 100 + known FROM findings"), 200);
    stand_close(&stand);
}

/* Nothing that the reader says is believed further than its own file. */
static void what_the_reader_says(void)
{
    static const struct {
        const char *list;
        uint32_t count;
        enum rc want;
    } rows_[] = {{"[]", 0, RC_LIMIT},
                 {"[]", 1, RC_INVALID},
                 {"{}", 1, RC_INVALID},
                 {"[{}", 1, RC_INVALID},
                 {"[{},{}]", 1, RC_INVALID},
                 {"[[[[[[[[]]]]]]]]", 1, RC_INVALID},
                 {"[{}]", DESK_UPLOAD_PART_COUNT + 1, RC_LIMIT},
                 {"[{}]", 1, RC_OK}};
    struct err err = {0};
    int64_t next, file;
    stand_ready(&stand);
    int64_t id = add(",'origin':'own'");
    CHECK_INT(desk_upload_part(stand.desk, id, 1, STR("[{}]"), &err), RC_OK); /* it was not asked for: passed over */
    CHECK_INT(rows("SELECT count(*) FROM upload_part"), 0);
    CHECK_INT(desk_upload_next(stand.desk, &next, &file, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows_); i++) {
        test_row("%s", rows_[i].list);
        CHECK_INT(desk_upload_part(stand.desk, id, rows_[i].count, str_of(rows_[i].list), &err), rows_[i].want);
    }
    CHECK_INT(rows("SELECT count(*) FROM upload_part"), 1);
    const struct desk_upload_end end = {.format = STR("a\nb"), .scanner = STR("x"), .line = -7, .hosts = INT64_MIN};
    CHECK_INT(desk_upload_end(stand.desk, id, &end, stand.now, &err), RC_OK);
    work(); /* its one finding has neither title nor place */
    const struct json_value *u = upload(id);
    CHECK_TEXT(stand_text(u, "state"), "failed");
    CHECK_TEXT(stand_text(u, "fault"), "refused");
    CHECK(stand_text(u, "format").n == 0 && stand_number(u, "line") == 0 && stand_number(u, "hosts") == 0);
    CHECK(!act("accept", id));
    CHECK_INT(vulnerabilities(), 0);
    CHECK_INT(rows("SELECT count(*) FROM upload_part"), 0);
    stand_close(&stand);
}

static void faults_and_drops(void)
{
    struct err err = {0};
    int64_t next, file;
    bool waits = false;
    stand_ready(&stand);
    int64_t id = add(",'origin':'own'");
    CHECK_INT(desk_upload_file_waits(stand.desk, 77, &waits, &err), RC_OK);
    CHECK(waits);
    CHECK_INT(desk_upload_next(stand.desk, &next, &file, &err), RC_OK);
    desk_upload_told(stand.desk, id, 4, 7);
    CHECK(stand_number(upload(id), "permille") == 444 && stand_number(upload(id), "findings") == 7);
    const struct desk_upload_end end = {.fault = STR("damaged"), .detail = STR("line 7: no"), .line = 7};
    CHECK_INT(desk_upload_end(stand.desk, id, &end, stand.now, &err), RC_OK);
    CHECK_TEXT(state(id), "failed");
    CHECK(stand_number(upload(id), "line") == 7);
    CHECK_TEXT(stand_text(upload(id), "detail"), "line 7: no");
    CHECK_INT(desk_upload_file_waits(stand.desk, 77, &waits, &err), RC_OK);
    CHECK(!waits);
    id = add(",'origin':'own'");
    CHECK_INT(desk_upload_next(stand.desk, &next, &file, &err), RC_OK);
    CHECK(act("drop", id) && !desk_upload_wanted(stand.desk, id));
    CHECK_INT(desk_upload_end(stand.desk, id, &end, stand.now, &err), RC_OK); /* too late */
    CHECK_TEXT(state(id), "dropped");
    id = add(",'origin':'own'");
    read_two(id);
    work();
    stand.now += H(24) * 8; /* nobody came back */
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_TEXT(state(id), "dropped");
    work();
    stand.now += H(24) * 31;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_INT(rows("SELECT (SELECT count(*) FROM upload) + (SELECT count(*) FROM upload_count)"), 0);
    stand_close(&stand);
}

static void refusals(void)
{
    static const struct {
        const char *members;
        const char *want; /* field, or error */
    } rows_[] = {
        {"'object':1,'origin':'survey','name':'a'", "file"},
        {"'object':1,'origin':'survey','name':'a','sha256':'" SHA "'", "file"},
        {"'object':1,'origin':'survey','name':'a','sha256':'" SHA "','bytes':536870913", "file"},
        {"'object':1,'origin':'survey','name':'a','sha256':'ab','bytes':9", "sha256"},
        {"'object':9,'origin':'survey','name':'a','sha256':'" SHA "','bytes':9", "object"},
        {"'object':1,'origin':'x','name':'a','sha256':'" SHA "','bytes':9", "origin"},
        {"'object':1,'origin':'own','control':true,'name':'a','sha256':'" SHA "','bytes':9", "control"},
        {"'object':1,'origin':'own','sha256':'" SHA "','bytes':9", "title"},
        {"'object':1,'origin':'own','name':'a\\nb','sha256':'" SHA "','bytes':9", "name"},
        {"'object':1,'origin':'own','name':'a','received_ns':9000000000000000000,'sha256':'" SHA "','bytes':9",
         "received_ns"},
    };
    stand_ready(&stand);
    for (size_t i = 0; i < ARRAY_LEN(rows_); i++) {
        test_row("%s", rows_[i].members);
        CHECK(!ask(stand_format(&stand, "{'ask':'upload.add','who':'admin',%s}", rows_[i].members)));
        CHECK_TEXT(stand_text(stand.json, "field"), rows_[i].want);
    }
    for (const char *const *what = (const char *const[]){"get", "accept", "drop", NULL}; *what; what++) {
        CHECK(!act(*what, 7));
        CHECK_TEXT(stand_error(&stand), "not_found");
    }
    for (unsigned i = 0; i < DESK_UPLOADS_OPEN; i++)
        add(",'origin':'own'");
    CHECK(!ask("{'ask':'upload.check','who':'admin'," ADD_MORE ",'origin':'own'}"));
    CHECK_TEXT(stand_error(&stand), "uploads_full");
    CHECK(ask("{'ask':'upload.list','who':'admin','limit':5,'offset':14}"));
    CHECK_INT(json_get(stand.json, "uploads")->count, 2);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"from a file to a report", from_file_to_report},
        {"numbers that hold", numbers_that_hold},
        {"what a control survey would close", what_a_control_survey_would_close},
        {"every query fails once", every_query_fails_once},
        {"what the reader says", what_the_reader_says},
        {"faults and drops", faults_and_drops},
        {"refusals", refusals},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
