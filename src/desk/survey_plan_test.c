/* Years of surveys: the table of quotas and what is refused of it; plans of many objects one after another, whose sums,
 * pairs, order, days and evenness hold; what a slip breaks. */
#include "desk/survey_plan.h"

#include "base/civil.h"
#include "desk/desk_testing.h"

static struct arena *arena;
static struct calendar *calendar;
static struct survey_kinds kinds;

#define OBJECTS 120

static bool ready(void)
{
    static const char *const files[] = {"calendars/kz-2025.tsv", "calendars/kz-2026.tsv", "calendars/kz-2027.tsv"};
    struct err err = {0};
    if (arena)
        return true;
    arena = arena_new((size_t)32 << 20);
    calendar = calendar_new(arena);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        CHECK_INT(calendar_add(calendar, arena, stand_file(arena, files[i]), &err), RC_OK);
    return CHECK_INT(survey_kinds_read(arena, stand_file(arena, "surveys.tsv"), &kinds, &err), RC_OK);
}

static int32_t day(int32_t year, int32_t month, int32_t number)
{
    return (int32_t)civil_to_days(year, month, number);
}

static struct survey_year year_of(int32_t year)
{
    return (struct survey_year){.calendar = calendar, .kinds = &kinds, .year = year, .from = day(year, 1, 1)};
}

/* ---- the table ---- */

#define HEAD "kind\tclock\tof\tmain\tcontrol\tdays\tafter\tparagraph_kk\tparagraph_ru\tparagraph_en\tkk\tru\ten\n"
#define TAIL "\tp\tp\tp\tn\tn\tn\n"

static void the_order_asks_for_sixteen(void)
{
    int32_t sum[2] = {0, 0};
    if (!ready())
        return;
    CHECK_INT(kinds.count, 5);
    for (size_t i = 0; i < kinds.count; i++)
        for (int control = 0; control < 2; control++)
            sum[control] += kinds.kind[i].quota[control];
    CHECK_INT(sum[0], 8);
    CHECK_INT(sum[1], 8);
    CHECK(!kinds.kind[survey_kind_find(&kinds, STR("pentest"))].documents);
    CHECK(kinds.kind[survey_kind_find(&kinds, STR("documents"))].documents);
    CHECK_INT(survey_kind_find(&kinds, STR("other")), kinds.count);
}

static void what_is_no_table(void)
{
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        {"", RC_OK},
        {HEAD, RC_OK},
        {HEAD "a\t\tdocuments\t2\t1\t5\t0" TAIL, RC_OK},
        {"kind\tclock\n", RC_INVALID},
        {HEAD "\t\tdocuments\t2\t1\t5\t0" TAIL, RC_INVALID},
        {HEAD "A\t\tdocuments\t2\t1\t5\t0" TAIL, RC_INVALID},
        {HEAD "a\t\tdocument\t2\t1\t5\t0" TAIL, RC_INVALID},
        {HEAD "a\t\tdocuments\t1\t2\t5\t0" TAIL, RC_INVALID},
        {HEAD "a\t\tdocuments\t13\t2\t5\t0" TAIL, RC_INVALID},
        {HEAD "a\t\tdocuments\t-1\t0\t5\t0" TAIL, RC_INVALID},
        {HEAD "a\t\tdocuments\t2\t1\t0\t0" TAIL, RC_INVALID},
        {HEAD "a\t\tdocuments\t2\t1\t61\t0" TAIL, RC_INVALID},
        {HEAD "a\t\tdocuments\t2\t1\t5\tx" TAIL, RC_INVALID},
        {HEAD "a\t\tdocuments\t2\t1\t5\t0\tp\tp\tp\tn\t\tn\n", RC_INVALID},
        {HEAD "a\t\tdocuments\t2\t1\t5\t0" TAIL "a\t\tdocuments\t2\t1\t5\t0" TAIL, RC_INVALID},
    };
    struct survey_kinds read;
    struct err err;
    if (!ready())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK_INT(survey_kinds_read(arena, str_of(rows[i].text), &read, &err), rows[i].rc);
    }
    struct str whole = stand_file(arena, "surveys.tsv");
    for (size_t n = 0; n < whole.n; n += 7) {
        enum rc rc = survey_kinds_read(arena, str_slice(whole, 0, n), &read, &err);
        CHECK(rc == RC_OK || rc == RC_INVALID);
    }
}

