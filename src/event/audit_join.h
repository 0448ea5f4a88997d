/* audit_join.h - pieces of Linux audit events, kept until the event is complete.
 *
 * An event is the records of one source, node, time and serial. It is complete with its PROCTITLE or EOE record, or
 * when an audit record of the same source is two seconds younger or was received two seconds after its latest piece. So
 * which records make an event follows from the records of its source alone, and is the same whoever reads them: an
 * engine as they come, one that catches up or begins anew, a hunt years later. Time that goes by ends an event only
 * when it would not change that: three seconds more, in which what was received before is read too. What never had an
 * end waits that long. It is known by its SYSCALL record, which only one event has: who begins anew behind some of its
 * pieces gives it under the same number, or, when the SYSCALL record was before, not at all. The lines are copied.
 * Bounded: AUDIT_PENDING_MAX events; the oldest is given early and counted. */
#ifndef EVENT_AUDIT_JOIN_H
#define EVENT_AUDIT_JOIN_H

#include "base/buf.h"
#include "codec/audit.h"
#include "event/event.h"
#include "event/normalise.h"

#include <stdbool.h>

#define AUDIT_PENDING_MAX 256
#define AUDIT_TEXT_MAX    ((size_t)512 << 10) /* lines of one event; what does not fit is only in its own record */
#define AUDIT_WAIT_NS     (INT64_C(2) * 1000000000)
#define AUDIT_STALE_NS    (AUDIT_WAIT_NS + INT64_C(3) * 1000000000)

struct audit_pending {
    uint8_t source[16];
    uint64_t node; /* hash */
    int64_t time_ns;
    uint64_t serial;
    int64_t received_ns; /* of the latest piece */
    bool has_syscall;
    uint64_t syscall; /* its record, the first: what the event is known by */
    uint32_t record_count;
    uint64_t record[EVENT_RECORDS_MAX];
    struct buf text; /* lines joined by line feeds */
    struct str kind; /* of the source: constant text or in `names` */
    char name[256];
    size_t name_n;
    char host[256]; /* that the records name: node=, or the syslog header's */
    size_t host_n;
};

struct audit_join {
    struct audit_pending *pending; /* in order of arrival */
    uint32_t count;
    uint64_t crowded;
};

/* One record that arrived. */
struct audit_piece {
    const struct audit *audit;
    uint64_t record;
    int64_t received_ns;
    struct str line;
    struct str host; /* empty unless the record names one */
};

/* The kinds of sources by themselves: text that outlives a source; empty for another. */
struct str source_kind_constant(struct str kind);
bool audit_join_init(struct audit_join *join) MUST_USE;
void audit_join_done(struct audit_join *join);
/* True for record types that come in company. */
bool audit_joins(struct str type);
/* Adds a piece. When it completes the event, or has no room, *ret_ready is the place to take from, else -1. */
void audit_join_add(struct audit_join *join, const struct event_source *source, const struct audit_piece *piece,
                    int *ret_ready);
/* The next event that is complete by a record of its source, of that time and received then; -1 when none. */
int audit_join_due(const struct audit_join *join, const uint8_t source[16], int64_t event_ns, int64_t received_ns);
/* The next that is by the clock. */
int audit_join_stale(const struct audit_join *join, int64_t now_ns);
void audit_join_remove(struct audit_join *join, int at);

#endif
