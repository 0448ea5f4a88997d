#include "role/forward.h"

#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "role/forward_queue.h"
#include "role/forward_status.h"
#include "role/forward_stream.h"
#include "role/http.h"
#include "role/log.h"
#include "role/plain_words.h"
#include "tlog/checkpoint.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_BYTES   ((size_t)256 << 10)
#define BATCH_RECORDS QUEUE_MESSAGES_MAX
#define BATCH_MAX     (BATCH_BYTES + ((size_t)64 << 20)) /* one more record of the longest, escaped */
#define SCAN_MAX      20000u                             /* records looked at before the position is kept */
#define ANSWER_MAX    ((size_t)1 << 20)
#define PATIENCE_S    30L
#define REST_MS       500
#define BACKOFF_MIN   1000
#define BACKOFF_MAX   60000
#define TELL_NS       UINT64_C(60000000000)
#define STATE_NS      UINT64_C(5000000000)
#define STATE_FILE    "position"
#define STATE_MAX     ((size_t)4096)
#define TROUBLE_MAX   400u

/* A message in the batch: its body, and its source's name behind it. */
struct place {
    uint64_t record;
    size_t body;
    size_t source;
    size_t end;
};

struct forward {
    const struct forward_options *options;
    int state;
    int lock;
    int signals;
    bool stopping;
    uint64_t position; /* the next record */
    uint64_t upto;     /* records below it are signed: only these are given on, for they are never others */
    struct arena *arena;
    struct buf batch;
    struct buf line;
    size_t count; /* lines in the batch */
    struct place *places;
    struct queue_message *messages;
    struct queue_messages queued;
    const struct queue_kind *kind; /* NULL: the batch is one piece */
    struct queue *queue;
    char host[FORWARD_URL_MAX]; /* of a stream */
    struct stream *stream;
    struct http *http;
    struct buf answer;
    int backoff_ms;
    uint64_t given; /* records since the start */
    uint64_t told_ns;
    uint64_t stated_ns; /* when the file of the status was written last */
    struct err trouble; /* why the receiver takes nothing */
    int64_t trouble_ns; /* since when; 0: it does */
};

/* ---- waiting ---- */

/* Waits so long, or until it is to stop. */
static bool on_wait(struct forward *f, int ms)
{
    struct pollfd poll_fd = {.fd = f->signals, .events = POLLIN};
    if (!f->stopping && poll(&poll_fd, 1, ms) > 0) {
        int number = proc_signal_next(f->signals);
        f->stopping = number == SIGTERM || number == SIGINT || number == SIGHUP;
    }
    return !f->stopping;
}

static bool on_stop(void *context)
{
    return !on_wait(context, 0);
}

/* ---- the position ---- */

static enum rc position_read(struct forward *f, struct err *err)
{
    const struct forward_options *o = f->options;
    struct str text;
    arena_reset(f->arena);
    enum rc rc = file_load(&io_kernel, f->state, STATE_FILE, STATE_MAX, f->arena, &text, err);
    if (rc == RC_NOT_FOUND) {
        f->position = o->from == FORWARD_FROM_END ? f->upto : o->from;
        return RC_OK;
    }
    if (rc != RC_OK)
        return rc;
    struct str number = str_cut(&text, '\n');
    struct str url = str_cut(&text, '\n');
    if (!str_to_u64(number, &f->position))
        return err_set(err, RC_CORRUPT, "the file \"%s/" STATE_FILE "\" does not read", o->state);
    if (!str_is(url, o->address.url))
        return err_set(err, RC_EXISTS, "the folder \"%s\" holds the position of %.*s; each address needs its own",
                       o->state, STR_ARG(str_slice(url, 0, 200)));
    if (f->position > f->upto) /* else what the archive gets anew up to there would be passed over unsaid */
        return err_set(
            err, RC_CORRUPT,
            "the position in \"%s\" is record %llu, and the archive is signed up to %llu: it is an older copy",
            o->state, (unsigned long long)f->position, (unsigned long long)f->upto);
    return RC_OK;
}

