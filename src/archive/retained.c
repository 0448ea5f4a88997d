#include "archive/retained.h"

#include "archive/folder.h"
#include "archive/reader_state.h"
#include "os/file.h"
#include "tlog/checkpoint.h"

/* When the last record of a tree of that size was received. */
static enum rc time_of(struct archive_reader *reader, uint64_t size, int64_t *ret_ns, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)16 << 20);
    const struct segment *segment = size ? catalog_find(&reader->catalog, size - 1) : NULL;
    struct archive_hit hit;
    if (segment && segment->gone) { /* the record is not there; none of its segment came later */
        *ret_ns = segment->received_max_ns;
        return RC_OK;
    }
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = archive_reader_record(reader, size - 1, arena, &hit, err);
    if (rc == RC_OK)
        *ret_ns = hit.leaf.received_ns;
    return rc;
}

/* A note, if it is of this archive and early enough. */
static enum rc note_take(struct archive_reader *reader, struct str note, int64_t before_ns,
                         struct archive_retained *ret_retained, struct err *err)
{
    struct note parsed;
    struct checkpoint checkpoint;
    enum rc rc = note_parse(note, &parsed, err);
    rc = rc == RC_OK ? checkpoint_parse(parsed.text, &checkpoint, err) : rc;
    if (rc != RC_OK)
        return rc;
    if (!str_is(checkpoint.origin, archive_reader_origin(reader)) || checkpoint.head.size == 0)
        return RC_NOT_FOUND;
    ret_retained->note = note;
    rc = time_of(reader, checkpoint.head.size, &ret_retained->time_ns, err);
    return rc == RC_OK && ret_retained->time_ns >= before_ns ? RC_NOT_FOUND : rc;
}

static enum rc newest(struct archive_reader *reader, int64_t before_ns, struct arena *arena,
                      struct archive_retained *ret_retained, struct err *err)
{
    const struct str notes[] = {archive_reader_cosigned(reader), archive_reader_checkpoint(reader)};
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        enum rc rc = notes[i].n ? note_take(reader, notes[i], before_ns, ret_retained, err) : RC_NOT_FOUND;
        if (rc == RC_OK)
            ret_retained->note = arena_str(arena, notes[i]);
        if (rc != RC_NOT_FOUND)
            return rc;
    }
    return RC_NOT_FOUND;
}

/* Times rise with sizes: how many of the numbers are early enough is found by halving. */
static enum rc early_count(struct archive_reader *reader, const struct numbers *numbers, int64_t before_ns,
                           size_t *ret_count, struct err *err)
{
    size_t from = 0;
    size_t to = numbers->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int64_t time_ns = 0;
        enum rc rc = time_of(reader, numbers->list[middle], &time_ns, err);
        if (rc != RC_OK && rc != RC_NOT_FOUND)
            return rc;
        /* Not there: deleted by policy, or of a longer earlier instance. */
        bool early = rc == RC_OK ? time_ns < before_ns : numbers->list[middle] <= archive_reader_first(reader);
        from = early ? middle + 1 : from;
        to = early ? to : middle;
    }
    *ret_count = from;
    return RC_OK;
}

static enum rc search(struct archive_reader *reader, int64_t before_ns, struct arena *arena,
                      struct archive_retained *ret_retained, struct err *err)
{
    struct numbers numbers = {0};
    size_t count = 0;
    char name[48];
    enum rc rc = numbers_list(reader->io, reader->folders.checkpoints, checkpoint_name_parse, &numbers, err);
    rc = rc == RC_OK ? early_count(reader, &numbers, before_ns, &count, err) : rc;
    if (rc == RC_OK && count == 0)
        rc = RC_NOT_FOUND;
    if (rc == RC_OK) {
        checkpoint_name(numbers.list[count - 1], "", name);
        rc = file_load(reader->io, reader->folders.checkpoints, name, NOTE_SIZE_MAX, arena, &ret_retained->note, err);
    }
    rc = rc == RC_OK ? note_take(reader, ret_retained->note, before_ns, ret_retained, err) : rc;
    numbers_done(&numbers);
    return rc;
}

enum rc archive_retained_before(struct archive_reader *reader, int64_t before_ns, struct arena *arena,
                                struct archive_retained *ret_retained, struct err *err)
{
    enum rc rc = newest(reader, before_ns, arena, ret_retained, err);
    if (rc == RC_NOT_FOUND)
        rc = search(reader, before_ns, arena, ret_retained, err);
    return rc == RC_NOT_FOUND ? err_set(err, RC_NOT_FOUND, "no checkpoint is kept from before that time") : rc;
}
