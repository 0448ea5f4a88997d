#include "web/html.h"

#include "base/test.h"
#include "codec/utf8.h"
#include "web/events.h"

#include <string.h>

static struct texts *sample_texts(void)
{
    struct texts *texts = texts_new(1);
    struct err err;
    CHECK_INT(texts_add(texts, "a",
                        STR("key\tkk\tru\ten\n# remark\n"
                            "unit.day\tт\tд\td\nunit.B\tБ\tБ\tB\nunit.KiB\tКиБ\tКиБ\tKiB\nunit.MiB\tМиБ\tМиБ\tMiB\n"
                            "unit.GiB\tГиБ\tГиБ\tGiB\nunit.TiB\tТиБ\tТиБ\tTiB\nunit.PiB\tПиБ\tПиБ\tPiB\n"
                            "hello\t<қ>\t<п>\t<h>\ncounts\t{1} бар, {0}\t{0} из {1}\t{0} of {1} {} {9} {x\n"
                            "state.open\tашық\tоткрыт\topen\n"),
                        &err),
              RC_OK);
    return texts;
}

static struct html html;
static struct buf out;

static void begin(struct texts *texts, enum language language)
{
    buf_clear(&out);
    html = (struct html){&out, texts, language, ZONE_DEFAULT_S, 0};
}

#define MADE(...) (buf_clear(&out), HTML(&html, __VA_ARGS__), buf_view(&out))

static void escapes(void)
{
    static const struct {
        const char *text;
        const char *html;
    } rows[] = {
        {"plain", "plain"},
        {"<b>&\"'`", "&lt;b&gt;&amp;&#34;&#39;&#96;"},
        {"tab\tline\nend", "tab\tline\nend"},
        {"\x01\x1b[31m\x7f", "\xef\xbf\xbd\xef\xbf\xbd[31m\xef\xbf\xbd"},
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc2\x85", "\xef\xbf\xbd"}, /* C1 control */
        {"a\xe2\x80\xae"
         "b",
         "a\xef\xbf\xbd"
         "b"},                                                    /* right-to-left override */
        {"\xe2\x81\xa6\xe2\x80\x8f", "\xef\xbf\xbd\xef\xbf\xbd"}, /* isolate, mark */
        {"\xe2\x80\xa8\xe2\x80\xa9", "\xef\xbf\xbd\xef\xbf\xbd"}, /* line, paragraph separator */
        {"\xef\xbb\xbf", "\xef\xbf\xbd"},
        {"Қорған", "Қорған"},
        {"\xf0\x9f\x8f\xb0", "\xf0\x9f\x8f\xb0"},
    };
    struct texts *texts = sample_texts();
    begin(texts, LANGUAGE_RU);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK_TEXT(MADE(ESC(str_of(rows[i].text))), rows[i].html);
    }
    test_row("NUL");
    CHECK_TEXT(MADE(ESC(str_at("a\0b", 3))), "a\xef\xbf\xbd"
                                             "b");
    texts_free(texts);
}

static void every_byte_pair_is_safe(void)
{
    struct texts *texts = sample_texts();
    begin(texts, LANGUAGE_RU);
    for (unsigned i = 0; i < 65536; i++) {
        char pair[2] = {(char)(i >> 8), (char)(i & 255)};
        struct str got = MADE(ESC(str_at(pair, 2)));
        bool safe = utf8_valid(got);
        for (size_t k = 0; k < got.n; k++)
            safe &= !strchr("<>\"'`", got.p[k]) && (got.p[k] != '\0');
        if (!safe) {
            test_row("%04x", i);
            CHECK(safe);
        }
        got = MADE(URL(str_at(pair, 2)));
        for (size_t k = 0; k < got.n; k++)
            safe &= char_is_alnum(got.p[k]) || strchr("%-._~", got.p[k]) != NULL;
        if (!safe) {
            test_row("url %04x", i);
            CHECK(safe);
        }
    }
    texts_free(texts);
}

static void says(void)
{
    struct texts *texts = sample_texts();
    begin(texts, LANGUAGE_KK);
    CHECK_TEXT(MADE(SAY("hello")), "&lt;қ&gt;");
    CHECK_TEXT(MADE(SAY("no.such<")), "no.such&lt;");
    CHECK_TEXT(MADE(SAY_OF("state.", STR("open"))), "ашық");
    CHECK_TEXT(MADE(SAY_OF("state.", STR("<x>"))), "&lt;x&gt;");
    char long_key[300];
    memset(long_key, 'k', sizeof long_key);
    CHECK_INT(MADE(SAY_OF("state.", str_at(long_key, sizeof long_key))).n, sizeof long_key);
    buf_clear(&out);
    SAY_WITH(&html, "counts", NUMBER(1), ESC(STR("<2>")));
    CHECK_TEXT(buf_view(&out), "&lt;2&gt; бар, 1");
    begin(texts, LANGUAGE_EN);
    SAY_WITH(&html, "counts", NUMBER(1), ESC(STR("<2>")));
    CHECK_TEXT(buf_view(&out), "1 of &lt;2&gt; {}  {x");
    texts_free(texts);
}

