/* agent.c - what agents say and what they are told: who may connect, who is connected, how each is.
 *
 *   token ──► enrolling ──► active ◄─ hello ─► connected ──(no contact)──► silent ──(heard)──► active
 *                             │
 *                             └── revoked: its connection is dropped, it never comes back
 *
 * A copy of an agent is known by what cannot come back: the id of a boot that another followed, a spool that another
 * took the place of, or another spool while the agent is connected. The newcomer is refused as long as the other is
 * connected; nobody can say which of them is the right one, so the incident asks a person to enrol both anew. */
#include "desk/agent.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/utf8.h"
#include "desk/canary_inside.h"
#include "desk/own_alarm.h"
#include "desk/time_source.h"

#include <string.h>

#define WATCH_NS       (10 * SECOND_NS)
#define WATCH_AT_ONCE  64
#define SILENT_S       300
#define TOLD_NS        (60 * SECOND_NS) /* coming and going of one agent is recorded at most so often */
#define REFUSED_NS     (10 * MINUTE_S * SECOND_NS)
#define SEEN_LATE_NS   (60 * SECOND_NS) /* the archive's size comes here about once a second */
#define SEEN_MAX       10000
#define FORMER_MAX     8 /* spools and boots that are remembered of an agent */
#define OUT_HEAD       17u
#define SAY_MAX        ((size_t)200 << 10) /* bytes of one answer */
#define DEPTH          16u
#define REASON_BUSY    1u /* wire/delivery.h, enum delivery_reason, as the next */
#define REASON_UNKNOWN 2u
#define REASON_REVOKED 3u
#define REASON_EXPIRED 4u
#define REASON_COPIED  5u
#define REASON_BROKEN  6u

/* ---- the queue of what goes out ---- */

bool agents_new(struct desk *desk, const struct desk_options *options, int64_t now_ns)
{
    struct desk_agents *agents = memory_new(sizeof *agents);
    desk->agents = agents;
    if (!agents)
        return false;
    buf_init(&agents->out, DESK_AGENT_OUT_MAX);
    buf_init(&agents->say, SAY_MAX);
    agents->silent_ns = (options->agent_silent_s ? options->agent_silent_s : SILENT_S) * SECOND_NS;
    agents->opened_ns = now_ns;
    agents->unsigned_wait = agents->untold_wait = true; /* until it was looked */
    agents->authority = arena_str(desk->arena, options->agent_authority);
    agents->servers = arena_str(desk->arena, options->agent_servers);
    agents->origin = arena_str(desk->arena, options->origin);
    agents->policy_check = options->policy_check;
    return agents->authority.p && agents->servers.p && agents->origin.p &&
           str_copy_z(options->agent_digest, agents->digest, sizeof agents->digest);
}

void agents_open(struct desk *desk)
{
    db_run_i64(desk->db, "UPDATE agent SET intake = -1 WHERE intake >= ?1", 0); /* intakes say again who is there */
}

void agents_free(struct desk *desk)
{
    if (!desk->agents)
        return;
    buf_done(&desk->agents->out);
    buf_done(&desk->agents->say);
    memory_free(desk->agents);
    desk->agents = NULL;
}

void agents_settle(struct desk *desk, bool held)
{
    struct desk_agents *agents = desk->agents;
    if (held)
        agents->settled = agents->out.n;
    else
        agents->out.n = agents->settled;
}

void agent_order(struct desk *desk, enum desk_agent_order order, struct desk_agent_link to, uint64_t id,
                 struct str text)
{
    struct buf *out = &desk->agents->out;
    if (text.n > UINT32_MAX || out->limit - out->n < OUT_HEAD + text.n) {
        db_fail(desk->db, RC_LIMIT, "too much waits to be said to agents");
        return;
    }
    buf_u8(out, (uint8_t)order);
    buf_be32(out, to.intake);
    buf_be64(out, order == DESK_AGENT_SAY ? to.connection : id);
    buf_be32(out, (uint32_t)text.n);
    buf_str(out, text);
    if (out->overflow) { /* without memory: what was whole before stays */
        out->overflow = false;
        db_fail(desk->db, RC_LIMIT, "no memory for what is said to agents");
    }
}

