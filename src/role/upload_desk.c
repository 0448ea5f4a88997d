#include "role/upload_desk.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/document.h"
#include "desk/own_list.h"
#include "desk/upload.h"
#include "os/clock.h"
#include "os/io.h"
#include "os/proc.h"
#include "role/log.h"
#include "role/process.h"
#include "role/report_part.h"

#include <errno.h>
#include <unistd.h>

#define SCRATCH    ((size_t)16 << 20)
#define FILES_MAX  (UPLOAD_FILES_AWAITED + DESK_UPLOADS_OPEN + OWN_LISTS_OPEN + DESK_DOCUMENTS_COMING)
#define FILE_NAME  "upload.new"
#define SLICE_NS   UINT64_C(30000000)   /* of one look */
#define RETRY_NS   UINT64_C(5000000000) /* after the database took nothing */
#define STOP_NS    UINT64_C(5000000000) /* that a reader has to stop */
#define SILENCE_NS (UPLOAD_SILENCE_S * (uint64_t)SECOND_NS)
/* A file that came whole has its row at once; one that is being received grows all the time (web_server.c). */
#define FORGET_NS UINT64_C(60000000000)
#define LOOK_NS   UINT64_C(10000000000)

struct file {
    uint64_t number; /* 0: free */
    int fd;          /* for reading */
    int64_t size;    /* when it was looked at last */
    uint64_t grew_ns;
    uint64_t expected; /* bytes that web said are to come */
};

struct upload_desk {
    struct desk *desk;
    struct own_lists *lists;
    struct arena *scratch;
    int folder;
    struct file files[FILES_MAX];
    uint64_t numbers;
    uint64_t looked_ns; /* at the files */
    int64_t ordered;    /* of the reader; 0: nothing */
    bool of_list;       /* it is a version of a list of indicators, else an upload */
    uint64_t heard_ns;  /* of it, by the boot clock */
    uint64_t stop_ns;   /* when it was told to stop; 0: it was not */
    uint64_t wait_ns;   /* boot time before which nothing is tried */
};

struct upload_desk *upload_desk_new(struct desk *desk, struct own_lists *lists, int folder)
{
    struct upload_desk *self = memory_new(sizeof *self);
    struct arena *scratch = arena_new(SCRATCH);
    if (!self || !scratch) {
        memory_free(self);
        arena_free(scratch);
        return NULL;
    }
    *self = (struct upload_desk){.desk = desk, .lists = lists, .scratch = scratch, .folder = folder};
    self->numbers = (uint64_t)clock_real_ns(); /* another one than desks before gave: their files are gone */
    return self;
}

static void file_free(struct file *file)
{
    if (file->number)
        close(file->fd);
    *file = (struct file){0};
}

void upload_desk_free(struct upload_desk *self)
{
    if (!self)
        return;
    for (size_t i = 0; i < FILES_MAX; i++)
        file_free(&self->files[i]);
    arena_free(self->scratch);
    memory_free(self);
}

static void trouble(struct upload_desk *self, const char *what, const struct err *err)
{
    log_error("%s: %s", what, err->text);
    self->wait_ns = clock_boot_ns() + RETRY_NS;
}

/* ---- files ---- */

static struct file *file_of(struct upload_desk *self, uint64_t number)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (self->files[i].number == number)
            return &self->files[i];
    return NULL;
}

/* NULL: the quota is used up, or the disk would be by what is still to come of this one and of others. */
static struct file *file_room(struct upload_desk *self, uint64_t expected)
{
    uint64_t bytes = expected;
    uint64_t coming = expected;
    unsigned awaited = 0;
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &self->files[i];
        if (!file->number)
            continue;
        IGNORE(io_kernel.size(io_kernel.self, file->fd, &file->size) < 0);
        uint64_t size = (uint64_t)MAX(file->size, 0);
        bytes += MAX(file->expected, size);
        coming += file->expected > size ? file->expected - size : 0;
        awaited += file->expected > 0;
    }
    uint64_t left = proc_disk_free(self->folder);
    if (bytes > UPLOAD_QUOTA || awaited >= UPLOAD_FILES_AWAITED || left < UPLOAD_DISK_LEFT + coming)
        return NULL;
    return file_of(self, 0);
}

