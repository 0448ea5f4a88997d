/* memory.h - what an agent remembers of the archive: its key, the newest tree it has verified, and whether it caught
 * it.
 *
 * A small text, replaced whole; first line "qorgan-agent memory 1", then one word and its value a line: `key`, `size`,
 * `root`, `spool`, `trouble`. */
#ifndef AGENT_MEMORY_H
#define AGENT_MEMORY_H

#include "base/buf.h"
#include "base/err.h"
#include "os/io.h"
#include "tlog/note.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_NAME        "memory"
#define MEMORY_TROUBLE_MAX 200u

struct agent_memory {
    bool has_key;
    struct note_key key;   /* of the archive: the first that was told (doc/format/delivery.md) */
    struct tlog_head seen; /* verified, and consistent with what was seen before; size 0: none yet */
    uint64_t spool;        /* number of the spool used last; 0: none */
    /* Why nothing of the spool is freed any more: the archive's tree does not continue what was seen, or another key
     * claims to be its. Empty: all is well. Kept until a person enrols the agent anew. */
    char trouble[MEMORY_TROUBLE_MAX];
};

void agent_memory_write(const struct agent_memory *memory, struct buf *out);
enum rc agent_memory_parse(struct str text, struct agent_memory *ret_memory, struct err *err) MUST_USE;
/* RC_NOT_FOUND: none yet; *ret_memory is empty then. */
enum rc agent_memory_load(const struct io *io, int folder, struct agent_memory *ret_memory, struct err *err) MUST_USE;
enum rc agent_memory_save(const struct io *io, int folder, const struct agent_memory *memory, struct err *err) MUST_USE;

#endif
