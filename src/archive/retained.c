#include "archive/retained.h"

#include "archive/folder.h"
#include "os/file.h"
#include "tlog/checkpoint.h"

/* When the last record of a tree of that size was received. */
static enum rc time_of(struct archive_reader *reader, uint64_t size, int64_t *ret_ns, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)16 << 20);
    struct archive_hit hit;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = archive_reader_record(reader, size - 1, arena, &hit, err);
    if (rc == RC_OK)
        *ret_ns = hit.leaf.received_ns;
    return rc;
}

/* A note, if it is of this archive and early enough. */
static enum rc note_take(struct archive_reader *reader, struct str note, int64_t before_ns, int64_t *ret_ns,
                         struct err *err)
{
    struct note parsed;
    struct checkpoint checkpoint;
    enum rc rc = note_parse(note, &parsed, err);
    rc = rc == RC_OK ? checkpoint_parse(parsed.text, &checkpoint, err) : rc;
    if (rc != RC_OK)
        return rc;
    if (!str_is(checkpoint.origin, archive_reader_origin(reader)) || checkpoint.head.size == 0)
        return RC_NOT_FOUND;
    rc = time_of(reader, checkpoint.head.size, ret_ns, err);
    return rc == RC_OK && *ret_ns >= before_ns ? RC_NOT_FOUND : rc;
}

static enum rc newest(struct archive_reader *reader, int64_t before_ns, struct arena *arena, struct str *ret_note,
                      int64_t *ret_time_ns, struct err *err)
{
    const struct str notes[] = {archive_reader_cosigned(reader), archive_reader_checkpoint(reader)};
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        enum rc rc = notes[i].n ? note_take(reader, notes[i], before_ns, ret_time_ns, err) : RC_NOT_FOUND;
        if (rc == RC_OK)
            *ret_note = arena_str(arena, notes[i]);
        if (rc != RC_NOT_FOUND)
            return rc;
    }
    return RC_NOT_FOUND;
}

/* Times rise with sizes: the last that is early enough is found by halving. */
static enum rc search(const struct io *io, int checkpoints, struct archive_reader *reader, int64_t before_ns,
                      struct arena *arena, struct str *ret_note, int64_t *ret_time_ns, struct err *err)
{
    struct numbers numbers = {0};
    size_t from = 0;
    enum rc rc = numbers_list(io, checkpoints, checkpoint_name_parse, &numbers, err);
    size_t to = numbers.count;
    while (rc == RC_OK && from < to) {
        size_t middle = from + (to - from) / 2;
        int64_t time_ns = 0;
        rc = time_of(reader, numbers.list[middle], &time_ns, err);
        bool gone = rc == RC_NOT_FOUND; /* deleted by policy, or of a longer earlier instance */
        rc = gone ? RC_OK : rc;
        bool early = gone ? numbers.list[middle] <= archive_reader_first(reader) : time_ns < before_ns;
        from = early ? middle + 1 : from;
        to = early ? to : middle;
    }
    if (rc == RC_OK && from == 0)
        rc = err_set(err, RC_NOT_FOUND, "no checkpoint is kept from before that time");
    char name[48];
    if (rc == RC_OK) {
        checkpoint_name(numbers.list[from - 1], "", name);
        rc = file_load(io, checkpoints, name, NOTE_SIZE_MAX, arena, ret_note, err);
    }
    rc = rc == RC_OK ? note_take(reader, *ret_note, before_ns, ret_time_ns, err) : rc;
    numbers_done(&numbers);
    return rc;
}

enum rc archive_retained_before(const struct io *io, int folder, struct archive_reader *reader, int64_t before_ns,
                                struct arena *arena, struct str *ret_note, int64_t *ret_time_ns, struct err *err)
{
    int checkpoints = -1;
    enum rc rc = newest(reader, before_ns, arena, ret_note, ret_time_ns, err);
    if (rc != RC_NOT_FOUND)
        return rc;
    rc = folder_open(io, folder, NAME_CHECKPOINTS, false, &checkpoints, err);
    if (rc == RC_OK)
        rc = search(io, checkpoints, reader, before_ns, arena, ret_note, ret_time_ns, err);
    if (checkpoints >= 0)
        IGNORE(io->close(io->self, checkpoints)); /* only read */
    if (rc == RC_NOT_FOUND)
        return err_set(err, RC_NOT_FOUND, "no checkpoint is kept from before that time");
    return rc;
}
