/* survey_act.c - what people say was done with surveys: each act for many at once, of which all are taken or none. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/survey.h"

#define NOTE_MIN   3
#define ACT_MAX    200 /* surveys of one question */
#define TEXT_MAX   200
#define REASON_MAX 2000

enum act {
    ACT_AGREE,
    ACT_PUT_OFF,
    ACT_START,
    ACT_FINISH,
    ACT_RESUME,
    ACT_SEND,
    ACT_CANCEL,
    ACT_NOTICE,
    ACT_COPIES,
    ACT_RECEIVED,
    ACT_MEASURES,
    ACT_LINK,
    SURVEY_ACTS
};

#define IN(state) (1u << (state))
#define ANY_KIND  -1

/* from: states; kind: 0: of surveys of vulnerabilities, 1: of documents; to: its state then, -1: it stays; start: terms
 * of clocks.tsv that begin (of resume: that should not have); meet: that are met; note: it must be said how or why. */
static const struct row {
    const char *act;
    const char *event;
    unsigned from;
    int kind;
    int to;
    const char *start[2]; /* of vulnerabilities, of documents */
    const char *meet;
    bool note;
} rows[SURVEY_ACTS] = {
    [ACT_AGREE] = {"agree", "survey.agreed", IN(SURVEY_PLANNED), ANY_KIND, SURVEY_AGREED, {0}, NULL, false},
    [ACT_PUT_OFF] = {"put_off",
                     "survey.put_off",
                     IN(SURVEY_PLANNED) | IN(SURVEY_AGREED) | IN(SURVEY_RUNNING),
                     ANY_KIND,
                     -1,
                     {0},
                     NULL,
                     true},
    [ACT_START] = {"start", "survey.started", IN(SURVEY_AGREED), ANY_KIND, SURVEY_RUNNING, {0}, NULL, false},
    [ACT_FINISH] = {"finish",
                    "survey.finished",
                    IN(SURVEY_RUNNING),
                    ANY_KIND,
                    SURVEY_FINISHED,
                    {"survey_finished", "documents_finished"},
                    NULL,
                    false},
    [ACT_RESUME] = {"resume",
                    "survey.resumed",
                    IN(SURVEY_FINISHED),
                    ANY_KIND,
                    SURVEY_RUNNING,
                    {"survey_finished", "documents_finished"},
                    NULL,
                    true},
    [ACT_SEND] = {"send", "survey.sent", IN(SURVEY_FINISHED), ANY_KIND, SURVEY_SENT, {0}, "survey_results", true},
    [ACT_CANCEL] = {"cancel",
                    "survey.cancelled",
                    IN(SURVEY_PLANNED) | IN(SURVEY_AGREED) | IN(SURVEY_RUNNING),
                    ANY_KIND,
                    SURVEY_CANCELLED,
                    {0},
                    NULL,
                    true},
    [ACT_NOTICE] = {"notice",
                    "survey.notice",
                    IN(SURVEY_PLANNED) | IN(SURVEY_AGREED) | IN(SURVEY_RUNNING),
                    1,
                    -1,
                    {NULL, "documents_notice"},
                    NULL,
                    true},
    [ACT_COPIES] = {"copies",
                    "survey.copies",
                    IN(SURVEY_PLANNED) | IN(SURVEY_AGREED) | IN(SURVEY_RUNNING) | IN(SURVEY_FINISHED),
                    1,
                    -1,
                    {0},
                    "survey_copies",
                    true},
    [ACT_RECEIVED] = {"received", "survey.received", IN(SURVEY_SENT), 1, -1, {NULL, "documents_received"}, NULL, true},
    [ACT_MEASURES] = {"measures", "survey.measures", IN(SURVEY_SENT), 1, -1, {0}, "survey_measures", true},
    [ACT_LINK] =
        {"link", "survey.linked", IN(SURVEY_RUNNING) | IN(SURVEY_FINISHED) | IN(SURVEY_SENT), 0, -1, {0}, NULL, false},
};

/* Terms of the survey of one start, or one way to meet them, that are in so many states. */
static int64_t terms_of(struct desk *desk, const struct survey *survey, const char *word, bool start, bool unmet)
{
    int64_t count = 0;
    for (size_t i = 0; i < desk->rules.count; i++) {
        const struct clock_rule *rule = &desk->rules.rule[i];
        if (!str_is(start ? rule->start : rule->met_by, word))
            continue;
        struct db_query q = db_query(desk->db, "SELECT count(*) FROM clock WHERE subject = ?1 AND item = ?2"
                                               " AND rule = ?3 AND (state IN (0, 2) OR (?4 = 0 AND state = 1))");
        db_put_i64(&q, SUBJECT_SURVEY);
        db_put_i64(&q, survey->id);
        db_put_text(&q, rule->id);
        db_put_i64(&q, unmet);
        count += db_one_i64(&q, 0);
    }
    return count;
}

