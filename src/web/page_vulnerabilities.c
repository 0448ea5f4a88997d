/* Vulnerabilities: how many of which severity stand, which, and the card of one with what may be said of it (order
 * 52/NK p.13, Annexes 5 and 6). */
#include "base/assert.h"
#include "base/civil.h"
#include "web/case_parts.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/vulnerability_parts.h"
#include "web/zones.h"

#define PAGE_ROWS 100

static const char *const states[] = {"open", "fixed", "kept", "closed", NULL};
static const char *const severities[] = {"none", "low", "medium", "high", "critical", NULL};

struct wish {
    int64_t object, findings, severity;
    struct str state, severity_name, place, cve;
};

static struct wish wish_read(struct web_call *call)
{
    struct wish wish = {.object = MIN(MAX(form_int(&call->query, "object", 0), 0), INT32_MAX),
                        .findings = MIN(MAX(form_int(&call->query, "report", 0), 0), INT32_MAX),
                        .severity = -1,
                        .state = part_filter_value(call, "state", states),
                        .severity_name = part_filter_value(call, "severity", severities),
                        .place = str_trim(form_get(&call->query, "place")),
                        .cve = str_trim(form_get(&call->query, "cve"))};
    for (int64_t i = 0; severities[i]; i++)
        if (str_is(wish.severity_name, severities[i]))
            wish.severity = i;
    return wish;
}

static void wish_ask(struct web_call *call, const struct wish *wish, int64_t offset)
{
    struct buf *buf = call_ask(call, WEB_DESK, "vulnerability.list");
    json_put_int(buf, "object", wish->object);
    json_put_str(buf, "state", wish->state.n ? wish->state : STR("standing"));
    json_put_int(buf, "severity", wish->severity);
    json_put_int(buf, "findings", wish->findings);
    json_put_str(buf, "place", wish->place.n ? wish->place : STR(""));
    json_put_str(buf, "cve", wish->cve.n ? wish->cve : STR(""));
    json_put_int(buf, "offset", offset);
    json_put_int(buf, "limit", PAGE_ROWS);
    call_ask_end(call);
}

static int64_t count_of(const struct json_value *totals, const char *state, const char *severity)
{
    int64_t count = 0;
    for (const struct json_value *t = json_first(totals); t; t = t->next)
        if (str_is(of_str(t, "state"), state) && (!severity || str_is(of_str(t, "severity"), severity)))
            count += of_int(t, "count");
    return count;
}

static void tiles(struct web_call *call, const struct json_value *totals)
{
    struct html *html = &call->html;
    HTML(html, RAW("<dl class=\"tiles\">"));
    part_tile_number(call, "vulnerability.severity_critical", count_of(totals, "open", "critical"));
    part_tile_number(call, "vulnerability.severity_high", count_of(totals, "open", "high"));
    part_tile_number(call, "vulnerability.severity_medium", count_of(totals, "open", "medium"));
    part_tile_number(call, "vulnerability.severity_low", count_of(totals, "open", "low"));
    part_tile_number(call, "vulnerability.severity_none", count_of(totals, "open", "none"));
    part_tile_number(call, "vulnerability.state_fixed", count_of(totals, "fixed", NULL));
    part_tile_number(call, "vulnerability.state_kept", count_of(totals, "kept", NULL));
    part_tile_number(call, "vulnerability.state_closed", count_of(totals, "closed", NULL));
    HTML(html, RAW("</dl>"));
}

static void filter_form(struct web_call *call, const struct wish *wish)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/vulnerabilities\">"));
    if (wish->object > 0)
        HTML(html, RAW("<input type=\"hidden\" name=\"object\" value=\""), INT(wish->object), RAW("\">"));
    if (wish->findings > 0)
        HTML(html, RAW("<input type=\"hidden\" name=\"report\" value=\""), INT(wish->findings), RAW("\">"));
    part_filter(call, "state", "vulnerability.state", "vulnerability.state_", states, "vulnerabilities.standing");
    part_filter(call, "severity", "vulnerability.severity", "vulnerability.severity_", severities,
                "vulnerabilities.any");
    part_input(call, "place", "vulnerabilities.at", wish->place, 0);
    part_input(call, "cve", "vulnerabilities.cve", wish->cve, 0);
    HTML(html, RAW("<button class=\"main\">"), SAY("losses.filter"), RAW("</button>"));
    if (wish->object > 0 || wish->findings > 0 || wish->state.n || wish->severity >= 0 || wish->place.n || wish->cve.n)
        HTML(html, RAW(" <a class=\"button\" href=\"/vulnerabilities\">"), SAY("vulnerabilities.everything"),
             RAW("</a>"));
    HTML(html, RAW("</form>"));
}

