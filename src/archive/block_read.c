/* Reading a block. The bytes are believed in nothing: every count, length, place and position is checked while a part
 * is decoded, so that the getters need no check. */
#include "archive/block_values.h"
#include "archive/block_view.h"
#include "archive/pack.h"
#include "base/assert.h"
#include "tlog/tree.h"

#include <string.h>

/* Enough for most blocks. The build for the address sanitizer says less: marking all of it when it comes and when it
 * goes costs more than all decoding, and within one piece it sees nothing. */
#ifndef BLOCK_ARENA_FIRST
#define BLOCK_ARENA_FIRST ((size_t)16 << 20)
#endif
#define SECOND_NS INT64_C(1000000000)

struct origin {
    uint8_t source[16];
    uint64_t epoch;
};

struct way {
    uint16_t type;
    uint16_t transport;
    uint32_t clock_error_us;
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
    info.chain = read_be64(&in);
    info.chain_forms = read_be32(&in);
    info.chain_values = read_be32(&in);
    if (in.failed || bytes.n < BLOCK_HEADER || magic != BLOCK_MAGIC)
        return damaged(err, "it has no header");
    if (get_be32(bytes.p + BLOCK_HEADER - 4) != crc32c(0, bytes.p, BLOCK_HEADER - 4))
        return damaged(err, "its header's crc is wrong");
    if (version != BLOCK_VERSION)
        return err_set(err, RC_INVALID, "a block needs another program (version %u)", version);
    if (info.size < BLOCK_HEADER || info.size > BLOCK_SIZE_MAX || info.count == 0 || info.count > BLOCK_RECORDS_MAX ||
        info.last < info.first || info.last - info.first < info.count - 1 ||
        info.raw_bytes > BLOCK_RAW_MAX + RECORD_RAW_MAX || info.filter_offset > info.size ||
        info.filter_size > info.size - info.filter_offset)
        return damaged(err, "its header contradicts itself");
    *ret_info = info;
    return RC_OK;
}

enum rc block_trailer_read(struct str bytes, const struct block_info *info, struct block_trailer *ret_trailer,
                           struct err *err)
{
    struct str trailer = str_skip(bytes, info->size);
    struct reader in = reader_of(trailer);
    uint32_t delta = read_be32(&in);
    uint32_t hashes = read_be32(&in);
    uint32_t crc = read_be32(&in);
    if (in.failed || delta > reader_left(&in) || hashes > BLOCK_WORDS_MAX * 2 ||
        reader_left(&in) - delta != (size_t)hashes * 8 ||
        crc != crc32c(0, trailer.p + BLOCK_TRAILER, trailer.n - BLOCK_TRAILER))
        return damaged(err, "its trailer");
    ret_trailer->delta = read_bytes(&in, delta);
    ret_trailer->hashes = read_bytes(&in, (size_t)hashes * 8);
    return RC_OK;
}

enum rc block_column(struct block *block, enum column id, struct reader *ret_reader, struct err *err)
{
    struct str plain = STR_NONE;
    if (block->packed[id].n) {
        enum rc rc = unpack(block->packed[id], block->plain_left, block->arena, &plain, err);
        if (rc != RC_OK)
            return rc;
        block->plain_left -= plain.n;
    }
    *ret_reader = reader_of(plain);
    return RC_OK;
}

static enum rc read_directory(struct block *b, struct str bytes, struct err *err)
{
    struct reader in = reader_of(bytes);
    in.at = 6;
    uint16_t columns = read_be16(&in);
    in.at = BLOCK_HEADER;
    size_t at = BLOCK_HEADER + (COLUMN_COUNT - 1) * 6;
    if (columns > COLUMN_COUNT - 1)
        at = BLOCK_HEADER + (size_t)columns * 6;
    for (uint16_t i = 0; i < columns; i++) {
        uint16_t id = read_be16(&in);
        uint32_t size = read_be32(&in);
        if (in.failed || at > bytes.n || size > bytes.n - at)
            return damaged(err, "its directory does not fit");
        if (id > 0 && id < COLUMN_COUNT)
            b->packed[id] = str_slice(bytes, at, at + size);
        at += size;
    }
    return at <= b->info.filter_offset ? RC_OK : damaged(err, "its directory does not fit");
}

