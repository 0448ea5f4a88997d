/* canary_ask.c - what people ask about canaries: how long the way takes by hour, what is overdue, one maker's last. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/canary_inside.h"

#include <string.h>

#define HOURS_DEFAULT 24
#define HOURS_MOST    168
#define LATE_SHOWN    100
#define HOUR_NS       (HOUR_S * SECOND_NS)

static const char *const stage_keys[] = {[STAGE_RECEIVE] = "receive",
                                         [STAGE_STORE] = "store",
                                         [STAGE_JUDGE] = "judge",
                                         [STAGE_DELIVER] = "deliver",
                                         [STAGE_TOTAL] = "total"};

/* --- by hour --- */

/* What an hour has of one stage. */
struct spread {
    int64_t hour, own, stage;
    uint64_t bucket[CANARY_BUCKETS];
    uint64_t count;
    uint32_t most_us;
};

/* So many of a thousand took no longer. */
static uint32_t spread_share(const struct spread *spread, uint64_t permille)
{
    uint64_t wanted = (spread->count * permille + 999) / 1000, seen = 0;
    for (unsigned i = 0; i < CANARY_BUCKETS; i++) {
        seen += spread->bucket[i];
        if (seen >= wanted && seen)
            return MIN(canary_bucket_most(i), spread->most_us);
    }
    return spread->most_us;
}

static void spread_put(struct buf *out, const struct spread *spread)
{
    json_write_key(out, stage_keys[spread->stage]);
    json_write_object(out);
    json_put_u64(out, "p50_us", spread_share(spread, 500));
    json_put_u64(out, "p99_us", spread_share(spread, 990));
    json_put_u64(out, "max_us", spread->most_us);
    json_write_object_end(out);
}

/* Rows come by hour, whose, and stage; the object of an hour is open while `spread->count` or a row before it was. */
struct hours {
    struct buf *out;
    struct spread spread;
    bool open;
};

static void stage_end(struct hours *h)
{
    if (h->spread.count && h->spread.stage == STAGE_BACKLOG)
        json_put_u64(h->out, "waited", h->spread.count);
    else if (h->spread.count)
        spread_put(h->out, &h->spread);
    if (h->spread.count && h->spread.stage == STAGE_TOTAL)
        json_put_u64(h->out, "count", h->spread.count);
}

static void stage_begin(struct hours *h, int64_t hour, int64_t own, int64_t stage)
{
    bool same = h->open && h->spread.hour == hour && h->spread.own == own;
    stage_end(h);
    if (h->open && !same)
        json_write_object_end(h->out);
    if (!same) {
        json_write_object(h->out);
        json_put_int(h->out, "from_ns", hour * HOUR_NS);
        json_put_text(h->out, "of", own ? "service" : "agents");
    }
    memset(&h->spread, 0, sizeof h->spread);
    h->spread.hour = hour;
    h->spread.own = own;
    h->spread.stage = stage;
    h->open = true;
}

static void hours_put(struct ask *ask, int64_t hours)
{
    struct hours *h = arena_alloc(ask->desk->scratch, sizeof *h);
    struct db_query q = db_query(ask->desk->db, "SELECT hour, own, stage, bucket, count, max_us FROM canary_hour"
                                                " WHERE hour > ?1 ORDER BY hour DESC, own, stage, bucket");
    db_put_i64(&q, ask->now_ns / HOUR_NS - hours);
    *h = (struct hours){.out = ask->out};
    json_write_key(ask->out, "hours");
    json_write_array(ask->out);
    while (db_next(&q)) {
        int64_t hour = db_i64(&q), own = db_i64(&q), stage = db_i64(&q), bucket = db_i64(&q), count = db_i64(&q);
        int64_t most_us = db_i64(&q);
        if (stage < 0 || stage > STAGE_BACKLOG || bucket < 0 || bucket >= (int64_t)CANARY_BUCKETS || count < 0)
            continue;
        if (!h->open || h->spread.hour != hour || h->spread.own != own || h->spread.stage != stage)
            stage_begin(h, hour, own, stage);
        h->spread.bucket[bucket] += (uint64_t)count;
        h->spread.count += (uint64_t)count;
        h->spread.most_us = MAX(h->spread.most_us, (uint32_t)MIN(MAX(most_us, 0), (int64_t)UINT32_MAX));
    }
    stage_end(h);
    if (h->open)
        json_write_object_end(ask->out);
    json_write_array_end(ask->out);
}

