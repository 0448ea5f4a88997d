#include "wire/syslog_stream.h"

#include "base/assert.h"
#include "codec/scan.h"

#include <string.h>

/* What one step came to. */
enum step { STEP_ON, STEP_FRAME, STEP_MORE };

static bool may_become(enum syslog_stream_state from, enum syslog_stream_state to)
{
    static const uint8_t edges[] = {
        [SYSLOG_STREAM_BETWEEN] = 1 << SYSLOG_STREAM_COUNTED | 1 << SYSLOG_STREAM_LINE,
        [SYSLOG_STREAM_COUNTED] = 1 << SYSLOG_STREAM_BETWEEN | 1 << SYSLOG_STREAM_SKIP_COUNTED,
        [SYSLOG_STREAM_LINE] = 1 << SYSLOG_STREAM_BETWEEN | 1 << SYSLOG_STREAM_SKIP_LINE,
        [SYSLOG_STREAM_SKIP_COUNTED] = 1 << SYSLOG_STREAM_BETWEEN,
        [SYSLOG_STREAM_SKIP_LINE] = 1 << SYSLOG_STREAM_BETWEEN,
    };
    return (edges[from] >> to & 1) != 0;
}

static void stream_to(struct syslog_stream *stream, enum syslog_stream_state state)
{
    ASSERT(may_become(stream->state, state));
    stream->state = state;
}

void syslog_stream_init(struct syslog_stream *stream, size_t frame_max)
{
    ASSERT(frame_max >= WIRE_FRAME_MIN_MAX);
    *stream = (struct syslog_stream){.state = SYSLOG_STREAM_BETWEEN, .frame_max = frame_max};
    buf_init(&stream->held, frame_max);
}

void syslog_stream_done(struct syslog_stream *stream)
{
    buf_done(&stream->held);
}

static void take(struct str *input, size_t n)
{
    ASSERT(n <= input->n);
    input->p += n;
    input->n -= n;
}

/* Adds to the record that spans reads. Without memory the bytes are lost, and the record will say so. */
static void hold(struct syslog_stream *stream, const char *p, size_t n)
{
    if (n > 0)
        buf_put(&stream->held, p, n);
    if (stream->held.overflow)
        stream->lost_bytes += n;
}

static enum step deliver(struct syslog_stream *stream, struct str bytes, bool truncated, struct syslog_frame *ret_frame)
{
    *ret_frame = (struct syslog_frame){.bytes = bytes, .truncated = truncated};
    stream->records++;
    stream->truncated += truncated;
    return STEP_FRAME;
}

static enum step deliver_held(struct syslog_stream *stream, bool truncated, struct syslog_frame *ret_frame)
{
    stream->given = true;
    if (stream->held.n == 0)
        return STEP_ON; /* an empty line, or no memory at all: then lost_bytes tells */
    return deliver(stream, str_at(stream->held.p, stream->held.n), truncated || stream->held.overflow, ret_frame);
}

static void empty_held(struct syslog_stream *stream)
{
    if (stream->held.capacity > SYSLOG_STREAM_KEEP) {
        buf_done(&stream->held);
        buf_init(&stream->held, stream->frame_max);
    }
    buf_clear(&stream->held);
    stream->given = false;
}

/* --- octet-counted --- */

enum count { COUNT_NO, COUNT_YES, COUNT_MORE };

/* Whether `s` begins with a count, a blank and '<'. *ret_head is the length of count and blank. */
static enum count read_count(struct str s, size_t *ret_count, size_t *ret_head)
{
    size_t count = 0;
    size_t at = 0;
    while (at < s.n && at <= WIRE_COUNT_DIGITS && char_is_digit(s.p[at]))
        count = count * 10 + (size_t)(s.p[at++] - '0');
    if (at > WIRE_COUNT_DIGITS || (at > 0 && s.p[0] == '0'))
        return COUNT_NO;
    if (at == s.n)
        return COUNT_MORE;
    if (at == 0 || s.p[at] != ' ')
        return COUNT_NO;
    if (at + 1 == s.n)
        return COUNT_MORE;
    if (s.p[at + 1] != '<')
        return COUNT_NO;
    *ret_count = count;
    *ret_head = at + 1;
    return COUNT_YES;
}

static enum step begin_counted(struct syslog_stream *stream, size_t count)
{
    stream->left = MIN(count, stream->frame_max);
    stream->skip = count - stream->left;
    stream_to(stream, SYSLOG_STREAM_COUNTED);
    return STEP_ON;
}

static enum step step_counted(struct syslog_stream *stream, struct str *input, struct syslog_frame *ret_frame)
{
    struct str part = str_at(input->p, MIN(stream->left, input->n));
    bool direct = part.n == stream->left && stream->held.n == 0 && !stream->held.overflow;
    take(input, part.n);
    stream->left -= part.n;
    if (!direct)
        hold(stream, part.p, part.n);
    if (stream->left > 0)
        return STEP_MORE;
    bool truncated = stream->skip > 0;
    stream->left = stream->skip;
    stream->skip = 0;
    stream_to(stream, truncated ? SYSLOG_STREAM_SKIP_COUNTED : SYSLOG_STREAM_BETWEEN);
    enum step step = direct ? deliver(stream, part, truncated, ret_frame) : deliver_held(stream, truncated, ret_frame);
    ret_frame->counted = true;
    return step;
}

static enum step step_skip_counted(struct syslog_stream *stream, struct str *input)
{
    size_t n = MIN(stream->left, input->n);
    stream->left -= n;
    stream->lost_bytes += n;
    take(input, n);
    if (stream->left > 0)
        return STEP_MORE;
    stream_to(stream, SYSLOG_STREAM_BETWEEN);
    return STEP_ON;
}

