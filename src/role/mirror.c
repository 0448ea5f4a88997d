/* mirror.c - the mirror's process: its folders and sandbox, pull after pull, and what an alarm does.
 *
 *   open ──► pull ──ok──► report, wait ──► pull …
 *             ├─ network ──► say so, ask again after the interval; the archive stays open, and its lock held
 *             ├─ disk ──► say so, open anew after the interval
 *             ├─ token or certificate refused, format too new ──► exit 1
 *             └─ alarm ──► alarms file, standard error, report "stopped" ──► exit 1; the copy stays as it was
 *
 * The server's own state is told apart, because the two are mended at different places; none of it ends the mirror:
 *
 *   ANSWERS ──no answer for so long──► SILENT      the network, or the host
 *      ├──answers, nothing new is signed──► STILL  its keeper or signer: collection may be off; heartbeats make it grow
 *      └◄── whenever it grows again ── */
#include "role/mirror.h"

#include "base/assert.h"
#include "base/civil.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "role/log.h"
#include "role/mirror_pull.h"
#include "role/tokens.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALARMS_FILE "alarms" /* one JSON object a line, only appended to */
#define ANSWER_MAX  ((size_t)5 << 20)
#define ANSWER_MEM  ((size_t)64 << 20)
#define PATIENCE_S  60L
#define FILES_MAX   8192

enum server_state { SERVER_ANSWERS, SERVER_SILENT, SERVER_STILL };

static const char *const server_states[] = {"answers", "silent", "still"};

struct mirror {
    const struct mirror_options *options;
    int data;
    int archive;
    int folder; /* DATA/mirror */
    int signals;
    bool stopping;
    struct mirror_pull pull;
    bool failing; /* the last pull failed: said once */
    enum server_state server;
    int64_t grown_ns; /* boot time at which more was signed than ever before */
    uint64_t grown;   /* records that were */
};

/* Waits so long, or sees whether it is to stop. */
static bool on_wait(void *context, int64_t ms)
{
    struct mirror *m = context;
    struct pollfd poll_fd = {.fd = m->signals, .events = POLLIN};
    if (!m->stopping && poll(&poll_fd, 1, (int)MIN(ms, INT32_MAX)) > 0) {
        int number = proc_signal_next(m->signals);
        m->stopping = number == SIGTERM || number == SIGINT || number == SIGHUP;
    }
    return !m->stopping;
}

static bool on_stop(void *context)
{
    return !on_wait(context, 0);
}

/* ---- opening ---- */

static enum rc folders_open_all(struct mirror *m, struct err *err)
{
    const char *path = m->options->data;
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return err_errno(err, errno, "could not create the data folder \"%s\"", path);
    m->data = io_open_folder(path);
    if (m->data < 0)
        return err_errno(err, -m->data, "could not open the data folder \"%s\"", path);
    enum rc rc = folder_open(&io_kernel, m->data, "archive", true, &m->archive, err);
    return rc == RC_OK ? folder_open(&io_kernel, m->data, MIRROR_FOLDER, true, &m->folder, err) : rc;
}

static enum rc sandbox_take(const struct mirror *m, struct err *err)
{
    char archive[4096];
    char own[4096];
    struct sandbox_path paths[] = {
        {.path = archive, .access = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_REMOVE},
        {.path = own, .access = SANDBOX_READ | SANDBOX_WRITE},
        {.path = "/etc", .access = SANDBOX_READ},
        {.path = "/usr/lib", .access = SANDBOX_READ},
        {.path = "/lib", .access = SANDBOX_READ},
        {.path = "/usr/share/ca-certificates", .access = SANDBOX_READ},
        {.path = "/run/systemd/resolve", .access = SANDBOX_READ},
    };
    struct sandbox sandbox = {.calls =
                                  SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_UNLINK | SANDBOX_CONNECT | SANDBOX_THREADS,
                              .paths = paths,
                              .path_count = ARRAY_LEN(paths),
                              .files_max = FILES_MAX};
    struct buf missing;
    snprintf(archive, sizeof archive, "%s/archive", m->options->data);
    snprintf(own, sizeof own, "%s/%s", m->options->data, MIRROR_FOLDER);
    buf_init(&missing, 4096);
    enum rc rc = proc_close_memory(err);
    rc = rc == RC_OK ? sandbox_hold(paths, ARRAY_LEN(paths), err) : rc;
    rc = rc == RC_OK ? sandbox_enter(&sandbox, &missing, err) : rc;
    struct str rest = buf_view(&missing);
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        log_warning("missing: %.*s", STR_ARG(line));
    }
    buf_done(&missing);
    return rc;
}