/* ---- forms ---- */

static bool text_read(struct reader *in, struct str *ret)
{
    uint64_t n = read_varint(in);
    if (in->failed || n > reader_left(in))
        return false;
    *ret = read_bytes(in, (size_t)n);
    return !in->failed;
}

static enum rc read_local_forms(struct block *b, struct form **ret_forms, uint32_t *ret_count, struct err *err)
{
    struct reader in;
    enum rc rc = block_column(b, COLUMN_FORMS, &in, err);
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&in);
    if (in.failed || count > b->info.count)
        return damaged(err, "forms");
    struct form *forms = arena_alloc_array(b->arena, (size_t)count, sizeof *forms);
    if (!forms)
        return no_memory(err);
    for (uint64_t i = 0; i < count; i++) {
        struct str bytes;
        if (!text_read(&in, &bytes))
            return damaged(err, "forms");
        rc = form_read(bytes, b->names, b->arena, &forms[i], err);
        if (rc != RC_OK)
            return rc;
    }
    *ret_forms = forms;
    *ret_count = (uint32_t)count;
    return reader_done(&in) ? RC_OK : damaged(err, "forms");
}

static enum rc read_form_list(struct block *b, struct err *err)
{
    struct form *local = NULL;
    uint32_t local_count = 0;
    struct reader in;
    enum rc rc = read_local_forms(b, &local, &local_count, err);
    rc = rc == RC_OK ? block_column(b, COLUMN_FORM_LIST, &in, err) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&in);
    if (in.failed || count == 0 || count > b->info.count)
        return damaged(err, "the list of forms");
    struct block_form *forms = arena_alloc_array(b->arena, (size_t)count, sizeof *forms);
    if (!forms)
        return no_memory(err);
    uint32_t used = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = read_varint(&in);
        if (in.failed || number > b->info.chain_forms || (number == 0 && used == local_count))
            return damaged(err, "the list of forms");
        forms[i].form = number ? dictionary_form(b->dictionary, (uint32_t)number - 1) : &local[used++];
    }
    b->form_count = (uint32_t)count;
    b->forms = forms;
    return reader_done(&in) && used == local_count ? RC_OK : damaged(err, "the list of forms");
}

static enum rc read_form_of(struct block *b, const uint32_t **ret_form_of, const uint32_t **ret_row_of, struct err *err)
{
    struct reader in;
    enum rc rc = block_column(b, COLUMN_FORM, &in, err);
    if (rc != RC_OK)
        return rc;
    unsigned width = b->form_count > 256 ? 2 : 1;
    uint32_t count = b->info.count;
    uint32_t *form_of = arena_alloc_raw(b->arena, count * sizeof *form_of);
    uint32_t *row_of = arena_alloc_raw(b->arena, count * sizeof *row_of);
    if (!form_of || !row_of)
        return no_memory(err);
    if (in.in.n != (size_t)count * width)
        return damaged(err, "forms of records");
    const char *low = in.in.p;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t form = (uint8_t)low[i];
        if (width == 2)
            form |= (uint32_t)(uint8_t)low[count + i] << 8;
        if (form >= b->form_count)
            return damaged(err, "forms of records");
        form_of[i] = form;
        row_of[i] = b->forms[form].count++;
    }
    *ret_form_of = form_of;
    *ret_row_of = row_of;
    return RC_OK;
}

/* ---- slots ---- */

enum column slot_stream(enum slot_how how)
{
    switch (how) {
    case HOW_INDEX:
    case HOW_CODES:
        return COLUMN_CODES;
    case HOW_NUMBERS:
    case HOW_DELTAS:
    case HOW_CLOCK_NUMBERS:
        return COLUMN_NUMBERS;
    case HOW_TEXTS:
    case HOW_FIXED:
        return COLUMN_TEXTS;
    case HOW_CONST:
    case HOW_CLOCK:
    case HOW_COUNT:
        break;
    }
    return COLUMN_COUNT;
}

