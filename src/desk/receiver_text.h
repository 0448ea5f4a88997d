/* receiver_text.h - what a forwarder says of itself: a line "NAME TAB JSON" (role/forward_status.h writes the JSON). It
 * is shown, and nothing depends on it. Pure. */
#ifndef DESK_RECEIVER_TEXT_H
#define DESK_RECEIVER_TEXT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define RECEIVERS_MAX     64
#define RECEIVER_NAME_MAX 64
#define RECEIVER_TEXT_MAX 600

struct receiver {
    char name[RECEIVER_NAME_MAX + 1]; /* of its folder */
    char url[RECEIVER_TEXT_MAX + 1];
    char format[16 + 1];
    char query[RECEIVER_TEXT_MAX + 1];
    char error[RECEIVER_TEXT_MAX + 1]; /* why the receiver takes nothing; empty: it does */
    bool own;
    int64_t next; /* the first record that is not given on */
    int64_t given;
    int64_t at_ns;      /* when it said so */
    int64_t waiting_ns; /* when `next` was received, when it waits; else 0 */
    int64_t error_ns;
};

/* Letters, digits, dots, hyphens and underscores, no dot in front; 1 to RECEIVER_NAME_MAX. */
bool receiver_name_valid(struct str name) MUST_USE;
/* Texts are cut to one line of their lengths. RC_INVALID; RC_LIMIT past the arena. */
enum rc receiver_read(struct arena *arena, struct str line, struct receiver *ret_receiver, struct err *err) MUST_USE;

#endif
