/* survey_kind.h - which surveys order 52/NK asks for and how many a year, as data/surveys.tsv lists them.
 *
 * Owner: rows live in the arena. Errors: RC_INVALID names the line. Limits: SURVEY_KINDS_MAX rows, SURVEY_QUOTA_MAX
 * main surveys of a kind a year. Source: order 52/NK p.10(2), p.10(3). */
#ifndef DESK_SURVEY_KIND_H
#define DESK_SURVEY_KIND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "term/calendar.h"

#include <stdbool.h>
#include <stddef.h>

#define SURVEY_KINDS_MAX 16u
#define SURVEY_QUOTA_MAX 12

struct survey_kind {
    struct str id;
    struct str clock; /* its row of clocks.tsv; empty: the order gives no number */
    bool documents;   /* of technical documentation, else of vulnerabilities */
    int32_t quota[2]; /* a year: main ones, control ones; never more of these */
    int32_t days;     /* working days that one is planned for, 1 at least */
    int32_t after;    /* working days between a main one's last day and its control's first, at least */
    struct str paragraph[TERM_LANGUAGES];
    struct str name[TERM_LANGUAGES];
};

struct survey_kinds {
    const struct survey_kind *kind;
    size_t count;
};

/* Reads data/surveys.tsv; copies what it keeps. An empty text is a table without kinds. */
enum rc survey_kinds_read(struct arena *arena, struct str tsv, struct survey_kinds *ret_kinds,
                          struct err *err) MUST_USE;
/* Where it stands; count when there is none such. */
size_t survey_kind_find(const struct survey_kinds *kinds, struct str id);

#endif
