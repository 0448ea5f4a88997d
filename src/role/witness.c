#include "role/witness.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "os/clock.h"
#include "os/file.h"
#include "role/log.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define PATH           "/add-checkpoint"
#define HEADER_MAX     ((size_t)16 << 10) /* bytes of one connection's header block and read buffer together */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA"

struct log {
    struct witness_memory memory;
    bool told; /* its silence */
};

struct witness {
    struct witness_config config;
    struct MHD_Daemon *daemon;
    struct tlog_hasher *hasher;
    struct log logs[WITNESS_LOGS_MAX]; /* one an origin */
    size_t log_count;
    struct witness_request *request;
    struct buf text;
    struct buf line;
    int64_t looked_ns;
};

/* One request on its way in. */
struct call {
    struct buf body;
    unsigned refused; /* status found while the headers or the body came */
};

/* ---- memory ---- */

static bool file_name(struct str origin, char ret_name[2 * TLOG_HASH_SIZE + 1])
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash hash;
    if (!hasher)
        return false;
    tlog_hash_bytes(hasher, origin, &hash);
    ret_name[hex_encode(hash.bytes, sizeof hash.bytes, ret_name)] = '\0';
    return true;
}

enum rc witness_load(int folder, struct str origin, const struct note_key *own, struct witness_memory *ret_memory,
                     struct err *err)
{
    char name[2 * TLOG_HASH_SIZE + 1];
    struct str text;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    if (!arena || !file_name(origin, name))
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = file_load(&io_kernel, folder, name, NOTE_SIZE_MAX, arena, &text, err);
    if (rc == RC_OK)
        rc = witness_memory_parse(text, own, ret_memory, err);
    if (rc == RC_OK && !str_is(origin, ret_memory->origin))
        rc = err_set(err, RC_CORRUPT, "it is of another log");
    if (rc == RC_CORRUPT)
        IGNORE(err_wrap(err, "memory of \"%.*s\" (file %s) is damaged", STR_ARG(origin), name)); /* the code stays */
    return rc;
}

static enum rc store(struct witness *w, const struct witness_memory *memory, struct str line, struct err *err)
{
    char name[2 * TLOG_HASH_SIZE + 1];
    buf_clear(&w->text);
    witness_memory_write(memory, w->request, w->config.logs, w->config.log_count, line, &w->text);
    if (w->text.overflow || !file_name(str_of(memory->origin), name))
        return err_set(err, RC_LIMIT, "no memory");
    return file_replace(&io_kernel, w->config.folder, name, buf_view(&w->text), err);
}

static struct log *log_find(struct witness *w, struct str origin)
{
    for (size_t i = 0; i < w->log_count; i++)
        if (str_is(origin, w->logs[i].memory.origin))
            return &w->logs[i];
    return NULL;
}

static enum rc logs_load(struct witness *w, struct err *err)
{
    for (size_t i = 0; i < w->config.log_count; i++) {
        struct str origin = str_of(w->config.logs[i].name);
        if (log_find(w, origin))
            continue;
        struct log *log = &w->logs[w->log_count];
        enum rc rc = witness_load(w->config.folder, origin, signing_key_public(w->config.key), &log->memory, err);
        if (rc == RC_NOT_FOUND)
            rc = witness_memory_init(&log->memory, origin, err);
        if (rc != RC_OK)
            return rc;
        w->log_count++;
    }
    return RC_OK;
}

/* ---- judging ---- */

/* Cosigned, and stored before it is told. */
static void cosign(struct witness *w, struct log *log)
{
    struct err err = {0};
    struct witness_memory next = log->memory;
    uint64_t now_s = (uint64_t)(clock_real_ns() / SECOND_NS);
    now_s = MAX(now_s, log->memory.cosigned_s); /* a clock that was set back does not make a cosignature older */
    witness_memory_take(&next, w->request, now_s);
    buf_clear(&w->line);
    enum rc rc = signing_key_sign(w->config.key, w->request->note.text, now_s, &w->line, &err);
    rc = rc == RC_OK ? store(w, &next, buf_view(&w->line), &err) : rc;
    if (rc != RC_OK) {
        log_error("a checkpoint could not be remembered: %s; the process stops, the next start reads what is there",
                  err.text);
        _Exit(EXIT_FAILURE); /* after a failed write only what is on disk counts */
    }
    bool grew = next.head.size > log->memory.head.size; /* the same size again says only that it is there */
    if (log->told && grew)
        log_info("log \"%s\" grows again", log->memory.origin);
    log->told = log->told && !grew;
    log->memory = next;
}

