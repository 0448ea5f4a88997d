#include "wire/wsman.h"

#include "base/assert.h"
#include "codec/utf8.h"
#include "codec/xml.h"
#include "wire/record_list.h"

#include <string.h>

#define HEADER "Envelope/Header/"
#define EVENT  "Envelope/Body/Events/Event"

struct reading {
    struct arena *arena;
    struct buf *events;
    struct wsman_message *message;
    bool limit; /* refused for its size */
    const char *reason;
};

/* ---- text ---- */

/* XML 1.0, 2.2 */
static bool is_xml_char(uint32_t code)
{
    return code >= 0x20 ? code != 0xfffe && code != 0xffff : code == '\t' || code == '\n' || code == '\r';
}

static uint32_t unit_at(struct str body, size_t at, bool big)
{
    unsigned char first = (unsigned char)body.p[at];
    unsigned char second = (unsigned char)body.p[at + 1];
    return big ? (uint32_t)first << 8 | second : (uint32_t)second << 8 | first;
}

/* A surrogate alone is no scalar value, and is written as U+FFFD. */
static size_t code_read(struct str body, size_t at, bool big, uint32_t *ret_code)
{
    uint32_t code = unit_at(body, at, big);
    uint32_t low = code >= 0xd800 && code < 0xdc00 && at + 4 <= body.n ? unit_at(body, at + 2, big) : 0;
    bool pair = low >= 0xdc00 && low < 0xe000;
    *ret_code = pair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : code;
    return pair ? 4 : 2;
}

static void narrow(struct str body, bool big, struct buf *out)
{
    char piece[4096];
    size_t n = 0;
    uint32_t code;
    for (size_t at = 0; at < body.n && !out->overflow;) {
        at += code_read(body, at, big, &code);
        if (code < 0x80 && is_xml_char(code))
            piece[n++] = (char)code;
        else
            n += utf8_encode(is_xml_char(code) ? code : UTF8_REPLACEMENT, piece + n);
        if (n > sizeof piece - 4) {
            buf_put(out, piece, n);
            n = 0;
        }
    }
    buf_put(out, piece, n);
}

static void clean(struct str body, struct buf *out)
{
    char text[4];
    uint32_t code;
    size_t n;
    for (; body.n && !out->overflow; body = str_skip(body, n)) {
        n = utf8_decode(body, &code);
        buf_put(out, text, utf8_encode(is_xml_char(code) ? code : UTF8_REPLACEMENT, text));
    }
}

enum rc wsman_text(struct str body, struct buf *out, bool *ret_wide, struct err *err)
{
    bool big = str_starts(body, STR("\xfe\xff")) || str_starts(body, STR("\0<"));
    bool marked = str_starts(body, STR("\xff\xfe")) || str_starts(body, STR("\xfe\xff"));
    *ret_wide = big || marked || str_starts(body, STR("<\0"));
    if (*ret_wide && body.n % 2)
        return err_set(err, RC_INVALID, "the body is cut: UTF-16 has an even number of bytes");
    if (*ret_wide)
        narrow(str_skip(body, marked ? 2 : 0), big, out);
    else
        clean(str_skip(body, str_starts(body, STR("\xef\xbb\xbf")) ? 3 : 0), out);
    return out->overflow ? err_set(err, RC_LIMIT, "the body is longer than %zu bytes", out->limit) : RC_OK;
}

void wsman_widen(struct str text, struct buf *out)
{
    uint32_t code;
    size_t n;
    buf_le16(out, 0xfeff);
    for (; text.n && !out->overflow; text = str_skip(text, n)) {
        n = utf8_decode(text, &code);
        if (code >= 0x10000)
            buf_le16(out, (uint16_t)(0xd800 + ((code - 0x10000) >> 10)));
        buf_le16(out, (uint16_t)(code >= 0x10000 ? 0xdc00 + (code & 0x3ff) : code));
    }
}

/* ---- messages ---- */

static bool refuse(struct reading *reading, bool limit, const char *reason)
{
    reading->limit = limit;
    reading->reason = reason;
    return false;
}

