#include "event/template.h"

#include "base/assert.h"
#include "codec/scan.h"

#include <string.h>

/* A literal up to the next capture, "{{" and "{tab}" reduced; *at stops behind it. */
static enum rc literal_read(struct arena *arena, struct str text, size_t *at, struct str *ret_literal, struct err *err)
{
    static const struct str tab = STR_INIT("{tab}");
    char *copy = arena_alloc(arena, text.n - *at + 1);
    size_t n = 0;
    if (!copy)
        return err_set(err, RC_LIMIT, "not enough memory for the pattern");
    while (*at < text.n) {
        char c = text.p[*at];
        if (str_starts(str_skip(text, *at), tab)) {
            *at += tab.n;
            copy[n++] = '\t';
            continue;
        }
        if (c == '{' && (*at + 1 == text.n || text.p[*at + 1] != '{'))
            break;
        *at += c == '{' ? 2 : 1;
        copy[n++] = c;
    }
    *ret_literal = str_at(copy, n);
    return RC_OK;
}

static bool is_address(struct str name)
{
    return str_is(name, "src") || str_is(name, "dst") || str_is(name, "user_address");
}

static enum rc capture_read(struct str inside, struct capture *ret_capture, struct err *err)
{
    struct str kind = inside;
    struct str name = str_cut(&kind, ':');
    struct capture capture = {.kind = CAPTURE_ANY};
    if (name.n && name.p[name.n - 1] == '+') {
        capture.last = true;
        name.n--;
    }
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && !strchr("_.-", name.p[i]))
            return err_set(err, RC_INVALID, "capture \"{%.*s}\" has a character that is no letter, digit, _ . or -",
                           STR_ARG(inside));
    capture.name = name;
    if (str_is(name, "kv"))
        capture.kind = CAPTURE_PAIRS;
    else if (is_address(name) || str_is(kind, "word"))
        capture.kind = CAPTURE_WORD;
    else if (str_is(kind, "num"))
        capture.kind = CAPTURE_NUMBER;
    if (kind.p && !str_is(kind, "word") && !str_is(kind, "num"))
        return err_set(err, RC_INVALID, "capture \"{%.*s}\" has an unknown kind: word or num", STR_ARG(inside));
    *ret_capture = capture;
    return RC_OK;
}

enum rc template_compile(struct arena *arena, struct str text, struct template *ret_template, struct err *err)
{
    struct capture captures[TEMPLATE_CAPTURES];
    struct template template = {.count = 0};
    size_t at = 0;
    enum rc rc = literal_read(arena, text, &at, &template.anchor, err);
    while (rc == RC_OK && at < text.n) {
        ASSERT(text.p[at] == '{');
        size_t close = at + str_find(str_skip(text, at), '}');
        if (close == text.n)
            return err_set(err, RC_INVALID, "capture is not closed by \"}\"");
        if (template.count == TEMPLATE_CAPTURES)
            return err_set(err, RC_LIMIT, "more than %d captures", TEMPLATE_CAPTURES);
        struct capture *capture = &captures[template.count++];
        rc = capture_read(str_slice(text, at + 1, close), capture, err);
        at = close + 1;
        if (rc == RC_OK)
            rc = literal_read(arena, text, &at, &capture->literal, err);
        bool at_end = at == text.n && capture->literal.n == 0;
        bool bounded = capture->kind == CAPTURE_WORD || capture->kind == CAPTURE_NUMBER;
        if (rc == RC_OK && capture->literal.n == 0 && !at_end && !bounded)
            return err_set(err, RC_INVALID, "nothing stands between a capture and the next");
        if (rc == RC_OK && capture->kind == CAPTURE_PAIRS && !at_end)
            return err_set(err, RC_INVALID, "{kv} stands only at the end");
    }
    if (rc != RC_OK)
        return rc;
    if (text.n == 0)
        return err_set(err, RC_INVALID, "empty pattern");
    template.capture = arena_alloc_array(arena, template.count, sizeof captures[0]);
    if (!template.capture)
        return err_set(err, RC_LIMIT, "not enough memory for the pattern");
    memcpy(template.capture, captures, template.count * sizeof captures[0]);
    *ret_template = template;
    return RC_OK;
}

/* How far a capture may reach from the beginning of `text`. */
static size_t capture_reach(const struct capture *capture, struct str text)
{
    size_t n = 0;
    if (capture->kind == CAPTURE_WORD)
        while (n < text.n && !char_is_space(text.p[n]))
            n++;
    else if (capture->kind == CAPTURE_NUMBER)
        while (n < text.n && char_is_digit(text.p[n]))
            n++;
    else
        n = text.n;
    return n;
}

