#include "role/loss_counts.h"

#include "archive/leaf.h"
#include "base/test.h"

#include <string.h>

#define S     INT64_C(1000000000)
#define BEGIN (INT64_C(1795219893) * S)

static struct arena *arena;
static uint64_t next;

static struct leaf leaf_of(enum leaf_type type, int source, unsigned transport, int64_t second)
{
    struct leaf leaf = {.type = type, .index = next++, .transport = (uint16_t)transport, .epoch = 1};
    memset(leaf.source, source, sizeof leaf.source);
    leaf.received_ns = BEGIN + second * S;
    leaf.sequence = leaf.index + 1;
    return leaf;
}

static void take(struct loss_counts *counts, struct leaf leaf, const char *raw)
{
    arena_reset(arena);
    loss_counts_record(counts, &leaf, str_of(raw), NULL, NULL, arena);
}

static void rows_are_folded(void)
{
    static const char queue[] = "{\"event\":\"gap\",\"reason\":\"?\",\"cause\":\"queue\",\"count\":5}";
    struct loss_counts *counts = loss_counts_new(1);
    next = 100;
    take(counts, leaf_of(LEAF_GAP, 1, TRANSPORT_UDP, 0), queue);
    take(counts, leaf_of(LEAF_GAP, 1, TRANSPORT_UDP, 1), queue);
    take(counts, leaf_of(LEAF_GAP, 2, TRANSPORT_UDP, 1), queue);
    take(counts, leaf_of(LEAF_GAP, 1, TRANSPORT_UDP, 70), queue);
    take(counts, leaf_of(LEAF_GAP, 1, TRANSPORT_UDP, 71), "broken");
    take(counts, leaf_of(LEAF_RAW, 1, TRANSPORT_UDP, 71), queue); /* a source may say what it likes */
    take(counts, leaf_of(LEAF_RAW, 3, TRANSPORT_AGENT, 71), "{\"event\":\"agent.gap\",\"reason\":\"x\"}");
    take(counts, leaf_of(LEAF_RAW, 3, TRANSPORT_UDP, 71), "{\"event\":\"agent.gap\",\"reason\":\"x\"}");
    CHECK_INT(loss_counts_size(counts), 5);
    struct loss_row row = loss_counts_at(counts, 0);
    CHECK_INT(row.count, 10);
    CHECK_INT(row.first, 100);
    CHECK_INT(row.last, 101);
    CHECK_INT(row.to_ns - row.from_ns, S);
    CHECK_INT(loss_counts_at(counts, 3).cause, GAP_OTHER);
    CHECK(loss_counts_at(counts, 3).unknown);
    CHECK_INT(loss_counts_at(counts, 4).cause, GAP_SPOOL_LOST);
    loss_counts_told(counts, 2);
    take(counts, leaf_of(LEAF_GAP, 1, TRANSPORT_UDP, 72), queue); /* joins what was not told */
    CHECK_INT(loss_counts_size(counts), 3);
    CHECK_INT(loss_counts_at(counts, 0).count, 10);
    take(counts, leaf_of(LEAF_GAP, 1, TRANSPORT_UDP, 0), queue);
    CHECK_INT(loss_counts_size(counts), 4);
    loss_counts_free(counts);
}

#define REFUSED(sender)                                                                                                \
    "{\"event\":\"gap\",\"reason\":\"?\",\"cause\":\"stranger\",\"requests\":2,\"sender\":\"" sender "\"}"

static void hits_are_told_by_source_and_minute(void)
{
    struct loss_counts *counts = loss_counts_new(1);
    const uint8_t source[16] = {7};
    loss_counts_hits(counts, source, 12, 0, 5);
    CHECK_INT(loss_counts_size(counts), 0);
    loss_counts_hits(counts, source, 12, 1, 5);
    loss_counts_hits(counts, source, 10, 2, INT64_MIN);
    loss_counts_hits(counts, source, 90, 1, INT64_C(61000000000));
    CHECK_INT(loss_counts_size(counts), 2);
    struct loss_row row = loss_counts_at(counts, 0);
    CHECK(row.cause == GAP_HIT && row.unit == GAP_HITS && !row.unknown);
    CHECK_INT(row.count, 3);
    CHECK(row.first == 10 && row.last == 12 && row.from_ns == 0 && row.to_ns == 5);
    loss_counts_free(counts);
}

static void senders_are_told_apart(void)
{
    struct loss_counts *counts = loss_counts_new(1);
    static const char *const gaps[] = {REFUSED("192.0.2.1"), REFUSED("192.0.2.2"), REFUSED("192.0.2.1"), REFUSED("")};
    for (size_t i = 0; i < ARRAY_LEN(gaps); i++)
        take(counts, leaf_of(LEAF_GAP, 1, TRANSPORT_HTTP, 0), gaps[i]);
    CHECK_INT(loss_counts_size(counts), 3);
    CHECK_INT(loss_counts_at(counts, 0).count, 4);
    CHECK_TEXT(str_of(loss_counts_at(counts, 0).sender), "192.0.2.1");
    CHECK_INT(loss_counts_at(counts, 0).unit, GAP_REQUESTS);
    CHECK_TEXT(str_of(loss_counts_at(counts, 1).sender), "192.0.2.2");
    CHECK_TEXT(str_of(loss_counts_at(counts, 2).sender), "");
    loss_counts_told(counts, 1);
    take(counts, leaf_of(LEAF_GAP, 1, TRANSPORT_HTTP, 1), REFUSED("192.0.2.2"));
    CHECK_INT(loss_counts_size(counts), 2);
    CHECK_INT(loss_counts_at(counts, 0).count, 4);
    loss_counts_free(counts);
}

