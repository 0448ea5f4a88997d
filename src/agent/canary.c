#include "agent/canary.h"

#include "base/macros.h"
#include "codec/canary_text.h"
#include "codec/json.h"
#include "os/random.h"

void agent_canary_set(struct agent_canary *canary, uint32_t every_s, uint64_t now_boot_ns)
{
    if (canary->every_s == every_s)
        return;
    canary->every_s = every_s;
    canary->due_ns = every_s ? now_boot_ns + canary_first_ns(every_s, random_u64()) : 0;
}

void agent_canary_step(struct agent_canary *canary, const struct agent_canary_way *way, struct deliver_now now)
{
    char storage[CANARY_BYTES_MAX];
    struct buf text;
    struct canary made = {.number = canary->number + 1, .made_ns = now.real_ns, .every_s = canary->every_s};
    if (!canary->every_s || now.boot_ns < canary->due_ns)
        return;
    canary->due_ns = now.boot_ns + canary_pause_ns(canary->every_s, random_u64());
    IGNORE(!str_copy_z(str_of(way->agent), made.agent, sizeof made.agent)); /* one of another form would not read */
    random_bytes(made.nonce, sizeof made.nonce);
    made.measured = deliver_offset(way->deliver, now.boot_ns, &made.offset_us, &made.error_us);
    buf_init_fixed(&text, storage, sizeof storage);
    canary_write(&text, &made);
    collect_canary(way->collect, buf_view(&text), now.boot_ns);
    canary->number = made.number;
    canary->made_ns = made.made_ns;
    canary->end = spool_facts(way->spool).end + 1; /* what waits is appended as one frame, and acknowledged as one */
}

void agent_canary_status(const struct agent_canary *canary, const struct spool_facts *spool, struct buf *json)
{
    json_put_u64(json, "canary_s", canary->every_s);
    if (!canary->number)
        return;
    json_put_u64(json, "canary", canary->number);
    json_put_int(json, "canary_ns", canary->made_ns);
    json_put_bool(json, "canary_durable", spool->durable >= canary->end);
}
