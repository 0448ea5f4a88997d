/* The page of searches: what is asked, and what is told of an answer, of one that takes its time, and of a refusal. */
#include "base/buf.h"
#include "base/test.h"
#include "web/fake_peers.h"

#include <stdio.h>
#include <string.h>

static void own_records_are_left_out(void)
{
    static const struct {
        const char *target;
        const char *asked;
    } rows[] = {
        {"/search", "\"query\":\"\",\"hide_own\":true"},
        {"/search?q=a+or+b", "\"query\":\"a or b\",\"hide_own\":true"},
        {"/search?q=a+or+b&own=yes", "\"query\":\"a or b\",\"hide_own\":false"},
        {"/search?q=type:lifecycle", "\"query\":\"type:lifecycle\",\"hide_own\":false"},
        {"/search?own=yes", "\"query\":\"\",\"hide_own\":false"},
    };
    peers_reset();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].target);
        CHECK_INT(status_of(get(rows[i].target)), 200);
        CHECK(strstr(peers.asked, rows[i].asked));
        bool own = strstr(rows[i].target, "own=yes") != NULL;
        CHECK(seen_has("name=\"own\" value=\"yes\" checked") == own);
        CHECK(seen_has("&amp;own=yes") == own); /* the links to older records and to bars of the histogram */
    }
    /* what is wrong is told of the query that the person wrote */
    peers.ask = "search";
    peers.json = STR("{\"ok\":false,\"error\":\"query_invalid\",\"text\":\"why\",\"offset\":1}");
    CHECK_INT(status_of(get("/search?q=(a")), 422);
    CHECK(strstr(peers.asked, "\"query\":\"(a\""));
    CHECK(seen_has("(<mark>a</mark>"));
}

/* A search that takes its time: progress, a way on and a stop; then its end, or anew when it is gone. */
static void search_under_way(void)
{
    peers_reset();
    peers.ask = "search";
    peers.json = STR("{\"ok\":true,\"events\":[],\"matched\":3,\"scanned\":9,\"complete\":false,\"permille\":421,"
                     "\"job\":\"00ff\"}");
    CHECK_INT(status_of(get("/search?q=a+b&range=7d&own=yes")), 200);
    CHECK(strstr(peers.asked, "\"wait_ms\":700") && !strstr(peers.asked, "\"job\""));
    CHECK(seen_has("<progress max=\"1000\" value=\"421\"") && seen_has("42 % searched"));
    CHECK(seen_has("data-from=\"/search?q=a%20b&amp;range=7d&amp;own=yes&amp;job=00ff\""));
    CHECK(seen_has("&amp;job=00ff&amp;stop=yes\">Stop<"));
    CHECK(!seen_has("stopped at its limit") && !seen_has("Nothing was found"));
    CHECK_INT(status_of(get("/search?q=a+b&job=00ff")), 200);
    CHECK(strstr(peers.asked, "\"job\":\"00ff\"") && !strstr(peers.asked, "\"stop\""));
    peers.json = STR("{\"ok\":true,\"events\":[],\"stopped\":true,\"complete\":false,\"permille\":421}");
    CHECK_INT(status_of(get("/search?q=a+b&job=00ff&stop=yes")), 200);
    CHECK(strstr(peers.asked, "\"stop\":true"));
    CHECK(seen_has("The search was stopped") && !seen_has("<progress") && !seen_has("data-refresh"));
    /* pages: of events by record number, of sorted ones by how many were given */
    peers.json = STR("{\"ok\":true,\"events\":[],\"complete\":false,\"next_before\":55,\"next_skip\":100,"
                     "\"now_ns\":7}");
    CHECK_INT(status_of(get("/search?q=a+b&before=99&skip=7")), 200);
    CHECK(strstr(peers.asked, "\"before\":99,\"skip\":7"));
    CHECK(seen_has("&amp;before=55&amp;skip=100&amp;now=7\">Show older<"));
    peers.json = STR("{\"ok\":true,\"events\":[],\"complete\":true,\"sorted\":true,\"next_before\":99,"
                     "\"next_skip\":200,\"now_ns\":7}");
    CHECK_INT(status_of(get("/search?q=a+b&before=99&skip=100&now=7")), 200);
    CHECK(strstr(peers.asked, "\"now_ns\":7"));
    CHECK(seen_has("range=24h&amp;before=99&amp;skip=200&amp;now=7\">Show the next ones<"));
    CHECK_INT(status_of(get("/search?q=a+b&now=-1")), 422);
    CHECK_INT(status_of(get("/search?q=a+b&skip=-1")), 422);
    /* gone: it is told, with the way to begin anew, and nothing begins by itself, least of all when it was to stop */
    static const char *const ways[] = {"/search?q=a+b&range=7d&job=00ff", "/search?q=a+b&range=7d&job=00ff&stop=yes"};
    peers.json = STR("{\"ok\":false,\"error\":\"search_gone\"}");
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        test_row("%s", ways[i]);
        CHECK_INT(status_of(get(ways[i])), 404);
        const char *once = strstr(peers.asked, "\"ask\":\"search\"");
        CHECK(once && !strstr(once + 1, "\"ask\":\"search\""));
        CHECK(strstr(peers.asked, "\"job\":\"00ff\""));
        CHECK(seen_has("<section id=\"found\" data-gone=\"yes\">") && seen_has("not under way any more"));
        CHECK(seen_has("href=\"/search?q=a%20b&amp;range=7d\">Search again<") && !seen_has("data-refresh"));
    }
}

