#include "web/object_sheet.h"

#include "base/assert.h"
#include "base/civil.h"
#include "codec/xlsx.h"
#include "web/parts.h"

#define COLUMNS_MAX 7u
#define SHEETS      5u
#define SERIAL_ZERO (-25569) /* 1899-12-30, as spreadsheet programs count days, in days since 1970 */

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_FLAG, VALUE_DAY };

static const struct {
    const char *name;
    enum value_kind kind;
} settings[] = {
    {"name", VALUE_TEXT},
    {"class", VALUE_NUMBER},
    {"contour", VALUE_TEXT},
    {"owner", VALUE_TEXT},
    {"zone_offset_s", VALUE_NUMBER},
    {"keep_days", VALUE_NUMBER},
    {"critical", VALUE_FLAG},
    {"critical_day", VALUE_DAY},
    {"private", VALUE_FLAG},
    {"trial_day", VALUE_DAY},
    {"trial_end_day", VALUE_DAY},
    {"industrial_day", VALUE_DAY},
    {"discontinued_day", VALUE_DAY},
};

/* The first is the sheet of single values. */
static const struct sheet {
    const char *name;
    unsigned need; /* columns without which it says nothing, a bit each */
    const char *column[COLUMNS_MAX];
} sheets[SHEETS] = {
    {"object", 1u << 0 | 1u << 2, {"field", "name", "value"}},
    {"contacts", 1u << 0, {"name", "post", "phone", "email", "since"}},
    {"assets", 1u << 0 | 1u << 1, {"kind", "pattern"}},
    {"means", 1u << 1, {"kind", "name", "purpose", "version", "addresses", "domains", "reserve"}},
    {"documents", 1u << 1, {"kind", "title", "approved", "approved_by", "file", "sha256", "kept"}},
};

static bool is_day(const char *column)
{
    struct str name = str_of(column);
    return str_is(name, "since") || str_is(name, "approved");
}

/* --- writing --- */

static void head_put(struct xlsx *xlsx, const struct sheet *sheet)
{
    xlsx_sheet(xlsx, str_of(sheet->name));
    for (size_t i = 0; i < COLUMNS_MAX && sheet->column[i]; i++)
        xlsx_put(xlsx, str_of(sheet->column[i]));
    xlsx_row_end(xlsx);
}

static void value_row(struct xlsx *xlsx, struct str id, struct str name, struct str value)
{
    xlsx_put(xlsx, id);
    xlsx_put(xlsx, name);
    xlsx_put(xlsx, value);
    xlsx_row_end(xlsx);
}

static struct str setting_name(const struct html *html, const struct json_value *object, const char *id)
{
    for (const struct json_value *f = json_first(json_get(object, "questionnaire")); f; f = f->next)
        if (str_is(of_str(f, "id"), id))
            return of_str(json_get(f, "label"), language_code(html->language));
    return texts_get_of(html->texts, STR("field."), str_of(id), html->language);
}

static void values_put(struct xlsx *xlsx, const struct html *html, const struct json_value *object)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct str value = of_text(object, settings[i].name);
        if (settings[i].kind == VALUE_FLAG)
            value = of_bool(object, settings[i].name) ? STR("yes") : STR("no");
        value_row(xlsx, str_of(settings[i].name), setting_name(html, object, settings[i].name), value);
    }
    size_t rows = 0;
    for (const struct json_value *f = json_first(json_get(object, "questionnaire")); f && rows < OBJECT_SHEET_ROWS_MAX;
         f = f->next, rows++) {
        char storage[64];
        struct buf id;
        if (!of_bool(f, "kept"))
            continue;
        buf_init_fixed(&id, storage, sizeof storage);
        buf_text(&id, "fields.");
        buf_str(&id, str_slice(of_str(f, "id"), 0, 50));
        value_row(xlsx, buf_view(&id), of_str(json_get(f, "label"), language_code(html->language)), of_str(f, "value"));
    }
}

void object_sheet_write(const struct html *html, const struct json_value *object, struct buf *out)
{
    struct xlsx xlsx;
    xlsx_begin(&xlsx, out);
    head_put(&xlsx, &sheets[0]);
    values_put(&xlsx, html, object);
    for (size_t s = 1; s < SHEETS; s++) {
        size_t rows = 0;
        head_put(&xlsx, &sheets[s]);
        for (const struct json_value *r = json_first(json_get(object, sheets[s].name));
             r && rows < OBJECT_SHEET_ROWS_MAX; r = r->next, rows++) {
            for (size_t i = 0; i < COLUMNS_MAX && sheets[s].column[i]; i++)
                xlsx_put(&xlsx, of_str(r, sheets[s].column[i]));
            xlsx_row_end(&xlsx);
        }
    }
    xlsx_end(&xlsx);
}

/* --- reading --- */

struct row {
    size_t sheet;
    uint32_t number;
    struct str cell[COLUMNS_MAX];
};

struct reading {
    struct arena *arena;
    struct row *row;
    size_t rows;
    int column[SHEETS][XLSX_COLUMNS_MAX]; /* which column of ours stands there; -1: none */
    bool seen[SHEETS];
    bool full;
};

static bool cell_take(void *context, struct str name, uint32_t number, uint32_t column, struct str text)
{
    struct reading *r = context;
    size_t s = 0;
    while (s < SHEETS && !str_is(name, sheets[s].name))
        s++;
    if (s == SHEETS)
        return true;
    r->seen[s] = true;
    if (number == 0) {
        for (size_t i = 0; i < COLUMNS_MAX && sheets[s].column[i]; i++)
            if (str_is(str_trim(text), sheets[s].column[i]))
                r->column[s][column] = (int)i;
        return true;
    }
    if (r->column[s][column] < 0)
        return true;
    struct row *row = r->rows ? &r->row[r->rows - 1] : NULL;
    if (!row || row->sheet != s || row->number != number) {
        r->full = r->rows == OBJECT_SHEET_ROWS_MAX;
        if (r->full)
            return false;
        row = &r->row[r->rows++];
        *row = (struct row){.sheet = s, .number = number};
    }
    struct str made = arena_str(r->arena, str_trim(text));
    r->full = !made.p;
    row->cell[r->column[s][column]] = made;
    return !r->full;
}