static enum witness_status judge(struct witness *w, struct str body, struct log **ret_log)
{
    struct err err = {0};
    enum witness_status status = WITNESS_BAD;
    *ret_log = NULL;
    if (witness_request_parse(body, w->request, &err) == RC_OK)
        status = witness_signed(w->request, w->config.logs, w->config.log_count, &err);
    if (status == WITNESS_COSIGN) {
        *ret_log = log_find(w, w->request->checkpoint.origin);
        ASSERT(*ret_log != NULL);
        status = witness_judge(w->hasher, &(*ret_log)->memory.head, w->request, &err);
    }
    buf_clear(&w->line);
    if (status == WITNESS_COSIGN) {
        cosign(w, *ret_log);
        return status;
    }
    /* A log may not know how far it was cosigned; all else that is signed may be proof of misbehaviour. */
    bool same_size = *ret_log && w->request->checkpoint.head.size == (*ret_log)->memory.head.size;
    bool shorter = *ret_log && w->request->checkpoint.head.size < (*ret_log)->memory.head.size;
    if (status == WITNESS_CONFLICT && shorter)
        log_error("ALARM: log \"%s\" showed %llu records, %llu are cosigned: it was rolled back, or two use its key",
                  (*ret_log)->memory.origin, (unsigned long long)w->request->checkpoint.head.size,
                  (unsigned long long)(*ret_log)->memory.head.size);
    if (status == WITNESS_UNPROVEN || (status == WITNESS_CONFLICT && same_size))
        log_error("log \"%s\" showed an inconsistent tree: %s", (*ret_log)->memory.origin, err.text);
    if (status == WITNESS_CONFLICT)
        buf_format(&w->line, "%llu\n", (unsigned long long)(*ret_log)->memory.head.size);
    else
        buf_format(&w->line, "%s\n", err.text);
    return status;
}

/* ---- HTTP ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, struct str body, const char *type)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    if (type)
        IGNORE(MHD_add_response_header(response, "Content-Type", type) == MHD_NO);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        IGNORE(MHD_add_response_header(response, "Allow", "POST") == MHD_NO);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static unsigned refusal(struct MHD_Connection *connection, const char *url, const char *method)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    uint64_t size = 0;
    if (strcmp(url, PATH) != 0)
        return MHD_HTTP_NOT_FOUND;
    if (strcmp(method, "POST") != 0)
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    if (length && (!str_to_u64(str_of(length), &size) || size > WITNESS_REQUEST_MAX))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **place)
{
    struct witness *w = context;
    struct call *call = *place;
    struct log *log = NULL;
    (void)version;
    if (!call) {
        call = memory_new(sizeof *call);
        if (!call)
            return MHD_NO;
        buf_init(&call->body, WITNESS_REQUEST_MAX);
        *place = call;
        call->refused = refusal(connection, url, method);
        return call->refused ? answer(connection, call->refused, STR_NONE, NULL) : MHD_YES;
    }
    if (*upload_size > 0) {
        buf_put(&call->body, upload, *upload_size);
        *upload_size = 0;
        return call->body.overflow ? MHD_NO : MHD_YES;
    }
    if (call->refused)
        return MHD_YES;
    enum witness_status status = judge(w, buf_view(&call->body), &log);
    const char *type = status == WITNESS_CONFLICT ? "text/x.tlog.size" : "text/plain; charset=utf-8";
    return answer(connection, status, buf_view(&w->line), type);
}

static void done(void *context, struct MHD_Connection *connection, void **place, enum MHD_RequestTerminationCode code)
{
    struct call *call = *place;
    (void)context;
    (void)connection;
    (void)code;
    if (call)
        buf_done(&call->body);
    memory_free(call);
    *place = NULL;
}

/* ---- the server ---- */

