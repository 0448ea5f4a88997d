#include "agent/tell.h"

#include "base/buf.h"
#include "base/civil.h"
#include "os/clock.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_BYTES 1024
#define BURST_MAX  20

static int64_t burst_second;
static unsigned burst_lines;
static unsigned burst_lost;

static bool burst_allows(int64_t now_s, unsigned *ret_lost)
{
    *ret_lost = 0;
    if (now_s != burst_second) {
        burst_second = now_s;
        burst_lines = 0;
        *ret_lost = burst_lost;
        burst_lost = 0;
    }
    if (++burst_lines <= BURST_MAX)
        return true;
    burst_lost++;
    return false;
}

void tell(enum tell_level level, const char *format, ...)
{
    /* As systemd reads levels from standard error: sd-daemon(3). */
    static const char *const marks[] = {"<6>", "<4>", "<3>"};
    char text[TEXT_BYTES];
    char storage[TEXT_BYTES * 4 + 64];
    struct buf line;
    unsigned lost = 0;
    if (!burst_allows(clock_real_ns() / SECOND_NS, &lost))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_init_fixed(&line, storage, sizeof storage);
    if (lost)
        buf_format(&line, "<4>%u lines left out\n", lost);
    buf_text(&line, marks[level]);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            buf_format(&line, "\\x%02x", *p);
        else
            buf_char(&line, (char)*p);
    }
    buf_char(&line, '\n');
    /* Nowhere left to report to when standard error itself fails. */
    IGNORE(write(STDERR_FILENO, line.p, line.n) < 0);
}
