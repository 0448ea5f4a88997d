/* Whose records a segment has, as the packer finds it: by the desk's rules, and never by others than it was asked for.
 */
#include "role/object_finder.h"

#include "archive/testbed.h"
#include "base/bytes.h"
#include "base/test.h"
#include "desk/asset_rules.h"
#include "role/object_terms.h"
#include "tlog/hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct stand {
    struct testbed bed;
    struct object_finder *finder;
    struct buf rules;
    struct tlog_hash digest;
    unsigned answers;
    uint64_t first;
    bool decided;
    struct tlog_hash by;
    int64_t objects[OBJECTS_FOUND_MAX];
    size_t count;
} stand;

static void answered(void *context, uint64_t first, struct str body)
{
    struct reader in = reader_of(body);
    (void)context;
    stand.answers++;
    stand.first = first;
    read_copy(&in, stand.by.bytes, sizeof stand.by.bytes);
    stand.decided = read_u8(&in) == 1;
    for (stand.count = 0; reader_left(&in) && CHECK(stand.count < OBJECTS_FOUND_MAX); stand.count++)
        stand.objects[stand.count] = (int64_t)read_be64(&in);
    CHECK(reader_done(&in));
}

/* Rules: pattern and object of each; an address begins with a digit. */
static void rules_make(const char *const *patterns, const int64_t *objects, size_t count)
{
    static struct asset_rule rule[300];
    struct asset_rules rules = {.rule = rule, .count = count, .fallback = 1};
    struct tlog_hasher *hasher = tlog_hasher_new();
    for (size_t i = 0; i < count; i++)
        CHECK(asset_rule_read(str_of(patterns[i]), char_is_digit(patterns[i][0]), objects[i], &rule[i]));
    buf_clear(&stand.rules);
    asset_rules_write(&rules, &stand.rules);
    tlog_hash_bytes(hasher, buf_view(&stand.rules), &stand.digest);
    tlog_hasher_free(hasher);
}

static void rules_tell(void)
{
    struct msg msg = {.type = MSG_OBJECT_RULES, .body = buf_view(&stand.rules)};
    object_finder_message(stand.finder, &msg);
}

static void ask(uint64_t first)
{
    struct msg msg = {.type = MSG_OBJECTS_ASK,
                      .id = first,
                      .body = str_at((const char *)stand.digest.bytes, sizeof stand.digest.bytes)};
    object_finder_message(stand.finder, &msg);
}

static void work(void)
{
    for (int i = 0; i < 1000 && object_finder_busy(stand.finder); i++)
        CHECK_INT(object_finder_step(stand.finder, 1), RC_OK);
}

static bool has(int64_t object)
{
    for (size_t i = 0; i < stand.count; i++)
        if (stand.objects[i] == object)
            return true;
    return false;
}

static bool opened(size_t records)
{
    stand = (struct stand){0};
    testbed_make(&stand.bed);
    testbed_ok(&stand.bed, testbed_open(&stand.bed, 1 << 20, false));
    testbed_ok(&stand.bed, testbed_put(&stand.bed, records, true));
    testbed_ok(&stand.bed, archive_rotate(stand.bed.archive, &stand.bed.err));
    CHECK_INT(testbed_seal(&stand.bed, 1), 1);
    buf_init(&stand.rules, ASSET_RULES_BYTES);
    const struct object_finder_options options = {.archive = stand.bed.folder, .answer = answered};
    stand.finder = object_finder_new(&options);
    return CHECK(stand.finder != NULL);
}

static void closed(void)
{
    object_finder_free(stand.finder);
    buf_done(&stand.rules);
    testbed_remove(&stand.bed);
}

