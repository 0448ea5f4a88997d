#include "msg/msg.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"
#include "msg/batch.h"
#include "os/net.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct end {
    struct channel *channel;
    unsigned messages;
    uint64_t last_id;
    size_t bytes;
    int fd;
    bool closed;
};

static void on_message(void *context, struct channel *channel, struct msg *msg)
{
    (void)channel;
    struct end *end = context;
    end->messages++;
    end->last_id = msg->id;
    end->bytes += msg->body.n;
    if (msg->fd_count) {
        end->fd = msg->fds[0];
        msg->fd_count = 0;
    }
}

static void on_closed(void *context, struct channel *channel, const char *reason)
{
    (void)reason;
    struct end *end = context;
    end->closed = true;
    channel_free(channel);
    end->channel = NULL;
}

static struct loop *pair_open(struct end *a, enum role a_role, struct end *b, enum role b_role)
{
    int fds[2];
    struct loop *loop = loop_new();
    CHECK_INT(net_pair(fds), 0);
    struct channel_options options = {.loop = loop,
                                      .fd = fds[0],
                                      .self = a_role,
                                      .peer = b_role,
                                      .message = on_message,
                                      .closed = on_closed,
                                      .context = a};
    a->channel = channel_new(&options);
    options.fd = fds[1];
    options.self = b_role;
    options.peer = a_role;
    options.context = b;
    b->channel = channel_new(&options);
    return loop;
}

static void large_messages_arrive_in_order(void)
{
    struct end keeper = {0};
    struct end intake = {0};
    struct loop *loop = pair_open(&keeper, ROLE_KEEPER, &intake, ROLE_INTAKE);
    char *bytes = memory_new(3 << 20);
    for (uint64_t id = 1; id <= 8; id++)
        CHECK(channel_send(intake.channel, MSG_RECORDS, id, str_at(bytes, 3 << 20)));
    while (keeper.messages < 8)
        loop_wait(loop, 1000);
    CHECK_INT(keeper.last_id, 8);
    CHECK_INT(keeper.bytes, 24 << 20);
    for (int i = 0; i < 40 && channel_send(intake.channel, MSG_RECORDS, 9, str_at(bytes, 3 << 20)); i++)
        CHECK(i < 30); /* the queue has a limit */
    memory_free(bytes);
    channel_free(keeper.channel);
    channel_free(intake.channel);
    loop_free(loop);
}

struct content {
    uint64_t next;
    unsigned wrong;
    bool closed;
};

/* Message `id` has id * 977 bytes, each of which says where it stands and whose it is. */
static void on_content(void *context, struct channel *channel, struct msg *msg)
{
    struct content *content = context;
    (void)channel;
    content->wrong += msg->id != content->next++ || msg->body.n != msg->id * 977;
    for (size_t i = 0; i < msg->body.n; i++)
        content->wrong += (uint8_t)msg->body.p[i] != (uint8_t)(i * 3 + msg->id);
}

static void on_content_closed(void *context, struct channel *channel, const char *reason)
{
    struct content *content = context;
    (void)channel;
    (void)reason;
    content->closed = true;
}

/* Small ones are gathered, large ones go from where they lie as far as the socket takes them: none is mixed up. */
static void bytes_of_all_sizes_arrive_as_sent(void)
{
    int fds[2];
    struct content content = {.next = 1};
    struct loop *loop = loop_new();
    char *bytes = memory_new(600 * 977);
    CHECK_INT(net_pair(fds), 0);
    struct channel_options options = {.loop = loop,
                                      .fd = fds[0],
                                      .self = ROLE_KEEPER,
                                      .peer = ROLE_INTAKE,
                                      .message = on_content,
                                      .closed = on_content_closed,
                                      .context = &content};
    struct channel *keeper = channel_new(&options);
    options.fd = fds[1];
    options.self = ROLE_INTAKE;
    options.peer = ROLE_KEEPER;
    struct channel *intake = channel_new(&options);
    for (uint64_t id = 1; id <= 600; id++) {
        for (size_t i = 0; i < id * 977; i++)
            bytes[i] = (char)(uint8_t)(i * 3 + id);
        channel_cork(intake, id % 7 == 0);
        while (!channel_send(intake, MSG_RECORDS, id, str_at(bytes, id * 977)))
            loop_wait(loop, 1000);
        if (id % 5 == 0)
            loop_wait(loop, 0);
    }
    channel_cork(intake, false);
    while (content.next <= 600 && !content.closed)
        loop_wait(loop, 1000);
    CHECK_INT(content.next, 601);
    CHECK_INT(content.wrong, 0);
    memory_free(bytes);
    channel_free(keeper);
    channel_free(intake);
    loop_free(loop);
}

