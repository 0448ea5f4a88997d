/* term_ask.c - the register of terms: of incidents, reports of vulnerabilities, vulnerabilities, objects and surveys,
 * by their state, in the order of their ends; and what a term would be (order 52/NK, all terms of data/clocks.tsv).
 *
 * Pages go on from the last row of the page before, not by counting rows: the hundredth costs what the first does.
 * Counts stop at COUNT_MAX. */
#include "base/assert.h"
#include "desk/inside.h"

#include <string.h>

#define LIST_DEFAULT 100
#define LIST_MAX     200
#define COUNT_MAX    10000

/* ?1 object, ?2 kind of subject (-1 any), ?3 clock (empty: any), ?4 and ?5 the span of ends, ?6 and ?7 end and id of
 * the last row before, ?8 how many. What is asked for most narrowly and the states stand in the text, because indexes
 * are kept for them; which, the planner would have to guess. */
#define FILTER(state, by, narrow) " FROM clock c " by " WHERE " state narrow " AND c.due_ns >= ?4 AND c.due_ns < ?5"
#define COUNT(state, by, narrow)  "SELECT count(*) FROM (SELECT 1" FILTER(state, by, narrow) " LIMIT 10001)"
#define COLUMNS                                                                                                        \
    "SELECT c.id, c.subject, c.item, c.object, " CLOCK_COLUMNS ", coalesce(i.number, f.number, v.number, s.number,"    \
    " iif(d.id > 0, printf('D-%06d', d.id), NULL), printf('O-%06d', o.id), ''), coalesce(i.title, f.title,"            \
    " v.title, s.kind, d.title, o.name, ''), coalesce(o.name, ''), coalesce(o.zone_offset_s, 0),"                      \
    " coalesce((SELECT r.rule_id FROM rule r WHERE r.id = i.rule), '') FROM (SELECT *"
#define JOINS                                                                                                          \
    ") c LEFT JOIN object o ON o.id = c.object LEFT JOIN incident i ON c.subject = 0 AND i.id = c.item"                \
    " LEFT JOIN findings f ON c.subject = 1 AND f.id = c.item"                                                         \
    " LEFT JOIN vulnerability v ON c.subject = 2 AND v.id = c.item"                                                    \
    " LEFT JOIN survey s ON c.subject = 5 AND s.id = c.item"                                                           \
    " LEFT JOIN document d ON c.subject = 7 AND d.id = c.item"
#define RISING(state, by, narrow)                                                                                      \
    COLUMNS FILTER(state, by, narrow) " AND (c.due_ns, c.id) > (?6, ?7) ORDER BY c.due_ns, c.id LIMIT ?8" JOINS        \
                                      " ORDER BY c.due_ns, c.id"
#define FALLING(state, by, narrow)                                                                                     \
    COLUMNS FILTER(state, by,                                                                                          \
                   narrow) " AND (c.due_ns, c.id) < (?6, ?7) ORDER BY c.due_ns DESC, c.id DESC LIMIT ?8" JOINS         \
                           " ORDER BY c.due_ns DESC, c.id DESC"

enum narrow { BY_NOTHING, BY_OBJECT, BY_CLOCK, BY_SUBJECT, NARROWS };
#define NARROWLY(what, state)                                                                                          \
    {                                                                                                                  \
        [BY_NOTHING] = what(state, "", ""),                                                                            \
        [BY_OBJECT] = what(state, "INDEXED BY clock_object",                                                           \
                           " AND c.object = ?1 AND (?2 = -1 OR c.subject = ?2) AND (?3 = '' OR c.rule = ?3)"),         \
        [BY_CLOCK] = what(state, "INDEXED BY clock_rule", " AND c.rule = ?3 AND (?2 = -1 OR c.subject = ?2)"),         \
        [BY_SUBJECT] = what(state, "INDEXED BY clock_kind", " AND c.subject = ?2"),                                    \
    }

/* What is still to be done comes with the longest overdue first; what is over, with the last. */
#define VIEW_RISING(name, state)                                                                                       \
    {                                                                                                                  \
        name, false, NARROWLY(RISING, state), NARROWLY(COUNT, state)                                                   \
    }
#define VIEW_FALLING(name, state)                                                                                      \
    {                                                                                                                  \
        name, true, NARROWLY(FALLING, state), NARROWLY(COUNT, state)                                                   \
    }
static const struct view {
    const char *name;
    bool falling;
    const char *list[NARROWS];
    const char *count[NARROWS];
} views[] = {
    VIEW_RISING("standing", "c.state IN (0, 2)"),
    VIEW_RISING("overdue", "c.state = 2"),
    VIEW_RISING("running", "c.state = 0"),
    VIEW_FALLING("met", "c.state = 1"),
    VIEW_FALLING("late", "c.state = 1 AND c.met_ns > c.due_ns"),
    VIEW_FALLING("cancelled", "c.state = 3"),
};

struct filter {
    const struct view *view;
    enum narrow narrow;
    int64_t object, subject, from_ns, to_ns, limit;
    int64_t after_ns, after_id;
    struct str clock;
};

