#include "archive/retention_record.h"

#include "archive/leaf.h"
#include "archive/retention.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/json.h"

#include <string.h>

#define DAY_NS       (DAY_S * SECOND_NS)
#define RECORD_ARENA ((size_t)1 << 20)

void retention_record_write(const struct retention_record *record, struct buf *out)
{
    char footer[2 * TLOG_HASH_SIZE];
    json_write_object(out);
    json_put_text(out, "act", record->act);
    json_put_int(out, "approved_ns", record->approved_ns);
    json_put_text(out, "approver", record->approver);
    json_put_u64(out, "count", record->end - record->first);
    json_put_u64(out, "days", record->days);
    json_put_text(out, "edition", record->edition);
    json_put_u64(out, "end", record->end);
    json_put_text(out, "event", "retention");
    json_put_u64(out, "first", record->first);
    json_put_str(out, "footer", str_at(footer, hex_encode(record->footer.bytes, TLOG_HASH_SIZE, footer)));
    json_put_int(out, "keep_until_ns", record->keep_until_ns);
    if (record->object_days) { /* records made before objects had terms have neither, and are read as they are */
        json_put_text(out, "object", record->object);
        json_put_u64(out, "object_days", record->object_days);
    }
    json_put_text(out, "paragraph", record->paragraph);
    json_put_text(out, "proposal", record->proposal);
    json_put_int(out, "proposed_ns", record->proposed_ns);
    json_put_text(out, "proposer", record->proposer);
    json_put_int(out, "received_max_ns", record->received_max_ns);
    json_put_int(out, "received_min_ns", record->received_min_ns);
    json_put_bool(out, "sources", record->sources);
    json_write_object_end(out);
}

static bool text_of(const struct json_value *body, const char *key, char *ret_text, size_t size)
{
    return str_copy_z(json_str(json_get(body, key), STR_NONE), ret_text, size);
}

enum rc retention_record_parse(struct str text, struct retention_record *ret_record, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(RECORD_ARENA);
    struct buf again CLEANUP(buf_done) = {0};
    struct retention_record *r = ret_record;
    struct json_value *body = NULL;
    memset(r, 0, sizeof *r);
    buf_init(&again, RECORD_ARENA);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for a retention record");
    if (text.n > LEAF_RAW_MAX || json_parse(arena, text, JSON_DEPTH, &body, NULL) != RC_OK)
        return err_set(err, RC_INVALID, "a retention record is not JSON");
    r->first = (uint64_t)json_int(json_get(body, "first"), 0);
    r->end = (uint64_t)json_int(json_get(body, "end"), 0);
    r->days = (uint32_t)json_int(json_get(body, "days"), 0);
    r->object_days = (uint32_t)json_int(json_get(body, "object_days"), 0);
    r->received_min_ns = json_int(json_get(body, "received_min_ns"), 0);
    r->received_max_ns = json_int(json_get(body, "received_max_ns"), 0);
    r->sources = json_bool(json_get(body, "sources"), false);
    r->keep_until_ns = json_int(json_get(body, "keep_until_ns"), 0);
    r->proposed_ns = json_int(json_get(body, "proposed_ns"), 0);
    r->approved_ns = json_int(json_get(body, "approved_ns"), 0);
    if (r->object_days && !text_of(body, "object", r->object, sizeof r->object))
        return err_set(err, RC_INVALID, "a retention record does not name the object whose term it is");
    bool good = text_of(body, "act", r->act, sizeof r->act) &&
                text_of(body, "edition", r->edition, sizeof r->edition) &&
                text_of(body, "paragraph", r->paragraph, sizeof r->paragraph) &&
                text_of(body, "proposal", r->proposal, sizeof r->proposal) &&
                text_of(body, "proposer", r->proposer, sizeof r->proposer) &&
                text_of(body, "approver", r->approver, sizeof r->approver) &&
                hex_decode(json_str(json_get(body, "footer"), STR_NONE), r->footer.bytes, sizeof r->footer.bytes);
    if (good)
        retention_record_write(r, &again);
    /* Of two readers none can see another record than the other: there is one way to write it. */
    if (!good || r->end <= r->first || !str_eq(buf_view(&again), text))
        return err_set(err, RC_INVALID, "it is no retention record");
    return RC_OK;
}

static bool term_short(const struct retention_record *record, uint32_t days)
{
    return record->keep_until_ns < record->received_max_ns ||
           (uint64_t)record->keep_until_ns - (uint64_t)record->received_max_ns < days * (uint64_t)DAY_NS;
}

const char *retention_record_differs(const struct retention_record *record, const struct segment *tombstone,
                                     const struct tlog_hash *footer)
{
    if (record->first != tombstone->first || record->end != tombstone->end)
        return "it is of another segment";
    if (!tlog_hash_eq(&record->footer, footer))
        return "it names another footer";
    if (record->received_min_ns != tombstone->received_min_ns || record->received_max_ns != tombstone->received_max_ns)
        return "it names other times of receipt";
    if (record->sources != (tombstone->part[SECTION_SOURCES].offset != 0))
        return "it says otherwise whether the table of sources is kept";
    if (!record->act[0] || !record->edition[0] || !record->paragraph[0])
        return "it names no act";
    if (!record->days || record->days > RETENTION_DAYS_MAX || term_short(record, record->days))
        return "its term ends before that of the settings it names";
    if (record->object_days &&
        (record->object_days <= record->days || record->object_days > RETENTION_DAYS_MAX || !record->object[0]))
        return "it names a term of an object that asks for no more than the settings";
    if (term_short(record, record->object_days))
        return "its term ends before that of the object it names";
    if (record->keep_until_ns > record->approved_ns || record->proposed_ns > record->approved_ns)
        return "it was approved before it could be";
    if (!record->proposer[0] || strcmp(record->proposer, record->approver) == 0)
        return "one person alone agreed to it";
    return NULL;
}
