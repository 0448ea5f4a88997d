#include "desk/factor_reset.h"

#include "desk/factor.h"
#include "desk/schema.h"

bool factor_reset_reason(struct str text, struct str *ret_reason)
{
    size_t characters = 0;
    *ret_reason = str_trim(desk_cut(text, FACTOR_RESET_REASON_MAX));
    for (size_t i = 0; i < ret_reason->n; i++)
        characters += ((unsigned char)ret_reason->p[i] & 0xc0) != 0x80;
    return characters >= FACTOR_RESET_REASON_MIN;
}

void factor_reset_store(struct desk *desk, const struct factor_reset *reset, int64_t now_ns)
{
    struct db_query q =
        db_query(desk->db, "UPDATE factor SET secret = X'', since_ns = 0, next = X'', next_ns = 0, reset_ns = ?2,"
                           " reset_by = ?3, reset_why = ?4 WHERE user = ?1");
    db_put_i64(&q, reset->id);
    db_put_i64(&q, now_ns);
    db_put_text(&q, reset->who);
    db_put_text(&q, reset->reason);
    db_run(&q);
    db_run_i64(desk->db, "DELETE FROM factor_code WHERE user = ?1", reset->id);
    sessions_end(desk, reset->id, STR(""));
    struct buf *body = desk_record_begin(desk, "factor.reset", reset->who, now_ns);
    json_put_str(body, "user", reset->user);
    desk_record_end_of(desk, SUBJECT_PERSON, reset->id, reset->reason);
}

/* What is needed of a desk to write a record. */
static enum rc reset_in(struct desk *desk, struct factor_reset *reset, int64_t now_ns, struct err *err)
{
    enum rc rc = db_begin(desk->db, DB_WRITE, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT u.id FROM user u JOIN factor f ON f.user = u.id AND f.since_ns > 0"
                                           " WHERE u.name = ?1");
    db_put_text(&q, reset->user);
    reset->id = db_one_i64(&q, 0);
    if (reset->id)
        factor_reset_store(desk, reset, now_ns);
    rc = db_end(desk->db, true, err);
    if (rc == RC_OK && !reset->id)
        rc = err_set(err, RC_NOT_FOUND, "there is no user \"%.*s\" with a second factor", STR_ARG(reset->user));
    return rc;
}

enum rc desk_factor_reset(struct db *db, struct str user, struct str reason, int64_t now_ns, struct err *err)
{
    struct desk desk = {.magic = DESK_MAGIC, .db = db};
    struct factor_reset reset = {.user = user, .who = STR("qorgan")};
    if (!factor_reset_reason(reason, &reset.reason) || !desk_one_line(reset.reason))
        return err_set(err, RC_INVALID, "a reason of one line and ten characters at least must be given");
    enum rc rc = db_migrate(db, desk_schema, desk_schema_count, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&desk.body, DESK_RECORD_MAX);
    rc = reset_in(&desk, &reset, now_ns, err);
    buf_done(&desk.body);
    return rc;
}
