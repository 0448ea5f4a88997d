#include "wire/otlp.h"

#include "codec/json.h"
#include "wire/record_list.h"

/* A member's value as it stands in OTLP's JSON: {"stringValue":"..."} and its sisters. */
static void scalar_write(struct buf *out, const struct json_value *value)
{
    int64_t number = 0;
    if (!value || value->kind == JSON_OBJECT || value->kind == JSON_ARRAY)
        json_write_null(out); /* nested deeper than any is written */
    else if (value->kind == JSON_STRING && str_is(value->key, "intValue") && str_to_i64(value->text, &number))
        json_write_int(out, number);
    else if (value->kind == JSON_STRING)
        json_write_str(out, value->text);
    else
        json_write_raw(out, value->text);
}

struct level {
    const struct json_value *next;
    bool object; /* items are {"key":..., "value":...} */
};

static void level_begin(struct buf *out, struct level *level, const struct json_value *list, bool object)
{
    *level = (struct level){list && list->kind == JSON_ARRAY ? list->first : NULL, object};
    if (object)
        json_write_object(out);
    else
        json_write_array(out);
}

static void level_end(struct buf *out, const struct level *level)
{
    if (level->object)
        json_write_object_end(out);
    else
        json_write_array_end(out);
}

/* A list of pairs (or of values) as an object (or array) of what they stand for. */
static void list_write(struct buf *out, const struct json_value *list, bool object)
{
    struct level levels[OTLP_DEPTH_MAX];
    size_t depth = 1;
    level_begin(out, &levels[0], list, object);
    while (depth) {
        struct level *level = &levels[depth - 1];
        const struct json_value *item = level->next;
        if (!item) {
            level_end(out, level);
            depth--;
            continue;
        }
        level->next = item->next;
        if (level->object)
            json_write_key_slice(out, json_str(json_get(item, "key"), STR("")));
        const struct json_value *value = json_first(level->object ? json_get(item, "value") : item);
        bool pairs = value && str_is(value->key, "kvlistValue");
        bool values = value && str_is(value->key, "arrayValue");
        if ((pairs || values) && depth < OTLP_DEPTH_MAX)
            level_begin(out, &levels[depth++], json_get(value, "values"), pairs);
        else
            scalar_write(out, value);
    }
}

static void pairs_put(struct buf *out, const char *key, const struct json_value *pairs)
{
    if (!json_first(pairs))
        return;
    json_write_key(out, key);
    list_write(out, pairs, true);
}

static void text_put(struct buf *out, const char *key, const struct json_value *value)
{
    bool number = value && value->kind == JSON_NUMBER;
    if (value && (number || value->kind == JSON_STRING) && value->text.n)
        json_put_str(out, key, value->text);
}

static void body_put(struct buf *out, const struct json_value *body)
{
    const struct json_value *value = json_first(body);
    if (!value)
        return;
    bool pairs = str_is(value->key, "kvlistValue");
    bool values = str_is(value->key, "arrayValue");
    json_write_key(out, value->kind == JSON_STRING && str_is(value->key, "stringValue") ? "message" : "body");
    if (pairs || values)
        list_write(out, json_get(value, "values"), pairs);
    else
        scalar_write(out, value);
}

static void record_write(struct buf *list, const struct json_value *resource, const struct json_value *scope,
                         const struct json_value *record)
{
    size_t begin = record_list_begin(list);
    const struct json_value *number = json_get(record, "severityNumber");
    json_write_object(list);
    text_put(list, "ts", json_get(record, "timeUnixNano"));
    text_put(list, "observed", json_get(record, "observedTimeUnixNano"));
    text_put(list, "severity", json_get(record, "severityText"));
    if (json_int(number, 0))
        json_put_int(list, "severity_number", json_int(number, 0));
    body_put(list, json_get(record, "body"));
    text_put(list, "event", json_get(record, "eventName"));
    pairs_put(list, "attributes", json_get(record, "attributes"));
    pairs_put(list, "resource", json_get(resource, "attributes"));
    text_put(list, "scope", json_get(scope, "name"));
    text_put(list, "trace_id", json_get(record, "traceId"));
    text_put(list, "span_id", json_get(record, "spanId"));
    json_write_object_end(list);
    record_list_end(list, begin);
}

static bool is_array(const struct json_value *value)
{
    return !value || value->kind == JSON_ARRAY;
}

static enum rc scope_read(const struct json_value *resource, const struct json_value *scope_logs, struct buf *list,
                          struct err *err)
{
    const struct json_value *records = json_get(scope_logs, "logRecords");
    if (scope_logs->kind != JSON_OBJECT || !is_array(records))
        return err_set(err, RC_INVALID, "logRecords is no array");
    for (const struct json_value *record = json_first(records); record; record = record->next) {
        if (record->kind != JSON_OBJECT)
            return err_set(err, RC_INVALID, "a log record is no object");
        record_write(list, resource, json_get(scope_logs, "scope"), record);
    }
    return list->overflow ? err_set(err, RC_LIMIT, "the records of one request are too large") : RC_OK;
}

enum rc otlp_logs_read(struct arena *arena, struct str json, struct buf *ret_list, struct err *err)
{
    struct json_value *request = NULL;
    enum rc rc = json_parse(arena, json, JSON_DEPTH_MAX, &request, err);
    if (rc != RC_OK)
        return rc;
    const struct json_value *all = json_get(request, "resourceLogs");
    if (request->kind != JSON_OBJECT || !is_array(all))
        return err_set(err, RC_INVALID, "the body is no ExportLogsServiceRequest");
    for (const struct json_value *logs = json_first(all); logs && rc == RC_OK; logs = logs->next) {
        const struct json_value *scopes = json_get(logs, "scopeLogs");
        if (logs->kind != JSON_OBJECT || !is_array(scopes))
            return err_set(err, RC_INVALID, "scopeLogs is no array");
        for (const struct json_value *scope = json_first(scopes); scope && rc == RC_OK; scope = scope->next)
            rc = scope_read(json_get(logs, "resource"), scope, ret_list, err);
    }
    return rc;
}
