/* An agent's spool under power cuts: after every changing call, in random long lives, with failing calls.
 *
 * Two streams: a file, which is read again from where the spool says, and pushed records, which are not. A server takes
 * frames, says that they are durable, and covers them; it forgets nothing. Promised after every start: each line of the
 * file up to the spool's position is at the server or still in the spool; so is each pushed record that was once synced
 * and, as long as the power stays, each that was appended; and what is sent is what was put. */
#include "agent/spool.h"
#include "base/bytes.h"
#include "base/test.h"
#include "sim/disk.h"
#include "wire/delivery_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 6000
#define FILE_EPOCH  7

struct pushed {
    uint64_t epoch;
    uint64_t sequence;
    uint64_t number; /* in the spool */
    uint64_t spool;
    bool confirmed; /* synced by a call that said so */
    bool held;      /* at the server, durable */
    bool sent;
    bool found;
};

struct model {
    struct sim_disk *disk;
    const struct io *io;
    struct spool *spool;
    uint64_t random;
    uint64_t now_ns;
    uint64_t life;
    uint64_t known;
    uint64_t line; /* of the file, put last in this life */
    bool line_sent[RECORDS_MAX];
    bool line_held[RECORDS_MAX];
    bool line_found[RECORDS_MAX];
    struct pushed pushed[RECORDS_MAX];
    size_t pushed_count;
    uint64_t push_sequence; /* of this life */
    uint64_t archive;       /* records of the server */
    uint64_t sent_to;
    bool connected;
    bool stream_wrong;
};

static struct spool_options options_of(struct model *model)
{
    return (struct spool_options){
        .size_max = 5 * (64 << 10), .file_size = 64 << 10, .number = 1000 + model->life, .known = model->known};
}

static size_t text_of(char *to, size_t size, uint64_t stream, uint64_t epoch, uint64_t sequence)
{
    uint64_t random = stream * 1000003 + epoch * 977 + sequence;
    int n = snprintf(to, size, "%llu %llu %llu ", (unsigned long long)stream, (unsigned long long)epoch,
                     (unsigned long long)sequence);
    size_t more = (size_t)sim_random_below(&random, sim_random_below(&random, 10) == 0 ? 3000 : 100);
    memset(to + n, 'a' + (int)(sequence % 26), more);
    return (size_t)n + more;
}

/* ---- what is in a frame ---- */

enum mark { MARK_SENT, MARK_HELD, MARK_FOUND };

static void mark_push(struct model *model, uint64_t epoch, uint64_t sequence, enum mark mark)
{
    for (size_t i = 0; i < model->pushed_count; i++) {
        struct pushed *one = &model->pushed[i];
        if (one->epoch != epoch || one->sequence != sequence)
            continue;
        one->sent = one->sent || mark == MARK_SENT;
        one->held = one->held || mark == MARK_HELD;
        one->found = one->found || mark == MARK_FOUND;
        return;
    }
    model->stream_wrong = true;
}

static void mark_frame(struct model *model, const struct spool_frame *frame, enum mark mark)
{
    static char want[4096];
    struct reader reader = reader_of(frame->batch);
    struct delivery_group group;
    struct str bytes;
    uint32_t records = 0;
    while (delivery_read_group(&reader, &group)) {
        for (uint32_t i = 0; i < group.count && delivery_read_record(&reader, &bytes); i++, records++) {
            uint64_t sequence = group.sequence + i;
            size_t n = text_of(want, sizeof want, group.stream, group.epoch, sequence);
            model->stream_wrong = model->stream_wrong || !str_eq(bytes, str_at(want, n));
            if (group.stream == DELIVERY_AUDIT)
                mark_push(model, group.epoch, sequence, mark);
            else if (mark == MARK_SENT)
                model->line_sent[sequence] = true;
            else
                model->line_found[sequence] = true;
        }
    }
    model->stream_wrong = model->stream_wrong || !reader_done(&reader) || records != frame->count;
}

/* ---- a life ---- */

static void put_line(struct model *model)
{
    static char text[4096];
    if (model->line + 2 >= RECORDS_MAX)
        return;
    size_t n = text_of(text, sizeof text, DELIVERY_FILE, FILE_EPOCH, model->line + 1);
    const struct spool_record record = {.stream = DELIVERY_FILE,
                                        .epoch = FILE_EPOCH,
                                        .sequence = model->line + 1,
                                        .name = STR("/var/log/a"),
                                        .bytes = str_at(text, n)};
    if (spool_put(model->spool, &record, SPOOL_PULL, model->now_ns))
        model->line++;
}

