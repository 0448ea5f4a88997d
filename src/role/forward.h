/* forward.h - `qorgan forward`: gives the archive's records to another system, in the order of their numbers, from a
 * position of its own on. A process by itself that reads the archive beside the service, as a mirror does.
 *
 *   position ──► records behind it that match ──► a batch ──► sent, and taken ──► position, on disk
 *                                                   └── not taken: again, later each time; nothing is passed over
 *
 * Taken means: HTTPS answered 2xx; over syslog (RFC 5425, RFC 6587 with octet counts) the peer's system acknowledged
 * every byte; Kafka and NATS acknowledged each record, and the position moves as far as all before it were. After a
 * crash of either side the last batch may come twice, none is left out; each line says its record's number. */
#ifndef ROLE_FORWARD_H
#define ROLE_FORWARD_H

#include "archive/forward_line.h"
#include "archive/query.h"
#include "archive/reader.h"
#include "role/forward_address.h"

#include <stdbool.h>
#include <stdint.h>

#define FORWARD_FROM_START 0
#define FORWARD_FROM_END   UINT64_MAX

struct forward_options {
    struct archive_reader *reader;
    const struct names *names;
    const char *archive; /* path of its folder, for the sandbox */
    const char *state;   /* folder of the position; made when missing */
    struct forward_address address;
    enum forward_format format;
    const struct query *query; /* which records; NULL: all */
    const char *query_text;    /* as given; NULL: all */
    bool own;                  /* the archive's own records too */
    uint64_t from;             /* the first record when there is no position yet; or one of the two above */
    struct str ca_pem;         /* texts of files; empty: none */
    struct str certificate;
    struct str key;
    struct str token;      /* HTTPS and NATS */
    struct str creds;      /* NATS (nats_creds.h) */
    const char *user;      /* Kafka and NATS; NULL: none */
    struct str password;   /* the user's */
    const char *mechanism; /* Kafka: how the user is proven, "SCRAM-SHA-512" or "SCRAM-SHA-256" */
    bool json;             /* how far it is, once a minute and at the end, on standard output */
    bool once;             /* ends when it has come to the archive's end */
    bool sandbox;
};

/* Before anything else in the process, for it must come before OpenSSL is used: libnats frees at the end of the process
 * what OpenSSL itself would free once more, so OpenSSL is told to leave that to the system. */
void forward_begin(void);
/* Until SIGTERM or SIGINT, or the archive's end. The exit status. */
int forward_run(const struct forward_options *options);

#endif
