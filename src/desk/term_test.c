/* The register of terms, and what a term would be. */
#include "db/db.h"
#include "desk/desk_testing.h"

#define DAY H(24)

static struct stand stand;

static bool ask(const char *question)
{
    return stand_ask(&stand, question);
}

static void tick(int64_t ns)
{
    struct err err = {0};
    stand.now += ns;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
}

/* A report of what the owner found himself: M-19, 24 hours. */
static int64_t report(int64_t object, const char *title)
{
    CHECK(ask(stand_format(&stand,
                           "{'ask':'findings.note','who':'admin','object':%lld,'title':'%s','origin':'own',"
                           "'findings':[{'scanner':'person','title':'%s','host':'h','severity':3,'check':'%s'}]}",
                           (long long)object, title, title, title)));
    return stand_number(stand.json, "id");
}

/* "M-19 F-000001 overdue", a row after the other. */
static const char *listed(const char *more)
{
    static char text[4096];
    size_t n = 0;
    text[0] = '\0';
    CHECK(ask(stand_format(&stand, "{'ask':'clock.list','who':'admin'%s}", more)));
    for (const struct json_value *t = json_first(json_get(stand.json, "terms")); t && n < sizeof text - 100;
         t = t->next)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s %.*s %.*s", n ? ", " : "",
                              STR_ARG(stand_text(t, "clock")), STR_ARG(stand_text(t, "number")),
                              STR_ARG(stand_text(t, "state")));
    return text;
}

static int64_t counted(const char *view)
{
    return stand_number(json_get(stand.json, "counts"), view);
}

static void in_order_of_their_ends(void)
{
    stand_ready(&stand);
    int64_t first = report(1, "first");
    tick(H(10));
    report(1, "second");
    CHECK_TEXT(str_of(listed("")), "M-19 F-000001 running, M-19 F-000002 running");
    CHECK_INT(counted("standing"), 2);
    CHECK_INT(counted("running"), 2);
    tick(H(15));
    CHECK_TEXT(str_of(listed("")), "M-19 F-000001 overdue, M-19 F-000002 running");
    CHECK_TEXT(str_of(listed(",'state':'overdue'")), "M-19 F-000001 overdue");
    CHECK_TEXT(str_of(listed(",'state':'running'")), "M-19 F-000002 running");
    CHECK_INT(counted("overdue"), 1);
    CHECK(ask(
        stand_format(&stand, "{'ask':'findings.inform','who':'admin','id':%lld,'note':'letter'}", (long long)first)));
    CHECK(ask("{'ask':'findings.inform','who':'admin','id':2,'note':'letter'}"));
    CHECK_TEXT(str_of(listed("")), "");
    CHECK_TEXT(str_of(listed(",'state':'met'")), "M-19 F-000002 met, M-19 F-000001 met");
    CHECK_TEXT(str_of(listed(",'state':'late'")), "M-19 F-000001 met");
    CHECK_INT(counted("late"), 1);
    CHECK_INT(counted("met"), 2);
    stand_close(&stand);
}

static void rows_say_what_they_are(void)
{
    stand_ready(&stand);
    report(1, "first");
    listed("");
    const struct json_value *t = json_first(json_get(stand.json, "terms"));
    CHECK_TEXT(stand_text(t, "subject"), "findings");
    CHECK_INT(stand_number(t, "item"), 1);
    CHECK_INT(stand_number(t, "object_id"), 1);
    CHECK_TEXT(stand_text(t, "title"), "first");
    CHECK(stand_text(t, "object").n > 0);
    CHECK(stand_text(json_get(t, "paragraph"), "kk").n > 0 && stand_text(json_get(t, "explanation"), "ru").n > 0);
    CHECK_INT(stand_number(t, "due_ns"), stand_number(t, "trigger_ns") + DAY);
    stand_close(&stand);
}

static void filters(void)
{
    stand_ready(&stand);
    report(1, "first");
    CHECK(ask("{'ask':'object.save','who':'admin','object':{'id':0,'name':'Second','class':1}}"));
    int64_t second = stand_number(stand.json, "id");
    report(second, "second");
    CHECK_TEXT(str_of(listed(stand_format(&stand, ",'object':%lld", (long long)second))), "M-19 F-000002 running");
    CHECK_INT(counted("standing"), 1);
    CHECK_TEXT(str_of(listed(",'clock':'M-18'")), "");
    CHECK_TEXT(str_of(listed(",'subject':'incident'")), "");
    CHECK_INT(counted("running"), 0);
    CHECK_TEXT(str_of(listed(",'subject':'findings','clock':'M-19'")), "M-19 F-000001 running, M-19 F-000002 running");
    CHECK_TEXT(str_of(listed(",'from_ns':1795215000000000000,'to_ns':1795215000000000001")), "");
    static const char *const refused[] = {",'state':'x'", ",'subject':'x'", ",'clock':'X-1'"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        test_row("%s", refused[i]);
        CHECK(!ask(stand_format(&stand, "{'ask':'clock.list','who':'admin'%s}", refused[i])));
        CHECK_TEXT(stand_error(&stand), "invalid");
    }
    stand_close(&stand);
}

