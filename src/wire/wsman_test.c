#include "wire/wsman.h"

#include "base/test.h"
#include "codec/xml.h"
#include "wire/record_list.h"

#include <string.h>

#define HEAD(action, more)                                                                                             \
    "<s:Envelope xmlns:s='urn:s' xmlns:a='urn:a' xmlns:w='urn:w' xmlns:p='urn:p'><s:Header><a:Action "                 \
    "s:mustUnderstand='true'>" action "</a:Action><a:MessageID>uuid:AB</a:MessageID>" more "</s:Header>"
#define BODY(body)  "<s:Body>" body "</s:Body></s:Envelope>"
#define EVENTS      "http://schemas.dmtf.org/wbem/wsman/1/wsman/Events"
#define HEARTBEAT   "http://schemas.dmtf.org/wbem/wsman/1/wsman/Heartbeat"
#define ENUMERATE   "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
#define EVENT(text) "<w:Event Action='urn:e'>" text "</w:Event>"

static const struct {
    const char *text;
    enum rc rc;
    const char *want; /* "action events [record]..." or the refusal */
} rows[] = {
    {HEAD(ENUMERATE, "") BODY("<n:Enumerate xmlns:n='urn:n'/>"), RC_OK, "1 0 AB - - no"},
    {HEAD(HEARTBEAT, "<w:AckRequested/>") BODY("<w:Events></w:Events>"), RC_OK, "3 0 AB - - ack"},
    {HEAD(EVENTS, "<p:OperationID>uuid:1</p:OperationID><m:MachineID xmlns:m='urn:m'> pc1 \n</m:MachineID>")
         BODY("<w:Events>" EVENT("<![CDATA[<Event>&</Event>]]>") EVENT(" &lt;Event/> ") "</w:Events>"),
     RC_OK, "2 2 AB 1 pc1 no[<Event>&</Event>][<Event/>]"},
    {HEAD("http://schemas.microsoft.com/wbem/wsman/1/wsman/End", "") BODY(""), RC_OK, "5 0 AB - - no"},
    {HEAD("http://schemas.xmlsoap.org/ws/2004/08/eventing/SubscriptionEnd", "") BODY("<e><f><g>x</g></f></e>"), RC_OK,
     "4 0 AB - - no"},
    {HEAD("urn:other", "") BODY(""), RC_OK, "0 0 AB - - no"},
    {HEAD(EVENTS, "") BODY("<w:Other>" EVENT("x") "</w:Other>"), RC_OK, "2 0 AB - - no"}, /* not in Events */
    {HEAD(EVENTS, "") BODY("<w:Events>" EVENT("<Event/>") "</w:Events>"), RC_INVALID,
     "an event is written as elements: the subscription asks for CDATA"},
    {HEAD(EVENTS, "") BODY("<w:Events>" EVENT(" ") "</w:Events>"), RC_INVALID, "an event is empty"},
    {HEAD(HEARTBEAT, "") BODY("<w:Events>" EVENT("x") "</w:Events>"), RC_INVALID,
     "there are events in a message of another kind"},
    {"<s:Envelope xmlns:s='urn:s'><s:Header><Action>x</Action></s:Header></s:Envelope>", RC_INVALID,
     "the message has no Action or no MessageID"},
    {"<s:Envelope xmlns:s='urn:s'><s:Header><MessageID>x</MessageID></s:Header></s:Envelope>", RC_INVALID,
     "the message has no Action or no MessageID"},
    {"<html/>", RC_INVALID, "the body is no SOAP envelope"},
    {"<?xml version='1.0' encoding='UTF-16'?>\n" HEAD(HEARTBEAT, "") BODY(""), RC_OK, "3 0 AB - - no"},
    {"", RC_INVALID, "line 1: not a well-formed XML document"},
    {"<?xml version='1.0'", RC_INVALID, "line 1: not a well-formed XML document"},
    {"<!DOCTYPE s [<!ENTITY a 'x'>]>" HEAD(EVENTS, "") BODY(""), RC_INVALID, "the body is no SOAP envelope"},
    {"<!DOCTYPE s SYSTEM 'file:///etc/passwd'>" HEAD(EVENTS, "") BODY(""), RC_INVALID, "the body is no SOAP envelope"},
    {"<?xml version='1.0'?> <!DOCTYPE s>" HEAD(EVENTS, "") BODY(""), RC_INVALID, "the body is no SOAP envelope"},
    {"<?p?><!DOCTYPE s [<!ENTITY a 'x'>]>" HEAD(EVENTS, "") BODY(""), RC_INVALID, "line 1: it declares an entity"},
    {HEAD(EVENTS, "<a:To>&bomb;</a:To>") BODY(""), RC_INVALID, "line 1: not a well-formed XML document"},
};

