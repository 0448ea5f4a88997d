/* columns.h - the columns of a block: their numbers on disk, and how a slot's contents are kept. Internal to the room.
 * Format: doc/format/segment.md. */
#ifndef ARCHIVE_COLUMNS_H
#define ARCHIVE_COLUMNS_H

#include "archive/block.h"

#define BLOCK_MAGIC   UINT32_C(0x51424c4b) /* "QBLK" */
#define BLOCK_VERSION 2

/* Where these stand in the header. */
#define BLOCK_AT_SIZE   8  /* u32 */
#define BLOCK_AT_FILTER 88 /* u32 offset, u32 size */

/* Numbers are on disk: never reuse one. A reader passes over columns that it does not know. */
enum column {
    COLUMN_NUMBER = 1,  /* record numbers: first, then gaps */
    COLUMN_RECEIVED,    /* deltas */
    COLUMN_BOOT,        /* delta of (boot minus received) */
    COLUMN_ORIGINS,     /* distinct (source, epoch) */
    COLUMN_ORIGIN,      /* position in it */
    COLUMN_SEQUENCE,    /* delta to the record before of the same origin */
    COLUMN_SOURCE_TIME, /* 0 = none, else 1 and the delta to received */
    COLUMN_WAYS,        /* distinct (type, transport, clock error) */
    COLUMN_WAY,         /* position in it */
    COLUMN_TIME_UNIT,   /* of event time: enum time_unit, a byte a record */
    COLUMN_TIME,        /* in that unit, delta to the event time before */
    COLUMN_RULE_SETS,   /* distinct lists of rule ids */
    COLUMN_RULE_SET,    /* position in it */
    COLUMN_FORMS,       /* forms that only this block has so far */
    COLUMN_FORM_LIST,   /* forms of this block: 0 = the next of FORMS, else number in the chain + 1 */
    COLUMN_FORM,        /* position in it, low bytes then high bytes */
    COLUMN_VALUES,      /* values that only this block has so far */
    COLUMN_SLOTS,       /* form after form, slot after slot: how it is kept */
    COLUMN_CODES,       /* bytes of positions and codes */
    COLUMN_NUMBERS,     /* bytes of numbers */
    COLUMN_TEXTS,       /* lengths and bytes */
    COLUMN_COUNT
};

enum time_unit { TIME_RECEIVED = 0, TIME_S, TIME_MS, TIME_US, TIME_NS, TIME_UNITS };

/* How the contents of one slot of one form are kept. */
enum slot_how {
    HOW_CONST = 0,     /* varint code: all are this value */
    HOW_INDEX,         /* varint count, codes (svarint deltas); a byte each in CODES */
    HOW_CODES,         /* u8 width; that many bytes each in CODES, low plane first */
    HOW_NUMBERS,       /* u8 width, varint base; decimals, less base, in NUMBERS, low plane first */
    HOW_DELTAS,        /* u8 width, varint first; zigzag deltas in NUMBERS, low plane first */
    HOW_TEXTS,         /* varint bytes; a varint length each, then the bytes, in TEXTS */
    HOW_FIXED,         /* varint length; the bytes in TEXTS */
    HOW_CLOCK,         /* svarint: units from the event's time of day */
    HOW_CLOCK_NUMBERS, /* u8 width, varint base: the same, one each, in NUMBERS */
    HOW_COUNT
};

/* Behind the block's columns when an engine sends it; not in a segment's block: varint lists (dictionary.h), then the
 * hashes of its words, 8 bytes each. */
#define BLOCK_TRAILER 12 /* u32 packed bytes, u32 hashes, crc32c of all behind it */

#endif
