/* Building a block: records are gathered row by row, as forms and the contents of their slots; finishing writes them
 * column by column (block_columns.c). */
#include "archive/block_work.h"
#include "archive/hash.h"
#include "archive/rule_set.h"
#include "base/assert.h"
#include "codec/json.h"
#include "os/random.h"

#include <string.h>

#define EXTRA_LIMIT   ((size_t)48 << 20) /* of values that are not in raw */
#define TEXTS_LIMIT   ((size_t)96 << 20) /* of forms, and of values, in memory */
#define FORMS_MANY    32768              /* past it a new chain begins */
#define TEXTS_MANY    ((size_t)32 << 20)
#define VALUES_MANY   (1u << 20)
#define SCRATCH_MAX   ((size_t)64 << 20)
#define CELLS_FIRST   4096
#define LITERAL_TRIES 3

static bool maps_new(struct block_builder *b)
{
    map_free(b->origins);
    map_free(b->ways);
    map_free(b->rule_sets);
    b->origins = map_new(BLOCK_RECORDS_MAX, b->words.key[1]);
    b->ways = map_new(BLOCK_RECORDS_MAX, b->words.key[0]);
    b->rule_sets = map_new(BLOCK_RECORDS_MAX + 1, b->words.key[1]);
    return b->origins && b->ways && b->rule_sets && map_put(b->rule_sets, STR(""));
}

struct block_builder *block_builder_new(const struct names *names, const uint64_t key[2])
{
    struct block_builder *b = memory_new(sizeof *b);
    if (!b)
        return NULL;
    b->names = names;
    words_init(&b->words, key);
    b->block = 1;
    b->chain = random_u64();
    b->packer = packer_new();
    /* Not cleared: each element is written before it is read, and most blocks never reach the far end. */
    b->records = memory_resize(NULL, BLOCK_RECORDS_MAX * sizeof *b->records);
    b->uses = memory_resize(NULL, BLOCK_RECORDS_MAX * sizeof *b->uses);
    b->scratch = arena_new(SCRATCH_MAX);
    b->cut = memory_new(sizeof *b->cut);
    b->form_text = memory_resize(NULL, 2 * (size_t)FORM_SIZE_MAX);
    b->work = memory_new(sizeof *b->work);
    buf_init(&b->raw, BLOCK_RAW_MAX + RECORD_RAW_MAX + CUT_PADDING);
    buf_init(&b->extra, EXTRA_LIMIT);
    buf_init(&b->column, BLOCK_PLAIN_MAX);
    buf_init(&b->directory, BLOCK_PLAIN_MAX);
    for (size_t i = 0; i < ARRAY_LEN(b->streams); i++)
        buf_init(&b->streams[i], BLOCK_PLAIN_MAX);
    bool tables = shared_init(&b->forms, key, TEXTS_LIMIT) && shared_init(&b->values, key, TEXTS_LIMIT) &&
                  layouts_init(&b->layouts, key);
    b->layout_key = memory_resize(NULL, LAYOUT_KEY_MAX);
    if (!b->layout_key || !b->packer || !b->records || !b->uses || !b->scratch || !b->cut || !b->form_text ||
        !b->work || !tables || !maps_new(b) || !buf_reserve(&b->raw, 64) || !buf_reserve(&b->extra, 64)) {
        block_builder_free(b);
        return NULL;
    }
    block_builder_segment(b, key);
    return b;
}

void block_builder_free(struct block_builder *builder)
{
    if (!builder)
        return;
    packer_free(builder->packer);
    words_done(&builder->words);
    shared_done(&builder->forms);
    shared_done(&builder->values);
    layouts_done(&builder->layouts);
    memory_free(builder->layout_key);
    arena_free(builder->scratch);
    memory_free(builder->records);
    memory_free(builder->cells);
    memory_free(builder->uses);
    memory_free(builder->states);
    memory_free(builder->cut);
    memory_free(builder->form_text);
    memory_free(builder->work);
    room_done(&builder->room);
    buf_done(&builder->raw);
    buf_done(&builder->extra);
    buf_done(&builder->column);
    buf_done(&builder->directory);
    for (size_t i = 0; i < ARRAY_LEN(builder->streams); i++)
        buf_done(&builder->streams[i]);
    map_free(builder->origins);
    map_free(builder->ways);
    map_free(builder->rule_sets);
    memory_free(builder);
}

