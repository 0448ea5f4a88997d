/* Reading a block. The bytes are believed in nothing: every count, length, place and position is checked while the
 * columns are decoded, so that the getters need no check. */
#include "archive/block_values.h"
#include "archive/columns.h"
#include "archive/pack.h"
#include "base/assert.h"

#include <string.h>

#define ARENA_FIRST ((size_t)16 << 20) /* enough for most blocks */

struct origin {
    uint8_t source[16];
    uint64_t epoch;
};

struct way {
    uint16_t type;
    uint16_t transport;
    uint32_t clock_error_us;
};

struct row {
    struct leaf leaf;
    uint32_t raw_at;
    uint32_t parser; /* text + 1 */
    uint32_t flags;
    int64_t time_ns;
    uint32_t shape;
    uint32_t field_first;
    uint32_t rule_first;
    uint32_t rule_count;
};

struct slot {
    uint32_t name; /* id in names */
    uint32_t type;
};

struct shape {
    struct slot *slots;
    uint32_t count;
};

struct value {
    const char *p;
    uint32_t n;
};

struct block {
    struct block_info info;
    struct row *rows;
    struct str raw;
    uint32_t *raw_at; /* count + 1 */
    const struct names *names;
    struct str *texts;
    uint32_t text_count;
    struct shape *shapes;
    uint32_t shape_count;
    struct value *statutory; /* key by key */
    struct value *fields;    /* record by record, field_first */
    uint32_t *rules;
    bool events;
};

struct decoder {
    struct block *block;
    struct arena *arena;
    struct names *names;
    struct str column[COLUMN_COUNT];
    size_t plain_left;
    struct err *err;
};

static enum rc damaged(struct err *err, const char *what)
{
    return err_set(err, RC_CORRUPT, "a block is damaged: %s", what);
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory to decode a block");
}

enum rc block_info_read(struct str bytes, struct block_info *ret_info, struct err *err)
{
    struct reader in = reader_of(str_slice(bytes, 0, BLOCK_HEADER));
    uint32_t magic = read_be32(&in);
    uint16_t version = read_be16(&in);
    read_be16(&in);
    struct block_info info = {0};
    info.size = read_be32(&in);
    info.count = read_be32(&in);
    info.raw_bytes = read_be64(&in);
    info.first = read_be64(&in);
    info.last = read_be64(&in);
    info.received_min_ns = (int64_t)read_be64(&in);
    info.received_max_ns = (int64_t)read_be64(&in);
    info.time_min_ns = (int64_t)read_be64(&in);
    info.time_max_ns = (int64_t)read_be64(&in);
    info.key[0] = read_be64(&in);
    info.key[1] = read_be64(&in);
    info.filter_offset = read_be32(&in);
    info.filter_size = read_be32(&in);
    if (in.failed || bytes.n < BLOCK_HEADER || magic != BLOCK_MAGIC)
        return damaged(err, "it has no header");
    if (get_be32(bytes.p + BLOCK_HEADER - 4) != crc32c(0, bytes.p, BLOCK_HEADER - 4))
        return damaged(err, "its header's crc is wrong");
    if (version != BLOCK_VERSION)
        return err_set(err, RC_INVALID, "a block needs a newer program (version %u)", version);
    if (info.size < BLOCK_HEADER || info.size > BLOCK_SIZE_MAX || info.count == 0 || info.count > BLOCK_RECORDS_MAX ||
        info.last < info.first || info.last - info.first < info.count - 1 ||
        info.raw_bytes > BLOCK_RAW_MAX + RECORD_RAW_MAX || info.filter_offset > info.size ||
        info.filter_size > info.size - info.filter_offset)
        return damaged(err, "its header contradicts itself");
    *ret_info = info;
    return RC_OK;
}

/* The plain bytes of a column; empty when the block has it not. */
static enum rc column(struct decoder *d, enum column id, struct reader *ret_reader)
{
    struct str plain = STR_NONE;
    if (d->column[id].n) {
        enum rc rc = unpack(d->column[id], d->plain_left, d->arena, &plain, d->err);
        if (rc != RC_OK)
            return rc;
        d->plain_left -= plain.n;
    }
    *ret_reader = reader_of(plain);
    return RC_OK;
}

