/* hunt.c - rules run over what the archive holds already: what waits, what runs, what came of it.
 *
 *   waiting ──desk_hunt_next──► running ──report──► done
 *      │ stop                     │  ▲ └─report──► failed
 *      └──────────► stopped ◄─stop┘  └── its process or this one began anew: from its beginning
 *
 * One runs at a time. Every number of a report is of the whole hunt until then, and hits are forgotten when it begins
 * again: so nothing is counted twice. What begins by itself waits as one hunt: rules that are switched on one after the
 * other, and all of a load, are looked for in one passage over the archive. */
#include "base/assert.h"
#include "desk/rulebook.h"

#define TEXT_MAX  300 /* bytes of a hit's words */
#define NAMED_MAX 50  /* rules that a record names */

static const char *const state_names[] = {
    [DESK_HUNT_WAITING] = "waiting", [DESK_HUNT_RUNNING] = "running", [DESK_HUNT_DONE] = "done",
    [DESK_HUNT_STOPPED] = "stopped", [DESK_HUNT_FAILED] = "failed",
};
static const char *const trouble_names[DESK_HUNT_TROUBLES] = {
    [DESK_HUNT_WELL] = "",
    [DESK_HUNT_UNREAD] = "unread",
    [DESK_HUNT_UNRULED] = "unruled",
    [DESK_HUNT_NARROW] = "narrow",
    [DESK_HUNT_DIED] = "died",
    [DESK_HUNT_GONE] = "gone",
    [DESK_HUNT_UNLISTED] = "unlisted",
};

const char *hunt_state_name(int64_t state)
{
    ASSERT(state >= 0 && state < (int64_t)ARRAY_LEN(state_names));
    return state_names[state];
}

const char *hunt_trouble_name(int64_t trouble)
{
    ASSERT(trouble >= 0 && trouble < DESK_HUNT_TROUBLES);
    return trouble_names[trouble];
}

/* --- which rules --- */

static bool is_of_indicators(const struct desk_rule *rule)
{
    return rule->kind == DESK_RULE_DETECTION && str_eq_nocase(rule->category, STR("indicator"));
}

bool hunt_rule_may(const struct rule_entry *entry)
{
    return entry->row && entry->rule->kind != DESK_RULE_FILTER;
}

bool hunt_rule_of_lists(const struct rulebook *book, const struct rule_entry *entry)
{
    const struct desk_rule *rule = entry->rule;
    for (size_t i = 0; i < rule->feed_count; i++)
        if (is_of_indicators(book->entry[rule->feeds[i]].rule))
            return true;
    return is_of_indicators(rule);
}

/* --- what waits --- */

struct wish {
    struct str who; /* empty: by itself */
    int64_t from_ns;
    int64_t to_ns;
    int64_t now_ns;
};

static int64_t hunt_insert(struct desk *desk, const struct wish *wish)
{
    struct db_query q =
        db_query(desk->db, "INSERT INTO hunt (state, who, made_ns, from_ns, to_ns, began_ns, ended_ns, permille,"
                           " records, hits, too_large, gone, evicted, passed, trouble, text, stopper)"
                           " VALUES (0, ?1, ?2, ?3, ?4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '')");
    db_put_text(&q, wish->who);
    db_put_i64(&q, wish->now_ns);
    db_put_i64(&q, wish->from_ns);
    db_put_i64(&q, wish->to_ns);
    db_run(&q);
    desk->hunts.waits = true;
    return db_last_id(desk->db);
}

static void rule_put(struct desk *desk, int64_t hunt, const struct rule_entry *entry)
{
    struct db_query q = db_query(desk->db, "INSERT INTO hunt_rule (hunt, rule, hash, hits) VALUES (?1, ?2, ?3, 0)"
                                           " ON CONFLICT (hunt, rule) DO UPDATE SET hash = excluded.hash");
    db_put_i64(&q, hunt);
    db_put_i64(&q, entry->row);
    db_put_i64(&q, (int64_t)entry->rule->hash);
    db_run(&q);
}

/* The one that gathers what begins by itself until its turn comes. */
static int64_t hunt_gathering(struct desk *desk, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "SELECT id FROM hunt WHERE state = 0 AND who = '' AND lists = 0"
                                           " ORDER BY id LIMIT 1");
    int64_t hunt = db_one_i64(&q, 0);
    const struct wish wish = {.who = STR(""), .from_ns = now_ns - DESK_HUNT_NS, .now_ns = now_ns};
    return hunt ? hunt : hunt_insert(desk, &wish);
}

