/* delivery.h - what an agent and a server (or a relay between them) say to each other. No input or output here.
 *
 * Over TLS 1.3, the application protocol DELIVERY_ALPN; both ends show certificates. Frame: u8 type | u32 length of the
 * body | body. Numbers are big-endian; texts are UTF-8. Format, with pictures: doc/format/delivery.md.
 *
 *   agent                                              server
 *   HELLO who, spool, checkpoint seen last     ──►
 *                                              ◄──     WELCOME origin, credit      or REFUSED why, and the end
 *   DATA number, count, batch                  ──►                                 as long as there is credit
 *                                              ◄──     DURABLE number, size of the archive · CREDIT bytes
 *   TIME my clocks                             ──►
 *                                              ◄──     TIME_BACK the same and mine
 *                                              ◄──     CHECKPOINT note
 *   PROVE size seen last, size of the note     ──►
 *                                              ◄──     PROOF sizes, consistency path
 *   STATUS json · RENEW                        ──►
 *                                              ◄──     POLICY note · CERTIFICATE pem · INVENTORY please
 *   BYE                                        ──►
 *
 * An agent that has no certificate yet says ENROL instead of HELLO and gets ENROLLED.
 *
 * Numbers in DATA are those of the agent's spool: what it sends begins where the connection began (HELLO) and runs on
 * without holes. They serve acknowledgement only. What a record is is said by the batch: stream, epoch, sequence; the
 * archive drops what it has, so an agent may send everything again that it does not know to be kept. */
#ifndef WIRE_DELIVERY_H
#define WIRE_DELIVERY_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define DELIVERY_ALPN        "qorgan-delivery/1"
#define DELIVERY_VERSION     1u
#define DELIVERY_HEADER      5u
#define DELIVERY_DATA_HEAD   33u                  /* of a DATA body, before the payload */
#define DELIVERY_CREDIT      (UINT32_C(4) << 20)  /* bytes of DATA bodies that a new connection may send */
#define DELIVERY_BATCH_MAX   (UINT32_C(4) << 20)  /* bytes of one batch, unpacked */
#define DELIVERY_RECORDS_MAX 65536u               /* in one batch */
#define DELIVERY_NOTE_MAX    (UINT32_C(64) << 10) /* of a checkpoint or policy */
#define DELIVERY_TEXT_MAX    1024u                /* host, version, reason */
#define DELIVERY_PATH_MAX    63u                  /* hashes of a consistency path */
#define DELIVERY_SECRET_SIZE 16u                  /* of a token */
#define DELIVERY_BODY_MAX    (DELIVERY_BATCH_MAX + 4096u)

/* id, number, name, from the agent?, least body, largest body */
#define DELIVERY_FRAMES(X)                                                                                             \
    X(DELIVERY_HELLO, 1, "hello", true, 94, 4096)                                                                      \
    X(DELIVERY_WELCOME, 2, "welcome", false, 10, 4096)                                                                 \
    X(DELIVERY_REFUSED, 3, "refused", false, 2, 2048)                                                                  \
    X(DELIVERY_DATA, 4, "data", true, 34, DELIVERY_BODY_MAX)                                                           \
    X(DELIVERY_DURABLE, 5, "durable", false, 16, 16)                                                                   \
    X(DELIVERY_CREDIT_MORE, 6, "credit", false, 4, 4)                                                                  \
    X(DELIVERY_TIME, 8, "time", true, 16, 16)                                                                          \
    X(DELIVERY_TIME_BACK, 9, "time-back", false, 40, 40)                                                               \
    X(DELIVERY_CHECKPOINT, 10, "checkpoint", false, 1, DELIVERY_NOTE_MAX)                                              \
    X(DELIVERY_PROVE, 11, "prove", true, 16, 16)                                                                       \
    X(DELIVERY_PROOF, 12, "proof", false, 16, 16 + 32 * DELIVERY_PATH_MAX)                                             \
    X(DELIVERY_STATUS, 13, "status", true, 2, 65536)                                                                   \
    X(DELIVERY_POLICY, 14, "policy", false, 1, DELIVERY_NOTE_MAX)                                                      \
    X(DELIVERY_RENEW, 15, "renew", true, 0, 0)                                                                         \
    X(DELIVERY_CERTIFICATE, 16, "certificate", false, 1, 16384)                                                        \
    X(DELIVERY_ENROL, 17, "enrol", true, DELIVERY_SECRET_SIZE + 4, 4096)                                               \
    X(DELIVERY_ENROLLED, 18, "enrolled", false, 20, 65536)                                                             \
    X(DELIVERY_BYE, 19, "bye", true, 0, DELIVERY_TEXT_MAX)                                                             \
    X(DELIVERY_INVENTORY, 20, "inventory", false, 0, 0)

