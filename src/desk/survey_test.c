/* Surveys: the yearly plan proposed and taken, what is refused of it, every act in every state, the terms that they
 * begin and meet, and that nobody undoes what he has not seen. */
#include "desk/survey.h"

#include "desk/desk_testing.h"

static struct stand stand;

static bool ask(const char *question)
{
    return stand_ask(&stand, question);
}

static struct str refusal(void)
{
    struct str field = stand_text(stand.json, "field");
    return field.n ? field : stand_error(&stand);
}

/* With one question each, so that what a plan proposes is taken as it is. */
static bool accept(int64_t object, int64_t year)
{
    CHECK(ask(stand_format(&stand, "{'ask':'survey.plan','who':'admin','object':%lld,'year':%lld}", (long long)object,
                           (long long)year)));
    struct str list = json_get(stand.json, "proposal")->text;
    int64_t version = stand_number(stand.json, "version");
    char *question = arena_alloc(stand.arena, list.n + 256);
    snprintf(question, list.n + 256,
             "{'ask':'survey.accept','who':'admin','object':%lld,'year':%lld,'version':%lld,'surveys':%.*s}",
             (long long)object, (long long)year, (long long)version, STR_ARG(list));
    return ask(question);
}

static const struct json_value *survey(int64_t id)
{
    CHECK(ask(stand_format(&stand, "{'ask':'survey.get','who':'admin','id':%lld}", (long long)id)));
    return json_get(stand.json, "survey");
}

static bool act(int64_t id, const char *what)
{
    int64_t version = stand_number(survey(id), "version");
    return ask(stand_format(&stand, "{'ask':'survey.act','who':'admin','surveys':[{'id':%lld,'version':%lld}],%s}",
                            (long long)id, (long long)version, what));
}

static int64_t add(const char *what)
{
    if (!ask(stand_format(&stand, "{'ask':'survey.save','who':'admin','survey':{'object':1,%s}}", what)))
        return 0;
    return stand_number(stand.json, "id");
}

/* As the table has it. */
static struct str kind_name(const char *kind, enum term_language language)
{
    struct survey_kinds kinds;
    struct err err;
    CHECK_INT(survey_kinds_read(stand.arena, stand_file(stand.arena, "surveys.tsv"), &kinds, &err), RC_OK);
    return kinds.kind[survey_kind_find(&kinds, str_of(kind))].name[language];
}

static const struct json_value *clock_of(int64_t id, const char *rule)
{
    for (const struct json_value *c = json_first(json_get(survey(id), "clocks")); c; c = c->next)
        if (str_is(stand_text(c, "clock"), rule))
            return c;
    return NULL;
}

#define AGREE "'act':'agree','by':'K. Serik','reference':'KNB letter 5-12/77'"

/* ---- plans ---- */

static void a_year_is_planned_in_one_act(void)
{
    struct json_value *record = NULL;
    if (!stand_ready(&stand))
        return;
    CHECK(accept(1, 2027));
    CHECK_INT(json_get(stand.json, "ids")->count, 16);
    CHECK_INT(stand_records(&stand, "survey.planned", &record), 16);
    CHECK(ask("{'ask':'survey.plan','who':'admin','object':1,'year':2027}"));
    CHECK_INT(json_get(stand.json, "proposal")->count, 0);
    CHECK_INT(json_get(stand.json, "surveys")->count, 16);
    CHECK_INT(json_get(stand.json, "faults")->count, 0);
    CHECK_INT(stand_number(stand.json, "version"), 16);
    for (const struct json_value *q = json_first(json_get(stand.json, "quotas")); q; q = q->next) {
        CHECK_INT(stand_number(q, "planned"), stand_number(q, "quota"));
        CHECK_INT(stand_number(q, "missing"), 0);
    }
    for (const struct json_value *s = json_first(json_get(stand.json, "surveys")); s; s = s->next) {
        bool control = json_bool(json_get(s, "control"), false);
        CHECK_INT(stand_number(s, "main") > 0, control);
        CHECK_INT(stand_number(s, "control_id") > 0, !control);
        CHECK_TEXT(stand_text(s, "state"), "planned");
    }
    CHECK(!accept(1, 2027) && str_is(refusal(), "surveys")); /* nothing is left */
    CHECK(ask("{'ask':'survey.list','who':'admin','year':2027}"));
    CHECK_INT(stand_number(stand.json, "total"), 16);
    CHECK(ask("{'ask':'survey.list','who':'admin','year':2027,'kind':'code'}"));
    CHECK_INT(stand_number(stand.json, "total"), 4);
    CHECK(ask("{'ask':'survey.list','who':'admin','year':2026}"));
    CHECK_INT(stand_number(stand.json, "total"), 0);
    int64_t sum = 0;
    for (int month = 1; month <= 12; month++) {
        CHECK(ask(stand_format(&stand, "{'ask':'survey.list','who':'admin','year':2027,'month':%d}", month)));
        sum += stand_number(stand.json, "total");
    }
    CHECK(sum >= 16 && sum <= 24); /* some begin in a month and end in the next */
    stand_close(&stand);
}

