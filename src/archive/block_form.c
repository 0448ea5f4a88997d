/* The form of a record, from its pieces and its values.
 *
 * Most records are laid out as an earlier one was: the same pieces, the same fields, each value at the same place
 * between the slots. Such a layout is known by its key and leads to its form without that being written again: the
 * values are only held against what is known of each. */
#include "archive/block_work.h"
#include "archive/hash.h"
#include "archive/routes.h"
#include "archive/varint.h"
#include "base/assert.h"

#include <string.h>

static uint32_t slot_more(struct work *w, uint8_t kind, struct cell cell)
{
    w->more[w->more_count] = cell;
    w->more_kinds[w->more_count++] = kind;
    return w->slots++;
}

static bool is_constant(struct str text)
{
    if (text.n > FORM_CONST_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (char_is_digit(text.p[i]))
            return false;
    return true;
}

/* The earlier value that this one is, same bytes in the same place; UINT32_MAX when there is none. */
static uint32_t derived_before(const struct work *w, const struct value *v)
{
    for (uint32_t i = 0; i < w->derived_count; i++)
        if (w->values[w->derived[i]].text.p == v->text.p && w->values[w->derived[i]].text.n == v->text.n)
            return w->derived[i];
    return UINT32_MAX;
}

static void spec_derived(struct work *w, uint32_t position, struct form_spec *ret)
{
    const struct value *v = &w->values[position];
    bool statutory = position >= w->count;
    if (v->text.n == 0 || (statutory && is_constant(v->text))) {
        *ret = (struct form_spec){.op = FORM_CONST, .text = v->text};
        return;
    }
    uint32_t before = derived_before(w, v);
    if (before != UINT32_MAX) {
        *ret = (struct form_spec){.op = FORM_SAME, .number = before};
        return;
    }
    struct buf *extra = &w->b->extra;
    struct cell cell = {(uint32_t)extra->n | CELL_EXTRA, (uint32_t)v->text.n, text_head(v->text)};
    buf_put(extra, v->text.p, v->text.n);
    if (w->derived_count < DERIVED_MAX)
        w->derived[w->derived_count++] = position;
    *ret = (struct form_spec){.op = FORM_SLOT, .number = slot_more(w, SLOT_TEXT, cell)};
}

static void spec_of(struct work *w, uint32_t position, struct form_spec *ret)
{
    const struct value *v = &w->values[position];
    const struct cut *cut = w->b->cut;
    *ret = (struct form_spec){.op = FORM_ABSENT};
    if (v->from == VALUE_ABSENT)
        return;
    if (v->from == VALUE_DERIVED) {
        spec_derived(w, position, ret);
        return;
    }
    bool placed = !w->whole && cut_place(cut, v->at, &ret->from.piece, &ret->from.offset) &&
                  cut_place(cut, v->end, &ret->to.piece, &ret->to.offset);
    if (placed) {
        ret->op = v->from == VALUE_RAW ? FORM_SPAN : FORM_JSON;
    } else if (v->from == VALUE_JSON) {
        spec_derived(w, position, ret);
    } else {
        ret->op = FORM_PLACE;
        ret->number = slot_more(w, SLOT_NUMBER, (struct cell){.at = v->at});
        IGNORE(slot_more(w, SLOT_NUMBER, (struct cell){.at = v->end - v->at}));
    }
}

static char *put_text(char *p, struct str text)
{
    p = put_varint(p, text.n);
    if (text.n)
        memcpy(p, text.p, text.n);
    return p + text.n;
}

static char *put_specs(struct work *w, char *p)
{
    struct form_spec *spec = w->specs;
    p = put_varint(p, w->count);
    for (uint32_t i = 0; i < w->count; i++) {
        const struct event_field *field = &w->event->fields[i];
        p = put_text(p, names_text(w->b->names, field->name));
        *p++ = (char)field->type;
        spec_of(w, i, spec);
        form_write_spec(&p, spec++);
    }
    for (uint32_t i = 0; i < STATUTORY_COUNT; i++) {
        *spec = (struct form_spec){.op = FORM_ABSENT};
        if (w->event)
            spec_of(w, w->count + i, spec);
        form_write_spec(&p, spec++);
    }
    return p;
}

/* The form's bytes, form.h. The specifications are written first, for they add slots: behind, then moved. */
static struct str form_make(struct work *w)
{
    struct block_builder *b = w->b;
    const struct cut *cut = b->cut;
    char *specs = b->form_text + FORM_SIZE_MAX;
    uint32_t raw_slots = w->slots;
    size_t specs_n = (size_t)(put_specs(w, specs) - specs);
    char *p = b->form_text;
    *p++ = w->event != NULL;
    p = put_varint(p, w->event ? w->event->flags : 0);
    p = put_text(p, w->event && w->event->parser ? str_of(w->event->parser) : STR(""));
    p = put_varint(p, raw_slots);
    p = put_varint(p, w->more_count);
    for (uint32_t i = 0; i < raw_slots; i++)
        *p++ = (char)(w->whole ? SLOT_TEXT : cut->slots[i].kind);
    if (w->more_count)
        memcpy(p, w->more_kinds, w->more_count);
    p += w->more_count;
    for (uint32_t i = 0; i <= raw_slots; i++)
        p = put_text(p, w->whole ? STR("") : cut_piece(cut, i));
    memcpy(p, specs, specs_n);
    return str_at(b->form_text, (size_t)(p - b->form_text) + specs_n);
}

/* Words of the form's own texts, once a block. What stands behind a JSON escape is a word of the value, too. */
static void form_words(struct work *w)
{
    struct block_builder *b = w->b;
    for (uint32_t i = 0; !w->whole && i <= b->cut->slot_count; i++) {
        struct str piece = cut_piece(b->cut, i);
        words_add_text(&b->words, piece);
        for (size_t at = str_find(piece, '\\'); at + 1 < piece.n; at = str_find(piece, '\\')) {
            piece = str_skip(piece, at + 2);
            words_add_text(&b->words, str_slice(piece, 0, str_find(piece, '\\')));
        }
    }
    if (w->event)
        values_statutory(w, STATUTORY_ALL);
    for (uint32_t i = 0; w->event && i < STATUTORY_COUNT; i++)
        if (w->values[w->count + i].from == VALUE_DERIVED && is_constant(w->event->statutory[i]))
            words_add_text(&b->words, w->event->statutory[i]);
}

static bool states_add(struct work *w, uint32_t count)
{
    struct block_builder *b = w->b;
    if (b->state_count + count > b->state_room) {
        uint32_t room = MIN(MAX(b->state_room * 2, b->state_count + count + 1024), STATES_MAX);
        ASSERT(b->state_count + count <= room); /* is_full keeps room */
        struct slot_state *states = memory_resize(b->states, room * sizeof *states);
        if (!states)
            return false;
        b->states = states;
        b->state_room = room;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t raw_slots = count - w->more_count;
        uint8_t kind = i >= raw_slots ? w->more_kinds[i - raw_slots]
                       : w->whole     ? (uint8_t)SLOT_TEXT
                                      : w->b->cut->slots[i].kind;
        b->states[b->state_count + i] = (struct slot_state){.kind = kind};
    }
    b->state_count += count;
    return true;
}

/* ---- layouts ---- */

static size_t parser_length(const struct event *event)
{
    return event->parser ? strlen(event->parser) : 0;
}

/* 16 bytes at a time, past both ends: there is room behind the record at work (cut.h) and behind the key. */
static inline char *put_piece(char *p, const char *from, size_t n)
{
    memcpy(p, from, 16);
    for (size_t i = 16; i < n; i += 16) /* seldom, so that it is guessed right */
        memcpy(p + i, from + i, 16);
    return p + n;
}

/* What is known before raw is looked at: flags, fields, which statutory ones there are, the parser. */
static void kind_key(struct work *w)
{
    const struct event *event = w->event;
    uint32_t *p = w->b->layout_key;
    size_t parser = MIN(parser_length(event), LAYOUT_KEY_MAX / 4);
    *p++ = event->flags;
    *p++ = w->said;
    *p++ = w->count;
    *p++ = (uint32_t)parser;
    _Static_assert(offsetof(struct event_field, type) == sizeof(uint32_t), "name and type, eight bytes");
    for (uint32_t i = 0; i < w->count; i++, p += 2)
        memcpy(p, &event->fields[i], 2 * sizeof *p);
    size_t words = (parser + sizeof *p - 1) / sizeof *p;
    if (words) {
        p[words - 1] = 0; /* behind the text */
        memcpy(p, event->parser, parser);
    }
    w->kind_words = (size_t)(p - w->b->layout_key) + words;
}

/* What is alike when the form may be: the kind, slots, pieces. */
static struct str layout_key(struct work *w)
{
    const struct cut *cut = w->b->cut;
    uint32_t *p = w->b->layout_key + w->kind_words;
    _Static_assert((8 + CUT_SLOTS_MAX + 2 * EVENT_FIELDS_MAX) * 4 + CUT_RAW_MAX + CUT_PADDING < LAYOUT_KEY_MAX / 2,
                   "a key has room");
    *p++ = (uint32_t)cut->slot_count;
    uint32_t *lengths = p;
    char *text = (char *)(p + cut->slot_count + 1);
    for (size_t i = 0; i < cut->slot_count; i++) {
        size_t n = cut->slots[i].at - cut->starts[i];
        lengths[i] = (uint32_t)n << 8 | cut->slots[i].kind;
        text = put_piece(text, cut->raw.p + cut->starts[i], n);
    }
    size_t n = cut->raw.n - cut->starts[cut->slot_count];
    lengths[cut->slot_count] = (uint32_t)n << 8;
    text = put_piece(text, cut->raw.p + cut->starts[cut->slot_count], n);
    return str_at((const char *)w->b->layout_key, (size_t)(text - (const char *)w->b->layout_key));
}

static inline uint32_t place_at(const struct cut *cut, struct form_place place)
{
    return cut->starts[place.piece] + place.offset;
}

/* Adds the value's slot. What stood at `lately` before stands there still, mostly: names of severities and the like. */
static void slot_again(struct work *w, uint32_t position, uint32_t *lately)
{
    struct buf *extra = &w->b->extra;
    struct str text = w->values[position].text;
    if (text.n > extra->n || *lately > extra->n - text.n || !text_same(extra->p + *lately, text.p, text.n)) {
        *lately = (uint32_t)extra->n;
        buf_put(extra, text.p, text.n);
    }
    if (w->derived_count < DERIVED_MAX)
        w->derived[w->derived_count++] = position;
    IGNORE(slot_more(w, SLOT_TEXT,
                     (struct cell){*lately | CELL_EXTRA, (uint32_t)text.n, text_head(text)})); /* its number is known */
}

/* Whether a derived value would get this specification, as spec_derived decides. */
static bool derived_fits(struct work *w, uint32_t position, const struct form_spec *spec, uint32_t *lately)
{
    const struct value *v = &w->values[position];
    if (spec->op == FORM_CONST)
        return v->text.n == spec->text.n && text_same(v->text.p, spec->text.p, v->text.n);
    if (v->text.n == 0 || (position >= w->count && is_constant(v->text)))
        return false;
    uint32_t before = derived_before(w, v);
    if (spec->op == FORM_SAME)
        return before == spec->number;
    if (spec->op != FORM_SLOT || before != UINT32_MAX || spec->number != w->slots)
        return false;
    slot_again(w, position, lately);
    return true;
}

static void slots_begin(struct work *w)
{
    w->slots = w->whole ? 1 : (uint32_t)w->b->cut->slot_count;
    w->more_count = w->derived_count = 0;
}

bool layout_fits(struct work *work, const struct layout *layout)
{
    struct work *w = work;
    const struct cut *cut = w->b->cut;
    size_t extra = w->b->extra.n;
    uint32_t differ = 0;
    for (uint32_t i = 0; i < layout->placed_count; i++) {
        const struct layout_value *known = &layout->values[i];
        const struct value *v = &w->values[known->value];
        differ |= (v->at ^ place_at(cut, known->begin)) | (v->end ^ place_at(cut, known->end)) |
                  ((uint32_t)v->from ^ known->from);
        if (known->quotes != QUOTES_ANY)
            differ |= cut_is_forced(cut, v->at, v->end) != (known->quotes == QUOTES_AROUND);
    }
    for (uint32_t i = 0; i < layout->same_count; i++) {
        struct str text = w->event->statutory[layout->same[i].statutory];
        struct str field = w->event->fields[layout->same[i].field].value;
        differ |= text.p != field.p || text.n != field.n;
    }
    if (differ)
        return false;
    slots_begin(w);
    for (uint32_t i = layout->placed_count; i < layout->value_count; i++) {
        uint32_t position = layout->values[i].value;
        if (w->values[position].from != VALUE_DERIVED ||
            !derived_fits(w, position, &layout->specs[position], &layout->lately[position])) {
            w->b->extra.n = extra; /* what was added on the way */
            return false;
        }
    }
    return true;
}

/* The field that is the statutory value in raw. */
static bool same_field(const struct work *w, uint32_t statutory, struct layout_same *ret)
{
    struct str text = w->event->statutory[statutory];
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->event->fields[i].value.p == text.p && w->event->fields[i].value.n == text.n) {
            *ret = (struct layout_same){(uint16_t)statutory, (uint16_t)i};
            return true;
        }
    }
    return false;
}

