/* msg.h - typed messages between roles over a socket pair.
 *
 * One row a message: who may send it to whom and how large it may be. The sender asserts its own row; a receiver that
 * gets anything else treats the peer as broken and closes the channel. Frame: u32 body length | u16 type |
 * u8 descriptors | u8 version | u64 id, big-endian, then the body. Bump MSG_VERSION with every change of a body. */
#ifndef MSG_MSG_H
#define MSG_MSG_H

#include "base/macros.h"
#include "base/str.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG_VERSION    19
#define MSG_HEADER     16
#define MSG_FDS_MAX    8
#define MSG_KIB        UINT32_C(1024)
#define MSG_MIB        (1024 * MSG_KIB)
#define MSG_QUEUE_MAX  (64 * (size_t)MSG_MIB) /* waiting to be sent on one channel */
#define MSG_ASIDE_MAX  64                     /* records that one RESUME names to be set aside */
#define MSG_BATCH_SIZE (128 * MSG_KIB)        /* aim of one batch of records: it stays in a core's cache */

#define ROLES(X)                                                                                                       \
    X(ROLE_PARENT, "parent")                                                                                           \
    X(ROLE_SIGNER, "signer")                                                                                           \
    X(ROLE_KEEPER, "keeper")                                                                                           \
    X(ROLE_REAPER, "reaper")                                                                                           \
    X(ROLE_ENGINE, "engine")                                                                                           \
    X(ROLE_OUT, "out")                                                                                                 \
    X(ROLE_DESK, "desk")                                                                                               \
    X(ROLE_QUERY, "query")                                                                                             \
    X(ROLE_WEB, "web")                                                                                                 \
    X(ROLE_COLLECTOR, "collector")                                                                                     \
    X(ROLE_INTAKE, "intake")                                                                                           \
    X(ROLE_PACKER, "packer") /* behind the others: user ids are counted by this table */                               \
    X(ROLE_JUDGE, "judge")                                                                                             \
    X(ROLE_HUNTER, "hunter")                                                                                           \
    X(ROLE_READER, "reader")                                                                                           \
    X(ROLE_DRAWER, "drawer")                                                                                           \
    X(ROLE_VERIFIER, "verifier")

enum role {
#define X(id, name) id,
    ROLES(X)
#undef X
        ROLE_COUNT
};

#define ANY_CHILD (~(1u << ROLE_PARENT))
#define R(role)   (1u << ROLE_##role)

