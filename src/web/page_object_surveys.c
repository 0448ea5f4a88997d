/* An object's year of surveys (order 52/NK p.9, p.10): each kind's quota, what stands, what is wrong, and days proposed
 * for what is missing, which a person changes, leaves out or takes; all that is taken is planned in one act. */
#include "web/object_parts.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/survey_parts.h"

#define PROPOSED_MAX 24 /* of one form: a form has 128 fields */

/* The form's year stands in its address too. */
static void plan_ask(struct web_call *call)
{
    object_ask(call);
    struct buf *buf = call_ask(call, WEB_DESK, "survey.plan");
    json_put_int(buf, "object", object_id(call));
    json_put_int(buf, "year", survey_year(call));
    call_ask_end(call);
}

static void years(struct web_call *call, int64_t year)
{
    struct html *html = &call->html;
    HTML(html, RAW("<nav class=\"years\" aria-label=\""), SAY("surveys.year"),
         RAW("\"><a class=\"button\" href=\""
             "/objects/"),
         INT(object_id(call)), RAW("/surveys?year="), INT(year - 1), RAW("\">"), INT(year - 1), RAW("</a> <b>"),
         INT(year), RAW("</b> <a class=\"button\" href=\"/objects/"), INT(object_id(call)), RAW("/surveys?year="),
         INT(year + 1), RAW("\">"), INT(year + 1), RAW("</a> <a class=\"button\" href=\"/surveys?year="), INT(year),
         RAW("&amp;object="), INT(object_id(call)), RAW("\">"), SAY("surveys.calendar"), RAW("</a></nav>"));
}

/* "4 + 3": main ones, and control ones. */
static void both(struct web_call *call, const char *label, const char *member, const struct json_value *main)
{
    part_cell_classed(call, label, "number");
    HTML(&call->html, NUMBER(of_int(main, member)), RAW(" + "), NUMBER(of_int(main->next, member)), RAW("</td>"));
}

/* Two entries of a kind stand together: main, control. One without a number in the order is shown with what stands. */
static void quota_row(struct web_call *call, const struct json_value *kinds, const struct json_value *q)
{
    struct html *html = &call->html;
    const struct json_value *kind = survey_kind_of(kinds, of_str(q, "kind"));
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\">"), ESC(survey_kind_name(call, kinds, of_str(q, "kind"))),
         RAW(" <small class=\"under\">52/\xd0\x9d\xd2\x9a, "),
         ESC(of_str(json_get(kind, "paragraph"), language_code(html->language))), RAW("</small></th>"));
    if (of_int(q, "quota") + of_int(q->next, "quota") > 0) {
        both(call, "survey.quota", "quota", q);
    } else {
        part_cell_classed(call, "survey.quota", "number");
        HTML(html, RAW("\xe2\x80\x94</td>"));
    }
    both(call, "survey.done", "done", q);
    both(call, "survey.planned", "planned", q);
    both(call, "survey.missing", "missing", q);
    HTML(html, RAW("</tr>"));
}

static void quotas(struct web_call *call, const struct json_value *plan)
{
    static const char *const heads[] = {"survey.kind",     "#survey.quota",   "#survey.done",
                                        "#survey.planned", "#survey.missing", NULL};
    HTML(&call->html, RAW("<p class=\"hint\">"), SAY("surveys.plus"), RAW("</p><table class=\"rows\" id=\"quotas\">"));
    part_heads(call, heads);
    HTML(&call->html, RAW("<tbody>"));
    for (const struct json_value *q = json_first(json_get(plan, "quotas")); q && q->next; q = q->next->next)
        quota_row(call, json_get(plan, "kinds"), q);
    HTML(&call->html, RAW("</tbody></table>"));
}

/* --- the proposal --- */

static struct str sent(const struct web_call *call, struct str name, struct str otherwise)
{
    for (size_t i = 0; i < call->form.count; i++)
        if (str_eq(call->form.fields[i].name, name))
            return call->form.fields[i].value;
    return otherwise;
}

