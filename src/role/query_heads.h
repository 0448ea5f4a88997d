/* query_heads.h - the columns that sources named (#Fields: of W3C) before a record, for who reads the archive from
 * there on: the last such line of each source.
 *
 *     query_heads_open ──► query_heads_step (RC_AGAIN) … ──► query_heads_at ──► query_heads_close
 *
 * Looked for from the record backwards, as far as QUERY_HEADS_STEPS steps reach, and for the QUERY_HEADS_MAX sources
 * that named columns last: of others, and of lines too far away, records are read without. Owner: the caller; one
 * thread. */
#ifndef ROLE_QUERY_HEADS_H
#define ROLE_QUERY_HEADS_H

#include "archive/reader.h"
#include "base/err.h"
#include "event/normalise.h"

#include <stdint.h>

#define QUERY_HEADS_MAX   4096u
#define QUERY_HEADS_STEPS 1000u /* of a search, about ten seconds */

struct query_head {
    struct event_source source;
    uint64_t record;
    int64_t received_ns;
    struct str raw;
};

struct query_heads;

/* The reader is borrowed until query_heads_close. RC_LIMIT without memory; else as search_open. */
enum rc query_heads_open(struct archive_reader *reader, uint64_t before, struct query_heads **ret_heads,
                         struct err *err) MUST_USE;
/* About 10 ms of work. RC_AGAIN: there is more. */
enum rc query_heads_step(struct query_heads *heads, struct err *err) MUST_USE;
/* In no order, one of a source; NULL past the last. Lives as long as the heads. */
const struct query_head *query_heads_at(const struct query_heads *heads, size_t index);
void query_heads_close(struct query_heads *heads); /* NULL is fine */

#endif