/* Where the values that are there were found: first those in raw, then the others. */
static void values_place(struct work *w, struct layout *layout)
{
    uint32_t count = 0;
    for (int derived = 0; derived < 2; derived++) {
        for (uint32_t i = 0; i < w->count + STATUTORY_COUNT; i++) {
            const struct form_spec *spec = &w->specs[i];
            enum origin_of_value from = w->values[i].from;
            if (from == VALUE_ABSENT || (from == VALUE_DERIVED) != derived)
                continue;
            if (from == VALUE_RAW && i >= w->count && same_field(w, i - w->count, &layout->same[layout->same_count]))
                layout->same_count++;
            else
                w->placed[count++] = (struct layout_value){(uint16_t)i, (uint8_t)from, QUOTES_ANY, spec->from, spec->to};
        }
        if (!derived)
            layout->placed_count = count;
    }
    layout->value_count = count;
    layout->values = w->placed;
}

/* A value inside of a slot, or one whose escapes were undone in vain, has no place that others could share. */
static bool is_layout(const struct work *w)
{
    for (uint32_t i = 0; i < w->count + STATUTORY_COUNT; i++)
        if (w->specs[i].op == FORM_PLACE || (w->values[i].from == VALUE_JSON && w->specs[i].op != FORM_JSON))
            return false;
    return true;
}

