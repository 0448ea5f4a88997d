/* The desk's correlator: its clock, matches that come again, windows made anew from the database, damaged rows. */
#include "role/correlations.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "desk/desk_testing.h"
#include "role/correlation_trail.h"
#include "rule/rule.h"

#include <string.h>

static const char text[] =
    "{title: a, name: a, logsource: {product: x}, detection: {s: {f: a}, condition: s}}\n---\n"
    "{title: many, correlation: {type: event_count, rules: [a], group-by: [u], timespan: 10m, condition: {gte: 3}}}\n"
    "---\n"
    "{title: day, correlation: {type: value_count, rules: [a], group-by: [u], timespan: 20h, condition: {gte: 3, "
    "field: d}}, qorgan: {suppress: 2h}}\n---\n"
    "{title: week, correlation: {type: event_count, rules: [a], group-by: [u], timespan: 7d, condition: {gte: 90}}}\n"
    "---\n"
    "{title: few, correlation: {type: event_count, rules: [a], group-by: [d], timespan: 30s, condition: {lt: 2}}}\n";

static struct stand stand;
static struct rules *rules;
static struct rules *rules_before[2]; /* what fired is theirs */
static size_t before_count;
static struct correlations *correlations;
static struct str fired[64];
static size_t fired_count;
static uint64_t record;

static void on_fire(void *context, const struct correlation_firing *firing)
{
    (void)context;
    if (fired_count < ARRAY_LEN(fired))
        fired[fired_count++] = firing->rule->title;
}

static size_t fired_of(const char *title)
{
    size_t count = 0;
    for (size_t i = 0; i < fired_count; i++)
        count += str_is(fired[i], title);
    return count;
}

static bool make(uint64_t seed)
{
    correlations_free(correlations);
    correlations = correlations_new(rules, seed);
    if (!CHECK(correlations != NULL))
        return false;
    correlations_set_sink(correlations, on_fire, NULL);
    return true;
}

static bool begin(void)
{
    struct err err;
    rules = rules_new((size_t)64 << 20);
    fired_count = 0;
    record = 0;
    return CHECK_INT(rules_add(rules, STR("t.yml"), str_of(text), &err), RC_OK) &&
           CHECK_INT(rules_finish(rules, &err), RC_OK) && CHECK_INT(rules_count(rules), 5) && make(7) &&
           CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK);
}

static void end(void)
{
    correlations_free(correlations);
    correlations = NULL;
    rules_free(rules);
    while (before_count)
        rules_free(rules_before[--before_count]);
    stand_close(&stand);
}

static void give(struct match *match, int64_t now_ns)
{
    struct buf body;
    const struct rule *rule = rules_find(rules, STR("a"));
    match->rule_hash = rule->hash;
    buf_init(&body, 65536);
    match_write(match, &body);
    correlations_match(correlations, rule, match, buf_view(&body), now_ns);
    buf_done(&body);
}

static void fail(const char *user, const char *d, int64_t time_ns, int64_t now_ns)
{
    struct match match = {.record = ++record, .time_ns = time_ns, .value_count = 2};
    match.values[0] = (struct rule_value){STR("u"), str_of(user)};
    match.values[1] = (struct rule_value){STR("d"), str_of(d)};
    give(&match, now_ns);
}

/* As the desk does with a transaction. */
static size_t store(int64_t now_ns)
{
    struct err err;
    struct desk_trail trails[CORRELATIONS_TRAILS];
    struct desk_batch batch = {.trails = trails};
    batch.trail_count = correlations_trails(correlations, trails, &batch.clock_ns);
    CHECK_INT(desk_match_batch(stand.desk, &batch, now_ns, NULL, &err), RC_OK);
    correlations_stored(correlations);
    return batch.trail_count;
}

static void again(uint64_t seed)
{
    struct err err;
    if (make(seed))
        CHECK_INT(correlations_open(correlations, stand.desk, &err), RC_OK);
}

