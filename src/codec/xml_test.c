#include "codec/xml.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

static bool begin(void *context, uint32_t depth, struct str name, const struct xml_attributes *attributes)
{
    struct buf *out = context;
    buf_format(out, "<%u%.*s", depth, STR_ARG(name));
    struct str value = xml_attribute(attributes, "a");
    if (value.p)
        buf_format(out, " %.*s", STR_ARG(value));
    return !str_is(name, "bad");
}

static bool end(void *context, uint32_t depth, struct str name, struct str text)
{
    struct buf *out = context;
    buf_format(out, "=%.*s>", STR_ARG(text));
    return depth > 0 && !str_is(name, "worse");
}

#define DEEP8(x)  x x x x x x x x
#define DEEP64(x) DEEP8(DEEP8(x))

static const struct {
    const char *text;
    enum rc rc;
    const char *want;
} rows[] = {
    {"<r/>", RC_OK, "<1r=>"},
    {"<r>t</r>", RC_OK, "<1r=t>"},
    {"<r a='1'>t</r>", RC_OK, "<1r 1=t>"},
    {"<r a=''/>", RC_OK, "<1r =>"},
    {"<n:r xmlns:n='urn:x' n:a='&lt;&amp;'><n:s> u </n:s> </n:r>", RC_OK, "<1r <&<2s= u >=>"},
    {"<?xml version='1.0' encoding='UTF-16'?><r>x</r>", RC_OK, "<1r=x>"},
    {"<r><![CDATA[<a>&amp;</a>]]></r>", RC_OK, "<1r=<a>&amp;</a>>"},
    {"<r>a<!-- no -->b&#65;</r>", RC_OK, "<1r=abA>"},
    {"<r><s/>text behind</r>", RC_OK, "<1r<2s=>=>"},
    {"<r>12345678901234567890123456789012</r>", RC_OK, "<1r=12345678901234567890123456789012>"},
    {"<r>123456789012345678901234567890123</r>", RC_LIMIT, NULL},
    {"", RC_INVALID, ""},
    {"x", RC_INVALID, NULL},
    {"<r>", RC_INVALID, NULL},
    {"<r></s>", RC_INVALID, NULL},
    {"<r/><r/>", RC_INVALID, NULL},
    {"<r a='1' a='2'/>", RC_INVALID, NULL},
    {"<r>&e;</r>", RC_INVALID, NULL},
    {"<r>\x01</r>", RC_INVALID, NULL},
    {"<!DOCTYPE r><r/>", RC_INVALID, ""},
    {"<!DOCTYPE r [<!ENTITY e 'x'>]><r>&e;</r>", RC_INVALID, ""},
    {"<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><r>&e;</r>", RC_INVALID, ""},
    {"<!DOCTYPE r SYSTEM 'http://127.0.0.1/x'><r/>", RC_INVALID, ""},
    {"<r><bad/><s/></r>", RC_INVALID, "<1r<2bad"},
    {"<r><worse/><s/></r>", RC_INVALID, "<1r<2worse=>"},
    {DEEP64("<d>"), RC_INVALID, NULL},
    {DEEP64("<d>") "<e/>", RC_INVALID, NULL},
};

static enum rc read_into(struct str text, struct buf *out)
{
    struct xml_handler handler = {out, 32, begin, end};
    buf_clear(out);
    return xml_read(text, &handler, NULL);
}

static void documents(void)
{
    struct buf out;
    buf_init(&out, 8192);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK_INT(read_into(str_of(rows[i].text), &out), rows[i].rc);
        if (rows[i].want)
            CHECK_TEXT(buf_view(&out), rows[i].want);
    }
    buf_done(&out);
}

static void depth(void)
{
    struct buf out;
    struct buf text;
    buf_init(&out, 8192);
    buf_init(&text, 8192);
    for (unsigned n = XML_DEPTH_MAX; n <= XML_DEPTH_MAX + 1; n++) {
        buf_clear(&text);
        for (unsigned i = 0; i < n; i++)
            buf_text(&text, "<d>");
        for (unsigned i = 0; i < n; i++)
            buf_text(&text, "</d>");
        CHECK_INT(read_into(buf_view(&text), &out), n <= XML_DEPTH_MAX ? RC_OK : RC_INVALID);
    }
    buf_done(&text);
    buf_done(&out);
}

static void truncations(void)
{
    struct str whole = STR("<n:r xmlns:n='urn:x' a='1'><s>x&amp;y</s><t><![CDATA[<z>]]></t></n:r>");
    struct buf out;
    buf_init(&out, 8192);
    for (size_t n = 0; n < whole.n; n++) {
        test_row("%zu", n);
        CHECK_INT(read_into(str_slice(whole, 0, n), &out), RC_INVALID);
    }
    CHECK_INT(read_into(whole, &out), RC_OK);
    buf_done(&out);
}

static bool same(void *context, uint32_t depth_now, struct str name, struct str text)
{
    (void)depth_now, (void)name;
    return str_eq(text, *(const struct str *)context);
}

static bool same_attribute(void *context, uint32_t depth_now, struct str name, const struct xml_attributes *attributes)
{
    (void)depth_now, (void)name;
    return str_eq(xml_attribute(attributes, "a"), *(const struct str *)context);
}

/* What is put reads back, as text and as an attribute. */
static void written(void)
{
    static const char *const texts[] = {"", "x", "<a b=\"c\">&'</a>", "]]>", "a\r\nb\tc\n", "\xd2\x9a"};
    struct buf out;
    buf_init(&out, 1024);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str text = str_of(texts[i]);
        struct xml_handler handler = {&text, 1024, same_attribute, same};
        test_row("%zu", i);
        buf_clear(&out);
        buf_text(&out, "<r a=\"");
        xml_put(&out, text);
        buf_text(&out, "\">");
        xml_put(&out, text);
        buf_text(&out, "</r>");
        CHECK_INT(xml_read(buf_view(&out), &handler, NULL), RC_OK);
    }
    buf_done(&out);
}

static const struct test tests[] = {
    {"documents", documents},
    {"depth", depth},
    {"truncations", truncations},
    {"written", written},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
