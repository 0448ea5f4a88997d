/* Surveys: what the pages ask for, what a person takes of a proposal, and how a refusal comes back. */
#include "base/test.h"
#include "web/fake_peers.h"

static bool asked(const char *text)
{
    return strstr(peers.asked, text) != NULL;
}

static void what_was_chosen_is_asked(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/surveys?year=2027&object=2")), 200);
    CHECK(asked("\"ask\":\"survey.calendar\"") && asked("\"year\":2027,\"object\":2"));
    CHECK_INT(status_of(get("/surveys?year=9&object=-4")), 200);
    CHECK(asked("\"year\":2000,\"object\":0"));
    CHECK_INT(status_of(get("/surveys/month?year=2027&month=13")), 200);
    CHECK(asked("\"year\":2027,\"month\":12,\"object\":0"));
    CHECK(seen_has("href=\"/surveys/month?year=2028&amp;month=1&amp;object=0\""));
    CHECK_INT(status_of(get("/surveys/list?year=2027&state=planned&kind=pentest&object=3&offset=100")), 200);
    CHECK(asked("\"year\":2027,\"object\":3,\"state\":\"planned\",\"kind\":\"pentest\",\"offset\":100"));
    CHECK(seen_has("/surveys/list?year=2027&amp;object=3&amp;state=planned&amp;kind=pentest&amp;offset=0\""));
    CHECK_INT(status_of(get("/surveys/list?state=odd")), 200);
    CHECK(asked("\"state\":\"\""));
    CHECK_INT(status_of(get("/surveys/faults?year=2027&offset=50")), 200);
    CHECK(asked("\"ask\":\"survey.faults\"") && asked("\"year\":2027,\"offset\":50"));
    CHECK(seen_has("not planned: main 2, control 3."));
}

static void days_of_the_calendar(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/surveys?year=2026")), 200);
    CHECK(
        seen_has("<td class=\"runs\"><a href=\"/surveys/month?year=2026&amp;month=11&amp;object=0#d20\">20 <b>12</b>"));
    CHECK(seen_has("<td class=\"off\">1</td>")); /* New Year is a Thursday */
    CHECK_INT(status_of(get("/surveys/month?year=2026&month=11")), 200);
    CHECK(seen_has("<td id=\"d20\" class=\"\"><b>20</b>") && seen_has("12 more"));
    CHECK(seen_has("<td id=\"d22\" class=\"off empty-day\">")); /* a Sunday */
}

#define FIRST  "&what_0=pentest+0+0+-1&first_0=2027-03-01&last_0=2027-03-05"
#define SECOND "&what_1=pentest+1+0+0&first_1=2027-05-03&last_1=2027-05-07"
#define THIRD  "&what_2=code+1+5+-1&first_2=2027-06-01&last_2=2027-06-04"

static void a_proposal_is_taken(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/objects/1/surveys?year=2027")), 200);
    CHECK(asked("\"ask\":\"survey.plan\"") && asked("\"object\":1,\"year\":2027"));
    CHECK(seen_has("name=\"what_1\" value=\"pentest 1 0 0\"") && seen_has("name=\"seen\" value=\"7\""));
    CHECK_INT(status_of(post("/objects/1/surveys?year=2027",
                             "csrf=" FAKE_CSRF "&act=accept&seen=7" FIRST SECOND THIRD "&take_0=yes&take_1=yes")),
              303);
    CHECK(
        asked("\"object\":1,\"year\":2027,\"version\":7,\"surveys\":[{\"kind\":\"pentest\",\"control\":false,"
              "\"main\":0,\"pair\":-1,\"first_day\":\"2027-03-01\",\"last_day\":\"2027-03-05\"},{\"kind\":\"pentest\","
              "\"control\":true,\"main\":0,\"pair\":0,\"first_day\":\"2027-05-03\",\"last_day\":\"2027-05-07\"}]"));
    CHECK_TEXT(seen_location, "/objects/1/surveys?year=2027&saved=1");
    /* a main one that is left out leaves its control without: the desk says so */
    CHECK_INT(status_of(post("/objects/1/surveys?year=2027",
                             "csrf=" FAKE_CSRF "&act=accept&seen=7" FIRST SECOND THIRD "&take_1=yes&take_2=yes")),
              303);
    CHECK(asked("\"surveys\":[{\"kind\":\"pentest\",\"control\":true,\"main\":0,\"pair\":-1,") &&
          asked("{\"kind\":\"code\",\"control\":true,\"main\":5,\"pair\":-1,"));
    CHECK_INT(status_of(post("/objects/1/surveys?year=2027", "act=accept&seen=7" FIRST "&take_0=yes")), 403);
}

