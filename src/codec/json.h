/* json.h - RFC 8259: a pull tokeniser, a tree for small messages, a flattening walker for events, and a writer.
 *
 * Nothing recurses: nesting is one bit a level. The grammar is strict; control characters inside strings are refused as
 * the RFC says, because a lenient reader lets one record mean two things. Bytes that are not UTF-8 are accepted in
 * strings and come out as U+FFFD. An unpaired surrogate escape comes out as U+FFFD. A byte order mark at the beginning
 * is skipped. Numbers keep their text.
 *
 * Slices point into the input unless a string had an escape or invalid bytes; then into the arena. */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX  512u  /* the most a caller may ask for */
#define JSON_DEPTH      64u   /* what callers ask for unless they know better */
#define JSON_LEAVES_MAX 512u  /* leaves given by json_flatten; the rest is counted */
#define JSON_PATH_MAX   1024u /* bytes of a dotted path; leaves below a longer one are counted as lost */

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,  /* token: begin */
    JSON_OBJECT, /* token: begin */
    JSON_KEY,    /* tokens only, from here on */
    JSON_ARRAY_END,
    JSON_OBJECT_END,
    JSON_END, /* the text is complete */
    JSON_ERROR,
};

/* --- tokens --- */

struct json_token {
    enum json_kind kind;
    bool escaped;    /* string or key: has backslashes */
    bool non_ascii;  /* string or key: has bytes above 0x7f, not yet known to be UTF-8 */
    struct str text; /* string or key: between the quotes; number and words: as written; begin and end: the bracket */
};

struct json_reader {
    struct str in;
    size_t at;
    uint32_t depth;
    uint32_t depth_limit;
    uint32_t expect;                       /* what may come next, see json.c */
    enum rc rc;                            /* after JSON_ERROR: RC_INVALID or RC_LIMIT */
    const char *reason;                    /* after JSON_ERROR: constant text; `at` is the offset */
    uint64_t objects[JSON_DEPTH_MAX / 64]; /* bit per level: 1 = object */
};

/* depth_limit is clamped to JSON_DEPTH_MAX. */
void json_reader_init(struct json_reader *reader, struct str text, uint32_t depth_limit);
/* The next token; JSON_END and JSON_ERROR repeat for ever. */
enum json_kind json_next(struct json_reader *reader, struct json_token *ret_token);
/* Fills err from a reader that gave JSON_ERROR; returns its rc. */
enum rc json_reader_err(const struct json_reader *reader, struct err *err);
/* The text of a string or key token: unescaped, valid UTF-8. False when the arena is exhausted. */
bool json_text(struct arena *arena, const struct json_token *token, struct str *ret_text) MUST_USE;

/* --- tree --- */

struct json_value {
    enum json_kind kind;      /* JSON_NULL .. JSON_OBJECT */
    uint32_t count;           /* items or members */
    struct str key;           /* of an object's member */
    struct str text;          /* string: unescaped; everything else: as written in the input, brackets included */
    struct json_value *first; /* first item or member */
    struct json_value *next;  /* next of the same parent */
};

/* The whole text must be one value. RC_INVALID, or RC_LIMIT past the depth or the arena. */
enum rc json_parse(struct arena *arena, struct str text, uint32_t depth_limit, struct json_value **ret_value,
                   struct err *err) MUST_USE;

/* All of these take NULL and wrong kinds, and give the default then: json_int(json_get(o, "port"), 514). */
const struct json_value *json_get(const struct json_value *object, const char *key); /* the first such member */
const struct json_value *json_first(const struct json_value *parent);                /* NULL when none */
struct str json_str(const struct json_value *value, struct str otherwise);           /* strings only */
int64_t json_int(const struct json_value *value, int64_t otherwise); /* numbers without fraction or exponent */
double json_double(const struct json_value *value, double otherwise);
bool json_bool(const struct json_value *value, bool otherwise);

/* --- flattening --- */

