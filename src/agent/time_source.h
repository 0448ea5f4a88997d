/* time_source.h - whether this machine's clock follows a source of time, and which ones its daemon is configured to
 * ask.
 *
 * The kernel says whether somebody disciplines the clock, and by how much it may be off (adjtimex); configuration of
 * chrony, ntpd and systemd-timesyncd says whom they ask. The first of these daemons that names a server is the one that
 * is shown. A clock counts as following while the kernel says so and its error is below TIME_ERROR_US: a daemon that
 * died leaves the kernel's word as it is for nine hours, while the error grows by half a millisecond a second.
 *
 * Source: decree 832, p. 38 3) and p. 139 12): journals are synchronised with the infrastructure of the source of time,
 * and that with the standard of the national scale UTC(kz). */
#ifndef AGENT_TIME_SOURCE_H
#define AGENT_TIME_SOURCE_H

#include "base/buf.h"
#include "base/str.h"
#include "os/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_SERVERS_MAX 16u
#define TIME_NAME_MAX    64u /* bytes of one server's name; longer ones are passed over */
#define TIME_FILE_MAX    ((size_t)256 << 10)
#define TIME_LOOK_NS     UINT64_C(60000000000)
#define TIME_LOST_NS     UINT64_C(900000000000) /* a loss that is longer is told */
#define TIME_ERROR_US    UINT64_C(2000000)

enum time_form { TIME_NTP_LINES /* server, pool and peer of chrony and ntpd */, TIME_SYSTEMD /* NTP=, FallbackNTP= */ };

struct time_source {
    const char *daemon; /* "chrony", "ntpd", "timesyncd"; "": none names a server */
    size_t count;
    char server[TIME_SERVERS_MAX][TIME_NAME_MAX + 1];
};

/* Adds the servers that a text names, each once. What is no name of a host is passed over. */
void time_source_read(struct str text, enum time_form form, struct time_source *source);
/* Files of this machine; those that cannot be read are passed over. */
void time_source_look(struct time_source *ret_source);
/* Files and folders that it reads; ends with NULL. */
extern const char *const time_source_paths[];

enum time_event { TIME_NOTHING, TIME_LOST, TIME_BACK };
struct time_watch {
    uint64_t looked_ns; /* boot clock; 0: never */
    uint64_t lost_ns;   /* since when it does not follow; 0: it does */
    bool told;
    struct clock_sync sync;
    struct time_source source;
};
/* Once a minute, with what the kernel says then: LOST when that has lasted, BACK when it is over and was told. */
bool time_watch_is_due(const struct time_watch *watch, uint64_t now_boot_ns);
enum time_event time_watch_take(struct time_watch *watch, struct clock_sync sync, uint64_t now_boot_ns);
/* Member "time": {"synced":..,"lost_s":..,"error_us":..,"daemon":"..","servers":"a b"}; nothing before the first look,
 * or where the kernel says nothing. */
void time_watch_put(const struct time_watch *watch, uint64_t now_boot_ns, struct buf *json);

#endif
