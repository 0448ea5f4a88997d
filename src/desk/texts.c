#include "desk/texts.h"

#include "codec/tsv.h"

#define KEY_MAX 128

static size_t lines_of(struct str text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    return lines;
}

/* What a rule means is for pages; the desk tells its title alone. */
static bool is_used(struct str key)
{
    return !str_starts(key, STR("rule.")) || !str_ends(key, STR(".description"));
}

static enum rc text_add(struct desk_texts *texts, struct arena *arena, const struct tsv *tsv, const int column[4],
                        struct err *err)
{
    struct str key = tsv->cell[column[0]];
    if (key.n == 0 || key.n > KEY_MAX)
        return err_set(err, RC_INVALID, "a key that is empty or too long");
    if (desk_texts_has(texts, key))
        return err_set(err, RC_INVALID, "the key %.*s is given twice", STR_ARG(key));
    uint64_t *place = map_put(texts->index, key);
    if (!place)
        return err_set(err, RC_LIMIT, "more than %u texts, or out of memory", DESK_TEXTS_MAX);
    *place = texts->count;
    for (int i = 0; i < TERM_LANGUAGES; i++) {
        struct str cell = tsv->cell[column[1 + i]];
        if (cell.n == 0)
            return err_set(err, RC_INVALID, "the key %.*s has an empty text", STR_ARG(key));
        texts->row[texts->count][i] = arena_str(arena, cell);
        if (!texts->row[texts->count][i].p)
            return err_set(err, RC_LIMIT, "out of memory");
    }
    texts->count++;
    return RC_OK;
}

/* Opens a table and finds its columns. */
static enum rc columns_find(struct tsv *tsv, struct str text, const char *const *names, int *ret_columns, size_t count,
                            struct err *err)
{
    enum rc rc = tsv_open(tsv, text, err);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        rc = tsv_need(tsv, names[i], &ret_columns[i], err);
    return rc;
}

enum rc desk_texts_new(struct desk_texts *texts, struct arena *arena, struct err *err)
{
    texts->count = 0;
    texts->index = map_new(DESK_TEXTS_MAX, 1);
    texts->row = arena_alloc_array(arena, DESK_TEXTS_MAX, sizeof texts->row[0]);
    return texts->index && texts->row ? RC_OK : err_set(err, RC_LIMIT, "out of memory");
}

enum rc desk_texts_read(struct desk_texts *texts, struct arena *arena, struct str text, struct err *err)
{
    static const char *const names[] = {"key", "kk", "ru", "en"};
    struct tsv tsv;
    int column[ARRAY_LEN(names)];
    enum rc rc = columns_find(&tsv, text, names, column, ARRAY_LEN(names), err);
    while (rc == RC_OK && (rc = tsv_next(&tsv, err)) == RC_OK)
        if (is_used(tsv.cell[column[0]]))
            rc = text_add(texts, arena, &tsv, column, err);
    if (rc != RC_END) {
        err_wrap(err, "texts of the desk");
        return rc;
    }
    return RC_OK;
}

bool desk_texts_has(const struct desk_texts *texts, struct str key)
{
    return map_get(texts->index, key);
}

struct str desk_text(const struct desk_texts *texts, const char *family, struct str key, enum term_language language)
{
    char storage[KEY_MAX + 1];
    struct buf whole;
    buf_init_fixed(&whole, storage, sizeof storage);
    buf_text(&whole, family);
    buf_str(&whole, key);
    uint64_t *row = whole.overflow ? NULL : map_get(texts->index, buf_view(&whole));
    return row ? texts->row[*row][language] : key;
}

struct str desk_title(const struct desk_texts *texts, struct str rule_id, struct str title, enum term_language language)
{
    if (!str_eq(desk_text(texts, "rule.", rule_id, TERM_EN), title))
        return title;
    return desk_text(texts, "rule.", rule_id, language);
}

