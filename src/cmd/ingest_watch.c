/* ingest_watch.c - folders into which people and programs lay files: exported event logs above all.
 *
 * A file is taken when nothing of it changed for a while and no process has it open for writing; it is known by its
 * whole content (SHA-256), so that the same bytes laid down twice are one set of records. Each is read by a process of
 * its own, which may open nothing but the folder: what a hostile file does to its reader refuses the file and no more.
 * What the service did not acknowledge stays where it is and is taken later. */
#include "cmd/ingest_watch.h"

#include "base/bytes.h"
#include "cmd/archive_client.h"
#include "cmd/cmd.h"
#include "cmd/ingest_file.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "role/log.h"
#include "tlog/hash.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUND_MS     1000
#define NAMES_MAX    256u /* of one folder at once; the others follow, in the order of names */
#define NAME_ROOM    256u
#define SAME_MAX     1000u /* files of one name in done/ */
#define MEMORY_MAX   (UINT64_C(2) << 30)
#define HASH_CHUNK   ((size_t)256 << 10)
#define SAID_MAX     8192u
#define SECOND_NS    INT64_C(1000000000)
#define NAME_LONGEST 244u /* what is put behind it must fit: ".999.reason" */
#define DONE_NAME    "done"
#define REFUSE_NAME  "refused"

enum taken { TAKEN_WHOLE, TAKEN_DAMAGED, TAKEN_REFUSED, TAKEN_LATER };

struct watch {
    const struct options *options;
    struct loop *loop;
    int signals;
    bool stop;
    bool failed;       /* by which it stopped */
    bool trouble;      /* something in a watched folder cannot be taken, seen in this round */
    bool trouble_told; /* the same of the round before: a message a round would fill the log */
    bool away;         /* that the service does not answer was told */
    bool missing_told; /* what the kernel lacks to confine a reading */
};

/* One folder's files of one round. */
struct place {
    struct watch *watch;
    const char *path;
    const char *source; /* the name that its files' records have; NULL: each file's path */
    int folder;
    int done;
    int refused;
    bool below;            /* a folder inside a watched one: folders in it are left alone */
    char after[NAME_ROOM]; /* names up to this one had their turn */
    size_t count;
    char name[NAMES_MAX][NAME_ROOM];
};

struct work {
    const struct place *place;
    const char *name;
    const char *path;
    int fd;
};

/* --- the process that reads --- */

static void say(int out, const char *text)
{
    IGNORE(write(out, text, strlen(text)) < 0); /* nobody else could be told */
}

static enum rc content_hash(int fd, uint64_t *ret_epoch, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash hash;
    char *bytes = memory_new(HASH_CHUNK);
    int64_t at = 0;
    ssize_t got = hasher && bytes ? 1 : -ENOMEM;
    if (got > 0)
        tlog_hash_begin(hasher);
    while (got > 0 && (got = io_kernel.pread(io_kernel.self, fd, bytes, HASH_CHUNK, at)) > 0) {
        tlog_hash_add(hasher, str_at(bytes, (size_t)got));
        at += got;
    }
    memory_free(bytes);
    if (got < 0)
        return err_errno(err, (int)-got, "could not read it");
    tlog_hash_end(hasher, &hash);
    *ret_epoch = get_be64(hash.bytes) | 1;
    return RC_OK;
}

/* The folder as it was opened: its path may lead elsewhere by now. */
static enum rc confine(const struct work *work, struct err *err)
{
    const struct place *place = work->place;
    struct sandbox_path paths[] = {{.path = place->path, .access = SANDBOX_READ, .held = place->folder + 1}};
    struct sandbox sandbox = {.calls = SANDBOX_OPEN, .paths = paths, .path_count = 1, .memory_max = MEMORY_MAX};
    struct buf missing CLEANUP(buf_done) = {0};
    buf_init(&missing, 4096);
    enum rc rc = sandbox_enter(&sandbox, &missing, err);
    for (struct str rest = buf_view(&missing); rest.n && !place->watch->missing_told;) {
        struct str line = str_cut(&rest, '\n');
        log_warning("files are read less confined than they should be: %.*s", STR_ARG(line));
    }
    return rc;
}

