/* block_view.h - a block that is read, from inside: forms and the columns of their slots, each decoded when it is asked
 * for. Internal to the room. */
#ifndef ARCHIVE_BLOCK_VIEW_H
#define ARCHIVE_BLOCK_VIEW_H

#include "archive/block.h"
#include "archive/columns.h"
#include "archive/dictionary.h"
#include "archive/form.h"
#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define CELL_TEXT 24 /* room for a number or a time of day */

/* The contents of one slot of one form. */
struct slot_column {
    enum slot_how how;
    bool open;
    uint8_t width;
    uint8_t kind; /* enum slot_kind */
    uint32_t count;
    uint64_t base;
    uint32_t at; /* its part of a stream */
    uint32_t size;
    struct str bytes;   /* that part, when it is open */
    struct str list;    /* index: its codes */
    struct str *values; /* const: one; index: `value_count` */
    uint32_t value_count;
    const uint32_t *codes; /* of the block's values */
    const uint64_t *numbers;
    const uint32_t *offsets; /* of texts in bytes, count + 1 */
};

struct block_form {
    const struct form *form;
    uint32_t count; /* records */
    struct slot_column *slots;
};

struct block {
    struct block_info info;
    struct arena *arena;
    struct names *names;
    const struct dictionary *dictionary;
    struct str packed[COLUMN_COUNT];
    struct str plain[COLUMN_COUNT]; /* of what was decompressed and is kept: the slots' streams */
    size_t plain_left;
    struct block_form *forms; /* NULL until block_forms */
    uint32_t form_count;
    const uint32_t *form_of; /* of each record */
    const uint32_t *row_of;  /* its place among the records of its form */
    struct str *values;      /* that the block alone has; NULL until they are asked for */
    uint32_t value_count;
    int64_t *received; /* NULL until block_received */
    int64_t *times;
    char *raw;             /* NULL until block_raw */
    uint32_t *raw_at;      /* count + 1 */
    struct str *row_raw;   /* of records opened alone, while raw is NULL */
    struct leaf *leaves;   /* NULL until block_heads */
    bool whole;            /* leaves have their lengths, too */
    struct str *rule_sets; /* NULL until block_rule_sets: lists of varint length and bytes */
    uint32_t rule_set_count;
    uint32_t *rule_set_of;
    bool events; /* all that events need is there and was checked */
};

/* Header, crc and directory, before anything is decoded: the packed columns are parts of `from`'s bytes. Whether the
 * dictionary has what the block names is not looked at. */
enum rc block_frame(const struct block_bytes *from, struct arena *arena, struct block **ret_block,
                    struct err *err) MUST_USE;
/* Each decodes a part and is cheap the second time. RC_CORRUPT, RC_LIMIT. */
enum rc block_forms(struct block *block, struct err *err) MUST_USE;
enum rc block_received(struct block *block, struct err *err) MUST_USE;
enum rc block_event_times(struct block *block, struct err *err) MUST_USE;
enum rc block_raw(struct block *block, struct err *err) MUST_USE;
enum rc block_leaves(struct block *block, struct err *err) MUST_USE;
enum rc block_rule_sets(struct block *block, struct err *err) MUST_USE;
enum rc block_values_open(struct block *block, struct err *err) MUST_USE; /* forms and values: codes have meaning */
/* The column of a slot, decoded. */
enum rc block_slot(struct block *block, uint32_t form, uint32_t slot, struct slot_column **ret_column,
                   struct err *err) MUST_USE;
/* The first `slots` of them. */
enum rc block_slots(struct block *block, uint32_t form, uint32_t slots, struct err *err) MUST_USE;
/* The value of a code that a slot has: of the chain, then of the block (block_slot saw to it that it is there). */
struct str block_value(const struct block *block, uint32_t code);
uint32_t block_codes(const struct block *block); /* no code is as high */
/* Raw bytes of a record, when the block or this record is open. */
bool block_raw_is_open(const struct block *block, uint32_t position);
struct str block_raw_at(const struct block *block, uint32_t position);
/* The content at a row; `room` is used when it is not kept as text. */
struct str slot_text(const struct block *block, const struct slot_column *column, uint32_t row, int64_t time_ns,
                     char room[CELL_TEXT]);
/* A value of a record by its specification: into the arena when it is no part of raw. Needs raw, and for slots their
 * columns. False when it does not fit the record. */
bool block_spec(struct block *block, uint32_t position, const struct form_spec *spec, struct str *ret_value);
/* The plain bytes of a column; empty when the block has it not. */
enum rc block_column(struct block *block, enum column id, struct reader *ret_reader, struct err *err) MUST_USE;
/* The stream that a slot kept so has its bytes in; COLUMN_COUNT: none. */
enum column slot_stream(enum slot_how how);

#endif
