#include "web/text.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/map.h"

#define TEXT_BYTES_MAX (4u << 20)
#define KEY_MAX        128

struct texts {
    struct arena *arena;
    struct map *rows; /* key -> index into texts */
    struct str (*texts)[LANGUAGE_COUNT];
    size_t count;
};

struct texts *texts_new(uint64_t seed)
{
    struct arena *arena = arena_new(TEXT_BYTES_MAX);
    struct texts *texts = arena ? arena_alloc(arena, sizeof *texts) : NULL;
    struct map *rows = texts ? map_new(TEXTS_MAX, seed) : NULL;
    void *table = rows ? arena_alloc_array(arena, TEXTS_MAX, sizeof *texts->texts) : NULL;
    if (!table) {
        map_free(rows);
        arena_free(arena);
        return NULL;
    }
    texts->arena = arena;
    texts->rows = rows;
    texts->texts = table;
    return texts;
}

void texts_free(struct texts *texts)
{
    if (!texts)
        return;
    map_free(texts->rows);
    arena_free(texts->arena);
}

/* `first` is the number of texts before this file: a key of an earlier file keeps its text. */
static enum rc add_line(struct texts *texts, const char *file, uint64_t line, struct str row, size_t first,
                        struct err *err)
{
    struct str rest = row;
    struct str key = str_cut(&rest, '\t');
    struct str columns[LANGUAGE_COUNT];
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        columns[i] = rest.p ? str_cut(&rest, '\t') : STR_NONE;
        if (columns[i].n == 0)
            return err_set(err, RC_INVALID, "\"%s\" line %llu: \"%.*s\" has no text in language %s", file,
                           (unsigned long long)line, STR_ARG(key), language_code((enum language)i));
    }
    if (key.n == 0 || rest.p)
        return err_set(err, RC_INVALID, "\"%s\" line %llu: expected a key and three texts", file,
                       (unsigned long long)line);
    const uint64_t *known = map_get(texts->rows, key);
    if (known && *known < first)
        return RC_OK;
    if (known)
        return err_set(err, RC_INVALID, "\"%s\" line %llu: \"%.*s\" was given before", file, (unsigned long long)line,
                       STR_ARG(key));
    uint64_t *place = map_put(texts->rows, key);
    if (!place)
        return err_set(err, RC_LIMIT, "\"%s\" line %llu: more than %d texts", file, (unsigned long long)line,
                       TEXTS_MAX);
    *place = texts->count;
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        texts->texts[texts->count][i] = arena_str(texts->arena, columns[i]);
        if (!texts->texts[texts->count][i].p)
            return err_set(err, RC_LIMIT, "\"%s\" line %llu: texts exceed %u bytes", file, (unsigned long long)line,
                           TEXT_BYTES_MAX);
    }
    texts->count++;
    return RC_OK;
}

enum rc texts_add(struct texts *texts, const char *file, struct str tsv, struct err *err)
{
    ASSERT(texts);
    uint64_t line = 0;
    size_t first = texts->count;
    struct str rest = tsv;
    while (rest.p && rest.n > 0) {
        struct str row = str_trim_end(str_cut(&rest, '\n'), '\r');
        line++;
        if (row.n == 0 || row.p[0] == '#' || (texts->count == first && str_starts(row, STR("key\t"))))
            continue;
        enum rc rc = add_line(texts, file, line, row, first, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

size_t texts_count(const struct texts *texts)
{
    return texts->count;
}

struct str texts_get(const struct texts *texts, struct str key, enum language language)
{
    ASSERT((unsigned)language < LANGUAGE_COUNT);
    const uint64_t *place = map_get(texts->rows, key);
    return place ? texts->texts[*place][language] : STR_NONE;
}

struct str texts_get_of(const struct texts *texts, struct str prefix, struct str key, enum language language)
{
    char joined[KEY_MAX];
    struct buf buf;
    buf_init_fixed(&buf, joined, sizeof joined);
    buf_str(&buf, prefix);
    buf_str(&buf, key);
    return buf.overflow ? STR_NONE : texts_get(texts, buf_view(&buf), language);
}

struct str texts_find(const struct texts *texts, struct str prefix, struct str text)
{
    struct str key;
    uint64_t place;
    for (size_t i = 0; text.n && i < map_end(texts->rows); i++) {
        if (!map_at(texts->rows, i, &key, &place) || !str_starts(key, prefix))
            continue;
        for (size_t k = 0; k < LANGUAGE_COUNT; k++)
            if (str_eq(texts->texts[place][k], text))
                return str_skip(key, prefix.n);
    }
    return STR_NONE;
}

const char *language_code(enum language language)
{
    static const char codes[LANGUAGE_COUNT][3] = {"kk", "ru", "en"};
    ASSERT((unsigned)language < LANGUAGE_COUNT);
    return codes[language];
}

enum language language_of(struct str code, enum language otherwise)
{
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        struct str known = str_of(language_code((enum language)i));
        if (str_starts_nocase(code, known) && (code.n == known.n || code.p[known.n] == '-'))
            return (enum language)i;
    }
    return otherwise;
}

enum language language_accepted(struct str header, enum language otherwise)
{
    struct str rest = header;
    while (rest.p) {
        struct str range = str_cut(&rest, ',');
        struct str code = str_trim(str_cut(&range, ';'));
        enum language language = language_of(code, LANGUAGE_COUNT);
        if (language != LANGUAGE_COUNT)
            return language;
    }
    return otherwise;
}
