/* Lists of indicators that people give: how a file comes to stand, versions, their end and their way back, whoever dies
 * in between, and what the desk believes of who read it. */
#include "desk/own_list.h"

#include "desk/desk_testing.h"

#define SHA   "abababababababababababababababababababababababababababababababab"
#define LIST  "'list':'national','source':'a centre','name':'feed.json'"
#define LINES "\"192.0.2.1\",address,,,,,\n"

static struct stand stand;

static bool ask(const char *question)
{
    return stand_ask(&stand, question);
}

static int64_t add(const char *more)
{
    CHECK(ask(
        stand_format(&stand, "{'ask':'indicator.add','who':'admin','bytes':9,'file':77,'sha256':'" SHA "',%s}", more)));
    return stand_number(stand.json, "id");
}

static bool act(const char *what, int64_t id, const char *more)
{
    return ask(stand_format(&stand, "{'ask':'indicator.%s','who':'admin','id':%lld%s}", what, (long long)id, more));
}

static const struct json_value *version(int64_t id)
{
    CHECK(act("version", id, ""));
    return json_get(stand.json, "version");
}

static struct str state(int64_t id)
{
    return stand_text(version(id), "state");
}

/* The reader hands over so many parts and its end. */
static void read_it(int64_t id, size_t parts, int64_t fresh)
{
    struct err err = {0};
    struct own_list_order order;
    const struct own_list_end end = {
        .kinds = {2, 1, 0, 1}, .refused = 3, .fresh = fresh, .gone = 1, .preview = STR("{\"rows\":[]}")};
    CHECK_INT(desk_own_list_next(stand.desk, stand.arena, &order, &err), RC_OK);
    CHECK(order.id == id && order.file == 77 && desk_own_list_wanted(stand.desk, id));
    for (size_t i = 0; i < parts; i++)
        CHECK_INT(desk_own_list_part(stand.desk, id, STR(LINES), &err), RC_OK);
    CHECK_INT(desk_own_list_end(stand.desk, id, &end, stand.now, &err), RC_OK);
    CHECK(!desk_own_list_wanted(stand.desk, id));
}

