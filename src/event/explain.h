/* explain.h - what was understood of a line, and of what was not, which pattern came farthest and where it stopped.
 *
 * For people who write patterns: the command `qorgan parse` and pages. The event is the one that the service would make
 * of the record. Asking who came farthest tries every pattern: not for the path of records. No state of its own. */
#ifndef EVENT_EXPLAIN_H
#define EVENT_EXPLAIN_H

#include "base/buf.h"
#include "event/mapping.h"
#include "event/normalise.h"

/* A pattern that a message nearly fits. */
struct near {
    const struct pattern *pattern; /* NULL: none read more than blanks of it */
    struct template_stop stop;     /* TEMPLATE_FITS: it fits */
};

struct parse_report {
    const struct event *event;
    enum grasp grasp;
    const struct pattern *pattern; /* that took the message; NULL: none did */
    bool asked;                    /* the patterns were asked: */
    struct str program;            /* as the line names it; empty: it names none */
    struct str message;
};

typedef void (*parse_sink)(void *context, const struct parse_report *report);

/* Who reads the lines, and where the reports go. `arena` holds what they borrow. */
struct parse_ask {
    struct normaliser *normaliser;
    struct arena *arena;
    parse_sink sink;
    void *context;
};

/* Gives one report of the record, and one of each event that it completes (Linux audit, scripts). */
void parse_explain(const struct parse_ask *ask, const struct event_source *source, uint64_t record, int64_t received_ns,
                   struct str raw);
/* Gives what is still held back for joining. */
void parse_flush(const struct parse_ask *ask);

/* Of the patterns that the report's message was tried with, the one that found the most literal bytes; of several
 * the one that read farthest, then the one of least rank. */
struct near pattern_nearest(const struct mapping *mapping, const struct parse_report *report);

/* "pattern", "fields", "header", "none". */
const char *grasp_name(enum grasp grasp);
/* Why it stopped, in English: `stops at byte 34: " port " does not follow`. `message` is what it was asked about. */
void near_say(struct buf *buf, const struct near *near, struct str message);

#endif
