/* sheet.h - a proof that people read and programs check: one file for one record or an incident's.
 *
 *     qorgan proof sheet 1
 *     <title, each record's number, times, source and raw text; what is proven, what is not; how to check>
 *     -----BEGIN QORGAN EVIDENCE-----
 *     language ru | zone 18000 | records 2
 *     record 42                    for each: its number,
 *     source udp 10.0.0.1          kind and name, when the source's number is made of them
 *     content 81000                bytes of a record over 60,000, as base64 lines of 76
 *     proof 812
 *     -----END QORGAN EVIDENCE-----
 *
 * Format: doc/format/paper.md. Limits: 256 records, 256 MiB. Source of the proof's form: C2SP tlog-proof. */
#ifndef PAPER_SHEET_H
#define PAPER_SHEET_H

#include "paper/evidence.h"
#include "paper/paper_text.h"

#define SHEET_FIRST       "qorgan proof sheet 1"
#define SHEET_RECORDS_MAX 256
#define SHEET_CONTENT_MAX ((size_t)8 << 20)

struct sheet_record {
    struct str proof; /* C2SP tlog-proof, with `extra` */
    struct str kind;  /* of the source; left out when the source's number is not made of kind and name */
    struct str name;
    struct str content; /* of a record whose leaf carries the digest */
    struct proven proven;
};

struct sheet {
    enum paper_language language;
    int32_t zone_s;
    size_t count;
    struct sheet_record *record;
};

/* Fills each record's `proven` from its proof and writes the paper. RC_INVALID: a proof does not read, or a content is
 * not that of its digest. */
enum rc sheet_write(struct sheet *sheet, struct arena *arena, struct buf *ret_text, struct err *err) MUST_USE;
enum rc sheet_parse(struct str text, struct arena *arena, struct sheet *ret_sheet, struct err *err) MUST_USE;
/* RC_DENIED unless every proof holds and every line follows from what is proven. ret_result is of the first record. */
enum rc sheet_check(struct str text, const struct policy *policy, struct arena *arena, struct sheet *ret_sheet,
                    struct policy_result *ret_result, struct err *err) MUST_USE;

#endif
