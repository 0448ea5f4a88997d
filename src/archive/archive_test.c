/* The writer: append, commit, recovery, checkpoints, sealing; and the reader's proofs. */
#include "archive/reader.h"
#include "archive/retained.h"
#include "archive/testbed.h"
#include "archive/verify.h"
#include "archive/writer.h"
#include "base/test.h"
#include "os/file.h"
#include "tlog/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAL_SIZE_TEST (INT64_C(64) << 10)

/* The stupid twin: the root of what a reader gives back, computed from its leaves alone. */
static void root_by_hand(struct archive_reader *reader, uint64_t size, struct tlog_hash *ret_root)
{
    struct tlog_hasher *hasher = tlog_hasher_new();
    struct tlog_frontier frontier;
    tlog_frontier_init(&frontier);
    for (uint64_t i = 0; i < size; i++) {
        struct buf leaf CLEANUP(buf_done) = {0};
        struct tlog_hash hash;
        struct tlog_hash again;
        struct err err = {0};
        buf_init(&leaf, 1 << 20);
        CHECK_INT(archive_reader_leaf(reader, i, &leaf, &hash, &err), RC_OK);
        tlog_hash_leaf(hasher, STR_NONE, buf_view(&leaf), &again);
        CHECK(tlog_hash_eq(&hash, &again));
        tlog_frontier_append(&frontier, hasher, &hash);
    }
    tlog_frontier_root(&frontier, hasher, ret_root);
    tlog_hasher_free(hasher);
}

static struct archive_reader *reader_open(struct testbed *bed)
{
    struct archive_reader *reader = NULL;
    struct archive_reader_options options = {.names = bed->names};
    testbed_ok(bed, archive_reader_open(&io_kernel, bed->folder, &options, &reader, &bed->err));
    return reader;
}

