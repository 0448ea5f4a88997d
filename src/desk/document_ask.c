/* document_ask.c - what people ask about documents: may a file be given, here it is, judge it again, it was looked
 * through, it is of no more use. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/card.h"
#include "desk/document_inside.h"

#define PAGES_MAX   100000
#define NOTE_MAX    2000u
#define NOTE_MIN    3u
#define JUDGEMENTS  20 /* of one file that wait, and that are judged */
#define FIRST_DAY   "1991-01-01"
#define DAY_WRITTEN "a day is written 2026-11-20, and has come"

static bool note_read(struct ask *ask, size_t least, struct str *ret_note)
{
    *ret_note = str_trim(ask_str(ask, "note"));
    if (ret_note->n < least || ret_note->n > NOTE_MAX || !rule_text_valid(*ret_note))
        ask_invalid(ask, "note", "a note has three characters at least where one is asked for, and 2,000 at most");
    return !ask->error;
}

/* Empty, or one that has come. */
static bool day_fits(struct ask *ask, struct str text, int64_t zone_s)
{
    int64_t day;
    return text.n == 0 ||
           (card_day_read(text, &day) && str_compare(text, card_day_text(ask, zone_s, ask->now_ns)) <= 0 &&
            str_compare(text, STR(FIRST_DAY)) >= 0);
}

/* ---- a file is given ---- */

/* Of what: of a new document of an object, of a new version, or a signature beside the file of a version. */
struct given {
    int64_t object;
    struct document document;        /* id 0: a new one */
    struct document_version version; /* id 0: a new one */
    enum document_form form;
    int64_t pages, zone_s;
    struct str kind, title, language, approved, approved_by, note, name, sha256;
};

static bool target_read(struct ask *ask, struct given *given)
{
    int64_t object = ask_int(ask, "object"), document = ask_int(ask, "document"), version = ask_int(ask, "version");
    bool found = false;
    if ((object != 0) + (document != 0) + (version != 0) != 1) {
        ask_invalid(ask, "object", "a file is of a new document of an object, of a document, or beside a version");
        return false;
    }
    if (object) {
        struct db_query q = db_query(ask->desk->db, "SELECT id, zone_offset_s FROM object WHERE id = ?1");
        db_put_i64(&q, object);
        found = db_next(&q);
        if (found) {
            given->object = db_i64(&q);
            given->zone_s = db_i64(&q);
        }
        db_query_end(&q);
    } else {
        found = !version || document_version_load(ask, version, &given->version);
        found = found && document_load(ask, version ? given->version.document : document, &given->document);
        given->zone_s = given->document.zone_offset_s;
    }
    if (!found)
        ask_refuse(ask, "not_found", "no such object, document or version");
    else if (given->document.ended_ns)
        ask_refuse(ask, "state_refuses", "the document is of no more use");
    return !ask->error;
}

static void form_read(struct ask *ask, struct given *given)
{
    struct str form = ask_str(ask, "form");
    given->form = given->version.id ? DOCUMENT_BESIDE : str_is(form, "signed") ? DOCUMENT_SIGNED : DOCUMENT_PLAIN;
    if (form.n && !str_is(form, document_form_name(given->form)))
        ask_invalid(ask, "form", "a document is plain or signed, a signature lies beside a version");
}

static void version_check(struct ask *ask, const struct given *given)
{
    bool spoken = str_is(given->language, "kk") || str_is(given->language, "ru") || str_is(given->language, "en");
    if (!spoken)
        ask_invalid(ask, "language", "the language is kk, ru or en");
    if (given->pages < 0 || given->pages > PAGES_MAX)
        ask_invalid(ask, "pages", "there are 0 (not said) to 100,000 pages");
    if (!day_fits(ask, given->approved, given->zone_s))
        ask_invalid(ask, "approved", DAY_WRITTEN);
    if (given->approved_by.n > DESK_NAME_MAX || !desk_one_line(given->approved_by))
        ask_invalid(ask, "approved_by", "who approved it is one line of 200 bytes at most");
}

