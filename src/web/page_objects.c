/* Objects of informatization: list, and a form with settings, days and contacts. */
#include "web/events.h"
#include "web/object_parts.h"
#include "web/parts.h"
#include "web/route.h"

#define CONTACT_ROWS_MAX 20

static const char *const classes[] = {"1", "2", "3", NULL};
static const char *const contours[] = {"internal", "external", NULL};

/* The earliest term, and a link to them all. */
static void next_put(struct web_call *call, const struct json_value *o)
{
    struct html *html = &call->html;
    const struct json_value *next = json_get(o, "next");
    if (!next || next->kind != JSON_OBJECT) {
        HTML(html, RAW("\xe2\x80\x94"));
        return;
    }
    HTML(html, RAW("<a href=\"/objects/"), INT(of_int(o, "id")), RAW("/terms\">"), ESC(of_str(next, "clock")),
         RAW("</a> "));
    part_remaining(call, of_int(next, "due_ns"));
}

void page_objects(struct web_call *call)
{
    static const char *const heads[] = {"object.name",
                                        "object.class",
                                        "object.contour",
                                        "object.owner",
                                        "object.contacts",
                                        "#object.keep_days",
                                        "#object.open_incidents",
                                        "clock.due",
                                        NULL};
    struct html *html = &call->html;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_DESK, "object.list");
        return;
    }
    if (call_failed(call))
        return;
    call_page(call, "objects.title", SECTION_OBJECTS);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("objects.title"),
         RAW("</h1><span class=\"buttons\"><a class=\"button\" href=\"/objects/new\">"), SAY("objects.new"),
         RAW("</a> <a class=\"button\" href=\"/objects/new/exchange\">"), SAY("objects.import"),
         RAW("</a></span></div>"));
    if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *o = json_first(json_get(call_answer(call, 0), "objects")); o; o = o->next) {
        HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/objects/"), INT(of_int(o, "id")), RAW("\">"),
             ESC(of_str(o, "name")), RAW("</a></th>"));
        part_cell(call, "object.class");
        HTML(html, ESC(of_text(o, "class")), RAW("</td>"));
        part_cell(call, "object.contour");
        HTML(html, SAY_OF("contour.", of_str(o, "contour")), RAW("</td>"));
        part_cell(call, "object.owner");
        HTML(html, ESC(of_str(o, "owner")), RAW("</td>"));
        part_cell(call, "object.contacts");
        for (const struct json_value *c = json_first(json_get(o, "contacts")); c; c = c->next)
            HTML(html, RAW("<span class=\"under\">"), ESC(of_str(c, "name")), RAW(" "), ESC(of_str(c, "phone")),
                 RAW("</span>"));
        HTML(html, RAW("</td>"));
        part_cell_classed(call, "object.keep_days", "number");
        if (of_int(o, "keep_days") > 0)
            HTML(html, NUMBER(of_int(o, "keep_days")), RAW("</td>"));
        else
            HTML(html, RAW("\xe2\x80\x94</td>"));
        part_cell_classed(call, "object.open_incidents", "number");
        HTML(html, NUMBER(of_int(o, "open_incidents")), RAW("</td>"));
        part_cell(call, "clock.due");
        next_put(call, o);
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
    call_page_end(call, 200);
}

static struct str value_of(const struct web_call *call, const struct json_value *object, const char *name)
{
    struct str sent = form_get(&call->form, name);
    return sent.p ? sent : of_text(object, name);
}

static const char *const parts[] = {"name", "email", "phone", "post"};

static void contact_row(struct web_call *call, size_t i, const struct json_value *contact)
{
    struct html *html = &call->html;
    HTML(html, RAW("<tr>"));
    for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
        char storage[48];
        struct buf field;
        buf_init_fixed(&field, storage, sizeof storage);
        buf_format(&field, "contact_%s_%zu", parts[k], i);
        struct str sent = form_get(&call->form, buf_z(&field));
        struct str name = buf_view(&field);
        struct str key = call_format(call, "contact.%s", parts[k]);
        HTML(html, RAW("<td data-label=\""), ESC(html_text(html, key)), RAW("\"><input aria-label=\""),
             ESC(html_text(html, key)), RAW(" "), INT((int64_t)i + 1), RAW("\" name=\""), ESC(name), RAW("\" value=\""),
             ESC(sent.p ? sent : of_str(contact, parts[k])), RAW("\"></td>"));
    }
    part_cell(call, "contact.since");
    HTML(html, ESC(of_str(contact, "since")), RAW("</td></tr>"));
}

