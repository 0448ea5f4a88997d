#include "role/refusals.h"

#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

#define SECOND  UINT64_C(1000000000)
#define IDLE_NS (3600 * SECOND)

/* How long a sender that goes on is counted until it is told again. */
static const uint64_t waits_ns[] = {SECOND, 10 * SECOND, 60 * SECOND, 600 * SECOND, IDLE_NS};

struct slot {
    struct refusal refusal; /* reason NULL: the place is free */
    uint64_t heard_ns;
    uint64_t due_ns;
    size_t wait; /* in waits_ns, the next */
};

struct refusals {
    size_t last;    /* the place met last: a flood comes from one */
    size_t waiting; /* places with a count */
    struct slot slot[REFUSALS_SENDERS + REFUSALS_OTHERS];
};

struct refusals *refusals_new(void)
{
    return memory_new(sizeof(struct refusals));
}

void refusals_free(struct refusals *refusals)
{
    memory_free(refusals);
}

static bool is_same(const struct refusal *a, const struct refusal *b)
{
    return a->reason == b->reason && a->source == b->source && a->cause == b->cause && a->unit == b->unit &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

/* Its place, or a free one, or one that was idle for long: from `from` up to `end`. SIZE_MAX: none is there. */
static size_t place_find(const struct refusals *refusals, const struct refusal *refusal, size_t from, size_t end,
                         uint64_t now_ns)
{
    size_t unused = SIZE_MAX;
    for (size_t i = from; i < end; i++) {
        const struct slot *slot = &refusals->slot[i];
        bool idle = slot->refusal.count == 0 && now_ns - slot->heard_ns >= IDLE_NS;
        if (slot->refusal.reason && is_same(&slot->refusal, refusal))
            return i;
        if (unused == SIZE_MAX && (!slot->refusal.reason || idle))
            unused = i;
    }
    return unused;
}

static size_t place_of(const struct refusals *refusals, struct refusal *refusal, uint64_t now_ns)
{
    if (is_same(&refusals->slot[refusals->last].refusal, refusal))
        return refusals->last;
    size_t at = place_find(refusals, refusal, 0, REFUSALS_SENDERS, now_ns);
    if (at != SIZE_MAX)
        return at;
    memset(refusal->address, 0, sizeof refusal->address);
    at = place_find(refusals, refusal, REFUSALS_SENDERS, ARRAY_LEN(refusals->slot), now_ns);
    return at != SIZE_MAX ? at : ARRAY_LEN(refusals->slot) - 1;
}

bool refusals_count(struct refusals *refusals, const struct refusal *refusal, uint64_t now_ns)
{
    struct refusal wanted = *refusal;
    ASSERT(wanted.reason && wanted.source != SIZE_MAX && wanted.cause < GAP_CAUSE_COUNT);
    size_t at = place_of(refusals, &wanted, now_ns);
    struct slot *slot = &refusals->slot[at];
    bool idle = slot->refusal.reason && slot->refusal.count == 0 && now_ns - slot->heard_ns >= IDLE_NS;
    if (!slot->refusal.reason || idle) {
        wanted.count = 0;
        *slot = (struct slot){.refusal = wanted, .due_ns = now_ns + waits_ns[0], .wait = 1};
    }
    refusals->waiting += slot->refusal.count == 0;
    refusals->last = at;
    slot->heard_ns = now_ns;
    return ++slot->refusal.count == 1;
}

bool refusals_next(struct refusals *refusals, uint64_t now_ns, bool all, struct refusal *ret_refusal)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals->slot) && refusals->waiting; i++) {
        struct slot *slot = &refusals->slot[i];
        if (slot->refusal.count == 0 || (!all && now_ns < slot->due_ns))
            continue;
        *ret_refusal = slot->refusal;
        slot->refusal.count = 0;
        slot->due_ns = now_ns + waits_ns[slot->wait];
        slot->wait = MIN(slot->wait + 1, ARRAY_LEN(waits_ns) - 1);
        refusals->waiting--;
        return true;
    }
    return false;
}
