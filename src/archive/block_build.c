/* Building a block: records are gathered row by row; finishing writes them column by column.
 *
 * A value that lies inside the record's raw bytes is kept as a place in them (offset + 1), not as bytes: most fields of
 * most formats do, so derived columns cost little more than their structure. */
#include "archive/columns.h"
#include "archive/pack.h"
#include "archive/words.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/map.h"

#include <string.h>

#define BYTES_LIMIT  ((size_t)48 << 20) /* of values that are not in raw */
#define FIELDS_LIMIT ((size_t)BLOCK_RECORDS_MAX * 64)
#define TEXTS_LIMIT  65536

#define IN_BYTES (UINT32_C(1) << 31)

struct value {
    uint32_t length;
    uint32_t where; /* offset in raw + 1, or IN_BYTES and where it stands in `bytes` */
};

struct record {
    struct leaf leaf;
    int64_t time_ns;
    uint32_t origin;
    uint32_t way;
    uint32_t parser; /* text + 1 */
    uint32_t flags;
    uint32_t shape;
    uint32_t field_first;
    uint32_t field_count;
    uint32_t rule_first;
    uint32_t rule_count;
};

struct block_builder {
    const struct names *names;
    struct packer *packer;
    struct words words;
    struct record *records;
    size_t count;
    struct value *statutory; /* key after key, BLOCK_RECORDS_MAX each */
    struct value *values;
    size_t value_count;
    size_t value_room;
    struct buf raw;
    struct buf bytes;
    struct buf rules; /* be32 text each */
    struct buf scratch;
    struct buf lengths; /* of columns while they are written */
    struct buf places;
    struct buf column;
    struct map *texts;
    struct map *origins;
    struct map *ways;
    struct map *shapes;
    uint32_t *text_of_name; /* name id -> text + 1 */
    uint32_t name_room;
};

static bool maps_new(struct block_builder *b)
{
    map_free(b->texts);
    map_free(b->origins);
    map_free(b->ways);
    map_free(b->shapes);
    b->texts = map_new(TEXTS_LIMIT, b->words.key[0]);
    b->origins = map_new(BLOCK_RECORDS_MAX, b->words.key[1]);
    b->ways = map_new(BLOCK_RECORDS_MAX, b->words.key[0]);
    b->shapes = map_new(BLOCK_RECORDS_MAX, b->words.key[1]);
    if (b->text_of_name)
        memset(b->text_of_name, 0, b->name_room * sizeof *b->text_of_name);
    return b->texts && b->origins && b->ways && b->shapes;
}

struct block_builder *block_builder_new(const struct names *names, const uint64_t key[2])
{
    struct block_builder *b = memory_new(sizeof *b);
    if (!b)
        return NULL;
    b->names = names;
    words_init(&b->words, key);
    b->packer = packer_new();
    b->records = memory_new(BLOCK_RECORDS_MAX * sizeof *b->records);
    b->statutory = memory_new((size_t)BLOCK_RECORDS_MAX * STATUTORY_COUNT * sizeof *b->statutory);
    b->name_room = NAMES_MAX + 1;
    b->text_of_name = memory_new(b->name_room * sizeof *b->text_of_name);
    buf_init(&b->raw, BLOCK_RAW_MAX + RECORD_RAW_MAX);
    buf_init(&b->bytes, BYTES_LIMIT);
    buf_init(&b->rules, BYTES_LIMIT);
    buf_init(&b->scratch, BYTES_LIMIT);
    buf_init(&b->lengths, BLOCK_PLAIN_MAX);
    buf_init(&b->places, BLOCK_PLAIN_MAX);
    buf_init(&b->column, BLOCK_PLAIN_MAX);
    if (!b->packer || !b->records || !b->statutory || !b->text_of_name || !maps_new(b)) {
        block_builder_free(b);
        return NULL;
    }
    return b;
}

