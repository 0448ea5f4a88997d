/* interrupt.h - Ctrl-C asks a command to stop where it is and to say what it has; a second one ends the process. */
#ifndef CMD_INTERRUPT_H
#define CMD_INTERRUPT_H

#include <stdbool.h>

void interrupt_watch(void);
bool interrupt_came(void);

#endif
