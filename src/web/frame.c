/* The frame of every page: head, skip link, header with sections, languages and user, footer. */
#include "base/assert.h"
#include "web/call.h"
#include "web/parts.h"
#include "web/route.h"

static void head(struct web_call *call, struct str title)
{
    struct html *html = &call->html;
    struct str hash = call_format(call, "%016llx", (unsigned long long)call->web->asset_hash[0]);
    HTML(html, RAW("<!doctype html>\n<html lang=\""), ESCZ(language_code(html->language)),
         RAW("\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<meta name=\"color-scheme\" content=\"light dark\"><title>"),
         ESC(title), RAW(" \xc2\xb7 "), SAY("app.name"), RAW("</title><link rel=\"stylesheet\" href=\"/ui/"), ESC(hash),
         RAW("/style.css\"><link rel=\"icon\" type=\"image/svg+xml\" href=\"/ui/"), ESC(hash),
         RAW("/icon.svg\"><script type=\"module\" src=\"/ui/"), ESC(hash),
         RAW("/qorgan.js\"></script></head><body data-day=\""), SAY("unit.day"), RAW("\" data-now=\""),
         INT(html->now_ns / 1000000), RAW("\" data-lost=\""), SAY("refresh.lost"),
         RAW("\"><a class=\"skip\" href=\"#main\">"), SAY("nav.skip"), RAW("</a>"));
}

static void sections(struct web_call *call, enum section here)
{
    static const struct {
        enum section section;
        const char *path;
        const char *key;
        bool administrator;
    } rows[] = {
        {SECTION_LIVE, "/", "nav.live", false},
        {SECTION_SEARCH, "/search", "nav.search", false},
        {SECTION_INCIDENTS, "/incidents", "nav.incidents", false},
        {SECTION_TERMS, "/terms", "nav.terms", false},
        {SECTION_VULNERABILITIES, "/vulnerabilities", "nav.vulnerabilities", false},
        {SECTION_SURVEYS, "/surveys", "nav.surveys", false},
        {SECTION_REPORTS, "/reports", "nav.reports", false},
        {SECTION_RULES, "/rules", "nav.rules", false},
        {SECTION_OBJECTS, "/objects", "nav.objects", false},
        {SECTION_AGENTS, "/agents", "nav.agents", false},
        {SECTION_ARCHIVE, "/archive", "nav.archive", false},
        {SECTION_CHANNELS, "/channels", "nav.channels", false},
        {SECTION_USERS, "/users", "nav.users", true},
    };
    struct html *html = &call->html;
    HTML(html, RAW("<nav class=\"sections\" aria-label=\""), SAY("nav.sections"), RAW("\"><ul>"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].administrator && !str_is(call->role, "administrator"))
            continue;
        HTML(html, RAW("<li><a href=\""), ESCZ(rows[i].path), RAW("\""));
        if (rows[i].section == here)
            HTML(html, RAW(" aria-current=\"page\""));
        HTML(html, RAW(">"), ESC(html_text(html, str_of(rows[i].key))), RAW("</a></li>"));
    }
    HTML(html, RAW("</ul></nav>"));
}

/* A form: a change of language changes what is stored for the user. */
static void languages(struct web_call *call)
{
    static const struct {
        enum language language;
        const char *name; /* in itself, never translated */
        const char *mark;
    } rows[] = {
        {LANGUAGE_KK, "\xd2\x9a\xd0\xb0\xd0\xb7\xd0\xb0\xd2\x9b\xd1\x88\xd0\xb0", "\xd2\x9a\xd0\x90\xd0\x97"},
        {LANGUAGE_RU, "\xd0\xa0\xd1\x83\xd1\x81\xd1\x81\xd0\xba\xd0\xb8\xd0\xb9", "\xd0\xa0\xd0\xa3\xd0\xa1"},
        {LANGUAGE_EN, "English", "ENG"},
    };
    struct html *html = &call->html;
    struct str back = str_is(call->http.method, "POST") ? STR("/") : call_target(call);
    if (str_starts(call->http.path, STR("/sign-in")))
        back = call_target(call);
    HTML(html, RAW("<form class=\"languages\" method=\"post\" action=\"/language\" aria-label=\""), SAY("nav.language"),
         RAW("\">"));
    part_csrf(call);
    HTML(html, RAW("<input type=\"hidden\" name=\"back\" value=\""), ESC(back), RAW("\">"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *code = language_code(rows[i].language);
        HTML(html, RAW("<button name=\"language\" value=\""), ESCZ(code), RAW("\" lang=\""), ESCZ(code),
             RAW("\" title=\""), ESCZ(rows[i].name), RAW("\""));
        if (rows[i].language == html->language)
            HTML(html, RAW(" aria-pressed=\"true\""));
        HTML(html, RAW(">"), ESCZ(rows[i].mark), RAW("</button>"));
    }
    HTML(html, RAW("</form>"));
}

static void account(struct web_call *call)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"account\"><a href=\"/password\" title=\""), SAY("nav.password"), RAW("\">"),
         ESC(call->user), RAW(" <small>"), SAY_OF("role.", call->role),
         RAW("</small></a><form method=\"post\" action=\"/sign-out\">"));
    part_csrf(call);
    HTML(html, RAW("<button class=\"quiet\">"), SAY("nav.sign_out"), RAW("</button></form></div>"));
}

void call_page_titled(struct web_call *call, struct str title, enum section section)
{
    struct html *html = &call->html;
    buf_clear(&call->out);
    head(call, title);
    HTML(html, RAW("<header class=\"top\"><a class=\"brand\" href=\"/\">"));
    part_icon(call, "brand");
    HTML(html, RAW("<span>"), SAY("app.name"), RAW("</span></a>"));
    if (call->signed_in && !call->must_change && !call->must_enrol)
        sections(call, section);
    HTML(html, RAW("<div class=\"tools\">"));
    /* before a session is known a page cannot carry the form's secret */
    if (call->csrf.n > 0)
        languages(call);
    if (call->signed_in)
        account(call);
    HTML(html, RAW("</div></header><main id=\"main\" tabindex=\"-1\">"));
}

void call_page(struct web_call *call, const char *title, enum section section)
{
    call_page_titled(call, html_text(&call->html, str_of(title)), section);
}

void call_page_end(struct web_call *call, unsigned status)
{
    struct html *html = &call->html;
    HTML(html, RAW("</main><footer><span>"), SAY("app.about"), RAW("</span> <span>"), SAY("app.now"), RAW(" "),
         TIME(html->now_ns), RAW("</span></footer></body></html>\n"));
    ASSERT(call->stage != CALL_DONE);
    call_bytes(call, status, "text/html; charset=utf-8", buf_view(&call->out));
    call->response.language = str_of(language_code(html->language));
}
