/* intake_agent_data.c - what agents deliver: a DATA frame becomes records of its streams' sources. */
#include "archive/leaf.h"
#include "archive/pack.h"
#include "base/arena.h"
#include "base/assert.h"
#include "codec/canary_text.h"
#include "os/clock.h"
#include "role/intake_agents.h"
#include "wire/delivery_batch.h"

#include <stdlib.h>
#include <string.h>

/* How far a record's time is off at most: what was measured, rounded up to 1, 2 or 5 times a power of ten, so that few
 * values stand in a block. 0: nothing was measured. */
static uint32_t clock_error(int64_t offset_us, uint32_t error_us)
{
    if (error_us == UINT32_MAX)
        return 0;
    uint64_t far = (offset_us < 0 ? 0 - (uint64_t)offset_us : (uint64_t)offset_us) + error_us;
    for (uint64_t step = 1; step <= UINT64_C(1000000000); step *= 10)
        for (uint64_t rounded = step; rounded <= 5 * step; rounded = rounded == 2 * step ? 5 * step : 2 * rounded)
            if (far <= rounded && rounded < UINT32_MAX)
                return (uint32_t)rounded;
    return UINT32_MAX;
}

/* SHA-256("agent" NUL uuid NUL kind NUL name): the agent's own, whatever it is called. */
static void source_id(struct agents *agents, const struct agent_connection *connection, struct str kind,
                      struct str name, uint8_t ret_id[16])
{
    struct tlog_hash hash;
    tlog_hash_begin(agents->hasher);
    tlog_hash_add(agents->hasher, str_at("agent", 6));
    tlog_hash_add(agents->hasher, str_at(connection->uuid, sizeof connection->uuid));
    tlog_hash_add(agents->hasher, kind);
    tlog_hash_add(agents->hasher, str_at("\0", 1));
    tlog_hash_add(agents->hasher, name);
    tlog_hash_end(agents->hasher, &hash);
    memcpy(ret_id, &hash, 16);
}

/* A group's records go to the keeper. False: no room, or no sense. */
static bool group_take(struct agent_connection *connection, struct reader *reader, const struct delivery_group *group,
                       uint32_t error_us)
{
    struct agents *agents = connection->agents;
    struct intake *intake = agents->intake;
    bool canary = group->stream == DELIVERY_AGENT && str_is(group->name, CANARY_STREAM);
    const char *kind = canary ? CANARY_KIND : delivery_stream_kind(group->stream);
    buf_clear(&agents->text);
    buf_text(&agents->text, connection->name);
    if (group->name.n)
        buf_char(&agents->text, ':');
    buf_str(&agents->text, group->name);
    struct batch_group to = {
        .epoch = group->epoch,
        .sequence = group->sequence,
        .received_real_ns = clock_real_ns(),
        .received_boot_ns = connection->heard_ns,
        .source_time_ns = group->read_ns,
        .clock_error_us = error_us,
        .transport = TRANSPORT_AGENT,
        .flags = (uint8_t)((group->flags & DELIVERY_GAP ? BATCH_GAP : 0) |
                           (group->flags & DELIVERY_TRUNCATED ? BATCH_TRUNCATED : 0)),
        .kind = str_of(kind),
        .name = buf_view(&agents->text),
    };
    source_id(agents, connection, to.kind, group->name, to.source_id);
    struct str bytes;
    for (uint32_t i = 0; i < group->count; i++, to.sequence++) {
        if (!delivery_read_record(reader, &bytes) || !sender_record(intake->sender, &to, bytes, intake->tag + 1))
            return false;
        intake->tag++;
    }
    return true;
}

/* The tag of the batch's last record stands for its numbers. Out of room the newest mark moves on: told later. */
static void mark_put(struct agent_connection *connection, uint64_t bytes)
{
    size_t last = connection->mark_count;
    if (last == AGENT_MARKS_MAX)
        last--;
    else
        connection->marks[connection->mark_count++] = (struct agent_mark){0};
    connection->marks[last].tag = connection->agents->intake->tag;
    connection->marks[last].number = connection->next;
    connection->marks[last].bytes += bytes;
}

static bool batch_take(struct agent_connection *connection, const struct delivery_data *data, struct str batch)
{
    struct reader reader = reader_of(batch);
    struct delivery_group group;
    uint32_t error_us = clock_error(data->offset_us, data->offset_error_us);
    while (delivery_read_group(&reader, &group))
        if (!group_take(connection, &reader, &group, error_us)) {
            agent_link_refuse(connection, DELIVERY_BUSY, STR("the archive is behind"));
            return false; /* it comes again; what was taken is known then */
        }
    ASSERT(reader_done(&reader)); /* it was checked */
    return true;
}

bool agent_link_data(struct agent_connection *connection, struct str body)
{
    struct agents *agents = connection->agents;
    struct delivery_data data;
    struct str batch;
    struct err err = {0};
    if (delivery_read_data(body, &data) != RC_OK || data.number != connection->next || connection->credit == 0) {
        agent_link_refuse(connection, DELIVERY_BROKEN,
                          STR("data does not read, is not the next, or is beyond the credit"));
        return false;
    }
    arena_reset(agents->scratch);
    bool whole = unpack(data.packed, DELIVERY_BATCH_MAX, agents->scratch, &batch, &err) == RC_OK &&
                 crc32c(0, batch.p, batch.n) == data.plain_crc && delivery_batch_check(batch, data.count);
    if (!whole) {
        agent_link_refuse(connection, DELIVERY_BROKEN, STR("a batch is damaged"));
        return false;
    }
    if (!batch_take(connection, &data, batch))
        return false;
    connection->credit -= MIN(connection->credit, (uint64_t)body.n);
    connection->next = data.number + data.count;
    connection->records += data.count;
    connection->bytes += body.n;
    connection->offset_us = data.offset_us;
    connection->offset_error_us = data.offset_error_us;
    mark_put(connection, body.n);
    return true;
}

void agent_link_durable(struct agent_connection *connection, uint64_t tag, uint64_t size)
{
    size_t done = 0;
    uint64_t number = 0;
    uint64_t bytes = 0;
    for (; done < connection->mark_count && connection->marks[done].tag <= tag; done++) {
        number = connection->marks[done].number;
        bytes += connection->marks[done].bytes;
    }
    if (done == 0)
        return;
    connection->mark_count -= done;
    memmove(connection->marks, connection->marks + done, connection->mark_count * sizeof connection->marks[0]);
    if (connection->state != AGENT_READY)
        return;
    connection->credit += bytes;
    delivery_put_durable(&connection->out, number, size);
    delivery_put_credit(&connection->out, (uint32_t)MIN(bytes, (uint64_t)UINT32_MAX));
    agent_link_flush(connection);
}
