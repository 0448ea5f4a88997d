/* snappy.h - raw Snappy blocks (not the framed stream), as Prometheus' remote write and Loki's push carry them.
 * Source: google/snappy, format_description.txt. */
#ifndef CODEC_SNAPPY_H
#define CODEC_SNAPPY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Appends the text of a block to an empty buffer. RC_INVALID: no such block; RC_LIMIT: it is longer than the buffer may
 * be, which is known before anything is made of it. */
enum rc snappy_read(struct str block, struct buf *out) MUST_USE;

#endif
