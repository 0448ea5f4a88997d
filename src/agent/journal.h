/* journal.h - reads the systemd journal of this machine: each entry one JSON object of its fields.
 *
 * An entry's identity is the journal's own: epoch from its sequence-number id, sequence its number, so that a restart
 * goes on behind what the archive has. libsystemd stands behind this file. Single-threaded.
 *
 * libsystemd keeps windows of 8 MiB of the files mapped. What was read of them is given back to the page cache every
 * JOURNAL_RESIDENT bytes and when all is read, so that reading much does not make the process large. */
#ifndef AGENT_JOURNAL_H
#define AGENT_JOURNAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_ENTRY_MAX ((size_t)1 << 20) /* bytes of the object; fields past it are left out and counted in it */

#define JOURNAL_RESIDENT ((size_t)512 << 10) /* bytes of objects */

struct journal;

/* Before a sandbox is entered: opens the list of this process's mappings, by which windows are found. Without it, or
 * where there is no /proc, windows stay as they are. */
void journal_prepare(void);

/* folder NULL: the machine's own. RC_NOT_FOUND when there is none. */
enum rc journal_open(const char *folder, struct journal **ret_journal, struct err *err) MUST_USE;
void journal_close(struct journal *journal);
int journal_fd(const struct journal *journal); /* to watch for reading */

struct journal_entry {
    uint64_t epoch;
    uint64_t sequence;
    int64_t time_ns;
    struct str json; /* valid until the next call */
};

/* The first entry's identity, to ask the archive how far it has this journal. RC_END when it is empty. */
enum rc journal_first(struct journal *journal, uint64_t *ret_epoch, struct err *err) MUST_USE;
/* Goes on behind the entry with this number; 0 = from the beginning. */
enum rc journal_seek(struct journal *journal, uint64_t sequence, struct err *err) MUST_USE;
/* The next entry. RC_END: none yet; wait for the descriptor. */
enum rc journal_next(struct journal *journal, struct journal_entry *ret_entry, struct err *err) MUST_USE;

#endif
