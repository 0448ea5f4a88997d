/* One survey: its days and pair, who agreed, its terms and history, and what may be said of it now (order 52/NK p.9,
 * 10, 13, 14). Other days are looked at first: what they would break is shown before they are taken. */
#include "base/civil.h"
#include "web/case_parts.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/survey_parts.h"

static int64_t id_of(const struct web_call *call)
{
    int64_t id = 0;
    IGNORE(str_to_i64(call->args[0], &id)); /* 0: the desk knows none such */
    return id;
}

static void card_ask(struct web_call *call)
{
    json_put_int(call_ask(call, WEB_DESK, "survey.get"), "id", id_of(call));
    call_ask_end(call);
}

static bool act_may(const struct json_value *s, const char *act)
{
    for (const struct json_value *a = json_first(json_get(s, "acts")); a; a = a->next)
        if (str_is(a->text, act))
            return true;
    return false;
}

/* --- facts --- */

static void fact(struct web_call *call, const char *key, struct str value)
{
    if (!value.n)
        return;
    part_row_begin(call, key);
    HTML(&call->html, ESC(value), RAW("</td></tr>"));
}

static void fact_time(struct web_call *call, const char *key, int64_t ns)
{
    if (ns <= 0)
        return;
    part_row_begin(call, key);
    HTML(&call->html, TIME(ns), RAW("</td></tr>"));
}

static void link(struct web_call *call, const char *key, const char *path, int64_t id, struct str number)
{
    if (id <= 0)
        return;
    part_row_begin(call, key);
    HTML(&call->html, RAW("<a href=\""), ESCZ(path), INT(id), RAW("\">"), ESC(number), RAW("</a></td></tr>"));
}

static void facts(struct web_call *call, const struct json_value *s, const struct json_value *kind)
{
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"pairs\"><caption>"), SAY("survey.facts"), RAW("</caption><tbody>"));
    part_row_begin(call, "survey.object");
    HTML(html, RAW("<a href=\"/objects/"), INT(of_int(s, "object_id")), RAW("/surveys?year="), INT(of_int(s, "year")),
         RAW("\">"), ESC(of_str(s, "object")), RAW("</a></td></tr>"));
    part_row_begin(call, "survey.days");
    survey_days(call, s);
    HTML(html, RAW("</td></tr>"));
    part_row_begin(call, "survey.role");
    survey_role(call, s);
    HTML(html, RAW("</td></tr>"));
    link(call, "survey.main_of", "/surveys/", of_int(s, "main"), of_str(s, "main_number"));
    link(call, "survey.control_of", "/surveys/", of_int(s, "control_id"), of_str(s, "control_number"));
    fact(call, "survey.paragraph",
         call_format(call, "52/\xd0\x9d\xd2\x9a, %.*s",
                     STR_ARG(of_str(json_get(kind, "paragraph"), language_code(html->language)))));
    fact(call, "survey.responsible", of_str(s, "responsible"));
    fact(call, "survey.notes", of_str(s, "notes"));
    fact_time(call, "survey.agreed", of_int(s, "agreed_ns"));
    fact(call, "survey.agreed_by", of_str(s, "agreed_by"));
    fact(call, "survey.reference", of_str(s, "reference"));
    fact_time(call, "survey.started", of_int(s, "started_ns"));
    fact_time(call, "survey.finished", of_int(s, "finished_ns"));
    fact_time(call, "survey.sent", of_int(s, "sent_ns"));
    link(call, "survey.findings", "/vulnerabilities/reports/", of_int(s, "findings"), of_str(s, "findings_number"));
    if (of_int(s, "put_off") > 0) {
        part_row_begin(call, "survey.times_put_off");
        HTML(html, NUMBER(of_int(s, "put_off")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

/* --- acts --- */

static void form_begin(struct web_call *call, const struct json_value *s, const char *act)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/surveys/"), INT(of_int(s, "id")),
         RAW("\"><h3 class=\"wide\">"), SAY_OF("survey.act_", str_of(act)), RAW("</h3>"));
    part_csrf(call);
    part_hidden(call, "act", str_of(act));
    part_hidden(call, "seen", call_format(call, "%lld", (long long)of_int(s, "version")));
    part_hidden(call, "zone", call_format(call, "%d", (int)html->zone_s)); /* the object's */
}

static void form_end(struct web_call *call, const char *act)
{
    HTML(&call->html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY_OF("survey.act_", str_of(act)),
         RAW("</button></p></form>"));
}

static struct str sent_of(const struct web_call *call, const char *act, const char *name, struct str otherwise)
{
    struct str sent = str_is(form_get(&call->form, "act"), act) ? form_get(&call->form, name) : STR_NONE;
    return sent.p ? sent : otherwise;
}

/* Labels have ids of their own, so that forms on one page do not share them. */
static void field(struct web_call *call, const char *act, const char *name, const char *key, const char *type)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-"), ESCZ(act), RAW("-"), ESCZ(name), RAW("\">"),
         ESC(html_text(html, str_of(key))), RAW("</label><input id=\"f-"), ESCZ(act), RAW("-"), ESCZ(name),
         RAW("\" name=\""), ESCZ(name), RAW("\" type=\""), ESCZ(type), RAW("\""));
    if (str_is(str_of(type), "datetime-local"))
        HTML(html, RAW(" step=\"1\""));
}

