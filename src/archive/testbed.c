#include "archive/testbed.h"

#include "archive/folder.h"
#include "archive/retire.h"
#include "base/arena.h"
#include "base/civil.h"
#include "base/test.h"
#include "os/file.h"
#include "tlog/checkpoint.h"
#include "wal/wal_reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void testbed_make(struct testbed *bed)
{
    *bed = (struct testbed){.io = &io_kernel};
    snprintf(bed->path, sizeof bed->path, "/tmp/qorgan-archive-XXXXXX");
    CHECK(mkdtemp(bed->path) != NULL);
    bed->folder = io_open_folder(bed->path);
    CHECK(bed->folder >= 0);
    bed->names = names_new(1);
}

bool testbed_ok(const struct testbed *bed, enum rc rc)
{
    return rc == RC_OK || CHECK_TEXT(str_of(bed->err.text), "no error");
}

enum rc testbed_open(struct testbed *bed, int64_t wal_file_size, bool new_instance)
{
    struct archive_options options = {.site = "test.example",
                                      .wal_file_size = wal_file_size,
                                      .new_uuid = {1, 2, 3, (uint8_t)(new_instance ? 9 : 4)},
                                      .seed = 7,
                                      .now_ns = bed->time_ns ? bed->time_ns : TESTBED_TIME,
                                      .new_instance = new_instance};
    return archive_open(bed->io, bed->folder, &options, &bed->archive, &bed->recovered, &bed->err);
}

void testbed_close(struct testbed *bed)
{
    archive_close(bed->archive);
    bed->archive = NULL;
}

static bool remove_one(void *context, const char *name)
{
    IGNORE(unlinkat(*(int *)context, name, 0)); /* folders stay: they are removed by name */
    return true;
}

static void remove_folder(const char *path, const char *name)
{
    char inner[128];
    snprintf(inner, sizeof inner, "%s/%s", path, name);
    int fd = io_open_folder(inner);
    if (fd < 0)
        return;
    IGNORE(io_kernel.list(NULL, fd, remove_one, &fd));
    close(fd);
    rmdir(inner);
}

void testbed_remove(struct testbed *bed)
{
    testbed_close(bed);
    signing_key_free(bed->key);
    names_free(bed->names);
    close(bed->folder);
    remove_folder(bed->path, NAME_WAL);
    remove_folder(bed->path, NAME_SEG);
    remove_folder(bed->path, NAME_CHECKPOINTS);
    remove_folder(bed->path, ".");
    rmdir(bed->path);
}

struct str testbed_text(uint64_t n, char room[256])
{
    int length = snprintf(room, 256, "<13>record %llu word%llu user=u%llu status=%llu from 10.1.%llu.%llu %s",
                          (unsigned long long)n, (unsigned long long)(n % 97), (unsigned long long)(n % 7),
                          (unsigned long long)(n % 600), (unsigned long long)(n / 250 % 250),
                          (unsigned long long)(n % 250), n % 50 == 3 ? "Failed Password" : "accepted");
    return str_at(room, (size_t)length);
}

enum rc testbed_put(struct testbed *bed, size_t count, bool commit)
{
    enum rc rc = RC_OK;
    int64_t time_ns = bed->time_ns ? bed->time_ns : TESTBED_TIME;
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        char room[256];
        uint64_t n = bed->appended;
        struct archive_appended appended;
        struct archive_record record = {.type = LEAF_RAW,
                                        .transport = TRANSPORT_UDP,
                                        .source = {(uint8_t)(n % 2 + 1)},
                                        .epoch = 5,
                                        .sequence = n + 1,
                                        .received_ns = time_ns + (int64_t)n * 1000000,
                                        .received_boot_ns = n * 1000000,
                                        .time_ns = n % 3 ? time_ns + (int64_t)n * 999999 : 0,
                                        .clock_error_us = n % 5 ? 100 : UINT32_MAX,
                                        .raw = testbed_text(n, room)};
        rc = archive_append(bed->archive, &record, 1, &appended, &bed->err);
        bed->appended += appended.taken;
    }
    uint64_t durable;
    return rc == RC_OK && commit ? archive_commit(bed->archive, &durable, &bed->err) : rc;
}

