/* Whose terms run for an incident: every party, object and way that it became known, by a table written out apart from
 * duty.c; and what changes of the card do to terms that run. */
#include "desk/duty.h"

#include "desk/desk_testing.h"

static struct stand stand;
static struct json_value *record; /* the newest that stand_records found */

/* ---- the table of duty.h ---- */

static const char *const starts[] = {
    "detected_national",         "confirmed_national", "confirmed", "confirmed_by_centre",
    "confirmed_by_unit",         "confirmed_of_unit",  "told",      "told_confirmed",
    "confirmed_unknown_severity"};

static void table(void)
{
    /* Of each party, object and origin: what runs before the confirmation, and after it; t: from the telling. */
    static const struct {
        enum duty_party party;
        bool critical;
        enum duty_origin origin;
        const char *before, *after;
    } rows[] = {
        {PARTY_OWNER, false, ORIGIN_OWN, "", "confirmed "},
        {PARTY_OWNER, true, ORIGIN_OWN, "", "confirmed_by_unit confirmed_of_unit "},
        {PARTY_OWNER, false, ORIGIN_STS, "told ", "told_confirmed "},
        {PARTY_OWNER, true, ORIGIN_STS, "told ", "told_confirmed "},
        {PARTY_CENTRE, false, ORIGIN_OWN, "", "confirmed "},
        {PARTY_CENTRE, true, ORIGIN_OWN, "", "confirmed_by_centre "},
        {PARTY_CENTRE, false, ORIGIN_STS, "told ", "told_confirmed "},
        {PARTY_CENTRE, true, ORIGIN_STS, "told ", "told_confirmed "},
        {PARTY_CENTRE, false, ORIGIN_UNIT, "", "confirmed "},
        {PARTY_CENTRE, true, ORIGIN_UNIT, "", "confirmed_of_unit "},
        {PARTY_NATIONAL, false, ORIGIN_OWN, "detected_national ", "detected_national confirmed_national "},
        {PARTY_NATIONAL, true, ORIGIN_OWN, "detected_national ", "detected_national confirmed_national "},
        {PARTY_NATIONAL, false, ORIGIN_UNIT, "", "confirmed_national "},
        {PARTY_NATIONAL, true, ORIGIN_UNIT, "", "confirmed_national "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int confirmed = 0; confirmed < 2; confirmed++) {
            const struct duty_facts facts = {.party = rows[i].party,
                                             .origin = rows[i].origin,
                                             .critical = rows[i].critical,
                                             .detected_ns = 100,
                                             .told_ns = rows[i].origin == ORIGIN_OWN ? 0 : 50,
                                             .confirmed_ns = confirmed ? 200 : 0};
            char text[200];
            struct buf got;
            test_row("%zu %d", i, confirmed);
            CHECK(duty_origin_fits(rows[i].party, rows[i].origin));
            buf_init_fixed(&got, text, sizeof text);
            for (size_t k = 0; k < ARRAY_LEN(starts); k++) {
                int64_t trigger = duty_trigger(&facts, str_of(starts[k]));
                if (!trigger)
                    continue;
                CHECK_INT(trigger, str_starts(str_of(starts[k]), STR("told"))       ? 50
                                   : str_starts(str_of(starts[k]), STR("detected")) ? 100
                                                                                    : 200);
                buf_format(&got, "%s ", starts[k]);
            }
            CHECK_TEXT(buf_view(&got), confirmed ? rows[i].after : rows[i].before);
        }
    CHECK(!duty_origin_fits(PARTY_OWNER, ORIGIN_UNIT) && !duty_origin_fits(PARTY_NATIONAL, ORIGIN_STS));
}

/* ---- the desk ---- */

static bool ready(const char *party)
{
    stand_party = party;
    return stand_ready(&stand);
}

static bool ask(const char *what, const char *members)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'%s','who':'admin',%s}", what, members));
}

static bool act(const char *name)
{
    return ask("incident.act", stand_format(&stand, "'id':1,'act':'%s','reason':'because'", name));
}

/* "M-14 running, ..." in the order of their beginning. */
static const char *terms(void)
{
    static char text[400];
    struct buf buf;
    buf_init_fixed(&buf, text, sizeof text);
    if (!CHECK(ask("incident.get", "'id':1")))
        return "";
    for (const struct json_value *c = json_first(json_get(json_get(stand.json, "incident"), "clocks")); c; c = c->next)
        buf_format(&buf, "%s%.*s %.*s", buf.n ? ", " : "", STR_ARG(json_str(json_get(c, "clock"), STR(""))),
                   STR_ARG(json_str(json_get(c, "state"), STR(""))));
    return buf_z(&buf);
}

