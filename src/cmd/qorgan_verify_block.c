#include "cmd/qorgan_verify_block.h"

#include "base/bytes.h"

#include <string.h>
#include <zstd.h>

#define MAGIC           UINT32_C(0x51424c4b)
#define VERSION         2
#define PLAIN_MAX       ((size_t)64 << 20) /* of a block's columns together */
#define DICTIONARY_MAX  ((size_t)128 << 20)
#define FORMS_MAX       (1u << 17)
#define VALUES_MAX      (1u << 22)
#define RAW_MAX         ((uint64_t)8 << 20)
#define BLOCK_RAW_MAX   ((uint64_t)10 << 20)
#define FORM_SIZE       ((size_t)1 << 20)
#define RAW_SLOTS       400
#define OTHER_SLOTS     1048
#define FIELDS          512
#define STATUTORY       12
#define TYPES           5
#define PLACE_MAX       UINT16_MAX
#define KIND_CLOCK_LAST 10
#define KIND_NUMBER     16
#define DAY_S           86400u
#define SECOND_NS       INT64_C(1000000000)

enum column {
    NUMBER = 1,
    RECEIVED,
    BOOT,
    ORIGINS,
    ORIGIN,
    SEQUENCE,
    SOURCE_TIME,
    WAYS,
    WAY,
    UNIT,
    TIME,
    RULE_SETS,
    RULE_SET,
    FORMS,
    FORM_LIST,
    FORM,
    VALUES,
    SLOTS,
    CODES,
    NUMBERS,
    TEXTS,
    COLUMNS,
};

enum how {
    SAME,
    INDEX,
    CODE,
    NUMERAL,
    STEPS,
    SIZED,
    FIXED,
    CLOCK,
    CLOCKS,
};

struct verify_form {
    uint32_t raw_slots;
    uint32_t slot_count;
    const uint8_t *kinds;
    struct str *pieces; /* raw_slots + 1 */
};

/* A slot's contents, given out row after row. */
struct slot {
    uint8_t kind;
    uint8_t how;
    uint8_t width;
    uint32_t row;
    uint64_t base;    /* code, number, length or distance */
    struct str bytes; /* planes, positions, texts */
    uint32_t *codes;  /* INDEX */
    uint32_t code_count;
    struct reader lengths; /* SIZED */
};

struct used_form {
    const struct verify_form *form;
    uint32_t count;     /* records */
    struct slot *slots; /* the raw ones */
};

struct work {
    struct arena *arena;
    struct verify_block *block;
    const struct verify_dictionary *dictionary;
    struct reader in[COLUMNS];
    bool there[COLUMNS];
    bool no_memory;
    const char *what;
    struct str *values; /* of this block alone */
    uint64_t codes;     /* of the chain and this block together */
    struct used_form *forms;
    uint32_t form_count;
    uint32_t *form_of; /* by record */
    int64_t *times;
};

static bool bad(struct work *w, const char *what)
{
    w->what = what;
    return false;
}

/* Memory of the arena; a failure is remembered. */
static void *take_memory(struct work *w, uint64_t count, size_t size)
{
    void *p = arena_alloc_array(w->arena, (size_t)count + 1, size);
    w->no_memory |= p == NULL;
    return p;
}

static struct str read_text(struct reader *in)
{
    uint64_t n = read_varint(in);
    if (in->failed || n > reader_left(in)) {
        in->failed = true;
        return STR_NONE;
    }
    return read_bytes(in, (size_t)n);
}

static bool take_bytes(struct reader *in, uint64_t n, struct str *ret_bytes)
{
    if (in->failed || n > reader_left(in))
        return false;
    *ret_bytes = read_bytes(in, (size_t)n);
    return true;
}

/* be32 length, u8 method (0 plain, 1 zstd), bytes. */
static bool unpack(struct work *w, struct str packed, size_t *left, struct str *ret_plain)
{
    struct reader in = reader_of(packed);
    uint32_t length = read_be32(&in);
    uint8_t method = read_u8(&in);
    struct str body = str_skip(packed, 5);
    if (in.failed || length > *left || method > 1)
        return false;
    char *plain = arena_alloc_raw(w->arena, (size_t)length + 1);
    w->no_memory |= plain == NULL;
    if (plain == NULL)
        return false;
    size_t n = body.n;
    if (method == 1)
        n = ZSTD_decompress(plain, length, body.p, body.n);
    else if (n == length && n > 0)
        memcpy(plain, body.p, n);
    if (ZSTD_isError(n) || n != length)
        return false;
    *left -= length;
    *ret_plain = str_at(plain, length);
    return true;
}

