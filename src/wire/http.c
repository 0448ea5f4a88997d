#include "wire/http.h"

#include "base/assert.h"

#include <string.h>

#define CHUNK_DIGITS 8u /* a chunk has less than 4 GiB */

void http_init(struct http *http)
{
    *http = (struct http){.state = HTTP_HEAD};
    buf_init(&http->head, HTTP_HEAD_MAX);
}

void http_done(struct http *http)
{
    buf_done(&http->head);
}

void http_begin(struct http *http)
{
    ASSERT(http->state == HTTP_COMPLETE);
    struct buf head = http->head;
    buf_clear(&head);
    *http = (struct http){.state = HTTP_HEAD, .head = head};
}

static void state_to(struct http *http, enum http_state state)
{
    ASSERT(http->state < HTTP_COMPLETE && state != HTTP_HEAD);
    http->state = state;
}

static enum http_step malformed(struct http *http, unsigned status, const char *reason)
{
    http->status = status;
    http->reason = reason;
    return HTTP_MALFORMED;
}

/* --- the head --- */

static bool is_token(struct str text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~"; /* RFC 9110 5.6.2 */
    for (size_t i = 0; i < text.n; i++)
        if (!char_is_alnum(text.p[i]) && (text.p[i] == '\0' || !strchr(marks, text.p[i])))
            return false;
    return text.n > 0;
}

static bool is_printable(struct str text, bool blanks)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == 0x7f || c < ' ' ? !(blanks && c == '\t') : c == ' ' && !blanks)
            return false;
    }
    return true;
}

/* Where the head ends, behind its empty line; 0 when that is not in sight. Line ends are LF or CR LF. */
static size_t head_end(struct str input)
{
    size_t limit = MIN(input.n, (size_t)HTTP_HEAD_MAX);
    size_t at = 0;
    while (at < limit) {
        size_t end = at + str_find(str_slice(input, at, limit), '\n');
        if (end == limit)
            return 0;
        bool empty = end == at || (end == at + 1 && input.p[at] == '\r');
        if (empty)
            return end + 1;
        at = end + 1;
    }
    return 0;
}

static struct str line_cut(struct str *rest)
{
    struct str line = str_cut(rest, '\n');
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool request_line(struct http *http, struct str line, bool *ret_old)
{
    struct str rest = line;
    http->method = str_cut(&rest, ' ');
    struct str target = str_cut(&rest, ' ');
    if (!is_token(http->method) || !target.n || target.p[0] != '/' || !is_printable(target, false))
        return false;
    *ret_old = str_is(rest, "HTTP/1.0");
    if (!*ret_old && !str_is(rest, "HTTP/1.1"))
        return false;
    http->path = str_cut(&target, '?');
    http->query = target;
    return true;
}

static bool header_line(struct http *http, struct str line)
{
    struct str value = line;
    struct str name = str_cut(&value, ':');
    if (!value.p || !is_token(name) || !is_printable(value, true) || http->header_count == HTTP_HEADERS_MAX)
        return false;
    http->headers[http->header_count++] = (struct http_header){name, str_trim(value)};
    return true;
}

struct str http_header(const struct http *http, const char *name)
{
    for (size_t i = 0; i < http->header_count; i++)
        if (str_eq_nocase(http->headers[i].name, str_of(name)))
            return http->headers[i].value;
    return STR_NONE;
}

static size_t header_times(const struct http *http, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < http->header_count; i++)
        count += str_eq_nocase(http->headers[i].name, str_of(name));
    return count;
}

static bool list_has(struct str list, struct str word)
{
    while (list.p)
        if (str_eq_nocase(str_trim(str_cut(&list, ',')), word))
            return true;
    return false;
}

/* How long the body is, and what else of the head rules the connection. */
static enum http_step framing(struct http *http, bool old)
{
    struct str coding = http_header(http, "transfer-encoding");
    struct str length = http_header(http, "content-length");
    struct str connection = http_header(http, "connection");
    if (header_times(http, "content-length") > 1 || header_times(http, "transfer-encoding") > 1)
        return malformed(http, 400, "the length of the body is told twice");
    if (coding.p && (length.p || old))
        return malformed(http, 400, "the body has a length and chunks");
    if (coding.p && !str_eq_nocase(coding, STR("chunked")))
        return malformed(http, 501, "a transfer coding other than chunked");
    if (length.p && !str_to_u64(length, &http->length))
        return malformed(http, 400, "the length of the body is no number");
    if (!old && header_times(http, "host") != 1)
        return malformed(http, 400, "one Host header is needed");
    http->chunked = coding.p != NULL;
    http->left = http->length;
    http->keep_alive = old ? list_has(connection, STR("keep-alive")) : !list_has(connection, STR("close"));
    http->expects = !old && str_eq_nocase(http_header(http, "expect"), STR("100-continue"));
    state_to(http, http->chunked ? HTTP_CHUNK_SIZE : HTTP_LENGTH);
    return HTTP_REQUEST;
}

static enum http_step step_head(struct http *http, struct str *input)
{
    bool old = false;
    while (input->n && (input->p[0] == '\n' || (input->p[0] == '\r' && input->n > 1 && input->p[1] == '\n')))
        *input = str_skip(*input, 1); /* RFC 9112 2.2: empty lines before a request */
    size_t n = head_end(*input);
    if (n == 0)
        return input->n < HTTP_HEAD_MAX ? HTTP_MORE : malformed(http, 431, "the headers are longer than 16 KiB");
    buf_clear(&http->head);
    buf_str(&http->head, str_slice(*input, 0, n));
    if (http->head.overflow)
        return malformed(http, 503, "no memory");
    *input = str_skip(*input, n);
    struct str rest = buf_view(&http->head);
    if (!request_line(http, line_cut(&rest), &old))
        return malformed(http, 400, "the request line does not read");
    for (struct str line = line_cut(&rest); line.n; line = line_cut(&rest))
        if (!header_line(http, line))
            return malformed(http, 400, "a header does not read, or there are more than 64");
    return framing(http, old);
}

