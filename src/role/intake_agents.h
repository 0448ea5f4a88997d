/* intake_agents.h - agents under the intake role: their connections (intake_agents.c), through which relays they come
 * (intake_agent_relay.c), what they deliver (intake_agent_data.c), and what the desk says of them
 * (intake_agent_desk.c). Protocol: doc/format/delivery.md.
 *
 *   accepted ──► SHAKING ── TLS, hello or enrol ──► ASKED ── the desk's word ──► READY ── data, time, prove…
 *                   │                                 │ no desk, too long: busy     │ broken, revoked, silent
 *                   └──── not TLS, foreign, broken ───┴──── LEAVING ◄───────────────┘
 *                                                          (why is still sent) ──► closed
 *
 * Whose a connection is, its certificate says; whether that agent may deliver, the desk says, at each connection anew.
 * Records are acknowledged when they are durable, and only then their bytes are given back as credit: an agent has at
 * most DELIVERY_CREDIT and one frame under way. What all connections hold of unfinished frames is bounded together. */
#ifndef ROLE_INTAKE_AGENTS_H
#define ROLE_INTAKE_AGENTS_H

#include "os/authority.h"
#include "os/net.h"
#include "role/intake.h"
#include "tlog/hash.h"
#include "wire/delivery.h"

#define AGENT_NAME_MAX   63
#define AGENT_MARKS_MAX  128
#define AGENT_RELAY_MAX  400 /* bytes of the addresses of nine relays, as text */
#define AGENT_RELAYS_MAX 64

enum agent_state { AGENT_SHAKING, AGENT_ASKED, AGENT_READY, AGENT_LEAVING };

struct agents;

/* Records below `number` are durable when those tagged `tag` are; `bytes` of credit are then given back. */
struct agent_mark {
    uint64_t tag;
    uint64_t number;
    uint64_t bytes;
};

struct agent_connection {
    struct agents *agents;
    int fd;
    struct loop_watch *watch;
    struct tls_session *tls;
    enum agent_state state;
    bool enrolling;
    bool want_write;    /* TLS must write before it can go on reading */
    bool read_ended;    /* nothing more is read: it leaves */
    bool announced;     /* where it comes from is known: TLS begins */
    uint64_t id;        /* of this connection, in this process and the next: to the desk */
    uint64_t heard_ns;  /* boot clock */
    uint64_t asked_ns;  /* the desk; 0: not yet, it is away */
    uint64_t left_ns;   /* since when it is leaving */
    uint64_t proved_ns; /* when it last asked for a proof */
    struct buf in;
    struct buf out;
    size_t held;                   /* bytes of `in`, as counted in agents->held */
    char address[NET_ADDRESS_MAX]; /* of the agent: by its relay's word when it comes through one */
    struct str relay; /* addresses of relays, the agent's first; none: it comes by itself. memory_new, owned */
    struct str ask;   /* JSON for the desk: hello or enrol; asked again of a new desk. memory_new, owned */
    uint8_t agent[16];
    char uuid[37];
    char name[AGENT_NAME_MAX + 1]; /* by the desk */
    struct buf key;                /* DER, of its certificate */
    uint64_t next;                 /* number of the record that comes next */
    uint64_t credit;               /* bytes it may still send */
    uint64_t policy;               /* version sent */
    int64_t offset_us;             /* of its clock, as it said last */
    uint32_t offset_error_us;
    uint64_t records; /* taken on this connection */
    uint64_t bytes;
    struct agent_mark marks[AGENT_MARKS_MAX];
    size_t mark_count;
    size_t place; /* in agents->all */
};

struct agents {
    struct intake *intake;
    struct tls_server *tls;
    struct str authority; /* PEM */
    struct str key;       /* verifies the archive's checkpoints, as text */
    struct tlog_hasher *hasher;
    struct arena *scratch; /* one batch */
    char *bytes;           /* READ_SIZE */
    struct agent_connection **all;
    size_t count;
    size_t limit;
    size_t held;
    uint64_t next_id;
    uint64_t refused;  /* for want of a place, not yet said */
    uint64_t accepted; /* since the memory of handshakes was given back */
    uint64_t accepted_ns;
    uint64_t looked_ns;
    struct buf text;
    struct buf checkpoint; /* the newest that may be shown */
    int fds[16];
    struct loop_watch *watches[16];
    size_t listener_count;
    struct net_range relays[AGENT_RELAYS_MAX]; /* whose word is taken for whom they pass on */
    size_t relay_count;
    bool paused;
};

/* ---- between the four files ---- */

/* Before TLS: takes the header of a relay (wire/proxy.h). RC_AGAIN: it is not whole yet; RC_OK: what comes now is the
 * agent's; RC_INVALID: the connection is to be closed, and why was told. */
enum rc agent_link_announce(struct agent_connection *connection) MUST_USE;
/* The setting agent-relays. */
enum rc agents_relays_read(struct agents *agents, struct err *err) MUST_USE;

/* Says why and lets the connection go; what is queued is still sent. */
void agent_link_refuse(struct agent_connection *connection, enum delivery_reason reason, struct str text);
/* Sends what stands in `out`, as far as the socket takes it. */
void agent_link_flush(struct agent_connection *connection);

/* A DATA body. False: the connection was refused. */
bool agent_link_data(struct agent_connection *connection, struct str body);
/* Records with this tag and lower ones are durable; `size` is the archive's. */
void agent_link_durable(struct agent_connection *connection, uint64_t tag, uint64_t size);

/* HELLO or ENROL, after the handshake. Refuses by itself. */
void agent_link_hello(struct agent_connection *connection, struct str body);
void agent_link_enrol(struct agent_connection *connection, struct str body);
void agent_link_renew(struct agent_connection *connection);
void agent_link_status(struct agent_connection *connection, struct str body);
void agent_link_closed(struct agent_connection *connection, const char *why);
/* Asks the desk what was not asked yet. */
void agent_link_ask(struct agent_connection *connection);
/* MSG_AGENT_SAY for this connection. */
void agent_link_said(struct agent_connection *connection, struct str json);

#endif
