/* upload_ask.c - the questions about uploads: may a file be given, here it is, what would it do, take it, drop it. */
#include "base/assert.h"
#include "base/bytes.h"
#include "desk/upload_inside.h"

#define LIST_DEFAULT 20
#define LIST_MAX     100
#define HOSTS_SHOWN  50

static struct findings_begin begin_read(struct ask *ask)
{
    struct str title = str_trim(ask_str(ask, "title"));
    struct str name = str_trim(ask_str(ask, "name"));
    return (struct findings_begin){.object = ask_int(ask, "object"),
                                   .received_ns = ask_int(ask, "received_ns"),
                                   .origin = ask_str(ask, "origin"),
                                   .title = title.n ? title : desk_cut(name, DESK_NAME_MAX),
                                   .sha256 = ask_str(ask, "sha256"),
                                   .control = json_bool(json_get(ask->question, "control"), false)};
}

/* What a question about a new one says. */
static bool begin_check(struct ask *ask, struct findings_begin *begin)
{
    struct str name = ask_str(ask, "name");
    *begin = begin_read(ask);
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM upload WHERE ended_ns = 0");
    if (db_one_i64(&q, 0) >= (int64_t)DESK_UPLOADS_OPEN)
        ask_refuse(ask, "uploads_full", "too many files wait to be read or accepted");
    else if (name.n > DESK_NAME_MAX || !desk_one_line(name))
        ask_invalid(ask, "name", "the name of the file is too long");
    return !ask->error && findings_check(ask, begin);
}

/* Before the bytes of a file are waited for: would it be taken? */
void ask_upload_check(struct ask *ask)
{
    struct findings_begin begin;
    IGNORE(!begin_check(ask, &begin));
}

void ask_upload_add(struct ask *ask)
{
    struct findings_begin begin;
    struct upload upload;
    int64_t bytes = ask_int(ask, "bytes");
    if (!begin_check(ask, &begin))
        return;
    if (begin.sha256.n == 0 || bytes <= 0 || bytes > DESK_UPLOAD_BYTES) {
        ask_invalid(ask, "file", "there is no file, or it is too large");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "INSERT INTO upload (object, origin, control, title, name, who,"
                                                " received_ns, made_ns, bytes, sha256, file, state)"
                                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)");
    db_put_i64(&q, begin.object);
    db_put_text(&q, begin.origin);
    db_put_i64(&q, begin.control);
    db_put_text(&q, begin.title);
    db_put_text(&q, ask_str(ask, "name"));
    db_put_text(&q, ask->who);
    db_put_i64(&q, begin.received_ns);
    db_put_i64(&q, ask->now_ns);
    db_put_i64(&q, bytes);
    db_put_text(&q, begin.sha256);
    db_put_i64(&q, ask_int(ask, "file"));
    db_run(&q);
    int64_t id = db_last_id(ask->desk->db);
    if (!upload_load(ask->desk, id, ask->arena, &upload))
        return;
    upload_record(ask, &upload, "upload.added");
    ask->desk->uploads.waits = true;
    json_put_int(ask->out, "id", id);
}

/* ---- lists ---- */

/* Thousandths of what is at work. */
static int64_t permille_of(const struct desk *desk, const struct upload *u)
{
    int64_t done = 0, all = 0;
    if (u->state == UPLOAD_READING && desk->uploads.reading == u->id) {
        done = desk->uploads.told_bytes;
        all = u->bytes;
    } else if (u->state == UPLOAD_COUNTING) {
        done = u->counted;
        all = u->parts;
    } else if (u->state == UPLOAD_TAKING) {
        struct db_query q = db_query(desk->db, "SELECT count(*) FROM upload_part WHERE upload = ?1");
        db_put_i64(&q, u->id);
        done = u->parts - db_one_i64(&q, 0);
        all = u->parts;
    }
    return all > 0 ? MIN(done * 1000 / all, 1000) : 0;
}

