#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "msg/msg.h"
#include "os/net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define CHANNEL_MAGIC   UINT32_C(0x6348616e)
#define READ_SIZE       ((size_t)256 << 10)
#define IN_LIMIT        ((size_t)64 << 20)
#define FDS_WAITING_MAX 64
#define CORKED_MAX      ((size_t)256 << 10)
#define AT_ONCE_MIN     ((size_t)4 << 10) /* bytes that are worth a call of their own rather than a copy */

/* Descriptors that go with the byte at `at` of everything ever queued. */
struct outgoing_fd {
    uint64_t at;
    int fd;
};

struct channel {
    uint32_t magic;
    struct channel_options options;
    struct loop_watch *watch;
    struct buf out;
    size_t out_sent;     /* bytes of `out` already gone */
    uint64_t out_before; /* bytes ever sent before out.p[0] */
    struct outgoing_fd out_fds[FDS_WAITING_MAX];
    size_t out_fd_count;
    struct buf in;
    bool in_secret; /* keys may come: what `in` held of them is wiped */
    size_t in_used; /* bytes of `in` already handled */
    int in_fds[FDS_WAITING_MAX];
    size_t in_fd_count;
    bool paused;
    bool corked;
    bool broken;
    bool secret; /* `out` holds a secret or its traces: wiped when all is sent */
    bool *freed; /* set by channel_free while a handler runs */
};

static void channel_ready(void *context, unsigned events);

/* Whether the peer may send keys. */
static bool may_bring_secrets(const struct channel_options *options)
{
    for (enum msg_type type = 0; type < MSG_COUNT; type++)
        if (msg_secret(type) && msg_allowed(type, options->peer, options->self))
            return true;
    return false;
}

struct channel *channel_new(const struct channel_options *options)
{
    ASSERT(options->message && options->closed && options->fd >= 0);
    struct channel *channel = memory_new(sizeof *channel);
    if (!channel)
        return NULL;
    channel->magic = CHANNEL_MAGIC;
    channel->options = *options;
    buf_init(&channel->out, MSG_QUEUE_MAX + 2 * MSG_HEADER);
    buf_init(&channel->in, IN_LIMIT);
    channel->in_secret = may_bring_secrets(options);
    channel->watch = loop_add(options->loop, options->fd, LOOP_READ, channel_ready, channel);
    if (!channel->watch) {
        memory_free(channel);
        return NULL;
    }
    return channel;
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    ASSERT(channel->magic == CHANNEL_MAGIC);
    if (channel->freed)
        *channel->freed = true;
    loop_remove(channel->options.loop, channel->watch);
    close(channel->options.fd);
    for (size_t i = 0; i < channel->out_fd_count; i++)
        close(channel->out_fds[i].fd);
    for (size_t i = 0; i < channel->in_fd_count; i++)
        close(channel->in_fds[i]);
    if (channel->secret)
        explicit_bzero(channel->out.p, channel->out.capacity);
    if (channel->in.p && channel->in_secret)
        explicit_bzero(channel->in.p, channel->in.capacity);
    buf_done(&channel->out);
    buf_done(&channel->in);
    channel->magic = 0;
    memory_free(channel);
}

static void channel_watch(struct channel *channel)
{
    unsigned events =
        (channel->paused ? 0u : (unsigned)LOOP_READ) | (channel->out.n > channel->out_sent ? (unsigned)LOOP_WRITE : 0u);
    loop_change(channel->options.loop, channel->watch, events);
}

/* One sendmsg: up to the next byte that carries descriptors, or with them. */
static ssize_t send_part(struct channel *channel)
{
    uint64_t at = channel->out_before + channel->out_sent;
    size_t end = channel->out.n;
    int fds[MSG_FDS_MAX];
    size_t fd_count = 0;
    for (size_t i = 0; i < channel->out_fd_count; i++) {
        if (channel->out_fds[i].at == at && fd_count < MSG_FDS_MAX) {
            fds[fd_count++] = channel->out_fds[i].fd;
        } else {
            end = (size_t)(channel->out_fds[i].at - channel->out_before);
            break;
        }
    }
    struct str part = str_slice(buf_view(&channel->out), channel->out_sent, end);
    ssize_t sent = net_send_fds(channel->options.fd, part, fds, fd_count);
    if (sent > 0 && fd_count) {
        for (size_t i = 0; i < fd_count; i++)
            close(fds[i]);
        channel->out_fd_count -= fd_count;
        memmove(channel->out_fds, channel->out_fds + fd_count, channel->out_fd_count * sizeof channel->out_fds[0]);
    }
    return sent;
}

/* As buf_reserve. A buffer that grows leaves its old bytes behind on the heap: they are wiped. */
static char *secret_reserve(struct buf *buf, size_t n)
{
    struct buf grown;
    if (buf->capacity - buf->n >= n || !buf->p)
        return buf_reserve(buf, n);
    buf_init(&grown, buf->limit);
    if (!buf_reserve(&grown, buf->n + n)) {
        buf->overflow = true;
        return NULL;
    }
    buf_str(&grown, buf_view(buf));
    explicit_bzero(buf->p, buf->capacity);
    buf_done(buf);
    *buf = grown;
    return buf_reserve(buf, n);
}

