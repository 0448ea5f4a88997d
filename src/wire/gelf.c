#include "wire/gelf.h"

#include "base/arena.h"
#include "base/assert.h"
#include "codec/gzip.h"

#include <string.h>

#define PIECE_HEAD 12u

/* --- TCP --- */

void gelf_stream_init(struct gelf_stream *stream, size_t frame_max)
{
    ASSERT(frame_max > 0);
    *stream = (struct gelf_stream){.frame_max = frame_max};
}

bool gelf_stream_next(struct gelf_stream *stream, struct str *input, struct gelf_frame *ret_frame)
{
    while (input->n) {
        size_t n = str_find(*input, '\0');
        bool ended = n < input->n;
        if (stream->skipping) {
            stream->lost_bytes += n;
            stream->skipping = !ended;
            *input = str_skip(*input, ended ? n + 1 : n);
            continue;
        }
        if (n > stream->frame_max) {
            *ret_frame = (struct gelf_frame){str_slice(*input, 0, stream->frame_max), true};
            *input = str_skip(*input, stream->frame_max);
            stream->skipping = true;
            return true;
        }
        if (!ended)
            return false;
        *ret_frame = (struct gelf_frame){str_slice(*input, 0, n), false};
        *input = str_skip(*input, n + 1);
        if (n)
            return true;
    }
    return false;
}

/* --- UDP --- */

struct gelf_pending {
    char sender[GELF_SENDER_MAX];
    uint8_t id[8];
    uint8_t count;
    uint8_t seen;
    uint64_t since_ns;
    size_t held;
    char *pieces[GELF_PIECES_MAX];
    uint16_t sizes[GELF_PIECES_MAX];
};

bool gelf_datagrams_init(struct gelf_datagrams *datagrams, size_t record_max)
{
    *datagrams = (struct gelf_datagrams){0};
    buf_init(&datagrams->whole, record_max);
    datagrams->pending = memory_new(GELF_PENDING_MAX * sizeof *datagrams->pending);
    return datagrams->pending != NULL;
}

static void pending_remove(struct gelf_datagrams *datagrams, size_t place)
{
    struct gelf_pending *pending = &datagrams->pending[place];
    for (size_t i = 0; i < pending->count; i++)
        memory_free(pending->pieces[i]);
    datagrams->held -= pending->held;
    *pending = datagrams->pending[--datagrams->count];
}

void gelf_datagrams_done(struct gelf_datagrams *datagrams)
{
    while (datagrams->count)
        pending_remove(datagrams, datagrams->count - 1);
    memory_free(datagrams->pending);
    buf_done(&datagrams->whole);
}

static void oldest_remove(struct gelf_datagrams *datagrams)
{
    size_t oldest = 0;
    for (size_t i = 1; i < datagrams->count; i++)
        if (datagrams->pending[i].since_ns < datagrams->pending[oldest].since_ns)
            oldest = i;
    pending_remove(datagrams, oldest);
    datagrams->incomplete++;
}

void gelf_datagrams_tick(struct gelf_datagrams *datagrams, uint64_t now_ns)
{
    for (size_t i = datagrams->count; i-- > 0;) {
        if (now_ns - datagrams->pending[i].since_ns <= GELF_WAIT_NS)
            continue;
        pending_remove(datagrams, i);
        datagrams->incomplete++;
    }
}

static struct gelf_pending *pending_find(struct gelf_datagrams *datagrams, struct str sender, struct str bytes,
                                         uint64_t now_ns)
{
    for (size_t i = 0; i < datagrams->count; i++) {
        struct gelf_pending *pending = &datagrams->pending[i];
        if (memcmp(pending->id, bytes.p + 2, sizeof pending->id) == 0 && str_is(sender, pending->sender) &&
            pending->count == (uint8_t)bytes.p[11])
            return pending;
    }
    while (datagrams->count == GELF_PENDING_MAX || (datagrams->count && datagrams->held + bytes.n > GELF_HELD_MAX))
        oldest_remove(datagrams);
    struct gelf_pending *pending = &datagrams->pending[datagrams->count];
    *pending = (struct gelf_pending){.count = (uint8_t)bytes.p[11], .since_ns = now_ns};
    if (!str_copy_z(sender, pending->sender, sizeof pending->sender))
        return NULL;
    memcpy(pending->id, bytes.p + 2, sizeof pending->id);
    datagrams->count++;
    return pending;
}

