#include "desk/inventory.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/agent.h"

#include <string.h>

#define DEPTH     12u
#define KEY_MAX   512u
#define VALUE_MAX 4096u
#define KIND_MAX  32u
#define PRUNED    500 /* changes that go at once */
#define DAY_NS    (DAY_S * SECOND_NS)

struct host {
    int64_t agent;
    int64_t taken;
    int64_t items;
    int64_t changes;
    int64_t full;
};

struct taking {
    struct desk *desk;
    const struct desk_inventory_record *record;
    struct host host;
    int64_t *room; /* items that all hosts together may still have */
    struct str kind;
    bool changed; /* a row of the history was written */
};

struct item {
    struct str key, value, now;
};

/* ---- whose it is ---- */

/* doc/format/delivery.md, Numbers and identity: the agent's own stream, which has no name. */
static void source_of(struct desk *desk, struct str uuid, uint8_t ret_source[16])
{
    struct tlog_hash hash;
    tlog_hash_begin(desk->hasher);
    tlog_hash_add(desk->hasher, str_at("agent", 6));
    tlog_hash_add(desk->hasher, uuid);
    tlog_hash_add(desk->hasher, str_at("\0agent", 7));
    tlog_hash_end(desk->hasher, &hash);
    memcpy(ret_source, &hash, 16);
}

static int64_t agent_of(struct desk *desk, const uint8_t source[16])
{
    int64_t found = 0;
    struct db_query q = db_query(desk->db, "SELECT id, uuid FROM agent ORDER BY id DESC");
    while (!found && db_next(&q)) {
        uint8_t own[16];
        int64_t id = db_i64(&q);
        source_of(desk, db_text(&q), own);
        found = memcmp(own, source, sizeof own) == 0 ? id : 0;
    }
    if (found)
        db_query_end(&q);
    return found;
}

static bool host_load(struct desk *desk, const uint8_t source[16], struct host *ret_host)
{
    struct db_query q = db_query(desk->db, "SELECT agent, taken, items, changes, full FROM inventory_host WHERE source"
                                           " = ?1");
    db_put_blob(&q, str_at(source, 16));
    if (!db_next(&q))
        return false;
    ret_host->agent = db_i64(&q);
    ret_host->taken = db_i64(&q);
    ret_host->items = db_i64(&q);
    ret_host->changes = db_i64(&q);
    ret_host->full = db_i64(&q);
    db_query_end(&q);
    return true;
}

static bool host_make(struct desk *desk, const struct desk_inventory_record *record, struct host *ret_host)
{
    *ret_host = (struct host){.agent = agent_of(desk, record->source), .taken = -1};
    if (!ret_host->agent)
        return false;
    struct db_query q = db_query(desk->db, "INSERT INTO inventory_host (agent, source, first_ns, heard_ns, changed_ns,"
                                           " taken, items, changes, full) VALUES (?1, ?2, ?3, ?3, 0, -1, 0, 0, 0)");
    db_put_i64(&q, ret_host->agent);
    db_put_blob(&q, str_at(record->source, 16));
    db_put_i64(&q, record->received_ns);
    db_run(&q);
    return !db_failed(desk->db);
}

static void host_store(const struct taking *taking)
{
    struct db_query q = db_query(taking->desk->db, "UPDATE inventory_host SET heard_ns = ?2, taken = ?3, items = ?4,"
                                                   " changes = ?5, full = ?6, changed_ns = CASE ?7 WHEN 1 THEN ?2"
                                                   " ELSE changed_ns END WHERE agent = ?1");
    db_put_i64(&q, taking->host.agent);
    db_put_i64(&q, taking->record->received_ns);
    db_put_i64(&q, (int64_t)taking->record->record);
    db_put_i64(&q, taking->host.items);
    db_put_i64(&q, taking->host.changes);
    db_put_i64(&q, taking->host.full);
    db_put_i64(&q, taking->changed);
    db_run(&q);
}

/* ---- the history ---- */

