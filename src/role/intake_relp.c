/* intake_relp.c - RELP (wire/relp.h) under intake_streams.c: a record is answered once it is durable. */
#include "base/arena.h"
#include "role/intake_stream.h"
#include "wire/relp.h"

#define CLOSE_VALUE (UINT64_C(1) << 32) /* a mark's value: the number, and this with a close's */

static bool relp_begin(struct connection *connection)
{
    struct relp *relp = memory_new(sizeof *relp);
    if (!relp)
        return false;
    relp_init(relp, (size_t)connection_intake(connection)->process->config.record_max);
    connection->state = relp;
    return true;
}

static void relp_say(struct connection *connection, enum relp_command command, uint32_t number)
{
    char storage[RELP_ANSWER_MAX];
    struct buf out;
    buf_init_fixed(&out, storage, sizeof storage);
    relp_answer(&out, command, number);
    connection_answer(connection, buf_view(&out));
}

/* False when the record found no room: the session ends unanswered, and the sender gives it again. */
static bool relp_record(struct connection *connection, const struct relp_frame *frame, uint64_t cut)
{
    if (frame->data.n && !connection_record(connection, frame->data)) {
        connection->reason = "there was no room for a record";
        return false;
    }
    if (frame->truncated)
        intake_gap(connection_intake(connection), connection->source, cut, "bytes",
                   "a record was longer than the limit and was cut");
    connection_mark(connection, frame->number);
    return true;
}

static bool relp_take(struct connection *connection, struct str *input)
{
    struct relp *relp = connection->state;
    struct relp_frame frame;
    enum rc rc = RC_AGAIN;
    while (connection_takes(connection) && (rc = relp_next(relp, input, &frame)) == RC_OK) {
        if (frame.command == RELP_COMMAND_OPEN)
            relp_say(connection, RELP_COMMAND_OPEN, frame.number);
        else if (frame.command == RELP_COMMAND_CLOSE)
            connection_mark(connection, CLOSE_VALUE | frame.number);
        else if (!relp_record(connection, &frame, relp->skip))
            return false;
    }
    if (rc == RC_INVALID)
        connection->reason = relp->reason;
    return rc != RC_INVALID;
}

static void relp_durable(struct connection *connection, uint64_t value)
{
    bool close = (value & CLOSE_VALUE) != 0;
    relp_say(connection, close ? RELP_COMMAND_CLOSE : RELP_COMMAND_SYSLOG, (uint32_t)value);
    connection->ending = connection->ending || close;
}

static void relp_done(struct connection *connection)
{
    memory_free(connection->state);
}

const struct stream_protocol stream_relp = {
    .name = "RELP",
    .marks = RELP_WINDOW,
    .in_max = RELP_HEADER_MAX + (size_t)BATCH_RECORD_MAX + STREAM_READ_SIZE,
    .out_max = 2 * (size_t)RELP_WINDOW * RELP_ANSWER_MAX,
    .out_wait = (size_t)RELP_WINDOW * RELP_ANSWER_MAX,
    .begin = relp_begin,
    .take = relp_take,
    .durable = relp_durable,
    .done = relp_done,
};
