#include "agent/follow.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/test.h"
#include "os/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The archive's side: highest sequence of each epoch, every line it took, in order. */
struct keeper {
    struct map *high;
    struct buf lines;
    uint64_t pending[16];
    uint64_t pending_high[16];
    size_t pending_count;
    bool full;
    uint64_t gap;
};

static char folder[64];
static uint64_t now_ns;

static bool on_room(void *context)
{
    return !((struct keeper *)context)->full;
}

static uint64_t *high_of(struct keeper *keeper, uint64_t epoch)
{
    return map_put(keeper->high, str_at(&epoch, sizeof epoch));
}

static bool on_line(void *context, struct str path, uint64_t epoch, uint64_t sequence, struct str bytes)
{
    struct keeper *keeper = context;
    (void)path;
    uint64_t *high = high_of(keeper, epoch);
    if (sequence <= *high)
        return true; /* known: dropped */
    *high = sequence;
    buf_str(&keeper->lines, str_slice(bytes, 0, 20));
    buf_char(&keeper->lines, ',');
    return true;
}

static void on_gap(void *context, struct str path, uint64_t epoch, uint64_t bytes, const char *reason)
{
    (void)path;
    (void)epoch;
    (void)reason;
    ((struct keeper *)context)->gap += bytes;
}

static void on_ask(void *context, uint64_t question, struct str path, uint64_t epoch)
{
    struct keeper *keeper = context;
    (void)path;
    keeper->pending[keeper->pending_count] = question;
    keeper->pending_high[keeper->pending_count++] = *high_of(keeper, epoch);
}

static const char *followed[3] = {"log"}; /* below the folder */

static struct follower *start(struct keeper *keeper)
{
    struct err err = {0};
    if (!keeper->high) {
        keeper->high = map_new(1000, 1);
        buf_init(&keeper->lines, 1 << 20);
    }
    static uint64_t seed = 1;
    seed += 1000;
    char paths[256] = "";
    for (size_t i = 0, n = 0; i < ARRAY_LEN(followed) && followed[i]; i++)
        n += (size_t)snprintf(paths + n, sizeof paths - n, " %s/%s", folder, followed[i]);
    struct follow_options options = {
        .paths = str_of(paths),
        .state_folder = io_open_folder(folder),
        .seed = seed,
        .sink = {keeper, on_room, on_line, on_gap, on_ask},
    };
    struct follower *follower = follower_new(&options, &err);
    CHECK(follower != NULL);
    return follower;
}

static void run(struct follower *follower, struct keeper *keeper, unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 4; i++) {
        now_ns += 250000000;
        while (follower_step(follower, now_ns) && !keeper->full)
            continue;
        for (size_t k = 0; k < keeper->pending_count; k++)
            follower_high(follower, keeper->pending[k], keeper->pending_high[k]);
        keeper->pending_count = 0;
    }
}

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % ARRAY_LEN(paths)];
    snprintf(path, sizeof paths[0], "%s/log/%s", folder, name);
    return path;
}

/* mode "w" or "a", as fopen's. */
static void put(const char *name, const char *mode, const char *text)
{
    FILE *file = fopen(path_of(name), mode);
    CHECK(file != NULL);
    CHECK(!file || fputs(text, file) >= 0);
    if (file)
        fclose(file);
}

static void move(const char *from, const char *to)
{
    CHECK_INT(rename(path_of(from), path_of(to)), 0);
}

