/* hunt_lists.c - hunts for lists of indicators: what is new in them is looked for in what the archive holds already.
 *
 *   lists of all engines are others ──► one waits ──due, its turn──► it reads the lists ──nothing new──► gone
 *        again: the same one waits            new entries ──► it looks for them, and is over as all hunts are (hunt.c)
 *
 * Lists may change every hour: what is new since the last one gathers while one waits, and the next begins after the
 * distance that is set, and not sooner than the last one took: so no more than half of the time goes to them. What was
 * looked for is kept when a hunt was done; what one that was stopped or failed was to look for is new to the next. */
#include "base/assert.h"
#include "desk/rulebook.h"

#define CHUNK       ((size_t)1 << 20)
#define MINUTE_NS   (INT64_C(60) * 1000000000)
#define TOOK_MAX_NS (INT64_C(86400) * 1000000000)
#define NAMED_MAX   50 /* lists that a record names */

/* ---- kept ---- */

enum rc desk_lists_known(struct desk *desk, struct buf *out, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT bytes FROM indicator_known ORDER BY chunk");
    while (db_next(&q))
        buf_str(out, db_text(&q));
    db_query_end(&q);
    rc = db_end(desk->db, false, err);
    return rc == RC_OK && out->overflow ? err_set(err, RC_LIMIT, "what is known of lists is too large") : rc;
}

static void known_store(struct desk *desk, struct str bytes)
{
    struct db_query q = db_query(desk->db, "DELETE FROM indicator_known");
    db_run(&q);
    for (int64_t chunk = 0; bytes.n; chunk++) {
        q = db_query(desk->db, "INSERT INTO indicator_known (chunk, bytes) VALUES (?1, ?2)");
        db_put_i64(&q, chunk);
        db_put_blob(&q, str_slice(bytes, 0, CHUNK));
        db_run(&q);
        bytes = str_skip(bytes, CHUNK);
    }
}

static void rows_store(struct desk *desk, const struct desk_lists *lists, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "DELETE FROM indicator_list");
    db_run(&q);
    for (size_t i = 0; i < MIN(lists->count, (size_t)DESK_LISTS_MAX); i++) {
        const struct desk_list *list = &lists->rows[i];
        const uint64_t numbers[] = {list->entries, list->fresh, list->expired, list->refused};
        q = db_query(desk->db,
                     "INSERT INTO indicator_list (place, name, entries, fresh, expired, refused, line, reason,"
                     " example) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        db_put_i64(&q, (int64_t)i);
        db_put_text(&q, desk_cut(list->name, DESK_FIELD_MAX));
        for (size_t k = 0; k < ARRAY_LEN(numbers); k++)
            db_put_i64(&q, (int64_t)MIN(numbers[k], (uint64_t)INT64_MAX));
        db_put_i64(&q, list->line);
        db_put_text(&q, desk_cut(list->reason, DESK_FIELD_MAX));
        db_put_text(&q, desk_cut(list->example, DESK_FIELD_MAX));
        db_run(&q);
    }
    desk_meta_store(desk, "lists_read_ns", now_ns);
}

enum rc hunt_lists_recall(struct desk *desk, struct err *err)
{
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    desk->hunts.lists = desk_meta_read(desk, "lists_stamp") != 0; /* until engines say it */
    return db_end(desk->db, false, err);
}

/* ---- what waits ---- */

/* When the next one that begins by itself may. */
static int64_t due_ns(struct desk *desk)
{
    int64_t ended_ns = desk_meta_read(desk, "lists_ended_ns");
    int64_t took_ns = MIN(MAX(desk_meta_read(desk, "lists_took_ns"), 0), TOOK_MAX_NS);
    return ended_ns ? ended_ns + MAX(desk->lists_minutes * MINUTE_NS, took_ns) : 0;
}

/* A clock that was set back makes none wait for longer than any ever waits. */
int64_t hunt_lists_wait_max(const struct desk *desk)
{
    return MAX(desk->lists_minutes * MINUTE_NS, TOOK_MAX_NS);
}

static int64_t waiting_find(struct desk *desk, int64_t state)
{
    struct db_query q = db_query(desk->db, "SELECT id FROM hunt WHERE state = ?1 AND lists = ?2 ORDER BY id LIMIT 1");
    db_put_i64(&q, state);
    db_put_i64(&q, DESK_LISTS_NEW);
    return db_one_i64(&q, 0);
}

static int64_t stamp_of(struct desk *desk, int64_t hunt)
{
    struct db_query q = db_query(desk->db, "SELECT stamp FROM hunt WHERE id = ?1");
    db_put_i64(&q, hunt);
    return db_one_i64(&q, 0);
}

