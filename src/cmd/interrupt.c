#include "cmd/interrupt.h"

#include "base/macros.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t came;

static void on_interrupt(int signal)
{
    (void)signal;
    came = 1;
}

void interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    IGNORE(sigaction(SIGINT, &action, NULL) != 0); /* without it the first one ends the process */
}

bool interrupt_came(void)
{
    return came != 0;
}
