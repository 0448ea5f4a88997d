/* intake_agent_desk.c - who an agent is: its certificate says, and what the desk has to say about it. Both sides' JSON:
 * msg.h, MSG_AGENT_ASK and MSG_AGENT_SAY. */
#include "base/arena.h"
#include "base/assert.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "os/clock.h"
#include "role/intake_agents.h"
#include "role/log.h"

#include <stdio.h>
#include <string.h>

#define PEER_MAX  8192 /* bytes of a certificate */
#define SAY_DEPTH 8

static void uuid_write(const uint8_t uuid[16], char ret_text[37])
{
    char hex[32];
    hex_encode(uuid, 16, hex);
    snprintf(ret_text, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void put_hex(struct buf *json, const char *key, const void *bytes, size_t n)
{
    char hex[64];
    ASSERT(2 * n <= sizeof hex);
    hex_encode(bytes, n, hex);
    json_put_str(json, key, str_at(hex, 2 * n));
}

static void put_base64(struct buf *json, const char *key, struct str bytes)
{
    char text[2048];
    ASSERT(bytes.n <= 1024);
    json_put_str(json, key, str_at(text, base64_encode(bytes.p, bytes.n, text)));
}

/* Names that agents and hosts give themselves: for people, so without what is not text. */
static void put_words(struct buf *json, const char *key, struct str words)
{
    bool text = utf8_valid(words);
    for (size_t i = 0; i < words.n; i++)
        text = text && (unsigned char)words.p[i] >= 0x20;
    json_put_str(json, key, text ? words : STR("?"));
}

static struct buf *ask_begin(struct agent_connection *connection, const char *what)
{
    struct buf *text = &connection->agents->text;
    buf_clear(text);
    json_write_object(text);
    json_put_text(text, "ask", what);
    return text;
}

static bool ask_send(struct agent_connection *connection, struct str json)
{
    struct channel *desk = process_peer(ROLE_DESK, 0);
    return desk && channel_send(desk, MSG_AGENT_ASK, connection->id, json);
}

/* Kept, so that a new desk can be asked too. */
static void ask_keep(struct agent_connection *connection)
{
    struct buf *text = &connection->agents->text;
    json_write_object_end(text);
    char *copy = text->overflow ? NULL : memory_new(text->n);
    if (!copy) {
        agent_link_refuse(connection, DELIVERY_BUSY, STR("no memory"));
        return;
    }
    memcpy(copy, text->p, text->n);
    connection->ask = str_at(copy, text->n);
    connection->state = AGENT_ASKED;
    agent_link_ask(connection);
}

void agent_link_ask(struct agent_connection *connection)
{
    if (connection->state == AGENT_LEAVING || !connection->ask.n || connection->asked_ns)
        return;
    if (ask_send(connection, connection->ask))
        connection->asked_ns = clock_boot_ns();
}

static bool peer_take(struct agent_connection *connection, struct buf *der)
{
    if (tls_session_peer(connection->tls, der))
        return true;
    agent_link_refuse(connection, DELIVERY_BROKEN, STR("the certificate is too long"));
    return false;
}

static void hello_ask(struct agent_connection *connection, const struct delivery_hello *hello,
                      const struct authority_identity *identity)
{
    struct buf *json = ask_begin(connection, "hello");
    char spool[8];
    put_be64(spool, hello->spool);
    json_put_text(json, "agent", connection->uuid);
    json_put_text(json, "serial", identity->serial);
    json_put_int(json, "until", identity->not_after_s);
    json_put_text(json, "address", connection->address);
    json_put_str(json, "relay", connection->relay);
    put_hex(json, "spool", spool, sizeof spool);
    put_hex(json, "boot", hello->boot, sizeof hello->boot);
    put_words(json, "host", hello->host);
    put_words(json, "program", hello->program);
    json_put_u64(json, "seen_size", hello->seen_size);
    put_base64(json, "seen_root", str_at((const char *)hello->seen_root, sizeof hello->seen_root));
    ask_keep(connection);
}

void agent_link_hello(struct agent_connection *connection, struct str body)
{
    struct agents *agents = connection->agents;
    char storage[PEER_MAX];
    struct buf der;
    struct delivery_hello hello;
    struct authority_identity identity = {0};
    struct err err = {0};
    buf_init_fixed(&der, storage, sizeof storage);
    if (delivery_read_hello(body, &hello) != RC_OK) {
        agent_link_refuse(connection, DELIVERY_BROKEN, STR("the hello does not read"));
        return;
    }
    if (hello.version != DELIVERY_VERSION) {
        agent_link_refuse(connection, DELIVERY_VERSION_UNKNOWN, STR("this server speaks version 1"));
        return;
    }
    if (!peer_take(connection, &der))
        return;
    enum rc rc = authority_check(agents->authority, buf_view(&der), clock_real_ns() / 1000000000, &identity, &err);
    memcpy(connection->agent, identity.agent, sizeof connection->agent);
    uuid_write(connection->agent, connection->uuid);
    if (rc != RC_OK) {
        agent_link_refuse(connection, rc == RC_END ? DELIVERY_EXPIRED : DELIVERY_UNKNOWN, str_of(err.text));
        return;
    }
    if (memcmp(identity.agent, hello.agent, sizeof hello.agent) != 0) {
        agent_link_refuse(connection, DELIVERY_UNKNOWN, STR("the hello names another agent than the certificate"));
        return;
    }
    buf_put(&connection->key, identity.key, identity.key_n);
    connection->next = hello.next;
    hello_ask(connection, &hello, &identity);
}

void agent_link_enrol(struct agent_connection *connection, struct str body)
{
    char storage[PEER_MAX];
    struct buf der;
    struct delivery_enrol enrol;
    struct tlog_hash digest;
    struct err err = {0};
    buf_init_fixed(&der, storage, sizeof storage);
    connection->enrolling = true;
    if (delivery_read_enrol(body, &enrol) != RC_OK) {
        agent_link_refuse(connection, DELIVERY_BROKEN, STR("the enrolment does not read"));
        return;
    }
    if (enrol.version != DELIVERY_VERSION) {
        agent_link_refuse(connection, DELIVERY_VERSION_UNKNOWN, STR("this server speaks version 1"));
        return;
    }
    if (!peer_take(connection, &der))
        return;
    if (authority_public_key(buf_view(&der), &connection->key, &err) != RC_OK) {
        agent_link_refuse(connection, DELIVERY_BROKEN, str_of(err.text));
        return;
    }
    tlog_hash_bytes(connection->agents->hasher, enrol.secret, &digest);
    struct buf *json = ask_begin(connection, "enrol");
    put_hex(json, "digest", &digest, sizeof digest);
    put_base64(json, "key", buf_view(&connection->key));
    json_put_text(json, "address", connection->address);
    json_put_str(json, "relay", connection->relay);
    put_words(json, "host", enrol.host);
    put_words(json, "program", enrol.program);
    ask_keep(connection);
}

void agent_link_renew(struct agent_connection *connection)
{
    struct buf *json = ask_begin(connection, "renew");
    json_put_text(json, "agent", connection->uuid);
    put_base64(json, "key", buf_view(&connection->key));
    json_write_object_end(json);
    IGNORE(ask_send(connection, buf_view(json))); /* it asks again */
}

void agent_link_status(struct agent_connection *connection, struct str body)
{
    struct agents *agents = connection->agents;
    struct json_value *value;
    struct err err = {0};
    arena_reset(agents->scratch);
    if (json_parse(agents->scratch, body, SAY_DEPTH, &value, &err) != RC_OK || value->kind != JSON_OBJECT) {
        agent_link_refuse(connection, DELIVERY_BROKEN, STR("a status is no JSON object"));
        return;
    }
    struct buf *json = ask_begin(connection, "status");
    json_put_text(json, "agent", connection->uuid);
    if (connection->offset_error_us != UINT32_MAX) {
        json_put_int(json, "offset_us", connection->offset_us);
        json_put_u64(json, "error_us", connection->offset_error_us);
    }
    json_put_u64(json, "records", connection->records);
    json_put_u64(json, "bytes", connection->bytes);
    json_write_key(json, "status");
    json_write_raw(json, body);
    json_write_object_end(json);
    if (!json->overflow && json->n <= msg_size_max(MSG_AGENT_ASK))
        IGNORE(ask_send(connection, buf_view(json))); /* the next one comes in a minute */
}

void agent_link_closed(struct agent_connection *connection, const char *why)
{
    if (connection->enrolling || !connection->asked_ns)
        return;
    struct buf *json = ask_begin(connection, "closed");
    json_put_text(json, "agent", connection->uuid);
    json_put_text(json, "why", why);
    json_write_object_end(json);
    IGNORE(ask_send(connection, buf_view(json))); /* a new desk knows of nobody */
}

/* ---- the desk's word ---- */

static void policy_send(struct agent_connection *connection, const struct json_value *said, const char *version)
{
    uint64_t number = (uint64_t)json_int(json_get(said, version), 0);
    struct str note = json_str(json_get(said, "note"), STR_NONE);
    if (note.n == 0 || note.n > DELIVERY_NOTE_MAX || number == connection->policy)
        return;
    connection->policy = number;
    delivery_put(&connection->out, DELIVERY_POLICY, note);
}

/* To one that is READY already: a new desk was asked, and its word may be another. */
static void welcome(struct agent_connection *connection, const struct json_value *said)
{
    struct agents *agents = connection->agents;
    struct str name = json_str(json_get(said, "name"), STR_NONE);
    if (!str_copy_z(name, connection->name, sizeof connection->name) || !name.n) {
        agent_link_refuse(connection, DELIVERY_BUSY, STR("the desk's word was not understood"));
        return;
    }
    if (connection->state == AGENT_ASKED) {
        struct str key = agents->key; /* its name is the origin */
        const struct delivery_welcome welcome = {
            .credit = DELIVERY_CREDIT,
            .policy = (uint32_t)json_int(json_get(said, "policy"), 0),
            .origin = str_cut(&key, '+'),
            .key = agents->key,
        };
        connection->credit = DELIVERY_CREDIT;
        connection->state = AGENT_READY;
        delivery_put_welcome(&connection->out, &welcome);
        if (agents->checkpoint.n)
            delivery_put(&connection->out, DELIVERY_CHECKPOINT, buf_view(&agents->checkpoint));
    }
    policy_send(connection, said, "policy");
    agent_link_flush(connection);
}

static void enrolled(struct agent_connection *connection, const struct json_value *said)
{
    struct delivery_enrolled to = {
        .certificate = json_str(json_get(said, "certificate"), STR_NONE),
        .authority = json_str(json_get(said, "authority"), STR_NONE),
    };
    struct str uuid = json_str(json_get(said, "agent"), STR_NONE);
    char hex[32];
    size_t n = 0;
    for (size_t i = 0; i < uuid.n && n < sizeof hex; i++)
        if (uuid.p[i] != '-')
            hex[n++] = uuid.p[i];
    if (!connection->enrolling || !to.certificate.n || !to.authority.n ||
        !hex_decode(str_at(hex, n), to.agent, sizeof to.agent)) {
        agent_link_refuse(connection, DELIVERY_BUSY, STR("the desk's word was not understood"));
        return;
    }
    delivery_put_enrolled(&connection->out, &to);
    connection->state = AGENT_LEAVING; /* it comes again with its certificate */
    connection->left_ns = clock_boot_ns();
    agent_link_flush(connection);
}

void agent_link_said(struct agent_connection *connection, struct str json)
{
    struct agents *agents = connection->agents;
    struct json_value *said;
    struct err err = {0};
    arena_reset(agents->scratch);
    if (json_parse(agents->scratch, json, SAY_DEPTH, &said, &err) != RC_OK) {
        log_error("the desk's word about an agent does not read: %s", err.text);
        return;
    }
    struct str say = json_str(json_get(said, "say"), STR_NONE);
    if (connection->state == AGENT_LEAVING)
        return;
    if (str_is(say, "refused")) {
        agent_link_refuse(connection, (enum delivery_reason)json_int(json_get(said, "reason"), DELIVERY_BUSY),
                          json_str(json_get(said, "text"), STR_NONE));
    } else if (str_is(say, "welcome") && !connection->enrolling) {
        welcome(connection, said);
    } else if (str_is(say, "enrolled")) {
        enrolled(connection, said);
    } else if (connection->state == AGENT_READY && str_is(say, "certificate")) {
        struct str pem = json_str(json_get(said, "certificate"), STR_NONE);
        if (pem.n && pem.n <= 16384)
            delivery_put(&connection->out, DELIVERY_CERTIFICATE, pem);
        agent_link_flush(connection);
    } else if (connection->state == AGENT_READY && str_is(say, "policy")) {
        policy_send(connection, said, "version");
        agent_link_flush(connection);
    }
}
