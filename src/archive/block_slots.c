/* Writing a block: each slot of each form as one column, kept in the way that is smallest for it. How they are kept is
 * decided first; what needs the final numbers of values is written when all are decided. */
#include "archive/block_write.h"
#include "archive/hash.h"
#include "archive/varint.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define DICTIONARY_TEXT 1024 /* longer contents are never values of the dictionary */
#define PROBE_COUNT     32   /* contents before a slot is judged */
#define PROBE_AGAIN     16   /* blocks after which a plain slot is tried again */
#define SECOND_NS       INT64_C(1000000000)
#define DAY_S           86400
#define LENGTH_MAX      5  /* bytes of a text's length */
#define INDEX_SORTED    14 /* contents for each value of an index, past which it is not sorted */

/* How a slot is kept; written when all forms and values of the block have their numbers. */
struct kept {
    enum slot_how how;
    uint8_t width;
    uint64_t base; /* or the constant, the length, the bytes of lengths */
    uint32_t count;
    uint32_t codes;    /* first of them */
    uint32_t distinct; /* of an index */
    uint32_t firsts;   /* its entries in w->firsts */
};

struct slot_column {
    const struct cell *cells;
    const int64_t *times; /* of its records */
    uint32_t count;
    struct slot_state *state;
    uint32_t state_number;
};

static inline struct str cell_text(const struct block_builder *b, const struct cell *cell)
{
    const char *from = cell->at & CELL_EXTRA ? b->extra.p : b->raw.p;
    return str_at(from + (cell->at & ~CELL_EXTRA), cell->n);
}

/* Raw has padding behind it. */
static inline void cell_words(struct block_builder *b, const struct cell *cell)
{
    words_add_room(&b->words, cell_text(b, cell), cell->at & CELL_EXTRA ? cell->n : MAX(cell->n, CUT_PADDING));
}

static inline bool cell_same(const struct block_builder *b, const struct cell *one, const struct cell *other)
{
    return one->head == other->head && one->n == other->n &&
           (one->n <= sizeof one->head || one->at == other->at ||
            text_same(cell_text(b, one).p, cell_text(b, other).p, one->n));
}

/* ---- numbers ---- */

/* Up to eight digits at once: the text's bytes as they are read, the first one lowest. */
static inline bool decimal_short(uint64_t head, uint32_t n, uint64_t *ret)
{
    const uint64_t zeros = UINT64_C(0x3030303030303030);
    if (n == 0 || ((head & 0xff) == '0' && n > 1))
        return false;
    uint64_t v = n < 8 ? head << (64 - 8 * n) | zeros >> (8 * n) : head;
    if (((v ^ zeros) | ((v + UINT64_C(0x0606060606060606)) ^ zeros)) & UINT64_C(0xf0f0f0f0f0f0f0f0))
        return false;
    v -= zeros;
    v = (v * 10 + (v >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v * 100 + (v >> 16)) & UINT64_C(0x0000ffff0000ffff);
    *ret = (v * 10000 + (v >> 32)) & UINT32_MAX;
    return true;
}

/* A decimal as it would be printed. */
static bool decimal_of(const struct block_builder *b, const struct cell *cell, uint64_t *ret)
{
    uint64_t number = 0;
    if (cell->n <= sizeof cell->head)
        return decimal_short(cell->head, cell->n, ret);
    struct str text = cell_text(b, cell);
    if (text.n > 18 || text.p[0] == '0')
        return false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)(unsigned char)text.p[i] - '0';
        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    *ret = number;
    return true;
}

/* Numbers, as they are or as steps, whichever is narrower. */
static void keep_numbers(struct writer *w, uint32_t count, bool steps_too, struct kept *kept)
{
    uint64_t *v = w->b->room.numbers;
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    uint64_t steps = 0;
    for (uint32_t i = 0; i < count; i++) {
        low = MIN(low, v[i]);
        high = MAX(high, v[i]);
        int64_t step = i ? (int64_t)(v[i] - v[i - 1]) : 0;
        steps |= (uint64_t)step << 1 ^ (uint64_t)(step >> 63);
    }
    kept->base = low;
    kept->width = (uint8_t)width_of(high - low);
    if (steps_too && width_of(steps) < kept->width) {
        kept->how = HOW_DELTAS;
        kept->width = (uint8_t)width_of(steps);
        kept->base = v[0];
        for (uint32_t i = count; i-- > 0;) {
            int64_t step = i ? (int64_t)(v[i] - v[i - 1]) : 0;
            v[i] = (uint64_t)step << 1 ^ (uint64_t)(step >> 63);
        }
    } else {
        for (uint32_t i = 0; i < count; i++)
            v[i] -= low;
    }
    planes_put(&w->b->streams[STREAM_NUMBERS], v, count, kept->width);
}

