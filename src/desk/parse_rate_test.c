/* Parse rates at the desk: counted once whatever comes again, old days go, questions sum what is there. */
#include "desk/desk_testing.h"

#include <unistd.h>

#define SOURCE                                                                                                         \
    "0101010101010101"                                                                                                 \
    "0101010101010101"
#define DAY_NS (DAY_S * SECOND_NS)

static struct stand stand;

static struct desk_parse_count row_of(uint8_t source, int64_t day, const char *parser, enum parse_outcome outcome,
                                      uint64_t records)
{
    struct desk_parse_count row = {.day = (uint32_t)day, .parser = str_of(parser), .outcome = outcome};
    memset(row.source, source, sizeof row.source);
    row.count = (struct parse_count){
        .records = records, .last_ns = day * DAY_NS + (int64_t)records, .last_record = 1000 * (uint64_t)day + records};
    return row;
}

/* As an engine tells; with an annex row, so that the source is known. */
static void count(uint32_t engine, uint64_t upto, const struct desk_parse_count *rows, size_t n)
{
    struct desk_annex_count annex = {.class = ANNEX_OS, .kind = STR(""), .parser = STR("json")};
    struct err err = {0};
    struct desk_rule_counts counts = {.engine = engine, .upto = upto, .parses = rows, .parse_count = n};
    annex.count.records = 1;
    annex.count.first_ns = annex.count.last_ns = stand.now;
    memcpy(annex.source, rows[0].source, sizeof annex.source);
    counts.annex = &annex;
    counts.annex_count = 1;
    CHECK_INT(desk_count_rules(stand.desk, &counts, stand.now, &err), RC_OK);
}

static const struct json_value *source_ask(void)
{
    CHECK(stand_ask(&stand, "{'ask':'parser.source','who':'admin','id':'" SOURCE "'}"));
    return json_get(stand.json, "source");
}

static int64_t number(const struct json_value *object, const char *key)
{
    return json_int(json_get(object, key), -1);
}

static void once(void)
{
    char path[] = "/tmp/qorgan-parse-rate-XXXXXX";
    struct err err;
    close(mkstemp(path));
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    stand_sign_in(&stand);
    int64_t today = stand.now / DAY_NS;
    const struct desk_parse_count rows[] = {
        row_of(1, today, "sshd", PARSE_PATTERN, 70), row_of(1, today, "json", PARSE_FIELDS, 10),
        row_of(1, today - 1, "sshd", PARSE_PATTERN, 5), row_of(1, today, "syslog3164", PARSE_HEADER, 15),
        row_of(1, today - 1, "none", PARSE_ENCODING, 2)};
    count(0, 100, rows, ARRAY_LEN(rows));
    CHECK_INT(number(source_ask(), "records"), 102);
    CHECK_INT(number(source_ask(), "parsed"), 85);
    CHECK_INT(number(source_ask(), "unparsed_record"), 1000 * today + 15);
    CHECK_INT(number(source_ask(), "unparsed_ns"), today * DAY_NS + 15);
    CHECK_INT(number(json_get(source_ask(), "outcomes"), "encoding"), 2);
    CHECK_TEXT(json_str(json_get(json_first(json_get(source_ask(), "parsers")), "parser"), STR_NONE), "sshd");
    CHECK_INT(number(json_first(json_get(source_ask(), "parsers")), "records"), 75);
    CHECK_INT(json_get(source_ask(), "by_day")->count, 2);
    CHECK_INT(number(json_first(json_get(source_ask(), "by_day")), "records"), 95);
    count(0, 100, rows, 1); /* more of the same */
    CHECK_INT(number(source_ask(), "records"), 172);
    count(0, 99, rows, 1); /* an engine that began anew tells again what is in */
    CHECK_INT(number(source_ask(), "records"), 172);
    count(1, 99, rows, 1); /* another engine is another count */
    CHECK_INT(number(source_ask(), "records"), 242);
    int64_t now = stand.now;
    stand_close(&stand);
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    stand.now = now;
    CHECK_INT(number(source_ask(), "records"), 242);
    stand_close(&stand);
    unlink(path);
}

static void days(void)
{
    struct err err;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    int64_t today = stand.now / DAY_NS;
    const struct desk_parse_count first[] = {row_of(1, today - 5, "sshd", PARSE_PATTERN, 3),
                                             row_of(1, today, "sshd", PARSE_PATTERN, 4),
                                             row_of(1, today - PARSE_DAYS, "sshd", PARSE_PATTERN, 100)};
    count(0, 1, first, ARRAY_LEN(first));
    stand.now -= DAY_NS;
    CHECK_INT(number(source_ask(), "records"), 7); /* what is too old is not kept */
    stand.now += DAY_NS;
    CHECK_INT(number(source_ask(), "records"), 7);
    stand.now += (PARSE_DAYS - 4) * DAY_NS;
    CHECK_INT(number(source_ask(), "records"), 4); /* nor shown, before anything comes */
    const struct desk_parse_count later = row_of(1, today + PARSE_DAYS - 4, "sshd", PARSE_PATTERN, 1);
    count(0, 2, &later, 1);
    CHECK_INT(number(source_ask(), "records"), 5);
    stand.now -= (PARSE_DAYS - 4) * DAY_NS;
    CHECK_INT(number(source_ask(), "records"), 5); /* it went */
    stand_close(&stand);
}

static void lists(void)
{
    struct err err;
    CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
    stand_sign_in(&stand);
    CHECK(stand_ask(&stand, "{'ask':'parser.list','who':'admin'}"));
    CHECK_INT(number(json_get(stand.json, "totals"), "sources"), 0);
    int64_t today = stand.now / DAY_NS;
    for (uint8_t source = 1; source <= 3; source++) {
        const struct desk_parse_count rows[] = {row_of(source, today, "sshd", PARSE_PATTERN, 10),
                                                row_of(source, today, "none", PARSE_NONE, source)};
        count(0, source, rows, 2);
    }
    CHECK(stand_ask(&stand, "{'ask':'parser.list','who':'admin'}"));
    CHECK_INT(number(json_get(stand.json, "totals"), "sources"), 3);
    CHECK_INT(number(json_get(stand.json, "totals"), "records"), 36);
    CHECK_INT(number(json_get(stand.json, "totals"), "parsed"), 30);
    CHECK_TEXT(json_str(json_get(json_first(json_get(stand.json, "sources")), "id"), STR_NONE),
               "03030303030303030303030303030303"); /* most that is not parsed first */
    CHECK(stand_ask(&stand, "{'ask':'parser.list','who':'admin','limit':1,'offset':2}"));
    CHECK_INT(json_get(stand.json, "sources")->count, 1);
    CHECK_TEXT(json_str(json_get(json_first(json_get(stand.json, "sources")), "id"), STR_NONE), SOURCE);
    CHECK(!stand_ask(&stand, "{'ask':'parser.list','who':'nobody'}"));
    CHECK(!stand_ask(&stand, "{'ask':'parser.source','who':'admin','id':'01'}"));
    CHECK(!stand_ask(&stand, "{'ask':'parser.source','who':'admin','id':'09090909090909090909090909090909'}"));
    CHECK(!stand_ask(&stand, "{'ask':'parser.source','who':'admin'}"));
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"counted once", once},
        {"old days go", days},
        {"lists", lists},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
