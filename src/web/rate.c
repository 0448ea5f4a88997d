#include "web/rate.h"

#include "base/assert.h"
#include "base/bytes.h"

#define MINUTE_NS        INT64_C(60000000000)
#define REFUSED_A_MINUTE 10
#define REFUSED_BURST    20
#define CALLS_DEFAULT    3000

struct bucket {
    uint64_t key; /* 0: none */
    int64_t empty_ns;
};

struct rate {
    uint64_t keys[2];
    struct {
        int64_t interval_ns;
        int64_t ahead_ns; /* how far a bucket may be ahead of the clock */
    } kinds[RATE_KINDS];
    struct bucket buckets[RATE_BUCKETS];
};

struct rate *rate_new(struct arena *arena, uint64_t seed)
{
    struct rate *rate = arena_alloc(arena, sizeof *rate);
    if (!rate)
        return NULL;
    rate->keys[0] = seed;
    rate->keys[1] = ~seed;
    rate_set(rate, CALLS_DEFAULT);
    return rate;
}

void rate_set(struct rate *rate, uint32_t calls_a_minute)
{
    ASSERT(calls_a_minute > 0);
    int64_t interval_ns = MINUTE_NS / calls_a_minute;
    /* a third of a minute's calls at once: a program that asks in bursts is not one that floods */
    rate->kinds[RATE_TOKEN].interval_ns = rate->kinds[RATE_USER].interval_ns = interval_ns;
    rate->kinds[RATE_TOKEN].ahead_ns = rate->kinds[RATE_USER].ahead_ns = MINUTE_NS / 3;
    rate->kinds[RATE_ADDRESS].interval_ns = interval_ns / 2;
    rate->kinds[RATE_ADDRESS].ahead_ns = MINUTE_NS / 3;
    rate->kinds[RATE_REFUSED].interval_ns = MINUTE_NS / REFUSED_A_MINUTE;
    rate->kinds[RATE_REFUSED].ahead_ns = REFUSED_BURST * MINUTE_NS / REFUSED_A_MINUTE;
}

static uint64_t key_of(const struct rate *rate, enum rate_kind kind, struct str name)
{
    uint64_t keys[2] = {rate->keys[0] + (uint64_t)kind, rate->keys[1]};
    uint64_t key = siphash(keys, name.p, name.n);
    return key ? key : 1;
}

/* What the caller would have to wait; `empty_ns` as it is stored. */
static int64_t wait_of(const struct rate *rate, enum rate_kind kind, int64_t empty_ns, int64_t now_ns)
{
    int64_t after = (empty_ns > now_ns ? empty_ns : now_ns) + rate->kinds[kind].interval_ns - now_ns;
    /* a clock that was set back must not lock anybody out for longer than a full bucket does */
    if (after > 2 * rate->kinds[kind].ahead_ns + rate->kinds[kind].interval_ns)
        return 0;
    return after > rate->kinds[kind].ahead_ns ? after - rate->kinds[kind].ahead_ns : 0;
}

/* The place of its bucket; RATE_BUCKETS when it has none. */
static size_t place_of(const struct rate *rate, uint64_t key)
{
    for (size_t i = 0; i < RATE_PROBES; i++)
        if (rate->buckets[(key + i) % RATE_BUCKETS].key == key)
            return (key + i) % RATE_BUCKETS;
    return RATE_BUCKETS;
}

int64_t rate_look(const struct rate *rate, enum rate_kind kind, struct str name, int64_t now_ns)
{
    size_t place = place_of(rate, key_of(rate, kind, name));
    return place < RATE_BUCKETS ? wait_of(rate, kind, rate->buckets[place].empty_ns, now_ns) : 0;
}

bool rate_knows(const struct rate *rate, enum rate_kind kind, struct str name)
{
    return place_of(rate, key_of(rate, kind, name)) < RATE_BUCKETS;
}

/* Where a bucket for it may be: the emptiest of its places is forgotten. */
static size_t place_for(const struct rate *rate, uint64_t key)
{
    size_t emptiest = key % RATE_BUCKETS;
    for (size_t i = 1; i < RATE_PROBES; i++)
        if (rate->buckets[(key + i) % RATE_BUCKETS].empty_ns < rate->buckets[emptiest].empty_ns)
            emptiest = (key + i) % RATE_BUCKETS;
    return emptiest;
}

int64_t rate_take(struct rate *rate, enum rate_kind kind, struct str name, int64_t now_ns)
{
    ASSERT(kind < RATE_KINDS);
    uint64_t key = key_of(rate, kind, name);
    size_t place = place_of(rate, key);
    if (place == RATE_BUCKETS) {
        place = place_for(rate, key);
        rate->buckets[place] = (struct bucket){.key = key};
    }
    struct bucket *found = &rate->buckets[place];
    int64_t wait_ns = wait_of(rate, kind, found->empty_ns, now_ns);
    if (wait_ns > 0)
        return wait_ns;
    bool ahead = found->empty_ns > now_ns && found->empty_ns - now_ns <= 2 * rate->kinds[kind].ahead_ns;
    found->empty_ns = (ahead ? found->empty_ns : now_ns) + rate->kinds[kind].interval_ns;
    return 0;
}
