#include "agent/inventory.h"

#include "agent/tell.h"
#include "base/arena.h"
#include "base/assert.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/machine.h"
#include "os/random.h"

#include <string.h>
#include <unistd.h>

#define SECOND       UINT64_C(1000000000)
#define FULL_NS      (86400 * SECOND)
#define SETTLE_NS    (SECOND / 2) /* from a device's coming to its files being there */
#define AGAIN_NS     (3 * SECOND) /* and the second look, for slow ones */
#define APPENDED_NS  (2 * SECOND) /* from a record's taking to its being in the spool's file, with room to spare */
#define RETRY_NS     (60 * SECOND)
#define CHANGES_MAX  2000u /* told one by one of a look */
#define PART_BYTES   ((size_t)48 << 10)
#define RECORD_BYTES ((size_t)128 << 10)

/* A kind's way: due ──look──► same ──► due later
 *                         └──► differs ──told──► waits for the spool ──► kept ──► due later */
struct kind_state {
    struct inventory_place place;
    struct inventory_digest told;
    bool known;    /* `told` holds */
    bool waits;    /* `next` does, for the spool */
    bool unseen;   /* the last look failed */
    bool cut;      /* there are more items than are told */
    bool snapshot; /* all of it is to be told */
    struct inventory_digest next;
    uint64_t waits_ns;
    bool marked;
    uint64_t mark; /* the spool's end that must be safe, once it is marked */
    uint64_t due_ns;
    uint64_t stamp; /* of inventory_look_unchanged */
};

struct sending {
    bool on;
    enum inventory_kind kind;
    uint64_t offset;
    uint64_t part;
    int64_t id;
};

struct inventory {
    struct inventory_options options;
    uint64_t seed;
    uint64_t now_ns;
    uint64_t full_ns;  /* when all is told again; 0: not chosen yet */
    uint64_t again_ns; /* second look after a device came; 0: none */
    bool on;
    int uevents;
    struct loop_watch *watch;
    struct kind_state kinds[INVENTORY_KIND_COUNT];
    struct sending sending;
    char trouble[256];
};

/* ---- one look ---- */

struct looking {
    struct inventory *inventory;
    enum inventory_kind kind;
    struct inventory_digest digest;
    struct inventory_compare *compare; /* NULL: the digest alone */
    uint64_t given;
    uint64_t told;
    bool failed;
};

static bool digest_item(void *context, const struct inventory_item *item)
{
    struct looking *looking = context;
    if (looking->given++ < inventory_kind_most(looking->kind))
        inventory_digest_add(&looking->digest, looking->inventory->seed, item);
    return true;
}

static bool compare_item(void *context, const struct inventory_item *item)
{
    struct looking *looking = context;
    if (looking->given++ >= inventory_kind_most(looking->kind))
        return true;
    looking->failed = !inventory_compare_item(looking->compare, item);
    return !looking->failed;
}

static void change_tell(void *context, enum inventory_change change, const struct inventory_item *item,
                        struct str before)
{
    static const char *const events[] = {[INVENTORY_ADDED] = "inventory.added",
                                         [INVENTORY_CHANGED] = "inventory.changed",
                                         [INVENTORY_REMOVED] = "inventory.removed"};
    struct looking *looking = context;
    struct buf json;
    if (looking->told++ >= CHANGES_MAX)
        return;
    buf_init(&json, RECORD_BYTES);
    json_put_text(&json, "event", events[change]);
    json_put_text(&json, "host", looking->inventory->options.host);
    json_put_text(&json, "kind", inventory_kind_name(looking->kind));
    json_put_str(&json, "key", item->key);
    if (item->value.n) {
        json_write_key(&json, "value");
        json_write_raw(&json, item->value);
    }
    if (before.n) {
        json_write_key(&json, "before");
        json_write_raw(&json, before);
    }
    if (item->now.n) {
        json_write_key(&json, "now");
        json_write_raw(&json, item->now);
    }
    if (!json.overflow)
        looking->inventory->options.tell(looking->inventory->options.context, buf_view(&json));
    buf_done(&json);
}

static void look_failed(struct kind_state *state, uint64_t now_ns, const char *reason)
{
    if (reason[0] && !state->unseen)
        tell(TELL_WARNING, "the inventory could not be taken: %s", reason);
    state->unseen = true;
    state->due_ns = now_ns + RETRY_NS;
}

/* Whether a whole look is needed: a first one, one that was asked for, or one that finds other items. */
static bool look_differs(struct looking *looking, struct kind_state *state)
{
    const struct inventory_options *options = &looking->inventory->options;
    uint64_t before = state->stamp;
    bool same_file = inventory_look_unchanged(&options->machine, looking->kind, &state->stamp);
    if (same_file && state->known && !state->snapshot && !state->unseen)
        return false;
    if (!inventory_look(&options->machine, looking->kind, digest_item, looking)) {
        state->stamp = before;
        look_failed(state, looking->inventory->now_ns, "");
        return false;
    }
    state->unseen = false;
    state->cut = looking->given > inventory_kind_most(looking->kind);
    return !state->known || state->snapshot || !inventory_digest_eq(&looking->digest, &state->told);
}