static bool documents(const struct desk *desk, const struct survey *survey)
{
    const struct survey_kind *row = survey_row(desk, survey);
    return row && row->documents;
}

/* By its state and kind; what begins a term does so once, what meets one needs one that is not met. */
static bool allowed(struct desk *desk, const struct survey *survey, enum act act)
{
    const struct row *row = &rows[act];
    bool is_documents = documents(desk, survey);
    if (!(row->from & IN(survey->state)) || (row->kind != ANY_KIND && (row->kind == 1) != is_documents))
        return false;
    const char *start = row->start[is_documents];
    if (start && act != ACT_RESUME && terms_of(desk, survey, start, true, false) > 0)
        return false;
    return !row->meet || act == ACT_SEND || terms_of(desk, survey, row->meet, false, true) > 0;
}

void survey_acts_put(struct ask *ask, const struct survey *survey)
{
    json_write_key(ask->out, "acts");
    json_write_array(ask->out);
    for (enum act act = 0; act < SURVEY_ACTS && role_rights(ask->role) & RIGHT_WORK; act++)
        if (allowed(ask->desk, survey, act))
            json_write_text(ask->out, rows[act].act);
    json_write_array_end(ask->out);
}

/* --- one act --- */

struct doing {
    enum act act;
    struct str note, by, reference;
    int64_t at_ns, findings;
};

static void agree(struct ask *ask, struct survey *survey, const struct doing *doing)
{
    survey->agreed_ns = doing->at_ns;
    survey->agreed_by = doing->by;
    survey->reference = doing->reference;
    if (doing->reference.n < NOTE_MIN || doing->reference.n > TEXT_MAX || !desk_one_line(doing->reference))
        ask_invalid(ask, "reference", "by which letter the national security bodies agreed, in three characters");
    else if (!doing->by.n || doing->by.n > TEXT_MAX || !desk_one_line(doing->by))
        ask_invalid(ask, "by", "who agreed");
}

/* What was agreed was agreed for its days. */
static void put_off(struct ask *ask, struct survey *survey)
{
    int64_t first = survey->first, last = survey->last;
    bool runs = survey->state == SURVEY_RUNNING;
    if (!survey_days_read(ask, ask->question, survey))
        return;
    if (runs && survey->first != first)
        ask_invalid(ask, "first_day", "it has begun: only its last day can be another");
    else if (survey->first == first && survey->last == last)
        ask_invalid(ask, "first_day", "these are its days");
    if (ask->error || !survey_days_check(ask, survey))
        return;
    survey->put_off++;
    if (runs)
        return;
    survey->state = SURVEY_PLANNED;
    survey->agreed_ns = 0;
    survey->agreed_by = survey->reference = STR("");
}

static void link_report(struct ask *ask, struct survey *survey, int64_t findings)
{
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM findings WHERE id = ?1 AND object = ?2"
                                                " AND origin = 'survey' AND control = ?3");
    db_put_i64(&q, findings);
    db_put_i64(&q, survey->object);
    db_put_i64(&q, survey->control);
    if (findings && db_one_i64(&q, 0) == 0)
        ask_invalid(ask, "findings", "no report of such a survey of this object");
    else if (findings == survey->findings)
        ask_invalid(ask, "findings", "this is its report");
    survey->findings = findings;
}

static void times(struct ask *ask, struct survey *survey, const struct doing *doing)
{
    int64_t after_ns = doing->act == ACT_FINISH ? survey->started_ns : doing->act == ACT_SEND ? survey->finished_ns : 0;
    if (doing->at_ns > ask->now_ns || doing->at_ns < after_ns || doing->at_ns <= 0)
        ask_invalid(ask, "at_ns", "it was before now, and after what was before it");
    if (doing->act == ACT_START)
        survey->started_ns = doing->at_ns;
    else if (doing->act == ACT_FINISH)
        survey->finished_ns = doing->at_ns;
    else if (doing->act == ACT_RESUME)
        survey->finished_ns = 0;
    else if (doing->act == ACT_SEND)
        survey->sent_ns = doing->at_ns;
}

static void survey_change(struct ask *ask, struct survey *survey, const struct doing *doing)
{
    const struct row *row = &rows[doing->act];
    if (!allowed(ask->desk, survey, doing->act)) {
        ask_refuse(ask, "state_refuses", "the survey's state does not allow this act");
        return;
    }
    times(ask, survey, doing);
    if (doing->act == ACT_AGREE)
        agree(ask, survey, doing);
    else if (doing->act == ACT_PUT_OFF)
        put_off(ask, survey);
    else if (doing->act == ACT_LINK)
        link_report(ask, survey, doing->findings);
    if (row->to >= 0)
        survey->state = row->to;
}