static enum rc position_write(struct forward *f, struct err *err)
{
    char storage[STATE_MAX];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    buf_format(&text, "%llu\n%s\n", (unsigned long long)f->position, f->options->address.url);
    return file_replace(&io_kernel, f->state, STATE_FILE, buf_view(&text), err);
}

/* How far the archive is signed. */
static enum rc archive_look(struct forward *f, struct err *err)
{
    struct note note;
    struct checkpoint checkpoint;
    enum rc rc = archive_reader_refresh(f->options->reader, err);
    struct str text = archive_reader_checkpoint(f->options->reader);
    if (rc != RC_OK || !text.n)
        return rc;
    rc = note_parse(text, &note, err);
    rc = rc == RC_OK ? checkpoint_parse(note.text, &checkpoint, err) : rc;
    if (rc == RC_OK)
        f->upto = MIN(checkpoint.head.size, archive_reader_size(f->options->reader));
    return rc;
}

/* ---- the status ---- */

/* When the next record was received; 0 when none waits, or it is gone. */
static int64_t waiting_since(struct forward *f)
{
    struct archive_hit hit;
    struct err err;
    arena_reset(f->arena);
    bool waits =
        f->position < f->upto && archive_reader_record(f->options->reader, f->position, f->arena, &hit, &err) == RC_OK;
    return waits ? hit.leaf.received_ns : 0;
}

/* For the page of receivers: now, or when it was not said for a while. That it cannot be written stops nothing. */
static void status_say(struct forward *f, bool now)
{
    const struct forward_options *o = f->options;
    struct err err;
    uint64_t boot_ns = clock_boot_ns();
    if (!now && f->stated_ns && boot_ns - f->stated_ns < STATE_NS)
        return;
    f->stated_ns = boot_ns;
    const struct forward_status status = {.receiver = str_of(o->address.url),
                                          .format = str_of(forward_format_name(o->format)),
                                          .query = str_of(o->query_text ? o->query_text : ""),
                                          .own = o->own,
                                          .next = f->position,
                                          .signed_size = f->upto,
                                          .given = f->given,
                                          .at_ns = clock_real_ns(),
                                          .waiting_ns = waiting_since(f),
                                          .error = f->trouble_ns ? str_of(f->trouble.text) : STR_NONE,
                                          .error_ns = f->trouble_ns};
    if (forward_status_write(f->state, &status, &err) != RC_OK)
        log_warning("%s", err.text);
}

/* ---- a batch ---- */

static void line_add(struct forward *f, const struct archive_hit *hit)
{
    const struct forward_options *o = f->options;
    buf_clear(&f->line);
    forward_line_put(o->format, archive_reader_origin(o->reader), hit, &f->line);
    struct place *place = &f->places[f->count];
    place->record = hit->leaf.index;
    if (o->address.way == FORWARD_HTTPS)
        buf_text(&f->batch, f->count ? ",\n" : "[\n");
    else if (o->address.way == FORWARD_SYSLOG)
        buf_format(&f->batch, "%zu ", f->line.n);
    place->body = f->batch.n;
    buf_str(&f->batch, buf_view(&f->line));
    place->source = f->batch.n;
    if (f->kind)
        buf_str(&f->batch, hit->source.name);
    place->end = f->batch.n;
    f->count++;
}

/* The batch stands: its messages may point into it. */
static void messages_make(struct forward *f)
{
    struct str batch = buf_view(&f->batch);
    for (size_t i = 0; i < f->count; i++) {
        const struct place *place = &f->places[i];
        f->messages[i] = (struct queue_message){.record = place->record,
                                                .body = str_slice(batch, place->body, place->source),
                                                .source = str_slice(batch, place->source, place->end)};
    }
    f->queued = (struct queue_messages){.message = f->messages, .count = f->count, .tree_size = f->upto};
}

static bool wanted(const struct forward *f, const struct archive_hit *hit)
{
    bool sent = hit->leaf.type == LEAF_RAW || hit->leaf.type == LEAF_DIGEST;
    return (sent || f->options->own) &&
           (!f->options->query || query_matches(f->options->query, hit, f->options->names));
}

