/* Packing anew: the same records in the same blocks, under the feet of readers, and nothing that differs passes. */
#include "archive/repack.h"

#include "archive/block.h"
#include "archive/columns.h"
#include "archive/dictionary.h"
#include "archive/pack.h"
#include "archive/query.h"
#include "archive/reader_state.h"
#include "archive/retire.h"
#include "archive/search.h"
#include "archive/segment_format.h"
#include "archive/testbed.h"
#include "archive/verify.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/test.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS 3000

#define LATER (TESTBED_TIME + 365 * DAY_S * SECOND_NS)

static void rename_cold(const struct testbed *bed, uint64_t first)
{
    char from[SEGMENT_NAME_MAX];
    char to[SEGMENT_NAME_MAX];
    char path[2][160];
    segment_cold_name(first, from);
    segment_name(first, to);
    snprintf(path[0], sizeof path[0], "%s/seg/%s", bed->path, from);
    snprintf(path[1], sizeof path[1], "%s/seg/%s", bed->path, to);
    CHECK_INT(rename(path[0], path[1]), 0);
}

static enum rc next_from(struct archive_reader *reader, int staging, uint64_t from, uint64_t *ret_first)
{
    const struct repack_age age = {.after_ns = INT64_MIN, .before_ns = LATER};
    struct err err = {0};
    return archive_repack_next(reader, staging, from, &age, ret_first, &err);
}

/* In a folder of its own, from which it is moved beside the segment. */
static void pack_one(struct testbed *bed, struct archive_reader *reader, uint64_t first)
{
    struct repack *repack = NULL;
    char name[SEGMENT_NAME_MAX];
    uint64_t next = first;
    CHECK(mkdirat(bed->folder, "pack", 0700) == 0 || errno == EEXIST);
    int staging = openat(bed->folder, "pack", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum rc rc = repack_new(reader, staging, first, &repack, &bed->err);
    while (rc == RC_OK || rc == RC_AGAIN) {
        rc = repack_step(repack, &bed->err);
        if (rc == RC_OK)
            break;
    }
    testbed_ok(bed, rc);
    CHECK(rc != RC_OK || (repack_sizes(repack).cold > 0 && repack_sizes(repack).hot > 0));
    repack_free(repack);
    segment_cold_name(first, name);
    CHECK_INT(faccessat(reader->folders.seg, name, F_OK, 0), -1);
    CHECK(next_from(reader, staging, first, &next) != RC_OK || next > first); /* it waits, here */
    CHECK_INT(renameat(staging, name, reader->folders.seg, name), 0);
    close(staging);
}

static void beside(struct testbed *bed, struct archive_reader **ret_reader)
{
    struct archive_reader_options options = {
        .names = bed->names, .derive = testbed_derive, .derive_context = bed->names};
    testbed_ok(bed, archive_reader_open(bed->io, bed->folder, &options, ret_reader, &bed->err));
}

static enum rc next_of(struct archive_reader *reader, uint64_t from, int64_t before_ns, uint64_t *ret_first)
{
    const struct repack_age age = {.after_ns = INT64_MIN, .before_ns = before_ns};
    struct err err = {0};
    return archive_repack_next(reader, reader->folders.seg, from, &age, ret_first, &err);
}

static enum rc same(struct archive_reader *reader, uint64_t first, struct err *err)
{
    struct repack_check *check = NULL;
    enum rc rc = repack_check_new(reader, first, &check, err);
    if (rc != RC_OK)
        return rc;
    do
        rc = repack_check_step(check, err);
    while (rc == RC_AGAIN);
    repack_check_free(check);
    return rc;
}

/* Everything there is to know of every record. */
static void describe(struct testbed *bed, struct archive_reader *reader, struct buf *out)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 20);
    struct archive_hit *hit = arena_alloc(arena, sizeof *hit);
    struct arena_mark mark = arena_mark(arena);
    for (uint64_t i = 0; i < archive_reader_size(reader); i++) {
        arena_rewind(arena, mark);
        if (!testbed_ok(bed, archive_reader_record(reader, i, arena, hit, &bed->err)))
            return;
        buf_format(out, "%llu %u %lld %s ", (unsigned long long)hit->leaf.index, (unsigned)hit->leaf.type,
                   (long long)hit->event.time_ns, hit->event.parser);
        buf_str(out, hit->raw);
        for (size_t k = 0; k < STATUTORY_COUNT; k++)
            buf_str(out, hit->event.statutory[k]);
        for (uint32_t k = 0; k < hit->event.field_count; k++) {
            buf_str(out, names_text(bed->names, hit->event.fields[k].name));
            buf_str(out, hit->event.fields[k].value);
        }
        for (size_t k = 0; k < hit->rule_count; k++)
            buf_str(out, hit->rules[k]);
        buf_char(out, '\n');
    }
}

