#include "os/thread.h"

#include "base/test.h"

#include <stddef.h>

static void add(void *context)
{
    uint64_t *sum = context;
    for (uint64_t i = 1; i <= 100000; i++)
        *sum += i;
}

static void works_beside(void)
{
    uint64_t sum = 0;
    struct thread *thread = thread_begin(add, &sum);
    if (!CHECK(thread != NULL))
        return;
    thread_end(thread);
    CHECK_INT(sum, 5000050000);
}

static void says_when_it_is_done(void)
{
    uint64_t sum = 0;
    struct thread *thread = thread_begin(add, &sum);
    if (!CHECK(thread != NULL))
        return;
    while (!thread_is_done(thread)) /* the test's own limit ends it */
        continue;
    CHECK_INT(sum, 5000050000);
    thread_end(thread);
    thread_end(NULL);
}

static const struct test tests[] = {
    {"works beside, and is waited for", works_beside},
    {"says when it is done", says_when_it_is_done},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
