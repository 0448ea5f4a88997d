/* accounting.h - follows the file that the kernel's process accounting appends to (acct(2), codec/acct.h).
 *
 * A record's identity is (path, epoch, number): the epoch is made from the inode and the first record, so that nothing
 * has to be remembered here, and the number is the record's place. The file itself is the buffer. Rotated by renaming
 * it is read to its end and left when another stands at the path; rotated while nobody watched it is looked for as
 * "PATH.0" and "PATH.1" (savelog, logrotate). Truncated it is another epoch.
 *
 * A record of another version is counted and passed over. Single-threaded. */
#ifndef AGENT_ACCOUNTING_H
#define AGENT_ACCOUNTING_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCOUNTING_PATH    "/var/log/account/pacct"
#define ACCOUNTING_AT_ONCE 2000u /* records a step */

struct accounting;

struct accounting_sink {
    void *context;
    /* The highest number that was put of this epoch. */
    uint64_t (*high)(void *context, uint64_t epoch);
    /* One record as JSON. False: not taken, it comes again. */
    bool (*record)(void *context, uint64_t epoch, uint64_t sequence, struct str json);
    /* `count` records are none that can be read. */
    void (*lost)(void *context, uint64_t count);
};

struct accounting *accounting_new(const char *path, const struct accounting_sink *sink); /* NULL: no memory */
void accounting_free(struct accounting *accounting);
/* Reads on. True: more waits to be read at once. */
bool accounting_step(struct accounting *accounting);
bool accounting_is_open(const struct accounting *accounting);

#endif
