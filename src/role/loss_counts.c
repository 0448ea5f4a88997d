#include "role/loss_counts.h"

#include "archive/leaf.h"
#include "base/assert.h"
#include "base/map.h"
#include "codec/json.h"

#include <string.h>

#define MINUTE_NS INT64_C(60000000000)

struct key {
    uint8_t source[16];
    uint64_t cause_unit;
    int64_t minute;
    char sender[GAP_SENDER_MAX + 2]; /* without a hole: its bytes are hashed */
};
_Static_assert(sizeof(struct key) == 32 + GAP_SENDER_MAX + 2, "no padding");

struct slot {
    struct key key;
    struct loss_row row;
};

struct loss_counts {
    struct map *index; /* key -> slot + 1 */
    size_t count;
    struct slot slot[LOSS_COUNTS_MAX + GAP_CAUSE_COUNT * GAP_UNIT_COUNT];
};

struct loss_counts *loss_counts_new(uint64_t seed)
{
    struct loss_counts *counts = memory_new(sizeof *counts);
    if (!counts)
        return NULL;
    counts->index = map_new(ARRAY_LEN(counts->slot), seed);
    if (counts->index)
        return counts;
    memory_free(counts);
    return NULL;
}

void loss_counts_free(struct loss_counts *counts)
{
    if (!counts)
        return;
    map_free(counts->index);
    memory_free(counts);
}

static struct key key_of(const struct loss_row *row)
{
    struct key key = {.cause_unit = (uint64_t)row->cause << 8 | row->unit, .minute = row->to_ns / MINUTE_NS};
    memcpy(key.source, row->source, sizeof key.source);
    memcpy(key.sender, row->sender, sizeof row->sender);
    return key;
}

static void row_join(struct loss_row *to, const struct loss_row *loss)
{
    to->count = MIN(to->count + loss->count, (uint64_t)INT64_MAX);
    to->unknown = to->unknown || loss->unknown;
    to->from_ns = MIN(to->from_ns, loss->from_ns);
    to->to_ns = MAX(to->to_ns, loss->to_ns);
    to->first = MIN(to->first, loss->first);
    to->last = MAX(to->last, loss->last);
}

static void row_add(struct loss_counts *counts, struct loss_row loss)
{
    struct key key = key_of(&loss);
    loss.count = MIN(loss.count, (uint64_t)INT64_MAX);
    uint64_t *place = map_get(counts->index, str_at(&key, sizeof key));
    if (!place && counts->count >= LOSS_COUNTS_MAX) {
        memset(loss.source, 0, sizeof loss.source);
        memset(loss.sender, 0, sizeof loss.sender);
        memset(key.source, 0, sizeof key.source);
        memset(key.sender, 0, sizeof key.sender);
        key.minute = 0;
    }
    place = place ? place : map_put(counts->index, str_at(&key, sizeof key));
    if (!place)
        return; /* without memory: the record stands in the archive */
    if (*place) {
        row_join(&counts->slot[*place - 1].row, &loss);
        return;
    }
    ASSERT(counts->count < ARRAY_LEN(counts->slot));
    counts->slot[counts->count++] = (struct slot){key, loss};
    *place = counts->count;
}

static struct loss_row row_of(const struct leaf *leaf, enum gap_cause cause)
{
    struct loss_row row = {.cause = cause,
                           .from_ns = MAX(leaf->received_ns, 0),
                           .to_ns = MAX(leaf->received_ns, 0),
                           .first = leaf->index,
                           .last = leaf->index};
    memcpy(row.source, leaf->source, sizeof row.source);
    return row;
}

static void gap_take(struct loss_counts *counts, const struct leaf *leaf, struct str raw, struct arena *scratch)
{
    struct gap gap;
    struct err err;
    if (gap_read(raw, scratch, &gap, &err) != RC_OK)
        gap = (struct gap){.cause = GAP_OTHER}; /* the leaf says that something is missing */
    struct loss_row row = row_of(leaf, gap.cause);
    row.unit = gap.unit;
    row.count = gap.count;
    row.unknown = gap.count == 0;
    IGNORE(str_copy_z(gap.sender, row.sender, sizeof row.sender)); /* gap_read bounds it */
    row_add(counts, row);
}

