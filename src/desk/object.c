/* object.c - informatization objects: the list of them, and what a person saves of one, checked against what stood, as
 * a change, a draft, or only to see what would change. */
#include "desk/object.h"

#include "base/bytes.h"
#include "base/civil.h"

#define OBJECTS_MAX  10000
#define VERSIONS_MAX 50    /* cards of an object that are kept; the archive has what changed with every one */
#define RECORDED_MAX 40000 /* bytes of a record after which no more changes are named; it holds 60,000 */
#define ASSETS_NAMED 10000 /* bytes of it for hosts and networks */
#define REASON_MAX   2000  /* bytes */
#define DIFFER_MAX   ((size_t)400 << 10)

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

/* --- the list --- */

/* Ten thousand objects are one answer: what is empty is left out, but for what always stood there. */
static void member_put(struct ask *ask, const char *name, struct str value, bool always)
{
    if (always || value.n)
        json_put_str(ask->out, name, value);
}

static void rows_put(struct ask *ask, int64_t object, const char *name, const char *select)
{
    static const char *const contact[] = {"name", "email", "phone", "post", "since", NULL};
    static const char *const asset[] = {"kind", "pattern", NULL};
    const char *const *columns = str_is(str_of(name), "assets") ? asset : contact;
    json_write_key(ask->out, name);
    json_write_array(ask->out);
    struct db_query q = db_query(ask->desk->db, select);
    db_put_i64(&q, object);
    while (db_next(&q)) {
        json_write_object(ask->out);
        for (size_t i = 0; columns[i]; i++)
            member_put(ask, columns[i], db_text(&q), i < 3);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* A row of the list, as far as the table itself goes. */
static void object_put(struct ask *ask, struct db_query *q)
{
    json_put_str(ask->out, "name", db_text(q));
    json_put_int(ask->out, "class", db_i64(q));
    json_put_str(ask->out, "contour", db_text(q));
    json_put_str(ask->out, "owner", db_text(q));
    json_put_int(ask->out, "zone_offset_s", db_i64(q));
    json_put_int(ask->out, "keep_days", db_i64(q));
    json_put_bool(ask->out, "critical", db_i64(q) > 0);
    json_put_int(ask->out, "version", db_i64(q));
    if (db_i64(q) > 0)
        json_put_bool(ask->out, "private", true);
    static const char *const days[] = {"critical_day", "trial_day", "trial_end_day", "industrial_day",
                                       "discontinued_day"};
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        member_put(ask, days[i], db_text(q), false);
    json_put_int(ask->out, "open_incidents", db_i64(q));
}

void ask_object_list(struct ask *ask)
{
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_OBJECTS);
    json_write_key(ask->out, "objects");
    json_write_array(ask->out);
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, name, class, contour, owner, zone_offset_s, keep_days, critical, version,"
                                " private, critical_day, trial_day, trial_end_day, industrial_day, discontinued_day,"
                                " (SELECT count(*) FROM incident i WHERE i.object = object.id AND i.open = 1)"
                                " FROM object ORDER BY id");
    while (db_next(&q)) {
        int64_t id = db_i64(&q);
        json_write_object(ask->out);
        json_put_int(ask->out, "id", id);
        object_put(ask, &q);
        rows_put(ask, id, "contacts",
                 "SELECT name, email, phone, post, since FROM contact WHERE object = ?1 ORDER BY place");
        rows_put(ask, id, "assets", "SELECT kind, pattern FROM asset WHERE object = ?1 ORDER BY place");
        clocks_put_next(ask->desk, ask->out, SUBJECT_OBJECT, id);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* --- saving --- */

/* Whether another object has this name, or there is no room for one more. */
static bool object_fits(struct ask *ask, const struct card *card)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM object WHERE name = ?1 AND id <> ?2");
    db_put_text(&q, card->setting[CARD_NAME]);
    db_put_i64(&q, card->id);
    if (db_one_i64(&q, 0) > 0)
        ask_invalid(ask, "name", "another object has this name");
    q = db_query(ask->desk->db, "SELECT count(*) FROM object");
    if (db_one_i64(&q, 0) >= OBJECTS_MAX && card->id == 0)
        ask_invalid(ask, "name", "there are too many objects");
    return !ask->error;
}

/* Who changes what he saw must have seen what stands; a program that does not say what it saw is not asked. */
static void seen_check(struct ask *ask, const struct card *was)
{
    const struct json_value *version = json_get(ask->question, "version");
    if (version && json_int(version, -1) != was->version)
        ask_refuse(ask, "object_changed", "somebody else changed the object");
}

/* Contacts that differ get the day of the change; those that stay keep theirs. */
static void contacts_date(struct ask *ask, const struct card *was, struct card *card, int64_t changed_ns)
{
    struct str day = card_day_text(ask, card_number(card, CARD_ZONE), changed_ns);
    for (size_t n = 0; n < card->count[CARD_CONTACTS]; n++) {
        struct card_row *row = &card->row[CARD_CONTACTS][n];
        size_t k = 0;
        while (k < was->count[CARD_CONTACTS] && !card_row_same(row, &was->row[CARD_CONTACTS][k], CARD_CONTACTS, false))
            k++;
        if (row->cell[CONTACT_SINCE].n)
            continue;
        if (k < was->count[CARD_CONTACTS])
            row->cell[CONTACT_SINCE] = was->row[CARD_CONTACTS][k].cell[CONTACT_SINCE];
        else if (was->count[CARD_CONTACTS])
            row->cell[CONTACT_SINCE] = day;
    }
}

/* Which hosts and networks are the object's decides how long their records are kept: who reads the archive must see it.
 * As many as a record holds; the count is of all. */
static void assets_record(const struct card *card, struct buf *body)
{
    size_t begin = body->n;
    json_write_key(body, "assets");
    json_write_array(body);
    for (size_t n = 0; n < card->count[CARD_ASSETS]; n++)
        if (body->n - begin < ASSETS_NAMED)
            json_write_str(body, card->row[CARD_ASSETS][n].cell[1]);
    json_write_array_end(body);
    json_put_int(body, "assets_count", (int64_t)card->count[CARD_ASSETS]);
}

struct str object_card_text(struct ask *ask, const struct card *card)
{
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, CARD_BYTES_MAX);
    json_write_object(&text);
    card_put(ask->desk, card, &text);
    json_write_object_end(&text);
    struct str copy = text.overflow ? STR_NONE : arena_str(ask->arena, buf_view(&text));
    if (!copy.p)
        ask_invalid(ask, "means", "the card is longer than 256 KiB");
    return copy;
}

