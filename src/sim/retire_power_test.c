/* Deleting a segment under power cuts: after every changing call from the retention record to the unlink the power
 * fails, and what comes back is an archive that verifies, in which the segment is there whole, or gone with its
 * tombstone and its record; going on from there always ends with it gone. Plain and encrypted. */
#include "archive/block.h"
#include "archive/reader.h"
#include "archive/retire.h"
#include "archive/verify.h"
#include "archive/writer.h"
#include "base/arena.h"
#include "base/civil.h"
#include "base/test.h"
#include "os/file.h"
#include "sim/disk.h"
#include "tlog/checkpoint.h"
#include "tlog/key.h"
#include "wal/wal_reader.h"

#include <stdio.h>
#include <string.h>

#define LOG_SIZE WAL_FILE_SIZE_MIN
#define START_NS INT64_C(1795000000000000000)
#define LATER    (START_NS + 4 * 366 * DAY_S * SECOND_NS)
#define SEGMENT  40 /* records */

static const char law_table[] = "rule\tact\tedition\tfrom\tuntil\tmonths\tparagraph\tparagraph_kk\tparagraph_ru\n"
                                "keep\t832\t10.02.2023\t2023-02-10\t\t36\tp.38(4)\tkk\tru\n";

struct model {
    struct sim_disk *disk;
    const struct io *io;
    int folder;
    struct archive *archive;
    const struct vault *vault;
    uint64_t sequence;
};

static struct model model;
static struct retention_law law;
static struct policy signers;

static enum rc begin(struct err *err)
{
    struct archive_options options = {.site = "sim.test", .wal_file_size = LOG_SIZE, .new_uuid = {1, 2}, .seed = 9};
    struct archive_recovered recovered;
    options.now_ns = START_NS;
    options.vault = model.vault;
    model.folder = sim_disk_root(model.disk);
    return archive_open(model.io, model.folder, &options, &model.archive, &recovered, err);
}

static void end(void)
{
    archive_close(model.archive);
    model.archive = NULL;
}

static enum rc append(uint32_t type, int64_t received_ns, struct str raw, uint64_t *ret_number, struct err *err)
{
    struct archive_appended appended = {0};
    struct archive_record record = {
        .type = type, .source = {1}, .epoch = 1, .received_ns = received_ns, .keep_duplicate = true, .raw = raw};
    record.sequence = ++model.sequence;
    enum rc rc = archive_append(model.archive, &record, 1, &appended, err);
    *ret_number = appended.first;
    return rc;
}

static enum rc commit(struct err *err)
{
    uint64_t durable;
    return archive_commit(model.archive, &durable, err);
}

static enum rc sign(struct err *err)
{
    static const uint8_t seed[32] = {5};
    struct signing_key *key = NULL;
    struct tlog_head head = {.size = archive_durable(model.archive)};
    struct buf note CLEANUP(buf_done) = {0};
    struct str origin = str_of(archive_origin(model.archive));
    buf_init(&note, NOTE_SIZE_MAX);
    enum rc rc = signing_key_from_seed(origin, NOTE_ED25519, seed, &key, err);
    rc = rc == RC_OK ? archive_root(model.archive, head.size, &head.root, err) : rc;
    rc = rc == RC_OK ? checkpoint_sign(key, origin, &head, &note, err) : rc;
    rc = rc == RC_OK ? archive_checkpoint_store(model.archive, buf_view(&note), true, err) : rc;
    if (rc == RC_OK)
        policy_of_key(signing_key_public(key), &signers);
    signing_key_free(key);
    return rc;
}

/* ---- the archive before: two segments and a tail ---- */

