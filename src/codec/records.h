/* records.h - cuts a file into records: lines, JSON values when the file is JSON that spans lines, or Windows events.
 */
#ifndef CODEC_RECORDS_H
#define CODEC_RECORDS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum records_form {
    RECORDS_LINES,  /* empty ones are skipped */
    RECORDS_VALUES, /* JSON objects one after the other, with or without line ends within */
    RECORDS_ARRAY,  /* the elements of one JSON array */
    RECORDS_EVENTS, /* Windows events as XML; what stands between them is none */
};

struct records {
    struct str rest;
    enum records_form form;
};

/* Whether a file that begins so is one of Windows events as XML. */
bool records_are_events(struct str text);
/* Looks at the beginning. A byte order mark is skipped. */
void records_init(struct records *records, struct str text);
/* The next record, borrowed; false at the end. JSON that is cut short comes out as it is. */
bool records_next(struct records *records, struct str *ret_record);

#endif
