#include "base/assert.h"
#include "codec/json.h"

#include <string.h>

struct level {
    struct json_value *value;
    struct json_value *last; /* of its children */
};

struct tree {
    struct arena *arena;
    struct json_reader reader;
    struct json_value *root;
    struct str key; /* read, its value not yet */
    struct level level[JSON_DEPTH_MAX];
};

/* Adds a value below the level that is open. */
static struct json_value *add(struct tree *tree, const struct json_token *token, uint32_t depth)
{
    struct json_value *value = arena_alloc(tree->arena, sizeof *value);
    if (value == NULL)
        return NULL;
    value->kind = token->kind;
    value->text = token->text;
    value->key = tree->key;
    tree->key = STR_NONE;
    if (token->kind == JSON_STRING && !json_text(tree->arena, token, &value->text))
        return NULL;
    if (depth == 0) {
        tree->root = value;
        return value;
    }
    struct level *level = &tree->level[depth - 1];
    if (level->last != NULL)
        level->last->next = value;
    else
        level->value->first = value;
    level->last = value;
    level->value->count++;
    return value;
}

/* RC_END when the text is complete. */
static enum rc step(struct tree *tree)
{
    struct json_token token;
    uint32_t depth = tree->reader.depth;
    enum json_kind kind = json_next(&tree->reader, &token);
    switch (kind) {
    case JSON_KEY:
        return json_text(tree->arena, &token, &tree->key) ? RC_OK : RC_LIMIT;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
    case JSON_STRING:
        return add(tree, &token, depth) != NULL ? RC_OK : RC_LIMIT;
    case JSON_ARRAY:
    case JSON_OBJECT: {
        struct json_value *value = add(tree, &token, depth);
        tree->level[depth] = (struct level){value, NULL};
        return value != NULL ? RC_OK : RC_LIMIT;
    }
    case JSON_ARRAY_END:
    case JSON_OBJECT_END: {
        struct json_value *value = tree->level[depth - 1].value;
        value->text.n = (size_t)(tree->reader.in.p + tree->reader.at - value->text.p);
        return RC_OK;
    }
    case JSON_END:
        return RC_END;
    case JSON_ERROR:
        break;
    }
    return RC_INVALID;
}

enum rc json_parse(struct arena *arena, struct str text, uint32_t depth_limit, struct json_value **ret_value,
                   struct err *err)
{
    ASSERT(arena != NULL && ret_value != NULL);
    struct tree tree = {.arena = arena};
    json_reader_init(&tree.reader, text, depth_limit);
    *ret_value = NULL;
    enum rc rc = RC_OK;
    while (rc == RC_OK)
        rc = step(&tree);
    if (rc == RC_INVALID)
        return json_reader_err(&tree.reader, err);
    if (rc == RC_LIMIT)
        return err_set(err, RC_LIMIT, "JSON text does not fit into the memory allowed");
    *ret_value = tree.root;
    return RC_OK;
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json_value *value = object->first; value != NULL; value = value->next) {
        if (str_is(value->key, key))
            return value;
    }
    return NULL;
}

const struct json_value *json_first(const struct json_value *parent)
{
    return parent != NULL ? parent->first : NULL;
}

struct str json_str(const struct json_value *value, struct str otherwise)
{
    return value != NULL && value->kind == JSON_STRING ? value->text : otherwise;
}

int64_t json_int(const struct json_value *value, int64_t otherwise)
{
    int64_t number = 0;
    if (value == NULL || value->kind != JSON_NUMBER || !str_to_i64(value->text, &number))
        return otherwise;
    return number;
}

double json_double(const struct json_value *value, double otherwise)
{
    double number = 0;
    if (value == NULL || value->kind != JSON_NUMBER || !str_to_double(value->text, &number))
        return otherwise;
    return number;
}

bool json_bool(const struct json_value *value, bool otherwise)
{
    if (value == NULL || (value->kind != JSON_TRUE && value->kind != JSON_FALSE))
        return otherwise;
    return value->kind == JSON_TRUE;
}
