#include "role/hunt_desk.h"

#include "base/assert.h"
#include "os/clock.h"
#include "role/hunt_report.h"
#include "role/log.h"
#include "role/process.h"

#define SCRATCH    ((size_t)16 << 20)
#define DEATHS_MAX 3u
#define RETRY_NS   UINT64_C(5000000000) /* after the database took nothing */

struct hunt_desk {
    struct desk *desk;
    struct arena *scratch;
    int64_t ordered;  /* of the hunter; 0: nothing */
    int64_t died_of;  /* the hunt at work when hunters ended, */
    unsigned deaths;  /* so often */
    uint64_t wait_ns; /* boot time before which nothing is tried */
};

struct hunt_desk *hunt_desk_new(struct desk *desk)
{
    struct hunt_desk *self = memory_new(sizeof *self);
    struct arena *scratch = arena_new(SCRATCH);
    if (!self || !scratch) {
        memory_free(self);
        arena_free(scratch);
        return NULL;
    }
    *self = (struct hunt_desk){.desk = desk, .scratch = scratch};
    return self;
}

void hunt_desk_free(struct hunt_desk *self)
{
    if (!self)
        return;
    arena_free(self->scratch);
    memory_free(self);
}

static void trouble(struct hunt_desk *self, const char *what, const struct err *err)
{
    log_error("%s: %s", what, err->text);
    self->wait_ns = clock_boot_ns() + RETRY_NS;
}

static void give_up(struct hunt_desk *self, int64_t now_ns)
{
    struct err err = {0};
    const struct desk_hunt_report report = {.state = DESK_HUNT_FAILED,
                                            .trouble = DESK_HUNT_DIED,
                                            .text =
                                                STR("the process that hunted ended three times while it was at work")};
    if (desk_hunt_report(self->desk, self->died_of, &report, now_ns, &err) != RC_OK)
        trouble(self, "the end of a hunt could not be stored", &err);
    else
        self->deaths = 0;
}

static void order(struct hunt_desk *self, struct channel *hunter, int64_t now_ns)
{
    struct desk_hunt_order next = {0};
    struct buf body CLEANUP(buf_done) = {0};
    struct err err = {0};
    arena_reset(self->scratch);
    enum rc rc = desk_hunt_next(self->desk, now_ns, self->scratch, &next, &err);
    if (rc == RC_END)
        return;
    if (rc != RC_OK) {
        trouble(self, "the next hunt could not be read", &err);
        return;
    }
    buf_init(&body, HUNT_ORDER_BYTES);
    hunt_order_write(&next, &body);
    if (channel_send(hunter, MSG_HUNT, (uint64_t)next.id, buf_view(&body)))
        self->ordered = next.id;
}

void hunt_desk_look(struct hunt_desk *self, int64_t now_ns)
{
    struct channel *hunter = process_peer(ROLE_HUNTER, 0);
    if (!hunter || clock_boot_ns() < self->wait_ns)
        return;
    if (self->ordered && !desk_hunt_wanted(self->desk, self->ordered) &&
        channel_send(hunter, MSG_HUNT_STOP, (uint64_t)self->ordered, STR_NONE))
        self->ordered = 0;
    if (self->deaths >= DEATHS_MAX)
        give_up(self, now_ns);
    else if (!self->ordered && desk_hunt_waits(self->desk))
        order(self, hunter, now_ns);
}

void hunt_desk_up(struct hunt_desk *self)
{
    self->ordered = 0;
}

void hunt_desk_down(struct hunt_desk *self)
{
    if (!self->ordered)
        return;
    self->deaths = self->died_of == self->ordered ? self->deaths + 1 : 1;
    self->died_of = self->ordered;
    self->ordered = 0;
}

void hunt_desk_report(struct hunt_desk *self, const struct msg *msg, int64_t now_ns)
{
    struct desk_hunt_report report;
    struct err err = {0};
    int64_t id = (int64_t)msg->id;
    if (id != self->ordered || !desk_hunt_wanted(self->desk, id))
        return; /* it was stopped meanwhile */
    arena_reset(self->scratch);
    if (!hunt_report_read(msg->body, self->scratch, &report)) {
        log_error("what the hunter reports does not read");
        return;
    }
    enum rc rc = desk_hunt_report(self->desk, id, &report, now_ns, &err);
    if (rc != RC_OK)
        trouble(self, "what a hunt found could not be stored, it begins anew", &err);
    if (rc == RC_OK && report.state == DESK_HUNT_RUNNING)
        return;
    self->ordered = 0;
    if (rc == RC_OK)
        self->deaths = 0;
}
