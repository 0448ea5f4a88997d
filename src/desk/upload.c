/* upload.c - uploads on their way: parts come in, are counted, and are taken one by one. */
#include "desk/upload.h"

#include "base/assert.h"
#include "base/civil.h"
#include "desk/asset_rules.h"
#include "desk/upload_inside.h"

#include <string.h>

#define KEPT_NS     (30 * DAY_S * SECOND_NS) /* one that is over */
#define WAITS_NS    (7 * DAY_S * SECOND_NS)  /* for somebody to accept it */
#define CLEAR_ROWS  5000                     /* in one step */
#define CLEAR_PARTS 20
#define DETAIL_MAX  300
#define PART_DEPTH  6u

static const char *const states[] = {
#define X(id, name) [id] = name,
    UPLOAD_STATES(X)
#undef X
};
static const char *const fates[] = {"fresh", "returned", "known", "closed"};

_Static_assert(DESK_UPLOAD_PART_COUNT <= FINDINGS_A_PART, "a part is taken as one of findings.add is");

const char *upload_state_name(int64_t state)
{
    ASSERT(state >= 0 && state < UPLOAD_STATE_COUNT);
    return states[state];
}

const char *upload_fate_name(int64_t fate)
{
    ASSERT(fate >= 0 && fate < UPLOAD_FATES);
    return fates[fate];
}

bool upload_load(struct desk *desk, int64_t id, struct arena *arena, struct upload *ret_upload)
{
    struct upload *u = ret_upload;
    int64_t *const numbers[] = {&u->id,     &u->object, &u->control, &u->received_ns, &u->made_ns, &u->bytes,
                                &u->file,   &u->state,  &u->line,    &u->findings,    &u->hosts,   &u->passed,
                                &u->broken, &u->cut,    &u->parts,   &u->counted,     &u->decided, &u->repeated,
                                &u->basis,  &u->report, &u->ended_ns};
    struct str *const texts[] = {&u->origin,  &u->title, &u->name,   &u->who,         &u->sha256,     &u->format,
                                 &u->scanner, &u->fault, &u->detail, &u->accepted_by, &u->object_name};
    struct db_query q = db_query(
        desk->db, "SELECT u.id, u.object, u.control, u.received_ns, u.made_ns, u.bytes, u.file, u.state, u.line,"
                  " u.findings, u.hosts, u.passed, u.broken, u.cut, u.parts, u.counted, u.decided, u.repeated,"
                  " u.basis, u.report, u.ended_ns, u.origin, u.title, u.name, u.who, u.sha256, u.format, u.scanner,"
                  " u.fault, u.detail, u.accepted_by, o.name FROM upload u JOIN object o ON o.id = u.object"
                  " WHERE u.id = ?1");
    db_put_i64(&q, id);
    *u = (struct upload){0};
    if (!db_next(&q))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i] = db_i64(&q);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = db_text_copy(&q, arena);
    db_query_end(&q);
    return !db_failed(desk->db);
}

int64_t upload_basis(struct desk *desk, int64_t object)
{
    struct db_query q = db_query(desk->db, "SELECT coalesce(max(id), 0) FROM findings WHERE object = ?1");
    db_put_i64(&q, object);
    return db_one_i64(&q, 0);
}

void upload_record(struct ask *ask, const struct upload *upload, const char *event)
{
    struct buf *body = desk_record_begin(ask->desk, event, ask->who, ask->now_ns);
    json_put_int(body, "upload", upload->id);
    json_put_str(body, "object", upload->object_name);
    json_put_str(body, "origin", upload->origin);
    json_put_bool(body, "control", upload->control);
    json_put_str(body, "file", upload->name);
    json_put_int(body, "bytes", upload->bytes);
    json_put_str(body, "sha256", upload->sha256);
    desk_record_end(ask->desk, 0, STR(""));
}

