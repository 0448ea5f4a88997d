/* Folding of whole values agrees with folding character by character, whatever their length and place in memory. */
#include "rule/fold.h"

#include "base/buf.h"
#include "base/test.h"
#include "codec/utf8.h"

#include <string.h>

#define TEXT_MAX 160

static uint64_t random_state = 88172645463325252u;

static uint64_t dice(uint64_t sides)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % sides;
}

static size_t fold_plain(struct str text, char *out)
{
    size_t n = 0;
    while (text.n) {
        uint32_t code;
        size_t length = utf8_decode(text, &code);
        uint32_t folded = utf8_fold_code(code);
        if (folded == code)
            memcpy(out + n, text.p, length);
        n += folded == code ? length : utf8_encode(folded, out + n);
        text = str_skip(text, length);
    }
    return n;
}

static void random_texts(void)
{
    static const char *const pieces[] = {"Қазақстан", "ПАРОЛЬ", "Ä", "\xff", "İ", "@[`{", "AZaz", "\x7f", "ſ", "K"};
    char room[TEXT_MAX + 64];
    char want[FOLD_BOUND(TEXT_MAX + 64)];
    char got[FOLD_BOUND(TEXT_MAX + 64)];
    for (size_t round = 0; round < 100000; round++) {
        struct buf text;
        buf_init_fixed(&text, room, sizeof room);
        buf_text(&text, &"        "[dice(8)]); /* begins anywhere */
        size_t from = text.n;
        bool ascii = dice(2);
        for (size_t n = dice(TEXT_MAX); text.n < n;) {
            if (!ascii && dice(20) == 0)
                buf_text(&text, pieces[dice(ARRAY_LEN(pieces))]);
            else
                buf_char(&text, (char)dice(128));
        }
        struct str value = str_skip(buf_view(&text), from);
        size_t n = fold_plain(value, want);
        CHECK_STR(str_at(got, fold_text(value, got)), str_at(want, n));
    }
}

static const struct test tests[] = {
    {"as character by character", random_texts},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