static bool ignore(void *context, const struct archive_hit *hit)
{
    (void)context;
    (void)hit;
    return true;
}

static uint64_t found(struct testbed *bed, struct archive_reader *reader, const char *text)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 20);
    struct query *query = NULL;
    struct search *search = NULL;
    struct search_options options = {.hit = ignore, .now_ns = LATER};
    testbed_ok(bed, query_parse(str_of(text), LATER, 0, arena, &query, &bed->err));
    testbed_ok(bed, search_open(reader, query, &options, &search, &bed->err));
    enum rc rc = RC_AGAIN;
    while (rc == RC_AGAIN)
        rc = search_step(search, &bed->err);
    testbed_ok(bed, rc);
    uint64_t matched = search_result_of(search)->given;
    search_close(search);
    return matched;
}

static void whole(struct testbed *bed)
{
    struct verify_options options = {0};
    struct verify_result result = {0};
    testbed_ok(bed, archive_verify(bed->io, bed->folder, &options, &result, &bed->err));
    CHECK_INT(result.findings, 0);
    CHECK_INT(result.warnings, 0);
}

/* Readers of before, of between and of after see the same; a search goes on over the change. */
static void all_stays(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    struct archive_reader *packer = NULL;
    struct archive_reader *after = NULL;
    struct buf want CLEANUP(buf_done) = {0};
    struct buf got CLEANUP(buf_done) = {0};
    struct tlog_hash root[2];
    uint64_t first = 0;
    size_t packed = 0;
    buf_init(&want, (size_t)4 << 20);
    buf_init(&got, (size_t)4 << 20);
    testbed_read(&bed, RECORDS, 50, &reader);
    testbed_ok(&bed, testbed_checkpoint(&bed, true));
    describe(&bed, reader, &want);
    uint64_t hits = found(&bed, reader, "word7");
    testbed_ok(&bed, archive_reader_root(reader, archive_reader_size(reader), &root[0], &bed.err));
    beside(&bed, &packer);
    for (uint64_t from = 0; next_of(packer, from, LATER, &first) == RC_OK; from = first + 1) {
        pack_one(&bed, packer, first);
        testbed_ok(&bed, same(packer, first, &bed.err));
        uint64_t next = first;
        CHECK(next_of(packer, first, LATER, &next) != RC_OK || next > first); /* it waits */
        whole(&bed); /* what waits beside a segment disturbs nobody */
        rename_cold(&bed, first);
        packed++;
    }
    CHECK(packed >= 2 && packed + 1 == packer->catalog.count);
    testbed_ok(&bed, archive_reader_refresh(packer, &bed.err));
    describe(&bed, reader, &got);
    CHECK(str_eq(buf_view(&want), buf_view(&got)));
    CHECK_INT(found(&bed, reader, "word7"), hits);
    CHECK(reader->catalog.segments[0]->cold);
    beside(&bed, &after);
    buf_clear(&got);
    describe(&bed, after, &got);
    CHECK(str_eq(buf_view(&want), buf_view(&got)));
    CHECK_INT(found(&bed, after, "word7"), hits);
    testbed_ok(&bed, archive_reader_root(after, archive_reader_size(after), &root[1], &bed.err));
    CHECK(tlog_hash_eq(&root[0], &root[1]));
    CHECK_INT(archive_reader_totals(after).cold_segments, packed);
    CHECK_INT(next_of(after, 0, LATER, &first), RC_NOT_FOUND);
    whole(&bed);
    archive_reader_close(reader);
    archive_reader_close(packer);
    archive_reader_close(after);
    testbed_remove(&bed);
}

