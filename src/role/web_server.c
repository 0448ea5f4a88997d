#include "role/web_server.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/civil.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/io.h"
#include "os/random.h"
#include "role/web_upload.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILES_BYTES_MAX (8u << 20)
#define FILE_MAX        (2u << 20)
#define REQUEST_S       30                   /* a whole request must have come within this time */
#define REQUEST_PIECE   ((int64_t)512 << 10) /* of a file: each so many bytes give as much time again */
#define SLOT_BITS       12
#define SLOTS_MAX       (1u << SLOT_BITS) /* questions open at one time */
#define TLS_PRIORITIES                                                                                                 \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:"                                         \
    "+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

_Static_assert(WEB_SERVER_CONNECTIONS_MAX *WEB_QUESTIONS_MAX <= SLOTS_MAX, "every question of every call has a slot");

/* One connection, from accept to close; its request when one has begun. */
struct peer {
    int fd;
    int64_t since_ns; /* when it began to owe us a request; 0 while we owe it a response */
    bool used;
};

struct request {
    struct web_server *server;
    struct MHD_Connection *connection;
    struct arena *arena;
    struct str target; /* as it came */
    struct buf body;
    struct web_call *call;
    struct web_upload *upload; /* NULL: its body is held whole */
    uint64_t announced;        /* bytes of the body; 0: not said */
    int64_t came;              /* bytes of a body with a file */
    int64_t pieces;            /* REQUEST_PIECE of them */
    int given;                 /* a file that came along with an answer; -1: none */
    uint64_t wants;            /* the question that the file is the answer of, its id + 1; 0: none yet */
    bool begun;                /* headers were looked at */
    bool suspended;
    bool in_handler;
    size_t open; /* questions asked and not answered */
};

struct slot {
    struct request *request; /* NULL: free */
    uint32_t id;
    uint32_t question;
    int64_t asked_ns;
};

struct web_server {
    struct arena *arena;
    struct web *web;
    struct MHD_Daemon *daemon;
    web_server_ask ask;
    web_server_file_ask file_ask;
    web_server_file_gone file_gone;
    void *ask_context;
    struct tlog_hasher *hashers[WEB_SERVER_FILES_MAX]; /* made before the sandbox */
    struct web_upload *uploads[WEB_SERVER_FILES_MAX];  /* of requests, that have a file or asked for one */
    struct web_server_counters counters;
    struct peer peers[WEB_SERVER_CONNECTIONS_MAX];
    uint32_t next_slot;
    uint32_t generation;
    struct slot slots[SLOTS_MAX];
};

/* --- files --- */

struct file_list {
    struct arena *arena;
    const char *names[WEB_SERVER_UI_FILES_MAX];
    size_t count;
    bool full;
};

static bool file_listed(void *context, const char *name)
{
    struct file_list *list = context;
    if (name[0] == '.')
        return true;
    char *copy = list->count < ARRAY_LEN(list->names) ? arena_strz(list->arena, str_of(name)) : NULL;
    list->full = !copy;
    if (copy)
        list->names[list->count++] = copy;
    return copy != NULL;
}

static int name_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum folder_of { FOLDER_OF_TEXTS, FOLDER_OF_ASSETS, FOLDER_OF_SWITCH_ON };

static enum rc file_give(struct web *web, enum folder_of of, const char *name, struct str bytes, struct err *err)
{
    if (of == FOLDER_OF_TEXTS)
        return web_add_texts(web, name, bytes, err);
    return of == FOLDER_OF_ASSETS ? web_add_asset(web, str_of(name), bytes, err)
                                  : web_add_switch_on(web, str_of(name), bytes, err);
}