/* More than a form has rows for are only shown: what the form does not send stays. */
static void contacts_shown(struct web_call *call, const struct json_value *contact)
{
    for (; contact; contact = contact->next) {
        HTML(&call->html, RAW("<tr>"));
        for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
            struct str key = call_format(call, "contact.%s", parts[k]);
            HTML(&call->html, RAW("<td data-label=\""), ESC(html_text(&call->html, key)), RAW("\">"),
                 ESC(of_str(contact, parts[k])), RAW("</td>"));
        }
        part_cell(call, "contact.since");
        HTML(&call->html, ESC(of_str(contact, "since")), RAW("</td></tr>"));
    }
    HTML(&call->html, RAW("</tbody></table><p class=\"hint\">"), SAY("object.contacts_many"), RAW("</p></fieldset>"));
}

static void contacts(struct web_call *call, const struct json_value *object)
{
    static const char *const heads[] = {"contact.name", "contact.email", "contact.phone",
                                        "contact.post", "contact.since", NULL};
    const struct json_value *list = json_get(object, "contacts"), *contact = json_first(list);
    HTML(&call->html, RAW("<fieldset class=\"wide\" id=\"contacts\"><legend>"), SAY("object.contacts"),
         RAW("</legend><table class=\"rows\">"));
    part_heads(call, heads);
    HTML(&call->html, RAW("<tbody>"));
    if (contact && list->count > CONTACT_ROWS_MAX) {
        contacts_shown(call, contact);
        return;
    }
    size_t empty = 0;
    for (size_t i = 0; i < CONTACT_ROWS_MAX && empty < 2; i++) {
        empty += contact ? 0 : 1;
        contact_row(call, i, contact);
        contact = contact ? contact->next : NULL;
    }
    HTML(&call->html, RAW("</tbody></table><p class=\"hint\">"), SAY("object.contacts_hint"), RAW(" "),
         SAY("object.contacts_term"), RAW("</p>"));
    part_input(call, "contacts_changed", "object.contacts_changed", form_get(&call->form, "contacts_changed"),
               INPUT_MOMENT);
    HTML(&call->html, RAW("</fieldset>"));
}

/* Host patterns and networks of the object, one a line. */
static void assets(struct web_call *call, const struct json_value *object, bool wrong)
{
    struct html *html = &call->html;
    struct str sent = form_get(&call->form, "assets");
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-assets\">"), SAY("object.assets"),
         RAW("</label><textarea id=\"f-assets\" name=\"assets\" rows=\"4\" spellcheck=\"false\""));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW(">\n"));
    if (sent.p)
        HTML(html, ESC(sent));
    for (const struct json_value *a = sent.p ? NULL : json_first(json_get(object, "assets")); a; a = a->next)
        HTML(html, ESC(of_str(a, "pattern")), RAW("\n"));
    HTML(html, RAW("</textarea><p class=\"hint\">"), SAY("object.assets_hint"), RAW("</p></div>"));
}

/* Only digits, colons and what networks are written with; a name has a letter past f, a blank or a star. */
static bool is_address(struct str text)
{
    bool digit = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = char_lower(text.p[i]);
        if (!char_is_digit(c) && !(c >= 'a' && c <= 'f') && c != '.' && c != ':' && c != '/')
            return false;
        digit |= char_is_digit(c);
    }
    return digit && (str_find(text, '.') < text.n || str_find(text, ':') < text.n);
}

static void put_assets(struct web_call *call, struct buf *buf)
{
    struct str rest = form_get(&call->form, "assets");
    if (!rest.p)
        return; /* the desk keeps what it has */
    json_write_key(buf, "assets");
    json_write_array(buf);
    while (rest.p) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (line.n == 0)
            continue;
        json_write_object(buf);
        json_put_text(buf, "kind", is_address(line) ? "address" : "host");
        json_put_str(buf, "pattern", line);
        json_write_object_end(buf);
    }
    json_write_array_end(buf);
}

/* Minutes from UTC, as the form shows an offset: "+05:00". */
static struct str zone_text(struct web_call *call, int64_t offset_s)
{
    int64_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    return call_format(call, "%c%02d:%02d", offset_s < 0 ? '-' : '+', (int)(minutes / 60), (int)(minutes % 60));
}

static bool zone_of_text(struct str text, int64_t *ret_offset_s)
{
    uint64_t hours = 0;
    uint64_t minutes = 0;
    struct str rest = str_skip(text, 1);
    struct str first = str_cut(&rest, ':');
    if (text.n == 0 || (text.p[0] != '+' && text.p[0] != '-') || !str_to_u64(first, &hours) || hours > 14 ||
        (rest.p && !str_to_u64(rest, &minutes)) || minutes > 59)
        return false;
    *ret_offset_s = (int64_t)(hours * 3600 + minutes * 60) * (text.p[0] == '-' ? -1 : 1);
    return true;
}