/* Where the next slot's part begins in each stream, none of which is decompressed before a slot of it is opened. */
struct streams {
    struct reader slots;
    uint32_t size[COLUMN_COUNT];
    uint32_t at[COLUMN_COUNT];
};

static bool take(struct streams *s, struct slot_column *c, uint64_t n)
{
    enum column id = slot_stream(c->how);
    if (n > s->size[id] - s->at[id])
        return false;
    c->at = s->at[id];
    c->size = (uint32_t)n;
    s->at[id] += c->size;
    return true;
}

static bool read_index(struct reader *in, struct slot_column *c)
{
    uint64_t count = read_varint(in);
    if (in->failed || count == 0 || count > 256)
        return false;
    c->value_count = (uint32_t)count;
    size_t start = in->at; /* passed over here, decoded when the column is opened */
    for (; in->at < in->in.n && count; in->at++)
        count -= ((uint8_t)in->in.p[in->at] & 0x80) == 0;
    c->list = str_slice(in->in, start, in->at);
    in->failed = count > 0;
    return !in->failed;
}

static bool read_slot(struct streams *s, struct slot_column *c)
{
    c->how = (enum slot_how)read_u8(&s->slots);
    switch (c->how) {
    case HOW_CONST:
        c->base = read_varint(&s->slots);
        return c->kind == SLOT_TEXT;
    case HOW_INDEX:
        return read_index(&s->slots, c) && take(s, c, c->count) && c->kind == SLOT_TEXT;
    case HOW_CODES:
        c->width = read_u8(&s->slots);
        return c->width >= 1 && c->width <= 4 && take(s, c, (uint64_t)c->count * c->width) && c->kind == SLOT_TEXT;
    case HOW_NUMBERS:
    case HOW_DELTAS:
    case HOW_CLOCK_NUMBERS:
        c->width = read_u8(&s->slots);
        c->base = read_varint(&s->slots);
        return c->width >= 1 && c->width <= 8 && take(s, c, (uint64_t)c->count * c->width) &&
               (c->kind == SLOT_TEXT || c->kind == SLOT_NUMBER) == (c->how != HOW_CLOCK_NUMBERS);
    case HOW_TEXTS:
        c->base = read_varint(&s->slots);
        return take(s, c, c->base) && c->kind == SLOT_TEXT;
    case HOW_FIXED:
        c->base = read_varint(&s->slots);
        return c->base <= RECORD_RAW_MAX && take(s, c, c->base * c->count) && c->kind == SLOT_TEXT;
    case HOW_CLOCK:
        c->base = read_varint(&s->slots);
        return c->kind >= SLOT_CLOCK && c->kind != SLOT_NUMBER;
    case HOW_COUNT:
        break;
    }
    return false;
}

static enum rc read_slots(struct block *b, struct err *err)
{
    static const enum column streams[] = {COLUMN_CODES, COLUMN_NUMBERS, COLUMN_TEXTS};
    struct streams s = {0};
    enum rc rc = block_column(b, COLUMN_SLOTS, &s.slots, err);
    for (size_t i = 0; i < ARRAY_LEN(streams) && rc == RC_OK; i++)
        rc = unpacked_size(b->packed[streams[i]], b->plain_left, &s.size[streams[i]], err);
    if (rc != RC_OK)
        return rc;
    for (uint32_t f = 0; f < b->form_count; f++) {
        struct block_form *form = &b->forms[f];
        uint32_t slots = form->form->slot_count;
        if (slots > reader_left(&s.slots)) /* each takes a byte at least */
            return damaged(err, "slots");
        form->slots = arena_alloc_array(b->arena, slots, sizeof *form->slots);
        if (!form->slots)
            return no_memory(err);
        for (uint32_t i = 0; i < slots; i++) {
            form->slots[i].count = form->count;
            form->slots[i].kind = form->form->kinds[i];
            if (form->count == 0 || !read_slot(&s, &form->slots[i]) || s.slots.failed)
                return damaged(err, "slots");
        }
    }
    return reader_done(&s.slots) && memcmp(s.at, s.size, sizeof s.at) == 0 ? RC_OK : damaged(err, "slots");
}

