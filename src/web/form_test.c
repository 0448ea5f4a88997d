#include "web/form.h"

#include "base/test.h"
#include "codec/utf8.h"
#include "web/text.h"

#include <string.h>

static void parses_forms(void)
{
    static const struct {
        const char *text;
        const char *name;
        const char *value; /* NULL: absent */
    } rows[] = {
        {"a=1&b=2", "a", "1"},
        {"a=1&b=2", "b", "2"},
        {"a=1&a=2", "a", "1"},
        {"a=1&b=2", "c", NULL},
        {"", "a", NULL},
        {"&&&", "", NULL},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"=1", "", "1"},
        {"a=b=c", "a", "b=c"},
        {"a=x+y%2Bz", "a", "x y+z"},
        {"a=%D2%9B", "a", "\xd2\x9b"},
        {"a=%d2%9B", "a", "\xd2\x9b"},
        {"%61=1", "a", "1"},
        {"a=100%", "a", "100%"},
        {"a=%", "a", "%"},
        {"a=%4", "a", "%4"},
        {"a=%zz", "a", "%zz"},
        {"a=%2G%41", "a", "%2GA"},
        {"a=x%0D%0Ay", "a", "x\ny"},
        {"a=x%0Dy", "a", "x\ry"},
        {"a=%FF", "a", "\xef\xbf\xbd"},
        {"a=%C0%80", "a", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"a=%26%3D", "a", "&="},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(65536);
        struct form form = {0};
        test_row("%s", rows[i].text);
        CHECK_INT(form_parse(arena, str_of(rows[i].text), &form), RC_OK);
        struct str value = form_get(&form, rows[i].name);
        CHECK_INT(value.p != NULL, rows[i].value != NULL);
        if (rows[i].value)
            CHECK_TEXT(value, rows[i].value);
    }
}

static void refuses_too_much(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1u << 20);
    struct form form = {0};
    char text[FORM_FIELDS_MAX * 2 + 4];
    memset(text, 'a', sizeof text);
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = '&';
    CHECK_INT(form_parse(arena, str_at(text, FORM_FIELDS_MAX * 2), &form), RC_OK);
    CHECK_INT(form.count, FORM_FIELDS_MAX);
    form.count = 0;
    CHECK_INT(form_parse(arena, str_at(text, sizeof text), &form), RC_LIMIT);
    CLEANUP(arena_cleanup) struct arena *small = arena_new(64);
    form.count = 0;
    CHECK_INT(form_parse(small, str_at(text, 200), &form), RC_LIMIT);
}

static void reads_numbers(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(65536);
    struct form form = {0};
    CHECK_INT(form_parse(arena, STR("a=7&b=-7&c=7x&d=&e=99999999999999999999"), &form), RC_OK);
    CHECK_INT(form_int(&form, "a", 1), 7);
    CHECK_INT(form_int(&form, "b", 1), -7);
    CHECK_INT(form_int(&form, "c", 1), 1);
    CHECK_INT(form_int(&form, "d", 1), 1);
    CHECK_INT(form_int(&form, "e", 1), 1);
    CHECK_INT(form_int(&form, "f", 1), 1);
}

static void reads_cookies(void)
{
    static const struct {
        const char *header;
        const char *value;
    } rows[] = {
        {"__Host-q=abc", "abc"},
        {"a=1; __Host-q=abc; b=2", "abc"},
        {"a=1;__Host-q=abc", "abc"},
        {"__Host-q=abc; __Host-q=abc", "abc"},
        {"__Host-q=abc; __Host-q=abd", NULL}, /* somebody planted one: neither is believed */
        {"__host-q=abc", NULL},
        {"x__Host-q=abc", NULL},
        {"__Host-q", NULL},
        {"", NULL},
        {";;;", NULL},
        {"__Host-q=a=b", "a=b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].header);
        struct str value = cookie_get(str_of(rows[i].header), "__Host-q");
        CHECK_INT(value.p != NULL, rows[i].value != NULL);
        if (rows[i].value)
            CHECK_TEXT(value, rows[i].value);
    }
}

static void decodes_segments(void)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(65536);
    CHECK_TEXT(path_decode(arena, STR("a+b%20c")), "a+b c");
    CHECK(!path_decode(arena, STR("a%2Fb")).p);
    CHECK(!path_decode(arena, STR("a%00")).p);
    CHECK_TEXT(path_decode(arena, STR("..")), "..");
}

static void encoding_round_trips(void)
{
    char all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(65536);
    struct buf buf;
    struct form form = {0};
    buf_init(&buf, 4096);
    buf_text(&buf, "a=");
    struct str given = utf8_make_valid(arena, str_at(all + 14, sizeof all - 14));
    url_encode(&buf, given);
    CHECK_INT(form_parse(arena, buf_view(&buf), &form), RC_OK);
    CHECK_STR(form_get(&form, "a"), given);
    for (size_t i = 2; i < buf.n; i++)
        CHECK(char_is_alnum(buf.p[i]) || strchr("%-._~", buf.p[i]));
    buf_done(&buf);
}

static void finds_languages(void)
{
    CHECK_INT(language_of(STR("kk"), LANGUAGE_COUNT), LANGUAGE_KK);
    CHECK_INT(language_of(STR("RU-kz"), LANGUAGE_COUNT), LANGUAGE_RU);
    CHECK_INT(language_of(STR("rus"), LANGUAGE_COUNT), LANGUAGE_COUNT);
    CHECK_INT(language_of(STR(""), LANGUAGE_COUNT), LANGUAGE_COUNT);
    CHECK_INT(language_of(STR("k"), LANGUAGE_COUNT), LANGUAGE_COUNT);
    CHECK_INT(language_accepted(STR("de, kk-KZ;q=0.8, en;q=0.5"), LANGUAGE_RU), LANGUAGE_KK);
    CHECK_INT(language_accepted(STR("de,fr"), LANGUAGE_RU), LANGUAGE_RU);
    CHECK_INT(language_accepted(STR(""), LANGUAGE_EN), LANGUAGE_EN);
}

static const struct test tests[] = {
    {"parses forms", parses_forms},         {"refuses too much", refuses_too_much},
    {"reads numbers", reads_numbers},       {"reads cookies", reads_cookies},
    {"decodes segments", decodes_segments}, {"encoding round-trips", encoding_round_trips},
    {"finds languages", finds_languages},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