static void room_check(struct ask *ask)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM document_file WHERE state = 0");
    if (db_one_i64(&q, 0) >= (int64_t)DESK_DOCUMENTS_COMING)
        ask_refuse(ask, "documents_coming", "the files that came before are not kept yet");
    q = db_query(ask->desk->db, "SELECT count(*) FROM document_file");
    bool full = db_one_i64(&q, 0) >= (int64_t)DESK_DOCUMENT_FILES;
    q = db_query(ask->desk->db, "SELECT count(*) FROM document");
    full = full || db_one_i64(&q, 0) >= (int64_t)DESK_DOCUMENTS;
    if (full || document_bytes(ask->desk) + ask_int(ask, "bytes") > ask->desk->documents.bytes_max)
        ask_refuse(ask, "documents_full", "the room for files of documents is used up: setting documents-mib");
}

static bool given_read(struct ask *ask, struct given *given)
{
    *given = (struct given){.pages = ask_int(ask, "pages"),
                            .kind = ask_str(ask, "kind"),
                            .title = str_trim(ask_str(ask, "title")),
                            .language = ask_str(ask, "language"),
                            .approved = ask_str(ask, "approved"),
                            .approved_by = str_trim(ask_str(ask, "approved_by")),
                            .name = str_trim(ask_str(ask, "name")),
                            .sha256 = ask_str(ask, "sha256")};
    if (!target_read(ask, given) || !note_read(ask, 0, &given->note))
        return false;
    form_read(ask, given);
    if (given->object && !document_kind_known(given->kind))
        ask_invalid(ask, "kind", "no such document of Annex 3");
    if (given->object && (given->title.n == 0 || given->title.n > DESK_NAME_MAX || !desk_one_line(given->title)))
        ask_invalid(ask, "title", "a document has a title, one line of 200 bytes at most");
    if (given->form != DOCUMENT_BESIDE)
        version_check(ask, given);
    if (given->name.n == 0 || given->name.n > DESK_NAME_MAX || !desk_one_line(given->name))
        ask_invalid(ask, "name", "the name of the file is missing or too long");
    room_check(ask);
    return !ask->error;
}

/* Before the bytes of a file are waited for: would it be taken? */
void ask_document_check(struct ask *ask)
{
    struct given given;
    IGNORE(!given_read(ask, &given));
}

static int64_t document_insert(struct ask *ask, const struct given *given)
{
    struct db_query q = db_query(ask->desk->db, "INSERT INTO document (object, kind, title, who, made_ns)"
                                                " VALUES (?1, ?2, ?3, ?4, ?5)");
    db_put_i64(&q, given->object);
    db_put_text(&q, given->kind);
    db_put_text(&q, given->title);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    return db_last_id(ask->desk->db);
}

static int64_t version_insert(struct ask *ask, const struct given *given, int64_t document)
{
    struct db_query q = db_query(ask->desk->db, "INSERT INTO document_version (document, number, language, pages,"
                                                " approved, approved_by, note, who, made_ns) SELECT ?1,"
                                                " coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
                                                " FROM document_version WHERE document = ?1");
    db_put_i64(&q, document);
    db_put_text(&q, given->language);
    db_put_i64(&q, given->pages);
    db_put_text(&q, given->approved);
    db_put_text(&q, given->approved_by);
    db_put_text(&q, given->note);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    return db_last_id(ask->desk->db);
}

static int64_t file_insert(struct ask *ask, const struct given *given, int64_t version)
{
    struct db_query q = db_query(ask->desk->db, "INSERT INTO document_file (version, form, name, bytes, sha256, file,"
                                                " state, fault, who, made_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, '',"
                                                " ?7, ?8)");
    db_put_i64(&q, version);
    db_put_i64(&q, given->form);
    db_put_text(&q, given->name);
    db_put_i64(&q, ask_int(ask, "bytes"));
    db_put_text(&q, given->sha256);
    db_put_i64(&q, ask_int(ask, "file"));
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    return db_last_id(ask->desk->db);
}