bool desk_agents_take(struct desk *desk, struct desk_agent_out *ret_out)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct desk_agents *agents = desk->agents;
    if (agents->taken == agents->settled) {
        buf_clear(&agents->out);
        agents->taken = agents->settled = 0;
        return false;
    }
    struct reader reader = reader_of(str_at(agents->out.p + agents->taken, agents->settled - agents->taken));
    *ret_out = (struct desk_agent_out){.order = (enum desk_agent_order)read_u8(&reader)};
    ret_out->to.intake = read_be32(&reader);
    ret_out->to.connection = ret_out->id = read_be64(&reader);
    ret_out->text = read_bytes(&reader, read_be32(&reader));
    ASSERT(!reader.failed);
    agents->taken += reader.at;
    return true;
}

struct buf *agent_say_begin(struct desk *desk, const char *word)
{
    struct buf *say = &desk->agents->say;
    buf_clear(say);
    json_write_object(say);
    json_put_text(say, "say", word);
    return say;
}

void agent_say_end(struct desk *desk, struct desk_agent_link to)
{
    struct buf *say = &desk->agents->say;
    json_write_object_end(say);
    if (say->overflow) {
        say->overflow = false;
        db_fail(desk->db, RC_LIMIT, "what is to be said to an agent is too long");
    }
    agent_order(desk, DESK_AGENT_SAY, to, 0, buf_view(say));
}

void agent_refuse(struct desk *desk, struct desk_agent_link to, unsigned reason, const char *text)
{
    struct buf *say = agent_say_begin(desk, "refused");
    json_put_u64(say, "reason", reason);
    json_put_text(say, "text", text);
    agent_say_end(desk, to);
}

struct desk_agent_link agent_link(const struct agent *agent)
{
    ASSERT(agent->intake >= 0);
    return (struct desk_agent_link){(uint32_t)agent->intake, (uint64_t)agent->connection};
}

/* ---- rows and records ---- */

bool agent_load(struct desk *desk, struct str uuid, struct agent *ret_agent)
{
    struct arena *arena = desk->scratch;
    struct db_query q = db_query(
        desk->db, "SELECT id, uuid, name, grp, serial, key, host, address, relay, program, spool, spools,"
                  " boot, boots, object, state, until_ns, heard_ns, intake, connection, told, told_ns, left_ns,"
                  " silent, contradicts FROM agent WHERE uuid = ?1");
    db_put_text(&q, uuid);
    bool found = db_next(&q);
    *ret_agent = (struct agent){0};
    if (found) {
        struct str *const texts[] = {&ret_agent->uuid,    &ret_agent->name,  &ret_agent->group,   &ret_agent->serial,
                                     &ret_agent->key,     &ret_agent->host,  &ret_agent->address, &ret_agent->relay,
                                     &ret_agent->program, &ret_agent->spool, &ret_agent->spools,  &ret_agent->boot,
                                     &ret_agent->boots};
        int64_t *const numbers[] = {&ret_agent->object,   &ret_agent->state,   &ret_agent->until_ns,
                                    &ret_agent->heard_ns, &ret_agent->intake,  &ret_agent->connection,
                                    &ret_agent->told,     &ret_agent->told_ns, &ret_agent->left_ns};
        ret_agent->id = db_i64(&q);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            *texts[i] = db_text_copy(&q, arena);
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            *numbers[i] = db_i64(&q);
        ret_agent->silent = db_i64(&q);
        ret_agent->doubt = db_i64(&q);
    }
    db_query_end(&q);
    return found;
}

struct buf *agent_record_begin(struct desk *desk, const char *event, const struct agent *agent, struct str who,
                               int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, event, who, now_ns);
    json_put_str(body, "agent", agent->uuid);
    json_put_str(body, "name", agent->name);
    json_put_str(body, "group", agent->group);
    json_put_str(body, "host", agent->host);
    json_put_str(body, "address", agent->address);
    if (agent->relay.n)
        json_put_str(body, "relay", agent->relay);
    return body;
}

