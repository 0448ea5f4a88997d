/* frame.h - bytes of a frame and of a file header; pure. Format: doc/format/wal.md. */
#ifndef WAL_FRAME_H
#define WAL_FRAME_H

#include "base/err.h"
#include "base/str.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stdint.h>

#define WAL_FRAME_MAGIC UINT32_C(0x51464d31) /* "QFM1" */

struct wal_header {
    uint8_t uuid[16];
    uint64_t first;
    uint32_t previous_crc; /* of the last frame of the file before; 0 in the first file */
    bool locked;           /* encrypted: wal/lock.h */
};

void wal_header_encode(const struct wal_header *header, char ret_bytes[WAL_FILE_HEADER]);
/* RC_CORRUPT when it is no header or damaged; RC_INVALID when a newer program wrote it (unknown incompatible flags). */
enum rc wal_header_decode(struct str bytes, struct wal_header *ret_header, struct err *err) MUST_USE;

struct frame_header {
    uint32_t length; /* of the payload */
    uint32_t crc;
    uint64_t first;
    uint32_t count;
    uint32_t previous_crc;
};

/* Fills the header in front of the payload and returns the frame's crc. */
uint32_t frame_seal(char *frame, size_t size, uint64_t first, uint32_t count, uint32_t previous_crc);
/* RC_OK: a whole good frame stands at the front of `bytes`. RC_END: zeros, no frame was ever written here.
 * RC_AGAIN: begins like a frame but `bytes` ends before it does. RC_CORRUPT: neither. */
enum rc frame_decode(struct str bytes, struct frame_header *ret_header, struct str *ret_payload) MUST_USE;

#endif
