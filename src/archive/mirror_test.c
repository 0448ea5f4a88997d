/* A mirror's store fed from a real archive's reader, without a network: what it keeps, and what it refuses. */
#include "archive/folder.h"
#include "archive/mirror_serve.h"
#include "archive/mirror_store.h"
#include "archive/state.h"
#include "archive/testbed.h"
#include "archive/verify.h"
#include "base/test.h"
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAL_SMALL ((int64_t)64 << 10)
#define ROWS      64

/* A server's archive and a mirror of it. */
struct pair {
    struct testbed server;
    struct testbed copy; /* only its folder */
    struct archive_reader *reader;
    struct mirror_store *store;
    struct vault *vault; /* of the copy */
    struct buf bytes;
    struct err err;
};

static bool ok(const struct pair *p, enum rc rc)
{
    return rc == RC_OK || CHECK_TEXT(str_of(p->err.text), "no error");
}

static void store_open(struct pair *p)
{
    ok(p, mirror_store_open(&io_kernel, p->copy.folder, p->vault, &p->store, &p->err));
}

static void reader_open(struct pair *p)
{
    struct archive_reader_options none = {0};
    archive_reader_close(p->reader);
    p->reader = NULL;
    ok(p, archive_reader_open(&io_kernel, p->server.folder, &none, &p->reader, &p->err));
}

static void begin(struct pair *p, size_t records)
{
    *p = (struct pair){0};
    testbed_make(&p->server);
    testbed_make(&p->copy);
    buf_init(&p->bytes, (size_t)64 << 20);
    testbed_ok(&p->server, testbed_open(&p->server, WAL_SMALL, false));
    testbed_ok(&p->server, testbed_put(&p->server, records, true));
    store_open(p);
}

static void end(struct pair *p)
{
    archive_reader_close(p->reader);
    mirror_store_close(p->store);
    buf_done(&p->bytes);
    testbed_remove(&p->server);
    testbed_remove(&p->copy);
}

static enum rc instance_give(struct pair *p)
{
    char text[4096];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    archive_mirror_instance(p->reader, &out);
    enum rc rc = mirror_store_instance(p->store, buf_view(&out), &p->err);
    return rc == RC_AGAIN && !*mirror_store_origin(p->store) ? mirror_store_take(p->store, buf_view(&out), &p->err)
                                                             : rc;
}

static void part_fetch(struct pair *p, const struct mirror_row *row)
{
    uint64_t have = 0;
    ok(p, mirror_store_part_open(p->store, row, &have, &p->err));
    while (have < row->size) {
        struct mirror_part part = {.first = row->first, .offset = have, .size = (size_t)MIN(10000, row->size - have)};
        buf_clear(&p->bytes);
        ok(p, archive_mirror_part(p->reader, &part, &p->bytes, &p->err));
        if (!CHECK(p->bytes.n > 0))
            return;
        ok(p, mirror_store_part_write(p->store, have, buf_view(&p->bytes), &p->err));
        have += p->bytes.n;
    }
}

static bool root_is_servers(struct pair *p, const struct tlog_head *head)
{
    struct tlog_hash root;
    return archive_reader_root(p->reader, head->size, &root, &p->err) == RC_OK && tlog_hash_eq(&root, &head->root);
}

/* A tombstone and the record that it names, as a mirror fetches them, into bytes of their own. */
struct stone {
    struct mirror_stone stone;
    struct tlog_path path;
    struct buf bytes;
    struct buf record;
};

static bool stone_get(struct pair *p, uint64_t from, struct stone *s)
{
    size_t count = 0;
    *s = (struct stone){0};
    buf_init(&s->bytes, MIRROR_STONE_MAX);
    buf_init(&s->record, 1u << 20);
    if (!ok(p, archive_mirror_tombstones(p->reader, from, &s->stone.row, 1, &count, &p->err)) || !count)
        return false;
    const struct mirror_row *row = &s->stone.row;
    const struct mirror_part part = {.first = row->first, .tombstone = true, .size = (size_t)row->size};
    ok(p, archive_mirror_part(p->reader, &part, &s->bytes, &p->err));
    CHECK_INT(s->bytes.n, row->size);
    ok(p,
       archive_mirror_retention(p->reader, row->record, archive_reader_size(p->reader), &s->path, &s->record, &p->err));
    s->stone.bytes = buf_view(&s->bytes);
    s->stone.record = buf_view(&s->record);
    return true;
}

static void stone_done(struct stone *s)
{
    buf_done(&s->bytes);
    buf_done(&s->record);
}

/* Checked, and under the server's tree as its newest checkpoint would have it. */
static enum rc stone_judge(struct pair *p, const struct stone *s)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_head head;
    struct tlog_head whole = {.size = archive_reader_size(p->reader)};
    struct tlog_hash leaf;
    enum rc rc = mirror_store_stone_check(p->store, &s->stone, &head, &leaf, &p->err);
    if (rc != RC_OK)
        return rc;
    ok(p, archive_reader_root(p->reader, whole.size, &whole.root, &p->err));
    if (!root_is_servers(p, &head) || !tlog_verify_inclusion(hasher, &leaf, s->stone.row.record, &s->path, &whole))
        return err_set(&p->err, RC_CORRUPT, "it is not of the signed tree");
    return RC_OK;
}

