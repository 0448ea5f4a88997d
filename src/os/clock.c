#include "os/clock.h"

#include "base/assert.h"

#include <sys/timex.h>
#include <time.h>

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;
    int result = clock_gettime(id, &now);
    ASSERT(result == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_real_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

uint64_t clock_boot_ns(void)
{
    return (uint64_t)clock_ns(CLOCK_BOOTTIME);
}

uint64_t clock_cpu_ns(void)
{
    return (uint64_t)clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

struct clock_sync clock_sync(void)
{
    struct timex state = {.modes = 0};
    int result = adjtimex(&state);
    return (struct clock_sync){.known = result >= 0,
                               .synced = result >= 0 && result != TIME_ERROR && !(state.status & STA_UNSYNC),
                               .max_error_us = state.maxerror > 0 ? (uint64_t)state.maxerror : 0};
}
