#include "role/log.h"

#include "base/buf.h"
#include "base/civil.h"
#include "os/clock.h"
#include "role/plain_words.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define BURST_MAX      50

static const char *log_role = "qorgan";
static int64_t burst_second;
static unsigned burst_lines;
static unsigned burst_lost;

void log_open(const char *role)
{
    log_role = role;
}

static bool burst_allows(int64_t now_ns, unsigned *ret_lost)
{
    *ret_lost = 0;
    if (now_ns / SECOND_NS != burst_second) {
        burst_second = now_ns / SECOND_NS;
        burst_lines = 0;
        *ret_lost = burst_lost;
        burst_lost = 0;
    }
    if (++burst_lines <= BURST_MAX)
        return true;
    burst_lost++;
    return false;
}

static void put_escaped(struct buf *line, const char *text)
{
    for (struct str rest = str_of(text); rest.n;) {
        bool plain = false;
        size_t n = plain_next(rest, &plain);
        for (size_t i = 0; i < n && !plain; i++)
            buf_format(line, "\\x%02x", (unsigned char)rest.p[i]);
        if (plain)
            buf_str(line, str_slice(rest, 0, n));
        rest = str_skip(rest, n);
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"info", "warning", "error"};
    unsigned lost = 0;
    int64_t now_ns = clock_real_ns();
    if (!burst_allows(now_ns, &lost))
        return;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char storage[LINE_MAX_BYTES * 4];
    struct buf line;
    buf_init_fixed(&line, storage, sizeof storage);
    char time[CIVIL_TEXT_MAX];
    civil_format(now_ns, 0, 3, time);
    if (lost)
        buf_format(&line, "%s warning %s: %u lines left out\n", time, log_role, lost);
    buf_format(&line, "%s %s %s: ", time, names[level], log_role);
    put_escaped(&line, text);
    buf_char(&line, '\n');
    /* Nowhere left to report to when standard error itself fails. */
    IGNORE(write(STDERR_FILENO, line.p, line.n) < 0);
}