static bool filter_read(struct ask *ask, struct filter *filter)
{
    struct str state = ask_str(ask, "state");
    struct str subject = ask_str(ask, "subject");
    int64_t limit = ask_int(ask, "limit");
    *filter = (struct filter){.object = MAX(ask_int(ask, "object"), 0),
                              .subject = -1,
                              .from_ns = json_int(json_get(ask->question, "from_ns"), INT64_MIN),
                              .to_ns = json_int(json_get(ask->question, "to_ns"), INT64_MAX),
                              .limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX),
                              .clock = ask_str(ask, "clock")};
    for (size_t i = 0; i < ARRAY_LEN(views); i++)
        if (str_is(state.n ? state : STR("standing"), views[i].name))
            filter->view = &views[i];
    for (enum subject_kind kind = 0; kind < SUBJECT_KINDS; kind++)
        if (kind != SUBJECT_REPORT && str_is(subject, subject_name(kind))) /* a report has no terms */
            filter->subject = kind;
    if (!filter->clock.n)
        filter->clock = STR("");
    if (!filter->view)
        ask_invalid(ask, "state", "the state is standing, overdue, running, met, late or cancelled");
    else if (subject.n && filter->subject < 0)
        ask_invalid(ask, "subject", "the subject is incident, findings, vulnerability, object, survey or document");
    else if (filter->clock.n && !clock_rule_find(&ask->desk->rules, filter->clock))
        ask_invalid(ask, "clock", "no such term");
    if (ask->error)
        return false;
    filter->narrow = filter->object         ? BY_OBJECT
                     : filter->clock.n      ? BY_CLOCK
                     : filter->subject >= 0 ? BY_SUBJECT
                                            : BY_NOTHING;
    int64_t end = filter->view->falling ? INT64_MAX : INT64_MIN;
    filter->after_ns = json_int(json_get(ask->question, "after_ns"), end);
    filter->after_id = json_int(json_get(ask->question, "after_id"), end);
    return true;
}

static void filter_put(struct db_query *q, const struct filter *filter)
{
    db_put_i64(q, filter->object);
    db_put_i64(q, filter->subject);
    db_put_text(q, filter->clock);
    db_put_i64(q, filter->from_ns);
    db_put_i64(q, filter->to_ns);
}

/* Of each view, with the same filter. */
static void counts_put(struct ask *ask, const struct filter *filter)
{
    json_put_int(ask->out, "counts_max", COUNT_MAX);
    json_write_key(ask->out, "counts");
    json_write_object(ask->out);
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        struct db_query q = db_query(ask->desk->db, views[i].count[filter->narrow]);
        filter_put(&q, filter);
        json_put_int(ask->out, views[i].name, db_one_i64(&q, 0));
    }
    json_write_object_end(ask->out);
}

static void row_put(struct ask *ask, struct db_query *q, int64_t *ret_id)
{
    struct buf *out = ask->out;
    *ret_id = db_i64(q);
    json_put_int(out, "id", *ret_id);
    int64_t kind = db_i64(q);
    ASSERT(kind >= 0 && kind < SUBJECT_KINDS);
    json_put_text(out, "subject", subject_name((enum subject_kind)kind));
    json_put_int(out, "item", db_i64(q));
    json_put_int(out, "object_id", db_i64(q));
    clock_put(ask->desk, out, q);
    json_put_str(out, "number", db_text(q));
    struct str title = db_text(q);
    json_put_str(out, "title", title);
    if (kind == SUBJECT_SURVEY) {
        const struct subject survey = {.kind = SUBJECT_SURVEY, .title = title};
        json_write_key(out, "name");
        json_write_object(out);
        for (enum term_language language = 0; language < TERM_LANGUAGES; language++)
            json_put_str(out, language_name(language), subject_title(ask->desk, &survey, language));
        json_write_object_end(out);
    }
    json_put_str(out, "object", db_text(q));
    json_put_int(out, "zone_offset_s", db_i64(q));
    json_put_str(out, "rule_id", db_text(q));
}

void ask_clock_list(struct ask *ask)
{
    struct filter filter;
    int64_t id = 0, count = 0;
    if (!filter_read(ask, &filter))
        return;
    counts_put(ask, &filter);
    json_write_key(ask->out, "terms");
    json_write_array(ask->out);
    /* Said twice, so that rows before are not walked over. */
    if (filter.view->falling && filter.after_ns < INT64_MAX)
        filter.to_ns = MIN(filter.to_ns, filter.after_ns + 1);
    else if (!filter.view->falling)
        filter.from_ns = MAX(filter.from_ns, filter.after_ns);
    struct db_query q = db_query(ask->desk->db, filter.view->list[filter.narrow]);
    filter_put(&q, &filter);
    db_put_i64(&q, filter.after_ns);
    db_put_i64(&q, filter.after_id);
    db_put_i64(&q, filter.limit + 1); /* one more says that there is more */
    while (db_next(&q) && count++ < filter.limit) {
        json_write_object(ask->out);
        row_put(ask, &q, &id);
        json_write_object_end(ask->out);
    }
    db_query_end(&q);
    json_write_array_end(ask->out);
    json_put_bool(ask->out, "more", count > filter.limit);
}

void ask_clock_rules(struct ask *ask)
{
    clocks_put_rules(ask->desk, ask->out);
}

void ask_clock_try(struct ask *ask)
{
    struct err err;
    int64_t zone_s = json_int(json_get(ask->question, "zone_offset_s"), ask->desk->zone_offset_s);
    struct clock_try what = {.rule = clock_rule_find(&ask->desk->rules, ask_str(ask, "clock")),
                             .start_ns = ask_int(ask, "start_ns"),
                             .zone_offset_s = (int32_t)MIN(MAX(zone_s, -43200), 50400)};
    if (!what.rule)
        ask_invalid(ask, "clock", "no such term");
    else if (!clock_rule_computable(what.rule))
        ask_invalid(ask, "clock", "the act gives this term no number that could be counted");
    else if (clock_try(ask->desk, &what, ask->out, &err) != RC_OK)
        ask_invalid(ask, "start_ns", err.text);
}
