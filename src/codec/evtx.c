#include "codec/evtx.h"

#include "base/arena.h"

#include <libbfio.h>
#include <libevtx.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A file that is in memory, as libbfio reads it. Its own memory range reads past the end of a file that ends early. */
struct memory_file {
    struct str bytes;
    size_t at;
    bool is_open;
};

struct evtx {
    libevtx_file_t *file;
    libbfio_handle_t *handle; /* of a file that is in memory; NULL else */
    struct memory_file memory;
    int count;
    bool damaged;
};

bool evtx_begins(struct str text)
{
    return str_starts(text, STR("ElfFile\0"));
}

static enum rc evtx_fail(struct err *err, enum rc rc, const char *what, libevtx_error_t **error)
{
    char text[256] = "";
    if (*error)
        libevtx_error_sprint(*error, text, sizeof text);
    libevtx_error_free(error);
    struct str line = str_of(text);
    line = str_slice(line, 0, str_find(line, '\n'));
    return err_set(err, rc, "%s%s%.*s", what, line.n ? ": " : "", STR_ARG(line));
}

static enum rc evtx_new(struct evtx **ret_evtx, struct err *err)
{
    *ret_evtx = memory_new(sizeof **ret_evtx);
    return *ret_evtx ? RC_OK : err_set(err, RC_LIMIT, "no memory for an event log file");
}

/* `opened`: what libevtx said so far. */
static enum rc evtx_ready(struct evtx *evtx, bool opened, libevtx_error_t **error, struct evtx **ret_evtx,
                          struct err *err)
{
    if (!opened || libevtx_file_get_number_of_records(evtx->file, &evtx->count, error) != 1) {
        enum rc rc = evtx_fail(err, RC_INVALID, "the event log file cannot be read", error);
        evtx_free(evtx);
        return rc;
    }
    evtx->damaged = libevtx_file_is_corrupted(evtx->file, NULL) == 1;
    *ret_evtx = evtx;
    return RC_OK;
}

enum rc evtx_open(int fd, struct evtx **ret_evtx, struct err *err)
{
    char path[64];
    libevtx_error_t *error = NULL;
    struct evtx *evtx = NULL;
    enum rc rc = evtx_new(&evtx, err);
    if (rc != RC_OK)
        return rc;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* libevtx opens names only */
    bool opened = libevtx_file_initialize(&evtx->file, &error) == 1 &&
                  libevtx_file_open(evtx->file, path, LIBEVTX_OPEN_READ, &error) == 1;
    return evtx_ready(evtx, opened, &error, ret_evtx, err);
}

static struct memory_file *memory_of(intptr_t *io)
{
    return (struct memory_file *)io;
}

static int memory_open(intptr_t *io, int access, libbfio_error_t **error)
{
    (void)error;
    memory_of(io)->at = 0;
    memory_of(io)->is_open = access == LIBBFIO_ACCESS_FLAG_READ;
    return memory_of(io)->is_open ? 1 : -1;
}

static int memory_close(intptr_t *io, libbfio_error_t **error)
{
    (void)error;
    memory_of(io)->is_open = false;
    return 0;
}

static ssize_t memory_read(intptr_t *io, uint8_t *ret_bytes, size_t size, libbfio_error_t **error)
{
    struct memory_file *file = memory_of(io);
    struct str rest = str_skip(file->bytes, MIN(file->at, file->bytes.n));
    size_t n = MIN(MIN(size, rest.n), (size_t)SSIZE_MAX);
    (void)error;
    if (n)
        memcpy(ret_bytes, rest.p, n);
    file->at += n;
    return (ssize_t)n;
}

static off64_t memory_seek(intptr_t *io, off64_t offset, int whence, libbfio_error_t **error)
{
    struct memory_file *file = memory_of(io);
    int64_t from = whence == SEEK_CUR ? (int64_t)file->at : whence == SEEK_END ? (int64_t)file->bytes.n : 0;
    int64_t to = 0;
    (void)error;
    if (__builtin_add_overflow(from, (int64_t)offset, &to) || to < 0)
        return -1;
    file->at = (size_t)to;
    return to;
}

static int memory_exists(intptr_t *io, libbfio_error_t **error)
{
    (void)io;
    (void)error;
    return 1;
}

static int memory_is_open(intptr_t *io, libbfio_error_t **error)
{
    (void)error;
    return memory_of(io)->is_open;
}

static int memory_size(intptr_t *io, size64_t *ret_size, libbfio_error_t **error)
{
    (void)error;
    *ret_size = memory_of(io)->bytes.n;
    return 1;
}

