/* import.h - what `qorgan ingest` and an intake say to each other over the socket DATA/run/ingest.
 *
 *   client                                     server
 *   HELLO u64 epoch, name of the file   ──►
 *                                       ◄──    HIGH u64 highest sequence kept of that file and epoch
 *   BEGIN u64 sequence of the first record ──►
 *   RECORD bytes, RECORD bytes ...      ──►      (or PAPER bytes: what a command tells of a paper it made)
 *   END                                 ──►
 *                                       ◄──    DURABLE u64 records durable of this connection (many times; last after
 * END)
 *
 * Frame: u8 type | u32 length, big-endian | body. The archive drops sequences it has: an import that was cut off goes
 * on where it was. */
#ifndef ROLE_IMPORT_H
#define ROLE_IMPORT_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define IMPORT_HEADER   5
#define IMPORT_NAME_MAX 4096

enum import_type {
    IMPORT_HELLO = 1,
    IMPORT_HIGH,
    IMPORT_BEGIN,
    IMPORT_RECORD,
    IMPORT_END,
    IMPORT_DURABLE,
    IMPORT_PAPER, /* as RECORD, but a lifecycle record: its body begins as batch_paper_begins says */
};

void import_put(struct buf *out, enum import_type type, struct str body);
void import_put_u64(struct buf *out, enum import_type type, uint64_t value);
/* The next whole frame at the front of *input, which moves past it. RC_AGAIN: not whole yet; RC_INVALID: no such frame.
 */
enum rc import_next(struct str *input, enum import_type *ret_type, struct str *ret_body) MUST_USE;

/* 16 bytes that name a source for ever: SHA-256 of kind, NUL, name, cut. */
void source_id_make(struct str kind, struct str name, uint8_t ret_id[16]);

#endif