/* The archive was opened, or somebody set its clock. A stop begins with the newest record before it. */
static void own_take(struct loss_counts *counts, const struct leaf *leaf, struct str raw, struct arena *scratch)
{
    struct json_value *value = NULL;
    struct err err;
    bool stop = str_starts(raw, STR("{\"event\":\"recovery\""));
    if (!stop && !str_starts(raw, STR("{\"event\":\"clock.step\"")))
        return;
    if (json_parse(scratch, raw, 4, &value, &err) != RC_OK)
        return;
    struct loss_row row = row_of(leaf, stop ? GAP_STOPPED : GAP_CLOCK);
    int64_t last_ns = json_int(json_get(value, "last_ns"), 0);
    if (stop && (json_bool(json_get(value, "created"), false) || last_ns <= 0))
        return;
    row.unknown = true;
    row.from_ns = stop ? MIN(last_ns, row.to_ns) : row.from_ns;
    row_add(counts, row);
}

static bool has_dense_numbers(const struct leaf *leaf)
{
    return leaf->transport != TRANSPORT_INTERNAL && leaf->transport != TRANSPORT_FILE &&
           leaf->transport != TRANSPORT_JOURNAL && leaf->transport != TRANSPORT_IMPORT &&
           leaf->transport != TRANSPORT_AGENT;
}

static void watch_take(struct loss_counts *counts, const struct leaf *leaf, struct source_watch *watch,
                       const struct event *event)
{
    int64_t step_ns = 0;
    if (has_dense_numbers(leaf)) {
        struct loss_row row = row_of(leaf, GAP_SEQUENCE);
        row.count = source_watch_sequence(watch, leaf->epoch, leaf->sequence);
        if (row.count)
            row_add(counts, row);
    }
    if (!event || leaf->transport == TRANSPORT_IMPORT || event->time_ns == event->received_ns)
        return;
    enum watch_found found =
        source_watch_time(watch, event->statutory[STATUTORY_HOST], event->time_ns, leaf->received_ns, &step_ns);
    if (found == WATCH_NOTHING)
        return;
    struct loss_row row = row_of(leaf, found == WATCH_BACK ? GAP_TIME_BACK : GAP_TIME_AHEAD);
    row.unknown = true;
    row_add(counts, row);
}

void loss_counts_record(struct loss_counts *counts, const struct leaf *leaf, struct str raw, struct source_watch *watch,
                        const struct event *event, struct arena *scratch)
{
    static const uint8_t own[16];
    bool data = leaf->type == LEAF_RAW || leaf->type == LEAF_DIGEST;
    if (leaf->type == LEAF_LIFECYCLE && memcmp(leaf->source, own, sizeof own) == 0)
        own_take(counts, leaf, raw, scratch);
    if (leaf->type == LEAF_GAP || (leaf->type == LEAF_RAW && leaf->transport == TRANSPORT_AGENT &&
                                   str_starts(raw, STR("{\"event\":\"agent.gap\","))))
        gap_take(counts, leaf, raw, scratch);
    if (watch && (data || leaf->type == LEAF_GAP))
        watch_take(counts, leaf, watch, data ? event : NULL);
}

void loss_counts_hits(struct loss_counts *counts, const uint8_t source[16], uint64_t record, uint64_t count,
                      int64_t received_ns)
{
    int64_t time_ns = MAX(received_ns, 0);
    struct loss_row row = {.cause = GAP_HIT,
                           .unit = GAP_HITS,
                           .count = count,
                           .from_ns = time_ns,
                           .to_ns = time_ns,
                           .first = record,
                           .last = record};
    memcpy(row.source, source, sizeof row.source);
    if (count)
        row_add(counts, row);
}

size_t loss_counts_size(const struct loss_counts *counts)
{
    return counts->count;
}

struct loss_row loss_counts_at(const struct loss_counts *counts, size_t i)
{
    ASSERT(i < counts->count);
    return counts->slot[i].row;
}

void loss_row_put(const struct loss_row *row, struct buf *out)
{
    json_put_text(out, "cause", gap_cause_key(row->cause));
    json_put_text(out, "unit", gap_unit_key(row->unit));
    json_put_u64(out, "count", row->count);
    json_put_bool(out, "unknown", row->unknown);
    json_put_int(out, "from_ns", row->from_ns);
    json_put_int(out, "to_ns", row->to_ns);
    json_put_u64(out, "first", row->first);
    json_put_u64(out, "last", row->last);
    if (row->sender[0])
        json_put_text(out, "sender", row->sender);
}

void loss_counts_told(struct loss_counts *counts, size_t n)
{
    ASSERT(n <= counts->count);
    for (size_t i = 0; i < counts->count; i++) {
        struct str key = str_at(&counts->slot[i].key, sizeof counts->slot[i].key);
        uint64_t *place = map_get(counts->index, key);
        ASSERT(place && *place == i + 1);
        *place -= n;
        if (i < n)
            IGNORE(!map_remove(counts->index, key)); /* it was just found */
    }
    memmove(counts->slot, counts->slot + n, (counts->count - n) * sizeof counts->slot[0]);
    counts->count -= n;
}
