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

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_HEX(c)   (IS_DIGIT(c) || ((c) >= 'a' && (c) <= 'f') || ((c) >= 'A' && (c) <= 'F'))
#define IS_BLANK(c) ((c) == ' ' || ((c) >= '\t' && (c) <= '\r'))
#define BYTE(c)                                                                                                        \
    (1 << CAPTURE_ANY | 1 << CAPTURE_PAIRS | !IS_BLANK(c) << CAPTURE_WORD | IS_DIGIT(c) << CAPTURE_NUMBER |            \
     IS_HEX(c) << CAPTURE_HEX | (IS_HEX(c) || (c) == '.' || (c) == ':') << CAPTURE_IP)
#define FOUR(c)      BYTE(c), BYTE((c) + 1), BYTE((c) + 2), BYTE((c) + 3)
#define SIXTEEN(c)   FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)
#define SIXTYFOUR(c) SIXTEEN(c), SIXTEEN((c) + 16), SIXTEEN((c) + 32), SIXTEEN((c) + 48)

const uint8_t capture_bytes[256] = {SIXTYFOUR(0), SIXTYFOUR(64), SIXTYFOUR(128), SIXTYFOUR(192)};
_Static_assert(CAPTURE_KINDS <= 8, "a bit of a byte each");

static const struct {
    const char *word; /* in a pattern; NULL: has none */
    const char *name;
} kinds[CAPTURE_KINDS] = {
    [CAPTURE_ANY] = {NULL, "any text"},     [CAPTURE_WORD] = {"word", "a word"},
    [CAPTURE_NUMBER] = {"num", "a number"}, [CAPTURE_HEX] = {"hex", "hexadecimal digits"},
    [CAPTURE_IP] = {"ip", "an IP address"}, [CAPTURE_PAIRS] = {NULL, "key=value pairs"},
};

const char *capture_kind_name(enum capture_kind kind)
{
    return kinds[kind].name;
}

/* CAPTURE_KINDS when no kind is named so. */
static enum capture_kind kind_find(struct str word)
{
    unsigned i = 0;
    while (i < CAPTURE_KINDS && (!kinds[i].word || !str_is(word, kinds[i].word)))
        i++;
    return (enum capture_kind)i;
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
    if (kind.p)
        capture.kind = kind_find(kind);
    else if (str_is(name, "kv"))
        capture.kind = CAPTURE_PAIRS;
    else if (is_address(name))
        capture.kind = CAPTURE_WORD;
    if (capture.kind == CAPTURE_KINDS)
        return err_set(err, RC_INVALID, "capture \"{%.*s}\" has an unknown kind: word, num, hex or ip",
                       STR_ARG(inside));
    *ret_capture = capture;
    return RC_OK;
}

/* What may stand where: nothing fixed behind a capture leaves its end open. */
static enum rc capture_check(const struct capture *capture, bool at_end, struct err *err)
{
    if (capture->literal.n == 0 && !at_end && !capture_is_bounded(capture->kind))
        return err_set(err, RC_INVALID, "nothing stands between a capture and the next");
    if (capture->kind == CAPTURE_PAIRS && !at_end)
        return err_set(err, RC_INVALID, "{kv} stands only at the end");
    return RC_OK;
}

/* The capture at *at and the literal behind it. */
static enum rc part_read(struct arena *arena, struct str text, size_t *at, struct template *template, struct err *err)
{
    ASSERT(text.p[*at] == '{');
    size_t close = *at + str_find(str_skip(text, *at), '}');
    if (close == text.n)
        return err_set(err, RC_INVALID, "capture is not closed by \"}\"");
    if (template->count == TEMPLATE_CAPTURES)
        return err_set(err, RC_LIMIT, "more than %d captures", TEMPLATE_CAPTURES);
    struct capture *capture = &template->capture[template->count++];
    enum rc rc = capture_read(str_slice(text, *at + 1, close), capture, err);
    size_t next = close + 1;
    if (rc == RC_OK)
        rc = literal_read(arena, text, &next, &capture->literal, err);
    if (rc == RC_OK)
        rc = capture_check(capture, next == text.n && capture->literal.n == 0, err);
    if (rc == RC_OK)
        *at = next;
    return rc;
}

enum rc template_compile(struct arena *arena, struct str text, struct template *ret_template, struct err *err)
{
    struct capture captures[TEMPLATE_CAPTURES];
    struct template template = {.capture = captures};
    size_t at = 0;
    if (text.n == 0)
        return err_set(err, RC_INVALID, "empty pattern");
    if (text.n > TEMPLATE_BYTES)
        return err_set(err, RC_LIMIT, "pattern is longer than %d bytes", TEMPLATE_BYTES);
    enum rc rc = literal_read(arena, text, &at, &template.anchor, err);
    while (rc == RC_OK && at < text.n)
        rc = part_read(arena, text, &at, &template, err);
    if (rc != RC_OK)
        return err_wrap(err, "byte %zu", at + 1);
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
    if (!capture_is_bounded(capture->kind))
        return text.n;
    while (n < text.n && capture_takes(capture->kind, text.p[n]))
        n++;
    return n;
}

static bool ipv4_is(struct str text)
{
    unsigned parts = 0;
    while (text.p) {
        uint64_t number = 0;
        struct str part = str_cut(&text, '.');
        if (part.n > 3 || !str_to_u64(part, &number) || number > 255)
            return false;
        parts++;
    }
    return parts == 4;
}

