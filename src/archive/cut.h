/* cut.h - cuts the raw bytes of a record into pieces that its kind of message repeats and slots that vary. Pure.
 *
 *     Nov 20 00:28:21 db26 sshd[34854]: Failed password for root from 192.0.2.7 port 22156 ssh2
 *         -- -------- ---- ---- -----                       ----      ---------      -----   ---- slots
 *
 * A slot is a run of characters other than blanks, quotes, brackets and separators that holds a digit or a doubled
 * backslash, or that the parser named as a field. A time of day is a slot of its own. Words are never cut, except
 * around a time of day. One pass over 64 bytes at a time; nothing is allocated. Internal to the room. */
#ifndef ARCHIVE_CUT_H
#define ARCHIVE_CUT_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CUT_RAW_MAX    16384 /* longer records are not cut */
#define CUT_SLOTS_MAX  400
#define CUT_FORCED_MAX 128 /* longer values are no slots by being fields alone */
#define CUT_PADDING    64
#define CUT_PARTS      3
#define CLOCK_SIZE     8 /* HH:MM:SS */
#define CUT_WORDS      (CUT_RAW_MAX / 64 + 1)

enum slot_kind {
    SLOT_TEXT = 0,
    SLOT_CLOCK = 1,   /* HH:MM:SS; SLOT_CLOCK + n: with n digits of a fraction, n <= 9 */
    SLOT_NUMBER = 16, /* a number that is no part of raw */
};

struct cut_slot {
    uint32_t at;
    uint32_t n;
    uint8_t kind;
    bool glued; /* a word or number goes on across one of its borders */
};

/* Bit i of a map: something of byte i. Large: keep it in a builder. */
struct cut {
    struct str raw;
    size_t words; /* of 64 bits, in use */
    bool has_backslash;
    bool has_split_words;        /* a field begins or ends inside of a word: told by cut_finish */
    bool narrow;                 /* the processor's wide instructions are left alone: for tests */
    uint64_t word[CUT_WORDS];    /* stands in a word */
    uint64_t token[CUT_WORDS];   /* no blank, quote, bracket or separator */
    uint64_t digit[CUT_WORDS];   /* or a doubled backslash: makes its run a slot */
    uint64_t slash[CUT_WORDS];   /* backslash */
    uint64_t blank[CUT_WORDS];   /* a blank, 0x20 */
    uint64_t inside[CUT_WORDS];  /* in a word, as is the byte before */
    uint64_t joined[CUT_WORDS];  /* the same, or in a number with dots */
    uint64_t edge[CUT_WORDS];    /* a field begins or ends before this byte */
    uint64_t forced[CUT_WORDS];  /* in a short field's value */
    uint64_t borders[CUT_WORDS]; /* a run of tokens begins or ends before this byte */
    uint64_t begins[CUT_WORDS];  /* what makes a run a slot */
    uint64_t kept[CUT_WORDS];    /* a slot may begin with it */
    uint64_t held[CUT_WORDS];    /* a slot may end with it */
    struct cut_slot slots[CUT_SLOTS_MAX];
    uint32_t starts[CUT_SLOTS_MAX + 1]; /* of the pieces: piece i begins here, and slot i - 1 ends */
    size_t slot_count;
};

/* raw.n <= CUT_RAW_MAX; CUT_PADDING bytes more may be read. */
void cut_begin(struct cut *cut, struct str raw);
/* Looks at the bytes: before anything else but slots is asked of it. */
void cut_look(struct cut *cut);
/* Whether a word that begins or ends before this byte is cut by nothing there: the byte and the one before are not both
 * of a word. */
static inline bool cut_is_border(const struct cut *cut, size_t at)
{
    return !(cut->inside[at / 64] >> (at % 64) & 1);
}

/* A field's value of more than 64 bytes, or across a border of the maps' words, stands at [from, to). */
void cut_span_long(struct cut *cut, size_t from, size_t to);
/* Whether a value with blanks in it stands in quotes of its own. */
bool cut_is_quoted(const struct cut *cut, size_t from, size_t to);

/* A field's value stands at [from, to) of raw; from < to. */
static inline void cut_span(struct cut *cut, size_t from, size_t to)
{
    size_t w = from / 64;
    cut->edge[w] |= UINT64_C(1) << (from % 64);
    cut->edge[to / 64] |= UINT64_C(1) << (to % 64); /* a map has a bit more than there are bytes */
    if (from % 64 + (to - from) > 64) {
        cut_span_long(cut, from, to);
        return;
    }
    uint64_t bits = UINT64_MAX >> (64 - (to - from)) << (from % 64);
    if ((cut->blank[w] & bits) && !cut_is_quoted(cut, from, to))
        return;
    cut->forced[w] |= bits;
    if (!(cut->slash[w] & bits))
        cut->token[w] |= bits;
}

/* Finds the slots; false when there are more than CUT_SLOTS_MAX. */
bool cut_finish(struct cut *cut);
/* Whether a field's value at [from, to) holds together whatever signs it has: it is short, and in quotes when it has
 * blanks. */
bool cut_is_forced(const struct cut *cut, size_t from, size_t to);
/* A run of signs of CLOCK_SIZE bytes or more: where its parts end, up to three around a time of day, and what slots they
 * are; returns how many. */
unsigned cut_parts(struct str run, uint32_t ret_ends[CUT_PARTS], uint8_t ret_kinds[CUT_PARTS]);
/* What a byte may be of. */
enum cut_sign { SIGN_WORD = 1, SIGN_DIGIT = 2, SIGN_DOT = 4, SIGN_TOKEN = 8 };
uint8_t cut_sign(char c);
/* The piece (pieces and slots take turns, a piece first) and the offset in it; false inside a slot. */
bool cut_place(const struct cut *cut, size_t at, uint16_t *ret_piece, uint16_t *ret_offset);
/* Piece `i` of slot_count + 1. */
struct str cut_piece(const struct cut *cut, size_t i);
/* The next set bit of the map at or after `at`; SIZE_MAX when there is none. */
size_t cut_next(const uint64_t *map, size_t words, size_t at);

#endif
