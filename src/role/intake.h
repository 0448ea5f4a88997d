/* intake.h - what the parts of the intake role share: its sources and its one way to the keeper. */
#ifndef ROLE_INTAKE_H
#define ROLE_INTAKE_H

#include "base/map.h"
#include "os/tls.h"
#include "role/process.h"
#include "role/refusals.h"
#include "role/sender.h"
#include "role/tokens.h"

#define INTAKE_SOURCES_MAX 10000 /* told apart by address: UDP senders choose theirs freely; others share one a way */

/* Where records come from: a peer by one way of transport. Sequences count per source. */
struct intake_source {
    uint8_t id[16];
    uint64_t sequence; /* of the last record */
    uint16_t transport;
    char kind[8];
    char name[64];
};

struct intake {
    struct process *process;
    struct sender *sender;
    struct tls_server *tls;
    struct map *source_by_key;
    struct intake_source *sources;
    size_t source_count;
    size_t source_room;
    uint64_t epoch; /* of this process: random */
    uint64_t tag;   /* records taken so far */
    struct streams *streams;
    struct datagrams *datagrams;
    struct refusals *refusals;
    struct agents *agents; /* NULL: none are listened for */
    struct tokens *tokens; /* of senders over HTTP; NULL until the parent told them */
    struct tlog_hasher *hasher;
    uint64_t splunk_ack; /* given out last to such a sender: counts from a number of this process's own */
    bool source_overflow;
    bool full; /* the window to the keeper is full: nothing is read */
};

/* The source's place, made when new; past the limit that of "other addresses". SIZE_MAX without memory. */
size_t intake_source(struct intake *intake, uint16_t transport, const char *kind, const char *name);
/* One record of a source, received at these times. False when it could not be taken. */
bool intake_record(struct intake *intake, size_t source, struct str bytes, int64_t now_real_ns, uint64_t now_boot_ns);
/* A gap leaf: `count` records (or bytes) of the source were lost, why. */
void intake_gap(struct intake *intake, size_t source, uint64_t count, const char *unit, const char *reason);

/* One that was refused is counted, and told as a gap in its time (refusals.h). True: it is worth a line in the log. */
bool intake_refused(struct intake *intake, const struct refusal *refusal);

/* Stops or begins reading as the window to the keeper says: after whatever fills or empties it. */
void intake_pace(struct intake *intake);

/* UDP: intake_datagrams.c. */
enum rc datagrams_start(struct intake *intake, struct err *err) MUST_USE;
void datagrams_tick(struct datagrams *datagrams, uint64_t now_boot_ns);
void datagrams_durable(struct datagrams *datagrams, uint64_t tag); /* for informs */
void datagrams_pause(struct datagrams *datagrams, bool paused);

/* TCP, TLS, import: intake_streams.c. */
enum rc streams_start(struct intake *intake, struct err *err) MUST_USE;
void streams_pause(struct streams *streams, bool paused);
void streams_durable(struct streams *streams, uint64_t tag); /* for imports */
void streams_high(struct streams *streams, uint64_t id, uint64_t sequence);
void streams_keeper_up(struct streams *streams); /* questions that the old keeper took along are asked again */
void streams_tick(struct streams *streams, uint64_t now_boot_ns);
void streams_stop(struct streams *streams);

/* Agents: intake_agents.c. All but the first do nothing with NULL. */
enum rc agents_start(struct intake *intake, struct err *err) MUST_USE;
/* For the parent, before a start: RC_INVALID names what does not read. */
enum rc agents_settings_check(const struct config *config, struct err *err) MUST_USE;
size_t agents_limit(const struct agents *agents); /* connections that it may hold */
void agents_pause(struct agents *agents, bool paused);
void agents_durable(struct agents *agents, uint64_t tag, uint64_t size);
void agents_message(struct agents *agents, const struct msg *msg); /* MSG_CHECKPOINT, MSG_PROVEN, MSG_AGENT_SAY */
void agents_desk_up(struct agents *agents);
void agents_tick(struct agents *agents, uint64_t now_boot_ns);
void agents_stop(struct agents *agents);

#endif
