/* query_paper.h - certificates and exports that role `query` makes for the pages, a slice at a time, kept until they
 * are fetched.
 *
 *     begin ──► WORKING ──work done──► MADE: web has the desk record each file's SHA-256 ──► the record is under a
 *                  │                   signed checkpoint: its proof is the file's seal ──► READY: files can be fetched
 *                  └── too large, no such source, … ──► FAILED, with an error's key
 *
 * Nothing is worked on between questions. In memory and bounded: PAPERS_MAX at once (a person's own oldest gives way,
 * then one that nobody asks about; else the answer is `busy`), PAPER_SPOOL_MAX bytes of lines, PAPER_FILES_MAX files of
 * PAPER_PART_MAX bytes; what is larger is left to `qorgan export`. One that nobody asks for is dropped after
 * PAPER_IDLE_NS. */
#ifndef ROLE_QUERY_PAPER_H
#define ROLE_QUERY_PAPER_H

#include "archive/reader.h"
#include "base/buf.h"
#include "codec/json.h"

#include <stdint.h>

#define PAPERS_MAX      4
#define PAPER_FILES_MAX 32
#define PAPER_PART_MAX  ((size_t)3 << 20)
#define PAPER_SPOOL_MAX ((size_t)64 << 20)
#define PAPER_IDLE_NS   UINT64_C(900000000000)

struct query_papers;

struct query_papers_options {
    const char *data; /* folder of exports.tsv, export_classes.tsv */
    int32_t zone_s;
};

/* RC_IO, RC_INVALID: the tables do not read. */
enum rc query_papers_new(const struct query_papers_options *options, struct query_papers **ret_papers,
                         struct err *err) MUST_USE;
/* Before the reader that they are made of is closed. */
void query_papers_drop(struct query_papers *papers);
void query_papers_tick(struct query_papers *papers, uint64_t boot_ns);
/* Answers the questions "paper.begin", "paper.state" and "paper.file" (doc/api.md). False: it is none of them. */
bool query_papers_ask(struct query_papers *papers, struct archive_reader *reader, const struct json_value *question,
                      struct buf *out) MUST_USE;

#endif
