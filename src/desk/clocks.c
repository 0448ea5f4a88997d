/* clocks.c - the terms that run for a subject: started, met, overdue; and when to warn.
 *
 * Warnings ("stages"): a minute clock after 5, 10, 13 minutes and, when it is longer, two minutes before its end; an
 * hour clock at 50, 75 and 90 per cent; a longer one when 5, 2 and 1 working days of it are left; each at its end. The
 * beginning is told by the notice of the opening or of the confirmation. Source: data/clocks.tsv; lab-and-desk
 * practice. */
#include "base/assert.h"
#include "base/civil.h"
#include "desk/inside.h"

#include <string.h>

static const char *const state_names[] = {
    [CLOCK_RUNNING] = "running",
    [CLOCK_MET] = "met",
    [CLOCK_OVERDUE] = "overdue",
    [CLOCK_CANCELLED] = "cancelled",
};

const char *clock_state_name(int64_t state)
{
    ASSERT(state >= 0 && state <= CLOCK_CANCELLED);
    return state_names[state];
}

#define STAGES 5 /* warnings and, last, the end */

/* A term as its stages need it. */
struct span {
    const struct clock_rule *rule;
    int64_t trigger_ns, due_ns, zone_offset_s;
};

/* The beginning, at the object, of the working day from which so many are left until the end. */
static int64_t working_day_before(const struct desk *desk, const struct span *span, int64_t left)
{
    int32_t zone_s = (int32_t)span->zone_offset_s;
    int64_t day = civil_day(span->due_ns - 1, zone_s);
    int64_t first = civil_day(span->trigger_ns, zone_s);
    while (day > first && (!calendar_working(desk->calendar, day) || --left > 0))
        day--;
    return (day * DAY_S - zone_s) * SECOND_NS;
}

/* When the stages of a clock are, ascending; those that fall outside the term are at its ends. */
static void stages_of(const struct desk *desk, const struct span *span, int64_t ret_ns[STAGES])
{
    static const int64_t minutes[] = {5, 10, 13};
    static const int64_t percents[] = {50, 75, 90};
    static const int64_t days[] = {5, 2, 1};
    const struct clock_rule *rule = span->rule;
    int64_t trigger_ns = span->trigger_ns;
    int64_t due_ns = span->due_ns;
    for (size_t i = 0; i < 3; i++) {
        if (rule->unit == CLOCK_MINUTE)
            ret_ns[i] = trigger_ns + minutes[i] * MINUTE_S * SECOND_NS;
        else if (rule->unit == CLOCK_HOUR)
            ret_ns[i] = trigger_ns + (due_ns - trigger_ns) / 100 * percents[i];
        else
            ret_ns[i] = working_day_before(desk, span, days[i]);
    }
    bool longer = rule->unit == CLOCK_MINUTE && rule->amount > 15;
    ret_ns[3] = longer ? due_ns - 2 * MINUTE_S * SECOND_NS : due_ns;
    ret_ns[4] = due_ns;
    for (size_t i = 0; i < STAGES; i++)
        ret_ns[i] = MIN(MAX(ret_ns[i], trigger_ns), due_ns);
}

/* The first stage after `now`; STAGES when all are over. */
static int64_t stage_next(const int64_t at_ns[STAGES], int64_t now_ns)
{
    int64_t stage = 0;
    while (stage < STAGES && at_ns[stage] <= now_ns)
        stage++;
    return stage;
}

static void put_explanations(struct desk *desk, struct db_query *q, const struct clock_rule *rule,
                             const struct clock_due *due)
{
    struct buf text;
    buf_init(&text, DESK_CLOCK_TEXT);
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++) {
        buf_clear(&text);
        clock_explain(rule, due, desk->calendar, &desk->words[language], &text);
        db_put_text(q, buf_view(&text));
    }
    buf_done(&text);
}

