#include "codec/cef.h"

#include "base/buf.h"
#include "base/test.h"

#include <string.h>

static void show(struct buf *buf, struct arena *arena, struct str text)
{
    struct cef cef;
    struct str key;
    struct str value;
    if (!cef_parse(text, &cef)) {
        buf_text(buf, "refused");
        return;
    }
    const struct str head[] = {cef.vendor, cef.product, cef.device_version, cef.class_id, cef.name, cef.severity};
    buf_format(buf, "%u", cef.version);
    for (size_t i = 0; i < ARRAY_LEN(head); i++) {
        struct str plain = cef_text(arena, head[i]);
        buf_format(buf, "/%.*s", STR_ARG(plain));
    }
    struct str rest = cef.extension;
    while (cef_next(&rest, &key, &value)) {
        struct str plain = cef_text(arena, value);
        buf_format(buf, " [%.*s=%.*s]", STR_ARG(key), STR_ARG(plain));
    }
}

static const struct {
    const char *text;
    const char *want;
} rows[] = {
    {"CEF:0|Vendor|Firewall|1.0|100|worm stopped|10|src=192.0.2.1 dst=192.0.2.2 spt=1232",
     "0/Vendor/Firewall/1.0/100/worm stopped/10 [src=192.0.2.1] [dst=192.0.2.2] [spt=1232]"},
    {"CEF:1|a|b|c|d|e|High|", "1/a/b/c/d/e/High"},
    {"CEF:0|a|b|c|d|e|3", "0/a/b/c/d/e/3"},
    {"CEF:0|a\\|b|c\\\\|v|d|e f|3|", "0/a|b/c\\/v/d/e f/3"},
    {"CEF:0|a|b|c|d|e|3|msg=two words and more act=blocked a \\= b cs1Label=Rule Name cs1=x",
     "0/a/b/c/d/e/3 [msg=two words and more] [act=blocked a = b] [cs1Label=Rule Name] [cs1=x]"},
    {"CEF:0|a|b|c|d|e|3|msg=line\\nnext\\\\n path=C:\\\\dir\\\\x|y",
     "0/a/b/c/d/e/3 [msg=line\nnext\\n] [path=C:\\dir\\x|y]"},
    {"CEF:0|a|b|c|d|e|3|request=http://x/?a=b&c=d cs1=", "0/a/b/c/d/e/3 [request=http://x/?a=b&c=d] [cs1=]"},
    {"CEF:0|a|b|c|d|e|3|stray words src=1", "0/a/b/c/d/e/3 [src=1]"},
    {"CEF:0|a|b|c|d|e|3|ad.field[0]=x ad-x=y", "0/a/b/c/d/e/3 [ad.field[0]=x] [ad-x=y]"},
    {"CEF:0|a|b|c|d|e|3|  src=1   dst=2  ", "0/a/b/c/d/e/3 [src=1] [dst=2]"},
    {"CEF: 0|a|b|c|d|e|3|", "refused"},
    {"CEF:2|a|b|c|d|e|3|", "refused"},
    {"CEF:|a|b|c|d|e|3|", "refused"},
    {"CEF:x|a|b|c|d|e|3|", "refused"},
    {"CEF:0|a|b|c|d", "refused"},
    {"CEF:0|a|b|c|d|e\\|3", "refused"},
    {"CEF:0|a|b|c|d|e|a severity that is far too long|", "refused"},
    {"cef:0|a|b|c|d|e|3|", "refused"},
    {"x CEF:0|a|b|c|d|e|3|", "refused"},
    {"CEF:0", "refused"},
    {"", "refused"},
};

static void texts(void)
{
    struct arena *arena = arena_new(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[1024];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].text);
        show(&buf, arena, str_of(rows[i].text));
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    arena_free(arena);
}

static void finds(void)
{
    CHECK_INT(cef_find(STR("host CEF:0|a")), 5);
    CHECK_INT(cef_find(STR("CEF:0")), 0);
    CHECK_INT(cef_find(STR("CEF:")), 4);
    CHECK_INT(cef_find(STR("CEF:x")), 5);
    CHECK_INT(cef_find(STR("")), 0);
    struct arena *none = arena_new(0);
    CHECK(cef_text(none, STR("a\\=b")).p == NULL);
    arena_free(none);
}

static void cuts_and_flips(void)
{
    struct arena *arena = arena_new(1 << 20);
    struct str text = str_of(rows[4].text);
    uint64_t random = 1;
    for (size_t i = 0; i < 20000; i++) {
        char copy[256];
        char memory[1024];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        memcpy(copy, text.p, text.n);
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (i > text.n)
            copy[(random >> 33) % text.n] ^= (char)(1u << (random >> 60 & 7));
        show(&buf, arena, str_at(copy, i > text.n ? text.n : i));
        CHECK(!buf.overflow);
        arena_reset(arena);
    }
    arena_free(arena);
}

static const struct test tests[] = {{"texts", texts}, {"finds", finds}, {"cuts and flips", cuts_and_flips}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
