/* One report as it was made: for the screen, for paper, as its own text and as a workbook. */
#include "base/civil.h"
#include "web/parts.h"
#include "web/report_text.h"
#include "web/route.h"

#define CELL_BYTES ((size_t)8 << 10)

static bool report_ask(struct web_call *call)
{
    uint64_t id = 0;
    if (!str_to_u64(call->args[0], &id) || id > INT64_MAX) {
        call_fail(call, 404, STR("not_found"), STR(""));
        return false;
    }
    json_put_int(call_ask(call, WEB_DESK, "report.get"), "id", (int64_t)id);
    call_ask_end(call);
    return true;
}

/* The zone that the report was made in is the one that it is read in. */
static void zone_set(struct web_call *call, const struct json_value *content)
{
    int64_t zone_s = json_int(json_get(content, "zone_offset_s"), ZONE_DEFAULT_S);
    if (zone_s >= -43200 && zone_s <= 50400)
        call->html.zone_s = (int32_t)zone_s;
}

/* --- what it is --- */

static void fact(struct web_call *call, const char *key, struct str value)
{
    part_row_begin(call, key);
    HTML(&call->html, ESC(value), RAW("</td></tr>"));
}

static void fact_time(struct web_call *call, const char *key, int64_t seconds)
{
    part_row_begin(call, key);
    HTML(&call->html, TIME(MIN(MAX(seconds, 0), INT64_MAX / SECOND_NS) * SECOND_NS), RAW("</td></tr>"));
}

static void facts(struct web_call *call, const struct json_value *report, const struct json_value *content)
{
    struct html *html = &call->html;
    struct str object = of_str(content, "object");
    HTML(html, RAW("<table class=\"pairs\"><tbody>"));
    fact(call, "reports.number", of_str(report, "number"));
    fact(call, "reports.object", object.n ? object : html_text(html, STR("reports.all_objects")));
    fact_time(call, "reports.from", of_int(content, "from_s"));
    fact_time(call, "reports.to", of_int(content, "to_s"));
    if (of_str(json_get(content, "paragraph"), "en").n) /* what goes by no single one has none */
        fact(call, "reports.paragraph", of_str(json_get(content, "paragraph"), language_code(html->language)));
    fact(call, "reports.edition", of_str(content, "edition"));
    fact_time(call, "reports.made", of_int(content, "made_s"));
    fact(call, "reports.who", of_str(content, "made_by"));
    part_row_begin(call, "reports.archive_size");
    HTML(html, NUMBER(of_int(content, "archive_size")), RAW("</td></tr>"));
    part_row_begin(call, "reports.record");
    part_record(call, of_int(report, "record"));
    HTML(html, RAW("</td></tr>"));
    part_row_begin(call, "reports.digest");
    HTML(html, RAW("<code>"), ESC(of_str(report, "sha256")), RAW("</code></td></tr></tbody></table>"));
}

/* --- its tables --- */

/* How much of the largest row of the column this one is, as a bar beside the number. */
static void bar(struct html *html, int64_t value, int64_t most)
{
    if (most <= 0 || value < 0 || value > most)
        return;
    HTML(html,
         RAW("<svg class=\"share\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect "
             "width=\""),
         INT((int64_t)(100.0 * (double)value / (double)most)), RAW("\" height=\"8\"/></svg>"));
}

struct table {
    const struct json_value *section;
    bool adds_up;
    int64_t most; /* of the column "total" */
};

static const struct json_value *cell_at(const struct json_value *row, size_t n)
{
    const struct json_value *cell = json_first(row);
    for (; cell && n > 0; n--)
        cell = cell->next;
    return cell;
}

static struct table table_of(const struct json_value *section)
{
    struct table table = {.section = section, .adds_up = json_get(section, "totals") != NULL};
    size_t place = 0;
    for (const struct json_value *c = json_first(json_get(section, "columns")); c; c = c->next, place++)
        if (str_is(report_column_name(c), "total"))
            for (const struct json_value *r = json_first(json_get(section, "rows")); r; r = r->next)
                table.most = MAX(table.most, json_int(cell_at(r, place), 0));
    return table;
}

