#include "base/assert.h"
#include "codec/json.h"
#include "codec/json_reader.h"
#include "codec/scan.h"
#include "codec/utf8.h"

#include <string.h>

#define PATH_TOO_LONG SIZE_MAX

/* The path is one buffer; each open level remembers how long the path was when it opened, so that leaving a level is
 * one assignment. An array has the path of its key, and so have its elements.
 *
 * A path that is remembered (`node`) is not written into the buffer. Below a path that is not remembered none is. */
struct walk {
    struct arena *arena;
    struct json_reader reader;
    struct json_paths *paths; /* or NULL */
    json_leaf leaf;           /* without, json_leaf_at with paths */
    json_leaf_at leaf_at;
    void *context;
    uint32_t leaves;
    uint32_t lost;
    uint32_t node;  /* of the path, or JSON_PATH_UNKNOWN */
    uint32_t last;  /* the path of the key before, of those remembered */
    char *room;     /* for strings without their escapes: as long as the text that was left when it was made, and 16 */
    size_t room_at; /* used */
    size_t room_n;
    size_t path_n;  /* or PATH_TOO_LONG */
    size_t base[JSON_DEPTH];
    size_t start[JSON_DEPTH]; /* where the level's text begins */
    uint32_t base_node[JSON_DEPTH];
    char path[JSON_PATH_MAX];
};

static void give(struct walk *walk, enum json_kind kind, struct str value)
{
    if (walk->path_n == PATH_TOO_LONG || walk->leaves == JSON_LEAVES_MAX) {
        walk->lost++;
        return;
    }
    walk->leaves++;
    if (walk->node != JSON_PATH_UNKNOWN) {
        walk->leaf_at(walk->context, &walk->paths->node[walk->node].path, kind, value);
        return;
    }
    struct str path = str_at(walk->path, walk->path_n);
    if (walk->paths == NULL)
        walk->leaf(walk->context, path, kind, value);
    else
        walk->leaf_at(walk->context, &(struct json_path){.text = path}, kind, value);
}

static void path_set(struct walk *walk, uint32_t node)
{
    walk->node = node;
    walk->path_n = walk->paths->node[node].path.text.n;
}

/* A key that is not remembered. */
static void append_key(struct walk *walk, struct str key)
{
    size_t base = walk->base[walk->reader.depth - 1];
    uint32_t above = walk->base_node[walk->reader.depth - 1];
    walk->path_n = PATH_TOO_LONG;
    walk->node = JSON_PATH_UNKNOWN;
    if (base == PATH_TOO_LONG || key.n + 1 > JSON_PATH_MAX - base)
        return;
    if (above != JSON_PATH_UNKNOWN && base > 0)
        memcpy(walk->path, walk->paths->node[above].path.text.p, base);
    if (base > 0)
        walk->path[base++] = '.';
    if (key.n > 0)
        memcpy(walk->path + base, key.p, key.n);
    walk->path_n = base + key.n;
}

static void leave_level(struct walk *walk, enum json_kind kind)
{
    uint32_t level = walk->reader.depth; /* of the level just closed: it was this one's child */
    size_t start = walk->start[level];
    walk->path_n = walk->base[level];
    walk->node = walk->base_node[level];
    if (kind == JSON_OBJECT_END && walk->path_n != 0)
        give(walk, JSON_OBJECT, str_slice(walk->reader.in, start, walk->reader.at));
}

/* RC_END when the text is complete. */
static enum rc step(struct walk *walk)
{
    struct json_token token;
    enum json_kind kind = json_next(&walk->reader, &token);
    struct str text = token.text;
    switch (kind) {
    case JSON_KEY:
        if (!json_text(walk->arena, &token, &text))
            return RC_LIMIT;
        append_key(walk, text);
        return RC_OK;
    case JSON_STRING:
        if (!json_text(walk->arena, &token, &text))
            return RC_LIMIT;
        give(walk, kind, text);
        return RC_OK;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        give(walk, kind, text);
        return RC_OK;
    case JSON_ARRAY:
    case JSON_OBJECT:
        walk->base[walk->reader.depth - 1] = walk->path_n;
        walk->base_node[walk->reader.depth - 1] = walk->node;
        walk->start[walk->reader.depth - 1] = walk->reader.at - 1;
        return RC_OK;
    case JSON_ARRAY_END:
    case JSON_OBJECT_END:
        leave_level(walk, kind);
        return RC_OK;
    case JSON_END:
        return RC_END;
    case JSON_ERROR:
        break;
    }
    return RC_INVALID;
}

