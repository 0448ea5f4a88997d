/* Distinct values of each key get numbers, groups are tuples of such numbers. A block is first counted by its own few
 * distinct values, so that the tables are asked once a block and group, not once a record. Past a limit no new group
 * begins; the records of those that did not begin are counted as lost. */
#include "archive/tally.h"

#include "archive/words.h"
#include "base/assert.h"
#include "base/civil.h"
#include "base/map.h"
#include "os/random.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST  1024
#define DENSE_MAX    65536 /* keys of a block that get a plain table */
#define LEVELS_MAX   (QUERY_KEYS_MAX + 1)
#define TIME_EXTREME (INT64_MAX / 4)

struct group {
    uint64_t count;
    int64_t step; /* number of the step of time */
    uint32_t value[QUERY_KEYS_MAX];
};

struct tally {
    const struct query *query;
    struct map *values[QUERY_KEYS_MAX]; /* value -> its number */
    size_t value_bytes;
    struct group *groups;
    uint32_t group_count;
    uint32_t group_room;
    uint32_t *slots; /* group + 1 */
    uint32_t slot_count;
    uint64_t lost;
};

struct tally *tally_new(const struct query *query)
{
    struct tally *t = memory_new(sizeof *t);
    if (!t)
        return NULL;
    t->query = query;
    t->slot_count = SLOTS_FIRST;
    t->slots = memory_new(t->slot_count * sizeof *t->slots);
    bool ok = t->slots != NULL;
    for (uint32_t i = 0; i < query->by_count && ok; i++) {
        t->values[i] = map_new(SEARCH_GROUPS_MAX + 1, random_u64());
        ok = t->values[i] != NULL;
    }
    if (!ok) {
        tally_free(t);
        return NULL;
    }
    return t;
}

void tally_free(struct tally *tally)
{
    if (!tally)
        return;
    for (size_t i = 0; i < QUERY_KEYS_MAX; i++)
        map_free(tally->values[i]);
    memory_free(tally->groups);
    memory_free(tally->slots);
    memory_free(tally);
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory to count");
}

/* ---- values and groups ---- */

/* The number of a value; UINT32_MAX past the limits. */
static uint32_t value_number(struct tally *t, uint32_t key, struct str text)
{
    uint64_t *place = map_get(t->values[key], text);
    if (place)
        return (uint32_t)*place;
    if (t->value_bytes + text.n > TALLY_VALUES_MAX)
        return UINT32_MAX;
    uint32_t number = (uint32_t)map_count(t->values[key]);
    place = map_put(t->values[key], text);
    if (!place)
        return UINT32_MAX;
    *place = number;
    t->value_bytes += text.n;
    return number;
}

static struct str value_text(const struct tally *t, uint32_t key, uint32_t number)
{
    struct str text = STR_NONE;
    uint64_t value;
    bool there = map_at(t->values[key], number, &text, &value);
    ASSERT(there && value == number);
    return text;
}

static uint32_t group_hash(const struct group *group, uint32_t keys)
{
    uint64_t h = (uint64_t)group->step * UINT64_C(0x9e3779b97f4a7c15);
    for (uint32_t i = 0; i < keys; i++)
        h = (h ^ group->value[i]) * UINT64_C(0xc2b2ae3d27d4eb4f) + (h >> 29);
    return (uint32_t)(h >> 32);
}

static bool same_group(const struct group *a, const struct group *b, uint32_t keys)
{
    return a->step == b->step && memcmp(a->value, b->value, keys * sizeof a->value[0]) == 0;
}

static bool slots_grow(struct tally *t)
{
    uint32_t count = t->slot_count * 2;
    uint32_t *slots = memory_new(count * sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < t->group_count; i++) {
        uint32_t at = group_hash(&t->groups[i], t->query->by_count) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = i + 1;
    }
    memory_free(t->slots);
    t->slots = slots;
    t->slot_count = count;
    return true;
}

static bool groups_grow(struct tally *t)
{
    uint32_t room = t->group_room ? t->group_room * 2 : SLOTS_FIRST / 2;
    struct group *groups = memory_resize(t->groups, room * sizeof *groups);
    if (!groups)
        return false;
    t->groups = groups;
    t->group_room = room;
    return (t->group_count + 1) * 2 <= t->slot_count || slots_grow(t);
}

