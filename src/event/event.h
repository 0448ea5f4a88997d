/* event.h - the one data model: what a record says, derived from its raw bytes.
 *
 * An event borrows everything: names from `struct names`, values from the raw record or the batch's arena. It is valid
 * until the arena is reset. Fields may repeat (arrays, repeated keys): a multi-valued field is the same name several
 * times. Values are valid UTF-8 text whatever their type; numbers keep the text they came with.
 *
 * Sources of the shape: Sigma taxonomy 2.1 (field names, log sources); order 52/NK Annex 4 (statutory fields). */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EVENT_FIELDS_MAX     512 /* fields past it are counted in `fields_lost` */
#define EVENT_CATEGORIES_OWN 4   /* Sigma categories a record can have (Sysmon 12: registry_event, registry_add) */
#define EVENT_CATEGORIES_MAX (EVENT_CATEGORIES_OWN + 1) /* and EVENT_INDICATOR */
#define EVENT_RECORDS_MAX    64                         /* records joined into one event (Linux audit, script blocks) */
#define EVENT_DEPTH_MAX      64 /* nesting of JSON followed; deeper is kept whole in the raw bytes */

/* Statutory fields, 52/NK Annex 4. One row: enum, key (used in queries, columns and exports). */
#define STATUTORY_FIELDS(X)                                                                                            \
    X(STATUTORY_HOST, "host")                 /* host or device name */                                                \
    X(STATUTORY_SERVICE, "service")           /* source of the event: service, program, component */                   \
    X(STATUTORY_ACCOUNT, "account")           /* account that acted, or was acted on when no other is named */         \
    X(STATUTORY_USER_ADDRESS, "user_address") /* address or terminal the user works from */                            \
    X(STATUTORY_SOURCE_ADDRESS, "src")        /* network source */                                                     \
    X(STATUTORY_DESTINATION_ADDRESS, "dst")   /* network destination */                                                \
    X(STATUTORY_OBJECT, "object")             /* file, table, URL, rule, account... acted on */                        \
    X(STATUTORY_START, "start")               /* operation start, RFC 3339 UTC */                                      \
    X(STATUTORY_END, "end")                   /* operation end, RFC 3339 UTC */                                        \
    X(STATUTORY_DESCRIPTION, "description")   /* what happened, in the source's words */                               \
    X(STATUTORY_KIND, "kind")                 /* event kind: key of data/event_kinds.tsv */                            \
    X(STATUTORY_OUTCOME, "outcome")           /* success, failure, unknown */

enum statutory {
#define X(id, key) id,
    STATUTORY_FIELDS(X)
#undef X
        STATUTORY_COUNT
};

/* The key of a statutory field, constant. */
const char *statutory_key(enum statutory field);
/* The field of a key, or STATUTORY_COUNT. */
enum statutory statutory_find(struct str key);

enum event_type { EVENT_STRING, EVENT_NUMBER, EVENT_BOOL, EVENT_NULL, EVENT_OBJECT /* value: the JSON text */ };

struct event_field {
    uint32_t name; /* id in struct names */
    uint32_t type; /* enum event_type */
    struct str value;
};

/* The category that an event gets for what it holds, beside those of its source (rule/indicator_match.h): it says
 * nothing of where the event comes from. */
#define EVENT_INDICATOR "indicator"

/* What the event says of its Sigma log source; id in struct names, 0 = does not say. */
struct event_logsource {
    uint32_t product;
    uint32_t service;
    uint32_t category[EVENT_CATEGORIES_MAX];
};

enum event_flags {
    EVENT_ARCHIVE = 1,    /* describes exactly one record: its fields become the record's columns */
    EVENT_MATCH = 2,      /* to be shown to the rules */
    EVENT_UNDERSTOOD = 4, /* a parser made sense of it; without it only raw, host and description are filled */
    EVENT_PIECE = 8,      /* its record is a part of a script block: an event with EVENT_JOINED may come */
    EVENT_JOINED = 16,    /* of several records with EVENT_PIECE: rules that matched one of them have told it */
};

struct event {
    struct str raw;
    uint64_t record; /* record number in the archive; the first one of a joined event */
    uint32_t flags;
    int64_t time_ns; /* the event's own time, UTC; the receive time when it carries none or an absurd one */
    int64_t received_ns;
    const char *parser; /* "syslog5424", "json", ...; constant text */
    struct event_logsource logsource;
    struct str statutory[STATUTORY_COUNT]; /* empty = not said */
    uint32_t field_count;
    uint32_t fields_lost;
    struct event_field *fields; /* in source order; room for EVENT_FIELDS_MAX */
    uint32_t record_count;
    uint64_t records[EVENT_RECORDS_MAX]; /* all records of a joined event; last here, for event_copy */
};

/* The address that says whose event it is: the network source, else where the user works from. */
static inline struct str statutory_address(struct str source, struct str user)
{
    return source.n ? source : user;
}

/* The same event, whose fields and texts stay where they are. */
static inline void event_copy(const struct event *event, struct event *ret_copy)
{
    memcpy(ret_copy, event, offsetof(struct event, records));
    memcpy(ret_copy->records, event->records, event->record_count * sizeof event->records[0]);
}

#endif