enum delivery_type {
#define X(id, number, name, agent, least, most) id = number,
    DELIVERY_FRAMES(X)
#undef X
};

/* Why a server ends a connection. Numbers are on the wire: never reuse one. The text says it to a person; the number
 * says to the agent what to do. */
#define DELIVERY_REASONS(X)                                                                                            \
    X(DELIVERY_BUSY, 1, "busy")       /* come back later: no place, or a part of the server is not there */            \
    X(DELIVERY_UNKNOWN, 2, "unknown") /* no such agent, or it was removed: enrol anew */                               \
    X(DELIVERY_REVOKED, 3, "revoked") /* its certificate was revoked: enrol anew */                                    \
    X(DELIVERY_EXPIRED, 4, "expired") /* its certificate's time is over: enrol anew */                                 \
    X(DELIVERY_COPIED, 5, "copied")   /* the same agent is connected from another spool: two of one identity */        \
    X(DELIVERY_BROKEN, 6, "broken")   /* a frame that may not be: a fault of one of both programs */                   \
    X(DELIVERY_TOKEN_UNKNOWN, 7, "token-unknown")                                                                      \
    X(DELIVERY_TOKEN_USED, 8, "token-used")                                                                            \
    X(DELIVERY_TOKEN_EXPIRED, 9, "token-expired")                                                                      \
    X(DELIVERY_STOPPING, 10, "stopping") /* the server stops: come back later, or go to another */                     \
    X(DELIVERY_VERSION_UNKNOWN, 11, "version")

enum delivery_reason {
#define X(id, number, name) id = number,
    DELIVERY_REASONS(X)
#undef X
};
const char *delivery_type_name(uint8_t type);      /* "?" for none */
const char *delivery_reason_name(uint16_t reason); /* "unknown reason" for none; constant */

/* The next whole frame at the front of *input, which moves past it; the body is borrowed. RC_AGAIN: not whole yet;
 * RC_INVALID: the peer may not send that (`from_agent`: the peer is an agent), or not of that length. */
enum rc delivery_next(struct str *input, bool from_agent, enum delivery_type *ret_type, struct str *ret_body) MUST_USE;
/* A frame whose body is ready. */
void delivery_put(struct buf *out, enum delivery_type type, struct str body);

struct delivery_hello {
    uint16_t version;
    uint8_t agent[16];  /* uuid; that of the certificate */
    uint64_t spool;     /* random, drawn when the spool was made */
    uint64_t next;      /* number of the first record that will be sent */
    uint8_t boot[16];   /* boot id of the host */
    uint64_t seen_size; /* of the checkpoint seen last; 0: none */
    uint8_t seen_root[32];
    struct str host;    /* its name now */
    struct str program; /* "qorgan-agent 1.2" */
};
void delivery_put_hello(struct buf *out, const struct delivery_hello *hello);
enum rc delivery_read_hello(struct str body, struct delivery_hello *ret_hello) MUST_USE;

