/* clock.h - the only place that reads a clock. Everywhere else time is an argument. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_real_ns(void);  /* UTC since 1970, may step */
uint64_t clock_boot_ns(void); /* since boot, suspends included, never steps */
uint64_t clock_cpu_ns(void);  /* processor time of this process */

/* What the kernel knows of how CLOCK_REALTIME is kept (adjtimex, which changes nothing here). */
struct clock_sync {
    bool known;  /* false: it does not say */
    bool synced; /* somebody disciplines it */
    uint64_t max_error_us;
};
struct clock_sync clock_sync(void);

#endif