static enum rc open_all(struct mirror *m)
{
    struct mirror_pull *p = &m->pull;
    struct http_options http = {.ca_pem = m->options->ca_pem,
                                .pin = m->options->pin,
                                .bearer = m->options->token,
                                .patience_s = PATIENCE_S,
                                .stop = on_stop,
                                .context = m};
    *p = (struct mirror_pull){.from = m->options->from,
                              .policy = m->options->policy,
                              .witness = m->options->witness,
                              .wait = on_wait,
                              .context = m,
                              .arena = arena_new(ANSWER_MEM)};
    buf_init(&p->body, ANSWER_MAX);
    buf_init(&p->packed, MIRROR_PACKED_MAX);
    buf_init(&p->note, NOTE_SIZE_MAX);
    buf_init(&p->cosigned, NOTE_SIZE_MAX);
    m->signals = proc_signals();
    if (!p->arena || m->signals < 0)
        return err_set(&p->err, RC_LIMIT, "no memory for the mirror");
    enum rc rc = folders_open_all(m, &p->err);
    p->folder = m->folder;
    rc = rc == RC_OK ? http_new(&http, &p->http, &p->err) : rc;
    if (rc == RC_OK && m->options->sandbox)
        rc = sandbox_take(m, &p->err);
    else if (rc == RC_OK)
        log_warning("missing: the sandbox is off");
    return rc == RC_OK ? mirror_pull_begin(p) : rc;
}

/* ---- what is said ---- */

/* Appended and synced: what was seen must not be lost with the process. */
static void alarm_record(struct mirror *m, const char *alarm, const char *text)
{
    const struct mirror_pull *p = &m->pull;
    char time[CIVIL_TEXT_MAX];
    struct buf line;
    struct err err = {0};
    int64_t size = 0;
    buf_init(&line, 16384);
    json_write_object(&line);
    json_put_str(&line, "time", str_at(time, civil_format(clock_real_ns(), 0, 3, time)));
    json_put_text(&line, "alarm", alarm);
    json_put_text(&line, "text", text);
    json_put_text(&line, "server", p->from);
    json_put_u64(&line, "held", p->store ? mirror_store_size(p->store) : 0);
    json_put_u64(&line, "seen", p->seen.head.size);
    json_write_object_end(&line);
    buf_char(&line, '\n');
    int fd = io_kernel.open(NULL, m->folder, ALARMS_FILE, IO_READ | IO_WRITE | IO_CREATE);
    enum rc rc = fd < 0 ? err_errno(&err, -fd, "could not open the file of alarms") : RC_OK;
    if (rc == RC_OK && io_kernel.size(NULL, fd, &size) == 0)
        rc = file_write_at(&io_kernel, fd, buf_view(&line), size, &err);
    if (rc == RC_OK && io_kernel.sync(NULL, fd) < 0)
        rc = err_set(&err, RC_IO, "could not sync the file of alarms");
    if (rc != RC_OK)
        log_error("%s", err.text);
    if (fd >= 0)
        IGNORE(io_kernel.close(NULL, fd)); /* synced */
    buf_done(&line);
}

static void pulled_say(const struct mirror *m, enum rc rc)
{
    const struct mirror_pull *p = &m->pull;
    uint64_t size = p->store ? mirror_store_size(p->store) : 0;
    if (!m->options->json) {
        if (rc == RC_OK && p->bytes > 65536)
            log_info("%llu records, %llu signed; %llu bytes came", (unsigned long long)size,
                     (unsigned long long)p->target.size, (unsigned long long)p->bytes);
        return;
    }
    struct buf line;
    buf_init(&line, 16384);
    json_write_object(&line);
    json_put_bool(&line, "ok", rc == RC_OK);
    json_put_u64(&line, "records", size);
    json_put_u64(&line, "sealed", p->store ? mirror_store_sealed(p->store) : 0);
    json_put_u64(&line, "signed", p->seen.head.size);
    json_put_u64(&line, "bytes", p->bytes);
    json_put_text(&line, "server", server_states[m->server]);
    if (p->alarm)
        json_put_text(&line, "alarm", p->alarm);
    if (rc != RC_OK)
        json_put_text(&line, "text", p->err.text);
    json_write_object_end(&line);
    printf("%s\n", buf_z(&line));
    fflush(stdout);
    buf_done(&line);
}

