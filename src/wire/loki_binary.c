/* loki_binary.c - Loki's push as protobuf, once its Snappy block is read: what Promtail, Alloy and Vector send.
 * PushRequest{1: Stream{1: labels, 2: Entry{1: Timestamp{1: s, 2: ns}, 2: line, 3: Pair{1: name, 2: value}}}}.
 * Source: grafana/loki, pkg/push/push.proto; labels as Prometheus writes them, {name="text", ...}. */
#include "base/bytes.h"
#include "codec/json.h"
#include "wire/loki.h"
#include "wire/protobuf.h"
#include "wire/record_list.h"

#define LABELS_MAX ((size_t)64 << 10) /* bytes of one stream's labels as JSON */

/* --- {job="nginx", host="a\"b"} as a JSON object --- */

static bool label_name(struct str *rest, struct str *ret_name)
{
    size_t n = 0;
    while (n < rest->n && (char_is_alnum(rest->p[n]) || rest->p[n] == '_'))
        n++;
    *ret_name = str_slice(*rest, 0, n);
    *rest = str_skip(*rest, n);
    return n > 0;
}

static bool mark_skip(struct str *rest, char mark)
{
    *rest = str_trim(*rest);
    if (rest->n == 0 || rest->p[0] != mark)
        return false;
    *rest = str_skip(*rest, 1);
    *rest = str_trim(*rest);
    return true;
}

/* A quoted text of Go; escapes other than \" \\ \n stay as they are written. */
static bool label_value(struct str *rest, struct buf *out)
{
    buf_clear(out);
    if (rest->n == 0 || rest->p[0] != '"')
        return false;
    for (size_t i = 1; i < rest->n; i++) {
        char c = rest->p[i];
        if (c == '"') {
            *rest = str_skip(*rest, i + 1);
            return !out->overflow;
        }
        char next = c == '\\' && i + 1 < rest->n ? rest->p[i + 1] : '\0';
        if (next == '"' || next == '\\' || next == 'n') {
            buf_char(out, next == 'n' ? '\n' : next);
            i++;
        } else {
            buf_char(out, c);
        }
    }
    return false;
}

static bool labels_read(struct str text, struct buf *json)
{
    struct buf value;
    struct str name;
    struct str rest = str_trim(text);
    buf_init(&value, LABELS_MAX);
    buf_clear(json);
    json_write_object(json);
    bool good = mark_skip(&rest, '{');
    while (good && !mark_skip(&rest, '}')) {
        good = label_name(&rest, &name) && mark_skip(&rest, '=') && label_value(&rest, &value);
        if (good) {
            json_write_key_slice(json, name);
            json_write_str(json, buf_view(&value));
        }
        if (good && !mark_skip(&rest, ','))
            good = rest.n > 0 && rest.p[0] == '}';
    }
    json_write_object_end(json);
    buf_done(&value);
    return good && rest.n == 0 && !json->overflow;
}

/* --- messages --- */

static bool time_read(struct str bytes, int64_t *ret_ns)
{
    struct reader reader = reader_of(bytes);
    struct protobuf_field field;
    int64_t seconds = 0;
    int64_t ns = 0;
    while (reader_left(&reader)) {
        if (!protobuf_next(&reader, &field))
            return false;
        if (field.type == PROTOBUF_VARINT && field.number == 1)
            seconds = (int64_t)field.value;
        if (field.type == PROTOBUF_VARINT && field.number == 2)
            ns = (int64_t)field.value;
    }
    return ns >= 0 && ns < 1000000000 && !__builtin_mul_overflow(seconds, 1000000000, ret_ns) &&
           !__builtin_add_overflow(*ret_ns, ns, ret_ns);
}

static bool pair_write(struct str bytes, struct buf *out)
{
    struct reader reader = reader_of(bytes);
    struct protobuf_field field;
    struct str name = STR("");
    struct str value = STR("");
    while (reader_left(&reader)) {
        if (!protobuf_next(&reader, &field))
            return false;
        if (field.type == PROTOBUF_BYTES && field.number == 1)
            name = field.bytes;
        if (field.type == PROTOBUF_BYTES && field.number == 2)
            value = field.bytes;
    }
    json_write_key_slice(out, name);
    json_write_str(out, value);
    return true;
}

/* Pairs among an entry's fields, as a member; nothing when there are none. */
static bool metadata_write(struct str entry, struct buf *out)
{
    struct reader reader = reader_of(entry);
    struct protobuf_field field;
    bool begun = false;
    while (reader_left(&reader)) {
        if (!protobuf_next(&reader, &field))
            return false;
        if (field.number != 3 || field.type != PROTOBUF_BYTES)
            continue;
        if (!begun) {
            json_write_key(out, "metadata");
            json_write_object(out);
        }
        begun = true;
        if (!pair_write(field.bytes, out))
            return false;
    }
    if (begun)
        json_write_object_end(out);
    return true;
}

static bool entry_write(struct str entry, struct str labels, struct buf *list)
{
    struct reader reader = reader_of(entry);
    struct protobuf_field field;
    struct str line = STR("");
    int64_t ns = 0;
    char text[24];
    struct buf time;
    while (reader_left(&reader)) {
        if (!protobuf_next(&reader, &field))
            return false;
        if (field.number == 1 && field.type == PROTOBUF_BYTES && !time_read(field.bytes, &ns))
            return false;
        if (field.number == 2 && field.type == PROTOBUF_BYTES)
            line = field.bytes;
    }
    buf_init_fixed(&time, text, sizeof text);
    buf_i64(&time, ns);
    size_t begin = record_list_begin(list);
    json_write_object(list);
    json_put_str(list, "ts", buf_view(&time));
    json_put_str(list, "message", line);
    json_write_key(list, "labels");
    json_write_raw(list, labels);
    bool good = metadata_write(entry, list);
    json_write_object_end(list);
    record_list_end(list, begin);
    return good;
}

/* The labels come first or last: they are looked for before any entry is written. */
static enum rc stream_read(struct str stream, struct buf *labels, struct buf *list, struct err *err)
{
    struct reader reader = reader_of(stream);
    struct protobuf_field field;
    struct str text = STR("{}");
    while (reader_left(&reader)) {
        if (!protobuf_next(&reader, &field))
            return err_set(err, RC_INVALID, "the body is no protobuf message");
        if (field.number == 1 && field.type == PROTOBUF_BYTES)
            text = field.bytes;
    }
    if (!labels_read(text, labels))
        return err_set(err, RC_INVALID, "labels of a stream do not read");
    reader = reader_of(stream);
    while (reader_left(&reader) && protobuf_next(&reader, &field)) {
        bool entry = field.number == 2 && field.type == PROTOBUF_BYTES;
        if (entry && !entry_write(field.bytes, buf_view(labels), list))
            return err_set(err, RC_INVALID, "an entry does not read");
    }
    return list->overflow ? err_set(err, RC_LIMIT, "the records of one request are too large") : RC_OK;
}

enum rc loki_binary_read(struct str bytes, struct buf *ret_list, struct err *err)
{
    struct reader reader = reader_of(bytes);
    struct protobuf_field field;
    struct buf labels;
    enum rc rc = RC_OK;
    buf_init(&labels, LABELS_MAX);
    while (reader_left(&reader) && rc == RC_OK) {
        if (!protobuf_next(&reader, &field))
            rc = err_set(err, RC_INVALID, "the body is no protobuf message");
        else if (field.number == 1 && field.type == PROTOBUF_BYTES)
            rc = stream_read(field.bytes, &labels, ret_list, err);
    }
    buf_done(&labels);
    return rc;
}
