/* Spreadsheets: what is written reads back, what others write reads as they show it, and what is refused. */
#include "codec/xlsx.h"

#include "base/arena.h"
#include "codec/zip_testing.h"

#include <stdio.h>

#define FILE_BYTES ((size_t)1 << 20)

/* Every cell as "SHEET row column text;". */
static bool note(void *context, struct str sheet, uint32_t row, uint32_t column, struct str text)
{
    buf_format(context, "%.*s %u %u %.*s;", STR_ARG(sheet), row, column, STR_ARG(text));
    return true;
}

static enum rc reads(struct str bytes, struct buf *out, struct err *err)
{
    buf_clear(out);
    return xlsx_read(bytes, note, out, err);
}

/* --- files of others --- */

#define WORKBOOK   "<workbook><sheets><sheet name='S' sheetId='1' r:id='a' xmlns:r='r'/></sheets></workbook>"
#define RELATIONS  "<Relationships><Relationship Id='a' Target='worksheets/sheet1.xml'/></Relationships>"
#define SHARED     "<sst><si><t>one</t></si><si><r><t>tw</t></r><r><t>o</t></r><rPh><t>x</t></rPh></si></sst>"
#define ROWS(rows) "<worksheet><sheetData>" rows "</sheetData></worksheet>"

static void sheets_of_others(void)
{
    static const struct {
        const char *rows;
        enum rc rc;
        const char *cells;
    } rows[] = {
        {"<row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c></row>", RC_OK, "S 0 0 one;S 0 2 two;"},
        {"<row r='3'><c r='B3'><v>46346</v></c><c t='b'><v>1</v></c></row>", RC_OK, "S 2 1 46346;S 2 2 1;"},
        {"<row><c t='str'><f>1+1</f><v>2</v></c></row><row><c><v>3</v></c></row>", RC_OK, "S 0 0 2;S 1 0 3;"},
        {"<row r='1'><c t='inlineStr'><is><t>a</t><r><t>b</t></r></is></c></row>", RC_OK, "S 0 0 ab;"},
        {"<row r='1'><c t='inlineStr'><v>no</v><is><t>yes</t></is></c></row>", RC_OK, "S 0 0 yes;"},
        {"<row r='1'><c r='A1'/><c r='B1'><v></v></c></row>", RC_OK, ""},
        {"<row r='1'><c t='str'><v>a_x000D_\nb_x000a_</v></c></row>", RC_OK, "S 0 0 a\r\nb\n;"},
        {"<row r='1'><c t='str'><v>_x005F_x0041_ _x0041__</v></c></row>", RC_OK, "S 0 0 _x0041_ A_;"},
        {"<row r='1'><c t='str'><v>_x0000_xFFFE__xD800_</v></c></row>", RC_OK, "S 0 0 \xef\xbf\xbdxFFFE_\xef\xbf\xbd;"},
        {"<row r='1'><c t='str'><v>_x041_ _X0041_ _x004g_ _x00</v></c></row>", RC_OK,
         "S 0 0 _x041_ _X0041_ _x004g_ _x00;"},
        {"", RC_OK, ""},
        {"<row r='1'><c r='BL1'><v>1</v></c></row>", RC_OK, "S 0 63 1;"},
        {"<row r='20000'><c><v>1</v></c></row>", RC_OK, "S 19999 0 1;"},
        {"<row r='1'><c r='BM1'><v>1</v></c></row>", RC_LIMIT, NULL},
        {"<row r='20001'><c><v>1</v></c></row>", RC_LIMIT, NULL},
        {"<row r='20000'/><row><c><v>1</v></c></row>", RC_LIMIT, NULL},
        {"<row r='1'><c r='A2'><v>1</v></c></row>", RC_LIMIT, NULL}, /* of another row */
        {"<row r='1'><c r='1'><v>1</v></c></row>", RC_LIMIT, NULL},
        {"<row r='1'><c r='A'><v>1</v></c></row>", RC_LIMIT, NULL},
        {"<row r='1'><c r='a1'><v>1</v></c></row>", RC_LIMIT, NULL},
        {"<row r='0'/>", RC_INVALID, NULL},
        {"<row r='x'/>", RC_INVALID, NULL},
        {"<row r='2'/><row r='2'/>", RC_INVALID, NULL},
        {"<row r='2'/><row r='1'/>", RC_INVALID, NULL},
        {"<row r='1'><c t='s'><v>2</v></c></row>", RC_INVALID, NULL}, /* there are two */
        {"<row r='1'><c t='s'><v>-1</v></c></row>", RC_INVALID, NULL},
        {"<row r='1'><c t='s'><v>x</v></c></row>", RC_INVALID, NULL},
        {"<row r='1'><c><v>1</c></row>", RC_INVALID, NULL},
        {"<row r='1'><c><v>&x;</v></c></row>", RC_INVALID, NULL},
    };
    struct buf file, cells;
    buf_init(&file, FILE_BYTES);
    buf_init(&cells, FILE_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char sheet[1024];
        struct err err = {0};
        snprintf(sheet, sizeof sheet, ROWS("%s"), rows[i].rows);
        const struct zip_part parts[] = {{"xl/workbook.xml", WORKBOOK, 0},
                                         {"xl/_rels/workbook.xml.rels", RELATIONS, 0},
                                         {"xl/sharedStrings.xml", SHARED, 0},
                                         {"xl/worksheets/sheet1.xml", sheet, 0}};
        zip_put(&file, parts, ARRAY_LEN(parts));
        test_row("%s", rows[i].rows);
        CHECK_INT(reads(buf_view(&file), &cells, &err), rows[i].rc);
        if (rows[i].cells)
            CHECK_TEXT(buf_view(&cells), rows[i].cells);
    }
    buf_done(&file);
    buf_done(&cells);
}

