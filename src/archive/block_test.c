/* Blocks: what goes in comes out, damaged ones are refused. */
#include "archive/block.h"

#include "archive/dictionary.h"
#include "archive/pack.h"
#include "archive/testbed.h"
#include "base/arena.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

#define COUNT 200

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct leaf leaves[COUNT];
static char raws[COUNT][256];
static struct str texts[COUNT];
static bool with_event[COUNT];

/* Every number as odd as it can be. */
static void make_records(void)
{
    uint64_t number = 5;
    for (size_t i = 0; i < COUNT; i++) {
        struct leaf *leaf = &leaves[i];
        texts[i] = testbed_text(i, raws[i]);
        if (i % 17 == 0)
            texts[i] = STR("");
        *leaf = (struct leaf){.type = i % 9 == 4 ? LEAF_LIFECYCLE : LEAF_RAW,
                              .index = number,
                              .received_ns = (int64_t)(i % 5 ? next_random() : (uint64_t)INT64_MIN),
                              .received_boot_ns = next_random(),
                              .epoch = i % 3 ? 7 : next_random(),
                              .sequence = i % 4 ? i : next_random(),
                              .source_ns = i % 3   ? (int64_t)next_random()
                                           : i % 2 ? 0
                                                   : INT64_MAX,
                              .clock_error_us = i % 2 ? UINT32_MAX : 3,
                              .transport = (uint16_t)(i % 7),
                              .raw_length = (uint32_t)texts[i].n};
        leaf->source[i % 16] = (uint8_t)i;
        with_event[i] = i % 6 != 1;
        number += i % 10 == 0 ? next_random() % 1000000 + 1 : 1;
    }
}

static void build(struct names *names, struct buf *out)
{
    const uint64_t key[2] = {3, 4};
    struct block_builder *builder = block_builder_new(names, key);
    static struct event_field fields[EVENT_FIELDS_MAX];
    const struct str rules[] = {STR_INIT("rule one"), STR_INIT("rule-2")};
    struct err err;
    CHECK_INT(block_builder_finish(builder, out, &err), RC_NOT_FOUND);
    for (size_t i = 0; i < COUNT; i++) {
        struct event event;
        testbed_event(names, &leaves[i], texts[i], fields, &event);
        CHECK_INT(block_builder_add(builder, &leaves[i], texts[i], with_event[i] ? &event : NULL, rules, i % 3), RC_OK);
        CHECK_INT(block_builder_add(builder, &leaves[i], texts[i], NULL, NULL, 0), RC_INVALID);
    }
    CHECK_INT(block_builder_count(builder), COUNT);
    CHECK_INT(block_builder_finish(builder, out, &err), RC_OK);
    CHECK_INT(block_builder_count(builder), 0);
    block_builder_free(builder);
}