static bool may(const char *name)
{
    bool found = false;
    if (!CHECK(ask("incident.get", "'id':1")))
        return false;
    for (const struct json_value *a = json_first(json_get(json_get(stand.json, "incident"), "acts")); a; a = a->next)
        found = found || str_is(a->text, name);
    return found;
}

#define REPORT "'title':'A mail with a lure','kind':'phishing','severity':3,'object_id':1"

static bool report(const char *more)
{
    return ask("incident.open", stand_format(&stand, REPORT "%s", more));
}

static void owner_finds(void)
{
    if (!ready("owner"))
        return;
    CHECK(report(""));
    CHECK_STR(str_of(terms()), STR(""));
    stand.now += M(5);
    CHECK(act("confirm"));
    CHECK_STR(str_of(terms()), STR("M-14 running, M-15 running"));
    CHECK(!may("escalate"));
    CHECK(act("notify"));
    CHECK(!act("close"));
    CHECK(act("report"));
    CHECK(act("close"));
    CHECK_STR(str_of(terms()), STR("M-14 met, M-15 met"));
    stand_close(&stand);
}

/* The 72 hours run from the moment STS told, and go on from it when the event turns out to be an incident. */
static void sts_tells(void)
{
    if (!ready("owner"))
        return;
    int64_t told = stand.now - M(600);
    CHECK(report(stand_format(&stand, ",'origin':'sts','told_ns':%lld", (long long)told)));
    CHECK_STR(str_of(terms()), STR("M-16 running"));
    const struct json_value *m16 = json_first(json_get(json_get(stand.json, "incident"), "clocks"));
    CHECK_INT(json_int(json_get(m16, "due_ns"), 0), told + M(72 * 60));
    CHECK(act("event"));
    CHECK(may("report"));
    CHECK(!act("close")); /* STS waits for the results */
    CHECK(act("report"));
    CHECK_STR(str_of(terms()), STR("M-16 met"));
    CHECK(!may("report") && !act("report"));
    stand.now += M(1);
    CHECK(act("confirm"));
    CHECK_STR(str_of(terms()), STR("M-16 met, M-17 running"));
    const struct json_value *m17 = json_first(json_get(json_get(stand.json, "incident"), "clocks"))->next;
    CHECK_INT(json_int(json_get(m17, "trigger_ns"), 0), told);
    CHECK_INT(json_int(json_get(m17, "due_ns"), 0), told + M(72 * 60));
    CHECK(act("report"));
    CHECK(!ask("incident.told", "'id':1,'origin':'own','told_ns':0")); /* it was reported */
    CHECK(act("close"));
    stand_close(&stand);
}

static void sts_tells_later(void)
{
    if (!ready("owner"))
        return;
    CHECK(report(""));
    CHECK(act("confirm"));
    stand.now += M(3);
    CHECK(ask("incident.told", stand_format(&stand, "'id':1,'origin':'sts','told_ns':%lld", (long long)stand.now)));
    CHECK_STR(str_of(terms()), STR("M-14 cancelled, M-15 cancelled, M-17 running"));
    int64_t corrected = stand.now - M(2);
    CHECK(ask("incident.told", stand_format(&stand, "'id':1,'origin':'sts','told_ns':%lld", (long long)corrected)));
    CHECK_STR(str_of(terms()), STR("M-14 cancelled, M-15 cancelled, M-17 cancelled, M-17 running"));
    CHECK(ask("incident.told", "'id':1,'origin':'own','told_ns':0")); /* it was a mistake */
    CHECK_STR(str_of(terms()), STR("M-14 cancelled, M-15 cancelled, M-17 cancelled, M-17 cancelled, M-14 running, "
                                   "M-15 running"));
    CHECK_INT(stand_records(&stand, "incident.told", &record), 3);
    stand_close(&stand);
}

