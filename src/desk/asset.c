/* asset.c - the objects' rules of the database, kept in memory: which object a match belongs to. */
#include "base/assert.h"
#include "desk/asset_rules.h"
#include "desk/inside.h"

#define ASSET_MEMORY ((size_t)8 << 20)

struct desk_assets {
    struct arena *arena;
    struct asset_rules rules;
};

bool asset_valid(struct str kind, struct str pattern)
{
    uint8_t address[16];
    unsigned bits;
    if (str_is(kind, "address"))
        return address_read(pattern, address, &bits);
    return str_is(kind, "host") && pattern.n > 0 && pattern.n <= DESK_FIELD_MAX && desk_one_line(pattern);
}

void assets_free(struct desk *desk)
{
    if (desk->assets)
        arena_free(desk->assets->arena);
    memory_free(desk->assets);
    desk->assets = NULL;
}

void assets_load(struct desk *desk)
{
    struct desk_assets *assets = memory_new(sizeof *assets);
    struct arena *arena = arena_new(ASSET_MEMORY);
    struct asset_rule *rule = arena ? arena_alloc_array(arena, ASSET_RULES_MAX, sizeof *rule) : NULL;
    size_t count = 0;
    if (!assets || !rule) {
        arena_free(arena);
        memory_free(assets);
        db_fail(desk->db, RC_LIMIT, "out of memory for the objects' rules");
        return;
    }
    assets->arena = arena;
    struct db_query q = db_query(desk->db, "SELECT object, kind, pattern FROM asset ORDER BY object, place");
    while (count < ASSET_RULES_MAX && db_next(&q)) {
        int64_t object = db_i64(&q);
        bool is_address = str_is(db_text(&q), "address");
        if (asset_rule_read(db_text_copy(&q, arena), is_address, object, &rule[count]))
            count++;
    }
    db_query_end(&q);
    q = db_query(desk->db, "SELECT min(id) FROM object");
    assets->rules = (struct asset_rules){.rule = rule, .count = count, .fallback = db_one_i64(&q, 0)};
    assets_free(desk);
    desk->assets = assets;
}

const struct asset_rules *assets_rules(const struct desk *desk)
{
    ASSERT(desk->assets);
    return &desk->assets->rules;
}

int64_t assets_object(const struct desk *desk, struct str host, struct str address)
{
    return asset_rules_object(assets_rules(desk), host, address);
}