void block_builder_free(struct block_builder *builder)
{
    if (!builder)
        return;
    packer_free(builder->packer);
    words_done(&builder->words);
    memory_free(builder->records);
    memory_free(builder->statutory);
    memory_free(builder->values);
    memory_free(builder->text_of_name);
    buf_done(&builder->raw);
    buf_done(&builder->bytes);
    buf_done(&builder->rules);
    buf_done(&builder->scratch);
    buf_done(&builder->lengths);
    buf_done(&builder->places);
    buf_done(&builder->column);
    map_free(builder->texts);
    map_free(builder->origins);
    map_free(builder->ways);
    map_free(builder->shapes);
    memory_free(builder);
}

size_t block_builder_count(const struct block_builder *builder)
{
    return builder->count;
}

uint64_t block_builder_first(const struct block_builder *builder)
{
    return builder->count ? builder->records[0].leaf.index : 0;
}

/* Position of the key among the map's keys, in order of arrival; UINT32_MAX without room. */
static uint32_t distinct(struct map *map, struct str key)
{
    const uint64_t *found = map_get(map, key);
    if (found)
        return (uint32_t)*found;
    uint32_t position = (uint32_t)map_count(map);
    uint64_t *value = map_put(map, key);
    if (!value)
        return UINT32_MAX;
    *value = position;
    return position;
}

static uint32_t name_text(struct block_builder *b, uint32_t name)
{
    if (name < b->name_room && b->text_of_name[name])
        return b->text_of_name[name] - 1;
    uint32_t text = distinct(b->texts, names_text(b->names, name));
    if (name < b->name_room && text != UINT32_MAX)
        b->text_of_name[name] = text + 1;
    return text;
}

/* Words of a value that is cut out of raw at word borders are those of raw. */
static bool at_borders(struct str raw, size_t from, size_t to)
{
    return (from == 0 || !word_char(raw.p[from]) || !word_char(raw.p[from - 1])) &&
           (to == raw.n || to == 0 || !word_char(raw.p[to]) || !word_char(raw.p[to - 1]));
}

static void value_keep(struct block_builder *b, struct str text, struct str raw, struct value *ret_value)
{
    *ret_value = (struct value){.length = (uint32_t)text.n};
    if (!text.n)
        return;
    uintptr_t begin = (uintptr_t)raw.p;
    uintptr_t at = (uintptr_t)text.p;
    if (raw.n && at >= begin && at - begin <= raw.n && text.n <= raw.n - (at - begin)) {
        size_t from = at - begin;
        ret_value->where = (uint32_t)from + 1;
        if (!at_borders(raw, from, from + text.n))
            words_add_text(&b->words, text);
        return;
    }
    ret_value->where = IN_BYTES | (uint32_t)b->bytes.n;
    buf_put(&b->bytes, text.p, text.n);
    words_add_text(&b->words, text);
}

static bool values_reserve(struct block_builder *b, size_t more)
{
    if (b->value_count + more <= b->value_room)
        return true;
    size_t room = MAX(b->value_room * 2, b->value_count + more + 4096);
    struct value *values = memory_resize(b->values, room * sizeof *values);
    if (!values)
        return false;
    b->values = values;
    b->value_room = room;
    return true;
}

static bool keep_event(struct block_builder *b, struct record *r, struct str raw, const struct event *event)
{
    if (event->parser)
        r->parser = distinct(b->texts, str_of(event->parser)) + 1;
    r->flags = event->flags;
    r->time_ns = event->time_ns;
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        value_keep(b, event->statutory[i], raw, &b->statutory[i * BLOCK_RECORDS_MAX + b->count]);
    uint32_t count = MIN(event->field_count, (uint32_t)EVENT_FIELDS_MAX);
    if (!values_reserve(b, count))
        return false;
    buf_clear(&b->scratch);
    r->field_first = (uint32_t)b->value_count;
    r->field_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct event_field *field = &event->fields[i];
        uint32_t text = name_text(b, field->name);
        if (text == UINT32_MAX)
            return false;
        buf_varint(&b->scratch, text);
        buf_varint(&b->scratch, field->type);
        value_keep(b, field->value, raw, &b->values[b->value_count++]);
    }
    r->shape = distinct(b->shapes, buf_view(&b->scratch));
    return r->shape != UINT32_MAX;
}

