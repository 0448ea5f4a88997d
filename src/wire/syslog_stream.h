/* syslog_stream.h - cuts a byte stream into syslog records: RFC 6587, RFC 5425. No input or output here.
 *
 * Framing is told apart for every frame anew: digits (the first not 0), a blank and '<' begin an octet-counted frame;
 * anything else runs to a line feed or NUL (a CR before the line feed belongs to the framing). Empty frames are
 * skipped.
 *
 *        +---------+  count ' ' '<'  +---------+
 *   ---->| BETWEEN |---------------->| COUNTED |--- length reached ---> BETWEEN
 *        +---------+                 +---------+--- limit reached ----> SKIP_COUNTED --- length reached ---> BETWEEN
 *             | else                 +---------+
 *             +--------------------->|  LINE   |--- LF or NUL --------> BETWEEN
 *                                    +---------+--- limit reached ----> SKIP_LINE --- LF or NUL ---> BETWEEN
 *
 * A record longer than the limit is delivered once, cut to the limit and marked; the rest is dropped and counted.
 * How the stream was cut into reads makes no difference to the records. A record that lies whole in the bytes given is
 * not copied. Memory: at most the frame limit, allocated only when a record spans reads. */
#ifndef WIRE_SYSLOG_STREAM_H
#define WIRE_SYSLOG_STREAM_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum syslog_stream_state {
    SYSLOG_STREAM_BETWEEN,
    SYSLOG_STREAM_COUNTED,
    SYSLOG_STREAM_LINE,
    SYSLOG_STREAM_SKIP_COUNTED,
    SYSLOG_STREAM_SKIP_LINE,
};

struct syslog_stream {
    enum syslog_stream_state state;
    size_t frame_max;
    size_t left;         /* COUNTED: bytes still to come; SKIP_COUNTED: bytes still to drop */
    struct buf held;     /* the beginning of a record that spans reads */
    bool given;          /* `held` was delivered: to be emptied at the next call */
    uint64_t records;    /* delivered */
    uint64_t truncated;  /* of these, cut at the limit */
    uint64_t lost_bytes; /* dropped behind the limit, or for want of memory */
};

struct syslog_frame {
    struct str bytes;
    bool counted;      /* octet-counted */
    bool truncated;    /* cut at the limit */
    bool unterminated; /* the stream ended inside the record */
};

/* frame_max at least WIRE_FRAME_MIN_MAX. */
void syslog_stream_init(struct syslog_stream *stream, size_t frame_max);
void syslog_stream_done(struct syslog_stream *stream);

/* Takes bytes from the front of *input and gives the next record. False when it needs more: *input is then empty. The
 * record is borrowed from the input or the stream, until the next call. Call until false. */
bool syslog_stream_next(struct syslog_stream *stream, struct str *input, struct syslog_frame *ret_frame) MUST_USE;
/* The stream has ended: gives what is held as a record, once; false when nothing is held. */
bool syslog_stream_end(struct syslog_stream *stream, struct syslog_frame *ret_frame) MUST_USE;

#endif