static void field_value(struct web_call *call, struct str value)
{
    HTML(&call->html, RAW(" value=\""), ESC(value), RAW("\"></div>"));
}

static void note(struct web_call *call, const char *act, const char *key)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-"), ESCZ(act), RAW("-note\">"),
         ESC(html_text(html, str_of(key))), RAW("</label><textarea rows=\"2\" name=\"note\" id=\"f-"), ESCZ(act),
         RAW("-note\">\n"), ESC(sent_of(call, act, "note", STR(""))), RAW("</textarea></div>"));
}

static void when(struct web_call *call, const char *act)
{
    field(call, act, "at", "survey.at", "datetime-local");
    field_value(call, sent_of(call, act, "at", STR("")));
}

static void agree_form(struct web_call *call, const struct json_value *s)
{
    form_begin(call, s, "agree");
    field(call, "agree", "by", "survey.agreed_by", "text");
    field_value(call, sent_of(call, "agree", "by", STR("")));
    field(call, "agree", "reference", "survey.reference", "text");
    field_value(call, sent_of(call, "agree", "reference", STR("")));
    when(call, "agree");
    form_end(call, "agree");
}

/* `seen`: what the days that were sent would break; the second button takes them. */
static void put_off_form(struct web_call *call, const struct json_value *s, const struct json_value *seen,
                         const struct json_value *kinds)
{
    struct html *html = &call->html;
    form_begin(call, s, "put_off");
    field(call, "put_off", "first_day", "survey.first_day", "date");
    field_value(call, sent_of(call, "put_off", "first_day", of_str(s, "first_day")));
    field(call, "put_off", "last_day", "survey.last_day", "date");
    field_value(call, sent_of(call, "put_off", "last_day", of_str(s, "last_day")));
    note(call, "put_off", "survey.why");
    if (seen) {
        HTML(html, RAW("<div class=\"wide\" id=\"breaks\">"));
        if (json_first(json_get(seen, "faults")))
            HTML(html, RAW("<p><b>"), SAY("surveys.would_break"), RAW("</b></p>"));
        else
            part_notice(call, "ok", "surveys.breaks_nothing");
        survey_faults(call, kinds, json_get(seen, "faults"));
        HTML(html, RAW("</div>"));
    }
    HTML(html, RAW("<p class=\"buttons wide\"><button name=\"dry\" value=\"yes\""));
    if (!seen)
        HTML(html, RAW(" class=\"main\""));
    HTML(html, RAW(">"), SAY("surveys.look"), RAW("</button>"));
    if (seen)
        HTML(html, RAW(" <button class=\"main\">"), SAY_OF("survey.act_", STR("put_off")), RAW("</button>"));
    HTML(html, RAW("</p></form>"));
}

static void link_form(struct web_call *call, const struct json_value *s)
{
    struct html *html = &call->html;
    if (!json_first(json_get(s, "reports")))
        return;
    form_begin(call, s, "link");
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-findings\">"), SAY("survey.findings"),
         RAW("</label><select id=\"f-findings\" name=\"findings\"><option value=\"0\">"), SAY("form.not_given"),
         RAW("</option>"));
    for (const struct json_value *r = json_first(json_get(s, "reports")); r; r = r->next) {
        HTML(html, RAW("<option value=\""), INT(of_int(r, "id")), RAW("\""));
        if (of_int(r, "id") == of_int(s, "findings"))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(of_str(r, "number")), RAW(" "), ESC(of_str(r, "title")), RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
    form_end(call, "link");
}

static void act_forms(struct web_call *call, const struct json_value *s, const struct json_value *seen,
                      const struct json_value *kinds)
{
    static const struct {
        const char *act;
        const char *note;
        bool when;
    } plain[] = {
        {"start", NULL, true},
        {"finish", NULL, true},
        {"send", "survey.how", true},
        {"notice", "survey.how", true},
        {"copies", "survey.how", true},
        {"received", "survey.how", true},
        {"measures", "survey.how", true},
        {"resume", "survey.why", false},
        {"cancel", "survey.why", false},
    };
    HTML(&call->html, RAW("<section id=\"acts\">"));
    if (act_may(s, "agree"))
        agree_form(call, s);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (!act_may(s, plain[i].act))
            continue;
        form_begin(call, s, plain[i].act);
        if (plain[i].when)
            when(call, plain[i].act);
        if (plain[i].note)
            note(call, plain[i].act, plain[i].note);
        form_end(call, plain[i].act);
    }
    if (act_may(s, "put_off"))
        put_off_form(call, s, seen, kinds);
    if (act_may(s, "link"))
        link_form(call, s);
    HTML(&call->html, RAW("</section>"));
}

