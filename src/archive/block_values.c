/* Keys of a block out of its forms' columns: each form says where the key's value lies in its records; where that is
 * one slot, its column is read and nothing else, and each distinct value is looked at once. */
#include "archive/block_values.h"

#include "archive/block_view.h"
#include "archive/hash.h"
#include "archive/words.h"
#include "base/assert.h"

#include <string.h>

#define TABLE_FIRST 1024
#define NAME_ROOM   256

/* Distinct texts in the order of their coming, found again by an open table of index + 1. */
struct texts {
    struct arena *arena;
    const uint64_t *key; /* of the hash */
    struct str *value;
    uint32_t count;
    uint32_t *slot;
    uint32_t room; /* of slots: a power of two; values have half of it */
    bool failed;   /* no memory */
};

static bool texts_grow(struct texts *texts)
{
    uint32_t room = texts->room ? texts->room * 2 : TABLE_FIRST;
    struct str *value = arena_alloc_array(texts->arena, room / 2, sizeof *value);
    uint32_t *slot = arena_alloc_array(texts->arena, room, sizeof *slot);
    texts->failed = texts->failed || !value || !slot;
    if (texts->failed)
        return false;
    if (texts->count)
        memcpy(value, texts->value, texts->count * sizeof *value);
    for (uint32_t i = 0; i < texts->count; i++) {
        uint32_t at = (uint32_t)hash_text(texts->key, value[i]) & (room - 1);
        while (slot[at])
            at = (at + 1) & (room - 1);
        slot[at] = i + 1;
    }
    texts->value = value;
    texts->slot = slot;
    texts->room = room;
    return true;
}

static uint32_t texts_put(struct texts *texts, struct str text)
{
    if ((texts->count + 1) * 2 > texts->room && !texts_grow(texts))
        return 0;
    uint32_t at = (uint32_t)hash_text(texts->key, text) & (texts->room - 1);
    for (; texts->slot[at]; at = (at + 1) & (texts->room - 1))
        if (str_eq(texts->value[texts->slot[at] - 1], text))
            return texts->slot[at] - 1;
    texts->value[texts->count] = text;
    texts->slot[at] = ++texts->count;
    return texts->count - 1;
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for a column");
}

/* How the key's value is found in the records of one form. */
enum plan_kind { PLAN_ONE, PLAN_INDEX, PLAN_CODES, PLAN_SLOT, PLAN_ROW };

struct plan {
    enum plan_kind kind;
    uint32_t one;
    const struct slot_column *column;
    const uint32_t *index; /* of the column's values */
    const struct form_spec *spec;
};

/* What one key is made of. */
struct making {
    struct block *block;
    struct arena *arena;
    struct texts texts;
    uint32_t *of_code; /* value of each code + 1; NULL until a column wants it */
    struct plan *plans;
    bool needs_rows;
    bool open; /* values may come with the records */
};

static enum rc making_init(struct making *m, struct block *block, struct arena *arena, struct err *err)
{
    *m = (struct making){.block = block, .arena = arena, .texts = {.arena = arena, .key = block->info.key}};
    enum rc rc = block_forms(block, err);
    if (rc != RC_OK)
        return rc;
    m->plans = arena_alloc_array(arena, block->form_count, sizeof *m->plans);
    if (!m->plans || !texts_grow(&m->texts))
        return no_memory(err);
    m->texts.value[m->texts.count++] = STR_NONE; /* absent, never found again */
    return RC_OK;
}

/* Empty texts have an index of their own, as they are there. */
static uint32_t text_index(struct making *m, struct str text)
{
    return texts_put(&m->texts, text.p ? text : STR(""));
}

static uint32_t code_index(struct making *m, uint32_t code)
{
    if (!m->of_code[code])
        m->of_code[code] = text_index(m, block_value(m->block, code)) + 1;
    return m->of_code[code] - 1;
}

static enum rc plan_index(struct making *m, struct plan *plan, struct err *err)
{
    const struct slot_column *c = plan->column;
    uint32_t *index = arena_alloc_raw(m->arena, c->value_count * sizeof *index);
    if (!index)
        return no_memory(err);
    for (uint32_t i = 0; i < c->value_count; i++)
        index[i] = code_index(m, c->codes[i]);
    plan->index = index;
    plan->kind = PLAN_INDEX;
    return RC_OK;
}

