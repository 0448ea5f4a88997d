/* Tables, charts, sorted and chosen events over segments and the log's tail, against records counted one by one. */
#include "archive/tally.h"

#include "archive/query_state.h"
#include "archive/reader_state.h"
#include "archive/search_state.h"
#include "archive/testbed.h"
#include "base/arena.h"
#include "base/civil.h"
#include "base/map.h"
#include "base/test.h"

#include <string.h>

#define SEALED 1200
#define TAIL   300

static struct testbed bed;
static struct archive_reader *reader;

static void archive_make(void)
{
    testbed_read(&bed, SEALED, TAIL, &reader);
    CHECK(reader->catalog.count > 1 && reader->frame_count > 0);
}

static void archive_remove(void)
{
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static struct query *parse(const char *text, struct arena *arena)
{
    struct query *query = NULL;
    struct err err = {0};
    test_row("%s", text);
    CHECK_INT(query_parse(str_of(text), TESTBED_TIME, 18000, arena, &query, &err), RC_OK);
    return query;
}

static enum rc run(struct search *search)
{
    enum rc rc;
    do
        rc = search_step(search, &bed.err);
    while (rc == RC_AGAIN);
    return rc;
}

/* ---- tables ---- */

/* The row's name among the groups counted by hand. */
static void group_name(struct buf *out, const struct query *query, const struct archive_hit *hit)
{
    char room[QUERY_CELL_MAX];
    int64_t number;
    if (query->output == OUTPUT_TIMECHART) {
        int64_t local = hit->event.time_ns + query->zone_s * SECOND_NS;
        buf_i64(out, local - local % query->step_ns - query->zone_s * SECOND_NS);
        buf_char(out, '|');
    }
    for (uint32_t i = 0; i < query->by_count; i++) {
        buf_str(out, query_key_text(&query->by[i], hit, bed.names, room, &number));
        buf_char(out, '|');
    }
}

static uint64_t count_by_hand(const struct query *query, struct map *groups)
{
    struct arena *arena = arena_new(8 << 20);
    uint64_t matched = 0;
    for (uint64_t n = 0; n < archive_reader_size(reader); n++) {
        static struct archive_hit hit;
        char text[4096];
        struct buf name;
        arena_reset(arena);
        testbed_ok(&bed, archive_reader_record(reader, n, arena, &hit, &bed.err));
        if (!query_matches(query, &hit, bed.names))
            continue;
        buf_init_fixed(&name, text, sizeof text);
        group_name(&name, query, &hit);
        ++*map_put(groups, buf_view(&name));
        matched++;
    }
    arena_free(arena);
    return matched;
}

static void tables(void)
{
    static const char *const texts[] = {
        "| count",
        "absentword | count",
        "failed | count",
        "| count by user",
        "user:u3 | count by host, user, status",
        "-user:u1 status<300 | count by USER host",
        "| count by src",
        "| count by none",
        "| count by type, transport, parser, rule, source",
        "word1* | count by record",
        "failed | count by raw",
        "| timechart 1s",
        "| timechart 500s by host",
        "failed | timechart 1m by user, host",
        "| timechart 1d",
    };
    archive_make();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena *arena = arena_new(64 << 20);
        struct search *search = NULL;
        struct search_table table;
        struct query *query = parse(texts[i], arena);
        struct map *groups = map_new(100000, 1);
        struct search_options options = {.now_ns = TESTBED_TIME};
        testbed_ok(&bed, search_open(reader, query, &options, &search, &bed.err));
        testbed_ok(&bed, run(search));
        testbed_ok(&bed, search_table_of(search, arena, &table, &bed.err));
        uint64_t matched = count_by_hand(query, groups);
        CHECK_INT(search_result_of(search)->matched, matched);
        CHECK(search_result_of(search)->complete);
        bool empty = tally_is_plain(search->tally) && !matched;
        CHECK_INT(table.rows, map_count(groups) + empty);
        CHECK_INT(table.lost, 0);
        int64_t before = INT64_MAX;
        for (size_t r = 0; r < table.rows && !empty; r++) {
            const struct search_cell *cells = &table.cells[r * table.columns];
            char text[4096];
            struct buf name;
            buf_init_fixed(&name, text, sizeof text);
            for (size_t k = 0; k + 1 < table.columns; k++) {
                if (table.column[k].kind == QUERY_COLUMN_MOMENT)
                    buf_i64(&name, cells[k].number);
                buf_str(&name, cells[k].text);
                buf_char(&name, '|');
            }
            const uint64_t *want = map_get(groups, buf_view(&name));
            int64_t count = cells[table.columns - 1].number;
            if (!CHECK(want != NULL) || !CHECK_INT(count, *want))
                break;
            CHECK(query->output == OUTPUT_TIMECHART || count <= before);
            before = count;
        }
        search_close(search);
        map_free(groups);
        arena_free(arena);
    }
    archive_remove();
}