static void put_push(struct model *model)
{
    static char text[4096];
    if (model->pushed_count == RECORDS_MAX)
        return;
    size_t n = text_of(text, sizeof text, DELIVERY_AUDIT, model->life, model->push_sequence + 1);
    const struct spool_record record = {.stream = DELIVERY_AUDIT,
                                        .epoch = model->life,
                                        .sequence = model->push_sequence + 1,
                                        .name = STR("audit"),
                                        .bytes = str_at(text, n)};
    /* before the call: it may be cut after it wrote */
    model->pushed[model->pushed_count++] = (struct pushed){.epoch = model->life,
                                                           .sequence = model->push_sequence + 1,
                                                           .number = UINT64_MAX,
                                                           .spool = spool_facts(model->spool).number};
    if (spool_put(model->spool, &record, SPOOL_PUSH, model->now_ns))
        model->push_sequence++;
    else
        model->pushed_count--;
}

static bool spool_sync_all(struct model *model, bool urgent)
{
    if (spool_step(model->spool, model->now_ns, urgent, NULL) != RC_OK)
        return false;
    const struct spool_facts facts = spool_facts(model->spool);
    if (urgent && facts.synced == facts.end && !facts.disk_full && spool_timeout_ms(model->spool, model->now_ns) == -1)
        for (size_t i = 0; i < model->pushed_count; i++)
            model->pushed[i].confirmed = model->pushed[i].confirmed || model->pushed[i].epoch == model->life;
    return true;
}

static bool send_some(struct model *model)
{
    struct spool_frame frame;
    if (!model->connected) {
        model->connected = spool_rewind(model->spool, NULL) == RC_OK;
        model->sent_to = 0;
    }
    for (unsigned i = 0; model->connected && i < 3; i++) {
        enum rc rc = spool_peek(model->spool, &frame, NULL);
        if (rc != RC_OK)
            return rc == RC_AGAIN;
        mark_frame(model, &frame, MARK_SENT);
        model->sent_to = frame.number + frame.count;
        model->archive += frame.count;
        spool_pass(model->spool);
    }
    return model->connected;
}

/* All that was sent, in this life or before, is on the server's disk. */
static bool acknowledge(struct model *model)
{
    if (!model->connected || model->sent_to == 0)
        return true;
    for (size_t i = 0; i < model->pushed_count; i++)
        model->pushed[i].held = model->pushed[i].held || model->pushed[i].sent;
    for (size_t i = 0; i < RECORDS_MAX; i++)
        model->line_held[i] = model->line_held[i] || model->line_sent[i];
    CHECK(!spool_durable(model->spool, model->sent_to + 1, model->archive));
    return CHECK(spool_durable(model->spool, model->sent_to, model->archive));
}

static bool step(struct model *model)
{
    uint64_t what = sim_random_below(&model->random, 100);
    model->now_ns += sim_random_below(&model->random, 300000000);
    if (what < 45)
        put_line(model);
    else if (what < 60)
        put_push(model);
    else if (what < 80)
        return spool_sync_all(model, what < 65);
    else if (what < 88)
        return send_some(model);
    else if (what < 92)
        return acknowledge(model);
    else if (what < 96)
        return spool_covered(model->spool, model->archive - sim_random_below(&model->random, 3), NULL) != RC_IO;
    else if (what < 98)
        return spool_save(model->spool, NULL) != RC_IO;
    else
        model->connected = false;
    return true;
}

static bool open_spool(struct model *model)
{
    const struct spool_options options = options_of(model);
    int root = sim_disk_root(model->disk);
    enum rc rc = spool_open(model->io, root, &options, &model->spool, NULL);
    if (rc != RC_OK)
        return false;
    model->known = spool_facts(model->spool).number;
    return true;
}

static void close_spool(struct model *model)
{
    spool_close(model->spool);
    model->spool = NULL;
    model->connected = false;
}

static void live(struct model *model, unsigned steps)
{
    model->life++;
    model->push_sequence = 0;
    model->connected = false;
    if (!model->spool && !open_spool(model))
        return;
    model->line = spool_high(model->spool, DELIVERY_FILE, FILE_EPOCH, STR("/var/log/a"));
    for (unsigned i = 0; i < steps; i++)
        if (!step(model))
            return;
}

