/* papers.h - makes papers (room paper) of what a reader sees. Against the newest stored checkpoint, as
 * archive_reader_proof: RC_NOT_FOUND when it does not cover a record yet. */
#ifndef ARCHIVE_PAPERS_H
#define ARCHIVE_PAPERS_H

#include "archive/reader.h"
#include "paper/certificate.h"
#include "paper/sheet.h"

struct papers_form {
    enum paper_language language;
    int32_t zone_s; /* east of UTC */
};

/* A proof sheet of these records, in this order. */
enum rc papers_sheet(struct archive_reader *reader, const uint64_t *records, size_t count, struct papers_form form,
                     struct buf *ret_text, struct err *err) MUST_USE;
/* The source of that name (and kind, when it is not empty). RC_NOT_FOUND; RC_INVALID: several kinds have it. */
enum rc papers_source(struct archive_reader *reader, struct str kind, struct str name, struct event_source *ret_source,
                      struct err *err) MUST_USE;
/* What a certificate is asked of: a source and a day "2026-11-27" of the form's zone. */
struct papers_day {
    const struct event_source *source;
    struct str day;
    struct papers_form form;
};
/* The certificate, without a seal. Reads every block that touches the day. */
enum rc papers_certificate(struct archive_reader *reader, const struct papers_day *day, struct buf *ret_text,
                           struct err *err) MUST_USE;

/* The same in steps of some tenths of a second, between which the reader may be refreshed, not closed:
 *     papers_count_new ──► papers_count_step (RC_AGAIN) … ──► RC_OK, at once: papers_count_write ──► papers_count_free
 */
struct papers_count;
enum rc papers_count_new(struct archive_reader *reader, const struct papers_day *day, struct papers_count **ret_count,
                         struct err *err) MUST_USE;
enum rc papers_count_step(struct archive_reader *reader, struct papers_count *count, struct err *err) MUST_USE;
uint32_t papers_count_permille(const struct papers_count *count);
enum rc papers_count_write(struct archive_reader *reader, struct papers_count *count, struct buf *ret_text,
                           struct err *err) MUST_USE;
void papers_count_free(struct papers_count *count); /* NULL is fine */

/* The tree's hashes and the size of the newest checkpoint, for proofs of exports. Valid until the reader is refreshed.
 */
enum rc papers_tree(struct archive_reader *reader, struct tlog_source *ret_source, uint64_t *ret_size,
                    struct err *err) MUST_USE;

#endif
