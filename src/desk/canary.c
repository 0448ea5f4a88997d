/* canary.c - canaries as they come: which count, their times, what is kept of them. */
#include "desk/canary.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/canary_text.h"
#include "desk/agent.h"
#include "desk/canary_inside.h"

#include <string.h>

#define HOUR_NS    (HOUR_S * SECOND_NS)
#define NEAR_US    INT64_C(1000000)  /* clocks that were compared differ by less, beyond the error */
#define STRANGE_US INT64_C(60000000) /* those that were not */
#define NUMBER_MAX (INT64_C(1) << 60)

static const char *const hop_keys[] = {
#define X(id, key) key,
    CANARY_HOPS(X)
#undef X
};

const char *canary_hop_key(int64_t hop)
{
    return hop_keys[hop >= 0 && hop < CANARY_HOP_COUNT ? hop : 0];
}

/* --- times --- */

unsigned canary_bucket(uint32_t us)
{
    if (us < 16)
        return us;
    unsigned top = 31 - (unsigned)__builtin_clz(us);
    return 16 + (top - 4) * 8 + ((us >> (top - 3)) & 7);
}

uint32_t canary_bucket_most(unsigned bucket)
{
    if (bucket < 16)
        return bucket;
    unsigned top = (bucket - 16) / 8 + 4;
    uint64_t next = (UINT64_C(8) + (bucket - 16) % 8 + 1) << (top - 3);
    return (uint32_t)(next - 1);
}

static uint32_t span_us(int64_t from_ns, int64_t to_ns)
{
    int64_t us = to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0; /* the clock may have been set in between */
    return (uint32_t)MIN(us, (int64_t)UINT32_MAX);
}

static struct canary_times times_of(const struct desk_canary *canary, int64_t seen_ns)
{
    int64_t durable_ns = canary->durable_ns ? canary->durable_ns : canary->received_ns;
    int64_t made_ns = MIN(canary->made_ns, canary->received_ns); /* its maker's clock is known with an error */
    return (struct canary_times){{
        [STAGE_RECEIVE] = span_us(made_ns, canary->received_ns),
        [STAGE_STORE] = span_us(canary->received_ns, durable_ns),
        [STAGE_JUDGE] = span_us(durable_ns, canary->matched_ns),
        [STAGE_DELIVER] = span_us(canary->matched_ns, seen_ns),
        [STAGE_TOTAL] = span_us(made_ns, seen_ns),
    }};
}

static bool is_early(const struct desk_canary *canary)
{
    int64_t near_us = canary->error_us < 0 ? STRANGE_US : canary->error_us + NEAR_US;
    return (canary->made_ns - canary->received_ns) / 1000 > near_us;
}

/* --- whose --- */

void desk_canary_source(struct tlog_hasher *hasher, struct str uuid, uint8_t ret_id[16])
{
    struct tlog_hash hash;
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, str_at("agent", 6)); /* as doc/format/delivery.md has it: each ends with NUL, but the name */
    tlog_hash_add(hasher, uuid);
    tlog_hash_add(hasher, str_at("\0", 1));
    tlog_hash_add(hasher, str_at(CANARY_KIND, sizeof CANARY_KIND));
    tlog_hash_add(hasher, STR(CANARY_STREAM));
    tlog_hash_end(hasher, &hash);
    memcpy(ret_id, &hash, 16);
}

int64_t canary_engine_of(const struct desk *desk, struct str uuid)
{
    uint8_t id[16];
    desk_canary_source(desk->hasher, uuid, id);
    return id[0] % (int64_t)MAX(desk->canaries->engines, 1u);
}

/* --- what is kept --- */

static void hour_count(struct desk *desk, int64_t now_ns, bool own, unsigned stage, uint32_t us)
{
    struct db_query q = db_query(desk->db, "INSERT INTO canary_hour (hour, own, stage, bucket, count, max_us)"
                                           " VALUES (?1, ?2, ?3, ?4, 1, ?5) ON CONFLICT (hour, own, stage, bucket)"
                                           " DO UPDATE SET count = count + 1, max_us = max(max_us, excluded.max_us)");
    db_put_i64(&q, now_ns / HOUR_NS);
    db_put_i64(&q, own);
    db_put_i64(&q, stage);
    db_put_i64(&q, canary_bucket(us));
    db_put_i64(&q, us);
    db_run(&q);
}

