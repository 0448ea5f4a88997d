/* trie.h - which of many texts is the whole, the beginning or the end of a value, in one walk over the value.
 * Edges stand in one hash table; a walk ends at the first byte that no text has. */
#ifndef RULE_TRIE_H
#define RULE_TRIE_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trie;

enum trie_end { TRIE_WHOLE, TRIE_PART, TRIE_NUMBER, TRIE_ENDS };

/* In the arena; `backward` reads texts and values from their ends. `bytes` is an upper bound of all texts together. */
struct trie *trie_new(struct arena *arena, size_t bytes, bool backward);
/* Marks a text with an id that is not 0, one an end. */
void trie_put(struct trie *trie, struct str text, enum trie_end end, uint32_t id);

typedef void (*trie_sink)(void *context, uint32_t id);
/* Every TRIE_PART that the value begins with (ends with), and the TRIE_WHOLE that it is. */
void trie_walk(const struct trie *trie, struct str value, trie_sink sink, void *context);
/* The id of a text's end, 0 when there is none. */
uint32_t trie_find(const struct trie *trie, struct str text, enum trie_end end);

#endif
