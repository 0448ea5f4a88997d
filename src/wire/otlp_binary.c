/* otlp_binary.c - OTLP's protobuf as its JSON. A table says which field of which message is which member; the walk
 * keeps its own stack. Source: protobuf encoding; opentelemetry/proto/{collector/logs,logs,common,resource}/v1. */
#include "base/bytes.h"
#include "codec/json.h"
#include "wire/otlp.h"
#include "wire/protobuf.h"

#define BINARY_MAX 64u /* bytes of an id, which becomes hex */

enum message { REQUEST, RESOURCE_LOGS, RESOURCE, SCOPE_LOGS, SCOPE, RECORD, PAIR, ANY, VALUES, PAIRS, NONE };
enum kind { TEXT, VARINT, BOOL, FIXED, DOUBLE, HEX, BASE64, MESSAGE, LIST };

static const struct field_row {
    enum message message;
    uint32_t number;
    const char *key;
    enum kind kind;
    enum message sub;
} field_rows[] = {
    {REQUEST, 1, "resourceLogs", LIST, RESOURCE_LOGS},
    {RESOURCE_LOGS, 1, "resource", MESSAGE, RESOURCE},
    {RESOURCE_LOGS, 2, "scopeLogs", LIST, SCOPE_LOGS},
    {RESOURCE, 1, "attributes", LIST, PAIR},
    {SCOPE_LOGS, 1, "scope", MESSAGE, SCOPE},
    {SCOPE_LOGS, 2, "logRecords", LIST, RECORD},
    {SCOPE, 1, "name", TEXT, NONE},
    {SCOPE, 2, "version", TEXT, NONE},
    {RECORD, 1, "timeUnixNano", FIXED, NONE},
    {RECORD, 2, "severityNumber", VARINT, NONE},
    {RECORD, 3, "severityText", TEXT, NONE},
    {RECORD, 5, "body", MESSAGE, ANY},
    {RECORD, 6, "attributes", LIST, PAIR},
    {RECORD, 9, "traceId", HEX, NONE},
    {RECORD, 10, "spanId", HEX, NONE},
    {RECORD, 11, "observedTimeUnixNano", FIXED, NONE},
    {RECORD, 12, "eventName", TEXT, NONE},
    {PAIR, 1, "key", TEXT, NONE},
    {PAIR, 2, "value", MESSAGE, ANY},
    {ANY, 1, "stringValue", TEXT, NONE},
    {ANY, 2, "boolValue", BOOL, NONE},
    {ANY, 3, "intValue", VARINT, NONE},
    {ANY, 4, "doubleValue", DOUBLE, NONE},
    {ANY, 5, "arrayValue", MESSAGE, VALUES},
    {ANY, 6, "kvlistValue", MESSAGE, PAIRS},
    {ANY, 7, "bytesValue", BASE64, NONE},
    {VALUES, 1, "values", LIST, ANY},
    {PAIRS, 1, "values", LIST, PAIR},
};

struct level {
    struct reader reader;
    enum message message;
    uint32_t list; /* the field whose array is open; 0 = none */
    uint64_t seen; /* bit per field that came: none may come again but within its array */
};

static const struct field_row *row_find(enum message message, const struct protobuf_field *field)
{
    static const unsigned types[] = {[TEXT] = PROTOBUF_BYTES,    [VARINT] = PROTOBUF_VARINT,  [BOOL] = PROTOBUF_VARINT,
                                     [FIXED] = PROTOBUF_FIXED64, [DOUBLE] = PROTOBUF_FIXED64, [HEX] = PROTOBUF_BYTES,
                                     [BASE64] = PROTOBUF_BYTES,  [MESSAGE] = PROTOBUF_BYTES,  [LIST] = PROTOBUF_BYTES};
    for (size_t i = 0; i < ARRAY_LEN(field_rows); i++)
        if (field_rows[i].message == message && field_rows[i].number == field->number)
            return types[field_rows[i].kind] == field->type ? &field_rows[i] : NULL;
    return NULL;
}

static void base64_write(struct buf *out, struct str bytes)
{
    json_write_str(out, STR("")); /* the quotes; what they hold needs no escape */
    if (out->overflow)
        return;
    out->n--;
    size_t size = (bytes.n + 2) / 3 * 4;
    char *place = buf_reserve(out, size);
    if (place)
        buf_grew(out, base64_encode(bytes.p, bytes.n, place));
    buf_char(out, '"');
}

static void scalar_write(struct buf *out, const struct field_row *row, const struct protobuf_field *field)
{
    char hex[2 * BINARY_MAX];
    struct str bytes = str_slice(field->bytes, 0, BINARY_MAX);
    double number;
    switch (row->kind) {
    case TEXT:
        json_write_str(out, field->bytes);
        break;
    case VARINT:
        json_write_int(out, (int64_t)field->value);
        break;
    case BOOL:
        json_write_bool(out, field->value != 0);
        break;
    case FIXED:
        json_write_u64(out, field->value);
        break;
    case DOUBLE:
        memcpy(&number, &field->value, sizeof number);
        json_write_double(out, number);
        break;
    case HEX:
        json_write_str(out, str_at(hex, hex_encode(bytes.p, bytes.n, hex)));
        break;
    case BASE64:
        base64_write(out, field->bytes);
        break;
    case MESSAGE:
    case LIST:
        break;
    }
}

static void list_close(struct buf *out, struct level *level)
{
    if (level->list)
        json_write_array_end(out);
    level->list = 0;
}

/* The member's key, and its array when it begins. False when it comes a second time. */
static bool member_begin(struct buf *out, struct level *level, const struct field_row *row)
{
    if (row->kind == LIST && level->list == row->number)
        return true;
    list_close(out, level);
    uint64_t bit = UINT64_C(1) << row->number;
    if (level->seen & bit)
        return false;
    level->seen |= bit;
    json_write_key(out, row->key);
    if (row->kind != LIST)
        return true;
    json_write_array(out);
    level->list = row->number;
    return true;
}

enum rc otlp_binary_read(struct str bytes, struct buf *ret_json, struct err *err)
{
    struct level levels[OTLP_DEPTH_MAX];
    size_t depth = 1;
    levels[0] = (struct level){.reader = reader_of(bytes), .message = REQUEST};
    json_write_object(ret_json);
    while (depth) {
        struct level *level = &levels[depth - 1];
        struct protobuf_field field;
        if (reader_left(&level->reader) == 0) {
            list_close(ret_json, level);
            json_write_object_end(ret_json);
            depth--;
            continue;
        }
        if (!protobuf_next(&level->reader, &field))
            return err_set(err, RC_INVALID, "the body is no protobuf message");
        const struct field_row *row = row_find(level->message, &field);
        if (!row)
            continue;
        if (!member_begin(ret_json, level, row))
            return err_set(err, RC_INVALID, "a field of the protobuf message comes twice");
        if (row->sub == NONE) {
            scalar_write(ret_json, row, &field);
            continue;
        }
        if (depth == OTLP_DEPTH_MAX)
            return err_set(err, RC_LIMIT, "the protobuf message is nested deeper than %u levels", OTLP_DEPTH_MAX);
        levels[depth++] = (struct level){.reader = reader_of(field.bytes), .message = row->sub};
        json_write_object(ret_json);
    }
    return ret_json->overflow ? err_set(err, RC_LIMIT, "the request is too large") : RC_OK;
}
