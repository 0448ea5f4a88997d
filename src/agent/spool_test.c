#include "agent/spool.h"

#include "agent/spool_state.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"
#include "wal/wal.h"
#include "wire/delivery_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder_path[64];
static int folder;

static bool remove_one(void *context, const char *name)
{
    (void)context;
    return unlinkat(folder, name, 0) == 0;
}

static void folder_make(void)
{
    snprintf(folder_path, sizeof folder_path, "/tmp/qorgan-spool-XXXXXX");
    CHECK(mkdtemp(folder_path) != NULL);
    folder = io_open_folder(folder_path);
    CHECK(folder >= 0);
}

static void folder_remove(void)
{
    IGNORE(io_kernel.list(NULL, folder, remove_one, NULL));
    close(folder);
    rmdir(folder_path);
}

static struct spool *spool_made(uint64_t number, uint64_t known)
{
    const struct spool_options options = {
        .size_max = 4 * (64 << 10), .file_size = 64 << 10, .number = number, .known = known};
    struct spool *spool = NULL;
    struct err err = {0};
    CHECK_INT(spool_open(&io_kernel, folder, &options, &spool, &err), RC_OK);
    return spool;
}

static bool put(struct spool *spool, uint8_t stream, uint64_t sequence, size_t size, enum spool_class class)
{
    static char bytes[1 << 16];
    memset(bytes, 'x', sizeof bytes);
    const struct spool_record record = {
        .stream = stream, .epoch = 3, .sequence = sequence, .name = STR("n"), .bytes = str_at(bytes, size)};
    return spool_put(spool, &record, class, 1);
}

static uint64_t count_frames(struct spool *spool, struct spool_frame *ret_last)
{
    uint64_t frames = 0;
    while (spool_peek(spool, ret_last, NULL) == RC_OK) {
        CHECK(delivery_batch_check(ret_last->batch, ret_last->count));
        spool_pass(spool);
        frames++;
    }
    return frames;
}

static void records_of_a_stream_share_a_group(void)
{
    struct delivery_group group;
    struct spool_frame frame;
    folder_make();
    struct spool *spool = spool_made(8, 0);
    CHECK(spool_loss(spool) == NULL);
    CHECK_INT(spool_timeout_ms(spool, 1), -1);
    CHECK(put(spool, DELIVERY_FILE, 1, 10, SPOOL_PULL));
    CHECK(put(spool, DELIVERY_FILE, 2, 0, SPOOL_PULL));
    CHECK(put(spool, DELIVERY_JOURNAL, 9, 10, SPOOL_PULL));
    CHECK(put(spool, DELIVERY_FILE, 3, 10, SPOOL_PULL));
    CHECK(put(spool, DELIVERY_FILE, 5, 10, SPOOL_PULL)); /* 4 was an empty line */
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 3, STR("n")), 5);
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 3, STR("m")), 0);
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 4, STR("n")), 0);
    CHECK_INT(spool_high(spool, DELIVERY_JOURNAL, 3, STR("n")), 9);
    CHECK(put(spool, DELIVERY_FILE, 6, 10, SPOOL_PULL)); /* begins a group: the question ended the last */
    CHECK_INT(spool_rewind(spool, NULL), RC_OK);
    CHECK_INT(spool_peek(spool, &frame, NULL), RC_AGAIN);
    CHECK_INT(spool_step(spool, 2, false, NULL), RC_OK); /* not due */
    CHECK_INT(spool_peek(spool, &frame, NULL), RC_AGAIN);
    CHECK_INT(spool_step(spool, 2 + SPOOL_BATCH_NS, false, NULL), RC_OK);
    CHECK_INT(spool_peek(spool, &frame, NULL), RC_OK);
    CHECK_INT(frame.number, 0);
    CHECK_INT(frame.count, 6);
    CHECK(delivery_batch_check(frame.batch, 6));
    struct reader reader = reader_of(frame.batch);
    static const uint32_t counts[] = {2, 1, 1, 1, 1};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct str bytes;
        test_row("group %zu", i);
        CHECK(delivery_read_group(&reader, &group));
        CHECK_INT(group.count, counts[i]);
        for (uint32_t k = 0; k < group.count; k++)
            CHECK(delivery_read_record(&reader, &bytes));
    }
    test_row("-");
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 3, STR("n")), 6);
    spool_close(spool);
    spool = spool_made(9, 8);
    CHECK_INT(spool_facts(spool).number, 8);
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 3, STR("n")), 6);
    spool_close(spool);
    folder_remove();
}