/* The lines of the next records; *ret_end is the record behind them. */
static enum rc batch_make(struct forward *f, uint64_t *ret_end, struct err *err)
{
    uint64_t at = f->position;
    buf_clear(&f->batch);
    f->count = 0;
    for (uint64_t looked = 0; at < f->upto && looked < SCAN_MAX; looked++) {
        struct archive_hit hit;
        struct archive_gone gone;
        arena_reset(f->arena);
        enum rc rc = archive_reader_record(f->options->reader, at, f->arena, &hit, err);
        if (rc == RC_NOT_FOUND && archive_reader_gone(f->options->reader, at, &gone) && gone.first <= at) {
            log_warning("records %llu to %llu were deleted before they were given on", (unsigned long long)at,
                        (unsigned long long)gone.end - 1);
            at = gone.end;
            continue;
        }
        if (rc != RC_OK)
            return rc;
        at++;
        if (wanted(f, &hit))
            line_add(f, &hit);
        if (f->batch.n >= BATCH_BYTES || f->count >= BATCH_RECORDS)
            break;
    }
    if (f->count && f->options->address.way == FORWARD_HTTPS)
        buf_text(&f->batch, "\n]\n");
    *ret_end = at;
    messages_make(f);
    return f->batch.overflow || f->line.overflow ? err_set(err, RC_LIMIT, "no memory for a batch") : RC_OK;
}

static enum rc batch_post(struct forward *f, struct err *err)
{
    unsigned status = 0;
    enum rc rc = http_exchange(f->http, f->options->address.url, buf_view(&f->batch), &f->answer, &status, err);
    if (rc == RC_OK && (status < 200 || status > 299))
        rc = err_set(err, RC_IO, "the server answered %u: %.*s", status,
                     STR_ARG(str_slice(buf_view(&f->answer), 0, 200)));
    return rc;
}

static enum rc batch_stream(struct forward *f, struct err *err)
{
    const struct forward_options *o = f->options;
    const struct stream_options options = {.host = f->host,
                                           .port = o->address.port[0],
                                           .tls = o->address.tls,
                                           .ca_pem = o->ca_pem,
                                           .certificate = o->certificate,
                                           .key = o->key,
                                           .patience_s = PATIENCE_S,
                                           .stop = on_stop,
                                           .context = f};
    enum rc rc = f->stream ? RC_OK : stream_open(&options, &f->stream, err);
    rc = rc == RC_OK ? stream_send(f->stream, buf_view(&f->batch), err) : rc;
    rc = rc == RC_OK ? stream_settle(f->stream, err) : rc;
    if (rc != RC_OK) {
        stream_close(f->stream);
        f->stream = NULL;
    }
    return rc;
}

/* The position moves behind what was taken before the first that was not. */
static enum rc batch_queue(struct forward *f, struct err *err)
{
    struct err unwritten;
    size_t taken = 0;
    enum rc rc = f->kind->give(f->queue, &f->queued, &taken, err);
    ASSERT(taken <= f->count && (rc != RC_OK || taken == f->count));
    if (rc == RC_OK || taken == 0 || f->places[taken].record <= f->position)
        return rc;
    f->position = f->places[taken].record;
    if (position_write(f, &unwritten) != RC_OK)
        log_warning("%s", unwritten.text); /* at the batch's end that is an error */
    return rc;
}

static enum rc batch_try(struct forward *f, struct err *err)
{
    if (f->kind)
        return batch_queue(f, err);
    return f->options->address.way == FORWARD_HTTPS ? batch_post(f, err) : batch_stream(f, err);
}

static void trouble_tell(struct forward *f, struct err *err)
{
    plain_words(err->text, TROUBLE_MAX); /* mostly a server's own */
    log_warning("%s; again in %d s from record %llu on", err->text, f->backoff_ms / 1000,
                (unsigned long long)f->position);
    f->trouble = *err;
    f->trouble_ns = f->trouble_ns ? f->trouble_ns : clock_real_ns();
    status_say(f, true);
}