static void hour_store(struct desk *desk, const struct desk_canary *canary, const struct canary_times *times,
                       int64_t now_ns)
{
    bool own = !canary->agent[0];
    if (times->us[STAGE_RECEIVE] / 1000000 >= canary->every_s) {
        hour_count(desk, now_ns, own, STAGE_BACKLOG, 0);
        return;
    }
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        hour_count(desk, now_ns, own, stage, times->us[stage]);
}

/* The newest first. */
static struct str recent_with(struct str before, const struct desk_canary *canary, const struct canary_times *times,
                              uint8_t storage[CANARY_RECENT * CANARY_RECENT_SIZE])
{
    size_t kept = MIN(before.n / CANARY_RECENT_SIZE, (size_t)CANARY_RECENT - 1);
    if (kept)
        memcpy(storage + CANARY_RECENT_SIZE, before.p, kept * CANARY_RECENT_SIZE);
    put_be64(storage, (uint64_t)canary->record);
    put_be64(storage + 8, (uint64_t)canary->made_ns);
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        put_be32(storage + 16 + 4 * (size_t)stage, times->us[stage]);
    return str_at(storage, (kept + 1) * CANARY_RECENT_SIZE);
}

static int64_t due_ns(int64_t from_ns, int64_t every_s)
{
    return from_ns + (2 * every_s + CANARY_SLACK_S) * SECOND_NS;
}

/* An agent that is not in the table, or was revoked, has no canaries. */
static bool maker_known(struct desk *desk, const struct desk_canary *canary)
{
    if (!canary->agent[0])
        return canary->engine < desk->canaries->engines;
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM agent WHERE uuid = ?1 AND state = 0");
    db_put_text(&q, str_of(canary->agent));
    return db_one_i64(&q, 0) > 0;
}

static void canary_store(struct desk *desk, const struct desk_canary *canary, int64_t now_ns)
{
    uint8_t storage[CANARY_RECENT * CANARY_RECENT_SIZE];
    struct canary_times times = times_of(canary, now_ns);
    int64_t lane = canary->agent[0] ? 0 : canary->engine;
    struct db_query q = db_query(desk->db, "SELECT record, recent FROM canary WHERE agent = ?1 AND lane = ?2");
    db_put_text(&q, str_of(canary->agent));
    db_put_i64(&q, lane);
    bool found = db_next(&q);
    bool again = found && db_i64(&q) >= canary->record;
    struct str recent = recent_with(found && !again ? db_text(&q) : STR(""), canary, &times, storage);
    db_query_end(&q);
    if (again)
        return;
    hour_store(desk, canary, &times, now_ns);
    enum canary_hop hop = is_early(canary) ? CANARY_CLOCK : CANARY_FINE;
    q = db_query(desk->db,
                 "INSERT INTO canary (agent, lane, engine, number, record, nonce, every_s, made_ns, seen_ns, total_us,"
                 " due_ns, checked_ns, hop, hop_ns, told_number, told_durable, told_ns, recent)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?9, 0, 0, 0, ?13)"
                 " ON CONFLICT (agent, lane) DO UPDATE SET engine = excluded.engine, number = excluded.number,"
                 " record = excluded.record, nonce = excluded.nonce, every_s = excluded.every_s,"
                 " made_ns = excluded.made_ns, seen_ns = excluded.seen_ns, total_us = excluded.total_us,"
                 " due_ns = excluded.due_ns, hop_ns = CASE hop WHEN excluded.hop THEN hop_ns ELSE excluded.hop_ns END,"
                 " hop = excluded.hop, recent = excluded.recent");
    db_put_text(&q, str_of(canary->agent));
    db_put_i64(&q, lane);
    db_put_i64(&q, canary->engine);
    db_put_i64(&q, canary->number);
    db_put_i64(&q, canary->record);
    db_put_text(&q, str_of(canary->nonce));
    db_put_i64(&q, canary->every_s);
    db_put_i64(&q, canary->made_ns);
    db_put_i64(&q, now_ns);
    db_put_i64(&q, times.us[STAGE_TOTAL]);
    db_put_i64(&q, due_ns(now_ns, canary->every_s));
    db_put_i64(&q, hop);
    db_put_blob(&q, recent);
    db_run(&q);
    if (hop == CANARY_CLOCK)
        canary_trouble(desk, hop, canary->engine, str_of(canary->agent), now_ns);
}

void canaries_store(struct desk *desk, const struct desk_batch *batch, int64_t now_ns)
{
    for (size_t i = 0; i < batch->canary_count && !db_failed(desk->db); i++)
        if (maker_known(desk, &batch->canaries[i]))
            canary_store(desk, &batch->canaries[i], now_ns);
}

