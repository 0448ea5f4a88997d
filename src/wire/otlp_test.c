#include "wire/otlp.h"

#include "base/test.h"
#include "codec/json.h"
#include "wire/record_list.h"

#define LOGS(records) "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[" records "]}]}]}"
#define NEST(inner)   "{\"arrayValue\":{\"values\":[" inner "]}}"
#define NEST4(inner)  NEST(NEST(NEST(NEST(inner))))

static const struct {
    const char *body;
    const char *want; /* records, or the refusal behind '!' */
} rows[] = {
    {LOGS("{\"timeUnixNano\":\"17\",\"severityNumber\":9,\"severityText\":\"Info\",\"body\":{\"stringValue\":\"a\"}}"),
     "[{\"ts\":\"17\",\"severity\":\"Info\",\"severity_number\":9,\"message\":\"a\"}]"},
    {LOGS("{\"timeUnixNano\":17,\"body\":{\"intValue\":\"-5\"}},{}"), "[{\"ts\":\"17\",\"body\":-5}][{}]"},
    {LOGS("{\"body\":{\"intValue\":\"007\"}}"), "[{\"body\":7}]"},
    {LOGS("{\"body\":{\"intValue\":\"x\"}}"), "[{\"body\":\"x\"}]"},
    {LOGS("{\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"boolValue\":true}}]}}}"),
     "[{\"body\":{\"k\":true}}]"},
    {LOGS("{\"attributes\":[{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":[{\"doubleValue\":1.5},{},"
          "{\"bytesValue\":\"AA==\"}]}}},{\"key\":\"b\"}],\"traceId\":\"0f\",\"spanId\":\"aa\",\"eventName\":\"e\"}"),
     "[{\"event\":\"e\",\"attributes\":{\"a\":[1.5,null,\"AA==\"],\"b\":null},\"trace_id\":\"0f\",\"span_id\":\"aa\"}"
     "]"},
    {"{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s\"}}]},"
     "\"scopeLogs\":[{\"scope\":{\"name\":\"n\"},\"logRecords\":[{\"observedTimeUnixNano\":\"1\"}]}]}]}",
     "[{\"observed\":\"1\",\"resource\":{\"service.name\":\"s\"},\"scope\":\"n\"}]"},
    {LOGS("{\"body\":" NEST4("{\"stringValue\":\"deep\"}") "}"), "[{\"body\":[[[[\"deep\"]]]]}]"},
    {"{}", ""},
    {"{\"resourceLogs\":[]}", ""},
    {"{\"resourceLogs\":[{}]}", ""},
    {"[]", "!the body is no ExportLogsServiceRequest"},
    {"{\"resourceLogs\":{}}", "!the body is no ExportLogsServiceRequest"},
    {"{\"resourceLogs\":[{\"scopeLogs\":1}]}", "!scopeLogs is no array"},
    {"{\"resourceLogs\":[1]}", "!scopeLogs is no array"},
    {"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":{}}]}]}", "!logRecords is no array"},
    {"{\"resourceLogs\":[{\"scopeLogs\":[1]}]}", "!logRecords is no array"},
    {LOGS("1"), "!a log record is no object"},
};

static void show(struct buf *got, struct arena *arena, struct str json)
{
    struct buf list;
    struct err err = {0};
    struct str record;
    buf_init(&list, 8192);
    buf_clear(got);
    arena_reset(arena);
    if (otlp_logs_read(arena, json, &list, &err) != RC_OK)
        buf_format(got, "!%s", err.text);
    for (struct str rest = got->n ? STR_NONE : buf_view(&list); record_list_next(&rest, &record);) {
        struct json_value *value = NULL;
        CHECK_INT(json_parse(arena, record, JSON_DEPTH_MAX, &value, NULL), RC_OK);
        buf_char(got, '[');
        buf_str(got, record);
        buf_char(got, ']');
    }
    buf_done(&list);
}

static void json_bodies(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf got;
    buf_init(&got, 8192);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        show(&got, arena, str_of(rows[i].body));
        CHECK_TEXT(buf_view(&got), rows[i].want);
    }
    buf_done(&got);
    arena_free(arena);
}

/* resource_logs{ resource{attributes{k: "s"}} scope_logs{ scope{name "n"} log_records{ time 17, severity 9 "I", body
 * "m", attributes{x: 251} attributes{y: [nothing]}, dropped_attributes_count of another type, trace_id } } } */