static enum rc read_one(struct arena *arena, struct str text, struct buf *got)
{
    struct wsman_message message;
    struct err err = {0};
    struct str record;
    struct buf events;
    buf_init(&events, 4096);
    buf_clear(got);
    enum rc rc = wsman_read(arena, text, &events, &message, &err);
    if (rc == RC_OK)
        buf_format(got, "%d %zu %.*s %.*s %.*s %s", (int)message.action, message.events,
                   STR_ARG(str_skip(message.message_id, 5)),
                   STR_ARG(message.operation_id.n ? str_skip(message.operation_id, 5) : STR("-")),
                   STR_ARG(message.machine.n ? message.machine : STR("-")), message.ack_requested ? "ack" : "no");
    else
        buf_text(got, err.text);
    for (struct str rest = rc == RC_OK ? buf_view(&events) : STR_NONE; record_list_next(&rest, &record);)
        buf_format(got, "[%.*s]", STR_ARG(record));
    buf_done(&events);
    return rc;
}

static void messages(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf got;
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        arena_reset(arena);
        CHECK_INT(read_one(arena, str_of(rows[i].text), &got), rows[i].rc);
        CHECK_TEXT(buf_view(&got), rows[i].want);
    }
    struct str whole = str_of(rows[2].text);
    for (size_t n = 0; n < whole.n; n++) {
        test_row("%zu", n);
        arena_reset(arena);
        CHECK_INT(read_one(arena, str_slice(whole, 0, n), &got), RC_INVALID);
    }
    buf_done(&got);
    arena_free(arena);
}

/* Limits: a header's value, the number of events, what they are together. */
static void limits(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf text;
    struct buf got;
    buf_init(&text, 4 << 20);
    buf_init(&got, 1 << 20);
    buf_text(&text, HEAD(EVENTS, "") "<s:Body><w:Events>");
    for (size_t i = 0; i <= WSMAN_EVENTS_MAX; i++)
        buf_text(&text, EVENT("x"));
    buf_text(&text, "</w:Events></s:Body></s:Envelope>");
    struct wsman_message message;
    struct err err = {0};
    struct buf events;
    buf_init(&events, 1 << 20);
    CHECK_INT(wsman_read(arena, buf_view(&text), &events, &message, &err), RC_LIMIT);
    CHECK_TEXT(str_of(err.text), "a message holds more than 16384 events");
    buf_done(&events);
    buf_init(&events, 8);
    arena_reset(arena);
    CHECK_INT(wsman_read(arena, str_of(rows[2].text), &events, &message, &err), RC_LIMIT);
    CHECK_TEXT(str_of(err.text), "the events of one message are too large");
    buf_clear(&text);
    buf_text(&text, HEAD(EVENTS, "<p:OperationID>"));
    text.n -= strlen("</s:Header>");
    for (size_t i = 0; i <= WSMAN_VALUE_MAX; i++)
        buf_char(&text, 'x');
    buf_text(&text, "</p:OperationID></s:Header></s:Envelope>");
    arena_reset(arena);
    CHECK_INT(wsman_read(arena, buf_view(&text), &events, &message, &err), RC_LIMIT);
    buf_done(&events);
    buf_done(&got);
    buf_done(&text);
    arena_free(arena);
}

