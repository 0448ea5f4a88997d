#include "base/buf.h"
#include "rule/indicator_read.h"

#include <string.h>

#define REASON_BYTES 96u
#define SHOWN        40u

/* STIX 2.1 part 9, the part of it that feeds of indicators use:
 *
 *   pattern      = observation *( "OR" observation )
 *   observation  = "[" comparison *( "OR" comparison ) "]"
 *   comparison   = path "=" text | path "IN" "(" text *( "," text ) ")" | path "ISSUBSET" text
 *
 * A pattern that asks for more is refused whole: half of an AND would match what it does not mean. */

enum token_kind { TOKEN_END, TOKEN_MARK, TOKEN_WORD, TOKEN_PATH, TOKEN_TEXT, TOKEN_BAD };

struct token {
    enum token_kind kind;
    struct str text; /* of TOKEN_TEXT: between its quotes, escapes as written */
};

struct parser {
    struct str rest;
    struct arena *arena;
    struct token token;
    struct indicator_comparison *out;
    size_t count;
    const char *reason; /* sticky */
};

static void fail(struct parser *parser, const char *what, struct str shown)
{
    struct buf out;
    if (parser->reason)
        return;
    buf_init(&out, REASON_BYTES);
    buf_format(&out, "%s%s%.*s%s", what, shown.n ? " \"" : "", STR_ARG(str_slice(shown, 0, SHOWN)),
               shown.n ? "\"" : "");
    const char *text = arena_strz(parser->arena, buf_view(&out));
    parser->reason = text ? text : "a pattern that does not read";
    buf_done(&out);
}

/* Behind an opening quote: up to the closing one; n + 1 when there is none. */
static size_t quoted_length(struct str text)
{
    size_t at = 0;
    while (at < text.n && text.p[at] != '\'')
        at += text.p[at] == '\\' ? 2 : 1;
    return at < text.n ? at : text.n + 1;
}

/* "file:hashes.'SHA-256'": up to a blank, bracket, comma or sign of comparison outside of quotes. */
static size_t path_length(struct str text)
{
    size_t at = 0;
    while (at < text.n && !char_is_space(text.p[at]) && !memchr("[](),=!<>", text.p[at], 9)) {
        if (text.p[at] == '\'' || text.p[at] == '"') {
            size_t end = at + 1 + str_find(str_skip(text, at + 1), text.p[at]);
            at = MIN(end, text.n - 1);
        }
        at++;
    }
    return at;
}

static void next(struct parser *parser)
{
    parser->rest = str_trim(parser->rest);
    struct str rest = parser->rest;
    size_t n = 1;
    if (!rest.n) {
        parser->token = (struct token){.kind = TOKEN_END};
        return;
    }
    if (memchr("[](),=!<>", rest.p[0], 9)) {
        n += rest.n > 1 && memchr("!<>", rest.p[0], 3) && rest.p[1] == '=';
        parser->token = (struct token){TOKEN_MARK, str_slice(rest, 0, n)};
    } else if (rest.p[0] == '\'') {
        n = quoted_length(str_skip(rest, 1));
        bool closed = n < rest.n - 1;
        parser->token = (struct token){closed ? TOKEN_TEXT : TOKEN_BAD, str_slice(rest, 1, 1 + n)};
        n += 2;
    } else {
        n = path_length(rest);
        struct str text = str_slice(rest, 0, n);
        bool path = str_find(text, ':') < n;
        parser->token = (struct token){path ? TOKEN_PATH : n ? TOKEN_WORD : TOKEN_BAD, text};
    }
    parser->rest = str_skip(rest, n);
}

static bool is_mark(const struct parser *parser, const char *mark)
{
    return parser->token.kind == TOKEN_MARK && str_is(parser->token.text, mark);
}

static bool is_word(const struct parser *parser, const char *word)
{
    return parser->token.kind == TOKEN_WORD && str_is(parser->token.text, word);
}

static bool eat_mark(struct parser *parser, const char *mark)
{
    if (!is_mark(parser, mark))
        return false;
    next(parser);
    return true;
}

/* What stands where a mark was wanted. */
static void fail_here(struct parser *parser)
{
    switch (parser->token.kind) {
    case TOKEN_WORD:
        fail(parser, "pattern with", parser->token.text);
        return;
    case TOKEN_MARK:
        fail(parser, "pattern with", parser->token.text);
        return;
    case TOKEN_END:
    case TOKEN_PATH:
    case TOKEN_TEXT:
    case TOKEN_BAD:
        break;
    }
    fail(parser, "a pattern that does not read", STR_NONE);
}