/* ---- forms ---- */

static bool read_place(struct reader *in, const struct verify_form *f, uint64_t *ret_piece, uint64_t *ret_offset)
{
    *ret_piece = read_varint(in);
    *ret_offset = read_varint(in);
    return !in->failed && *ret_piece <= f->raw_slots && *ret_offset <= MIN(f->pieces[*ret_piece].n, (size_t)PLACE_MAX);
}

static bool read_span(struct reader *in, const struct verify_form *f)
{
    uint64_t from[2];
    uint64_t to[2];
    return read_place(in, f, &from[0], &from[1]) && read_place(in, f, &to[0], &to[1]) &&
           (from[0] < to[0] || (from[0] == to[0] && from[1] <= to[1]));
}

static bool read_specification(struct reader *in, const struct verify_form *f, uint64_t position, bool statutory)
{
    uint64_t number = 0;
    uint8_t kind = read_u8(in);
    if (in->failed)
        return false;
    switch (kind) {
    case 0:
        return statutory;
    case 1:
    case 2:
        return read_span(in, f);
    case 3:
        number = read_varint(in);
        return !in->failed && number < f->slot_count;
    case 4:
        (void)read_text(in);
        return !in->failed;
    case 5:
        number = read_varint(in);
        return !in->failed && number < position;
    case 6:
        number = read_varint(in);
        return !in->failed && number < f->slot_count && number + 1 < f->slot_count && f->kinds[number] == KIND_NUMBER &&
               f->kinds[number + 1] == KIND_NUMBER;
    default:
        return false;
    }
}

static bool read_form_slots(struct work *w, struct reader *in, struct verify_form *f)
{
    uint64_t raw = read_varint(in);
    uint64_t other = read_varint(in);
    struct str kinds;
    if (in->failed || raw > RAW_SLOTS || other > OTHER_SLOTS || !take_bytes(in, raw + other, &kinds))
        return false;
    f->raw_slots = (uint32_t)raw;
    f->slot_count = (uint32_t)(raw + other);
    f->kinds = (const uint8_t *)kinds.p;
    for (uint32_t i = 0; i < f->slot_count; i++) {
        if (i < f->raw_slots ? f->kinds[i] > KIND_CLOCK_LAST : f->kinds[i] != 0 && f->kinds[i] != KIND_NUMBER)
            return false;
    }
    f->pieces = take_memory(w, raw + 1, sizeof(*f->pieces));
    for (uint32_t i = 0; i <= f->raw_slots && f->pieces != NULL; i++)
        f->pieces[i] = read_text(in);
    return f->pieces != NULL && !in->failed;
}

static bool read_form(struct work *w, struct str text, struct verify_form *f)
{
    struct reader in = reader_of(text);
    bool known = read_u8(&in) <= 1;
    known = known && read_varint(&in) <= UINT32_MAX;
    (void)read_text(&in); /* parser */
    if (!known || in.failed || text.n > FORM_SIZE || !read_form_slots(w, &in, f))
        return false;
    uint64_t fields = read_varint(&in);
    if (in.failed || fields > FIELDS)
        return false;
    for (uint64_t i = 0; i < fields + STATUTORY; i++) {
        if (i < fields) {
            (void)read_text(&in); /* name */
            if (read_u8(&in) >= TYPES)
                return false;
        }
        if (in.failed || !read_specification(&in, f, i, i >= fields))
            return false;
    }
    return reader_done(&in);
}

static bool read_forms(struct work *w, struct reader *in, uint64_t most, struct verify_form **ret, uint32_t *ret_count)
{
    uint64_t count = read_varint(in);
    if (in->failed || count > most || count > reader_left(in))
        return false;
    struct verify_form *forms = take_memory(w, count, sizeof(*forms));
    for (uint64_t i = 0; i < count; i++) {
        if (forms == NULL)
            return false;
        struct str text = read_text(in);
        if (in->failed || !read_form(w, text, &forms[i]))
            return false;
    }
    *ret = forms;
    *ret_count = (uint32_t)count;
    return forms != NULL;
}