static enum rc plan_slot(struct making *m, uint32_t form, uint32_t slot, struct plan *plan, struct err *err)
{
    struct slot_column *c;
    enum rc rc = block_slot(m->block, form, slot, &c, err);
    if (rc != RC_OK)
        return rc;
    plan->column = c;
    plan->kind = PLAN_SLOT;
    if (!m->of_code)
        m->of_code = arena_alloc_array(m->arena, (size_t)block_codes(m->block) + 1, sizeof *m->of_code);
    if (!m->of_code)
        return no_memory(err);
    if (c->how == HOW_INDEX)
        return plan_index(m, plan, err);
    if (c->how == HOW_CONST) {
        plan->kind = PLAN_ONE;
        plan->one = text_index(m, c->values[0]);
    }
    if (c->how == HOW_CODES)
        plan->kind = PLAN_CODES;
    m->open = m->open || plan->kind != PLAN_ONE;
    return plan->kind == PLAN_SLOT ? block_event_times(m->block, err) : RC_OK;
}

static bool is_one_slot(const struct form *form, const struct form_spec *spec)
{
    return spec->op == FORM_SPAN && spec->from.piece + 1 == spec->to.piece && spec->to.offset == 0 &&
           spec->from.offset == form->pieces[spec->from.piece].n;
}

static enum rc plan_spec(struct making *m, uint32_t form, const struct form_spec *spec, struct err *err)
{
    struct plan *plan = &m->plans[form];
    const struct form *f = m->block->forms[form].form;
    spec = form_spec_of(f, spec);
    if (spec->op == FORM_ABSENT)
        return RC_OK;
    if (spec->op == FORM_CONST) {
        plan->one = text_index(m, spec->text);
        return RC_OK;
    }
    if (spec->op == FORM_SLOT)
        return plan_slot(m, form, spec->number, plan, err);
    if (is_one_slot(f, spec))
        return plan_slot(m, form, spec->from.piece, plan, err);
    plan->kind = PLAN_ROW;
    plan->spec = spec;
    m->needs_rows = m->open = true;
    return RC_OK;
}

/* The value of a record whose slot is kept as numbers or texts, or lies anywhere in raw. */
static uint32_t of_record(struct making *m, const struct plan *plan, uint32_t position, uint32_t row)
{
    struct block *b = m->block;
    UNINITIALISED char room[CELL_TEXT];
    struct str text = STR_NONE;
    if (plan->kind == PLAN_ROW)
        return block_spec(b, position, plan->spec, &text) ? text_index(m, text) : 0;
    text = slot_text(b, plan->column, row, b->times[position], room);
    if (text.p >= room && text.p < room + sizeof room)
        text = arena_str(m->arena, text);
    m->texts.failed = m->texts.failed || !text.p;
    return text_index(m, text);
}

/* The values of one form's records, row after row, but for those that are told record by record. */
static void of_rows(struct making *m, uint32_t form, uint32_t *of)
{
    const struct plan *plan = &m->plans[form];
    uint32_t count = m->block->forms[form].count;
    for (uint32_t row = 0; row < count && plan->kind == PLAN_ONE; row++)
        of[row] = plan->one;
    for (uint32_t row = 0; row < count && plan->kind == PLAN_INDEX; row++)
        of[row] = plan->index[(uint8_t)plan->column->bytes.p[row]];
    for (uint32_t row = 0; row < count && plan->kind == PLAN_CODES; row++)
        of[row] = code_index(m, plan->column->codes[row]);
}

/* Form by form, so that what a plan is is looked at once, and then from rows to positions. */
static enum rc make(struct making *m, struct block_values *ret, struct err *err)
{
    struct block *b = m->block;
    uint32_t count = block_count(b);
    bool absent = m->texts.count == 1 && !m->open; /* no form has it */
    uint32_t *of = arena_alloc(m->arena, count * sizeof *of);
    uint32_t *rows = arena_alloc_raw(m->arena, absent ? 1 : count * sizeof *rows);
    uint32_t **next = arena_alloc_raw(m->arena, b->form_count * sizeof *next);
    enum rc rc = m->needs_rows ? block_open(b, BLOCK_ALL, err) : RC_OK;
    if (rc != RC_OK)
        return rc;
    if (!of || !rows || !next)
        return no_memory(err);
    for (uint32_t f = 0; f < b->form_count && !absent; f++) {
        next[f] = rows;
        of_rows(m, f, rows);
        rows += b->forms[f].count;
    }
    for (uint32_t i = 0; i < count && !absent; i++) {
        const struct plan *plan = &m->plans[b->form_of[i]];
        of[i] = plan->kind >= PLAN_SLOT ? of_record(m, plan, i, b->row_of[i]) : *next[b->form_of[i]]++;
    }
    if (m->texts.failed || block_spent(b))
        return no_memory(err);
    *ret = (struct block_values){.value = m->texts.value, .count = m->texts.count, .of = of};
    return RC_OK;
}

