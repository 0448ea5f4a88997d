#include "base/arena.h"

#include "base/assert.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAGIC UINT32_C(0x41724e61)
#define CHUNK_FIRST ((size_t)16384)
#define CHUNK_MAX   ((size_t)1 << 20)
#define ALIGNMENT   ((size_t)16)

/* What a reset keeps for the next use: work that comes in batches would else fetch and clear the same pages each time.
 * Under the address sanitizer nothing, so that it sees who still holds what a reset took. */
#if defined(__SANITIZE_ADDRESS__)
#define KEPT_MAX ((size_t)0)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEPT_MAX ((size_t)0)
#endif
#endif
#ifndef KEPT_MAX
#define KEPT_MAX ((size_t)4 << 20)
#endif

struct chunk {
    struct chunk *older;
    size_t size; /* bytes usable after this header */
    size_t used;
    size_t padding;
};

struct arena {
    uint32_t magic;
    struct chunk *newest;
    struct chunk *kept; /* used before the last reset and not again yet; `older` leads to what was used behind it */
    size_t limit;
    size_t used; /* handed out, in all chunks */
    bool spent;
};

static _Atomic uint64_t allocation_count;
static _Atomic uint64_t allocation_fail_at;

/* Counts an allocation of the system; false when it is the one that shall fail. */
static bool may_allocate(void)
{
    uint64_t n = atomic_fetch_add(&allocation_count, 1) + 1;
    uint64_t fail = atomic_load(&allocation_fail_at);
    return !fail || n != fail;
}

static void *system_alloc(size_t size)
{
    return may_allocate() ? malloc(size) : NULL;
}

void memory_fail_at(uint64_t n)
{
    atomic_store(&allocation_fail_at, n ? atomic_load(&allocation_count) + n : 0);
}

uint64_t memory_allocations(void)
{
    return atomic_load(&allocation_count);
}

void *memory_new(size_t size)
{
    /* Not malloc and memset: large memory comes from the system zeroed, and most of it is never touched. */
    return may_allocate() ? calloc(1, size ? size : 1) : NULL;
}

void *memory_resize(void *old, size_t size)
{
    return may_allocate() ? realloc(old, size ? size : 1) : NULL;
}

void memory_free(void *p)
{
    free(p);
}

void memory_trim(void)
{
    IGNORE(malloc_trim(0)); /* whether there was anything */
}

struct arena *arena_new(size_t limit_bytes)
{
    struct arena *arena = memory_new(sizeof *arena);
    if (!arena)
        return NULL;
    arena->magic = ARENA_MAGIC;
    arena->limit = limit_bytes;
    return arena;
}

static void chunks_free_until(struct arena *arena, const struct chunk *keep)
{
    while (arena->newest != keep) {
        struct chunk *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
}

static void kept_free(struct arena *arena)
{
    while (arena->kept) {
        struct chunk *next = arena->kept->older;
        free(arena->kept);
        arena->kept = next;
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    ASSERT(arena->magic == ARENA_MAGIC);
    chunks_free_until(arena, NULL);
    kept_free(arena);
    arena->magic = 0;
    free(arena);
}

void arena_cleanup(struct arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}

static bool chunk_add(struct arena *arena, size_t size)
{
    size_t want = arena->newest ? MIN(arena->newest->size * 2, CHUNK_MAX) : CHUNK_FIRST;
    struct chunk *chunk = arena->kept;
    want = MAX(want, size);
    if (chunk && chunk->size >= size) {
        want = chunk->size;
        arena->kept = chunk->older;
    } else {
        chunk = system_alloc(sizeof *chunk + want);
    }
    if (!chunk)
        return false;
    *chunk = (struct chunk){.older = arena->newest, .size = want};
    arena->newest = chunk;
    return true;
}

static void *refuse(struct arena *arena)
{
    arena->spent = true;
    return NULL;
}

static size_t aligned(size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    return size ? size : ALIGNMENT;
}

void *arena_alloc_raw(struct arena *arena, size_t size)
{
    ASSERT(arena->magic == ARENA_MAGIC);
    if (size > SIZE_MAX - ALIGNMENT)
        return refuse(arena);
    size = aligned(size);
    if (size > arena->limit || arena->used > arena->limit - size)
        return refuse(arena);
    if (!arena->newest || arena->newest->size - arena->newest->used < size)
        if (!chunk_add(arena, size))
            return refuse(arena);
    struct chunk *chunk = arena->newest;
    char *p = (char *)(chunk + 1) + chunk->used;
    chunk->used += size;
    arena->used += size;
    return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *p = arena_alloc_raw(arena, size);
    if (p)
        memset(p, 0, size);
    return p;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return arena_alloc(arena, bytes);
}

void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size)
{
    ASSERT(new_size >= old_size);
    size_t old_room = (old_size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (old && new_size <= old_room) {
        memset((char *)old + old_size, 0, new_size - old_size);
        return old;
    }
    void *p = arena_alloc_raw(arena, new_size);
    if (!p)
        return NULL;
    if (old_size)
        memcpy(p, old, old_size);
    memset((char *)p + old_size, 0, new_size - old_size);
    return p;
}

void arena_shrink(struct arena *arena, void *old, size_t old_size, size_t new_size)
{
    struct chunk *chunk = arena->newest;
    ASSERT(new_size <= old_size && chunk);
    if ((char *)old + aligned(old_size) != (char *)(chunk + 1) + chunk->used)
        return;
    size_t less = aligned(old_size) - aligned(new_size);
    chunk->used -= less;
    arena->used -= less;
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *p = arena_alloc_raw(arena, s.n);
    if (!p)
        return STR_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

char *arena_strz(struct arena *arena, struct str s)
{
    char *p = arena_alloc_raw(arena, s.n + 1);
    if (!p)
        return NULL;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

void arena_reset(struct arena *arena)
{
    ASSERT(arena->magic == ARENA_MAGIC);
    size_t size = 0;
    kept_free(arena); /* what was not needed since the reset before */
    for (const struct chunk *chunk = arena->newest; chunk; chunk = chunk->older)
        size += chunk->size;
    while (arena->newest && arena->newest->older) {
        struct chunk *chunk = arena->newest;
        arena->newest = chunk->older;
        if (size <= KEPT_MAX) {
            chunk->older = arena->kept;
            arena->kept = chunk;
        } else {
            size -= chunk->size;
            free(chunk);
        }
    }
    if (arena->newest)
        arena->newest->used = 0;
    arena->used = 0;
    arena->spent = false;
}

bool arena_spent(const struct arena *arena)
{
    return arena->spent;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){arena->newest, arena->newest ? arena->newest->used : 0, arena->used};
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    ASSERT(arena->magic == ARENA_MAGIC);
    ASSERT(mark.total <= arena->used);
    chunks_free_until(arena, mark.chunk);
    if (arena->newest)
        arena->newest->used = mark.used;
    arena->used = mark.total;
}
