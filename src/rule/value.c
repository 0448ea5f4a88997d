#include "rule/value.h"

#include "base/assert.h"
#include "base/buf.h"
#include "codec/utf8.h"

#include <string.h>

enum pattern_shape pattern_shape(struct pattern pattern)
{
    const struct part *parts = pattern.parts;
    switch (pattern.count) {
    case 0:
        return SHAPE_EXACT;
    case 1:
        if (parts[0].kind == PART_TEXT)
            return SHAPE_EXACT;
        return parts[0].kind == PART_ANY ? SHAPE_ANY : SHAPE_WILD;
    case 2:
        if (parts[0].kind == PART_TEXT && parts[1].kind == PART_ANY)
            return SHAPE_PREFIX;
        return parts[0].kind == PART_ANY && parts[1].kind == PART_TEXT ? SHAPE_SUFFIX : SHAPE_WILD;
    case 3:
        if (parts[0].kind == PART_ANY && parts[1].kind == PART_TEXT && parts[2].kind == PART_ANY)
            return SHAPE_CONTAINS;
        return SHAPE_WILD;
    default:
        return SHAPE_WILD;
    }
}

struct str pattern_longest(struct pattern pattern)
{
    struct str longest = STR("");
    for (size_t i = 0; i < pattern.count; i++) {
        if (pattern.parts[i].kind == PART_TEXT && pattern.parts[i].text.n > longest.n)
            longest = pattern.parts[i].text;
    }
    return longest;
}

struct str pattern_text(struct pattern pattern)
{
    return pattern_longest(pattern); /* those shapes have one text, or none when empty */
}

bool pattern_has_wildcard(struct pattern pattern)
{
    return pattern.count > 1 || (pattern.count == 1 && pattern.parts[0].kind != PART_TEXT);
}

bool pattern_literal(struct arena *arena, struct str text, struct pattern *ret_pattern)
{
    *ret_pattern = (struct pattern){NULL, 0};
    if (text.n == 0)
        return true;
    struct part *part = arena_alloc(arena, sizeof(*part));
    if (!part)
        return false;
    *part = (struct part){PART_TEXT, text};
    *ret_pattern = (struct pattern){part, 1};
    return true;
}

static size_t parts_bound(struct str text)
{
    size_t wildcards = 0;
    for (size_t i = 0; i < text.n; i++)
        wildcards += text.p[i] == '*' || text.p[i] == '?';
    return 2 * wildcards + 1;
}

bool pattern_parse(struct arena *arena, struct str text, struct pattern *ret_pattern)
{
    struct part *parts = arena_alloc_array(arena, parts_bound(text), sizeof(*parts));
    char *plain = arena_alloc_raw(arena, text.n + 1);
    if (!parts || !plain)
        return false;
    size_t count = 0;
    size_t n = 0;
    size_t begun = 0; /* where the text part being read begins in `plain` */
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        char next = i + 1 < text.n ? text.p[i + 1] : '\0';
        if (c == '\\' && (next == '\\' || next == '*' || next == '?')) {
            plain[n++] = next;
            i++;
        } else if (c == '*' || c == '?') {
            if (n > begun)
                parts[count++] = (struct part){PART_TEXT, str_at(plain + begun, n - begun)};
            begun = n;
            if (c == '?' || count == 0 || parts[count - 1].kind != PART_ANY)
                parts[count++] = (struct part){c == '*' ? PART_ANY : PART_ONE, STR_NONE};
        } else {
            plain[n++] = c;
        }
    }
    if (n > begun)
        parts[count++] = (struct part){PART_TEXT, str_at(plain + begun, n - begun)};
    *ret_pattern = (struct pattern){parts, count};
    return true;
}

bool pattern_open(struct arena *arena, struct pattern pattern, bool before, bool after, struct pattern *ret_pattern)
{
    struct part *parts = arena_alloc_array(arena, pattern.count + 2, sizeof(*parts));
    if (!parts)
        return false;
    size_t count = 0;
    if (before && !(pattern.count && pattern.parts[0].kind == PART_ANY))
        parts[count++] = (struct part){PART_ANY, STR_NONE};
    for (size_t i = 0; i < pattern.count; i++)
        parts[count++] = pattern.parts[i];
    if (after && !(count && parts[count - 1].kind == PART_ANY))
        parts[count++] = (struct part){PART_ANY, STR_NONE};
    *ret_pattern = (struct pattern){parts, count};
    return true;
}