static void appends_and_recovers(void)
{
    struct testbed bed;
    struct tlog_hash before;
    struct tlog_hash after;
    testbed_make(&bed);
    CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
    CHECK(bed.recovered.created);
    CHECK_INT(testbed_put(&bed, 1000, true), RC_OK);
    CHECK_INT(archive_durable(bed.archive), 1000);
    CHECK_INT(archive_root(bed.archive, 1000, &before, &bed.err), RC_OK);
    CHECK_INT(archive_root(bed.archive, 1001, &before, &bed.err), RC_INVALID);
    CHECK_INT(archive_root(bed.archive, 1000, &before, &bed.err), RC_OK);
    CHECK(archive_log_count(bed.archive) > 1);
    struct testbed second = bed;
    CHECK_INT(testbed_open(&second, WAL_SIZE_TEST, false), RC_EXISTS);
    testbed_close(&bed);
    CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
    CHECK(!bed.recovered.created);
    CHECK_INT(bed.recovered.size, 1000);
    CHECK_INT(archive_root(bed.archive, 1000, &after, &bed.err), RC_OK);
    CHECK(tlog_hash_eq(&before, &after));
    bed.appended -= 10; /* a source sends its last ten again */
    CHECK_INT(testbed_put(&bed, 1, false), RC_OK);
    CHECK_INT(bed.appended, 990);
    bed.appended = 1000;
    uint64_t highest;
    const uint8_t source[16] = {1};
    CHECK(archive_highest(bed.archive, source, 5, &highest));
    CHECK_INT(highest, 999);
    CHECK(!archive_highest(bed.archive, source, 6, &highest));
    CHECK_INT(archive_size(bed.archive), 1000);
    CHECK_INT(testbed_put(&bed, 5, true), RC_OK);
    CHECK_INT(archive_size(bed.archive), 1005);
    struct archive_reader *reader = reader_open(&bed);
    CHECK_INT(archive_reader_size(reader), 1005);
    root_by_hand(reader, 1000, &after);
    CHECK(tlog_hash_eq(&before, &after));
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void seals_and_recovers(void)
{
    struct testbed bed;
    struct tlog_hash root;
    struct tlog_hash again;
    testbed_make(&bed);
    CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
    struct event_source source = {.id = {1}, .kind = STR("udp"), .name = STR("10.0.0.\xff \"x\"")};
    CHECK_INT(archive_source(bed.archive, &source, 1, 2, &bed.err), RC_OK);
    CHECK_INT(archive_source(bed.archive, &source, 1, 2, &bed.err), RC_OK);
    CHECK_INT(archive_size(bed.archive), 1);
    CHECK_INT(testbed_put(&bed, 3000, true), RC_OK);
    uint64_t size = archive_durable(bed.archive);
    CHECK_INT(archive_root(bed.archive, size, &root, &bed.err), RC_OK);
    CHECK(testbed_seal(&bed, 2) >= 3);
    CHECK(archive_sealed(bed.archive) > 1000);
    CHECK_INT(archive_log_count(bed.archive), 1);
    CHECK_INT(testbed_put(&bed, 100, true), RC_OK);
    CHECK_INT(testbed_checkpoint(&bed, true), RC_OK);
    for (int i = 0; i < 2; i++) {
        testbed_close(&bed);
        testbed_ok(&bed, testbed_open(&bed, WAL_SIZE_TEST, false));
        CHECK_INT(archive_size(bed.archive), size + 100);
        CHECK_INT(archive_root(bed.archive, size, &again, &bed.err), RC_OK);
        CHECK(tlog_hash_eq(&root, &again));
        CHECK_INT(archive_source(bed.archive, &source, 1, 2, &bed.err), RC_OK);
        CHECK_INT(archive_size(bed.archive), size + 100);
        uint64_t highest = 0;
        CHECK(archive_highest(bed.archive, source.id, 5, &highest));
        CHECK_INT(highest, 3099);
    }
    struct archive_reader *reader = reader_open(&bed);
    root_by_hand(reader, size, &again);
    CHECK(tlog_hash_eq(&root, &again));
    CHECK_TEXT(archive_reader_source(reader, source.id).kind, "udp");
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void check_proof(struct testbed *bed, struct archive_reader *reader, uint64_t number)
{
    struct buf text CLEANUP(buf_done) = {0};
    struct buf leaf CLEANUP(buf_done) = {0};
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
    struct tlog_proof proof;
    static struct policy policy;
    struct checkpoint checkpoint;
    struct policy_result result;
    struct tlog_hash hash;
    buf_init(&text, PROOF_SIZE_MAX);
    buf_init(&leaf, 1 << 20);
    test_row("record %llu", (unsigned long long)number);
    testbed_ok(bed, archive_reader_proof(reader, number, &text, &bed->err));
    CHECK_INT(proof_parse(buf_view(&text), arena, &proof, &bed->err), RC_OK);
    policy_of_key(signing_key_public(bed->key), &policy);
    CHECK_INT(archive_reader_leaf(reader, number, &leaf, &hash, &bed->err), RC_OK);
    CHECK_STR(proof.extra, buf_view(&leaf));
    CHECK_INT(proof_verify(&proof, &policy, &hash, &checkpoint, &result, &bed->err), RC_OK);
    hash.bytes[5] ^= 1;
    CHECK_INT(proof_verify(&proof, &policy, &hash, &checkpoint, &result, &bed->err), RC_DENIED);
}

static void proves_records(void)
{
    struct testbed bed;
    testbed_make(&bed);
    CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
    CHECK_INT(testbed_put(&bed, 2500, true), RC_OK);
    CHECK(testbed_seal(&bed, 1) >= 2);
    CHECK_INT(testbed_checkpoint(&bed, false), RC_OK);
    CHECK_INT(testbed_put(&bed, 3, true), RC_OK);
    struct archive_reader *reader = reader_open(&bed);
    static const uint64_t numbers[] = {0, 1, 255, 256, 511, 1000, 2047, 2048, 2303, 2498, 2499};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        check_proof(&bed, reader, numbers[i]);
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, PROOF_SIZE_MAX);
    CHECK_INT(archive_reader_proof(reader, 2501, &text, &bed.err), RC_NOT_FOUND);
    CHECK_INT(archive_reader_proof(reader, 9999, &text, &bed.err), RC_NOT_FOUND);
    CHECK_INT(testbed_put(&bed, 800, true), RC_OK);
    CHECK_INT(testbed_checkpoint(&bed, false), RC_OK);
    CHECK_INT(archive_reader_refresh(reader, &bed.err), RC_OK);
    check_proof(&bed, reader, 2501);
    CHECK(testbed_seal(&bed, 1) >= 1);
    CHECK_INT(archive_reader_refresh(reader, &bed.err), RC_OK);
    check_proof(&bed, reader, 2501);
    check_proof(&bed, reader, 3300);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void consistency(void)
{
    struct testbed bed;
    struct tlog_hasher *hasher = tlog_hasher_new();
    static struct tlog_head heads[40];
    testbed_make(&bed);
    CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        CHECK_INT(testbed_put(&bed, i * 5 + 1, true), RC_OK);
        heads[i].size = archive_durable(bed.archive);
        CHECK_INT(archive_root(bed.archive, heads[i].size, &heads[i].root, &bed.err), RC_OK);
        if (i == 30)
            CHECK(testbed_seal(&bed, 2) > 0);
    }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
            struct tlog_path path;
            const struct tlog_head *last = &heads[ARRAY_LEN(heads) - 1];
            test_row("round %d from %llu", round, (unsigned long long)heads[i].size);
            testbed_ok(&bed, archive_consistency(bed.archive, heads[i].size, last->size, &path, &bed.err));
            CHECK(tlog_verify_consistency(hasher, &heads[i], last, &path));
        }
        testbed_close(&bed); /* the second round has nothing in memory */
        CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
    }
    tlog_hasher_free(hasher);
    testbed_remove(&bed);
}