static void texts_form(struct web_call *call, const struct json_value *s)
{
    HTML(&call->html, RAW("<form class=\"grid card\" method=\"post\" action=\"/surveys/"), INT(of_int(s, "id")),
         RAW("\">"));
    part_csrf(call);
    part_hidden(call, "act", STR("save"));
    part_hidden(call, "seen", call_format(call, "%lld", (long long)of_int(s, "version")));
    part_input(call, "responsible", "survey.responsible",
               sent_of(call, "save", "responsible", of_str(s, "responsible")), 0);
    part_area(call, "notes", "survey.notes", sent_of(call, "save", "notes", of_str(s, "notes")), false);
    HTML(&call->html, RAW("<p class=\"buttons wide\"><button>"), SAY("form.save"), RAW("</button></p></form>"));
}

/* --- the page --- */

static void card(struct web_call *call, size_t at, const struct json_value *failed, const struct json_value *seen)
{
    struct html *html = &call->html;
    struct str error = of_str(failed, "error");
    const struct json_value *answer = call_answer(call, at), *s = json_get(answer, "survey");
    const struct json_value *kinds = json_get(answer, "kinds");
    int64_t zone_s = of_int(s, "zone_offset_s");
    html->zone_s = zone_s >= -43200 && zone_s <= 50400 ? (int32_t)zone_s : ZONE_DEFAULT_S;
    call_page_titled(call, of_str(s, "number"), SECTION_SURVEYS);
    HTML(html, RAW("<div class=\"heading\"><h1><span class=\"number\">"), ESC(of_str(s, "number")), RAW("</span> "),
         ESC(survey_kind_name(call, kinds, of_str(s, "kind"))), RAW("</h1><p class=\"marks\">"));
    survey_state(call, of_str(s, "state"));
    HTML(html, RAW("<span>"), ESC(of_str(s, "object")), RAW("</span></p></div>"));
    if (error.n)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    if (json_first(json_get(s, "clocks")))
        case_clocks(call, s);
    HTML(html, RAW("<div class=\"split\"><div>"));
    act_forms(call, s, seen, kinds);
    if (of_bool(answer, "may_change"))
        texts_form(call, s);
    HTML(html, RAW("</div><div>"));
    facts(call, s, survey_kind_of(kinds, of_str(s, "kind")));
    case_history(call, s);
    HTML(html, RAW("</div></div>"));
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_survey(struct web_call *call)
{
    if (call->phase == 0)
        card_ask(call);
    else if (!call_failed(call))
        card(call, 0, NULL, NULL);
}

/* A moment that is none is -1, which the desk refuses by its field. */
static int64_t moment_of(const struct web_call *call)
{
    int64_t at_ns = 0;
    int64_t zone_s = form_int(&call->form, "zone", ZONE_DEFAULT_S);
    struct str at = form_get(&call->form, "at");
    bool good = zone_s >= -43200 && zone_s <= 50400 && time_of_input(at, (int32_t)zone_s, &at_ns);
    return !at.n || good ? at_ns : -1;
}

static void act_ask(struct web_call *call)
{
    static const char *const texts[] = {"act", "note", "by", "reference", "first_day", "last_day"};
    struct buf *buf = call_ask(call, WEB_DESK, "survey.act");
    json_write_key(buf, "surveys");
    json_write_array(buf);
    json_write_object(buf);
    json_put_int(buf, "id", id_of(call));
    json_put_int(buf, "version", form_int(&call->form, "seen", -1));
    json_write_object_end(buf);
    json_write_array_end(buf);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (form_get(&call->form, texts[i]).p)
            json_put_str(buf, texts[i], form_get(&call->form, texts[i]));
    json_put_int(buf, "at_ns", moment_of(call));
    json_put_int(buf, "findings", form_int(&call->form, "findings", 0));
    if (form_get(&call->form, "dry").n)
        json_put_bool(buf, "dry", true);
    call_ask_end(call);
}

static void save_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "survey.save");
    json_put_int(buf, "version", form_int(&call->form, "seen", -1));
    json_write_key(buf, "survey");
    json_write_object(buf);
    json_put_int(buf, "id", id_of(call));
    json_put_str(buf, "responsible",
                 form_get(&call->form, "responsible").p ? form_get(&call->form, "responsible") : STR(""));
    json_put_str(buf, "notes", form_get(&call->form, "notes").p ? form_get(&call->form, "notes") : STR(""));
    json_write_object_end(buf);
    call_ask_end(call);
}

void act_survey(struct web_call *call)
{
    bool dry = form_get(&call->form, "dry").n > 0;
    if (call->phase == 0 && str_is(form_get(&call->form, "act"), "save")) {
        save_ask(call);
        return;
    }
    if (call->phase == 0) {
        act_ask(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0 && !dry)
        call_redirect_slice(call, call_format(call, "/surveys/%lld?saved=1", (long long)id_of(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        card_ask(call);
    else if (!call_failed_at(call, 1))
        card(call, 1, error.n ? call->questions[0].answer : NULL,
             error.n ? NULL : json_first(json_get(call_answer(call, 0), "surveys")));
}
