/* annex.h - what order 52/НҚ, Annex 4 demands of event logs, as a table, and whether counts satisfy it. Pure.
 *
 *   data/event_kinds.tsv, data/annex4.tsv ──► annex_read ──► rows by class ──► annex_judge (rows, counts) ──► states
 *
 * The desk counts what engines tell it (annex_store.c) and `qorgan coverage` what it reads in an archive; both judge
 * here. Class and field numbers are positions in the lists below, row numbers positions in `row`. */
#ifndef DESK_ANNEX_H
#define DESK_ANNEX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANNEX_KINDS_MAX     255u
#define ANNEX_ROWS_MAX      1024u
#define ANNEX_CLASS_ROWS    64u /* of one class: a bit each */
#define ANNEX_PERMILLE_BAD  1u  /* records of a thousand that may not be text or UTF-8 before it is a finding */
#define ANNEX_PERMILLE_ODD  10u /* the same of another format in a file */
#define ANNEX_PERMILLE_DARK 50u /* the same that no parser can tell into fields */
#define ANNEX_PARSER_MAX    24u /* bytes of a parser's name */

/* Source classes: chapters of the annex, the first in two (Unix, Windows). One row: enum, key. */
#define ANNEX_CLASSES(X)                                                                                               \
    X(ANNEX_OS, "os")                                                                                                  \
    X(ANNEX_WINDOWS, "windows")                                                                                        \
    X(ANNEX_DATABASE, "database")                                                                                      \
    X(ANNEX_NETWORK, "network")                                                                                        \
    X(ANNEX_APPLICATION, "application")                                                                                \
    X(ANNEX_PROTECTION, "protection")

enum annex_class {
#define X(id, key) id,
    ANNEX_CLASSES(X)
#undef X
        ANNEX_CLASS_COUNT
};

/* Fields that the annex asks for: the record's own time, then keys of statutory fields. One row: enum, key. */
#define ANNEX_FIELDS(X)                                                                                                \
    X(ANNEX_TIME, "time")                                                                                              \
    X(ANNEX_HOST, "host")                                                                                              \
    X(ANNEX_SERVICE, "service")                                                                                        \
    X(ANNEX_ACCOUNT, "account")                                                                                        \
    X(ANNEX_USER_ADDRESS, "user_address")                                                                              \
    X(ANNEX_SRC, "src")                                                                                                \
    X(ANNEX_DST, "dst")                                                                                                \
    X(ANNEX_OBJECT, "object")                                                                                          \
    X(ANNEX_START, "start")                                                                                            \
    X(ANNEX_END, "end")                                                                                                \
    X(ANNEX_DESCRIPTION, "description")

enum annex_field {
#define X(id, key) id,
    ANNEX_FIELDS(X)
#undef X
        ANNEX_FIELD_COUNT
};

enum annex_form { ANNEX_TEXT, ANNEX_DELIMITERS, ANNEX_UTF8, ANNEX_ONE_FORMAT, ANNEX_FORM_COUNT };
enum annex_what { ANNEX_KIND, ANNEX_FAILURE, ANNEX_FIELD, ANNEX_FORM, ANNEX_WHAT_COUNT };
enum annex_must { ANNEX_ALWAYS, ANNEX_POSSIBLE, ANNEX_ALSO, ANNEX_COVERS, ANNEX_MUST_COUNT };

/* What stands in a row of a matrix. Only ANNEX_MISSING is a finding. */
enum annex_state {
    ANNEX_SEEN,    /* of a form: it is kept to */
    ANNEX_COVERED, /* unseen, but a row of the same paragraph stands for it */
    ANNEX_ABSENT,  /* unseen, and nobody demands it */
    ANNEX_WAITING, /* unseen, and the source is not known for long enough */
    ANNEX_MISSING,
    ANNEX_STATE_COUNT
};

