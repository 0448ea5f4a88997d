/* agent_signer.h - under `signer`: certificates for agents and signatures under their policies; both by the messages of
 * the desk, which is who knows whether an agent may have one.
 *
 * The desk is not believed in more than that: what is issued is an agent's certificate for at most 30 days and no other
 * thing, and what is signed begins with a line that no checkpoint begins with, names this archive, and is signed for
 * nobody who asks more often than ISSUES_A_MINUTE or POLICIES_A_MINUTE.
 *
 *   MSG_ISSUE          agent 16 | u16 days | public key (DER)
 *   MSG_ISSUED         serial in hexadecimal digits NUL certificate (PEM); or NUL and why not
 *   MSG_SIGN_POLICY    the text of doc/format/delivery.md, section Policy
 *   MSG_POLICY_SIGNED  u8 1 and the signed note (C2SP), or u8 0 and why not */
#ifndef ROLE_AGENT_SIGNER_H
#define ROLE_AGENT_SIGNER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "tlog/key.h"

#include <stdbool.h>
#include <stdint.h>

#define ISSUES_A_MINUTE   1200u
#define POLICIES_A_MINUTE 120u
#define POLICY_TEXT_MAX   ((size_t)60 << 10) /* bytes; with its signature it fits a note */
#define POLICY_FIRST_LINE "qorgan agent policy"
#define POLICY_GROUP_MAX  120u /* bytes of a group's name */

struct agent_signer;

/* Copies the authority's certificate and key (PEM), which must belong together; `key` signs policies and outlives it.
 */
enum rc agent_signer_new(struct str authority, struct str authority_key, const struct signing_key *key,
                         struct agent_signer **ret_signer, struct err *err) MUST_USE;
void agent_signer_free(struct agent_signer *signer); /* wipes; NULL is fine */

/* Each answers with the body of its message, whatever was asked; false when that body says why not. */
bool agent_signer_issue(struct agent_signer *signer, struct str body, int64_t now_ns, struct buf *ret_answer);
bool agent_signer_policy(struct agent_signer *signer, struct str body, int64_t now_ns, struct buf *ret_answer);

/* Whether a text is a policy of this archive as the format says; the signer asks this before it signs. */
enum rc agent_policy_check(struct str text, struct str origin, struct err *err) MUST_USE;

#endif
