/* indicator_write.h - a list of indicators as CSV in the one form that indicator_csv_read takes back without a change:
 * one line an indicator, every text in quotes, times as RFC 3339. Pure. */
#ifndef RULE_INDICATOR_WRITE_H
#define RULE_INDICATOR_WRITE_H

#include "base/buf.h"
#include "rule/indicator.h"

#include <stdbool.h>

#define INDICATOR_LINE_MAX (2 * ((size_t)INDICATOR_TEXT_MAX + INDICATOR_NOTE_MAX) + 128) /* bytes of one line */

/* The line of names. */
void indicator_names_write(struct buf *out);
/* Bytes of the note that are no text for people come out as blanks. False, and nothing is written: the value would not
 * read back as the same one. */
bool indicator_line_write(const struct indicator *indicator, struct buf *out) MUST_USE;

#endif