static void young_ones_wait(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    uint64_t first = 0;
    testbed_read(&bed, RECORDS, 0, &reader);
    int64_t newest = reader->catalog.segments[0]->received_max_ns;
    CHECK_INT(next_of(reader, 0, newest, &first), RC_NOT_FOUND);
    CHECK_INT(next_of(reader, 0, newest + 1, &first), RC_OK);
    CHECK_INT(first, 0);
    CHECK_INT(next_of(reader, 1, newest + 1, &first), RC_NOT_FOUND);
    const struct repack_age old = {.after_ns = newest, .before_ns = newest + 1};
    CHECK_INT(archive_repack_next(reader, reader->folders.seg, 0, &old, &first, &bed.err), RC_NOT_FOUND);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

/* A search stands in the middle of a segment when another file takes its place. */
static void under_a_search(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    struct archive_reader *packer = NULL;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 20);
    struct query *query = NULL;
    struct search *search = NULL;
    struct search_options options = {.hit = ignore, .now_ns = LATER};
    testbed_read(&bed, RECORDS, 0, &reader);
    uint64_t all = found(&bed, reader, "u*");
    beside(&bed, &packer);
    for (size_t i = 0; i + 1 < packer->catalog.count; i++)
        pack_one(&bed, packer, packer->catalog.segments[i]->first);
    testbed_ok(&bed, query_parse(STR("u*"), LATER, 0, arena, &query, &bed.err));
    testbed_ok(&bed, search_open(reader, query, &options, &search, &bed.err));
    enum rc rc = RC_AGAIN;
    for (size_t step = 0; rc == RC_AGAIN; step++) {
        rc = search_step(search, &bed.err);
        if (step % 3 == 2 && step / 3 + 1 < packer->catalog.count)
            rename_cold(&bed, packer->catalog.segments[packer->catalog.count - 2 - step / 3]->first);
    }
    testbed_ok(&bed, rc);
    CHECK(all > 0);
    CHECK_INT(search_result_of(search)->given, all);
    search_close(search);
    archive_reader_close(reader);
    archive_reader_close(packer);
    testbed_remove(&bed);
}

/* ---- what differs ---- */

enum lie { LIE_RAW, LIE_TIME, LIE_VALUE, LIE_PARSER, LIE_RULE, LIE_NO_RULE, LIE_EARLIER, LIE_FILTER, LIE_HASHES, LIES };

/* A filter that knows no word: the block's, or through the trailer the segment's. */
static void lie_of_words(struct buf *out, enum lie lie)
{
    struct block_info info;
    struct block_trailer trailer;
    CHECK_INT(block_info_read(buf_view(out), &info, NULL), RC_OK);
    CHECK_INT(block_trailer_read(buf_view(out), &info, &trailer, NULL), RC_OK);
    char *block = out->p;
    char *behind = block + info.size;
    if (lie == LIE_FILTER)
        memset(block + info.filter_offset, 0, info.filter_size);
    else
        for (size_t i = 0; i < trailer.hashes.n; i++)
            behind[(size_t)(trailer.hashes.p - behind) + i] ^= 0x55;
    put_be32(block + BLOCK_HEADER - 8, crc32c(0, block + BLOCK_HEADER, info.size - BLOCK_HEADER));
    put_be32(block + BLOCK_HEADER - 4, crc32c(0, block, BLOCK_HEADER - 4));
    put_be32(behind + 8, crc32c(0, behind + BLOCK_TRAILER, out->n - info.size - BLOCK_TRAILER));
}

