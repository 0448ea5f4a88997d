/* match.c - what engines found becomes an event or incident, or joins one.
 *
 * One incident collects the matches of one rule on one object with the same host, account and address, as long as it is
 * open. The pair (record, rule) is stored, so that a replay changes nothing. Two bounds keep a flood from filling the
 * disk or the desk: past DESK_STORED_MATCHES of one incident a match is a replay when its record is not above the
 * highest seen; and past DESK_OPEN_PER_RULE open incidents of one rule on one object a new group joins the newest. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/canary_inside.h"
#include "desk/inside.h"

struct group {
    int64_t id; /* the newest incident of the group; 0 when there was none */
    bool open;
    int64_t matches, last_record;
};

#define CROWDS_MAX 32

/* Rules with too many open incidents on an object, as found in this transaction: they have no new ones in it, so the
 * newest stays what it is. */
struct crowd {
    int64_t object, rule;
    int64_t newest; /* incident */
};

struct crowds {
    struct crowd crowd[CROWDS_MAX];
    size_t count;
};

struct matching {
    struct desk *desk;
    struct crowds *crowds;
    const struct desk_match *match;
    struct str host, account, address; /* cut to what is stored */
    int64_t object, rule, record;
    bool recordless; /* of a hunt's correlation: what it stands on is not known any more; or a person's report */
    const struct incident_told *told; /* by a person; NULL: a rule found it */
    int64_t now_ns;
};

int64_t desk_rule_row(struct desk *desk, struct str rule_id)
{
    struct db_query q = db_query(desk->db, "SELECT id FROM rule WHERE rule_id = ?1");
    db_put_text(&q, rule_id);
    int64_t id = db_one_i64(&q, 0);
    if (id)
        return id;
    q = db_query(desk->db, "INSERT INTO rule (rule_id, counted) VALUES (?1, 0)");
    db_put_text(&q, rule_id);
    db_run(&q);
    return db_last_id(desk->db);
}

static struct group group_take(struct db_query *q)
{
    struct group group = {0};
    if (db_next(q)) {
        group.id = db_i64(q);
        group.open = db_i64(q);
        group.matches = db_i64(q);
        group.last_record = db_i64(q);
    }
    db_query_end(q);
    return group;
}

static struct group group_find(const struct matching *m)
{
    struct db_query q = db_query(m->desk->db, "SELECT id, open, matches, last_record FROM incident WHERE object = ?1"
                                              " AND rule = ?2 AND host = ?3 AND account = ?4 AND address = ?5"
                                              " ORDER BY id DESC LIMIT 1");
    db_put_i64(&q, m->object);
    db_put_i64(&q, m->rule);
    db_put_text(&q, m->host);
    db_put_text(&q, m->account);
    db_put_text(&q, m->address);
    return group_take(&q);
}

static struct group group_load(const struct matching *m, int64_t incident)
{
    struct db_query q =
        db_query(m->desk->db, "SELECT id, open, matches, last_record FROM incident WHERE id = ?1 AND open = 1");
    db_put_i64(&q, incident);
    return group_take(&q);
}

/* The newest open incident of the rule on the object, once there are too many of them. */
static struct group group_crowded(const struct matching *m)
{
    struct crowds *crowds = m->crowds;
    for (size_t i = 0; i < crowds->count; i++)
        if (crowds->crowd[i].object == m->object && crowds->crowd[i].rule == m->rule)
            return group_load(m, crowds->crowd[i].newest);
    struct db_query q =
        db_query(m->desk->db, "SELECT count(*) FROM incident WHERE object = ?1 AND rule = ?2 AND open = 1");
    db_put_i64(&q, m->object);
    db_put_i64(&q, m->rule);
    if (db_one_i64(&q, 0) < (int64_t)DESK_OPEN_PER_RULE)
        return (struct group){0};
    q = db_query(m->desk->db, "SELECT id, open, matches, last_record FROM incident WHERE object = ?1 AND rule = ?2"
                              " AND open = 1 ORDER BY id DESC LIMIT 1");
    db_put_i64(&q, m->object);
    db_put_i64(&q, m->rule);
    struct group newest = group_take(&q);
    if (newest.id && crowds->count < CROWDS_MAX)
        crowds->crowd[crowds->count++] = (struct crowd){m->object, m->rule, newest.id};
    return newest;
}

