#include "rule/encode.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/utf8.h"

#include <string.h>

static const struct str dashes[] = {
    STR_INIT("-"), STR_INIT("/"), STR_INIT("\xe2\x80\x93"), STR_INIT("\xe2\x80\x94"), STR_INIT("\xe2\x80\x95"),
};

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for rules");
}

/* Length of the dash at the beginning, 0 when there is none. */
static size_t dash_at(struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(dashes); i++) {
        if (str_starts(text, dashes[i]))
            return dashes[i].n;
    }
    return 0;
}

static bool is_word(char c)
{
    return char_is_alnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool begins_option(struct str text, size_t at, bool word_before)
{
    struct str rest = str_skip(text, at);
    size_t n = dash_at(rest);
    return n > 0 && !word_before && rest.n > n && is_word(rest.p[n]) && dash_at(str_skip(rest, n)) == 0;
}

#define DASHES_MAX 5u

/* Finds the dashes of one text part. */
static size_t find_dashes(struct str text, size_t ret_places[DASHES_MAX + 1])
{
    size_t count = 0;
    bool word_before = false;
    for (size_t at = 0; at < text.n && count <= DASHES_MAX;) {
        if (begins_option(text, at, word_before))
            ret_places[count++] = at;
        size_t n = dash_at(str_skip(text, at));
        word_before = n == 0 && is_word(text.p[at]);
        at += MAX(n, (size_t)1);
    }
    return count;
}

/* Writes `text` with its dashes replaced as the digits of `choice` (base 5) say. */
static struct str with_dashes(struct arena *arena, struct str text, const size_t *places, size_t count, size_t choice)
{
    char *out = arena_alloc_raw(arena, text.n + 3 * count + 1);
    if (!out)
        return STR_NONE;
    size_t n = 0;
    size_t place = 0;
    for (size_t at = 0; at < text.n;) {
        if (place < count && places[place] == at) {
            struct str dash = dashes[choice % ARRAY_LEN(dashes)];
            choice /= ARRAY_LEN(dashes);
            memcpy(out + n, dash.p, dash.n);
            n += dash.n;
            at += dash_at(str_skip(text, at));
            place++;
        } else {
            out[n++] = text.p[at++];
        }
    }
    return str_at(out, n);
}

/* All variants of one part of one pattern. */
static enum rc expand_part(struct arena *arena, struct pattern pattern, size_t part, struct pattern **ret_patterns,
                           size_t *ret_count, struct err *err)
{
    size_t places[DASHES_MAX + 1];
    size_t count = pattern.parts[part].kind == PART_TEXT ? find_dashes(pattern.parts[part].text, places) : 0;
    if (count > DASHES_MAX)
        return err_set(err, RC_INVALID, "modifier \"windash\" on a value with more than %u dashes", DASHES_MAX);
    size_t total = 1;
    for (size_t i = 0; i < count; i++)
        total *= ARRAY_LEN(dashes);
    struct pattern *all = arena_alloc_array(arena, total, sizeof(*all));
    if (!all)
        return no_memory(err);
    for (size_t choice = 0; choice < total; choice++) {
        struct part *parts = arena_alloc_array(arena, pattern.count, sizeof(*parts));
        if (!parts)
            return no_memory(err);
        memcpy(parts, pattern.parts, pattern.count * sizeof(*parts));
        if (count) {
            parts[part].text = with_dashes(arena, parts[part].text, places, count, choice);
            if (!parts[part].text.p)
                return no_memory(err);
        }
        all[choice] = (struct pattern){parts, pattern.count};
    }
    *ret_patterns = all;
    *ret_count = total;
    return RC_OK;
}

enum rc encode_windash(struct arena *arena, struct variants *variants, size_t limit, struct err *err)
{
    ASSERT(variants->count == 1);
    size_t parts = variants->patterns[0].count;
    for (size_t part = 0; part < parts; part++) {
        struct pattern *next = NULL;
        size_t count = 0;
        for (size_t i = 0; i < variants->count; i++) {
            struct pattern *some;
            size_t some_count;
            enum rc rc = expand_part(arena, variants->patterns[i], part, &some, &some_count, err);
            if (rc != RC_OK)
                return rc;
            if (count + some_count > limit)
                return err_set(err, RC_INVALID, "modifier \"windash\" makes more than %zu variants", limit);
            next = arena_grow(arena, next, count * sizeof(*next), (count + some_count) * sizeof(*next));
            if (!next)
                return no_memory(err);
            memcpy(next + count, some, some_count * sizeof(*next));
            count += some_count;
        }
        *variants = (struct variants){next, count};
    }
    return RC_OK;
}

static void put_unit(char *out, size_t *n, uint32_t unit, bool big)
{
    out[*n] = (char)(big ? unit >> 8 : unit & 0xff);
    out[*n + 1] = (char)(big ? unit & 0xff : unit >> 8);
    *n += 2;
}

static struct str utf16(struct arena *arena, struct str text, bool big, bool mark)
{
    char *out = arena_alloc_raw(arena, 4 * text.n + 4);
    size_t n = 0;
    if (!out)
        return STR_NONE;
    if (mark)
        put_unit(out, &n, 0xfeff, big);
    while (text.n) {
        uint32_t code;
        text = str_skip(text, utf8_decode(text, &code));
        if (code >= 0x10000) {
            put_unit(out, &n, 0xd800 + ((code - 0x10000) >> 10), big);
            put_unit(out, &n, 0xdc00 + ((code - 0x10000) & 0x3ff), big);
        } else {
            put_unit(out, &n, code, big);
        }
    }
    return str_at(out, n);
}

static enum rc encode_utf16(struct arena *arena, enum modifier encoding, struct pattern pattern,
                            struct pattern *ret_pattern, struct err *err)
{
    struct part *parts = arena_alloc_array(arena, pattern.count, sizeof(*parts));
    if (!parts)
        return no_memory(err);
    for (size_t i = 0; i < pattern.count; i++) {
        parts[i] = pattern.parts[i];
        if (parts[i].kind != PART_TEXT)
            continue;
        parts[i].text = utf16(arena, parts[i].text, encoding == MODIFIER_UTF16BE, encoding == MODIFIER_UTF16 && i == 0);
        if (!parts[i].text.p)
            return no_memory(err);
    }
    *ret_pattern = (struct pattern){parts, pattern.count};
    return RC_OK;
}

/* The base64 text of `bytes` behind `offset` unknown bytes and before unknown ones: without the characters that those
 * take part in. */
static struct str base64_part(struct arena *arena, struct str bytes, size_t offset, bool whole)
{
    static const size_t begin[3] = {0, 2, 3};
    static const size_t cut[3] = {0, 3, 2};
    size_t n = bytes.n + offset;
    char *padded = arena_alloc(arena, n + 1);
    char *text = arena_alloc_raw(arena, 4 * ((n + 2) / 3) + 1);
    if (!padded || !text)
        return STR_NONE;
    memcpy(padded + offset, bytes.p, bytes.n);
    size_t length = base64_encode(padded, n, text);
    if (whole)
        return str_at(text, length);
    return str_slice(str_at(text, length), begin[offset], length - cut[n % 3]);
}

static enum rc encode_base64(struct arena *arena, struct pattern pattern, bool offsets, struct pattern *ret_patterns,
                             struct err *err)
{
    if (pattern_has_wildcard(pattern))
        return err_set(err, RC_INVALID, "a value with wildcards cannot be encoded in base64");
    struct str bytes = pattern_text(pattern);
    if (offsets && bytes.n < 3)
        return err_set(err, RC_INVALID, "modifier \"base64offset\" wants values of three bytes or more");
    for (size_t i = 0; i < (offsets ? 3u : 1u); i++) {
        struct str text = base64_part(arena, bytes, i, !offsets);
        if (!text.p || !pattern_literal(arena, text, &ret_patterns[i]))
            return no_memory(err);
    }
    return RC_OK;
}

enum rc encode_apply(struct arena *arena, enum modifier encoding, struct variants *variants, struct err *err)
{
    size_t each = encoding == MODIFIER_BASE64OFFSET ? 3 : 1;
    struct pattern *next = arena_alloc_array(arena, variants->count * each, sizeof(*next));
    if (!next)
        return no_memory(err);
    for (size_t i = 0; i < variants->count; i++) {
        enum rc rc;
        if (encoding == MODIFIER_BASE64 || encoding == MODIFIER_BASE64OFFSET)
            rc = encode_base64(arena, variants->patterns[i], each == 3, &next[i * each], err);
        else
            rc = encode_utf16(arena, encoding, variants->patterns[i], &next[i], err);
        if (rc != RC_OK)
            return rc;
    }
    *variants = (struct variants){next, variants->count * each};
    return RC_OK;
}
