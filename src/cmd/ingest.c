/* ingest.c - imports files: each line a record, or each event of a file of Windows events (EVTX or XML), known again by
 * the file's content, so that a second run adds nothing. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "cmd/archive_client.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/evtx.h"
#include "codec/json.h"
#include "codec/records.h"
#include "codec/winevent.h"
#include "os/clock.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE   ((size_t)256 << 10)
#define RECORD_MAX  ((size_t)1 << 20)
#define EVENT_END   "</Event>"
#define PROGRESS_NS UINT64_C(500000000)

struct ingest {
    struct archive_client *client;
    const char *file;
    const char *name; /* of the source, when given */
    uint64_t highest; /* kept by an earlier run */
    uint64_t records;
    uint64_t known;
    uint64_t cut;
    uint64_t unreadable; /* events of a damaged EVTX file */
    bool damaged;        /* there may have been more events */
    uint64_t bytes;
    uint64_t shown_ns;
    bool progress;
};

static enum rc line_take(struct ingest *ingest, struct str line, struct err *err)
{
    line = str_trim_end(line, '\r');
    if (line.n == 0)
        return RC_OK;
    if (line.n > RECORD_MAX) {
        ingest->cut++;
        line.n = RECORD_MAX;
    }
    ingest->records++;
    if (ingest->records <= ingest->highest) {
        ingest->known++;
        return RC_OK;
    }
    return archive_client_record(ingest->client, line, err);
}

static void progress_show(struct ingest *ingest)
{
    uint64_t now = clock_boot_ns();
    if (!ingest->progress || now - ingest->shown_ns < PROGRESS_NS)
        return;
    ingest->shown_ns = now;
    fprintf(stderr, "\r%s: %llu records, %llu MiB ", ingest->file, (unsigned long long)ingest->records,
            (unsigned long long)(ingest->bytes >> 20));
}

/* Where the record at the beginning ends, and where the next begins; false when its end is not there yet. */
static bool record_end(bool events, struct str rest, size_t *ret_end, size_t *ret_next)
{
    size_t at = events ? str_search(rest, STR(EVENT_END)) : str_find(rest, '\n');
    *ret_next = at + (events ? strlen(EVENT_END) : 1);
    *ret_end = events ? *ret_next : at;
    return at < rest.n;
}

static enum rc record_take(struct ingest *ingest, bool events, struct str record, struct err *err)
{
    size_t end = record.n;
    size_t at = events ? winevent_find(record, &end) : 0;
    return line_take(ingest, str_slice(record, at, record.n), err);
}

/* Lines, or with `events` what stands from <Event> to </Event>. */
static enum rc lines_take(struct ingest *ingest, int fd, bool events, struct err *err)
{
    struct buf held;
    buf_init(&held, RECORD_MAX * 2 + READ_SIZE);
    bool passing = false; /* the rest of a line that was cut */
    enum rc rc = RC_OK;
    for (;;) {
        char *room = buf_reserve(&held, READ_SIZE);
        ssize_t got = room ? read(fd, room, READ_SIZE) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = err_errno(err, errno, "could not read \"%s\"", ingest->file);
        if (got <= 0)
            break;
        buf_grew(&held, (size_t)got);
        ingest->bytes += (uint64_t)got;
        struct str rest = buf_view(&held);
        size_t end;
        size_t next;
        while (rc == RC_OK && record_end(events, rest, &end, &next)) {
            rc = passing ? RC_OK : record_take(ingest, events, str_slice(rest, 0, end), err);
            passing = false;
            rest = str_skip(rest, next);
        }
        if (rc == RC_OK && rest.n > RECORD_MAX) {
            rc = passing ? RC_OK : record_take(ingest, events, rest, err);
            passing = true;
            rest = str_skip(rest, rest.n - (events ? strlen(EVENT_END) - 1 : 0)); /* its end may have begun */
        }
        buf_consume(&held, held.n - rest.n);
        if (rc != RC_OK)
            break;
        progress_show(ingest);
    }
    if (rc == RC_OK && held.n && !passing)
        rc = record_take(ingest, events, buf_view(&held), err);
    buf_done(&held);
    return rc;
}

static enum rc evtx_take(struct ingest *ingest, int fd, struct err *err)
{
    struct evtx *evtx = NULL;
    struct buf event;
    struct err why;
    buf_init(&event, EVTX_RECORD_MAX);
    enum rc rc = evtx_open(fd, &evtx, err);
    for (uint64_t i = 0; rc == RC_OK && i < evtx_count(evtx); i++) {
        if (evtx_event(evtx, i, &event, &why) == RC_OK) {
            rc = line_take(ingest, buf_view(&event), err);
            ingest->bytes += event.n;
        } else {
            ingest->unreadable++;
            fprintf(stderr, "qorgan ingest: \"%s\", event %llu: %s\n", ingest->file, (unsigned long long)i + 1,
                    why.text);
        }
        progress_show(ingest);
    }
    ingest->damaged = rc == RC_OK && evtx_is_damaged(evtx);
    evtx_free(evtx);
    buf_done(&event);
    return rc;
}