/* A day as a program of spreadsheets keeps it, a number, as the text that the card has. */
static void day_put(struct buf *json, const char *key, struct str text)
{
    uint64_t serial = 0;
    char day[CIVIL_TEXT_MAX];
    if (str_to_u64(text, &serial) && serial > 0 && serial < 110000) {
        civil_format(((int64_t)serial + SERIAL_ZERO) * DAY_S * SECOND_NS, 0, 0, day);
        text = str_at(day, 10);
    }
    json_put_str(json, key, text.p ? text : STR(""));
}

static enum rc setting_put(struct buf *json, const struct row *row, struct err *err)
{
    size_t i = 0;
    int64_t number = 0;
    struct str value = row->cell[2].p ? row->cell[2] : STR("");
    while (i < ARRAY_LEN(settings) && !str_is(row->cell[0], settings[i].name))
        i++;
    if (i == ARRAY_LEN(settings))
        return err_set(err, RC_INVALID, "sheet object, row %u: no such field", row->number + 1);
    if (settings[i].kind == VALUE_DAY) {
        day_put(json, settings[i].name, value);
    } else if (settings[i].kind == VALUE_TEXT) {
        json_put_str(json, settings[i].name, value);
    } else if (settings[i].kind == VALUE_NUMBER) {
        if (!str_to_i64(value, &number))
            return err_set(err, RC_INVALID, "sheet object, row %u: not a number", row->number + 1);
        json_put_int(json, settings[i].name, number);
    } else {
        bool yes = str_is(value, "yes") || str_is(value, "1");
        if (!yes && !str_is(value, "no") && !str_is(value, "0"))
            return err_set(err, RC_INVALID, "sheet object, row %u: neither yes nor no", row->number + 1);
        json_put_bool(json, settings[i].name, yes);
    }
    return RC_OK;
}

static enum rc values_write(const struct reading *r, struct buf *json, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; i < r->rows && rc == RC_OK; i++)
        if (r->row[i].sheet == 0 && !str_starts(r->row[i].cell[0], STR("fields.")))
            rc = setting_put(json, &r->row[i], err);
    json_write_key(json, "fields");
    json_write_object(json);
    for (size_t i = 0; i < r->rows && rc == RC_OK; i++) {
        const struct row *row = &r->row[i];
        if (row->sheet != 0 || !str_starts(row->cell[0], STR("fields.")))
            continue;
        json_write_key_slice(json, str_skip(row->cell[0], 7));
        json_write_str(json, row->cell[2].p ? row->cell[2] : STR(""));
    }
    json_write_object_end(json);
    return rc;
}

static void list_write(const struct reading *r, size_t s, struct buf *json)
{
    json_write_key(json, sheets[s].name);
    json_write_array(json);
    for (size_t n = 0; n < r->rows; n++) {
        if (r->row[n].sheet != s)
            continue;
        json_write_object(json);
        for (size_t i = 0; i < COLUMNS_MAX && sheets[s].column[i]; i++) {
            struct str text = r->row[n].cell[i].p ? r->row[n].cell[i] : STR("");
            if (is_day(sheets[s].column[i]))
                day_put(json, sheets[s].column[i], text);
            else
                json_put_str(json, sheets[s].column[i], text);
        }
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* A sheet whose columns have other names would empty its list. */
static enum rc heads_check(const struct reading *r, struct err *err)
{
    for (size_t s = 0; s < SHEETS; s++) {
        unsigned there = 0;
        for (size_t i = 0; i < XLSX_COLUMNS_MAX; i++)
            if (r->column[s][i] >= 0)
                there |= 1u << r->column[s][i];
        if (r->seen[s] && (there & sheets[s].need) != sheets[s].need)
            return err_set(err, RC_INVALID, "sheet %s: a column is missing, or named otherwise", sheets[s].name);
    }
    return r->seen[0] ? RC_OK : err_set(err, RC_INVALID, "there is no sheet \"object\"");
}

enum rc object_sheet_read(struct str bytes, struct arena *arena, struct buf *json, struct err *err)
{
    struct reading *r = arena_alloc(arena, sizeof *r);
    if (r)
        *r = (struct reading){.arena = arena, .row = arena_alloc_array(arena, OBJECT_SHEET_ROWS_MAX, sizeof *r->row)};
    if (!r || !r->row)
        return err_set(err, RC_LIMIT, "no memory for a spreadsheet");
    for (size_t s = 0; s < SHEETS; s++)
        for (size_t i = 0; i < XLSX_COLUMNS_MAX; i++)
            r->column[s][i] = -1;
    enum rc rc = xlsx_read(bytes, cell_take, r, err);
    if (rc == RC_END)
        return err_set(err, RC_LIMIT, "more rows than a card may have");
    if (rc != RC_OK)
        return rc;
    rc = heads_check(r, err);
    if (rc != RC_OK)
        return rc;
    json_write_object(json);
    json_put_text(json, "format", "qorgan.object/1");
    rc = values_write(r, json, err);
    for (size_t s = 1; s < SHEETS && rc == RC_OK; s++)
        if (r->seen[s])
            list_write(r, s, json);
    json_write_object_end(json);
    return rc == RC_OK && json->overflow ? err_set(err, RC_LIMIT, "the card is too long") : rc;
}
