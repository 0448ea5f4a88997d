/* survey_calendar.c - the days of a year with how many surveys run, and everything that is wrong with plans of it. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/card.h"
#include "desk/survey.h"

#define LIST_DEFAULT 50
#define LIST_MAX     200

/* --- days --- */

static void day_put(struct ask *ask, int64_t day, int64_t running)
{
    enum day_kind kind = calendar_kind(ask->desk->calendar, day);
    const struct calendar_day *row = calendar_find(ask->desk->calendar, day);
    if (running == 0 && !row)
        return;
    json_write_object(ask->out);
    survey_day_put(ask->out, "day", day);
    json_put_int(ask->out, "surveys", running);
    json_put_text(ask->out, "kind", day_kind_name(kind));
    if (row) {
        json_write_key(ask->out, "name");
        json_write_object(ask->out);
        for (enum term_language language = 0; language < TERM_LANGUAGES; language++)
            json_put_str(ask->out, language_name(language), row->name[language]);
        json_write_object_end(ask->out);
    }
    json_write_object_end(ask->out);
}

void ask_survey_calendar(struct ask *ask)
{
    int64_t year;
    int64_t running[SURVEY_YEAR_DAYS + 1] = {0};
    if (!survey_year_read(ask, &year))
        return;
    int64_t begin = civil_to_days((int32_t)year, 1, 1), count = civil_to_days((int32_t)year + 1, 1, 1) - begin;
    survey_days_count(ask->desk, MAX(ask_int(ask, "object"), 0), year, running);
    json_put_int(ask->out, "year", year);
    json_put_bool(ask->out, "covered", calendar_covers(ask->desk->calendar, (int32_t)year));
    json_write_key(ask->out, "days");
    json_write_array(ask->out);
    for (int64_t i = 0; i < count; i++)
        day_put(ask, begin + i, running[i]);
    json_write_array_end(ask->out);
}

/* --- what is wrong --- */

struct object_row {
    int64_t id, zone_s;
    struct str name;
    bool must; /* it is in operation in this year, so that the quotas hold for it */
};

/* In industrial operation before the year ends, and not out of it before it began. */
static bool object_must(struct str industrial, struct str discontinued, int64_t year)
{
    int64_t begun = 0, over = 0;
    return card_day_read(industrial, &begun) && survey_year_of(begun) <= year &&
           (!card_day_read(discontinued, &over) || survey_year_of(over) >= year);
}

static size_t objects_load(struct ask *ask, int64_t year, struct object_row **ret_rows)
{
    size_t count = 0;
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM object");
    size_t most = (size_t)db_one_i64(&q, 0);
    struct object_row *rows = most ? arena_alloc_array(ask->arena, most, sizeof *rows) : NULL;
    if (most && !rows)
        ask_refuse(ask, "too_large", "no memory for the objects");
    q = db_query(ask->desk->db, "SELECT id, zone_offset_s, name, industrial_day, discontinued_day FROM object"
                                " WHERE ?1 = 0 OR id = ?1 ORDER BY id");
    db_put_i64(&q, MAX(ask_int(ask, "object"), 0));
    while (rows && count < most && db_next(&q)) {
        rows[count].id = db_i64(&q);
        rows[count].zone_s = db_i64(&q);
        rows[count].name = db_text_copy(&q, ask->arena);
        struct str industrial = db_text_copy(&q, ask->arena), discontinued = db_text_copy(&q, ask->arena);
        rows[count].must = object_must(industrial, discontinued, year);
        count++;
    }
    db_query_end(&q);
    *ret_rows = rows;
    return count;
}

/* Of an object that the quotas do not bind yet only what was planned is looked at. */
static void object_faults(struct ask *ask, const struct object_row *row, int64_t year, struct survey_plan *plan,
                          struct survey_faults *ret_faults)
{
    size_t kept = 0;
    survey_plan_load(ask->desk, row->id, year, plan);
    survey_missing(&ask->desk->survey_kinds, plan);
    survey_faults_find(ask, plan, year, row->zone_s, ret_faults);
    for (size_t i = 0; i < ret_faults->count; i++)
        if (row->must || plan->standing > 0 || ret_faults->fault[i].fault != FAULT_MISSING)
            ret_faults->fault[kept++] = ret_faults->fault[i];
    ret_faults->count = kept;
}

static void object_put(struct ask *ask, const struct object_row *row, const struct survey_plan *plan,
                       const struct survey_faults *faults)
{
    json_write_object(ask->out);
    json_put_int(ask->out, "object_id", row->id);
    json_put_str(ask->out, "object", row->name);
    json_put_int(ask->out, "surveys", (int64_t)plan->standing);
    survey_faults_put(ask, plan, faults);
    json_write_object_end(ask->out);
}

void ask_survey_faults(struct ask *ask)
{
    int64_t year, counts[SURVEY_FAULT_COUNT] = {0}, wrong = 0;
    int64_t offset = MAX(ask_int(ask, "offset"), 0), limit = ask_int(ask, "limit");
    struct object_row *rows = NULL;
    struct survey_plan *plan = arena_alloc(ask->arena, sizeof *plan);
    struct survey_faults *faults = arena_alloc(ask->arena, sizeof *faults);
    limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
    if (!survey_year_read(ask, &year))
        return;
    if (!plan || !faults) {
        ask_refuse(ask, "too_large", "no memory for a plan");
        return;
    }
    size_t count = objects_load(ask, year, &rows);
    survey_kinds_put(ask->desk, ask->out);
    json_write_key(ask->out, "objects");
    json_write_array(ask->out);
    for (size_t i = 0; i < count && !ask->error; i++) {
        object_faults(ask, &rows[i], year, plan, faults);
        for (size_t k = 0; k < faults->count; k++)
            counts[faults->fault[k].fault]++;
        if (faults->count == 0)
            continue;
        if (wrong >= offset && wrong < offset + limit)
            object_put(ask, &rows[i], plan, faults);
        wrong++;
    }
    json_write_array_end(ask->out);
    json_put_int(ask->out, "total", wrong);
    json_write_key(ask->out, "counts");
    json_write_object(ask->out);
    for (enum survey_fault_kind fault = 0; fault < SURVEY_FAULT_COUNT; fault++)
        json_put_int(ask->out, survey_fault_key(fault), counts[fault]);
    json_write_object_end(ask->out);
}
