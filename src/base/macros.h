/* macros.h - the few macros every room uses. None hides control flow or a declaration. */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define ARRAY_LEN(array)    (sizeof(array) / sizeof((array)[0]))
#define CLEANUP(function)   __attribute__((cleanup(function)))
#define MUST_USE            __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))
#define UNUSED(name)        name __attribute__((unused))
/* A large local whose bytes are all written before they are read: the build else clears every local. Hot paths only. */
#define UNINITIALISED __attribute__((uninitialized))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

/* Says on purpose that a result is not wanted; the reason stands in a comment beside it. */
#define IGNORE(call)                                                                                                   \
    do {                                                                                                               \
        if (call) {                                                                                                    \
        }                                                                                                              \
    } while (0)

#endif
