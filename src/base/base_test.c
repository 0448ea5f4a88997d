#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/str.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

static void slices(void)
{
    struct str rest = STR("a,b,,c");
    const char *want[] = {"a", "b", "", "c"};
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        CHECK_TEXT(str_cut(&rest, ','), want[i]);
    CHECK(rest.p == NULL);
    CHECK_TEXT(str_trim(STR(" \t x y \r\n")), "x y");
    CHECK_INT(str_search(STR("hello"), STR("ll")), 2);
    CHECK_INT(str_search(STR("hello"), STR("lz")), 5);
    CHECK(str_eq_nocase(STR("AbC"), STR("aBc")));
    CHECK(!str_eq_nocase(STR("AbC"), STR("aBd")));
    CHECK(str_compare(STR("ab"), STR("abc")) < 0);
}

static void numbers_in_text(void)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value = 0;
        test_row("%s", rows[i].text);
        CHECK_INT(str_to_u64(str_of(rows[i].text), &value), rows[i].ok);
        if (rows[i].ok)
            CHECK(value == rows[i].value);
    }
    int64_t i = 0;
    CHECK(str_to_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    CHECK(!str_to_i64(STR("9223372036854775808"), &i));
    double d = 0;
    CHECK(str_to_double(STR("-2.5e3"), &d) && d == -2500);
    CHECK(!str_to_double(STR("nan"), &d));
    CHECK(!str_to_double(STR("1x"), &d));
}

static void arena_has_a_limit(void)
{
    struct arena *arena = arena_new(100000);
    CHECK(arena_alloc(arena, 90000) != NULL);
    struct arena_mark mark = arena_mark(arena);
    CHECK(arena_alloc(arena, 9000) != NULL);
    CHECK(arena_alloc(arena, 9000) == NULL);
    arena_rewind(arena, mark);
    CHECK(arena_alloc(arena, 9000) != NULL);
    CHECK(arena_alloc_array(arena, SIZE_MAX / 2, 3) == NULL);
    arena_reset(arena);
    CHECK_INT(arena_used(arena), 0);
    arena_free(arena);
}

/* Every length is hashed whole: a change of any byte changes the hash, and so does the seed. */
static void hashes_every_byte(void)
{
    char text[140];
    for (size_t n = 1; n < sizeof text; n++) {
        memset(text, 'a', n);
        uint64_t whole = hash_text(1, str_at(text, n));
        CHECK(whole != hash_text(2, str_at(text, n)));
        CHECK(whole != hash_text(1, str_at(text, n - 1)));
        for (size_t i = 0; i < n; i++) {
            text[i] = 'b';
            test_row("length %zu byte %zu", n, i);
            CHECK(whole != hash_text(1, str_at(text, n)));
            text[i] = 'a';
        }
    }
}

/* Allocations of the system that a batch of `count` times 1000 bytes costs. */
static uint64_t batch_costs(struct arena *arena, size_t count)
{
    uint64_t before = memory_allocations();
    arena_reset(arena);
    for (size_t i = 0; i < count; i++) {
        char *p = arena_alloc(arena, 1000);
        CHECK(p != NULL && p[0] == 0 && p[999] == 0);
        memset(p, 0xff, 1000);
    }
    CHECK_INT(arena_used(arena), count * 1008);
    return memory_allocations() - before;
}

static void arena_keeps_what_a_batch_needs(void)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    uint64_t first = batch_costs(arena, 2000);
    CHECK(first > 5);
    bool kept = batch_costs(arena, 2000) == 0; /* not under the address sanitizer */
    CHECK_INT(batch_costs(arena, 2000), kept ? 0 : first - 1);
    CHECK_INT(batch_costs(arena, 16), 0);
    CHECK_INT(batch_costs(arena, 16), 0);
    CHECK_INT(batch_costs(arena, 2000), first - 1); /* two small ones, and the large chunks are gone */
    batch_costs(arena, 20000);
    CHECK(batch_costs(arena, 20000) > 5); /* more than is ever kept */
    arena_reset(arena);
    CHECK(arena_alloc(arena, 100) != NULL && arena_alloc(arena, 3000000) != NULL); /* larger than any kept chunk */
    arena_free(arena);
}

static void arena_takes_an_end_back(void)
{
    struct arena *arena = arena_new(100000);
    char *first = arena_alloc(arena, 5000);
    memset(first, 'x', 5000);
    arena_shrink(arena, first, 5000, 17);
    CHECK_INT(arena_used(arena), 32);
    char *second = arena_alloc(arena, 40);
    CHECK(second == first + 32 && first[16] == 'x');
    arena_shrink(arena, first, 17, 1); /* not the latest */
    CHECK_INT(arena_used(arena), 80);
    arena_shrink(arena, second, 40, 40);
    CHECK_INT(arena_used(arena), 80);
    arena_shrink(arena, second, 40, 0);
    CHECK_INT(arena_used(arena), 48);
    arena_free(arena);
}

