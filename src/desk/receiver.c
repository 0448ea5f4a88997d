/* receiver.c - what is known of those who get the archive's records from forwarders: how far each is, and which are
 * late.
 *
 * A receiver is late when its forwarder was not heard of for SILENT_NS, or a record waits for it longer than the
 * setting allows. Becoming late and being in time again are records, once each; a restart of the service tells again
 * what holds.
 */
#include "base/assert.h"
#include "base/civil.h"
#include "codec/json.h"
#include "desk/inside.h"

#include <stdlib.h>
#include <string.h>

#define SILENT_NS  (3 * MINUTE_S * SECOND_NS) /* a forwarder says how far it is every 5 seconds, at worst 90 */
#define WATCH_NS   (5 * SECOND_NS)
#define LINE_ARENA ((size_t)256 << 10)

static const char *state_of(const struct desk *desk, const struct receiver *r, int64_t now_ns)
{
    if (now_ns - r->at_ns > SILENT_NS)
        return "silent";
    if (r->waiting_ns && now_ns - r->waiting_ns > desk->receivers.late_ns)
        return "behind";
    return r->error[0] ? "refuses" : "ok";
}

static bool state_is_late(const char *state)
{
    return strcmp(state, "silent") == 0 || strcmp(state, "behind") == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct receiver_known *)a)->said.name, ((const struct receiver_known *)b)->said.name);
}

static const struct receiver_known *known_find(const struct receivers_known *known, const char *name)
{
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->row[i].said.name, name) == 0)
            return &known->row[i];
    return NULL;
}

void desk_set_receivers(struct desk *desk, struct str lines)
{
    struct receivers_known *known = &desk->receivers;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(LINE_ARENA);
    struct receiver_known *next = memory_new(RECEIVERS_MAX * sizeof *next);
    size_t count = 0;
    ASSERT(desk->magic == DESK_MAGIC);
    while (arena && next && lines.n && count < RECEIVERS_MAX) {
        struct str line = str_cut(&lines, '\n');
        arena_reset(arena);
        if (receiver_read(arena, line, &next[count].said, NULL) != RC_OK)
            continue; /* not shown: there is nothing to show */
        const struct receiver_known *before = known_find(known, next[count].said.name);
        next[count++].late = before && before->late;
    }
    if (!arena || !next) {
        memory_free(next);
        return; /* it is told again in a few seconds */
    }
    qsort(next, count, sizeof *next, compare_names);
    memory_free(known->row);
    known->row = next;
    known->count = count;
}

void receivers_free(struct desk *desk)
{
    memory_free(desk->receivers.row);
}

static void late_record(struct desk *desk, const struct receiver *r, const char *state, int64_t now_ns)
{
    bool late = state_is_late(state);
    struct buf *body = desk_record_begin(desk, late ? "receiver.late" : "receiver.caught-up", STR("qorgan"), now_ns);
    json_put_text(body, "name", r->name);
    json_put_text(body, "address", r->url);
    if (late)
        json_put_text(body, "reason", r->error[0] ? r->error : state);
    json_put_int(body, "next", r->next);
    desk_record_end(desk, 0, STR_NONE);
}

enum rc desk_watch_receivers(struct desk *desk, int64_t now_ns, struct err *err)
{
    struct receivers_known *known = &desk->receivers;
    size_t changed = 0;
    ASSERT(desk->magic == DESK_MAGIC);
    if (now_ns - known->watched_ns < WATCH_NS && now_ns >= known->watched_ns)
        return RC_OK;
    known->watched_ns = now_ns;
    for (size_t i = 0; i < known->count; i++)
        changed += known->row[i].late != state_is_late(state_of(desk, &known->row[i].said, now_ns));
    enum rc rc = changed ? desk_begin(desk, err) : RC_OK;
    if (rc != RC_OK || !changed)
        return rc;
    for (size_t i = 0; i < known->count; i++) {
        const char *state = state_of(desk, &known->row[i].said, now_ns);
        if (known->row[i].late != state_is_late(state))
            late_record(desk, &known->row[i].said, state, now_ns);
    }
    rc = desk_end(desk, true, err);
    for (size_t i = 0; i < known->count && rc == RC_OK; i++)
        known->row[i].late = state_is_late(state_of(desk, &known->row[i].said, now_ns));
    return rc;
}

void ask_receiver_list(struct ask *ask)
{
    const struct receivers_known *known = &ask->desk->receivers;
    json_put_int(ask->out, "late_s", known->late_ns / SECOND_NS);
    json_write_key(ask->out, "receivers");
    json_write_array(ask->out);
    for (size_t i = 0; i < known->count; i++) {
        const struct receiver *r = &known->row[i].said;
        json_write_object(ask->out);
        json_put_text(ask->out, "name", r->name);
        json_put_text(ask->out, "address", r->url);
        json_put_text(ask->out, "format", r->format);
        json_put_text(ask->out, "query", r->query);
        json_put_bool(ask->out, "own", r->own);
        json_put_text(ask->out, "state", state_of(ask->desk, r, ask->now_ns));
        json_put_int(ask->out, "next", r->next);
        json_put_int(ask->out, "given", r->given);
        json_put_int(ask->out, "waiting_ns", r->waiting_ns);
        json_put_int(ask->out, "last_ns", r->at_ns);
        json_put_text(ask->out, "error", r->error);
        json_put_int(ask->out, "error_ns", r->error_ns);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}
