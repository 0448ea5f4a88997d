/* Keys: what an event is counted, sorted and shown by; and the columns of an answer. */
#include "archive/query_state.h"
#include "archive/words.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"

#include <string.h>

bool query_key_is_moment(const struct query_key *key)
{
    return key->kind == KEY_TIME || key->kind == KEY_RECEIVED;
}

static struct str field_text(const struct query_key *key, const struct archive_hit *hit, const struct names *names)
{
    char folded[256];
    if (key->statutory < STATUTORY_COUNT && hit->event.statutory[key->statutory].n)
        return hit->event.statutory[key->statutory];
    for (uint32_t i = 0; names && i < hit->event.field_count; i++) {
        struct str name = names_text(names, hit->event.fields[i].name);
        if (name.n != key->name.n || name.n > sizeof folded)
            continue;
        word_fold_text(name, folded);
        if (memcmp(folded, key->name.p, name.n) == 0)
            return hit->event.fields[i].value;
    }
    return STR_NONE;
}

/* An introduced source has a name. */
static struct str source_text(const struct archive_hit *hit)
{
    return hit->source.name.n ? hit->source.name : hit->source.kind;
}

struct str query_key_text(const struct query_key *key, const struct archive_hit *hit, const struct names *names,
                          char *room, int64_t *ret_number)
{
    struct buf out;
    buf_init_fixed(&out, room, QUERY_CELL_MAX);
    switch (key->kind) {
    case KEY_FIELD:
        return field_text(key, hit, names);
    case KEY_TIME:
        *ret_number = hit->event.time_ns;
        return STR_NONE;
    case KEY_RECEIVED:
        *ret_number = hit->leaf.received_ns;
        return STR_NONE;
    case KEY_RECORD:
        buf_u64(&out, hit->leaf.index);
        return buf_view(&out);
    case KEY_SOURCE:
        return source_text(hit);
    case KEY_TRANSPORT:
        return str_of(transport_name(hit->leaf.transport));
    case KEY_PARSER:
        return str_of(hit->event.parser);
    case KEY_TYPE:
        return str_of(leaf_type_name(hit->leaf.type));
    case KEY_RULE:
        for (size_t i = 0; i < hit->rule_count; i++) {
            if (i)
                buf_text(&out, ", ");
            buf_str(&out, hit->rules[i]);
        }
        return buf_view(&out);
    case KEY_RAW:
        return hit->raw;
    }
    return STR_NONE;
}

/* ---- columns ---- */

bool query_is_filter(const struct query *query)
{
    return !query_counts(query) && !query->stage_count;
}

bool query_counts(const struct query *query)
{
    return query->output != OUTPUT_EVENTS;
}

int64_t query_step(const struct query *query)
{
    return query->output == OUTPUT_TIMECHART ? query->step_ns : 0;
}

uint64_t query_head(const struct query *query)
{
    uint64_t head = 0;
    for (uint32_t i = 0; i < query->stage_count && query->output == OUTPUT_EVENTS; i++)
        if (query->stages[i].kind == STAGE_HEAD)
            head = head ? MIN(head, query->stages[i].head) : query->stages[i].head;
    return head;
}

/* The last `fields`; NULL when there is none. */
static const struct query_stage *chosen(const struct query *query)
{
    for (uint32_t i = query->stage_count; i > 0; i--)
        if (query->stages[i - 1].kind == STAGE_FIELDS)
            return &query->stages[i - 1];
    return NULL;
}

static enum query_column_kind column_kind(const struct query *query, const struct query_key *key)
{
    if (query->output == OUTPUT_EVENTS)
        return query_key_is_moment(key) ? QUERY_COLUMN_MOMENT : QUERY_COLUMN_TEXT;
    return str_is(key->name, "count")                                       ? QUERY_COLUMN_COUNT
           : query->output == OUTPUT_TIMECHART && str_is(key->name, "time") ? QUERY_COLUMN_MOMENT
                                                                            : QUERY_COLUMN_TEXT;
}

size_t query_columns(const struct query *query, struct query_column *ret_columns, size_t size)
{
    const struct query_stage *stage = chosen(query);
    size_t n = 0;
    ASSERT(size >= QUERY_COLUMNS_MAX);
    for (uint32_t i = 0; stage && i < stage->key_count; i++)
        ret_columns[n++] =
            (struct query_column){.name = stage->keys[i].shown, .kind = column_kind(query, &stage->keys[i])};
    if (stage || query->output == OUTPUT_EVENTS)
        return n;
    if (query->output == OUTPUT_TIMECHART)
        ret_columns[n++] = (struct query_column){.name = STR("time"), .kind = QUERY_COLUMN_MOMENT};
    for (uint32_t i = 0; i < query->by_count; i++)
        ret_columns[n++] = (struct query_column){.name = query->by[i].shown, .kind = QUERY_COLUMN_TEXT};
    ret_columns[n++] = (struct query_column){.name = STR("count"), .kind = QUERY_COLUMN_COUNT};
    return n;
}

struct str query_cell(const struct query *query, size_t column, const struct archive_hit *hit,
                      const struct names *names, char *room, int64_t *ret_number)
{
    const struct query_stage *stage = chosen(query);
    ASSERT(stage && column < stage->key_count);
    return query_key_text(&stage->keys[column], hit, names, room, ret_number);
}
