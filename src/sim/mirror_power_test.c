/* A mirror's store under power cuts and failing calls, at every changing call of three pulls: a log, its segments and
 * what came behind them, more of both; and of the one pull of a mirror that begins when the server has deleted some.
 * After each stop:
 *   1 the store opens, and holds at least what was said to be kept    3 the pull goes on to the end
 *   2 what it holds is the beginning of the server's tree             4 the copy is whole: archive_verify finds nothing
 * The server's archive stands four times in folders of the host, each a moment of the same life. */
#include "archive/mirror_serve.h"
#include "archive/mirror_store.h"
#include "archive/testbed.h"
#include "archive/verify.h"
#include "base/test.h"
#include "sim/disk.h"
#include "wal/wal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAL_SMALL WAL_FILE_SIZE_MIN
#define MOMENTS   4
#define DELETED   3 /* the moment at which two segments are gone */
#define ROWS      16
#define PART      16000

static struct {
    struct testbed bed[MOMENTS];
    struct archive_reader *reader[MOMENTS];
    struct arena *arena;
    struct buf bytes;
    struct sim_disk *disk;
    struct mirror_store *store;
    struct archive_reader *reading; /* of the pull under way */
    struct vault *vault;            /* of the copy; NULL: not encrypted */
    uint64_t kept;                  /* records that were said to be kept */
    struct err err;
} model;

/* ---- the server's life ---- */

static void live(struct testbed *bed, int moment)
{
    testbed_ok(bed, testbed_open(bed, WAL_SMALL, false));
    testbed_ok(bed, testbed_put(bed, 90, true));
    testbed_ok(bed, testbed_checkpoint(bed, true));
    if (moment == 0)
        return;
    testbed_ok(bed, testbed_put(bed, 330, true));
    testbed_ok(bed, archive_rotate(bed->archive, &bed->err));
    CHECK(testbed_seal(bed, 1) > 0);
    testbed_ok(bed, testbed_put(bed, 20, true));
    testbed_ok(bed, testbed_checkpoint(bed, true));
    if (moment == 1)
        return;
    testbed_ok(bed, testbed_put(bed, 400, true));
    testbed_ok(bed, archive_rotate(bed->archive, &bed->err));
    CHECK(testbed_seal(bed, 1) > 0);
    testbed_ok(bed, testbed_put(bed, 10, true));
    testbed_ok(bed, testbed_checkpoint(bed, false));
    if (moment < DELETED)
        return;
    testbed_ok(bed, testbed_put(bed, 300, true));
    testbed_ok(bed, archive_rotate(bed->archive, &bed->err));
    CHECK(testbed_seal(bed, 1) > 0);
    testbed_retire(bed, 0, NULL);
    testbed_retire(bed, 420, NULL);
    testbed_ok(bed, testbed_put(bed, 10, true));
    testbed_ok(bed, testbed_checkpoint(bed, false));
}

static void begin(void)
{
    static const struct archive_reader_options none = {0};
    buf_init(&model.bytes, (size_t)4 << 20);
    for (int i = 0; i < MOMENTS; i++) {
        testbed_make(&model.bed[i]);
        live(&model.bed[i], i);
        CHECK_INT(archive_reader_open(&io_kernel, model.bed[i].folder, &none, &model.reader[i], &model.err), RC_OK);
    }
}

static void end(void)
{
    for (int i = 0; i < MOMENTS; i++) {
        archive_reader_close(model.reader[i]);
        testbed_remove(&model.bed[i]);
    }
    buf_done(&model.bytes);
}

/* ---- one pull ---- */

static enum rc take_instance(struct archive_reader *reader)
{
    char text[1024];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    archive_mirror_instance(reader, &out);
    enum rc rc = mirror_store_instance(model.store, buf_view(&out), &model.err);
    return rc == RC_AGAIN ? mirror_store_take(model.store, buf_view(&out), &model.err) : rc;
}

static bool is_servers(struct archive_reader *reader, const struct tlog_head *head)
{
    struct tlog_hash root;
    return CHECK_INT(archive_reader_root(reader, head->size, &root, NULL), RC_OK) &&
           CHECK(tlog_hash_eq(&root, &head->root));
}

/* A part that was begun before a stop may be torn: once more from its first byte, as role/mirror_pull.c does. */
static enum rc take_segment(struct archive_reader *reader, const struct mirror_row *row, bool again)
{
    struct tlog_head head;
    uint64_t have = 0;
    enum rc rc = mirror_store_part_open(model.store, row, &have, &model.err);
    bool resumed = have > 0;
    while (rc == RC_OK && have < row->size) {
        struct mirror_part part = {.first = row->first, .offset = have, .size = (size_t)MIN(PART, row->size - have)};
        buf_clear(&model.bytes);
        CHECK_INT(archive_mirror_part(reader, &part, &model.bytes, NULL), RC_OK);
        rc = mirror_store_part_write(model.store, have, buf_view(&model.bytes), &model.err);
        have += model.bytes.n;
    }
    rc = rc == RC_OK ? mirror_store_part_check(model.store, &head, &model.err) : rc;
    if (rc == RC_CORRUPT && resumed && !again) {
        mirror_store_part_drop(model.store);
        return take_segment(reader, row, true);
    }
    if (rc == RC_OK && is_servers(reader, &head))
        rc = mirror_store_part_keep(model.store, &model.err);
    if (rc == RC_OK)
        model.kept = MAX(model.kept, row->end);
    return rc;
}

