/* sandbox.h - what a process may still do, given up for ever: paths (Landlock), system calls (seccomp), resources.
 *
 * A kernel that lacks a part is reported, never silently skipped: the caller shows `missing` to people. A call outside
 * the list kills the process (SIGSYS); its parent says so and starts it anew. */
#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum sandbox_calls {
    SANDBOX_OPEN = 1,     /* open and look at files below the allowed paths */
    SANDBOX_CHANGE = 2,   /* create, write, rename, sync files there */
    SANDBOX_UNLINK = 4,   /* remove files there */
    SANDBOX_ACCEPT = 8,   /* take connections from listening sockets it was given */
    SANDBOX_CONNECT = 16, /* open outgoing connections */
    SANDBOX_THREADS = 32, /* a library needs threads */
    SANDBOX_LIST = 64,    /* read the names in folders that it was given open */
    SANDBOX_SEAL = 128,   /* make memory that it shares: proc_seal; also in SANDBOX_CHANGE */
    SANDBOX_CLOCK = 256,  /* ask the kernel how its clock is; setting it takes a right of its own */
    SANDBOX_COPIES = 512, /* fork as proc_copy does, and wait; signals to nobody */
};

/* SANDBOX_MOVE: files may go from a folder that has it to another that has it, when the one may lose a name and the
 * other gain one. */
enum sandbox_access { SANDBOX_READ = 1, SANDBOX_WRITE = 2, SANDBOX_REMOVE = 4, SANDBOX_RENAME = 8, SANDBOX_MOVE = 16 };

struct sandbox_path {
    const char *path; /* absent paths are passed over */
    unsigned access;  /* enum sandbox_access */
    int held;         /* descriptor + 1 once sandbox_hold opened it; 0 before */
};

struct sandbox {
    unsigned calls;
    const struct sandbox_path *paths;
    size_t path_count;
    uint64_t memory_max; /* bytes of address space; 0 = no limit */
    uint64_t files_max;  /* open descriptors; 0 = as it is */
    uint64_t cpu_s_max;  /* seconds of processor time, then the kernel ends the process; 0 = no limit */
};

/* Opens the paths while the process still may look at what lies above them: before it changes its user. */
enum rc sandbox_hold(struct sandbox_path *paths, size_t count, struct err *err) MUST_USE;
/* Appends to `missing` one line for each part that this kernel or build lacks. */
enum rc sandbox_enter(const struct sandbox *sandbox, struct buf *missing, struct err *err) MUST_USE;

#endif