/* Forms that come and go must not fill the tables for ever. */
static bool forms_many(const struct block_builder *b)
{
    return b->forms.count > FORMS_MANY || b->forms.text.n > TEXTS_MANY || b->state_count > STATES_MAX / 2;
}

static void chain_begin(struct block_builder *b)
{
    bool many = forms_many(b);
    shared_end_chain(&b->forms, !many);
    shared_end_chain(&b->values, false);
    if (many) {
        layouts_clear(&b->layouts); /* they name forms of the table */
        b->state_count = 0;
    }
    b->chain++;
}

void block_builder_segment(struct block_builder *builder, const uint64_t key[2])
{
    ASSERT(builder->count == 0);
    builder->words.key[0] = key[0];
    builder->words.key[1] = key[1];
    chain_begin(builder);
}

void block_builder_tier(struct block_builder *builder, enum block_tier tier)
{
    builder->tier = tier;
}

void block_builder_plain(struct block_builder *builder, enum block_plain plain)
{
    builder->plain = plain;
}

bool block_builder_is_nearly_full(const struct block_builder *builder)
{
    return builder->count >= BLOCK_RECORDS_MAX - BLOCK_RECORDS_MAX / 64 ||
           builder->raw.n >= BLOCK_RAW_MAX - BLOCK_RAW_MAX / 64;
}

size_t block_builder_count(const struct block_builder *builder)
{
    return builder->count;
}

uint64_t block_builder_first(const struct block_builder *builder)
{
    return builder->count ? builder->records[0].index : 0;
}

static bool keep_leaf(struct block_builder *b, struct record *r, const struct leaf *leaf)
{
    const struct leaf *before = &b->leaf; /* of the record before */
    char key[24];
    if (b->count && memcmp(before->source, leaf->source, 16) == 0 && before->epoch == leaf->epoch) {
        r->origin = r[-1].origin;
    } else {
        memcpy(key, leaf->source, 16);
        put_be64(key + 16, leaf->epoch);
        r->origin = map_distinct(b->origins, str_at(key, 24));
    }
    if (b->count && before->type == leaf->type && before->transport == leaf->transport &&
        before->clock_error_us == leaf->clock_error_us) {
        r->way = r[-1].way;
    } else {
        put_be16(key, (uint16_t)leaf->type);
        put_be16(key + 2, leaf->transport);
        put_be32(key + 4, leaf->clock_error_us);
        r->way = map_distinct(b->ways, str_at(key, 8));
    }
    b->leaf = *leaf;
    return r->origin != UINT32_MAX && r->way != UINT32_MAX;
}

static bool keep_rules(struct block_builder *b, struct record *r, const struct str *rules, size_t rule_count)
{
    r->rules = 0;
    if (!rule_count)
        return true;
    buf_clear(&b->column);
    for (size_t i = 0; i < rule_count; i++) {
        rule_set_put(&b->column, rules[i]);
        words_add_text(&b->words, rules[i]);
    }
    r->rules = map_distinct(b->rule_sets, buf_view(&b->column));
    buf_clear(&b->column);
    return r->rules != UINT32_MAX;
}

/* Only sets that a record has, the empty one first. */
static bool sets_settle(struct block_builder *b)
{
    struct map *sets = map_new(BLOCK_RECORDS_MAX + 1, b->words.key[1]);
    bool ok = sets && map_put(sets, STR(""));
    for (size_t i = 0; i < b->count && ok; i++) {
        struct str set;
        uint64_t number;
        ok = map_at(b->rule_sets, b->records[i].rules, &set, &number);
        b->records[i].rules = ok ? map_distinct(sets, set) : 0;
        ok = ok && b->records[i].rules != UINT32_MAX;
    }
    map_free(b->rule_sets);
    b->rule_sets = sets;
    b->sets_left = false;
    return ok;
}

/* The record's row in the block at work, or NULL. */
static struct record *row_of(struct block_builder *b, uint64_t number)
{
    size_t low = 0;
    size_t high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->records[middle].index < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->count && b->records[low].index == number ? &b->records[low] : NULL;
}

