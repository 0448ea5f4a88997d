/* lumberjack.h - Lumberjack, what Beats and Logstash speak to each other: the receiving side. No input or output here.
 *
 *   sender                                             receiver
 *   '2' 'W' u32 count                              ──►
 *   '2' 'J' u32 number, u32 length, JSON           ──►      as it is, or many frames within
 *   '2' 'C' u32 length, zlib(frames)               ──►
 *                                                  ◄──      '2' 'A' u32 number   once records up to it are durable
 *
 *   FRAMES ── 'C' ──► COMPRESSED ── all bytes came and their sum is right ──► INNER ── all frames given ──► FRAMES
 *
 * A frame 'D' (u32 number, u32 pairs, each u32 length, key, u32 length, value) becomes a JSON object. Version 1, whose
 * frames are these but 'J', is answered in kind. Records are counted within their window; more than it announced, a
 * window within a window and compression within compression are refused. A record longer than the limit is given once,
 * cut and marked; the rest is counted. Numbers are big-endian.
 * Source: github.com/logstash-plugins/logstash-input-beats, PROTOCOL.md; elastic/go-lumber. */
#ifndef WIRE_LUMBERJACK_H
#define WIRE_LUMBERJACK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "codec/gzip.h"

#include <stdbool.h>
#include <stdint.h>

#define LUMBERJACK_INNER_MAX  ((size_t)32 << 20) /* bytes of the frames within one compressed frame */
#define LUMBERJACK_PAIRS_MAX  1024u              /* of a frame 'D' */
#define LUMBERJACK_DATA_MAX   ((size_t)1 << 20)  /* bytes of a frame 'D' */
#define LUMBERJACK_WINDOW_MAX 1000000u
#define LUMBERJACK_ANSWER     6u /* bytes */

enum lumberjack_state { LUMBERJACK_FRAMES, LUMBERJACK_COMPRESSED, LUMBERJACK_INNER };

struct lumberjack {
    enum lumberjack_state state;
    size_t frame_max;
    char version;          /* '1' or '2', as the last frame said */
    uint32_t window;       /* records that it announced */
    uint32_t taken;        /* of these */
    uint64_t left;         /* COMPRESSED: bytes to come */
    uint64_t skip;         /* bytes of a record's end that are to be dropped */
    uint64_t lost_bytes;   /* dropped so far */
    struct gunzip *gunzip; /* COMPRESSED */
    struct buf inner;      /* the frames of a compressed one */
    size_t inner_at;       /* INNER: where the next one begins */
    struct buf json;       /* of a frame 'D' */
    const char *reason;    /* after RC_INVALID and RC_LIMIT: constant */
};

struct lumberjack_record {
    struct str bytes; /* borrowed until the next call */
    uint32_t number;
    bool last;    /* of its window */
    uint64_t cut; /* bytes past the limit */
};

/* frame_max: bytes of a record. */
void lumberjack_init(struct lumberjack *lumberjack, size_t frame_max);
void lumberjack_done(struct lumberjack *lumberjack);
/* Takes from the front of *input and gives the next record. RC_AGAIN: what is left in *input has to come again with
 * more behind it, less than LUMBERJACK_DATA_MAX or frame_max and 16 bytes. RC_INVALID, RC_LIMIT: the connection ends.
 */
enum rc lumberjack_next(struct lumberjack *lumberjack, struct str *input,
                        struct lumberjack_record *ret_record) MUST_USE;
void lumberjack_answer(struct buf *out, char version, uint32_t number);
size_t lumberjack_held(const struct lumberjack *lumberjack);

#endif
