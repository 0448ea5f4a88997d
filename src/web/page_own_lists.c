/* Lists of indicators that people give here: those that stand or ended, files that wait, the form that gives one, and
 * how its file comes. */
#include "web/events.h"
#include "web/own_lists.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/upload_flow.h"

void own_list_state(struct web_call *call, const struct json_value *version)
{
    struct str state = of_bool(version, "stands") ? STR("stands") : of_str(version, "state");
    enum part_mood mood = str_is(state, "stands")    ? MOOD_GOOD
                          : str_is(state, "failed")  ? MOOD_BAD
                          : str_is(state, "reading") ? MOOD_RUNNING
                                                     : MOOD_CALM;
    part_state_mood(call, "own_list.state_", state, mood);
}

/* ---- those that there are ---- */

static void list_row(struct web_call *call, const struct json_value *list)
{
    struct html *html = &call->html;
    bool stands = of_int(list, "standing") > 0;
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\"><a href=\"/indicators/lists/"), INT(of_int(list, "id")),
         RAW("\">"), ESC(of_str(list, "list")), RAW("</a><small class=\"under\">"), ESC(of_str(list, "source")),
         RAW("</small></th>"));
    part_cell_classed(call, "hunts.state", "state-cell");
    part_state_mood(call, "own_list.state_", stands ? STR("stands") : STR("ended"), stands ? MOOD_GOOD : MOOD_CALM);
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "own_list.version", "number");
    HTML(html, INT(of_int(list, "version")), RAW("</td>"));
    part_cell_classed(call, "indicators.entries", "number");
    HTML(html, NUMBER(of_int(list, "entries")), RAW("</td>"));
    part_cell(call, "own_list.until");
    if (of_int(list, "expires_ns") > 0)
        HTML(html, TIME(of_int(list, "expires_ns")));
    else
        HTML(html, RAW("\xe2\x80\x94"));
    HTML(html, RAW("</td></tr>"));
}

static void lists(struct web_call *call, const struct json_value *answer)
{
    static const char *const heads[] = {"indicators.list",     "hunts.state",    "#own_list.version",
                                        "#indicators.entries", "own_list.until", NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "lists");
    HTML(html, RAW("<section class=\"card\" id=\"own-lists\"><h2>"), SAY("own_list.title"), RAW("</h2>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("own_list.empty"), RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *list = json_first(rows); list; list = list->next)
        list_row(call, list);
    HTML(html, RAW("</tbody></table></section>"));
}

static void file_row(struct web_call *call, const struct json_value *file)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\"><a href=\"/indicators/files/"), INT(of_int(file, "id")),
         RAW("\">"), ESC(of_str(file, "list")), RAW("</a><small class=\"under\">"), ESC(of_str(file, "name")),
         RAW(" \xc2\xb7 "), TIME(of_int(file, "made_ns")), RAW(" \xc2\xb7 "), ESC(of_str(file, "who")),
         RAW("</small></th>"));
    part_cell_classed(call, "hunts.state", "state-cell");
    own_list_state(call, file);
    HTML(html, RAW("</td>"));
    part_cell_classed(call, "indicators.entries", "number");
    HTML(html, NUMBER(of_int(file, "entries")), RAW("</td>"));
    part_cell_classed(call, "indicators.refused", "number");
    HTML(html, NUMBER(of_int(file, "refused")), RAW("</td></tr>"));
}