int64_t hunt_insert_lists(struct desk *desk, struct str who, int64_t now_ns)
{
    const struct wish wish = {.who = who, .from_ns = now_ns - DESK_HUNT_NS, .now_ns = now_ns};
    return hunt_insert(desk, &wish);
}

/* Without lists a rule about indicators finds nothing, and nobody asked. */
static bool may_begin(const struct desk *desk, const struct rulebook *book, const struct rule_entry *entry)
{
    return hunt_rule_may(entry) && (desk->hunts.lists || !hunt_rule_of_lists(book, entry));
}

void hunt_for_state(struct desk *desk, const struct rule_entry *entry, int64_t now_ns)
{
    if (may_begin(desk, desk->rulebook, entry))
        rule_put(desk, hunt_gathering(desk, now_ns), entry);
}

void hunt_for_load(struct desk *desk, const struct rulebook *book, int64_t now_ns)
{
    int64_t hunt = 0;
    for (size_t i = 0; i < book->now.count; i++) {
        const struct rule_entry *entry = &book->entry[i];
        if (!entry->fresh || !rule_entry_runs(entry) || !may_begin(desk, book, entry))
            continue;
        hunt = hunt ? hunt : hunt_gathering(desk, now_ns);
        rule_put(desk, hunt, entry);
    }
}

int64_t hunt_insert_asked(struct ask *ask)
{
    const struct wish wish = {
        .who = ask->who, .from_ns = ask_int(ask, "from_ns"), .to_ns = ask_int(ask, "to_ns"), .now_ns = ask->now_ns};
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM hunt WHERE state = 0 AND who <> ''");
    int64_t waiting = db_one_i64(&q, 0);
    if (wish.from_ns < 0 || wish.to_ns < 0 || (wish.to_ns && wish.to_ns <= wish.from_ns))
        ask_refuse(ask, "times_reversed", "the time does not end behind its beginning");
    else if (waiting >= (int64_t)DESK_HUNTS_WAITING)
        ask_refuse(ask, "hunts_waiting", "too many hunts wait");
    return ask->error ? 0 : hunt_insert(ask->desk, &wish);
}

int64_t hunt_order(struct ask *ask, const struct rule_entry *entry)
{
    int64_t hunt = hunt_insert_asked(ask);
    if (hunt)
        rule_put(ask->desk, hunt, entry);
    return hunt;
}

bool desk_hunt_waits(const struct desk *desk, int64_t now_ns)
{
    ASSERT(desk->magic == DESK_MAGIC);
    int64_t due_ns = desk->hunts.due_ns;
    return desk->hunts.waits || (due_ns && (due_ns <= now_ns || due_ns > now_ns + hunt_lists_wait_max(desk)));
}

bool desk_hunt_wanted(const struct desk *desk, int64_t id)
{
    ASSERT(desk->magic == DESK_MAGIC);
    return desk->hunts.running == id;
}

/* --- told to the archive --- */

static void names_put(struct desk *desk, struct buf *body, int64_t hunt)
{
    struct db_query q = db_query(desk->db, "SELECT r.rule_id FROM hunt_rule h JOIN rule r ON r.id = h.rule"
                                           " WHERE h.hunt = ?1 ORDER BY h.rule LIMIT ?2");
    db_put_i64(&q, hunt);
    db_put_i64(&q, NAMED_MAX);
    json_write_key(body, "rule_ids");
    json_write_array(body);
    while (db_next(&q))
        json_write_str(body, db_text(&q));
    json_write_array_end(body);
}