/* Adds group->count records to the group. */
static enum rc group_add(struct tally *t, const struct group *group, struct err *err)
{
    uint32_t keys = t->query->by_count;
    uint32_t at = group_hash(group, keys) & (t->slot_count - 1);
    for (; t->slots[at]; at = (at + 1) & (t->slot_count - 1)) {
        struct group *known = &t->groups[t->slots[at] - 1];
        if (same_group(known, group, keys)) {
            known->count += group->count;
            return RC_OK;
        }
    }
    if (t->group_count == SEARCH_GROUPS_MAX) {
        t->lost += group->count;
        return RC_OK;
    }
    if (t->group_count == t->group_room || (t->group_count + 1) * 2 > t->slot_count) {
        if (!(t->group_count == t->group_room ? groups_grow(t) : slots_grow(t)))
            return no_memory(err);
        at = group_hash(group, keys) & (t->slot_count - 1);
        while (t->slots[at])
            at = (at + 1) & (t->slot_count - 1);
    }
    t->groups[t->group_count++] = *group;
    t->slots[at] = t->group_count;
    return RC_OK;
}

/* ---- time ---- */

static int64_t step_of(const struct tally *t, int64_t time_ns)
{
    int64_t at = MAX(MIN(time_ns, TIME_EXTREME), -TIME_EXTREME) + t->query->zone_s * SECOND_NS;
    return at / t->query->step_ns - (at % t->query->step_ns < 0);
}

static int64_t step_begin(const struct tally *t, int64_t step)
{
    return step * t->query->step_ns - t->query->zone_s * SECOND_NS;
}

/* ---- a block ---- */

/* The records of a block that are counted, renumbered key after key: number i of a level stands for distinct[i], which
 * is the number of the level before times `room` plus the value. */
struct level {
    uint64_t *distinct;
    uint64_t room;
    const struct str *value; /* NULL: steps of time from `first` on */
    int64_t first;
    uint32_t *known; /* value -> its number in the tally + 1; 0: not asked yet, or past the limits */
};

struct counting {
    struct tally *tally;
    struct arena *arena;
    uint32_t *position;
    uint32_t *number;
    uint64_t *key;
    uint32_t records;
    uint32_t count; /* of numbers */
    struct level level[LEVELS_MAX];
    uint32_t levels;
};

