/* mirror_wire.h - what a server answers a mirror, read without trust: doc/format/mirror.md. Pure; everything is
 * borrowed from the answer or stands in the arena. RC_INVALID for whatever does not fit. */
#ifndef ROLE_MIRROR_WIRE_H
#define ROLE_MIRROR_WIRE_H

#include "archive/mirror_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_ROWS_MAX  1024
#define WIRE_NOTES_MAX 256

struct wire_refusal {
    struct str key; /* "mirror_busy"...; "" when the answer is not even JSON */
    struct str text;
    int64_t retry_ms;
};
/* Of an answer with a status of 400 or more. */
void wire_refusal_read(struct str answer, struct arena *arena, struct wire_refusal *ret_refusal);

/* The answer to a report: the size that this mirror is to cosign; 0: none. A server that says nothing asks for none. */
enum rc wire_report_read(struct str answer, struct arena *arena, uint64_t *ret_cosign, struct err *err) MUST_USE;

struct wire_checkpoint {
    struct str instance;
    struct str note;
    struct str cosigned; /* the newest that reached the witnesses' quorum; empty when there is none */
    int64_t log_file_bytes;
};
enum rc wire_checkpoint_read(struct str answer, struct arena *arena, struct wire_checkpoint *ret_checkpoint,
                             struct err *err) MUST_USE;

enum rc wire_path_read(struct str answer, struct arena *arena, struct tlog_path *ret_path, struct err *err) MUST_USE;

struct wire_rows {
    struct mirror_row *rows; /* numbers rise, none overlap */
    size_t count;
    bool more;
};
enum rc wire_rows_read(struct str answer, struct arena *arena, struct wire_rows *ret_rows, struct err *err) MUST_USE;

/* The same of tombstones, each with its retention record behind it. */
enum rc wire_tombstones_read(struct str answer, struct arena *arena, struct wire_rows *ret_rows,
                             struct err *err) MUST_USE;
/* A retention record as stored, and its inclusion proof. */
enum rc wire_retention_read(struct str answer, struct arena *arena, struct tlog_path *ret_path, struct str *ret_record,
                            struct err *err) MUST_USE;

/* A part of a segment, or of a tombstone: the bytes behind the object. */
enum rc wire_part_read(struct str answer, struct arena *arena, struct str *ret_bytes, struct err *err) MUST_USE;
enum rc wire_log_read(struct str answer, struct arena *arena, struct mirror_log *ret_log, struct str *ret_records,
                      struct err *err) MUST_USE;

struct wire_note {
    struct str note;
    struct tlog_path *path; /* of one inside deleted records; NULL: none came */
};
struct wire_notes {
    struct wire_note *notes;
    size_t count;
    bool more;
};
struct wire_stamp {
    uint64_t size;
    struct str response;
};
struct wire_stamps {
    struct wire_stamp *stamps; /* sizes rise */
    size_t count;
    bool more;
};
enum rc wire_stamps_read(struct str answer, struct arena *arena, struct wire_stamps *ret_stamps,
                         struct err *err) MUST_USE;
enum rc wire_notes_read(struct str answer, struct arena *arena, struct wire_notes *ret_notes, struct err *err) MUST_USE;

#endif
