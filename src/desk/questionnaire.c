#include "desk/questionnaire.h"

#include "base/macros.h"
#include "codec/tsv.h"

#define LIMIT_MAX 8000

static const char *const kind_names[QUESTION_KIND_COUNT] = {
#define X(id, word) [id] = word,
    QUESTION_KINDS(X)
#undef X
};

const char *question_kind_name(enum question_kind kind)
{
    return kind_names[kind];
}

size_t question_find(const struct questionnaire *questionnaire, struct str id)
{
    size_t i = 0;
    while (i < questionnaire->count && !str_eq(questionnaire->field[i].id, id))
        i++;
    return i;
}

bool question_value_known(struct str values, struct str value)
{
    struct str rest = values;
    while (rest.p && value.n)
        if (str_eq(str_cut(&rest, ','), value))
            return true;
    return false;
}

enum column {
    COLUMN_ID,
    COLUMN_POINT,
    COLUMN_KIND,
    COLUMN_VALUES,
    COLUMN_LIMIT,
    COLUMN_REQUIRED,
    COLUMN_KK,
    COLUMN_RU,
    COLUMN_EN,
    COLUMN_COUNT
};

struct reading {
    struct tsv tsv;
    int column[COLUMN_COUNT];
    struct question_field *field;
    size_t count;
    struct err *err;
};

static struct str cell(const struct reading *r, enum column column)
{
    return r->tsv.cell[r->column[column]];
}

static bool id_valid(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!(id.p[i] >= 'a' && id.p[i] <= 'z') && !char_is_digit(id.p[i]) && id.p[i] != '_')
            return false;
    return id.n > 0 && id.n <= 40;
}

static bool kind_read(struct reading *r, struct question_field *field)
{
    uint64_t limit = 0;
    size_t kind = 0;
    while (kind < QUESTION_KIND_COUNT && !str_is(cell(r, COLUMN_KIND), kind_names[kind]))
        kind++;
    if (kind == QUESTION_KIND_COUNT)
        return false;
    field->kind = (enum question_kind)kind;
    bool text = kind == QUESTION_LINE || kind == QUESTION_TEXT;
    if (text != (cell(r, COLUMN_LIMIT).n > 0) || (kind == QUESTION_CHOICE) != (cell(r, COLUMN_VALUES).n > 0))
        return false;
    if (text && (!str_to_u64(cell(r, COLUMN_LIMIT), &limit) || limit == 0 || limit > LIMIT_MAX))
        return false;
    field->limit = (size_t)limit;
    return true;
}

/* "yes", "no", or FIELD=VALUE of a choice above. */
static bool required_read(const struct reading *r, struct question_field *field)
{
    struct str rest = cell(r, COLUMN_REQUIRED);
    field->required = str_is(rest, "yes");
    if (field->required || str_is(rest, "no"))
        return true;
    struct str id = str_cut(&rest, '=');
    const struct questionnaire above = {r->field, r->count};
    size_t at = question_find(&above, id);
    if (!rest.p || at == above.count || !question_value_known(above.field[at].values, rest))
        return false;
    field->if_id = id;
    field->if_value = rest;
    return true;
}

static enum rc field_read(struct reading *r, struct arena *arena)
{
    struct question_field field = {.id = cell(r, COLUMN_ID), .point = cell(r, COLUMN_POINT)};
    const struct questionnaire above = {r->field, r->count};
    uint64_t point = 0;
    if (!id_valid(field.id) || question_find(&above, field.id) < above.count)
        return err_set(r->err, RC_INVALID, "line %u: the id is not one, or stands there twice", r->tsv.line);
    if (!str_to_u64(field.point, &point) || !kind_read(r, &field) || !required_read(r, &field))
        return err_set(r->err, RC_INVALID, "line %u: point, kind, values, limit or required is wrong", r->tsv.line);
    for (int language = 0; language < TERM_LANGUAGES; language++)
        field.name[language] = cell(r, (enum column)(COLUMN_KK + language));
    field.values = cell(r, COLUMN_VALUES);
    struct str *const kept[] = {&field.id,       &field.point,   &field.values,  &field.if_id,
                                &field.if_value, &field.name[0], &field.name[1], &field.name[2]};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        bool empty = kept[i]->n == 0;
        if (empty && i > 4)
            return err_set(r->err, RC_INVALID, "line %u: a name is empty", r->tsv.line);
        *kept[i] = empty ? STR("") : arena_str(arena, *kept[i]);
        if (!kept[i]->p)
            return err_set(r->err, RC_LIMIT, "out of memory");
    }
    r->field[r->count++] = field;
    return RC_OK;
}

enum rc questionnaire_read(struct arena *arena, struct str text, struct questionnaire *ret_questionnaire,
                           struct err *err)
{
    static const char *const names[COLUMN_COUNT] = {"id",       "point", "kind", "values", "limit",
                                                    "required", "kk",    "ru",   "en"};
    struct reading r = {.field = arena_alloc_array(arena, QUESTIONNAIRE_MAX, sizeof *r.field), .err = err};
    *ret_questionnaire = (struct questionnaire){r.field, 0};
    if (!r.field)
        return err_set(err, RC_LIMIT, "out of memory for annex1.tsv");
    if (!text.n)
        return RC_OK;
    enum rc rc = tsv_open(&r.tsv, text, err);
    for (size_t i = 0; i < COLUMN_COUNT && rc == RC_OK; i++)
        rc = tsv_need(&r.tsv, names[i], &r.column[i], err);
    while (rc == RC_OK && (rc = tsv_next(&r.tsv, err)) == RC_OK)
        rc = r.count == QUESTIONNAIRE_MAX ? err_set(err, RC_LIMIT, "more than %u rows", QUESTIONNAIRE_MAX)
                                          : field_read(&r, arena);
    if (rc != RC_END)
        return err_wrap(err, "annex1.tsv");
    ret_questionnaire->count = r.count;
    return RC_OK;
}
