/* hunt_changes.c - hunts that compare: what would match in the archive once a version of a pack that waits is switched
 * to, and matches now. They wait, run and stop as all hunts do (hunt.c); what came of one is a row for each rule that
 * differs, told once, when it is done. */
#include "base/assert.h"
#include "desk/rulebook.h"

#define LIST_DEFAULT 50
#define LIST_MAX     200

static const char *const kind_names[] = {
    [DESK_CHANGE_ADDED] = "added",
    [DESK_CHANGE_REMOVED] = "removed",
    [DESK_CHANGE_CHANGED] = "changed",
    [DESK_CHANGE_AFFECTED] = "affected",
};

/* ---- stored ---- */

/* Numbers with commas. */
static struct str records_text(struct desk *desk, const uint64_t *records, size_t count)
{
    char storage[DESK_HUNT_NAMED * 24];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    for (size_t i = 0; i < MIN(count, (size_t)DESK_HUNT_NAMED); i++)
        buf_format(&text, "%s%llu", i ? "," : "", (unsigned long long)MIN(records[i], (uint64_t)INT64_MAX));
    return arena_str(desk->scratch, buf_view(&text));
}

static void change_store(struct desk *desk, int64_t hunt, size_t place, const struct desk_hunt_change *change)
{
    const uint64_t numbers[] = {change->gained, change->lost, change->before, change->after};
    struct db_query q = db_query(desk->db, "INSERT INTO hunt_change (hunt, place, kind, indicators, too_many, rule_id,"
                                           " title, gained, lost, before, after, gained_records, lost_records)"
                                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
    ASSERT(change->kind <= DESK_CHANGE_AFFECTED);
    db_put_i64(&q, hunt);
    db_put_i64(&q, (int64_t)place);
    db_put_i64(&q, change->kind);
    db_put_i64(&q, change->of_indicators);
    db_put_i64(&q, change->too_many);
    db_put_text(&q, desk_cut(change->rule_id, DESK_FIELD_MAX));
    db_put_text(&q, desk_cut(change->title, DESK_NAME_MAX));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        db_put_i64(&q, (int64_t)MIN(numbers[i], (uint64_t)INT64_MAX));
    db_put_text(&q, records_text(desk, change->gained_records, change->gained_count));
    db_put_text(&q, records_text(desk, change->lost_records, change->lost_count));
    db_run(&q);
}

void hunt_changes_store(struct desk *desk, int64_t hunt, const struct desk_hunt_report *report)
{
    struct db_query q = db_query(desk->db, "UPDATE hunt SET gained = ?2, lost = ?3, changes = ?4 WHERE id = ?1");
    db_put_i64(&q, hunt);
    db_put_i64(&q, (int64_t)MIN(report->gained, (uint64_t)INT64_MAX));
    db_put_i64(&q, (int64_t)MIN(report->lost, (uint64_t)INT64_MAX));
    db_put_i64(&q, (int64_t)MIN(report->change_total, (uint64_t)INT64_MAX));
    db_run(&q);
    for (size_t i = 0; i < MIN(report->change_count, (size_t)DESK_HUNT_CHANGES); i++)
        change_store(desk, hunt, i, &report->changes[i]);
}

/* ---- ordered ---- */

static const struct desk_rule_pack *waiting_of(const struct rulebook *book, struct str name)
{
    for (size_t i = 0; i < book->pack_count; i++)
        if (book->pack[i].waits && str_eq(book->pack[i].name, name))
            return &book->pack[i];
    return NULL;
}

static struct str version_of(const struct rulebook *book, struct str name)
{
    for (size_t i = 0; i < book->pack_count; i++)
        if (!book->pack[i].waits && str_eq(book->pack[i].name, name))
            return book->pack[i].version;
    return STR("");
}

/* "pack", "from_ns", "to_ns": 0 is open. */
void ask_rule_compare(struct ask *ask)
{
    const struct rulebook *book = ask->desk->rulebook;
    const struct desk_rule_pack *next = waiting_of(book, ask_str(ask, "pack"));
    if (!next)
        ask_refuse(ask, "not_found", "no version of such a pack waits");
    int64_t hunt = next ? hunt_insert_asked(ask) : 0;
    if (hunt == 0)
        return;
    struct db_query q = db_query(ask->desk->db, "UPDATE hunt SET pack = ?2, version = ?3, was_version = ?4"
                                                " WHERE id = ?1");
    db_put_i64(&q, hunt);
    db_put_text(&q, next->name);
    db_put_text(&q, next->version);
    db_put_text(&q, version_of(book, next->name));
    db_run(&q);
    json_put_int(ask->out, "id", hunt);
}

/* ---- shown ---- */

static void records_put(struct ask *ask, const char *key, struct str text)
{
    json_write_key(ask->out, key);
    json_write_array(ask->out);
    while (text.n) {
        int64_t record = 0;
        if (str_to_i64(str_cut(&text, ','), &record))
            json_write_int(ask->out, record);
    }
    json_write_array_end(ask->out);
}

static void change_put(struct ask *ask, struct db_query *q)
{
    int64_t kind = db_i64(q);
    ASSERT(kind >= 0 && kind <= DESK_CHANGE_AFFECTED);
    json_put_text(ask->out, "change", kind_names[kind]);
    json_put_bool(ask->out, "indicators", db_i64(q) != 0);
    json_put_bool(ask->out, "too_many", db_i64(q) != 0);
    struct str id = db_text(q);
    const struct rule_entry *entry = rule_entry_of(ask->desk->rulebook, id);
    json_put_str(ask->out, "rule_id", id);
    json_put_str(ask->out, "title", db_text(q));
    json_put_text(ask->out, "state", entry ? rulebook_state_name(entry->state) : "");
    json_put_int(ask->out, "gained", db_i64(q));
    json_put_int(ask->out, "lost", db_i64(q));
    json_put_int(ask->out, "before", db_i64(q));
    json_put_int(ask->out, "after", db_i64(q));
    records_put(ask, "gained_records", db_text(q));
    records_put(ask, "lost_records", db_text(q));
}

void hunt_changes_put(struct ask *ask, int64_t hunt)
{
    int64_t limit = ask_int(ask, "limit");
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM hunt_change WHERE hunt = ?1");
    db_put_i64(&q, hunt);
    json_put_int(ask->out, "told", db_one_i64(&q, 0));
    q = db_query(ask->desk->db, "SELECT kind, indicators, too_many, rule_id, title, gained, lost, before, after,"
                                " gained_records, lost_records FROM hunt_change WHERE hunt = ?1 ORDER BY place"
                                " LIMIT ?2 OFFSET ?3");
    db_put_i64(&q, hunt);
    db_put_i64(&q, limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    json_write_key(ask->out, "differ");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        change_put(ask, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* The version of a pack that waits, and the newest comparison with it. */
void hunt_waiting_put(struct ask *ask, struct str pack)
{
    const struct desk_rule_pack *next = waiting_of(ask->desk->rulebook, pack);
    if (!next)
        return;
    json_write_key(ask->out, "next");
    json_write_object(ask->out);
    json_put_str(ask->out, "version", next->version);
    json_put_str(ask->out, "source", next->source);
    json_put_text(ask->out, "signature", next->signer.n ? "verified" : next->has_note ? "unverified" : "none");
    json_put_str(ask->out, "signer", next->signer);
    json_put_int(ask->out, "imported_ns", next->imported_ns);
    json_put_u64(ask->out, "files", next->files);
    struct db_query q = db_query(ask->desk->db, "SELECT id, state, permille, changes, gained, lost FROM hunt"
                                                " WHERE pack = ?1 AND version = ?2 AND was_version = ?3"
                                                " ORDER BY id DESC LIMIT 1");
    db_put_text(&q, next->name);
    db_put_text(&q, next->version);
    db_put_text(&q, version_of(ask->desk->rulebook, pack));
    if (db_next(&q)) {
        json_put_int(ask->out, "hunt", db_i64(&q));
        json_put_text(ask->out, "state", hunt_state_name(db_i64(&q)));
        json_put_int(ask->out, "permille", db_i64(&q));
        json_put_int(ask->out, "changes", db_i64(&q));
        json_put_int(ask->out, "gained", db_i64(&q));
        json_put_int(ask->out, "lost", db_i64(&q));
    }
    db_query_end(&q);
    json_write_object_end(ask->out);
}