static void every_allocation_fails_once(void)
{
    for (uint64_t n = 1;; n++) {
        memory_fail_at(n);
        uint64_t before = memory_allocations();
        struct map *map = map_new(1000, 1);
        bool complete = map != NULL;
        char key[16];
        for (int i = 0; map && i < 100; i++) {
            snprintf(key, sizeof key, "%d", i);
            uint64_t *value = map_put(map, str_of(key));
            complete = complete && value;
        }
        bool reached = memory_allocations() - before >= n;
        memory_fail_at(0);
        map_free(map);
        if (!reached) {
            CHECK(complete);
            return;
        }
        CHECK(!complete);
    }
}

static void map_against_a_twin(void)
{
    struct map *map = map_new(500, 7);
    uint64_t twin[400];
    bool present[400] = {false};
    uint64_t state = 88172645463325252u;
    for (int step = 0; step < 20000; step++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        size_t k = state % 400;
        char key[24];
        snprintf(key, sizeof key, "key-%zu", k);
        if (state >> 60 < 9) {
            uint64_t *value = map_put(map, str_of(key));
            CHECK(value != NULL);
            *value = twin[k] = state;
            present[k] = true;
        } else {
            CHECK_INT(map_remove(map, str_of(key)), present[k]);
            present[k] = false;
        }
    }
    size_t count = 0;
    for (size_t k = 0; k < 400; k++) {
        char key[24];
        snprintf(key, sizeof key, "key-%zu", k);
        uint64_t *value = map_get(map, str_of(key));
        CHECK_INT(value != NULL, present[k]);
        CHECK(!value || *value == twin[k]);
        count += present[k];
    }
    CHECK_INT(map_count(map), count);
    map_free(map);
}

static void buf_overflow_sticks(void)
{
    char storage[8];
    struct buf buf;
    buf_init_fixed(&buf, storage, sizeof storage);
    buf_text(&buf, "12345");
    buf_text(&buf, "6789");
    CHECK(buf.overflow);
    buf_char(&buf, 'x');
    CHECK_TEXT(buf_view(&buf), "12345");
    buf_init(&buf, 5000);
    for (int i = 0; i < 300; i++)
        buf_format(&buf, "%d,", i);
    CHECK(!buf.overflow);
    buf_done(&buf);
}

static void varints_round_trip(void)
{
    static const int64_t values[] = {0, 1, -1, 127, 128, -128, INT64_MAX, INT64_MIN, 1 << 20};
    struct buf buf;
    buf_init(&buf, 1000);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        buf_svarint(&buf, values[i]);
    struct reader reader = reader_of(buf_view(&buf));
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        CHECK_INT(read_svarint(&reader), values[i]);
    CHECK(reader_done(&reader));
    CHECK_INT(read_u8(&reader), 0);
    CHECK(reader.failed);
    buf_done(&buf);
}

static void checksums_and_encodings(void)
{
    CHECK_INT(crc32c(0, "123456789", 9), 0xe3069283);
    CHECK_INT(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
    const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    CHECK(siphash(key, "", 0) != siphash(key, "\0", 1));
    char text[16];
    uint8_t bytes[8];
    size_t n = 0;
    CHECK_TEXT(str_at(text, base64_encode("foob", 4, text)), "Zm9vYg==");
    CHECK(base64_decode(STR("Zm9vYg=="), bytes, sizeof bytes, &n) && n == 4 && memcmp(bytes, "foob", 4) == 0);
    static const char *const refused[] = {"Zm9vYg=", "Zm9vYh==", "Zm=v", "Zm9 ", "===="};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        test_row("%s", refused[i]);
        CHECK(!base64_decode(str_of(refused[i]), bytes, sizeof bytes, &n));
    }
    CHECK(hex_decode(STR("00ff"), bytes, 2) && bytes[1] == 0xff);
    CHECK(!hex_decode(STR("0x12"), bytes, 2));
}

static void uuids(void)
{
    static const char *const refused[] = {
        "",
        "0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c",
        "0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c12",
        "0189A1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1",
        "0189a1b2c-3d4-4e5f-8a6b-7c8d9eafb0c1",
        "0189a1b2-c3d4-4e5f-8a6b07c8d9eafb0c1",
        "0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0cg",
        "------------------------------------",
        "{189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1",
    };
    uint8_t uuid[16];
    char text[UUID_TEXT + 1];
    CHECK(uuid_decode(STR("0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1"), uuid));
    CHECK_INT(uuid[0], 1);
    CHECK_INT(uuid[15], 0xc1);
    uuid_encode(uuid, text);
    CHECK_TEXT(str_of(text), "0189a1b2-c3d4-4e5f-8a6b-7c8d9eafb0c1");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        test_row("%s", refused[i]);
        CHECK(!uuid_decode(str_of(refused[i]), uuid));
    }
}