static void pager(struct web_call *call, const struct wish *wish, int64_t offset, int64_t total)
{
    char text[1024];
    struct buf path;
    buf_init_fixed(&path, text, sizeof text);
    buf_format(&path,
               "/vulnerabilities?object=%lld&report=%lld&state=%.*s&severity=%.*s&place=", (long long)wish->object,
               (long long)wish->findings, STR_ARG(wish->state), STR_ARG(wish->severity_name));
    url_encode(&path, wish->place);
    buf_text(&path, "&cve=");
    url_encode(&path, wish->cve);
    buf_text(&path, "&offset=");
    if (!path.overflow)
        part_pager(call, buf_z(&path), offset, PAGE_ROWS, total);
}

void page_vulnerabilities(struct web_call *call)
{
    struct html *html = &call->html;
    struct wish wish = wish_read(call);
    int64_t offset = part_offset(call);
    if (call->phase == 0) {
        wish_ask(call, &wish, offset);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "vulnerabilities.title", SECTION_VULNERABILITIES);
    HTML(html, RAW("<h1>"), SAY("vulnerabilities.title"), RAW("</h1>"));
    vulnerability_tabs(call, "/vulnerabilities");
    HTML(html, RAW("<h2>"), SAY("vulnerabilities.open"), RAW("</h2>"));
    tiles(call, json_get(answer, "totals"));
    filter_form(call, &wish);
    vulnerability_table(call, json_get(answer, "vulnerabilities"));
    pager(call, &wish, offset, of_int(answer, "total"));
    call_page_end(call, 200);
}

/* --- one --- */

static int64_t id_of(const struct web_call *call)
{
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id)); /* 0: the desk knows none such */
    return id;
}

static void card_ask(struct web_call *call)
{
    json_put_int(call_ask(call, WEB_DESK, "vulnerability.get"), "id", id_of(call));
    call_ask_end(call);
    call_ask_plain(call, WEB_DESK, "catalogue");
    call_ask_plain(call, WEB_DESK, "object.list");
}

static bool act_may(const struct json_value *v, const char *act)
{
    for (const struct json_value *a = json_first(json_get(v, "acts")); a; a = a->next)
        if (str_is(a->text, act))
            return true;
    return false;
}

static void form_begin(struct web_call *call, const struct json_value *v, const char *act)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/vulnerabilities/"), INT(of_int(v, "id")),
         RAW("\"><h3 class=\"wide\">"), SAY_OF("vulnerability.act_", str_of(act)), RAW("</h3>"));
    part_csrf(call);
    part_hidden(call, "act", str_of(act));
    part_hidden(call, "zone", call_format(call, "%d", (int)html->zone_s)); /* the object's: days are its days */
}

static void form_end(struct web_call *call, const char *act)
{
    struct html *html = &call->html;
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY_OF("vulnerability.act_", str_of(act)),
         RAW("</button></p></form>"));
}

static struct str sent_of(const struct web_call *call, const char *act, const char *name)
{
    struct str sent = str_is(form_get(&call->form, "act"), act) ? form_get(&call->form, name) : STR_NONE;
    return sent.p ? sent : STR("");
}

static void act_forms(struct web_call *call, const struct json_value *v, const struct json_value *catalogue,
                      struct str wrong)
{
    static const char *const plain[] = {"fix", "reopen"};
    struct html *html = &call->html;
    HTML(html, RAW("<section id=\"acts\">"));
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (!act_may(v, plain[i]))
            continue;
        form_begin(call, v, plain[i]);
        part_area(call, "reason", "vulnerability.reason", sent_of(call, plain[i], "reason"), false);
        form_end(call, plain[i]);
    }
    if (act_may(v, "keep")) {
        form_begin(call, v, "keep");
        part_select(call, "category", "vulnerability.category", "not_removed.", json_get(catalogue, "not_removed"),
                    sent_of(call, "keep", "category"));
        part_input(call, "until", "vulnerability.until", sent_of(call, "keep", "until"),
                   INPUT_DATE | (str_is(wrong, "until_ns") ? INPUT_WRONG : 0));
        HTML(html, RAW("<p class=\"hint wide\">"));
        SAY_WITH(html, "vulnerability.until_hint", TIME(of_int(v, "necessity_end_ns")));
        HTML(html, RAW("</p>"));
        part_area(call, "reason", "vulnerability.justification", sent_of(call, "keep", "reason"),
                  str_is(wrong, "reason"));
        form_end(call, "keep");
    }
    HTML(html, RAW("</section>"));
}

static void fact(struct web_call *call, const char *key, struct str value)
{
    if (!value.n)
        return;
    part_row_begin(call, key);
    HTML(&call->html, ESC(value), RAW("</td></tr>"));
}