static enum rc listen_on(struct witness *w, struct arena *arena, struct err *err)
{
    bool tls = w->config.cert_pem.n > 0;
    char *cert = arena_strz(arena, w->config.cert_pem);
    char *key = arena_strz(arena, w->config.key_pem);
    struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem no_options[] = {{MHD_OPTION_END, 0, NULL}};
    if (!cert || !key)
        return err_set(err, RC_LIMIT, "certificate or key is too large");
    w->daemon = MHD_start_daemon(MHD_USE_EPOLL | (tls ? (unsigned)MHD_USE_TLS : 0u), 0, NULL, NULL, handle, w, /**/
                                 MHD_OPTION_LISTEN_SOCKET, w->config.listen_fd,                                /**/
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)WITNESS_CONNECTIONS_MAX,               /**/
                                 MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)WITNESS_PER_ADDRESS_MAX,        /**/
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WITNESS_IDLE_S,                      /**/
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_MAX,                               /**/
                                 MHD_OPTION_STRICT_FOR_CLIENT, 1,                                              /**/
                                 MHD_OPTION_NOTIFY_COMPLETED, done, w,                                         /**/
                                 MHD_OPTION_ARRAY, tls ? tls_options : no_options, MHD_OPTION_END);
    key_cleanse(key, w->config.key_pem.n);
    if (!w->daemon)
        return err_set(err, RC_IO, "could not start: the certificate, the key or the listening socket is unusable");
    return RC_OK;
}

enum rc witness_start(const struct witness_config *config, struct witness **ret_witness, struct err *err)
{
    ASSERT(config->log_count <= WITNESS_LOGS_MAX);
    ASSERT(signing_key_public(config->key)->type == NOTE_COSIGNATURE);
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct witness *w = memory_new(sizeof *w);
    if (!w || !arena) {
        memory_free(w);
        return err_set(err, RC_LIMIT, "no memory");
    }
    w->config = *config;
    w->request = memory_new(sizeof *w->request);
    w->hasher = tlog_hasher_new();
    buf_init(&w->text, NOTE_SIZE_MAX + 4096);
    buf_init(&w->line, 4096);
    enum rc rc = w->request && w->hasher ? logs_load(w, err) : err_set(err, RC_LIMIT, "no memory");
    rc = rc == RC_OK ? listen_on(w, arena, err) : rc;
    if (rc != RC_OK)
        witness_stop(w);
    else
        *ret_witness = w;
    return rc;
}

void witness_stop(struct witness *witness)
{
    if (!witness)
        return;
    if (witness->daemon)
        MHD_stop_daemon(witness->daemon);
    tlog_hasher_free(witness->hasher);
    memory_free(witness->request);
    buf_done(&witness->text);
    buf_done(&witness->line);
    memory_free(witness);
}

int witness_fd(const struct witness *witness)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(witness->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

int witness_timeout_ms(const struct witness *witness)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    bool idle = MHD_get_timeout(witness->daemon, &timeout_ms) != MHD_YES;
    return idle ? 1000 : (int)MIN(timeout_ms, 1000);
}

/* The dead man's switch: a log that was cosigned and then stands still is switched off, or cut off. */
static void look_for_silence(struct witness *w)
{
    int64_t now_ns = clock_real_ns();
    if (now_ns - w->looked_ns < SECOND_NS && now_ns >= w->looked_ns)
        return;
    w->looked_ns = now_ns;
    for (size_t i = 0; i < w->log_count; i++) {
        struct log *log = &w->logs[i];
        int64_t quiet_s = now_ns / SECOND_NS - (int64_t)log->memory.grown_s;
        if (log->memory.cosigned_s == 0 || log->told || quiet_s < w->config.silent_s)
            continue;
        log->told = true;
        log_error("ALARM: log \"%s\" has not grown for %lld seconds: %llu records", log->memory.origin,
                  (long long)quiet_s, (unsigned long long)log->memory.head.size);
    }
}

void witness_run(struct witness *witness)
{
    IGNORE(MHD_run(witness->daemon) == MHD_NO); /* tried again at once by the loop */
    look_for_silence(witness);
}
