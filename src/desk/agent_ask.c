/* agent_ask.c - what people ask about agents and do with them. Every act is a record. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/agent.h"
#include "desk/canary_inside.h"
#include "desk/time_source.h"

#include <string.h>

#define LIST_DEFAULT   100
#define LIST_MAX       500
#define TOKENS_SHOWN   100
#define SECRET_SIZE    16u /* bytes: wire/delivery.h, DELIVERY_SECRET_SIZE */
#define REASON_REVOKED 3u

static bool reason_read(struct ask *ask, struct str *ret_reason)
{
    *ret_reason = str_trim(ask_str(ask, "reason"));
    if (ret_reason->n < AGENT_REASON_MIN || ret_reason->n > DESK_TEXT_MAX)
        ask_invalid(ask, "reason", "say in a few words why");
    return !ask->error;
}

/* The object, the default one when none is named. */
static bool object_read(struct ask *ask, int64_t otherwise, int64_t *ret_object)
{
    *ret_object = json_get(ask->question, "object") ? ask_int(ask, "object") : otherwise;
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM object WHERE id = ?1");
    db_put_i64(&q, *ret_object);
    if (db_one_i64(&q, 0) == 0)
        ask_invalid(ask, "object", "there is no such object");
    return !ask->error;
}

static bool name_read(struct ask *ask, const char *member, struct str otherwise, struct str *ret_name)
{
    *ret_name = json_get(ask->question, member) ? str_trim(ask_str(ask, member)) : otherwise;
    if (!agent_name_valid(*ret_name))
        ask_invalid(ask, member, "a name has 1 to 64 bytes, one line, and no colon");
    return !ask->error;
}

/* ---- tokens ---- */

static bool token_may(struct ask *ask)
{
    if (!ask->desk->agents->digest[0]) {
        ask_refuse(ask, "agents_off", "agents are off: agent-port is 0");
        return false;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM agent_token WHERE used_ns = 0 AND until_ns > ?1");
    db_put_i64(&q, ask->now_ns);
    if (db_one_i64(&q, 0) >= (int64_t)DESK_AGENT_TOKENS_MAX)
        ask_refuse(ask, "too_large", "1,000 tokens wait for their agents already");
    return !ask->error;
}

/* HOST:PORT with commas: what an agent can read out of a token again. */
static bool servers_valid(struct str servers)
{
    for (size_t i = 0; i < servers.n; i++)
        if (!char_is_alnum(servers.p[i]) && !memchr(":,-._[]", servers.p[i], 7))
            return false;
    return servers.n > 0 && servers.n <= DESK_NAME_MAX;
}

static void token_store(struct ask *ask, struct str digest, struct str name, struct str group, int64_t object)
{
    int64_t until_ns = ask->now_ns + DESK_AGENT_TOKEN_S * SECOND_NS;
    struct db_query q =
        db_query(ask->desk->db, "INSERT INTO agent_token (digest, name, grp, object, who, made_ns, until_ns, used_ns,"
                                " agent, reused) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0)");
    db_put_text(&q, digest);
    db_put_text(&q, name);
    db_put_text(&q, group);
    db_put_i64(&q, object);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, until_ns);
    db_run(&q);
    int64_t id = db_last_id(ask->desk->db);
    struct buf *body = desk_record_begin(ask->desk, "agent.token", ask->who, ask->now_ns);
    json_put_int(body, "token", id);
    json_put_str(body, "name", name);
    json_put_str(body, "group", group);
    json_put_int(body, "object_id", object);
    json_put_int(body, "until_ns", until_ns);
    desk_record_end(ask->desk, 0, STR_NONE);
    json_put_int(ask->out, "id", id);
    json_put_int(ask->out, "until_ns", until_ns);
}

