/* query.h - the small search language, parsed and matched against an event. Pure.
 *
 *   failed password                    both words, anywhere in the record
 *   "failed password"                  the phrase
 *   host:web1 user:"Ann B" -app:cron   fields and statutory keys; `-` or `not` refuses
 *   name:adm* status>=500 size<10      * and ? are wildcards; numbers compare
 *   src:10.0.0.0/8                     networks, IPv4 and IPv6
 *   last:24h from:2026-11-20T08:00 to:2026-11-21
 *   (a or b) and not c
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

#define QUERY_TEXT_MAX  4096
#define QUERY_NODES_MAX 256
#define QUERY_DEPTH_MAX 32

struct query;

/* RC_INVALID with err->offset: the byte where it went wrong. Times without a zone are at `zone_s` seconds from UTC. */
enum rc query_parse(struct str text, int64_t now_ns, int32_t zone_s, struct arena *arena, struct query **ret_query,
                    struct err *err) MUST_USE;
/* The time range that the text names; 0 = open. `to` is exclusive. */
void query_range(const struct query *query, int64_t *ret_from_ns, int64_t *ret_to_ns);
bool query_matches(const struct query *query, const struct archive_hit *hit, const struct names *names);
/* False when no record of a block with this filter can match. */
bool query_may_match(const struct query *query, struct str filter, const uint64_t key[2]);

#endif
