/* What machines are made of: which there are, a search over all of them, one with what it has and what changed, and an
 * object's machines as order 52/NK, Annex 1, 12 asks for them. */
#include "base/civil.h"
#include "web/agent_parts.h"
#include "web/object_parts.h"
#include "web/parts.h"
#include "web/route.h"

#include <string.h>

#define SIZE        100
#define CHANGES     50
#define EXPORT_SIZE 500
#define TEXT_MAX    200

static const char *const kinds[] = {"package", "port", "user",  "group", "member", "service",   "system",
                                    "time",    "disk", "mount", "usb",   "modem",  "interface", NULL};
static const char *const orders[] = {"lt", "le", "eq", "ge", "gt", NULL};

static struct str text_of(const struct web_call *call, const char *name)
{
    return str_slice(form_get(&call->query, name), 0, TEXT_MAX);
}

static struct str kind_of(const struct web_call *call)
{
    return part_filter_value(call, "kind", kinds);
}

/* ---- values ---- */

static void value_put(struct web_call *call, const struct json_value *value)
{
    struct html *html = &call->html;
    if (value->kind != JSON_ARRAY) {
        HTML(html, ESC(value->text));
        return;
    }
    for (const struct json_value *one = json_first(value); one; one = one->next) {
        HTML(html, ESC(one->text));
        if (one->next)
            HTML(html, RAW(", "));
    }
}

/* Members of an object, as they were told: their names are those of the format. */
static void members_put(struct web_call *call, const struct json_value *object)
{
    struct html *html = &call->html;
    for (const struct json_value *one = json_first(object); one; one = one->next) {
        HTML(html, RAW("<small>"), ESC(one->key), RAW("</small>\xc2\xa0"));
        value_put(call, one);
        if (one->next)
            HTML(html, RAW("; "));
    }
}

static void host_link(struct web_call *call, const struct json_value *row)
{
    struct html *html = &call->html;
    HTML(html, RAW("<a href=\"/inventory/"), URL(of_str(row, "agent")), RAW("\">"), ESC(of_str(row, "name")),
         RAW("</a>"));
}

/* ---- all machines ---- */

static void search_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "inventory.search");
    json_put_str(buf, "kind", kind_of(call));
    json_put_str(buf, "name", text_of(call, "name"));
    json_put_str(buf, "op", text_of(call, "version").n ? part_filter_value(call, "op", orders) : STR(""));
    json_put_str(buf, "version", part_filter_value(call, "op", orders).n ? text_of(call, "version") : STR(""));
    json_put_bool(buf, "exact", form_get(&call->query, "exact").n > 0);
    json_put_int(buf, "offset", part_offset(call));
    json_put_int(buf, "limit", SIZE);
    call_ask_end(call);
}

static void list_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "inventory.list");
    json_put_int(buf, "offset", part_offset(call));
    json_put_int(buf, "limit", SIZE);
    call_ask_end(call);
}

static void search_form(struct web_call *call)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/inventory\" role=\"search\">"));
    part_filter(call, "kind", "inventory.kind", "inventory_kind.", kinds, "inventory.packages");
    part_input(call, "name", "inventory.name", text_of(call, "name"), 0);
    part_filter(call, "op", "inventory.op", "inventory_op.", orders, "inventory.any");
    part_input(call, "version", "inventory.version", text_of(call, "version"), 0);
    part_check(call, "exact", "inventory.exact", form_get(&call->query, "exact").n > 0);
    HTML(html, RAW("<button class=\"main\">"), SAY("inventory.find"), RAW("</button></form>"));
}

