/* report_drawing.c - a report as texts and tables for the process that draws it (pdf/pdf.h, pdf_read). */
#include "base/civil.h"
#include "web/parts.h"
#include "web/report_text.h"

#define CELL_BYTES 8192u

static void text_put(const struct html *html, struct buf *json, struct str kind, const struct json_value *cell)
{
    char storage[CELL_BYTES];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    report_cell_text(html, kind, cell, &text);
    json_write_str(json, text.overflow ? STR("\xe2\x80\xa6") : buf_view(&text));
}

static void row_put(const struct html *html, struct buf *json, const struct json_value *section,
                    const struct json_value *row, bool totals)
{
    const struct json_value *column = json_first(json_get(section, "columns"));
    bool first = true;
    json_write_array(json);
    for (const struct json_value *cell = json_first(row); cell && column; cell = cell->next, column = column->next) {
        if (totals && cell->kind != JSON_NUMBER)
            json_write_str(json, first ? html_text(html, STR("reports.total")) : STR(""));
        else
            text_put(html, json, report_column_kind(column), cell);
        first = false;
    }
    json_write_array_end(json);
}

static void note_put(const struct html *html, struct buf *json, const struct json_value *section)
{
    char storage[512];
    struct buf note;
    struct html said = *html;
    int64_t left_out = of_int(section, "rows_left_out");
    buf_init_fixed(&note, storage, sizeof storage);
    said.out = &note;
    if (left_out > 0)
        SAY_WITH(&said, "reports.left_out", INT(left_out));
    else if (!json_first(json_get(section, "rows")))
        HTML(&said, SAY("reports.nothing"));
    json_put_str(json, "note", buf_view(&note));
}

static void section_put(const struct html *html, struct buf *json, const struct json_value *section)
{
    const struct json_value *columns = json_get(section, "columns"), *totals = json_get(section, "totals");
    json_write_object(json);
    json_put_str(json, "table", html_text_of(html, "report_section.", of_str(section, "key")));
    json_write_key(json, "heads");
    json_write_array(json);
    for (const struct json_value *c = json_first(columns); c; c = c->next)
        json_write_str(json, html_text_of(html, "report_column.", report_column_name(c)));
    json_write_array_end(json);
    json_write_key(json, "numbers");
    json_write_array(json);
    for (const struct json_value *c = json_first(columns); c; c = c->next)
        json_write_bool(json, report_is_number(report_column_kind(c)));
    json_write_array_end(json);
    json_write_key(json, "rows");
    json_write_array(json);
    const struct json_value *rows = json_get(section, "rows");
    for (const struct json_value *row = json_first(rows); row; row = row->next)
        row_put(html, json, section, row, false);
    if (totals && json_first(rows))
        row_put(html, json, section, totals, true);
    json_write_array_end(json);
    json_put_bool(json, "totals", totals && json_first(rows));
    note_put(html, json, section);
    json_write_object_end(json);
}

static void blocks_put(const struct html *html, struct buf *json, const struct json_value *content)
{
    struct str chapter = STR("");
    json_write_key(json, "blocks");
    json_write_array(json);
    for (const struct json_value *s = json_first(json_get(content, "sections")); s; s = s->next) {
        struct str next = report_chapter(of_str(s, "key"));
        if (!str_eq(next, chapter)) {
            json_write_object(json);
            json_put_str(json, "chapter", html_text_of(html, "report_chapter.", next));
            json_write_object_end(json);
        }
        chapter = next;
        section_put(html, json, s);
    }
    json_write_array_end(json);
}

static void fact_put(const struct html *html, struct buf *json, const char *key, struct str value)
{
    if (!value.n)
        return;
    json_write_array(json);
    json_write_str(json, html_text(html, str_of(key)));
    json_write_str(json, value);
    json_write_array_end(json);
}

static void fact_cell(const struct html *html, struct buf *json, const char *key, const char *kind,
                      const struct json_value *cell)
{
    json_write_array(json);
    json_write_str(json, html_text(html, str_of(key)));
    text_put(html, json, str_of(kind), cell);
    json_write_array_end(json);
}

static void facts_put(const struct html *html, struct buf *json, const struct json_value *report,
                      const struct json_value *content)
{
    struct str object = of_str(content, "object");
    char zone[16];
    json_write_key(json, "facts");
    json_write_array(json);
    fact_put(html, json, "reports.number", of_str(report, "number"));
    fact_put(html, json, "reports.object", object.n ? object : html_text(html, STR("reports.all_objects")));
    fact_cell(html, json, "reports.from", "time", json_get(content, "from_s"));
    fact_cell(html, json, "reports.to", "time", json_get(content, "to_s"));
    fact_put(html, json, "reports.paragraph", of_str(json_get(content, "paragraph"), language_code(html->language)));
    fact_put(html, json, "reports.edition", of_str(content, "edition"));
    fact_cell(html, json, "reports.made", "time", json_get(content, "made_s"));
    fact_put(html, json, "reports.zone", report_zone(html, zone));
    fact_put(html, json, "reports.who", of_str(content, "made_by"));
    fact_cell(html, json, "reports.archive_size", "number", json_get(content, "archive_size"));
    fact_put(html, json, "reports.digest", of_str(report, "sha256"));
    json_write_array_end(json);
}

void report_drawing_write(const struct html *html, const struct json_value *report, const struct json_value *content,
                          struct buf *json)
{
    json_put_str(json, "title", html_text_of(html, "report_kind.", of_str(content, "kind")));
    json_put_str(json, "subject", of_str(report, "sha256"));
    json_put_str(json, "author", of_str(content, "made_by"));
    json_put_str(json, "of", of_str(report, "number"));
    json_put_int(json, "made_s", of_int(content, "made_s"));
    facts_put(html, json, report, content);
    blocks_put(html, json, content);
    char storage[256];
    struct buf signature;
    buf_init_fixed(&signature, storage, sizeof storage);
    buf_str(&signature, html_text(html, STR("objects.signature")));
    buf_text(&signature, " ______________________");
    json_put_str(json, "signature", buf_view(&signature));
}
