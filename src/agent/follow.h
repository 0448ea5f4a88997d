/* follow.h - follows text files through growth, rotation, truncation and restarts, line by line.
 *
 *   found ──► first line whole ──► epoch known ──ask──► highest sequence ──► counting lines to it ──► reading
 *     ▲                                                                                   │ shrank: new epoch
 *     └── folder looked at every two seconds                        renamed away: read to the end, then closed
 *
 * A line's identity is (path's source, epoch, line number): the archive keeps the highest number, so the file itself is
 * the buffer and nothing is lost or kept twice over restarts of either side. An epoch is one content of one inode; it
 * is written to the state file before its first line leaves. State lines: dev ino epoch hash-of-first-line line offset
 * path. Limit: a file truncated and regrown past the old length with the same first line while nobody watched is taken
 * for the old one; lines that it has anew at old numbers are then missed.
 *
 * Joined lines (join.h) are one record with the number of its last line: what the archive has is still told by one
 * number, and other rules later neither repeat nor lose a line. Where a record ends is told by the file, but for one
 * that was waited for long enough: its last line is written to the state file first, so that whoever reads these lines
 * again ends it there, and the next such end waits until that record is kept for good.
 *
 *   lines ──► held ──► the next begins, a limit ───────────────────► given
 *               └────► nothing more for the wait ──► end remembered ──┘
 *
 * What is held stays in the file; a copy of it, at most FOLLOW_COPIES_MAX of all files, outlives copy-and-truncate.
 *
 * Single-threaded; reads only when asked to. Files with NUL bytes at their beginning are binary and passed over. */
#ifndef AGENT_FOLLOW_H
#define AGENT_FOLLOW_H

#include "agent/join.h"
#include "base/err.h"
#include "base/str.h"
#include "os/io.h"

#include <stdbool.h>
#include <stdint.h>

#define FOLLOW_FILES_MAX  4096
#define FOLLOW_PATH_MAX   1024
#define FOLLOW_LINE_MAX   ((size_t)1 << 20)
#define FOLLOW_COPIES_MAX ((size_t)4 << 20)

struct follower;

struct follow_sink {
    void *context;
    /* Is there room? While not, nothing is read. */
    bool (*room)(void *context);
    /* One record without its last line end; `cut`: a limit of joining ended it. False: not taken, it comes again. */
    bool (*line)(void *context, struct str path, uint64_t epoch, uint64_t sequence, struct str bytes, bool cut);
    /* `count` bytes of a line past the limit were cut. */
    void (*gap)(void *context, struct str path, uint64_t epoch, uint64_t bytes, const char *reason);
    /* The highest sequence that the archive has of this path and epoch: answer with follower_high. */
    void (*ask)(void *context, uint64_t question, struct str path, uint64_t epoch);
    /* For joined lines only: a mark of all that was taken until now, and whether all of it up to a mark is kept for
     * good, so that a power cut does not have it read again. */
    uint64_t (*mark)(void *context);
    bool (*kept)(void *context, uint64_t mark);
};

struct follow_options {
    struct str paths; /* files and folders, separated by blanks; "*", "?" and "[a-z]" stand within a part of a path */
    struct str join;  /* rules of join.h */
    int state_folder; /* open folder for the state file */
    uint64_t seed;    /* random: makes epochs */
    struct follow_sink sink;
};

/* What must be readable for a path: the folder in front of its first part with a wildcard, or the path itself. */
struct str follow_root(struct str path);

struct follower *follower_new(const struct follow_options *options, struct err *err); /* NULL: err says why */
void follower_free(struct follower *follower);
void follower_high(struct follower *follower, uint64_t question, uint64_t sequence);
/* Open questions are asked again: the one who was asked is gone. */
void follower_ask_again(struct follower *follower);
/* Looks for new files when it is time, reads what has grown. True when more waits to be read at once. */
bool follower_step(struct follower *follower, uint64_t now_boot_ns);
/* Writes positions to the state file: now and then, and at the end. A failure is not serious: counting starts earlier.
 */
enum rc follower_save(struct follower *follower, struct err *err) MUST_USE;
size_t follower_count(const struct follower *follower);

#endif