/* Files that wait to be taken, and those that came to nothing. */
static void files(struct web_call *call, const struct json_value *answer)
{
    static const char *const heads[] = {"indicators.list", "hunts.state", "#indicators.entries", "#indicators.refused",
                                        NULL};
    struct html *html = &call->html;
    const struct json_value *rows = json_get(answer, "files");
    HTML(html, RAW("<div id=\"own-files\" data-refresh=\"3\">"));
    if (json_first(rows)) {
        HTML(html, RAW("<section class=\"card\"><h2>"), SAY("own_list.files"), RAW("</h2><table class=\"rows\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *file = json_first(rows); file; file = file->next)
            file_row(call, file);
        HTML(html, RAW("</tbody></table></section>"));
    }
    HTML(html, RAW("</div>"));
}

static unsigned wrong_if(struct str wrong, const char *member)
{
    return str_is(wrong, member) ? INPUT_WRONG : 0;
}

static struct str given(const struct web_call *call, const char *name)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : STR("");
}

/* The file stands last: what is said of it must be there before it comes. */
static void form(struct web_call *call, struct str wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<section class=\"card\" id=\"give\"><h2>"), SAY("own_list.new"), RAW("</h2><p>"),
         SAY("own_list.about"),
         RAW("</p><form class=\"grid\" method=\"post\" enctype=\"multipart/form-data\" action=\"/indicators/files\">"));
    part_csrf(call);
    part_input(call, "list", "own_list.name", given(call, "list"), INPUT_REQUIRED | wrong_if(wrong, "list"));
    part_input(call, "source", "own_list.source", given(call, "source"), INPUT_REQUIRED | wrong_if(wrong, "source"));
    part_input(call, "confidence", "own_list.confidence", given(call, "confidence"),
               INPUT_NUMBER | wrong_if(wrong, "confidence"));
    part_input(call, "expires", "own_list.expires", given(call, "expires"),
               INPUT_MOMENT | wrong_if(wrong, "expires_ns"));
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-file\">"), SAY("upload.file"),
         RAW("</label><input id=\"f-file\" name=\"file\" type=\"file\" required></div><p class=\"hint wide\">"));
    SAY_WITH(html, "own_list.file_hint", NUMBER(WEB_LIST_MAX >> 20));
    HTML(html, RAW("</p><p class=\"buttons wide\"><button class=\"main\">"), SAY("own_list.send"),
         RAW("</button></p></form></section>"));
}

void own_lists_show(struct web_call *call, const struct json_value *answer, struct str wrong)
{
    lists(call, answer);
    files(call, answer);
    if (of_bool(answer, "may_change"))
        form(call, wrong);
}

/* ---- one comes ---- */

struct said {
    const struct form *form;
    int64_t expires_ns;
};

static void said_put(struct buf *buf, const void *said)
{
    const struct said *of = said;
    json_put_str(buf, "list", form_get(of->form, "list"));
    json_put_str(buf, "source", form_get(of->form, "source"));
    if (form_get(of->form, "confidence").n > 0) /* what is no number is out of its range */
        json_put_int(buf, "confidence", form_int(of->form, "confidence", INT64_MAX));
    json_put_int(buf, "expires_ns", of->expires_ns);
    json_put_str(buf, "name", form_get(of->form, "name"));
}

static struct upload_flow flow_of(const struct said *said)
{
    return (struct upload_flow){.check = "indicator.check", .add = "indicator.add", .put = said_put, .said = said};
}

void act_list_upload(struct web_call *call)
{
    struct said said = {.form = &call->form};
    const struct upload_flow flow = flow_of(&said);
    struct str expires = form_get(&call->form, "expires");
    bool done = false;
    size_t asked = call->question_count;
    if (call->phase > 0 && upload_flow_refused(call, INDICATORS_QUESTIONS)) {
        size_t refused = asked - INDICATORS_QUESTIONS - 1;
        indicators_show(call, refused + 1, call->questions[refused].answer, call_error(call, refused));
        return;
    }
    if (expires.n > 0 && !time_of_input(expires, call->html.zone_s, &said.expires_ns)) {
        call_fail(call, 422, STR("bad_time"), STR(""));
        return;
    }
    if (call->phase == 0 && form_get(&call->form, "name").n == 0) {
        call_fail(call, 422, STR("upload_none"), STR(""));
        return;
    }
    struct str error = upload_flow_step(call, &flow, &done);
    if (done)
        call_redirect_slice(call, call_format(call, "/indicators/files/%lld",
                                              (long long)of_int(call_answer(call, call->question_count - 1), "id")));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (error.n > 0)
        indicators_ask(call);
}

/* The same for programs: what is said of the file stands in the query. */
void api_list_upload(struct web_call *call)
{
    const struct said said = {.form = &call->query, .expires_ns = form_int(&call->query, "expires_ns", 0)};
    const struct upload_flow flow = flow_of(&said);
    upload_flow_api(call, &flow);
}
