/* intake_import.c - the import protocol (import.h) of the local socket, under intake_streams.c. */
#include "archive/leaf.h"
#include "base/arena.h"
#include "os/clock.h"
#include "role/import.h"
#include "role/intake_stream.h"

#include <string.h>

struct import_state {
    bool begun;
    bool ended;
    uint64_t question; /* id of the open HIGH question; 0 = none */
    uint64_t epoch;
    uint64_t sequence; /* of the next record */
    uint8_t id[16];
    char name[IMPORT_NAME_MAX + 1];
    uint64_t taken;
    uint64_t marked; /* of these, up to the newest mark */
    uint64_t durable;
    enum import_type untold; /* an answer that waits until those before it are written; 0 = none */
    uint64_t untold_value;
};

static bool import_begin(struct connection *connection)
{
    connection->state = memory_new(sizeof(struct import_state));
    return connection->state != NULL;
}

/* A peer that only writes fills its own way back: the newest number waits, else it would wait for ever for its last. */
static void import_reply(struct connection *connection, enum import_type type, uint64_t value)
{
    struct import_state *import = connection->state;
    char storage[32];
    struct buf out;
    import->untold = connection->out.n ? type : 0;
    import->untold_value = value;
    if (import->untold)
        return;
    buf_init_fixed(&out, storage, sizeof storage);
    import_put_u64(&out, type, value);
    connection_answer(connection, buf_view(&out));
}

static void import_written(struct connection *connection)
{
    struct import_state *import = connection->state;
    if (import->untold)
        import_reply(connection, import->untold, import->untold_value);
}

static void import_ask(struct connection *connection)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    struct import_state *import = connection->state;
    uint8_t body[24];
    memcpy(body, import->id, 16);
    put_be64(body + 16, import->epoch);
    if (keeper)
        IGNORE(channel_send(keeper, MSG_HIGH_ASK, import->question,
                            str_at(body, sizeof body))); /* a new keeper is asked again */
}

static bool import_hello(struct connection *connection, struct str body)
{
    struct import_state *import = connection->state;
    if (body.n <= 8 || import->question || import->begun ||
        !str_copy_z(str_skip(body, 8), import->name, sizeof import->name))
        return false;
    import->epoch = get_be64(body.p);
    source_id_make(STR("import"), str_of(import->name), import->id);
    import->question = connection_question(connection);
    import_ask(connection);
    return true;
}

static bool import_record(struct connection *connection, struct str bytes, uint8_t flags)
{
    struct intake *intake = connection_intake(connection);
    struct import_state *import = connection->state;
    struct batch_group group = {
        .epoch = import->epoch,
        .sequence = import->sequence,
        .received_real_ns = clock_real_ns(),
        .received_boot_ns = connection->heard_ns,
        .transport = TRANSPORT_IMPORT,
        .flags = flags,
        .kind = STR("import"),
        .name = str_of(import->name),
    };
    memcpy(group.source_id, import->id, sizeof group.source_id);
    if (!import->begun || import->ended || !sender_record(intake->sender, &group, bytes, intake->tag + 1))
        return false;
    intake->tag++;
    import->sequence++;
    import->taken++;
    return true;
}

static bool import_frame(struct connection *connection, enum import_type type, struct str body)
{
    struct import_state *import = connection->state;
    switch (type) {
    case IMPORT_HELLO:
        return import_hello(connection, body);
    case IMPORT_BEGIN:
        if (import->question || import->begun || !import->name[0])
            return false;
        import->sequence = get_be64(body.p);
        import->begun = true;
        return true;
    case IMPORT_RECORD:
        return import_record(connection, body, 0);
    case IMPORT_PAPER:
        return batch_paper_begins(body) && import_record(connection, body, BATCH_PAPER);
    case IMPORT_END:
        import->ended = true;
        if (import->durable == import->taken)
            import_reply(connection, IMPORT_DURABLE, import->durable);
        return import->begun;
    case IMPORT_HIGH:
    case IMPORT_DURABLE:
        break;
    }
    return false;
}

static bool import_take(struct connection *connection, struct str *input)
{
    struct import_state *import = connection->state;
    enum import_type type;
    struct str body;
    enum rc rc = RC_AGAIN;
    while (connection_takes(connection) && (rc = import_next(input, &type, &body)) == RC_OK)
        if (!import_frame(connection, type, body))
            return false;
    if (import->marked != import->taken)
        connection_mark(connection, import->taken);
    import->marked = import->taken;
    return rc != RC_INVALID;
}

static void import_durable(struct connection *connection, uint64_t count)
{
    struct import_state *import = connection->state;
    import->durable = count;
    import_reply(connection, IMPORT_DURABLE, count);
}

static void import_done(struct connection *connection)
{
    memory_free(connection->state);
}

const struct stream_protocol stream_import = {
    .name = "import",
    .patient = true,
    .marks = 256,
    .in_max = 2 * (size_t)BATCH_RECORD_MAX + STREAM_READ_SIZE,
    .out_max = 64,
    .out_wait = 64, /* never: it waits for the last answer only */
    .begin = import_begin,
    .take = import_take,
    .durable = import_durable,
    .written = import_written,
    .done = import_done,
};

struct high {
    uint64_t question;
    uint64_t sequence;
};

static void high_tell(struct connection *connection, void *context)
{
    const struct high *high = context;
    struct import_state *import = connection->state;
    if (!import->question || import->question != high->question)
        return;
    import->question = 0;
    import_reply(connection, IMPORT_HIGH, high->sequence);
}

void streams_high(struct streams *streams, uint64_t id, uint64_t sequence)
{
    struct high high = {id, sequence};
    streams_each(streams, &stream_import, high_tell, &high);
    wef_high(streams, id, sequence);
}

static void ask_again(struct connection *connection, void *context)
{
    const struct import_state *import = connection->state;
    (void)context;
    if (import->question)
        import_ask(connection);
}

void streams_keeper_up(struct streams *streams)
{
    streams_each(streams, &stream_import, ask_again, NULL);
    wef_keeper_up(streams);
}
