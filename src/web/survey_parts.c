#include "web/survey_parts.h"

#include "base/civil.h"
#include "base/macros.h"
#include "web/parts.h"

void survey_tabs(struct web_call *call, const char *here)
{
    static const struct part_tab tabs[] = {{"/surveys", "surveys.year"},
                                           {"/surveys/month", "surveys.month"},
                                           {"/surveys/list", "surveys.list"},
                                           {"/surveys/faults", "surveys.faults"}};
    part_tabs(call, "nav.surveys", tabs, ARRAY_LEN(tabs), here);
}

int64_t survey_year(const struct web_call *call)
{
    int64_t now = civil_from_ns(call->html.now_ns, call->html.zone_s).year;
    return MIN(MAX(form_int(&call->query, "year", now), 2000), 2100);
}

const struct json_value *survey_kind_of(const struct json_value *kinds, struct str kind)
{
    for (const struct json_value *k = json_first(kinds); k; k = k->next)
        if (str_eq(of_str(k, "kind"), kind))
            return k;
    return NULL;
}

struct str survey_kind_name(const struct web_call *call, const struct json_value *kinds, struct str kind)
{
    const struct json_value *row = survey_kind_of(kinds, kind);
    struct str name = of_str(json_get(row, "name"), language_code(call->html.language));
    return name.n ? name : kind;
}

void survey_state(struct web_call *call, struct str state)
{
    enum part_mood mood = str_is(state, "running")                             ? MOOD_RUNNING
                          : str_is(state, "finished") || str_is(state, "sent") ? MOOD_GOOD
                                                                               : MOOD_CALM;
    part_state_mood(call, "survey.state_", state, mood);
}

void survey_role(struct web_call *call, const struct json_value *survey)
{
    if (of_bool(survey, "control"))
        HTML(&call->html, SAY("survey.control"));
    else
        HTML(&call->html, SAY("survey.main"));
}

void survey_days(struct web_call *call, const struct json_value *survey)
{
    struct html *html = &call->html;
    struct str first = of_str(survey, "first_day"), last = of_str(survey, "last_day");
    HTML(html, RAW("<span class=\"days\">"), ESC(first));
    if (!str_eq(first, last))
        HTML(html, RAW(" \xe2\x80\x93 "), ESC(last));
    HTML(html, RAW("</span>"));
}

static void row(struct web_call *call, const struct json_value *kinds, const struct json_value *s, bool with_object)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/surveys/"), INT(of_int(s, "id")), RAW("\">"),
         ESC(of_str(s, "number")), RAW("</a></th>"));
    part_cell(call, "survey.days");
    survey_days(call, s);
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "survey.kind", "grow");
    HTML(html, RAW("<span>"), ESC(survey_kind_name(call, kinds, of_str(s, "kind"))), RAW(" <small class=\"under\">"));
    survey_role(call, s);
    if (of_int(s, "main") > 0)
        HTML(html, RAW(" \xc2\xb7 <a href=\"/surveys/"), INT(of_int(s, "main")), RAW("\">"),
             ESC(of_str(s, "main_number")), RAW("</a>"));
    HTML(html, RAW("</small></span></td>"));
    if (with_object) {
        part_cell(call, "survey.object");
        HTML(html, RAW("<a href=\"/objects/"), INT(of_int(s, "object_id")), RAW("/surveys?year="),
             INT(of_int(s, "year")), RAW("\">"), ESC(of_str(s, "object")), RAW("</a></td>"));
    }
    part_cell(call, "survey.state");
    survey_state(call, of_str(s, "state"));
    HTML(html, RAW("</td>"));
    part_cell(call, "survey.responsible");
    HTML(html, ESC(of_str(s, "responsible")), RAW("</td></tr>"));
}

