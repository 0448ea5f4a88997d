#include "desk/survey_plan.h"

#include "base/assert.h"
#include "base/civil.h"
#include "base/macros.h"

int32_t survey_working_after(const struct calendar *calendar, int32_t day, int32_t count)
{
    while (count > 0)
        count -= calendar_working(calendar, ++day);
    return day;
}

int32_t survey_working_days(const struct calendar *calendar, int32_t first, int32_t last)
{
    int32_t count = 0;
    for (int32_t day = first; day <= last; day++)
        count += calendar_working(calendar, day);
    return count;
}

static int32_t year_first(const struct survey_year *year)
{
    return (int32_t)civil_to_days(year->year, 1, 1);
}

static int32_t year_last(const struct survey_year *year)
{
    return (int32_t)civil_to_days(year->year, 12, 31);
}

/* --- working days of the year, by their number --- */

struct work {
    const struct survey_year *year;
    struct survey_plan *plan;
    int32_t day[SURVEY_YEAR_DAYS];
    uint32_t load[SURVEY_YEAR_DAYS]; /* surveys of all objects that run then */
    uint32_t own[SURVEY_YEAR_DAYS];  /* of this one */
    int32_t count;
    int32_t from; /* the first that may be used */
};

/* The first that is that day or later. */
static int32_t number_of(const struct work *w, int32_t day)
{
    int32_t n = 0;
    while (n < w->count && w->day[n] < day)
        n++;
    return n;
}

static void work_begin(struct work *w, const struct survey_year *year, struct survey_plan *plan)
{
    int32_t first = year_first(year);
    *w = (struct work){.year = year, .plan = plan};
    for (int32_t day = first; day <= year_last(year); day++) {
        if (!calendar_working(year->calendar, day))
            continue;
        w->load[w->count] = year->load[day - first];
        w->day[w->count++] = day;
    }
    w->from = number_of(w, year->from);
    for (size_t i = 0; i < plan->count; i++)
        for (int32_t n = number_of(w, plan->survey[i].first); n < w->count && w->day[n] <= plan->survey[i].last; n++)
            w->own[n]++;
}

static void taken(struct work *w, int32_t at, int32_t days)
{
    for (int32_t n = at; n < at + days; n++) {
        w->load[n]++;
        w->own[n]++;
    }
}

/* Where from `low` to `high` so many days lie best; between whom the days do not decide, the nearest to the middle, and
 * then the first. */
static int32_t best_of(const struct work *w, int32_t low, int32_t high, int32_t days)
{
    int32_t best = low;
    uint64_t best_cost = UINT64_MAX;
    ASSERT(low >= 0 && low <= high && high + days <= w->count);
    for (int32_t at = low; at <= high; at++) {
        uint64_t own = 0, load = 0;
        for (int32_t n = at; n < at + days; n++) {
            own += w->own[n];
            load += w->load[n];
        }
        int32_t twice = 2 * at - low - high;
        uint64_t cost = (own << 40) + (load << 16) + (uint64_t)(twice < 0 ? -twice : twice);
        if (cost < best_cost) {
            best = at;
            best_cost = cost;
        }
    }
    return best;
}

/* --- proposing --- */

static int32_t propose_at(struct work *w, size_t kind, int32_t main, int32_t at)
{
    struct survey_plan *plan = w->plan;
    const struct survey_kind *row = &w->year->kinds->kind[kind];
    if (plan->count == SURVEY_PLAN_MAX)
        return -1;
    plan->survey[plan->count] = (struct plan_survey){
        .kind = kind, .control = main >= 0, .main = main, .first = w->day[at], .last = w->day[at + row->days - 1]};
    taken(w, at, row->days);
    return (int32_t)plan->count++;
}

/* A part of the year, as numbers of working days: [low, high). */
struct span {
    int32_t low, high;
};

/* Its control, in the same part where that is possible, else as soon after as it may be, else before the year ends. */
static void propose_control(struct work *w, size_t kind, int32_t main, struct span part)
{
    const struct survey_kind *row = &w->year->kinds->kind[kind];
    int32_t over = number_of(w, w->plan->survey[main].last + 1);
    int32_t latest = w->count - row->days;
    int32_t low = MAX(over + row->after, w->from);
    bool tight = low > latest;
    if (tight) /* what is left is better than nothing, and said */
        low = latest;
    if (low < MAX(over, w->from))
        return;
    int32_t high = MAX(MIN(part.high - row->days, latest), low);
    int32_t at = propose_at(w, kind, main, best_of(w, low, high, row->days));
    if (at >= 0)
        w->plan->survey[at].tight = tight;
}

