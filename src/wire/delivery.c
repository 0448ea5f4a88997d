#include "wire/delivery.h"

#include "base/assert.h"

#include <string.h>

struct frame_row {
    bool from_agent;
    uint32_t least;
    uint32_t most;
    const char *name;
};

static const struct frame_row rows[] = {
#define X(id, number, name, agent, least, most) [number] = {agent, least, most, name},
    DELIVERY_FRAMES(X)
#undef X
};

const char *delivery_type_name(uint8_t type)
{
    return type < ARRAY_LEN(rows) && rows[type].name ? rows[type].name : "?";
}

const char *delivery_reason_name(uint16_t reason)
{
    static const char *const names[] = {
#define X(id, number, name) [number] = name,
        DELIVERY_REASONS(X)
#undef X
    };
    return reason < ARRAY_LEN(names) && names[reason] ? names[reason] : "unknown reason";
}

enum rc delivery_next(struct str *input, bool from_agent, enum delivery_type *ret_type, struct str *ret_body)
{
    if (input->n < DELIVERY_HEADER)
        return RC_AGAIN;
    uint8_t type = (uint8_t)input->p[0];
    uint32_t size = get_be32(input->p + 1);
    if (type >= ARRAY_LEN(rows) || !rows[type].name || rows[type].from_agent != from_agent || size < rows[type].least ||
        size > rows[type].most)
        return RC_INVALID;
    if (input->n - DELIVERY_HEADER < size)
        return RC_AGAIN;
    *ret_type = (enum delivery_type)type;
    *ret_body = str_slice(*input, DELIVERY_HEADER, DELIVERY_HEADER + size);
    *input = str_skip(*input, DELIVERY_HEADER + size);
    return RC_OK;
}

static void head_put(struct buf *out, enum delivery_type type, size_t size)
{
    ASSERT(size >= rows[type].least && size <= rows[type].most);
    buf_u8(out, (uint8_t)type);
    buf_be32(out, (uint32_t)size);
}

void delivery_put(struct buf *out, enum delivery_type type, struct str body)
{
    head_put(out, type, body.n);
    buf_str(out, body);
}

static void text_put(struct buf *out, struct str text)
{
    text = str_slice(text, 0, DELIVERY_TEXT_MAX);
    buf_be16(out, (uint16_t)text.n);
    buf_str(out, text);
}

static struct str text_read(struct reader *reader)
{
    uint16_t n = read_be16(reader);
    if (n > DELIVERY_TEXT_MAX)
        reader->failed = true;
    return read_bytes(reader, n);
}

static size_t text_size(struct str text)
{
    return 2 + MIN(text.n, (size_t)DELIVERY_TEXT_MAX);
}

static enum rc read_end(const struct reader *reader)
{
    return reader_done(reader) ? RC_OK : RC_INVALID;
}

/* ---- who is there ---- */

void delivery_put_hello(struct buf *out, const struct delivery_hello *hello)
{
    head_put(out, DELIVERY_HELLO, 2 + 16 + 8 + 8 + 16 + 8 + 32 + text_size(hello->host) + text_size(hello->program));
    buf_be16(out, hello->version);
    buf_put(out, hello->agent, sizeof hello->agent);
    buf_be64(out, hello->spool);
    buf_be64(out, hello->next);
    buf_put(out, hello->boot, sizeof hello->boot);
    buf_be64(out, hello->seen_size);
    buf_put(out, hello->seen_root, sizeof hello->seen_root);
    text_put(out, hello->host);
    text_put(out, hello->program);
}

enum rc delivery_read_hello(struct str body, struct delivery_hello *ret_hello)
{
    struct reader reader = reader_of(body);
    ret_hello->version = read_be16(&reader);
    read_copy(&reader, ret_hello->agent, sizeof ret_hello->agent);
    ret_hello->spool = read_be64(&reader);
    ret_hello->next = read_be64(&reader);
    read_copy(&reader, ret_hello->boot, sizeof ret_hello->boot);
    ret_hello->seen_size = read_be64(&reader);
    read_copy(&reader, ret_hello->seen_root, sizeof ret_hello->seen_root);
    ret_hello->host = text_read(&reader);
    ret_hello->program = text_read(&reader);
    return read_end(&reader);
}

