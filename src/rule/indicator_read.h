/* indicator_read.h - files of indicators into the table of indicator.h. Pure: the caller reads the file.
 *
 *   CSV     a line of column names (it may be a comment) and rows, separated by , ; tab or |; or one value a line with
 *           a note behind it. # begins a comment; `# subdomains: yes` and `# expires: TIME` speak for the whole file
 *   STIX    2.1 bundle (or TAXII envelope): indicator objects whose pattern compares values for equality
 *   MISP    events as exported, one or many: attributes of events and of their objects
 *
 * What cannot be read is refused with its line and reason, and the rest is taken. JSON is read token by token: the
 * memory is that of one object, whatever the size of the file; a file that breaks off keeps what came before. */
#ifndef RULE_INDICATOR_READ_H
#define RULE_INDICATOR_READ_H

#include "base/arena.h"
#include "rule/indicator.h"

#define INDICATOR_FILE_MAX    (UINT64_C(2) << 30) /* bytes of one file */
#define INDICATOR_OBJECT_MAX  ((size_t)1 << 20)   /* bytes of texts of one object or row, escapes undone */
#define INDICATOR_PATTERN_MAX 256u                /* comparisons of one STIX pattern, values of IN counted each */
#define INDICATOR_TYPE_PARTS  2u

struct indicator_reading {
    struct indicators *indicators; /* its list was begun */
    bool all;                      /* MISP: also attributes that are not marked for detection (to_ids) */
};

/* CSV or JSON, told by the first character. RC_LIMIT: the table or memory is full; the rest of the file is not read. */
enum rc indicator_read(const struct indicator_reading *reading, struct str text, struct err *err) MUST_USE;
enum rc indicator_csv_read(const struct indicator_reading *reading, struct str text, struct err *err) MUST_USE;
enum rc indicator_json_read(const struct indicator_reading *reading, struct str text, struct err *err) MUST_USE;

/* ---- inside this room ---- */

/* What a type's name asks of the value. */
enum indicator_want {
    INDICATOR_WANT_ANY,
    INDICATOR_WANT_ADDRESS,
    INDICATOR_WANT_DOMAIN,
    INDICATOR_WANT_HOST, /* an address or a domain */
    INDICATOR_WANT_HASH,
    INDICATOR_WANT_URL,
    INDICATOR_WANT_NOTHING, /* of composite types: this part is no indicator */
};

struct indicator_type {
    const char *name;
    enum indicator_want part[INDICATOR_TYPE_PARTS]; /* values of two parts are joined by '|' */
};
/* By name, without regard to case; NULL when it is not known. */
const struct indicator_type *indicator_type_find(struct str name);

/* Takes a value as a list wrote it. */
enum rc indicator_take(struct indicators *indicators, uint32_t line, enum indicator_want want, struct str value,
                       const struct indicator_about *about, struct err *err) MUST_USE;
/* A time as lists write it; a day alone is its begin, or with `end` its end. */
bool indicator_time(struct str text, bool end, int64_t *ret_ns) MUST_USE;

/* One value that a STIX pattern compares with. */
struct indicator_comparison {
    enum indicator_want want;
    struct str value; /* in the pattern or in the arena */
};
/* The values of a pattern of which any is enough: comparisons for equality joined by OR, within one or several
 * observations. NULL, or why the pattern is more than that; the text lives in the arena. */
const char *indicator_pattern(struct str pattern, struct arena *arena,
                              struct indicator_comparison ret_comparisons[INDICATOR_PATTERN_MAX], size_t *ret_count);

#endif