void ask_document_add(struct ask *ask)
{
    struct given given;
    uint8_t digest[TLOG_HASH_SIZE];
    int64_t bytes = ask_int(ask, "bytes");
    if (!hex_decode(ask_str(ask, "sha256"), digest, sizeof digest) || bytes <= 0 || bytes > DESK_DOCUMENT_BYTES)
        ask_invalid(ask, "file", "there is no file, it is empty, or it has more than 64 MiB");
    if (ask->error || !given_read(ask, &given))
        return;
    int64_t document = given.document.id ? given.document.id : document_insert(ask, &given);
    int64_t version = given.version.id ? given.version.id : version_insert(ask, &given, document);
    int64_t file = file_insert(ask, &given, version);
    ask->desk->documents.comes = true;
    json_put_int(ask->out, "document", document);
    json_put_int(ask->out, "version", version);
    json_put_int(ask->out, "file", file);
}

/* ---- one ---- */

static bool document_asked(struct ask *ask, struct document *document)
{
    if (document_load(ask, ask_int(ask, "id"), document))
        return true;
    ask_refuse(ask, "not_found", "no such document");
    return false;
}

static void ended_row(struct ask *ask, const struct document *document, const char *event, struct str note)
{
    char storage[16];
    const struct subject subject = document_subject(document, storage);
    subject_put(desk_record_begin(ask->desk, event, ask->who, ask->now_ns), &subject);
    subject_record_end(ask->desk, &subject, note);
}

void ask_document_end(struct ask *ask)
{
    struct document document;
    struct str note;
    char storage[16];
    if (!document_asked(ask, &document) || !note_read(ask, NOTE_MIN, &note))
        return;
    if (document.ended_ns) {
        ask_refuse(ask, "state_refuses", "the document is of no more use already");
        return;
    }
    ended_row(ask, &document, "document.ended", note);
    const struct subject subject = document_subject(&document, storage);
    clocks_cancel(ask->desk, &subject, ask->who, ask->now_ns);
    struct db_query q = db_query(ask->desk->db, "UPDATE document SET ended_ns = ?2, ended_by = ?3, ended_why = ?4"
                                                " WHERE id = ?1");
    db_put_i64(&q, document.id);
    db_put_i64(&q, ask->now_ns);
    db_put_text(&q, ask->who);
    db_put_text(&q, note);
    db_run(&q);
}

/* It was looked through and needs no other version: the term counts from that day. */
void ask_document_review(struct ask *ask)
{
    struct document document;
    struct str note, day = ask_str(ask, "day");
    if (!document_asked(ask, &document) || !note_read(ask, NOTE_MIN, &note))
        return;
    if (document.ended_ns)
        ask_refuse(ask, "state_refuses", "the document is of no more use");
    else if (!day.n || !day_fits(ask, day, document.zone_offset_s))
        ask_invalid(ask, "day", DAY_WRITTEN);
    else if (str_compare(day, document.counted) <= 0)
        ask_invalid(ask, "day", "it was approved or looked through later than that already");
    if (ask->error)
        return;
    struct db_query q = db_query(ask->desk->db, "UPDATE document SET reviewed = ?2 WHERE id = ?1");
    db_put_i64(&q, document.id);
    db_put_text(&q, day);
    db_run(&q);
    ended_row(ask, &document, "document.reviewed", note);
    document.reviewed = day;
    document_terms(ask, &document);
}

void ask_document_judge(struct ask *ask)
{
    struct document_file file;
    if (!document_file_load(ask, ask_int(ask, "file"), &file)) {
        ask_refuse(ask, "not_found", "no such file");
        return;
    }
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM document_judgement WHERE file = ?1"
                                                " AND judged_ns = 0");
    db_put_i64(&q, file.id);
    if (file.form == DOCUMENT_PLAIN || file.state != DOCUMENT_KEPT || db_one_i64(&q, 0) > 0)
        ask_refuse(ask, "state_refuses", "nothing is signed there, it is not kept, or it is being judged");
    else
        document_judge(ask, file.id);
}

