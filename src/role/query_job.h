/* query_job.h - searches that role `query` works on a slice at a time, so that other questions are answered in between.
 *
 *     none ──ask search──► a slice of work ──not done──► kept under a token ──ask search with it──► a slice … ──► gone
 *                                └──done──► gone                            └──nobody asks──► gone
 *
 * A stop makes an end of looking: what sorting has kept is still read, then it is gone like one that is done.
 * Nothing is worked on between questions: whoever goes away leaves no work behind. Bounded: QUERY_JOBS_MAX, the one
 * that was asked for longest ago gives way; JOB_IDLE_NS. */
#ifndef ROLE_QUERY_JOB_H
#define ROLE_QUERY_JOB_H

#include "archive/search.h"
#include "base/buf.h"
#include "codec/json.h"
#include "event/names.h"

#include <stdint.h>

#define QUERY_JOBS_MAX  8
#define QUERY_LIMIT_MAX 500 /* events an answer */

struct query_jobs;

/* NULL without memory. */
struct query_jobs *query_jobs_new(const struct names *names, int32_t zone_s);
void query_jobs_free(struct query_jobs *jobs);
/* Before the reader that they search is closed. */
void query_jobs_drop(struct query_jobs *jobs);
/* Drops those that nobody asks for any more. */
void query_jobs_tick(struct query_jobs *jobs, uint64_t boot_ns);
/* Answers one question "search" (doc/api.md), whose numbers are in their bounds, into `out`. RC_INVALID: the query does
 * not read, err->offset says where; RC_NOT_FOUND: there is no such job; RC_LIMIT: it needs more memory than there is
 * for it; others: the search failed. */
enum rc query_jobs_ask(struct query_jobs *jobs, struct archive_reader *reader, const struct json_value *question,
                       struct buf *out, struct err *err) MUST_USE;
/* The whole answer to a question that is refused: `key` is that of its text, error.KEY. */
void query_refuse(struct buf *out, const char *key, const struct err *err);
void query_refuse_begin(struct buf *out, const char *key, const struct err *err); /* the object is left open */
/* A record's members; of one whose fields alone would fill the answer only the beginning of its bytes. */
void query_members_write(struct buf *out, const struct archive_hit *hit, const struct names *names);

#endif