/* What is left of this year: none of it in the past, each control after its main one. */
static void a_year_that_has_begun(void)
{
    if (!stand_ready(&stand))
        return;
    CHECK(ask("{'ask':'survey.plan','who':'admin','object':1,'year':2026}"));
    for (const struct json_value *s = json_first(json_get(stand.json, "proposal")); s; s = s->next)
        CHECK(str_compare(stand_text(s, "first_day"), STR("2026-11-20")) > 0);
    CHECK(json_get(stand.json, "proposal")->count > 0);
    CHECK(accept(1, 2026));
    CHECK(ask("{'ask':'survey.plan','who':'admin','object':1,'year':2025}"));
    CHECK_INT(json_get(stand.json, "proposal")->count, 0);
    CHECK(json_get(stand.json, "faults")->count > 0);
    stand_close(&stand);
}

static void what_is_no_plan(void)
{
    static const struct {
        const char *more;
        const char *refusal;
    } rows[] = {
        {"'object':1,'year':1999,'version':0,'surveys':[]", "year"},
        {"'object':7,'year':2027,'version':0,'surveys':[]", "not_found"},
        {"'object':1,'year':2027,'version':0,'surveys':[]", "surveys"},
        {"'object':1,'year':2027,'version':0", "surveys"},
        {"'object':1,'year':2027,'surveys':[{}]", "survey_changed"},
        {"'object':1,'year':2027,'version':1,'surveys':[{}]", "survey_changed"},
        {"'object':1,'year':2027,'version':0,'surveys':[{}]", "kind"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code'}]", "first_day"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','first_day':'2027-02-30',"
         "'last_day':'2027-03-01'}]",
         "first_day"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','first_day':'2027-03-02',"
         "'last_day':'2027-03-01'}]",
         "last_day"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','first_day':'2027-03-02',"
         "'last_day':'2027-07-01'}]",
         "last_day"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','first_day':'2028-03-02',"
         "'last_day':'2028-03-03'}]",
         "first_day"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','control':true,'first_day':'2027-03-02',"
         "'last_day':'2027-03-03'}]",
         "main"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','control':true,'pair':0,"
         "'first_day':'2027-03-02','last_day':'2027-03-03'}]",
         "pair"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','first_day':'2027-03-02',"
         "'last_day':'2027-03-03'},{'kind':'manual','control':true,'pair':0,'first_day':'2027-05-02',"
         "'last_day':'2027-05-03'}]",
         "main"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','first_day':'2027-03-02',"
         "'last_day':'2027-03-03'},{'kind':'code','control':true,'pair':0,'first_day':'2027-03-03',"
         "'last_day':'2027-05-03'}]",
         "first_day"},
        {"'object':1,'year':2027,'version':0,'surveys':[{'kind':'code','pair':-1,'main':1,'first_day':'2027-03-02',"
         "'last_day':'2027-03-03'}]",
         "main"},
    };
    struct json_value *record = NULL;
    if (!stand_ready(&stand))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK(!ask(stand_format(&stand, "{'ask':'survey.accept','who':'admin',%s}", rows[i].more)));
        CHECK_TEXT(refusal(), rows[i].refusal);
    }
    CHECK_INT(stand_records(&stand, "survey.planned", &record), 0); /* all or none */
    CHECK(ask("{'ask':'survey.list','who':'admin','year':2027}"));
    CHECK_INT(stand_number(stand.json, "total"), 0);
    stand_close(&stand);
}

