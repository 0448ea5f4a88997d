/* export_class.h - the source class of order 52/НҚ, Annex 4 that a record is exported in when nobody names one: rows of
 * data/export_classes.tsv, the first that fits. Pure; borrows the table's text. */
#ifndef ARCHIVE_EXPORT_CLASS_H
#define ARCHIVE_EXPORT_CLASS_H

#include "archive/reader.h"

#define EXPORT_CLASS_ROWS_MAX 256
#define EXPORT_CLASS_AUTO     "auto"

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
struct str export_class_of(const struct export_classes *classes, const struct archive_hit *hit);

#endif