static bool read_values(struct work *w, struct reader *in, struct str **ret, uint32_t *ret_count)
{
    uint64_t count = read_varint(in);
    if (in->failed || count > VALUES_MAX || count > reader_left(in))
        return false;
    struct str *values = take_memory(w, count, sizeof(*values));
    for (uint64_t i = 0; i < count && values != NULL; i++)
        values[i] = read_text(in);
    *ret = values;
    *ret_count = (uint32_t)count;
    return values != NULL && reader_done(in);
}

enum rc verify_dictionary_read(struct arena *arena, struct str packed, struct verify_dictionary *dictionary)
{
    struct work w = {.arena = arena};
    size_t left = DICTIONARY_MAX;
    struct str plain;
    if (!unpack(&w, packed, &left, &plain))
        return w.no_memory ? RC_LIMIT : RC_CORRUPT;
    struct reader in = reader_of(plain);
    if (!read_forms(&w, &in, FORMS_MAX, &dictionary->forms, &dictionary->form_count) ||
        !read_values(&w, &in, &dictionary->values, &dictionary->value_count))
        return w.no_memory ? RC_LIMIT : RC_CORRUPT;
    return RC_OK;
}

/* ---- header, directory ---- */

enum rc verify_block_header(struct str bytes, struct verify_block *ret_block)
{
    struct verify_block b = {0};
    struct reader in = reader_of(bytes);
    uint32_t magic = read_be32(&in);
    uint16_t version = read_be16(&in);
    (void)read_be16(&in); /* columns */
    b.size = read_be32(&in);
    b.count = read_be32(&in);
    b.raw_bytes = read_be64(&in);
    b.first = read_be64(&in);
    b.last = read_be64(&in);
    b.received_min_ns = (int64_t)read_be64(&in);
    b.received_max_ns = (int64_t)read_be64(&in);
    b.time_min_ns = (int64_t)read_be64(&in);
    b.time_max_ns = (int64_t)read_be64(&in);
    b.key[0] = read_be64(&in);
    b.key[1] = read_be64(&in);
    b.filter_offset = read_be32(&in);
    b.filter_size = read_be32(&in);
    b.chain = read_be64(&in);
    b.chain_forms = read_be32(&in);
    b.chain_values = read_be32(&in);
    if (in.failed || bytes.n < VERIFY_BLOCK_HEADER || magic != MAGIC ||
        get_be32(bytes.p + VERIFY_BLOCK_HEADER - 4) != crc32c(0, bytes.p, VERIFY_BLOCK_HEADER - 4))
        return RC_CORRUPT;
    if (version != VERSION)
        return RC_INVALID;
    if (b.size != bytes.n || b.size > VERIFY_BLOCK_SIZE_MAX || b.count == 0 || b.count > VERIFY_BLOCK_RECORDS ||
        b.raw_bytes > BLOCK_RAW_MAX || b.filter_offset > b.size || b.filter_size > b.size - b.filter_offset ||
        get_be32(bytes.p + VERIFY_BLOCK_HEADER - 8) !=
            crc32c(0, bytes.p + VERIFY_BLOCK_HEADER, bytes.n - VERIFY_BLOCK_HEADER))
        return RC_CORRUPT;
    *ret_block = b;
    return RC_OK;
}

static bool open_columns(struct work *w, struct str bytes)
{
    struct reader in = reader_of(bytes);
    in.at = 6;
    uint16_t count = read_be16(&in);
    in.at = VERIFY_BLOCK_HEADER;
    size_t at = VERIFY_BLOCK_HEADER + (size_t)MAX(count, COLUMNS - 1) * 6;
    size_t left = PLAIN_MAX;
    for (uint16_t i = 0; i < count; i++) {
        uint16_t id = read_be16(&in);
        uint32_t size = read_be32(&in);
        if (in.failed || at > bytes.n || size > bytes.n - at)
            return bad(w, "a block's columns do not fit into it");
        struct str plain = STR_NONE;
        if (id > 0 && id < COLUMNS) {
            if (w->there[id] || (size > 0 && !unpack(w, str_slice(bytes, at, at + size), &left, &plain)))
                return bad(w, "a block's column stands twice, or cannot be unpacked");
            w->there[id] = true;
            w->in[id] = reader_of(plain);
        }
        at += size;
    }
    return at <= w->block->filter_offset || bad(w, "a block's columns do not fit into it");
}

/* ---- leaves ---- */