void desk_fill(struct buf *out, struct str text, const struct desk_fill *fills, size_t count)
{
    for (struct str rest = text; rest.n;) {
        size_t open = str_find(rest, '{');
        buf_str(out, str_slice(rest, 0, open));
        rest = str_skip(rest, open);
        size_t close = str_find(rest, '}');
        struct str name = rest.n ? str_slice(rest, 1, close) : STR_NONE;
        for (size_t i = 0; i < count && rest.n; i++)
            if (str_is(name, fills[i].name))
                buf_str(out, fills[i].value);
        rest = str_skip(rest, close + 1);
    }
}

static enum rc list_row_check(const struct desk_list_row *row, const struct desk_catalogue *catalogue,
                              const struct desk_texts *texts, struct err *err)
{
    static const char *const lists[] = {"kind", "scope", "sign", "consequence", "contour", "not_removed"};
    if (row->key.n == 0)
        return err_set(err, RC_INVALID, "an empty key");
    if (str_is(row->list, "tag")) {
        if (!desk_catalogue_has(catalogue, "kind", row->value))
            return err_set(err, RC_INVALID, "the tag %.*s points at no kind that stands above", STR_ARG(row->key));
        return RC_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        char storage[KEY_MAX];
        struct buf key;
        if (!str_is(row->list, lists[i]))
            continue;
        buf_init_fixed(&key, storage, sizeof storage);
        buf_text(&key, lists[i]);
        buf_char(&key, '.');
        buf_str(&key, row->key);
        if (key.overflow || !desk_texts_has(texts, buf_view(&key)))
            return err_set(err, RC_INVALID, "no text for %s.%.*s", lists[i], (int)MIN(row->key.n, (size_t)KEY_MAX),
                           row->key.p);
        return RC_OK;
    }
    return err_set(err, RC_INVALID, "no list is called \"%.*s\"", (int)MIN(row->list.n, (size_t)KEY_MAX), row->list.p);
}

static enum rc list_row_add(struct desk_catalogue *catalogue, struct arena *arena, const struct tsv *tsv,
                            const int column[3], struct err *err)
{
    struct desk_list_row *row = &catalogue->row[catalogue->count];
    row->list = arena_str(arena, tsv->cell[column[0]]);
    row->key = arena_str(arena, tsv->cell[column[1]]);
    row->value = arena_str(arena, tsv->cell[column[2]]);
    if (!row->list.p || !row->key.p || !row->value.p)
        return err_set(err, RC_LIMIT, "out of memory");
    catalogue->count++;
    return RC_OK;
}

enum rc desk_catalogue_read(struct desk_catalogue *catalogue, struct arena *arena, struct str text,
                            const struct desk_texts *texts, struct err *err)
{
    static const char *const names[] = {"list", "key", "value"};
    struct tsv tsv;
    int column[ARRAY_LEN(names)];
    catalogue->count = 0;
    catalogue->row = arena_alloc_array(arena, lines_of(text), sizeof catalogue->row[0]);
    enum rc rc = catalogue->row ? RC_OK : err_set(err, RC_LIMIT, "out of memory");
    if (rc == RC_OK)
        rc = columns_find(&tsv, text, names, column, ARRAY_LEN(names), err);
    while (rc == RC_OK && (rc = tsv_next(&tsv, err)) == RC_OK) {
        rc = list_row_add(catalogue, arena, &tsv, column, err);
        if (rc == RC_OK)
            rc = list_row_check(&catalogue->row[catalogue->count - 1], catalogue, texts, err);
    }
    if (rc == RC_END && !desk_catalogue_has(catalogue, "kind", STR("other")))
        rc = err_set(err, RC_INVALID, "there must be a kind \"other\"");
    if (rc != RC_END) {
        err_wrap(err, "catalogue of the desk");
        return rc;
    }
    return RC_OK;
}

bool desk_catalogue_has(const struct desk_catalogue *catalogue, const char *list, struct str key)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (str_eq(catalogue->row[i].key, key) && str_is(catalogue->row[i].list, list))
            return true;
    return false;
}

struct str desk_catalogue_kind(const struct desk_catalogue *catalogue, const struct str *tags, size_t tag_count)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        if (!str_is(catalogue->row[i].list, "tag"))
            continue;
        for (size_t k = 0; k < tag_count; k++)
            if (str_starts_nocase(tags[k], catalogue->row[i].key))
                return catalogue->row[i].value;
    }
    return STR("other");
}