/* The content is named here and not before: only where the service answers, and where it can be ended. */
static int file_read(void *context, int out)
{
    const struct work *work = context;
    const char *source = work->place->source ? work->place->source : work->path;
    struct ingest_file file = {.fd = work->fd, .path = work->path};
    struct ingest_result result = {0};
    struct archive_client *client;
    struct err err = {0};
    uint64_t epoch = 0;
    uint64_t highest = 0;
    char text[SAID_MAX];
    struct buf said;
    enum rc rc = archive_client_open_service(options_text(work->place->watch->options, "data"), &client, &err);
    rc = rc == RC_OK ? content_hash(work->fd, &epoch, &err) : rc;
    rc = rc == RC_OK ? archive_client_begin(client, source, epoch, &highest, &err) : rc;
    rc = rc == RC_OK ? confine(work, &err) : rc;
    if (rc != RC_OK) {
        say(out, err.text);
        return TAKEN_LATER;
    }
    rc = ingest_file_take(client, &file, highest, &result, &err);
    bool refused = rc == RC_INVALID;
    rc = rc == RC_OK ? archive_client_end(client, &err) : rc;
    if (rc != RC_OK) {
        say(out, err.text);
        return refused ? TAKEN_REFUSED : TAKEN_LATER;
    }
    buf_init_fixed(&said, text, sizeof text);
    ingest_result_put(work->path, &result, options_flag(work->place->watch->options, "json"), &said);
    say(out, buf_z(&said));
    return result.unreadable || result.damaged ? TAKEN_DAMAGED : TAKEN_WHOLE;
}

struct reading {
    int from;
    bool ended;
    size_t n;
    char said[SAID_MAX];
};

static void on_said(void *context, unsigned events)
{
    struct reading *reading = context;
    (void)events;
    ssize_t got = read(reading->from, reading->said + reading->n, sizeof reading->said - 1 - reading->n);
    reading->n += got > 0 ? (size_t)got : 0;
    reading->ended = got == 0 || (got < 0 && errno != EINTR);
}

/* Starts it and waits; what it does not end before this program shall stop is taken another time. */
static enum taken file_give(struct work *work, struct reading *ret_reading)
{
    struct watch *watch = work->place->watch;
    pid_t pid;
    struct err err = {0};
    char why[64];
    *ret_reading = (struct reading){0};
    if (proc_copy(file_read, work, &pid, &ret_reading->from, &err) != RC_OK) {
        IGNORE(str_copy_z(str_of(err.text), ret_reading->said, SAID_MAX)); /* what fits of it */
        return TAKEN_LATER;
    }
    struct loop_watch *pipe = loop_add(watch->loop, ret_reading->from, LOOP_READ, on_said, ret_reading);
    while (pipe && !ret_reading->ended && !watch->stop)
        loop_wait(watch->loop, -1);
    loop_remove(watch->loop, pipe);
    close(ret_reading->from);
    if (!ret_reading->ended) {
        proc_end(pid);
        return TAKEN_LATER;
    }
    int status = proc_wait(pid, why, sizeof why);
    if (status >= 0 && status <= TAKEN_LATER)
        return (enum taken)status;
    snprintf(ret_reading->said, SAID_MAX, "the process that read it ended with %s", why);
    return TAKEN_REFUSED;
}

/* --- one file --- */

/* Out of the folder, under its own name or, where that is taken, with a number behind it. */
static enum rc file_move(const struct place *place, const char *name, int to, char ret_name[NAME_ROOM + 8],
                         struct err *err)
{
    struct io_identity there;
    snprintf(ret_name, NAME_ROOM + 8, "%s", name);
    int moved = io_move(place->folder, name, to);
    for (unsigned n = 1; moved == -EEXIST && n < SAME_MAX; n++) {
        snprintf(ret_name, NAME_ROOM + 8, "%s.%u", name, n);
        if (io_identify_name(to, ret_name, &there) != -ENOENT ||
            io_identify_name(place->folder, ret_name, &there) != -ENOENT)
            continue;
        moved = io_kernel.rename(io_kernel.self, place->folder, name, ret_name);
        moved = moved == 0 ? io_move(place->folder, ret_name, to) : moved;
    }
    return moved == 0 ? RC_OK : err_errno(err, -moved, "could not move it");
}

/* A file that cannot leave the folder would be read for ever: that is for people to mend. */
static void file_stays(struct watch *watch, const char *path, const struct err *err)
{
    log_error("%s stays where it is: %s", path, err->text);
    watch->failed = watch->stop = true;
}

/* refused/ is its owner's: nothing that lies there is opened, for it may wait or lead elsewhere. */
static enum rc reason_write(int folder, const char *name, struct str line, struct err *err)
{
    IGNORE(io_kernel.unlink(io_kernel.self, folder, name) != 0); /* seldom there: an earlier file's of that name */
    int fd = io_kernel.open(io_kernel.self, folder, name, IO_WRITE | IO_CREATE | IO_EXCLUSIVE);
    if (fd < 0)
        return err_errno(err, -fd, "could not create \"%s\"", name);
    enum rc rc = file_write_at(&io_kernel, fd, line, 0, err);
    int kept = io_kernel.sync(io_kernel.self, fd);
    int closed = io_kernel.close(io_kernel.self, fd);
    kept = kept < 0 ? kept : closed;
    kept = kept < 0 ? kept : io_kernel.sync(io_kernel.self, folder);
    return rc == RC_OK && kept < 0 ? err_errno(err, -kept, "could not keep \"%s\"", name) : rc;
}

