#include "os/loop.h"

#include "base/arena.h"
#include "base/assert.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LOOP_BATCH 256

struct loop_watch {
    int fd;
    unsigned events;
    loop_call call; /* NULL once removed; freed when no batch can name it any more */
    void *context;
    struct loop_watch *next_dead;
};

struct loop {
    int epoll;
    struct loop_watch *dead;
};

struct loop *loop_new(void)
{
    struct loop *loop = memory_new(sizeof *loop);
    if (!loop)
        return NULL;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        memory_free(loop);
        return NULL;
    }
    return loop;
}

static void bury(struct loop *loop)
{
    while (loop->dead) {
        struct loop_watch *watch = loop->dead;
        loop->dead = watch->next_dead;
        memory_free(watch);
    }
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    bury(loop);
    close(loop->epoll);
    memory_free(loop);
}

static uint32_t epoll_bits(unsigned events)
{
    return ((events & LOOP_READ) ? (uint32_t)EPOLLIN : 0) | ((events & LOOP_WRITE) ? (uint32_t)EPOLLOUT : 0);
}

struct loop_watch *loop_add(struct loop *loop, int fd, unsigned events, loop_call call, void *context)
{
    ASSERT(call != NULL);
    struct loop_watch *watch = memory_new(sizeof *watch);
    if (!watch)
        return NULL;
    *watch = (struct loop_watch){.fd = fd, .events = events, .call = call, .context = context};
    struct epoll_event event = {.events = epoll_bits(events), .data.ptr = watch};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        memory_free(watch);
        return NULL;
    }
    return watch;
}

void loop_change(struct loop *loop, struct loop_watch *watch, unsigned events)
{
    ASSERT(watch->call != NULL);
    if (watch->events == events)
        return;
    watch->events = events;
    struct epoll_event event = {.events = epoll_bits(events), .data.ptr = watch};
    int result = epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
    ASSERT(result == 0);
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
    if (!watch)
        return;
    ASSERT(watch->call != NULL);
    int result = epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    ASSERT(result == 0 || errno == EBADF || errno == ENOENT);
    watch->call = NULL;
    watch->next_dead = loop->dead;
    loop->dead = watch;
}

void loop_wait(struct loop *loop, int timeout_ms)
{
    struct epoll_event events[LOOP_BATCH];
    int n = epoll_wait(loop->epoll, events, LOOP_BATCH, timeout_ms);
    ASSERT(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++) {
        struct loop_watch *watch = events[i].data.ptr;
        unsigned ready = ((events[i].events & EPOLLIN) ? (unsigned)LOOP_READ : 0u) |
                         ((events[i].events & EPOLLOUT) ? (unsigned)LOOP_WRITE : 0u) |
                         ((events[i].events & (EPOLLHUP | EPOLLERR)) ? (unsigned)LOOP_HANGUP : 0u);
        if (watch->call)
            watch->call(watch->context, ready);
    }
    bury(loop);
}
