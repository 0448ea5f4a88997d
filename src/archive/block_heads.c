/* Writing a block: what each record has of its leaf, one pass over the records for all of these columns. */
#include "archive/block_write.h"
#include "archive/varint.h"
#include "base/bytes.h"

#define VARINT_MAX 10
#define SECOND_NS  INT64_C(1000000000)

enum head {
    HEAD_NUMBER,
    HEAD_ORIGIN,
    HEAD_WAY,
    HEAD_RULE_SET,
    HEAD_FORM, /* of planes */
    HEAD_RECEIVED,
    HEAD_BOOT,
    HEAD_SOURCE_TIME,
    HEAD_TIME,
    HEAD_TIME_UNIT,
    HEAD_SEQUENCE,
    HEAD_COUNT
};

static const struct {
    enum column column;
    uint8_t room; /* bytes a record takes at most */
} heads[HEAD_COUNT] = {
    [HEAD_NUMBER] = {COLUMN_NUMBER, VARINT_MAX},
    [HEAD_ORIGIN] = {COLUMN_ORIGIN, VARINT_MAX},
    [HEAD_WAY] = {COLUMN_WAY, VARINT_MAX},
    [HEAD_RULE_SET] = {COLUMN_RULE_SET, VARINT_MAX},
    [HEAD_FORM] = {COLUMN_FORM, 2},
    [HEAD_RECEIVED] = {COLUMN_RECEIVED, VARINT_MAX},
    [HEAD_BOOT] = {COLUMN_BOOT, VARINT_MAX},
    [HEAD_SOURCE_TIME] = {COLUMN_SOURCE_TIME, 1 + VARINT_MAX},
    [HEAD_TIME] = {COLUMN_TIME, VARINT_MAX},
    [HEAD_TIME_UNIT] = {COLUMN_TIME_UNIT, 1},
    [HEAD_SEQUENCE] = {COLUMN_SEQUENCE, VARINT_MAX},
};

/* What the next deltas are from. */
struct before {
    uint64_t number;
    uint64_t received;
    uint64_t behind; /* boot less received */
    int64_t time;
    uint64_t *sequences; /* of each origin */
};

static inline void put_svarint(char **at, uint64_t value)
{
    *at = put_varint(*at, value << 1 ^ (0 - (value >> 63)));
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The divisors stand here as constants: division by what is not known is slow. */
static inline void put_event_time(char *pens[HEAD_COUNT], const struct record *r, struct before *before)
{
    int64_t time = r->time_ns;
    int64_t last = before->time;
    enum time_unit unit = TIME_RECEIVED;
    if (time != r->received_ns) {
        int64_t step;
        if (time % SECOND_NS == 0) {
            unit = TIME_S;
            step = time / SECOND_NS - floor_div(last, SECOND_NS);
        } else if (time % 1000000 == 0) {
            unit = TIME_MS;
            step = time / 1000000 - floor_div(last, 1000000);
        } else if (time % 1000 == 0) {
            unit = TIME_US;
            step = time / 1000 - floor_div(last, 1000);
        } else {
            unit = TIME_NS;
            step = (int64_t)((uint64_t)time - (uint64_t)last);
        }
        put_svarint(&pens[HEAD_TIME], (uint64_t)step);
        before->time = time;
    }
    *pens[HEAD_TIME_UNIT]++ = (char)unit;
}

static inline void put_heads(char *pens[HEAD_COUNT], const struct record *r, struct before *before)
{
    uint64_t received = (uint64_t)r->received_ns;
    uint64_t behind = r->received_boot_ns - received;
    uint64_t source = (uint64_t)r->source_ns;
    pens[HEAD_NUMBER] = put_varint(pens[HEAD_NUMBER], r->index - before->number);
    pens[HEAD_ORIGIN] = put_varint(pens[HEAD_ORIGIN], r->origin);
    pens[HEAD_WAY] = put_varint(pens[HEAD_WAY], r->way);
    pens[HEAD_RULE_SET] = put_varint(pens[HEAD_RULE_SET], r->rules);
    put_svarint(&pens[HEAD_RECEIVED], received - before->received);
    put_svarint(&pens[HEAD_BOOT], behind - before->behind);
    *pens[HEAD_SOURCE_TIME]++ = source != 0;
    if (source)
        put_svarint(&pens[HEAD_SOURCE_TIME], source - received);
    put_event_time(pens, r, before);
    put_svarint(&pens[HEAD_SEQUENCE], r->sequence - before->sequences[r->origin]);
    before->number = r->index;
    before->received = received;
    before->behind = behind;
    before->sequences[r->origin] = r->sequence;
}

bool write_heads(struct writer *w)
{
    const struct block_builder *b = w->b;
    char *pens[HEAD_COUNT];
    char *begins[HEAD_COUNT];
    size_t room = 0;
    for (size_t i = 0; i < HEAD_COUNT; i++)
        room += heads[i].room * b->count;
    uint64_t *sequences = memory_new(map_count(b->origins) * sizeof *sequences);
    char *p = buf_reserve(&w->b->column, room);
    if (!sequences || !p) {
        memory_free(sequences);
        return false;
    }
    for (size_t i = 0; i < HEAD_COUNT; i++) {
        pens[i] = begins[i] = p;
        p += heads[i].room * b->count;
    }
    struct before before = {.time = b->records[0].received_ns, .sequences = sequences};
    bool wide = b->use_count > UINT8_MAX + 1;
    for (size_t i = 0; i < b->count; i++) {
        put_heads(pens, &b->records[i], &before);
        begins[HEAD_FORM][i] = (char)b->records[i].form;
        begins[HEAD_FORM][i + (wide ? b->count : 0)] = (char)(wide ? b->records[i].form >> 8 : b->records[i].form);
    }
    pens[HEAD_FORM] = begins[HEAD_FORM] + (wide ? 2 : 1) * b->count;
    memory_free(sequences);
    for (size_t i = 0; i < HEAD_COUNT; i++)
        column_put(w, str_at(begins[i], (size_t)(pens[i] - begins[i])), heads[i].column);
    return true;
}
