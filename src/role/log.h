/* log.h - one line a happening on standard error: time, level, role, message. Only role, agent and cmd log.
 * Hostile bytes are shown as \xNN; lines are cut at 2 KiB; a burst of one process is limited to 50 lines a second, what
 * was left out is counted and said. Secrets are never given to it. */
#ifndef ROLE_LOG_H
#define ROLE_LOG_H

#include "base/macros.h"

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

void log_open(const char *role); /* the name is kept, not copied */
void log_line(enum log_level level, const char *format, ...) PRINTF(2, 3);

#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
