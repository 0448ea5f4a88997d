#include "web/diff.h"

#include "base/buf.h"

#include <string.h>

#define LAID_OUT_MAX ((size_t)1 << 20)
#define DEPTH_MAX    64u

struct lines {
    struct str *line;
    size_t count;
};

static bool lines_of(struct arena *arena, struct str text, struct lines *ret)
{
    ret->line = arena_alloc_array(arena, DIFF_LINES_MAX, sizeof ret->line[0]);
    ret->count = 0;
    while (ret->line && text.p && text.n && ret->count + 1 < DIFF_LINES_MAX)
        ret->line[ret->count++] = str_cut(&text, '\n');
    if (ret->line && text.p && text.n)
        ret->line[ret->count++] = text;
    return ret->line != NULL;
}

static void put(struct diff_line *out, size_t *n, enum diff_kind kind, struct str text)
{
    out[(*n)++] = (struct diff_line){kind, text};
}

/* The part between the common beginning and the common end: lengths of longest common subsequences of what is behind
 * each pair of places, then the way along them. */
static bool middle(struct arena *arena, const struct lines *a, const struct lines *b, struct diff_line *out, size_t *n)
{
    size_t width = b->count + 1;
    uint16_t *length = NULL;
    if ((a->count + 1) * width <= DIFF_CELLS_MAX)
        length = arena_alloc_array(arena, (a->count + 1) * width, sizeof length[0]);
    if (!length && (a->count + 1) * width <= DIFF_CELLS_MAX)
        return false;
    for (size_t i = a->count; length && i-- > 0;)
        for (size_t k = b->count; k-- > 0;)
            length[i * width + k] = str_eq(a->line[i], b->line[k])
                                        ? (uint16_t)(length[(i + 1) * width + k + 1] + 1)
                                        : MAX(length[(i + 1) * width + k], length[i * width + k + 1]);
    size_t i = 0, k = 0;
    while (i < a->count || k < b->count) {
        bool both = length && i < a->count && k < b->count;
        if (both && str_eq(a->line[i], b->line[k])) {
            put(out, n, DIFF_SAME, a->line[i++]);
            k++;
        } else if (i < a->count && (!both || length[(i + 1) * width + k] >= length[i * width + k + 1])) {
            put(out, n, DIFF_GONE, a->line[i++]);
        } else {
            put(out, n, DIFF_NEW, b->line[k++]);
        }
    }
    return true;
}

struct diff_line *diff_lines(struct arena *arena, struct str before, struct str after, size_t *ret_count)
{
    struct lines a, b;
    struct diff_line *out = arena_alloc_array(arena, 2 * (size_t)DIFF_LINES_MAX, sizeof out[0]);
    size_t n = 0, begin = 0, end = 0;
    *ret_count = 0;
    if (!out || !lines_of(arena, before, &a) || !lines_of(arena, after, &b))
        return NULL;
    while (begin < a.count && begin < b.count && str_eq(a.line[begin], b.line[begin])) {
        put(out, &n, DIFF_SAME, a.line[begin]);
        begin++;
    }
    while (end < a.count - begin && end < b.count - begin &&
           str_eq(a.line[a.count - 1 - end], b.line[b.count - 1 - end]))
        end++;
    const struct lines a_middle = {a.line + begin, a.count - begin - end};
    const struct lines b_middle = {b.line + begin, b.count - begin - end};
    if (!middle(arena, &a_middle, &b_middle, out, &n))
        return NULL;
    for (size_t i = a.count - end; i < a.count; i++)
        put(out, &n, DIFF_SAME, a.line[i]);
    *ret_count = n;
    return out;
}

/* ---- JSON ---- */

static void line_begin(struct buf *out, unsigned depth)
{
    buf_char(out, '\n');
    for (unsigned i = 0; i < MIN(depth, DEPTH_MAX); i++)
        buf_text(out, "  ");
}

/* Past the blanks from `i` on. */
static size_t blanks_pass(struct str json, size_t i)
{
    while (i < json.n && char_is_space(json.p[i]))
        i++;
    return i;
}

static size_t string_copy(struct str json, size_t i, struct buf *out)
{
    size_t from = i++;
    while (i < json.n && json.p[i] != '"')
        i += json.p[i] == '\\' ? 2 : 1;
    i = MIN(i + 1, json.n);
    buf_str(out, str_slice(json, from, i));
    return i;
}

static size_t bracket_open(struct str json, size_t i, unsigned *depth, struct buf *out)
{
    size_t next = blanks_pass(json, i + 1);
    char close = json.p[i] == '{' ? '}' : ']';
    buf_char(out, json.p[i]);
    if (next < json.n && json.p[next] == close) {
        buf_char(out, close);
        return next + 1;
    }
    line_begin(out, ++*depth);
    return i + 1;
}

static void laid_out(struct str json, struct buf *out)
{
    unsigned depth = 0;
    for (size_t i = blanks_pass(json, 0); i < json.n; i = blanks_pass(json, i)) {
        char c = json.p[i];
        if (c == '"') {
            i = string_copy(json, i, out);
        } else if (c == '{' || c == '[') {
            i = bracket_open(json, i, &depth, out);
        } else {
            depth -= (c == '}' || c == ']') && depth > 0;
            if (c == '}' || c == ']')
                line_begin(out, depth);
            buf_char(out, c);
            if (c == ',')
                line_begin(out, depth);
            else if (c == ':')
                buf_char(out, ' ');
            i++;
        }
    }
}

struct str json_laid_out(struct arena *arena, struct str json)
{
    struct buf out CLEANUP(buf_done) = {0};
    if (json.n == 0 || (json.p[0] != '{' && json.p[0] != '['))
        return arena_str(arena, json);
    buf_init(&out, LAID_OUT_MAX);
    laid_out(json, &out);
    return arena_str(arena, out.overflow ? json : buf_view(&out));
}
