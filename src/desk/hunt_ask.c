/* hunt_ask.c - the questions about hunts: the list, one of them, to order and to stop one, to open an incident for what
 * one found. */
#include "base/assert.h"
#include "desk/rulebook.h"

#define LIST_DEFAULT 50
#define LIST_MAX     200
#define RULES_SHOWN  200

/* Columns of a row, in this order everywhere. */
#define ROW_COLUMNS                                                                                                    \
    "h.id, h.state, h.who, h.stopper, h.made_ns, h.began_ns, h.ended_ns, h.from_ns, h.to_ns, h.permille, h.records,"   \
    " h.hits, (SELECT count(*) FROM hunt_rule x WHERE x.hunt = h.id), (SELECT r.rule_id FROM hunt_rule x JOIN rule r"  \
    " ON r.id = x.rule WHERE x.hunt = h.id ORDER BY x.hits DESC, x.rule LIMIT 1), h.trouble, h.text, h.too_large,"     \
    " h.gone, h.evicted, h.passed, h.pack, h.version, h.was_version, h.changes, h.gained, h.lost,"                     \
    " h.lists, h.sought, h.due_ns"

static const struct desk_rule *rule_of(const struct ask *ask, struct str id)
{
    const struct rule_entry *entry = rule_entry_of(ask->desk->rulebook, id);
    return entry ? entry->rule : NULL;
}

static void rule_put(struct ask *ask, struct str id)
{
    const struct desk_rule *rule = rule_of(ask, id);
    json_put_str(ask->out, "rule_id", id);
    json_put_str(ask->out, "title", rule ? desk_cut(rule->title, DESK_NAME_MAX) : STR(""));
    json_put_bool(ask->out, "loaded", rule != NULL);
}

static void numbers_put(struct ask *ask, struct db_query *q, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        json_put_int(ask->out, names[i], db_i64(q));
}

static bool state_open(int64_t state)
{
    return state == DESK_HUNT_WAITING || state == DESK_HUNT_RUNNING;
}

/* The members of a row whose query selects ROW_COLUMNS. */
static void row_put(struct ask *ask, struct db_query *q)
{
    static const char *const first[] = {"made_ns",  "began_ns", "ended_ns", "from_ns", "to_ns",
                                        "permille", "records",  "hits",     "rules",   NULL};
    static const char *const last[] = {"too_large", "gone", "evicted", "passed", NULL};
    static const char *const lists_names[] = {"", "new", "all"};
    static const char *const listed[] = {"sought", "due_ns", NULL};
    static const char *const compared[] = {"changes", "gained", "lost", NULL};
    json_put_int(ask->out, "id", db_i64(q));
    int64_t state = db_i64(q);
    json_put_text(ask->out, "state", hunt_state_name(state));
    struct str who = db_text(q);
    json_put_bool(ask->out, "automatic", who.n == 0);
    json_put_str(ask->out, "who", who);
    json_put_str(ask->out, "stopper", db_text(q));
    numbers_put(ask, q, first);
    rule_put(ask, db_text(q));
    json_put_text(ask->out, "trouble", hunt_trouble_name(db_i64(q)));
    json_put_str(ask->out, "text", desk_cut(db_text(q), DESK_EVENT_MAX));
    numbers_put(ask, q, last);
    json_put_str(ask->out, "pack", db_text(q));
    json_put_str(ask->out, "version", db_text(q));
    json_put_str(ask->out, "was_version", db_text(q));
    numbers_put(ask, q, compared);
    int64_t lists = db_i64(q);
    ASSERT(lists >= 0 && lists < (int64_t)ARRAY_LEN(lists_names));
    json_put_text(ask->out, "lists", lists_names[lists]);
    numbers_put(ask, q, listed);
    json_put_bool(ask->out, "may_stop", state_open(state) && (role_rights(ask->role) & RIGHT_RULES));
}

static int64_t limit_of(const struct ask *ask)
{
    int64_t limit = ask_int(ask, "limit");
    return limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
}