struct delivery_welcome {
    uint32_t credit;
    uint32_t policy;   /* version in force for this agent; 0: none */
    struct str origin; /* of the archive's checkpoints */
    struct str key;    /* verifies checkpoints and policies: "name+hash+base64" (tlog/note.h); the name is the origin */
};
void delivery_put_welcome(struct buf *out, const struct delivery_welcome *welcome);
enum rc delivery_read_welcome(struct str body, struct delivery_welcome *ret_welcome) MUST_USE;

enum delivery_codec { DELIVERY_PLAIN = 0, DELIVERY_ZSTD = 1 };

struct delivery_data {
    uint64_t number;          /* of the first record */
    uint32_t count;           /* records, at least 1 */
    int64_t offset_us;        /* the server's clock less the agent's, as measured last */
    uint32_t offset_error_us; /* at most so far off; UINT32_MAX: not measured yet */
    enum delivery_codec codec;
    uint32_t plain_size; /* of the batch, unpacked */
    uint32_t plain_crc;  /* crc32c of it */
    struct str payload;  /* the batch (delivery_batch.h), packed as `codec` says */
    struct str packed;   /* read: plain size u32, codec u8 and the payload, as archive/pack.h has them */
};
void delivery_put_data(struct buf *out, const struct delivery_data *data);
enum rc delivery_read_data(struct str body, struct delivery_data *ret_data) MUST_USE;

/* Clocks of both ends; boot clocks (CLOCK_BOOTTIME) do not jump, real ones are what people see. */
struct delivery_time {
    uint64_t agent_boot_ns;
    int64_t agent_real_ns;
    int64_t heard_real_ns; /* the server's clock when TIME came */
    int64_t sent_real_ns;  /* and when TIME_BACK left */
    uint64_t sent_boot_ns;
};
void delivery_put_time(struct buf *out, const struct delivery_time *time);      /* TIME: the first two */
void delivery_put_time_back(struct buf *out, const struct delivery_time *time); /* TIME_BACK */
enum rc delivery_read_time(enum delivery_type type, struct str body, struct delivery_time *ret_time) MUST_USE;

/* Records below `number` are on the server's disk, and all of them among the first `size` of its archive: a checkpoint
 * of that size or more covers them. */
void delivery_put_durable(struct buf *out, uint64_t number, uint64_t size);
enum rc delivery_read_durable(struct str body, uint64_t *ret_number, uint64_t *ret_size) MUST_USE;
void delivery_put_credit(struct buf *out, uint32_t bytes);
void delivery_put_refused(struct buf *out, enum delivery_reason reason, struct str text);
enum rc delivery_read_refused(struct str body, uint16_t *ret_reason, struct str *ret_text) MUST_USE;
void delivery_put_prove(struct buf *out, uint64_t old_size, uint64_t new_size);
/* Path: whole hashes of 32 bytes, at most DELIVERY_PATH_MAX. An empty path between two sizes: it cannot be given. */
void delivery_put_proof(struct buf *out, uint64_t old_size, uint64_t new_size, struct str path);
enum rc delivery_read_sizes(struct str body, uint64_t *ret_old, uint64_t *ret_new, struct str *ret_path) MUST_USE;

struct delivery_enrol {
    uint16_t version;
    struct str secret; /* DELIVERY_SECRET_SIZE bytes, of the token */
    struct str host;
    struct str program;
};
void delivery_put_enrol(struct buf *out, const struct delivery_enrol *enrol);
enum rc delivery_read_enrol(struct str body, struct delivery_enrol *ret_enrol) MUST_USE;

struct delivery_enrolled {
    uint8_t agent[16];
    struct str certificate; /* PEM: the agent's */
    struct str authority;   /* PEM: who vouches for servers and agents */
};
void delivery_put_enrolled(struct buf *out, const struct delivery_enrolled *enrolled);
enum rc delivery_read_enrolled(struct str body, struct delivery_enrolled *ret_enrolled) MUST_USE;

#endif