/* Of one that compares, from its columns: pack, version, was_version, changes, gained, lost. */
static void compared_tell(struct buf *body, struct db_query *q)
{
    static const char *const texts[] = {"pack", "version", "was_version"};
    static const char *const numbers[] = {"changes", "gained", "lost"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct str text = db_text(q);
        if (i == 0 && text.n == 0)
            return;
        json_put_str(body, texts[i], text);
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_put_int(body, numbers[i], db_i64(q));
}

void hunt_tell(struct desk *desk, int64_t hunt, const char *act, struct str who, int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, "rule.hunt", who.n ? who : STR("qorgan"), now_ns);
    struct db_query q = db_query(desk->db, "SELECT (SELECT count(*) FROM hunt_rule WHERE hunt = ?1), from_ns, to_ns,"
                                           " records, hits, text, pack, version, was_version, changes, gained, lost"
                                           " FROM hunt WHERE id = ?1");
    db_put_i64(&q, hunt);
    json_put_int(body, "hunt", hunt);
    json_put_text(body, "act", act);
    struct str text = STR("");
    if (db_next(&q)) {
        json_put_int(body, "rules", db_i64(&q));
        json_put_int(body, "from_ns", db_i64(&q));
        json_put_int(body, "to_ns", db_i64(&q));
        json_put_int(body, "records", db_i64(&q));
        json_put_int(body, "hits", db_i64(&q));
        text = arena_str(desk->scratch, db_text(&q));
        compared_tell(body, &q);
    }
    db_query_end(&q);
    names_put(desk, body, hunt);
    hunt_lists_tell(desk, body, hunt);
    desk_record_end(desk, 0, text);
}

/* --- the turn of a hunt --- */

struct hunt_row {
    int64_t began_ns; /* 0: not yet */
    char who[DESK_USER_MAX + 1];
};

/* It is hunted as it is loaded now. */
static void hashes_renew(struct desk *desk, int64_t hunt)
{
    const struct rulebook *book = desk->rulebook;
    db_run_i64(desk->db, "UPDATE hunt_rule SET hits = 0 WHERE hunt = ?1", hunt);
    for (size_t i = 0; i < book->now.count; i++) {
        if (!book->entry[i].row)
            continue;
        struct db_query q =
            db_query(desk->db, "UPDATE hunt_rule SET hash = ?3 WHERE hunt = ?1 AND rule = ?2 AND hash <> ?3");
        db_put_i64(&q, hunt);
        db_put_i64(&q, book->entry[i].row);
        db_put_i64(&q, (int64_t)book->entry[i].rule->hash);
        db_run(&q);
    }
}

static void hashes_read(struct desk *desk, struct arena *arena, struct desk_hunt_order *order)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM hunt_rule WHERE hunt = ?1");
    db_put_i64(&q, order->id);
    size_t room = (size_t)db_one_i64(&q, 0);
    uint64_t *hashes = arena_alloc_array(arena, room + 1, sizeof *hashes);
    if (!hashes) {
        db_fail(desk->db, RC_LIMIT, "out of memory for the rules of a hunt");
        return;
    }
    q = db_query(desk->db, "SELECT hash FROM hunt_rule WHERE hunt = ?1 ORDER BY rule");
    db_put_i64(&q, order->id);
    while (db_next(&q) && order->count < room)
        hashes[order->count++] = (uint64_t)db_i64(&q);
    db_query_end(&q);
    order->hashes = hashes;
}

static void hunt_begin(struct desk *desk, int64_t hunt, int64_t began_ns, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "UPDATE hunt SET state = 1, permille = 0, records = 0, hits = 0,"
                                           " too_large = 0, gone = 0, evicted = 0, passed = 0, began_ns = ?2"
                                           " WHERE id = ?1");
    db_put_i64(&q, hunt);
    db_put_i64(&q, began_ns ? began_ns : now_ns);
    db_run(&q);
    db_run_i64(desk->db, "DELETE FROM hunt_hit WHERE hunt = ?1", hunt);
    db_run_i64(desk->db, "DELETE FROM hunt_change WHERE hunt = ?1", hunt);
    q = db_query(desk->db, "SELECT lists FROM hunt WHERE id = ?1");
    db_put_i64(&q, hunt);
    if (db_one_i64(&q, 0))
        hunt_lists_rules(desk, hunt);
    hashes_renew(desk, hunt);
}

/* That which runs, else the first that waits and is due; what else is known of it: who wants it, when it began. */
static void order_read(struct desk *desk, int64_t now_ns, struct arena *arena, struct desk_hunt_order *order,
                       struct hunt_row *row)
{
    struct db_query q = db_query(desk->db, "SELECT id, from_ns, to_ns, began_ns, who, CASE WHEN pack = '' THEN ''"
                                           " ELSE pack || '/' || version END, lists FROM hunt WHERE state = 1"
                                           " OR (state = 0 AND (due_ns <= ?1 OR due_ns > ?1 + ?2))"
                                           " ORDER BY state DESC, id LIMIT 1");
    db_put_i64(&q, now_ns);
    db_put_i64(&q, hunt_lists_wait_max(desk));
    if (db_next(&q)) {
        order->id = db_i64(&q);
        order->from_ns = db_i64(&q);
        order->to_ns = db_i64(&q);
        row->began_ns = db_i64(&q);
        if (!str_copy_z(db_text(&q), row->who, sizeof row->who))
            row->who[0] = '\0';
        order->pack = db_text_copy(&q, arena);
        order->lists = (enum desk_hunt_lists)db_i64(&q);
    }
    db_query_end(&q);
}