void survey_table(struct web_call *call, const struct json_value *kinds, const struct json_value *surveys,
                  bool with_object)
{
    static const char *const all[] = {"survey.number", "survey.days",        "survey.kind", "survey.object",
                                      "survey.state",  "survey.responsible", NULL};
    static const char *const one[] = {"survey.number", "survey.days",        "survey.kind",
                                      "survey.state",  "survey.responsible", NULL};
    struct html *html = &call->html;
    if (!json_first(surveys)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("surveys.none"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows surveys\">"));
    part_heads(call, with_object ? all : one);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *s = json_first(surveys); s; s = s->next)
        row(call, kinds, s, with_object);
    HTML(html, RAW("</tbody></table>"));
}

/* --- what is wrong --- */

static void fault_say(struct web_call *call, const struct json_value *fault)
{
    static const struct {
        const char *fault;
        const char *key;
    } rows[] = {
        {"missing", "survey.fault_missing"},           {"out_of_year", "survey.fault_out_of_year"},
        {"control_soon", "survey.fault_control_soon"}, {"no_main", "survey.fault_no_main"},
        {"not_begun", "survey.fault_not_begun"},       {"not_ended", "survey.fault_not_ended"},
        {"not_agreed", "survey.fault_not_agreed"},     {"day_off", "survey.fault_day_off"},
    };
    bool whole = str_is(of_str(fault, "fault"), "missing");
    const struct part kinds[] = {NUMBER(of_int(fault, "main")), NUMBER(of_int(fault, "control"))};
    const struct part days[] = {ESC(of_str(fault, "day"))};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(of_str(fault, "fault"), rows[i].fault))
            html_say(&call->html, rows[i].key, whole ? kinds : days, whole ? ARRAY_LEN(kinds) : ARRAY_LEN(days));
}

void survey_faults(struct web_call *call, const struct json_value *kinds, const struct json_value *faults)
{
    struct html *html = &call->html;
    HTML(html, RAW("<ul class=\"faults\">"));
    for (const struct json_value *f = json_first(faults); f; f = f->next) {
        bool breaks = str_is(of_str(f, "fault"), "out_of_year") || str_is(of_str(f, "fault"), "missing");
        HTML(html, RAW("<li class=\""), ESCZ(breaks ? "breaks" : "slips"), RAW("\">"));
        part_icon(call, breaks ? "bad" : "warn");
        HTML(html, RAW(" <span>"));
        if (of_int(f, "survey") > 0)
            HTML(html, RAW("<a href=\"/surveys/"), INT(of_int(f, "survey")), RAW("\">"),
                 ESC(call_format(call, "S-%06lld", (long long)of_int(f, "survey"))), RAW("</a> "));
        HTML(html, ESC(survey_kind_name(call, kinds, of_str(f, "kind"))), RAW(": "));
        fault_say(call, f);
        HTML(html, RAW("</span></li>"));
    }
    HTML(html, RAW("</ul>"));
}

/* --- choices --- */

static void option(struct web_call *call, struct str value, struct str text, bool chosen)
{
    HTML(&call->html, RAW("<option value=\""), ESC(value), RAW("\""));
    if (chosen)
        HTML(&call->html, RAW(" selected"));
    HTML(&call->html, RAW(">"), ESC(text), RAW("</option>"));
}

void survey_kinds(struct web_call *call, const struct json_value *kinds, struct str value, bool any)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-kind\">"), SAY("survey.kind"),
         RAW("</label><select id=\"f-kind\" name=\"kind\">"));
    if (any)
        option(call, STR(""), html_text(html, STR("surveys.any")), value.n == 0);
    for (const struct json_value *k = json_first(kinds); k; k = k->next)
        option(call, of_str(k, "kind"), survey_kind_name(call, kinds, of_str(k, "kind")),
               str_eq(of_str(k, "kind"), value));
    HTML(html, RAW("</select></div>"));
}

void survey_objects(struct web_call *call, const struct json_value *objects, int64_t object)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-object\">"), SAY("survey.object"),
         RAW("</label><select id=\"f-object\" name=\"object\">"));
    option(call, STR("0"), html_text(html, STR("surveys.all_objects")), object == 0);
    for (const struct json_value *o = json_first(objects); o; o = o->next)
        option(call, of_text(o, "id"), of_str(o, "name"), of_int(o, "id") == object);
    HTML(html, RAW("</select></div>"));
}