static void secret_wipe_sent(struct channel *channel)
{
    if (!channel->secret || channel->out.n)
        return;
    explicit_bzero(channel->out.p, channel->out.capacity);
    channel->secret = false;
}

static void channel_flush(struct channel *channel)
{
    while (channel->out_sent < channel->out.n && !channel->broken) {
        ssize_t sent = send_part(channel);
        if (sent == -EAGAIN)
            break;
        if (sent < 0)
            channel->broken = true; /* reported when the reading side sees it */
        else
            channel->out_sent += (size_t)sent;
    }
    if (channel->out_sent == channel->out.n || channel->out_sent > MSG_QUEUE_MAX / 4) {
        channel->out_before += channel->out_sent;
        buf_consume(&channel->out, channel->out_sent);
        channel->out_sent = 0;
    }
    secret_wipe_sent(channel);
    channel_watch(channel);
}

/* Sends from where the message lies, when nothing waits before it. Returns how many of its bytes went. */
static size_t send_at_once(struct channel *channel, struct str header, struct str body)
{
    size_t gone = 0;
    while (gone < header.n + body.n) {
        size_t of_body = gone > header.n ? gone - header.n : 0;
        ssize_t sent = net_send_two(channel->options.fd, str_skip(header, gone), str_skip(body, of_body));
        if (sent == -EAGAIN)
            break;
        if (sent < 0) {
            channel->broken = true; /* reported when the reading side sees it */
            break;
        }
        gone += (size_t)sent;
    }
    channel->out_before += gone;
    return gone;
}

static bool may_queue(const struct channel *channel, enum msg_type type, struct str body)
{
    ASSERT(channel->magic == CHANNEL_MAGIC);
    ASSERT(msg_allowed(type, channel->options.self, channel->options.peer));
    ASSERT(body.n <= msg_size_max(type));
    bool full = channel->out.n - channel->out_sent + MSG_HEADER + body.n > MSG_QUEUE_MAX ||
                channel->out_fd_count == FDS_WAITING_MAX;
    return !channel->broken && !full;
}

static bool queue(struct channel *channel, enum msg_type type, uint64_t id, struct str body, int fd)
{
    char storage[MSG_HEADER];
    struct buf header;
    if (!may_queue(channel, type, body))
        return false;
    buf_init_fixed(&header, storage, sizeof storage);
    buf_be32(&header, (uint32_t)body.n);
    buf_be16(&header, (uint16_t)type);
    buf_u8(&header, fd >= 0 ? 1 : 0);
    buf_u8(&header, MSG_VERSION);
    buf_be64(&header, id);
    size_t before = channel->out.n;
    size_t gone = 0;
    channel->secret = channel->secret || msg_secret(type);
    size_t whole = header.n + body.n; /* room for it first: half a message cannot be taken back */
    if (!(channel->secret ? secret_reserve(&channel->out, whole) : buf_reserve(&channel->out, whole))) {
        channel->out.overflow = false;
        return false;
    }
    if (fd >= 0) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
            return false;
        channel->out_fds[channel->out_fd_count++] = (struct outgoing_fd){channel->out_before + before, copy};
    } else if (before == 0 && body.n >= AT_ONCE_MIN) {
        gone = send_at_once(channel, buf_view(&header), body);
        if (gone == header.n + body.n || channel->broken)
            return !channel->broken;
    }
    buf_str(&channel->out, str_skip(buf_view(&header), gone));
    buf_str(&channel->out, str_skip(body, gone > header.n ? gone - header.n : 0));
    ASSERT(!channel->out.overflow);
    if (gone > 0)
        channel_watch(channel); /* the socket is full */
    else if (!channel->corked || channel_queued(channel) >= CORKED_MAX)
        channel_flush(channel);
    return !channel->broken;
}

bool channel_send(struct channel *channel, enum msg_type type, uint64_t id, struct str body)
{
    return queue(channel, type, id, body, -1);
}

bool channel_send_fd(struct channel *channel, enum msg_type type, uint64_t id, struct str body, int fd)
{
    ASSERT(fd >= 0);
    return queue(channel, type, id, body, fd);
}

size_t channel_queued(const struct channel *channel)
{
    return channel->out.n - channel->out_sent;
}

void channel_cork(struct channel *channel, bool corked)
{
    channel->corked = corked;
    if (!corked)
        channel_flush(channel);
}

void channel_pause(struct channel *channel, bool paused)
{
    channel->paused = paused;
    channel_watch(channel);
}

enum role channel_peer(const struct channel *channel)
{
    return channel->options.peer;
}

unsigned channel_instance(const struct channel *channel)
{
    return channel->options.instance;
}

