#include "codec/xml.h"

#include "base/buf.h"
#include "base/test.h"

#include <string.h>

struct shown {
    struct buf text;
    const char *stop; /* at this path */
};

static bool on_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    struct shown *shown = context;
    struct str value = xml_attribute(attributes, "a");
    buf_format(&shown->text, "%.*s", STR_ARG(path));
    if (value.p)
        buf_format(&shown->text, "(%.*s)", STR_ARG(value));
    buf_char(&shown->text, ' ');
    return !shown->stop || !str_is(path, shown->stop);
}

static bool on_end(void *context, struct str path, struct str text)
{
    struct shown *shown = context;
    buf_format(&shown->text, "/%zu[%.*s] ", path.n, STR_ARG(text));
    return true;
}

static const struct xml_sink sink = {on_begin, on_end, NULL};

static enum rc walk(struct str text, const char *stop, struct buf *ret_text, struct err *err)
{
    struct shown shown = {.stop = stop};
    buf_init(&shown.text, 1 << 16);
    enum rc rc = xml_walk(text, &sink, &shown, err);
    *ret_text = shown.text;
    return rc;
}

static void documents(void)
{
    static const struct {
        const char *text;
        const char *want; /* "!" and what the error says: refused */
    } rows[] = {
        {"<a/>", "a /1[] "},
        {"<a>t</a>", "a /1[t] "},
        {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE a>\n<?s x?><a/>\n", "a /1[] "},
        {"\xef\xbb\xbf<a/>", "a /1[] "},
        {"<n:a xmlns:n=\"u\" n:a=\"1\"><n:b>t</n:b></n:a>", "a(1) a/b /3[t] /1[] "},
        {"<a>one<b>two</b>three<b/>four</a>", "a a/b /3[two] a/b /3[] /1[onethreefour] "},
        {"<a a='&lt;&#1240;'>&amp;<![CDATA[<b>&]]></a>", "a(<\xd3\x98) /1[&<b>&] "},
        {"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "a /1[\xc3\xa9] "},
        {"<a b='1' a='2' c='3'/>", "a(2) /1[] "},
        {"<n:>t</n:>", "n: /2[t] "},
        {"", "!not a well-formed"},
        {"a", "!not a well-formed"},
        {"<a>", "!not a well-formed"},
        {"<a></b>", "!not a well-formed"},
        {"<a/><b/>", "!not a well-formed"},
        {"<a>\xff</a>", "!not a well-formed"},
        {"<a><![CDATA[x\xc0\xa4]]></a>", "!not a well-formed"},
        {"<a>&nbsp;</a>", "!not a well-formed"},
        {"<a a='1' a='2'/>", "!not a well-formed"},
        {"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "!declares an entity"},
        {"<!DOCTYPE a [<!ENTITY % e SYSTEM 'file:///etc/hostname'>%e;]><a/>", "!declares an entity"},
        {"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><a>&e;</a>", "!declares an entity"},
        {"<!DOCTYPE a [<!NOTATION n SYSTEM 'x'><!ENTITY e SYSTEM 'x' NDATA n>]><a/>", "!declares an entity"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct buf text;
        test_row("%s", rows[i].text);
        enum rc rc = walk(str_of(rows[i].text), NULL, &text, &err);
        bool entity = strstr(rows[i].want, "an entity") != NULL;
        if (rows[i].want[0] == '!')
            CHECK(rc == (entity ? RC_DENIED : RC_INVALID) && strstr(err.text, rows[i].want + 1) &&
                  strstr(err.text, "line 1: ") && err.offset == 1);
        else if (CHECK_INT(rc, RC_OK))
            CHECK_TEXT(buf_view(&text), rows[i].want);
        buf_done(&text);
    }
}

/* Nothing before the end is a document, and nothing of it is read past the end. */
static void truncated(void)
{
    static const char whole[] = "<?xml version=\"1.0\"?><!DOCTYPE a><a x=\"1\"><b>t</b><!-- c --><![CDATA[d]]></a>";
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        struct err err = {0};
        struct buf text;
        test_row("%zu bytes", n);
        CHECK_INT(walk(str_at(whole, n), NULL, &text, &err), RC_INVALID);
        buf_done(&text);
    }
}

static void stops(void)
{
    struct err err = {0};
    struct buf text;
    CHECK_INT(walk(STR("<a><b/><c/></a>"), "a/b", &text, &err), RC_END);
    CHECK_TEXT(buf_view(&text), "a a/b ");
    buf_done(&text);
}

static void repeat(struct buf *buf, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_text(buf, text);
}

static bool on_long_begin(void *context, struct str path, const struct xml_attributes *attributes)
{
    (void)context, (void)path, (void)attributes;
    return true;
}

static bool on_long_end(void *context, struct str path, struct str text)
{
    size_t *lengths = context;
    lengths[path.n == 1] = text.n;
    return true;
}

static void limits(void)
{
    static const struct xml_sink long_sink = {on_long_begin, on_long_end, NULL};
    struct err err = {0};
    struct buf in;
    struct buf text;
    buf_init(&in, 1 << 23);
    repeat(&in, "<a>", XML_DEPTH_MAX);
    repeat(&in, "</a>", XML_DEPTH_MAX);
    CHECK_INT(walk(buf_view(&in), NULL, &text, &err), RC_OK);
    buf_done(&text);
    buf_clear(&in);
    repeat(&in, "<a>", XML_DEPTH_MAX + 1);
    CHECK_INT(walk(buf_view(&in), NULL, &text, &err), RC_LIMIT);
    CHECK(strstr(err.text, "too deep"));
    buf_done(&text);
    buf_clear(&in);
    buf_text(&in, "<a>");
    repeat(&in, "\xd3\x98", 10);
    buf_text(&in, "x<b>");
    repeat(&in, "\xd3\x98", XML_TEXT_MAX / 2 + 5);
    buf_text(&in, "</b></a>");
    size_t lengths[2] = {0};
    CHECK_INT(xml_walk(buf_view(&in), &long_sink, lengths, &err), RC_OK);
    CHECK_INT(lengths[0], XML_TEXT_MAX - 22); /* cut at a character */
    CHECK_INT(lengths[1], 21);
    buf_done(&in);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"documents", documents},
        {"truncated", truncated},
        {"a callback stops the walk", stops},
        {"limits", limits},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