static void wait_begin(struct desk *desk, int64_t stamp, int64_t now_ns)
{
    int64_t running = waiting_find(desk, DESK_HUNT_RUNNING);
    int64_t waiting = waiting_find(desk, DESK_HUNT_WAITING);
    if (running && stamp_of(desk, running) == stamp && !waiting)
        return;
    if (!waiting)
        waiting = hunt_insert_lists(desk, STR(""), now_ns);
    struct db_query q = db_query(desk->db, "UPDATE hunt SET lists = ?2, stamp = ?3, due_ns = ?4 WHERE id = ?1");
    db_put_i64(&q, waiting);
    db_put_i64(&q, DESK_LISTS_NEW);
    db_put_i64(&q, stamp);
    db_put_i64(&q, due_ns(desk));
    db_run(&q);
}

enum rc desk_lists_changed(struct desk *desk, uint64_t stamp, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    int64_t before = desk_meta_read(desk, "lists_stamp");
    if (stamp && (int64_t)stamp != before)
        wait_begin(desk, (int64_t)stamp, now_ns);
    else if (!stamp && before)
        desk_meta_store(desk, "lists_stamp", 0);
    rc = desk_end(desk, true, err);
    if (rc == RC_OK)
        desk->hunts.lists = stamp != 0;
    return rc;
}

void hunt_lists_check(struct ask *ask)
{
    if (!ask->desk->hunts.lists)
        ask_refuse(ask, "lists_none", "no lists of indicators are configured, or no engine has said so yet");
}

/* "from_ns", "to_ns": all that the lists hold. */
void hunt_lists_start(struct ask *ask)
{
    hunt_lists_check(ask);
    int64_t hunt = ask->error ? 0 : hunt_insert_asked(ask);
    if (!hunt)
        return;
    struct db_query q = db_query(ask->desk->db, "UPDATE hunt SET lists = ?2 WHERE id = ?1");
    db_put_i64(&q, hunt);
    db_put_i64(&q, DESK_LISTS_ALL);
    db_run(&q);
    json_put_int(ask->out, "id", hunt);
}

/* ---- while one runs ---- */

void hunt_lists_rules(struct desk *desk, int64_t hunt)
{
    const struct rulebook *book = desk->rulebook;
    db_run_i64(desk->db, "DELETE FROM hunt_rule WHERE hunt = ?1", hunt);
    for (size_t i = 0; i < book->now.count; i++) {
        const struct rule_entry *entry = &book->entry[i];
        if (!rule_entry_runs(entry) || !hunt_rule_may(entry) || !hunt_rule_of_lists(book, entry))
            continue;
        struct db_query q = db_query(desk->db, "INSERT INTO hunt_rule (hunt, rule, hash, hits) VALUES (?1, ?2, ?3, 0)");
        db_put_i64(&q, hunt);
        db_put_i64(&q, entry->row);
        db_put_i64(&q, (int64_t)entry->rule->hash);
        db_run(&q);
    }
}

enum rc desk_hunt_lists(struct desk *desk, int64_t hunt, const struct desk_lists *lists, int64_t now_ns,
                        struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    uint64_t fresh = 0;
    for (size_t i = 0; i < lists->count; i++)
        fresh += lists->rows[i].fresh;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT sought FROM hunt WHERE id = ?1 AND state = 1");
    db_put_i64(&q, hunt);
    int64_t before = db_one_i64(&q, -1);
    if (before >= 0) {
        rows_store(desk, lists, now_ns);
        q = db_query(desk->db, "UPDATE hunt SET sought = ?2 WHERE id = ?1");
        db_put_i64(&q, hunt);
        db_put_i64(&q, (int64_t)MIN(fresh, (uint64_t)INT64_MAX));
        db_run(&q);
        q = db_query(desk->db, "SELECT count(*) FROM hunt WHERE id = ?1 AND lists = ?2");
        db_put_i64(&q, hunt);
        db_put_i64(&q, DESK_LISTS_NEW);
        if (db_one_i64(&q, 0) && before == 0 && fresh)
            hunt_tell(desk, hunt, "started", STR(""), now_ns);
    }
    return desk_end(desk, true, err);
}

/* ---- its end ---- */

/* Nothing was new: there was no hunt. */
static bool was_empty(struct desk *desk, int64_t hunt, enum desk_hunt_state state)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM hunt WHERE id = ?1 AND lists = ?2 AND sought = 0");
    db_put_i64(&q, hunt);
    db_put_i64(&q, DESK_LISTS_NEW);
    return db_one_i64(&q, 0) && state == DESK_HUNT_DONE;
}

