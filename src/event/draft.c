#include "event/draft.h"

#include "base/assert.h"
#include "base/civil.h"
#include "codec/timestamp.h"
#include "event/transform.h"

#include <string.h>

bool draft_init(struct draft *draft, const struct mapping *mapping, struct names *names)
{
    size_t slots = mapping->slot_count + 1;
    memset(draft, 0, sizeof *draft);
    draft->mapping = mapping;
    draft->names = names;
    draft->fields = memory_new(EVENT_FIELDS_MAX * sizeof *draft->fields);
    draft->stamps = memory_new(slots * sizeof *draft->stamps);
    draft->first = memory_new(slots * sizeof *draft->first);
    draft->repeats = memory_new(slots * sizeof *draft->repeats);
    return draft->fields && draft->stamps && draft->first && draft->repeats;
}

void draft_done(struct draft *draft)
{
    memory_free(draft->fields);
    memory_free(draft->stamps);
    memory_free(draft->first);
    memory_free(draft->repeats);
    memset(draft, 0, sizeof *draft);
}

static void draft_new_stamp(struct draft *draft)
{
    if (++draft->stamp == 0) {
        memset(draft->stamps, 0, (draft->mapping->slot_count + 1) * sizeof *draft->stamps);
        draft->stamp = 1;
    }
}

void draft_begin(struct draft *draft, const struct event_source *source, struct str raw, int64_t received_ns,
                 struct arena *arena)
{
    struct event *event = &draft->event;
    draft_new_stamp(draft);
    draft->arena = arena;
    draft->source = source;
    draft->has_own = false;
    draft->category_count = 0;
    event->raw = raw;
    event->record = 0;
    event->record_count = 0;
    event->flags = 0;
    event->time_ns = received_ns;
    event->received_ns = received_ns;
    event->parser = "none";
    memset(&event->logsource, 0, sizeof event->logsource);
    memset(event->statutory, 0, sizeof event->statutory);
    event->field_count = 0;
    event->fields_lost = 0;
    event->fields = draft->fields;
}

void draft_forget_fields(struct draft *draft)
{
    draft_new_stamp(draft);
    draft->event.field_count = 0;
    draft->event.fields_lost = 0;
}

void draft_forget_since(struct draft *draft, uint32_t count)
{
    ASSERT(count <= draft->event.field_count);
    while (draft->event.field_count > count) {
        uint32_t at = --draft->event.field_count;
        uint32_t slot = mapping_slot(draft->mapping, draft->fields[at].name);
        if (slot && draft->first[slot] == at)
            draft->stamps[slot] = 0; /* no draft's */
        else if (slot)
            draft->repeats[slot]--;
    }
}

void draft_say(struct draft *draft, struct str name, struct str value)
{
    if (value.n)
        draft_add(draft, names_put(draft->names, name), EVENT_STRING, value);
}

/* Sources write these for "nothing". */
static bool is_said(struct str value)
{
    if (value.n > 1)
        return value.p[0] != '(' || (!str_is(value, "(null)") && !str_is(value, "(none)"));
    return value.n && value.p[0] != '-' && value.p[0] != '?';
}

void draft_statutory(struct draft *draft, enum statutory field, struct str value)
{
    ASSERT(field < STATUTORY_COUNT);
    struct str *place = &draft->event.statutory[field];
    if (place->n == 0 && is_said(value))
        *place = value;
}

struct str draft_slot(const struct draft *draft, uint32_t slot)
{
    if (!slot || draft->stamps[slot] != draft->stamp)
        return STR_NONE;
    struct str value = draft->fields[draft->first[slot]].value;
    return value.p ? value : STR("");
}

bool draft_replace(struct draft *draft, uint32_t slot, struct str value)
{
    if (!slot || draft->stamps[slot] != draft->stamp)
        return false;
    draft->fields[draft->first[slot]].value = value;
    return true;
}

void draft_own_time(struct draft *draft, int64_t time_ns)
{
    if (draft->has_own)
        return;
    draft->own_ns = time_ns;
    draft->has_own = true;
}

/* For labels of a few words: longer values are looked at only this far. */
static bool contains_nocase(struct str value, struct str want)
{
    value = str_slice(value, 0, 256);
    for (size_t at = 0; at + want.n <= value.n; at++)
        if (str_starts_nocase(str_skip(value, at), want))
            return true;
    return false;
}

static bool condition_value(const struct condition *condition, struct str value)
{
    for (uint32_t i = 0; i < condition->value_count; i++) {
        struct str want = condition->value[i];
        bool held = condition->kind == CONDITION_STARTS     ? str_starts_nocase(value, want)
                    : condition->kind == CONDITION_CONTAINS ? contains_nocase(value, want)
                                                            : str_eq_nocase(value, want);
        if (held)
            return true;
    }
    return false;
}

