/* mirror.c - what is known of the archive's mirrors: who pulled when, how far each says it is, and who is silent.
 *
 * The first use of a token on a day and a change of its address, up to eight a day, are records; so are a mirror's
 * silence, its return, and its own word that a check failed. What a mirror reports is shown, and nothing depends on it.
 */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/inside.h"

#define WATCH_NS       (10 * SECOND_NS)
#define REFUSED_NS     (10 * MINUTE_S * SECOND_NS) /* refused tokens are recorded at most so often, the rest counted */
#define MIRRORS_MAX    64
#define INTERVAL_MAX_S (7 * DAY_S)
#define LATE_S         60 /* a short interval is not held to the second */
#define USED_DAY_MAX   8  /* records of a mirror's use on one day, should its address change all the time */

struct mirror {
    struct str name, address, state, reason, root;
    int64_t size, checkpoint_size, bytes, interval_s;
};

static void mirror_record(struct desk *desk, const char *event, const struct mirror *m, int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, event, STR("qorgan"), now_ns);
    json_put_str(body, "name", m->name);
    json_put_str(body, "address", m->address);
    if (m->reason.n)
        json_put_str(body, "reason", m->reason);
    json_put_int(body, "size", m->size);
    desk_record_end(desk, 0, STR_NONE);
}

static bool name_valid(struct str name)
{
    return name.n > 0 && name.n <= DESK_USER_MAX && desk_one_line(name) && str_find(name, ' ') == name.n;
}

/* A row for the name; false when there are too many already. */
static bool mirror_make(struct ask *ask, struct str name)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM mirror WHERE name <> ?1");
    db_put_text(&q, name);
    bool full = db_one_i64(&q, 0) >= MIRRORS_MAX;
    if (!name_valid(name)) {
        ask_refuse(ask, "invalid", "no mirror's name");
        return false;
    }
    if (full) {
        ask_refuse(ask, "mirror_full",
                   "the server's list has 64 mirrors already; take one off it (mirror.forget) and revoke its token");
        return false;
    }
    q = db_query(ask->desk->db, "INSERT INTO mirror VALUES (?1, '', 'ok', '', 0, 0, 0, '', 0, ?2, 0, -1, '', 0, 0)"
                                " ON CONFLICT (name) DO NOTHING");
    db_put_text(&q, name);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    return true;
}

void ask_mirror_used(struct ask *ask)
{
    struct mirror m = {.name = ask_str(ask, "name"), .address = desk_cut(ask_str(ask, "address"), DESK_FIELD_MAX)};
    if (!mirror_make(ask, m.name))
        return;
    struct db_query q =
        db_query(ask->desk->db, "UPDATE mirror SET used_count = CASE used_day WHEN ?2 THEN used_count + 1 ELSE 1 END,"
                                " used_day = ?2, used_address = ?3 WHERE name = ?1"
                                " AND (used_day <> ?2 OR used_address <> ?3)");
    db_put_text(&q, m.name);
    db_put_i64(&q, ask->now_ns / (DAY_S * SECOND_NS));
    db_put_text(&q, m.address);
    if (db_run(&q) == 0)
        return;
    q = db_query(ask->desk->db, "SELECT used_count FROM mirror WHERE name = ?1");
    db_put_text(&q, m.name);
    if (db_one_i64(&q, 0) <= USED_DAY_MAX)
        mirror_record(ask->desk, "mirror.used", &m, ask->now_ns);
}

void ask_mirror_refused(struct ask *ask)
{
    struct desk *desk = ask->desk;
    if (desk->mirror_refused_ns && ask->now_ns - desk->mirror_refused_ns < REFUSED_NS &&
        ask->now_ns >= desk->mirror_refused_ns) {
        desk->mirror_refused++;
        return;
    }
    struct buf *body = desk_record_begin(desk, "mirror.refused", STR("qorgan"), ask->now_ns);
    json_put_str(body, "address", desk_cut(ask_str(ask, "address"), DESK_FIELD_MAX));
    json_put_int(body, "further", desk->mirror_refused);
    desk_record_end(desk, 0, STR_NONE);
    desk->mirror_refused = 0;
    desk->mirror_refused_ns = ask->now_ns;
}

static struct mirror report_read(const struct ask *ask)
{
    return (struct mirror){
        .name = ask_str(ask, "name"),
        .address = desk_cut(ask_str(ask, "address"), DESK_FIELD_MAX),
        .state = str_is(ask_str(ask, "state"), "stopped") ? STR("stopped") : STR("ok"),
        .reason = desk_cut(ask_str(ask, "reason"), DESK_FIELD_MAX),
        .root = desk_cut(ask_str(ask, "root"), DESK_FIELD_MAX),
        .size = MAX(ask_int(ask, "size"), 0),
        .checkpoint_size = MAX(ask_int(ask, "checkpoint_size"), 0),
        .bytes = MAX(ask_int(ask, "bytes"), 0),
        .interval_s = MIN(MAX(ask_int(ask, "interval_s"), 1), INTERVAL_MAX_S),
    };
}

