/* deliver.h - the agent's side of one connection (wire/delivery.h) as a state machine: bytes in, bytes out, time an
 * argument, the spool and the memory beside it. Which server, TLS and when to try again: link.h.
 *
 *   CLOSED ──begin──► GREETED ──welcome──► OPEN ──refused, broken, silent──► CLOSED
 *                        └──refused──► CLOSED
 *
 * What is durable and covered goes to the spool; checkpoints are verified by the archive's key, and each newer one is
 * asked to continue the one seen before. An archive that does not is never believed again: nothing is freed from then
 * on, and everything is still sent. Single-threaded. */
#ifndef AGENT_DELIVER_H
#define AGENT_DELIVER_H

#include "agent/memory.h"
#include "agent/spool.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/delivery.h"

#include <stdbool.h>
#include <stdint.h>

#define DELIVER_TIME_NS    UINT64_C(30000000000)
#define DELIVER_PROVE_NS   UINT64_C(60000000000)
#define DELIVER_STATUS_NS  UINT64_C(60000000000)
#define DELIVER_RENEW_NS   UINT64_C(3600000000000)
#define DELIVER_SILENCE_NS UINT64_C(75000000000) /* a time exchange without answer */
#define DELIVER_SAMPLE_NS  UINT64_C(300000000000)

struct deliver;

struct deliver_host {
    void *context;
    void (*policy)(void *context, struct str note);
    void (*certificate)(void *context, struct str pem);
    void (*remember)(void *context);                  /* the memory has changed: keep it */
    void (*trouble)(void *context, const char *text); /* the archive was caught: memory.trouble says it too */
    void (*status)(void *context, struct buf *out);   /* members of a JSON object that was begun */
    void (*note)(void *context, const char *text);    /* for the log */
    void (*inventory)(void *context);                 /* the server asks for all of it anew */
};

struct deliver_options {
    uint8_t agent[16];
    uint8_t boot[16];
    struct str host; /* borrowed, as all that follows */
    struct str program;
    struct spool *spool;
    struct agent_memory *memory;
    struct deliver_host calls;
};

struct deliver_now {
    uint64_t boot_ns;
    int64_t real_ns;
};

struct deliver *deliver_new(const struct deliver_options *options, struct err *err); /* NULL: err says why */
void deliver_free(struct deliver *deliver);

/* A connection is made. RC_IO, RC_CORRUPT: of the spool, the process must stop. */
enum rc deliver_begin(struct deliver *deliver, struct deliver_now now, struct err *err) MUST_USE;
/* It is over, whatever the reason. */
void deliver_end(struct deliver *deliver);
bool deliver_is_open(const struct deliver *deliver); /* welcomed */

/* Bytes came. RC_DENIED: refused, deliver_refusal says why. RC_INVALID: the server does not speak as it should;
 * RC_LIMIT. RC_IO, RC_CORRUPT: of the spool. */
enum rc deliver_take(struct deliver *deliver, struct str bytes, struct deliver_now now, struct err *err) MUST_USE;
/* What is due is put into the output. RC_END: the server is silent. RC_IO, RC_CORRUPT: of the spool. */
enum rc deliver_step(struct deliver *deliver, struct deliver_now now, struct err *err) MUST_USE;
int deliver_timeout_ms(const struct deliver *deliver, struct deliver_now now);
struct str deliver_output(const struct deliver *deliver); /* borrowed until the next call */
void deliver_sent(struct deliver *deliver, size_t n);
uint16_t deliver_refusal(const struct deliver *deliver, struct str *ret_text); /* enum delivery_reason */

/* From when on a new certificate is asked for; seconds since 1970. */
void deliver_renew_at(struct deliver *deliver, int64_t at_s);
void deliver_bye(struct deliver *deliver, struct str text);

/* The server's clock less ours. False: not measured in the last minutes. */
bool deliver_offset(const struct deliver *deliver, uint64_t now_boot_ns, int64_t *ret_offset_us,
                    uint32_t *ret_error_us);

#endif
