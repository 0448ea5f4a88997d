/* mirror.h - `qorgan mirror`: a second copy of the archive on another host, pulled and checked, in the foreground. */
#ifndef ROLE_MIRROR_H
#define ROLE_MIRROR_H

#include "base/str.h"
#include "os/vault.h"
#include "tlog/key.h"
#include "tlog/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct mirror_options {
    const char *from;   /* "https://host:port" */
    const char *data;   /* this mirror's data folder; made when missing */
    struct str ca_pem;  /* empty: the system's */
    const uint8_t *pin; /* SHA-256 of the server's certificate, 32 bytes; NULL: none */
    struct str token;
    const struct policy *policy;
    const struct vault *vault;         /* master keys of this mirror's own copy; NULL: it is not encrypted */
    const struct signing_key *witness; /* NULL: it does not cosign */
    int64_t interval_s;
    int64_t silent_s; /* a server that does not answer, or answers and does not grow, for so long is told */
    bool once;
    bool json;    /* one object a pull on standard output */
    bool sandbox; /* off only to look for a fault */
};

/* Until SIGTERM or SIGINT, or after one pull. The exit status: 0 done; 1 an alarm (said on standard error and in
 * DATA/mirror/alarms), or it cannot go on. */
int mirror_run(const struct mirror_options *options);

#endif