/* id, name, from, to, largest body */
#define MESSAGES(X)                                                                                                    \
    X(MSG_CONFIG, "config", R(PARENT), ANY_CHILD, 64 * MSG_KIB) /* configuration text; id = instance << 16 | count */  \
    X(MSG_HANDLE, "handle", R(PARENT), ANY_CHILD, 4 * MSG_KIB)  /* a descriptor and its name */                        \
    X(MSG_SECRET, "secret", R(PARENT), ANY_CHILD, 64 * MSG_KIB) /* name NUL bytes: keys, for their one owner */        \
    X(MSG_PEER, "peer", R(PARENT), ANY_CHILD, 16)               /* a channel: u32 role, u32 instance */                \
    X(MSG_START, "start", R(PARENT), ANY_CHILD, 0)              /* all is there: drop privileges and begin */          \
    X(MSG_READY, "ready", ANY_CHILD, R(PARENT), 4 * MSG_KIB)    /* at work; what the sandbox could not do */           \
    X(MSG_STOP, "stop", R(PARENT), ANY_CHILD, 0)                                                                       \
    X(MSG_LIFECYCLE, "lifecycle", R(PARENT) | R(ENGINE), R(KEEPER), 64 * MSG_KIB) /* JSON for a lifecycle record */    \
    X(MSG_RECORDS, "records", R(INTAKE) | R(COLLECTOR), R(KEEPER), 8 * MSG_MIB)   /* records, batch.h */               \
    X(MSG_ACK, "ack", R(KEEPER), R(INTAKE) | R(COLLECTOR), 32) /* id = batch; u64 durable, u64 added, u64 known */     \
    X(MSG_HIGH_ASK, "high-ask", R(INTAKE) | R(COLLECTOR), R(KEEPER), 24) /* source 16, u64 epoch */                    \
    X(MSG_HIGH, "high", R(KEEPER), R(INTAKE) | R(COLLECTOR), 8)          /* u64 highest sequence kept, 0 = none */     \
    X(MSG_SIGN, "sign", R(KEEPER), R(SIGNER), 16 * MSG_KIB)              /* u64 size, root 32, consistency hashes */   \
    X(MSG_SIGNED, "signed", R(SIGNER), R(KEEPER), 16 * MSG_KIB)          /* the note */                                \
    X(MSG_REFUSED, "refused", R(SIGNER), R(KEEPER), 4 * MSG_KIB)         /* u64 size signed last, why */               \
    X(MSG_RESUME, "resume", R(KEEPER), R(ENGINE),                                                                      \
      60 + 8 * MSG_ASIDE_MAX) /* id = generation; uuid 16, u64 from, u32 number, u32 of, key 2 u64, u64 plain until,   \
                                 u32 enum block_plain, u64 each set aside */                                           \
    X(MSG_SOURCE, "source", R(KEEPER), R(ENGINE), 8 * MSG_KIB)         /* id 16, i64 last, kind NUL name */            \
    X(MSG_LOG_FILE, "log-file", R(KEEPER), R(ENGINE), 64)              /* u64 first index, its key or none; fd */      \
    X(MSG_DURABLE, "durable", R(KEEPER), R(ENGINE), 16)                /* u64 records, i64 when */                     \
    X(MSG_BLOCK, "block", R(ENGINE), R(KEEPER), 25 * MSG_MIB)          /* id = generation; archive/block.h */          \
    X(MSG_MATCH, "match", R(ENGINE), R(DESK), 512 * MSG_KIB)           /* id; match.h */                               \
    X(MSG_INVENTORY, "inventory", R(ENGINE), R(DESK), 160 * MSG_KIB)   /* id; role/inventory_desk.h */                 \
    X(MSG_MATCH_DONE, "match-done", R(DESK), R(ENGINE), 0)             /* id */                                        \
    X(MSG_STATS, "stats", R(ENGINE), R(DESK), MSG_MIB)                 /* per-source counters, JSON */                 \
    X(MSG_TOTALS, "totals", R(KEEPER), R(DESK), 64 * MSG_KIB)          /* JSON */                                      \
    X(MSG_RECORD, "record", R(DESK), R(KEEPER), 2 * MSG_MIB)           /* id = desk's number; JSON for a record */     \
    X(MSG_RECORD_KEPT, "record-kept", R(KEEPER), R(DESK), 16)          /* id; u64 record number */                     \
    X(MSG_ASK, "ask", R(WEB), R(DESK) | R(QUERY) | R(DRAWER), MSG_MIB) /* id; doc/api.md */                            \
    X(MSG_ANSWER, "answer", R(DESK) | R(QUERY) | R(DRAWER), R(WEB), 4 * MSG_MIB) /* id */                              \
    X(MSG_NOTICE, "notice", R(DESK), R(OUT), 256 * MSG_KIB)                      /* id; JSON */                        \
    X(MSG_NOTICE_RESULT, "notice-result", R(OUT), R(DESK), 4 * MSG_KIB)          /* id; JSON */                        \
    X(MSG_CHECKPOINT, "checkpoint", R(KEEPER), R(INTAKE), 64 * MSG_KIB) /* a note that may be shown to agents */       \
    X(MSG_PROVE, "prove", R(INTAKE), R(KEEPER), 16)                     /* id; u64 old size, u64 new size */           \
    X(MSG_PROVEN, "proven", R(KEEPER), R(INTAKE), 4 * MSG_KIB)          /* id; both, the path; none: cannot be */      \
    X(MSG_DROP, "drop", R(KEEPER), R(REAPER), 128)               /* name of a log file a sealed segment covers */      \
    X(MSG_DROPPED, "dropped", R(REAPER), R(KEEPER), 4 * MSG_KIB) /* name; reason when it was refused */                \
    X(MSG_COSIGN, "cosign", R(KEEPER), R(OUT), 80 * MSG_KIB)     /* id; u16 witness of the policy, its request */      \
    X(MSG_COSIGNED, "cosigned", R(OUT), R(KEEPER), 16 * MSG_KIB) /* id; u32 status, u64 size, lines or why not */      \
    X(MSG_MIRROR_COSIGNED, "mirror-cosigned", R(DESK), R(KEEPER), 2 * MSG_KIB) /* u64 size; a cosignature's line */    \
    X(MSG_STAMP, "stamp", R(KEEPER), R(OUT), 4 * MSG_KIB)                      /* id = size; text of the checkpoint */ \
    X(MSG_STAMPED, "stamped", R(OUT), R(KEEPER), 32 * MSG_KIB)   /* id; u8 1 and the response, or 0 and why not */     \
    X(MSG_RETIRE, "retire", R(DESK), R(KEEPER), 64 * MSG_KIB)    /* id = proposal; JSON, role/retire.h */              \
    X(MSG_RETIRED, "retired", R(KEEPER), R(DESK), 4 * MSG_KIB)   /* id = proposal; JSON, role/retire.h */              \
    X(MSG_DELETE, "delete", R(KEEPER), R(REAPER), 16)            /* u64 first record of a segment with tombstone */    \
    X(MSG_DELETED, "deleted", R(REAPER), R(KEEPER), 4 * MSG_KIB) /* u64 first; reason when it was refused */           \
    X(MSG_OBJECT_TERMS, "object-terms", R(DESK), R(KEEPER), 512 * MSG_KIB)   /* JSON, role/object_terms.h */           \
    X(MSG_OBJECT_RULES, "object-rules", R(DESK), R(PACKER), 6 * MSG_MIB)     /* desk/asset_rules.h */                  \
    X(MSG_OBJECTS_ASK, "objects-ask", R(KEEPER), R(PACKER), 32)              /* id = first of a segment; rules */      \
    X(MSG_OBJECTS_FOUND, "objects-found", R(PACKER), R(KEEPER), 4 * MSG_KIB) /* same id; role/object_terms.h */        \
    X(MSG_JUDGE, "judge", R(REAPER), R(JUDGE), 16)                           /* id = question; role/judging.h */       \
    X(MSG_JUDGED, "judged", R(JUDGE), R(REAPER), 4 * MSG_KIB)                /* id = question; role/judging.h */       \
    X(MSG_OPEN, "open", R(JUDGE), R(REAPER), 128)                            /* id = turn; role/judging.h */           \
    X(MSG_OPENED, "opened", R(REAPER), R(JUDGE), 4)          /* id = turn; role/judging.h; the descriptor */           \
    X(MSG_STUCK, "stuck", R(REAPER) | R(DESK), R(PARENT), 0) /* the judge, the reader does not answer: kill it */      \
    X(MSG_RULE_STATES, "rule-states", R(DESK), R(ENGINE), 4 * MSG_MIB) /* JSON, role/rule_states.h */                  \
    X(MSG_RULE_STATS, "rule-stats", R(ENGINE), R(DESK), MSG_MIB)       /* JSON, role/rule_stats.h */                   \
    X(MSG_RULE_FILES, "rule-files", R(PARENT), R(DESK), 0) /* role/rule_bundle.h: the descriptor; files read anew */   \
    X(MSG_SENDER_TOKENS, "sender-tokens", R(PARENT), R(INTAKE), 192 * MSG_KIB) /* role/tokens.h: the file's text */    \
    X(MSG_RECEIVERS, "receivers", R(PARENT), R(DESK), 2 * MSG_MIB)             /* desk/receiver_text.h: lines */       \
    X(MSG_TIME, "time", R(PARENT), R(DESK), 4 * MSG_KIB)                       /* JSON: agent/time_source.h */         \
    X(MSG_RULES, "rules", R(DESK), R(ENGINE) | R(QUERY) | R(HUNTER), 0) /* id = version; role/rule_bundle.h: the       \
                                                                           descriptor */                               \
    X(MSG_RULES_TAKEN, "rules-taken", R(ENGINE) | R(QUERY) | R(HUNTER), R(DESK),                                       \
      4 * MSG_KIB) /* id = version; nothing, or why not */                                                             \
    X(MSG_LISTS_TAKEN, "lists-taken", R(ENGINE) | R(QUERY) | R(HUNTER), R(DESK),                                       \
      4 * MSG_KIB) /* id = of an engine indicators_stamp of the lists of indicators that it works with; nothing, or    \
                      what of them could not be read */                                                                \
    X(MSG_HUNT, "hunt", R(DESK), R(HUNTER), MSG_MIB)                       /* id = hunt; role/hunt_report.h */         \
    X(MSG_HUNT_LISTS, "hunt-lists", R(HUNTER), R(DESK), MSG_MIB)           /* id = hunt; role/hunt_report.h */         \
    X(MSG_HUNT_STOP, "hunt-stop", R(DESK), R(HUNTER), 0)                   /* id = hunt */                             \
    X(MSG_HUNT_PROGRESS, "hunt-progress", R(HUNTER), R(DESK), 3 * MSG_MIB) /* id = hunt; role/hunt_report.h */         \
    X(MSG_AGENT_ASK, "agent-ask", R(INTAKE), R(DESK), 64 * MSG_KIB)        /* id = connection; role/agent_desk.h */    \
    X(MSG_AGENT_SAY, "agent-say", R(DESK), R(INTAKE), 256 * MSG_KIB)       /* id = connection; role/agent_desk.h */    \
    X(MSG_HEARD, "heard", R(INTAKE), R(DESK), 16)                          /* source 16: it says that it is there */   \
    X(MSG_ISSUE, "issue", R(DESK), R(SIGNER), MSG_KIB)        /* id; role/agent_signer.h, as the next three */         \
    X(MSG_ISSUED, "issued", R(SIGNER), R(DESK), 16 * MSG_KIB) /* same id */                                            \
    X(MSG_SIGN_POLICY, "sign-policy", R(DESK), R(SIGNER), 64 * MSG_KIB)                 /* id */                       \
    X(MSG_POLICY_SIGNED, "policy-signed", R(SIGNER), R(DESK), 66 * MSG_KIB)             /* same id */                  \
    X(MSG_PATTERNS, "patterns", R(DESK), R(ENGINE) | R(QUERY) | R(HUNTER), 2 * MSG_MIB) /* id = version; the table */  \
    X(MSG_PATTERNS_TAKEN, "patterns-taken", R(ENGINE) | R(QUERY) | R(HUNTER), R(DESK),                                 \
      4 * MSG_KIB)                                  /* id = version; nothing, or why not */                            \
    X(MSG_FILE_ASK, "file-ask", R(WEB), R(DESK), 8) /* id; u64 bytes that are to come */                               \
    X(MSG_FILE, "file", R(DESK), R(WEB), 8)         /* same id; u64 its number, the descriptor; or nothing: no room */ \
    X(MSG_FILE_GONE, "file-gone", R(WEB), R(DESK), 0) /* id = its number: web writes nothing to it any more */         \
    X(MSG_REPORT, "report", R(DESK), R(READER), 0) /* id = upload; the descriptor; role/report_part.h, as the next */  \
    X(MSG_REPORT_PART, "report-part", R(READER), R(DESK), MSG_MIB)   /* same id */                                     \
    X(MSG_REPORT_MORE, "report-more", R(DESK), R(READER), 0)         /* same id: a part is kept */                     \
    X(MSG_REPORT_TOLD, "report-told", R(READER), R(DESK), 16)        /* same id */                                     \
    X(MSG_REPORT_END, "report-end", R(READER), R(DESK), 8 * MSG_KIB) /* same id */                                     \
    X(MSG_REPORT_STOP, "report-stop", R(DESK), R(READER), 0)         /* same id */                                     \
    X(MSG_LIST_BASE, "list-base", R(DESK), R(READER), 0) /* same id; the descriptor; what the list has by now */       \
    X(MSG_LIST, "list", R(DESK), R(READER), 0)           /* id = version; the descriptor; role/report_part.h */        \
    X(MSG_LIST_PART, "list-part", R(READER), R(DESK), 512 * MSG_KIB) /* same id */                                     \
    X(MSG_LIST_END, "list-end", R(READER), R(DESK), 256 * MSG_KIB)   /* same id */                                     \
    X(MSG_LISTS_WRITTEN, "lists-written", R(DESK), R(PARENT), 0)     /* lists of indicators of the desk are others */  \
    X(MSG_VERIFY_BESIDE, "verify-beside", R(DESK), R(VERIFIER), 0)   /* id = judgement; the document's descriptor */   \
    X(MSG_VERIFY, "verify", R(DESK), R(VERIFIER), 0)                 /* same id; the signature's; it is judged now */  \
    X(MSG_VERIFIED, "verified", R(VERIFIER), R(DESK), 256 * MSG_KIB) /* same id; role/signature_report.h */            \
    X(MSG_VERIFY_STOP, "verify-stop", R(DESK), R(VERIFIER), 0)       /* same id */

