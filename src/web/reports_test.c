/* Reports on pages and as workbooks: what stands in their cells, in three languages; what is hostile or unknown. */
#include "codec/xlsx.h"
#include "web/fake_peers.h"
#include "web/report_text.h"

static const char content[] =
    "{'archive_size':4711,'edition':'23.04.2025','from_s':1790794800,'kind':'summary_17','made_by':'ann','made_s':"
    "1798747200,'object':'','object_id':0,'paragraph':{'en':'p.17','kk':'17-\xd1\x82','ru':'\xd0\xbf. 17'},'sections':["
    "{'columns':[['kind','kind'],['total','number'],['severity','severity']],'key':'events_kind','rows':[['phishing',"
    "1234567,'4'],['unheard_of',2,'']],'rows_left_out':3,'totals':['',1234569,'']},"
    "{'columns':[['title','said'],['detected','time'],['late_by','span'],['class','class']],'key':'measures_x','rows':"
    "[[{'en':'a<b','kk':'\xd3\x99\xd1\x96\xd2\xa3\xd2\x93\xd2\xaf\xd2\xb1\xd2\x9b\xd3\xa9\xd2\xbb','ru':'\xd0\xb0'},"
    "1790794800,90061,'1'],[7,'x',-1,{}],[]],'rows_left_out':0}],'to_s':1798743600,'zone_offset_s':18000}";

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static struct html html_in(enum language language, struct buf *out)
{
    return (struct html){.out = out, .texts = web->texts, .language = language, .zone_s = 18000};
}

static struct json_value *parsed(struct arena *arena)
{
    struct json_value *json = NULL;
    struct err err;
    char *text = arena_strz(arena, str_of(content));
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    CHECK_INT(json_parse(arena, str_of(text), 16, &json, &err), RC_OK);
    return json;
}

static void cells_in_words(void)
{
    static const struct {
        const char *kind, *cell;
        enum language language;
        const char *want;
    } rows[] = {
        {"number", "1234567", LANGUAGE_EN, "1234567"},
        {"text", "\"a\\nb\"", LANGUAGE_EN, "a\nb"},
        {"time", "1790794800", LANGUAGE_EN, "2026-10-01 00:00:00"},
        {"time", "0", LANGUAGE_EN, ""},
        {"time", "9223372036854775807", LANGUAGE_EN, ""},
        {"time", "\"x\"", LANGUAGE_EN, ""},
        {"span", "3661", LANGUAGE_EN, "01:01:01"},
        {"span", "-5", LANGUAGE_EN, "00:00:00"},
        {"severity", "\"4\"", LANGUAGE_EN, "High (4)"},
        {"severity", "\"9\"", LANGUAGE_EN, "9"},
        {"consequence", "\"\"", LANGUAGE_EN, "\xe2\x80\x94"},
        {"class", "\"1\"", LANGUAGE_KK, "1-\xd1\x81\xd1\x8b\xd0\xbd\xd1\x8b\xd0\xbf"},
        {"said", "{\"en\":\"e\",\"kk\":\"k\",\"ru\":\"r\"}", LANGUAGE_RU, "r"},
        {"said", "7", LANGUAGE_RU, ""},
        {"unknown", "\"x\"", LANGUAGE_EN, "x"},
        {"kind", "null", LANGUAGE_EN, "\xe2\x80\x94"},
    };
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1u << 20);
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 10000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_value *cell = NULL;
        struct err err;
        test_row("%s %s", rows[i].kind, rows[i].cell);
        CHECK_INT(json_parse(arena, str_of(rows[i].cell), 8, &cell, &err), RC_OK);
        struct html html = html_in(rows[i].language, NULL);
        buf_clear(&out);
        report_cell_text(&html, str_of(rows[i].kind), cell, &out);
        CHECK_TEXT(buf_view(&out), rows[i].want);
    }
    CHECK_TEXT(report_chapter(STR("events_kind")), "events");
    CHECK_TEXT(report_chapter(STR("overdue")), "overdue");
}

/* "SHEET ROW COLUMN TEXT" of each cell, a line each. */
static bool cell_note(void *context, struct str sheet, uint32_t row, uint32_t column, struct str text)
{
    buf_format(context, "%.*s %u %u %.*s\n", STR_ARG(sheet), row, column, STR_ARG(text));
    return true;
}

static bool has(const struct buf *cells, const char *line)
{
    if (str_search(buf_view(cells), str_of(line)) < cells->n)
        return true;
    printf("# no %s in\n# %.*s\n", line, STR_ARG(buf_view(cells)));
    return false;
}