static void keep_nothing(struct block_builder *b, struct record *r)
{
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        b->statutory[i * BLOCK_RECORDS_MAX + b->count] = (struct value){0, 0};
    r->shape = distinct(b->shapes, STR(""));
}

static bool keep_leaf(struct block_builder *b, struct record *r)
{
    char key[24];
    memcpy(key, r->leaf.source, 16);
    put_be64(key + 16, r->leaf.epoch);
    r->origin = distinct(b->origins, str_at(key, 24));
    put_be16(key, (uint16_t)r->leaf.type);
    put_be16(key + 2, r->leaf.transport);
    put_be32(key + 4, r->leaf.clock_error_us);
    r->way = distinct(b->ways, str_at(key, 8));
    return r->origin != UINT32_MAX && r->way != UINT32_MAX;
}

static bool keep_rules(struct block_builder *b, struct record *r, const struct str *rules, size_t rule_count)
{
    r->rule_first = (uint32_t)(b->rules.n / 4);
    r->rule_count = (uint32_t)rule_count;
    for (size_t i = 0; i < rule_count; i++) {
        uint32_t text = distinct(b->texts, rules[i]);
        if (text == UINT32_MAX)
            return false;
        buf_be32(&b->rules, text);
        words_add_text(&b->words, rules[i]);
    }
    return true;
}

static bool is_full(const struct block_builder *b, struct str raw)
{
    return b->count == BLOCK_RECORDS_MAX || (b->count && b->raw.n + raw.n > BLOCK_RAW_MAX) ||
           b->value_count + EVENT_FIELDS_MAX > FIELDS_LIMIT || b->bytes.n > BYTES_LIMIT / 2 ||
           map_count(b->texts) > TEXTS_LIMIT - 2 * EVENT_FIELDS_MAX;
}

enum rc block_builder_add(struct block_builder *builder, const struct leaf *leaf, struct str raw,
                          const struct event *event, const struct str *rules, size_t rule_count)
{
    struct block_builder *b = builder;
    if (raw.n != leaf->raw_length || raw.n > RECORD_RAW_MAX || rule_count > EVENT_FIELDS_MAX)
        return RC_INVALID;
    if (b->count && leaf->index <= b->records[b->count - 1].leaf.index)
        return RC_INVALID;
    if (is_full(b, raw))
        return RC_LIMIT;
    struct record *r = &b->records[b->count];
    *r = (struct record){.leaf = *leaf, .time_ns = leaf->received_ns};
    buf_put(&b->raw, raw.p, raw.n);
    words_add_text(&b->words, raw);
    bool kept = keep_leaf(b, r) && keep_rules(b, r, rules, rule_count);
    if (kept && event)
        kept = keep_event(b, r, raw, event);
    else if (kept)
        keep_nothing(b, r);
    if (!kept || b->raw.overflow || b->bytes.overflow || b->rules.overflow || b->scratch.overflow)
        return RC_IO; /* no memory for a bounded thing: the process is as good as dead */
    b->count++;
    return RC_OK;
}

/* ---- columns out ---- */

struct writer {
    struct block_builder *b;
    struct buf *out;
    struct buf *column; /* the one that is being filled */
    size_t directory;   /* where the directory's next entry stands in out */
    bool overflow;
};

static void column_put(struct writer *w, struct str plain, enum column id)
{
    size_t start = w->out->n;
    bool text = id == COLUMN_RAW || id == COLUMN_STATUTORY_BYTES || id == COLUMN_FIELD_BYTES;
    pack(w->b->packer, plain, text ? PACK_TEXT : PACK_NUMBERS, w->out);
    if (!w->out->overflow) {
        char *entry = w->out->p + w->directory;
        put_be16(entry, (uint16_t)id);
        put_be32(entry + 2, (uint32_t)(w->out->n - start));
    }
    w->directory += 6;
}

