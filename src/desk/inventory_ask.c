/* inventory_ask.c - questions about machines: which there are, what one is made of, what changed, and what of an
 * object's data (52/NK, Annex 1, 12) they tell by themselves. */
#include "desk/agent.h"
#include "desk/inventory.h"

#define LIST_DEFAULT 100
#define LIST_MAX     500
#define HOSTS_MAX    500 /* of one object's table */

static int64_t limit_of(const struct ask *ask)
{
    int64_t limit = ask_int(ask, "limit");
    return limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
}

static void raw_put(struct buf *out, const char *key, struct str json)
{
    json_write_key(out, key);
    json_write_raw(out, json.n ? json : STR("{}"));
}

/* ---- machines ---- */

#define SYSTEM_PART(key, part)                                                                                         \
    "coalesce((SELECT json_extract(i.value, '$." part "') FROM inventory_item i WHERE i.agent = a.id"                  \
    " AND i.kind = 'system' AND i.key = '" key "'), '')"

#define HOSTS                                                                                                          \
    " FROM inventory_host h JOIN agent a ON a.id = h.agent JOIN object o ON o.id = a.object WHERE a.state = 0"         \
    " AND (?1 = 0 OR a.object = ?1) AND (?2 = '' OR instr(lower(a.name), lower(?2)) > 0 OR instr(lower(a.host),"       \
    " lower(?2)) > 0 OR a.uuid = ?2)"

static void hosts_put(const struct ask *ask, struct db_query *q)
{
    db_put_i64(q, MAX(ask_int(ask, "object"), 0));
    db_put_text(q, ask_str(ask, "text"));
}

