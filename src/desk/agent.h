/* agent.h - what the files about agents share. Inside the room only. */
#ifndef DESK_AGENT_H
#define DESK_AGENT_H

#include "desk/agents.h"
#include "desk/inside.h"
#include "desk/own_alarm.h"

#define AGENT_NAME_MAX    64u /* bytes of a name or of a group's */
#define AGENT_STATUS_MAX  ((size_t)16 << 10)
#define AGENT_PENDING_MAX 1024u /* certificates that the signer was asked for */
#define AGENT_REASON_MIN  3u
#define AGENT_DIGEST      (2 * (size_t)TLOG_HASH_SIZE)

enum agent_state { AGENT_ACTIVE, AGENT_REVOKED };

/* Stored. What was found here stays until a person acts; what the agent says itself ends when it says so no more. */
enum agent_doubt { AGENT_TRUSTS, AGENT_DOUBT_FOUND, AGENT_DOUBT_TOLD };

/* Somebody waits for a certificate. */
struct agent_pending {
    uint64_t id; /* of the question; 0: the place is free */
    struct desk_agent_link link;
    int64_t agent; /* row */
    bool renew;
};

struct desk_agents {
    char digest[AGENT_DIGEST + 1]; /* of the authority's public key; empty: agents are off */
    struct str authority;          /* PEM */
    struct str servers;            /* HOST:PORT with commas, for tokens */
    struct str origin;             /* of the archive */
    enum rc (*policy_check)(struct str text, struct arena *arena, struct err *err);
    int64_t silent_ns;
    int64_t opened_ns; /* before it nobody could be heard */
    int64_t watched_ns;
    int64_t signing_ns; /* when unsigned policies were last given out; 0: now is as well */
    bool unsigned_wait; /* a policy may have no signature yet */
    bool untold_wait;   /* an agent may not have been told its policy yet */
    int64_t refused_ns; /* when a refusal of an unknown agent was last recorded */
    int64_t refused;    /* further ones since */
    uint64_t last_id;   /* of pending */
    struct agent_pending pending[AGENT_PENDING_MAX];
    struct buf out; /* entries: u8 order | u32 intake | u64 connection or id | u32 length | text */
    size_t settled; /* of out: committed */
    size_t taken;   /* of out: given out */
    struct buf say; /* the answer being written */
};

struct agent {
    int64_t id; /* row */
    struct str uuid, name, group, serial, key, host, address, relay, program, spool, spools, boot, boots;
    int64_t object, state, until_ns, heard_ns, intake, connection, told, told_ns, left_ns;
    bool silent;
    int64_t doubt; /* enum agent_doubt */
};
/* False: there is none of that uuid. Texts live in desk->scratch. */
bool agent_load(struct desk *desk, struct str uuid, struct agent *ret_agent);

/* --- what goes out (agent.c) --- */

bool agents_new(struct desk *desk, const struct desk_options *options, int64_t now_ns);
void agents_open(struct desk *desk); /* in a transaction */
/* An answer: put members into the buffer returned, then end it. */
struct buf *agent_say_begin(struct desk *desk, const char *word);
void agent_say_end(struct desk *desk, struct desk_agent_link to);
void agent_refuse(struct desk *desk, struct desk_agent_link to, unsigned reason, const char *text);
void agent_order(struct desk *desk, enum desk_agent_order order, struct desk_agent_link to, uint64_t id,
                 struct str text);
struct desk_agent_link agent_link(const struct agent *agent);

/* A record about an agent: opens it with the members that say which. */
struct buf *agent_record_begin(struct desk *desk, const char *event, const struct agent *agent, struct str who,
                               int64_t now_ns);

/* --- enrolment (agent_enrol.c) --- */

struct hearing {
    struct desk *desk;
    const struct json_value *word;
    struct desk_agent_link from;
    int64_t now_ns;
};
struct str hearing_str(const struct hearing *hearing, const char *name);
int64_t hearing_int(const struct hearing *hearing, const char *name);
void agent_on_enrol(struct hearing *hearing);
void agent_on_renew(struct hearing *hearing);
void agent_tokens_clean(struct desk *desk, int64_t now_ns);
/* A line of text that may name an agent or a group. */
bool agent_name_valid(struct str name);
/* The name, or with a number behind it when an agent that is not revoked has it already. */
struct str agent_name_free(struct desk *desk, struct str name, int64_t except);
/* SHA-256 in hexadecimal digits. */
struct str agent_digest(struct desk *desk, struct str bytes, char ret_text[AGENT_DIGEST + 1]);

/* --- policies (agent_policy.c) --- */

/* The newest signed version of a group, 0 when there is none; its note in desk->scratch. */
int64_t agent_policy_now(struct desk *desk, struct str group, struct str *ret_note);
struct policy_change {
    struct str group;
    struct str text; /* checked */
    int64_t was;     /* the version whose text it has again; 0: a new one */
    struct str who, reason;
};
/* Another version of a group's policy. Its number. */
int64_t agent_policy_put(struct desk *desk, const struct policy_change *change, int64_t now_ns);
/* An agent went from one group to another: it believes only versions above the one it has. */
void agent_policy_move(struct desk *desk, const struct agent *agent, struct str group, struct str who, int64_t now_ns);
bool agent_policies_due(const struct desk *desk, int64_t now_ns); /* the next has something to do; cheap */
void agent_policies_watch(struct desk *desk, int64_t now_ns);

#endif
