/* Blocks: what goes in comes out, damaged ones are refused. */
#include "archive/block.h"

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

static const struct test tests[] = {
    {"round trip", round_trip},   {"hits that come later", later_hits}, {"refuses damage", refuses_damage},
    {"full blocks", full_blocks}, {"memory fails", memory_fails},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