static void work(void)
{
    struct err err = {0};
    for (int i = 0; desk_own_list_works(stand.desk) && CHECK(i < 1000); i++)
        if (!CHECK_INT(desk_own_list_step(stand.desk, &err), RC_OK))
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

/* What engines are to be given, as "NAME=VERSION " each. */
static const char *standing(void)
{
    struct err err = {0};
    struct own_list_standing *lists;
    size_t count;
    struct buf out;
    buf_init_fixed(&out, arena_alloc(stand.arena, 4096), 4096);
    CHECK_INT(desk_own_lists(stand.desk, stand.arena, &lists, &count, &err), RC_OK);
    for (size_t i = 0; i < count; i++)
        buf_format(&out, "%.*s=%lld ", STR_ARG(lists[i].name), (long long)lists[i].version);
    return buf_z(&out);
}

static int64_t take_new(const char *more, int64_t fresh)
{
    int64_t id = add(more);
    read_it(id, 2, fresh);
    CHECK(act("take", id, ""));
    return id;
}

static void from_file_to_standing(void)
{
    struct json_value *record = NULL;
    struct err err = {0};
    struct buf text;
    stand_ready(&stand);
    uint64_t before = desk_own_lists_version(stand.desk);
    CHECK(ask("{'ask':'indicator.check','who':'admin'," LIST "}"));
    CHECK_INT(rows("SELECT count(*) FROM own_list"), 0);
    int64_t id = add(LIST ",'confidence':70,'expires_ns':1895215000000000000");
    CHECK_TEXT(state(id), "reading");
    CHECK_INT(stand_records(&stand, "list.added", &record), 1);
    CHECK_TEXT(stand_text(record, "sha256"), SHA);
    CHECK(!act("take", id, ""));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    read_it(id, 2, 4);
    const struct json_value *v = version(id);
    CHECK_TEXT(stand_text(v, "state"), "ready");
    CHECK_TEXT(stand_text(v, "list"), "national.csv");
    CHECK(stand_number(v, "entries") == 4 && stand_number(v, "refused") == 3 && stand_number(v, "new") == 4);
    CHECK(json_get(json_get(v, "preview"), "rows") && stand_number(v, "confidence") == 70);
    CHECK_TEXT(str_of(standing()), "");
    CHECK(desk_own_lists_version(stand.desk) == before);
    CHECK(act("take", id, ""));
    CHECK(stand_number(stand.json, "version") == 1);
    CHECK(desk_own_lists_version(stand.desk) == before + 1);
    CHECK_TEXT(str_of(standing()), stand_format(&stand, "national.csv=%lld ", (long long)id));
    CHECK_INT(stand_records(&stand, "list.taken", &record), 1);
    CHECK(stand_number(record, "indicators") == 4 && stand_number(record, "new") == 4);
    CHECK(stand_number(record, "expires_ns") == INT64_C(1895215000000000000));
    buf_init(&text, 65536);
    CHECK_INT(desk_own_list_text(stand.desk, id, 0, &text, &err), RC_OK);
    CHECK_INT(desk_own_list_text(stand.desk, id, 1, &text, &err), RC_OK);
    CHECK_INT(desk_own_list_text(stand.desk, id, 2, &text, &err), RC_END);
    CHECK_TEXT(buf_view(&text), LINES LINES);
    buf_done(&text);
    CHECK(!act("take", id, "") && !act("drop", id, ""));
    CHECK(ask("{'ask':'indicator.own','who':'admin'}"));
    const struct json_value *list = json_first(json_get(stand.json, "lists"));
    CHECK(stand_number(list, "entries") == 4 && stand_number(list, "standing") == id);
    CHECK(!json_first(json_get(stand.json, "files")));
    stand_close(&stand);
}

/* Another version takes its place; each can be taken back while its text is kept. */
static void versions(void)
{
    struct json_value *record = NULL;
    struct err err = {0};
    stand_ready(&stand);
    int64_t one = take_new(LIST, 4);
    int64_t two = take_new(LIST, 1);
    int64_t list = stand_number(version(two), "list_id");
    CHECK(json_bool(json_get(version(two), "stands"), false) && !json_bool(json_get(version(one), "stands"), true));
    CHECK_INT(stand_records(&stand, "list.taken", &record), 2);
    CHECK(stand_number(record, "was_version") == 1);
    CHECK(!act("restore", one, ""));
    CHECK_TEXT(stand_text(stand.json, "field"), "reason");
    CHECK(!act("restore", two, ",'reason':'stands already, so no'"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK(act("restore", one, ",'reason':'the new one was wrong'"));
    CHECK_TEXT(str_of(standing()), stand_format(&stand, "national.csv=%lld ", (long long)one));
    CHECK_INT(stand_records(&stand, "list.restored", &record), 1);
    CHECK(stand_number(record, "version") == 1 && stand_number(record, "was_version") == 2);
    CHECK_TEXT(stand_text(record, "detail"), "the new one was wrong");
    CHECK(act("end", list, ",'reason':'nobody vouches for it'"));
    CHECK_TEXT(str_of(standing()), "");
    CHECK(!act("end", list, ",'reason':'nobody vouches for it'"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK(act("restore", two, ",'reason':'it is needed again'"));
    CHECK(act("get", list, ""));
    CHECK(stand_number(stand.json, "standing") == two && json_get(stand.json, "versions")->count == 2);
    const struct json_value *history = json_get(stand.json, "history");
    CHECK_INT(history->count, 5);
    CHECK_TEXT(stand_text(json_first(history), "act"), "restored");
    CHECK_INT(stand_number(json_first(history), "record"), 0);
    for (int64_t local = 1; local < 30; local++)
        CHECK_INT(desk_record_kept(stand.desk, local, (uint64_t)(1000 + local), &err), RC_OK);
    CHECK(act("get", list, ""));
    CHECK(stand_number(json_first(json_get(stand.json, "history")), "record") > 1000);
    for (int i = 0; i < OWN_LIST_VERSIONS + 3; i++)
        take_new(LIST, 1);
    work();
    CHECK_TEXT(state(one), "old");
    CHECK(!act("restore", one, ",'reason':'its text is gone'"));
    CHECK_INT(rows("SELECT count(DISTINCT version) FROM own_list_part"), OWN_LIST_VERSIONS);
    stand_close(&stand);
}

/* Nothing is taken but against what was shown. */
static void numbers_that_hold(void)
{
    stand_ready(&stand);
    int64_t one = take_new(LIST, 4);
    int64_t list = stand_number(version(one), "list_id");
    int64_t two = add(LIST);
    CHECK(!ask("{'ask':'indicator.check','who':'admin'," LIST "}")); /* one file a list */
    CHECK_TEXT(stand_error(&stand), "list_waits");
    read_it(two, 1, 1);
    CHECK(act("end", list, ",'reason':'ended meanwhile'"));
    CHECK(json_bool(json_get(version(two), "stale"), false));
    CHECK(!act("take", two, ""));
    CHECK_TEXT(stand_error(&stand), "list_stale");
    CHECK(act("restore", one, ",'reason':'as it was again'"));
    CHECK(!json_bool(json_get(version(two), "stale"), true) && act("take", two, ""));
    CHECK_TEXT(str_of(standing()), stand_format(&stand, "national.csv=%lld ", (long long)two));
    stand_close(&stand);
}

static void an_end_comes(void)
{
    struct json_value *record = NULL;
    struct err err = {0};
    stand_ready(&stand);
    int64_t id = take_new(stand_format(&stand, LIST ",'expires_ns':%lld", (long long)(stand.now + H(1))), 1);
    int64_t list = stand_number(version(id), "list_id");
    CHECK_INT(desk_next_ns(stand.desk), stand.now + H(1));
    stand.now += H(1) - 1;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK(standing()[0] != '\0');
    stand.now += 1;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_TEXT(str_of(standing()), "");
    CHECK_INT(stand_records(&stand, "list.expired", &record), 1);
    CHECK(!act("restore", id, ",'reason':'its end has passed'"));
    CHECK_TEXT(stand_text(stand.json, "field"), "expires_ns");
    CHECK(act("restore", id,
              stand_format(&stand, ",'reason':'longer now','expires_ns':%lld", (long long)(stand.now + H(5)))));
    CHECK(act("get", list, "") && stand_number(stand.json, "expires_ns") == stand.now + H(5));
    CHECK_INT(desk_next_ns(stand.desk), stand.now + H(5));
    int64_t late = add(stand_format(&stand, LIST ",'expires_ns':%lld", (long long)(stand.now + H(1))));
    read_it(late, 1, 1);
    stand.now += H(2);
    CHECK(!act("take", late, ""));
    CHECK_TEXT(stand_error(&stand), "list_over");
    stand_close(&stand);
}

/* Each query of what takes, ends and clears fails once: nothing is half done. */
static void every_query_fails_once(void)
{
    struct err err = {0};
    stand_ready(&stand);
    int64_t id = add(LIST);
    read_it(id, 3, 1);
    for (uint64_t n = 1; n < 200; n++) {
        uint64_t before = desk_own_lists_version(stand.desk);
        db_fail_at(stand.db, n);
        bool done = act("take", id, "");
        if (!db_fail_at(stand.db, 0)) {
            CHECK(done);
            break;
        }
        CHECK(!done && desk_own_lists_version(stand.desk) == before);
        CHECK_TEXT(str_of(standing()), "");
        CHECK_INT(rows("SELECT count(*) FROM own_list_step"), 0);
    }
    CHECK(standing()[0] != '\0');
    id = add("'list':'other','source':'x'");
    read_it(id, 45, 1);
    CHECK(act("drop", id, ""));
    for (uint64_t n = 1; desk_own_list_works(stand.desk) && CHECK(n < 200); n++) {
        db_fail_at(stand.db, n % 12 + 1);
        enum rc rc = desk_own_list_step(stand.desk, &err);
        CHECK(db_fail_at(stand.db, 0) ? rc != RC_OK : rc == RC_OK);
    }
    CHECK_INT(rows("SELECT count(*) FROM own_list_part"), 3);
    stand_close(&stand);
}

/* Nothing that the reader says is believed further than its own file. */
static void what_the_reader_says(void)
{
    static const struct {
        const char *text;
        enum rc want;
    } parts[] = {{"", RC_INVALID}, {"no line", RC_INVALID}, {LINES, RC_OK}};
    struct err err = {0};
    struct own_list_order order;
    stand_ready(&stand);
    int64_t id = add(LIST);
    CHECK_INT(desk_own_list_part(stand.desk, id, STR(LINES), &err), RC_OK); /* it was not asked for: passed over */
    CHECK_INT(rows("SELECT count(*) FROM own_list_part"), 0);
    CHECK_INT(desk_own_list_next(stand.desk, stand.arena, &order, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        test_row("%s", parts[i].text);
        CHECK_INT(desk_own_list_part(stand.desk, id, str_of(parts[i].text), &err), parts[i].want);
    }
    CHECK_INT(desk_own_list_part(stand.desk, id, str_at("a\0\n", 3), &err), RC_INVALID);
    CHECK_INT(rows("SELECT count(*) FROM own_list_part"), 1);
    const struct own_list_end end = {
        .kinds = {INT64_MAX, -1, INT64_MAX, 0}, .detail = STR("a\nb"), .preview = STR("[1")};
    CHECK_INT(desk_own_list_end(stand.desk, id, &end, stand.now, &err), RC_OK);
    const struct json_value *v = version(id);
    CHECK(stand_number(v, "domain") == 0 && stand_text(v, "detail").n == 0 && json_get(v, "preview")->count == 0);
    CHECK(!act("take", id, "")); /* more than there is room for */
    CHECK_TEXT(stand_error(&stand), "too_large");
    CHECK(act("drop", id, ""));
    stand_close(&stand);
}

static void faults_and_drops(void)
{
    struct err err = {0};
    struct own_list_order order;
    bool waits = false;
    stand_ready(&stand);
    int64_t id = add(LIST);
    CHECK_INT(desk_own_list_file_waits(stand.desk, 77, &waits, &err), RC_OK);
    CHECK(waits);
    CHECK_INT(desk_own_list_next(stand.desk, stand.arena, &order, &err), RC_OK);
    CHECK_INT(desk_own_list_part(stand.desk, id, STR(LINES), &err), RC_OK);
    const struct own_list_end nothing = {.refused = 7, .preview = STR("{\"reasons\":[]}")};
    CHECK_INT(desk_own_list_end(stand.desk, id, &nothing, stand.now, &err), RC_OK);
    CHECK_TEXT(state(id), "failed");
    CHECK_TEXT(stand_text(version(id), "fault"), "empty");
    CHECK(stand_number(version(id), "refused") == 7 && json_get(json_get(version(id), "preview"), "reasons"));
    CHECK_INT(desk_own_list_file_waits(stand.desk, 77, &waits, &err), RC_OK);
    CHECK(!waits && !act("take", id, ""));
    id = add(LIST);
    CHECK_INT(desk_own_list_next(stand.desk, stand.arena, &order, &err), RC_OK);
    CHECK(act("drop", id, "") && !desk_own_list_wanted(stand.desk, id));
    CHECK_INT(desk_own_list_end(stand.desk, id, &nothing, stand.now, &err), RC_OK); /* too late */
    CHECK_TEXT(state(id), "dropped");
    id = add(LIST);
    read_it(id, 1, 1);
    stand.now += H(24) * 8; /* nobody came back */
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_TEXT(state(id), "dropped");
    work();
    CHECK_INT(rows("SELECT count(*) FROM own_list_part"), 0);
    stand.now += H(24) * 31;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_INT(rows("SELECT (SELECT count(*) FROM own_list) + (SELECT count(*) FROM own_list_version)"), 0);
    stand_close(&stand);
}

static void refusals(void)
{
    static const struct {
        const char *members;
        const char *want; /* field, or error */
    } rows_[] = {
        {"'list':'','source':'a'", "list"},
        {"'list':'../a','source':'a'", "list"},
        {"'list':'.csv','source':'a'", "list"},
        {"'list':'a b','source':'a'", "list"},
        {"'list':'a/b.csv','source':'a'", "list"},
        {"'list':'\xd0\xb0','source':'a'", "list"},
        {"'list':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','source':'a'", "list"},
        {"'list':'a'", "source"},
        {"'list':'a','source':'b\\nc'", "source"},
        {"'list':'a','source':'b','confidence':101", "confidence"},
        {"'list':'a','source':'b','confidence':-2", "confidence"},
        {"'list':'a','source':'b','expires_ns':5", "expires_ns"},
        {"'list':'a','source':'b','expires_ns':9223372036854775807", "expires_ns"},
        {"'list':'a','source':'b','name':'x\\ny'", "name"},
        {"'list':'a','source':'b'", "file"},
        {"'list':'a','source':'b','bytes':9,'sha256':'ab'", "file"},
        {"'list':'a','source':'b','sha256':'" SHA "'", "file"},
        {"'list':'a','source':'b','bytes':67108865,'sha256':'" SHA "'", "list_long"},
    };
    stand_ready(&stand);
    for (size_t i = 0; i < ARRAY_LEN(rows_); i++) {
        test_row("%s", rows_[i].members);
        CHECK(!ask(stand_format(&stand, "{'ask':'indicator.add','who':'admin',%s}", rows_[i].members)));
        struct str field = stand_text(stand.json, "field");
        CHECK_TEXT(field.n ? field : stand_error(&stand), rows_[i].want);
    }
    for (const char *const *what = (const char *const[]){"get", "version", "take", "drop", "end", "restore", NULL};
         *what; what++) {
        CHECK(!act(*what, 7, ",'reason':'a good reason'"));
        CHECK_TEXT(stand_error(&stand), "not_found");
    }
    for (unsigned i = 0; i < OWN_LISTS_OPEN; i++)
        add(stand_format(&stand, "'list':'l%u','source':'a'", i));
    CHECK(!ask("{'ask':'indicator.check','who':'admin'," LIST "}"));
    CHECK_TEXT(stand_error(&stand), "uploads_full");
    CHECK(ask("{'ask':'indicator.own','who':'admin'}"));
    CHECK_INT(json_get(stand.json, "files")->count, OWN_LISTS_OPEN);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"from a file to a list that stands", from_file_to_standing},
        {"versions", versions},
        {"numbers that hold", numbers_that_hold},
        {"an end comes", an_end_comes},
        {"every query fails once", every_query_fails_once},
        {"what the reader says", what_the_reader_says},
        {"faults and drops", faults_and_drops},
        {"refusals", refusals},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
