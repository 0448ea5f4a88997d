#include "codec/base32.h"

#include "base/test.h"

#include <string.h>

#define TWENTY "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* the secret of RFC 4226 Appendix D, as a phone is given it */

static void writes(void)
{
    static const struct {
        const char *bytes;
        unsigned group;
        const char *want;
    } rows[] = {
        {"", 0, ""},
        {"", 4, ""},
        /* RFC 4648 section 10, without padding */
        {"f", 0, "MY"},
        {"fo", 0, "MZXQ"},
        {"foo", 0, "MZXW6"},
        {"foob", 0, "MZXW6YQ"},
        {"fooba", 0, "MZXW6YTB"},
        {"foobar", 0, "MZXW6YTBOI"},
        {"foobar", 4, "MZXW 6YTB OI"},
        {"fooba", 4, "MZXW 6YTB"},
        {"12345678901234567890", 0, TWENTY},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char storage[64];
        struct buf out;
        test_row("%s in %u", rows[i].bytes, rows[i].group);
        buf_init_fixed(&out, storage, sizeof storage);
        base32_write(&out, rows[i].bytes, strlen(rows[i].bytes), rows[i].group);
        CHECK_TEXT(buf_view(&out), rows[i].want);
    }
}

static void reads(void)
{
    static const struct {
        const char *text;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"", ""},
        {"MY", "f"},
        {"MY======", "f"},
        {"my", "f"},
        {"MZXQ", "fo"},
        {"MZXW6YTBOI", "foobar"},
        {" mzxw-6ytb-oi ", "foobar"},
        {"MZXW 6YTB  OI==", "foobar"},
        {TWENTY, "12345678901234567890"},
        {"M", NULL},             /* five bits are no byte */
        {"MZX", NULL},           /* nor are fifteen two, with a sign to spare */
        {"MZXW6Y", NULL},        /* thirty */
        {"MZ", NULL},            /* bits of nothing are set */
        {"MZXR", NULL},          /* the same */
        {"MZXW7", NULL},         /* the same */
        {"M0", NULL},            /* no sign: looks like O */
        {"M1", NULL},            /* no sign: looks like I */
        {"M8", NULL},            /* no sign: looks like B */
        {"M9", NULL},            /* no sign */
        {"MY==MY", NULL},        /* an end in the middle */
        {"M,Y", NULL},           /* no sign */
        {"M\tY", NULL},          /* no blank */
        {"\xd0\x9cY", NULL},     /* a letter that looks like M */
        {TWENTY "ME", NULL},     /* a byte too long for what there is room for */
        {TWENTY TWENTY, NULL},   /* far too long */
        {"MZXW6YTBOI\n.", NULL}, /* something behind it */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t bytes[20];
        size_t n = 0;
        test_row("\"%s\"", rows[i].text);
        bool good = base32_read(str_of(rows[i].text), bytes, sizeof bytes, &n);
        if (CHECK_INT(good, rows[i].want != NULL) && good)
            CHECK_TEXT(str_at(bytes, n), rows[i].want);
    }
}

/* Every beginning is read as the bytes that are whole in it, or refused. */
static void truncated(void)
{
    struct str text = STR(TWENTY);
    for (size_t n = 0; n < text.n; n++) {
        uint8_t bytes[20];
        size_t got = 0;
        test_row("%zu signs", n);
        if (!base32_read(str_slice(text, 0, n), bytes, sizeof bytes, &got))
            continue;
        CHECK_INT(got, n * 5 / 8);
        CHECK(memcmp(bytes, "12345678901234567890", got) == 0);
    }
}

static const struct test tests[] = {
    {"writes", writes},
    {"reads, and refuses what is none", reads},
    {"every beginning", truncated},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