static enum rc read_directory(struct decoder *d, struct str bytes)
{
    struct reader in = reader_of(bytes);
    in.at = 6;
    uint16_t columns = read_be16(&in);
    in.at = BLOCK_HEADER;
    size_t at = BLOCK_HEADER + (size_t)columns * 6;
    for (uint16_t i = 0; i < columns; i++) {
        uint16_t id = read_be16(&in);
        uint32_t size = read_be32(&in);
        if (in.failed || at > bytes.n || size > bytes.n - at)
            return damaged(d->err, "its directory does not fit");
        if (id < COLUMN_COUNT)
            d->column[id] = str_slice(bytes, at, at + size);
        at += size;
    }
    return at <= d->block->info.filter_offset ? RC_OK : damaged(d->err, "its directory does not fit");
}

static enum rc read_numbers(struct decoder *d)
{
    struct block *b = d->block;
    struct reader in;
    enum rc rc = column(d, COLUMN_NUMBER, &in);
    if (rc != RC_OK)
        return rc;
    uint64_t number = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t step = read_varint(&in);
        if (in.failed || (i && step == 0) || step > UINT64_MAX - number)
            return damaged(d->err, "record numbers");
        number += step;
        b->rows[i].leaf.index = number;
    }
    if (!reader_done(&in) || b->rows[0].leaf.index != b->info.first || number != b->info.last)
        return damaged(d->err, "record numbers");
    return RC_OK;
}

static enum rc read_times(struct decoder *d)
{
    struct block *b = d->block;
    struct reader received;
    struct reader boot;
    struct reader source;
    struct reader time;
    enum rc rc = column(d, COLUMN_RECEIVED, &received);
    rc = rc == RC_OK ? column(d, COLUMN_BOOT, &boot) : rc;
    rc = rc == RC_OK ? column(d, COLUMN_SOURCE_TIME, &source) : rc;
    rc = rc == RC_OK ? column(d, COLUMN_TIME, &time) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t now = 0;
    uint64_t behind = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        struct row *row = &b->rows[i];
        now += (uint64_t)read_svarint(&received);
        behind += (uint64_t)read_svarint(&boot);
        row->leaf.received_ns = (int64_t)now;
        row->leaf.received_boot_ns = behind + now;
        if (read_u8(&source))
            row->leaf.source_ns = (int64_t)((uint64_t)read_svarint(&source) + now);
        row->time_ns = (int64_t)((uint64_t)read_svarint(&time) + now);
    }
    return reader_done(&received) && reader_done(&boot) && reader_done(&source) && reader_done(&time)
               ? RC_OK
               : damaged(d->err, "times");
}

static enum rc read_origins(struct decoder *d)
{
    struct block *b = d->block;
    struct reader list;
    struct reader which;
    struct reader sequence;
    enum rc rc = column(d, COLUMN_ORIGINS, &list);
    rc = rc == RC_OK ? column(d, COLUMN_ORIGIN, &which) : rc;
    rc = rc == RC_OK ? column(d, COLUMN_SEQUENCE, &sequence) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&list);
    if (list.failed || count == 0 || count > b->info.count || reader_left(&list) != count * 24)
        return damaged(d->err, "origins");
    struct origin *origins = arena_alloc_array(d->arena, (size_t)count, sizeof *origins);
    uint64_t *last = arena_alloc_array(d->arena, (size_t)count, sizeof *last);
    if (!origins || !last)
        return no_memory(d->err);
    for (uint64_t i = 0; i < count; i++) {
        read_copy(&list, origins[i].source, sizeof origins[i].source);
        origins[i].epoch = read_be64(&list);
    }
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t origin = read_varint(&which);
        if (which.failed || origin >= count)
            return damaged(d->err, "origins");
        struct leaf *leaf = &b->rows[i].leaf;
        memcpy(leaf->source, origins[origin].source, sizeof leaf->source);
        leaf->epoch = origins[origin].epoch;
        last[origin] += (uint64_t)read_svarint(&sequence);
        leaf->sequence = last[origin];
    }
    return reader_done(&which) && reader_done(&sequence) ? RC_OK : damaged(d->err, "origins");
}

