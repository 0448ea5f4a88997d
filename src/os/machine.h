/* machine.h - what a machine says of itself in files: those of proc, sys and etc, below a folder that stands for its
 * root. Starts no program, follows links where a path leads over them, changes nothing.
 *
 * Paths are relative to `root`, without a slash in front. Files of proc and sys say no size: they are read to their
 * end. Single-threaded. */
#ifndef OS_MACHINE_H
#define OS_MACHINE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The bytes of a file, behind what the buffer has, at most `most` of them; *ret_cut: there were more. False: there is
 * none, or it may not be read. */
bool machine_read(int root, const char *path, size_t most, struct buf *out, bool *ret_cut);
/* The file in pieces, in order; false from `each` ends it. False: as above, or it was ended. */
bool machine_stream(int root, const char *path, bool (*each)(void *context, struct str piece), void *context);
/* A file to be read at any place; negative: there is none. The caller closes it. */
int machine_open(int root, const char *path);
/* All of the bytes, or false. */
bool machine_read_at(int fd, uint64_t offset, void *bytes, size_t n);
/* Where a link leads, as it is written; false: it is no link, or leads farther than 1,023 bytes. */
bool machine_link(int root, const char *path, char ret_target[1024]);
/* Names in a folder, of links too, not in order, without "." and ".."; false from `each` ends it. */
bool machine_list(int root, const char *path, bool (*each)(void *context, const char *name), void *context);
bool machine_exists(int root, const char *path);

/* What tells a changed file from the same one; all zero when there is none. */
struct machine_stamp {
    uint64_t number;
    int64_t size;
    int64_t changed_ns;
};
struct machine_stamp machine_stamp(int root, const char *path);

struct machine_space {
    uint64_t bytes;
    uint64_t free; /* for everybody */
};
/* Of the file system that is mounted there. A path with ".." is not looked at. */
bool machine_space(int root, const char *path, struct machine_space *ret_space);

/* Whether the kernel holds its clock for synchronised (adjtimex(2), STA_UNSYNC). False too when it may not be asked. */
bool machine_clock_synchronised(void);

/* Devices that come and go (netlink, kobject uevents). A non-blocking descriptor, the caller's; negative: not here. */
int machine_uevents_open(void);
/* Reads away what waits; true: something of a device came, or some were lost. */
bool machine_uevents_came(int fd);

#define MACHINE_ADDRESSES_MAX ((size_t)256 << 10)
/* Addresses of all interfaces: the kernel's answer to RTM_GETADDR, netlink messages one behind the other. False: not
 * here. */
bool machine_addresses(struct buf *out);

#endif
