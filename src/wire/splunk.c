#include "wire/splunk.h"

#include "codec/json.h"
#include "wire/record_list.h"

/* The end of the JSON object at the front of the text; 0 when there is none that is whole. */
static size_t object_size(struct str text)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0)
            return i + 1;
        if (depth == 0)
            return 0;
    }
    return 0;
}

static enum splunk_code event_look(struct arena *arena, struct str text)
{
    struct arena_mark mark = arena_mark(arena);
    struct json_value *value = NULL;
    enum splunk_code code = SPLUNK_SUCCESS;
    if (json_parse(arena, text, JSON_DEPTH, &value, NULL) != RC_OK || value->kind != JSON_OBJECT) {
        code = SPLUNK_FORMAT_INVALID;
    } else {
        const struct json_value *event = json_get(value, "event");
        if (!event || event->kind == JSON_NULL)
            code = SPLUNK_EVENT_MISSING;
        else if (event->kind == JSON_STRING && event->text.n == 0)
            code = SPLUNK_EVENT_BLANK;
    }
    arena_rewind(arena, mark);
    return code;
}

enum splunk_code splunk_events_read(struct arena *arena, struct str body, struct buf *ret_list, uint32_t *ret_number)
{
    struct str rest = str_trim(body);
    *ret_number = 0;
    if (rest.n == 0)
        return SPLUNK_NO_DATA;
    while (rest.n) {
        size_t size = rest.p[0] == '{' ? object_size(rest) : 0;
        enum splunk_code code = size ? event_look(arena, str_slice(rest, 0, size)) : SPLUNK_FORMAT_INVALID;
        if (code != SPLUNK_SUCCESS)
            return code;
        record_list_put(ret_list, str_slice(rest, 0, size));
        rest = str_trim(str_skip(rest, size));
        ++*ret_number;
    }
    return SPLUNK_SUCCESS;
}

enum splunk_code splunk_raw_read(struct str body, struct buf *ret_list)
{
    size_t before = ret_list->n;
    while (body.n) {
        struct str line = str_trim_end(str_cut(&body, '\n'), '\r');
        if (line.n)
            record_list_put(ret_list, line);
    }
    return ret_list->n > before || ret_list->overflow ? SPLUNK_SUCCESS : SPLUNK_NO_DATA;
}

const char *splunk_text(enum splunk_code code)
{
    switch (code) {
    case SPLUNK_SUCCESS:
        return "Success";
    case SPLUNK_TOKEN_REQUIRED:
        return "Token is required";
    case SPLUNK_TOKEN_INVALID:
        return "Invalid token";
    case SPLUNK_NO_DATA:
        return "No data";
    case SPLUNK_FORMAT_INVALID:
        return "Invalid data format";
    case SPLUNK_BUSY:
        return "Server is busy";
    case SPLUNK_CHANNEL_MISSING:
        return "Data channel is missing";
    case SPLUNK_EVENT_MISSING:
        return "Event field is required";
    case SPLUNK_EVENT_BLANK:
        return "Event field cannot be blank";
    case SPLUNK_HEALTHY:
        return "HEC is healthy";
    }
    return "";
}

enum rc splunk_acks_answer(struct arena *arena, struct str body, struct buf *ret_answer)
{
    struct json_value *value = NULL;
    enum rc rc = json_parse(arena, body, JSON_DEPTH, &value, NULL);
    const struct json_value *acks = rc == RC_OK ? json_get(value, "acks") : NULL;
    if (!acks || acks->kind != JSON_ARRAY)
        return RC_INVALID;
    json_write_object(ret_answer);
    json_write_key(ret_answer, "acks");
    json_write_object(ret_answer);
    for (const struct json_value *ack = acks->first; ack; ack = ack->next) {
        uint64_t number = 0;
        if (ack->kind != JSON_NUMBER || !str_to_u64(ack->text, &number))
            return RC_INVALID;
        json_write_key_slice(ret_answer, ack->text);
        json_write_bool(ret_answer, true);
    }
    json_write_object_end(ret_answer);
    json_write_object_end(ret_answer);
    return ret_answer->overflow ? RC_LIMIT : RC_OK;
}
