/* survey.c - surveys in the database: read, written as the next version, and told of. */
#include "desk/survey.h"

#include "base/assert.h"
#include "base/civil.h"
#include "desk/card.h"

static const char *const state_names[SURVEY_STATES] = {
    [SURVEY_PLANNED] = "planned",   [SURVEY_AGREED] = "agreed", [SURVEY_RUNNING] = "running",
    [SURVEY_FINISHED] = "finished", [SURVEY_SENT] = "sent",     [SURVEY_CANCELLED] = "cancelled",
};

const char *survey_state_name(int64_t state)
{
    ASSERT(state >= 0 && state < SURVEY_STATES);
    return state_names[state];
}

int64_t survey_year_of(int64_t day)
{
    int32_t year, month, number;
    civil_from_days(day, &year, &month, &number);
    return year;
}

void survey_day_put(struct buf *json, const char *name, int64_t day)
{
    char text[CIVIL_TEXT_MAX];
    size_t n = civil_format(day * DAY_S * SECOND_NS, 0, 0, text);
    ASSERT(n > 10);
    json_put_str(json, name, str_at(text, 10));
}

bool survey_load(struct desk *desk, int64_t id, struct arena *arena, struct survey *ret_survey)
{
    struct db_query q = db_query(
        desk->db, "SELECT s.id, s.object, s.main, s.year, s.first_day, s.last_day, s.state, s.version, s.agreed_ns,"
                  " s.started_ns, s.finished_ns, s.sent_ns, s.findings, s.put_off, o.zone_offset_s,"
                  " coalesce(m.first_day, 0), coalesce(m.last_day, 0), s.control, s.number, s.kind, s.responsible,"
                  " s.notes, s.agreed_by, s.reference, o.name FROM survey s JOIN object o ON o.id = s.object"
                  " LEFT JOIN survey m ON m.id = s.main WHERE s.id = ?1");
    db_put_i64(&q, id);
    bool found = db_next(&q);
    if (found) {
        *ret_survey = (struct survey){0};
        int64_t *const numbers[] = {&ret_survey->id,         &ret_survey->object,      &ret_survey->main,
                                    &ret_survey->year,       &ret_survey->first,       &ret_survey->last,
                                    &ret_survey->state,      &ret_survey->version,     &ret_survey->agreed_ns,
                                    &ret_survey->started_ns, &ret_survey->finished_ns, &ret_survey->sent_ns,
                                    &ret_survey->findings,   &ret_survey->put_off,     &ret_survey->zone_offset_s,
                                    &ret_survey->main_first, &ret_survey->main_last};
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
            *numbers[i] = db_i64(&q);
        ret_survey->control = db_i64(&q) > 0;
        struct str *const texts[] = {&ret_survey->number,     &ret_survey->kind,      &ret_survey->responsible,
                                     &ret_survey->notes,      &ret_survey->agreed_by, &ret_survey->reference,
                                     &ret_survey->object_name};
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            *texts[i] = db_text_copy(&q, arena);
    }
    db_query_end(&q);
    return found && !db_failed(desk->db);
}

struct subject survey_subject(const struct survey *survey)
{
    return (struct subject){.kind = SUBJECT_SURVEY,
                            .id = survey->id,
                            .object = survey->object,
                            .zone_offset_s = survey->zone_offset_s,
                            .number = survey->number,
                            .title = survey->kind,
                            .object_name = survey->object_name};
}

const struct survey_kind *survey_row(const struct desk *desk, const struct survey *survey)
{
    size_t i = survey_kind_find(&desk->survey_kinds, survey->kind);
    return i < desk->survey_kinds.count ? &desk->survey_kinds.kind[i] : NULL;
}

/* --- plans --- */

void survey_plan_change(struct desk *desk, int64_t object, int64_t year)
{
    struct db_query q = db_query(desk->db, "INSERT INTO survey_plan (object, year, version) VALUES (?1, ?2, 1)"
                                           " ON CONFLICT (object, year) DO UPDATE SET version = version + 1");
    db_put_i64(&q, object);
    db_put_i64(&q, year);
    db_run(&q);
}