/* A statutory key that is empty is absent. */
static void drop_empty(struct block_values *values, uint32_t count, uint32_t *of)
{
    for (uint32_t v = 1; v < values->count; v++)
        if (values->value[v].n == 0)
            for (uint32_t i = 0; i < count; i++)
                of[i] = of[i] == v ? 0 : of[i];
}

enum rc block_values_statutory(struct block *block, enum statutory key, struct arena *arena, struct block_values *ret,
                               struct err *err)
{
    struct making m;
    ASSERT(key < STATUTORY_COUNT);
    enum rc rc = making_init(&m, block, arena, err);
    for (uint32_t f = 0; rc == RC_OK && f < block->form_count; f++)
        rc = plan_spec(&m, f, &block->forms[f].form->statutory[key], err);
    rc = rc == RC_OK ? make(&m, ret, err) : rc;
    if (rc == RC_OK)
        drop_empty(ret, block_count(block), (uint32_t *)(uintptr_t)ret->of); /* made here, in the arena */
    return rc;
}

static bool name_is(struct str name, struct str folded)
{
    char room[NAME_ROOM];
    if (name.n != folded.n || (name.n && char_lower(name.p[0]) != folded.p[0] && !((uint8_t)name.p[0] & 0x80)))
        return false;
    word_fold_text(name, room);
    return memcmp(room, folded.p, name.n) == 0;
}

enum rc block_values_field(struct block *block, struct str name, struct arena *arena, struct block_values *ret,
                           struct err *err)
{
    struct making m;
    char room[NAME_ROOM];
    struct str folded = str_at(room, name.n);
    enum rc rc = making_init(&m, block, arena, err);
    if (rc == RC_OK && name.n <= sizeof room)
        word_fold_text(name, room);
    for (uint32_t f = 0; rc == RC_OK && name.n <= sizeof room && f < block->form_count; f++) {
        const struct form *form = block->forms[f].form;
        uint32_t i = 0;
        while (i < form->field_count && !name_is(form->fields[i].text, folded))
            i++;
        if (i < form->field_count)
            rc = plan_spec(&m, f, &form->fields[i].spec, err);
    }
    return rc == RC_OK ? make(&m, ret, err) : rc;
}

enum rc block_field_repeats(struct block *block, struct str name, bool *ret_repeats, struct err *err)
{
    char room[NAME_ROOM];
    *ret_repeats = false;
    enum rc rc = block_forms(block, err);
    if (rc != RC_OK || name.n > sizeof room)
        return rc;
    word_fold_text(name, room);
    for (uint32_t f = 0; f < block->form_count && !*ret_repeats; f++) {
        uint32_t seen = 0;
        for (uint32_t i = 0; i < block->forms[f].form->field_count; i++)
            seen += name_is(block->forms[f].form->fields[i].text, str_at(room, name.n));
        *ret_repeats = seen > 1;
    }
    return RC_OK;
}

static enum rc own_of_leaves(struct making *m, enum block_own key, struct block_values *ret, struct err *err)
{
    struct block *b = m->block;
    uint32_t *of = arena_alloc_raw(m->arena, b->info.count * sizeof *of);
    enum rc rc = of ? block_heads(b, err) : no_memory(err);
    for (uint32_t i = 0; rc == RC_OK && i < b->info.count; i++) {
        const struct leaf *leaf = &b->leaves[i];
        const struct leaf *before = i ? leaf - 1 : NULL;
        struct str text = key == BLOCK_OWN_TRANSPORT ? str_of(transport_name(leaf->transport))
                          : key == BLOCK_OWN_TYPE    ? str_of(leaf_type_name(leaf->type))
                                                     : str_at(leaf->source, sizeof leaf->source);
        bool same = before && before->transport == leaf->transport && before->type == leaf->type &&
                    memcmp(before->source, leaf->source, sizeof leaf->source) == 0;
        of[i] = same ? of[i - 1] : text_index(m, text); /* leaves stay as long as the block */
    }
    *ret = (struct block_values){.value = m->texts.value, .count = m->texts.count, .of = of};
    return rc == RC_OK && m->texts.failed ? no_memory(err) : rc;
}