static void numbers(void)
{
#define THIN "\xe2\x80\xaf"
#define NBSP "\xc2\xa0"
    struct texts *texts = sample_texts();
    begin(texts, LANGUAGE_EN);
    CHECK_TEXT(MADE(NUMBER(0)), "0");
    CHECK_TEXT(MADE(NUMBER(999)), "999");
    CHECK_TEXT(MADE(NUMBER(1000)), "1" THIN "000");
    CHECK_TEXT(MADE(NUMBER(-1234567)), "\xe2\x88\x92"
                                       "1" THIN "234" THIN "567");
    CHECK_TEXT(MADE(NUMBER(INT64_MIN)), "\xe2\x88\x92"
                                        "9" THIN "223" THIN "372" THIN "036" THIN "854" THIN "775" THIN "808");
    CHECK_TEXT(MADE(FIXED(12345)), "12.3");
    CHECK_TEXT(MADE(BYTES(1023)), "1" THIN "023" NBSP "B");
    CHECK_TEXT(MADE(BYTES(1536)), "1.5" NBSP "KiB");
    CHECK_TEXT(MADE(BYTES(INT64_MAX)), "8" THIN "191" NBSP "PiB");
    CHECK_TEXT(MADE(SPAN(0)), "00:00:00");
    CHECK_TEXT(MADE(SPAN(3661)), "01:01:01");
    CHECK_TEXT(MADE(SPAN(2 * 86400 + 5)), "2" NBSP "d 00:00:05");
    begin(texts, LANGUAGE_RU);
    CHECK_TEXT(MADE(FIXED(12345)), "12,3");
    texts_free(texts);
}

static void times(void)
{
    struct texts *texts = sample_texts();
    begin(texts, LANGUAGE_EN);
    CHECK_TEXT(MADE(TIME(INT64_C(1795219893) * 1000000000)),
               "<time datetime=\"2026-11-21T00:11:33.000Z\" title=\"2026-11-21T00:11:33.000Z\"><span>2026-11-21</span> "
               "<b>05:11:33</b><small>+05:00</small></time>");
    CHECK_TEXT(MADE(MOMENT(INT64_C(1795219893) * 1000000000)), "2026-11-21 05:11:33 +05:00");
    CHECK_TEXT(MADE(INPUT_TIME(INT64_C(1795219893) * 1000000000)), "2026-11-21T05:11:33");
    struct str none = MADE(TIME(0));
    CHECK(str_search(none, STR("none")) < none.n);
    CHECK(MADE(TIME(INT64_MAX)).n > 0);
    CHECK(MADE(TIME(INT64_MIN)).n > 0);
    texts_free(texts);

    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } rows[] = {
        {"2026-11-21T05:11", 1795219860}, {"2026-11-21T05:11:33", 1795219893},
        {"1970-01-01T05:00", 0},          {"2026-11-21", -1},
        {"2026-11-21 05:11", -1},         {"2026-13-21T05:11", -1},
        {"2026-02-30T05:11", -1},         {"2026-11-21T25:11", -1},
        {"2026-11-21T05:61", -1},         {"2026-11-21T05:11:3x", -1},
        {"9999-11-21T05:11", -1},         {"1969-11-21T05:11", -1},
        {"-026-11-21T05:11", -1},         {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = -1;
        test_row("%s", rows[i].text);
        CHECK_INT(time_of_input(str_of(rows[i].text), ZONE_DEFAULT_S, &ns), rows[i].seconds >= 0);
        if (rows[i].seconds >= 0)
            CHECK_INT(ns, rows[i].seconds * 1000000000);
    }
}

static void refuses_bad_texts(void)
{
    static const struct {
        const char *tsv;
        const char *reason;
    } rows[] = {
        {"a\tb\tc\n", "no text in language en"},
        {"a\tb\t\td\n", "no text in language ru"},
        {"a\tb\tc\td\te\n", "expected a key"},
        {"\tb\tc\td\n", "expected a key"},
        {"a\tb\tc\td\na\tb\tc\td\n", "line 2: \"a\" was given before"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct texts *texts = texts_new(1);
        struct err err = {0};
        test_row("%zu", i);
        CHECK_INT(texts_add(texts, "f.tsv", str_of(rows[i].tsv), &err), RC_INVALID);
        CHECK(strstr(err.text, rows[i].reason) != NULL);
        CHECK(strstr(err.text, "\"f.tsv\"") != NULL);
        texts_free(texts);
    }
    struct texts *texts = texts_new(1);
    struct err err;
    CHECK_INT(texts_add(texts, "a", STR("a\t1\t2\t3\r\n\n"), &err), RC_OK);
    CHECK_INT(texts_add(texts, "b", STR("a\t4\t5\t6\nb\t7\t8\t9"), &err), RC_OK);
    CHECK_TEXT(texts_get(texts, STR("a"), LANGUAGE_EN), "3");
    CHECK_TEXT(texts_get(texts, STR("b"), LANGUAGE_EN), "9");
    CHECK_INT(texts_count(texts), 2);
    texts_free(texts);
}

static const struct test tests[] = {
    {"escapes", escapes}, {"every pair of bytes is safe", every_byte_pair_is_safe},
    {"says", says},       {"numbers", numbers},
    {"times", times},     {"refuses bad texts", refuses_bad_texts},
};

int main(int argc, char **argv)
{
    buf_init(&out, 1u << 20);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    buf_done(&out);
    return status;
}