static void found_rows(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"inventory.host",  "inventory.item",  "inventory.version",
                                        "inventory.value", "inventory.since", NULL};
    struct html *html = &call->html;
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("inventory.nothing"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"));
        host_link(call, r);
        HTML(html, RAW(" <small class=\"under\">"), ESC(of_str(r, "host")), RAW(" "), ESC(of_str(r, "object")),
             RAW("</small></th>"));
        part_cell(call, "inventory.item");
        HTML(html, ESC(of_str(r, "key")), RAW("</td>"));
        part_cell(call, "inventory.version");
        HTML(html, ESC(of_str(r, "version")), RAW("</td>"));
        part_cell(call, "inventory.value");
        members_put(call, json_get(r, "value"));
        HTML(html, RAW("</td>"));
        part_cell(call, "inventory.since");
        HTML(html, TIME(of_int(r, "since_ns")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void host_rows(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"inventory.host",
                                        "inventory.os",
                                        "inventory.hardware",
                                        "#inventory.items",
                                        "inventory.changed",
                                        "inventory.heard",
                                        NULL};
    struct html *html = &call->html;
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("inventory.none"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"));
        host_link(call, r);
        HTML(html, RAW(" <small class=\"under\">"), ESC(of_str(r, "host")), RAW(" <a href=\"/objects/"),
             INT(of_int(r, "object_id")), RAW("/inventory\">"), ESC(of_str(r, "object")), RAW("</a></small></th>"));
        part_cell(call, "inventory.os");
        HTML(html, ESC(of_str(r, "os")), RAW(" <small class=\"under\">"), ESC(of_str(r, "kernel")),
             RAW("</small></td>"));
        part_cell(call, "inventory.hardware");
        HTML(html, ESC(of_str(r, "vendor")), RAW(" "), ESC(of_str(r, "model")), RAW(" <small class=\"under\">"),
             ESC(of_str(r, "serial")), RAW("</small></td>"));
        part_cell_classed(call, "inventory.items", "number");
        HTML(html, NUMBER(of_int(r, "items")), RAW("</td>"));
        part_cell(call, "inventory.changed");
        if (of_int(r, "changed_ns") > 0)
            HTML(html, TIME(of_int(r, "changed_ns")));
        HTML(html, RAW("</td>"));
        part_cell(call, "inventory.heard");
        HTML(html, TIME(of_int(r, "heard_ns")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void pager(struct web_call *call, int64_t total)
{
    static const char *const names[] = {"kind", "name", "op", "version", "exact"};
    char storage[4096]; /* five values of at most 200 bytes, percent-encoded */
    struct buf path;
    buf_init_fixed(&path, storage, sizeof storage);
    buf_text(&path, "/inventory?");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_format(&path, "%s=", names[i]);
        url_encode(&path, text_of(call, names[i]));
        buf_char(&path, '&');
    }
    buf_text(&path, "offset=");
    part_pager(call, buf_z(&path), part_offset(call), SIZE, total);
}

void page_inventory(struct web_call *call)
{
    struct html *html = &call->html;
    bool searches = text_of(call, "name").n > 0;
    if (call->phase == 0) {
        if (searches)
            search_ask(call);
        else
            list_ask(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    call_page(call, "inventory.title", SECTION_AGENTS);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("inventory.title"), RAW("</h1>"));
    agent_tabs(call, "/inventory");
    HTML(html, RAW("</div><p class=\"about\">"), SAY("inventory.about"), RAW("</p>"));
    search_form(call);
    if (of_bool(answer, "cut"))
        part_notice(call, "warn", "inventory.cut");
    if (searches) {
        HTML(html, RAW("<p class=\"meta\">"));
        SAY_WITH(html, "inventory.found", NUMBER(of_int(answer, "total")));
        HTML(html, RAW("</p>"));
        found_rows(call, json_get(answer, "found"));
    } else {
        host_rows(call, json_get(answer, "hosts"));
    }
    pager(call, of_int(answer, "total"));
    call_page_end(call, 200);
}

/* ---- one machine ---- */

static void show_ask(struct web_call *call, int64_t offset, int64_t limit)
{
    struct buf *buf = call_ask(call, WEB_DESK, "inventory.show");
    json_put_str(buf, "agent", call->args[0]);
    json_put_str(buf, "kind", kind_of(call));
    json_put_str(buf, "text", text_of(call, "text"));
    json_put_int(buf, "offset", offset);
    json_put_int(buf, "limit", limit);
    call_ask_end(call);
}

static void changes_ask(struct web_call *call)
{
    struct buf *buf = call_ask(call, WEB_DESK, "inventory.changes");
    json_put_str(buf, "agent", call->args[0]);
    json_put_str(buf, "kind", kind_of(call));
    json_put_int(buf, "limit", CHANGES);
    call_ask_end(call);
}

static void host_tiles(struct web_call *call, const struct json_value *host)
{
    HTML(&call->html, RAW("<dl class=\"tiles\">"));
    part_tile_text(call, "inventory.os", of_str(host, "os"));
    part_tile_text(call, "inventory.kernel", of_str(host, "kernel"));
    part_tile_text(call, "inventory.serial", of_str(host, "serial"));
    part_tile_number(call, "inventory.items", of_int(host, "items"));
    part_tile_time(call, "inventory.changed", of_int(host, "changed_ns"));
    part_tile_time(call, "inventory.whole", of_int(host, "whole_ns"));
    HTML(&call->html, RAW("</dl>"));
}

static void kind_links(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    struct str chosen = kind_of(call);
    HTML(html, RAW("<p class=\"buttons\">"));
    for (const struct json_value *k = json_first(json_get(answer, "kinds")); k; k = k->next) {
        HTML(html, RAW("<a class=\"button"));
        if (str_eq(of_str(k, "kind"), chosen))
            HTML(html, RAW(" main"));
        HTML(html, RAW("\" href=\"/inventory/"), URL(call->args[0]), RAW("?kind="), URL(of_str(k, "kind")), RAW("\">"),
             SAY_OF("inventory_kind.", of_str(k, "kind")), RAW(" "), NUMBER(of_int(k, "items")), RAW("</a> "));
    }
    HTML(html, RAW("</p>"));
}

static void find_form(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/inventory/"), URL(call->args[0]),
         RAW("\">"));
    part_filter(call, "kind", "inventory.kind", "inventory_kind.", kinds, "inventory.any_kind");
    part_input(call, "text", "inventory.text", text_of(call, "text"), 0);
    HTML(html, RAW("<button class=\"main\">"), SAY("inventory.find"), RAW("</button> <a class=\"button\" href=\""),
         RAW("/inventory/"), URL(call->args[0]), RAW("/csv?kind="), URL(kind_of(call)), RAW("&amp;text="),
         URL(text_of(call, "text")),
         RAW("\">CSV</a> <a class=\"button\" href=\"/api/inventory.show?limit=500&amp;agent="), URL(call->args[0]),
         RAW("&amp;kind="), URL(kind_of(call)), RAW("\">JSON</a></form>"));
    if (!of_bool(answer, "may_ask"))
        return;
    HTML(html, RAW("<form method=\"post\" action=\"/inventory/"), URL(call->args[0]), RAW("/ask\">"));
    part_csrf(call);
    HTML(html, RAW("<button class=\"quiet\">"), SAY("inventory.ask"), RAW("</button></form>"));
}

static void item_rows(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"inventory.item", "inventory.kind", "inventory.value", "inventory.since", NULL};
    struct html *html = &call->html;
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("inventory.nothing"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\" id=\"items\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"), ESC(of_str(r, "key")), RAW("</th>"));
        part_cell(call, "inventory.kind");
        HTML(html, SAY_OF("inventory_kind.", of_str(r, "kind")), RAW("</td>"));
        part_cell(call, "inventory.value");
        members_put(call, json_get(r, "value"));
        if (json_first(json_get(r, "now")))
            HTML(html, RAW("; "));
        members_put(call, json_get(r, "now"));
        HTML(html, RAW("</td>"));
        part_cell(call, "inventory.since");
        HTML(html, TIME(of_int(r, "since_ns")), RAW("</td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

static void change_rows(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"inventory.item",  "inventory.change", "inventory.before",
                                        "inventory.value", "inventory.time",   NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<h2>"), SAY("inventory.changes"), RAW("</h2>"));
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("inventory.no_changes"), RAW("</p>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\" id=\"changes\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"), ESC(of_str(r, "key")), RAW(" <small class=\"under\">"),
             SAY_OF("inventory_kind.", of_str(r, "kind")), RAW("</small></th>"));
        part_cell(call, "inventory.change");
        HTML(html, SAY_OF("inventory_change.", of_str(r, "change")));
        if (of_bool(r, "found"))
            HTML(html, RAW(" <small>"), SAY("inventory.found_later"), RAW("</small>"));
        HTML(html, RAW("</td>"));
        part_cell(call, "inventory.before");
        members_put(call, json_get(r, "before"));
        HTML(html, RAW("</td>"));
        part_cell(call, "inventory.value");
        members_put(call, json_get(r, "value"));
        HTML(html, RAW("</td>"));
        part_cell(call, "inventory.time");
        HTML(html, RAW("<a href=\"/records/"), INT(of_int(r, "record")), RAW("\">"), TIME(of_int(r, "time_ns")),
             RAW("</a></td></tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

void page_inventory_host(struct web_call *call)
{
    struct html *html = &call->html;
    char storage[2048];
    struct buf path;
    if (call->phase == 0) {
        show_ask(call, part_offset(call), SIZE);
        changes_ask(call);
        return;
    }
    if (call_failed_at(call, 0) || call_failed_at(call, 1))
        return;
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *host = json_get(answer, "host");
    call_page(call, "inventory.title", SECTION_AGENTS);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("inventory.title"), RAW(": "), ESC(of_str(host, "name")),
         RAW("</h1>"));
    agent_tabs(call, "/inventory");
    HTML(html, RAW("</div>"));
    if (form_get(&call->query, "saved").n > 0)
        part_notice(call, "ok", "inventory.asked");
    if (of_int(host, "full") > 0)
        part_notice(call, "warn", "inventory.full");
    host_tiles(call, host);
    kind_links(call, answer);
    find_form(call, answer);
    item_rows(call, json_get(answer, "items"));
    buf_init_fixed(&path, storage, sizeof storage);
    buf_text(&path, "/inventory/");
    url_encode(&path, call->args[0]);
    buf_format(&path, "?kind=%.*s&text=", STR_ARG(kind_of(call)));
    url_encode(&path, text_of(call, "text"));
    buf_text(&path, "&offset=");
    part_pager(call, buf_z(&path), part_offset(call), SIZE, of_int(answer, "total"));
    change_rows(call, json_get(call_answer(call, 1), "changes"));
    call_page_end(call, 200);
}

void act_inventory_ask(struct web_call *call)
{
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "inventory.ask");
        json_put_str(buf, "agent", call->args[0]);
        call_ask_end(call);
    } else if (!call_failed(call)) {
        call_redirect_slice(call, call_format(call, "/inventory/%.*s?saved=1", STR_ARG(call->args[0])));
    }
}

/* ---- tables for other programs ---- */

/* In quotes; what a table program would take for a formula begins with an apostrophe. */
static void cell_put(struct buf *out, struct str text, char end)
{
    buf_char(out, '"');
    if (text.n && memchr("=+-@\t\r", text.p[0], 6))
        buf_char(out, '\'');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_char(out, '"');
        buf_char(out, text.p[i]);
    }
    buf_char(out, '"');
    buf_char(out, end);
}

static void csv_rows(struct buf *out, const struct json_value *rows)
{
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        char time[CIVIL_TEXT_MAX];
        size_t n = civil_format(of_int(r, "since_ns"), 0, 0, time);
        const struct json_value *value = json_get(r, "value");
        cell_put(out, of_str(r, "kind"), ',');
        cell_put(out, of_str(r, "key"), ',');
        cell_put(out, value ? value->text : STR(""), ',');
        cell_put(out, str_at(time, n), '\n');
    }
}

/* As many questions as one page may ask; what is more is said in the last row. */
void page_inventory_csv(struct web_call *call)
{
    struct buf *out = call->html.out;
    if (call->phase == 0) {
        for (int64_t i = 0; i < WEB_QUESTIONS_MAX; i++)
            show_ask(call, i * EXPORT_SIZE, EXPORT_SIZE);
        return;
    }
    for (size_t i = 0; i < WEB_QUESTIONS_MAX; i++)
        if (call_failed_at(call, i))
            return;
    buf_text(out, "kind,key,value,since\n");
    for (size_t i = 0; i < WEB_QUESTIONS_MAX; i++)
        csv_rows(out, json_get(call_answer(call, i), "items"));
    if (of_int(call_answer(call, 0), "total") > WEB_QUESTIONS_MAX * EXPORT_SIZE)
        buf_text(out, "\"...\",\"\",\"\",\"\"\n");
    call_download(call, "text/csv; charset=utf-8", STR("qorgan-inventory.csv"), buf_view(out));
}

/* ---- an object's machines ---- */

static void list_cell(struct web_call *call, const char *label, const struct json_value *list)
{
    struct html *html = &call->html;
    part_cell(call, label);
    for (const struct json_value *one = json_first(list); one; one = one->next) {
        HTML(html, ESC(json_str(one, STR(""))));
        if (one->next)
            HTML(html, RAW("<br>"));
    }
    HTML(html, RAW("</td>"));
}

static void object_rows(struct web_call *call, const struct json_value *rows)
{
    static const char *const heads[] = {"inventory.host",
                                        "inventory.addresses",
                                        "inventory.domain",
                                        "inventory.hardware",
                                        "inventory.software",
                                        "inventory.listens",
                                        NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(rows); r; r = r->next) {
        HTML(html, RAW("<tr><th scope=\"row\">"));
        host_link(call, r);
        HTML(html, RAW("</th>"));
        list_cell(call, "inventory.addresses", json_get(r, "addresses"));
        part_cell(call, "inventory.domain");
        HTML(html, ESC(of_str(r, "host")), RAW(" "), ESC(of_str(r, "domain")), RAW("</td>"));
        part_cell(call, "inventory.hardware");
        HTML(html, ESC(of_str(r, "vendor")), RAW(" "), ESC(of_str(r, "model")), RAW(" "), ESC(of_str(r, "serial")),
             RAW("<br><small>"), ESC(of_str(r, "cpu")), RAW(" "), BYTES(of_int(r, "memory")), RAW("</small></td>"));
        part_cell(call, "inventory.software");
        HTML(html, ESC(of_str(r, "os")), RAW(" "), ESC(of_str(r, "kernel")), RAW("<br><a href=\"/inventory/"),
             URL(of_str(r, "agent")), RAW("?kind=package\">"));
        SAY_WITH(html, "inventory.package_count", NUMBER(of_int(r, "packages")));
        HTML(html, RAW("</a></td>"));
        list_cell(call, "inventory.listens", json_get(r, "listens"));
        HTML(html, RAW("</tr>"));
    }
    HTML(html, RAW("</tbody></table>"));
}

/* What of Annex 1 stands here already, and what a person must write. */
void page_object_inventory(struct web_call *call)
{
    struct html *html = &call->html;
    int64_t id = 0;
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "inventory.object");
        json_put_int(buf, "object", str_to_i64(call->args[0], &id) ? id : 0);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *hosts = json_get(answer, "hosts");
    call_page(call, "inventory.object_title", SECTION_OBJECTS);
    HTML(html, RAW("<h1>"), SAY("inventory.object_title"), RAW(": "), ESC(of_str(answer, "name")), RAW("</h1>"));
    object_tabs(call, object_id(call), "/inventory");
    HTML(html, RAW("<p class=\"about\">"), SAY("inventory.object_about"), RAW("</p><table class=\"pairs\"><tbody>"));
    part_row_begin(call, "inventory.annex_1");
    HTML(html, ESC(of_str(answer, "name")), RAW("</td></tr>"));
    part_row_begin(call, "inventory.annex_2");
    HTML(html, ESC(of_str(answer, "owner")), RAW("</td></tr>"));
    part_row_begin(call, "inventory.annex_10");
    SAY_WITH(html, "inventory.annex_10_is", NUMBER(of_int(answer, "agents")));
    HTML(html, RAW("</td></tr></tbody></table><h2>"), SAY("inventory.annex_12"), RAW("</h2>"));
    if (json_first(hosts))
        object_rows(call, hosts);
    else
        HTML(html, RAW("<p class=\"empty\">"), SAY("inventory.none"), RAW("</p>"));
    HTML(html, RAW("<p class=\"hint\">"), SAY("inventory.object_rest"), RAW("</p>"));
    call_page_end(call, 200);
}