enum rc block_forms(struct block *block, struct err *err)
{
    if (block->form_of)
        return RC_OK;
    const uint32_t *form_of;
    const uint32_t *row_of;
    enum rc rc = read_form_list(block, err);
    rc = rc == RC_OK ? read_form_of(block, &form_of, &row_of, err) : rc;
    rc = rc == RC_OK ? read_slots(block, err) : rc;
    if (rc != RC_OK)
        return rc;
    block->form_of = form_of; /* only what was checked is there the next time */
    block->row_of = row_of;
    return RC_OK;
}

/* ---- times ---- */

enum rc block_received(struct block *block, struct err *err)
{
    if (block->received)
        return RC_OK;
    struct reader in;
    enum rc rc = block_column(block, COLUMN_RECEIVED, &in, err);
    int64_t *received = rc == RC_OK ? arena_alloc_raw(block->arena, block->info.count * sizeof *received) : NULL;
    if (!received)
        return rc == RC_OK ? no_memory(err) : rc;
    uint64_t now = 0;
    for (uint32_t i = 0; i < block->info.count; i++) {
        now += (uint64_t)read_svarint(&in);
        received[i] = (int64_t)now;
    }
    if (!reader_done(&in))
        return damaged(err, "times of receipt");
    block->received = received;
    return RC_OK;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

enum rc block_event_times(struct block *block, struct err *err)
{
    static const int64_t unit_ns[TIME_UNITS] = {1, SECOND_NS, 1000000, 1000, 1};
    if (block->times)
        return RC_OK;
    struct reader units;
    struct reader steps;
    enum rc rc = block_received(block, err);
    rc = rc == RC_OK ? block_column(block, COLUMN_TIME_UNIT, &units, err) : rc;
    rc = rc == RC_OK ? block_column(block, COLUMN_TIME, &steps, err) : rc;
    int64_t *times = rc == RC_OK ? arena_alloc_raw(block->arena, block->info.count * sizeof *times) : NULL;
    if (!times)
        return rc == RC_OK ? no_memory(err) : rc;
    if (units.in.n != block->info.count)
        return damaged(err, "units of times");
    int64_t before = block->received[0];
    for (uint32_t i = 0; i < block->info.count; i++) {
        uint8_t unit = (uint8_t)units.in.p[i];
        if (unit >= TIME_UNITS)
            return damaged(err, "units of times");
        times[i] = block->received[i];
        if (unit == TIME_RECEIVED)
            continue;
        uint64_t number = (uint64_t)floor_div(before, unit_ns[unit]) + (uint64_t)read_svarint(&steps);
        times[i] = before = (int64_t)(number * (uint64_t)unit_ns[unit]);
    }
    if (!reader_done(&steps))
        return damaged(err, "times");
    block->times = times;
    return RC_OK;
}

/* ---- leaves ---- */

static enum rc read_numbers(struct block *b, struct leaf *leaves, struct err *err)
{
    struct reader in;
    enum rc rc = block_column(b, COLUMN_NUMBER, &in, err);
    if (rc != RC_OK)
        return rc;
    uint64_t number = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t step = read_varint(&in);
        if (in.failed || (i && step == 0) || step > UINT64_MAX - number)
            return damaged(err, "record numbers");
        number += step;
        leaves[i].index = number;
    }
    if (!reader_done(&in) || leaves[0].index != b->info.first || number != b->info.last)
        return damaged(err, "record numbers");
    return RC_OK;
}

static enum rc read_clocks(struct block *b, struct leaf *leaves, struct err *err)
{
    struct reader boot;
    struct reader source;
    enum rc rc = block_received(b, err);
    rc = rc == RC_OK ? block_column(b, COLUMN_BOOT, &boot, err) : rc;
    rc = rc == RC_OK ? block_column(b, COLUMN_SOURCE_TIME, &source, err) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t behind = 0;
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t now = (uint64_t)b->received[i];
        behind += (uint64_t)read_svarint(&boot);
        leaves[i].received_ns = b->received[i];
        leaves[i].received_boot_ns = behind + now;
        leaves[i].source_ns = read_u8(&source) ? (int64_t)((uint64_t)read_svarint(&source) + now) : 0;
    }
    return reader_done(&boot) && reader_done(&source) ? RC_OK : damaged(err, "times");
}

