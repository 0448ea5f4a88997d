/* The ledger by source and hour: received, acknowledged, parsed, and what was lost, by whom and why. */
#include "base/civil.h"
#include "web/events.h"
#include "web/parts.h"
#include "web/route.h"

#define SIZE          100
#define DAY_NS        (DAY_S * SECOND_NS)
#define SOURCE_DIGITS 32

/* Who lost it; texts: loss_by.KEY. */
static const struct {
    const char *cause;
    const char *who;
} losers[] = {
    {"queue", "kernel"},    {"audit", "kernel"},    {"cut", "service"},      {"crowded", "service"},
    {"places", "service"},  {"stopped", "service"}, {"clock", "service"},    {"piece", "way"},
    {"missed", "way"},      {"form", "sender"},     {"time_back", "sender"}, {"time_ahead", "sender"},
    {"silent", "sender"},   {"spool", "agent"},     {"spool_lost", "agent"}, {"sequence", "way"},
    {"stranger", "sender"}, {"address", "sender"},  {"tls", "sender"},       {"large", "sender"},
    {"behind", "service"},  {"hit", "service"},
};

static const char *who_lost(struct str cause)
{
    for (size_t i = 0; i < ARRAY_LEN(losers); i++)
        if (str_is(cause, losers[i].cause))
            return losers[i].who;
    return "unknown";
}

struct wish {
    struct str source, day;
    int64_t from_ns, to_ns;
};

static struct wish wish_read(struct web_call *call)
{
    struct wish wish = {.source = form_get(&call->query, "source"), .day = form_get(&call->query, "day")};
    struct str begin = call_format(call, "%.*sT00:00", STR_ARG(str_slice(wish.day, 0, 10)));
    if (wish.day.n != 10 || !time_of_input(begin, call->html.zone_s, &wish.from_ns))
        wish.day = STR("");
    else
        wish.to_ns = wish.from_ns + DAY_NS;
    if (!is_hex(wish.source, SOURCE_DIGITS))
        wish.source = STR("");
    return wish;
}

static void filter_form(struct web_call *call, const struct wish *wish)
{
    struct html *html = &call->html;
    HTML(html, RAW("<form class=\"query filters\" method=\"get\" action=\"/losses/hours\">"));
    if (wish->source.n)
        part_hidden(call, "source", wish->source);
    part_input(call, "day", "losses.day", wish->day, INPUT_DATE);
    HTML(html, RAW("<button class=\"main\">"), SAY("losses.filter"), RAW("</button>"));
    if (wish->source.n || wish->day.n)
        HTML(html, RAW(" <a class=\"button\" href=\"/losses/hours\">"), SAY("losses.everything"), RAW("</a>"));
    HTML(html, RAW("</form>"));
}

static void lost(struct web_call *call, const struct json_value *rows)
{
    struct html *html = &call->html;
    part_cell(call, "hours.lost");
    for (const struct json_value *l = json_first(rows); l; l = l->next) {
        int64_t count = of_int(l, "count");
        bool unknown = of_bool(l, "unknown");
        HTML(html, RAW("<div class=\"bad\">"));
        if (unknown && count > 0)
            HTML(html, RAW("\xe2\x89\xa5\xc2\xa0"));
        if (unknown && count == 0)
            HTML(html, SAY("losses.not_known"));
        else
            HTML(html, NUMBER(count), RAW(" "), SAY_OF("losses.unit_", of_str(l, "unit")));
        HTML(html, RAW(" <small>"), SAY_OF("loss_by.", str_of(who_lost(of_str(l, "cause")))), RAW(": "),
             SAY_OF("loss_cause.", of_str(l, "cause")), RAW("</small></div>"));
    }
    HTML(html, RAW("</td></tr>"));
}

static void row(struct web_call *call, const struct json_value *r)
{
    struct html *html = &call->html;
    struct str name = of_str(r, "name");
    int64_t received = of_int(r, "received"), known = of_int(r, "acknowledged");
    HTML(html, RAW("<tr><th scope=\"row\">"), TIME(of_int(r, "from_ns")), RAW("</th>"));
    part_cell(call, "losses.source");
    HTML(html, RAW("<a href=\"/losses/hours?source="), URL(of_str(r, "source")), RAW("\">"),
         ESC(name.n ? name : of_str(r, "source")), RAW("</a> <small>"), SAY_OF("source_kind.", of_str(r, "kind")),
         RAW("</small></td>"));
    part_cell_classed(call, "hours.received", "number");
    HTML(html, NUMBER(received), RAW("</td>"));
    part_cell_classed(call, "hours.wait", "number");
    if (known > 0)
        HTML(html, FIXED(MAX(of_int(r, "wait_us"), 0)), RAW(" <small>"), FIXED(MAX(of_int(r, "wait_max_us"), 0)),
             RAW("</small></td>"));
    else
        HTML(html, RAW("\xe2\x80\x94</td>"));
    part_cell_classed(call, "hours.parsed", "number");
    HTML(html, NUMBER(of_int(r, "parsed")));
    if (received > 0)
        HTML(html, RAW(" <small>"), INT((int64_t)((double)of_int(r, "parsed") * 100 / (double)received)),
             RAW("\xc2\xa0%</small>"));
    HTML(html, RAW("</td>"));
    lost(call, json_get(r, "lost"));
}

static void pager(struct web_call *call, const struct wish *wish, int64_t total)
{
    char text[128];
    struct buf path;
    buf_init_fixed(&path, text, sizeof text);
    buf_format(&path, "/losses/hours?source=%.*s&day=%.*s&offset=", STR_ARG(wish->source), STR_ARG(wish->day));
    part_pager(call, buf_z(&path), part_offset(call), SIZE, total);
}

void page_hours(struct web_call *call)
{
    static const char *const heads[] = {
        "hours.hour", "losses.source", "#hours.received", "#hours.wait", "#hours.parsed", "hours.lost", NULL};
    struct html *html = &call->html;
    struct wish wish = wish_read(call);
    if (call->phase == 0) {
        struct buf *buf = call_ask(call, WEB_DESK, "loss.hours");
        json_put_str(buf, "source", wish.source);
        json_put_int(buf, "from_ns", wish.from_ns);
        json_put_int(buf, "to_ns", wish.to_ns);
        json_put_int(buf, "offset", part_offset(call));
        json_put_int(buf, "limit", SIZE);
        call_ask_end(call);
        return;
    }
    if (call_failed(call))
        return;
    const struct json_value *answer = call_answer(call, 0);
    const struct json_value *rows = json_get(answer, "hours");
    call_page(call, "hours.title", SECTION_ARCHIVE);
    HTML(html, RAW("<h1>"), SAY("hours.title"), RAW("</h1><p class=\"about\">"), SAY("hours.about"),
         RAW(" <a href=\"/losses\">"), SAY("losses.title"), RAW("</a></p>"));
    filter_form(call, &wish);
    if (!json_first(rows)) {
        HTML(html, RAW("<p class=\"empty\">"), SAY("hours.empty"), RAW("</p>"));
    } else {
        HTML(html, RAW("<table class=\"rows\" id=\"hours\">"));
        part_heads(call, heads);
        HTML(html, RAW("<tbody>"));
        for (const struct json_value *r = json_first(rows); r; r = r->next)
            row(call, r);
        HTML(html, RAW("</tbody></table>"));
    }
    pager(call, &wish, of_int(answer, "total"));
    call_page_end(call, 200);
}
