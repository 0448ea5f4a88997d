#include "wire/http.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

#define HOST "Host: h\r\n"

static void show_request(struct buf *buf, const struct http *http)
{
    buf_char(buf, '[');
    buf_str(buf, http->method);
    buf_char(buf, ' ');
    buf_str(buf, http->path);
    if (http->query.p) {
        buf_char(buf, '?');
        buf_str(buf, http->query);
    }
    if (http->length)
        buf_format(buf, " %lu", (unsigned long)http->length);
    buf_text(buf, http->chunked ? " chunked" : "");
    buf_text(buf, http->keep_alive ? "" : " close");
    buf_text(buf, http->expects ? " expects" : "");
    struct str probe = http_header(http, "x-probe");
    if (probe.p) {
        buf_char(buf, ' ');
        buf_str(buf, probe);
    }
    buf_char(buf, ']');
}

/* Feeds the text in parts cut at `first` and `second`, keeping what is not taken, as a connection does. */
static void run(struct buf *buf, struct str text, size_t first, size_t second)
{
    struct http http;
    struct buf in;
    const size_t ends[] = {first, second, text.n};
    size_t at = 0;
    enum http_step step = HTTP_MORE;
    buf_clear(buf);
    buf_init(&in, 4 * HTTP_HEAD_MAX);
    http_init(&http);
    for (size_t i = 0; i < ARRAY_LEN(ends) && step != HTTP_MALFORMED; i++) {
        buf_str(&in, str_slice(text, at, ends[i]));
        at = ends[i];
        struct str input = buf_view(&in);
        struct str piece = STR_NONE;
        while ((step = http_next(&http, &input, &piece)) != HTTP_MORE && step != HTTP_MALFORMED) {
            if (step == HTTP_REQUEST)
                show_request(buf, &http);
            else if (step == HTTP_BODY)
                buf_str(buf, piece);
            else
                buf_char(buf, '.');
            if (step == HTTP_BODY_END)
                http_begin(&http);
        }
        buf_consume(&in, in.n - input.n);
    }
    if (step == HTTP_MALFORMED)
        buf_format(buf, " %u %s", http.status, http.reason);
    else if (in.n)
        buf_format(buf, " +%zu", in.n);
    http_done(&http);
    buf_done(&in);
}

static const struct {
    const char *text;
    const char *want;
} rows[] = {
    {"", ""},
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "[GET /]."},
    {"GET / HTTP/1.1\n"
     "Host: h\n\n",
     "[GET /]."},
    {"\r\n\nGET / HTTP/1.1\r\n" HOST "\r\n", "[GET /]."},
    {"GET /a/b?c=d HTTP/1.1\r\n" HOST "X-PROBE:  v w \r\n\r\n", "[GET /a/b?c=d v w]."},
    {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "[GET / close]."},
    {"GET / HTTP/1.1\r\n" HOST "Connection: a, Close\r\n\r\n", "[GET / close]."},
    {"GET / HTTP/1.0\r\n\r\n", "[GET / close]."},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "[GET /]."},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nabcdGET / HTTP/1.1\r\n" HOST "\r\n",
     "[POST /x 4]abcd.[GET /]."},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\nExpect: 100-Continue\r\n\r\n", "[POST /x expects]."},
    {"POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n",
     "[POST /x chunked]abc0123456789."},
    {"POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\na\n0\nT: v\n\n", "[POST /x chunked]a."},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nabc", "[POST /x 4]abc"},
    {"POST /x HTTP/1.1\r\n" HOST, " +27"},
    {"G(T / HTTP/1.1\r\n" HOST "\r\n", " 400 the request line does not read"},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", " 400 the request line does not read"},
    {"GET x HTTP/1.1\r\n" HOST "\r\n", " 400 the request line does not read"},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", " 400 the request line does not read"},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", " 400 the request line does not read"},
    {"GET /\r\n\r\n", " 400 the request line does not read"},
    {"<13>a syslog line\n\n", " 400 the request line does not read"},
    {"GET / HTTP/1.1\r\n\r\n", " 400 one Host header is needed"},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", " 400 one Host header is needed"},
    {"GET / HTTP/1.1\r\n" HOST "a b: c\r\n\r\n", " 400 a header does not read, or there are more than 64"},
    {"GET / HTTP/1.1\r\n" HOST "a : c\r\n\r\n", " 400 a header does not read, or there are more than 64"},
    {"GET / HTTP/1.1\r\n" HOST "a: c\r\n d\r\n\r\n", " 400 a header does not read, or there are more than 64"},
    {"GET / HTTP/1.1\r\n" HOST "a: \001\r\n\r\n", " 400 a header does not read, or there are more than 64"},
    {"GET / HTTP/1.1\r\n" HOST "a: b\rc\r\n\r\n", " 400 a header does not read, or there are more than 64"},
    {"GET / HTTP/1.1\r\n" HOST "nothing\r\n\r\n", " 400 a header does not read, or there are more than 64"},
    {"P / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
     " 400 the length of the body is told twice"},
    {"P / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     " 400 the body has a length and chunks"},
    {"P / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", " 400 the body has a length and chunks"},
    {"P / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", " 501 a transfer coding other than chunked"},
    {"P / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", " 400 the length of the body is no number"},
    {"P / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\n", " 400 the length of the body is no number"},
    {"P / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n",
     " 400 the length of the body is no number"},
    {"P / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n",
     "[P / chunked] 400 the size of a chunk does not read"},
    {"P / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\n",
     "[P / chunked] 400 the size of a chunk does not read"},
    {"P / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n\r\n",
     "[P / chunked] 400 the size of a chunk does not read"},
    {"P / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n123456789\r\n",
     "[P / chunked] 400 the size of a chunk does not read"},
    {"P / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nabc",
     "[P / chunked]a 400 no line end behind a chunk"},
};