/* ---- promises ---- */

static bool holds(struct model *model, bool loss_expected)
{
    struct spool_frame frame;
    struct err err = {0};
    memset(model->line_found, 0, sizeof model->line_found);
    for (size_t i = 0; i < model->pushed_count; i++)
        model->pushed[i].found = false;
    bool good = CHECK_INT(spool_rewind(model->spool, &err), RC_OK);
    enum rc rc;
    uint64_t next = spool_next(model->spool);
    while (good && (rc = spool_peek(model->spool, &frame, &err)) == RC_OK) {
        good = CHECK(frame.number + frame.count > next);
        next = frame.number + frame.count;
        mark_frame(model, &frame, MARK_FOUND);
        spool_pass(model->spool);
    }
    good = good && CHECK(!model->stream_wrong);
    uint64_t high = spool_high(model->spool, DELIVERY_FILE, FILE_EPOCH, STR("/var/log/a"));
    for (uint64_t line = 1; good && line <= high; line++)
        good = CHECK(model->line_held[line] || model->line_found[line]);
    for (size_t i = 0; good && !loss_expected && i < model->pushed_count; i++)
        good = !model->pushed[i].confirmed || CHECK(model->pushed[i].held || model->pushed[i].found);
    return good && CHECK(loss_expected || spool_loss(model->spool) == NULL);
}

static bool restart_and_check(struct model *model, uint64_t seed)
{
    close_spool(model);
    sim_disk_restart(model->disk, seed);
    /* the recovery is itself cut after each of its changing calls, on a copy */
    struct sim_disk *disk = model->disk;
    struct sim_disk *before = sim_disk_copy(disk);
    uint64_t known = model->known;
    bool good = CHECK(open_spool(model)) && holds(model, false);
    uint64_t changes = sim_disk_changes(disk);
    uint64_t end = good ? spool_facts(model->spool).end : 0;
    close_spool(model);
    for (uint64_t cut = 1; good && cut <= changes; cut++) {
        model->disk = sim_disk_copy(before);
        model->io = sim_disk_io(model->disk);
        model->known = known;
        sim_disk_set_faults(model->disk, &(struct sim_disk_faults){.cut_after = cut});
        IGNORE(open_spool(model)); /* cut or not */
        close_spool(model);
        sim_disk_restart(model->disk, seed + cut);
        good = CHECK(open_spool(model)) && holds(model, false) && CHECK_INT(spool_facts(model->spool).end, end);
        close_spool(model);
        sim_disk_free(model->disk);
    }
    sim_disk_free(before);
    model->disk = disk;
    model->io = sim_disk_io(disk);
    return good && CHECK(open_spool(model));
}

static void model_begin(struct model *model, uint64_t seed)
{
    memset(model, 0, sizeof *model);
    model->disk = sim_disk_new(seed);
    model->io = sim_disk_io(model->disk);
    model->random = seed;
    model->now_ns = 1;
}

static void model_end(struct model *model)
{
    close_spool(model);
    sim_disk_free(model->disk);
}

static uint64_t environment_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t number = 0;
    return text != NULL && str_to_u64(str_of(text), &number) ? number : otherwise;
}

static struct model model;

static void cut_after_every_call(void)
{
    for (uint64_t history = 1; history <= 3; history++) {
        bool done = false;
        for (uint64_t cut = 1; !done; cut++) {
            for (uint64_t seed = 0; seed < 4; seed++) {
                test_row("history %llu cut %llu seed %llu", (unsigned long long)history, (unsigned long long)cut,
                         (unsigned long long)seed);
                model_begin(&model, history);
                sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.cut_after = cut});
                live(&model, 150);
                done = !sim_disk_is_cut(model.disk);
                bool good = restart_and_check(&model, seed);
                model_end(&model);
                if (!good)
                    return;
            }
        }
    }
}

