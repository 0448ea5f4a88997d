/* QR codes read back from their SVG by a reader of the test's own, after ISO/IEC 18004: function patterns, format,
 * mask, order of codewords, Reed-Solomon syndromes, the byte segment. It corrects nothing: what is printed is whole. */
#include "codec/qr.h"

#include "base/test.h"

#include <string.h>

#define WIDTH_MAX 177
#define QUIET     4
#define RAW_MAX   3706 /* codewords of version 40 */
#define FORMAT    0x5412u
#define FORMAT_G  0x537u /* generator of the format's BCH code */

/* Table 9: check codewords a block, and blocks, by version from 1. */
static const struct {
    uint8_t checks[40];
    uint8_t blocks[40];
} levels[2] = {
    /* L */
    {{7,  10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
      28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30},
     {1, 1, 1, 1,  1,  2,  2,  2,  2,  4,  4,  4,  4,  4,  6,  6,  6,  6,  7,  8,
      8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25}},
    /* M */
    {{10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
      26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28},
     {1,  1,  1,  2,  2,  4,  4,  4,  5,  5,  5,  8,  9,  9,  10, 10, 11, 13, 14, 16,
      17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49}},
};

struct code {
    unsigned width;
    unsigned version;
    unsigned level; /* row of `levels` */
    unsigned mask;
    bool dark[WIDTH_MAX][WIDTH_MAX]; /* row, column */
    bool fixed[WIDTH_MAX][WIDTH_MAX];
    uint8_t raw[RAW_MAX];
    size_t raw_count;
    uint8_t data[RAW_MAX];
    size_t data_count;
};

static struct code code;

/* ---- the SVG ---- */

static bool eat(struct str *rest, const char *text)
{
    bool is = str_starts(*rest, str_of(text));
    if (is)
        *rest = str_skip(*rest, strlen(text));
    return is;
}

static unsigned number(struct str *rest)
{
    unsigned value = 0;
    while (rest->n && char_is_digit(rest->p[0]) && value < 10000) {
        value = value * 10 + (unsigned)(rest->p[0] - '0');
        *rest = str_skip(*rest, 1);
    }
    return value;
}