static void descriptors_stay_with_their_message(void)
{
    struct end keeper = {.fd = -1};
    struct end engine = {.fd = -1};
    struct loop *loop = pair_open(&keeper, ROLE_KEEPER, &engine, ROLE_ENGINE);
    int pipe_fds[2];
    CHECK_INT(pipe(pipe_fds), 0);
    CHECK(channel_send(keeper.channel, MSG_DURABLE, 0, STR("12345678")));
    CHECK(channel_send_fd(keeper.channel, MSG_LOG_FILE, 5, STR("12345678"), pipe_fds[1]));
    CHECK(channel_send(keeper.channel, MSG_DURABLE, 6, STR("12345678")));
    while (engine.messages < 3)
        loop_wait(loop, 1000);
    CHECK(engine.fd >= 0);
    CHECK_INT(write(engine.fd, "x", 1), 1);
    close(engine.fd);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    channel_free(keeper.channel);
    loop_wait(loop, 1000);
    CHECK(engine.closed);
    loop_free(loop);
}

#define LOOK_BYTES ((size_t)1 << 20)
#define RANGE_MAX  ((uint64_t)1 << 30) /* larger ones are a sanitizer's */

/* How often the needle stands in [from, to), beside its own place and what is used to look. */
static size_t range_count(int memory, uint64_t from, uint64_t to, struct str needle)
{
    static char look[LOOK_BYTES];
    size_t count = 0;
    for (uint64_t at = from; at + needle.n <= to; at += LOOK_BYTES - needle.n) {
        ssize_t got = pread(memory, look, (size_t)MIN(to - at, LOOK_BYTES), (off_t)at);
        const char *found = look;
        while (got > 0 && (found = memmem(found, (size_t)(look + got - found), needle.p, needle.n)) != NULL) {
            uint64_t place = at + (uint64_t)(found - look);
            bool ours = place + needle.n > (uintptr_t)look && place < (uintptr_t)look + sizeof look;
            count += place != (uintptr_t)needle.p && !ours;
            found++;
        }
    }
    return count;
}

static size_t memory_count(struct str needle)
{
    char line[256];
    size_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    while (maps && fgets(line, sizeof line, maps)) {
        struct str rest = str_of(line);
        struct str range = str_cut(&rest, ' ');
        uint64_t from = 0;
        uint64_t to = 0;
        bool good = str_hex_to_u64(str_cut(&range, '-'), &from) && str_hex_to_u64(range, &to);
        if (good && str_starts(rest, STR("rw")) && to - from <= RANGE_MAX)
            count += range_count(memory, from, to, needle);
    }
    if (maps)
        fclose(maps);
    close(memory);
    return count;
}

