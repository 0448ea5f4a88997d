/* retained.h - checkpoints by time: which of those that are kept stands at the end of a day. */
#ifndef ARCHIVE_RETAINED_H
#define ARCHIVE_RETAINED_H

#include "archive/reader.h"

/* The newest stored checkpoint of the archive whose last record was received before `before_ns`, into the arena, and that
 * record's time. Of the newest ones the cosigned is preferred. RC_NOT_FOUND when there is none. `folder` is the
 * archive's, which the reader reads. */
enum rc archive_retained_before(const struct io *io, int folder, struct archive_reader *reader, int64_t before_ns,
                                struct arena *arena, struct str *ret_note, int64_t *ret_time_ns,
                                struct err *err) MUST_USE;

#endif