static void waits_for_its_engines(void)
{
    if (!begin())
        return;
    correlations_engine_away(correlations, 0);
    correlations_engine_away(correlations, 1);
    fail("ann", "x", T0, T0);
    correlations_durable(correlations, 100, T0 + S(60));
    correlations_tick(correlations, T0 + S(61));
    CHECK_INT(fired_of("few"), 0);
    CHECK_INT(correlations_clock(correlations), INT64_MIN);
    correlations_engine(correlations, 0, 100);
    correlations_engine(correlations, 1, 99);
    correlations_tick(correlations, T0 + S(62));
    CHECK_INT(fired_of("few"), 0); /* record 99 may be another match */
    correlations_engine(correlations, 1, 100);
    correlations_tick(correlations, T0 + S(63));
    CHECK_INT(fired_of("few"), 1);
    /* One that went away holds the clock until it says how far it is. */
    fail("ann", "y", T0 + S(70), T0 + S(70));
    correlations_engine_away(correlations, 1);
    correlations_durable(correlations, 110, T0 + S(120));
    correlations_engine(correlations, 0, 110);
    correlations_tick(correlations, T0 + S(200));
    CHECK_INT(fired_of("few"), 1);
    CHECK_INT(correlations_clock(correlations), T0 + S(55)); /* less the margin */
    correlations_engine(correlations, 1, 110);
    correlations_tick(correlations, T0 + S(201));
    CHECK_INT(fired_of("few"), 2);
    end();
}

/* The desk lies, the events of half an hour wait; then they come in seconds, judged by their own times. */
static void judges_what_waited_by_its_own_time(void)
{
    if (!begin())
        return;
    correlations_engine(correlations, 0, 10);
    correlations_durable(correlations, 10, T0);
    correlations_tick(correlations, T0);
    correlations_durable(correlations, 2000, T0 + H(1));
    for (int64_t i = 0; i < 60; i++) {
        fail("ann", "x", T0 + S(20 * i), T0 + H(1) + S(i / 10));
        correlations_tick(correlations, T0 + H(1) + S(i / 10));
    }
    CHECK_INT(fired_of("few"), 0); /* two in each 30 s: a clock of arrivals would cut windows at any place */
    end();
}

static void future_counts_as_now(void)
{
    if (!begin())
        return;
    fail("ann", "x", T0 + H(20), T0);
    fail("ann", "x", T0 + S(1), T0 + S(1));
    fail("ann", "x", T0 + S(2), T0 + S(2));
    CHECK_INT(fired_of("many"), 1);
    end();
}

/* Times that are hours behind, before it is known what the clock shows. */
static void comes_late_before_the_clock(void)
{
    if (!begin())
        return;
    fail("ann", "x", T0, T0 + H(5));
    fail("ann", "x", T0 + S(1), T0 + H(5) + S(1));
    correlations_engine(correlations, 0, 10);
    correlations_durable(correlations, 10, T0 + H(5) + S(2));
    correlations_engine(correlations, 0, 10);
    correlations_tick(correlations, T0 + H(5) + S(3));
    fail("ann", "x", T0 + S(5), T0 + H(5) + S(5));
    CHECK_INT(fired_of("many"), 1);
    end();
}

static void goes_on_after_a_restart(void)
{
    if (!begin())
        return;
    fail("ann", "x", T0, T0);
    fail("ann", "y", T0 + S(1), T0 + S(1));
    CHECK_INT(store(T0 + S(1)), 3);         /* minutes, a day, longer */
    fail("ann", "z", T0 + S(2), T0 + S(2)); /* fires; the desk dies before it is stored: the engine sends it again */
    CHECK_INT(fired_of("many"), 1);
    CHECK_INT(fired_of("day"), 1);
    fired_count = 0;
    record--;
    again(8);
    CHECK_INT(fired_count, 0);
    fail("ann", "z", T0 + S(2), T0 + S(9));
    CHECK_INT(fired_of("many"), 1);
    CHECK_INT(fired_of("day"), 1);
    store(T0 + S(9));
    again(9);
    record = 0;
    for (const char *d = "xyz"; *d; d++) /* all of them again, as a new engine may read them */
        fail("ann", (const char[]){*d, '\0'}, T0 + S(*d - 'x'), T0 + S(10));
    CHECK_INT(fired_count, 2);
    fail("ann", "q", T0 + S(11), T0 + S(11));
    fail("ann", "r", T0 + S(12), T0 + S(12));
    CHECK_INT(fired_of("many"), 1);
    fail("ann", "s", T0 + S(13), T0 + S(13));
    CHECK_INT(fired_of("many"), 2); /* three new ones */
    CHECK_INT(fired_of("day"), 1);  /* silent for two hours */
    end();
}

