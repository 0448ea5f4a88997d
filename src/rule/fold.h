/* fold.h - simple case folding of whole values, fast where they are ASCII. */
#ifndef RULE_FOLD_H
#define RULE_FOLD_H

#include "base/str.h"

#include <stddef.h>

/* The most bytes that fold_text writes for n bytes. */
#define FOLD_BOUND(n) (2 * (n) + 8)

/* Writes the folded text; returns its length. ret_text must not overlap. */
size_t fold_text(struct str text, char *ret_text);

#endif
