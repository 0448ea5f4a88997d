#include "role/web_upload.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "os/io.h"
#include "web/form.h"
#include "web/multipart.h"

#include <errno.h>
#include <unistd.h>

struct web_upload {
    enum web_upload_state state;
    bool raw;
    bool in_file; /* a form's: its part has begun and is not over */
    bool had_file;
    struct multipart form;
    struct buf fields;
    uint64_t number;
    int fd;
    int64_t max; /* bytes */
    int64_t bytes;
    struct tlog_hasher *hasher;
    struct tlog_hash hash;
    const char *error; /* key under error. */
};

struct web_upload *web_upload_new(struct arena *arena, enum web_stream stream, int64_t max, struct str content_type)
{
    struct web_upload *upload = arena_alloc(arena, sizeof *upload);
    ASSERT(stream != WEB_STREAM_NONE);
    if (!upload)
        return NULL;
    *upload = (struct web_upload){.fd = -1, .max = max, .raw = stream == WEB_STREAM_RAW, .state = WEB_UPLOAD_FIELDS};
    buf_init(&upload->fields, WEB_UPLOAD_FIELDS_MAX);
    if (upload->raw)
        upload->state = WEB_UPLOAD_HELD;
    else if (!multipart_begin(&upload->form, content_type))
        return NULL;
    return upload;
}

static void close_it(struct web_upload *upload)
{
    if (upload->fd >= 0)
        close(upload->fd);
    upload->fd = -1;
}

void web_upload_done(struct web_upload *upload)
{
    if (!upload)
        return;
    close_it(upload);
    buf_done(&upload->fields);
}

enum web_upload_state web_upload_state(const struct web_upload *upload)
{
    return upload->state;
}

static void broken(struct web_upload *upload, const char *error)
{
    if (upload->state == WEB_UPLOAD_BROKEN)
        return;
    upload->state = WEB_UPLOAD_BROKEN;
    upload->error = error;
    close_it(upload);
}

static void field_add(struct web_upload *upload, struct str name, struct str value)
{
    if (upload->fields.n > 0)
        buf_char(&upload->fields, '&');
    url_encode(&upload->fields, name);
    buf_char(&upload->fields, '=');
    url_encode(&upload->fields, value);
    if (upload->fields.overflow)
        broken(upload, "too_long");
}

static void bytes_write(struct web_upload *upload, struct str bytes)
{
    if (upload->bytes + (int64_t)bytes.n > upload->max) {
        broken(upload, "upload_long");
        return;
    }
    tlog_hash_add(upload->hasher, bytes);
    while (bytes.n > 0) {
        ssize_t n = io_kernel.pwrite(io_kernel.self, upload->fd, bytes.p, bytes.n, upload->bytes);
        if (n <= 0) {
            broken(upload, "upload_disk");
            return;
        }
        upload->bytes += n;
        bytes = str_skip(bytes, (size_t)n);
    }
}

static void file_whole(struct web_upload *upload)
{
    tlog_hash_end(upload->hasher, &upload->hash);
    close_it(upload);
    upload->state = WEB_UPLOAD_WHOLE;
}

/* One thing out of a form's body. False: there is nothing more in the input. */
static bool form_step(struct web_upload *upload, struct str *input)
{
    struct str name, value;
    switch (multipart_next(&upload->form, input, &name, &value)) {
    case MULTIPART_FIELD:
        if (upload->state == WEB_UPLOAD_FIELDS)
            field_add(upload, name, value);
        return true;
    case MULTIPART_FILE:
        if (upload->had_file || !str_is(name, "file")) {
            broken(upload, "bad_request");
            return false;
        }
        field_add(upload, STR("name"), value);
        upload->in_file = upload->had_file = true;
        if (upload->state == WEB_UPLOAD_FIELDS)
            upload->state = WEB_UPLOAD_HELD;
        return true;
    case MULTIPART_BYTES:
        bytes_write(upload, value);
        return true;
    case MULTIPART_CLOSE:
        upload->in_file = false;
        return true;
    case MULTIPART_WRONG:
        broken(upload, "bad_request");
        return false;
    case MULTIPART_DONE:
    case MULTIPART_MORE:
        break;
    }
    return false;
}

size_t web_upload_take(struct web_upload *upload, struct str bytes)
{
    struct str input = bytes;
    if (upload->state == WEB_UPLOAD_BROKEN || upload->state == WEB_UPLOAD_WHOLE)
        return bytes.n;
    if (upload->raw && upload->state == WEB_UPLOAD_FLOWS) {
        bytes_write(upload, bytes);
        return bytes.n;
    }
    while (upload->state == WEB_UPLOAD_FIELDS || upload->state == WEB_UPLOAD_FLOWS)
        if (!form_step(upload, &input))
            break;
    return upload->state == WEB_UPLOAD_BROKEN ? bytes.n : bytes.n - input.n;
}

void web_upload_end(struct web_upload *upload)
{
    bool closed = upload->raw || upload->form.state == MULTIPART_AT_END;
    if (upload->state == WEB_UPLOAD_FLOWS && closed)
        file_whole(upload);
    else if (upload->state != WEB_UPLOAD_WHOLE && !(upload->state == WEB_UPLOAD_FIELDS && closed))
        broken(upload, "bad_request");
}

struct str web_upload_fields(const struct web_upload *upload)
{
    return buf_view(&upload->fields);
}

void web_upload_open(struct web_upload *upload, uint64_t number, int fd, struct tlog_hasher *hasher)
{
    if (upload->state != WEB_UPLOAD_HELD || fd < 0 || !hasher) {
        if (fd >= 0)
            close(fd);
        broken(upload, "upload_full");
        return;
    }
    upload->number = number;
    upload->fd = fd;
    upload->hasher = hasher;
    tlog_hash_begin(hasher);
    upload->state = WEB_UPLOAD_FLOWS;
}

uint64_t web_upload_number(const struct web_upload *upload)
{
    return upload->number;
}

struct tlog_hasher *web_upload_hasher(const struct web_upload *upload)
{
    return upload->hasher;
}

int64_t web_upload_max(const struct web_upload *upload)
{
    return upload->max;
}

int64_t web_upload_bytes(const struct web_upload *upload)
{
    return upload->bytes;
}

void web_upload_answer(const struct web_upload *upload, struct buf *json)
{
    char hex[2 * TLOG_HASH_SIZE];
    bool whole = upload->state == WEB_UPLOAD_WHOLE;
    json_write_object(json);
    json_put_bool(json, "ok", whole);
    if (whole) {
        json_put_u64(json, "file", upload->number);
        json_put_int(json, "bytes", upload->bytes);
        json_put_str(json, "sha256", str_at(hex, hex_encode(upload->hash.bytes, TLOG_HASH_SIZE, hex)));
    } else {
        json_put_text(json, "error", upload->error ? upload->error : "bad_request");
    }
    json_write_object_end(json);
}
