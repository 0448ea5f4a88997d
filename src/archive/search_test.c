/* The query language, the word filter, and searches over segments and the log's tail. */
#include "archive/search.h"

#include "archive/query_state.h"
#include "archive/testbed.h"
#include "archive/words.h"
#include "base/arena.h"
#include "base/civil.h"
#include "base/test.h"

#include <string.h>

#define NOW TESTBED_TIME

static struct arena *arena;

static struct query *parse(const char *text, enum rc want, struct err *err)
{
    struct query *query = NULL;
    test_row("%s", text);
    CHECK_INT(query_parse(str_of(text), NOW, 18000, arena, &query, err), want);
    return query;
}

static void refuses_commands(void)
{
    static const struct {
        const char *text;
        uint64_t offset;
    } rows[] = {
        {"a |", 3},
        {"a | tail 5", 4},
        {"a | count by", 12},
        {"a | count b", 10},
        {"a | count by b,", 15},
        {"a | count by b, b", 16},
        {"a | count by time", 10},
        {"a | count by count", 10},
        {"a | count | count", 12},
        {"a | head 5 | count", 13},
        {"a | timechart", 13},
        {"a | timechart 5 by b", 14},
        {"a | timechart 5m host", 17},
        {"a | head", 8},
        {"a | head 0", 9},
        {"a | head 5 6", 11},
        {"a | sort", 8},
        {"a | sort b | sort c", 13},
        {"a | fields b | sort c", 20},
        {"a | count by b | sort c", 22},
        {"a | count by b | fields count | sort b", 37},
        {"a | count by b | fields", 23},
        {"a | fields \"b", 11},
        {"(a | count)", 3},
        {"not | count", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        parse(rows[i].text, RC_INVALID, &err);
        CHECK_INT(err.offset, rows[i].offset);
        CHECK(err.text[0] != '\0');
    }
}

static void refuses(void)
{
    static const struct {
        const char *text;
        uint64_t offset;
    } rows[] = {
        {"(", 1},
        {")", 0},
        {"a or", 4},
        {"or a", 0},
        {"a and and b", 6},
        {"\"open", 0},
        {"user:", 5},
        {"size>x", 5},
        {"last:24", 0},
        {"last:h", 0},
        {"last:0h", 0},
        {"from:never", 0},
        {"to:2026-13-01", 0},
        {"(last:1h)", 1},
        {"not last:1h", 4},
        {"a or b last:1h", 7},
        {"\"\"", 0},
        {"not", 3},
        {"a (b", 4},
        {"-", UINT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        if (rows[i].offset == UINT64_MAX) {
            parse(rows[i].text, RC_OK, &err); /* a lone dash is a word */
            continue;
        }
        parse(rows[i].text, RC_INVALID, &err);
        CHECK_INT(err.offset, rows[i].offset);
        CHECK(err.text[0] != '\0');
    }
    char deep[200];
    struct err err = {0};
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    parse(deep, RC_INVALID, &err);
    static char many[QUERY_TEXT_MAX + 2];
    memset(many, 'a', sizeof many - 1);
    parse(many, RC_INVALID, &err);
    for (size_t i = 0; i + 2 < sizeof many; i += 2)
        memcpy(many + i, "a ", 2);
    many[1000] = '\0';
    parse(many, RC_INVALID, &err); /* too many parts */
}

static void ranges(void)
{
    static const struct {
        const char *text;
        int64_t from;
        int64_t to;
    } rows[] = {
        {"", 0, 0},
        {"last:2h", NOW - 7200 * SECOND_NS, 0},
        {"a last:1d last:2h", NOW - 7200 * SECOND_NS, 0},
        {"from:1970-01-02", 19 * 3600 * SECOND_NS, 0}, /* the reader's zone is +05:00 */
        {"from:1970-01-02T00:00Z to:1970-01-02T01:02:03.5Z", 86400 * SECOND_NS, 90123 * SECOND_NS + 500000000},
        {"to:now", 0, NOW},
        {"to:1970-01-01T05:30+05:00", 0, 1800 * SECOND_NS},
        {"from:1960-01-01T00:00Z to:1960-01-02T00:00Z", -315619200 * SECOND_NS, -315532800 * SECOND_NS},
        {"from:1970-01-01T00:00Z", -1, 0}, /* 0 would be open */
        {"to:1970-01-01T00:00Z", 0, -1},
        {"to:1970-01-01T00:00Z to:1960-01-01T00:00Z", 0, -315619200 * SECOND_NS},
        {"from:1960-01-01T00:00Z from:1970-01-01T00:00Z last:3000w", -1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err;
        int64_t from;
        int64_t to;
        struct query *query = parse(rows[i].text, RC_OK, &err);
        if (!query)
            continue;
        query_range(query, &from, &to);
        CHECK_INT(from, rows[i].from);
        CHECK_INT(to, rows[i].to);
    }
}

static const struct {
    const char *text;
    bool want;
} cases[] = {
    {"", true},
    {"*", true},
    {"failed", true},
    {"FAILED password", true},
    {"\"failed password\"", true},
    {"\"password failed\"", false},
    {"fail", false},
    {"fail*", true},
    {"*ailed", true},
    {"f?iled", true},
    {"fa*ed", true},
    {"pass*for", false},
    {"10.1.2.3", true},
    {"10.1.2", true},
    {"0.1.2.3", false},
    {"decoded", true}, /* only in a field */
    {"user:root", true},
    {"USER:ROOT", true},
    {"user:ro", false},
    {"user:ro*", true},
    {"user:\"ro*\"", false},
    {"user:*", true},
    {"nobody:*", false},
    {"-user:root", false},
    {"not user:bob", true},
    {"-nobody:x", true},
    {"port>22", true},
    {"port>=2222", true},
    {"port<2222", false},
    {"port<=2222", true},
    {"user>1", false},
    {"src:10.0.0.0/8", true},
    {"src:10.2.0.0/16", false},
    {"src:::ffff:a01:0/112", true},
    {"host:web1", true},
    {"outcome=failure", true},
    {"record:77", true},
    {"record:78", false},
    {"transport:udp", true},
    {"source:syslog", true},
    {"parser:test", true},
    {"type:raw", true},
    {"rule:r1", true},
    {"rule:r2", false},
    {"failed and not accepted", true},
    {"accepted or failed", true},
    {"accepted or failed user:bob", false},
    {"(accepted or failed) user:root", true},
    {"failed -(user:root or user:bob)", false},
    {"not not failed", true},
    {"\xd0\x96\xd0\xb0\xd0\xa2", true},                 /* Zhat in mixed case */
    {"\xd2\x9a\xd0\xb0\xd0\xb7\xd0\xb0\xd2\x9b", true}, /* Kazakh ka */
    {"http://x.kz/a", true},
    {"path:/etc/passwd", true},
};

struct holding {
    struct str filter;
    const uint64_t *key;
};

static bool may_hold(void *context, struct str word)
{
    const struct holding *holding = context;
    return filter_may_hold(holding->filter, holding->key, word);
}

static void matches(void)
{
    struct names *names = names_new(3);
    struct event_field fields[] = {
        {.name = names_put(names, STR("user")), .value = STR("Root")},
        {.name = names_put(names, STR("port")), .value = STR("2222")},
        {.name = names_put(names, STR("Extra")), .value = STR("a decoded text")},
        {.name = names_put(names, STR("path")), .value = STR("/etc/passwd")},
    };
    static struct archive_hit hit;
    hit.raw = STR("<13>Failed password for root from 10.1.2.3 http://x.kz/a \xd0\xb6\xd0\x90\xd1\x82 "
                  "\xd2\x9b\xd0\xb0\xd0\xb7\xd0\xb0\xd2\x9b");
    hit.leaf = (struct leaf){.type = LEAF_RAW, .index = 77, .transport = TRANSPORT_UDP};
    hit.source = (struct event_source){.kind = STR("udp"), .name = STR("syslog")};
    hit.event = (struct event){.fields = fields, .field_count = ARRAY_LEN(fields), .parser = "test"};
    hit.event.statutory[STATUTORY_HOST] = STR("web1");
    hit.event.statutory[STATUTORY_OUTCOME] = STR("failure");
    hit.event.statutory[STATUTORY_SOURCE_ADDRESS] = STR("10.1.2.3");
    hit.rules[0] = STR("r1");
    hit.rule_count = 1;
    const uint64_t key[2] = {5, 6};
    struct words words;
    words_init(&words, key);
    words_add_text(&words, hit.raw);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        words_add_text(&words, fields[i].value);
    for (size_t i = 0; i < STATUTORY_COUNT; i++)
        words_add_text(&words, hit.event.statutory[i]);
    words_add_text(&words, hit.rules[0]);
    struct buf filter;
    buf_init(&filter, 1 << 20);
    words_filter(&words, &filter);
    struct holding holding = {buf_view(&filter), key};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;
        struct query *query = parse(cases[i].text, RC_OK, &err);
        if (!query)
            continue;
        CHECK_INT(query_matches(query, &hit, names), cases[i].want);
        /* the filter may err to one side only */
        CHECK(!cases[i].want || query_may_match(query, may_hold, &holding));
        arena_reset(arena);
    }
    struct err err;
    CHECK(!query_may_match(parse("absentword", RC_OK, &err), may_hold, &holding));
    CHECK(!query_may_match(parse("failed absentword", RC_OK, &err), may_hold, &holding));
    CHECK(query_may_match(parse("failed or absentword", RC_OK, &err), may_hold, &holding));
    CHECK(query_may_match(parse("-absentword", RC_OK, &err), may_hold, &holding));
    buf_done(&filter);
    words_done(&words);
    names_free(names);
}

static void long_texts(void)
{
    struct err err;
    static char raw[40000];
    static struct archive_hit hit;
    memset(raw, '.', sizeof raw);
    hit.raw = str_at(raw, sizeof raw);
    hit.event.parser = "";
    struct query *query = parse("needle", RC_OK, &err);
    for (size_t at = 0; at + 6 <= sizeof raw; at += 401) {
        memcpy(raw + at, "NeedLe", 6);
        test_row("at %zu", at);
        CHECK(query_matches(query, &hit, NULL));
        memset(raw + at, '.', 6);
    }
    CHECK(!query_matches(query, &hit, NULL));
}

/* ---- searches against a stupid twin ---- */

struct found {
    uint64_t numbers[5000];
    size_t count;
    size_t room; /* 0: enough for all */
};

static bool collect(void *context, const struct archive_hit *hit)
{
    struct found *found = context;
    if (found->room && found->count == found->room)
        return false;
    found->numbers[found->count++] = hit->leaf.index;
    return true;
}

static void check_search(struct archive_reader *reader, const struct names *names, const char *text,
                         struct search_options options)
{
    static struct found found;
    struct search_result result;
    struct err err = {0};
    struct arena *own = arena_new(1 << 20);
    struct query *query = NULL;
    test_row("%s", text);
    CHECK_INT(query_parse(str_of(text), NOW, 0, own, &query, &err), RC_OK);
    memset(&found, 0, sizeof found);
    options.hit = collect;
    options.context = &found;
    CHECK_INT(search_run(reader, query, &options, &result, &err), RC_OK);
    CHECK_INT(result.given, found.count);
    size_t next = 0;
    uint64_t matched = 0;
    struct arena *record = arena_new(8 << 20);
    uint64_t top = options.before ? options.before : archive_reader_size(reader);
    for (uint64_t n = top; n > 0; n--) {
        static struct archive_hit hit;
        arena_reset(record);
        CHECK_INT(archive_reader_record(reader, n - 1, record, &hit, &err), RC_OK);
        if (!query_matches(query, &hit, names))
            continue;
        matched++;
        if (options.limit && next == options.limit)
            continue;
        if (!CHECK(next < found.count && found.numbers[next] == n - 1))
            break;
        next++;
    }
    CHECK_INT(next, found.count);
    if (options.bins) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < result.histogram_count; i++)
            sum += result.histogram[i];
        CHECK_INT(result.matched, matched);
        CHECK_INT(sum, matched);
    }
    CHECK(found.count == matched || result.next_before != 0);
    CHECK(result.next_before == 0 || found.count < matched || found.count == options.limit);
    if (result.next_before)
        CHECK_INT(result.next_before, found.numbers[found.count - 1]);
    arena_free(record);
    arena_free(own);
}

