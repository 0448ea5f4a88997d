/* evtx.h - the event log files of Windows (EVTX, since Vista), read by libevtx: each event as XML that winevent.h
 * understands. Only whole, seekable files: Windows writes them in chunks of 64 KiB with templates that later records
 * refer to. What libevtx recovers of deleted records is not given. */
#ifndef CODEC_EVTX_H
#define CODEC_EVTX_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define EVTX_RECORD_MAX (1u << 20) /* bytes of one event as XML */

struct evtx;

bool evtx_begins(struct str text); /* the file's first bytes; eight suffice */
/* Reads the descriptor's file, which stays open and the caller's. RC_INVALID: libevtx cannot read it. */
enum rc evtx_open(int fd, struct evtx **ret_evtx, struct err *err) MUST_USE;
/* The same of a file that is in memory, which stays there until evtx_free: for who may open none. */
enum rc evtx_open_bytes(struct str bytes, struct evtx **ret_evtx, struct err *err) MUST_USE;
void evtx_free(struct evtx *evtx); /* NULL is fine */
/* Events that there are, in the order of the file. */
uint64_t evtx_count(const struct evtx *evtx);
/* Some chunk is damaged, or the file was not closed: there may have been more events. */
bool evtx_is_damaged(const struct evtx *evtx);
/* Puts event `number` into `out`, emptied before: one line of XML, blanks between elements left out. RC_CORRUPT when it
 * cannot be read, RC_LIMIT when it is too long; the others still can. */
enum rc evtx_event(struct evtx *evtx, uint64_t number, struct buf *out, struct err *err) MUST_USE;

#endif