static void trouble_tell(struct desk *desk, const struct agent *agent, const char *event, enum own_trouble trouble,
                         struct str text, int64_t now_ns)
{
    struct own_alarm alarm = {.trouble = trouble,
                              .object = agent->object,
                              .host = agent->host.n ? agent->host : agent->name,
                              .address = agent->address,
                              .text = text};
    IGNORE(agent_record_begin(desk, event, agent, STR("qorgan"), now_ns) == NULL); /* it has all members */
    own_alarm_put(desk, &alarm, desk_record_end(desk, 0, text), now_ns);
}

/* ---- hearing ---- */

struct str hearing_str(const struct hearing *hearing, const char *name)
{
    struct str text = json_str(json_get(hearing->word, name), STR(""));
    return desk_one_line(text) ? text : STR("");
}

int64_t hearing_int(const struct hearing *hearing, const char *name)
{
    return MAX(json_int(json_get(hearing->word, name), 0), 0);
}

/* What is said at the beginning of a connection. */
struct visit {
    struct str serial, address, relay, host, program, spool, boot, seen_root;
    int64_t until_ns, seen_size;
};

static struct visit visit_read(const struct hearing *h)
{
    int64_t until_s = hearing_int(h, "until");
    return (struct visit){
        .serial = desk_cut(hearing_str(h, "serial"), DESK_FIELD_MAX),
        .address = desk_cut(hearing_str(h, "address"), DESK_FIELD_MAX),
        .relay = desk_cut(hearing_str(h, "relay"), DESK_FIELD_MAX),
        .host = desk_cut(hearing_str(h, "host"), DESK_FIELD_MAX),
        .program = desk_cut(hearing_str(h, "program"), DESK_FIELD_MAX),
        .spool = desk_cut(hearing_str(h, "spool"), AGENT_NAME_MAX),
        .boot = desk_cut(hearing_str(h, "boot"), AGENT_NAME_MAX),
        .seen_root = desk_cut(hearing_str(h, "seen_root"), AGENT_NAME_MAX),
        .until_ns = MIN(until_s, INT64_MAX / SECOND_NS) * SECOND_NS,
        .seen_size = hearing_int(h, "seen_size"),
    };
}

static bool former_has(struct str former, struct str value)
{
    while (former.p && former.n)
        if (str_eq(str_cut(&former, ' '), value))
            return true;
    return false;
}

/* The former values with one more, the oldest given up. */
static struct str former_add(struct desk *desk, struct str former, struct str value)
{
    struct buf text CLEANUP(buf_done) = {0};
    size_t count = 0;
    if (!value.n || former_has(former, value))
        return former;
    for (struct str rest = former; rest.p && rest.n;) {
        str_cut(&rest, ' ');
        count++;
    }
    if (count >= FORMER_MAX)
        str_cut(&former, ' ');
    buf_init(&text, (FORMER_MAX + 1) * (AGENT_NAME_MAX + 1));
    buf_str(&text, former);
    if (former.n)
        buf_char(&text, ' ');
    buf_str(&text, value);
    struct str copy = arena_str(desk->scratch, buf_view(&text));
    if (!copy.p)
        db_fail(desk->db, RC_LIMIT, "no memory for what was known of an agent");
    return copy;
}

/* What of it cannot be, unless there are two; empty: nothing. */
static struct str copy_of(const struct agent *agent, const struct visit *visit)
{
    bool connected = agent->intake >= 0;
    if (former_has(agent->boots, visit->boot) && !str_eq(agent->boot, visit->boot))
        return STR(
            "the agent came from a machine whose present start is older than that of another which it came from");
    if (former_has(agent->spools, visit->spool) && !str_eq(agent->spool, visit->spool))
        return STR("the agent came with a spool that another has taken the place of");
    if (connected && agent->spool.n && !str_eq(agent->spool, visit->spool))
        return STR("the agent is connected, and came a second time with another spool");
    return STR("");
}

