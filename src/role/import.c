#include "role/import.h"

#include "base/assert.h"
#include "msg/batch.h"
#include "tlog/hash.h"

#include <string.h>

void import_put(struct buf *out, enum import_type type, struct str body)
{
    buf_u8(out, (uint8_t)type);
    buf_be32(out, (uint32_t)body.n);
    buf_str(out, body);
}

void import_put_u64(struct buf *out, enum import_type type, uint64_t value)
{
    uint8_t body[8];
    put_be64(body, value);
    import_put(out, type, str_at(body, sizeof body));
}

enum rc import_next(struct str *input, enum import_type *ret_type, struct str *ret_body)
{
    if (input->n < IMPORT_HEADER)
        return RC_AGAIN;
    uint8_t type = (uint8_t)input->p[0];
    uint32_t size = get_be32(input->p + 1);
    bool number = type == IMPORT_HIGH || type == IMPORT_BEGIN || type == IMPORT_DURABLE;
    if (type < IMPORT_HELLO || type > IMPORT_PAPER || size > BATCH_RECORD_MAX || (number && size != 8))
        return RC_INVALID;
    if (input->n - IMPORT_HEADER < size)
        return RC_AGAIN;
    *ret_type = (enum import_type)type;
    *ret_body = str_slice(*input, IMPORT_HEADER, IMPORT_HEADER + size);
    *input = str_skip(*input, IMPORT_HEADER + size);
    return RC_OK;
}

void source_id_make(struct str kind, struct str name, uint8_t ret_id[16])
{
    struct tlog_hasher *hasher = tlog_hasher_new();
    struct tlog_hash hash;
    ASSERT(hasher != NULL);
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, kind);
    tlog_hash_add(hasher, str_at("\0", 1));
    tlog_hash_add(hasher, name);
    tlog_hash_end(hasher, &hash);
    memcpy(ret_id, &hash, 16);
    tlog_hasher_free(hasher);
}
