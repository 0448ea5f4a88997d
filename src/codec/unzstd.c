#include "codec/unzstd.h"

#include "base/arena.h"
#include "base/assert.h"

#include <zstd.h>
#include <zstd_errors.h>

#define STEP       65536u
#define HEAD_MAX   18u /* bytes of a frame's head: RFC 8878, 3.1.1.1 */
#define WINDOW_LOG 23  /* RFC 9659, 3: a decoder of Content-Encoding supports 8 MiB */

struct unzstd {
    ZSTD_DStream *stream;
    bool begun;     /* bytes came */
    bool ended;     /* between frames */
    bool full;      /* the step before filled its room: more may come without input */
    bool has_spare; /* a byte that found no room: it shows that there is more */
    bool bad;
    char spare;
    size_t head; /* bytes of the frame that were given, up to HEAD_MAX */
};

struct unzstd *unzstd_new(void)
{
    struct unzstd *unzstd = memory_new(sizeof *unzstd);
    if (!unzstd)
        return NULL;
    unzstd->stream = ZSTD_createDStream();
    if (unzstd->stream && !ZSTD_isError(ZSTD_DCtx_setParameter(unzstd->stream, ZSTD_d_windowLogMax, WINDOW_LOG)))
        return unzstd;
    unzstd_free(unzstd);
    return NULL;
}

void unzstd_free(struct unzstd *unzstd)
{
    if (!unzstd)
        return;
    ZSTD_freeDStream(unzstd->stream);
    memory_free(unzstd);
}

/* A frame begins with the RFC's magic or a skippable one's. Others that the library reads know no limit of windows. */
static bool frame_begins(unsigned char first)
{
    return first == 0x28 || (first & 0xf0) == 0x50;
}

static enum rc bad(struct unzstd *unzstd, enum rc rc)
{
    unzstd->bad = true;
    return rc;
}

static enum rc bad_frame(struct unzstd *unzstd, size_t result)
{
    ZSTD_ErrorCode code = ZSTD_getErrorCode(result);
    bool large = code == ZSTD_error_frameParameter_windowTooLarge || code == ZSTD_error_memory_allocation;
    return bad(unzstd, large ? RC_LIMIT : RC_INVALID);
}

static bool spare_give(struct unzstd *unzstd, struct buf *out)
{
    if (unzstd->has_spare && out->n == out->limit)
        return false;
    if (unzstd->has_spare)
        buf_char(out, unzstd->spare);
    unzstd->has_spare = false;
    return true;
}

enum rc unzstd_next(struct unzstd *unzstd, struct str *bytes, struct buf *out)
{
    ASSERT(!unzstd->bad && out->n <= out->limit);
    ZSTD_inBuffer in = {bytes->p, 0, 0};
    if (!spare_give(unzstd, out))
        return RC_AGAIN;
    while (in.pos < bytes->n || unzstd->full) {
        size_t room = MIN((size_t)STEP, out->limit - out->n);
        char *place = room ? buf_reserve(out, room) : NULL;
        if (room && !place)
            return bad(unzstd, RC_LIMIT);
        if ((!unzstd->begun || unzstd->ended) && !frame_begins((unsigned char)bytes->p[in.pos]))
            return bad(unzstd, RC_INVALID);
        /* A frame that is given whole the library would read past its limit of windows: its head comes by bytes. */
        size_t before = in.pos;
        in.size = unzstd->head < HEAD_MAX ? MIN(in.pos + 1, bytes->n) : bytes->n;
        ZSTD_outBuffer made = {place ? place : &unzstd->spare, place ? room : 1, 0};
        size_t left = ZSTD_decompressStream(unzstd->stream, &made, &in);
        if (ZSTD_isError(left))
            return bad_frame(unzstd, left);
        unzstd->begun = true;
        unzstd->ended = left == 0;
        unzstd->head = unzstd->ended ? 0 : MIN(unzstd->head + (in.pos - before), (size_t)HEAD_MAX);
        unzstd->full = left > 0 && made.pos == made.size;
        if (place) {
            buf_grew(out, made.pos);
        } else if (made.pos) {
            unzstd->has_spare = true;
            break;
        }
    }
    *bytes = str_skip(*bytes, in.pos);
    return unzstd->has_spare ? RC_AGAIN : out->overflow ? bad(unzstd, RC_LIMIT) : RC_OK;
}

bool unzstd_whole(const struct unzstd *unzstd)
{
    return unzstd->begun && unzstd->ended && !unzstd->has_spare && !unzstd->bad;
}

size_t unzstd_held(const struct unzstd *unzstd)
{
    return unzstd ? sizeof *unzstd + ZSTD_sizeof_DStream(unzstd->stream) : 0;
}
