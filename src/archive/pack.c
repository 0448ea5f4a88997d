#include "archive/pack.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>
#include <zstd.h>

#define PACK_HEADER 5
#define SMALL       48 /* not worth a frame */

enum method { METHOD_PLAIN = 0, METHOD_ZSTD = 1 };

struct packer {
    ZSTD_CCtx *context;
};

struct packer *packer_new(void)
{
    struct packer *packer = memory_new(sizeof *packer);
    if (!packer)
        return NULL;
    packer->context = ZSTD_createCCtx();
    if (!packer->context) {
        memory_free(packer);
        return NULL;
    }
    return packer;
}

void packer_free(struct packer *packer)
{
    if (!packer)
        return;
    ZSTD_freeCCtx(packer->context);
    memory_free(packer);
}

void pack(struct packer *packer, struct str plain, int level, struct buf *out)
{
    ASSERT(plain.n <= UINT32_MAX);
    buf_be32(out, (uint32_t)plain.n);
    if (plain.n > SMALL) {
        size_t room = ZSTD_compressBound(plain.n);
        char *at = buf_reserve(out, 1 + room);
        if (!at)
            return;
        size_t n = ZSTD_compressCCtx(packer->context, at + 1, room, plain.p, plain.n, level);
        if (!ZSTD_isError(n) && n < plain.n) {
            at[0] = METHOD_ZSTD;
            buf_grew(out, 1 + n);
            return;
        }
    }
    buf_u8(out, METHOD_PLAIN);
    buf_put(out, plain.p, plain.n);
}

static enum rc damaged(struct err *err)
{
    return err_set(err, RC_CORRUPT, "a compressed part is damaged");
}

enum rc unpacked_size(struct str packed, size_t limit, uint32_t *ret_size, struct err *err)
{
    *ret_size = packed.n >= PACK_HEADER ? get_be32(packed.p) : 0;
    return (packed.n == 0 || packed.n >= PACK_HEADER) && *ret_size <= limit ? RC_OK : damaged(err);
}

enum rc unpack(struct str packed, size_t limit, struct arena *arena, struct str *ret_plain, struct err *err)
{
    struct reader in = reader_of(packed);
    uint32_t size = read_be32(&in);
    uint8_t method = read_u8(&in);
    struct str body = str_skip(packed, PACK_HEADER);
    if (in.failed || size > limit || method > METHOD_ZSTD)
        return damaged(err);
    char *plain = arena_alloc_raw(arena, (size_t)size + 1);
    if (!plain)
        return err_set(err, RC_LIMIT, "no memory for a compressed part of %u bytes", size);
    size_t n = body.n;
    if (method == METHOD_ZSTD)
        n = ZSTD_decompress(plain, size, body.p, body.n);
    else if (n == size && n)
        memcpy(plain, body.p, n);
    if (ZSTD_isError(n) || n != size)
        return damaged(err);
    *ret_plain = str_at(plain, size);
    return RC_OK;
}