static void row_put(struct ask *ask, const struct upload *u)
{
    struct buf *out = ask->out;
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"id", u->id},
                   {"object_id", u->object},
                   {"received_ns", u->received_ns},
                   {"made_ns", u->made_ns},
                   {"ended_ns", u->ended_ns},
                   {"bytes", u->bytes},
                   {"findings", u->state == UPLOAD_READING && ask->desk->uploads.reading == u->id
                                    ? ask->desk->uploads.told_findings
                                    : u->findings},
                   {"permille", permille_of(ask->desk, u)},
                   {"line", u->line},
                   {"report", u->report}};
    const struct {
        const char *name;
        struct str value;
    } texts[] = {{"object", u->object_name}, {"origin", u->origin}, {"title", u->title},
                 {"name", u->name},          {"who", u->who},       {"accepted_by", u->accepted_by},
                 {"sha256", u->sha256},      {"format", u->format}, {"scanner", u->scanner},
                 {"fault", u->fault},        {"detail", u->detail}};
    json_put_text(out, "state", upload_state_name(u->state));
    json_put_bool(out, "control", u->control > 0);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_put_int(out, numbers[i].name, numbers[i].value);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_put_str(out, texts[i].name, texts[i].value);
}

void ask_upload_list(struct ask *ask)
{
    int64_t ids[LIST_MAX];
    size_t count = 0;
    int64_t limit = ask_int(ask, "limit");
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM upload");
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_WORK);
    q = db_query(ask->desk->db, "SELECT id FROM upload ORDER BY ended_ns > 0, id DESC LIMIT ?1 OFFSET ?2");
    db_put_i64(&q, limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    while (count < LIST_MAX && db_next(&q))
        ids[count++] = db_i64(&q);
    db_query_end(&q);
    json_write_key(ask->out, "uploads");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++) {
        struct upload upload;
        if (!upload_load(ask->desk, ids[i], ask->arena, &upload))
            break;
        json_write_object(ask->out);
        row_put(ask, &upload);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* ---- one ---- */

static bool upload_asked(struct ask *ask, struct upload *ret_upload)
{
    if (upload_load(ask->desk, ask_int(ask, "id"), ask->arena, ret_upload))
        return true;
    ask_refuse(ask, "not_found", "no such file");
    return false;
}

static void counts_put(struct ask *ask, const struct upload *upload)
{
    json_write_key(ask->out, "counts");
    json_write_array(ask->out);
    struct db_query q = db_query(ask->desk->db, "SELECT fate, severity, count FROM upload_count WHERE upload = ?1"
                                                " ORDER BY fate, severity DESC");
    db_put_i64(&q, upload->id);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_text(ask->out, "fate", upload_fate_name(db_i64(&q)));
        json_put_text(ask->out, "severity", vulnerability_severity_name(db_i64(&q)));
        json_put_int(ask->out, "count", db_i64(&q));
        json_write_object_end(ask->out);
    }
    db_query_end(&q);
    json_write_array_end(ask->out);
}

/* Hosts that no rule of the object names. */
static void strangers_put(struct ask *ask, const struct upload *upload)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM upload_host WHERE upload = ?1");
    db_put_i64(&q, upload->id);
    json_put_int(ask->out, "places", db_one_i64(&q, 0));
    q = db_query(ask->desk->db, "SELECT count(*) FROM upload_host WHERE upload = ?1 AND stranger = 1");
    db_put_i64(&q, upload->id);
    json_put_int(ask->out, "strangers_total", db_one_i64(&q, 0));
    json_write_key(ask->out, "strangers");
    json_write_array(ask->out);
    q = db_query(ask->desk->db, "SELECT host FROM upload_host WHERE upload = ?1 AND stranger = 1 ORDER BY host"
                                " LIMIT ?2");
    db_put_i64(&q, upload->id);
    db_put_i64(&q, HOSTS_SHOWN);
    while (db_next(&q))
        json_write_str(ask->out, db_text(&q));
    db_query_end(&q);
    json_write_array_end(ask->out);
}

/* As terms_start of findings_ask.c: where anything is new or came back. */
static void terms_put(struct ask *ask, const struct upload *upload)
{
    struct db_query q = db_query(ask->desk->db, "SELECT coalesce(sum(count), 0) FROM upload_count WHERE upload = ?1"
                                                " AND fate IN (0, 1)");
    db_put_i64(&q, upload->id);
    bool owed = db_one_i64(&q, 0) > 0;
    q = db_query(ask->desk->db, "SELECT zone_offset_s FROM object WHERE id = ?1");
    db_put_i64(&q, upload->object);
    int64_t zone_s = db_one_i64(&q, 0);
    q = db_query(ask->desk->db, "SELECT critical FROM object WHERE id = ?1");
    db_put_i64(&q, upload->object);
    bool critical = db_one_i64(&q, 0) > 0;
    bool survey = str_is(upload->origin, "survey");
    json_write_key(ask->out, "terms");
    json_write_array(ask->out);
    if (owed)
        clocks_put_would(ask->desk, ask->out, survey ? "findings_survey" : "findings_own", upload->received_ns, zone_s);
    if (owed && critical)
        clocks_put_would(ask->desk, ask->out, "findings_critical", upload->received_ns, zone_s);
    json_write_array_end(ask->out);
}

