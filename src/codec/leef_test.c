#include "codec/leef.h"

#include "base/buf.h"
#include "base/test.h"

#include <string.h>

static void show(struct buf *buf, struct str text)
{
    struct leef leef;
    struct str key;
    struct str value;
    if (!leef_parse(text, &leef)) {
        buf_text(buf, "refused");
        return;
    }
    buf_format(buf, "%u/%.*s/%.*s/%.*s/%.*s", leef.version, STR_ARG(leef.vendor), STR_ARG(leef.product),
               STR_ARG(leef.product_version), STR_ARG(leef.event_id));
    struct str rest = leef.attributes;
    while (leef_next(&rest, leef.delimiter, &key, &value))
        buf_format(buf, " [%.*s=%.*s]", STR_ARG(key), STR_ARG(value));
}

static const struct {
    const char *text;
    const char *want;
} rows[] = {
    {"LEEF:1.0|V|P|4.0|100|src=192.0.2.1\tmsg=two words = x\tusrName=ann\n",
     "1/V/P/4.0/100 [src=192.0.2.1] [msg=two words = x] [usrName=ann]"},
    {"LEEF:2.0|V|P|4.0|100|^|src=1^dst=2^stray^=x^e=", "2/V/P/4.0/100 [src=1] [dst=2] [e=]"},
    {"LEEF:2.0|V|P|4.0|100|0x5E|src=1^dst=2", "2/V/P/4.0/100 [src=1] [dst=2]"},
    {"LEEF:2.0|V|P|4.0|100|x7c|src=1|dst=2", "2/V/P/4.0/100 [src=1] [dst=2]"},
    {"LEEF:2.0|V|P|4.0|100|0x15e|src=1^dst=2", "2/V/P/4.0/100 [0x15e|src=1^dst=2]"},
    {"LEEF:2.0|V|P|4.0|100|\\t|src=1\tdst=2", "2/V/P/4.0/100 [src=1] [dst=2]"},
    {"LEEF:2.0|V|P|4.0|100||src=1\tdst=2", "2/V/P/4.0/100 [src=1] [dst=2]"},
    {"LEEF:2.0|V|P|4.0|100|src=1\tdst=2", "2/V/P/4.0/100 [src=1] [dst=2]"},
    {"LEEF:2.0|V|P|4.0|100|src=1\tdst=a|b", "2/V/P/4.0/100 [src=1] [dst=a|b]"},
    {"LEEF:1.0|V|P|4.0|100|", "1/V/P/4.0/100"},
    {"LEEF:1.0||||100|a=b", "1////100 [a=b]"},
    {"LEEF:3.0|V|P|4.0|100|a=b", "refused"},
    {"LEEF:1.5|V|P|4.0|100|a=b", "refused"},
    {"LEEF:|V|P|4.0|100|a=b", "refused"},
    {"LEEF:1.0|V|P|4.0|100", "refused"},
    {"LEEF:1.0", "refused"},
    {"leef:1.0|V|P|4.0|100|", "refused"},
    {"", "refused"},
};

static void texts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[1024];
        struct buf buf;
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].text);
        show(&buf, str_of(rows[i].text));
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    CHECK_INT(leef_find(STR("host LEEF:1.0|a")), 5);
    CHECK_INT(leef_find(STR("LEEF:x")), 6);
}

static void cuts_and_flips(void)
{
    struct str text = str_of(rows[2].text);
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
        show(&buf, str_at(copy, i > text.n ? text.n : i));
        CHECK(!buf.overflow);
    }
}

static const struct test tests[] = {{"texts", texts}, {"cuts and flips", cuts_and_flips}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
