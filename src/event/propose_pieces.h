/* propose_pieces.h - a message as pieces, constant or open, and several of them laid beside each other: the two halves
 * of propose.h that work before anything has a name. Private to it. Texts are borrowed from the messages. */
#ifndef EVENT_PROPOSE_PIECES_H
#define EVENT_PROPOSE_PIECES_H

#include "base/arena.h"
#include "base/str.h"
#include "event/template.h"

#include <stdbool.h>
#include <stddef.h>

#define PIECES_MAX 256u /* of a message; what comes behind is one open piece */

struct piece {
    bool open;
    enum capture_kind kind; /* of an open one */
    struct str text;        /* of an open one empty when it is known to vary */
    struct str hint;        /* what it could be called; empty: nothing says */
};

struct pieces {
    struct piece piece[PIECES_MAX];
    size_t count;
};

/* propose_cut.c: adds the pieces of a message. */
void pieces_cut(struct str message, struct pieces *pieces);
/* propose_merge.c: what `a` and `b` share, into `a`; what lies between is open. False: there is no room. */
bool pieces_merge(struct arena *arena, struct pieces *a, const struct pieces *b) MUST_USE;
/* Words with digits that were the same in all messages become constant. */
void pieces_close(struct pieces *pieces);
/* Open pieces that stand at once behind each other become one. */
void pieces_fold(struct pieces *pieces);

/* ASCII, and every byte above it: a part of some letter. */
static inline bool byte_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}
size_t text_letters(struct str text);
/* Whether all bytes may stand in a capture of the kind; an empty text may not. */
bool text_all_are(struct str text, enum capture_kind kind);
/* Whether it may stand in a table of patterns. */
bool text_is_plain(struct str text);

#endif
