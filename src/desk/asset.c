/* asset.c - which object a match belongs to: rules by host name and by address, kept in memory. */
#include "base/assert.h"
#include "desk/inside.h"

#include <string.h>

#define ASSETS_MAX   20000u
#define ASSET_MEMORY ((size_t)8 << 20)

struct asset {
    int64_t object;
    bool is_address;
    struct str pattern; /* host */
    uint8_t address[16];
    unsigned bits;
};

struct desk_assets {
    struct arena *arena;
    struct asset *asset;
    size_t count;
    int64_t fallback; /* the default object */
};

/* '*' stands for any characters; ASCII case does not matter. Without recursion: the last star is the only one that
 * ever has to give up characters. */
static bool glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && char_lower(pattern.p[p]) == char_lower(text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool in_network(const uint8_t address[16], const uint8_t network[16], unsigned bits)
{
    size_t whole = bits / 8;
    if (memcmp(address, network, whole) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0;
}

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
    if (assets && arena)
        assets->asset = arena_alloc_array(arena, ASSETS_MAX, sizeof *assets->asset);
    if (!assets || !arena || !assets->asset) {
        arena_free(arena);
        memory_free(assets);
        db_fail(desk->db, RC_LIMIT, "out of memory for the objects' rules");
        return;
    }
    assets->arena = arena;
    struct db_query q = db_query(desk->db, "SELECT object, kind, pattern FROM asset ORDER BY object, place");
    while (assets->count < ASSETS_MAX && db_next(&q)) {
        struct asset *asset = &assets->asset[assets->count];
        asset->object = db_i64(&q);
        asset->is_address = str_is(db_text(&q), "address");
        asset->pattern = db_text_copy(&q, arena);
        if (!asset->is_address || address_read(asset->pattern, asset->address, &asset->bits))
            assets->count++;
    }
    db_query_end(&q);
    q = db_query(desk->db, "SELECT min(id) FROM object");
    assets->fallback = db_one_i64(&q, 0);
    assets_free(desk);
    desk->assets = assets;
}

/* How well a rule fits, 0 when it does not: an exact host, then the longest pattern, then the narrowest network. */
static size_t fitness(const struct asset *asset, struct str host, const uint8_t *address)
{
    if (asset->is_address)
        return address && in_network(address, asset->address, asset->bits) ? 1 + asset->bits : 0;
    if (host.n == 0 || !glob(asset->pattern, host))
        return 0;
    return str_find(asset->pattern, '*') == asset->pattern.n ? SIZE_MAX : 1000 + asset->pattern.n;
}

int64_t assets_object(const struct desk *desk, struct str host, struct str address)
{
    const struct desk_assets *assets = desk->assets;
    ASSERT(assets);
    uint8_t bytes[16];
    unsigned bits;
    bool has_address = address_read(address, bytes, &bits) && bits == 128;
    int64_t object = assets->fallback;
    size_t best = 0;
    for (size_t i = 0; i < assets->count; i++) {
        size_t fit = fitness(&assets->asset[i], host, has_address ? bytes : NULL);
        if (fit > best) {
            best = fit;
            object = assets->asset[i].object;
        }
    }
    return object;
}