/* --- what agents say --- */

/* It may make them more seldom now than the last one said, or none any more. */
void canary_status(struct desk *desk, struct str uuid, const struct json_value *status, int64_t now_ns)
{
    int64_t every_s = json_int(json_get(status, "canary_s"), -1);
    int64_t number = MIN(MAX(json_int(json_get(status, "canary"), 0), 0), NUMBER_MAX);
    if (every_s < 0 || every_s > DAY_S)
        return; /* an agent that knows nothing of canaries */
    if (every_s == 0) {
        struct db_query gone = db_query(desk->db, "DELETE FROM canary WHERE agent = ?1 AND lane = 0");
        db_put_text(&gone, uuid);
        db_run(&gone);
        return;
    }
    struct db_query q =
        db_query(desk->db, "INSERT INTO canary (agent, lane, engine, number, record, nonce, every_s, made_ns, seen_ns,"
                           " total_us, due_ns, checked_ns, hop, hop_ns, told_number, told_durable, told_ns, recent)"
                           " VALUES (?1, 0, -1, 0, -1, '', ?2, 0, 0, 0, ?3, 0, 0, ?4, ?5, ?6, ?4, x'')"
                           " ON CONFLICT (agent, lane) DO UPDATE SET told_number = excluded.told_number,"
                           " told_durable = excluded.told_durable, told_ns = excluded.told_ns,"
                           " due_ns = CASE every_s WHEN excluded.every_s THEN due_ns"
                           " ELSE max(due_ns, excluded.due_ns) END, every_s = excluded.every_s");
    db_put_text(&q, uuid);
    db_put_i64(&q, every_s);
    db_put_i64(&q, due_ns(now_ns, every_s));
    db_put_i64(&q, now_ns);
    db_put_i64(&q, number);
    db_put_i64(&q, json_bool(json_get(status, "canary_durable"), false));
    db_run(&q);
}

/* --- the beginning and the end --- */

bool canaries_new(struct desk *desk, const struct desk_options *options)
{
    struct desk_canaries *canaries = memory_new(sizeof *canaries);
    desk->canaries = canaries;
    if (!canaries)
        return false;
    canaries->every_s = options->canary_s;
    canaries->engines = MIN(options->engines, CANARY_ENGINES);
    return true;
}

void canaries_free(struct desk *desk)
{
    memory_free(desk->canaries);
    desk->canaries = NULL;
}

/* Nobody is late for what was due while this process did not run. */
void canaries_open(struct desk *desk, int64_t now_ns)
{
    const struct desk_canaries *canaries = desk->canaries;
    struct db_query q = db_query(desk->db, "UPDATE canary SET due_ns = max(due_ns, ?1 + (2 * every_s + ?2) * ?3)");
    db_put_i64(&q, now_ns);
    db_put_i64(&q, CANARY_SLACK_S);
    db_put_i64(&q, SECOND_NS);
    db_run(&q);
    db_run_i64(desk->db, "DELETE FROM canary WHERE agent = '' AND lane >= ?1",
               canaries->every_s ? (int64_t)canaries->engines : 0);
    for (unsigned lane = 0; canaries->every_s && lane < canaries->engines; lane++) {
        q = db_query(desk->db,
                     "INSERT INTO canary (agent, lane, engine, number, record, nonce, every_s, made_ns,"
                     " seen_ns, total_us, due_ns, checked_ns, hop, hop_ns, told_number, told_durable,"
                     " told_ns, recent) VALUES ('', ?1, ?1, 0, -1, '', ?2, 0, 0, 0, ?3, 0, 0, ?4, 0, 0, 0, x'')"
                     " ON CONFLICT (agent, lane) DO UPDATE SET every_s = excluded.every_s,"
                     " due_ns = excluded.due_ns");
        db_put_i64(&q, lane);
        db_put_i64(&q, canaries->every_s);
        db_put_i64(&q, due_ns(now_ns, canaries->every_s));
        db_put_i64(&q, now_ns);
        db_run(&q);
    }
}

void canaries_clean(struct desk *desk, int64_t now_ns)
{
    db_run_i64(desk->db, "DELETE FROM canary_hour WHERE hour < ?1", now_ns / HOUR_NS - CANARY_HOURS);
    db_run_i64(desk->db,
               "DELETE FROM canary WHERE agent <> '' AND agent NOT IN"
               " (SELECT uuid FROM agent WHERE state = ?1)",
               AGENT_ACTIVE);
}