static enum rc read_origins(struct block *b, struct leaf *leaves, struct err *err)
{
    struct reader list;
    struct reader which;
    struct reader sequence;
    enum rc rc = block_column(b, COLUMN_ORIGINS, &list, err);
    rc = rc == RC_OK ? block_column(b, COLUMN_ORIGIN, &which, err) : rc;
    rc = rc == RC_OK ? block_column(b, COLUMN_SEQUENCE, &sequence, err) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&list);
    if (list.failed || count == 0 || count > b->info.count || reader_left(&list) != count * 24)
        return damaged(err, "origins");
    struct origin *origins = arena_alloc_array(b->arena, (size_t)count, sizeof *origins);
    uint64_t *last = arena_alloc_array(b->arena, (size_t)count, sizeof *last);
    if (!origins || !last)
        return no_memory(err);
    for (uint64_t i = 0; i < count; i++) {
        read_copy(&list, origins[i].source, sizeof origins[i].source);
        origins[i].epoch = read_be64(&list);
    }
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t origin = read_varint(&which);
        if (which.failed || origin >= count)
            return damaged(err, "origins");
        memcpy(leaves[i].source, origins[origin].source, sizeof leaves[i].source);
        leaves[i].epoch = origins[origin].epoch;
        last[origin] += (uint64_t)read_svarint(&sequence);
        leaves[i].sequence = last[origin];
    }
    return reader_done(&which) && reader_done(&sequence) ? RC_OK : damaged(err, "origins");
}

static enum rc read_ways(struct block *b, struct leaf *leaves, struct err *err)
{
    struct reader list;
    struct reader which;
    enum rc rc = block_column(b, COLUMN_WAYS, &list, err);
    rc = rc == RC_OK ? block_column(b, COLUMN_WAY, &which, err) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&list);
    if (list.failed || count == 0 || count > b->info.count || reader_left(&list) != count * 8)
        return damaged(err, "ways");
    struct way *ways = arena_alloc_array(b->arena, (size_t)count, sizeof *ways);
    if (!ways)
        return no_memory(err);
    for (uint64_t i = 0; i < count; i++) {
        ways[i].type = read_be16(&list);
        ways[i].transport = read_be16(&list);
        ways[i].clock_error_us = read_be32(&list);
        if (ways[i].type < LEAF_RAW || ways[i].type > LEAF_KEY_CHANGE)
            return damaged(err, "record types");
    }
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t way = read_varint(&which);
        if (which.failed || way >= count)
            return damaged(err, "ways");
        leaves[i].type = (enum leaf_type)ways[way].type;
        leaves[i].transport = ways[way].transport;
        leaves[i].clock_error_us = ways[way].clock_error_us;
    }
    return reader_done(&which) ? RC_OK : damaged(err, "ways");
}

enum rc block_heads(struct block *block, struct err *err)
{
    if (block->leaves)
        return RC_OK;
    /* Not cleared: all of a leaf is read, but for its length, which its raw bytes say. */
    struct leaf *leaves = arena_alloc_raw(block->arena, block->info.count * sizeof *leaves);
    if (!leaves)
        return no_memory(err);
    enum rc rc = read_numbers(block, leaves, err);
    rc = rc == RC_OK ? read_clocks(block, leaves, err) : rc;
    rc = rc == RC_OK ? read_origins(block, leaves, err) : rc;
    rc = rc == RC_OK ? read_ways(block, leaves, err) : rc;
    if (rc == RC_OK)
        block->leaves = leaves;
    return rc;
}

