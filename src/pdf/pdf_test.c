/* Documents drawn with the fonts of Debian's fonts-dejavu-core: the same bytes each time, lines broken as they fit, no
 * input that breaks it. What stands in the pages, as others read them, tests/reports.py looks at. */
#include "pdf/pdf.h"

#include "base/test.h"
#include "pdf/pdf_fonts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "/usr/share/fonts/truetype/dejavu/"

static struct arena *arena;
static struct pdf_fonts *fonts;

static struct str file_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = arena_alloc_raw(arena, 1u << 20);
    size_t n = file && bytes ? fread(bytes, 1, 1u << 20, file) : 0;
    if (file)
        fclose(file);
    return str_at(bytes, n);
}

static bool fonts_there(void)
{
    if (!fonts)
        test_skip("fonts-dejavu-core is not installed");
    return fonts != NULL;
}

static const struct json_value *json_of(const char *text)
{
    struct json_value *json = NULL;
    char *copy = arena_strz(arena, str_of(text));
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    CHECK_INT(json_parse(arena, str_of(copy), 16, &json, NULL), RC_OK);
    return json;
}

static enum rc draw(const char *text, struct buf *out)
{
    struct pdf_document document;
    struct err err = {0};
    enum rc rc = pdf_read(json_of(text), arena, &document, &err);
    rc = rc == RC_OK ? pdf_draw(fonts, &document, arena, out, &err) : rc;
    test_row("%s", err.text);
    return rc;
}

static const char sample[] =
    "{'title':'Summary','subject':'s','author':'ann','of':'R-000001','made_s':1798747200,'facts':[['Number','R-1'],"
    "['Object','all']],'blocks':[{'chapter':'Events'},{'table':'By kind','heads':['Kind','In all'],'numbers':[false,"
    "true],'rows':[['\xd3\x98\xd0\x86\xd2\xa2\xd2\x92\xd2\xae\xd2\xb0\xd2\x9a\xd3\xa8\xd2\xba','12'],['b',"
    "'7'],['In all','19']],'totals':true,'note':'none'}],'signature':'____'}";

static size_t count_of(const struct buf *out, const char *what)
{
    size_t count = 0;
    for (struct str rest = buf_view(out); rest.n;) {
        size_t at = str_search(rest, str_of(what));
        count += at < rest.n;
        rest = at < rest.n ? str_skip(rest, at + 1) : STR("");
    }
    return count;
}

static void the_same_bytes(void)
{
    CLEANUP(buf_done) struct buf first;
    CLEANUP(buf_done) struct buf second;
    if (!fonts_there())
        return;
    buf_init(&first, 4u << 20);
    buf_init(&second, 4u << 20);
    CHECK_INT(draw(sample, &first), RC_OK);
    CHECK_INT(draw(sample, &second), RC_OK);
    CHECK_STR(buf_view(&first), buf_view(&second));
    CHECK(str_starts(buf_view(&first), STR("%PDF-1.5")) && str_ends(str_trim(buf_view(&first)), STR("%%EOF")));
    CHECK(count_of(&first, "CreationDate (20261231200000") == 1 && count_of(&first, "/StructTreeRoot") > 0);
    CHECK_INT(count_of(&first, "/Type /Page %"), 1);
    CHECK_INT(count_of(&first, "/S /TH"), 2);
    CHECK_INT(count_of(&first, "/S /TD"), 10);
    CHECK(first.n < 100000); /* of the fonts only the letters that are used */
}