static size_t stones_pull(struct pair *p, uint64_t upto)
{
    size_t count = 0;
    while (mirror_store_due(p->store) < upto) {
        struct stone s;
        uint64_t due = mirror_store_due(p->store);
        bool good = stone_get(p, due, &s) && ok(p, stone_judge(p, &s));
        if (good)
            mirror_store_stone_wait(p->store);
        stone_done(&s);
        if (!good || !CHECK(mirror_store_due(p->store) > due))
            return count;
        count++;
    }
    return count;
}

static size_t segments_pull(struct pair *p)
{
    struct mirror_row rows[ROWS];
    size_t count = 0;
    ok(p, archive_mirror_rows(p->reader, mirror_store_sealed(p->store), rows, ROWS, &count, &p->err));
    for (size_t i = 0; i < count; i++) {
        struct tlog_head head;
        stones_pull(p, rows[i].first);
        part_fetch(p, &rows[i]);
        if (!ok(p, mirror_store_part_check(p->store, &head, &p->err)))
            return i;
        CHECK(root_is_servers(p, &head));
        ok(p, mirror_store_part_keep(p->store, &p->err));
        CHECK_INT(mirror_store_sealed(p->store), rows[i].end);
    }
    return count;
}

static enum rc log_get(struct pair *p, size_t size, struct mirror_log *ret_log)
{
    struct mirror_span span = {.from = mirror_store_size(p->store), .to = UINT64_MAX, .size = size};
    buf_clear(&p->bytes);
    return archive_mirror_log(p->reader, &span, ret_log, &p->bytes, &p->err);
}

static void log_pull(struct pair *p, size_t size, uint64_t upto)
{
    struct mirror_log log;
    while (mirror_store_size(p->store) < upto && ok(p, log_get(p, size, &log)) && log.count) {
        struct tlog_head head;
        if (!ok(p, mirror_store_log_check(p->store, &log, buf_view(&p->bytes), &head, &p->err)))
            return;
        CHECK(root_is_servers(p, &head));
        if (!ok(p, mirror_store_log_keep(p->store, WAL_SMALL + 4096, &p->err)))
            return;
        CHECK_INT(mirror_store_size(p->store), head.size);
    }
}

static bool retain_one(void *context, uint64_t size, struct str note)
{
    struct pair *p = context;
    struct tlog_path path;
    CHECK(size > 0);
    ok(p, archive_mirror_path(p->reader, size, &path, &p->err));
    ok(p, mirror_store_note_retain(p->store, note, &path, &p->err));
    return true;
}

static void notes_pull(struct pair *p)
{
    ok(p, archive_mirror_notes(p->reader, mirror_store_retained(p->store), retain_one, p, &p->err));
    ok(p, mirror_store_note_latest(p->store, archive_reader_checkpoint(p->reader), &p->err));
}

static void pull(struct pair *p)
{
    reader_open(p);
    CHECK_INT(instance_give(p), RC_OK);
    segments_pull(p);
    log_pull(p, 20000, UINT64_MAX);
    CHECK_INT(mirror_store_size(p->store), archive_reader_size(p->reader));
    notes_pull(p);
}

static void fault(void *context, const struct verify_finding *finding)
{
    const struct pair *p = context;
    (void)p;
    if (!finding->warning)
        CHECK_TEXT(str_of(finding->text), "no fault");
}

/* The copy is an archive by itself, with the same proofs, byte for byte. */
static void compare(struct pair *p)
{
    struct archive_reader_options none = {0};
    struct archive_reader *copy = NULL;
    struct verify_result result;
    struct verify_options options = {.finding = fault, .context = p};
    struct buf mine CLEANUP(buf_done) = {0};
    struct buf theirs CLEANUP(buf_done) = {0};
    CHECK_INT(archive_verify(&io_kernel, p->copy.folder, &options, &result, &p->err), RC_OK);
    CHECK_INT(result.size, archive_reader_size(p->reader));
    ok(p, archive_reader_open(&io_kernel, p->copy.folder, &none, &copy, &p->err));
    buf_init(&mine, 1u << 20);
    buf_init(&theirs, 1u << 20);
    for (uint64_t n = 0; copy && n < result.size; n += 97) {
        buf_clear(&mine);
        buf_clear(&theirs);
        ok(p, archive_reader_proof(copy, n, &mine, &p->err));
        ok(p, archive_reader_proof(p->reader, n, &theirs, &p->err));
        if (!CHECK_STR(buf_view(&mine), buf_view(&theirs)))
            break;
    }
    archive_reader_close(copy);
}

static void copies_and_follows(void)
{
    struct pair p;
    begin(&p, 3000);
    CHECK(testbed_seal(&p.server, 2) > 2);
    ok(&p, testbed_checkpoint(&p.server, true));
    pull(&p);
    compare(&p);
    for (int round = 0; round < 4; round++) { /* log first, then its segments take its place */
        testbed_ok(&p.server, testbed_put(&p.server, 700, true));
        testbed_ok(&p.server, testbed_checkpoint(&p.server, round % 2));
        pull(&p);
        compare(&p);
        testbed_seal(&p.server, 1);
        testbed_ok(&p.server, testbed_put(&p.server, 10, true));
        testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
        pull(&p);
        compare(&p);
        CHECK_INT(mirror_store_sealed(p.store), archive_sealed(p.server.archive));
        mirror_store_close(p.store);
        store_open(&p);
    }
    CHECK(mirror_store_retained(p.store) > 0);
    end(&p);
}

