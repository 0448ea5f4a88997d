/* forward_status.h - how a forwarder says how far it is, in the file `status` beside its position: one line of JSON,
 * which desk/receiver_text.h reads. The service's parent looks for it (receivers.h). */
#ifndef ROLE_FORWARD_STATUS_H
#define ROLE_FORWARD_STATUS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define FORWARD_STATUS_FILE "status"
#define FORWARD_STATUS_MAX  ((size_t)12 << 10)

struct forward_status {
    struct str receiver;  /* the address */
    struct str format;    /* "json" */
    struct str query;     /* as given; empty: all */
    bool own;             /* the archive's own records too */
    uint64_t next;        /* the first record that is not given on */
    uint64_t signed_size; /* records that may be */
    uint64_t given;       /* since the start */
    int64_t at_ns;        /* when this was said */
    int64_t waiting_ns;   /* when `next` was received, when it may be given on; else 0 */
    struct str error;     /* why the receiver takes nothing; empty: it does */
    int64_t error_ns;     /* since when */
};

/* Long texts are cut. */
enum rc forward_status_write(int folder, const struct forward_status *status, struct err *err) MUST_USE;

#endif
