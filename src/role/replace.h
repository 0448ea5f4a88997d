/* replace.h - under the reaper: files that the packer made take the places of their segments, once the judge found the
 * same in both (judging.h).
 *
 *     looking: what is in pack/ is taken into seg/ (staging.h)
 *        ├──a file that nobody writes──► judged ──yes──► hashing ──the very bytes that were judged──► renamed
 *        │                                 │ no, or the judge ends, lies or is late │ another file, other bytes
 *        └◄─────── refused for an hour ◄───┴────────────────────────────────────────┘
 *
 * Both files stay open from before they are judged. The rename is under the lock that tombstones are written under, and
 * only while there is none. Then the key of the former file goes. */
#ifndef ROLE_REPLACE_H
#define ROLE_REPLACE_H

#include "role/judging.h"
#include "role/staging.h"

#include <stdbool.h>
#include <stdint.h>

struct replace_options {
    int archive; /* folder */
    struct staging staging;
    struct judging *judging;
    /* A file whose segment is not there: it may have been deleted. */
    void (*stray)(void *context);
    void *context;
};

struct replace;

struct replace *replace_new(const struct replace_options *options); /* NULL without memory */
void replace_free(struct replace *replace);                         /* NULL is fine */
/* Looks for a file and has it judged, or hashes a part of what was judged, and renames it. */
void replace_step(struct replace *replace, uint64_t boot_ns);
/* The verdict of a JUDGING_SAME. */
void replace_judged(struct replace *replace, const struct judging_verdict *verdict);
bool replace_busy(const struct replace *replace); /* there is more to do now */

#endif