/* Gives every file of a folder to `web`. Other folders inside are left out. */
static enum rc load_folder(struct web *web, const char *path, enum folder_of of, struct err *err)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FILES_BYTES_MAX);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for the files of \"%s\"", path);
    struct file_list list = {.arena = arena};
    int folder = io_open_folder(path);
    if (folder < 0)
        return err_errno(err, -folder, "could not open folder \"%s\"", path);
    int listed = io_kernel.list(io_kernel.self, folder, file_listed, &list);
    enum rc rc = RC_OK;
    if (listed < 0)
        rc = err_errno(err, -listed, "could not list folder \"%s\"", path);
    if (list.full)
        rc = err_set(err, RC_LIMIT, "folder \"%s\" has more than %zu files", path, ARRAY_LEN(list.names));
    qsort(list.names, list.count, sizeof list.names[0], name_order);
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        struct str name = str_of(list.names[i]);
        struct str bytes = STR_NONE;
        if (of == FOLDER_OF_TEXTS && !str_ends(name, STR(".tsv")))
            continue;
        if (of != FOLDER_OF_TEXTS && str_find(name, '.') == name.n)
            continue; /* a folder, or no file of ours */
        rc = file_load(&io_kernel, folder, list.names[i], FILE_MAX, arena, &bytes, err);
        if (rc == RC_OK)
            rc = file_give(web, of, list.names[i], bytes, err);
    }
    close(folder);
    return rc;
}

/* --- answers --- */

static void take_answer(struct slot *slot, struct str json)
{
    struct request *request = slot->request;
    slot->request = NULL;
    request->server->counters.waiting--;
    ASSERT(request->open > 0);
    request->open--;
    IGNORE(web_answer(request->call, slot->question, json)); /* what comes next is seen by `advance` */
}

/* What came before goes. */
static void given_set(struct request *request, int fd)
{
    if (request->given >= 0)
        close(request->given);
    request->given = fd;
}

static void advance(struct request *request);

void web_server_answer(struct web_server *server, uint32_t id, struct str json)
{
    struct slot *slot = &server->slots[id & (SLOTS_MAX - 1)];
    if (!slot->request || slot->id != id)
        return;
    struct request *request = slot->request;
    take_answer(slot, json);
    if (request->open == 0 && !request->in_handler)
        advance(request);
}

void web_server_answer_file(struct web_server *server, uint32_t id, struct str json, int fd)
{
    struct slot *slot = &server->slots[id & (SLOTS_MAX - 1)];
    if (slot->request && slot->id == id)
        given_set(slot->request, fd);
    else
        close(fd);
    web_server_answer(server, id, json);
}

static uint32_t slot_take(struct web_server *server, struct request *request, size_t question)
{
    while (server->slots[server->next_slot].request)
        server->next_slot = (server->next_slot + 1) % SLOTS_MAX;
    struct slot *slot = &server->slots[server->next_slot];
    uint32_t id = server->generation << SLOT_BITS | server->next_slot;
    *slot = (struct slot){request, id, (uint32_t)question, (int64_t)clock_boot_ns()};
    server->generation++;
    server->next_slot = (server->next_slot + 1) % SLOTS_MAX;
    server->counters.waiting++;
    return id;
}

static struct peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* ---- files ---- */

/* A hasher that no request has; NULL when all have one. */
static struct tlog_hasher *hasher_free(struct web_server *server)
{
    for (size_t i = 0; i < ARRAY_LEN(server->hashers); i++) {
        bool used = false;
        for (size_t k = 0; k < ARRAY_LEN(server->uploads); k++)
            used |= server->uploads[k] && web_upload_hasher(server->uploads[k]) == server->hashers[i];
        if (!used)
            return server->hashers[i];
    }
    return NULL;
}

static struct web_upload **upload_place(struct web_server *server, const struct web_upload *upload)
{
    for (size_t i = 0; i < ARRAY_LEN(server->uploads); i++)
        if (server->uploads[i] == upload)
            return &server->uploads[i];
    return NULL;
}

/* The call wants the file: where it goes is asked first. */
static void body_ask(struct request *request, uint32_t id)
{
    struct web_server *server = request->server;
    request->wants = (uint64_t)id + 1;
    struct web_upload **place = request->upload ? upload_place(server, NULL) : NULL;
    if (place && server->file_ask && web_upload_state(request->upload) == WEB_UPLOAD_HELD) {
        *place = request->upload;
        /* the rest of a form's body is around the file */
        uint64_t max = (uint64_t)web_upload_max(request->upload);
        server->file_ask(server->ask_context, id, request->announced ? MIN(request->announced, max) : max);
    } else {
        web_server_file(server, id, 0, -1);
    }
}

