/* confined.h - a stranger's bytes read where a mistake in the reading costs nothing: in a copy of this process that has
 * given everything up but its memory.
 *
 * The copy opens no file, not even below a folder that was open, makes no connection, changes nothing and is nobody's:
 * of a process of root's it becomes user 65534. Of its descriptors only 0, 1 and 2 are left. One that must read on its
 * own, an archive that fits into no memory, may open what lies below some folders, for reading, and nothing else: of
 * root's it then keeps the right to read what others own. What it answers is as
 * little to be trusted as what it read: whoever asked judges it. */
#ifndef OS_CONFINED_H
#define OS_CONFINED_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFINED_PART_MAX     ((size_t)4 << 20) /* bytes that are sent at once */
#define CONFINED_READABLE_MAX 4u

struct confined {
    /* Runs in the copy, as all that was made ready before stands. Puts its answer, flushes what it printed. */
    enum rc (*work)(void *context, struct buf *answer, struct err *err);
    /* Runs here, for each part that the work sends, while it goes on; an error ends the copy. NULL: none is sent. */
    enum rc (*take)(void *context, struct str part, struct err *err);
    void *context;
    uint64_t memory_max; /* bytes of address space */
    /* Files and folders below which it may read; absent ones are passed over. */
    const char *readable[CONFINED_READABLE_MAX];
    size_t readable_count;
    bool copies; /* it may share its work with copies of itself (proc_copy): none outlives it */
    /* Asked whenever SIGINT came, which the copy does not feel: true ends the copy. NULL: SIGINT is not looked at. */
    bool (*stopped)(void);
};

/* Waits until the work is done; what it returned, and its error. Else RC_CORRUPT when the copy died or what came is no
 * answer, RC_LIMIT when the answer is more than ret_answer may hold, RC_AGAIN when it was stopped, RC_IO. Appends to
 * `missing` one line for each part of this that the kernel lacks. Only where no other thread runs; what is printed is
 * to be flushed before. */
enum rc confined_run(const struct confined *confined, struct buf *ret_answer, struct buf *missing,
                     struct err *err) MUST_USE;
/* In the copy: what is known before the answer. RC_IO when nobody reads it, RC_LIMIT past CONFINED_PART_MAX. */
enum rc confined_send(struct str part, struct err *err) MUST_USE;

#endif