/* It stopped in the middle of a log file, and found it sealed. */
static void late(size_t records)
{
    for (uint64_t upto = 1; upto < records; upto = upto * 3 + 1) {
        struct pair p;
        begin(&p, records);
        testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
        reader_open(&p);
        CHECK_INT(instance_give(&p), RC_OK);
        log_pull(&p, 2000, upto);
        CHECK(mirror_store_size(p.store) >= upto && mirror_store_size(p.store) < records);
        mirror_store_close(p.store);
        testbed_ok(&p.server, archive_rotate(p.server.archive, &p.server.err));
        CHECK(testbed_seal(&p.server, 1) > 0);
        testbed_ok(&p.server, testbed_put(&p.server, 50, true));
        testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
        store_open(&p);
        struct mirror_log log;
        reader_open(&p);
        CHECK_INT(log_get(&p, 20000, &log), RC_NOT_FOUND);
        pull(&p);
        compare(&p);
        end(&p);
    }
}

static void comes_back_late(void)
{
    late(900);
    late(150); /* one segment takes the place of what it has */
}

static bool stamp_one(void *context, uint64_t size, struct str stamp)
{
    struct pair *p = context;
    return ok(p, mirror_store_stamp(p->store, size, stamp, &p->err));
}

/* What others said of the checkpoints comes along: the cosigned note and time stamps. */
static void carries_what_others_signed(void)
{
    struct pair p;
    struct buf note CLEANUP(buf_done) = {0};
    begin(&p, 400);
    testbed_ok(&p.server, testbed_checkpoint(&p.server, true));
    uint64_t size = archive_size(p.server.archive);
    buf_init(&note, NOTE_SIZE_MAX);
    buf_str(&note, archive_checkpoint(p.server.archive));
    buf_text(&note, "\xe2\x80\x94 w.test AAAAAAAA\n");
    testbed_ok(&p.server, archive_cosigned_store(p.server.archive, buf_view(&note), true, true, &p.server.err));
    testbed_ok(&p.server, archive_stamp_store(p.server.archive, size, STR("a response"), &p.server.err));
    testbed_ok(&p.server, testbed_put(&p.server, 30, true));
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    pull(&p);
    CHECK_INT(mirror_store_stamped(p.store), 0);
    ok(&p, archive_mirror_stamps(p.reader, 0, stamp_one, &p, &p.err));
    CHECK_INT(mirror_store_stamped(p.store), size);
    CHECK_INT(mirror_store_stamp(p.store, size + 1, STR("of no note"), &p.err), RC_NOT_FOUND);
    ok(&p, mirror_store_note_cosigned(p.store, archive_reader_cosigned(p.reader), &p.err));
    CHECK_INT(mirror_store_note_cosigned(p.store, STR("no note"), &p.err), RC_INVALID);
    mirror_store_close(p.store);
    store_open(&p);
    CHECK_INT(mirror_store_stamped(p.store), size);
    char name[48];
    struct arena *arena = arena_new((size_t)1 << 20);
    struct str bytes;
    int checkpoints = openat(p.copy.folder, NAME_CHECKPOINTS, O_RDONLY | O_DIRECTORY);
    checkpoint_name(size, STAMP_SUFFIX, name);
    ok(&p, file_load(&io_kernel, checkpoints, name, 100, arena, &bytes, &p.err));
    CHECK_TEXT(bytes, "a response");
    ok(&p, file_load(&io_kernel, checkpoints, NAME_COSIGNED, NOTE_SIZE_MAX, arena, &bytes, &p.err));
    CHECK_STR(bytes, buf_view(&note));
    close(checkpoints);
    arena_free(arena);
    compare(&p);
    end(&p);
}

/* The server's files became shorter or longer than the mirror was told at first: it follows all the same. */
static void follows_another_file_size(void)
{
    struct pair p;
    struct mirror_log log;
    struct tlog_head head;
    begin(&p, 1000);
    testbed_close(&p.server);
    testbed_ok(&p.server, testbed_open(&p.server, 4 * WAL_SMALL, false));
    testbed_ok(&p.server, archive_rotate(p.server.archive, &p.server.err));
    testbed_ok(&p.server, testbed_put(&p.server, 1500, true)); /* of these one file takes all */
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    while (ok(&p, log_get(&p, 20000, &log)) && log.count) {
        CHECK(log.file_bytes == WAL_SMALL || log.file_bytes == 4 * WAL_SMALL);
        ok(&p, mirror_store_log_check(p.store, &log, buf_view(&p.bytes), &head, &p.err));
        if (!ok(&p, mirror_store_log_keep(p.store, log.file_bytes + 4096, &p.err)))
            break;
    }
    CHECK_INT(mirror_store_size(p.store), archive_reader_size(p.reader));
    notes_pull(&p);
    compare(&p);
    end(&p);
    /* told too little: the rest waits for its segment, and the mirror stays as it is */
    begin(&p, 10);
    testbed_close(&p.server);
    testbed_ok(&p.server, testbed_open(&p.server, 4 * WAL_SMALL, false));
    testbed_ok(&p.server, archive_rotate(p.server.archive, &p.server.err));
    testbed_ok(&p.server, testbed_put(&p.server, 1500, true));
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    enum rc rc = RC_OK;
    while (rc == RC_OK && ok(&p, log_get(&p, 20000, &log)) && log.count) {
        ok(&p, mirror_store_log_check(p.store, &log, buf_view(&p.bytes), &head, &p.err));
        rc = mirror_store_log_keep(p.store, WAL_SMALL, &p.err);
    }
    CHECK_INT(rc, RC_LIMIT);
    testbed_ok(&p.server, archive_rotate(p.server.archive, &p.server.err));
    CHECK(testbed_seal(&p.server, 1) > 0);
    testbed_ok(&p.server, testbed_put(&p.server, 10, true));
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    pull(&p);
    compare(&p);
    end(&p);
}