static void propose_main(struct work *w, size_t kind, struct span part, bool controlled)
{
    const struct survey_kind *row = &w->year->kinds->kind[kind];
    int32_t low = MAX(part.low, w->from);
    int32_t behind = controlled ? row->after + row->days : 0;
    int32_t high = MAX(part.high - row->days - behind, low);
    if (controlled) /* so that its control has a choice, too */
        high = low + (high - low) * 2 / 3;
    bool room = low + row->days <= w->count;
    int32_t at = room ? propose_at(w, kind, -1, best_of(w, low, MIN(high, w->count - row->days), row->days)) : -1;
    if (at >= 0 && controlled)
        propose_control(w, kind, at, part);
}

/* Parts of the year that have no main one and where one can still be; then, for what is left, parts of the rest. */
static size_t parts_of(const struct work *w, size_t kind, struct span ret_part[SURVEY_QUOTA_MAX])
{
    const struct survey_kind *row = &w->year->kinds->kind[kind];
    int32_t quota = row->quota[0], missing = w->plan->missing[kind][0];
    size_t count = 0;
    for (int32_t i = 0; i < quota && (int32_t)count < missing; i++) {
        struct span part = {i * w->count / quota, (i + 1) * w->count / quota};
        bool free = MAX(part.low, w->from) + row->days <= part.high;
        for (size_t k = 0; k < w->plan->standing && free; k++) {
            const struct plan_survey *s = &w->plan->survey[k];
            int32_t n = number_of(w, s->first);
            free = s->kind != kind || s->control || s->outside || n < part.low || n >= part.high;
        }
        if (free)
            ret_part[count++] = part;
    }
    int32_t rest = missing - (int32_t)count, days = w->count - w->from;
    for (int32_t i = 0; i < rest; i++)
        ret_part[count++] = (struct span){w->from + i * days / rest, w->from + (i + 1) * days / rest};
    return count;
}

static bool has_control(const struct survey_plan *plan, int32_t main)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->survey[i].control && plan->survey[i].main == main)
            return true;
    return false;
}

/* The part of the year that a day is in. */
static struct span part_of(const struct work *w, size_t kind, int32_t day)
{
    int32_t quota = MAX(w->year->kinds->kind[kind].quota[0], 1), n = number_of(w, day);
    for (int32_t i = 0; i < quota; i++)
        if (n < (i + 1) * w->count / quota)
            return (struct span){i * w->count / quota, (i + 1) * w->count / quota};
    return (struct span){0, w->count};
}

static void propose_kind(struct work *w, size_t kind)
{
    struct survey_plan *plan = w->plan;
    struct span part[SURVEY_QUOTA_MAX] = {0};
    int32_t controls = plan->missing[kind][1];
    for (size_t i = 0; i < plan->standing && controls > 0; i++) {
        const struct plan_survey *s = &plan->survey[i];
        if (s->kind != kind || s->control || s->outside || has_control(plan, (int32_t)i))
            continue;
        propose_control(w, kind, (int32_t)i, part_of(w, kind, s->first));
        controls--;
    }
    size_t parts = parts_of(w, kind, part);
    for (size_t i = 0; i < parts; i++)
        propose_main(w, kind, part[i], controls-- > 0);
}

/* What is missing of each kind among those that stand, or, after proposing, among all. */
static void missing_count(const struct survey_kinds *kinds, const struct survey_plan *plan, size_t among,
                          int32_t ret_missing[SURVEY_KINDS_MAX][2])
{
    for (size_t kind = 0; kind < kinds->count; kind++)
        for (int control = 0; control < 2; control++) {
            int32_t have = 0;
            for (size_t i = 0; i < among; i++)
                have += plan->survey[i].kind == kind && plan->survey[i].control == (control > 0) &&
                        !plan->survey[i].outside;
            ret_missing[kind][control] = MAX(kinds->kind[kind].quota[control] - have, 0);
        }
}