void testbed_event(struct names *names, const struct leaf *leaf, struct str raw, struct event_field *fields,
                   struct event *ret_event)
{
    struct event *e = ret_event;
    memset(e, 0, sizeof *e);
    e->raw = raw;
    e->record = leaf->index;
    e->time_ns = leaf->received_ns;
    e->received_ns = leaf->received_ns;
    e->parser = "test";
    e->flags = EVENT_ARCHIVE | EVENT_MATCH;
    e->fields = fields;
    struct str rest = raw;
    while (rest.p && e->field_count < EVENT_FIELDS_MAX) {
        struct str word = str_cut(&rest, ' ');
        size_t at = str_find(word, '=');
        if (at < word.n)
            fields[e->field_count++] = (struct event_field){.name = names_put(names, str_slice(word, 0, at)),
                                                            .type = EVENT_STRING,
                                                            .value = str_skip(word, at + 1)};
        if (str_starts(word, STR("10.1.")))
            e->statutory[STATUTORY_SOURCE_ADDRESS] = word;
        if (str_is(word, "Failed"))
            e->statutory[STATUTORY_OUTCOME] = STR("failure");
    }
    e->statutory[STATUTORY_HOST] = leaf->source[0] == 1 ? STR("web1") : STR("db2");
}

static enum rc engine_finish(struct testbed *bed, struct block_builder *builder, uint32_t share)
{
    struct buf block CLEANUP(buf_done) = {0};
    buf_init(&block, BLOCK_SIZE_MAX);
    if (!block_builder_count(builder))
        return RC_OK;
    enum rc rc = block_builder_finish(builder, &block, &bed->err);
    return rc == RC_OK ? archive_block(bed->archive, share, buf_view(&block), &bed->err) : rc;
}

static enum rc engine_record(struct testbed *bed, struct block_builder *builder, const struct leaf *leaf,
                             struct str raw)
{
    static struct event_field fields[EVENT_FIELDS_MAX];
    struct event event;
    struct str rule = STR("rule-failed");
    testbed_event(bed->names, leaf, raw, fields, &event);
    if (bed->host)
        event.statutory[STATUTORY_HOST] = str_of(bed->host);
    bool hit = event.statutory[STATUTORY_OUTCOME].n > 0;
    const struct event *derived = leaf->type == LEAF_RAW ? &event : NULL;
    enum rc rc = block_builder_add(builder, leaf, raw, derived, &rule, hit ? 1 : 0);
    return rc == RC_OK ? rc : err_set(&bed->err, rc, "a record went into no block");
}

/* The records of one frame that are this share's and not handed in yet. */
static enum rc engine_frame(struct testbed *bed, struct block_builder *builder, const struct wal_frame *frame,
                            const uint32_t share_of[2])
{
    uint64_t from = archive_share_next(bed->archive, share_of[0]);
    struct reader in = reader_of(frame->payload);
    enum rc rc = RC_OK;
    for (uint32_t i = 0; i < frame->count && rc == RC_OK; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        CHECK_INT(record_read(&in, NULL, &leaf, &bytes, &raw, &bed->err), RC_OK);
        if (leaf.index >= from && leaf.source[0] % share_of[1] == share_of[0])
            rc = engine_record(bed, builder, &leaf, raw);
        if (block_builder_count(builder) == 300 && rc == RC_OK)
            rc = engine_finish(bed, builder, share_of[0]);
    }
    return rc;
}

static enum rc engine_logs(struct testbed *bed, struct wal_reader *log, struct block_builder *builder,
                           const uint32_t share_of[2])
{
    const uint64_t key[2] = {98, 99};
    size_t logs = archive_log_count(bed->archive);
    uint64_t end = archive_log_at(bed->archive, logs - 1).first;
    struct wal_frame frame;
    uint64_t file = UINT64_MAX;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < logs && rc == RC_OK; i++)
        rc = wal_reader_add(log, dup(archive_log_at(bed->archive, i).fd), &bed->err);
    while (rc == RC_OK && (rc = wal_reader_next(log, end, &frame, &bed->err)) == RC_OK) {
        if (frame.file_first != file) {
            rc = engine_finish(bed, builder, share_of[0]);
            if (rc == RC_OK)
                block_builder_segment(builder, key);
        }
        file = frame.file_first;
        rc = rc == RC_OK ? engine_frame(bed, builder, &frame, share_of) : rc;
    }
    return rc == RC_AGAIN || rc == RC_END ? engine_finish(bed, builder, share_of[0]) : rc;
}

static enum rc engine(struct testbed *bed, uint32_t share, uint32_t shares)
{
    const uint64_t key[2] = {98, 99};
    struct block_builder *builder = block_builder_new(bed->names, key);
    struct wal_reader *log = wal_reader_new(bed->io, archive_uuid(bed->archive), archive_sealed(bed->archive));
    enum rc rc = builder && log ? engine_logs(bed, log, builder, (const uint32_t[]){share, shares})
                                : err_set(&bed->err, RC_LIMIT, "no memory for an engine");
    wal_reader_free(log);
    block_builder_free(builder);
    return rc;
}

static void release(void *context, const char *name)
{
    const struct testbed *bed = context;
    char path[128];
    snprintf(path, sizeof path, "%s/wal/%s", bed->path, name);
    CHECK_INT(unlink(path), 0);
}