/* The file is there, or will not be: what the call asked is answered. */
static void body_answer(struct request *request)
{
    char storage[512];
    struct buf json;
    uint32_t id = (uint32_t)(request->wants - 1);
    buf_init_fixed(&json, storage, sizeof storage);
    request->wants = 0;
    if (request->upload)
        web_upload_answer(request->upload, &json);
    web_server_answer(request->server, id, buf_view(&json));
}

void web_server_file(struct web_server *server, uint32_t id, uint64_t number, int fd)
{
    struct slot *slot = &server->slots[id & (SLOTS_MAX - 1)];
    struct request *request = slot->request && slot->id == id ? slot->request : NULL;
    if (!request || request->wants != (uint64_t)id + 1 || !request->upload) {
        if (fd >= 0)
            close(fd);
        if (number && server->file_gone)
            server->file_gone(server->ask_context, number);
        if (request)
            web_server_answer(server, id, STR_NONE);
        return;
    }
    web_upload_open(request->upload, number, fd, hasher_free(server));
    if (web_upload_state(request->upload) == WEB_UPLOAD_BROKEN) {
        if (number && server->file_gone)
            server->file_gone(server->ask_context, number);
        body_answer(request);
        return;
    }
    struct peer *peer = peer_of(request->connection);
    if (peer)
        peer->since_ns = (int64_t)clock_boot_ns();
    if (request->suspended) {
        request->suspended = false;
        MHD_resume_connection(request->connection);
    }
}

/* A request is over, whatever came of its file. */
static void upload_forget(struct request *request)
{
    struct web_server *server = request->server;
    if (!request->upload)
        return;
    struct web_upload **place = upload_place(server, request->upload);
    uint64_t number = web_upload_number(request->upload);
    if (place)
        *place = NULL;
    web_upload_done(request->upload);
    request->upload = NULL;
    if (number && server->file_gone)
        server->file_gone(server->ask_context, number);
}

/* Asks what the call wants to know, until it waits for an answer or is done. Answers that come from inside `ask` leave
 * the loop running. */
static void ask_all(struct request *request)
{
    struct web_server *server = request->server;
    while (request->open == 0 && !web_response(request->call)) {
        uint32_t ids[WEB_QUESTIONS_MAX];
        enum web_peer peers[WEB_QUESTIONS_MAX];
        struct str questions[WEB_QUESTIONS_MAX];
        size_t count = web_question_count(request->call);
        ASSERT(count > 0 && count <= WEB_QUESTIONS_MAX);
        for (size_t i = 0; i < count; i++) {
            peers[i] = web_question(request->call, i, &questions[i]);
            ids[i] = slot_take(server, request, i);
        }
        request->open = count;
        for (size_t i = 0; i < count; i++) {
            if (peers[i] == WEB_BODY)
                body_ask(request, ids[i]);
            else if (server->ask)
                server->ask(server->ask_context, peers[i], ids[i], questions[i]);
            else
                web_server_answer(server, ids[i], STR_NONE);
        }
    }
}

static void advance(struct request *request)
{
    request->in_handler = true;
    ask_all(request);
    request->in_handler = false;
    if (request->suspended && web_response(request->call)) {
        request->suspended = false;
        MHD_resume_connection(request->connection);
    }
}

/* --- one request --- */

static struct str header_of(struct MHD_Connection *connection, const char *name)
{
    return str_of(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static struct str address_of(struct MHD_Connection *connection, char storage[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr)
        return STR("");
    if (info->client_addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, info->client_addr, sizeof in);
        return str_of(inet_ntop(AF_INET, &in.sin_addr, storage, INET6_ADDRSTRLEN));
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, info->client_addr, sizeof in6);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
        return str_of(inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], storage, INET6_ADDRSTRLEN));
    return str_of(inet_ntop(AF_INET6, &in6.sin6_addr, storage, INET6_ADDRSTRLEN));
}

