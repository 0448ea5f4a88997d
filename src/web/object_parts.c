#include "web/object_parts.h"

#include "base/macros.h"
#include "web/parts.h"
#include "web/route.h"

int64_t object_id(const struct web_call *call)
{
    int64_t id = 0;
    return str_to_i64(call->args[0], &id) ? id : 0;
}

static void tab(struct web_call *call, int64_t id, struct str part, const char *key, bool open)
{
    struct html *html = &call->html;
    HTML(html, RAW("<a href=\"/objects/"), INT(id), ESC(part), RAW("\""));
    if (open)
        HTML(html, RAW(" aria-current=\"true\""));
    HTML(html, RAW(">"), ESC(html_text(html, str_of(key))), RAW("</a>"));
}

void object_tabs(struct web_call *call, int64_t id, const char *here)
{
    static const struct {
        const char *part;
        const char *key;
    } tabs[] = {
        {"", "objects.settings"},           {"/card", "objects.card"},
        {"/means", "objects.means"},        {"/documents", "objects.documents"},
        {"/security", "objects.security"},  {"/terms", "objects.terms"},
        {"/surveys", "objects.surveys"},    {"/exchange", "objects.exchange"},
        {"/inventory", "objects.machines"},
    };
    struct html *html = &call->html;
    HTML(html, RAW("<nav class=\"tabs\" aria-label=\""), SAY("objects.title"), RAW("\">"));
    for (size_t i = 0; i < ARRAY_LEN(tabs); i++)
        tab(call, id, str_of(tabs[i].part), tabs[i].key, str_is(str_of(here), tabs[i].part));
    HTML(html, RAW("</nav>"));
}

void object_head(struct web_call *call, const struct json_value *object, const char *here)
{
    struct html *html = &call->html;
    struct str name = object ? of_str(object, "name") : html_text(html, STR("objects.new"));
    int64_t zone_s = of_int(object, "zone_offset_s");
    if (object && zone_s >= -43200 && zone_s <= 50400)
        html->zone_s = (int32_t)zone_s;
    call_page_titled(call, name, SECTION_OBJECTS);
    HTML(html, RAW("<div class=\"heading\"><h1>"), ESC(name), RAW("</h1></div>"));
    if (object)
        object_tabs(call, of_int(object, "id"), here);
}

void object_ask(struct web_call *call)
{
    json_put_int(call_ask(call, WEB_DESK, "object.card"), "id", object_id(call));
    call_ask_end(call);
}

void object_seen(struct web_call *call, const char *name, int64_t now, struct str error)
{
    struct str sent = form_get(&call->form, name);
    bool keeps = sent.p && error.n && !str_is(error, "object_changed");
    part_hidden(call, name, keeps ? sent : call_format(call, "%lld", (long long)now));
}

struct buf *object_save_begin(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "object.save");
    if (form_get(&call->form, "seen").p)
        json_put_int(buf, "version", form_int(&call->form, "seen", -1));
    json_put_str(buf, "reason",
                 str_trim(form_get(&call->form, "reason")).n ? form_get(&call->form, "reason") : STR(""));
    json_write_key(buf, "object");
    json_write_object(buf);
    json_put_int(buf, "id", object_id(call));
    return buf;
}

void object_save_end(struct web_call *call, struct buf *buf)
{
    json_write_object_end(buf);
    call_ask_end(call);
}

struct str object_label(const struct web_call *call, const struct json_value *field)
{
    return of_str(json_get(field, "label"), language_code(call->html.language));
}

void object_choice(struct web_call *call, struct str value)
{
    HTML(&call->html, SAY_OF("object_value.", value));
}

void object_field_name(struct web_call *call, const struct json_value *object, struct str field)
{
    for (const struct json_value *f = json_first(json_get(object, "questionnaire")); f; f = f->next)
        if (str_eq(of_str(f, "id"), field)) {
            HTML(&call->html, ESC(object_label(call, f)));
            return;
        }
    HTML(&call->html, SAY_OF("field.", field));
}

static void key_or_text(struct web_call *call, const char *family, struct str text)
{
    struct str known = texts_get_of(call->html.texts, str_of(family), text, call->html.language);
    HTML(&call->html, ESC(known.n ? known : text));
}

/* A row of means or documents, as the desk writes it down: its kind first, and at the end whether it is in reserve. */
static void row_show(struct web_call *call, struct str row)
{
    bool first = true;
    while (row.n) {
        size_t end = str_search(row, STR("; "));
        struct str piece = str_slice(row, 0, end);
        bool last = end == row.n;
        row = str_skip(row, end + 2);
        if (!first)
            HTML(&call->html, RAW("; "));
        if (first)
            key_or_text(call, "object_kind.", piece);
        else if (last && (str_is(piece, "yes") || str_is(piece, "no")))
            key_or_text(call, "object_value.", piece);
        else
            HTML(&call->html, ESC(piece));
        first = false;
    }
}

/* What was chosen is kept as a key. */
static void value_show(struct web_call *call, const struct json_value *object, struct str field, struct str value)
{
    bool flag = str_is(field, "critical") || str_is(field, "private");
    bool chosen = str_is(field, "contour");
    for (const struct json_value *f = json_first(json_get(object, "questionnaire")); f; f = f->next)
        chosen = chosen || (str_eq(of_str(f, "id"), field) && str_is(of_str(f, "kind"), "choice"));
    if (flag)
        key_or_text(call, "object_value.", str_is(value, "1") ? STR("yes") : STR("no"));
    else if (chosen)
        key_or_text(call, "object_value.", value);
    else if (str_is(field, "means") || str_is(field, "documents"))
        row_show(call, value);
    else
        HTML(&call->html, ESC(value));
}

void object_changes(struct web_call *call, const struct json_value *changes)
{
    static const char *const heads[] = {"objects.field", "objects.was", "objects.now", NULL};
    struct html *html = &call->html;
    const struct json_value *object = json_get(call_answer(call, 0), "object");
    HTML(html, RAW("<table class=\"rows\" id=\"changes\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *c = json_first(changes); c; c = c->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"));
        object_field_name(call, object, of_str(c, "field"));
        HTML(html, RAW("</th>"));
        part_cell(call, "objects.was");
        value_show(call, object, of_str(c, "field"), of_str(c, "was"));
        HTML(html, RAW("</td>"));
        part_cell(call, "objects.now");
        value_show(call, object, of_str(c, "field"), of_str(c, "now"));
        HTML(html, RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}
