/* intake_stream.h - a connection of an intake process, and what its protocol does with it. For intake_*.c only.
 *
 *   socket ─► TLS ─► take(bytes) ─► intake_record ... connection_mark(value)
 *   socket ◄─ TLS ◄─ connection_answer(bytes) ◄─ durable(value) ◄─ keeper: durable up to a tag
 *
 * A protocol is a row of functions; intake_streams.c has the table of listeners, reads, writes, waits and closes. A
 * sender is told that it may forget a record only by `durable`: what it gave before the mark is then on the disk. Marks
 * come back in their order. While the window to the keeper is full, too many marks are open, answers are not read or
 * the protocol itself waits, nothing is taken: the rest of what was read stays in the connection, the socket is left
 * alone, and TCP makes the peer wait. */
#ifndef ROLE_INTAKE_STREAM_H
#define ROLE_INTAKE_STREAM_H

#include "base/buf.h"
#include "os/net.h"
#include "os/tls.h"
#include "role/intake.h"

#define STREAM_READ_SIZE ((size_t)256 << 10) /* bytes of one read */

struct connection;
struct listener_row;

struct stream_protocol {
    const char *name;
    bool patient;    /* a local one: neither silence nor answers that are not read end it */
    size_t marks;    /* that may be open before the peer has to wait; 0 = nothing is acknowledged */
    size_t in_max;   /* bytes that `take` may leave */
    size_t out_max;  /* bytes of answers not yet read by the peer */
    size_t out_wait; /* of these, past which nothing more is taken */
    /* Sets up connection->state. False without memory. */
    bool (*begin)(struct connection *connection);
    /* Takes from the front of *input as long as connection_takes says so; what it leaves comes again, with more behind
     * it. False when the peer broke the protocol: connection->reason says how, and it is closed. */
    bool (*take)(struct connection *connection, struct str *input);
    /* Everything before the mark is durable. NULL with marks == 0. */
    void (*durable)(struct connection *connection, uint64_t value);
    /* The answers have all been written. May be NULL. */
    void (*written)(struct connection *connection);
    /* The peer is gone: what is held may be a record. May be NULL. */
    void (*ended)(struct connection *connection);
    /* Bytes held for what is unfinished, beside connection->in. May be NULL. */
    size_t (*held)(const struct connection *connection);
    void (*done)(struct connection *connection); /* frees connection->state */
};

/* "Everything taken so far" is durable with this tag; the value is the protocol's. */
struct stream_mark {
    uint64_t tag;
    uint64_t value;
};

struct connection {
    struct streams *streams;
    const struct stream_protocol *protocol;
    const struct listener_row *row; /* intake_streams.c */
    void *state;                    /* the protocol's */
    int fd;
    struct loop_watch *watch;
    struct tls_session *tls;
    bool want_write; /* TLS has to write before it can read */
    bool shaken;     /* bytes came: the TLS handshake is done */
    bool waiting;    /* the protocol itself takes nothing for now */
    bool takes_full; /* it takes bytes though the window to the keeper is full: to refuse them, or to collect them */
    bool unfinished; /* it has records at hand, and goes on without another byte once the window has room */
    bool ending;     /* closed by us once the answers are written */
    bool lingering;  /* closed by us; the peer's last bytes are thrown away, lest the answer go with them */
    const char *reason;
    size_t source; /* SIZE_MAX = none */
    size_t port;   /* the listener's source: of who is not known */
    char address[NET_ADDRESS_MAX];
    char name[TOKEN_NAME_MAX + 1]; /* of its certificate, vouched for by tls-client-ca; "" = none */
    struct buf in;                 /* read and not taken */
    struct buf out;                /* answers not written */
    struct stream_mark *marks;
    size_t mark_count;
    size_t mark_room;
    size_t held; /* as last counted into streams->held */
    uint64_t heard_ns;
    uint64_t wrote_ns; /* when the peer last read something, or an answer was begun */
    size_t place;      /* in streams->all */
};

struct intake *connection_intake(const struct connection *connection);
/* Whether the protocol may take more now. */
bool connection_takes(const struct connection *connection);
/* One record of the connection's source; false when it found no room, and then nothing of it may be acknowledged. */
bool connection_record(struct connection *connection, struct str bytes) MUST_USE;
/* `durable` is called with the value once all that was taken up to here is durable; at once, after `take`, when it is
 * already. When protocol->marks are open the newest moves on: what it stood for is told a little later. */
void connection_mark(struct connection *connection, uint64_t value);
/* Bytes for the peer; past out_max the connection is closed. */
void connection_answer(struct connection *connection, struct str bytes);
/* What it sent was refused: counted by its source, or by the port and its address when nothing was taken of it yet. */
bool connection_refused(struct connection *connection, enum gap_cause cause, enum gap_unit unit, const char *reason);
/* A number for questions to the keeper that is never used again. */
uint64_t connection_question(struct connection *connection);

/* For each connection of a protocol, which answers what it has to. */
typedef void (*connection_call)(struct connection *connection, void *context);
void streams_each(struct streams *streams, const struct stream_protocol *protocol, connection_call call, void *context);

extern const struct stream_protocol stream_syslog;  /* intake_syslog.c */
extern const struct stream_protocol stream_import;  /* intake_import.c */
extern const struct stream_protocol stream_relp;    /* intake_relp.c */
extern const struct stream_protocol stream_http;    /* intake_http.c */
extern const struct stream_protocol stream_beats;   /* intake_beats.c */
extern const struct stream_protocol stream_gelf;    /* intake_gelf.c */
extern const struct stream_protocol stream_netflow; /* intake_netflow.c */

#endif
