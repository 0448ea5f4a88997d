/* agent_desk.h - under `desk`: what intakes say of agents and are told, and what the signer makes for them.
 *
 * MSG_AGENT_ASK (intake to desk) and MSG_AGENT_SAY (desk to intake) have the connection as their id and one JSON object
 * as their body. Texts are UTF-8; binary is base64; `agent` is a UUID.
 *
 *   {"ask":"hello","agent":UUID,"serial":HEX,"until":S,"address":A,"relay":R,"spool":HEX,"boot":HEX,"host":H,
 *    "program":P,"seen_size":N,"seen_root":BASE64}           a connection with an agent's certificate of this
 * authority, expired or not: the desk refuses it then, so that it is written down ◄ welcome or refused relay: addresses
 * of the relays it comes through, or empty
 *   {"ask":"enrol","digest":HEX,"key":BASE64,"address":A,"relay":R,"host":H,"program":P}   SHA-256 of the token's
 *        ◄ enrolled or refused                    secret; the key that the connection has proven to hold
 *   {"ask":"renew","agent":UUID,"key":BASE64}
 *        ◄ certificate, refused, or nothing: the agent asks again
 *   {"ask":"status","agent":UUID,"offset_us":N,"error_us":N,"records":N,"bytes":N,"status":OBJECT}     the object may
 * be left out; once a minute for each connection that lives: who is not heard for agent-silent-s is silent
 *   {"ask":"closed","agent":UUID,"why":TEXT}
 *
 *   {"say":"welcome","name":NAME,"policy":VERSION,"note":TEXT}      the signed policy, empty with version 0
 *   {"say":"refused","reason":N,"text":TEXT}      enum delivery_reason; at any time: the connection is to be closed,
 * and no "closed" is expected for it
 *   {"say":"enrolled","agent":UUID,"certificate":PEM,"authority":PEM}
 *   {"say":"certificate","certificate":PEM}
 *   {"say":"policy","version":N,"note":TEXT}
 *
 * A desk that begins knows of no connection: an intake says hello again for each of its own, with the same id, and each
 * is welcomed or refused anew. Of an agent's status the desk reads `policy` (version in force), `spool_bytes`,
 * `spool_limit` and `trouble` (why the agent does not trust the archive any more); all of it is shown. */
#ifndef ROLE_AGENT_DESK_H
#define ROLE_AGENT_DESK_H

#include "desk/agents.h"
#include "msg/msg.h"
#include "role/config.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_desk;

/* For desk_options: what the desk is to know of this server's agents. `authority` (PEM) and `signer_public` (a note
 * key's text) are borrowed; texts live in the arena. */
enum rc agent_desk_options(const struct config *config, struct str authority, struct str signer_public,
                           struct arena *arena, struct desk_options *options, struct err *err) MUST_USE;

/* NULL without memory. */
struct agent_desk *agent_desk_new(struct desk *desk);
void agent_desk_free(struct agent_desk *self); /* NULL is fine */
/* A message of an intake or of the signer. True: it was one, and records may wait. */
bool agent_desk_message(struct agent_desk *self, struct channel *channel, const struct msg *msg, int64_t now_ns);
void agent_desk_peer_down(struct agent_desk *self, enum role role, unsigned instance);
/* Stores what was gathered, sends what is to be said. Often. */
void agent_desk_look(struct agent_desk *self, int64_t now_ns);
/* Milliseconds until that is worth while; -1: nothing waits. */
int agent_desk_timeout_ms(const struct agent_desk *self);

#endif
