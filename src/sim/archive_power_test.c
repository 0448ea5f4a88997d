/* The archive under power cuts: after every changing call of short histories, in random long lives, with failing calls
 * and a full disk. After each recovery the six invariants are checked:
 *   1 every acknowledged record is present    4 no duplicate (source, epoch, sequence)
 *   2 every signed checkpoint is provable     5 sealed segments are byte-identical
 *   3 no record number is used again          6 recovery ends the same however often it is itself cut
 * The signer's memory and the sources' memory of what was acknowledged never lose anything: the harshest judges. */
#include "archive/block.h"
#include "archive/reader.h"
#include "archive/writer.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/test.h"
#include "os/file.h"
#include "sim/disk.h"
#include "tlog/signer.h"
#include "wal/wal_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX  20000
#define SIGNED_MAX   2000
#define SEGMENTS_MAX 400
#define SOURCES      3
#define EPOCH        77
#define LOG_SIZE     WAL_FILE_SIZE_MIN
#define START_NS     INT64_C(1795000000000000000)

struct sealed {
    char path[64];
    struct tlog_hash digest;
};

struct model {
    struct sim_disk *disk;
    const struct io *io;
    int folder;
    struct archive *archive;
    uint64_t random;
    bool broken; /* a call failed: the process must end */
    /* what sources know */
    uint64_t sent[SOURCES];      /* sequences 1..sent were given to the archive in this life */
    uint64_t confirmed[SOURCES]; /* 1..confirmed were acknowledged, in any life */
    /* what must be found: leaf hashes of durable records, by number */
    uint64_t durable;
    struct tlog_hash leaf[RECORDS_MAX];
    /* what the signer signed */
    struct signing_key *key;
    struct signer_state signer;
    bool signer_known;
    size_t signed_count;
    struct tlog_head signed_head[SIGNED_MAX];
    /* what was sealed */
    size_t sealed_count;
    struct sealed sealed[SEGMENTS_MAX];
};

static struct model model; /* large */
static struct tlog_hasher *hasher;

/* With a vault the whole archive is encrypted. */
static const struct vault *vault;

static struct vault *vault_made(void)
{
    char text[VAULT_RING_MAX];
    struct buf ring;
    struct vault *made = NULL;
    buf_init_fixed(&ring, text, sizeof(text));
    CHECK(vault_ring_add(STR_NONE, &ring, NULL) == RC_OK && vault_new(buf_view(&ring), &made, NULL) == RC_OK);
    return made;
}

static bool failed(enum rc rc, const struct err *err)
{
    if (rc == RC_OK)
        return false;
    printf("# %s: %s\n", rc_name(rc), err->text);
    return true;
}

/* ---- one life of the keeper ---- */

static enum rc open_archive(struct err *err)
{
    struct archive_options options = {.site = "sim.test", .wal_file_size = LOG_SIZE, .new_uuid = {1, 2}, .seed = 9};
    struct archive_recovered recovered;
    options.now_ns = START_NS;
    options.vault = vault;
    model.folder = sim_disk_root(model.disk);
    model.archive = NULL;
    return archive_open(model.io, model.folder, &options, &model.archive, &recovered, err);
}

static void close_archive(void)
{
    archive_close(model.archive);
    model.archive = NULL;
}

static struct str record_text(uint64_t source, uint64_t sequence, char *room, size_t size)
{
    uint64_t random = source << 32 | sequence;
    size_t n = (size_t)sim_random_below(&random, sim_random_below(&random, 12) == 0 ? 3000 : 150);
    if (sim_random_below(&random, 400) == 0)
        n = 61000; /* a digest in the leaf */
    ASSERT(n <= size);
    for (size_t i = 0; i < n; i++)
        room[i] = (char)('a' + sim_random_below(&random, 26));
    return str_at(room, n);
}