void upload_over(struct desk *desk, int64_t id, enum upload_state state, int64_t now_ns)
{
    ASSERT(state >= UPLOAD_DONE);
    struct db_query q = db_query(desk->db, "UPDATE upload SET state = ?2, ended_ns = ?3, cleared = 0 WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_i64(&q, state);
    db_put_i64(&q, now_ns);
    db_run(&q);
    desk->uploads.works = true; /* what is left of it */
    if (desk->uploads.reading == id)
        desk->uploads.reading = 0;
}

static void upload_fail(struct desk *desk, int64_t id, struct str fault, struct str detail, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "UPDATE upload SET fault = ?2, detail = ?3 WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_text(&q, fault);
    db_put_text(&q, detail);
    db_run(&q);
    upload_over(desk, id, UPLOAD_FAILED, now_ns);
}

/* ---- parts ---- */

enum rc desk_upload_next(struct desk *desk, int64_t *ret_id, int64_t *ret_file, struct err *err)
{
    *ret_id = *ret_file = 0;
    if (!desk->uploads.waits)
        return RC_OK;
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT id, file FROM upload WHERE state = 0 ORDER BY id LIMIT 1");
    if (db_next(&q)) {
        *ret_id = db_i64(&q);
        *ret_file = db_i64(&q);
    }
    db_query_end(&q);
    rc = db_end(desk->db, false, err);
    if (rc != RC_OK)
        return rc;
    desk->uploads.waits = *ret_id > 0;
    desk->uploads.reading = *ret_id;
    desk->uploads.told_bytes = desk->uploads.told_findings = 0;
    return RC_OK;
}

enum rc desk_upload_file_waits(struct desk *desk, int64_t file, bool *ret_waits, struct err *err)
{
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM upload WHERE state = 0 AND cleared = 0 AND file = ?1");
    db_put_i64(&q, file);
    *ret_waits = db_one_i64(&q, 1) > 0;
    return db_end(desk->db, false, err);
}

bool desk_upload_wanted(const struct desk *desk, int64_t id)
{
    return id > 0 && desk->uploads.reading == id;
}

void desk_upload_told(struct desk *desk, int64_t id, int64_t bytes, int64_t findings)
{
    if (!desk_upload_wanted(desk, id))
        return;
    desk->uploads.told_bytes = MAX(bytes, 0);
    desk->uploads.told_findings = MAX(findings, 0);
}

/* What another process says is a list of so many objects. */
static enum rc list_check(struct desk *desk, uint32_t count, struct str list, struct err *err)
{
    struct json_value *value = NULL;
    arena_reset(desk->scratch);
    if (list.n > DESK_UPLOAD_PART || count == 0 || count > DESK_UPLOAD_PART_COUNT)
        return err_set(err, RC_LIMIT, "a part of a report is too large");
    if (json_parse(desk->scratch, list, PART_DEPTH, &value, err) != RC_OK || value->kind != JSON_ARRAY ||
        value->count != count)
        return err_set(err, RC_INVALID, "a part of a report is no list of its findings");
    return RC_OK;
}

static void part_store(struct desk *desk, int64_t id, uint32_t count, struct str list)
{
    struct db_query q = db_query(desk->db, "INSERT INTO upload_part (upload, part, count, body)"
                                           " SELECT ?1, parts, ?2, ?3 FROM upload WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_i64(&q, count);
    db_put_text(&q, list);
    db_run(&q);
    q = db_query(desk->db, "UPDATE upload SET parts = parts + 1, findings = findings + ?2, staged = staged + ?3"
                           " WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_i64(&q, count);
    db_put_i64(&q, (int64_t)list.n);
    db_run(&q);
}

enum rc desk_upload_part(struct desk *desk, int64_t id, uint32_t count, struct str list, struct err *err)
{
    if (!desk_upload_wanted(desk, id))
        return RC_OK; /* it was dropped meanwhile */
    enum rc rc = list_check(desk, count, list, err);
    rc = rc == RC_OK ? desk_begin(desk, err) : rc;
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT coalesce(sum(staged), 0) FROM upload WHERE cleared = 0");
    bool full = db_one_i64(&q, 0) + (int64_t)list.n > DESK_UPLOAD_STAGED;
    if (!full)
        part_store(desk, id, count, list);
    rc = desk_end(desk, true, err);
    return rc == RC_OK && full ? err_set(err, RC_LIMIT, "reports that wait have more than %lld bytes of findings",
                                         (long long)DESK_UPLOAD_STAGED)
                               : rc;
}

static struct str word_of(struct str text, size_t limit)
{
    struct str cut = desk_cut(text, limit);
    return desk_one_line(cut) ? cut : STR("");
}

static void end_store(struct desk *desk, int64_t id, const struct desk_upload_end *end)
{
    struct db_query q = db_query(desk->db, "UPDATE upload SET state = 1, format = ?2, scanner = ?3, line = ?4,"
                                           " hosts = ?5, passed = ?6, broken = ?7, cut = ?8 WHERE id = ?1");
    const int64_t numbers[] = {end->line, end->hosts, end->passed, end->broken, end->cut};
    db_put_i64(&q, id);
    db_put_text(&q, word_of(end->format, 32));
    db_put_text(&q, word_of(end->scanner, 64));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        db_put_i64(&q, MAX(numbers[i], 0));
    db_run(&q);
}

enum rc desk_upload_end(struct desk *desk, int64_t id, const struct desk_upload_end *end, int64_t now_ns,
                        struct err *err)
{
    if (!desk_upload_wanted(desk, id))
        return RC_OK;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    end_store(desk, id, end);
    if (end->fault.n)
        upload_fail(desk, id, word_of(end->fault, DESK_UPLOAD_WORD), word_of(end->detail, DETAIL_MAX), now_ns);
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        return rc;
    desk->uploads.reading = 0;
    desk->uploads.waits = desk->uploads.works = true;
    return RC_OK;
}

/* ---- counting ---- */

struct count {
    struct ask *ask;
    const struct upload *upload;
    struct asset_rules assets; /* without the object of whatever no rule knows */
    int64_t decided, repeated;
    int64_t fates[UPLOAD_FATES][UPLOAD_SEVERITIES];
};

static void host_count(const struct count *count, const struct finding *finding)
{
    struct str host = finding->text[FINDING_HOST], address = finding->text[FINDING_ADDRESS];
    if (!host.n && !address.n)
        return; /* of a program */
    bool own = asset_rules_object(&count->assets, host, address) == count->upload->object;
    struct db_query q = db_query(count->ask->desk->db, "INSERT OR IGNORE INTO upload_host (upload, host, stranger)"
                                                       " VALUES (?1, ?2, ?3)");
    db_put_i64(&q, count->upload->id);
    db_put_text(&q, address.n ? address : host);
    db_put_i64(&q, !own);
    db_run(&q);
}

/* Once a thing, however often the file has it. */
static bool print_new(const struct count *count, const uint8_t print[16])
{
    struct db_query q =
        db_query(count->ask->desk->db, "INSERT OR IGNORE INTO upload_print (upload, print) VALUES (?1, ?2)");
    db_put_i64(&q, count->upload->id);
    db_put_blob(&q, str_at(print, 16));
    return db_run(&q) > 0;
}

static enum upload_fate fate_of(const struct count *count, const uint8_t print[16])
{
    struct desk *desk = count->ask->desk;
    int64_t id = vulnerability_find(desk, count->upload->object, print);
    if (!id)
        return UPLOAD_FRESH;
    struct db_query q = db_query(desk->db, "SELECT state FROM vulnerability WHERE id = ?1");
    db_put_i64(&q, id);
    int64_t state = db_one_i64(&q, 0);
    return state == VULNERABILITY_FIXED || state == VULNERABILITY_CLOSED ? UPLOAD_RETURNED : UPLOAD_KNOWN;
}

static void finding_count(struct count *count, const struct json_value *in)
{
    struct finding finding;
    uint8_t print[16];
    if (!finding_read(count->ask, in, &finding))
        return;
    host_count(count, &finding);
    if (!str_is(json_str(json_get(in, "verdict"), STR("open")), "open")) {
        count->decided++;
        return;
    }
    vulnerability_print(count->ask->desk, &finding, print);
    if (!print_new(count, print)) {
        count->repeated++;
        return;
    }
    count->fates[fate_of(count, print)][finding.severity]++;
}

static void fate_add(struct desk *desk, int64_t id, int64_t fate, int64_t severity, int64_t n)
{
    if (n == 0)
        return;
    struct db_query q = db_query(desk->db, "INSERT INTO upload_count (upload, fate, severity, count)"
                                           " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (upload, fate, severity)"
                                           " DO UPDATE SET count = count + ?4");
    db_put_i64(&q, id);
    db_put_i64(&q, fate);
    db_put_i64(&q, severity);
    db_put_i64(&q, n);
    db_run(&q);
}

/* The findings of a part; NULL: there is no such part, or it does not read. */
static const struct json_value *part_read(struct ask *ask, int64_t upload, int64_t part)
{
    struct json_value *list = NULL;
    struct db_query q = db_query(ask->desk->db, "SELECT body FROM upload_part WHERE upload = ?1 AND part = ?2");
    db_put_i64(&q, upload);
    db_put_i64(&q, part);
    if (!db_next(&q))
        return NULL;
    struct str body = db_text_copy(&q, ask->arena);
    db_query_end(&q);
    if (json_parse(ask->arena, body, PART_DEPTH, &list, NULL) == RC_OK)
        return list;
    ask_refuse(ask, "malformed", "a part of a report does not read");
    return NULL;
}

static void part_count(struct ask *ask, const struct upload *upload)
{
    struct count count = {.ask = ask, .upload = upload, .assets = *assets_rules(ask->desk)};
    const struct json_value *list = part_read(ask, upload->id, upload->counted);
    count.assets.fallback = 0;
    for (const struct json_value *in = json_first(list); in && !ask->error; in = in->next)
        finding_count(&count, in);
    for (int64_t fate = 0; fate < UPLOAD_FATES && !ask->error; fate++)
        for (int64_t severity = 0; severity < UPLOAD_SEVERITIES; severity++)
            fate_add(ask->desk, upload->id, fate, severity, count.fates[fate][severity]);
    struct db_query q = db_query(ask->desk->db, "UPDATE upload SET counted = counted + 1, decided = decided + ?2,"
                                                " repeated = repeated + ?3 WHERE id = ?1");
    db_put_i64(&q, upload->id);
    db_put_i64(&q, count.decided);
    db_put_i64(&q, count.repeated);
    db_run(&q);
}

/* What a control survey would close: as unseen_load of findings_ask.c, before it is taken. */
static void closing_count(struct desk *desk, const struct upload *upload)
{
    struct db_query q =
        db_query(desk->db, "INSERT INTO upload_count (upload, fate, severity, count) SELECT ?1, 3, v.severity, count(*)"
                           " FROM vulnerability v WHERE v.object = ?2 AND v.state = 1 AND (?3 = '' OR v.scanner = ?3)"
                           " AND NOT EXISTS (SELECT 1 FROM upload_print p WHERE p.upload = ?1 AND p.print = v.print)"
                           " GROUP BY v.severity");
    db_put_i64(&q, upload->id);
    db_put_i64(&q, upload->object);
    db_put_text(&q, upload->scanner);
    db_run(&q);
}

static void count_step(struct ask *ask, const struct upload *upload)
{
    if (upload->counted < upload->parts) {
        part_count(ask, upload);
        return;
    }
    if (upload->control)
        closing_count(ask->desk, upload);
    struct db_query q =
        db_query(ask->desk->db, "UPDATE upload SET state = 2, basis = ?2, counted_ns = ?3 WHERE id = ?1");
    db_put_i64(&q, upload->id);
    db_put_i64(&q, upload_basis(ask->desk, upload->object));
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
}

void upload_recount(struct desk *desk, int64_t id)
{
    db_run_i64(desk->db, "DELETE FROM upload_print WHERE upload = ?1", id);
    db_run_i64(desk->db, "DELETE FROM upload_host WHERE upload = ?1", id);
    db_run_i64(desk->db, "DELETE FROM upload_count WHERE upload = ?1", id);
    db_run_i64(desk->db, "UPDATE upload SET state = 1, counted = 0, decided = 0, repeated = 0 WHERE id = ?1", id);
    desk->uploads.works = true;
}

/* ---- taking ---- */

static void part_take(struct ask *ask, const struct upload *upload, struct findings *report, int64_t part)
{
    const struct json_value *list = part_read(ask, upload->id, part);
    if (list)
        findings_take(ask, report, list);
    struct db_query q = db_query(ask->desk->db, "DELETE FROM upload_part WHERE upload = ?1 AND part = ?2");
    db_put_i64(&q, upload->id);
    db_put_i64(&q, part);
    db_run(&q);
}

static void take_step(struct ask *ask, const struct upload *upload)
{
    struct findings report;
    if (!findings_load(ask->desk, upload->report, ask->arena, &report)) {
        ask_refuse(ask, "not_found", "the report that was begun is gone");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT coalesce(min(part), -1) FROM upload_part WHERE upload = ?1");
    db_put_i64(&q, upload->id);
    int64_t part = db_one_i64(&q, -1);
    if (part >= 0)
        part_take(ask, upload, &report, part);
    else if (!findings_finish(ask, &report, upload->name) && !ask->error)
        upload_over(ask->desk, upload->id, UPLOAD_DONE, ask->now_ns);
}

/* ---- steps ---- */

/* A piece of what is left of one that is over. True: there was some. */
static bool clear_step(struct desk *desk)
{
    struct db_query q =
        db_query(desk->db, "SELECT id FROM upload WHERE state >= 4 AND cleared = 0 ORDER BY id LIMIT 1");
    int64_t id = db_one_i64(&q, 0);
    if (!id)
        return false;
    q = db_query(desk->db, "DELETE FROM upload_part WHERE upload = ?1 AND part IN (SELECT part FROM upload_part"
                           " WHERE upload = ?1 LIMIT ?2)");
    db_put_i64(&q, id);
    db_put_i64(&q, CLEAR_PARTS);
    int64_t gone = db_run(&q);
    q = db_query(desk->db, "DELETE FROM upload_print WHERE upload = ?1 AND print IN (SELECT print FROM upload_print"
                           " WHERE upload = ?1 LIMIT ?2)");
    db_put_i64(&q, id);
    db_put_i64(&q, CLEAR_ROWS);
    gone += db_run(&q);
    q = db_query(desk->db, "DELETE FROM upload_host WHERE upload = ?1 AND host IN (SELECT host FROM upload_host"
                           " WHERE upload = ?1 LIMIT ?2)");
    db_put_i64(&q, id);
    db_put_i64(&q, CLEAR_ROWS);
    gone += db_run(&q);
    if (gone == 0)
        db_run_i64(desk->db, "UPDATE upload SET cleared = 1, staged = 0 WHERE id = ?1", id);
    return true;
}

/* What was refused is undone; the upload is over with it. */
static enum rc step_refused(struct desk *desk, const struct upload *upload, const struct ask *ask, struct err *err)
{
    enum rc rc = desk_end(desk, false, err);
    rc = rc == RC_OK ? desk_begin(desk, err) : rc;
    if (rc != RC_OK)
        return rc;
    upload_fail(desk, upload->id, STR("refused"), word_of(str_of(ask->text), DETAIL_MAX), ask->now_ns);
    return desk_end(desk, true, err);
}

bool desk_upload_works(const struct desk *desk)
{
    return desk->uploads.works && desk->outgoing < (int64_t)DESK_OUTGOING_MAX;
}

enum rc desk_upload_step(struct desk *desk, int64_t now_ns, struct arena *arena, struct err *err)
{
    struct buf out CLEANUP(buf_done) = {0};
    struct upload upload;
    struct ask ask = {.desk = desk, .arena = arena, .out = &out, .now_ns = now_ns};
    ASSERT(desk->magic == DESK_MAGIC);
    buf_init(&out, DESK_QUESTION_MAX);
    json_write_object(&out);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q =
        db_query(desk->db, "SELECT id FROM upload WHERE state IN (1, 3) ORDER BY state DESC, id LIMIT 1");
    int64_t id = db_one_i64(&q, 0);
    if (!id || !upload_load(desk, id, arena, &upload)) {
        bool left = clear_step(desk);
        rc = desk_end(desk, true, err);
        desk->uploads.works = rc != RC_OK || left;
        return rc;
    }
    ask.who = upload.accepted_by.n ? upload.accepted_by : upload.who;
    if (upload.state == UPLOAD_COUNTING)
        count_step(&ask, &upload);
    else
        take_step(&ask, &upload);
    return ask.error ? step_refused(desk, &upload, &ask, err) : desk_end(desk, true, err);
}

void uploads_clean(struct desk *desk, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "UPDATE upload SET state = 6, ended_ns = ?1, cleared = 0"
                                           " WHERE state = 2 AND counted_ns < ?2");
    db_put_i64(&q, now_ns);
    db_put_i64(&q, now_ns - WAITS_NS);
    if (db_run(&q) > 0)
        desk->uploads.works = true;
    db_run_i64(desk->db,
               "DELETE FROM upload_count WHERE upload IN (SELECT id FROM upload WHERE cleared = 1 AND"
               " ended_ns < ?1)",
               now_ns - KEPT_NS);
    db_run_i64(desk->db, "DELETE FROM upload WHERE cleared = 1 AND ended_ns < ?1", now_ns - KEPT_NS);
}