static void a_workbook(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1u << 20);
    CLEANUP(buf_done) struct buf out;
    CLEANUP(buf_done) struct buf cells;
    struct err err = {0};
    buf_init(&out, 1u << 20);
    buf_init(&cells, 1u << 20);
    struct html html = html_in(LANGUAGE_EN, NULL);
    report_sheet_write(&html, NULL, parsed(arena), &out);
    CHECK_INT(xlsx_read(buf_view(&out), cell_note, &cells, &err), RC_OK);
    CHECK(has(&cells, "events 2 1 In all\nevents 2 2 Severity\n"));
    CHECK(has(&cells, "events 3 0 Phishing\nevents 3 1 1234567\nevents 3 2 High (4)\n"));
    CHECK(has(&cells, "events 4 0 unheard_of\nevents 4 1 2\nevents 4 2 \xe2\x80\x94\n"));
    CHECK(has(&cells, "events 5 0 In all\nevents 5 1 1234569\nmeasures"));
    CHECK(has(&cells, "measures 3 0 a<b\nmeasures 3 1 2026-10-01 00:00:00\nmeasures 3 2 1\xc2\xa0"
                      "d 01:01:01\nmeasures 3 3 class 1\n"));
    CHECK(str_search(buf_view(&out), STR("<v>1234567</v>")) < out.n); /* a number, so that it can be added up */
    buf_clear(&out);
    buf_clear(&cells);
    html.language = LANGUAGE_KK;
    report_sheet_write(&html, NULL, parsed(arena), &out);
    CHECK_INT(xlsx_read(buf_view(&out), cell_note, &cells, &err), RC_OK);
    CHECK(has(&cells, "\xd3\x99\xd1\x96\xd2\xa3\xd2\x93\xd2\xaf\xd2\xb1\xd2\x9b\xd3\xa9\xd2\xbb\n"));
}

static void a_page(void)
{
    CHECK_INT(status_of(get("/reports/3")), 200);
    static const char *const missing[] = {"/reports/x", "/reports/-1", "/reports/3/report.exe", "/reports/3/x.json",
                                          "/reports/99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        test_row("%s", missing[i]);
        CHECK_INT(status_of(get(missing[i])), 404);
    }
    CHECK_INT(status_of(get("/reports/3/report.json")), 200);
    CHECK_INT(status_of(get("/reports/3/report.xlsx")), 200);
    CHECK_INT(status_of(get("/reports/new?kind=nothing")), 200);
}

static void a_page_in_words(void)
{
    char *text = NULL;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1u << 20);
    struct buf answer;
    buf_init(&answer, 100000);
    buf_format(&answer,
               "{\"ok\":true,\"report\":{\"id\":3,\"number\":\"R-000003\",\"kind\":\"summary_17\"},\"content\":");
    text = arena_strz(arena, parsed(arena)->text);
    buf_format(&answer, "%s}", text);
    peers_reset();
    peers.ask = "report.get";
    peers.json = buf_view(&answer);
    CHECK_INT(status_of(get("/reports/3")), 200);
    CHECK(seen_has("Phishing") &&
          seen_has("1\xe2\x80\xaf"
                   "234\xe2\x80\xaf"
                   "567") &&
          seen_has("a&lt;b"));
    CHECK(seen_has("<rect width=\"100\" height=\"8\"/>") && seen_has("<rect width=\"0\" height=\"8\"/>"));
    CHECK(seen_has("3 further rows") && seen_has("<tfoot>") && !seen_has("before the period ended"));
    CHECK_INT(status_of(get("/reports/3/report.json")), 200);
    CHECK_STR(buf_view(&seen), str_of(text));
    buf_done(&answer);
    peers_reset();
}

static void making_one(void)
{
    peers_reset();
    CHECK_INT(status_of(post("/reports/new",
                             "kind=summary_18&year=2026&quarter=4&object=2&violations=a%0Ab&csrf=" FAKE_CSRF)),
              303);
    CHECK_TEXT(seen_location, "/reports/3");
    CHECK(asked("\"kind\":\"summary_18\",\"year\":2026,\"quarter\":4,\"object\":2,\"violations\":\"a\\nb\""));
    CHECK_INT(status_of(post("/reports/new", "kind=shift&hours=4&csrf=" FAKE_CSRF)), 303);
    CHECK(asked("\"kind\":\"shift\",\"hours\":4}") || asked("\"kind\":\"shift\",\"hours\":4,"));
    peers.ask = "report.make";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"hours\",\"text\":\"not so far back\"}");
    CHECK_INT(status_of(post("/reports/new", "kind=shift&hours=999&csrf=" FAKE_CSRF)), 422);
    CHECK(seen_has("value=\"999\"")); /* what was typed stays */
    peers_reset();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"cells in words", cells_in_words},   {"a workbook", a_workbook}, {"a page", a_page},
        {"a page in words", a_page_in_words}, {"making one", making_one},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
