#include "codec/weblog.h"

#include "codec/timestamp.h"

#include <string.h>

static struct str no_dash(struct str s)
{
    return s.n == 1 && s.p[0] == '-' ? str_at(s.p, 0) : s;
}

/* A field up to the next blank; *s is left behind the blank. */
static struct str take_word(struct str *s)
{
    size_t end = str_find(*s, ' ');
    struct str word = str_slice(*s, 0, end);
    *s = str_skip(*s, end + 1);
    return no_dash(word);
}

/* A field in quotes, where \" is no end; *s is left behind it and one blank. False when there is none. */
static bool take_quoted(struct str *s, struct str *ret_text)
{
    if (s->n == 0 || s->p[0] != '"')
        return false;
    size_t at = 1;
    while (at < s->n && s->p[at] != '"')
        at += s->p[at] == '\\' && at + 1 < s->n ? 2 : 1;
    if (at >= s->n)
        return false;
    *ret_text = no_dash(str_slice(*s, 1, at));
    at++;
    at += at < s->n && s->p[at] == ' ';
    *s = str_skip(*s, at);
    return true;
}

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!char_is_digit(s.p[i]))
            return false;
    }
    return true;
}

/* "GET /a/b?c=d HTTP/1.1", or without the protocol as probes send it; anything else stays in `request` only. */
static void split_request(struct weblog *out)
{
    struct str rest = out->request;
    size_t blank = str_find(rest, ' ');
    if (blank == 0 || blank == rest.n)
        return;
    for (size_t i = 0; i < blank; i++) {
        if (!char_is_alpha(rest.p[i]) && rest.p[i] != '-' && rest.p[i] != '_')
            return;
    }
    size_t last = rest.n;
    while (rest.p[last - 1] != ' ')
        last--;
    struct str protocol = str_skip(rest, last);
    struct str uri = str_skip(rest, blank + 1);
    if (str_starts(protocol, STR("HTTP/")) && last > blank + 2) {
        out->protocol = protocol;
        uri = str_slice(rest, blank + 1, last - 1);
    } else if (uri.n == 0 || uri.p[0] != '/') {
        return;
    }
    out->method = str_slice(rest, 0, blank);
    size_t question = str_find(uri, '?');
    out->stem = str_slice(uri, 0, question);
    out->query = str_skip(uri, question + 1);
}

/* The user may hold blanks: it ends where " [" and a time begin. */
static bool take_user_and_time(struct str *s, struct weblog *out)
{
    size_t at = 0;
    for (;;) {
        size_t bracket = str_search(str_skip(*s, at), STR(" ["));
        if (at + bracket >= s->n)
            return false;
        at += bracket;
        struct str inner = str_skip(*s, at + 2);
        size_t n = timestamp_clf(inner, 0, &out->time_ns);
        if (n == 0)
            n = timestamp_iso(inner, 0, &out->time_ns);
        if (n != 0 && n + 1 < inner.n && inner.p[n] == ']' && inner.p[n + 1] == ' ') {
            out->user = no_dash(str_slice(*s, 0, at));
            *s = str_skip(inner, n + 2);
            return true;
        }
        at += 2;
    }
}

/* From the client on. */
static bool parse_from_client(struct str s, struct weblog *out)
{
    while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
        s.n--;
    out->client = take_word(&s);
    out->ident = take_word(&s);
    if (s.n == 0 || !take_user_and_time(&s, out) || !take_quoted(&s, &out->request))
        return false;
    out->status = take_word(&s);
    bool has_bytes = s.n > 0;
    out->bytes = take_word(&s);
    if (!has_bytes || !is_number(out->status) || out->status.n > 3 || !is_number(out->bytes))
        return false;
    split_request(out);
    struct str rest = s;
    if (take_quoted(&s, &out->referer) && take_quoted(&s, &out->agent))
        out->combined = true;
    else
        out->referer = STR_NONE;
    out->rest = out->combined ? s : rest;
    return true;
}

bool weblog_parse(struct str line, struct weblog *ret_weblog)
{
    memset(ret_weblog, 0, sizeof *ret_weblog);
    size_t bracket = str_find(line, '[');
    size_t blanks = 0;
    for (size_t i = 0; i < bracket && bracket < line.n; i++)
        blanks += line.p[i] == ' ';
    if (blanks < 3)
        return false;
    if (blanks == 4) { /* a virtual host in front, unless the user holds a blank: hosts have a '.' or ':' */
        struct str rest = line;
        struct str host = take_word(&rest);
        struct str client = str_slice(rest, 0, str_find(rest, ' '));
        bool address = str_find(client, '.') < client.n || str_find(client, ':') < client.n;
        if (address && parse_from_client(rest, ret_weblog)) {
            ret_weblog->vhost = host;
            return true;
        }
        memset(ret_weblog, 0, sizeof *ret_weblog);
    }
    if (parse_from_client(line, ret_weblog))
        return true;
    memset(ret_weblog, 0, sizeof *ret_weblog);
    return false;
}