static void clock_start(struct desk *desk, const struct subject *subject, const struct clock_rule *rule,
                        int64_t trigger_ns, int64_t now_ns)
{
    struct clock_due *due = arena_alloc(desk->scratch, sizeof *due);
    struct err err;
    int64_t at_ns[STAGES];
    if (!due) {
        db_fail(desk->db, RC_LIMIT, "out of memory for a clock");
        return;
    }
    enum rc rc = clock_due(rule, trigger_ns, (int32_t)subject->zone_offset_s, desk->calendar, due, &err);
    if (rc != RC_OK) {
        db_fail(desk->db, rc, err.text);
        return;
    }
    stages_of(desk, &(struct span){rule, trigger_ns, due->due_ns, subject->zone_offset_s}, at_ns);
    int64_t stage = MIN(stage_next(at_ns, now_ns), STAGES - 1);
    struct db_query q = db_query(
        desk->db, "INSERT INTO clock (subject, item, object, rule, trigger_ns, due_ns, stage, next_ns, edition,"
                  " kk, ru, en, state, met_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0)");
    db_put_i64(&q, subject->kind);
    db_put_i64(&q, subject->id);
    db_put_i64(&q, subject->object);
    db_put_text(&q, rule->id);
    db_put_i64(&q, trigger_ns);
    db_put_i64(&q, due->due_ns);
    db_put_i64(&q, stage);
    db_put_i64(&q, at_ns[stage]);
    db_put_text(&q, rule->edition);
    put_explanations(desk, &q, rule, due);
    db_run(&q);
    struct buf *body = desk_record_begin(desk, "clock.started", STR("qorgan"), now_ns);
    subject_put(body, subject);
    json_put_str(body, "clock", rule->id);
    json_put_int(body, "trigger_ns", trigger_ns);
    json_put_int(body, "due_ns", due->due_ns);
    subject_record_end(desk, subject, rule->id);
}

void clocks_start(struct desk *desk, const struct subject *subject, const char *start, int64_t trigger_ns,
                  int64_t now_ns)
{
    for (size_t i = 0; i < desk->rules.count; i++)
        if (str_is(desk->rules.rule[i].start, start))
            clock_start(desk, subject, &desk->rules.rule[i], trigger_ns, now_ns);
}

void clocks_put_would(struct desk *desk, struct buf *json, const char *start, int64_t trigger_ns, int64_t zone_s)
{
    struct clock_due *due = arena_alloc(desk->scratch, sizeof *due);
    for (size_t i = 0; i < desk->rules.count && due; i++) {
        const struct clock_rule *rule = &desk->rules.rule[i];
        if (!str_is(rule->start, start) ||
            clock_due(rule, trigger_ns, (int32_t)zone_s, desk->calendar, due, NULL) != RC_OK)
            continue;
        json_write_object(json);
        json_put_str(json, "clock", rule->id);
        json_put_int(json, "due_ns", due->due_ns);
        json_write_object_end(json);
    }
}

struct clock_row {
    int64_t id, kind, item, trigger_ns, due_ns, stage;
    int64_t met_ns; /* of one that is being met: when that was done; 0: now */
    struct str rule;
};

#define CLOCKS_A_CALL 64

/* The unmet clocks of a subject: read first, changed after, so that no statement runs inside another. */
static size_t unmet_load(struct desk *desk, const struct subject *subject, struct clock_row rows[CLOCKS_A_CALL])
{
    size_t count = 0;
    struct db_query q =
        db_query(desk->db, "SELECT id, rule, due_ns, trigger_ns FROM clock WHERE subject = ?1 AND item = ?2"
                           " AND state IN (0, 2) ORDER BY id");
    db_put_i64(&q, subject->kind);
    db_put_i64(&q, subject->id);
    while (count < CLOCKS_A_CALL && db_next(&q)) {
        rows[count].id = db_i64(&q);
        rows[count].rule = db_text_copy(&q, desk->scratch);
        rows[count].due_ns = db_i64(&q);
        rows[count].trigger_ns = db_i64(&q);
        rows[count].met_ns = 0;
        count++;
    }
    db_query_end(&q);
    return count;
}

/* Ends a clock: met, or cancelled. */
static void clock_end(struct desk *desk, const struct subject *subject, const struct clock_row *row,
                      enum clock_state state, struct str who, int64_t now_ns)
{
    int64_t met_ns = row->met_ns ? row->met_ns : now_ns;
    struct db_query q = db_query(desk->db, "UPDATE clock SET state = ?1, met_ns = ?2, next_ns = 0 WHERE id = ?3");
    db_put_i64(&q, state);
    db_put_i64(&q, state == CLOCK_MET ? met_ns : 0);
    db_put_i64(&q, row->id);
    db_run(&q);
    const char *event = state == CLOCK_MET ? "clock.met" : "clock.cancelled";
    struct buf *body = desk_record_begin(desk, event, who, now_ns);
    subject_put(body, subject);
    json_put_str(body, "clock", row->rule);
    json_put_int(body, "due_ns", row->due_ns);
    json_put_bool(body, "late", state == CLOCK_MET && met_ns > row->due_ns);
    subject_record_end(desk, subject, row->rule);
}

