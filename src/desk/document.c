/* document.c - documents, their files on the way into the folder, and what was said of their signatures. */
#include "desk/document.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/card.h"
#include "desk/document_inside.h"

#include <stdio.h>
#include <string.h>

#define FAULT_MAX 24u

static const char *const forms[DOCUMENT_FORMS] = {"plain", "signed", "beside"};
static const char *const states[DOCUMENT_STATES] = {"coming", "kept", "lost"};
static const char *const verdicts[DOCUMENT_VERDICTS] = {"good", "bad", "unknown"};

/* Order 52/NK, Annex 3: level and number in it. */
static const char *const kinds[DOCUMENT_KINDS] = {"1_1", "2_1",  "2_2",  "2_3",  "2_4", "2_5", "2_6", "2_7", "2_8",
                                                  "2_9", "2_10", "2_11", "2_12", "3_1", "3_2", "3_3", "3_4", "3_5",
                                                  "3_6", "4_1",  "4_2",  "4_3",  "4_4", "4_5", "4_6", "4_7", "4_8"};

const char *document_kind_at(size_t i)
{
    return i < ARRAY_LEN(kinds) ? kinds[i] : NULL;
}

bool document_kind_known(struct str kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(kind, kinds[i]))
            return true;
    return str_is(kind, "other");
}

const char *document_form_name(int64_t form)
{
    ASSERT(form >= 0 && form < DOCUMENT_FORMS);
    return forms[form];
}

const char *document_state_name(int64_t state)
{
    ASSERT(state >= 0 && state < DOCUMENT_STATES);
    return states[state];
}

const char *document_verdict_name(int64_t verdict)
{
    ASSERT(verdict >= 0 && verdict < DOCUMENT_VERDICTS);
    return verdicts[verdict];
}

/* ---- rows ---- */

bool document_load(struct ask *ask, int64_t id, struct document *ret)
{
    struct db_query q = db_query(ask->desk->db, "SELECT d.id, d.object, d.made_ns, d.ended_ns, o.zone_offset_s, d.kind,"
                                                " d.title, d.who, d.reviewed, d.counted, d.ended_by, d.ended_why,"
                                                " o.name FROM document d JOIN object o ON o.id = d.object"
                                                " WHERE d.id = ?1");
    int64_t *const numbers[] = {&ret->id, &ret->object, &ret->made_ns, &ret->ended_ns, &ret->zone_offset_s};
    struct str *const texts[] = {&ret->kind,    &ret->title,    &ret->who,       &ret->reviewed,
                                 &ret->counted, &ret->ended_by, &ret->ended_why, &ret->object_name};
    db_put_i64(&q, id);
    *ret = (struct document){0};
    if (!db_next(&q))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i] = db_i64(&q);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = db_text_copy(&q, ask->arena);
    db_query_end(&q);
    return !db_failed(ask->desk->db);
}

bool document_version_load(struct ask *ask, int64_t id, struct document_version *ret)
{
    struct db_query q = db_query(ask->desk->db, "SELECT id, document, number, pages, made_ns, language, approved,"
                                                " approved_by, note, who FROM document_version WHERE id = ?1");
    int64_t *const numbers[] = {&ret->id, &ret->document, &ret->number, &ret->pages, &ret->made_ns};
    struct str *const texts[] = {&ret->language, &ret->approved, &ret->approved_by, &ret->note, &ret->who};
    db_put_i64(&q, id);
    *ret = (struct document_version){0};
    if (!db_next(&q))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i] = db_i64(&q);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = db_text_copy(&q, ask->arena);
    db_query_end(&q);
    return !db_failed(ask->desk->db);
}

bool document_file_load(struct ask *ask, int64_t id, struct document_file *ret)
{
    struct db_query q = db_query(ask->desk->db, "SELECT id, version, form, bytes, file, state, made_ns, name, sha256,"
                                                " fault, who FROM document_file WHERE id = ?1");
    int64_t *const numbers[] = {&ret->id,   &ret->version, &ret->form,   &ret->bytes,
                                &ret->file, &ret->state,   &ret->made_ns};
    struct str *const texts[] = {&ret->name, &ret->sha256, &ret->fault, &ret->who};
    db_put_i64(&q, id);
    *ret = (struct document_file){0};
    if (!db_next(&q))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i] = db_i64(&q);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = db_text_copy(&q, ask->arena);
    db_query_end(&q);
    return !db_failed(ask->desk->db);
}