static void report_store(struct ask *ask, const struct mirror *m)
{
    struct db_query q = db_query(
        ask->desk->db, "UPDATE mirror SET address = ?2, state = ?3, reason = ?4, size = ?5, checkpoint_size = "
                       "?6, bytes = ?7, root = ?8, interval_s = ?9, last_ns = ?10, silent = 0 WHERE name = ?1");
    db_put_text(&q, m->name);
    db_put_text(&q, m->address);
    db_put_text(&q, m->state);
    db_put_text(&q, m->reason);
    db_put_i64(&q, m->size);
    db_put_i64(&q, m->checkpoint_size);
    db_put_i64(&q, m->bytes);
    db_put_text(&q, m->root);
    db_put_i64(&q, m->interval_s);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
}

void ask_mirror_report(struct ask *ask)
{
    struct mirror m = report_read(ask);
    bool was_silent = false;
    bool was_stopped = false;
    if (!mirror_make(ask, m.name))
        return;
    struct db_query q = db_query(ask->desk->db, "SELECT silent, state = 'stopped' FROM mirror WHERE name = ?1");
    db_put_text(&q, m.name);
    if (db_next(&q)) {
        was_silent = db_i64(&q);
        was_stopped = db_i64(&q);
    }
    db_query_end(&q);
    report_store(ask, &m);
    bool stopped = str_is(m.state, "stopped");
    if (stopped && !was_stopped)
        mirror_record(ask->desk, "mirror.stopped", &m, ask->now_ns);
    if (was_silent || (was_stopped && !stopped))
        mirror_record(ask->desk, "mirror.heard", &m, ask->now_ns);
    desk_cosign_round(ask->desk, ask->out);
}

void ask_mirror_list(struct ask *ask)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT name, address, state, reason, size, checkpoint_size, bytes,"
                                " root, interval_s, first_ns, last_ns, silent FROM mirror ORDER BY name");
    json_write_key(ask->out, "mirrors");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_str(ask->out, "name", db_text(&q));
        json_put_str(ask->out, "address", db_text(&q));
        json_put_str(ask->out, "state", db_text(&q));
        json_put_str(ask->out, "reason", db_text(&q));
        json_put_int(ask->out, "size", db_i64(&q));
        json_put_int(ask->out, "checkpoint_size", db_i64(&q));
        json_put_int(ask->out, "bytes", db_i64(&q));
        json_put_str(ask->out, "root", db_text(&q));
        json_put_int(ask->out, "interval_s", db_i64(&q));
        json_put_int(ask->out, "first_ns", db_i64(&q));
        json_put_int(ask->out, "last_ns", db_i64(&q));
        json_put_bool(ask->out, "silent", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_mirror_forget(struct ask *ask)
{
    struct str name = ask_str(ask, "name");
    struct db_query q = db_query(ask->desk->db, "DELETE FROM mirror WHERE name = ?1");
    db_put_text(&q, name);
    if (db_run(&q) == 0) {
        ask_refuse(ask, "not_found", "no such mirror");
        return;
    }
    struct buf *body = desk_record_begin(ask->desk, "mirror.forgotten", ask->who, ask->now_ns);
    json_put_str(body, "name", name);
    desk_record_end(ask->desk, 0, STR_NONE);
}

/* ---- silence ---- */

/* Those whose last report is older than so many intervals, each told once. */
static size_t silent_find(struct desk *desk, int64_t now_ns, struct mirror ret_mirrors[MIRRORS_MAX])
{
    size_t count = 0;
    arena_reset(desk->scratch);
    struct db_query q = db_query(desk->db, "SELECT name, address, size FROM mirror WHERE silent = 0 AND last_ns > 0"
                                           " AND ?1 - last_ns > (interval_s * ?2 + ?3) * 1000000000 ORDER BY name");
    db_put_i64(&q, now_ns);
    db_put_i64(&q, desk->mirror_silent);
    db_put_i64(&q, LATE_S);
    while (count < MIRRORS_MAX && db_next(&q)) {
        struct mirror *m = &ret_mirrors[count++];
        *m = (struct mirror){.name = db_text_copy(&q, desk->scratch), .address = db_text_copy(&q, desk->scratch)};
        m->size = db_i64(&q);
    }
    db_query_end(&q);
    return count;
}

enum rc desk_watch_mirrors(struct desk *desk, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct mirror silent[MIRRORS_MAX];
    if (now_ns - desk->mirrors_ns < WATCH_NS && now_ns >= desk->mirrors_ns)
        return RC_OK;
    desk->mirrors_ns = now_ns;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    size_t count = silent_find(desk, now_ns, silent);
    for (size_t i = 0; i < count; i++) {
        struct db_query q = db_query(desk->db, "UPDATE mirror SET silent = 1 WHERE name = ?1");
        db_put_text(&q, silent[i].name);
        db_run(&q);
        mirror_record(desk, "mirror.silent", &silent[i], now_ns);
    }
    return desk_end(desk, count > 0, err);
}