static void fresh(void)
{
    snprintf(folder, sizeof folder, "/tmp/qorgan-follow-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    CHECK_INT(mkdir(path_of(""), 0700), 0);
}

#define EXPECT(keeper, text)                                                                                           \
    do {                                                                                                               \
        CHECK_TEXT(buf_view(&(keeper).lines), text);                                                                   \
        buf_clear(&(keeper).lines);                                                                                    \
    } while (0)

static void growth_rotation_truncation_restart(void)
{
    struct keeper keeper = {0};
    fresh();
    put("x.log", "w", "a\nb\n");
    put("x.log.1", "w", "old\n");
    FILE *binary = fopen(path_of("states"), "w");
    CHECK(binary && fwrite("\1\0\2\n", 1, 4, binary) == 4 && fclose(binary) == 0);
    struct follower *follower = start(&keeper);
    run(follower, &keeper, 3);
    EXPECT(keeper, "a,b,");
    put("x.log", "a", "c\nhalf");
    run(follower, &keeper, 1);
    EXPECT(keeper, "c,");
    put("x.log", "a", " done\n");
    run(follower, &keeper, 1);
    EXPECT(keeper, "half done,");
    move("x.log", "x.log.1"); /* rotation */
    put("x.log.1", "a", "late\n");
    put("x.log", "w", "new\n");
    run(follower, &keeper, 20);
    EXPECT(keeper, "late,new,");
    put("x.log", "w", "");
    run(follower, &keeper, 1);
    put("x.log", "w", "again\n"); /* copy and truncate */
    run(follower, &keeper, 3);
    EXPECT(keeper, "again,");
    follower_free(follower); /* killed: positions are not saved */
    put("x.log", "a", "while away\n");
    follower = start(&keeper);
    run(follower, &keeper, 3);
    EXPECT(keeper, "while away,");
    follower_free(follower);
    put("x.log", "a", "tail\n");
    move("x.log", "x.log.2"); /* rotated while away */
    put("x.log", "w", "next file\n");
    follower = start(&keeper);
    run(follower, &keeper, 3);
    CHECK(str_search(buf_view(&keeper.lines), STR("tail,")) < keeper.lines.n);
    CHECK(str_search(buf_view(&keeper.lines), STR("next file,")) < keeper.lines.n);
    CHECK_INT(keeper.lines.n, strlen("tail,next file,"));
    follower_free(follower);
    buf_done(&keeper.lines);
    map_free(keeper.high);
}

static void truncated_with_the_same_first_line(void)
{
    struct keeper keeper = {0};
    fresh();
    put("x.log", "w", "head\none\ntwo\n");
    struct follower *follower = start(&keeper);
    run(follower, &keeper, 3);
    EXPECT(keeper, "head,one,two,");
    put("x.log", "w", "head\n");
    run(follower, &keeper, 1);
    put("x.log", "a", "three\n");
    run(follower, &keeper, 3);
    EXPECT(keeper, "head,three,");
    follower_free(follower);
    buf_done(&keeper.lines);
    map_free(keeper.high);
}

static void long_lines_and_back_pressure(void)
{
    struct keeper keeper = {0};
    fresh();
    char *text = memory_new(3000100);
    CHECK(text != NULL);
    memset(text, 'x', 3000000);
    memcpy(text + 3000000, "\nlast\n", 7);
    put("x.log", "w", "first\n");
    put("x.log", "a", text);
    memory_free(text);
    struct follower *follower = start(&keeper);
    keeper.full = true;
    run(follower, &keeper, 3);
    EXPECT(keeper, "");
    keeper.full = false;
    run(follower, &keeper, 3);
    EXPECT(keeper, "first,xxxxxxxxxxxxxxxxxxxx,last,");
    CHECK_INT(keeper.gap, 3000000 - (1 << 20));
    follower_free(follower);
    buf_done(&keeper.lines);
    map_free(keeper.high);
}

/* Wildcards name files and folders in any part of a path; what rotates out of a pattern is read to its end. */
static void wildcards(void)
{
    struct keeper keeper = {0};
    fresh();
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(mkdir(path_of((const char *[]){"app-1", "app-2", "other"}[i]), 0700), 0);
    put("app-1/a.log", "w", "one\n");
    put("app-2/a.log", "w", "two\n");
    put("app-2/a.txt", "w", "no\n");
    put("app-2/.a.log", "w", "no\n");
    put("other/a.log", "w", "no\n");
    put("top.err", "w", "top\n");
    put("top.out", "w", "no\n");
    followed[0] = "log/app-*/?.log";
    followed[1] = "log/top.[d-f]*";
    struct follower *follower = start(&keeper);
    run(follower, &keeper, 3);
    CHECK_INT(follower_count(follower), 3);
    CHECK_INT(keeper.lines.n, strlen("one,two,top,"));
    CHECK(str_search(buf_view(&keeper.lines), STR("two,")) < keeper.lines.n);
    CHECK(str_search(buf_view(&keeper.lines), STR("no,")) == keeper.lines.n);
    buf_clear(&keeper.lines);
    put("app-1/a.log", "a", "half");
    move("app-1/a.log", "app-1/a.log.1");
    put("app-1/a.log.1", "a", " done\n");
    run(follower, &keeper, 3);
    EXPECT(keeper, "half done,");
    follower_free(follower);
    followed[0] = "log/app-*"; /* all that is in a folder */
    followed[1] = NULL;
    follower = start(&keeper);
    run(follower, &keeper, 3);
    CHECK(str_search(buf_view(&keeper.lines), STR("no,")) < keeper.lines.n);
    follower_free(follower);
    followed[0] = "log";
    buf_done(&keeper.lines);
    map_free(keeper.high);
}

static void roots(void)
{
    static const struct {
        const char *path;
        const char *root;
    } rows[] = {
        {"/var/log", "/var/log"},
        {"/var/log/*.log", "/var/log"},
        {"/var/log/a?/b.log", "/var/log"},
        {"/var/[a-z]og/x", "/var"},
        {"/*", "/"},
        {"/*/x", "/"},
        {"/", "/"},
        {"/var/log/", "/var/log/"},
        {"/srv/*/log/*.log", "/srv"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].path);
        CHECK_TEXT(follow_root(str_of(rows[i].path)), rows[i].root);
    }
}

/* A folder at the place of the state file: it can be written as little as on a full disk. */
static void without_state_lines_wait(void)
{
    struct keeper keeper = {0};
    char state[128];
    fresh();
    snprintf(state, sizeof state, "%s/followed", folder);
    struct follower *follower = start(&keeper);
    CHECK_INT(mkdir(state, 0700), 0);
    put("x.log", "w", "one\ntwo\n");
    run(follower, &keeper, 5);
    EXPECT(keeper, "");
    move("x.log", "x.log.1");
    put("x.log", "w", "three\n");
    run(follower, &keeper, 30); /* longer than a renamed file that has nothing is kept open */
    EXPECT(keeper, "");
    CHECK_INT(rmdir(state), 0);
    run(follower, &keeper, 5);
    EXPECT(keeper, "one,two,three,");
    put("x.log", "a", "four\n");
    follower_free(follower); /* killed: what stood on the disk is all that counts */
    follower = start(&keeper);
    run(follower, &keeper, 5);
    EXPECT(keeper, "four,");
    follower_free(follower);
    map_free(keeper.high);
    buf_done(&keeper.lines);
}

static const struct test tests[] = {
    {"without state lines wait", without_state_lines_wait},
    {"growth, rotation, truncation, restart", growth_rotation_truncation_restart},
    {"truncated with the same first line", truncated_with_the_same_first_line},
    {"long lines and back-pressure", long_lines_and_back_pressure},
    {"wildcards", wildcards},
    {"what must be readable", roots},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