/* What is wrong with a search is told in a text of its own, and is the asker's to mend: no 500, no silent default. */
static void search_refuses(void)
{
    static const struct {
        const char *target;
        const char *answer; /* NULL: nobody is asked */
        unsigned status;
        const char *says;
    } rows[] = {
        {"/search?range=custom&from=x", NULL, 422, "The time must be"},
        {"/search?range=custom&from=2026-11-21T00:00&to=2026-11-20T00:00", NULL, 422, "must begin before it ends"},
        {"/search?range=year", NULL, 422, "malformed"},
        {"/search?before=x", NULL, 422, "malformed"},
        {"/search?before=-1", NULL, 422, "malformed"},
        {"/search?before=99999999999999999999", NULL, 422, "malformed"},
        {"/search?q=(a", "query_invalid", 422, "was not understood"},
        {"/search?q=a", "question_invalid", 400, "malformed"},
        {"/search?q=a", "search_too_large", 422, "more memory"},
        {"/search?q=a", "search_failed", 500, "The search failed"},
        {"/records/7", "record_not_found", 404, "no such record"},
        {"/records/7/proof.txt", "proof_not_yet", 404, "no proof of the record yet"},
        {"/proof-sheet.txt?records=x", "question_invalid", 400, "malformed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[128];
        test_row("%s %s", rows[i].target, rows[i].answer ? rows[i].answer : "");
        peers_reset();
        snprintf(json, sizeof json, "{\"ok\":false,\"error\":\"%s\"}", rows[i].answer ? rows[i].answer : "");
        peers.json = str_of(json);
        peers.ask = rows[i].answer == NULL                   ? "none"
                    : strstr(rows[i].target, "/proof-sheet") ? "sheet"
                    : strstr(rows[i].target, "/proof")       ? "proof"
                    : strstr(rows[i].target, "/records")     ? "record"
                                                             : "search";
        CHECK_INT(status_of(get(rows[i].target)), rows[i].status);
        CHECK(seen_has(rows[i].says));
    }
}

/* A histogram from anywhere, with steps of any length: what cannot be drawn is left out. */
static void histogram_bounds(void)
{
    static const struct {
        int64_t from_ns;
        int64_t step_ns;
        bool drawn;
    } rows[] = {
        {0, 1, true},
        {0, INT64_C(31536000000000000), true},
        {INT64_C(1795219893000000000), INT64_C(31536000000000000), true},
        {INT64_MAX - 1, 1, false},
        {1, INT64_MAX, false},
        {INT64_C(9000000000000000000), INT64_C(315360000000000000), false},
        {-1, 1, false},
        {0, 0, false},
        {0, -5, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[256];
        test_row("%lld %lld", (long long)rows[i].from_ns, (long long)rows[i].step_ns);
        peers_reset();
        snprintf(json, sizeof json,
                 "{\"ok\":true,\"events\":[],\"complete\":true,\"histogram\":{\"from_ns\":%lld,\"step_ns\":%lld,"
                 "\"counts\":[1,0,3,9]}}",
                 (long long)rows[i].from_ns, (long long)rows[i].step_ns);
        peers.ask = "search";
        peers.json = str_of(json);
        CHECK_INT(status_of(get("/search?q=a")), 200);
        CHECK(seen_has("class=\"histogram\"") == rows[i].drawn);
    }
}

static void search_tables(void)
{
    peers_reset();
    peers.ask = "search";
    peers.json = STR("{\"ok\":true,\"events\":[],\"complete\":true,\"matched\":7,\"table\":{\"columns\":["
                     "{\"name\":\"host\",\"kind\":\"text\"},{\"name\":\"count\",\"kind\":\"count\"}],\"step_ns\":0,"
                     "\"rows\":[[\"<b>web1\",5],[\"db2\",2]],\"rows_total\":2,\"lost\":4},"
                     "\"explain\":{\"segments\":160,\"blocks\":5120,\"blocks_by_filter\":5119,\"bytes_read\":2048},"
                     "\"elapsed_ns\":12300000}");
    CHECK_INT(status_of(get("/search?q=%7C+count+by+host")), 200);
    CHECK(seen_has("&lt;b&gt;web1") && !seen_has("<b>web1"));
    CHECK(seen_has("<rect width=\"100\" height=\"4\"") && seen_has("<rect width=\"40\" height=\"4\""));
    CHECK(seen_has("4 records are not in the table"));
    CHECK(seen_has("5\xe2\x80\xaf"
                   "119") &&
          seen_has("2.0"));
    CHECK(seen_has("12.3") && !seen_has("class=\"histogram chart\""));
    peers.json = STR("{\"ok\":true,\"events\":[],\"complete\":true,\"matched\":7,\"table\":{\"columns\":["
                     "{\"name\":\"time\",\"kind\":\"time\"},{\"name\":\"host\",\"kind\":\"text\"},"
                     "{\"name\":\"count\",\"kind\":\"count\"}],\"step_ns\":60000000000,\"rows\":["
                     "[1795219860000000000,\"web1\",5],[1795219860000000000,\"db2\",5],"
                     "[1795220040000000000,\"web1\",2]],\"rows_total\":3,\"lost\":0}}");
    CHECK_INT(status_of(get("/search?q=%7C+timechart+1m+by+host")), 200);
    CHECK(seen_has("class=\"histogram chart\"") && seen_has("viewBox=\"0 0 32 60\""));
    CHECK(seen_has("<rect class=\"s0\" x=\"0\" y=\"30\" width=\"7\" height=\"30\">"));
    CHECK(seen_has("<rect class=\"s1\" x=\"0\" y=\"0\" width=\"7\" height=\"30\">"));
    CHECK(seen_has("<rect class=\"s0\" x=\"24\" y=\"48\" width=\"7\" height=\"12\">"));
    CHECK(seen_has("class=\"legend\""));
    /* what cannot be drawn is left out */
    static const char *const odd[] = {
        "{\"ok\":true,\"table\":{}}",
        "{\"ok\":true,\"table\":[1]}",
        "{\"ok\":true,\"table\":{\"columns\":[{\"name\":\"a\",\"kind\":\"time\"}],\"step_ns\":1,\"rows\":[[1],[],[{}],"
        "7]}}",
        "{\"ok\":true,\"table\":{\"columns\":[{\"kind\":\"time\"},{\"kind\":\"count\"}],\"step_ns\":1,"
        "\"rows\":[[0,1],[9223372036854775807,9223372036854775807]]}}",
        "{\"ok\":true,\"table\":{\"columns\":7,\"rows\":\"x\",\"step_ns\":-1}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        test_row("%s", odd[i]);
        peers.json = str_of(odd[i]);
        CHECK_INT(status_of(get("/search?q=x")), 200);
        CHECK(!seen_has("<rect class"));
    }
}

static const struct test tests[] = {
    {"own records are left out", own_records_are_left_out},
    {"a search under way", search_under_way},
    {"a search refuses", search_refuses},
    {"bounds of a histogram", histogram_bounds},
    {"tables and charts of a search", search_tables},
};

int main(int argc, char **argv)
{
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