/* ---- lost updates ---- */

static void who_has_not_seen_it_changes_nothing(void)
{
    if (!stand_ready(&stand))
        return;
    int64_t id = add("'kind':'manual','first_day':'2027-02-01','last_day':'2027-02-05'");
    CHECK_INT(id, 1);
    CHECK(ask("{'ask':'survey.save','who':'admin','version':1,'survey':{'id':1,'responsible':'A. B.'}}"));
    CHECK_INT(stand_number(stand.json, "version"), 2);
    CHECK(!ask("{'ask':'survey.save','who':'admin','version':1,'survey':{'id':1,'responsible':'C. D.'}}"));
    CHECK_TEXT(refusal(), "survey_changed");
    CHECK(!ask("{'ask':'survey.save','who':'admin','survey':{'id':1,'responsible':'C. D.'}}"));
    CHECK(!ask("{'ask':'survey.act','who':'admin','surveys':[{'id':1,'version':1}]," AGREE "}"));
    CHECK_TEXT(refusal(), "survey_changed");
    CHECK(!ask("{'ask':'survey.act','who':'admin','surveys':[{'id':1}]," AGREE "}"));
    CHECK_TEXT(stand_text(survey(1), "responsible"), "A. B.");
    CHECK(!ask("{'ask':'survey.accept','who':'admin','object':1,'year':2027,'version':1,'surveys':[{'kind':'code',"
               "'first_day':'2027-03-02','last_day':'2027-03-03'}]}"));
    CHECK_TEXT(refusal(), "survey_changed");
    /* of many all are changed or none */
    CHECK_INT(add("'kind':'code','first_day':'2027-02-01','last_day':'2027-02-05'"), 2);
    CHECK(!ask("{'ask':'survey.act','who':'admin','surveys':[{'id':2,'version':1},{'id':1,'version':1}]," AGREE "}"));
    CHECK_TEXT(stand_text(survey(2), "state"), "planned");
    CHECK(ask("{'ask':'survey.act','who':'admin','surveys':[{'id':2,'version':1},{'id':1,'version':2}]," AGREE "}"));
    CHECK_TEXT(stand_text(survey(2), "state"), "agreed");
    CHECK_TEXT(stand_text(survey(1), "reference"), "KNB letter 5-12/77");
    stand_close(&stand);
}

/* ---- acts ---- */

static const char *const words[] = {"agree",  "put_off", "start",  "finish",   "resume",   "send",
                                    "cancel", "notice",  "copies", "received", "measures", "link"};

/* What stands in "acts" is what is taken, everything else is refused by the state. */
static void acts_are(int64_t id, const char *wanted)
{
    char text[256];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    for (const struct json_value *a = json_first(json_get(survey(id), "acts")); a; a = a->next)
        buf_format(&out, "%.*s ", STR_ARG(a->text));
    CHECK_TEXT(buf_view(&out), wanted);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strstr(wanted, words[i]))
            continue;
        test_row("%s in %s", words[i], wanted);
        CHECK(!act(id, stand_format(&stand, "'act':'%s','note':'because'", words[i])));
        CHECK_TEXT(refusal(), "state_refuses");
    }
}

