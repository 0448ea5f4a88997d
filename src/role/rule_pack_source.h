/* rule_pack_source.h - the rule files of a folder or of a ZIP file, as they would stand in a pack. */
#ifndef ROLE_RULE_PACK_SOURCE_H
#define ROLE_RULE_PACK_SOURCE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "role/rule_manifest.h"

#define PACK_SOURCE_LEFT_MAX 1000u /* told of what is left out */

struct pack_source_left {
    struct str path;
    const char *why;
};

struct pack_source {
    struct arena *arena;
    struct rule_pack_file *files; /* rising by path, each once */
    struct str *texts;            /* of each */
    size_t count;
    struct str note; /* pack.note at the top; empty: there is none */
    struct pack_source_left *left;
    size_t left_count; /* ever; the first PACK_SOURCE_LEFT_MAX are kept */
    struct str zip;    /* a ZIP file's bytes, not read yet; empty: none, or it is */
};

/* Files that end in .yml or .yaml, with their folders. Hidden names are passed over. Where there is a folder `rules`
 * at the top, those that SigmaHQ keeps beside it for other ends (deprecated, regression_data, tests...) are left out
 * and named. Links are never followed. A ZIP file whose names would lead outside, with a rule file larger than it may
 * be, or past the limits of a pack is refused whole. Call pack_source_done in any case. */
enum rc pack_source_read(const char *path, struct pack_source *ret_source, struct err *err) MUST_USE;
/* The same in two steps: only the second interprets what the files hold, and opens nothing. */
enum rc pack_source_gather(const char *path, struct pack_source *ret_source, struct err *err) MUST_USE;
enum rc pack_source_unpack(struct pack_source *source, struct err *err) MUST_USE;
void pack_source_done(struct pack_source *source);

/* A source as bytes, for another process. Taking them judges them as if they came from a stranger: paths, limits, and
 * each path once; hashes are made anew. RC_INVALID, RC_LIMIT. Call pack_source_done in any case. */
void pack_source_write(const struct pack_source *source, struct buf *out);
enum rc pack_source_take(struct str bytes, struct pack_source *ret_source, struct err *err) MUST_USE;

#endif
