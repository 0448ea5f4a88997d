/* names.h - field names and log-source words as small numbers, the same for events and rules of one process.
 * Id 0 is no name. Names are exact (case matters); `names_find_nocase` helps rules whose case differs.
 * Bounded: past the limit an event's new names are dropped (counted by the caller). Single-threaded. */
#ifndef EVENT_NAMES_H
#define EVENT_NAMES_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define NAMES_MAX 65536

struct names;

struct names *names_new(uint64_t seed);
void names_free(struct names *names);
/* The id, added when new; 0 past the limit or without memory. */
uint32_t names_put(struct names *names, struct str name);
uint32_t names_find(const struct names *names, struct str name); /* 0 when absent */
struct str names_text(const struct names *names, uint32_t id);
uint32_t names_end(const struct names *names); /* ids run from 1 to names_end - 1 */

#endif