static void host_put(struct buf *out, struct db_query *q)
{
    static const char *const texts[] = {"agent", "name", "host", "object", "os", "kernel", "vendor", "model", "serial"};
    static const char *const numbers[] = {"object_id", "items", "full", "heard_ns", "changed_ns", "whole_ns"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(out, texts[i], db_text(q));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_put_int(out, numbers[i], db_i64(q));
}

#define HOST_COLUMNS                                                                                                   \
    "a.uuid, a.name, a.host, o.name, " SYSTEM_PART("os", "name") ", " SYSTEM_PART(                                     \
        "kernel",                                                                                                      \
        "release") ", " SYSTEM_PART("hardware",                                                                        \
                                    "vendor") ", " SYSTEM_PART("hardware",                                             \
                                                               "model") ", " SYSTEM_PART("hardware",                   \
                                                                                         "serial") ", a.object, "      \
                                                                                                   "h.items, h.full, " \
                                                                                                   "h.heard_ns, "      \
                                                                                                   "h.changed_ns, "    \
                                                                                                   "coalesce((SELECT " \
                                                                                                   "min(k.whole_ns) "  \
                                                                                                   "FROM "             \
                                                                                                   "inventory_kind k"  \
                                                                                                   " WHERE k.agent = " \
                                                                                                   "a.id), 0)"

void ask_inventory_list(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*)" HOSTS);
    hosts_put(ask, &q);
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    q = db_query(ask->desk->db, "SELECT " HOST_COLUMNS HOSTS " ORDER BY a.name, a.id LIMIT ?3 OFFSET ?4");
    hosts_put(ask, &q);
    db_put_i64(&q, limit_of(ask));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    json_write_key(ask->out, "hosts");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        host_put(ask->out, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* ---- one machine ---- */

/* The row of an agent by its id or its name; 0 and a refusal when there is none. */
static int64_t agent_find(struct ask *ask)
{
    struct str wanted = ask_str(ask, "agent");
    struct db_query q = db_query(ask->desk->db, "SELECT id FROM agent WHERE uuid = ?1 OR (name = ?1 AND state = 0)"
                                                " ORDER BY uuid = ?1 DESC LIMIT 1");
    db_put_text(&q, wanted);
    int64_t id = db_one_i64(&q, 0);
    if (!id)
        ask_refuse(ask, "not_found", "no such agent");
    return id;
}

static void kinds_put(struct ask *ask, int64_t agent)
{
    struct db_query q = db_query(ask->desk->db, "SELECT k.kind, k.whole_ns, (SELECT count(*) FROM inventory_item i"
                                                " WHERE i.agent = k.agent AND i.kind = k.kind) FROM inventory_kind k"
                                                " WHERE k.agent = ?1 ORDER BY k.kind");
    db_put_i64(&q, agent);
    json_write_key(ask->out, "kinds");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "kind", db_text(&q));
        json_put_int(ask->out, "whole_ns", db_i64(&q));
        json_put_int(ask->out, "items", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

#define ITEMS                                                                                                          \
    " FROM inventory_item WHERE agent = ?1 AND (?2 = '' OR kind = ?2) AND (?3 = '' OR instr(lower(key), lower(?3)) > " \
    "0 OR instr(lower(value), lower(?3)) > 0)"

static void items_choose(const struct ask *ask, struct db_query *q, int64_t agent)
{
    db_put_i64(q, agent);
    db_put_text(q, ask_str(ask, "kind"));
    db_put_text(q, ask_str(ask, "text"));
}

static void items_put(struct ask *ask, int64_t agent)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*)" ITEMS);
    items_choose(ask, &q, agent);
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    q = db_query(ask->desk->db,
                 "SELECT kind, key, value, now, since_ns" ITEMS " ORDER BY kind, key LIMIT ?4 OFFSET ?5");
    items_choose(ask, &q, agent);
    db_put_i64(&q, limit_of(ask));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    json_write_key(ask->out, "items");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "kind", db_text(&q));
        json_put_str(ask->out, "key", db_text(&q));
        raw_put(ask->out, "value", db_text(&q));
        raw_put(ask->out, "now", db_text(&q));
        json_put_int(ask->out, "since_ns", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_inventory_show(struct ask *ask)
{
    int64_t agent = agent_find(ask);
    if (ask->error)
        return;
    json_put_bool(ask->out, "may_ask", role_rights(ask->role) & RIGHT_AGENTS);
    struct db_query q = db_query(ask->desk->db, "SELECT " HOST_COLUMNS " FROM inventory_host h JOIN agent a ON a.id ="
                                                " h.agent JOIN object o ON o.id = a.object WHERE a.id = ?1");
    db_put_i64(&q, agent);
    json_write_key(ask->out, "host");
    json_write_object(ask->out);
    if (db_next(&q)) {
        host_put(ask->out, &q);
        db_query_end(&q);
    }
    json_write_object_end(ask->out);
    kinds_put(ask, agent);
    items_put(ask, agent);
}

/* ---- what changed ---- */

#define CHANGES                                                                                                        \
    " FROM inventory_change c JOIN agent a ON a.id = c.agent WHERE (?1 = 0 OR c.agent = ?1) AND (?2 = '' OR c.kind ="  \
    " ?2) AND (?3 = 0 OR a.object = ?3) AND (?4 = '' OR instr(lower(c.key), lower(?4)) > 0)"

void ask_inventory_changes(struct ask *ask)
{
    static const char *const words[] = {
        [INVENTORY_ADDED] = "added", [INVENTORY_CHANGED] = "changed", [INVENTORY_REMOVED] = "removed"};
    int64_t agent = ask_str(ask, "agent").n ? agent_find(ask) : 0;
    if (ask->error)
        return;
    struct db_query q =
        db_query(ask->desk->db, "SELECT c.id, c.time_ns, c.record, c.change, c.found, a.uuid, a.name,"
                                " c.kind, c.key, c.value, c.before" CHANGES " ORDER BY c.id DESC LIMIT ?5 OFFSET ?6");
    db_put_i64(&q, agent);
    db_put_text(&q, ask_str(ask, "kind"));
    db_put_i64(&q, MAX(ask_int(ask, "object"), 0));
    db_put_text(&q, ask_str(ask, "text"));
    db_put_i64(&q, limit_of(ask));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    json_write_key(ask->out, "changes");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "id", db_i64(&q));
        json_put_int(ask->out, "time_ns", db_i64(&q));
        json_put_int(ask->out, "record", db_i64(&q));
        int64_t change = db_i64(&q);
        json_put_text(ask->out, "change",
                      words[change >= 0 && change <= INVENTORY_REMOVED ? change : INVENTORY_CHANGED]);
        json_put_bool(ask->out, "found", db_i64(&q) != 0);
        json_put_str(ask->out, "agent", db_text(&q));
        json_put_str(ask->out, "name", db_text(&q));
        json_put_str(ask->out, "kind", db_text(&q));
        json_put_str(ask->out, "key", db_text(&q));
        raw_put(ask->out, "value", db_text(&q));
        raw_put(ask->out, "before", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* ---- an object's machines (52/NK, Annex 1) ---- */

/* Texts of one kind, told apart and in their order: addresses, names of services that listen. */
static void addresses_put(struct ask *ask, struct str uuid)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT DISTINCT e.value FROM inventory_item i, json_each(i.value, '$.addresses') e"
                                " WHERE i.agent = (SELECT id FROM agent WHERE uuid = ?1) AND i.kind = 'interface'"
                                " AND json_extract(i.value, '$.type') <> 'loopback' ORDER BY 1 LIMIT 64");
    db_put_text(&q, uuid);
    json_write_key(ask->out, "addresses");
    json_write_array(ask->out);
    while (db_next(&q))
        json_write_str(ask->out, db_text(&q));
    json_write_array_end(ask->out);
}

/* Programs that serve others: what listens beyond the machine itself. */
static void listeners_put(struct ask *ask, struct str uuid)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT key, also FROM inventory_item WHERE agent = (SELECT id FROM agent WHERE uuid ="
                                " ?1) AND kind = 'port' AND instr(key, ' 127.') = 0 AND instr(key, '[::1]') = 0"
                                " ORDER BY CAST(name AS INTEGER), key LIMIT 64");
    db_put_text(&q, uuid);
    json_write_key(ask->out, "listens");
    json_write_array(ask->out);
    while (db_next(&q)) {
        char storage[256];
        struct buf text;
        buf_init_fixed(&text, storage, sizeof storage);
        buf_str(&text, str_slice(db_text(&q), 0, 100));
        struct str program = str_slice(db_text(&q), 0, 100);
        if (program.n)
            buf_format(&text, " %.*s", STR_ARG(program));
        json_write_str(ask->out, buf_view(&text));
    }
    json_write_array_end(ask->out);
}