/* Whether bytes that an address may have make one: groups of up to four digits, once at most shortened by "::". */
static bool address_is(struct str text)
{
    size_t colon = str_find(text, ':');
    unsigned groups = 0;
    unsigned gaps = 0;
    if (colon == text.n)
        return ipv4_is(text);
    for (struct str rest = text; rest.p;) {
        bool first = rest.p == text.p;
        struct str group = str_cut(&rest, ':');
        if (!rest.p && group.n > 4)
            return (gaps == 1 ? groups < 6 : gaps == 0 && groups == 6) && ipv4_is(group);
        if (group.n > 4 || str_find(group, '.') < group.n)
            return false;
        groups += group.n > 0;
        gaps += group.n == 0 && !first && rest.p;
    }
    bool begins = text.p[0] != ':' || (text.n > 1 && text.p[1] == ':');
    bool ends = text.p[text.n - 1] != ':' || (text.n > 1 && text.p[text.n - 2] == ':');
    return begins && ends && (gaps == 1 ? groups < 8 : gaps == 0 && groups == 8);
}

static bool is_at(struct str text, size_t at, struct str needle)
{
    return at + needle.n <= text.n && memcmp(text.p + at, needle.p, needle.n) == 0;
}

/* The first place of `needle`, or text.n: memmem spends more on its preparation than these short texts take. Looks for
 * the first two bytes together, since blanks are everywhere and pairs are not. */
size_t template_search(struct str text, struct str needle)
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
    return capture_is_bounded(capture->kind) && !capture_takes(capture->kind, capture->literal.p[0]);
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
    size_t least = capture_is_bounded(capture->kind) ? 1 : 0;
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
        at = skip + template_search(str_skip(rest, skip), capture->literal);
    }
    return at >= rest.n || at > reach || at < least ? text.n + 1 : from + at;
}

/* Notes where a capture found no end, when that is farther than before. */
static void stop_note(struct template_stop *stop, const struct template *template, uint32_t i, struct str text,
                      size_t begin)
{
    const struct capture *capture = &template->capture[i];
    size_t reach = capture_reach(capture, str_skip(text, begin));
    size_t literal = template->anchor.n;
    for (uint32_t before = 0; before < i; before++)
        literal += template->capture[before].literal.n;
    if (stop->why != TEMPLATE_FITS && literal <= stop->literal)
        return;
    *stop = (struct template_stop){TEMPLATE_LITERAL, begin, literal, capture->literal, capture->kind};
    if (!capture_is_bounded(capture->kind))
        return;
    bool address = capture->kind != CAPTURE_IP || address_is(str_slice(text, begin, begin + reach));
    if (reach > 0 && (address || capture->literal.n))
        stop->at = begin + reach;
    else
        *stop = (struct template_stop){TEMPLATE_CAPTURE, begin, literal, capture->name, capture->kind};
}

static void tail_note(struct template_stop *stop, const struct template *template, size_t next)
{
    size_t literal = template->anchor.n;
    for (uint32_t i = 0; i < template->count; i++)
        literal += template->capture[i].literal.n;
    if (stop->why == TEMPLATE_FITS || literal > stop->literal || (literal == stop->literal && next > stop->at))
        *stop = (struct template_stop){.why = TEMPLATE_TAIL, .at = next, .literal = literal};
}

/* Walks the captures; when one finds no end, goes back to the one before it for another end. */
static bool captures_match(const struct template *template, struct str text, struct str ret_value[TEMPLATE_CAPTURES],
                           struct template_stop *stop)
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
            if (stop)
                stop_note(stop, template, i, text, begin[i]);
            if (i == 0)
                return false;
            i--;
            continue;
        }
        ret_value[i] = str_slice(text, begin[i], end[i]);
        if (capture->kind == CAPTURE_IP && !address_is(ret_value[i]))
            continue;
        size_t next = end[i] + capture->literal.n;
        if (i + 1 < template->count) {
            begin[++i] = next;
            end[i] = text.n + 1;
        } else if (next == text.n) {
            return true;
        } else if (stop) {
            tail_note(stop, template, next);
        }
    }
    return false;
}

bool template_match(const struct template *template, struct str text, struct str ret_value[TEMPLATE_CAPTURES])
{
    size_t n = template->anchor.n;
    if (text.n < n || memcmp(text.p, template->anchor.p, n) != 0)
        return false;
    return template->count ? captures_match(template, text, ret_value, NULL) : text.n == n;
}

struct template_stop template_explain(const struct template *template, struct str text)
{
    struct str value[TEMPLATE_CAPTURES] UNINITIALISED;
    struct template_stop stop = {.why = TEMPLATE_FITS, .at = text.n};
    size_t n = template->anchor.n;
    size_t same = 0;
    while (same < n && same < text.n && template->anchor.p[same] == text.p[same])
        same++;
    if (same < n)
        return (struct template_stop){
            .why = TEMPLATE_LITERAL, .at = same, .literal = same, .wanted = str_skip(template->anchor, same)};
    if (!template->count && text.n > n)
        return (struct template_stop){.why = TEMPLATE_TAIL, .at = n, .literal = n};
    if (template->count && captures_match(template, text, value, &stop))
        stop = (struct template_stop){.why = TEMPLATE_FITS, .at = text.n};
    return stop;
}
