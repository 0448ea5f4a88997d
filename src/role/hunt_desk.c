#include "role/hunt_desk.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/proc.h"
#include "role/hunt_report.h"
#include "role/log.h"
#include "role/process.h"

#include <unistd.h>

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
    int known;        /* what is known of lists when the hunt at work is done; sealed; -1: not said */
    /* lists of indicators, by engine */
    struct {
        bool told;
        uint64_t stamp;
    } lists[HUNT_DESK_ENGINES];
    unsigned engines; /* that were ever there */
    bool settled;     /* room desk knows this stamp: */
    uint64_t stamp;
};

static void known_put(struct hunt_desk *self, int fd)
{
    if (self->known >= 0)
        close(self->known);
    self->known = fd;
}

struct hunt_desk *hunt_desk_new(struct desk *desk)
{
    struct hunt_desk *self = memory_new(sizeof *self);
    struct arena *scratch = arena_new(SCRATCH);
    if (!self || !scratch) {
        memory_free(self);
        arena_free(scratch);
        return NULL;
    }
    *self = (struct hunt_desk){.desk = desk, .scratch = scratch, .known = -1};
    return self;
}

void hunt_desk_free(struct hunt_desk *self)
{
    if (!self)
        return;
    known_put(self, -1);
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

/* With an order for what is new in lists: what is known of them. Sealed; -1: nothing is. */
static enum rc known_seal(struct hunt_desk *self, enum desk_hunt_lists lists, int *ret_fd, struct err *err)
{
    struct buf bytes CLEANUP(buf_done) = {0};
    *ret_fd = -1;
    if (lists != DESK_LISTS_NEW)
        return RC_OK;
    buf_init(&bytes, DESK_LISTS_KNOWN_BYTES);
    enum rc rc = desk_lists_known(self->desk, &bytes, err);
    return rc == RC_OK && bytes.n ? proc_seal("indicators", buf_view(&bytes), ret_fd, err) : rc;
}

static bool order_send(struct channel *hunter, const struct desk_hunt_order *next, int known)
{
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, HUNT_ORDER_BYTES);
    hunt_order_write(next, &body);
    return known >= 0 ? channel_send_fd(hunter, MSG_HUNT, (uint64_t)next->id, buf_view(&body), known)
                      : channel_send(hunter, MSG_HUNT, (uint64_t)next->id, buf_view(&body));
}

static void order(struct hunt_desk *self, struct channel *hunter, int64_t now_ns)
{
    struct desk_hunt_order next = {0};
    struct err err = {0};
    int known;
    arena_reset(self->scratch);
    enum rc rc = desk_hunt_next(self->desk, now_ns, self->scratch, &next, &err);
    if (rc == RC_END)
        return;
    if (rc != RC_OK) {
        trouble(self, "the next hunt could not be read", &err);
        return;
    }
    if (known_seal(self, next.lists, &known, &err) != RC_OK) {
        trouble(self, "what is known of lists of indicators could not be read", &err);
        return;
    }
    known_put(self, -1);
    if (order_send(hunter, &next, known))
        self->ordered = next.id;
    if (known >= 0)
        close(known);
}

/* ---- lists of indicators ---- */

void hunt_desk_engine(struct hunt_desk *self, unsigned instance)
{
    if (instance >= HUNT_DESK_ENGINES)
        return;
    self->lists[instance].told = false;
    self->engines = MAX(self->engines, instance + 1);
}

void hunt_desk_lists_told(struct hunt_desk *self, unsigned instance, uint64_t stamp)
{
    if (instance >= HUNT_DESK_ENGINES)
        return;
    self->lists[instance].told = true;
    self->lists[instance].stamp = stamp;
}

/* An engine that still has the lists of before would let pass what comes in meanwhile, and a hunt that begins now would
 * not see it. */
static bool lists_agree(const struct hunt_desk *self)
{
    for (unsigned i = 0; i < self->engines; i++)
        if (!process_peer(ROLE_ENGINE, i) || !self->lists[i].told || self->lists[i].stamp != self->lists[0].stamp)
            return false;
    return self->engines > 0;
}

static void lists_look(struct hunt_desk *self, int64_t now_ns)
{
    struct err err = {0};
    uint64_t stamp = self->lists[0].stamp;
    if (!lists_agree(self) || (self->settled && self->stamp == stamp))
        return;
    if (desk_lists_changed(self->desk, stamp, now_ns, &err) != RC_OK) {
        trouble(self, "that lists of indicators are others could not be stored", &err);
        return;
    }
    self->settled = true;
    self->stamp = stamp;
}

static void lists_told(struct hunt_desk *self, struct msg *msg, int64_t now_ns)
{
    struct desk_lists lists;
    struct err err = {0};
    int64_t id = (int64_t)msg->id;
    if (id != self->ordered || !desk_hunt_wanted(self->desk, id))
        return; /* it was stopped meanwhile */
    arena_reset(self->scratch);
    if (!hunt_lists_read(msg->body, self->scratch, &lists)) {
        log_error("what the hunter says of lists of indicators does not read");
        return;
    }
    known_put(self, msg->fd_count == 1 ? msg->fds[0] : -1);
    msg->fd_count = 0;
    if (desk_hunt_lists(self->desk, id, &lists, now_ns, &err) == RC_OK)
        return;
    trouble(self, "what a hunt read of lists could not be stored, it begins anew", &err);
    self->ordered = 0;
}

void hunt_desk_look(struct hunt_desk *self, int64_t now_ns)
{
    struct channel *hunter = process_peer(ROLE_HUNTER, 0);
    if (clock_boot_ns() >= self->wait_ns)
        lists_look(self, now_ns);
    if (!hunter || clock_boot_ns() < self->wait_ns)
        return;
    if (self->ordered && !desk_hunt_wanted(self->desk, self->ordered) &&
        channel_send(hunter, MSG_HUNT_STOP, (uint64_t)self->ordered, STR_NONE))
        self->ordered = 0;
    if (self->deaths >= DEATHS_MAX)
        give_up(self, now_ns);
    else if (!self->ordered && desk_hunt_waits(self->desk, now_ns))
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

static void report_told(struct hunt_desk *self, const struct msg *msg, int64_t now_ns)
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
    if (report.state == DESK_HUNT_DONE && self->known >= 0 &&
        proc_sealed_map(self->known, DESK_LISTS_KNOWN_BYTES, &report.known, &err) != RC_OK)
        log_error("what is known of lists of indicators does not read, they are hunted once more: %s", err.text);
    enum rc rc = desk_hunt_report(self->desk, id, &report, now_ns, &err);
    proc_unmap(report.known);
    if (rc != RC_OK)
        trouble(self, "what a hunt found could not be stored, it begins anew", &err);
    if (rc == RC_OK && report.state == DESK_HUNT_RUNNING)
        return;
    self->ordered = 0;
    if (rc == RC_OK)
        self->deaths = 0;
}

void hunt_desk_message(struct hunt_desk *self, struct msg *msg, int64_t now_ns)
{
    if (msg->type == MSG_HUNT_LISTS)
        lists_told(self, msg, now_ns);
    else
        report_told(self, msg, now_ns);
}
