/* yaml.h - YAML 1.1 text into a tree in an arena: what rules and configuration are written in.
 *
 * Every scalar keeps its text and style; nothing is converted ("no" stays "no"). Mappings keep their order; a key must
 * be a scalar and must not repeat. Anchors, aliases and merge keys are refused: files people write for us need none,
 * and they are how small files grow without bound. Tags are kept as text and mean nothing here.
 *
 * Limits: size YAML_SIZE_MAX, nodes YAML_NODES_MAX, depth YAML_DEPTH_MAX; past them RC_LIMIT. The tree lives in the
 * arena and borrows nothing from the input. libyaml stands behind this file and no other.
 * Errors read `line 3, column 7: ...`; err->offset is the byte offset. */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_SIZE_MAX  (8u << 20)
#define YAML_NODES_MAX 200000u
#define YAML_DEPTH_MAX 64u

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };
enum yaml_style { YAML_PLAIN, YAML_SINGLE_QUOTED, YAML_DOUBLE_QUOTED, YAML_LITERAL, YAML_FOLDED };

struct yaml_node {
    enum yaml_kind kind;
    enum yaml_style style;   /* of a scalar */
    uint32_t line;           /* from 1 */
    uint32_t column;         /* from 1, in characters */
    struct str text;         /* of a scalar: valid UTF-8, p never NULL */
    struct str tag;          /* "!x" or "tag:yaml.org,2002:str" when written, else empty */
    struct yaml_node *key;   /* of a mapping's value: its key, always a scalar */
    struct yaml_node *first; /* of a sequence or mapping: first item or value */
    struct yaml_node *next;  /* the next item or value of the same parent, or the next document */
    uint32_t count;          /* items of a sequence, pairs of a mapping */
};

/* All documents of `text`: roots linked by `next`. An empty document (a blank file, "---" alone) is a plain scalar
 * with empty text when written with "---", and no document otherwise. */
enum rc yaml_parse(struct arena *arena, struct str text, struct yaml_node **ret_documents, size_t *ret_count,
                   struct err *err) MUST_USE;

/* The value of a key, or NULL; NULL too when the node is no mapping or is NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);
/* The text of a scalar value, or `otherwise` when absent or not a scalar. */
struct str yaml_get_text(const struct yaml_node *mapping, const char *key, struct str otherwise);
/* Plain and "", "~", "null", "Null" or "NULL". */
bool yaml_is_null(const struct yaml_node *node);
/* Plain decimal integer. */
bool yaml_to_i64(const struct yaml_node *node, int64_t *ret_value) MUST_USE;
/* Plain true/false, also True/TRUE and False/FALSE (YAML 1.2 core schema; yes, no, on, off stay text). */
bool yaml_to_bool(const struct yaml_node *node, bool *ret_value) MUST_USE;

/* A scalar in double quotes that reads back as the text; bytes that are not UTF-8 come back as U+FFFD. What is not to
 * be seen, or turns the direction of writing, is escaped. (yaml_write.c) */
void yaml_write_str(struct buf *buf, struct str text);

#endif