static void by_host_and_by_address(void)
{
    static const struct {
        const char *patterns[3];
        int64_t objects[3];
        size_t count;
        int64_t want[4]; /* rising */
    } rows[] = {
        {{"web*"}, {4}, 1, {1, 4}},                   /* db2 is nobody's: the lowest id's */
        {{"web*", "db2"}, {4, 5}, 2, {4, 5}},         /* nothing of the lowest id's */
        {{"*", "db2", "web1"}, {6, 5, 4}, 3, {4, 5}}, /* exact hosts go before patterns */
        {{"mail"}, {4}, 1, {1}},
        {{"10.1.0.0/16"}, {7}, 1, {7}},
        {{"10.1.0.0/24", "10.1.1.0/24"}, {7, 8}, 2, {1, 7, 8}},         /* 10.1.2 is in none */
        {{"10.1.0.0/16", "10.1.0.7", "web1"}, {7, 8, 9}, 3, {7, 8, 9}}, /* hosts go before networks */
        {{"10.1.0.0/16", "10.1.0.8", "web1"}, {7, 8, 9}, 3, {7, 9}},    /* 10.1.0.8 spoke to web1 alone */
        {{"10.1.0.0/16", "web*"}, {7, 9}, 2, {7, 9}},                   /* patterns too */
        {{NULL}, {0}, 0, {1}},
    };
    if (!opened(700))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t want = 0;
        test_row("%zu", i);
        rules_make(rows[i].patterns, rows[i].objects, rows[i].count);
        rules_tell();
        ask(0);
        work();
        CHECK_INT(stand.answers, i + 1);
        CHECK(stand.decided && tlog_hash_eq(&stand.by, &stand.digest));
        for (; want < ARRAY_LEN(rows[i].want) && rows[i].want[want]; want++)
            CHECK(has(rows[i].want[want]));
        CHECK_INT(stand.count, want);
    }
    closed();
}

static void it_waits_for_the_rules_asked_for(void)
{
    static const char *const one[] = {"web1"};
    static const char *const other[] = {"db2"};
    static const int64_t object[] = {4};
    if (!opened(100))
        return;
    rules_make(one, object, 1);
    ask(0);
    work();
    CHECK_INT(stand.answers, 0);
    rules_make(other, object, 1);
    rules_tell();
    work();
    CHECK_INT(stand.answers, 0); /* they are not those of the question */
    rules_make(one, object, 1);
    struct msg damaged = {.type = MSG_OBJECT_RULES, .body = str_slice(buf_view(&stand.rules), 0, stand.rules.n - 1)};
    object_finder_message(stand.finder, &damaged);
    work();
    CHECK_INT(stand.answers, 0);
    rules_tell();
    work();
    CHECK_INT(stand.answers, 1);
    CHECK(has(4) && has(1) && stand.count == 2);
    work();
    CHECK_INT(stand.answers, 1); /* once */
    ask(3);                      /* no segment begins there */
    work();
    CHECK_INT(stand.answers, 2);
    CHECK(!stand.decided && stand.first == 3 && stand.count == 0);
    closed();
}

static void in_doubt_it_is_not_decided(void)
{
    static const char *patterns[OBJECTS_FOUND_MAX + 1];
    static char texts[OBJECTS_FOUND_MAX + 1][24];
    static int64_t objects[OBJECTS_FOUND_MAX + 1];
    if (!opened(3000))
        return;
    for (size_t i = 0; i <= OBJECTS_FOUND_MAX; i++) { /* records n and n + 1 have 10.1.(n/250).(n%250) */
        snprintf(texts[i], sizeof texts[i], "10.1.%zu.%zu", i / 250, i % 250);
        patterns[i] = texts[i];
        objects[i] = (int64_t)i + 2;
    }
    rules_make(patterns, objects, OBJECTS_FOUND_MAX - 1);
    rules_tell();
    ask(0);
    work();
    CHECK(stand.decided);
    CHECK_INT(stand.count, OBJECTS_FOUND_MAX); /* with the lowest id's */
    rules_make(patterns, objects, OBJECTS_FOUND_MAX + 1);
    rules_tell();
    ask(0);
    work();
    CHECK_INT(stand.answers, 2);
    CHECK(!stand.decided);
    CHECK_INT(stand.count, 0);
    int fd = openat(stand.bed.folder, "seg/0000000000000000.seg", O_RDWR);
    CHECK_INT(pwrite(fd, "qqqqqqqq", 8, 4096 + 300), 8); /* inside of the first block */
    close(fd);
    rules_make(patterns, objects, 1);
    rules_tell();
    ask(0);
    work();
    CHECK_INT(stand.answers, 3);
    CHECK(!stand.decided);
    closed();
}

static const struct test tests[] = {
    {"by host and by address", by_host_and_by_address},
    {"it waits for the rules asked for", it_waits_for_the_rules_asked_for},
    {"in doubt it is not decided", in_doubt_it_is_not_decided},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