static bool begin_call(struct request *request, const char *method)
{
    struct MHD_Connection *connection = request->connection;
    char address[INET6_ADDRSTRLEN];
    struct str query = request->target;
    struct str path = str_cut(&query, '?');
    struct web_http http = {
        .method = str_of(method),
        .path = path,
        .query = query,
        .host = header_of(connection, "Host"),
        .origin = header_of(connection, "Origin"),
        .fetch_site = header_of(connection, "Sec-Fetch-Site"),
        .cookie = header_of(connection, "Cookie"),
        .content_type = header_of(connection, "Content-Type"),
        .csrf = header_of(connection, "X-CSRF-Token"),
        .authorization = header_of(connection, "Authorization"),
        .accept_language = header_of(connection, "Accept-Language"),
        .body = request->upload ? web_upload_fields(request->upload) : buf_view(&request->body),
        .address = address_of(connection, address),
        .refresh = header_of(connection, "X-Qorgan-Refresh").p != NULL,
        .time_ns = clock_real_ns(),
    };
    random_bytes(http.random, sizeof http.random);
    request->server->counters.requests++;
    request->call = web_request(request->server->web, &http);
    buf_done(&request->body); /* a password may have been in it */
    return request->call != NULL;
}

static void add_header(struct arena *arena, struct MHD_Response *response, const char *name, struct str value)
{
    char *text = value.n > 0 ? arena_strz(arena, value) : NULL;
    if (text)
        IGNORE(MHD_add_response_header(response, name, text) == MHD_NO);
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    IGNORE(MHD_add_response_header(response, "Connection", "close") == MHD_NO);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Of the bytes that the call made, or of the file that came along; NULL: there is none, or no memory. */
static struct MHD_Response *response_new(struct request *request, const struct web_response *from)
{
    int64_t size = 0;
    union {
        const char *in;
        void *out;
    } body = {from->body.p};
    if (!from->file)
        return MHD_create_response_from_buffer(from->body.n, from->body.n > 0 ? body.out : NULL, MHD_RESPMEM_MUST_COPY);
    if (request->given < 0 || io_kernel.size(io_kernel.self, request->given, &size) < 0)
        return NULL;
    struct MHD_Response *response = MHD_create_response_from_fd64((uint64_t)size, request->given);
    if (response)
        request->given = -1; /* it closes it */
    return response;
}

static enum MHD_Result send_response(struct request *request)
{
    const struct web_response *from = web_response(request->call);
    struct web_server_counters *counters = &request->server->counters;
    struct MHD_Response *response = response_new(request, from);
    if (!response)
        return from->file ? refuse(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE) : MHD_NO;
    for (const struct web_security_header *h = web_security_headers(); h->name; h++)
        add_header(request->arena, response, h->name, str_of(h->value));
    add_header(request->arena, response, "Content-Type", from->content_type);
    add_header(request->arena, response, "Content-Disposition", from->disposition);
    add_header(request->arena, response, "Content-Language", from->language);
    add_header(request->arena, response, "Location", from->location);
    add_header(request->arena, response, "Allow", from->allow);
    add_header(request->arena, response, "Retry-After", from->retry_after);
    add_header(request->arena, response, "WWW-Authenticate", from->authenticate);
    add_header(request->arena, response, "Cache-Control",
               from->immutable ? STR("public, max-age=31536000, immutable") : STR("no-store"));
    for (size_t i = 0; i < from->cookie_count; i++)
        add_header(request->arena, response, "Set-Cookie", from->cookies[i]);
    counters->refused += from->status >= 400 && from->status < 500;
    counters->failed += from->status >= 500;
    enum MHD_Result result = MHD_queue_response(request->connection, from->status, response);
    MHD_destroy_response(response);
    return result;
}

static bool body_announced_too_long(struct request *request)
{
    struct str text = header_of(request->connection, "Content-Length");
    uint64_t max = request->upload ? (uint64_t)web_upload_max(request->upload) + WEB_UPLOAD_FIELDS_MAX : WEB_BODY_MAX;
    bool too_long = text.p && (!str_to_u64(text, &request->announced) || request->announced > max);
    if (header_of(request->connection, "Transfer-Encoding").p)
        request->announced = 0; /* chunks are read to their own end, whatever else is said (RFC 9112 6.3) */
    return too_long;
}

/* The headers: is there a body that may come? */
static enum MHD_Result head_seen(struct request *request, const char *method)
{
    struct str query = request->target;
    struct str path = str_cut(&query, '?');
    int64_t max;
    enum web_stream stream = web_streams(str_of(method), path, &max);
    request->begun = true;
    if (stream != WEB_STREAM_NONE) {
        request->upload = web_upload_new(request->arena, stream, max, header_of(request->connection, "Content-Type"));
        if (!request->upload) {
            request->server->counters.refused++;
            return refuse(request->connection, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE);
        }
    }
    if (!body_announced_too_long(request))
        return MHD_YES;
    request->server->counters.refused++;
    return refuse(request->connection, MHD_HTTP_CONTENT_TOO_LARGE);
}

static bool call_begin(struct request *request, const char *method)
{
    struct peer *peer = peer_of(request->connection);
    if (peer)
        peer->since_ns = 0;
    if (!begin_call(request, method))
        return false;
    advance(request);
    return true;
}

static enum MHD_Result wait_for_answers(struct request *request)
{
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* What comes fast enough may come for long. */
static void piece_count(struct request *request, size_t n)
{
    struct peer *peer = peer_of(request->connection);
    request->came += (int64_t)n;
    bool further = request->came / REQUEST_PIECE > request->pieces;
    request->pieces = request->came / REQUEST_PIECE;
    if (peer && (further || peer->since_ns == 0))
        peer->since_ns = (int64_t)clock_boot_ns();
    struct slot *slot = request->wants ? &request->server->slots[(request->wants - 1) & (SLOTS_MAX - 1)] : NULL;
    if (slot && slot->request == request)
        slot->asked_ns = (int64_t)clock_boot_ns();
}

/* A piece of a body with a file. What is not taken comes again when the connection is resumed. */
static enum MHD_Result piece_seen(struct request *request, const char *method, struct str piece, size_t *ret_left)
{
    struct web_upload *upload = request->upload;
    bool refused = request->call && web_response(request->call); /* it goes out behind what still comes */
    size_t taken = refused ? piece.n : web_upload_take(upload, piece);
    *ret_left = piece.n - taken;
    piece_count(request, taken);
    if (request->came > web_upload_max(upload) +
                            (int64_t)WEB_UPLOAD_FIELDS_MAX) /* it did not say how long it is, and would have no end */
        return MHD_NO;
    if (web_upload_state(upload) == WEB_UPLOAD_BROKEN && request->wants)
        body_answer(request);
    if (web_upload_state(upload) != WEB_UPLOAD_HELD || *ret_left == 0)
        return MHD_YES;
    if (!request->call && !call_begin(request, method))
        return MHD_NO;
    if (web_response(request->call)) {
        *ret_left = 0;
        return MHD_YES;
    }
    return web_upload_state(upload) == WEB_UPLOAD_HELD ? wait_for_answers(request) : MHD_YES;
}

/* The body is over; one that holds no byte of its file may still wait for where it goes. */
static void body_seen(struct request *request)
{
    struct peer *peer = peer_of(request->connection);
    if (!request->upload)
        return;
    if (peer)
        peer->since_ns = 0;
    if (web_upload_state(request->upload) == WEB_UPLOAD_HELD)
        return;
    web_upload_end(request->upload);
    if (request->wants)
        body_answer(request);
}

/* MHD calls it once with the headers, then once a piece of body, once at the end, and once more after a resume. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **place)
{
    struct request *request = *place;
    (void)context;
    (void)url;
    (void)version;
    if (!request)
        return MHD_NO;
    if (!request->begun) {
        request->connection = connection;
        return head_seen(request, method);
    }
    if (*upload_size > 0 && request->upload)
        return piece_seen(request, method, str_at(upload, *upload_size), upload_size);
    if (*upload_size > 0) {
        buf_put(&request->body, upload, *upload_size);
        *upload_size = 0;
        return request->body.overflow ? MHD_NO : MHD_YES;
    }
    body_seen(request);
    if (!request->call && !call_begin(request, method))
        return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
    if (web_response(request->call))
        return send_response(request);
    return wait_for_answers(request);
}

/* The first call of a request: the target as it came, before MHD decodes it. */
static void *target_seen(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct web_server *server = context;
    struct arena *arena = arena_new(WEB_SERVER_HEADER_MAX * 2);
    struct request *request = arena ? arena_alloc(arena, sizeof *request) : NULL;
    if (!request) {
        arena_free(arena);
        return NULL;
    }
    request->server = server;
    request->connection = connection;
    request->arena = arena;
    request->given = -1;
    request->target = arena_str(arena, str_of(uri));
    buf_init(&request->body, WEB_BODY_MAX);
    return request;
}

static void request_done(void *context, struct MHD_Connection *connection, void **place,
                         enum MHD_RequestTerminationCode code)
{
    struct web_server *server = context;
    struct request *request = *place;
    struct peer *peer = peer_of(connection);
    (void)code;
    if (peer)
        peer->since_ns = (int64_t)clock_boot_ns();
    if (!request)
        return;
    *place = NULL;
    for (size_t i = 0; request->open > 0 && i < SLOTS_MAX; i++)
        if (server->slots[i].request == request) {
            server->slots[i].request = NULL;
            server->counters.waiting--;
            request->open--;
        }
    upload_forget(request);
    given_set(request, -1);
    web_call_free(request->call);
    buf_done(&request->body);
    arena_free(request->arena);
}

static void connection_changed(void *context, struct MHD_Connection *connection, void **place,
                               enum MHD_ConnectionNotificationCode code)
{
    struct web_server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct peer *peer = *place;
        if (peer)
            peer->used = false;
        *place = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    for (size_t i = 0; i < ARRAY_LEN(server->peers); i++) {
        struct peer *peer = &server->peers[i];
        if (peer->used)
            continue;
        *peer = (struct peer){.fd = info ? info->connect_fd : -1, .since_ns = (int64_t)clock_boot_ns(), .used = true};
        *place = peer;
        return;
    }
}

/* --- the server --- */

static enum rc load(const struct web_server_config *config, struct web_server *server, struct err *err)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1u << 16);
    struct buf path;
    char storage[4096];
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for the web server");
    buf_init_fixed(&path, storage, sizeof storage);
    buf_format(&path, "%s/i18n", config->data);
    server->web = web_new(config->seed);
    bool hashes = true;
    for (size_t i = 0; i < ARRAY_LEN(server->hashers); i++)
        hashes = (server->hashers[i] = tlog_hasher_new()) && hashes;
    if (!server->web || !hashes)
        return err_set(err, RC_LIMIT, "no memory for the web server");
    if (config->calls_a_minute > 0)
        web_set_rate(server->web, config->calls_a_minute);
    enum rc rc = load_folder(server->web, buf_z(&path), FOLDER_OF_TEXTS, err);
    buf_clear(&path);
    buf_format(&path, "%s/event_kinds.tsv", config->data);
    struct str kinds = STR_NONE;
    if (rc == RC_OK)
        rc = file_load_path(buf_z(&path), FILE_MAX, arena, &kinds, err);
    if (rc == RC_OK)
        rc = web_add_event_kinds(server->web, kinds, err);
    if (rc == RC_OK)
        rc = load_folder(server->web, config->ui, FOLDER_OF_ASSETS, err);
    buf_clear(&path);
    buf_format(&path, "%s/switch-on", config->data);
    if (rc == RC_OK)
        rc = load_folder(server->web, buf_z(&path), FOLDER_OF_SWITCH_ON, err);
    return rc == RC_OK ? web_check(server->web, err) : rc;
}

