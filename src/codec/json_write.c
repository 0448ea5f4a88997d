#include "base/assert.h"
#include "codec/json.h"
#include "codec/scan.h"
#include "codec/utf8.h"

#include <stdio.h>
#include <string.h>

/* No writer state: whether a comma belongs here can be read off the last byte. A complete value ends in a quote, a
 * closing bracket, a digit or a letter (true, false, null); everything else ('{', '[', ':', ',', blanks) does not. */
static void comma(struct buf *buf)
{
    if (buf->n == 0)
        return;
    char last = buf->p[buf->n - 1];
    if (last == '"' || last == '}' || last == ']' || char_is_alnum(last))
        buf_char(buf, ',');
}

void json_write_object(struct buf *buf)
{
    comma(buf);
    buf_char(buf, '{');
}

void json_write_object_end(struct buf *buf)
{
    buf_char(buf, '}');
}

void json_write_array(struct buf *buf)
{
    comma(buf);
    buf_char(buf, '[');
}

void json_write_array_end(struct buf *buf)
{
    buf_char(buf, ']');
}

/* Bytes at the beginning that need no care: no quote, backslash, control character, '/', DEL or byte above ASCII. */
static size_t plain_prefix(struct str s)
{
    bool non_ascii = false;
    size_t n = scan_quoted(s.p, s.n, &non_ascii);
    if (non_ascii)
        n = scan_ascii(s.p, n);
    const char *slash = n > 0 ? memchr(s.p, '/', n) : NULL;
    return slash != NULL ? (size_t)(slash - s.p) : n;
}

static void escape_ascii(struct buf *buf, char c, char before)
{
    static const char names[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (size_t i = 0; i + 1 < sizeof names; i += 2) {
        if (names[i] == c) {
            buf_char(buf, '\\');
            buf_char(buf, names[i + 1]);
            return;
        }
    }
    if ((uint8_t)c < 0x20) {
        buf_format(buf, "\\u%04x", (unsigned)c);
        return;
    }
    if (c == '/' && before == '<')
        buf_char(buf, '\\');
    buf_char(buf, c);
}

/* A run of bytes above ASCII; returns its length. */
static size_t write_non_ascii(struct buf *buf, struct str s)
{
    size_t at = 0;
    while (at < s.n && (uint8_t)s.p[at] >= 0x80) {
        uint32_t code = 0;
        size_t n = utf8_decode(str_skip(s, at), &code);
        if (code == UTF8_REPLACEMENT)
            buf_text(buf, "\xef\xbf\xbd");
        else if (code == 0x2028 || code == 0x2029)
            buf_text(buf, code == 0x2028 ? "\\u2028" : "\\u2029");
        else
            buf_put(buf, s.p + at, n);
        at += n;
    }
    return at;
}

static void quoted(struct buf *buf, struct str s)
{
    buf_char(buf, '"');
    size_t at = 0;
    while (at < s.n && !buf->overflow) {
        size_t n = plain_prefix(str_skip(s, at));
        if (n > 0)
            buf_put(buf, s.p + at, n);
        at += n;
        if (at == s.n)
            break;
        if ((uint8_t)s.p[at] >= 0x80) {
            at += write_non_ascii(buf, str_skip(s, at));
        } else {
            escape_ascii(buf, s.p[at], at > 0 ? s.p[at - 1] : '\0');
            at++;
        }
    }
    buf_char(buf, '"');
}

void json_write_canonical(struct buf *buf, struct str value)
{
    comma(buf);
    buf_char(buf, '"');
    for (size_t at = 0; at < value.n && !buf->overflow;) {
        uint32_t code = 0;
        size_t n = utf8_decode(str_skip(value, at), &code);
        if (code == UTF8_REPLACEMENT)
            buf_text(buf, "\xef\xbf\xbd");
        else if (n == 1)
            escape_ascii(buf, value.p[at], '\0'); /* "</" stays as it is */
        else
            buf_put(buf, value.p + at, n);
        at += n;
    }
    buf_char(buf, '"');
}

void json_write_key_slice(struct buf *buf, struct str key)
{
    comma(buf);
    quoted(buf, key);
    buf_char(buf, ':');
}

void json_write_key(struct buf *buf, const char *key)
{
    json_write_key_slice(buf, str_of(key));
}

void json_write_str(struct buf *buf, struct str value)
{
    comma(buf);
    quoted(buf, value);
}

void json_write_text(struct buf *buf, const char *zero_terminated)
{
    if (zero_terminated == NULL)
        json_write_null(buf);
    else
        json_write_str(buf, str_of(zero_terminated));
}

void json_write_int(struct buf *buf, int64_t value)
{
    comma(buf);
    buf_i64(buf, value);
}

void json_write_u64(struct buf *buf, uint64_t value)
{
    comma(buf);
    buf_u64(buf, value);
}

void json_write_double(struct buf *buf, double value)
{
    char text[40];
    if (!__builtin_isfinite(value)) {
        json_write_null(buf);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        int n = snprintf(text, sizeof text, "%.*g", precision, value);
        double back = 0;
        if (n > 0 && str_to_double(str_of(text), &back) && memcmp(&back, &value, sizeof back) == 0)
            break;
    }
    comma(buf);
    buf_text(buf, text);
}

void json_write_bool(struct buf *buf, bool value)
{
    comma(buf);
    buf_text(buf, value ? "true" : "false");
}

void json_write_null(struct buf *buf)
{
    comma(buf);
    buf_text(buf, "null");
}

void json_write_hex(struct buf *buf, struct str bytes)
{
    comma(buf);
    buf_text(buf, "\"0x");
    buf_hex(buf, bytes.p, bytes.n);
    buf_char(buf, '"');
}

void json_write_address(struct buf *buf, struct str bytes)
{
    ASSERT(bytes.n == 4 || bytes.n == 16);
    comma(buf);
    buf_char(buf, '"');
    if (bytes.n == 4)
        buf_ipv4(buf, (const uint8_t *)bytes.p);
    else
        buf_ipv6(buf, (const uint8_t *)bytes.p);
    buf_char(buf, '"');
}

void json_write_raw(struct buf *buf, struct str json)
{
    comma(buf);
    buf_str(buf, json);
}

void json_put_str(struct buf *buf, const char *key, struct str value)
{
    json_write_key(buf, key);
    json_write_str(buf, value);
}

void json_put_text(struct buf *buf, const char *key, const char *zero_terminated)
{
    json_write_key(buf, key);
    json_write_text(buf, zero_terminated);
}

void json_put_int(struct buf *buf, const char *key, int64_t value)
{
    json_write_key(buf, key);
    json_write_int(buf, value);
}

void json_put_u64(struct buf *buf, const char *key, uint64_t value)
{
    json_write_key(buf, key);
    json_write_u64(buf, value);
}

void json_put_bool(struct buf *buf, const char *key, bool value)
{
    json_write_key(buf, key);
    json_write_bool(buf, value);
}

void json_put_member(struct buf *buf, const struct json_value *member)
{
    json_write_key_slice(buf, member->key);
    if (member->kind == JSON_STRING)
        json_write_str(buf, member->text);
    else
        json_write_raw(buf, member->text);
}