/* Pages that end where the caller has no room for more hold together what one search finds, nothing lost or doubled. */
static void check_refusals(struct archive_reader *reader, const char *text, size_t room, uint32_t bins)
{
    static struct found whole;
    static struct found page;
    static uint64_t numbers[5000];
    struct search_options options = {.hit = collect, .context = &whole};
    struct search_result result;
    struct err err = {0};
    struct query *query = parse(text, RC_OK, &err);
    size_t count = 0;
    memset(&whole, 0, sizeof whole);
    CHECK_INT(search_run(reader, query, &options, &result, &err), RC_OK);
    options.context = &page;
    options.bins = bins;
    options.now_ns = NOW + 3600 * SECOND_NS;
    do {
        memset(&page, 0, sizeof page);
        page.room = room;
        CHECK_INT(search_run(reader, query, &options, &result, &err), RC_OK);
        CHECK_INT(result.given, page.count);
        CHECK(page.count > 0 || whole.count == 0);
        CHECK(result.complete == (result.next_before == 0));
        memcpy(numbers + count, page.numbers, page.count * sizeof *numbers);
        count += page.count;
        options.before = result.next_before;
        options.bins = 0;
    } while (options.before && page.count && count <= whole.count);
    CHECK_INT(count, whole.count);
    CHECK(memcmp(numbers, whole.numbers, whole.count * sizeof *numbers) == 0);
}