static void a_survey_of_vulnerabilities(void)
{
    if (!stand_ready(&stand))
        return;
    int64_t id = add("'kind':'pentest','first_day':'2026-11-23','last_day':'2026-11-27'");
    acts_are(id, "agree put_off cancel ");
    CHECK(!act(id, "'act':'agree'") && str_is(refusal(), "reference"));
    CHECK(!act(id, "'act':'agree','reference':'KNB 1'") && str_is(refusal(), "by"));
    CHECK(act(id, AGREE));
    acts_are(id, "put_off start cancel ");
    CHECK(act(id, "'act':'start'"));
    acts_are(id, "put_off finish cancel link ");
    stand.now += H(72);
    CHECK(!act(id, stand_format(&stand, "'act':'finish','at_ns':%lld", (long long)T0 - 5)));
    CHECK_TEXT(refusal(), "at_ns");
    CHECK(!act(id, stand_format(&stand, "'act':'finish','at_ns':%lld", (long long)stand.now + 1)));
    CHECK(act(id, stand_format(&stand, "'act':'finish','at_ns':%lld", (long long)T0 + H(24))));
    CHECK_TEXT(stand_text(clock_of(id, "M-10"), "state"), "running");
    CHECK_INT(stand_number(clock_of(id, "M-10"), "trigger_ns"), T0 + H(24));
    acts_are(id, "resume send link ");
    CHECK(act(id, "'act':'resume','note':'one network was left out'"));
    CHECK_TEXT(stand_text(clock_of(id, "M-10"), "state"), "cancelled");
    CHECK(act(id, "'act':'finish'"));
    CHECK(!act(id, "'act':'send'") && str_is(refusal(), "note"));
    CHECK(act(id, "'act':'send','note':'by letter 17'"));
    acts_are(id, "link ");
    int64_t met = 0;
    for (const struct json_value *c = json_first(json_get(survey(id), "clocks")); c; c = c->next)
        met += str_is(stand_text(c, "state"), "met");
    CHECK_INT(met, 1);
    CHECK(!clock_of(id, "M-18")); /* that is the report's */
    /* terms of surveys stand in the register */
    CHECK(ask("{'ask':'clock.list','who':'admin','state':'met','subject':'survey'}"));
    const struct json_value *term = json_first(json_get(stand.json, "terms"));
    CHECK_TEXT(stand_text(term, "number"), "S-000001");
    CHECK_TEXT(stand_text(term, "subject"), "survey");
    CHECK_TEXT(stand_text(json_get(term, "name"), "en"), "Survey in the penetration-testing mode");
    stand_close(&stand);
}

/* Who is told of a term reads the survey's name in his language. */
static void a_notice_is_read(void)
{
    struct err err;
    if (!stand_ready(&stand))
        return;
    CHECK(ask("{'ask':'channel.save','who':'admin','channel':{'id':0,'kind':'mail','to':'a@example.kz',"
              "'server':'mail.example.kz:587','from':'q@example.kz','user':'u','secret':'s','language':'ru',"
              "'enabled':true}}"));
    int64_t id = add("'kind':'manual','first_day':'2026-11-23','last_day':'2026-11-27'");
    CHECK(act(id, AGREE) && act(id, "'act':'start'") && act(id, "'act':'finish'"));
    stand.now = stand_number(clock_of(id, "M-10"), "due_ns") + 1;
    for (int i = 0; i < 3; i++)
        CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    bool told = false;
    CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
    struct db_query q = db_query(stand.db, "SELECT title || body FROM outbox WHERE subject = ?1");
    db_put_i64(&q, SUBJECT_SURVEY);
    while (db_next(&q)) {
        struct str text = db_text(&q);
        told = told ||
               (str_search(text, kind_name("manual", TERM_RU)) < text.n && str_search(text, STR("S-000001")) < text.n);
    }
    db_query_end(&q);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    CHECK(told);
    stand_close(&stand);
}

