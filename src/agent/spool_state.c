#include "agent/spool_state.h"

#include "base/bytes.h"
#include "wire/delivery_batch.h"

#include <string.h>

#define MAGIC     "QORGSPL\1" /* with the version */
#define HEAD_SIZE 52u
#define KEY_HEAD  9u /* stream and epoch */

static struct str key_of(uint8_t stream, uint64_t epoch, struct str name, char ret_key[KEY_HEAD + DELIVERY_NAME_MAX])
{
    ret_key[0] = (char)stream;
    put_be64(ret_key + 1, epoch);
    if (name.n)
        memcpy(ret_key + KEY_HEAD, name.p, name.n);
    return str_at(ret_key, KEY_HEAD + name.n);
}

bool spool_position_put(struct map *positions, uint8_t stream, uint64_t epoch, struct str name, uint64_t sequence)
{
    char key[KEY_HEAD + DELIVERY_NAME_MAX];
    if (name.n > DELIVERY_NAME_MAX)
        return false;
    uint64_t *place = map_put(positions, key_of(stream, epoch, name, key));
    if (!place)
        return false;
    *place = MAX(*place, sequence);
    return true;
}

uint64_t spool_position_get(const struct map *positions, uint8_t stream, uint64_t epoch, struct str name)
{
    char key[KEY_HEAD + DELIVERY_NAME_MAX];
    const uint64_t *place = name.n > DELIVERY_NAME_MAX ? NULL : map_get(positions, key_of(stream, epoch, name, key));
    return place ? *place : 0;
}

void spool_state_write(const struct spool_state *state, const struct map *positions, struct buf *out)
{
    buf_put(out, MAGIC, 8);
    buf_be64(out, state->spool);
    buf_be64(out, state->covered);
    buf_be64(out, state->end);
    buf_be64(out, state->durable);
    buf_be64(out, state->size);
    buf_be32(out, (uint32_t)map_count(positions));
    for (size_t i = 0; i < map_end(positions); i++) {
        struct str key;
        uint64_t sequence;
        if (!map_at(positions, i, &key, &sequence))
            continue;
        buf_put(out, key.p, KEY_HEAD);
        buf_be64(out, sequence);
        buf_be16(out, (uint16_t)(key.n - KEY_HEAD));
        buf_str(out, str_skip(key, KEY_HEAD));
    }
    if (!out->overflow)
        buf_be32(out, crc32c(0, out->p, out->n));
}

static bool positions_read(struct reader *reader, struct map *positions)
{
    uint32_t count = read_be32(reader);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        uint8_t stream = read_u8(reader);
        uint64_t epoch = read_be64(reader);
        uint64_t sequence = read_be64(reader);
        struct str name = read_bytes(reader, read_be16(reader));
        if (!reader->failed &&
            (!delivery_stream_kind(stream) || !spool_position_put(positions, stream, epoch, name, sequence)))
            reader->failed = true;
    }
    return reader_done(reader);
}

enum rc spool_state_read(struct str bytes, struct spool_state *ret_state, struct map *positions, struct err *err)
{
    if (bytes.n < HEAD_SIZE + 4 || !str_starts(bytes, STR(MAGIC)))
        return err_set(err, RC_CORRUPT, "the spool's state is of no version that this program knows");
    struct str text = str_slice(bytes, 0, bytes.n - 4);
    if (get_be32(bytes.p + text.n) != crc32c(0, text.p, text.n))
        return err_set(err, RC_CORRUPT, "the spool's state is damaged");
    struct reader reader = reader_of(str_skip(text, 8));
    ret_state->spool = read_be64(&reader);
    ret_state->covered = read_be64(&reader);
    ret_state->end = read_be64(&reader);
    ret_state->durable = read_be64(&reader);
    ret_state->size = read_be64(&reader);
    bool right = positions_read(&reader, positions) && ret_state->spool && ret_state->covered <= ret_state->end &&
                 ret_state->durable <= ret_state->end;
    return right ? RC_OK : err_set(err, RC_CORRUPT, "the spool's state makes no sense");
}
