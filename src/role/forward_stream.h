/* forward_stream.h - a byte stream to another system: TCP, or TLS 1.2 or later over it, by libcurl.
 *
 * Calls block and ask `stop` several times a second. What syslog lacks, an answer, is made up for as far as TCP can:
 * stream_settle waits until the peer's kernel has acknowledged every byte and the peer has not hung up. */
#ifndef ROLE_FORWARD_STREAM_H
#define ROLE_FORWARD_STREAM_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct stream;

struct stream_options {
    const char *host; /* a name, or an address; IPv6 in brackets */
    uint16_t port;
    bool tls;
    struct str ca_pem;      /* who vouches for the peer, whose certificate must name the host; empty: the system's */
    struct str certificate; /* PEM, our own, and its key; empty: none is shown */
    struct str key;
    long patience_s; /* to connect, and for each wait for the peer */
    bool (*stop)(void *context);
    void *context;
};

/* Connects. RC_DENIED: the peer is not who it must be. RC_AGAIN: stopped. RC_IO. */
enum rc stream_open(const struct stream_options *options, struct stream **ret_stream, struct err *err) MUST_USE;
void stream_close(struct stream *stream); /* NULL is fine */
/* All bytes are given to the system. RC_IO, RC_AGAIN: how many arrived is not known. */
enum rc stream_send(struct stream *stream, struct str bytes, struct err *err) MUST_USE;
/* All that was sent was acknowledged by the peer's system. */
enum rc stream_settle(struct stream *stream, struct err *err) MUST_USE;

#endif