/* A source sends its next records, from the first that was not taken in this life. */
static enum rc append_some(struct err *err)
{
    static char room[61440];
    size_t count = 1 + (size_t)sim_random_below(&model.random, 25);
    uint64_t source = sim_random_below(&model.random, SOURCES);
    for (size_t i = 0; i < count && archive_size(model.archive) < RECORDS_MAX; i++) {
        uint64_t sequence = model.sent[source] + 1;
        struct archive_appended appended;
        struct archive_record record = {.type = LEAF_RAW, .transport = 2, .source = {(uint8_t)(source + 1)}};
        record.epoch = EPOCH;
        record.sequence = sequence;
        record.received_ns = START_NS + (int64_t)model.random % 1000000;
        record.received_boot_ns = sequence;
        record.time_ns = sequence % 2 == 0 ? START_NS : 0;
        record.raw = record_text(source, sequence, room, sizeof(room));
        enum rc rc = archive_append(model.archive, &record, 1, &appended, err);
        if (rc != RC_OK)
            return rc;
        model.sent[source] = sequence; /* taken, or known from before */
    }
    return RC_OK;
}

static enum rc commit(struct err *err)
{
    uint64_t durable = 0;
    enum rc rc = archive_commit(model.archive, &durable, err);
    if (rc != RC_OK)
        return rc;
    CHECK(durable >= model.durable);
    model.durable = durable;
    for (size_t i = 0; i < SOURCES; i++)
        model.confirmed[i] = MAX(model.confirmed[i], model.sent[i]);
    return RC_OK;
}

static enum rc introduce(struct err *err)
{
    struct event_source source = {.id = {(uint8_t)(1 + sim_random_below(&model.random, SOURCES))}};
    source.kind = STR("tcp");
    source.name = sim_random_below(&model.random, 2) ? STR("one") : STR("other");
    return archive_source(model.archive, &source, START_NS, 1, err);
}

/* The signer demands its proof, signs, never forgets; then the note is stored. */
static enum rc sign(bool retain, struct err *err)
{
    struct tlog_path path;
    struct buf note CLEANUP(buf_done);
    struct signer_request request = {.origin = str_of(archive_origin(model.archive)), .consistency = &path};
    buf_init(&note, NOTE_SIZE_MAX);
    if (!model.signer_known) {
        uint8_t seed[32] = {5};
        CHECK(signing_key_from_seed(request.origin, NOTE_ED25519, seed, &model.key, err) == RC_OK);
        CHECK(signer_state_init(&model.signer, request.origin, err) == RC_OK);
        model.signer_known = true;
    }
    request.head.size = archive_durable(model.archive);
    enum rc rc = archive_root(model.archive, request.head.size, &request.head.root, err);
    if (rc == RC_OK)
        rc = archive_consistency(model.archive, model.signer.head.size, request.head.size, &path, err);
    if (rc != RC_OK)
        return rc;
    CHECK_INT(signer_sign(&model.signer, model.key, &request, &model.signer, &note, err), RC_OK);
    ASSERT(model.signed_count < SIGNED_MAX);
    model.signed_head[model.signed_count++] = request.head;
    rc = archive_checkpoint_store(model.archive, buf_view(&note), retain, err);
    if (rc != RC_OK || !retain)
        return rc;
    buf_text(&note, "\xe2\x80\x94 w.test AAAAAAAA\n"); /* a witness's line joins it */
    return archive_cosigned_store(model.archive, buf_view(&note), retain, true, err);
}

/* ---- sealing: an engine that reads the log and hands in blocks ---- */

static enum rc send_block(struct block_builder *builder, uint32_t share, struct err *err)
{
    struct buf block CLEANUP(buf_done);
    buf_init(&block, BLOCK_SIZE_MAX);
    if (block_builder_count(builder) == 0)
        return RC_OK;
    enum rc rc = block_builder_finish(builder, &block, err);
    return rc == RC_OK ? archive_block(model.archive, share, buf_view(&block), err) : rc;
}

