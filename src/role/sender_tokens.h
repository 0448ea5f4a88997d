/* sender_tokens.h - under `parent`: who may send over HTTP (tokens.h), read again when the file is another. */
#ifndef ROLE_SENDER_TOKENS_H
#define ROLE_SENDER_TOKENS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct sender_tokens {
    int folder; /* DATA/senders; -1 = none */
    bool known; /* the file was read, or is known to be absent */
    uint64_t stamp;
    uint64_t looked_ns;
    struct buf text; /* as it was read last */
};

void sender_tokens_init(struct sender_tokens *senders, int folder);
/* Looks once a second; true when the text is another, or is known for the first time. A file that does not read is told
 * once, and what was read before it holds on. */
bool sender_tokens_look(struct sender_tokens *senders, uint64_t now_boot_ns);

#endif
