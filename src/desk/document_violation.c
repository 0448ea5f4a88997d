/* document_violation.c - what does not meet the technical documentation on information security of an object: found,
 * and what was done against it. The terms of order 52/NK p.14 (M-21, M-22) run for the object, by its acts
 * (object_acts.c): a notice of a survey, its results. */
#include "base/assert.h"
#include "desk/card.h"
#include "desk/document_inside.h"

#define VIOLATIONS_MAX   1000 /* of an object */
#define VIOLATIONS_SHOWN 200
#define NOTE_MIN         3u
#define NOTE_MAX         2000u

struct violation {
    int64_t id, object, document, zone_s;
    struct str found, mended;
};

static bool note_fits(struct ask *ask, struct str note)
{
    if (note.n < NOTE_MIN || note.n > NOTE_MAX || !rule_text_valid(note))
        ask_invalid(ask, "note", "what it is, in three characters at least and 2,000 at most");
    return !ask->error;
}

static bool day_fits(struct ask *ask, struct str day, struct str least, int64_t zone_s)
{
    int64_t number;
    return card_day_read(day, &number) && str_compare(day, card_day_text(ask, zone_s, ask->now_ns)) <= 0 &&
           str_compare(day, least) >= 0;
}

/* The document that it is about, or the object when it is about none. */
static bool subject_of(struct ask *ask, const struct violation *violation, struct subject *ret_subject)
{
    return subject_load(ask->desk, violation->document ? SUBJECT_DOCUMENT : SUBJECT_OBJECT,
                        violation->document ? violation->document : violation->object, ret_subject);
}

static bool violation_place(struct ask *ask, struct violation *violation)
{
    struct document document;
    struct db_query q = db_query(ask->desk->db, "SELECT o.zone_offset_s, (SELECT count(*) FROM document_violation v"
                                                " WHERE v.object = o.id) FROM object o WHERE o.id = ?1");
    db_put_i64(&q, violation->object);
    bool found = db_next(&q);
    violation->zone_s = found ? db_i64(&q) : 0;
    bool full = found && db_i64(&q) >= VIOLATIONS_MAX;
    db_query_end(&q);
    if (!found || (violation->document &&
                   (!document_load(ask, violation->document, &document) || document.object != violation->object)))
        ask_refuse(ask, "not_found", "no such object, or no such document of it");
    else if (full)
        ask_refuse(ask, "too_large", "an object has 1,000 violations at most");
    return !ask->error;
}

void ask_document_violation(struct ask *ask)
{
    struct subject subject;
    struct str requirement = str_trim(ask_str(ask, "requirement")), note = str_trim(ask_str(ask, "note"));
    struct violation v = {
        .object = ask_int(ask, "object"), .document = ask_int(ask, "document"), .found = ask_str(ask, "day")};
    if (!violation_place(ask, &v) || !note_fits(ask, note))
        return;
    if (!day_fits(ask, v.found, STR("1991-01-01"), v.zone_s))
        ask_invalid(ask, "day", "a day is written 2026-11-20, and has come");
    if (requirement.n == 0 || requirement.n > DESK_NAME_MAX || !desk_one_line(requirement))
        ask_invalid(ask, "requirement", "which requirement is not met, one line of 200 bytes at most");
    if (ask->error || !subject_of(ask, &v, &subject))
        return;
    struct db_query q = db_query(ask->desk->db, "INSERT INTO document_violation (object, document, found, requirement,"
                                                " what, who, made_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    db_put_i64(&q, v.object);
    db_put_i64(&q, v.document);
    db_put_text(&q, v.found);
    db_put_text(&q, requirement);
    db_put_text(&q, note);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    int64_t id = db_last_id(ask->desk->db);
    struct buf *body = desk_record_begin(ask->desk, "document.violated", ask->who, ask->now_ns);
    subject_put(body, &subject);
    json_put_int(body, "violation", id);
    json_put_str(body, "found", v.found);
    json_put_str(body, "requirement", requirement);
    subject_record_end(ask->desk, &subject, note);
    json_put_int(ask->out, "id", id);
}

static bool violation_load(struct ask *ask, int64_t id, struct violation *ret)
{
    struct db_query q = db_query(ask->desk->db, "SELECT v.id, v.object, v.document, o.zone_offset_s, v.found, v.mended"
                                                " FROM document_violation v JOIN object o ON o.id = v.object"
                                                " WHERE v.id = ?1");
    db_put_i64(&q, id);
    *ret = (struct violation){0};
    if (!db_next(&q)) {
        ask_refuse(ask, "not_found", "no such violation");
        return false;
    }
    ret->id = db_i64(&q);
    ret->object = db_i64(&q);
    ret->document = db_i64(&q);
    ret->zone_s = db_i64(&q);
    ret->found = db_text_copy(&q, ask->arena);
    ret->mended = db_text_copy(&q, ask->arena);
    db_query_end(&q);
    return !db_failed(ask->desk->db);
}

void ask_document_mend(struct ask *ask)
{
    struct violation v;
    struct subject subject;
    struct str note = str_trim(ask_str(ask, "note")), day = ask_str(ask, "day");
    if (!violation_load(ask, ask_int(ask, "id"), &v) || !note_fits(ask, note))
        return;
    if (v.mended.n)
        ask_refuse(ask, "state_refuses", "measures against it are noted already");
    else if (!day_fits(ask, day, v.found, v.zone_s))
        ask_invalid(ask, "day", "a day is written 2026-11-20, has come, and is not before it was found");
    if (ask->error || !subject_of(ask, &v, &subject))
        return;
    struct db_query q = db_query(ask->desk->db, "UPDATE document_violation SET mended = ?2, measure = ?3,"
                                                " mended_by = ?4, mended_ns = ?5 WHERE id = ?1");
    db_put_i64(&q, v.id);
    db_put_text(&q, day);
    db_put_text(&q, note);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    struct buf *body = desk_record_begin(ask->desk, "document.mended", ask->who, ask->now_ns);
    subject_put(body, &subject);
    json_put_int(body, "violation", v.id);
    json_put_str(body, "day", day);
    subject_record_end(ask->desk, &subject, note);
}

void document_violations_put(struct ask *ask, int64_t object)
{
    static const char *const texts[] = {"found", "requirement", "what", "who", "mended", "measure", "mended_by"};
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM document_violation WHERE object = ?1"
                                                " AND mended = ''");
    db_put_i64(&q, object);
    json_put_int(ask->out, "violations_open", db_one_i64(&q, 0));
    q = db_query(ask->desk->db, "SELECT v.id, v.document, coalesce(d.title, ''), v.found, v.requirement, v.what,"
                                " v.who, v.mended, v.measure, v.mended_by FROM document_violation v"
                                " LEFT JOIN document d ON d.id = v.document WHERE v.object = ?1"
                                " ORDER BY v.mended <> '', v.id DESC LIMIT ?2");
    db_put_i64(&q, object);
    db_put_i64(&q, VIOLATIONS_SHOWN);
    json_write_key(ask->out, "violations");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "id", db_i64(&q));
        json_put_int(ask->out, "document", db_i64(&q));
        json_put_str(ask->out, "title", db_text(&q));
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            json_put_str(ask->out, texts[i], db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}
