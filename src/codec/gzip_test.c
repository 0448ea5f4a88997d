#include "codec/gzip.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>
#include <zlib.h>

/* Deflates with gzip's or zlib's own frame. */
static size_t pack(struct str text, bool gzip, char *ret_bytes, size_t size)
{
    z_stream stream = {0};
    if (!CHECK_INT(deflateInit2(&stream, 9, Z_DEFLATED, gzip ? 16 + 15 : 15, 8, Z_DEFAULT_STRATEGY), Z_OK))
        return 0;
    stream.next_in = (z_const Bytef *)(uintptr_t)text.p;
    stream.avail_in = (uInt)text.n;
    stream.next_out = (Bytef *)ret_bytes;
    stream.avail_out = (uInt)size;
    CHECK_INT(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return size - stream.avail_out;
}

static enum rc unpack(struct str bytes, size_t cut, struct buf *out, bool *ret_whole)
{
    struct gunzip *gunzip = gunzip_new();
    buf_clear(out);
    if (!CHECK(gunzip != NULL))
        return RC_LIMIT;
    enum rc rc = gunzip_add(gunzip, str_slice(bytes, 0, cut), out);
    if (rc == RC_OK)
        rc = gunzip_add(gunzip, str_skip(bytes, cut), out);
    *ret_whole = gunzip_whole(gunzip);
    gunzip_free(gunzip);
    return rc;
}

static void every_split(void)
{
    static const char *const texts[] = {"", "a", "the same again and the same again and the same again"};
    struct buf out;
    buf_init(&out, 1024);
    for (size_t i = 0; i < 2 * ARRAY_LEN(texts); i++) {
        char bytes[256];
        bool whole = false;
        size_t n = pack(str_of(texts[i / 2]), i % 2 == 0, bytes, sizeof bytes);
        for (size_t cut = 0; cut <= n; cut++) {
            test_row("%zu cut at %zu", i, cut);
            CHECK_INT(unpack(str_at(bytes, n), cut, &out, &whole), RC_OK);
            CHECK(whole);
            if (!CHECK_TEXT(buf_view(&out), texts[i / 2]))
                return;
        }
        for (size_t short_n = 0; short_n < n; short_n++) {
            test_row("%zu ends at %zu", i, short_n);
            CHECK_INT(unpack(str_at(bytes, short_n), 0, &out, &whole), RC_OK);
            CHECK(!whole);
        }
    }
    buf_done(&out);
}

/* No flipped bit passes as another text. */
static void every_flip(void)
{
    struct buf out;
    char bytes[256];
    size_t n = pack(STR("the same again and the same again"), true, bytes, sizeof bytes);
    buf_init(&out, 1024);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bool whole = false;
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        test_row("bit %zu", bit);
        enum rc rc = unpack(str_at(bytes, n), n, &out, &whole);
        CHECK(rc != RC_OK || !whole || str_is(buf_view(&out), "the same again and the same again"));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    buf_done(&out);
}

static void members_are_one_text(void)
{
    char bytes[256];
    struct buf out;
    bool whole = false;
    size_t n = pack(STR("one "), true, bytes, sizeof bytes);
    n += pack(STR("two"), true, bytes + n, sizeof bytes - n);
    buf_init(&out, 1024);
    for (size_t cut = 0; cut <= n; cut++) {
        CHECK_INT(unpack(str_at(bytes, n), cut, &out, &whole), RC_OK);
        CHECK(whole);
        CHECK_TEXT(buf_view(&out), "one two");
    }
    bytes[n] = 'x';
    CHECK_INT(unpack(str_at(bytes, n + 1), 0, &out, &whole), RC_OK);
    CHECK(!whole);
    memcpy(bytes + n, "xyz", 3);
    CHECK_INT(unpack(str_at(bytes, n + 3), 0, &out, &whole), RC_INVALID);
    buf_done(&out);
}

/* A megabyte of zeroes in a kilobyte: no more than the limit is made of it. */
static void limited(void)
{
    static char zeroes[1 << 20];
    char bytes[4096];
    size_t n = pack(str_at(zeroes, sizeof zeroes), true, bytes, sizeof bytes);
    const struct {
        size_t limit;
        enum rc want;
    } rows[] = {{0, RC_LIMIT}, {1, RC_LIMIT}, {sizeof zeroes - 1, RC_LIMIT}, {sizeof zeroes, RC_OK}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        bool whole = false;
        buf_init(&out, rows[i].limit);
        test_row("%zu", i);
        CHECK_INT(unpack(str_at(bytes, n), 7, &out, &whole), rows[i].want);
        CHECK(out.n <= rows[i].limit && whole == (rows[i].want == RC_OK));
        buf_done(&out);
    }
}

static const struct test tests[] = {
    {"every split", every_split},
    {"every flip", every_flip},
    {"members are one text", members_are_one_text},
    {"limited", limited},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
