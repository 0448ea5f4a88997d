#include "wire/sldc.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define HISTORY        1024u
#define PIECE          4096u  /* bytes put at once */
#define CONTROL_MARK   0x1ffu /* nine ones: no data symbol begins with them */
#define LENGTH_LONGEST 271u
#define TAIL_MAX       9u /* bytes behind the last record: zeros, the length of the text; no record is so short */

/* ECMA-321 8.5 */
enum control {
    CONTROL_FLUSH = 0,
    CONTROL_SCHEME_1 = 1,
    CONTROL_SCHEME_2 = 2,
    CONTROL_FILE_MARK = 3,
    CONTROL_END_OF_RECORD = 4,
    CONTROL_RESET_1 = 5,
    CONTROL_RESET_2 = 6,
    CONTROL_END = 15,
};

struct sldc {
    struct str stream;
    size_t at; /* bit */
    bool failed;
    bool ended;      /* with the last record */
    unsigned scheme; /* 0: none yet */
    unsigned place;  /* in the ring, where the next byte goes */
    char history[HISTORY];
    struct buf *out;
    size_t piece_n;
    char piece[PIECE];
};

/* The next bits, at most 16, without taking them; those past the end are zeros. */
static uint32_t bits_peek(const struct sldc *s, unsigned count)
{
    size_t byte = s->at / 8;
    uint32_t word = 0;
    if (s->stream.n - byte >= 4)
        word = get_be32(s->stream.p + byte);
    else
        for (size_t i = byte; i < s->stream.n; i++)
            word |= (uint32_t)(unsigned char)s->stream.p[i] << (24 - 8 * (i - byte));
    return word << s->at % 8 >> (32 - count);
}

static void bits_pass(struct sldc *s, unsigned count)
{
    size_t left = 8 * s->stream.n - s->at;
    s->failed = s->failed || count > left;
    s->at += MIN((size_t)count, left);
}

static uint32_t bits_take(struct sldc *s, unsigned count)
{
    uint32_t bits = bits_peek(s, count);
    bits_pass(s, count);
    return bits;
}

static void piece_put(struct sldc *s)
{
    buf_put(s->out, s->piece, s->piece_n);
    s->piece_n = 0;
}

static void byte_put(struct sldc *s, char byte)
{
    s->history[s->place] = byte;
    s->place = (s->place + 1) % HISTORY;
    s->piece[s->piece_n++] = byte;
    if (s->piece_n == PIECE)
        piece_put(s);
}

static void reset(struct sldc *s, unsigned scheme)
{
    memset(s->history, 0, sizeof s->history);
    s->place = 0;
    s->scheme = scheme;
}

/* Zeros up to the next 32 bits of the stream. */
static void flush(struct sldc *s)
{
    while (s->at % 32 && !s->failed)
        s->failed = bits_take(s, 1) != 0 || s->failed;
}

/* ECMA-321 has zeros up to the next 32 bits, Windows up to 16 more, and the length of the text last: a record behind
 * this one begins with a control symbol, which begins with eight ones. */
static void record_end(struct sldc *s)
{
    size_t byte = (s->at + 7) / 8;
    while (byte < s->stream.n && s->stream.p[byte] == '\0')
        byte++;
    s->ended = s->stream.n - (s->at + 7) / 8 <= TAIL_MAX;
    s->failed = !s->ended && (byte == s->stream.n || s->stream.p[byte] != '\xff');
    s->at = 8 * byte;
}

static void control_read(struct sldc *s)
{
    enum control control = bits_take(s, 13) & 15;
    switch (control) {
    case CONTROL_SCHEME_1:
    case CONTROL_SCHEME_2:
        s->scheme = control == CONTROL_SCHEME_1 ? 1 : 2;
        return;
    case CONTROL_RESET_1:
    case CONTROL_RESET_2:
        reset(s, control == CONTROL_RESET_1 ? 1 : 2);
        return;
    case CONTROL_FLUSH:
        flush(s);
        return;
    case CONTROL_END_OF_RECORD:
    case CONTROL_END:
        record_end(s);
        return;
    case CONTROL_FILE_MARK: /* of tapes */
        break;
    }
    s->failed = true;
}

/* ECMA-321 8.4.2, table 1: the more ones before it, the longer. */
static unsigned length_read(struct sldc *s)
{
    if (bits_take(s, 1) == 0)
        return 2 + bits_take(s, 1);
    if (bits_take(s, 1) == 0)
        return 4 + bits_take(s, 2);
    if (bits_take(s, 1) == 0)
        return 8 + bits_take(s, 3);
    if (bits_take(s, 1) == 0)
        return 16 + bits_take(s, 4);
    return 32 + bits_take(s, 8);
}

static void copy_read(struct sldc *s)
{
    unsigned length = length_read(s);
    unsigned from = bits_take(s, 10);
    if (length > LENGTH_LONGEST)
        s->failed = true;
    for (unsigned i = 0; i < length && !s->failed; i++)
        byte_put(s, s->history[(from + i) % HISTORY]);
}

static void symbol_read(struct sldc *s)
{
    uint32_t next = bits_peek(s, 9);
    if (next == CONTROL_MARK) {
        control_read(s);
    } else if (s->scheme == 1 && next < 0x100) {
        bits_pass(s, 9);
        byte_put(s, (char)next);
    } else if (s->scheme == 1) {
        bits_pass(s, 1);
        copy_read(s);
    } else if (s->scheme == 2) {
        bits_pass(s, next >> 1 == 0xff ? 9 : 8); /* 255 has a zero behind it: nine ones are a control symbol */
        byte_put(s, (char)(next >> 1));
    } else {
        s->failed = true;
    }
}

enum rc sldc_read(struct str stream, struct buf *out)
{
    struct sldc s = {.stream = stream, .out = out};
    ASSERT(out->n == 0);
    while (!s.failed && !s.ended && !out->overflow)
        symbol_read(&s);
    if (!s.failed)
        piece_put(&s);
    if (out->overflow)
        return RC_LIMIT;
    return s.failed ? RC_INVALID : RC_OK;
}

bool sldc_is_plain(struct str bytes)
{
    return str_starts(bytes, STR("<")) || str_starts(bytes, STR("\xff\xfe")) || str_starts(bytes, STR("\xfe\xff")) ||
           str_starts(bytes, STR("\xef\xbb\xbf"));
}
