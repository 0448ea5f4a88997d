/* Reports: what a quarter's tables say, counted by hand; that a report never changes; what is refused; what finds no
 * place. */
#include "base/bytes.h"
#include "db/db.h"
#include "desk/desk_testing.h"
#include "tlog/hash.h"

static struct stand stand;
static int64_t quarter_ns, past_ns; /* the fourth of 2026, in the desk's zone, and the moment after it */

static bool ask(const char *question)
{
    return stand_ask(&stand, question);
}

static void ready(void)
{
    struct civil first = {.year = 2026, .month = 10, .day = 1}, past = {.year = 2027, .month = 1, .day = 1};
    stand_ready(&stand);
    quarter_ns = civil_to_ns(&first, 18000);
    past_ns = civil_to_ns(&past, 18000);
}

/* The id of a report of that kind; 0: refused. */
static int64_t make(const char *members)
{
    return ask(stand_format(&stand, "{'ask':'report.make','who':'admin',%s}", members)) ? stand_number(stand.json, "id")
                                                                                        : 0;
}

static const struct json_value *content(int64_t id)
{
    CHECK(ask(stand_format(&stand, "{'ask':'report.get','who':'admin','id':%lld}", (long long)id)));
    return json_get(stand.json, "content");
}

static const struct json_value *section(const struct json_value *report, const char *key)
{
    for (const struct json_value *s = json_first(json_get(report, "sections")); s; s = s->next)
        if (str_is(stand_text(s, "key"), key))
            return s;
    CHECK(false);
    return NULL;
}

static size_t cells_text(const struct json_value *cells, char *out, size_t room)
{
    size_t n = 0;
    for (const struct json_value *c = json_first(cells); c && n < room; c = c->next)
        n += (size_t)snprintf(out + n, room - n, "%s%.*s", n || c != json_first(cells) ? " " : "",
                              STR_ARG(c->kind == JSON_OBJECT ? stand_text(c, "en") : c->text));
    return n < room ? n : room;
}

/* "a 1 2; b 3 4 = 4 6": rows, and their sums. */
static struct str rows_of(const struct json_value *report, const char *key)
{
    static char text[16384];
    const struct json_value *s = section(report, key);
    size_t n = 0;
    text[0] = '\0';
    for (const struct json_value *row = json_first(json_get(s, "rows")); row && n < sizeof text - 512;
         row = row->next) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", n ? "; " : "");
        n += cells_text(row, text + n, sizeof text - n);
    }
    if (json_get(s, "totals") && n < sizeof text - 512) {
        n += (size_t)snprintf(text + n, sizeof text - n, " =");
        n += cells_text(json_get(s, "totals"), text + n, sizeof text - n);
    }
    return str_at(text, n);
}

/* --- a quarter --- */

struct happened {
    int64_t after_ns; /* the quarter's beginning; past its end: counted from there */
    bool past;
    int64_t object;
    const char *kind;
    enum desk_level level;
    const char *act; /* NULL: none */
};

static const struct happened incidents[] = {
    {-1, false, 1, "phishing", DESK_HIGH, NULL}, /* not of the quarter; confirmed in it */
    {0, false, 1, "phishing", DESK_HIGH, "confirm"},
    {H(1), false, 1, "phishing", DESK_CRITICAL, "confirm"},
    {H(2), false, 2, "spam", DESK_MEDIUM, NULL},
    {H(3), false, 2, "spam", DESK_MEDIUM, "triage"},
    {H(4), false, 2, "botnet", DESK_HIGH, "event"},
    {H(5), false, 1, "virus", DESK_HIGH, "false_positive"},
    {H(6), false, 2, "ransomware", DESK_CRITICAL, "confirm"},
    {-1, true, 2, "virus", DESK_HIGH, NULL},
    {0, true, 2, "virus", DESK_HIGH, "confirm"}, /* of the next one */
};

static bool incident_act(int64_t id, const char *act)
{
    return ask(stand_format(&stand, "{'ask':'incident.act','who':'admin','id':%lld,'act':'%s','reason':'because'}",
                            (long long)id, act));
}

