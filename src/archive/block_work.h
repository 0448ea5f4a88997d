/* block_work.h - the record that a builder works on: gathered by block_build.c, its form found by block_form.c.
 * Internal to the room. */
#ifndef ARCHIVE_BLOCK_WORK_H
#define ARCHIVE_BLOCK_WORK_H

#include "archive/block_state.h"

#define DERIVED_MAX 64 /* values that may be named again by a later field */
#define NAMESAKES   64

enum origin_of_value { VALUE_ABSENT, VALUE_RAW, VALUE_JSON, VALUE_DERIVED };

struct value {
    enum origin_of_value from;
    uint32_t at; /* in raw */
    uint32_t end;
    struct str text;
};

/* The record at work. */
struct work {
    struct block_builder *b;
    struct str raw;
    const struct event *event;
    bool whole; /* not cut: one slot */
    size_t literal_at;
    uint32_t count;
    size_t kind_words; /* of layout_key: what the kind is */
    uint64_t kind;     /* its hash */
    uint32_t said;  /* which statutory values there are, a bit each */
    uint32_t found; /* which of them, or that they are absent, stand in values */
    uint16_t namesakes[NAMESAKES]
                      [STATUTORY_COUNT]; /* by count of fields: the field that a statutory value was lately */
    uint32_t slots;                      /* so far: raw ones, then the others */
    uint32_t derived[DERIVED_MAX];
    uint32_t derived_count;
    struct cell more[2 * (EVENT_FIELDS_MAX + STATUTORY_COUNT)]; /* of slots that are not in raw */
    uint8_t more_kinds[2 * (EVENT_FIELDS_MAX + STATUTORY_COUNT)];
    uint32_t more_count;
    struct value values[EVENT_FIELDS_MAX + STATUTORY_COUNT]; /* fields, then statutory */
    struct layout_value placed[EVENT_FIELDS_MAX + STATUTORY_COUNT];
    struct run runs[CUT_SLOTS_MAX]; /* routes.h */
    uint32_t run_count;
    struct form_spec specs[EVENT_FIELDS_MAX + STATUTORY_COUNT]; /* of them, as the form was written last */
};

/* Finds statutory values, a bit each, that were not found before. */
#define STATUTORY_ALL ((UINT32_C(1) << STATUTORY_COUNT) - 1)
void values_statutory(struct work *work, uint32_t which);
/* Cuts raw by its signs and values; not when it is kept whole, or has too many slots: then that is said. */
void cut_all(struct work *work);
/* Whether each value of a record that is cut would get the layout's specification; slots of their own are added on the
 * way. Which values are absent is known to be the same. */
bool layout_fits(struct work *work, const struct layout *layout);
/* The record's form: counted in the block's uses, told by record->form; adds the slots that are not in raw to
 * work->more. False without memory. */
bool form_use(struct work *work, struct record *record);

#endif
