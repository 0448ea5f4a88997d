/* gelf.h - Graylog's GELF: frames over TCP, and datagrams that may be compressed or come in pieces. No input or output
 * here.
 *
 * TCP: JSON texts, each behind it a NUL. UDP: JSON, or gzip or zlib of it; or pieces, each behind the head
 *   1e 0f | id 8 | u8 number | u8 count
 * Pieces are put together by sender and id within five seconds, in any order; at most GELF_PENDING_MAX messages and
 * GELF_HELD_MAX bytes wait at a time: past that the oldest are given up. What never becomes whole is counted.
 * Source: Graylog documentation, GELF. */
#ifndef WIRE_GELF_H
#define WIRE_GELF_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define GELF_PIECES_MAX  128u
#define GELF_PENDING_MAX 1024u
#define GELF_HELD_MAX    ((size_t)32 << 20)
#define GELF_WAIT_NS     UINT64_C(5000000000)
#define GELF_SENDER_MAX  64u

/* --- TCP --- */

struct gelf_stream {
    size_t frame_max;
    bool skipping;       /* up to the next NUL: the rest of a frame that was given cut */
    uint64_t lost_bytes; /* dropped so far */
};

struct gelf_frame {
    struct str bytes; /* borrowed from the input */
    bool truncated;
};

void gelf_stream_init(struct gelf_stream *stream, size_t frame_max);
/* The next frame at the front of *input, which moves past it; empty ones are passed over. False when it needs more:
 * what is left, at most frame_max bytes, has to come again with more behind it. */
bool gelf_stream_next(struct gelf_stream *stream, struct str *input, struct gelf_frame *ret_frame) MUST_USE;

/* --- UDP --- */

struct gelf_pending;

struct gelf_datagrams {
    struct gelf_pending *pending; /* GELF_PENDING_MAX places */
    size_t count;
    size_t held;
    struct buf whole;    /* the message given last */
    uint64_t incomplete; /* messages given up for want of a piece, or of room */
    uint64_t broken;     /* datagrams that are none, or do not inflate */
};

/* record_max: bytes of a message, inflated. False without memory. */
bool gelf_datagrams_init(struct gelf_datagrams *datagrams, size_t record_max) MUST_USE;
void gelf_datagrams_done(struct gelf_datagrams *datagrams);
/* A datagram of a sender. RC_OK: a message is whole, borrowed until the next call; RC_AGAIN: pieces are missing;
 * RC_INVALID: it is none, which is counted; RC_LIMIT: longer than record_max when inflated, given cut. */
enum rc gelf_datagrams_take(struct gelf_datagrams *datagrams, struct str sender, struct str bytes, uint64_t now_ns,
                            struct str *ret_message) MUST_USE;
/* Gives up what has waited too long. */
void gelf_datagrams_tick(struct gelf_datagrams *datagrams, uint64_t now_ns);

#endif
