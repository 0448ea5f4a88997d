#include "wire/lumberjack.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"

#define HEAD        2u  /* version and type */
#define WINDOW_SIZE 6u  /* of a whole frame 'W'; of the head of a 'C' */
#define JSON_HEAD   10u /* of a frame 'J' before its text */

void lumberjack_init(struct lumberjack *lumberjack, size_t frame_max)
{
    ASSERT(frame_max > 0);
    *lumberjack = (struct lumberjack){.state = LUMBERJACK_FRAMES, .frame_max = frame_max, .version = '2'};
    buf_init(&lumberjack->inner, LUMBERJACK_INNER_MAX);
    buf_init(&lumberjack->json, 8 * LUMBERJACK_DATA_MAX);
}

void lumberjack_done(struct lumberjack *lumberjack)
{
    gunzip_free(lumberjack->gunzip);
    buf_done(&lumberjack->inner);
    buf_done(&lumberjack->json);
}

static enum rc broken(struct lumberjack *lumberjack, enum rc rc, const char *reason)
{
    lumberjack->reason = reason;
    return rc;
}

static void state_to(struct lumberjack *lumberjack, enum lumberjack_state state)
{
    static const enum lumberjack_state next[] = {[LUMBERJACK_FRAMES] = LUMBERJACK_COMPRESSED,
                                                 [LUMBERJACK_COMPRESSED] = LUMBERJACK_INNER,
                                                 [LUMBERJACK_INNER] = LUMBERJACK_FRAMES};
    ASSERT(next[lumberjack->state] == state);
    lumberjack->state = state;
}

/* --- frames --- */

static enum rc window_begin(struct lumberjack *lumberjack, uint32_t count)
{
    if (lumberjack->taken < lumberjack->window)
        return broken(lumberjack, RC_INVALID, "a window began within another");
    if (count == 0 || count > LUMBERJACK_WINDOW_MAX)
        return broken(lumberjack, RC_INVALID, "a window of no records, or of more than a million");
    lumberjack->window = count;
    lumberjack->taken = 0;
    return RC_AGAIN; /* no record yet */
}

static enum rc compressed_begin(struct lumberjack *lumberjack, uint32_t length)
{
    if (lumberjack->state == LUMBERJACK_INNER)
        return broken(lumberjack, RC_INVALID, "a compressed frame within another");
    lumberjack->gunzip = gunzip_new();
    if (!lumberjack->gunzip)
        return broken(lumberjack, RC_LIMIT, "no memory");
    lumberjack->left = length;
    state_to(lumberjack, LUMBERJACK_COMPRESSED);
    return RC_AGAIN;
}

static enum rc record_count(struct lumberjack *lumberjack, uint32_t number, struct lumberjack_record *ret_record)
{
    if (lumberjack->taken == lumberjack->window)
        return broken(lumberjack, RC_INVALID, "more records than the window announced");
    ret_record->number = number;
    ret_record->last = ++lumberjack->taken == lumberjack->window;
    return RC_OK;
}

static enum rc json_read(struct lumberjack *lumberjack, struct str *input, struct lumberjack_record *ret_record)
{
    if (input->n < JSON_HEAD)
        return RC_AGAIN;
    uint64_t length = get_be32(input->p + 6);
    size_t given = (size_t)MIN(length, (uint64_t)lumberjack->frame_max);
    if (length == 0)
        return broken(lumberjack, RC_INVALID, "a record without a byte");
    if (input->n - JSON_HEAD < given)
        return RC_AGAIN;
    enum rc rc = record_count(lumberjack, get_be32(input->p + 2), ret_record);
    if (rc != RC_OK)
        return rc;
    ret_record->bytes = str_slice(*input, JSON_HEAD, JSON_HEAD + given);
    ret_record->cut = length - given;
    lumberjack->skip = length - given;
    *input = str_skip(*input, JSON_HEAD + given);
    return RC_OK;
}

static struct str text_read(struct reader *reader)
{
    uint32_t n = read_be32(reader);
    return read_bytes(reader, n);
}

static enum rc pairs_read(struct lumberjack *lumberjack, struct str *input, struct lumberjack_record *ret_record)
{
    struct reader reader = reader_of(str_skip(*input, HEAD));
    uint32_t number = read_be32(&reader);
    uint32_t pairs = read_be32(&reader);
    if (!reader.failed && (pairs == 0 || pairs > LUMBERJACK_PAIRS_MAX))
        return broken(lumberjack, RC_INVALID, "a record of no fields, or of more than 1024");
    buf_clear(&lumberjack->json);
    json_write_object(&lumberjack->json);
    for (uint32_t i = 0; i < pairs && !reader.failed; i++) {
        struct str key = text_read(&reader);
        struct str value = text_read(&reader);
        if (!reader.failed) {
            json_write_key_slice(&lumberjack->json, key);
            json_write_str(&lumberjack->json, value);
        }
    }
    json_write_object_end(&lumberjack->json);
    if (reader.failed)
        return input->n > LUMBERJACK_DATA_MAX ? broken(lumberjack, RC_INVALID, "a record longer than 1 MiB") : RC_AGAIN;
    if (lumberjack->json.overflow)
        return broken(lumberjack, RC_LIMIT, "no memory");
    enum rc rc = record_count(lumberjack, number, ret_record);
    if (rc != RC_OK)
        return rc;
    struct str text = buf_view(&lumberjack->json);
    ret_record->bytes = str_slice(text, 0, lumberjack->frame_max);
    ret_record->cut = text.n - ret_record->bytes.n;
    lumberjack->lost_bytes += ret_record->cut;
    *input = str_skip(*input, HEAD + reader.at);
    return RC_OK;
}