static int64_t due_next(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "SELECT coalesce(min(due_ns), 0) FROM hunt WHERE state = 0");
    return db_one_i64(&q, 0);
}

enum rc desk_hunt_next(struct desk *desk, int64_t now_ns, struct arena *arena, struct desk_hunt_order *ret_order,
                       struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct desk_hunt_order order = {0};
    struct hunt_row row = {0};
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    order_read(desk, now_ns, arena, &order, &row);
    if (order.id) {
        hunt_begin(desk, order.id, row.began_ns, now_ns);
        hashes_read(desk, arena, &order);
        if (!row.began_ns && order.lists != DESK_LISTS_NEW) /* such a one is told of when there is something new */
            hunt_tell(desk, order.id, "started", str_of(row.who), now_ns);
    }
    int64_t due_ns = due_next(desk);
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        return rc;
    desk->hunts.waits = order.id != 0;
    desk->hunts.due_ns = due_ns;
    desk->hunts.running = order.id;
    *ret_order = order;
    return order.id ? RC_OK : RC_END;
}

/* --- its end --- */

static void ended_clean(struct desk *desk)
{
    db_run_i64(desk->db,
               "DELETE FROM hunt WHERE state >= 2 AND id <= (SELECT id FROM hunt WHERE state >= 2"
               " ORDER BY id DESC LIMIT 1 OFFSET ?1)",
               DESK_HUNTS_ENDED);
}

struct ending {
    enum desk_hunt_state state;
    enum desk_hunt_trouble trouble;
    struct str text;
    struct str stopper;
    struct str known; /* desk_hunt_report */
};

static void hunt_end(struct desk *desk, int64_t hunt, const struct ending *ending, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "UPDATE hunt SET state = ?2, trouble = ?3, text = ?4, stopper = ?5,"
                                           " ended_ns = ?6 WHERE id = ?1");
    ASSERT(ending->state >= DESK_HUNT_DONE);
    db_put_i64(&q, hunt);
    db_put_i64(&q, ending->state);
    db_put_i64(&q, ending->trouble);
    db_put_text(&q, desk_cut(ending->text, DESK_EVENT_MAX));
    db_put_text(&q, ending->stopper);
    db_put_i64(&q, now_ns);
    db_run(&q);
    if (hunt_lists_end(desk, hunt, ending->state, ending->known, now_ns))
        return;
    hunt_tell(desk, hunt, ending->state == DESK_HUNT_DONE ? "finished" : hunt_state_name(ending->state),
              ending->stopper, now_ns);
    ended_clean(desk);
}

/* Should the transaction not hold, it is ordered again: it runs still. */
void hunt_stop(struct ask *ask, int64_t hunt)
{
    const struct ending ending = {.state = DESK_HUNT_STOPPED, .text = STR(""), .stopper = ask->who};
    hunt_end(ask->desk, hunt, &ending, ask->now_ns);
    if (ask->desk->hunts.running == hunt)
        ask->desk->hunts.running = 0;
    ask->desk->hunts.waits = true; /* the next one's turn may have come */
}

/* --- reports --- */

static void counts_store(struct desk *desk, int64_t hunt, const struct desk_hunt_report *report)
{
    for (size_t i = 0; i < report->count_count; i++) {
        struct db_query q = db_query(desk->db, "UPDATE hunt_rule SET hits = ?3 WHERE hunt = ?1 AND hash = ?2");
        db_put_i64(&q, hunt);
        db_put_i64(&q, (int64_t)report->counts[i].hash);
        db_put_i64(&q, (int64_t)MIN(report->counts[i].hits, (uint64_t)INT64_MAX));
        db_run(&q);
    }
}

