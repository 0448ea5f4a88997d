/* Coverage of Annex 4: the shipped tables agree, broken ones are refused, cells are judged as the rules of annex.h say,
 * and the desk keeps, tells and answers what engines counted: once, whatever comes again. */
#include "desk/annex.h"

#include "desk/desk_testing.h"

#include <unistd.h>

#define KINDS                                                                                                          \
    "key\tkk\tru\ten\tparagraph\nsign_in\ta\tb\tc\t1.4\nweb\ta\tb\tc\t22.4\nopen\ta\tb\tc\t22.4\nx\ta\tb\tc\t-\n"
#define HEAD "class\twhat\tkey\tmust\tparagraph\tswitch_on\n"
#define OS   "os\tkind\tsign_in\talways\t1.4\tf\n"
#define WIN  "windows\tkind\tsign_in\talways\t1.4\tf\n"
#define APP  "application\tkind\tweb\tcovers\t22.4\tf\napplication\tkind\topen\talways\t22.4\tf\n"

static enum rc read_tables(const char *kinds, const char *rows, struct annex *annex)
{
    struct arena *arena = arena_new((size_t)4 << 20);
    struct err err;
    enum rc rc = annex_read(str_of(kinds), str_of(rows), arena, annex, &err);
    arena_free(arena);
    return rc;
}

static void tables(void)
{
    static const struct {
        const char *kinds;
        const char *rows;
        enum rc rc;
    } cases[] = {
        {KINDS, HEAD OS WIN APP, RC_OK},
        {KINDS, HEAD OS APP, RC_INVALID},                                        /* windows lacks a kind */
        {KINDS, HEAD OS WIN, RC_INVALID},                                        /* application too */
        {KINDS, HEAD OS WIN APP "os\tfield\thost\talways\t2.2\t\n", RC_INVALID}, /* classes do not stand together */
        {KINDS, HEAD OS OS WIN APP, RC_INVALID},                                 /* twice */
        {KINDS, HEAD "unix" OS WIN APP, RC_INVALID},
        {KINDS, HEAD OS "os\tkind\tnone\talways\t1.4\t\n" WIN APP, RC_INVALID},
        {KINDS, HEAD OS "os\tkind\tx\talways\t1.4\t\n" WIN APP, RC_INVALID}, /* nobody asks for it */
        {KINDS, HEAD OS "os\tkind\tsign_in\talways\t1.5\t\n" WIN APP, RC_INVALID},
        {KINDS, HEAD OS "os\tfield\tkind\talways\t2.1\t\n" WIN APP, RC_INVALID},
        {KINDS, HEAD OS "os\tform\tbig\talways\t5\t\n" WIN APP, RC_INVALID},
        {KINDS, HEAD OS "os\tform\tutf8\tperhaps\t5\t\n" WIN APP, RC_INVALID},
        {KINDS, HEAD OS "os\tform\tutf8\talways\t\t\n" WIN APP, RC_INVALID},
        {KINDS, HEAD OS "os\tform\tutf8\n" WIN APP, RC_INVALID},
        {KINDS, "class\twhat\n" OS, RC_INVALID},
        {"key\tkk\n", HEAD OS, RC_INVALID},
        {"key\tkk\tru\ten\tparagraph\na\tb\tc\td\t2.1\n", HEAD, RC_INVALID}, /* a paragraph that lists no events */
        {"", HEAD OS, RC_INVALID},
        {KINDS, "", RC_INVALID},
    };
    struct annex annex;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!CHECK_INT(read_tables(cases[i].kinds, cases[i].rows, &annex), cases[i].rc))
            printf("# case %zu\n", i);
}

static void truncations(void)
{
    static const char rows[] = HEAD OS WIN APP;
    char text[sizeof rows];
    struct annex annex;
    for (size_t n = 0; n < sizeof rows - 2; n++) {
        memcpy(text, rows, n);
        text[n] = '\0';
        enum rc rc = read_tables(KINDS, text, &annex);
        bool cell = n == sizeof rows - 3; /* only the last cell is empty then: it says no file, which may be */
        CHECK(rc == RC_INVALID || (cell && rc == RC_OK));
    }
}

