/* query.h - the small search language, parsed and matched against an event. Pure.
 *
 *   failed password                    both words, anywhere in the record
 *   "failed password"                  the phrase
 *   host:web1 user:"Ann B" -app:cron   fields and statutory keys; `-` or `not` refuses
 *   name:adm* status>=500 size<10      * and ? are wildcards; numbers compare
 *   src:10.0.0.0/8                     networks, IPv4 and IPv6
 *   last:24h from:2026-11-20T08:00 to:2026-11-21
 *   (a or b) and not c
 *   failed | count by host, account | sort -count | head 10
 *   status>=500 | timechart 5m by host
 *   user:root | sort time | head 20 | fields time, host, src
 *
 * Behind the first `|` stand commands: `count [by KEYS]` and `timechart SPAN [by KEYS]` make a table, `sort KEYS` (`-`
 * falls), `head N`, `fields KEYS` order, cut and choose. Without `count` they work on events.
 *
 * Case never matters in values. Keys `record`, `source`, `transport`, `parser`, `rule`, `type` mean the record itself.
 * Words stand in the raw text or in a field's value, at word borders; `*` loosens them. */
#ifndef ARCHIVE_QUERY_H
#define ARCHIVE_QUERY_H

#include "archive/reader.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "event/names.h"

#include <stdbool.h>
#include <stdint.h>

#define QUERY_TEXT_MAX    4096
#define QUERY_NODES_MAX   256
#define QUERY_DEPTH_MAX   32
#define QUERY_KEYS_MAX    8 /* of `by` and `sort` */
#define QUERY_COLUMNS_MAX 16
#define QUERY_STAGES_MAX  8
#define QUERY_CELL_MAX    1024
#define QUERY_HEAD_MAX    1000000

struct query;

/* RC_INVALID with err->offset: the byte where it went wrong. Times without a zone are at `zone_s` seconds from UTC. */
enum rc query_parse(struct str text, int64_t now_ns, int32_t zone_s, struct arena *arena, struct query **ret_query,
                    struct err *err) MUST_USE;
/* The time range that the text names; 0 = open. `to` is exclusive. */
void query_range(const struct query *query, int64_t *ret_from_ns, int64_t *ret_to_ns);
bool query_matches(const struct query *query, const struct archive_hit *hit, const struct names *names);
/* Whether a block, or a segment, may hold a word (folded, as word_next gives it): false only when it surely cannot. */
typedef bool (*query_may_hold)(void *context, struct str word);
/* False when no record of it can match. */
bool query_may_match(const struct query *query, query_may_hold may_hold, void *context);
/* Leaves out the records whose field has the value: both in lower case. RC_LIMIT. */
enum rc query_exclude(struct query *query, struct str name, struct str value, struct err *err) MUST_USE;

/* ---- what the answer looks like ---- */

enum query_column_kind { QUERY_COLUMN_TEXT, QUERY_COLUMN_COUNT, QUERY_COLUMN_MOMENT /* nanoseconds UTC */ };

struct query_column {
    struct str name; /* as it was written */
    enum query_column_kind kind;
};

/* A table made of all matches: `count` or `timechart`. */
bool query_counts(const struct query *query);
/* Nothing stands behind a `|`: every match is given, newest first. */
bool query_is_filter(const struct query *query);
/* How many events the query's own `head` leaves at most; 0: all. */
uint64_t query_head(const struct query *query);
/* The step of a timechart in nanoseconds; 0 when it is none. */
int64_t query_step(const struct query *query);
/* The columns of the table, or those that `fields` chose of events; 0: events as they are. `size` is at least
 * QUERY_COLUMNS_MAX. */
size_t query_columns(const struct query *query, struct query_column *ret_columns, size_t size);
/* The text of an event's column (or its number, by the column's kind), borrowed from the hit or made in
 * `room` of QUERY_CELL_MAX bytes. */
struct str query_cell(const struct query *query, size_t column, const struct archive_hit *hit,
                      const struct names *names, char *room, int64_t *ret_number);

#endif
