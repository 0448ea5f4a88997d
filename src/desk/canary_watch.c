/* canary_watch.c - canaries that do not come: where each stops, and what is told of it. */
#include "base/assert.h"
#include "base/civil.h"
#include "codec/canary_text.h"
#include "desk/agent.h"
#include "desk/canary_inside.h"
#include "desk/own_alarm.h"
#include "desk/rulebook.h"

#include <string.h>

#define WATCH_NS   (2 * SECOND_NS)
#define LEAP_NS    (60 * SECOND_NS) /* the desk stood still, or its clock was set */
#define HEARD_NS   (10 * SECOND_NS) /* engines say every second how far they are */
#define PATIENT_NS (75 * SECOND_NS) /* for the next status of an agent, which comes once a minute */
#define AT_ONCE    256
#define TELL_MAX   64 /* troubles that begin or end in one transaction */

/* One that is overdue. */
struct late {
    struct str agent;
    int64_t lane, engine, number, record, every_s, seen_ns, due_ns, hop;
    int64_t told_number, told_ns;
    bool told_durable, connected;
};

/* --- engines --- */

void desk_canary_engine(struct desk *desk, unsigned engine, struct desk_canary_engine told, int64_t now_ns)
{
    ASSERT(desk->magic == DESK_MAGIC);
    if (engine >= CANARY_ENGINES)
        return;
    desk->canaries->engine[engine].heard_ns = now_ns;
    desk->canaries->engine[engine].told = told;
}

/* What was durable so long ago that an engine which is not behind has read it. */
static void durable_mark(struct desk *desk, int64_t now_ns)
{
    struct desk_canaries *c = desk->canaries;
    memmove(c->mark + 1, c->mark, sizeof c->mark - sizeof c->mark[0]);
    c->mark[0].ns = now_ns;
    c->mark[0].records = desk_durable(desk);
}

static bool engine_stands(const struct desk_canaries *c, int64_t engine, int64_t now_ns)
{
    uint64_t read = 0;
    if (engine < 0 || engine >= (int64_t)c->engines)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(c->mark) && !read; i++)
        read = c->mark[i].ns && now_ns - c->mark[i].ns >= HEARD_NS ? c->mark[i].records : 0;
    return now_ns - c->engine[engine].heard_ns > HEARD_NS || c->engine[engine].told.position < read;
}

static bool rule_is_off(const struct desk *desk)
{
    const struct rule_entry *entry = rule_entry_of(desk->rulebook, STR(CANARY_RULE));
    return !entry || entry->state != DESK_RULE_ACTIVE;
}

/* --- where it stops --- */

/* Of the part of the way before the archive; CANARY_FINE: not there. */
static enum canary_hop agent_hop(const struct late *late, int64_t now_ns, bool *ret_wait)
{
    *ret_wait = false;
    if (!late->connected)
        return CANARY_SILENT;
    if (late->told_ns < late->due_ns - late->every_s * SECOND_NS / 2) { /* what it said is of before */
        *ret_wait = now_ns < late->due_ns + PATIENT_NS;
        return *ret_wait ? CANARY_FINE : CANARY_SILENT;
    }
    if (!late->told_number || late->told_number == late->number)
        return CANARY_IDLE;
    return late->told_durable ? CANARY_FINE : CANARY_DELIVERY;
}

static enum canary_hop hop_of(const struct desk *desk, struct late *late, int64_t now_ns)
{
    const struct desk_canaries *c = desk->canaries;
    bool own = !late->agent.n, wait = false;
    enum canary_hop hop = own ? CANARY_FINE : agent_hop(late, now_ns, &wait);
    if (hop != CANARY_FINE || wait)
        return hop;
    if (rule_is_off(desk))
        return CANARY_RULE_OFF;
    late->engine = own ? late->lane : canary_engine_of(desk, late->agent);
    if (engine_stands(c, late->engine, now_ns))
        return CANARY_ENGINE;
    if (own && late->engine < (int64_t)CANARY_ENGINES &&
        c->engine[late->engine].told.own <= (uint64_t)(late->record + 1))
        return CANARY_COLLECTOR;
    return CANARY_HIT;
}

/* --- troubles --- */

static bool is_of_agent(enum canary_hop hop)
{
    return hop >= CANARY_SILENT;
}