static void stops_and_clocks_of_the_archive(void)
{
    struct loss_counts *counts = loss_counts_new(1);
    take(counts, leaf_of(LEAF_LIFECYCLE, 0, TRANSPORT_INTERNAL, 0), "{\"event\":\"recovery\",\"created\":true}");
    take(counts, leaf_of(LEAF_LIFECYCLE, 0, TRANSPORT_INTERNAL, 0), "{\"event\":\"recovery\",\"created\":false}");
    take(counts, leaf_of(LEAF_LIFECYCLE, 5, TRANSPORT_INTERNAL, 0), "{\"event\":\"recovery\",\"last_ns\":5}");
    take(counts, leaf_of(LEAF_RAW, 0, TRANSPORT_UDP, 0), "{\"event\":\"recovery\",\"last_ns\":5}");
    take(counts, leaf_of(LEAF_LIFECYCLE, 0, TRANSPORT_INTERNAL, 0), "{\"event\":\"recovery\"");
    take(counts, leaf_of(LEAF_LIFECYCLE, 0, TRANSPORT_INTERNAL, 0), "{\"event\":\"start\",\"last_ns\":5}");
    CHECK_INT(loss_counts_size(counts), 0);
    take(counts, leaf_of(LEAF_LIFECYCLE, 0, TRANSPORT_INTERNAL, 600),
         "{\"event\":\"recovery\",\"created\":false,\"last_ns\":1795219893000000000}");
    take(counts, leaf_of(LEAF_LIFECYCLE, 0, TRANSPORT_INTERNAL, 700), "{\"event\":\"clock.step\",\"step_ns\":-9}");
    CHECK_INT(loss_counts_size(counts), 2);
    CHECK_INT(loss_counts_at(counts, 0).cause, GAP_STOPPED);
    CHECK_INT(loss_counts_at(counts, 0).to_ns - loss_counts_at(counts, 0).from_ns, 600 * S);
    CHECK_INT(loss_counts_at(counts, 1).cause, GAP_CLOCK);
    loss_counts_free(counts);
}

static void holes_and_times(void)
{
    static const unsigned dense[] = {TRANSPORT_UDP, TRANSPORT_TLS, TRANSPORT_FILE, TRANSPORT_JOURNAL, TRANSPORT_AGENT};
    for (size_t i = 0; i < ARRAY_LEN(dense); i++) {
        struct loss_counts *counts = loss_counts_new(1);
        struct source_watch watch = {0};
        struct event event = {.statutory = {[STATUTORY_HOST] = STR_INIT("gw")}};
        next = 10;
        for (int k = 0; k < 10; k++) {
            struct leaf leaf = leaf_of(LEAF_RAW, 1, dense[i], k);
            event.received_ns = leaf.received_ns;
            event.time_ns = leaf.received_ns - 7 - (k >= 5 ? 3600 * S : 0);
            leaf.sequence += k >= 7 ? 3 : 0;
            loss_counts_record(counts, &leaf, STR("x"), &watch, &event, arena);
        }
        test_row("transport %u", dense[i]);
        CHECK_INT(loss_counts_size(counts), i < 2 ? 2 : 1);
        CHECK_INT(loss_counts_at(counts, loss_counts_size(counts) - 1).cause, GAP_TIME_BACK);
        if (i < 2)
            CHECK_INT(loss_counts_at(counts, 0).count, 3);
        loss_counts_free(counts);
    }
}

/* Past the limit losses are kept, but not whose. */
static void bounds(void)
{
    struct loss_counts *counts = loss_counts_new(1);
    uint64_t sum = 0;
    for (unsigned i = 0; i < LOSS_COUNTS_MAX + 1000; i++) {
        struct leaf leaf = leaf_of(LEAF_GAP, 0, TRANSPORT_UDP, (int64_t)i % 3 * 60);
        memcpy(leaf.source, &i, sizeof i);
        take(counts, leaf, "{\"event\":\"gap\",\"cause\":\"queue\",\"count\":1}");
    }
    CHECK_INT(loss_counts_size(counts), LOSS_COUNTS_MAX + 1);
    for (size_t i = 0; i < loss_counts_size(counts); i++)
        sum += loss_counts_at(counts, i).count;
    CHECK_INT(sum, LOSS_COUNTS_MAX + 1000);
    while (loss_counts_size(counts))
        loss_counts_told(counts, (loss_counts_size(counts) + 1) / 2);
    loss_counts_free(counts);
}

static const struct test tests[] = {
    {"senders are told apart", senders_are_told_apart},
    {"hits are told by source and minute", hits_are_told_by_source_and_minute},
    {"rows are folded", rows_are_folded},
    {"stops and clocks of the archive", stops_and_clocks_of_the_archive},
    {"holes and times", holes_and_times},
    {"bounds", bounds},
};

int main(int argc, char **argv)
{
    arena = arena_new((size_t)1 << 20);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return status;
}