void delivery_put_welcome(struct buf *out, const struct delivery_welcome *welcome)
{
    head_put(out, DELIVERY_WELCOME, 8 + text_size(welcome->origin) + text_size(welcome->key));
    buf_be32(out, welcome->credit);
    buf_be32(out, welcome->policy);
    text_put(out, welcome->origin);
    text_put(out, welcome->key);
}

enum rc delivery_read_welcome(struct str body, struct delivery_welcome *ret_welcome)
{
    struct reader reader = reader_of(body);
    ret_welcome->credit = read_be32(&reader);
    ret_welcome->policy = read_be32(&reader);
    ret_welcome->origin = text_read(&reader);
    ret_welcome->key = text_read(&reader);
    return read_end(&reader);
}

void delivery_put_refused(struct buf *out, enum delivery_reason reason, struct str text)
{
    text = str_slice(text, 0, DELIVERY_TEXT_MAX);
    head_put(out, DELIVERY_REFUSED, 2 + text.n);
    buf_be16(out, (uint16_t)reason);
    buf_str(out, text);
}

enum rc delivery_read_refused(struct str body, uint16_t *ret_reason, struct str *ret_text)
{
    struct reader reader = reader_of(body);
    *ret_reason = read_be16(&reader);
    *ret_text = read_bytes(&reader, reader_left(&reader));
    return read_end(&reader);
}

/* ---- records ---- */

void delivery_put_data(struct buf *out, const struct delivery_data *data)
{
    ASSERT(data->count >= 1 && data->count <= DELIVERY_RECORDS_MAX && data->plain_size <= DELIVERY_BATCH_MAX);
    head_put(out, DELIVERY_DATA, DELIVERY_DATA_HEAD + data->payload.n);
    buf_be64(out, data->number);
    buf_be32(out, data->count);
    buf_be64(out, (uint64_t)data->offset_us);
    buf_be32(out, data->offset_error_us);
    buf_be32(out, data->plain_crc);
    buf_be32(out, data->plain_size);
    buf_u8(out, (uint8_t)data->codec);
    buf_str(out, data->payload);
}

enum rc delivery_read_data(struct str body, struct delivery_data *ret_data)
{
    struct reader reader = reader_of(body);
    ret_data->number = read_be64(&reader);
    ret_data->count = read_be32(&reader);
    ret_data->offset_us = (int64_t)read_be64(&reader);
    ret_data->offset_error_us = read_be32(&reader);
    ret_data->plain_crc = read_be32(&reader);
    ret_data->packed = str_skip(body, reader.at);
    ret_data->plain_size = read_be32(&reader);
    uint8_t codec = read_u8(&reader);
    ret_data->payload = read_bytes(&reader, reader_left(&reader));
    if (reader.failed || codec > DELIVERY_ZSTD || ret_data->count == 0 || ret_data->count > DELIVERY_RECORDS_MAX ||
        ret_data->plain_size == 0 || ret_data->plain_size > DELIVERY_BATCH_MAX ||
        ret_data->number > UINT64_MAX - ret_data->count ||
        (codec == DELIVERY_PLAIN && ret_data->payload.n != ret_data->plain_size))
        return RC_INVALID;
    ret_data->codec = (enum delivery_codec)codec;
    return RC_OK;
}

void delivery_put_durable(struct buf *out, uint64_t number, uint64_t size)
{
    head_put(out, DELIVERY_DURABLE, 16);
    buf_be64(out, number);
    buf_be64(out, size);
}

enum rc delivery_read_durable(struct str body, uint64_t *ret_number, uint64_t *ret_size)
{
    struct reader reader = reader_of(body);
    *ret_number = read_be64(&reader);
    *ret_size = read_be64(&reader);
    return read_end(&reader);
}

void delivery_put_credit(struct buf *out, uint32_t bytes)
{
    head_put(out, DELIVERY_CREDIT_MORE, 4);
    buf_be32(out, bytes);
}

/* ---- clocks ---- */

void delivery_put_time(struct buf *out, const struct delivery_time *time)
{
    head_put(out, DELIVERY_TIME, 16);
    buf_be64(out, time->agent_boot_ns);
    buf_be64(out, (uint64_t)time->agent_real_ns);
}