/* Of the shipped tables: every class has rows, fields are those of exports.tsv, files are there. */
static void shipped(void)
{
    struct arena *arena = arena_new((size_t)8 << 20);
    struct arena *one = arena_new((size_t)1 << 20);
    struct annex annex;
    struct err err = {0};
    enum rc rc = annex_read(stand_file(arena, "event_kinds.tsv"), stand_file(arena, "annex4.tsv"), arena, &annex, &err);
    if (!CHECK_INT(rc, RC_OK))
        printf("# %s\n", err.text);
    for (size_t class = 0; rc == RC_OK && class < ANNEX_CLASS_COUNT; class ++)
        CHECK(annex.first[class + 1] > annex.first[class]);
    for (size_t i = 0; rc == RC_OK && i < annex.row_count; i++) {
        struct str files = annex.row[i].switch_on;
        CHECK(files.n > 0);
        while (files.n) {
            char name[128];
            struct str file = str_cut(&files, '|');
            snprintf(name, sizeof name, "switch-on/%.*s", STR_ARG(file));
            if (!CHECK(stand_file(one, name).n > 0))
                printf("# %s is missing\n", name);
            arena_reset(one);
        }
    }
    struct str exports = stand_file(arena, "exports.tsv");
    size_t fields = 0, columns = 0;
    for (size_t i = 0; rc == RC_OK && i < annex.row_count; i++)
        fields += annex.row[i].what == ANNEX_FIELD;
    while (exports.n) {
        struct str line = str_cut(&exports, '\n');
        struct str class = str_cut(&line, '\t');
        struct str value = str_cut(&line, '\t');
        enum annex_class number = annex_class_find(class);
        if (number == ANNEX_CLASS_COUNT || str_is(value, "date"))
            continue;
        columns++;
        bool found = false;
        for (size_t i = 0; rc == RC_OK && i < annex.row_count; i++)
            found = found || (annex.row[i].class == number && annex.row[i].what == ANNEX_FIELD &&
                              str_eq(annex.row[i].key, value));
        if (!CHECK(found))
            printf("# %.*s %.*s has no row\n", STR_ARG(class), STR_ARG(value));
    }
    CHECK_INT(fields, columns);
    arena_free(one);
    arena_free(arena);
}

/* --- judgement --- */

static struct annex_kind small_kinds[] = {
    {.key = STR_INIT("")}, {.key = STR_INIT("open")}, {.key = STR_INIT("web")}, {.key = STR_INIT("sign_in")}};
static const struct annex_row small_rows[] = {
    {ANNEX_APPLICATION, ANNEX_KIND, 1, ANNEX_ALWAYS, STR_INIT("open"), STR_INIT("22.4"), STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_KIND, 2, ANNEX_COVERS, STR_INIT("web"), STR_INIT("22.4"), STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_KIND, 3, ANNEX_ALWAYS, STR_INIT("sign_in"), STR_INIT("22.1"), STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_FAILURE, 3, ANNEX_ALWAYS, STR_INIT("sign_in"), STR_INIT("22.1"), STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_KIND, 1, ANNEX_POSSIBLE, STR_INIT("open"), STR_INIT("22.5"), STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_FIELD, ANNEX_SRC, ANNEX_ALWAYS, STR_INIT("src"), STR_INIT("23.4"), STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_FORM, ANNEX_TEXT, ANNEX_ALWAYS, STR_INIT("text"), STR_INIT("24"), STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_FORM, ANNEX_DELIMITERS, ANNEX_ALWAYS, STR_INIT("delimiters"), STR_INIT("25"),
     STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_FORM, ANNEX_UTF8, ANNEX_ALWAYS, STR_INIT("utf8"), STR_INIT("26"), STR_INIT("")},
    {ANNEX_APPLICATION, ANNEX_FORM, ANNEX_ONE_FORMAT, ANNEX_ALWAYS, STR_INIT("one_format"), STR_INIT("27"),
     STR_INIT("")},
};
static const struct annex small = {
    .kind_count = 4,
    .kind = small_kinds,
    .row_count = ARRAY_LEN(small_rows),
    .row = small_rows,
    .first = {0, 0, 0, 0, 0, ARRAY_LEN(small_rows), ARRAY_LEN(small_rows)},
};

