/* wef_subscription.h - what Windows computers are asked to forward: an administrator's file in YAML, a list of
 *
 *   - name: windows             # 1 to 63 letters, digits, dots, hyphens; its events are told apart by it
 *     computers: ["*.corp.kz"]  # names of certificates that get it, * for any bytes; without: all
 *     format: raw               # or rendered: with the text of each event, in the computer's language
 *     heartbeat: 300            # seconds without events after which a computer says that it is there
 *     latency: 30               # seconds that events may wait for others
 *     existing: false           # true: also what is in the logs when a computer is first heard
 *     query: |                  # as Event Viewer's XML of a view has it
 *       <QueryList>...</QueryList>
 *
 * Only name and query must stand there. A name keeps its place in the logs over every change of the rest. */
#ifndef WIRE_WEF_SUBSCRIPTION_H
#define WIRE_WEF_SUBSCRIPTION_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEF_SUBSCRIPTIONS_MAX 16u
#define WEF_CHANNELS_MAX      64u /* that one query names */
#define WEF_COMPUTERS_MAX     64u /* patterns of one */
#define WEF_NAME_MAX          63u
#define WEF_MEMORY            ((size_t)4 << 20) /* of an arena to read a file of 16,000 bytes into */

struct wef_subscription {
    struct str name;
    struct str query; /* well-formed, a QueryList */
    struct str *channels;
    size_t channel_count;
    struct str *computers;
    size_t computer_count; /* 0: all */
    bool rendered;
    bool existing;
    int64_t heartbeat_s;
    int64_t latency_s;
    char id[UUID_TEXT + 1];      /* made of the name */
    char version[UUID_TEXT + 1]; /* made of all of it: a client begins anew when it is another */
};

struct wef_subscriptions {
    struct wef_subscription *list;
    size_t count;
};

/* Everything lives in the arena. RC_INVALID and RC_LIMIT name the subscription and the line. */
enum rc wef_subscriptions_read(struct arena *arena, struct str text, struct wef_subscriptions *ret_subscriptions,
                               struct err *err) MUST_USE;
/* Whether the holder of a certificate of this name gets it. */
bool wef_subscription_is_for(const struct wef_subscription *subscription, struct str computer);
/* By its id, upper or lower case; NULL. */
const struct wef_subscription *wef_subscription_find(const struct wef_subscriptions *subscriptions, struct str id);

#endif
