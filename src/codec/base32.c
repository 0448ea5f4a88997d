#include "codec/base32.h"

#include "base/assert.h"

static const char signs[33] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void base32_write(struct buf *out, const void *bytes, size_t n, unsigned group)
{
    const uint8_t *p = bytes;
    uint32_t bits = 0;
    unsigned held = 0, written = 0;
    ASSERT(n <= BASE32_BYTES_MAX);
    for (size_t i = 0; i < n || held > 0;) {
        if (held < 5 && i < n) {
            bits = bits << 8 | p[i++];
            held += 8;
        } else if (held < 5) { /* the last sign has zeros behind what is left */
            bits <<= 5 - held;
            held = 5;
        }
        while (held >= 5) {
            if (group && written && written % group == 0)
                buf_char(out, ' ');
            held -= 5;
            buf_char(out, signs[bits >> held & 31]);
            written++;
        }
        bits &= (1u << held) - 1;
    }
}

/* -1: none. */
static int sign_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool base32_read(struct str text, void *ret_bytes, size_t size, size_t *ret_n)
{
    uint8_t *out = ret_bytes;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;
    text = str_trim(text);
    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' || text.p[i] == '-')
            continue;
        int value = sign_value(text.p[i]);
        if (value < 0)
            return false;
        bits = bits << 5 | (uint32_t)value;
        held += 5;
        if (held < 8)
            continue;
        if (n == size)
            return false;
        held -= 8;
        out[n++] = (uint8_t)(bits >> held);
        bits &= (1u << held) - 1;
    }
    *ret_n = n;
    return held < 5 && bits == 0; /* five bits and more would be a sign too many */
}
