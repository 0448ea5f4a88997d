/* The log under power cuts: after every changing call of short histories, in random long ones, with failing calls and a
 * full disk. Promised: what wal_sync confirmed is found again whole and in order; nothing is found that was not
 * appended; recovery may itself be cut any number of times and ends the same. */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"
#include "sim/disk.h"
#include "wal/lock.h"
#include "wal/wal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 4096
#define RECORD_MAX  3000
#define FRAME_MAX   (WAL_FRAME_HEADER + 8 * (RECORD_MAX + 16))

/* What the log was told, and what it must give back. */
struct model {
    struct sim_disk *disk;
    const struct io *io;
    struct wal *wal;
    uint64_t random;    /* of the history */
    uint64_t appended;  /* of this life */
    uint64_t confirmed; /* a sync said so */
    uint64_t released;  /* records below it may be gone */
    uint8_t life;       /* how often the log was opened */
    uint8_t life_of[RECORDS_MAX];
    uint64_t checkpoint; /* known_size: grows up to confirmed */
};

static char frame_bytes[FRAME_MAX];

/* With a vault the whole thing runs encrypted. */
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

/* ---- records whose bytes follow from their number and the life that wrote them ---- */

static size_t record_put(char *to, uint64_t number, uint8_t life)
{
    uint64_t random = number * 256 + life;
    size_t n = (size_t)(sim_random_below(&random, 20) == 0 ? sim_random_below(&random, RECORD_MAX)
                                                           : sim_random_below(&random, 200));
    put_be64(to, number);
    to[8] = (char)life;
    put_be32(to + 9, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        to[13 + i] = (char)sim_random(&random);
    return 13 + n;
}

/* ---- recovery and its checks ---- */

struct seen {
    const struct model *model;
    uint64_t next;
    bool wrong;
};

static enum rc see_frame(void *context, const struct wal_frame *frame, struct err *err)
{
    static char want[RECORD_MAX + 16];
    struct seen *seen = context;
    struct reader reader = reader_of(frame->payload);
    if (seen->next == UINT64_MAX)
        seen->next = frame->first;
    seen->wrong = seen->wrong || frame->first != seen->next;
    for (uint32_t i = 0; i < frame->count && !seen->wrong; i++, seen->next++) {
        size_t n = record_put(want, seen->next, seen->model->life_of[seen->next]);
        struct str got = read_bytes(&reader, n);
        seen->wrong = seen->next >= seen->model->appended || !str_eq(got, str_at(want, n));
    }
    seen->wrong = seen->wrong || !reader_done(&reader);
    return seen->wrong
               ? err_set(err, RC_INVALID, "frame at %llu is not what was written", (unsigned long long)frame->first)
               : RC_OK;
}

static enum rc open_log(struct model *model, int64_t file_size, struct seen *ret_seen, struct err *err)
{
    struct wal_options options = {.file_size = file_size, .uuid = {1}, .known_size = model->checkpoint, .vault = vault};
    *ret_seen = (struct seen){model, UINT64_MAX, false};
    options.first = model->released;
    options.each = see_frame;
    options.context = ret_seen;
    int root = sim_disk_root(model->disk);
    return wal_open(model->io, root, &options, &model->wal, err);
}

static void close_log(struct model *model)
{
    wal_close(model->wal);
    model->wal = NULL;
}

/* Opens after a cut and says whether every promise was kept. */
static bool recovers(struct model *model)
{
    struct seen seen;
    struct err err = {0};
    enum rc rc = open_log(model, WAL_FILE_SIZE_MIN, &seen, &err);
    if (!CHECK_INT(rc, RC_OK)) {
        printf("# %s\n", err.text);
        return false;
    }
    bool good = CHECK(!seen.wrong);
    good = CHECK(wal_end(model->wal) >= model->confirmed) && good;
    good = CHECK(wal_end(model->wal) <= model->appended) && good;
    if (seen.next != UINT64_MAX)
        good = CHECK_INT(seen.next, wal_end(model->wal)) && good;
    else
        good = CHECK(wal_end(model->wal) <= model->released || model->confirmed <= model->released) && good;
    return good;
}

/* ---- a history ---- */

static enum rc append_some(struct model *model, struct err *err)
{
    uint32_t count = 1 + (uint32_t)sim_random_below(&model->random, 6);
    size_t size = WAL_FRAME_HEADER;
    uint64_t first = wal_end(model->wal);
    if (first + count > RECORDS_MAX)
        return RC_OK;
    for (uint32_t i = 0; i < count; i++) {
        model->life_of[first + i] = model->life;
        size += record_put(frame_bytes + size, first + i, model->life);
    }
    model->appended = first + count; /* from here on it may be found again */
    return wal_append(model->wal, first, count, frame_bytes, size, err);
}

static void unlink_file(void *context, const char *name)
{
    struct model *model = context;
    int root = sim_disk_root(model->disk);
    IGNORE(model->io->unlink(model->io->self, root, name) != 0); /* power may be off */
    IGNORE(model->io->close(model->io->self, root) != 0);
}

static enum rc step(struct model *model, struct err *err)
{
    uint64_t what = sim_random_below(&model->random, 20);
    if (what < 12)
        return append_some(model, err);
    if (what < 17) {
        enum rc rc = wal_sync(model->wal, err);
        if (rc == RC_OK)
            model->confirmed = wal_durable(model->wal);
        return rc;
    }
    if (what == 17)
        return wal_rotate(model->wal, err);
    if (model->confirmed < 3)
        return RC_OK;
    if (what == 18) {
        model->checkpoint = MAX(model->checkpoint, model->confirmed - sim_random_below(&model->random, 3));
        return RC_OK;
    }
    model->released = MAX(model->released, model->confirmed - 3);
    model->checkpoint = MAX(model->checkpoint, model->released);
    wal_release(model->wal, model->released, unlink_file, model);
    return RC_OK;
}

static void model_begin(struct model *model, uint64_t seed)
{
    memset(model, 0, sizeof(*model));
    model->disk = sim_disk_new(seed);
    model->io = sim_disk_io(model->disk);
    model->random = seed;
}

static void model_end(struct model *model)
{
    close_log(model);
    sim_disk_free(model->disk);
}

/* Opens and runs until the steps are done or something fails, as it does when power is cut. */
static void live(struct model *model, unsigned steps)
{
    struct seen seen;
    struct err err;
    model->life++;
    if (open_log(model, WAL_FILE_SIZE_MIN, &seen, &err) != RC_OK)
        return;
    model->appended = wal_end(model->wal);
    model->confirmed = MAX(model->confirmed, wal_durable(model->wal));
    for (unsigned i = 0; i < steps; i++) {
        if (step(model, &err) != RC_OK)
            return;
    }
}

/* Power comes back; recovery is itself cut after each of its changing calls, on a copy; all ways end the same. */
static bool restart_and_check(struct model *model, uint64_t seed)
{
    struct sim_disk *disk = model->disk;
    close_log(model);
    sim_disk_restart(disk, seed);
    struct sim_disk *before = sim_disk_copy(disk);
    bool good = recovers(model);
    uint64_t end = good ? wal_end(model->wal) : 0;
    uint64_t changes = sim_disk_changes(disk);
    close_log(model);
    for (uint64_t cut = 1; good && cut <= changes; cut++) {
        model->disk = sim_disk_copy(before);
        model->io = sim_disk_io(model->disk);
        sim_disk_set_faults(model->disk, &(struct sim_disk_faults){.cut_after = cut});
        struct seen seen;
        IGNORE(open_log(model, WAL_FILE_SIZE_MIN, &seen, NULL) != RC_OK); /* cut or not */
        close_log(model);
        sim_disk_restart(model->disk, seed + cut);
        good = recovers(model) && CHECK_INT(wal_end(model->wal), end);
        close_log(model);
        sim_disk_free(model->disk);
    }
    sim_disk_free(before);
    model->disk = disk;
    model->io = sim_disk_io(disk);
    model->appended = end; /* what was not recovered never was */
    return good && recovers(model) && CHECK_INT(wal_end(model->wal), end);
}

/* The process is killed, not the machine: everything written is found. What the recovery then calls durable has to be.
 */
static bool kill_and_check(struct model *model)
{
    close_log(model);
    sim_disk_kill(model->disk);
    if (!recovers(model) || !CHECK_INT(wal_durable(model->wal), wal_end(model->wal)))
        return false;
    model->confirmed = wal_durable(model->wal);
    model->appended = model->confirmed;
    model->life++;
    struct err err;
    bool good = CHECK_INT(append_some(model, &err), RC_OK) && CHECK_INT(wal_sync(model->wal, &err), RC_OK);
    model->confirmed = wal_durable(model->wal);
    return good;
}

/* ---- tests ---- */

static uint64_t environment_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t number = 0;
    return text != NULL && str_to_u64(str_of(text), &number) ? number : otherwise;
}