static bool keep_decimals(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    struct block_builder *b = w->b;
    for (uint32_t i = 0; i < c->count; i++)
        if (!decimal_of(b, &c->cells[i], &w->b->room.numbers[i]))
            return false;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->cells[i].n > 5) /* shorter ones are no words */
            cell_words(b, &c->cells[i]);
    kept->how = HOW_NUMBERS;
    keep_numbers(w, c->count, true, kept);
    return true;
}

static bool are_decimals(const struct block_builder *b, const struct slot_column *c)
{
    uint64_t number;
    uint32_t i = 0;
    while (i < c->count && decimal_of(b, &c->cells[i], &number))
        i++;
    return i == c->count;
}

static void keep_places(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    for (uint32_t i = 0; i < c->count; i++)
        w->b->room.numbers[i] = c->cells[i].at;
    kept->how = HOW_NUMBERS;
    keep_numbers(w, c->count, true, kept);
}

/* ---- texts ---- */

static void keep_texts(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    struct block_builder *b = w->b;
    struct buf *texts = &b->streams[STREAM_TEXTS];
    bool fixed = true;
    size_t room = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        fixed = fixed && c->cells[i].n == c->cells[0].n;
        room += LENGTH_MAX + c->cells[i].n;
    }
    kept->how = fixed ? HOW_FIXED : HOW_TEXTS;
    char *start = buf_reserve(texts, room);
    char *p = start;
    if (!p)
        return; /* told at the end */
    for (uint32_t i = 0; i < c->count && !fixed; i++)
        p = put_varint(p, c->cells[i].n);
    for (uint32_t i = 0; i < c->count; i++) {
        struct str text = cell_text(b, &c->cells[i]);
        cell_words(b, &c->cells[i]);
        if (text.n)
            memcpy(p, text.p, text.n);
        p += text.n;
    }
    buf_grew(texts, (size_t)(p - start));
    kept->base = fixed ? c->cells[0].n : (uint64_t)(p - start);
}

/* ---- times of day ---- */

static uint64_t pair_at(const char *p)
{
    return (uint64_t)(p[0] - '0') * 10 + (uint64_t)(p[1] - '0');
}

static uint64_t clock_units(unsigned digits)
{
    uint64_t units = 1;
    while (digits--)
        units *= 10;
    return units;
}

/* HH:MM:SS as it is read, the hour's first digit lowest. */
static inline uint64_t clock_seconds(uint64_t head)
{
    uint64_t v = head - UINT64_C(0x30303a30303a3030); /* the colons become zeros */
    uint64_t pairs = v * 10 + (v >> 8);               /* a pair's number stands where its first digit stood */
    return (pairs & 0xff) * 3600 + (pairs >> 24 & 0xff) * 60 + (pairs >> 48 & 0xff);
}

