/* questionnaire.h - what the owner or holder tells of an object by order 52/NK, Annex 1, as data/annex1.tsv lists it.
 *
 * A row is a field of the object's card (card.h): most are texts kept by their id; "name", "owner" and "contacts" stand
 * in the object itself, schemes are among its documents. What is required and not there is named, never refused.
 * Owner: rows live in the arena. Errors: RC_INVALID names the line. Limits: QUESTIONNAIRE_MAX rows, 8,000 bytes a text.
 */
#ifndef DESK_QUESTIONNAIRE_H
#define DESK_QUESTIONNAIRE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "term/calendar.h"

#include <stdbool.h>
#include <stddef.h>

#define QUESTIONNAIRE_MAX 64u

/* One row a kind: enum, word of the file. */
#define QUESTION_KINDS(X)                                                                                              \
    X(QUESTION_LINE, "line")                                                                                           \
    X(QUESTION_TEXT, "text")                                                                                           \
    X(QUESTION_CHOICE, "choice")                                                                                       \
    X(QUESTION_DOCUMENT, "document")                                                                                   \
    X(QUESTION_CONTACTS, "contacts")                                                                                   \
    X(QUESTION_MEANS, "means")

enum question_kind {
#define X(id, word) id,
    QUESTION_KINDS(X)
#undef X
        QUESTION_KIND_COUNT
};

struct question_field {
    struct str id;
    struct str point; /* of the annex: "7" */
    enum question_kind kind;
    struct str values; /* of a choice, with commas */
    size_t limit;      /* bytes of a text */
    bool required;     /* always */
    struct str if_id;  /* it is required where this field has this value; empty: never */
    struct str if_value;
    struct str name[TERM_LANGUAGES];
};

struct questionnaire {
    const struct question_field *field;
    size_t count;
};

/* Reads data/annex1.tsv; copies what it keeps. An empty text is a questionnaire without fields. */
enum rc questionnaire_read(struct arena *arena, struct str tsv, struct questionnaire *ret_questionnaire,
                           struct err *err) MUST_USE;
const char *question_kind_name(enum question_kind kind);
/* Where it stands; count when there is no such field. */
size_t question_find(const struct questionnaire *questionnaire, struct str id);
/* Whether a word is among those of a list with commas. */
bool question_value_known(struct str values, struct str value);

#endif
