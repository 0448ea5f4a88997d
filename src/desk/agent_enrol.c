/* agent_enrol.c - how an agent gets its identity: a token once, then certificates for the same key.
 *
 *   enrol(digest of the secret, key) ──► token: unknown · expired · used by another key (incident) ──► refused
 *                                            └► waits, or was used by this very key: the answer was lost
 *                                                 └► agent's row ──► signer ──► certificate, or "come again"
 *   renew(key) ──► connected, not revoked, the key that was enrolled ──► signer ──► certificate */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/agent.h"
#include "desk/own_alarm.h"

#include <string.h>

#define KEY_MAX              256u /* bytes of a public key as DER */
#define NAME_TRIES           1000
#define REASON_BUSY          1u /* wire/delivery.h, enum delivery_reason, as the next */
#define REASON_REVOKED       3u
#define REASON_BROKEN        6u
#define REASON_TOKEN_UNKNOWN 7u
#define REASON_TOKEN_USED    8u
#define REASON_TOKEN_EXPIRED 9u

bool agent_name_valid(struct str name)
{
    return name.n > 0 && name.n <= AGENT_NAME_MAX && desk_one_line(name) && str_find(name, ':') == name.n &&
           str_eq(name, str_trim(name));
}

struct str agent_digest(struct desk *desk, struct str bytes, char ret_text[AGENT_DIGEST + 1])
{
    struct tlog_hash hash;
    tlog_hash_bytes(desk->hasher, bytes, &hash);
    ret_text[hex_encode(&hash, sizeof hash, ret_text)] = '\0';
    return str_at(ret_text, AGENT_DIGEST);
}

static bool name_taken(struct desk *desk, struct str name, int64_t except)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM agent WHERE state = 0 AND name = ?1 AND id <> ?2");
    db_put_text(&q, name);
    db_put_i64(&q, except);
    return db_one_i64(&q, 0) > 0;
}

struct str agent_name_free(struct desk *desk, struct str name, int64_t except)
{
    char storage[AGENT_NAME_MAX + 16];
    struct str found = name;
    for (int i = 2; i < NAME_TRIES && name_taken(desk, found, except); i++) {
        struct buf text;
        buf_init_fixed(&text, storage, sizeof storage);
        buf_str(&text, desk_cut(name, AGENT_NAME_MAX - 5));
        buf_format(&text, " %d", i);
        found = buf_view(&text);
    }
    struct str copy = arena_str(desk->scratch, found);
    if (!copy.p)
        db_fail(desk->db, RC_LIMIT, "no memory for an agent's name");
    return copy;
}

/* What a host calls itself, as a name. */
static struct str name_of_host(struct desk *desk, struct str host)
{
    char *text = arena_strz(desk->scratch, desk_cut(str_trim(host), AGENT_NAME_MAX));
    for (size_t i = 0; text && text[i]; i++)
        text[i] = text[i] == ':' ? '-' : text[i];
    struct str name = text ? str_trim(str_of(text)) : STR("");
    return agent_name_valid(name) ? name : STR("agent");
}

/* ---- certificates ---- */

static bool issue_ask(struct hearing *h, const struct agent *agent, struct str key, bool renew)
{
    struct desk_agents *agents = h->desk->agents;
    char storage[16 + 2 + KEY_MAX];
    uint8_t uuid[16];
    struct buf body;
    size_t i = 0;
    while (i < AGENT_PENDING_MAX && agents->pending[i].id)
        i++;
    if (i == AGENT_PENDING_MAX || !uuid_decode(agent->uuid, uuid))
        return false;
    buf_init_fixed(&body, storage, sizeof storage);
    buf_put(&body, uuid, sizeof uuid);
    buf_be16(&body, DESK_AGENT_DAYS);
    buf_str(&body, key);
    ASSERT(!body.overflow);
    agents->pending[i] = (struct agent_pending){++agents->last_id, h->from, agent->id, renew};
    agent_order(h->desk, DESK_AGENT_ISSUE, h->from, agents->last_id, buf_view(&body));
    return true;
}

