/* loop.h - waits for descriptors and for time, one thread, level-triggered (epoll).
 *
 * Callbacks may add, change and remove any watch, their own too. A removed watch is never called again. */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum loop_event { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

struct loop;
struct loop_watch;

typedef void (*loop_call)(void *context, unsigned events);

struct loop *loop_new(void); /* NULL without memory or descriptors */
void loop_free(struct loop *loop);
/* Watches a descriptor, which stays the caller's. NULL without memory or when the kernel refuses. */
struct loop_watch *loop_add(struct loop *loop, int fd, unsigned events, loop_call call, void *context);
void loop_change(struct loop *loop, struct loop_watch *watch, unsigned events);
void loop_remove(struct loop *loop, struct loop_watch *watch); /* before the descriptor is closed; NULL is fine */
/* Waits at most timeout_ms (-1 = for ever) and calls what is ready. */
void loop_wait(struct loop *loop, int timeout_ms);

#endif
