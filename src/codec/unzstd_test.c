#include "codec/unzstd.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"

#include <string.h>
#include <zstd.h>

struct form {
    int level;
    int checksum;
    int window_log;
};

static size_t pack_as(struct str text, struct form form, char *ret_bytes, size_t size)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t n = 0;
    if (!CHECK(context != NULL))
        return 0;
    CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, form.level)));
    CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, form.checksum)));
    if (form.window_log) { /* written as a stream of unknown length, so that the frame names its window */
        ZSTD_inBuffer in = {text.p, text.n, 0};
        ZSTD_outBuffer out = {ret_bytes, size, 0};
        CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, form.window_log)));
        CHECK_INT(ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue) == 0 || in.pos == in.size, 1);
        CHECK_INT(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0);
        n = out.pos;
    } else {
        n = ZSTD_compress2(context, ret_bytes, size, text.p, text.n);
    }
    ZSTD_freeCCtx(context);
    return CHECK(!ZSTD_isError(n)) ? n : 0;
}

static size_t pack(struct str text, char *ret_bytes, size_t size)
{
    return pack_as(text, (struct form){3, 1, 0}, ret_bytes, size);
}

static enum rc unpack(struct str bytes, size_t cut, struct buf *out, bool *ret_whole)
{
    struct unzstd *unzstd = unzstd_new();
    struct str first = str_slice(bytes, 0, cut);
    struct str second = str_skip(bytes, cut);
    buf_clear(out);
    if (!CHECK(unzstd != NULL))
        return RC_LIMIT;
    enum rc rc = unzstd_next(unzstd, &first, out);
    CHECK(rc != RC_OK || first.n == 0);
    if (rc == RC_OK)
        rc = unzstd_next(unzstd, &second, out);
    *ret_whole = unzstd_whole(unzstd);
    unzstd_free(unzstd);
    return rc;
}

static void every_split_and_truncation(void)
{
    static const char *const texts[] = {"", "a", "the same again and the same again and the same again"};
    static const struct form forms[] = {{3, 1, 0}, {3, 0, 0}, {19, 1, 0}, {1, 1, 10}, {1, 1, 23}};
    struct buf out;
    buf_init(&out, 1024);
    for (size_t i = 0; i < ARRAY_LEN(texts) * ARRAY_LEN(forms); i++) {
        char bytes[256];
        bool whole = false;
        const char *text = texts[i % ARRAY_LEN(texts)];
        size_t n = pack_as(str_of(text), forms[i / ARRAY_LEN(texts)], bytes, sizeof bytes);
        for (size_t cut = 0; cut <= n; cut++) {
            test_row("%zu cut at %zu", i, cut);
            CHECK_INT(unpack(str_at(bytes, n), cut, &out, &whole), RC_OK);
            CHECK(whole);
            if (!CHECK_TEXT(buf_view(&out), text))
                return;
        }
        for (size_t short_n = 0; short_n < n; short_n++) {
            test_row("%zu ends at %zu", i, short_n);
            CHECK_INT(unpack(str_at(bytes, short_n), short_n / 2, &out, &whole), RC_OK);
            CHECK(!whole);
        }
    }
    buf_done(&out);
}

/* With its sum no flipped bit passes as another text. */
static void every_flip(void)
{
    struct buf out;
    char bytes[256];
    size_t n = pack(STR("the same again and the same again"), bytes, sizeof bytes);
    buf_init(&out, 1024);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bool whole = false;
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        test_row("bit %zu", bit);
        enum rc rc = unpack(str_at(bytes, n), n, &out, &whole);
        CHECK(rc != RC_OK || !whole || out.n == 0 || str_is(buf_view(&out), "the same again and the same again"));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    buf_done(&out);
}

static void frames_are_one_text(void)
{
    char bytes[256];
    struct buf out;
    bool whole = false;
    size_t n = pack(STR("one "), bytes, sizeof bytes);
    memcpy(bytes + n, "\x5a\x2a\x4d\x18\x03\0\0\0abc", 11); /* a skippable one: RFC 8878, 3.1.2 */
    n += 11;
    n += pack(STR("two"), bytes + n, sizeof bytes - n);
    buf_init(&out, 1024);
    for (size_t cut = 0; cut <= n; cut++) {
        test_row("cut at %zu", cut);
        CHECK_INT(unpack(str_at(bytes, n), cut, &out, &whole), RC_OK);
        CHECK(whole);
        CHECK_TEXT(buf_view(&out), "one two");
    }
    bytes[n] = 0x28;
    CHECK_INT(unpack(str_at(bytes, n + 1), 0, &out, &whole), RC_OK);
    CHECK(!whole);
    bytes[n] = 'x';
    CHECK_INT(unpack(str_at(bytes, n + 1), 0, &out, &whole), RC_INVALID);
    CHECK(!whole);
    buf_done(&out);
}