static void incidents_give(void)
{
    for (size_t i = 0; i < ARRAY_LEN(incidents); i++) {
        const struct happened *h = &incidents[i];
        struct err err = {0};
        stand.now = (h->past ? past_ns : quarter_ns) + h->after_ns;
        struct desk_match match = {.record = 100 + i,
                                   .rule_id = str_of(stand_format(&stand, "rule-%zu", i)),
                                   .title = STR("Something happened"),
                                   .level = h->level,
                                   .kind = str_of(h->kind),
                                   .object = h->object,
                                   .time_ns = stand.now - S(3),
                                   .source = STR("journal"),
                                   .host = STR("web-1"),
                                   .description = STR("it happened")};
        CHECK_INT(desk_match(stand.desk, &match, 1, stand.now, NULL, &err), RC_OK);
        if (h->act)
            CHECK(incident_act((int64_t)i + 1, h->act));
    }
    stand.now = quarter_ns + H(7);
    CHECK(incident_act(1, "confirm"));
    CHECK(ask("{'ask':'incident.edit','who':'admin','id':1,'fields':{'actions':'The mailbox was closed</script>.'}}"));
}

/* Its id, which counts from 1. */
static void weakness(int64_t now_ns, int64_t object, const char *check, int severity)
{
    stand.now = now_ns;
    CHECK(
        ask(stand_format(&stand,
                         "{'ask':'findings.note','who':'admin','object':%lld,'title':'%s','origin':'own','findings':"
                         "[{'scanner':'person','title':'%s','host':'h','severity':%d,'check':'%s','component':'nginx',"
                         "'address':'192.0.2.1','port':443,'protocol':'tcp','description':'It is old.'}]}",
                         (long long)object, check, check, severity, check)));
}

static void weaknesses_give(void)
{
    weakness(quarter_ns - 1, 1, "before", 4);
    weakness(quarter_ns, 1, "first", 4);
    weakness(quarter_ns + H(1), 1, "second", 4);
    weakness(quarter_ns + H(2), 2, "third", 2);
    weakness(past_ns - 1, 2, "fourth", 1);
    weakness(past_ns, 2, "after", 1);
    stand.now = quarter_ns + H(3);
    CHECK(ask("{'ask':'vulnerability.act','who':'admin','ids':[1,3],'act':'fix','reason':'updated'}"));
    CHECK(ask("{'ask':'vulnerability.act','who':'admin','ids':[4],'act':'keep','category':'zero_day',"
              "'reason':'There is no update, access is closed.'}"));
}

static void quarter_give(void)
{
    stand.now = quarter_ns - H(100);
    CHECK(ask("{'ask':'object.save','who':'admin','object':{'id':0,'name':'Portal','class':1}}"));
    stand.now = quarter_ns + H(200);
    CHECK(ask("{'ask':'object.save','who':'admin','object':{'id':2,'name':'Portal','industrial_day':'2026-10-05',"
              "'owner':'Ministry'}}"));
    incidents_give();
    weaknesses_give();
}

#define SUMMARY "'kind':'summary_17','year':2026,'quarter':4"

#define P52 "52/\xd0\x9d\xd2\x9a, "

/* Days at UTC+05:00. One lies before the quarter and was mended in the one after it. */
static void violation_give(const char *day, const char *requirement, const char *what)
{
    CHECK(ask(stand_format(&stand,
                           "{'ask':'document.violation','who':'admin','object':1,'document':0,'day':'%s',"
                           "'requirement':'%s','note':'%s'}",
                           day, requirement, what)));
}

static void violations_give(void)
{
    violation_give("2026-09-30", "832, p.31", "Nobody was told");
    violation_give("2026-10-20", "832, p.30", "No copies are kept");
    violation_give("2026-12-31", "52/N, p.14", "The policy is out of date");
    CHECK(ask("{'ask':'document.mend','who':'admin','id':3,'day':'2027-01-01','note':'It was approved anew'}"));
    CHECK(ask("{'ask':'document.mend','who':'admin','id':1,'day':'2027-01-01','note':'They know'}"));
}