/* --- lines --- */

static enum step end_line(struct syslog_stream *stream, char end, struct str bytes, struct syslog_frame *ret_frame)
{
    stream_to(stream, SYSLOG_STREAM_BETWEEN);
    if (end == '\n' && bytes.n > 0 && bytes.p[bytes.n - 1] == '\r')
        bytes.n--;
    return bytes.n > 0 ? deliver(stream, bytes, false, ret_frame) : STEP_ON;
}

/* The limit counts the bytes before the line feed, a CR among them. */
static enum step step_line(struct syslog_stream *stream, struct str *input, struct syslog_frame *ret_frame)
{
    bool fresh = stream->held.n == 0 && !stream->held.overflow;
    size_t room = stream->frame_max - stream->held.n;
    size_t seen = input->n > room ? room + 1 : input->n;
    struct str part = str_at(input->p, scan_either(input->p, seen, '\n', '\0'));
    if (part.n < seen) {
        char end = input->p[part.n];
        take(input, part.n + 1);
        if (fresh)
            return end_line(stream, end, part, ret_frame);
        hold(stream, part.p, part.n);
        if (end == '\n' && stream->held.n > 0 && stream->held.p[stream->held.n - 1] == '\r')
            stream->held.n--;
        stream_to(stream, SYSLOG_STREAM_BETWEEN);
        return deliver_held(stream, false, ret_frame);
    }
    if (seen <= room) { /* the end is not in sight */
        hold(stream, part.p, part.n);
        take(input, part.n);
        return STEP_MORE;
    }
    part.n = room;
    take(input, room);
    stream_to(stream, SYSLOG_STREAM_SKIP_LINE);
    if (fresh)
        return deliver(stream, part, true, ret_frame);
    hold(stream, part.p, part.n);
    return deliver_held(stream, true, ret_frame);
}

static enum step step_skip_line(struct syslog_stream *stream, struct str *input)
{
    size_t n = scan_either(input->p, input->n, '\n', '\0');
    bool found = n < input->n;
    stream->lost_bytes += n;
    take(input, found ? n + 1 : n);
    if (!found)
        return STEP_MORE;
    stream_to(stream, SYSLOG_STREAM_BETWEEN);
    return STEP_ON;
}

/* --- between frames --- */

static enum step begin_line(struct syslog_stream *stream)
{
    hold(stream, stream->head, stream->head_n);
    stream->head_n = 0;
    stream_to(stream, SYSLOG_STREAM_LINE);
    return STEP_ON;
}

/* The bytes so far may be a count: go on one by one, at most WIRE_COUNT_DIGITS + 2 in all. */
static enum step step_head(struct syslog_stream *stream, struct str *input)
{
    while (input->n > 0) {
        char text[sizeof stream->head + 1];
        size_t count = 0;
        size_t head = 0;
        memcpy(text, stream->head, stream->head_n);
        text[stream->head_n] = input->p[0];
        enum count result = read_count(str_at(text, stream->head_n + 1), &count, &head);
        if (result == COUNT_NO)
            return begin_line(stream);
        if (result == COUNT_YES) { /* the '<' stays in the input */
            stream->head_n = 0;
            return begin_counted(stream, count);
        }
        ASSERT(stream->head_n < sizeof stream->head);
        stream->head[stream->head_n++] = input->p[0];
        take(input, 1);
    }
    return STEP_MORE;
}

static enum step step_between(struct syslog_stream *stream, struct str *input)
{
    if (stream->head_n > 0)
        return step_head(stream, input);
    while (input->n > 0 && (input->p[0] == '\n' || input->p[0] == '\0'))
        take(input, 1);
    if (input->n == 0)
        return STEP_MORE;
    size_t count = 0;
    size_t head = 0;
    switch (read_count(*input, &count, &head)) {
    case COUNT_YES:
        take(input, head);
        return begin_counted(stream, count);
    case COUNT_MORE:
        return step_head(stream, input);
    case COUNT_NO:
        break;
    }
    return begin_line(stream);
}

bool syslog_stream_next(struct syslog_stream *stream, struct str *input, struct syslog_frame *ret_frame)
{
    for (;;) {
        enum step step = STEP_MORE;
        if (stream->given)
            empty_held(stream);
        if (input->n == 0)
            return false;
        switch (stream->state) {
        case SYSLOG_STREAM_BETWEEN:
            step = step_between(stream, input);
            break;
        case SYSLOG_STREAM_COUNTED:
            step = step_counted(stream, input, ret_frame);
            break;
        case SYSLOG_STREAM_LINE:
            step = step_line(stream, input, ret_frame);
            break;
        case SYSLOG_STREAM_SKIP_COUNTED:
            step = step_skip_counted(stream, input);
            break;
        case SYSLOG_STREAM_SKIP_LINE:
            step = step_skip_line(stream, input);
            break;
        }
        if (step != STEP_ON)
            return step == STEP_FRAME;
    }
}

bool syslog_stream_end(struct syslog_stream *stream, struct syslog_frame *ret_frame)
{
    enum step step = STEP_MORE;
    bool counted = stream->state == SYSLOG_STREAM_COUNTED;
    if (stream->given)
        empty_held(stream);
    if (stream->head_n > 0)
        step = deliver(stream, str_at(stream->head, stream->head_n), false, ret_frame);
    else if (counted || stream->state == SYSLOG_STREAM_LINE)
        step = deliver_held(stream, false, ret_frame);
    stream->state = SYSLOG_STREAM_BETWEEN; /* from any state: the stream is over */
    stream->head_n = 0;
    if (step != STEP_FRAME)
        return false;
    ret_frame->counted = counted;
    ret_frame->unterminated = true;
    return true;
}
