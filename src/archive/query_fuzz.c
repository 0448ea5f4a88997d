/* The query language: the first line is the query, the rest the record. */
#include "archive/query.h"

#include "base/arena.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool may_hold(void *context, struct str word)
{
    const struct str *rest = context;
    return rest->n % 2 == 0 || str_search(*rest, word) < rest->n;
}

/* What stands behind `|` shows in the columns and cells. */
static void look(const struct query *query, const struct archive_hit *hit)
{
    struct query_column columns[QUERY_COLUMNS_MAX];
    char room[QUERY_CELL_MAX];
    size_t count = query_columns(query, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < count && !query_counts(query); i++) {
        int64_t number = 0;
        struct str text = query_cell(query, i, hit, NULL, room, &number);
        if (text.n > hit->raw.n + QUERY_CELL_MAX)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct archive_hit hit;
    struct arena *arena = arena_new(1 << 20);
    struct query *query;
    struct str rest = str_at(bytes, size);
    struct str text = str_cut(&rest, '\n');
    hit.raw = rest;
    hit.event.parser = "fuzz";
    hit.event.statutory[STATUTORY_HOST] = rest;
    if (arena && query_parse(text, 1, 0, arena, &query, NULL) == RC_OK) {
        IGNORE(query_matches(query, &hit, NULL));
        IGNORE(query_may_match(query, may_hold, &rest));
        look(query, &hit);
        IGNORE(query_exclude(query, STR("type"), STR("lifecycle"), NULL) != RC_OK);
        IGNORE(query_matches(query, &hit, NULL));
    }
    arena_free(arena);
    return 0;
}
