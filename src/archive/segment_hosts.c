#include "archive/segment_hosts.h"

#include "archive/block_values.h"
#include "archive/reader_state.h"
#include "base/assert.h"

#include <string.h>

#define DECODE_ARENA ((size_t)256 << 20)
#define VALUES_ARENA ((size_t)64 << 20)
#define SEEN_SLOTS   (2u * BLOCK_RECORDS_MAX) /* a power of two: half of it is filled at most */

_Static_assert((SEEN_SLOTS & (SEEN_SLOTS - 1)) == 0, "slots are found by a mask");

struct segment_hosts {
    struct archive_reader *reader;
    struct segment *segment;
    struct arena *block;  /* what is decoded */
    struct arena *values; /* its keys */
    uint32_t *seen;       /* position + 1 of the first record with such a pair, open addressing */
    uint32_t next;        /* entry */
};

enum rc segment_hosts_new(struct archive_reader *reader, uint64_t first, struct segment_hosts **ret_hosts,
                          struct err *err)
{
    struct segment *segment = catalog_find(&reader->catalog, first);
    if (!segment || segment->first != first || segment->gone)
        return err_set(err, RC_NOT_FOUND, "no segment begins at record %llu", (unsigned long long)first);
    struct segment_hosts *hosts = memory_new(sizeof *hosts);
    if (hosts) {
        hosts->reader = reader;
        hosts->segment = segment;
        hosts->block = block_arena_new(DECODE_ARENA);
        hosts->values = arena_new(VALUES_ARENA);
        hosts->seen = memory_new(SEEN_SLOTS * sizeof *hosts->seen);
    }
    if (!hosts || !hosts->block || !hosts->values || !hosts->seen) {
        segment_hosts_free(hosts);
        return err_set(err, RC_LIMIT, "no memory for the hosts of a segment");
    }
    *ret_hosts = hosts;
    return RC_OK;
}

void segment_hosts_free(struct segment_hosts *hosts)
{
    if (!hosts)
        return;
    arena_free(hosts->block);
    arena_free(hosts->values);
    memory_free(hosts->seen);
    memory_free(hosts);
}

struct keys {
    struct block_values type;
    struct block_values parser;
    struct block_values host;
    struct block_values source; /* address */
    struct block_values user;
};

static enum rc keys_read(struct segment_hosts *hosts, struct block *block, struct keys *ret_keys, struct err *err)
{
    struct arena *arena = hosts->values;
    enum rc rc = block_values_own(block, BLOCK_OWN_TYPE, arena, &ret_keys->type, err);
    rc = rc == RC_OK ? block_values_own(block, BLOCK_OWN_PARSER, arena, &ret_keys->parser, err) : rc;
    rc = rc == RC_OK ? block_values_statutory(block, STATUTORY_HOST, arena, &ret_keys->host, err) : rc;
    rc = rc == RC_OK ? block_values_statutory(block, STATUTORY_SOURCE_ADDRESS, arena, &ret_keys->source, err) : rc;
    return rc == RC_OK ? block_values_statutory(block, STATUTORY_USER_ADDRESS, arena, &ret_keys->user, err) : rc;
}

static bool is_from_outside(struct str type)
{
    return str_is(type, leaf_type_name(LEAF_RAW)) || str_is(type, leaf_type_name(LEAF_DIGEST));
}

/* Whether no record before it has these values. */
static bool seen_first(uint32_t *seen, const struct keys *k, uint32_t i)
{
    uint64_t mixed = ((uint64_t)k->host.of[i] << 32 ^ (uint64_t)k->source.of[i] << 16 ^ k->user.of[i]) *
                     UINT64_C(0x9e3779b97f4a7c15);
    uint32_t at = (uint32_t)(mixed >> 40) & (SEEN_SLOTS - 1);
    for (; seen[at]; at = (at + 1) & (SEEN_SLOTS - 1)) {
        uint32_t other = seen[at] - 1;
        if (k->host.of[i] == k->host.of[other] && k->source.of[i] == k->source.of[other] &&
            k->user.of[i] == k->user.of[other])
            return false;
    }
    seen[at] = i + 1;
    return true;
}

static enum rc block_tell(struct segment_hosts *hosts, struct block *block,
                          void (*each)(void *context, struct str host, struct str address), void *context,
                          struct err *err)
{
    struct keys k = {0};
    enum rc rc = keys_read(hosts, block, &k, err);
    if (rc != RC_OK)
        return rc;
    ASSERT(block_count(block) <= BLOCK_RECORDS_MAX);
    memset(hosts->seen, 0, SEEN_SLOTS * sizeof *hosts->seen);
    for (uint32_t i = 0; i < block_count(block); i++) {
        if (!is_from_outside(k.type.value[k.type.of[i]]))
            continue;
        if (k.parser.of[i] == 0)
            return err_set(err, RC_INVALID, "nothing was derived of record %llu",
                           (unsigned long long)block_number(block, i));
        if (seen_first(hosts->seen, &k, i))
            each(context, k.host.value[k.host.of[i]],
                 statutory_address(k.source.value[k.source.of[i]], k.user.value[k.user.of[i]]));
    }
    return RC_OK;
}

enum rc segment_hosts_step(struct segment_hosts *hosts,
                           void (*each)(void *context, struct str host, struct str address), void *context,
                           struct err *err)
{
    if (hosts->next == hosts->segment->entry_count)
        return RC_OK;
    struct reader_block wanted = {.segment = hosts->segment, .entry = hosts->next, .parts = BLOCK_LAZY};
    struct block *block;
    arena_reset(hosts->block);
    arena_reset(hosts->values);
    enum rc rc = archive_reader_block(hosts->reader, &wanted, hosts->block, &block, err);
    rc = rc == RC_OK ? block_tell(hosts, block, each, context, err) : rc;
    dictionary_free(wanted.dictionary);
    hosts->next += rc == RC_OK;
    return rc == RC_OK ? RC_AGAIN : rc;
}