static void column_end(struct writer *w, enum column id)
{
    column_put(w, buf_view(w->column), id);
    w->overflow = w->overflow || w->column->overflow;
    buf_clear(w->column);
}

static void write_leaf_columns(struct writer *w)
{
    const struct record *records = w->b->records;
    size_t count = w->b->count;
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        buf_varint(w->column, records[i].leaf.index - number);
        number = records[i].leaf.index;
    }
    column_end(w, COLUMN_NUMBER);
    uint64_t received = 0;
    for (size_t i = 0; i < count; i++) {
        buf_svarint(w->column, (int64_t)((uint64_t)records[i].leaf.received_ns - received));
        received = (uint64_t)records[i].leaf.received_ns;
    }
    column_end(w, COLUMN_RECEIVED);
    uint64_t behind = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t now = records[i].leaf.received_boot_ns - (uint64_t)records[i].leaf.received_ns;
        buf_svarint(w->column, (int64_t)(now - behind));
        behind = now;
    }
    column_end(w, COLUMN_BOOT);
    for (size_t i = 0; i < count; i++)
        buf_varint(w->column, records[i].origin);
    column_end(w, COLUMN_ORIGIN);
    for (size_t i = 0; i < count; i++) {
        uint64_t time = (uint64_t)records[i].leaf.source_ns;
        buf_u8(w->column, time != 0);
        if (time)
            buf_svarint(w->column, (int64_t)(time - (uint64_t)records[i].leaf.received_ns));
    }
    column_end(w, COLUMN_SOURCE_TIME);
    for (size_t i = 0; i < count; i++)
        buf_varint(w->column, records[i].way);
    column_end(w, COLUMN_WAY);
    for (size_t i = 0; i < count; i++)
        buf_varint(w->column, records[i].leaf.raw_length);
    column_end(w, COLUMN_RAW_LENGTH);
    for (size_t i = 0; i < count; i++)
        buf_svarint(w->column, (int64_t)((uint64_t)records[i].time_ns - (uint64_t)records[i].leaf.received_ns));
    column_end(w, COLUMN_TIME);
    for (size_t i = 0; i < count; i++) {
        buf_varint(w->column, records[i].parser);
        buf_varint(w->column, records[i].flags);
    }
    column_end(w, COLUMN_PARSER);
    for (size_t i = 0; i < count; i++)
        buf_varint(w->column, records[i].shape);
    column_end(w, COLUMN_SHAPE);
}

static void write_map(struct writer *w, const struct map *map, bool lengths, enum column id)
{
    struct str key;
    uint64_t value;
    buf_varint(w->column, map_end(map));
    for (size_t i = 0; i < map_end(map); i++) {
        ASSERT(map_at(map, i, &key, &value) && value == i);
        if (lengths)
            buf_varint(w->column, key.n);
        buf_put(w->column, key.p, key.n);
    }
    column_end(w, id);
}

static bool write_sequences(struct writer *w)
{
    size_t origins = map_count(w->b->origins);
    uint64_t *last = memory_new(origins * sizeof *last);
    if (!last)
        return false;
    for (size_t i = 0; i < w->b->count; i++) {
        const struct record *r = &w->b->records[i];
        buf_svarint(w->column, (int64_t)(r->leaf.sequence - last[r->origin]));
        last[r->origin] = r->leaf.sequence;
    }
    memory_free(last);
    column_end(w, COLUMN_SEQUENCE);
    return true;
}

static void write_rules(struct writer *w)
{
    for (size_t i = 0; i < w->b->count; i++) {
        const struct record *r = &w->b->records[i];
        buf_varint(w->column, r->rule_count);
        for (uint32_t k = 0; k < r->rule_count; k++)
            buf_varint(w->column, get_be32(w->b->rules.p + 4 * (size_t)(r->rule_first + k)));
    }
    column_end(w, COLUMN_RULES);
}

