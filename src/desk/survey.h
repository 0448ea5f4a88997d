/* survey.h - surveys of objects: planned, agreed, done, and told of.
 *
 *           agree           start            finish             send
 *  planned ───────► agreed ───────► running ───────► finished ───────► sent
 *   ▲  │              │  │            │ ▲ │             │
 *   └──┴── put_off ───┘  │   put_off ─┘ │ │   resume    │
 *      │                 │   (its end)  └─┼─────────────┘
 *      └──── cancel ─────┴────────────────┴──► cancelled
 *
 * A control survey has one main survey of the same kind and object, a main one at most one control. What a survey of
 * vulnerabilities found is a report (vulnerability.h), which is linked to it and has the term of p.13; the terms here
 * are those of the surveys themselves:
 *
 *   finish ─► M-10 (vulnerabilities), M-11 (documents) ── send       documents: notice ─► M-21 ── copies
 *                                                                               received ─► M-22 ── measures
 *
 * Everybody who changes one says which version he saw; what an object's year is planned by has a version, too. Source:
 * order 52/NK p.9, p.10(2), p.10(3), p.13, p.14. Inside the room, in a transaction. */
#ifndef DESK_SURVEY_H
#define DESK_SURVEY_H

#include "desk/inside.h"
#include "desk/survey_plan.h"

#define SURVEYS_MAX     1000000
#define SURVEY_DAYS_MAX 92 /* from its first day to its last */

/* The numbers are stored, and named in indexes: add at the end only. */
enum survey_state {
    SURVEY_PLANNED,
    SURVEY_AGREED,
    SURVEY_RUNNING,
    SURVEY_FINISHED,
    SURVEY_SENT,
    SURVEY_CANCELLED,
    SURVEY_STATES
};
const char *survey_state_name(int64_t state);

struct survey {
    int64_t id, object, main, year, first, last, state, version, zone_offset_s;
    int64_t main_first, main_last; /* of a control one: its main one's days */
    int64_t agreed_ns, started_ns, finished_ns, sent_ns, findings, put_off;
    bool control;
    struct str number, kind, responsible, notes, agreed_by, reference, object_name;
};

/* False when there is none, or the transaction failed. Texts live in the arena. */
bool survey_load(struct desk *desk, int64_t id, struct arena *arena, struct survey *ret_survey);
struct subject survey_subject(const struct survey *survey);
/* The kind's row; NULL where the table has none such any more. */
const struct survey_kind *survey_row(const struct desk *desk, const struct survey *survey);
/* Writes a new one and its record; sets id and number. False: refused. */
bool survey_insert(struct ask *ask, struct survey *survey, struct str reason);
/* A new one of a question: what it is, without its main one; then that, and written. (survey_ask.c) */
bool survey_new_read(struct ask *ask, const struct json_value *in, int64_t object, struct survey *ret_survey);
bool survey_new_insert(struct ask *ask, struct survey *survey, struct str reason);
/* A record of it, and a row of its history. */
void survey_tell(struct ask *ask, const struct survey *survey, const char *event, struct str reason);
/* Writes what stands in it as its next version. */
void survey_store(struct ask *ask, struct survey *survey);
/* Members "first_day", "last_day" of an object; false: refused. */
bool survey_days_read(struct ask *ask, const struct json_value *in, struct survey *survey);
/* Refuses a control one that begins before its main one has ended; a main one may slip, and what that breaks is said.
 */
bool survey_days_check(struct ask *ask, const struct survey *survey);
int64_t survey_year_of(int64_t day);
/* What an object's year was changed: its plan's next version. */
void survey_plan_change(struct desk *desk, int64_t object, int64_t year);
int64_t survey_plan_version(struct desk *desk, int64_t object, int64_t year);

/* "2027-01-15". */
void survey_day_put(struct buf *json, const char *name, int64_t day);
/* A list's row; `q` is of SURVEY_ROW. */
#define SURVEY_ROW                                                                                                     \
    "SELECT s.id, s.number, s.object, o.name, s.kind, s.control, s.main, coalesce(m.number, ''), coalesce(c.id, 0),"   \
    " coalesce(c.number, ''), s.year, s.first_day, s.last_day, s.state, s.version, s.responsible, s.notes,"            \
    " s.agreed_ns, s.agreed_by, s.reference, s.started_ns, s.finished_ns, s.sent_ns, s.findings,"                      \
    " coalesce(f.number, ''), s.put_off FROM survey s JOIN object o ON o.id = s.object"                                \
    " LEFT JOIN survey m ON m.id = s.main LEFT JOIN survey c ON c.main = s.id AND c.main > 0 AND c.state <> 5"         \
    " LEFT JOIN findings f ON f.id = s.findings"
void survey_put(struct buf *json, struct db_query *q);
/* Member "kinds": the table, with its words. */
void survey_kinds_put(const struct desk *desk, struct buf *json);
/* Acts that its state allows, as member "acts". (survey_act.c) */
void survey_acts_put(struct ask *ask, const struct survey *survey);
/* The surveys of an object's year as planning sees them, and those they are paired with (survey_year.c). */
void survey_plan_load(struct desk *desk, int64_t object, int64_t year, struct survey_plan *ret_plan);
/* One of them, of which a query has SURVEY_PLAN_COLUMNS; false: there is no room, or its kind is not known. */
#define SURVEY_PLAN_COLUMNS                                                                                            \
    "s.id, s.kind, s.control, s.main, s.year, s.first_day, s.last_day, s.state, s.finished_ns, o.zone_offset_s"
bool survey_plan_add(struct desk *desk, struct db_query *q, int64_t year, int64_t ret_main[SURVEY_PLAN_MAX],
                     struct survey_plan *plan);
/* Control ones find where their main ones stand: by the ids of those. */
void survey_plan_pair(struct survey_plan *plan, const int64_t main[SURVEY_PLAN_MAX]);
/* How many of an object, 0: of all, run on each day of a year. */
void survey_days_count(struct desk *desk, int64_t object, int64_t year, int64_t ret_running[SURVEY_YEAR_DAYS + 1]);
/* Refuses a year that is none. */
bool survey_year_read(struct ask *ask, int64_t *ret_year);
/* What is wrong with an object's year, as of now. */
struct survey_faults {
    struct survey_fault fault[SURVEY_FAULTS_MAX];
    size_t count;
};
void survey_faults_find(struct ask *ask, const struct survey_plan *plan, int64_t year, int64_t zone_offset_s,
                        struct survey_faults *ret_faults);
/* Member "faults": [{"fault", "kind", and of one survey "survey", "day", of a kind "main", "control"}]. */
void survey_faults_put(struct ask *ask, const struct survey_plan *plan, const struct survey_faults *faults);

#endif