static void trouble_words(struct buf *text, enum canary_hop hop, int64_t engine)
{
    static const char *const words[] = {
        [CANARY_RULE_OFF] = "the rule of canaries is switched off or not loaded",
        [CANARY_COLLECTOR] = "the service makes no canaries, or the archive does not take them",
        [CANARY_SILENT] = "the agent is silent",
        [CANARY_IDLE] = "the agent is connected and makes no canaries",
        [CANARY_DELIVERY] = "the agent's canary is still in its spool",
        [CANARY_CLOCK] = "a canary came before it was made: a clock is wrong",
    };
    if (hop == CANARY_ENGINE)
        buf_format(text, "engine %lld does not judge records", (long long)engine);
    else if (hop == CANARY_HIT)
        buf_format(text, "engine %lld has judged a canary, and its hit did not reach the desk", (long long)engine);
    else
        buf_text(text, words[hop] ? words[hop] : "");
}

static struct buf *trouble_record(struct desk *desk, const char *event, enum canary_hop hop, int64_t engine,
                                  const struct agent *agent, int64_t now_ns)
{
    struct buf *body = agent->id ? agent_record_begin(desk, event, agent, STR("qorgan"), now_ns)
                                 : desk_record_begin(desk, event, STR("qorgan"), now_ns);
    json_put_text(body, "hop", canary_hop_key(hop));
    if (!is_of_agent(hop))
        json_put_int(body, "engine", engine);
    return body;
}

void canary_trouble(struct desk *desk, enum canary_hop hop, int64_t engine, struct str uuid, int64_t now_ns)
{
    char storage[128];
    struct buf text;
    struct agent agent = {0};
    struct db_query q = db_query(desk->db, "INSERT INTO canary_trouble (hop, engine, agent, since_ns)"
                                           " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING");
    engine = hop == CANARY_ENGINE || hop == CANARY_HIT ? engine : 0;
    uuid = is_of_agent(hop) ? uuid : STR("");
    db_put_i64(&q, hop);
    db_put_i64(&q, engine);
    db_put_text(&q, uuid);
    db_put_i64(&q, now_ns);
    if (db_run(&q) <= 0)
        return;
    if (uuid.n && !agent_load(desk, uuid, &agent))
        return;
    buf_init_fixed(&text, storage, sizeof storage);
    trouble_words(&text, hop, engine);
    IGNORE(trouble_record(desk, "canary.late", hop, engine, &agent, now_ns) == NULL); /* it has all members */
    int64_t outgoing = desk_record_end(desk, 0, buf_view(&text));
    struct own_alarm alarm = {.trouble = is_of_agent(hop) ? CANARY_OF_AGENT : CANARY_LOST,
                              .object = agent.object,
                              .host = agent.host.n ? agent.host : agent.name,
                              .address = agent.address,
                              .text = buf_view(&text)};
    alarm.host = alarm.host.p ? alarm.host : STR("");
    alarm.address = alarm.address.p ? alarm.address : STR("");
    if (hop != CANARY_SILENT) /* agent.c tells of that */
        own_alarm_put(desk, &alarm, outgoing, now_ns);
}

struct trouble {
    int64_t hop, engine, since_ns;
    struct str agent;
};

static size_t over_find(struct desk *desk, struct trouble ret[TELL_MAX])
{
    size_t n = 0;
    struct db_query q = db_query(desk->db, "SELECT t.hop, t.engine, t.agent, t.since_ns FROM canary_trouble t WHERE NOT"
                                           " EXISTS (SELECT 1 FROM canary c WHERE c.hop = t.hop AND (t.agent = '' OR"
                                           " c.agent = t.agent) AND (t.hop NOT IN (?1, ?2) OR c.engine = t.engine))"
                                           " LIMIT 64");
    db_put_i64(&q, CANARY_ENGINE);
    db_put_i64(&q, CANARY_HIT);
    while (db_next(&q))
        if (n < TELL_MAX) {
            ret[n] = (struct trouble){.hop = db_i64(&q), .engine = db_i64(&q)};
            ret[n].agent = db_text_copy(&q, desk->scratch);
            ret[n++].since_ns = db_i64(&q);
        }
    return n;
}