enum rc block_leaves(struct block *block, struct err *err)
{
    if (block->whole)
        return RC_OK;
    enum rc rc = block_heads(block, err);
    rc = rc == RC_OK ? block_raw(block, err) : rc;
    if (rc != RC_OK)
        return rc;
    for (uint32_t i = 0; i < block->info.count; i++) {
        struct leaf *leaf = &block->leaves[i];
        leaf->raw_length = block->raw_at[i + 1] - block->raw_at[i];
        if (leaf->raw_length > LEAF_RAW_MAX && leaf->type != LEAF_DIGEST)
            return damaged(err, "raw bytes");
    }
    block->whole = true;
    return RC_OK;
}

/* ---- rules ---- */

static bool rule_set_check(struct str set)
{
    struct reader in = reader_of(set);
    struct str rule;
    while (reader_left(&in))
        if (!text_read(&in, &rule))
            return false;
    return true;
}

enum rc block_rule_sets(struct block *block, struct err *err)
{
    struct block *b = block;
    if (b->rule_sets)
        return RC_OK;
    struct reader list;
    struct reader which;
    enum rc rc = block_column(b, COLUMN_RULE_SETS, &list, err);
    rc = rc == RC_OK ? block_column(b, COLUMN_RULE_SET, &which, err) : rc;
    if (rc != RC_OK)
        return rc;
    uint64_t count = read_varint(&list);
    if (list.failed || count == 0 || count > (uint64_t)b->info.count + 1)
        return damaged(err, "rules");
    struct str *sets = arena_alloc_array(b->arena, (size_t)count, sizeof *sets);
    uint32_t *set_of = arena_alloc_raw(b->arena, b->info.count * sizeof *set_of);
    if (!sets || !set_of)
        return no_memory(err);
    for (uint64_t i = 0; i < count; i++)
        if (!text_read(&list, &sets[i]) || !rule_set_check(sets[i]))
            return damaged(err, "rules");
    for (uint32_t i = 0; i < b->info.count; i++) {
        uint64_t set = read_varint(&which);
        if (which.failed || set >= count)
            return damaged(err, "rules");
        set_of[i] = (uint32_t)set;
    }
    if (!reader_done(&list) || !reader_done(&which))
        return damaged(err, "rules");
    b->rule_set_of = set_of;
    b->rule_set_count = (uint32_t)count;
    b->rule_sets = sets;
    return RC_OK;
}

/* ---- all ---- */

bool block_spent(const struct block *block)
{
    return arena_spent(block->arena);
}

const struct names *block_names(const struct block *block)
{
    return block->names;
}

/* Everything that events need; every record's values are looked at once, so that getters need no check. */
static enum rc block_events(struct block *b, struct err *err)
{
    if (b->events)
        return RC_OK;
    enum rc rc = block_rule_sets(b, err);
    rc = rc == RC_OK ? block_leaves(b, err) : rc;
    rc = rc == RC_OK ? block_values_open(b, err) : rc;
    for (uint32_t f = 0; f < b->form_count && rc == RC_OK; f++)
        rc = block_slots(b, f, b->forms[f].form->slot_count, err);
    for (uint32_t i = 0; i < b->info.count && rc == RC_OK; i++) {
        const struct block_form *f = &b->forms[b->form_of[i]];
        for (uint32_t s = f->form->raw_slots; s + 1 < f->form->slot_count && rc == RC_OK; s++) {
            if (f->form->kinds[s] != SLOT_NUMBER || f->form->kinds[s + 1] != SLOT_NUMBER)
                continue;
            uint64_t at = f->slots[s].numbers[b->row_of[i]];
            uint64_t n = f->slots[s + 1].numbers[b->row_of[i]];
            if (at > b->raw_at[i + 1] - b->raw_at[i] || n > b->raw_at[i + 1] - b->raw_at[i] - at)
                return damaged(err, "places of values");
            s++;
        }
    }
    b->events = rc == RC_OK;
    return rc;
}

enum rc block_open(struct block *block, unsigned parts, struct err *err)
{
    enum rc rc = parts & BLOCK_LEAVES ? block_leaves(block, err) : RC_OK;
    return rc == RC_OK && parts & BLOCK_EVENTS ? block_events(block, err) : rc;
}