static void every_split(void)
{
    struct buf buf;
    buf_init(&buf, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_of(rows[i].text);
        for (size_t first = 0; first <= text.n; first++) {
            for (size_t second = first; second <= text.n; second++) {
                test_row("%zu cut at %zu and %zu", i, first, second);
                run(&buf, text, first, second);
                if (!CHECK_TEXT(buf_view(&buf), rows[i].want))
                    return;
            }
        }
    }
    buf_done(&buf);
}

/* What is longer than its limit is refused, and nothing longer is ever kept. */
static void limits(void)
{
    struct buf text;
    struct buf got;
    buf_init(&text, 1 << 20);
    buf_init(&got, 1 << 20);
    buf_text(&text, "GET / HTTP/1.1\r\nHost: h\r\nA: ");
    for (size_t i = 0; i < HTTP_HEAD_MAX; i++)
        buf_char(&text, 'a');
    run(&got, buf_view(&text), 10, 1000);
    CHECK_TEXT(buf_view(&got), " 431 the headers are longer than 16 KiB");
    buf_clear(&text);
    buf_text(&text, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
        buf_text(&text, "a: b\r\n");
    buf_text(&text, "\r\n");
    run(&got, buf_view(&text), 10, 100);
    CHECK_TEXT(buf_view(&got), " 400 a header does not read, or there are more than 64");
    static const char *const endless[] = {"1;", "0\r\nT: "};
    static const char *const want[] = {"[P / chunked] 400 the size of a chunk does not read",
                                       "[P / chunked] 431 the trailer is longer than 4 KiB"};
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        buf_clear(&text);
        buf_format(&text, "P / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%s", endless[i]);
        for (size_t k = 0; k < HTTP_TRAILER_MAX; k++)
            buf_char(&text, 'a');
        run(&got, buf_view(&text), 70, 100);
        CHECK_TEXT(buf_view(&got), want[i]);
    }
    buf_done(&got);
    buf_done(&text);
}

static void queries(void)
{
    struct http http;
    http_init(&http);
    struct str input = STR("GET /x?a=1&b&channel=c-d&a=2 HTTP/1.1\r\nHost: h\r\n\r\n");
    struct str piece;
    CHECK_INT(http_next(&http, &input, &piece), HTTP_REQUEST);
    CHECK_TEXT(http_query(&http, "a"), "1");
    CHECK_TEXT(http_query(&http, "channel"), "c-d");
    CHECK(http_query(&http, "b").p != NULL && http_query(&http, "b").n == 0);
    CHECK(http_query(&http, "chan").p == NULL);
    http_done(&http);
}

static void answers(void)
{
    struct buf out;
    buf_init(&out, 4096);
    http_answer(&out, 429, "Retry-After: 1\r\n", "text/plain", STR("later"));
    CHECK_TEXT(buf_view(&out), "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 5\r\n\r\nlater");
    buf_clear(&out);
    http_answer(&out, 204, "", NULL, STR_NONE);
    CHECK_TEXT(buf_view(&out), "HTTP/1.1 204 No Content\r\n\r\n");
    buf_done(&out);
}

static const struct test tests[] = {
    {"every split", every_split},
    {"limits", limits},
    {"queries", queries},
    {"answers", answers},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
