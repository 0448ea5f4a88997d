#include "os/clock.h"

#include "base/assert.h"

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
