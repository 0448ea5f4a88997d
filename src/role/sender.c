#include "role/sender.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"

#include <string.h>

#define HELD_MAX    512
#define SPARES_MAX  16 /* storages of batches kept for the next ones: new ones are new pages */
#define WAIT_MS     2  /* until it is asked again whether the keeper is ready */
#define AGE_MAX_NS  UINT64_C(3000000)
#define BATCH_LIMIT ((size_t)MSG_BATCH_SIZE + BATCH_RECORD_MAX + 70000)

struct held {
    uint64_t id;
    uint64_t tag;
    bool sent; /* on the present channel */
    struct buf bytes;
};

struct sender {
    sender_durable durable;
    void *context;
    struct channel *keeper;
    struct held held[HELD_MAX]; /* a ring: first, count; the last one is open when `open` */
    size_t first;
    size_t count;
    bool open;
    size_t held_bytes;
    struct buf spares[SPARES_MAX];
    size_t spare_count;
    struct batch_writer writer;
    struct batch_group group; /* of the writer's open group, with its next sequence */
    bool group_open;
    uint64_t opened_ns;
    uint64_t next_id;
    struct sender_counters counters;
};

struct sender *sender_new(sender_durable durable, void *context)
{
    struct sender *sender = memory_new(sizeof *sender);
    if (!sender)
        return NULL;
    sender->durable = durable;
    sender->context = context;
    sender->next_id = 1;
    return sender;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    for (size_t i = 0; i < HELD_MAX; i++)
        buf_done(&sender->held[i].bytes);
    while (sender->spare_count)
        buf_done(&sender->spares[--sender->spare_count]);
    memory_free(sender);
}

static struct held *held_at(struct sender *sender, size_t i)
{
    return &sender->held[(sender->first + i) % HELD_MAX];
}

bool sender_full(const struct sender *sender)
{
    return sender->held_bytes >= SENDER_WINDOW || sender->count >= HELD_MAX - 1;
}

static bool group_same(const struct sender *sender, const struct batch_group *group)
{
    const struct batch_group *open = &sender->group;
    return sender->group_open && group->sequence == open->sequence && group->epoch == open->epoch &&
           group->received_real_ns == open->received_real_ns && group->source_time_ns == open->source_time_ns &&
           group->clock_error_us == open->clock_error_us && group->flags == open->flags &&
           group->transport == open->transport &&
           memcmp(group->source_id, open->source_id, sizeof open->source_id) == 0;
}

static bool batch_open(struct sender *sender)
{
    if (sender->open)
        return true;
    if (sender->count == HELD_MAX)
        return false;
    struct held *held = held_at(sender, sender->count);
    ASSERT(!held->bytes.p);
    if (sender->spare_count)
        held->bytes = sender->spares[--sender->spare_count];
    else
        buf_init(&held->bytes, BATCH_LIMIT);
    held->id = sender->next_id++;
    held->tag = 0;
    held->sent = false;
    sender->count++;
    sender->open = true;
    sender->opened_ns = 0;
    sender->group_open = false;
    batch_begin(&sender->writer, &held->bytes);
    return true;
}

/* In order and without a hole: an acknowledgement covers all before it. What the keeper is not ready for stays here, in
 * the one copy that there is, unless `force` hands it to the channel before the process ends. */
static void closed_send(struct sender *sender, bool force)
{
    size_t closed = sender->count - (sender->open ? 1 : 0);
    for (size_t i = 0; i < closed && sender->keeper; i++) {
        struct held *held = held_at(sender, i);
        if (held->sent)
            continue;
        if (channel_queued(sender->keeper) > 0 && !force)
            return;
        held->sent = channel_send(sender->keeper, MSG_RECORDS, held->id, buf_view(&held->bytes));
        if (!held->sent)
            return;
    }
}

static bool closed_waits(const struct sender *sender)
{
    size_t closed = sender->count - (sender->open ? 1 : 0);
    return sender->keeper && closed > 0 && !sender->held[(sender->first + closed - 1) % HELD_MAX].sent;
}

static void batch_close(struct sender *sender)
{
    if (!sender->open)
        return;
    batch_end(&sender->writer);
    sender->open = false;
    sender->group_open = false;
    closed_send(sender, false);
}

bool sender_record(struct sender *sender, const struct batch_group *group, struct str bytes, uint64_t tag)
{
    if (!batch_open(sender))
        return false;
    struct held *held = held_at(sender, sender->count - 1);
    size_t before = held->bytes.n;
    if (!group_same(sender, group)) {
        batch_group_begin(&sender->writer, group);
        sender->group = *group;
        sender->group_open = true;
    }
    batch_record(&sender->writer, bytes);
    sender->group.sequence++;
    ASSERT(!held->bytes.overflow);
    sender->held_bytes += held->bytes.n - before;
    held->tag = MAX(held->tag, tag);
    if (sender->opened_ns == 0)
        sender->opened_ns = group->received_boot_ns;
    if (held->bytes.n >= MSG_BATCH_SIZE)
        batch_close(sender);
    return true;
}

void sender_connect(struct sender *sender, struct channel *keeper)
{
    sender->keeper = keeper;
    size_t closed = sender->count - (sender->open ? 1 : 0);
    for (size_t i = 0; i < closed; i++)
        held_at(sender, i)->sent = false;
    closed_send(sender, false);
}

void sender_pump(struct sender *sender, uint64_t now_boot_ns, bool force)
{
    if (sender->open && (force || now_boot_ns - sender->opened_ns >= AGE_MAX_NS))
        batch_close(sender);
    closed_send(sender, force);
}

static void batch_forget(struct sender *sender, struct held *held)
{
    bool usual = held->bytes.capacity <= 4 * (size_t)MSG_BATCH_SIZE;
    buf_clear(&held->bytes);
    if (usual && sender->spare_count < SPARES_MAX)
        sender->spares[sender->spare_count++] = held->bytes;
    else
        buf_done(&held->bytes);
    held->bytes = (struct buf){0};
}

void sender_ack(struct sender *sender, const struct msg *msg)
{
    struct reader reader = reader_of(msg->body);
    sender->counters.size = read_be64(&reader);
    uint64_t added = read_be64(&reader);
    uint64_t known = read_be64(&reader);
    sender->counters.records += added + known;
    sender->counters.known += known;
    uint64_t tag = 0;
    /* Batches become durable in order: an acknowledgement covers all before it. */
    while (sender->count > (sender->open ? 1u : 0u) && held_at(sender, 0)->sent && held_at(sender, 0)->id <= msg->id) {
        struct held *held = held_at(sender, 0);
        tag = held->tag;
        sender->held_bytes -= held->bytes.n;
        batch_forget(sender, held);
        sender->first = (sender->first + 1) % HELD_MAX;
        sender->count--;
    }
    closed_send(sender, false);
    if (sender->durable && tag)
        sender->durable(sender->context, tag);
}

int sender_timeout_ms(const struct sender *sender, uint64_t now_boot_ns)
{
    if (closed_waits(sender))
        return WAIT_MS;
    if (!sender->open)
        return -1;
    uint64_t age = now_boot_ns - sender->opened_ns;
    return age >= AGE_MAX_NS ? 0 : (int)((AGE_MAX_NS - age) / 1000000) + 1;
}

struct sender_counters sender_counters(const struct sender *sender)
{
    return sender->counters;
}