/* The rules of `file`, and one more, take the place of those at work. */
static void renew(const char *file)
{
    struct rules *before = rules;
    struct err err;
    rules = rules_new((size_t)64 << 20);
    CHECK_INT(rules_add(rules, STR("s.yml"),
                        STR("{title: more, logsource: {product: y}, detection: {s: {f: b}, condition: s}}\n"), &err),
              RC_OK);
    CHECK_INT(rules_add(rules, STR("t.yml"), str_of(file), &err), RC_OK);
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    CHECK_INT(rules_count(rules), 6);
    CHECK_INT(correlations_renew(correlations, rules, &err), RC_OK);
    rules_before[before_count++] = before;
}

static void goes_on_with_other_rules(void)
{
    char changed[sizeof text];
    if (!begin())
        return;
    again(8); /* the desk has it open */
    fail("ann", "x", T0, T0);
    fail("ann", "y", T0 + S(1), T0 + S(1));
    store(T0 + S(1));
    renew(text);
    record = 0;
    fail("ann", "x", T0, T0 + S(2)); /* an engine that began anew: known */
    fail("ann", "y", T0 + S(1), T0 + S(2));
    CHECK_INT(fired_count, 0);
    fail("ann", "z", T0 + S(2), T0 + S(2));
    CHECK_INT(fired_of("many"), 1);
    CHECK_INT(fired_of("day"), 1);
    store(T0 + S(2));
    memcpy(changed, text, sizeof text);
    memcpy(strstr(changed, "10m"), "11m", 3);
    fail("bob", "x", T0 + S(3), T0 + S(3));
    fail("bob", "y", T0 + S(4), T0 + S(4));
    store(T0 + S(4));
    renew(changed); /* one file: all that stands in it is another rule now */
    fail("bob", "z", T0 + S(5), T0 + S(5));
    CHECK_INT(fired_of("many"), 1);
    fail("bob", "p", T0 + S(6), T0 + S(6));
    fail("bob", "q", T0 + S(7), T0 + S(7));
    CHECK_INT(fired_of("many"), 2);
    end();
}

/* What the clock shows is known on: what comes hours late meanwhile is not taken to be on time. */
static void knows_the_clock_with_other_rules(void)
{
    if (!begin())
        return;
    again(8);
    correlations_engine(correlations, 0, 10);
    correlations_durable(correlations, 10, T0 + H(5));
    correlations_tick(correlations, T0 + H(5) + S(1));
    store(T0 + H(5));
    renew(text);
    fail("ann", "x", T0, T0 + H(5) + S(1));
    fail("ann", "x", T0 + S(1), T0 + H(5) + S(1));
    correlations_tick(correlations, T0 + H(5) + S(2));
    fail("ann", "x", T0 + S(2), T0 + H(5) + S(3));
    CHECK_INT(fired_of("many"), 1);
    end();
}

static void damaged_rows_are_left_out(void)
{
    struct desk_trail trails[CORRELATIONS_TRAILS];
    int64_t clock_ns;
    struct err err;
    size_t first = 0; /* the shortest row with both matches */
    if (!begin())
        return;
    fail("ann", "x", T0, T0);
    fail("ann", "y", T0 + S(1), T0 + S(1));
    CHECK_INT(correlations_trails(correlations, trails, &clock_ns), 3);
    struct arena *kept = arena_new((size_t)1 << 20); /* the stand is made anew for each */
    const struct str whole = arena_str(kept, trails[0].body);
    CHECK(whole.n > 100);
    for (size_t n = 0; n < whole.n; n++) {
        const struct desk_trail cut = {T0 + H(1), str_slice(whole, 0, n)};
        const struct desk_batch batch = {.trails = &cut, .trail_count = 1};
        stand_close(&stand);
        if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
            return;
        CHECK_INT(desk_match_batch(stand.desk, &batch, T0, NULL, &err), RC_OK);
        test_row("cut at %zu", n);
        again(8);
        fired_count = 0;
        record = 2;
        fail("ann", "z", T0 + S(2), T0 + S(2));
        first = first || !fired_of("many") ? first : n;
        CHECK_INT(fired_of("many"), first != 0);
    }
    CHECK(first > whole.n / 2 && first < whole.n); /* its second match stands in the row's second half */
    arena_free(kept);
    end();
}

static struct correlation_losses lost; /* of "many" */

