#include "wire/wef.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/timestamp.h"
#include "codec/winevent.h"

#include <stdio.h>

#define MINUTE_BITS  24u
#define MINUTE_MASK  ((UINT64_C(1) << MINUTE_BITS) - 1)
#define MINUTE_NS    INT64_C(60000000000)
#define BEGIN_MINUTE INT64_C(26297280) /* 2020-01-01 */
#define LATER        10u               /* minutes that the times of one log may be out of their order */

struct found {
    struct wef_event *event;
    struct str record;
    struct str time;
};

static void leaf_take(void *context, struct str path, enum json_kind kind, struct str value)
{
    struct found *found = context;
    (void)kind;
    if (str_is(path, "Event.System.Channel"))
        found->event->channel = value;
    else if (str_is(path, "Event.System.Computer"))
        found->event->computer = value;
    else if (str_is(path, "Event.System.EventRecordID"))
        found->record = value;
    else if (str_is(path, "Event.System.TimeCreated.#attributes.SystemTime"))
        found->time = value;
}

bool wef_event_read(struct arena *arena, struct str xml, struct wef_event *ret_event)
{
    struct found found = {.event = ret_event};
    uint32_t lost = 0;
    *ret_event = (struct wef_event){0};
    if (winevent_flatten(arena, xml, leaf_take, &found, &lost, NULL) != RC_OK)
        return false;
    if (found.time.n && timestamp_iso(found.time, 0, &ret_event->time_ns) == 0)
        ret_event->time_ns = 0;
    char *channel = arena_strz(arena, str_trim(ret_event->channel));
    for (char *c = channel; c && *c; c++)
        *c = char_lower(*c);
    ret_event->channel = channel ? str_of(channel) : STR_NONE;
    return ret_event->channel.n > 0 && ret_event->channel.n <= WEF_CHANNEL_MAX &&
           str_to_u64(str_trim(found.record), &ret_event->record) && ret_event->record > 0 &&
           ret_event->record <= WEF_RECORD_MAX;
}

uint64_t wef_sequence(uint64_t record, int64_t time_ns)
{
    int64_t minute = time_ns / MINUTE_NS - BEGIN_MINUTE;
    ASSERT(record <= WEF_RECORD_MAX);
    return record << MINUTE_BITS | (uint64_t)MAX(MIN(minute, (int64_t)MINUTE_MASK), INT64_C(0));
}

uint64_t wef_sequence_record(uint64_t sequence)
{
    return sequence >> MINUTE_BITS;
}

uint64_t wef_sequence_minute(uint64_t sequence)
{
    return sequence & MINUTE_MASK;
}

bool wef_log_is_new(uint64_t highest, uint64_t sequence)
{
    return wef_sequence_record(sequence) <= wef_sequence_record(highest) &&
           wef_sequence_minute(sequence) > wef_sequence_minute(highest) + LATER;
}

uint64_t wef_epoch(const char *subscription, struct str computer, struct str channel, uint32_t n)
{
    static const uint64_t key[2] = {UINT64_C(0x716f7267616e2077), UINT64_C(0x6566206576656e74)};
    char text[WEF_CHANNEL_MAX + 256];
    int length = snprintf(text, sizeof text, "%s %u %.*s %.*s", subscription, n, STR_ARG(computer), STR_ARG(channel));
    ASSERT(length > 0 && (size_t)length < sizeof text);
    return siphash(key, text, (size_t)length) | 1;
}
