/* rule_pack_source.h - the rule files of a folder or of a ZIP file, as they would stand in a pack. */
#ifndef CMD_RULE_PACK_SOURCE_H
#define CMD_RULE_PACK_SOURCE_H

#include "base/arena.h"
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
};

/* Files that end in .yml or .yaml, with their folders. Hidden names are passed over. Where there is a folder `rules`
 * at the top, those that SigmaHQ keeps beside it for other ends (deprecated, regression_data, tests...) are left out
 * and named. Links are never followed. A ZIP file whose names would lead outside, with a rule file larger than it may
 * be, or past the limits of a pack is refused whole. Call pack_source_done in any case. */
enum rc pack_source_read(const char *path, struct pack_source *ret_source, struct err *err) MUST_USE;
void pack_source_done(struct pack_source *source);

#endif
