/* Technical and software means of an object, and its documents: the rows, a form for one of them, and what agents tell
 * of its machines, which is taken over and not typed. The whole list is saved with the version it was seen in. */
#include "web/object_parts.h"
#include "web/parts.h"
#include "web/route.h"

#define COLUMNS_MAX 7

struct column {
    const char *name;
    const char *label;
    const char *const *choices; /* NULL: a text */
    unsigned flags;
};

static const char *const means_kinds[] = {"technical", "software", "protection", NULL};
static const char *const document_kinds[] = {"logical_scheme", "physical_scheme", "trial_act", "industrial_act",
                                             "protocol",       "letter",          "other",     NULL};
static const char *const answers[] = {"no", "yes", NULL};

static const struct list {
    const char *name;
    const char *path;
    const char *about;
    struct column column[COLUMNS_MAX];
} lists[] = {
    {"means",
     "/means",
     "objects.means_about",
     {{"kind", "objects.kind", means_kinds, 0},
      {"name", "object.name", NULL, INPUT_REQUIRED},
      {"purpose", "objects.purpose", NULL, 0},
      {"version", "objects.version", NULL, 0},
      {"addresses", "objects.addresses", NULL, 0},
      {"domains", "objects.domains", NULL, 0},
      {"reserve", "objects.reserve", answers, 0}}},
    {"documents",
     "/documents",
     "objects.documents_about",
     {{"kind", "objects.kind", document_kinds, 0},
      {"title", "objects.document", NULL, INPUT_REQUIRED},
      {"approved", "objects.approved", NULL, INPUT_DATE},
      {"approved_by", "objects.approved_by", NULL, 0},
      {"file", "objects.file", NULL, 0},
      {"sha256", "objects.sha256", NULL, 0},
      {"kept", "objects.kept", NULL, 0}}},
};

static const struct list *list_of(const struct web_call *call)
{
    return str_ends(call->http.path, STR("/documents")) ? &lists[1] : &lists[0];
}

/* The row that is asked for: by its place in the address, else, from a form, by what it said, since others may have
 * moved it. NULL: none, a new one. */
static const struct json_value *row_asked(const struct web_call *call, const struct json_value *rows)
{
    struct str was = form_get(&call->form, "was");
    int64_t at = form_get(&call->form, "act").p ? -1 : form_int(&call->query, "row", -1);
    for (const struct json_value *row = json_first(rows); row; row = row->next)
        if (was.n ? str_eq(row->text, was) : at-- == 0)
            return row;
    return NULL;
}

/* --- shown --- */

static void cell_put(struct web_call *call, const struct column *column, struct str value)
{
    struct html *html = &call->html;
    if (!column->choices)
        HTML(html, ESC(value));
    else if (column->choices == answers)
        object_choice(call, value);
    else
        HTML(html, SAY_OF("object_kind.", value));
}