static const char binary[] =
    "\x0a\x45\x0a\x0a\x0a\x08\x0a\x01\x6b\x12\x03\x0a\x01\x73\x12\x37\x0a\x03\x0a\x01\x6e\x12\x30\x09"
    "\x11\x00\x00\x00\x00\x00\x00\x00\x10\x09\x1a\x01\x49\x2a\x03\x0a\x01\x6d\x32\x08\x0a\x01\x78\x12"
    "\x03\x18\xfb\x01\x32\x09\x0a\x01\x79\x12\x04\x2a\x02\x0a\x00\x3a\x02\x7a\x7a\x4a\x02\x0f\xaa";

static void binary_bodies(void)
{
    static const struct {
        struct str bytes;
        const char *want; /* JSON, or the refusal behind '!' */
    } all[] = {
        {STR_INIT(""), "{}"},
        {STR_INIT("\x0a\x00"), "{\"resourceLogs\":[{}]}"},
        {STR_INIT("\x0a\x00\x0a\x00"), "{\"resourceLogs\":[{},{}]}"},
        {STR_INIT("\x0a\x08\x12\x06\x12\x04\x1a\x02\"\\"),
         "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityText\":\"\\\"\\\\\"}]}]}]}"},
        {STR_INIT("\x7a\x01x\x0a\x00"), "{\"resourceLogs\":[{}]}"},
        {STR_INIT("\x08\x01"), "{}"}, /* a known number of another type is passed over as not known */
        {STR_INIT("\x0a"), "!the body is no protobuf message"},
        {STR_INIT("\x0a\x01"), "!the body is no protobuf message"},
        {STR_INIT("\x0b"), "!the body is no protobuf message"},
        {STR_INIT("\x02\x00"), "!the body is no protobuf message"},
        {STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "!the body is no protobuf message"},
        {STR_INIT("\x0a\x04\x0a\x00\x0a\x00"), "!a field of the protobuf message comes twice"},
        {STR_INIT("{\"resourceLogs\":[]}"), "!the body is no protobuf message"},
    };
    struct buf json;
    buf_init(&json, 8192);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct err err = {0};
        test_row("%zu", i);
        buf_clear(&json);
        if (otlp_binary_read(all[i].bytes, &json, &err) != RC_OK) {
            buf_clear(&json);
            buf_format(&json, "!%s", err.text);
        }
        CHECK_TEXT(buf_view(&json), all[i].want);
    }
    buf_done(&json);
}

static void binary_whole_and_truncated(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf json;
    struct buf got;
    struct str bytes = str_at(binary, sizeof binary - 1);
    buf_init(&json, 8192);
    buf_init(&got, 8192);
    CHECK_INT(otlp_binary_read(bytes, &json, NULL), RC_OK);
    show(&got, arena, buf_view(&json));
    CHECK_TEXT(buf_view(&got), "[{\"ts\":\"17\",\"severity\":\"I\",\"severity_number\":9,\"message\":\"m\","
                               "\"attributes\":{\"x\":251,\"y\":[null]},\"resource\":{\"k\":\"s\"},\"scope\":\"n\","
                               "\"trace_id\":\"0faa\"}]");
    for (size_t n = 1; n < bytes.n; n++) {
        test_row("%zu", n);
        buf_clear(&json);
        CHECK_INT(otlp_binary_read(str_slice(bytes, 0, n), &json, NULL), RC_INVALID);
    }
    buf_done(&got);
    buf_done(&json);
    arena_free(arena);
}

/* Lists within lists, from the inside: deeper than any is written there is a refusal, not a crash. */
static void depth(void)
{
    char bytes[2048];
    size_t n = 0;
    struct buf json;
    buf_init(&json, 65536);
    static const char *const wraps[] = {"\x0a", "\x2a"}; /* values, arrayValue */
    for (size_t level = 0; level < 100; level++) {
        char head[4] = {wraps[level % 2][0], (char)(n & 127), 0};
        size_t head_n = 2;
        if (n > 127) {
            head[1] = (char)((n & 127) | 128);
            head[2] = (char)(n >> 7);
            head_n = 3;
        }
        memmove(bytes + head_n, bytes, n);
        memcpy(bytes, head, head_n);
        n += head_n;
    }
    char outer[2100] = "\x0a\x00\x00\x12\x00\x00\x12\x00\x00\x2a\x00\x00";
    size_t size = n;
    for (int i = 3; i >= 0; i--) {
        outer[3 * i + 1] = (char)((size & 127) | 128);
        outer[3 * i + 2] = (char)(size >> 7);
        size += 3;
    }
    memcpy(outer + 12, bytes, n);
    CHECK_INT(otlp_binary_read(str_at(outer, n + 12), &json, NULL), RC_LIMIT);
    buf_done(&json);
}

static const struct test tests[] = {
    {"json bodies", json_bodies},
    {"binary bodies", binary_bodies},
    {"binary whole and truncated", binary_whole_and_truncated},
    {"depth", depth},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