static void machine_put(struct ask *ask, struct str uuid)
{
    struct db_query q = db_query(
        ask->desk->db,
        "SELECT " HOST_COLUMNS ", " SYSTEM_PART("host", "domain") ", " SYSTEM_PART(
            "cpu", "model") ", coalesce((SELECT json_extract(value, '$.bytes') FROM inventory_item WHERE agent ="
                            " a.id AND kind = 'system' AND key = 'memory'), 0), (SELECT count(*) FROM inventory_item"
                            " WHERE agent = a.id AND kind = 'package') FROM inventory_host h JOIN agent a ON a.id ="
                            " h.agent JOIN object o ON o.id = a.object WHERE a.uuid = ?1");
    db_put_text(&q, uuid);
    if (!db_next(&q))
        return;
    json_write_object(ask->out);
    host_put(ask->out, &q);
    json_put_str(ask->out, "domain", db_text(&q));
    json_put_str(ask->out, "cpu", db_text(&q));
    json_put_int(ask->out, "memory", db_i64(&q));
    json_put_int(ask->out, "packages", db_i64(&q));
    db_query_end(&q);
    addresses_put(ask, uuid);
    listeners_put(ask, uuid);
    json_write_object_end(ask->out);
}

static void machines_put(struct ask *ask, int64_t object)
{
    struct arena *arena = ask->desk->scratch;
    struct str *uuids = arena_alloc_array(arena, HOSTS_MAX, sizeof *uuids);
    size_t count = 0;
    struct db_query q = db_query(ask->desk->db, "SELECT a.uuid FROM inventory_host h JOIN agent a ON a.id = h.agent"
                                                " WHERE a.state = 0 AND a.object = ?1 ORDER BY a.name, a.id LIMIT ?2");
    db_put_i64(&q, object);
    db_put_i64(&q, uuids ? HOSTS_MAX : 0);
    while (db_next(&q))
        uuids[count++] = db_text_copy(&q, arena);
    json_write_key(ask->out, "hosts");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++)
        machine_put(ask, uuids[i]);
    json_write_array_end(ask->out);
}

void ask_inventory_object(struct ask *ask)
{
    int64_t object = ask_int(ask, "object");
    struct db_query q = db_query(ask->desk->db, "SELECT name, owner, class, contour, (SELECT count(*) FROM agent WHERE"
                                                " state = 0 AND agent.object = object.id) FROM object WHERE id = ?1");
    db_put_i64(&q, object);
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such object");
        return;
    }
    json_put_str(ask->out, "name", db_text(&q));
    json_put_str(ask->out, "owner", db_text(&q));
    json_put_int(ask->out, "class", db_i64(&q));
    json_put_str(ask->out, "contour", db_text(&q));
    json_put_int(ask->out, "agents", db_i64(&q));
    db_query_end(&q);
    machines_put(ask, object);
}

/* ---- asking the agent ---- */

/* Whether it said that it takes one, and so knows the frame. */
static bool takes_inventory(struct desk *desk, int64_t agent)
{
    struct db_query q = db_query(desk->db, "SELECT CASE WHEN json_valid(status) THEN coalesce(json_extract(status,"
                                           " '$.inventory'), 0) ELSE 0 END FROM agent WHERE id = ?1");
    db_put_i64(&q, agent);
    return db_one_i64(&q, 0) == 1;
}

void ask_inventory_ask(struct ask *ask)
{
    struct agent agent;
    if (!agent_load(ask->desk, ask_str(ask, "agent"), &agent)) {
        ask_refuse(ask, "not_found", "no such agent");
        return;
    }
    if (agent.state == AGENT_REVOKED || agent.intake < 0 || !takes_inventory(ask->desk, agent.id))
        ask_refuse(ask, "state_refuses", "the agent is not connected, or takes no inventory");
    if (ask->error)
        return;
    agent_say_begin(ask->desk, "inventory");
    agent_say_end(ask->desk, agent_link(&agent));
    agent_record_begin(ask->desk, "agent.inventory-asked", &agent, ask->who, ask->now_ns);
    desk_record_end(ask->desk, 0, STR_NONE);
}