static const struct {
    struct str body;
    const char *want; /* NULL: refused */
    bool wide;
} texts[] = {
    {STR_INIT("<a/>"), "<a/>", false},
    {STR_INIT(""), "", false},
    {STR_INIT("\xef\xbb\xbf<a/>"), "<a/>", false},
    {STR_INIT("\xff\xfe<\0a\0>\0"), "<a>", true},
    {STR_INIT("<\0a\0>\0"), "<a>", true},
    {STR_INIT("\xfe\xff\0<\0a"), "<a", true},
    {STR_INIT("\0<\0a"), "<a", true},
    {STR_INIT("\xff\xfe\x9a\x04"), "\xd2\x9a", true},
    {STR_INIT("\xff\xfe\x3d\xd8\x00\xde"), "\xf0\x9f\x98\x80", true},
    {STR_INIT("\xff\xfe\x3d\xd8x\0"), "\xef\xbf\xbdx", true}, /* half a pair */
    {STR_INIT("\xff\xfe\x00\xde"), "\xef\xbf\xbd", true},
    {STR_INIT("\xff\xfe\x01\0\x0b\0\n\0\x7f\0"), "\xef\xbf\xbd\xef\xbf\xbd\n\x7f", true},
    {STR_INIT("\xff\xfe\xfe\xff\xff\xff"), "\xef\xbf\xbd\xef\xbf\xbd", true},
    {STR_INIT("<a\x01\x80>"), "<a\xef\xbf\xbd\xef\xbf\xbd>", false},
    {STR_INIT("\xff\xfe<"), NULL, true},
    {STR_INIT("\xff\xfe<\0a"), NULL, true},
};

static void encodings(void)
{
    struct buf out;
    bool wide;
    buf_init(&out, 64);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        test_row("%zu", i);
        buf_clear(&out);
        CHECK_INT(wsman_text(texts[i].body, &out, &wide, NULL), texts[i].want ? RC_OK : RC_INVALID);
        CHECK(wide == texts[i].wide);
        if (texts[i].want)
            CHECK_TEXT(buf_view(&out), texts[i].want);
    }
    struct buf back;
    buf_init(&back, 64);
    buf_clear(&out);
    wsman_widen(STR("<a>\xd2\x9a\xf0\x9f\x98\x80"), &out);
    CHECK_INT(out.n, 2 + 2 * 6);
    CHECK_INT(wsman_text(buf_view(&out), &back, &wide, NULL), RC_OK);
    CHECK(wide);
    CHECK_TEXT(buf_view(&back), "<a>\xd2\x9a\xf0\x9f\x98\x80");
    buf_done(&back);
    buf_init(&back, 4);
    CHECK_INT(wsman_text(buf_view(&out), &back, &wide, NULL), RC_LIMIT);
    buf_done(&back);
    buf_done(&out);
}

/* ---- answers ---- */

/* The last name of a path. */
static struct str name_of(struct str path)
{
    while (str_find(path, '/') < path.n)
        path = str_skip(path, str_find(path, '/') + 1);
    return path;
}

static bool any_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct buf *out = context;
    if (str_is(name_of(path), "Bookmark") && xml_attribute(attributes, "Channel").n)
        buf_format(out, "%.*s=%.*s%s ", STR_ARG(xml_attribute(attributes, "Channel")),
                   STR_ARG(xml_attribute(attributes, "RecordId")), xml_attribute(attributes, "IsCurrent").n ? "!" : "");
    return true;
}

static bool any_end(void *context, struct str path, struct str text)
{
    static const char *const told[] = {"RelatesTo", "OperationID", "Version",    "Address", "Heartbeats",
                                       "MaxTime",   "Thumbprint",  "Option",     "Select",  "Bookmark",
                                       "Text",      "Value",       "Identifier", "Action"};
    struct buf *out = context;
    struct str name = name_of(path);
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        if (text.n && str_is(name, told[i]) &&
            !str_starts(text, STR("http://schemas.xmlsoap.org/ws/2004/08/addressing")))
            buf_format(out, "%s=%.*s ", told[i], STR_ARG(text));
    return true;
}