static void over_tell(struct desk *desk, int64_t now_ns)
{
    struct trouble over[TELL_MAX];
    size_t n = over_find(desk, over);
    for (size_t i = 0; i < n && !db_failed(desk->db); i++) {
        struct agent agent = {0};
        struct db_query q = db_query(desk->db, "DELETE FROM canary_trouble WHERE hop = ?1 AND engine = ?2"
                                               " AND agent = ?3");
        db_put_i64(&q, over[i].hop);
        db_put_i64(&q, over[i].engine);
        db_put_text(&q, over[i].agent);
        db_run(&q);
        if (over[i].agent.n)
            IGNORE(!agent_load(desk, over[i].agent, &agent)); /* then its name is not told */
        struct buf *body =
            trouble_record(desk, "canary.calm", (enum canary_hop)over[i].hop, over[i].engine, &agent, now_ns);
        json_put_int(body, "since_ns", over[i].since_ns);
        IGNORE(desk_record_end(desk, 0, STR_NONE) == 0); /* its number is not asked for */
    }
}

/* --- looking --- */

static struct late late_read(struct desk *desk, struct db_query *q)
{
    struct late late = {.agent = db_text_copy(q, desk->scratch)};
    int64_t *const numbers[] = {&late.lane,    &late.engine, &late.number, &late.record,      &late.every_s,
                                &late.seen_ns, &late.due_ns, &late.hop,    &late.told_number, &late.told_ns};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i] = db_i64(q);
    late.told_durable = db_i64(q);
    late.connected = db_i64(q) >= 0;
    return late;
}

static size_t late_find(struct desk *desk, int64_t now_ns, struct late ret[AT_ONCE])
{
    size_t n = 0;
    struct db_query q = db_query(
        desk->db, "SELECT c.agent, c.lane, c.engine, c.number, c.record, c.every_s, c.seen_ns, c.due_ns, c.hop,"
                  " c.told_number, c.told_ns, c.told_durable, coalesce(a.intake, -1) FROM canary c"
                  " LEFT JOIN agent a ON a.uuid = c.agent AND a.state = 0 WHERE c.due_ns < ?1"
                  " AND (c.agent = '' OR a.id IS NOT NULL) ORDER BY c.checked_ns LIMIT ?2");
    db_put_i64(&q, now_ns);
    db_put_i64(&q, AT_ONCE);
    while (db_next(&q))
        if (n < AT_ONCE)
            ret[n++] = late_read(desk, &q);
    return n;
}

static void late_judge(struct desk *desk, struct late *late, int64_t now_ns)
{
    enum canary_hop hop = hop_of(desk, late, now_ns);
    struct db_query q = db_query(desk->db, "UPDATE canary SET checked_ns = ?3, hop = ?4, engine = ?5,"
                                           " hop_ns = CASE hop WHEN ?4 THEN hop_ns ELSE ?3 END"
                                           " WHERE agent = ?1 AND lane = ?2");
    db_put_text(&q, late->agent);
    db_put_i64(&q, late->lane);
    db_put_i64(&q, now_ns);
    db_put_i64(&q, hop);
    db_put_i64(&q, late->engine);
    db_run(&q);
    if (hop != CANARY_FINE && (int64_t)hop != late->hop)
        canary_trouble(desk, hop, late->engine, late->agent, now_ns);
}

static bool anything_waits(struct desk *desk, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "SELECT EXISTS (SELECT 1 FROM canary WHERE due_ns < ?1)"
                                           " OR EXISTS (SELECT 1 FROM canary_trouble)");
    db_put_i64(&q, now_ns);
    return db_one_i64(&q, 0) > 0;
}

enum rc desk_watch_canaries(struct desk *desk, int64_t now_ns, struct err *err)
{
    struct desk_canaries *c = desk->canaries;
    ASSERT(desk->magic == DESK_MAGIC);
    int64_t since_ns = now_ns - c->watched_ns;
    if ((since_ns >= 0 && since_ns < WATCH_NS) || desk->outgoing >= (int64_t)DESK_OUTGOING_MAX)
        return RC_OK;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    bool leapt = c->watched_ns && (since_ns < 0 || since_ns > LEAP_NS);
    if (leapt)
        canaries_open(desk, now_ns);
    else if (anything_waits(desk, now_ns)) {
        struct late *late = arena_alloc_raw(desk->scratch, AT_ONCE * sizeof *late);
        size_t n = late ? late_find(desk, now_ns, late) : 0;
        for (size_t i = 0; i < n && !db_failed(desk->db); i++)
            late_judge(desk, &late[i], now_ns);
        over_tell(desk, now_ns);
    }
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        return rc;
    c->watched_ns = now_ns;
    durable_mark(desk, now_ns);
    return RC_OK;
}