static void cut_after_every_call(void)
{
    static struct model model;
    for (uint64_t history = 1; history <= 4; history++) {
        uint64_t cut = 1;
        for (bool done = false; !done; cut++) {
            for (uint64_t seed = 0; seed < 5; seed++) {
                test_row("history %llu cut %llu seed %llu", (unsigned long long)history, (unsigned long long)cut,
                         (unsigned long long)seed);
                model_begin(&model, history);
                sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.cut_after = cut});
                live(&model, 40);
                done = !sim_disk_is_cut(model.disk);
                bool good = restart_and_check(&model, seed);
                model_end(&model);
                if (!good)
                    return;
            }
        }
        CHECK(cut > 20);
    }
}

static void random_lives(void)
{
    static struct model model;
    uint64_t first = environment_number("QORGAN_SIM_SEED", 1000);
    uint64_t rounds = environment_number("QORGAN_SIM_ROUNDS", 60);
    for (uint64_t seed = first; seed < first + rounds; seed++) {
        model_begin(&model, seed);
        bool good = true;
        for (unsigned life = 0; life < 12 && good; life++) {
            struct sim_disk_faults faults = {.short_io = true};
            faults.cut_after = 1 + sim_random_below(&model.random, 150);
            close_log(&model);
            sim_disk_set_faults(model.disk, &faults);
            live(&model, 100);
            test_row("seed %llu life %u", (unsigned long long)seed, life);
            good = life % 2 == 0 || kill_and_check(&model);
            good = good && restart_and_check(&model, seed * 100 + life + 2);
        }
        model_end(&model);
        if (!good)
            return;
    }
}

