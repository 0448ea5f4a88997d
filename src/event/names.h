/* names.h - field names and log-source words as small numbers, the same for events and rules of one process.
 *
 * Id 0 is no name. Ids are given in order of arrival and never change. Names are exact (case matters);
 * `names_find_nocase` helps rules whose case differs. The hash is keyed: a sender cannot aim at one bucket.
 * Bounded: past NAMES_MAX names, or for a name longer than NAMES_TEXT_MAX, new names are refused and the caller counts
 * the field as lost. Texts live as long as `struct names`. Single-threaded. */
#ifndef EVENT_NAMES_H
#define EVENT_NAMES_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define NAMES_MAX      65536
#define NAMES_TEXT_MAX 1024 /* bytes of one name */

struct names;

struct names *names_new(uint64_t seed);
void names_free(struct names *names);
/* The id, added when new; 0 past the limits, for the empty name, or without memory. */
uint32_t names_put(struct names *names, struct str name);
uint32_t names_find(const struct names *names, struct str name); /* 0 when absent */
/* The first id at or after `from` that equals `name` but for ASCII case; 0 when there is none. Walks all: for rules'
 * compilation, not for events. */
uint32_t names_find_nocase(const struct names *names, struct str name, uint32_t from);
struct str names_text(const struct names *names, uint32_t id); /* empty for 0 */
uint32_t names_end(const struct names *names);                 /* ids run from 1 to names_end - 1 */
uint64_t names_seed(const struct names *names);                /* for caches in front of the table */

#endif