static void rows_put(struct web_call *call, const struct list *list, const struct json_value *object, bool may)
{
    const struct json_value *rows = json_get(object, list->name);
    const char *heads[COLUMNS_MAX + 2] = {NULL};
    struct html *html = &call->html;
    int64_t at = 0;
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("objects.nothing"), RAW("</p>"));
        return;
    }
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        heads[i] = list->column[i].label;
    heads[COLUMNS_MAX] = may ? "objects.edit" : NULL;
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next, at++) {
        HTML(html, RAW("<tr>"));
        for (size_t i = 0; i < COLUMNS_MAX; i++) {
            part_cell(call, list->column[i].label);
            cell_put(call, &list->column[i], of_str(r, list->column[i].name));
            HTML(html, RAW("</td>"));
        }
        if (may) {
            part_cell(call, "objects.edit");
            HTML(html, RAW("<a href=\"?row="), INT(at), RAW("#row\">"), SAY("objects.edit"), RAW(" "), INT(at + 1),
                 RAW("</a></td>"));
        }
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

/* A button that takes a row of means over; `kind` and what agents say of it. */
static void take_put(struct web_call *call, const struct json_value *object, const char *kind,
                     const struct str cells[3])
{
    static const char *const names[] = {"name", "addresses", "domains"};
    struct html *html = &call->html;
    if (!of_bool(call_answer(call, 0), "may_change"))
        return;
    HTML(html, RAW("<form method=\"post\" action=\"/objects/"), INT(of_int(object, "id")), RAW("/means\">"));
    part_csrf(call);
    part_hidden(call, "seen", call_format(call, "%lld", (long long)of_int(object, "version")));
    part_hidden(call, "kind", str_of(kind));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        part_hidden(call, names[i], cells[i]);
    HTML(html, RAW("<button class=\"quiet\" name=\"act\" value=\"save\" aria-label=\""), SAY("objects.take"), RAW(" "),
         ESC(cells[0]), RAW("\">"), SAY("objects.take"), RAW("</button></form>"));
}

/* One machine that an agent tells of, and its operating system. */
static void offer_put(struct web_call *call, const struct json_value *object, const struct json_value *o)
{
    struct html *html = &call->html;
    struct str state = of_str(o, "state"), os = of_str(o, "os");
    HTML(html, RAW("<tr><th scope=\"row\"><a href=\"/inventory/"), URL(of_str(o, "agent")), RAW("\">"),
         ESC(of_str(o, "domains")), RAW("</a></th>"));
    part_cell(call, "object.name");
    HTML(html, ESC(of_str(o, "name")), RAW("</td>"));
    part_cell(call, "objects.addresses");
    HTML(html, ESC(of_str(o, "addresses")));
    if (str_is(state, "differs"))
        HTML(html, RAW("<small class=\"under\">"), SAY("objects.card_says"), RAW(" "), ESC(of_str(o, "said")),
             RAW("</small>"));
    HTML(html, RAW("</td>"));
    part_cell(call, "objects.state");
    HTML(html, SAY_OF("objects.offer_", state));
    if (str_is(state, "new"))
        take_put(call, object, "technical",
                 (const struct str[]){of_str(o, "name"), of_str(o, "addresses"), of_str(o, "domains")});
    HTML(html, RAW("</td>"));
    part_cell(call, "inventory.os");
    HTML(html, ESC(os));
    if (os.n && !of_bool(o, "os_listed"))
        take_put(call, object, "software", (const struct str[]){os, STR(""), STR("")});
    HTML(html, RAW("</td></tr>"));
}

static void offers_put(struct web_call *call, const struct json_value *object)
{
    static const char *const heads[] = {"inventory.host", "object.name",  "objects.addresses",
                                        "objects.state",  "inventory.os", NULL};
    struct html *html = &call->html;
    const struct json_value *offers = json_get(object, "offers");
    if (!json_first(offers))
        return;
    HTML(html, RAW("<h2>"), SAY("objects.offers"), RAW("</h2><p class=\"about\">"), SAY("objects.offers_about"),
         RAW("</p><table class=\"rows\" id=\"offers\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *o = json_first(offers); o; o = o->next)
        offer_put(call, object, o);
    HTML(html, RAW("</tbody></table>"));
}

static void row_form(struct web_call *call, const struct list *list, const struct json_value *object,
                     const struct json_value *failed)
{
    struct html *html = &call->html;
    struct str wrong = of_str(failed, "field");
    bool sent = form_get(&call->form, "act").p != NULL;
    const struct json_value *row = row_asked(call, json_get(object, list->name));
    HTML(html, RAW("<form class=\"grid card\" id=\"row\" method=\"post\" action=\"/objects/"),
         INT(of_int(object, "id")), ESCZ(list->path), RAW("\">"));
    part_csrf(call);
    object_seen(call, "seen", of_int(object, "version"), of_str(failed, "error"));
    if (row)
        part_hidden(call, "was", row->text);
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        const struct column *column = &list->column[i];
        struct str value = sent ? form_get(&call->form, column->name) : of_str(row, column->name);
        if (column->choices == answers)
            part_choice(call, column->name, column->label, "object_value.", column->choices, value);
        else if (column->choices)
            part_choice(call, column->name, column->label, "object_kind.", column->choices, value);
        else
            part_input(call, column->name, column->label, value,
                       column->flags | (str_is(wrong, column->name) ? INPUT_WRONG : 0));
    }
    part_area(call, "reason", "objects.reason", form_get(&call->form, "reason"), str_is(wrong, "reason"));
    HTML(html, RAW("<p class=\"buttons wide\"><button class=\"main\" name=\"act\" value=\"save\">"));
    HTML(html, ESC(html_text(html, row ? STR("form.save") : STR("objects.add"))), RAW("</button>"));
    if (row)
        HTML(html, RAW(" <button name=\"act\" value=\"remove\">"), SAY("objects.remove"),
             RAW("</button> <a class=\"button\" href=\"/objects/"), INT(of_int(object, "id")), ESCZ(list->path),
             RAW("\">"), SAY("form.cancel"), RAW("</a>"));
    HTML(html, RAW("</p></form>"));
}

static void page(struct web_call *call, const struct json_value *failed)
{
    struct html *html = &call->html;
    const struct list *list = list_of(call);
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *object = json_get(answer, "object");
    struct str error = of_str(failed, "error");
    object_head(call, object, list->path);
    if (error.n)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    else if (form_get(&call->query, "saved").p)
        part_notice(call, "ok", "form.saved");
    HTML(html, RAW("<p class=\"about\">"), ESC(html_text(html, str_of(list->about))), RAW("</p>"));
    rows_put(call, list, object, of_bool(answer, "may_change"));
    if (of_bool(answer, "may_change"))
        row_form(call, list, object, failed);
    if (list == &lists[0])
        offers_put(call, object);
    call_page_end(call, error.n ? status_of_error(error) : 200);
}

void page_object_list(struct web_call *call)
{
    if (call->phase == 0)
        object_ask(call);
    else if (!call_failed(call))
        page(call, NULL);
}

/* --- saving --- */

static void row_write(struct web_call *call, struct buf *buf, const struct list *list, const struct json_value *row)
{
    json_write_object(buf);
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        struct str value = row ? of_str(row, list->column[i].name) : form_get(&call->form, list->column[i].name);
        json_put_str(buf, list->column[i].name, value.p ? value : STR(""));
    }
    json_write_object_end(buf);
}

static void save_ask(struct web_call *call, const struct list *list)
{
    const struct json_value *rows = json_get(json_get(call_answer(call, 0), "object"), list->name);
    const struct json_value *edited = row_asked(call, rows);
    bool removes = str_is(form_get(&call->form, "act"), "remove");
    struct buf *buf = object_save_begin(call);
    json_write_key(buf, list->name);
    json_write_array(buf);
    for (const struct json_value *r = json_first(rows); r; r = r->next)
        if (r != edited || !removes)
            row_write(call, buf, list, r == edited ? NULL : r);
    if (!edited && !removes)
        row_write(call, buf, list, NULL);
    json_write_array_end(buf);
    object_save_end(call, buf);
}

void act_object_list(struct web_call *call)
{
    const struct list *list = list_of(call);
    if (call->phase == 0) {
        object_ask(call);
        return;
    }
    if (call_failed_at(call, 0))
        return;
    if (call->phase == 1) {
        save_ask(call, list);
        return;
    }
    struct str error = call_error(call, 1);
    if (error.n == 0)
        call_redirect_slice(call, call_format(call, "/objects/%lld%s?saved=1", (long long)object_id(call), list->path));
    else if (str_is(error, "session_ended"))
        call_fail(call, 401, error, STR(""));
    else
        page(call, call->questions[1].answer);
}