static void stages(void)
{
    struct arena *arena = arena_new(64 << 20);
    struct search *search = NULL;
    struct search_table table;
    struct search_options options = {.now_ns = TESTBED_TIME};
    archive_make();
    struct query *query = parse("| count by user, host | sort -user, count | head 4 | fields count, Host, user", arena);
    testbed_ok(&bed, search_open(reader, query, &options, &search, &bed.err));
    testbed_ok(&bed, run(search));
    testbed_ok(&bed, search_table_of(search, arena, &table, &bed.err));
    CHECK_INT(table.columns, 3);
    CHECK_TEXT(table.column[1].name, "Host");
    CHECK_INT(table.rows, 4);
    CHECK_TEXT(table.cells[2].text, "u6");
    CHECK_TEXT(table.cells[3 * 3 + 2].text, "u5");
    CHECK(table.cells[0].number <= table.cells[3].number);
    search_close(search);
    /* only the index is asked */
    search = NULL;
    testbed_ok(&bed, search_open(reader, parse("| count", arena), &options, &search, &bed.err));
    testbed_ok(&bed, run(search));
    CHECK_INT(search_result_of(search)->blocks, 0);
    CHECK_INT(search_result_of(search)->explain.blocks_by_index, search_result_of(search)->explain.blocks);
    search_close(search);
    search = NULL;
    testbed_ok(&bed, search_open(reader, parse("user:u2 | count by host", arena), &options, &search, &bed.err));
    testbed_ok(&bed, run(search));
    CHECK(search_result_of(search)->explain.blocks_by_columns > 0);
    CHECK_INT(search_result_of(search)->explain.blocks_decoded, 0);
    search_close(search);
    archive_remove();
    arena_free(arena);
}

/* A group more than there is room for: what is lost is counted. */
static void groups_are_bounded(void)
{
    struct arena *arena = arena_new(64 << 20);
    struct query *query = parse("| count by record", arena);
    struct tally *tally = tally_new(query);
    struct search_table table;
    static struct archive_hit hit;
    hit.event.parser = "";
    for (uint64_t i = 0; i < SEARCH_GROUPS_MAX + 77; i++) {
        hit.leaf.index = i;
        if (!CHECK_INT(tally_hit(tally, &hit, NULL, &bed.err), RC_OK))
            break;
    }
    hit.leaf.index = 5;
    CHECK_INT(tally_hit(tally, &hit, NULL, &bed.err), RC_OK); /* known ones go on */
    CHECK_INT(tally_table(tally, arena, &table, &bed.err), RC_OK);
    CHECK_INT(table.rows, SEARCH_GROUPS_MAX);
    CHECK_INT(table.lost, 77);
    CHECK_INT(table.cells[1].number, 2);
    tally_free(tally);
    arena_free(arena);
}

/* ---- events ---- */

struct found {
    uint64_t numbers[SEALED + TAIL + 100];
    size_t count;
};

static struct found found;

