/* The desk's side of the rules: what engines count while the database does not take it. */
#include "role/rule_desk.h"

#include "desk/desk_testing.h"
#include "role/rule_stats.h"

static const char text[] = "{title: A, id: rule-a, logsource: {product: linux}, detection: {s: {user: root}, "
                           "condition: s}}\n";

static struct stand stand;
static struct rules *rules;
static struct rule_desk *self;

static bool begin(void)
{
    struct err err;
    rules = rules_new((size_t)1 << 24);
    if (!CHECK_INT(rules_add(rules, STR("t.yml"), str_of(text), &err), RC_OK) ||
        !CHECK_INT(rules_finish(rules, &err), RC_OK) || !CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK))
        return false;
    stand_sign_in(&stand);
    return CHECK_INT(rule_desk_new(stand.desk, rules, stand.now, &self, &err), RC_OK);
}

static void end(void)
{
    rule_desk_free(self);
    rules_free(rules);
    stand_close(&stand);
}

/* A message of engine 1: a hit and a field. */
static void told(uint64_t upto, const char *field, bool fails)
{
    struct buf body;
    buf_init(&body, RULE_STATS_BYTES);
    rule_stats_begin(&body, upto, 1);
    CHECK(rule_stats_add(&body, &(struct rule_stats_rule){STR("rule-a"), 1, 1, 1, 1}));
    rule_stats_sources(&body);
    rule_stats_fields(&body);
    CHECK(rule_stats_field(&body, str_of(field)));
    rule_stats_end(&body);
    if (fails)
        IGNORE(db_fail_at(stand.db, 1));
    rule_desk_count(self, 1, buf_view(&body), stand.now);
    if (fails)
        CHECK(db_fail_at(stand.db, 0));
    buf_done(&body);
}

static int64_t stored(const char *query)
{
    CHECK_INT(db_begin(stand.db, DB_READ, NULL), RC_OK);
    struct db_query q = db_query(stand.db, query);
    int64_t value = db_one_i64(&q, 0);
    CHECK_INT(db_end(stand.db, true, NULL), RC_OK);
    return value;
}

static int64_t hits(void)
{
    return stored("SELECT sum(hits) FROM rule_stat");
}

static int64_t fields(void)
{
    return stored("SELECT count(*) FROM field_seen");
}

static void what_was_not_stored_is_stored_later(void)
{
    if (!begin())
        return;
    told(1, "user", true);
    CHECK_INT(hits(), 0);
    told(2, "host", true); /* the first waits still; this one is lost, and its engine asked for its fields */
    CHECK_INT(hits(), 0);
    told(3, "name", false);
    CHECK_INT(hits(), 2);
    CHECK_INT(fields(), 2);
    told(4, "name", false);
    CHECK_INT(hits(), 3); /* nothing waits any more */
    rule_desk_count(self, 1, STR("{}"), stand.now);
    told(5, "name", false);
    CHECK_INT(hits(), 4); /* what never reads is not kept */
    end();
}

/* It begins where the database says, and counts what waited by itself, unless that is stored before. */
static void a_new_engine_counts_nothing_twice(void)
{
    uint64_t upto = 0;
    if (!begin())
        return;
    told(7, "user", true);
    IGNORE(db_fail_at(stand.db, 1));
    rule_desk_engine_up(self, 1);
    CHECK(db_fail_at(stand.db, 0));
    told(8, "user", false);
    CHECK_INT(hits(), 1);
    told(9, "host", true);
    rule_desk_engine_up(self, 1);
    CHECK_INT(desk_rules_counted(stand.desk, 1, &upto, NULL), RC_OK);
    CHECK_INT(upto, 9);
    CHECK_INT(hits(), 2);
    end();
}

static void a_stop_stores_what_waits(void)
{
    if (!begin())
        return;
    told(1, "user", true);
    rule_desk_free(self);
    self = NULL;
    CHECK_INT(hits(), 1);
    CHECK_INT(fields(), 1);
    end();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what was not stored is stored later", what_was_not_stored_is_stored_later},
        {"a new engine counts nothing twice", a_new_engine_counts_nothing_twice},
        {"a stop stores what waits", a_stop_stores_what_waits},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