/* The process dies of the failed call; the disk may or may not lose power with it. */
static void every_call_fails_once(void)
{
    static struct model model;
    for (uint64_t history = 11; history <= 13; history++) {
        uint64_t calls = 0;
        for (uint64_t at = 0; at <= calls; at++) { /* first without a failure, to count */
            test_row("history %llu call %llu", (unsigned long long)history, (unsigned long long)at);
            model_begin(&model, history);
            sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.eio_at = at});
            live(&model, 40);
            calls = at == 0 ? sim_disk_calls(model.disk) : calls;
            bool good = restart_and_check(&model, at % 2 ? at : 1);
            model_end(&model);
            if (!good)
                return;
        }
        CHECK(calls > 30);
    }
}

/* After a failed sync nothing more may be confirmed, whatever later syncs would say. */
static void every_sync_fails_once(void)
{
    static struct model model;
    for (uint64_t history = 21; history <= 23; history++) {
        uint64_t syncs = 0;
        for (uint64_t at = 0; at <= syncs; at++) { /* first without a failure, to count */
            test_row("history %llu sync %llu", (unsigned long long)history, (unsigned long long)at);
            model_begin(&model, history);
            sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.eio_sync_at = at});
            struct err err;
            live(&model, 60);
            syncs = at == 0 ? sim_disk_syncs(model.disk) : syncs;
            if (model.wal != NULL && wal_sync(model.wal, &err) == RC_OK)
                model.confirmed = wal_durable(model.wal);
            bool good = restart_and_check(&model, 0);
            model_end(&model);
            if (!good)
                return;
        }
        CHECK(syncs > 5);
    }
}