static void cell_show(struct web_call *call, const struct table *table, const struct json_value *column,
                      const struct json_value *cell)
{
    struct html *html = &call->html;
    struct str name = report_column_name(column), kind = report_column_kind(column);
    char *storage = arena_alloc_raw(call->arena, CELL_BYTES);
    struct buf text;
    HTML(html, RAW("<td data-label=\""), SAY_OF("report_column.", name), RAW("\""));
    if (report_is_number(kind))
        HTML(html, RAW(" class=\"number\""));
    HTML(html, RAW(">"));
    if (str_is(kind, "number") && cell->kind == JSON_NUMBER) {
        HTML(html, NUMBER(json_int(cell, 0)));
        if (table->adds_up && str_is(name, "total"))
            bar(html, json_int(cell, 0), table->most);
    } else if (str_is(kind, "time") && json_int(cell, 0) > 0 && json_int(cell, 0) < INT64_MAX / SECOND_NS) {
        HTML(html, TIME(json_int(cell, 0) * SECOND_NS));
    } else if (storage) {
        buf_init_fixed(&text, storage, CELL_BYTES);
        report_cell_text(html, kind, cell, &text);
        HTML(html, ESC(text.overflow ? STR("\xe2\x80\xa6") : buf_view(&text)));
    }
    HTML(html, RAW("</td>"));
}

static void cells_show(struct web_call *call, const struct table *table, const struct json_value *row)
{
    const struct json_value *cell = json_first(row);
    for (const struct json_value *c = json_first(json_get(table->section, "columns")); c && cell;
         c = c->next, cell = cell->next)
        cell_show(call, table, c, cell);
}

static void heads_show(struct web_call *call, const struct json_value *section)
{
    struct html *html = &call->html;
    HTML(html, RAW("<thead><tr>"));
    for (const struct json_value *c = json_first(json_get(section, "columns")); c; c = c->next) {
        if (report_is_number(report_column_kind(c)))
            HTML(html, RAW("<th scope=\"col\" class=\"number\">"));
        else
            HTML(html, RAW("<th scope=\"col\">"));
        HTML(html, SAY_OF("report_column.", report_column_name(c)), RAW("</th>"));
    }
    HTML(html, RAW("</tr></thead>"));
}

/* The row of sums: its first cell says what it is. */
static void totals_show(struct web_call *call, const struct table *table)
{
    struct html *html = &call->html;
    const struct json_value *totals = json_get(table->section, "totals");
    const struct json_value *cell = json_first(totals);
    const struct json_value *column = json_first(json_get(table->section, "columns"));
    if (!cell || !column)
        return;
    struct table bare = {.section = table->section};
    HTML(html, RAW("<tfoot><tr><th scope=\"row\">"), SAY("reports.total"), RAW("</th>"));
    for (cell = cell->next, column = column->next; cell && column; cell = cell->next, column = column->next)
        if (cell->kind == JSON_NUMBER)
            cell_show(call, &bare, column, cell);
        else
            HTML(html, RAW("<td class=\"none\"></td>"));
    HTML(html, RAW("</tr></tfoot>"));
}

static void section_show(struct web_call *call, const struct json_value *section)
{
    struct html *html = &call->html;
    struct table table = table_of(section);
    const struct json_value *rows = json_get(section, "rows");
    int64_t left_out = of_int(section, "rows_left_out");
    HTML(html, RAW("<h3>"), SAY_OF("report_section.", of_str(section, "key")), RAW("</h3>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("reports.nothing"), RAW("</p>"));
    } else {
        HTML(html, RAW("<table class=\"rows report\">"));
        heads_show(call, section);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *r = json_first(rows); r; r = r->next) {
            HTML(html, RAW("<tr>"));
            cells_show(call, &table, r);
            HTML(html, RAW("</tr>"));
        }
        HTML(html, RAW("</tbody>"));
        if (table.adds_up)
            totals_show(call, &table);
        HTML(html, RAW("</table>"));
    }
    if (left_out > 0) {
        HTML(html, RAW("<p class=\"meta\">"));
        SAY_WITH(html, "reports.left_out", NUMBER(left_out));
        HTML(html, RAW("</p>"));
    }
}

