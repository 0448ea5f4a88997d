#include "agent/relay_word.h"

#include "os/net.h"

#include <string.h>
#include <unistd.h>

#define MARK "qorgan-relay "

void relay_word_put(struct buf *out, const char *name, const char *text)
{
    static const char alert[] = "\x15\x03\x03\x00\x02\x02\x50"; /* record: alert, 2 bytes: fatal, internal_error */
    buf_put(out, alert, sizeof alert - 1);
    buf_format(out, MARK "%.64s: %.200s\n", name, text);
}

bool relay_word_read(struct str bytes, char *ret_text, size_t size)
{
    struct str rest = bytes;
    struct str line = str_cut(&rest, '\n');
    if (!rest.p || !str_starts(line, STR(MARK)) || size == 0)
        return false;
    line = str_slice(str_skip(line, sizeof MARK - 1), 0, size - 1);
    for (size_t i = 0; i < line.n; i++)
        ret_text[i] = line.p[i] >= 0x20 && line.p[i] < 0x7f ? line.p[i] : '?';
    ret_text[line.n] = '\0';
    return line.n > 0;
}

bool relay_word_take(int fd, char *ret_text, size_t size)
{
    char bytes[RELAY_WORD_MAX];
    ssize_t got = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1; /* it does not block: os/net.h */
    return got > 0 && relay_word_read(str_at(bytes, (size_t)got), ret_text, size);
}
