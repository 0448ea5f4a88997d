/* own_list.c - lists that people gave, on their way and as they stand: parts come in, one version of each stands. */
#include "desk/own_list.h"

#include "base/assert.h"
#include "base/civil.h"
#include "desk/own_list_inside.h"

#include <string.h>

#define DAY_NS        (DAY_S * SECOND_NS)
#define KEPT_NS       (30 * DAY_NS) /* a version that was not taken */
#define WAITS_NS      (7 * DAY_NS)  /* for somebody to take it */
#define CLEAR_PARTS   20            /* in one step */
#define EXPIRED_MAX   100           /* ended in one tick; the rest in the next */
#define FAULT_MAX     16            /* bytes of a fault's name */
#define DETAIL_MAX    300
#define PREVIEW_DEPTH 4u

static const char *const states[] = {
#define X(id, name) [id] = name,
    OWN_LIST_STATES(X)
#undef X
};

const char *own_list_state_name(int64_t state)
{
    ASSERT(state >= 0 && state < OWN_LIST_STATE_COUNT);
    return states[state];
}

#define COLUMNS                                                                                                        \
    "v.id, v.list, v.state, v.number, v.made_ns, v.expires_ns, v.confidence, v.bytes, v.file, v.basis, v.ended_ns,"    \
    " v.address, v.domain, v.hash, v.url, v.repeated, v.revoked, v.passed, v.refused, v.fresh, v.changed, v.same,"     \
    " v.gone, v.parts, v.stored, l.standing, l.name, v.source, v.name, v.who, v.sha256, v.fault, v.detail, v.taken_by"

bool own_list_load(struct desk *desk, int64_t id, struct arena *arena, struct own_list_version *ret_version)
{
    struct own_list_version *v = ret_version;
    int64_t *const numbers[] = {&v->id,         &v->list,     &v->state,    &v->number,   &v->made_ns,  &v->expires_ns,
                                &v->confidence, &v->bytes,    &v->file,     &v->basis,    &v->ended_ns, &v->kinds[0],
                                &v->kinds[1],   &v->kinds[2], &v->kinds[3], &v->repeated, &v->revoked,  &v->passed,
                                &v->refused,    &v->fresh,    &v->changed,  &v->same,     &v->gone,     &v->parts,
                                &v->stored,     &v->standing};
    struct str *const texts[] = {&v->list_name, &v->source, &v->name,   &v->who,
                                 &v->sha256,    &v->fault,  &v->detail, &v->taken_by};
    struct db_query q = db_query(desk->db, "SELECT " COLUMNS " FROM own_list_version v JOIN own_list l ON l.id = v.list"
                                           " WHERE v.id = ?1");
    db_put_i64(&q, id);
    *v = (struct own_list_version){0};
    if (!db_next(&q))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i] = db_i64(&q);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = db_text_copy(&q, arena);
    db_query_end(&q);
    return !db_failed(desk->db);
}

int64_t own_list_entries(const struct own_list_version *version)
{
    int64_t entries = 0;
    for (size_t i = 0; i < OWN_LIST_KINDS; i++)
        entries += version->kinds[i];
    return entries;
}

