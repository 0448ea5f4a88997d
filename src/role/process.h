/* process.h - what every child process shares: its channel to the parent, its peers, its sandbox, its pump.
 *
 *   SET-UP ── config, handles, secrets, peers ──► START ──► driver.start (opens its files) ──► identity and sandbox
 *      ──► READY ──► loop: messages, descriptors, driver.tick ──► STOP or parent gone ──► driver.stop ──► exit
 *
 * A driver is the role's step functions; it keeps its state behind `self`. Peers come and go: when one is restarted its
 * old channel closes (peer_down) and a new one arrives (peer_up); what was not acknowledged is then sent again. */
#ifndef ROLE_PROCESS_H
#define ROLE_PROCESS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "msg/msg.h"
#include "os/loop.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "os/vault.h"
#include "role/config.h"

#include <stdbool.h>
#include <stdint.h>

#define PROCESS_PEERS_MAX   128
#define PROCESS_HANDLES_MAX 128

struct process;

struct role_driver {
    enum role role;
    unsigned calls;       /* enum sandbox_calls */
    uint64_t memory_max;  /* bytes of address space; 0 = no limit */
    uint64_t files_max;   /* descriptors */
    uint64_t cpu_s_max;   /* of one that ends with its job; 0 = no limit */
    bool read_everything; /* CAP_DAC_READ_SEARCH */
    bool background;      /* gives way to all others: processor and disk */
    int tick_ms;          /* longest time between two ticks */
    /* Paths for Landlock, told by configuration; returns how many were put into the array. */
    size_t (*paths)(const struct config *config, struct arena *arena, struct sandbox_path *ret_paths, size_t size);
    /* Before privileges go. RC_OK and the state, or the reason why the process cannot start. */
    enum rc (*start)(struct process *process, void **ret_self, struct err *err);
    /* After; may be NULL. */
    void (*begin)(void *self);
    void (*message)(void *self, struct channel *channel, struct msg *msg);
    void (*peer_up)(void *self, struct channel *channel);             /* may be NULL */
    void (*peer_down)(void *self, enum role role, unsigned instance); /* may be NULL */
    void (*tick)(void *self, int64_t now_ns);                         /* may be NULL */
    int (*timeout_ms)(void *self);                                    /* sooner than tick_ms; may be NULL */
    void (*stop)(void *self);                                         /* last words; may be NULL */
};

struct process_handle {
    const char *name;
    int fd;
};

struct process {
    const struct role_driver *driver;
    unsigned instance;
    unsigned count; /* of this role */
    struct config config;
    struct arena *arena; /* for the life of the process */
    struct loop *loop;
    struct process_handle handles[PROCESS_HANDLES_MAX];
    size_t handle_count;
};

/* Runs the role to its end; the exit status. */
int process_run(const struct role_driver *driver);
/* A handle by name, -1 when the parent gave none; the next one after `previous` (-1 to begin). */
int process_handle(const struct process *process, const char *name, int previous);
/* A secret by name; empty when none. Wiped by process_forget_secrets. */
struct str process_secret(const char *name);
void process_forget_secrets(void);
/* The master keys that the parent gave, NULL when encryption is off. For driver.start: what the secret held is wiped.
 */
enum rc process_vault(struct vault **ret_vault, struct err *err) MUST_USE;
/* The channel to a peer, NULL when it is away. */
struct channel *process_peer(enum role role, unsigned instance);
/* Adds a line to what READY tells people (an address, a first password). */
void process_say(const char *format, ...) PRINTF(1, 2);
/* A message without a body for the parent. */
void process_tell(enum msg_type type);
/* Stops the process: after this step driver.stop is called and it exits with status. */
void process_stop(int status);

#endif
