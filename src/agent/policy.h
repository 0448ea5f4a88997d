/* policy.h - what the server wants collected: a note that the archive's key signed (doc/format/delivery.md, Policy).
 *
 *   qorgan agent policy
 *   ORIGIN
 *   GROUP
 *   VERSION
 *   {"files":["/var/log"],"join":["/var/log/app timestamp wait=3"],"journal":true,"audit":false,"accounting":false,
 *    "inventory":true,"durable":"immediate",
 *    "canary_s":300,"commands":[{"name":"users","argv":["/usr/bin/who"],"every_s":300,"timeout_s":10,"bytes":65536}]}
 *
 * The inventory (inventory.h) is taken unless it is false. A member of the object that this program does not know is
 * passed over and named, so that it can be told; a known one of a wrong kind or value refuses the whole policy. */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tlog/note.h"

#include <stdbool.h>
#include <stdint.h>

#define POLICY_FILES_MAX    64u
#define POLICY_PATHS_MAX    4000u /* bytes of all paths */
#define POLICY_COMMANDS_MAX 32u
#define POLICY_ARGUMENTS    16u
#define POLICY_NAME_MAX     64u

struct agent_command {
    struct str name;                        /* a-z 0-9 _ -; unique */
    const char *argv[POLICY_ARGUMENTS + 1]; /* ends with NULL; the first is an absolute path */
    uint32_t every_s;                       /* 10 to 604,800 */
    uint32_t timeout_s;                     /* 1 to 600 */
    uint32_t bytes_max;                     /* of its output, 1 to 1 MiB */
};

struct agent_policy {
    struct str origin;
    struct str group;
    uint32_t version; /* never 0 */
    struct str files; /* absolute paths of files and folders, a blank between them */
    struct str join;  /* rules of join.h */
    bool journal;
    bool audit;
    bool accounting;      /* processes that ended, as the kernel writes them down (accounting.h) */
    bool inventory;       /* true unless it says otherwise */
    bool inventory_named; /* it says so or otherwise */
    bool immediate;       /* every batch is synced at once */
    uint32_t canary_s;    /* between two canaries (codec/canary_text.h), 1 to 86,400; 0: none */
    size_t command_count;
    struct agent_command commands[POLICY_COMMANDS_MAX];
    struct str passed_over; /* names of unknown members, a comma between them */
};

/* The text of a note. Slices and arguments live in the arena. */
enum rc agent_policy_parse(struct str text, struct arena *arena, struct agent_policy *ret_policy,
                           struct err *err) MUST_USE;
/* A whole note. RC_DENIED: not signed by the key, or of another archive. */
enum rc agent_policy_open(struct str note, const struct note_key *key, struct arena *arena,
                          struct agent_policy *ret_policy, struct err *err) MUST_USE;

#endif
