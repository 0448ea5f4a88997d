/* The card of an object as a spreadsheet: what goes out comes in, what programs of spreadsheets change, what is
 * refused. */
#include "web/object_sheet.h"

#include "base/test.h"
#include "codec/xlsx.h"
#include "web/fake_peers.h"

#define FILE_BYTES ((size_t)1 << 20)

struct cell_row {
    const char *sheet;
    const char *cell[3];
};

/* Rows in their order; another sheet begins where its name changes. */
static void workbook_put(struct buf *out, const struct cell_row *rows, size_t count)
{
    struct xlsx xlsx;
    buf_clear(out);
    xlsx_begin(&xlsx, out);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(rows[i].sheet, rows[i - 1].sheet) != 0)
            xlsx_sheet(&xlsx, str_of(rows[i].sheet));
        for (size_t k = 0; k < 3 && rows[i].cell[k]; k++)
            xlsx_put(&xlsx, str_of(rows[i].cell[k]));
        xlsx_row_end(&xlsx);
    }
    xlsx_end(&xlsx);
}

static enum rc reads(const struct buf *file, struct arena *arena, struct buf *json, struct err *err)
{
    buf_clear(json);
    return object_sheet_read(buf_view(file), arena, json, err);
}

static void what_programs_make_of_it(void)
{
    static const struct cell_row rows[] = {
        {"object", {"field", "name", "value"}},
        {"object", {"name", "the name", " Portal "}},
        {"object", {"class", "", "2"}},
        {"object", {"critical", "", "1"}}, /* a program's own yes */
        {"object", {"private", "", "no"}},
        {"object", {"industrial_day", "", "46346"}}, /* a program's own day */
        {"object", {"trial_day", "", "2026-03-02"}},
        {"object", {"fields.city", "", "Astana"}},
        {"object", {"fields.street", "", ""}},
        {"notes", {"anything", "else", "passed over"}},
        {"contacts", {"phone", "since", "name"}}, /* columns in another order */
        {"contacts", {"+7 1", "46346", "Ann"}},
        {"contacts", {"", "", "Bob"}},
    };
    struct buf file, json;
    struct err err = {0};
    struct arena *arena = arena_new((size_t)16 << 20);
    buf_init(&file, FILE_BYTES);
    buf_init(&json, FILE_BYTES);
    workbook_put(&file, rows, ARRAY_LEN(rows));
    CHECK_INT(reads(&file, arena, &json, &err), RC_OK);
    CHECK_TEXT(
        buf_view(&json),
        "{\"format\":\"qorgan.object/1\",\"name\":\"Portal\",\"class\":2,\"critical\":true,\"private\":false,"
        "\"industrial_day\":\"2026-11-20\",\"trial_day\":\"2026-03-02\",\"fields\":{\"city\":\"Astana\","
        "\"street\":\"\"},\"contacts\":[{\"name\":\"Ann\",\"post\":\"\",\"phone\":\"+7 1\",\"email\":\"\","
        "\"since\":\"2026-11-20\"},{\"name\":\"Bob\",\"post\":\"\",\"phone\":\"\",\"email\":\"\",\"since\":\"\"}]}");
    buf_done(&file);
    buf_done(&json);
    arena_free(arena);
}

static void what_is_refused(void)
{
    static const struct {
        struct cell_row rows[2];
        const char *text;
    } rows[] = {
        {{{"other", {"field", "name", "value"}}, {"other", {"name", "", "x"}}}, "there is no sheet \"object\""},
        {{{"object", {"field", "name", "value"}}, {"object", {"no", "", "x"}}}, "sheet object, row 2: no such field"},
        {{{"object", {"field", "name", "value"}}, {"object", {"", "", "x"}}}, "sheet object, row 2: no such field"},
        {{{"object", {"field", "name", "value"}}, {"object", {"class", "", "two"}}},
         "sheet object, row 2: not a number"},
        {{{"object", {"field", "name", "value"}}, {"object", {"class", "", ""}}}, "sheet object, row 2: not a number"},
        {{{"object", {"field", "name", "value"}}, {"object", {"critical", "", "maybe"}}},
         "sheet object, row 2: neither yes nor no"},
        {{{"object", {"field", "name", "worth"}}, {"object", {"class", "", "1"}}},
         "sheet object: a column is missing, or named otherwise"},
        {{{"object", {"field", "name", "value"}}, {"means", {"kind", "title", "x"}}},
         "sheet means: a column is missing, or named otherwise"},
        {{{"object", {"field", "name", "value"}}, {"contacts", {"phone"}}},
         "sheet contacts: a column is missing, or named otherwise"},
    };
    struct buf file, json;
    struct arena *arena = arena_new((size_t)16 << 20);
    buf_init(&file, FILE_BYTES);
    buf_init(&json, FILE_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        workbook_put(&file, rows[i].rows, 2);
        test_row("%s", rows[i].text);
        CHECK_INT(reads(&file, arena, &json, &err), RC_INVALID);
        CHECK_TEXT(str_of(err.text), rows[i].text);
    }
    struct xlsx xlsx;
    struct err err = {0};
    buf_clear(&file);
    xlsx_begin(&xlsx, &file);
    xlsx_sheet(&xlsx, STR("means"));
    for (unsigned i = 0; i <= OBJECT_SHEET_ROWS_MAX + 1; i++) {
        xlsx_put(&xlsx, STR("name"));
        xlsx_row_end(&xlsx);
    }
    xlsx_end(&xlsx);
    CHECK_INT(reads(&file, arena, &json, &err), RC_LIMIT);
    buf_done(&file);
    buf_done(&json);
    arena_free(arena);
}

/* The page's file, taken in again, is what the object's card says. */
static void what_goes_out_comes_in(void)
{
    struct buf json;
    struct err err = {0};
    struct json_value *value = NULL;
    struct arena *arena = arena_new((size_t)16 << 20);
    buf_init(&json, FILE_BYTES);
    peers_reset();
    CHECK_INT(status_of(get("/objects/1/export.xlsx")), 200);
    CHECK_INT(object_sheet_read(buf_view(&seen), arena, &json, &err), RC_OK);
    CHECK_INT(json_parse(arena, buf_view(&json), 8, &value, &err), RC_OK);
    CHECK_TEXT(json_str(json_get(value, "name"), STR("")), "portal x");
    CHECK_INT(json_int(json_get(value, "zone_offset_s"), 0), 21600);
    CHECK_TEXT(json_str(json_get(json_get(value, "fields"), "more"), STR("")), "</textarea>x");
    const struct json_value *means = json_first(json_get(value, "means"));
    CHECK_TEXT(json_str(json_get(means, "kind"), STR("")), "technical");
    CHECK_TEXT(json_str(json_get(means, "reserve"), STR("")), "yes");
    CHECK_TEXT(json_str(json_get(means ? means->next : NULL, "name"), STR("")), "second");
    CHECK_INT(json_get(value, "documents")->count, 2);
    buf_done(&json);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what programs make of it", what_programs_make_of_it},
        {"what is refused", what_is_refused},
        {"what goes out comes in", what_goes_out_comes_in},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