static void doubt_set(struct desk *desk, struct agent *agent, enum agent_doubt doubt)
{
    struct db_query q = db_query(desk->db, "UPDATE agent SET contradicts = ?2 WHERE id = ?1");
    agent->doubt = doubt;
    db_put_i64(&q, agent->id);
    db_put_i64(&q, doubt);
    db_run(&q);
}

/* Told once. Evidence that is found here outweighs the agent's own word, which it may take back. */
static void contradiction(struct desk *desk, struct agent *agent, enum agent_doubt doubt, struct str text,
                          int64_t now_ns)
{
    bool news = agent->doubt == AGENT_TRUSTS;
    if (!news && (agent->doubt == AGENT_DOUBT_FOUND || doubt == AGENT_DOUBT_TOLD))
        return;
    doubt_set(desk, agent, doubt);
    if (news)
        trouble_tell(desk, agent, "agent.contradicts", AGENT_CONTRADICTS, text, now_ns);
}

/* The agent says no more that it does not trust the archive. */
static void trusts_again(struct hearing *h, struct agent *agent)
{
    if (agent->doubt != AGENT_DOUBT_TOLD)
        return;
    doubt_set(h->desk, agent, AGENT_TRUSTS);
    IGNORE(agent_record_begin(h->desk, "agent.trusts", agent, STR("qorgan"), h->now_ns) == NULL); /* all is in it */
    desk_record_end(h->desk, 0, STR_NONE);
}