static bool on_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct reading *reading = context;
    (void)attributes;
    if (!str_is(path, "Envelope") && !str_starts(path, STR("Envelope/")))
        return refuse(reading, false, "the body is no SOAP envelope");
    if (str_is(path, HEADER "AckRequested"))
        reading->message->ack_requested = true;
    if (str_starts(path, STR(EVENT "/")))
        return refuse(reading, false, "an event is written as elements: the subscription asks for CDATA");
    return true;
}

static bool header_take(struct reading *reading, struct str name, struct str text)
{
    struct wsman_message *message = reading->message;
    struct str *place = str_is(name, "Action")        ? &message->action_text
                        : str_is(name, "MessageID")   ? &message->message_id
                        : str_is(name, "OperationID") ? &message->operation_id
                        : str_is(name, "MachineID")   ? &message->machine
                                                      : NULL;
    struct str value = str_trim(text);
    if (!place || place->n || !value.n)
        return true;
    if (value.n > WSMAN_VALUE_MAX)
        return refuse(reading, true, "a header of the message is longer than 1 KiB");
    *place = arena_str(reading->arena, value);
    return place->p || refuse(reading, true, "no memory");
}

static bool event_take(struct reading *reading, struct str text)
{
    struct str event = str_trim(text);
    if (!event.n)
        return refuse(reading, false, "an event is empty");
    if (text.n > WSMAN_EVENT_MAX) /* it may have been cut */
        return refuse(reading, true, "an event is longer than 1000 KiB");
    if (reading->message->events++ == WSMAN_EVENTS_MAX)
        return refuse(reading, true, "a message holds more than 16384 events");
    record_list_put(reading->events, event);
    return !reading->events->overflow || refuse(reading, true, "the events of one message are too large");
}

static bool on_end(void *context, struct str path, struct str text)
{
    struct reading *reading = context;
    if (str_starts(path, STR(HEADER)))
        return header_take(reading, str_skip(path, sizeof HEADER - 1), text);
    return !str_is(path, EVENT) || event_take(reading, text);
}

/* Without its declaration, whose encoding is that of before; it can have no document type (SOAP 1.2, 5). */
static struct str document_of(struct str text)
{
    if (str_starts(text, STR("<?xml")))
        text = str_skip(text, str_search(text, STR("?>")) + 2);
    return str_trim(text);
}

static enum wsman_action action_of(struct str text)
{
    static const struct {
        const char *uri;
        enum wsman_action action;
    } rows[] = {
        {"http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate", WSMAN_ENUMERATE},
        {"http://schemas.dmtf.org/wbem/wsman/1/wsman/Events", WSMAN_EVENTS},
        {"http://schemas.dmtf.org/wbem/wsman/1/wsman/Heartbeat", WSMAN_HEARTBEAT},
        {"http://schemas.xmlsoap.org/ws/2004/08/eventing/SubscriptionEnd", WSMAN_SUBSCRIPTION_END},
        {"http://schemas.microsoft.com/wbem/wsman/1/wsman/End", WSMAN_END},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(text, rows[i].uri))
            return rows[i].action;
    return WSMAN_UNKNOWN;
}

enum rc wsman_read(struct arena *arena, struct str text, struct buf *events, struct wsman_message *ret_message,
                   struct err *err)
{
    static const struct xml_sink sink = {on_begin, on_end, NULL};
    struct reading reading = {.arena = arena, .events = events, .message = ret_message};
    *ret_message = (struct wsman_message){0};
    text = document_of(text);
    if (str_starts(text, STR("<!")))
        return err_set(err, RC_INVALID, "the body is no SOAP envelope");
    enum rc rc = xml_walk(text, &sink, &reading, err);
    if (reading.reason)
        return err_set(err, reading.limit ? RC_LIMIT : RC_INVALID, "%s", reading.reason);
    if (rc != RC_OK)
        return rc == RC_DENIED ? RC_INVALID : rc;
    ret_message->action = action_of(ret_message->action_text);
    if (!ret_message->action_text.n || !ret_message->message_id.n)
        return err_set(err, RC_INVALID, "the message has no Action or no MessageID");
    if (ret_message->action != WSMAN_EVENTS && ret_message->events)
        return err_set(err, RC_INVALID, "there are events in a message of another kind");
    return RC_OK;
}