/* As repack does it, but for one record. */
static enum rc lying_block(struct archive_reader *reader, uint32_t entry, enum lie lie, struct block_builder *builder,
                           struct buf *out, struct err *err)
{
    static struct event_field fields[EVENT_FIELDS_MAX];
    struct arena *arena CLEANUP(arena_cleanup) = block_arena_new((size_t)64 << 20);
    struct reader_block wanted = {.segment = reader->catalog.segments[0], .entry = entry, .parts = BLOCK_ALL};
    struct block *block = NULL;
    enum rc rc = archive_reader_block(reader, &wanted, arena, &block, err);
    for (uint32_t i = 0; rc == RC_OK && i < block_count(block); i++) {
        struct archive_hit hit = {0};
        rc = archive_reader_fill_block(reader, block, i, fields, &hit);
        bool here = entry == 0 && i == 7;
        char raw[256];
        if (here && lie == LIE_RAW) {
            memcpy(raw, hit.raw.p, hit.raw.n);
            raw[hit.raw.n - 1] ^= 1;
            hit.raw = str_at(raw, hit.raw.n);
        }
        if (here && lie == LIE_TIME)
            hit.event.time_ns++;
        if (here && lie == LIE_VALUE)
            hit.event.statutory[STATUTORY_HOST] = STR("other");
        if (here && lie == LIE_PARSER)
            hit.event.parser = "other";
        if (here && lie == LIE_RULE)
            hit.rules[hit.rule_count++] = STR("other");
        if (lie == LIE_EARLIER)
            hit.event.time_ns -= 1000;
        if (lie == LIE_NO_RULE)
            hit.rule_count = 0;
        rc = rc == RC_OK ? block_builder_add(builder, &hit.leaf, hit.raw, &hit.event, hit.rules, hit.rule_count) : rc;
    }
    dictionary_free(wanted.dictionary);
    rc = rc == RC_OK ? block_builder_finish(builder, out, err) : rc;
    if (rc == RC_OK && (lie == LIE_FILTER || lie == LIE_HASHES))
        lie_of_words(out, lie);
    return rc;
}

/* The cold file of the first segment, with the lie in it. A lie of bytes does not pass the sealing. */
static enum rc lying_cold(struct testbed *bed, struct archive_reader *reader, enum lie lie)
{
    struct segment *segment = reader->catalog.segments[0];
    struct segment_writer *writer = NULL;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 24);
    struct segment_wanted wanted = {segment, SECTION_FRONTIERS};
    struct tlog_frontier in;
    struct tlog_frontier out;
    struct tlog_hash root;
    struct str bytes;
    const uint64_t key[2] = {5, 6};
    struct block_builder *builder = block_builder_new(bed->names, key);
    testbed_ok(bed, archive_reader_root(reader, segment->end, &root, &bed->err));
    testbed_ok(bed, segment_section_load(reader->io, reader->folders.seg, &wanted, arena, &bytes, &bed->err));
    testbed_ok(bed, segment_frontiers(bytes, &in, &out, &bed->err));
    wanted.section = SECTION_SOURCES;
    testbed_ok(bed, segment_section_load(reader->io, reader->folders.seg, &wanted, arena, &bytes, &bed->err));
    struct segment_seal seal = {
        .end = segment->end, .frontier_in = &in, .frontier_out = &out, .groups = reader->groups};
    testbed_ok(bed, unpack(bytes, SOURCES_PLAIN_MAX, arena, &seal.sources, &bed->err));
    testbed_ok(bed, segment_writer_new_cold(reader->io, reader->folders.seg, reader->instance.uuid, segment->first,
                                            &writer, &bed->err));
    enum rc rc = RC_OK;
    for (uint32_t i = 0; i < segment->entry_count && rc == RC_OK; i++) {
        struct buf block CLEANUP(buf_done) = {0};
        struct block_info info;
        buf_init(&block, 2 * BLOCK_SIZE_MAX);
        rc = lying_block(reader, i, lie, builder, &block, &bed->err);
        rc = rc == RC_OK ? block_info_read(buf_view(&block), &info, &bed->err) : rc;
        rc = rc == RC_OK ? segment_writer_add(writer, buf_view(&block), &info, &bed->err) : rc;
    }
    testbed_ok(bed, rc);
    do
        rc = segment_seal_step(writer, &seal, &bed->err);
    while (rc == RC_AGAIN);
    segment_writer_free(writer);
    block_builder_free(builder);
    return rc;
}

static void no_lie_passes(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    testbed_read(&bed, RECORDS, 0, &reader);
    for (enum lie lie = 0; lie < LIES; lie++) {
        test_row("lie %d", (int)lie);
        enum rc rc = lying_cold(&bed, reader, lie);
        if (lie == LIE_RAW) {
            CHECK_INT(rc, RC_CORRUPT);
            continue;
        }
        testbed_ok(&bed, rc);
        CHECK_INT(same(reader, 0, &bed.err), RC_DENIED);
    }
    archive_reader_close(reader);
    testbed_remove(&bed);
}