static enum rc listen_on(const struct web_server_config *config, struct web_server *server, struct err *err)
{
    char *cert = arena_strz(server->arena, config->cert_pem);
    char *key = arena_strz(server->arena, config->key_pem);
    if (!cert || !key)
        return err_set(err, RC_LIMIT, "certificate or key is too large");
    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, server, /**/
                         MHD_OPTION_LISTEN_SOCKET, config->listen_fd,                                           /**/
                         MHD_OPTION_HTTPS_MEM_CERT, cert, MHD_OPTION_HTTPS_MEM_KEY, key,                        /**/
                         MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,                                           /**/
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)WEB_SERVER_CONNECTIONS_MAX,                     /**/
                         MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)WEB_SERVER_PER_ADDRESS_MAX,              /**/
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEB_SERVER_IDLE_S,                            /**/
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_SERVER_HEADER_MAX,                     /**/
                         MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                       /**/
                         MHD_OPTION_URI_LOG_CALLBACK, target_seen, server,                                      /**/
                         MHD_OPTION_NOTIFY_COMPLETED, request_done, server,                                     /**/
                         MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server, MHD_OPTION_END);
    if (!server->daemon)
        return err_set(err, RC_IO,
                       "could not start HTTPS: the certificate, the key or the listening socket is unusable");
    return RC_OK;
}