static void lines_break(void)
{
    static const struct {
        const char *text;
        double width; /* in letters "a" */
        const char *want;
    } rows[] = {
        {"", 5, ""},
        {"aaa", 5, "aaa"},
        {"aaa aaa", 5, "aaa|aaa"},
        {"aaaaaaaa", 3, "aaa|aaa|aa"},
        {"aa aaaaaaaa", 4, "aa|aaaa|aaaa"},
        {"a\nb", 9, "a|b"},
        {"a\n\nb", 9, "a||b"},
        {"\n", 9, ""},
        {"aaaa", 0, "a|a|a|a"},
        {"\xd3\x99\xd3\x99\xd3\x99", 0, "\xd3\x99|\xd3\x99|\xd3\x99"},
    };
    if (!fonts_there())
        return;
    double letter = pdf_width(fonts, PDF_REGULAR, 10, STR("a"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[100] = "";
        struct str rest = str_of(rows[i].text);
        bool first = true;
        test_row("%zu", i);
        for (size_t n = 0; rest.n && n < 20; n++) {
            struct str line = pdf_line(fonts, PDF_REGULAR, 10, letter * (rows[i].width + 0.1), &rest);
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", first ? "" : "|", STR_ARG(line));
            first = false;
        }
        CHECK_TEXT(str_of(text), rows[i].want);
        CHECK_INT(rest.n, 0);
    }
}

static void only_what_the_font_has(void)
{
    if (!fonts_there())
        return;
    CHECK_TEXT(pdf_clean(fonts, PDF_REGULAR, STR("a\tb\x01\nc\x7f"), arena), "a b \nc ");
    CHECK_TEXT(pdf_clean(fonts, PDF_REGULAR,
                         STR("\xff\xe2\x80\xae"
                             "a"),
                         arena),
               "\xef\xbf\xbd\xef\xbf\xbd"
               "a");
    CHECK_TEXT(pdf_clean(fonts, PDF_REGULAR, STR("\xe4\xb8\xad"), arena), "\xef\xbf\xbd"); /* no Chinese */
    static const char kazakh[] = "\xd3\x98\xd3\x99\xd0\x86\xd1\x96\xd2\xa2\xd2\xa3\xd2\x92\xd2\x93\xd2\xae\xd2\xaf"
                                 "\xd2\xb0\xd2\xb1\xd2\x9a\xd2\x9b\xd3\xa8\xd3\xa9\xd2\xba\xd2\xbb\xe2\x84\x96";
    CHECK_TEXT(pdf_clean(fonts, PDF_REGULAR, str_of(kazakh), arena), kazakh);
    CHECK_TEXT(pdf_clean(fonts, PDF_BOLD, str_of(kazakh), arena), kazakh);
}

static void strange_documents(void)
{
    static const char *const rows[] = {
        "{}",
        "{'blocks':7,'facts':'x','made_s':'y'}",
        "{'made_s':9223372036854775807}",
        "{'made_s':-5}",
        "{'facts':[7,[],[1],['a'],['a','b','c']]}",
        "{'blocks':[{'table':'t'},{'table':7},{},7,[]]}",
        "{'blocks':[{'table':'t','heads':['a'],'rows':[7,[],['x','y','z'],[null]]}]}",
        "{'blocks':[{'table':'t','heads':[],'rows':[['x']]}]}",
        "{'blocks':[{'table':'t','heads':[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],'rows':[['aaaaaaaaaaaa']]}]}",
        "{'title':'\\u0000\\ud800\\u202e','blocks':[{'chapter':'\\n\\n\\n'}]}",
    };
    struct pdf_document document;
    struct err err;
    if (!fonts_there())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(buf_done) struct buf out;
        buf_init(&out, 4u << 20);
        CHECK_INT(draw(rows[i], &out), RC_OK);
        test_row("%zu", i);
        CHECK(str_starts(buf_view(&out), STR("%PDF")));
    }
    CHECK_INT(pdf_read(json_of("[]"), arena, &document, &err), RC_INVALID);
    CHECK_INT(pdf_read(NULL, arena, &document, &err), RC_INVALID);
}

/* A table of so many rows, each with a text of `length` letters. */
static const char *long_table(size_t rows, size_t length)
{
    size_t n = 0, size = rows * (length + 20) + 100;
    char *text = arena_alloc_raw(arena, size);
    n += (size_t)snprintf(text, size, "{'blocks':[{'table':'t','heads':['one','two'],'rows':[");
    for (size_t i = 0; i < rows; i++) {
        n += (size_t)snprintf(text + n, size - n, "%s['%zu','", i ? "," : "", i);
        memset(text + n, 'w', length);
        n += length;
        n += (size_t)snprintf(text + n, size - n, "']");
    }
    snprintf(text + n, size - n, "]}]}");
    return text;
}

static void many_pages(void)
{
    CLEANUP(buf_done) struct buf out;
    if (!fonts_there())
        return;
    buf_init(&out, 8u << 20);
    CHECK_INT(draw(long_table(500, 10), &out), RC_OK);
    size_t pages = count_of(&out, "/Type /Page %");
    CHECK(pages > 5 && pages < 20);
    CHECK_INT(count_of(&out, "/S /TR"), 500 + pages); /* heads come again on each */
    buf_clear(&out);
    CHECK_INT(draw(long_table(1, 8000), &out), RC_OK); /* one row over several pages */
    CHECK(count_of(&out, "/Type /Page %") > 1);
    buf_clear(&out);
    CHECK_INT(draw(long_table(6000, 2000), &out), RC_LIMIT);
    CHECK_INT(out.n, 0);
    buf_done(&out);
    buf_init(&out, 2000);
    CHECK_INT(draw(sample, &out), RC_LIMIT);
}

static void no_font(void)
{
    struct pdf_fonts *none = NULL;
    struct err err;
    CHECK_INT(pdf_fonts_new(STR(""), STR(""), &none, &err), RC_INVALID);
    CHECK_INT(pdf_fonts_new(STR("no font at all"), STR("x"), &none, &err), RC_INVALID);
    CHECK(!none);
    if (!fonts_there())
        return;
    struct str whole = file_of(FOLDER "DejaVuSans.ttf");
    for (size_t n = 0; n < 400; n += 13) {
        test_row("%zu", n);
        CHECK_INT(pdf_fonts_new(str_slice(whole, 0, n), whole, &none, &err), RC_INVALID);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the same bytes", the_same_bytes},
        {"lines break", lines_break},
        {"only what the font has", only_what_the_font_has},
        {"strange documents", strange_documents},
        {"many pages", many_pages},
        {"no font", no_font},
    };
    struct err err;
    arena = arena_new((size_t)256 << 20);
    struct str regular = file_of(FOLDER "DejaVuSans.ttf"), bold = file_of(FOLDER "DejaVuSans-Bold.ttf");
    if (regular.n && bold.n)
        IGNORE(pdf_fonts_new(regular, bold, &fonts, &err) == RC_OK);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    pdf_fonts_free(fonts);
    arena_free(arena);
    return status;
}
