/* survey_year.c - an object's year: quotas, what stands, what is proposed for the rest; and that taken in one act. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/survey.h"

#include <string.h>

#define ACCEPT_MAX (SURVEY_PLAN_MAX / 2)
#define REASON_MAX 2000

/* --- what stands --- */

static enum plan_state plan_state_of(int64_t state)
{
    switch (state) {
    case SURVEY_PLANNED:
        return PLAN_WAITS;
    case SURVEY_AGREED:
        return PLAN_AGREED;
    case SURVEY_RUNNING:
        return PLAN_RUNS;
    default:
        return PLAN_DONE;
    }
}

bool survey_plan_add(struct desk *desk, struct db_query *q, int64_t year, int64_t ret_main[SURVEY_PLAN_MAX],
                     struct survey_plan *plan)
{
    struct plan_survey s = {.id = db_i64(q), .main = -1};
    s.kind = survey_kind_find(&desk->survey_kinds, db_text(q));
    s.control = db_i64(q) > 0;
    int64_t main = db_i64(q);
    s.outside = db_i64(q) != year;
    s.first = (int32_t)db_i64(q);
    s.last = (int32_t)db_i64(q);
    s.state = plan_state_of(db_i64(q));
    int64_t finished_ns = db_i64(q), zone_s = db_i64(q);
    s.ended = finished_ns ? (int32_t)civil_day(finished_ns, (int32_t)zone_s) : s.last;
    if (s.kind == desk->survey_kinds.count || plan->standing == SURVEY_PLAN_MAX)
        return false;
    ret_main[plan->standing] = main;
    plan->survey[plan->standing++] = s;
    return true;
}

void survey_plan_pair(struct survey_plan *plan, const int64_t main[SURVEY_PLAN_MAX])
{
    for (size_t i = 0; i < plan->standing; i++)
        for (size_t k = 0; k < plan->standing && plan->survey[i].control; k++)
            if (plan->survey[k].id == main[i])
                plan->survey[i].main = (int32_t)k;
    plan->count = plan->standing;
}

void survey_plan_load(struct desk *desk, int64_t object, int64_t year, struct survey_plan *ret_plan)
{
    int64_t main[SURVEY_PLAN_MAX] = {0};
    *ret_plan = (struct survey_plan){0};
    struct db_query q = db_query(
        desk->db, "SELECT " SURVEY_PLAN_COLUMNS " FROM survey s JOIN object o ON o.id = s.object WHERE s.object = ?1"
                  " AND s.state <> 5 AND (s.year = ?2 OR s.id IN (SELECT main FROM survey WHERE object = ?1 AND"
                  " year = ?2 AND state <> 5) OR s.main IN (SELECT id FROM survey WHERE object = ?1 AND year = ?2 AND"
                  " control = 0 AND state <> 5)) ORDER BY s.first_day, s.id LIMIT 96");
    db_put_i64(&q, object);
    db_put_i64(&q, year);
    while (db_next(&q))
        IGNORE(survey_plan_add(desk, &q, year, main, ret_plan)); /* of a kind that is gone nothing is planned */
    db_query_end(&q);
    survey_plan_pair(ret_plan, main);
}

void survey_days_count(struct desk *desk, int64_t object, int64_t year, int64_t ret_running[SURVEY_YEAR_DAYS + 1])
{
    int64_t begin = civil_to_days((int32_t)year, 1, 1), count = civil_to_days((int32_t)year + 1, 1, 1) - begin;
    struct db_query q = db_query(desk->db, object ? "SELECT first_day, last_day FROM survey WHERE object = ?3"
                                                    " AND year BETWEEN ?1 - 1 AND ?1 AND state <> 5 AND last_day >= ?2"
                                                  : "SELECT first_day, last_day FROM survey WHERE"
                                                    " year BETWEEN ?1 - 1 AND ?1 AND state <> 5 AND last_day >= ?2");
    db_put_i64(&q, year);
    db_put_i64(&q, begin);
    if (object)
        db_put_i64(&q, object);
    memset(ret_running, 0, (SURVEY_YEAR_DAYS + 1) * sizeof *ret_running);
    while (db_next(&q)) { /* differences first */
        int64_t first = db_i64(&q) - begin, last = db_i64(&q) - begin;
        if (first >= count)
            continue;
        ret_running[MAX(first, 0)]++;
        ret_running[MIN(last + 1, count)]--;
    }
    db_query_end(&q);
    for (int64_t i = 1; i < count; i++)
        ret_running[i] += ret_running[i - 1];
    ret_running[count] = 0;
}