static void day_input(struct web_call *call, struct str field, const char *label, struct str day)
{
    struct html *html = &call->html;
    part_cell(call, label);
    HTML(html, RAW("<input type=\"date\" name=\""), ESC(field), RAW("\" aria-label=\""),
         ESC(html_text(html, str_of(label))), RAW("\" value=\""), ESC(day), RAW("\"></td>"));
}

/* What it is of goes with it in one field: kind, control, main, pair. Days that were sent stay while they are of this.
 */
static void proposed(struct web_call *call, const struct json_value *kinds, const struct json_value *s, size_t i)
{
    struct html *html = &call->html;
    struct str kind = of_str(s, "kind"), take = call_format(call, "take_%zu", i);
    struct str what = call_format(call, "%.*s %d %lld %lld", STR_ARG(str_slice(kind, 0, 40)), of_bool(s, "control"),
                                  (long long)of_int(s, "main"), (long long)json_int(json_get(s, "pair"), -1));
    struct str first = call_format(call, "first_%zu", i), last = call_format(call, "last_%zu", i);
    bool again = str_eq(sent(call, call_format(call, "what_%zu", i), STR("")), what);
    bool chosen = !again || sent(call, take, STR("")).n > 0;
    HTML(html, RAW("<tr><td class=\"grow\"><input type=\"hidden\" name=\""), ESC(call_format(call, "what_%zu", i)),
         RAW("\" value=\""), ESC(what), RAW("\"><label><input type=\"checkbox\" value=\"yes\" name=\""), ESC(take),
         RAW("\""));
    if (chosen)
        HTML(html, RAW(" checked"));
    HTML(html, RAW("> "), ESC(survey_kind_name(call, kinds, kind)), RAW("</label></td>"));
    part_cell(call, "survey.role");
    survey_role(call, s);
    if (of_bool(s, "tight"))
        HTML(html, RAW(" <small class=\"under\">"), SAY("surveys.tight"), RAW("</small>"));
    HTML(html, RAW("</td>"));
    struct str first_day = of_str(s, "first_day"), last_day = of_str(s, "last_day");
    day_input(call, first, "survey.first_day", again ? sent(call, first, first_day) : first_day);
    day_input(call, last, "survey.last_day", again ? sent(call, last, last_day) : last_day);
    HTML(html, RAW("</tr>"));
}

static void proposal(struct web_call *call, const struct json_value *plan)
{
    static const char *const heads[] = {"survey.kind", "survey.role", "survey.first_day", "survey.last_day", NULL};
    struct html *html = &call->html;
    size_t i = 0;
    if (!of_bool(plan, "may_change") || !json_first(json_get(plan, "proposal")))
        return;
    HTML(html, RAW("<form class=\"card\" id=\"proposal\" method=\"post\" action=\"/objects/"), INT(object_id(call)),
         RAW("/surveys?year="), INT(survey_year(call)), RAW("\"><h2>"), SAY("surveys.proposal"),
         RAW("</h2><p class=\"about\">"), SAY("surveys.proposal_about"), RAW("</p>"));
    part_csrf(call);
    part_hidden(call, "act", STR("accept"));
    part_hidden(call, "seen", call_format(call, "%lld", (long long)of_int(plan, "version")));
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *s = json_first(json_get(plan, "proposal")); s && i < PROPOSED_MAX; s = s->next)
        proposed(call, json_get(plan, "kinds"), s, i++);
    HTML(html, RAW("</tbody></table><p class=\"buttons\"><button class=\"main\">"), SAY("surveys.accept"),
         RAW("</button></p></form>"));
}

