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
 * not copied. Memory: at most the frame limit, allocated only when a record spans reads;
 * more than SYSLOG_STREAM_KEEP is given back once the record is out. */
#ifndef WIRE_SYSLOG_STREAM_H
#define WIRE_SYSLOG_STREAM_H

#include "base/buf.h"
#include "base/str.h"
#include "wire/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSLOG_STREAM_KEEP 16384u

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
    char head[WIRE_COUNT_DIGITS + 2]; /* BETWEEN: bytes that may yet be a count */
    size_t head_n;
    size_t left;         /* COUNTED: bytes still to collect; SKIP_COUNTED: still to drop */
    size_t skip;         /* COUNTED: bytes to drop afterwards, those past the limit */
    struct buf held;     /* the beginning of a record that spans reads */
    bool given;          /* `held` was delivered: to be emptied at the next call */
    uint64_t records;    /* delivered */
    uint64_t truncated;  /* of these, not whole: past the limit, or for want of memory */
    uint64_t lost_bytes; /* dropped for these reasons */
};

struct syslog_frame {
    struct str bytes;
    bool counted;      /* octet-counted */
    bool truncated;    /* cut at the limit, or for want of memory */
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
