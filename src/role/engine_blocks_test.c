/* Blocks that wait for events: what hits them comes into them, they leave in order, and no more wait than may. */
#include "role/engine_blocks.h"

#include "archive/block.h"
#include "base/arena.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

static const uint64_t key[2] = {5, 6};
static const struct str rule = STR_INIT("3f1c0000-0000-4000-8000-000000000001");

/* A block of `count` records from `first` on. */
static void put(struct engine_blocks *blocks, struct block_builder *builder, uint64_t first, size_t count)
{
    struct buf bytes;
    struct err err;
    char text[32];
    for (uint64_t i = first; i < first + count; i++) {
        size_t n = (size_t)snprintf(text, sizeof text, "record %llu", (unsigned long long)i);
        struct leaf leaf = {.type = LEAF_RAW, .index = i, .source = {1}, .sequence = i, .raw_length = (uint32_t)n};
        CHECK_INT(block_builder_add(builder, &leaf, str_at(text, n), NULL, NULL, 0), RC_OK);
    }
    buf_init(&bytes, BLOCK_SIZE_MAX);
    CHECK_INT(block_builder_finish(builder, &bytes, &err), RC_OK);
    CHECK_INT(engine_blocks_put(blocks, &bytes, &err), RC_OK);
}

static uint64_t first_of(struct str bytes)
{
    struct block_info info;
    CHECK_INT(block_info_read(bytes, &info, NULL), RC_OK);
    return info.first;
}

struct stand {
    struct names *names;
    struct block_builder *builder;
    struct engine_blocks *blocks;
};

static struct stand stand_make(void)
{
    struct stand stand = {.names = names_new(1), .blocks = engine_blocks_new()};
    stand.builder = block_builder_new(stand.names, key);
    CHECK(stand.names && stand.blocks && stand.builder);
    return stand;
}

static void stand_done(struct stand *stand)
{
    engine_blocks_free(stand->blocks);
    block_builder_free(stand->builder);
    names_free(stand->names);
}

/* Every block that is ready leaves; how many, and the first record of the first. */
static size_t leave(struct engine_blocks *blocks, uint64_t match, uint64_t *ret_first)
{
    size_t count = 0;
    struct str block;
    while ((block = engine_blocks_next(blocks, match)).n) {
        if (count++ == 0)
            *ret_first = first_of(block);
        engine_blocks_sent(blocks);
    }
    return count;
}

static void leave_in_order(void)
{
    struct stand s = stand_make();
    uint64_t first = 0;
    for (uint64_t i = 0; i < 5; i++)
        put(s.blocks, s.builder, 10 * i, 10);
    CHECK(engine_blocks_held(s.blocks));
    CHECK_INT(engine_blocks_next(s.blocks, UINT64_MAX).n, 0); /* nothing is known of events */
    engine_blocks_settle(s.blocks, 0, 7);
    CHECK_INT(leave(s.blocks, 7, &first), 0);
    engine_blocks_settle(s.blocks, 19, 7);    /* one has a piece in the last record of the second */
    CHECK_INT(leave(s.blocks, 6, &first), 0); /* the desk lacks a match */
    CHECK_INT(leave(s.blocks, 7, &first), 1);
    CHECK_INT(first, 0);
    engine_blocks_settle(s.blocks, 20, 9);
    engine_blocks_settle(s.blocks, UINT64_MAX, 12);
    CHECK(!engine_blocks_held(s.blocks));
    CHECK_INT(leave(s.blocks, 11, &first), 1);
    CHECK_INT(first, 10);
    CHECK_INT(leave(s.blocks, 12, &first), 3);
    CHECK_INT(first, 20);
    CHECK_INT(engine_blocks_early(s.blocks), 0);
    stand_done(&s);
}