static bool want_of(struct str path, enum indicator_want *ret_want)
{
    static const struct {
        const char *path;
        enum indicator_want want;
    } known[] = {
        {"ipv4-addr:value", INDICATOR_WANT_ADDRESS},
        {"ipv6-addr:value", INDICATOR_WANT_ADDRESS},
        {"domain-name:value", INDICATOR_WANT_DOMAIN},
        {"url:value", INDICATOR_WANT_URL},
        {"file:hashes.MD5", INDICATOR_WANT_HASH},
        {"file:hashes.SHA1", INDICATOR_WANT_HASH},
        {"file:hashes.SHA256", INDICATOR_WANT_HASH},
        {"file:hashes.SHA-1", INDICATOR_WANT_HASH},
        {"file:hashes.SHA-256", INDICATOR_WANT_HASH},
        {"network-traffic:src_ref.value", INDICATOR_WANT_HOST},
        {"network-traffic:dst_ref.value", INDICATOR_WANT_HOST},
    };
    char plain[SHOWN];
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '\'' || path.p[i] == '"')
            continue;
        if (n == sizeof plain)
            return false;
        plain[n++] = path.p[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq_nocase(str_at(plain, n), str_of(known[i].path))) {
            *ret_want = known[i].want;
            return true;
        }
    return false;
}

static struct str unescaped(struct parser *parser, struct str text)
{
    if (str_find(text, '\\') == text.n)
        return text;
    char *plain = arena_alloc_raw(parser->arena, text.n);
    size_t n = 0;
    if (!plain) {
        fail(parser, "a pattern that is too long", STR_NONE);
        return STR_NONE;
    }
    for (size_t i = 0; i < text.n; i++) {
        i += text.p[i] == '\\' && i + 1 < text.n;
        plain[n++] = text.p[i];
    }
    return str_at(plain, n);
}

static void text_take(struct parser *parser, enum indicator_want want)
{
    if (parser->token.kind != TOKEN_TEXT) {
        fail_here(parser);
        return;
    }
    if (parser->count == INDICATOR_PATTERN_MAX) {
        fail(parser, "a pattern of more than 256 values", STR_NONE);
        return;
    }
    parser->out[parser->count++] = (struct indicator_comparison){want, unescaped(parser, parser->token.text)};
    next(parser);
}

static void comparison(struct parser *parser)
{
    enum indicator_want want = INDICATOR_WANT_ANY;
    if (parser->token.kind != TOKEN_PATH) {
        fail_here(parser);
        return;
    }
    if (!want_of(parser->token.text, &want)) {
        fail(parser, "pattern on", parser->token.text);
        return;
    }
    next(parser);
    if (eat_mark(parser, "=")) {
        text_take(parser, want);
    } else if (is_word(parser, "ISSUBSET") && want == INDICATOR_WANT_ADDRESS) {
        next(parser);
        text_take(parser, want);
    } else if (is_word(parser, "IN")) {
        next(parser);
        if (!eat_mark(parser, "("))
            fail_here(parser);
        do {
            text_take(parser, want);
        } while (!parser->reason && eat_mark(parser, ","));
        if (!parser->reason && !eat_mark(parser, ")"))
            fail_here(parser);
    } else {
        fail_here(parser);
    }
}

static void observation(struct parser *parser)
{
    if (!eat_mark(parser, "["))
        fail_here(parser);
    while (!parser->reason) {
        comparison(parser);
        if (parser->reason || eat_mark(parser, "]"))
            return;
        if (!is_word(parser, "OR"))
            fail_here(parser);
        next(parser);
    }
}

const char *indicator_pattern(struct str pattern, struct arena *arena,
                              struct indicator_comparison ret_comparisons[INDICATOR_PATTERN_MAX], size_t *ret_count)
{
    struct parser parser = {.rest = pattern, .arena = arena, .out = ret_comparisons};
    next(&parser);
    while (!parser.reason) {
        observation(&parser);
        if (parser.reason || parser.token.kind == TOKEN_END)
            break;
        if (!is_word(&parser, "OR"))
            fail_here(&parser);
        next(&parser);
    }
    *ret_count = parser.reason ? 0 : parser.count;
    return parser.reason;
}