static void list_put(struct ask *ask, struct db_query *q)
{
    json_write_key(ask->out, "hunts");
    json_write_array(ask->out);
    while (db_next(q)) {
        json_write_object(ask->out);
        row_put(ask, q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* "rule": those that it was in; else all, the newest first. */
void ask_hunt_list(struct ask *ask)
{
    struct db *db = ask->desk->db;
    struct str rule = ask_str(ask, "rule");
    struct db_query q = db_query(db, "SELECT count(*) FROM hunt");
    if (rule.n) {
        q = db_query(db, "SELECT count(*) FROM hunt_rule x JOIN rule r ON r.id = x.rule WHERE r.rule_id = ?1");
        db_put_text(&q, rule);
    }
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    q = db_query(db, "SELECT count(*) FROM hunt WHERE state <= 1");
    json_put_int(ask->out, "open", db_one_i64(&q, 0));
    json_put_int(ask->out, "days", DESK_HUNT_NS / (INT64_C(86400) * 1000000000));
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_RULES);
    q = rule.n ? db_query(db, "SELECT " ROW_COLUMNS " FROM rule a JOIN hunt_rule b ON b.rule = a.id JOIN hunt h"
                              " ON h.id = b.hunt WHERE a.rule_id = ?3 ORDER BY h.id DESC LIMIT ?1 OFFSET ?2")
               : db_query(db, "SELECT " ROW_COLUMNS " FROM hunt h ORDER BY h.id DESC LIMIT ?1 OFFSET ?2");
    db_put_i64(&q, limit_of(ask));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    if (rule.n)
        db_put_text(&q, rule);
    list_put(ask, &q);
}

static void rules_put(struct ask *ask, int64_t hunt)
{
    struct db_query q = db_query(ask->desk->db, "SELECT r.rule_id, x.hash, x.hits FROM hunt_rule x JOIN rule r"
                                                " ON r.id = x.rule WHERE x.hunt = ?1 ORDER BY x.hits DESC, x.rule"
                                                " LIMIT ?2");
    db_put_i64(&q, hunt);
    db_put_i64(&q, RULES_SHOWN);
    json_write_key(ask->out, "by_rule");
    json_write_array(ask->out);
    while (db_next(&q)) {
        char hash[17];
        struct buf text;
        json_write_object(ask->out);
        struct str id = db_text(&q);
        const struct desk_rule *rule = rule_of(ask, id);
        rule_put(ask, id);
        json_put_bool(ask->out, "correlation", rule && rule->kind == DESK_RULE_CORRELATION);
        buf_init_fixed(&text, hash, sizeof hash);
        buf_format(&text, "%016llx", (unsigned long long)db_i64(&q));
        json_put_str(ask->out, "hash", buf_view(&text));
        json_put_int(ask->out, "hits", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void hits_put(struct ask *ask, int64_t hunt)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM hunt_hit WHERE hunt = ?1");
    db_put_i64(&q, hunt);
    json_put_int(ask->out, "kept", db_one_i64(&q, 0));
    q = db_query(ask->desk->db, "SELECT x.id, x.record, x.time_ns, x.host, x.account, x.address, x.text, r.rule_id,"
                                " coalesce(m.incident, x.incident), coalesce(i.number, '') FROM hunt_hit x JOIN rule r"
                                " ON r.id = x.rule LEFT JOIN matched m ON m.record = x.record AND m.rule = x.rule"
                                " AND x.record > 0 LEFT JOIN incident i ON i.id = coalesce(m.incident, x.incident)"
                                " WHERE x.hunt = ?1 ORDER BY x.id DESC"
                                " LIMIT ?2 OFFSET ?3");
    db_put_i64(&q, hunt);
    db_put_i64(&q, limit_of(ask));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    json_write_key(ask->out, "found");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "id", db_i64(&q));
        json_put_int(ask->out, "record", db_i64(&q));
        json_put_int(ask->out, "time_ns", db_i64(&q));
        json_put_str(ask->out, "host", db_text(&q));
        json_put_str(ask->out, "account", db_text(&q));
        json_put_str(ask->out, "address", db_text(&q));
        json_put_str(ask->out, "text", db_text(&q));
        rule_put(ask, db_text(&q));
        json_put_int(ask->out, "incident", db_i64(&q));
        json_put_str(ask->out, "number", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_hunt_get(struct ask *ask)
{
    int64_t id = ask_int(ask, "id");
    struct db_query q = db_query(ask->desk->db, "SELECT " ROW_COLUMNS " FROM hunt h WHERE h.id = ?1");
    db_put_i64(&q, id);
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such hunt");
        return;
    }
    json_write_key(ask->out, "hunt");
    json_write_object(ask->out);
    row_put(ask, &q);
    json_put_bool(ask->out, "may_open", role_rights(ask->role) & RIGHT_WORK);
    db_query_end(&q);
    rules_put(ask, id);
    hits_put(ask, id);
    hunt_changes_put(ask, id);
    json_write_object_end(ask->out);
}

/* "rule", or "lists": true; "from_ns", "to_ns": 0 is open. In any state: who orders it, wants it. */
void ask_hunt_start(struct ask *ask)
{
    if (json_bool(json_get(ask->question, "lists"), false)) {
        hunt_lists_start(ask);
        return;
    }
    const struct rule_entry *entry = rule_entry_of(ask->desk->rulebook, ask_str(ask, "rule"));
    if (!entry)
        ask_refuse(ask, "not_found", "no such rule is loaded");
    else if (!hunt_rule_may(entry))
        ask_refuse(ask, "hunt_cannot", "a filter cannot be hunted");
    else if (hunt_rule_of_lists(ask->desk->rulebook, entry))
        hunt_lists_check(ask);
    int64_t hunt = ask->error ? 0 : hunt_order(ask, entry);
    if (hunt)
        json_put_int(ask->out, "id", hunt);
}

void ask_hunt_stop(struct ask *ask)
{
    int64_t id = ask_int(ask, "id");
    struct db_query q = db_query(ask->desk->db, "SELECT state FROM hunt WHERE id = ?1");
    db_put_i64(&q, id);
    int64_t state = db_one_i64(&q, -1);
    if (state < 0)
        ask_refuse(ask, "not_found", "no such hunt");
    else if (!state_open(state))
        ask_refuse(ask, "hunt_over", "the hunt is over");
    else
        hunt_stop(ask, id);
}

/* --- an incident of a hit --- */

struct opening {
    int64_t hit, hunt;
    int64_t incident; /* that a hit without a record has already */
    struct desk_match match;
};

static bool hit_read(struct ask *ask, struct opening *o)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT x.hunt, x.incident, x.record, x.time_ns, x.host, x.account, x.address, x.text,"
                                " r.rule_id FROM hunt_hit x JOIN rule r ON r.id = x.rule"
                                " WHERE x.id = ?1");
    db_put_i64(&q, o->hit);
    bool found = db_next(&q);
    if (found) {
        o->hunt = db_i64(&q);
        o->incident = db_i64(&q);
        o->match = (struct desk_match){.record = (uint64_t)db_i64(&q), .always = true, .source = STR("qorgan")};
        o->match.time_ns = db_i64(&q);
        o->match.host = db_text_copy(&q, ask->arena);
        o->match.account = db_text_copy(&q, ask->arena);
        o->match.address = db_text_copy(&q, ask->arena);
        o->match.description = db_text_copy(&q, ask->arena);
        o->match.rule_id = db_text_copy(&q, ask->arena);
    }
    db_query_end(&q);
    return found;
}

static void rule_say(const struct ask *ask, struct desk_match *match)
{
    const struct rule_entry *entry = rule_entry_of(ask->desk->rulebook, match->rule_id);
    match->level = DESK_MEDIUM;
    if (entry) {
        match->title = entry->rule->title;
        match->level = rule_entry_level(entry);
        match->tags = entry->rule->tags;
        match->tag_count = entry->rule->tag_count;
        match->kind = entry->rule->incident_kind;
    }
}

/* The archive is told once: that the hit opened an incident, or that it was added to one. */
static void opening_tell(struct ask *ask, const struct opening *o, const struct desk_matched *done)
{
    struct buf *body = desk_record_begin(ask->desk, "rule.hunt", ask->who, ask->now_ns);
    json_put_int(body, "hunt", o->hunt);
    json_put_text(body, "act", done->opened ? "opened" : "added");
    json_put_str(body, "rule_id", o->match.rule_id);
    json_put_u64(body, "record", o->match.record);
    json_put_int(body, "incident", o->incident);
    desk_record_end(ask->desk, 0, STR_NONE);
}

/* "hit": its id, as hunt.get gives it. Of a hit that has an incident, that one. */
void ask_hunt_open(struct ask *ask)
{
    struct desk_matched done = {0};
    struct opening o = {.hit = ask_int(ask, "hit")};
    if (!hit_read(ask, &o)) {
        ask_refuse(ask, "not_found", "no such hit is kept");
        return;
    }
    rule_say(ask, &o.match);
    if (!o.incident)
        o.incident = match_open(ask->desk, &o.match, ask->now_ns, &done);
    if (done.fresh)
        opening_tell(ask, &o, &done);
    if (done.fresh && o.match.record == 0) {
        struct db_query q = db_query(ask->desk->db, "UPDATE hunt_hit SET incident = ?1 WHERE id = ?2");
        db_put_i64(&q, o.incident);
        db_put_i64(&q, o.hit);
        db_run(&q);
    }
    json_put_int(ask->out, "incident", o.incident);
}
