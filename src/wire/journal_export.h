/* journal_export.h - entries of the systemd journal as `systemd-journal-upload` streams them (Journal Export Format).
 *
 *   NAME=value LF                      fields; a value with line feeds or control characters:
 *   NAME LF length u64 LE, bytes, LF
 *   LF                                 ends the entry
 *
 * An entry becomes one JSON object of its fields, written as role collector writes those of this machine's journal:
 * fields with NUL bytes, and those past the limits, are left out and counted in QORGAN_FIELDS_LEFT_OUT; the journal's
 * own addresses (two leading underscores) are not among them. Its identity is the journal's: the id of its sequence
 * numbers and the number, from __CURSOR ("s=ID;i=NUMBER;..."). Source: systemd.io/JOURNAL_EXPORT_FORMATS. */
#ifndef WIRE_JOURNAL_EXPORT_H
#define WIRE_JOURNAL_EXPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_EXPORT_JSON_MAX   ((size_t)1 << 20) /* bytes of an entry's object */
#define JOURNAL_EXPORT_FIELD_MAX  ((size_t)8 << 20) /* bytes of one field that is passed over */
#define JOURNAL_EXPORT_FIELDS_MAX 1024u
#define JOURNAL_EXPORT_NAME_MAX   64u
#define JOURNAL_EXPORT_ID_MAX     32u /* hex digits */

struct journal_export {
    struct buf held; /* an unfinished line or field */
    struct buf json; /* the entry so far */
    uint64_t skip;   /* bytes of a field's value that are passed over */
    bool skipping;   /* a line feed comes behind them */
    bool skip_line;  /* what comes up to a line feed is passed over */
    bool given;      /* json was given: the next call begins a new entry */
    uint32_t fields;
    uint32_t left_out;
    char id[JOURNAL_EXPORT_ID_MAX + 1];
    uint64_t sequence;
    int64_t time_ns;
    const char *reason; /* after RC_INVALID */
};

struct journal_export_entry {
    struct str json; /* until the next call */
    struct str id;   /* of the sequence numbers; empty when the entry has no cursor */
    uint64_t sequence;
    int64_t time_ns; /* __REALTIME_TIMESTAMP; 0 = none */
};

void journal_export_init(struct journal_export *export);
void journal_export_done(struct journal_export *export);
/* Takes bytes from the front of *input and gives the next entry. RC_AGAIN: it needs more, *input is empty. RC_INVALID:
 * no such stream. RC_LIMIT: no memory, or a field is longer than any may be. */
enum rc journal_export_next(struct journal_export *export, struct str *input,
                            struct journal_export_entry *ret_entry) MUST_USE;
/* Whether the stream may end here: between entries. */
bool journal_export_whole(const struct journal_export *export);
size_t journal_export_held(const struct journal_export *export);

#endif
