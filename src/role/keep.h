/* keep.h - how long this installation keeps records: the acts' table and the settings, checked against each other.
 *
 * keep-days holds for every source that keep-days-sources ("SOURCE=DAYS SOURCE=DAYS", SOURCE the 32 hex digits of its
 * id) does not name. No number may be below what the acts ask for. Terms of objects are the desk's (object_terms.h). */
#ifndef ROLE_KEEP_H
#define ROLE_KEEP_H

#include "archive/retention.h"
#include "base/arena.h"
#include "base/err.h"
#include "role/config.h"
#include "tlog/hash.h"

#include <stdint.h>

#define KEEP_SOURCES_MAX 128u

struct keep {
    struct retention_law law;
    struct retention_policy policy; /* borrows `sources` */
    struct retention_source sources[KEEP_SOURCES_MAX];
    struct tlog_hash law_digest; /* SHA-256 of the table */
};

/* `table` is the text of data/retention.tsv. RC_INVALID names the setting and act, edition and paragraph, or the
 * table's line; RC_NOT_FOUND: no act holds at that time. The policy points into *ret_keep. */
enum rc keep_parse(const struct config *config, struct str table, int64_t now_ns, struct keep *ret_keep,
                   struct err *err) MUST_USE;
/* Whether the event logs of an object may have a term of so many days, "keep_days" being its name in the API: not below
 * what the acts ask for now (retention_days_check), nor below the setting keep-days (RC_INVALID names it). */
enum rc keep_term_check(const struct keep *keep, uint32_t days, int64_t now_ns, struct err *err) MUST_USE;
/* The text of data/retention.tsv below `share`, at most 48 KiB: RC_LIMIT past them, else as file_load_path. */
enum rc keep_load(struct str share, struct arena *arena, struct str *ret_table, struct err *err) MUST_USE;
/* Both for a start: whether the settings may hold now. A clock so far off that no act of the table is in force is no
 * reason to refuse: then nothing is deleted, and records are kept as before. */
enum rc keep_check(const struct config *config, int64_t now_ns, struct arena *arena, struct str *ret_table,
                   struct err *err) MUST_USE;

#endif
