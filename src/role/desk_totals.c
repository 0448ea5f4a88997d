#include "role/desk_totals.h"

#include "base/bytes.h"
#include "base/macros.h"

static struct str text_of_value(const struct json_value *value)
{
    return value ? value->text : STR_NONE;
}

static void retention_take(struct desk *desk, struct arena *scratch, const struct json_value *value)
{
    struct desk_segment *segments = arena_alloc(scratch, DESK_SEGMENTS_MAX * sizeof *segments);
    if (!value || !segments)
        return;
    struct desk_retention retention = {
        .days = (uint32_t)json_int(json_get(value, "days"), 0),
        .law = json_str(json_get(value, "law"), STR_NONE),
        .error = json_str(json_get(value, "error"), STR_NONE),
        .next_ns = json_int(json_get(value, "next_ns"), 0),
        .may_count = (uint64_t)json_int(json_get(value, "may_count"), 0),
        .may_bytes = (uint64_t)json_int(json_get(value, "may_bytes"), 0),
        .deleted_segments = (uint64_t)json_int(json_get(value, "deleted_segments"), 0),
        .deleted_records = (uint64_t)json_int(json_get(value, "deleted_records"), 0),
        .undecided = (uint64_t)json_int(json_get(value, "undecided"), 0),
        .segments = segments,
    };
    for (const struct json_value *row = json_first(json_get(value, "segments"));
         row && retention.segment_count < DESK_SEGMENTS_MAX; row = row->next)
        segments[retention.segment_count++] = (struct desk_segment){
            .first = (uint64_t)json_int(json_get(row, "first"), 0),
            .end = (uint64_t)json_int(json_get(row, "end"), 0),
            .bytes = (uint64_t)json_int(json_get(row, "bytes"), 0),
            .received_min_ns = json_int(json_get(row, "received_min_ns"), 0),
            .received_max_ns = json_int(json_get(row, "received_max_ns"), 0),
            .keep_until_ns = json_int(json_get(row, "keep_until_ns"), 0),
            .state = desk_segment_state_of(json_str(json_get(row, "state"), STR_NONE)),
            .why = desk_segment_why_of(json_str(json_get(row, "why"), STR_NONE)),
            .object = json_int(json_get(row, "object"), 0),
            .undecided = json_bool(json_get(row, "undecided"), false),
        };
    desk_set_retention(desk, &retention);
}

static void outside_take(struct desk *desk, const struct json_value *value)
{
    struct desk_outside outside = {
        .witnesses = text_of_value(json_get(value, "witnesses")),
        .quorum = text_of_value(json_get(value, "quorum")),
        .stamp = text_of_value(json_get(value, "stamp")),
        .round = (uint64_t)MAX(json_int(json_get(json_get(value, "quorum"), "round"), 0), 0),
    };
    desk_set_outside(desk, &outside);
}

void desk_totals_take(struct desk *desk, const struct json_value *value, struct arena *scratch,
                      struct desk_totals *totals)
{
    totals->durable = (uint64_t)json_int(json_get(value, "durable"), 0);
    totals->checkpoint_size = (uint64_t)json_int(json_get(value, "checkpoint_size"), 0);
    totals->checkpoint_ns = json_int(json_get(value, "checkpoint_ns"), 0);
    totals->disk_free = (uint64_t)json_int(json_get(value, "disk_free"), 0);
    desk_set_totals(desk, totals);
    outside_take(desk, value);
    retention_take(desk, scratch, json_get(value, "retention"));
}

size_t desk_stats_read(const struct json_value *value, struct desk_source *ret_sources, size_t size)
{
    size_t n = 0;
    for (const struct json_value *row = json_first(json_get(value, "sources")); row && n < size; row = row->next) {
        struct desk_source *source = &ret_sources[n];
        *source = (struct desk_source){
            .kind = json_str(json_get(row, "kind"), STR_NONE),
            .name = json_str(json_get(row, "name"), STR_NONE),
            .host = json_str(json_get(row, "host"), STR_NONE),
            .first_ns = json_int(json_get(row, "first_ns"), 0),
            .last_ns = json_int(json_get(row, "last_ns"), 0),
            .records = (uint64_t)json_int(json_get(row, "records"), 0),
            .not_understood = (uint64_t)json_int(json_get(row, "not_understood"), 0),
            .dropped = (uint64_t)json_int(json_get(row, "dropped"), 0),
        };
        n += hex_decode(json_str(json_get(row, "id"), STR_NONE), source->id, sizeof source->id);
    }
    return n;
}
