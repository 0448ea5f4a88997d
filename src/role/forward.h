/* forward.h - `qorgan forward`: gives the archive's records to another system, in the order of their numbers, from a
 * position of its own on. A process by itself that reads the archive beside the service, as a mirror does.
 *
 *   position ──► records behind it that match ──► a batch ──► sent, and taken ──► position, on disk
 *                                                   └── not taken: again, later each time; nothing is passed over
 *
 * Taken means: HTTPS answered 2xx; over syslog (RFC 5425, RFC 6587 with octet counts) the peer's system acknowledged
 * every byte. After a crash of either side the last batch may come twice, none is left out; each line says its record's
 * number. */
#ifndef ROLE_FORWARD_H
#define ROLE_FORWARD_H

#include "archive/forward_line.h"
#include "archive/query.h"
#include "archive/reader.h"

#include <stdbool.h>
#include <stdint.h>

#define FORWARD_URL_MAX    1024
#define FORWARD_FROM_START 0
#define FORWARD_FROM_END   UINT64_MAX

enum forward_way { FORWARD_HTTPS, FORWARD_TLS, FORWARD_TCP };

struct forward_options {
    struct archive_reader *reader;
    const struct names *names;
    const char *archive; /* path of its folder, for the sandbox */
    const char *state;   /* folder of the position; made when missing */
    enum forward_way way;
    char url[FORWARD_URL_MAX];  /* as given */
    char host[FORWARD_URL_MAX]; /* of TLS and TCP */
    uint16_t port;
    enum forward_format format;
    const struct query *query; /* which records; NULL: all */
    bool own;                  /* the archive's own records too */
    uint64_t from;             /* the first record when there is no position yet; or one of the two above */
    struct str ca_pem;         /* texts of files; empty: none */
    struct str certificate;
    struct str key;
    struct str token;
    bool json; /* how far it is, once a minute and at the end, on standard output */
    bool once; /* ends when it has come to the archive's end */
    bool sandbox;
};

/* "https://HOST/PATH", "syslog+tls://HOST[:PORT]" (6514), "syslog+tcp://HOST[:PORT]" (514) into way, url, host, port.
 */
enum rc forward_url(struct forward_options *options, const char *url, struct err *err) MUST_USE;
/* Until SIGTERM or SIGINT, or the archive's end. The exit status. */
int forward_run(const struct forward_options *options);

#endif