static void on_loss(void *context, const struct rule *rule, const struct correlation_losses *losses)
{
    (void)context;
    if (str_is(rule->title, "many"))
        lost = *losses;
}

static uint64_t late_now(void)
{
    lost = (struct correlation_losses){0};
    correlations_losses(correlations, on_loss, NULL);
    return lost.late;
}

static void losses_are_told_once(void)
{
    struct err err = {0};
    if (!begin() || !CHECK_INT(correlations_open(correlations, stand.desk, &err), RC_OK))
        return;
    fail("ann", "z", T0, T0);
    CHECK_INT(late_now(), 0);
    fail("ann", "z", T0 + H(9), T0 + H(9));
    fail("ann", "z", T0, T0 + H(9)); /* older than its window */
    fail("ann", "z", T0 + S(1), T0 + H(9));
    CHECK_INT(late_now(), 2);
    CHECK_INT(late_now(), 0);
    fail("ann", "z", T0 + S(2), T0 + H(9));
    CHECK_INT(late_now(), 1);
    struct match bare = {.record = ++record, .time_ns = T0 + H(9)};
    give(&bare, T0 + H(9));
    CHECK_INT(late_now(), 0);
    CHECK_INT(lost.ungrouped, 1);
    store(T0 + H(9));
    again(8); /* made anew of the trail: what was lost is not lost again */
    CHECK_INT(late_now(), 0);
    CHECK_INT(lost.ungrouped, 0);
    fail("ann", "z", T0 + S(3), T0 + H(9));
    CHECK_INT(late_now(), 1);
    end();
}

static void rows_come_back_as_they_went_in(void)
{
    static const struct correlator_change changes[] = {
        {.correlation = 1,
         .key = STR_INIT("abc"),
         .is_hit = true,
         .silent_until_ns = INT64_MIN,
         .time_ns = -5,
         .record = 6,
         .what = 7,
         .delay_s = 8},
        {.correlation = UINT64_MAX, .emptied = true, .silent_until_ns = T0, .delay_s = UINT32_MAX},
        {.correlation = 2, .emptied = true, .is_hit = true, .silent_until_ns = 0, .record = UINT64_MAX},
    };
    struct buf row;
    struct correlator_change change;
    uint64_t number;
    buf_init(&row, 200);
    trail_row_begin(&row, 42);
    for (uint64_t i = 0; i < ARRAY_LEN(changes); i++)
        CHECK(trail_row_put(&row, &changes[i], i));
    size_t before = row.n;
    while (trail_row_put(&row, &changes[0], 1))
        before = row.n;
    CHECK_INT(row.n, before);
    struct reader reader = reader_of(buf_view(&row));
    CHECK(trail_row_open(&reader, &number) && number == 42);
    for (uint64_t i = 0; i < ARRAY_LEN(changes) && CHECK(trail_row_next(&reader, &change, &number)); i++) {
        CHECK_INT(number, i);
        CHECK_INT(change.correlation, changes[i].correlation);
        CHECK_STR(change.key, changes[i].key);
        CHECK_INT(change.emptied, changes[i].emptied);
        CHECK_INT(change.is_hit, changes[i].is_hit);
        CHECK_INT(change.silent_until_ns, changes[i].silent_until_ns);
        CHECK_INT(change.delay_s, changes[i].delay_s);
        CHECK_INT(change.time_ns, changes[i].time_ns);
        CHECK_INT(change.record, changes[i].record);
        CHECK_INT(change.what, changes[i].what);
    }
    buf_done(&row);
}

static const struct test tests[] = {
    {"what is lost is told of its correlation, once", losses_are_told_once},
    {"a window closes when every engine has read what was durable then", waits_for_its_engines},
    {"what waited for half an hour is judged by its own time", judges_what_waited_by_its_own_time},
    {"an event of the future counts as one of now", future_counts_as_now},
    {"what comes late before the clock is known is kept", comes_late_before_the_clock},
    {"windows go on after a restart, each match counts once", goes_on_after_a_restart},
    {"windows go on with other rules as far as these are the same", goes_on_with_other_rules},
    {"the clock is known on with other rules", knows_the_clock_with_other_rules},
    {"a damaged row gives what stands before the damage", damaged_rows_are_left_out},
    {"rows come back as they went in", rows_come_back_as_they_went_in},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