const char *annex_class_key(enum annex_class class);
enum annex_class annex_class_find(struct str key); /* ANNEX_CLASS_COUNT: none */
const char *annex_field_key(enum annex_field field);
const char *annex_what_key(enum annex_what what);
const char *annex_must_key(enum annex_must must);
const char *annex_state_key(enum annex_state state);

struct annex_kind {
    struct str key;
    struct str name[3]; /* kk, ru, en */
    struct str paragraphs;
};

struct annex_row {
    enum annex_class class;
    enum annex_what what;
    uint32_t number; /* of a kind from 1, of a field, of a form */
    enum annex_must must;
    struct str key;
    struct str paragraph;
    struct str switch_on; /* names of files, | between them */
};

struct annex {
    size_t kind_count; /* with kind[0], which is of records that say none */
    const struct annex_kind *kind;
    size_t row_count;
    const struct annex_row *row; /* class by class */
    size_t first[ANNEX_CLASS_COUNT + 1];
};

/* Borrows the texts. RC_INVALID names file and line, or what is not covered: each pair of kind and paragraph in the
 * table of kinds has a row in every class of its chapter, and no row says another. RC_LIMIT: too many rows. */
enum rc annex_read(struct str kinds_tsv, struct str annex_tsv, struct arena *arena, struct annex *ret_annex,
                   struct err *err) MUST_USE;
/* The number of a kind's key; 0 for none, also for one that is unknown. */
uint32_t annex_kind_find(const struct annex *annex, struct str key);

/* Records of one kind. Times are when they were received, 0 when there are none. */
struct annex_count {
    uint64_t records;
    uint64_t failed; /* of them, with the outcome failure */
    int64_t first_ns;
    int64_t last_ns;
    int64_t failed_ns; /* the last that failed */
    uint64_t field[ANNEX_FIELD_COUNT];
    uint64_t not_utf8;
    uint64_t not_text; /* with bytes that no text has: control characters but tab and line ends */
};
/* Adds `from` to `to`, without overflow. */
void annex_count_add(struct annex_count *to, const struct annex_count *from);

/* Records by parser. */
#define ANNEX_FORMATS_MAX 32u /* what comes past them is counted with the last */
struct annex_formats {
    struct {
        char parser[ANNEX_PARSER_MAX]; /* "none": no parser understood them */
        uint64_t records;
    } format[ANNEX_FORMATS_MAX];
    size_t count;
};
void annex_formats_add(struct annex_formats *formats, struct str parser, uint64_t records);

/* What is known of a source in one class. */
struct annex_seen {
    struct annex_count *kind; /* by number, annex->kind_count */
    struct annex_formats formats;
    const struct annex_formats
        *file; /* of all classes, when the source is a file: it must have one. NULL: it is none */
};
/* Empty, and `file` as given. */
void annex_seen_clear(const struct annex *annex, struct annex_seen *seen, const struct annex_formats *file);
void annex_seen_add(struct annex_seen *seen, uint32_t kind, struct str parser, const struct annex_count *count);
/* Of all kinds together. */
struct annex_count annex_seen_total(const struct annex *annex, const struct annex_seen *seen);

struct annex_cell {
    enum annex_state state;
    uint64_t records; /* of the kind, with the field, or against the form */
    uint64_t of;      /* of so many */
    int64_t first_ns;
    int64_t last_ns;
};
/* The cells of a class's rows, in their order; ret_cell has room for ANNEX_CLASS_ROWS. `due`: what is required and
 * unseen is a finding by now. */
void annex_judge(const struct annex *annex, enum annex_class class, const struct annex_seen *seen, bool due,
                 struct annex_cell *ret_cell);

/* The classes that a source is judged in, a bit each: those that a person set, else the one that most records are of
 * and each that has a tenth of them. `ret_main` takes what is of no class judged. 0 when there are no records. */
unsigned annex_classes(const uint64_t records[ANNEX_CLASS_COUNT], unsigned set, enum annex_class *ret_main);

#endif