/* Days, or empty. */
static void keep_days(struct web_call *call, const struct json_value *object, bool wrong)
{
    struct html *html = &call->html;
    struct str sent = form_get(&call->form, "keep_days");
    int64_t days = of_int(object, "keep_days");
    HTML(html, RAW("<div class=\"field wide\"><label for=\"f-keep_days\">"), SAY("object.keep_days"),
         RAW("</label><input id=\"f-keep_days\" name=\"keep_days\" type=\"number\" min=\"1\""
             " aria-describedby=\"h-keep_days\" value=\""));
    if (sent.p)
        HTML(html, ESC(sent));
    else if (days > 0)
        HTML(html, INT(days));
    HTML(html, RAW("\""));
    if (wrong)
        HTML(html, RAW(" aria-invalid=\"true\""));
    HTML(html, RAW("><p class=\"hint\" id=\"h-keep_days\">"), SAY("object.keep_days_hint"), RAW("</p></div>"));
}

/* What is no number the desk refuses by its field; a form without the field changes nothing. */
static void put_keep_days(struct web_call *call, struct buf *buf)
{
    struct str text = str_trim(form_get(&call->form, "keep_days"));
    int64_t days = 0;
    if (!form_get(&call->form, "keep_days").p)
        return;
    if (text.n && (!str_to_i64(text, &days) || days == 0))
        days = -1;
    json_put_int(buf, "keep_days", days);
}

static const char *const days[] = {"trial_day", "trial_end_day", "industrial_day", "discontinued_day", "critical_day"};

/* Days that terms begin with. */
static void days_form(struct web_call *call, const struct json_value *o, struct str wrong)
{
    static const char *const labels[] = {"field.trial_day", "field.trial_end_day", "field.industrial_day",
                                         "field.discontinued_day", "field.critical_day"};
    bool sent = form_get(&call->form, "name").p != NULL;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        bool critical = i + 1 == ARRAY_LEN(days);
        if (critical)
            part_check(call, "critical", "object.critical",
                       sent ? form_get(&call->form, "critical").p != NULL : of_bool(o, "critical"));
        part_input(call, days[i], labels[i], value_of(call, o, days[i]),
                   INPUT_DATE | (str_is(wrong, days[i]) ? INPUT_WRONG : 0));
    }
    part_check(call, "private", "field.private",
               sent ? form_get(&call->form, "private").p != NULL : of_bool(o, "private"));
}

static void object_form(struct web_call *call, const struct json_value *o, const struct json_value *failed,
                        const struct json_value *changes)
{
    struct str error = failed ? of_str(failed, "error") : STR("");
    struct html *html = &call->html;
    struct str wrong = of_str(failed, "field");
    struct str zone = form_get(&call->form, "zone");
    object_head(call, o, "");
    if (error.n > 0)
        part_error(call, error, wrong, of_str(failed, "text"));
    if (changes) {
        HTML(html, RAW("<p>"), SAY("objects.conflict"), RAW("</p>"));
        object_changes(call, changes);
    }
    HTML(html, RAW("<form class=\"grid card\" method=\"post\" action=\"/objects/"), ESC(call->args[0]), RAW("\">"));
    part_csrf(call);
    if (o)
        object_seen(call, "seen", of_int(o, "version"), error);
    part_input(call, "name", "object.name", value_of(call, o, "name"),
               INPUT_REQUIRED | (str_is(wrong, "name") ? INPUT_WRONG : 0));
    part_input(call, "owner", "object.owner", value_of(call, o, "owner"), str_is(wrong, "owner") ? INPUT_WRONG : 0);
    part_choice(call, "class", "object.class", "object.class_", classes, value_of(call, o, "class"));
    part_choice(call, "contour", "object.contour", "contour.", contours, value_of(call, o, "contour"));
    part_input(call, "zone", "object.zone",
               zone.p ? zone : zone_text(call, o ? of_int(o, "zone_offset_s") : ZONE_DEFAULT_S),
               INPUT_REQUIRED | (str_is(wrong, "zone_offset_s") ? INPUT_WRONG : 0));
    keep_days(call, o, str_is(wrong, "keep_days"));
    days_form(call, o, wrong);
    contacts(call, o);
    assets(call, o, str_is(wrong, "assets"));
    part_area(call, "reason", "objects.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\">"), SAY("form.save"),
         RAW("</button> <a class=\"button\" href=\"/objects\">"), SAY("form.cancel"), RAW("</a></p></form>"));
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

/* The object of the address, NULL for "new"; false when a page was made because there is none. */
static bool find_object(struct web_call *call, size_t at, const struct json_value **ret_object)
{
    *ret_object = NULL;
    if (call_failed_at(call, at))
        return false;
    if (str_is(call->args[0], "new"))
        return true;
    for (const struct json_value *o = json_first(json_get(call_answer(call, at), "objects")); o; o = o->next)
        if (str_eq(of_text(o, "id"), call->args[0])) {
            *ret_object = o;
            return true;
        }
    call_fail(call, 404, STR("no_page"), STR(""));
    return false;
}