static void no_more_kinds_than_there_is_room_for(void)
{
    struct survey_kinds read;
    struct err err;
    struct buf text;
    if (!ready())
        return;
    buf_init(&text, 65536);
    buf_text(&text, HEAD);
    for (unsigned i = 0; i < SURVEY_KINDS_MAX; i++)
        buf_format(&text, "%c\t\tdocuments\t2\t1\t5\t0" TAIL, (int)('a' + i));
    CHECK_INT(survey_kinds_read(arena, buf_view(&text), &read, &err), RC_OK);
    buf_text(&text, "zz\t\tdocuments\t2\t1\t5\t0" TAIL);
    CHECK_INT(survey_kinds_read(arena, buf_view(&text), &read, &err), RC_LIMIT);
    buf_done(&text);
}

/* ---- plans ---- */

static void load_add(struct survey_year *year, const struct survey_plan *plan)
{
    int32_t first = day(year->year, 1, 1);
    for (size_t i = plan->standing; i < plan->count; i++)
        for (int32_t d = plan->survey[i].first; d <= plan->survey[i].last; d++)
            year->load[d - first]++;
}

/* What holds of every plan, whatever it was made of. */
static void holds(const struct survey_year *year, const struct survey_plan *plan)
{
    int32_t have[SURVEY_KINDS_MAX][2] = {{0}};
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_survey *s = &plan->survey[i];
        have[s->kind][s->control] += !s->outside;
        if (i < plan->standing)
            continue;
        const struct survey_kind *kind = &kinds.kind[s->kind];
        CHECK(s->first >= year->from && s->first >= day(year->year, 1, 1) && s->last <= day(year->year, 12, 31));
        CHECK(calendar_working(calendar, s->first) && calendar_working(calendar, s->last));
        CHECK_INT(survey_working_days(calendar, s->first, s->last), kind->days);
        CHECK_INT(s->control, s->main >= 0);
        if (!s->control)
            continue;
        const struct plan_survey *main = &plan->survey[s->main];
        CHECK(main->kind == s->kind && !main->control && s->first > main->last);
        CHECK(s->tight || survey_working_days(calendar, main->last + 1, s->first - 1) >= kind->after);
        for (size_t k = 0; k < i; k++)
            CHECK(!plan->survey[k].control || plan->survey[k].main != s->main);
    }
    for (size_t kind = 0; kind < kinds.count; kind++)
        for (int control = 0; control < 2; control++)
            CHECK(have[kind][control] + plan->no_room[kind][control] >= kinds.kind[kind].quota[control]);
}

/* Surveys of a whole working week, of all objects. */
static void even(const struct survey_year *year)
{
    int32_t first = day(year->year, 1, 1), weeks = 0;
    int64_t sum = 0, most = 0, least = INT64_MAX;
    for (int32_t monday = first; monday + 6 <= day(year->year, 12, 31); monday++) {
        int64_t load = 0;
        if (civil_weekday(monday) != 1 || survey_working_days(calendar, monday, monday + 4) < 5)
            continue;
        for (int32_t d = monday; d < monday + 5; d++)
            load += year->load[d - first];
        sum += load;
        most = MAX(most, load);
        least = MIN(least, load);
        weeks++;
    }
    CHECK(weeks > 35);
    CHECK(most * weeks <= sum * 3 / 2); /* no week has more than half as many again as the mean */
    CHECK(least > 0);
}

