#include "codec/tsv.h"

#include "base/buf.h"
#include "base/test.h"

static void texts(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"a\tb\n1\t2\n3\t\n", "a,b;2:1,2;3:3,;"},
        {"# c\n\na\tb\r\n# d\n1\t2\r\n\n3\t4", "a,b;5:1,2;7:3,4;"},
        {"\xef\xbb\xbf"
         "a\n",
         "a;"},
        {"a\nx # no comment\n", "a;2:x # no comment;"},
        {"", "line 1: the row with the names of the columns is missing"},
        {"# only\n", "line 2: the row with the names of the columns is missing"},
        {"a\t\n", "line 1: column 2 has no name"},
        {"a\tb\ta\n", "line 1: column name \"a\" stands twice"},
        {"a\tb\n1\n", "a,b;line 2: 1 cells, but there are 2 columns"},
        {"a\tb\n1\t2\t3\n", "a,b;line 2: 3 cells, but there are 2 columns"},
        {"a\n\xff\n", "a;line 2: not valid UTF-8"},
        {"\xff\n", "line 1: not valid UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[512];
        struct buf buf;
        struct tsv tsv;
        struct err err = {0};
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].text);
        enum rc rc = tsv_open(&tsv, str_of(rows[i].text), &err);
        for (uint32_t column = 0; rc == RC_OK && column < tsv.columns; column++)
            buf_format(&buf, "%.*s%c", STR_ARG(tsv.name[column]), column + 1 == tsv.columns ? ';' : ',');
        while (rc == RC_OK && (rc = tsv_next(&tsv, &err)) == RC_OK) {
            buf_format(&buf, "%u:", tsv.line);
            for (uint32_t column = 0; column < tsv.columns; column++)
                buf_format(&buf, "%.*s%c", STR_ARG(tsv.cell[column]), column + 1 == tsv.columns ? ';' : ',');
        }
        buf_text(&buf, rc == RC_END ? "" : err.text);
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
}

static void columns(void)
{
    struct tsv tsv;
    struct err err = {0};
    struct buf buf;
    int column = 0;
    CHECK_INT(tsv_open(&tsv, STR("a\tb\n"), &err), RC_OK);
    CHECK_INT(tsv_column(&tsv, "b"), 1);
    CHECK_INT(tsv_column(&tsv, "c"), -1);
    CHECK_INT(tsv_need(&tsv, "a", &column, &err), RC_OK);
    CHECK_INT(tsv_need(&tsv, "c", &column, &err), RC_INVALID);
    CHECK_TEXT(str_of(err.text), "column \"c\" is missing");
    buf_init(&buf, 4096);
    for (uint32_t i = 0; i <= TSV_COLUMNS_MAX; i++)
        buf_format(&buf, "%s%u", i > 0 ? "\t" : "", i);
    CHECK_INT(tsv_open(&tsv, buf_view(&buf), &err), RC_LIMIT);
    buf_done(&buf);
}

static const struct test tests[] = {{"texts", texts}, {"columns", columns}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
