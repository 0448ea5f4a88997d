#include "codec/gzip.h"

#include "base/arena.h"
#include "base/assert.h"

#include <limits.h>
#include <zlib.h>

#define STEP          16384u
#define EITHER_FORMAT (32 + MAX_WBITS) /* zlib.h, inflateInit2: gzip or zlib, told by the first bytes */

struct gunzip {
    z_stream stream;
    bool begun; /* of the present member bytes came */
    bool ended; /* the last member is complete */
    bool bad;
};

struct gunzip *gunzip_new(void)
{
    struct gunzip *gunzip = memory_new(sizeof *gunzip);
    if (gunzip && inflateInit2(&gunzip->stream, EITHER_FORMAT) == Z_OK)
        return gunzip;
    memory_free(gunzip);
    return NULL;
}

void gunzip_free(struct gunzip *gunzip)
{
    if (!gunzip)
        return;
    inflateEnd(&gunzip->stream);
    memory_free(gunzip);
}

static enum rc bad(struct gunzip *gunzip, enum rc rc)
{
    gunzip->bad = true;
    return rc;
}

/* Room for the next step: what is left below the limit, for a buffer of the caller's grows no further. */
static char *room_find(struct buf *out, size_t *ret_room)
{
    *ret_room = MIN((size_t)STEP, out->limit - out->n);
    return *ret_room ? buf_reserve(out, *ret_room) : NULL;
}

enum rc gunzip_add(struct gunzip *gunzip, struct str bytes, struct buf *out)
{
    ASSERT(!gunzip->bad && bytes.n <= UINT_MAX);
    z_stream *stream = &gunzip->stream;
    stream->next_in = (z_const Bytef *)(uintptr_t)bytes.p;
    stream->avail_in = (uInt)bytes.n;
    bool full = false; /* the step before filled its room: more may come without input */
    while (stream->avail_in || full) {
        if (gunzip->ended && stream->avail_in) { /* another member */
            if (inflateReset(stream) != Z_OK)
                return bad(gunzip, RC_INVALID);
            gunzip->ended = false;
        }
        size_t room = 0;
        Bytef spare;
        char *place = room_find(out, &room);
        stream->next_out = place ? (Bytef *)place : &spare;
        stream->avail_out = place ? (uInt)room : 1; /* the end may come without another byte */
        int result = inflate(stream, Z_NO_FLUSH);
        size_t made = (place ? room : 1) - stream->avail_out;
        if (place)
            buf_grew(out, made);
        else if (made)
            return bad(gunzip, RC_LIMIT);
        full = stream->avail_out == 0;
        gunzip->begun = true;
        gunzip->ended = result == Z_STREAM_END;
        if (gunzip->ended)
            full = false;
        else if (result == Z_BUF_ERROR)
            return RC_OK; /* it wants more */
        else if (result != Z_OK)
            return bad(gunzip, RC_INVALID);
    }
    return RC_OK;
}

bool gunzip_whole(const struct gunzip *gunzip)
{
    return gunzip->begun && gunzip->ended && !gunzip->bad;
}
