/* upload.h - a scanner's file that a person gave: read elsewhere, counted, shown, and taken when somebody accepts it.
 *
 *   reading ──parts, end──► counting ──► ready ──accept──► taking ──► done (a report, table findings)
 *      │                       ▲            │ another report of the object was taken since: counted anew
 *      │                       └────────────┘
 *      └─► failed: damaged, a limit, the process that read it ended ... │ ─► dropped: by a person, or nobody came back
 *
 * The desk sees no byte of the file: a process without rights reads it (role/reader.c) and hands over findings in
 * parts, which stay in the database until they are taken. Counting changes nothing but what is known of the file: it
 * says what taking would do. A part is taken and gone in one transaction: whoever dies in between goes on where he was,
 * and no finding counts twice; the report is ended, and its terms start, with the last one.
 *
 * Owner, threads, times: as desk.h. Source: order 52/NK p.10, p.13, p.23, Annexes 5 and 6. */
#ifndef DESK_UPLOAD_H
#define DESK_UPLOAD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define DESK_UPLOADS_OPEN      16u /* neither taken nor given up */
#define DESK_UPLOAD_BYTES      (INT64_C(512) << 20)
#define DESK_UPLOAD_PART       ((size_t)512 << 10) /* bytes of a part */
#define DESK_UPLOAD_PART_COUNT 256u                /* findings in it */
#define DESK_UPLOAD_STAGED     (INT64_C(1) << 30)  /* bytes of all parts of all */
#define DESK_UPLOAD_WORD       16u                 /* bytes of a fault's name; texts: upload.fault_WORD */

struct desk;

/* How the reading of a file ended; texts are believed as far as they are short and one line. */
struct desk_upload_end {
    struct str fault;  /* empty: it was read; else why not, of scan/report.h or one of this room's */
    struct str detail; /* English, for who knows the format */
    int64_t line;      /* where in the file; 0: nowhere in particular */
    struct str format, scanner;
    int64_t hosts, passed, broken, cut;
};

/* The oldest that waits to be read, and the number under which web gave its file; 0: none. */
enum rc desk_upload_next(struct desk *desk, int64_t *ret_id, int64_t *ret_file, struct err *err) MUST_USE;
/* Whether a file of web's waits to be read. */
enum rc desk_upload_file_waits(struct desk *desk, int64_t file, bool *ret_waits, struct err *err) MUST_USE;
bool desk_upload_wanted(const struct desk *desk, int64_t id); /* the one that desk_upload_next gave last */
/* How far its reading is. */
void desk_upload_told(struct desk *desk, int64_t id, int64_t bytes, int64_t findings);
/* So many findings as a JSON list. RC_INVALID: it is none; RC_LIMIT: no room. */
enum rc desk_upload_part(struct desk *desk, int64_t id, uint32_t count, struct str list, struct err *err) MUST_USE;
enum rc desk_upload_end(struct desk *desk, int64_t id, const struct desk_upload_end *end, int64_t now_ns,
                        struct err *err) MUST_USE;

/* Something is there to be counted, taken or cleared away. */
bool desk_upload_works(const struct desk *desk);
/* One part of it. */
enum rc desk_upload_step(struct desk *desk, int64_t now_ns, struct arena *arena, struct err *err) MUST_USE;

#endif