/* A table in a column: the count, then rows of equal width to the column's end. */
static bool open_table(struct work *w, enum column column, size_t width, uint64_t *ret_count, const char **ret_rows)
{
    struct reader *in = &w->in[column];
    *ret_count = read_varint(in);
    if (in->failed || *ret_count == 0 || *ret_count > w->block->count || reader_left(in) != *ret_count * width)
        return bad(w, "a block's table of origins or ways is damaged");
    *ret_rows = read_bytes(in, reader_left(in)).p;
    return true;
}

static bool read_numbers(struct work *w)
{
    struct reader *in = w->in;
    const struct verify_block *b = w->block;
    uint64_t number = 0;
    uint64_t received = 0;
    uint64_t behind = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        struct leaf *leaf = &b->leaves[i];
        uint64_t step = read_varint(&in[NUMBER]);
        if ((step == 0 && i > 0) || step > UINT64_MAX - number)
            return bad(w, "a block's record numbers do not rise");
        number += step;
        received += (uint64_t)read_svarint(&in[RECEIVED]);
        behind += (uint64_t)read_svarint(&in[BOOT]);
        leaf->index = number;
        leaf->received_ns = (int64_t)received;
        leaf->received_boot_ns = behind + received;
        uint8_t has_time = read_u8(&in[SOURCE_TIME]);
        if (has_time > 1)
            return bad(w, "a block's source times are damaged");
        if (has_time == 1)
            leaf->source_ns = (int64_t)((uint64_t)read_svarint(&in[SOURCE_TIME]) + received);
    }
    return (b->leaves[0].index == b->first && number == b->last) || bad(w, "a block holds other numbers than it says");
}

static bool read_origins(struct work *w)
{
    struct reader *in = w->in;
    uint64_t origins = 0;
    uint64_t ways = 0;
    const char *origin_rows = NULL;
    const char *way_rows = NULL;
    if (!open_table(w, ORIGINS, 24, &origins, &origin_rows) || !open_table(w, WAYS, 8, &ways, &way_rows))
        return false;
    uint64_t *last = take_memory(w, origins, sizeof(*last));
    for (uint32_t i = 0; i < w->block->count && last != NULL; i++) {
        struct leaf *leaf = &w->block->leaves[i];
        uint64_t origin = read_varint(&in[ORIGIN]);
        uint64_t way = read_varint(&in[WAY]);
        if (origin >= origins || way >= ways)
            return bad(w, "a block's record has no origin or way");
        const char *row = origin_rows + origin * 24;
        memcpy(leaf->source, row, 16);
        leaf->epoch = get_be64(row + 16);
        last[origin] += (uint64_t)read_svarint(&in[SEQUENCE]);
        leaf->sequence = last[origin];
        row = way_rows + way * 8;
        uint16_t type = get_be16(row);
        if (type < LEAF_RAW || type > LEAF_KEY_CHANGE)
            return bad(w, "a block's record has an unknown type");
        leaf->type = (enum leaf_type)type;
        leaf->transport = get_be16(row + 2);
        leaf->clock_error_us = get_be32(row + 4);
    }
    return last != NULL;
}

/* Rounds towards lower numbers. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool read_times(struct work *w)
{
    static const int64_t unit_ns[] = {1, SECOND_NS, 1000000, 1000, 1};
    const struct verify_block *b = w->block;
    w->times = take_memory(w, b->count, sizeof(*w->times));
    if (w->times == NULL)
        return false;
    int64_t before = b->leaves[0].received_ns;
    int64_t low[2] = {INT64_MAX, INT64_MAX};
    int64_t high[2] = {INT64_MIN, INT64_MIN};
    for (uint32_t i = 0; i < b->count; i++) {
        int64_t received = b->leaves[i].received_ns;
        uint8_t unit = read_u8(&w->in[UNIT]);
        if (unit >= ARRAY_LEN(unit_ns))
            return bad(w, "a block's units of time are damaged");
        w->times[i] = received;
        if (unit != 0) {
            uint64_t step = (uint64_t)read_svarint(&w->in[TIME]);
            uint64_t number = (uint64_t)floor_div(before, unit_ns[unit]) + step;
            w->times[i] = before = (int64_t)(number * (uint64_t)unit_ns[unit]);
        }
        low[0] = MIN(low[0], received);
        high[0] = MAX(high[0], received);
        low[1] = MIN(low[1], w->times[i]);
        high[1] = MAX(high[1], w->times[i]);
    }
    return (low[0] == b->received_min_ns && high[0] == b->received_max_ns && low[1] == b->time_min_ns &&
            high[1] == b->time_max_ns) ||
           bad(w, "a block's times are not within the bounds that it says");
}

static bool read_rules(struct work *w)
{
    uint64_t count = read_varint(&w->in[RULE_SETS]);
    if (w->in[RULE_SETS].failed || count > (uint64_t)w->block->count + 1)
        return bad(w, "a block's rules are damaged");
    for (uint64_t i = 0; i < count; i++) {
        struct reader set = reader_of(read_text(&w->in[RULE_SETS]));
        while (reader_left(&set) > 0 && !set.failed)
            (void)read_text(&set);
        if (set.failed)
            return bad(w, "a block's rules are damaged");
    }
    for (uint32_t i = 0; i < w->block->count; i++) {
        if (read_varint(&w->in[RULE_SET]) >= count)
            return bad(w, "a block's rules are damaged");
    }
    return true;
}

/* ---- the forms and slots that are used ---- */