/* What was typed stays while the row is the same; where another plan stands, what that proposes is shown. */
static void a_refused_proposal_comes_back(void)
{
    peers_reset();
    peers.ask = "survey.accept";
    peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"first_day\",\"text\":\"x\"}");
    CHECK_INT(status_of(post("/objects/1/surveys?year=2027",
                             "csrf=" FAKE_CSRF "&act=accept&seen=7&what_0=pentest+0+0+-1&first_0=2027-03-29&last_0=x"
                             "&what_1=code+1+0+0&first_1=2027-11-29")),
              422);
    CHECK(seen_has("value=\"2027-03-29\"") && !seen_has("2027-11-29") && seen_has("value=\"2027-05-03\""));
    peers.json = STR("{\"ok\":false,\"error\":\"survey_changed\",\"text\":\"x\"}");
    CHECK_INT(status_of(post("/objects/1/surveys?year=2027", "csrf=" FAKE_CSRF "&act=accept&seen=6" FIRST)), 409);
    CHECK(seen_has("Somebody else changed the plan") && seen_has("name=\"seen\" value=\"7\""));
}

static void acts(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/surveys/5")), 200);
    CHECK(asked("\"ask\":\"survey.get\"") && asked("\"id\":5") && seen_has("href=\"/vulnerabilities/reports/3\""));
    CHECK_INT(status_of(post("/surveys/5", "csrf=" FAKE_CSRF "&act=finish&seen=3&zone=21600&at=2026-11-20T10:00")),
              303);
    CHECK(asked("\"surveys\":[{\"id\":5,\"version\":3}],\"act\":\"finish\"") && asked("\"at_ns\":1795147200000000000"));
    CHECK_INT(status_of(post("/surveys/5", "csrf=" FAKE_CSRF "&act=finish&seen=3&at=soon")), 303);
    CHECK(asked("\"at_ns\":-1"));
    CHECK_INT(status_of(post("/surveys/5", "csrf=" FAKE_CSRF "&act=finish")), 303);
    CHECK(asked("\"version\":-1") && asked("\"at_ns\":0")); /* refused by the desk */
    CHECK_INT(status_of(post("/surveys/5", "csrf=" FAKE_CSRF "&act=save&seen=3&responsible=A")), 303);
    CHECK(asked("\"version\":3,\"survey\":{\"id\":5,\"responsible\":\"A\",\"notes\":\"\"}"));
    CHECK_INT(status_of(post("/surveys/5", "act=finish&seen=3")), 403);
    /* other days are looked at first */
    CHECK_INT(status_of(post("/surveys/5", "csrf=" FAKE_CSRF "&act=put_off&seen=3&dry=yes&first_day=2027-11-22"
                                           "&last_day=2027-11-26&note=why")),
              200);
    CHECK(asked("\"dry\":true") && seen_has("id=\"breaks\"") && seen_has("leaves this year") &&
          seen_has("value=\"2027-11-22\"") && seen_has("why</textarea>"));
}

static void a_schedule_is_agreed(void)
{
    peers_reset();
    CHECK_INT(status_of(get("/surveys/list?year=2027&state=planned")), 200);
    CHECK(seen_has("name=\"seen\" value=\"5:3\""));
    CHECK_INT(status_of(post("/surveys/list", "csrf=" FAKE_CSRF "&seen=5:3,6:1,x&by=K&reference=12&"
                                              "back=/surveys/list?year=2027")),
              303);
    CHECK(asked("\"act\":\"agree\",\"by\":\"K\",\"reference\":\"12\",\"surveys\":[{\"id\":5,\"version\":3},"
                "{\"id\":6,\"version\":1},{\"id\":0,\"version\":-1}]"));
    CHECK_TEXT(seen_location, "/surveys/list?year=2027&saved=1");
    CHECK_INT(status_of(post("/surveys/list", "csrf=" FAKE_CSRF "&seen=5:3&by=K&reference=12&back=//evil.example")),
              303);
    CHECK_TEXT(seen_location, "/surveys/list?saved=1");
}

