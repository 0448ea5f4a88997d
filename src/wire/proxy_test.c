#include "wire/proxy.h"

#include "base/bytes.h"
#include "base/test.h"

#include <stdlib.h>
#include <string.h>

#define SIGNED "\r\n\r\n\0\r\nQUIT\n"
#define V4     "\x0a\0\0\x07\xc0\0\2\1\xd4\x31\x19\x73" /* 10.0.0.7 port 54321 to 192.0.2.1 port 6515 */
#define LOOSE  "\x04\0\3abc\x01\0\5qorga"               /* NOOP and ALPN: passed over */

static void headers_are_read(void)
{
    static const struct {
        struct str bytes;
        enum rc want;
        const char *why;
    } rows[] = {
        {STR_INIT(SIGNED "\x21\x11\0\x0c" V4), RC_OK, "IPv4"},
        {STR_INIT(SIGNED "\x21\x11\0\x1a" V4 LOOSE), RC_OK, "unknown TLVs are passed over"},
        {STR_INIT(SIGNED "\x21\x11\0\x0c" V4 "\x16\3\1"), RC_OK, "what follows is not of it"},
        {STR_INIT(SIGNED "\x20\0\0\0"), RC_OK, "local"},
        {STR_INIT(SIGNED "\x20\x11\0\3abc"), RC_OK, "local: what it holds is not looked at"},
        {STR_INIT(""), RC_AGAIN, "nothing"},
        {STR_INIT("\r\n\r\n"), RC_AGAIN, "a part of the signature"},
        {STR_INIT(SIGNED "\x21\x11\0"), RC_AGAIN, "a part of the head"},
        {STR_INIT(SIGNED "\x21\x11\0\x0c\x0a"), RC_AGAIN, "a part of the body"},
        {STR_INIT("PROXY TCP4 1.2.3.4"), RC_INVALID, "version 1"},
        {STR_INIT("\x16\3\1\2\0"), RC_INVALID, "TLS"},
        {STR_INIT("\r\n\r\n\1"), RC_INVALID, "another signature"},
        {STR_INIT(SIGNED "\x11\x11\0\x0c" V4), RC_INVALID, "another version"},
        {STR_INIT(SIGNED "\x22\x11\0\x0c" V4), RC_INVALID, "another command"},
        {STR_INIT(SIGNED "\x21\0\0\0"), RC_INVALID, "nobody"},
        {STR_INIT(SIGNED "\x21\x12\0\x0c" V4), RC_INVALID, "datagrams"},
        {STR_INIT(SIGNED "\x21\x31\0\x0c" V4), RC_INVALID, "a path"},
        {STR_INIT(SIGNED "\x21\x41\0\x0c" V4), RC_INVALID, "another family"},
        {STR_INIT(SIGNED "\x21\x11\0\x0b" V4), RC_INVALID, "too short for its family"},
        {STR_INIT(SIGNED "\x21\x21\0\x0c" V4), RC_INVALID, "IPv6 of the length of IPv4"},
        {STR_INIT(SIGNED "\x21\x11\4\1" V4), RC_INVALID, "longer than is taken"},
        {STR_INIT(SIGNED "\x21\x11\0\x0e" V4 "\x04\0"), RC_INVALID, "half a TLV"},
        {STR_INIT(SIGNED "\x21\x11\0\x10" V4 "\x04\0\2a"), RC_INVALID, "a TLV beyond the end"},
        {STR_INIT(SIGNED "\x21\x11\0\x13" V4 "\x03\0\4abcd"), RC_INVALID, "a checksum that does not hold"},
        {STR_INIT(SIGNED "\x21\x11\0\x12" V4 "\x03\0\3abc"), RC_INVALID, "a short checksum"},
        {STR_INIT(SIGNED "\x21\x11\0\x12" V4 "\xe5\0\3abc"), RC_INVALID, "half a relay"},
    };
    struct proxy_header header;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].why);
        CHECK_INT(proxy_read(rows[i].bytes, &header, &n), rows[i].want);
    }
    test_row("-");
    CHECK_INT(proxy_read(rows[0].bytes, &header, &n), RC_OK);
    CHECK_INT(n, 28);
    CHECK(!header.is_local && header.hop_count == 0);
    CHECK_INT(header.from.port, 54321);
    CHECK_INT(header.to.port, 6515);
    char text[64];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    proxy_address_put(&out, header.from.address);
    CHECK_TEXT(buf_view(&out), "10.0.0.7");
}