static bool collect(void *context, const struct archive_hit *hit)
{
    (void)context;
    found.numbers[found.count++] = hit->leaf.index;
    return CHECK(hit->leaf.type != LEAF_RAW || hit->raw.n > 0) && CHECK(hit->event.parser != NULL);
}

static struct search_cell cell_of(uint64_t number, const struct query_key *key, struct arena *arena)
{
    static struct archive_hit hit;
    char *room = arena_alloc(arena, QUERY_CELL_MAX);
    struct search_cell cell = {0};
    testbed_ok(&bed, archive_reader_record(reader, number, arena, &hit, &bed.err));
    cell.text = query_key_text(key, &hit, bed.names, room, &cell.number);
    return cell;
}

/* Whether record a may stand before b. */
static bool in_order(const struct query_stage *sort, uint64_t a, uint64_t b)
{
    struct arena *arena = arena_new(8 << 20);
    int order = 0;
    for (uint32_t i = 0; i < sort->key_count && !order; i++) {
        struct search_cell x = cell_of(a, &sort->keys[i], arena);
        struct search_cell y = cell_of(b, &sort->keys[i], arena);
        order =
            search_cell_compare(&x, &y, query_key_is_moment(&sort->keys[i]) ? QUERY_COLUMN_MOMENT : QUERY_COLUMN_TEXT,
                                sort->keys[i].falling);
    }
    arena_free(arena);
    return order < 0 || (order == 0 && a > b);
}

static void sorted(void)
{
    static const struct {
        const char *text;
        size_t given;
        uint64_t limit;
    } rows[] = {
        {"failed | sort status", 0, 0},
        {"failed | sort -status | head 5", 5, 0},
        {"user:u3 | sort host, -time | head 50", 50, 0},
        {"user:u3 | sort received", 20, 20},
        {"| head 30 | sort user", 30, 0},
        {"| head 30 | sort user | head 7", 7, 0},
        {"status<3 | sort none", 0, 0},
        {"absentword | sort user", 0, 0},
    };
    archive_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *arena = arena_new(8 << 20);
        struct query *query = parse(rows[i].text, arena);
        struct search_result result;
        struct search_options options = {.limit = rows[i].limit, .hit = collect, .now_ns = TESTBED_TIME};
        found.count = 0;
        testbed_ok(&bed, search_run(reader, query, &options, &result, &bed.err));
        CHECK(result.complete);
        CHECK_INT(result.given, found.count);
        const struct query_stage *sort = &query->stages[query->stages[0].kind == STAGE_HEAD];
        if (rows[i].given)
            CHECK_INT(found.count, rows[i].given);
        for (size_t k = 0; k + 1 < found.count; k++)
            if (!CHECK(in_order(sort, found.numbers[k], found.numbers[k + 1])))
                break;
        uint64_t matched = 0;
        for (uint64_t n = archive_reader_size(reader); n > 0 && query->stages[0].kind == STAGE_SORT; n--) {
            static struct archive_hit hit;
            struct arena *record = arena_new(8 << 20);
            testbed_ok(&bed, archive_reader_record(reader, n - 1, record, &hit, &bed.err));
            bool match = query_matches(query, &hit, bed.names);
            arena_free(record);
            matched += match;
            bool given = false;
            for (size_t k = 0; k < found.count && !given; k++)
                given = found.numbers[k] == n - 1;
            if (match && !given && !CHECK(in_order(sort, found.numbers[found.count - 1], n - 1)))
                break;
        }
        if (query->stages[0].kind == STAGE_SORT && !rows[i].given)
            CHECK_INT(found.count, matched);
        arena_free(arena);
    }
    archive_remove();
}

static uint64_t bytes_read;

static ssize_t counted_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    ssize_t got = io_kernel.pread(self, fd, bytes, n, offset);
    bytes_read += got > 0 ? (uint64_t)got : 0;
    return got;
}

