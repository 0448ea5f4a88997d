/* unzstd.h - inflates zstd frames (RFC 8878) as they come, with a limit. libzstd stands behind it.
 *
 * Frames that follow one another are one text; skippable ones say nothing. A frame that wants a window of more than
 * 8 MiB is refused, as RFC 9659 has it for bodies of HTTP, and so are formats older than the RFC. Memory: what
 * unzstd_held says, at most 9 MiB a reader, besides what the caller's buffer holds. */
#ifndef CODEC_UNZSTD_H
#define CODEC_UNZSTD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct unzstd;

struct unzstd *unzstd_new(void); /* NULL without memory */
void unzstd_free(struct unzstd *unzstd);
/* Takes from the front of *bytes and appends what they give. RC_OK: all were taken. RC_AGAIN: the buffer is at its
 * limit and there is more: call again with room. RC_INVALID: they are no such frames, or a sum is wrong; RC_LIMIT: the
 * window is too large, or memory ran out. After either of these no more may be given. */
enum rc unzstd_next(struct unzstd *unzstd, struct str *bytes, struct buf *out) MUST_USE;
/* Whether the last frame is complete, its sum was right, and all of it was given. */
bool unzstd_whole(const struct unzstd *unzstd);
size_t unzstd_held(const struct unzstd *unzstd); /* bytes; NULL holds none */

#endif