/* Two roots of one size cannot be of one archive. */
static void seen_check(struct hearing *h, struct agent *agent, const struct visit *visit)
{
    struct desk *desk = h->desk;
    char storage[320];
    struct buf text;
    if (visit->seen_size <= 0 || !visit->seen_root.n)
        return;
    struct db_query q = db_query(desk->db, "SELECT s.root, coalesce(a.name, '') FROM agent_seen s"
                                           " LEFT JOIN agent a ON a.id = s.agent WHERE s.size = ?1");
    db_put_i64(&q, visit->seen_size);
    bool known = db_next(&q);
    struct str root = known ? db_text_copy(&q, desk->scratch) : STR("");
    struct str other = known ? db_text_copy(&q, desk->scratch) : STR("");
    db_query_end(&q);
    if (known && !str_eq(root, visit->seen_root)) {
        buf_init_fixed(&text, storage, sizeof storage);
        buf_format(&text, "of %lld records it has seen another root than %.*s", (long long)visit->seen_size,
                   STR_ARG(other.n ? other : STR("another agent")));
        contradiction(desk, agent, AGENT_DOUBT_FOUND, buf_view(&text), h->now_ns);
        return;
    }
    q = db_query(desk->db, "INSERT INTO agent_seen (size, root, agent) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
    db_put_i64(&q, visit->seen_size);
    db_put_text(&q, visit->seen_root);
    db_put_i64(&q, agent->id);
    db_run(&q);
}

static void heard_again(struct hearing *h, struct agent *agent)
{
    if (!agent->silent)
        return;
    agent->silent = false;
    db_run_i64(h->desk->db, "UPDATE agent SET silent = 0 WHERE id = ?1", agent->id);
    IGNORE(agent_record_begin(h->desk, "agent.heard", agent, STR("qorgan"), h->now_ns) == NULL); /* all is in it */
    desk_record_end(h->desk, 0, STR_NONE);
}

/* Of somebody who is not in the table, anybody could make many. */
static void refusal_tell(struct hearing *h, struct str uuid, const char *why)
{
    struct desk_agents *agents = h->desk->agents;
    bool soon = agents->refused_ns && h->now_ns >= agents->refused_ns && h->now_ns - agents->refused_ns < REFUSED_NS;
    if (soon) {
        agents->refused++;
        return;
    }
    struct buf *body = desk_record_begin(h->desk, "agent.refused", STR("qorgan"), h->now_ns);
    json_put_str(body, "agent", desk_cut(uuid, AGENT_NAME_MAX));
    json_put_str(body, "host", desk_cut(hearing_str(h, "host"), DESK_FIELD_MAX));
    json_put_str(body, "address", desk_cut(hearing_str(h, "address"), DESK_FIELD_MAX));
    json_put_text(body, "reason", why);
    json_put_int(body, "further", agents->refused);
    desk_record_end(h->desk, 0, STR_NONE);
    agents->refused = 0;
    agents->refused_ns = h->now_ns;
}

static bool hello_refuse(struct hearing *h, struct str uuid, unsigned reason, const char *text)
{
    refusal_tell(h, uuid, text);
    agent_refuse(h->desk, h->from, reason, text);
    return false;
}

static bool hello_may(struct hearing *h, struct str uuid, const struct visit *visit, struct agent *ret_agent)
{
    if (!agent_load(h->desk, uuid, ret_agent))
        return hello_refuse(h, uuid, REASON_UNKNOWN, "no such agent was enrolled here");
    if (ret_agent->state == AGENT_REVOKED)
        return hello_refuse(h, uuid, REASON_REVOKED, "the agent was revoked");
    if (visit->until_ns < h->now_ns)
        return hello_refuse(h, uuid, REASON_EXPIRED, "the agent's certificate has expired");
    return true;
}

static void arrival_tell(struct hearing *h, const struct agent *was, const struct visit *visit)
{
    struct desk *desk = h->desk;
    struct agent agent = *was;
    agent.host = visit->host;
    agent.address = visit->address;
    agent.relay = visit->relay;
    if (was->spool.n && !str_eq(was->spool, visit->spool)) {
        struct buf *body = agent_record_begin(desk, "agent.spool-changed", &agent, STR("qorgan"), h->now_ns);
        json_put_str(body, "spool", visit->spool);
        json_put_str(body, "was", was->spool);
        desk_record_end(desk, 0, STR_NONE);
    }
    bool same = str_eq(was->host, visit->host) && str_eq(was->address, visit->address) &&
                str_eq(was->relay, visit->relay) && str_eq(was->program, visit->program) &&
                str_eq(was->boot, visit->boot);
    if (same && h->now_ns - was->told_ns < TOLD_NS && h->now_ns >= was->told_ns)
        return;
    struct buf *body = agent_record_begin(desk, "agent.connected", &agent, STR("qorgan"), h->now_ns);
    json_put_str(body, "program", visit->program);
    json_put_str(body, "serial", visit->serial);
    json_put_int(body, "until_ns", visit->until_ns);
    json_put_str(body, "spool", visit->spool);
    json_put_str(body, "boot", visit->boot);
    desk_record_end(desk, 0, STR_NONE);
    db_run_i64(desk->db, "UPDATE agent SET told_ns = connected_ns WHERE id = ?1", was->id);
}

static void arrival_store(struct hearing *h, const struct agent *agent, const struct visit *visit, int64_t policy)
{
    struct desk *desk = h->desk;
    bool other_spool = !str_eq(agent->spool, visit->spool);
    bool other_boot = !str_eq(agent->boot, visit->boot);
    struct db_query q = db_query(
        desk->db, "UPDATE agent SET serial = ?2, until_ns = ?3, address = ?4, host = ?5, program = ?6, spool = ?7,"
                  " spools = ?8, boot = ?9, boots = ?10, intake = ?11, connection = ?12, connected_ns = ?13,"
                  " heard_ns = ?13, told = ?14, seen_size = ?15, seen_ns = ?13, relay = ?16 WHERE id = ?1");
    db_put_i64(&q, agent->id);
    db_put_text(&q, visit->serial);
    db_put_i64(&q, visit->until_ns);
    db_put_text(&q, visit->address);
    db_put_text(&q, visit->host);
    db_put_text(&q, visit->program);
    db_put_text(&q, visit->spool);
    db_put_text(&q, other_spool ? former_add(desk, agent->spools, agent->spool) : agent->spools);
    db_put_text(&q, visit->boot);
    db_put_text(&q, other_boot ? former_add(desk, agent->boots, agent->boot) : agent->boots);
    db_put_i64(&q, h->from.intake);
    db_put_i64(&q, (int64_t)h->from.connection);
    db_put_i64(&q, h->now_ns);
    db_put_i64(&q, policy);
    db_put_i64(&q, visit->seen_size);
    db_put_text(&q, visit->relay);
    db_run(&q);
}

static void on_hello(struct hearing *h)
{
    struct desk *desk = h->desk;
    struct str uuid = hearing_str(h, "agent");
    struct visit visit = visit_read(h);
    struct agent agent;
    struct str note = STR("");
    if (!hello_may(h, uuid, &visit, &agent))
        return;
    bool again = agent.intake == h->from.intake && agent.connection == (int64_t)h->from.connection;
    struct str copied = again ? STR("") : copy_of(&agent, &visit);
    if (copied.n) {
        agent.address = visit.address;
        agent.relay = visit.relay;
        agent.host = visit.host;
        trouble_tell(desk, &agent, "agent.copied", AGENT_COPIED, copied, h->now_ns);
    }
    if (copied.n && agent.intake >= 0) {
        agent_refuse(desk, h->from, REASON_COPIED, "the same agent is connected from elsewhere: enrol both anew");
        return;
    }
    if (agent.intake >= 0 && !again)
        agent_refuse(desk, agent_link(&agent), REASON_BUSY, "a newer connection of this agent took the place");
    seen_check(h, &agent, &visit);
    heard_again(h, &agent);
    int64_t policy = agent_policy_now(desk, agent.group, &note);
    arrival_store(h, &agent, &visit, policy);
    arrival_tell(h, &agent, &visit);
    struct buf *say = agent_say_begin(desk, "welcome");
    json_put_str(say, "name", agent.name);
    json_put_int(say, "policy", policy);
    json_put_str(say, "note", note);
    agent_say_end(desk, h->from);
}

/* Of the connection that says it: one that was replaced says nothing any more. */
static bool speaker_load(struct hearing *h, struct agent *ret_agent)
{
    return agent_load(h->desk, hearing_str(h, "agent"), ret_agent) && ret_agent->intake == h->from.intake &&
           ret_agent->connection == (int64_t)h->from.connection;
}

static void status_store(struct hearing *h, const struct agent *agent, const struct json_value *status)
{
    struct db_query q =
        db_query(h->desk->db, "UPDATE agent SET heard_ns = ?2, offset_us = ?3, error_us = ?4, records = ?5, bytes = ?6,"
                              " status = CASE ?7 WHEN '' THEN status ELSE ?7 END,"
                              " policy = CASE ?7 WHEN '' THEN policy ELSE ?8 END,"
                              " used = CASE ?7 WHEN '' THEN used ELSE ?9 END,"
                              " room = CASE ?7 WHEN '' THEN room ELSE ?10 END WHERE id = ?1");
    bool told = status && status->kind == JSON_OBJECT && status->text.n <= AGENT_STATUS_MAX && utf8_valid(status->text);
    struct str text = told ? status->text : STR("");
    db_put_i64(&q, agent->id);
    db_put_i64(&q, h->now_ns);
    db_put_i64(&q, json_int(json_get(h->word, "offset_us"), 0));
    db_put_i64(&q, hearing_int(h, "error_us"));
    db_put_i64(&q, hearing_int(h, "records"));
    db_put_i64(&q, hearing_int(h, "bytes"));
    db_put_text(&q, text);
    db_put_i64(&q, MAX(json_int(json_get(status, "policy"), 0), 0));
    db_put_i64(&q, MAX(json_int(json_get(status, "spool_bytes"), 0), 0));
    db_put_i64(&q, MAX(json_int(json_get(status, "spool_limit"), 0), 0));
    db_run(&q);
}

static void on_status(struct hearing *h)
{
    struct agent agent;
    const struct json_value *status = json_get(h->word, "status");
    if (!speaker_load(h, &agent))
        return;
    heard_again(h, &agent);
    status_store(h, &agent, status);
    canary_status(h->desk, agent.uuid, status, h->now_ns);
    time_said(h->desk, agent.uuid, json_get(status, "time"), h->now_ns);
    struct str trouble = json_str(json_get(status, "trouble"), STR(""));
    if (trouble.n)
        contradiction(h->desk, &agent, AGENT_DOUBT_TOLD,
                      desk_one_line(trouble) ? desk_cut(trouble, DESK_FIELD_MAX) : STR("trouble"), h->now_ns);
    else if (status && status->kind == JSON_OBJECT)
        trusts_again(h, &agent);
}

static void on_closed(struct hearing *h)
{
    struct agent agent;
    if (!speaker_load(h, &agent))
        return;
    struct db_query q = db_query(h->desk->db, "UPDATE agent SET intake = -1, heard_ns = ?2 WHERE id = ?1");
    db_put_i64(&q, agent.id);
    db_put_i64(&q, h->now_ns);
    db_run(&q);
    if (h->now_ns - agent.left_ns < TOLD_NS && h->now_ns >= agent.left_ns)
        return;
    IGNORE(agent_record_begin(h->desk, "agent.disconnected", &agent, STR("qorgan"), h->now_ns) == NULL); /* as above */
    desk_record_end(h->desk, 0, desk_cut(hearing_str(h, "why"), DESK_FIELD_MAX));
    q = db_query(h->desk->db, "UPDATE agent SET left_ns = ?2 WHERE id = ?1");
    db_put_i64(&q, agent.id);
    db_put_i64(&q, h->now_ns);
    db_run(&q);
}

static const struct {
    const char *ask;
    void (*hear)(struct hearing *hearing);
} hearings[] = {
    {"hello", on_hello},   {"enrol", agent_on_enrol}, {"renew", agent_on_renew},
    {"status", on_status}, {"closed", on_closed},
};

/* What does not read is the intake's fault: the connection is refused, so that it is seen. */
static void word_hear(struct hearing *h, struct str text)
{
    struct json_value *value = NULL;
    struct err why;
    if (json_parse(h->desk->scratch, text, DEPTH, &value, &why) == RC_OK && value->kind == JSON_OBJECT) {
        h->word = value;
        struct str ask = json_str(json_get(value, "ask"), STR(""));
        for (size_t i = 0; i < ARRAY_LEN(hearings); i++)
            if (str_is(ask, hearings[i].ask)) {
                hearings[i].hear(h);
                return;
            }
    }
    agent_refuse(h->desk, h->from, REASON_BROKEN, "the desk does not understand what was said");
}

enum rc desk_agents_hear(struct desk *desk, const struct desk_agent_word *words, size_t count, int64_t now_ns,
                         struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    if (desk->outgoing >= (int64_t)DESK_OUTGOING_MAX)
        return err_set(err, RC_AGAIN, "%lld records wait for the archive", (long long)desk->outgoing);
    uint64_t last_id = desk->agents->last_id;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < count && !db_failed(desk->db); i++) {
        struct hearing hearing = {.desk = desk, .from = words[i].from, .now_ns = now_ns};
        arena_reset(desk->scratch);
        word_hear(&hearing, words[i].text);
    }
    rc = desk_end(desk, true, err);
    for (size_t i = 0; i < AGENT_PENDING_MAX && rc != RC_OK; i++)
        if (desk->agents->pending[i].id > last_id)
            desk->agents->pending[i].id = 0; /* the signer was not asked */
    return rc;
}