enum rc block_builder_hit(struct block_builder *builder, uint64_t record, struct str rule)
{
    struct block_builder *b = builder;
    struct record *r = row_of(b, record);
    struct str set;
    uint64_t number;
    if (!r)
        return RC_NOT_FOUND;
    if (map_count(b->rule_sets) > BLOCK_RECORDS_MAX && b->sets_left && !sets_settle(b))
        return RC_LIMIT;
    if (!map_at(b->rule_sets, r->rules, &set, &number) || rule_set_count(set) >= EVENT_FIELDS_MAX)
        return RC_LIMIT;
    buf_clear(&b->column);
    buf_str(&b->column, set);
    rule_set_put(&b->column, rule);
    uint32_t grown = b->column.overflow ? UINT32_MAX : map_distinct(b->rule_sets, buf_view(&b->column));
    buf_clear(&b->column);
    if (grown == UINT32_MAX)
        return RC_LIMIT;
    words_add_text(&b->words, rule);
    r->rules = grown;
    b->sets_left = true;
    return RC_OK;
}

/* ---- where values come from ---- */

static inline bool is_border(const struct work *w, size_t at)
{
    if (!w->whole)
        return cut_is_border(w->b->cut, at);
    return at == 0 || at == w->raw.n || !word_char(w->raw.p[at]) || !word_char(w->raw.p[at - 1]);
}

/* The end of the JSON string that holds the backslash at `i`; *ret_odd: it has escapes that change words. */
static size_t literal_end(const struct cut *cut, struct str raw, size_t i, bool *ret_odd)
{
    size_t quote = i + str_find(str_skip(raw, i), '"');
    *ret_odd = false;
    while (i < raw.n) {
        size_t slash = cut_next(cut->slash, cut->words, i);
        if (quote < slash)
            return quote;
        if (slash >= raw.n)
            break;
        char c = slash + 1 < raw.n ? raw.p[slash + 1] : 0;
        *ret_odd = *ret_odd || c == 'u' || c == 'b' || c == 'f';
        i = slash + 2;
        if (quote < i) /* it was escaped */
            quote = i + str_find(str_skip(raw, i), '"');
    }
    return raw.n;
}

/* The next literals with backslashes, in the order of the fields: one of them may be this value. */
static void literal_find(struct work *w, struct value *v)
{
    const struct cut *cut = w->b->cut;
    size_t from = w->literal_at;
    for (int i = 0; i < LITERAL_TRIES; i++) {
        size_t slash = cut_next(cut->slash, cut->words, from);
        if (slash == SIZE_MAX)
            return;
        const char *quote = memrchr(w->raw.p + from, '"', slash - from);
        bool odd;
        size_t end = literal_end(cut, w->raw, slash, &odd);
        if (!quote || end >= w->raw.n)
            return;
        size_t start = (size_t)(quote - w->raw.p) + 1;
        struct json_token token = {.kind = JSON_STRING, .escaped = true, .non_ascii = true};
        token.text = str_slice(w->raw, start, end);
        struct str text;
        if (token.text.n >= v->text.n && json_text(w->b->scratch, &token, &text) && str_eq(text, v->text)) {
            *v = (struct value){VALUE_JSON, (uint32_t)start, (uint32_t)end, v->text};
            w->literal_at = end + 1;
            if (odd)
                words_add_text(&w->b->words, v->text);
            return;
        }
        from = end + 1;
    }
}

/* A value that is no part of raw; or one whose escapes were undone. */
static void value_derived(struct work *w, struct str text, struct value *ret)
{
    *ret = (struct value){.from = VALUE_DERIVED, .text = text};
    if (text.n && !w->whole && w->b->cut->has_backslash && w->raw.p[0] == '{')
        literal_find(w, ret);
    if (ret->from == VALUE_JSON)
        cut_span(w->b->cut, ret->at, ret->end);
}

/* False when it is no part of raw. */
static inline bool value_in_raw(struct work *w, struct str text, struct value *ret)
{
    size_t at = (uintptr_t)text.p - (uintptr_t)w->raw.p;
    if (at >= w->raw.n || text.n - 1 >= w->raw.n - at) /* of nothing, too */
        return false;
    *ret = (struct value){VALUE_RAW, (uint32_t)at, (uint32_t)(at + text.n), text};
    return true;
}

/* A statutory value is mostly a field's, found once and named twice; mostly of the same field as lately. */
static bool statutory_is_field(struct work *w, struct str text, uint32_t i)
{
    const struct event_field *fields = w->event->fields;
    uint16_t *lately = &w->namesakes[w->count % NAMESAKES][i];
    uint32_t same = *lately;
    if (same >= w->count || fields[same].value.p != text.p || fields[same].value.n != text.n) {
        same = 0;
        while (same < w->count && (fields[same].value.p != text.p || fields[same].value.n != text.n))
            same++;
        *lately = (uint16_t)same;
    }
    if (same < w->count)
        w->values[w->count + i] = w->values[same];
    return same < w->count;
}