static uint64_t clock_of(const struct block_builder *b, const struct cell *cell, unsigned digits)
{
    if (!digits)
        return clock_seconds(cell->head);
    const char *p = cell_text(b, cell).p;
    uint64_t clock = pair_at(p) * 3600 + pair_at(p + 3) * 60 + pair_at(p + 6);
    for (unsigned i = 0; i < digits; i++)
        clock = clock * 10 + (uint64_t)(p[9 + i] - '0');
    return clock;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Times of day in units of 10^-digits s, and the event's, in the same units: their distance within a day. */
static void keep_clock(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    struct block_builder *b = w->b;
    unsigned digits = (unsigned)(c->state->kind - SLOT_CLOCK);
    int64_t unit = SECOND_NS / (int64_t)clock_units(digits);
    int64_t day = DAY_S * (int64_t)clock_units(digits);
    int64_t begin_ns = 0; /* of the unit that `now` stands for */
    int64_t now = -1;     /* none yet */
    bool same = true;
    for (uint32_t i = 0; i < c->count; i++) {
        int64_t time_ns = c->times[i];
        if (digits > 5)
            cell_words(b, &c->cells[i]);
        if (now < 0 || (uint64_t)time_ns - (uint64_t)begin_ns >= (uint64_t)unit) {
            int64_t units = floor_div(time_ns, unit);
            begin_ns = (int64_t)((uint64_t)units * (uint64_t)unit);
            now = units % day + day; /* before 1970 it is less */
        }
        w->b->room.numbers[i] = (clock_of(b, &c->cells[i], digits) + (uint64_t)(2 * day - now)) % (uint64_t)day;
        same = same && w->b->room.numbers[i] == w->b->room.numbers[0];
    }
    kept->how = same ? HOW_CLOCK : HOW_CLOCK_NUMBERS;
    if (same)
        kept->base = w->b->room.numbers[0];
    else
        keep_numbers(w, c->count, false, kept);
}

/* ---- values of the dictionary ---- */

/* The entry in the table of values; SHARED_NONE without room. Who brought a value is told when it comes again. */
static uint32_t value_use(struct writer *w, const struct slot_column *c, const struct cell *cell, uint64_t hash,
                          uint32_t *hits)
{
    struct block_builder *b = w->b;
    bool first = false;
    bool fresh = false;
    uint32_t entry = shared_use_hash(&b->values, cell_text(b, cell), hash, b->block, &first, &fresh);
    if (entry == SHARED_NONE)
        return entry;
    struct shared *e = &b->values.entries[entry];
    if (first)
        cell_words(b, cell);
    if (fresh) {
        e->owner = c->state_number;
        e->told = false;
        return entry;
    }
    ++*hits;
    if (!e->told && e->owner == c->state_number)
        ++*hits;
    else if (!e->told && e->owner < b->state_count) /* who brought it did well */
        b->states[e->owner].hits++;
    e->told = true;
    return entry;
}

/* Contents that are looked up together, so that memory is waited for once: it lies all over. */
#define TOGETHER 32
struct together {
    uint64_t hashes[TOGETHER];
    bool again[TOGETHER]; /* the content before it */
};

static void look_ahead(const struct block_builder *b, const struct slot_column *c, uint32_t from, uint32_t to,
                       struct together *ret)
{
    for (uint32_t i = from; i < to; i++) {
        const struct cell *cell = &c->cells[i];
        ret->again[i - from] = i && cell_same(b, cell - 1, cell);
        if (ret->again[i - from])
            continue;
        ret->hashes[i - from] = shared_hash(&b->values, cell_text(b, cell), cell->head);
        shared_near(&b->values, ret->hashes[i - from]);
    }
    for (uint32_t i = from; i < to; i++)
        if (!ret->again[i - from])
            shared_nearer(&b->values, ret->hashes[i - from]);
    for (uint32_t i = to; i < MIN(to + TOGETHER, c->count); i++)
        if (c->cells[i].n > HASH_EXACT)
            __builtin_prefetch(cell_text(b, &c->cells[i]).p);
}

/* Entries in the table of values, one a record, and their positions among the first INDEX_MAX distinct ones. Returns
 * for how many there was room. */
static uint32_t entries_find(struct writer *w, const struct slot_column *c, struct kept *kept, uint32_t *ret_hits)
{
    uint32_t *codes = w->b->room.codes + kept->codes;
    uint8_t *places = w->b->room.places + kept->codes;
    uint32_t stamp = shared_stamp(&w->b->values);
    UNINITIALISED struct together together;
    for (uint32_t i = 0; i < c->count; i++) {
        if (i % TOGETHER == 0)
            look_ahead(w->b, c, i, MIN(i + TOGETHER, c->count), &together);
        if (together.again[i % TOGETHER]) {
            codes[i] = codes[i - 1];
            places[i] = places[i - 1];
            ++*ret_hits;
            continue;
        }
        codes[i] = value_use(w, c, &c->cells[i], together.hashes[i % TOGETHER], ret_hits);
        if (codes[i] == SHARED_NONE)
            return i;
        struct shared *e = &w->b->values.entries[codes[i]];
        if (e->stamp != stamp) {
            e->stamp = stamp;
            e->column = kept->distinct++;
            if (e->column < INDEX_MAX)
                buf_le32(&w->firsts, codes[i]);
        }
        places[i] = (uint8_t)e->column;
    }
    return c->count;
}

/* False when a content is too long or there is no room: nothing is lost, the slot is then kept as texts. */
static bool keep_codes(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    uint32_t hits = 0;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->cells[i].n > DICTIONARY_TEXT)
            return false;
    kept->firsts = (uint32_t)(w->firsts.n / sizeof(uint32_t));
    uint32_t found = entries_find(w, c, kept, &hits);
    c->state->count += MIN(found + 1, c->count);
    c->state->hits += hits;
    kept->how = kept->distinct == 1                                             ? HOW_CONST
                : kept->distinct <= INDEX_MAX && kept->distinct * 2 <= c->count ? HOW_INDEX
                                                                                : HOW_CODES;
    return found == c->count;
}

