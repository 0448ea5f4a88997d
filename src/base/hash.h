/* hash.h - a keyed hash of short texts, for tables in memory: who does not know the seed cannot aim at a place. Values
 * are no format: they may change from version to version.
 *
 * The multiply-and-fold construction of wyhash (Wang Yi, public domain): two loads and two multiplications for a text
 * of up to 16 bytes, two lanes for those longer than 32. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

#include <stdint.h>

uint64_t hash_text(uint64_t seed, struct str text);

#endif
