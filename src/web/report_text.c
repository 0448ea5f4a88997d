#include "web/report_text.h"

#include "base/civil.h"
#include "codec/xlsx.h"
#include "web/parts.h"

#define SHEETS_MAX  12u
#define ROWS_MAX    (XLSX_ROWS_MAX - 100u) /* of a sheet: heads and empty rows come to it */
#define TIME_DIGITS 19u                    /* 2026-11-20 10:00:00 */

/* Where the words of a kind of cells stand. */
static const struct {
    const char *kind;
    const char *family;
} families[] = {
    {"kind", "kind."},
    {"state", "state."},
    {"severity", "severity."},
    {"class", "object.class_"},
    {"outcome", "report_outcome."},
    {"consequence", "consequence."},
    {"contour", "contour."},
    {"not_removed", "not_removed."},
    {"subject", "terms.subject_"},
    {"vulnerability_state", "vulnerability.state_"},
    {"vulnerability_severity", "vulnerability.severity_"},
    {"cause", "loss_cause."},
    {"what", "report_what."},
};

struct str report_column_name(const struct json_value *column)
{
    return json_str(json_first(column), STR(""));
}

struct str report_column_kind(const struct json_value *column)
{
    const struct json_value *name = json_first(column);
    return json_str(name ? name->next : NULL, STR(""));
}

bool report_is_number(struct str kind)
{
    return str_is(kind, "number") || str_is(kind, "span");
}

struct str report_chapter(struct str section)
{
    return str_slice(section, 0, str_find(section, '_'));
}

static void time_put(const struct html *html, int64_t seconds, struct buf *out)
{
    char time[CIVIL_TEXT_MAX];
    if (seconds <= 0 || seconds > INT64_MAX / SECOND_NS)
        return;
    civil_format(seconds * SECOND_NS, html->zone_s, 0, time);
    time[10] = ' ';
    buf_str(out, str_at(time, TIME_DIGITS));
}