enum rc block_values_own(struct block *block, enum block_own key, struct arena *arena, struct block_values *ret,
                         struct err *err)
{
    struct making m;
    enum rc rc = making_init(&m, block, arena, err);
    if (rc == RC_OK && key != BLOCK_OWN_PARSER)
        return own_of_leaves(&m, key, ret, err);
    for (uint32_t f = 0; rc == RC_OK && f < block->form_count; f++) {
        struct str parser = str_of(block->forms[f].form->parser);
        m.plans[f].one = parser.n ? text_index(&m, parser) : 0;
    }
    return rc == RC_OK ? make(&m, ret, err) : rc;
}

/* The ids of a set with line ends between. */
static struct str rules_text(struct making *m, struct str set)
{
    char *text = arena_alloc_raw(m->arena, set.n + 1);
    struct reader in = reader_of(set);
    size_t n = 0;
    while (text && reader_left(&in)) {
        struct str rule = read_bytes(&in, (size_t)read_varint(&in));
        if (n)
            text[n++] = '\n';
        memcpy(text + n, rule.p, rule.n);
        n += rule.n;
    }
    m->texts.failed = m->texts.failed || !text;
    return str_at(text, n);
}

enum rc block_values_rules(struct block *block, struct arena *arena, struct block_values *ret, struct err *err)
{
    struct making m;
    enum rc rc = making_init(&m, block, arena, err);
    rc = rc == RC_OK ? block_rule_sets(block, err) : rc;
    if (rc != RC_OK)
        return rc;
    uint32_t *index = arena_alloc_raw(arena, block->rule_set_count * sizeof *index);
    uint32_t *of = arena_alloc_raw(arena, block->info.count * sizeof *of);
    if (!index || !of)
        return no_memory(err);
    for (uint32_t i = 0; i < block->rule_set_count; i++)
        index[i] = block->rule_sets[i].n ? text_index(&m, rules_text(&m, block->rule_sets[i])) : 0;
    for (uint32_t i = 0; i < block->info.count; i++)
        of[i] = index[block->rule_set_of[i]];
    *ret = (struct block_values){.value = m.texts.value, .count = m.texts.count, .of = of};
    return m.texts.failed ? no_memory(err) : RC_OK;
}

enum rc block_times(struct block *block, struct arena *arena, const int64_t **ret_event_ns, struct err *err)
{
    (void)arena; /* they stand in the block's own */
    enum rc rc = block_event_times(block, err);
    *ret_event_ns = block->times;
    return rc;
}

enum rc block_raw_all(struct block *block, struct str *ret_raw, const uint32_t **ret_offset, struct err *err)
{
    enum rc rc = block_raw(block, err);
    *ret_raw = str_at(block->raw, rc == RC_OK ? (size_t)block->info.raw_bytes : 0);
    *ret_offset = block->raw_at;
    return rc;
}

/* ---- what a scan of raw would miss ---- */

static bool border(struct str raw, size_t at)
{
    return at == 0 || at >= raw.n || !word_char(raw.p[at - 1]) || !word_char(raw.p[at]);
}

/* Whether a word can never go on across the place, whatever the slots hold. */
static bool border_always(const struct form *form, const struct form_place *place)
{
    struct str piece = form->pieces[place->piece];
    if (place->offset == 0 && place->piece == 0)
        return true;
    if (place->offset == piece.n && place->piece == form->raw_slots)
        return true;
    return (place->offset > 0 && !word_char(piece.p[place->offset - 1])) ||
           (place->offset < piece.n && !word_char(piece.p[place->offset]));
}

/* Whether a word can never go on across one end of this slot, by the values that it has in this block. */
static bool slot_apart(struct making *m, uint32_t form, uint32_t slot, bool end)
{
    struct slot_column *c;
    if (block_slot(m->block, form, slot, &c, NULL) != RC_OK || (c->how != HOW_CONST && c->how != HOW_INDEX))
        return false;
    uint32_t count = c->how == HOW_CONST ? 1 : c->value_count;
    for (uint32_t i = 0; i < count; i++)
        if (c->values[i].n == 0 || word_char(c->values[i].p[end ? c->values[i].n - 1 : 0]))
            return false;
    return true;
}