/* The blocks of two engines overlap; still each is read once to sort and once for the events that are given. */
static void sorted_reads_once(void)
{
    static struct io counted;
    static const char *const texts[] = {"user:u3 | sort status", "| sort -status, user"};
    archive_make();
    archive_reader_close(reader);
    counted = io_kernel;
    counted.pread = counted_pread;
    struct archive_reader_options options = {.names = bed.names, .derive = testbed_derive, .derive_context = bed.names};
    testbed_ok(&bed, archive_reader_open(&counted, bed.folder, &options, &reader, &bed.err));
    uint64_t stored = archive_reader_totals(reader).bytes_stored;
    for (size_t i = 0; i < reader->frame_count; i++)
        stored += reader->frames[i].size;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena *arena = arena_new(8 << 20);
        struct search_result result;
        struct search_options search = {.hit = collect, .now_ns = TESTBED_TIME};
        struct query *query = parse(texts[i], arena);
        found.count = 0;
        bytes_read = 0;
        testbed_ok(&bed, search_run(reader, query, &search, &result, &bed.err));
        CHECK(found.count > 100);
        CHECK(bytes_read <= 3 * stored); /* what is read of indexes and filters stays below one time more */
        arena_free(arena);
    }
    archive_remove();
}

static void heads_and_fields(void)
{
    struct arena *arena = arena_new(8 << 20);
    struct query_column columns[QUERY_COLUMNS_MAX];
    struct search_result result;
    struct search_options options = {.limit = 50, .hit = collect, .now_ns = TESTBED_TIME};
    archive_make();
    struct query *query = parse("user:u3 | head 9 | fields time, Status, host", arena);
    CHECK_INT(query_columns(query, columns, ARRAY_LEN(columns)), 3);
    CHECK_INT(columns[0].kind, QUERY_COLUMN_MOMENT);
    CHECK_TEXT(columns[1].name, "Status");
    found.count = 0;
    testbed_ok(&bed, search_run(reader, query, &options, &result, &bed.err));
    CHECK_INT(found.count, 9);
    CHECK(result.complete && result.next_before == 0); /* a head is an end, a limit is not */
    options.limit = 4;
    testbed_ok(&bed, search_run(reader, query, &options, &result, &bed.err));
    CHECK(!result.complete && result.next_before != 0 && result.given == 4);
    /* what is left out */
    query = parse("", arena);
    options.limit = 0;
    found.count = 0;
    testbed_ok(&bed, search_run(reader, query, &options, &result, &bed.err));
    CHECK_INT(found.count, archive_reader_size(reader));
    CHECK_INT(query_exclude(query, STR("type"), STR("lifecycle"), &bed.err), RC_OK);
    found.count = 0;
    testbed_ok(&bed, search_run(reader, query, &options, &result, &bed.err));
    CHECK(found.count >= SEALED + TAIL && found.count <= archive_reader_size(reader));
    archive_remove();
    arena_free(arena);
}

/* Pages of a query whose own `head`, or `sort`, and the caller's limit meet: together they are what one search gives.
 */
static void pages(void)
{
    static const struct {
        const char *text;
        uint64_t limit;
    } rows[] = {
        {"| head 30", 20},
        {"| head 40", 20},
        {"| head 10", 20},
        {"user:u3 | head 33", 7},
        {"user:u3", 50},
        {"user:u3 | sort status", 50},
        {"user:u3 | sort -host, status | head 33", 10},
        {"user:u3 | sort -host | head 20", 10},
        {"| head 30 | sort user", 8},
        {"| head 30 | sort user | head 20", 8},
        {"absentword | sort user", 8},
    };
    archive_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static struct found whole;
        struct arena *arena = arena_new(8 << 20);
        struct query *query = parse(rows[i].text, arena);
        struct search_result result;
        struct search_options options = {.hit = collect, .now_ns = TESTBED_TIME};
        found.count = 0;
        testbed_ok(&bed, search_run(reader, query, &options, &result, &bed.err));
        CHECK_INT(result.next_skip, 0);
        whole = found;
        options.limit = rows[i].limit;
        found.count = 0;
        size_t turns = 0;
        do {
            testbed_ok(&bed, search_run(reader, query, &options, &result, &bed.err));
            CHECK(result.given <= rows[i].limit);
            options.before = result.next_before;
            options.skip = result.next_skip;
            /* what comes in between is on no later page */
            testbed_ok(&bed, testbed_put(&bed, 2, true));
            testbed_ok(&bed, archive_reader_refresh(reader, &bed.err));
        } while (result.next_skip && CHECK(++turns < 100));
        CHECK_INT(found.count, whole.count);
        CHECK(memcmp(found.numbers, whole.numbers, whole.count * sizeof *whole.numbers) == 0);
        arena_free(arena);
    }
    archive_remove();
}

