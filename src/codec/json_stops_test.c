/* The bits of a text are the same for each width, and what a look at one byte after the other says. */
#include "codec/json_stops.h"

#include "base/test.h"
#include "codec/scan.h"

#include <string.h>

#define TEXT_BYTES (3 * JSON_STOPS_BYTES + 100)

static uint64_t state = 5;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

static size_t next_slow(struct str text, size_t at)
{
    while (at < text.n && !scan_is_quoted(text.p[at]))
        at++;
    return at;
}

static bool non_ascii_slow(struct str text)
{
    return scan_ascii(text.p, text.n) < text.n;
}

/* Through the whole text, then at places here and there. */
static void compare(struct str text)
{
    for (enum json_width width = JSON_WIDTH_1; width <= json_width_best(); width++) {
        struct json_stops stops;
        json_stops_begin(&stops, text, width);
        test_row("width %d, %zu bytes", (int)width, text.n);
        for (size_t at = 0; at < text.n; at++) {
            size_t want = next_slow(text, at);
            CHECK_INT(json_stops_next(&stops, at), want);
            at = want;
        }
        CHECK_INT(json_stops_next(&stops, text.n), text.n);
        CHECK(!non_ascii_slow(text) || stops.non_ascii);
        CHECK(non_ascii_slow(text) || !stops.non_ascii);
        for (size_t i = 0; i < 20; i++) {
            size_t at = draw((uint32_t)text.n + 1);
            CHECK_INT(json_stops_next(&stops, at), next_slow(text, at));
        }
    }
}

static void random_bytes_fill(char *bytes, size_t n, uint32_t every)
{
    static const char odd[] = {'"', '\\', '\0',   '\x1f', '\n',   '\x20', '!',   '#',
                               '[', ']',  '\x7f', '\x80', '\xff', '\xdc', '\xa2'};
    for (size_t i = 0; i < n; i++)
        bytes[i] = draw(every) ? (char)('a' + draw(26)) : odd[draw(ARRAY_LEN(odd))];
}

static void every_length(void)
{
    char bytes[300];
    for (size_t n = 0; n <= sizeof bytes; n++) {
        random_bytes_fill(bytes, n, 10);
        compare(str_at(bytes, n));
        memset(bytes, 'x', n);
        compare(str_at(bytes, n));
    }
}

static void every_byte(void)
{
    char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    compare(str_at(bytes, sizeof bytes));
}

static void long_ones(void)
{
    static char bytes[TEXT_BYTES];
    for (size_t round = 0; round < 60; round++) {
        size_t n = round % 2 ? JSON_STOPS_BYTES * (1 + draw(3)) : draw(TEXT_BYTES);
        random_bytes_fill(bytes, n, 1 + draw(400));
        compare(str_at(bytes, n));
    }
}

static const struct test tests[] = {
    {"every length", every_length},
    {"every byte", every_byte},
    {"longer than a part", long_ones},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