static void file_refuse(const struct place *place, const char *path, const char *name, const char *why)
{
    char kept[NAME_ROOM + 8];
    char text[NAME_ROOM + 24];
    char line[SAID_MAX + 8];
    struct err err = {0};
    enum rc rc = file_move(place, name, place->refused, kept, &err);
    snprintf(text, sizeof text, "%s.reason", kept);
    snprintf(line, sizeof line, "%s\n", why);
    log_warning("%s is refused: %s", path, why);
    if (rc != RC_OK)
        file_stays(place->watch, path, &err);
    else if (reason_write(place->refused, text, str_of(line), &err) != RC_OK)
        log_warning("%s: %s", path, err.text);
}

static void file_settle(const struct place *place, const struct work *work, enum taken taken, const char *said)
{
    struct watch *watch = place->watch;
    char kept[NAME_ROOM + 8];
    struct err err = {0};
    if (taken == TAKEN_LATER) {
        if (!watch->away && !watch->stop)
            log_warning("%s waits: %s", work->path, said);
        watch->away = true;
        return;
    }
    watch->away = false;
    watch->missing_told = true; /* the process that read this file has told it */
    if (taken == TAKEN_REFUSED) {
        file_refuse(place, work->path, work->name, said);
        return;
    }
    printf("%s\n", said);
    IGNORE(fflush(stdout) != 0); /* nobody may be looking */
    if (taken == TAKEN_DAMAGED)
        log_warning("%s", said);
    if (file_move(place, work->name, place->done, kept, &err) != RC_OK)
        file_stays(watch, work->path, &err);
}

/* Nothing of it changed for the time that was asked for, and nobody writes it. */
static bool is_settled(const struct place *place, const char *path, const struct io_identity *identity, int fd)
{
    int64_t quiet_ns = options_number(place->watch->options, "settle") * SECOND_NS;
    struct err err = {0};
    if (clock_real_ns() - identity->changed_ns < quiet_ns)
        return false;
    int written = io_unwritten(fd);
    if (written == -EACCES) {
        IGNORE(err_set(&err, RC_DENIED, "whether it is still written is told to its owner and with CAP_LEASE alone"));
        file_stays(place->watch, path, &err);
    }
    return written != -EBUSY && written != -EACCES; /* a file system without leases: its time alone says it */
}

static void trouble_tell(struct watch *watch, const char *path, const char *why)
{
    watch->trouble = true;
    if (!watch->trouble_told)
        log_warning("%s: %s", path, why);
}

static void file_take(const struct place *place, const char *name)
{
    char path[PATH_MAX];
    struct work work = {.place = place, .name = name, .path = path};
    struct io_identity before;
    struct io_identity now;
    struct reading reading;
    int n = snprintf(path, sizeof path, "%s/%s", place->path, name);
    if (n < 0 || (size_t)n >= sizeof path || io_identify_name(place->folder, name, &before) != 0 || !before.regular)
        return;
    if (strlen(name) > NAME_LONGEST) {
        trouble_tell(place->watch, path, "its name is longer than 244 bytes");
        return;
    }
    work.fd = io_kernel.open(io_kernel.self, place->folder, name, IO_READ);
    if (work.fd == -ENOENT)
        return; /* it is gone meanwhile */
    if (work.fd < 0) {
        file_refuse(place, path, name, "it cannot be opened for reading");
        return;
    }
    bool settled =
        io_identify(work.fd, &now) == 0 && io_identity_eq(&before, &now) && is_settled(place, path, &now, work.fd);
    if (settled && now.links > 1) { /* by another name it could be altered, or it is nobody's who may lay files here */
        file_refuse(place, path, name, "it has more than one name");
    } else if (settled) {
        enum taken taken = file_give(&work, &reading);
        if (io_identify(work.fd, &now) != 0 || !io_identity_eq(&before, &now))
            log_warning("%s changed while it was read: it is read again", path);
        else
            file_settle(place, &work, taken, reading.said);
    }
    close(work.fd);
}

/* --- folders --- */

static bool is_passed_over(struct str name)
{
    return name.n >= NAME_ROOM || str_starts(name, STR(".")) || str_ends(name, STR(".part")) ||
           str_ends(name, STR(".tmp")) || str_is(name, DONE_NAME) || str_is(name, REFUSE_NAME);
}