static void round_trip(void)
{
    struct names *names = names_new(1);
    struct names *others = names_new(2);
    struct arena *arena = arena_new(64 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    struct block *block = NULL;
    struct err err = {0};
    static struct event_field want_fields[EVENT_FIELDS_MAX];
    static struct event_field got_fields[EVENT_FIELDS_MAX];
    make_records();
    buf_init(&out, BLOCK_SIZE_MAX);
    build(names, &out);
    IGNORE(names_put(others, STR("shifts the ids")));
    CHECK_INT(block_decode(&(struct block_bytes){buf_view(&out), NULL, others}, BLOCK_ALL, arena, &block, &err), RC_OK);
    CHECK_INT(block_count(block), COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct leaf leaf;
        struct str raw;
        struct event want;
        struct event got;
        struct str rules[4];
        uint32_t position;
        test_row("record %u", i);
        block_leaf(block, i, &leaf, &raw);
        uint8_t got_header[LEAF_HEADER_SIZE];
        uint8_t want_header[LEAF_HEADER_SIZE];
        leaf_write(&leaf, got_header);
        leaf_write(&leaves[i], want_header);
        CHECK_STR(str_at(got_header, sizeof got_header), str_at(want_header, sizeof want_header));
        CHECK_STR(raw, texts[i]);
        CHECK(block_find(block, leaf.index, &position));
        CHECK_INT(position, i);
        CHECK(!block_find(block, leaf.index + 1, &position) ||
              (i + 1 < COUNT && leaves[i + 1].index == leaf.index + 1));
        CHECK_INT(block_rules(block, i, rules, 4), i % 3);
        if (i % 3 == 2)
            CHECK_TEXT(rules[1], "rule-2");
        block_event(block, i, got_fields, &got);
        testbed_event(names, &leaves[i], texts[i], want_fields, &want);
        if (!with_event[i]) {
            CHECK_INT(got.field_count, 0);
            continue;
        }
        CHECK_INT(got.time_ns, want.time_ns);
        CHECK_INT(got.flags, want.flags);
        CHECK_TEXT(str_of(got.parser), "test");
        CHECK_INT(got.field_count, want.field_count);
        for (uint32_t k = 0; k < STATUTORY_COUNT; k++)
            CHECK_STR(got.statutory[k], want.statutory[k]);
        for (uint32_t k = 0; k < got.field_count; k++) {
            CHECK_STR(got_fields[k].value, want_fields[k].value);
            CHECK_STR(names_text(others, got_fields[k].name), names_text(names, want_fields[k].name));
        }
    }
    arena_free(arena);
    names_free(names);
    names_free(others);
}

/* Hits that come after their record stand beside it; a record of another block is not there. */
static void later_hits(void)
{
    const uint64_t key[2] = {3, 4};
    struct names *names = names_new(1);
    struct arena *arena = arena_new(64 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    struct block_builder *builder = block_builder_new(names, key);
    struct block *block = NULL;
    struct str rules[4];
    struct err err;
    const struct str one = STR("rule one");
    make_records();
    buf_init(&out, BLOCK_SIZE_MAX);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(block_builder_add(builder, &leaves[i], texts[i], NULL, &one, i == 1), RC_OK);
    CHECK_INT(block_builder_hit(builder, leaves[0].index - 1, one), RC_NOT_FOUND);
    CHECK_INT(block_builder_hit(builder, leaves[2].index + 1, one), RC_NOT_FOUND);
    CHECK_INT(block_builder_hit(builder, leaves[0].index, STR("rule-2")), RC_OK);
    CHECK_INT(block_builder_hit(builder, leaves[1].index, STR("rule-2")), RC_OK);
    CHECK_INT(block_builder_hit(builder, leaves[1].index, STR("rule-3")), RC_OK);
    for (size_t i = 3; i < EVENT_FIELDS_MAX; i++)
        CHECK_INT(block_builder_hit(builder, leaves[1].index, one), RC_OK);
    CHECK_INT(block_builder_hit(builder, leaves[1].index, one), RC_LIMIT);
    CHECK_INT(block_builder_finish(builder, &out, &err), RC_OK);
    CHECK_INT(block_builder_hit(builder, leaves[0].index, one), RC_NOT_FOUND);
    CHECK_INT(block_decode(&(struct block_bytes){buf_view(&out), NULL, names}, BLOCK_ALL, arena, &block, &err), RC_OK);
    CHECK_INT(block_rules(block, 0, rules, ARRAY_LEN(rules)), 1);
    CHECK_TEXT(rules[0], "rule-2");
    CHECK_INT(block_rules(block, 1, rules, ARRAY_LEN(rules)), ARRAY_LEN(rules));
    CHECK_TEXT(rules[0], "rule one");
    CHECK_TEXT(rules[2], "rule-3");
    CHECK_INT(block_rules(block, 2, rules, ARRAY_LEN(rules)), 0);
    block_builder_free(builder);
    arena_free(arena);
    names_free(names);
}

static void refuses_damage(void)
{
    struct names *names = names_new(1);
    struct arena *arena = arena_new(64 << 20);
    struct buf out CLEANUP(buf_done) = {0};
    make_records();
    buf_init(&out, BLOCK_SIZE_MAX);
    build(names, &out);
    struct block_info info;
    struct block_trailer trailer;
    CHECK_INT(block_info_read(buf_view(&out), &info, NULL), RC_OK);
    CHECK_INT(block_trailer_read(buf_view(&out), &info, &trailer, NULL), RC_OK);
    CHECK(trailer.hashes.n > 0 && trailer.delta.n > 0);
    for (size_t i = info.size; i < out.n; i++) {
        test_row("byte %zu of the trailer", i - info.size);
        out.p[i] ^= 1;
        CHECK(block_trailer_read(buf_view(&out), &info, &trailer, NULL) != RC_OK);
        out.p[i] ^= 1;
        CHECK(block_trailer_read(str_at(out.p, i), &info, &trailer, NULL) != RC_OK);
    }
    out.n = info.size;
    for (size_t i = 0; i < out.n; i++) {
        struct block *block = NULL;
        test_row("byte %zu of %zu", i, out.n);
        arena_reset(arena);
        out.p[i] ^= 1;
        CHECK(block_decode(&(struct block_bytes){buf_view(&out), NULL, names}, BLOCK_ALL, arena, &block, NULL) !=
              RC_OK);
        out.p[i] ^= 1;
        CHECK(block_decode(&(struct block_bytes){str_at(out.p, i), NULL, names}, BLOCK_ALL, arena, &block, NULL) !=
              RC_OK);
    }
    /* behind a crc that is right again, nothing may be believed either */
    for (int round = 0; round < 20000; round++) {
        struct block *block = NULL;
        size_t at = BLOCK_HEADER + next_random() % (out.n - BLOCK_HEADER);
        char byte = out.p[at];
        arena_reset(arena);
        out.p[at] = (char)next_random();
        put_be32(out.p + BLOCK_HEADER - 8, crc32c(0, out.p + BLOCK_HEADER, out.n - BLOCK_HEADER));
        put_be32(out.p + BLOCK_HEADER - 4, crc32c(0, out.p, BLOCK_HEADER - 4));
        IGNORE(block_decode(&(struct block_bytes){buf_view(&out), NULL, names}, BLOCK_ALL, arena, &block,
                            NULL)); /* must only not crash */
        out.p[at] = byte;
    }
    arena_free(arena);
    names_free(names);
}

static void full_blocks(void)
{
    const uint64_t key[2] = {1, 1};
    struct names *names = names_new(1);
    struct block_builder *builder = block_builder_new(names, key);
    struct arena *arena = arena_new(32 << 20);
    char *large = arena_alloc(arena, RECORD_RAW_MAX);
    struct leaf leaf = {.type = LEAF_DIGEST, .index = 1, .raw_length = RECORD_RAW_MAX};
    struct buf out CLEANUP(buf_done) = {0};
    struct err err;
    buf_init(&out, BLOCK_SIZE_MAX);
    CHECK_INT(block_builder_add(builder, &leaf, str_at(large, RECORD_RAW_MAX), NULL, NULL, 0), RC_OK);
    leaf = (struct leaf){.type = LEAF_RAW, .index = 2, .raw_length = 1};
    CHECK_INT(block_builder_add(builder, &leaf, STR("x"), NULL, NULL, 0), RC_LIMIT);
    CHECK_INT(block_builder_finish(builder, &out, &err), RC_OK);
    for (uint64_t i = 2; i < 2 + BLOCK_RECORDS_MAX; i++) {
        leaf.index = i;
        CHECK_INT(block_builder_add(builder, &leaf, STR("x"), NULL, NULL, 0), RC_OK);
    }
    leaf.index++;
    CHECK_INT(block_builder_add(builder, &leaf, STR("x"), NULL, NULL, 0), RC_LIMIT);
    arena_free(arena);
    block_builder_free(builder);
    names_free(names);
}

/* One allocation after the other fails: every call says so and nothing is lost but the block. */
static void memory_fails(void)
{
    const uint64_t key[2] = {3, 4};
    static struct event_field fields[EVENT_FIELDS_MAX];
    struct names *names = names_new(1);
    struct event event;
    bool whole = false;
    make_records();
    for (size_t i = 0; i < COUNT; i++) /* the names are not this test's */
        testbed_event(names, &leaves[i], texts[i], fields, &event);
    for (uint64_t n = 1; n < 500 && !whole; n++) {
        struct buf out CLEANUP(buf_done) = {0};
        struct arena *arena CLEANUP(arena_cleanup) = NULL;
        struct block *block = NULL;
        struct err err;
        test_row("allocation %llu", (unsigned long long)n);
        buf_init(&out, BLOCK_SIZE_MAX);
        uint64_t before = memory_allocations();
        memory_fail_at(n);
        struct block_builder *builder = block_builder_new(names, key);
        enum rc rc = builder ? RC_OK : RC_LIMIT;
        for (size_t i = 0; i < COUNT && rc == RC_OK; i++) {
            testbed_event(names, &leaves[i], texts[i], fields, &event);
            rc = block_builder_add(builder, &leaves[i], texts[i], &event, NULL, 0);
            CHECK(rc == RC_OK || rc == RC_IO);
        }
        rc = rc == RC_OK ? block_builder_finish(builder, &out, &err) : rc;
        CHECK(rc == RC_OK || rc == RC_IO || rc == RC_LIMIT);
        arena = rc == RC_OK ? block_arena_new(64 << 20) : NULL;
        if (arena)
            rc = block_decode(&(struct block_bytes){buf_view(&out), NULL, NULL}, BLOCK_ALL, arena, &block, &err);
        CHECK_TEXT(rc == RC_OK || rc == RC_IO || rc == RC_LIMIT ? STR("") : str_of(err.text), "");
        CHECK(rc != RC_OK || !block || block_count(block) == COUNT);
        whole = rc == RC_OK && block && memory_allocations() - before < n; /* none was left to fail */
        memory_fail_at(0);
        block_builder_free(builder);
    }
    CHECK(whole);
    names_free(names);
}

static const struct block_hit late[] = {
    {.rule = STR_INIT("rule-2")}, {.rule = STR_INIT("late one")}, {.rule = STR_INIT("late one")},
    {.rule = STR_INIT("")},       {.rule = STR_INIT("rule-2")},
};
static const size_t late_at[] = {0, 1, 2, 3, COUNT - 1};

/* A block as `build` makes it, its chain's second one, with the hits put into it before it was finished, or not. */
static void build_late(struct names *names, bool before, struct block_hit hits[ARRAY_LEN(late)], struct buf *out,
                       struct dictionary *dictionary)
{
    const uint64_t key[2] = {3, 4};
    struct block_builder *builder = block_builder_new(names, key);
    static struct event_field fields[EVENT_FIELDS_MAX];
    const struct str rules[] = {STR_INIT("rule one"), STR_INIT("rule-2")};
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(64 << 20);
    struct block_info info;
    struct block_trailer trailer;
    struct str delta;
    struct err err;
    for (int round = 0; round < 2; round++) {
        buf_clear(out);
        for (size_t i = 0; i < COUNT; i++) {
            struct event event;
            struct leaf leaf = leaves[i];
            leaf.index += (uint64_t)round << 40;
            testbed_event(names, &leaf, texts[i], fields, &event);
            CHECK_INT(block_builder_add(builder, &leaf, texts[i], with_event[i] ? &event : NULL, rules, i % 3), RC_OK);
        }
        for (size_t i = 0; i < ARRAY_LEN(late) && round; i++) {
            hits[i] = (struct block_hit){leaves[late_at[i]].index + (UINT64_C(1) << 40), late[i].rule};
            CHECK(!before || block_builder_hit(builder, hits[i].record, hits[i].rule) == RC_OK);
        }
        CHECK_INT(block_builder_finish(builder, out, &err), RC_OK);
        CHECK_INT(block_info_read(buf_view(out), &info, &err), RC_OK);
        CHECK_INT(block_trailer_read(buf_view(out), &info, &trailer, &err), RC_OK);
        CHECK_INT(unpack(trailer.delta, BLOCK_SIZE_MAX, arena, &delta, &err), RC_OK);
        CHECK_INT(dictionary_add(dictionary, delta, &err), RC_OK);
    }
    CHECK(info.chain_forms > 0); /* it names what its chain has */
    block_builder_free(builder);
}

static void same_records(struct block *one, struct block *other)
{
    static struct event_field fields[2][EVENT_FIELDS_MAX];
    struct block *blocks[2] = {one, other};
    CHECK_INT(block_count(one), block_count(other));
    for (uint32_t i = 0; i < block_count(one); i++) {
        struct leaf leaf[2];
        struct str raw[2];
        struct event event[2];
        struct str rules[2][8];
        size_t count[2];
        test_row("record %u", i);
        for (int k = 0; k < 2; k++) {
            block_leaf(blocks[k], i, &leaf[k], &raw[k]);
            block_event(blocks[k], i, fields[k], &event[k]);
            count[k] = block_rules(blocks[k], i, rules[k], 8);
        }
        CHECK_INT(leaf[0].index, leaf[1].index);
        CHECK_INT(leaf[0].sequence, leaf[1].sequence);
        CHECK_STR(raw[0], raw[1]);
        CHECK_INT(event[0].time_ns, event[1].time_ns);
        CHECK_INT(event[0].field_count, event[1].field_count);
        CHECK_INT(count[0], count[1]);
        for (size_t r = 0; r < count[0]; r++)
            CHECK_STR(rules[0][r], rules[1][r]);
    }
}

/* A block that gets its hits when it is finished is the one that had them before. */
static void hits_of_a_finished_block(void)
{
    struct names *names = names_new(1);
    struct arena *arena = arena_new(128 << 20);
    struct block_hit hits[ARRAY_LEN(late)];
    struct buf want CLEANUP(buf_done) = {0};
    struct buf before CLEANUP(buf_done) = {0};
    struct buf got CLEANUP(buf_done) = {0};
    struct dictionary *dictionary[2];
    struct block *block[2];
    struct block_info info[2];
    struct block_trailer trailer[2];
    struct err err = {0};
    size_t added = 0;
    make_records();
    buf_init(&want, BLOCK_SIZE_MAX);
    buf_init(&before, BLOCK_SIZE_MAX);
    buf_init(&got, BLOCK_SIZE_MAX);
    for (int i = 0; i < 2; i++)
        CHECK(dictionary[i] = dictionary_new(names));
    build_late(names, true, hits, &want, dictionary[0]);
    build_late(names, false, hits, &before, dictionary[1]);
    buf_text(&got, "before it"); /* what stands there already stays */
    CHECK_INT(block_hits_add(buf_view(&before), hits, ARRAY_LEN(hits), &got, &added, &err), RC_OK);
    CHECK_INT(added, ARRAY_LEN(hits));
    CHECK(str_starts(buf_view(&got), STR("before it")));
    struct str bytes[2] = {buf_view(&want), str_skip(buf_view(&got), 9)};
    for (int i = 0; i < 2; i++) {
        CHECK_INT(
            block_decode(&(struct block_bytes){bytes[i], dictionary[i], names}, BLOCK_ALL, arena, &block[i], &err),
            RC_OK);
        CHECK_INT(block_info_read(bytes[i], &info[i], &err), RC_OK);
        CHECK_INT(block_trailer_read(bytes[i], &info[i], &trailer[i], &err), RC_OK);
        CHECK(filter_may_hold(str_slice(bytes[i], info[i].filter_offset, info[i].filter_offset + info[i].filter_size),
                              info[i].key, STR("late")));
    }
    same_records(block[0], block[1]);
    CHECK_INT(info[0].size, info[1].size);
    CHECK_INT(trailer[0].hashes.n, trailer[1].hashes.n);
    CHECK_STR(trailer[0].delta, trailer[1].delta);
    for (int i = 0; i < 2; i++)
        dictionary_free(dictionary[i]);
    arena_free(arena);
    names_free(names);
}

static void hits_are_refused(void)
{
    struct names *names = names_new(1);
    struct buf out CLEANUP(buf_done) = {0};
    struct buf small CLEANUP(buf_done) = {0};
    struct buf bytes CLEANUP(buf_done) = {0};
    struct err err = {0};
    struct block_hit hits[EVENT_FIELDS_MAX + 4];
    size_t added;
    make_records();
    buf_init(&bytes, BLOCK_SIZE_MAX);
    buf_init(&out, BLOCK_SIZE_MAX);
    build(names, &bytes);
    for (size_t i = 0; i < ARRAY_LEN(hits); i++) /* two rules are there */
        hits[i] = (struct block_hit){leaves[2].index, STR("r")};
    hits[0].record = leaves[0].index - 1;
    hits[1].record = leaves[COUNT - 1].index + 1;
    CHECK_INT(block_hits_add(buf_view(&bytes), hits, ARRAY_LEN(hits), &out, &added, &err), RC_OK);
    CHECK_INT(added, EVENT_FIELDS_MAX - 2);
    buf_init(&small, bytes.n / 2);
    buf_text(&small, "x");
    CHECK_INT(block_hits_add(buf_view(&bytes), hits, 1, &small, &added, &err), RC_LIMIT);
    CHECK(small.n == 1 && !small.overflow);
    for (size_t i = 0; i < bytes.n; i++) {
        test_row("byte %zu of %zu", i, bytes.n);
        buf_clear(&out);
        bytes.p[i] ^= 1;
        CHECK(block_hits_add(buf_view(&bytes), hits, 3, &out, &added, &err) != RC_OK && out.n == 0);
        bytes.p[i] ^= 1;
        CHECK(block_hits_add(str_at(bytes.p, i), hits, 3, &out, &added, &err) != RC_OK && out.n == 0);
    }
    bool whole = false;
    for (uint64_t n = 1; n < 200 && !whole; n++) {
        test_row("allocation %llu", (unsigned long long)n);
        buf_clear(&out);
        uint64_t before = memory_allocations();
        memory_fail_at(n);
        enum rc rc = block_hits_add(buf_view(&bytes), hits + 2, 2, &out, &added, &err);
        whole = memory_allocations() - before < n;
        memory_fail_at(0);
        CHECK(rc == RC_LIMIT ? out.n == 0 : rc == RC_OK && added <= 2);
        CHECK(!whole || (rc == RC_OK && added == 2));
    }
    CHECK(whole);
    names_free(names);
}

static const struct test tests[] = {
    {"round trip", round_trip},
    {"hits that come later", later_hits},
    {"hits of a finished block", hits_of_a_finished_block},
    {"hits are refused", hits_are_refused},
    {"refuses damage", refuses_damage},
    {"full blocks", full_blocks},
    {"memory fails", memory_fails},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
