/* survey_ask.c - lists of surveys, one with its terms and history, and one that a person adds or writes on. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/survey.h"

#define LIST_DEFAULT 100
#define LIST_MAX     500
#define TEXT_MAX     200
#define NOTES_MAX    4000
#define REASON_MAX   2000

/* --- lists --- */

/* ?1 object; ?2 and ?3 days of which it has one; ?4 kind, empty: any; ?5 state, -1: any, -2: all but cancelled; ?6 and
 * ?7 years. Of one object by its index, which + keeps the planner from leaving; of all by that of the year. */
#define WHERE(narrow, year)                                                                                            \
    " WHERE " narrow year " BETWEEN ?6 AND ?7 AND s.last_day >= ?2 AND s.first_day <= ?3"                              \
    " AND (?4 = '' OR s.kind = ?4) AND (?5 = -1 OR s.state = ?5 OR (?5 = -2 AND s.state <> 5))"
#define OF_ALL  WHERE("?1 = 0 AND ", "s.year")
#define OF_ONE  WHERE("s.object = ?1 AND ", "+s.year")
#define COUNT   "SELECT count(*) FROM survey s"
#define IN_PAGE " ORDER BY s.first_day, s.id LIMIT ?8 OFFSET ?9"

struct filter {
    int64_t object, from, to, state;
    struct str kind;
};

static bool filter_read(struct ask *ask, struct filter *filter)
{
    int64_t year, month = ask_int(ask, "month");
    struct str state = ask_str(ask, "state");
    if (!survey_year_read(ask, &year))
        return false;
    *filter = (struct filter){.object = MAX(ask_int(ask, "object"), 0), .state = -2, .kind = ask_str(ask, "kind")};
    if (month < 0 || month > 12)
        ask_invalid(ask, "month", "the month is one from 1 to 12, 0: the whole year");
    int32_t from = month > 0 ? (int32_t)month : 1, to = month > 0 ? (int32_t)month : 12;
    if (ask->error)
        return false;
    filter->from = civil_to_days((int32_t)year, from, 1);
    filter->to = civil_to_days((int32_t)year, to, civil_month_days((int32_t)year, to));
    for (int64_t i = 0; i < SURVEY_STATES; i++)
        if (str_is(state, survey_state_name(i)))
            filter->state = i;
    if (str_is(state, "all"))
        filter->state = -1;
    else if (state.n && filter->state == -2 && !str_is(state, "standing"))
        ask_invalid(ask, "state", "no such state");
    return !ask->error;
}

static void filter_put(struct db_query *q, const struct filter *filter)
{
    db_put_i64(q, filter->object);
    db_put_i64(q, filter->from);
    db_put_i64(q, filter->to);
    db_put_text(q, filter->kind);
    db_put_i64(q, filter->state);
    db_put_i64(q, survey_year_of(filter->from) - 1); /* one that began in December */
    db_put_i64(q, survey_year_of(filter->to));
}

