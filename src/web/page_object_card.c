/* What is told of an object by order 52/NK, Annex 1: the form in the annex's order, its draft, what is missing, and the
 * same for paper. Who saves over what somebody else changed sees both and decides; what he typed stays. */
#include "web/object_parts.h"
#include "web/parts.h"
#include "web/route.h"

/* --- values --- */

static struct str input_name(struct web_call *call, const struct json_value *field)
{
    return call_format(call, "f_%.*s", STR_ARG(str_slice(of_str(field, "id"), 0, 40)));
}

/* What was sent with the form; {NULL, 0} when it was not. */
static struct str sent_of(const struct web_call *call, struct str name)
{
    for (size_t i = 0; i < call->form.count; i++)
        if (str_eq(call->form.fields[i].name, name))
            return call->form.fields[i].value;
    return STR_NONE;
}

/* As typed, else as the draft has it, else as it stands. */
static struct str value_of(struct web_call *call, const struct json_value *object, const struct json_value *field)
{
    struct str id = of_str(field, "id");
    struct str sent = sent_of(call, input_name(call, field));
    const struct json_value *card = json_get(json_get(object, "draft"), "card");
    if (sent.p)
        return sent;
    if (str_is(id, "name") || str_is(id, "owner"))
        return of_str(card ? card : object, str_is(id, "name") ? "name" : "owner");
    for (const struct json_value *f = json_first(json_get(card, "fields")); f; f = f->next)
        if (str_eq(f->key, id))
            return json_str(f, STR(""));
    return of_str(field, "value");
}

/* --- form --- */

static void label(struct web_call *call, const struct json_value *field)
{
    struct html *html = &call->html;
    HTML(html, RAW("<label for=\"f-"), ESC(of_str(field, "id")), RAW("\">"), ESC(object_label(call, field)));
    if (of_bool(field, "required"))
        HTML(html, RAW(" <small>"), SAY("objects.required"), RAW("</small>"));
    HTML(html, RAW("</label>"));
}

static void input(struct web_call *call, const struct json_value *object, const struct json_value *field, bool wrong)
{
    struct html *html = &call->html;
    struct str value = value_of(call, object, field);
    struct str id = of_str(field, "id"), name = input_name(call, field);
    bool text = str_is(of_str(field, "kind"), "text"), choice = str_is(of_str(field, "kind"), "choice");
    HTML(html, RAW("<div class=\"field wide\">"));
    label(call, field);
    if (choice)
        HTML(html, RAW("<select id=\"f-"), ESC(id), RAW("\" name=\""), ESC(name), RAW("\""));
    else if (text)
        HTML(html, RAW("<textarea rows=\"3\" id=\"f-"), ESC(id), RAW("\" name=\""), ESC(name), RAW("\""));
    else
        HTML(html, RAW("<input id=\"f-"), ESC(id), RAW("\" name=\""), ESC(name), RAW("\" value=\""), ESC(value),
             RAW("\""));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW(">"));
    if (text)
        HTML(html, RAW("\n"), ESC(value), RAW("</textarea>"));
    if (choice)
        HTML(html, RAW("<option value=\"\">"), SAY("objects.not_said"), RAW("</option>"));
    for (const struct json_value *v = choice ? json_first(json_get(field, "values")) : NULL; v; v = v->next) {
        struct str word = json_str(v, STR(""));
        HTML(html, RAW("<option value=\""), ESC(word), RAW("\""));
        if (str_eq(word, value))
            HTML(html, RAW(" selected"));
        HTML(html, RAW(">"));
        object_choice(call, word);
        HTML(html, RAW("</option>"));
    }
    if (choice)
        HTML(html, RAW("</select>"));
    HTML(html, RAW("</div>"));
}

/* What stands in a list of its own. */
static void elsewhere(struct web_call *call, const struct json_value *object, const struct json_value *field)
{
    struct html *html = &call->html;
    struct str kind = of_str(field, "kind");
    HTML(html, RAW("<p class=\"wide\" id=\"f-"), ESC(of_str(field, "id")), RAW("\"><b>"),
         ESC(object_label(call, field)), RAW("</b> "));
    if (of_bool(field, "missing"))
        HTML(html, RAW("<small>"), SAY("objects.is_missing"), RAW("</small> "));
    HTML(html, RAW("<a href=\"/objects/"), INT(of_int(object, "id")));
    if (str_is(kind, "means"))
        HTML(html, RAW("/means\">"), SAY("objects.means"));
    else if (str_is(kind, "document"))
        HTML(html, RAW("/documents\">"), SAY("objects.documents"));
    else
        HTML(html, RAW("#contacts\">"), SAY("object.contacts"));
    HTML(html, RAW("</a></p>"));
}

static bool is_typed(const struct json_value *field)
{
    struct str id = of_str(field, "id");
    return of_bool(field, "kept") || str_is(id, "name") || str_is(id, "owner");
}

