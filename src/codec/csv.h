/* csv.h - comma-separated records (RFC 4180): quotes, doubled quotes, line breaks inside quotes; LF or CR LF.
 *
 * A record of no characters at all (an empty line) is skipped. Borrowed; only csv_text takes memory. */
#ifndef CODEC_CSV_H
#define CODEC_CSV_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_FIELDS_MAX 256u

struct csv_field {
    struct str text; /* without its quotes, doubled quotes still doubled */
    bool doubled;
};

struct csv {
    struct str rest;
    char separator;
    uint32_t line;  /* on which the record read last begins, from 1 */
    uint32_t lines; /* line feeds passed so far */
    uint32_t count; /* fields of the record read last */
    struct csv_field field[CSV_FIELDS_MAX];
};

/* A byte order mark is skipped. separator: ',' by the RFC; ';' and tab are common. */
void csv_open(struct csv *csv, struct str text, char separator);
/* The next record into csv->field. RC_END after the last; RC_INVALID for a quote inside a bare field, text behind a
 * closing quote or a quote that is never closed; RC_LIMIT past CSV_FIELDS_MAX. */
enum rc csv_next(struct csv *csv, struct err *err) MUST_USE;
/* The text with doubled quotes made single; {NULL, 0} when the arena is exhausted. */
struct str csv_text(struct arena *arena, const struct csv_field *field) MUST_USE;

#endif