/* A full disk refuses appends and loses nothing; with room again the same log goes on. */
static void full_disk_at_every_size(void)
{
    static struct model model;
    for (uint64_t space = 1; space < 4 * WAL_FILE_SIZE_MIN; space += 4973) {
        struct err err;
        test_row("space %llu", (unsigned long long)space);
        model_begin(&model, space);
        live(&model, 1);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.space = space});
        unsigned refused = 0;
        for (unsigned i = 0; i < 300 && model.wal != NULL; i++) {
            uint64_t end = wal_end(model.wal);
            enum rc rc = append_some(&model, &err);
            refused += rc != RC_OK;
            if (rc != RC_OK)
                CHECK_INT(wal_end(model.wal), end);
            model.appended = wal_end(model.wal);
        }
        CHECK(refused > 0 || space > 2 * WAL_FILE_SIZE_MIN);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){0});
        if (model.wal != NULL) {
            CHECK(append_some(&model, &err) == RC_OK);
            CHECK(wal_sync(model.wal, &err) == RC_OK);
            model.confirmed = wal_durable(model.wal);
            CHECK_INT(model.confirmed, model.appended);
        }
        bool good = restart_and_check(&model, 0);
        model_end(&model);
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

/* Rotation cut after each of its changing calls: the log opens with both keys, and a further rotation finishes it. */
static void rotation_cut(void)
{
    static struct model model;
    char text[VAULT_RING_MAX];
    struct buf ring;
    struct vault *both = NULL;
    struct vault *next = NULL;
    struct wal_lock_rotation found;
    buf_init_fixed(&ring, text, sizeof(text));
    CHECK_INT(vault_ring_add(STR_NONE, &ring, NULL), RC_OK);
    struct str old = buf_view(&ring);
    struct vault *before = NULL;
    CHECK_INT(vault_new(old, &before, NULL), RC_OK);
    char more[VAULT_RING_MAX];
    struct buf rings;
    buf_init_fixed(&rings, more, sizeof(more));
    CHECK_INT(vault_ring_add(old, &rings, NULL), RC_OK);
    CHECK_INT(vault_new(buf_view(&rings), &both, NULL), RC_OK);
    struct str rest = buf_view(&rings);
    CHECK_INT(vault_new(str_cut(&rest, '\n'), &next, NULL), RC_OK);
    bool done = false;
    for (uint64_t cut = 1; !done; cut++) {
        test_row("cut %llu", (unsigned long long)cut);
        vault = before;
        model_begin(&model, 5);
        live(&model, 40);
        close_log(&model);
        sim_disk_kill(model.disk);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.cut_after = cut});
        int root = sim_disk_root(model.disk);
        enum rc rc = wal_lock_rotate(model.io, root, both, &found, NULL);
        done = !sim_disk_is_cut(model.disk);
        CHECK_INT(rc == RC_OK, done);
        sim_disk_restart(model.disk, cut);
        vault = both;
        CHECK(recovers(&model));
        close_log(&model);
        root = sim_disk_root(model.disk);
        CHECK_INT(wal_lock_rotate(model.io, root, both, &found, NULL), RC_OK);
        CHECK(found.files > 0);
        vault = next;
        CHECK(recovers(&model));
        model_end(&model);
    }
    vault = NULL;
    vault_free(before);
    vault_free(both);
    vault_free(next);
}

static const struct test tests[] = {
    {"cut after every call", cut_after_every_call},       {"random lives", random_lives},
    {"every call fails once", every_call_fails_once},     {"every sync fails once", every_sync_fails_once},
    {"full disk at every size", full_disk_at_every_size}, {"encrypted: cut after every call", encrypted_cuts},
    {"encrypted: random lives", encrypted_lives},         {"encrypted: every call fails once", encrypted_calls_fail},
    {"encrypted: full disk", encrypted_full_disk},        {"rotation cut", rotation_cut},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
