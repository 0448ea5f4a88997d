#include "desk/subject.h"

#include "base/assert.h"
#include "base/macros.h"
#include "desk/inside.h"

/* Number, title, object and zone of what is no incident; what it is called in records. */
static const struct {
    const char *name;
    const char *mark;
    const char *member;
    const char *select;
} kinds[SUBJECT_KINDS] = {
    [SUBJECT_INCIDENT] = {"incident", "", "incident", NULL},
    [SUBJECT_FINDINGS] = {"findings", "f", "findings",
                          "SELECT f.number, f.title, o.name, o.zone_offset_s, o.id FROM findings f"
                          " JOIN object o ON o.id = f.object WHERE f.id = ?1"},
    [SUBJECT_VULNERABILITY] = {"vulnerability", "v", "vulnerability",
                               "SELECT v.number, v.title, o.name, o.zone_offset_s, o.id FROM vulnerability v"
                               " JOIN object o ON o.id = v.object WHERE v.id = ?1"},
    [SUBJECT_OBJECT] = {"object", "o", "object_number",
                        "SELECT printf('O-%06d', id), name, name, zone_offset_s, id FROM object WHERE id = ?1"},
    /* no object's, and no term ever runs for one */
    [SUBJECT_PERSON] = {"person", "p", "person", "SELECT name, name, '', 0, 0 FROM user WHERE id = ?1"},
    [SUBJECT_SURVEY] = {"survey", "s", "survey",
                        "SELECT s.number, s.kind, o.name, o.zone_offset_s, o.id FROM survey s JOIN object o ON o.id = "
                        "s.object WHERE s.id = ?1"},
    [SUBJECT_REPORT] = {"report", "r", "report",
                        "SELECT printf('R-%06d', r.id), r.kind, coalesce(o.name, ''), coalesce(o.zone_offset_s, 0),"
                        " r.object FROM report r LEFT JOIN object o ON o.id = r.object WHERE r.id = ?1"},
    [SUBJECT_DOCUMENT] = {"document", "d", "document",
                          "SELECT printf('D-%06d', d.id), d.title, o.name, o.zone_offset_s, o.id FROM document d"
                          " JOIN object o ON o.id = d.object WHERE d.id = ?1"},
};

const char *subject_name(enum subject_kind kind)
{
    ASSERT(kind < SUBJECT_KINDS);
    return kinds[kind].name;
}

const char *subject_mark(enum subject_kind kind)
{
    ASSERT(kind < SUBJECT_KINDS);
    return kinds[kind].mark;
}

struct subject incident_subject(const struct incident *incident)
{
    return (struct subject){.kind = SUBJECT_INCIDENT,
                            .id = incident->id,
                            .object = incident->object,
                            .zone_offset_s = incident->zone_offset_s,
                            .number = incident->number,
                            .title = incident->title,
                            .object_name = incident->object_name,
                            .incident = incident};
}

static bool incident_read(struct desk *desk, int64_t id, struct subject *ret_subject)
{
    struct incident *incident = arena_alloc(desk->scratch, sizeof *incident);
    if (!incident) {
        db_fail(desk->db, RC_LIMIT, "out of memory for an incident");
        return false;
    }
    if (!incident_load(desk, id, desk->scratch, incident))
        return false;
    *ret_subject = incident_subject(incident);
    return true;
}

bool subject_load(struct desk *desk, enum subject_kind kind, int64_t id, struct subject *ret_subject)
{
    ASSERT(kind < SUBJECT_KINDS);
    if (kind == SUBJECT_INCIDENT)
        return incident_read(desk, id, ret_subject);
    struct db_query q = db_query(desk->db, kinds[kind].select);
    db_put_i64(&q, id);
    bool found = db_next(&q);
    if (found) {
        *ret_subject = (struct subject){.kind = kind, .id = id};
        ret_subject->number = db_text_copy(&q, desk->scratch);
        ret_subject->title = db_text_copy(&q, desk->scratch);
        ret_subject->object_name = db_text_copy(&q, desk->scratch);
        ret_subject->zone_offset_s = db_i64(&q);
        ret_subject->object = db_i64(&q);
    }
    db_query_end(&q);
    return found && !db_failed(desk->db);
}

struct str subject_title(const struct desk *desk, const struct subject *subject, enum term_language language)
{
    size_t kind = survey_kind_find(&desk->survey_kinds, subject->title);
    if (subject->kind != SUBJECT_SURVEY || kind == desk->survey_kinds.count)
        return subject->title;
    return desk->survey_kinds.kind[kind].name[language];
}

void subject_put(struct buf *json, const struct subject *subject)
{
    if (subject->incident) {
        incident_put(json, subject->incident);
        return;
    }
    json_put_str(json, kinds[subject->kind].member, subject->number);
    json_put_str(json, "title", subject->title);
    json_put_str(json, "object", subject->object_name);
}

int64_t subject_record_end(struct desk *desk, const struct subject *subject, struct str detail)
{
    return desk_record_end_of(desk, subject->kind, subject->id, detail);
}