static void look_whole(struct looking *looking, struct kind_state *state)
{
    struct inventory *inventory = looking->inventory;
    struct err err = {0};
    struct inventory_digest next = {0};
    uint64_t count = looking->digest.count;
    looking->given = 0;
    enum rc rc = inventory_compare_new(&state->place, inventory->seed, count,
                                       (struct inventory_listener){change_tell, looking}, &looking->compare, &err);
    bool first = rc == RC_OK && !inventory_compare_told(looking->compare);
    bool whole = rc == RC_OK && inventory_look(&inventory->options.machine, looking->kind, compare_item, looking) &&
                 !looking->failed;
    if (whole)
        rc = inventory_compare_end(looking->compare, &next, &err);
    inventory_compare_free(looking->compare);
    memory_trim();
    if (!whole || rc != RC_OK) { /* what was told so far will be told again */
        look_failed(state, inventory->now_ns, rc != RC_OK ? err.text : "");
        state->stamp = 0;
        /* Unless it never was so, as in a file that was being written: what is known is told in whole, against that. */
        state->snapshot = state->snapshot || (!whole && looking->told > 0);
        return;
    }
    state->snapshot = state->snapshot || first || looking->told > CHANGES_MAX;
    state->next = next;
    state->waits = true;
    state->waits_ns = inventory->now_ns;
    state->marked = false;
}

static void look_at(struct inventory *inventory, enum inventory_kind kind)
{
    struct kind_state *state = &inventory->kinds[kind];
    struct looking looking = {.inventory = inventory, .kind = kind};
    state->due_ns = inventory->now_ns + inventory_kind_seconds(kind) * SECOND;
    if (look_differs(&looking, state))
        look_whole(&looking, state);
}

/* ---- what was told is known as told ---- */

static void state_keep(struct kind_state *state)
{
    struct err err = {0};
    if (inventory_place_keep(&state->place, &err) != RC_OK) {
        tell(TELL_WARNING, "%s: it will be told again", err.text);
        state->waits = false;
        return;
    }
    state->told = state->next;
    state->known = true;
    state->waits = false;
}

static void states_keep(struct inventory *inventory)
{
    const struct spool_facts facts = spool_facts(inventory->options.spool);
    for (size_t i = 0; i < INVENTORY_KIND_COUNT; i++) {
        struct kind_state *state = &inventory->kinds[i];
        if (!state->waits)
            continue;
        if (!state->marked && !facts.disk_full && inventory->now_ns - state->waits_ns >= APPENDED_NS) {
            state->marked = true;
            state->mark = facts.end;
        }
        if (state->marked && (facts.synced >= state->mark || facts.durable >= state->mark))
            state_keep(state);
    }
}

/* ---- snapshots ---- */

static void part_tell(struct inventory *inventory, struct str items, bool last)
{
    const struct sending *sending = &inventory->sending;
    struct buf json;
    buf_init(&json, RECORD_BYTES);
    json_put_text(&json, "event", "inventory.snapshot");
    json_put_text(&json, "host", inventory->options.host);
    json_put_text(&json, "kind", inventory_kind_name(sending->kind));
    json_put_int(&json, "snapshot", sending->id);
    json_put_u64(&json, "part", sending->part);
    json_put_bool(&json, "last", last);
    if (last)
        json_put_u64(&json, "count", inventory->kinds[sending->kind].told.count);
    json_write_key(&json, "items");
    buf_char(&json, '[');
    buf_str(&json, items);
    buf_char(&json, ']');
    if (!json.overflow)
        inventory->options.tell(inventory->options.context, buf_view(&json));
    buf_done(&json);
}

/* A part of what is being told; the rest comes with the next steps. */
static void part_send(struct inventory *inventory)
{
    struct sending *sending = &inventory->sending;
    struct kind_state *state = &inventory->kinds[sending->kind];
    struct err err = {0};
    struct buf items;
    bool last = false;
    buf_init(&items, PART_BYTES + INVENTORY_ITEM_MAX);
    enum rc rc = inventory_place_part(&state->place, &sending->offset, PART_BYTES, &items, &last, &err);
    sending->part++;
    if (rc == RC_OK) {
        part_tell(inventory, buf_view(&items), last);
        sending->on = !last;
    } else { /* it is told anew from a new look */
        sending->on = false;
        state->known = false;
        state->snapshot = true;
        state->due_ns = inventory->now_ns + RETRY_NS;
        tell(TELL_WARNING, "%s", err.text);
    }
    buf_done(&items);
}

static bool sending_begin(struct inventory *inventory)
{
    for (size_t i = 0; i < INVENTORY_KIND_COUNT; i++) {
        struct kind_state *state = &inventory->kinds[i];
        /* One that was asked for and is not looked at yet says what holds now, not what held. */
        if (!state->snapshot || !state->known || state->waits || state->due_ns <= inventory->now_ns)
            continue;
        state->snapshot = false;
        inventory->sending = (struct sending){.on = true, .kind = (enum inventory_kind)i, .id = clock_real_ns()};
        return true;
    }
    return false;
}