static void a_quarter_is_counted(void)
{
    struct err err;
    static const struct {
        const char *section;
        const char *rows;
    } rows[] = {
        {"events", "incident 3; unjudged 3; event 1; false_positive 1 = 8"},
        {"events_kind", "phishing 2 0 0 2 0; spam 2 2 0 0 0; virus 2 1 0 0 1; botnet 1 0 1 0 0; ransomware 1 0 0 1 0"
                        " = 8 3 1 3 1"},
        {"events_class", "1 5 3 1 1 0; 3 3 0 0 2 1 = 8 3 1 3 1"},
        {"events_object", "Portal 5 3 1 1 0; qorgan 3 0 0 2 1 = 8 3 1 3 1"},
        {"incidents_kind", "phishing 3 1 2 0 0; ransomware 1 1 0 0 0 = 4 2 2 0 0"},
        {"incidents_class", "1 1 1 0 0 0; 3 3 1 2 0 0 = 4 2 2 0 0"},
        {"incidents_state", "confirmed 4 2 2 0 0 = 4 2 2 0 0"},
        {"incidents_object", "qorgan 3 1 2 0 0; Portal 1 1 0 0 0 = 4 2 2 0 0"},
        {"vulnerabilities_severity", "critical 2 1 1 0 0; medium 1 0 0 1 0; low 1 1 0 0 0 = 4 2 1 1 0"},
        {"vulnerabilities_class", "1 2 1 0 1 0; 3 2 1 1 0 0 = 4 2 1 1 0"},
        {"vulnerabilities_object", "Portal 2 1 0 1 0; qorgan 2 1 1 0 0 = 4 2 1 1 0"},
        {"vulnerabilities_standing", "critical 3 1 2 0; medium 1 0 0 1; low 2 2 0 0 = 6 3 2 1"},
        {"objects_days", "2026-10-05 industrial Portal"},
        {"documents_violations",
         "qorgan 2026-10-20 No copies are kept 832, p.30  ; "
         "qorgan 2026-12-31 The policy is out of date 52/N, p.14 2027-01-01 It was approved anew"},
        {"documents", "Two documents are not approved."},
        {"measures_removed", "critical 2 0 = 2 0"},
        {"measures_kept", "zero_day 1 0 = 1 0"},
        {"measures_terms",
         P52 "p.8 (M-01) 1 0 0 1 0 0; " P52 "p.12 (M-14) 4 0 0 4 0 0; " P52 "p.12 (M-15) 4 0 0 4 0 0; " P52
             "p.13 abs.2 (M-19) 4 1 0 2 1 0; 832, p.50 (U-08) 1 0 0 0 1 0"
             " = 14 1 0 11 2 0"},
    };
    ready();
    quarter_give();
    CHECK(ask("{'ask':'findings.inform','who':'admin','id':3,'note':'letter'}"));
    stand.now = past_ns + H(1);
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    violations_give();
    const struct json_value *report =
        content(make(SUMMARY ",'violations':'\\r\\nTwo documents are not approved.\\n\\n'"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].section);
        CHECK_TEXT(rows_of(report, rows[i].section), rows[i].rows);
        CHECK_INT(stand_number(section(report, rows[i].section), "rows_left_out"), 0);
    }
    const struct json_value *changed = json_first(json_get(section(report, "objects_changed"), "rows"));
    CHECK_TEXT(json_first(changed)->text, "Portal");
    CHECK(!changed->next);
    CHECK(str_find(rows_of(report, "measures_incidents"), STR("The mailbox was closed</script>.").p[0]) > 0);
    CHECK_INT(json_get(section(report, "measures_incidents"), "rows")->count, 4);
    CHECK_INT(stand_number(report, "from_s") * SECOND_NS, quarter_ns);
    CHECK_INT(stand_number(report, "to_s") * SECOND_NS, past_ns);
    CHECK_TEXT(stand_text(report, "edition"), "23.04.2025 \xe2\x84\x96"
                                              "175/\xd0\x9d\xd2\x9a");
    stand_close(&stand);
}

static int64_t cell(const struct json_value *row, size_t n)
{
    const struct json_value *c = json_first(row);
    for (; c && n > 0; n--)
        c = c->next;
    return json_int(c, 0);
}