/* The key that a connection has shown, base64 of DER; empty when it is none. */
static struct str key_read(const struct hearing *h)
{
    struct str text = hearing_str(h, "key");
    uint8_t *key = arena_alloc(h->desk->scratch, KEY_MAX);
    size_t n = 0;
    return key && text.n <= (size_t)KEY_MAX * 4 / 3 && base64_decode(text, key, KEY_MAX, &n) ? str_at(key, n) : STR("");
}

void agent_on_renew(struct hearing *h)
{
    struct agent agent;
    char digest[AGENT_DIGEST + 1];
    struct str key = key_read(h);
    if (!agent_load(h->desk, hearing_str(h, "agent"), &agent) || agent.intake != h->from.intake ||
        agent.connection != (int64_t)h->from.connection)
        return; /* a connection that another took the place of */
    if (agent.state == AGENT_REVOKED)
        agent_refuse(h->desk, h->from, REASON_REVOKED, "the agent was revoked");
    else if (!key.n || !str_eq(agent_digest(h->desk, key, digest), agent.key))
        agent_refuse(h->desk, h->from, REASON_BROKEN, "the key is not the one that was enrolled");
    else
        IGNORE(!issue_ask(h, &agent, key, true)); /* it asks again */
}

/* ---- tokens ---- */

struct token {
    int64_t id, object, until_ns, used_ns, agent;
    struct str name, group, who;
};

static bool token_load(struct desk *desk, struct str digest, struct token *ret_token)
{
    struct db_query q = db_query(desk->db, "SELECT id, object, until_ns, used_ns, agent, name, grp, who"
                                           " FROM agent_token WHERE digest = ?1");
    db_put_text(&q, digest);
    bool found = db_next(&q);
    *ret_token = (struct token){0};
    if (found) {
        int64_t *const numbers[] = {&ret_token->id, &ret_token->object, &ret_token->until_ns, &ret_token->used_ns,
                                    &ret_token->agent};
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            *numbers[i] = db_i64(&q);
        ret_token->name = db_text_copy(&q, desk->scratch);
        ret_token->group = db_text_copy(&q, desk->scratch);
        ret_token->who = db_text_copy(&q, desk->scratch);
    }
    db_query_end(&q);
    return found;
}

static struct str uuid_of_row(struct desk *desk, int64_t agent)
{
    struct db_query q = db_query(desk->db, "SELECT uuid FROM agent WHERE id = ?1");
    db_put_i64(&q, agent);
    struct str uuid = db_next(&q) ? db_text_copy(&q, desk->scratch) : STR("");
    db_query_end(&q);
    return uuid;
}

/* Somebody else holds the secret: he who enrolled, or he who comes now, is not who it was made for. */
static void reuse_tell(struct hearing *h, const struct token *token, const struct agent *agent)
{
    struct desk *desk = h->desk;
    struct agent other = *agent;
    other.host = desk_cut(hearing_str(h, "host"), DESK_FIELD_MAX);
    other.address = desk_cut(hearing_str(h, "address"), DESK_FIELD_MAX);
    char storage[512];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    buf_text(&text, "the token that enrolled ");
    buf_str(&text, agent->name);
    buf_text(&text, " was used again from ");
    buf_str(&text, desk_cut(other.address, 64));
    struct buf *body = agent_record_begin(desk, "agent.token-used", &other, STR("qorgan"), h->now_ns);
    json_put_int(body, "token", token->id);
    int64_t outgoing = desk_record_end(desk, 0, buf_view(&text));
    db_run_i64(desk->db, "UPDATE agent_token SET reused = reused + 1 WHERE id = ?1", token->id);
    struct own_alarm alarm = {.trouble = AGENT_TOKEN_USED,
                              .object = token->object,
                              .host = other.host.n ? other.host : agent->name,
                              .address = other.address,
                              .text = buf_view(&text)};
    own_alarm_put(desk, &alarm, outgoing, h->now_ns);
}