/* --- squid --- */

/* "ACTION/STATUS", "HIERARCHY/PEER" */
static bool take_pair(struct str *s, struct str *ret_left, struct str *ret_right)
{
    struct str word = take_word(s);
    size_t slash = str_find(word, '/');
    *ret_left = str_slice(word, 0, slash);
    *ret_right = no_dash(str_skip(word, slash + 1));
    return slash > 0 && slash < word.n;
}

bool weblog_squid(struct str line, struct weblog *ret_weblog)
{
    struct weblog out = {.request = STR_NONE};
    struct str hierarchy;
    struct str s = str_trim(line);
    struct str time = take_word(&s);
    bool is_time = time.n == 14 && time.p[10] == '.' && timestamp_epoch(time, &out.time_ns) == time.n;
    while (s.n > 0 && s.p[0] == ' ')
        s = str_skip(s, 1);
    struct str elapsed = take_word(&s);
    out.client = take_word(&s);
    memset(ret_weblog, 0, sizeof *ret_weblog);
    if (!is_time || !elapsed.n || !is_number(elapsed) || !out.client.n || !take_pair(&s, &out.action, &out.status))
        return false;
    out.bytes = take_word(&s);
    out.request = s;
    out.method = take_word(&s);
    struct str url = take_word(&s);
    if (!is_number(out.status) || out.status.n != 3 || !out.bytes.n || !is_number(out.bytes) || !url.n)
        return false;
    out.request = str_at(out.request.p, (size_t)(url.p + url.n - out.request.p));
    out.user = take_word(&s);
    if (!take_pair(&s, &hierarchy, &out.peer) || s.n == 0)
        return false;
    size_t question = str_find(url, '?');
    out.stem = str_slice(url, 0, question);
    out.query = str_skip(url, question + 1);
    out.rest = take_word(&s);
    *ret_weblog = out;
    return true;
}

/* --- W3C extended --- */

static struct str trim_line(struct str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
        s.n--;
    return s;
}

/* The next value; tabs separate too; a quoted one loses its quotes ("" inside stays). */
static struct str take_value(struct str *s)
{
    size_t at = 0;
    struct str value;
    if (s->p[0] == '"') {
        for (at = 1; at < s->n && (s->p[at] != '"' || (at + 1 < s->n && s->p[at + 1] == '"')); at++)
            at += s->p[at] == '"';
        value = str_slice(*s, 1, at);
        at += at < s->n;
    } else {
        while (at < s->n && s->p[at] != ' ' && s->p[at] != '\t')
            at++;
        value = no_dash(str_slice(*s, 0, at));
    }
    while (at < s->n && (s->p[at] == ' ' || s->p[at] == '\t'))
        at++;
    *s = str_skip(*s, at);
    return value;
}

bool w3c_fields(struct str line, struct w3c *ret_w3c)
{
    static const struct str mark = STR_INIT("#Fields:");
    memset(ret_w3c, 0, sizeof *ret_w3c);
    if (!str_starts_nocase(line, mark))
        return false;
    struct str rest = str_trim(str_skip(line, mark.n));
    while (rest.n > 0) {
        if (ret_w3c->count == W3C_FIELDS_MAX)
            return false;
        ret_w3c->name[ret_w3c->count++] = take_value(&rest);
    }
    return ret_w3c->count > 0;
}

bool w3c_row(const struct w3c *w3c, struct str line, struct str ret_value[W3C_FIELDS_MAX])
{
    struct str rest = trim_line(line);
    uint32_t count = 0;
    if (rest.n == 0 || rest.p[0] == '#')
        return false;
    while (rest.n > 0) {
        if (count == w3c->count)
            return false;
        ret_value[count++] = take_value(&rest);
    }
    return count == w3c->count && count > 0;
}

bool w3c_time(const struct w3c *w3c, const struct str value[W3C_FIELDS_MAX], int64_t *ret_time_ns)
{
    struct str date = STR_NONE;
    struct str time = STR_NONE;
    for (uint32_t i = 0; i < w3c->count; i++) {
        if (str_is(w3c->name[i], "date"))
            date = value[i];
        else if (str_is(w3c->name[i], "time"))
            time = value[i];
    }
    char text[40];
    if (date.n != 10 || time.n < 8 || time.n > 20)
        return false;
    memcpy(text, date.p, 10);
    text[10] = 'T';
    memcpy(text + 11, time.p, time.n);
    return timestamp_iso(str_at(text, 11 + time.n), 0, ret_time_ns) == 11 + time.n;
}
