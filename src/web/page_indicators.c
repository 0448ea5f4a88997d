/* Lists of indicators that people gave, and all lists as the newest hunt that read them found them: what they hold,
 * what of it was looked for in the archive, what was refused and why; the form that hunts all of them. */
#include "web/behind.h"
#include "web/hunts.h"
#include "web/own_lists.h"
#include "web/parts.h"
#include "web/route.h"
#include "web/rule_parts.h"

/* The first of what was refused: where it stands and why. */
static void refused(struct web_call *call, const struct json_value *list)
{
    struct html *html = &call->html;
    part_cell_classed(call, "indicators.refused", of_int(list, "refused") > 0 ? "grow bad" : "grow");
    HTML(html, NUMBER(of_int(list, "refused")));
    if (of_str(list, "reason").n > 0) {
        HTML(html, RAW("<small class=\"under\">"));
        if (of_int(list, "line") > 0)
            SAY_WITH(html, "indicators.line", NUMBER(of_int(list, "line")));
        HTML(html, RAW(" <code lang=\"en\">"), ESC(of_str(list, "reason")), RAW("</code> <code>"),
             ESC(of_str(list, "value")), RAW("</code></small>"));
    }
    HTML(html, RAW("</td></tr>"));
}

static void list_row(struct web_call *call, const struct json_value *list)
{
    static const char *const numbers[][2] = {
        {"entries", "indicators.entries"}, {"new", "indicators.new"}, {"expired", "indicators.expired"}};
    struct html *html = &call->html;
    HTML(html, RAW("<tr><th scope=\"row\" class=\"grow\">"), ESC(of_str(list, "list")), RAW("</th>"));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        part_cell_classed(call, numbers[i][1], "number");
        HTML(html, NUMBER(of_int(list, numbers[i][0])), RAW("</td>"));
    }
    refused(call, list);
}

static void table(struct web_call *call, const struct json_value *answer)
{
    static const char *const heads[] = {"indicators.list",     "#indicators.entries", "#indicators.new",
                                        "#indicators.expired", "indicators.refused",  NULL};
    struct html *html = &call->html;
    const struct json_value *lists = json_get(answer, "lists");
    HTML(html, RAW("<section class=\"card\" id=\"lists\"><h2>"), SAY("own_list.all"), RAW("</h2>"));
    if (!json_first(lists)) {
        HTML(html, RAW("<p class=\"empty\">"),
             ESC(html_text(html,
                           str_of(of_bool(answer, "configured") ? "indicators.unread" : "indicators.unconfigured"))),
             RAW("</p></section>"));
        return;
    }
    HTML(html, RAW("<table class=\"rows\">"));
    part_heads(call, heads);
    HTML(html, RAW("<tbody>"));
    for (const struct json_value *list = json_first(lists); list; list = list->next)
        list_row(call, list);
    HTML(html, RAW("</tbody></table><p class=\"meta\">"), SAY("indicators.read"), RAW(" "),
         TIME(of_int(answer, "read_ns")), RAW("</p></section>"));
}

static void newest(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    if (of_int(answer, "due_ns") > call->html.now_ns) {
        HTML(html, RAW("<p id=\"due\">"), SAY("hunts.due"), RAW(" "), TIME(of_int(answer, "due_ns")), RAW("</p>"));
    }
    if (of_int(answer, "hunt") > 0)
        HTML(html, RAW("<p><a href=\"/hunts/"), INT(of_int(answer, "hunt")), RAW("\">"), SAY("indicators.newest"),
             RAW("</a></p>"));
}

static void form(struct web_call *call, const struct json_value *answer)
{
    struct html *html = &call->html;
    if (!of_bool(answer, "may_change") || !of_bool(answer, "configured"))
        return;
    HTML(html, RAW("<section class=\"card\"><h2>"), SAY("indicators.start"),
         RAW("</h2><form class=\"stack\" method=\"post\" action=\"/indicators\">"));
    part_csrf(call);
    hunts_range(call, of_int(answer, "days"));
    HTML(html, RAW("<p class=\"buttons\"><button>"), SAY("hunts.start"), RAW("</button></p></form></section>"));
}

void indicators_ask(struct web_call *call)
{
    call_ask_plain(call, WEB_DESK, "indicator.list");
    call_ask_plain(call, WEB_DESK, "indicator.own");
}

void indicators_show(struct web_call *call, size_t at, const struct json_value *failed, struct str error)
{
    struct html *html = &call->html;
    if (call_failed_at(call, at) || call_failed_at(call, at + 1))
        return;
    const struct json_value *answer = call_answer(call, at);
    call_page(call, "indicators.title", SECTION_RULES);
    HTML(html, RAW("<div class=\"heading\"><h1>"), SAY("indicators.title"), RAW("</h1>"));
    rule_tabs(call, "/indicators");
    HTML(html, RAW("</div>"));
    if (error.n > 0)
        part_error(call, error, of_str(failed, "field"), of_str(failed, "text"));
    behind_show(call, json_get(answer, "lists_behind"), "indicators.behind", "lists-behind");
    HTML(html, RAW("<p>"));
    SAY_WITH(html, "indicators.about", NUMBER(of_int(answer, "days")));
    HTML(html, RAW("</p><p class=\"hint\">"));
    SAY_WITH(html, "indicators.distance", NUMBER(of_int(answer, "minutes")));
    HTML(html, RAW("</p>"));
    own_lists_show(call, call_answer(call, at + 1), of_str(failed, "field"));
    newest(call, answer);
    table(call, answer);
    form(call, answer);
    call_page_end(call, error.n > 0 ? status_of_error(error) : 200);
}

void page_indicators(struct web_call *call)
{
    if (call->phase == 0)
        indicators_ask(call);
    else
        indicators_show(call, 0, NULL, STR(""));
}

void act_indicators_hunt(struct web_call *call)
{
    int64_t from_ns;
    int64_t to_ns;
    if (call->phase == 0 && !hunts_range_read(call, &from_ns, &to_ns)) {
        call_fail(call, 422, STR("bad_time"), STR(""));
    } else if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "hunt.start");
        json_put_bool(buf, "lists", true);
        json_put_int(buf, "from_ns", from_ns);
        json_put_int(buf, "to_ns", to_ns);
        call_ask_end(call);
    } else if (call->phase > 1) {
        indicators_show(call, 1, NULL, call_error(call, 0));
    } else if (call_error(call, 0).n == 0) {
        call_redirect_slice(call, call_format(call, "/hunts/%lld", (long long)of_int(call_answer(call, 0), "id")));
    } else if (str_is(call_error(call, 0), "session_ended")) {
        call_fail(call, 401, call_error(call, 0), STR(""));
    } else {
        indicators_ask(call);
    }
}
