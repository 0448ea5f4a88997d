/* pack.h - bytes compressed by zstd with their plain length in front; the only place that calls zstd. */
#ifndef ARCHIVE_PACK_H
#define ARCHIVE_PACK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define PACK_HOT    3 /* levels */
#define PACK_COLD   19
#define PACK_SHARED 9 /* what a whole segment shares */

struct packer;

struct packer *packer_new(void); /* NULL without memory */
void packer_free(struct packer *packer);
/* Behind `out`'s bytes: be32 plain length, u8 method (0 plain, 1 zstd), then the bytes. Overflow is sticky in `out`. */
void pack(struct packer *packer, struct str plain, int level, struct buf *out);
/* The plain length, as the front says it; nothing packed is 0 bytes. RC_CORRUPT when it is cut short or longer. */
enum rc unpacked_size(struct str packed, size_t limit, uint32_t *ret_size, struct err *err) MUST_USE;
/* Into the arena; RC_CORRUPT when damaged or longer than `limit`; RC_LIMIT without memory. */
enum rc unpack(struct str packed, size_t limit, struct arena *arena, struct str *ret_plain, struct err *err) MUST_USE;

#endif
