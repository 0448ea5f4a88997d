/* What correlations leave for the time after a restart: with the matches or not at all, in order, bounded. */
#include "desk/desk_testing.h"

#include <unistd.h>

static struct stand stand;

struct seen {
    char bodies[16][16];
    size_t count;
    size_t bytes;
};

static void on_body(void *context, struct str body)
{
    struct seen *seen = context;
    if (seen->count < 16 && !str_copy_z(str_slice(body, 0, 15), seen->bodies[seen->count], 16))
        seen->bodies[seen->count][0] = '\0';
    seen->count++;
    seen->bytes += body.n;
}

static struct seen look(void)
{
    struct seen seen = {.count = 0};
    struct err err;
    CHECK_INT(desk_trail_read(stand.desk, on_body, &seen, &err), RC_OK);
    return seen;
}

static enum rc put(const char *body, int64_t until_ns, int64_t clock_ns, uint64_t record)
{
    const struct desk_match match = {
        .record = record, .rule_id = STR("r"), .title = STR("T"), .level = DESK_HIGH, .time_ns = T0};
    const struct desk_trail trail = {until_ns, str_of(body)};
    const struct desk_batch batch = {
        .matches = &match, .count = record != 0, .trails = &trail, .trail_count = 1, .clock_ns = clock_ns};
    struct err err;
    return desk_match_batch(stand.desk, &batch, stand.now, NULL, &err);
}

static int64_t matched(void)
{
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(stand.db, "SELECT count(*) FROM matched");
    int64_t count = db_one_i64(&q, -1);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    return count;
}

static void comes_back_in_order(void)
{
    struct err err;
    char path[] = "/tmp/qorgan-trail-XXXXXX";
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0) || !CHECK_INT(stand_open(&stand, path, &err), RC_OK))
        return;
    CHECK_INT(put("one", T0 + S(60), T0, 1), RC_OK);
    CHECK_INT(put("two", T0 + S(90), T0, 0), RC_OK);
    CHECK_INT(put("three", T0 + S(60), T0, 2), RC_OK);
    stand_close(&stand);
    if (!CHECK_INT(stand_open(&stand, path, &err), RC_OK))
        return;
    struct seen seen = look();
    CHECK_INT(seen.count, 3);
    CHECK_TEXT(str_of(seen.bodies[0]), "one");
    CHECK_TEXT(str_of(seen.bodies[1]), "two");
    CHECK_TEXT(str_of(seen.bodies[2]), "three");
    CHECK_INT(matched(), 2);
    stand_close(&stand);
    close(fd);
    unlink(path);
}

static void goes_with_its_matches(void)
{
    struct err err;
    bool reached = true;
    uint64_t n = 1;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return;
    for (; reached && n < 200; n++) {
        IGNORE(!db_fail_at(stand.db, n));
        enum rc rc = put("body", T0 + S(60), T0, n);
        reached = db_fail_at(stand.db, 0);
        struct seen seen = look();
        CHECK_INT(seen.count, rc == RC_OK);
        if (rc == RC_OK)
            break;
        CHECK_INT(matched(), 0);
        CHECK_INT(put("body", T0 + S(60), T0, n), RC_OK);
        CHECK_INT(look().count, 1);
        stand_close(&stand);
        if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
            return;
    }
    CHECK(n > 10 && n < 200);
    stand_close(&stand);
}

static void goes_when_its_time_is_over(void)
{
    struct err err;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return;
    CHECK_INT(put("short", T0 + S(60), T0, 0), RC_OK);
    CHECK_INT(put("long", T0 + S(600), T0 + S(5), 0), RC_OK);
    CHECK_INT(put("short", T0 + S(70), T0 + S(61), 0), RC_OK);
    CHECK_INT(look().count, 2);
    CHECK_INT(put("short", T0 + S(700), T0 + S(75), 0), RC_OK);
    struct seen seen = look();
    CHECK_INT(seen.count, 2);
    CHECK_TEXT(str_of(seen.bodies[0]), "long");
    CHECK_INT(desk_trail_cut(stand.desk), 0);
    stand_close(&stand);
}

static void the_oldest_make_room(void)
{
    struct err err;
    const size_t size = (size_t)2 << 20;
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return;
    char *body = arena_alloc(stand.arena, size + 1);
    memset(body, 'x', size);
    for (unsigned i = 0; i < 80; i++) {
        body[0] = (char)('0' + i % 10);
        CHECK_INT(put(body, T0 + S(60), T0, 0), RC_OK);
        CHECK(look().bytes <= DESK_TRAIL_BYTES);
    }
    struct seen seen = look();
    CHECK(seen.bytes > DESK_TRAIL_BYTES / 2);
    CHECK_INT(seen.count + desk_trail_cut(stand.desk), 80);
    CHECK_INT(seen.bodies[0][0], '0' + (int)(desk_trail_cut(stand.desk) % 10));
    stand_close(&stand);
}

static const struct test tests[] = {
    {"what was left comes back in order after the desk was opened again", comes_back_in_order},
    {"it is stored with its matches or not at all", goes_with_its_matches},
    {"it goes when its time is over", goes_when_its_time_is_over},
    {"past its bytes the oldest goes and is counted", the_oldest_make_room},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