/* --- what most members are ---
 *
 * "key":"text" and "key":123, behind a comma or the opening bracket, with at most one blank before key and value. What
 * is anything else, or broken, is left to the reader, from its beginning. */

/* Of n >= 8 bytes; keys are short, and a call costs more than the comparison. */
static inline bool same_bytes(const char *a, const char *b, size_t n)
{
    uint64_t left;
    uint64_t right;
    for (size_t i = 0; i + 8 < n; i += 8) {
        memcpy(&left, a + i, sizeof left);
        memcpy(&right, b + i, sizeof right);
        if (left != right)
            return false;
    }
    memcpy(&left, a + n - 8, sizeof left);
    memcpy(&right, b + n - 8, sizeof right);
    return left == right;
}

/* The path of the key at `at`; *ret_at is behind its colon. */
static uint32_t key_take(struct walk *walk, uint32_t parent, size_t at, size_t *ret_at)
{
    struct json_paths *paths = walk->paths;
    const char *p = walk->reader.in.p;
    size_t n = walk->reader.in.n;
    uint32_t guess = paths->node[walk->last].next;
    const struct json_path_node *node = &paths->node[guess];
    if (guess != JSON_PATH_UNKNOWN && node->parent == parent && node->quoted_n <= n - at &&
        (node->quoted_n >= 8 ? same_bytes(node->quoted, p + at, node->quoted_n)
                             : memcmp(node->quoted, p + at, node->quoted_n) == 0)) {
        walk->last = guess;
        *ret_at = at + node->quoted_n;
        return guess;
    }
    bool non_ascii = false;
    if (at == n || p[at] != '"')
        return JSON_PATH_UNKNOWN;
    size_t end = at + 1 + scan_quoted(p + at + 1, n - at - 1, &non_ascii);
    if (non_ascii || n - end < 2 || p[end] != '"' || p[end + 1] != ':')
        return JSON_PATH_UNKNOWN;
    uint32_t number = json_paths_put(paths, parent, str_at(p + at, end + 2 - at));
    if (number != JSON_PATH_UNKNOWN) {
        paths->node[walk->last].next = number;
        walk->last = number;
        *ret_at = end + 2;
    }
    return number;
}

/* Copies what stands before the next '"', '\\' or control character; `out` has room for 16 bytes more than that. */
static inline size_t plain_copy(const char *p, size_t n, char *out, bool *non_ascii)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    for (; i + 16 <= n; i += 16) {
        __m128i v = scan_load(p + i);
        _mm_storeu_si128((__m128i *)(void *)(out + i), v);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, control), v);
        __m128i stop = _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
        unsigned hit = (unsigned)_mm_movemask_epi8(stop);
        *non_ascii |= _mm_movemask_epi8(v) != 0; /* or behind what was looked for: then it is looked at once more */
        if (hit != 0)
            return i + (unsigned)__builtin_ctz(hit);
    }
#endif
    for (; i < n && (uint8_t)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\'; i++) {
        *non_ascii |= (uint8_t)p[i] >= 0x80;
        out[i] = p[i];
    }
    return i;
}

/* The text of a string that has escapes; *at is its first backslash, then its closing quote. False when it is not
 * simple, or broken. */
static bool text_unescape(struct walk *walk, size_t start, size_t *at, bool *ret_non_ascii, struct str *ret_text)
{
    const char *p = walk->reader.in.p;
    size_t n = walk->reader.in.n;
    size_t from = *at;
    bool non_ascii = *ret_non_ascii;
    if (walk->room == NULL) {
        walk->room_n = n - start + 16;
        walk->room = arena_alloc_raw(walk->arena, walk->room_n);
        if (walk->room == NULL)
            return false;
        walk->room_at = 0;
    }
    char *text = walk->room + walk->room_at;
    char *out = text + (from - start);
    memcpy(text, p + start, from - start);
    while (from + 1 < n && p[from] == '\\') {
        char c = json_escapes[(uint8_t)p[from + 1]];
        if (c == '\0')
            return false;
        *out++ = c;
        from += 2;
        if (from < n && p[from] == '\\') /* they come in twos: \r\n, \n\t */
            continue;
        size_t plain = plain_copy(p + from, n - from, out, &non_ascii);
        from += plain;
        out += plain;
    }
    if (from == n || p[from] != '"')
        return false;
    *ret_text = str_at(text, (size_t)(out - text));
    *ret_non_ascii = non_ascii;
    walk->room_at += ret_text->n;
    *at = from;
    return true;
}