enum rc desk_agents_intake_down(struct desk *desk, uint32_t intake, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    for (size_t i = 0; i < AGENT_PENDING_MAX; i++)
        if (desk->agents->pending[i].link.intake == intake)
            desk->agents->pending[i].id = 0;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    db_run_i64(desk->db, "UPDATE agent SET intake = -1 WHERE intake = ?1", intake);
    return desk_end(desk, true, err);
}

/* ---- watching ---- */

/* Each is told once: the mark is set with the record. */
static size_t marked_find(struct desk *desk, struct db_query *q, struct str ret_uuids[WATCH_AT_ONCE])
{
    size_t count = 0;
    while (count < WATCH_AT_ONCE && db_next(q))
        ret_uuids[count++] = db_text_copy(q, desk->scratch);
    db_query_end(q);
    return count;
}

static void silence_watch(struct desk *desk, int64_t now_ns)
{
    struct str uuids[WATCH_AT_ONCE];
    struct agent agent;
    struct desk_agents *agents = desk->agents;
    if (now_ns - agents->opened_ns < agents->silent_ns)
        return;
    struct db_query q = db_query(desk->db, "SELECT uuid FROM agent WHERE state = 0 AND silent = 0 AND heard_ns < ?1"
                                           " AND serial <> '' ORDER BY heard_ns");
    db_put_i64(&q, now_ns - agents->silent_ns);
    size_t count = marked_find(desk, &q, uuids);
    for (size_t i = 0; i < count && agent_load(desk, uuids[i], &agent); i++) {
        char storage[CIVIL_TEXT_MAX + 32];
        char time[CIVIL_TEXT_MAX];
        struct buf text;
        buf_init_fixed(&text, storage, sizeof storage);
        civil_format(agent.heard_ns, 0, 0, time);
        buf_format(&text, "the agent was heard last at %s", time);
        db_run_i64(desk->db, "UPDATE agent SET silent = 1 WHERE id = ?1", agent.id);
        trouble_tell(desk, &agent, "agent.silent", AGENT_SILENT, buf_view(&text), now_ns);
    }
}