struct str object_card_digest(struct ask *ask, struct str text)
{
    struct tlog_hash digest;
    char hex[2 * TLOG_HASH_SIZE];
    tlog_hash_bytes(ask->desk->hasher, text, &digest);
    struct str copy = arena_str(ask->arena, str_at(hex, hex_encode(digest.bytes, TLOG_HASH_SIZE, hex)));
    return copy.p ? copy : STR("");
}

struct version {
    struct str digest, text, changed;
    size_t changes;
};

static void version_store(struct ask *ask, const struct card *card, const struct version *version)
{
    struct db_query q = db_query(ask->desk->db, "INSERT INTO object_version (object, version, time_ns, who, reason,"
                                                " sha256, changes, changed, card) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                                                " ?8, ?9)");
    db_put_i64(&q, card->id);
    db_put_i64(&q, card->version);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_put_text(&q, ask_str(ask, "reason"));
    db_put_text(&q, version->digest);
    db_put_i64(&q, (int64_t)version->changes);
    db_put_text(&q, version->changed);
    db_put_text(&q, version->text);
    db_run(&q);
    q = db_query(ask->desk->db, "DELETE FROM object_version WHERE object = ?1 AND version <= ?2");
    db_put_i64(&q, card->id);
    db_put_i64(&q, card->version - VERSIONS_MAX);
    db_run(&q);
}

static void object_record(struct ask *ask, const struct card *was, const struct card *card, struct str text)
{
    struct version version = {.digest = object_card_digest(ask, text), .text = text};
    struct str reason = ask_str(ask, "reason");
    struct buf *body = desk_record_begin(ask->desk, "object.saved", ask->who, ask->now_ns);
    json_put_int(body, "object_id", card->id);
    json_put_str(body, "object", card->setting[CARD_NAME]);
    json_put_int(body, "class", card_number(card, CARD_CLASS));
    json_put_str(body, "contour", card->setting[CARD_CONTOUR]);
    json_put_str(body, "owner", card->setting[CARD_OWNER]);
    json_put_int(body, "keep_days", card_number(card, CARD_KEEP_DAYS));
    json_put_bool(body, "critical", card_number(card, CARD_CRITICAL) != 0);
    assets_record(card, body);
    json_put_int(body, "version", card->version);
    json_put_str(body, "sha256", version.digest);
    json_write_key(body, "changes");
    size_t begin = body->n;
    version.changes = card_diff(ask, was, card, RECORDED_MAX, body);
    version.changed = arena_str(ask->arena, str_skip(buf_view(body), begin));
    json_put_int(body, "changes_count", (int64_t)version.changes);
    desk_record_end_of(ask->desk, SUBJECT_OBJECT, card->id, reason);
    version.changed = version.changed.p && !body->overflow ? version.changed : STR("[]");
    version_store(ask, card, &version);
}

