/* retained.h - checkpoints by time: which of those that are kept stands at the end of a day. */
#ifndef ARCHIVE_RETAINED_H
#define ARCHIVE_RETAINED_H

#include "archive/reader.h"

struct archive_retained {
    struct str note;
    int64_t time_ns; /* when the last record it covers was received */
};

/* The newest stored checkpoint of the archive whose last record was received before `before_ns`, into the arena. Of the
 * newest ones the cosigned is preferred. RC_NOT_FOUND when there is none. */
enum rc archive_retained_before(struct archive_reader *reader, int64_t before_ns, struct arena *arena,
                                struct archive_retained *ret_retained, struct err *err) MUST_USE;

#endif
