/* buf.h - a bounded byte builder with sticky overflow.
 *
 * A buf grows up to its limit; a put that does not fit changes nothing and sets `overflow`, and every later put does
 * nothing, so that a chain of puts needs one check at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/macros.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *p;
    size_t n;
    size_t capacity;
    size_t limit;
    bool overflow; /* past the limit, or no memory */
    bool borrowed; /* storage is the caller's: never grown or freed */
};

/* Grows on the heap up to `limit`; nothing is allocated until the first put. */
void buf_init(struct buf *buf, size_t limit);
/* Uses the caller's storage. */
void buf_init_fixed(struct buf *buf, void *storage, size_t size);
void buf_done(struct buf *buf);  /* frees; the buf may be initialised again; for CLEANUP too */
void buf_clear(struct buf *buf); /* empties, keeps the storage */

void buf_put(struct buf *buf, const void *bytes, size_t n);
void buf_str(struct buf *buf, struct str s);
void buf_char(struct buf *buf, char c);
void buf_text(struct buf *buf, const char *zero_terminated);
void buf_format(struct buf *buf, const char *format, ...) PRINTF(2, 3);
void buf_vformat(struct buf *buf, const char *format, va_list args) PRINTF(2, 0);
void buf_u64(struct buf *buf, uint64_t value); /* decimal, fast */
void buf_i64(struct buf *buf, int64_t value);
void buf_hex(struct buf *buf, const void *bytes, size_t n); /* lower case */
void buf_ipv4(struct buf *buf, const uint8_t bytes[4]);     /* "192.0.2.1" */
void buf_ipv6(struct buf *buf, const uint8_t bytes[16]);    /* RFC 5952 4, without its mixed form */

/* Fixed-width numbers: be = big-endian, le = little-endian. */
void buf_u8(struct buf *buf, uint8_t value);
void buf_be16(struct buf *buf, uint16_t value);
void buf_be32(struct buf *buf, uint32_t value);
void buf_be64(struct buf *buf, uint64_t value);
void buf_le16(struct buf *buf, uint16_t value);
void buf_le32(struct buf *buf, uint32_t value);
void buf_le64(struct buf *buf, uint64_t value);
void buf_varint(struct buf *buf, uint64_t value); /* LEB128, at most 10 bytes */
void buf_svarint(struct buf *buf, int64_t value); /* zigzag */

/* Room for n bytes at the end, not yet counted; NULL on overflow. Follow with buf_grew. */
char *buf_reserve(struct buf *buf, size_t n) MUST_USE;
void buf_grew(struct buf *buf, size_t n);
/* Removes n bytes from the front. */
void buf_consume(struct buf *buf, size_t n);

struct str buf_view(const struct buf *buf); /* borrowed until the next put */
/* Terminates with NUL (not counted) and returns the text; "" on overflow. */
const char *buf_z(struct buf *buf);

#endif
