/* reader.c - reads one file that a person uploaded: a scanner's into findings for the desk, or a list of indicators
 * into what of it can be looked for; then it ends, and the parent starts a fresh one: whatever a file does to the
 * process that reads it, the next file meets none of it.
 *
 *   idle ──MSG_REPORT──► unpack, read ──parts, as the desk keeps them──► end told ──MSG_REPORT_STOP──► exit
 *     │                     └── MSG_REPORT_STOP, the desk is gone ──► exit
 *     └──(MSG_LIST_BASE) MSG_LIST──► read, compare ── as above
 *
 * It opens nothing and connects to nobody: it has the descriptor that it was given, a channel to the desk, memory and
 * processor time within limits. When it dies the desk says so to who uploaded. */
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "role/list_reading.h"
#include "role/log.h"
#include "role/report_part.h"
#include "role/roles.h"
#include "scan/report.h"

#include <stdlib.h>

#define MEMORY_MAX (UINT64_C(4) << 30) /* a tree of JSON takes some times its text */
#define CPU_S_MAX  900u
#define PART_FULL  (DESK_UPLOAD_PART - ((size_t)256 << 10)) /* the largest finding still fits behind it */
#define TOLD_NS    UINT64_C(300000000)
#define WAIT_MS    1000
#define BASE_MAX   ((size_t)OWN_LISTS_STORED + 4096) /* bytes of a list as it stands */

struct job {
    uint64_t id;
    uint64_t file_bytes;
    uint64_t report_bytes; /* unpacked */
    uint64_t findings;     /* in parts before the present one */
    struct buf part;
    uint32_t part_count;
    uint32_t flying;
    uint64_t told_ns;
    char scanner[SCAN_SCANNER_MAX + 1];
    bool several; /* scanners */
};

/* One a process. */
static struct {
    struct channel *desk; /* NULL: gone */
    bool stopped;
    uint32_t days;   /* setting indicator-days */
    struct str base; /* of the list that comes: as it stands */
    bool unbased;    /* there is one, but it could not be had */
    struct job job;
} reader;

static bool is_wanted(void)
{
    return reader.desk && !reader.stopped;
}

static void part_begin(struct job *job)
{
    buf_clear(&job->part);
    buf_be32(&job->part, 0);
    json_write_array(&job->part);
    job->part_count = 0;
}

/* Waits until the desk kept those before. False: nobody wants it any more. */
static bool piece_send(struct job *job, enum msg_type type, struct str piece)
{
    while (is_wanted() && job->flying >= REPORT_PARTS_FLYING)
        IGNORE(channel_wait(reader.desk, WAIT_MS));
    if (!is_wanted() || !channel_send(reader.desk, type, job->id, piece))
        return false;
    job->flying++;
    return true;
}

static bool part_send(struct job *job)
{
    if (job->part_count == 0)
        return is_wanted();
    json_write_array_end(&job->part);
    put_be32(job->part.p, job->part_count);
    ASSERT(!job->part.overflow);
    if (!piece_send(job, MSG_REPORT_PART, buf_view(&job->part)))
        return false;
    job->findings += job->part_count;
    part_begin(job);
    return true;
}

static bool on_finding(void *context, const struct scan_finding *finding)
{
    struct job *job = context;
    bool same = str_is(finding->scanner, job->scanner);
    job->several |= job->scanner[0] && !same;
    if (!job->scanner[0])
        IGNORE(!str_copy_z(finding->scanner, job->scanner, sizeof job->scanner));
    scan_finding_write(finding, &job->part);
    job->part_count++;
    return (job->part_count < DESK_UPLOAD_PART_COUNT && job->part.n < PART_FULL) || part_send(job);
}

static void told(const struct job *job, uint64_t bytes)
{
    char storage[16];
    struct buf body;
    buf_init_fixed(&body, storage, sizeof storage);
    /* of the file as it was given, though another is read that it was packed into */
    uint64_t of_file =
        job->report_bytes ? (uint64_t)((double)bytes / (double)job->report_bytes * (double)job->file_bytes) : 0;
    report_told_write(&(struct report_told){of_file, job->findings + job->part_count}, &body);
    if (!channel_send(reader.desk, MSG_REPORT_TOLD, job->id, buf_view(&body)))
        reader.stopped = true;
}

static bool on_watch(void *context, uint64_t bytes)
{
    struct job *job = context;
    if (reader.desk)
        IGNORE(channel_take(reader.desk)); /* a stop, or what is kept */
    uint64_t now = clock_boot_ns();
    if (is_wanted() && now - job->told_ns >= TOLD_NS) {
        job->told_ns = now;
        told(job, bytes);
    }
    return is_wanted();
}

static void end_send(const struct job *job, enum scan_fault fault, const struct scan_summary *summary,
                     const struct err *err)
{
    char storage[4096];
    struct buf body;
    struct desk_upload_end end = {.fault = str_of(scan_fault_name(fault)),
                                  .detail = fault ? str_of(err->text) : STR(""),
                                  .line = summary->line,
                                  .format = str_of(summary->format),
                                  .scanner = job->several      ? STR("")
                                             : job->scanner[0] ? str_of(job->scanner)
                                                               : str_of(summary->format),
                                  .hosts = (int64_t)summary->hosts,
                                  .passed = (int64_t)summary->left,
                                  .broken = (int64_t)summary->broken,
                                  .cut = (int64_t)summary->cut};
    buf_init_fixed(&body, storage, sizeof storage);
    report_end_write(&end, &body);
    ASSERT(!body.overflow);
    if (reader.desk && !channel_send(reader.desk, MSG_REPORT_END, job->id, buf_view(&body)))
        log_warning("the desk does not take how a reading ended");
}

