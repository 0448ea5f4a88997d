/* export_proof.h - what belongs to an exported file: for every line its record and leaf hash, and the hashes that join
 * them to the root of one signed checkpoint.
 *
 *     qorgan export proof 1
 *     file incidents-os.txt | format statutory | class os | zone 18000 | query user:root | range 0 0
 *     heads 1                       lines of headings above the records
 *     head 0123456789abcdef         each: the first 8 bytes of the SHA-256 of the line, its line end included
 *     note 180
 *     <checkpoint>
 *     f <base64>                    the hash of a complete subtree without an exported record
 *     r 42 <base64> 0123456789abcdef    a record: number, leaf hash, first 8 bytes of the line's SHA-256
 *     end 17 2345 <sha256>          records, bytes and SHA-256 of the file
 *
 * Subtrees: between two records (and behind the last, up to the checkpoint's size) the leaves that are not exported are
 * covered by the largest complete subtrees, left to right, so that their heights follow from the numbers. With all in
 * order the root is rebuilt in one pass. A seal (seal.h) follows when the service recorded the export. Whoever has the
 * archive's hashes can write a proof for lines of their own: without the seal nothing is proven.
 *
 * Proven, with it: each line was made of the record that stands under that number, in the order of the log; the file is
 * whole. Not proven: that a line says what its record says (take the record's proof sheet), nor that no other record
 * matches the query: that is stated by who ran the archive. Format: doc/format/export.md. */
#ifndef PAPER_EXPORT_PROOF_H
#define PAPER_EXPORT_PROOF_H

#include "paper/evidence.h"

#define EXPORT_PROOF_FIRST "qorgan export proof 1"
#define EXPORT_HEADS_MAX   16
#define EXPORT_LINE_MAX    ((size_t)64 << 20) /* of the file, its line end included */

/* What is said of the file; all single lines. */
struct export_head {
    struct str file; /* its name, without a folder */
    struct str format;
    struct str class;
    struct str query;
    int32_t zone_s;
    int64_t from_ns;
    int64_t to_ns;
};

/* Writing: the caller empties `out` whenever it likes. */
struct export_proof {
    struct tlog_hasher *hasher;       /* for lines */
    struct tlog_hasher *whole;        /* of the file; busy until the end */
    const struct tlog_source *source; /* of the tree */
    uint64_t size;                    /* of the checkpoint */
    uint64_t next;                    /* leaves written */
    uint64_t records;
    uint64_t bytes;
};

/* RC_LIMIT without memory. */
enum rc export_proof_begin(struct export_proof *proof, const struct tlog_source *source, uint64_t size,
                           struct err *err) MUST_USE;
/* `heads` are the headings, one line each with its line end. */
void export_proof_head(struct export_proof *proof, const struct export_head *head, struct str heads, struct str note,
                       struct buf *out);
/* Numbers rise and are below the checkpoint's size (RC_INVALID). `line` has its line end. */
enum rc export_proof_record(struct export_proof *proof, uint64_t record, const struct tlog_hash *leaf, struct str line,
                            struct buf *out, struct err *err) MUST_USE;
enum rc export_proof_end(struct export_proof *proof, struct buf *out, struct err *err) MUST_USE;
void export_proof_done(struct export_proof *proof);

/* Checking a file line by line against its proof (without the seal). */
struct export_check {
    struct export_head head;
    struct checkpoint checkpoint;
    struct policy_result result;
    uint64_t records;
    uint64_t line; /* of the file, from 1 */
    struct evidence rows;
    struct tlog_hasher *hasher;
    struct tlog_hasher *whole;
    struct tlog_frontier frontier;
    uint64_t heads_left;
    uint64_t last_record;
    bool any;
    uint64_t bytes;
    uint64_t suspect; /* a line that did not fit: inserted when the next one fits, else altered; 0 = none */
    struct note note;
};

/* Reads the head and checks the checkpoint. The text is borrowed. RC_INVALID, RC_DENIED. */
enum rc export_check_begin(struct export_check *check, struct str proof, const struct policy *policy,
                           struct arena *arena, struct err *err) MUST_USE;
/* The next line of the file with its line end. RC_DENIED names the first line altered, removed or inserted. */
enum rc export_check_line(struct export_check *check, struct str line, struct err *err) MUST_USE;
/* Behind the last line: counts, SHA-256 of the file, the tree's root. */
enum rc export_check_end(struct export_check *check, struct err *err) MUST_USE;
void export_check_done(struct export_check *check);

#endif