static void facts(struct web_call *call, const struct json_value *v)
{
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("vulnerability.facts"), RAW("</caption><tbody>"));
    part_row_begin(call, "vulnerability.place");
    vulnerability_place(call, v);
    HTML(html, RAW("</td></tr>"));
    fact(call, "vulnerability.line", of_str(v, "place"));
    fact(call, "vulnerabilities.cve", of_str(v, "cves"));
    part_row_begin(call, "vulnerability.score");
    vulnerability_score(call, of_int(v, "score"));
    HTML(html, RAW("</td></tr>"));
    fact(call, "vulnerability.scanner", of_str(v, "scanner"));
    fact(call, "vulnerability.check", of_str(v, "check"));
    part_row_begin(call, "vulnerability.found");
    HTML(html, TIME(of_int(v, "found_ns")), RAW("</td></tr>"));
    part_row_begin(call, "vulnerability.seen");
    HTML(html, TIME(of_int(v, "seen_ns")), RAW(" \xc2\xb7 "), NUMBER(of_int(v, "times")), RAW("</td></tr>"));
    part_row_begin(call, "findings.report");
    HTML(html, RAW("<a href=\"/vulnerabilities/reports/"), INT(of_int(v, "findings")), RAW("\">"),
         ESC(of_str(v, "findings_number")), RAW("</a></td></tr>"));
    if (of_str(v, "category").n) {
        part_row_begin(call, "vulnerability.category");
        HTML(html, SAY_OF("not_removed.", of_str(v, "category")), RAW("</td></tr>"));
        fact(call, "vulnerability.justification", of_str(v, "justification"));
    }
    if (of_int(v, "until_ns") > 0) {
        part_row_begin(call, "vulnerability.until");
        HTML(html, TIME(of_int(v, "until_ns")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void texts(struct web_call *call, const struct json_value *v)
{
    static const struct {
        const char *member;
        const char *key;
    } rows[] = {{"description", "vulnerability.description"},
                {"solution", "vulnerability.solution"},
                {"evidence", "vulnerability.evidence"}};
    struct html *html = &call->html;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!of_str(v, rows[i].member).n)
            continue;
        HTML(html, RAW("<h2>"), ESC(html_text(html, str_of(rows[i].key))), RAW("</h2><pre class=\"text\">"),
             ESC(of_str(v, rows[i].member)), RAW("</pre>"));
    }
}

static void card(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at) || call_failed_at(call, at + 1) || call_failed_at(call, at + 2))
        return;
    const struct json_value *v = json_get(call_answer(call, at), "vulnerability");
    const struct json_value *objects = json_get(call_answer(call, at + 2), "objects");
    html->zone_s = zone_of_object(objects, of_int(v, "object_id"), of_str(v, "object"));
    call_page_titled(call, of_str(v, "number"), SECTION_VULNERABILITIES);
    HTML(html, RAW("<div class=\"heading\"><h1><span class=\"number\">"), ESC(of_str(v, "number")), RAW("</span> "),
         ESC(of_str(v, "title")), RAW("</h1><p class=\"marks\">"));
    vulnerability_severity(call, of_str(v, "severity"));
    part_state(call, "vulnerability.state_", of_str(v, "state"));
    HTML(html, RAW("<span>"), ESC(of_str(v, "object")), RAW("</span></p></div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "card.saved");
    if (json_first(json_get(v, "clocks")))
        case_clocks(call, v);
    HTML(html, RAW("<div class=\"split\"><div>"));
    texts(call, v);
    act_forms(call, v, call_answer(call, at + 1), of_str(failed, "field"));
    HTML(html, RAW("</div><div>"));
    facts(call, v);
    case_history(call, v);
    HTML(html, RAW("</div></div>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_vulnerability(struct web_call *call)
{
    if (call->phase == 0)
        card_ask(call);
    else
        card(call, 0, NULL, STR(""));
}

static void act_ask(struct web_call *call)
{
    int64_t until_ns = 0;
    struct str until = form_get(&call->form, "until");
    int64_t zone_s = MIN(MAX(form_int(&call->form, "zone", ZONE_DEFAULT_S), -12 * HOUR_S), 14 * HOUR_S);
    /* A day ends at 24:00; what is no day the desk refuses by its field. */
    if (until.n && time_of_input(call_format(call, "%.*sT00:00", STR_ARG(until)), (int32_t)zone_s, &until_ns))
        until_ns += DAY_S * SECOND_NS;
    struct buf *buf = call_ask(call, WEB_DESK, "vulnerability.act");
    json_write_key(buf, "ids");
    json_write_array(buf);
    json_write_int(buf, id_of(call));
    json_write_array_end(buf);
    json_put_str(buf, "act", form_get(&call->form, "act"));
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    json_put_str(buf, "category", form_get(&call->form, "category"));
    json_put_int(buf, "until_ns", until_ns);
    call_ask_end(call);
}

void act_vulnerability(struct web_call *call)
{
    if (call->phase == 0) {
        act_ask(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0)
        call_redirect_slice(call, call_format(call, "/vulnerabilities/%lld?saved=1", (long long)id_of(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        card_ask(call);
    else
        card(call, 1, call->questions[0].answer, error);
}
