#include "codec/gap.h"

#include "base/assert.h"
#include "codec/json.h"

#include <string.h>

#define DEPTH 4u

static const char *const cause_keys[] = {
#define X(id, key) key,
    GAP_CAUSES(X)
#undef X
};
/* Members of the body, and what the desk and pages call them. */
static const char *const members[] = {"count", "bytes",     "connections", "messages",
                                      "sets",  "templates", "requests",    "hits"};
static const char *const unit_keys[] = {"records", "bytes",     "connections", "messages",
                                        "sets",    "templates", "requests",    "hits"};

_Static_assert(ARRAY_LEN(members) == GAP_UNIT_COUNT && ARRAY_LEN(unit_keys) == GAP_UNIT_COUNT, "a row for every unit");

static const struct {
    enum gap_cause cause;
    const char *reason;
} reasons[] = {
    {GAP_QUEUE, "the kernel dropped datagrams: its buffer was full"},
    {GAP_CUT, "a record was longer than the limit and was cut"},
    {GAP_CUT, "a GELF message was longer than the limit and was cut"},
    {GAP_CUT, "a line was longer than 1 MiB and was cut"},
    {GAP_PIECE, "a piece of a GELF message did not come"},
    {GAP_FORM, "a datagram was no GELF"},
    {GAP_MISSED, "flows did not come: their sequence has a hole"},
    {GAP_MISSED, "messages did not come: their sequence has a hole"},
    {GAP_PIECE, "the template of a set of flows did not come"},
    {GAP_FORM, "a template was empty or past the limits"},
    {GAP_FORM, "a message did not read to its end"},
    {GAP_FORM, "a datagram was no NetFlow 5 or 9 and no IPFIX"},
    {GAP_CUT, "a message had more flows than the limit"},
    {GAP_CUT, "flows found no room, or were longer than record-max"},
    {GAP_CROWDED, "too many bytes of unfinished records were held"},
    {GAP_PLACES, "all places were taken"},
    {GAP_SPOOL, "the spool is full"},
    {GAP_SPOOL, "a gap of a file could not be recorded"},
    {GAP_AUDIT, "the kernel dropped audit messages, at least"},
};

const char *gap_cause_key(enum gap_cause cause)
{
    ASSERT(cause < GAP_CAUSE_COUNT);
    return cause_keys[cause];
}

enum gap_cause gap_cause_find(struct str key)
{
    size_t i = 0;
    while (i < GAP_CAUSE_COUNT && !str_is(key, cause_keys[i]))
        i++;
    return (enum gap_cause)i;
}

const char *gap_unit_key(enum gap_unit unit)
{
    ASSERT(unit < GAP_UNIT_COUNT);
    return unit_keys[unit];
}

enum gap_unit gap_unit_find(struct str key)
{
    size_t i = 0;
    while (i < GAP_UNIT_COUNT && !str_is(key, unit_keys[i]))
        i++;
    return (enum gap_unit)i;
}

enum gap_cause gap_cause_of_reason(struct str reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_is(reason, reasons[i].reason))
            return reasons[i].cause;
    return GAP_OTHER;
}

void gap_put(struct buf *out, const struct gap *gap)
{
    ASSERT(gap->unit < GAP_UNIT_COUNT && gap->sender.n < GAP_SENDER_MAX);
    json_write_object(out);
    json_put_text(out, "event", "gap");
    json_put_str(out, "reason", gap->reason);
    json_put_text(out, "cause", gap_cause_key(gap->cause));
    json_put_u64(out, members[gap->unit], gap->count);
    if (gap->sender.n)
        json_put_str(out, "sender", gap->sender);
    json_write_object_end(out);
}

void gap_write(struct buf *out, const char *reason, enum gap_unit unit, uint64_t count)
{
    struct gap gap = {gap_cause_of_reason(str_of(reason)), unit, count, str_of(reason), STR_NONE};
    gap_put(out, &gap);
}

/* Digits of an address and no more: an agent's words go where an address is shown. */
static bool is_address(struct str text)
{
    size_t i = 0;
    while (i < text.n && text.p[i] && (char_is_digit(text.p[i]) || strchr("abcdef.:", text.p[i])))
        i++;
    return i == text.n && text.n < GAP_SENDER_MAX;
}

enum rc gap_read(struct str body, struct arena *arena, struct gap *ret_gap, struct err *err)
{
    struct json_value *value = NULL;
    struct gap gap = {0};
    enum rc rc = json_parse(arena, body, DEPTH, &value, err);
    if (rc != RC_OK)
        return err_wrap(err, "a gap");
    struct str event = json_str(json_get(value, "event"), STR_NONE);
    bool spool = str_is(event, "agent.gap");
    if (!spool && !str_is(event, "gap"))
        return err_set(err, RC_INVALID, "this is no gap");
    gap.reason = json_str(json_get(value, "reason"), STR(""));
    gap.sender = json_str(json_get(value, "sender"), STR(""));
    gap.sender = is_address(gap.sender) ? gap.sender : STR("");
    gap.cause = gap_cause_find(json_str(json_get(value, "cause"), STR_NONE));
    if (gap.cause == GAP_CAUSE_COUNT)
        gap.cause = spool ? GAP_SPOOL_LOST : gap_cause_of_reason(gap.reason);
    for (size_t i = 0; i < GAP_UNIT_COUNT && gap.count == 0; i++) {
        int64_t count = json_int(json_get(value, members[i]), 0);
        if (count <= 0)
            continue;
        gap.unit = (enum gap_unit)i;
        gap.count = (uint64_t)count;
    }
    *ret_gap = gap;
    return RC_OK;
}

uint64_t gap_lost(struct str body, struct arena *arena)
{
    struct gap gap;
    struct err err;
    if (gap_read(body, arena, &gap, &err) != RC_OK)
        return 0;
    return gap.unit == GAP_BYTES ? 1 : gap.count;
}
