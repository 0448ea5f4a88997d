#include "role/plain_words.h"

#include "codec/utf8.h"

#include <string.h>

/* Unicode 15: what has no look of its own and changes that of others. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x180e, 0x180e},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
};

size_t plain_next(struct str text, bool *ret_plain)
{
    uint32_t code = 0;
    size_t n = utf8_decode(text, &code);
    *ret_plain = n > 0 && (code != UTF8_REPLACEMENT || str_starts(text, STR("\xef\xbf\xbd")));
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            *ret_plain = false;
    return n;
}

void plain_words(char *text, size_t most)
{
    struct str rest = str_of(text);
    size_t to = 0;
    while (rest.n) {
        bool plain = false;
        size_t n = plain_next(rest, &plain);
        size_t size = plain ? n : 1;
        if (to + size > most)
            break;
        if (plain)
            memmove(text + to, rest.p, n);
        else
            text[to] = '?';
        to += size;
        rest = str_skip(rest, n);
    }
    text[to] = '\0';
}
