/* xlsx.h - tables of spreadsheet programs (ECMA-376, Office Open XML): texts in sheets, rows and columns, out and in.
 *
 * Written are texts and whole numbers only, so that no cell is a formula. Read is what a cell shows as it is stored:
 * texts, numbers in their digits, of a formula its last result; formats, dates and everything outside cells are passed
 * over. A file from a stranger is read through zipfile.h and xml.h, and no part of it before its size is known to fit.
 *
 * Limits: XLSX_SHEETS_MAX sheets of XLSX_ROWS_MAX rows and XLSX_COLUMNS_MAX columns, XLSX_CELLS_MAX cells together; a
 * part XLSX_PART_MAX bytes unpacked, all that are read XLSX_BYTES_MAX. RC_LIMIT past any of them. */
#ifndef CODEC_XLSX_H
#define CODEC_XLSX_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XLSX_SHEETS_MAX  16u
#define XLSX_ROWS_MAX    20000u
#define XLSX_COLUMNS_MAX 64u
#define XLSX_CELLS_MAX   200000u
#define XLSX_ENTRIES_MAX 1000u
#define XLSX_PART_MAX    ((size_t)16 << 20)
#define XLSX_BYTES_MAX   ((size_t)32 << 20)

/* Whether a text begins with "_xHHHH_", as spreadsheet programs write what XML cannot hold and a carriage return (Part
 * 1, 22.9.2.19, ST_Xstring). Read it is the character, or U+FFFD where that is none of XML's; a text that has it of its
 * own is written with "_x005F_" for its first sign. */
#define XLSX_ESCAPE_BYTES 7u
bool xlsx_escape(struct str text, uint32_t *ret_code);

/* --- reading --- */

/* Cells by rising row and, in a row, as they stand; row and column count from 0, empty cells are not given. Slices are
 * borrowed until return. False ends the reading. */
typedef bool (*xlsx_cell)(void *context, struct str sheet, uint32_t row, uint32_t column, struct str text);

/* RC_INVALID: no such file, or damaged; RC_LIMIT; RC_END: the callback ended it. What was given before a failure is for
 * nothing. */
enum rc xlsx_read(struct str bytes, xlsx_cell cell, void *context, struct err *err) MUST_USE;

/* --- writing --- */

/* Sheets one after the other; overflow is sticky in `out`, whose first byte is the file's. */
struct xlsx {
    struct buf *out;
    struct str name[XLSX_SHEETS_MAX]; /* borrowed */
    size_t sheets;
    uint32_t row, column; /* of the next cell */
    bool row_open;
    struct {
        size_t header, body; /* offsets of an entry */
        uint32_t size, crc;
        char name[40];
    } entry[XLSX_SHEETS_MAX + 4];
    size_t entries;
};

void xlsx_begin(struct xlsx *xlsx, struct buf *out);
/* A name of 1 to 31 characters without []:*?/\, that no other sheet has. */
void xlsx_sheet(struct xlsx *xlsx, struct str name);
void xlsx_put(struct xlsx *xlsx, struct str text);       /* the next cell of the row */
void xlsx_put_number(struct xlsx *xlsx, int64_t number); /* the same, one that can be added up */
void xlsx_row_end(struct xlsx *xlsx);
void xlsx_end(struct xlsx *xlsx);

#endif