/* A server takes the copy over, under the lock. */
static void is_taken_over(void)
{
    struct pair p;
    begin(&p, 2000);
    testbed_seal(&p.server, 1);
    testbed_ok(&p.server, testbed_checkpoint(&p.server, true));
    pull(&p);
    CHECK_INT(testbed_open(&p.copy, WAL_SMALL, false), RC_EXISTS);
    mirror_store_close(p.store);
    p.store = NULL;
    testbed_ok(&p.copy, testbed_open(&p.copy, WAL_SMALL, false));
    CHECK_INT(archive_size(p.copy.archive), archive_size(p.server.archive));
    struct mirror_store *second = NULL;
    CHECK_INT(mirror_store_open(&io_kernel, p.copy.folder, NULL, &second, &p.err), RC_EXISTS);
    p.copy.appended = p.server.appended;
    testbed_ok(&p.copy, testbed_put(&p.copy, 1500, true));
    CHECK(testbed_seal(&p.copy, 1) > 0);
    end(&p);
}

/* Segments of 60 to 500 records, so that groups have one neighbour, two, and none. */
static void begin_segments(struct pair *p)
{
    static const size_t sizes[] = {300, 512, 100, 60, 700, 400};
    begin(p, 0);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        testbed_ok(&p->server, testbed_put(&p->server, sizes[i] / 2, true));
        testbed_ok(&p->server, testbed_checkpoint(&p->server, true));
        testbed_ok(&p->server, testbed_put(&p->server, sizes[i] - sizes[i] / 2, true));
        testbed_ok(&p->server, archive_rotate(p->server.archive, &p->server.err));
        CHECK(testbed_seal(&p->server, 1) > 0);
    }
    testbed_ok(&p->server, testbed_put(&p->server, 30, true));
    testbed_ok(&p->server, testbed_checkpoint(&p->server, true));
}

static uint64_t segment_first(struct pair *p, size_t i)
{
    return p->server.archive->catalog.segments[i]->first;
}

static size_t files_with(const struct pair *p, const char *suffix)
{
    size_t count = 0;
    int fd = openat(p->copy.folder, NAME_SEG, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!CHECK(folder != NULL))
        return 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += str_ends(str_of(entry->d_name), str_of(suffix));
    closedir(folder);
    return count;
}

/* A copy of what is left: the same proofs, tree, tombstones and retained checkpoints. */
static void compare_left(struct pair *p, uint64_t gone)
{
    struct archive_reader_options none = {0};
    struct archive_reader *copy = NULL;
    struct verify_result result;
    struct verify_options options = {.finding = fault, .context = p};
    struct buf mine CLEANUP(buf_done) = {0};
    struct buf theirs CLEANUP(buf_done) = {0};
    CHECK_INT(archive_verify(&io_kernel, p->copy.folder, &options, &result, &p->err), RC_OK);
    CHECK_INT(result.size, archive_reader_size(p->reader));
    CHECK_INT(result.gone_records, gone);
    CHECK_INT(result.blind, 0);
    ok(p, archive_reader_open(&io_kernel, p->copy.folder, &none, &copy, &p->err));
    buf_init(&mine, 1u << 20);
    buf_init(&theirs, 1u << 20);
    for (uint64_t n = 0; copy && n < result.size; n += 31) {
        buf_clear(&mine);
        buf_clear(&theirs);
        enum rc rc = archive_reader_proof(p->reader, n, &theirs, &p->err);
        CHECK_INT(archive_reader_proof(copy, n, &mine, &p->err), rc);
        if (rc == RC_OK && !CHECK_STR(buf_view(&mine), buf_view(&theirs)))
            break;
    }
    archive_reader_close(copy);
}

