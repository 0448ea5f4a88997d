/* document.h - technical documentation on information security of an object: which documents of Annex 3 there are, in
 * which versions and languages, their files, signatures and what was said of these.
 *
 *   document ─┬─ version (language, pages, approved) ─┬─ file: as it is, or signed (CMS) ──┐
 *             └─ version ...                          └─ signature beside it ──────────────┴─► judgement, judgement ...
 *
 *   a file:  coming ──copied, its SHA-256 is the one that was said──► kept (record document.added, document.signed)
 *               └─ another one, the disk, who had it ended ─► lost: why
 *   a judgement:  waits ──the verifier's report──► done: good, bad, unknown (record document.judged)
 *                   └─ no report: why ───────────► done: unknown
 *
 * The desk sees no byte of a file: the role copies it under its SHA-256 (role/document_desk.c), a process without
 * rights judges (role/verifier.c). A judgement is added, never changed: other lists of revoked certificates give
 * another one beside it. A report that contradicts itself is not taken: good is only what every answer of it says.
 *
 * The term to review (U-02: two years) counts from the newest day on which a version that is kept was approved or the
 * document was looked through.
 *
 * Annex 3 makes no difference between classes of objects: all 27 documents are asked for of each. The decree's lists
 * (p.33-35) are in places shorter since 13.05.2024, where one document may be several of the annex's.
 *
 * Owner, threads, times: as desk.h. Source: decree 832 p.31-35; order 52/NK p.14, Annex 3. */
#ifndef DESK_DOCUMENT_H
#define DESK_DOCUMENT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESK_DOCUMENT_BYTES   (INT64_C(64) << 20)
#define DESK_DOCUMENTS_COMING 4u     /* files that are not kept yet */
#define DESK_DOCUMENTS        20000u /* of all objects */
#define DESK_DOCUMENT_FILES   100000u
#define DESK_DOCUMENT_REPORT  ((size_t)192 << 10)
#define DESK_SHA256_Z         65

struct desk;

/* A file that web was given for and that waits to be copied; id 0: none. */
struct desk_document_coming {
    int64_t id;
    int64_t file; /* the number under which web gave it; that of a desk before is nobody's */
    int64_t bytes;
    char sha256[DESK_SHA256_Z];
};
enum rc desk_document_next(struct desk *desk, struct desk_document_coming *ret_coming, struct err *err) MUST_USE;
/* It lies in its folder, synced. */
enum rc desk_document_kept(struct desk *desk, int64_t id, int64_t now_ns, struct err *err) MUST_USE;
/* `fault`: texts document.fault_WORD. */
enum rc desk_document_lost(struct desk *desk, int64_t id, const char *fault, int64_t now_ns, struct err *err) MUST_USE;
/* Whether a file of web's waits to be copied. */
enum rc desk_document_file_waits(struct desk *desk, int64_t file, bool *ret_waits, struct err *err) MUST_USE;

/* A signature that waits to be judged; id 0: none. */
struct desk_document_judging {
    int64_t id;
    char signature[DESK_SHA256_Z]; /* the file that is signed, or the signature beside it */
    char document[DESK_SHA256_Z];  /* the file beside which it lies; empty: the document is inside */
};
enum rc desk_document_judging_next(struct desk *desk, struct desk_document_judging *ret_judging,
                                   struct err *err) MUST_USE;
/* `report`: JSON, role/signature_report.h. RC_INVALID: it is none, or contradicts itself; nothing is changed. */
enum rc desk_document_judged(struct desk *desk, int64_t id, struct str report, int64_t now_ns,
                             struct err *err) MUST_USE;
enum rc desk_document_unjudged(struct desk *desk, int64_t id, const char *fault, int64_t now_ns,
                               struct err *err) MUST_USE;

/* The file that goes along with the answer that desk_ask gave last; empty: none does. */
struct str desk_document_given(const struct desk *desk);
/* Something is there to be copied, or to be judged, as far as is known. */
bool desk_document_comes(const struct desk *desk);
bool desk_document_judges(const struct desk *desk);

#endif