int64_t survey_plan_version(struct desk *desk, int64_t object, int64_t year)
{
    struct db_query q = db_query(desk->db, "SELECT version FROM survey_plan WHERE object = ?1 AND year = ?2");
    db_put_i64(&q, object);
    db_put_i64(&q, year);
    return db_one_i64(&q, 0);
}

bool survey_year_read(struct ask *ask, int64_t *ret_year)
{
    *ret_year = ask_int(ask, "year");
    if (*ret_year < 2000 || *ret_year > 2100)
        ask_invalid(ask, "year", "the year is one from 2000 to 2100");
    return !ask->error;
}

/* --- days --- */

bool survey_days_read(struct ask *ask, const struct json_value *in, struct survey *survey)
{
    if (!card_day_read(json_str(json_get(in, "first_day"), STR("")), &survey->first) ||
        survey_year_of(survey->first) < 2000 || survey_year_of(survey->first) > 2100)
        ask_invalid(ask, "first_day", "the first day is one like 2027-01-15");
    else if (!card_day_read(json_str(json_get(in, "last_day"), STR("")), &survey->last) ||
             survey->last < survey->first || survey->last - survey->first >= SURVEY_DAYS_MAX)
        ask_invalid(ask, "last_day", "the last day is within 92 days of the first");
    survey->year = ask->error ? 0 : survey_year_of(survey->first);
    return !ask->error;
}

bool survey_days_check(struct ask *ask, const struct survey *survey)
{
    if (survey->control && survey->main_last >= survey->first)
        ask_invalid(ask, "first_day", "a control survey begins after its main one has ended");
    return !ask->error;
}

/* --- writing --- */

void survey_tell(struct ask *ask, const struct survey *survey, const char *event, struct str reason)
{
    const struct subject subject = survey_subject(survey);
    struct buf *body = desk_record_begin(ask->desk, event, ask->who, ask->now_ns);
    subject_put(body, &subject);
    json_put_str(body, "kind", survey->kind);
    json_put_bool(body, "control", survey->control);
    json_put_int(body, "main", survey->main);
    survey_day_put(body, "first_day", survey->first);
    survey_day_put(body, "last_day", survey->last);
    json_put_text(body, "state", survey_state_name(survey->state));
    json_put_str(body, "responsible", survey->responsible);
    json_put_int(body, "version", survey->version);
    subject_record_end(ask->desk, &subject, reason);
}

static bool survey_room(struct ask *ask, const struct survey *survey)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM survey WHERE object = ?1 AND year = ?2");
    db_put_i64(&q, survey->object);
    db_put_i64(&q, survey->year);
    if (db_one_i64(&q, 0) >= (int64_t)SURVEY_PLAN_MAX / 2)
        ask_refuse(ask, "too_large", "the object has 48 surveys in this year");
    return !ask->error;
}

bool survey_insert(struct ask *ask, struct survey *survey, struct str reason)
{
    char storage[32];
    struct buf number;
    struct db_query q = db_query(ask->desk->db, "SELECT coalesce(max(id), 0) + 1 FROM survey");
    survey->id = db_one_i64(&q, 1);
    if (survey->id > SURVEYS_MAX)
        ask_refuse(ask, "too_large", "there are too many surveys");
    if (ask->error || !survey_room(ask, survey))
        return false;
    buf_init_fixed(&number, storage, sizeof storage);
    buf_format(&number, "S-%06lld", (long long)survey->id);
    survey->number = arena_str(ask->arena, buf_view(&number));
    survey->version = 1;
    q = db_query(ask->desk->db,
                 "INSERT INTO survey (id, number, object, kind, control, main, year, first_day, last_day, state,"
                 " version, responsible, notes, agreed_ns, agreed_by, reference, started_ns, finished_ns, sent_ns,"
                 " findings, put_off, who, made_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 1, ?10, ?11, 0, '',"
                 " '', 0, 0, 0, 0, 0, ?12, ?13)");
    db_put_i64(&q, survey->id);
    db_put_text(&q, survey->number);
    db_put_i64(&q, survey->object);
    db_put_text(&q, survey->kind);
    const int64_t numbers[] = {survey->control, survey->main, survey->year, survey->first, survey->last};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        db_put_i64(&q, numbers[i]);
    db_put_text(&q, survey->responsible);
    db_put_text(&q, survey->notes);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    survey_tell(ask, survey, "survey.planned", reason);
    survey_plan_change(ask->desk, survey->object, survey->year);
    return true;
}

