/* What stands behind `|`: commands in order, each checked against the columns that it will find. A table's columns are
 * known here, so that a mistake in the last command is told before anything is searched. */
#include "archive/query_state.h"
#include "archive/words.h"
#include "base/assert.h"
#include "base/macros.h"

#include <stdio.h>
#include <string.h>

#define COLUMN_COUNT_NAME "count"
#define COLUMN_TIME_NAME  "time"

struct pipe {
    struct str in;
    size_t at;
    struct arena *arena;
    struct query *query;
    struct err *err;
    /* columns of the table as the next command finds them; `chosen`: events of which `fields` chose */
    struct str column[QUERY_COLUMNS_MAX];
    uint32_t column_count;
    bool chosen;
    bool sorted;
};

static void skip_space(struct pipe *p)
{
    while (p->at < p->in.n && char_is_space(p->in.p[p->at]))
        p->at++;
}

static bool at_end(struct pipe *p)
{
    skip_space(p);
    return p->at == p->in.n || p->in.p[p->at] == '|';
}

static bool name_char(char c)
{
    return char_is_alnum(c) || c == '_' || c == '.' || c == '@' || c == '-' || c == ':' || (unsigned char)c > 127;
}

static struct str word(struct pipe *p)
{
    size_t start = p->at;
    while (p->at < p->in.n && name_char(p->in.p[p->at]))
        p->at++;
    return str_slice(p->in, start, p->at);
}

/* A name, bare or in quotation marks (for names with blanks). */
static enum rc name(struct pipe *p, struct str *ret_name)
{
    size_t start = p->at;
    if (p->at < p->in.n && p->in.p[p->at] == '"') {
        size_t length = str_find(str_skip(p->in, start + 1), '"');
        if (start + 1 + length >= p->in.n)
            return query_fail(p->err, start, "the quotation mark is never closed");
        *ret_name = str_slice(p->in, start + 1, start + 1 + length);
        p->at = start + length + 2;
    } else {
        *ret_name = word(p);
    }
    return ret_name->n ? RC_OK : query_fail(p->err, start, "the name of a field is missing");
}

/* ---- keys ---- */

static enum rc key_make(struct pipe *p, struct str shown, struct query_key *ret_key)
{
    static const struct {
        const char *name;
        enum query_key_kind kind;
    } own[] = {{"time", KEY_TIME},     {"received", KEY_RECEIVED},   {"record", KEY_RECORD},
               {"source", KEY_SOURCE}, {"transport", KEY_TRANSPORT}, {"parser", KEY_PARSER},
               {"type", KEY_TYPE},     {"rule", KEY_RULE},           {"raw", KEY_RAW}};
    char *folded = arena_alloc_raw(p->arena, shown.n + 1);
    if (!folded)
        return err_set(p->err, RC_LIMIT, "no memory for the query");
    word_fold_text(shown, folded);
    struct query_key key = {.kind = KEY_FIELD, .name = str_at(folded, shown.n)};
    key.shown = arena_str(p->arena, shown);
    if (!key.shown.p)
        return err_set(p->err, RC_LIMIT, "no memory for the query");
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (str_is(key.name, own[i].name))
            key.kind = own[i].kind;
    key.statutory = key.kind == KEY_FIELD ? statutory_find(key.name) : STATUTORY_COUNT;
    *ret_key = key;
    return RC_OK;
}

/* Of the columns that there are; any name fits events of which nothing was chosen. */
static enum rc key_place(struct pipe *p, size_t at, struct query_key *key)
{
    char text[ERR_TEXT_MAX / 2];
    if (p->query->output == OUTPUT_EVENTS && !p->chosen)
        return RC_OK;
    for (uint32_t i = 0; i < p->column_count; i++)
        if (str_eq(p->column[i], key->name)) {
            key->column = i;
            return RC_OK;
        }
    snprintf(text, sizeof text, "there is no column \"%.*s\" at this point", STR_ARG(str_slice(key->shown, 0, 100)));
    return query_fail(p->err, at, text);
}

/* "a, b" or "a b"; with `signs` also "-a". At most `most`. */
static enum rc keys(struct pipe *p, bool signs, struct query_key *list, uint32_t most, uint32_t *ret_count)
{
    uint32_t count = 0;
    while (!at_end(p)) {
        struct str shown;
        bool falling = false;
        if (signs && (p->in.p[p->at] == '-' || p->in.p[p->at] == '+')) {
            falling = p->in.p[p->at] == '-';
            p->at++;
        }
        size_t at = p->at;
        enum rc rc = name(p, &shown);
        if (rc == RC_OK && count == most)
            return query_fail(p->err, at, "too many fields are named");
        rc = rc == RC_OK ? key_make(p, shown, &list[count]) : rc;
        if (rc != RC_OK)
            return rc;
        list[count].falling = falling;
        for (uint32_t i = 0; i < count; i++)
            if (str_eq(list[i].name, list[count].name))
                return query_fail(p->err, at, "a field is named twice");
        rc = key_place(p, at, &list[count++]);
        if (rc != RC_OK)
            return rc;
        skip_space(p);
        if (p->at < p->in.n && p->in.p[p->at] == ',') {
            p->at++;
            if (at_end(p))
                return query_fail(p->err, p->at, "the name of a field is missing");
        }
    }
    if (!count)
        return query_fail(p->err, p->at, "the name of a field is missing");
    *ret_count = count;
    return RC_OK;
}

/* ---- commands ---- */