static void no_room(struct web_call *call, const struct json_value *plan)
{
    int64_t count = 0;
    for (const struct json_value *q = json_first(json_get(plan, "quotas")); q; q = q->next)
        count += of_int(q, "no_room");
    if (count == 0)
        return;
    HTML(&call->html, RAW("<p class=\"notice bad\" role=\"alert\">"));
    part_icon(call, "bad");
    HTML(&call->html, RAW(" <span>"));
    SAY_WITH(&call->html, "surveys.no_room", NUMBER(count));
    HTML(&call->html, RAW("</span></p>"));
}

/* --- one by hand --- */

static void mains(struct web_call *call, const struct json_value *plan)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field\"><label for=\"f-main\">"), SAY("survey.main_of"),
         RAW("</label><select id=\"f-main\" name=\"main\"><option value=\"0\">"), SAY("survey.is_main"),
         RAW("</option>"));
    for (const struct json_value *s = json_first(json_get(plan, "surveys")); s; s = s->next) {
        if (of_bool(s, "control") || of_int(s, "control_id") > 0 || str_is(of_str(s, "state"), "cancelled"))
            continue;
        HTML(html, RAW("<option value=\""), INT(of_int(s, "id")), RAW("\""));
        if (form_int(&call->form, "main", 0) == of_int(s, "id"))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"), ESC(of_str(s, "number")), RAW(" "), ESC(of_str(s, "first_day")), RAW(" "),
             ESC(survey_kind_name(call, json_get(plan, "kinds"), of_str(s, "kind"))), RAW("</option>"));
    }
    HTML(html, RAW("</select></div>"));
}

static void by_hand(struct web_call *call, const struct json_value *plan, struct str wrong)
{
    struct html *html = &call->html;
    if (!of_bool(plan, "may_change"))
        return;
    HTML(html, RAW("<section class=\"card\" id=\"acts\"><h2>"), SAY("surveys.add"),
         RAW("</h2><form class=\"grid\" method=\"post\" action=\"/objects/"), INT(object_id(call)),
         RAW("/surveys?year="), INT(survey_year(call)), RAW("\">"));
    part_csrf(call);
    part_hidden(call, "act", STR("add"));
    survey_kinds(call, json_get(plan, "kinds"), form_get(&call->form, "kind"), false);
    mains(call, plan);
    part_input(call, "first_day", "survey.first_day", form_get(&call->form, "first_day"),
               INPUT_DATE | INPUT_REQUIRED | (str_is(wrong, "first_day") ? INPUT_WRONG : 0));
    part_input(call, "last_day", "survey.last_day", form_get(&call->form, "last_day"),
               INPUT_DATE | INPUT_REQUIRED | (str_is(wrong, "last_day") ? INPUT_WRONG : 0));
    part_input(call, "responsible", "survey.responsible", form_get(&call->form, "responsible"), 0);
    part_area(call, "notes", "survey.notes", form_get(&call->form, "notes"), str_is(wrong, "notes"));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("surveys.add_it"),
         RAW("</button></p></form></section>"));
}

/* --- the page --- */