void ask_agent_token(struct ask *ask)
{
    struct desk *desk = ask->desk;
    uint8_t secret[SECRET_SIZE];
    char digest[AGENT_DIGEST + 1];
    char storage[512];
    struct buf token;
    struct str group, name = str_trim(ask_str(ask, "name"));
    int64_t object;
    if (!token_may(ask) || !name_read(ask, "group", STR("default"), &group) ||
        !object_read(ask, object_default(desk, STR("")), &object))
        return;
    struct str servers = ask_str(ask, "servers").n ? str_trim(ask_str(ask, "servers")) : desk->agents->servers;
    if (name.n && !agent_name_valid(name))
        ask_invalid(ask, "name", "a name has at most 64 bytes, one line, and no colon");
    if (!servers_valid(servers))
        ask_invalid(ask, "servers", "servers are HOST:PORT, separated by commas");
    if (ask->error)
        return;
    desk->random(secret, sizeof secret);
    token_store(ask, agent_digest(desk, str_at(secret, sizeof secret), digest), name, group, object);
    buf_init_fixed(&token, storage, sizeof storage);
    buf_text(&token, "qorgan1.");
    buf_str(&token, servers);
    buf_format(&token, ".%s.", desk->agents->digest);
    buf_hex(&token, secret, sizeof secret);
    json_put_str(ask->out, "token", buf_view(&token));
    secret[0] = 0;
}

void ask_agent_token_end(struct ask *ask)
{
    int64_t id = ask_int(ask, "id");
    struct db_query q = db_query(ask->desk->db, "DELETE FROM agent_token WHERE id = ?1 AND used_ns = 0");
    db_put_i64(&q, id);
    if (db_run(&q) == 0) {
        ask_refuse(ask, "not_found", "no such token waits for its agent");
        return;
    }
    struct buf *body = desk_record_begin(ask->desk, "agent.token-ended", ask->who, ask->now_ns);
    json_put_int(body, "token", id);
    desk_record_end(ask->desk, 0, STR_NONE);
}

