#include "web/multipart.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/test.h"

#include <string.h>

#define TYPE "multipart/form-data; boundary=XyZ"

/* All that a body gives, as text: "n=v " for a field, "n<file>[bytes] " for a file, "." at the end, "!" when it is
 * wrong; handed over in pieces of so many bytes. */
static void read_all(struct str type, struct str body, size_t piece, struct buf *out)
{
    struct multipart m;
    struct str name, value;
    if (!multipart_begin(&m, type)) {
        buf_text(out, "?");
        return;
    }
    for (size_t at = 0; at < body.n; at += piece) {
        struct str input = str_slice(body, at, at + piece);
        for (enum multipart_event event = MULTIPART_BYTES; event != MULTIPART_MORE && event != MULTIPART_DONE;) {
            event = multipart_next(&m, &input, &name, &value);
            if (event == MULTIPART_FIELD)
                buf_format(out, "%.*s=%.*s ", STR_ARG(name), STR_ARG(value));
            else if (event == MULTIPART_FILE)
                buf_format(out, "%.*s<%.*s>[", STR_ARG(name), STR_ARG(value));
            else if (event == MULTIPART_BYTES)
                buf_str(out, value);
            else if (event == MULTIPART_CLOSE)
                buf_text(out, "] ");
            if (event == MULTIPART_WRONG) {
                buf_text(out, "!");
                return;
            }
            if (event == MULTIPART_DONE && !str_ends(buf_view(out), STR(".")))
                buf_char(out, '.');
        }
    }
}

#define PART(head, body)  "--XyZ\r\n" head "\r\n\r\n" body "\r\n"
#define FIELD(name, body) PART("Content-Disposition: form-data; name=\"" name "\"", body)
#define FILE_OF(name, file, body)                                                                                      \
    PART("Content-Disposition: form-data; name=\"" name "\"; filename=\"" file "\"\r\n"                                \
         "Content-Type: text/xml",                                                                                     \
         body)
#define END "--XyZ--\r\n"

static const struct {
    const char *body;
    const char *want;
} bodies[] = {
    {END, "."},
    {FIELD("a", "1") END, "a=1 ."},
    {FIELD("a", "") FIELD("b", "two\r\nlines") END, "a= b=two\r\nlines ."},
    {FIELD("a", "1") FILE_OF("f", "scan.xml", "<a/>") END, "a=1 f<scan.xml>[<a/>] ."},
    {FILE_OF("f", "", "") END, "f<>[] ."},
    {FILE_OF("f", "x", "\r\n") END, "f<x>[\r\n] ."},
    {FILE_OF("f", "x", "\r\r\n\r\n-\r\n--\r\n--Xy\r\n--XyY\r\n--X") END,
     "f<x>[\r\r\n\r\n-\r\n--\r\n--Xy\r\n--XyY\r\n--X] ."},
    {FILE_OF("f", "a; name=\\b", "1") "--XyZ--garbage", "f<a; name=\\b>[1] ."},
    {PART("content-type: text/plain\r\nCONTENT-DISPOSITION:form-data;name=a", "1") END, "a=1 ."},
    {"--XyZ--", "."},
    {"", ""},
    {"--XyZ", ""},
    {FIELD("a", "1"), ""},
    {"preamble\r\n" FIELD("a", "1") END, "!"},
    {"\r\n" FIELD("a", "1") END, "!"},
    {"--XyY\r\n", "!"},
    {"--XyZ \r\n", "!"},
    {"--XyZ\n\r", "!"},
    {FIELD("a", "1") "--XyZ-x", "a=1 !"},
    {PART("Content-Type: text/plain", "1") END, "!"},
    {PART("Content-Disposition: form-data", "1") END, "!"},
    {PART("Content-Disposition: form-data; name=\"\"", "1") END, "!"},
    {PART("Content-Disposition: form-data; name=\"a", "1") END, "!"},
    {PART("Content-Disposition: form-data; name=\"a\tb\"", "1") END, "!"},
    {PART("Content-Disposition: attachment; name=\"a\"", "1") END, "!"},
    {PART("Content-Disposition: form-data; name", "1") END, "!"},
};

static void every_body_in_every_piece(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct str body = str_of(bodies[i].body);
        for (size_t piece = 1; piece <= body.n + 1; piece++) {
            struct buf out;
            buf_init(&out, 1 << 16);
            test_row("%s, %zu at once", bodies[i].body, piece);
            read_all(STR(TYPE), body, piece, &out);
            bool held = CHECK_TEXT(buf_view(&out), bodies[i].want);
            buf_done(&out);
            if (!held)
                return;
        }
    }
}

/* Nothing that is cut off is whole: only the last boundary says so. */
static void truncated(void)
{
    static const char whole[] = FIELD("a", "1") FILE_OF("f", "x", "bytes") "--XyZ--";
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        struct buf out;
        buf_init(&out, 1 << 16);
        test_row("%zu bytes", n);
        read_all(STR(TYPE), str_at(whole, n), 7, &out);
        CHECK(!str_ends(buf_view(&out), STR(".")) && !str_ends(buf_view(&out), STR("!")));
        buf_done(&out);
    }
}

static void content_types(void)
{
    static const struct {
        const char *type;
        bool good;
    } rows[] = {
        {TYPE, true},
        {"Multipart/Form-Data; charset=utf-8; boundary=\"a b\"", true},
        {"multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", true},
        {"multipart/form-data", false},
        {"multipart/form-data; boundary", false},
        {"multipart/form-data; boundary=", false},
        {"multipart/form-data; boundary=\"\"", false},
        {"multipart/form-data; boundary=\"a", false},
        {"multipart/form-data; boundary=\"a \"", false},
        {"multipart/form-data; boundary=a\xc3\xa4", false},
        {"multipart/form-data; boundary=\"a\r\nb\"", false},
        {"multipart/mixed; boundary=a", false},
        {"application/x-www-form-urlencoded", false},
        {"", false},
        {"multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890",
         false},
    };
    struct multipart m;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].type);
        CHECK_INT(multipart_begin(&m, str_of(rows[i].type)), rows[i].good);
    }
}

/* What is kept has a limit, and what lies past it ends the body for good. */
static void limits(void)
{
    static const struct {
        const char *begin;
        size_t fill;
        const char *end;
        const char *want;
    } rows[] = {
        {"--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\nX: ", MULTIPART_HEAD_MAX, "\r\n\r\n1\r\n" END, "!"},
        {"--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n", MULTIPART_VALUE_MAX + 1, "\r\n" END, "!"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf body, out;
        buf_init(&body, 1 << 16);
        buf_init(&out, 1 << 16);
        buf_text(&body, rows[i].begin);
        for (size_t n = 0; n < rows[i].fill; n++)
            buf_char(&body, 'x');
        buf_text(&body, rows[i].end);
        read_all(STR(TYPE), buf_view(&body), 1000, &out);
        CHECK_TEXT(buf_view(&out), rows[i].want);
        buf_clear(&body);
        buf_clear(&out);
        for (size_t n = 0; n <= MULTIPART_PARTS_MAX; n++)
            buf_text(&body, FIELD("a", ""));
        read_all(STR(TYPE), buf_view(&body), 4096, &out);
        CHECK(str_ends(buf_view(&out), STR("a= !")));
        buf_done(&body);
        buf_done(&out);
    }
}

static const struct test tests[] = {
    {"every body, in pieces of every size", every_body_in_every_piece},
    {"a body that is cut off is not whole", truncated},
    {"content types", content_types},
    {"limits", limits},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