/* Made, opened twice, and its name gone again. -errno. */
static int file_make(struct upload_desk *self, struct file *file)
{
    const unsigned fresh = IO_WRITE | IO_CREATE | IO_EXCLUSIVE;
    int out = io_kernel.open(io_kernel.self, self->folder, FILE_NAME, fresh);
    if (out == -EEXIST) { /* of a desk that died between two calls */
        IGNORE(io_kernel.unlink(io_kernel.self, self->folder, FILE_NAME) < 0);
        out = io_kernel.open(io_kernel.self, self->folder, FILE_NAME, fresh);
    }
    if (out < 0)
        return out;
    int in = io_kernel.open(io_kernel.self, self->folder, FILE_NAME, IO_READ);
    int gone = io_kernel.unlink(io_kernel.self, self->folder, FILE_NAME);
    if (in < 0 || gone < 0) {
        close(out);
        if (in >= 0)
            close(in);
        return in < 0 ? in : gone;
    }
    *file = (struct file){.number = ++self->numbers, .fd = in, .grew_ns = clock_boot_ns()};
    return out;
}

static void on_ask(struct upload_desk *self, struct channel *web, const struct msg *msg)
{
    struct reader in = reader_of(msg->body);
    uint64_t expected = read_be64(&in);
    char number[8];
    bool sent = false;
    if (expected == 0)
        expected = (uint64_t)DESK_UPLOAD_BYTES; /* a body that does not say how long it is may be the longest */
    struct file *file = reader_done(&in) && expected <= (uint64_t)DESK_UPLOAD_BYTES ? file_room(self, expected) : NULL;
    int out = file ? file_make(self, file) : -ENOSPC;
    if (out >= 0) {
        file->expected = expected;
        put_be64(number, file->number);
        sent = channel_send_fd(web, MSG_FILE, msg->id, str_at(number, sizeof number), out);
        close(out);
        if (!sent)
            file_free(file);
    } else {
        log_warning("there is no room for a file that somebody uploads");
        sent = channel_send(web, MSG_FILE, msg->id, STR_NONE);
    }
    if (!sent)
        log_warning("web does not take the file that it asked for");
}

int upload_desk_take(struct upload_desk *self, uint64_t number)
{
    struct file *file = number ? file_of(self, number) : NULL;
    int fd = file ? file->fd : -1;
    if (file)
        *file = (struct file){0};
    return fd;
}

/* A report, a list or a document's file waits for it; also when that is not known. */
static bool file_waits(const struct upload_desk *self, const struct file *file)
{
    struct err err = {0};
    int64_t number = (int64_t)file->number;
    bool report = true;
    bool list = true;
    bool document = true;
    enum rc rc = desk_upload_file_waits(self->desk, number, &report, &err);
    rc = rc == RC_OK ? desk_own_list_file_waits(self->desk, number, &list, &err) : rc;
    rc = rc == RC_OK ? desk_document_file_waits(self->desk, number, &document, &err) : rc;
    return rc != RC_OK || report || list || document;
}

/* The question that an upload of it is there came before. */
static void on_gone(struct upload_desk *self, uint64_t number)
{
    struct file *file = number ? file_of(self, number) : NULL;
    if (!file)
        return;
    file->expected = 0;
    if (!file_waits(self, file))
        file_free(file);
}

/* Files that nobody writes and no upload waits for. */
static void files_look(struct upload_desk *self)
{
    uint64_t now = clock_boot_ns();
    if (now - self->looked_ns < LOOK_NS)
        return;
    self->looked_ns = now;
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &self->files[i];
        int64_t size = file->size;
        if (!file->number)
            continue;
        if (io_kernel.size(io_kernel.self, file->fd, &file->size) >= 0 && file->size != size)
            file->grew_ns = now;
        if (now - file->grew_ns >= FORGET_NS && !file_waits(self, file))
            file_free(file);
    }
}

/* ---- the reader ---- */

static bool wanted(const struct upload_desk *self)
{
    return self->of_list ? desk_own_list_wanted(self->desk, self->ordered)
                         : desk_upload_wanted(self->desk, self->ordered);
}