/* What was deleted before record `upto`. */
static enum rc take_stones(struct archive_reader *reader, uint64_t upto)
{
    enum rc rc = RC_OK;
    while (rc == RC_OK && mirror_store_due(model.store) < upto) {
        struct mirror_stone stone;
        struct mirror_part part = {.tombstone = true};
        struct buf record CLEANUP(buf_done) = {0};
        struct tlog_path path;
        struct tlog_head head;
        struct tlog_hash leaf;
        size_t count = 0;
        buf_init(&record, 1u << 17);
        buf_clear(&model.bytes);
        CHECK_INT(archive_mirror_tombstones(reader, mirror_store_due(model.store), &stone.row, 1, &count, NULL), RC_OK);
        if (!CHECK(count == 1))
            return RC_NOT_FOUND;
        part.first = stone.row.first;
        part.size = (size_t)stone.row.size;
        CHECK_INT(archive_mirror_part(reader, &part, &model.bytes, NULL), RC_OK);
        CHECK_INT(archive_mirror_retention(reader, stone.row.record, archive_reader_size(reader), &path, &record, NULL),
                  RC_OK);
        stone.bytes = buf_view(&model.bytes);
        stone.record = buf_view(&record);
        rc = mirror_store_stone_check(model.store, &stone, &head, &leaf, &model.err);
        if (rc == RC_OK && is_servers(reader, &head))
            mirror_store_stone_wait(model.store);
    }
    return rc;
}

static enum rc take_log(struct archive_reader *reader)
{
    enum rc rc = RC_OK;
    while (rc == RC_OK && mirror_store_size(model.store) < archive_reader_size(reader)) {
        struct mirror_span span = {.from = mirror_store_size(model.store), .to = UINT64_MAX, .size = PART};
        struct mirror_log log;
        struct tlog_head head;
        buf_clear(&model.bytes);
        CHECK_INT(archive_mirror_log(reader, &span, &log, &model.bytes, NULL), RC_OK);
        rc = mirror_store_log_check(model.store, &log, buf_view(&model.bytes), &head, &model.err);
        if (rc == RC_OK && is_servers(reader, &head))
            rc = mirror_store_log_keep(model.store, WAL_SMALL + 4096, &model.err);
        if (rc == RC_OK)
            model.kept = head.size;
    }
    return rc;
}

static bool retain(void *context, uint64_t size, struct str note)
{
    enum rc *rc = context;
    struct tlog_path path;
    CHECK_INT(archive_mirror_path(model.reading, size, &path, NULL), RC_OK);
    if (size <= mirror_store_size(model.store))
        *rc = mirror_store_note_retain(model.store, note, &path, &model.err);
    return *rc == RC_OK;
}

static enum rc pull(struct archive_reader *reader)
{
    struct mirror_row rows[ROWS];
    size_t count = 0;
    model.store = NULL;
    model.reading = reader;
    const struct io *io = sim_disk_io(model.disk);
    enum rc rc = mirror_store_open(io, sim_disk_root(model.disk), model.vault, &model.store, &model.err);
    if (rc == RC_OK) {
        CHECK(mirror_store_size(model.store) >= model.kept);
        rc = take_instance(reader);
    }
    if (rc == RC_OK)
        CHECK_INT(archive_mirror_rows(reader, mirror_store_sealed(model.store), rows, ROWS, &count, NULL), RC_OK);
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        rc = take_stones(reader, rows[i].first);
        rc = rc == RC_OK ? take_segment(reader, &rows[i], false) : rc;
    }
    rc = rc == RC_OK ? take_log(reader) : rc;
    if (rc == RC_OK)
        CHECK_INT(archive_mirror_notes(reader, mirror_store_retained(model.store), retain, &rc, NULL), RC_OK);
    struct str note = archive_reader_checkpoint(reader);
    rc = rc == RC_OK ? mirror_store_note_cosigned(model.store, note, &model.err) : rc;
    rc = rc == RC_OK ? mirror_store_note_latest(model.store, note, &model.err) : rc;
    mirror_store_close(model.store);
    model.store = NULL;
    return rc;
}

/* ---- after a stop ---- */

static void fault(void *context, const struct verify_finding *finding)
{
    (void)context;
    if (!finding->warning)
        CHECK_TEXT(str_of(finding->text), "no fault");
}