/* Every row of a table with a total is the sum of its parts, and every table of a chapter has the same total. */
static void tables_agree(void)
{
    static const char *const chapters[] = {"events", "incidents_", "vulnerabilities_"};
    ready();
    quarter_give();
    stand.now = past_ns + H(1);
    const struct json_value *report = content(make(SUMMARY));
    int64_t totals[ARRAY_LEN(chapters)] = {-1, -1, -1};
    for (const struct json_value *s = json_first(json_get(report, "sections")); s; s = s->next) {
        struct str key = stand_text(s, "key");
        const struct json_value *sums = json_get(s, "totals");
        for (size_t i = 0; i < ARRAY_LEN(chapters); i++) {
            if (!sums || !str_starts(key, str_of(chapters[i])) || str_is(key, "vulnerabilities_standing"))
                continue;
            test_row("%.*s", STR_ARG(key));
            if (totals[i] < 0)
                totals[i] = cell(sums, 1);
            CHECK_INT(cell(sums, 1), totals[i]);
        }
        for (const struct json_value *row = json_first(json_get(s, "rows")); row && row->count > 3 && sums;
             row = row->next) {
            int64_t sum = 0;
            if (str_starts(key, STR("objects_")) || str_starts(key, STR("measures_kept")))
                break;
            for (size_t i = 2; i < row->count; i++)
                sum += cell(row, i);
            CHECK_INT(sum, cell(row, 1));
        }
    }
    CHECK_INT(totals[0], 8);
    stand_close(&stand);
}

static void by_whom_it_is_asked(void)
{
    ready();
    quarter_give();
    stand.now = past_ns + H(1);
    /* p.18 has no events; one object alone; another quarter */
    const struct json_value *report = content(make("'kind':'summary_18','year':2026,'quarter':4"));
    for (const struct json_value *s = json_first(json_get(report, "sections")); s; s = s->next)
        CHECK(!str_starts(stand_text(s, "key"), STR("events")));
    CHECK_TEXT(rows_of(report, "incidents_kind"), "phishing 3 1 2 0 0; ransomware 1 1 0 0 0 = 4 2 2 0 0");
    report = content(make(SUMMARY ",'object':2"));
    CHECK_TEXT(rows_of(report, "events_object"), "Portal 5 3 1 1 0 = 5 3 1 1 0");
    CHECK_TEXT(rows_of(report, "measures_removed"), " = 0 0");
    CHECK_TEXT(stand_text(report, "object"), "Portal");
    report = content(make("'kind':'summary_17','year':2027,'quarter':1"));
    CHECK_TEXT(rows_of(report, "events"), "incident 1 = 1");
    stand_close(&stand);
}

/* --- what does not change --- */

static struct str bytes_of(int64_t id)
{
    return arena_str(stand.arena, content(id)->text);
}

static void the_same_for_ever(void)
{
    struct tlog_hasher *hasher = tlog_hasher_new();
    struct json_value *record = NULL;
    struct tlog_hash hash;
    char hex[64];
    ready();
    desk_set_totals(stand.desk, &(struct desk_totals){.checkpoint_size = 4711});
    quarter_give();
    stand.now = past_ns + H(1);
    int64_t first = make(SUMMARY);
    struct str sha256 = arena_str(stand.arena, stand_text(stand.json, "sha256")), bytes = bytes_of(first);
    tlog_hash_bytes(hasher, bytes, &hash);
    CHECK_STR(sha256, str_at(hex, hex_encode(hash.bytes, sizeof hash.bytes, hex)));
    CHECK_INT(stand_number(json_get(stand.json, "report"), "bytes"), bytes.n);
    CHECK_INT(stand_number(json_get(stand.json, "report"), "archive_size"), 4711);
    CHECK_INT(stand_records(&stand, "report.made", &record), 1);
    CHECK_STR(stand_text(record, "sha256"), sha256);
    CHECK_TEXT(stand_text(record, "report"), "R-000001");
    CHECK_TEXT(stand_text(record, "kind"), "summary_17");
    CHECK_TEXT(stand_text(record, "who"), "admin");
    CHECK_INT(stand_number(record, "archive_size"), 4711);
    /* What happens later changes another report, and this one not. */
    CHECK(incident_act(4, "confirm"));
    stand.now += H(1);
    int64_t second = make(SUMMARY);
    CHECK(second != first && !str_eq(stand_text(stand.json, "sha256"), sha256));
    CHECK_STR(bytes_of(first), bytes);
    CHECK(!str_eq(bytes_of(second), bytes));
    CHECK_TEXT(rows_of(content(second), "events"), "incident 4; unjudged 2; event 1; false_positive 1 = 8");
    tlog_hasher_free(hasher);
    stand_close(&stand);
}

/* The record's number comes once the archive has it. */
static void its_record_is_known(void)
{
    struct err err;
    struct desk_record record;
    int64_t found = 0;
    ready();
    make("'kind':'shift'");
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK)
        found = record.local_id;
    CHECK_INT(desk_record_kept(stand.desk, found, 815, &err), RC_OK);
    CHECK(ask("{'ask':'report.list','who':'admin'}"));
    CHECK_INT(stand_number(json_first(json_get(stand.json, "reports")), "record"), 815);
    stand_close(&stand);
}