static bool condition_holds(const struct draft *draft, const struct condition *condition)
{
    struct str value = draft_slot(draft, condition->slot);
    if (condition->kind == CONDITION_HAS)
        return value.p != NULL;
    if (condition->kind == CONDITION_LACKS)
        return value.p == NULL;
    if (!value.p)
        return false;
    if (condition_value(condition, value))
        return true;
    if (!draft->repeats[condition->slot])
        return false;
    uint32_t first = draft->first[condition->slot];
    for (uint32_t i = first + 1; i < draft->event.field_count; i++)
        if (draft->fields[i].name == draft->fields[first].name && condition_value(condition, draft->fields[i].value))
            return true;
    return false;
}

bool draft_meets(const struct draft *draft, const struct row *row)
{
    for (uint32_t i = 0; i < row->condition_count; i++)
        if (!condition_holds(draft, &row->condition[i]))
            return false;
    return true;
}

static struct str set_value(struct draft *draft, const struct set *set)
{
    if (set->constant.p)
        return set->constant;
    if (set->transform == TRANSFORM_JOIN) {
        struct str parts[MAPPING_SOURCES];
        for (uint32_t i = 0; i < set->source_count; i++)
            parts[i] = draft_slot(draft, set->source[i]);
        return transform_join(draft->arena, parts, set->source_count, set->argument);
    }
    for (uint32_t i = 0; i < set->source_count; i++) {
        struct str value = draft_slot(draft, set->source[i]);
        if (!is_said(value))
            continue;
        if (set->transform == TRANSFORM_NONE)
            return value;
        value = transform_value(draft->arena, set, value, draft->event.received_ns, draft->offset_s);
        if (is_said(value))
            return value;
    }
    return STR_NONE;
}

static void set_time(struct draft *draft, const struct set *set)
{
    if (set->transform == TRANSFORM_JOIN) { /* a date and a clock that stand apart */
        int64_t time_ns = 0;
        if (timestamp_any(set_value(draft, set), draft->event.received_ns, draft->offset_s, &time_ns))
            draft_own_time(draft, time_ns);
        return;
    }
    for (uint32_t i = 0; i < set->source_count && !draft->has_own; i++) {
        int64_t time_ns = 0;
        struct str value = draft_slot(draft, set->source[i]);
        if (value.n && timestamp_any(value, draft->event.received_ns, draft->offset_s, &time_ns))
            draft_own_time(draft, time_ns);
    }
}

static void set_apply(struct draft *draft, const struct set *set)
{
    if (set->target == TARGET_TIME) {
        set_time(draft, set);
    } else if (set->target == TARGET_STATUTORY) {
        if (draft->event.statutory[set->number].n == 0)
            draft_statutory(draft, (enum statutory)set->number, set_value(draft, set));
    } else if (draft->stamps[set->slot] != draft->stamp) {
        struct str value = set_value(draft, set);
        if (value.n)
            draft_add(draft, set->number, EVENT_STRING, value);
    }
}

void draft_apply(struct draft *draft, const struct row *row)
{
    struct event_logsource *logsource = &draft->event.logsource;
    if (!logsource->product)
        logsource->product = row->product;
    if (!logsource->service)
        logsource->service = row->service;
    if (row->category && draft->category_count < EVENT_CATEGORIES_OWN) {
        uint32_t i = 0;
        while (i < draft->category_count && logsource->category[i] != row->category)
            i++;
        if (i == draft->category_count)
            logsource->category[draft->category_count++] = row->category;
    }
    for (uint32_t i = 0; i < row->set_count; i++)
        set_apply(draft, &row->set[i]);
    draft_statutory(draft, STATUTORY_KIND, row->kind);
    draft_statutory(draft, STATUTORY_OUTCOME, row->outcome);
}

void draft_apply_list(struct draft *draft, struct rows rows)
{
    for (uint32_t i = 0; i < rows.count; i++)
        if (draft_meets(draft, rows.row[i]))
            draft_apply(draft, rows.row[i]);
}

#define OLDEST_NS (3650 * DAY_S * SECOND_NS)
#define NEWEST_NS (DAY_S * SECOND_NS)

static bool is_plausible(int64_t time_ns, int64_t received_ns)
{
    int64_t age = 0;
    return !__builtin_sub_overflow(received_ns, time_ns, &age) && age <= OLDEST_NS && age >= -NEWEST_NS;
}

void draft_give(struct draft *draft, event_sink sink, void *context)
{
    struct event *event = &draft->event;
    if (draft->has_own && is_plausible(draft->own_ns, event->received_ns))
        event->time_ns = draft->own_ns;
    struct str *statutory = event->statutory;
    struct str kind = draft->source->kind;
    if (str_is(kind, "udp") || str_is(kind, "tcp") || str_is(kind, "tls")) /* the peer's address stands in */
        draft_statutory(draft, STATUTORY_HOST, draft->source->name);
    if (statutory[STATUTORY_ACCOUNT].n)
        draft_statutory(draft, STATUTORY_USER_ADDRESS, statutory[STATUTORY_SOURCE_ADDRESS]);
    struct event_field *fields = arena_alloc_raw(draft->arena, (event->field_count + 1) * sizeof *fields);
    if (!fields) {
        event->fields_lost += event->field_count;
        event->field_count = 0;
    } else {
        memcpy(fields, draft->fields, event->field_count * sizeof *fields);
        event->fields = fields;
    }
    sink(context, event);
    event->fields = draft->fields;
}