static void draft_store(struct ask *ask, const struct card *was, struct str text)
{
    struct db_query q = db_query(ask->desk->db, "INSERT INTO object_draft (object, time_ns, who, version, card) VALUES"
                                                " (?1, ?2, ?3, ?4, ?5) ON CONFLICT (object) DO UPDATE SET time_ns = ?2,"
                                                " who = ?3, version = ?4, card = ?5");
    db_put_i64(&q, was->id);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_put_i64(&q, was->version);
    db_put_text(&q, text);
    db_run(&q);
}

/* A draft belongs to all who may change the object; who writes over one must have seen it. */
static void draft_check(struct ask *ask, const struct card *was)
{
    const struct json_value *seen = json_get(ask->question, "draft_ns");
    struct db_query q = db_query(ask->desk->db, "SELECT time_ns FROM object_draft WHERE object = ?1");
    db_put_i64(&q, was->id);
    int64_t stands = db_one_i64(&q, 0);
    if (was->id == 0)
        ask_refuse(ask, "not_found", "an object that is not there has no draft");
    else if (seen && json_int(seen, -1) != stands)
        ask_refuse(ask, "object_changed", "somebody else changed the draft");
}

static bool flag(const struct ask *ask, const char *name)
{
    return json_bool(json_get(ask->question, name), false);
}

/* What was asked for, over what stands; false when it is refused. */
static bool object_read(struct ask *ask, struct card *was, struct card *card, int64_t *ret_changed_ns)
{
    const struct json_value *in = json_get(ask->question, "object");
    int64_t changed_ns = ask_int(ask, "contacts_changed_ns");
    struct str reason = ask_str(ask, "reason");
    if (!in || in->kind != JSON_OBJECT) {
        ask_invalid(ask, "object", "not an object");
        return false;
    }
    int64_t id = json_int(json_get(in, "id"), 0);
    if (!card_load(ask, id, was) || !card_load(ask, id, card)) {
        ask_refuse(ask, "not_found", "no such object");
        return false;
    }
    *ret_changed_ns = changed_ns ? changed_ns : ask->now_ns;
    if (reason.n > REASON_MAX || !rule_text_valid(reason))
        ask_invalid(ask, "reason", "the reason is too long, or not plain text");
    if (*ret_changed_ns > ask->now_ns || *ret_changed_ns < ask->now_ns - 366 * DAY_S * SECOND_NS)
        ask_invalid(ask, "contacts_changed_ns", "the contacts changed within the last year");
    if (!card_read(ask, in, card) || !object_fits(ask, card))
        return false;
    contacts_date(ask, was, card, *ret_changed_ns);
    return true;
}

void ask_object_save(struct ask *ask)
{
    struct card was, card;
    int64_t changed_ns;
    if (!object_read(ask, &was, &card, &changed_ns))
        return;
    struct str text = object_card_text(ask, &card);
    if (!flag(ask, "dry"))
        seen_check(ask, &was);
    if (flag(ask, "draft"))
        draft_check(ask, &was);
    if (ask->error)
        return;
    bool stays = flag(ask, "draft") || flag(ask, "dry");
    json_put_int(ask->out, "version", stays ? was.version : was.version + 1);
    if (flag(ask, "dry")) {
        json_write_key(ask->out, "changes");
        json_put_int(ask->out, "changes_count", (int64_t)card_diff(ask, &was, &card, DIFFER_MAX, ask->out));
    }
    if (flag(ask, "draft") && !flag(ask, "dry"))
        draft_store(ask, &was, text);
    if (stays) {
        json_put_int(ask->out, "id", was.id);
        return;
    }
    card.version = was.version + 1;
    card_store(ask->desk, &card);
    ask->desk->assets_stale = true; /* read again in the next transaction, when this one has held */
    ask->desk->objects_version++;   /* should it not hold, the same is told again */
    object_record(ask, &was, &card, text);
    object_draft_end(ask, card.id); /* another's change leaves it, with the version it was begun with */
    object_terms_change(ask, &was, &card, changed_ns);
    json_put_int(ask->out, "id", card.id);
}