static bool border_here(struct making *m, uint32_t form, const struct form_place *place)
{
    const struct form *f = m->block->forms[form].form;
    if (border_always(f, place))
        return true;
    bool lone = f->pieces[place->piece].n == 0 && place->piece > 0 && place->piece < f->raw_slots;
    return lone && (slot_apart(m, form, place->piece - 1u, true) || slot_apart(m, form, place->piece, false));
}

static enum rc slot_texts(struct making *m, uint32_t form, uint32_t slot, struct err *err)
{
    struct plan plan = {.kind = PLAN_ONE};
    enum rc rc = plan_slot(m, form, slot, &plan, err); /* puts the values of const and index */
    if (rc != RC_OK || plan.kind == PLAN_ONE || plan.kind == PLAN_INDEX)
        return rc;
    for (uint32_t row = 0; row < plan.column->count; row++) {
        char room[CELL_TEXT];
        struct str text = slot_text(m->block, plan.column, row, 0, room);
        if (text.p >= room && text.p < room + sizeof room)
            text = arena_str(m->arena, text);
        IGNORE(text_index(m, text) == 0); /* texts.failed tells */
    }
    return RC_OK;
}

/* Puts what the form alone says; false: rows must be looked at. */
static bool spec_texts(struct making *m, uint32_t form, const struct form_spec *spec, enum rc *rc, struct err *err)
{
    switch (spec->op) {
    case FORM_ABSENT:
    case FORM_SAME:
    case FORM_OP_COUNT:
        return true;
    case FORM_CONST:
        IGNORE(text_index(m, spec->text) == 0); /* texts.failed tells */
        return true;
    case FORM_SLOT:
        *rc = *rc == RC_OK ? slot_texts(m, form, spec->number, err) : *rc;
        return true;
    case FORM_SPAN:
        return border_here(m, form, &spec->from) && border_here(m, form, &spec->to);
    case FORM_JSON:
    case FORM_PLACE:
        break;
    }
    return false;
}

static const struct form_spec *spec_at(const struct form *form, uint32_t i)
{
    return i < form->field_count ? &form->fields[i].spec : &form->statutory[i - form->field_count];
}

static void row_texts(struct making *m, uint32_t position)
{
    struct block *b = m->block;
    const struct form *form = b->forms[b->form_of[position]].form;
    struct str raw = block_raw_at(b, position);
    for (uint32_t i = 0; i < form->field_count + STATUTORY_COUNT; i++) {
        const struct form_spec *spec = spec_at(form, i);
        struct str text;
        if (spec->op != FORM_SPAN && spec->op != FORM_JSON && spec->op != FORM_PLACE)
            continue;
        if (spec->op == FORM_SPAN && border_always(form, &spec->from) && border_always(form, &spec->to))
            continue;
        if (!block_spec(b, position, spec, &text) || !text.n)
            continue;
        bool inside = text.p >= raw.p && text.p <= raw.p + raw.n;
        if (!inside || !border(raw, (size_t)(text.p - raw.p)) || !border(raw, (size_t)(text.p - raw.p) + text.n))
            IGNORE(text_index(m, text) == 0); /* texts.failed tells */
    }
}

enum rc block_texts_derived(struct block *block, struct arena *arena, const struct str **ret_values, size_t *ret_count,
                            struct err *err)
{
    struct making m;
    enum rc rc = making_init(&m, block, arena, err);
    for (uint32_t f = 0; rc == RC_OK && f < block->form_count; f++) {
        const struct form *form = block->forms[f].form;
        for (uint32_t i = 0; i < form->field_count + STATUTORY_COUNT; i++)
            if (!spec_texts(&m, f, spec_at(form, i), &rc, err))
                m.plans[f].kind = PLAN_ROW;
        m.needs_rows = m.needs_rows || m.plans[f].kind == PLAN_ROW;
    }
    if (rc == RC_OK && m.needs_rows)
        rc = block_open(block, BLOCK_ALL, err);
    for (uint32_t i = 0; rc == RC_OK && m.needs_rows && i < block->info.count; i++)
        if (m.plans[block->form_of[i]].kind == PLAN_ROW)
            row_texts(&m, i);
    if (rc == RC_OK && (m.texts.failed || block_spent(block)))
        rc = no_memory(err);
    *ret_values = m.texts.value + 1;
    *ret_count = m.texts.count ? m.texts.count - 1 : 0;
    return rc;
}
