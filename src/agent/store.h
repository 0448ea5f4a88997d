/* store.h - the files of an agent beside its spool (doc/operations.md, Agents).
 *
 *   id  servers  key.pem  certificate.pem  authority.pem   made by enrolment
 *   memory  policy  followed  running  status.json  spool/  agent.conf (optional, by a person) */
#ifndef AGENT_STORE_H
#define AGENT_STORE_H

#include "agent/config.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define STORE_ID          "id"
#define STORE_SERVERS     "servers"
#define STORE_KEY         "key.pem"
#define STORE_CERTIFICATE "certificate.pem"
#define STORE_AUTHORITY   "authority.pem"
#define STORE_POLICY      "policy"
#define STORE_RUNNING     "running"
#define STORE_STATUS      "status.json"
#define STORE_CONFIG      "agent.conf"
#define STORE_DEFAULT     "/var/lib/qorgan-agent"
#define STORE_ETC         "/etc/qorgan-agent" /* agent.conf of the package */
#define STORE_SPOOL       "spool"
#define STORE_FILE_MAX    ((size_t)128 << 10)

struct identity {
    uint8_t id[16];
    struct agent_servers servers;
    struct str key; /* PEM; in the arena, as the others */
    struct str certificate;
    struct str authority;
};

/* RC_NOT_FOUND: the agent is not enrolled. */
enum rc store_identity(int folder, struct arena *arena, struct identity *ret_identity, struct err *err) MUST_USE;
enum rc store_config(int folder, struct arena *arena, struct agent_config *ret_config, struct err *err) MUST_USE;
/* "8-4-4-4-12" digits. */
void store_id_text(const uint8_t id[16], char ret_text[37]);
/* As file_replace but not synced: what is made anew at the next start. */
enum rc store_quick(int folder, const char *name, struct str bytes, struct err *err) MUST_USE;

#endif
