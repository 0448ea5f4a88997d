/* gzip.h - inflates gzip (RFC 1952) and zlib (RFC 1950) bytes as they come, with a limit. zlib stands behind it.
 *
 * Members that follow one another are one text. Memory: 40 KiB a reader, besides what the caller's buffer holds. */
#ifndef CODEC_GZIP_H
#define CODEC_GZIP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct gunzip;

struct gunzip *gunzip_new(void); /* NULL without memory */
void gunzip_free(struct gunzip *gunzip);
/* Appends what these bytes give. RC_INVALID: they are no such stream, or its sum is wrong; RC_LIMIT: it does not fit
 * the buffer, which keeps what fitted. After either no more may be added. */
enum rc gunzip_add(struct gunzip *gunzip, struct str bytes, struct buf *out) MUST_USE;
/* Whether the stream is complete: its sum came and was right. */
bool gunzip_whole(const struct gunzip *gunzip);

#endif
