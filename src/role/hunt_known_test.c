/* What is known of lists: written it reads the same, each number is found and no other; cut, unsorted and foreign bytes
 * do not read. */
#include "role/hunt_known.h"

#include "base/bytes.h"
#include "base/test.h"

static const uint64_t key[2] = {7, UINT64_MAX};

static void numbers_are_found(void)
{
    uint64_t marks[] = {9, 3, UINT64_MAX, 3, 0, 9, 9, 4};
    static const uint64_t sorted[] = {0, 3, 4, 9, UINT64_MAX};
    struct hunt_known known;
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 4096);
    hunt_known_write(key, marks, ARRAY_LEN(marks), &out);
    CHECK_INT(out.n, HUNT_KNOWN_HEAD + 8 * ARRAY_LEN(sorted));
    if (!CHECK(hunt_known_read(buf_view(&out), &known)) || !CHECK_INT(known.count, ARRAY_LEN(sorted)))
        return;
    CHECK(known.key[0] == 7 && known.key[1] == UINT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
        CHECK(hunt_known_at(&known, i) == sorted[i]);
        CHECK(hunt_known_has(&known, sorted[i]));
    }
    for (uint64_t other = 5; other < 9; other++)
        CHECK(!hunt_known_has(&known, other));
    CHECK(!hunt_known_has(&known, 1) && !hunt_known_has(&known, UINT64_MAX - 1));
}

/* doc/format/hunt-known.md: these bytes read for ever. */
static void the_golden_bytes(void)
{
    static const char golden[] = "QIKN\0\0\0\1\0\0\0\0\0\0\0\7\377\377\377\377\377\377\377\377\0\0\0\0\0\0\0\2"
                                 "\0\0\0\0\0\0\0\3\0\0\0\0\0\0\1\0";
    uint64_t marks[] = {256, 3};
    struct hunt_known known;
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 4096);
    CHECK(hunt_known_read(str_at(golden, sizeof golden - 1), &known) && known.count == 2);
    CHECK(known.key[0] == 7 && known.key[1] == UINT64_MAX && hunt_known_has(&known, 3) && hunt_known_has(&known, 256));
    hunt_known_write(key, marks, 2, &out);
    CHECK(str_eq(buf_view(&out), str_at(golden, sizeof golden - 1)));
}

static void nothing_is_known(void)
{
    struct hunt_known known = {.count = 0};
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 4096);
    CHECK(!hunt_known_has(&known, 0));
    hunt_known_write(key, NULL, 0, &out);
    CHECK(hunt_known_read(buf_view(&out), &known) && known.count == 0 && !hunt_known_has(&known, 7));
}

static void others_do_not_read(void)
{
    uint64_t marks[] = {1, 2, 3};
    struct hunt_known known;
    struct buf out CLEANUP(buf_done) = {0};
    buf_init(&out, 4096);
    hunt_known_write(key, marks, ARRAY_LEN(marks), &out);
    for (size_t n = 0; n < out.n; n++)
        CHECK(!hunt_known_read(str_slice(buf_view(&out), 0, n), &known));
    for (size_t i = 0; i < 8; i++) { /* magic and version */
        test_row("byte %d", (int)i);
        out.p[i] ^= 1;
        CHECK(!hunt_known_read(buf_view(&out), &known));
        out.p[i] ^= 1;
    }
    static const uint64_t counts[] = {0, 2, 4, DESK_LISTS_KNOWN + 1, UINT64_MAX, UINT64_C(1) << 61 | 3};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        test_row("count %d", (int)i);
        put_be64(out.p + 24, counts[i]);
        CHECK(!hunt_known_read(buf_view(&out), &known));
    }
    put_be64(out.p + 24, 3);
    static const uint64_t middles[] = {0, 1, 3, 4};
    for (size_t i = 0; i < ARRAY_LEN(middles); i++) {
        test_row("middle %d", (int)i);
        put_be64(out.p + HUNT_KNOWN_HEAD + 8, middles[i]);
        CHECK(!hunt_known_read(buf_view(&out), &known));
    }
    put_be64(out.p + HUNT_KNOWN_HEAD + 8, 2);
    CHECK(hunt_known_read(buf_view(&out), &known));
    buf_char(&out, 'x');
    CHECK(!hunt_known_read(buf_view(&out), &known));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"each number is found, and no other", numbers_are_found},
        {"the golden bytes", the_golden_bytes},
        {"a set of nothing", nothing_is_known},
        {"cut, unsorted and foreign bytes do not read", others_do_not_read},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