enum msg_type {
#define X(id, name, from, to, size) id,
    MESSAGES(X)
#undef X
        MSG_COUNT
};

const char *msg_role_name(enum role role);
bool msg_role_parse(const char *name, enum role *ret_role) MUST_USE;
const char *msg_name(enum msg_type type);
bool msg_secret(enum msg_type type); /* it carries keys: both ends wipe what it passed through */
bool msg_allowed(enum msg_type type, enum role from, enum role to);
uint32_t msg_size_max(enum msg_type type);

/* A received message. The body is borrowed until the handler returns; descriptors belong to the handler, which sets
 * fd_count to 0 when it keeps them, else they are closed. */
struct msg {
    enum msg_type type;
    uint64_t id;
    struct str body;
    int fds[MSG_FDS_MAX];
    size_t fd_count;
};

struct channel;
typedef void (*channel_message)(void *context, struct channel *channel, struct msg *msg);
/* The peer is gone or broke the protocol; the handler frees the channel (or lets it be replaced) and sends no more. */
typedef void (*channel_closed)(void *context, struct channel *channel, const char *reason);

struct channel_options {
    struct loop *loop;
    int fd; /* taken over */
    enum role self;
    enum role peer;
    unsigned instance; /* of the peer */
    channel_message message;
    channel_closed closed;
    void *context;
};

