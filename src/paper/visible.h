/* visible.h - any bytes as one line of printable UTF-8, and back.
 *
 * A backslash becomes "\\"; every byte of a control character (C0, DEL, C1), of a character that turns, hides or
 * breaks what stands around it (U+00AD, U+061C, U+180E, U+200B..F, U+2028..E, U+2060..F, U+FEFF, U+FFF9..B, tags), and
 * every byte that is not UTF-8 becomes "\xNN", lower case. All else stays, so each text has one visible form and each
 * visible form one text: a record cannot make a terminal or a reader's eye see something else. */
#ifndef PAPER_VISIBLE_H
#define PAPER_VISIBLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

void visible_put(struct buf *out, struct str bytes);
/* For eyes only: a backslash stays one, so that there is no way back. */
void visible_show(struct buf *out, struct str bytes);
/* The bytes again, in the arena. False when this is not the one visible form of any, or without memory. */
bool visible_read(struct str text, struct arena *arena, struct str *ret_bytes) MUST_USE;
/* The length of the UTF-8 character at the front that stays as it is; 0 when its first byte is to be written "\xNN". */
size_t visible_character(struct str bytes);

#endif