static void secrets_leave_no_copy(void)
{
    struct end parent = {.fd = -1};
    struct end web = {.fd = -1};
    struct loop *loop = pair_open(&parent, ROLE_PARENT, &web, ROLE_WEB);
    static char body[48 << 10];
    static char needle[32];
    for (size_t i = 0; i < sizeof needle; i++)
        needle[i] = (char)(33 + (i * 37 + 11) % 90);
    /* Many at once, so that both buffers grow and are shifted with secrets inside of them. */
    for (size_t i = 0; i + 64 < sizeof body; i += 64)
        memcpy(body + i, needle, sizeof needle);
    for (unsigned i = 0; i < 40; i++)
        while (!channel_send(parent.channel, MSG_SECRET, i, str_at(body, sizeof body)))
            loop_wait(loop, 1000);
    while (web.messages < 40)
        loop_wait(loop, 1000);
    CHECK(memory_count(str_at(needle, sizeof needle)) > 100); /* it is seen where it stands */
    memset(body, 0, sizeof body);
    CHECK_INT(memory_count(str_at(needle, sizeof needle)), 0);
    channel_free(parent.channel);
    channel_free(web.channel);
    CHECK_INT(memory_count(str_at(needle, sizeof needle)), 0);
    loop_free(loop);
}

static void a_forbidden_message_closes_the_channel(void)
{
    struct end keeper = {0};
    struct end intake = {0};
    struct loop *loop = pair_open(&keeper, ROLE_KEEPER, &intake, ROLE_INTAKE);
    struct buf frame;
    buf_init(&frame, 100);
    buf_be32(&frame, 0);
    buf_be16(&frame, MSG_BLOCK); /* an engine's message, from an intake */
    buf_be16(&frame, MSG_VERSION);
    buf_be64(&frame, 1);
    int raw[2];
    CHECK_INT(net_pair(raw), 0);
    struct end broken = {0};
    struct channel_options options = {.loop = loop,
                                      .fd = raw[0],
                                      .self = ROLE_KEEPER,
                                      .peer = ROLE_INTAKE,
                                      .message = on_message,
                                      .closed = on_closed,
                                      .context = &broken};
    broken.channel = channel_new(&options);
    CHECK_INT(write(raw[1], frame.p, frame.n), (int64_t)frame.n);
    loop_wait(loop, 1000);
    CHECK(broken.closed);
    CHECK_INT(broken.messages, 0);
    CHECK(!msg_allowed(MSG_BLOCK, ROLE_INTAKE, ROLE_KEEPER));
    CHECK(!msg_allowed(MSG_ASK, ROLE_WEB, ROLE_KEEPER));
    CHECK(!msg_allowed(MSG_SIGN, ROLE_ENGINE, ROLE_SIGNER));
    buf_done(&frame);
    close(raw[1]);
    channel_free(keeper.channel);
    channel_free(intake.channel);
    loop_free(loop);
}

static void batches_round_trip_and_refuse_truncation(void)
{
    struct buf out;
    buf_init(&out, 10000);
    struct batch_writer writer;
    batch_begin(&writer, &out);
    struct batch_group group = {.epoch = 7, .sequence = 3, .kind = STR("udp"), .name = STR("127.0.0.1")};
    batch_group_begin(&writer, &group);
    batch_record(&writer, STR("one"));
    batch_record(&writer, STR(""));
    group.sequence = 5;
    batch_group_begin(&writer, &group);
    batch_record(&writer, STR("two"));
    batch_end(&writer);
    CHECK_INT(writer.records, 3);
    for (size_t cut = 0; cut <= out.n; cut++) {
        struct reader reader = reader_of(str_slice(buf_view(&out), 0, cut));
        struct str bytes;
        unsigned records = 0;
        while (batch_read_group(&reader, &group))
            for (uint32_t i = 0; i < group.count && batch_read_record(&reader, &bytes); i++)
                records++;
        test_row("cut at %zu", cut);
        CHECK_INT(reader_done(&reader) && records == 3, cut == out.n);
    }
    buf_done(&out);
}

static const struct test tests[] = {
    {"large messages arrive in order", large_messages_arrive_in_order},
    {"bytes of all sizes arrive as sent", bytes_of_all_sizes_arrive_as_sent},
    {"descriptors stay with their message", descriptors_stay_with_their_message},
    {"secrets leave no copy", secrets_leave_no_copy},
    {"a forbidden message closes the channel", a_forbidden_message_closes_the_channel},
    {"batches round trip and refuse truncation", batches_round_trip_and_refuse_truncation},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
