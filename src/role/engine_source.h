/* engine_source.h - under an engine: one source, what is counted of it, and how that is told to the desk. */
#ifndef ROLE_ENGINE_SOURCE_H
#define ROLE_ENGINE_SOURCE_H

#include "base/buf.h"
#include "event/event.h"
#include "event/normalise.h"
#include "role/source_watch.h"
#include "tlog/leaf.h"

struct engine_source {
    uint8_t id[16];
    struct str kind;
    struct str name;
    struct event_source event;
    char host[256];
    size_t host_n;
    int64_t first_ns;
    int64_t last_ns;
    uint64_t records;
    uint64_t not_understood;
    uint64_t dropped;
    bool changed;
    bool canary; /* not counted as a source: it is none of anybody's */
    struct source_watch watch;
};

/* A record of it; event: what it says, NULL where it was not looked at. */
void engine_source_count(struct engine_source *source, const struct leaf *leaf, const struct event *event);
/* As a JSON object. */
void engine_source_write(struct buf *out, const struct engine_source *source);

#endif
