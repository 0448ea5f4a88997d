#include "role/query_heads.h"

#include "archive/search.h"
#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

#define HEADS_BYTES ((size_t)16 << 20) /* of the lines, and of the query */

struct query_heads {
    struct arena *arena;
    struct search *search;
    unsigned steps;
    size_t count;
    struct query_head head[QUERY_HEADS_MAX];
};

static bool is_known(const struct query_heads *heads, const uint8_t *source)
{
    for (size_t i = 0; i < heads->count; i++)
        if (memcmp(heads->head[i].source.id, source, sizeof heads->head[i].source.id) == 0)
            return true;
    return false;
}

/* Newest first: an older line of the same source holds no more. */
static bool on_head(void *context, const struct archive_hit *hit)
{
    struct query_heads *heads = context;
    if (!normaliser_heads(hit->raw) || is_known(heads, hit->source.id))
        return true;
    struct query_head *head = &heads->head[heads->count];
    *head = (struct query_head){.source = hit->source, .record = hit->leaf.index, .received_ns = hit->leaf.received_ns};
    head->raw = arena_str(heads->arena, hit->raw);
    head->source.kind = arena_str(heads->arena, hit->source.kind);
    head->source.name = arena_str(heads->arena, hit->source.name);
    if (arena_spent(heads->arena))
        return false;
    return ++heads->count < QUERY_HEADS_MAX;
}

enum rc query_heads_open(struct archive_reader *reader, uint64_t before, struct query_heads **ret_heads,
                         struct err *err)
{
    ASSERT(reader && before > 0);
    struct query_heads *heads = memory_new(sizeof *heads);
    struct query *query = NULL;
    if (!heads || !(heads->arena = arena_new(HEADS_BYTES))) {
        memory_free(heads);
        return err_set(err, RC_LIMIT, "no memory for the columns that sources name");
    }
    const struct search_options options = {.hit = on_head, .context = heads, .before = before};
    enum rc rc = query_parse(STR("\"#fields:\""), 0, 0, heads->arena, &query, err);
    rc = rc == RC_OK ? search_open(reader, query, &options, &heads->search, err) : rc;
    if (rc == RC_OK)
        *ret_heads = heads;
    else
        query_heads_close(heads);
    return rc;
}

enum rc query_heads_step(struct query_heads *heads, struct err *err)
{
    ASSERT(heads->search);
    enum rc rc = search_step(heads->search, err);
    return rc == RC_AGAIN && ++heads->steps >= QUERY_HEADS_STEPS ? RC_OK : rc;
}

const struct query_head *query_heads_at(const struct query_heads *heads, size_t index)
{
    return index < heads->count ? &heads->head[index] : NULL;
}

void query_heads_close(struct query_heads *heads)
{
    if (!heads)
        return;
    search_close(heads->search);
    arena_free(heads->arena);
    memory_free(heads);
}