/* A stopped search gives what it has, sorted or counted, and does not call it all. */
static void stopped(void)
{
    static const char *const texts[] = {"| sort status", "| head 500 | sort status", "| sort status | head 20", "",
                                        "| count by user"};
    archive_make();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena *arena = arena_new(64 << 20);
        struct search *search = NULL;
        struct search_table table = {.rows = 1};
        struct query *query = parse(texts[i], arena);
        struct search_options options = {.hit = collect, .now_ns = TESTBED_TIME};
        found.count = 0;
        testbed_ok(&bed, search_open(reader, query, &options, &search, &bed.err));
        CHECK_INT(search_step(search, &bed.err), RC_AGAIN);
        uint64_t scanned = search_result_of(search)->scanned;
        CHECK(scanned > 0 && scanned < SEALED);
        search_stop(search);
        testbed_ok(&bed, run(search));
        CHECK_INT(search_result_of(search)->scanned, scanned);
        CHECK(!search_result_of(search)->complete);
        CHECK_INT(search_result_of(search)->given, found.count);
        if (query_counts(query))
            testbed_ok(&bed, search_table_of(search, arena, &table, &bed.err));
        else
            CHECK(found.count > 0);
        CHECK(table.rows > 0);
        for (size_t k = 0; k + 1 < found.count && query->stage_count; k++)
            CHECK(
                in_order(&query->stages[query->stages[0].kind == STAGE_HEAD], found.numbers[k], found.numbers[k + 1]));
        search_stop(search); /* once more is nothing */
        CHECK_INT(search_step(search, &bed.err), RC_OK);
        search_close(search);
        arena_free(arena);
    }
    archive_remove();
}

/* Between two steps the archive may grow and be sealed: nothing is lost or counted twice. */
static void sealed_in_between(void)
{
    struct arena *arena = arena_new(8 << 20);
    struct search *search = NULL;
    struct search_table table;
    struct search_options options = {.now_ns = TESTBED_TIME};
    archive_make();
    struct query *query = parse("user:* | count", arena);
    testbed_ok(&bed, search_open(reader, query, &options, &search, &bed.err));
    CHECK_INT(search_step(search, &bed.err), RC_AGAIN);
    testbed_ok(&bed, testbed_put(&bed, 500, true));
    testbed_ok(&bed, archive_rotate(bed.archive, &bed.err));
    CHECK(testbed_seal(&bed, 1) > 0);
    testbed_ok(&bed, archive_reader_refresh(reader, &bed.err));
    uint32_t last = 0;
    enum rc rc;
    while ((rc = search_step(search, &bed.err)) == RC_AGAIN) {
        CHECK(search_permille(search) >= last);
        last = search_permille(search);
    }
    testbed_ok(&bed, rc);
    testbed_ok(&bed, search_table_of(search, arena, &table, &bed.err));
    CHECK_INT(table.cells[0].number, SEALED + TAIL);
    search_close(search);
    archive_remove();
    arena_free(arena);
}

static const struct test tests[] = {
    {"tables", tables},
    {"commands on tables", stages},
    {"groups are bounded", groups_are_bounded},
    {"sorted", sorted},
    {"sorted reads once", sorted_reads_once},
    {"heads and fields", heads_and_fields},
    {"pages", pages},
    {"stopped", stopped},
    {"sealed in between", sealed_in_between},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