/* Files wait first, then everything; what is covered makes room again, over a restart too. */
static void a_full_spool_says_no(void)
{
    struct spool_frame frame;
    struct err err = {0};
    folder_make();
    struct spool *spool = spool_made(8, 0);
    uint64_t lines = 0;
    uint64_t pushed = 0;
    while (spool_takes(spool, SPOOL_PULL) && lines < 1000) {
        CHECK(put(spool, DELIVERY_FILE, ++lines, 2000, SPOOL_PULL));
        CHECK_INT(spool_step(spool, lines, true, NULL), RC_OK);
    }
    CHECK(lines > 80 && lines < 120);
    CHECK(!put(spool, DELIVERY_FILE, lines + 1, 2000, SPOOL_PULL));
    while (put(spool, DELIVERY_AUDIT, pushed + 1, 2000, SPOOL_PUSH) && pushed < 1000)
        pushed++;
    CHECK(pushed > 5 && pushed < 40);
    CHECK(!spool_takes(spool, SPOOL_PUSH));
    CHECK(spool_facts(spool).bytes <= 4 * (64 << 10));
    CHECK_INT(spool_step(spool, UINT64_C(1) << 40, true, NULL), RC_OK);
    CHECK(spool_timeout_ms(spool, UINT64_C(1) << 40) != 0); /* what cannot be done is not tried for ever */
    CHECK_INT(spool_rewind(spool, &err), RC_OK);
    CHECK(count_frames(spool, &frame) > 10);
    uint64_t end = frame.number + frame.count;
    CHECK(!spool_durable(spool, end + 1, 500));
    CHECK(spool_durable(spool, end, 500));
    CHECK(spool_durable(spool, end, 499)); /* said again: changes nothing */
    CHECK_INT(spool_covered(spool, 499, &err), RC_OK);
    CHECK(!spool_takes(spool, SPOOL_PUSH));
    CHECK_INT(spool_save(spool, &err), RC_OK);
    spool_close(spool);
    spool = spool_made(9, 8);
    CHECK_INT(spool_facts(spool).number, 8);
    CHECK_INT(spool_facts(spool).durable, end); /* kept over the restart, with its size */
    CHECK_INT(spool_facts(spool).covered, 0);
    CHECK_INT(spool_covered(spool, 500, &err), RC_OK);
    CHECK_INT(spool_facts(spool).covered, end);
    CHECK(spool_takes(spool, SPOOL_PULL) && spool_takes(spool, SPOOL_PUSH));
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 3, STR("n")), lines);
    CHECK_INT(spool_high(spool, DELIVERY_AUDIT, 3, STR("n")), 0); /* cannot be read again */
    CHECK_INT(spool_rewind(spool, &err), RC_OK);
    CHECK(spool_next(spool) >= end);
    spool_close(spool);
    folder_remove();
}

static void gaps_are_no_positions(void)
{
    folder_make();
    struct spool *spool = spool_made(8, 0);
    const struct spool_record gap = {.stream = DELIVERY_FILE,
                                     .flags = DELIVERY_GAP,
                                     .epoch = 77,
                                     .sequence = 1,
                                     .name = STR("n"),
                                     .bytes = STR("{}")};
    CHECK(spool_put(spool, &gap, SPOOL_PUSH, 1));
    CHECK(spool_put(spool, &gap, SPOOL_PUSH, 1)); /* of itself: a group has one */
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 77, STR("n")), 0);
    CHECK_INT(spool_save(spool, NULL), RC_OK);
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 77, STR("n")), 0);
    spool_close(spool);
    folder_remove();
}

