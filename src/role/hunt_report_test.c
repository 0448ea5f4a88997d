/* Bodies between desk and hunter: what is written reads the same, at the limits too; what is cut or nonsense does not.
 */
#include "role/hunt_report.h"

#include "base/bytes.h"
#include "base/test.h"

#include <string.h>

static struct arena *arena;

static const uint64_t hashes[] = {1, UINT64_MAX, 0x8000000000000000u};

static struct desk_hunt_report sample(void)
{
    static const struct desk_hunt_count counts[] = {{7, 3}, {UINT64_MAX, 1}};
    static const struct desk_hunt_hit hits[] = {
        {7, 12, 1795215000000000000, STR_INIT("web1"), STR_INIT("root"), STR_INIT("203.0.113.7"),
         STR_INIT("signed in")},
        {UINT64_MAX, UINT64_MAX, -5, STR_INIT(""), STR_INIT(""), STR_INIT(""), STR_INIT("")},
    };
    static const uint64_t records[DESK_HUNT_NAMED] = {4, 5, 6, 7, UINT64_MAX};
    static const struct desk_hunt_change changes[] = {
        {DESK_CHANGE_CHANGED, false, false, STR_INIT("r-1"), STR_INIT("One"), 6, 1, 2, 7, records, DESK_HUNT_NAMED,
         records, 1},
        {DESK_CHANGE_AFFECTED, true, true, STR_INIT(""), STR_INIT(""), 0, 0, UINT64_MAX, 0, records, 0, records, 0},
    };
    return (struct desk_hunt_report){.state = DESK_HUNT_RUNNING,
                                     .permille = 999,
                                     .records = 5,
                                     .too_large = 6,
                                     .gone = 7,
                                     .evicted = 8,
                                     .passed = 9,
                                     .text = STR("why"),
                                     .counts = counts,
                                     .count_count = 2,
                                     .hits = hits,
                                     .hit_count = 2,
                                     .gained = 11,
                                     .lost = 12,
                                     .change_total = 13,
                                     .changes = changes,
                                     .change_count = 2};
}

static void orders(void)
{
    const struct desk_hunt_order order = {
        .from_ns = 5, .to_ns = INT64_MAX, .pack = STR("site/2"), .lists = DESK_LISTS_NEW, .hashes = hashes, .count = 3};
    struct desk_hunt_order read;
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, HUNT_ORDER_BYTES);
    hunt_order_write(&order, &body);
    CHECK_INT(body.n, 49);
    CHECK(hunt_order_read(buf_view(&body), arena, &read));
    CHECK(read.from_ns == 5 && read.to_ns == INT64_MAX && read.count == 3 && read.id == 0);
    CHECK(memcmp(read.hashes, hashes, sizeof hashes) == 0);
    CHECK_TEXT(read.pack, "site/2");
    CHECK_INT(read.lists, DESK_LISTS_NEW);
    for (size_t n = 0; n < body.n; n++) {
        bool whole = n >= 25 && n % 8 == 1;
        CHECK(hunt_order_read(str_slice(buf_view(&body), 0, n), arena, &read) == whole);
    }
    body.p[24] = DESK_LISTS_ALL + 1;
    CHECK(!hunt_order_read(buf_view(&body), arena, &read));
    body.p[24] = DESK_LISTS_ALL;
    CHECK(hunt_order_read(buf_view(&body), arena, &read) && read.lists == DESK_LISTS_ALL);
    body.p[0] = (char)0x80; /* a time before 1970 */
    CHECK(!hunt_order_read(buf_view(&body), arena, &read));
}

static void an_order_of_every_rule(void)
{
    struct buf body CLEANUP(buf_done) = {0};
    struct desk_hunt_order order = {.count = DESK_RULES_MAX};
    struct desk_hunt_order read;
    order.hashes = arena_alloc_array(arena, DESK_RULES_MAX, 8);
    buf_init(&body, HUNT_ORDER_BYTES + 8);
    hunt_order_write(&order, &body);
    CHECK_INT(body.n, HUNT_ORDER_BYTES - HUNT_ORDER_PACK);
    CHECK(hunt_order_read(buf_view(&body), arena, &read) && read.count == DESK_RULES_MAX);
    buf_be64(&body, 1);
    CHECK(!hunt_order_read(buf_view(&body), arena, &read));
}

