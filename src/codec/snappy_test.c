#include "codec/snappy.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

static const struct {
    struct str block;
    const char *want; /* NULL: refused */
} rows[] = {
    {STR_INIT("\0"), ""},
    {STR_INIT("\1\0a"), "a"},
    {STR_INIT("\4\14abcd"), "abcd"},
    {STR_INIT("\6\4ab\x01\2"), "ababab"},      /* copy 1: length 4, offset 2, over its own end */
    {STR_INIT("\5\4ab\x0a\2\0"), "ababa"},     /* copy 2: length 3, offset 2 */
    {STR_INIT("\5\4ab\x0b\1\0\0\0"), "abbbb"}, /* copy 4: length 3, offset 1 */
    {STR_INIT("\3\xf0\2abc"), "abc"},          /* a literal's length in a byte of its own */
    {STR_INIT("\3\xf4\2\0abc"), "abc"},        /* in two */
    {STR_INIT(""), NULL},
    {STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), NULL},
    {STR_INIT("\2\0a"), NULL},  /* shorter than it says */
    {STR_INIT("\1\4ab"), NULL}, /* longer */
    {STR_INIT("\4\14abc"), NULL},
    {STR_INIT("\6\4ab\x01"), NULL},
    {STR_INIT("\6\4ab\x01\0"), NULL}, /* an offset of nothing */
    {STR_INIT("\6\4ab\x01\3"), NULL}, /* before the beginning */
    {STR_INIT("\5\4ab\x0a\2"), NULL},
    {STR_INIT("\5\4ab\x0b\1\0\0"), NULL},
    {STR_INIT("\4\x01\1"), NULL},
    {STR_INIT("\3\xf0"), NULL},
    {STR_INIT("\3\xfc\xff\xff\xff\xff"
              "abc"),
     NULL},
};

static void blocks(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        buf_init(&out, 64);
        test_row("%zu", i);
        CHECK_INT(snappy_read(rows[i].block, &out), rows[i].want ? RC_OK : RC_INVALID);
        if (rows[i].want)
            CHECK_TEXT(buf_view(&out), rows[i].want);
        buf_done(&out);
    }
}

/* A few bytes that say they are a gigabyte: nothing is made of them. */
static void limited(void)
{
    struct buf out;
    uint64_t before = memory_allocations();
    buf_init(&out, 1000);
    CHECK_INT(snappy_read(STR("\x80\x80\x80\x80\x04\0a"), &out), RC_LIMIT);
    CHECK_INT(snappy_read(STR("\xe9\x07\0a"), &out), RC_LIMIT);
    CHECK_INT(memory_allocations(), before);
    buf_done(&out);
}

static const struct test tests[] = {
    {"blocks", blocks},
    {"limited", limited},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