static void a_survey_of_documents(void)
{
    if (!stand_ready(&stand))
        return;
    int64_t id = add("'kind':'documents','first_day':'2026-11-23','last_day':'2026-11-27'");
    acts_are(id, "agree put_off cancel notice ");
    CHECK(act(id, "'act':'notice','note':'letter 3'"));
    acts_are(id, "agree put_off cancel copies ");
    CHECK_TEXT(stand_text(clock_of(id, "M-21"), "state"), "running");
    CHECK(act(id, AGREE) && act(id, "'act':'start'"));
    CHECK(act(id, "'act':'copies','note':'27 documents'"));
    CHECK_TEXT(stand_text(clock_of(id, "M-21"), "state"), "met");
    acts_are(id, "put_off finish cancel ");
    CHECK(act(id, "'act':'finish'"));
    CHECK_TEXT(stand_text(clock_of(id, "M-11"), "state"), "running");
    CHECK(!clock_of(id, "M-10"));
    CHECK(act(id, "'act':'send','note':'letter 8'"));
    CHECK_TEXT(stand_text(clock_of(id, "M-11"), "state"), "met");
    acts_are(id, "received ");
    CHECK(act(id, "'act':'received','note':'receipt'"));
    CHECK_TEXT(stand_text(clock_of(id, "M-22"), "state"), "running");
    acts_are(id, "measures ");
    CHECK(act(id, "'act':'measures','note':'letter 9'"));
    CHECK_TEXT(stand_text(clock_of(id, "M-22"), "state"), "met");
    acts_are(id, "");
    stand_close(&stand);
}

