/* outside.h - the keeper's dealings with those who vouch for its checkpoints from outside: witnesses (cosign.h) and a
 * time-stamp authority. Requests go to the role out, which has the connections; what comes back is verified before it
 * is stored. What went wrong becomes a lifecycle record and an alarm in the totals. Inside the role keeper. */
#ifndef ROLE_OUTSIDE_H
#define ROLE_OUTSIDE_H

#include "archive/writer.h"
#include "base/buf.h"
#include "base/err.h"
#include "msg/msg.h"
#include "role/process.h"

#include <stdbool.h>
#include <stdint.h>

struct outside;

struct outside_options {
    const struct process *process;
    struct archive *archive;
    /* Appends a lifecycle record and gives its number. */
    uint64_t (*record)(void *context, struct str body);
    /* A write failed: does not return. */
    void (*give_up)(const char *what, const struct err *err);
    void *context;
};

/* Reads the secret witness-policy. */
enum rc outside_new(const struct outside_options *options, struct outside **ret_outside, struct err *err) MUST_USE;
/* Whether the checkpoint that was just signed goes to the witnesses; without any, never. */
bool outside_due(const struct outside *outside, uint64_t now_ns);
bool outside_has_witnesses(const struct outside *outside);
/* A checkpoint is stored, `retained` under its size. */
void outside_signed(struct outside *outside, struct str note, uint64_t size, bool retained, uint64_t now_ns);
/* MSG_COSIGNED, MSG_STAMPED, MSG_MIRROR_COSIGNED, MSG_PROVE (id: intake << 32 | its number). */
void outside_message(struct outside *outside, const struct msg *msg, uint64_t now_ns);
/* Once a second; signed_ns is when a checkpoint was signed last, 0 never. */
void outside_tick(struct outside *outside, uint64_t signed_ns, uint64_t now_ns);
void outside_peer_down(struct outside *outside);
/* Members of the totals: witnesses, quorum, stamp, alarms. */
void outside_write(const struct outside *outside, struct buf *json);

#endif
