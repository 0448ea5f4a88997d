#include "codec/weblog.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/test.h"

#include <string.h>

static void show(struct buf *buf, struct str line)
{
    struct weblog w;
    char time[CIVIL_TEXT_MAX];
    if (!weblog_parse(line, &w)) {
        buf_text(buf, "refused");
        return;
    }
    civil_format(MAX(w.time_ns, INT64_MIN + SECOND_NS), 0, 0, time);
    buf_format(buf, "%s", time);
    const struct str parts[] = {w.vhost, w.client,   w.ident,  w.user,  w.request, w.method, w.stem,
                                w.query, w.protocol, w.status, w.bytes, w.referer, w.agent,  w.rest};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_format(buf, "|%.*s", STR_ARG(parts[i]));
    buf_text(buf, w.combined ? "|c" : "|");
}

#define T "[20/Nov/2026:23:15:00 +0500]"

static const struct {
    const char *line;
    const char *want;
} rows[] = {
    {"192.0.2.1 - ann " T " \"GET /a/b.php?x=1&y=2 HTTP/1.1\" 200 512\n",
     "2026-11-20T18:15:00Z||192.0.2.1||ann|GET /a/b.php?x=1&y=2 HTTP/1.1|GET|/a/b.php|x=1&y=2|HTTP/1.1|200|512||||"},
    {"192.0.2.1 - - " T " \"GET / HTTP/1.0\" 404 - \"-\" \"Mozilla/5.0 (X11) \\\"q\\\"\"",
     "2026-11-20T18:15:00Z||192.0.2.1|||GET / HTTP/1.0|GET|/||HTTP/1.0|404||"
     "|Mozilla/5.0 (X11) \\\"q\\\"||c"},
    {"192.0.2.1 - - " T " \"GET / HTTP/1.0\" 200 5 \"http://x/\" \"a\" 0.123 \"more\"",
     "2026-11-20T18:15:00Z||192.0.2.1|||GET / HTTP/1.0|GET|/||HTTP/1.0|200|5|http://x/|a|0.123 \"more\"|c"},
    {"www.example:443 2001:db8::1 - - " T " \"POST /x HTTP/2.0\" 302 0",
     "2026-11-20T18:15:00Z|www.example:443|2001:db8::1|||POST /x HTTP/2.0|POST|/x||HTTP/2.0|302|0||||"},
    {"192.0.2.1 - ann lee " T " \"GET / HTTP/1.0\" 200 5",
     "2026-11-20T18:15:00Z||192.0.2.1||ann lee|GET / HTTP/1.0|GET|/||HTTP/1.0|200|5||||"},
    {"192.0.2.1 - - " T " \"-\" 408 -", "2026-11-20T18:15:00Z||192.0.2.1||||||||408|||||"},
    {"192.0.2.1 - - " T " \"\\x16\\x03\\x01\" 400 226",
     "2026-11-20T18:15:00Z||192.0.2.1|||\\x16\\x03\\x01|||||400|226||||"},
    {"192.0.2.1 - - " T " \"GET /a b c HTTP/1.1\" 400 0",
     "2026-11-20T18:15:00Z||192.0.2.1|||GET /a b c HTTP/1.1|GET|/a b c||HTTP/1.1|400|0||||"},
    {"192.0.2.1 - - " T " \"GET /\" 200 0", "2026-11-20T18:15:00Z||192.0.2.1|||GET /|GET|/|||200|0||||"},
    {"192.0.2.1 - - [2026-11-20T23:15:00+05:00] \"GET / HTTP/1.1\" 200 0",
     "2026-11-20T18:15:00Z||192.0.2.1|||GET / HTTP/1.1|GET|/||HTTP/1.1|200|0||||"},
    {"h - - [x [y] " T " \"GET / HTTP/1.1\" 200 0",
     "2026-11-20T18:15:00Z||h||- [x [y]|GET / HTTP/1.1|GET|/||HTTP/1.1|200|0||||"},
    {"192.0.2.1 - - " T " \"GET x\" 200 0", "2026-11-20T18:15:00Z||192.0.2.1|||GET x|||||200|0||||"},
    {"192.0.2.1 - - " T " \"GET  HTTP/1.1\" 200 0", "2026-11-20T18:15:00Z||192.0.2.1|||GET  HTTP/1.1|||||200|0||||"},
    {"192.0.2.1 - - " T " \"G=T / HTTP/1.1\" 200 0", "2026-11-20T18:15:00Z||192.0.2.1|||G=T / HTTP/1.1|||||200|0||||"},
    {"192.0.2.1 - - " T " \" / HTTP/1.1\" 200 0", "2026-11-20T18:15:00Z||192.0.2.1||| / HTTP/1.1|||||200|0||||"},
    {"192.0.2.1 - - " T " \"GET / HTTP/1.1\" 200", "refused"},
    {"192.0.2.1 - - " T " \"GET / HTTP/1.1\" abc 5", "refused"},
    {"192.0.2.1 - - " T " \"GET / HTTP/1.1\" 2000 5", "refused"},
    {"192.0.2.1 - - " T " \"GET / HTTP/1.1 200 5", "refused"},
    {"192.0.2.1 - - " T " GET / HTTP/1.1 200 5", "refused"},
    {"192.0.2.1 - - [20/Nox/2026:23:15:00 +0500] \"GET / HTTP/1.1\" 200 5", "refused"},
    {"192.0.2.1 - " T " \"GET / HTTP/1.1\" 200 5", "refused"},
    {"[Sun Dec 04 04:47:44 2005] [notice] x", "refused"},
    {"a b c [", "refused"},
    {"a b c d [", "refused"},
    {"", "refused"},
};