static void load_read(struct desk *desk, struct survey_year *year)
{
    int64_t running[SURVEY_YEAR_DAYS + 1];
    survey_days_count(desk, 0, year->year, running);
    for (size_t i = 0; i < SURVEY_YEAR_DAYS; i++)
        year->load[i] = (uint16_t)MIN(running[i], UINT16_MAX);
}

static int32_t today_of(const struct ask *ask, int64_t zone_offset_s)
{
    return (int32_t)civil_day(ask->now_ns, (int32_t)zone_offset_s);
}

void survey_faults_find(struct ask *ask, const struct survey_plan *plan, int64_t year, int64_t zone_offset_s,
                        struct survey_faults *ret_faults)
{
    const struct survey_year of = {
        .calendar = ask->desk->calendar, .kinds = &ask->desk->survey_kinds, .year = (int32_t)year};
    ret_faults->count = survey_check(&of, plan, today_of(ask, zone_offset_s), ret_faults->fault);
}

void survey_faults_put(struct ask *ask, const struct survey_plan *plan, const struct survey_faults *faults)
{
    json_write_key(ask->out, "faults");
    json_write_array(ask->out);
    for (size_t i = 0; i < faults->count; i++) {
        const struct survey_fault *fault = &faults->fault[i];
        json_write_object(ask->out);
        json_put_text(ask->out, "fault", survey_fault_key(fault->fault));
        json_put_str(ask->out, "kind", ask->desk->survey_kinds.kind[fault->kind].id);
        if (fault->survey >= 0)
            json_put_int(ask->out, "survey", plan->survey[fault->survey].id);
        if (fault->day)
            survey_day_put(ask->out, "day", fault->day);
        if (fault->survey < 0) {
            json_put_int(ask->out, "main", fault->count[0]);
            json_put_int(ask->out, "control", fault->count[1]);
        }
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* --- the page of a year --- */

static void quotas_put(struct ask *ask, const struct survey_plan *plan)
{
    const struct survey_kinds *kinds = &ask->desk->survey_kinds;
    json_write_key(ask->out, "quotas");
    json_write_array(ask->out);
    for (size_t kind = 0; kind < kinds->count; kind++)
        for (int control = 0; control < 2; control++) {
            int64_t done = 0, planned = 0;
            for (size_t i = 0; i < plan->standing; i++) {
                const struct plan_survey *s = &plan->survey[i];
                bool counts = s->kind == kind && s->control == (control > 0) && !s->outside;
                done += counts && s->state == PLAN_DONE;
                planned += counts && s->state != PLAN_DONE;
            }
            json_write_object(ask->out);
            json_put_str(ask->out, "kind", kinds->kind[kind].id);
            json_put_bool(ask->out, "control", control > 0);
            json_put_int(ask->out, "quota", kinds->kind[kind].quota[control]);
            json_put_int(ask->out, "done", done);
            json_put_int(ask->out, "planned", planned);
            json_put_int(ask->out, "missing", plan->missing[kind][control]);
            json_put_int(ask->out, "no_room", plan->no_room[kind][control]);
            json_write_object_end(ask->out);
        }
    json_write_array_end(ask->out);
}

/* "main": of a standing one its id; "pair": of a proposed one its place in this list. */
static void proposal_put(struct ask *ask, const struct survey_plan *plan)
{
    json_write_key(ask->out, "proposal");
    json_write_array(ask->out);
    for (size_t i = plan->standing; i < plan->count; i++) {
        const struct plan_survey *s = &plan->survey[i];
        bool stands = s->main >= 0 && (size_t)s->main < plan->standing;
        json_write_object(ask->out);
        json_put_str(ask->out, "kind", ask->desk->survey_kinds.kind[s->kind].id);
        json_put_bool(ask->out, "control", s->control);
        json_put_int(ask->out, "main", stands ? plan->survey[s->main].id : 0);
        json_put_int(ask->out, "pair", s->main >= 0 && !stands ? s->main - (int64_t)plan->standing : -1);
        survey_day_put(ask->out, "first_day", s->first);
        survey_day_put(ask->out, "last_day", s->last);
        json_put_bool(ask->out, "tight", s->tight);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void standing_put(struct ask *ask, int64_t object, int64_t year)
{
    json_write_key(ask->out, "surveys");
    json_write_array(ask->out);
    /* By the object's index: + keeps the planner from that of the year. */
    struct db_query q =
        db_query(ask->desk->db, SURVEY_ROW " WHERE s.object = ?1 AND +s.year = ?2 ORDER BY s.first_day, s.id LIMIT 96");
    db_put_i64(&q, object);
    db_put_i64(&q, year);
    while (db_next(&q)) {
        json_write_object(ask->out);
        survey_put(ask->out, &q);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* False: refused. */
static bool object_read(struct ask *ask, int64_t *ret_object, int64_t *ret_zone_s)
{
    *ret_object = ask_int(ask, "object");
    struct db_query q = db_query(ask->desk->db, "SELECT zone_offset_s FROM object WHERE id = ?1");
    db_put_i64(&q, *ret_object);
    *ret_zone_s = db_one_i64(&q, INT64_MAX);
    if (*ret_zone_s == INT64_MAX)
        ask_refuse(ask, "not_found", "no such object");
    return !ask->error;
}

void ask_survey_plan(struct ask *ask)
{
    int64_t year, object, zone_s;
    if (!survey_year_read(ask, &year) || !object_read(ask, &object, &zone_s))
        return;
    struct survey_plan *plan = arena_alloc(ask->arena, sizeof *plan);
    struct survey_year *of = arena_alloc(ask->arena, sizeof *of);
    struct survey_faults *faults = arena_alloc(ask->arena, sizeof *faults);
    if (!plan || !of || !faults) {
        ask_refuse(ask, "too_large", "no memory for a plan");
        return;
    }
    *of = (struct survey_year){.calendar = ask->desk->calendar,
                               .kinds = &ask->desk->survey_kinds,
                               .year = (int32_t)year,
                               .from = today_of(ask, zone_s) + 1};
    survey_plan_load(ask->desk, object, year, plan);
    load_read(ask->desk, of);
    survey_propose(of, plan);
    survey_faults_find(ask, plan, year, zone_s, faults);
    json_put_int(ask->out, "object", object);
    json_put_int(ask->out, "year", year);
    json_put_int(ask->out, "version", survey_plan_version(ask->desk, object, year));
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_WORK);
    json_put_bool(ask->out, "covered", calendar_covers(ask->desk->calendar, (int32_t)year));
    survey_kinds_put(ask->desk, ask->out);
    quotas_put(ask, plan);
    standing_put(ask, object, year);
    proposal_put(ask, plan);
    survey_faults_put(ask, plan, faults);
}

/* --- taking it --- */

static bool accept_check(struct ask *ask, const struct json_value *list, int64_t object, int64_t year)
{
    struct str reason = ask_str(ask, "reason");
    if (!list || list->kind != JSON_ARRAY || list->count == 0 || list->count > ACCEPT_MAX)
        ask_invalid(ask, "surveys", "a list of 1 to 48 surveys");
    else if (reason.n > REASON_MAX || !rule_text_valid(reason))
        ask_invalid(ask, "reason", "the reason is too long, or not plain text");
    else if (json_int(json_get(ask->question, "version"), -1) != survey_plan_version(ask->desk, object, year))
        ask_refuse(ask, "survey_changed", "somebody else changed the plan of this year");
    return !ask->error;
}

/* A control one names its main one by its place in the list, before it, or by the id of one that stands. */
static bool pair_read(struct ask *ask, const struct json_value *in, const int64_t ids[ACCEPT_MAX], size_t at,
                      struct survey *survey)
{
    int64_t pair = json_int(json_get(in, "pair"), -1);
    if (survey->control && !survey->main && pair >= 0 && pair < (int64_t)at)
        survey->main = ids[pair];
    else if (pair >= 0)
        ask_invalid(ask, "pair", "a control survey's main one stands before it in the list");
    return !ask->error;
}

void ask_survey_accept(struct ask *ask)
{
    int64_t year, object, zone_s, ids[ACCEPT_MAX] = {0};
    size_t at = 0;
    struct survey survey;
    const struct json_value *list = json_get(ask->question, "surveys");
    if (!survey_year_read(ask, &year) || !object_read(ask, &object, &zone_s) || !accept_check(ask, list, object, year))
        return;
    for (const struct json_value *in = json_first(list); in && !ask->error; in = in->next, at++) {
        if (!survey_new_read(ask, in, object, &survey) || !pair_read(ask, in, ids, at, &survey))
            return;
        if (survey.year != year)
            ask_invalid(ask, "first_day", "it begins in the year that is planned");
        if (ask->error || !survey_new_insert(ask, &survey, ask_str(ask, "reason")))
            return;
        ids[at] = survey.id;
    }
    json_write_key(ask->out, "ids");
    json_write_array(ask->out);
    for (size_t i = 0; i < at; i++)
        json_write_int(ask->out, ids[i]);
    json_write_array_end(ask->out);
    json_put_int(ask->out, "version", survey_plan_version(ask->desk, object, year));
}