struct engine {
    struct block_builder *builder;
    struct names *names;
    uint32_t share;
    uint32_t shares;
    uint64_t from;
};

/* What a parser would say of the record: values in raw, one of its own, some records understood and some not. */
static bool derive(struct names *names, const struct leaf *leaf, struct str raw, struct event_field *fields,
                   struct event *ret_event)
{
    if (leaf->type != LEAF_RAW || leaf->index % 5 == 0)
        return false;
    *ret_event = (struct event){.raw = raw,
                                .record = leaf->index,
                                .flags = EVENT_ARCHIVE,
                                .time_ns = leaf->received_ns - (int64_t)(leaf->index % 3) * 1000000000,
                                .parser = "power",
                                .field_count = 2,
                                .fields = fields};
    fields[0] = (struct event_field){.name = names_put(names, STR("half")), .value = str_slice(raw, raw.n / 2, raw.n)};
    fields[1] = (struct event_field){.name = names_put(names, STR("odd")),
                                     .value = leaf->index % 2 ? STR("odd number") : STR("")};
    ret_event->statutory[STATUTORY_HOST] = str_slice(raw, 0, raw.n / 3);
    ret_event->statutory[STATUTORY_OUTCOME] = STR("success");
    return true;
}

static enum rc engine_record(struct engine *engine, const struct leaf *leaf, struct str raw)
{
    struct event event;
    struct event_field fields[2];
    const struct str rule = STR("rule of seven");
    bool derived = derive(engine->names, leaf, raw, fields, &event);
    return block_builder_add(engine->builder, leaf, raw, derived ? &event : NULL, &rule, leaf->index % 7 == 0);
}