static void refused(void)
{
    static char text[1 << 10];
    char bytes[4096];
    struct buf out;
    bool whole = false;
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"x", 1},
        {"\x1f\x8b\x08", 3},     /* gzip */
        {"\x25\xb5\x2f\xfd", 4}, /* zstd before its RFC */
        {"\x28\xb5\x2f\xfe", 4},
        {"\x28\xb5\x2f\xfd\x08", 5}, /* the reserved bit of the frame's head */
        {"\x50\x2a\x4d\x19", 4},
    };
    buf_init(&out, 1024);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char more[64] = {0};
        memcpy(more, rows[i].bytes, rows[i].n);
        test_row("%zu", i);
        CHECK_INT(unpack(str_at(more, sizeof more), 1, &out, &whole), RC_INVALID);
        CHECK(!whole && out.n == 0);
    }
    size_t n = pack_as(str_at(text, sizeof text), (struct form){1, 1, 24}, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= n; cut++)
        CHECK_INT(unpack(str_at(bytes, n), cut, &out, &whole), RC_LIMIT); /* its window */
    /* The same of a frame that says how long it is: whole or in pieces makes no difference. */
    static const char sized[] = "\x28\xb5\x2f\xfd\x40\xa8\x00\x00\x03\x08\x00x";
    for (size_t cut = 0; cut < sizeof sized; cut++)
        CHECK_INT(unpack(str_at(sized, sizeof sized - 1), cut, &out, &whole), RC_LIMIT);
    n = pack_as(str_at(text, sizeof text), (struct form){1, 1, 23}, bytes, sizeof bytes);
    CHECK_INT(unpack(str_at(bytes, n), n, &out, &whole), RC_OK);
    CHECK(whole && out.n == sizeof text);
    buf_done(&out);
}

/* A megabyte of zeroes in a few bytes: no more than the limit is made of it at a time, and the rest comes after. */
static void limited(void)
{
    static char zeroes[1 << 20];
    char bytes[4096];
    size_t n = pack(str_at(zeroes, sizeof zeroes), bytes, sizeof bytes);
    static const size_t limits[] = {1, 1000, 65536, sizeof zeroes - 1, sizeof zeroes};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct buf out;
        struct unzstd *unzstd = unzstd_new();
        struct str rest = str_at(bytes, n);
        size_t made = 0;
        buf_init(&out, limits[i]);
        test_row("%zu", limits[i]);
        enum rc rc = unzstd_next(unzstd, &rest, &out);
        CHECK_INT(rc, limits[i] < sizeof zeroes ? RC_AGAIN : RC_OK);
        while (rc == RC_AGAIN && out.n == limits[i]) {
            CHECK(!unzstd_whole(unzstd));
            made += out.n;
            buf_clear(&out);
            rc = unzstd_next(unzstd, &rest, &out);
        }
        CHECK_INT(rc, RC_OK);
        CHECK(unzstd_whole(unzstd));
        CHECK_INT(made + out.n, sizeof zeroes);
        CHECK(unzstd_held(unzstd) > 0 && unzstd_held(unzstd) < ((size_t)9 << 20));
        unzstd_free(unzstd);
        buf_done(&out);
    }
}

static void without_room(void)
{
    char bytes[64];
    struct buf out;
    bool whole = true;
    size_t n = pack(STR("text"), bytes, sizeof bytes);
    buf_init(&out, 0);
    CHECK_INT(unpack(str_at(bytes, n), 0, &out, &whole), RC_AGAIN);
    CHECK(!whole);
    n = pack(STR(""), bytes, sizeof bytes);
    CHECK_INT(unpack(str_at(bytes, n), 3, &out, &whole), RC_OK);
    CHECK(whole);
    CHECK_INT(unzstd_held(NULL), 0);
    unzstd_free(NULL);
    buf_done(&out);
}

static const struct test tests[] = {
    {"every split and truncation", every_split_and_truncation},
    {"every flip", every_flip},
    {"frames are one text", frames_are_one_text},
    {"refused", refused},
    {"limited", limited},
    {"without room", without_room},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