/* A slot whose contents seldom come again does without the dictionary, for some blocks. */
static bool is_plain(struct slot_state *state)
{
    if (state->plain && ++state->age > PROBE_AGAIN) {
        state->plain = false;
        state->count = state->hits = 0;
    }
    return state->plain;
}

/* Of a hundred contents, those that must have come before for the dictionary to pay. Cold: decimals are nearly as small
 * as codes without it. */
static uint32_t least_hits(enum block_tier tier, const struct slot_state *state)
{
    if (tier == BLOCK_HOT)
        return 30;
    return state->decimal ? 90 : 50;
}

static void judge(enum block_tier tier, struct slot_state *state)
{
    if (state->plain || state->count < PROBE_COUNT)
        return;
    state->plain = state->hits * 100 < state->count * least_hits(tier, state);
    state->age = 0;
    state->count /= 4; /* what lies back counts less */
    state->hits /= 4;
}

static void keep_slot(struct writer *w, const struct slot_column *c, struct kept *kept)
{
    c->state->decimal = w->b->tier == BLOCK_COLD && c->state->kind == SLOT_TEXT && are_decimals(w->b, c);
    if (c->state->kind == SLOT_NUMBER)
        keep_places(w, c, kept);
    else if (c->state->kind >= SLOT_CLOCK)
        keep_clock(w, c, kept);
    else if ((is_plain(c->state) || !keep_codes(w, c, kept)) && !keep_decimals(w, c, kept))
        keep_texts(w, c, kept);
}

/* ---- what was decided, with the numbers that are now known ---- */

static uint64_t code_of(const struct block_builder *b, uint32_t entry)
{
    const struct shared *e = &b->values.entries[entry];
    return e->in_chain ? e->number : b->values.in_chain + e->number;
}

static int code_order(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one;
    uint64_t b = *(const uint64_t *)other;
    return (a > b) - (a < b);
}

/* Codes in their order, so that there is little from one to the next; behind each stands its old position. Positions in
 * the order in which they came are worth more where a slot has many contents for each value: then they stay. */
static void index_sort(uint64_t codes[INDEX_MAX], const struct kept *kept, uint8_t *places)
{
    uint8_t positions[INDEX_MAX];
    if (kept->count >= INDEX_SORTED * kept->distinct)
        return;
    qsort(codes, kept->distinct, sizeof *codes, code_order);
    for (uint32_t i = 0; i < kept->distinct; i++)
        positions[codes[i] & 0xff] = (uint8_t)i;
    for (uint32_t i = 0; i < kept->count; i++)
        places[i] = positions[places[i]];
}

static void put_index(struct writer *w, const struct kept *kept)
{
    struct block_builder *b = w->b;
    uint8_t *places = b->room.places + kept->codes;
    uint64_t codes[INDEX_MAX];
    uint64_t before = 0;
    if (w->firsts.overflow)
        return; /* told at the end */
    for (uint32_t i = 0; i < kept->distinct; i++)
        codes[i] = code_of(b, get_le32(w->firsts.p + (kept->firsts + i) * sizeof(uint32_t))) << 8 | i;
    if (b->tier == BLOCK_COLD)
        index_sort(codes, kept, places);
    buf_put(&b->streams[STREAM_CODES], places, kept->count);
    buf_varint(&b->directory, kept->distinct);
    for (uint32_t i = 0; i < kept->distinct; i++) {
        uint64_t code = codes[i] >> 8;
        buf_svarint(&b->directory, (int64_t)(code - before));
        before = code;
    }
}

