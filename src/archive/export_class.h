/* export_class.h - which records an export takes, and in which source class of order 52/НҚ, Annex 4: the one that was
 * asked for, or by rows of data/export_classes.tsv, the first that fits. Pure; borrows the tables' texts. */
#ifndef ARCHIVE_EXPORT_CLASS_H
#define ARCHIVE_EXPORT_CLASS_H

#include "archive/export_line.h"
#include "archive/reader.h"

#define EXPORT_CLASS_ROWS_MAX 256
#define EXPORT_CLASS_AUTO     "auto"
#define EXPORT_CLASSES_MAX    8 /* of one export; exports.tsv has six */

struct export_classes {
    size_t count;
    struct {
        struct str class;
        struct str kind;
        struct str parser;
        struct str service;
    } row[EXPORT_CLASS_ROWS_MAX];
};

/* RC_INVALID names the line; the last row must fit every record. */
enum rc export_classes_read(struct export_classes *classes, struct str tsv, struct err *err) MUST_USE;
/* By how a record came, what understood it and the service that it names. */
struct str export_class_find(const struct export_classes *classes, struct str kind, struct str parser,
                             struct str service);
struct str export_class_of(const struct export_classes *classes, const struct archive_hit *hit);

/* A class that records were found of, or the one that was asked for. */
struct export_class {
    struct str name;
    struct export_layout layout;
};

/* What an export takes, and the classes it has met. The caller fills in all but the last two. */
struct export_choice {
    struct export_layout form; /* what the classes' layouts share */
    enum paper_language language;
    struct str columns; /* text of data/exports.tsv */
    const struct export_classes *classes;
    struct str asked; /* class; EXPORT_CLASS_AUTO */
    bool own;         /* records that Qorgan wrote too */
    size_t class_count;
    struct export_class class[EXPORT_CLASSES_MAX];
};

/* Whether the class that was asked for is there: RC_NOT_FOUND. */
enum rc export_choice_check(struct export_choice *choice, struct err *err) MUST_USE;
/* The position of a record's class, whose columns are looked up when it comes for the first time. RC_END: the export
 * does not take the record; RC_NOT_FOUND: there is no such class; RC_LIMIT: past EXPORT_CLASSES_MAX. */
enum rc export_choose(struct export_choice *choice, const struct archive_hit *hit, size_t *ret_class,
                      struct err *err) MUST_USE;

#endif
