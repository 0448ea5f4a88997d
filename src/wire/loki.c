#include "wire/loki.h"

#include "codec/json.h"
#include "wire/record_list.h"

/* [time, line] or [time, line, metadata] */
static bool value_write(const struct json_value *labels, const struct json_value *value, struct buf *list)
{
    const struct json_value *time = json_first(value);
    const struct json_value *line = time ? time->next : NULL;
    const struct json_value *metadata = line ? line->next : NULL;
    uint64_t ns = 0;
    if (value->kind != JSON_ARRAY || value->count > 3 || !line || line->kind != JSON_STRING)
        return false;
    if (time->kind != JSON_STRING || !str_to_u64(time->text, &ns) || (metadata && metadata->kind != JSON_OBJECT))
        return false;
    size_t begin = record_list_begin(list);
    json_write_object(list);
    json_put_str(list, "ts", time->text);
    json_put_str(list, "message", line->text);
    json_write_key(list, "labels");
    json_write_raw(list, labels->text);
    if (metadata) {
        json_write_key(list, "metadata");
        json_write_raw(list, metadata->text);
    }
    json_write_object_end(list);
    record_list_end(list, begin);
    return true;
}

enum rc loki_push_read(struct arena *arena, struct str body, struct buf *ret_list, struct err *err)
{
    struct json_value *push = NULL;
    uint32_t count = 0;
    enum rc rc = json_parse(arena, body, JSON_DEPTH, &push, err);
    if (rc != RC_OK)
        return rc;
    const struct json_value *streams = json_get(push, "streams");
    if (!streams || streams->kind != JSON_ARRAY)
        return err_set(err, RC_INVALID, "the body has no array \"streams\"");
    for (const struct json_value *stream = streams->first; stream; stream = stream->next) {
        const struct json_value *labels = json_get(stream, "stream");
        const struct json_value *values = json_get(stream, "values");
        if (!labels || labels->kind != JSON_OBJECT || !values || values->kind != JSON_ARRAY)
            return err_set(err, RC_INVALID, "a stream lacks \"stream\" or \"values\"");
        for (const struct json_value *value = values->first; value; value = value->next) {
            if (!value_write(labels, value, ret_list))
                return err_set(err, RC_INVALID, "value %u is not [\"nanoseconds\", \"line\"]", count);
            count++;
        }
        if (ret_list->overflow)
            return err_set(err, RC_LIMIT, "the records of one request are too large");
    }
    return RC_OK;
}
