/* export_line.h - one record as one line of an exported file. Formats are defined in doc/format/export.md.
 *
 * statutory  the class's columns of order 52/НҚ, Annex 4, a delimiter between them; a value that holds the delimiter or
 *            a quotation mark stands in quotation marks, which are doubled inside; LF ends the line
 * csv        the same columns, then record, source, raw; RFC 4180 with commas; CR LF; a value that begins with = + - @,
 *            which a spreadsheet would run as a formula, begins with that byte as \xNN
 * json       one object a line: record, time, received, source, source_kind, the statutory fields, raw, and raw_base64
 *            when the raw bytes are not UTF-8; LF
 * In the first two every value is in its visible form (paper/visible.h), so that a record is always one line and the
 * bytes can be had back. */
#ifndef ARCHIVE_EXPORT_LINE_H
#define ARCHIVE_EXPORT_LINE_H

#include "archive/reader.h"
#include "paper/paper_text.h"

#define EXPORT_COLUMNS_MAX 16
#define EXPORT_NAME_MAX    60 /* bytes of a name that stand in a file's name */

enum export_format { EXPORT_STATUTORY, EXPORT_CSV, EXPORT_JSON, EXPORT_FORMATS };

struct export_layout {
    enum export_format format;
    char delimiter; /* of the statutory form */
    int32_t zone_s;
    size_t column_count;
    struct str column[EXPORT_COLUMNS_MAX];
    struct str title[EXPORT_COLUMNS_MAX];
};

bool export_format_find(struct str name, enum export_format *ret_format) MUST_USE;
/* "statutory"; constant. */
const char *export_format_name(enum export_format format);
/* "txt", "csv", "jsonl"; constant. */
const char *export_format_ending(enum export_format format);
/* A name as part of a file's name: letters, digits, dot and hyphen, the rest as underscores; EXPORT_NAME_MAX bytes. */
void export_name_put(struct buf *out, struct str name);
/* The columns of a class, from the text of data/exports.tsv, which is borrowed. RC_NOT_FOUND; RC_INVALID. */
enum rc export_layout_columns(struct export_layout *layout, struct str tsv, struct str class,
                              enum paper_language language, struct err *err) MUST_USE;
/* The heading line; nothing for json. */
void export_line_head(const struct export_layout *layout, struct buf *out);
/* The members of a line of json, into an object that is begun. */
void export_json_members(const struct archive_hit *hit, struct buf *out);
void export_line_put(const struct export_layout *layout, const struct archive_hit *hit, struct buf *out);

#endif