/* Until it is taken. False: it is to stop. */
static bool batch_give(struct forward *f)
{
    struct err err = {0};
    while (f->count && !f->stopping) {
        enum rc rc = batch_try(f, &err);
        if (rc == RC_OK) {
            if (f->backoff_ms)
                log_info("%s takes records again", f->options->address.url);
            f->backoff_ms = 0;
            f->trouble_ns = 0;
            f->given += f->count;
            return true;
        }
        f->backoff_ms = f->backoff_ms ? MIN(2 * f->backoff_ms, BACKOFF_MAX) : BACKOFF_MIN;
        if (rc != RC_AGAIN)
            trouble_tell(f, &err);
        IGNORE(on_wait(f, f->backoff_ms));
    }
    return f->count == 0;
}

/* RC_END: there is nothing more by now. RC_AGAIN: it is to stop. */
static enum rc forward_step(struct forward *f, struct err *err)
{
    uint64_t end = f->position;
    enum rc rc = archive_look(f, err);
    if (rc != RC_OK)
        return rc;
    if (f->position >= f->upto)
        return RC_END;
    rc = batch_make(f, &end, err);
    if (rc != RC_OK)
        return rc;
    if (!batch_give(f))
        return RC_AGAIN;
    f->position = end;
    return position_write(f, err);
}

static void tell(struct forward *f, bool now)
{
    uint64_t time = clock_boot_ns();
    if (!now && time - f->told_ns < TELL_NS)
        return;
    f->told_ns = time;
    if (f->options->json) {
        printf("{\"given\":%llu,\"next\":%llu,\"signed\":%llu}\n", (unsigned long long)f->given,
               (unsigned long long)f->position, (unsigned long long)f->upto);
        IGNORE(fflush(stdout) != 0); /* nobody may be looking */
    }
    log_info("%llu records were given to %s; the next is %llu of %llu", (unsigned long long)f->given,
             f->options->address.url, (unsigned long long)f->position, (unsigned long long)f->upto);
}

/* ---- the process ---- */

static enum rc sandbox_take(const struct forward_options *o, struct err *err)
{
    struct buf missing CLEANUP(buf_done);
    struct sandbox_path paths[] = {
        {.path = o->archive, .access = SANDBOX_READ},
        {.path = o->state, .access = SANDBOX_READ | SANDBOX_WRITE},
        {.path = "/etc", .access = SANDBOX_READ}, /* names of hosts, certificates */
        {.path = "/usr/lib", .access = SANDBOX_READ},
        {.path = "/lib", .access = SANDBOX_READ},
        {.path = "/usr/share/ca-certificates", .access = SANDBOX_READ},
        {.path = "/run/systemd/resolve", .access = SANDBOX_READ},
    };
    struct sandbox sandbox = {.calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_CONNECT | SANDBOX_THREADS,
                              .paths = paths,
                              .path_count = ARRAY_LEN(paths),
                              .files_max = 4096};
    buf_init(&missing, 4096);
    enum rc rc = sandbox_hold(paths, ARRAY_LEN(paths), err);
    rc = rc == RC_OK ? sandbox_enter(&sandbox, &missing, err) : rc;
    for (struct str rest = buf_view(&missing); rest.n > 0;) {
        struct str line = str_cut(&rest, '\n');
        log_warning("missing: %.*s", STR_ARG(line));
    }
    return rc;
}

static enum rc state_open(struct forward *f, struct err *err)
{
    const char *path = f->options->state;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(err, errno, "could not create the folder \"%s\"", path);
    f->state = io_open_folder(path);
    if (f->state < 0)
        return err_errno(err, -f->state, "could not open the folder \"%s\"", path);
    f->lock = io_kernel.open(NULL, f->state, "lock", IO_READ | IO_WRITE | IO_CREATE);
    int result = f->lock < 0 ? f->lock : io_kernel.lock(NULL, f->lock);
    if (result == -EWOULDBLOCK)
        return err_set(err, RC_EXISTS, "another qorgan forward runs on the folder \"%s\"; stop it first", path);
    return result < 0 ? err_errno(err, -result, "could not lock the folder \"%s\"", path) : RC_OK;
}