void delivery_put_time_back(struct buf *out, const struct delivery_time *time)
{
    head_put(out, DELIVERY_TIME_BACK, 40);
    buf_be64(out, time->agent_boot_ns);
    buf_be64(out, (uint64_t)time->agent_real_ns);
    buf_be64(out, (uint64_t)time->heard_real_ns);
    buf_be64(out, (uint64_t)time->sent_real_ns);
    buf_be64(out, time->sent_boot_ns);
}

enum rc delivery_read_time(enum delivery_type type, struct str body, struct delivery_time *ret_time)
{
    struct reader reader = reader_of(body);
    *ret_time = (struct delivery_time){0};
    ret_time->agent_boot_ns = read_be64(&reader);
    ret_time->agent_real_ns = (int64_t)read_be64(&reader);
    if (type == DELIVERY_TIME_BACK) {
        ret_time->heard_real_ns = (int64_t)read_be64(&reader);
        ret_time->sent_real_ns = (int64_t)read_be64(&reader);
        ret_time->sent_boot_ns = read_be64(&reader);
    }
    return read_end(&reader);
}

/* ---- the tree ---- */

void delivery_put_prove(struct buf *out, uint64_t old_size, uint64_t new_size)
{
    head_put(out, DELIVERY_PROVE, 16);
    buf_be64(out, old_size);
    buf_be64(out, new_size);
}

void delivery_put_proof(struct buf *out, uint64_t old_size, uint64_t new_size, struct str path)
{
    ASSERT(path.n % 32 == 0);
    head_put(out, DELIVERY_PROOF, 16 + path.n);
    buf_be64(out, old_size);
    buf_be64(out, new_size);
    buf_str(out, path);
}

enum rc delivery_read_sizes(struct str body, uint64_t *ret_old, uint64_t *ret_new, struct str *ret_path)
{
    struct reader reader = reader_of(body);
    *ret_old = read_be64(&reader);
    *ret_new = read_be64(&reader);
    *ret_path = read_bytes(&reader, reader_left(&reader));
    bool right = *ret_old > 0 && *ret_old <= *ret_new && ret_path->n % 32 == 0;
    return right ? read_end(&reader) : RC_INVALID;
}

/* ---- enrolment ---- */

void delivery_put_enrol(struct buf *out, const struct delivery_enrol *enrol)
{
    ASSERT(enrol->secret.n == DELIVERY_SECRET_SIZE);
    head_put(out, DELIVERY_ENROL, 2 + DELIVERY_SECRET_SIZE + text_size(enrol->host) + text_size(enrol->program));
    buf_be16(out, enrol->version);
    buf_str(out, enrol->secret);
    text_put(out, enrol->host);
    text_put(out, enrol->program);
}

enum rc delivery_read_enrol(struct str body, struct delivery_enrol *ret_enrol)
{
    struct reader reader = reader_of(body);
    ret_enrol->version = read_be16(&reader);
    ret_enrol->secret = read_bytes(&reader, DELIVERY_SECRET_SIZE);
    ret_enrol->host = text_read(&reader);
    ret_enrol->program = text_read(&reader);
    return read_end(&reader);
}

void delivery_put_enrolled(struct buf *out, const struct delivery_enrolled *enrolled)
{
    head_put(out, DELIVERY_ENROLLED, 16 + 4 + enrolled->certificate.n + enrolled->authority.n);
    buf_put(out, enrolled->agent, sizeof enrolled->agent);
    buf_be32(out, (uint32_t)enrolled->certificate.n);
    buf_str(out, enrolled->certificate);
    buf_str(out, enrolled->authority);
}

enum rc delivery_read_enrolled(struct str body, struct delivery_enrolled *ret_enrolled)
{
    struct reader reader = reader_of(body);
    read_copy(&reader, ret_enrolled->agent, sizeof ret_enrolled->agent);
    ret_enrolled->certificate = read_bytes(&reader, read_be32(&reader));
    ret_enrolled->authority = read_bytes(&reader, reader_left(&reader));
    bool whole = ret_enrolled->certificate.n > 0 && ret_enrolled->authority.n > 0;
    return whole ? read_end(&reader) : RC_INVALID;
}
