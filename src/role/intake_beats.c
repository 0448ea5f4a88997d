/* intake_beats.c - Lumberjack (wire/lumberjack.h) under intake_streams.c: Beats and Logstash learn how far a window is
 * durable, and give the rest of it again when the connection breaks. */
#include "base/arena.h"
#include "role/intake_stream.h"
#include "wire/lumberjack.h"

#define VERSION_SHIFT 32 /* a mark's value: the number, and behind it the version that is to be answered */

static bool beats_begin(struct connection *connection)
{
    struct lumberjack *lumberjack = memory_new(sizeof *lumberjack);
    if (!lumberjack)
        return false;
    lumberjack_init(lumberjack, (size_t)connection_intake(connection)->process->config.record_max);
    connection->state = lumberjack;
    return true;
}

/* False when the record found no room: nothing of it is answered, and the sender gives it again. */
static bool beats_record(struct connection *connection, const struct lumberjack_record *record)
{
    if (!connection_record(connection, record->bytes)) {
        connection->reason = "there was no room for a record";
        return false;
    }
    if (record->cut)
        intake_gap(connection_intake(connection), connection->source, record->cut, "bytes",
                   "a record was longer than the limit and was cut");
    return true;
}

static bool beats_take(struct connection *connection, struct str *input)
{
    struct lumberjack *lumberjack = connection->state;
    struct lumberjack_record record;
    uint32_t number = 0;
    enum rc rc = RC_AGAIN;
    while (connection_takes(connection) && (rc = lumberjack_next(lumberjack, input, &record)) == RC_OK) {
        if (!beats_record(connection, &record))
            return false;
        number = record.number;
        if (record.last) {
            connection_mark(connection, (uint64_t)lumberjack->version << VERSION_SHIFT | number);
            number = 0;
        }
    }
    if (number) /* a part of a window: a sender that learns of it has more patience */
        connection_mark(connection, (uint64_t)lumberjack->version << VERSION_SHIFT | number);
    connection->unfinished = lumberjack->state == LUMBERJACK_INNER;
    if (rc == RC_OK || rc == RC_AGAIN)
        return true;
    connection->reason = lumberjack->reason;
    return false;
}

static void beats_durable(struct connection *connection, uint64_t value)
{
    char storage[LUMBERJACK_ANSWER];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    lumberjack_answer(&out, (char)(value >> VERSION_SHIFT), (uint32_t)value);
    connection_answer(connection, buf_view(&out));
}

static size_t beats_held(const struct connection *connection)
{
    return lumberjack_held(connection->state);
}

static void beats_done(struct connection *connection)
{
    lumberjack_done(connection->state);
    memory_free(connection->state);
}

const struct stream_protocol stream_beats = {
    .name = "Lumberjack",
    .marks = 64,
    .in_max = LUMBERJACK_DATA_MAX + 2 * STREAM_READ_SIZE,
    .out_max = 4096,
    .out_wait = 1024,
    .begin = beats_begin,
    .take = beats_take,
    .durable = beats_durable,
    .held = beats_held,
    .done = beats_done,
};