enum rc web_server_start(const struct web_server_config *config, struct web_server **ret_server, struct err *err)
{
    ASSERT(config);
    struct arena *arena = arena_new(sizeof(struct web_server) + (1u << 20));
    struct web_server *server = arena ? arena_alloc(arena, sizeof *server) : NULL;
    if (!server) {
        arena_free(arena);
        return err_set(err, RC_LIMIT, "no memory for the web server");
    }
    server->arena = arena;
    enum rc rc = load(config, server, err);
    if (rc == RC_OK)
        rc = listen_on(config, server, err);
    if (rc != RC_OK) {
        web_server_stop(server);
        return rc;
    }
    *ret_server = server;
    return RC_OK;
}

void web_server_stop(struct web_server *server)
{
    if (!server)
        return;
    /* MHD does not stop while connections are suspended: what waits is told that nobody answers */
    server->ask = NULL;
    server->file_ask = NULL;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        if (server->slots[i].request)
            web_server_answer(server, server->slots[i].id, STR_NONE);
    if (server->daemon) {
        IGNORE(MHD_run(server->daemon) == MHD_NO);
        MHD_stop_daemon(server->daemon);
    }
    web_free(server->web);
    for (size_t i = 0; i < ARRAY_LEN(server->hashers); i++)
        tlog_hasher_free(server->hashers[i]);
    arena_free(server->arena);
}