static struct proxy_header sample(bool is_v4, size_t hops)
{
    struct proxy_header header = {.from = {.port = 1}, .to = {.port = 65535}, .hop_count = hops};
    memset(header.from.address, 0x20, 16);
    memset(header.to.address, 0x30, 16);
    if (is_v4) {
        memcpy(header.from.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04", 16);
        memcpy(header.to.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x05\x06\x07\x08", 16);
    }
    for (size_t i = 0; i < hops; i++)
        memset(header.hops[i], (int)(i + 1), 16);
    return header;
}

/* Every cut waits for more, and says truly how much; every changed byte of what is summed is found out. */
static void what_is_written_reads_again(void)
{
    char storage[PROXY_MAX];
    struct buf out;
    for (size_t kind = 0; kind < 2 * (PROXY_HOPS_MAX + 1); kind++) {
        const struct proxy_header header = sample(kind & 1, kind / 2);
        struct proxy_header again;
        size_t n = 0;
        buf_init_fixed(&out, storage, sizeof storage);
        proxy_put(&out, &header);
        test_row("kind %zu", kind);
        CHECK(out.n <= PROXY_HEAD + 184);
        CHECK_INT(proxy_read(buf_view(&out), &again, &n), RC_OK);
        CHECK_INT(n, out.n);
        CHECK(memcmp(&again.from, &header.from, sizeof header.from) == 0);
        CHECK(memcmp(&again.to, &header.to, sizeof header.to) == 0);
        CHECK_INT(again.hop_count, header.hop_count);
        CHECK(memcmp(again.hops, header.hops, sizeof header.hops) == 0);
        for (size_t cut = 0; cut < out.n; cut++) {
            test_row("kind %zu, cut at %zu", kind, cut);
            CHECK_INT(proxy_read(str_slice(buf_view(&out), 0, cut), &again, &n), RC_AGAIN);
            CHECK_INT(n, cut < PROXY_HEAD ? PROXY_HEAD : out.n);
        }
        for (size_t at = 0; at < out.n; at++) {
            if (at == out.n - 7)
                continue; /* the checksum's own type: then there is none */
            storage[at] = (char)(storage[at] ^ 0x40);
            test_row("kind %zu, byte %zu", kind, at);
            CHECK(proxy_read(buf_view(&out), &again, &n) != RC_OK);
            storage[at] = (char)(storage[at] ^ 0x40);
        }
    }
}

static void too_many_relays_are_a_circle(void)
{
    char storage[PROXY_MAX];
    struct proxy_header header = sample(true, 0);
    struct buf out;
    size_t n = 0;
    buf_init_fixed(&out, storage, sizeof storage);
    buf_str(&out, STR(SIGNED "\x21\x11\0\x9f" V4));
    buf_str(&out, STR("\xe5\0\x90"));
    for (size_t i = 0; i < 16 * (PROXY_HOPS_MAX + 1); i++)
        buf_char(&out, 'a');
    CHECK_INT(proxy_read(buf_view(&out), &header, &n), RC_INVALID);
    storage[14] = 0; /* one less: taken */
    storage[15] = (char)0x8f;
    storage[30] = (char)0x80;
    CHECK_INT(proxy_read(buf_view(&out), &header, &n), RC_OK);
    CHECK_INT(header.hop_count, PROXY_HOPS_MAX);
    CHECK(proxy_begins((uint8_t)storage[0]) && !proxy_begins(0x16));
}

static const struct test tests[] = {
    {"headers are read", headers_are_read},
    {"what is written reads again", what_is_written_reads_again},
    {"too many relays are a circle", too_many_relays_are_a_circle},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