/* The three columns of values, filled value by value in their order on disk. */
struct value_columns {
    struct block_builder *b;
    char *length;
    char *place;
    char *byte;
};

#define VARINT32_MAX 5

static inline char *put_varint32(char *p, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        *p++ = (char)(value | 0x80);
    *p++ = (char)value;
    return p;
}

static inline void value_put(struct value_columns *c, const struct value *value)
{
    if (value->length < 0x80)
        *c->length++ = (char)value->length;
    else
        c->length = put_varint32(c->length, value->length);
    if (!value->length)
        return;
    if (value->where & IN_BYTES) {
        *c->place++ = 0;
        memcpy(c->byte, c->b->bytes.p + (value->where & ~IN_BYTES), value->length);
        c->byte += value->length;
    } else {
        c->place = put_varint32(c->place, value->where);
    }
}

/* Room for the worst case, so that value_put need not look. */
static bool values_begin(struct writer *w, size_t count, struct value_columns *ret_columns)
{
    struct block_builder *b = w->b;
    *ret_columns = (struct value_columns){.b = b};
    ret_columns->length = buf_reserve(&b->lengths, count * VARINT32_MAX + 1);
    ret_columns->place = buf_reserve(&b->places, count * VARINT32_MAX + 1);
    ret_columns->byte = buf_reserve(&b->column, b->bytes.n + 1);
    return ret_columns->length && ret_columns->place && ret_columns->byte;
}

static void values_end(struct writer *w, const struct value_columns *columns, enum column length_column)
{
    const struct block_builder *b = w->b;
    column_put(w, str_at(b->lengths.p, (size_t)(columns->length - b->lengths.p)), length_column);
    column_put(w, str_at(b->places.p, (size_t)(columns->place - b->places.p)), length_column + 1);
    column_put(w, str_at(b->column.p, (size_t)(columns->byte - b->column.p)), length_column + 2);
}

static bool write_statutory(struct writer *w)
{
    struct value_columns columns;
    const struct block_builder *b = w->b;
    if (!values_begin(w, b->count * STATUTORY_COUNT, &columns))
        return false;
    for (size_t key = 0; key < STATUTORY_COUNT; key++)
        for (size_t i = 0; i < b->count; i++)
            value_put(&columns, &b->statutory[key * BLOCK_RECORDS_MAX + i]);
    values_end(w, &columns, COLUMN_STATUTORY_LENGTH);
    return true;
}

/* `first` has the first value of each record, records ordered by shape; `ends` where each shape's records end in it. */
static bool write_ordered(struct writer *w, const uint32_t *first, const uint32_t *ends, const uint32_t *slots)
{
    struct value_columns columns;
    const struct block_builder *b = w->b;
    if (!values_begin(w, b->value_count, &columns))
        return false;
    uint32_t begin = 0;
    for (size_t shape = 0; shape < map_count(b->shapes); shape++) {
        for (uint32_t slot = 0; slot < slots[shape]; slot++)
            for (uint32_t i = begin; i < ends[shape]; i++)
                value_put(&columns, &b->values[first[i] + slot]);
        begin = ends[shape];
    }
    values_end(w, &columns, COLUMN_FIELD_LENGTH);
    return true;
}

/* Records ordered by shape, stable: counting sort. */
static bool write_fields(struct writer *w)
{
    const struct block_builder *b = w->b;
    size_t shapes = map_count(b->shapes);
    uint32_t *ends = memory_new((shapes + 1) * sizeof *ends);
    uint32_t *slots = memory_new(shapes * sizeof *slots);
    uint32_t *first = memory_new(b->count * sizeof *first);
    bool ok = ends && slots && first;
    if (ok) {
        for (size_t i = 0; i < b->count; i++)
            ends[b->records[i].shape + 1]++;
        for (size_t i = 0; i < shapes; i++)
            ends[i + 1] += ends[i];
        for (size_t i = 0; i < b->count; i++) {
            const struct record *r = &b->records[i];
            first[ends[r->shape]++] = r->field_first;
            slots[r->shape] = r->field_count;
        }
        ok = write_ordered(w, first, ends, slots);
    }
    memory_free(ends);
    memory_free(slots);
    memory_free(first);
    return ok;
}

