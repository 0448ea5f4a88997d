#include "base/buf.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#define BUF_FIRST ((size_t)256)

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_init_fixed(struct buf *buf, void *storage, size_t size)
{
    *buf = (struct buf){.p = storage, .capacity = size, .limit = size, .borrowed = true};
}

void buf_done(struct buf *buf)
{
    if (!buf->borrowed)
        memory_free(buf->p);
    *buf = (struct buf){.limit = buf->limit};
}

void buf_clear(struct buf *buf)
{
    buf->n = 0;
    buf->overflow = false;
}

char *buf_reserve(struct buf *buf, size_t n)
{
    if (buf->overflow || n > buf->limit - buf->n) {
        buf->overflow = true;
        return NULL;
    }
    if (n > buf->capacity - buf->n) {
        ASSERT(!buf->borrowed);
        size_t want = MAX(buf->capacity * 2, MAX(buf->n + n, BUF_FIRST));
        want = MIN(want, buf->limit);
        char *p = memory_resize(buf->p, want);
        if (!p) {
            buf->overflow = true;
            return NULL;
        }
        buf->p = p;
        buf->capacity = want;
    }
    return buf->p + buf->n;
}

void buf_grew(struct buf *buf, size_t n)
{
    ASSERT(n <= buf->capacity - buf->n);
    buf->n += n;
}

void buf_put(struct buf *buf, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    char *p = buf_reserve(buf, n);
    if (!p)
        return;
    memcpy(p, bytes, n);
    buf->n += n;
}

void buf_str(struct buf *buf, struct str s)
{
    buf_put(buf, s.p, s.n);
}

void buf_char(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

void buf_text(struct buf *buf, const char *zero_terminated)
{
    buf_put(buf, zero_terminated, strlen(zero_terminated));
}

void buf_vformat(struct buf *buf, const char *format, va_list args)
{
    char text[1024];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(text, sizeof text, format, args);
    if (n >= 0 && (size_t)n < sizeof text) {
        buf_put(buf, text, (size_t)n);
    } else if (n >= 0) {
        char *p = buf_reserve(buf, (size_t)n + 1);
        if (p) {
            vsnprintf(p, (size_t)n + 1, format, again);
            buf->n += (size_t)n;
        }
    } else {
        buf->overflow = true;
    }
    va_end(again);
}

void buf_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vformat(buf, format, args);
    va_end(args);
}

void buf_u64(struct buf *buf, uint64_t value)
{
    char text[20];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_put(buf, text + at, sizeof text - at);
}

void buf_i64(struct buf *buf, int64_t value)
{
    if (value < 0)
        buf_char(buf, '-');
    buf_u64(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_hex(struct buf *buf, const void *bytes, size_t n)
{
    char *p = buf_reserve(buf, 2 * n);
    if (p)
        buf->n += hex_encode(bytes, n, p);
}

void buf_ipv4(struct buf *buf, const uint8_t bytes[4])
{
    buf_format(buf, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

/* The longest run of two or more zero groups, the first of equals, is "::". */
void buf_ipv6(struct buf *buf, const uint8_t bytes[16])
{
    int best = -1;
    int best_n = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && get_be16(bytes + 2 * (i + n)) == 0)
            n++;
        if (n > best_n) {
            best = i;
            best_n = n;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            buf_text(buf, "::");
            i += best_n - 1;
            continue;
        }
        bool joined = i == 0 || (best >= 0 && i == best + best_n);
        buf_format(buf, joined ? "%x" : ":%x", get_be16(bytes + 2 * i));
    }
}

void buf_u8(struct buf *buf, uint8_t value)
{
    buf_put(buf, &value, 1);
}

void buf_be16(struct buf *buf, uint16_t value)
{
    uint8_t p[2];
    put_be16(p, value);
    buf_put(buf, p, sizeof p);
}

void buf_be32(struct buf *buf, uint32_t value)
{
    uint8_t p[4];
    put_be32(p, value);
    buf_put(buf, p, sizeof p);
}

void buf_be64(struct buf *buf, uint64_t value)
{
    uint8_t p[8];
    put_be64(p, value);
    buf_put(buf, p, sizeof p);
}

void buf_le16(struct buf *buf, uint16_t value)
{
    uint8_t p[2];
    put_le16(p, value);
    buf_put(buf, p, sizeof p);
}

void buf_le32(struct buf *buf, uint32_t value)
{
    uint8_t p[4];
    put_le32(p, value);
    buf_put(buf, p, sizeof p);
}

void buf_le64(struct buf *buf, uint64_t value)
{
    uint8_t p[8];
    put_le64(p, value);
    buf_put(buf, p, sizeof p);
}

void buf_varint(struct buf *buf, uint64_t value)
{
    if (value < 0x80 && !buf->overflow && buf->n < buf->capacity) {
        buf->p[buf->n++] = (char)value;
        return;
    }
    uint8_t p[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        p[n++] = (uint8_t)(value | 0x80);
    p[n++] = (uint8_t)value;
    buf_put(buf, p, n);
}

void buf_svarint(struct buf *buf, int64_t value)
{
    buf_varint(buf, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void buf_consume(struct buf *buf, size_t n)
{
    ASSERT(n <= buf->n);
    if (n < buf->n)
        memmove(buf->p, buf->p + n, buf->n - n);
    buf->n -= n;
}

struct str buf_view(const struct buf *buf)
{
    return (struct str){buf->p, buf->n};
}

const char *buf_z(struct buf *buf)
{
    char *p = buf_reserve(buf, 1);
    if (!p)
        return "";
    *p = '\0';
    return buf->p;
}