void web_server_set_ask(struct web_server *server, web_server_ask ask, void *context)
{
    server->ask = ask;
    server->ask_context = context;
}

void web_server_set_files(struct web_server *server, web_server_file_ask ask, web_server_file_gone gone)
{
    server->file_ask = ask;
    server->file_gone = gone;
}

int web_server_fd(const struct web_server *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

int web_server_timeout_ms(const struct web_server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    bool idle = MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    bool watched = server->counters.waiting > 0 || (info && info->num_connections > 0);
    if (!watched)
        return idle ? -1 : (int)MIN(timeout_ms, 60000);
    return idle ? 1000 : (int)MIN(timeout_ms, 1000);
}

static void expire(struct web_server *server)
{
    int64_t now_ns = (int64_t)clock_boot_ns();
    for (size_t i = 0; server->counters.waiting > 0 && i < SLOTS_MAX; i++) {
        struct slot *slot = &server->slots[i];
        if (!slot->request || now_ns - slot->asked_ns < WEB_SERVER_ANSWER_S * SECOND_NS)
            continue;
        server->counters.given_up++;
        web_server_answer(server, slot->id, STR_NONE);
    }
    for (size_t i = 0; i < ARRAY_LEN(server->peers); i++) {
        struct peer *peer = &server->peers[i];
        if (!peer->used || peer->since_ns == 0 || now_ns - peer->since_ns < REQUEST_S * SECOND_NS)
            continue;
        /* one byte now and then keeps a connection from being idle, not from being late */
        peer->since_ns = 0;
        IGNORE(shutdown(peer->fd, SHUT_RDWR) != 0);
    }
}

void web_server_run(struct web_server *server)
{
    IGNORE(MHD_run(server->daemon) == MHD_NO);
    expire(server);
}

struct web_server_counters web_server_counters(const struct web_server *server)
{
    return server->counters;
}
