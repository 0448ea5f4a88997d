/* texts.h - what people read, by key, in Kazakh, Russian and English; and the lists of keys a person chooses from.
 * Both are read from data/ when the desk opens and never change. Internal to the room. */
#ifndef DESK_TEXTS_H
#define DESK_TEXTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "term/calendar.h"

#define DESK_TEXTS_MAX 4096u

struct desk_texts {
    struct map *index; /* key -> row */
    struct str (*row)[TERM_LANGUAGES];
    size_t count;
};

/* Makes room; free the index with map_free, also after a failure. */
enum rc desk_texts_new(struct desk_texts *texts, struct arena *arena, struct err *err) MUST_USE;
/* Adds a file of data/i18n: columns key, kk, ru, en; none empty, no key twice over all files. What rules mean
 * (rule.ID.description) is passed over. */
enum rc desk_texts_read(struct desk_texts *texts, struct arena *arena, struct str tsv, struct err *err) MUST_USE;
bool desk_texts_has(const struct desk_texts *texts, struct str key);
/* The text, or the key itself when there is none. `family` is put before the key: "state." "closed". */
struct str desk_text(const struct desk_texts *texts, const char *family, struct str key, enum term_language language);

/* A title that still is its rule's own, in a language; any other (a person wrote it, a rule of the site) as it is. */
struct str desk_title(const struct desk_texts *texts, struct str rule_id, struct str title,
                      enum term_language language);

struct desk_fill {
    const char *name;
    struct str value;
};
/* Puts a text with every {name} replaced; an unknown name is left out. */
void desk_fill(struct buf *out, struct str text, const struct desk_fill *fills, size_t count);

/* --- lists of keys --- */

struct desk_list_row {
    struct str list; /* kind, scope, sign, consequence, contour, tag */
    struct str key;
    struct str value; /* tag: the kind it points at */
};

struct desk_catalogue {
    struct desk_list_row *row;
    size_t count;
};

/* Reads data/catalogues/desk.tsv: columns list, key, value. Every key must have its text. */
enum rc desk_catalogue_read(struct desk_catalogue *catalogue, struct arena *arena, struct str tsv,
                            const struct desk_texts *texts, struct err *err) MUST_USE;
bool desk_catalogue_has(const struct desk_catalogue *catalogue, const char *list, struct str key);
/* The kind of the first rule tag that the catalogue's tags know, in the catalogue's order; "other" when none. */
struct str desk_catalogue_kind(const struct desk_catalogue *catalogue, const struct str *tags, size_t tag_count);

#endif