/* Who has seen more than there is now has seen another archive, or this one before records were taken away. */
static void seen_watch(struct desk *desk, int64_t size, int64_t now_ns)
{
    struct str uuids[WATCH_AT_ONCE];
    struct agent agent;
    if (size <= 0)
        return;
    struct db_query q = db_query(desk->db, "SELECT uuid FROM agent WHERE contradicts = 0 AND seen_size > ?1"
                                           " AND seen_ns < ?2 ORDER BY id");
    db_put_i64(&q, size);
    db_put_i64(&q, now_ns - SEEN_LATE_NS);
    size_t count = marked_find(desk, &q, uuids);
    for (size_t i = 0; i < count && agent_load(desk, uuids[i], &agent); i++) {
        char storage[128];
        struct buf text;
        buf_init_fixed(&text, storage, sizeof storage);
        buf_format(&text, "it has seen more records than the %lld that the archive has", (long long)size);
        contradiction(desk, &agent, AGENT_DOUBT_FOUND, buf_view(&text), now_ns);
    }
}

enum rc desk_agents_watch(struct desk *desk, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct desk_agents *agents = desk->agents;
    bool look = now_ns - agents->watched_ns >= WATCH_NS || now_ns < agents->watched_ns;
    if (!look && !agent_policies_due(desk, now_ns))
        return RC_OK;
    if (desk->outgoing >= (int64_t)DESK_OUTGOING_MAX)
        return RC_OK;
    bool unsigned_wait = agents->unsigned_wait, untold_wait = agents->untold_wait;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    agent_policies_watch(desk, now_ns);
    if (look) {
        silence_watch(desk, now_ns);
        seen_watch(desk, desk_archive_size(desk), now_ns);
    }
    rc = desk_end(desk, true, err);
    if (rc == RC_OK && look)
        agents->watched_ns = now_ns;
    if (rc != RC_OK) {
        agents->unsigned_wait = unsigned_wait;
        agents->untold_wait = untold_wait;
    }
    return rc;
}

void agents_clean(struct desk *desk, int64_t now_ns)
{
    agent_tokens_clean(desk, now_ns);
    db_run_i64(desk->db,
               "DELETE FROM agent_seen WHERE size < (SELECT min(size) FROM (SELECT size FROM agent_seen"
               " ORDER BY size DESC LIMIT ?1))",
               SEEN_MAX);
}