/* One leaf. `path` is dotted ("Event.System.EventID"), borrowed until return; empty for a bare top-level value. `value`
 * of a string is unescaped; of an object its JSON text; else as written. */
typedef void (*json_leaf)(void *context, struct str path, enum json_kind kind, struct str value);

/* Walks a text in source order and gives every leaf. Elements of an array repeat the array's path; an empty array gives
 * nothing. An object below the top is given as well, once, after its members, kind JSON_OBJECT. Leaves past
 * JSON_LEAVES_MAX or of a path that is too long are counted in *ret_lost (NULL is fine) and the walk goes on.
 * After an error the leaves already given are those that came before it. */
enum rc json_flatten(struct arena *arena, struct str text, json_leaf leaf, void *context, uint32_t *ret_lost,
                     struct err *err) MUST_USE;

/* The same for texts that are alike, as a sender's are: their paths are remembered, and with each a number of the
 * caller's, so that a leaf costs him no look at the path's text. What is given is the same, several leaves at a time.
 */
struct json_path {
    struct str text; /* as above */
    uint64_t memo;   /* of the caller; 0 when the path is new, or was forgotten */
};
struct json_flat {
    struct json_path *path; /* borrowed until return */
    enum json_kind kind;
    struct str value;
};
typedef void (*json_leaves)(void *context, const struct json_flat *leaves, size_t count);

struct json_paths;
/* About 600 KiB, and never more: when they are full all paths are forgotten. `seed` keys a hash. NULL without memory.
 */
struct json_paths *json_paths_new(uint64_t seed);
void json_paths_free(struct json_paths *paths);
enum rc json_flatten_at(struct json_paths *paths, struct arena *arena, struct str text, json_leaves sink, void *context,
                        uint32_t *ret_lost) MUST_USE;

/* --- writing --- */

/* A comma is put by itself wherever the buffer ends with a complete value, so a begin, key or value call is all there
 * is to write. Start with an empty buffer, or one that ends in a line feed, blank or bracket. Overflow is sticky in the
 * buf. Strings are escaped, and made valid UTF-8 if they are not; also escaped are U+2028, U+2029 and "</", so that
 * the text may stand inside a script element. */
void json_write_object(struct buf *buf);
void json_write_object_end(struct buf *buf);
void json_write_array(struct buf *buf);
void json_write_array_end(struct buf *buf);
void json_write_key(struct buf *buf, const char *key);
void json_write_key_slice(struct buf *buf, struct str key);
void json_write_str(struct buf *buf, struct str value);
void json_write_text(struct buf *buf, const char *zero_terminated); /* NULL writes null */
void json_write_int(struct buf *buf, int64_t value);
void json_write_u64(struct buf *buf, uint64_t value);
void json_write_double(struct buf *buf, double value); /* shortest of 15..17 digits that reads back; not finite: null */
void json_write_bool(struct buf *buf, bool value);
void json_write_null(struct buf *buf);
void json_write_hex(struct buf *buf, struct str bytes);     /* a string: 0x and lower-case digits */
void json_write_address(struct buf *buf, struct str bytes); /* a string: of IPv4 (4 bytes) or IPv6 (16 bytes) */
void json_write_raw(struct buf *buf, struct str json);      /* already JSON */
/* A string as RFC 8785, 3.2.2.2 has it: one way only, nothing is escaped that need not be. For texts that are hashed,
 * never for a script element; members in the order of their names are the caller's. */
void json_write_canonical(struct buf *buf, struct str value);

/* key and value in one call */
void json_put_str(struct buf *buf, const char *key, struct str value);
void json_put_text(struct buf *buf, const char *key, const char *zero_terminated);
void json_put_int(struct buf *buf, const char *key, int64_t value);
void json_put_u64(struct buf *buf, const char *key, uint64_t value);
void json_put_bool(struct buf *buf, const char *key, bool value);
void json_put_member(struct buf *buf, const struct json_value *member); /* one that was parsed, under its own key */

#endif