static void over(struct upload_desk *self, const char *fault, int64_t now_ns)
{
    struct err err = {0};
    const struct desk_upload_end end = {.fault = str_of(fault)};
    const struct own_list_end list_end = {.fault = str_of(fault), .preview = STR("{}")};
    enum rc rc = self->of_list ? desk_own_list_end(self->desk, self->ordered, &list_end, now_ns, &err)
                               : desk_upload_end(self->desk, self->ordered, &end, now_ns, &err);
    if (rc != RC_OK)
        trouble(self, "the end of a reading could not be stored", &err);
}

static void ordered(struct upload_desk *self, struct file *file)
{
    file_free(file);
    self->heard_ns = clock_boot_ns();
    self->stop_ns = 0;
}

static void order(struct upload_desk *self, struct channel *reader, int64_t now_ns)
{
    struct err err = {0};
    int64_t id, number;
    if (desk_upload_next(self->desk, &id, &number, &err) != RC_OK) {
        trouble(self, "the next file to be read could not be found", &err);
        return;
    }
    struct file *file = id && number > 0 ? file_of(self, (uint64_t)number) : NULL;
    if (!id)
        return;
    self->ordered = id;
    self->of_list = false;
    if (!file || !channel_send_fd(reader, MSG_REPORT, (uint64_t)id, STR_NONE, file->fd)) {
        over(self, "lost", now_ns); /* it was another desk that had it */
        self->ordered = 0;
        return;
    }
    ordered(self, file);
}

/* What the list has by now goes first. */
static bool base_send(const struct upload_desk *self, struct channel *reader, const struct own_list_order *next)
{
    if (!next->base.n)
        return true;
    int fd = own_lists_open(self->lists, next->base);
    bool sent = fd >= 0 && channel_send_fd(reader, MSG_LIST_BASE, (uint64_t)next->id, STR_NONE, fd);
    if (fd >= 0)
        close(fd);
    return sent;
}

/* A list is compared with its file: that is there once the files are what stands. */
static void order_list(struct upload_desk *self, struct channel *reader, int64_t now_ns)
{
    struct own_list_order next;
    struct err err = {0};
    if (!own_lists_at_rest(self->lists))
        return;
    arena_reset(self->scratch);
    if (desk_own_list_next(self->desk, self->scratch, &next, &err) != RC_OK) {
        trouble(self, "the next list to be read could not be found", &err);
        return;
    }
    if (!next.id)
        return;
    struct file *file = next.file > 0 ? file_of(self, (uint64_t)next.file) : NULL;
    self->ordered = next.id;
    self->of_list = true;
    const char *fault =
        !file ? "lost"
        : base_send(self, reader, &next) && channel_send_fd(reader, MSG_LIST, (uint64_t)next.id, STR_NONE, file->fd)
            ? NULL
            : "store";
    if (!fault) {
        ordered(self, file);
        return;
    }
    over(self, fault, now_ns);
    self->ordered = 0;
}

static void refused(struct upload_desk *self, enum rc rc, const struct err *err, int64_t now_ns)
{
    if (rc == RC_LIMIT)
        over(self, "full", now_ns);
    else if (rc == RC_INVALID)
        over(self, "answer", now_ns);
    else
        over(self, "store", now_ns);
    log_warning("the reading of an uploaded file was given up: %s", err->text);
}

static enum rc part_take(struct upload_desk *self, const struct msg *msg, struct err *err)
{
    struct str list;
    uint32_t count;
    if (self->of_list)
        return desk_own_list_part(self->desk, self->ordered, msg->body, err);
    return report_part_read(msg->body, &count, &list) ? desk_upload_part(self->desk, self->ordered, count, list, err)
                                                      : err_set(err, RC_INVALID, "what the reader tells does not read");
}

static void on_part(struct upload_desk *self, struct channel *reader, const struct msg *msg, int64_t now_ns)
{
    struct err err = {0};
    enum rc rc = part_take(self, msg, &err);
    if (rc != RC_OK)
        refused(self, rc, &err, now_ns);
    else if (!channel_send(reader, MSG_REPORT_MORE, msg->id, STR_NONE))
        log_warning("the reader does not take what it is told");
}

/* One that is read, was dropped, or says nothing, is stopped; when it does not hear, ended. The next is a fresh
 * process. */