/* Its bytes go along with the answer. */
void ask_document_file(struct ask *ask)
{
    struct document_file file;
    if (!document_file_load(ask, ask_int(ask, "file"), &file)) {
        ask_refuse(ask, "not_found", "no such file");
        return;
    }
    if (file.state != DOCUMENT_KEPT || !str_copy_z(file.sha256, ask->desk->documents.given, DESK_SHA256_Z)) {
        ask_refuse(ask, "state_refuses", "the file is not kept");
        return;
    }
    json_put_str(ask->out, "name", file.name);
    json_put_int(ask->out, "bytes", file.bytes);
    json_put_str(ask->out, "sha256", file.sha256);
}

/* ---- seen ---- */

#define REPORTS_ROOM (DESK_QUESTION_MAX / 2) /* past it reports are left to document.judgement */

static void judgements_put(struct ask *ask, int64_t file)
{
    struct buf *out = ask->out;
    bool first = true;
    struct db_query q = db_query(ask->desk->db, "SELECT id, who, asked_ns, judged_ns, verdict, fault, tree, report"
                                                " FROM document_judgement WHERE file = ?1 ORDER BY id DESC LIMIT ?2");
    db_put_i64(&q, file);
    db_put_i64(&q, JUDGEMENTS);
    json_write_key(out, "judgements");
    json_write_array(out);
    while (db_next(&q)) {
        json_write_object(out);
        json_put_int(out, "id", db_i64(&q));
        json_put_str(out, "who", db_text(&q));
        json_put_int(out, "asked_ns", db_i64(&q));
        int64_t judged_ns = db_i64(&q);
        json_put_int(out, "judged_ns", judged_ns);
        json_put_text(out, "verdict", document_verdict_name(db_i64(&q)));
        json_put_str(out, "fault", db_text(&q));
        json_put_int(out, "tree", db_i64(&q));
        struct str report = db_text(&q);
        if (first && judged_ns && report.n && out->n + report.n < REPORTS_ROOM) {
            json_write_key(out, "report");
            json_write_raw(out, report);
        }
        first = first && !judged_ns;
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void files_put(struct ask *ask, int64_t version)
{
    int64_t ids[JUDGEMENTS];
    size_t count = 0;
    struct db_query q = db_query(ask->desk->db, "SELECT id FROM document_file WHERE version = ?1"
                                                " ORDER BY form = 2, id LIMIT ?2");
    db_put_i64(&q, version);
    db_put_i64(&q, JUDGEMENTS);
    while (count < JUDGEMENTS && db_next(&q))
        ids[count++] = db_i64(&q);
    db_query_end(&q);
    json_write_key(ask->out, "files");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++) {
        struct document_file file;
        if (!document_file_load(ask, ids[i], &file))
            break;
        json_write_object(ask->out);
        json_put_int(ask->out, "id", file.id);
        json_put_text(ask->out, "form", document_form_name(file.form));
        json_put_text(ask->out, "state", document_state_name(file.state));
        json_put_str(ask->out, "name", file.name);
        json_put_int(ask->out, "bytes", file.bytes);
        json_put_str(ask->out, "sha256", file.sha256);
        json_put_str(ask->out, "fault", file.fault);
        json_put_str(ask->out, "who", file.who);
        json_put_int(ask->out, "made_ns", file.made_ns);
        judgements_put(ask, file.id);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

#define VERSIONS_SHOWN 100

static void versions_put(struct ask *ask, int64_t document)
{
    int64_t ids[VERSIONS_SHOWN];
    size_t count = 0;
    struct db_query q = db_query(ask->desk->db, "SELECT id FROM document_version WHERE document = ?1"
                                                " ORDER BY number DESC LIMIT ?2");
    db_put_i64(&q, document);
    db_put_i64(&q, VERSIONS_SHOWN);
    while (count < VERSIONS_SHOWN && db_next(&q))
        ids[count++] = db_i64(&q);
    db_query_end(&q);
    json_write_key(ask->out, "versions");
    json_write_array(ask->out);
    for (size_t i = 0; i < count; i++) {
        struct document_version version;
        if (!document_version_load(ask, ids[i], &version))
            break;
        json_write_object(ask->out);
        json_put_int(ask->out, "id", version.id);
        json_put_int(ask->out, "number", version.number);
        json_put_str(ask->out, "language", version.language);
        json_put_int(ask->out, "pages", version.pages);
        json_put_str(ask->out, "approved", version.approved);
        json_put_str(ask->out, "approved_by", version.approved_by);
        json_put_str(ask->out, "note", version.note);
        json_put_str(ask->out, "who", version.who);
        json_put_int(ask->out, "made_ns", version.made_ns);
        files_put(ask, version.id);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void document_put(struct ask *ask, const struct document *document)
{
    struct buf *out = ask->out;
    json_put_int(out, "id", document->id);
    json_put_int(out, "object_id", document->object);
    json_put_str(out, "object", document->object_name);
    json_put_str(out, "kind", document->kind);
    json_put_str(out, "title", document->title);
    json_put_str(out, "who", document->who);
    json_put_int(out, "made_ns", document->made_ns);
    json_put_str(out, "reviewed", document->reviewed);
    json_put_str(out, "counted", document->counted);
    json_put_int(out, "ended_ns", document->ended_ns);
    json_put_str(out, "ended_by", document->ended_by);
    json_put_str(out, "ended_why", document->ended_why);
}

void ask_document_get(struct ask *ask)
{
    struct document document;
    if (!document_asked(ask, &document))
        return;
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_OBJECTS);
    json_write_key(ask->out, "document");
    json_write_object(ask->out);
    document_put(ask, &document);
    versions_put(ask, document.id);
    clocks_put_next(ask->desk, ask->out, SUBJECT_DOCUMENT, document.id);
    clocks_put(ask->desk, ask->out, SUBJECT_DOCUMENT, document.id);
    history_put(ask->desk, ask->out, SUBJECT_DOCUMENT, document.id);
    notices_put(ask->desk, ask->out, SUBJECT_DOCUMENT, document.id);
    json_write_object_end(ask->out);
}

/* One judgement, whole. */
void ask_document_judgement(struct ask *ask)
{
    struct db_query q = db_query(
        ask->desk->db, "SELECT d.id, d.title, f.name, j.id, j.who, j.asked_ns, j.judged_ns, j.verdict, j.fault,"
                       " j.tree, j.report FROM document_judgement j JOIN document_file f ON f.id = j.file"
                       " JOIN document_version v ON v.id = f.version JOIN document d ON d.id = v.document"
                       " WHERE j.id = ?1");
    db_put_i64(&q, ask_int(ask, "id"));
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such judgement");
        return;
    }
    json_put_int(ask->out, "document", db_i64(&q));
    json_put_str(ask->out, "title", db_text(&q));
    json_put_str(ask->out, "name", db_text(&q));
    json_put_int(ask->out, "id", db_i64(&q));
    json_put_str(ask->out, "who", db_text(&q));
    json_put_int(ask->out, "asked_ns", db_i64(&q));
    json_put_int(ask->out, "judged_ns", db_i64(&q));
    json_put_text(ask->out, "verdict", document_verdict_name(db_i64(&q)));
    json_put_str(ask->out, "fault", db_text(&q));
    json_put_int(ask->out, "tree", db_i64(&q));
    struct str report = db_text(&q);
    json_write_key(ask->out, "report");
    if (report.n)
        json_write_raw(ask->out, report);
    else
        json_write_null(ask->out);
    db_query_end(&q);
}