/* --- makers --- */

/* One maker: columns engine, seen_ns, total_us, every_s, hop, hop_ns, record, due_ns. */
#define MAKER "c.engine, c.seen_ns, c.total_us, c.every_s, c.hop, c.hop_ns, c.record, c.due_ns"

static void maker_put(struct buf *out, struct db_query *q)
{
    json_put_int(out, "engine", db_i64(q));
    json_put_int(out, "seen_ns", db_i64(q));
    json_put_int(out, "total_us", db_i64(q));
    json_put_int(out, "every_s", db_i64(q));
    json_put_text(out, "hop", canary_hop_key(db_i64(q)));
    json_put_int(out, "hop_ns", db_i64(q));
    json_put_int(out, "record", db_i64(q));
    json_put_int(out, "due_ns", db_i64(q));
}

static void service_put(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT " MAKER " FROM canary c WHERE c.agent = '' ORDER BY c.lane LIMIT 64");
    json_write_key(ask->out, "service");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        maker_put(ask->out, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void late_put(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT a.uuid, a.name, " MAKER " FROM canary c JOIN agent a ON a.uuid = c.agent"
                                " WHERE c.hop > 0 AND a.state = 0 ORDER BY c.hop_ns LIMIT ?1");
    db_put_i64(&q, LATE_SHOWN);
    json_write_key(ask->out, "late");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "agent", db_text(&q));
        json_put_str(ask->out, "name", db_text(&q));
        maker_put(ask->out, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void troubles_put(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT hop, engine, since_ns FROM canary_trouble WHERE agent = ''"
                                                " ORDER BY since_ns LIMIT 200");
    json_write_key(ask->out, "troubles");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_text(ask->out, "hop", canary_hop_key(db_i64(&q)));
        json_put_int(ask->out, "engine", db_i64(&q));
        json_put_int(ask->out, "since_ns", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void totals_put(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*), coalesce(sum(c.hop > 0), 0) FROM canary c"
                                                " JOIN agent a ON a.uuid = c.agent AND a.state = 0");
    bool found = db_next(&q);
    json_put_int(ask->out, "agents", found ? db_i64(&q) : 0);
    json_put_int(ask->out, "agents_late", found ? db_i64(&q) : 0);
    db_query_end(&q);
    json_put_int(ask->out, "every_s", ask->desk->canaries->every_s);
}

void ask_canary_list(struct ask *ask)
{
    int64_t hours = ask_int(ask, "hours");
    totals_put(ask);
    troubles_put(ask);
    service_put(ask);
    late_put(ask);
    hours_put(ask, hours <= 0 ? HOURS_DEFAULT : MIN(hours, HOURS_MOST));
}

void canary_totals_put(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT (SELECT coalesce(max(total_us), 0) FROM canary WHERE agent = ''),"
                                " (SELECT count(*) FROM canary_trouble WHERE agent = '')");
    bool found = db_next(&q);
    json_put_int(ask->out, "canary_us", found ? db_i64(&q) : 0);
    json_put_int(ask->out, "canary_troubles", found ? db_i64(&q) : 0);
    db_query_end(&q);
}

/* --- one agent's --- */

static void recent_put(struct buf *out, struct str bytes)
{
    struct reader reader = reader_of(bytes);
    json_write_key(out, "recent");
    json_write_array(out);
    while (reader_left(&reader) >= CANARY_RECENT_SIZE) {
        json_write_object(out);
        json_put_u64(out, "record", read_be64(&reader));
        json_put_int(out, "made_ns", (int64_t)read_be64(&reader));
        for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
            char key[32];
            struct buf name;
            buf_init_fixed(&name, key, sizeof key);
            buf_format(&name, "%s_us", stage_keys[stage]);
            json_put_u64(out, buf_z(&name), read_be32(&reader));
        }
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

void canary_put(struct desk *desk, struct buf *out, struct str uuid)
{
    struct db_query q = db_query(
        desk->db, "SELECT " MAKER ", c.nonce, c.number, c.recent FROM canary c WHERE c.agent = ?1 AND c.lane = 0");
    db_put_text(&q, uuid);
    if (!db_next(&q))
        return;
    json_write_key(out, "canary");
    json_write_object(out);
    maker_put(out, &q);
    json_put_str(out, "nonce", db_text(&q));
    json_put_int(out, "number", db_i64(&q));
    recent_put(out, db_text(&q));
    json_write_object_end(out);
    db_query_end(&q);
}