bool pattern_fold(struct arena *arena, struct pattern pattern, struct pattern *ret_pattern)
{
    struct part *parts = arena_alloc_array(arena, pattern.count, sizeof(*parts));
    if (!parts)
        return false;
    for (size_t i = 0; i < pattern.count; i++) {
        parts[i] = pattern.parts[i];
        if (parts[i].kind != PART_TEXT)
            continue;
        parts[i].text = utf8_fold(arena, parts[i].text);
        if (!parts[i].text.p)
            return false;
    }
    *ret_pattern = (struct pattern){parts, pattern.count};
    return true;
}

struct str pattern_print(struct arena *arena, struct pattern pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < pattern.count; i++)
        n += 1 + 2 * pattern.parts[i].text.n;
    char *text = arena_alloc_raw(arena, n + 1);
    if (!text)
        return STR("");
    n = 0;
    for (size_t i = 0; i < pattern.count; i++) {
        const struct part *part = &pattern.parts[i];
        if (part->kind != PART_TEXT) {
            text[n++] = part->kind == PART_ANY ? '*' : '?';
            continue;
        }
        for (size_t k = 0; k < part->text.n; k++) {
            char c = part->text.p[k];
            if (c == '*' || c == '?')
                text[n++] = '\\';
            text[n++] = c;
        }
    }
    return str_at(text, n);
}

/* Where matching goes on after `*` when what follows it failed. */
struct retry {
    size_t part; /* the part after the star; 0 = no star yet */
    size_t at;   /* where that part was tried last */
};

static size_t step(struct str text, size_t at)
{
    uint32_t code;
    return at + utf8_decode(str_skip(text, at), &code);
}

/* After a star: the first place at or behind `at` where `part` can begin, or n + 1. */
static size_t seek(const struct pattern *pattern, size_t part, struct str text, size_t at)
{
    if (at > text.n)
        return text.n + 1;
    if (part == pattern->count)
        return text.n; /* the star takes the rest */
    if (pattern->parts[part].kind == PART_ONE)
        return at;
    struct str needle = pattern->parts[part].text;
    if (part + 1 == pattern->count) { /* anchored at the end: only one place can do */
        return text.n >= needle.n && text.n - needle.n >= at ? text.n - needle.n : text.n + 1;
    }
    struct str rest = str_skip(text, at);
    size_t found = str_search(rest, needle);
    return found == rest.n ? text.n + 1 : at + found;
}

bool pattern_match(struct pattern pattern, struct str text)
{
    struct retry retry = {0, 0};
    size_t part = 0;
    size_t at = 0;
    for (;;) {
        bool held = false;
        if (part == pattern.count) {
            if (at == text.n)
                return true;
        } else if (pattern.parts[part].kind == PART_ANY) {
            retry = (struct retry){part + 1, seek(&pattern, part + 1, text, at)};
            if (retry.at > text.n)
                return false;
            part++;
            at = retry.at;
            held = true;
        } else if (pattern.parts[part].kind == PART_ONE) {
            held = at < text.n;
            at = held ? step(text, at) : at;
            part += held;
        } else if (str_starts(str_skip(text, at), pattern.parts[part].text)) {
            at += pattern.parts[part].text.n;
            part++;
            held = true;
        }
        if (held)
            continue;
        if (retry.part == 0 || retry.at >= text.n)
            return false;
        retry.at = seek(&pattern, retry.part, text, step(text, retry.at));
        if (retry.at > text.n)
            return false;
        part = retry.part;
        at = retry.at;
    }
}

bool decimal_canonical(struct str text, char ret_text[DECIMAL_TEXT_MAX], size_t *ret_n)
{
    size_t n = 0;
    bool minus = text.n > 0 && text.p[0] == '-';
    struct str rest = str_skip(text, minus);
    if (text.n == 0 || text.n > DECIMAL_TEXT_MAX)
        return false;
    size_t dot = str_find(rest, '.');
    struct str whole = str_slice(rest, 0, dot);
    struct str fraction = dot < rest.n ? str_skip(rest, dot + 1) : STR_NONE;
    if (whole.n == 0 || (dot < rest.n && fraction.n == 0))
        return false;
    for (size_t i = 0; i < rest.n; i++) {
        if (i != dot && !char_is_digit(rest.p[i]))
            return false;
    }
    while (whole.n > 1 && whole.p[0] == '0')
        whole = str_skip(whole, 1);
    fraction = str_trim_end(fraction, '0');
    if (minus && !(str_is(whole, "0") && fraction.n == 0))
        ret_text[n++] = '-';
    memcpy(ret_text + n, whole.p, whole.n);
    n += whole.n;
    if (fraction.n) {
        ret_text[n++] = '.';
        memcpy(ret_text + n, fraction.p, fraction.n);
        n += fraction.n;
    }
    *ret_n = n;
    return true;
}