static void critical_objects(void)
{
    static const struct {
        const char *party, *origin, *after;
    } rows[] = {
        {"owner", "own", "M-31 running, M-32 running"},
        {"centre", "own", "M-28 running, M-29 running"},
        {"centre", "unit", "M-32 running"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        if (!ready(rows[i].party))
            return;
        CHECK(ask("object.save", "'object':{'id':1,'critical':true}"));
        long long told = i == 2 ? stand.now : 0;
        CHECK(report(stand_format(&stand, ",'origin':'%s','told_ns':%lld", rows[i].origin, told)));
        CHECK(act("confirm"));
        CHECK_STR(str_of(terms()), str_of(rows[i].after));
        CHECK(act("report"));
        CHECK(i == 2 || act("notify"));
        CHECK(act("close"));
        stand_close(&stand);
    }
}

/* It turns out to be about another object: what was done counts, what was not runs by the other paragraph. */
static void another_object(void)
{
    if (!ready("owner"))
        return;
    CHECK(ask("object.save", "'object':{'id':0,'name':'Grid','class':1,'contour':'internal','critical':true}"));
    CHECK(report(""));
    CHECK(act("confirm"));
    CHECK(act("notify"));
    CHECK(ask("incident.edit", "'id':1,'fields':{'object_id':2}"));
    CHECK_STR(str_of(terms()), STR("M-14 met, M-15 cancelled, M-32 running"));
    CHECK(ask("incident.edit", "'id':1,'fields':{'object_id':1}"));
    CHECK_STR(str_of(terms()), STR("M-14 met, M-15 cancelled, M-32 cancelled, M-15 running"));
    stand_close(&stand);
}

static void national(void)
{
    if (!ready("national"))
        return;
    CHECK(report(""));
    CHECK_STR(str_of(terms()), STR("M-04 running"));
    CHECK(act("notify"));
    CHECK(act("confirm"));
    CHECK_STR(str_of(terms()), STR("M-04 met, M-05 running"));
    CHECK(may("escalate"));
    stand.now += M(72 * 60);
    CHECK_INT(desk_tick(stand.desk, stand.now, NULL), RC_OK);
    CHECK_STR(str_of(terms()), STR("M-04 met, M-05 overdue"));
    CHECK(act("eradicate")); /* too late: the committee is to be told all the same */
    CHECK(!act("close"));
    CHECK(act("escalate"));
    CHECK(!act("escalate") && !may("escalate"));
    CHECK(act("close"));
    stand_close(&stand);
    if (!ready("national"))
        return;
    CHECK(!report(",'origin':'unit','told_ns':1")); /* in 1970 */
    CHECK(report(stand_format(&stand, ",'origin':'unit','told_ns':%lld", (long long)stand.now)));
    CHECK(act("confirm"));
    CHECK(act("eradicate")); /* in time: nobody is to be told */
    CHECK_STR(str_of(terms()), STR("M-05 cancelled"));
    CHECK(act("close"));
    stand_close(&stand);
}

static void refused(void)
{
    static const struct {
        const char *members, *field;
    } rows[] = {
        {"'kind':'phishing','severity':3,'object_id':1", "title"},
        {"'title':'a\\nb','kind':'phishing','severity':3,'object_id':1", "title"},
        {"'title':'t','kind':'no such','severity':3,'object_id':1", "kind"},
        {"'title':'t','severity':3,'object_id':1", "kind"},
        {"'title':'t','kind':'phishing','object_id':1", "severity"},
        {"'title':'t','kind':'phishing','severity':5,'object_id':1", "severity"},
        {"'title':'t','kind':'phishing','severity':3", "object_id"},
        {"'title':'t','kind':'phishing','severity':3,'object_id':99", "object_id"},
        {REPORT ",'host':'a\\nb'", "host"},
        {REPORT ",'occurred_ns':9000000000000000000", "occurred_ns"},
        {REPORT ",'occurred_ns':-1", "occurred_ns"},
        {REPORT ",'origin':'sts'", "told_ns"},
        {REPORT ",'origin':'sts','told_ns':9000000000000000000", "told_ns"},
        {REPORT ",'origin':'own','told_ns':5", "told_ns"},
        {REPORT ",'origin':'unit','told_ns':5", "origin"},
        {REPORT ",'origin':'somebody','told_ns':5", "origin"},
    };
    if (!ready("owner"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].members);
        CHECK(!ask("incident.open", rows[i].members));
        CHECK_TEXT(json_str(json_get(stand.json, "error"), STR("")), "invalid");
        CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), rows[i].field);
    }
    CHECK_INT(stand_records(&stand, "incident.detected", &record), 0);
    CHECK(!ask("incident.told", "'id':1,'origin':'own'"));
    CHECK(report(""));
    CHECK(report("")); /* another one: reports are never folded */
    CHECK(ask("incident.list", "'state':'open'"));
    CHECK_INT(json_int(json_get(stand.json, "total"), 0), 2);
    CHECK(!ask("incident.told", "'id':1")); /* by whom? */
    CHECK(act("false_positive"));
    CHECK(!ask("incident.told", "'id':1,'origin':'own'"));
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the table", table},
        {"the owner finds one", owner_finds},
        {"STS tells", sts_tells},
        {"STS tells later", sts_tells_later},
        {"critical objects", critical_objects},
        {"another object", another_object},
        {"the national centre", national},
        {"what is refused", refused},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