static void files_that_are_none(void)
{
    static const char bomb[] = "<!DOCTYPE a [<!ENTITY b 'cc'>]><workbook>&b;</workbook>";
    static const struct {
        struct zip_part parts[4];
        size_t count;
    } rows[] = {
        {{{"a", "b", 0}}, 1},
        {{{"xl/workbook.xml", WORKBOOK, 0}}, 1},
        {{{"xl/workbook.xml", WORKBOOK, 0}, {"xl/_rels/workbook.xml.rels", RELATIONS, 0}}, 2},
        {{{"xl/workbook.xml", bomb, 0}, {"xl/_rels/workbook.xml.rels", RELATIONS, 0}}, 2},
        {{{"xl/workbook.xml", "<workbook>", 0}, {"xl/_rels/workbook.xml.rels", RELATIONS, 0}}, 2},
        {{{"xl/workbook.xml", WORKBOOK, 0},
          {"xl/_rels/workbook.xml.rels",
           "<Relationships><Relationship Id='a' TargetMode='External'"
           " Target='worksheets/sheet1.xml'/></Relationships>",
           0},
          {"xl/worksheets/sheet1.xml", ROWS(""), 0}},
         3},
        {{{"xl/workbook.xml", WORKBOOK, 0},
          {"xl/_rels/workbook.xml.rels",
           "<Relationships><Relationship Id='a' Target='../../etc/passwd'/></Relationships>", 0},
          {"xl/worksheets/sheet1.xml", ROWS(""), 0}},
         3},
    };
    struct buf file, cells;
    struct err err = {0};
    buf_init(&file, FILE_BYTES);
    buf_init(&cells, FILE_BYTES);
    CHECK_INT(reads(STR(""), &cells, &err), RC_INVALID);
    CHECK_INT(reads(STR("PK\x03\x04"), &cells, &err), RC_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        zip_put(&file, rows[i].parts, rows[i].count);
        test_row("%zu", i);
        CHECK_INT(reads(buf_view(&file), &cells, &err), RC_INVALID);
    }
    buf_done(&file);
    buf_done(&cells);
}

/* --- out and in --- */

static void workbook_put(struct buf *out)
{
    struct xlsx xlsx;
    buf_clear(out);
    xlsx_begin(&xlsx, out);
    xlsx_sheet(&xlsx, STR("first"));
    xlsx_put(&xlsx, STR("a"));
    xlsx_put(&xlsx, STR(""));
    xlsx_put(&xlsx, STR("=1+1 & <b> \"x\"\n\r\ty "));
    xlsx_row_end(&xlsx);
    xlsx_row_end(&xlsx);
    for (int i = 0; i < (int)XLSX_COLUMNS_MAX; i++)
        xlsx_put(&xlsx, STR("\xd2\x9a"));
    xlsx_sheet(&xlsx, STR("\xd0\xb5\xd0\xba\xd1\x96 & \"2\""));
    xlsx_put(&xlsx, STR("_x0041_x005F__x"));
    xlsx_put(&xlsx, STR("z"));
    xlsx_end(&xlsx);
}

