/* draft.h - an event being made: fields are added in source order, mapping rows read them back by number.
 *
 * One draft per normaliser, begun anew for each event; starting one is cheap because nothing is cleared: a field seen
 * in this event carries this event's stamp. Values given to it must be valid UTF-8 and live in the record or the arena.
 *
 * A slot is a small number that the mapping gave to each name it mentions (mapping.h). */
#ifndef EVENT_DRAFT_H
#define EVENT_DRAFT_H

#include "base/arena.h"
#include "event/event.h"
#include "event/mapping.h"
#include "event/names.h"

#include <stdbool.h>

struct draft {
    struct event event; /* fields, count and statutory grow here */
    const struct mapping *mapping;
    struct names *names;
    struct arena *arena;
    const struct event_source *source;
    int64_t own_ns; /* the time that the event itself says, when has_own */
    bool has_own;
    int32_t offset_s;
    uint32_t stamp;
    uint32_t category_count;
    struct event_field *fields; /* EVENT_FIELDS_MAX */
    uint32_t *stamps;           /* by slot: the draft that saw it */
    uint16_t *first;            /* by slot: index of the field */
    uint16_t *repeats;          /* by slot: how often more */
};

bool draft_init(struct draft *draft, const struct mapping *mapping, struct names *names) MUST_USE;
void draft_done(struct draft *draft);

/* Begins an event; everything of the one before is forgotten. */
void draft_begin(struct draft *draft, const struct event_source *source, struct str raw, int64_t received_ns,
                 struct arena *arena);
void draft_forget_fields(struct draft *draft);
/* Forgets the fields behind the first `count`. */
void draft_forget_since(struct draft *draft, uint32_t count);

/* name 0 counts the field as lost. `slot` is the name's, known already. */
static inline void draft_add_slot(struct draft *draft, uint32_t name, uint32_t slot, enum event_type type,
                                  struct str value)
{
    struct event *event = &draft->event;
    if (name == 0 || event->field_count == EVENT_FIELDS_MAX) {
        event->fields_lost++;
        return;
    }
    uint32_t at = event->field_count++;
    struct event_field *field = &draft->fields[at];
    field->name = name;
    field->type = type;
    field->value = value;
    if (!slot)
        return;
    if (draft->stamps[slot] == draft->stamp) {
        draft->repeats[slot]++;
        return;
    }
    draft->stamps[slot] = draft->stamp;
    draft->first[slot] = (uint16_t)at;
    draft->repeats[slot] = 0;
}

static inline void draft_add(struct draft *draft, uint32_t name, enum event_type type, struct str value)
{
    draft_add_slot(draft, name, mapping_slot(draft->mapping, name), type, value);
}

/* By text: one hash. Empty values are left out. */
void draft_say(struct draft *draft, struct str name, struct str value);
/* Sets a statutory field unless it is set, or the value is empty, "-", "?", "(null)" or "(none)". */
void draft_statutory(struct draft *draft, enum statutory field, struct str value);
/* The first value of a slot; p == NULL when the event has none. */
struct str draft_slot(const struct draft *draft, uint32_t slot);
/* Gives the first field of a slot another value; false when the event has none. */
bool draft_replace(struct draft *draft, uint32_t slot, struct str value) MUST_USE;
void draft_own_time(struct draft *draft, int64_t time_ns);

/* Applies a row whose conditions hold: log source, kind, outcome, sets. What is said already stays. */
void draft_apply(struct draft *draft, const struct row *row);
bool draft_meets(const struct draft *draft, const struct row *row);
void draft_apply_list(struct draft *draft, struct rows rows);

/* Last touches (time, host, account's address), then the sink. */
void draft_give(struct draft *draft, event_sink sink, void *context);

#endif