struct arena *block_arena_new(size_t limit)
{
    struct arena *arena = arena_new(limit);
    if (!arena)
        return NULL;
    /* A reset keeps the first chunk. Fresh pages from the kernel for each block would cost as much as the decoding. */
    if (!arena_alloc_raw(arena, BLOCK_ARENA_FIRST)) {
        arena_free(arena);
        return NULL;
    }
    arena_reset(arena);
    return arena;
}

enum rc block_frame(const struct block_bytes *from, struct arena *arena, struct block **ret_block, struct err *err)
{
    struct block_info info;
    struct str bytes = from->bytes;
    enum rc rc = block_info_read(bytes, &info, err);
    if (rc != RC_OK)
        return rc;
    if (bytes.n < info.size)
        return damaged(err, "it is cut short");
    struct str body = str_slice(bytes, 0, info.size);
    if (crc32c(0, body.p + BLOCK_HEADER, body.n - BLOCK_HEADER) != get_be32(body.p + BLOCK_HEADER - 8))
        return damaged(err, "its crc is wrong");
    struct block *block = arena_alloc(arena, sizeof *block);
    if (!block)
        return no_memory(err);
    block->info = info;
    block->arena = arena;
    block->names = from->names;
    block->dictionary = from->dictionary;
    block->plain_left = BLOCK_PLAIN_MAX;
    *ret_block = block;
    return read_directory(block, body, err);
}