static void plans_of_many_objects(void)
{
    static const int32_t years[] = {2026, 2027};
    if (!ready())
        return;
    for (size_t y = 0; y < ARRAY_LEN(years); y++) {
        struct survey_year year = year_of(years[y]), twin = year_of(years[y]);
        for (size_t object = 0; object < OBJECTS; object++) {
            struct survey_plan plan = {.standing = 0}, again = {.standing = 0};
            test_row("%d, object %zu", years[y], object);
            survey_propose(&year, &plan);
            survey_propose(&twin, &again);
            CHECK(memcmp(&plan, &again, sizeof plan) == 0);
            CHECK_INT(plan.count, 16);
            holds(&year, &plan);
            for (size_t i = 0; i < plan.count; i++) {
                CHECK(!plan.survey[i].tight);
                for (size_t k = 0; k < i; k++)
                    CHECK(plan.survey[i].first > plan.survey[k].last || plan.survey[k].first > plan.survey[i].last);
            }
            load_add(&year, &plan);
            load_add(&twin, &again);
        }
        even(&year);
    }
}

/* Main surveys of a kind lie one in each part of the year. */
static void a_first_plan_is_spread_over_the_year(void)
{
    static const int32_t from[] = {1, 4, 7, 10};
    if (!ready())
        return;
    struct survey_year year = year_of(2027);
    struct survey_plan plan = {.standing = 0};
    survey_propose(&year, &plan);
    size_t n = 0;
    for (size_t i = 0; i < plan.count && n < 4; i++) {
        if (plan.survey[i].kind != 0 || plan.survey[i].control)
            continue;
        int32_t begin = day(2027, from[n], 1);
        CHECK(plan.survey[i].first >= begin - 7 && plan.survey[i].last < begin + 91);
        n++;
    }
    CHECK_INT(n, 4);
}

/* Any surveys that stand, from any day on. */
static void plans_of_what_is_left(void)
{
    uint64_t seed = 7;
    if (!ready())
        return;
    for (int round = 0; round < 400; round++) {
        struct survey_year year = year_of(2026);
        struct survey_plan plan = {.standing = 0};
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        year.from = day(2026, 1, 1) + (int32_t)(seed >> 33) % 380;
        for (size_t i = (seed >> 20) % 12; i > 0; i--) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            struct plan_survey *s = &plan.survey[plan.standing];
            int32_t first = day(2026, 1, 1) + (int32_t)(seed >> 33) % 365;
            *s = (struct plan_survey){.id = (int64_t)plan.standing + 1,
                                      .kind = (seed >> 13) % kinds.count,
                                      .main = -1,
                                      .first = first,
                                      .last = first + (int32_t)(seed >> 25) % 20};
            s->outside = (seed >> 11) % 8 == 0;
            if (plan.standing > 0 && (seed >> 17) % 2) {
                const struct plan_survey *before = &plan.survey[plan.standing - 1];
                s->control = true;
                s->kind = before->kind;
                s->main = before->control ? -1 : (int32_t)plan.standing - 1;
            }
            plan.standing++;
        }
        test_row("round %d", round);
        survey_propose(&year, &plan);
        holds(&year, &plan);
        if (year.from > day(2026, 12, 31))
            CHECK_INT(plan.count, plan.standing);
    }
}

/* ---- faults ---- */

static struct survey_plan pair(int32_t main_first, int32_t control_first, enum plan_state state)
{
    struct survey_plan plan = {.standing = 2};
    plan.survey[0] = (struct plan_survey){
        .id = 1, .main = -1, .first = main_first, .last = main_first + 4, .state = state, .ended = main_first + 4};
    plan.survey[1] = (struct plan_survey){
        .id = 2, .control = true, .main = 0, .first = control_first, .last = control_first + 2, .state = PLAN_AGREED};
    return plan;
}

