#include "codec/kv.h"

#include "base/buf.h"
#include "base/test.h"

#include <string.h>

static void pairs(void)
{
    static const struct {
        const char *line;
        const char *want; /* key=value pairs in brackets, then the number of words skipped */
    } rows[] = {
        {"", "0"},
        {"=", "1"},
        {"=x", "1"},
        {"a=", "[a=]0"},
        {"a=1 b=2", "[a=1][b=2]0"},
        {"a=1,b=2;c=3", "[a=1][b=2][c=3]0"},
        {"a=1, b=2 ; c=3", "[a=1][b=2][c=3]0"},
        {"groups=1,2,3 x=y", "[groups=1,2,3][x=y]0"},
        {"a=\"x y\" b='z w'", "[a=x y][b=z w]0"},
        {"a=\"x \\\"y\\\" z\" b=1", "[a=x \"y\" z][b=1]0"},
        {"p=\"C:\\\\Windows\\\\x\" q=\"C:\\new\\dir\"", "[p=C:\\Windows\\x][q=C:\\new\\dir]0"},
        {"p=\"\\\\\\\\srv\\share\"", "[p=\\\\\\\\srv\\share]0"},
        {"p=\"C:\\dir\\\" q=1", "[p=C:\\dir\\][q=1]0"},
        {"a=\"cut", "[a=cut]0"},
        {"a=\"", "[a=]0"},
        {"IN=eth0 OUT= MAC=00:11 SRC=192.0.2.1 SYN URGP=0", "[IN=eth0][OUT=][MAC=00:11][SRC=192.0.2.1][URGP=0]1"},
        {"session opened for user root(uid=0) by (uid=1000)", "[uid=0][uid=1000]6"},
        {"authentication failure; logname= uid=0 tty=NODEVssh rhost=192.0.2.4 ",
         "[logname=][uid=0][tty=NODEVssh][rhost=192.0.2.4]2"},
        {"ts=2026-11-20T23:15:00Z level=info msg=\"a b\" n=1.5",
         "[ts=2026-11-20T23:15:00Z][level=info][msg=a b][n=1.5]0"},
        {"GET /x?a=b&c=d ok=1", "[ok=1]2"},
        {"\"a=b c=d\" e=f", "[e=f]1"},
        {"\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87=1", "[\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87=1]0"},
        {"a==b", "[a==b]0"},
        {"url=https://x/?a=b", "[url=https://x/?a=b]0"},
    };
    struct arena *arena = arena_new(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char memory[512];
        struct buf buf;
        struct kv_pair pair;
        struct kv kv = kv_of(str_of(rows[i].line));
        buf_init_fixed(&buf, memory, sizeof memory);
        test_row("%zu %s", i, rows[i].line);
        while (kv_next(&kv, &pair)) {
            struct str value = kv_text(arena, &pair);
            buf_format(&buf, "[%.*s=%.*s]", STR_ARG(pair.key), STR_ARG(value));
        }
        buf_format(&buf, "%u", kv.words);
        CHECK_TEXT(buf_view(&buf), rows[i].want);
    }
    arena_free(arena);
}

static void check_inside(struct str line)
{
    struct kv kv = kv_of(line);
    struct kv_pair pair;
    size_t count = 0;
    while (kv_next(&kv, &pair)) {
        count++;
        CHECK(pair.key.p >= line.p && pair.key.p + pair.key.n < line.p + line.n && pair.key.n > 0);
        CHECK(pair.value.n == 0 || pair.value.p + pair.value.n <= line.p + line.n);
    }
    CHECK(count <= line.n && count == kv.pairs);
}

static void cuts_and_flips(void)
{
    static const struct str line = STR_INIT("a=1 b=\"x \\\"y\\\"\", c='z';d=(e=5) word \"q r\" f=g,h=i");
    uint64_t random = 1;
    for (size_t n = 0; n <= line.n; n++)
        check_inside(str_slice(line, 0, n));
    for (int round = 0; round < 20000; round++) {
        char copy[128];
        memcpy(copy, line.p, line.n);
        random = random * 6364136223846793005u + 1442695040888963407u;
        copy[(random >> 33) % line.n] ^= (char)(1u << (random >> 60 & 7));
        check_inside(str_at(copy, line.n));
    }
}

static void failing_memory(void)
{
    struct arena *none = arena_new(0);
    struct kv_pair pair = {.value = STR_INIT("a\\\""), .quote = '"', .escaped = true};
    CHECK(kv_text(none, &pair).p == NULL);
    pair.escaped = false;
    CHECK(kv_text(none, &pair).p == pair.value.p);
    arena_free(none);
}

static const struct test tests[] = {
    {"pairs", pairs},
    {"cuts and flips", cuts_and_flips},
    {"failing memory", failing_memory},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