static void lists_are_said(void)
{
    static char word[2000];
    memset(word, 'a', sizeof word);
    static const struct desk_list rows[] = {
        {STR_INIT("a.csv"), UINT64_MAX, 3, 2, 1, 7, STR_INIT("of no known kind"), STR_INIT("x y")},
        {STR_INIT(""), 0, 0, 0, 0, 0, STR_INIT(""), STR_INIT("")},
    };
    struct desk_lists lists = {STR("could not open \"x\""), rows, ARRAY_LEN(rows)};
    struct desk_lists read;
    struct buf body CLEANUP(buf_done) = {0};
    struct buf again CLEANUP(buf_done) = {0};
    buf_init(&body, HUNT_LISTS_BYTES);
    buf_init(&again, HUNT_LISTS_BYTES);
    hunt_lists_write(&lists, &body);
    CHECK(hunt_lists_read(buf_view(&body), arena, &read) && read.count == 2);
    CHECK_TEXT(read.trouble, "could not open \"x\"");
    CHECK_TEXT(read.rows[0].name, "a.csv");
    CHECK_TEXT(read.rows[0].reason, "of no known kind");
    CHECK_TEXT(read.rows[0].example, "x y");
    CHECK(read.rows[0].entries == UINT64_MAX && read.rows[0].fresh == 3 && read.rows[0].expired == 2);
    CHECK(read.rows[0].refused == 1 && read.rows[0].line == 7);
    hunt_lists_write(&read, &again);
    CHECK(str_eq(buf_view(&again), buf_view(&body)));
    for (size_t n = 0; n < body.n; n++)
        CHECK(!hunt_lists_read(str_slice(buf_view(&body), 0, n), arena, &read));
    buf_char(&body, 'x');
    CHECK(!hunt_lists_read(buf_view(&body), arena, &read));
    struct desk_list *many = arena_alloc_array(arena, DESK_LISTS_MAX, sizeof *many);
    for (size_t i = 0; i < DESK_LISTS_MAX; i++)
        many[i] = (struct desk_list){.name = str_at(word, 2000), .reason = str_at(word, 2000), .example = rows[0].name};
    lists = (struct desk_lists){str_at(word, 2000), many, DESK_LISTS_MAX};
    buf_clear(&body);
    hunt_lists_write(&lists, &body);
    CHECK(!body.overflow && hunt_lists_read(buf_view(&body), arena, &read) && read.count == DESK_LISTS_MAX);
    CHECK_INT(read.rows[1].name.n, HUNT_LIST_NAME);
    put_be32(body.p + 2 + read.trouble.n, DESK_LISTS_MAX + 1);
    CHECK(!hunt_lists_read(buf_view(&body), arena, &read));
}

static void reports(void)
{
    struct desk_hunt_report report = sample();
    struct desk_hunt_report read;
    struct buf body CLEANUP(buf_done) = {0};
    struct buf again CLEANUP(buf_done) = {0};
    buf_init(&body, HUNT_REPORT_BYTES);
    buf_init(&again, HUNT_REPORT_BYTES);
    hunt_report_write(&report, &body);
    CHECK(hunt_report_read(buf_view(&body), arena, &read));
    CHECK(read.state == DESK_HUNT_RUNNING && read.permille == 999 && read.records == 5 && read.too_large == 6);
    CHECK(read.gone == 7 && read.evicted == 8 && read.passed == 9 && read.count_count == 2 && read.hit_count == 2);
    CHECK_TEXT(read.text, "why");
    CHECK(read.counts[1].hash == UINT64_MAX && read.counts[0].hits == 3);
    CHECK_TEXT(read.hits[0].account, "root");
    CHECK_TEXT(read.hits[0].text, "signed in");
    CHECK(read.hits[1].time_ns == -5 && read.hits[1].record == UINT64_MAX);
    CHECK(read.gained == 11 && read.lost == 12 && read.change_total == 13 && read.change_count == 2);
    CHECK(read.changes[0].kind == DESK_CHANGE_CHANGED && read.changes[0].gained == 6 && read.changes[0].after == 7);
    CHECK(read.changes[0].gained_count == DESK_HUNT_NAMED && read.changes[0].gained_records[4] == UINT64_MAX);
    CHECK(read.changes[0].lost_count == 1 && read.changes[0].lost_records[0] == 4);
    CHECK(read.changes[1].of_indicators && read.changes[1].too_many && read.changes[1].before == UINT64_MAX);
    CHECK_TEXT(read.changes[0].title, "One");
    hunt_report_write(&read, &again);
    CHECK(str_eq(buf_view(&again), buf_view(&body)));
    for (size_t n = 0; n < body.n; n++)
        CHECK(!hunt_report_read(str_slice(buf_view(&body), 0, n), arena, &read));
    buf_char(&body, 'x');
    CHECK(!hunt_report_read(buf_view(&body), arena, &read));
}

