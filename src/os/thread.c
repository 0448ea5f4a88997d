#include "os/thread.h"

#include "base/arena.h"
#include "base/macros.h"

#include <pthread.h>
#include <stdatomic.h>

#define STACK ((size_t)16 << 20)

struct thread {
    pthread_t id;
    atomic_bool done;
    void (*work)(void *context);
    void *context;
};

static void *run(void *self)
{
    struct thread *thread = self;
    thread->work(thread->context);
    atomic_store(&thread->done, true);
    return NULL;
}

struct thread *thread_begin(void (*work)(void *context), void *context)
{
    struct thread *thread = memory_new(sizeof *thread);
    pthread_attr_t attributes;
    if (!thread || pthread_attr_init(&attributes) != 0) {
        memory_free(thread);
        return NULL;
    }
    thread->work = work;
    thread->context = context;
    bool begun = pthread_attr_setstacksize(&attributes, STACK) == 0 &&
                 pthread_create(&thread->id, &attributes, run, thread) == 0;
    IGNORE(pthread_attr_destroy(&attributes) != 0); /* never fails here */
    if (begun)
        return thread;
    memory_free(thread);
    return NULL;
}

bool thread_is_done(const struct thread *thread)
{
    return atomic_load(&thread->done);
}

void thread_end(struct thread *thread)
{
    if (!thread)
        return;
    IGNORE(pthread_join(thread->id, NULL) != 0); /* it was begun, and is waited for once */
    memory_free(thread);
}