static bool svg_read(struct str svg)
{
    struct str rest = svg;
    memset(&code, 0, sizeof code);
    bool good = eat(&rest, "<svg class=\"qr\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
    unsigned size = number(&rest);
    good = good && eat(&rest, " ") && number(&rest) == size;
    good = good && eat(&rest, "\" shape-rendering=\"crispEdges\"><rect width=\"") && number(&rest) == size;
    good = good && eat(&rest, "\" height=\"") && number(&rest) == size;
    good = good && eat(&rest, "\" fill=\"#fff\"/><path fill=\"#000\" d=\"");
    code.width = size - 2 * QUIET;
    good = good && size > 2 * QUIET && code.width >= 21 && code.width <= WIDTH_MAX && code.width % 4 == 1;
    while (good && eat(&rest, "M")) {
        unsigned x = number(&rest);
        good = eat(&rest, " ");
        unsigned y = number(&rest);
        good = good && eat(&rest, "h");
        unsigned n = number(&rest);
        good = good && eat(&rest, "v1h-") && number(&rest) == n && eat(&rest, "z") && n > 0;
        good = good && x >= QUIET && y >= QUIET && x + n <= size - QUIET && y < size - QUIET;
        for (unsigned i = 0; good && i < n; i++)
            code.dark[y - QUIET][x - QUIET + i] = true;
    }
    code.version = (code.width - 17) / 4;
    return good && str_is(rest, "\"/></svg>");
}

/* ---- patterns ---- */

static void fix(unsigned y, unsigned x, unsigned height, unsigned width)
{
    for (unsigned i = 0; i < height; i++)
        for (unsigned k = 0; k < width; k++)
            code.fixed[y + i][x + k] = true;
}

/* Rings of dark and light around a centre: 3 of a finder, 2 of an alignment pattern. */
static bool rings(unsigned y, unsigned x, unsigned radius)
{
    for (unsigned i = 0; i <= 2 * radius; i++)
        for (unsigned k = 0; k <= 2 * radius; k++) {
            unsigned dy = i > radius ? i - radius : radius - i;
            unsigned dx = k > radius ? k - radius : radius - k;
            unsigned ring = MAX(dy, dx);
            bool dark = radius == 3 ? ring != 2 : ring != 1;
            if (code.dark[y + i - radius][x + k - radius] != dark)
                return false;
        }
    return true;
}

static bool patterns(void)
{
    unsigned w = code.width;
    bool good = rings(3, 3, 3) && rings(3, w - 4, 3) && rings(w - 4, 3, 3);
    for (unsigned i = 8; i < w - 8; i++)
        good = good && code.dark[6][i] == (i % 2 == 0) && code.dark[i][6] == (i % 2 == 0);
    fix(0, 0, 9, 9);
    fix(0, w - 8, 9, 8);
    fix(w - 8, 0, 8, 9);
    good = good && code.dark[w - 8][8];
    fix(6, 0, 1, w);
    fix(0, 6, w, 1);
    if (code.version >= 7) {
        fix(0, w - 11, 6, 3);
        fix(w - 11, 0, 3, 6);
    }
    unsigned count = code.version / 7 + 2;
    unsigned step = code.version == 32 ? 26 : (code.version * 4 + count * 2 + 1) / (count * 2 - 2) * 2;
    for (unsigned i = 0; code.version > 1 && i < count; i++)
        for (unsigned k = 0; k < count; k++) {
            unsigned y = i == 0 ? 6 : w - 7 - (count - 1 - i) * step;
            unsigned x = k == 0 ? 6 : w - 7 - (count - 1 - k) * step;
            if ((i == 0 && k == 0) || (i == 0 && k == count - 1) || (i == count - 1 && k == 0))
                continue;
            good = good && rings(y, x, 2);
            fix(y - 2, x - 2, 5, 5);
        }
    return good;
}

/* Both copies of the format. */
static bool format_read(void)
{
    unsigned one = 0;
    unsigned two = 0;
    unsigned w = code.width;
    for (unsigned i = 0; i < 15; i++) {
        unsigned y = i < 6 ? i : i < 8 ? i + 1 : 8;
        unsigned x = i < 8 ? 8 : i == 8 ? 7 : 14 - i;
        one |= (unsigned)code.dark[y][x] << i;
        two |= (unsigned)(i < 8 ? code.dark[8][w - 1 - i] : code.dark[w - 15 + i][8]) << i;
    }
    unsigned bits = one ^ FORMAT;
    unsigned rest = bits;
    for (unsigned i = 14; i >= 10; i--)
        rest ^= rest >> i & 1 ? FORMAT_G << (i - 10) : 0;
    code.mask = bits >> 10 & 7;
    code.level = bits >> 13 & 1 ? 0 : 1; /* 01 is L, 00 is M */
    return one == two && rest == 0 && bits >> 14 == 0;
}

static bool masked(unsigned y, unsigned x)
{
    switch (code.mask) {
    case 0:
        return (y + x) % 2 == 0;
    case 1:
        return y % 2 == 0;
    case 2:
        return x % 3 == 0;
    case 3:
        return (y + x) % 3 == 0;
    case 4:
        return (y / 2 + x / 3) % 2 == 0;
    case 5:
        return y * x % 2 + y * x % 3 == 0;
    case 6:
        return (y * x % 2 + y * x % 3) % 2 == 0;
    default:
        return ((y + x) % 2 + y * x % 3) % 2 == 0;
    }
}

/* ---- codewords ---- */

/* Two columns at a time from the right, up and down; the timing column is passed over. */
static void raw_read(void)
{
    size_t bits = 0;
    bool up = true;
    for (int right = (int)code.width - 1; right > 0; right -= 2, up = !up) {
        right -= right == 6;
        for (unsigned i = 0; i < code.width; i++)
            for (int k = 0; k < 2; k++) {
                unsigned y = up ? code.width - 1 - i : i;
                unsigned x = (unsigned)(right - k);
                if (code.fixed[y][x] || bits / 8 == RAW_MAX)
                    continue;
                bool bit = code.dark[y][x] != masked(y, x);
                code.raw[bits / 8] = (uint8_t)(code.raw[bits / 8] | bit << (7 - bits % 8));
                bits++;
            }
    }
    code.raw_count = bits / 8;
}

static uint8_t times(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (int i = 7; i >= 0; i--) {
        product = product << 1 ^ (product & 0x80 ? 0x11d : 0);
        product ^= b >> i & 1 ? a : 0;
    }
    return (uint8_t)product;
}

/* All syndromes of the block are 0. */
static bool block_whole(const uint8_t *block, size_t n, size_t checks)
{
    uint8_t root = 1;
    for (size_t i = 0; i < checks; i++, root = times(root, 2)) {
        uint8_t sum = 0;
        for (size_t k = 0; k < n; k++)
            sum = times(sum, root) ^ block[k];
        if (sum != 0)
            return false;
    }
    return true;
}

/* Codewords stand interleaved over the blocks; the later blocks have one more of data. */
static bool blocks_read(void)
{
    size_t blocks = levels[code.level].blocks[code.version - 1];
    size_t checks = levels[code.level].checks[code.version - 1];
    size_t length = code.raw_count / blocks;
    size_t shorter = blocks - code.raw_count % blocks;
    size_t all_data = code.raw_count - blocks * checks;
    for (size_t b = 0; b < blocks; b++) {
        uint8_t block[256];
        size_t n = length + (b >= shorter);
        for (size_t i = 0; i < n; i++) {
            bool last = i == length - checks && b >= shorter;
            size_t at = i < length - checks ? i * blocks + b
                        : last              ? (length - checks) * blocks + b - shorter
                                            : all_data + (i - (n - checks)) * blocks + b;
            block[i] = code.raw[at];
        }
        if (!block_whole(block, n, checks))
            return false;
        memcpy(code.data + code.data_count, block, n - checks);
        code.data_count += n - checks;
    }
    return true;
}

static unsigned bits_take(size_t *at, unsigned count)
{
    unsigned value = 0;
    for (; count > 0; count--, ++*at)
        value = value << 1 | (code.data[*at / 8] >> (7 - *at % 8) & 1);
    return value;
}

/* One segment of bytes is all that is there. */
static bool code_read(struct buf *bytes)
{
    size_t at = 0;
    if (!patterns() || !format_read())
        return false;
    raw_read();
    if (!blocks_read() || bits_take(&at, 4) != 4)
        return false;
    size_t n = bits_take(&at, code.version < 10 ? 8 : 16);
    buf_clear(bytes);
    for (size_t i = 0; i < n && at / 8 + 1 < code.data_count; i++)
        buf_u8(bytes, (uint8_t)bits_take(&at, 8));
    return bytes->n == n;
}

/* ---- tests ---- */

static void fill(char *text, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = (char)(seed >> 24);
    }
}

