/* web.c - carries questions from the pages to desk and query, and their answers back. */
#include "base/assert.h"
#include "base/bytes.h"
#include "os/random.h"
#include "role/log.h"
#include "role/roles.h"
#include "role/web_server.h"

#include <stdio.h>

struct web_role {
    struct web_server *server;
    struct loop_watch *watch;
    struct process *process;
};

static void on_ask(void *context, enum web_peer peer, uint32_t id, struct str json)
{
    struct web_role *role = context;
    static const enum role roles[] = {[WEB_DESK] = ROLE_DESK, [WEB_QUERY] = ROLE_QUERY, [WEB_DRAWER] = ROLE_DRAWER};
    ASSERT(peer != WEB_BODY && (size_t)peer < ARRAY_LEN(roles));
    struct channel *channel = process_peer(roles[peer], 0);
    bool sent = channel && json.n <= msg_size_max(MSG_ASK) && channel_send(channel, MSG_ASK, id, json);
    if (!sent)
        web_server_answer(role->server, id, STR_NONE);
}

static void on_file_ask(void *context, uint32_t id, uint64_t bytes)
{
    const struct web_role *role = context;
    struct channel *desk = process_peer(ROLE_DESK, 0);
    char body[8];
    put_be64(body, bytes);
    if (!desk || !channel_send(desk, MSG_FILE_ASK, id, str_at(body, sizeof body)))
        web_server_file(role->server, id, 0, -1);
}

static void on_file_gone(void *context, uint64_t number)
{
    (void)context;
    struct channel *desk = process_peer(ROLE_DESK, 0);
    if (desk && !channel_send(desk, MSG_FILE_GONE, number, STR_NONE))
        log_warning("the desk does not take that a file is not written any more");
}

static void on_file(const struct web_role *role, struct msg *msg)
{
    struct reader in = reader_of(msg->body);
    uint64_t number = read_be64(&in);
    bool given = reader_done(&in) && msg->fd_count == 1;
    int fd = given ? msg->fds[0] : -1;
    if (given)
        msg->fd_count = 0;
    web_server_file(role->server, (uint32_t)msg->id, number, fd);
}

/* A file goes along with the answer. */
static void on_answer_file(const struct web_role *role, struct msg *msg)
{
    msg->fd_count = 0;
    web_server_answer_file(role->server, (uint32_t)msg->id, msg->body, msg->fds[0]);
}

static void on_ready(void *context, unsigned events)
{
    (void)events;
    const struct web_role *role = context;
    web_server_run(role->server);
}

static enum rc web_start(struct process *process, void **ret_self, struct err *err)
{
    struct web_role *role = memory_new(sizeof *role);
    char data[4096];
    char ui[4096];
    if (!role)
        return err_set(err, RC_LIMIT, "no memory");
    role->process = process;
    snprintf(data, sizeof data, "%.*s/data", STR_ARG(process->config.share));
    snprintf(ui, sizeof ui, "%.*s/ui", STR_ARG(process->config.share));
    struct web_server_config config = {
        .listen_fd = process_handle(process, "web", -1),
        .data = data,
        .ui = ui,
        .cert_pem = process_secret("tls-certificate"),
        .key_pem = process_secret("tls-key"),
        .calls_a_minute = (uint32_t)process->config.api_calls_a_minute,
        .seed = random_u64(),
    };
    enum rc rc = web_server_start(&config, &role->server, err);
    process_forget_secrets();
    if (rc != RC_OK)
        return rc;
    web_server_set_ask(role->server, on_ask, role);
    web_server_set_files(role->server, on_file_ask, on_file_gone);
    role->watch = loop_add(process->loop, web_server_fd(role->server), LOOP_READ, on_ready, role);
    if (!role->watch)
        return err_set(err, RC_IO, "the web server's descriptor could not be watched");
    *ret_self = role;
    return RC_OK;
}

static void web_message(void *self, struct channel *channel, struct msg *msg)
{
    const struct web_role *role = self;
    (void)channel;
    if (msg->type == MSG_FILE)
        on_file(role, msg);
    else if (msg->type == MSG_ANSWER && msg->fd_count == 1)
        on_answer_file(role, msg);
    else if (msg->type == MSG_ANSWER)
        web_server_answer(role->server, (uint32_t)msg->id, msg->body);
    else
        return;
    web_server_run(role->server); /* a connection that was resumed makes no descriptor ready */
}

static void web_tick(void *self, int64_t now_ns)
{
    (void)now_ns;
    const struct web_role *role = self;
    web_server_run(role->server);
}

static int web_timeout_ms(void *self)
{
    const struct web_role *role = self;
    return web_server_timeout_ms(role->server);
}

static void web_stop(void *self)
{
    struct web_role *role = self;
    loop_remove(role->process->loop, role->watch);
    web_server_stop(role->server);
}

const struct role_driver web_driver = {
    .role = ROLE_WEB,
    .calls = SANDBOX_ACCEPT,
    .files_max = 2048,
    .tick_ms = 1000,
    .start = web_start,
    .message = web_message,
    .tick = web_tick,
    .timeout_ms = web_timeout_ms,
    .stop = web_stop,
};
