/* record.c - what happened, on its way to the archive: written in the transaction of the change itself. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/inside.h"
#include "desk/own_list_inside.h"

#define HISTORY_MAX 1000 /* rows shown */

static struct buf *record_begin(struct desk *desk, const char *event, struct str sha256, struct str who, int64_t now_ns)
{
    char time[CIVIL_TEXT_MAX];
    ASSERT(!desk->event);
    desk->event = event;
    desk->event_ns = now_ns;
    if (!str_copy_z(desk_cut(who, DESK_USER_MAX), desk->who, sizeof desk->who))
        desk->who[0] = '\0';
    buf_clear(&desk->body);
    json_write_object(&desk->body);
    json_put_text(&desk->body, "event", event);
    if (sha256.n)
        json_put_str(&desk->body, "sha256", sha256);
    json_put_str(&desk->body, "time", str_at(time, civil_format(now_ns, 0, 9, time)));
    if (desk->who[0])
        json_put_text(&desk->body, "who", desk->who);
    if (desk->through[0])
        json_put_text(&desk->body, "through", desk->through);
    return &desk->body;
}

struct buf *desk_record_begin(struct desk *desk, const char *event, struct str who, int64_t now_ns)
{
    return record_begin(desk, event, STR_NONE, who, now_ns);
}

struct buf *desk_record_begin_paper(struct desk *desk, const char *event, struct str sha256, struct str who,
                                    int64_t now_ns)
{
    ASSERT(sha256.n == 2 * TLOG_HASH_SIZE);
    return record_begin(desk, event, sha256, who, now_ns);
}

void history_add(struct desk *desk, enum subject_kind kind, int64_t item, const struct history_row *row)
{
    struct db_query q = db_query(desk->db, "INSERT INTO history (subject, item, time_ns, who, what, detail, outgoing,"
                                           " record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)");
    db_put_i64(&q, kind);
    db_put_i64(&q, item);
    db_put_i64(&q, desk->event_ns);
    db_put_text(&q, str_of(desk->who));
    db_put_text(&q, str_of(row->what));
    db_put_text(&q, desk_cut(row->detail, DESK_TEXT_MAX));
    db_put_i64(&q, row->outgoing);
    db_run(&q);
}

int64_t desk_record_end(struct desk *desk, int64_t incident, struct str detail)
{
    return desk_record_end_of(desk, SUBJECT_INCIDENT, incident, detail);
}

int64_t desk_record_end_of(struct desk *desk, enum subject_kind kind, int64_t item, struct str detail)
{
    ASSERT(desk->event);
    if (detail.n)
        json_put_str(&desk->body, "detail", detail);
    json_write_object_end(&desk->body);
    if (desk->body.overflow)
        db_fail(desk->db, RC_LIMIT, "a record for the archive is too long");
    struct db_query q = db_query(desk->db, "INSERT INTO outgoing (time_ns, body) VALUES (?1, ?2)");
    db_put_i64(&q, desk->event_ns);
    db_put_text(&q, buf_view(&desk->body));
    db_run(&q);
    int64_t outgoing = db_last_id(desk->db);
    if (item)
        history_add(desk, kind, item, &(struct history_row){desk->event, detail, outgoing});
    desk->event = NULL;
    return outgoing;
}

enum rc desk_take_record(struct desk *desk, struct arena *arena, struct desk_record *ret_record, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    bool found = false;
    struct db_query q = db_query(desk->db, "SELECT id, time_ns, body FROM outgoing WHERE id > ?1 ORDER BY id LIMIT 1");
    db_put_i64(&q, desk->taken_id);
    if (db_next(&q)) {
        ret_record->local_id = db_i64(&q);
        ret_record->time_ns = db_i64(&q);
        ret_record->body = db_text_copy(&q, arena);
        found = true;
    }
    rc = db_end(desk->db, true, err);
    if (rc != RC_OK)
        return rc;
    if (!found)
        return RC_END;
    desk->taken_id = ret_record->local_id;
    return RC_OK;
}

enum rc desk_records_kept(struct desk *desk, const struct desk_kept *kept, size_t count, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    for (size_t i = 0; i < count; i++)
        if (kept[i].record > INT64_MAX)
            return err_set(err, RC_INVALID, "the record number is out of range");
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct db_query q = db_query(desk->db, "UPDATE history SET record = ?1 WHERE outgoing = ?2 AND record IS NULL");
        db_put_i64(&q, (int64_t)kept[i].record);
        db_put_i64(&q, kept[i].local_id);
        db_run(&q);
        q = db_query(desk->db, "UPDATE rule_history SET record = ?1 WHERE outgoing = ?2 AND record IS NULL");
        db_put_i64(&q, (int64_t)kept[i].record);
        db_put_i64(&q, kept[i].local_id);
        db_run(&q);
        q = db_query(desk->db, "UPDATE rule_text SET record = ?1 WHERE outgoing = ?2 AND record IS NULL");
        db_put_i64(&q, (int64_t)kept[i].record);
        db_put_i64(&q, kept[i].local_id);
        db_run(&q);
        q = db_query(desk->db, "UPDATE parser_use SET record = ?1 WHERE outgoing = ?2 AND record IS NULL");
        db_put_i64(&q, (int64_t)kept[i].record);
        db_put_i64(&q, kept[i].local_id);
        db_run(&q);
        agent_policies_kept(desk, kept[i].local_id, (int64_t)kept[i].record);
        own_alarms_kept(desk, kept[i].local_id, (int64_t)kept[i].record);
        own_lists_kept(desk, kept[i].local_id, (int64_t)kept[i].record);
        db_run_i64(desk->db, "DELETE FROM outgoing WHERE id = ?1", kept[i].local_id);
    }
    return desk_end(desk, true, err);
}

enum rc desk_record_kept(struct desk *desk, int64_t local_id, uint64_t record_number, struct err *err)
{
    const struct desk_kept kept = {local_id, record_number};
    return desk_records_kept(desk, &kept, 1, err);
}

void desk_records_rewind(struct desk *desk)
{
    ASSERT(desk->magic == DESK_MAGIC);
    desk->taken_id = 0;
}

void history_put(struct desk *desk, struct buf *json, enum subject_kind kind, int64_t item)
{
    json_write_key(json, "history");
    json_write_array(json);
    struct db_query q = db_query(desk->db, "SELECT time_ns, who, what, detail, coalesce(record, 0) FROM (SELECT * FROM"
                                           " history WHERE subject = ?1 AND item = ?2 ORDER BY id DESC LIMIT ?3)"
                                           " ORDER BY id");
    db_put_i64(&q, kind);
    db_put_i64(&q, item);
    db_put_i64(&q, HISTORY_MAX);
    while (db_next(&q)) {
        json_write_object(json);
        json_put_int(json, "time_ns", db_i64(&q));
        json_put_str(json, "who", db_text(&q));
        json_put_str(json, "what", db_text(&q));
        json_put_str(json, "detail", desk_cut(db_text(&q), 300));
        json_put_int(json, "record", db_i64(&q));
        json_write_object_end(json);
    }
    json_write_array_end(json);
}
