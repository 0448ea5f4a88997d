#include "wire/sldc.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

/* Written by hand: bits in groups, blanks between them; zeros up to a whole byte. */
static struct str bits(const char *text, char *bytes, size_t size)
{
    size_t n = 0;
    memset(bytes, 0, size);
    for (; *text; text++) {
        if (*text != '0' && *text != '1')
            continue;
        CHECK(n / 8 < size);
        if (*text == '1')
            bytes[n / 8] = (char)(bytes[n / 8] | 1 << (7 - n % 8));
        n++;
    }
    return str_at(bytes, (n + 7) / 8);
}

#define RESET1  "111111111 0101 "
#define RESET2  "111111111 0110 "
#define SCHEME1 "111111111 0001 "
#define SCHEME2 "111111111 0010 "
#define FLUSH   "111111111 0000 "
#define MARK    "111111111 0011 "
#define END     "111111111 0100 "
#define LAST    "111111111 1111 "
#define A       "01100001 "
#define B       "01100010 "
#define FF      "11111111 0 "

static const struct {
    const char *bits;
    const char *want; /* NULL: refused */
} rows[] = {
    {RESET1 END, ""},
    {RESET2 END, ""},
    {RESET2 A B END "000000000000000000000000", "ab"}, /* 42 bits, and more zeros than are needed */
    {RESET1 "0 " A "0 " B END "00000000000000000000", "ab"},
    {RESET1 "0 " A "1 0 0 0000000000 " END, "aaa"}, /* a copy of two that laps over itself */
    {RESET1 "0 " A "1 0 1 0000000000 " END, "aaaa"},
    {RESET1 "0 " A "1 10 00 0000000000 " END, "aaaaa"},
    {RESET1 "0 " A "1 110 000 0000000000 " END "00", "aaaaaaaaa"},
    {RESET1 "0 " A "1 1110 0000 0000000000 " END, "aaaaaaaaaaaaaaaaa"},
    {RESET1 "0 " A "1 1111 00000000 0000000000 " END, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {RESET2 A SCHEME1 "1 0 0 0000000000 " SCHEME2 B END, "aaab"}, /* one ring for both */
    {RESET2 FF B END, "\xff"
                      "b"},
    {RESET2 A END "00000 00000000 00000000 00000000", "a"}, /* Windows: the length of the text, or nothing */
    {RESET2 A END "00000 00000001 00000000 00000000 00000000", "a"},
    {RESET2 A FLUSH "000000000000000000000000000000 " B END, "ab"},
    {RESET2 A END "000000000000000000000000000000 " RESET2 B B B B B B B B END, "abbbbbbbb"}, /* two records */
    {RESET2 A LAST, "a"},
    {"", NULL},
    {"00000000", NULL}, /* no scheme yet */
    {"11111111", NULL},
    {A B, NULL},
    {SCHEME1 "000", NULL},
    {RESET2 A "000", NULL}, /* no end */
    {RESET1 "0 " A "00", NULL},
    {RESET1 "1 0 0 0000 0000000", NULL},                     /* cut in a place, no end */
    {RESET1 "0 " A "1 1111 11110000 0000000000 " END, NULL}, /* a length that there is not */
    {RESET2 MARK "000000", NULL},
    {RESET2 "111111111 0111 000000", NULL},
    {RESET2 "111111111 1000 000000", NULL},
    {RESET2 FLUSH "100000" A END, NULL},
    {RESET2 A END "00000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000",
     NULL},
};

static void streams(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char bytes[64];
        struct buf out;
        buf_init(&out, 64);
        test_row("%zu", i);
        CHECK_INT(sldc_read(bits(rows[i].bits, bytes, sizeof bytes), &out), rows[i].want ? RC_OK : RC_INVALID);
        if (rows[i].want)
            CHECK_TEXT(buf_view(&out), rows[i].want);
        buf_done(&out);
    }
}

/* All of the ring, more than once: 3,000 bytes in scheme 2, a copy of what was written last, its bits moved by one. */
static void ring(void)
{
    struct buf in;
    struct buf out;
    unsigned have = 13;
    uint64_t word = 0x1ff6;
    buf_init(&in, 8192);
    buf_init(&out, 8192);
    for (unsigned i = 0; i < 3000; i++) {
        word = word << 8 | (unsigned char)('a' + i % 23);
        have += 8;
        for (; have >= 8; have -= 8)
            buf_char(&in, (char)(word >> (have - 8)));
        word &= (1u << have) - 1;
    }
    /* scheme 1; copy: length 271, place 951 = 3000 - 1 - 1024 * 2 */
    const struct {
        uint32_t value;
        unsigned count;
    } tail[] = {{0x1ff1, 13}, {1, 1}, {15, 4}, {239, 8}, {951, 10}, {0x1ff4, 13}, {0, 7}};
    for (size_t i = 0; i < ARRAY_LEN(tail); i++) {
        word = word << tail[i].count | tail[i].value;
        have += tail[i].count;
        for (; have >= 8; have -= 8)
            buf_char(&in, (char)(word >> (have - 8)));
        word &= (1u << have) - 1;
    }
    buf_char(&in, (char)(word << (8 - have)));
    CHECK_INT(sldc_read(buf_view(&in), &out), RC_OK);
    CHECK_INT(out.n, 3271);
    for (unsigned i = 0; i < 3000 && i < out.n; i++)
        CHECK(out.p[i] == 'a' + (char)(i % 23));
    CHECK(out.n > 3002 && out.p[3000] == out.p[2999] &&
          out.p[3001] == out.p[2999]);      /* the place is being overwritten */
    for (size_t n = 0; n + 3 < in.n; n++) { /* every truncation but those of the zeros behind the end */
        buf_clear(&out);
        test_row("%zu", n);
        CHECK_INT(sldc_read(str_slice(buf_view(&in), 0, n), &out), RC_INVALID);
    }
    buf_done(&out);
    buf_init(&out, 3270);
    CHECK_INT(sldc_read(buf_view(&in), &out), RC_LIMIT);
    buf_done(&out);
    buf_done(&in);
}

static void plain(void)
{
    char bytes[64];
    CHECK(sldc_is_plain(STR("<s")) && sldc_is_plain(STR("\xff\xfe<\0")) && sldc_is_plain(STR("\xfe\xff")));
    CHECK(sldc_is_plain(STR("\xef\xbb\xbf<")));
    CHECK(!sldc_is_plain(STR("")) && !sldc_is_plain(bits(RESET1 END, bytes, sizeof bytes)));
    CHECK(!sldc_is_plain(bits(RESET2 END, bytes, sizeof bytes)));
}

static const struct test tests[] = {
    {"streams", streams},
    {"ring", ring},
    {"plain", plain},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