/* Members in the order of their names at every depth, no blank outside texts, numbers whole: RFC 8785. */
static void order_check(const struct json_value *value)
{
    const struct json_value *stack[64];
    size_t depth = 0;
    stack[depth++] = value;
    while (depth > 0) {
        const struct json_value *at = stack[--depth], *before = NULL;
        for (const struct json_value *c = json_first(at); c; before = c, c = c->next) {
            if (at->kind == JSON_OBJECT && before)
                CHECK(str_compare(before->key, c->key) < 0);
            CHECK(c->kind != JSON_NUMBER || str_find(c->text, '.') == c->text.n);
            if ((c->kind == JSON_OBJECT || c->kind == JSON_ARRAY) && CHECK(depth < ARRAY_LEN(stack)))
                stack[depth++] = c;
        }
    }
}

static void one_way_to_write_it(void)
{
    static const char *const kinds[] = {SUMMARY, "'kind':'overdue'", "'kind':'vulnerabilities','object':1",
                                        "'kind':'shift'"};
    ready();
    quarter_give();
    stand.now = past_ns + H(1);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        test_row("%s", kinds[i]);
        const struct json_value *report = content(make(kinds[i]));
        bool text = false;
        order_check(report);
        for (size_t n = 0; n < report->text.n; n++) {
            if (text && report->text.p[n] == '\\')
                n++;
            else if (report->text.p[n] == '"')
                text = !text;
            else
                CHECK(text || (report->text.p[n] != ' ' && report->text.p[n] != '\n'));
        }
    }
    stand_close(&stand);
}

/* --- lists --- */

static void what_is_overdue(void)
{
    struct err err;
    ready();
    weakness(quarter_ns, 1, "first", 4);
    weakness(quarter_ns + H(10), 1, "second", 4);
    stand.now = quarter_ns + H(25);
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    const struct json_value *report = content(make("'kind':'overdue'"));
    const char *term = "52/\xd0\x9d\xd2\x9a, p.13 abs.2 (M-19)";
    CHECK_TEXT(rows_of(report, "overdue_term"), stand_format(&stand, "%s 1 3600 = 1 ", term));
    CHECK_TEXT(rows_of(report, "overdue"),
               stand_format(&stand, "findings F-000001 first qorgan %s %lld %lld 3600", term,
                            (long long)(quarter_ns / SECOND_NS), (long long)((quarter_ns + H(24)) / SECOND_NS)));
    CHECK_TEXT(rows_of(report, "met_late"), "");
    CHECK(ask("{'ask':'findings.inform','who':'admin','id':1,'note':'letter'}"));
    CHECK(ask("{'ask':'findings.inform','who':'admin','id':2,'note':'letter'}"));
    stand.now += 1;
    report = content(make("'kind':'overdue'"));
    CHECK_TEXT(rows_of(report, "overdue"), "");
    CHECK_INT(json_get(section(report, "met_late"), "rows")->count, 1);
    stand.now += H(49);
    CHECK_TEXT(rows_of(content(make("'kind':'overdue','days':2")), "met_late"), "");
    stand_close(&stand);
}

static void what_an_object_has(void)
{
    ready();
    quarter_give();
    stand.now = past_ns + H(1);
    const struct json_value *report = content(make("'kind':'vulnerabilities','object':2"));
    CHECK_TEXT(rows_of(report, "annex5_standing"), "medium 1 0 0 1; low 2 2 0 0 = 3 2 0 1");
    CHECK_TEXT(rows_of(report, "annex5"),
               stand_format(&stand,
                            "V-000004 %lld internal Portal nginx, 192.0.2.1, h 443/tcp third\nIt is old.  medium kept; "
                            "V-000005 %lld internal Portal nginx, 192.0.2.1, h 443/tcp fourth\nIt is old.  low open; "
                            "V-000006 %lld internal Portal nginx, 192.0.2.1, h 443/tcp after\nIt is old.  low open",
                            (long long)((quarter_ns + H(2)) / SECOND_NS), (long long)((past_ns - 1) / SECOND_NS),
                            (long long)(past_ns / SECOND_NS)));
    stand_close(&stand);
}