void survey_propose(const struct survey_year *year, struct survey_plan *plan)
{
    struct work w;
    ASSERT(plan->standing <= SURVEY_PLAN_MAX && year->kinds->count <= SURVEY_KINDS_MAX);
    plan->count = plan->standing;
    missing_count(year->kinds, plan, plan->standing, plan->missing);
    work_begin(&w, year, plan);
    for (size_t kind = 0; kind < year->kinds->count; kind++)
        propose_kind(&w, kind);
    missing_count(year->kinds, plan, plan->count, plan->no_room);
}

void survey_missing(const struct survey_kinds *kinds, struct survey_plan *plan)
{
    missing_count(kinds, plan, plan->standing, plan->missing);
}

/* --- checking --- */

static const char *const fault_keys[SURVEY_FAULT_COUNT] = {
#define X(id, key) [id] = key,
    SURVEY_FAULTS(X)
#undef X
};

const char *survey_fault_key(enum survey_fault_kind fault)
{
    ASSERT(fault < SURVEY_FAULT_COUNT);
    return fault_keys[fault];
}

/* The soonest day on which one can end, as of today. */
static int32_t end_of(const struct survey_year *year, const struct plan_survey *s, int32_t today)
{
    if (s->state == PLAN_DONE)
        return s->ended;
    if (s->state == PLAN_RUNS || s->first >= today)
        return MAX(s->last, s->state == PLAN_RUNS ? today : s->last);
    return survey_working_after(year->calendar, today - 1,
                                MAX(survey_working_days(year->calendar, s->first, s->last), 1));
}

static void control_check(const struct survey_year *year, const struct survey_plan *plan, size_t i, int32_t today,
                          struct survey_fault *ret_fault)
{
    const struct plan_survey *s = &plan->survey[i];
    const struct plan_survey *main = s->main >= 0 ? &plan->survey[s->main] : NULL;
    if (!main) {
        ret_fault->fault = FAULT_NO_MAIN;
        return;
    }
    const struct survey_kind *row = &year->kinds->kind[s->kind];
    int32_t soonest = survey_working_after(year->calendar, end_of(year, main, today), row->after + 1);
    int32_t days = MAX(survey_working_days(year->calendar, s->first, s->last), 1);
    if (s->first >= soonest || s->state >= PLAN_RUNS)
        return;
    bool out = survey_working_after(year->calendar, soonest - 1, days) > year_last(year);
    ret_fault->fault = out ? FAULT_OUT_OF_YEAR : FAULT_CONTROL_SOON;
    ret_fault->day = soonest;
}

static enum survey_fault_kind days_check(const struct survey_year *year, const struct plan_survey *s, int32_t today)
{
    const struct calendar *calendar = year->calendar;
    if (s->state <= PLAN_AGREED && s->first < today)
        return FAULT_NOT_BEGUN;
    if (s->state == PLAN_RUNS && s->last < today)
        return FAULT_NOT_ENDED;
    if (s->state == PLAN_WAITS && survey_working_days(calendar, today, s->first) <= SURVEY_AGREE_DAYS)
        return FAULT_NOT_AGREED;
    if (s->state != PLAN_DONE && (!calendar_working(calendar, s->first) || !calendar_working(calendar, s->last)))
        return FAULT_DAY_OFF;
    return SURVEY_FAULT_COUNT;
}

size_t survey_check(const struct survey_year *year, const struct survey_plan *plan, int32_t today,
                    struct survey_fault ret_fault[SURVEY_FAULTS_MAX])
{
    size_t count = 0;
    for (size_t kind = 0; kind < year->kinds->count; kind++) {
        const int32_t *missing = plan->missing[kind];
        if (missing[0] + missing[1] > 0)
            ret_fault[count++] = (struct survey_fault){FAULT_MISSING, kind, -1, 0, {missing[0], missing[1]}};
    }
    for (size_t i = 0; i < plan->standing; i++) {
        const struct plan_survey *s = &plan->survey[i];
        if (s->outside)
            continue;
        const struct survey_fault none = {SURVEY_FAULT_COUNT, s->kind, (int32_t)i, 0, {0, 0}};
        struct survey_fault fault = none;
        if (s->control)
            control_check(year, plan, i, today, &fault);
        if (fault.fault < SURVEY_FAULT_COUNT)
            ret_fault[count++] = fault;
        fault = none;
        fault.fault = days_check(year, s, today);
        if (fault.fault < SURVEY_FAULT_COUNT)
            ret_fault[count++] = fault;
    }
    return count;
}
