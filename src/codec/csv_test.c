#include "codec/csv.h"

#include "base/buf.h"
#include "base/test.h"

#include <string.h>

static void show(struct buf *buf, struct str text, char separator)
{
    struct arena *arena = arena_new(1 << 16);
    struct csv csv;
    struct err err = {0};
    enum rc rc = RC_OK;
    csv_open(&csv, text, separator);
    while ((rc = csv_next(&csv, &err)) == RC_OK) {
        buf_format(buf, "%u:", csv.line);
        for (uint32_t i = 0; i < csv.count; i++) {
            struct str field = csv_text(arena, &csv.field[i]);
            buf_format(buf, "[%.*s]", STR_ARG(field));
        }
    }
    if (rc != RC_END)
        buf_text(buf, err.text);
    arena_free(arena);
}

static void texts(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", ""},
        {"\n\r\n\n", ""},
        {"a,b\r\n1,2\r\n", "1:[a][b]2:[1][2]"},
        {"a,b\n\n1,2", "1:[a][b]3:[1][2]"},
        {"a,,\n,\n", "1:[a][][]2:[][]"},
        {"\"a,b\",\"c\"\"d\",\"\"\n\"\"\n", "1:[a,b][c\"d][]2:[]"},
        {"\"two\nlines\",x\ny,z", "1:[two\nlines][x]3:[y][z]"},
        {"a\rb,c\r", "1:[a\rb][c]"},
        {"\"a\"\r", "1:[a]"},
        {"\xef\xbb\xbf"
         "a,b",
         "1:[a][b]"},
        {"a b, c ", "1:[a b][ c ]"},
        {"\"a", "line 1: a quote is never closed"},
        {"x\n\"a\n\n", "1:[x]line 2: a quote is never closed"},
        {"\"a\"b,c\n", "line 1: text behind a closing quote"},
        {"\"a\" ,c\n", "line 1: text behind a closing quote"},
        {"x\na\"b\n", "1:[x]line 2: a quote inside a field that does not begin with one"},
        {"\"\"\"", "line 1: a quote is never closed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[256];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].text);
        show(&buf, str_of(rows[i].text), ',');
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    char memory[64];
    struct buf buf;
    buf_init_fixed(&buf, memory, sizeof memory);
    show(&buf, STR("a;b,c\n"), ';');
    CHECK_TEXT(buf_view(&buf), "1:[a][b,c]");
}

static void limits(void)
{
    struct csv csv;
    char commas[CSV_FIELDS_MAX];
    memset(commas, ',', sizeof commas);
    csv_open(&csv, str_at(commas, CSV_FIELDS_MAX - 1), ',');
    CHECK_INT(csv_next(&csv, NULL), RC_OK);
    CHECK_INT(csv.count, CSV_FIELDS_MAX);
    csv_open(&csv, str_at(commas, CSV_FIELDS_MAX), ',');
    CHECK_INT(csv_next(&csv, NULL), RC_LIMIT);
    struct arena *none = arena_new(0);
    struct csv_field field = {.text = STR_INIT("\"\""), .doubled = true};
    CHECK(csv_text(none, &field).p == NULL);
    arena_free(none);
}

static void cuts_and_flips(void)
{
    static const struct str text = STR_INIT("a,\"b\"\"c\",\r\n\"two\nlines\",x,\"\"\n1,2,3\n");
    uint64_t random = 1;
    for (size_t i = 0; i < 20000; i++) {
        char copy[128];
        char memory[1024];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        memcpy(copy, text.p, text.n);
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (i > text.n)
            copy[(random >> 33) % text.n] ^= (char)(1u << (random >> 60 & 7));
        show(&buf, str_at(copy, i > text.n ? text.n : i), ',');
        CHECK(!buf.overflow);
    }
}

static const struct test tests[] = {{"texts", texts}, {"limits", limits}, {"cuts and flips", cuts_and_flips}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
