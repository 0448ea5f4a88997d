/* engine_patterns.h - under engine: patterns that people wrote in the service come while it is at work
 * (parser_folder.h).
 */
#ifndef ROLE_ENGINE_PATTERNS_H
#define ROLE_ENGINE_PATTERNS_H

#include "base/buf.h"
#include "base/err.h"
#include "event/normalise.h"
#include "role/engine_counts.h"
#include "role/parser_folder.h"

struct engine_patterns {
    struct parsers *parsers;
    struct normaliser *normaliser;
    struct engine_counts *counts;
};

/* Between two records. What waits to be put together stays, and so does what was counted. `record`, which is empty, is
 * what the archive is to hold of it: by how many such patterns records are parsed from here on, and the digest of their
 * table; nothing when they are the same as before, or cannot be had: then those of before stay. */
enum rc engine_patterns_take(const struct engine_patterns *patterns, struct str table, struct buf *record,
                             struct err *err) MUST_USE;

#endif
