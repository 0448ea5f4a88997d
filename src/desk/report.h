/* report.h - reports: what the desk knew at one moment, as tables that never change again.
 *
 *   report.make ─► sections of its kind (report_tables.c) ─► one text, canonical JSON ─► row, and record "report.made"
 *                                                                 └─ SHA-256 ────────────────┘ with its SHA-256
 *   report.get ◄─ the text as it was stored, byte for byte; who asks later for the same makes another report
 *
 * A table is a list of columns, each with its kind, and rows of cells; so that whoever shows it, as a page or a
 * workbook, needs no knowledge of what it is about. In a table that adds up every column of numbers has its sum.
 * The form of the text: doc/format/report.md. What is asked for: order 52/NK p.17 (M-25) and p.18 (M-26), Annexes 2, 5
 * and 6. Inside the room, in a transaction. */
#ifndef DESK_REPORT_H
#define DESK_REPORT_H

#include "desk/inside.h"

#define REPORT_FORMAT       "qorgan.report/1"
#define REPORT_BYTES_MAX    ((size_t)896 << 10) /* of one; with what stands around it, it fits into an answer */
#define REPORTS_MAX         10000
#define REPORTS_BYTES_MAX   (INT64_C(1) << 30) /* of all */
#define REPORT_COLUMNS_MAX  12u
#define REPORT_CHAPTERS_MAX 8u
#define REPORT_CELL_MAX     2000u /* bytes of a text */
#define REPORT_WORDS_MAX    8000u /* of what a person says of violations */
#define SHIFT_HOURS         12    /* that a shift report looks back by itself, and ahead */
#define OVERDUE_DAYS        92    /* that an overdue list looks back by itself for terms that were met late */

/* Kinds of cells: enum, name in the text. What a query gives for them: numbers of nanoseconds, of states and so on; a
 * title two columns, the rule's id and the title. */
#define REPORT_CELLS(X)                                                                                                \
    X(CELL_NUMBER, "number")                                                                                           \
    X(CELL_TEXT, "text")                                                                                               \
    X(CELL_TIME, "time")  /* seconds since 1970, 0: none */                                                            \
    X(CELL_SPAN, "span")  /* seconds */                                                                                \
    X(CELL_TITLE, "said") /* in three languages, as the next */                                                        \
    X(CELL_TERM, "said")                                                                                               \
    X(CELL_STATE, "state")                                                                                             \
    X(CELL_SEVERITY, "severity")                                                                                       \
    X(CELL_CLASS, "class")                                                                                             \
    X(CELL_SUBJECT, "subject")                                                                                         \
    X(CELL_WEAK_STATE, "vulnerability_state")                                                                          \
    X(CELL_WEAK_SEVERITY, "vulnerability_severity")                                                                    \
    X(CELL_KIND, "kind") /* words from here on */                                                                      \
    X(CELL_OUTCOME, "outcome")                                                                                         \
    X(CELL_CONSEQUENCE, "consequence")                                                                                 \
    X(CELL_CONTOUR, "contour")                                                                                         \
    X(CELL_CATEGORY, "not_removed")                                                                                    \
    X(CELL_CAUSE, "cause")                                                                                             \
    X(CELL_WHAT, "what")

enum report_cell {
#define X(id, name) id,
    REPORT_CELLS(X)
#undef X
        REPORT_CELL_COUNT
};

struct report_column {
    const char *key; /* report_column.KEY; NULL after the last */
    enum report_cell cell;
};

/* What a report is about, as parameters of its queries: ?1 .. ?5. */
enum { REPORT_FROM, REPORT_TO, REPORT_OBJECT, REPORT_MADE, REPORT_ZONE, REPORT_PARAMETERS };

struct report_writer;
struct report_section {
    const char *key; /* report_section.KEY; NULL after the last */
    const struct report_column *columns;
    const char *sql;                            /* its first so many parameters; a column of it is a cell */
    int parameters;                             /* of `sql` */
    int64_t rows_max;                           /* further rows are counted, and summed up */
    bool adds_up;                               /* every column of numbers has its sum */
    void (*fill)(struct report_writer *writer); /* instead of `sql` */
};

struct report_kind {
    const char *name;
    const char *rule;                                           /* of data/clocks.tsv: whose edition it is by */
    bool paragraph;                                             /* and paragraph */
    const struct report_section *chapters[REPORT_CHAPTERS_MAX]; /* NULL after the last */
};

/* NULL when there is none. */
const struct report_kind *report_kind_find(struct str name);

/* --- writing (report_write.c) --- */

struct report_writer {
    struct ask *ask;
    struct buf *out;
    int64_t parameter[REPORT_PARAMETERS];
    struct str words; /* that a person says of violations */
    int64_t left_out; /* rows of all sections */
    const struct report_section *section;
    size_t cell;      /* the next one of the row */
    size_t row_began; /* offset */
    int64_t rows, section_left_out;
    int64_t row_number[REPORT_COLUMNS_MAX], total[REPORT_COLUMNS_MAX];
};

/* The sections of a kind, as an array. */
void report_sections_put(struct report_writer *writer, const struct report_kind *kind);
void report_row_begin(struct report_writer *writer);
/* The next cell, as its column says; `text` where it is one. */
void report_number_put(struct report_writer *writer, int64_t number);
void report_text_put(struct report_writer *writer, struct str text);
void report_row_end(struct report_writer *writer);
/* A member "KEY":{"en":...,"kk":...,"ru":...} of the paragraph that a term stands in. */
void report_paragraph_put(struct buf *out, const struct clock_rule *rule);

#endif
