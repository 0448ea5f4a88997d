/* wal_reader.h - follows a log through read-only descriptors while another process writes it.
 *
 * Sees only what the writer says is durable; never waits, never locks. The writer (or whoever holds the folder) hands
 * over a descriptor a file, oldest first. One thread. */
#ifndef WAL_WAL_READER_H
#define WAL_WAL_READER_H

#include "base/err.h"
#include "os/io.h"
#include "wal/wal.h"

#include <stdint.h>

struct wal_reader;

/* Frames that end at or below `from` are passed over. NULL without memory. */
struct wal_reader *wal_reader_new(const struct io *io, const uint8_t uuid[16], uint64_t from);
/* Master keys for encrypted files, before the first is added; borrowed. Without them such files are RC_DENIED. */
void wal_reader_unlock(struct wal_reader *reader, const struct vault *vault);
void wal_reader_free(struct wal_reader *reader); /* closes what it holds */

/* The next file. Takes the descriptor over, closes it on failure too. RC_INVALID when it is not the file that follows.
 */
enum rc wal_reader_add(struct wal_reader *reader, int fd, struct err *err) MUST_USE;
/* The same with the key of that file (wal/lock.h), for who holds no master keys; empty for a plain file. */
enum rc wal_reader_add_key(struct wal_reader *reader, int fd, struct str key, struct err *err) MUST_USE;
/* Whether a file is held that has not been read to its end. */
bool wal_reader_has_file(const struct wal_reader *reader);

/* The next frame whose records all lie below `durable`. RC_AGAIN: none yet. RC_END: the rest stands in a file that has
 * not been added. RC_CORRUPT: the log is damaged; says where. RC_INVALID: a frame is not what
 * was encrypted there. A frame may begin below `from`: pass over its records. */
enum rc wal_reader_next(struct wal_reader *reader, uint64_t durable, struct wal_frame *ret_frame,
                        struct err *err) MUST_USE;
/* The number of the first record not yet given. */
uint64_t wal_reader_position(const struct wal_reader *reader);

#endif
