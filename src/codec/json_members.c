/* What most members are: "key":"text" and "key":123, behind a comma or the opening bracket, with at most one blank
 * before key and value. What is anything else, or broken, is left to the reader, from its beginning. */
#include "codec/json_walk.h"
#include "codec/scan.h"
#include "codec/utf8.h"

#include <string.h>

static inline uint64_t word_of(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint32_t half_of(const char *p)
{
    uint32_t half;
    memcpy(&half, p, sizeof half);
    return half;
}

/* Keys are short, and a call costs more than the comparison. */
static inline bool same_bytes(const char *a, const char *b, size_t n)
{
    if (n < 4)
        return memcmp(a, b, n) == 0;
    if (n < 8)
        return half_of(a) == half_of(b) && half_of(a + n - 4) == half_of(b + n - 4);
    for (size_t i = 0; i + 8 < n; i += 8) {
        if (word_of(a + i) != word_of(b + i))
            return false;
    }
    return word_of(a + n - 8) == word_of(b + n - 8);
}

/* The key at `at` is that of the node. */
static inline bool key_is(const struct walk *walk, uint32_t number, uint32_t parent, size_t at)
{
    const struct json_path_node *node = &walk->paths->node[number];
    return node->parent == parent && node->quoted_n <= walk->reader.in.n - at &&
           same_bytes(node->quoted, walk->reader.in.p + at, node->quoted_n);
}

/* A key that did not come behind the last one before. */
static __attribute__((noinline)) uint32_t key_find(struct walk *walk, uint32_t parent, size_t at)
{
    struct json_paths *paths = walk->paths;
    const char *p = walk->reader.in.p;
    size_t n = walk->reader.in.n;
    bool non_ascii = false;
    if (at == n || p[at] != '"')
        return JSON_PATH_UNKNOWN;
    size_t end = at + 1 + scan_quoted(p + at + 1, n - at - 1, &non_ascii);
    if (non_ascii || n - end < 2 || p[end] != '"' || p[end + 1] != ':')
        return JSON_PATH_UNKNOWN;
    uint32_t number = json_paths_put(paths, parent, str_at(p + at, end + 2 - at));
    if (number != JSON_PATH_UNKNOWN) {
        uint32_t *next = paths->node[walk->last].next;
        memmove(next + 1, next, (JSON_PATHS_NEXT - 1) * sizeof *next);
        next[0] = number;
    }
    return number;
}

/* The path of the key at `at`; *ret_at is behind its colon. */
static inline uint32_t key_take(struct walk *walk, uint32_t parent, size_t at, size_t *ret_at)
{
    const uint32_t *next = walk->paths->node[walk->last].next;
    uint32_t number;
    if (key_is(walk, next[0], parent, at))
        number = next[0];
    else if (key_is(walk, next[1], parent, at))
        number = next[1];
    else if (key_is(walk, next[2], parent, at))
        number = next[2];
    else
        number = key_find(walk, parent, at);
    walk->last = number != JSON_PATH_UNKNOWN ? number : walk->last;
    *ret_at = at + walk->paths->node[number].quoted_n;
    return number;
}

/* The escape of a character by its number, at p; *out moves on. False: broken, or half of a pair. */
static bool number_unescape(const char *p, size_t n, char **out)
{
    uint32_t code;
    if (!json_escape_u(p, n, &code) || (code >= 0xd800 && code < 0xe000))
        return false;
    *out += utf8_encode(code, *out);
    return true;
}

/* One escape and those that follow it at once; they come in twos: \r\n, \n\t. False: broken, or half of a pair. */
static inline bool escapes_take(struct json_copy *copy)
{
    do {
        char c = copy->end - copy->p >= 2 ? json_escapes[(uint8_t)copy->p[1]] : '\0';
        if (c != '\0') {
            *copy->out++ = c;
            copy->p += 2;
        } else if (number_unescape(copy->p, (size_t)(copy->end - copy->p), &copy->out)) {
            copy->p += 6;
        } else {
            return false;
        }
    } while (copy->p < copy->end && copy->p[0] == '\\');
    return true;
}

/* The text of a string that has escapes; *at is its first backslash, then its closing quote. False when it is not
 * plain, or broken. Runs between escapes are a few bytes long: they are looked at once more while they are copied. */
static __attribute__((noinline)) bool text_unescape(struct walk *walk, size_t start, size_t *at, struct str *ret_text)
{
    struct str in = walk->reader.in;
    if (walk->room == NULL) {
        walk->room_n = in.n - start + JSON_COPY_SPARE;
        walk->room = arena_alloc_raw(walk->arena, walk->room_n);
        if (walk->room == NULL)
            return false;
    }
    char *text = walk->room + walk->room_at;
    struct json_copy copy = {in.p + start, in.p + in.n, text, walk->stops.non_ascii};
    for (;;) {
        if (walk->stops.width == JSON_WIDTH_64)
            copy = json_copy_64(copy);
        size_t run = scan_quoted_copy(copy.p, (size_t)(copy.end - copy.p), copy.out, &copy.high);
        copy.out += run;
        copy.p += run;
        if (copy.p == copy.end || copy.p[0] != '\\')
            break;
        if (!escapes_take(&copy))
            return false;
    }
    if (copy.p == copy.end || copy.p[0] != '"')
        return false;
    *ret_text = str_at(text, (size_t)(copy.out - text));
    walk->room_at += ret_text->n;
    walk->stops.non_ascii = copy.high != 0;
    *at = (size_t)(copy.p - in.p);
    return true;
}

/* The string whose first byte is at `*at`, which is left behind its closing quote. */
static inline bool string_take(struct walk *walk, size_t *at, struct str *ret_text)
{
    const char *p = walk->reader.in.p;
    size_t start = *at;
    size_t end = json_stops_next(&walk->stops, start);
    *ret_text = str_at(p + start, end - start);
    if (end == walk->reader.in.n || (p[end] != '"' && !text_unescape(walk, start, &end, ret_text)))
        return false;
    *at = end + 1;
    if (walk->stops.non_ascii)
        *ret_text = utf8_make_valid(walk->arena, *ret_text);
    return ret_text->p != NULL;
}

/* Digits that are a whole number. */
static inline bool number_take(const struct walk *walk, size_t *at, struct str *ret_text)
{
    const char *p = walk->reader.in.p;
    size_t n = walk->reader.in.n;
    size_t end = *at + (p[*at] == '-');
    size_t first = end;
    while (end < n && char_is_digit(p[end]))
        end++;
    if (end == first || end == n || (p[first] == '0' && end > first + 1) || (p[end] != ',' && p[end] != '}'))
        return false;
    *ret_text = str_at(p + *at, end - *at);
    *at = end;
    return true;
}

/* The value at `*at`, which is left behind it; JSON_ERROR when it is not plain, or broken. */
static inline enum json_kind value_take(struct walk *walk, size_t *at, struct str *ret_value)
{
    if (walk->reader.in.p[*at] == '"') {
        ++*at;
        return string_take(walk, at, ret_value) ? JSON_STRING : JSON_ERROR;
    }
    return number_take(walk, at, ret_value) ? JSON_NUMBER : JSON_ERROR;
}

void json_members_take(struct walk *walk)
{
    struct json_reader *r = &walk->reader;
    const char *p = r->in.p;
    size_t n = r->in.n;
    size_t at = r->at;
    uint32_t parent = json_in_object(r) ? walk->base_node[r->depth - 1] : JSON_PATH_UNKNOWN;
    bool first = r->expect == EXPECT_FIRST_KEY;
    if (parent == JSON_PATH_UNKNOWN || (!first && r->expect != EXPECT_AFTER))
        return;
    for (; n - at >= 2 && (first || p[at] == ','); first = false) {
        struct str value UNINITIALISED;
        at += !first;
        at += p[at] == ' ';
        uint32_t node = key_take(walk, parent, at, &at);
        if (node == JSON_PATH_UNKNOWN)
            return;
        at += at < n && p[at] == ' ';
        r->at = at;
        enum json_kind kind = at < n ? value_take(walk, &at, &value) : JSON_ERROR;
        if (kind == JSON_ERROR) { /* the reader goes on behind the key */
            walk->node = node;
            walk->path_n = walk->paths->node[node].path.text.n;
            r->expect = EXPECT_VALUE;
            return;
        }
        walk_hold(walk, node, kind, value);
        r->at = at;
        r->expect = EXPECT_AFTER;
    }
}
