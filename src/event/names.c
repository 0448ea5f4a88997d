#include "event/names.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hash.h"

#include <string.h>

#define NAMES_MAGIC UINT32_C(0x4e616d65)
#define NAMES_FIRST ((uint32_t)256)
#define TEXTS_LIMIT ((size_t)NAMES_MAX * (NAMES_TEXT_MAX + 16))

struct name {
    const char *p;
    uint32_t n;
    uint32_t hash;
};

/* Invariant: slots is a power of two at least twice `end`, so a probe always meets an empty slot. */
struct names {
    uint32_t magic;
    uint32_t end;  /* name[0] is no name */
    uint32_t room; /* of name */
    uint32_t slots;
    uint64_t seed;
    struct name *name;
    uint32_t *slot; /* id, 0 = empty */
    struct arena *texts;
};

static bool names_make_room(struct names *names)
{
    if (names->end == names->room) {
        uint32_t room = MAX(names->room * 2, NAMES_FIRST);
        struct name *name = memory_resize(names->name, room * sizeof *name);
        if (!name)
            return false;
        names->name = name;
        names->room = room;
    }
    if (names->slots >= 2 * (names->end + 1))
        return true;
    uint32_t slots = MAX(names->slots * 2, 2 * NAMES_FIRST);
    uint32_t *slot = memory_new(slots * sizeof *slot);
    if (!slot)
        return false;
    for (uint32_t id = 1; id < names->end; id++) {
        uint32_t at = names->name[id].hash & (slots - 1);
        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = id;
    }
    memory_free(names->slot);
    names->slot = slot;
    names->slots = slots;
    return true;
}

struct names *names_new(uint64_t seed)
{
    struct names *names = memory_new(sizeof *names);
    if (!names)
        return NULL;
    names->magic = NAMES_MAGIC;
    names->seed = seed;
    names->texts = arena_new(TEXTS_LIMIT);
    if (!names->texts || !names_make_room(names)) {
        names_free(names);
        return NULL;
    }
    names->name[0] = (struct name){"", 0, 0};
    names->end = 1;
    return names;
}

void names_free(struct names *names)
{
    if (!names)
        return;
    ASSERT(names->magic == NAMES_MAGIC);
    memory_free(names->name);
    memory_free(names->slot);
    arena_free(names->texts);
    names->magic = 0;
    memory_free(names);
}

static uint32_t names_look(const struct names *names, struct str name, uint32_t hash)
{
    for (uint32_t at = hash & (names->slots - 1);; at = (at + 1) & (names->slots - 1)) {
        uint32_t id = names->slot[at];
        if (!id)
            return 0;
        const struct name *have = &names->name[id];
        if (have->hash == hash && have->n == name.n && memcmp(have->p, name.p, name.n) == 0)
            return id;
    }
}

uint32_t names_find(const struct names *names, struct str name)
{
    ASSERT(names->magic == NAMES_MAGIC);
    return name.n ? names_look(names, name, (uint32_t)hash_text(names->seed, name)) : 0;
}

uint32_t names_put(struct names *names, struct str name)
{
    ASSERT(names->magic == NAMES_MAGIC);
    if (!name.n)
        return 0;
    uint32_t hash = (uint32_t)hash_text(names->seed, name);
    uint32_t found = names_look(names, name, hash);
    if (found)
        return found;
    if (names->end > NAMES_MAX || name.n > NAMES_TEXT_MAX || !names_make_room(names))
        return 0;
    struct str copy = arena_str(names->texts, name);
    if (!copy.p)
        return 0;
    uint32_t id = names->end++;
    names->name[id] = (struct name){copy.p, (uint32_t)copy.n, hash};
    uint32_t at = hash & (names->slots - 1);
    while (names->slot[at])
        at = (at + 1) & (names->slots - 1);
    names->slot[at] = id;
    return id;
}

uint32_t names_find_nocase(const struct names *names, struct str name, uint32_t from)
{
    ASSERT(names->magic == NAMES_MAGIC);
    for (uint32_t id = MAX(from, 1); id < names->end; id++)
        if (str_eq_nocase(names_text(names, id), name))
            return id;
    return 0;
}

struct str names_text(const struct names *names, uint32_t id)
{
    ASSERT(id < names->end);
    return str_at(names->name[id].p, names->name[id].n);
}

uint32_t names_end(const struct names *names)
{
    return names->end;
}

uint64_t names_seed(const struct names *names)
{
    return names->seed;
}