static enum rc engine(struct err *err)
{
    static const uint64_t key[2] = {3, 4};
    struct names *names = names_new(1);
    struct block_builder *builder = block_builder_new(names, key);
    struct wal_reader *log = wal_reader_new(model.io, archive_uuid(model.archive), archive_sealed(model.archive));
    struct buf block CLEANUP(buf_done) = {0};
    struct wal_frame frame;
    int folder = model.io->open(model.io->self, model.folder, "wal", IO_READ | IO_FOLDER);
    char name[WAL_NAME_MAX];
    buf_init(&block, BLOCK_SIZE_MAX);
    wal_reader_unlock(log, model.vault);
    struct archive_log file = archive_log_at(model.archive, 0);
    wal_file_name(file.first, name);
    enum rc rc = wal_reader_add(log, model.io->open(model.io->self, folder, name, IO_READ), err);
    block_builder_segment(builder, key);
    while (rc == RC_OK && wal_reader_next(log, file.end, &frame, err) == RC_OK) {
        struct reader in = reader_of(frame.payload);
        for (uint32_t i = 0; i < frame.count && rc == RC_OK; i++) {
            struct leaf leaf;
            struct str bytes;
            struct str raw;
            rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
            rc = rc == RC_OK ? block_builder_add(builder, &leaf, raw, NULL, NULL, 0) : rc;
        }
    }
    rc = rc == RC_OK ? block_builder_finish(builder, &block, err) : rc;
    rc = rc == RC_OK ? archive_block(model.archive, 0, buf_view(&block), err) : rc;
    IGNORE(model.io->close(model.io->self, folder));
    wal_reader_free(log);
    block_builder_free(builder);
    names_free(names);
    return rc;
}

static void drop_log(void *context, const char *name)
{
    (void)context;
    int folder = model.io->open(model.io->self, model.folder, "wal", IO_READ | IO_FOLDER);
    CHECK(model.io->unlink(model.io->self, folder, name) >= 0 && model.io->sync(model.io->self, folder) >= 0);
    IGNORE(model.io->close(model.io->self, folder));
}

static enum rc put_sealed(struct err *err)
{
    char text[64];
    uint64_t number;
    enum rc rc = RC_OK;
    for (int i = 0; i < SEGMENT && rc == RC_OK; i++) {
        int n = snprintf(text, sizeof text, "record %d of many", i);
        rc = append(LEAF_RAW, START_NS + i, str_at(text, (size_t)n), &number, err);
    }
    rc = rc == RC_OK ? commit(err) : rc;
    rc = rc == RC_OK ? sign(err) : rc;
    rc = rc == RC_OK ? archive_rotate(model.archive, err) : rc;
    rc = rc == RC_OK ? engine(err) : rc;
    while (rc == RC_OK && (rc = archive_seal_step(model.archive, drop_log, NULL, err)) == RC_AGAIN)
        rc = RC_OK;
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static void prepare(const struct vault *vault)
{
    struct err err = {0};
    uint64_t number;
    model = (struct model){.disk = sim_disk_new(1), .vault = vault};
    model.io = sim_disk_io(model.disk);
    enum rc rc = begin(&err);
    for (int i = 0; i < 2 && rc == RC_OK; i++)
        rc = put_sealed(&err);
    rc = rc == RC_OK ? append(LEAF_RAW, START_NS, STR("tail"), &number, &err) : rc;
    rc = rc == RC_OK ? commit(&err) : rc;
    rc = rc == RC_OK ? sign(&err) : rc;
    if (!CHECK_INT(rc, RC_OK))
        printf("# %s\n", err.text);
    CHECK_INT(archive_sealed(model.archive), 2 * SEGMENT);
    end();
    sim_disk_restart(model.disk, 0);
}

/* ---- the way of the first segment ---- */

static bool first_is(void *context, const struct archive_segment *segment)
{
    *(struct archive_segment *)context = *segment;
    return false;
}

static struct archive_segment first_segment(void)
{
    struct archive_segment segment = {0};
    CHECK_INT(archive_segments(model.archive, first_is, &segment, NULL), RC_OK);
    return segment;
}

static enum rc record_it(uint64_t *ret_number, struct err *err)
{
    struct retention_record record = {.days = 1096,
                                      .act = "832",
                                      .edition = "10.02.2023",
                                      .paragraph = "p.38(4)",
                                      .proposal = "1",
                                      .proposer = "aigul",
                                      .approver = "bolat",
                                      .proposed_ns = LATER - 2,
                                      .approved_ns = LATER - 1};
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, 60000);
    enum rc rc = archive_retention_describe(model.archive, 0, &record, err);
    struct retention_question question = {
        .received_max_ns = record.received_max_ns, .days = 1096, .signed_max_ns = LATER, .wall_ns = LATER};
    record.keep_until_ns = retention_may_delete(&law, &question).keep_until_ns;
    retention_record_write(&record, &body);
    rc = rc == RC_OK ? append(LEAF_RETENTION, LATER, buf_view(&body), ret_number, err) : rc;
    rc = rc == RC_OK ? commit(err) : rc;
    return rc == RC_OK ? sign(err) : rc;
}