/* The string whose first byte is at `*at`, which is left behind its closing quote. */
static bool string_take(struct walk *walk, size_t *at, struct str *ret_text)
{
    const char *p = walk->reader.in.p;
    size_t n = walk->reader.in.n;
    size_t start = *at;
    bool non_ascii = false;
    size_t end = start + scan_quoted(p + start, n - start, &non_ascii);
    *ret_text = str_at(p + start, end - start);
    if (end == n || (p[end] != '"' && !text_unescape(walk, start, &end, &non_ascii, ret_text)))
        return false;
    *at = end + 1;
    if (non_ascii)
        *ret_text = utf8_make_valid(walk->arena, *ret_text);
    return ret_text->p != NULL;
}

/* Digits that are a whole number. */
static bool number_take(const struct walk *walk, size_t *at)
{
    const char *p = walk->reader.in.p;
    size_t n = walk->reader.in.n;
    size_t end = *at + (p[*at] == '-');
    size_t first = end;
    while (end < n && char_is_digit(p[end]))
        end++;
    if (end == first || end == n || (p[first] == '0' && end > first + 1) || (p[end] != ',' && p[end] != '}'))
        return false;
    *at = end;
    return true;
}

/* Takes one member, or its key alone; false: nothing was taken. */
static bool member_take(struct walk *walk)
{
    struct json_reader *r = &walk->reader;
    const char *p = r->in.p;
    size_t n = r->in.n;
    size_t at = r->at;
    if (r->expect == EXPECT_AFTER && at < n && p[at] == ',')
        at++;
    else if (r->expect != EXPECT_FIRST_KEY)
        return false;
    if (!json_in_object(r) || walk->base_node[r->depth - 1] == JSON_PATH_UNKNOWN)
        return false;
    at += at < n && p[at] == ' ';
    uint32_t node = key_take(walk, walk->base_node[r->depth - 1], at, &at);
    if (node == JSON_PATH_UNKNOWN)
        return false;
    path_set(walk, node);
    at += at < n && p[at] == ' ';
    r->at = at;
    r->expect = EXPECT_VALUE;
    if (at == n)
        return true;
    struct str value;
    if (p[at] == '"') {
        at++;
        if (!string_take(walk, &at, &value))
            return true;
        r->at = at;
        r->expect = EXPECT_AFTER;
        give(walk, JSON_STRING, value);
    } else if ((p[at] == '-' || char_is_digit(p[at])) && number_take(walk, &at)) {
        value = str_slice(r->in, r->at, at);
        r->at = at;
        r->expect = EXPECT_AFTER;
        give(walk, JSON_NUMBER, value);
    }
    return true;
}

static enum rc flatten(struct walk *walk, struct str text, uint32_t *ret_lost, struct err *err)
{
    ASSERT(walk->arena != NULL && (walk->leaf != NULL || walk->leaf_at != NULL));
    walk->leaves = 0;
    walk->lost = 0;
    walk->path_n = 0;
    walk->node = walk->paths != NULL ? JSON_PATH_ROOT : JSON_PATH_UNKNOWN;
    walk->last = JSON_PATH_ROOT;
    walk->room = NULL;
    json_reader_init(&walk->reader, text, JSON_DEPTH);
    enum rc rc = RC_OK;
    while (rc == RC_OK) {
        if (!member_take(walk))
            rc = step(walk);
    }
    if (walk->room != NULL)
        arena_shrink(walk->arena, walk->room, walk->room_n, walk->room_at);
    if (ret_lost != NULL)
        *ret_lost = walk->lost;
    if (rc == RC_INVALID)
        return json_reader_err(&walk->reader, err);
    if (rc == RC_LIMIT)
        return err_set(err, RC_LIMIT, "JSON text does not fit into the memory allowed");
    return RC_OK;
}

/* The path and the levels are not cleared: they are 2 KiB, and this runs for every event. */
enum rc json_flatten(struct arena *arena, struct str text, json_leaf leaf, void *context, uint32_t *ret_lost,
                     struct err *err)
{
    struct walk walk UNINITIALISED;
    walk.arena = arena;
    walk.paths = NULL;
    walk.leaf = leaf;
    walk.leaf_at = NULL;
    walk.context = context;
    return flatten(&walk, text, ret_lost, err);
}

enum rc json_flatten_at(struct json_paths *paths, struct arena *arena, struct str text, json_leaf_at leaf,
                        void *context, uint32_t *ret_lost)
{
    struct walk walk UNINITIALISED;
    if (paths->full)
        json_paths_forget(paths);
    walk.arena = arena;
    walk.paths = paths;
    walk.leaf = NULL;
    walk.leaf_at = leaf;
    walk.context = context;
    return flatten(&walk, text, ret_lost, NULL);
}
