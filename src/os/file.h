/* file.h - whole operations on files, through an io table. Errors name the file and the reason. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "os/io.h"

#include <stddef.h>
#include <stdint.h>

/* As err_errno for what a call of the table returned; where the table knows the reason, its words and its code. */
enum rc io_error(const struct io *io, struct err *err, int errnum, const char *format, ...) PRINTF(4, 5);
/* Writes all of it at the offset, through short writes. */
enum rc file_write_at(const struct io *io, int fd, struct str bytes, int64_t offset, struct err *err) MUST_USE;
/* Reads exactly n bytes; RC_END when the file is shorter. */
enum rc file_read_at(const struct io *io, int fd, void *ret_bytes, size_t n, int64_t offset, struct err *err) MUST_USE;
/* The whole file into the arena; RC_LIMIT past `limit`, RC_NOT_FOUND when there is none. */
enum rc file_load(const struct io *io, int folder, const char *name, size_t limit, struct arena *arena,
                  struct str *ret_bytes, struct err *err) MUST_USE;
/* Replaces a file so that after a power cut either the old or the new is whole: temporary, write, sync, rename, sync
 * of the folder. */
enum rc file_replace(const struct io *io, int folder, const char *name, struct str bytes, struct err *err) MUST_USE;
/* Opens a folder inside a folder, made when missing. */
enum rc folder_open(const struct io *io, int parent, const char *name, bool create, int *ret_fd,
                    struct err *err) MUST_USE;
/* By path, for programs and set-up code: reads a whole file of the host. */
enum rc file_load_path(const char *path, size_t limit, struct arena *arena, struct str *ret_bytes,
                       struct err *err) MUST_USE;
/* The same read where it lies, until the program ends, for what is larger than a program may keep; the file must not be
 * cut meanwhile. RC_NOT_FOUND, RC_IO. */
enum rc file_map_path(const char *path, struct str *ret_bytes, struct err *err) MUST_USE;
/* The same of an open one, which may be closed then. RC_LIMIT past `max` bytes. Whoever cuts the file meanwhile ends
 * this process (SIGBUS). */
enum rc file_map(int fd, size_t max, struct str *ret_bytes, struct err *err) MUST_USE;
/* Makes the file or empties it, and writes; what a person asked for, so nothing is synced. */
enum rc file_write_path(const char *path, struct str bytes, struct err *err) MUST_USE;

#endif