static void server_to(struct mirror *m, enum server_state to, int64_t quiet_s)
{
    char text[ERR_TEXT_MAX];
    if (m->server == to)
        return;
    m->server = to;
    if (to == SERVER_ANSWERS) {
        log_info("the server answers, and its archive grows again");
        return;
    }
    if (to == SERVER_SILENT)
        snprintf(text, sizeof text, "the server has not answered for %lld s", (long long)quiet_s);
    else
        snprintf(
            text, sizeof text,
            "the server answers, but has signed nothing new for %lld s: does it still collect, is its clock or disk "
            "in order?",
            (long long)quiet_s);
    log_warning("%s", text);
    alarm_record(m, server_states[to], text);
}

/* Judged after each pull. */
static void server_judge(struct mirror *m)
{
    const struct mirror_pull *p = &m->pull;
    int64_t now_ns = (int64_t)clock_boot_ns();
    if (p->seen.head.size > m->grown) {
        m->grown = p->seen.head.size;
        m->grown_ns = now_ns;
    }
    int64_t mute_s = (now_ns - p->answered_ns) / SECOND_NS;
    int64_t still_s = (now_ns - m->grown_ns) / SECOND_NS;
    if (mute_s >= m->options->silent_s)
        server_to(m, SERVER_SILENT, mute_s);
    else if (still_s >= m->options->silent_s && still_s >= 2 * m->options->interval_s)
        server_to(m, SERVER_STILL, still_s);
    else if (!p->unanswered)
        server_to(m, SERVER_ANSWERS, 0);
}

/* ---- pulls ---- */

static enum rc pull_once(struct mirror *m)
{
    struct mirror_pull *p = &m->pull;
    if (!p->store) {
        enum rc rc = mirror_store_open(&io_kernel, m->archive, m->options->vault, &p->store, &p->err);
        p->confirmed = false;
        if (rc == RC_CORRUPT)
            p->alarm = "own";
        if (rc != RC_OK)
            return rc;
    }
    return mirror_pull(p, clock_real_ns());
}

static void store_close(struct mirror *m)
{
    mirror_store_close(m->pull.store);
    m->pull.store = NULL;
}

/* Whether to go on after a pull that ended so. */
static bool pulled(struct mirror *m, enum rc rc)
{
    struct mirror_pull *p = &m->pull;
    if (rc == RC_DENIED && !m->stopping && p->http)
        p->alarm = NULL; /* not the archive's fault; nothing was pulled */
    server_judge(m);
    pulled_say(m, rc);
    if (p->alarm) {
        log_error("ALARM (%s): %s; this copy stays as it is", p->alarm, p->err.text);
        alarm_record(m, p->alarm, p->err.text);
        mirror_pull_report(p, m->options->interval_s, clock_real_ns());
        return false;
    }
    if (rc == RC_OK) {
        if (m->failing)
            log_info("the server is followed again");
        m->failing = false;
        mirror_pull_report(p, m->options->interval_s, clock_real_ns());
        return true;
    }
    if (m->stopping)
        return true;
    if (p->waiting) /* the mirror is there, and does as it should */
        mirror_pull_report(p, m->options->interval_s, clock_real_ns());
    bool retry = rc == RC_IO || rc == RC_AGAIN;
    if (!retry || m->options->once)
        log_error("%s", p->err.text);
    else if (!m->failing)
        log_warning("%s; it is tried again", p->err.text);
    m->failing = true;
    if (!p->unanswered && !p->waiting) /* a failure of the store is final */
        store_close(m);
    return retry;
}

int mirror_run(const struct mirror_options *options)
{
    struct mirror *m = memory_new(sizeof *m);
    int status = EXIT_FAILURE;
    log_open("mirror");
    if (!m)
        return status;
    *m = (struct mirror){.options = options, .data = -1, .archive = -1, .folder = -1, .signals = -1};
    enum rc rc = open_all(m);
    m->grown_ns = m->pull.answered_ns = (int64_t)clock_boot_ns();
    m->grown = m->pull.seen.head.size;
    if (rc != RC_OK)
        log_error("%s", m->pull.err.text);
    if (m->pull.alarm)
        alarm_record(m, m->pull.alarm, m->pull.err.text);
    bool go = rc == RC_OK;
    while (go && !m->stopping) {
        rc = pull_once(m);
        go = pulled(m, rc);
        status = go && (rc == RC_OK || !options->once) ? EXIT_SUCCESS : EXIT_FAILURE;
        go = go && !options->once && on_wait(m, options->interval_s * 1000);
    }
    if (m->stopping && !m->pull.alarm)
        status = EXIT_SUCCESS;
    store_close(m);
    http_free(m->pull.http);
    buf_done(&m->pull.body);
    buf_done(&m->pull.packed);
    buf_done(&m->pull.note);
    buf_done(&m->pull.cosigned);
    arena_free(m->pull.arena);
    const int fds[] = {m->folder, m->archive, m->data, m->signals};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    memory_free(m);
    return status;
}