static void truncate_file(struct testbed *bed, const char *folder, const char *name, off_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s/%s", bed->path, folder, name);
    CHECK_INT(truncate(path, size), 0);
}

static void refuses_rollback(void)
{
    struct testbed bed;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
    testbed_make(&bed);
    CHECK_INT(testbed_open(&bed, 1 << 20, false), RC_OK);
    CHECK_INT(testbed_put(&bed, 100, true), RC_OK);
    CHECK_INT(testbed_put(&bed, 50, true), RC_OK);
    CHECK_INT(testbed_checkpoint(&bed, true), RC_OK);
    char origin[ARCHIVE_ORIGIN_MAX];
    snprintf(origin, sizeof origin, "%s", archive_origin(bed.archive));
    testbed_close(&bed);
    truncate_file(&bed, "wal", "0000000000000000.wal", 16000);
    CHECK_INT(testbed_open(&bed, 1 << 20, false), RC_CORRUPT);
    CHECK(str_search(str_of(bed.err.text), STR("0000000000000000.wal")) < str_of(bed.err.text).n);
    testbed_ok(&bed, testbed_open(&bed, 1 << 20, true));
    CHECK(bed.recovered.new_instance);
    CHECK(strcmp(origin, archive_origin(bed.archive)) != 0);
    CHECK_INT(archive_size(bed.archive), 101); /* and the incident */
    CHECK_INT(archive_checkpoint(bed.archive).n, 0);
    CHECK_INT(testbed_checkpoint(&bed, true), RC_OK);
    testbed_close(&bed);
    CHECK_INT(testbed_open(&bed, 1 << 20, false), RC_OK);
    CHECK_INT(archive_size(bed.archive), 101);
    struct archive_reader *reader = reader_open(&bed);
    struct archive_hit *hit = arena_alloc(arena, sizeof *hit);
    CHECK_INT(archive_reader_record(reader, 100, arena, hit, &bed.err), RC_OK);
    CHECK_INT(hit->leaf.type, LEAF_LIFECYCLE);
    CHECK(str_search(hit->raw, STR("incident")) < hit->raw.n);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void large_and_limits(void)
{
    struct testbed bed;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(64 << 20);
    char *raw = arena_alloc(arena, RECORD_RAW_MAX + 1);
    struct archive_appended appended;
    struct archive_record record = {.type = LEAF_RAW, .source = {3}, .sequence = 1, .raw = str_at(raw, 1 << 20)};
    uint64_t durable;
    testbed_make(&bed);
    CHECK_INT(testbed_open(&bed, 4 << 20, false), RC_OK);
    for (size_t i = 0; i < RECORD_RAW_MAX; i++)
        raw[i] = (char)(i * 31 % 251);
    CHECK_INT(archive_append(bed.archive, &record, 1, &appended, &bed.err), RC_OK);
    record.sequence++;
    record.raw.n = LEAF_RAW_MAX;
    CHECK_INT(archive_append(bed.archive, &record, 1, &appended, &bed.err), RC_OK);
    record.sequence++;
    record.raw.n = 0;
    CHECK_INT(archive_append(bed.archive, &record, 1, &appended, &bed.err), RC_OK);
    record.sequence++;
    record.raw.n = (size_t)RECORD_RAW_MAX + 1;
    CHECK_INT(archive_append(bed.archive, &record, 1, &appended, &bed.err), RC_LIMIT);
    record.type = LEAF_LIFECYCLE;
    record.raw.n = LEAF_RAW_MAX + 1;
    CHECK_INT(archive_append(bed.archive, &record, 1, &appended, &bed.err), RC_LIMIT);
    CHECK_INT(archive_commit(bed.archive, &durable, &bed.err), RC_OK);
    CHECK_INT(durable, 3);
    CHECK_INT(archive_rotate(bed.archive, &bed.err), RC_OK);
    CHECK_INT(testbed_seal(&bed, 1), 1);
    CHECK_INT(archive_sealed(bed.archive), 3);
    testbed_close(&bed);
    CHECK_INT(testbed_open(&bed, 4 << 20, false), RC_OK);
    struct archive_reader *reader = reader_open(&bed);
    struct archive_hit *hit = arena_alloc(arena, sizeof *hit);
    CHECK_INT(archive_reader_record(reader, 0, arena, hit, &bed.err), RC_OK);
    CHECK_INT(hit->leaf.type, LEAF_DIGEST);
    CHECK_STR(hit->raw, str_at(raw, 1 << 20));
    CHECK_INT(archive_reader_record(reader, 1, arena, hit, &bed.err), RC_OK);
    CHECK_INT(hit->leaf.type, LEAF_RAW);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void refuses_bad_blocks(void)
{
    struct testbed bed;
    struct buf block CLEANUP(buf_done) = {0};
    const uint64_t key[2] = {1, 2};
    testbed_make(&bed);
    buf_init(&block, BLOCK_SIZE_MAX);
    CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
    CHECK_INT(testbed_put(&bed, 700, true), RC_OK);
    CHECK_INT(archive_rotate(bed.archive, &bed.err), RC_OK);
    uint64_t end = archive_log_at(bed.archive, 0).end;
    struct block_builder *builder = block_builder_new(bed.names, key);
    /* right numbers, wrong bytes: found when the segment is compared with the tree */
    for (uint64_t i = 0; i < end; i++) {
        struct leaf leaf = {.type = LEAF_RAW, .index = i, .raw_length = 3};
        CHECK_INT(block_builder_add(builder, &leaf, STR("lie"), NULL, NULL, 0), RC_OK);
    }
    CHECK_INT(block_builder_finish(builder, &block, &bed.err), RC_OK);
    CHECK_INT(archive_block(bed.archive, 64, buf_view(&block), &bed.err), RC_INVALID);
    CHECK_INT(archive_block(bed.archive, 0, str_slice(buf_view(&block), 0, block.n - 1), &bed.err), RC_INVALID);
    block.p[block.n / 2] ^= 4;
    CHECK_INT(archive_block(bed.archive, 0, buf_view(&block), &bed.err), RC_INVALID);
    block.p[block.n / 2] ^= 4;
    CHECK_INT(archive_block(bed.archive, 0, buf_view(&block), &bed.err), RC_OK);
    CHECK_INT(archive_block(bed.archive, 0, buf_view(&block), &bed.err), RC_INVALID);
    enum rc rc;
    while ((rc = archive_seal_step(bed.archive, NULL, NULL, &bed.err)) == RC_AGAIN)
        continue;
    CHECK_INT(rc, RC_CORRUPT);
    CHECK_INT(archive_share_next(bed.archive, 0), 0);
    CHECK(testbed_seal(&bed, 2) > 0);
    block_builder_free(builder);
    testbed_remove(&bed);
}

/* One allocation after the other fails while engines encode and segments are sealed: nothing is lost, and once there is
 * memory again all is sealed. */
static void memory_fails(void)
{
    bool whole = false;
    for (uint64_t n = 1; n < 5000 && !whole; n += n < 40 ? 1 : n / 40) {
        struct testbed bed;
        size_t sealed = 0;
        size_t more = 0;
        test_row("allocation %llu", (unsigned long long)n);
        testbed_make(&bed);
        CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
        CHECK_INT(testbed_put(&bed, 400, true), RC_OK);
        CHECK_INT(archive_rotate(bed.archive, &bed.err), RC_OK);
        uint64_t end = archive_log_at(bed.archive, 0).end;
        uint64_t before = memory_allocations();
        memory_fail_at(n);
        enum rc rc = testbed_try_seal(&bed, 2, &sealed);
        whole = memory_allocations() - before < n; /* none was left to fail */
        memory_fail_at(0);
        CHECK(rc == RC_OK || rc == RC_LIMIT || rc == RC_IO);
        if (rc != RC_OK) {
            archive_blocks_drop(bed.archive);
            CHECK_INT(testbed_try_seal(&bed, 2, &more), RC_OK);
        }
        CHECK_INT(sealed + more, 1);
        CHECK_INT(archive_sealed(bed.archive), end);
        testbed_close(&bed);
        CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
        CHECK_INT(archive_sealed(bed.archive), end);
        testbed_remove(&bed);
    }
    CHECK(whole);
}

static bool disk_full;
static bool sync_fails;

static int faulty_allocate(void *self, int fd, int64_t offset, int64_t size)
{
    return disk_full ? -ENOSPC : io_kernel.allocate(self, fd, offset, size);
}

static int faulty_sync(void *self, int fd)
{
    return sync_fails ? -EIO : io_kernel.sync(self, fd);
}

static void full_disk(void)
{
    struct testbed bed;
    struct io io = io_kernel;
    uint64_t durable;
    struct event_source source = {.id = {8}, .kind = STR("udp"), .name = STR("late")};
    io.allocate = faulty_allocate;
    io.sync = faulty_sync;
    testbed_make(&bed);
    bed.io = &io;
    testbed_ok(&bed, testbed_open(&bed, WAL_SIZE_TEST, false));
    disk_full = true;
    CHECK_INT(testbed_put(&bed, 3000, false), RC_IO);
    CHECK(str_search(str_of(bed.err.text), STR("No space left")) < strlen(bed.err.text));
    uint64_t taken = bed.appended;
    CHECK(taken > 100 && taken < 3000);
    CHECK_INT(testbed_put(&bed, 1, false), RC_IO);
    testbed_ok(&bed, archive_source(bed.archive, &source, 1, 1, &bed.err)); /* lifecycle still goes */
    testbed_ok(&bed, archive_commit(bed.archive, &durable, &bed.err));
    CHECK_INT(durable, taken + 1);
    disk_full = false;
    testbed_ok(&bed, testbed_put(&bed, 500, true)); /* no restart is needed */
    testbed_ok(&bed, testbed_put(&bed, 1, false));
    sync_fails = true;
    CHECK_INT(archive_commit(bed.archive, &durable, &bed.err), RC_IO);
    sync_fails = false;
    CHECK_INT(archive_commit(bed.archive, &durable, &bed.err), RC_IO);
    CHECK_INT(testbed_put(&bed, 1, false), RC_IO);
    testbed_close(&bed);
    testbed_ok(&bed, testbed_open(&bed, WAL_SIZE_TEST, false));
    CHECK(archive_size(bed.archive) >= taken + 501);
    testbed_remove(&bed);
}

static unsigned file_opens;

static int counting_open(void *self, int folder, const char *name, unsigned flags)
{
    file_opens++;
    return io_kernel.open(self, folder, name, flags);
}

static unsigned opens_of_proof(struct testbed *bed, uint64_t from)
{
    struct tlog_path path;
    struct tlog_hash root;
    file_opens = 0;
    testbed_ok(bed, archive_consistency(bed->archive, from, archive_size(bed->archive), &path, &bed->err));
    testbed_ok(bed, archive_root(bed->archive, from, &root, &bed->err));
    return file_opens;
}

/* The writer reads no files for proofs from what was shown outside or signed last; for others once. */
static void proofs_from_memory(void)
{
    struct testbed bed;
    struct io io = io_kernel;
    uint64_t shown[3];
    struct buf note CLEANUP(buf_done);
    buf_init(&note, NOTE_SIZE_MAX);
    io.open = counting_open;
    testbed_make(&bed);
    bed.io = &io;
    testbed_ok(&bed, testbed_open(&bed, INT64_C(64) << 20, false));
    testbed_ok(&bed, testbed_put(&bed, 300, true));
    uint64_t never = archive_size(bed.archive);
    testbed_ok(&bed, testbed_put(&bed, 256, true));
    shown[0] = archive_size(bed.archive); /* at once, while its group grows */
    archive_shown(bed.archive, shown[0]);
    testbed_ok(&bed, testbed_put(&bed, 256, true));
    shown[1] = archive_size(bed.archive);
    testbed_ok(&bed, testbed_put(&bed, 256, true)); /* when its group is complete */
    archive_shown(bed.archive, shown[1]);
    testbed_ok(&bed, testbed_checkpoint(&bed, false));
    shown[2] = archive_size(bed.archive); /* signed last */
    for (int i = 0; i < 300; i++)
        testbed_ok(&bed, testbed_put(&bed, 256, true));
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        test_row("row %zu", i);
        CHECK_INT(opens_of_proof(&bed, shown[i]), 0);
    }
    test_row("-");
    CHECK(opens_of_proof(&bed, never) > 0);
    CHECK_INT(opens_of_proof(&bed, never), 0);
    /* Those that are asked for stay, whatever else is shown. */
    for (int i = 0; i < 200; i++) {
        testbed_ok(&bed, testbed_put(&bed, 256, true));
        archive_shown(bed.archive, archive_size(bed.archive));
        CHECK_INT(opens_of_proof(&bed, never) + opens_of_proof(&bed, shown[0]), 0);
    }
    CHECK(opens_of_proof(&bed, shown[1]) > 0);
    /* What witnesses cosigned last is known after a restart too. */
    testbed_ok(&bed, testbed_put(&bed, 10, true));
    testbed_ok(&bed, testbed_checkpoint(&bed, false));
    uint64_t last = archive_size(bed.archive);
    buf_str(&note, archive_checkpoint(bed.archive));
    testbed_ok(&bed, archive_cosigned_store(bed.archive, buf_view(&note), false, true, &bed.err));
    for (int i = 0; i < 300; i++)
        testbed_ok(&bed, testbed_put(&bed, 256, true));
    testbed_ok(&bed, testbed_checkpoint(&bed, false));
    testbed_close(&bed);
    testbed_ok(&bed, testbed_open(&bed, INT64_C(64) << 20, false));
    CHECK_INT(opens_of_proof(&bed, last), 0);
    testbed_remove(&bed);
}

static void cosigned_found(void *context, const struct verify_finding *finding)
{
    (void)context;
    CHECK_TEXT(str_of(finding->file), "checkpoints/cosigned");
    CHECK(!finding->warning);
}

/* A damaged note of witnesses closes nothing: its records are proven by the newest checkpoint. */
static void cosigned_damaged(struct testbed *bed)
{
    static const char *const texts[] = {"", "x", "qorgan.test/x\n600\n\n", NULL /* too long */};
    struct buf proof CLEANUP(buf_done);
    buf_init(&proof, PROOF_SIZE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        test_row("row %zu", i);
        int fd = openat(bed->folder, "checkpoints/cosigned", O_WRONLY | O_TRUNC | O_CLOEXEC);
        CHECK(fd >= 0);
        if (texts[i])
            CHECK_INT(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
        else
            CHECK_INT(ftruncate(fd, NOTE_SIZE_MAX + 1), 0);
        close(fd);
        struct archive_reader *reader = reader_open(bed);
        CHECK(archive_reader_cosigned_damaged(reader));
        CHECK_STR(archive_reader_cosigned(reader), STR_NONE);
        buf_clear(&proof);
        CHECK_INT(archive_reader_proof(reader, 10, &proof, &bed->err), RC_OK);
        CHECK(str_ends(buf_view(&proof), archive_checkpoint(bed->archive)));
        CHECK_INT(archive_reader_refresh(reader, &bed->err), RC_OK);
        archive_reader_close(reader);
        struct verify_options options = {.finding = cosigned_found};
        struct verify_result result;
        CHECK_INT(archive_verify(&io_kernel, bed->folder, &options, &result, &bed->err), RC_CORRUPT);
    }
    test_row("-");
    CHECK_INT(unlinkat(bed->folder, "checkpoints/cosigned", 0), 0);
    struct archive_reader *reader = reader_open(bed);
    CHECK(!archive_reader_cosigned_damaged(reader));
    archive_reader_close(reader);
}

/* What witnesses cosigned proves the records it covers, though a newer checkpoint stands beside it. */
static void cosigned_checkpoints(void)
{
    struct testbed bed;
    struct buf note CLEANUP(buf_done);
    struct buf proof CLEANUP(buf_done);
    struct archive_retained kept;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
    testbed_make(&bed);
    buf_init(&note, NOTE_SIZE_MAX);
    buf_init(&proof, PROOF_SIZE_MAX);
    CHECK_INT(testbed_open(&bed, WAL_SIZE_TEST, false), RC_OK);
    CHECK_INT(testbed_put(&bed, 300, true), RC_OK);
    CHECK_INT(testbed_checkpoint(&bed, true), RC_OK);
    buf_str(&note, archive_checkpoint(bed.archive));
    size_t plain = note.n;
    buf_text(&note, "\xe2\x80\x94 w.test AAAAAAAA\n");
    CHECK_INT(testbed_put(&bed, 300, true), RC_OK);
    CHECK_INT(testbed_checkpoint(&bed, true), RC_OK);
    CHECK_INT(archive_cosigned_store(bed.archive, buf_view(&note), true, true, &bed.err), RC_OK);
    CHECK(!str_eq(archive_checkpoint(bed.archive), buf_view(&note))); /* a newer one stays the newest */
    struct archive_reader *reader = reader_open(&bed);
    CHECK_STR(archive_reader_cosigned(reader), buf_view(&note));
    uint64_t covered = archive_size(bed.archive) - 301;
    CHECK_INT(archive_reader_proof(reader, covered, &proof, &bed.err), RC_OK);
    CHECK(str_ends(buf_view(&proof), buf_view(&note)));
    buf_clear(&proof);
    CHECK_INT(archive_reader_proof(reader, covered + 1, &proof, &bed.err), RC_OK);
    CHECK(str_ends(buf_view(&proof), archive_checkpoint(bed.archive)));
    /* By time: the newest is the cosigned one; before everything there is none. */
    CHECK_INT(archive_retained_before(reader, INT64_MAX, arena, &kept, &bed.err), RC_OK);
    CHECK_STR(kept.note, buf_view(&note));
    CHECK(kept.time_ns > 0);
    CHECK_INT(archive_retained_before(reader, kept.time_ns + 1, arena, &kept, &bed.err), RC_OK);
    CHECK_INT(archive_retained_before(reader, 1, arena, &kept, &bed.err), RC_NOT_FOUND);
    /* Another tree's note is not taken. */
    note.p[str_search(buf_view(&note), STR("\n")) + 1]++;
    CHECK_INT(archive_cosigned_store(bed.archive, buf_view(&note), true, true, &bed.err), RC_INVALID);
    note.p[0]++;
    CHECK_INT(archive_cosigned_store(bed.archive, str_at(note.p, plain), true, true, &bed.err), RC_INVALID);
    archive_reader_close(reader);
    cosigned_damaged(&bed);
    testbed_remove(&bed);
}

static const struct test tests[] = {
    {"full disk, failed sync", full_disk},
    {"appends and recovers", appends_and_recovers},
    {"seals and recovers", seals_and_recovers},
    {"proves records", proves_records},
    {"consistency from every commit", consistency},
    {"refuses a rollback", refuses_rollback},
    {"large records and limits", large_and_limits},
    {"refuses bad blocks", refuses_bad_blocks},
    {"memory fails", memory_fails},
    {"cosigned checkpoints", cosigned_checkpoints},
    {"proofs from memory", proofs_from_memory},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
