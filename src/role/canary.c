#include "role/canary.h"

#include "archive/leaf.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/canary_text.h"
#include "msg/batch.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/import.h"
#include "role/log.h"

#include <stdio.h>
#include <string.h>

#define TRIES_MAX 65536u /* names; one in `engines` fits */

/* ---- sources ---- */

void canary_own_source(unsigned engine, unsigned engines, char ret_name[CANARY_NAME_MAX], uint8_t ret_id[16])
{
    ASSERT(engine < engines && engines <= 256);
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        snprintf(ret_name, CANARY_NAME_MAX, i ? "qorgan:%u:%u" : "qorgan:%u", engine, i);
        source_id_make(STR(CANARY_KIND), str_of(ret_name), ret_id);
        if (ret_id[0] % engines == engine)
            return;
    }
    ASSERT(false); /* the chance is below one in 2^300 */
}

bool canary_is_of(struct str source_kind)
{
    return str_is(source_kind, CANARY_KIND);
}

/* ---- the service's own ---- */

struct lane {
    uint8_t source[16];
    char name[CANARY_NAME_MAX];
    uint64_t due_ns;
    uint64_t number;
};

struct canary_maker {
    uint32_t every_s;
    uint64_t epoch;
    unsigned count;
    struct lane lanes[];
};

struct canary_maker *canary_maker_new(unsigned engines, uint32_t every_s, uint64_t epoch, uint64_t now_boot_ns)
{
    struct canary_maker *maker = every_s ? memory_new(sizeof *maker + engines * sizeof maker->lanes[0]) : NULL;
    if (!maker)
        return NULL;
    maker->every_s = every_s;
    maker->epoch = epoch;
    maker->count = engines;
    for (unsigned i = 0; i < engines; i++) {
        canary_own_source(i, engines, maker->lanes[i].name, maker->lanes[i].source);
        maker->lanes[i].due_ns = now_boot_ns + canary_first_ns(every_s, random_u64());
    }
    return maker;
}

void canary_maker_free(struct canary_maker *maker)
{
    memory_free(maker);
}

static bool lane_put(const struct canary_maker *maker, struct lane *lane, struct sender *sender, uint64_t tag)
{
    char storage[CANARY_BYTES_MAX];
    struct buf text;
    struct canary made = {.number = lane->number + 1, .made_ns = clock_real_ns(), .every_s = maker->every_s};
    random_bytes(made.nonce, sizeof made.nonce);
    buf_init_fixed(&text, storage, sizeof storage);
    canary_write(&text, &made);
    struct batch_group group = {
        .epoch = maker->epoch,
        .sequence = made.number,
        .received_real_ns = made.made_ns,
        .received_boot_ns = clock_boot_ns(),
        .source_time_ns = made.made_ns,
        .transport = TRANSPORT_INTERNAL,
        .kind = STR(CANARY_KIND),
        .name = str_of(lane->name),
    };
    memcpy(group.source_id, lane->source, sizeof group.source_id);
    if (sender_full(sender) || !sender_record(sender, &group, buf_view(&text), tag))
        return false;
    lane->number = made.number;
    return true;
}

/* One that finds no room is tried again: that it is late is what it is there to show. */
void canary_maker_step(struct canary_maker *maker, struct sender *sender, uint64_t *tag, uint64_t now_boot_ns)
{
    for (unsigned i = 0; maker && i < maker->count; i++) {
        struct lane *lane = &maker->lanes[i];
        if (now_boot_ns < lane->due_ns || !lane_put(maker, lane, sender, *tag + 1))
            continue;
        ++*tag;
        lane->due_ns = now_boot_ns + canary_pause_ns(maker->every_s, random_u64());
    }
}

/* ---- under engine ---- */

uint64_t engine_canary_durable(struct engine_canary *canary, struct str body, uint64_t durable)
{
    if (body.n != 16)
        return durable;
    uint64_t records = get_be64(body.p);
    size_t last = (canary->count + CANARY_MARKS - 1) % CANARY_MARKS;
    if (canary->count && canary->marks[last].records >= records)
        return records;
    /* The first one since the log was resumed is of records of any age. */
    canary->marks[canary->count % CANARY_MARKS].records = records;
    canary->marks[canary->count % CANARY_MARKS].ns = canary->count ? (int64_t)get_be64(body.p + 8) : 0;
    canary->count++;
    return records;
}

