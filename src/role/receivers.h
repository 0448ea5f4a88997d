/* receivers.h - under `parent`: what forwarders say of themselves (forward_status.h), read for the desk.
 *
 * Each folder inside the one that is looked at is a forwarder's state. Whoever owns it is trusted with nothing: names
 * are checked, links are not followed, what is no plain file is passed over, and a text is not looked into but for its
 * end. */
#ifndef ROLE_RECEIVERS_H
#define ROLE_RECEIVERS_H

#include "base/buf.h"
#include "desk/receiver_text.h"

#include <stdbool.h>
#include <stdint.h>

struct receivers {
    const char *folder; /* borrowed */
    uint64_t looked_ns;
    bool known;
    struct buf text; /* body of MSG_RECEIVERS: a line each, name TAB status */
    struct buf last;
};

void receivers_init(struct receivers *receivers, const char *folder);
/* Looks every five seconds; true when the text is another, or is known for the first time. */
bool receivers_look(struct receivers *receivers, uint64_t now_boot_ns);

#endif