void page_object(struct web_call *call)
{
    const struct json_value *object = NULL;
    if (call->phase == 0)
        call_ask_plain(call, WEB_DESK, "object.list");
    else if (find_object(call, 0, &object))
        object_form(call, object, NULL, NULL);
}

static void contacts_write(struct web_call *call, struct buf *buf)
{
    bool sent = false;
    for (size_t i = 0; i < call->form.count; i++)
        sent |= str_starts(call->form.fields[i].name, STR("contact_"));
    if (!sent)
        return; /* the desk keeps what it has */
    json_write_key(buf, "contacts");
    json_write_array(buf);
    for (int i = 0; i < CONTACT_ROWS_MAX; i++) {
        char key[32];
        struct str contact[ARRAY_LEN(parts)];
        size_t filled = 0;
        for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
            struct buf name;
            buf_init_fixed(&name, key, sizeof key);
            buf_format(&name, "contact_%s_%d", parts[k], i);
            contact[k] = str_trim(form_get(&call->form, buf_z(&name)));
            filled += contact[k].n;
        }
        if (filled == 0)
            continue;
        json_write_object(buf);
        for (size_t k = 0; k < ARRAY_LEN(parts); k++)
            json_put_str(buf, parts[k], contact[k].n ? contact[k] : STR(""));
        json_write_object_end(buf);
    }
    json_write_array_end(buf);
}

/* When the contacts changed, at the object; what is no moment the desk refuses by its field. */
static void contacts_changed_write(struct web_call *call, struct buf *buf, int64_t offset_s)
{
    int64_t ns = -1;
    struct str text = str_trim(form_get(&call->form, "contacts_changed"));
    if (!text.n)
        return;
    if (offset_s == INT32_MAX || !time_of_input(text, (int32_t)offset_s, &ns))
        ns = -1;
    json_put_int(buf, "contacts_changed_ns", ns);
}

/* A form without the days, as others may send it, leaves them as they are. */
static void days_write(struct web_call *call, struct buf *buf)
{
    bool sent = false;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        struct str day = form_get(&call->form, days[i]);
        sent |= day.p != NULL;
        if (day.p)
            json_put_str(buf, days[i], str_trim(day).n ? str_trim(day) : STR(""));
    }
    if (sent)
        json_put_bool(buf, "private", form_get(&call->form, "private").p != NULL);
}

static void ask_save(struct web_call *call, bool dry)
{
    int64_t offset_s = INT32_MAX; /* the desk refuses it by its field */
    IGNORE(zone_of_text(str_trim(form_get(&call->form, "zone")), &offset_s));
    struct buf *buf = call_ask(call, WEB_DESK, "object.save");
    if (dry)
        json_put_bool(buf, "dry", true);
    else if (form_get(&call->form, "seen").p)
        json_put_int(buf, "version", form_int(&call->form, "seen", -1));
    contacts_changed_write(call, buf, offset_s);
    if (form_get(&call->form, "reason").p)
        json_put_str(buf, "reason", form_get(&call->form, "reason"));
    json_write_key(buf, "object");
    json_write_object(buf);
    json_put_int(buf, "id", object_id(call));
    json_put_str(buf, "name", form_get(&call->form, "name"));
    json_put_int(buf, "class", form_int(&call->form, "class", 0));
    json_put_str(buf, "contour", form_get(&call->form, "contour"));
    json_put_str(buf, "owner", form_get(&call->form, "owner"));
    json_put_int(buf, "zone_offset_s", offset_s);
    put_keep_days(call, buf);
    json_put_bool(buf, "critical", form_get(&call->form, "critical").p != NULL);
    days_write(call, buf);
    contacts_write(call, buf);
    put_assets(call, buf);
    object_save_end(call, buf);
}

/* Question 0: the change; 1: the objects, for the form that comes back; 2: what the change differs in from what
 * somebody else has saved. */
void save_object(struct web_call *call)
{
    const struct json_value *object = NULL;
    if (call->phase == 0) {
        ask_save(call, false);
        return;
    }
    struct str error = call_error(call, 0);
    if (error.n == 0) {
        call_redirect(call, "/objects?saved=1");
    } else if (str_is(error, "session_ended")) {
        call_fail(call, 401, error, STR(""));
    } else if (call->phase == 1) {
        call_ask_plain(call, WEB_DESK, "object.list");
        if (str_is(error, "object_changed"))
            ask_save(call, true);
    } else if (find_object(call, 1, &object)) {
        object_form(call, object, call->questions[0].answer,
                    call->question_count > 2 ? json_get(call_answer(call, 2), "changes") : NULL);
    }
}