/* What speaks to the receiver; nothing goes out yet. */
static enum rc receiver_open(struct forward *f, struct err *err)
{
    const struct forward_options *o = f->options;
    const struct http_options http = {
        .ca_pem = o->ca_pem, .bearer = o->token, .patience_s = PATIENCE_S, .stop = on_stop, .context = f};
    const struct queue_options queue = {.address = &o->address,
                                        .origin = archive_reader_origin(o->reader),
                                        .ca_pem = o->ca_pem,
                                        .certificate = o->certificate,
                                        .key = o->key,
                                        .user = o->user,
                                        .password = o->password,
                                        .token = o->token,
                                        .creds = o->creds,
                                        .mechanism = o->mechanism,
                                        .patience_s = PATIENCE_S,
                                        .stop = on_stop,
                                        .context = f};
    f->kind = o->address.way == FORWARD_KAFKA ? &queue_kafka : o->address.way == FORWARD_NATS ? &queue_nats : NULL;
    if (f->kind)
        return f->kind->open(&queue, &f->queue, err);
    if (o->address.way == FORWARD_HTTPS)
        return http_new(&http, &f->http, err);
    bool fits = str_copy_z(o->address.host[0], f->host, sizeof f->host); /* a part of the address */
    ASSERT(fits);
    return RC_OK;
}

static enum rc forward_open(struct forward *f, struct err *err)
{
    const struct forward_options *o = f->options;
    f->arena = arena_new((size_t)64 << 20);
    f->places = memory_new(BATCH_RECORDS * sizeof *f->places);
    f->messages = memory_new(BATCH_RECORDS * sizeof *f->messages);
    f->signals = proc_signals();
    buf_init(&f->batch, BATCH_MAX);
    buf_init(&f->line, BATCH_MAX);
    buf_init(&f->answer, ANSWER_MAX);
    if (!f->arena || !f->places || !f->messages || f->signals < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = state_open(f, err);
    rc = rc == RC_OK ? receiver_open(f, err) : rc;
    rc = rc == RC_OK && o->sandbox ? sandbox_take(o, err) : rc;
    rc = rc == RC_OK ? archive_look(f, err) : rc;
    return rc == RC_OK ? position_read(f, err) : rc;
}

void forward_begin(void)
{
    IGNORE(OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) != 1); /* whoever needs it next will say so */
}

int forward_run(const struct forward_options *options)
{
    struct forward *f = memory_new(sizeof *f);
    struct err err = {0};
    log_open("forward");
    if (!f)
        return EXIT_FAILURE;
    *f = (struct forward){.options = options, .state = -1, .lock = -1, .signals = -1};
    enum rc rc = forward_open(f, &err);
    if (rc == RC_OK)
        log_info("records from %llu on go to %s", (unsigned long long)f->position, options->address.url);
    f->told_ns = clock_boot_ns();
    while (rc == RC_OK && !f->stopping) {
        rc = forward_step(f, &err);
        tell(f, false);
        status_say(f, false);
        if (rc == RC_END && !options->once) {
            IGNORE(on_wait(f, REST_MS));
            rc = RC_OK;
        }
    }
    bool good = rc == RC_OK || rc == RC_END || (rc == RC_AGAIN && f->stopping);
    if (!good)
        log_error("%s", err.text);
    else
        tell(f, true);
    if (good)
        status_say(f, true);
    if (f->kind)
        f->kind->close(f->queue);
    stream_close(f->stream);
    http_free(f->http);
    memory_free(f->places);
    memory_free(f->messages);
    buf_done(&f->batch);
    buf_done(&f->line);
    buf_done(&f->answer);
    arena_free(f->arena);
    const int fds[] = {f->lock, f->state, f->signals};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    memory_free(f);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