static uint64_t planes(struct str bytes, unsigned width, uint32_t row)
{
    size_t count = bytes.n / width;
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)(uint8_t)bytes.p[i * count + row] << (8 * i);
    return value;
}

static bool read_form_list(struct work *w)
{
    struct verify_form *own = NULL;
    uint32_t own_count = 0;
    uint32_t used = 0;
    struct reader *list = &w->in[FORM_LIST];
    if (!read_forms(w, &w->in[FORMS], w->block->count, &own, &own_count))
        return bad(w, "a block's forms are damaged");
    uint64_t count = read_varint(list);
    if (list->failed || count == 0 || count > w->block->count)
        return bad(w, "a block's list of forms is damaged");
    w->forms = take_memory(w, count, sizeof(*w->forms));
    w->form_of = take_memory(w, w->block->count, sizeof(*w->form_of));
    if (w->forms == NULL || w->form_of == NULL)
        return false;
    w->form_count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = read_varint(list);
        if (list->failed || number > w->block->chain_forms || (number == 0 && used == own_count))
            return bad(w, "a block's list of forms is damaged");
        w->forms[i].form = number > 0 ? &w->dictionary->forms[number - 1] : &own[used++];
    }
    unsigned width = count > 256 ? 2 : 1;
    struct str bytes;
    if (used != own_count || !take_bytes(&w->in[FORM], (uint64_t)w->block->count * width, &bytes))
        return bad(w, "a block's list of forms is damaged");
    for (uint32_t i = 0; i < w->block->count; i++) {
        uint64_t form = planes(bytes, width, i);
        if (form >= count)
            return bad(w, "a block's record has no form");
        w->form_of[i] = (uint32_t)form;
        w->forms[form].count++;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (w->forms[i].count == 0)
            return bad(w, "a block's form has no record");
    }
    return true;
}

static struct str value_of(const struct work *w, uint64_t code)
{
    uint32_t chain = w->block->chain_values;
    return code < chain ? w->dictionary->values[code] : w->values[code - chain];
}

static bool open_index(struct work *w, struct slot *s, uint32_t rows)
{
    struct reader *in = &w->in[SLOTS];
    uint64_t count = read_varint(in);
    uint64_t code = 0;
    if (in->failed || count == 0 || count > 256 || count > reader_left(in) ||
        !take_bytes(&w->in[CODES], rows, &s->bytes))
        return false;
    s->codes = take_memory(w, count, sizeof(*s->codes));
    s->code_count = (uint32_t)count;
    for (uint64_t i = 0; i < count && s->codes != NULL; i++) {
        code += (uint64_t)read_svarint(in);
        if (code >= w->codes)
            return false;
        s->codes[i] = (uint32_t)code;
    }
    for (uint32_t i = 0; i < rows; i++) {
        if ((uint8_t)s->bytes.p[i] >= count)
            return false;
    }
    return s->codes != NULL;
}

static bool open_codes(struct work *w, struct slot *s, uint32_t rows)
{
    s->width = read_u8(&w->in[SLOTS]);
    if (s->width < 1 || s->width > 4 || !take_bytes(&w->in[CODES], (uint64_t)rows * s->width, &s->bytes))
        return false;
    for (uint32_t i = 0; i < rows; i++) {
        if (planes(s->bytes, s->width, i) >= w->codes)
            return false;
    }
    return true;
}

