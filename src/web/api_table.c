/* The questions that can be asked over HTTP, and what their members are: doc/api.md, held together by api_test.c. */
#include "base/macros.h"
#include "web/api.h"

#include <string.h>

#define MEMBERS(...)                                                                                                   \
    (const struct api_member[])                                                                                        \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define NOTHING                                                                                                        \
    (const struct api_member[])                                                                                        \
    {                                                                                                                  \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define GET(ask, scope, ...)                                                                                           \
    {                                                                                                                  \
        ask, WEB_DESK, false, scope, __VA_ARGS__                                                                       \
    }
#define POST(ask, scope, ...)                                                                                          \
    {                                                                                                                  \
        ask, WEB_DESK, true, scope, __VA_ARGS__                                                                        \
    }
#define T(name)                                                                                                        \
    {                                                                                                                  \
        name, API_TEXT, 0, NULL                                                                                        \
    }
#define TMAX(name, bytes)                                                                                              \
    {                                                                                                                  \
        name, API_TEXT, bytes, NULL                                                                                    \
    }
#define I(name)                                                                                                        \
    {                                                                                                                  \
        name, API_INT, 0, NULL                                                                                         \
    }
#define B(name)                                                                                                        \
    {                                                                                                                  \
        name, API_BOOL, 0, NULL                                                                                        \
    }
#define PAGE(limit_max)                                                                                                \
    I("offset"),                                                                                                       \
    {                                                                                                                  \
        "limit", API_INT, limit_max, NULL                                                                              \
    }
#define TEXTS(name, count)                                                                                             \
    {                                                                                                                  \
        name, API_TEXTS, count, NULL                                                                                   \
    }
#define INTS(name, count)                                                                                              \
    {                                                                                                                  \
        name, API_INTS, count, NULL                                                                                    \
    }
#define ROWS(name, count, of)                                                                                          \
    {                                                                                                                  \
        name, API_ROWS, count, of                                                                                      \
    }
#define OBJECT(name, of)                                                                                               \
    {                                                                                                                  \
        name, API_OBJECT, 0, of                                                                                        \
    }
#define TEXT_MAX (64u << 10) /* of rules, filters and lines */

static const struct api_member contact[] = {T("name"), T("email"), T("phone"), {0}};
static const struct api_member asset[] = {T("kind"), T("pattern"), {0}};
static const struct api_member object[] = {I("id"),
                                           T("name"),
                                           I("class"),
                                           T("contour"),
                                           T("owner"),
                                           I("zone_offset_s"),
                                           ROWS("contacts", 0, contact),
                                           I("keep_days"),
                                           B("critical"),
                                           ROWS("assets", 0, asset),
                                           {0}};
static const struct api_member card[] = {
    T("title"), I("severity"),    T("kind"),   T("scope"),   T("sign"), T("contour"),   B("repeat"),
    T("ioc"),   T("consequence"), T("nature"), T("actions"), T("note"), I("object_id"), {0}};
static const struct api_member finding[] = {T("scanner"),
                                            T("check"),
                                            T("address"),
                                            T("host"),
                                            T("protocol"),
                                            I("port"),
                                            T("component"),
                                            T("place"),
                                            T("print"),
                                            T("title"),
                                            T("description"),
                                            T("solution"),
                                            T("evidence"),
                                            TEXTS("cves", 0),
                                            I("score"),
                                            I("severity"),
                                            I("seen_ns"),
                                            T("verdict"),
                                            {0}};
static const struct api_member channel[] = {I("id"),   T("kind"),   T("to"),       T("server"),  T("from"),
                                            T("user"), T("secret"), T("language"), B("enabled"), {0}};
static const struct api_member user[] = {T("name"), T("role"), T("password"), B("enabled"), {0}};
static const struct api_member condition[] = {T("field"), TEXTS("values", 16), {0}};

static const struct api_member survey[] = {I("id"),        I("object"),   T("kind"),        B("control"), I("main"),
                                           T("first_day"), T("last_day"), T("responsible"), T("notes"),   {0}};
static const struct api_member survey_seen[] = {I("id"), I("version"), {0}};
static const struct api_member survey_planned[] = {
    T("kind"), B("control"), I("main"), I("pair"), T("first_day"), T("last_day"), T("responsible"), B("tight"), {0}};

#define FINDINGS_HEAD                                                                                                  \
    I("object"), T("origin"), B("control"), T("title"), T("format"), T("scanner"), T("sha256"), I("received_ns")
#define FILTER_HEAD T("rule"), T("title"), T("reason"), I("record"), ROWS("conditions", 32, condition)

static const struct api_row rows[] = {
    GET("object.list", "objects", NOTHING),
    POST("object.save", "objects",
         MEMBERS(OBJECT("object", object), I("version"), T("reason"), I("contacts_changed_ns"), B("draft"),
                 I("draft_ns"), B("dry"))),
    GET("object.card", "objects", MEMBERS(I("id"))),
    GET("object.export", "objects", MEMBERS(I("id"))),
    GET("object.versions", "objects", MEMBERS(I("id"))),
    GET("object.version", "objects", MEMBERS(I("id"), I("version"))),
    POST("object.draft_end", "objects", MEMBERS(I("id"), I("draft_ns"))),
    POST("object.act", "objects", MEMBERS(I("id"), T("act"), T("note"), I("at_ns"))),
    GET("source.list", "objects", MEMBERS(PAGE(2000))),
    GET("coverage.list", "objects", MEMBERS(I("object"), T("class"), T("only"), PAGE(500))),
    GET("coverage.source", "objects", MEMBERS(T("id"))),
    GET("coverage.object", "objects", MEMBERS(I("object"))),
    POST("coverage.set", "objects", MEMBERS(T("id"), TEXTS("classes", 0), T("reason"))),
    GET("loss.list", "incidents",
        MEMBERS(I("object"), T("source"), T("cause"), T("state"), I("from_ns"), I("to_ns"), PAGE(500))),
    GET("loss.hours", "incidents", MEMBERS(T("source"), I("from_ns"), I("to_ns"), PAGE(500))),
    POST("loss.explain", "incidents", MEMBERS(I("id"), T("explanation"))),
    GET("announce.list", "incidents", MEMBERS(PAGE(500))),
    POST("announce.save", "incidents",
         MEMBERS(T("source"), I("from_ns"), I("to_ns"), T("what"), T("before"), T("after"))),
    POST("announce.end", "incidents", MEMBERS(I("id"), T("reason"))),
    GET("canary.list", "incidents", MEMBERS(I("hours"))),
    GET("parser.list", "rules", MEMBERS(PAGE(500))),
    GET("parser.source", "rules", MEMBERS(T("id"))),
    GET("parser.drafts", "rules", NOTHING),
    POST("parser.save", "rules",
         MEMBERS(T("name"), T("program"), T("pattern"), T("kind"), T("outcome"), T("set"), T("sample"), T("reason"))),
    POST("parser.end", "rules", MEMBERS(T("name"), T("reason"))),
    POST("parser.use", "rules", MEMBERS(T("name"), I("version"), T("reason"))),
    POST("parser.stop", "rules", MEMBERS(T("name"), T("reason"))),
    GET("parser.versions", "rules", MEMBERS(T("name"))),
    {"parse.lines", WEB_QUERY, false, "rules",
     MEMBERS(T("source"), {"limit", API_INT, 100, NULL}, I("before"), T("only"), TMAX("text", TEXT_MAX), B("propose"),
             T("pattern"), T("program"))},
    GET("incident.list", "incidents", MEMBERS(T("state"), PAGE(200))),
    GET("incident.get", "incidents", MEMBERS(I("id"))),
    POST("incident.act", "incidents", MEMBERS(I("id"), T("act"), T("reason"))),
    POST("incident.edit", "incidents", MEMBERS(I("id"), OBJECT("fields", card))),
    POST("incident.open", "incidents",
         MEMBERS(T("title"), T("kind"), I("severity"), I("object_id"), T("nature"), I("occurred_ns"), T("host"),
                 T("account"), T("address"), T("origin"), I("told_ns"))),
    POST("incident.told", "incidents", MEMBERS(I("id"), T("origin"), I("told_ns"), T("reason"))),
    GET("clock.list", "incidents",
        MEMBERS(T("state"), I("object"), T("subject"), T("clock"), I("from_ns"), I("to_ns"), I("after_ns"),
                I("after_id"), {"limit", API_INT, 200, NULL})),
    GET("clock.rules", "incidents", NOTHING),
    GET("clock.try", "incidents", MEMBERS(T("clock"), I("start_ns"), I("zone_offset_s"))),
    GET("vulnerability.list", "vulnerabilities",
        MEMBERS(I("object"), T("state"), I("severity"), I("findings"), T("place"), T("cve"), PAGE(200))),
    GET("vulnerability.get", "vulnerabilities", MEMBERS(I("id"))),
    POST("vulnerability.act", "vulnerabilities",
         MEMBERS(INTS("ids", 200), T("act"), T("reason"), T("category"), I("until_ns"))),
    GET("findings.list", "vulnerabilities", MEMBERS(I("object"), PAGE(0))),
    GET("findings.get", "vulnerabilities", MEMBERS(I("id"))),
    POST("findings.begin", "vulnerabilities", MEMBERS(FINDINGS_HEAD)),
    POST("findings.add", "vulnerabilities", MEMBERS(I("id"), ROWS("findings", 2000, finding))),
    POST("findings.end", "vulnerabilities", MEMBERS(I("id"), T("summary"))),
    POST("findings.inform", "vulnerabilities", MEMBERS(I("id"), T("note"))),
    POST("findings.note", "vulnerabilities", MEMBERS(FINDINGS_HEAD, ROWS("findings", 2000, finding))),
    GET("upload.list", "vulnerabilities", MEMBERS(PAGE(100))),
    GET("upload.get", "vulnerabilities", MEMBERS(I("id"))),
    POST("upload.accept", "vulnerabilities", MEMBERS(I("id"))),
    POST("upload.drop", "vulnerabilities", MEMBERS(I("id"))),
    GET("survey.list", "vulnerabilities",
        MEMBERS(I("year"), I("month"), I("object"), T("kind"), T("state"), PAGE(500))),
    GET("survey.get", "vulnerabilities", MEMBERS(I("id"))),
    POST("survey.save", "vulnerabilities", MEMBERS(OBJECT("survey", survey), I("version"), T("reason"))),
    POST("survey.act", "vulnerabilities",
         MEMBERS(ROWS("surveys", 200, survey_seen), T("act"), T("note"), I("at_ns"), T("by"), T("reference"),
                 T("first_day"), T("last_day"), I("findings"), B("dry"))),
    GET("survey.plan", "vulnerabilities", MEMBERS(I("object"), I("year"))),
    POST("survey.accept", "vulnerabilities",
         MEMBERS(I("object"), I("year"), I("version"), T("reason"), ROWS("surveys", 48, survey_planned))),
    GET("survey.calendar", "vulnerabilities", MEMBERS(I("year"), I("object"))),
    GET("survey.faults", "vulnerabilities", MEMBERS(I("year"), I("object"), PAGE(200))),
    GET("document.list", "objects", MEMBERS(I("object"))),
    GET("document.get", "objects", MEMBERS(I("id"))),
    GET("document.judgement", "objects", MEMBERS(I("id"))),
    POST("document.judge", "objects", MEMBERS(I("file"))),
    POST("document.review", "objects", MEMBERS(I("id"), T("day"), T("note"))),
    POST("document.end", "objects", MEMBERS(I("id"), T("note"))),
    POST("document.violation", "objects", MEMBERS(I("object"), I("document"), T("requirement"), T("day"), T("note"))),
    POST("document.mend", "objects", MEMBERS(I("id"), T("day"), T("note"))),
    GET("catalogue", "incidents", NOTHING),
    GET("channel.list", API_ADMINISTRATION, NOTHING),
    POST("channel.save", API_ADMINISTRATION, MEMBERS(OBJECT("channel", channel))),
    GET("user.list", API_PERSON, NOTHING),
    POST("user.save", API_PERSON, MEMBERS(OBJECT("user", user))),
    POST("factor.policy", API_PERSON, MEMBERS(TEXTS("roles", 4))),
    POST("factor.reset", API_PERSON, MEMBERS(T("user"), T("reason"))),
    GET("witness.list", "search", NOTHING),
    {"search", WEB_QUERY, false, "search",
     MEMBERS(T("query"), I("from_ns"), I("to_ns"), {"limit", API_INT, 500, NULL}, I("before"), I("skip"), I("now_ns"),
             {"wait_ms", API_INT, 1000, NULL}, T("job"), B("stop"), B("hide_own"))},
    {"record", WEB_QUERY, false, "search", MEMBERS(I("record"))},
    {"explain", WEB_QUERY, false, "search", MEMBERS(I("record"), T("rule"))},
    {"proof", WEB_QUERY, false, "search", MEMBERS(I("record"))},
    {"sheet", WEB_QUERY, false, "search", MEMBERS(T("records"), T("lang"))},
    {"archive", WEB_QUERY, false, "search", NOTHING},
    GET("receiver.list", "search", NOTHING),
    GET("mirror.list", "search", NOTHING),
    POST("mirror.forget", API_ADMINISTRATION, MEMBERS(T("name"))),
    GET("retention.list", "search", NOTHING),
    POST("retention.propose", API_PERSON, MEMBERS(INTS("segments", 0), T("reason"))),
    POST("retention.approve", API_PERSON, MEMBERS(I("id"), T("reason"))),
    POST("retention.refuse", API_PERSON, MEMBERS(I("id"), T("reason"))),
    GET("rule.list", "rules", MEMBERS(T("state"), T("level"), T("text"), T("tactic"), T("show"), T("sort"), PAGE(200))),
    GET("rule.get", "rules", MEMBERS(T("id"))),
    POST("rule.save", "rules", MEMBERS(T("id"), T("state"), T("level"), T("reason"))),
    GET("rule.report", "rules", NOTHING),
    GET("rule.coverage", "rules", NOTHING),
    GET("filter.list", "rules", MEMBERS(PAGE(100))),
    GET("filter.hits", "rules", MEMBERS(T("rule"))),
    POST("filter.draft", "rules", MEMBERS(FILTER_HEAD)),
    POST("filter.save", "rules", MEMBERS(FILTER_HEAD, I("expires_ns"), T("shown"))),
    POST("filter.end", "rules", MEMBERS(T("id"), T("reason"))),
    {"filter_try", WEB_QUERY, true, "rules", MEMBERS(T("rule"), TMAX("text", TEXT_MAX), INTS("records", 200))},
    GET("rule.text", "rules", MEMBERS(T("id"), I("version"))),
    POST("rule.check", "rules", MEMBERS(TMAX("text", TEXT_MAX), T("id"))),
    {"rule.try", WEB_QUERY, true, "rules",
     MEMBERS(TMAX("text", TEXT_MAX), I("events"), I("hours"), TMAX("sample", TEXT_MAX), I("wait_ms"), T("job"),
             B("stop"))},
    POST("rule.write", "rules", MEMBERS(TMAX("text", TEXT_MAX), T("reason"), T("id"), B("keep"))),
    POST("rule.end", "rules", MEMBERS(T("id"), T("reason"))),
    GET("rule.packs", "rules", NOTHING),
    POST("rule.activate", "rules", MEMBERS(T("pack"), T("level"), T("status"), T("state"), T("reason"))),
    GET("rule.levels", "rules", MEMBERS(T("level"), T("pack"), T("from"), T("state"), I("act"))),
    POST("rule.switch", "rules", MEMBERS(T("level"), T("pack"), T("from"), T("state"), T("reason"), I("expected"))),
    POST("rule.restore", "rules", MEMBERS(I("act"), T("reason"), I("expected"))),
    POST("rule.compare", "rules", MEMBERS(T("pack"), I("from_ns"), I("to_ns"))),
    GET("hunt.list", "rules", MEMBERS(T("rule"), PAGE(200))),
    GET("hunt.get", "rules", MEMBERS(I("id"), PAGE(200))),
    POST("hunt.start", "rules", MEMBERS(T("rule"), B("lists"), I("from_ns"), I("to_ns"))),
    POST("hunt.stop", "rules", MEMBERS(I("id"))),
    POST("hunt.open", "incidents", MEMBERS(I("hit"))),
    GET("indicator.list", "rules", NOTHING),
    GET("indicator.own", "rules", NOTHING),
    GET("indicator.get", "rules", MEMBERS(I("id"))),
    GET("indicator.version", "rules", MEMBERS(I("id"))),
    POST("indicator.take", "rules", MEMBERS(I("id"))),
    POST("indicator.drop", "rules", MEMBERS(I("id"))),
    POST("indicator.end", "rules", MEMBERS(I("id"), T("reason"))),
    POST("indicator.restore", "rules", MEMBERS(I("id"), T("reason"), I("expires_ns"))),
    GET("agent.list", "agents", MEMBERS(T("state"), T("group"), T("text"), PAGE(500))),
    GET("agent.show", "agents", MEMBERS(T("agent"))),
    POST("agent.token", "agents", MEMBERS(T("name"), T("group"), I("object"), T("servers"))),
    POST("agent.token_end", "agents", MEMBERS(I("id"))),
    POST("agent.revoke", "agents", MEMBERS(T("agent"), T("reason"))),
    POST("agent.save", "agents", MEMBERS(T("agent"), T("name"), T("group"), I("object"))),
    GET("inventory.list", "objects", MEMBERS(I("object"), T("text"), PAGE(500))),
    GET("inventory.show", "objects", MEMBERS(T("agent"), T("kind"), T("text"), PAGE(0))),
    GET("inventory.changes", "objects", MEMBERS(T("agent"), T("kind"), T("text"), I("object"), PAGE(0))),
    GET("inventory.search", "objects",
        MEMBERS(T("kind"), T("name"), T("op"), T("version"), B("exact"), I("object"), PAGE(0))),
    GET("inventory.object", "objects", MEMBERS(I("object"))),
    POST("inventory.ask", "agents", MEMBERS(T("agent"))),
    GET("policy.list", "agents", NOTHING),
    GET("policy.get", "agents", MEMBERS(T("group"), I("version"))),
    POST("policy.save", "agents", MEMBERS(T("group"), T("text"), T("reason"))),
    POST("policy.roll_back", "agents", MEMBERS(T("group"), I("version"), T("reason"))),
    GET("metrics.get", "metrics", NOTHING),
    POST("report.make", "reports",
         MEMBERS(T("kind"), I("object"), I("year"), I("quarter"), I("days"), I("hours"), TMAX("violations", 8000))),
    GET("report.list", "reports", MEMBERS(T("kind"), PAGE(200))),
    GET("report.get", "reports", MEMBERS(I("id"))),
    GET("token.list", API_PERSON, NOTHING),
    POST("token.make", API_PERSON,
         MEMBERS(T("name"), TEXTS("scopes", 0), T("addresses"), I("until_ns"), T("password"))),
    POST("token.end", API_PERSON, MEMBERS(I("id"))),
};

const struct api_row *api_at(size_t i)
{
    return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

const struct api_row *api_find(struct str ask)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(ask, rows[i].ask))
            return &rows[i];
    return NULL;
}

bool api_read_opens(const struct api_row *row)
{
    return !row->changes && strcmp(row->scope, API_ADMINISTRATION) != 0 && strcmp(row->scope, API_PERSON) != 0;
}