void channel_drain(struct channel *channel)
{
    while (channel_queued(channel) && !channel->broken) {
        struct pollfd ready = {.fd = channel->options.fd, .events = POLLOUT};
        if (poll(&ready, 1, 5000) <= 0)
            return;
        channel_flush(channel);
    }
}

/* The header at the front: RC_AGAIN when it or the body is not whole yet. */
static enum rc message_next(struct channel *channel, struct msg *ret)
{
    struct str rest = str_skip(buf_view(&channel->in), channel->in_used);
    if (rest.n < MSG_HEADER)
        return RC_AGAIN;
    struct reader reader = reader_of(rest);
    uint32_t size = read_be32(&reader);
    uint16_t type = read_be16(&reader);
    uint8_t fd_count = read_u8(&reader);
    uint8_t version = read_u8(&reader);
    uint64_t id = read_be64(&reader);
    if (version != MSG_VERSION || type >= MSG_COUNT || fd_count > MSG_FDS_MAX ||
        !msg_allowed((enum msg_type)type, channel->options.peer, channel->options.self) ||
        size > msg_size_max((enum msg_type)type))
        return RC_INVALID;
    if (reader_left(&reader) < size)
        return RC_AGAIN;
    if (fd_count > channel->in_fd_count)
        return RC_INVALID;
    *ret = (struct msg){.type = (enum msg_type)type, .id = id, .body = read_bytes(&reader, size), .fd_count = fd_count};
    memcpy(ret->fds, channel->in_fds, fd_count * sizeof(int));
    channel->in_fd_count -= fd_count;
    memmove(channel->in_fds, channel->in_fds + fd_count, channel->in_fd_count * sizeof(int));
    channel->in_used += MSG_HEADER + size;
    return RC_OK;
}

/* What was handled goes. The bytes behind it move to the front: of a secret that is not whole yet no second copy stays.
 */
static void in_consume(struct channel *channel)
{
    size_t gone = channel->in_used;
    buf_consume(&channel->in, gone);
    channel->in_used = 0;
    if (gone && channel->in_secret)
        explicit_bzero(channel->in.p + channel->in.n, gone);
}

static char *in_reserve(struct channel *channel)
{
    return channel->in_secret ? secret_reserve(&channel->in, READ_SIZE) : buf_reserve(&channel->in, READ_SIZE);
}

/* True while the channel lives. */
static bool channel_deliver(struct channel *channel)
{
    bool freed = false;
    while (!channel->paused) {
        struct msg msg;
        enum rc rc = message_next(channel, &msg);
        if (rc == RC_AGAIN)
            break;
        if (rc != RC_OK) {
            channel->options.closed(channel->options.context, channel, "a message broke the protocol");
            return false;
        }
        channel->freed = &freed;
        channel->options.message(channel->options.context, channel, &msg);
        for (size_t i = 0; i < msg.fd_count; i++)
            close(msg.fds[i]);
        if (freed)
            return false;
        channel->freed = NULL;
        if (msg_secret(msg.type))
            explicit_bzero(channel->in.p + channel->in_used - msg.body.n, msg.body.n);
    }
    if (channel->in_used == channel->in.n || channel->in_used > IN_LIMIT / 2)
        in_consume(channel);
    return true;
}

static bool channel_read(struct channel *channel)
{
    char *room = in_reserve(channel);
    if (!room) {
        in_consume(channel);
        channel->in.overflow = false;
        room = in_reserve(channel);
    }
    size_t fd_count = 0;
    ssize_t got = room ? net_receive_fds(channel->options.fd, room, READ_SIZE, channel->in_fds + channel->in_fd_count,
                                         FDS_WAITING_MAX - channel->in_fd_count, &fd_count)
                       : -ENOMEM;
    channel->in_fd_count += fd_count;
    if (got == -EAGAIN)
        return true;
    if (got <= 0) {
        /* Reset: it ended without reading all that it was sent, which its ending says already. */
        channel->options.closed(channel->options.context, channel,
                                got == 0 || got == -ECONNRESET ? "the peer is gone" : strerror((int)-got));
        return false;
    }
    buf_grew(&channel->in, (size_t)got);
    return channel_deliver(channel);
}

bool channel_take(struct channel *channel)
{
    struct pollfd ready = {.fd = channel->options.fd, .events = POLLIN};
    while (poll(&ready, 1, 0) > 0)
        if (!channel_read(channel))
            return false;
    return true;
}

bool channel_wait(struct channel *channel, int timeout_ms)
{
    struct pollfd ready = {.fd = channel->options.fd, .events = POLLIN};
    return poll(&ready, 1, timeout_ms) > 0 && channel_take(channel);
}

static void channel_ready(void *context, unsigned events)
{
    struct channel *channel = context;
    ASSERT(channel->magic == CHANNEL_MAGIC);
    if (events & LOOP_WRITE)
        channel_flush(channel);
    if (channel->paused && !(events & LOOP_HANGUP))
        return;
    if (events & (LOOP_READ | LOOP_HANGUP))
        channel_read(channel);
}