static void what_a_slip_breaks(void)
{
    static const struct {
        int32_t main[2], control[2], today[2];
        enum plan_state state;
        const char *faults;
        int32_t soonest[2];
    } rows[] = {
        /* 1 February 2027 is a Monday; 25 working days after Friday the 5th end on 16 March: 8 and 15 March are off */
        {{2, 1}, {3, 17}, {1, 20}, PLAN_AGREED, "", {0}},
        {{2, 1}, {3, 16}, {1, 20}, PLAN_AGREED, "control_soon ", {3, 17}},
        {{2, 1}, {3, 17}, {2, 2}, PLAN_AGREED, "not_begun control_soon ", {3, 18}},
        {{2, 1}, {3, 17}, {2, 5}, PLAN_RUNS, "", {0}},
        {{2, 1}, {3, 17}, {2, 9}, PLAN_RUNS, "not_ended control_soon ", {3, 19}},
        {{2, 1}, {3, 17}, {3, 1}, PLAN_DONE, "", {0}},
        {{2, 1}, {3, 17}, {1, 19}, PLAN_WAITS, "not_agreed ", {0}},
        {{2, 1}, {3, 17}, {1, 18}, PLAN_WAITS, "", {0}},
        {{2, 1}, {3, 20}, {1, 18}, PLAN_AGREED, "day_off ", {0}},
        {{10, 4}, {11, 16}, {11, 19}, PLAN_AGREED, "not_begun out_of_year ", {12, 34}}, /* 3 January */
        {{10, 4}, {12, 27}, {11, 12}, PLAN_RUNS, "not_ended ", {0}},
    };
    struct survey_fault fault[SURVEY_FAULTS_MAX];
    char text[256];
    if (!ready())
        return;
    struct survey_year year = year_of(2027);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct survey_plan plan = pair(day(2027, rows[i].main[0], rows[i].main[1]),
                                       day(2027, rows[i].control[0], rows[i].control[1]), rows[i].state);
        struct buf out;
        test_row("%zu", i);
        buf_init_fixed(&out, text, sizeof text);
        size_t n = survey_check(&year, &plan, day(2027, rows[i].today[0], rows[i].today[1]), fault);
        int32_t soonest = 0;
        for (size_t k = 0; k < n; k++) {
            if (fault[k].survey == 1 && fault[k].fault == FAULT_NOT_BEGUN)
                continue; /* of the control itself */
            buf_format(&out, "%s ", survey_fault_key(fault[k].fault));
            soonest = fault[k].day ? fault[k].day : soonest;
        }
        CHECK_TEXT(buf_view(&out), rows[i].faults);
        CHECK_INT(soonest, rows[i].soonest[0] ? day(2027, rows[i].soonest[0], rows[i].soonest[1]) : 0);
    }
}

static void what_is_missing_is_said(void)
{
    struct survey_fault fault[SURVEY_FAULTS_MAX];
    struct survey_plan plan = {.standing = 0};
    if (!ready())
        return;
    struct survey_year year = year_of(2027);
    survey_propose(&year, &plan);
    CHECK_INT(survey_check(&year, &plan, day(2027, 1, 1), fault), 4);
    CHECK(fault[0].fault == FAULT_MISSING && fault[0].count[0] == 4 && fault[0].count[1] == 4);
    plan.standing = plan.count; /* accepted */
    for (size_t i = 0; i < plan.count; i++)
        plan.survey[i].state = PLAN_AGREED;
    survey_propose(&year, &plan);
    CHECK_INT(plan.count, plan.standing);
    CHECK_INT(survey_check(&year, &plan, day(2027, 1, 1), fault), 0);
    plan.survey[1].main = -1;
    for (size_t i = 0; i < plan.standing; i++)
        if (plan.survey[i].control && i != 1)
            plan.survey[i].main = -1;
    CHECK(survey_check(&year, &plan, day(2027, 1, 1), fault) >= 7 && fault[0].fault == FAULT_NO_MAIN);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the order asks for sixteen", the_order_asks_for_sixteen},
        {"what is no table", what_is_no_table},
        {"no more kinds than there is room for", no_more_kinds_than_there_is_room_for},
        {"plans of many objects", plans_of_many_objects},
        {"a first plan is spread over the year", a_first_plan_is_spread_over_the_year},
        {"plans of what is left", plans_of_what_is_left},
        {"what a slip breaks", what_a_slip_breaks},
        {"what is missing is said", what_is_missing_is_said},
    };
    int result = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return result;
}