/* The layout of a record that was cut, or NULL; then layout->hash is where it may be put, unless it has none. */
static const struct layout *layout_find(struct work *w, struct layout *layout)
{
    const struct layouts *layouts = &w->b->layouts;
    const struct layout *known = NULL;
    if (w->whole || !w->event)
        return NULL;
    layout->key = layout_key(w);
    layout->hash = layouts_hash(layouts, layout->key);
    for (unsigned i = 0; i < LAYOUTS_ALIKE; i++) { /* those that differ in a constant */
        layout->hash += i > 0;
        known = layouts_find(layouts, layout->key, layout->hash);
        if (!known || layout_fits(w, known))
            break;
        known = NULL;
    }
    return known;
}

/* Its entry in the table of forms; SHARED_NONE without memory. */
static uint32_t form_find(struct work *w, bool *ret_first, bool *ret_new)
{
    struct block_builder *b = w->b;
    struct layout layout = {.hash = 0};
    const struct layout *known = NULL;
    *ret_new = false;
    if (!w->whole && w->event) {
        kind_key(w);
        known = route_take(w);
    }
    if (!known) {
        cut_all(w);
        known = layout_find(w, &layout);
    }
    if (known) {
        *ret_first = shared_again(&b->forms, known->entry, b->block);
        return known->entry;
    }
    slots_begin(w);
    layout.entry = shared_use(&b->forms, form_make(w), b->block, ret_first, ret_new);
    layout.specs = w->specs;
    layout.spec_count = w->count + STATUTORY_COUNT;
    if (layout.hash && layout.entry != SHARED_NONE && is_layout(w)) {
        values_place(w, &layout);
        bool routed = route_may(w, &layout);
        layouts_put(&b->layouts, &layout);
        if (routed)
            route_put(w, &layout);
    }
    return layout.entry;
}

bool form_use(struct work *work, struct record *record)
{
    struct block_builder *b = work->b;
    bool first;
    bool fresh;
    uint32_t entry = form_find(work, &first, &fresh);
    if (entry == SHARED_NONE)
        return false;
    struct shared *e = &b->forms.entries[entry];
    if (fresh) {
        e->owner = b->state_count;
        if (!states_add(work, work->slots))
            return false;
    }
    if (first) {
        e->column = b->use_count;
        b->uses[b->use_count++] = (struct form_use){
            .entry = entry, .raw_slots = work->slots - work->more_count, .slots = work->slots, .states = e->owner};
        form_words(work);
    }
    record->form = e->column;
    b->uses[record->form].count++;
    return true;
}
