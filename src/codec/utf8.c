#include "codec/utf8.h"

#include "base/assert.h"
#include "codec/scan.h"

#include <string.h>

/* What may follow a first byte: how many bytes in all, and the range of the second one (RFC 3629, 4). The others are
 * 80..bf. */
struct lead {
    uint8_t length; /* 0: not a first byte */
    uint8_t low;
    uint8_t high;
};

static struct lead lead_of(uint8_t c)
{
    if (c < 0x80)
        return (struct lead){1, 0, 0};
    if (c < 0xc2)
        return (struct lead){0, 0, 0};
    if (c < 0xe0)
        return (struct lead){2, 0x80, 0xbf};
    if (c < 0xf0)
        return (struct lead){3, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf};
    if (c < 0xf5)
        return (struct lead){4, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf};
    return (struct lead){0, 0, 0};
}

/* Length of the sequence at p, and whether it is whole; an invalid one gives its maximal invalid part. */
static size_t sequence(const uint8_t *p, size_t n, bool *ret_valid)
{
    struct lead lead = lead_of(p[0]);
    *ret_valid = false;
    if (lead.length == 0)
        return 1;
    if (lead.length > 1 && (n < 2 || p[1] < lead.low || p[1] > lead.high))
        return 1;
    for (size_t i = 2; i < lead.length; i++) {
        if (i == n || (p[i] & 0xc0) != 0x80)
            return i;
    }
    *ret_valid = true;
    return lead.length;
}

size_t utf8_valid_prefix(struct str s)
{
    size_t at = scan_ascii(s.p, s.n);
    while (at < s.n) {
        bool valid = false;
        size_t n = sequence((const uint8_t *)s.p + at, s.n - at, &valid);
        if (!valid)
            return at;
        at += n;
        if (at < s.n && (uint8_t)s.p[at] < 0x80)
            at += scan_ascii(s.p + at, s.n - at);
    }
    return at;
}

bool utf8_valid(struct str s)
{
    return utf8_valid_prefix(s) == s.n;
}

size_t utf8_repair_bound(size_t n)
{
    return n > SIZE_MAX / 3 ? SIZE_MAX : n * 3; /* each byte may become U+FFFD, three bytes */
}

size_t utf8_repair(struct str s, char *ret_text)
{
    size_t n = 0;
    while (s.n > 0) {
        size_t good = utf8_valid_prefix(s);
        if (good > 0)
            memcpy(ret_text + n, s.p, good);
        n += good;
        s = str_skip(s, good);
        if (s.n == 0)
            break;
        bool valid = false;
        s = str_skip(s, sequence((const uint8_t *)s.p, s.n, &valid));
        ASSERT(!valid);
        memcpy(ret_text + n, "\xef\xbf\xbd", 3);
        n += 3;
    }
    return n;
}

struct str utf8_make_valid(struct arena *arena, struct str s)
{
    if (utf8_valid(s))
        return s;
    char *text = arena_alloc_raw(arena, utf8_repair_bound(s.n));
    if (text == NULL)
        return STR_NONE;
    return str_at(text, utf8_repair(s, text));
}

size_t utf8_decode(struct str s, uint32_t *ret_code)
{
    *ret_code = UTF8_REPLACEMENT;
    if (s.n == 0)
        return 0;
    const uint8_t *p = (const uint8_t *)s.p;
    bool valid = false;
    size_t n = sequence(p, s.n, &valid);
    if (!valid)
        return n;
    uint32_t code = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        code = code << 6 | (p[i] & 0x3fu);
    *ret_code = code;
    return n;
}

size_t utf8_encode(uint32_t code, char ret_text[4])
{
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        code = UTF8_REPLACEMENT;
    if (code < 0x80) {
        ret_text[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        ret_text[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    ret_text[0] = (char)((0xf00u >> n & 0xf0u) | code);
    return n;
}