struct subject document_subject(const struct document *document, char storage[16])
{
    snprintf(storage, 16, "D-%06lld", (long long)document->id);
    return (struct subject){.kind = SUBJECT_DOCUMENT,
                            .id = document->id,
                            .object = document->object,
                            .zone_offset_s = document->zone_offset_s,
                            .number = str_of(storage),
                            .title = document->title,
                            .object_name = document->object_name};
}

int64_t document_bytes(struct desk *desk)
{
    struct db_query q = db_query(desk->db, "SELECT coalesce(sum(bytes), 0) FROM (SELECT max(bytes) AS bytes"
                                           " FROM document_file WHERE state <> 2 GROUP BY sha256)");
    return db_one_i64(&q, 0);
}

/* ---- the term to review ---- */

/* The newest day that counts: of a version that is kept, or of a look through it. */
static struct str counted_day(struct ask *ask, const struct document *document)
{
    struct db_query q = db_query(ask->desk->db, "SELECT coalesce(max(v.approved), '') FROM document_version v"
                                                " JOIN document_file f ON f.version = v.id AND f.form <> 2"
                                                " AND f.state = 1 WHERE v.document = ?1");
    struct str day = STR("");
    db_put_i64(&q, document->id);
    if (db_next(&q))
        day = db_text_copy(&q, ask->arena);
    db_query_end(&q);
    return str_compare(document->reviewed, day) > 0 ? document->reviewed : day;
}

void document_terms(struct ask *ask, const struct document *document)
{
    char storage[16];
    int64_t day = 0;
    const struct subject subject = document_subject(document, storage);
    struct str counted = counted_day(ask, document);
    if (document->ended_ns || str_compare(counted, document->counted) <= 0 || !card_day_read(counted, &day))
        return;
    int64_t at_ns = (day * DAY_S - document->zone_offset_s) * SECOND_NS;
    clocks_meet_at(ask->desk, &subject, "document_reviewed", MIN(at_ns, ask->now_ns), ask->who, ask->now_ns);
    clocks_start(ask->desk, &subject, "document_approved", at_ns, ask->now_ns);
    struct db_query q = db_query(ask->desk->db, "UPDATE document SET counted = ?2 WHERE id = ?1");
    db_put_i64(&q, document->id);
    db_put_text(&q, counted);
    db_run(&q);
}

/* ---- files come ---- */

static void sha_copy(char out[DESK_SHA256_Z], struct str sha256)
{
    if (!str_copy_z(sha256, out, DESK_SHA256_Z))
        out[0] = '\0';
}

enum rc desk_document_next(struct desk *desk, struct desk_document_coming *ret, struct err *err)
{
    *ret = (struct desk_document_coming){0};
    if (!desk->documents.comes)
        return RC_OK;
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q =
        db_query(desk->db, "SELECT id, file, bytes, sha256 FROM document_file WHERE state = 0 ORDER BY id LIMIT 1");
    if (db_next(&q)) {
        ret->id = db_i64(&q);
        ret->file = db_i64(&q);
        ret->bytes = db_i64(&q);
        sha_copy(ret->sha256, db_text(&q));
    }
    db_query_end(&q);
    rc = db_end(desk->db, false, err);
    if (rc == RC_OK)
        desk->documents.comes = ret->id > 0;
    return rc;
}

enum rc desk_document_file_waits(struct desk *desk, int64_t file, bool *ret_waits, struct err *err)
{
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM document_file WHERE state = 0 AND file = ?1");
    db_put_i64(&q, file);
    *ret_waits = db_one_i64(&q, 1) > 0;
    return db_end(desk->db, false, err);
}

static void state_store(struct desk *desk, int64_t id, enum document_state state, const char *fault)
{
    struct db_query q = db_query(desk->db, "UPDATE document_file SET state = ?2, fault = ?3, file = 0 WHERE id = ?1");
    db_put_i64(&q, id);
    db_put_i64(&q, state);
    db_put_text(&q, desk_cut(str_of(fault), FAULT_MAX));
    db_run(&q);
}

