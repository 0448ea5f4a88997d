/* disk.h - a disk in memory behind `struct io`: what was not synced may be lost, torn or reordered when power fails.
 *
 * Model. A file has durable bytes and a list of changes since (writes, truncations, allocations); a folder durable
 * entries and a list of changes since (create, rename, unlink, mkdir). `sync` makes that one file's or folder's
 * changes durable, nothing else: a new file whose folder was not synced may be gone although its bytes were synced.
 * When power fails, any subset of the other changes survives, writes in parts of whole 512-byte sectors. This is
 * harsher than any file system in use, which is the purpose. After a failed sync the changes it was for can never be
 * made durable by a later sync, as on Linux.
 *
 * Everything random comes from one seed. Single-threaded. It asserts that there is memory: do not combine it with
 * memory_fail_at. Descriptors begin at SIM_FD_FIRST, so that none can be taken for one of the kernel's. */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "base/str.h"
#include "os/io.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_FD_FIRST 1000000
#define SIM_SECTOR   512

struct sim_disk;

struct sim_disk_faults {
    uint64_t cut_after;   /* power fails after this many changing calls; 0 = never */
    uint64_t eio_at;      /* this call, of all kinds counted from sim_disk_set_faults, fails with -EIO; 0 = none */
    uint64_t eio_sync_at; /* this sync, counted likewise; 0 = none */
    uint64_t space;       /* bytes that all files together may have; 0 = no limit */
    bool short_io;        /* reads and writes are now and then short */
};

struct sim_disk *sim_disk_new(uint64_t seed);
void sim_disk_free(struct sim_disk *disk); /* NULL is fine */
/* The same disk again, with open descriptors, faults and randomness. */
struct sim_disk *sim_disk_copy(const struct sim_disk *disk);

/* Borrowed; valid as long as the disk. */
const struct io *sim_disk_io(struct sim_disk *disk);
/* A descriptor of the uppermost folder. Gone after a restart, as all are. */
int sim_disk_root(struct sim_disk *disk);

/* Replaces the faults and sets the counters to 0. */
void sim_disk_set_faults(struct sim_disk *disk, const struct sim_disk_faults *faults);
uint64_t sim_disk_calls(const struct sim_disk *disk);   /* of all kinds */
uint64_t sim_disk_changes(const struct sim_disk *disk); /* those that may change the disk, syncs included */
uint64_t sim_disk_syncs(const struct sim_disk *disk);
bool sim_disk_is_cut(const struct sim_disk *disk);   /* power is off: every call fails with -EIO */
uint64_t sim_disk_used(const struct sim_disk *disk); /* bytes of all files */

/* Power fails now (when it has not yet) and comes back: descriptors and locks are gone, faults are off, and of what was
 * not synced a subset is kept that `seed` chooses (0: nothing is kept; 1: everything). */
void sim_disk_restart(struct sim_disk *disk, uint64_t seed);

/* The process dies at the cut, or now, and the power stays: descriptors and locks are gone, faults are off,
 * what was not synced is still read and still not synced. */
void sim_disk_kill(struct sim_disk *disk);

/* For attackers and checks, beside the io table and uncounted. `path` is of names with '/' from the root. */
bool sim_disk_peek(const struct sim_disk *disk, const char *path, struct str *ret_bytes);   /* borrowed, as read now */
bool sim_disk_flip(struct sim_disk *disk, const char *path, uint64_t offset, uint8_t mask); /* durable and now */
/* Calls `each` with the path of every file, sorted. */
void sim_disk_walk(const struct sim_disk *disk, void (*each)(void *context, const char *path), void *context);

/* The generator behind it all, for tests that draw from the same seed: splitmix64. */
uint64_t sim_random(uint64_t *state);
uint64_t sim_random_below(uint64_t *state, uint64_t bound); /* 0 when bound is 0 */

#endif
