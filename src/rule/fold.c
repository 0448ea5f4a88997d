#include "rule/fold.h"

#include "codec/utf8.h"

#include <stdint.h>
#include <string.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Lower case of eight ASCII bytes at once; bytes past 0x7f stay. */
static uint64_t lower8(uint64_t word)
{
    uint64_t low = word & EACH(0x7f);
    uint64_t past_z = low + EACH(0x7f - 'Z');
    uint64_t from_a = low + EACH(0x80 - 'A');
    uint64_t upper = ~word & (from_a ^ past_z) & EACH(0x80);
    return word | upper >> 2;
}

static size_t fold_slow(struct str text, char *out)
{
    size_t n = 0;
    while (text.n) {
        uint32_t code;
        size_t length = utf8_decode(text, &code);
        uint32_t folded = utf8_fold_code(code);
        if (folded == code) { /* also what is no UTF-8 */
            memcpy(out + n, text.p, length);
            n += length;
        } else {
            n += utf8_encode(folded, out + n);
        }
        text = str_skip(text, length);
    }
    return n;
}

size_t fold_text(struct str text, char *ret_text)
{
    uint64_t high = 0;
    size_t i = 0;
    for (; i + 8 <= text.n; i += 8) {
        uint64_t word;
        memcpy(&word, text.p + i, 8);
        high |= word;
        word = lower8(word);
        memcpy(ret_text + i, &word, 8);
    }
    for (; i < text.n; i++) {
        high |= (unsigned char)text.p[i];
        ret_text[i] = char_lower(text.p[i]);
    }
    return high & EACH(0x80) ? fold_slow(text, ret_text) : text.n;
}