int64_t clocks_meet(struct desk *desk, const struct subject *subject, const char *met_by, struct str who,
                    int64_t now_ns)
{
    return clocks_meet_at(desk, subject, met_by, now_ns, who, now_ns);
}

int64_t clocks_meet_at(struct desk *desk, const struct subject *subject, const char *met_by, int64_t at_ns,
                       struct str who, int64_t now_ns)
{
    struct clock_row rows[CLOCKS_A_CALL];
    size_t count = unmet_load(desk, subject, rows);
    int64_t met = 0;
    for (size_t i = 0; i < count; i++) {
        const struct clock_rule *rule = clock_rule_find(&desk->rules, rows[i].rule);
        if (!rule || !str_is(rule->met_by, met_by) || (at_ns < now_ns && rows[i].trigger_ns > at_ns))
            continue;
        rows[i].met_ns = at_ns;
        clock_end(desk, subject, &rows[i], CLOCK_MET, who, now_ns);
        met++;
    }
    return met;
}

void clocks_cancel(struct desk *desk, const struct subject *subject, struct str who, int64_t now_ns)
{
    struct clock_row rows[CLOCKS_A_CALL];
    size_t count = unmet_load(desk, subject, rows);
    for (size_t i = 0; i < count; i++)
        if (rows[i].due_ns > now_ns)
            clock_end(desk, subject, &rows[i], CLOCK_CANCELLED, who, now_ns);
}

void clocks_drop(struct desk *desk, const struct subject *subject, const char *start, struct str who, int64_t now_ns)
{
    struct clock_row rows[CLOCKS_A_CALL];
    size_t count = unmet_load(desk, subject, rows);
    for (size_t i = 0; i < count; i++) {
        const struct clock_rule *rule = clock_rule_find(&desk->rules, rows[i].rule);
        if (rule && str_is(rule->start, start))
            clock_end(desk, subject, &rows[i], CLOCK_CANCELLED, who, now_ns);
    }
}

int64_t clocks_unmet(struct desk *desk, const struct subject *subject)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM clock WHERE subject = ?1 AND item = ?2"
                                           " AND state IN (0, 2)");
    db_put_i64(&q, subject->kind);
    db_put_i64(&q, subject->id);
    return db_one_i64(&q, 0);
}

/* --- shown --- */

static void explanation_put(struct buf *json, struct db_query *q)
{
    json_write_key(json, "explanation");
    json_write_object(json);
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++)
        json_put_str(json, language_name(language), db_text(q));
    json_write_object_end(json);
}

static void paragraph_put(struct buf *json, const struct clock_rule *rule)
{
    json_write_key(json, "paragraph");
    json_write_object(json);
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++)
        json_put_str(json, language_name(language), rule->paragraph[language]);
    json_write_object_end(json);
}

/* Whether an act that meets this word was done since. */
static bool done_since(struct desk *desk, const struct subject *subject, struct str met_by, int64_t since_ns)
{
    bool done = false;
    struct db_query q =
        db_query(desk->db, "SELECT rule FROM clock WHERE subject = ?1 AND item = ?2 AND state = 1 AND met_ns >= ?3");
    db_put_i64(&q, subject->kind);
    db_put_i64(&q, subject->id);
    db_put_i64(&q, since_ns);
    while (!done && db_next(&q)) {
        const struct clock_rule *rule = clock_rule_find(&desk->rules, db_text(&q));
        done = rule && str_eq(rule->met_by, met_by);
    }
    db_query_end(&q);
    return done;
}

static bool clock_had(struct desk *desk, const struct subject *subject, const struct clock_rule *rule,
                      const struct clock_settling *settling)
{
    struct db_query q = db_query(desk->db, "SELECT count(*) FROM clock WHERE subject = ?1 AND item = ?2 AND rule = ?3"
                                           " AND trigger_ns = ?4 AND (state <> 3 OR NOT ?5)");
    db_put_i64(&q, subject->kind);
    db_put_i64(&q, subject->id);
    db_put_text(&q, rule->id);
    db_put_i64(&q, settling->trigger_ns);
    db_put_i64(&q, settling->again);
    return db_one_i64(&q, 0) > 0;
}