struct str report_zone(const struct html *html, char ret_text[16])
{
    int32_t minutes = (html->zone_s < 0 ? -html->zone_s : html->zone_s) / 60;
    struct buf text;
    buf_init_fixed(&text, ret_text, 16);
    buf_format(&text, "UTC%c%02d:%02d", html->zone_s < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
    return buf_view(&text);
}

void report_cell_text(const struct html *html, struct str kind, const struct json_value *cell, struct buf *out)
{
    struct str text = cell && cell->kind != JSON_NULL ? cell->text : STR("");
    if (str_is(kind, "said"))
        text = of_str(cell, language_code(html->language));
    if (str_is(kind, "time")) {
        time_put(html, json_int(cell, 0), out);
    } else if (str_is(kind, "span")) {
        struct html span = *html;
        span.out = out;
        html_span(&span, MAX(json_int(cell, 0), 0));
    } else {
        size_t i = 0;
        while (i < ARRAY_LEN(families) && !str_is(kind, families[i].kind))
            i++;
        if (i == ARRAY_LEN(families))
            buf_str(out, text);
        else if (text.n)
            buf_str(out, html_text_of(html, families[i].family, text));
        else
            buf_text(out, "\xe2\x80\x94"); /* nobody said it */
    }
}

/* --- as a workbook --- */

static struct str text_of(const struct html *html, const char *key)
{
    return html_text(html, str_of(key));
}

static void pair_put(struct xlsx *xlsx, struct str name, struct str value)
{
    xlsx_put(xlsx, name);
    xlsx_put(xlsx, value);
    xlsx_row_end(xlsx);
}

static void number_pair_put(struct xlsx *xlsx, struct str name, int64_t value)
{
    xlsx_put(xlsx, name);
    xlsx_put_number(xlsx, value);
    xlsx_row_end(xlsx);
}

static void time_pair_put(struct xlsx *xlsx, const struct html *html, const char *key, int64_t seconds)
{
    char storage[CIVIL_TEXT_MAX];
    struct buf time;
    buf_init_fixed(&time, storage, sizeof storage);
    time_put(html, seconds, &time);
    pair_put(xlsx, text_of(html, key), buf_view(&time));
}

static void first_sheet(struct xlsx *xlsx, const struct html *html, const struct json_value *report,
                        const struct json_value *content)
{
    char zone[16];
    xlsx_sheet(xlsx, STR("report"));
    pair_put(xlsx, text_of(html, "reports.kind"), html_text_of(html, "report_kind.", of_str(content, "kind")));
    pair_put(xlsx, text_of(html, "reports.number"), of_str(report, "number"));
    pair_put(xlsx, text_of(html, "reports.object"),
             of_str(content, "object").n ? of_str(content, "object") : text_of(html, "reports.all_objects"));
    time_pair_put(xlsx, html, "reports.from", of_int(content, "from_s"));
    time_pair_put(xlsx, html, "reports.to", of_int(content, "to_s"));
    pair_put(xlsx, text_of(html, "reports.paragraph"),
             of_str(json_get(content, "paragraph"), language_code(html->language)));
    pair_put(xlsx, text_of(html, "reports.edition"), of_str(content, "edition"));
    time_pair_put(xlsx, html, "reports.made", of_int(content, "made_s"));
    pair_put(xlsx, text_of(html, "reports.zone"), report_zone(html, zone));
    pair_put(xlsx, text_of(html, "reports.who"), of_str(content, "made_by"));
    number_pair_put(xlsx, text_of(html, "reports.archive_size"), of_int(content, "archive_size"));
    pair_put(xlsx, text_of(html, "reports.digest"), of_str(report, "sha256"));
}

static void cell_put(struct xlsx *xlsx, const struct html *html, struct str kind, const struct json_value *cell)
{
    char storage[8192];
    struct buf text;
    if (str_is(kind, "number") && cell && cell->kind == JSON_NUMBER) {
        xlsx_put_number(xlsx, json_int(cell, 0));
        return;
    }
    buf_init_fixed(&text, storage, sizeof storage);
    report_cell_text(html, kind, cell, &text);
    xlsx_put(xlsx, text.overflow ? STR("\xe2\x80\xa6") : buf_view(&text));
}

static void cells_put(struct xlsx *xlsx, const struct html *html, const struct json_value *section,
                      const struct json_value *row)
{
    size_t count = 0;
    const struct json_value *cell = json_first(row);
    for (const struct json_value *c = json_first(json_get(section, "columns")); c && cell && count < XLSX_COLUMNS_MAX;
         c = c->next, cell = cell->next, count++)
        cell_put(xlsx, html, report_column_kind(c), cell);
    xlsx_row_end(xlsx);
}

/* Sums, behind a word that says what they are. */
static void totals_put(struct xlsx *xlsx, const struct html *html, const struct json_value *totals)
{
    size_t count = 1;
    const struct json_value *cell = json_first(totals);
    xlsx_put(xlsx, text_of(html, "reports.total"));
    for (cell = cell ? cell->next : NULL; cell && count < XLSX_COLUMNS_MAX; cell = cell->next, count++)
        if (cell->kind == JSON_NUMBER)
            xlsx_put_number(xlsx, json_int(cell, 0));
        else
            xlsx_put(xlsx, STR(""));
    xlsx_row_end(xlsx);
}

static void section_put(struct xlsx *xlsx, const struct html *html, const struct json_value *section, size_t *rows)
{
    size_t columns = 0;
    xlsx_row_end(xlsx);
    xlsx_put(xlsx, html_text_of(html, "report_section.", of_str(section, "key")));
    xlsx_row_end(xlsx);
    for (const struct json_value *c = json_first(json_get(section, "columns")); c && columns < XLSX_COLUMNS_MAX;
         c = c->next, columns++) {
        xlsx_put(xlsx, html_text_of(html, "report_column.", report_column_name(c)));
    }
    xlsx_row_end(xlsx);
    for (const struct json_value *r = json_first(json_get(section, "rows")); r && *rows < ROWS_MAX;
         r = r->next, ++*rows)
        cells_put(xlsx, html, section, r);
    if (json_get(section, "totals"))
        totals_put(xlsx, html, json_get(section, "totals"));
    *rows += 4;
}

void report_sheet_write(const struct html *html, const struct json_value *report, const struct json_value *content,
                        struct buf *out)
{
    struct xlsx xlsx;
    struct str chapter = STR("report");
    size_t rows = 0, sheets = 0;
    xlsx_begin(&xlsx, out);
    first_sheet(&xlsx, html, report, content);
    for (const struct json_value *s = json_first(json_get(content, "sections")); s; s = s->next) {
        struct str next = report_chapter(of_str(s, "key"));
        if (!str_eq(next, chapter) && sheets < SHEETS_MAX && next.n > 0 && next.n <= 31) {
            chapter = next;
            xlsx_sheet(&xlsx, chapter);
            rows = 0;
            sheets++;
        }
        if (rows < ROWS_MAX)
            section_put(&xlsx, html, s, &rows);
    }
    xlsx_end(&xlsx);
}