static enum rc engine_frame(struct engine *engine, const struct wal_frame *frame, struct err *err)
{
    struct reader in = reader_of(frame->payload);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct leaf leaf;
        struct str bytes;
        struct str raw;
        enum rc rc = record_read(&in, NULL, &leaf, &bytes, &raw, err);
        if (rc != RC_OK)
            return rc;
        if (leaf.index < engine->from || leaf.source[0] % engine->shares != engine->share)
            continue;
        if (block_builder_count(engine->builder) == 60)
            rc = send_block(engine->builder, engine->share, err);
        if (rc == RC_OK)
            rc = engine_record(engine, &leaf, raw);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc engine_files(struct wal_reader *log, struct err *err)
{
    int folder = model.io->open(model.io->self, model.folder, "wal", IO_READ | IO_FOLDER);
    if (folder < 0)
        return err_errno(err, -folder, "could not open the log's folder");
    enum rc rc = RC_OK;
    for (size_t i = 0; i < archive_log_count(model.archive) && rc == RC_OK; i++) {
        char name[WAL_NAME_MAX];
        wal_file_name(archive_log_at(model.archive, i).first, name);
        int fd = model.io->open(model.io->self, folder, name, IO_READ);
        rc = fd < 0 ? err_errno(err, -fd, "could not open a log file") : wal_reader_add(log, fd, err);
    }
    IGNORE(model.io->close(model.io->self, folder) != 0); /* power may be off */
    return rc;
}

static enum rc run_engine(uint32_t share, uint32_t shares, struct err *err)
{
    static const uint64_t key[2] = {3, 4};
    struct names *names = names_new(1);
    struct engine engine = {block_builder_new(names, key), names, share, shares,
                            archive_share_next(model.archive, share)};
    struct wal_reader *log = wal_reader_new(model.io, archive_uuid(model.archive), archive_sealed(model.archive));
    wal_reader_unlock(log, vault);
    uint64_t end = archive_log_at(model.archive, archive_log_count(model.archive) - 1).first;
    uint64_t file = UINT64_MAX;
    struct wal_frame frame;
    enum rc rc = engine_files(log, err);
    while (rc == RC_OK && (rc = wal_reader_next(log, end, &frame, err)) == RC_OK) {
        if (frame.file_first != file) {
            rc = send_block(engine.builder, share, err);
            if (rc == RC_OK)
                block_builder_segment(engine.builder, key);
        }
        file = frame.file_first;
        rc = rc == RC_OK ? engine_frame(&engine, &frame, err) : rc;
    }
    if (rc == RC_AGAIN || rc == RC_END)
        rc = send_block(engine.builder, share, err);
    wal_reader_free(log);
    block_builder_free(engine.builder);
    names_free(names);
    return rc;
}

static void reap(void *context, const char *name)
{
    (void)context;
    int folder = model.io->open(model.io->self, model.folder, "wal", IO_READ | IO_FOLDER);
    if (folder < 0)
        return;
    IGNORE(model.io->unlink(model.io->self, folder, name) != 0); /* power may be off */
    IGNORE(model.io->close(model.io->self, folder) != 0);
}

static void remember_segment(void *context, const char *path)
{
    (void)context;
    struct str bytes;
    struct sealed sealed;
    if (!str_starts(str_of(path), STR("seg/")) || !str_ends(str_of(path), STR(".seg")))
        return;
    CHECK(sim_disk_peek(model.disk, path, &bytes));
    CHECK(str_copy_z(str_of(path), sealed.path, sizeof(sealed.path)));
    tlog_hash_bytes(hasher, bytes, &sealed.digest);
    for (size_t i = 0; i < model.sealed_count; i++) {
        if (strcmp(model.sealed[i].path, path) == 0)
            return;
    }
    ASSERT(model.sealed_count < SEGMENTS_MAX);
    model.sealed[model.sealed_count++] = sealed;
}

static enum rc seal(struct err *err)
{
    uint32_t shares = 1 + (uint32_t)sim_random_below(&model.random, 2);
    enum rc rc = archive_rotate(model.archive, err);
    if (rc == RC_OK)
        rc = commit(err);
    for (uint32_t i = 0; i < shares && rc == RC_OK; i++)
        rc = run_engine(i, shares, err);
    while (rc == RC_OK || rc == RC_AGAIN) {
        rc = archive_seal_step(model.archive, reap, NULL, err);
        if (rc == RC_OK)
            sim_disk_walk(model.disk, remember_segment, NULL);
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc step(struct err *err)
{
    uint64_t what = sim_random_below(&model.random, 40);
    if (what < 20)
        return append_some(err);
    if (what < 29)
        return commit(err);
    if (what < 35)
        return sign(what % 2 == 0, err);
    if (what == 35)
        return introduce(err);
    if (what == 36)
        return archive_rotate(model.archive, err);
    return what == 37 ? seal(err) : RC_OK;
}

/* Runs until the steps are done or a call fails. */
static void live(unsigned steps, bool with_seal)
{
    struct err err = {0};
    if (open_archive(&err) != RC_OK) {
        model.broken = true;
        return;
    }
    for (size_t i = 0; i < SOURCES; i++)
        model.sent[i] = model.confirmed[i]; /* a source begins behind what was acknowledged to it */
    enum rc rc = RC_OK;
    for (unsigned i = 0; i < steps && rc == RC_OK; i++)
        rc = step(&err);
    if (rc == RC_OK && with_seal)
        rc = seal(&err);
    if (rc == RC_OK && with_seal)
        rc = sign(true, &err);
    model.broken = rc != RC_OK;
    if (rc != RC_OK && !CHECK_INT(rc, RC_IO)) /* only a failing disk may stop a life */
        printf("# %s\n", err.text);
}

/* ---- the invariants ---- */

static bool check_leaf(const struct leaf *leaf, uint64_t number, uint64_t next[SOURCES])
{
    if (!CHECK_INT(leaf->index, number))
        return false;
    if (leaf->source[0] == 0 || leaf->type == LEAF_LIFECYCLE)
        return true;
    uint64_t source = leaf->source[0] - 1u;
    bool good = CHECK(source < SOURCES) && CHECK_INT(leaf->epoch, EPOCH);
    return good && CHECK_INT(leaf->sequence, ++next[source]); /* none missing, none twice, in order */
}

/* Invariants 1, 3, 4: every record, read by number. */
static bool check_records(struct archive_reader *reader, uint64_t size)
{
    static char room[61440];
    uint64_t next[SOURCES] = {0};
    struct buf bytes CLEANUP(buf_done);
    struct err err;
    bool good = CHECK(archive_reader_size(reader) >= size);
    buf_init(&bytes, 1 << 20);
    for (uint64_t i = 0; i < size && good; i++) {
        struct tlog_hash hash;
        struct leaf leaf;
        buf_clear(&bytes);
        good = !failed(archive_reader_leaf(reader, i, &bytes, &hash, &err), &err);
        good = good && CHECK(leaf_parse(str_slice(buf_view(&bytes), 0, LEAF_HEADER_SIZE), &leaf, NULL) == RC_OK);
        good = good && check_leaf(&leaf, i, next);
        if (good && leaf.type == LEAF_RAW)
            good = CHECK_STR(str_skip(buf_view(&bytes), LEAF_HEADER_SIZE),
                             record_text(leaf.source[0] - 1u, leaf.sequence, room, sizeof(room)));
        if (i < model.durable && model.leaf[i].bytes[0] + model.leaf[i].bytes[1] + model.leaf[i].bytes[2] != 0)
            good = good && CHECK(tlog_hash_eq(&hash, &model.leaf[i]));
        model.leaf[i] = hash; /* seen in a recovered archive, it is durable */
    }
    for (size_t i = 0; i < SOURCES && good; i++)
        good = CHECK(next[i] >= model.confirmed[i]);
    return good;
}

/* Invariant 2. */
static bool check_signed(uint64_t size)
{
    struct err err;
    bool good = true;
    for (size_t i = 0; i < model.signed_count && good; i++) {
        const struct tlog_head *head = &model.signed_head[i];
        const struct tlog_head *last = &model.signed_head[model.signed_count - 1];
        struct tlog_hash root;
        struct tlog_path path;
        good = CHECK(head->size <= size) && !failed(archive_root(model.archive, head->size, &root, &err), &err) &&
               CHECK(tlog_hash_eq(&root, &head->root)) &&
               !failed(archive_consistency(model.archive, head->size, last->size, &path, &err), &err) &&
               CHECK(tlog_verify_consistency(hasher, head, last, &path));
    }
    return good;
}

/* Invariant 5. */
static bool check_sealed(void)
{
    bool good = true;
    for (size_t i = 0; i < model.sealed_count && good; i++) {
        struct str bytes;
        struct tlog_hash digest;
        good = CHECK(sim_disk_peek(model.disk, model.sealed[i].path, &bytes));
        if (good)
            tlog_hash_bytes(hasher, bytes, &digest);
        good = good && CHECK(tlog_hash_eq(&digest, &model.sealed[i].digest));
    }
    return good;
}

/* Opens after a failure and checks everything. The archive stays open. */
static bool recovers(struct tlog_head *ret_head)
{
    struct err err = {0};
    struct archive_reader *reader = NULL;
    struct archive_reader_options options = {.vault = vault};
    enum rc rc = open_archive(&err);
    if (!CHECK_INT(rc, RC_OK))
        return !failed(rc, &err);
    uint64_t size = archive_size(model.archive);
    bool good = CHECK(size >= model.durable) && CHECK_INT(archive_durable(model.archive), size);
    good = good && check_signed(size) && check_sealed();
    good = good && !failed(archive_reader_open(model.io, model.folder, &options, &reader, &err), &err);
    good = good && check_records(reader, size);
    archive_reader_close(reader);
    ret_head->size = size;
    return good && !failed(archive_root(model.archive, size, &ret_head->root, &err), &err);
}

static bool same_head(const struct tlog_head *a, const struct tlog_head *b)
{
    return CHECK_INT(a->size, b->size) && CHECK(tlog_hash_eq(&a->root, &b->root));
}

/* Invariant 6: recovery cut after each of its changing calls, on copies of the disk. */
static bool check_cut_recoveries(const struct sim_disk *before, uint64_t changes, uint64_t seed,
                                 const struct tlog_head *want)
{
    struct sim_disk *disk = model.disk;
    bool good = true;
    for (uint64_t cut = 1; cut <= changes && good; cut++) {
        struct tlog_head head;
        struct err err;
        model.disk = sim_disk_copy(before);
        model.io = sim_disk_io(model.disk);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.cut_after = cut});
        IGNORE(open_archive(&err) != RC_OK); /* cut or not */
        close_archive();
        sim_disk_restart(model.disk, seed * 31 + cut);
        good = recovers(&head) && same_head(&head, want);
        close_archive();
        sim_disk_free(model.disk);
    }
    model.disk = disk;
    model.io = sim_disk_io(disk);
    return good;
}

/* Power is back. Afterwards the model knows what is durable now. */
static bool restart_and_check(uint64_t seed, bool cut_recovery)
{
    struct tlog_head head = {0};
    struct tlog_head again = {0};
    close_archive();
    sim_disk_restart(model.disk, seed);
    struct sim_disk *before = sim_disk_copy(model.disk);
    bool good = recovers(&head);
    uint64_t changes = sim_disk_changes(model.disk);
    close_archive();
    if (good && cut_recovery)
        good = check_cut_recoveries(before, changes, seed, &head);
    sim_disk_free(before);
    good = good && recovers(&again) && same_head(&head, &again);
    model.durable = again.size; /* what a recovery shows must stay */
    close_archive();
    return good;
}

/* ---- tests ---- */

static void model_begin(uint64_t seed)
{
    memset(&model, 0, sizeof(model));
    model.disk = sim_disk_new(seed);
    model.io = sim_disk_io(model.disk);
    model.random = seed;
}

static void model_end(void)
{
    close_archive();
    signing_key_free(model.key);
    sim_disk_free(model.disk);
}

static uint64_t environment_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t number = 0;
    return text != NULL && str_to_u64(str_of(text), &number) ? number : otherwise;
}

