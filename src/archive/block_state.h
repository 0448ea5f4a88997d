/* block_state.h - a block while it is built, for the files that gather (block_build.c) and write (block_columns.c).
 * Internal to the room. */
#ifndef ARCHIVE_BLOCK_STATE_H
#define ARCHIVE_BLOCK_STATE_H

#include "archive/block.h"
#include "archive/columns.h"
#include "archive/cut.h"
#include "archive/form.h"
#include "archive/layouts.h"
#include "archive/pack.h"
#include "archive/values.h"
#include "archive/words.h"
#include "base/arena.h"
#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>

#define CELLS_MAX  (1u << 20) /* slots' contents in one block */
#define CELL_EXTRA (UINT32_C(1) << 31)
#define STATES_MAX (1u << 22)

/* The content of a slot: a place in `raw`, or with CELL_EXTRA in `extra`; of a SLOT_NUMBER the number. */
struct cell {
    uint32_t at;
    uint32_t n;
    uint64_t head; /* its first 8 bytes (hash.h): the most are no longer, and need not be looked up again */
};

/* How a slot of a form did in this and earlier blocks: whether the dictionary pays for it. */
struct slot_state {
    uint8_t kind; /* enum slot_kind */
    bool plain;   /* the dictionary does not pay */
    bool decimal; /* cold: its contents in the last block */
    uint8_t age;  /* blocks since it was found out */
    uint32_t count;
    uint32_t hits;
};

struct form_use {
    uint32_t entry; /* in the table of forms */
    uint32_t count; /* records of this block */
    uint32_t raw_slots;
    uint32_t slots;
    uint32_t states; /* first slot state */
    uint32_t was; /* while they are put in order */
};

/* Of the leaf what differs from record to record; the rest stands in `origin` and `way`. */
struct record {
    uint64_t index;
    int64_t received_ns;
    uint64_t received_boot_ns;
    int64_t source_ns;
    uint64_t sequence;
    int64_t time_ns;
    uint32_t origin;
    uint32_t way;
    uint32_t form; /* in `uses` */
    uint32_t cells;
    uint32_t rules; /* set */
};

/* Room for writing a block, kept for the next one. */
struct room {
    size_t records;
    size_t cells;
    struct cell *in_columns; /* form after form, slot after slot, record after record */
    int64_t *times;          /* of events, form after form */
    uint64_t *numbers;       /* of one slot */
    uint32_t *codes;         /* entries in the table of values, as `in_columns` */
    uint8_t *places;         /* of slots with an index: positions in it, as `codes` */
};

void room_done(struct room *room);

struct block_builder {
    const struct names *names;
    struct packer *packer;
    struct words words;
    uint64_t chain;
    uint32_t block; /* counted from 1 in the builder's life */
    enum block_tier tier;
    enum block_plain plain;
    struct record *records;
    size_t count;
    struct leaf leaf; /* of the last one */
    struct cell *cells;
    size_t cell_count;
    size_t cell_room;
    struct buf raw;
    struct buf extra;
    struct shared_table forms;
    struct shared_table values;
    struct layouts layouts;
    uint32_t *layout_key; /* of the record at work, LAYOUT_KEY_MAX */
    struct slot_state *states;
    uint32_t state_count;
    uint32_t state_room;
    struct form_use *uses;
    uint32_t use_count;
    struct map *origins;
    struct map *ways;
    struct map *rule_sets;
    bool sets_left;        /* some of them may be of no record any more */
    struct arena *scratch; /* of one record */
    struct cut *cut;
    struct work *work; /* the record at work */
    char *form_text;   /* the form of the record at work, FORM_SIZE_MAX */
    struct room room;
    struct buf column;
    struct buf directory;  /* of slots */
    struct buf streams[3]; /* codes, numbers, texts */
};

/* Writes what was gathered; block_build.c then clears. False: too large, or no memory. */
bool block_write(struct block_builder *builder, struct buf *out);

#endif