struct channel *channel_new(const struct channel_options *options); /* NULL without memory */
void channel_free(struct channel *channel);                         /* closes the descriptor; NULL is fine */
/* Queues; what the socket takes goes at once. Descriptors are duplicated, the caller keeps its own. Returns false when
 * the queue is full or the peer is gone: the caller slows down or forgets, as its role says. */
bool channel_send(struct channel *channel, enum msg_type type, uint64_t id, struct str body) MUST_USE;
bool channel_send_fd(struct channel *channel, enum msg_type type, uint64_t id, struct str body, int fd) MUST_USE;
size_t channel_queued(const struct channel *channel); /* bytes */
/* While corked, messages are only gathered (up to 256 KiB): many small ones then go in one call. */
void channel_cork(struct channel *channel, bool corked);
/* A paused channel reads nothing: back-pressure on the peer. */
void channel_pause(struct channel *channel, bool paused);
enum role channel_peer(const struct channel *channel);
unsigned channel_instance(const struct channel *channel);
/* Handles everything that the peer had sent by now, without waiting for more. False: the channel is closed and freed.
 */
bool channel_take(struct channel *channel);
/* As channel_take, once the peer sent something, for which it waits. False: it sent nothing, or the channel is closed
 * and freed. */
bool channel_wait(struct channel *channel, int timeout_ms);
/* Waits until everything queued is sent or the peer is gone. For the last words of a process. */
void channel_drain(struct channel *channel);

#endif
