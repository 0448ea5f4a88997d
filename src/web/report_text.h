/* report_text.h - a report (doc/format/report.md) as people read it: its cells as texts in the page's language, the
 * whole as a workbook and for the process that draws it. A report is older than the program that shows it: kinds of
 * cells and keys that are not known are shown as they stand. Pure. */
#ifndef WEB_REPORT_TEXT_H
#define WEB_REPORT_TEXT_H

#include "base/buf.h"
#include "codec/json.h"
#include "web/html.h"

#include <stdbool.h>

/* A column of a section: its name and the kind of its cells; empty where it is not said. */
struct str report_column_name(const struct json_value *column);
struct str report_column_kind(const struct json_value *column);
bool report_is_number(struct str kind);
/* The cell as plain text, without groups of digits in numbers. */
void report_cell_text(const struct html *html, struct str kind, const struct json_value *cell, struct buf *out);
/* "UTC+05:00": what times of cells are in. */
struct str report_zone(const struct html *html, char ret_text[16]);
/* What stands before the first "_": tables of one chapter stand together. */
struct str report_chapter(struct str section);

/* A sheet a chapter, behind one that says what report it is. `out` is empty. */
void report_sheet_write(const struct html *html, const struct json_value *report, const struct json_value *content,
                        struct buf *out);

/* Members of the question that has it drawn; the process that draws knows no keys and no languages. */
void report_drawing_write(const struct html *html, const struct json_value *report, const struct json_value *content,
                          struct buf *json);

#endif
