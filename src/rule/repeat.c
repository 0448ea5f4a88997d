#include "rule/repeat.h"

#include "base/arena.h"
#include "base/assert.h"

struct repeat {
    uint64_t record;
    const struct rule *rule;
};

struct repeats {
    struct repeat ring[REPEATS_MAX];
    size_t count; /* ever noted: the next goes to count % REPEATS_MAX */
};

struct repeats *repeats_new(void)
{
    return memory_new(sizeof(struct repeats));
}

void repeats_free(struct repeats *repeats)
{
    memory_free(repeats);
}

void repeats_follow(struct repeats *repeats, const struct rules *rules)
{
    for (size_t i = 0; i < MIN(repeats->count, REPEATS_MAX); i++) {
        struct repeat *repeat = &repeats->ring[i];
        repeat->rule = repeat->rule ? rules_find_hash(rules, repeat->rule->hash) : NULL;
    }
}

static bool has_record(const struct event *event, uint64_t record)
{
    for (uint32_t i = 0; i < event->record_count; i++)
        if (event->records[i] == record)
            return true;
    return false;
}

size_t repeats_sift(struct repeats *repeats, const struct event *event, struct rule_match *matches, size_t count)
{
    ASSERT(event->record_count <= EVENT_RECORDS_MAX);
    for (size_t i = 0; event->flags & EVENT_PIECE && i < count; i++)
        repeats->ring[repeats->count++ % REPEATS_MAX] = (struct repeat){event->record, matches[i].rule};
    if (!(event->flags & EVENT_JOINED) || count == 0)
        return count;
    size_t known = MIN(repeats->count, (size_t)REPEATS_MAX);
    for (size_t i = 0; i < known; i++) {
        const struct repeat *repeat = &repeats->ring[i];
        size_t kept = 0;
        if (!has_record(event, repeat->record))
            continue;
        for (size_t m = 0; m < count; m++)
            if (matches[m].rule != repeat->rule)
                matches[kept++] = matches[m];
        count = kept;
    }
    return count;
}