void clocks_settle(struct desk *desk, const struct subject *subject, const struct clock_settling *settling,
                   struct str who, int64_t now_ns)
{
    struct clock_row rows[CLOCKS_A_CALL];
    size_t count = unmet_load(desk, subject, rows);
    for (size_t i = 0; i < count; i++) {
        const struct clock_rule *rule = clock_rule_find(&desk->rules, rows[i].rule);
        if (rule && str_is(rule->start, settling->start) && rows[i].trigger_ns != settling->trigger_ns &&
            rows[i].due_ns > now_ns)
            clock_end(desk, subject, &rows[i], CLOCK_CANCELLED, who, now_ns);
    }
    for (size_t i = 0; i < desk->rules.count && settling->trigger_ns; i++) {
        const struct clock_rule *rule = &desk->rules.rule[i];
        if (str_is(rule->start, settling->start) && !clock_had(desk, subject, rule, settling) &&
            !done_since(desk, subject, rule->met_by, MAX(settling->trigger_ns, settling->since_ns)))
            clock_start(desk, subject, rule, settling->trigger_ns, now_ns);
    }
}

void clocks_spare(struct desk *desk, const struct subject *subject, const char *start, struct str who, int64_t now_ns)
{
    const struct clock_settling none = {.start = start};
    clocks_settle(desk, subject, &none, who, now_ns);
}

int64_t clocks_owed(struct desk *desk, const struct subject *subject, const char *met_by)
{
    struct clock_row rows[CLOCKS_A_CALL];
    size_t count = unmet_load(desk, subject, rows);
    int64_t owed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct clock_rule *rule = clock_rule_find(&desk->rules, rows[i].rule);
        owed += rule && str_is(rule->met_by, met_by);
    }
    return owed;
}

/* The key of a text that belongs to a clock: "M-04.from". */
static void key_put(struct buf *json, const char *member, struct str clock, const char *part)
{
    char storage[64];
    struct buf key;
    buf_init_fixed(&key, storage, sizeof storage);
    buf_str(&key, clock);
    buf_text(&key, part);
    json_put_str(json, member, buf_view(&key));
}

static void rule_put(struct buf *json, struct str id, const struct clock_rule *rule)
{
    json_put_str(json, "act", rule ? rule->act : STR(""));
    if (rule)
        paragraph_put(json, rule);
    key_put(json, "from", id, ".from");
    key_put(json, "to", id, ".to");
    json_put_str(json, "deliverable", id);
}

void clock_put(struct desk *desk, struct buf *json, struct db_query *q)
{
    struct str id = db_text(q);
    json_put_str(json, "clock", id);
    json_put_int(json, "trigger_ns", db_i64(q));
    json_put_int(json, "due_ns", db_i64(q));
    json_put_text(json, "state", clock_state_name(db_i64(q)));
    json_put_int(json, "met_ns", db_i64(q));
    explanation_put(json, q);
    json_put_str(json, "edition", db_text(q));
    rule_put(json, id, clock_rule_find(&desk->rules, id));
}