enum rc evtx_open_bytes(struct str bytes, struct evtx **ret_evtx, struct err *err)
{
    libevtx_error_t *error = NULL;
    struct evtx *evtx = NULL;
    enum rc rc = evtx_new(&evtx, err);
    if (rc != RC_OK)
        return rc;
    evtx->memory = (struct memory_file){.bytes = bytes};
    bool opened = libbfio_handle_initialize(&evtx->handle, (intptr_t *)&evtx->memory, NULL, NULL, memory_open,
                                            memory_close, memory_read, NULL, memory_seek, memory_exists, memory_is_open,
                                            memory_size, LIBBFIO_FLAG_IO_HANDLE_NON_MANAGED, &error) == 1 &&
                  libevtx_file_initialize(&evtx->file, &error) == 1 &&
                  libevtx_file_open_file_io_handle(evtx->file, evtx->handle, LIBEVTX_OPEN_READ, &error) == 1;
    return evtx_ready(evtx, opened, &error, ret_evtx, err);
}

void evtx_free(struct evtx *evtx)
{
    if (!evtx)
        return;
    if (evtx->file)
        libevtx_file_free(&evtx->file, NULL);
    if (evtx->handle)
        libbfio_handle_free(&evtx->handle, NULL);
    memory_free(evtx);
}

uint64_t evtx_count(const struct evtx *evtx)
{
    return evtx->count > 0 ? (uint64_t)evtx->count : 0;
}

bool evtx_is_damaged(const struct evtx *evtx)
{
    return evtx->damaged;
}

/* "0x" and digits that libevtx filled up with zeros to the width of the type, which Windows does not: how many zeros.
 */
static size_t padding(struct str value)
{
    size_t n = 2;
    if (!str_starts(value, STR("0x")))
        return 0;
    while (n < value.n && ((value.p[n] >= '0' && value.p[n] <= '9') || (value.p[n] >= 'a' && value.p[n] <= 'f')))
        n++;
    if ((n != 10 && n != 18) || n == value.n || value.p[n] != '<')
        return 0;
    size_t zeros = 0;
    while (zeros < n - 3 && value.p[2 + zeros] == '0')
        zeros++;
    return zeros;
}

/* Leaves out what libevtx puts between elements to please the eye: a line feed and blanks before a tag. In a value
 * they stay: there '<' is written &lt;, and an element's text is never followed by a tag that opens. */
static bool compact(struct str xml, struct buf *out)
{
    size_t from = 0;
    for (size_t i = 0; i < xml.n; i++) {
        size_t to = i + 1;
        if (xml.p[i] == '>') {
            size_t zeros = padding(str_skip(xml, to));
            if (zeros) {
                buf_str(out, str_slice(xml, from, to + 2));
                from = to + 2 + zeros;
            }
            continue;
        }
        if (xml.p[i] != '\n' || (i > 0 && xml.p[i - 1] != '>'))
            continue;
        while (to < xml.n && char_is_space(xml.p[to]))
            to++;
        if (to < xml.n && xml.p[to] != '<')
            continue;
        buf_str(out, str_slice(xml, from, i));
        from = to;
        i = to - 1;
    }
    buf_str(out, str_slice(xml, from, xml.n));
    return !out->overflow;
}

static enum rc xml_of(libevtx_record_t *record, struct buf *out, struct err *err)
{
    libevtx_error_t *error = NULL;
    size_t size = 0; /* with the NUL */
    if (libevtx_record_get_utf8_xml_string_size(record, &size, &error) != 1 || size == 0)
        return evtx_fail(err, RC_CORRUPT, "an event cannot be read", &error);
    if (size > EVTX_RECORD_MAX)
        return err_set(err, RC_LIMIT, "an event is longer than %u bytes", EVTX_RECORD_MAX);
    uint8_t *xml = memory_new(size);
    if (!xml)
        return err_set(err, RC_LIMIT, "no memory for an event");
    enum rc rc = RC_OK;
    if (libevtx_record_get_utf8_xml_string(record, xml, size, &error) != 1)
        rc = evtx_fail(err, RC_CORRUPT, "an event cannot be read", &error);
    else if (!compact(str_at(xml, size - 1), out))
        rc = err_set(err, RC_LIMIT, "no memory for an event");
    memory_free(xml);
    return rc;
}

enum rc evtx_event(struct evtx *evtx, uint64_t number, struct buf *out, struct err *err)
{
    libevtx_error_t *error = NULL;
    libevtx_record_t *record = NULL;
    buf_clear(out);
    if (number >= evtx_count(evtx))
        return err_set(err, RC_INVALID, "there is no such event");
    if (libevtx_file_get_record_by_index(evtx->file, (int)number, &record, &error) != 1)
        return evtx_fail(err, RC_CORRUPT, "an event cannot be read", &error);
    enum rc rc = xml_of(record, out, err);
    libevtx_record_free(&record, NULL);
    return rc;
}
