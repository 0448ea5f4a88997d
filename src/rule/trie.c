#include "rule/trie.h"

#include "base/assert.h"

struct edge {
    uint32_t from; /* node << 8 | byte, plus 1; 0 = free */
    uint32_t to;
};

struct node_ends {
    uint32_t id[TRIE_ENDS];
};

struct trie {
    bool backward;
    size_t mask;
    struct edge *edges;
    struct node_ends *nodes; /* 0 is the root */
    uint32_t node_count;
    uint32_t node_limit;
};

struct trie *trie_new(struct arena *arena, size_t bytes, bool backward)
{
    struct trie *trie = arena_alloc(arena, sizeof(*trie));
    size_t size = 16;
    while (size < 2 * bytes)
        size *= 2;
    if (!trie || bytes >= 1u << 24)
        return NULL;
    trie->backward = backward;
    trie->mask = size - 1;
    trie->edges = arena_alloc_array(arena, size, sizeof(struct edge));
    trie->nodes = arena_alloc_array(arena, bytes + 1, sizeof(struct node_ends));
    trie->node_count = 1;
    trie->node_limit = (uint32_t)bytes + 1;
    return trie->edges && trie->nodes ? trie : NULL;
}

static size_t edge_place(const struct trie *trie, uint32_t key)
{
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & trie->mask;
}

/* The node behind the edge; 0 when there is none. */
static uint32_t edge_find(const struct trie *trie, uint32_t node, unsigned char byte)
{
    uint32_t key = (node << 8 | byte) + 1;
    for (size_t at = edge_place(trie, key);; at = (at + 1) & trie->mask) {
        if (trie->edges[at].from == key)
            return trie->edges[at].to;
        if (trie->edges[at].from == 0)
            return 0;
    }
}

static uint32_t edge_put(struct trie *trie, uint32_t node, unsigned char byte)
{
    uint32_t key = (node << 8 | byte) + 1;
    uint32_t to = edge_find(trie, node, byte);
    if (to)
        return to;
    size_t at = edge_place(trie, key);
    while (trie->edges[at].from)
        at = (at + 1) & trie->mask;
    ASSERT(trie->node_count < trie->node_limit);
    trie->edges[at] = (struct edge){key, trie->node_count};
    return trie->node_count++;
}

static unsigned char byte_at(const struct trie *trie, struct str text, size_t i)
{
    return (unsigned char)text.p[trie->backward ? text.n - 1 - i : i];
}

void trie_put(struct trie *trie, struct str text, enum trie_end end, uint32_t id)
{
    uint32_t node = 0;
    for (size_t i = 0; i < text.n; i++)
        node = edge_put(trie, node, byte_at(trie, text, i));
    ASSERT(id != 0 && trie->nodes[node].id[end] == 0);
    trie->nodes[node].id[end] = id;
}

void trie_walk(const struct trie *trie, struct str value, trie_sink sink, void *context)
{
    uint32_t node = 0;
    for (size_t i = 0; i < value.n; i++) {
        node = edge_find(trie, node, byte_at(trie, value, i));
        if (node == 0)
            return;
        if (trie->nodes[node].id[TRIE_PART])
            sink(context, trie->nodes[node].id[TRIE_PART]);
    }
    if (trie->nodes[node].id[TRIE_WHOLE])
        sink(context, trie->nodes[node].id[TRIE_WHOLE]);
}

uint32_t trie_find(const struct trie *trie, struct str text, enum trie_end end)
{
    uint32_t node = 0;
    for (size_t i = 0; i < text.n; i++) {
        node = edge_find(trie, node, byte_at(trie, text, i));
        if (node == 0)
            return 0;
    }
    return trie->nodes[node].id[end];
}