void inventory_ask(struct inventory *inventory)
{
    for (size_t i = 0; i < INVENTORY_KIND_COUNT; i++) {
        inventory->kinds[i].snapshot = true;
        inventory->kinds[i].due_ns = 0;
    }
}

/* ---- the whole ---- */

static void on_uevent(void *context, unsigned events)
{
    struct inventory *inventory = context;
    (void)events;
    if (!machine_uevents_came(inventory->uevents) || !inventory->on)
        return;
    static const enum inventory_kind devices[] = {INVENTORY_USB, INVENTORY_MODEM, INVENTORY_DISK, INVENTORY_INTERFACE};
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        struct kind_state *state = &inventory->kinds[devices[i]];
        state->due_ns = MIN(state->due_ns, inventory->now_ns + SETTLE_NS);
    }
    inventory->again_ns = inventory->now_ns + AGAIN_NS;
}

struct inventory *inventory_new(const struct inventory_options *options, struct err *err)
{
    struct inventory *inventory = memory_new(sizeof *inventory);
    if (!inventory) {
        IGNORE(err_set(err, RC_LIMIT, "no memory for the inventory")); /* NULL says it */
        return NULL;
    }
    inventory->options = *options;
    inventory->seed = random_u64();
    inventory->uevents = options->machine.real ? machine_uevents_open() : -1;
    if (inventory->uevents >= 0)
        inventory->watch = loop_add(options->loop, inventory->uevents, LOOP_READ, on_uevent, inventory);
    for (size_t i = 0; i < INVENTORY_KIND_COUNT; i++) {
        struct kind_state *state = &inventory->kinds[i];
        inventory_place_init(&state->place, options->io, options->folder, inventory_kind_name((enum inventory_kind)i),
                             options->origin);
        state->known = inventory_place_digest(&state->place, inventory->seed, &state->told, NULL) == RC_OK;
    }
    return inventory;
}

void inventory_free(struct inventory *inventory)
{
    if (!inventory)
        return;
    loop_remove(inventory->options.loop, inventory->watch);
    if (inventory->uevents >= 0)
        close(inventory->uevents);
    memory_free(inventory);
}

/* Switched on it looks at once. What it told before is compared with: changes in between are told. */
void inventory_switch(struct inventory *inventory, bool on)
{
    if (on && !inventory->on)
        inventory->full_ns = 0;
    inventory->on = on;
}

bool inventory_is_on(const struct inventory *inventory)
{
    return inventory->on;
}

static void clocks_look(struct inventory *inventory)
{
    if (inventory->again_ns && inventory->now_ns >= inventory->again_ns) {
        inventory->again_ns = 0;
        inventory->kinds[INVENTORY_USB].due_ns = inventory->kinds[INVENTORY_DISK].due_ns = inventory->now_ns;
    }
    if (!inventory->full_ns) /* a thousand agents that start at once do not tell all of it at once every day */
        inventory->full_ns = inventory->now_ns + FULL_NS / 2 + random_u64() % (FULL_NS / 2);
    if (inventory->now_ns >= inventory->full_ns) {
        inventory->full_ns = inventory->now_ns + FULL_NS;
        inventory_ask(inventory);
    }
}

bool inventory_step(struct inventory *inventory, uint64_t now_boot_ns)
{
    inventory->now_ns = now_boot_ns;
    states_keep(inventory);
    if (!inventory->on || !spool_takes(inventory->options.spool, SPOOL_PULL))
        return false;
    clocks_look(inventory);
    if (inventory->sending.on || sending_begin(inventory)) {
        part_send(inventory);
        return inventory->sending.on;
    }
    for (size_t i = 0; i < INVENTORY_KIND_COUNT; i++)
        if (inventory->kinds[i].due_ns <= now_boot_ns && !inventory->kinds[i].waits) {
            look_at(inventory, (enum inventory_kind)i);
            break; /* one a step: who waits for us is not held up */
        }
    return false;
}

void inventory_save(struct inventory *inventory)
{
    for (size_t i = 0; i < INVENTORY_KIND_COUNT; i++)
        if (inventory->kinds[i].waits)
            state_keep(&inventory->kinds[i]);
}

const char *inventory_trouble(struct inventory *inventory)
{
    struct buf text;
    buf_init_fixed(&text, inventory->trouble, sizeof inventory->trouble);
    for (size_t i = 0; i < INVENTORY_KIND_COUNT; i++) {
        const struct kind_state *state = &inventory->kinds[i];
        if (state->unseen || state->cut)
            buf_format(&text, "%s%s: %s", text.n ? ", " : "", inventory_kind_name((enum inventory_kind)i),
                       state->unseen ? "cannot be read" : "more than are told");
    }
    return buf_z(&text);
}