static void what_a_shift_leaves(void)
{
    struct err err;
    ready();
    quarter_give();
    stand.now = quarter_ns + H(8);
    struct desk_source source = {.id = {7}, .kind = STR("tcp"), .name = STR("10.0.0.7"), .host = STR("router")};
    source.first_ns = T0;
    source.last_ns = stand.now - M(30);
    CHECK_INT(desk_source_stats(stand.desk, &source, 1, stand.now, &err), RC_OK);
    weakness(stand.now - H(20), 1, "of the shift before", 4);
    stand.now = quarter_ns + H(8);
    const struct json_value *report = content(make("'kind':'shift','hours':4"));
    CHECK_TEXT(rows_of(report, "shift_counts"),
               "detected 3; confirmed 2; ended 1; open_now 9; found 0; overdue_now 0; losses 0");
    CHECK_INT(json_get(section(report, "shift_new"), "rows")->count, 3);
    CHECK_TEXT(rows_of(report, "shift_silent"),
               stand_format(&stand, "source 10.0.0.7 router %lld", (long long)(source.last_ns / SECOND_NS)));
    struct str due = rows_of(report, "shift_due");
    CHECK(due.n > 0 &&
          str_ends(due, str_of(stand_format(&stand, "%lld", (long long)((quarter_ns + H(12)) / SECOND_NS)))));
    stand_close(&stand);
}

/* --- what is refused --- */

static void refusals(void)
{
    static const struct {
        const char *members;
        const char *field;
    } rows[] = {
        {"'kind':'x'", "kind"},
        {"'object':1", "kind"},
        {"'kind':'summary_17'", "year"},
        {"'kind':'summary_17','year':2017,'quarter':1", "year"},
        {"'kind':'summary_17','year':2026", "quarter"},
        {"'kind':'summary_17','year':2026,'quarter':0", "quarter"},
        {"'kind':'summary_17','year':2026,'quarter':5", "quarter"},
        {"'kind':'summary_18','year':2027,'quarter':1", "quarter"}, /* has not begun */
        {"'kind':'summary_18','year':2026,'quarter':4,'object':9", "object"},
        {"'kind':'vulnerabilities'", "object"},
        {"'kind':'vulnerabilities','object':9", "object"},
        {"'kind':'shift','hours':0", "hours"},
        {"'kind':'shift','hours':169", "hours"},
        {"'kind':'overdue','days':3661", "days"},
        {"'kind':'overdue','days':-1", "days"},
    };
    struct json_value *record;
    ready();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK_INT(make(rows[i].members), 0);
        CHECK_TEXT(stand_error(&stand), "invalid");
        CHECK_TEXT(stand_text(stand.json, "field"), rows[i].field);
    }
    char *words = arena_alloc(stand.arena, 9001);
    memset(words, 'a', 9000);
    words[9000] = '\0';
    char *question = arena_alloc(stand.arena, 9200);
    snprintf(question, 9200, "{'ask':'report.make','who':'admin',%s,'violations':'%s'}", SUMMARY, words);
    CHECK(!ask(question));
    CHECK_TEXT(stand_text(stand.json, "field"), "violations");
    CHECK_INT(stand_records(&stand, "report.made", &record), 0);
    CHECK(!ask("{'ask':'report.get','who':'admin','id':1}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK(!ask("{'ask':'report.list','who':'admin','kind':'x'}"));
    CHECK_TEXT(stand_error(&stand), "invalid");
    CHECK(!ask("{'ask':'report.make','who':'nobody','kind':'shift'}"));
    CHECK_TEXT(stand_error(&stand), "denied");
    static const char *const roles[][2] = {
        {"administrator", ""}, {"analyst", ""}, {"officer", ""}, {"auditor", "denied"}};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        test_row("%s", roles[i][0]);
        CHECK(ask(stand_format(&stand,
                               "{'ask':'user.save','who':'admin','user':{'name':'u%zu','role':'%s',"
                               "'password':'tulip garden 78','enabled':true}}",
                               i, roles[i][0])));
        CHECK(ask(stand_format(&stand,
                               "{'ask':'session.open','user':'u%zu','password':'tulip garden 78','address':"
                               "'::1'}",
                               i)));
        const char *token = arena_strz(stand.arena, stand_text(stand.json, "token"));
        CHECK(ask(stand_format(&stand,
                               "{'ask':'password.change','token':'%s','old':'tulip garden 78','new':"
                               "'rose garden 79'}",
                               token)));
        ask(stand_format(&stand, "{'ask':'report.make','who':'u%zu','kind':'shift'}", i));
        CHECK_TEXT(stand_error(&stand), roles[i][1]);
        CHECK(ask(stand_format(&stand, "{'ask':'report.list','who':'u%zu'}", i)));
    }
    stand_close(&stand);
}