static enum rc read_ways(struct decoder *d)
{
    struct block *b = d->block;
    struct reader list;
    struct reader which;
    enum rc rc = column(d, COLUMN_WAYS, &list);
    rc = rc == RC_OK ? column(d, COLUMN_WAY, &which) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&list);
    if (list.failed || count == 0 || count > b->info.count || reader_left(&list) != count * 8)
        return damaged(d->err, "ways");
    struct way *ways = arena_alloc_array(d->arena, (size_t)count, sizeof *ways);
    if (!ways)
        return no_memory(d->err);
    for (uint64_t i = 0; i < count; i++) {
        ways[i].type = read_be16(&list);
        ways[i].transport = read_be16(&list);
        ways[i].clock_error_us = read_be32(&list);
        if (ways[i].type < LEAF_RAW || ways[i].type > LEAF_KEY_CHANGE)
            return damaged(d->err, "record types");
    }
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t way = read_varint(&which);
        if (which.failed || way >= count)
            return damaged(d->err, "ways");
        struct leaf *leaf = &b->rows[i].leaf;
        leaf->type = (enum leaf_type)ways[way].type;
        leaf->transport = ways[way].transport;
        leaf->clock_error_us = ways[way].clock_error_us;
    }
    return reader_done(&which) ? RC_OK : damaged(d->err, "ways");
}

static enum rc read_raw(struct decoder *d)
{
    struct block *b = d->block;
    struct reader lengths;
    struct reader raw;
    enum rc rc = column(d, COLUMN_RAW_LENGTH, &lengths);
    rc = rc == RC_OK ? column(d, COLUMN_RAW, &raw) : rc;
    if (rc != RC_OK)
        return rc;
    b->raw = raw.in;
    b->raw_at = arena_alloc_array(d->arena, (size_t)b->info.count + 1, sizeof *b->raw_at);
    if (!b->raw_at)
        return no_memory(d->err);
    uint64_t at = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t n = read_varint(&lengths);
        struct leaf *leaf = &b->rows[i].leaf;
        if (lengths.failed || n > RECORD_RAW_MAX || n > raw.in.n - at ||
            (n > LEAF_RAW_MAX && leaf->type != LEAF_DIGEST))
            return damaged(d->err, "raw bytes");
        leaf->raw_length = (uint32_t)n;
        b->rows[i].raw_at = (uint32_t)at;
        b->raw_at[i] = (uint32_t)at;
        at += n;
    }
    b->raw_at[b->info.count] = (uint32_t)at;
    return reader_done(&lengths) && at == raw.in.n && at == b->info.raw_bytes ? RC_OK : damaged(d->err, "raw bytes");
}

static enum rc read_texts(struct decoder *d)
{
    struct block *b = d->block;
    struct reader in;
    enum rc rc = column(d, COLUMN_TEXTS, &in);
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&in);
    if (in.failed || count > reader_left(&in))
        return damaged(d->err, "texts");
    b->texts = arena_alloc_array(d->arena, (size_t)count, sizeof *b->texts);
    if (!b->texts)
        return no_memory(d->err);
    b->text_count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t n = read_varint(&in);
        if (in.failed || n > reader_left(&in))
            return damaged(d->err, "texts");
        b->texts[i] = read_bytes(&in, (size_t)n);
    }
    return reader_done(&in) ? RC_OK : damaged(d->err, "texts");
}

static enum rc read_shape(struct decoder *d, struct reader *in, struct shape *shape)
{
    uint64_t n = read_varint(in);
    struct reader key = reader_of(n <= reader_left(in) ? read_bytes(in, (size_t)n) : STR_NONE);
    if (in->failed || n != key.in.n)
        return damaged(d->err, "shapes");
    size_t room = MIN((size_t)EVENT_FIELDS_MAX, key.in.n / 2);
    shape->slots = arena_alloc_array(d->arena, room, sizeof *shape->slots);
    if (!shape->slots)
        return no_memory(d->err);
    while (reader_left(&key) && shape->count < room) {
        uint64_t text = read_varint(&key);
        uint64_t type = read_varint(&key);
        if (key.failed || text >= d->block->text_count || type > EVENT_OBJECT)
            return damaged(d->err, "shapes");
        struct slot *slot = &shape->slots[shape->count++];
        slot->name = d->names ? names_put(d->names, d->block->texts[text]) : 0;
        slot->type = (uint32_t)type;
    }
    return reader_done(&key) ? RC_OK : damaged(d->err, "shapes");
}