static int64_t began_of(struct desk *desk, int64_t hunt)
{
    struct db_query q = db_query(desk->db, "SELECT began_ns FROM hunt WHERE id = ?1");
    db_put_i64(&q, hunt);
    return db_one_i64(&q, 0);
}

/* One that never began asks for no distance to the next. */
static void distance_begin(struct desk *desk, int64_t hunt, int64_t now_ns)
{
    int64_t began_ns = began_of(desk, hunt);
    if (!began_ns)
        return;
    desk_meta_store(desk, "lists_ended_ns", now_ns);
    desk_meta_store(desk, "lists_took_ns", MAX(now_ns - began_ns, 0));
    struct db_query q = db_query(desk->db, "UPDATE hunt SET due_ns = ?1 WHERE state = 0 AND lists = ?2");
    db_put_i64(&q, due_ns(desk));
    db_put_i64(&q, DESK_LISTS_NEW);
    db_run(&q);
}

bool hunt_lists_end(struct desk *desk, int64_t hunt, enum desk_hunt_state state, struct str known, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "SELECT stamp FROM hunt WHERE id = ?1 AND lists = ?2");
    db_put_i64(&q, hunt);
    db_put_i64(&q, DESK_LISTS_NEW);
    int64_t stamp = db_one_i64(&q, 0);
    if (!stamp)
        return false;
    desk_meta_store(desk, "lists_stamp", stamp);
    if (state == DESK_HUNT_DONE && known.p)
        known_store(desk, known);
    if (!was_empty(desk, hunt, state)) {
        distance_begin(desk, hunt, now_ns);
        return false;
    }
    db_run_i64(desk->db, "DELETE FROM hunt WHERE id = ?1", hunt);
    return true;
}

/* Members of a record about a hunt for lists: "lists" (names), "indicators", "refused". */
void hunt_lists_tell(struct desk *desk, struct buf *body, int64_t hunt)
{
    struct db_query q = db_query(desk->db, "SELECT sought FROM hunt WHERE id = ?1 AND lists > 0");
    db_put_i64(&q, hunt);
    int64_t sought = db_one_i64(&q, -1);
    if (sought < 0)
        return;
    json_put_int(body, "indicators", sought);
    q = db_query(desk->db, "SELECT coalesce(sum(refused), 0) FROM indicator_list");
    json_put_int(body, "refused", db_one_i64(&q, 0));
    json_write_key(body, "lists");
    json_write_array(body);
    q = db_query(desk->db, "SELECT name FROM indicator_list WHERE fresh > 0 ORDER BY place LIMIT ?1");
    db_put_i64(&q, NAMED_MAX);
    while (sought && db_next(&q))
        json_write_str(body, db_text(&q));
    db_query_end(&q);
    json_write_array_end(body);
}

/* ---- shown ---- */

static void rows_put(struct ask *ask)
{
    static const char *const numbers[] = {"entries", "new", "expired", "refused", "line"};
    struct db_query q = db_query(ask->desk->db, "SELECT name, entries, fresh, expired, refused, line, reason, example"
                                                " FROM indicator_list ORDER BY place");
    json_write_key(ask->out, "lists");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "list", db_text(&q));
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            json_put_int(ask->out, numbers[i], db_i64(&q));
        json_put_str(ask->out, "reason", db_text(&q));
        json_put_str(ask->out, "value", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* The lists as the newest hunt that read them found them. */
void ask_indicator_list(struct ask *ask)
{
    struct desk *desk = ask->desk;
    struct db_query q = db_query(desk->db, "SELECT id FROM hunt WHERE lists > 0 ORDER BY id DESC LIMIT 1");
    json_put_bool(ask->out, "configured", desk->hunts.lists);
    json_put_int(ask->out, "read_ns", desk_meta_read(desk, "lists_read_ns"));
    json_put_int(ask->out, "minutes", desk->lists_minutes);
    json_put_int(ask->out, "days", DESK_HUNT_NS / (INT64_C(86400) * 1000000000));
    json_put_int(ask->out, "hunt", db_one_i64(&q, 0));
    q = db_query(desk->db, "SELECT due_ns FROM hunt WHERE state = 0 AND lists = ?1 ORDER BY id LIMIT 1");
    db_put_i64(&q, DESK_LISTS_NEW);
    json_put_int(ask->out, "due_ns", db_one_i64(&q, 0));
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_RULES);
    rules_behind_put(ask, BEHIND_LISTS);
    rows_put(ask);
}
