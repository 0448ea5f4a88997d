#include "desk/survey_kind.h"

#include "base/macros.h"
#include "codec/tsv.h"

#define DAYS_MAX 60

enum column {
    COLUMN_KIND,
    COLUMN_CLOCK,
    COLUMN_OF,
    COLUMN_MAIN,
    COLUMN_CONTROL,
    COLUMN_DAYS,
    COLUMN_AFTER,
    COLUMN_PARAGRAPH,
    COLUMN_NAME = COLUMN_PARAGRAPH + TERM_LANGUAGES,
    COLUMN_COUNT = COLUMN_NAME + TERM_LANGUAGES
};

struct reading {
    struct tsv tsv;
    int column[COLUMN_COUNT];
    struct survey_kind *kind;
    size_t count;
    struct err *err;
};

size_t survey_kind_find(const struct survey_kinds *kinds, struct str id)
{
    size_t i = 0;
    while (i < kinds->count && !str_eq(kinds->kind[i].id, id))
        i++;
    return i;
}

static struct str cell(const struct reading *r, int column)
{
    return r->tsv.cell[r->column[column]];
}

static bool number_read(const struct reading *r, int column, uint64_t most, int32_t *ret_number)
{
    uint64_t number = 0;
    if (!str_to_u64(cell(r, column), &number) || number > most)
        return false;
    *ret_number = (int32_t)number;
    return true;
}

static bool id_valid(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!(id.p[i] >= 'a' && id.p[i] <= 'z') && id.p[i] != '_')
            return false;
    return id.n > 0 && id.n <= 40;
}

static bool numbers_read(const struct reading *r, struct survey_kind *kind)
{
    kind->documents = str_is(cell(r, COLUMN_OF), "documents");
    return (kind->documents || str_is(cell(r, COLUMN_OF), "vulnerabilities")) &&
           number_read(r, COLUMN_MAIN, SURVEY_QUOTA_MAX, &kind->quota[0]) &&
           number_read(r, COLUMN_CONTROL, SURVEY_QUOTA_MAX, &kind->quota[1]) && kind->quota[1] <= kind->quota[0] &&
           number_read(r, COLUMN_DAYS, DAYS_MAX, &kind->days) && kind->days > 0 &&
           number_read(r, COLUMN_AFTER, DAYS_MAX, &kind->after);
}

static enum rc kind_read(struct reading *r, struct arena *arena)
{
    struct survey_kind kind = {.id = cell(r, COLUMN_KIND), .clock = cell(r, COLUMN_CLOCK)};
    const struct survey_kinds above = {r->kind, r->count};
    if (!id_valid(kind.id) || survey_kind_find(&above, kind.id) < above.count)
        return err_set(r->err, RC_INVALID, "line %u: the kind is no word, or stands there twice", r->tsv.line);
    if (!numbers_read(r, &kind))
        return err_set(r->err, RC_INVALID, "line %u: of, main, control, days or after is wrong", r->tsv.line);
    for (int i = 0; i < TERM_LANGUAGES; i++) {
        kind.paragraph[i] = cell(r, COLUMN_PARAGRAPH + i);
        kind.name[i] = cell(r, COLUMN_NAME + i);
    }
    struct str *const kept[] = {&kind.id,           &kind.clock,   &kind.paragraph[0], &kind.paragraph[1],
                                &kind.paragraph[2], &kind.name[0], &kind.name[1],      &kind.name[2]};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        bool empty = kept[i]->n == 0;
        if (empty && i > 1)
            return err_set(r->err, RC_INVALID, "line %u: a name or paragraph is empty", r->tsv.line);
        *kept[i] = empty ? STR("") : arena_str(arena, *kept[i]);
        if (!kept[i]->p)
            return err_set(r->err, RC_LIMIT, "out of memory");
    }
    r->kind[r->count++] = kind;
    return RC_OK;
}

enum rc survey_kinds_read(struct arena *arena, struct str text, struct survey_kinds *ret_kinds, struct err *err)
{
    static const char *const names[COLUMN_COUNT] = {
        "kind",         "clock",        "of",           "main", "control", "days", "after",
        "paragraph_kk", "paragraph_ru", "paragraph_en", "kk",   "ru",      "en"};
    struct reading r = {.kind = arena_alloc_array(arena, SURVEY_KINDS_MAX, sizeof *r.kind), .err = err};
    *ret_kinds = (struct survey_kinds){r.kind, 0};
    if (!r.kind)
        return err_set(err, RC_LIMIT, "out of memory for surveys.tsv");
    if (!text.n)
        return RC_OK;
    enum rc rc = tsv_open(&r.tsv, text, err);
    for (size_t i = 0; i < COLUMN_COUNT && rc == RC_OK; i++)
        rc = tsv_need(&r.tsv, names[i], &r.column[i], err);
    while (rc == RC_OK && (rc = tsv_next(&r.tsv, err)) == RC_OK)
        rc = r.count == SURVEY_KINDS_MAX ? err_set(err, RC_LIMIT, "more than %u rows", SURVEY_KINDS_MAX)
                                         : kind_read(&r, arena);
    if (rc != RC_END)
        return err_wrap(err, "surveys.tsv");
    ret_kinds->count = r.count;
    return RC_OK;
}