/* A new mirror of an archive whose first, middle and neighbouring segments were deleted. */
static void begins_after_a_deletion(void)
{
    static const size_t deleted[][3] = {{0, 0, 0}, {1, 1, 1}, {0, 1, 2}, {2, 3, 4}, {0, 2, 4}, {1, 2, 3}};
    for (size_t i = 0; i < ARRAY_LEN(deleted); i++) {
        struct pair p;
        uint64_t firsts[3];
        uint64_t gone = 0;
        size_t count = 0;
        test_row("deletion %zu", i);
        begin_segments(&p);
        for (size_t k = 0; k < 3; k++) {
            const struct segment *segment = p.server.archive->catalog.segments[deleted[i][k]];
            if (k && deleted[i][k] == deleted[i][k - 1])
                continue;
            firsts[count++] = segment->first;
            gone += segment->end - segment->first;
        }
        for (size_t k = 0; k < count; k++)
            testbed_retire(&p.server, firsts[k], NULL);
        testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
        pull(&p);
        CHECK_INT(files_with(&p, ".gone"), count);
        CHECK_INT(files_with(&p, ".stone"), 0);
        CHECK(mirror_store_deleted(p.store, firsts[0], p.server.archive->catalog.segments[deleted[i][0]]->end));
        CHECK(!mirror_store_deleted(p.store, firsts[0] + 1, firsts[0] + 2));
        compare_left(&p, gone);
        mirror_store_close(p.store);
        store_open(&p);
        testbed_ok(&p.server, testbed_put(&p.server, 300, true));
        testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
        pull(&p);
        compare_left(&p, gone);
        mirror_store_close(p.store);
        p.store = NULL;
        testbed_ok(&p.copy, testbed_open(&p.copy, WAL_SMALL, false)); /* a server takes it over */
        CHECK_INT(archive_size(p.copy.archive), archive_size(p.server.archive));
        end(&p);
    }
}

/* A mirror keeps what it has fetched; what it has not is taken as deleted, but never over what it holds. */
static void keeps_what_was_deleted(void)
{
    struct pair p;
    struct mirror_row rows[ROWS];
    struct stone s;
    struct tlog_head head;
    size_t count = 0;
    begin_segments(&p);
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    ok(&p, archive_mirror_rows(p.reader, 0, rows, ROWS, &count, &p.err));
    for (size_t i = 0; i < 2; i++) {
        part_fetch(&p, &rows[i]);
        ok(&p, mirror_store_part_check(p.store, &head, &p.err));
        ok(&p, mirror_store_part_keep(p.store, &p.err));
    }
    uint64_t gone = rows[2].end - rows[2].first;
    for (size_t i = 0; i < 3; i++)
        testbed_retire(&p.server, rows[i].first, NULL);
    reader_open(&p);
    if (CHECK(stone_get(&p, 0, &s))) /* of one that is held */
        CHECK_INT(stone_judge(&p, &s), RC_INVALID);
    stone_done(&s);
    pull(&p);
    CHECK_INT(files_with(&p, ".gone"), 1);
    CHECK_INT(mirror_store_row(p.store, rows[0].first, &rows[3], &p.err), RC_OK);
    CHECK(!mirror_store_deleted(p.store, rows[0].first, rows[0].end));
    struct verify_result result;
    struct verify_options options = {.finding = fault, .context = &p};
    CHECK_INT(archive_verify(&io_kernel, p.copy.folder, &options, &result, &p.err), RC_OK);
    CHECK_INT(result.gone_records, gone);
    end(&p);
    /* some of its records are in the mirror's log */
    begin(&p, 700);
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    log_pull(&p, 3000, 100);
    uint64_t held = mirror_store_size(p.store);
    CHECK(held > 0 && held < 700);
    testbed_ok(&p.server, archive_rotate(p.server.archive, &p.server.err));
    CHECK(testbed_seal(&p.server, 1) > 0);
    testbed_retire(&p.server, 0, NULL);
    reader_open(&p);
    if (CHECK(stone_get(&p, 0, &s)))
        CHECK_INT(stone_judge(&p, &s), RC_EXISTS);
    stone_done(&s);
    CHECK_INT(mirror_store_size(p.store), held);
    end(&p);
}

static void one_person(struct retention_record *record)
{
    snprintf(record->approver, sizeof record->approver, "%s", record->proposer);
}

static void too_early(struct retention_record *record)
{
    record->keep_until_ns = record->received_max_ns;
}

static void of_others(struct retention_record *record)
{
    record->first++;
}

static void of_another_file(struct retention_record *record)
{
    record->footer.bytes[3] ^= 1;
}

/* No record in the tree that says so: no deletion. */
static void refuses_deletions_without_a_record(void)
{
    static void (*const changes[])(struct retention_record *) = {one_person, too_early, of_others, of_another_file};
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct pair p;
        struct stone s;
        test_row("record %zu", i);
        begin_segments(&p);
        testbed_retire(&p.server, 0, changes[i]);
        reader_open(&p);
        CHECK_INT(instance_give(&p), RC_OK);
        if (CHECK(stone_get(&p, 0, &s)) && !CHECK_INT(stone_judge(&p, &s), RC_CORRUPT))
            CHECK_TEXT(str_of(p.err.text), "refused");
        CHECK(str_search(str_of(p.err.text), STR("does not vouch")) < strlen(p.err.text));
        CHECK_INT(files_with(&p, ".stone"), 0);
        stone_done(&s);
        end(&p);
    }
}