/* What finds no place is counted, and is in the sums all the same. */
static void too_much(void)
{
    struct err err = {0};
    ready();
    CHECK_INT(db_begin(stand.db, DB_WRITE, &err), RC_OK);
    struct db_query q = db_query(
        stand.db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) INSERT INTO object (name, class,"
        " contour, owner, zone_offset_s) SELECT 'object ' || i, 2, 'internal', '', 18000 FROM n");
    CHECK_INT(db_run(&q), 600);
    q = db_query(stand.db, "INSERT INTO findings (number, object, origin, control, title, format, scanner, sha256, who,"
                           " received_ns, made_ns, ended_ns, informed_ns, fresh, known, returned, closed, summary)"
                           " VALUES ('F-1', 1, 'own', 0, '', '', '', '', '', 1, 1, 1, 0, 0, 0, 0, 0, '')");
    db_run(&q);
    q = db_query(stand.db,
                 "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999) INSERT INTO"
                 " vulnerability (number, object, print, findings, last_findings, scanner, checked, address, host,"
                 " protocol, component, place, tool_print, title, description, solution, evidence, cves, port, score,"
                 " severity, state, category, justification, until_ns, found_ns, seen_ns, times, returned, fixed_ns,"
                 " closed_ns) SELECT 'V-' || i, 1 + i % 600, randomblob(16), 1, 1, '', '', '', '', '', '', '', '',"
                 " 'title', hex(zeroblob(400)), '', '', '', 0, 0, 3, 0, '', '', 0, ?1, 0, 1, 0, 0, 0 FROM n");
    db_put_i64(&q, quarter_ns + 1);
    CHECK_INT(db_run(&q), 3000);
    q = db_query(stand.db, "UPDATE vulnerability SET object = 1 WHERE id <= 2000");
    db_run(&q);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    const struct json_value *report = content(make(SUMMARY)), *s = section(report, "vulnerabilities_object");
    CHECK_INT(json_get(s, "rows")->count, 500);
    CHECK_INT(stand_number(s, "rows_left_out"), 100);
    CHECK_INT(cell(json_get(s, "totals"), 1), 3000);
    CHECK_INT(stand_number(json_get(stand.json, "report"), "left_out"), 100);
    report = content(make("'kind':'vulnerabilities','object':1"));
    s = section(report, "annex5");
    CHECK_INT((int64_t)json_get(s, "rows")->count + stand_number(s, "rows_left_out"), 2001);
    CHECK(stand_number(s, "rows_left_out") > 0 && report->text.n < 900000);
    stand_close(&stand);
}

/* Whatever statement fails, there is no report without its record and no record without its report. */
static void all_or_nothing(void)
{
    struct json_value *record;
    size_t made = 0;
    ready();
    for (uint64_t n = 1; made == 0 && n < 200; n++) {
        db_fail_at(stand.db, n);
        struct arena *arena = arena_new((size_t)8 << 20);
        struct err err = {0};
        enum rc rc = desk_ask(stand.desk, STR("{\"ask\":\"report.make\",\"who\":\"admin\",\"kind\":\"shift\"}"),
                              stand.now, arena, &stand.answer, &err);
        bool reached = db_fail_at(stand.db, 0);
        arena_free(arena);
        made = rc == RC_OK && !reached;
        CHECK_INT(stand_records(&stand, "report.made", &record), made);
        CHECK(ask("{'ask':'report.list','who':'admin'}"));
        CHECK_INT(stand_number(stand.json, "total"), made);
    }
    CHECK_INT(made, 1);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"a quarter is counted", a_quarter_is_counted},
        {"tables agree", tables_agree},
        {"by whom it is asked", by_whom_it_is_asked},
        {"the same for ever", the_same_for_ever},
        {"its record is known", its_record_is_known},
        {"one way to write it", one_way_to_write_it},
        {"what is overdue", what_is_overdue},
        {"what an object has", what_an_object_has},
        {"what a shift leaves", what_a_shift_leaves},
        {"refusals", refusals},
        {"too much", too_much},
        {"all or nothing", all_or_nothing},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
