/* text.h - what people read, by key, in Kazakh, Russian and English. Immutable after loading.
 *
 * A text may hold {0}, {1}, {2}: places that the page fills. */
#ifndef WEB_TEXT_H
#define WEB_TEXT_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum language { LANGUAGE_KK, LANGUAGE_RU, LANGUAGE_EN, LANGUAGE_COUNT };

#define TEXTS_MAX 4096 /* keys */

struct texts;

struct texts *texts_new(uint64_t seed); /* NULL without memory */
void texts_free(struct texts *texts);
/* See web_add_texts. */
enum rc texts_add(struct texts *texts, const char *file, struct str tsv, struct err *err) MUST_USE;
size_t texts_count(const struct texts *texts);
/* {NULL, 0} when there is no such key. */
struct str texts_get(const struct texts *texts, struct str key, enum language language);
/* The same for the key `prefix` + `key`. */
struct str texts_get_of(const struct texts *texts, struct str prefix, struct str key, enum language language);

/* What stands behind `prefix` in the first key that begins with it and has this text in one of the languages; p == NULL
 * when none does. Walks all texts. */
struct str texts_find(const struct texts *texts, struct str prefix, struct str text);

/* "kk", "ru", "en"; constant. */
const char *language_code(enum language language);
/* By code, also of the kind "ru-KZ"; `otherwise` when it is none of the three. */
enum language language_of(struct str code, enum language otherwise);
/* The first of the three that an Accept-Language header names, in its order (weights are in practice descending). */
enum language language_accepted(struct str header, enum language otherwise);

#endif