static void put_codes(struct writer *w, const struct kept *kept, const uint32_t *codes)
{
    struct block_builder *b = w->b;
    uint64_t high = 0;
    for (uint32_t i = 0; i < kept->count; i++) {
        w->b->room.numbers[i] = code_of(b, codes[i]);
        high = MAX(high, w->b->room.numbers[i]);
    }
    buf_u8(&b->directory, (uint8_t)width_of(high));
    planes_put(&b->streams[STREAM_CODES], w->b->room.numbers, kept->count, width_of(high));
}

static void put_kept(struct writer *w, const struct kept *kept)
{
    struct block_builder *b = w->b;
    struct buf *directory = &b->directory;
    buf_u8(directory, (uint8_t)kept->how);
    switch (kept->how) {
    case HOW_CONST:
        buf_varint(directory, code_of(b, w->b->room.codes[kept->codes]));
        break;
    case HOW_INDEX:
        put_index(w, kept);
        break;
    case HOW_CODES:
        put_codes(w, kept, w->b->room.codes + kept->codes);
        break;
    case HOW_NUMBERS:
    case HOW_DELTAS:
    case HOW_CLOCK_NUMBERS:
        buf_u8(directory, kept->width);
        buf_varint(directory, kept->base);
        break;
    case HOW_TEXTS:
    case HOW_FIXED:
    case HOW_CLOCK:
        buf_varint(directory, kept->base);
        break;
    case HOW_COUNT:
        break;
    }
}

static void keep_slots(struct writer *w, struct kept *kept)
{
    struct block_builder *b = w->b;
    uint32_t cells = 0;
    uint32_t first = 0;
    for (uint32_t f = 0; f < b->use_count; f++) {
        const struct form_use *use = &b->uses[f];
        for (uint32_t s = 0; s < use->slots; s++) {
            struct slot_column c = {.cells = w->b->room.in_columns + cells,
                                    .times = w->b->room.times + first,
                                    .count = use->count,
                                    .state = &b->states[use->states + s],
                                    .state_number = use->states + s};
            *kept = (struct kept){.how = HOW_CONST, .count = c.count, .codes = cells};
            keep_slot(w, &c, kept++);
            cells += c.count;
        }
        first += use->count;
    }
    for (uint32_t f = 0; f < b->use_count; f++)
        for (uint32_t s = 0; s < b->uses[f].slots; s++)
            judge(b->tier, &b->states[b->uses[f].states + s]);
}

static uint32_t slots_in_all(const struct block_builder *b)
{
    uint32_t slots = 0;
    for (uint32_t f = 0; f < b->use_count; f++)
        slots += b->uses[f].slots;
    return slots;
}

bool write_slots(struct writer *w)
{
    struct block_builder *b = w->b;
    uint32_t slots = slots_in_all(b);
    struct kept *kept = memory_new(((size_t)slots + 1) * sizeof *kept);
    if (!kept)
        return false;
    buf_init(&w->firsts, (size_t)CELLS_MAX * sizeof(uint32_t));
    keep_slots(w, kept);
    for (uint32_t i = 0; i < slots; i++)
        put_kept(w, &kept[i]);
    memory_free(kept);
    w->overflow = w->overflow || w->firsts.overflow;
    buf_done(&w->firsts);
    column_put(w, buf_view(&b->directory), COLUMN_SLOTS);
    static const enum column ids[] = {COLUMN_CODES, COLUMN_NUMBERS, COLUMN_TEXTS};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        column_put(w, buf_view(&b->streams[i]), ids[i]);
        w->overflow = w->overflow || b->streams[i].overflow;
        buf_clear(&b->streams[i]);
    }
    w->overflow = w->overflow || b->directory.overflow;
    buf_clear(&b->directory);
    return true;
}
