/* link.h - which server, the way there, and when to try again: names, TCP, TLS, and the state machine of deliver.h
 * between them.
 *
 *   WAITING ──time──► RESOLVING ──addresses──► CONNECTING ──► TALKING ──► WAITING
 *                  (a thread: it may wait for name servers)
 *
 * Servers in turn; when all were tried it waits, twice as long each time up to five minutes, a random half of it, so
 * that many agents do not come back at once. A refusal that only a person can mend is tried again once an hour.
 * Single-threaded but for the names. */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include "agent/config.h"
#include "agent/deliver.h"
#include "base/err.h"
#include "os/loop.h"
#include "os/tls_client.h"

#include <stdbool.h>
#include <stdint.h>

struct link;

/* All borrowed. NULL without memory. */
struct link *link_new(struct loop *loop, struct deliver *deliver, const struct agent_servers *servers);
void link_free(struct link *link); /* closes at once */
/* With what certificate connections are made from now on; taken over. Once before the first step. */
void link_identify(struct link *link, struct tls_client *client);
/* Goes on. RC_IO, RC_CORRUPT: of the spool, the process must stop. */
enum rc link_step(struct link *link, struct deliver_now now, struct err *err) MUST_USE;
int link_timeout_ms(const struct link *link, struct deliver_now now);
bool link_is_open(const struct link *link);
/* "HOST:PORT" of the server that is talked to or was tried last, and why it ended last; "" each. */
const char *link_server(const struct link *link);
const char *link_reason(const struct link *link);

#endif