enum rc testbed_try_seal(struct testbed *bed, uint32_t shares, size_t *ret_sealed)
{
    enum rc rc = RC_OK;
    *ret_sealed = 0;
    for (uint32_t share = 0; share < shares && rc == RC_OK; share++)
        rc = engine(bed, share, shares);
    while (rc == RC_OK || rc == RC_AGAIN) {
        rc = archive_seal_step(bed->archive, release, bed, &bed->err);
        *ret_sealed += rc == RC_OK;
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

size_t testbed_seal(struct testbed *bed, uint32_t shares)
{
    size_t sealed;
    testbed_ok(bed, testbed_try_seal(bed, shares, &sealed));
    return sealed;
}

enum rc testbed_checkpoint(struct testbed *bed, bool retain)
{
    struct tlog_head head = {.size = archive_durable(bed->archive)};
    struct buf note CLEANUP(buf_done) = {0};
    static const uint8_t seed[32] = {42};
    struct str origin = str_of(archive_origin(bed->archive));
    buf_init(&note, NOTE_SIZE_MAX);
    signing_key_free(bed->key);
    bed->key = NULL;
    enum rc rc = signing_key_from_seed(origin, NOTE_ED25519, seed, &bed->key, &bed->err);
    rc = rc == RC_OK ? archive_root(bed->archive, head.size, &head.root, &bed->err) : rc;
    rc = rc == RC_OK ? checkpoint_sign(bed->key, origin, &head, &note, &bed->err) : rc;
    return rc == RC_OK ? archive_checkpoint_store(bed->archive, buf_view(&note), retain, &bed->err) : rc;
}

bool testbed_derive(void *names, const struct event_source *source, const struct leaf *leaf, struct str raw,
                    struct arena *arena, struct event *ret_event)
{
    static struct event_field fields[EVENT_FIELDS_MAX];
    (void)source;
    (void)arena;
    testbed_event(names, leaf, raw, fields, ret_event);
    return true;
}

void testbed_read(struct testbed *bed, size_t sealed, size_t tail, struct archive_reader **ret_reader)
{
    testbed_make(bed);
    testbed_ok(bed, testbed_open(bed, 64 << 10, false));
    testbed_ok(bed, testbed_put(bed, sealed, true));
    CHECK(testbed_seal(bed, 2) > 0);
    testbed_ok(bed, testbed_put(bed, tail, true));
    struct archive_reader_options options = {
        .names = bed->names, .derive = testbed_derive, .derive_context = bed->names};
    testbed_ok(bed, archive_reader_open(bed->io, bed->folder, &options, ret_reader, &bed->err));
}

static uint64_t retention_put(struct testbed *bed, const struct retention_record *record)
{
    struct buf body CLEANUP(buf_done) = {0};
    struct archive_appended appended = {0};
    struct archive_record put = {.type = LEAF_RETENTION,
                                 .transport = TRANSPORT_INTERNAL,
                                 .source = {9},
                                 .epoch = 1,
                                 .sequence = archive_size(bed->archive) + 1,
                                 .received_ns = record->approved_ns};
    uint64_t durable;
    buf_init(&body, 60000);
    retention_record_write(record, &body);
    put.raw = buf_view(&body);
    testbed_ok(bed, archive_append(bed->archive, &put, 1, &appended, &bed->err));
    testbed_ok(bed, archive_commit(bed->archive, &durable, &bed->err));
    return appended.first;
}

uint64_t testbed_retire(struct testbed *bed, uint64_t first, void (*change)(struct retention_record *record))
{
    char name[SEGMENT_NAME_MAX];
    char path[64];
    struct retention_record record = {.days = 1096,
                                      .act = "832",
                                      .edition = "10.02.2023",
                                      .paragraph = "p.38(4)",
                                      .proposal = "17",
                                      .proposer = "aigul",
                                      .approver = "bolat"};
    testbed_ok(bed, archive_retention_describe(bed->archive, first, &record, &bed->err));
    record.keep_until_ns = record.received_max_ns + 1096 * DAY_S * SECOND_NS;
    record.proposed_ns = record.keep_until_ns + 1;
    record.approved_ns = record.keep_until_ns + 2;
    if (change)
        change(&record);
    uint64_t number = retention_put(bed, &record);
    testbed_ok(bed, testbed_checkpoint(bed, false));
    testbed_ok(bed, archive_tombstone(bed->archive, first, number, &bed->err));
    segment_name(first, name);
    snprintf(path, sizeof path, "seg/%s", name);
    CHECK_INT(unlinkat(bed->folder, path, 0), 0);
    testbed_ok(bed, archive_segments_refresh(bed->archive, &bed->err));
    return number;
}
