/* Joined lines through everything that can happen to a file and to who follows it: a writer, an archive that drops what
 * it has, crashes that forget what was not synced, and a twin that knows only which line begins a record. */
#include "agent/follow.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/test.h"
#include "os/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDS_MAX 20000

struct record {
    uint64_t epoch;
    uint64_t sequence;
    bool cut;
    char text[4096];
};

/* What was taken, in order; the first `synced` of it outlive a crash here, the first `sent` are with the archive. */
static struct record taken[IDS_MAX];
static size_t taken_count, synced, sent;
static bool full;
static uint64_t lost_bytes;
static struct map *archive_high;
static struct buf given; /* by the archive: records, each ended by '|' */
static unsigned char seen[IDS_MAX];
static unsigned repeated;
static bool boundaries; /* the twin watches where records end */
static char folder[64];
static uint64_t now_ns;
static struct follower *follower;
static const char *rules;
static uint64_t dice = 1;

static uint64_t roll(uint64_t sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice % sides;
}

/* ---- the archive ---- */

static uint64_t *high_of(uint64_t epoch)
{
    return map_put(archive_high, str_at(&epoch, sizeof epoch));
}

/* Lines are "B id text" for one that begins a record, "c id text" for one that goes on. */
static void record_check(const struct record *record)
{
    struct str rest = str_of(record->text);
    for (size_t line = 0; rest.p; line++) {
        struct str one = str_trim_end(str_cut(&rest, '\n'), '\r');
        struct str id = str_skip(one, 2);
        uint64_t number = 0;
        CHECK(str_to_u64(str_cut(&id, ' '), &number) && number < IDS_MAX);
        CHECK(str_is(id, "text"));
        if (number < IDS_MAX && seen[number]++)
            repeated++;
        if (boundaries)
            CHECK(line == 0 || one.p[0] == 'c');
    }
}

static void send_to(size_t count)
{
    for (; sent < count; sent++) {
        const struct record *record = &taken[sent];
        uint64_t *high = high_of(record->epoch);
        if (record->sequence <= *high)
            continue; /* known: dropped */
        *high = record->sequence;
        record_check(record);
        buf_text(&given, record->text);
        buf_text(&given, record->cut ? "!|" : "|");
    }
}

/* ---- the sink ---- */

static bool on_room(void *context)
{
    (void)context;
    return !full;
}

static bool on_line(void *context, struct str path, uint64_t epoch, uint64_t sequence, struct str bytes, bool cut)
{
    (void)context;
    (void)path;
    if (taken_count == IDS_MAX || (full && roll(2)))
        return false;
    struct record *record = &taken[taken_count++];
    *record = (struct record){.epoch = epoch, .sequence = sequence, .cut = cut};
    IGNORE(str_copy_z(str_slice(bytes, 0, sizeof record->text - 1), record->text, sizeof record->text));
    return true;
}

static void on_gap(void *context, struct str path, uint64_t epoch, uint64_t bytes, const char *reason)
{
    (void)context;
    (void)path;
    (void)epoch;
    (void)reason;
    lost_bytes += bytes;
}

static void on_ask(void *context, uint64_t question, struct str path, uint64_t epoch)
{
    uint64_t high = 0;
    (void)context;
    (void)path;
    for (size_t i = 0; i < taken_count; i++)
        if (taken[i].epoch == epoch)
            high = MAX(high, taken[i].sequence);
    follower_high(follower, question, high);
}

static uint64_t on_mark(void *context)
{
    (void)context;
    return taken_count;
}

static bool on_kept(void *context, uint64_t mark)
{
    (void)context;
    return synced >= mark;
}

static void start(void)
{
    struct err err = {0};
    static uint64_t seed = 77;
    char path[128];
    seed += 1000;
    snprintf(path, sizeof path, "%s/log", folder);
    struct follow_options options = {
        .paths = str_of(path),
        .join = str_of(rules),
        .state_folder = io_open_folder(folder),
        .seed = seed,
        .sink = {NULL, on_room, on_line, on_gap, on_ask, on_mark, on_kept},
    };
    follower = follower_new(&options, &err);
    CHECK(follower != NULL);
}

/* What was not synced is forgotten here; the archive has got more or less of it. */
static void crash(void)
{
    follower_free(follower);
    send_to(MAX(sent, synced + roll(taken_count - synced + 1)));
    taken_count = synced = MAX(synced, MIN(synced, taken_count));
    sent = MIN(sent, taken_count);
    start();
}