static bool key_is(void *context, const char *name)
{
    if (!str_ends(str_of(name), STR(".key")) || !str_starts(str_of(name), STR("0000000000000000.")))
        return true;
    snprintf(context, 64, "%s", name);
    return false;
}

static int unlink_all(int folder)
{
    const struct io *io = model.io;
    char key[64] = "";
    int result = io->unlink(io->self, folder, "0000000000000000.seg");
    if (result >= 0)
        result = io->sync(io->self, folder);
    if (result >= 0)
        result = io->list(io->self, folder, key_is, key);
    if (result >= 0 && key[0])
        result = io->unlink(io->self, folder, key);
    return result >= 0 ? io->sync(io->self, folder) : result;
}

/* What the reaper does. */
static enum rc judge_and_unlink(struct err *err)
{
    const struct retention_policy policy = {.days = 1096};
    struct retire_question question = {.law = &law, .policy = &policy, .signers = &signers, .wall_ns = LATER};
    struct archive_reader_options options = {.vault = model.vault};
    struct archive_reader *reader = NULL;
    enum rc rc = archive_reader_open(model.io, model.folder, &options, &reader, err);
    rc = rc == RC_OK ? archive_retire_judge(reader, 0, &question, err) : rc;
    archive_reader_close(reader);
    if (rc != RC_OK)
        return rc;
    int folder = model.io->open(model.io->self, model.folder, "seg", IO_READ | IO_FOLDER);
    if (folder < 0)
        return err_errno(err, -folder, "could not open seg");
    int result = unlink_all(folder);
    IGNORE(model.io->close(model.io->self, folder)); /* power may be off */
    return result < 0 ? err_errno(err, -result, "could not unlink") : RC_OK;
}

/* From wherever it is to its end. */
static enum rc go_on(struct err *err)
{
    struct archive_segment segment = first_segment();
    uint64_t number = segment.record;
    enum rc rc = RC_OK;
    if (segment.gone)
        return RC_OK;
    if (!segment.record) {
        rc = record_it(&number, err);
        rc = rc == RC_OK ? archive_tombstone(model.archive, 0, number, err) : rc;
    }
    rc = rc == RC_OK ? judge_and_unlink(err) : rc;
    rc = rc == RC_OK ? archive_segments_refresh(model.archive, err) : rc;
    rc = rc == RC_OK ? append(LEAF_RAW, LATER, STR("after"), &number, err) : rc;
    rc = rc == RC_OK ? commit(err) : rc;
    return rc == RC_OK ? sign(err) : rc;
}

/* ---- what must hold ---- */

static char first_finding[256];

static void finding(void *context, const struct verify_finding *found)
{
    (void)context;
    if (!found->warning && !first_finding[0])
        snprintf(first_finding, sizeof first_finding, "%s: %s", found->file, found->text);
}

