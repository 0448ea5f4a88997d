/* object_card.c - `qorgan object-card`: the card of an object in a spreadsheet, as the JSON object that the service
 * takes (doc/format/object.md). A stranger's file: it is read in a copy without rights. */
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/options.h"
#include "os/file.h"
#include "web/object_sheet.h"

#include <stdio.h>

#define COPY_MEMORY  ((uint64_t)1 << 30)
#define CARD_BYTES   ((size_t)4 << 20)
#define ARENA_BYTES  ((size_t)16 << 20)
#define FILE_MAX     ((size_t)16 << 20)
#define ANSWER_BYTES 4096u

/* In the copy: printed only once it has been read to its end. */
static enum rc work_read(void *context, struct buf *answer, struct err *err)
{
    struct str *bytes = context;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(ARENA_BYTES);
    struct buf json CLEANUP(buf_done);
    buf_init(&json, CARD_BYTES);
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for a card");
    enum rc rc = object_sheet_read(*bytes, arena, &json, err);
    if (rc == RC_OK && (printf("%s\n", buf_z(&json)) < 0 || fflush(stdout) != 0))
        return err_set(err, RC_IO, "could not write to standard output");
    if (rc == RC_OK)
        buf_text(answer, "read");
    return rc;
}

int cmd_object_card(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    struct buf answer CLEANUP(buf_done);
    struct str bytes;
    int status = options_parse("object-card", argc, argv, &options);
    buf_init(&answer, ANSWER_BYTES);
    if (status != OPTIONS_GO)
        return status;
    const struct confined confined = {.work = work_read, .context = &bytes, .memory_max = COPY_MEMORY};
    enum rc rc = file_map_path(options.operands[0], &bytes, &err);
    if (rc == RC_OK && bytes.n > FILE_MAX)
        rc = err_set(&err, RC_LIMIT, "a card is a file of at most 16 MiB");
    rc = rc == RC_OK ? confined_command(&confined, "object-card: the reading", &answer, &err) : rc;
    return rc == RC_OK ? CMD_OK : cmd_fail("object-card", &err);
}