static void hits_of(struct stand *s, struct str bytes, uint64_t record, size_t wanted)
{
    struct arena *arena = arena_new(64 << 20);
    struct block *block;
    struct str rules[4];
    uint32_t position;
    struct err err;
    CHECK_INT(block_decode(&(struct block_bytes){bytes, NULL, s->names}, BLOCK_ALL, arena, &block, &err), RC_OK);
    CHECK(block_find(block, record, &position));
    size_t count = block_rules(block, position, rules, ARRAY_LEN(rules));
    CHECK_INT(count, wanted);
    for (size_t i = 0; i < count; i++)
        CHECK_STR(rules[i], rule);
    arena_free(arena);
}

static void hits_come_into_the_block_that_waits(void)
{
    struct stand s = stand_make();
    uint64_t record;
    put(s.blocks, s.builder, 100, 10);
    CHECK(!engine_blocks_hit(s.blocks, 99, rule));
    CHECK(engine_blocks_hit(s.blocks, 100, rule));
    CHECK(engine_blocks_hit(s.blocks, 109, rule));
    CHECK(engine_blocks_hit(s.blocks, 109, rule));
    CHECK(!engine_blocks_hit(s.blocks, 110, rule));
    engine_blocks_settle(s.blocks, UINT64_MAX, 0);
    CHECK(!engine_blocks_hit(s.blocks, 109, rule)); /* it may be gone at any time */
    struct str bytes = engine_blocks_next(s.blocks, 0);
    hits_of(&s, bytes, 100, 1);
    hits_of(&s, bytes, 104, 0);
    hits_of(&s, bytes, 109, 2);
    engine_blocks_sent(s.blocks);
    CHECK_INT(engine_blocks_unwritten(s.blocks, &record), 0);
    stand_done(&s);
}

/* What is not in the block after all, or has no room, is counted where it is found out. */
static void hits_without_a_place_are_counted(void)
{
    struct stand s = stand_make();
    uint64_t record = 0;
    struct buf bytes;
    struct err err;
    for (uint64_t i = 1; i <= 3; i += 2) { /* between them another engine's */
        struct leaf leaf = {.type = LEAF_RAW, .index = i, .sequence = i, .raw_length = 1};
        CHECK_INT(block_builder_add(s.builder, &leaf, STR("x"), NULL, NULL, 0), RC_OK);
    }
    buf_init(&bytes, BLOCK_SIZE_MAX);
    CHECK_INT(block_builder_finish(s.builder, &bytes, &err), RC_OK);
    CHECK_INT(engine_blocks_put(s.blocks, &bytes, &err), RC_OK);
    CHECK(engine_blocks_hit(s.blocks, 2, rule));
    for (size_t i = 0; i < EVENT_FIELDS_MAX + 2; i++)
        CHECK(engine_blocks_hit(s.blocks, 3, rule));
    for (size_t i = EVENT_FIELDS_MAX + 3; i < BLOCK_HITS_MAX; i++)
        CHECK(engine_blocks_hit(s.blocks, 1, i < 2 * EVENT_FIELDS_MAX ? rule : STR("r")));
    CHECK(!engine_blocks_hit(s.blocks, 1, rule));
    engine_blocks_settle(s.blocks, UINT64_MAX, 0);
    CHECK_INT(engine_blocks_unwritten(s.blocks, &record), BLOCK_HITS_MAX - 2 * EVENT_FIELDS_MAX);
    CHECK_INT(record, 1);
    CHECK(engine_blocks_next(s.blocks, 0).n > 0);
    stand_done(&s);
}

