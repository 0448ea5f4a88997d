/* The query language: the first line is the query, the rest the record. */
#include "archive/query.h"

#include "base/arena.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct archive_hit hit;
    const uint64_t key[2] = {1, 2};
    struct arena *arena = arena_new(1 << 20);
    struct query *query;
    struct str rest = str_at(bytes, size);
    struct str text = str_cut(&rest, '\n');
    hit.raw = rest;
    hit.event.parser = "fuzz";
    hit.event.statutory[STATUTORY_HOST] = rest;
    if (arena && query_parse(text, 1, 0, arena, &query, NULL) == RC_OK) {
        IGNORE(query_matches(query, &hit, NULL));
        IGNORE(query_may_match(query, rest, key));
    }
    arena_free(arena);
    return 0;
}
