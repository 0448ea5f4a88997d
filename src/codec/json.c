#include "codec/json.h"

#include "base/assert.h"
#include "codec/json_reader.h"
#include "codec/scan.h"
#include "codec/utf8.h"

#include <string.h>

void json_reader_init(struct json_reader *reader, struct str text, uint32_t depth_limit)
{
    memset(reader, 0, sizeof *reader);
    reader->in = text;
    reader->depth_limit = MIN(depth_limit, JSON_DEPTH_MAX);
    reader->expect = EXPECT_VALUE;
    if (str_starts(text, STR("\xef\xbb\xbf")))
        reader->at = 3;
}

static enum json_kind fail(struct json_reader *r, enum rc rc, size_t at, const char *reason)
{
    r->rc = rc;
    r->reason = reason;
    r->at = at;
    r->expect = EXPECT_NOTHING;
    return JSON_ERROR;
}

static enum json_kind invalid(struct json_reader *r, const char *reason)
{
    return fail(r, RC_INVALID, r->at, r->at == r->in.n ? "the text ends too early" : reason);
}

static enum json_kind open_level(struct json_reader *r, bool object)
{
    if (r->depth >= r->depth_limit)
        return fail(r, RC_LIMIT, r->at, "nested too deeply");
    uint64_t bit = UINT64_C(1) << (r->depth % 64);
    uint64_t *word = &r->objects[r->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    r->depth++;
    r->at++;
    r->expect = object ? EXPECT_FIRST_KEY : EXPECT_FIRST_ITEM;
    return object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_kind close_level(struct json_reader *r, bool object)
{
    if (r->depth == 0 || json_in_object(r) != object)
        return invalid(r, "bracket closes nothing");
    r->depth--;
    r->at++;
    r->expect = EXPECT_AFTER;
    return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static bool is_hex(char c)
{
    return char_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

const char json_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
};

static uint32_t hex4(const char *p)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t digit = char_is_digit(c) ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a') + 10;
        value = value << 4 | digit;
    }
    return value;
}

bool json_escape_u(const char *p, size_t n, uint32_t *ret_code)
{
    if (n < 6 || p[1] != 'u' || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5]))
        return false;
    *ret_code = hex4(p + 2);
    return true;
}

/* Length of the escape at p (its backslash), or 0. */
static size_t escape_length(const char *p, size_t n)
{
    uint32_t code;
    if (n >= 2 && json_escapes[(uint8_t)p[1]])
        return 2;
    return json_escape_u(p, n, &code) ? 6 : 0;
}

/* Reads a string whose opening quote is at r->at; leaves r->at behind the closing one. */
static bool take_string(struct json_reader *r, struct json_token *token)
{
    const char *p = r->in.p;
    size_t start = r->at + 1;
    size_t at = start;
    for (;;) {
        at += scan_quoted(p + at, r->in.n - at, &token->non_ascii);
        if (at == r->in.n)
            break;
        if (p[at] == '"') {
            token->text = str_at(p + start, at - start);
            r->at = at + 1;
            return true;
        }
        size_t escape = p[at] == '\\' ? escape_length(p + at, r->in.n - at) : 0;
        if (escape == 0) {
            fail(r, RC_INVALID, at, p[at] == '\\' ? "unknown or cut escape" : "control character inside a string");
            return false;
        }
        token->escaped = true;
        at += escape;
        while (at + 1 < r->in.n && p[at] == '\\' &&
               json_escapes[(uint8_t)p[at + 1]]) /* they come in twos: \r\n, \n\t */
            at += 2;
    }
    fail(r, RC_INVALID, r->in.n, "the text ends inside a string");
    return false;
}

static size_t digits(const char *p, size_t at, size_t n)
{
    while (at < n && char_is_digit(p[at]))
        at++;
    return at;
}

static enum json_kind take_number(struct json_reader *r, struct json_token *token)
{
    const char *p = r->in.p;
    size_t n = r->in.n;
    size_t at = r->at;
    at += p[at] == '-';
    size_t first = at;
    at = digits(p, at, n);
    bool good = at > first && (p[first] != '0' || at == first + 1);
    if (good && at < n && p[at] == '.') {
        first = at + 1;
        at = digits(p, first, n);
        good = at > first;
    }
    if (good && at < n && (p[at] == 'e' || p[at] == 'E')) {
        at++;
        at += at < n && (p[at] == '+' || p[at] == '-');
        first = at;
        at = digits(p, first, n);
        good = at > first;
    }
    if (!good)
        return fail(r, RC_INVALID, at, "not a number");
    token->text = str_at(p + r->at, at - r->at);
    r->at = at;
    r->expect = EXPECT_AFTER;
    return JSON_NUMBER;
}

static enum json_kind take_word(struct json_reader *r, struct json_token *token, struct str word, enum json_kind kind)
{
    if (!str_starts(str_skip(r->in, r->at), word))
        return invalid(r, "not a value");
    token->text = str_at(r->in.p + r->at, word.n);
    r->at += word.n;
    r->expect = EXPECT_AFTER;
    return kind;
}

static enum json_kind take_value(struct json_reader *r, struct json_token *token)
{
    if (r->at == r->in.n)
        return invalid(r, "");
    token->text = str_at(r->in.p + r->at, 1);
    switch (r->in.p[r->at]) {
    case '"':
        if (!take_string(r, token))
            return JSON_ERROR;
        r->expect = EXPECT_AFTER;
        return JSON_STRING;
    case '{':
        return open_level(r, true);
    case '[':
        return open_level(r, false);
    case 't':
        return take_word(r, token, STR("true"), JSON_TRUE);
    case 'f':
        return take_word(r, token, STR("false"), JSON_FALSE);
    case 'n':
        return take_word(r, token, STR("null"), JSON_NULL);
    default:
        if (r->in.p[r->at] == '-' || char_is_digit(r->in.p[r->at]))
            return take_number(r, token);
        return invalid(r, "not a value");
    }
}