static bool is_at(struct str text, size_t at, struct str needle)
{
    return at + needle.n <= text.n && memcmp(text.p + at, needle.p, needle.n) == 0;
}

/* The first place of `needle`, or text.n: memmem spends more on its preparation than these short texts take. Looks for
 * the first two bytes together, since blanks are everywhere and pairs are not. */
static size_t search_first(struct str text, struct str needle)
{
    size_t i = 0;
    if (needle.n < 2)
        return str_find(text, needle.p[0]);
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi8(needle.p[0]);
    const __m128i second = _mm_set1_epi8(needle.p[1]);
    for (; i + 17 <= text.n; i += 16) {
        __m128i hits = _mm_and_si128(_mm_cmpeq_epi8(scan_load(text.p + i), first),
                                     _mm_cmpeq_epi8(scan_load(text.p + i + 1), second));
        for (unsigned mask = (unsigned)_mm_movemask_epi8(hits); mask; mask &= mask - 1)
            if (is_at(text, i + (size_t)__builtin_ctz(mask), needle))
                return i + (size_t)__builtin_ctz(mask);
    }
#endif
    for (; i + needle.n <= text.n; i++)
        if (text.p[i] == needle.p[0] && is_at(text, i, needle))
            return i;
    return text.n;
}

/* Whether the capture cannot go on over the byte its literal begins with: then it ends where it must. */
static bool ends_at_reach(const struct capture *capture)
{
    return (capture->kind == CAPTURE_WORD && char_is_space(capture->literal.p[0])) ||
           (capture->kind == CAPTURE_NUMBER && !char_is_digit(capture->literal.p[0]));
}

/* The last place of `needle` that begins at or before `limit`, or text.n. */
static size_t search_last(struct str text, struct str needle, size_t limit)
{
    if (needle.n > text.n)
        return text.n;
    for (size_t at = MIN(limit, text.n - needle.n) + 1; at-- > 0;) {
        const char *hit = memrchr(text.p, needle.p[0], at + 1);
        if (!hit)
            return text.n;
        at = (size_t)(hit - text.p);
        if (memcmp(hit, needle.p, needle.n) == 0)
            return at;
    }
    return text.n;
}

/* The next end of the capture that begins at `from`: behind `tried` (or before it, for the last-first kind). Returns
 * text.n + 1 when there is none. */
static size_t capture_end(const struct capture *capture, struct str text, size_t from, size_t tried)
{
    struct str rest = str_skip(text, from);
    size_t reach = capture_reach(capture, rest);
    size_t least = capture->kind == CAPTURE_WORD || capture->kind == CAPTURE_NUMBER ? 1 : 0;
    bool first_try = tried > text.n;
    size_t at = 0;
    if (capture->literal.n == 0)
        return first_try && reach >= least ? from + reach : text.n + 1;
    if (ends_at_reach(capture))
        return first_try && reach >= least && is_at(rest, reach, capture->literal) ? from + reach : text.n + 1;
    if (capture->last) {
        if (!first_try && tried == from)
            return text.n + 1;
        at = search_last(rest, capture->literal, first_try ? reach : tried - from - 1);
    } else {
        size_t skip = first_try ? least : tried - from + 1;
        at = skip + search_first(str_skip(rest, skip), capture->literal);
    }
    return at >= rest.n || at > reach || at < least ? text.n + 1 : from + at;
}

/* Walks the captures; when one finds no end, goes back to the one before it for another end. */
static bool captures_match(const struct template *template, struct str text, struct str ret_value[TEMPLATE_CAPTURES])
{
    size_t begin[TEMPLATE_CAPTURES + 1] UNINITIALISED;
    size_t end[TEMPLATE_CAPTURES + 1] UNINITIALISED;
    uint32_t i = 0;
    begin[0] = template->anchor.n;
    end[0] = text.n + 1;
    for (uint32_t steps = 0; steps < TEMPLATE_STEPS; steps++) {
        const struct capture *capture = &template->capture[i];
        end[i] = capture_end(capture, text, begin[i], end[i]);
        if (end[i] > text.n) {
            if (i == 0)
                return false;
            i--;
            continue;
        }
        ret_value[i] = str_slice(text, begin[i], end[i]);
        size_t next = end[i] + capture->literal.n;
        if (i + 1 < template->count) {
            begin[++i] = next;
            end[i] = text.n + 1;
        } else if (next == text.n) {
            return true;
        }
    }
    return false;
}

bool template_match(const struct template *template, struct str text, struct str ret_value[TEMPLATE_CAPTURES])
{
    size_t n = template->anchor.n;
    if (text.n < n || memcmp(text.p, template->anchor.p, n) != 0)
        return false;
    return template->count ? captures_match(template, text, ret_value) : text.n == n;
}
