/* leaf.h - records as the archive keeps them: the leaf that the tree hashes (tlog/leaf.h) and the raw bytes.
 *
 * Stored in a log frame: the 76-byte header, then the raw bytes; for LEAF_DIGEST (over LEAF_RAW_MAX raw bytes) the
 * header, the SHA-256 of the raw bytes, then the raw bytes beside the leaf. Format: doc/format/leaf.md. */
#ifndef ARCHIVE_LEAF_H
#define ARCHIVE_LEAF_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"
#include "tlog/hash.h"
#include "tlog/leaf.h"

#include <stdint.h>

#define RECORD_RAW_MAX  (UINT32_C(8) << 20) /* the longest record the archive takes */
#define SOURCE_NAME_MAX 1024                /* bytes of a source's name that are kept */

/* How the record came. Numbers are on disk: never reuse one. */
#define TRANSPORTS(X)                                                                                                  \
    X(TRANSPORT_INTERNAL, 0, "internal")                                                                               \
    X(TRANSPORT_UDP, 1, "udp")                                                                                         \
    X(TRANSPORT_TCP, 2, "tcp")                                                                                         \
    X(TRANSPORT_TLS, 3, "tls")                                                                                         \
    X(TRANSPORT_FILE, 4, "file")                                                                                       \
    X(TRANSPORT_JOURNAL, 5, "journal")                                                                                 \
    X(TRANSPORT_IMPORT, 6, "import")                                                                                   \
    X(TRANSPORT_AGENT, 7, "agent")                                                                                     \
    X(TRANSPORT_RELP, 8, "relp")                                                                                       \
    X(TRANSPORT_HTTP, 9, "http")                                                                                       \
    X(TRANSPORT_BEATS, 10, "beats")                                                                                    \
    X(TRANSPORT_GELF, 11, "gelf")                                                                                      \
    X(TRANSPORT_SNMP, 12, "snmp")                                                                                      \
    X(TRANSPORT_NETFLOW, 13, "netflow")

enum transport {
#define X(id, number, key) id = number,
    TRANSPORTS(X)
#undef X
};
/* "udp"...; "unknown" for a number this program does not know. Constant. */
const char *transport_name(uint32_t transport);

/* Bytes that a record takes in a log frame. */
size_t record_stored_size(const struct leaf *leaf);
/* Writes a record as stored behind `out`'s bytes; sets leaf->raw_length, and LEAF_RAW becomes LEAF_DIGEST when the
 * bytes are many. Needs a hasher for that digest. */
void record_write(struct leaf *leaf, struct str raw, struct tlog_hasher *hasher, struct buf *out);
/* Reads one record from a frame's payload, borrowed. `ret_leaf_bytes` is what the tree hashes: header and raw bytes, or
 * header and digest. With a hasher the digest of a LEAF_DIGEST record is compared. RC_CORRUPT. */
enum rc record_read(struct reader *reader, struct tlog_hasher *hasher, struct leaf *ret_leaf,
                    struct str *ret_leaf_bytes, struct str *ret_raw, struct err *err) MUST_USE;
/* The leaf's bytes rebuilt from its parts, behind `out`'s bytes. */
void leaf_rebuild(const struct leaf *leaf, struct str raw, struct tlog_hasher *hasher, struct buf *out);
/* RFC 6962 leaf hashes of those bytes, without building them. Many at once cost less than one by one. */
void leaf_hashes(const struct leaf *leaves, const struct str *raws, size_t count, struct tlog_hasher *hasher,
                 struct tlog_hash *ret_hashes);
void leaf_hash(const struct leaf *leaf, struct str raw, struct tlog_hasher *hasher, struct tlog_hash *ret_hash);

#endif