void own_list_over(struct desk *desk, int64_t id, enum own_list_state state, int64_t now_ns)
{
    ASSERT(state >= OWN_LIST_FAILED);
    struct db_query q =
        db_query(desk->db, "UPDATE own_list_version SET state = ?2, ended_ns = ?3, cleared = 0 WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_i64(&q, state);
    db_put_i64(&q, now_ns);
    db_run(&q);
    desk->own_lists.works = true; /* what is left of it */
    if (desk->own_lists.reading == id)
        desk->own_lists.reading = 0;
}

/* ---- reading ---- */

static void order_read(struct desk *desk, struct arena *arena, struct own_list_order *order)
{
    struct db_query q = db_query(desk->db, "SELECT v.id, v.file, CASE WHEN l.standing > 0 THEN l.name ELSE '' END,"
                                           " l.standing FROM own_list_version v JOIN own_list l ON l.id = v.list"
                                           " WHERE v.state = 0 ORDER BY v.id LIMIT 1");
    int64_t standing = 0;
    if (db_next(&q)) {
        order->id = db_i64(&q);
        order->file = db_i64(&q);
        order->base = db_text_copy(&q, arena);
        standing = db_i64(&q);
    }
    db_query_end(&q);
    if (!order->id)
        return;
    q = db_query(desk->db, "UPDATE own_list_version SET basis = ?2 WHERE id = ?1");
    db_put_i64(&q, order->id);
    db_put_i64(&q, standing);
    db_run(&q);
}

enum rc desk_own_list_next(struct desk *desk, struct arena *arena, struct own_list_order *ret_order, struct err *err)
{
    *ret_order = (struct own_list_order){0};
    if (!desk->own_lists.waits)
        return RC_OK;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    order_read(desk, arena, ret_order);
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        return rc;
    desk->own_lists.waits = ret_order->id > 0;
    desk->own_lists.reading = ret_order->id;
    return RC_OK;
}

enum rc desk_own_list_file_waits(struct desk *desk, int64_t file, bool *ret_waits, struct err *err)
{
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM own_list_version WHERE state = 0 AND file = ?1");
    db_put_i64(&q, file);
    *ret_waits = db_one_i64(&q, 1) > 0;
    return db_end(desk->db, false, err);
}

bool desk_own_list_wanted(const struct desk *desk, int64_t id)
{
    return id > 0 && desk->own_lists.reading == id;
}

static void part_store(struct desk *desk, int64_t id, struct str text)
{
    struct db_query q = db_query(desk->db, "INSERT INTO own_list_part (version, part, body)"
                                           " SELECT ?1, parts, ?2 FROM own_list_version WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_blob(&q, text);
    db_run(&q);
    q = db_query(desk->db, "UPDATE own_list_version SET parts = parts + 1, stored = stored + ?2 WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_i64(&q, (int64_t)text.n);
    db_run(&q);
}

enum rc desk_own_list_part(struct desk *desk, int64_t id, struct str text, struct err *err)
{
    if (!desk_own_list_wanted(desk, id))
        return RC_OK; /* it was dropped meanwhile */
    if (text.n == 0 || text.n > OWN_LIST_PART || text.p[text.n - 1] != '\n' || memchr(text.p, '\0', text.n))
        return err_set(err, RC_INVALID, "a part of a list is no lines of text");
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT coalesce(sum(stored), 0) FROM own_list_version WHERE cleared = 0");
    bool full = db_one_i64(&q, 0) + (int64_t)text.n > OWN_LISTS_STORED;
    if (!full)
        part_store(desk, id, text);
    rc = desk_end(desk, true, err);
    return rc == RC_OK && full ? err_set(err, RC_LIMIT, "the versions of lists that are kept have more than %lld bytes",
                                         (long long)OWN_LISTS_STORED)
                               : rc;
}

static struct str word_of(struct str text, size_t limit)
{
    struct str cut = desk_cut(text, limit);
    return desk_one_line(cut) ? cut : STR("");
}

/* What another process says is shown is an object; else nothing is. */
static struct str preview_of(struct desk *desk, struct str text)
{
    struct json_value *value = NULL;
    arena_reset(desk->scratch);
    bool good = text.n <= OWN_LIST_PREVIEW && json_parse(desk->scratch, text, PREVIEW_DEPTH, &value, NULL) == RC_OK &&
                value->kind == JSON_OBJECT;
    return good ? text : STR("{}");
}

static int64_t count_of(int64_t said)
{
    return MIN(MAX(said, 0), (int64_t)UINT32_MAX);
}

static void end_store(struct desk *desk, int64_t id, const struct own_list_end *end, int64_t now_ns)
{
    struct db_query q = db_query(
        desk->db, "UPDATE own_list_version SET state = ?2, fault = ?3, detail = ?4, preview = ?5, address = ?6,"
                  " domain = ?7, hash = ?8, url = ?9, repeated = ?10, revoked = ?11, passed = ?12,"
                  " refused = ?13, fresh = ?14, changed = ?15, same = ?16, gone = ?17, read_ns = ?18"
                  " WHERE id = ?1");
    const int64_t numbers[] = {end->kinds[0], end->kinds[1], end->kinds[2], end->kinds[3], end->repeated, end->revoked,
                               end->passed,   end->refused,  end->fresh,    end->changed,  end->same,     end->gone};
    db_put_i64(&q, id);
    db_put_i64(&q, OWN_LIST_READY);
    db_put_text(&q, word_of(end->fault, FAULT_MAX));
    db_put_text(&q, word_of(end->detail, DETAIL_MAX));
    db_put_text(&q, preview_of(desk, end->preview));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        db_put_i64(&q, count_of(numbers[i]));
    db_put_i64(&q, now_ns);
    db_run(&q);
}

enum rc desk_own_list_end(struct desk *desk, int64_t id, const struct own_list_end *end, int64_t now_ns,
                          struct err *err)
{
    if (!desk_own_list_wanted(desk, id))
        return RC_OK;
    int64_t entries = 0;
    struct own_list_end empty = *end;
    for (size_t i = 0; i < OWN_LIST_KINDS; i++)
        entries += count_of(end->kinds[i]);
    if (!empty.fault.n && entries == 0)
        empty.fault = STR("empty");
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    end_store(desk, id, &empty, now_ns);
    if (empty.fault.n)
        own_list_over(desk, id, OWN_LIST_FAILED, now_ns);
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        return rc;
    desk->own_lists.reading = 0;
    desk->own_lists.waits = desk->own_lists.works = true;
    return RC_OK;
}

/* ---- which stands ---- */

static void version_put(struct buf *body, const struct own_list_version *v)
{
    json_put_str(body, "list", v->list_name);
    if (v->number)
        json_put_int(body, "version", v->number);
    json_put_str(body, "source", v->source);
    json_put_str(body, "file", v->name);
    json_put_int(body, "bytes", v->bytes);
    json_put_str(body, "sha256", v->sha256);
}

void own_list_record(struct ask *ask, const struct own_list_version *version, const char *event)
{
    struct buf *body = desk_record_begin(ask->desk, event, ask->who, ask->now_ns);
    version_put(body, version);
    desk_record_end(ask->desk, 0, STR(""));
}

static const char *event_of(const char *act)
{
    static const char *const events[] = {"list.taken", "list.restored", "list.ended", "list.expired"};
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        if (strcmp(events[i] + strlen("list."), act) == 0)
            return events[i];
    ASSERT(false);
    return events[0];
}

static int64_t step_tell(struct desk *desk, const struct own_list_version *v, const struct own_list_step *step,
                         struct str who, int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, event_of(step->act), who, now_ns);
    version_put(body, v);
    json_put_int(body, "indicators", own_list_entries(v));
    if (v->state == OWN_LIST_READY) {
        json_put_int(body, "new", v->fresh);
        json_put_int(body, "changed", v->changed);
        json_put_int(body, "gone", v->gone);
        json_put_int(body, "refused", v->refused);
    }
    if (step->was)
        json_put_int(body, "was_version", step->was);
    if (step->expires_ns)
        json_put_int(body, "expires_ns", step->expires_ns);
    return desk_record_end(desk, 0, step->reason);
}

void own_list_stand(struct desk *desk, const struct own_list_version *version, const struct own_list_step *step,
                    struct str who, int64_t now_ns)
{
    bool stands = strcmp(step->act, "taken") == 0 || strcmp(step->act, "restored") == 0;
    int64_t outgoing = step_tell(desk, version, step, who, now_ns);
    struct db_query q =
        db_query(desk->db, "UPDATE own_list SET standing = ?2, expires_ns = ?3, since_ns = ?4 WHERE id = ?1");
    db_put_i64(&q, version->list);
    db_put_i64(&q, stands ? version->id : 0);
    db_put_i64(&q, stands ? step->expires_ns : 0);
    db_put_i64(&q, now_ns);
    db_run(&q);
    q = db_query(desk->db, "INSERT INTO own_list_step (list, version, act, time_ns, who, reason, expires_ns, outgoing)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    db_put_i64(&q, version->list);
    db_put_i64(&q, version->number);
    db_put_text(&q, str_of(step->act));
    db_put_i64(&q, now_ns);
    db_put_text(&q, who);
    db_put_text(&q, step->reason);
    db_put_i64(&q, stands ? step->expires_ns : 0);
    db_put_i64(&q, outgoing);
    db_run(&q);
    desk->own_lists.moved = true;
}

void own_lists_settle(struct desk *desk, bool held)
{
    desk->own_lists.version += desk->own_lists.moved && held;
    desk->own_lists.moved = false;
}

uint64_t desk_own_lists_version(const struct desk *desk)
{
    ASSERT(desk->magic == DESK_MAGIC);
    return desk->own_lists.version;
}

void own_lists_kept(struct desk *desk, int64_t local_id, int64_t record)
{
    struct db_query q =
        db_query(desk->db, "UPDATE own_list_step SET record = ?1 WHERE outgoing = ?2 AND record IS NULL");
    db_put_i64(&q, record);
    db_put_i64(&q, local_id);
    db_run(&q);
}

static size_t standing_read(struct desk *desk, struct arena *arena, struct own_list_standing *rows)
{
    size_t count = 0;
    struct db_query q = db_query(desk->db, "SELECT v.id, v.confidence, l.expires_ns, l.name, v.source FROM own_list l"
                                           " JOIN own_list_version v ON v.id = l.standing ORDER BY l.name LIMIT ?1");
    db_put_i64(&q, (int64_t)OWN_LISTS_MAX);
    while (count < OWN_LISTS_MAX && db_next(&q)) {
        struct own_list_standing *row = &rows[count++];
        row->version = db_i64(&q);
        row->confidence = db_i64(&q);
        row->expires_ns = db_i64(&q);
        row->name = db_text_copy(&q, arena);
        row->source = db_text_copy(&q, arena);
    }
    db_query_end(&q);
    return count;
}

enum rc desk_own_lists(struct desk *desk, struct arena *arena, struct own_list_standing **ret_rows, size_t *ret_count,
                       struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    *ret_rows = arena_alloc_array(arena, OWN_LISTS_MAX, sizeof **ret_rows);
    *ret_count = 0;
    if (!*ret_rows)
        return err_set(err, RC_LIMIT, "no memory for lists of indicators");
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    *ret_count = standing_read(desk, arena, *ret_rows);
    return db_end(desk->db, false, err);
}

enum rc desk_own_list_text(struct desk *desk, int64_t version, int64_t part, struct buf *out, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT body FROM own_list_part WHERE version = ?1 AND part = ?2");
    db_put_i64(&q, version);
    db_put_i64(&q, part);
    bool found = db_next(&q);
    if (found)
        buf_str(out, db_text(&q));
    db_query_end(&q);
    rc = db_end(desk->db, false, err);
    if (rc == RC_OK && out->overflow)
        return err_set(err, RC_LIMIT, "no memory for a part of a list");
    return rc == RC_OK && !found ? RC_END : rc;
}

/* ---- time ---- */

static int64_t expired_next(struct desk *desk, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "SELECT standing FROM own_list WHERE standing > 0 AND expires_ns > 0 AND"
                                           " expires_ns <= ?1 ORDER BY expires_ns LIMIT 1");
    db_put_i64(&q, now_ns);
    return db_one_i64(&q, 0);
}

void own_lists_tick(struct desk *desk, int64_t now_ns)
{
    struct own_list_version version;
    int64_t id;
    for (size_t i = 0; i < EXPIRED_MAX && (id = expired_next(desk, now_ns)) > 0; i++) {
        if (!own_list_load(desk, id, desk->scratch, &version))
            return; /* the database failed */
        const struct own_list_step step = {.act = "expired", .was = version.number};
        own_list_stand(desk, &version, &step, STR(""), now_ns);
    }
}

void own_lists_clean(struct desk *desk, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "UPDATE own_list_version SET state = ?1, ended_ns = ?2, cleared = 0"
                                           " WHERE state = ?3 AND read_ns < ?4");
    db_put_i64(&q, OWN_LIST_DROPPED);
    db_put_i64(&q, now_ns);
    db_put_i64(&q, OWN_LIST_READY);
    db_put_i64(&q, now_ns - WAITS_NS);
    if (db_run(&q) > 0)
        desk->own_lists.works = true;
    q = db_query(desk->db, "DELETE FROM own_list_version WHERE cleared = 1 AND number = 0 AND ended_ns < ?1");
    db_put_i64(&q, now_ns - KEPT_NS);
    db_run(&q);
    q = db_query(desk->db, "DELETE FROM own_list WHERE NOT EXISTS"
                           " (SELECT 1 FROM own_list_version v WHERE v.list = own_list.id)");
    db_run(&q);
}

bool desk_own_list_works(const struct desk *desk)
{
    return desk->own_lists.works;
}

/* A piece of the text of one whose text is not kept. True: there was some. */
static bool clear_step(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "SELECT id FROM own_list_version WHERE state >= ?1 AND cleared = 0"
                                           " ORDER BY id LIMIT 1");
    db_put_i64(&q, OWN_LIST_FAILED);
    int64_t id = db_one_i64(&q, 0);
    if (!id)
        return false;
    q = db_query(desk->db, "DELETE FROM own_list_part WHERE version = ?1 AND part IN (SELECT part FROM own_list_part"
                           " WHERE version = ?1 LIMIT ?2)");
    db_put_i64(&q, id);
    db_put_i64(&q, CLEAR_PARTS);
    if (db_run(&q) == 0)
        db_run_i64(desk->db, "UPDATE own_list_version SET cleared = 1, stored = 0 WHERE id = ?1", id);
    return true;
}

enum rc desk_own_list_step(struct desk *desk, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    bool left = clear_step(desk);
    rc = desk_end(desk, true, err);
    desk->own_lists.works = rc != RC_OK || left;
    return rc;
}
