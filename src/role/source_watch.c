#include "role/source_watch.h"

#include "base/bytes.h"
#include "base/macros.h"

uint64_t source_watch_sequence(struct source_watch *watch, uint64_t epoch, uint64_t sequence)
{
    bool goes_on = watch->sequence && watch->epoch == epoch && sequence > watch->sequence;
    uint64_t missing = goes_on ? sequence - watch->sequence - 1 : 0;
    watch->epoch = epoch;
    watch->sequence = sequence;
    return missing;
}

/* The host's place; of a new one that of who was met longest ago. */
static struct watch_host *host_of(struct source_watch *watch, struct str name)
{
    static const uint64_t key[2] = {1, 2}; /* a name that strangers choose can only hide itself */
    uint64_t hash = siphash(key, name.n ? name.p : "", name.n) | 1;
    struct watch_host *oldest = &watch->host[0];
    watch->records++;
    for (size_t i = 0; i < WATCH_HOSTS; i++) {
        struct watch_host *host = &watch->host[i];
        if (host->hash == hash) {
            host->used_at = watch->records;
            return host;
        }
        if (!host->hash || (oldest->hash && watch->records - host->used_at > watch->records - oldest->used_at))
            oldest = host;
    }
    *oldest = (struct watch_host){.hash = hash, .used_at = watch->records};
    return oldest;
}

static enum watch_found ahead_found(struct watch_host *host, int64_t ahead_ns, int64_t *ret_step_ns)
{
    host->ahead = MIN(host->ahead + 1, WATCH_IN_ROW);
    *ret_step_ns = ahead_ns;
    return host->ahead == WATCH_IN_ROW ? WATCH_AHEAD : WATCH_NOTHING;
}

enum watch_found source_watch_time(struct source_watch *watch, struct str host_name, int64_t time_ns,
                                   int64_t received_ns, int64_t *ret_step_ns)
{
    struct watch_host *host = host_of(watch, host_name);
    *ret_step_ns = 0;
    if (time_ns <= 0 || received_ns <= 0)
        return WATCH_NOTHING;
    if (time_ns - received_ns >= WATCH_STEP_NS) /* what is not yet is no measure of what comes after */
        return ahead_found(host, time_ns - received_ns, ret_step_ns);
    host->ahead = 0;
    if (time_ns > host->high_ns - WATCH_STEP_NS) {
        host->older = 0;
        host->high_ns = MAX(host->high_ns, time_ns);
        return WATCH_NOTHING;
    }
    host->low_ns = host->older ? MAX(host->low_ns, time_ns) : time_ns;
    if (++host->older < WATCH_IN_ROW)
        return WATCH_NOTHING;
    *ret_step_ns = host->high_ns - host->low_ns;
    host->high_ns = host->low_ns;
    host->older = 0;
    return WATCH_BACK;
}