static void reader_watch(struct upload_desk *self, struct channel *reader, int64_t now_ns)
{
    uint64_t now = clock_boot_ns();
    if (wanted(self) && now - self->heard_ns > SILENCE_NS)
        over(self, "slow", now_ns);
    if (wanted(self))
        return;
    if (!self->stop_ns) {
        self->stop_ns = now;
        IGNORE(channel_send(reader, MSG_REPORT_STOP, (uint64_t)self->ordered, STR_NONE)); /* then it is gone */
    } else if (now - self->stop_ns > STOP_NS) {
        self->stop_ns = now;
        process_tell(MSG_STUCK);
    }
}

static void on_end(struct upload_desk *self, const struct msg *msg, int64_t now_ns)
{
    struct desk_upload_end end = {0};
    struct own_list_end list_end = {0};
    struct err err = {0};
    enum rc rc = RC_OK;
    bool reads = self->of_list ? list_end_read(msg->body, &list_end) : report_end_read(msg->body, &end);
    if (!reads)
        over(self, "answer", now_ns);
    else if (self->of_list)
        rc = desk_own_list_end(self->desk, self->ordered, &list_end, now_ns, &err);
    else
        rc = desk_upload_end(self->desk, self->ordered, &end, now_ns, &err);
    if (rc != RC_OK)
        trouble(self, "the end of a reading could not be stored", &err);
}

static void on_reader(struct upload_desk *self, struct channel *reader, const struct msg *msg, int64_t now_ns)
{
    struct report_told told;
    bool of_list = msg->type == MSG_LIST_PART || msg->type == MSG_LIST_END;
    if (!self->ordered || (int64_t)msg->id != self->ordered || !wanted(self))
        return;
    self->heard_ns = clock_boot_ns();
    if (of_list != self->of_list)
        over(self, "answer", now_ns);
    else if (msg->type == MSG_REPORT_PART || msg->type == MSG_LIST_PART)
        on_part(self, reader, msg, now_ns);
    else if (msg->type == MSG_REPORT_TOLD && report_told_read(msg->body, &told))
        desk_upload_told(self->desk, self->ordered, (int64_t)told.bytes, (int64_t)told.findings);
    else if (msg->type == MSG_REPORT_END || msg->type == MSG_LIST_END)
        on_end(self, msg, now_ns);
    reader_watch(self, reader, now_ns);
}

bool upload_desk_message(struct upload_desk *self, struct channel *from, const struct msg *msg, int64_t now_ns)
{
    if (msg->type == MSG_FILE_ASK)
        on_ask(self, from, msg);
    else if (msg->type == MSG_FILE_GONE)
        on_gone(self, msg->id);
    else if (channel_peer(from) == ROLE_READER)
        on_reader(self, from, msg, now_ns);
    else
        return false;
    return true;
}

void upload_desk_down(struct upload_desk *self, enum role peer, int64_t now_ns)
{
    for (size_t i = 0; i < FILES_MAX && peer == ROLE_WEB; i++)
        on_gone(self, self->files[i].number);
    if (peer != ROLE_READER || !self->ordered)
        return;
    if (wanted(self))
        over(self, "died", now_ns);
    self->ordered = 0;
    self->stop_ns = 0;
}

bool upload_desk_look(struct upload_desk *self, int64_t now_ns)
{
    struct channel *reader = process_peer(ROLE_READER, 0);
    uint64_t begin = clock_boot_ns();
    struct err err = {0};
    bool worked = false;
    files_look(self);
    if (begin < self->wait_ns)
        return false;
    if (self->ordered && reader)
        reader_watch(self, reader, now_ns);
    else if (reader)
        order(self, reader, now_ns);
    if (!self->ordered && reader)
        order_list(self, reader, now_ns);
    while (desk_upload_works(self->desk) && clock_boot_ns() - begin < SLICE_NS) {
        arena_reset(self->scratch);
        worked = true;
        if (desk_upload_step(self->desk, now_ns, self->scratch, &err) == RC_OK)
            continue;
        trouble(self, "an uploaded report could not be counted or taken, it is tried again", &err);
        break;
    }
    if (desk_own_list_works(self->desk) && desk_own_list_step(self->desk, &err) != RC_OK)
        trouble(self, "what is left of a list could not be cleared away, it is tried again", &err);
    return worked;
}

int upload_desk_timeout_ms(const struct upload_desk *self)
{
    bool works = desk_upload_works(self->desk) || desk_own_list_works(self->desk);
    return works && clock_boot_ns() >= self->wait_ns ? 0 : -1;
}