/* `at`: the first of its two questions; failed: the answer that refused a form. */
static void year_page(struct web_call *call, size_t at, const struct json_value *failed)
{
    struct html *html = &call->html;
    struct str error = of_str(failed, "error");
    const struct json_value *plan = call_answer(call, at + 1);
    int64_t year = survey_year(call);
    object_head(call, json_get(call_answer(call, at), "object"), "/surveys");
    if (error.n)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    years(call, year);
    HTML(html, RAW("<h2>"), SAY("surveys.quotas"), RAW(" "), INT(year), RAW("</h2><p class=\"about\">"),
         SAY("surveys.about"), RAW("</p>"));
    if (!of_bool(plan, "covered"))
        part_notice(call, "warn", "surveys.uncovered");
    quotas(call, plan);
    if (json_first(json_get(plan, "faults"))) {
        HTML(html, RAW("<h2>"), SAY("surveys.faults"), RAW("</h2>"));
        survey_faults(call, json_get(plan, "kinds"), json_get(plan, "faults"));
    }
    no_room(call, plan);
    proposal(call, plan);
    HTML(html, RAW("<h2>"), SAY("surveys.planned"), RAW("</h2>"));
    survey_table(call, json_get(plan, "kinds"), json_get(plan, "surveys"), false);
    by_hand(call, plan, of_str(failed, "field"));
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_object_surveys(struct web_call *call)
{
    if (call->phase == 0)
        plan_ask(call);
    else if (!call_failed(call))
        year_page(call, 0, NULL);
}

/* --- taking --- */

/* What was left out of the form moves the places of those behind it. */
struct taking {
    struct buf *buf;
    int64_t place[PROPOSED_MAX]; /* in the question; -1: left out */
    int64_t count;
};

static void take(struct web_call *call, struct taking *taking, size_t i)
{
    struct str what = sent(call, call_format(call, "what_%zu", i), STR(""));
    int64_t main = 0, pair = -1;
    taking->place[i] = -1;
    if (!what.n || !sent(call, call_format(call, "take_%zu", i), STR("")).n)
        return;
    struct str kind = str_cut(&what, ' '), control = str_cut(&what, ' '), of = str_cut(&what, ' ');
    if (!str_to_i64(of, &main) || !str_to_i64(what, &pair))
        main = -1; /* refused */
    bool in_form = pair >= 0 && pair < (int64_t)i;
    taking->place[i] = taking->count++;
    json_write_object(taking->buf);
    json_put_str(taking->buf, "kind", kind);
    json_put_bool(taking->buf, "control", str_is(control, "1"));
    json_put_int(taking->buf, "main", main);
    json_put_int(taking->buf, "pair", in_form ? taking->place[pair] : -1);
    json_put_str(taking->buf, "first_day", sent(call, call_format(call, "first_%zu", i), STR("")));
    json_put_str(taking->buf, "last_day", sent(call, call_format(call, "last_%zu", i), STR("")));
    json_write_object_end(taking->buf);
}

static void accept_ask(struct web_call *call)
{
    struct taking taking = {.buf = call_ask(call, WEB_DESK, "survey.accept")};
    json_put_int(taking.buf, "object", object_id(call));
    json_put_int(taking.buf, "year", survey_year(call));
    json_put_int(taking.buf, "version", form_int(&call->form, "seen", -1));
    json_write_key(taking.buf, "surveys");
    json_write_array(taking.buf);
    for (size_t i = 0; i < PROPOSED_MAX; i++)
        take(call, &taking, i);
    json_write_array_end(taking.buf);
    call_ask_end(call);
}

static void add_ask(struct web_call *call)
{
    static const char *const texts[] = {"kind", "first_day", "last_day", "responsible", "notes"};
    struct buf *buf = call_ask(call, WEB_DESK, "survey.save");
    int64_t main = form_int(&call->form, "main", 0);
    json_write_key(buf, "survey");
    json_write_object(buf);
    json_put_int(buf, "object", object_id(call));
    json_put_bool(buf, "control", main != 0);
    json_put_int(buf, "main", main);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (form_get(&call->form, texts[i]).p)
            json_put_str(buf, texts[i], form_get(&call->form, texts[i]));
    json_write_object_end(buf);
    call_ask_end(call);
}

void act_object_surveys(struct web_call *call)
{
    if (call->phase == 0 && str_is(form_get(&call->form, "act"), "add")) {
        add_ask(call);
        return;
    }
    if (call->phase == 0) {
        accept_ask(call);
        return;
    }
    struct str error = call_error(call, 0);
    if (call->phase == 1 && error.n == 0)
        call_redirect_slice(call, call_format(call, "/objects/%lld/surveys?year=%lld&saved=1",
                                              (long long)object_id(call), (long long)survey_year(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call->phase == 1)
        plan_ask(call);
    else if (!call_failed_at(call, 1) && !call_failed_at(call, 2))
        year_page(call, 1, call->questions[0].answer);
}
