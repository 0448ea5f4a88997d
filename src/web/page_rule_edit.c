/* The rule editor: a text, what a check says of it, what it finds on recent events, its versions.
 *
 *   GET  /rules/edit, /rules/ID/edit     a new rule; an own one, or a copy of another
 *   POST the same                        do=check, try or save; /rules/ID/end takes an own one away
 *   GET  /rules/tried?job=…              a try under way, for the script that follows it */
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_edit.h"

#define TRY_FIRST_MS 700 /* of work before the page is shown */
#define TRY_MORE_MS  1000
#define NO_ASK       SIZE_MAX

static const char template[] = "title: \n"
                               "status: experimental\n"
                               "description: \n"
                               "logsource:\n"
                               "    product: linux\n"
                               "detection:\n"
                               "    selection:\n"
                               "        message|contains: ''\n"
                               "    condition: selection\n"
                               "level: medium\n";

struct edit {
    struct str id;                  /* as the path says; empty: a new rule */
    struct str name;                /* of the own text that is changed; empty: a new one */
    struct str text;                /* in the area */
    const struct json_value *about; /* rule.text; NULL: of a new rule */
    const struct json_value *check; /* answers, or NULL */
    const struct json_value *tried;
    const struct json_value *failed; /* the refused answer that the page tells of */
    struct str error;
};

/* --- the form --- */

static struct str sent_or(const struct web_call *call, const char *name, const char *otherwise)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : str_of(otherwise);
}

static void area(struct web_call *call, const char *name, const char *key, struct str value, int64_t rows, bool wrong)
{
    struct html *html = &call->html;
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-"), ESCZ(name), RAW("\">"),
         ESC(html_text(html, str_of(key))),
         RAW("</label><textarea class=\"code\" wrap=\"off\" spellcheck=\"false\""
             " autocapitalize=\"none\" id=\"f-"),
         ESCZ(name), RAW("\" name=\""), ESCZ(name), RAW("\" rows=\""), INT(rows), RAW("\""));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW(">\n"), ESC(value), RAW("</textarea></div>"));
}

/* Where a button sends the form: the part of the page that answers is shown. */
static void button(struct web_call *call, const struct edit *edit, const char *act, const char *key, bool main)
{
    struct html *html = &call->html;
    HTML(html, RAW("<button name=\"do\" value=\""), ESCZ(act), RAW("\""));
    if (main)
        HTML(html, RAW(" class=\"main\""));
    HTML(html, RAW(" formaction=\"/rules/"));
    if (edit->name.n)
        HTML(html, URL(edit->name), RAW("/"));
    HTML(html, RAW("edit#"), ESCZ(str_is(str_of(act), "try") ? "tried" : "checked"), RAW("\">"),
         ESC(html_text(html, str_of(key))), RAW("</button>"));
}

static void try_part(struct web_call *call, const struct edit *edit)
{
    static const char *const events[] = {"20000", "1000", "200000", "0", NULL};
    static const char *const hours[] = {"0", "1", "24", "168", NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<fieldset class=\"card\"><legend>"), SAY("edit.try_on"), RAW("</legend><div class=\"grid\">"));
    part_choice(call, "events", "edit.events", "edit_events.", events, sent_or(call, "events", "20000"));
    part_choice(call, "hours", "edit.hours", "edit_hours.", hours, sent_or(call, "hours", "0"));
    area(call, "sample", "edit.sample", sent_or(call, "sample", ""), 4, false);
    HTML(html, RAW("</div><p class=\"buttons\">"));
    button(call, edit, "try", "edit.try", false);
    HTML(html, RAW("</p></fieldset>"));
}

static void save_part(struct web_call *call, const struct edit *edit, struct str wrong)
{
    struct html *html = &call->html;
    int64_t version = of_int(edit->about, "version");
    struct str reason = sent_or(call, "reason", "");
    HTML(html, RAW("<fieldset class=\"card\"><legend>"), SAY("edit.save_as"), RAW("</legend><div class=\"stack\">"));
    if (!form_get(&call->form, "reason").p && edit->name.n && form_get(&call->query, "version").n && version > 0)
        reason = call_format(call, "%.*s %lld", STR_ARG(html_text(html, STR("edit.back_to"))), (long long)version);
    part_area(call, "reason", "field.reason", reason, str_is(wrong, "reason"));
    if (edit->name.n)
        part_check(call, "keep", "edit.keep", form_get(&call->form, "keep").p != NULL);
    HTML(html, RAW("</div><p class=\"hint\">"), SAY("edit.draft_about"), RAW("</p><p class=\"buttons\">"));
    button(call, edit, "save", "edit.save", true);
    HTML(html, RAW("</p></fieldset>"));
}