static void searches(void)
{
    static const char *const texts[] = {
        "",
        "record",
        "\"failed password\"",
        "user:u3",
        "word13 user:u3",
        "status>=590",
        "status<3 -user:u1",
        "absent",
        "rule:rule-failed",
        "src:10.1.3.0/24",
        "record:1",
        "host:web1 word5",
        "outcome:failure",
        "word1*",
    };
    struct testbed bed;
    struct archive_reader *reader = NULL;
    testbed_read(&bed, 1200, 300, &reader);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        check_search(reader, bed.names, texts[i], (struct search_options){.now_ns = NOW + 3600 * SECOND_NS});
        check_search(reader, bed.names, texts[i], (struct search_options){.limit = 7});
        check_search(reader, bed.names, texts[i], (struct search_options){.limit = 5, .before = 900});
        check_search(reader, bed.names, texts[i],
                     (struct search_options){.limit = 3, .bins = 60, .now_ns = NOW + 3600 * SECOND_NS});
        check_refusals(reader, texts[i], 150, 0);
        check_refusals(reader, texts[i], 150, 60);
    }
    /* an end before 1970 is an end */
    struct err err = {0};
    struct search_result result;
    static struct found found;
    struct search_options early = {.hit = collect, .context = &found};
    CHECK_INT(search_run(reader, parse("to:1960-01-01", RC_OK, &err), &early, &result, &err), RC_OK);
    CHECK_INT(result.given, 0);
    early.to_ns = -5;
    CHECK_INT(search_run(reader, parse("to:2100-01-01", RC_OK, &err), &early, &result, &err), RC_OK);
    CHECK_INT(result.given, 0);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void filters_help(void)
{
    struct testbed bed;
    struct search_result result;
    testbed_make(&bed);
    testbed_ok(&bed, testbed_open(&bed, 64 << 10, false));
    testbed_ok(&bed, testbed_put(&bed, 3000, true));
    testbed_ok(&bed, archive_rotate(bed.archive, &bed.err));
    CHECK(testbed_seal(&bed, 1) > 0);
    struct archive_reader_options options = {.names = bed.names, .derive = testbed_derive, .derive_context = bed.names};
    struct archive_reader *reader = NULL;
    testbed_ok(&bed, archive_reader_open(bed.io, bed.folder, &options, &reader, &bed.err));
    struct query *query = parse("absentword", RC_OK, &bed.err);
    struct search_options all = {.limit = 10};
    testbed_ok(&bed, search_run(reader, query, &all, &result, &bed.err));
    CHECK(result.blocks <= 1);
    CHECK(result.blocks_passed >= 10);
    CHECK(result.complete);
    /* both words are in every block, never in one record: forms and values tell it, and no raw bytes are put together
     */
    static const char *const never[] = {"\"accepted password\"", "user:u3 \"accepted password\""};
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        query = parse(never[i], RC_OK, &bed.err);
        testbed_ok(&bed, search_run(reader, query, &all, &result, &bed.err));
        const struct search_explain *e = &result.explain;
        CHECK(e->blocks_by_template >= 5 && e->blocks_decoded == 0);
        CHECK_INT(e->blocks_by_time + e->blocks_by_filter + e->blocks_by_template + e->blocks_by_index +
                      e->blocks_by_columns + e->blocks_decoded,
                  e->blocks);
    }
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static const struct test tests[] = {
    {"refuses", refuses},
    {"refuses commands", refuses_commands},
    {"ranges", ranges},
    {"matches", matches},
    {"long texts", long_texts},
    {"searches", searches},
    {"filters help", filters_help},
};

int main(int argc, char **argv)
{
    arena = arena_new(16 << 20);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return status;
}