static bool open_sized(struct work *w, struct slot *s, uint32_t rows)
{
    struct str all;
    if (!take_bytes(&w->in[TEXTS], read_varint(&w->in[SLOTS]), &all))
        return false;
    struct reader in = reader_of(all);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t n = read_varint(&in);
        if (in.failed || n > all.n - sum)
            return false;
        sum += n;
    }
    s->lengths = reader_of(str_slice(all, 0, in.at));
    s->bytes = str_skip(all, in.at);
    return s->bytes.n == sum;
}

static bool open_slot(struct work *w, uint8_t kind, uint32_t rows, struct slot *s)
{
    struct reader *in = &w->in[SLOTS];
    *s = (struct slot){.kind = kind, .how = read_u8(in)};
    bool is_clock = kind > 0 && kind <= KIND_CLOCK_LAST;
    bool numeral = s->how == NUMERAL || s->how == STEPS;
    if (in->failed || is_clock != (s->how == CLOCK || s->how == CLOCKS) || (kind == KIND_NUMBER && !numeral))
        return false;
    switch (s->how) {
    case SAME:
        s->base = read_varint(in);
        return !in->failed && s->base < w->codes;
    case INDEX:
        return open_index(w, s, rows) && !in->failed;
    case CODE:
        return open_codes(w, s, rows);
    case NUMERAL:
    case STEPS:
    case CLOCKS:
        s->width = read_u8(in);
        s->base = read_varint(in);
        return !in->failed && s->width >= 1 && s->width <= 8 &&
               take_bytes(&w->in[NUMBERS], (uint64_t)rows * s->width, &s->bytes);
    case SIZED:
        return open_sized(w, s, rows) && !in->failed;
    case FIXED:
        s->base = read_varint(in);
        return !in->failed && s->base <= RAW_MAX && take_bytes(&w->in[TEXTS], s->base * rows, &s->bytes);
    case CLOCK:
        s->base = read_varint(in);
        return !in->failed;
    default:
        return false;
    }
}

static bool open_slots(struct work *w)
{
    struct reader none = reader_of(str_at("\0", 1));
    uint32_t own = 0;
    if (!read_values(w, w->there[VALUES] && w->in[VALUES].in.n > 0 ? &w->in[VALUES] : &none, &w->values, &own))
        return bad(w, "a block's values are damaged");
    w->codes = (uint64_t)w->block->chain_values + own;
    for (uint32_t f = 0; f < w->form_count; f++) {
        struct used_form *used = &w->forms[f];
        struct slot unused;
        if (used->form->slot_count > reader_left(&w->in[SLOTS])) /* each takes a byte at least */
            return bad(w, "a block's slots are damaged");
        used->slots = take_memory(w, used->form->raw_slots, sizeof(*used->slots));
        if (used->slots == NULL)
            return false;
        for (uint32_t i = 0; i < used->form->slot_count; i++) {
            struct arena_mark mark = arena_mark(w->arena);
            bool raw = i < used->form->raw_slots;
            if (!open_slot(w, used->form->kinds[i], used->count, raw ? &used->slots[i] : &unused))
                return bad(w, "a block's slots are damaged");
            if (!raw)
                arena_rewind(w->arena, mark);
        }
    }
    return true;
}

/* ---- raw bytes ---- */

#define ROOM 24 /* 20 digits, or HH:MM:SS.nnnnnnnnn */