static enum rc read_shapes(struct decoder *d, uint64_t *ret_fields)
{
    struct block *b = d->block;
    struct reader list;
    struct reader which;
    enum rc rc = column(d, COLUMN_SHAPES, &list);
    rc = rc == RC_OK ? column(d, COLUMN_SHAPE, &which) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&list);
    if (list.failed || count == 0 || count > b->info.count)
        return damaged(d->err, "shapes");
    b->shapes = arena_alloc_array(d->arena, (size_t)count, sizeof *b->shapes);
    if (!b->shapes)
        return no_memory(d->err);
    b->shape_count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++) {
        rc = read_shape(d, &list, &b->shapes[i]);
        if (rc != RC_OK)
            return rc;
    }
    *ret_fields = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t shape = read_varint(&which);
        if (which.failed || shape >= count)
            return damaged(d->err, "shapes");
        b->rows[i].shape = (uint32_t)shape;
        b->rows[i].field_first = (uint32_t)*ret_fields;
        *ret_fields += b->shapes[shape].count;
    }
    return reader_done(&list) && reader_done(&which) ? RC_OK : damaged(d->err, "shapes");
}

struct value_readers {
    struct reader lengths;
    struct reader places;
    struct reader bytes;
};

static enum rc value_columns(struct decoder *d, enum column first, struct value_readers *ret)
{
    enum rc rc = column(d, first, &ret->lengths);
    rc = rc == RC_OK ? column(d, first + 1, &ret->places) : rc;
    return rc == RC_OK ? column(d, first + 2, &ret->bytes) : rc;
}

/* Sticky: a failure shows in bytes.failed. */
static void read_value(struct value_readers *in, const struct block *b, const struct row *row, struct value *ret_value)
{
    uint64_t n = read_varint(&in->lengths);
    *ret_value = (struct value){NULL, 0};
    if (!n)
        return;
    uint64_t place = read_varint(&in->places);
    struct str from = STR_NONE;
    if (place) {
        if (place - 1 <= row->leaf.raw_length && n <= row->leaf.raw_length - (place - 1))
            from = str_at(b->raw.p + row->raw_at + (place - 1), (size_t)n);
        else
            in->bytes.failed = true;
    } else if (n <= reader_left(&in->bytes)) {
        from = read_bytes(&in->bytes, (size_t)n);
    } else {
        in->bytes.failed = true;
    }
    *ret_value = (struct value){from.p, (uint32_t)from.n};
}

static enum rc values_end(struct decoder *d, const struct value_readers *in)
{
    return reader_done(&in->lengths) && reader_done(&in->places) && reader_done(&in->bytes) ? RC_OK
                                                                                            : damaged(d->err, "values");
}

static enum rc read_statutory(struct decoder *d)
{
    struct block *b = d->block;
    struct value_readers in;
    enum rc rc = value_columns(d, COLUMN_STATUTORY_LENGTH, &in);
    if (rc != RC_OK)
        return rc;
    b->statutory = arena_alloc_array(d->arena, (size_t)b->info.count * STATUTORY_COUNT, sizeof *b->statutory);
    if (!b->statutory)
        return no_memory(d->err);
    for (uint32_t key = 0; key < STATUTORY_COUNT; key++)
        for (uint32_t i = 0; i < b->info.count; i++)
            read_value(&in, b, &b->rows[i], &b->statutory[key * b->info.count + i]);
    return values_end(d, &in);
}