void ask_survey_list(struct ask *ask)
{
    struct filter filter;
    int64_t limit = ask_int(ask, "limit");
    if (!filter_read(ask, &filter))
        return;
    struct db_query q = db_query(ask->desk->db, filter.object ? COUNT OF_ONE : COUNT OF_ALL);
    filter_put(&q, &filter);
    json_put_int(ask->out, "total", db_one_i64(&q, 0));
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_WORK);
    survey_kinds_put(ask->desk, ask->out);
    json_write_key(ask->out, "surveys");
    json_write_array(ask->out);
    q = db_query(ask->desk->db, filter.object ? SURVEY_ROW OF_ONE IN_PAGE : SURVEY_ROW OF_ALL IN_PAGE);
    filter_put(&q, &filter);
    db_put_i64(&q, limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX));
    db_put_i64(&q, MAX(ask_int(ask, "offset"), 0));
    while (db_next(&q)) {
        json_write_object(ask->out);
        survey_put(ask->out, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* --- one --- */

/* Reports that may be linked to it: of such surveys of the object, the newest. */
static void reports_put(struct ask *ask, const struct survey *survey)
{
    json_write_key(ask->out, "reports");
    json_write_array(ask->out);
    struct db_query q =
        db_query(ask->desk->db, "SELECT id, number, title FROM findings WHERE object = ?1 AND origin = 'survey'"
                                " AND control = ?2 ORDER BY id DESC LIMIT 50");
    db_put_i64(&q, survey->object);
    db_put_i64(&q, survey->control);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "id", db_i64(&q));
        json_put_str(ask->out, "number", db_text(&q));
        json_put_str(ask->out, "title", db_text(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_survey_get(struct ask *ask)
{
    struct survey survey;
    if (!survey_load(ask->desk, ask_int(ask, "id"), ask->arena, &survey)) {
        ask_refuse(ask, "not_found", "no such survey");
        return;
    }
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_WORK);
    survey_kinds_put(ask->desk, ask->out);
    json_write_key(ask->out, "survey");
    json_write_object(ask->out);
    struct db_query q = db_query(ask->desk->db, SURVEY_ROW " WHERE s.id = ?1");
    db_put_i64(&q, survey.id);
    if (db_next(&q))
        survey_put(ask->out, &q);
    db_query_end(&q);
    json_put_int(ask->out, "zone_offset_s", survey.zone_offset_s);
    survey_acts_put(ask, &survey);
    reports_put(ask, &survey);
    clocks_put(ask->desk, ask->out, SUBJECT_SURVEY, survey.id);
    history_put(ask->desk, ask->out, SUBJECT_SURVEY, survey.id);
    notices_put(ask->desk, ask->out, SUBJECT_SURVEY, survey.id);
    json_write_object_end(ask->out);
}

/* --- saving --- */

static void texts_read(struct ask *ask, const struct json_value *in, struct survey *survey)
{
    survey->responsible = str_trim(json_str(json_get(in, "responsible"), survey->responsible));
    survey->notes = str_trim(json_str(json_get(in, "notes"), survey->notes));
    if (!survey->responsible.n)
        survey->responsible = STR("");
    if (!survey->notes.n)
        survey->notes = STR("");
    if (survey->responsible.n > TEXT_MAX || !desk_one_line(survey->responsible))
        ask_invalid(ask, "responsible", "too long, or not one line");
    else if (survey->notes.n > NOTES_MAX || !rule_text_valid(survey->notes))
        ask_invalid(ask, "notes", "too long, or not plain text");
}

static void main_check(struct ask *ask, struct survey *survey)
{
    struct survey main;
    if (survey->control != (survey->main > 0)) {
        ask_invalid(ask, "main", "a control survey, and only one, has a main one");
        return;
    }
    if (!survey->control)
        return;
    if (!survey_load(ask->desk, survey->main, ask->arena, &main) || main.control || main.object != survey->object ||
        !str_eq(main.kind, survey->kind) || main.state == SURVEY_CANCELLED) {
        ask_invalid(ask, "main", "no main survey of this kind and object");
        return;
    }
    survey->main_first = main.first;
    survey->main_last = main.last;
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM survey WHERE main = ?1 AND main > 0"
                                                " AND state <> 5");
    db_put_i64(&q, main.id);
    if (db_one_i64(&q, 0) > 0)
        ask_invalid(ask, "main", "it has a control survey");
}

bool survey_new_read(struct ask *ask, const struct json_value *in, int64_t object, struct survey *ret_survey)
{
    *ret_survey = (struct survey){.object = object,
                                  .main = json_int(json_get(in, "main"), 0),
                                  .control = json_bool(json_get(in, "control"), false),
                                  .kind = json_str(json_get(in, "kind"), STR("")),
                                  .responsible = STR(""),
                                  .notes = STR("")};
    struct db_query q = db_query(ask->desk->db, "SELECT name, zone_offset_s FROM object WHERE id = ?1");
    db_put_i64(&q, object);
    if (!db_next(&q)) {
        ask_invalid(ask, "object", "no such object");
        return false;
    }
    ret_survey->object_name = db_text_copy(&q, ask->arena);
    ret_survey->zone_offset_s = db_i64(&q);
    db_query_end(&q);
    texts_read(ask, in, ret_survey);
    if (!survey_row(ask->desk, ret_survey))
        ask_invalid(ask, "kind", "no such kind of surveys");
    return !ask->error && survey_days_read(ask, in, ret_survey);
}

bool survey_new_insert(struct ask *ask, struct survey *survey, struct str reason)
{
    main_check(ask, survey);
    return !ask->error && survey_days_check(ask, survey) && survey_insert(ask, survey, reason);
}

static void written(struct ask *ask, const struct json_value *in, struct survey *survey, struct str reason)
{
    struct str responsible = survey->responsible, notes = survey->notes;
    if (json_int(json_get(ask->question, "version"), -1) != survey->version) {
        ask_refuse(ask, "survey_changed", "somebody else changed the survey");
        return;
    }
    texts_read(ask, in, survey);
    if (ask->error)
        return;
    if (!str_eq(responsible, survey->responsible) || !str_eq(notes, survey->notes)) {
        survey_store(ask, survey);
        survey_tell(ask, survey, "survey.saved", reason.n ? reason : survey->responsible);
    }
}

void ask_survey_save(struct ask *ask)
{
    struct survey survey;
    struct str reason = str_trim(ask_str(ask, "reason"));
    const struct json_value *in = json_get(ask->question, "survey");
    int64_t id = json_int(json_get(in, "id"), 0);
    if (!in || in->kind != JSON_OBJECT)
        ask_invalid(ask, "survey", "not a survey");
    else if (reason.n > REASON_MAX || !rule_text_valid(reason))
        ask_invalid(ask, "reason", "the reason is too long, or not plain text");
    if (ask->error)
        return;
    if (id && !survey_load(ask->desk, id, ask->arena, &survey))
        ask_refuse(ask, "not_found", "no such survey");
    else if (id)
        written(ask, in, &survey, reason);
    else if (!survey_new_read(ask, in, json_int(json_get(in, "object"), 0), &survey) ||
             !survey_new_insert(ask, &survey, reason))
        return;
    if (ask->error)
        return;
    json_put_int(ask->out, "id", survey.id);
    json_put_str(ask->out, "number", survey.number);
    json_put_int(ask->out, "version", survey.version);
}
