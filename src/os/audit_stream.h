/* audit_stream.h - the kernel's audit messages beside auditd: netlink, multicast group READLOG (linux/audit.h).
 *
 * Needs CAP_AUDIT_READ and the first user namespace. A reader that is too slow loses messages; the kernel says that it
 * happened, not how many. Single-threaded. */
#ifndef OS_AUDIT_STREAM_H
#define OS_AUDIT_STREAM_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_STREAM_MAX 12288u /* bytes of one message; the kernel's own limit is 8,970 */

/* A non-blocking descriptor, the caller's. RC_DENIED: not allowed here. */
enum rc audit_stream_open(int *ret_fd, struct err *err) MUST_USE;

struct audit_message {
    uint16_t type;   /* number of linux/audit.h */
    struct str text; /* "audit(TIME:SERIAL): ..."; in the caller's bytes */
    bool lost;       /* messages before it were lost; type is 0 then and there is no text */
};
/* The next one. RC_AGAIN: none waits. RC_IO: open it anew. */
enum rc audit_stream_next(int fd, char bytes[AUDIT_STREAM_MAX], struct audit_message *ret_message,
                          struct err *err) MUST_USE;

#endif
