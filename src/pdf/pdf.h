/* pdf.h - tables on paper: a title, facts, chapters and tables, drawn as a tagged PDF on A4.
 *
 *   JSON of who asks ──pdf_read──► struct pdf_document ──pdf_draw──► bytes
 *
 * The same document and fonts give the same bytes: no clock and no random number goes in. Text is that of the fonts'
 * glyphs, so that what is copied or searched is what stands there; tables are tagged (ISO 32000-1, 14.8.4.3), heads
 * come again on each page. Letters are set one after the other from left to right, without forms that depend on their
 * neighbours: Kazakh, Russian and English need none. What the font lacks is U+FFFD.
 *
 * Owner: slices of a document are borrowed; fonts borrow their bytes for the life of the process. No file is opened,
 * neither here nor in the libraries: fonts are given as bytes. One thread. Limits: PDF_* below; RC_LIMIT past them. */
#ifndef PDF_PDF_H
#define PDF_PDF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "codec/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PDF_COLUMNS_MAX 16u
#define PDF_PAGES_MAX   2000u
#define PDF_TEXT_MAX    8192u /* bytes of one text; longer ones are cut */

struct pdf_table {
    struct str title;
    size_t columns;
    struct str head[PDF_COLUMNS_MAX];
    bool number[PDF_COLUMNS_MAX];  /* set to the right */
    const struct json_value *rows; /* lists of texts */
    bool totals;                   /* the last row is set bold */
    struct str note;               /* below it */
};

/* One of both. */
struct pdf_block {
    struct str chapter;
    const struct pdf_table *table; /* NULL: a chapter begins */
};

struct pdf_document {
    struct str title;
    struct str subject; /* of the file's description */
    struct str author;
    struct str of;                  /* at the foot of each page, before its number */
    int64_t made_s;                 /* since 1970; the file's only time */
    const struct json_value *facts; /* pairs of texts */
    const struct pdf_block *block;
    size_t block_count;
    struct str signature; /* a line to sign on, after the last block; empty: none */
};

struct pdf_fonts;
/* TrueType files. RC_INVALID: no such file. */
enum rc pdf_fonts_new(struct str regular, struct str bold, struct pdf_fonts **ret_fonts, struct err *err) MUST_USE;
void pdf_fonts_free(struct pdf_fonts *fonts); /* NULL is fine */

/* {"title","subject","author","of","made_s","facts":[[name,value]],"blocks":[{"chapter"} or {"table":title,"heads":[],
 * "numbers":[true],"rows":[[]],"totals":false,"note"}],"signature"}. What is missing is empty. RC_INVALID: no object.
 */
enum rc pdf_read(const struct json_value *json, struct arena *arena, struct pdf_document *ret_document,
                 struct err *err) MUST_USE;
/* Appends the file. RC_LIMIT: more pages than PDF_PAGES_MAX, or more bytes than `out` holds. */
enum rc pdf_draw(const struct pdf_fonts *fonts, const struct pdf_document *document, struct arena *arena,
                 struct buf *out, struct err *err) MUST_USE;

#endif