static bool verifies(bool *ret_gone)
{
    struct verify_options options = {.finding = finding, .vault = model.vault};
    struct verify_result result;
    struct err err = {0};
    first_finding[0] = '\0';
    bool good = CHECK_INT(archive_verify(model.io, model.folder, &options, &result, &err), RC_OK);
    if (!good)
        printf("# %s; %s\n", err.text, first_finding);
    *ret_gone = result.gone_segments == 1;
    return good && CHECK_INT(result.records + result.gone_records, result.size) &&
           CHECK(result.size >= 2 * SEGMENT + 1);
}

static bool reads(bool gone)
{
    struct archive_reader_options options = {.vault = model.vault};
    struct archive_reader *reader = NULL;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 28);
    struct archive_hit hit;
    struct err err = {0};
    bool good = CHECK_INT(archive_reader_open(model.io, model.folder, &options, &reader, &err), RC_OK);
    good = good && CHECK_INT(archive_reader_record(reader, 3, arena, &hit, &err), gone ? RC_NOT_FOUND : RC_OK);
    good = good && CHECK_INT(archive_reader_record(reader, SEGMENT, arena, &hit, &err), RC_OK);
    good = good && CHECK_INT(archive_reader_record(reader, 2 * SEGMENT, arena, &hit, &err), RC_OK);
    archive_reader_close(reader);
    return good;
}

static bool recovers_and_ends(void)
{
    struct err err = {0};
    bool gone = false;
    enum rc rc = begin(&err);
    if (!CHECK_INT(rc, RC_OK)) {
        printf("# %s\n", err.text);
        return false;
    }
    bool good = verifies(&gone) && reads(gone) && CHECK_INT(first_segment().gone, gone);
    rc = good ? go_on(&err) : RC_OK;
    if (!CHECK_INT(rc, RC_OK))
        printf("# %s\n", err.text);
    end();
    rc = good && rc == RC_OK ? begin(&err) : rc; /* and once more */
    good = good && CHECK_INT(rc, RC_OK) && verifies(&gone) && CHECK(gone) && reads(true);
    end();
    return good;
}

/* False when the way ended before the cut. */
static bool run_cut(const struct sim_disk *base, uint64_t cut, uint64_t seed, bool *ret_good)
{
    struct err err = {0};
    test_row("%s, cut %llu, seed %llu", model.vault ? "encrypted" : "plain", (unsigned long long)cut,
             (unsigned long long)seed);
    model.disk = sim_disk_copy(base);
    model.io = sim_disk_io(model.disk);
    sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.cut_after = cut});
    enum rc rc = begin(&err);
    rc = rc == RC_OK ? go_on(&err) : rc;
    bool was_cut = sim_disk_is_cut(model.disk);
    if (rc != RC_OK && !CHECK(was_cut))
        printf("# %s\n", err.text);
    end();
    sim_disk_restart(model.disk, seed);
    *ret_good = recovers_and_ends();
    sim_disk_free(model.disk);
    return was_cut;
}

static void cut_everywhere(const struct vault *vault)
{
    bool good = true;
    prepare(vault);
    struct sim_disk *base = model.disk;
    for (uint64_t seed = 0; seed < 4 && good; seed++) {
        uint64_t cut = 1;
        while (good && run_cut(base, cut, seed, &good))
            cut++;
        CHECK(cut > 10);
    }
    sim_disk_free(base);
}

static void plain(void)
{
    cut_everywhere(NULL);
}

static void encrypted(void)
{
    char text[VAULT_RING_MAX];
    struct buf ring;
    struct vault *vault = NULL;
    buf_init_fixed(&ring, text, sizeof text);
    CHECK(vault_ring_add(STR_NONE, &ring, NULL) == RC_OK && vault_new(buf_view(&ring), &vault, NULL) == RC_OK);
    cut_everywhere(vault);
    vault_free(vault);
}

static const struct test tests[] = {
    {"a plain segment goes under power cuts", plain},
    {"an encrypted segment goes under power cuts", encrypted},
};

int main(int argc, char **argv)
{
    CHECK_INT(retention_law_parse(&law, str_of(law_table), NULL), RC_OK);
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