/* --- the body --- */

static enum http_step piece_cut(struct http *http, struct str *input, struct str *ret_piece)
{
    size_t n = MIN(MIN(input->n, (size_t)HTTP_PIECE_MAX), http->left);
    *ret_piece = str_slice(*input, 0, n);
    *input = str_skip(*input, n);
    http->left -= n;
    return n ? HTTP_BODY : HTTP_MORE;
}

static enum http_step step_length(struct http *http, struct str *input, struct str *ret_piece)
{
    if (http->left > 0)
        return piece_cut(http, input, ret_piece);
    state_to(http, HTTP_COMPLETE);
    return HTTP_BODY_END;
}

/* A line that is whole; RC_AGAIN, or RC_LIMIT past `most` bytes. */
static enum rc line_whole(struct str *input, size_t most, struct str *ret_line)
{
    size_t end = str_find(str_slice(*input, 0, most), '\n');
    if (end == MIN(input->n, most))
        return input->n < most ? RC_AGAIN : RC_LIMIT;
    struct str rest = *input;
    *ret_line = line_cut(&rest);
    *input = rest;
    return RC_OK;
}

static enum http_step step_chunk_size(struct http *http, struct str *input)
{
    struct str line;
    enum rc rc = line_whole(input, HTTP_LINE_MAX, &line);
    if (rc == RC_AGAIN)
        return HTTP_MORE;
    struct str extension = rc == RC_OK ? line : STR_NONE;
    struct str size = str_trim(str_cut(&extension, ';'));
    bool hex = size.n > 0 && size.n <= CHUNK_DIGITS;
    for (size_t i = 0; i < size.n; i++)
        hex = hex && (char_is_digit(size.p[i]) || (char_lower(size.p[i]) >= 'a' && char_lower(size.p[i]) <= 'f'));
    if (!hex || !str_hex_to_u64(size, &http->left))
        return malformed(http, 400, "the size of a chunk does not read");
    state_to(http, http->left ? HTTP_CHUNK_DATA : HTTP_TRAILER);
    return HTTP_MORE;
}

static enum http_step step_chunk_end(struct http *http, struct str *input)
{
    struct str line;
    enum rc rc = line_whole(input, 2, &line);
    if (rc == RC_AGAIN)
        return HTTP_MORE;
    if (rc != RC_OK || line.n)
        return malformed(http, 400, "no line end behind a chunk");
    state_to(http, HTTP_CHUNK_SIZE);
    return HTTP_MORE;
}

/* Trailers are passed over. */
static enum http_step step_trailer(struct http *http, struct str *input)
{
    struct str line;
    size_t before = input->n;
    enum rc rc = line_whole(input, HTTP_TRAILER_MAX - http->left, &line);
    if (rc == RC_AGAIN)
        return HTTP_MORE;
    if (rc != RC_OK)
        return malformed(http, 431, "the trailer is longer than 4 KiB");
    http->left += before - input->n;
    if (line.n)
        return http->left < HTTP_TRAILER_MAX ? HTTP_MORE : malformed(http, 431, "the trailer is longer than 4 KiB");
    state_to(http, HTTP_COMPLETE);
    return HTTP_BODY_END;
}

enum http_step http_next(struct http *http, struct str *input, struct str *ret_piece)
{
    for (;;) {
        size_t left = input->n;
        enum http_state state = http->state;
        enum http_step step = HTTP_MORE;
        switch (state) {
        case HTTP_HEAD:
            step = step_head(http, input);
            break;
        case HTTP_LENGTH:
            step = step_length(http, input, ret_piece);
            break;
        case HTTP_CHUNK_SIZE:
            step = step_chunk_size(http, input);
            break;
        case HTTP_CHUNK_DATA:
            step = piece_cut(http, input, ret_piece);
            if (step == HTTP_BODY && http->left == 0)
                state_to(http, HTTP_CHUNK_END);
            break;
        case HTTP_CHUNK_END:
            step = step_chunk_end(http, input);
            break;
        case HTTP_TRAILER:
            step = step_trailer(http, input);
            break;
        case HTTP_COMPLETE:
            ASSERT(state != HTTP_COMPLETE); /* the caller says http_begin first */
        }
        if (step != HTTP_MORE || (http->state == state && input->n == left))
            return step;
    }
}

struct str http_query(const struct http *http, const char *key)
{
    struct str rest = http->query;
    while (rest.p) {
        struct str value = str_cut(&rest, '&');
        struct str name = str_cut(&value, '=');
        if (str_is(name, key))
            return value.p ? value : STR("");
    }
    return STR_NONE;
}

/* --- answers --- */

const char *http_status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } rows[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return rows[i].text;
    return "Unknown";
}

void http_answer(struct buf *out, unsigned status, const char *headers, const char *type, struct str body)
{
    buf_format(out, "HTTP/1.1 %u %s\r\n%s", status, http_status_text(status), headers);
    if (type)
        buf_format(out, "Content-Type: %s\r\n", type);
    if (status != 204) /* RFC 9110 8.6 */
        buf_format(out, "Content-Length: %zu\r\n", body.n);
    buf_text(out, "\r\n");
    if (status != 204)
        buf_str(out, body);
}