/* More files than are remembered: the newest are. */
static void old_positions_are_forgotten(void)
{
    folder_make();
    struct spool *spool = spool_made(8, 0);
    char name[32];
    for (uint64_t i = 1; i <= SPOOL_POSITIONS_MAX + 10; i++) {
        snprintf(name, sizeof name, "/log/%llu", (unsigned long long)i);
        const struct spool_record record = {
            .stream = i == 1 ? DELIVERY_JOURNAL : DELIVERY_FILE, .epoch = 1, .sequence = i, .name = str_of(name)};
        while (!spool_put(spool, &record, SPOOL_PULL, i)) {
            struct spool_frame frame;
            CHECK_INT(spool_step(spool, i, true, NULL), RC_OK);
            CHECK_INT(spool_rewind(spool, NULL), RC_OK);
            IGNORE(count_frames(spool, &frame) == 0);
            CHECK(spool_durable(spool, spool_next(spool), i));
            CHECK_INT(spool_covered(spool, i, NULL), RC_OK);
        }
    }
    CHECK_INT(spool_save(spool, NULL), RC_OK);
    spool_close(spool);
    spool = spool_made(9, 8);
    CHECK(spool_loss(spool) == NULL);
    CHECK_INT(spool_high(spool, DELIVERY_JOURNAL, 1, STR("/log/1")), 1);
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 1, STR("/log/2")), 0);
    CHECK_INT(spool_high(spool, DELIVERY_FILE, 1, str_of(name)), SPOOL_POSITIONS_MAX + 10);
    spool_close(spool);
    folder_remove();
}

static void states_refuse_damage(void)
{
    struct map *positions = map_new(SPOOL_POSITIONS_MAX, 1);
    struct spool_state state = {.spool = 1, .covered = 2, .end = 9, .durable = 5, .size = 100};
    struct spool_state got;
    struct buf out;
    buf_init(&out, SPOOL_STATE_MAX);
    CHECK(spool_position_put(positions, DELIVERY_FILE, 4, STR("/var/log/syslog"), 12));
    CHECK(spool_position_put(positions, DELIVERY_FILE, 4, STR("/var/log/syslog"), 11)); /* never back */
    CHECK(spool_position_put(positions, DELIVERY_JOURNAL, 5, STR("journal"), 7));
    spool_state_write(&state, positions, &out);
    map_free(positions);
    for (size_t i = 0; i <= out.n; i++) {
        test_row("cut at %zu", i);
        positions = map_new(SPOOL_POSITIONS_MAX, 1);
        CHECK_INT(spool_state_read(str_slice(buf_view(&out), 0, i), &got, positions, NULL),
                  i == out.n ? RC_OK : RC_CORRUPT);
        if (i == out.n) {
            CHECK(memcmp(&got, &state, sizeof got) == 0);
            CHECK_INT(spool_position_get(positions, DELIVERY_FILE, 4, STR("/var/log/syslog")), 12);
            CHECK_INT(map_count(positions), 2);
        } else {
            out.p[i] ^= 4;
            map_free(positions);
            positions = map_new(SPOOL_POSITIONS_MAX, 1);
            CHECK_INT(spool_state_read(buf_view(&out), &got, positions, NULL), RC_CORRUPT);
            out.p[i] ^= 4;
        }
        map_free(positions);
    }
    static const struct spool_state wrong[] = {
        {.spool = 0, .end = 1}, {.spool = 1, .covered = 2, .end = 1}, {.spool = 1, .durable = 2, .end = 1}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("wrong %zu", i);
        positions = map_new(SPOOL_POSITIONS_MAX, 1);
        buf_clear(&out);
        spool_state_write(&wrong[i], positions, &out);
        CHECK_INT(spool_state_read(buf_view(&out), &got, positions, NULL), RC_CORRUPT);
        map_free(positions);
    }
    buf_done(&out);
}

static const struct test tests[] = {
    {"records of a stream share a group", records_of_a_stream_share_a_group},
    {"a full spool says no", a_full_spool_says_no},
    {"gaps are no positions", gaps_are_no_positions},
    {"old positions are forgotten", old_positions_are_forgotten},
    {"states refuse damage", states_refuse_damage},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
