#include "wire/gelf.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>
#include <zlib.h>

/* ---- TCP ---- */

static void run(struct buf *buf, struct str text, size_t first, size_t second)
{
    struct gelf_stream stream;
    struct gelf_frame frame;
    struct buf in;
    const size_t ends[] = {first, second, text.n};
    size_t at = 0;
    buf_clear(buf);
    buf_init(&in, 4096);
    gelf_stream_init(&stream, 8);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        buf_str(&in, str_slice(text, at, ends[i]));
        at = ends[i];
        struct str input = buf_view(&in);
        while (gelf_stream_next(&stream, &input, &frame)) {
            buf_char(buf, '[');
            buf_str(buf, frame.bytes);
            buf_text(buf, frame.truncated ? "]t" : "]");
        }
        buf_consume(&in, in.n - input.n);
    }
    buf_format(buf, "+%zu -%lu", in.n, (unsigned long)stream.lost_bytes);
    buf_done(&in);
}

static void stream_splits(void)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        {STR_INIT(""), "+0 -0"},
        {STR_INIT("\0\0"), "+0 -0"},
        {STR_INIT("{\"a\":1}\0{\n}\0"), "[{\"a\":1}][{\n}]+0 -0"},
        {STR_INIT("{}\0{"), "[{}]+1 -0"},
        {STR_INIT("12345678\0x\0"), "[12345678][x]+0 -0"},
        {STR_INIT("123456789\0x\0"), "[12345678]t[x]+0 -1"},
        {STR_INIT("1234567890123"), "[12345678]t+0 -5"},
    };
    struct buf buf;
    buf_init(&buf, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t first = 0; first <= rows[i].text.n; first++) {
            for (size_t second = first; second <= rows[i].text.n; second++) {
                test_row("%zu cut at %zu and %zu", i, first, second);
                run(&buf, rows[i].text, first, second);
                if (!CHECK_TEXT(buf_view(&buf), rows[i].want))
                    return;
            }
        }
    }
    buf_done(&buf);
}

/* ---- UDP ---- */

static struct str piece(char *storage, char id, uint8_t number, uint8_t count, struct str text)
{
    memcpy(storage,
           "\x1e\x0f"
           "0000000",
           9);
    storage[9] = id;
    storage[10] = (char)number;
    storage[11] = (char)count;
    memcpy(storage + 12, text.p, text.n);
    return str_at(storage, 12 + text.n);
}

static void whole_messages(void)
{
    struct gelf_datagrams datagrams;
    struct str message;
    char packed[256];
    uLongf n = sizeof packed;
    static const char zeroes[4096];
    CHECK(gelf_datagrams_init(&datagrams, 64));
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("a"), STR("{\"x\":1}"), 1, &message), RC_OK);
    CHECK_TEXT(message, "{\"x\":1}");
    CHECK_INT(compress((Bytef *)packed, &n, (const Bytef *)"{\"y\":2}", 7), Z_OK);
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("a"), str_at(packed, n), 1, &message), RC_OK);
    CHECK_TEXT(message, "{\"y\":2}");
    for (size_t i = 0; i < n; i++)
        CHECK_INT(gelf_datagrams_take(&datagrams, STR("a"), str_at(packed, i), 1, &message), RC_INVALID);
    CHECK_INT(datagrams.broken, n);
    n = sizeof packed;
    CHECK_INT(compress((Bytef *)packed, &n, (const Bytef *)zeroes, sizeof zeroes), Z_OK);
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("a"), str_at(packed, n), 1, &message), RC_LIMIT);
    CHECK_INT(message.n, 64);
    static const char *const bad[] = {"", "x", "<13>syslog", "\x1e\x0f", "\x1e\x0f-------x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_INT(gelf_datagrams_take(&datagrams, STR("a"), str_of(bad[i]), 1, &message), RC_INVALID);
    gelf_datagrams_done(&datagrams);
}