static void random_lives(void)
{
    uint64_t first = environment_number("QORGAN_SIM_SEED", 1000);
    uint64_t rounds = environment_number("QORGAN_SIM_ROUNDS", 40);
    uint64_t freed = 0;
    for (uint64_t seed = first; seed < first + rounds; seed++) {
        model_begin(&model, seed);
        bool good = true;
        for (unsigned life = 0; life < 10 && good; life++) {
            struct sim_disk_faults faults = {.short_io = true};
            faults.cut_after = 1 + sim_random_below(&model.random, 250);
            close_spool(&model);
            sim_disk_set_faults(model.disk, &faults);
            live(&model, 600);
            test_row("seed %llu life %u", (unsigned long long)seed, life);
            good = restart_and_check(&model, seed * 100 + life);
            freed = MAX(freed, good ? spool_facts(model.spool).covered : 0);
        }
        model_end(&model);
        if (!good)
            return;
    }
    CHECK(freed > 300); /* the ring went round */
}

static void every_call_fails_once(void)
{
    for (uint64_t history = 11; history <= 12; history++) {
        uint64_t calls = 0;
        for (uint64_t at = 0; at <= calls; at++) { /* first without a failure, to count */
            test_row("history %llu call %llu", (unsigned long long)history, (unsigned long long)at);
            model_begin(&model, history);
            sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.eio_at = at});
            live(&model, 150);
            calls = at == 0 ? sim_disk_calls(model.disk) : calls;
            bool good = restart_and_check(&model, at % 2 ? at : 1);
            model_end(&model);
            if (!good)
                return;
        }
        CHECK(calls > 30);
    }
}

static void a_full_disk_loses_nothing(void)
{
    for (uint64_t space = 1; space < 6 * (64 << 10); space += 9973) {
        test_row("space %llu", (unsigned long long)space);
        model_begin(&model, space);
        live(&model, 1);
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){.space = space});
        bool good = model.spool != NULL;
        for (unsigned i = 0; i < 400 && good; i++)
            good = CHECK(step(&model));
        sim_disk_set_faults(model.disk, &(struct sim_disk_faults){0});
        model.now_ns += UINT64_C(5000000000);
        good = good && CHECK(spool_sync_all(&model, true)) && restart_and_check(&model, 0);
        model_end(&model);
        if (!good)
            return;
    }
}

/* Any one file of the spool changes a byte or goes: nothing is believed that is not there any more. */
static const char *victim;
static uint64_t victim_at;
static char victim_path[64];

static void victim_pick(void *context, const char *path)
{
    uint64_t *left = context;
    if ((*left)-- == 0) {
        snprintf(victim_path, sizeof victim_path, "%s", path);
        victim = victim_path;
    }
}

static void damage_is_noticed(void)
{
    unsigned losses = 0;
    for (uint64_t round = 0; round < 120; round++) {
        test_row("round %llu", (unsigned long long)round);
        model_begin(&model, 50 + round / 8);
        live(&model, 500);
        if (!CHECK(model.spool != NULL && spool_sync_all(&model, true) && spool_save(model.spool, NULL) == RC_OK))
            return;
        uint64_t number = spool_facts(model.spool).number;
        close_spool(&model);
        sim_disk_restart(model.disk, 1);
        uint64_t left = round % 8 / 2;
        victim = NULL;
        sim_disk_walk(model.disk, victim_pick, &left);
        struct str bytes;
        if (victim && sim_disk_peek(model.disk, victim, &bytes)) {
            victim_at = sim_random_below(&model.random, bytes.n);
            if (round % 2)
                IGNORE(sim_disk_flip(model.disk, victim, victim_at, 0x40)); /* may be behind the last frame */
            else
                IGNORE(model.io->unlink(model.io->self, sim_disk_root(model.disk), victim) < 0);
        }
        model.life++; /* of which the number of a new spool is made */
        bool good = CHECK(open_spool(&model)) && holds(&model, true);
        bool lost = good && spool_loss(model.spool) != NULL;
        losses += lost;
        good = good && CHECK_INT(spool_facts(model.spool).number != number, lost);
        good = good && (round % 2 || !victim || CHECK(lost));
        for (size_t i = 0; i < model.pushed_count; i++) /* what is gone is gone */
            model.pushed[i].confirmed = model.pushed[i].confirmed && (model.pushed[i].held || model.pushed[i].found);
        live(&model, 100);
        good = good && restart_and_check(&model, 3);
        model_end(&model);
        if (!good)
            return;
    }
    CHECK(losses > 60);
}

static const struct test tests[] = {
    {"cut after every call", cut_after_every_call},   {"random lives", random_lives},
    {"every call fails once", every_call_fails_once}, {"a full disk loses nothing", a_full_disk_loses_nothing},
    {"damage is noticed", damage_is_noticed},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
