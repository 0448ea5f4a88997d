/* A mirror's store fed from a real archive's reader, without a network: what it keeps, and what it refuses. */
#include "archive/folder.h"
#include "archive/mirror_serve.h"
#include "archive/mirror_store.h"
#include "archive/testbed.h"
#include "archive/verify.h"
#include "base/test.h"
#include "os/file.h"

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

static size_t segments_pull(struct pair *p)
{
    struct mirror_row rows[ROWS];
    size_t count = 0;
    ok(p, archive_mirror_rows(p->reader, mirror_store_sealed(p->store), rows, ROWS, &count, &p->err));
    for (size_t i = 0; i < count; i++) {
        struct tlog_head head;
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
    CHECK(size > 0);
    ok(p, mirror_store_note_retain(p->store, note, &p->err));
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
    CHECK_INT(mirror_store_note_retain(p.store, STR("no note"), &p.err), RC_INVALID);
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
