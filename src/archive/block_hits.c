/* Hits that come to a block after it was finished: its two columns of rules and its words are written anew, everything
 * else is copied as it is packed. An engine keeps a block back for the events that have pieces in it; nearly none of
 * them hits, so that what it keeps is the finished bytes, and only a hit costs this. */
#include "archive/block_view.h"
#include "archive/pack.h"
#include "archive/rule_set.h"
#include "archive/words.h"
#include "base/assert.h"

#include <string.h>

#define SCRATCH_MAX  ((size_t)64 << 20)
#define COLUMN_BYTES ((size_t)16 << 20)

struct patch {
    struct block *block;
    struct block_trailer trailer;
    struct str *set_of; /* of each record */
    struct words words;
    struct packer *packer;
    struct arena *arena;
    struct buf sets;
    struct buf which;
};

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "a block with its late hits is too large, or there is no memory");
}

static bool hit_take(struct patch *p, const struct block_hit *hit)
{
    uint32_t position;
    if (!block_find(p->block, hit->record, &position) || rule_set_count(p->set_of[position]) >= EVENT_FIELDS_MAX)
        return false;
    struct buf set CLEANUP(buf_done) = {0};
    buf_init(&set, COLUMN_BYTES);
    buf_str(&set, p->set_of[position]);
    rule_set_put(&set, hit->rule);
    struct str grown = set.overflow ? STR_NONE : arena_str(p->arena, buf_view(&set));
    if (!grown.p)
        return false;
    p->set_of[position] = grown;
    words_add_text(&p->words, hit->rule);
    return true;
}

/* The distinct sets, the empty one first, and which each record has. */
static bool sets_write(struct patch *p)
{
    const struct block *b = p->block;
    struct map *map = map_new(BLOCK_RECORDS_MAX + 1, b->info.key[1]);
    bool ok = map && map_put(map, STR(""));
    for (uint32_t i = 0; i < b->info.count && ok; i++) {
        uint32_t position = map_distinct(map, p->set_of[i]);
        buf_varint(&p->which, position);
        ok = position != UINT32_MAX;
    }
    buf_varint(&p->sets, ok ? map_count(map) : 0);
    for (size_t i = 0; ok && i < map_count(map); i++) {
        struct str set;
        uint64_t position;
        ok = map_at(map, i, &set, &position);
        rule_set_put(&p->sets, set); /* a list has its texts as a set has its rules */
    }
    map_free(map);
    return ok && !p->which.overflow && !p->sets.overflow;
}

static void column_copy(struct patch *p, enum column id, struct buf *out)
{
    if (id == COLUMN_RULE_SETS)
        pack(p->packer, buf_view(&p->sets), PACK_HOT, out);
    else if (id == COLUMN_RULE_SET)
        pack(p->packer, buf_view(&p->which), PACK_HOT, out);
    else
        buf_str(out, p->block->packed[id]);
}

/* In the order of the directory, which readers go by. */
static bool columns_write(struct patch *p, struct str bytes, struct buf *out)
{
    size_t start = out->n;
    size_t front = BLOCK_HEADER + (COLUMN_COUNT - 1) * 6;
    uint16_t columns = get_be16(bytes.p + 6);
    if (columns > COLUMN_COUNT - 1)
        return false;
    buf_str(out, str_slice(bytes, 0, front));
    for (uint16_t i = 0; i < columns && !out->overflow; i++) {
        size_t entry = BLOCK_HEADER + (size_t)i * 6;
        uint16_t id = get_be16(bytes.p + entry);
        size_t at = out->n;
        if (id == 0 || id >= COLUMN_COUNT)
            return false;
        column_copy(p, (enum column)id, out);
        if (!out->overflow)
            put_be32(out->p + start + entry + 2, (uint32_t)(out->n - at));
    }
    return !out->overflow;
}

static void trailer_write(struct patch *p, struct buf *out)
{
    size_t start = out->n;
    buf_be32(out, (uint32_t)p->trailer.delta.n);
    buf_be32(out, 0);
    buf_be32(out, 0);
    buf_str(out, p->trailer.delta);
    size_t hashes = out->n;
    if (p->trailer.hashes.n) /* else they were too many, and stay so */
        words_hashes(&p->words, out);
    if (out->overflow)
        return;
    put_be32(out->p + start + 4, (uint32_t)((out->n - hashes) / 8));
    put_be32(out->p + start + 8, crc32c(0, out->p + start + BLOCK_TRAILER, out->n - start - BLOCK_TRAILER));
}

static bool block_rewrite(struct patch *p, struct str bytes, struct buf *out)
{
    size_t start = out->n;
    if (!sets_write(p) || !columns_write(p, bytes, out))
        return false;
    size_t filter = out->n;
    if (p->trailer.hashes.n)
        words_filter_bits(&p->words, WORDS_BITS_BLOCK, out);
    size_t size = out->n - start;
    if (out->overflow || size > BLOCK_SIZE_MAX)
        return false;
    char *block = out->p + start;
    put_be32(block + BLOCK_AT_SIZE, (uint32_t)size);
    put_be32(block + BLOCK_AT_FILTER, (uint32_t)(filter - start));
    put_be32(block + BLOCK_AT_FILTER + 4, (uint32_t)(out->n - filter));
    put_be32(block + BLOCK_HEADER - 8, crc32c(0, block + BLOCK_HEADER, size - BLOCK_HEADER));
    put_be32(block + BLOCK_HEADER - 4, crc32c(0, block, BLOCK_HEADER - 4));
    trailer_write(p, out);
    return !out->overflow;
}

static enum rc patch_open(struct patch *p, struct str bytes, struct err *err)
{
    enum rc rc = block_frame(&(struct block_bytes){.bytes = bytes}, p->arena, &p->block, err);
    rc = rc == RC_OK ? block_trailer_read(bytes, &p->block->info, &p->trailer, err) : rc;
    rc = rc == RC_OK ? block_heads(p->block, err) : rc;
    rc = rc == RC_OK ? block_rule_sets(p->block, err) : rc;
    if (rc != RC_OK)
        return rc;
    const struct block *b = p->block;
    p->set_of = arena_alloc_array(p->arena, b->info.count, sizeof *p->set_of);
    if (!p->set_of)
        return no_memory(err);
    for (uint32_t i = 0; i < b->info.count; i++)
        p->set_of[i] = b->rule_sets[b->rule_set_of[i]];
    words_init(&p->words, b->info.key);
    words_add_hashes(&p->words, p->trailer.hashes);
    return RC_OK;
}

enum rc block_hits_add(struct str bytes, const struct block_hit *hits, size_t count, struct buf *out, size_t *ret_added,
                       struct err *err)
{
    struct patch p = {.packer = packer_new(), .arena = arena_new(SCRATCH_MAX)};
    size_t start = out->n;
    *ret_added = 0;
    buf_init(&p.sets, COLUMN_BYTES);
    buf_init(&p.which, COLUMN_BYTES);
    enum rc rc = p.packer && p.arena ? patch_open(&p, bytes, err) : no_memory(err);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        *ret_added += hit_take(&p, &hits[i]);
    if (rc == RC_OK && !block_rewrite(&p, bytes, out)) {
        out->n = start;
        out->overflow = false;
        rc = no_memory(err);
    }
    words_done(&p.words);
    buf_done(&p.sets);
    buf_done(&p.which);
    arena_free(p.arena);
    packer_free(p.packer);
    return rc;
}