static void run(unsigned quarters)
{
    for (unsigned i = 0; i < quarters; i++) {
        now_ns += 250000000;
        for (unsigned again = 0; again < 50 && follower_step(follower, now_ns); again++)
            continue;
    }
}

static void sync_all(void)
{
    synced = taken_count;
    send_to(taken_count);
}

/* ---- the writer ---- */

static const char *path_of(const char *name)
{
    static char paths[2][256];
    static unsigned turn;
    char *path = paths[turn++ % ARRAY_LEN(paths)];
    snprintf(path, sizeof paths[0], "%s/log/%s", folder, name);
    return path;
}

static void put(const char *mode, const char *text)
{
    FILE *file = fopen(path_of("x.log"), mode);
    CHECK(file && fputs(text, file) >= 0);
    if (file)
        fclose(file);
}

static void fresh(const char *with)
{
    snprintf(folder, sizeof folder, "/tmp/qorgan-join-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    CHECK_INT(mkdir(path_of(""), 0700), 0);
    rules = with;
    taken_count = synced = sent = 0;
    full = false;
    lost_bytes = 0;
    repeated = 0;
    boundaries = false;
    memset(seen, 0, sizeof seen);
    archive_high = map_new(100000, 1);
    buf_init(&given, (size_t)8 << 20);
}

static void done(void)
{
    follower_free(follower);
    map_free(archive_high);
    buf_done(&given);
}

#define EXPECT(text)                                                                                                   \
    do {                                                                                                               \
        sync_all();                                                                                                    \
        CHECK_TEXT(buf_view(&given), text);                                                                            \
        buf_clear(&given);                                                                                             \
    } while (0)

#define BEGINS_WITH_B "/tmp pattern=B\\s wait=2 lines=4 bytes=1024"

static void records_end_where_the_next_begins(void)
{
    fresh(BEGINS_WITH_B);
    put("w", "c 1 text\nB 2 text\nc 3 text\r\nc 4 text\r\nB 5 text\n");
    start();
    run(4);
    EXPECT("c 1 text|B 2 text\nc 3 text\r\nc 4 text|");
    run(8); /* the last one after the wait */
    EXPECT("B 5 text|");
    put("a", "c 6 text\nc 7 te");
    run(12);
    EXPECT("c 6 text|");
    put("a", "xt\nB 8 text\n");
    run(4);
    EXPECT("c 7 text|");
    put("w", "B 9 text\n"); /* truncated while it is held */
    run(4);
    EXPECT("B 8 text|");
    put("a", "c 10 text\nc 11 text\nc 12 text\nc 13 text\nB 14 text\n");
    run(1);
    EXPECT("B 9 text\nc 10 text\nc 11 text\nc 12 text!|c 13 text|");
    CHECK_INT(rename(path_of("x.log"), path_of("x.log.1")), 0);
    run(12); /* still held by the wait, now under its old name */
    EXPECT("B 14 text|");
    CHECK_INT(lost_bytes, 0);
    done();
}

static void bytes_are_bounded(void)
{
    char line[1200];
    fresh(BEGINS_WITH_B);
    memset(line, 'x', sizeof line);
    memcpy(line, "B 1 ", 4);
    memcpy(line + 600, "\nc 2 ", 5);
    line[1100] = '\n';
    line[1101] = '\0';
    put("w", line); /* 600 and 500 bytes */
    start();
    run(12);
    CHECK_INT(taken_count, 2);
    CHECK(taken[0].cut && !taken[1].cut);
    CHECK_INT(strlen(taken[0].text), 600);
    done();
}

/* The end that a wait made is the same after a crash that forgot it, though more has come since. */
static void an_end_of_a_wait_stays(void)
{
    fresh(BEGINS_WITH_B);
    put("w", "B 1 text\n");
    start();
    run(12);
    CHECK_INT(taken_count, 1);
    send_to(1); /* with the archive, but not synced here */
    put("a", "c 2 text\n");
    run(16);
    CHECK_INT(taken_count, 1); /* a second such end waits until the first is kept */
    follower_free(follower);
    taken_count = sent = 0;
    start();
    run(16);
    send_to(1);
    CHECK_INT(taken[0].sequence, 1);
    synced = taken_count;
    run(16);
    EXPECT("B 1 text|c 2 text|");
    CHECK_INT(repeated, 0);
    done();
}

static void other_rules_repeat_nothing(void)
{
    fresh(BEGINS_WITH_B);
    put("w", "B 1 text\nc 2 text\nB 3 text\nc 4 text\n");
    start();
    run(2);
    sync_all();
    follower_free(follower);
    rules = ""; /* line by line */
    start();
    run(2);
    EXPECT("B 1 text\nc 2 text|B 3 text|c 4 text|");
    put("a", "B 5 text\nc 6 text\n");
    run(1);
    follower_free(follower);
    rules = "/tmp/ pattern=c";
    start();
    put("a", "B 7 text\nc 8 text\n");
    run(12);
    EXPECT("B 5 text|c 6 text|B 7 text|c 8 text|");
    CHECK_INT(repeated, 0);
    done();
}

/* ---- anything ---- */

static unsigned written;
static bool half;

static void write_some(void)
{
    char text[4000] = "";
    size_t n = 0;
    for (uint64_t i = roll(7); i > 0 && written + 1 < IDS_MAX; i--) {
        if (half)
            n += (size_t)snprintf(text + n, sizeof text - n, "ext\n");
        half = roll(6) == 0;
        n += (size_t)snprintf(text + n, sizeof text - n, "%c %u %s", roll(3) ? 'c' : 'B', ++written,
                              half ? "t" : "text\n");
    }
    put("a", text);
}

static void line_end(void)
{
    if (half)
        put("a", "ext\n");
    half = false;
}

static void rotate(bool by_copy)
{
    static unsigned number;
    char name[32];
    line_end();
    full = false;
    run(9); /* a file that was not met yet, or not read, is lost to everyone */
    if (access(path_of("x.log"), F_OK) != 0)
        return;
    if (by_copy) {
        put("w", "");
    } else {
        snprintf(name, sizeof name, "x.log.%u", ++number);
        CHECK_INT(rename(path_of("x.log"), path_of(name)), 0);
    }
    run(by_copy ? 2 : 9); /* what the writer of a renamed file had still to say, and the look at the folder */
    sync_all();
}

static void anything(uint64_t seed, bool with_other_rules)
{
    fresh(BEGINS_WITH_B);
    test_row("seed %llu", (unsigned long long)seed);
    dice = seed * 2654435761u + 1;
    written = 0;
    half = false;
    boundaries = !with_other_rules;
    put("w", "");
    start();
    for (unsigned i = 0; i < 300; i++) {
        uint64_t what = roll(40);
        if (what < 16)
            write_some();
        else if (what < 30)
            run((unsigned)roll(10) + 1);
        else if (what < 33)
            synced += roll(taken_count - synced + 1);
        else if (what < 36)
            crash();
        else if (what == 36)
            full = !full;
        else if (what == 37)
            rotate(roll(2));
        else if (what == 38)
            send_to(MAX(sent, roll(taken_count + 1)));
        else if (with_other_rules) {
            full = false;
            run(12);
            sync_all(); /* as collect.c does */
            follower_free(follower);
            rules = (const char *[]){BEGINS_WITH_B, "", "/tmp pattern=c wait=1 lines=3", "/tmp timestamp"}[roll(4)];
            start();
        }
    }
    line_end();
    full = false;
    for (unsigned i = 0; i < 20; i++) {
        run(12);
        sync_all();
    }
    unsigned missing = 0;
    for (unsigned id = 1; id <= written; id++)
        missing += seen[id] == 0;
    CHECK_INT(missing, 0);
    CHECK_INT(repeated, 0);
    CHECK(written > 100);
    done();
}

static void never_twice_never_lost(void)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        anything(seed, false);
}

static void nor_when_rules_change(void)
{
    for (uint64_t seed = 100; seed <= 140; seed++)
        anything(seed, true);
}

static const struct test tests[] = {
    {"records end where the next begins", records_end_where_the_next_begins},
    {"bytes are bounded", bytes_are_bounded},
    {"an end of a wait stays", an_end_of_a_wait_stays},
    {"other rules repeat nothing", other_rules_repeat_nothing},
    {"never twice, never lost", never_twice_never_lost},
    {"nor when rules change", nor_when_rules_change},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
