/* object.c - informatization objects: owner, class, contour, contacts, and which hosts and addresses are theirs. */
#include "base/civil.h"
#include "desk/inside.h"

#define OBJECTS_MAX  10000
#define CONTACTS_MAX 50
#define ASSETS_MAX   500
#define RECORDED_MAX 50000 /* bytes of a record after which no more of them are named; it holds 60,000 */

int64_t object_default(struct desk *desk, struct str name)
{
    struct db_query q = db_query(desk->db, "SELECT min(id) FROM object");
    int64_t id = db_one_i64(&q, 0);
    if (id)
        return id;
    q = db_query(desk->db, "INSERT INTO object (name, class, contour, owner, zone_offset_s)"
                           " VALUES (?1, 3, 'internal', '', ?2)");
    db_put_text(&q, name.n ? desk_cut(name, DESK_NAME_MAX) : STR("qorgan"));
    db_put_i64(&q, desk->zone_offset_s);
    db_run(&q);
    return db_last_id(desk->db);
}

static void contacts_put(struct ask *ask, int64_t object)
{
    json_write_key(ask->out, "contacts");
    json_write_array(ask->out);
    struct db_query q =
        db_query(ask->desk->db, "SELECT name, email, phone FROM contact WHERE object = ?1 ORDER BY place");
    db_put_i64(&q, object);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "name", db_text(&q));
        json_put_str(ask->out, "email", db_text(&q));
        json_put_str(ask->out, "phone", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void assets_put(struct ask *ask, int64_t object)
{
    json_write_key(ask->out, "assets");
    json_write_array(ask->out);
    struct db_query q = db_query(ask->desk->db, "SELECT kind, pattern FROM asset WHERE object = ?1 ORDER BY place");
    db_put_i64(&q, object);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "kind", db_text(&q));
        json_put_str(ask->out, "pattern", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_object_list(struct ask *ask)
{
    json_write_key(ask->out, "objects");
    json_write_array(ask->out);
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, name, class, contour, owner, zone_offset_s, keep_days,"
                                " critical, (SELECT count(*) FROM incident i WHERE i.object = object.id AND i.open = 1)"
                                " FROM object ORDER BY id");
    while (db_next(&q)) {
        int64_t id = db_i64(&q);
        json_write_object(ask->out);
        json_put_int(ask->out, "id", id);
        json_put_str(ask->out, "name", db_text(&q));
        json_put_int(ask->out, "class", db_i64(&q));
        json_put_str(ask->out, "contour", db_text(&q));
        json_put_str(ask->out, "owner", db_text(&q));
        json_put_int(ask->out, "zone_offset_s", db_i64(&q));
        json_put_int(ask->out, "keep_days", db_i64(&q));
        json_put_bool(ask->out, "critical", db_i64(&q) > 0);
        json_put_int(ask->out, "open_incidents", db_i64(&q));
        contacts_put(ask, id);
        assets_put(ask, id);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

struct object {
    int64_t id, class, zone_offset_s;
    int64_t keep_days; /* 0: as everywhere */
    int64_t critical;  /* a critically important object: order 52/NK p.19-26 */
    struct str name, contour, owner;
    const struct json_value *contacts, *assets;
};

static bool text_valid(struct str text, size_t limit)
{
    return text.n <= limit && desk_one_line(text);
}

static bool contacts_valid(const struct json_value *contacts)
{
    if (contacts && contacts->kind != JSON_ARRAY)
        return false;
    for (const struct json_value *c = json_first(contacts); c; c = c->next)
        if (!text_valid(json_str(json_get(c, "name"), STR("")), DESK_NAME_MAX) ||
            !text_valid(json_str(json_get(c, "email"), STR("")), DESK_NAME_MAX) ||
            !text_valid(json_str(json_get(c, "phone"), STR("")), DESK_NAME_MAX))
            return false;
    return !contacts || contacts->count <= CONTACTS_MAX;
}

static bool assets_valid(const struct json_value *assets)
{
    if (assets && assets->kind != JSON_ARRAY)
        return false;
    for (const struct json_value *a = json_first(assets); a; a = a->next)
        if (!asset_valid(json_str(json_get(a, "kind"), STR("")), json_str(json_get(a, "pattern"), STR(""))))
            return false;
    return !assets || assets->count <= ASSETS_MAX;
}

/* What stands in the database; zeroes for a new one. False when the id is unknown. */
static bool object_load(struct ask *ask, int64_t id, struct object *object)
{
    *object = (struct object){
        .class = 3,
        .zone_offset_s = ask->desk->zone_offset_s,
        .contour = STR("internal"),
        .owner = STR(""),
        .name = STR(""),
    };
    if (id == 0)
        return true;
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, class, zone_offset_s, keep_days, critical, name, contour, owner"
                                " FROM object WHERE id = ?1");
    db_put_i64(&q, id);
    if (db_next(&q)) {
        object->id = db_i64(&q);
        object->class = db_i64(&q);
        object->zone_offset_s = db_i64(&q);
        object->keep_days = db_i64(&q);
        object->critical = db_i64(&q);
        object->name = db_text_copy(&q, ask->arena);
        object->contour = db_text_copy(&q, ask->arena);
        object->owner = db_text_copy(&q, ask->arena);
    }
    db_query_end(&q);
    return object->id != 0;
}

/* One that is not changed stays, even if more is asked for by now: whoever changes a contact need not know of it. */
static void keep_days_read(struct ask *ask, const struct json_value *in, struct object *object)
{
    const struct json_value *days = json_get(in, "keep_days");
    int64_t before = object->keep_days;
    if (days)
        object->keep_days = days->kind == JSON_NULL ? 0 : json_int(days, -1);
    if (object->keep_days != before && !ask->error)
        object_term_check(ask, object->id, object->keep_days);
}

static bool object_read(struct ask *ask, struct object *object)
{
    const struct json_value *in = json_get(ask->question, "object");
    if (!in || in->kind != JSON_OBJECT) {
        ask_invalid(ask, "object", "not an object");
        return false;
    }
    if (!object_load(ask, json_int(json_get(in, "id"), 0), object)) {
        ask_refuse(ask, "not_found", "no such object");
        return false;
    }
    object->name = json_str(json_get(in, "name"), object->name);
    object->class = json_int(json_get(in, "class"), object->class);
    object->contour = json_str(json_get(in, "contour"), object->contour);
    object->owner = json_str(json_get(in, "owner"), object->owner);
    object->zone_offset_s = json_int(json_get(in, "zone_offset_s"), object->zone_offset_s);
    object->critical = json_bool(json_get(in, "critical"), object->critical != 0);
    object->contacts = json_get(in, "contacts");
    object->assets = json_get(in, "assets");
    if (str_trim(object->name).n == 0 || !text_valid(object->name, DESK_NAME_MAX))
        ask_invalid(ask, "name", "the name is empty or too long");
    else if (object->class < 1 || object->class > 3)
        ask_invalid(ask, "class", "the class is 1, 2 or 3");
    else if (!desk_catalogue_has(&ask->desk->catalogue, "contour", object->contour))
        ask_invalid(ask, "contour", "no such contour");
    else if (!text_valid(object->owner, DESK_NAME_MAX))
        ask_invalid(ask, "owner", "the owner is too long");
    else if (object->zone_offset_s < -12 * HOUR_S || object->zone_offset_s > 14 * HOUR_S)
        ask_invalid(ask, "zone_offset_s", "the zone is outside -12:00 to +14:00");
    else if (!contacts_valid(object->contacts))
        ask_invalid(ask, "contacts", "too many contacts, or one too long");
    else if (!assets_valid(object->assets))
        ask_invalid(ask, "assets", "too many rules, or one that is neither host pattern nor network");
    keep_days_read(ask, in, object);
    return !ask->error;
}

static void lists_write(struct ask *ask, const struct object *object)
{
    struct db *db = ask->desk->db;
    int64_t place = 0;
    if (object->contacts)
        db_run_i64(db, "DELETE FROM contact WHERE object = ?1", object->id);
    for (const struct json_value *c = json_first(object->contacts); c; c = c->next) {
        struct db_query q =
            db_query(db, "INSERT INTO contact (object, place, name, email, phone) VALUES (?1, ?2, ?3, ?4, ?5)");
        db_put_i64(&q, object->id);
        db_put_i64(&q, place++);
        db_put_text(&q, json_str(json_get(c, "name"), STR("")));
        db_put_text(&q, json_str(json_get(c, "email"), STR("")));
        db_put_text(&q, json_str(json_get(c, "phone"), STR("")));
        db_run(&q);
    }
    if (object->assets)
        db_run_i64(db, "DELETE FROM asset WHERE object = ?1", object->id);
    for (const struct json_value *a = json_first(object->assets); a; a = a->next) {
        struct db_query q = db_query(db, "INSERT INTO asset (object, place, kind, pattern) VALUES (?1, ?2, ?3, ?4)");
        db_put_i64(&q, object->id);
        db_put_i64(&q, place++);
        db_put_text(&q, json_str(json_get(a, "kind"), STR("")));
        db_put_text(&q, json_str(json_get(a, "pattern"), STR("")));
        db_run(&q);
    }
}

/* Whether another object has this name, or there is no room for one more. */
static bool object_fits(struct ask *ask, const struct object *object)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM object WHERE name = ?1 AND id <> ?2");
    db_put_text(&q, object->name);
    db_put_i64(&q, object->id);
    if (db_one_i64(&q, 0) > 0)
        ask_invalid(ask, "name", "another object has this name");
    q = db_query(ask->desk->db, "SELECT count(*) FROM object");
    if (db_one_i64(&q, 0) >= OBJECTS_MAX && object->id == 0)
        ask_invalid(ask, "name", "there are too many objects");
    return !ask->error;
}

/* Which hosts and networks are the object's decides how long their records are kept: who reads the archive must see it.
 * As many as a record holds; the count is of all. */
static void assets_record(struct ask *ask, int64_t object, struct buf *body)
{
    struct db_query q = db_query(ask->desk->db, "SELECT pattern FROM asset WHERE object = ?1 ORDER BY place");
    int64_t count = 0;
    db_put_i64(&q, object);
    json_write_key(body, "assets");
    json_write_array(body);
    for (; db_next(&q); count++)
        if (body->n < RECORDED_MAX)
            json_write_str(body, db_text(&q));
    json_write_array_end(body);
    json_put_int(body, "assets_count", count);
}

void ask_object_save(struct ask *ask)
{
    struct object object;
    if (!object_read(ask, &object) || !object_fits(ask, &object))
        return;
    struct db_query q = db_query(
        ask->desk->db, "INSERT INTO object (id, name, class, contour, owner, zone_offset_s, keep_days,"
                       " critical) VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET"
                       " name = ?2, class = ?3, contour = ?4, owner = ?5, zone_offset_s = ?6, keep_days = ?7,"
                       " critical = ?8");
    db_put_i64(&q, object.id);
    db_put_text(&q, object.name);
    db_put_i64(&q, object.class);
    db_put_text(&q, object.contour);
    db_put_text(&q, object.owner);
    db_put_i64(&q, object.zone_offset_s);
    db_put_i64(&q, object.keep_days);
    db_put_i64(&q, object.critical);
    db_run(&q);
    if (object.id == 0)
        object.id = db_last_id(ask->desk->db);
    lists_write(ask, &object);
    ask->desk->assets_stale = true; /* read again in the next transaction, when this one has held */
    ask->desk->objects_version++;   /* should it not hold, the same is told again */
    struct buf *body = desk_record_begin(ask->desk, "object.saved", ask->who, ask->now_ns);
    json_put_int(body, "object_id", object.id);
    json_put_str(body, "object", object.name);
    json_put_int(body, "class", object.class);
    json_put_str(body, "contour", object.contour);
    json_put_str(body, "owner", object.owner);
    json_put_int(body, "keep_days", object.keep_days);
    json_put_bool(body, "critical", object.critical != 0);
    assets_record(ask, object.id, body);
    desk_record_end(ask->desk, 0, STR_NONE);
    json_put_int(ask->out, "id", object.id);
}