static void lines(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[1024];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].line);
        show(&buf, str_of(rows[i].line));
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
}

static void squid_lines(void)
{
    static const struct {
        const char *line;
        const char *want;
    } data[] = {
        {"1795158000.123    200 192.0.2.5 TCP_TUNNEL/200 3900 CONNECT 203.0.113.9:22 - HIER_DIRECT/203.0.113.9 -\n",
         "192.0.2.5||TCP_TUNNEL|200|3900|CONNECT 203.0.113.9:22|CONNECT|203.0.113.9:22||203.0.113.9|"},
        {"1795158000.123 1234567 h TCP_MISS/304 0 GET http://a/b?c=d?e ann FIRSTUP_PARENT/proxy2 text/html x",
         "h|ann|TCP_MISS|304|0|GET http://a/b?c=d?e|GET|http://a/b|c=d?e|proxy2|text/html"},
        {"1795158000.123 0 h TCP_DENIED/403 9 GET error:invalid-request - HIER_NONE/- text/html",
         "h||TCP_DENIED|403|9|GET error:invalid-request|GET|error:invalid-request|||text/html"},
        {"1795158000.123 0 h NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -",
         "h||NONE|000|0|- error:transaction-end-before-headers||error:transaction-end-before-headers|||"},
        {"1795158000.123 0 h TCP_MISS/200 9 GET http://a/ - HIER_NONE/-", "refused"},
        {"1795158000.123 0 h TCP_MISS/200 9 GET http://a/ - HIER_NONE text/html", "refused"},
        {"1795158000.123 0 h TCP_MISS/200 9 GET", "refused"},
        {"1795158000.123 0 h TCP_MISS/2000 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"1795158000.123 0 h TCP_MISS/abc 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"1795158000.123 0 h TCP_MISS 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"1795158000.123 0 h /200 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"1795158000.123 0 h TCP_MISS/200 9x GET http://a/ - HIER_NONE/- -", "refused"},
        {"1795158000.123 0 - TCP_MISS/200 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"1795158000.123 x h TCP_MISS/200 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"1795158000.12 0 h TCP_MISS/200 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"1795158000 0 h TCP_MISS/200 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"179515800x.123 0 h TCP_MISS/200 9 GET http://a/ - HIER_NONE/- -", "refused"},
        {"", "refused"},
    };
    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        char text[512] = "refused";
        struct weblog w;
        struct buf buf;
        test_row("%zu %s", i, data[i].line);
        buf_init_fixed(&buf, text, sizeof text);
        if (!weblog_squid(str_of(data[i].line), &w)) {
            CHECK_TEXT(STR("refused"), data[i].want);
            continue;
        }
        const struct str parts[] = {w.client, w.user, w.action, w.status, w.bytes, w.request,
                                    w.method, w.stem, w.query,  w.peer,   w.rest};
        for (size_t p = 0; p < ARRAY_LEN(parts); p++)
            buf_format(&buf, "%s%.*s", p ? "|" : "", STR_ARG(parts[p]));
        CHECK_TEXT(buf_view(&buf), data[i].want);
        CHECK_INT(w.time_ns, INT64_C(1795158000123000000));
        for (size_t n = 0; n < strlen(data[i].line); n++)
            IGNORE(weblog_squid(str_slice(str_of(data[i].line), 0, n), &w)); /* only must not crash */
    }
}