/* The record of the act stands before those of the terms. */
static void survey_terms(struct ask *ask, const struct survey *survey, const struct doing *doing)
{
    const struct row *row = &rows[doing->act];
    const struct subject subject = survey_subject(survey);
    const char *start = row->start[documents(ask->desk, survey)];
    if (doing->act == ACT_RESUME && start)
        clocks_drop(ask->desk, &subject, start, ask->who, ask->now_ns);
    else if (start)
        clocks_start(ask->desk, &subject, start, doing->at_ns, ask->now_ns);
    if (row->meet)
        clocks_meet_at(ask->desk, &subject, row->meet, doing->at_ns, ask->who, ask->now_ns);
    if (doing->act == ACT_CANCEL)
        clocks_cancel(ask->desk, &subject, ask->who, ask->now_ns);
}

/* What other days break in the year that it was planned in, which it may leave. */
static void faults_put(struct ask *ask, const struct survey *survey, int64_t year)
{
    struct survey_plan *plan = arena_alloc(ask->arena, sizeof *plan);
    struct survey_faults *faults = arena_alloc(ask->arena, sizeof *faults);
    if (!plan || !faults) {
        ask_refuse(ask, "too_large", "no memory for a plan");
        return;
    }
    survey_plan_load(ask->desk, survey->object, year, plan);
    for (size_t i = 0; i < plan->standing; i++)
        if (plan->survey[i].id == survey->id) {
            plan->survey[i].first = (int32_t)survey->first;
            plan->survey[i].last = (int32_t)survey->last;
            plan->survey[i].outside = survey->year != year;
        }
    survey_missing(&ask->desk->survey_kinds, plan);
    survey_faults_find(ask, plan, year, survey->zone_offset_s, faults);
    survey_faults_put(ask, plan, faults);
}

static void survey_do(struct ask *ask, const struct json_value *in, const struct doing *doing)
{
    struct survey survey;
    if (!survey_load(ask->desk, json_int(json_get(in, "id"), 0), ask->arena, &survey)) {
        ask_refuse(ask, "not_found", "no such survey");
        return;
    }
    if (json_int(json_get(in, "version"), -1) != survey.version) {
        ask_refuse(ask, "survey_changed", "somebody else changed the survey");
        return;
    }
    int64_t year = survey.year;
    survey_change(ask, &survey, doing);
    if (ask->error)
        return;
    bool dry = doing->act == ACT_PUT_OFF && json_bool(json_get(ask->question, "dry"), false);
    if (!dry) {
        survey_store(ask, &survey);
        survey_tell(ask, &survey, rows[doing->act].event, doing->act == ACT_AGREE ? doing->reference : doing->note);
        survey_terms(ask, &survey, doing);
    }
    json_write_object(ask->out);
    json_put_int(ask->out, "id", survey.id);
    json_put_int(ask->out, "version", survey.version);
    if (doing->act == ACT_PUT_OFF)
        faults_put(ask, &survey, year);
    json_write_object_end(ask->out);
}

static bool doing_read(struct ask *ask, struct doing *doing)
{
    struct str act = ask_str(ask, "act");
    int64_t at_ns = ask_int(ask, "at_ns");
    *doing = (struct doing){.note = str_trim(ask_str(ask, "note")),
                            .by = str_trim(ask_str(ask, "by")),
                            .reference = str_trim(ask_str(ask, "reference")),
                            .at_ns = at_ns ? at_ns : ask->now_ns,
                            .findings = ask_int(ask, "findings")};
    while (doing->act < SURVEY_ACTS && !str_is(act, rows[doing->act].act))
        doing->act++;
    if (doing->act == SURVEY_ACTS)
        ask_invalid(ask, "act", "no such act");
    else if ((rows[doing->act].note && doing->note.n < NOTE_MIN) || doing->note.n > REASON_MAX ||
             !rule_text_valid(doing->note))
        ask_invalid(ask, "note", "why, or what was sent and how, in three characters at least");
    return !ask->error;
}

void ask_survey_act(struct ask *ask)
{
    struct doing doing;
    const struct json_value *list = json_get(ask->question, "surveys");
    if (!doing_read(ask, &doing))
        return;
    if (!list || list->kind != JSON_ARRAY || list->count == 0 || list->count > ACT_MAX ||
        (list->count > 1 && (doing.act == ACT_PUT_OFF || doing.act == ACT_LINK))) {
        ask_invalid(ask, "surveys", "surveys with their versions, at most 200; days and reports are of one");
        return;
    }
    json_write_key(ask->out, "surveys");
    json_write_array(ask->out);
    for (const struct json_value *in = json_first(list); in && !ask->error; in = in->next)
        survey_do(ask, in, &doing);
    json_write_array_end(ask->out);
}
