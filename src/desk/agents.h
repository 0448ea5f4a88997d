/* agents.h - agents at the desk: who was enrolled, who is connected, how each is, and what each is to collect.
 *
 *   intake ─ what agents say ─► desk_agents_hear ─┐                       ┌─► MSG_AGENT_SAY to the intake
 *   signer ─ what it made ────► desk_agent_issued ├─ one transaction ─► desk_agents_take ─► MSG_ISSUE, MSG_SIGN_POLICY
 *   people ─ questions ───────► desk_ask ─────────┘  (and records)        └─ only what was committed is given out
 *
 * What intakes say and are told is JSON, as in role/agent_desk.h. A token's secret is never stored, only its SHA-256.
 * An agent that asks again with the same key within its token's time is given the same identity: its answer was lost.
 *
 * Whatever an agent says of itself is shown and judged, and nothing else depends on it. Who may connect depends on the
 * table agent alone. Source: doc/format/delivery.md. */
#ifndef DESK_AGENTS_H
#define DESK_AGENTS_H

#include "desk/desk.h"

#define DESK_AGENTS_MAX         20000u             /* that are not revoked */
#define DESK_AGENT_TOKENS_MAX   1000u              /* that wait for their agent */
#define DESK_AGENT_GROUPS_MAX   200u               /* that have a policy */
#define DESK_AGENT_VERSIONS_MAX 200u               /* of one group's policy: the newest; all are in the archive */
#define DESK_AGENT_POLICY_MAX   ((size_t)32 << 10) /* bytes of a policy, without blanks between its words */
#define DESK_AGENT_DAYS         30u                /* that a certificate is valid */
#define DESK_AGENT_TOKEN_S      INT64_C(1800)      /* that a token is valid */
#define DESK_AGENT_OUT_MAX      ((size_t)32 << 20) /* bytes that wait to be given out */

/* A connection of an intake process. */
struct desk_agent_link {
    uint32_t intake;
    uint64_t connection;
};

struct desk_agent_word {
    struct desk_agent_link from;
    struct str text; /* {"ask":...} */
};
/* Takes all in one transaction; what is to be answered is there for desk_agents_take. Not RC_OK: nothing was stored
 * and nothing will be answered: the caller refuses the connections, which come again. */
enum rc desk_agents_hear(struct desk *desk, const struct desk_agent_word *words, size_t count, int64_t now_ns,
                         struct err *err) MUST_USE;

enum desk_agent_order {
    DESK_AGENT_SAY,   /* `text` to the connection `to` */
    DESK_AGENT_ISSUE, /* `text` to the signer under `id`: agent 16 | u16 days | public key */
    DESK_AGENT_SIGN,  /* `text`, a policy, to the signer under `id` */
};
struct desk_agent_out {
    enum desk_agent_order order;
    struct desk_agent_link to;
    uint64_t id;
    struct str text;
};
/* The oldest that was not given out yet; false: none waits. Borrowed until the next call of this room. */
bool desk_agents_take(struct desk *desk, struct desk_agent_out *ret_out);

/* The signer's answer to DESK_AGENT_ISSUE: the certificate (PEM) and its serial, or an empty serial and why not. */
enum rc desk_agent_issued(struct desk *desk, uint64_t id, struct str serial, struct str text, int64_t now_ns,
                          struct err *err) MUST_USE;
/* The signer's answer to DESK_AGENT_SIGN: the note, or why not. */
enum rc desk_agent_policy_signed(struct desk *desk, uint64_t id, bool is_signed, struct str text, int64_t now_ns,
                                 struct err *err) MUST_USE;
/* An intake process is gone, and its connections with it. */
enum rc desk_agents_intake_down(struct desk *desk, uint32_t intake, struct err *err) MUST_USE;
/* The signer is another process: whoever waits for a certificate is told to come again; policies are asked for anew. */
void desk_agents_signer_down(struct desk *desk);
/* Agents that fell silent, policies that go out, tokens that nobody used. Call each second or more often. */
enum rc desk_agents_watch(struct desk *desk, int64_t now_ns, struct err *err) MUST_USE;

#endif