static void report_read(struct job *job, struct str file)
{
    const struct scan_reader of = {.sink = on_finding, .watch = on_watch, .context = job};
    struct scan_summary summary = {.format = ""};
    struct scan_unpacked unpacked;
    enum scan_fault fault;
    struct err err = {0};
    job->file_bytes = file.n;
    part_begin(job);
    enum rc rc = scan_unpack(file, &unpacked, &fault, &err);
    job->report_bytes = unpacked.bytes.n;
    if (rc == RC_OK) {
        rc = scan_report_watch(unpacked.bytes, &of, &summary, &err);
        fault = (enum scan_fault)summary.fault;
    }
    if (rc == RC_END || (rc == RC_OK && !part_send(job)))
        return; /* nobody wants it */
    end_send(job, fault, &summary, &err);
}

/* Whoever goes while the desk still writes to it takes its last words along. */
static void over(void)
{
    while (is_wanted())
        IGNORE(channel_wait(reader.desk, WAIT_MS));
    process_stop(EXIT_SUCCESS);
}

static void on_report(struct msg *msg)
{
    struct job *job = &reader.job;
    struct str file;
    struct err err = {0};
    *job = (struct job){.id = msg->id};
    buf_init(&job->part, DESK_UPLOAD_PART);
    if (msg->fd_count != 1)
        return;
    enum rc rc = file_map(msg->fds[0], (size_t)DESK_UPLOAD_BYTES, &file, &err);
    if (rc == RC_OK) {
        report_read(job, file);
    } else {
        const struct scan_summary nothing = {.format = ""};
        end_send(job, rc == RC_LIMIT ? SCAN_FAULT_LARGE : SCAN_FAULT_PACKED, &nothing, &err);
    }
    over();
}

/* ---- lists of indicators ---- */

static bool on_lines(void *context, struct str lines)
{
    struct job *job = context;
    if (reader.desk)
        IGNORE(channel_take(reader.desk)); /* a stop, or what is kept */
    return piece_send(job, MSG_LIST_PART, lines);
}

static void list_end_send(const struct job *job, const struct own_list_end *end)
{
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, OWN_LIST_PREVIEW + 4096);
    list_end_write(end, &body);
    ASSERT(!body.overflow);
    if (is_wanted() && !channel_send(reader.desk, MSG_LIST_END, job->id, buf_view(&body)))
        log_warning("the desk does not take how the reading of a list ended");
}

static void list_read(struct job *job, struct str file)
{
    struct list_reading reading = {
        .text = file, .base = reader.base, .days = reader.days, .seed = random_u64(), .part = on_lines, .context = job};
    struct buf preview CLEANUP(buf_done) = {0};
    struct own_list_end end;
    struct err err = {0};
    buf_init(&preview, OWN_LIST_PREVIEW);
    enum rc rc = list_reading_run(&reading, &preview, &end, &err);
    if (rc == RC_END)
        return; /* nobody wants it */
    if (rc != RC_OK) {
        log_error("a list of indicators could not be read: %s", err.text);
        end.fault = STR("full");
    }
    list_end_send(job, &end);
}

static void on_list(struct msg *msg)
{
    struct job *job = &reader.job;
    struct str file;
    struct err err = {0};
    *job = (struct job){.id = msg->id};
    if (msg->fd_count != 1)
        return;
    if (reader.unbased)
        list_end_send(job, &(struct own_list_end){.fault = STR("store"), .preview = STR("{}")});
    else if (file_map(msg->fds[0], (size_t)OWN_LIST_BYTES, &file, &err) == RC_OK)
        list_read(job, file);
    else
        list_end_send(job, &(struct own_list_end){.fault = STR("large"), .preview = STR("{}")});
    over();
}

static void on_base(const struct msg *msg)
{
    struct err err = {0};
    reader.unbased = msg->fd_count != 1 || file_map(msg->fds[0], BASE_MAX, &reader.base, &err) != RC_OK;
    if (reader.unbased)
        log_warning("a list cannot be compared with what stands: %s", err.text);
}

static void reader_message(void *self, struct channel *channel, struct msg *msg)
{
    (void)self;
    (void)channel;
    if (msg->type == MSG_REPORT && !reader.job.id)
        on_report(msg);
    else if (msg->type == MSG_LIST_BASE && !reader.job.id)
        on_base(msg);
    else if (msg->type == MSG_LIST && !reader.job.id)
        on_list(msg);
    else if (msg->type == MSG_REPORT_MORE && msg->id == reader.job.id && reader.job.flying > 0)
        reader.job.flying--;
    else if (msg->type == MSG_REPORT_STOP)
        reader.stopped = true;
}

static enum rc reader_start(struct process *process, void **ret_self, struct err *err)
{
    (void)err;
    reader.days = (uint32_t)process->config.indicator_days;
    *ret_self = &reader;
    return RC_OK;
}

static void reader_peer_up(void *self, struct channel *channel)
{
    (void)self;
    reader.desk = channel;
    if (!reader.job.id)
        reader.stopped = false; /* a reading that another desk ordered stays stopped */
}

/* It may happen in the middle of a reading, while it waits. */
static void reader_peer_down(void *self, enum role role, unsigned instance)
{
    (void)self;
    (void)role;
    (void)instance;
    reader.desk = NULL;
    reader.stopped = true;
}

const struct role_driver reader_driver = {
    .role = ROLE_READER,
    .memory_max = MEMORY_MAX,
    .files_max = 64,
    .cpu_s_max = CPU_S_MAX,
    .background = true,
    .start = reader_start,
    .message = reader_message,
    .peer_up = reader_peer_up,
    .peer_down = reader_peer_down,
};
