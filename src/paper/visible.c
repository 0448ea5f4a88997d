#include "paper/visible.h"

#include "base/bytes.h"

#include <stdint.h>
#include <string.h>

/* Characters that are not shown as themselves, rising. */
static const struct {
    uint32_t first;
    uint32_t last;
} hidden[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e},   {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
};

/* Decodes one character; 0 when there is none. */
static size_t decode(struct str s, uint32_t *ret_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (n == 0 || n > s.n)
        return 0;
    uint32_t code = n == 1 ? c : c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)s.p[i] & 0x3f);
    }
    *ret_code = code;
    return code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : n;
}

size_t visible_character(struct str bytes)
{
    uint32_t code = 0;
    size_t n = bytes.n ? decode(bytes, &code) : 0;
    for (size_t i = 0; n > 0 && i < ARRAY_LEN(hidden); i++) {
        if (code >= hidden[i].first && code <= hidden[i].last)
            return 0;
    }
    return n;
}

static void put(struct buf *out, struct str bytes, bool escape)
{
    while (bytes.n > 0) {
        size_t n = visible_character(bytes);
        if (n == 0)
            buf_format(out, "\\x%02x", (unsigned char)bytes.p[0]);
        else if (escape && bytes.p[0] == '\\')
            buf_text(out, "\\\\");
        else
            buf_put(out, bytes.p, n);
        bytes = str_skip(bytes, MAX(n, 1));
    }
}

void visible_put(struct buf *out, struct str bytes)
{
    put(out, bytes, true);
}

void visible_show(struct buf *out, struct str bytes)
{
    put(out, bytes, false);
}

bool visible_read(struct str text, struct arena *arena, struct str *ret_bytes)
{
    char *bytes = arena_alloc_raw(arena, text.n + 1);
    size_t n = 0;
    if (!bytes)
        return false;
    for (struct str rest = text; rest.n > 0; n++) {
        bool hex = rest.n >= 4 && rest.p[0] == '\\' && rest.p[1] == 'x';
        bool twice = rest.n >= 2 && rest.p[0] == '\\' && rest.p[1] == '\\';
        if (hex ? !hex_decode(str_slice(rest, 2, 4), bytes + n, 1) : rest.p[0] == '\\' && !twice)
            return false;
        if (!hex)
            bytes[n] = rest.p[0];
        rest = str_skip(rest, hex ? 4 : twice ? 2 : 1);
    }
    /* "\x41" or a bare control character reads, but is not how these bytes are written. */
    struct buf again CLEANUP(buf_done) = {0};
    buf_init(&again, 4 * n + 16);
    visible_put(&again, str_at(bytes, n));
    *ret_bytes = str_at(bytes, n);
    return !again.overflow && str_eq(buf_view(&again), text);
}
