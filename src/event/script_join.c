#include "event/script_join.h"

#include "base/assert.h"
#include "event/audit_join.h"

#include <string.h>

#define NOWHERE (-1)

static void block_empty(struct script_join *join, struct script_block *block)
{
    ASSERT(join->held >= block->text.n + block->record_text.n);
    join->held -= block->text.n + block->record_text.n;
    buf_done(&block->text);
    buf_done(&block->record_text);
    block->count = 0;
}

void script_join_done(struct script_join *join)
{
    for (uint32_t i = 0; i < join->count; i++)
        block_empty(join, &join->blocks[i]);
    memory_free(join->blocks);
    *join = (struct script_join){0};
}

static int find(const struct script_join *join, const struct event_source *source, const struct script_piece *piece)
{
    for (uint32_t i = join->count; i-- > 0;) {
        const struct script_block *block = &join->blocks[i];
        if (block->host == piece->host && block->total == piece->total &&
            str_eq(str_at(block->id, block->id_n), piece->block) && memcmp(block->source, source->id, 16) == 0)
            return (int)i;
    }
    return NOWHERE;
}

int script_join_full(const struct script_join *join, const struct event_source *source,
                     const struct script_piece *piece, bool *ret_goes_on)
{
    int at = find(join, source, piece);
    size_t more = piece->text.n + piece->record_text.n;
    if (at != NOWHERE) {
        const struct script_block *block = &join->blocks[at];
        bool full = block->count == SCRIPT_PIECES_MAX || block->text.n + piece->text.n > SCRIPT_TEXT_MAX;
        *ret_goes_on = true;
        if (full && block->count)
            return at;
    }
    *ret_goes_on = false;
    bool crowded = join->count == SCRIPTS_MAX && at == NOWHERE;
    bool heavy = join->held + more > SCRIPTS_TEXT_MAX;
    return join->count && (crowded || heavy) ? 0 : NOWHERE;
}

static struct script_block *block_new(struct script_join *join, const struct event_source *source,
                                      const struct script_piece *piece)
{
    ASSERT(piece->block.n > 0 && piece->block.n <= SCRIPT_ID_MAX);
    if (!join->blocks)
        join->blocks = memory_new(SCRIPTS_MAX * sizeof *join->blocks);
    if (!join->blocks || join->count == SCRIPTS_MAX)
        return NULL;
    struct script_block *block = &join->blocks[join->count++];
    memset(block, 0, sizeof *block);
    memcpy(block->source, source->id, sizeof block->source);
    memcpy(block->id, piece->block.p, piece->block.n);
    block->id_n = piece->block.n;
    block->host = piece->host;
    block->total = piece->total;
    block->time_ns = piece->time_ns;
    buf_init(&block->text, SCRIPT_TEXT_MAX);
    buf_init(&block->record_text, SCRIPTS_TEXT_MAX);
    block->kind = source_kind_constant(source->kind);
    block->name_n = MIN(source->name.n, sizeof block->name);
    if (block->name_n)
        memcpy(block->name, source->name.p, block->name_n);
    return block;
}

/* False when it is there already. */
static bool part_place(struct script_block *block, const struct script_piece *piece)
{
    uint32_t at = block->count;
    while (at > 0 && block->part[at - 1].number > piece->number)
        at--;
    if (at > 0 && block->part[at - 1].number == piece->number)
        return false;
    memmove(block->part + at + 1, block->part + at, (block->count - at) * sizeof block->part[0]);
    block->part[at] = (struct script_part){piece->number, piece->record, block->text.n, piece->text.n};
    block->count++;
    return true;
}

bool script_block_whole(const struct script_block *block)
{
    return block->given + block->count >= block->total;
}

int script_join_add(struct script_join *join, const struct event_source *source, const struct script_piece *piece)
{
    int at = find(join, source, piece);
    struct script_block *block = at == NOWHERE ? block_new(join, source, piece) : &join->blocks[at];
    ASSERT(piece->number > 0 && piece->number <= piece->total);
    if (!block || block->count == SCRIPT_PIECES_MAX || block->text.n + piece->text.n > SCRIPT_TEXT_MAX) {
        join->incomplete += !block;
        return NOWHERE;
    }
    block->received_ns = piece->received_ns;
    block->time_ns = MAX(block->time_ns, piece->time_ns);
    if (!part_place(block, piece))
        return NOWHERE;
    join->held -= block->text.n + block->record_text.n;
    buf_str(&block->text, piece->text);
    if (block->part[0].number == piece->number) {
        buf_clear(&block->record_text);
        buf_str(&block->record_text, piece->record_text);
    }
    join->held += block->text.n + block->record_text.n;
    return script_block_whole(block) ? (int)(block - join->blocks) : NOWHERE;
}

/* At least SCRIPT_WAIT_NS between the two; times come from input and may be extreme. */
static bool is_past(int64_t now_ns, int64_t then_ns)
{
    int64_t age = 0;
    return __builtin_sub_overflow(now_ns, then_ns, &age) ? now_ns > then_ns : age >= SCRIPT_WAIT_NS;
}

int script_join_due(const struct script_join *join, const uint8_t source[16], uint64_t host, int64_t event_ns)
{
    for (uint32_t i = 0; i < join->count; i++) {
        const struct script_block *block = &join->blocks[i];
        if (block->host == host && is_past(event_ns, block->time_ns) && memcmp(block->source, source, 16) == 0)
            return (int)i;
    }
    return NOWHERE;
}

int script_join_stale(const struct script_join *join, int64_t now_ns)
{
    for (uint32_t i = 0; i < join->count; i++)
        if (is_past(now_ns, join->blocks[i].received_ns))
            return (int)i;
    return NOWHERE;
}

struct str script_block_text(const struct script_block *block, struct arena *arena)
{
    char *text = block->text.overflow ? NULL : arena_alloc_raw(arena, block->text.n + block->count + 1);
    size_t n = 0;
    if (!text)
        return STR_NONE;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct script_part *part = &block->part[i];
        if (i > 0 && part->number != block->part[i - 1].number + 1)
            text[n++] = '\n';
        if (part->n)
            memcpy(text + n, block->text.p + part->at, part->n);
        n += part->n;
    }
    return str_at(text, n);
}

void script_join_remove(struct script_join *join, int at, bool goes_on)
{
    ASSERT(at >= 0 && (uint32_t)at < join->count);
    struct script_block *block = &join->blocks[at];
    bool whole = script_block_whole(block);
    join->incomplete += !whole && block->given == 0; /* a block counts once */
    block->given += block->count;
    block_empty(join, block);
    if (goes_on && !whole)
        return;
    memmove(block, block + 1, (join->count - (uint32_t)at - 1) * sizeof *block);
    join->count--;
}