static void file_record(struct ask *ask, const struct document_file *file, const struct document_version *version,
                        const struct document *document, const char *event)
{
    char storage[16];
    const struct subject subject = document_subject(document, storage);
    struct buf *body = desk_record_begin(ask->desk, event, file->who, ask->now_ns);
    subject_put(body, &subject);
    json_put_str(body, "kind", document->kind);
    json_put_int(body, "version", version->number);
    json_put_str(body, "language", version->language);
    json_put_str(body, "approved", version->approved);
    json_put_text(body, "form", document_form_name(file->form));
    json_put_str(body, "file", file->name);
    json_put_int(body, "bytes", file->bytes);
    json_put_str(body, "sha256", file->sha256);
    subject_record_end(ask->desk, &subject, file->name);
}

void document_judge(struct ask *ask, int64_t file)
{
    struct db_query q = db_query(ask->desk->db, "INSERT INTO document_judgement (file, who, asked_ns, judged_ns,"
                                                " verdict, fault, tree, report) VALUES (?1, ?2, ?3, 0, 2, '', 0, '')");
    db_put_i64(&q, file);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    ask->desk->documents.judges = true;
}

/* A question that nobody asked, in a transaction of its own; the caller's file with its version and document. */
struct quest {
    struct ask ask;
    struct document_file file;
    struct document_version version;
    struct document document;
};

static bool quest_load(struct quest *quest, struct desk *desk, int64_t file, int64_t now_ns)
{
    quest->ask = (struct ask){.desk = desk, .arena = desk->scratch, .now_ns = now_ns};
    bool found = document_file_load(&quest->ask, file, &quest->file) &&
                 document_version_load(&quest->ask, quest->file.version, &quest->version) &&
                 document_load(&quest->ask, quest->version.document, &quest->document);
    quest->ask.who = quest->file.who;
    return found;
}

enum rc desk_document_kept(struct desk *desk, int64_t id, int64_t now_ns, struct err *err)
{
    struct quest quest;
    arena_reset(desk->scratch);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    if (quest_load(&quest, desk, id, now_ns) && quest.file.state == DOCUMENT_COMING) {
        bool beside = quest.file.form == DOCUMENT_BESIDE;
        state_store(desk, id, DOCUMENT_KEPT, "");
        file_record(&quest.ask, &quest.file, &quest.version, &quest.document,
                    beside ? "document.signed" : "document.added");
        if (!beside)
            document_terms(&quest.ask, &quest.document);
        if (quest.file.form != DOCUMENT_PLAIN)
            document_judge(&quest.ask, id);
    }
    return desk_end(desk, true, err);
}

enum rc desk_document_lost(struct desk *desk, int64_t id, const char *fault, int64_t now_ns, struct err *err)
{
    struct quest quest;
    arena_reset(desk->scratch);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    if (quest_load(&quest, desk, id, now_ns) && quest.file.state == DOCUMENT_COMING) {
        state_store(desk, id, DOCUMENT_LOST, fault);
        file_record(&quest.ask, &quest.file, &quest.version, &quest.document, "document.lost");
    }
    return desk_end(desk, true, err);
}

/* ---- judgements ---- */

enum rc desk_document_judging_next(struct desk *desk, struct desk_document_judging *ret, struct err *err)
{
    *ret = (struct desk_document_judging){0};
    if (!desk->documents.judges)
        return RC_OK;
    enum rc rc = db_begin(desk->db, DB_READ, err);
    if (rc != RC_OK)
        return rc;
    struct db_query q =
        db_query(desk->db, "SELECT j.id, f.sha256, CASE f.form WHEN 2 THEN (SELECT d.sha256 FROM document_file d"
                           " WHERE d.version = f.version AND d.form <> 2) ELSE '' END"
                           " FROM document_judgement j JOIN document_file f ON f.id = j.file WHERE j.judged_ns = 0"
                           " ORDER BY j.id LIMIT 1");
    if (db_next(&q)) {
        ret->id = db_i64(&q);
        sha_copy(ret->signature, db_text(&q));
        sha_copy(ret->document, db_text(&q));
    }
    db_query_end(&q);
    rc = db_end(desk->db, false, err);
    if (rc == RC_OK)
        desk->documents.judges = ret->id > 0;
    return rc;
}