static void skip_blanks(struct json_reader *r)
{
    const char *p = r->in.p;
    size_t at = r->at;
    while (at < r->in.n && (p[at] == ' ' || p[at] == '\n' || p[at] == '\r' || p[at] == '\t'))
        at++;
    r->at = at;
}

static enum json_kind take_key(struct json_reader *r, struct json_token *token)
{
    if (r->at == r->in.n || r->in.p[r->at] != '"')
        return invalid(r, "a key in quotes is missing");
    if (!take_string(r, token))
        return JSON_ERROR;
    skip_blanks(r);
    if (r->at == r->in.n || r->in.p[r->at] != ':')
        return invalid(r, "a colon is missing behind the key");
    r->at++;
    r->expect = EXPECT_VALUE;
    return JSON_KEY;
}

/* Behind a value: the end, a closing bracket, or a comma, which leads on to the next key or item. */
static enum json_kind take_after(struct json_reader *r, struct json_token *token)
{
    if (r->depth == 0) {
        if (r->at < r->in.n)
            return fail(r, RC_INVALID, r->at, "more text behind the value");
        r->expect = EXPECT_DONE;
        return JSON_END;
    }
    char c = r->at < r->in.n ? r->in.p[r->at] : '\0';
    token->text = str_slice(r->in, r->at, r->at + 1);
    if (c == '}' || c == ']')
        return close_level(r, c == '}');
    if (c != ',')
        return invalid(r, "a comma or closing bracket is missing");
    r->at++;
    skip_blanks(r);
    return json_in_object(r) ? take_key(r, token) : take_value(r, token);
}

enum json_kind json_next(struct json_reader *reader, struct json_token *ret_token)
{
    ret_token->escaped = false;
    ret_token->non_ascii = false;
    ret_token->text = STR_NONE;
    enum json_kind kind = JSON_ERROR;
    skip_blanks(reader);
    char c = reader->at < reader->in.n ? reader->in.p[reader->at] : '\0';
    switch ((enum expect)reader->expect) {
    case EXPECT_AFTER:
        kind = take_after(reader, ret_token);
        break;
    case EXPECT_FIRST_ITEM:
        kind = c == ']' ? take_after(reader, ret_token) : take_value(reader, ret_token);
        break;
    case EXPECT_VALUE:
        kind = take_value(reader, ret_token);
        break;
    case EXPECT_FIRST_KEY:
        kind = c == '}' ? take_after(reader, ret_token) : take_key(reader, ret_token);
        break;
    case EXPECT_DONE:
        kind = JSON_END;
        break;
    case EXPECT_NOTHING:
        break;
    }
    ret_token->kind = kind;
    return kind;
}

enum rc json_reader_err(const struct json_reader *reader, struct err *err)
{
    ASSERT(reader->rc != RC_OK);
    enum rc rc = err_set(err, reader->rc, "invalid JSON at byte %zu: %s", reader->at, reader->reason);
    if (err != NULL)
        err->offset = reader->at;
    return rc;
}

/* --- strings --- */

/* Writes what the \u escape at p says; *ret_n is the length written; returns bytes taken: 6, or 12 for a pair. */
static size_t unescape_u(const char *p, size_t n, char *out, size_t *ret_n)
{
    uint32_t code = hex4(p + 2);
    size_t taken = 6;
    if (code >= 0xd800 && code < 0xdc00 && n >= 12 && p[6] == '\\' && p[7] == 'u') {
        uint32_t low = hex4(p + 8);
        if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            taken = 12;
        }
    }
    *ret_n = utf8_encode(code, out); /* an unpaired surrogate becomes U+FFFD there */
    return taken;
}

/* `out` holds s.n + 16 bytes: blocks of 16 are copied whole and cut at the next backslash. The escapes were checked
 * when the string was read. */
static size_t unescape(struct str s, char *out)
{
    size_t n = 0;
    size_t at = 0;
    while (at < s.n) {
#ifdef __SSE2__
        while (at + 16 <= s.n) {
            __m128i block = scan_load(s.p + at);
            _mm_storeu_si128((__m128i *)(void *)(out + n), block);
            unsigned hit = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
            size_t plain = hit != 0 ? (size_t)__builtin_ctz(hit) : 16;
            at += plain;
            n += plain;
            if (hit != 0)
                break;
        }
#endif
        while (at < s.n && s.p[at] != '\\')
            out[n++] = s.p[at++];
        if (at == s.n)
            break;
        ASSERT(at + 1 < s.n);
        if (s.p[at + 1] == 'u') {
            size_t written = 0;
            at += unescape_u(s.p + at, s.n - at, out + n, &written);
            n += written;
        } else {
            do {
                out[n++] = json_escapes[(uint8_t)s.p[at + 1]];
                at += 2;
            } while (at < s.n && s.p[at] == '\\' && s.p[at + 1] != 'u');
        }
    }
    return n;
}

bool json_text(struct arena *arena, const struct json_token *token, struct str *ret_text)
{
    struct str text = token->text;
    if (token->escaped) {
        char *out = arena_alloc_raw(arena, text.n + 16);
        if (out == NULL) {
            *ret_text = STR_NONE;
            return false;
        }
        text = str_at(out, unescape(text, out));
    }
    if (token->non_ascii)
        text = utf8_make_valid(arena, text);
    *ret_text = text;
    return text.p != NULL;
}
