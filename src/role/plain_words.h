/* plain_words.h - words of others where people read them: a server's complaint in a log or on a page. Pure. */
#ifndef ROLE_PLAIN_WORDS_H
#define ROLE_PLAIN_WORDS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that a text begins with; *ret_plain: it is shown as it stands. It is not when it controls a
 * terminal (C0, DEL, C1), turns or joins what stands beside it (directions, zero widths, lines), or is no UTF-8. */
size_t plain_next(struct str text, bool *ret_plain);
/* What is not plain becomes '?', and what is behind `most` bytes is cut off at a character. In place, terminated. */
void plain_words(char *text, size_t most);

#endif
