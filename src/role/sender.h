/* sender.h - records on their way to the keeper: batches, the window of what is not yet durable, resending.
 *
 * Records are gathered into a batch that goes when it is large or a few milliseconds old. A batch is held until the
 * keeper says it is durable; a new keeper gets all held batches again, and drops what the old one had already kept
 * (source, epoch, sequence). When the window is full `sender_full` says so: stop reading, the sources keep the data. */
#ifndef ROLE_SENDER_H
#define ROLE_SENDER_H

#include "base/err.h"
#include "msg/batch.h"
#include "msg/msg.h"

#include <stdbool.h>
#include <stdint.h>

#define SENDER_WINDOW ((size_t)16 << 20) /* bytes sent and not acknowledged */

struct sender;

/* The batch that held the record tagged `tag` (the largest tag of the batch) is durable. */
typedef void (*sender_durable)(void *context, uint64_t tag);

struct sender *sender_new(sender_durable durable, void *context); /* NULL without memory */
void sender_free(struct sender *sender);

/* Adds a record. `tag` must not fall; it comes back when the record is durable. False without room: the caller asked
 * sender_full first and stopped reading. */
bool sender_record(struct sender *sender, const struct batch_group *group, struct str bytes, uint64_t tag) MUST_USE;
bool sender_full(const struct sender *sender);
/* The keeper is there (a new channel: everything held is sent again) or away (NULL). */
void sender_connect(struct sender *sender, struct channel *keeper);
/* Sends the open batch if it is large enough or `now_ns` says it is old enough; `force` sends it anyhow. */
void sender_pump(struct sender *sender, uint64_t now_boot_ns, bool force);
/* MSG_ACK. */
void sender_ack(struct sender *sender, const struct msg *msg);
/* Milliseconds until sender_pump has to be called, -1 = nothing waits. */
int sender_timeout_ms(const struct sender *sender, uint64_t now_boot_ns);

struct sender_counters {
    uint64_t records; /* acknowledged as durable, duplicates included */
    uint64_t known;   /* of these, the archive had them already */
    uint64_t size;    /* of the archive, all of these among its first so many records */
};
struct sender_counters sender_counters(const struct sender *sender);

#endif