static void write_header(const struct block_builder *b, struct buf *out, size_t start, size_t filter)
{
    int64_t bounds[4] = {INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < b->count; i++) {
        int64_t received = b->records[i].leaf.received_ns;
        int64_t time = b->records[i].time_ns;
        bounds[0] = MIN(bounds[0], received);
        bounds[1] = MAX(bounds[1], received);
        bounds[2] = MIN(bounds[2], time);
        bounds[3] = MAX(bounds[3], time);
    }
    char *block = out->p + start;
    size_t size = out->n - start;
    struct buf header;
    memset(block, 0, BLOCK_HEADER);
    buf_init_fixed(&header, block, BLOCK_HEADER);
    buf_be32(&header, BLOCK_MAGIC);
    buf_be16(&header, BLOCK_VERSION);
    buf_be16(&header, COLUMN_COUNT - 1);
    buf_be32(&header, (uint32_t)size);
    buf_be32(&header, (uint32_t)b->count);
    buf_be64(&header, b->raw.n);
    buf_be64(&header, b->records[0].leaf.index);
    buf_be64(&header, b->records[b->count - 1].leaf.index);
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
        buf_be64(&header, (uint64_t)bounds[i]);
    buf_be64(&header, b->words.key[0]);
    buf_be64(&header, b->words.key[1]);
    buf_be32(&header, (uint32_t)(filter - start));
    buf_be32(&header, (uint32_t)(out->n - filter));
    ASSERT(!header.overflow && header.n <= BLOCK_HEADER - 8);
    put_be32(block + BLOCK_HEADER - 8, crc32c(0, block + BLOCK_HEADER, size - BLOCK_HEADER));
    put_be32(block + BLOCK_HEADER - 4, crc32c(0, block, BLOCK_HEADER - 4));
}

static void builder_clear(struct block_builder *b)
{
    b->count = 0;
    b->value_count = 0;
    buf_clear(&b->raw);
    buf_clear(&b->bytes);
    buf_clear(&b->rules);
    words_clear(&b->words);
}

enum rc block_builder_finish(struct block_builder *builder, struct buf *out, struct err *err)
{
    struct block_builder *b = builder;
    if (!b->count)
        return err_set(err, RC_NOT_FOUND, "the block is empty");
    size_t start = out->n;
    struct writer w = {.b = b, .out = out, .column = &b->column, .directory = start + BLOCK_HEADER};
    if (buf_reserve(out, BLOCK_HEADER + (COLUMN_COUNT - 1) * 6))
        buf_grew(out, BLOCK_HEADER + (COLUMN_COUNT - 1) * 6);
    write_leaf_columns(&w);
    write_map(&w, b->origins, false, COLUMN_ORIGINS);
    write_map(&w, b->ways, false, COLUMN_WAYS);
    write_map(&w, b->texts, true, COLUMN_TEXTS);
    write_map(&w, b->shapes, true, COLUMN_SHAPES);
    bool ok = write_sequences(&w);
    write_rules(&w);
    column_put(&w, buf_view(&b->raw), COLUMN_RAW);
    ok = ok && write_statutory(&w) && write_fields(&w);
    size_t filter = out->n;
    words_filter(&b->words, out);
    ok = ok && !out->overflow && !w.overflow && out->n - start <= BLOCK_SIZE_MAX;
    if (!ok)
        return err_set(err, RC_LIMIT, "a block of %zu records is too large, or there is no memory", b->count);
    write_header(b, out, start, filter);
    builder_clear(b);
    return maps_new(b) ? RC_OK : err_set(err, RC_LIMIT, "no memory for the next block");
}
