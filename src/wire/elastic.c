#include "wire/elastic.h"

#include "codec/json.h"
#include "wire/record_list.h"

enum action { ACTION_CREATE, ACTION_INDEX, ACTION_UPDATE, ACTION_DELETE, ACTION_COUNT };

static const char *const action_names[ACTION_COUNT] = {"create", "index", "update", "delete"};

/* {"create":{...}}: one member, whose value is an object. */
static bool action_read(struct str line, enum action *ret_action)
{
    struct json_reader reader;
    struct json_token token;
    json_reader_init(&reader, line, JSON_DEPTH);
    if (json_next(&reader, &token) != JSON_OBJECT || json_next(&reader, &token) != JSON_KEY)
        return false;
    size_t i = 0;
    while (i < ACTION_COUNT && !str_is(token.text, action_names[i]))
        i++;
    if (i == ACTION_COUNT || json_next(&reader, &token) != JSON_OBJECT)
        return false;
    *ret_action = (enum action)i;
    unsigned depth = 2;
    for (enum json_kind kind = json_next(&reader, &token); kind != JSON_END; kind = json_next(&reader, &token)) {
        if (kind == JSON_ERROR || (depth == 1 && kind == JSON_KEY))
            return false;
        depth += kind == JSON_OBJECT || kind == JSON_ARRAY;
        depth -= kind == JSON_OBJECT_END || kind == JSON_ARRAY_END;
    }
    return true;
}

static void item_answer(struct buf *answer, enum action action)
{
    json_write_object(answer);
    json_write_key(answer, action_names[action]);
    json_write_object(answer);
    if (action == ACTION_CREATE || action == ACTION_INDEX) {
        json_put_int(answer, "status", 201);
    } else {
        json_put_int(answer, "status", 400);
        json_write_key(answer, "error");
        json_write_object(answer);
        json_put_text(answer, "type", "illegal_argument_exception");
        json_put_text(answer, "reason", "records are kept as they came: only create and index are taken");
        json_write_object_end(answer);
    }
    json_write_object_end(answer);
    json_write_object_end(answer);
}

static struct str line_next(struct str *rest, unsigned *number)
{
    struct str line = STR_NONE;
    while (rest->n && line.n == 0) {
        line = str_trim_end(str_cut(rest, '\n'), '\r');
        ++*number;
    }
    return line;
}

enum rc elastic_bulk_read(struct str body, struct buf *ret_list, struct buf *ret_answer, struct err *err)
{
    unsigned number = 0;
    uint32_t count = 0;
    bool refused = false;
    json_write_object(ret_answer);
    json_put_int(ret_answer, "took", 0);
    json_write_key(ret_answer, "items");
    json_write_array(ret_answer);
    for (struct str line = line_next(&body, &number); line.n; line = line_next(&body, &number)) {
        enum action action;
        unsigned at = number;
        if (!action_read(line, &action))
            return err_set(err, RC_INVALID, "line %u is no action that _bulk knows", number);
        struct str document = action == ACTION_DELETE ? STR_NONE : line_next(&body, &number);
        if (action != ACTION_DELETE && document.n == 0)
            return err_set(err, RC_INVALID, "the document behind the action in line %u is missing", at);
        if (++count > ELASTIC_ITEMS_MAX)
            return err_set(err, RC_LIMIT, "more than %u items in one request", ELASTIC_ITEMS_MAX);
        bool kept = action == ACTION_CREATE || action == ACTION_INDEX;
        if (kept)
            record_list_put(ret_list, document);
        refused = refused || !kept;
        item_answer(ret_answer, action);
    }
    json_write_array_end(ret_answer);
    json_put_bool(ret_answer, "errors", refused);
    json_write_object_end(ret_answer);
    if (ret_list->overflow || ret_answer->overflow)
        return err_set(err, RC_LIMIT, "the request is too large");
    return count ? RC_OK : err_set(err, RC_INVALID, "the body holds no action");
}
