/* The receivers: who gets the archive's records from forwarders, how far each is, and what keeps it. */
#include "web/parts.h"
#include "web/route.h"

enum { ASK_ARCHIVE, ASK_RECEIVERS };

/* How the state is shown; one that is not known counts as bad. */
static const struct state {
    const char *name;
    const char *kind;
} states[] = {{"ok", "ok"}, {"refuses", "warn"}, {"behind", "bad"}, {"silent", "bad"}};

static const struct state *state_of(const struct json_value *r)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (str_is(of_str(r, "state"), states[i].name))
            return &states[i];
    return &states[ARRAY_LEN(states) - 1];
}

/* "kafka+tls" of the address: what is spoken. */
static struct str kind_of(const struct json_value *r)
{
    struct str address = of_str(r, "address");
    size_t end = str_search(address, STR("://"));
    return str_slice(address, 0, end < address.n ? end : 0);
}

static void cell_filter(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    part_cell(call, "receivers.filter");
    if (of_str(r, "query").n > 0)
        HTML(html, RAW("<code>"), ESC(of_str(r, "query")), RAW("</code>"));
    else
        HTML(html, ESC(html_text(html, str_of(of_bool(r, "own") ? "receivers.all_own" : "receivers.all"))));
    HTML(html, RAW("</td>"));
}

static void cell_state(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    const struct state *state = state_of(r);
    part_cell_classed(call, "receivers.state", "state-cell grow");
    HTML(html, RAW("<span class=\"state "), ESCZ(state->kind), RAW("\">"));
    part_icon(call, state->kind);
    HTML(html, RAW(" "), SAY_OF("receiver_state.", str_of(state->name)), RAW("</span>"));
    if (of_str(r, "error").n > 0)
        HTML(html, RAW(" <small><code lang=\"en\">"), ESC(of_str(r, "error")), RAW("</code> "),
             TIME(of_int(r, "error_ns")), RAW("</small>"));
    HTML(html, RAW("</td></tr>"));
}

static void row(struct web_call *call, const struct json_value *r, int64_t records)
{
    struct html *html = &call->html;
    int64_t waiting_ns = of_int(r, "waiting_ns");
    HTML(html, RAW("<tr"));
    if (str_is(str_of(state_of(r)->kind), "bad"))
        HTML(html, RAW(" class=\"silent\""));
    HTML(html, RAW("><th scope=\"row\">"), ESC(of_str(r, "name")), RAW("</th>"));
    part_cell(call, "receivers.kind");
    HTML(html, RAW("<span title=\""), ESC(of_str(r, "address")), RAW("\">"), ESC(kind_of(r)), RAW("</span> "),
         ESC(of_str(r, "format")), RAW("</td>"));
    cell_filter(call, r);
    part_cell_classed(call, "receivers.next", "number");
    HTML(html, NUMBER(of_int(r, "next")), RAW("</td>"));
    part_cell_classed(call, "receivers.behind", "number");
    HTML(html, NUMBER(MAX(records - of_int(r, "next"), 0)), RAW("</td>"));
    part_cell(call, "receivers.oldest");
    if (waiting_ns > 0)
        HTML(html, TIME(waiting_ns));
    HTML(html, RAW("</td>"));
    part_cell(call, "receivers.last");
    HTML(html, TIME(of_int(r, "last_ns")), RAW("</td>"));
    cell_state(call, r);
}

static void table(struct web_call *call, const struct json_value *list, int64_t records)
{
    static const char *const heads[] = {"receivers.receiver", "receivers.kind",    "receivers.filter",
                                        "#receivers.next",    "#receivers.behind", "receivers.oldest",
                                        "receivers.last",     "receivers.state",   NULL};
    struct html *html = &call->html;
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *r = json_first(list); r; r = r->next)
        row(call, r, records);
    HTML(html, RAW("</tbody></table>"));
}

void page_receivers(struct web_call *call)
{
    struct html *html = &call->html;
    if (call->phase == 0) {
        call_ask_plain(call, WEB_QUERY, "archive");
        call_ask_plain(call, WEB_DESK, "receiver.list");
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *list = json_get(call_answer(call, ASK_RECEIVERS), "receivers");
    call_page(call, "receivers.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("receivers.title"), RAW("</h1><section class=\"card\"><p>"), SAY("receivers.about"),
         RAW("</p>"));
    if (json_first(list))
        table(call, list, of_int(call_answer(call, ASK_ARCHIVE), "records"));
    else
        HTML(html, RAW("<p class=\"empty\">"), SAY("receivers.none"), RAW("</p>"));
    HTML(html, RAW("<p class=\"meta\"><a href=\"/archive\">"), SAY("archive.title"), RAW("</a></p></section>"));
    call_page_end(call, 200);
}