/* Every row once, in order, however long a page is; two of one moment, too. */
static void pages(const char *state, size_t wanted)
{
    size_t seen = 0;
    int64_t after_ns = 0, after_id = 0, last_ns = 0;
    bool falling = strcmp(state, "met") == 0;
    for (bool more = true; more && seen <= wanted;) {
        char after[120] = "";
        if (seen)
            snprintf(after, sizeof after, ",'after_ns':%lld,'after_id':%lld", (long long)after_ns, (long long)after_id);
        listed(stand_format(&stand, ",'state':'%s','limit':3%s", state, after));
        for (const struct json_value *t = json_first(json_get(stand.json, "terms")); t; t = t->next) {
            after_ns = stand_number(t, "due_ns");
            after_id = stand_number(t, "id");
            CHECK(seen == 0 || (falling ? after_ns <= last_ns : after_ns >= last_ns));
            last_ns = after_ns;
            seen++;
        }
        more = json_bool(json_get(stand.json, "more"), false);
    }
    CHECK_INT(seen, wanted);
}

static void one_page_after_another(void)
{
    stand_ready(&stand);
    for (int i = 0; i < 10; i++) {
        report(1, "one");
        report(1, "two"); /* "known", so without a term of its own */
        report(1, stand_format(&stand, "t%d", i));
        tick(i % 3 ? M(1) : 0);
    }
    listed("");
    size_t standing = (size_t)counted("standing");
    CHECK(standing >= 10);
    pages("standing", standing);
    for (int64_t id = 1; id <= 30; id += 2)
        ask(stand_format(&stand, "{'ask':'findings.inform','who':'admin','id':%lld,'note':'letter'}", (long long)id));
    listed("");
    size_t met = (size_t)counted("met");
    CHECK(met > 3);
    pages("met", met);
    pages("standing", (size_t)counted("standing"));
    stand_close(&stand);
}

static int64_t next_warning(void)
{
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(stand.db, "SELECT next_ns FROM clock ORDER BY id LIMIT 1");
    int64_t next_ns = db_one_i64(&q, -1);
    CHECK_INT(db_end(stand.db, false, &err), RC_OK);
    return next_ns;
}

/* With M-18 as long as said, NULL: as the order has it, at an object so far east. */
static void open_with(const char *length, int32_t zone_s)
{
    struct str calendars[3];
    struct err err = {0};
    stand = (struct stand){.now = T0, .arena = arena_new((size_t)64 << 20)};
    buf_init(&stand.answer, DESK_QUESTION_MAX);
    struct desk_options options = stand_options(stand.arena, calendars);
    struct str clocks = options.data.clocks;
    struct str given = STR("inform\t20\tcalendar_day");
    size_t at = str_search(clocks, given);
    if (!CHECK(at < clocks.n))
        return;
    struct buf other CLEANUP(buf_done) = {0};
    buf_init(&other, (size_t)1 << 20);
    buf_str(&other, str_slice(clocks, 0, at));
    buf_format(&other, "inform\t%s", length ? length : "20\tcalendar_day");
    buf_str(&other, str_skip(clocks, at + given.n));
    CHECK(!other.overflow);
    options.data.clocks = buf_view(&other);
    CHECK_INT(db_open(":memory:", &stand.db, &err), RC_OK);
    CHECK_INT(desk_open(stand.db, &options, stand.now, &stand.desk, &stand.first, &err), RC_OK);
    stand_sign_in(&stand);
    CHECK_INT(db_begin(stand.db, DB_WRITE, &err), RC_OK);
    db_run_i64(stand.db, "UPDATE object SET zone_offset_s = ?1", zone_s);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
}

/* Five, two and one working days before the end of M-18, by hand: of 20 calendar days, at last to the next working day.
 * What falls before the term has begun is not told. */