static bool run_cut(uint64_t history, uint64_t cut, uint64_t seed, bool *ret_done)
{
    test_row("history %llu cut %llu seed %llu", (unsigned long long)history, (unsigned long long)cut,
             (unsigned long long)seed);
    model_begin(history);
    sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.cut_after = cut});
    live(30, true);
    *ret_done = !sim_disk_is_cut(model.disk);
    bool good = CHECK(model.broken || *ret_done) && restart_and_check(seed, seed == 2);
    model_end();
    return good;
}

static void cut_after_every_call(void)
{
    for (uint64_t history = 1; history <= 2; history++) {
        uint64_t cut = 1;
        for (bool done = false; !done; cut++) {
            for (uint64_t seed = 0; seed < 4; seed++) {
                if (!run_cut(history, cut, seed, &done))
                    return;
            }
        }
        printf("# history %llu: %llu cuts\n", (unsigned long long)history, (unsigned long long)cut);
        CHECK(cut > 80);
    }
}

static void random_lives(void)
{
    uint64_t first = environment_number("QORGAN_SIM_SEED", 1000);
    uint64_t rounds = environment_number("QORGAN_SIM_ROUNDS", 3);
    for (uint64_t seed = first; seed < first + rounds; seed++) {
        bool good = true;
        model_begin(seed);
        for (unsigned life_number = 0; life_number < 7 && good; life_number++) {
            struct sim_disk_faults faults = {.short_io = true};
            faults.cut_after = 1 + sim_random_below(&model.random, 400);
            test_row("seed %llu life %u", (unsigned long long)seed, life_number);
            sim_disk_set_faults(model.disk, &faults);
            live(150, false);
            if (life_number % 3 == 2) { /* the process dies, the machine does not; then the machine too */
                struct tlog_head head;
                close_archive();
                sim_disk_kill(model.disk);
                good = recovers(&head);
                model.durable = MAX(model.durable, head.size);
            }
            good = good && restart_and_check(seed * 100 + life_number + 2, false);
        }
        model_end();
        if (!good)
            return;
    }
}