static void answer_check(struct buf *answer, const char *want)
{
    struct buf got;
    buf_init(&got, 8192);
    CHECK_INT(xml_walk(buf_view(answer), &(struct xml_sink){any_begin, any_end, NULL}, &got, NULL), RC_OK);
    CHECK_TEXT(buf_view(&got), want);
    buf_done(&got);
    buf_clear(answer);
}

#define ENUMERATE_HEAD                                                                                                 \
    "Action=http://schemas.xmlsoap.org/ws/2004/09/enumeration/EnumerateResponse OperationID=op RelatesTo=uuid:<&> "
#define SUBSCRIBE                                                                                                      \
    "Version=uuid:v Action=http://schemas.xmlsoap.org/ws/2004/08/eventing/Subscribe OperationID=uuid:m Option=n "      \
    "Option=SLDC Option=Raw Address=https://h:5986/wsman/subscriptions/i Identifier=i Heartbeats=PT900.000S "          \
    "Address=https://h:5986/wsman/subscriptions/i Identifier=i Thumbprint=AA MaxTime=PT30.000S Select=*[a<1] "

static void answers(void)
{
    struct wsman_message message = {.message_id = STR("uuid:<&>"), .operation_id = STR("op")};
    struct str channels[] = {STR("Security"), STR("A \"b\"")};
    struct wef_subscription subscription = {
        .name = STR("n"),
        .query = STR("<QueryList><Query><Select Path='Security'>*[a&lt;1]</Select></Query></QueryList>"),
        .channels = channels,
        .channel_count = 2,
        .heartbeat_s = 900,
        .latency_s = 30,
        .id = "i",
        .version = "v",
    };
    struct wsman_bookmark bookmarks[2] = {{channels[0], 7, false}, {channels[1], 9, true}};
    struct wsman_offer offer = {STR("h:5986"), STR("AA"), "m"};
    struct buf out;
    buf_init(&out, 65536);
    wsman_write_ack(&out, &message, "x");
    answer_check(&out, "Action=http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack OperationID=op RelatesTo=uuid:<&> ");
    wsman_write_fault(&out, &(struct wsman_message){0}, "x", false, "why <not>");
    answer_check(&out, "Action=http://schemas.dmtf.org/wbem/wsman/1/wsman/fault Value=s:Sender Text=why <not> ");
    wsman_enumeration_begin(&out, &message, "x");
    wsman_enumeration_end(&out);
    answer_check(&out, ENUMERATE_HEAD);
    wsman_enumeration_begin(&out, &message, "x");
    wsman_enumeration_put(&out, &subscription, &offer, bookmarks);
    wsman_enumeration_end(&out);
    answer_check(&out, ENUMERATE_HEAD SUBSCRIBE "Security=7 A \"b\"=9! ");
    bookmarks[0].record = bookmarks[1].record = 0;
    wsman_enumeration_begin(&out, &message, "x");
    wsman_enumeration_put(&out, &subscription, &offer, bookmarks);
    wsman_enumeration_end(&out);
    answer_check(&out, ENUMERATE_HEAD SUBSCRIBE);
    subscription.existing = true;
    wsman_enumeration_begin(&out, &message, "x");
    wsman_enumeration_put(&out, &subscription, &offer, bookmarks);
    wsman_enumeration_end(&out);
    answer_check(&out,
                 ENUMERATE_HEAD SUBSCRIBE "Bookmark=http://schemas.dmtf.org/wbem/wsman/1/wsman/bookmark/earliest ");
    buf_done(&out);
}

static const struct test tests[] = {
    {"messages", messages},
    {"limits", limits},
    {"encodings", encodings},
    {"answers", answers},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
