#include "codec/yaml.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/utf8.h"

#include <yaml.h>

/* libyaml gives events; the tree is built with an explicit stack, one frame for each open sequence or mapping. Keys of
 * a mapping are checked for repeats against a small open-addressed table in the arena, so that a mapping of 100,000
 * keys stays linear. */

struct frame {
    struct yaml_node *node;
    struct yaml_node *last;  /* of node's children */
    struct yaml_node *key;   /* of a mapping: read, its value not yet */
    struct yaml_node **seen; /* of a mapping: keys by hash, `seen_size` places, a power of two */
    size_t seen_size;
};

struct builder {
    struct arena *arena;
    struct err *err;
    struct yaml_node *first; /* documents */
    struct yaml_node *last;
    size_t documents;
    uint32_t nodes;
    uint32_t depth;
    struct frame stack[YAML_DEPTH_MAX];
    uint64_t seed[2];
};

static enum rc refuse(struct builder *b, enum rc code, const yaml_mark_t *mark, const char *text)
{
    enum rc rc = err_set(b->err, code, "line %zu, column %zu: %s", mark->line + 1, mark->column + 1, text);
    if (b->err != NULL)
        b->err->offset = mark->index;
    return rc;
}

static enum rc no_memory(struct builder *b, const yaml_mark_t *mark)
{
    return refuse(b, RC_LIMIT, mark, "document does not fit into the memory allowed");
}

static struct yaml_node *node_new(struct builder *b, enum yaml_kind kind, const yaml_mark_t *mark)
{
    struct yaml_node *node = arena_alloc(b->arena, sizeof *node);
    if (node == NULL)
        return NULL;
    node->kind = kind;
    node->line = (uint32_t)mark->line + 1;
    node->column = (uint32_t)mark->column + 1;
    node->text = STR("");
    node->tag = STR("");
    return node;
}

/* The place of the key, or the empty place where it belongs. */
static struct yaml_node **seen_place(struct builder *b, struct frame *frame, struct str text)
{
    size_t mask = frame->seen_size - 1;
    size_t at = (size_t)siphash(b->seed, text.p, text.n) & mask;
    while (frame->seen[at] != NULL && !str_eq(frame->seen[at]->text, text))
        at = (at + 1) & mask;
    return &frame->seen[at];
}

static bool seen_grow(struct builder *b, struct frame *frame)
{
    struct yaml_node **old = frame->seen;
    size_t old_size = frame->seen_size;
    size_t size = old_size == 0 ? 8 : old_size * 2;
    struct yaml_node **seen = arena_alloc_array(b->arena, size, sizeof(struct yaml_node *));
    if (seen == NULL)
        return false;
    frame->seen = seen;
    frame->seen_size = size;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i] != NULL)
            *seen_place(b, frame, old[i]->text) = old[i];
    }
    return true;
}

static enum rc take_key(struct builder *b, struct frame *frame, struct yaml_node *key, const yaml_mark_t *mark)
{
    if (key->kind != YAML_SCALAR)
        return refuse(b, RC_INVALID, mark, "the key of a mapping must be a plain or quoted text");
    if (frame->node->count * 2 >= frame->seen_size && !seen_grow(b, frame))
        return no_memory(b, mark);
    struct yaml_node **place = seen_place(b, frame, key->text);
    if (*place != NULL) {
        char text[160];
        struct buf message;
        buf_init_fixed(&message, text, sizeof text);
        buf_format(&message, "key \"%.*s\" stands twice in this mapping, first on line %u", (int)MIN(key->text.n, 60),
                   key->text.p, (*place)->line);
        return refuse(b, RC_INVALID, mark, buf_z(&message));
    }
    *place = key;
    frame->key = key;
    return RC_OK;
}

/* Puts a new node where it belongs: document root, item, key or value. */
static enum rc attach(struct builder *b, struct yaml_node *node, const yaml_mark_t *mark)
{
    if (b->depth == 0) {
        if (b->last != NULL)
            b->last->next = node;
        else
            b->first = node;
        b->last = node;
        b->documents++;
        return RC_OK;
    }
    struct frame *frame = &b->stack[b->depth - 1];
    if (frame->node->kind == YAML_MAPPING && frame->key == NULL)
        return take_key(b, frame, node, mark);
    node->key = frame->key;
    frame->key = NULL;
    frame->node->count++;
    if (frame->last != NULL)
        frame->last->next = node;
    else
        frame->node->first = node;
    frame->last = node;
    return RC_OK;
}

static enum yaml_style style_of(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return YAML_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return YAML_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE:
        return YAML_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
        return YAML_FOLDED;
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE:
        break;
    }
    return YAML_PLAIN;
}

/* Node, tag and limits common to the three kinds; NULL after an error, *ret_rc says which. */
static struct yaml_node *begin_node(struct builder *b, enum yaml_kind kind, const yaml_event_t *event,
                                    const yaml_char_t *anchor, const yaml_char_t *tag, enum rc *ret_rc)
{
    const yaml_mark_t *mark = &event->start_mark;
    *ret_rc = RC_OK;
    if (anchor != NULL)
        *ret_rc = refuse(b, RC_INVALID, mark, "anchors and aliases are not supported");
    else if (++b->nodes > YAML_NODES_MAX)
        *ret_rc = refuse(b, RC_LIMIT, mark, "too many nodes (more than 200000)");
    if (*ret_rc != RC_OK)
        return NULL;
    struct yaml_node *node = node_new(b, kind, mark);
    if (node != NULL && tag != NULL) {
        node->tag = arena_str(b->arena, str_of((const char *)tag));
        if (node->tag.p == NULL)
            node = NULL;
    }
    if (node == NULL)
        *ret_rc = no_memory(b, mark);
    return node;
}