/* Every byte of a tombstone and of its record counts; another record than the one it names is none. */
static void refuses_changed_tombstones(void)
{
    struct pair p;
    struct stone s;
    struct stone other;
    begin_segments(&p);
    uint64_t second = segment_first(&p, 1);
    testbed_retire(&p.server, 0, NULL);
    testbed_retire(&p.server, second, NULL);
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    if (!CHECK(stone_get(&p, 0, &s)) || !CHECK(stone_get(&p, second, &other)))
        return;
    ok(&p, stone_judge(&p, &s));
    for (size_t at = 0; at<s.bytes.n; at += at> 4160 && at + 1100 < s.bytes.n ? 1 : 13) {
        s.bytes.p[at] ^= 8;
        enum rc rc = stone_judge(&p, &s);
        s.bytes.p[at] ^= 8;
        test_row("byte %zu: %s", at, p.err.text);
        if (!CHECK(rc == RC_CORRUPT || rc == RC_INVALID))
            break;
    }
    for (size_t at = 0; at < s.record.n; at++) {
        s.record.p[at] ^= 1;
        enum rc rc = stone_judge(&p, &s);
        s.record.p[at] ^= 1;
        test_row("byte %zu of the record", at);
        if (!CHECK(rc != RC_OK))
            break;
    }
    test_row("cut short, lengthened, another's");
    s.stone.bytes.n--;
    CHECK_INT(stone_judge(&p, &s), RC_CORRUPT);
    s.stone.bytes.n++;
    s.stone.record.n--;
    CHECK_INT(stone_judge(&p, &s), RC_CORRUPT);
    s.stone.record = other.stone.record;
    CHECK_INT(stone_judge(&p, &s), RC_CORRUPT);
    s.stone.record = buf_view(&s.record);
    s.stone.row.end++;
    CHECK_INT(stone_judge(&p, &s), RC_CORRUPT);
    s.stone.row.end--;
    s.stone.row.record++;
    CHECK_INT(stone_judge(&p, &s), RC_CORRUPT);
    s.stone.row.record--;
    s.stone.row.footer.bytes[0] ^= 1;
    CHECK_INT(stone_judge(&p, &s), RC_CORRUPT);
    s.stone.row.footer.bytes[0] ^= 1;
    s.path.hash[0].bytes[0] ^= 1; /* the record is not where the signed tree has it */
    CHECK_INT(stone_judge(&p, &s), RC_CORRUPT);
    s.path.hash[0].bytes[0] ^= 1;
    CHECK_INT(stone_judge(&p, &other), RC_INVALID); /* it is not its turn */
    ok(&p, stone_judge(&p, &s));
    stone_done(&s);
    stone_done(&other);
    end(&p);
}

/* A retained checkpoint inside deleted records comes with its path, or not at all. */
static bool path_spoiled(void *context, uint64_t size, struct str note)
{
    struct pair *p = context;
    struct tlog_path path;
    ok(p, archive_mirror_path(p->reader, size, &path, &p->err));
    if (!path.count)
        return true;
    CHECK_INT(mirror_store_note_retain(p->store, note, NULL, &p->err), RC_NOT_FOUND);
    path.hash[path.count - 1].bytes[5] ^= 1;
    CHECK_INT(mirror_store_note_retain(p->store, note, &path, &p->err), RC_INVALID);
    path.hash[path.count - 1].bytes[5] ^= 1;
    ok(p, mirror_store_note_retain(p->store, note, &path, &p->err));
    return true;
}

static void compares_notes_inside_deletions(void)
{
    struct pair p;
    begin_segments(&p);
    testbed_retire(&p.server, 0, NULL);
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    segments_pull(&p);
    CHECK_INT(mirror_store_retained(p.store), 0);
    ok(&p, archive_mirror_notes(p.reader, 0, path_spoiled, &p, &p.err));
    CHECK(mirror_store_retained(p.store) > 0);
    log_pull(&p, 20000, UINT64_MAX);
    notes_pull(&p);
    compare_left(&p, 300);
    end(&p);
}

/* What waits when the mirror stops is fetched again: until its segment is there, the archive ends where it did. */
static void stops_before_what_waits_is_kept(void)
{
    struct pair p;
    begin_segments(&p);
    uint64_t second = segment_first(&p, 1);
    testbed_retire(&p.server, 0, NULL);
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    CHECK_INT(stones_pull(&p, second), 1);
    CHECK_INT(mirror_store_due(p.store), second);
    CHECK_INT(mirror_store_sealed(p.store), 0);
    CHECK_INT(files_with(&p, ".stone"), 1);
    mirror_store_close(p.store);
    CHECK_INT(linkat(p.copy.folder, "seg/0000000000000000.stone", p.copy.folder, "seg/0000000000000000.gone", 0), 0);
    store_open(&p);
    CHECK_INT(mirror_store_due(p.store), 0);
    CHECK_INT(files_with(&p, ".stone"), 0);
    CHECK_INT(files_with(&p, ".gone"), 0);
    pull(&p);
    compare_left(&p, 300);
    end(&p);
}