/* Every byte of a cold file counts, but those of a block's filter beside it, which only searches read. */
static void damage_is_seen(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    char path[160];
    char name[SEGMENT_NAME_MAX];
    struct stat status = {0};
    testbed_read(&bed, RECORDS, 0, &reader);
    pack_one(&bed, reader, 0);
    segment_cold_name(0, name);
    snprintf(path, sizeof path, "%s/seg/%s", bed.path, name);
    CHECK_INT(chmod(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && fstat(fd, &status) == 0);
    for (off_t at = 0; at < status.st_size; at += at < 64 || at > status.st_size - 1024 ? 7 : 251) {
        char byte = 0;
        test_row("byte %lld", (long long)at);
        CHECK_INT(pread(fd, &byte, 1, at), 1);
        byte ^= 0x20;
        CHECK_INT(pwrite(fd, &byte, 1, at), 1);
        enum rc rc = same(reader, 0, &bed.err);
        CHECK(rc == RC_CORRUPT || rc == RC_DENIED || rc == RC_INVALID);
        byte ^= 0x20;
        CHECK_INT(pwrite(fd, &byte, 1, at), 1);
    }
    testbed_ok(&bed, same(reader, 0, &bed.err));
    close(fd);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void told(struct testbed *bed, struct archive_reader *reader)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1u << 20);
    struct archive_hit *hit = arena_alloc(arena, sizeof *hit);
    CHECK_INT(archive_reader_record(reader, 3, arena, hit, &bed->err), RC_CORRUPT);
}

/* Another file under a segment's name is told, not followed. */
static void others_are_not_followed(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    struct archive_reader *fresh = NULL;
    char path[2][160];
    char name[SEGMENT_NAME_MAX];
    testbed_read(&bed, RECORDS, 0, &reader);
    beside(&bed, &fresh); /* the other one keeps blocks */
    for (size_t i = 0; i < 2; i++) {
        segment_name(reader->catalog.segments[i]->first, name);
        snprintf(path[i], sizeof path[i], "%s/seg/%s", bed.path, name);
    }
    testbed_ok(&bed, lying_cold(&bed, reader, LIE_EARLIER));
    rename_cold(&bed, 0);
    told(&bed, fresh);
    CHECK_INT(rename(path[1], path[0]), 0);
    told(&bed, fresh);
    archive_reader_close(reader);
    archive_reader_close(fresh);
    testbed_remove(&bed);
}

/* One lock for who replaces and who deletes; what was described is what is deleted. */
static void deletion_and_packing_take_turns(void)
{
    struct testbed bed;
    struct archive_reader *reader = NULL;
    struct retention_record record = {0};
    int lock = -1;
    int hold = -1;
    testbed_read(&bed, RECORDS, 0, &reader);
    testbed_ok(&bed, archive_retention_describe(bed.archive, 0, &record, &bed.err));
    testbed_ok(&bed, repack_lock(bed.io, bed.folder, &lock, &bed.err));
    CHECK_INT(archive_segment_hold(bed.archive, 0, &record.footer, &hold, &bed.err), RC_AGAIN);
    close(lock);
    testbed_ok(&bed, archive_segment_hold(bed.archive, 0, &record.footer, &hold, &bed.err));
    CHECK_INT(repack_lock(bed.io, bed.folder, &lock, &bed.err), RC_AGAIN);
    archive_segment_release(bed.archive, hold);
    pack_one(&bed, reader, 0);
    rename_cold(&bed, 0);
    CHECK_INT(archive_segment_hold(bed.archive, 0, &record.footer, &hold, &bed.err), RC_DENIED);
    testbed_ok(&bed, archive_retention_describe(bed.archive, 0, &record, &bed.err));
    testbed_ok(&bed, archive_segment_hold(bed.archive, 0, &record.footer, &hold, &bed.err));
    archive_segment_release(bed.archive, hold);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static const struct test tests[] = {
    {"all stays", all_stays},
    {"young ones wait", young_ones_wait},
    {"under a search", under_a_search},
    {"no lie passes", no_lie_passes},
    {"damage is seen", damage_is_seen},
    {"deletion and packing take turns", deletion_and_packing_take_turns},
    {"others are not followed", others_are_not_followed},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