static void form(struct web_call *call, const struct edit *edit)
{
    struct html *html = &call->html;
    struct str wrong = of_str(edit->failed, "field");
    HTML(html, RAW("<form class=\"stack guard\""));
    if (form_get(&call->form, "text").p)
        HTML(html, RAW(" data-unsaved=\"yes\""));
    HTML(html, RAW(" method=\"post\" action=\"/rules/"));
    if (edit->name.n)
        HTML(html, URL(edit->name), RAW("/"));
    HTML(html, RAW("edit\">"));
    part_csrf(call);
    area(call, "text", "edit.text", edit->text, 24, str_is(wrong, "text"));
    HTML(html, RAW("<p class=\"hint\">"), SAY("edit.text_about"), RAW("</p><p class=\"buttons\">"));
    button(call, edit, "check", "edit.check", false);
    HTML(html, RAW("</p>"));
    try_part(call, edit);
    save_part(call, edit, wrong);
    HTML(html, RAW("</form>"));
}

static void end_form(struct web_call *call, const struct edit *edit)
{
    struct html *html = &call->html;
    HTML(html, RAW("<details class=\"help\"><summary>"), SAY("edit.end"),
         RAW("</summary><form class=\"stack\" method=\"post\" action=\"/rules/"), URL(edit->name), RAW("/end\">"));
    part_csrf(call);
    part_input(call, "reason", "field.reason", STR(""), INPUT_REQUIRED);
    HTML(html, RAW("<p class=\"hint\">"), SAY("edit.end_about"), RAW("</p><p class=\"buttons\"><button>"),
         SAY("edit.end"), RAW("</button></p></form></details>"));
}

/* --- the page --- */

/* A copy is another rule: without the lines that say who the first one is. */
static struct str copy_of(struct web_call *call, struct str text)
{
    char *room = arena_alloc_raw(call->arena, text.n + 1);
    struct buf out;
    if (!room)
        return STR("");
    buf_init_fixed(&out, room, text.n + 1);
    while (text.p) {
        struct str line = str_cut(&text, '\n');
        if (str_starts(line, STR("id:")) || str_starts(line, STR("name:")))
            continue;
        buf_str(&out, line);
        if (text.p)
            buf_char(&out, '\n');
    }
    return buf_view(&out);
}

static void heading(struct web_call *call, const struct edit *edit)
{
    struct html *html = &call->html;
    struct str title = of_str(edit->about, "title");
    struct str key = edit->name.n ? STR("edit.title") : edit->id.n ? STR("edit.title_copy") : STR("edit.title_new");
    call_page_titled(call, html_text(html, key), SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(html_text(html, key)), RAW("</h1></div>"));
    if (!edit->id.n)
        return;
    HTML(html, RAW("<p class=\"meta\">"));
    if (of_bool(edit->about, "loaded"))
        HTML(html, RAW("<a href=\"/rules/"), URL(edit->id), RAW("\">"), ESC(part_rule_title(call, edit->id, title)),
             RAW("</a>"));
    else
        HTML(html, ESC(title));
    if (edit->name.n) {
        HTML(html, RAW(" \xc2\xb7 "));
        SAY_WITH(html, "edit.version", INT(of_int(edit->about, "version")));
        if (of_bool(edit->about, "in_effect"))
            HTML(html, RAW(" <span class=\"state ok\">"), SAY("edit.in_effect"), RAW("</span>"));
    }
    HTML(html, RAW("</p>"));
}

static void page(struct web_call *call, const struct edit *edit)
{
    struct html *html = &call->html;
    bool may = !edit->about || of_bool(edit->about, "may_change");
    heading(call, edit);
    if (edit->error.n > 0)
        part_error(call, edit->error, of_str(edit->failed, "field"), of_str(edit->failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "edit.saved");
    if (edit->about && !edit->name.n && !of_bool(edit->about, "at_hand"))
        part_notice(call, "warn", "edit.not_at_hand");
    HTML(html, RAW("<div class=\"split\"><div>"));
    if (may)
        form(call, edit);
    else
        HTML(html, RAW("<pre class=\"raw whole\">"), ESC(edit->text), RAW("</pre>"));
    HTML(html, RAW("</div><div>"));
    if (edit->check)
        edit_checked(call, edit->check, edit->text);
    if (edit->name.n) {
        edit_versions(call, edit->about, edit->name);
        if (may)
            end_form(call, edit);
    }
    HTML(html, RAW("</div></div>"));
    if (edit->tried)
        edit_tried(call, edit->tried);
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/rules\">"), SAY("rules.title"), RAW("</a></p>"));
    call_page_end(call, edit->error.n > 0 ? status_of_error(edit->error) : 200);
}

/* --- questions --- */

static void ask_about(struct web_call *call, struct str id)
{
    struct buf *buf = call_ask(call, WEB_DESK, "rule.text");
    int64_t version = form_int(&call->query, "version", 0);
    json_put_str(buf, "id", id);
    if (version > 0)
        json_put_int(buf, "version", version);
    call_ask_end(call);
}

static void ask_check(struct web_call *call, struct str id, struct str text)
{
    struct buf *buf = call_ask(call, WEB_DESK, "rule.check");
    json_put_str(buf, "text", text);
    if (id.n)
        json_put_str(buf, "id", id);
    call_ask_end(call);
}

static void ask_try(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_QUERY, "rule.try");
    json_put_str(buf, "text", form_get(&call->form, "text"));
    json_put_int(buf, "events", form_int(&call->form, "events", 20000));
    json_put_int(buf, "hours", form_int(&call->form, "hours", 0));
    json_put_str(buf, "sample", form_get(&call->form, "sample"));
    json_put_int(buf, "wait_ms", TRY_FIRST_MS);
    call_ask_end(call);
}

