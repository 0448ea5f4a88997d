/* engine_patterns.h - under engine: patterns that people wrote in the service come while it is at work
 * (parser_folder.h).
 */
#ifndef ROLE_ENGINE_PATTERNS_H
#define ROLE_ENGINE_PATTERNS_H

#include "base/buf.h"
#include "base/err.h"
#include "event/normalise.h"
#include "msg/msg.h"
#include "role/engine_counts.h"
#include "role/parser_folder.h"

#include <stdbool.h>

struct engine_patterns {
    struct parsers *parsers;
    struct normaliser *normaliser;
    struct engine_counts *counts;
    bool known;        /* the desk has told them, whether they could be had or not */
    struct buf record; /* what the archive is to hold of those in force; empty: there were none yet */
};

void engine_patterns_init(struct engine_patterns *patterns); /* the first three are the caller's to set */
/* MSG_PATTERNS, between two records. What waits to be put together stays, and so does what was counted. *ret_changed:
 * they are others than before. When none of them can be had those of before stay; RC_INVALID also when a part cannot.
 */
enum rc engine_patterns_take(struct engine_patterns *patterns, struct str table, bool *ret_changed,
                             struct err *err) MUST_USE;
/* By how many patterns of people records are parsed from here on, and the digest of their table. NULL is fine. */
void engine_patterns_tell(const struct engine_patterns *patterns, struct channel *keeper);

#endif