static void fields(struct web_call *call, const struct json_value *object, struct str wrong)
{
    struct html *html = &call->html;
    struct str point = STR("");
    for (const struct json_value *f = json_first(json_get(object, "questionnaire")); f; f = f->next) {
        if (!str_eq(point, of_str(f, "point"))) {
            if (point.n)
                HTML(html, RAW("</fieldset>"));
            point = of_str(f, "point");
            HTML(html, RAW("<fieldset class=\"wide\"><legend>"), ESC(point), RAW(".</legend>"));
        }
        if (is_typed(f))
            input(call, object, f, str_eq(wrong, of_str(f, "id")));
        else
            elsewhere(call, object, f);
    }
    if (point.n)
        HTML(html, RAW("</fieldset>"));
}

static void missing(struct web_call *call, const struct json_value *object)
{
    struct html *html = &call->html;
    bool any = false;
    for (const struct json_value *f = json_first(json_get(object, "questionnaire")); f; f = f->next) {
        if (!of_bool(f, "missing"))
            continue;
        if (!any)
            HTML(html, RAW("<section class=\"card\" id=\"missing\"><h2>"), SAY("objects.missing"), RAW("</h2><ul>"));
        any = true;
        HTML(html, RAW("<li><a href=\"#f-"), ESC(of_str(f, "id")), RAW("\">"), ESC(of_str(f, "point")), RAW(". "),
             ESC(object_label(call, f)), RAW("</a></li>"));
    }
    if (any)
        HTML(html, RAW("</ul></section>"));
    else
        part_notice(call, "ok", "objects.complete");
}

static void draft(struct web_call *call, const struct json_value *object)
{
    struct html *html = &call->html;
    const struct json_value *d = json_get(object, "draft");
    if (!d || d->kind != JSON_OBJECT)
        return;
    HTML(html, RAW("<section class=\"notice warn\"><p>"), SAY("objects.draft_of"), RAW(" <b>"), ESC(of_str(d, "who")),
         RAW("</b> "), TIME(of_int(d, "time_ns")), RAW(" "));
    if (of_int(d, "version") != of_int(object, "version"))
        HTML(html, SAY("objects.draft_old"));
    HTML(html, RAW("</p><form method=\"post\" action=\"/objects/"), INT(of_int(object, "id")), RAW("/card\">"));
    part_csrf(call);
    part_hidden(call, "draft_ns", call_format(call, "%lld", (long long)of_int(d, "time_ns")));
    HTML(html, RAW("<button class=\"quiet\" name=\"act\" value=\"discard\">"), SAY("objects.discard"),
         RAW("</button></form></section>"));
}

/* What is refused comes back as it was typed; `changes`: how it differs from what somebody else has saved. */
static void form(struct web_call *call, const struct json_value *answer, const struct json_value *failed,
                 const struct json_value *changes)
{
    struct html *html = &call->html;
    const struct json_value *object = json_get(answer, "object");
    const struct json_value *begun = json_get(object, "draft");
    struct str error = of_str(failed, "error"), wrong = of_str(failed, "field");
    bool drafted = begun && begun->kind == JSON_OBJECT && !error.n;
    object_head(call, object, "/card");
    if (error.n)
        part_error(call, error, wrong, of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    HTML(html, RAW("<p class=\"about\">"), SAY("objects.card_about"), RAW(" <a href=\"/objects/"),
         INT(of_int(object, "id")), RAW("/annex1\">"), SAY("objects.print"), RAW("</a></p>"));
    if (changes) {
        HTML(html, RAW("<p>"), SAY("objects.conflict"), RAW("</p>"));
        object_changes(call, changes);
    }
    draft(call, object);
    missing(call, object);
    HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/objects/"), INT(of_int(object, "id")),
         RAW("/card\""));
    if (error.n)
        HTML(html, RAW(" data-unsaved"));
    HTML(html, RAW(">"));
    part_csrf(call);
    /* a draft's values are those of who had seen the version that it was begun with */
    object_seen(call, "seen", of_int(drafted ? begun : object, "version"), error);
    object_seen(call, "draft_ns", of_int(begun, "time_ns"), error);
    fields(call, object, wrong);
    if (of_bool(answer, "may_change")) {
        part_area(call, "reason", "objects.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
        HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\" name=\"act\" value=\"save\">"),
             SAY("form.save"), RAW("</button> <button name=\"act\" value=\"draft\">"), SAY("objects.save_draft"),
             RAW("</button></p>"));
    }
    HTML(html, RAW("</form>"));
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_object_card(struct web_call *call)
{
    if (call->phase == 0)
        object_ask(call);
    else if (!call_failed(call))
        form(call, call_answer(call, 0), NULL, NULL);
}

/* --- saving --- */

static void typed_write(struct web_call *call, struct buf *buf)
{
    struct str name = form_get(&call->form, "f_name"), owner = form_get(&call->form, "f_owner");
    if (name.p)
        json_put_str(buf, "name", name);
    if (owner.p)
        json_put_str(buf, "owner", owner);
    json_write_key(buf, "fields");
    json_write_object(buf);
    for (size_t i = 0; i < call->form.count; i++) {
        struct str field = call->form.fields[i].name;
        if (!str_starts(field, STR("f_")) || str_is(field, "f_name") || str_is(field, "f_owner"))
            continue;
        json_write_key_slice(buf, str_skip(field, 2));
        json_write_str(buf, call->form.fields[i].value);
    }
    json_write_object_end(buf);
}

