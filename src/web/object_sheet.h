/* object_sheet.h - the card of an object (doc/format/object.md) as a spreadsheet, and back: what people fill in with
 * the programs they have. Sheets: "object" with a row a value (id, name, value), and one a list with its columns' names
 * in the first row. Reading passes over other sheets and columns. Pure.
 *
 * Errors: RC_INVALID names sheet and row; RC_LIMIT: more rows than a card may have. Source: order 52/NK p.8 and 15 (on
 * paper and electronically). */
#ifndef WEB_OBJECT_SHEET_H
#define WEB_OBJECT_SHEET_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "web/html.h"

#define OBJECT_SHEET_ROWS_MAX 2000u

/* `object` as object.card answers it; names in the language of `html`. */
void object_sheet_write(const struct html *html, const struct json_value *object, struct buf *out);
/* One JSON object, as object.save takes it. */
enum rc object_sheet_read(struct str bytes, struct arena *arena, struct buf *json, struct err *err) MUST_USE;

#endif
