/* arena.h - memory by lifetime: everything allocated in an arena goes at once, and an arena has a hard limit.
 *
 * One arena for a process, a configuration, a connection, a batch, a request. Passing an arena in means "the result
 * lives there". Allocation past the limit returns NULL: out of budget is a result the caller handles.
 * malloc is called in this room only. Single-threaded. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* NULL only when the system has no memory, or an injected failure says so. */
struct arena *arena_new(size_t limit_bytes);
void arena_free(struct arena *arena);     /* NULL is fine */
void arena_cleanup(struct arena **arena); /* for CLEANUP(arena_cleanup) */

/* Zeroed, aligned to 16. NULL past the limit. size 0 gives a unique pointer. */
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;
/* count * size, overflow-checked. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size) MUST_USE;
/* Grows the latest allocation in place when it can, else copies. The old bytes stay valid until reset. */
void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size) MUST_USE;
/* Not zeroed: for hot paths that fill it at once. */
void *arena_alloc_raw(struct arena *arena, size_t size) MUST_USE;

struct str arena_str(struct arena *arena, struct str s) MUST_USE; /* copy; {NULL,0} past the limit */
char *arena_strz(struct arena *arena, struct str s) MUST_USE;     /* copy, NUL-terminated; NULL past the limit */

/* Gives the end of the latest allocation back; of any other it changes nothing. */
void arena_shrink(struct arena *arena, void *old, size_t old_size, size_t new_size);

/* Forgets everything. The first chunk is kept for reuse, and up to 4 MiB of those used since the last reset. */
void arena_reset(struct arena *arena);
size_t arena_used(const struct arena *arena);
/* An allocation got nothing since the last reset: for those who make much and look once at the end. */
bool arena_spent(const struct arena *arena);

struct arena_mark {
    void *chunk;
    size_t used;
    size_t total;
};
/* Marks a place; arena_rewind gives back all that was allocated since. */
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

/* Large plain blocks for process-long buffers. memory_new is zeroed. */
void *memory_new(size_t size) MUST_USE;
void *memory_resize(void *old, size_t size) MUST_USE;
void memory_free(void *p);
/* Gives what is free back to the system: after large work, in a process that rests for long. Milliseconds. */
void memory_trim(void);

/* Fault injection for tests: the n-th allocation of the system from now (1 = the next) fails, once; 0 = off. */
void memory_fail_at(uint64_t n);
/* Allocations of the system since the process began: how far a failing loop must count. */
uint64_t memory_allocations(void);

#endif