static void what_goes_out_comes_in(void)
{
    struct buf file, cells;
    struct err err = {0};
    buf_init(&file, FILE_BYTES);
    buf_init(&cells, FILE_BYTES);
    workbook_put(&file);
    CHECK(!file.overflow);
    CHECK_INT(reads(buf_view(&file), &cells, &err), RC_OK);
    test_row("%s", err.text);
    CHECK(str_starts(buf_view(&cells), STR("first 0 0 a;first 0 2 =1+1 & <b> \"x\"\n\r\ty ;first 2 0 \xd2\x9a;")));
    CHECK(str_ends(buf_view(&cells), STR("first 2 63 \xd2\x9a;\xd0\xb5\xd0\xba\xd1\x96 & \"2\" 0 0 "
                                         "_x0041_x005F__x;\xd0\xb5\xd0\xba\xd1\x96 & \"2\" 0 1 z;")));
    buf_done(&file);
    buf_done(&cells);
}

/* What XML cannot hold is replaced; nothing of it makes the file one that does not read. */
static void no_text_breaks_it(void)
{
    static const char *const texts[] = {"a\x01z", "\xff",         "\x1b[0m",      "]]>",           "<!--",
                                        "&#0;",   "\xef\xbf\xbd", "\xef\xbf\xbe", "a\xef\xbf\xbfz"};
    struct buf file, cells;
    buf_init(&file, FILE_BYTES);
    buf_init(&cells, FILE_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct xlsx xlsx;
        struct err err = {0};
        buf_clear(&file);
        xlsx_begin(&xlsx, &file);
        xlsx_sheet(&xlsx, STR("s"));
        xlsx_put(&xlsx, str_of(texts[i]));
        xlsx_end(&xlsx);
        test_row("%zu", i);
        CHECK_INT(reads(buf_view(&file), &cells, &err), RC_OK);
        CHECK(cells.n > 6);
    }
    buf_done(&file);
    buf_done(&cells);
}

/* A cut is refused, a changed byte too or reads as something; neither is anything else. */
static void cuts_and_changes(void)
{
    struct buf file, cells, other;
    struct err err = {0};
    buf_init(&file, FILE_BYTES);
    buf_init(&other, FILE_BYTES);
    buf_init(&cells, FILE_BYTES);
    workbook_put(&file);
    for (size_t n = 0; n < file.n; n++)
        CHECK(reads(str_at(file.p, n), &cells, &err) != RC_OK);
    for (size_t at = 0; at < file.n; at++) {
        buf_clear(&other);
        buf_str(&other, buf_view(&file));
        other.p[at] = (char)(other.p[at] ^ 0x24);
        enum rc rc = reads(buf_view(&other), &cells, &err);
        test_row("byte %zu", at);
        CHECK(rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT);
    }
    struct buf small;
    char storage[600];
    buf_init_fixed(&small, storage, sizeof storage);
    workbook_put(&small);
    CHECK(small.overflow);
    buf_done(&file);
    buf_done(&other);
    buf_done(&cells);
}

static bool third(void *context, struct str sheet, uint32_t row, uint32_t column, struct str text)
{
    (void)sheet, (void)row, (void)column, (void)text;
    return ++*(int *)context < 3;
}

static void it_can_be_ended(void)
{
    struct buf file;
    struct err err = {0};
    int seen = 0;
    buf_init(&file, FILE_BYTES);
    workbook_put(&file);
    CHECK_INT(xlsx_read(buf_view(&file), third, &seen, &err), RC_END);
    CHECK_INT(seen, 3);
    buf_done(&file);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"sheets of others", sheets_of_others},
        {"files that are none", files_that_are_none},
        {"what goes out comes in", what_goes_out_comes_in},
        {"no text breaks it", no_text_breaks_it},
        {"cuts and changes", cuts_and_changes},
        {"it can be ended", it_can_be_ended},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