static void states_and_reasons(void)
{
    static const struct {
        int state;
        int trouble;
        bool reads;
    } rows[] = {
        {DESK_HUNT_WAITING, DESK_HUNT_WELL, false},    {DESK_HUNT_RUNNING, DESK_HUNT_WELL, true},
        {DESK_HUNT_DONE, DESK_HUNT_WELL, true},        {DESK_HUNT_STOPPED, DESK_HUNT_WELL, false},
        {DESK_HUNT_FAILED, DESK_HUNT_WELL, false},     {DESK_HUNT_FAILED, DESK_HUNT_DIED, true},
        {DESK_HUNT_FAILED, DESK_HUNT_TROUBLES, false}, {DESK_HUNT_DONE, DESK_HUNT_UNREAD, false},
        {DESK_HUNT_FAILED + 1, DESK_HUNT_WELL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct desk_hunt_report report = sample();
        struct buf body CLEANUP(buf_done) = {0};
        test_row("state %d, trouble %d", rows[i].state, rows[i].trouble);
        buf_init(&body, HUNT_REPORT_BYTES);
        hunt_report_write(&report, &body);
        body.p[0] = (char)rows[i].state;
        body.p[1] = (char)rows[i].trouble;
        CHECK(hunt_report_read(buf_view(&body), arena, &report) == rows[i].reads);
    }
}

static void long_ones_are_cut_and_fit(void)
{
    struct desk_hunt_report report = sample();
    struct desk_hunt_report read;
    struct buf body CLEANUP(buf_done) = {0};
    static char word[2000];
    memset(word, 'a', sizeof word);
    word[HUNT_REPORT_TEXT - 1] = (char)0xd0; /* a letter of two bytes across the limit */
    word[HUNT_REPORT_TEXT] = (char)0xb0;
    struct desk_hunt_hit *hits = arena_alloc_array(arena, DESK_HUNT_HITS, sizeof *hits);
    for (size_t i = 0; i < DESK_HUNT_HITS; i++)
        hits[i] = (struct desk_hunt_hit){.host = str_at(word, sizeof word),
                                         .account = str_at(word, sizeof word),
                                         .address = str_at(word, sizeof word),
                                         .text = str_at(word, sizeof word)};
    report.hits = hits;
    report.hit_count = DESK_HUNT_HITS;
    report.counts = arena_alloc_array(arena, DESK_RULES_MAX, sizeof *report.counts);
    report.count_count = DESK_RULES_MAX;
    report.text = str_at(word, sizeof word);
    struct desk_hunt_change *changes = arena_alloc_array(arena, DESK_HUNT_CHANGES, sizeof *changes);
    for (size_t i = 0; i < DESK_HUNT_CHANGES; i++) {
        changes[i] = report.changes[0];
        changes[i].rule_id = changes[i].title = str_at(word, sizeof word);
        changes[i].lost_count = DESK_HUNT_NAMED;
    }
    report.changes = changes;
    report.change_total = report.change_count = DESK_HUNT_CHANGES;
    buf_init(&body, HUNT_REPORT_BYTES);
    hunt_report_write(&report, &body);
    CHECK(!body.overflow);
    CHECK(hunt_report_read(buf_view(&body), arena, &read) && read.hit_count == DESK_HUNT_HITS);
    CHECK_INT(read.change_count, DESK_HUNT_CHANGES);
    CHECK_INT(read.changes[1].title.n, HUNT_REPORT_TITLE);
    CHECK_INT(read.hits[0].text.n, HUNT_REPORT_TEXT - 1);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"orders read as they were written, cut ones do not", orders},
        {"an order of every rule fits, of one more it does not read", an_order_of_every_rule},
        {"what is said of lists reads as it was written, long texts are cut", lists_are_said},
        {"reports read as they were written, cut ones do not", reports},
        {"only a failure has a reason", states_and_reasons},
        {"long texts are cut between letters, the largest report fits", long_ones_are_cut_and_fit},
    };
    arena = arena_new((size_t)64 << 20);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return status;
}