static struct str decimal(uint64_t number, char room[ROOM])
{
    char *p = room + ROOM;
    do {
        *--p = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return str_at(p, (size_t)(room + ROOM - p));
}

static struct str time_of_day(uint64_t distance, unsigned digits, int64_t time_ns, char room[ROOM])
{
    uint64_t per_second = 1;
    for (unsigned i = 0; i < digits; i++)
        per_second *= 10;
    uint64_t day = DAY_S * per_second;
    int64_t now = floor_div(time_ns, SECOND_NS / (int64_t)per_second) % (int64_t)day;
    uint64_t clock = ((uint64_t)(now + (int64_t)day) + distance % day) % day;
    uint64_t second = clock / per_second;
    const uint64_t part[3] = {second / 3600, second / 60 % 60, second % 60};
    for (unsigned i = 0; i < 3; i++) {
        room[3 * i] = (char)('0' + part[i] / 10);
        room[3 * i + 1] = (char)('0' + part[i] % 10);
        room[3 * i + 2] = i < 2 ? ':' : '.';
    }
    uint64_t rest = clock % per_second;
    for (unsigned i = digits; i > 0; i--) {
        room[8 + i] = (char)('0' + rest % 10);
        rest /= 10;
    }
    return str_at(room, digits > 0 ? 9 + digits : 8);
}

/* The slot's content of the next record of its form. */
static struct str next_content(const struct work *w, struct slot *s, int64_t time_ns, char room[ROOM])
{
    uint32_t row = s->row++;
    uint64_t number = 0;
    switch (s->how) {
    case SAME:
        return value_of(w, s->base);
    case INDEX:
        return value_of(w, s->codes[(uint8_t)s->bytes.p[row]]);
    case CODE:
        return value_of(w, planes(s->bytes, s->width, row));
    case NUMERAL:
        return decimal(s->base + planes(s->bytes, s->width, row), room);
    case STEPS:
        number = planes(s->bytes, s->width, row);
        s->base += number >> 1 ^ (0 - (number & 1));
        return decimal(s->base, room);
    case SIZED: {
        size_t n = (size_t)read_varint(&s->lengths);
        struct str text = str_slice(s->bytes, 0, n);
        s->bytes = str_skip(s->bytes, n);
        return text;
    }
    case FIXED:
        return str_slice(s->bytes, (size_t)s->base * row, (size_t)s->base * (row + 1));
    case CLOCK:
        return time_of_day(s->base, s->kind - 1u, time_ns, room);
    default:
        return time_of_day(s->base + planes(s->bytes, s->width, row), s->kind - 1u, time_ns, room);
    }
}

static bool put(char *raw, uint64_t *at, uint64_t end, struct str text)
{
    if (text.n > end - *at)
        return false;
    if (text.n > 0)
        memcpy(raw + *at, text.p, text.n);
    *at += text.n;
    return true;
}

static bool build_raw(struct work *w)
{
    struct verify_block *b = w->block;
    char *raw = take_memory(w, b->raw_bytes, 1);
    uint64_t at = 0;
    if (raw == NULL)
        return false;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct used_form *used = &w->forms[w->form_of[i]];
        uint64_t from = at;
        uint64_t end = MIN(b->raw_bytes, from + RAW_MAX);
        bool fits = true;
        for (uint32_t s = 0; s < used->form->raw_slots && fits; s++) {
            char room[ROOM];
            fits = put(raw, &at, end, used->form->pieces[s]) &&
                   put(raw, &at, end, next_content(w, &used->slots[s], w->times[i], room));
        }
        fits = fits && put(raw, &at, end, used->form->pieces[used->form->raw_slots]);
        if (!fits || (at - from > LEAF_RAW_MAX && b->leaves[i].type != LEAF_DIGEST))
            return bad(w, "a block's raw bytes are more than it says");
        b->leaves[i].raw_length = (uint32_t)(at - from);
        b->raw[i] = str_at(raw + from, (size_t)(at - from));
    }
    return at == b->raw_bytes || bad(w, "a block's raw bytes are fewer than it says");
}

enum rc verify_block_records(struct arena *arena, struct str bytes, const struct verify_dictionary *dictionary,
                             struct verify_block *block, const char **ret_what)
{
    struct work w = {.arena = arena, .block = block, .dictionary = dictionary};
    block->leaves = take_memory(&w, block->count, sizeof(*block->leaves));
    block->raw = take_memory(&w, block->count, sizeof(*block->raw));
    bool good = !w.no_memory;
    if (block->chain_forms > dictionary->form_count || block->chain_values > dictionary->value_count)
        good = bad(&w, "a block names more than its dictionary has");
    good = good && open_columns(&w, bytes) && read_numbers(&w) && read_origins(&w) && read_times(&w) &&
           read_rules(&w) && read_form_list(&w) && open_slots(&w) && build_raw(&w);
    for (size_t i = NUMBER; i < COLUMNS && good; i++) {
        if (w.in[i].failed || reader_left(&w.in[i]) > 0)
            good = bad(&w, "a block's column does not end with its records");
    }
    *ret_what = w.what;
    if (good)
        return RC_OK;
    return w.no_memory ? RC_LIMIT : RC_CORRUPT;
}