static void civil_days(void)
{
    CHECK_INT(civil_to_days(1970, 1, 1), 0);
    CHECK_INT(civil_to_days(2026, 11, 20), 20777);
    CHECK_INT(civil_weekday(civil_to_days(2026, 11, 20)), 5);
    for (int64_t day = -200000; day < 200000; day += 97) {
        int32_t y, m, d;
        civil_from_days(day, &y, &m, &d);
        CHECK_INT(civil_to_days(y, m, d), day);
    }
    static const struct {
        int64_t time_ns, day;
        int32_t offset_s;
    } days[] = {
        {0, 0, 0},
        {-1, -1, 0},
        {0, -1, -1},
        {DAY_S * SECOND_NS - 1, 0, 0},
        {DAY_S * SECOND_NS - 1, 1, 1},
        {-DAY_S * SECOND_NS, -1, 0},
        {-DAY_S * SECOND_NS - 1, -2, 0},
        {HOUR_S * SECOND_NS, -1, -2 * HOUR_S},
        {INT64_MIN, -106752, 0},
        {INT64_MAX, 106751, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        test_row("day %zu", i);
        CHECK_INT(civil_day(days[i].time_ns, days[i].offset_s), days[i].day);
    }
    char text[CIVIL_TEXT_MAX];
    CHECK_TEXT(str_at(text, civil_format(INT64_C(1700000000123456789), 0, 3, text)), "2023-11-14T22:13:20.123Z");
    CHECK_TEXT(str_at(text, civil_format(INT64_C(1700000000123456789), 18000, 0, text)), "2023-11-15T03:13:20+05:00");
    struct civil c = civil_from_ns(-1, 0);
    CHECK_INT(c.year, 1969);
    CHECK_INT(civil_to_ns(&c, 0), -1);
    c = civil_from_ns(INT64_MIN, 0);
    CHECK_INT(c.year, 1677);
    CHECK_INT(c.nanosecond, 145224192);
    c = civil_from_ns(INT64_MAX, 0);
    CHECK_INT(c.year, 2262);
}

static void errors_read_as_sentences(void)
{
    struct err err;
    CHECK_INT(err_errno(&err, 28, "could not write \"%s\"", "x"), RC_IO);
    CHECK_TEXT(str_of(err.text), "could not write \"x\": No space left on device");
    CHECK_INT(err_wrap(&err, "sealing"), RC_IO);
    CHECK_TEXT(str_of(err.text), "sealing: could not write \"x\": No space left on device");
}

static void buf_writes_addresses(void)
{
    static const struct {
        const char *hex;
        const char *want;
    } rows[] = {
        {"00000000000000000000000000000000", "::"},
        {"00000000000000000000000000000001", "::1"},
        {"20010db8000000000000000000000000", "2001:db8::"},
        {"20010db8000000010000000000000001", "2001:db8:0:1::1"},
        {"20010db8000000000001000000000001", "2001:db8::1:0:0:1"},    /* the first of equals */
        {"20010db8000100020003000400050000", "2001:db8:1:2:3:4:5:0"}, /* one group alone stays */
        {"00000000000000000000ffffc0000201", "::ffff:c000:201"},
    };
    char storage[64];
    struct buf buf;
    buf_init_fixed(&buf, storage, sizeof storage);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t bytes[16];
        test_row("%zu", i);
        buf_clear(&buf);
        CHECK(hex_decode(str_of(rows[i].hex), bytes, sizeof bytes));
        buf_ipv6(&buf, bytes);
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    buf_clear(&buf);
    buf_ipv4(&buf, (const uint8_t[]){192, 0, 2, 255});
    CHECK_TEXT(buf_view(&buf), "192.0.2.255");
}

static const struct test tests[] = {
    {"buf writes addresses", buf_writes_addresses},
    {"slices", slices},
    {"numbers in text", numbers_in_text},
    {"a hash takes every byte", hashes_every_byte},
    {"an arena has a limit", arena_has_a_limit},
    {"an arena keeps what a batch needs", arena_keeps_what_a_batch_needs},
    {"an arena takes an end back", arena_takes_an_end_back},
    {"every allocation fails once", every_allocation_fails_once},
    {"map against a twin", map_against_a_twin},
    {"buf overflow sticks", buf_overflow_sticks},
    {"varints round trip", varints_round_trip},
    {"checksums and encodings", checksums_and_encodings},
    {"uuids", uuids},
    {"civil days", civil_days},
    {"errors read as sentences", errors_read_as_sentences},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