static void tokens_put(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT t.id, t.name, t.grp, o.name, t.who, t.made_ns, t.until_ns FROM agent_token t"
                                " JOIN object o ON o.id = t.object WHERE t.used_ns = 0 AND t.until_ns > ?1"
                                " ORDER BY t.id DESC LIMIT ?2");
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, TOKENS_SHOWN);
    json_write_key(ask->out, "tokens");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "id", db_i64(&q));
        json_put_str(ask->out, "name", db_text(&q));
        json_put_str(ask->out, "group", db_text(&q));
        json_put_str(ask->out, "object", db_text(&q));
        json_put_str(ask->out, "who", db_text(&q));
        json_put_int(ask->out, "made_ns", db_i64(&q));
        json_put_int(ask->out, "until_ns", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* ---- acts ---- */

void ask_agent_revoke(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct agent agent;
    struct str reason;
    if (!agent_load(desk, ask_str(ask, "agent"), &agent)) {
        ask_refuse(ask, "not_found", "no such agent");
        return;
    }
    if (agent.state == AGENT_REVOKED)
        ask_refuse(ask, "state_refuses", "the agent was revoked before");
    if (ask->error || !reason_read(ask, &reason))
        return;
    struct db_query q = db_query(desk->db, "UPDATE agent SET state = 1, intake = -1, revoked_ns = ?2, revoked_by = ?3,"
                                           " revoked_why = ?4 WHERE id = ?1");
    db_put_i64(&q, agent.id);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_put_text(&q, reason);
    db_run(&q);
    struct buf *body = agent_record_begin(desk, "agent.revoked", &agent, ask->who, ask->now_ns);
    json_put_str(body, "serial", agent.serial);
    desk_record_end(desk, 0, reason);
    if (agent.intake >= 0)
        agent_refuse(desk, agent_link(&agent), REASON_REVOKED, "the agent was revoked");
}

/* An agent keeps the policy that it has when its new group has none: then nobody would know what it collects. */
static bool group_may(struct ask *ask, const struct agent *agent, struct str group)
{
    struct str note;
    bool has = agent_policy_now(ask->desk, agent->group, &note) > 0;
    if (has && !str_eq(group, agent->group) && agent_policy_now(ask->desk, group, &note) == 0)
        ask_refuse(ask, "agent_group_empty", "the group has no policy, and the agent would keep its own");
    return !ask->error;
}

void ask_agent_save(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct agent agent;
    struct str name, group;
    int64_t object;
    if (!agent_load(desk, ask_str(ask, "agent"), &agent)) {
        ask_refuse(ask, "not_found", "no such agent");
        return;
    }
    if (agent.state == AGENT_REVOKED)
        ask_refuse(ask, "state_refuses", "the agent was revoked");
    if (ask->error || !name_read(ask, "name", agent.name, &name) || !name_read(ask, "group", agent.group, &group) ||
        !object_read(ask, agent.object, &object) || !group_may(ask, &agent, group))
        return;
    if (!str_eq(agent_name_free(desk, name, agent.id), name)) {
        ask_invalid(ask, "name", "another agent has the name");
        return;
    }
    struct db_query q = db_query(desk->db, "UPDATE agent SET name = ?2, grp = ?3, object = ?4 WHERE id = ?1");
    db_put_i64(&q, agent.id);
    db_put_text(&q, name);
    db_put_text(&q, group);
    db_put_i64(&q, object);
    db_run(&q);
    struct buf *body = agent_record_begin(desk, "agent.changed", &agent, ask->who, ask->now_ns);
    json_put_str(body, "to_name", name);
    json_put_str(body, "to_group", group);
    json_put_int(body, "object_id", object);
    desk_record_end(desk, 0, STR_NONE);
    if (!str_eq(group, agent.group))
        agent_policy_move(desk, &agent, group, ask->who, ask->now_ns);
    desk->agents->untold_wait = true;
}

/* ---- what is shown ---- */

#define COLUMNS                                                                                                        \
    "a.uuid, a.name, a.grp, o.name, a.object, CASE WHEN a.state = 1 THEN 'revoked' WHEN a.serial = '' THEN "           \
    "'enrolling'"                                                                                                      \
    " WHEN a.contradicts > 0 THEN 'contradicts' WHEN a.silent = 1 THEN 'silent' WHEN a.intake >= 0 THEN 'connected'"   \
    " ELSE 'away' END, a.host, a.address, a.relay, a.program, a.until_ns, a.enrolled_ns, a.heard_ns, a.connected_ns,"  \
    " a.offset_us, a.error_us, a.records, a.bytes, a.policy, a.used, a.room, coalesce((SELECT max(version) FROM"       \
    " agent_policy WHERE grp = a.grp AND note <> ''), 0), coalesce(c.seen_ns, -1), coalesce(c.total_us, 0),"           \
    " coalesce(c.hop, 0)"

static void agent_put(struct buf *out, struct db_query *q)
{
    static const char *const texts[] = {"agent", "name", "group", "object"};
    static const char *const more[] = {"state", "host", "address", "relay", "program"};
    static const char *const numbers[] = {"until_ns",  "enrolled_ns",   "heard_ns",  "connected_ns", "offset_us",
                                          "error_us",  "records",       "bytes",     "policy",       "spool_bytes",
                                          "spool_max", "policy_wanted", "canary_ns", "canary_us"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(out, texts[i], db_text(q));
    json_put_int(out, "object_id", db_i64(q));
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        json_put_str(out, more[i], db_text(q));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_put_int(out, numbers[i], db_i64(q));
    json_put_text(out, "canary_hop", canary_hop_key(db_i64(q)));
}

/* The states of COLUMNS as a filter; "present": all that are not revoked. */
static void filter_put(const struct ask *ask, struct db_query *q)
{
    db_put_text(q, ask_str(ask, "state"));
    db_put_text(q, ask_str(ask, "group"));
    db_put_text(q, ask_str(ask, "text"));
}

#define WANTED                                                                                                         \
    " FROM agent a JOIN object o ON o.id = a.object LEFT JOIN canary c ON c.agent = a.uuid AND c.lane = 0"             \
    " WHERE (CASE ?1 WHEN 'revoked' THEN a.state = 1 WHEN 'all' THEN 1"                                                \
    " WHEN 'connected' THEN a.state = 0 AND a.intake >= 0 WHEN 'silent' THEN a.state = 0 AND a.silent = 1"             \
    " ELSE a.state = 0 END) AND (?2 = '' OR a.grp = ?2) AND (?3 = '' OR instr(lower(a.name), lower(?3)) > 0"           \
    " OR instr(lower(a.host), lower(?3)) > 0 OR instr(a.address, ?3) > 0 OR a.uuid = ?3)"

static void totals_put(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT coalesce(sum(state = 0), 0), coalesce(sum(state = 0 AND intake >= 0), 0),"
                                " coalesce(sum(state = 0 AND silent = 1), 0), coalesce(sum(state = 1), 0),"
                                " coalesce(sum(state = 0 AND contradicts > 0), 0) FROM agent");
    static const char *const names[] = {"agents", "connected", "silent", "revoked", "contradicts"};
    json_write_key(ask->out, "totals");
    json_write_object(ask->out);
    bool found = db_next(&q);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_put_int(ask->out, names[i], found ? db_i64(&q) : 0);
    db_query_end(&q);
    json_put_int(ask->out, "time_lost", time_lost_count(ask->desk));
    json_write_object_end(ask->out);
}

static void groups_put(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT grp FROM agent WHERE state = 0 UNION SELECT grp FROM"
                                                " agent_policy ORDER BY 1 LIMIT 500");
    json_write_key(ask->out, "groups");
    json_write_array(ask->out);
    while (db_next(&q))
        json_write_str(ask->out, db_text(&q));
    json_write_array_end(ask->out);
}