/* The same bytes were taken for the same object: the newest such report. */
static void twin_put(struct ask *ask, const struct upload *upload)
{
    struct db_query q = db_query(ask->desk->db, "SELECT id, number FROM findings WHERE object = ?1 AND sha256 = ?2"
                                                " AND id <> ?3 ORDER BY id DESC LIMIT 1");
    db_put_i64(&q, upload->object);
    db_put_text(&q, upload->sha256);
    db_put_i64(&q, upload->report);
    if (!db_next(&q))
        return;
    json_put_int(ask->out, "twin", db_i64(&q));
    json_put_str(ask->out, "twin_number", db_text(&q));
    db_query_end(&q);
}

void ask_upload_get(struct ask *ask)
{
    struct upload upload;
    if (!upload_asked(ask, &upload))
        return;
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_WORK);
    json_write_key(ask->out, "upload");
    json_write_object(ask->out);
    row_put(ask, &upload);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"hosts", upload.hosts}, {"passed", upload.passed},   {"broken", upload.broken},
                   {"cut", upload.cut},     {"decided", upload.decided}, {"repeated", upload.repeated}};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_put_int(ask->out, numbers[i].name, numbers[i].value);
    json_put_bool(ask->out, "stale",
                  upload.state == UPLOAD_READY && upload.basis != upload_basis(ask->desk, upload.object));
    twin_put(ask, &upload);
    if (upload.state == UPLOAD_READY) {
        counts_put(ask, &upload);
        strangers_put(ask, &upload);
        terms_put(ask, &upload);
    }
    json_write_object_end(ask->out);
}

/* ---- acts ---- */

/* The numbers that were shown must be those that hold: what another report changed is counted anew, and shown again. */
static bool accept_check(struct ask *ask, const struct upload *upload)
{
    if (upload->state != UPLOAD_READY) {
        ask_refuse(ask, "state_refuses", "the file is not read and counted, or was taken already");
        return false;
    }
    if (upload->basis != upload_basis(ask->desk, upload->object)) {
        upload_recount(ask->desk, upload->id);
        ask->keep = true;
        ask_refuse(ask, "upload_stale", "another report was taken meanwhile: it is counted anew");
        return false;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT coalesce(sum(count), 0) FROM upload_count WHERE upload = ?1"
                                                " AND fate = 0");
    db_put_i64(&q, upload->id);
    int64_t fresh = db_one_i64(&q, 0);
    q = db_query(ask->desk->db, "SELECT coalesce(max(id), 0) FROM vulnerability");
    if (db_one_i64(&q, 0) + fresh > VULNERABILITIES_MAX)
        ask_refuse(ask, "too_large", "there are too many vulnerabilities");
    return !ask->error;
}

void ask_upload_accept(struct ask *ask)
{
    struct upload upload;
    if (!upload_asked(ask, &upload) || !accept_check(ask, &upload))
        return;
    struct findings_begin begin = {.object = upload.object,
                                   .received_ns = MIN(upload.received_ns, ask->now_ns),
                                   .origin = upload.origin,
                                   .title = upload.title,
                                   .format = upload.format,
                                   .scanner = upload.scanner,
                                   .sha256 = upload.sha256,
                                   .control = upload.control};
    upload_record(ask, &upload, "upload.accepted");
    int64_t report = findings_insert(ask, &begin);
    struct db_query q =
        db_query(ask->desk->db, "UPDATE upload SET state = 3, report = ?2, accepted_by = ?3 WHERE id = ?1");
    db_put_i64(&q, upload.id);
    db_put_i64(&q, report);
    db_put_text(&q, ask->who);
    db_run(&q);
    ask->desk->uploads.works = true;
}

void ask_upload_drop(struct ask *ask)
{
    struct upload upload;
    if (!upload_asked(ask, &upload))
        return;
    if (upload.state >= UPLOAD_TAKING) {
        ask_refuse(ask, "state_refuses", "the file is being taken, or it is over");
        return;
    }
    upload_record(ask, &upload, "upload.dropped");
    upload_over(ask->desk, upload.id, UPLOAD_DROPPED, ask->now_ns);
}