/* What the file is shows at its beginning; a pipe is always lines. */
static enum rc contents_take(struct ingest *ingest, int fd, const struct stat *st, struct err *err)
{
    char head[512];
    ssize_t got = S_ISREG(st->st_mode) ? pread(fd, head, sizeof head, 0) : 0;
    struct str begin = str_at(head, got > 0 ? (size_t)got : 0);
    if (evtx_begins(begin))
        return evtx_take(ingest, fd, err);
    if (str_starts(begin, STR("\xef\xbb\xbf")))
        begin = str_skip(begin, 3);
    return lines_take(ingest, fd, records_are_events(begin), err);
}

/* What names the content: device, inode and the first kilobyte. Standard input is new every time. */
static uint64_t content_epoch(int fd, const struct stat *st)
{
    static const uint64_t key[2] = {UINT64_C(0x716f7267616e2069), UINT64_C(0x6e67657374206b65)};
    char head[1024 + 16];
    if (!S_ISREG(st->st_mode))
        return random_u64() | 1;
    put_be64(head, st->st_dev);
    put_be64(head + 8, st->st_ino);
    ssize_t got = pread(fd, head + 16, sizeof head - 16, 0);
    return siphash(key, head, 16 + (got > 0 ? (size_t)got : 0)) | 1;
}

static enum rc file_open(const char *file, int *ret_fd, char *ret_name, size_t size, struct err *err)
{
    if (strcmp(file, "-") == 0) {
        *ret_fd = STDIN_FILENO;
        snprintf(ret_name, size, "standard input");
        return RC_OK;
    }
    *ret_fd = open(file, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0)
        return err_errno(err, errno, "could not open \"%s\"", file);
    char absolute[PATH_MAX];
    snprintf(ret_name, size, "%s", realpath(file, absolute) ? absolute : file);
    return RC_OK;
}

static enum rc file_ingest(struct ingest *ingest, struct err *err)
{
    char name[PATH_MAX];
    struct stat st;
    int fd = -1;
    enum rc rc = file_open(ingest->file, &fd, name, sizeof name, err);
    if (rc != RC_OK)
        return rc;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode))
        rc = err_set(err, RC_INVALID, "\"%s\" is not a file", ingest->file);
    if (rc == RC_OK)
        rc = archive_client_begin(ingest->client, ingest->name ? ingest->name : name, content_epoch(fd, &st),
                                  &ingest->highest, err);
    if (rc == RC_OK)
        rc = contents_take(ingest, fd, &st, err);
    if (rc == RC_OK)
        rc = archive_client_end(ingest->client, err);
    if (fd > STDIN_FILENO)
        close(fd);
    if (ingest->progress)
        fprintf(stderr, "\r\033[K");
    return rc;
}

static void result_show(const struct ingest *ingest, bool json)
{
    uint64_t added = ingest->records - ingest->known;
    if (json) {
        struct buf out;
        buf_init(&out, 65536);
        json_write_object(&out);
        json_put_text(&out, "file", ingest->file);
        json_put_u64(&out, "records", added);
        json_put_u64(&out, "known", ingest->known);
        json_put_u64(&out, "cut", ingest->cut);
        json_put_u64(&out, "unreadable", ingest->unreadable);
        json_put_bool(&out, "damaged", ingest->damaged);
        json_write_object_end(&out);
        printf("%s\n", buf_z(&out));
        buf_done(&out);
        return;
    }
    printf("%s: %llu records are durable", ingest->file, (unsigned long long)added);
    if (ingest->known)
        printf(", %llu were there already", (unsigned long long)ingest->known);
    if (ingest->cut)
        printf(", %llu were cut at 1 MiB", (unsigned long long)ingest->cut);
    if (ingest->unreadable)
        printf(", %llu cannot be read", (unsigned long long)ingest->unreadable);
    if (ingest->damaged)
        printf("; the file is damaged: there may have been more");
    printf("\n");
}

int cmd_ingest(int argc, char **argv)
{
    struct options options;
    int status = options_parse("ingest", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    status = CMD_OK;
    for (int i = 0; i < options.operand_count; i++) {
        struct ingest ingest = {.file = options.operands[i],
                                .name = options_text(&options, "name"),
                                .progress = isatty(STDERR_FILENO) == 1};
        struct err err = {0};
        enum rc rc = archive_client_open(options_text(&options, "data"), &ingest.client, &err);
        if (rc == RC_OK) {
            rc = file_ingest(&ingest, &err);
            archive_client_close(ingest.client);
        }
        if (rc == RC_OK)
            result_show(&ingest, options_flag(&options, "json"));
        if (rc == RC_OK && (ingest.unreadable || ingest.damaged))
            status = CMD_FAILED;
        else if (rc != RC_OK)
            status = cmd_fail("ingest", &err);
    }
    return status;
}