static void reads_back(void)
{
    static const size_t lengths[] = {1,   2,   13,  14,  15,  26,  27,   62,   84,   106,  122,  180,
                                     213, 311, 415, 664, 997, 998, 1370, 1812, 2330, 2331, 2332, 2953};
    static char text[QR_BYTES_MAX];
    struct buf svg CLEANUP(buf_done);
    struct buf bytes CLEANUP(buf_done);
    buf_init(&svg, (size_t)4 << 20);
    buf_init(&bytes, QR_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        test_row("%zu bytes", lengths[i]);
        fill(text, lengths[i], (unsigned)i);
        buf_clear(&svg);
        CHECK_INT(qr_svg(str_at(text, lengths[i]), &svg, NULL), RC_OK);
        CHECK(svg_read(buf_view(&svg)) && code_read(&bytes));
        CHECK_STR(buf_view(&bytes), str_at(text, lengths[i]));
        CHECK_INT(code.level, lengths[i] <= 2331 ? 1 : 0);
    }
    test_row("-");
}

/* A checkpoint's text stays text, and a module that is wrong does not pass the reader: it can fail. */
static void reads_a_checkpoint(void)
{
    struct str note = STR("log.test/archive\n1234\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\n"
                          "\xe2\x80\x94 log.test/archive Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5\n");
    struct buf svg CLEANUP(buf_done);
    struct buf bytes CLEANUP(buf_done);
    buf_init(&svg, (size_t)1 << 20);
    buf_init(&bytes, QR_BYTES_MAX);
    CHECK_INT(qr_svg(note, &svg, NULL), RC_OK);
    CHECK(svg_read(buf_view(&svg)) && code_read(&bytes));
    CHECK_STR(buf_view(&bytes), note);
    for (unsigned at = 0; at < code.width; at++) {
        CHECK(svg_read(buf_view(&svg)));
        code.dark[code.width - 1 - at % 5][at] ^= true;
        CHECK(!code_read(&bytes) || code.fixed[code.width - 1 - at % 5][at]);
    }
}

static void refuses(void)
{
    static const char zeros[QR_BYTES_MAX + 1];
    struct buf svg CLEANUP(buf_done);
    struct buf small CLEANUP(buf_done);
    buf_init(&svg, (size_t)4 << 20);
    buf_init(&small, 1000);
    CHECK_INT(qr_svg(STR_NONE, &svg, NULL), RC_INVALID);
    CHECK_INT(qr_svg(str_at(zeros, sizeof zeros), &svg, NULL), RC_LIMIT);
    CHECK_INT(svg.n, 0);
    CHECK_INT(qr_svg(STR("text"), &small, NULL), RC_LIMIT);
}

static const struct test tests[] = {
    {"reads back", reads_back},
    {"reads a checkpoint", reads_a_checkpoint},
    {"refuses", refuses},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