static const char *judged(struct annex_seen *seen, bool due)
{
    static const char letters[] = {
        [ANNEX_SEEN] = 's', [ANNEX_COVERED] = 'c', [ANNEX_ABSENT] = '-', [ANNEX_WAITING] = 'w', [ANNEX_MISSING] = 'M'};
    static char text[ANNEX_CLASS_ROWS + 1];
    struct annex_cell cell[ANNEX_CLASS_ROWS];
    annex_judge(&small, ANNEX_APPLICATION, seen, due, cell);
    for (size_t i = 0; i < ARRAY_LEN(small_rows); i++)
        text[i] = letters[cell[i].state];
    text[ARRAY_LEN(small_rows)] = '\0';
    return text;
}

static void judgement(void)
{
    struct annex_count kinds[4];
    struct annex_seen seen = {.kind = kinds};
    struct annex_count some = {.records = 1000, .first_ns = 5, .last_ns = 9};
    annex_seen_clear(&small, &seen, NULL);
    CHECK_TEXT(str_of(judged(&seen, false)), "w-ww-w----");
    CHECK_TEXT(str_of(judged(&seen, true)), "M-MM-M----");
    annex_seen_add(&seen, 2, STR("weblog"), &some);
    CHECK_TEXT(str_of(judged(&seen, true)), "csMM-Mssss");
    CHECK_TEXT(str_of(judged(&seen, false)), "csww-wssss");
    some.failed = 1;
    some.failed_ns = 7;
    some.field[ANNEX_SRC] = 1;
    annex_seen_add(&seen, 3, STR("weblog"), &some);
    CHECK_TEXT(str_of(judged(&seen, true)), "csss-sssss");
    annex_seen_add(&seen, 1, STR("weblog"), &some);
    CHECK_TEXT(str_of(judged(&seen, true)), "sssss"
                                            "sssss");
    /* 3000 records: from 3 on they are not text; of another format 30; of none 150 */
    kinds[0].not_text = 2;
    kinds[0].not_utf8 = 3;
    CHECK_TEXT(str_of(judged(&seen, true)), "sssssss"
                                            "sMs");
    kinds[0].not_text = 3;
    CHECK_TEXT(str_of(judged(&seen, true)), "ssssssMsMs");
    struct annex_count odd = {.records = 28};
    seen.file = &seen.formats;
    annex_seen_add(&seen, 0, STR("json"), &odd);
    CHECK_TEXT(str_of(judged(&seen, true)), "ssssssMsMs");
    odd.records = 3;
    annex_seen_add(&seen, 0, STR("json"), &odd);
    CHECK_TEXT(str_of(judged(&seen, true)), "ssssssMsMM");
    seen.file = NULL; /* a sender's stream is no file */
    CHECK_TEXT(str_of(judged(&seen, true)), "ssssssMsMs");
    odd.records = 160;
    annex_seen_add(&seen, 0, STR("none"), &odd);
    CHECK_TEXT(str_of(judged(&seen, true)), "ssssssMMMs");
}

