/* replace.h - under the reaper: files that the packer made take the places of their segments, once the same was found
 * in both (archive/repack.h), a block a step. The rename is under the lock that tombstones are written under, and only
 * while there is none. Then the key of the former file goes. */
#ifndef ROLE_REPLACE_H
#define ROLE_REPLACE_H

#include "base/err.h"
#include "os/vault.h"

#include <stdbool.h>
#include <stdint.h>

struct replace_options {
    int archive;  /* folder */
    int segments; /* its folder seg/ */
    const struct vault *vault;
    /* A file whose segment is not there: it may have been deleted. */
    void (*stray)(void *context);
    void *context;
};

struct replace;

struct replace *replace_new(const struct replace_options *options); /* NULL without memory */
/* Looks for a file, or compares a block; RC_DENIED: the archive is under a master key that is not here. */
enum rc replace_step(struct replace *replace, uint64_t boot_ns) MUST_USE;
bool replace_busy(const struct replace *replace); /* there is more to compare now */

#endif