static enum rc broken(struct gelf_datagrams *datagrams)
{
    datagrams->broken++;
    return RC_INVALID;
}

/* A whole message, plain or compressed, in pieces of memory that follow one another. */
static enum rc message_read(struct gelf_datagrams *datagrams, const struct str *parts, size_t count,
                            struct str *ret_message)
{
    uint8_t first = parts[0].n ? (uint8_t)parts[0].p[0] : 0;
    struct gunzip *gunzip = first == 0x1f || first == 0x78 ? gunzip_new() : NULL;
    enum rc rc = RC_OK;
    buf_clear(&datagrams->whole);
    datagrams->whole.overflow = false;
    if (!gunzip && first != '{')
        return broken(datagrams);
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        if (gunzip)
            rc = gunzip_add(gunzip, parts[i], &datagrams->whole);
        else
            buf_str(&datagrams->whole, str_slice(parts[i], 0, datagrams->whole.limit - datagrams->whole.n));
    }
    if (rc == RC_OK && gunzip && !gunzip_whole(gunzip))
        rc = RC_INVALID;
    gunzip_free(gunzip);
    *ret_message = buf_view(&datagrams->whole);
    return rc == RC_INVALID || ret_message->n == 0 ? broken(datagrams) : rc;
}

static enum rc piece_take(struct gelf_datagrams *datagrams, struct str sender, struct str bytes, uint64_t now_ns,
                          struct str *ret_message)
{
    size_t number = bytes.n >= PIECE_HEAD ? (uint8_t)bytes.p[10] : 0;
    size_t count = bytes.n >= PIECE_HEAD ? (uint8_t)bytes.p[11] : 0;
    if (bytes.n <= PIECE_HEAD || bytes.n > WIRE_DATAGRAM_MAX || count == 0 || count > GELF_PIECES_MAX ||
        number >= count)
        return broken(datagrams);
    struct gelf_pending *pending = pending_find(datagrams, sender, bytes, now_ns);
    if (!pending)
        return broken(datagrams);
    size_t place = (size_t)(pending - datagrams->pending);
    if (pending->pieces[number])
        return RC_AGAIN; /* the same one again */
    size_t size = bytes.n - PIECE_HEAD;
    char *piece = memory_new(size);
    if (!piece) {
        pending_remove(datagrams, place);
        datagrams->incomplete++;
        return RC_AGAIN;
    }
    memcpy(piece, bytes.p + PIECE_HEAD, size);
    pending->pieces[number] = piece;
    pending->sizes[number] = (uint16_t)size;
    pending->held += size;
    datagrams->held += size;
    if (++pending->seen < pending->count)
        return RC_AGAIN;
    struct str parts[GELF_PIECES_MAX];
    for (size_t i = 0; i < count; i++)
        parts[i] = str_at(pending->pieces[i], pending->sizes[i]);
    enum rc rc = message_read(datagrams, parts, count, ret_message);
    pending_remove(datagrams, place);
    return rc;
}

enum rc gelf_datagrams_take(struct gelf_datagrams *datagrams, struct str sender, struct str bytes, uint64_t now_ns,
                            struct str *ret_message)
{
    gelf_datagrams_tick(datagrams, now_ns);
    if (bytes.n >= 2 && (uint8_t)bytes.p[0] == 0x1e && (uint8_t)bytes.p[1] == 0x0f)
        return piece_take(datagrams, sender, bytes, now_ns, ret_message);
    return message_read(datagrams, &bytes, 1, ret_message);
}
