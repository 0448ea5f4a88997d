/* query_try.h - rules that people write, tried over the archive's newest records and over what they paste (doc/api.md,
 * "rule.try"); under `query`, a slice of work at a time as searches are (query_job.h), so that these do not wait.
 *
 *     none ──ask──► a slice ──not done──► kept under a token ──ask with it──► a slice … ──► done, gone
 *                                                   └──nobody asks for half a minute──► gone
 *
 * Bounded: QUERY_TRIES_MAX at once, the one that was asked for longest ago gives way; QUERY_TRY_EVENTS records. Each
 * looks at the archive as it was when it began, with a reader of its own. */
#ifndef ROLE_QUERY_TRY_H
#define ROLE_QUERY_TRY_H

#include "archive/reader.h"
#include "base/buf.h"
#include "codec/json.h"
#include "role/explainer.h"

#include <stdint.h>

#define QUERY_TRIES_MAX  2
#define QUERY_TRY_EVENTS 200000 /* records */
#define QUERY_TRY_HOURS  8784   /* a year */

struct query_tries;

struct query_tries_options {
    int folder; /* of the archive; borrowed, as all */
    struct archive_reader_options reader;
    struct explainer how;
};
/* NULL without memory. */
struct query_tries *query_tries_new(const struct query_tries_options *options);
void query_tries_free(struct query_tries *tries);
/* Another mapping of the same names, borrowed. Tries under way are gone: half of one would be by other patterns. */
void query_tries_remap(struct query_tries *tries, const struct mapping *mapping);
/* Drops those that nobody asks for any more. */
void query_tries_tick(struct query_tries *tries, uint64_t boot_ns);
/* One question into `out`; `whole` are the rules in force, NULL: they are not known. RC_INVALID: the question;
 * RC_NOT_FOUND: there is no such try; RC_LIMIT: no memory for it; others: the archive could not be read. */
enum rc query_tries_ask(struct query_tries *tries, const struct rules *whole, const struct json_value *question,
                        struct buf *out, struct err *err) MUST_USE;

#endif
