#include "cmd/ingest_file.h"

#include "codec/evtx.h"
#include "codec/json.h"
#include "codec/records.h"
#include "codec/winevent.h"
#include "os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE   ((size_t)256 << 10)
#define RECORD_MAX  ((size_t)1 << 20)
#define EVENT_END   "</Event>"
#define PROGRESS_NS UINT64_C(500000000)

struct ingest {
    struct archive_client *client;
    const struct ingest_file *file;
    struct ingest_result *result;
    uint64_t highest; /* kept by an earlier run */
    uint64_t bytes;
    uint64_t shown_ns;
};

static enum rc line_take(struct ingest *ingest, struct str line, struct err *err)
{
    line = str_trim_end(line, '\r');
    if (line.n == 0)
        return RC_OK;
    if (line.n > RECORD_MAX) {
        ingest->result->cut++;
        line.n = RECORD_MAX;
    }
    ingest->result->records++;
    if (ingest->result->records <= ingest->highest) {
        ingest->result->known++;
        return RC_OK;
    }
    return archive_client_record(ingest->client, line, err);
}

static void progress_show(struct ingest *ingest)
{
    uint64_t now = clock_boot_ns();
    if (!ingest->file->progress || now - ingest->shown_ns < PROGRESS_NS)
        return;
    ingest->shown_ns = now;
    fprintf(stderr, "\r%s: %llu records, %llu MiB ", ingest->file->path, (unsigned long long)ingest->result->records,
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
            rc = err_errno(err, errno, "could not read \"%s\"", ingest->file->path);
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
            ingest->result->unreadable++;
            fprintf(stderr, "qorgan ingest: \"%s\", event %llu: %s\n", ingest->file->path, (unsigned long long)i + 1,
                    why.text);
        }
        progress_show(ingest);
    }
    ingest->result->damaged = rc == RC_OK && evtx_is_damaged(evtx);
    evtx_free(evtx);
    buf_done(&event);
    return rc;
}

/* What the file is shows at its beginning; a pipe is always lines. */
enum rc ingest_file_take(struct archive_client *client, const struct ingest_file *file, uint64_t highest,
                         struct ingest_result *ret_result, struct err *err)
{
    char head[512];
    struct stat st;
    struct ingest ingest = {.client = client, .file = file, .result = ret_result, .highest = highest};
    *ret_result = (struct ingest_result){0};
    if (fstat(file->fd, &st) != 0 || S_ISDIR(st.st_mode))
        return err_set(err, RC_INVALID, "\"%s\" is not a file", file->path);
    ssize_t got = S_ISREG(st.st_mode) ? pread(file->fd, head, sizeof head, 0) : 0;
    struct str begin = str_at(head, got > 0 ? (size_t)got : 0);
    bool evtx = evtx_begins(begin);
    if (str_starts(begin, STR("\xef\xbb\xbf")))
        begin = str_skip(begin, 3);
    return evtx ? evtx_take(&ingest, file->fd, err) : lines_take(&ingest, file->fd, records_are_events(begin), err);
}

void ingest_result_put(const char *path, const struct ingest_result *result, bool json, struct buf *out)
{
    uint64_t added = result->records - result->known;
    if (json) {
        json_write_object(out);
        json_put_text(out, "file", path);
        json_put_u64(out, "records", added);
        json_put_u64(out, "known", result->known);
        json_put_u64(out, "cut", result->cut);
        json_put_u64(out, "unreadable", result->unreadable);
        json_put_bool(out, "damaged", result->damaged);
        json_write_object_end(out);
        return;
    }
    buf_format(out, "%s: %llu records are durable", path, (unsigned long long)added);
    if (result->known)
        buf_format(out, ", %llu were there already", (unsigned long long)result->known);
    if (result->cut)
        buf_format(out, ", %llu were cut at 1 MiB", (unsigned long long)result->cut);
    if (result->unreadable)
        buf_format(out, ", %llu cannot be read", (unsigned long long)result->unreadable);
    if (result->damaged)
        buf_text(out, "; the file is damaged: there may have been more");
}