static bool judgement_store(struct desk *desk, int64_t id, enum document_verdict verdict, struct str fault,
                            struct str report, int64_t now_ns)
{
    struct db_query q = db_query(desk->db, "UPDATE document_judgement SET judged_ns = ?2, verdict = ?3, fault = ?4,"
                                           " report = ?5, tree = ?6 WHERE id = ?1 AND judged_ns = 0");
    db_put_i64(&q, id);
    db_put_i64(&q, now_ns);
    db_put_i64(&q, verdict);
    db_put_text(&q, fault);
    db_put_text(&q, report);
    db_put_i64(&q, desk_archive_size(desk));
    return db_run(&q) > 0;
}

/* Who asked, and of which file. */
static int64_t judgement_file(struct desk *desk, int64_t id, struct str *ret_who)
{
    int64_t file = 0;
    struct db_query q = db_query(desk->db, "SELECT file, who FROM document_judgement WHERE id = ?1");
    db_put_i64(&q, id);
    *ret_who = STR("");
    if (db_next(&q)) {
        file = db_i64(&q);
        *ret_who = db_text_copy(&q, desk->scratch);
    }
    db_query_end(&q);
    return file;
}

/* The result, of `report` or of `fault`, is a row and a record. */
static void judged(struct desk *desk, int64_t id, enum document_verdict verdict, struct str fault, struct str report,
                   int64_t now_ns)
{
    struct quest quest;
    struct str who;
    char storage[16];
    struct tlog_hash digest;
    char hex[2 * TLOG_HASH_SIZE];
    int64_t file = judgement_file(desk, id, &who);
    if (!quest_load(&quest, desk, file, now_ns) || !judgement_store(desk, id, verdict, fault, report, now_ns))
        return;
    const struct subject subject = document_subject(&quest.document, storage);
    struct buf *body = desk_record_begin(desk, "document.judged", who, now_ns);
    subject_put(body, &subject);
    json_put_int(body, "version", quest.version.number);
    json_put_str(body, "file", quest.file.name);
    json_put_str(body, "sha256", quest.file.sha256);
    json_put_text(body, "verdict", document_verdict_name(verdict));
    if (fault.n)
        json_put_str(body, "fault", fault);
    tlog_hash_bytes(desk->hasher, report, &digest);
    json_put_str(body, "report_sha256", str_at(hex, hex_encode(digest.bytes, TLOG_HASH_SIZE, hex)));
    json_put_int(body, "tree", desk_archive_size(desk));
    subject_record_end(desk, &subject, quest.file.name);
}

enum rc desk_document_judged(struct desk *desk, int64_t id, struct str report, int64_t now_ns, struct err *err)
{
    enum document_verdict verdict;
    struct buf out CLEANUP(buf_done);
    arena_reset(desk->scratch);
    buf_init(&out, DESK_DOCUMENT_REPORT * 2);
    if (!document_report_read(desk->scratch, report, &out, &verdict))
        return err_set(err, RC_INVALID, "what is said of a signature does not read, or contradicts itself");
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    judged(desk, id, verdict, STR(""), buf_view(&out), now_ns);
    return desk_end(desk, true, err);
}

enum rc desk_document_unjudged(struct desk *desk, int64_t id, const char *fault, int64_t now_ns, struct err *err)
{
    arena_reset(desk->scratch);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    judged(desk, id, DOCUMENT_UNKNOWN, desk_cut(str_of(fault), FAULT_MAX), STR(""), now_ns);
    return desk_end(desk, true, err);
}

struct str desk_document_given(const struct desk *desk)
{
    return str_of(desk->documents.given);
}

bool desk_document_comes(const struct desk *desk)
{
    return desk->documents.comes;
}

bool desk_document_judges(const struct desk *desk)
{
    return desk->documents.judges;
}