static void save_ask(struct web_call *call, bool dry)
{
    bool as_draft = str_is(form_get(&call->form, "act"), "draft");
    struct buf *buf = call_ask(call, WEB_DESK, "object.save");
    if (dry)
        json_put_bool(buf, "dry", true);
    else
        json_put_int(buf, "version", form_int(&call->form, "seen", -1));
    if (as_draft && !dry)
        json_put_bool(buf, "draft", true);
    if (!dry)
        json_put_int(buf, "draft_ns", form_int(&call->form, "draft_ns", -1));
    json_put_str(buf, "reason", form_get(&call->form, "reason").p ? form_get(&call->form, "reason") : STR(""));
    json_write_key(buf, "object");
    json_write_object(buf);
    json_put_int(buf, "id", object_id(call));
    typed_write(call, buf);
    object_save_end(call, buf);
}

static void discard_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "object.draft_end");
    json_put_int(buf, "id", object_id(call));
    json_put_int(buf, "draft_ns", form_int(&call->form, "draft_ns", -1));
    call_ask_end(call);
}

/* Question 0: the object as it is now, for the form that may come back; 1: the change; 2: what it would change. */
void act_object_card(struct web_call *call)
{
    bool discards = str_is(form_get(&call->form, "act"), "discard");
    if (call->phase == 0) {
        object_ask(call);
        if (discards)
            discard_ask(call);
        else
            save_ask(call, false);
        return;
    }
    struct str error = call_error(call, 1);
    if (error.n == 0)
        call_redirect_slice(call, call_format(call, "/objects/%lld/card?saved=1", (long long)object_id(call)));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else if (call_failed_at(call, 0))
        return;
    else if (call->phase == 1 && str_is(error, "object_changed") && !discards)
        save_ask(call, true);
    else
        form(call, call_answer(call, 0), call->questions[1].answer,
             call->question_count > 2 ? json_get(call_answer(call, 2), "changes") : NULL);
}

/* --- for paper --- */

/* `only`: rows of this kind; empty: all. */
static void paper_rows(struct web_call *call, const struct json_value *rows, const char *const *cells, struct str only)
{
    struct html *html = &call->html;
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        bool any = false;
        if (only.n && !str_eq(only, of_str(r, "kind")))
            continue;
        HTML(html, RAW("<p>"));
        for (size_t i = 0; cells[i]; i++) {
            struct str text = of_str(r, cells[i]);
            if (!text.n || (str_is(str_of(cells[i]), "reserve") && str_is(text, "no")))
                continue;
            if (any)
                HTML(html, RAW("; "));
            any = true;
            if (str_is(str_of(cells[i]), "reserve"))
                HTML(html, SAY("objects.reserve"));
            else if (str_is(str_of(cells[i]), "kind"))
                HTML(html, SAY_OF("object_kind.", text));
            else
                HTML(html, ESC(text));
        }
        HTML(html, RAW("</p>"));
    }
}

static void paper_value(struct web_call *call, const struct json_value *object, const struct json_value *field)
{
    static const char *const contact[] = {"name", "post", "phone", "email", NULL};
    static const char *const means[] = {"kind", "reserve", "name", "purpose", "version", "addresses", "domains", NULL};
    static const char *const document[] = {"title", "approved_by", "approved", "file", "sha256", NULL};
    struct str kind = of_str(field, "kind");
    struct html *html = &call->html;
    if (of_bool(field, "missing")) {
        HTML(html, RAW("\xe2\x80\x94"));
    } else if (str_is(kind, "contacts")) {
        paper_rows(call, json_get(object, "contacts"), contact, STR(""));
    } else if (str_is(kind, "means")) {
        paper_rows(call, json_get(object, "means"), means, STR(""));
    } else if (str_is(kind, "choice")) {
        object_choice(call, of_str(field, "value"));
    } else if (str_is(kind, "document")) {
        paper_rows(call, json_get(object, "documents"), document, of_str(field, "id"));
    } else {
        HTML(html, ESC(of_str(field, "value")));
    }
}

void page_object_paper(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        object_ask(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *object = json_get(call_answer(call, 0), "object");
    object_head(call, object, "/card");
    HTML(html, RAW("<h2>"), SAY("objects.annex"), RAW("</h2><p class=\"meta\">"), SAY("objects.version"), RAW(" "),
         INT(of_int(object, "version")), RAW("</p><table class=\"pairs\"><tbody>"));
    for (const struct json_value *f = json_first(json_get(object, "questionnaire")); f; f = f->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"), ESC(of_str(f, "point")), RAW(". "), ESC(object_label(call, f)),
             RAW("</th><td>"));
        paper_value(call, object, f);
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table><p>"), SAY("objects.signature"), RAW(" ______________________</p>"));
    call_page_end(call, 200);
}
