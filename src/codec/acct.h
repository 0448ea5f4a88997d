/* acct.h - records of process accounting, as the Linux kernel appends one for each process that ends (acct(5), struct
 * acct_v3: 64 bytes, CONFIG_BSD_PROCESS_ACCT_V3). Pure; the byte order is the one that the record says. */
#ifndef CODEC_ACCT_H
#define CODEC_ACCT_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCT_SIZE     64u
#define ACCT_JSON_MAX 1024u /* bytes of a record's object */

enum acct_flags {
    ACCT_FORK = 0x01,   /* forked and did not exec */
    ACCT_SU = 0x02,     /* used the rights of root */
    ACCT_CORE = 0x08,   /* dumped core */
    ACCT_SIGNAL = 0x10, /* ended by a signal */
};

struct acct_record {
    uint8_t flags;
    uint16_t tty;  /* device number; 0: none */
    uint32_t exit; /* as wait(2) gives it */
    uint32_t uid;
    uint32_t gid;
    uint32_t pid;
    uint32_t parent;
    uint32_t start_s; /* since 1970, UTC */
    double elapsed_s; /* finite, never negative */
    double user_s;
    double system_s;
    uint64_t memory_kib; /* on average */
    uint64_t minor_faults;
    uint64_t major_faults;
    struct str command; /* borrowed; at most 16 bytes, of any kind */
};

/* False: not 64 bytes, or of another version. */
bool acct_parse(struct str bytes, struct acct_record *ret_record) MUST_USE;
/* A JSON object. */
void acct_write(struct buf *out, const struct acct_record *record);

#endif