/* False when the pair was seen before. */
static bool matched_put(const struct matching *m, int64_t incident)
{
    if (m->recordless)
        return true;
    struct db_query q = db_query(
        m->desk->db, "INSERT INTO matched (record, rule, incident) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
    db_put_i64(&q, m->record);
    db_put_i64(&q, m->rule);
    db_put_i64(&q, incident);
    return db_run(&q) > 0;
}

static bool matched_has(const struct matching *m)
{
    if (m->recordless)
        return false;
    struct db_query q = db_query(m->desk->db, "SELECT count(*) FROM matched WHERE record = ?1 AND rule = ?2");
    db_put_i64(&q, m->record);
    db_put_i64(&q, m->rule);
    return db_one_i64(&q, 0) > 0;
}

static void evidence_put(const struct matching *m, int64_t incident)
{
    if (m->recordless)
        return;
    struct db_query q = db_query(m->desk->db, "INSERT INTO evidence (incident, record, time_ns, text)"
                                              " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING");
    db_put_i64(&q, incident);
    db_put_i64(&q, m->record);
    db_put_i64(&q, m->match->time_ns);
    db_put_text(&q, desk_cut(m->match->description, DESK_EVENT_MAX));
    db_run(&q);
}

/* "2026-000001": the year where the product stands, and a number without gaps. */
static struct str number_make(struct desk *desk, int64_t now_ns, char storage[32])
{
    struct buf text;
    int32_t year = civil_from_ns(now_ns, desk->zone_offset_s).year;
    struct db_query q = db_query(desk->db, "INSERT INTO counter (year, last) VALUES (?1, 1)"
                                           " ON CONFLICT (year) DO UPDATE SET last = last + 1 RETURNING last");
    db_put_i64(&q, year);
    int64_t last = 0;
    while (db_next(&q))
        last = db_i64(&q);
    buf_init_fixed(&text, storage, 32);
    buf_format(&text, "%04d-%06lld", year, (long long)last);
    return buf_view(&text);
}

static void tags_put(struct buf *json, const struct desk_match *match)
{
    json_write_array(json);
    for (size_t i = 0; i < match->tag_count && i < 32; i++)
        json_write_str(json, desk_cut(match->tags[i], DESK_FIELD_MAX));
    json_write_array_end(json);
}

static int64_t severity_of(enum desk_level level)
{
    return level == DESK_CRITICAL ? 4 : level == DESK_HIGH ? 3 : level == DESK_MEDIUM ? 2 : 1;
}

static struct str kind_of(const struct desk *desk, const struct desk_match *match)
{
    if (desk_catalogue_has(&desk->catalogue, "kind", match->kind))
        return match->kind;
    return desk_catalogue_kind(&desk->catalogue, match->tags, match->tag_count);
}

static int64_t incident_insert(const struct matching *m, bool repeated)
{
    char number[32];
    struct buf tags;
    const struct desk_match *match = m->match;
    struct str made = number_make(m->desk, m->now_ns, number);
    buf_init(&tags, 16000);
    tags_put(&tags, match);
    struct db_query q =
        db_query(m->desk->db,
                 "INSERT INTO incident (number, object, rule, title, rule_title, level, tags, severity, kind, contour,"
                 " repeated, nature, host, account, address, last_record, first_ns, last_ns, occurred_ns,"
                 " detected_ns, state, open, scope, sign, consequence, ioc, actions, note, matches, confirmed_ns,"
                 " notified_ns, closed_ns) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8,"
                 " (SELECT contour FROM object WHERE id = ?2), ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15, ?15, ?16,"
                 " 0, 1, '', '', '', '', '', '', 1, 0, 0, 0)");
    db_put_text(&q, made);
    db_put_i64(&q, m->object);
    db_put_i64(&q, m->rule);
    db_put_text(&q, desk_cut(match->title.n ? match->title : match->rule_id, DESK_NAME_MAX));
    db_put_i64(&q, match->level);
    db_put_text(&q, buf_view(&tags));
    db_put_i64(&q, m->told ? m->told->severity : severity_of(match->level));
    db_put_text(&q, kind_of(m->desk, match));
    db_put_i64(&q, repeated);
    db_put_text(&q, desk_cut(match->description, DESK_EVENT_MAX));
    db_put_text(&q, m->host);
    db_put_text(&q, m->account);
    db_put_text(&q, m->address);
    db_put_i64(&q, m->record);
    db_put_i64(&q, match->time_ns);
    db_put_i64(&q, m->now_ns);
    db_run(&q);
    buf_done(&tags);
    return db_last_id(m->desk->db);
}

/* The clocks start at the moment the server knows, not at the time a log claims. */
static int64_t incident_open(const struct matching *m, bool repeated)
{
    struct desk *desk = m->desk;
    struct incident incident;
    int64_t id = incident_insert(m, repeated);
    if (db_failed(desk->db) || !incident_load(desk, id, desk->scratch, &incident))
        return 0;
    struct str who = m->told ? m->told->who : STR("qorgan");
    if (m->told) {
        incident.origin = m->told->origin;
        incident.told_ns = m->told->told_ns;
        incident_save(desk, &incident);
    }
    struct buf *body = desk_record_begin(desk, "incident.detected", who, m->now_ns);
    incident_put(body, &incident);
    if (m->told)
        json_put_text(body, "origin", duty_origin_name(incident.origin));
    if (incident.told_ns)
        json_put_int(body, "told_ns", incident.told_ns);
    if (!m->told)
        json_put_u64(body, "record", m->match->record);
    json_put_int(body, "occurred_ns", m->match->time_ns);
    json_put_str(body, "source", desk_cut(m->match->source, DESK_FIELD_MAX));
    json_put_bool(body, "repeat", repeated);
    desk_record_end(desk, id, STR_NONE);
    const struct subject subject = incident_subject(&incident);
    duties_settle(desk, &incident, who, m->now_ns);
    struct db_query q =
        db_query(desk->db, "SELECT coalesce(min(due_ns), 0) FROM clock WHERE subject = 0 AND item = ?1");
    db_put_i64(&q, id);
    const struct notice notice = {.kind = "opened", .due_ns = db_one_i64(&q, 0)};
    notice_put(desk, &subject, &notice, m->now_ns);
    return id;
}

static bool is_power_of_ten(int64_t n)
{
    while (n >= 10 && n % 10 == 0)
        n /= 10;
    return n == 1;
}

static void incident_extend(const struct matching *m, const struct group *group)
{
    struct incident incident;
    struct db_query q = db_query(m->desk->db, "UPDATE incident SET matches = matches + 1, first_ns = min(first_ns, ?1),"
                                              " last_ns = max(last_ns, ?1), last_record = max(last_record, ?2)"
                                              " WHERE id = ?3");
    db_put_i64(&q, m->match->time_ns);
    db_put_i64(&q, m->record);
    db_put_i64(&q, group->id);
    db_run(&q);
    int64_t matches = group->matches + 1;
    /* A record each would bury the archive: the tenth, the hundredth... is told. */
    if (!is_power_of_ten(matches) || !incident_load(m->desk, group->id, m->desk->scratch, &incident))
        return;
    struct buf *body = desk_record_begin(m->desk, "incident.extended", STR("qorgan"), m->now_ns);
    incident_put(body, &incident);
    json_put_int(body, "matches", matches);
    json_put_u64(body, "record", m->match->record);
    char text[24];
    struct buf detail;
    buf_init_fixed(&detail, text, sizeof text);
    buf_i64(&detail, matches);
    desk_record_end(m->desk, group->id, buf_view(&detail));
}

static void count_only(const struct matching *m, struct desk_matched *done)
{
    if (!matched_put(m, 0))
        return;
    db_run_i64(m->desk->db, "UPDATE rule SET counted = counted + 1 WHERE id = ?1", m->rule);
    done->fresh++;
    done->counted++;
}

/* The incident that it opened or joined; 0: none, it is counted or was seen before. */
static int64_t match_take(const struct matching *m, struct desk_matched *done)
{
    if (m->match->level < m->desk->threshold && !m->match->always) {
        count_only(m, done);
        return 0;
    }
    struct group group = group_find(m);
    bool repeated = group.id != 0;
    if (!group.open && group.matches >= (int64_t)DESK_STORED_MATCHES && m->record <= group.last_record)
        return 0;
    if (!group.open) {
        if (matched_has(m))
            return 0;
        group = group_crowded(m);
    }
    if (group.id == 0) {
        int64_t id = incident_open(m, repeated);
        matched_put(m, id);
        evidence_put(m, id);
        done->fresh++;
        done->opened++;
        return id;
    }
    if (group.matches >= (int64_t)DESK_STORED_MATCHES ? m->record <= group.last_record : !matched_put(m, group.id))
        return 0;
    if (group.matches < DESK_EVIDENCE_MAX)
        evidence_put(m, group.id);
    incident_extend(m, &group);
    done->fresh++;
    done->extended++;
    return group.id;
}

static enum rc match_check(const struct desk_match *match, struct err *err)
{
    if (match->rule_id.n == 0 || match->rule_id.n > DESK_FIELD_MAX)
        return err_set(err, RC_INVALID, "a match without a rule id, or with one that is too long");
    if (match->record > INT64_MAX)
        return err_set(err, RC_INVALID, "a match with record number %llu", (unsigned long long)match->record);
    if (match->level > DESK_CRITICAL)
        return err_set(err, RC_INVALID, "a match with level %d", (int)match->level);
    return RC_OK;
}

static struct matching matching_of(struct desk *desk, const struct desk_match *match, int64_t now_ns)
{
    struct matching m = {
        .desk = desk,
        .match = match,
        .host = desk_cut(match->host, DESK_FIELD_MAX),
        .account = desk_cut(match->account, DESK_FIELD_MAX),
        .address = desk_cut(match->address, DESK_FIELD_MAX),
        .record = (int64_t)match->record,
        .now_ns = now_ns,
    };
    m.object = match->object ? match->object : assets_object(desk, m.host, m.address);
    m.rule = desk_rule_row(desk, match->rule_id);
    return m;
}

static void matches_take(struct desk *desk, const struct desk_batch *batch, int64_t now_ns, struct desk_matched *done)
{
    struct crowds crowds = {.count = 0};
    for (size_t i = 0; i < batch->count && !db_failed(desk->db); i++) {
        struct matching m = matching_of(desk, &batch->matches[i], now_ns);
        m.crowds = &crowds;
        IGNORE(match_take(&m, done) == 0);
        arena_reset(desk->scratch);
    }
}

/* Until now it was only counted, perhaps. */
int64_t match_open(struct desk *desk, const struct desk_match *match, int64_t now_ns, struct desk_matched *ret_done)
{
    struct crowds crowds = {.count = 0};
    struct matching m = matching_of(desk, match, now_ns);
    ASSERT(match->always);
    m.crowds = &crowds;
    m.recordless = match->record == 0;
    *ret_done = (struct desk_matched){0};
    struct db_query q = db_query(desk->db, "DELETE FROM matched WHERE record = ?1 AND rule = ?2 AND incident = 0");
    db_put_i64(&q, m.record);
    db_put_i64(&q, m.rule);
    db_run(&q);
    int64_t incident = match_take(&m, ret_done);
    if (incident)
        return incident;
    q = db_query(desk->db, "SELECT incident FROM matched WHERE record = ?1 AND rule = ?2");
    db_put_i64(&q, m.record);
    db_put_i64(&q, m.rule);
    incident = m.recordless ? 0 : db_one_i64(&q, 0);
    return incident ? incident : group_find(&m).id; /* one with so many matches that they are only counted */
}

int64_t match_report(struct desk *desk, const struct desk_match *match, const struct incident_told *told,
                     int64_t now_ns)
{
    struct matching m = matching_of(desk, match, now_ns);
    m.recordless = true;
    m.told = told;
    return incident_open(&m, false);
}

enum rc desk_match_batch(struct desk *desk, const struct desk_batch *batch, int64_t now_ns,
                         struct desk_matched *ret_matched, struct err *err)
{
    struct desk_matched done = {0};
    ASSERT(desk->magic == DESK_MAGIC);
    for (size_t i = 0; i < batch->count; i++) {
        enum rc rc = match_check(&batch->matches[i], err);
        if (rc != RC_OK)
            return rc;
    }
    if (batch->count && desk->outgoing >= (int64_t)DESK_OUTGOING_MAX)
        return err_set(err, RC_AGAIN, "%lld records wait for the archive", (long long)desk->outgoing);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    desk_clean(desk, now_ns);
    matches_take(desk, batch, now_ns, &done);
    rule_fired_store(desk, batch, now_ns);
    canaries_store(desk, batch, now_ns);
    struct trail trail = trail_put(desk, batch);
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        return rc;
    desk->trail = trail;
    rule_fired_remember(desk, batch);
    if (ret_matched)
        *ret_matched = done;
    return RC_OK;
}

enum rc desk_match(struct desk *desk, const struct desk_match *matches, size_t count, int64_t now_ns,
                   struct desk_matched *ret_matched, struct err *err)
{
    const struct desk_batch batch = {.matches = matches, .count = count, .clock_ns = now_ns};
    return desk_match_batch(desk, &batch, now_ns, ret_matched, err);
}
