#include "event/template.h"

#include "base/test.h"

#include <string.h>

static struct arena *arena;

static bool matches(const char *pattern, const char *text, struct str value[])
{
    struct template template;
    struct err err;
    if (template_compile(arena, str_of(pattern), &template, &err) != RC_OK) {
        CHECK_TEXT(str_of(err.text), "");
        return false;
    }
    return template_match(&template, str_of(text), value);
}

static void captures_what_stands_between(void)
{
    static const struct {
        const char *pattern;
        const char *text;
        const char *value[3]; /* NULL: none; the first NULL row: no match */
    } rows[] = {
        {"Accepted {how} for {who} from {src}", "Accepted key for ann from 1.2.3.4", {"key", "ann", "1.2.3.4"}},
        {"for {who+} from {src} port {p:num}",
         "for a from 6.6.6.6 from 1.2.3.4 port 22",
         {"a from 6.6.6.6", "1.2.3.4", "22"}},
        {"for {who+} from {src}: {key}",
         "for x from 6.6.6.6: y from 1.2.3.4: k",
         {"x from 6.6.6.6: y", "1.2.3.4", "k"}},
        {"for {who} from {src}: {key}", "for x from 6.6.6.6: y from 1.2.3.4: k", {"x", "6.6.6.6", "y from 1.2.3.4: k"}},
        {"for {who} from {src} port {p:num}", "for a from b c from 1.2.3.4 port 22", {"a from b c", "1.2.3.4", "22"}},
        {"{a}: {b}", ": x", {"", "x", NULL}},
        {"{a:word}: {b}", "x: ", {"x", "", NULL}},
        {"n={a:num}{b}", "n=12abc", {"12", "abc", NULL}},
        {"a{tab}{a:word}{tab}", "a\tb\t", {"b", NULL, NULL}},
        {"{tabs}", "x", {"x", NULL, NULL}},
        {"{{{a}}", "{v}", {"v", NULL, NULL}},
        {"{a} [x]", "y [x] [x]", {"y [x]", NULL, NULL}},
        {"plain", "plain", {NULL, NULL, NULL}},
        {"x {}", "x anything at all", {"anything at all", NULL, NULL}},
        {"{a+:ip}:{p:num}", "10.1.2.3:22", {"10.1.2.3", "22", NULL}},
        {"{a+:ip}:{p:num}", "2001:db8::7:22", {"2001:db8::7", "22", NULL}},
        {"{src:ip} x", "::ffff:10.1.2.3 x", {"::ffff:10.1.2.3", NULL, NULL}},
        {"[{h:hex}]{rest}", "[1aF] x", {"1aF", " x", NULL}},
        {"{h:hex}{rest}", "12fg", {"12f", "g", NULL}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str value[TEMPLATE_CAPTURES] = {STR_NONE};
        test_row("%s", rows[i].pattern);
        CHECK(matches(rows[i].pattern, rows[i].text, value));
        for (size_t v = 0; v < 3 && rows[i].value[v]; v++)
            CHECK_TEXT(value[v], rows[i].value[v]);
    }
}

static void refuses_other_texts(void)
{
    static const struct {
        const char *pattern;
        const char *text;
    } rows[] = {
        {"plain", "plainer"},
        {"plain", "plai"},
        {"plain", ""},
        {"x {a} y", "x  z"},
        {"x {a} y", "x b y z"},
        {"from {src} port", "from a b port"},
        {"from {src} port", "from  port"},
        {"n={a:num}", "n="},
        {"n={a:num}", "n=1a"},
        {"n={a:num};", "n=a;"},
        {"w={a:word}", "w=a b"},
        {"{a}b{c}d", "xbx"},
        {"for {who+} from {src} port {p:num}", "for a from 1.2.3.4 port x"},
        {"{a:ip}", "1.2.3.256"},
        {"{a:ip}", "1.2.3"},
        {"{a:ip}", "1.2.3.4.5"},
        {"{a:ip}", "1..3.4"},
        {"{a:ip}", "bad.cafe"},
        {"{a:ip}", "12:30:45"},
        {"{a:ip}", "1:2:3:4:5:6:7:8:9"},
        {"{a:ip}", "1::2::3"},
        {"{a:ip}", ":1:2:3:4:5:6:7"},
        {"{a:ip}", "1:2:3:4:5:6:7:"},
        {"{a:ip}", "12345::1"},
        {"{a:ip}", "::1.2.3"},
        {"{a:ip}", "1.2.3.4::"},
        {"{a:ip}", ":"},
        {"{a:ip}", "host"},
        {"{h:hex}", ""},
        {"{h:hex}", "12g"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str value[TEMPLATE_CAPTURES];
        test_row("%s against %s", rows[i].pattern, rows[i].text);
        CHECK(!matches(rows[i].pattern, rows[i].text, value));
    }
}

static void refuses_bad_patterns(void)
{
    static const struct {
        const char *pattern;
        const char *reason;
    } rows[] = {
        {"", "empty pattern"},
        {"a {b", "byte 3: capture is not closed by \"}\""},
        {"a {b:int}", "byte 3: capture \"{b:int}\" has an unknown kind: word, num, hex or ip"},
        {"a {b:}", "byte 3: capture \"{b:}\" has an unknown kind: word, num, hex or ip"},
        {"a {b c}", "byte 3: capture \"{b c}\" has a character that is no letter, digit, _ . or -"},
        {"a {b}{c}", "byte 3: nothing stands between a capture and the next"},
        {"a {kv} b", "byte 3: {kv} stands only at the end"},
        {"{a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} {a} "
         "{a} {a} {a} {a} {a} {a}",
         "byte 129: more than 32 captures"},
        {"{a:ip}{b}{c:hex}", "byte 7: nothing stands between a capture and the next"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct template template;
        struct err err = {.text = ""};
        test_row("%s", rows[i].pattern);
        CHECK(template_compile(arena, str_of(rows[i].pattern), &template, &err) != RC_OK);
        CHECK_TEXT(str_of(err.text), rows[i].reason);
    }
}

/* A text made to look promising at every byte ends after a bounded number of searches. */
static void gives_up_in_time(void)
{
    static char text[8192];
    struct str value[TEMPLATE_CAPTURES];
    struct template template;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? 'b' : 'a';
    CHECK(template_compile(arena, STR("{a}a{b}b{c}a{d}b{e}x"), &template, NULL) == RC_OK);
    for (int i = 0; i < 1000; i++)
        CHECK(!template_match(&template, str_at(text, sizeof text), value));
}

/* Where a text stops fitting, and what was wanted there. */
static void says_where_a_text_stops(void)
{
    static const struct {
        const char *pattern;
        const char *text;
        enum template_why why;
        size_t at;
        const char *wanted;
    } rows[] = {
        {"plain", "plain", TEMPLATE_FITS, 5, ""},
        {"plain", "plane", TEMPLATE_LITERAL, 3, "in"},
        {"plain", "pl", TEMPLATE_LITERAL, 2, "ain"},
        {"plain", "plainer", TEMPLATE_TAIL, 5, ""},
        {"for {who+} from {src} port {p:num}", "for a from 1.2.3.4 port 22", TEMPLATE_FITS, 26, ""},
        {"for {who+} from {src} port {p:num}", "for a from 1.2.3.4 port x", TEMPLATE_CAPTURE, 24, "p"},
        {"for {who+} from {src} port {p:num}", "for a from 1.2.3.4 port 22 x", TEMPLATE_TAIL, 26, ""},
        {"for {who+} from {src} port {p:num}", "for a from 1.2.3.4", TEMPLATE_LITERAL, 18, " port "},
        {"for {who+} from {src} port {p:num}", "for a at b", TEMPLATE_LITERAL, 4, " from "},
        {"for {who+} from {src:ip} port", "for a from host port", TEMPLATE_CAPTURE, 11, "src"},
        {"{a:num}", "x", TEMPLATE_CAPTURE, 0, "a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct template template;
        test_row("%s against %s", rows[i].pattern, rows[i].text);
        if (!CHECK(template_compile(arena, str_of(rows[i].pattern), &template, NULL) == RC_OK))
            continue;
        struct template_stop stop = template_explain(&template, str_of(rows[i].text));
        CHECK_INT(stop.why, rows[i].why);
        CHECK_INT(stop.at, rows[i].at);
        CHECK_TEXT(stop.wanted, rows[i].wanted);
    }
}

static const struct test tests[] = {
    {"captures what stands between", captures_what_stands_between},
    {"refuses other texts", refuses_other_texts},
    {"refuses bad patterns", refuses_bad_patterns},
    {"gives up in time", gives_up_in_time},
    {"says where a text stops", says_where_a_text_stops},
};

int main(int argc, char **argv)
{
    arena = arena_new((size_t)1 << 20);
    int result = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return result;
}
