/* thread.h - one piece of work beside the loop: it is given what it needs, shares nothing, and is asked for when it is
 * done. A role that has one names SANDBOX_THREADS. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <stdbool.h>

struct thread;

/* Runs `work` with a stack of 16 MiB. NULL when there is no thread to be had. */
struct thread *thread_begin(void (*work)(void *context), void *context);
bool thread_is_done(const struct thread *thread);
/* Waits for its end, after which all that it wrote is seen here; NULL is fine. */
void thread_end(struct thread *thread);

#endif
