/* tsv.h - our own data tables: UTF-8, one row a line, cells separated by tabs, no quoting.
 *
 * Lines that begin with '#' and empty lines are skipped. The first other line names the columns. Every row must have
 * exactly as many cells; a cell may be empty. CR before LF is cut. Borrowed, no memory. Errors name the line. */
#ifndef CODEC_TSV_H
#define CODEC_TSV_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define TSV_COLUMNS_MAX 64u

struct tsv {
    struct str rest;
    uint32_t line; /* number of the line read last, from 1 */
    uint32_t columns;
    struct str name[TSV_COLUMNS_MAX];
    struct str cell[TSV_COLUMNS_MAX]; /* of the row read last */
};

/* Reads the header row. RC_INVALID: no header, an empty or repeated name, not UTF-8; RC_LIMIT: too many columns. */
enum rc tsv_open(struct tsv *tsv, struct str text, struct err *err) MUST_USE;
/* The next row into tsv->cell; RC_END after the last. */
enum rc tsv_next(struct tsv *tsv, struct err *err) MUST_USE;
/* Index of a column, or -1. */
int tsv_column(const struct tsv *tsv, const char *name);
/* As tsv_column, with an error that names the missing column. */
enum rc tsv_need(const struct tsv *tsv, const char *name, int *ret_column, struct err *err) MUST_USE;

#endif
