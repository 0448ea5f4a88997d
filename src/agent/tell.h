/* tell.h - one line a happening on standard error, for the journal of the host: level and message.
 * Hostile bytes are shown as \xNN; lines are cut at 1 KiB; at most 20 lines a second, what was left out is counted and
 * said. Secrets are never given to it. */
#ifndef AGENT_TELL_H
#define AGENT_TELL_H

#include "base/macros.h"

enum tell_level { TELL_INFO, TELL_WARNING, TELL_ERROR };

void tell(enum tell_level level, const char *format, ...) PRINTF(2, 3);

#endif