/* One frame at the front of the input. RC_AGAIN when it is not whole, and when it was no record: then *input moved. */
static enum rc frame_read(struct lumberjack *lumberjack, struct str *input, struct lumberjack_record *ret_record)
{
    if (input->n < HEAD)
        return RC_AGAIN;
    char version = input->p[0];
    char type = input->p[1];
    if ((version != '1' && version != '2') || (type == 'J' && version == '1'))
        return broken(lumberjack, RC_INVALID, "a frame that does not read");
    lumberjack->version = version;
    switch (type) {
    case 'J':
        return json_read(lumberjack, input, ret_record);
    case 'D':
        return pairs_read(lumberjack, input, ret_record);
    case 'W':
    case 'C':
        break;
    default:
        return broken(lumberjack, RC_INVALID, "a frame that does not read");
    }
    if (input->n < WINDOW_SIZE)
        return RC_AGAIN;
    uint32_t number = get_be32(input->p + HEAD);
    *input = str_skip(*input, WINDOW_SIZE);
    return type == 'W' ? window_begin(lumberjack, number) : compressed_begin(lumberjack, number);
}

/* --- what a compressed frame holds --- */

static enum rc compressed_take(struct lumberjack *lumberjack, struct str *input)
{
    struct str part = str_slice(*input, 0, (size_t)MIN(lumberjack->left, (uint64_t)input->n));
    *input = str_skip(*input, part.n);
    lumberjack->left -= part.n;
    enum rc rc = gunzip_add(lumberjack->gunzip, part, &lumberjack->inner);
    if (rc == RC_LIMIT)
        return broken(lumberjack, RC_LIMIT, "a compressed frame holds more than 32 MiB");
    if (rc != RC_OK || (lumberjack->left == 0 && !gunzip_whole(lumberjack->gunzip)))
        return broken(lumberjack, RC_INVALID, "a compressed frame does not inflate");
    if (lumberjack->left > 0)
        return RC_AGAIN;
    gunzip_free(lumberjack->gunzip);
    lumberjack->gunzip = NULL;
    lumberjack->inner_at = 0;
    state_to(lumberjack, LUMBERJACK_INNER);
    return RC_AGAIN;
}

static enum rc inner_read(struct lumberjack *lumberjack, struct lumberjack_record *ret_record)
{
    struct str rest = str_skip(buf_view(&lumberjack->inner), lumberjack->inner_at);
    size_t before = rest.n;
    enum rc rc = rest.n ? frame_read(lumberjack, &rest, ret_record) : RC_AGAIN;
    size_t skip = (size_t)MIN(lumberjack->skip, (uint64_t)rest.n);
    lumberjack->skip -= skip;
    lumberjack->lost_bytes += skip;
    lumberjack->inner_at = lumberjack->inner.n - (rest.n - skip);
    if (rc == RC_OK ? lumberjack->skip > 0 : rc == RC_AGAIN && before && rest.n == before)
        return broken(lumberjack, RC_INVALID, "a compressed frame ends within another");
    if (rc == RC_AGAIN && before == 0) {
        buf_done(&lumberjack->inner);
        buf_init(&lumberjack->inner, LUMBERJACK_INNER_MAX);
        state_to(lumberjack, LUMBERJACK_FRAMES);
    }
    return rc;
}

static enum rc step(struct lumberjack *lumberjack, struct str *input, struct lumberjack_record *ret_record)
{
    switch (lumberjack->state) {
    case LUMBERJACK_COMPRESSED:
        return compressed_take(lumberjack, input);
    case LUMBERJACK_INNER:
        return inner_read(lumberjack, ret_record);
    case LUMBERJACK_FRAMES:
        break;
    }
    size_t skip = (size_t)MIN(lumberjack->skip, (uint64_t)input->n);
    *input = str_skip(*input, skip);
    lumberjack->skip -= skip;
    lumberjack->lost_bytes += skip;
    return lumberjack->skip || input->n == 0 ? RC_AGAIN : frame_read(lumberjack, input, ret_record);
}

enum rc lumberjack_next(struct lumberjack *lumberjack, struct str *input, struct lumberjack_record *ret_record)
{
    *ret_record = (struct lumberjack_record){0};
    for (;;) {
        size_t left = input->n;
        enum lumberjack_state state = lumberjack->state;
        size_t inner_at = lumberjack->inner_at;
        enum rc rc = step(lumberjack, input, ret_record);
        bool moved = input->n != left || lumberjack->state != state || lumberjack->inner_at != inner_at;
        if (rc != RC_AGAIN || !moved)
            return rc;
    }
}

void lumberjack_answer(struct buf *out, char version, uint32_t number)
{
    buf_char(out, version);
    buf_char(out, 'A');
    buf_be32(out, number);
}

size_t lumberjack_held(const struct lumberjack *lumberjack)
{
    return lumberjack->inner.capacity + lumberjack->json.capacity;
}