static enum rc read_fields(struct decoder *d)
{
    struct block *b = d->block;
    uint64_t fields = 0;
    enum rc rc = read_shapes(d, &fields);
    struct value_readers in;
    rc = rc == RC_OK ? value_columns(d, COLUMN_FIELD_LENGTH, &in) : rc;
    if (rc != RC_OK)
        return rc;
    if (fields > in.lengths.in.n)
        return damaged(d->err, "fields");
    b->fields = arena_alloc_array(d->arena, (size_t)fields, sizeof *b->fields);
    uint32_t *starts = arena_alloc_array(d->arena, (size_t)b->shape_count + 2, sizeof *starts);
    uint32_t *order = arena_alloc_array(d->arena, b->info.count, sizeof *order);
    if (!b->fields || !starts || !order)
        return no_memory(d->err);
    for (uint32_t i = 0; i < b->info.count; i++)
        starts[b->rows[i].shape + 2]++;
    for (uint32_t i = 0; i < b->shape_count; i++)
        starts[i + 2] += starts[i + 1];
    for (uint32_t i = 0; i < b->info.count; i++)
        order[starts[b->rows[i].shape + 1]++] = i;
    /* Shapes come in the order of their first record, which is how the writer met them. */
    for (uint32_t s = 0; s < b->shape_count; s++)
        for (uint32_t k = 0; k < b->shapes[s].count; k++)
            for (uint32_t i = starts[s]; i < starts[s + 1]; i++) {
                const struct row *row = &b->rows[order[i]];
                read_value(&in, b, row, &b->fields[row->field_first + k]);
            }
    return values_end(d, &in);
}

static enum rc read_rules(struct decoder *d)
{
    struct block *b = d->block;
    struct reader in;
    enum rc rc = column(d, COLUMN_RULES, &in);
    if (rc != RC_OK)
        return rc;
    b->rules = arena_alloc_array(d->arena, in.in.n, sizeof *b->rules);
    if (!b->rules)
        return no_memory(d->err);
    uint32_t at = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t count = read_varint(&in);
        if (in.failed || count > reader_left(&in))
            return damaged(d->err, "rules");
        b->rows[i].rule_first = at;
        b->rows[i].rule_count = (uint32_t)count;
        for (uint64_t k = 0; k < count; k++) {
            uint64_t text = read_varint(&in);
            if (in.failed || text >= b->text_count)
                return damaged(d->err, "rules");
            b->rules[at++] = (uint32_t)text;
        }
    }
    return reader_done(&in) ? RC_OK : damaged(d->err, "rules");
}

static enum rc read_parsers(struct decoder *d)
{
    struct block *b = d->block;
    struct reader in;
    enum rc rc = column(d, COLUMN_PARSER, &in);
    if (rc != RC_OK)
        return rc;
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t parser = read_varint(&in);
        uint64_t flags = read_varint(&in);
        if (in.failed || parser > b->text_count || flags > UINT32_MAX)
            return damaged(d->err, "parsers");
        b->rows[i].parser = (uint32_t)parser;
        b->rows[i].flags = (uint32_t)flags;
    }
    if (!reader_done(&in))
        return damaged(d->err, "parsers");
    /* events want parsers as zero-terminated text */
    for (uint32_t i = 0; i < b->text_count; i++) {
        char *text = arena_strz(d->arena, b->texts[i]);
        if (!text)
            return no_memory(d->err);
        b->texts[i].p = text;
    }
    return RC_OK;
}

struct arena *block_arena_new(size_t limit)
{
    struct arena *arena = arena_new(limit);
    if (!arena)
        return NULL;
    /* A reset keeps the first chunk. Fresh pages from the kernel for each block would cost as much as the decoding. */
    if (!arena_alloc_raw(arena, ARENA_FIRST)) {
        arena_free(arena);
        return NULL;
    }
    arena_reset(arena);
    return arena;
}