static enum rc on_scalar(struct builder *b, const yaml_event_t *event)
{
    enum rc rc = RC_OK;
    struct yaml_node *node = begin_node(b, YAML_SCALAR, event, event->data.scalar.anchor, event->data.scalar.tag, &rc);
    if (node == NULL)
        return rc;
    node->style = style_of(event->data.scalar.style);
    node->text = arena_str(b->arena, str_at(event->data.scalar.value, event->data.scalar.length));
    if (node->text.p == NULL)
        return no_memory(b, &event->start_mark);
    return attach(b, node, &event->start_mark);
}

static enum rc on_begin(struct builder *b, enum yaml_kind kind, const yaml_event_t *event)
{
    bool mapping = kind == YAML_MAPPING;
    const yaml_char_t *anchor = mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag = mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    enum rc rc = RC_OK;
    struct yaml_node *node = begin_node(b, kind, event, anchor, tag, &rc);
    if (node == NULL)
        return rc;
    if (b->depth == YAML_DEPTH_MAX)
        return refuse(b, RC_LIMIT, &event->start_mark, "nested too deeply (more than 64 levels)");
    rc = attach(b, node, &event->start_mark);
    if (rc == RC_OK)
        b->stack[b->depth++] = (struct frame){.node = node};
    return rc;
}

/* RC_END at the end of the stream. */
static enum rc on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_begin(b, YAML_SEQUENCE, event);
    case YAML_MAPPING_START_EVENT:
        return on_begin(b, YAML_MAPPING, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        ASSERT(b->depth > 0);
        b->depth--;
        return RC_OK;
    case YAML_ALIAS_EVENT:
        return refuse(b, RC_INVALID, &event->start_mark, "anchors and aliases are not supported");
    case YAML_STREAM_END_EVENT:
        return RC_END;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return RC_OK;
}

static enum rc refuse_syntax(struct builder *b, const yaml_parser_t *parser)
{
    char text[256];
    struct buf message;
    buf_init_fixed(&message, text, sizeof text);
    buf_format(&message, "%s%s%s", parser->problem != NULL ? parser->problem : "not YAML",
               parser->context != NULL ? " " : "", parser->context != NULL ? parser->context : "");
    enum rc code = parser->error == YAML_MEMORY_ERROR ? RC_LIMIT : RC_INVALID;
    return refuse(b, code, &parser->problem_mark, buf_z(&message));
}

static enum rc build(struct builder *b, yaml_parser_t *parser)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return refuse_syntax(b, parser);
        enum rc rc = on_event(b, &event);
        yaml_event_delete(&event);
        if (rc != RC_OK)
            return rc == RC_END ? RC_OK : rc;
    }
}

enum rc yaml_parse(struct arena *arena, struct str text, struct yaml_node **ret_documents, size_t *ret_count,
                   struct err *err)
{
    ASSERT(arena != NULL && ret_documents != NULL && ret_count != NULL);
    *ret_documents = NULL;
    *ret_count = 0;
    if (text.n > YAML_SIZE_MAX)
        return err_set(err, RC_LIMIT, "text of %zu bytes is too large (at most %u)", text.n, YAML_SIZE_MAX);
    size_t valid = utf8_valid_prefix(text);
    if (valid != text.n) {
        enum rc rc = err_set(err, RC_INVALID, "invalid UTF-8 at byte %zu", valid);
        if (err != NULL)
            err->offset = valid;
        return rc;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return err_set(err, RC_LIMIT, "no memory for the YAML reader");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n > 0 ? text.p : ""), text.n);
    struct builder b = {.arena = arena, .err = err, .seed = {0x71a9d0c35f2e8b64, (uint64_t)(uintptr_t)arena}};
    enum rc rc = build(&b, &parser);
    yaml_parser_delete(&parser);
    if (rc == RC_OK) {
        *ret_documents = b.first;
        *ret_count = b.documents;
    }
    return rc;
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    if (mapping == NULL || mapping->kind != YAML_MAPPING)
        return NULL;
    for (const struct yaml_node *value = mapping->first; value != NULL; value = value->next) {
        if (str_is(value->key->text, key))
            return value;
    }
    return NULL;
}

struct str yaml_get_text(const struct yaml_node *mapping, const char *key, struct str otherwise)
{
    const struct yaml_node *value = yaml_get(mapping, key);
    return value != NULL && value->kind == YAML_SCALAR ? value->text : otherwise;
}

static bool plain_is_one_of(const struct yaml_node *node, const char *const *words, size_t count)
{
    if (node == NULL || node->kind != YAML_SCALAR || node->style != YAML_PLAIN)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (str_is(node->text, words[i]))
            return true;
    }
    return false;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    return plain_is_one_of(node, words, ARRAY_LEN(words));
}

bool yaml_to_i64(const struct yaml_node *node, int64_t *ret_value)
{
    return node != NULL && node->kind == YAML_SCALAR && node->style == YAML_PLAIN && str_to_i64(node->text, ret_value);
}

bool yaml_to_bool(const struct yaml_node *node, bool *ret_value)
{
    static const char *const yes[] = {"true", "True", "TRUE"};
    static const char *const no[] = {"false", "False", "FALSE"};
    *ret_value = plain_is_one_of(node, yes, ARRAY_LEN(yes));
    return *ret_value || plain_is_one_of(node, no, ARRAY_LEN(no));
}
