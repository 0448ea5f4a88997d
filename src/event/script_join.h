/* script_join.h - pieces of PowerShell script blocks, kept until the block is whole.
 *
 * Windows PowerShell writes a script that is too long for one event as several of event 4104: equal ScriptBlockId,
 * MessageNumber of MessageTotal, each with its part of ScriptBlockText. A rule that wants two texts would miss them
 * when they stand in two parts. A block is whole when all numbers are there; one that lacks some is given as far as it
 * came, when an event of its host is a minute younger, when nothing came for a minute of receive time, or when room
 * is needed: that is counted. Texts are copied. Bounded: SCRIPTS_MAX blocks, of which each keeps SCRIPT_PIECES_MAX
 * pieces and SCRIPT_TEXT_MAX bytes at once (a longer one is given in parts, counted too), SCRIPTS_TEXT_MAX together.
 * No memory is taken before the first piece comes. */
#ifndef EVENT_SCRIPT_JOIN_H
#define EVENT_SCRIPT_JOIN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "event/event.h"
#include "event/normalise.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPTS_MAX       64u
#define SCRIPT_PIECES_MAX EVENT_RECORDS_MAX
#define SCRIPT_TEXT_MAX   ((size_t)4 << 20)
#define SCRIPTS_TEXT_MAX  ((size_t)32 << 20)
#define SCRIPT_ID_MAX     64u
#define SCRIPT_WAIT_NS    (INT64_C(60) * 1000000000)

/* One event that is a part of a block. Texts are borrowed. */
struct script_piece {
    struct str block; /* ScriptBlockId: 1 .. SCRIPT_ID_MAX bytes */
    uint64_t number;  /* 1 .. total */
    uint64_t total;   /* 2 or more */
    struct str text;
    struct str record_text; /* the record it came in, valid UTF-8 */
    uint64_t host;          /* hash */
    uint64_t record;
    int64_t time_ns; /* of the event */
    int64_t received_ns;
};

struct script_part {
    uint64_t number;
    uint64_t record;
    size_t at; /* in the text of the block */
    size_t n;
};

struct script_block {
    uint8_t source[16];
    char id[SCRIPT_ID_MAX];
    size_t id_n;
    uint64_t host;
    uint64_t total;
    uint64_t given;      /* pieces that went already, because there were too many */
    int64_t time_ns;     /* of the youngest piece */
    int64_t received_ns; /* of the latest piece */
    uint32_t count;
    struct script_part part[SCRIPT_PIECES_MAX]; /* by rising number */
    struct buf text;                            /* of the parts, in order of arrival */
    struct buf record_text;                     /* of the part with the lowest number */
    struct str kind;                            /* of the source: constant text */
    char name[256];
    size_t name_n;
};

struct script_join {
    struct script_block *blocks; /* in order of arrival; NULL until the first piece */
    uint32_t count;
    size_t held; /* bytes of all */
    uint64_t incomplete;
};

void script_join_done(struct script_join *join);
/* The place to give before the piece is added: that of its own block, which then goes on, or the oldest when there is
 * no room for more; -1 when there is room. */
int script_join_full(const struct script_join *join, const struct event_source *source,
                     const struct script_piece *piece, bool *ret_goes_on);
/* Adds the piece when there is room for it; one that is there already is passed over. The place that is whole by it, or
 * -1. */
int script_join_add(struct script_join *join, const struct event_source *source, const struct script_piece *piece);
bool script_block_whole(const struct script_block *block);
/* The next block of that source and host that waited too long by event time; by receive time; -1 when none. */
int script_join_due(const struct script_join *join, const uint8_t source[16], uint64_t host, int64_t event_ns);
int script_join_stale(const struct script_join *join, int64_t now_ns);
/* The text of all parts in order; between parts that are no neighbours a line feed. {NULL, 0} without memory. */
struct str script_block_text(const struct script_block *block, struct arena *arena);
/* Forgets the block; when it is not whole that is counted. With `goes_on` its further pieces are awaited. */
void script_join_remove(struct script_join *join, int at, bool goes_on);

#endif
