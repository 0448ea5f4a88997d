/* notice_desk.h - under the desk: notices on their way to the process that sends them, one at a time, and what became
 * of them. */
#ifndef ROLE_NOTICE_DESK_H
#define ROLE_NOTICE_DESK_H

#include "base/arena.h"
#include "desk/desk.h"
#include "msg/msg.h"

#include <stdbool.h>

struct notice_desk {
    struct desk *desk; /* as the next two the role's */
    struct arena *scratch;
    struct buf *text;
    bool flying; /* one is with `out`; false when that went away: lent notices come back by themselves */
};

/* The next one, when none is flying and `out` is there. */
void notice_desk_send(struct notice_desk *notices);
/* What became of the one that flew; the next is sent. */
void notice_desk_result(struct notice_desk *notices, const struct msg *msg);

#endif
