/* retention_record.h - the record that says of a deleted segment what went, why it might and who agreed. Format:
 * doc/format/leaf.md. */
#ifndef ARCHIVE_RETENTION_RECORD_H
#define ARCHIVE_RETENTION_RECORD_H

#include "archive/segment.h"
#include "base/buf.h"
#include "base/err.h"
#include "tlog/hash.h"

#include <stdbool.h>
#include <stdint.h>

#define RETENTION_NAME_MAX    128
#define RETENTION_OBJECT_SIZE 208 /* bytes of a name with its NUL */

/* The content of a record of type LEAF_RETENTION. */
struct retention_record {
    /* what goes */
    uint64_t first;
    uint64_t end;
    struct tlog_hash footer; /* SHA-256 of the segment's footer, which has that of every section */
    int64_t received_min_ns;
    int64_t received_max_ns;
    bool sources; /* its tombstone keeps the table of sources, whose digest is in the footer */
    /* why it may */
    int64_t keep_until_ns;
    uint32_t days;                      /* of the policy */
    uint32_t object_days;               /* the longest term of the objects with records in it; 0: none asks for more */
    char object[RETENTION_OBJECT_SIZE]; /* the name of that object; "" with 0 */
    char act[32];
    char edition[64];
    char paragraph[64];
    /* who said so */
    char proposal[RETENTION_NAME_MAX];
    char proposer[RETENTION_NAME_MAX];
    char approver[RETENTION_NAME_MAX];
    int64_t proposed_ns;
    int64_t approved_ns;
};

/* JSON, members in the order of their names, no blanks. */
void retention_record_write(const struct retention_record *record, struct buf *out);
/* RC_INVALID when it is not exactly what retention_record_write writes. */
enum rc retention_record_parse(struct str text, struct retention_record *ret_record, struct err *err) MUST_USE;
/* NULL when it says of a tombstone, whose footer has that SHA-256, what is so; else why not. */
const char *retention_record_differs(const struct retention_record *record, const struct segment *tombstone,
                                     const struct tlog_hash *footer);

#endif