void clocks_put(struct desk *desk, struct buf *json, enum subject_kind kind, int64_t item)
{
    json_write_key(json, "clocks");
    json_write_array(json);
    struct db_query q =
        db_query(desk->db, "SELECT " CLOCK_COLUMNS " FROM clock c WHERE subject = ?1 AND item = ?2 ORDER BY id");
    db_put_i64(&q, kind);
    db_put_i64(&q, item);
    while (db_next(&q)) {
        json_write_object(json);
        clock_put(desk, json, &q);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

void clocks_put_rules(const struct desk *desk, struct buf *json)
{
    json_write_key(json, "rules");
    json_write_array(json);
    for (size_t i = 0; i < desk->rules.count; i++) {
        const struct clock_rule *rule = &desk->rules.rule[i];
        json_write_object(json);
        json_put_str(json, "clock", rule->id);
        json_put_str(json, "edition", rule->edition);
        json_put_str(json, "group", rule->group);
        json_put_text(json, "unit", clock_unit_name(rule->unit));
        json_put_int(json, "amount", rule->amount);
        json_put_bool(json, "before", rule->before);
        json_put_bool(json, "computable", clock_rule_computable(rule));
        rule_put(json, rule->id, rule);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

enum rc clock_try(struct desk *desk, const struct clock_try *what, struct buf *json, struct err *err)
{
    struct clock_due *due = arena_alloc(desk->scratch, sizeof *due);
    struct buf text CLEANUP(buf_done);
    buf_init(&text, DESK_CLOCK_TEXT);
    if (!due)
        return err_set(err, RC_LIMIT, "out of memory for a clock");
    enum rc rc = clock_due(what->rule, what->start_ns, what->zone_offset_s, desk->calendar, due, err);
    if (rc != RC_OK)
        return rc;
    json_put_str(json, "clock", what->rule->id);
    json_put_str(json, "edition", what->rule->edition);
    json_put_int(json, "trigger_ns", what->start_ns);
    json_put_int(json, "due_ns", due->due_ns);
    json_put_bool(json, "uncovered", due->uncovered);
    json_write_key(json, "explanation");
    json_write_object(json);
    for (enum term_language language = 0; language < TERM_LANGUAGES; language++) {
        buf_clear(&text);
        clock_explain(what->rule, due, desk->calendar, &desk->words[language], &text);
        json_put_str(json, language_name(language), buf_view(&text));
    }
    json_write_object_end(json);
    rule_put(json, what->rule->id, what->rule);
    return RC_OK;
}

void clocks_put_next(struct desk *desk, struct buf *json, enum subject_kind kind, int64_t item)
{
    struct db_query q = db_query(desk->db, "SELECT rule, due_ns, trigger_ns, state FROM clock"
                                           " WHERE subject = ?1 AND item = ?2 AND state IN (0, 2)"
                                           " ORDER BY due_ns, id LIMIT 1");
    db_put_i64(&q, kind);
    db_put_i64(&q, item);
    json_write_key(json, "next");
    if (db_next(&q)) {
        json_write_object(json);
        json_put_str(json, "clock", db_text(&q));
        json_put_int(json, "due_ns", db_i64(&q));
        json_put_int(json, "started_ns", db_i64(&q));
        json_put_bool(json, "overdue", db_i64(&q) == CLOCK_OVERDUE);
        json_write_object_end(json);
    } else {
        json_write_null(json);
    }
    db_query_end(&q);
}

/* --- time --- */

/* One clock whose stage has come: told, and moved on to the next stage. Stages that passed unseen are not told. */
static void clock_stage(struct desk *desk, const struct clock_row *row, int64_t now_ns)
{
    struct subject subject;
    int64_t at_ns[STAGES];
    const struct clock_rule *rule = clock_rule_find(&desk->rules, row->rule);
    bool over = row->due_ns <= now_ns;
    int64_t stage = STAGES;
    bool known = subject_load(desk, (enum subject_kind)row->kind, row->item, &subject);
    if (rule && !over) {
        int64_t zone_s = known ? subject.zone_offset_s : desk->zone_offset_s;
        stages_of(desk, &(struct span){rule, row->trigger_ns, row->due_ns, zone_s}, at_ns);
        stage = MIN(MAX(stage_next(at_ns, now_ns), row->stage + 1), STAGES - 1);
    }
    struct db_query q = db_query(desk->db, "UPDATE clock SET stage = ?1, next_ns = ?2, state = ?3 WHERE id = ?4");
    db_put_i64(&q, stage);
    db_put_i64(&q, stage < STAGES ? at_ns[stage] : 0);
    db_put_i64(&q, over ? CLOCK_OVERDUE : CLOCK_RUNNING);
    db_put_i64(&q, row->id);
    db_run(&q);
    if (!known)
        return;
    if (over) {
        struct buf *body = desk_record_begin(desk, "clock.overdue", STR("qorgan"), now_ns);
        subject_put(body, &subject);
        json_put_str(body, "clock", row->rule);
        json_put_int(body, "due_ns", row->due_ns);
        subject_record_end(desk, &subject, row->rule);
    }
    const struct notice notice = {over ? "overdue" : "warning", row->id, stage, row->rule, row->due_ns};
    notice_put(desk, &subject, &notice, now_ns);
}

void clocks_tick(struct desk *desk, int64_t now_ns)
{
    struct clock_row rows[CLOCKS_A_CALL];
    size_t count = 0;
    struct db_query q = db_query(desk->db, "SELECT id, subject, item, rule, trigger_ns, due_ns, stage FROM clock"
                                           " WHERE next_ns > 0 AND next_ns <= ?1 ORDER BY next_ns, due_ns LIMIT ?2");
    db_put_i64(&q, now_ns);
    db_put_i64(&q, CLOCKS_A_CALL);
    while (db_next(&q) && count < CLOCKS_A_CALL) {
        rows[count].id = db_i64(&q);
        rows[count].kind = db_i64(&q);
        rows[count].item = db_i64(&q);
        rows[count].rule = db_text_copy(&q, desk->scratch);
        rows[count].trigger_ns = db_i64(&q);
        rows[count].due_ns = db_i64(&q);
        rows[count].stage = db_i64(&q);
        count++;
    }
    db_query_end(&q);
    for (size_t i = 0; i < count; i++)
        clock_stage(desk, &rows[i], now_ns);
}
