/* judge_io.h - an io table of who may open nothing: it asks for each file and reads from what it is given.
 *
 * Opening and listing ask; reading, sizes and closing work on the descriptors. Whatever would change something fails
 * with -EROFS. The folders are those of an archive: judging.h. */
#ifndef ROLE_JUDGE_IO_H
#define ROLE_JUDGE_IO_H

#include "os/io.h"
#include "role/judging.h"

struct judge_io_options {
    /* A descriptor for reading, which is then ours, or -errno; "": the folder itself. */
    int (*ask)(void *context, enum judging_folder folder, const char *name);
    void *context;
};

struct judge_io;

struct judge_io *judge_io_new(const struct judge_io_options *options); /* NULL without memory */
void judge_io_free(struct judge_io *judge_io);                         /* NULL is fine; closes nothing */
const struct io *judge_io_table(const struct judge_io *judge_io);
/* The archive's folder for the table, to be closed by it; -errno. */
int judge_io_archive(struct judge_io *judge_io);

#endif
