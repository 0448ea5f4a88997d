/* dictionary.h - forms and values that blocks of one chain share: what an engine's blocks of one segment say again.
 *
 * A chain grows by deltas, one a block: what this block uses and an earlier one brought first. Reading a block needs
 * its chain as it was then, or any later state of it. Internal to the room. Format: doc/format/segment.md. */
#ifndef ARCHIVE_DICTIONARY_H
#define ARCHIVE_DICTIONARY_H

#include "archive/form.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/names.h"

#include <stdint.h>

#define DICTIONARY_FORMS_MAX  (1u << 17)
#define DICTIONARY_VALUES_MAX (1u << 22)
#define DICTIONARY_PLAIN_MAX  ((size_t)128 << 20)

struct dictionary;

/* `names` (may be NULL) receives field names. NULL without memory. */
struct dictionary *dictionary_new(struct names *names);
/* Another owner; each calls dictionary_free, the last one ends it. NULL is fine for that. */
void dictionary_hold(struct dictionary *dictionary);
void dictionary_free(struct dictionary *dictionary);
/* varint count and texts of forms, the same of values; copied. RC_CORRUPT, RC_LIMIT. */
enum rc dictionary_add(struct dictionary *dictionary, struct str plain, struct err *err) MUST_USE;
uint32_t dictionary_forms(const struct dictionary *dictionary);
uint32_t dictionary_values(const struct dictionary *dictionary);
const struct form *dictionary_form(const struct dictionary *dictionary, uint32_t number);
struct str dictionary_value(const struct dictionary *dictionary, uint32_t number);
/* All of it as one delta. */
void dictionary_write(const struct dictionary *dictionary, struct buf *out);
size_t dictionary_size(const struct dictionary *dictionary); /* bytes of memory */

#endif