/* Keeps the first names of those whose turn comes. */
static bool on_name(void *context, const char *name)
{
    struct place *place = context;
    if (is_passed_over(str_of(name)) || strcmp(name, place->after) <= 0)
        return true;
    size_t at = place->count;
    if (place->count == NAMES_MAX) {
        at = 0;
        for (size_t i = 1; i < NAMES_MAX; i++)
            if (strcmp(place->name[i], place->name[at]) > 0)
                at = i;
        if (strcmp(name, place->name[at]) > 0)
            return true;
    } else {
        place->count++;
    }
    snprintf(place->name[at], NAME_ROOM, "%s", name);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum rc place_take(struct watch *watch, int parent, const char *path, const char *source, struct err *err);

/* A folder in a watched one is a source of its name. */
static void below_take(const struct place *place, const char *name)
{
    char path[PATH_MAX];
    struct err err = {0};
    int n = snprintf(path, sizeof path, "%s/%s", place->path, name);
    if (n < 0 || (size_t)n >= sizeof path || place_take(place->watch, place->folder, path, name, &err) == RC_OK)
        return;
    trouble_tell(place->watch, path, err.text);
}

static enum rc place_open(struct place *place, int parent, struct err *err)
{
    const char *slash = strrchr(place->path, '/');
    enum rc rc = RC_OK;
    place->folder = place->done = place->refused = -1;
    if (parent >= 0) {
        rc = folder_open(&io_kernel, parent, slash + 1, false, &place->folder, err);
    } else {
        place->folder = io_open_folder(place->path);
        if (place->folder < 0)
            return err_errno(err, -place->folder, "could not open the folder");
    }
    rc = rc == RC_OK ? folder_open(&io_kernel, place->folder, DONE_NAME, true, &place->done, err) : rc;
    return rc == RC_OK ? folder_open(&io_kernel, place->folder, REFUSE_NAME, true, &place->refused, err) : rc;
}

static void place_close(struct place *place)
{
    const int fds[] = {place->folder, place->done, place->refused};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    memory_free(place);
}

static void names_take(struct place *place)
{
    qsort(place->name, place->count, NAME_ROOM, by_name);
    for (size_t i = 0; i < place->count && !place->watch->stop; i++) {
        struct io_identity identity;
        bool there = io_identify_name(place->folder, place->name[i], &identity) == 0;
        if (there && identity.regular)
            file_take(place, place->name[i]);
        else if (there && !place->below)
            below_take(place, place->name[i]);
        memcpy(place->after, place->name[i], NAME_ROOM);
    }
}

/* parent: of a folder below a watched one; -1: a watched one. */
static enum rc place_take(struct watch *watch, int parent, const char *path, const char *source, struct err *err)
{
    struct place *place = memory_new(sizeof *place);
    if (!place)
        return err_set(err, RC_LIMIT, "no memory");
    place->watch = watch;
    place->path = path;
    place->source = source ? source : options_text(watch->options, "name");
    place->below = parent >= 0;
    enum rc rc = place_open(place, parent, err);
    bool more = rc == RC_OK;
    while (more && !watch->stop) {
        place->count = 0;
        int listed = io_kernel.list(io_kernel.self, place->folder, on_name, place);
        if (listed < 0)
            rc = err_errno(err, -listed, "could not list the folder");
        more = listed >= 0 && place->count == NAMES_MAX;
        names_take(place);
    }
    place_close(place);
    return rc;
}

/* --- the program --- */

static void on_signal(void *context, unsigned events)
{
    struct watch *watch = context;
    (void)events;
    int number = proc_signal_next(watch->signals);
    watch->stop = watch->stop || number == SIGTERM || number == SIGINT || number == SIGHUP;
}

static enum rc watch_run(struct watch *watch, struct err *err)
{
    const struct options *options = watch->options;
    enum rc rc = RC_OK;
    while (rc == RC_OK && !watch->stop) {
        for (int i = 0; i < options->operand_count && rc == RC_OK; i++) {
            char path[PATH_MAX];
            if (!realpath(options->operands[i], path))
                rc = err_errno(err, errno, "\"%s\"", options->operands[i]);
            else if (place_take(watch, -1, path, NULL, err) != RC_OK)
                rc = err_wrap(err, "\"%s\"", path);
        }
        watch->trouble_told = watch->trouble;
        watch->trouble = false;
        if (rc == RC_OK && !watch->stop)
            loop_wait(watch->loop, ROUND_MS);
    }
    return rc;
}

int ingest_watch(const struct options *options)
{
    struct watch watch = {.options = options, .signals = proc_signals()};
    struct err err = {0};
    log_open("ingest");
    watch.loop = loop_new();
    struct loop_watch *signals = watch.loop ? loop_add(watch.loop, watch.signals, LOOP_READ, on_signal, &watch) : NULL;
    enum rc rc = signals ? watch_run(&watch, &err) : err_set(&err, RC_IO, "signals could not be watched");
    loop_free(watch.loop);
    if (rc != RC_OK)
        return cmd_fail("ingest", &err);
    return watch.failed ? CMD_FAILED : CMD_OK;
}
