/* out.h - the state of the role out, shared by out.c (notices) and out_witness.c. Inside the role. */
#ifndef ROLE_OUT_H
#define ROLE_OUT_H

#include "role/process.h"
#include "role/transfer.h"
#include "tlog/policy.h"

struct out {
    struct process *process;
    struct arena *scratch;
    struct buf message;
    struct buf answer;
    struct transfers *transfers;
    struct policy *policy; /* NULL: no witnesses */
    struct str web_ca;     /* PEM; empty: the system's */
    struct str stamp_ca;   /* PEM; who vouches for the time-stamp authority */
    struct tlog_hash stamp_imprint;
    uint64_t stamp_nonce;
    bool stamping;
};

/* Takes policy and certificates from the secrets. */
enum rc out_witness_start(struct out *out, struct err *err) MUST_USE;
/* MSG_COSIGN: to one witness; MSG_COSIGNED answers, always. */
void out_cosign(struct out *out, const struct msg *msg);
/* MSG_STAMP: to the time-stamp authority; MSG_STAMPED answers, always. */
void out_stamp(struct out *out, const struct msg *msg);

#endif
