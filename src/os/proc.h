/* proc.h - children, identities, signals. Linux only. */
#ifndef OS_PROC_H
#define OS_PROC_H

#include "base/err.h"
#include "base/str.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_CONTROL_FD 3 /* where a child finds its channel to the parent */

/* Starts this very program again with argv; the child has standard input closed to /dev/null, standard output and
 * error as here, `control` as PROC_CONTROL_FD, nothing else, and dies with its parent. */
enum rc proc_spawn(char *const argv[], int control, pid_t *ret_pid, struct err *err) MUST_USE;
/* Runs `work` in a copy of this process, made as it stands now; what it writes to `out` comes from *ret_from, and what
 * it returns is its exit status. SIGINT, which a terminal sends to all, it leaves to this process, and dies with it.
 * Only where nothing runs beside: no other threads. */
enum rc proc_copy(int (*work)(void *context, int out), void *context, pid_t *ret_pid, int *ret_from,
                  struct err *err) MUST_USE;
/* Ends such a copy, whatever it does, and waits for it. */
void proc_end(pid_t pid);
/* Waits for such a copy's own end. Its exit status, or -1 when a signal ended it; *ret_why as proc_reap. */
int proc_wait(pid_t pid, char *ret_why, size_t size);
/* In such a copy, before it gives its rights up: from now on it and all that it makes of itself are a group of their
 * own.
 */
enum rc proc_lead(struct err *err) MUST_USE;
/* Ends what is left of the group once its leader, such a copy, has ended, for which it waits; proc_wait tells of it. */
void proc_end_group(pid_t leader);
/* A dead child, or 0 when none. *ret_why: "exit status 1", "signal 9 (Killed)". */
pid_t proc_reap(char *ret_why, size_t size);

struct proc_identity {
    uint32_t uid;
    uint32_t gid;
    uint32_t extra_gid;   /* 0 = none */
    bool read_everything; /* keeps CAP_DAC_READ_SEARCH: the collector, who reads logs of every owner */
    bool read_audit;      /* keeps CAP_AUDIT_READ: the agent, who reads the kernel's audit messages */
    bool outlives_parent; /* a service of its own; all others die with the process that started them */
};
/* Takes the identity for ever: groups, ids, capabilities, no new privileges, no core, not traceable. Not being root it
 * only does the last three and says so: RC_DENIED is not returned, *ret_dropped is false. */
enum rc proc_drop(const struct proc_identity *identity, bool *ret_dropped, struct err *err) MUST_USE;

/* No core and not traceable, for a process that holds keys. Goes with exec. */
enum rc proc_close_memory(struct err *err) MUST_USE;

/* SIGTERM, SIGINT and SIGHUP (and SIGCHLD) as a descriptor to watch; SIGPIPE ignored. -errno on failure. */
int proc_signals(void);
/* The next signal number from it, 0 when none waits. */
int proc_signal_next(int fd);
/* Little processor time when others want it (15 nicer than it was), the last place at the disk. False when the kernel
 * refuses. */
bool proc_background(void);
void proc_set_name(const char *name); /* shown by ps */
bool proc_is_root(void);
/* Ids of a user of this machine; RC_NOT_FOUND. */
enum rc proc_user_find(const char *name, uint32_t *ret_uid, uint32_t *ret_gid, struct err *err) MUST_USE;
enum rc proc_chown(const char *path, uint32_t uid, uint32_t gid, struct err *err) MUST_USE;
/* Every file that stands in the folder; links are not followed. */
enum rc proc_chown_files(int folder, uint32_t uid, uint32_t gid, struct err *err) MUST_USE;
/* Makes an open folder the present one. */
enum rc proc_enter_folder(int folder, struct err *err) MUST_USE;
/* Anonymous memory shared with another process by its descriptor. -errno. */
int proc_memory_fd(const char *name, size_t size);
/* Anonymous memory with these bytes, sealed: nobody alters or cuts it any more, however many processes have it. Not of
 * no bytes. */
enum rc proc_seal(const char *name, struct str bytes, int *ret_fd, struct err *err) MUST_USE;
/* Its bytes, to be read; RC_INVALID when they are not sealed, RC_LIMIT past `max`. The descriptor may be closed. */
enum rc proc_sealed_map(int fd, size_t max, struct str *ret_bytes, struct err *err) MUST_USE;
void proc_unmap(struct str bytes);   /* none is fine */
void *proc_map(int fd, size_t size); /* shared, read and write; NULL on failure */
uint64_t proc_disk_free(int folder); /* bytes for us; 0 when not known */
unsigned proc_cores(void);           /* that this process may use */

#endif
