/* columns.h - the columns of a block: their numbers on disk, and the value column that writer and reader share.
 * Internal to the room. Format: doc/format/segment.md. */
#ifndef ARCHIVE_COLUMNS_H
#define ARCHIVE_COLUMNS_H

#include "archive/block.h"

#define BLOCK_MAGIC   UINT32_C(0x51424c4b) /* "QBLK" */
#define BLOCK_VERSION 1

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
    COLUMN_RAW_LENGTH,
    COLUMN_RAW,
    COLUMN_TIME,             /* event time, delta to received */
    COLUMN_TEXTS,            /* distinct short texts: parsers, field names, rule ids */
    COLUMN_PARSER,           /* text + 1 and flags */
    COLUMN_STATUTORY_LENGTH, /* a statutory key after the other */
    COLUMN_STATUTORY_PLACE,
    COLUMN_STATUTORY_BYTES,
    COLUMN_SHAPES,       /* distinct sequences of (name, type) */
    COLUMN_SHAPE,        /* of each record */
    COLUMN_FIELD_LENGTH, /* shape by shape, slot by slot, record by record */
    COLUMN_FIELD_PLACE,
    COLUMN_FIELD_BYTES,
    COLUMN_RULES, /* count, then texts */
    COLUMN_COUNT
};

#endif