static void values_find(struct work *w)
{
    const struct event *event = w->event;
    w->count = event ? MIN(event->field_count, (uint32_t)EVENT_FIELDS_MAX) : 0;
    w->said = w->found = 0;
    if (!event)
        return;
    for (uint32_t i = 0; i < w->count; i++)
        if (!value_in_raw(w, event->fields[i].value, &w->values[i]))
            value_derived(w, event->fields[i].value, &w->values[i]);
    _Static_assert(STATUTORY_COUNT <= 31, "a bit each");
    for (uint32_t i = 0; i < STATUTORY_COUNT; i++)
        w->said |= (uint32_t)(event->statutory[i].n > 0) << i;
}

void values_statutory(struct work *work, uint32_t which)
{
    struct work *w = work;
    for (uint32_t left = which & ~w->found; left; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        struct value *v = &w->values[w->count + i];
        v->from = VALUE_ABSENT; /* nothing else is then looked at */
        if (!(w->said >> i & 1))
            continue;
        struct str text = w->event->statutory[i];
        if (!value_in_raw(w, text, v) && !statutory_is_field(w, text, i))
            value_derived(w, text, v);
    }
    w->found |= which;
}

/* Words of a value that is cut out of raw at borders of words are those of raw. */
static void split_words(struct work *w)
{
    for (uint32_t i = 0; i < w->count + STATUTORY_COUNT; i++) {
        const struct value *v = &w->values[i];
        if (v->from == VALUE_RAW && (!is_border(w, v->at) || !is_border(w, v->end)))
            words_add_text(&w->b->words, v->text);
    }
}

void cut_all(struct work *work)
{
    struct work *w = work;
    struct cut *cut = w->b->cut;
    uint32_t values = w->event ? w->count + STATUTORY_COUNT : 0;
    if (values)
        values_statutory(w, STATUTORY_ALL);
    if (!w->whole && !cut->has_backslash)
        cut_look(cut);
    cut->slot_count = 0;
    for (uint32_t i = 0; i < values && !w->whole; i++)
        if (w->values[i].from == VALUE_RAW)
            cut_span(cut, w->values[i].at, w->values[i].end);
    if (!w->whole && !cut_finish(cut)) {
        w->whole = true; /* more slots than a form may have */
        words_add_text(&w->b->words, w->raw);
    }
    if (values && (w->whole || cut->has_split_words))
        split_words(w);
}

/* ---- the contents of slots ---- */

/* A word that goes on across a slot's border is added whole. Returns its end. */
static size_t glued_words(struct work *w, const struct cut_slot *slot)
{
    size_t from = slot->at;
    size_t to = slot->at + slot->n;
    while (from > 0 && (word_char(w->raw.p[from - 1]) || w->raw.p[from - 1] == '.'))
        from--;
    while (to < w->raw.n && (word_char(w->raw.p[to]) || w->raw.p[to] == '.'))
        to++;
    struct str raw = w->b->cut->raw; /* padded */
    words_add_room(&w->b->words, str_slice(raw, from, to), raw.n - from + CUT_PADDING);
    return to;
}

static bool cells_room(struct block_builder *b, size_t more)
{
    if (b->cell_count + more <= b->cell_room)
        return true;
    size_t room = MAX(b->cell_room * 2, b->cell_count + more + CELLS_FIRST);
    struct cell *cells = memory_resize(b->cells, room * sizeof *cells);
    if (!cells)
        return false;
    b->cells = cells;
    b->cell_room = room;
    return true;
}

static void cells_put(struct work *w, struct record *r, size_t raw_at)
{
    struct block_builder *b = w->b;
    struct cell *cell = b->cells + b->cell_count;
    const char *raw = b->raw.p + raw_at;
    size_t glued = 0;
    r->cells = (uint32_t)b->cell_count;
    if (w->whole) {
        *cell++ = (struct cell){(uint32_t)raw_at, (uint32_t)w->raw.n, text_head(w->raw)};
    } else {
        for (size_t i = 0; i < b->cut->slot_count; i++) {
            const struct cut_slot *slot = &b->cut->slots[i];
            *cell++ = (struct cell){(uint32_t)raw_at + slot->at, slot->n, text_head_padded(raw + slot->at, slot->n)};
            if (slot->glued && slot->at >= glued) /* else with the one before */
                glued = glued_words(w, slot);
        }
    }
    if (w->more_count)
        memcpy(cell, w->more, w->more_count * sizeof *cell);
    b->cell_count += w->slots;
}