static void too_many_go_on(void)
{
    struct stand s = stand_make();
    uint64_t first = 0;
    for (uint64_t i = 0; i < BLOCKS_HELD_MAX; i++)
        put(s.blocks, s.builder, 10 * i, 2);
    engine_blocks_settle(s.blocks, 0, 1);
    CHECK_INT(leave(s.blocks, 1, &first), 0);
    put(s.blocks, s.builder, 10 * BLOCKS_HELD_MAX, 2);
    engine_blocks_settle(s.blocks, 0, 1);
    CHECK_INT(leave(s.blocks, 1, &first), 1);
    CHECK_INT(first, 0);
    CHECK_INT(engine_blocks_early(s.blocks), 1);
    CHECK(!engine_blocks_hit(s.blocks, 1, rule)); /* it has no place any more, and who asks is told */
    CHECK(engine_blocks_hit(s.blocks, 11, rule));
    for (uint32_t i = 0; i < BLOCKS_HELD_TICKS - 1; i++)
        engine_blocks_tick(s.blocks);
    engine_blocks_settle(s.blocks, 0, 1);
    CHECK_INT(leave(s.blocks, 1, &first), 0);
    put(s.blocks, s.builder, 10 * BLOCKS_HELD_MAX + 10, 2); /* did not wait that long */
    CHECK(!engine_blocks_full(s.blocks));
    engine_blocks_tick(s.blocks);
    engine_blocks_settle(s.blocks, 0, 1);
    CHECK(engine_blocks_full(s.blocks));
    CHECK_INT(leave(s.blocks, 1, &first), BLOCKS_HELD_MAX);
    CHECK_INT(first, 10);
    CHECK_INT(engine_blocks_early(s.blocks), 1 + BLOCKS_HELD_MAX);
    CHECK(engine_blocks_held(s.blocks) && !engine_blocks_full(s.blocks));
    engine_blocks_clear(s.blocks);
    CHECK(!engine_blocks_held(s.blocks) && engine_blocks_next(s.blocks, 1).n == 0);
    stand_done(&s);
}

/* Bytes that do not compress: the bound on them is met first. */
static void too_much_goes_on(void)
{
    struct stand s = stand_make();
    uint64_t state = 88172645463325252u;
    static char text[BLOCK_RAW_MAX];
    uint64_t first = 0;
    size_t put_count = 0;
    while (engine_blocks_early(s.blocks) == 0 && put_count < BLOCKS_HELD_MAX) {
        struct buf bytes;
        struct err err;
        for (size_t i = 0; i + 8 <= sizeof text; i += 8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            memcpy(text + i, &state, 8);
        }
        struct leaf leaf = {.type = LEAF_DIGEST, .index = put_count++, .raw_length = sizeof text};
        CHECK_INT(block_builder_add(s.builder, &leaf, str_at(text, sizeof text), NULL, NULL, 0), RC_OK);
        buf_init(&bytes, BLOCK_SIZE_MAX);
        CHECK_INT(block_builder_finish(s.builder, &bytes, &err), RC_OK);
        CHECK_INT(engine_blocks_put(s.blocks, &bytes, &err), RC_OK);
        engine_blocks_settle(s.blocks, 0, 1);
    }
    CHECK(put_count > 8 && put_count <= BLOCKS_HELD_BYTES / BLOCK_RAW_MAX + 1);
    CHECK_INT(engine_blocks_early(s.blocks), 1);
    CHECK_INT(leave(s.blocks, 1, &first), 1);
    CHECK_INT(first, 0);
    stand_done(&s);
}

static void strangers_are_refused(void)
{
    struct stand s = stand_make();
    struct buf bytes;
    struct err err;
    buf_init(&bytes, 4096);
    buf_text(&bytes, "no block");
    CHECK_INT(engine_blocks_put(s.blocks, &bytes, &err), RC_CORRUPT);
    CHECK(!bytes.p);
    CHECK(!engine_blocks_held(s.blocks));
    stand_done(&s);
}

static const struct test tests[] = {
    {"blocks leave in order, when no event waits and the desk has their matches", leave_in_order},
    {"hits come into the block that waits", hits_come_into_the_block_that_waits},
    {"hits without a place are counted", hits_without_a_place_are_counted},
    {"too many go on, and what waited too long", too_many_go_on},
    {"too many bytes go on", too_much_goes_on},
    {"what is no block is refused", strangers_are_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