static void column_add(struct pipe *p, struct str column)
{
    ASSERT(p->column_count < QUERY_COLUMNS_MAX);
    p->column[p->column_count++] = column;
}

static enum rc by(struct pipe *p)
{
    struct query *q = p->query;
    size_t start = p->at;
    if (at_end(p))
        return RC_OK;
    start = p->at;
    if (!str_eq_nocase(word(p), STR("by")))
        return query_fail(p->err, start, "\"by\" and the names of fields, or \"|\", are due here");
    enum rc rc = keys(p, false, q->by, QUERY_KEYS_MAX, &q->by_count);
    for (uint32_t i = 0; i < q->by_count && rc == RC_OK; i++)
        if (query_key_is_moment(&q->by[i]))
            rc = query_fail(p->err, start, "use \"timechart\" to count by time");
        else if (str_is(q->by[i].name, COLUMN_COUNT_NAME))
            rc = query_fail(p->err, start, "\"count\" is the name of the result");
    return rc;
}

/* What begins a table must come first. */
static enum rc begins_table(struct pipe *p, size_t at, enum query_output output)
{
    if (p->query->output != OUTPUT_EVENTS)
        return query_fail(p->err, at, "the events are counted already");
    if (p->query->stage_count)
        return query_fail(p->err, at, "\"sort\", \"head\" and \"fields\" stand behind what counts");
    enum rc rc = by(p);
    p->query->output = output;
    if (output == OUTPUT_TIMECHART)
        column_add(p, STR(COLUMN_TIME_NAME));
    for (uint32_t i = 0; i < p->query->by_count && rc == RC_OK; i++)
        column_add(p, p->query->by[i].name);
    column_add(p, STR(COLUMN_COUNT_NAME));
    return rc;
}

static enum rc command_count(struct pipe *p, size_t at)
{
    return begins_table(p, at, OUTPUT_COUNT);
}

static enum rc command_timechart(struct pipe *p, size_t at)
{
    skip_space(p);
    size_t start = p->at;
    if (!query_span_parse(word(p), &p->query->step_ns))
        return query_fail(p->err, start, "\"timechart\" wants a step: a number and s, m, h, d or w, as in 5m");
    return begins_table(p, at, OUTPUT_TIMECHART);
}

static enum rc stage_add(struct pipe *p, size_t at, enum query_stage_kind kind, struct query_stage **ret_stage)
{
    struct query *q = p->query;
    if (q->stage_count == QUERY_STAGES_MAX)
        return query_fail(p->err, at, "the query has too many commands");
    *ret_stage = &q->stages[q->stage_count++];
    **ret_stage = (struct query_stage){.kind = kind};
    (*ret_stage)->keys = arena_alloc_array(p->arena, QUERY_COLUMNS_MAX, sizeof *(*ret_stage)->keys);
    return (*ret_stage)->keys ? RC_OK : err_set(p->err, RC_LIMIT, "no memory for the query");
}

static enum rc command_sort(struct pipe *p, size_t at)
{
    struct query_stage *stage;
    if (p->query->output == OUTPUT_EVENTS && p->sorted)
        return query_fail(p->err, at, "events are sorted once");
    p->sorted = true;
    enum rc rc = stage_add(p, at, STAGE_SORT, &stage);
    return rc == RC_OK ? keys(p, true, stage->keys, QUERY_KEYS_MAX, &stage->key_count) : rc;
}

static enum rc command_head(struct pipe *p, size_t at)
{
    struct query_stage *stage;
    enum rc rc = stage_add(p, at, STAGE_HEAD, &stage);
    skip_space(p);
    size_t start = p->at;
    if (rc == RC_OK && (!str_to_u64(word(p), &stage->head) || !stage->head || stage->head > QUERY_HEAD_MAX))
        rc = query_fail(p->err, start, "\"head\" wants a number from 1 to 1000000");
    return rc;
}

static enum rc command_fields(struct pipe *p, size_t at)
{
    struct query_stage *stage;
    enum rc rc = stage_add(p, at, STAGE_FIELDS, &stage);
    rc = rc == RC_OK ? keys(p, false, stage->keys, QUERY_COLUMNS_MAX, &stage->key_count) : rc;
    p->chosen = true;
    p->column_count = 0;
    for (uint32_t i = 0; rc == RC_OK && i < stage->key_count; i++)
        column_add(p, stage->keys[i].name);
    return rc;
}

static const struct {
    const char *name;
    enum rc (*read)(struct pipe *p, size_t at);
} commands[] = {{"count", command_count},
                {"timechart", command_timechart},
                {"sort", command_sort},
                {"head", command_head},
                {"fields", command_fields}};

static enum rc command(struct pipe *p)
{
    skip_space(p);
    size_t at = p->at;
    struct str verb = word(p);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (!str_eq_nocase(verb, str_of(commands[i].name)))
            continue;
        enum rc rc = commands[i].read(p, at);
        return rc != RC_OK || at_end(p) ? rc : query_fail(p->err, p->at, "\"|\" or the end is due here");
    }
    return query_fail(p->err, at, "a command is due here: count, timechart, sort, head or fields");
}

enum rc query_pipe_parse(struct str text, size_t at, struct arena *arena, struct query *query, struct err *err)
{
    struct pipe p = {.in = text, .at = at, .arena = arena, .query = query, .err = err};
    enum rc rc = RC_OK;
    while (rc == RC_OK && p.at < text.n) {
        ASSERT(text.p[p.at] == '|');
        p.at++;
        rc = command(&p);
        skip_space(&p);
    }
    return rc;
}
