/* segment_hosts.h - which hosts and addresses the records of a sealed segment carry: out of their columns, a block a
 * step, without raw text or rows. It is how whoever judges age learns whose records a segment has.
 *
 * Only records from outside count: what the archive and the desk tell of themselves is of no host. */
#ifndef ARCHIVE_SEGMENT_HOSTS_H
#define ARCHIVE_SEGMENT_HOSTS_H

#include "archive/reader.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct segment_hosts;

/* `reader` is borrowed; it may be one without names. RC_NOT_FOUND: no segment begins there, or it is deleted; RC_LIMIT:
 * no memory. */
enum rc segment_hosts_new(struct archive_reader *reader, uint64_t first, struct segment_hosts **ret_hosts,
                          struct err *err) MUST_USE;
void segment_hosts_free(struct segment_hosts *hosts); /* NULL is fine */
/* RC_AGAIN until done, a block each: tens of milliseconds, more when it is large. `each` gets every pair of host and
 * address (statutory_address) of the block at least once, either of them empty when the record does not say it; they
 * are borrowed during the call. RC_INVALID: nothing was derived of some record, so that nobody can say its host;
 * RC_CORRUPT, RC_LIMIT, RC_IO: the block cannot be read. */
enum rc segment_hosts_step(struct segment_hosts *hosts,
                           void (*each)(void *context, struct str host, struct str address), void *context,
                           struct err *err) MUST_USE;

#endif