void survey_store(struct ask *ask, struct survey *survey)
{
    struct desk *desk = ask->desk;
    struct db_query q = db_query(desk->db, "SELECT year FROM survey WHERE id = ?1");
    db_put_i64(&q, survey->id);
    int64_t was = db_one_i64(&q, 0);
    survey->version++;
    q = db_query(desk->db, "UPDATE survey SET year = ?2, first_day = ?3, last_day = ?4, state = ?5, version = ?6,"
                           " agreed_ns = ?7, started_ns = ?8, finished_ns = ?9, sent_ns = ?10, findings = ?11,"
                           " put_off = ?12, responsible = ?13, notes = ?14, agreed_by = ?15, reference = ?16"
                           " WHERE id = ?1");
    const int64_t numbers[] = {survey->id,          survey->year,    survey->first,     survey->last,
                               survey->state,       survey->version, survey->agreed_ns, survey->started_ns,
                               survey->finished_ns, survey->sent_ns, survey->findings,  survey->put_off};
    const struct str texts[] = {survey->responsible, survey->notes, survey->agreed_by, survey->reference};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        db_put_i64(&q, numbers[i]);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        db_put_text(&q, texts[i]);
    db_run(&q);
    survey_plan_change(desk, survey->object, survey->year);
    if (was != survey->year)
        survey_plan_change(desk, survey->object, was);
}

/* --- shown --- */

void survey_put(struct buf *json, struct db_query *q)
{
    json_put_int(json, "id", db_i64(q));
    json_put_str(json, "number", db_text(q));
    json_put_int(json, "object_id", db_i64(q));
    json_put_str(json, "object", db_text(q));
    json_put_str(json, "kind", db_text(q));
    json_put_bool(json, "control", db_i64(q) > 0);
    json_put_int(json, "main", db_i64(q));
    json_put_str(json, "main_number", db_text(q));
    json_put_int(json, "control_id", db_i64(q));
    json_put_str(json, "control_number", db_text(q));
    json_put_int(json, "year", db_i64(q));
    survey_day_put(json, "first_day", db_i64(q));
    survey_day_put(json, "last_day", db_i64(q));
    json_put_text(json, "state", survey_state_name(db_i64(q)));
    json_put_int(json, "version", db_i64(q));
    json_put_str(json, "responsible", db_text(q));
    json_put_str(json, "notes", db_text(q));
    json_put_int(json, "agreed_ns", db_i64(q));
    json_put_str(json, "agreed_by", db_text(q));
    json_put_str(json, "reference", db_text(q));
    json_put_int(json, "started_ns", db_i64(q));
    json_put_int(json, "finished_ns", db_i64(q));
    json_put_int(json, "sent_ns", db_i64(q));
    json_put_int(json, "findings", db_i64(q));
    json_put_str(json, "findings_number", db_text(q));
    json_put_int(json, "put_off", db_i64(q));
}

static void words_put(struct buf *json, const char *name, const struct str words[TERM_LANGUAGES])
{
    json_write_key(json, name);
    json_write_object(json);
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++)
        json_put_str(json, language_name(language), words[language]);
    json_write_object_end(json);
}

void survey_kinds_put(const struct desk *desk, struct buf *json)
{
    json_write_key(json, "kinds");
    json_write_array(json);
    for (size_t i = 0; i < desk->survey_kinds.count; i++) {
        const struct survey_kind *kind = &desk->survey_kinds.kind[i];
        json_write_object(json);
        json_put_str(json, "kind", kind->id);
        json_put_str(json, "clock", kind->clock);
        json_put_bool(json, "documents", kind->documents);
        json_put_int(json, "main", kind->quota[0]);
        json_put_int(json, "control", kind->quota[1]);
        json_put_int(json, "days", kind->days);
        json_put_int(json, "after", kind->after);
        words_put(json, "paragraph", kind->paragraph);
        words_put(json, "name", kind->name);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}