static void change_put(struct taking *taking, enum inventory_change change, bool found, const struct item *item,
                       struct str before)
{
    struct db *db = taking->desk->db;
    struct db_query q = db_query(db, "INSERT INTO inventory_change (agent, time_ns, record, change, found, kind, key,"
                                     " value, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    db_put_i64(&q, taking->host.agent);
    db_put_i64(&q, taking->record->received_ns);
    db_put_i64(&q, (int64_t)taking->record->record);
    db_put_i64(&q, change);
    db_put_i64(&q, found);
    db_put_text(&q, taking->kind);
    db_put_text(&q, item->key);
    db_put_text(&q, change == INVENTORY_REMOVED ? STR("") : item->value);
    db_put_text(&q, before);
    db_run(&q);
    taking->changed = true;
    if (++taking->host.changes <= INVENTORY_CHANGES_MAX)
        return;
    q = db_query(db, "DELETE FROM inventory_change WHERE id IN (SELECT id FROM inventory_change WHERE agent = ?1"
                     " ORDER BY id LIMIT ?2)");
    db_put_i64(&q, taking->host.agent);
    db_put_i64(&q, PRUNED);
    taking->host.changes -= db_run(&q);
}

/* ---- items ---- */

static bool item_now(struct taking *taking, struct str key, struct str *ret_value)
{
    struct db_query q = db_query(taking->desk->db, "SELECT value FROM inventory_item WHERE agent = ?1 AND kind = ?2"
                                                   " AND key = ?3");
    db_put_i64(&q, taking->host.agent);
    db_put_text(&q, taking->kind);
    db_put_text(&q, key);
    if (!db_next(&q))
        return false;
    *ret_value = db_text_copy(&q, taking->desk->scratch);
    db_query_end(&q);
    return true;
}

/* What a person looks for it by. */
struct names {
    struct str name;    /* of a package or device its own, of a port its number, else the key */
    struct str also;    /* the source of a package, the program of a port, who is in a group, a serial number */
    struct str version; /* of a package */
};

static struct names names_of(struct taking *taking, const struct item *item)
{
    static const char *const others[] = {"source", "program", "user", "serial", "mac", "model"};
    struct names names = {item->key, STR(""), STR("")};
    struct json_value *value = NULL;
    if (json_parse(taking->desk->scratch, item->value, DEPTH, &value, NULL) != RC_OK)
        return names;
    const struct json_value *port = json_get(value, "port");
    names.name = port && port->kind == JSON_NUMBER ? port->text : json_str(json_get(value, "name"), item->key);
    names.version = json_str(json_get(value, "version"), STR(""));
    for (size_t i = 0; i < ARRAY_LEN(others) && names.also.n == 0; i++)
        names.also = json_str(json_get(value, others[i]), STR(""));
    names.also = str_slice(names.also, 0, str_search(names.also, STR(" ("))); /* behind it: the source's version */
    return names;
}

static void item_put(struct taking *taking, const struct item *item, int64_t seen)
{
    struct names names = names_of(taking, item);
    struct db_query q =
        db_query(taking->desk->db, "INSERT INTO inventory_item (agent, kind, key, name, also, version, value, now,"
                                   " since_ns, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                                   " ON CONFLICT (agent, kind, key) DO UPDATE SET name = excluded.name,"
                                   " also = excluded.also, version = excluded.version,"
                                   " since_ns = CASE value WHEN excluded.value THEN since_ns ELSE excluded.since_ns"
                                   " END, value = excluded.value, now = excluded.now, seen = excluded.seen");
    db_put_i64(&q, taking->host.agent);
    db_put_text(&q, taking->kind);
    db_put_text(&q, item->key);
    db_put_text(&q, names.name);
    db_put_text(&q, names.also);
    db_put_text(&q, names.version);
    db_put_text(&q, item->value);
    db_put_text(&q, item->now);
    db_put_i64(&q, taking->record->received_ns);
    db_put_i64(&q, seen);
    db_run(&q);
}

/* An item that is there. `found`: by a snapshot, whose first one finds everything and changes nothing. */
static void item_is(struct taking *taking, const struct item *item, int64_t seen, bool found, bool first)
{
    struct str before = STR("");
    bool known = item_now(taking, item->key, &before);
    if (!known && (taking->host.items >= INVENTORY_ITEMS_MAX || *taking->room <= 0)) {
        taking->host.full++;
        return;
    }
    item_put(taking, item, seen);
    taking->host.items += !known;
    *taking->room -= !known;
    if (known && str_eq(before, item->value))
        return;
    if (!first)
        change_put(taking, known ? INVENTORY_CHANGED : INVENTORY_ADDED, found, item, before);
}

static void item_gone(struct taking *taking, const struct item *item, bool found)
{
    struct str before = STR("");
    if (!item_now(taking, item->key, &before))
        return;
    struct db_query q = db_query(taking->desk->db, "DELETE FROM inventory_item WHERE agent = ?1 AND kind = ?2 AND key"
                                                   " = ?3");
    db_put_i64(&q, taking->host.agent);
    db_put_text(&q, taking->kind);
    db_put_text(&q, item->key);
    taking->host.items -= db_run(&q);
    change_put(taking, INVENTORY_REMOVED, found, item, before);
}

/* ---- records ---- */

static bool item_fits(const struct item *item)
{
    return item->key.n > 0 && item->key.n <= KEY_MAX && item->value.n <= VALUE_MAX && item->now.n <= VALUE_MAX;
}

static struct str object_text(const struct json_value *value)
{
    return value && value->kind == JSON_OBJECT ? value->text : STR("");
}

static void change_take(struct taking *taking, const struct json_value *object, bool removed)
{
    const struct item item = {.key = json_str(json_get(object, "key"), STR("")),
                              .value = object_text(json_get(object, "value")),
                              .now = object_text(json_get(object, "now"))};
    if (!item_fits(&item) || (item.value.n == 0) != removed)
        return;
    if (removed)
        item_gone(taking, &item, false);
    else
        item_is(taking, &item, 0, false, false); /* the next snapshot must name it */
}

/* How far a kind's snapshots are. */
struct progress {
    int64_t snapshot;
    int64_t next; /* the part that is to come; 0: one was missed, or none was begun */
    int64_t whole_ns;
    int64_t items; /* of the parts so far */
};

static struct progress progress_load(const struct taking *taking)
{
    struct progress progress = {0};
    struct db_query q = db_query(taking->desk->db, "SELECT snapshot, next, whole_ns, items FROM inventory_kind WHERE"
                                                   " agent = ?1 AND kind = ?2");
    db_put_i64(&q, taking->host.agent);
    db_put_text(&q, taking->kind);
    if (!db_next(&q))
        return progress;
    progress.snapshot = db_i64(&q);
    progress.next = db_i64(&q);
    progress.whole_ns = db_i64(&q);
    progress.items = db_i64(&q);
    db_query_end(&q);
    return progress;
}

static void progress_store(const struct taking *taking, const struct progress *progress)
{
    struct db_query q = db_query(taking->desk->db, "INSERT INTO inventory_kind (agent, kind, snapshot, next, whole_ns,"
                                                   " items) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (agent, kind)"
                                                   " DO UPDATE SET snapshot = excluded.snapshot, next = excluded.next,"
                                                   " whole_ns = excluded.whole_ns, items = excluded.items");
    db_put_i64(&q, taking->host.agent);
    db_put_text(&q, taking->kind);
    db_put_i64(&q, progress->snapshot);
    db_put_i64(&q, progress->next);
    db_put_i64(&q, progress->whole_ns);
    db_put_i64(&q, progress->items);
    db_run(&q);
}

/* The next item behind the key that a snapshot did not name. */
static bool unseen_next(struct taking *taking, int64_t snapshot, struct item *item)
{
    struct db_query q = db_query(taking->desk->db, "SELECT key FROM inventory_item WHERE agent = ?1 AND kind = ?2 AND"
                                                   " seen <> ?3 AND key > ?4 ORDER BY key LIMIT 1");
    db_put_i64(&q, taking->host.agent);
    db_put_text(&q, taking->kind);
    db_put_i64(&q, snapshot);
    db_put_text(&q, item->key);
    if (!db_next(&q))
        return false;
    *item = (struct item){.key = db_text_copy(&q, taking->desk->scratch)};
    db_query_end(&q);
    return !db_failed(taking->desk->db);
}

/* A whole one that was told to its end: what it does not name is gone. One that is not whole changes nothing of that;
 * the next one does. */
static void snapshot_end(struct taking *taking, struct progress *progress, const struct json_value *object)
{
    struct item item = {.key = STR("")};
    bool whole = progress->next > 0 && json_int(json_get(object, "count"), -1) == progress->items;
    progress->next = 0;
    if (!whole)
        return;
    while (unseen_next(taking, progress->snapshot, &item))
        item_gone(taking, &item, true);
    progress->whole_ns = taking->record->received_ns;
    if (str_is(taking->kind, "system"))
        taking->host.full = 0; /* the first kind of a new round says again what finds no place */
}

static void snapshot_take(struct taking *taking, const struct json_value *object)
{
    const struct json_value *items = json_get(object, "items");
    int64_t id = json_int(json_get(object, "snapshot"), 0);
    int64_t part = json_int(json_get(object, "part"), 0);
    struct progress progress = progress_load(taking);
    bool first = progress.whole_ns == 0;
    if (!items || items->kind != JSON_ARRAY || id <= 0 || part <= 0)
        return;
    if (id != progress.snapshot)
        progress = (struct progress){.snapshot = id, .next = 1, .whole_ns = progress.whole_ns};
    progress.next = part == progress.next ? part + 1 : 0;
    for (const struct json_value *row = json_first(items); row; row = row->next) {
        const struct json_value *key = json_first(row);
        const struct json_value *value = key ? key->next : NULL;
        const struct item item = {
            .key = json_str(key, STR("")), .value = object_text(value), .now = object_text(value ? value->next : NULL)};
        progress.items++;
        if (row->kind == JSON_ARRAY && item_fits(&item) && item.value.n)
            item_is(taking, &item, id, true, first);
    }
    if (json_bool(json_get(object, "last"), false))
        snapshot_end(taking, &progress, object);
    progress_store(taking, &progress);
}

static bool kind_valid(struct str kind)
{
    for (size_t i = 0; i < kind.n; i++)
        if (kind.p[i] < 'a' || kind.p[i] > 'z')
            return false;
    return kind.n > 0 && kind.n <= KIND_MAX;
}

static void record_take(struct desk *desk, const struct desk_inventory_record *record, int64_t *room)
{
    struct json_value *object = NULL;
    struct taking taking = {.desk = desk, .record = record, .room = room};
    if (json_parse(desk->scratch, record->json, DEPTH, &object, NULL) != RC_OK)
        return;
    struct str event = json_str(json_get(object, "event"), STR(""));
    taking.kind = json_str(json_get(object, "kind"), STR(""));
    if (!kind_valid(taking.kind) ||
        (!host_load(desk, record->source, &taking.host) && !host_make(desk, record, &taking.host)) ||
        (int64_t)record->record <= taking.host.taken)
        return;
    if (str_is(event, "inventory.snapshot"))
        snapshot_take(&taking, object);
    else if (str_is(event, "inventory.added") || str_is(event, "inventory.changed"))
        change_take(&taking, object, false);
    else if (str_is(event, "inventory.removed"))
        change_take(&taking, object, true);
    host_store(&taking);
}

enum rc desk_inventory_take(struct desk *desk, const struct desk_inventory_record *records, size_t count,
                            struct err *err)
{
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT coalesce(sum(items), 0) FROM inventory_host");
    int64_t room = INVENTORY_TOTAL_MAX - db_one_i64(&q, 0);
    for (size_t i = 0; i < count && !db_failed(desk->db); i++) {
        struct arena_mark mark = arena_mark(desk->scratch);
        record_take(desk, &records[i], &room);
        arena_rewind(desk->scratch, mark);
    }
    return desk_end(desk, true, err);
}

/* One agent at a time: whoever is revoked needs no inventory after a while, and the archive has it. */
void inventory_clean(struct desk *desk, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "SELECT h.agent FROM inventory_host h JOIN agent a ON a.id = h.agent WHERE"
                                           " a.state = 1 AND a.revoked_ns < ?1 LIMIT 1");
    db_put_i64(&q, now_ns - INVENTORY_KEEP_DAYS * DAY_NS);
    int64_t agent = db_one_i64(&q, 0);
    if (!agent)
        return;
    db_run_i64(desk->db, "DELETE FROM inventory_item WHERE agent = ?1", agent);
    db_run_i64(desk->db, "DELETE FROM inventory_change WHERE agent = ?1", agent);
    db_run_i64(desk->db, "DELETE FROM inventory_kind WHERE agent = ?1", agent);
    db_run_i64(desk->db, "DELETE FROM inventory_host WHERE agent = ?1", agent);
}