static void what_was_sent_stays_text(void)
{
    static const struct {
        const char *path;
        const char *ask;
        const char *body;
    } forms[] = {
        {"/surveys/5", "survey.act", "act=cancel&note=%3C/textarea%3E%3Cscript%3Eevil()&at=%22%3E%3Cscript%3Eevil()"},
        {"/surveys/5", "survey.save", "act=save&responsible=%22%3E%3Cscript%3Eevil()"},
        {"/objects/1/surveys?year=2027", "survey.save",
         "act=add&kind=%22%3E%3Cscript%3Eevil()&first_day=%22%3E%3Cscript%3Eevil()"},
        {"/objects/1/surveys?year=2027", "survey.accept",
         "what_0=pentest+0+0+-1&take_0=yes&first_0=%22%3E%3Cscript%3Eevil()&last_0=%22%3E%3Cscript%3Eevil()"},
    };
    peers_reset();
    CHECK_INT(status_of(get("/surveys/list?kind=%22%3E%3Cscript%3Eevil()&year=%22%3E%3Cscript%3Eevil()")), 200);
    CHECK(!seen_has("<script>evil"));
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char body[512];
        peers_reset();
        snprintf(body, sizeof body, "csrf=" FAKE_CSRF "&%s", forms[i].body);
        peers.ask = forms[i].ask;
        peers.json = STR("{\"ok\":false,\"error\":\"invalid\",\"field\":\"<script>evil()\",\"text\":\"x\"}");
        test_row("%zu", i);
        CHECK_INT(status_of(post(forms[i].path, body)), 422);
        CHECK(!seen_has("<script>evil") && seen_has("&lt;script&gt;evil()"));
    }
}

static void a_record_is_told_as_a_sentence(void)
{
    peers_reset();
    peers.ask = "record";
    peers.json = STR("{\"ok\":true,\"record\":9,\"type\":\"lifecycle\",\"raw\":\"{\\\"event\\\":\\\"survey.sent\\\","
                     "\\\"who\\\":\\\"ann\\\",\\\"survey\\\":\\\"S-000005\\\",\\\"object\\\":\\\"portal\\\"}\"}");
    CHECK_INT(status_of(get("/records/9")), 200);
    CHECK(seen_has("S-000005 \xc2\xb7 portal: Results and recommendations sent \xc2\xb7 ann"));
}

static void in_every_language(void)
{
    static const char *const languages[] = {"kk", "ru", "en"};
    static const char *const paths[] = {"/surveys",        "/surveys/month", "/surveys/list",
                                        "/surveys/faults", "/surveys/5",     "/objects/1/surveys"};
    for (size_t i = 0; i < ARRAY_LEN(languages) * ARRAY_LEN(paths); i++) {
        peers_reset();
        peers.language = languages[i % 3];
        test_row("%s %s", peers.language, paths[i / 3]);
        CHECK_INT(status_of(get(paths[i / 3])), 200);
        CHECK(!seen_has(">survey.") && !seen_has(">surveys.") && !seen_has("field."));
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what was chosen is asked", what_was_chosen_is_asked},
        {"days of the calendar", days_of_the_calendar},
        {"a proposal is taken", a_proposal_is_taken},
        {"a refused proposal comes back", a_refused_proposal_comes_back},
        {"acts", acts},
        {"a schedule is agreed", a_schedule_is_agreed},
        {"what was sent stays text", what_was_sent_stays_text},
        {"a record is told as a sentence", a_record_is_told_as_a_sentence},
        {"in every language", in_every_language},
    };
    return web_tests_run(tests, ARRAY_LEN(tests), argc, argv);
}