static void sections_show(struct web_call *call, const struct json_value *content)
{
    struct html *html = &call->html;
    struct str chapter = STR("");
    for (const struct json_value *s = json_first(json_get(content, "sections")); s; s = s->next) {
        struct str next = report_chapter(of_str(s, "key"));
        if (!str_eq(next, chapter))
            HTML(html, RAW("<h2 class=\"chapter\">"), SAY_OF("report_chapter.", next), RAW("</h2>"));
        chapter = next;
        section_show(call, s);
    }
}

void page_report(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        IGNORE(report_ask(call));
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *report = json_get(call_answer(call, 0), "report");
    const struct json_value *content = json_get(call_answer(call, 0), "content");
    zone_set(call, content);
    call_page(call, "reports.title", SECTION_REPORTS);
    HTML(html, RAW("<p class=\"meta\"><a href=\"/reports\">"), SAY("reports.title"),
         RAW("</a></p><div class=\"heading\"><h1>"), SAY_OF("report_kind.", of_str(report, "kind")),
         RAW("</h1><span class=\"buttons\"><a class=\"button\" href=\"/reports/"), INT(of_int(report, "id")),
         RAW("/report.pdf\">PDF</a> <a class=\"button\" href=\"/reports/"), INT(of_int(report, "id")),
         RAW("/report.xlsx\">XLSX</a> <a class=\"button\" href=\"/reports/"), INT(of_int(report, "id")),
         RAW("/report.json\">JSON</a></span></div>"));
    if (of_int(content, "made_s") < of_int(content, "to_s"))
        part_notice(call, "warn", "reports.unfinished");
    facts(call, report, content);
    sections_show(call, content);
    HTML(html, RAW("<p class=\"signature\">"), SAY("objects.signature"), RAW(" ______________________</p>"));
    call_page_end(call, 200);
}

/* --- as a file --- */

/* The bytes that the archive has the digest of. */
static void file_json(struct web_call *call, const struct json_value *content)
{
    call_download(call, "application/json; charset=utf-8",
                  call_format(call, "report-%.*s.json", STR_ARG(str_slice(call->args[0], 0, 20))),
                  content ? content->text : STR("{}"));
}

/* The page's own buffer holds the file. */
static void file_workbook(struct web_call *call, const struct json_value *report, const struct json_value *content)
{
    struct buf *out = call->html.out;
    report_sheet_write(&call->html, report, content, out);
    call_download(call, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                  call_format(call, "report-%.*s.xlsx", STR_ARG(str_slice(call->args[0], 0, 20))), buf_view(out));
}

/* Drawn by another process, which is asked once the report is there. */
static void file_drawn(struct web_call *call, const struct json_value *report, const struct json_value *content)
{
    struct str name = call_format(call, "report-%.*s.pdf", STR_ARG(str_slice(call->args[0], 0, 20)));
    if (call->phase == 1) {
        report_drawing_write(&call->html, report, content, call_ask(call, WEB_DRAWER, "draw"));
        call_ask_end_bytes(call);
        return;
    }
    if (!call_failed_at(call, 1))
        call_download(call, "application/pdf", name, call->questions[1].answer_bytes);
}

void page_report_file(struct web_call *call)
{
    struct str name = call->args[1];
    if (!str_is(name, "report.xlsx") && !str_is(name, "report.json") && !str_is(name, "report.pdf")) {
        call_fail(call, 404, STR("not_found"), STR(""));
        return;
    }
    if (call->phase == 0) {
        IGNORE(report_ask(call));
        return;
    }
    if (call_failed_at(call, 0))
        return;
    const struct json_value *report = json_get(call_answer(call, 0), "report");
    const struct json_value *content = json_get(call_answer(call, 0), "content");
    zone_set(call, content);
    if (str_is(name, "report.pdf"))
        file_drawn(call, report, content);
    else if (str_is(name, "report.xlsx"))
        file_workbook(call, report, content);
    else
        file_json(call, content);
}