static void ask_write(struct web_call *call, struct str id)
{
    struct buf *buf = call_ask(call, WEB_DESK, "rule.write");
    json_put_str(buf, "text", form_get(&call->form, "text"));
    json_put_str(buf, "reason", form_get(&call->form, "reason"));
    json_put_bool(buf, "keep", form_get(&call->form, "keep").p != NULL);
    if (id.n)
        json_put_str(buf, "id", id);
    call_ask_end(call);
}

/* Of a new rule nothing is known but whether this person may write one: the check says so. */
void page_rule_edit(struct web_call *call)
{
    struct edit edit = {.id = call->args[0]};
    if (call->phase == 0) {
        if (edit.id.n)
            ask_about(call, edit.id);
        else
            ask_check(call, STR(""), str_of(template));
        return;
    }
    if (call_failed_at(call, 0))
        return;
    edit.text = str_of(template);
    if (edit.id.n) {
        edit.about = call_answer(call, 0);
        edit.name = of_str(edit.about, "name");
        edit.text = edit.name.n ? of_str(edit.about, "text") : copy_of(call, of_str(edit.about, "text"));
    }
    page(call, &edit);
}

static struct str saved_path(struct web_call *call, struct str id)
{
    char storage[2048];
    struct buf path;
    buf_init_fixed(&path, storage, sizeof storage);
    buf_text(&path, "/rules/");
    url_encode(&path, id);
    buf_text(&path, "/edit?saved=1");
    return path.overflow ? STR("/rules") : arena_str(call->arena, buf_view(&path));
}

/* Questions of a POST: first what was asked for (a check, or the saving), then what the page shows beside it. */
static void act_first(struct web_call *call, struct str id, bool save)
{
    if (save)
        ask_write(call, id);
    else
        ask_check(call, id, form_get(&call->form, "text"));
    if (id.n)
        ask_about(call, id);
}

static void act_page(struct web_call *call, struct str id, bool save, size_t second)
{
    size_t about = id.n ? 1 : NO_ASK;
    struct edit edit = {.id = id, .name = id, .text = form_get(&call->form, "text")};
    edit.error = call_error(call, 0);
    edit.failed = edit.error.n ? call->questions[0].answer : NULL;
    edit.about = about == NO_ASK ? NULL : call_answer(call, about);
    if (!save)
        edit.check = call_answer(call, 0);
    else if (second != NO_ASK)
        edit.check = call_answer(call, second);
    if (!save && second != NO_ASK) {
        edit.tried = call_answer(call, second);
        if (!edit.tried) {
            edit.error = call_error(call, second);
            edit.failed = call->questions[second].answer;
        }
    }
    page(call, &edit);
}

void act_rule_edit(struct web_call *call)
{
    struct str id = call->args[0];
    struct str act = form_get(&call->form, "do");
    bool save = str_is(act, "save");
    size_t second = id.n ? 2 : 1;
    if (call->phase == 0) {
        act_first(call, id, save);
        return;
    }
    struct str error = call_error(call, 0);
    if (str_is(error, "session_ended") || str_is(error, "denied") || str_is(error, "not_found")) {
        IGNORE(call_failed_at(call, 0));
        return;
    }
    if (id.n && call_failed_at(call, 1))
        return;
    if (call->phase > 1) {
        act_page(call, id, save, second);
    } else if (save && error.n == 0) {
        call_redirect_slice(call, saved_path(call, of_str(call_answer(call, 0), "id")));
    } else if (save) {
        ask_check(call, id, form_get(&call->form, "text"));
    } else if (str_is(act, "try") && of_bool(call_answer(call, 0), "loads")) {
        ask_try(call);
    } else {
        act_page(call, id, save, NO_ASK);
    }
}

void act_rule_end(struct web_call *call)
{
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "rule.end");
        json_put_str(buf, "id", call->args[0]);
        json_put_str(buf, "reason", form_get(&call->form, "reason"));
        call_ask_end(call);
    } else if (!call_failed_at(call, 0)) {
        call_redirect(call, "/rules");
    }
}

/* --- a try under way --- */

void page_rule_tried(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_QUERY, "rule.try");
        json_put_str(buf, "job", form_get(&call->query, "job").n ? form_get(&call->query, "job") : STR("-"));
        json_put_int(buf, "wait_ms", TRY_MORE_MS);
        call_ask_end(call);
        return;
    }
    bool gone = str_is(call_error(call, 0), "try_gone");
    if (!gone && call_failed_at(call, 0))
        return;
    call_page(call, "edit.tried", SECTION_RULES);
    HTML(html, RAW("<h1>"), SAY("edit.tried"), RAW("</h1>"));
    if (gone)
        edit_tried_gone(call);
    else
        edit_tried(call, call_answer(call, 0));
    HTML(html, RAW("<p class=\"buttons\"><a class=\"button\" href=\"/rules\">"), SAY("rules.title"), RAW("</a></p>"));
    call_page_end(call, gone ? 404 : 200);
}