/* The same key again is the same agent, whose answer was lost; after the token's time it must have another token. */
static bool used_token_serves(struct hearing *h, const struct token *token, struct str key_digest, struct agent *ret)
{
    struct desk *desk = h->desk;
    bool known = agent_load(desk, uuid_of_row(desk, token->agent), ret);
    bool same = known && str_eq(ret->key, key_digest);
    if (same && ret->state == AGENT_ACTIVE && h->now_ns <= token->until_ns)
        return true;
    if (known && !same)
        reuse_tell(h, token, ret);
    agent_refuse(desk, h->from, REASON_TOKEN_USED, "the token was used before");
    return false;
}

static void uuid_make(struct desk *desk, char ret_text[UUID_TEXT + 1])
{
    uint8_t uuid[16];
    desk->random(uuid, sizeof uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    uuid_encode(uuid, ret_text);
}

/* The token is used from here on, whatever becomes of the certificate: it can be asked for again with this key. */
static bool agent_insert(struct hearing *h, const struct token *token, struct str key_digest, struct agent *ret_agent)
{
    struct desk *desk = h->desk;
    char uuid[UUID_TEXT + 1];
    struct str host = desk_cut(hearing_str(h, "host"), DESK_FIELD_MAX);
    struct str name = agent_name_free(desk, token->name.n ? token->name : name_of_host(desk, host), 0);
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM agent WHERE state = 0");
    if (db_one_i64(&q, 0) >= (int64_t)DESK_AGENTS_MAX) {
        agent_refuse(desk, h->from, REASON_BUSY, "there are too many agents already");
        return false;
    }
    uuid_make(desk, uuid);
    q = db_query(desk->db,
                 "INSERT INTO agent (uuid, name, grp, object, key, enrolled_ns, enrolled_by, address, host, program,"
                 " heard_ns, state, serial, until_ns, spool, spools, boot, boots, intake, connection, connected_ns,"
                 " told, told_ns, left_ns, silent, offset_us, error_us, records, bytes, policy, used, room, seen_size,"
                 " seen_ns, contradicts, status, revoked_ns, revoked_by, revoked_why) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
                 " ?7, ?8, ?9, ?10, ?6, 0, '', 0, '', '', '', '', -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,"
                 " '', 0, '', '')");
    db_put_text(&q, str_of(uuid));
    db_put_text(&q, name);
    db_put_text(&q, token->group);
    db_put_i64(&q, token->object);
    db_put_text(&q, key_digest);
    db_put_i64(&q, h->now_ns);
    db_put_text(&q, token->who);
    db_put_text(&q, desk_cut(hearing_str(h, "address"), DESK_FIELD_MAX));
    db_put_text(&q, host);
    db_put_text(&q, desk_cut(hearing_str(h, "program"), DESK_FIELD_MAX));
    db_run(&q);
    int64_t row = db_last_id(desk->db);
    q = db_query(desk->db, "UPDATE agent_token SET used_ns = ?2, agent = ?3 WHERE id = ?1");
    db_put_i64(&q, token->id);
    db_put_i64(&q, h->now_ns);
    db_put_i64(&q, row);
    db_run(&q);
    return agent_load(desk, str_of(uuid), ret_agent);
}

void agent_on_enrol(struct hearing *h)
{
    struct desk *desk = h->desk;
    char digest[AGENT_DIGEST + 1];
    struct token token;
    struct agent agent;
    struct str key = key_read(h);
    struct str key_digest = agent_digest(desk, key, digest);
    if (!key.n) {
        agent_refuse(desk, h->from, REASON_BROKEN, "the agent's key does not read");
        return;
    }
    if (!token_load(desk, hearing_str(h, "digest"), &token)) {
        agent_refuse(desk, h->from, REASON_TOKEN_UNKNOWN, "no such token was made here");
        return;
    }
    if (!token.used_ns && h->now_ns > token.until_ns) {
        agent_refuse(desk, h->from, REASON_TOKEN_EXPIRED, "the token's 30 minutes are over");
        return;
    }
    bool serves =
        token.used_ns ? used_token_serves(h, &token, key_digest, &agent) : agent_insert(h, &token, key_digest, &agent);
    if (serves && !issue_ask(h, &agent, key, false))
        agent_refuse(desk, h->from, REASON_BUSY, "too many agents are being enrolled: come again");
}

/* ---- what the signer made ---- */

static bool pending_take(struct desk_agents *agents, uint64_t id, struct agent_pending *ret_pending)
{
    for (size_t i = 0; i < AGENT_PENDING_MAX && id; i++)
        if (agents->pending[i].id == id) {
            *ret_pending = agents->pending[i];
            agents->pending[i].id = 0;
            return true;
        }
    return false;
}

static void issued_say(struct desk *desk, const struct agent_pending *pending, const struct agent *agent,
                       struct str certificate)
{
    struct buf *say = agent_say_begin(desk, pending->renew ? "certificate" : "enrolled");
    if (!pending->renew)
        json_put_str(say, "agent", agent->uuid);
    json_put_str(say, "certificate", certificate);
    if (!pending->renew)
        json_put_str(say, "authority", desk->agents->authority);
    agent_say_end(desk, pending->link);
}

static void issued_take(struct desk *desk, const struct agent_pending *pending, struct str serial,
                        struct str certificate, int64_t now_ns)
{
    struct agent agent;
    if (!agent_load(desk, uuid_of_row(desk, pending->agent), &agent) || agent.state == AGENT_REVOKED) {
        agent_refuse(desk, pending->link, REASON_REVOKED, "the agent was revoked");
        return;
    }
    int64_t until_ns = now_ns + DESK_AGENT_DAYS * DAY_S * SECOND_NS;
    struct db_query q = db_query(desk->db, "UPDATE agent SET serial = ?2, until_ns = ?3 WHERE id = ?1");
    db_put_i64(&q, agent.id);
    db_put_text(&q, serial);
    db_put_i64(&q, until_ns);
    db_run(&q);
    struct buf *body =
        agent_record_begin(desk, pending->renew ? "agent.renewed" : "agent.enrolled", &agent, STR("qorgan"), now_ns);
    json_put_str(body, "serial", serial);
    json_put_int(body, "until_ns", until_ns);
    json_put_str(body, "key", agent.key);
    json_put_str(body, "program", agent.program);
    desk_record_end(desk, 0, STR_NONE);
    issued_say(desk, pending, &agent, certificate);
}

enum rc desk_agent_issued(struct desk *desk, uint64_t id, struct str serial, struct str text, int64_t now_ns,
                          struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct agent_pending pending;
    if (!pending_take(desk->agents, id, &pending))
        return RC_OK; /* whoever waited for it is gone */
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    if (serial.n)
        issued_take(desk, &pending, serial, text, now_ns);
    else if (!pending.renew)
        agent_refuse(desk, pending.link, REASON_BUSY, "no certificate can be made now: come again");
    return desk_end(desk, true, err);
}

void desk_agents_signer_down(struct desk *desk)
{
    struct desk_agents *agents = desk->agents;
    for (size_t i = 0; i < AGENT_PENDING_MAX; i++) {
        struct agent_pending pending = agents->pending[i];
        agents->pending[i].id = 0;
        struct err err;
        if (!pending.id || pending.renew || desk_begin(desk, &err) != RC_OK)
            continue;
        agent_refuse(desk, pending.link, REASON_BUSY, "no certificate can be made now: come again");
        IGNORE(desk_end(desk, true, &err) != RC_OK); /* then the agent waits until it gives up */
    }
    agents->unsigned_wait = true;
    agents->signing_ns = 0;
}

/* ---- cleaning ---- */

void agent_tokens_clean(struct desk *desk, int64_t now_ns)
{
    int64_t old_ns = now_ns - 400 * DAY_S * SECOND_NS; /* a used one is remembered: it may come again */
    struct db_query q = db_query(desk->db, "DELETE FROM agent_token WHERE (used_ns = 0 AND until_ns < ?1)"
                                           " OR until_ns < ?2");
    db_put_i64(&q, now_ns - DAY_S * SECOND_NS);
    db_put_i64(&q, old_ns);
    db_run(&q);
    q = db_query(desk->db, "DELETE FROM agent WHERE serial = '' AND enrolled_ns < ?1");
    db_put_i64(&q, now_ns - DAY_S * SECOND_NS);
    db_run(&q);
}