enum rc block_decode(struct str bytes, unsigned parts, struct names *names, struct arena *arena,
                     struct block **ret_block, struct err *err)
{
    struct block_info info;
    enum rc rc = block_info_read(bytes, &info, err);
    if (rc != RC_OK)
        return rc;
    if (parts == BLOCK_LAZY)
        parts = BLOCK_ALL;
    if (bytes.n != info.size)
        return damaged(err, "it is cut short");
    if (crc32c(0, bytes.p + BLOCK_HEADER, bytes.n - BLOCK_HEADER) != get_be32(bytes.p + BLOCK_HEADER - 8))
        return damaged(err, "its crc is wrong");
    struct block *block = arena_alloc(arena, sizeof *block);
    struct row *rows = arena_alloc_array(arena, info.count, sizeof *rows);
    if (!block || !rows)
        return no_memory(err);
    block->info = info;
    block->rows = rows;
    struct decoder d = {.block = block, .arena = arena, .names = names, .plain_left = BLOCK_PLAIN_MAX, .err = err};
    static enum rc (*const leaves[])(struct decoder *) = {read_numbers, read_times, read_origins, read_ways, read_raw};
    static enum rc (*const events[])(struct decoder *) = {read_texts, read_parsers, read_statutory, read_fields,
                                                          read_rules};
    rc = read_directory(&d, bytes);
    for (size_t i = 0; i < ARRAY_LEN(leaves) && rc == RC_OK; i++)
        rc = leaves[i](&d);
    for (size_t i = 0; i < ARRAY_LEN(events) && rc == RC_OK && (parts & BLOCK_EVENTS); i++)
        rc = events[i](&d);
    block->events = (parts & BLOCK_EVENTS) != 0;
    block->names = names;
    *ret_block = block;
    return rc;
}

uint32_t block_count(const struct block *block)
{
    return block->info.count;
}

uint64_t block_number(const struct block *block, uint32_t position)
{
    ASSERT(position < block->info.count);
    return block->rows[position].leaf.index;
}

bool block_find(const struct block *block, uint64_t number, uint32_t *ret_position)
{
    uint32_t low = 0;
    uint32_t high = block->info.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (block->rows[middle].leaf.index < number)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_position = low;
    return low < block->info.count && block->rows[low].leaf.index == number;
}

void block_leaf(const struct block *block, uint32_t position, struct leaf *ret_leaf, struct str *ret_raw)
{
    ASSERT(position < block->info.count);
    const struct row *row = &block->rows[position];
    *ret_leaf = row->leaf;
    *ret_raw = str_at(block->raw.p + row->raw_at, row->leaf.raw_length);
}

void block_event(const struct block *block, uint32_t position, struct event_field *fields, struct event *ret_event)
{
    ASSERT(position < block->info.count && block->events);
    const struct row *row = &block->rows[position];
    const struct shape *shape = &block->shapes[row->shape];
    struct event *e = ret_event;
    memset(e, 0, sizeof *e);
    e->raw = str_at(block->raw.p + row->raw_at, row->leaf.raw_length);
    e->record = row->leaf.index;
    e->records[0] = row->leaf.index;
    e->record_count = 1;
    e->flags = row->flags;
    e->time_ns = row->time_ns;
    e->received_ns = row->leaf.received_ns;
    e->parser = row->parser ? block->texts[row->parser - 1].p : "";
    for (uint32_t i = 0; i < STATUTORY_COUNT; i++) {
        const struct value *value = &block->statutory[i * block->info.count + position];
        e->statutory[i] = str_at(value->p, value->n);
    }
    e->fields = fields;
    e->field_count = shape->count;
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct value *value = &block->fields[row->field_first + i];
        fields[i] = (struct event_field){
            .name = shape->slots[i].name, .type = shape->slots[i].type, .value = str_at(value->p, value->n)};
    }
}

size_t block_rules(const struct block *block, uint32_t position, struct str *ret_rules, size_t size)
{
    ASSERT(position < block->info.count && block->events);
    const struct row *row = &block->rows[position];
    size_t count = MIN((size_t)row->rule_count, size);
    for (size_t i = 0; i < count; i++)
        ret_rules[i] = block->texts[block->rules[row->rule_first + i]];
    return count;
}

const struct names *block_names(const struct block *block)
{
    return block->names;
}

enum rc block_raw_all(struct block *block, struct str *ret_raw, const uint32_t **ret_offset, struct err *err)
{
    (void)err;
    *ret_raw = block->raw;
    *ret_offset = block->raw_at;
    return RC_OK;
}