static void warnings_count_working_days(void)
{
    static const struct {
        const char *text;
        const char *length;
        int32_t zone_s;
        struct civil from;
        int32_t at[4][2]; /* month and day: the warnings, and the first day that is too late */
    } rows[] = {
        {"a Thursday", NULL, 18000, {2026, 11, 20, 10, 0, 0, 0}, {{12, 4}, {12, 9}, {12, 10}, {12, 11}}},
        {"a Monday", NULL, 18000, {2026, 11, 10, 10, 0, 0, 0}, {{11, 24}, {11, 27}, {11, 30}, {12, 1}}},
        {"a Saturday, so Monday", NULL, 18000, {2026, 11, 8, 10, 0, 0, 0}, {{11, 24}, {11, 27}, {11, 30}, {12, 1}}},
        {"16 December is off", NULL, 18000, {2026, 11, 27, 10, 0, 0, 0}, {{12, 10}, {12, 15}, {12, 17}, {12, 18}}},
        {"the far west", NULL, -43200, {2026, 11, 10, 23, 30, 0, 0}, {{11, 24}, {11, 27}, {11, 30}, {12, 1}}},
        {"the far east", NULL, 50400, {2026, 11, 10, 0, 30, 0, 0}, {{11, 24}, {11, 27}, {11, 30}, {12, 1}}},
        {"no calendar", NULL, 18000, {2030, 4, 15, 10, 0, 0, 0}, {{4, 30}, {5, 3}, {5, 6}, {5, 7}}},
        {"five", "5\tworking_day", 18000, {2026, 11, 27, 10, 0, 0, 0}, {{11, 30}, {12, 3}, {12, 4}, {12, 5}}},
        {"three", "3\tworking_day", 18000, {2026, 11, 26, 10, 0, 0, 0}, {{11, 30}, {12, 1}, {12, 2}}},
        {"one, a week-end away", "1\tworking_day", 18000, {2026, 11, 27, 10, 0, 0, 0}, {{11, 30}, {12, 1}}},
        {"three in the west", "3\tworking_day", -43200, {2026, 11, 26, 23, 59, 0, 0}, {{11, 30}, {12, 1}, {12, 2}}},
        {"one day", "1\tcalendar_day", -18000, {2026, 11, 25, 0, 0, 1, 0}, {{11, 26}, {11, 27}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        open_with(rows[i].length, rows[i].zone_s);
        stand.now = civil_to_ns(&rows[i].from, rows[i].zone_s);
        test_row("%s", rows[i].text);
        CHECK(ask("{'ask':'findings.note','who':'admin','object':1,'title':'s','origin':'survey','findings':["
                  "{'scanner':'x','title':'t','host':'h','severity':3,'check':'c'}]}"));
        for (size_t k = 0; k < ARRAY_LEN(rows[i].at) && rows[i].at[k][0]; k++) {
            struct civil wanted = {.year = rows[i].from.year, .month = rows[i].at[k][0], .day = rows[i].at[k][1]};
            int64_t wanted_ns = civil_to_ns(&wanted, rows[i].zone_s);
            test_row("%s: %zu", rows[i].text, k);
            CHECK_INT(next_warning(), wanted_ns);
            CHECK_TEXT(str_of(listed("")), "M-18 F-000001 running");
            tick(wanted_ns - stand.now);
        }
        CHECK_TEXT(str_of(listed("")), "M-18 F-000001 overdue");
        CHECK_INT(next_warning(), 0);
        stand_close(&stand);
    }
}

static void what_a_term_would_be(void)
{
    stand_ready(&stand);
    /* 2026-11-27 is a Friday; ten working days from the next day on end on 11 December, local midnight after it. */
    CHECK(ask("{'ask':'clock.try','who':'admin','clock':'M-10','start_ns':1795755600000000000,'zone_offset_s':18000}"));
    CHECK_INT(stand_number(stand.json, "due_ns"), INT64_C(1797015600000000000));
    CHECK(stand_text(json_get(stand.json, "explanation"), "kk").n > 20);
    CHECK(ask("{'ask':'clock.list','who':'admin'}"));
    CHECK_INT(counted("standing"), 0); /* nothing is stored */
    CHECK(!ask("{'ask':'clock.try','who':'admin','clock':'M-12','start_ns':1795755600000000000}"));
    CHECK_TEXT(stand_text(stand.json, "field"), "clock");
    CHECK(!ask("{'ask':'clock.try','who':'admin','clock':'nothing','start_ns':1}"));
    CHECK(!ask("{'ask':'clock.try','who':'admin','clock':'M-10','start_ns':9223372036854775807}"));
    CHECK(ask("{'ask':'clock.rules','who':'admin'}"));
    size_t computable = 0, rules = 0;
    for (const struct json_value *r = json_first(json_get(stand.json, "rules")); r; r = r->next, rules++)
        computable += json_bool(json_get(r, "computable"), false);
    CHECK(rules > 80 && computable > 30);
    /* Each that can be counted is. */
    static char ids[128][16];
    size_t count = 0;
    for (const struct json_value *r = json_first(json_get(stand.json, "rules")); r && count < 128; r = r->next)
        if (json_bool(json_get(r, "computable"), false) && str_copy_z(stand_text(r, "clock"), ids[count], 16))
            count++;
    for (size_t i = 0; i < count; i++) {
        test_row("%s", ids[i]);
        CHECK(ask(stand_format(&stand, "{'ask':'clock.try','who':'admin','clock':'%s','start_ns':1795755600000000000}",
                               ids[i])));
        CHECK(stand_text(json_get(stand.json, "explanation"), "ru").n > 20);
    }
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"in the order of their ends, by state", in_order_of_their_ends},
        {"rows say what they are", rows_say_what_they_are},
        {"filters", filters},
        {"one page after another", one_page_after_another},
        {"warnings count working days", warnings_count_working_days},
        {"what a term would be", what_a_term_would_be},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