static void other_days_and_what_they_break(void)
{
    if (!stand_ready(&stand))
        return;
    int64_t main = add("'kind':'code','first_day':'2027-02-01','last_day':'2027-02-05'");
    int64_t control = add("'kind':'code','control':true,'main':1,'first_day':'2027-03-17','last_day':'2027-03-19'");
    CHECK(control > 0);
    CHECK_INT(add("'kind':'code','control':true,'main':1,'first_day':'2027-05-17','last_day':'2027-05-19'"), 0);
    CHECK_TEXT(refusal(), "main");
    CHECK(act(main, AGREE));
    static const struct {
        const char *days;
        const char *refusal;
    } rows[] = {
        {"'first_day':'2027-02-01','last_day':'2027-02-05','note':'why'", "first_day"},
        {"'first_day':'2027-02-08','last_day':'2027-02-05','note':'why'", "last_day"},
        {"'first_day':'2027-02-08','last_day':'2027-02-12'", "note"},
        {"'note':'why'", "first_day"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK(!act(main, stand_format(&stand, "'act':'put_off',%s", rows[i].days)));
        CHECK_TEXT(refusal(), rows[i].refusal);
    }
    CHECK(!act(control, "'act':'put_off','first_day':'2027-02-05','last_day':'2027-02-08','note':'why'"));
    CHECK_TEXT(refusal(), "first_day");
    /* looked at first: nothing changes */
    CHECK(act(main, "'act':'put_off','dry':true,'first_day':'2027-11-22','last_day':'2027-11-26','note':'why'"));
    const struct json_value *fault = json_first(json_get(json_first(json_get(stand.json, "surveys")), "faults"));
    bool breaks = false;
    for (; fault; fault = fault->next) {
        breaks = breaks || str_is(stand_text(fault, "fault"), "out_of_year");
        if (str_is(stand_text(fault, "fault"), "missing") && str_is(stand_text(fault, "kind"), "code"))
            CHECK_INT(stand_number(fault, "main"), 1);
    }
    CHECK(breaks);
    /* out of the year it counts for none of it */
    CHECK(act(main, "'act':'put_off','dry':true,'first_day':'2028-01-17','last_day':'2028-01-21','note':'why'"));
    fault = json_first(json_get(json_first(json_get(stand.json, "surveys")), "faults"));
    breaks = false;
    for (; fault; fault = fault->next)
        if (str_is(stand_text(fault, "fault"), "missing") && str_is(stand_text(fault, "kind"), "code"))
            breaks = stand_number(fault, "main") == 2;
    CHECK(breaks);
    CHECK_TEXT(stand_text(survey(main), "first_day"), "2027-02-01");
    CHECK_TEXT(stand_text(survey(main), "state"), "agreed");
    CHECK(act(main, "'act':'put_off','first_day':'2027-02-08','last_day':'2027-02-12','note':'the owner asked'"));
    CHECK_TEXT(stand_text(survey(main), "state"), "planned"); /* to be agreed anew */
    CHECK_TEXT(stand_text(survey(main), "reference"), "");
    CHECK_INT(stand_number(survey(main), "put_off"), 1);
    CHECK(ask("{'ask':'survey.faults','who':'admin','year':2027}"));
    CHECK_INT(stand_number(json_get(stand.json, "counts"), "control_soon"), 1);
    CHECK_INT(stand_number(stand.json, "total"), 1);
    /* into another year: it counts there */
    CHECK(act(control, "'act':'put_off','first_day':'2028-01-17','last_day':'2028-01-19','note':'why'"));
    CHECK_INT(stand_number(survey(control), "year"), 2028);
    CHECK(ask("{'ask':'survey.faults','who':'admin','year':2027}"));
    CHECK_INT(stand_number(json_get(stand.json, "counts"), "control_soon"), 0);
    CHECK(ask("{'ask':'survey.faults','who':'admin','year':2028}"));
    CHECK_INT(stand_number(json_get(stand.json, "counts"), "no_main"), 0);
    /* a main one that is gone leaves its control without one */
    CHECK(act(main, "'act':'cancel','note':'twice'"));
    CHECK(ask("{'ask':'survey.faults','who':'admin','year':2028}"));
    CHECK_INT(stand_number(json_get(stand.json, "counts"), "no_main"), 1);
    stand_close(&stand);
}

static void a_report_is_linked(void)
{
    if (!stand_ready(&stand))
        return;
    CHECK(ask("{'ask':'findings.note','who':'admin','object':1,'origin':'survey','title':'May','findings':[{"
              "'address':'10.0.0.1','title':'x','severity':3}]}"));
    CHECK(ask("{'ask':'findings.note','who':'admin','object':1,'origin':'own','title':'June','findings':[]}"));
    int64_t id = add("'kind':'pentest','first_day':'2026-11-23','last_day':'2026-11-27'");
    CHECK(act(id, AGREE) && act(id, "'act':'start'"));
    CHECK(!act(id, "'act':'link','findings':2") && str_is(refusal(), "findings")); /* the owner's own */
    CHECK(!act(id, "'act':'link','findings':3") && str_is(refusal(), "findings"));
    CHECK(!act(id, "'act':'link'") && str_is(refusal(), "findings"));
    CHECK_INT(json_get(survey(id), "reports")->count, 1);
    CHECK(act(id, "'act':'link','findings':1"));
    CHECK_TEXT(stand_text(survey(id), "findings_number"), "F-000001");
    CHECK(act(id, "'act':'link','findings':0")); /* it was the wrong one */
    CHECK_INT(stand_number(survey(id), "findings"), 0);
    stand_close(&stand);
}

/* ---- calendar, rights ---- */

static void the_calendar(void)
{
    if (!stand_ready(&stand))
        return;
    add("'kind':'pentest','first_day':'2027-03-18','last_day':'2027-03-26'");
    add("'kind':'manual','first_day':'2027-03-26','last_day':'2027-03-30'");
    add("'kind':'code','first_day':'2026-12-28','last_day':'2027-01-05'");
    CHECK(ask("{'ask':'survey.calendar','who':'admin','year':2027}"));
    int64_t days = 0;
    for (const struct json_value *d = json_first(json_get(stand.json, "days")); d; d = d->next) {
        struct str day = stand_text(d, "day");
        int64_t wanted = str_compare(day, STR("2027-01-05")) <= 0                                             ? 1
                         : str_compare(day, STR("2027-03-18")) < 0 || str_compare(day, STR("2027-03-30")) > 0 ? 0
                         : str_is(day, "2027-03-26")                                                          ? 2
                                                                                                              : 1;
        CHECK_INT(stand_number(d, "surveys"), wanted);
        days += wanted > 0;
        if (str_is(day, "2027-03-22"))
            CHECK_TEXT(stand_text(d, "kind"), "holiday");
    }
    CHECK_INT(days, 5 + 13);
    CHECK(ask("{'ask':'survey.list','who':'admin','year':2027,'month':1}"));
    CHECK_INT(stand_number(stand.json, "total"), 1);
    stand_close(&stand);
}

/* An object in operation needs a plan; one that is not has none to lack. */
static void objects_without_a_plan(void)
{
    if (!stand_ready(&stand))
        return;
    CHECK(ask("{'ask':'survey.faults','who':'admin','year':2027}"));
    CHECK_INT(stand_number(stand.json, "total"), 0);
    CHECK(ask("{'ask':'object.save','who':'admin','object':{'id':1,'industrial_day':'2025-05-05'}}"));
    CHECK(ask("{'ask':'object.save','who':'admin','object':{'id':0,'name':'b','industrial_day':'2025-05-05',"
              "'discontinued_day':'2026-05-05'}}"));
    CHECK(ask("{'ask':'survey.faults','who':'admin','year':2027}"));
    CHECK_INT(stand_number(stand.json, "total"), 1);
    CHECK_INT(stand_number(json_get(stand.json, "counts"), "missing"), 4);
    CHECK(ask("{'ask':'survey.faults','who':'admin','year':2026}"));
    CHECK_INT(stand_number(stand.json, "total"), 2);
    CHECK(ask("{'ask':'survey.faults','who':'admin','year':2026,'offset':1,'limit':1}"));
    CHECK_INT(json_get(stand.json, "objects")->count, 1);
    stand_close(&stand);
}

static void who_may(void)
{
    static const char *const changes[] = {
        "'ask':'survey.save','survey':{'object':1,'kind':'code','first_day':'2027-02-01','last_day':'2027-02-02'}",
        "'ask':'survey.act','act':'agree','by':'x','reference':'xxx','surveys':[{'id':1,'version':1}]",
        "'ask':'survey.accept','object':1,'year':2027,'version':0,'surveys':[]",
    };
    static const char *const reads[] = {
        "'ask':'survey.list','year':2027",
        "'ask':'survey.plan','object':1,'year':2027",
        "'ask':'survey.calendar','year':2027",
        "'ask':'survey.faults','year':2027",
    };
    if (!stand_ready(&stand))
        return;
    CHECK(ask("{'ask':'user.save','who':'admin','user':{'name':'rea','role':'auditor','password':'green river 42'}}"));
    CHECK(ask("{'ask':'session.open','user':'rea','password':'green river 42','address':'::1'}"));
    CHECK(ask(stand_format(&stand,
                           "{'ask':'password.change','token':'%s','old':'green river 42','new':'blue river 43 x'}",
                           arena_strz(stand.arena, stand_text(stand.json, "token")))));
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        CHECK(!ask(stand_format(&stand, "{%s,'who':'rea'}", changes[i])));
        CHECK_TEXT(refusal(), "denied");
    }
    for (size_t i = 0; i < ARRAY_LEN(reads); i++)
        CHECK(ask(stand_format(&stand, "{%s,'who':'rea'}", reads[i])));
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"a year is planned in one act", a_year_is_planned_in_one_act},
        {"a year that has begun", a_year_that_has_begun},
        {"what is no plan", what_is_no_plan},
        {"who has not seen it changes nothing", who_has_not_seen_it_changes_nothing},
        {"a survey of vulnerabilities", a_survey_of_vulnerabilities},
        {"a notice is read", a_notice_is_read},
        {"a survey of documents", a_survey_of_documents},
        {"other days and what they break", other_days_and_what_they_break},
        {"a report is linked", a_report_is_linked},
        {"the calendar", the_calendar},
        {"objects without a plan", objects_without_a_plan},
        {"who may", who_may},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