/* Any byte of a segment that is not the server's is refused, and the part can be fetched again. */
static void refuses_changed_segments(void)
{
    struct pair p;
    struct mirror_row row;
    size_t count = 0;
    begin(&p, 1200);
    testbed_seal(&p.server, 1);
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    ok(&p, archive_mirror_rows(p.reader, 0, &row, 1, &count, &p.err));
    CHECK_INT(count, 1);
    part_fetch(&p, &row);
    for (uint64_t at = 0; at < row.size; at += at < 4096 ? 509 : at + 600 > row.size ? 7 : 211) {
        struct tlog_head head;
        struct mirror_part part = {.first = row.first, .offset = at, .size = 1};
        buf_clear(&p.bytes);
        ok(&p, archive_mirror_part(p.reader, &part, &p.bytes, &p.err));
        char changed = (char)(p.bytes.p[0] ^ 0x10);
        ok(&p, mirror_store_part_write(p.store, at, str_at(&changed, 1), &p.err));
        enum rc rc = mirror_store_part_check(p.store, &head, &p.err);
        test_row("byte %llu: %s", (unsigned long long)at, p.err.text);
        CHECK(rc == RC_CORRUPT || rc == RC_INVALID || (rc == RC_OK && !root_is_servers(&p, &head)));
        ok(&p, mirror_store_part_write(p.store, at, buf_view(&p.bytes), &p.err));
    }
    struct tlog_head head;
    ok(&p, mirror_store_part_check(p.store, &head, &p.err));
    CHECK_INT(mirror_store_part_write(p.store, row.size, STR("x"), &p.err), RC_INVALID);
    CHECK_INT(mirror_store_part_write(p.store, UINT64_MAX, STR("x"), &p.err), RC_INVALID);
    mirror_store_part_drop(p.store);
    CHECK_INT(mirror_store_sealed(p.store), 0);
    row.size--; /* cut short */
    part_fetch(&p, &row);
    CHECK_INT(mirror_store_part_check(p.store, &head, &p.err), RC_CORRUPT);
    mirror_store_part_drop(p.store);
    row.size++;
    row.end++; /* a list that lies */
    part_fetch(&p, &row);
    CHECK_INT(mirror_store_part_check(p.store, &head, &p.err), RC_CORRUPT);
    mirror_store_part_drop(p.store);
    end(&p);
}

/* The same records in another file: not kept, but known to be the same; those of another place are refused. */
static void checks_what_it_holds(void)
{
    struct pair p;
    struct mirror_row rows[ROWS];
    struct mirror_row mine;
    struct tlog_head head;
    size_t count = 0;
    begin(&p, 2500);
    testbed_seal(&p.server, 2);
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    pull(&p);
    ok(&p, archive_mirror_rows(p.reader, 0, rows, ROWS, &count, &p.err));
    CHECK(count > 2);
    for (size_t i = 0; i < count; i++) {
        ok(&p, mirror_store_row(p.store, rows[i].first, &mine, &p.err));
        CHECK(tlog_hash_eq(&mine.footer, &rows[i].footer));
        CHECK_INT(mine.end, rows[i].end);
        part_fetch(&p, &rows[i]);
        ok(&p, mirror_store_part_check(p.store, &head, &p.err));
        CHECK(root_is_servers(&p, &head));
        mirror_store_part_drop(p.store);
    }
    CHECK_INT(mirror_store_row(p.store, rows[0].first + 1, &mine, &p.err), RC_NOT_FOUND);
    struct mirror_row inside = rows[1];
    inside.first++;
    uint64_t have;
    ok(&p, mirror_store_part_open(p.store, &inside, &have, &p.err));
    CHECK(mirror_store_part_check(p.store, &head, &p.err) != RC_OK);
    mirror_store_part_drop(p.store);
    compare(&p);
    end(&p);
}

static void refuses_changed_records(void)
{
    struct pair p;
    struct mirror_log log;
    struct tlog_head head;
    begin(&p, 40);
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    ok(&p, log_get(&p, 100000, &log));
    CHECK_INT(log.count, archive_reader_size(p.reader));
    for (size_t at = 0; at < p.bytes.n; at++) {
        p.bytes.p[at] ^= 4;
        enum rc rc = mirror_store_log_check(p.store, &log, buf_view(&p.bytes), &head, &p.err);
        test_row("byte %zu", at);
        CHECK(rc != RC_OK || !root_is_servers(&p, &head));
        rc = mirror_store_log_check(p.store, &log, str_slice(buf_view(&p.bytes), 0, at), &head, &p.err);
        CHECK(rc != RC_OK);
        p.bytes.p[at] ^= 4;
    }
    const struct mirror_log wrong[] = {{log.first + 1, log.count, 0, 0}, {log.first, log.count - 1, 0, 0},
                                       {log.first, log.count + 1, 0, 0}, {log.first, 0, 0, 0},
                                       {log.first, log.count, 7, 0},     {log.first, UINT32_MAX, 0, 0}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("row %zu", i);
        CHECK(mirror_store_log_check(p.store, &wrong[i], buf_view(&p.bytes), &head, &p.err) != RC_OK);
    }
    ok(&p, mirror_store_log_check(p.store, &log, buf_view(&p.bytes), &head, &p.err));
    CHECK(root_is_servers(&p, &head));
    end(&p);
}

static void refuses_other_archives(void)
{
    struct pair p;
    begin(&p, 300);
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    pull(&p);
    struct str other = STR("qorgan archive 1\nuuid 00000000000000000000000000000001\norigin a/b\n");
    CHECK_INT(mirror_store_instance(p.store, other, &p.err), RC_DENIED);
    CHECK_INT(mirror_store_instance(p.store, STR("qorgan archive 2\n"), &p.err), RC_INVALID);
    CHECK_INT(mirror_store_instance(p.store, STR(""), &p.err), RC_INVALID);
    char text[256];
    snprintf(text, sizeof text, "qorgan archive 1\nuuid 01020304000000000000000000000000\norigin other\n");
    CHECK_INT(mirror_store_instance(p.store, str_of(text), &p.err), RC_AGAIN);
    CHECK(!str_is(str_of(mirror_store_origin(p.store)), "other")); /* judging changes nothing */
    ok(&p, mirror_store_take(p.store, str_of(text), &p.err));
    CHECK_TEXT(str_of(mirror_store_origin(p.store)), "other");
    /* notes of the origin before are no notes of this one */
    CHECK_INT(mirror_store_note_latest(p.store, archive_reader_checkpoint(p.reader), &p.err), RC_INVALID);
    CHECK_INT(mirror_store_note_retain(p.store, STR("no note"), NULL, &p.err), RC_INVALID);
    end(&p);
}