static void hit_store(struct desk *desk, int64_t hunt, const struct desk_hunt_hit *hit)
{
    struct db_query q = db_query(desk->db, "INSERT INTO hunt_hit (hunt, rule, record, time_ns, host, account, address,"
                                           " text) SELECT ?1, rule, ?3, ?4, ?5, ?6, ?7, ?8 FROM hunt_rule"
                                           " WHERE hunt = ?1 AND hash = ?2 LIMIT 1");
    db_put_i64(&q, hunt);
    db_put_i64(&q, (int64_t)hit->hash);
    db_put_i64(&q, (int64_t)MIN(hit->record, (uint64_t)INT64_MAX));
    db_put_i64(&q, hit->time_ns);
    db_put_text(&q, desk_cut(hit->host, DESK_FIELD_MAX));
    db_put_text(&q, desk_cut(hit->account, DESK_FIELD_MAX));
    db_put_text(&q, desk_cut(hit->address, DESK_FIELD_MAX));
    db_put_text(&q, desk_cut(hit->text, TEXT_MAX));
    db_run(&q);
}

/* No rule takes the places of all others. */
static void hits_bound(struct desk *desk, int64_t hunt, const struct desk_hunt_report *report)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM hunt_rule WHERE hunt = ?1");
    db_put_i64(&q, hunt);
    bool alone = db_one_i64(&q, 0) <= 1;
    for (size_t i = 0; i < report->hit_count && !alone; i++) {
        if (i > 0 && report->hits[i].hash == report->hits[i - 1].hash)
            continue;
        q = db_query(desk->db, "DELETE FROM hunt_hit WHERE hunt = ?1 AND rule = (SELECT rule FROM hunt_rule"
                               " WHERE hunt = ?1 AND hash = ?2 LIMIT 1) AND id <= (SELECT id FROM hunt_hit"
                               " WHERE hunt = ?1 AND rule = (SELECT rule FROM hunt_rule WHERE hunt = ?1 AND hash = ?2"
                               " LIMIT 1) ORDER BY id DESC LIMIT 1 OFFSET ?3)");
        db_put_i64(&q, hunt);
        db_put_i64(&q, (int64_t)report->hits[i].hash);
        db_put_i64(&q, DESK_HUNT_SHARE);
        db_run(&q);
    }
    q = db_query(desk->db, "DELETE FROM hunt_hit WHERE hunt = ?1 AND id <= (SELECT id FROM hunt_hit WHERE hunt = ?1"
                           " ORDER BY id DESC LIMIT 1 OFFSET ?2)");
    db_put_i64(&q, hunt);
    db_put_i64(&q, DESK_HUNT_HITS);
    db_run(&q);
}

static void numbers_store(struct desk *desk, int64_t hunt, const struct desk_hunt_report *report)
{
    const uint64_t numbers[] = {report->permille, report->records, report->too_large,
                                report->gone,     report->evicted, report->passed};
    struct db_query q = db_query(desk->db, "UPDATE hunt SET permille = ?2, records = ?3, too_large = ?4, gone = ?5,"
                                           " evicted = ?6, passed = ?7, hits = (SELECT coalesce(sum(hits), 0)"
                                           " FROM hunt_rule WHERE hunt = ?1) WHERE id = ?1");
    db_put_i64(&q, hunt);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        db_put_i64(&q, (int64_t)MIN(numbers[i], (uint64_t)INT64_MAX));
    db_run(&q);
}

enum rc desk_hunt_report(struct desk *desk, int64_t id, const struct desk_hunt_report *report, int64_t now_ns,
                         struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC && report->trouble < DESK_HUNT_TROUBLES);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM hunt WHERE id = ?1 AND state = 1");
    db_put_i64(&q, id);
    bool ends = false;
    if (db_one_i64(&q, 0)) {
        counts_store(desk, id, report);
        for (size_t i = 0; i < report->hit_count; i++)
            hit_store(desk, id, &report->hits[i]);
        hits_bound(desk, id, report);
        if (report->trouble != DESK_HUNT_DIED) /* else who says so knows none, and what was told stays */
            numbers_store(desk, id, report);
        if (report->state == DESK_HUNT_DONE)
            hunt_changes_store(desk, id, report);
        ends = report->state == DESK_HUNT_DONE || report->state == DESK_HUNT_FAILED;
    }
    if (ends) {
        const struct ending ending = {report->state, report->trouble, report->text, STR(""), report->known};
        hunt_end(desk, id, &ending, now_ns);
    }
    rc = desk_end(desk, true, err);
    if (rc == RC_OK && ends) {
        desk->hunts.running = 0;
        desk->hunts.waits = true; /* perhaps: the next look says it */
    }
    return rc;
}