static void w3c_lines(void)
{
    static const struct {
        const char *line;
        const char *want;
    } data[] = {
        {"2026-11-20 18:15:00 192.0.2.1 GET /a -\r\n", "2026-11-20T18:15:00Z|192.0.2.1|GET|/a|"},
        {"2026-11-20\t18:15:00\t192.0.2.1\tGET\t/a\tx", "2026-11-20T18:15:00Z|192.0.2.1|GET|/a|x"},
        {"2026-11-20 18:15:00 192.0.2.1 GET \"/a \"\"b\"\"\" x", "2026-11-20T18:15:00Z|192.0.2.1|GET|/a \"\"b\"\"|x"},
        {"2026-11-20 18:15 192.0.2.1 GET /a x", "no time|192.0.2.1|GET|/a|x"},
        {"2026-11-20 18:15:00 192.0.2.1 GET /a", "refused"},
        {"2026-11-20 18:15:00 192.0.2.1 GET /a x y", "refused"},
        {"#Software: x", "refused"},
        {"", "refused"},
        {"\"", "refused"},
    };
    struct w3c w3c;
    CHECK(!w3c_fields(STR("#Fields:"), &w3c) && !w3c_fields(STR("#Date: x"), &w3c) && !w3c_fields(STR(""), &w3c));
    CHECK(
        !w3c_fields(STR("#Fields: 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 "
                        "3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5"),
                    &w3c));
    CHECK(w3c_fields(STR("#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query\r\n"), &w3c));
    CHECK_INT(w3c.count, 6);
    CHECK_TEXT(w3c.name[5], "cs-uri-query");
    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        char text[256] = "refused";
        struct str value[W3C_FIELDS_MAX];
        struct buf buf;
        int64_t time_ns = 0;
        test_row("%zu %s", i, data[i].line);
        buf_init_fixed(&buf, text, sizeof text);
        if (!w3c_row(&w3c, str_of(data[i].line), value)) {
            CHECK_TEXT(STR("refused"), data[i].want);
            continue;
        }
        char time[CIVIL_TEXT_MAX] = "no time";
        if (w3c_time(&w3c, value, &time_ns))
            civil_format(time_ns, 0, 0, time);
        buf_text(&buf, time);
        for (uint32_t n = 2; n < w3c.count; n++)
            buf_format(&buf, "|%.*s", STR_ARG(value[n]));
        CHECK_TEXT(buf_view(&buf), data[i].want);
    }
}

static void cuts_and_flips(void)
{
    struct str text = str_of(rows[2].line);
    uint64_t random = 1;
    for (size_t i = 0; i < 20000; i++) {
        char copy[512];
        char memory[2048];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        memcpy(copy, text.p, text.n);
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (i > text.n)
            copy[(random >> 33) % text.n] ^= (char)(1u << (random >> 60 & 7));
        show(&buf, str_at(copy, i > text.n ? text.n : i));
        CHECK(!buf.overflow);
    }
}

static const struct test tests[] = {
    {"lines", lines}, {"squid", squid_lines}, {"W3C lines", w3c_lines}, {"cuts and flips", cuts_and_flips}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