/* Its own loss is noticed at the next opening. */
static void notices_its_own_loss(void)
{
    struct pair p;
    begin(&p, 500);
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    pull(&p);
    mirror_store_close(p.store);
    p.store = NULL;
    int wal = openat(p.copy.folder, NAME_WAL, O_RDONLY | O_DIRECTORY);
    CHECK_INT(unlinkat(wal, "0000000000000000.wal", 0), 0);
    close(wal);
    CHECK_INT(mirror_store_open(&io_kernel, p.copy.folder, NULL, &p.store, &p.err), RC_CORRUPT);
    end(&p);
}

/* Turns a bit on the disk, behind the mirror's back. */
static void rot(const struct pair *p, const char *folder, const char *name, int64_t at)
{
    char path[160];
    char byte;
    snprintf(path, sizeof path, "%s/%s/%s", p->copy.path, folder, name);
    CHECK_INT(chmod(path, 0640), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_INT(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    CHECK_INT(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* What rotted here is not told as the server's doing. */
static void knows_its_own_damage(void)
{
    struct pair p;
    struct mirror_row row;
    struct tlog_head head;
    size_t count = 0;
    char name[48];
    begin(&p, 1200);
    CHECK(testbed_seal(&p.server, 1) > 0);
    testbed_ok(&p.server, testbed_put(&p.server, 100, true));
    testbed_ok(&p.server, testbed_checkpoint(&p.server, false));
    pull(&p);
    ok(&p, mirror_store_sound(p.store, 300, &p.err));
    segment_name(0, name);
    rot(&p, NAME_SEG, name, SEGMENT_HEADER + 300); /* in the first block */
    CHECK_INT(mirror_store_sound(p.store, 255, &p.err), RC_CORRUPT);
    CHECK(mirror_store_damaged(p.store));
    rot(&p, NAME_SEG, name, SEGMENT_HEADER + 300);
    ok(&p, mirror_store_sound(p.store, 255, &p.err));
    snprintf(name, sizeof name, "%016llx.wal", (unsigned long long)mirror_store_sealed(p.store));
    rot(&p, NAME_WAL, name, 64 + 28 + 5);
    CHECK_INT(mirror_store_sound(p.store, 0, &p.err), RC_CORRUPT);
    end(&p);
    /* a part that the disk does not give back; the same bytes from the server are the server's fault */
    begin(&p, 600);
    testbed_seal(&p.server, 1);
    reader_open(&p);
    CHECK_INT(instance_give(&p), RC_OK);
    ok(&p, archive_mirror_rows(p.reader, 0, &row, 1, &count, &p.err));
    part_fetch(&p, &row);
    snprintf(name, sizeof name, "%016llx.part", 0ull);
    rot(&p, NAME_SEG, name, SEGMENT_HEADER + 300);
    CHECK_INT(mirror_store_part_check(p.store, &head, &p.err), RC_CORRUPT);
    CHECK(mirror_store_damaged(p.store));
    mirror_store_close(p.store);
    store_open(&p);
    part_fetch(&p, &row); /* what is there already is gone on with: it may have been torn */
    CHECK_INT(mirror_store_part_check(p.store, &head, &p.err), RC_CORRUPT);
    CHECK(!mirror_store_damaged(p.store));
    mirror_store_part_drop(p.store);
    row.footer.bytes[0] ^= 1;
    part_fetch(&p, &row);
    CHECK_INT(mirror_store_part_check(p.store, &head, &p.err), RC_CORRUPT);
    CHECK(!mirror_store_damaged(p.store));
    end(&p);
}

static const struct test tests[] = {
    {"a mirror copies and follows; its copy proves the same", copies_and_follows},
    {"a mirror comes back late", comes_back_late},
    {"cosigned note and time stamps come along", carries_what_others_signed},
    {"the size of the server's log files may change", follows_another_file_size},
    {"a server takes a mirror's folder over", is_taken_over},
    {"a mirror begins after a deletion", begins_after_a_deletion},
    {"what is held stays when the server deletes it", keeps_what_was_deleted},
    {"a deletion without its record is refused", refuses_deletions_without_a_record},
    {"a changed tombstone is refused", refuses_changed_tombstones},
    {"notes inside deletions are compared by their path", compares_notes_inside_deletions},
    {"tombstones that wait are fetched again after a stop", stops_before_what_waits_is_kept},
    {"a changed segment is refused", refuses_changed_segments},
    {"what is held is compared, never overwritten", checks_what_it_holds},
    {"changed records of the log are refused", refuses_changed_records},
    {"another archive is refused", refuses_other_archives},
    {"a mirror notices its own loss", notices_its_own_loss},
    {"a mirror knows its own damage", knows_its_own_damage},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