enum rc block_decode(const struct block_bytes *from, unsigned parts, struct arena *arena, struct block **ret_block,
                     struct err *err)
{
    const struct dictionary *dictionary = from->dictionary;
    struct block *block = NULL;
    enum rc rc = block_frame(from, arena, &block, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(block);
    if (block->info.chain_forms > (dictionary ? dictionary_forms(dictionary) : 0) ||
        block->info.chain_values > (dictionary ? dictionary_values(dictionary) : 0))
        return damaged(err, "its dictionary has less than it names");
    rc = block_open(block, parts, err);
    /* What is decoded later reads the packed columns: they must outlive the bytes. */
    for (size_t i = 0; i < COLUMN_COUNT && rc == RC_OK && parts != BLOCK_ALL; i++)
        if (block->packed[i].n && !(block->packed[i] = arena_str(arena, block->packed[i])).p)
            rc = no_memory(err);
    *ret_block = block;
    return rc;
}

enum rc block_check_times(const struct block *block, struct err *err)
{
    const struct block *b = block;
    ASSERT(b->events);
    int64_t received[2] = {INT64_MAX, INT64_MIN};
    int64_t times[2] = {INT64_MAX, INT64_MIN};
    for (uint32_t i = 0; i < b->info.count; i++) {
        received[0] = MIN(received[0], b->received[i]);
        received[1] = MAX(received[1], b->received[i]);
        times[0] = MIN(times[0], b->times[i]);
        times[1] = MAX(times[1], b->times[i]);
    }
    return received[0] == b->info.received_min_ns && received[1] == b->info.received_max_ns &&
                   times[0] == b->info.time_min_ns && times[1] == b->info.time_max_ns
               ? RC_OK
               : damaged(err, "its header names other times");
}

enum rc block_row_open(struct block *block, uint32_t position, struct err *err)
{
    struct block *b = block;
    struct str raw;
    ASSERT(position < b->info.count);
    if (b->events || (b->row_raw && b->row_raw[position].p))
        return RC_OK;
    enum rc rc = block_heads(b, err);
    rc = rc == RC_OK ? block_rule_sets(b, err) : rc;
    rc = rc == RC_OK ? block_forms(b, err) : rc;
    rc = rc == RC_OK ? block_slots(b, b->form_of[position], b->forms[b->form_of[position]].form->slot_count, err) : rc;
    rc = rc == RC_OK ? block_raw_one(b, position, b->arena, &raw, err) : rc;
    if (rc == RC_OK && raw.n > LEAF_RAW_MAX && b->leaves[position].type != LEAF_DIGEST)
        rc = damaged(err, "raw bytes");
    if (rc != RC_OK)
        return rc;
    if (!b->row_raw && !(b->row_raw = arena_alloc_array(b->arena, b->info.count, sizeof *b->row_raw)))
        return no_memory(err);
    b->row_raw[position] = raw;
    return RC_OK;
}

uint32_t block_count(const struct block *block)
{
    return block->info.count;
}

uint64_t block_number(const struct block *block, uint32_t position)
{
    ASSERT(position < block->info.count && block->leaves);
    return block->leaves[position].index;
}

bool block_find(const struct block *block, uint64_t number, uint32_t *ret_position)
{
    uint32_t low = 0;
    uint32_t high = block->info.count;
    ASSERT(block->leaves);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (block->leaves[middle].index < number)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_position = low;
    return low < block->info.count && block->leaves[low].index == number;
}

void block_leaf(const struct block *block, uint32_t position, struct leaf *ret_leaf, struct str *ret_raw)
{
    ASSERT(position < block->info.count && block->leaves && block_raw_is_open(block, position));
    *ret_leaf = block->leaves[position];
    *ret_raw = block_raw_at(block, position);
    ret_leaf->raw_length = (uint32_t)ret_raw->n;
}

void block_leaf_hashes(const struct block *block, uint32_t position, uint32_t count, struct tlog_hasher *hasher,
                       struct tlog_hash *ret_hashes)
{
    ASSERT(block->whole && position <= block->info.count && count <= block->info.count - position);
    UNINITIALISED struct str raws[TLOG_GROUP];
    for (uint32_t done = 0; done < count; done += TLOG_GROUP) {
        uint32_t n = MIN(count - done, (uint32_t)TLOG_GROUP);
        for (uint32_t i = 0; i < n; i++)
            raws[i] = block_raw_at(block, position + done + i);
        leaf_hashes(&block->leaves[position + done], raws, n, hasher, ret_hashes + done);
    }
}

/* The field whose value is undone from the same escapes: its very text is given again, so that it is made once, and
 * that who encodes the event anew sees that the two are one. field_count when there is none. */
static uint32_t field_of_spec(const struct form *form, const struct form_spec *spec)
{
    for (uint32_t i = 0; i < form->field_count && spec->op == FORM_JSON; i++) {
        const struct form_spec *other = &form->fields[i].spec;
        if (other->op == FORM_JSON && other->from.piece == spec->from.piece &&
            other->from.offset == spec->from.offset && other->to.piece == spec->to.piece &&
            other->to.offset == spec->to.offset)
            return i;
    }
    return form->field_count;
}

void block_event(struct block *block, uint32_t position, struct event_field *fields, struct event *ret_event)
{
    ASSERT(position < block->info.count && block->leaves && block_raw_is_open(block, position));
    const struct form *form = block->forms[block->form_of[position]].form;
    struct event *e = ret_event;
    memset(e, 0, sizeof *e);
    e->raw = block_raw_at(block, position);
    e->record = block->leaves[position].index;
    e->records[0] = e->record;
    e->record_count = 1;
    e->flags = form->flags;
    e->time_ns = block->times[position];
    e->received_ns = block->received[position];
    e->parser = form->parser;
    e->fields = fields;
    e->field_count = form->field_count;
    for (uint32_t i = 0; i < form->field_count; i++) {
        fields[i] = (struct event_field){.name = form->fields[i].name, .type = form->fields[i].type};
        if (!block_spec(block, position, &form->fields[i].spec, &fields[i].value))
            fields[i].value = STR_NONE;
    }
    for (uint32_t i = 0; i < STATUTORY_COUNT; i++) {
        uint32_t field = field_of_spec(form, &form->statutory[i]);
        if (field < form->field_count)
            e->statutory[i] = fields[field].value;
        else if (!block_spec(block, position, &form->statutory[i], &e->statutory[i]))
            e->statutory[i] = STR_NONE;
    }
}

size_t block_rules(const struct block *block, uint32_t position, struct str *ret_rules, size_t size)
{
    ASSERT(position < block->info.count && block->rule_sets);
    struct reader in = reader_of(block->rule_sets[block->rule_set_of[position]]);
    size_t count = 0;
    while (reader_left(&in) && count < size)
        if (!text_read(&in, &ret_rules[count++]))
            break;
    return count;
}