/* What is held is the server's, then the pull ends well, and what it made is whole. */
static bool goes_on(int moment, bool whole)
{
    struct tlog_head head;
    struct mirror_store *store = NULL;
    enum rc rc = mirror_store_open(sim_disk_io(model.disk), sim_disk_root(model.disk), model.vault, &store, &model.err);
    if (!CHECK_INT(rc, RC_OK)) {
        printf("# %s\n", model.err.text);
        return false;
    }
    head.size = mirror_store_size(store);
    bool good = CHECK(head.size >= model.kept);
    if (head.size)
        good = good && CHECK_INT(mirror_store_root(store, head.size, &head.root, &model.err), RC_OK) &&
               is_servers(model.reader[moment], &head);
    mirror_store_close(store);
    if (!good || !CHECK_INT(pull(model.reader[moment]), RC_OK)) {
        printf("# %s\n", model.err.text);
        return false;
    }
    struct verify_options options = {.finding = fault, .vault = model.vault};
    struct verify_result result = {0};
    if (!whole)
        return true;
    rc = archive_verify(sim_disk_io(model.disk), sim_disk_root(model.disk), &options, &result, &model.err);
    return CHECK_INT(rc, RC_OK) && CHECK_INT(result.size, archive_reader_size(model.reader[moment]));
}

/* From the disk as the pulls before left it: one pull with faults, then what came of it. */
static bool stops_once(const struct sim_disk *before, int moment, const struct sim_disk_faults *faults, uint64_t seed)
{
    uint64_t kept = model.kept;
    model.disk = sim_disk_copy(before);
    sim_disk_set_faults(model.disk, faults);
    enum rc rc = pull(model.reader[moment]);
    CHECK(rc == RC_OK || rc == RC_IO);
    if (rc != RC_OK && rc != RC_IO)
        printf("# %s\n", model.err.text);
    sim_disk_restart(model.disk, seed);
    bool good = goes_on(moment, seed % 3 == 1);
    sim_disk_free(model.disk);
    model.kept = kept;
    return good;
}

/* Each moment in turn, from `begins` on; `count` says over how many calls the fault moves. */
static void each_call_from(int begins, uint64_t (*count)(const struct sim_disk *disk),
                           struct sim_disk_faults (*fault_at)(uint64_t at), uint64_t step)
{
    struct sim_disk *disk = sim_disk_new(7);
    uint64_t seed = 0;
    begin();
    model.kept = 0;
    for (int moment = begins; moment < (begins ? MOMENTS : DELETED); moment++) {
        struct sim_disk *before = sim_disk_copy(disk);
        uint64_t kept = model.kept;
        model.disk = disk;
        sim_disk_set_faults(disk, &(struct sim_disk_faults){0});
        CHECK_INT(pull(model.reader[moment]), RC_OK);
        uint64_t calls = count(disk);
        uint64_t after = model.kept;
        CHECK(calls > 5);
        CHECK_INT(after, archive_reader_size(model.reader[moment]));
        model.kept = kept;
        bool good = true;
        for (uint64_t at = 1; at <= calls && good; at += step) {
            struct sim_disk_faults faults = fault_at(at);
            test_row("moment %d, call %llu, seed %llu", moment, (unsigned long long)at, (unsigned long long)seed);
            good = stops_once(before, moment, &faults, seed++);
        }
        model.kept = after;
        sim_disk_free(before);
    }
    sim_disk_free(disk);
    end();
}

static void each_call(uint64_t (*count)(const struct sim_disk *disk), struct sim_disk_faults (*fault_at)(uint64_t at),
                      uint64_t step)
{
    each_call_from(0, count, fault_at, step);
}

static struct sim_disk_faults cut_at(uint64_t at)
{
    return (struct sim_disk_faults){.cut_after = at};
}

static struct sim_disk_faults fail_at(uint64_t at)
{
    return (struct sim_disk_faults){.eio_at = at, .short_io = true};
}

static struct sim_disk_faults fail_sync_at(uint64_t at)
{
    return (struct sim_disk_faults){.eio_sync_at = at};
}

static void cuts(void)
{
    each_call(sim_disk_changes, cut_at, 1);
}

static void failing_calls(void)
{
    each_call(sim_disk_calls, fail_at, 5);
}

static void failing_syncs(void)
{
    each_call(sim_disk_syncs, fail_sync_at, 1);
}

static void late_cuts(void)
{
    each_call_from(DELETED, sim_disk_changes, cut_at, 1);
}

static void late_failing_calls(void)
{
    each_call_from(DELETED, sim_disk_calls, fail_at, 5);
    each_call_from(DELETED, sim_disk_syncs, fail_sync_at, 1);
}

static void encrypted_cuts(void)
{
    char text[VAULT_RING_MAX];
    struct buf ring;
    buf_init_fixed(&ring, text, sizeof text);
    CHECK_INT(vault_ring_add(STR_NONE, &ring, NULL), RC_OK);
    CHECK_INT(vault_new(buf_view(&ring), &model.vault, NULL), RC_OK);
    each_call(sim_disk_changes, cut_at, 2);
    each_call_from(DELETED, sim_disk_changes, cut_at, 2);
    vault_free(model.vault);
    model.vault = NULL;
}

static const struct test tests[] = {
    {"power is cut after every changing call", cuts},
    {"calls fail once", failing_calls},
    {"every sync fails once", failing_syncs},
    {"power is cut in a pull over what was deleted", late_cuts},
    {"calls and syncs fail in a pull over what was deleted", late_failing_calls},
    {"encrypted: power is cut", encrypted_cuts},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