static bool is_full(const struct block_builder *b, struct str raw)
{
    return b->count == BLOCK_RECORDS_MAX || (b->count && b->raw.n + raw.n > BLOCK_RAW_MAX) ||
           b->cell_count + FORM_SLOTS_MAX > CELLS_MAX || b->state_count + FORM_SLOTS_MAX > STATES_MAX ||
           b->extra.n > EXTRA_LIMIT / 2 || b->forms.text.n > TEXTS_LIMIT / 2 || b->values.text.n > TEXTS_LIMIT / 2;
}

static bool keep_record(struct work *w, struct record *r)
{
    struct block_builder *b = w->b;
    size_t raw_at = b->raw.n;
    char *raw = buf_reserve(&b->raw, w->raw.n + CUT_PADDING);
    if (!raw)
        return false;
    if (w->raw.n)
        memcpy(raw, w->raw.p, w->raw.n);
    raw[w->raw.n] = 0; /* where it is looked behind its end */
    buf_grew(&b->raw, w->raw.n);
    arena_reset(b->scratch);
    if (!w->whole) {
        cut_begin(b->cut, str_at(raw, w->raw.n));
        if (b->cut->has_backslash) /* values_find goes by them */
            cut_look(b->cut);
    }
    values_find(w);
    if (!form_use(w, r) || !cells_room(b, w->slots))
        return false;
    cells_put(w, r, raw_at);
    return !b->extra.overflow;
}

enum rc block_builder_add(struct block_builder *builder, const struct leaf *leaf, struct str raw,
                          const struct event *event, const struct str *rules, size_t rule_count)
{
    struct block_builder *b = builder;
    if (raw.n != leaf->raw_length || raw.n > RECORD_RAW_MAX || rule_count > EVENT_FIELDS_MAX)
        return RC_INVALID;
    if (b->count && leaf->index <= b->records[b->count - 1].index)
        return RC_INVALID;
    if (is_full(b, raw))
        return RC_LIMIT;
    if (b->plain == BLOCK_PLAIN_ALONE)
        event = NULL;
    struct record *r = &b->records[b->count];
    *r = (struct record){.index = leaf->index,
                         .received_ns = leaf->received_ns,
                         .received_boot_ns = leaf->received_boot_ns,
                         .source_ns = leaf->source_ns,
                         .sequence = leaf->sequence,
                         .time_ns = event ? event->time_ns : leaf->received_ns};
    struct work *w = b->work;
    w->b = b;
    w->raw = raw;
    w->event = event;
    w->whole = b->plain != BLOCK_PLAIN_NOT || raw.n > CUT_RAW_MAX;
    w->literal_at = 0;
    if (!keep_leaf(b, r, leaf) || !keep_rules(b, r, rules, rule_count) || !keep_record(w, r))
        return RC_IO; /* no memory for a bounded thing: the process is as good as dead */
    b->count++;
    return RC_OK;
}

static bool builder_clear(struct block_builder *b)
{
    b->count = 0;
    b->cell_count = 0;
    b->use_count = 0;
    buf_clear(&b->raw);
    buf_clear(&b->extra);
    words_clear(&b->words);
    bool ok = shared_end_block(&b->forms, b->block, true) && shared_end_block(&b->values, b->block, false);
    b->block++;
    if (forms_many(b) || b->values.in_chain > VALUES_MANY || b->values.text.n > TEXTS_MANY)
        chain_begin(b);
    return ok && maps_new(b);
}

enum rc block_builder_finish(struct block_builder *builder, struct buf *out, struct err *err)
{
    struct block_builder *b = builder;
    if (!b->count)
        return err_set(err, RC_NOT_FOUND, "the block is empty");
    if ((b->sets_left && !sets_settle(b)) || !block_write(b, out))
        return err_set(err, RC_LIMIT, "a block of %zu records is too large, or there is no memory", b->count);
    return builder_clear(b) ? RC_OK : err_set(err, RC_LIMIT, "no memory for the next block");
}