void ask_agent_list(struct ask *ask)
{
    struct desk_agents *agents = ask->desk->agents;
    int64_t limit = ask_int(ask, "limit");
    limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
    struct db_query q = db_query(ask->desk->db, "SELECT count(*)" WANTED);
    filter_put(ask, &q);
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_AGENTS);
    json_put_bool(ask->out, "on", agents->digest[0]);
    json_put_str(ask->out, "servers", agents->servers);
    json_put_int(ask->out, "silent_s", agents->silent_ns / SECOND_NS);
    totals_put(ask);
    q = db_query(ask->desk->db, "SELECT " COLUMNS WANTED " ORDER BY a.contradicts > 0 DESC, a.silent DESC, a.name, a.id"
                                " LIMIT ?4 OFFSET ?5");
    filter_put(ask, &q);
    db_put_i64(&q, limit);
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    json_write_key(ask->out, "agents");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        agent_put(ask->out, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
    groups_put(ask);
    tokens_put(ask);
}

void ask_agent_show(struct ask *ask)
{
    static const char *const texts[] = {"serial", "key", "spool", "boot", "enrolled_by", "revoked_by", "revoked_why"};
    struct db_query q = db_query(ask->desk->db, "SELECT " COLUMNS ", a.serial, a.key, a.spool, a.boot, a.enrolled_by,"
                                                " a.revoked_by, a.revoked_why, a.revoked_ns, a.seen_size, a.status"
                                                " FROM agent a JOIN object o ON o.id = a.object LEFT JOIN canary c"
                                                " ON c.agent = a.uuid AND c.lane = 0 WHERE a.uuid = ?1");
    db_put_text(&q, ask_str(ask, "agent"));
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such agent");
        return;
    }
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_AGENTS);
    json_write_key(ask->out, "agent");
    json_write_object(ask->out);
    agent_put(ask->out, &q);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(ask->out, texts[i], db_text(&q));
    json_put_int(ask->out, "revoked_ns", db_i64(&q));
    json_put_int(ask->out, "seen_size", db_i64(&q));
    struct str status = db_text(&q);
    json_write_key(ask->out, "status");
    json_write_raw(ask->out, status.n ? status : STR("{}"));
    json_write_object_end(ask->out);
    db_query_end(&q);
    canary_put(ask->desk, ask->out, ask_str(ask, "agent"));
    time_put(ask->desk, ask->out, ask_str(ask, "agent"));
    groups_put(ask);
}