static void every_call_fails_once(void)
{
    uint64_t calls = 0;
    for (uint64_t at = 0; at <= calls; at += at < 200 ? 1 : 7) { /* first without a failure, to count */
        test_row("call %llu", (unsigned long long)at);
        model_begin(31);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.eio_at = at});
        live(30, true);
        calls = at == 0 ? sim_disk_calls(model.disk) : calls;
        bool good = restart_and_check(at % 3, false);
        model_end();
        if (!good)
            return;
    }
    printf("# %llu calls\n", (unsigned long long)calls);
    CHECK(calls > 200);
}

static void every_sync_fails_once(void)
{
    uint64_t syncs = 0;
    for (uint64_t at = 0; at <= syncs; at++) {
        test_row("sync %llu", (unsigned long long)at);
        model_begin(41);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.eio_sync_at = at});
        live(40, true);
        syncs = at == 0 ? sim_disk_syncs(model.disk) : syncs;
        struct err err;
        if (at != 0 && model.broken && model.archive != NULL) /* were the process to go on all the same */
            IGNORE(commit(&err) == RC_OK);
        bool good = restart_and_check(0, false);
        model_end();
        if (!good)
            return;
    }
    CHECK(syncs > 20);
}

/* A full disk: data is refused, nothing acknowledged is lost; with room again the archive goes on. */
static void full_disk_at_every_size(void)
{
    for (uint64_t space = 70000; space < 400000; space += 13007) {
        struct err err = {0};
        unsigned refused = 0;
        test_row("space %llu", (unsigned long long)space);
        model_begin(space);
        live(1, false);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.space = space});
        for (unsigned i = 0; i < 200 && model.archive != NULL; i++) {
            enum rc rc = append_some(&err);
            refused += rc != RC_OK;
            CHECK(rc == RC_OK || rc == RC_IO);
            CHECK_INT(commit(&err), RC_OK);
        }
        CHECK(refused > 0);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){0});
        CHECK(!failed(append_some(&err), &err));
        CHECK_INT(commit(&err), RC_OK);
        CHECK(!failed(sign(true, &err), &err));
        bool good = restart_and_check(0, false);
        model_end();
        if (!good)
            return;
    }
}

static void encrypted(void (*test)(void))
{
    struct vault *made = vault_made();
    vault = made;
    test();
    vault = NULL;
    vault_free(made);
}

static void encrypted_cuts(void)
{
    encrypted(cut_after_every_call);
}

static void encrypted_lives(void)
{
    encrypted(random_lives);
}

static void encrypted_calls_fail(void)
{
    encrypted(every_call_fails_once);
}

static void encrypted_full_disk(void)
{
    encrypted(full_disk_at_every_size);
}

static const struct test tests[] = {
    {"cut after every call", cut_after_every_call},       {"random lives", random_lives},
    {"every call fails once", every_call_fails_once},     {"every sync fails once", every_sync_fails_once},
    {"full disk at every size", full_disk_at_every_size}, {"encrypted: cut after every call", encrypted_cuts},
    {"encrypted: random lives", encrypted_lives},         {"encrypted: every call fails once", encrypted_calls_fail},
    {"encrypted: full disk", encrypted_full_disk},
};

int main(int argc, char **argv)
{
    hasher = tlog_hasher_new();
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    tlog_hasher_free(hasher);
    return status;
}
