#include "role/engine_blocks.h"

#include "archive/block.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define RING_MAX  (BLOCKS_HELD_MAX + 2 * BLOCKS_READY_MAX)
#define HITS_ROOM ((size_t)1 << 20) /* their texts */

/* waiting ──(no event has a piece in it, or it waited too long)──► ready ──► gone */
struct kept {
    uint64_t first;
    uint64_t last;
    uint64_t match; /* when it is ready */
    uint32_t ticks;
    uint32_t hit_count;
    struct buf bytes;
    struct buf hits; /* be64 record, varint length and bytes of the rule each */
};

struct engine_blocks {
    struct kept ring[RING_MAX];
    size_t first;
    size_t count;
    size_t ready;      /* of them, the oldest */
    size_t held_bytes; /* of those that wait */
    uint64_t early;
    uint64_t unwritten;
    uint64_t unwritten_record;
};

struct engine_blocks *engine_blocks_new(void)
{
    return memory_new(sizeof(struct engine_blocks));
}

static struct kept *kept_at(struct engine_blocks *blocks, size_t i)
{
    ASSERT(i < blocks->count);
    return &blocks->ring[(blocks->first + i) % RING_MAX];
}

static void kept_done(struct kept *kept)
{
    buf_done(&kept->bytes);
    buf_done(&kept->hits);
}

void engine_blocks_clear(struct engine_blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        kept_done(kept_at(blocks, i));
    blocks->first = blocks->count = blocks->ready = blocks->held_bytes = 0;
}

void engine_blocks_free(struct engine_blocks *blocks)
{
    if (!blocks)
        return;
    engine_blocks_clear(blocks);
    memory_free(blocks);
}

enum rc engine_blocks_put(struct engine_blocks *blocks, struct buf *bytes, struct err *err)
{
    struct block_info info;
    ASSERT(blocks->count < RING_MAX);
    enum rc rc = block_info_read(buf_view(bytes), &info, err);
    if (rc != RC_OK) {
        buf_done(bytes);
        return rc;
    }
    ASSERT(blocks->count == 0 || kept_at(blocks, blocks->count - 1)->last < info.first);
    struct kept *kept = &blocks->ring[(blocks->first + blocks->count++) % RING_MAX];
    *kept = (struct kept){.first = info.first, .last = info.last, .bytes = *bytes};
    buf_init(&kept->hits, HITS_ROOM);
    blocks->held_bytes += kept->bytes.capacity;
    return RC_OK;
}

/* Records of one engine rise, but not without gaps: which of them a block has is looked at when they are written. */
static struct kept *waiting_find(struct engine_blocks *blocks, uint64_t record)
{
    size_t low = blocks->ready;
    size_t high = blocks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (kept_at(blocks, middle)->last < record)
            low = middle + 1;
        else
            high = middle;
    }
    return low < blocks->count && kept_at(blocks, low)->first <= record ? kept_at(blocks, low) : NULL;
}

bool engine_blocks_hit(struct engine_blocks *blocks, uint64_t record, struct str rule)
{
    struct kept *kept = waiting_find(blocks, record);
    if (!kept || kept->hit_count == BLOCK_HITS_MAX || kept->hits.n + rule.n + 32 > HITS_ROOM)
        return false;
    buf_be64(&kept->hits, record);
    buf_varint(&kept->hits, rule.n);
    buf_str(&kept->hits, rule);
    kept->hit_count += !kept->hits.overflow;
    return !kept->hits.overflow;
}

/* Its hits are written: they are as many as were taken, so that each is in the block or counted. */
static void hits_write(struct engine_blocks *blocks, struct kept *kept)
{
    static struct block_hit hits[BLOCK_HITS_MAX];
    struct reader in = reader_of(buf_view(&kept->hits));
    struct buf out;
    struct err err;
    size_t added = 0;
    for (uint32_t i = 0; i < kept->hit_count; i++) {
        hits[i].record = read_be64(&in);
        hits[i].rule = read_bytes(&in, (size_t)read_varint(&in));
    }
    buf_init(&out, BLOCK_SIZE_MAX);
    enum rc rc = block_hits_add(buf_view(&kept->bytes), hits, kept->hit_count, &out, &added, &err);
    uint64_t left_out = kept->hit_count - (rc == RC_OK ? added : 0);
    blocks->unwritten += left_out;
    blocks->unwritten_record = left_out ? kept->first : blocks->unwritten_record;
    if (rc != RC_OK) {
        buf_done(&out);
        return; /* the block leaves as it was */
    }
    buf_done(&kept->bytes);
    kept->bytes = out;
}

static void next_is_ready(struct engine_blocks *blocks, uint64_t match)
{
    struct kept *kept = kept_at(blocks, blocks->ready);
    ASSERT(blocks->held_bytes >= kept->bytes.capacity);
    blocks->held_bytes -= kept->bytes.capacity;
    blocks->ready++;
    kept->match = match;
    if (kept->hit_count)
        hits_write(blocks, kept);
    buf_done(&kept->hits);
}

void engine_blocks_settle(struct engine_blocks *blocks, uint64_t pending, uint64_t match)
{
    while (blocks->ready < blocks->count) {
        const struct kept *kept = kept_at(blocks, blocks->ready);
        bool waits = pending <= kept->last;
        bool over = kept->ticks >= BLOCKS_HELD_TICKS || blocks->count - blocks->ready > BLOCKS_HELD_MAX ||
                    blocks->held_bytes > BLOCKS_HELD_BYTES;
        if (waits && !over)
            return;
        blocks->early += waits;
        next_is_ready(blocks, match);
    }
}

void engine_blocks_tick(struct engine_blocks *blocks)
{
    for (size_t i = blocks->ready; i < blocks->count; i++)
        kept_at(blocks, i)->ticks++;
}

struct str engine_blocks_next(struct engine_blocks *blocks, uint64_t match)
{
    if (blocks->ready == 0 || kept_at(blocks, 0)->match > match)
        return STR_NONE;
    return buf_view(&kept_at(blocks, 0)->bytes);
}

void engine_blocks_sent(struct engine_blocks *blocks)
{
    ASSERT(blocks->ready > 0);
    kept_done(kept_at(blocks, 0));
    blocks->first = (blocks->first + 1) % RING_MAX;
    blocks->count--;
    blocks->ready--;
}

bool engine_blocks_full(const struct engine_blocks *blocks)
{
    return blocks->ready + 4 > BLOCKS_READY_MAX;
}

bool engine_blocks_held(const struct engine_blocks *blocks)
{
    return blocks->ready < blocks->count;
}

uint64_t engine_blocks_early(const struct engine_blocks *blocks)
{
    return blocks->early;
}

uint64_t engine_blocks_unwritten(const struct engine_blocks *blocks, uint64_t *ret_record)
{
    *ret_record = blocks->unwritten_record;
    return blocks->unwritten;
}