/* key[] becomes number[], and `distinct` what each number was. */
static bool renumber(struct counting *c, uint64_t bound, uint64_t *distinct)
{
    uint32_t count = 0;
    bool dense = bound <= DENSE_MAX;
    uint32_t slots = dense ? (uint32_t)bound : 4 * BLOCK_RECORDS_MAX;
    uint32_t *slot = arena_alloc_array(c->arena, slots, sizeof *slot);
    if (!slot)
        return false;
    for (uint32_t i = 0; i < c->records; i++) {
        uint64_t key = c->key[i];
        uint32_t at = dense ? (uint32_t)key : (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
        while (!dense && slot[at] && distinct[slot[at] - 1] != key)
            at = (at + 1) & (slots - 1);
        if (!slot[at]) {
            distinct[count] = key;
            slot[at] = ++count;
        }
        c->number[i] = slot[at] - 1;
    }
    c->count = count;
    return true;
}

static enum rc level_add(struct counting *c, const struct block_values *values, struct err *err)
{
    struct level *level = &c->level[c->levels++];
    *level = (struct level){.room = values->count, .value = values->value};
    level->distinct = arena_alloc_raw(c->arena, c->records * sizeof *level->distinct);
    level->known = arena_alloc_array(c->arena, values->count, sizeof *level->known);
    if (!level->distinct || !level->known)
        return no_memory(err);
    for (uint32_t i = 0; i < c->records; i++)
        c->key[i] = c->number[i] * level->room + values->of[c->position[i]];
    return renumber(c, c->count * level->room, level->distinct) ? RC_OK : no_memory(err);
}

static enum rc level_time(struct counting *c, struct block *block, struct err *err)
{
    const struct tally *t = c->tally;
    const int64_t *times;
    enum rc rc = block_times(block, c->arena, &times, err);
    if (rc != RC_OK)
        return rc;
    struct level *level = &c->level[c->levels++];
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    for (uint32_t i = 0; i < c->records; i++) {
        first = MIN(first, times[c->position[i]]);
        last = MAX(last, times[c->position[i]]);
    }
    *level = (struct level){.first = step_of(t, first)};
    level->room = (uint64_t)(step_of(t, last) - level->first) + 1;
    level->distinct = arena_alloc_raw(c->arena, c->records * sizeof *level->distinct);
    if (!level->distinct)
        return no_memory(err);
    int64_t begin = 1;
    int64_t end = 0;
    uint64_t key = 0;
    for (uint32_t i = 0; i < c->records; i++) {
        int64_t time = times[c->position[i]];
        if (time < begin || time >= end) { /* neighbours mostly share their step */
            int64_t step = step_of(t, time);
            begin = step_begin(t, step);
            end = begin + t->query->step_ns;
            key = (uint64_t)(step - level->first);
        }
        c->key[i] = key;
    }
    return renumber(c, level->room, level->distinct) ? RC_OK : no_memory(err);
}

static enum rc groups_add(struct counting *c, struct err *err)
{
    struct tally *t = c->tally;
    uint32_t *counts = arena_alloc_array(c->arena, c->count, sizeof *counts);
    if (!counts)
        return no_memory(err);
    for (uint32_t i = 0; i < c->records; i++)
        counts[c->number[i]]++;
    for (uint32_t n = 0; n < c->count; n++) {
        struct group group = {.count = counts[n]};
        uint32_t key = t->query->by_count;
        uint64_t at = n;
        bool lost = false;
        for (uint32_t l = c->levels; l > 0; l--) {
            struct level *level = &c->level[l - 1];
            uint64_t value = level->distinct[at] % level->room;
            at = level->distinct[at] / level->room;
            if (!level->value) {
                group.step = level->first + (int64_t)value;
                continue;
            }
            key--;
            if (!level->known[value])
                level->known[value] = value_number(t, key, level->value[value]) + 1;
            lost = lost || level->known[value] == 0;
            group.value[key] = level->known[value] - 1;
        }
        if (lost) {
            t->lost += group.count;
            continue;
        }
        enum rc rc = group_add(t, &group, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

/* Counted by one key alone, which needs no renumbering. */
static enum rc tally_one_key(struct tally *t, struct block_search *search, const uint64_t *bits, uint32_t matches,
                             struct err *err)
{
    struct block_values values;
    uint32_t count = block_count(search->block);
    enum rc rc = block_search_key(search, &t->query->by[0], &values, err);
    if (rc != RC_OK)
        return rc;
    uint32_t *counts = arena_alloc_array(search->arena, values.count, sizeof *counts);
    if (!counts)
        return no_memory(err);
    for (uint32_t i = 0; matches == count && i < count; i++)
        counts[values.of[i]]++;
    for (uint32_t i = bits_next(bits, 0, count); matches < count && i < count; i = bits_next(bits, i + 1, count))
        counts[values.of[i]]++;
    for (uint32_t i = 0; i < values.count && rc == RC_OK; i++) {
        struct group group = {.count = counts[i]};
        if (!counts[i])
            continue;
        group.value[0] = value_number(t, 0, values.value[i]);
        if (group.value[0] == UINT32_MAX)
            t->lost += counts[i];
        else
            rc = group_add(t, &group, err);
    }
    return rc;
}

enum rc tally_block(struct tally *tally, struct block_search *search, const uint64_t *bits, uint32_t matches,
                    struct err *err)
{
    struct counting c = {.tally = tally, .arena = search->arena, .records = matches, .count = 1};
    const struct query *q = tally->query;
    uint32_t count = block_count(search->block);
    if (tally_is_plain(tally) || !matches)
        return matches ? tally_records(tally, matches, err) : RC_OK;
    if (q->by_count == 1 && q->output == OUTPUT_COUNT)
        return tally_one_key(tally, search, bits, matches, err);
    c.position = arena_alloc_raw(c.arena, matches * sizeof *c.position);
    c.number = arena_alloc_array(c.arena, matches, sizeof *c.number);
    c.key = arena_alloc_raw(c.arena, matches * sizeof *c.key);
    if (!c.position || !c.number || !c.key)
        return no_memory(err);
    uint32_t n = 0;
    for (uint32_t i = bits_next(bits, 0, count); i < count && n < matches; i = bits_next(bits, i + 1, count))
        c.position[n++] = i;
    ASSERT(n == matches);
    enum rc rc = q->output == OUTPUT_TIMECHART ? level_time(&c, search->block, err) : RC_OK;
    for (uint32_t i = 0; i < q->by_count && rc == RC_OK; i++) {
        struct block_values values;
        rc = block_search_key(search, &q->by[i], &values, err);
        rc = rc == RC_OK ? level_add(&c, &values, err) : rc;
    }
    return rc == RC_OK ? groups_add(&c, err) : rc;
}

/* ---- single records ---- */

enum rc tally_hit(struct tally *tally, const struct archive_hit *hit, const struct names *names, struct err *err)
{
    const struct query *q = tally->query;
    struct group group = {.count = 1};
    if (q->output == OUTPUT_TIMECHART)
        group.step = step_of(tally, hit->event.time_ns);
    for (uint32_t i = 0; i < q->by_count; i++) {
        char room[QUERY_CELL_MAX];
        int64_t number = 0;
        group.value[i] = value_number(tally, i, query_key_text(&q->by[i], hit, names, room, &number));
        if (group.value[i] == UINT32_MAX) {
            tally->lost++;
            return RC_OK;
        }
    }
    return group_add(tally, &group, err);
}

bool tally_is_plain(const struct tally *tally)
{
    return tally->query->output == OUTPUT_COUNT && !tally->query->by_count;
}

enum rc tally_records(struct tally *tally, uint64_t count, struct err *err)
{
    ASSERT(tally_is_plain(tally));
    struct group group = {.count = count};
    return group_add(tally, &group, err);
}

/* ---- the table ---- */

/* Rows are groups; `base` says which column of the whole table stands at a place now. */
struct making {
    const struct tally *tally;
    const struct group **row;
    size_t rows;
    uint32_t base[QUERY_COLUMNS_MAX];
    uint32_t columns;
    const struct query_stage *sort;
};

/* Columns of the whole table: time of a chart, keys, count. */
static enum query_column_kind base_kind(const struct tally *t, uint32_t base)
{
    uint32_t chart = t->query->output == OUTPUT_TIMECHART;
    return chart && base == 0                  ? QUERY_COLUMN_MOMENT
           : base - chart < t->query->by_count ? QUERY_COLUMN_TEXT
                                               : QUERY_COLUMN_COUNT;
}

static struct search_cell base_cell(const struct tally *t, const struct group *group, uint32_t base)
{
    uint32_t chart = t->query->output == OUTPUT_TIMECHART;
    switch (base_kind(t, base)) {
    case QUERY_COLUMN_MOMENT:
        return (struct search_cell){.number = step_begin(t, group->step)};
    case QUERY_COLUMN_COUNT:
        return (struct search_cell){.number = (int64_t)group->count};
    case QUERY_COLUMN_TEXT:
        break;
    }
    return (struct search_cell){.text = value_text(t, base - chart, group->value[base - chart])};
}

static int text_compare(struct str a, struct str b)
{
    char folded_a[256];
    char folded_b[256];
    a = str_slice(a, 0, sizeof folded_a);
    b = str_slice(b, 0, sizeof folded_b);
    word_fold_text(a, folded_a);
    word_fold_text(b, folded_b);
    return str_compare(str_at(folded_a, a.n), str_at(folded_b, b.n));
}

int search_cell_compare(const struct search_cell *a, const struct search_cell *b, enum query_column_kind kind,
                        bool falling)
{
    int sign = falling ? -1 : 1;
    double x = 0;
    double y = 0;
    if (kind != QUERY_COLUMN_TEXT)
        return a->number < b->number ? -sign : a->number > b->number ? sign : 0;
    if (!a->text.n || !b->text.n)
        return (a->text.n == 0) - (b->text.n == 0);
    bool number_a = str_to_double(a->text, &x);
    bool number_b = str_to_double(b->text, &y);
    if (number_a != number_b)
        return number_a ? -sign : sign;
    if (number_a && x != y)
        return x < y ? -sign : sign;
    return sign * (number_a ? str_compare(a->text, b->text) : text_compare(a->text, b->text));
}

/* Whatever two rows of equal keys are, they stand in one order: by all columns. */
static int row_compare(const void *x, const void *y, void *context)
{
    const struct making *m = context;
    const struct tally *t = m->tally;
    const struct group *a = *(const struct group *const *)x;
    const struct group *b = *(const struct group *const *)y;
    int order = 0;
    for (uint32_t i = 0; m->sort && i < m->sort->key_count && !order; i++) {
        uint32_t base = m->base[m->sort->keys[i].column];
        struct search_cell cell_a = base_cell(t, a, base);
        struct search_cell cell_b = base_cell(t, b, base);
        order = search_cell_compare(&cell_a, &cell_b, base_kind(t, base), m->sort->keys[i].falling);
    }
    if (!order)
        order = a->step < b->step ? -1 : a->step > b->step;
    if (!order && (m->sort || t->query->output == OUTPUT_COUNT))
        order = a->count > b->count ? -1 : a->count < b->count;
    for (uint32_t i = 0; i < t->query->by_count && !order; i++)
        order = str_compare(value_text(t, i, a->value[i]), value_text(t, i, b->value[i]));
    return order;
}

static void stage_apply(struct making *m, const struct query_stage *stage)
{
    uint32_t base[QUERY_COLUMNS_MAX];
    switch (stage->kind) {
    case STAGE_HEAD:
        m->rows = MIN(m->rows, stage->head);
        return;
    case STAGE_SORT:
        m->sort = stage;
        qsort_r(m->row, m->rows, sizeof *m->row, row_compare, m);
        return;
    case STAGE_FIELDS:
        for (uint32_t i = 0; i < stage->key_count; i++)
            base[i] = m->base[stage->keys[i].column];
        memcpy(m->base, base, stage->key_count * sizeof *base);
        m->columns = stage->key_count;
        return;
    }
}

enum rc tally_table(const struct tally *tally, struct arena *arena, struct search_table *ret_table, struct err *err)
{
    const struct query *q = tally->query;
    static const struct group none;
    struct making m = {.tally = tally, .rows = tally->group_count};
    bool plain_zero = tally_is_plain(tally) && !m.rows; /* nothing counted is 0 */
    m.rows += plain_zero;
    m.row = arena_alloc_array(arena, m.rows, sizeof *m.row);
    if (!m.row)
        return no_memory(err);
    for (uint32_t i = 0; i < tally->group_count; i++)
        m.row[i] = &tally->groups[i];
    if (plain_zero)
        m.row[0] = &none;
    m.columns = q->by_count + 1 + (q->output == OUTPUT_TIMECHART);
    for (uint32_t i = 0; i < m.columns; i++)
        m.base[i] = i;
    qsort_r(m.row, m.rows, sizeof *m.row, row_compare, &m);
    for (uint32_t i = 0; i < q->stage_count; i++)
        stage_apply(&m, &q->stages[i]);
    struct search_table *table = ret_table;
    *table = (struct search_table){.rows = m.rows, .lost = tally->lost};
    table->columns = query_columns(q, table->column, ARRAY_LEN(table->column));
    ASSERT(table->columns == m.columns);
    struct search_cell *cells = arena_alloc_array(arena, m.rows * m.columns, sizeof *cells);
    if (!cells)
        return no_memory(err);
    for (size_t r = 0; r < m.rows; r++)
        for (uint32_t i = 0; i < m.columns; i++)
            cells[r * m.columns + i] = base_cell(tally, m.row[r], m.base[i]);
    table->cells = cells;
    return RC_OK;
}