void engine_canary_resumed(struct engine_canary *canary)
{
    canary->count = 0;
    canary->last.to = 0;
}

void engine_canary_record(struct engine_canary *canary, const struct leaf *leaf)
{
    if (leaf->transport == TRANSPORT_INTERNAL)
        canary->own = MAX(canary->own, leaf->index + 1);
}

int64_t engine_canary_durable_ns(struct engine_canary *canary, uint64_t record)
{
    size_t kept = MIN(canary->count, (size_t)CANARY_MARKS);
    uint64_t to = 0;
    int64_t ns = 0;
    if (record >= canary->last.from && record < canary->last.to)
        return canary->last.ns;
    for (size_t i = 1; i <= kept; i++) {
        size_t at = (canary->count - i) % CANARY_MARKS;
        uint64_t records = canary->marks[at].records;
        if (records <= record) {
            canary->last.from = records;
            canary->last.to = to;
            canary->last.ns = ns;
            return ns;
        }
        to = records;
        ns = canary->marks[at].ns;
    }
    return kept < canary->count ? 0 : ns; /* an older one may have covered it */
}

bool engine_canary_match(struct engine_canary *canary, const uint8_t source[16], struct str kind,
                         const struct event *event, struct match *match)
{
    if (!canary_is_of(kind))
        return false;
    put_be64(canary->times, (uint64_t)event->received_ns);
    put_be64(canary->times + 8, (uint64_t)engine_canary_durable_ns(canary, event->record));
    put_be64(canary->times + 16, (uint64_t)clock_real_ns());
    match->description = event->raw;
    match->values[0] = (struct rule_value){STR("source"), str_at(source, 16)};
    match->values[1] = (struct rule_value){STR("times"), str_at(canary->times, sizeof canary->times)};
    match->value_count = 2;
    return true;
}

/* ---- under desk ---- */

static bool source_is(const struct match *match, const struct canary *said)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    uint8_t wanted[16];
    if (!hasher)
        return false;
    if (said->agent[0])
        desk_canary_source(hasher, str_of(said->agent), wanted);
    else
        source_id_make(STR(CANARY_KIND), match->source, wanted);
    return memcmp(match->values[0].value.p, wanted, sizeof wanted) == 0;
}

bool canary_of_match(const struct match *match, unsigned engine, struct arena *arena, struct desk_canary *ret_canary)
{
    struct canary said;
    struct err err = {0};
    if (match->value_count != 2 || match->values[0].value.n != 16 || match->values[1].value.n != CANARY_TIMES ||
        match->record > INT64_MAX)
        return false;
    if (canary_read(match->description, arena, &said, &err) != RC_OK || !source_is(match, &said)) {
        log_warning("record %llu is no canary of its source: %s", (unsigned long long)match->record, err.text);
        return false;
    }
    struct reader times = reader_of(match->values[1].value);
    *ret_canary = (struct desk_canary){.engine = engine,
                                       .record = (int64_t)match->record,
                                       .number = (int64_t)said.number,
                                       .every_s = said.every_s,
                                       .made_ns = said.made_ns,
                                       .error_us = -1};
    memcpy(ret_canary->agent, said.agent, sizeof ret_canary->agent);
    ret_canary->nonce[hex_encode(said.nonce, sizeof said.nonce, ret_canary->nonce)] = '\0';
    ret_canary->received_ns = (int64_t)read_be64(&times);
    ret_canary->durable_ns = (int64_t)read_be64(&times);
    ret_canary->matched_ns = (int64_t)read_be64(&times);
    if (said.measured) {
        ret_canary->made_ns = said.made_ns + said.offset_us * 1000;
        ret_canary->error_us = said.error_us;
    } else if (!said.agent[0]) {
        ret_canary->error_us = 0; /* the same clock */
    }
    return true;
}