static void classes(void)
{
    static const struct {
        uint64_t records[ANNEX_CLASS_COUNT];
        unsigned set, classes, main;
    } cases[] = {
        {{0}, 0, 0, ANNEX_CLASS_COUNT},
        {{10}, 0, 1u << ANNEX_OS, ANNEX_OS},
        {{90, 0, 0, 0, 10}, 0, 1u << ANNEX_OS | 1u << ANNEX_APPLICATION, ANNEX_OS},
        {{90, 0, 0, 0, 9}, 0, 1u << ANNEX_OS, ANNEX_OS},
        {{900, 0, 0, 0, 9}, 0, 1u << ANNEX_OS, ANNEX_OS},
        {{10, 0, 0, 0, 90}, 0, 1u << ANNEX_OS | 1u << ANNEX_APPLICATION, ANNEX_APPLICATION},
        {{900, 0, 0, 0, 9}, 1u << ANNEX_DATABASE, 1u << ANNEX_DATABASE, ANNEX_DATABASE},
        {{0}, 1u << ANNEX_NETWORK, 1u << ANNEX_NETWORK, ANNEX_NETWORK},
        {{1, 0, 5, 0, 9}, 1u << ANNEX_OS | 1u << ANNEX_DATABASE, 1u << ANNEX_OS | 1u << ANNEX_DATABASE, ANNEX_DATABASE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum annex_class main = ANNEX_CLASS_COUNT;
        CHECK_INT(annex_classes(cases[i].records, cases[i].set, &main), cases[i].classes);
        CHECK_INT(main, cases[i].main);
    }
}

/* --- the desk --- */

static struct stand stand;
static const uint8_t source_id[16] = {1, 2, 3};
#define SOURCE "01020300000000000000000000000000"

static struct desk_annex_count row_of(const char *kind, enum annex_class class, uint64_t records)
{
    struct desk_annex_count row = {.class = class, .kind = str_of(kind), .parser = STR("syslog3164")};
    memcpy(row.source, source_id, sizeof row.source);
    row.count = (struct annex_count){.records = records, .first_ns = T0, .last_ns = T0 + S(5)};
    row.count.field[ANNEX_HOST] = records / 2;
    return row;
}

static void count(uint32_t engine, uint64_t upto, const struct desk_annex_count *rows, size_t n)
{
    const struct desk_rule_counts counts = {.engine = engine, .upto = upto, .annex = rows, .annex_count = n};
    struct err err;
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

static const struct json_value *matrix_row(const char *class, const char *what, const char *key)
{
    CHECK(stand_ask(&stand, "{'ask':'coverage.source','who':'admin','id':'" SOURCE "'}"));
    const struct json_value *m = json_first(json_get(json_get(stand.json, "source"), "matrix"));
    for (; m; m = m->next)
        for (const struct json_value *r = json_first(json_get(m, "rows")); r; r = r->next)
            if (str_is(json_str(json_get(m, "class"), STR_NONE), class) &&
                str_is(json_str(json_get(r, "what"), STR_NONE), what) &&
                str_is(json_str(json_get(r, "key"), STR_NONE), key))
                return r;
    return NULL;
}

static struct str state_of(const char *class, const char *what, const char *key)
{
    return json_str(json_get(matrix_row(class, what, key), "state"), STR_NONE);
}

static int64_t records_of(const char *class, const char *what, const char *key)
{
    return json_int(json_get(matrix_row(class, what, key), "records"), -1);
}

/* The newest record of the desk that names the event; how many there are. */
static size_t told(const char *event, struct str *ret_body)
{
    struct desk_record record;
    struct err err;
    size_t count = 0;
    char head[64];
    snprintf(head, sizeof head, "{\"event\":\"%s\"", event);
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK) {
        if (!str_starts(record.body, str_of(head)))
            continue;
        *ret_body = record.body;
        count++;
    }
    return count;
}

static void watch(int64_t later_ns)
{
    struct err err;
    stand.now += later_ns;
    CHECK_INT(desk_watch_annex(stand.desk, stand.now, &err), RC_OK);
}

static void reopen(const char *path)
{
    struct err err;
    int64_t now = stand.now;
    stand_close(&stand);
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    stand.now = now;
}

static void desk_counts(void)
{
    char path[] = "/tmp/qorgan-annex-XXXXXX";
    struct err err;
    struct str body = STR_NONE;
    close(mkstemp(path));
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    stand_sign_in(&stand);
    struct desk_annex_count rows[] = {row_of("sign_in", ANNEX_OS, 10), row_of("", ANNEX_OS, 4),
                                      row_of("no_such_kind", ANNEX_OS, 7)};
    rows[0].count.failed = 3;
    count(0, 100, rows, 3);
    CHECK_INT(records_of("os", "kind", "sign_in"), 10);
    CHECK_INT(records_of("os", "failure", "sign_in"), 3);
    CHECK_INT(records_of("os", "field", "host"), 7);
    CHECK_TEXT(state_of("os", "kind", "sign_out"), "waiting");
    count(0, 100, rows, 1); /* more of the same */
    CHECK_INT(records_of("os", "kind", "sign_in"), 20);
    count(0, 99, rows, 1); /* an engine that began anew tells again what is in */
    CHECK_INT(records_of("os", "kind", "sign_in"), 20);
    count(1, 99, rows, 1); /* another engine is another count */
    CHECK_INT(records_of("os", "kind", "sign_in"), 30);
    watch(0);
    CHECK_INT(told("coverage.changed", &body), 0);

    reopen(path);
    CHECK_INT(records_of("os", "kind", "sign_in"), 30);
    count(0, 99, rows, 1);
    CHECK_INT(records_of("os", "kind", "sign_in"), 30);

    stand.now += INT64_C(8) * 24 * H(1);
    watch(S(10));
    CHECK_INT(told("coverage.changed", &body), 1);
    CHECK(str_search(body, STR("kind:sign_out")) < body.n && str_search(body, STR("kind:sign_in\"")) == body.n);
    CHECK_TEXT(state_of("os", "kind", "sign_out"), "missing");
    watch(S(11));
    CHECK_INT(told("coverage.changed", &body), 1); /* said once */
    reopen(path);
    watch(S(11));
    CHECK_INT(told("coverage.changed", &body), 1); /* also after a restart */
    rows[0] = row_of("sign_out", ANNEX_OS, 1);
    count(0, 200, rows, 1);
    watch(S(11));
    CHECK_INT(told("coverage.changed", &body), 2);
    CHECK(str_search(body, STR("\"missing\":[],\"met\":[\"kind:sign_out\"]")) < body.n);
    stand_close(&stand);
    unlink(path);
}

static void desk_classes(void)
{
    struct err err;
    struct str body = STR_NONE;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    struct desk_annex_count rows[] = {row_of("db_session", ANNEX_DATABASE, 5), row_of("sign_in", ANNEX_OS, 50)};
    count(0, 10, rows, 2);
    CHECK_INT(records_of("os", "kind", "sign_in"), 50);
    CHECK(!matrix_row("database", "kind", "db_session"));
    CHECK(!stand_ask(&stand, "{'ask':'coverage.set','who':'admin','id':'" SOURCE "','classes':['database']}"));
    CHECK(!stand_ask(&stand, "{'ask':'coverage.set','who':'admin','id':'" SOURCE "','classes':['db'],'reason':'abc'}"));
    CHECK(!stand_ask(&stand, "{'ask':'coverage.set','who':'admin','id':'" SOURCE "','classes':'os','reason':'abc'}"));
    CHECK(!stand_ask(&stand, "{'ask':'coverage.set','who':'admin','id':'00','classes':['os'],'reason':'abc'}"));
    CHECK(!stand_ask(&stand, "{'ask':'coverage.set','who':'nobody','id':'" SOURCE "','classes':['os'],"
                             "'reason':'abc'}"));
    CHECK_INT(told("coverage.class", &body), 0);
    CHECK(stand_ask(&stand, "{'ask':'coverage.set','who':'admin','id':'" SOURCE "','classes':['database'],"
                            "'reason':'it is one'}"));
    CHECK_INT(told("coverage.class", &body), 1);
    CHECK(str_search(body, STR("\"was\":[],\"classes\":[\"database\"],\"detail\":\"it is one\"")) < body.n);
    CHECK_INT(records_of("database", "kind", "db_session"), 5);
    CHECK(!matrix_row("os", "kind", "sign_in"));
    CHECK(stand_ask(&stand, "{'ask':'coverage.set','who':'admin','id':'" SOURCE "','classes':[],"
                            "'reason':'as it was'}"));
    CHECK_INT(records_of("os", "kind", "sign_in"), 50);
    CHECK(stand_ask(&stand, "{'ask':'coverage.list','who':'admin'}"));
    CHECK_INT(json_int(json_get(json_get(stand.json, "totals"), "sources"), -1), 1);
    CHECK(stand_ask(&stand, "{'ask':'coverage.list','who':'admin','class':'database'}"));
    CHECK_INT(json_int(json_get(json_get(stand.json, "totals"), "listed"), -1), 0);
    CHECK(stand_ask(&stand, "{'ask':'coverage.object','who':'admin','object':1}"));
    CHECK(!stand_ask(&stand, "{'ask':'coverage.object','who':'admin','object':99}"));
    CHECK(!stand_ask(&stand, "{'ask':'coverage.source','who':'admin','id':'02'}"));
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"tables that do not agree are refused", tables},
        {"every truncation of a table", truncations},
        {"the shipped tables", shipped},
        {"judgement", judgement},
        {"classes of a source", classes},
        {"the desk counts once and tells once", desk_counts},
        {"classes that a person sets", desk_classes},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