static void pieces_in_any_order(void)
{
    static const char *const parts[] = {"{\"a\"", ":\"bc", "d\"}"};
    static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct gelf_datagrams datagrams;
    struct str message;
    char storage[64];
    CHECK(gelf_datagrams_init(&datagrams, 64));
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        for (size_t k = 0; k < 3; k++) {
            test_row("%zu %zu", i, k);
            uint8_t number = orders[i][k];
            struct str bytes = piece(storage, 'a', number, 3, str_of(parts[number]));
            CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), bytes, 1, &message), k < 2 ? RC_AGAIN : RC_OK);
            if (k < 2) /* again, and of another sender with the same id */
                CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), bytes, 1, &message), RC_AGAIN);
        }
        CHECK_TEXT(message, "{\"a\":\"bcd\"}");
    }
    CHECK_INT(datagrams.count + datagrams.held, 0);
    struct str bytes = piece(storage, 'a', 0, 2, STR("{"));
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), bytes, 1, &message), RC_AGAIN);
    bytes = piece(storage, 'a', 1, 2, STR("}"));
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("t"), bytes, 1, &message), RC_AGAIN);
    CHECK_INT(datagrams.count, 2);
    gelf_datagrams_tick(&datagrams, 1 + GELF_WAIT_NS);
    CHECK_INT(datagrams.count, 2);
    gelf_datagrams_tick(&datagrams, 2 + GELF_WAIT_NS);
    CHECK_INT(datagrams.count + datagrams.held, 0);
    CHECK_INT(datagrams.incomplete, 2);
    gelf_datagrams_done(&datagrams);
}

static void odd_pieces(void)
{
    struct gelf_datagrams datagrams;
    struct str message;
    char storage[64];
    CHECK(gelf_datagrams_init(&datagrams, 64));
    const struct str bad[] = {
        piece(storage, 'a', 0, 0, STR("{")),
    };
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), bad[0], 1, &message), RC_INVALID);
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), piece(storage, 'a', 2, 2, STR("{")), 1, &message), RC_INVALID);
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), piece(storage, 'a', 0, 129, STR("{")), 1, &message),
              RC_INVALID);
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), piece(storage, 'a', 0, 2, STR("")), 1, &message), RC_INVALID);
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), piece(storage, 'a', 0, 1, STR("x")), 1, &message), RC_INVALID);
    CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), piece(storage, 'a', 0, 1, STR("{}")), 1, &message), RC_OK);
    CHECK_INT(datagrams.broken, 5);
    gelf_datagrams_done(&datagrams);
}

/* Past the places and past the bytes the oldest go, and are counted. */
static void bounded(void)
{
    static char storage[61000];
    static char text[60000];
    struct gelf_datagrams datagrams;
    struct str message;
    CHECK(gelf_datagrams_init(&datagrams, 64));
    for (uint32_t i = 0; i < GELF_PENDING_MAX + 10; i++) {
        struct str bytes = piece(storage, 'a', 0, 2, STR("{"));
        memcpy(storage + 2, &i, sizeof i);
        CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), bytes, 1 + i, &message), RC_AGAIN);
    }
    CHECK_INT(datagrams.count, GELF_PENDING_MAX);
    CHECK_INT(datagrams.incomplete, 10);
    for (uint32_t i = 0; i < 2 * GELF_PENDING_MAX; i++) {
        struct str bytes = piece(storage, 'b', 0, 2, str_at(text, sizeof text));
        memcpy(storage + 2, &i, sizeof i);
        CHECK_INT(gelf_datagrams_take(&datagrams, STR("s"), bytes, 5000 + i, &message), RC_AGAIN);
    }
    CHECK(datagrams.held <= GELF_HELD_MAX && datagrams.count >= GELF_HELD_MAX / sizeof text - 1);
    gelf_datagrams_done(&datagrams);
}

static const struct test tests[] = {
    {"stream splits", stream_splits},
    {"whole messages", whole_messages},
    {"pieces in any order", pieces_in_any_order},
    {"odd pieces", odd_pieces},
    {"bounded", bounded},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
