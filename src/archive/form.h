/* form.h - the form of a record: everything that records of one kind of message share, so that a record is a form and
 * the contents of its slots. Pure. Internal to the room. Format: doc/format/segment.md.
 *
 * Pieces and slots take turns in raw, a piece first. Each field's value is told by the form: a span from one place of
 * raw to another (places lie in pieces or at their ends), a slot of its own, a constant. */
#ifndef ARCHIVE_FORM_H
#define ARCHIVE_FORM_H

#include "archive/cut.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/event.h"
#include "event/names.h"

#include <stdbool.h>
#include <stdint.h>

#define FORM_SLOTS_MAX (CUT_SLOTS_MAX + 2 * (EVENT_FIELDS_MAX + STATUTORY_COUNT))
#define FORM_SIZE_MAX  (1u << 20)
#define FORM_CONST_MAX 32 /* bytes of a constant that the builder puts into a form */

enum form_op {
    FORM_ABSENT = 0, /* statutory only */
    FORM_SPAN,       /* four varints: piece, offset, piece, offset */
    FORM_JSON,       /* the same, and escapes of a JSON string undone */
    FORM_SLOT,       /* varint slot: its text */
    FORM_CONST,      /* varint length, bytes */
    FORM_SAME,       /* varint: the value of an earlier specification: fields first, then statutory */
    FORM_PLACE,      /* varint slot: offset in raw; the slot behind it: length */
    FORM_OP_COUNT
};

struct form_place {
    uint16_t piece;
    uint16_t offset;
};

struct form_spec {
    enum form_op op;
    struct form_place from;
    struct form_place to;
    uint32_t number; /* slot, or the earlier specification */
    struct str text;
};

struct form_field {
    struct str text; /* its name */
    uint32_t name;   /* id in names, 0 without names */
    uint32_t type;
    struct form_spec spec;
};

struct form {
    struct str bytes; /* as on disk */
    uint32_t flags;   /* of the event */
    const char *parser;
    bool has_event; /* false: nothing was derived */
    uint32_t raw_slots;
    uint32_t slot_count; /* raw ones first */
    struct str *pieces;  /* raw_slots + 1 */
    const uint8_t *kinds;
    uint32_t field_count;
    struct form_field *fields;
    struct form_spec statutory[STATUTORY_COUNT];
};

/* Everything is checked and points into `bytes` or the arena. RC_CORRUPT; RC_LIMIT without memory. */
enum rc form_read(struct str bytes, struct names *names, struct arena *arena, struct form *ret_form,
                  struct err *err) MUST_USE;
/* What the builder writes: flags, parser, slots. Then the kinds, the pieces, the specifications. */
void form_write_spec(char **at, const struct form_spec *spec);
/* The specification a SAME leads to. */
const struct form_spec *form_spec_of(const struct form *form, const struct form_spec *spec);

#endif
